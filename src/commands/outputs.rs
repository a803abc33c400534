use std::collections::BTreeSet;

use super::options::{self, Use, did_you_mean, nearest};
use super::session::{Session, apply_command, with_cloud};
use super::{Failure, live};
use crate::cli::{Exit, OutputsArgs};
use crate::graph::Graph;
use crate::kinds::environment_outputs::is_called;
use crate::kinds::{self, kinds_of_outputs};
use crate::ui::{Ui, outputs_env, outputs_text};

/// Prints what people open, call and run of what is live: all of it, or the value of one.
pub async fn outputs(ui: Ui, args: &OutputsArgs) -> Result<Exit, Failure> {
    let OutputsArgs { spec, name, env, cloud } = args;
    options::of_cloud(cloud, Use::Reads)?;
    if ui.json && *env {
        return Err(Failure::new(Exit::Usage, "--json and --env conflict", "give one of the two"));
    }
    let name = name.as_deref();
    let needed = kinds_of_outputs(name);
    let session = Session::open(ui, spec, cloud, None).await?;
    let all = format!("`baseplate outputs {}` lists all", with_cloud(spec, cloud));
    let known = known(&session.graph);
    let unknown = |name: &str, known: &mut dyn Iterator<Item = String>| {
        let message = format!("there is no output `{name}`");
        Failure::new(Exit::InvalidInput, message, did_you_mean(nearest(name, known), &all))
    };
    if let (Some(name), true) = (name, needed.is_empty()) {
        return Err(unknown(name, &mut known.into_iter()));
    }
    // What the spec does not want has no place in it that an output could be called by.
    let wanted: BTreeSet<&str> = session.graph.objects.iter().map(|object| object.kind.name()).collect();
    let needed: Vec<_> = needed.into_iter().filter(|kind| wanted.contains(kind.name())).collect();
    let mut outputs = live::outputs(&session, &live::read(&session, &needed).await?);
    let apply = format!("`{}` creates it", apply_command(spec, cloud));
    if let Some(name) = name {
        let found = outputs.iter().position(|output| output.name == name);
        let Some(found) = found else {
            if known.contains(name) {
                let message = format!("{name}: nothing that is live on {} has it", session.cloud.place());
                let help = format!("{apply}, if it is not applied yet");
                return Err(Failure::new(Exit::ChangesPending, message, help));
            }
            let there = outputs.into_iter().map(|output| output.name);
            return Err(unknown(name, &mut there.chain(known)));
        };
        outputs = vec![outputs.swap_remove(found)];
    }
    if outputs.is_empty() {
        let env = &session.spec.env;
        let message =
            format!("nothing of {} {} is live on {}", env.project, env.environment, session.cloud.place());
        return Err(Failure::new(Exit::ChangesPending, message, apply));
    }
    if *env {
        let lines = outputs_env(&outputs).map_err(|[one, other]| {
            let message = format!("{one} and {other} would be the same variable");
            Failure::new(Exit::InvalidInput, message, "give another key to one of the two in the spec")
        })?;
        ui.result(&lines)?;
    } else if let (Some(output), true) = (outputs.first(), name.is_some()) {
        match ui.json {
            true => ui.result_json(&output.value.clone().into())?,
            false => ui.result(&output.value)?,
        }
    } else if ui.json {
        ui.result_json(&live::outputs_json(&outputs))?;
    } else {
        let env = &session.spec.env;
        let title = format!("Outputs: {} {} on {}", env.project, env.environment, session.cloud.place());
        ui.result(&outputs_text(&outputs, &title, ui.out))?;
    }
    Ok(Exit::Done)
}

/// Every name that an output of the spec may have.
fn known(graph: &Graph) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for known in kinds::all().iter().flat_map(|kind| kind.environment_output_names()) {
        let Some((section, field)) = known.split_once("….") else {
            let section = known.split('.').next().unwrap_or_default();
            if graph.objects.iter().any(|object| object.origin.first().is_some_and(|first| first == section)) {
                names.insert((*known).to_owned());
            }
            continue;
        };
        let section = section.trim_end_matches('.');
        let entries = graph.objects.iter().filter_map(|object| match &object.origin[..] {
            [first, key, ..] if first == section => Some(format!("{section}.{key}.{field}")),
            _ => None,
        });
        names.extend(entries.filter(|name| is_called(known, name)));
    }
    names
}
