use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Preflight;
use super::view::line;
use crate::checks::traffic::TrafficChange;
use crate::checks::{self, Warnings};
use crate::plan::Plan;
use crate::spec::{Reported, Source};
use crate::value::Address;

/// What stands beside a plan in every format, outside its value and its hash.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Beside {
    /// SHA-256 of what the plan does, in hex: `apply --plan-hash` takes it. Left out where the plan is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// What an apply needs and this run does not have: environment variables that new parameters are read from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// What the checks warn of.
    pub warnings: Vec<Reported>,
    /// What they find and the spec accepts.
    pub accepted: Vec<Accepted>,
    /// What changes in who may reach whom; left out where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficChange>,
    /// What AWS answered about the changes; left out where nobody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preflight: Option<Preflight>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Need {
    /// The environment variable.
    pub variable: String,
    /// The parameter whose value it holds.
    pub address: Address,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Accepted {
    #[serde(flatten)]
    pub warning: Reported,
    /// As `[[accept]]` says it.
    pub why: String,
    /// The last day.
    pub until: Option<String>,
}

impl Beside {
    /// `sources` are those of the spec.
    pub fn of(warnings: &Warnings, sources: &[Source]) -> Self {
        let accepted = warnings.accepted.iter().map(|(warning, entry)| Accepted {
            warning: warning.reported(sources),
            why: entry.why.clone(),
            until: entry.until.clone(),
        });
        Self {
            warnings: warnings.open.iter().map(|warning| warning.reported(sources)).collect(),
            accepted: accepted.collect(),
            ..Self::default()
        }
    }

    /// The same with what AWS answered.
    #[must_use]
    pub fn with(self, preflight: Option<&checks::Preflight>, sources: &[Source]) -> Self {
        Self { preflight: preflight.map(|preflight| Preflight::of(preflight, sources)), ..self }
    }

    /// What is bad and unknown of what AWS answered, one line each, and how many answers there are.
    pub fn preflight_lines(&self) -> Vec<String> {
        self.preflight.as_ref().map(Preflight::lines).unwrap_or_default()
    }

    /// A plan as JSON, with this beside its own members.
    pub fn json(&self, plan: &Plan) -> Value {
        let mut document = serde_json::to_value(plan).unwrap_or_default();
        let hash = plan.refused.is_empty().then(|| plan.hash());
        let beside = Self { hash, ..self.clone() };
        if let (Value::Object(document), Ok(Value::Object(beside))) = (&mut document, serde_json::to_value(beside))
        {
            document.extend(beside);
        }
        document
    }

    /// The JSON Schema of such a document.
    pub fn schema() -> Value {
        let (mut schema, beside) = (crate::plan::schema(), schemars::schema_for!(Self).to_value());
        for part in ["properties", "$defs"] {
            let (Some(Value::Object(own)), Some(Value::Object(more))) = (schema.get_mut(part), beside.get(part))
            else {
                continue;
            };
            own.extend(more.clone());
        }
        schema
    }

    /// One line each: `STRIPE_KEY, for ssm_parameter.stripe-key`.
    pub fn needs_lines(&self) -> Vec<String> {
        self.needs.iter().map(|need| format!("{}, for {}", need.variable, need.address)).collect()
    }

    /// One line each: `BP-NET-01 environments/prod.toml:41:8 …`, and how many are accepted.
    pub fn lines(&self) -> Vec<String> {
        let accepted = self.accepted.len();
        let folded = (accepted > 0).then(|| format!("{accepted} accepted in the spec; --json lists them"));
        self.warnings.iter().map(line).chain(folded).collect()
    }
}
