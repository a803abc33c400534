use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use aws_sdk_resourcegroupstagging::Client as Tagging;
use aws_sdk_resourcegroupstagging::operation::get_resources::builders::GetResourcesFluentBuilder;
use aws_sdk_resourcegroupstagging::types::{ResourceTagMapping, TagFilter};
use futures_util::future::{LocalBoxFuture, try_join};
use tokio::sync::OnceCell;

use super::{Aws, CloudError, SdkResult};
use crate::spec::{Environment, Owner};
use crate::value::{Address, SecretStore, Tags, Target};

/// Whose objects are read: one environment of one project, and the physical names its spec gives.
pub struct Scope<'a> {
    pub env: &'a Environment,
    /// By kind, the unique names that the desired objects have.
    pub identities: BTreeMap<&'static str, BTreeSet<String>>,
    /// The types whose tags are read from the index.
    pub tag_index: TagIndex,
    /// Whether to find what somebody made by hand too, where that takes calls of its own.
    pub everything: bool,
}

/// What the Resource Groups Tagging API is asked for: types as ARNs have them, `ec2:vpc`.
#[derive(Default)]
pub struct TagIndex {
    /// What belongs to one environment …
    pub own: BTreeSet<&'static str>,
    /// … and what belongs to the project.
    pub shared: BTreeSet<&'static str>,
}

