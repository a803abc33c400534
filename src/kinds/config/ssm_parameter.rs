#[cfg(feature = "aws")]
mod live;
#[cfg(feature = "aws")]
mod record;
mod rules;
pub mod section;
#[cfg(feature = "aws")]
mod tagging;
#[cfg(feature = "aws")]
mod values;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::config::ssm_parameter::section::{Parameter, ParameterTier, Parameters, is_secret};
use crate::kinds::data::section::{Databases, password_of, password_parameter};
use crate::kinds::environment_outputs::{EnvironmentOutput, LiveObject, OutputSort};
use crate::kinds::example::Example;
use crate::kinds::rules::Rule;
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{self, AnySection, Environment, Section};
use crate::value::{Secret, SecretSource, Tags, Target, Text, shell_word};

#[cfg(feature = "aws")]
use calls::{arn, made};

/// A value in the Parameter Store, plain or secret.
pub struct SsmParameter;

impl Target for SsmParameter {
    const KIND: &'static str = "ssm_parameter";
}

/// Exactly one of `value` and `secret` is set, but for an external parameter, of which neither is wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    /// The whole path.
    pub name: String,
    /// Whether it is a SecureString.
    #[serde(rename = "type", alias = "secure", with = "parameter_type")]
    pub secure: bool,
    pub value: Option<Text>,
    pub secret: Option<Secret>,
    pub tier: ParameterTier,
    pub description: String,
    pub tags: Tags,
}

/// The type as AWS calls it. Cloud files of earlier versions hold whether it is a SecureString.
mod parameter_type {
    use serde::{Deserialize, Deserializer, Serializer};

    const SECURE: &str = "SecureString";

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub fn serialize<S: Serializer>(secure: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if *secure { SECURE } else { "String" })
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(attrs: D) -> Result<bool, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Secure(bool),
            Type(String),
        }
        Ok(match Stored::deserialize(attrs)? {
            Stored::Secure(secure) => secure,
            Stored::Type(name) => name == SECURE,
        })
    }
}

/// Characters of a generated database password, all of them letters and digits.
const PASSWORD: usize = 32;

/// The path of the parameter at this address, under the environment's.
pub(in crate::kinds) fn key_in_path(env: &Environment, name: &str) -> String {
    match password_of(env, name) {
        Some(database) => password_parameter(env.naming_key(Databases::KEY, database)),
        None => env.naming_key(Parameters::KEY, name).to_owned(),
    }
}

/// The whole of that path.
pub(in crate::kinds) fn path(env: &Environment, name: &str) -> String {
    env.parameter_path(&key_in_path(env, name))
}

fn declared(env: &Environment, key: &str, parameter: &Parameter) -> Attrs {
    let secure = is_secret(env, key);
    let (mut value, mut secret) = (None, None);
    if let Some(template) = &parameter.value {
        let text = env.text(template);
        if secure {
            secret = Some(SecretSource::Text(text));
        } else {
            value = Some(text);
        }
    } else if let Some(variable) = &parameter.env {
        secret = Some(SecretSource::Env(variable.clone()));
    } else if let Some(generate) = parameter.generate {
        secret = Some(SecretSource::Generate(generate.length));
    }
    Attrs {
        name: path(env, key),
        secure,
        value,
        secret: secret.map(Secret::new),
        tier: parameter.tier,
        description: parameter.description.clone(),
        tags: env.tags_of::<SsmParameter>(key),
    }
}

/// AWS refuses to turn an advanced parameter into a standard one. A plain one is made anew, for its value is in the
/// spec; but there may be no other copy of a secret, and the advanced tier holds all that the standard one does.
fn stays_advanced(desired: &Attrs, live: &Attrs) -> bool {
    desired.secure && (desired.tier, live.tier) == (ParameterTier::Standard, ParameterTier::Advanced)
}

