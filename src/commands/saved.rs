use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Failure;
use crate::checks::traffic::TrafficChange;
use crate::cli::{Choices, Exit, Losses};
use crate::files::{self, FileError};
use crate::kinds::StageRange;
use crate::plan::{AddressPattern, Allowances, FORMAT_VERSION, Plan};

/// A plan in a file, with what is needed to plan it again: it is applied only if it comes out the same.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    pub format: String,
    pub spec: PathBuf,
    /// Images given on the command line, SERVICE=IMAGE.
    pub images: Vec<String>,
    pub live_images: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<StageRange>,
    pub adopt: Vec<AddressPattern>,
    pub allow: Allowances,
    pub plan: Plan,
    /// What stood beside it of who may reach whom, to be shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficChange>,
}

const FORMAT: &str = "baseplate-plan";

/// Why a text is not a [`SavedPlan`], in words that go after the name of its file and a colon.
#[derive(Debug, thiserror::Error)]
pub enum SavedPlanError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not JSON, or not of this shape.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("its \"format\" is not \"{FORMAT}\"")]
    Format,
    #[error("its version is not {FORMAT_VERSION}")]
    Version,
    #[error("its spec is not a .toml file")]
    Spec,
}

impl SavedPlan {
    pub fn new(spec: &Path, choices: &Choices, plan: Plan, traffic: Option<TrafficChange>) -> Self {
        let Choices { adopt, image, live_images, stages, losses } = choices.clone();
        let (format, spec, allow) = (FORMAT.to_owned(), spec.to_owned(), losses.allowances());
        Self { format, spec, images: image, live_images, stages, adopt, allow, plan, traffic }
    }

    /// The choices that the plan was made with.
    pub fn choices(&self) -> Choices {
        let Allowances { destroy, deletes } = self.allow.clone();
        Choices {
            adopt: self.adopt.clone(),
            image: self.images.clone(),
            live_images: self.live_images,
            stages: self.stages,
            losses: Losses { allow_destroy: destroy, allow_deletes: deletes },
        }
    }

    /// Writes the file at once or not at all, readable only by its owner.
    ///
    /// # Errors
    /// What [`files::write_private`] says.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        files::write_private(path, &text).map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()), "choose another path")
        })
    }

    /// The saved plan, where the file is one; `None` where it is something else, a spec for instance.
    pub fn read(path: &Path) -> Result<Option<Self>, Failure> {
        if path.extension().is_some_and(|extension| extension == "toml") {
            return Ok(None);
        }
        let saved = || Self::parse(&files::read(path, files::LARGEST)?);
        saved().map(Some).map_err(|error| {
            let message = format!("{} cannot be used as a plan: {error}", path.display());
            Failure::new(Exit::Refused, message, "give a spec (*.toml), or a plan that `plan --out` saved")
        })
    }

    /// Takes the text of a saved plan.
    ///
    /// # Errors
    /// It is not a saved plan, or of another version.
    pub fn parse(text: &[u8]) -> Result<Self, SavedPlanError> {
        let value: Value = serde_json::from_slice(text)?;
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(SavedPlanError::Format);
        }
        let version = value.pointer("/plan/format_version").and_then(Value::as_u64);
        if version != Some(u64::from(FORMAT_VERSION)) {
            return Err(SavedPlanError::Version);
        }
        let saved = Self::deserialize(value)?;
        // Refused before anything is read there: a plan may come from anybody.
        if saved.spec.extension().is_none_or(|extension| extension != "toml") {
            return Err(SavedPlanError::Spec);
        }
        Ok(saved)
    }
}
