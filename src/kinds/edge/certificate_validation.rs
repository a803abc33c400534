//! The wait for ACM to issue a requested certificate. Not an object in AWS: it is there as soon as the
//! certificate is issued. A kind of its own, because the certificate must be there before the DNS records that
//! prove whose the domain is, and a listener can use it only after ACM has found those records.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kinds::edge::certificate::{self, Certificate};
use crate::kinds::edge::dns_record::{self, DnsRecord};
use crate::kinds::terraform::{Block, This};
use crate::kinds::{Desired, Impact, Kind, Stage, Users};
use crate::spec::Environment;
use crate::value::{Address, Ref, Target};

pub struct CertificateValidation;

impl Target for CertificateValidation {
    const KIND: &'static str = "certificate_validation";
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attrs {
    pub certificate: Ref<Certificate>,
    /// The domains to prove.
    pub names: BTreeSet<String>,
}

impl Kind for CertificateValidation {
    const STAGE: Stage = Stage::LoadBalancer;
    const REPLACE_ON: &'static [&'static str] = &["certificate", "names"];
    /// The certificate's.
    const TAG_INDEX: Option<&'static str> = Some("acm:certificate");
    const SERVES_TRAFFIC: bool = true;
    /// A person may have to set the records elsewhere.
    const DEADLINE: u64 = 3600;
    const EXPECTED_SECONDS: u64 = 90;

    type Attrs = Attrs;

    fn desired(env: &Environment) -> Vec<Desired<Attrs>> {
        let wanted = certificate::requested(env).map(|balancer| {
            let names = balancer.names();
            let records = dns_record::validation_records(env, &names);
            let attrs = Attrs { certificate: Ref::to(balancer.key), names };
            let mut desired = Desired::new(balancer.key, &balancer.names_path(), attrs);
            desired.after.extend(records.into_keys().map(|name| Address::new(DnsRecord::KIND, name)));
            desired
        });
        wanted.collect()
    }

    fn is_counterpart(desired: &Attrs, live: &Attrs) -> bool {
        desired.certificate == live.certificate
    }

    /// Nothing in AWS goes with it.
    fn deletion_impact(_live: &Attrs, _users: &Users<'_>) -> Impact {
        Impact::None
    }

    fn terraform(attrs: &Attrs, _this: &This<'_>) -> Vec<Block> {
        Block::one("aws_acm_certificate_validation", json!({ "certificate_arn": attrs.certificate }))
    }
}

#[cfg(feature = "aws")]
mod calls {
    use aws_sdk_acm::types as acm;

    use super::*;
    use crate::aws::{Aws, CloudError, Reader};
    use crate::kinds::members::Members;
    use crate::kinds::{Calls, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};

    impl Calls for CertificateValidation {
        fn members() -> Vec<Members> {
            // The certificate says all there is.
            Vec::new()
        }

        async fn read_all(read: &Reader<'_>) -> Result<Vec<Live<Attrs>>, CloudError> {
            let found = certificate::certificates(read).await?;
            let issued = found.iter().filter(|own| certificate::issued(&own.detail));
            let live = issued.map(|own| {
                let address = own.address(read).map(|owner| Address::new(Self::KIND, owner.name()));
                let arn = certificate::arn(&own.detail);
                let attrs = Attrs { certificate: Ref::id(arn), names: certificate::covered(&own.detail) };
                Live::new(address, arn, attrs)
            });
            Ok(live.collect())
        }

        async fn create(_aws: &Aws, new: &Create<'_, Attrs>) -> Result<WriteResult, CloudError> {
            Ok(WriteResult::new(new.attrs.certificate.value()))
        }

        async fn update(_aws: &Aws, change: &Update<'_, Attrs>) -> Result<WriteResult, CloudError> {
            Ok(WriteResult::new(change.id))
        }

        async fn delete(_aws: &Aws, _gone: &Delete<'_, Attrs>) -> Result<(), CloudError> {
            Ok(())
        }

        async fn poll(aws: &Aws, target: &PollTarget<'_, Attrs>) -> Result<Poll, CloudError> {
            if target.goal == Goal::Gone {
                return Ok(Poll::Done(Outputs::new()));
            }
            Ok(match certificate::describe(aws, target.id).await? {
                None => return Err(CloudError::not_shown("acm:DescribeCertificate")),
                Some(detail) if certificate::issued(&detail) => Poll::Done(Outputs::new()),
                Some(detail) if certificate::may_be_issued(&detail) => Poll::Waiting(pending(&detail)),
                Some(detail) => Poll::Failed(certificate::trouble(&detail)),
            })
        }
    }

    /// What the world's DNS has yet to say, for those who have to set it where Baseplate does not reach.
    fn pending(detail: &acm::CertificateDetail) -> String {
        let open = detail.domain_validation_options().iter();
        let open = open.filter(|option| option.validation_status() != Some(&acm::DomainStatus::Success));
        let records: BTreeSet<String> = open
            .filter_map(acm::DomainValidation::resource_record)
            .map(|record| format!("CNAME {} → {}", record.name(), record.value()))
            .collect();
        let records: Vec<String> = records.into_iter().collect();
        format!("certificate {} PENDING_VALIDATION: needs {}", certificate::arn(detail), records.join(", "))
    }
}
