//! What `drift` looks up of the objects that it shows: by which names who changed them may be recorded.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::cloud::{History, Subject};
use crate::kinds::{self, AnyKind, Outputs};
use crate::plan::{Action, Change, ExecutionPlan, Plan, Unmanaged, UnmanagedSort};
use crate::value::Address;

/// The ids and outputs of live objects.
pub struct Known(BTreeMap<Address, (String, Outputs)>);

impl Known {
    /// Those of a plan's changes, and of what it shows besides.
    pub fn of(execution: &ExecutionPlan) -> Self {
        let ExecutionPlan { plan, steps, known_outputs, .. } = execution;
        let changed = plan.changes.iter().zip(steps).filter_map(|(change, step)| {
            let live = step.live.as_ref()?;
            Some((change.address.clone(), (live.id.clone(), live.outputs.clone())))
        });
        let others = plan.unmanaged.iter().filter_map(|one| one.address.as_ref());
        let others = others.filter_map(|address| Some((address.clone(), known_outputs.get(address)?)));
        Self(others.chain(changed).collect())
    }
}

/// The objects that a report shows and the spec does not accept, each once, the dangerous first.
pub fn subjects(plan: &Plan, known: &Known) -> Vec<Subject> {
    let changed = plan.changes.iter().map(|change| (change.dangers.is_empty(), of_change(change, known)));
    let open = plan.unmanaged.iter().filter(|one| one.accepted.is_none());
    let unmanaged = open.map(|one| (one.danger.is_none(), of_unmanaged(one, known)));
    let mut subjects: Vec<(bool, Subject)> =
        changed.chain(unmanaged).filter_map(|(is_harmless, subject)| Some((is_harmless, subject?))).collect();
    subjects.sort_by_key(|(is_harmless, _)| *is_harmless);
    let mut seen = BTreeSet::new();
    let subjects = subjects.into_iter().map(|(_, subject)| subject);
    subjects.filter(|subject| !subject.names.is_empty() && seen.insert(subject.key.clone())).collect()
}

/// What was deleted has no id any more; a unique name of its own is that of the one that will take its place.
fn of_change(change: &Change, known: &Known) -> Option<Subject> {
    let kind = kinds::find(change.address.kind())?;
    if let Some((id, outputs)) = known.0.get(&change.address) {
        let is_by_hand = change.action == Action::Delete;
        return Some(subject(change.address.to_string(), kind, id, outputs, is_by_hand));
    }
    let field = change.fields.iter().find(|field| Some(field.path.as_str()) == kind.identity())?;
    Some(subject(change.address.to_string(), kind, field.after.as_str()?, &Outputs::new(), false))
}

fn of_unmanaged(one: &Unmanaged, known: &Known) -> Option<Subject> {
    match one.sort {
        UnmanagedSort::Setting => {
            let address = one.address.as_ref()?;
            let (id, outputs) = known.0.get(address)?;
            Some(subject(one.object()?, kinds::find(address.kind())?, id, outputs, false))
        }
        UnmanagedSort::Object => {
            Some(subject(one.object()?, kinds::find(&one.name)?, one.id(), &Outputs::new(), true))
        }
    }
}

fn subject(key: String, kind: &dyn AnyKind, id: &str, outputs: &Outputs, is_by_hand: bool) -> Subject {
    Subject {
        key,
        names: kind.event_names(id, outputs),
        text: kind.event_text(id),
        is_global: kind.global_events(),
        is_by_hand,
    }
}

