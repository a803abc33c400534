//! Rejects options that name what does not exist, or that have no effect: before anything is read, or at least before
//! anything is written.

use std::collections::BTreeSet;

use super::Failure;
use crate::cli::{ApplyArgs, CloudArgs, CompareArgs, CompareFormat, Exit, Wait};
use crate::cloud::FailAt;
use crate::graph::{DesiredObject, Graph, Meant};
use crate::kinds;
use crate::kinds::compute::ecs_service::EcsService;
use crate::plan::{AddressPattern, ExecutionPlan, Options};
use crate::value::{Address, Target};

pub const EVERY_LIVE_ADDRESS: &str =
    "`baseplate plan SPEC` shows what is live and no longer in the spec, by address";

pub const EVERY_ADDRESS: &str = "`baseplate graph SPEC` shows every address";

/// What a command does with a cloud.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Reads,
    /// Looks for images only.
    Images,
    Writes,
    Destroys,
}

fn no_effect(message: impl Into<String>, help: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message, help)
}

/// Options of one sort of cloud given for the other, or for a command on which they have no effect.
pub fn of_cloud(args: &CloudArgs, does: Use) -> Result<(), Failure> {
    let CloudArgs { cloud, profile, region: _, wait, call_timeout, time_scale, fail_at } = args;
    let given = match cloud.starts_with("file:") {
        true => vec![
            ("--profile", profile.is_some()),
            ("--call-timeout", call_timeout.is_some()),
            ("--wait", matches!(wait, Wait::Always)),
        ],
        false => vec![("--time-scale", time_scale.is_some()), ("--fail-at", fail_at.is_some())],
    };
    if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
        let message = format!("{name} has no effect on --cloud {cloud}");
        let file = "it is for a cloud in a file, as in --cloud file:dev.json";
        return Err(no_effect(message, if cloud.starts_with("file:") { "it is for --cloud aws" } else { file }));
    }
    if let Some(FailAt::Address(address)) = fail_at {
        known_kind(address, "--fail-at")?;
    }
    let takes_image = matches!(fail_at, Some(FailAt::MissingImage(_)));
    match does {
        Use::Destroys if takes_image => {
            let message = "--fail-at missing-image has no effect on destroy, which starts no tasks";
            Err(no_effect(message, "give it to apply or images"))
        }
        Use::Images if takes_image => Ok(()),
        Use::Reads | Use::Images if fail_at.is_some() => {
            Err(no_effect("--fail-at is for changes, and this command makes none", "give it to apply or destroy"))
        }
        _ => Ok(()),
    }
}

