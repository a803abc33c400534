use std::path::Path;

use super::Failure;
use super::options::{self, Use};
use super::session::Session;
use crate::checks::traffic::{Traffic, desired};
use crate::cli::{CloudArgs, Exit, GraphArgs, GraphFormat, View, Wait};
use crate::graph::{self, Graph};
use crate::kinds;
use crate::plan::{self, ExecutionPlan, Options};
use crate::render::{traffic, traffic_svg};
use crate::spec;
use crate::ui::{Ui, traffic_text};

/// Draws what depends on what, or who may reach whom.
pub async fn draw(ui: Ui, args: &GraphArgs, json: bool) -> Result<Exit, Failure> {
    if json && args.format.is_some() {
        return Err(Failure::new(Exit::Usage, "--json and --format conflict", "give one of the two"));
    }
    match args.view {
        View::Dependencies => dependencies(ui, args, json),
        View::Traffic => reachability(ui, args, json).await,
    }
}

fn dependencies(ui: Ui, args: &GraphArgs, json: bool) -> Result<Exit, Failure> {
    let only = |what: &str| {
        let message = format!("{what} is for --view traffic");
        Err(Failure::new(Exit::Usage, message, "dependencies are drawn from the spec, as mermaid or dot"))
    };
    match args.format {
        _ if args.live => return only("--live"),
        Some(GraphFormat::Text) => return only("--format text"),
        Some(GraphFormat::Svg) => return only("--format svg"),
        _ => options::of_no_cloud(&args.cloud, "graph", "reads a cloud only with --view traffic --live")?,
    }
    let spec = spec::load(&args.spec, &kinds::catalog())?;
    let graph = Graph::of(&spec.env)?;
    match args.format {
        _ if json => ui.result_json(&graph::json(&graph)),
        Some(GraphFormat::Dot) => ui.result(&graph::dot(&graph)),
        _ => ui.result(&graph::mermaid(&graph)),
    }?;
    Ok(Exit::Done)
}

async fn reachability(ui: Ui, args: &GraphArgs, json: bool) -> Result<Exit, Failure> {
    let (traffic, title) = match args.live {
        true => live(ui, &args.spec, &args.cloud).await?,
        false => {
            options::of_no_cloud(&args.cloud, "graph", "reads a cloud only with --live")?;
            let env = spec::load(&args.spec, &kinds::catalog())?.env;
            let title = format!("Traffic: {} {}, as the spec says", env.project, env.environment);
            (Traffic::of(&desired(&Graph::of(&env)?)), title)
        }
    };
    match args.format {
        _ if json => ui.result_json(&serde_json::to_value(&traffic).unwrap_or_default()),
        Some(GraphFormat::Dot) => ui.result(&traffic::dot(&traffic)),
        Some(GraphFormat::Mermaid) => ui.result(&traffic::mermaid(&traffic)),
        Some(GraphFormat::Svg) => ui.result(&traffic_svg(&traffic)),
        None | Some(GraphFormat::Text) => ui.result(&traffic_text(&traffic, &title, ui.out)),
    }?;
    Ok(Exit::Done)
}

/// What is live, and its title.
async fn live(ui: Ui, spec: &Path, cloud: &CloudArgs) -> Result<(Traffic, String), Failure> {
    options::of_cloud(cloud, Use::Reads)?;
    // Nothing is rolled out, so nothing is said of waiting for it.
    let cloud = CloudArgs { wait: Wait::Never, ..cloud.clone() };
    let session = Session::open(ui, spec, &cloud, None).await?;
    let options = Options {
        looks_only: true,
        accepts_nothing: true,
        spec_digest: session.spec.digest.clone(),
        ..Options::default()
    };
    let reads = plan::make(session.cloud.as_ref(), session.context(&session.graph), &options);
    let execution: ExecutionPlan = session.guarded(async { reads.await.map_err(Failure::from) }).await?;
    for conflict in &execution.conflicts {
        ui.note(&format!("Drawn as the spec says, not as it is live: {conflict}"));
    }
    let env = &session.spec.env;
    let but = match execution.conflicts.len() {
        0 => String::new(),
        count => format!(" (but for {count} as the spec says: see the notes)"),
    };
    let title = format!("Traffic: {} {}, live on {}{but}", env.project, env.environment, session.cloud.place());
    Ok((Traffic::live(&session.graph, &execution), title))
}
