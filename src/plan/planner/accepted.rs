//! What was changed by hand and stays so, because the spec accepts it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Planner;
use crate::graph::DesiredObject;
use crate::plan::diff::Difference;
use crate::plan::{Origin, Unmanaged, UnmanagedSort};
use crate::spec::Accept;

/// How a note about an entry begins.
pub const ENTRY: &str = "[[accept]]";

impl Planner<'_> {
    /// The entry that accepts this, in force today.
    pub(super) fn accepts(&mut self, address: &str, field: Option<&str>) -> Option<String> {
        let today = &self.options.today;
        let mut why = None;
        for (index, entry) in self.context.env.accept.iter().enumerate() {
            if entry.covers_drift(address, field) {
                self.accepted_entries.insert(index);
                why = why.or(Some(entry).filter(|entry| entry.holds(today)).map(|entry| entry.why.clone()));
            }
        }
        why
    }

    /// The fields that keep their live value. One of which the spec asks for something else now is not among them.
    pub(super) fn accepted_fields(
        &mut self,
        object: &DesiredObject,
        desired: &Value,
        index: usize,
        different: &[Difference],
    ) -> BTreeSet<String> {
        if !self.context.env.accept.iter().any(Accept::is_drift) {
            return BTreeSet::new();
        }
        let live = &self.found[index].live;
        let mut fields: BTreeSet<String> =
            different.iter().map(|difference| difference.field().to_owned()).collect();
        let requested = different
            .iter()
            .filter(|difference| self.origin(object, desired, live, difference) == Origin::Requested);
        for difference in requested {
            fields.remove(difference.field());
        }
        let address = object.address.to_string();
        let mut accepted = BTreeSet::new();
        for field in fields {
            let Some(why) = self.accepts(&address, Some(&field)) else { continue };
            let value = live.attrs.as_ref().and_then(|attrs| attrs.get(&field)).unwrap_or(&Value::Null);
            let shown = self.names.field(&field, value, &Value::Null, &[]);
            let value = match shown.before {
                _ if shown.secret => "(sensitive value)".to_owned(),
                Value::String(text) => text,
                other => other.to_string(),
            };
            self.unmanaged.push(Unmanaged {
                address: Some(object.address.clone()),
                sort: UnmanagedSort::Setting,
                name: field.clone(),
                value,
                danger: None,
                accepted: Some(why),
            });
            accepted.insert(field);
        }
        accepted
    }

    /// Entries for what nobody changed by hand, or no longer.
    pub(super) fn unused_entries(&self) -> Vec<String> {
        let all = self.context.env.accept.iter().enumerate();
        let unused = all.filter(|(index, entry)| entry.is_drift() && !self.accepted_entries.contains(index));
        unused
            .map(|(_, Accept { what, .. })| {
                format!("{ENTRY} \"{what}\": nothing changed by hand is what it accepts; remove the entry")
            })
            .collect()
    }
}