impl Scope<'_> {
    fn whose<K: Target>(&self, tags: &Tags) -> Owner {
        Owner::of(self.env, K::KIND, K::SHARED, |key| tags.get(key).map(String::as_str))
    }

    /// The address that the tags of ownership name, if the object is this environment's or its project's.
    pub fn owner<K: Target>(&self, tags: &Tags) -> Option<Address> {
        match self.whose::<K>(tags) {
            Owner::Ours(address) => Some(address),
            _ => None,
        }
    }

    /// Whether the object has tags of ours, be they all or not, and none of anybody else's.
    pub fn has_ownership_tags<K: Target>(&self, tags: &Tags) -> bool {
        matches!(self.whose::<K>(tags), Owner::Ours(_) | Owner::PartlyTagged(_))
    }

    /// Whether the object's tags say that it is somebody else's.
    pub fn belongs_to_another<K: Target>(&self, tags: &Tags) -> bool {
        matches!(self.whose::<K>(tags), Owner::Another(_))
    }

    /// Whether an object of this kind and physical name concerns this environment: the spec gives that name,
    /// or it begins as our names do.
    pub fn concerns(&self, kind: &str, name: &str) -> bool {
        self.identities.get(kind).is_some_and(|names| names.contains(name))
            || name.strip_prefix(&self.env.prefix()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// An answer that is asked for once, of whatever type, or why there is none.
type Answer = OnceCell<Result<Rc<dyn Any>, CloudError>>;

/// Answers by key. A failure is an answer too: whoever asked again would wait for its whole time again.
#[derive(Default)]
struct Shared(RefCell<HashMap<&'static str, Rc<Answer>>>);

impl Shared {
    /// In a box: whoever shares an answer would carry the whole future that asks for it in its own.
    fn get<'s, T: 'static>(
        &'s self,
        key: &'static str,
        ask: impl Future<Output = Result<T, CloudError>> + 's,
    ) -> LocalBoxFuture<'s, Result<Rc<T>, CloudError>> {
        let cell = Rc::clone(self.0.borrow_mut().entry(key).or_default());
        Box::pin(async move {
            let answer = cell.get_or_init(|| async { Ok(Rc::new(ask.await?) as Rc<dyn Any>) }).await.clone()?;
            answer.downcast::<T>().map_err(|_| CloudError::internal(format!("{key} is shared as two types")))
        })
    }
}

/// One look at everything: who shares an answer asks for it here, so that no call is made twice.
pub struct Reader<'a> {
    pub aws: &'a Aws,
    pub scope: &'a Scope<'a>,
    pub secret_store: &'a SecretStore,
    shared: Shared,
}

impl<'a> Reader<'a> {
    pub fn new(aws: &'a Aws, scope: &'a Scope<'a>, secret_store: &'a SecretStore) -> Self {
        Self { aws, scope, secret_store, shared: Shared::default() }
    }

    /// The answer of `ask`, or its failure; it runs once for all that come with the same `key`.
    pub fn shared<'s, T: 'static>(
        &'s self,
        key: &'static str,
        ask: impl Future<Output = Result<T, CloudError>> + 's,
    ) -> LocalBoxFuture<'s, Result<Rc<T>, CloudError>> {
        self.shared.get(key, ask)
    }

    /// The tags of everything of the environment and of what its project shares by ARN, from the Resource Groups
    /// Tagging API: one call a hundred objects, for the services that have no batch call for tags.
    ///
    /// The index lags behind and also holds what is deleted, so it proves neither existence nor a difference:
    /// a kind that takes tags from here sets `Live::confirm`, and reads them from the service in `complete`.
    /// `None` where the API may not be called or is not there; then a kind reads its tags one by one.
    pub async fn tag_index(&self) -> Result<Rc<Option<HashMap<String, Tags>>>, CloudError> {
        self.shared("tag index", self.read_tag_index()).await
    }

    async fn read_tag_index(&self) -> Result<Option<HashMap<String, Tags>>, CloudError> {
        Ok(self.indexed().await.ok())
    }

    async fn indexed(&self) -> Result<HashMap<String, Tags>, CloudError> {
        // One page mostly holds all that the project has.
        let TagIndex { own, shared } = &self.scope.tag_index;
        let all = own | shared;
        let first = self.index(&all, None).send().await.operation(INDEX)?;
        if first.pagination_token().is_none_or(str::is_empty) {
            return Ok(first
                .resource_tag_mapping_list
                .unwrap_or_default()
                .into_iter()
                .filter_map(tagged)
                .collect());
        }
        // Further ones would come with every object of every other environment. No filter says "without an
        // environment"; so what environments share is asked for by its type.
        Ok(self.listed(own, shared).await?.into_iter().filter_map(tagged).collect())
    }

    /// The same of other types, whose kinds have a better place to read tags from: what there is, for those that may
    /// have nothing. Some of it may be deleted.
    ///
    /// # Errors
    /// The API may not be called, or is not there.
    pub async fn known(&self, types: &TagIndex) -> Result<HashMap<String, Tags>, CloudError> {
        Ok(self.listed(&types.own, &types.shared).await?.into_iter().filter_map(tagged).collect())
    }

    async fn listed(
        &self,
        own: &BTreeSet<&str>,
        shared: &BTreeSet<&str>,
    ) -> Result<Vec<ResourceTagMapping>, CloudError> {
        let every = async |types: &BTreeSet<&str>, environment| {
            // Asked for no type, AWS answers with every type.
            if types.is_empty() {
                return Ok(Vec::new());
            }
            let pages = self.index(types, environment).into_paginator().items().send();
            pages.collect::<Result<Vec<_>, _>>().await.operation(INDEX)
        };
        let environment = Some(self.scope.env.environment.as_str());
        let (own, shared) = try_join(every(own, environment), every(shared, None)).await?;
        Ok(own.into_iter().chain(shared).collect())
    }

    /// Asks for what of these types carries the tags of the project and the environment.
    fn index(&self, types: &BTreeSet<&str>, environment: Option<&str>) -> GetResourcesFluentBuilder {
        let filter =
            |key: &str, value: &str| TagFilter::builder().key(format!("baseplate:{key}")).values(value).build();
        let project = filter("project", &self.scope.env.project);
        let filters = std::iter::once(project).chain(environment.map(|value| filter("environment", value)));
        let types: BTreeSet<&str> = types.iter().map(|name| asked_for(name)).collect();
        let types = types.into_iter().map(str::to_owned).collect();
        let call = self.aws.client::<Tagging>().get_resources().set_tag_filters(Some(filters.collect()));
        // AWS gives fifty a page unless it is asked for more.
        call.set_resource_type_filters(Some(types)).resources_per_page(100)
    }
}

