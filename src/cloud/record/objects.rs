use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Capture, Record};
use crate::applied::Applied;
use crate::kinds::{AnyKind, User, Users, find};
use crate::value::walk::{Link, links};

/// One change of a capture. It holds the state after it, so that it is idempotent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// The object takes the place of the one with its id, if there is one.
    Put {
        object: Record,
        next_id: u64,
    },
    Delete {
        kind: String,
        id: String,
    },
    /// The record of what was applied to an environment, by its path; `None` removes it.
    Applied {
        environment: String,
        applied: Option<Applied>,
    },
}

/// A kind, and an id or a name in it: ids are unique within a kind only, since AWS takes names for those of some.
type Key = (String, String);

/// A capture with indices of its objects by id, by name and by what they refer to.
pub struct Objects {
    /// All of the capture but its objects.
    head: Capture,
    /// In the order of the file, by a number that only grows.
    records: BTreeMap<u64, Record>,
    next: u64,
    by_id: HashMap<Key, u64>,
    by_name: HashMap<Key, BTreeSet<u64>>,
    users: HashMap<Key, BTreeSet<u64>>,
    /// Whether the file that this was read from has changes after its document.
    pub has_appended_changes: bool,
}

impl Objects {
    /// Of two objects with one id, the later one is taken.
    pub fn of(mut capture: Capture) -> Self {
        let records = std::mem::take(&mut capture.objects);
        let mut objects = Self {
            head: capture,
            records: BTreeMap::new(),
            next: 0,
            by_id: HashMap::with_capacity(records.len()),
            by_name: HashMap::new(),
            users: HashMap::new(),
            has_appended_changes: false,
        };
        records.into_iter().for_each(|record| objects.put(record));
        objects
    }

    pub fn head(&self) -> &Capture {
        &self.head
    }

    /// All of it, in the shape of a file.
    pub fn capture(&self) -> Capture {
        Capture { objects: self.records.values().cloned().collect(), ..self.head.clone() }
    }

    pub fn into_capture(self) -> Capture {
        Capture { objects: self.records.into_values().collect(), ..self.head }
    }

    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    pub fn get(&self, kind: &str, id: &str) -> Option<&Record> {
        self.records.get(self.by_id.get(&key(kind, id))?)
    }

    /// The first object of this kind that has the name in these attributes.
    pub fn with_same_name(&self, kind: &dyn AnyKind, attrs: &Value) -> Option<&Record> {
        let name = name_of(kind, attrs)?;
        self.records.get(self.by_name.get(&name)?.first()?)
    }

    /// The first other object that refers to the id of this one.
    pub fn user(&self, kind: &str, id: &str) -> Option<&Record> {
        let own = self.by_id.get(&key(kind, id));
        let users = self.users.get(&key(kind, id))?;
        self.records.get(users.iter().find(|user| Some(*user) != own)?)
    }

    /// All other objects that refer to the id of this one.
    pub fn users(&self, kind: &str, id: &str) -> Users<'_> {
        let own = self.by_id.get(&key(kind, id));
        let users = self.users.get(&key(kind, id)).into_iter().flatten().filter(|user| Some(*user) != own);
        let users = users.filter_map(|user| self.records.get(user)).map(|record| User {
            address: &record.address,
            attrs: &record.attrs,
            stays: true,
            moves_on: false,
        });
        Users::new(users.collect(), None)
    }

    pub fn make(&mut self, change: Change) {
        match change {
            Change::Put { object, next_id } => {
                self.head.next_id = next_id;
                self.put(object);
            }
            Change::Delete { kind, id } => {
                if let Some(number) = self.by_id.remove(&(kind, id)) {
                    self.forget(number);
                    self.records.remove(&number);
                }
            }
            Change::Applied { environment, applied: Some(applied) } => {
                self.head.applied.insert(environment, applied);
            }
            Change::Applied { environment, applied: None } => {
                self.head.applied.remove(&environment);
            }
        }
    }

    fn put(&mut self, record: Record) {
        let id = key(record.address.kind(), &record.id);
        let number = match self.by_id.get(&id) {
            Some(&number) => {
                self.forget(number);
                number
            }
            None => {
                self.next += 1;
                self.next
            }
        };
        self.by_id.insert(id, number);
        if let Some(name) = name(&record) {
            self.by_name.entry(name).or_default().insert(number);
        }
        for used in uses(&record) {
            self.users.entry(used).or_default().insert(number);
        }
        self.records.insert(number, record);
    }

    /// Takes it out of the indices of names and users.
    fn forget(&mut self, number: u64) {
        let Some(record) = self.records.get(&number) else { return };
        let take = |index: &mut HashMap<Key, BTreeSet<u64>>, key: Key| {
            if let Some(numbers) = index.get_mut(&key) {
                numbers.remove(&number);
                if numbers.is_empty() {
                    index.remove(&key);
                }
            }
        };
        if let Some(name) = name(record) {
            take(&mut self.by_name, name);
        }
        for used in uses(record) {
            take(&mut self.users, used);
        }
    }
}

fn key(kind: &str, id: &str) -> Key {
    (kind.to_owned(), id.to_owned())
}

fn name_of(kind: &dyn AnyKind, attrs: &Value) -> Option<Key> {
    let name = attrs.get(kind.identity()?)?;
    Some(key(kind.name(), &name.to_string()))
}

/// The unique name of an object, where its kind has such.
pub fn name(record: &Record) -> Option<Key> {
    name_of(find(record.address.kind())?, &record.attrs)
}

fn uses(record: &Record) -> Vec<Key> {
    let of_id = |link| match link {
        Link::Id { kind, output, id } if output == "id" => Some((kind, id)),
        _ => None,
    };
    links(&record.attrs).into_iter().filter_map(of_id).collect()
}