/// A saved plan was made with its own options, which were reviewed with it.
pub fn of_saved(args: &ApplyArgs) -> Result<(), Failure> {
    let choices = &args.choices;
    let given = [
        ("--adopt", !choices.adopt.is_empty()),
        ("--image", !choices.image.is_empty()),
        ("--live-images", choices.live_images),
        ("--stages", choices.stages.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((name, _)) => {
            let message = format!(
                "{name} cannot be combined with a saved plan, which was made with options of its \
                                   own"
            );
            Err(no_effect(message, "give it to `plan --out`, and review that plan"))
        }
        None => Ok(()),
    }
}

/// Options of a cloud where none is read.
pub fn of_no_cloud(args: &CloudArgs, beside: &str, why: &str) -> Result<(), Failure> {
    let CloudArgs { cloud: _, profile, region, wait, call_timeout, time_scale, fail_at } = args;
    let given = [
        ("--profile", profile.is_some()),
        ("--region", region.is_some()),
        ("--wait", *wait != Wait::Auto),
        ("--call-timeout", call_timeout.is_some()),
        ("--time-scale", time_scale.is_some()),
        ("--fail-at", fail_at.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((name, _)) => {
            Err(no_effect(format!("{name} has no effect with {beside}, which {why}"), "omit one of the two"))
        }
        None => Ok(()),
    }
}

pub fn of_compare(args: &CompareArgs, json: bool) -> Result<(), Failure> {
    match args.live {
        true => of_cloud(&args.cloud, Use::Reads)?,
        false => of_no_cloud(&args.cloud, "compare", "reads a cloud only with --live")?,
    }
    if json && args.format.is_some() {
        return Err(no_effect("--json and --format conflict", "give one of the two"));
    }
    if args.all && (json || args.format == Some(CompareFormat::Markdown)) {
        return Err(no_effect(
            "--all applies to text only",
            "the other formats always list what the specs explain",
        ));
    }
    Ok(())
}

pub fn known_kind(address: &Address, option: &str) -> Result<(), Failure> {
    if kinds::find(address.kind()).is_some() {
        return Ok(());
    }
    let near = nearest(address.kind(), kinds::all().iter().map(|kind| kind.name().to_owned()));
    let message = format!("{option} {address}: unknown kind `{}`", address.kind());
    Err(Failure::new(Exit::Usage, message, did_you_mean(near, EVERY_ADDRESS)))
}

/// A failure can only be injected at an object of the environment.
pub fn failable(args: &CloudArgs, spec: &Graph, execution: &ExecutionPlan) -> Result<(), Failure> {
    image_to_take(args, spec)?;
    let Some(FailAt::Address(address)) = &args.fail_at else { return Ok(()) };
    let in_plan = execution.plan.changes.iter().map(|change| &change.address);
    let known: BTreeSet<&Address> = in_plan.chain(spec.objects.iter().map(|object| &object.address)).collect();
    if known.contains(address) {
        return Ok(());
    }
    let near = nearest(&address.to_string(), known.iter().map(ToString::to_string));
    let message = format!("--fail-at {address}: the environment has no such object; nothing was changed");
    Err(Failure::new(Exit::Usage, message, did_you_mean(near, EVERY_ADDRESS)))
}

/// Only the image of a service of the spec can be taken away.
pub fn image_to_take(args: &CloudArgs, spec: &Graph) -> Result<(), Failure> {
    let Some(service) = args.fail_at.as_ref().and_then(FailAt::service) else { return Ok(()) };
    let services = spec.objects.iter().filter(|object| object.kind.name() == EcsService::KIND);
    let names: BTreeSet<&str> = services.map(|object| object.address.name()).collect();
    if names.contains(service) {
        return Ok(());
    }
    let near = nearest(service, names.iter().map(|name| (*name).to_owned()));
    let message = format!("--fail-at missing-image:{service}: the spec has no such service; nothing was changed");
    Err(Failure::new(Exit::Usage, message, did_you_mean(near, "`[services]` of the spec has their keys")))
}

/// What `--allow-destroy` names must exist while something still requires approval. When nothing does, a run may be
/// repeated after it deleted that.
pub fn destroyable(options: &Options, spec: &Graph, execution: &ExecutionPlan) -> Result<(), Failure> {
    if !execution.plan.changes.iter().any(|change| change.guarded) {
        return Ok(());
    }
    let in_plan = execution.plan.changes.iter().map(|change| &change.address);
    let known: BTreeSet<&Address> = in_plan.chain(spec.objects.iter().map(|object| &object.address)).collect();
    let by_name = |pattern: &&AddressPattern| !matches!(pattern, AddressPattern::Kind(_) | AddressPattern::All);
    for pattern in options.allow.destroy.iter().filter(by_name) {
        if pattern.addresses().any(|address| known.contains(address)) {
            continue;
        }
        let name = pattern.to_string();
        let guarded = execution.plan.changes.iter().filter(|change| change.guarded);
        let near = nearest(&name, guarded.map(|change| change.address.to_string()));
        let meant = match near.and_then(|near| near.parse::<Address>().ok()) {
            Some(near) => {
                let path = spec.objects.iter().find(|object| object.address == near).map(DesiredObject::path);
                Meant { address: Some(near), path }
            }
            None => spec.meant(&name),
        };
        let help = meant.question().unwrap_or_else(|| "the plan lists the options that it requires".to_owned());
        let message = format!("--allow-destroy {name}: the environment has no such object; nothing was changed");
        return Err(Failure::new(Exit::Usage, message, help));
    }
    Ok(())
}

pub fn nearest(text: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let alike = known.map(|name| (strsim::jaro_winkler(&name, text), name)).filter(|(likeness, _)| *likeness > 0.8);
    alike.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1))).map(|(_, name)| name)
}

pub fn did_you_mean(near: Option<String>, else_help: &str) -> String {
    near.map_or_else(|| else_help.to_owned(), |near| format!("did you mean `{near}`?"))
}
