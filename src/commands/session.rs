//! What commands that use a cloud have in common: the spec, its objects, and the cloud.

use std::path::Path;
use std::pin::pin;
use std::time::SystemTime;

use futures_util::future::{Either, select};

#[cfg(feature = "aws")]
use super::account::open as account;
use super::{Failure, names};
use crate::aws::{CloudError, ErrorClass};
use crate::checks;
use crate::cli::{Choices, CloudArgs, Exit};
use crate::clock::rfc3339;
use crate::cloud::{Cloud, Context, FileCloud, Options};
use crate::graph::Graph;
use crate::kinds;
use crate::kinds::compute::section::Services;
use crate::kinds::preflight::Question;
use crate::plan::ExecutionPlan;
use crate::render::Beside;
use crate::spec::{self, Environment, Problems, Spec};
use crate::ui::Ui;
use crate::value::{SecretStore, one_line};

/// Seconds in a cloud file for a second of AWS, unless `--time-scale` says otherwise.
const TIME_SCALE: f64 = 0.002;

pub struct Session {
    pub spec: Spec,
    /// The objects of the spec.
    pub graph: Graph,
    /// What the plan depends on besides, with the objects that it names.
    pub choices: Choices,
    pub cloud: Box<dyn Cloud>,
    pub secret_store: SecretStore,
}

impl Session {
    /// Loads the spec and opens the cloud. [`Self::guard`] or [`Self::guarded`] then checks that it is the spec's
    /// account, before anything is written or shown.
    pub async fn open(ui: Ui, path: &Path, args: &CloudArgs, choices: Option<&Choices>) -> Result<Self, Failure> {
        let (spec, graph, choices) = load(path, choices)?;
        if let Some(region) = args.region.as_ref().filter(|region| **region != spec.env.region) {
            let message = format!("--region is {region}, the spec is for {}", spec.env.region);
            return Err(Failure::new(
                Exit::Refused,
                message,
                "correct one of the two; nothing was read or changed",
            ));
        }
        let cloud = open(ui, &spec.env, args).await?;
        let secret_store = cloud.secret_store();
        Ok(Self { spec, graph, choices, cloud, secret_store })
    }

    /// Checks that this is the spec's account.
    pub async fn guard(&self) -> Result<(), Failure> {
        self.cloud.guard(&self.spec.env).await.map_err(|error| unreadable(&[error]))
    }

    /// The result of `reads`, if this is the spec's account: that is checked concurrently, which saves the time of a
    /// call.
    pub async fn guarded<T>(&self, reads: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        beside(self.guard(), reads).await
    }

    /// What the checks say of the spec.
    pub fn beside(&self) -> Beside {
        Beside::of(&checks::warnings(&self.spec, &self.graph, &today()), &self.spec.tree.sources)
    }

    /// What AWS answers to the questions of `asks` about the changes of a plan. `None` where nobody can be asked.
    pub async fn preflight(
        &self,
        graph: &Graph,
        execution: &ExecutionPlan,
        asks: impl Fn(&Question) -> bool,
    ) -> Option<checks::Preflight> {
        let cloud = self.cloud.as_ref();
        let context = execution.context(self.context(graph));
        checks::preflight(cloud, context, &self.spec, execution, asks, &today()).await
    }

    pub fn context<'a>(&'a self, graph: &'a Graph) -> Context<'a> {
        Context { env: &self.spec.env, graph, secret_store: &self.secret_store }
    }
}

/// The command that applies a spec to this cloud, for people.
pub fn apply_command(spec: &Path, cloud: &CloudArgs) -> String {
    format!("baseplate apply {}", with_cloud(spec, cloud))
}

/// A file and the option for its cloud, as a command line has them.
pub fn with_cloud(file: &Path, CloudArgs { cloud, .. }: &CloudArgs) -> String {
    let file = one_line(&file.display().to_string());
    match cloud.as_str() {
        "aws" => file,
        cloud => format!("{file} --cloud {}", one_line(cloud)),
    }
}

/// The date in UTC, `2026-11-27`.
pub fn today() -> String {
    rfc3339(SystemTime::now()).chars().take_while(|&c| c != 'T').collect()
}

/// The result of `reads` once the guard succeeds. Its error has precedence, and does not wait for them.
async fn beside<T, E>(
    guard: impl Future<Output = Result<(), E>>,
    reads: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match select(pin!(guard), pin!(reads)).await {
        Either::Left((agreed, reads)) => {
            agreed?;
            reads.await
        }
        Either::Right((answer, guard)) => {
            guard.await?;
            answer
        }
    }
}

/// A spec with the images that the command line gives, its objects, and which of them the choices name.
pub fn load(path: &Path, choices: Option<&Choices>) -> Result<(Spec, Graph, Choices), Failure> {
    let mut spec = spec::load(path, &kinds::catalog())?;
    for choice in choices.map(|choices| choices.image.as_slice()).unwrap_or_default() {
        set_image(&mut spec.env, choice)?;
    }
    // Images of the command line are sent as those of the spec.
    let broken = match choices.is_some_and(|choices| !choices.image.is_empty()) {
        true => kinds::broken_rules(&spec.env, &spec.tree),
        false => Vec::new(),
    };
    if !broken.is_empty() {
        return Err(Problems::new(spec.tree.sources, broken).into());
    }
    let graph = Graph::of(&spec.env)?;
    let choices = choices.map(|choices| names::resolved(choices, &spec.env, &graph)).transpose()?;
    Ok((spec, graph, choices.unwrap_or_default()))
}

