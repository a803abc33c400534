//! The certificate that ACM issues for the names of a load balancer, once their DNS proves whose they are.

#[cfg(feature = "aws")]
mod members;
#[cfg(feature = "aws")]
mod preflight;
mod rules;

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use crate::kinds::edge::entry::{Balancer, balancers};
use crate::kinds::preflight::Question;
use crate::kinds::rules::Rule;
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::{Environment, same_other_tags};
use crate::value::{Tags, Target};

#[cfg(feature = "aws")]
pub(in crate::kinds) use calls::{arn, certificates, covered, describe, issued, may_be_issued, trouble};

pub struct Certificate;

impl Target for Certificate {
    const KIND: &'static str = "certificate";
}

/// Outputs by domain: name and value of the CNAME record by which ACM knows the domain.
const VALIDATION_NAME: &str = "validation_name_";

const VALIDATION_VALUE: &str = "validation_value_";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub domain: String,
    /// Further names, without the domain itself.
    pub alternative_names: BTreeSet<String>,
    /// `DNS`.
    pub validation: String,
    /// ACM's: `ISSUED`, `FAILED` …
    #[serde(alias = "usable", deserialize_with = "status")]
    pub status: String,
    pub tags: Tags,
}

const ISSUABLE: Question = Question {
    code: "BP-PRE-06",
    category: "certificate",
    asks: "ACM can issue the certificates that the plan requests: the zone of the spec is public, and no CAA record of it \
           keeps Amazon from issuing them",
    permissions: &["route53:ListHostedZonesByName", "route53:GetHostedZone", "route53:ListResourceRecordSets"],
    stops: true,
};

const ISSUED: &str = "ISSUED";
const PENDING: &str = "PENDING_VALIDATION";

/// Cloud files of earlier versions hold whether it is issued or may be.
fn status<'de, D: Deserializer<'de>>(attrs: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Usable(bool),
        Status(String),
    }
    Ok(match Stored::deserialize(attrs)? {
        Stored::Usable(true) => ISSUED.to_owned(),
        Stored::Usable(false) => "FAILED".to_owned(),
        Stored::Status(status) => status,
    })
}

/// The load balancers for whose names a certificate is requested.
pub(in crate::kinds) fn requested(env: &Environment) -> impl Iterator<Item = Balancer<'_>> {
    balancers(env).into_iter().filter(Balancer::requests_certificate)
}

/// Names of the outputs that hold the validation record of `domain`.
pub(in crate::kinds) fn validation_outputs(domain: &str) -> (String, String) {
    (format!("{VALIDATION_NAME}{domain}"), format!("{VALIDATION_VALUE}{domain}"))
}

/// The domain whose validation record has its name in this output.
pub(in crate::kinds) fn validated_by(output: &str) -> Option<&str> {
    output.strip_prefix(VALIDATION_NAME)
}

impl Kind for Certificate {
    const RULES: &'static [Rule<Attrs>] = rules::RULES;
    const SPEC_FIELDS: &'static [(&'static str, &'static str)] = &[("alternative_names", "aliases")];
    const SUMMARY: &'static [&'static str] = &["domain", "alternative_names"];
    const STAGE: Stage = Stage::LoadBalancer;
    const REPLACE_ON: &'static [&'static str] = &["domain", "alternative_names", "validation", "status"];
    const TAG_INDEX: Option<&'static str> = Some("acm:certificate");
    const TAGS_FROM_INDEX: bool = true;
    const SERVES_TRAFFIC: bool = true;
    /// ACM has one record for a domain and an account: certificates that have a domain in common share it.
    const SHARED_OUTPUTS: &'static [&'static str] = &[VALIDATION_NAME, VALIDATION_VALUE];
    const EXPECTED_SECONDS: u64 = 10;
    const PREFLIGHT: &'static [&'static Question] = &[&ISSUABLE];

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let wanted = requested(env).filter_map(|balancer| {
            let domain = balancer.domain()?;
            let mut alternative_names = balancer.names();
            alternative_names.remove(&domain);
            let attrs = Attrs {
                domain,
                alternative_names,
                validation: "DNS".to_owned(),
                status: ISSUED.to_owned(),
                tags: env.tags_of::<Self>(balancer.key),
            };
            Some(Desired::new(balancer.key, &balancer.names_path(), attrs))
        });
        wanted.collect()
    }

    /// One that is pending is issued by and by, which `certificate_validation` waits for; one that failed, expired or
    /// was revoked never comes back.
    fn normalize(desired: &Attrs, live: &mut Attrs) {
        if live.status == PENDING {
            live.status.clone_from(&desired.status);
        }
    }

    /// There may be any number for the same names; one that a listener of ours uses is known by that.
    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        (&desired.domain, &desired.alternative_names) == (&live.domain, &live.alternative_names)
            && same_other_tags(&desired.tags, &live.tags)
    }

    /// ACM deletes none that a listener has: that lets go before, and says itself whom it serves no more.
    fn deletion_impact(_live: &Attrs, _users: &Users<'_>) -> Impact {
        Impact::None
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        let body = json!({
            "domain_name": attrs.domain,
            "subject_alternative_names": attrs.alternative_names,
            "validation_method": attrs.validation,
            "tags": attrs.tags,
        });
        Block::one("aws_acm_certificate", body)
    }
}

