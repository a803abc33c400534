//! A plan as Terraform's JSON (`terraform show -json`), for what reads that: policies, cost, summaries.
//! <https://developer.hashicorp.com/terraform/internals/json-format>
//!
//! It shows the whole, not only what changes: policies evaluate the resulting state. So it is made of the graph and
//! the execution plan, and not of the plan value alone.

mod objects;
mod resolve;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use self::objects::{Object, Objects};
use self::resolve::{Split, expressions, split};
use crate::graph::Graph;
use crate::kinds;
use crate::kinds::terraform::{Block, This};
use crate::plan::{Action, ExecutionPlan};
use crate::spec::Environment;
use crate::value::{Address, tag};

/// The versions of the format that this follows, and of the Terraform that first wrote it.
const FORMAT_VERSION: &str = "1.2";
const STATE_VERSION: &str = "1.0";
const TERRAFORM_VERSION: &str = "1.9.0";
const PROVIDER: &str = "registry.terraform.io/hashicorp/aws";

/// An object that has no counterpart among Terraform's resources.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} has no counterpart among Terraform's resources")]
pub struct NoCounterpart(pub Address);

/// The plan for Terraform's readers.
///
/// # Errors
/// An object that has no counterpart among Terraform's resources.
pub fn tfplan(env: &Environment, graph: &Graph, execution: &ExecutionPlan) -> Result<Value, NoCounterpart> {
    let objects = Objects::of(graph, execution);
    let mut pairs = Vec::new();
    for object in &objects.list {
        pairs.extend(paired(object, &env.region)?);
    }
    let labels = Labels::of(&pairs);
    let both = |pair: &Pair<'_>| {
        let settled = pair.object.action.is_none();
        let before = pair.before.as_ref().map(|block| split(&pair.told(block), &objects.now(), true));
        let after = pair.after.as_ref().map(|block| split(&pair.told(block), &objects.then(), settled));
        (before, after)
    };
    let both: Vec<(Option<Split>, Option<Split>)> = pairs.iter().map(both).collect();
    let moved: HashSet<&Address> = pairs
        .iter()
        .zip(&both)
        .filter(|(_, (before, after))| !is_same(before.as_ref(), after.as_ref()))
        .map(|(pair, _)| &pair.object.address)
        .collect();
    let (mut changes, mut planned, mut prior, mut configured) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (pair, (before, after)) in pairs.iter().zip(both) {
        let actions = actions(pair, before.as_ref(), after.as_ref(), moved.contains(&pair.object.address));
        let head = labels.head(pair);
        if let Some(after) = &after {
            planned.push(with(
                &head,
                json!({
                    "schema_version": 0, "values": after.value, "sensitive_values": after.sensitive,
                }),
            ));
            if let Some(block) = &pair.after {
                configured.push(with(
                    &head,
                    json!({
                        "provider_config_key": "aws",
                        "schema_version": 0,
                        "expressions": expressions(&block.body, &labels.targets),
                    }),
                ));
            }
        }
        if let Some(before) = &before {
            prior.push(with(
                &head,
                json!({
                    "schema_version": 0, "values": before.value, "sensitive_values": before.sensitive,
                }),
            ));
        }
        changes.push(change(&head, pair, before, after, &actions));
    }
    for list in [&mut changes, &mut planned, &mut prior, &mut configured] {
        list.sort_by(|a, b| a["address"].as_str().cmp(&b["address"].as_str()));
    }
    let constant = |value: &str| json!({ "constant_value": value });
    Ok(json!({
        "format_version": FORMAT_VERSION,
        "terraform_version": TERRAFORM_VERSION,
        "planned_values": { "root_module": { "resources": planned } },
        "resource_changes": changes,
        "prior_state": {
            "format_version": STATE_VERSION,
            "terraform_version": TERRAFORM_VERSION,
            "values": { "root_module": { "resources": prior } },
        },
        "configuration": {
            "provider_config": {
                "aws": {
                    "name": "aws",
                    "full_name": PROVIDER,
                    "expressions": {
                        "region": constant(&env.region),
                        "allowed_account_ids": { "constant_value": [env.account] },
                    },
                },
            },
            "root_module": { "resources": configured },
        },
        "errored": !execution.conflicts.is_empty(),
    }))
}

/// One resource before and after.
struct Pair<'a> {
    object: &'a Object,
    kind: &'static str,
    title: String,
    /// Whether it is the object itself.
    main: bool,
    before: Option<Block>,
    after: Option<Block>,
}

impl Pair<'_> {
    /// The body of a block, with what AWS tells of the object once it is there: its id and outputs, by
    /// Terraform's names.
    fn told(&self, block: &Block) -> Value {
        let mut body = block.body.clone();
        let Some(fields) = body.as_object_mut().filter(|_| self.main) else { return body };
        let address = &self.object.address;
        let outputs = kinds::find(address.kind()).map(kinds::AnyKind::outputs).unwrap_or_default();
        for output in std::iter::once(&"id").chain(outputs) {
            if let Some(name) = resolve::attribute(output) {
                fields.entry(name).or_insert_with(|| json!({ tag::TO: address, "output": output }));
            }
        }
        if let Some(tags) = fields.get("tags").cloned() {
            fields.insert("tags_all".to_owned(), tags);
        }
        body
    }
}

