use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::plan::Source;

/// What a path in an address has besides letters and digits, as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where the lines of specs are to be seen: in a repository on the web, at one commit.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// The address of the repository's files at that commit, without a slash at its end; none where they are nowhere.
    pub files: Option<String>,
    /// The folder of the repository that the names of files start from.
    pub folder: PathBuf,
}

impl Links {
    /// The address of a line. `None` where it is not in the repository.
    pub fn line(&self, source: &Source) -> Option<String> {
        let mut inner = PathBuf::new();
        for part in self.folder.join(&source.file).components() {
            match part {
                Component::Normal(part) => inner.push(part),
                Component::CurDir => {}
                Component::ParentDir if inner.pop() => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        let path = utf8_percent_encode(inner.to_str()?, PATH);
        Some(format!("{}/{path}#L{}", self.files.as_ref()?, source.line))
    }

    /// As GitHub Actions says in its variables where the repository is; `now` is the working folder. Files are named from
    /// there.
    pub fn of_github(variable: impl Fn(&str) -> Option<String>, now: &Path) -> Self {
        let files = || {
            let [server, repository, commit] =
                ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"].map(&variable);
            Some(format!("{}/{}/blob/{}", server?, repository?, commit?))
        };
        let top = variable("GITHUB_WORKSPACE").map(PathBuf::from);
        match top.and_then(|top| now.strip_prefix(&top).ok().map(Path::to_owned)) {
            Some(folder) => Self { files: files(), folder },
            None => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<String> {
        let value = match name {
            "GITHUB_SERVER_URL" => "https://github.com",
            "GITHUB_REPOSITORY" => "shop/infra",
            "GITHUB_SHA" => "0a1b",
            "GITHUB_WORKSPACE" => "/work/infra",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn line(now: &str, file: &str) -> Option<String> {
        let source = Source { path: String::new(), file: file.to_owned(), line: 18 };
        Links::of_github(variable, Path::new(now)).line(&source)
    }

    #[test]
    fn a_line_has_an_address_in_its_repository() {
        let at = |path: &str| Some(format!("https://github.com/shop/infra/blob/0a1b/{path}#L18"));
        assert_eq!(line("/work/infra", "environments/dev.toml"), at("environments/dev.toml"));
        assert_eq!(line("/work/infra/live", "../environments/./dev.toml"), at("environments/dev.toml"));
        assert_eq!(line("/work/infra", "a b/\"><#.toml"), at("a%20b/%22%3E%3C%23.toml"));
    }

    #[test]
    fn what_is_not_in_the_repository_has_none() {
        assert_eq!(line("/work/infra", "../other/dev.toml"), None);
        assert_eq!(line("/work/infra", "/etc/dev.toml"), None);
        assert_eq!(line("/elsewhere", "dev.toml"), None);
        let source = Source { path: String::new(), file: "dev.toml".to_owned(), line: 1 };
        assert_eq!(Links::of_github(|_| None, Path::new("/work")).line(&source), None);
        assert_eq!(Links::default().line(&source), None);
    }
}
