//! What an apply does about images: it stops before services whose image is missing, and tags those that are in use.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::Failure;
use super::images::failed;
use super::lock::fenced_all;
use super::plan::Planned;
use super::session::{Session, unreadable};
use crate::apply;
use crate::aws::ErrorClass;
use crate::cli::{CloudArgs, MissingImages};
use crate::graph::Graph;
use crate::kinds::Impact;
use crate::kinds::compute::ecs_service::EcsService;
use crate::kinds::compute::task_definition::{TaskDefinition, needed_image};
use crate::kinds::registry::images::in_use::InUse;
use crate::kinds::registry::images::{ImageList, NeededImage, Place, State, missing};
use crate::lock::Lock;
use crate::plan::{Action, Allowances, Change, ExecutionPlan, SecretMode, Step, resolve_with};
use crate::spec::Environment;
use crate::ui::Ui;
use crate::value::{Target, prefix_lines};

/// The images that services of a plan need and that are not there.
#[derive(Default)]
pub struct Missing {
    services: BTreeSet<String>,
    list: Option<ImageList>,
}

/// Looks for the images that the plan starts tasks from. Where that is not allowed, the apply goes on.
pub async fn find(
    ui: Ui,
    session: &Session,
    graph: &Graph,
    execution: &ExecutionPlan,
    asked: MissingImages,
    cloud: &CloudArgs,
    apply_command: &str,
) -> Result<Missing, Failure> {
    let is_wanted = match asked {
        MissingImages::Stop => true,
        MissingImages::Ignore => false,
        MissingImages::Auto => !is_emulated(cloud),
    };
    let env = &session.spec.env;
    let needed = if is_wanted { started(env, graph, execution) } else { Vec::new() };
    if !needed.iter().any(|needed| matches!(needed.place, Place::Ecr(_))) {
        return Ok(Missing::default());
    }
    let states = session.cloud.images(env, &needed, false).await;
    let (denied, broken) = (
        failed(&states, |error| error.is(ErrorClass::Denied)),
        failed(&states, |error| !error.is(ErrorClass::Denied)),
    );
    if !broken.is_empty() {
        return Err(unreadable(&broken));
    }
    for error in denied {
        let error = prefix_lines(&error.to_string(), "  ");
        ui.note(&format!("Whether all images are there is not known: {error}. The apply goes on."));
    }
    let services: BTreeSet<String> =
        missing(&needed, &states).iter().map(|(needed, _, _)| needed.service.clone()).collect();
    let mut list = ImageList::new(env, &needed, &states, apply_command, SystemTime::now());
    list.images.retain(|image| image.state == State::Missing);
    // The apply itself makes the repositories.
    list.commands.retain(|command| !command.starts_with(apply_command));
    Ok(Missing { list: (!services.is_empty()).then_some(list), services })
}

#[cfg(feature = "aws")]
fn is_emulated(cloud: &CloudArgs) -> bool {
    cloud.cloud == "aws" && super::account::foreign_endpoint().is_some()
}

#[cfg(not(feature = "aws"))]
fn is_emulated(_: &CloudArgs) -> bool {
    false
}

impl Missing {
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// The plan without what needs these images.
    pub fn without(&self, planned: Planned, allow: &Allowances) -> Result<Planned, Failure> {
        let needs_one = |change: &Change| self.services.contains(change.address.name()) && starts_tasks(change);
        Planned::of(apply::without(planned.execution, allow, needs_one)?)
    }

    /// One line for each image.
    pub fn lines(&self) -> Vec<String> {
        let images = self.list.iter().flat_map(|list| &list.images);
        let line = |image: &crate::kinds::registry::images::ListedImage| {
            format!("  {}: {}: {}", image.service, image.image, image.why.as_deref().unwrap_or_default())
        };
        images.map(line).collect()
    }

