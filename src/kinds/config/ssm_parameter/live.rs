//! All parameters under the environment's path: listed by fifty with all but their values, and then those values that
//! may not be what the record says, by ten and side by side.

use std::collections::HashMap;

use aws_sdk_ssm::Client as Ssm;
use aws_sdk_ssm::types::{
    Parameter, ParameterMetadata, ParameterStringFilter, ParameterTier as Tier, ParameterType,
};
use futures_util::future::{join, try_join_all};
use zeroize::Zeroizing;

use super::values::{by_name, by_path};
use super::{Attrs, SsmParameter, arn, made, record, tagging};
use crate::aws::{Aws, CloudError, ErrorClass, Reader, SdkResult};
use crate::kinds::Live;
use crate::kinds::config::ssm_parameter::section::{ParameterTier, Parameters, is_secret};
use crate::kinds::members::{self, Members, Setting, settings};
use crate::kinds::ownership::Ownership;
use crate::spec::Section;
use crate::value::{Address, Target, Text};

/// The key of the account that encrypts secrets unless another is asked for.
const DEFAULT_KEY: &str = "alias/aws/ssm";

const SETTINGS: &[Setting<ParameterMetadata>] = &[
    Setting::new("AllowedPattern", |parameter| members::text(parameter.allowed_pattern())),
    Setting::new("DataType", |parameter| members::other(parameter.data_type(), "text")),
    Setting::new("KeyId", |parameter| members::other(parameter.key_id(), DEFAULT_KEY)),
    Setting::new("Policies", |parameter| {
        members::list(parameter.policies().iter().filter_map(|policy| policy.policy_type()))
    }),
];

pub(super) fn members() -> Vec<Members> {
    let ignored: &[(&str, &[&str])] = &[("says who wrote it and when", &["LastModifiedDate", "LastModifiedUser"])];
    let described = Members::of(
        "ssm:DescribeParameters",
        "Parameters",
        &["Name", "ARN", "Type", "Description", "Version", "Tier"],
        SETTINGS,
        ignored,
    );
    let value = |operation| {
        Members::of::<()>(
            operation,
            "Parameters",
            &["Name", "Type", "Value", "Version"],
            &[],
            &[
                ("told by `DescribeParameters`", &["ARN", "DataType", "LastModifiedDate"]),
                ("of a request by version or of a secret elsewhere", &["Selector", "SourceResult"]),
            ],
        )
    };
    vec![described, value("ssm:GetParameters"), value("ssm:GetParametersByPath")]
}

/// The value of a parameter.
enum Value {
    Read(Parameter),
    /// Plain, and as the spec has it.
    AsWanted(Text),
}

pub(super) async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
    let env = read.scope.env;
    let path = env.parameter_path("");
    let root = path.trim_end_matches('/');
    let (described, ()) = join(descriptions(read.aws, root), record::read(read.aws, env)).await;
    let found = try_join_all(values(read, root, described?).await?.into_iter().map(async |(described, value)| {
        let name = described.name().unwrap_or_default().to_owned();
        let key = name.strip_prefix(&path).unwrap_or(&name);
        let implied = Some(Address::new(SsmParameter::KIND, key));
        // What somebody else sets is not asked for our tags.
        if env.section::<Parameters>().get(key).is_some_and(|parameter| parameter.external) {
            let live = |attrs| Live::new(implied, &name, attrs);
            return Ok(Some(take_in(read, &described, key, value, live)));
        }
        let arn = arn(read.aws, &name);
        let ownership = Ownership::of::<SsmParameter>(read, &arn, implied, tagging::tags(read.aws, &name)).await?;
        if !ownership.concerns::<SsmParameter>(read, &name) {
            return Ok::<_, CloudError>(None);
        }
        let key = key_of(read, ownership.address.as_ref(), key).to_owned();
        let live = |attrs| ownership.live(&name, |tags| Attrs { tags, ..attrs });
        Ok(Some(take_in(read, &described, &key, value, live)))
    }));
    Ok(found.await?.into_iter().flatten().collect())
}

/// The key that the spec has it by now, whatever key its path is made of.
fn key_of<'k>(read: &'k Reader<'_>, owner: Option<&'k Address>, in_path: &'k str) -> &'k str {
    read.scope.env.key_now(Parameters::KEY, owner.map_or(in_path, Address::name))
}