fn tagged(item: ResourceTagMapping) -> Option<(String, Tags)> {
    let tags = item.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
    Some((item.resource_arn?, tags))
}

/// The filter by which a type is asked for. What the parts of load balancers and of Cloud Map are called as a filter
/// AWS's pages do not agree about (`listener`, `listener/app`): these services are asked for as a whole.
fn asked_for(name: &str) -> &str {
    match name.split_once(':') {
        Some((service @ ("elasticloadbalancing" | "servicediscovery"), _)) => service,
        _ => name,
    }
}

/// Whether this is the ARN of an object of that type: `arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-1` of `ec2:vpc`.
pub fn is_of_type(arn: &str, name: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (Some(service), Some(resource), Some((of, kind))) = (parts.next(), parts.nth(2), name.split_once(':'))
    else {
        return false;
    };
    service == of && resource.strip_prefix(kind).is_some_and(|rest| rest.starts_with(['/', ':']))
}

const INDEX: &str = "tag:GetResources";

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;

    use super::*;

    async fn asked_by_three(answer: Result<u32, CloudError>) -> (usize, Vec<Result<Rc<u32>, CloudError>>) {
        let (shared, calls) = (Shared::default(), Cell::new(0));
        let ask = || async {
            calls.set(calls.get() + 1);
            tokio::task::yield_now().await;
            answer.clone()
        };
        let mut answers = join_all([shared.get("number", ask()), shared.get("number", ask())]).await;
        answers.push(shared.get("number", ask()).await);
        (calls.get(), answers)
    }

    #[test]
    fn a_type_is_that_of_the_arn_and_is_asked_for_by_its_service_where_that_has_parts() {
        let of = |resource: &str, name| is_of_type(&format!("arn:aws:{resource}"), name);
        assert!(of("ec2:eu-central-1:1:vpc/vpc-1", "ec2:vpc"));
        assert!(!of("ec2:eu-central-1:1:vpc-endpoint/vpce-1", "ec2:vpc"));
        assert!(of("rds:eu-central-1:1:db:town-test", "rds:db"));
        assert!(!of("ec2:eu-central-1:1:vpc/vpc-1", "rds:vpc"));
        let rule = "elasticloadbalancing:eu-central-1:1:listener-rule/app/town/1/2/3";
        assert!(of(rule, "elasticloadbalancing:listener-rule"));
        assert!(!of(rule, "elasticloadbalancing:listener"));
        assert!(!is_of_type("vpc/vpc-1", "ec2:vpc"));
        assert_eq!(asked_for("elasticloadbalancing:listener-rule"), "elasticloadbalancing");
        assert_eq!(asked_for("ec2:vpc"), "ec2:vpc");
    }

    #[tokio::test]
    async fn an_answer_is_asked_for_once() {
        let (calls, answers) = asked_by_three(Ok(7)).await;
        assert_eq!(calls, 1);
        assert!(answers.iter().all(|answer| answer.as_deref().is_ok_and(|number| *number == 7)), "{answers:?}");
    }

    #[tokio::test]
    async fn a_failure_is_shared_as_an_answer_is() {
        let (calls, answers) = asked_by_three(Err(CloudError::new("ec2:DescribeVpcs", "Broken", "no"))).await;
        assert_eq!(calls, 1);
        assert_eq!(answers.len(), 3);
        assert!(answers.iter().all(|answer| answer.as_ref().is_err_and(|error| error.code == "Broken")));
    }

    #[tokio::test]
    async fn one_key_has_one_type() {
        let shared = Shared::default();
        shared.get("number", async { Ok(7_u32) }).await.expect("a number");
        shared.get("number", async { Ok("seven") }).await.expect_err("no number");
    }
}