#[cfg(feature = "aws")]
mod calls {
    use std::rc::Rc;

    use aws_sdk_acm::Client as Acm;
    use aws_sdk_acm::types as acm;
    use futures_util::future::try_join_all;

    use super::members::SETTINGS;
    use super::*;
    use crate::aws::{Aws, CloudError, Reader, SdkResult, service};
    use crate::kinds::edge::entry::plain;
    use crate::kinds::members::{Members, settings};
    use crate::kinds::preflight::{Answer, Coming};
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};
    use crate::value::Address;

    service!(aws_sdk_acm);

    impl Calls for Certificate {
        fn members() -> Vec<Members> {
            members::members()
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let found = certificates(read).await?;
            let live = found.iter().map(|own| {
                let mut live = Live::new(own.address(read), arn(&own.detail), attributes(own));
                live.outputs = outputs(&own.detail);
                live.unconfirmed = own.indexed;
                live.settings = settings(SETTINGS, &own.detail);
                live
            });
            Ok(live.collect())
        }

        async fn refresh(read: &Reader<'_>, live: &mut Live<Attrs>) -> Result<(), CloudError> {
            let tags = tags_of(read.aws, &live.id).await?;
            live.address = read.scope.owner::<Self>(&tags);
            if let Some(attrs) = &mut live.attrs {
                attrs.tags = tags;
            }
            Ok(())
        }

        async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
            preflight::preflight(read, coming).await
        }

        async fn create(aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            let names: Vec<String> = new.attrs.alternative_names.iter().cloned().collect();
            let made = aws
                .once::<Acm>()
                .request_certificate()
                .domain_name(&new.attrs.domain)
                .set_subject_alternative_names(Some(names).filter(|names| !names.is_empty()))
                .validation_method(acm::ValidationMethod::from(new.attrs.validation.as_str()))
                .idempotency_token(token(new.token))
                .set_tags(Some(list(&new.attrs.tags)?))
                .send()
                .await
                .operation("acm:RequestCertificate")?;
            match made.certificate_arn() {
                Some(arn) => Ok(WriteResult::new(arn)),
                None => Err(CloudError::internal("RequestCertificate returned no ARN")),
            }
        }

        async fn update(aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            if change.changes("tags") {
                let (before, after) = (&change.before.tags, &change.attrs.tags);
                if !after.is_empty() {
                    let added = aws.client::<Acm>().add_tags_to_certificate().certificate_arn(change.id);
                    let answer = added.set_tags(Some(list(after)?)).send().await;
                    answer.operation("acm:AddTagsToCertificate")?;
                }
                let gone: Tags = before
                    .iter()
                    .filter(|(key, _)| !after.contains_key(*key))
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect();
                if !gone.is_empty() {
                    let removed = aws.client::<Acm>().remove_tags_from_certificate().certificate_arn(change.id);
                    let answer = removed.set_tags(Some(list(&gone)?)).send().await;
                    answer.operation("acm:RemoveTagsFromCertificate")?;
                }
            }
            Ok(WriteResult { id: change.id.to_owned(), outputs: change.outputs.clone() })
        }

        async fn delete(aws: &Aws, gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            let answer = aws.client::<Acm>().delete_certificate().certificate_arn(gone.id).send().await;
            answer.optional("acm:DeleteCertificate").map(drop)
        }

        /// Ready means that its validation records are known. It is issued only after they are in DNS, which
        /// `certificate_validation` waits for.
        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            if target.goal == Goal::Gone {
                return Ok(Poll::Done(Outputs::new()));
            }
            let Some(detail) = describe(aws, target.id).await? else {
                return Err(CloudError::not_shown("acm:DescribeCertificate"));
            };
            if !may_be_issued(&detail) {
                return Ok(Poll::Failed(trouble(&detail)));
            }
            let outputs = outputs(&detail);
            let mut names = target.attrs.alternative_names.iter().chain([&target.attrs.domain]);
            Ok(match names.find(|name| !outputs.contains_key(&format!("{VALIDATION_NAME}{name}"))) {
                Some(name) => Poll::Waiting(format!("validation record of {name}")),
                None => Poll::Done(outputs),
            })
        }
    }

    /// How long ACM's idempotency tokens may be.
    const TOKEN_LENGTH: usize = 32;

    /// A certificate of ours in full.
    pub(in crate::kinds) struct Own {
        pub detail: acm::CertificateDetail,
        tags: Tags,
        /// Whether the tags are from the project's index, which lags behind ACM.
        indexed: bool,
    }

    impl Own {
        pub(in crate::kinds) fn address(&self, read: &Reader<'_>) -> Option<Address> {
            read.scope.owner::<Certificate>(&self.tags)
        }
    }

    /// All names that a certificate is for, its domain among them.
    pub(in crate::kinds) fn covered(detail: &acm::CertificateDetail) -> BTreeSet<String> {
        detail
            .subject_alternative_names()
            .iter()
            .map(String::as_str)
            .chain(detail.domain_name())
            .map(plain)
            .collect()
    }

    pub(in crate::kinds) fn arn(detail: &acm::CertificateDetail) -> &str {
        detail.certificate_arn().unwrap_or_default()
    }

    pub(in crate::kinds) fn issued(detail: &acm::CertificateDetail) -> bool {
        detail.status() == Some(&acm::CertificateStatus::Issued)
    }

    pub(in crate::kinds) fn may_be_issued(detail: &acm::CertificateDetail) -> bool {
        issued(detail) || detail.status().is_none_or(|status| *status == acm::CertificateStatus::PendingValidation)
    }

    /// Why a certificate can no longer be issued, and what to do.
    pub(in crate::kinds) fn trouble(detail: &acm::CertificateDetail) -> String {
        let status = detail.status().map_or("?", acm::CertificateStatus::as_str);
        let reason = detail.failure_reason().map(|reason| format!(" ({})", reason.as_str())).unwrap_or_default();
        format!("certificate {} is {status}{reason}; apply again to request a new one", arn(detail))
    }

    pub(in crate::kinds) async fn describe(
        aws: &Aws,
        arn: &str,
    ) -> Result<Option<acm::CertificateDetail>, CloudError> {
        let answer = aws.client::<Acm>().describe_certificate().certificate_arn(arn).send().await;
        Ok(answer.optional("acm:DescribeCertificate")?.and_then(|answer| answer.certificate))
    }

    /// Every certificate that carries our tags, and every one for our domain that nobody has tagged, shared with their
    /// validations: one paged list of the account's, and a look at each of these.
    pub(in crate::kinds) async fn certificates(read: &Reader<'_>) -> Result<Rc<Vec<Own>>, CloudError> {
        read.shared("certificates", async {
            // Without filter ACM lists RSA keys of up to 2048 bits only: the ones that are requested here.
            let pages = read.aws.client::<Acm>().list_certificates().into_paginator().items().send();
            let all = pages.collect::<Result<Vec<_>, _>>().await.operation("acm:ListCertificates")?;
            let asked = all.iter().map(|summary| own(read, summary));
            Ok(try_join_all(asked).await?.into_iter().flatten().collect())
        })
        .await
    }

    /// A certificate that the index does not know may be ours by its domain. There may be several for one domain,
    /// so the domain alone proves nothing and ACM is asked for the tags.
    async fn own(read: &Reader<'_>, summary: &acm::CertificateSummary) -> Result<Option<Own>, CloudError> {
        let Some(arn) = summary.certificate_arn() else { return Ok(None) };
        let index = read.tag_index().await?;
        let mut wanted = requested(read.scope.env).filter_map(|balancer| balancer.domain());
        let domain = summary.domain_name().map(plain);
        let is_wanted = wanted.any(|wanted| Some(wanted) == domain);
        let (tags, indexed) = match (*index).as_ref().map(|index| index.get(arn)) {
            Some(Some(tags)) => (without_reserved(tags.clone()), true),
            Some(None) if !is_wanted => return Ok(None),
            _ => (tags_of(read.aws, arn).await?, false),
        };
        let is_named = is_wanted && !read.scope.belongs_to_another::<Certificate>(&tags);
        if !is_named && !read.scope.has_ownership_tags::<Certificate>(&tags) {
            return Ok(None);
        }
        Ok(describe(read.aws, arn).await?.map(|detail| Own { detail, tags, indexed }))
    }

    async fn tags_of(aws: &Aws, arn: &str) -> Result<Tags, CloudError> {
        let answer = aws.client::<Acm>().list_tags_for_certificate().certificate_arn(arn).send().await;
        let answer = answer.optional("acm:ListTagsForCertificate")?;
        let tags = answer
            .as_ref()
            .map(aws_sdk_acm::operation::list_tags_for_certificate::ListTagsForCertificateOutput::tags)
            .unwrap_or_default();
        let pair = |tag: &acm::Tag| (tag.key().to_owned(), tag.value().unwrap_or_default().to_owned());
        Ok(without_reserved(tags.iter().map(pair).collect()))
    }

    fn attributes(own: &Own) -> Attrs {
        let detail = &own.detail;
        let domain = plain(detail.domain_name().unwrap_or_default());
        let mut names = covered(detail);
        names.remove(&domain);
        let method = detail.domain_validation_options().first().and_then(acm::DomainValidation::validation_method);
        Attrs {
            domain,
            alternative_names: names,
            validation: method.unwrap_or(&acm::ValidationMethod::Dns).as_str().to_owned(),
            status: detail.status().map_or(PENDING, acm::CertificateStatus::as_str).to_owned(),
            tags: own.tags.clone(),
        }
    }

    fn outputs(detail: &acm::CertificateDetail) -> Outputs {
        let records = detail.domain_validation_options().iter().filter_map(|option| {
            Some((validation_outputs(&plain(option.domain_name())), option.resource_record()?))
        });
        records
            .flat_map(|((name, value), record)| [(name, plain(record.name())), (value, plain(record.value()))])
            .collect()
    }

    fn token(token: &str) -> String {
        token.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(TOKEN_LENGTH).collect()
    }

    fn list(tags: &Tags) -> Result<Vec<acm::Tag>, CloudError> {
        let tags = tags.iter().map(|(key, value)| acm::Tag::builder().key(key).value(value).build());
        tags.collect::<Result<_, _>>().map_err(|error| CloudError::internal(error.to_string()))
    }

    /// Without the tags that AWS keeps for itself and lets nobody change.
    fn without_reserved(mut tags: Tags) -> Tags {
        tags.retain(|key, _| !key.starts_with("aws:"));
        tags
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn tokens_are_what_acm_takes() {
            assert_eq!(token("4f1c-9e/x_y"), "4f1c9ex_y");
            assert_eq!(token(&"a".repeat(40)).len(), TOKEN_LENGTH);
        }

        #[test]
        fn the_domain_is_no_alternative_of_itself() {
            let detail = acm::CertificateDetail::builder()
                .domain_name("example.org")
                .subject_alternative_names("example.org")
                .subject_alternative_names("Admin.example.org")
                .build();
            let attrs = attributes(&Own { detail, tags: Tags::new(), indexed: false });
            assert_eq!(attrs.alternative_names, BTreeSet::from(["admin.example.org".to_owned()]));
            assert_eq!(attrs.status, PENDING);
        }
    }
}
