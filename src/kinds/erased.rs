//! The list of kinds, and the one erased face behind which the engine sees them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(feature = "aws")]
pub use super::calls::AnyCalls;
#[cfg(feature = "aws")]
use crate::aws::TagIndex;
use crate::kinds::environment_outputs::{EnvironmentOutput, Found, LiveObject};
use crate::kinds::example::Example;
use crate::kinds::preflight::Question;
use crate::kinds::rules::{self, Rule, RuleInfo, TagCharacters, Violation};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Outputs, Stage, Users};
use crate::spec::{AnySection, Environment};

/// Every kind, in the documented order within a stage: so plans list them, and so they are made where nothing else
/// says what comes first.
pub fn all() -> &'static [&'static dyn AnyKind] {
    &[
        &super::network::vpc::Vpc,
        &super::network::subnet::Subnet,
        &super::network::internet_gateway::InternetGateway,
        &super::network::elastic_ip::ElasticIp,
        &super::network::nat_gateway::NatGateway,
        &super::network::route_table::RouteTable,
        &super::network::security_group::SecurityGroup,
        &super::network::security_group_rules::SecurityGroupRules,
        &super::network::default_security_group::DefaultSecurityGroup,
        &super::data::db_subnet_group::DbSubnetGroup,
        // Before the databases: their passwords are parameters.
        &super::config::ssm_parameter::SsmParameter,
        &super::data::db_instance::DbInstance,
        &super::registry::ecr_repository::EcrRepository,
        &super::compute::ecs_cluster::EcsCluster,
        &super::compute::discovery_namespace::DiscoveryNamespace,
        &super::compute::discovery_service::DiscoveryService,
        &super::identity::iam_role::IamRole,
        &super::monitoring::log_group::LogGroup,
        &super::compute::task_definition::TaskDefinition,
        &super::compute::ecs_service::EcsService,
        &super::edge::load_balancer::LoadBalancer,
        &super::edge::target_group::TargetGroup,
        // A listener takes a certificate only once it is issued, and that needs its records in DNS.
        &super::edge::certificate::Certificate,
        &super::edge::dns_record::DnsRecord,
        &super::edge::certificate_validation::CertificateValidation,
        &super::edge::listener::Listener,
        &super::edge::listener_rule::ListenerRule,
        &super::monitoring::sns_topic::SnsTopic,
    ]
}

/// What the tag index is asked for, to hear of objects of these kinds.
#[cfg(feature = "aws")]
pub fn tag_index<'k>(kinds: impl IntoIterator<Item = &'k &'static dyn AnyKind>) -> TagIndex {
    let mut index = TagIndex::default();
    for kind in kinds {
        let types = if kind.shared() { &mut index.shared } else { &mut index.own };
        types.extend(kind.tag_index());
    }
    index
}

/// The kind with this address prefix.
pub fn find(name: &str) -> Option<&'static dyn AnyKind> {
    all().iter().copied().find(|kind| kind.name() == name)
}

/// What a build without AWS can call.
#[cfg(not(feature = "aws"))]
pub trait AnyCalls {}

#[cfg(not(feature = "aws"))]
impl<K: Kind> AnyCalls for K {}