/// `None` for a kind that is not known, or attributes of another shape.
fn blocks_of(address: &Address, attrs: &Value, region: &str) -> Option<Vec<Block>> {
    kinds::find(address.kind())?.terraform(attrs, &This { address, region })
}

fn paired<'a>(object: &'a Object, region: &str) -> Result<Vec<Pair<'a>>, NoCounterpart> {
    let blocks = |attrs: &Option<Value>| match attrs {
        None => Ok(Vec::new()),
        Some(attrs) => {
            blocks_of(&object.address, attrs, region).ok_or_else(|| NoCounterpart(object.address.clone()))
        }
    };
    let mut before: BTreeMap<_, _> =
        blocks(&object.before)?.into_iter().map(|block| ((block.kind, block.part.clone()), block)).collect();
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    let mut pair = |before: Option<Block>, after: Option<Block>| {
        if let Some(block) = after.as_ref().or(before.as_ref()) {
            let (kind, title, main) = (block.kind, block.title(&object.address), block.part.is_none());
            pairs.push(Pair { object, kind, title, main, before, after });
        }
    };
    for block in blocks(&object.after)? {
        pair(before.remove(&(block.kind, block.part.clone())), Some(block));
    }
    before.into_values().for_each(|block| pair(Some(block), None));
    Ok(pairs)
}

fn is_same(before: Option<&Split>, after: Option<&Split>) -> bool {
    before.zip(after).is_some_and(|(before, after)| before.value == after.value && after.unknown == json!({}))
}

/// `moved` says whether any resource of the object differs.
fn actions(pair: &Pair<'_>, before: Option<&Split>, after: Option<&Split>, moved: bool) -> Vec<&'static str> {
    match (before, after, pair.object.action) {
        (None, ..) => vec!["create"],
        (_, None, Some(Action::Forget)) => vec!["forget"],
        (_, None, _) => vec!["delete"],
        (.., Some(Action::Replace)) if pair.object.create_first => vec!["create", "delete"],
        (.., Some(Action::Replace)) => vec!["delete", "create"],
        (.., Some(_)) if !is_same(before, after) => vec!["update"],
        // What changes is something that Terraform has no word for.
        (.., Some(_)) if !moved && pair.main => vec!["update"],
        _ => vec!["no-op"],
    }
}

fn change(
    head: &Map<String, Value>,
    pair: &Pair<'_>,
    before: Option<Split>,
    after: Option<Split>,
    actions: &[&str],
) -> Value {
    let (before, before_sensitive) = before.map_or((Value::Null, json!(false)), |it| (it.value, it.sensitive));
    let (after, unknown, after_sensitive) =
        after.map_or((Value::Null, json!({}), json!(false)), |it| (it.value, it.unknown, it.sensitive));
    let mut change = json!({
        "actions": actions,
        "before": before,
        "after": after,
        "after_unknown": unknown,
        "before_sensitive": before_sensitive,
        "after_sensitive": after_sensitive,
    });
    if pair.object.action == Some(Action::Adopt) && pair.main {
        change["importing"] = json!({ "id": pair.object.id });
    }
    let mut whole = with(head, json!({ "change": change }));
    if let Some(from) = pair.object.moved_from.as_ref().filter(|_| pair.main) {
        whole["previous_address"] = format!("{}.{}", pair.kind, identifier(from.name())).into();
    }
    if pair.object.left_over {
        // Another object has its address already, which is what Terraform calls deposed.
        whole["deposed"] = digest(pair.object.id.as_deref().unwrap_or_default()).into();
    }
    whole
}

fn with(head: &Map<String, Value>, more: Value) -> Value {
    let mut whole = head.clone();
    if let Value::Object(more) = more {
        whole.extend(more);
    }
    Value::Object(whole)
}

/// What resources are called.
#[derive(Default)]
struct Labels {
    by_title: HashMap<(&'static str, String), String>,
    /// By an object's address, Terraform's for it.
    targets: HashMap<Address, String>,
}

impl Labels {
    fn of(pairs: &[Pair<'_>]) -> Self {
        let mut labels = Self::default();
        let mut taken: HashMap<(&'static str, String), &str> = HashMap::new();
        for pair in pairs {
            let mut label = identifier(&pair.title);
            if *taken.entry((pair.kind, label.clone())).or_insert(&pair.title) != pair.title {
                label = format!("{label}-{}", digest(&pair.title));
            }
            if pair.main {
                labels.targets.insert(pair.object.address.clone(), format!("{}.{label}", pair.kind));
            }
            labels.by_title.insert((pair.kind, pair.title.clone()), label);
        }
        labels
    }

    fn head(&self, pair: &Pair<'_>) -> Map<String, Value> {
        let label = self.by_title.get(&(pair.kind, pair.title.clone())).map_or("", String::as_str);
        let head = json!({
            "address": format!("{}.{label}", pair.kind),
            "mode": "managed",
            "type": pair.kind,
            "name": label,
            "provider_name": PROVIDER,
        });
        head.as_object().cloned().unwrap_or_default()
    }
}

/// A name as Terraform allows them: letters, digits, `_` and `-`, with no digit first.
fn identifier(title: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let mut label: String = title.chars().map(allowed).collect();
    if !label.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        label.insert(0, '_');
    }
    label
}

/// Eight hex digits.
fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_terraforms() {
        assert_eq!(identifier("payload/db-url"), "payload_db-url");
        assert_eq!(identifier("10.0.0.0/8"), "_10_0_0_0_8");
    }
}
