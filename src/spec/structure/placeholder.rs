//! Values for places where nothing can be read, so that the rest of a spec can still be looked at. What is wrong only
//! because of a placeholder is told apart by taking another: it is not wrong with both.

use serde_json::Value;

use super::{constants, range, resolve, types};
use crate::spec::place::Place;
use crate::spec::source::{Data, Entry, Node};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The first of an enum, the least number, no more entries than there must be.
    Least,
    /// The last, the greatest, every entry that can be.
    Most,
}

impl Placeholder {
    /// A node that the types accept where `schema` is due, as if written at `place`.
    pub fn node(self, root: &Value, schema: &Value, place: &Place) -> Node {
        Node { data: self.data(root, schema, place), place: place.clone() }
    }

    fn pick<T>(self, least: T, most: T) -> T {
        match self {
            Self::Least => least,
            Self::Most => most,
        }
    }

    fn data(self, root: &Value, schema: &Value, place: &Place) -> Data {
        let mut schema = resolve(root, schema);
        while let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            let filled = choices.iter().find(|choice| choice.get("type").is_none_or(|name| name != "null"));
            schema = resolve(root, filled.unwrap_or(&Value::Null));
        }
        if let Some(names) = constants(schema) {
            let name = self.pick(names.first(), names.last());
            return Data::String(name.copied().unwrap_or_default().to_owned());
        }
        match types(schema).first().copied() {
            Some("object") => self.table(root, schema, place),
            Some("array") => {
                let item = schema.get("items");
                let item = |placeholder: &Self| Some(placeholder.node(root, item?, place));
                Data::Array(self.several().iter().filter_map(item).collect())
            }
            Some("integer" | "number") => {
                let (least, most) = range(schema);
                Data::Integer(self.pick(least, most))
            }
            Some("boolean") => Data::Boolean(self == Self::Most),
            _ if schema.get("format").is_some_and(|format| format == "ipv4-cidr") => {
                // Of class E: no network's own.
                Data::String(self.pick("240.0.0.0/24", "240.1.0.0/24").to_owned())
            }
            _ => Data::String(self.pick("a", "b").to_owned()),
        }
    }

    fn table(self, root: &Value, schema: &Value, place: &Place) -> Data {
        let entry = |key: &str, placeholder: Self, schema| {
            let node = placeholder.node(root, schema, place);
            (key.to_owned(), Entry { key: place.clone(), order: 0, node })
        };
        let required = schema.get("required").and_then(Value::as_array);
        let is_due = |key: &String| {
            self == Self::Most || required.is_some_and(|keys| keys.iter().any(|due| due == key.as_str()))
        };
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let due = properties.filter(|(key, _)| is_due(key)).map(|(key, schema)| entry(key, self, schema));
        let any = schema.get("additionalProperties").filter(|any| any.is_object());
        let any = |placeholder: &Self| Some(entry(placeholder.pick("a", "b"), *placeholder, any?));
        Data::Table(due.chain(self.several().iter().filter_map(any)).collect())
    }

    /// What fills a table or an array of any size: where something must be of one kind or another, both are there.
    fn several(self) -> &'static [Self] {
        self.pick(&[], &[Self::Least, Self::Most])
    }
}
