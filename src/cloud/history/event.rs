//! Events of CloudTrail: which of them changed an object, and who called
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>).

use serde::Deserialize;
use serde_json::Value;

use super::{LastChange, Subject};

/// One event as `LookupEvents` tells it.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The record, JSON.
    pub record: String,
    /// The names of the resources that it is about.
    pub resources: Vec<String>,
}

/// Calls that name an object because they use it, and leave it as it is: where tasks start and stop, they are far more
/// than all others.
const USES: &[&str] = &[
    "AssumeRole",
    "CreateLogStream",
    "CreateNetworkInterface",
    "DeleteNetworkInterface",
    "DeregisterContainerInstance",
    "DeregisterTargets",
    "ModifyNetworkInterfaceAttribute",
    "RegisterContainerInstance",
    "RegisterTargets",
    "RunInstances",
    "RunTask",
    "StartTask",
    "StopTask",
    "SubmitContainerStateChange",
    "SubmitTaskStateChange",
    "TerminateInstances",
];

/// A record, as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Record {
    user_identity: Identity,
    event_time: String,
    event_name: String,
    user_agent: Option<String>,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: Option<String>,
    /// Of a call that failed, and so changed nothing.
    error_code: Option<String>,
    /// Older versions of records say nothing.
    read_only: Option<bool>,
    /// Text, in spite of what it says.
    session_credential_from_console: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Identity {
    r#type: String,
    principal_id: Option<String>,
    arn: Option<String>,
    account_id: Option<String>,
    user_name: Option<String>,
    invoked_by: Option<String>,
}

/// The newest of these events that changed the subject, if any did. A call of Baseplate's own (`app` is its name in the user
/// agent) has put right what was before it, and so nothing before it is looked at.
pub fn last_change(subject: &Subject, events: &[Event], app: &str) -> Option<LastChange> {
    let mut changes: Vec<Record> = events.iter().filter_map(|event| changes(subject, event)).collect();
    // Times of one form are in the order of their letters.
    changes.sort_by(|a, b| b.event_time.cmp(&a.event_time));
    let mut by_hand = changes.iter().take_while(|record| !record.is_own(app));
    let newest = by_hand.next()?;
    Some(LastChange {
        by: newest.user_identity.name(),
        at: newest.event_time.clone(),
        event: newest.event_name.clone(),
        with: newest.program().map(str::to_owned),
        from: newest.source_ip_address.clone(),
        earlier: by_hand.count(),
    })
}

/// Whether any of these events changed the subject, whoever called.
pub fn is_changed(subject: &Subject, events: &[Event]) -> bool {
    events.iter().any(|event| changes(subject, event).is_some())
}

/// The record of an event that changed the subject.
fn changes(subject: &Subject, event: &Event) -> Option<Record> {
    let record: Record = serde_json::from_str(&event.record).ok()?;
    let is_about = event.resources.is_empty() || event.resources.iter().any(|name| subject.names.contains(name));
    let is_in_it = subject.text.as_ref().is_none_or(|text| event.record.contains(text.as_str()));
    let is_read = record.read_only == Some(true);
    let only_uses = !subject.is_by_hand && USES.contains(&record.event_name.as_str());
    let changed = is_about && is_in_it && !is_read && record.error_code.is_none() && !only_uses;
    (changed && !record.event_name.is_empty()).then_some(record)
}

impl Record {
    /// Whether Baseplate called.
    fn is_own(&self, app: &str) -> bool {
        let agent = self.user_agent.as_deref().unwrap_or_default();
        let mut parts = agent.split_whitespace();
        agent.contains("aws-sdk-rust/") && parts.any(|part| part.strip_prefix("app/") == Some(app))
    }

    /// With what it was called, where that is one of those that most changes are made with.
    fn program(&self) -> Option<&'static str> {
        let from_console = match &self.session_credential_from_console {
            Some(Value::Bool(is_so)) => *is_so,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let agent = self.user_agent.as_deref().unwrap_or_default();
        const AGENTS: &[(&str, &str)] = &[
            ("console.amazonaws.com", "console"),
            ("console.aws.amazon.com", "console"),
            ("signin.amazonaws.com", "console"),
            ("exec-env/CloudShell", "CloudShell"),
            ("Terraform", "Terraform"),
            ("OpenTofu", "OpenTofu"),
            ("Pulumi", "Pulumi"),
            ("aws-cli/", "AWS CLI"),
            ("Boto3/", "boto3"),
        ];
        let known = || AGENTS.iter().find(|(text, _)| agent.contains(text)).map(|(_, program)| *program);
        if from_console { Some("console") } else { known() }
    }
}

impl Identity {
    /// For people, as exact as the record is.
    fn name(&self) -> String {
        let Self { r#type, principal_id, arn, account_id, user_name, invoked_by } = self;
        let name = match (r#type.as_str(), arn, user_name.as_ref().or(principal_id.as_ref()), account_id) {
            (_, Some(arn), _, _) => arn.clone(),
            ("AWSService", None, _, _) => return invoked_by.clone().unwrap_or_else(|| "an AWS service".to_owned()),
            (_, None, Some(name), Some(account)) => format!("{name} of account {account}"),
            (_, None, Some(name), None) => name.clone(),
            (_, None, None, Some(account)) => format!("account {account}"),
            (_, None, None, None) => "somebody whom CloudTrail does not name".to_owned(),
        };
        match invoked_by {
            Some(service) => format!("{name} through {service}"),
            None => name,
        }
    }
}

#[cfg(test)]
mod tests;
