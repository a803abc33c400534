//! What uses what in `src/`: the layers of the crate's documentation hold, and no two files use one another.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use baseplate::kinds::all;
use regex_lite::Regex;

use crate::cli::repository;

/// The modules of the crate from the top down, as `src/lib.rs` draws them.
const LAYERS: [&[&str]; 14] = [
    &["commands", "cli"],
    &["ui"],
    &["render"],
    &["rehearse"],
    &["apply"],
    &["checks", "compare"],
    &["plan"],
    &["cloud"],
    &["applied", "lock"],
    &["graph"],
    &["kinds"],
    &["aws"],
    &["spec"],
    &["value", "files", "clock"],
];

/// A module's path within the crate: `["kinds", "network", "vpc"]`; empty for the crate itself.
pub type Module = Vec<String>;

#[derive(Default)]
struct Source {
    /// The paths that it uses, from the crate's root.
    uses: Vec<Module>,
    /// What it passes on: names that lead to something in another file.
    names: BTreeMap<String, Module>,
}

/// The text of every file of `src/`, without comments and tests.
pub fn texts() -> BTreeMap<Module, String> {
    let mut texts = BTreeMap::new();
    read(&repository("src"), &mut Vec::new(), &mut texts);
    texts
}

/// Reads every file of `src/`; what is compiled for tests only may use anything.
fn sources() -> BTreeMap<Module, Source> {
    let texts = texts();
    let modules: BTreeSet<Module> = texts.keys().cloned().collect();
    texts.iter().map(|(module, text)| (module.clone(), source(module, text, &modules))).collect()
}

fn read(folder: &Path, module: &mut Module, texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if ["tests", "trial"].contains(&name.as_str()) {
            continue;
        }
        module.push(name.clone());
        if path.is_dir() {
            read(&path, module, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !(module.len() == 1 && name == "main")
        {
            let module = if name == "lib" { Vec::new() } else { module.clone() };
            texts.insert(module, without_tests(&fs::read_to_string(&path).expect("text")));
        }
        module.pop();
    }
}

/// The text without comments and without the modules that are there for tests.
fn without_tests(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let mut text = lines.collect::<Vec<_>>().join("\n");
    while let Some(start) = text.find("#[cfg(test)]\nmod ") {
        let rest = &text[start..];
        let end = match (rest.find('{'), rest.find(';')) {
            (Some(open), Some(end)) if end < open => end + 1,
            (Some(open), _) => {
                let mut depth = 0_usize;
                let close = rest[open..].find(|c| {
                    depth = if c == '{' {
                        depth + 1
                    } else if c == '}' {
                        depth - 1
                    } else {
                        depth
                    };
                    depth == 0
                });
                close.map_or(rest.len(), |close| open + close + 1)
            }
            (None, end) => end.map_or(rest.len(), |end| end + 1),
        };
        text.replace_range(start..start + end, "");
    }
    text
}

fn source(module: &[String], text: &str, modules: &BTreeSet<Module>) -> Source {
    let mut source = Source::default();
    let mut rest = String::new();
    for part in text.split_inclusive(';') {
        // Nothing but a declaration has `use` before its semicolon.
        let Some(at) = declaration(part) else {
            rest += part;
            continue;
        };
        rest += &part[..at];
        let is_public = part[..at].trim_end().ends_with("pub") || part[..at].trim_end().ends_with(')');
        for path in expanded(part[at + 4..].trim_end_matches(';')) {
            let (path, name) = match path.split_once(" as ") {
                Some((path, name)) => (path.to_owned(), name.to_owned()),
                None => (path.clone(), path.rsplit("::").next().unwrap_or_default().to_owned()),
            };
            let Some(mut path) = absolute(module, &path, modules) else { continue };
            if path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let name = if name == "self" { path.last().cloned().unwrap_or_default() } else { name };
            source.names.insert(name, path.clone());
            if !is_public {
                source.uses.push(path);
            }
        }
    }
    for path in paths(&rest) {
        source.uses.extend(absolute(module, &path, modules));
    }
    source
}

/// Where `use ` stands as a word at the beginning of a line, but for `pub`.
fn declaration(part: &str) -> Option<usize> {
    let line = part.rfind("\nuse ").map(|at| at + 1).or_else(|| part.starts_with("use ").then_some(0));
    let public = || part.rfind("\npub").and_then(|at| part[at..].find("use ").map(|found| at + found));
    line.or_else(public)
}

/// `a::{b, c::{d, e as f}}` as `a::b`, `a::c::d`, `a::c::e as f`.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((before, inside)) = tree.split_once('{') else { return vec![tree] };
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in inside.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("a part").push(c);
    }
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(expanded).map(|part| format!("{before}{part}")).collect()
}

/// Every path of two parts and more in the text.
fn paths(text: &str) -> Vec<String> {
    let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c| !is_of_path(c)).map(|word| word.trim_matches(':'));
    words.filter(|word| word.contains("::")).map(str::to_owned).collect()
}

/// The path from the crate's root; `None` if it leads out of the crate.
fn absolute(module: &[String], path: &str, modules: &BTreeSet<Module>) -> Option<Module> {
    let mut parts = path.split("::").map(str::to_owned).peekable();
    let mut base = module.to_vec();
    match parts.peek()?.as_str() {
        "crate" => {
            parts.next();
            base.clear();
        }
        "self" => {
            parts.next();
        }
        "super" => {
            while parts.next_if(|part| part == "super").is_some() {
                base.pop();
            }
        }
        first => {
            let child: Module = base.iter().cloned().chain([first.to_owned()]).collect();
            if !modules.contains(&child) {
                return None;
            }
        }
    }
    base.extend(parts);
    Some(base)
}