impl Kind for SsmParameter {
    const SECTIONS: &'static [&'static dyn AnySection] = &[spec::section::<Parameters>()];
    const EXAMPLES: &'static [Example] = section::EXAMPLES;
    const RULES: &'static [Rule<Attrs>] = rules::RULES;
    /// A task that starts later does not find it.
    const DELETED_IN_USE: bool = true;
    const ENVIRONMENT_OUTPUTS: &'static [&'static str] = &["databases.….password-command"];
    const SUMMARY: &'static [&'static str] = &["type"];
    const STAGE: Stage = Stage::Parameters;
    const REPLACE_ON: &'static [&'static str] = &["name"];
    const TAG_INDEX: Option<&'static str> = Some("ssm:parameter");
    const TAGS_FROM_INDEX: bool = true;
    const SERVES_TRAFFIC: bool = true;
    /// A plain parameter also has the output `value`; that of a secret one stays in the vault.
    const OUTPUTS: &'static [&'static str] = &["arn", "version"];
    const CHANGING_OUTPUTS: &'static [&'static str] = &["version", "value"];
    const IDENTITY: Option<&'static str> = Some("name");
    const CREATE_FIRST: bool = false;

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let declared = env.section::<Parameters>().iter().map(|(key, parameter)| {
            let external = parameter.external;
            let protect = parameter.protect.unwrap_or(env.protect);
            Desired {
                external,
                protect,
                ..Desired::new(key, &[Parameters::KEY, key], declared(env, key, parameter))
            }
        });
        let passwords = env.section::<Databases>().iter().map(|(database, spec)| {
            let key = password_parameter(database);
            let attrs = Attrs {
                name: path(env, &key),
                secure: true,
                value: None,
                secret: Some(Secret::new(SecretSource::Generate(PASSWORD))),
                tier: ParameterTier::Standard,
                description: format!("Master password of database {}", env.naming_key(Databases::KEY, database)),
                tags: env.tags_of::<Self>(&key),
            };
            let protect = spec.protect.unwrap_or(env.protect);
            Desired {
                stage: Some(Stage::Database),
                protect,
                ..Desired::new(key, &[Databases::KEY, database], attrs)
            }
        });
        declared.chain(passwords).collect()
    }

    /// What is plain is in the spec.
    fn holds_data(live: &Attrs) -> bool {
        live.secure
    }

    /// Intelligent tiering reads back as the tier that it came to.
    fn normalize(desired: &Attrs, live: &mut Attrs) {
        if desired.tier == ParameterTier::IntelligentTiering || stays_advanced(desired, live) {
            live.tier = desired.tier;
        }
    }

    /// AWS counts every put as a version; tags have a call of their own.
    fn changes_output(_output: &str, changed: &[String]) -> bool {
        changed.iter().any(|field| field != "tags")
    }

    fn dangers(desired: &Attrs, live: &Attrs) -> Vec<(&'static str, String)> {
        let is_plain = desired.secure && !live.secure;
        is_plain.then(|| ("type", "the secret is stored unencrypted".to_owned())).into_iter().collect()
    }

    /// ECS reads a parameter when it starts a task: what runs goes on with what it was given
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html>).
    fn deletion_impact(_live: &Attrs, _users: &Users<'_>) -> Impact {
        Impact::None
    }

    /// `value` is sensitive, as in Terraform; what everybody may read is in `insecure_value`.
    /// Of a database's password: everybody else has what is in a parameter from elsewhere.
    fn environment_outputs(live: &LiveObject<'_, Attrs>) -> Vec<EnvironmentOutput> {
        let Some(database) = password_of(live.env, live.name) else { return Vec::new() };
        let command = format!(
            "aws ssm get-parameter --name {} --with-decryption --query Parameter.Value --output text --region {}",
            shell_word(&live.attrs.name),
            shell_word(&live.env.region),
        );
        let name = format!("{}.{database}.password-command", Databases::KEY);
        live.output(name, OutputSort::Command, Some(&command))
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let tier = match attrs.tier {
            ParameterTier::Standard => "Standard",
            ParameterTier::Advanced => "Advanced",
            ParameterTier::IntelligentTiering => "Intelligent-Tiering",
        };
        let body = json!({
            "name": attrs.name,
            "type": if attrs.secure { "SecureString" } else { "String" },
            "tier": tier,
            "insecure_value": attrs.value,
            "value": attrs.secret,
            "description": attrs.description,
            "tags": attrs.tags,
        });
        Block::one("aws_ssm_parameter", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_ssm::Client as Ssm;
    use zeroize::Zeroizing;

    use super::*;
    use crate::aws::{Aws, CloudError, ErrorClass, OwnError, Reader, SdkResult};
    use crate::kinds::members::Members;
    use crate::kinds::ownership::{TagChange, confirm_tags, unless_created};
    use crate::kinds::{Calls, Create, Delete, Live, Update, WriteResult};
    use crate::value::SecretStore;

    impl Calls for SsmParameter {
        const ERRORS: &'static [OwnError] = &[OwnError {
            code: "InvalidResourceId",
            words: "",
            class: ErrorClass::NotFound,
            example: "The resource ID isn't valid. Verify that you entered the correct ID and try again.",
        }];

        fn members() -> Vec<Members> {
            live::members()
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            live::read_all(read).await
        }

        async fn save_cache(aws: &Aws, env: &Environment) -> Result<(), CloudError> {
            record::save_cache(aws, env).await
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            let tags = tagging::tags(read.aws, &live.id).await?;
            confirm_tags::<Self>(read, live, tags, |attrs| &mut attrs.tags);
            live::by_owner(read, live);
            Ok(())
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = new.attrs;
            let version = match put(aws, attrs, new.secret_store, false).await {
                Ok(version) => version,
                Err(error) => {
                    unless_created(error, &attrs.tags, tagging::tags(aws, &attrs.name)).await?;
                    version(aws, &attrs.name).await?
                }
            };
            if let Some(secret) = &attrs.secret {
                new.secret_store.assign(new.address.clone(), secret);
            }
            Ok(made(aws, attrs, version))
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let attrs = change.attrs;
            let mut outputs = change.outputs.clone();
            if Self::changes_output("version", change.changed) {
                let (version, anew) = overwrite(aws, change).await?;
                outputs = made(aws, attrs, version).outputs;
                if let Some(secret) = &attrs.secret {
                    change.secret_store.assign(change.address.clone(), secret);
                }
                if anew {
                    return Ok(WriteResult { id: change.id.to_owned(), outputs });
                }
            }
            if change.changes("tags") {
                tagging::retag(aws, change.id, TagChange::between(&change.before.tags, &attrs.tags)).await?;
            }
            Ok(WriteResult { id: change.id.to_owned(), outputs })
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            remove(aws, gone.id).await
        }
    }

    /// Writes over a parameter, or makes it anew where only that makes it standard: then its history is lost, and its
    /// value is the spec's. Answers its version, and whether it was made anew.
    async fn overwrite(aws: &Aws, change: &Update<'_, Attrs>) -> Result<(i64, bool), CloudError> {
        let Update { before, attrs, secret_store, .. } = *change;
        let tier = if stays_advanced(attrs, before) { before.tier } else { attrs.tier };
        let written = Attrs { tier, ..attrs.clone() };
        if (before.tier, tier) != (ParameterTier::Advanced, ParameterTier::Standard) {
            let version = put(aws, &written, secret_store, true).await.map_err(by_hand)?;
            return Ok((version, false));
        }
        if before.secure {
            let why = "a secret is never deleted to recreate it as a plain parameter of the standard tier";
            return Err(by_hand(CloudError::new("ssm:PutParameter", OTHER_TYPE, why)));
        }
        remove(aws, change.id).await?;
        Ok((put(aws, &written, secret_store, false).await?, true))
    }

    /// What AWS answers to a put of another type, as the API reference of `PutParameter` lists it.
    const OTHER_TYPE: &str = "HierarchyTypeMismatchException";

    /// A delete is left to somebody who knows whether the value is kept anywhere else.
    fn by_hand(mut error: CloudError) -> CloudError {
        if error.code == OTHER_TYPE {
            error.message += "; keep its type and tier, or, if its value may be lost, delete it by hand and apply \
                              again";
        }
        error
    }

    /// Writes a parameter and answers its version.
    async fn put(aws: &Aws, attrs: &Attrs, secret_store: &SecretStore, overwrite: bool) -> Result<i64, CloudError> {
        use aws_sdk_ssm::types::{ParameterTier as Tier, ParameterType};
        let value = match (&attrs.secret, &attrs.value) {
            (Some(secret), _) => secret_store.reveal(secret),
            (None, Some(text)) => Some(Zeroizing::new(text.plain())),
            (None, None) => None,
        };
        let Some(value) = value else {
            return Err(CloudError::internal(format!("the value of {} is not available", attrs.name)));
        };
        let tier = match attrs.tier {
            ParameterTier::Standard => Tier::Standard,
            ParameterTier::Advanced => Tier::Advanced,
            ParameterTier::IntelligentTiering => Tier::IntelligentTiering,
        };
        // Before the call, whose answer may get lost.
        aws.versions.put(&attrs.name);
        // AWS takes tags only with a put that creates.
        let tags = if overwrite { None } else { Some(tagging::ssm_tags(&attrs.tags)?) };
        let answer = aws
            .client::<Ssm>()
            .put_parameter()
            .name(&attrs.name)
            .value(value.as_str())
            .r#type(if attrs.secure { ParameterType::SecureString } else { ParameterType::String })
            .tier(tier)
            .description(&attrs.description)
            .overwrite(overwrite)
            .set_tags(tags)
            .send()
            .await
            .operation("ssm:PutParameter")?;
        Ok(answer.version())
    }

    async fn version(aws: &Aws, name: &str) -> Result<i64, CloudError> {
        let answer = aws.client::<Ssm>().get_parameter().name(name).send().await.operation("ssm:GetParameter")?;
        Ok(answer.parameter().map_or(1, aws_sdk_ssm::types::Parameter::version))
    }

    async fn remove(aws: &Aws, name: &str) -> Result<(), CloudError> {
        aws.versions.deleted(name);
        aws.client::<Ssm>().delete_parameter().name(name).send().await.optional("ssm:DeleteParameter")?;
        Ok(())
    }

    /// The ARN of a parameter: its name follows without another slash.
    pub(super) fn arn(aws: &Aws, name: &str) -> String {
        aws.arn("ssm", &format!("parameter{name}"))
    }

    pub(super) fn made(aws: &Aws, attrs: &Attrs, version: i64) -> WriteResult {
        let made = WriteResult::new(&attrs.name)
            .output("arn", arn(aws, &attrs.name))
            .output("version", version.to_string());
        match &attrs.value {
            Some(text) => made.output("value", text.plain()),
            None => made,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attrs(tier: ParameterTier) -> Attrs {
        Attrs {
            name: "/legend/dev/key".to_owned(),
            secure: false,
            value: Some("x".into()),
            secret: None,
            tier,
            description: String::new(),
            tags: Tags::new(),
        }
    }

    #[test]
    fn intelligent_tiering_is_content_with_what_it_came_to() {
        let mut live = attrs(ParameterTier::Advanced);
        SsmParameter::normalize(&attrs(ParameterTier::IntelligentTiering), &mut live);
        assert_eq!(live.tier, ParameterTier::IntelligentTiering);
        let mut live = attrs(ParameterTier::Advanced);
        SsmParameter::normalize(&attrs(ParameterTier::Standard), &mut live);
        assert_eq!(live.tier, ParameterTier::Advanced);
    }

    #[test]
    fn a_secret_is_never_deleted_for_its_tier() {
        let secret = |tier| Attrs { secure: true, ..attrs(tier) };
        let mut live = secret(ParameterTier::Advanced);
        SsmParameter::normalize(&secret(ParameterTier::Standard), &mut live);
        assert_eq!(live.tier, ParameterTier::Standard, "no difference");
        let mut live = attrs(ParameterTier::Advanced);
        SsmParameter::normalize(&secret(ParameterTier::Standard), &mut live);
        assert_eq!(live.tier, ParameterTier::Standard, "nor where it was plain");
        let mut live = secret(ParameterTier::Standard);
        SsmParameter::normalize(&secret(ParameterTier::Advanced), &mut live);
        assert_eq!(live.tier, ParameterTier::Standard, "a difference");
    }

    #[test]
    fn tags_alone_make_no_version() {
        assert!(!SsmParameter::changes_output("version", &["tags".to_owned()]));
        assert!(SsmParameter::changes_output("version", &["tags".to_owned(), "description".to_owned()]));
    }
}
