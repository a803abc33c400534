use std::path::Path;

use futures_util::future::try_join_all;

use super::session::{Session, unreadable};
use super::{Failure, options};
use crate::cli::{CloudArgs, CompareArgs, CompareFormat, Exit, Wait};
use crate::compare::{Comparison, View, entries};
use crate::kinds;
use crate::spec::{self, Environment};
use crate::ui::{Ui, compare_markdown, compare_text};

/// Shows what differs between two environments.
pub async fn compare(ui: Ui, args: &CompareArgs) -> Result<Exit, Failure> {
    options::of_compare(args, ui.json)?;
    let comparison = if args.live {
        // Nothing is rolled out, so nothing is said of waiting for it.
        let cloud = CloudArgs { wait: Wait::Never, ..args.cloud.clone() };
        let other_cloud = CloudArgs {
            cloud: args.other_cloud.clone().unwrap_or_else(|| cloud.cloud.clone()),
            profile: args.other_profile.clone().or_else(|| cloud.profile.clone()),
            ..cloud.clone()
        };
        let (one, here) = read_live(ui, &args.one, &cloud).await?;
        let (other, there) = read_live(ui, &args.other, &other_cloud).await?;
        Comparison::of(&here, &there, &entries(&one, &other), true)
    } else {
        let (one, other) =
            (spec::load(&args.one, &kinds::catalog())?.env, spec::load(&args.other, &kinds::catalog())?.env);
        let (here, there) = (View::of_spec(&one)?, View::of_spec(&other)?);
        Comparison::of(&here, &there, &entries(&one, &other), false)
    };
    if ui.json {
        ui.result_json(&serde_json::to_value(&comparison).unwrap_or_default())?;
    } else {
        ui.result(&match args.format {
            None | Some(CompareFormat::Text) => compare_text(&comparison, args.all, ui.out),
            Some(CompareFormat::Markdown) => compare_markdown(&comparison),
        })?;
    }
    let unexplained = args.detailed_exitcode && !comparison.unexplained.is_empty();
    Ok(if unexplained { Exit::ChangesPending } else { Exit::Done })
}

async fn read_live(ui: Ui, path: &Path, cloud: &CloudArgs) -> Result<(Environment, View), Failure> {
    let session = Session::open(ui, path, cloud, None).await?;
    let context = session.context(&session.graph);
    let reads = async {
        let mut found = session.cloud.observe(context).await.map_err(|errors| unreadable(&errors))?;
        let partly = found.iter_mut().filter(|found| found.live.unconfirmed);
        let reads = partly.map(|found| session.cloud.refresh(context, found));
        try_join_all(reads).await.map_err(|error| unreadable(&[error]))?;
        Ok(found)
    };
    let found = session.guarded(reads).await?;
    let view = View::live(&session.spec.env, &found, &session.secret_store)?;
    Ok((session.spec.env, view))
}
