use std::path::Path;
use std::time::SystemTime;

use super::Failure;
use super::options::{self, Use};
use super::session::{Session, apply_command, unreadable};
use crate::aws::{CloudError, ErrorClass};
use crate::cli::{CloudArgs, Exit};
use crate::graph::Graph;
use crate::kinds::compute::task_definition::{TaskDefinition, needed_image};
use crate::kinds::registry::images::{ImageList, ImageState, NeededImage, State, Unknown};
use crate::spec::Environment;
use crate::ui::{Ui, images_text};
use crate::value::Target;

/// Lists the images that the services of a spec need, and what their repositories have of them.
pub async fn images(ui: Ui, path: &Path, cloud: &CloudArgs) -> Result<Exit, Failure> {
    options::of_cloud(cloud, Use::Images)?;
    let session = Session::open(ui, path, cloud, None).await?;
    options::image_to_take(cloud, &session.graph)?;
    let env = &session.spec.env;
    let needed = of_spec(env, &session.graph);
    let reads = async { Ok(session.cloud.images(env, &needed, true).await) };
    let states = session.guarded(reads).await?;
    let broken = failed(&states, |error| !error.is(ErrorClass::Denied));
    if !broken.is_empty() {
        return Err(unreadable(&broken));
    }
    let list = ImageList::new(env, &needed, &states, &apply_command(path, cloud), SystemTime::now());
    if ui.json {
        ui.result_json(&serde_json::to_value(&list).unwrap_or_default())?;
    } else {
        let title = format!("Images: {} {} on {}", env.project, env.environment, session.cloud.place());
        ui.result(&images_text(&list, &title, ui.out))?;
    }
    Ok(if list.count(State::Missing) > 0 { Exit::ChangesPending } else { Exit::Done })
}

/// The images that the services of a spec need, in its order.
pub fn of_spec(env: &Environment, graph: &Graph) -> Vec<NeededImage> {
    let mut definitions: Vec<_> =
        graph.objects.iter().filter(|object| object.kind.name() == TaskDefinition::KIND).collect();
    definitions.sort_by_key(|object| object.place);
    let images = definitions.iter().filter_map(|object| needed_image(env, object.address.name(), &object.attrs));
    images.collect()
}

/// Look-ups that failed in such a way, each call once.
pub fn failed(states: &[ImageState], is_such: impl Fn(&CloudError) -> bool) -> Vec<CloudError> {
    let mut errors: Vec<CloudError> = Vec::new();
    for state in states {
        if let ImageState::Unknown(Unknown::Failed(error)) = state
            && is_such(error)
            && !errors.iter().any(|known| known.to_string() == error.to_string())
        {
            errors.push(error.clone());
        }
    }
    errors
}
