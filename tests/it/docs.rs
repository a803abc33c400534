//! The README and the pages in `docs/`: how they are laid out, and that their links lead somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::repository;

/// What a fence may hold. `console` is run (`docs_commands.rs`); `sh` is what cannot be, and each is listed there.
const FENCES: [&str; 7] = ["console", "sh", "toml", "yaml", "text", "mermaid", "rust"];

/// A Markdown file of the repository.
pub struct Page {
    /// From the root of the repository: `docs/src/lock.md`.
    pub name: String,
    pub text: String,
}

/// A fenced block.
pub struct Fence<'a> {
    /// The number of the line with the opening fence, from 0.
    pub line: usize,
    pub language: &'a str,
    pub lines: Vec<&'a str>,
}

impl Page {
    pub fn path(&self) -> PathBuf {
        repository(&self.name)
    }

    pub fn fences(&self) -> Vec<Fence<'_>> {
        let (mut fences, mut open): (Vec<Fence<'_>>, bool) = (Vec::new(), false);
        for (line, text) in self.text.lines().enumerate() {
            match (text.strip_prefix("```"), open) {
                (Some(language), false) => fences.push(Fence { line, language, lines: Vec::new() }),
                (None, true) => fences.last_mut().expect("an open fence").lines.push(text),
                (Some(_), true) | (None, false) => {}
            }
            open ^= text.starts_with("```");
        }
        assert!(!open, "{}: a fence is not closed", self.name);
        fences
    }

    /// The lines outside of fences, with their numbers from 0.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut open = false;
        self.text.lines().enumerate().filter(move |(_, line)| {
            let fence = line.starts_with("```");
            open ^= fence;
            !fence && !open
        })
    }

    /// The anchors of the headings, as GitHub makes them.
    fn anchors(&self) -> BTreeSet<String> {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let headings = self.prose().filter(|(_, line)| line.starts_with('#')).map(|(_, line)| line);
        headings
            .map(|heading| {
                let title = heading.trim_start_matches('#').trim().to_lowercase();
                let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
                let count = seen.entry(slug.clone()).or_default();
                *count += 1;
                if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
            })
            .collect()
    }

    /// Where the links lead, as they are written.
    fn links(&self) -> Vec<(usize, String)> {
        let link = regex_lite::Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
        let code = regex_lite::Regex::new(r"`[^`]*`").expect("a pattern");
        let found = |(line, text): (usize, &str)| {
            let text = code.replace_all(text, "`code`").into_owned();
            link.captures_iter(&text).map(|found| (line, found[1].to_owned())).collect::<Vec<_>>()
        };
        self.prose().flat_map(found).collect()
    }
}

/// The pages of the book, by name.
fn book() -> Vec<Page> {
    let mut folders = vec![repository("docs/src")];
    let mut names = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("docs/src") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(repository("")).expect("a path of the repository");
                names.push(name.to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    names.into_iter().map(page).collect()
}

pub fn page(name: impl Into<String>) -> Page {
    let name = name.into();
    let text = fs::read_to_string(repository(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Page { name, text }
}

/// Everything that a user reads in the repository.
pub fn pages() -> Vec<Page> {
    ["README.md", "SECURITY.md"].into_iter().map(page).chain(book()).collect()
}

/// Whether to write what is checked anew: `UPDATE_DOCS=1 cargo test --test it docs`.
pub fn is_update() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

#[test]
fn the_readme_is_read_through() {
    let lines = page("README.md").text.lines().count();
    assert!(lines <= 200, "{lines} lines: what is looked up goes to docs/");
}

#[test]
fn the_summary_lists_every_page() {
    let summary = page("docs/src/SUMMARY.md");
    let listed: BTreeSet<String> =
        summary.links().into_iter().map(|(_, link)| format!("docs/src/{link}")).collect();
    let pages: BTreeSet<String> =
        book().into_iter().map(|page| page.name).filter(|name| *name != summary.name).collect();
    assert_eq!(pages, listed, "files of docs/src on the left, links of its SUMMARY.md on the right");
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        for (line, link) in page.links() {
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let here = Path::new(&page.name).parent().expect("a folder");
            let target = if file.is_empty() { page.name.clone() } else { joined(here, file) };
            let leaves = page.name.starts_with("docs/src/") && !target.starts_with("docs/src/");
            let found = match repository(&target) {
                // A book is read without the rest of the repository, too.
                _ if leaves => false,
                path if anchor.is_empty() => path.exists(),
                path => path.is_file() && self::page(target).anchors().contains(anchor),
            };
            if !found {
                broken.push(format!("{}:{}: {link}", page.name, line + 1));
            }
        }
    }
    assert_eq!(broken, [""; 0], "no such file or heading, or outside of the book");
}

/// `../a.md` from `docs/src/b` is `docs/src/a.md`.
fn joined(folder: &Path, file: &str) -> String {
    let mut path = folder.to_path_buf();
    for part in file.split('/') {
        match part {
            ".." => assert!(path.pop(), "{file} leaves the repository"),
            part => path.push(part),
        }
    }
    path.to_string_lossy().into_owned()
}

#[test]
fn blocks_say_what_they_hold() {
    for page in pages() {
        for fence in page.fences() {
            let place = format!("{}:{}", page.name, fence.line + 1);
            assert!(FENCES.contains(&fence.language), "{place}: a fence is one of {FENCES:?}");
            if fence.language == "toml" {
                let text = fence.lines.join("\n");
                assert!(toml::from_str::<toml::Table>(&text).is_ok(), "{place}: TOML\n{text}");
            }
        }
        // A command in a block without a fence would be one that nobody runs.
        let indented = |line: &str| {
            let text = line.trim_start();
            let program = ["baseplate ", "cargo ", "git ", "$ "].iter().any(|start| text.starts_with(start));
            line.starts_with("    ") && program
        };
        let found = page.prose().find(|(_, line)| indented(line));
        assert!(found.is_none(), "{}: a command outside of a fence: {found:?}", page.name);
    }
}