/// Each with its value, without those that went between the two reads.
async fn values(
    read: &Reader<'_>,
    root: &str,
    described: Vec<ParameterMetadata>,
) -> Result<Vec<(ParameterMetadata, Value)>, CloudError> {
    let env = read.scope.env;
    let known = described.into_iter().map(|described| (record::value(read.aws, env, &described), described));
    let known: Vec<(Option<Text>, ParameterMetadata)> = known.collect();
    let names = known.iter().filter(|(value, _)| value.is_none());
    let names: Vec<String> = names.filter_map(|(_, described)| described.name.clone()).collect();
    let answers = match by_name(read.aws, &names).await {
        // Who may read them by path need not be allowed to by name.
        Err(error) if error.is(ErrorClass::Denied) => by_path(read.aws, root).await?,
        answers => answers?,
    };
    let mut answers: HashMap<String, Parameter> =
        answers.into_iter().filter_map(|parameter| Some((parameter.name.clone()?, parameter))).collect();
    let value = |(known, described): (Option<Text>, ParameterMetadata)| {
        let value = match known {
            Some(text) => Value::AsWanted(text),
            None => {
                let parameter = answers.remove(described.name()?)?;
                record::note(read.aws, env, &parameter);
                Value::Read(parameter)
            }
        };
        Some((described, value))
    };
    Ok(known.into_iter().filter_map(value).collect())
}

/// A live parameter, its value put into the vault unless both AWS and the spec call it plain.
fn take_in(
    read: &Reader<'_>,
    described: &ParameterMetadata,
    key: &str,
    value: Value,
    live: impl FnOnce(Attrs) -> Live<Attrs>,
) -> Live<Attrs> {
    let env = read.scope.env;
    let name = described.name().unwrap_or_default().to_owned();
    let (version, secure, clear) = match value {
        Value::AsWanted(text) => (described.version(), false, text.plain()),
        Value::Read(parameter) => {
            let secure = parameter.r#type == Some(ParameterType::SecureString);
            (parameter.version, secure, parameter.value.unwrap_or_default())
        }
    };
    let (clear, hidden) = (Zeroizing::new(clear), secure || is_secret(env, key));
    let value = (!hidden).then(|| Text::from(clear.as_str()));
    // Even a plain value is held: the spec may call secret what AWS has as plain.
    let kept = if hidden { read.secret_store.store(clear) } else { read.secret_store.store_plain(clear) };
    read.secret_store.assign(Address::new(SsmParameter::KIND, key), &kept);
    let tier = match described.tier() {
        Some(Tier::Advanced) => ParameterTier::Advanced,
        Some(Tier::IntelligentTiering) => ParameterTier::IntelligentTiering,
        _ => ParameterTier::Standard,
    };
    let attrs = Attrs {
        name,
        secure,
        value,
        secret: hidden.then_some(kept),
        tier,
        description: described.description().unwrap_or_default().to_owned(),
        tags: super::Tags::new(),
    };
    let outputs = made(read.aws, &attrs, version).outputs;
    Live { outputs, settings: settings(SETTINGS, described), ..live(attrs) }
}

/// Of a parameter whose path is made of another key than the spec has it by, once it is known whose it is: what is
/// plain there has been taken for a secret.
pub(super) fn by_owner(read: &Reader<'_>, live: &mut Live<Attrs>) {
    let (Some(address), Some(attrs)) = (&live.address, &mut live.attrs) else { return };
    let Some(secret) = &attrs.secret else { return };
    read.secret_store.assign(address.clone(), secret);
    if attrs.secure || is_secret(read.scope.env, key_of(read, Some(address), "")) {
        return;
    }
    if let Some(clear) = read.secret_store.reveal(secret) {
        live.outputs.insert("value".to_owned(), clear.as_str().to_owned());
        (attrs.value, attrs.secret) = (Some(Text::from(clear.as_str())), None);
    }
}

async fn descriptions(aws: &Aws, root: &str) -> Result<Vec<ParameterMetadata>, CloudError> {
    let filter = ParameterStringFilter::builder().key("Path").option("Recursive").values(root).build();
    let filter = filter.map_err(|error| CloudError::internal(error.to_string()))?;
    let call = aws.client::<Ssm>().describe_parameters().parameter_filters(filter).max_results(50);
    let pages = call.into_paginator().send().collect::<Result<Vec<_>, _>>().await;
    let pages = pages.operation("ssm:DescribeParameters")?;
    Ok(pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default()).collect())
}
