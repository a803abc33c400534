use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Address, tag};

/// Text that may hold outputs of other objects: `http://{…}:1026`. Serialises as a plain string when it holds
/// none, else as `{"$text": [part, …]}`; by the time a kind's `create` sees it, it is plain.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text {
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Literal(String),
    Output { address: Address, output: String },
}

impl Part {
    /// An output of the object of this kind and name.
    pub fn output(kind: &str, name: &str, output: &str) -> Self {
        Self::Output { address: Address::new(kind, name), output: output.to_owned() }
    }
}

impl Text {
    /// The text, where it is plain; what a kind calls in `create` and `update`.
    pub fn plain(&self) -> String {
        self.parts.iter().map(|part| if let Part::Literal(text) = part { text.as_str() } else { "" }).collect()
    }

    pub fn output(address: Address, output: &str) -> Self {
        Self { parts: vec![Part::Output { address, output: output.to_owned() }] }
    }

    pub fn push(&mut self, part: Part) {
        match (self.parts.last_mut(), part) {
            (Some(Part::Literal(end)), Part::Literal(text)) => end.push_str(&text),
            (_, Part::Literal(text)) if text.is_empty() => {}
            (_, part) => self.parts.push(part),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { parts: vec![Part::Literal(text)] }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.parts.iter().all(|part| matches!(part, Part::Literal(_))) {
            return serializer.serialize_str(&self.plain());
        }
        let parts: Vec<Value> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => Value::from(text.as_str()),
                Part::Output { address, output } => {
                    serde_json::json!({ tag::TO: address.to_string(), "output": output })
                }
            })
            .collect();
        serde_json::json!({ tag::TEXT: parts }).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = match Value::deserialize(deserializer)? {
            Value::String(text) => return Ok(text.into()),
            Value::Object(mut map) => match map.remove(tag::TEXT) {
                Some(Value::Array(parts)) => parts,
                _ => return Err(D::Error::custom("expected text")),
            },
            _ => return Err(D::Error::custom("expected text")),
        };
        let mut text = Self::default();
        for part in parts {
            text.push(match part {
                Value::String(literal) => Part::Literal(literal),
                other => {
                    let field = |key: &str| other.get(key).and_then(Value::as_str);
                    let (Some(address), Some(output)) = (field(tag::TO), field("output")) else {
                        return Err(D::Error::custom("expected a reference inside text"));
                    };
                    let address = address.parse().map_err(D::Error::custom)?;
                    Part::Output { address, output: output.to_owned() }
                }
            });
        }
        Ok(text)
    }
}
