use std::path::Path;

use super::Failure;
use super::session::{Session, unreadable};
use crate::cli::{CloudArgs, Exit};
use crate::cloud::Capture;
use crate::ui::Ui;
use crate::value::Address;

/// Captures the live state in a cloud file. Secret values stay where they are: the file holds fingerprints
/// under a key of the cloud that they were read from (an account has one for each run).
pub async fn observe(ui: Ui, spec: &Path, out: &Path, cloud: &CloudArgs) -> Result<Exit, Failure> {
    if out.exists() {
        let message = format!("{} is there already; nothing was written", out.display());
        return Err(Failure::new(Exit::Refused, message, "choose another name, or move it away"));
    }
    let session = Session::open(ui, spec, cloud, None).await?;
    let about = session.about(&session.graph);
    let mut found = session.cloud.observe(about).await.map_err(|errors| unreadable(&errors))?;
    for one in found.iter_mut().filter(|one| one.live.confirm) {
        session.cloud.complete(about, one).await.map_err(|error| unreadable(&[error]))?;
    }
    let is_shared =
        |address: &Address| session.graph.wanted.iter().any(|wanted| wanted.shared && wanted.address == *address);
    let capture = Capture::of(&session.spec.env, session.vault.key(), &found, is_shared);
    capture.write(out).map_err(|message| Failure::new(Exit::Failed, message, "choose another place"))?;
    ui.result(&format!("{} objects captured in {}", capture.objects.len(), out.display()));
    Ok(Exit::Done)
}