fn set_image(env: &mut Environment, choice: &str) -> Result<(), Failure> {
    let Some((service, image)) = choice.split_once('=').filter(|(_, image)| !image.is_empty()) else {
        let message = format!("--image {choice} is not of the form SERVICE=IMAGE");
        return Err(Failure::new(Exit::Usage, message, "as in --image web=nginx:1.27"));
    };
    let mut services = env.section::<Services>().clone();
    let Some(there) = services.get_mut(service) else {
        let names: Vec<&str> = services.keys().map(String::as_str).collect();
        let help = format!("services are: {}", names.join(", "));
        let message = format!("--image {service}: no such service in the spec");
        return Err(Failure::new(Exit::Usage, message, help));
    };
    image.clone_into(&mut there.image);
    env.set_section::<Services>(services);
    match env.parse_template(image) {
        Ok(_) => Ok(()),
        Err(errors) => {
            let messages = errors.into_iter().map(|error| error.message).collect();
            Err(Failure::Many { exit: Exit::Usage, messages, help: "see --image".to_owned() })
        }
    }
}

async fn open(ui: Ui, env: &Environment, args: &CloudArgs) -> Result<Box<dyn Cloud>, Failure> {
    if let Some(path) = args.cloud.strip_prefix("file:") {
        if path.is_empty() {
            return Err(Failure::new(Exit::Usage, "--cloud file: has no path", "as in --cloud file:dev.json"));
        }
        let time_scale = args.time_scale.unwrap_or(TIME_SCALE);
        if !(0.0..=1000.0).contains(&time_scale) {
            let message = format!("--time-scale {time_scale} is out of range");
            return Err(Failure::new(Exit::Usage, message, "0 to 1000"));
        }
        let options = Options { time_scale, fail_at: args.fail_at.clone(), ..Options::default() };
        let help = "give the path of a cloud file, or of a new one";
        return match FileCloud::open(Path::new(path), env, options) {
            Ok(cloud) => Ok(Box::new(cloud)),
            Err(error) => Err(Failure::new(Exit::InvalidInput, error.to_string(), help)),
        };
    }
    if args.cloud != "aws" {
        let message = format!("--cloud {} is neither `aws` nor `file:PATH`", args.cloud);
        return Err(Failure::new(Exit::Usage, message, "as in --cloud file:dev.json"));
    }
    account(ui, env, args).await
}

/// There is nothing to open.
#[cfg(not(feature = "aws"))]
async fn account(_: Ui, _: &Environment, _: &CloudArgs) -> Result<Box<dyn Cloud>, Failure> {
    let message = "this build of Baseplate does not support AWS, only cloud files";
    Err(Failure::new(Exit::Usage, message, "use --cloud file:PATH, or build it with its default features"))
}

/// Calls that failed, as one failure: what, and what to do next.
pub fn unreadable(errors: &[CloudError]) -> Failure {
    let wrong_account = errors.iter().any(|error| error.code == "WrongAccount");
    let exit = if wrong_account { Exit::Refused } else { Exit::Failed };
    let help = if wrong_account {
        "nothing was changed"
    } else if let Some(remedy) = errors.iter().find_map(CloudError::help) {
        remedy
    } else if errors.iter().any(|error| error.is(ErrorClass::Ambiguous)) {
        "no response from the endpoint: check the network, proxies, the region and AWS_ENDPOINT_URL"
    } else {
        "nothing was changed"
    };
    let messages = errors.iter().map(ToString::to_string).collect();
    Failure::Many { exit, messages, help: help.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;

    use tokio::task::yield_now;

    use super::beside;

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
    }

    /// Agrees, or not, after some turns.
    async fn guard(turns: usize, answer: Result<(), &'static str>) -> Result<(), &'static str> {
        for _ in 0..turns {
            yield_now().await;
        }
        answer
    }

    #[test]
    fn the_reads_do_not_wait_for_the_guard() {
        let begun = Cell::new(false);
        let waits = async {
            while !begun.get() {
                yield_now().await;
            }
            Ok::<_, ()>(())
        };
        let reads = async {
            begun.set(true);
            Ok("read")
        };
        assert_eq!(run(beside(waits, reads)), Ok("read"));
    }

    #[test]
    fn nothing_comes_out_before_the_guard_agrees() {
        assert_eq!(run(beside(guard(9, Err("another account")), async { Ok("read") })), Err("another account"));
        assert_eq!(run(beside(guard(9, Ok(())), async { Err::<(), _>("denied") })), Err("denied"));
    }

    #[test]
    fn its_refusal_goes_before_theirs_and_waits_for_nothing() {
        let failing = || async { Err::<(), _>("denied") };
        assert_eq!(run(beside(guard(0, Err("another account")), failing())), Err("another account"));
        assert_eq!(run(beside(guard(9, Err("another account")), failing())), Err("another account"));
        assert_eq!(
            run(beside(guard(2, Err("another account")), pending::<Result<(), _>>())),
            Err("another account")
        );
    }
}