    /// The commands that push them.
    pub fn commands(&self) -> &[String] {
        self.list.as_ref().map(|list| list.commands.as_slice()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        let images = self.list.iter().flat_map(|list| &list.images);
        images.map(|image| json!({ "service": image.service, "image": image.image, "why": image.why })).collect()
    }
}

/// The images of the services of which the plan starts tasks.
fn started(env: &Environment, graph: &Graph, execution: &ExecutionPlan) -> Vec<NeededImage> {
    let mut images: BTreeMap<&str, NeededImage> = BTreeMap::new();
    let changes = || execution.plan.changes.iter().zip(&execution.steps).filter(|(change, _)| starts_tasks(change));
    for (change, step) in changes().filter(|(change, _)| change.address.kind() == TaskDefinition::KIND) {
        let service = change.address.name();
        let image = step.desired.as_ref().and_then(|desired| needed_image(env, service, desired));
        images.extend(image.map(|image| (service, image)));
    }
    for (change, _) in changes().filter(|(change, _)| change.address.kind() == EcsService::KIND) {
        let service = change.address.name();
        if !images.contains_key(service) {
            images.extend(wanted(env, graph, service).map(|image| (service, image)));
        }
    }
    images.into_values().collect()
}

/// The image that the spec wants for a service.
fn wanted(env: &Environment, graph: &Graph, service: &str) -> Option<NeededImage> {
    let is_its = |object: &&crate::graph::DesiredObject| {
        (object.kind.name(), object.address.name()) == (TaskDefinition::KIND, service)
    };
    needed_image(env, service, &graph.objects.iter().find(is_its)?.attrs)
}

/// Whether tasks are started by this change, or by what uses the object.
fn starts_tasks(change: &Change) -> bool {
    match (change.address.kind(), change.action) {
        (TaskDefinition::KIND | EcsService::KIND, Action::Delete) => false,
        (TaskDefinition::KIND, Action::Update | Action::Adopt) => {
            change.fields.iter().any(|field| field.name() != "tags")
        }
        (EcsService::KIND, Action::Update | Action::Adopt) => {
            // Fewer tasks start none, whatever their going means to others.
            let (count, others): (Vec<_>, Vec<_>) =
                change.fields.iter().partition(|field| field.name() == "desired_count");
            let grows = count.iter().any(|field| field.after.as_i64() > field.before.as_i64());
            grows || !others.is_empty() && change.impact != Impact::None
        }
        (TaskDefinition::KIND | EcsService::KIND, Action::Create | Action::Replace) => true,
        _ => false,
    }
}

/// Tags the images of the services, which are steady, so that their repositories keep them.
pub async fn tag_in_use(ui: Ui, session: &Session, graph: &Graph, execution: &ExecutionPlan, lock: &Lock) {
    let in_use = in_use(session, graph, execution);
    if let Err(errors) = fenced_all(lock, session.cloud.tag_in_use(&session.spec.env, &in_use)).await {
        let errors: Vec<String> = errors.iter().map(|error| prefix_lines(error, "  ")).collect();
        ui.note(&format!(
            "The images in use could not be tagged: {}. Until an apply does, their repositories may let them expire as \
             any other image; nothing else depends on it.",
            errors.join("; ")
        ));
    }
}

/// What the services run after the run, and what those that it changed ran before.
fn in_use(session: &Session, graph: &Graph, execution: &ExecutionPlan) -> InUse {
    let env = &session.spec.env;
    let open: BTreeSet<_> = execution.open().collect();
    let left = execution.left.changes.iter().filter(|change| change.address.kind() == EcsService::KIND);
    // One that is still to be deleted runs on.
    let mut services: BTreeMap<String, _> = left.map(|change| (change.address.name().to_owned(), None)).collect();
    for object in graph.objects.iter().filter(|object| object.kind.name() == TaskDefinition::KIND) {
        let service = object.address.name();
        let is_open = open.iter().any(|address| {
            address.name() == service && [TaskDefinition::KIND, EcsService::KIND].contains(&address.kind())
        });
        if is_open {
            services.insert(service.to_owned(), None);
            continue;
        }
        let step = execution
            .plan
            .changes
            .iter()
            .zip(&execution.steps)
            .find(|(change, _)| change.address == object.address);
        let image = |attrs: &Value| match needed_image(env, service, attrs)?.place {
            Place::Ecr(image) => Some(image),
            Place::Other { .. } => None,
        };
        let desired = step.and_then(|(_, step)| step.desired.as_ref()).unwrap_or(&object.attrs);
        let now = resolve_with(
            desired,
            &execution.known_outputs,
            session.context(graph).secret_store,
            SecretMode::Compare,
        );
        let before = step.and_then(|(_, Step { live, .. })| live.as_ref()?.attrs.as_ref());
        let images = image(&now).into_iter().chain(before.and_then(image)).collect();
        services.insert(service.to_owned(), Some(images));
    }
    InUse { services }
}
