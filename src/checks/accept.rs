//! What the spec accepts of what checks find.

use std::collections::HashMap;

use super::{ALL, place};
use crate::graph::Graph;
use crate::kinds::questions;
use crate::spec::{Accept, Problem, Severity, Spec, Subject};
use crate::value::Address;

/// The code under which an entry is reported that has no effect.
pub const CODE: &str = "BP-ACCEPT-01";

pub struct Accepting<'a> {
    spec: &'a Spec,
    graph: &'a Graph,
    /// The paths of objects' entries, where the spec accepts anything.
    paths: HashMap<&'a Address, String>,
    /// `2026-11-27`.
    today: &'a str,
    /// Whether each entry has matched something.
    used: Vec<bool>,
}

impl<'a> Accepting<'a> {
    pub fn new(spec: &'a Spec, graph: &'a Graph, today: &'a str) -> Self {
        let objects = graph.objects.iter().filter(|_| !spec.env.accept.is_empty());
        let paths = objects.map(|object| (&object.address, object.path())).collect();
        Self { spec, graph, paths, today, used: vec![false; spec.env.accept.len()] }
    }

    /// Whether an entry is about what this check finds of this object.
    pub fn covers(&self, entry: &Accept, code: &str, address: &Address) -> bool {
        let path = self.paths.get(address).map(String::as_str);
        entry.covers(code, &Subject { address: &address.to_string(), path })
    }

    /// The entry that accepts this finding. One that has ended accepts nothing, but is not left over.
    pub fn entry(&mut self, code: &str, address: &Address) -> Option<&'a Accept> {
        let mut accepted = None;
        for (index, entry) in self.spec.env.accept.iter().enumerate() {
            if self.covers(entry, code, address) {
                self.used[index] = true;
                accepted = accepted.or(Some(entry).filter(|entry| entry.holds(self.today)));
            }
        }
        accepted
    }

    /// What an entry may mean whose address or path no object has; `None` where one has it, or none is like it.
    fn meant(&self, entry: &Accept) -> Option<String> {
        let name = entry.parts().1?;
        let is_known = |(address, path): (&&Address, &String)| {
            Subject { address: &address.to_string(), path: Some(path) }.is_called(name)
        };
        if self.paths.iter().any(is_known) { None } else { self.graph.meant(name).question() }
    }

    /// Entries that have matched nothing, with their places in the list.
    pub fn unused(&self) -> impl Iterator<Item = (usize, &'a Accept)> {
        self.spec.env.accept.iter().enumerate().filter(|(index, _)| !self.used[*index])
    }

    /// Entries that match nothing, or nothing that there is. Those of questions wait for their answers.
    pub fn left_over(&self) -> Vec<Problem> {
        let questions = questions();
        // What was changed by hand is a plan's to say.
        let checked = self.unused().filter(|(_, entry)| !entry.is_drift());
        let unused = checked.filter(|(_, entry)| !questions.contains_key(entry.parts().0));
        let report = |(index, entry): (usize, &Accept)| {
            let path = ["accept".to_owned(), index.to_string(), "what".to_owned()];
            let (code, _) = entry.parts();
            let known = ALL.iter().any(|check| check.code == code);
            let (message, help) = match (known, self.meant(entry)) {
                (true, Some(question)) => (format!("`{}` names no object of the spec", entry.what), question),
                (true, None) => (
                    format!("nothing is found that `{}` accepts", entry.what),
                    "remove the entry: what it accepted is gone".to_owned(),
                ),
                (false, _) => {
                    let codes = ALL.iter().map(|check| check.code).chain(questions.keys().copied());
                    let codes: Vec<&str> = codes.collect();
                    let help =
                        format!("checks are: {}; `drift` stands for what was changed by hand", codes.join(", "));
                    (format!("no check has the code `{code}`"), help)
                }
            };
            let problem = Problem::new(message, help);
            Problem { place: place(self.spec, &path), code: Some(CODE), severity: Severity::Warning, ..problem }
        };
        unused.map(report).collect()
    }
}
