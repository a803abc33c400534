use std::fmt::Write;

use serde::Serialize;

use super::Paint;
use crate::value::{Address, one_line};

/// A live object of an environment.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    pub address: Address,
    /// AWS's id for it, as a reference to it has it.
    pub id: String,
    /// Whether all environments of the project share it.
    pub shared: bool,
    /// Whether it is only referred to, and never written.
    pub external: bool,
    /// Whether the spec has it: an apply deletes what it has not.
    pub in_spec: bool,
}

/// The live objects of an environment, one in each line.
pub fn list_text(objects: &[Listed], title: &str, is_filtered: bool, paint: Paint) -> String {
    if objects.is_empty() {
        let nothing = if is_filtered { "Nothing that is live is called so." } else { "Nothing is live." };
        return format!("{}\n\n{nothing}\n", paint.bold(&one_line(title)));
    }
    let mut out = format!("{}\n\n", paint.bold(&one_line(title)));
    let rows: Vec<(String, String)> =
        objects.iter().map(|object| (one_line(&object.address.to_string()), one_line(&object.id))).collect();
    let width = |of: fn(&(String, String)) -> &String| rows.iter().map(|row| of(row).chars().count()).max();
    let (addresses, ids) = (width(|row| &row.0).unwrap_or(0), width(|row| &row.1).unwrap_or(0));
    for (object, (address, id)) in objects.iter().zip(&rows) {
        let notes =
            [(object.shared, "shared"), (object.external, "external"), (!object.in_spec, "not in the spec")];
        let notes: Vec<&str> = notes.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note).collect();
        let line = match notes.is_empty() {
            true => format!("  {address:<addresses$}  {id}"),
            false => format!("  {address:<addresses$}  {id:<ids$}  {}", paint.yellow(&notes.join(", "))),
        };
        let _ = writeln!(out, "{line}");
    }
    let count = |is: fn(&Listed) -> bool| objects.iter().filter(|object| is(object)).count();
    let (all, shared, left) = (objects.len(), count(|one| one.shared), count(|one| !one.in_spec));
    let objects = if all == 1 { "1 object".to_owned() } else { format!("{all} objects") };
    let shared =
        if shared == 0 { String::new() } else { format!(", {shared} shared by the project's environments") };
    let left = if left == 0 { String::new() } else { format!(", {left} not in the spec") };
    let _ = writeln!(out, "\n{objects}{shared}{left}.");
    out
}