/// A [`Kind`] with its attributes as JSON.
pub trait AnyKind: AnyCalls + Sync {
    fn name(&self) -> &'static str;
    fn stage(&self) -> Stage;
    fn replace_on(&self) -> &'static [&'static str];
    fn outputs(&self) -> &'static [&'static str];
    fn changing_outputs(&self) -> &'static [&'static str];
    fn updates_follow(&self) -> bool;
    fn shared_outputs(&self) -> &'static [&'static str];
    fn identity(&self) -> Option<&'static str>;
    fn unique(&self) -> Option<&'static str>;
    fn shared(&self) -> bool;
    fn sections(&self) -> &'static [&'static dyn AnySection];
    fn examples(&self) -> &'static [Example];
    fn rules(&self) -> Vec<RuleInfo>;
    /// The values of an object that break one of them.
    fn violations(&self, desired: &Value) -> Vec<Violation>;
    fn tag_characters(&self) -> TagCharacters;
    fn preflight_questions(&self) -> &'static [&'static Question];
    fn spec_fields(&self) -> &'static [(&'static str, &'static str)];
    fn environment_output_names(&self) -> &'static [&'static str];
    fn environment_outputs_need(&self) -> &'static [&'static str];
    /// What is told of `found`, which is one of `all`.
    fn environment_outputs(
        &self,
        env: &Environment,
        found: &Found<'_>,
        all: &[Found<'_>],
    ) -> Vec<EnvironmentOutput>;
    fn tag_index(&self) -> Option<&'static str>;
    fn global_events(&self) -> bool;
    fn event_names(&self, id: &str, outputs: &Outputs) -> Vec<String>;
    fn event_text(&self, id: &str) -> Option<String>;
    fn unread(&self) -> &'static [&'static str];
    fn inside(&self) -> &'static [&'static str];
    fn setting_danger(&self, name: &str, value: &str) -> Option<String>;
    fn summary(&self) -> &'static [&'static str];
    fn in_words(&self, field: &str, value: &Value) -> Option<String>;
    fn tags_from_index(&self) -> bool;
    fn holds_data(&self, live: &Value) -> bool;
    fn protected_by(&self) -> Option<&'static str>;
    fn serves_traffic(&self) -> bool;
    fn backed_by(&self) -> Option<&'static str>;
    fn two_phase_writes(&self) -> bool;
    fn create_first(&self) -> bool;
    fn deadline(&self) -> u64;
    fn expected_seconds(&self) -> u64;
    fn expected_delete_seconds(&self) -> u64;
    fn desired(&self, env: &Environment) -> Vec<Desired<Value>>;
    /// Whether a live object stands where the desired one must, by its name or by [`Kind::is_counterpart`].
    fn is_counterpart(&self, desired: &Value, live: &Value) -> bool;
    fn normalize(&self, desired: &Value, live: &mut Value);
    fn notes(&self, desired: &Value, live: &Value) -> Vec<String>;
    fn dangers(&self, desired: &Value, live: &Value) -> Vec<(&'static str, String)>;
    fn refusal(&self, live: &Value, desired: &Value, users: &Users<'_>) -> Option<String>;
    fn expand(&self, live: &Value, desired: &Value) -> Option<Value>;
    fn without_traffic(&self, live: Option<&Value>, desired: &Value) -> Option<Value>;
    fn impact(&self, live: &Value, desired: &Value, changed: &[String], users: &Users<'_>) -> Impact;
    fn deletion_impact(&self, live: &Value, users: &Users<'_>) -> Impact;
    fn update_seconds(&self, live: &Value, desired: &Value, changed: &[String]) -> Option<u64>;
    /// Whether an update of these fields changes this output.
    fn changes_output(&self, output: &str, changed: &[String]) -> bool;
    fn deleted_in_use(&self) -> bool;
    fn deleted_after(&self, live: &Value) -> &'static [&'static str];
    /// Whether the object that replaces another has the same value of this output.
    /// Whether any object of the kind that has this output has the same value of it.
    fn shares_output(&self, output: &str) -> bool;
    /// `None` for attributes of another shape.
    fn terraform(&self, attrs: &Value, this: &This<'_>) -> Option<Vec<Block>>;
}

pub(super) fn json<A: Serialize>(attrs: A) -> Value {
    serde_json::to_value(attrs).unwrap_or_else(|error| unreachable!("attributes are plain data: {error}"))
}

impl<K: Kind + AnyCalls + Sync> AnyKind for K {
    fn name(&self) -> &'static str {
        K::KIND
    }
    fn stage(&self) -> Stage {
        K::STAGE
    }
    fn replace_on(&self) -> &'static [&'static str] {
        K::REPLACE_ON
    }
    fn outputs(&self) -> &'static [&'static str] {
        K::OUTPUTS
    }
    fn changing_outputs(&self) -> &'static [&'static str] {
        K::CHANGING_OUTPUTS
    }
    fn updates_follow(&self) -> bool {
        K::UPDATES_FOLLOW
    }
    fn shared_outputs(&self) -> &'static [&'static str] {
        K::SHARED_OUTPUTS
    }
    fn unique(&self) -> Option<&'static str> {
        K::UNIQUE
    }

    fn identity(&self) -> Option<&'static str> {
        K::IDENTITY
    }
    fn shared(&self) -> bool {
        K::SHARED
    }

    fn sections(&self) -> &'static [&'static dyn AnySection] {
        K::SECTIONS
    }

    fn examples(&self) -> &'static [Example] {
        K::EXAMPLES
    }

    fn rules(&self) -> Vec<RuleInfo> {
        K::RULES.iter().map(Rule::info).collect()
    }
    fn violations(&self, desired: &Value) -> Vec<Violation> {
        if K::RULES.is_empty() {
            return Vec::new();
        }
        K::Attrs::deserialize(desired).map(|desired| rules::held(K::RULES, &desired)).unwrap_or_default()
    }
    fn tag_characters(&self) -> TagCharacters {
        K::TAG_CHARACTERS
    }
    fn preflight_questions(&self) -> &'static [&'static Question] {
        K::PREFLIGHT
    }
    fn spec_fields(&self) -> &'static [(&'static str, &'static str)] {
        K::SPEC_FIELDS
    }
    fn environment_output_names(&self) -> &'static [&'static str] {
        K::ENVIRONMENT_OUTPUTS
    }

    fn environment_outputs_need(&self) -> &'static [&'static str] {
        K::ENVIRONMENT_OUTPUTS_NEED
    }

    fn environment_outputs(
        &self,
        env: &Environment,
        found: &Found<'_>,
        all: &[Found<'_>],
    ) -> Vec<EnvironmentOutput> {
        let Found { address, id, outputs, attrs, .. } = *found;
        let told = |attrs: &K::Attrs| {
            K::environment_outputs(&LiveObject { env, name: address.name(), id, outputs, attrs, all })
        };
        K::Attrs::deserialize(attrs).map(|attrs| told(&attrs)).unwrap_or_default()
    }

    fn tag_index(&self) -> Option<&'static str> {
        K::TAG_INDEX
    }
    fn global_events(&self) -> bool {
        K::GLOBAL_EVENTS
    }

    fn event_names(&self, id: &str, outputs: &Outputs) -> Vec<String> {
        K::event_names(id, outputs)
    }

    fn event_text(&self, id: &str) -> Option<String> {
        K::event_text(id)
    }

    fn unread(&self) -> &'static [&'static str] {
        K::UNREAD
    }

    fn inside(&self) -> &'static [&'static str] {
        K::INSIDE
    }

    fn setting_danger(&self, name: &str, value: &str) -> Option<String> {
        K::setting_danger(name, value)
    }

    fn summary(&self) -> &'static [&'static str] {
        K::SUMMARY
    }

    fn in_words(&self, field: &str, value: &Value) -> Option<String> {
        K::in_words(field, value)
    }

    fn tags_from_index(&self) -> bool {
        K::TAGS_FROM_INDEX
    }
    fn holds_data(&self, live: &Value) -> bool {
        K::Attrs::deserialize(live).is_ok_and(|live| K::holds_data(&live))
    }
    fn protected_by(&self) -> Option<&'static str> {
        K::PROTECTED_BY
    }
    fn serves_traffic(&self) -> bool {
        K::SERVES_TRAFFIC
    }
    fn backed_by(&self) -> Option<&'static str> {
        K::BACKED_BY
    }
    fn two_phase_writes(&self) -> bool {
        K::TWO_PHASE_WRITES
    }
    fn create_first(&self) -> bool {
        K::CREATE_FIRST
    }
    fn deleted_in_use(&self) -> bool {
        K::DELETED_IN_USE
    }
    fn deadline(&self) -> u64 {
        K::DEADLINE
    }
    fn expected_seconds(&self) -> u64 {
        K::EXPECTED_SECONDS
    }
    fn expected_delete_seconds(&self) -> u64 {
        K::EXPECTED_DELETE_SECONDS
    }

    fn desired(&self, env: &Environment) -> Vec<Desired<Value>> {
        K::desired(env)
            .into_iter()
            .map(|desired| Desired {
                name: desired.name,
                origin: desired.origin,
                attrs: json(desired.attrs),
                stage: desired.stage,
                after: desired.after,
                follows: desired.follows,
                wave: desired.wave,
                external: desired.external,
                protect: desired.protect,
            })
            .collect()
    }

    fn is_counterpart(&self, desired: &Value, live: &Value) -> bool {
        let (Ok(desired), Ok(mut live)) = (K::Attrs::deserialize(desired), K::Attrs::deserialize(live)) else {
            return false;
        };
        if K::is_counterpart(&desired, &live) {
            return true;
        }
        // What was made beside its predecessor has another name than the desired one, which is the same by this.
        K::normalize(&desired, &mut live);
        let (desired, live) = (json(desired), json(live));
        K::IDENTITY.is_some_and(|name| desired.get(name).is_some() && desired.get(name) == live.get(name))
    }

    fn normalize(&self, desired: &Value, live: &mut Value) {
        let (Ok(desired), Ok(mut found)) = (K::Attrs::deserialize(desired), K::Attrs::deserialize(&*live)) else {
            return;
        };
        K::normalize(&desired, &mut found);
        *live = json(found);
    }

    fn notes(&self, desired: &Value, live: &Value) -> Vec<String> {
        match (K::Attrs::deserialize(desired), K::Attrs::deserialize(live)) {
            (Ok(desired), Ok(live)) => K::notes(&desired, &live),
            _ => Vec::new(),
        }
    }

    fn dangers(&self, desired: &Value, live: &Value) -> Vec<(&'static str, String)> {
        match (K::Attrs::deserialize(desired), K::Attrs::deserialize(live)) {
            (Ok(desired), Ok(live)) => K::dangers(&desired, &live),
            _ => Vec::new(),
        }
    }

    fn refusal(&self, live: &Value, desired: &Value, users: &Users<'_>) -> Option<String> {
        K::refusal(&K::Attrs::deserialize(live).ok()?, &K::Attrs::deserialize(desired).ok()?, users)
    }

    fn expand(&self, live: &Value, desired: &Value) -> Option<Value> {
        let (live, desired) = (K::Attrs::deserialize(live).ok()?, K::Attrs::deserialize(desired).ok()?);
        K::expand(&live, &desired).map(json)
    }

    fn without_traffic(&self, live: Option<&Value>, desired: &Value) -> Option<Value> {
        let live = live.map(K::Attrs::deserialize).transpose().ok()?;
        K::without_traffic(live.as_ref(), &K::Attrs::deserialize(desired).ok()?).map(json)
    }

    fn impact(&self, live: &Value, desired: &Value, changed: &[String], users: &Users<'_>) -> Impact {
        match (K::Attrs::deserialize(live), K::Attrs::deserialize(desired)) {
            (Ok(live), Ok(desired)) => K::impact(&live, &desired, changed, users),
            _ => Impact::None,
        }
    }

    fn deletion_impact(&self, live: &Value, users: &Users<'_>) -> Impact {
        K::Attrs::deserialize(live).map_or(Impact::None, |live| K::deletion_impact(&live, users))
    }

    fn update_seconds(&self, live: &Value, desired: &Value, changed: &[String]) -> Option<u64> {
        K::update_seconds(&K::Attrs::deserialize(live).ok()?, &K::Attrs::deserialize(desired).ok()?, changed)
    }

    fn changes_output(&self, output: &str, changed: &[String]) -> bool {
        K::CHANGING_OUTPUTS.contains(&output) && K::changes_output(output, changed)
    }

    fn deleted_after(&self, live: &Value) -> &'static [&'static str] {
        K::Attrs::deserialize(live).map_or(K::DELETE_AFTER, |live| K::deleted_after(&live))
    }

    fn shares_output(&self, output: &str) -> bool {
        K::SHARED_OUTPUTS.iter().any(|prefix| output.starts_with(prefix))
    }

    fn terraform(&self, attrs: &Value, this: &This<'_>) -> Option<Vec<Block>> {
        K::Attrs::deserialize(attrs).ok().map(|attrs| K::terraform(&attrs, this))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn types_of_the_tag_index_are_as_in_arns() {
        for kind in all() {
            let parts = kind.tag_index().map(|name| name.split(':').filter(|part| !part.is_empty()).count());
            assert!(parts.is_none_or(|parts| parts == 2), "{}", kind.name());
            assert!(parts.is_some() || !kind.tags_from_index(), "{}: its tags are nowhere", kind.name());
        }
    }

    #[test]
    fn a_kind_whose_writes_go_in_halves_says_so() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kinds");
        let areas: Vec<_> =
            std::fs::read_dir(folder).expect("the kinds").flatten().map(|area| area.path()).collect();
        for kind in all() {
            let file = format!("{}.rs", kind.name());
            let text =
                areas.iter().find_map(|area| std::fs::read_to_string(area.join(&file)).ok()).expect("its file");
            let has_halves = text.contains("    fn expand(") || text.contains("    fn without_traffic(");
            assert_eq!(kind.two_phase_writes(), has_halves, "{}", kind.name());
        }
    }
}
