//! The environment's list of kinds, over one run.

use std::error::Error;

use super::Failure;
use super::lock::fenced;
use super::session::Session;
use crate::applied::ListChange;
use crate::aws::ErrorClass;
use crate::cli::Exit;
use crate::lock::Lock;
use crate::ui::Ui;
use crate::value::prefix_lines;

/// Puts on the environment's list of kinds what may come of this run, before anything does: by that it is found again
/// if the run dies and the spec has lost it by then.
pub async fn extend(ui: Ui, session: &Session, lock: &Lock, change: &ListChange) -> Result<(), Failure> {
    // A person may have thought for longer than the lock lasted on a machine that slept.
    lock.fence().await?;
    if change.is_empty() {
        return Ok(());
    }
    match session.cloud.change_list(&session.spec.env, change).await {
        Ok(()) => Ok(()),
        Err(error) if change.must().is_empty() => {
            unlisted(ui, &error);
            Ok(())
        }
        Err(error) => {
            // It may have slept since.
            lock.fence().await?;
            let kinds = change.must().into_iter().collect::<Vec<_>>().join(", ");
            let message = format!(
                "{kinds} could not be put on the environment's list of kinds: {error}; nothing was changed"
            );
            let help = match error.is(ErrorClass::Denied) {
                true => "allow these credentials ssm:GetParameter and ssm:PutParameter on parameter/baseplate/*",
                false => "nothing is made before its kind is listed, so that it is always found again: apply again",
            };
            Err(Failure::new(Exit::Failed, message, help))
        }
    }
}

/// Brings the list of kinds up to date where nothing else is to be written.
pub async fn keep(ui: Ui, session: &Session, lock: &Lock, change: &ListChange) {
    if change.is_empty() {
        return;
    }
    if let Err(error) = fenced(lock, session.cloud.change_list(&session.spec.env, change)).await {
        unlisted(ui, &error);
    }
}

fn unlisted(ui: Ui, error: &dyn Error) {
    let error = prefix_lines(&error.to_string(), "  ");
    ui.note(&format!(
        "The list of kinds could not be brought up to date: {error}. Later plans may read more kinds than they need; \
         nothing else depends on it."
    ));
}
