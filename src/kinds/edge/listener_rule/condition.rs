//! Conditions of a rule: paths, hosts and source networks, and whatever else somebody set by hand.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types as elb;

use super::Attrs;
use crate::value::Text;

const PATH: &str = "path-pattern";
const HOST: &str = "host-header";
const SOURCE_IP: &str = "source-ip";

/// The conditions of a rule. A request meets each sort of them by any one value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    pub paths: BTreeSet<String>,
    pub hosts: BTreeSet<Text>,
    pub source_ips: BTreeSet<String>,
    /// In words: Baseplate sets none of these.
    pub others: BTreeSet<String>,
}

impl Conditions {
    pub fn of(attrs: &Attrs) -> Self {
        Self {
            paths: attrs.paths.clone(),
            hosts: attrs.hosts.clone(),
            source_ips: attrs.source_ips.clone(),
            others: attrs.other_conditions.clone(),
        }
    }
}

/// What a live rule asks of a request, and what it turns it into (a transform counts among the others).
pub(super) fn read(rule: &elb::Rule) -> Conditions {
    let mut found = Conditions::default();
    for condition in rule.conditions() {
        let field = condition.field().unwrap_or_default();
        match (field, plain(condition)) {
            (PATH, Some(values)) => found.paths.extend(values.iter().cloned()),
            (HOST, Some(values)) => found.hosts.extend(values.iter().map(|host| Text::from(host.as_str()))),
            (SOURCE_IP, Some(values)) => found.source_ips.extend(values.iter().cloned()),
            _ => {
                found.others.insert(format!("{field} {}", spell(condition)));
            }
        }
    }
    let transforms = rule
        .transforms()
        .iter()
        .map(|transform| format!("transform {}", transform.r#type().map_or("?", elb::TransformTypeEnum::as_str)));
    found.others.extend(transforms);
    found
}

pub(super) fn write(attrs: &Attrs) -> Vec<elb::RuleCondition> {
    let Attrs { paths, hosts, source_ips, .. } = attrs;
    let mut conditions = Vec::new();
    if !paths.is_empty() {
        let paths = elb::PathPatternConditionConfig::builder().set_values(Some(paths.iter().cloned().collect()));
        conditions.push(elb::RuleCondition::builder().field(PATH).path_pattern_config(paths.build()).build());
    }
    if !hosts.is_empty() {
        let hosts =
            elb::HostHeaderConditionConfig::builder().set_values(Some(hosts.iter().map(Text::plain).collect()));
        conditions.push(elb::RuleCondition::builder().field(HOST).host_header_config(hosts.build()).build());
    }
    if !source_ips.is_empty() {
        let source = elb::SourceIpConditionConfig::builder().set_values(Some(source_ips.iter().cloned().collect()));
        conditions.push(elb::RuleCondition::builder().field(SOURCE_IP).source_ip_config(source.build()).build());
    }
    conditions
}

/// Values of a condition, which AWS gives of paths and hosts in one or both of two fields; none for regular expressions.
fn plain(condition: &elb::RuleCondition) -> Option<&[String]> {
    let configured = match condition.field()? {
        PATH => condition.path_pattern_config().map(elb::PathPatternConditionConfig::values),
        HOST => condition.host_header_config().map(elb::HostHeaderConditionConfig::values),
        SOURCE_IP => condition.source_ip_config().map(elb::SourceIpConditionConfig::values),
        _ => None,
    };
    let values = configured.filter(|values| !values.is_empty()).unwrap_or_else(|| condition.values());
    if values.is_empty() { None } else { Some(values) }
}

fn spell(condition: &elb::RuleCondition) -> String {
    if let Some(header) = condition.http_header_config() {
        return format!("{}: {}", header.http_header_name().unwrap_or_default(), header.values().join(", "));
    }
    if let Some(method) = condition.http_request_method_config() {
        return method.values().join(", ");
    }
    if let Some(query) = condition.query_string_config() {
        let pair = |pair: &elb::QueryStringKeyValuePair| {
            format!("{}={}", pair.key().unwrap_or("*"), pair.value().unwrap_or_default())
        };
        return query.values().iter().map(pair).collect::<Vec<_>>().join(", ");
    }
    "by regular expression".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::edge::listener::Action;
    use crate::value::{Ref, Tags};

    #[test]
    fn what_is_written_reads_back() {
        let attrs = Attrs {
            paths: BTreeSet::from(["/api*".to_owned(), "/v2*".to_owned()]),
            hosts: BTreeSet::from([Text::from("admin.example.org")]),
            source_ips: BTreeSet::from(["10.0.0.0/8".to_owned()]),
            ..attrs()
        };
        let rule = elb::Rule::builder().set_conditions(Some(write(&attrs))).build();
        assert_eq!(read(&rule), Conditions::of(&attrs));
    }

    fn attrs() -> Attrs {
        Attrs {
            listener: Ref::id("arn:listener"),
            priority: 10,
            paths: BTreeSet::new(),
            hosts: BTreeSet::new(),
            source_ips: BTreeSet::new(),
            other_conditions: BTreeSet::new(),
            action: Action::not_found(),
            tags: Tags::new(),
        }
    }

    #[test]
    fn what_was_made_by_hand_is_put_in_words() {
        let method = elb::HttpRequestMethodConditionConfig::builder().values("GET").build();
        let by_method =
            elb::RuleCondition::builder().field("http-request-method").http_request_method_config(method).build();
        let rule = elb::Rule::builder().conditions(by_method).build();
        assert_eq!(read(&rule).others, BTreeSet::from(["http-request-method GET".to_owned()]));
    }
}
