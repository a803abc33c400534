//! `[parameters]`: SSM parameters, whose texts may hold what other objects come to.

mod validate;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::kinds::example::{Example, change};
use crate::spec::{Check, Entries, Environment, Keyed, Section, TextPart, Unknown};
use crate::value::{Part, Text};

/// `[parameters]`.
pub struct Parameters;

/// For the tests of every kind.
pub const EXAMPLES: &[Example] = &[Example {
    spec: r#"
[parameters]
"shop/greeting" = "Hello from {project} in {region}"
"shop/mode" = { value = "strict", description = "How orders are checked", tier = "advanced" }
"shop/again" = "{parameters.shop/greeting}!"
"shop/key" = { env = "WEATHER_API_KEY", secret = true, protect = false }
"shop/session" = { generate = { length = 40 }, protect = false }
"#,
    changes: &[
        change(
            "Hello",
            "Good day",
            &["update ssm_parameter.shop/again: value", "update ssm_parameter.shop/greeting: value"],
        ),
        change(
            "How orders are checked",
            "How orders are looked at",
            &["update ssm_parameter.shop/mode: description"],
        ),
        change("\"strict\"", "\"lax\"", &["update ssm_parameter.shop/mode: value"]),
        change("tier = \"advanced\"", "tier = \"standard\"", &["update ssm_parameter.shop/mode: tier"]),
        change("\"shop/again\" = \"{parameters.shop/greeting}!\"\n", "", &["delete ssm_parameter.shop/again"]),
    ],
}];

impl Section for Parameters {
    const KEY: &'static str = "parameters";
    const DESCRIPTION: Option<&'static str> =
        Some("SSM parameters by their name under `/<project>/<environment>/`.");
    const TEXTS: &'static [TextPart] =
        &[("parameters.…", "the value of a parameter; of a secret, only in other parameters")];
    const ENTRY_TABLE: Option<&'static str> = Some("");

    type Value = Keyed<Parameter>;

    fn entries(value: &mut Self::Value) -> Option<&mut dyn Entries> {
        Some(value)
    }

    fn validate(check: &mut Check<'_>) {
        validate::parameters(check);
    }

    fn part(env: &Environment, key: &str) -> Result<Part, Unknown> {
        let table = env.section::<Self>();
        if !table.contains_key(key) {
            return Err(Unknown::key("parameter", key, table));
        }
        Ok(Part::output(KIND, key, VALUE))
    }
}

/// What holds the value of a parameter in a text.
const KIND: &str = "ssm_parameter";
const VALUE: &str = "value";

/// The key of the parameter whose value a part of a text is.
fn parameter_of(part: &Part) -> Option<&str> {
    match part {
        Part::Output { address, output } if address.kind() == KIND && output == VALUE => Some(address.name()),
        _ => None,
    }
}

/// Whether a text holds the value of a secret parameter.
pub fn holds_secret(env: &Environment, text: &Text) -> bool {
    text.parts.iter().filter_map(parameter_of).any(|key| is_secret(env, key))
}

/// Whether the parameter with this key is a SecureString: as its spec says, else unless its value is a text that holds
/// nothing secret.
pub fn is_secret(env: &Environment, key: &str) -> bool {
    // Each is looked at once: texts may hold one another twice over, or in a cycle, which checking reports.
    let mut seen = BTreeSet::new();
    let mut next = vec![key.to_owned()];
    while let Some(key) = next.pop() {
        let parameter = env.section::<Parameters>().get(&key);
        match parameter.map(|parameter| (parameter.secret, &parameter.value)) {
            // A database's password.
            None => return true,
            Some((Some(true), _) | (None, None)) => return true,
            Some((None, Some(value))) if seen.insert(key) => next.extend(held(env, value)),
            Some(_) => {}
        }
    }
    false
}

/// The keys of the parameters whose values a text holds.
fn held(env: &Environment, template: &str) -> Vec<String> {
    env.text(template).parts.iter().filter_map(parameter_of).map(str::to_owned).collect()
}

/// One SSM parameter: exactly one of `value`, `env`, `generate` and `external` says where its value is from.
/// A bare string stands for `{ value = "…" }`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Parameter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
    pub external: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<bool>,
    pub description: String,
    pub tier: ParameterTier,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protect: Option<bool>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Generate {
    /// How many letters and digits.
    #[schemars(range(min = 16, max = 128))]
    pub length: usize,
}

/// Standard holds 4 KB free of charge, advanced 8 KB at a charge. AWS never turns advanced into standard: a plain
/// parameter is recreated then, a secret one stays advanced, because its value could be lost in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterTier {
    #[default]
    Standard,
    Advanced,
    IntelligentTiering,
}

impl ParameterTier {
    /// Bytes that a value may have, from `PutParameter` in SSM's API reference.
    pub fn most(self) -> usize {
        match self {
            Self::Standard => 4096,
            Self::Advanced | Self::IntelligentTiering => 8192,
        }
    }
}

/// Where the value of a parameter comes from, and what kind of parameter it is.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "ParameterTable")]
struct Table {
    /// A text, which may hold `{databases.main.endpoint}` and the like.
    #[schemars(extend("x-placeholders" = "outputs"))]
    value: Option<String>,
    /// The environment variable that holds the value when `apply` runs.
    env: Option<String>,
    /// Made once by the first apply, and kept.
    generate: Option<Generate>,
    /// Somebody else sets it; it must be there.
    #[serde(default)]
    external: bool,
    /// Whether it is a SecureString. Unless set: yes, except for a `value` that holds nothing secret.
    secret: Option<bool>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tier: ParameterTier,
    /// As the environment's `protect`, for this parameter if it is secret.
    protect: Option<bool>,
}

impl JsonSchema for Parameter {
    fn schema_name() -> Cow<'static, str> {
        "Parameter".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<Table>();
        json_schema!({
            "description": "A text, or a table that says where the value comes from.",
            "anyOf": [{ "type": "string", "x-placeholders": "outputs" }, table],
        })
    }
}

/// Written out for the shorthand: serde's `untagged` would swallow unknown keys.
impl<'de> Deserialize<'de> for Parameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Parameter;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a table")
            }

            fn visit_str<E>(self, value: &str) -> Result<Parameter, E> {
                Ok(Parameter { value: Some(value.to_owned()), ..Parameter::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Parameter, A::Error> {
                let Table { value, env, generate, external, secret, description, tier, protect } =
                    Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Parameter { value, env, generate, external, secret, description, tier, protect })
            }
        }
        deserializer.deserialize_any(Either)
    }
}