/// The file that defines what the path names, by way of whatever passes it on.
fn file(path: &[String], sources: &BTreeMap<Module, Source>, steps: usize) -> Option<Module> {
    let length = (0..=path.len()).rev().find(|&length| sources.contains_key(&path[..length]))?;
    let (module, rest) = path.split_at(length);
    let passed_on = rest.first().and_then(|name| sources[module].names.get(name)).filter(|_| steps > 0);
    match passed_on {
        Some(onward) if onward[..] != *path => {
            let onward: Module = onward.iter().chain(&rest[1..]).cloned().collect();
            file(&onward, sources, steps - 1)
        }
        _ => Some(module.to_vec()),
    }
}

/// By file, the files that it uses. A file may use those that it is inside of: what they define, its neighbours share.
fn graph() -> BTreeMap<Module, BTreeSet<Module>> {
    let sources = sources();
    let used = |module: &Module, source: &Source| {
        let files = source.uses.iter().filter_map(|path| file(path, &sources, 8));
        files.filter(|other| !module.starts_with(other)).collect()
    };
    sources.iter().map(|(module, source)| (module.clone(), used(module, source))).collect()
}

#[test]
fn every_use_points_down() {
    let layer = |module: &Module| {
        let place = LAYERS.iter().position(|layer| layer.contains(&module[0].as_str()));
        place.unwrap_or_else(|| panic!("{} is in no layer: say in which it is", module[0]))
    };
    let mut up = Vec::new();
    let mut seen = BTreeSet::new();
    for (module, uses) in graph().iter().filter(|(module, _)| !module.is_empty()) {
        seen.insert(module[0].clone());
        let wrong = uses.iter().filter(|other| !other.is_empty() && other[0] != module[0]);
        let wrong = wrong.filter(|other| layer(other) < layer(module));
        up.extend(wrong.map(|other| format!("{} uses {}", module.join("::"), other.join("::"))));
    }
    assert!(up.is_empty(), "these point up:\n{}", up.join("\n"));
    let all: BTreeSet<String> = LAYERS.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(seen, all, "the layers name exactly the modules that there are");
}

#[test]
fn no_two_files_use_one_another() {
    let mut graph = graph();
    assert!(graph.values().map(BTreeSet::len).sum::<usize>() > 500, "the uses are not read any more");
    // What uses nothing is in no cycle, nor is what nothing uses, nor what is left of such when those are gone.
    loop {
        let used: BTreeSet<Module> = graph.values().flatten().cloned().collect();
        let is_done = |module: &Module, uses: &BTreeSet<Module>| uses.is_empty() || !used.contains(module);
        let done: BTreeSet<Module> =
            graph.iter().filter(|(module, uses)| is_done(module, uses)).map(|(module, _)| module.clone()).collect();
        if done.is_empty() {
            break;
        }
        graph.retain(|module, _| !done.contains(module));
        graph.values_mut().for_each(|uses| uses.retain(|module| !done.contains(module)));
    }
    let rest: Vec<String> = graph
        .iter()
        .map(|(module, uses)| {
            let uses: Vec<String> = uses.iter().map(|module| module.join("::")).collect();
            format!("{} uses {}", module.join("::"), uses.join(", "))
        })
        .collect();
    assert!(rest.is_empty(), "these use one another:\n{}", rest.join("\n"));
}

#[test]
fn the_crate_draws_its_layers() {
    let text = fs::read_to_string(repository("src/lib.rs")).expect("the crate's documentation");
    let drawn = LAYERS.map(|layer| layer.join(", ")).join(" → ");
    let text =
        text.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim).collect::<Vec<_>>().join(" ");
    assert!(text.contains(&drawn), "src/lib.rs is to draw them so: {drawn}");
}

/// Codes that have an object's name in them and are many services' all the same: what is invalid are parameters of the
/// request, and the role is whichever the service has.
const COMMON_CODES: [&str; 4] =
    ["InvalidParameterValue", "InvalidParameterException", "ValidationError", "AuthFailure.ServiceLinkedRole"];

/// The codes that are one kind's own stand with that kind (`Calls::ERRORS`).
#[test]
fn no_code_that_all_kinds_share_names_the_object_of_one() {
    let texts = texts();
    let text = &texts[&["aws", "error"].map(str::to_owned)[..]];
    let code = Regex::new(r#""([A-Z][A-Za-z.]+)""#).expect("a pattern");
    let codes: BTreeSet<&str> = code.captures_iter(text).map(|found| found.extract::<1>().1[0]).collect();
    assert!(codes.len() > 20, "the codes are not read any more: {codes:?}");
    let word = Regex::new("[A-Z][a-z]+").expect("a pattern");
    let objects: BTreeSet<&str> = all().iter().filter_map(|kind| kind.name().rsplit('_').next()).collect();
    let names_one =
        |code: &&&str| word.find_iter(code).any(|word| objects.contains(word.as_str().to_lowercase().as_str()));
    let found: BTreeSet<&str> = codes.iter().filter(names_one).copied().collect();
    assert_eq!(found, BTreeSet::from(COMMON_CODES));
}
