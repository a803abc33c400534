//! What was changed by hand and stays so, because the spec accepts it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Planner;
use crate::graph::DesiredObject;
use crate::kinds;
use crate::plan::diff::Difference;
use crate::plan::{Origin, Unmanaged, UnmanagedSort};
use crate::spec::{Accept, Environment, Subject, is_within};
use crate::value::Address;

/// How a note about an entry begins.
pub const ENTRY: &str = "[[accept]]";

/// What an entry has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Met {
    /// What it accepts is there, and it holds no longer.
    Ended,
    /// The spec asks for another value of the attribute now.
    Overruled,
    /// The value of a secret, of which nobody can tell whether it is still the one that was accepted.
    Secret,
    Accepted,
}

impl<'a> Planner<'a> {
    /// Why this is accepted, if an entry that holds today does.
    pub(super) fn accepts(&mut self, address: &str, field: Option<&str>) -> Option<String> {
        let mut why = None;
        for (index, entry) in self.covering(address, field) {
            let holds = entry.holds(&self.options.today);
            self.meet(index, if holds { Met::Accepted } else { Met::Ended });
            why = why.or(Some(entry).filter(|_| holds).map(|entry| entry.why.clone()));
        }
        why
    }

    fn covering(&self, address: &str, field: Option<&str>) -> Vec<(usize, &'a Accept)> {
        let env: &'a Environment = self.context.env;
        if env.accept.is_empty() || self.options.accepts_nothing {
            return Vec::new();
        }
        let object = address.parse::<Address>().ok().and_then(|address| self.spec.get(&address).copied());
        let path = object.map(DesiredObject::path);
        let field_path = object.zip(field).map(|(object, field)| object.field_path(field));
        let subject = Subject { address, path: path.as_deref() };
        let field = field.map(|field| (field, field_path.as_deref()));
        env.accept.iter().enumerate().filter(|(_, entry)| entry.covers_drift(&subject, field)).collect()
    }

    /// Whether it is an address of a known kind, or leads somewhere in the spec; else what was meant.
    fn is_known(&self, pattern: &str) -> Result<(), Option<String>> {
        let name = pattern.split(' ').next().unwrap_or_default();
        let kind = name.split_once('.').map(|(kind, _)| kind);
        let is_address = kind.is_some_and(|kind| kind == "*" || kinds::find(kind).is_some());
        let leads = |object: &&&DesiredObject| {
            let path = object.path();
            is_within(&path, name) || is_within(name, &path)
        };
        if is_address || self.spec.values().any(|object| leads(&object)) {
            return Ok(());
        }
        Err(self.context.graph.meant(name).question())
    }

    fn meet(&mut self, index: usize, met: Met) {
        let known = self.accepted_entries.entry(index).or_insert(met);
        *known = (*known).max(met);
    }

    /// The fields that keep their live value.
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
        let fields: BTreeSet<&str> = different.iter().map(Difference::field).collect();
        let requested = different
            .iter()
            .filter(|difference| self.origin(object, desired, live, difference) == Origin::Requested);
        let requested: BTreeSet<&str> = requested.map(Difference::field).collect();
        let dangers = match &live.attrs {
            Some(attrs) => object.kind.dangers(&object.attrs, attrs),
            None => Vec::new(),
        };
        let address = object.address.to_string();
        let mut accepted = BTreeSet::new();
        for field in fields {
            let value = live.attrs.as_ref().and_then(|attrs| attrs.get(field)).unwrap_or(&Value::Null);
            let shown = self.names.field(field, value, &Value::Null, &[]);
            let stays = match (shown.secret, requested.contains(field)) {
                (true, _) => Some(Met::Secret),
                (false, true) => Some(Met::Overruled),
                (false, false) => None,
            };
            if let Some(met) = stays {
                for (index, _) in self.covering(&address, Some(field)) {
                    self.meet(index, met);
                }
                continue;
            }
            let Some(why) = self.accepts(&address, Some(field)) else { continue };
            let dangers = dangers.iter().filter(|(attribute, _)| *attribute == field);
            let dangers: Vec<&str> = dangers.map(|(_, danger)| danger.as_str()).collect();
            self.unmanaged.push(Unmanaged {
                address: Some(object.address.clone()),
                sort: UnmanagedSort::Setting,
                name: field.to_owned(),
                value: match shown.before {
                    Value::String(text) => text,
                    other => other.to_string(),
                },
                danger: (!dangers.is_empty()).then(|| dangers.join("; ")),
                accepted: Some(why),
            });
            accepted.insert(field.to_owned());
        }
        accepted
    }

    /// Entries that accept nothing, and why.
    pub(super) fn idle_entries(&self) -> Vec<String> {
        let all = self.context.env.accept.iter().enumerate();
        let own = all.filter(|(_, entry)| entry.is_drift() && !self.options.accepts_nothing);
        let told = own.filter_map(|(index, entry)| {
            let why = match self.accepted_entries.get(&index) {
                Some(Met::Accepted) => return None,
                Some(Met::Ended) => {
                    let day = entry.until.as_deref().unwrap_or_default();
                    format!("it ended on {day}, and what it accepted is told again; remove it, or set another day")
                }
                Some(Met::Overruled) => {
                    "the spec asks for another value of that now, and an apply sets it; remove the entry".to_owned()
                }
                Some(Met::Secret) => {
                    "a secret's value cannot be accepted, because nobody keeps it; give the parameter the value, or make \
                     it external (external = true)"
                        .to_owned()
                }
                None => match entry.parts().1.map(|pattern| self.is_known(pattern)) {
                    Some(Err(meant)) => format!(
                        "it names no address and no path of the spec: {}",
                        meant.unwrap_or_else(|| "write it as plans show it, such as ecs_service.web or services.web".to_owned())
                    ),
                    None => "it names no address: write `drift ADDRESS`, or `drift ADDRESS ATTRIBUTE`".to_owned(),
                    Some(Ok(())) => "nothing that was changed by hand matches it; correct its address or attribute, or \
                                remove it"
                        .to_owned(),
                },
            };
            Some(format!("{ENTRY} \"{}\": {why}", entry.what))
        });
        told.collect()
    }
}
