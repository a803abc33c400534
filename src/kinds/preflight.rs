//! What is asked of AWS before a plan is applied, so that what AWS would refuse halfway is known before the first write.
//!
//! A question has a code and is asked by kinds ([`super::Kind::PREFLIGHT`]), each of its own objects that the plan makes
//! or changes; the calls are in [`super::Calls::preflight`]. Who may not look does not know: then the answer is
//! [`Verdict::Unknown`], and never [`Verdict::Ok`].

#[cfg(feature = "aws")]
pub(super) mod addresses;
#[cfg(feature = "aws")]
pub(super) mod quotas;
#[cfg(feature = "aws")]
pub(super) mod roles;

use crate::aws::{CloudError, ErrorClass};
use crate::value::Address;

/// One question, the same for all kinds that ask it.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// Stable: `BP-PRE-` and a number.
    pub code: &'static str,
    /// One word or two for people: `quota`.
    pub category: &'static str,
    /// What must hold, in a sentence without a full stop.
    pub asks: &'static str,
    /// The permissions that it takes, as IAM writes them.
    pub permissions: &'static [&'static str],
    /// Whether an apply is refused where the answer is bad.
    pub stops: bool,
}

/// What quotas leave room for.
pub const QUOTA: Question = Question {
    code: "BP-PRE-02",
    category: "quota",
    asks: "the account's quotas have room for what the plan makes: VPCs, internet gateways, Elastic IP addresses, NAT \
           gateways in a zone, load balancers, databases, vCPUs of Fargate",
    permissions: &[
        "servicequotas:ListServiceQuotas",
        "servicequotas:ListAWSDefaultServiceQuotas",
        "ec2:DescribeVpcs",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeAddresses",
        "ec2:DescribeNatGateways",
        "ec2:DescribeSubnets",
        "elasticloadbalancing:DescribeLoadBalancers",
        "rds:DescribeDBInstances",
        "ecs:ListClusters",
        "ecs:ListTasks",
        "ecs:DescribeTasks",
    ],
    stops: true,
};

pub const ADDRESSES: Question = Question {
    code: "BP-PRE-03",
    category: "addresses",
    asks: "the subnets have free addresses: one for each task that the plan starts, those beside a rollout included, and 8 in \
           each subnet of a load balancer",
    permissions: &["ec2:DescribeSubnets"],
    stops: true,
};

pub const SERVICE_LINKED_ROLE: Question = Question {
    code: "BP-PRE-08",
    category: "role",
    asks: "the service-linked roles of ECS, Elastic Load Balancing and RDS exist",
    permissions: &["iam:GetRole"],
    stops: true,
};

/// The answer to a question about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub question: &'static Question,
    pub address: Address,
    /// Leads to what it is about in the attributes; empty for the object as a whole.
    pub field: &'static str,
    /// The value there, to find its line in the spec.
    pub value: String,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds: by what.
    Ok { evidence: String },
    /// It does not.
    Bad {
        /// What was found.
        evidence: String,
        /// What comes of it.
        cause: String,
        /// What to do.
        next: String,
    },
    /// Nobody knows, and why.
    Unknown { why: String },
}

impl Verdict {
    pub fn ok(evidence: impl Into<String>) -> Self {
        Self::Ok { evidence: evidence.into() }
    }

    pub fn bad(evidence: impl Into<String>, cause: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Bad { evidence: evidence.into(), cause: cause.into(), next: next.into() }
    }

    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { why: why.into() }
    }

    /// What a call that failed tells: nothing but why.
    pub fn failed(error: &CloudError) -> Self {
        match error.is(ErrorClass::Denied) {
            true => Self::unknown(format!("these credentials may not look: {error}")),
            false => Self::unknown(error.to_string()),
        }
    }

    /// The same with every text put through `change`.
    #[must_use]
    pub fn map(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Ok { evidence } => Self::Ok { evidence: change(&evidence) },
            Self::Bad { evidence, cause, next } => {
                Self::Bad { evidence: change(&evidence), cause: change(&cause), next: change(&next) }
            }
            Self::Unknown { why } => Self::Unknown { why: change(&why) },
        }
    }
}

/// What a plan does to one object: a creation, an update or a replacement.
#[derive(Clone, Debug)]
pub struct Coming<'a, A> {
    pub address: &'a Address,
    /// As it will be, with references resolved as far as they are known.
    pub attrs: A,
    /// As it is, where that was read.
    pub live: Option<A>,
    /// Whether an object is made: by a creation or a replacement.
    pub is_made: bool,
    /// Whether there is one more than now for a while: not where a replacement deletes first.
    pub is_more: bool,
    /// The fields that change of an object that stays.
    pub changed: Vec<String>,
}

impl<A> Coming<'_, A> {
    /// Whether it is made, or one of these fields changes.
    pub fn sets(&self, fields: &[&str]) -> bool {
        self.is_made || self.changed.iter().any(|changed| fields.contains(&changed.as_str()))
    }

    /// An answer about the object as a whole.
    pub fn answer(&self, question: &'static Question, verdict: Verdict) -> Answer {
        self.answer_at(question, "", "", verdict)
    }

    /// An answer about a value of its attributes.
    pub fn answer_at(
        &self,
        question: &'static Question,
        field: &'static str,
        value: impl Into<String>,
        verdict: Verdict,
    ) -> Answer {
        Answer { question, address: self.address.clone(), field, value: value.into(), verdict }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_look_does_not_know() {
        let denied = CloudError::new("iam:GetRole", "AccessDenied", "no");
        let Verdict::Unknown { why } = Verdict::failed(&denied) else { panic!("a denial is no answer") };
        assert_eq!(why, "these credentials may not look: iam:GetRole: AccessDenied: no");
        let broken = CloudError::new("iam:GetRole", "InternalFailure", "later");
        assert_eq!(Verdict::failed(&broken), Verdict::unknown("iam:GetRole: InternalFailure: later"));
    }
}
