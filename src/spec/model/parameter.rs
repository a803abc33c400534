use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One SSM parameter: exactly one of `value`, `env`, `generate` and `external` says where its value is from.
/// A bare string stands for `{ value = "…" }`.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameter {
    /// A text, which may hold `{databases.payload.endpoint}` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The environment variable that holds the value when `apply` runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Made once by the first apply, and kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
    /// Somebody else sets it; it must be there.
    #[serde(default)]
    pub external: bool,
    /// Whether it is a SecureString. Unless set: yes, except for a `value` that holds nothing secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<bool>,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub tier: ParameterTier,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Generate {
    /// Letters and digits.
    #[schemars(range(min = 16, max = 128))]
    pub length: usize,
}

/// Standard holds 4 KB for nothing, advanced 8 KB for money. AWS never turns advanced into standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterTier {
    #[default]
    Standard,
    Advanced,
    IntelligentTiering,
}

/// Written out for the shorthand: a bare string is a `value`. (Serde's `untagged` would swallow unknown keys.)
impl<'de> Deserialize<'de> for Parameter {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        struct Table {
            value: Option<String>,
            env: Option<String>,
            generate: Option<Generate>,
            #[serde(default)]
            external: bool,
            secret: Option<bool>,
            #[serde(default)]
            description: String,
            #[serde(default)]
            tier: ParameterTier,
        }
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Parameter;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or a table")
            }
            fn visit_str<E>(self, value: &str) -> Result<Parameter, E> {
                Ok(Parameter { value: Some(value.to_owned()), ..Parameter::default() })
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Parameter, A::Error> {
                let Table { value, env, generate, external, secret, description, tier } =
                    Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Parameter { value, env, generate, external, secret, description, tier })
            }
        }
        deserializer.deserialize_any(Either)
    }
}
