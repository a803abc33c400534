use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Address;

/// What somebody made by hand that no spec asks for, and that an apply leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmanaged {
    /// The object of the environment that has the setting, or that the other object is inside of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    pub sort: UnmanagedSort,
    /// Of a setting, its name: a member of AWS's answers that no attribute holds, or an attribute whose live value the
    /// spec accepts. Of an object, its kind.
    pub name: String,
    /// The setting's value, or the object's id.
    pub value: String,
    /// What it means, where that is dangerous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub danger: Option<String>,
    /// Why the spec accepts it, in the words of `[[accept]]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnmanagedSort {
    Setting,
    Object,
}

impl Unmanaged {
    /// The object that somebody changed or made: the address of one of the environment, or kind and id.
    pub fn object(&self) -> Option<String> {
        match self.sort {
            UnmanagedSort::Setting => self.address.as_ref().map(ToString::to_string),
            UnmanagedSort::Object => Some(format!("{} {}", self.name, self.id())),
        }
    }

    /// Of an object, its id without what a person calls it.
    pub fn id(&self) -> &str {
        self.value.split(" (").next().unwrap_or_default()
    }

    /// One line: `db_instance.main: IAMDatabaseAuthenticationEnabled = true`, `vpc.main: subnet subnet-0a1b`.
    pub fn line(&self) -> String {
        let Self { address, sort, name, value, danger, .. } = self;
        let place = address.as_ref().map(|address| format!("{address}: ")).unwrap_or_default();
        let between = match sort {
            UnmanagedSort::Setting => " = ",
            UnmanagedSort::Object => " ",
        };
        let danger = danger.as_ref().map(|danger| format!(" (now: {danger})")).unwrap_or_default();
        format!("{place}{name}{between}{value}{danger}")
    }
}

/// What is not accepted or dangerous all the same, one line each; the rest by name.
pub fn lines(unmanaged: &[Unmanaged]) -> Vec<String> {
    let (folded, shown): (Vec<&Unmanaged>, Vec<&Unmanaged>) =
        unmanaged.iter().partition(|one| one.accepted.is_some() && one.danger.is_none());
    let line = |one: &&Unmanaged| match &one.accepted {
        Some(why) => format!("{}; accepted in the spec: {why}", one.line()),
        None => one.line(),
    };
    let name = |one: &&Unmanaged| match (&one.address, one.sort) {
        (Some(address), UnmanagedSort::Setting) => format!("{address} {}", one.name),
        _ => format!("{} {}", one.name, one.value),
    };
    let names: Vec<String> = folded.iter().take(NAMED).map(name).collect();
    let more = folded.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let accepted = (!names.is_empty()).then(|| format!("accepted in the spec: {}{more}", names.join(", ")));
    shown.iter().map(line).chain(accepted).collect()
}

/// How many accepted things are named at most.
const NAMED: usize = 8;