/// A change or something unmanaged as JSON, with `who` last changed it, where that is known.
pub fn with_who(mut one: Value, object: Option<String>, history: &History) -> Value {
    let who = object.and_then(|object| history.found.get(&object));
    if let (Some(members), Some(who)) = (one.as_object_mut(), who) {
        members.insert("who".to_owned(), json!(who));
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let change = |address: &str, action: &str, dangers: &[&str], fields: Value| {
            json!({
                "address": address, "stage": "network", "action": action, "reason": "", "impact": "none", "origin": "drift",
                "dangers": dangers, "depends_on": [], "seconds": 1, "fields": fields,
            })
        };
        let named = |name: &str| json!([{ "path": "name", "before": null, "after": name }]);
        let setting = |address: &str, name: &str| json!({ "address": address, "sort": "setting", "name": name, "value": "1" });
        let made =
            |kind: &str, id: &str| json!({ "address": "vpc.main", "sort": "object", "name": kind, "value": id });
        let mut accepted = setting("vpc.main", "CidrBlockAssociationSet");
        accepted["accepted"] = json!("for the fair");
        let mut dangerous = setting("db_instance.main", "DBParameterGroups");
        dangerous["danger"] = json!("open");
        serde_json::from_value(json!({
            "format_version": crate::plan::FORMAT_VERSION, "project": "town", "environment": "test", "account": "",
            "region": "eu-central-1", "destroy": false, "spec_digest": "", "live_digest": "", "unchanged": 0, "seconds": 0,
            "scheduled": [], "kept": [], "notes": [], "left_to_aws": [], "missing": [],
            "changes": [
                change("subnet.a", "update", &[], json!([])),
                change("security_group_rules.app", "update", &["open to the world"], json!([])),
                change("iam_role.web", "create", &[], named("town-test-web")),
                change("vpc.gone", "create", &[], json!([])),
                change("dns_record.www", "update", &[], json!([])),
                change("listener_rule.extra", "delete", &[], json!([])),
            ],
            "unmanaged": [
                dangerous, setting("db_instance.main", "Iops"), setting("subnet.a", "Instances"), accepted,
                made("security_group", "sg-2 (by-hand)"),
            ],
        }))
        .expect("a plan")
    }

    fn known() -> Known {
        let arn = |arn: &str| Outputs::from([("arn".to_owned(), arn.to_owned())]);
        let known = [
            ("subnet", "a", "subnet-1", Outputs::new()),
            ("security_group_rules", "app", "sg-1", Outputs::new()),
            ("dns_record", "www", "Z0EXAMPLE/www.town.example/A", Outputs::new()),
            ("listener_rule", "extra", "arn:rule", arn("arn:rule")),
            ("db_instance", "main", "town-test-main", arn("arn:db")),
            ("vpc", "main", "vpc-1", Outputs::new()),
        ];
        Known(
            known
                .into_iter()
                .map(|(kind, name, id, out)| (Address::new(kind, name), (id.to_owned(), out)))
                .collect(),
        )
    }

    /// What is accepted is not looked up, nor what nobody can name any more.
    #[test]
    fn each_object_is_looked_up_once_and_the_dangerous_first() {
        let subjects = subjects(&plan(), &known());
        let keys: Vec<&str> = subjects.iter().map(|subject| subject.key.as_str()).collect();
        let due = [
            "security_group_rules.app",
            "db_instance.main",
            "subnet.a",
            "iam_role.web",
            "dns_record.www",
            "listener_rule.extra",
            "security_group sg-2",
        ];
        assert_eq!(keys, due);
        let of = |key: &str| subjects.iter().find(|subject| subject.key == key).expect("a subject");
        assert_eq!(of("db_instance.main").names, ["town-test-main", "arn:db"]);
        assert_eq!(of("listener_rule.extra").names, ["arn:rule"], "no name twice");
        assert_eq!(of("iam_role.web").names, ["town-test-web"], "by the name that it had");
        assert_eq!(of("security_group sg-2").names, ["sg-2"]);
        let record = of("dns_record.www");
        assert_eq!(
            (&*record.names, record.text.as_deref()),
            (&["Z0EXAMPLE".to_owned()][..], Some("www.town.example"))
        );
        let some = |is: fn(&Subject) -> bool| -> Vec<&str> {
            subjects.iter().filter(|subject| is(subject)).map(|subject| subject.key.as_str()).collect()
        };
        assert_eq!(some(|subject| subject.is_global), ["iam_role.web", "dns_record.www"]);
        assert_eq!(some(|subject| subject.is_by_hand), ["listener_rule.extra", "security_group sg-2"]);
    }
}
