//! The files of a spec: the one that is named, and what it extends.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::{Data, Entry, Node, Tree, merge, parse, read_text};
use crate::spec::place::{Place, Source};
use crate::spec::problem::{Problem, Problems};

/// Files that one spec may be made of.
const MAX_FILES: usize = 16;

/// Reads a spec and all that it extends. What `drafts` has is not read from its file.
///
/// # Errors
/// Every syntax error of the first file that has any; an unreadable or oversized file; a cycle of `extends`, or one that
/// leaves the repository.
pub fn read(path: &Path, drafts: &Drafts, schema: &Value) -> Result<Tree, Problems> {
    let mut files = Files { schema, drafts, repository: repository(path), sources: Vec::new(), open: Vec::new() };
    match files.merged(path, None) {
        Ok(root) => Ok(Tree { sources: files.sources, root }),
        Err(list) => Err(Problems::new(files.sources, list)),
    }
}

/// Texts of specs that are not written yet, by their paths.
pub type Drafts = BTreeMap<PathBuf, String>;

/// Why a spec that another one extends is not read.
#[derive(Debug, thiserror::Error)]
enum ExtendsError {
    #[error("`extends` may not leave the folder: {0}")]
    OutsideFolder(String),
    #[error("`extends` may not leave the repository: {0}")]
    OutsideRepository(String),
    #[error("`extends` is not a spec: {0}")]
    NotToml(String),
}

impl ExtendsError {
    fn help(&self) -> &'static str {
        match self {
            Self::OutsideFolder(_) => "outside of a Git repository, name a file beside this one or below",
            Self::OutsideRepository(_) => "name a file in the repository of the spec, by its path from this folder",
            Self::NotToml(_) => "name a file whose name ends in .toml",
        }
    }
}

struct Files<'a> {
    schema: &'a Value,
    drafts: &'a Drafts,
    /// What no file may lie outside of.
    repository: Option<PathBuf>,
    sources: Vec<Source>,
    /// From the named file to the one that is read now.
    open: Vec<PathBuf>,
}

impl Files<'_> {
    /// A file on top of what it extends. `named_at` is where another one names it.
    fn merged(&mut self, path: &Path, named_at: Option<&Place>) -> Result<Node, Vec<Problem>> {
        let fail =
            |message: String, help: &str| vec![Problem { place: named_at.cloned(), ..Problem::new(message, help) }];
        // However its path is written.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.open.contains(&real) || self.sources.len() >= MAX_FILES {
            let message = format!("`extends` is a cycle, or of more than {MAX_FILES} files, at {}", path.display());
            return Err(fail(message, "the last of the specs must not extend another"));
        }
        let text = match self.drafts.get(path) {
            Some(text) => Ok(text.clone()),
            None => read_text(path),
        };
        let text = text.map_err(|error| {
            let help = match named_at {
                Some(_) => "`extends` is a path from the folder of the file that it stands in",
                None => "give the path of a TOML spec, as in environments/dev.toml",
            };
            fail(format!("cannot read {}: {error}", path.display()), help)
        })?;
        let file = self.sources.len();
        self.sources.push(Source { name: path.display().to_string(), text });
        let own = parse(&self.sources[file], file, self.schema)?;
        self.open.push(real);
        let mut root: Option<Node> = None;
        for (base, place) in bases(&own) {
            let path = self.named(path, base).map_err(|error| {
                let problem = Problem::new(error.to_string(), error.help());
                vec![Problem { place: Some(place.clone()), ..problem }]
            })?;
            let base = self.merged(&path, Some(place))?;
            match &mut root {
                Some(root) => merge(root, base),
                None => root = Some(base),
            }
        }
        self.open.pop();
        match root {
            Some(mut root) => {
                merge(&mut root, own);
                Ok(root)
            }
            None => Ok(own),
        }
    }

    /// The path of a spec that the one at `path` extends. An error in it quotes its text, so that it must lie where
    /// whoever wrote the first one may put specs: in the same repository, links followed; where there is none, beside it
    /// or below.
    fn named(&self, path: &Path, base: &str) -> Result<PathBuf, ExtendsError> {
        let outside = || match self.repository {
            Some(_) => ExtendsError::OutsideRepository(base.to_owned()),
            None => ExtendsError::OutsideFolder(base.to_owned()),
        };
        let base_path = Path::new(base);
        let may_stand = |part| match part {
            Component::Normal(_) | Component::CurDir => true,
            Component::ParentDir => self.repository.is_some(),
            Component::RootDir | Component::Prefix(_) => false,
        };
        if !base_path.components().all(may_stand) {
            return Err(outside());
        }
        if base_path.extension().is_none_or(|extension| extension != "toml") {
            return Err(ExtendsError::NotToml(base.to_owned()));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        // Without its `.`, which messages would repeat.
        let base_path = base_path.components().filter(|part| *part != Component::CurDir);
        let joined = folder.join(base_path.collect::<PathBuf>());
        let around = match &self.repository {
            Some(repository) => Ok(repository.clone()),
            None if folder.as_os_str().is_empty() => Path::new(".").canonicalize(),
            None => folder.canonicalize(),
        };
        match (joined.canonicalize(), around) {
            (Ok(joined), Ok(around)) if !joined.starts_with(&around) => Err(outside()),
            _ => Ok(joined),
        }
    }
}

/// What a file extends, each with its place; later ones override earlier ones.
fn bases(root: &Node) -> Vec<(&str, &Place)> {
    fn text(node: &Node) -> Option<(&str, &Place)> {
        if let Data::String(text) = &node.data { Some((text, &node.place)) } else { None }
    }
    let Data::Table(entries) = &root.data else { return Vec::new() };
    match entries.get("extends") {
        Some(Entry { node: Node { data: Data::Array(items), .. }, .. }) => items.iter().filter_map(text).collect(),
        Some(entry) => text(&entry.node).into_iter().collect(),
        None => Vec::new(),
    }
}

/// The folder of the Git repository that a spec lies in.
fn repository(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().ok()?;
    // A worktree has a file of this name.
    folder.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned)
}
