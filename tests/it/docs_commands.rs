//! The commands of the README and of the pages in `docs/` are run, page by page and in order, and what a page shows of
//! their output is what they say.
//!
//! A fence of `console` holds commands behind `$ ` and what they print; a line `…` stands for any number of lines.
//! What is shown is the standard output, or where that is empty, what is written to standard error. Each command must
//! end with 0. Commands in a comment (`<!--`, lines behind `$ `, `-->`) are run as well: they stand for what the text
//! around them says. A fence of `toml` whose first line is `# PATH.toml` is the file at that path. With the comment
//! `<!-- account -->` a page's commands are run on an account, which is moto; else their cloud is what they say.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::cli::repository;
use crate::docs::{Page, is_update, page, pages};
use crate::round_trip::city;

/// The commands in blocks of `sh`: what needs an account of one's own, a remote, Cargo, or a program that is not ours.
const NOT_RUN: &[(&str, &[&str])] = &[
    ("README.md", &["cargo test"]),
    (
        "SECURITY.md",
        &["cargo +nightly fuzz run spec fuzz/corpus/spec environments fixtures -- -max_total_time=600"],
    ),
    ("docs/src/compare.md", &["git worktree add --detach old main"]),
    ("docs/src/developing.md", &["cargo test", "cargo test -- --ignored --nocapture"]),
    (
        "docs/src/getting-started.md",
        &[
            "cargo install --locked --path . --no-default-features",
            "cargo install --locked --path .",
            "baseplate plan environments/dev.toml",
            "baseplate apply environments/dev.toml",
        ],
    ),
    ("docs/src/plans.md", &["checkov --framework terraform_plan --file tfplan.json"]),
    ("docs/src/preflight.md", &["baseplate preflight environments/prod.toml"]),
];

/// One command of a page.
struct Step {
    /// The number of its line, from 0.
    line: usize,
    command: String,
    /// What the page shows of its output; nothing is not compared.
    shown: Vec<String>,
}

/// The commands of a page, with the files that it shows.
fn steps(page: &Page) -> Vec<Step> {
    let mut steps = Vec::new();
    let lines: Vec<&str> = page.text.lines().collect();
    let mut step = |line: usize, command: String| steps.push(Step { line, command, shown: Vec::new() });
    let mut inside = "";
    for (number, &line) in lines.iter().enumerate() {
        match (inside, line) {
            ("", "<!--") => inside = "comment",
            ("", line) if line.starts_with("```") => inside = &line[3..],
            ("comment", "-->") => inside = "",
            ("", _) => {}
            (_, "```") => inside = "",
            ("toml", line) if lines[number - 1] == "```toml" => {
                let Some(path) = line.strip_prefix("# ").filter(|path| path.ends_with(".toml")) else { continue };
                let text = lines[number..].iter().take_while(|line| **line != "```");
                let text = text.copied().collect::<Vec<_>>().join("\n");
                step(number, format!("mkdir -p \"$(dirname {path})\" && cat > {path} <<'TOML'\n{text}\nTOML"));
            }
            ("comment" | "console", line) if line.starts_with("$ ") => step(number, line[2..].to_owned()),
            _ => {}
        }
    }
    for step in &mut steps {
        if lines[step.line].starts_with("$ ") {
            let after = lines[step.line + 1..].iter();
            let shown = after.take_while(|line| !line.starts_with("$ ") && **line != "```" && **line != "-->");
            step.shown = shown.map(|line| (*line).to_owned()).collect();
        }
        while step.command.ends_with('\\') && !step.shown.is_empty() {
            step.command = format!("{}\n{}", step.command, step.shown.remove(0));
            step.line += 1;
        }
    }
    steps
}

/// Ends the output of each command in the script's.
const LINE_PREFIX: char = '\u{1e}';

/// Runs the commands of a page in a folder of its own: what each says, and its exit code.
fn run(page: &Page, steps: &[Step]) -> Vec<(String, String)> {
    let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a folder for temporary files");
    for entry in fs::read_dir(repository("environments")).expect("environments/") {
        let path = entry.expect("an entry").path();
        let copies = folder.path().join("environments");
        fs::create_dir_all(&copies).expect("a folder");
        fs::copy(&path, copies.join(path.file_name().expect("a name"))).expect("a copy");
    }
    let mut script = String::new();
    for (number, step) in steps.iter().enumerate() {
        // What was built for the tests is what Cargo would build and run.
        let command = step.command.replace("cargo run --no-default-features -- ", "baseplate ");
        script += &format!("{{ {command}\n}} 2> .stderr-{number}\nprintf '%s\\n{LINE_PREFIX}' $?\n");
    }
    fs::write(folder.path().join(".script"), script).expect("the script");
    let program = Path::new(env!("CARGO_BIN_EXE_baseplate")).parent().expect("its folder");
    let moto = page.text.lines().any(|line| line == "<!-- account -->").then(city);
    let mut shell = Command::new("sh");
    shell.arg(".script").current_dir(folder.path()).stdin(Stdio::null()).env_clear();
    shell.env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").expect("a PATH")));
    shell.env("HOME", folder.path()).env("NO_COLOR", "1").env("AWS_EC2_METADATA_DISABLED", "true");
    if let Some(moto) = &moto {
        shell.env("AWS_ENDPOINT_URL", moto.endpoint());
        shell.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    }
    let output = shell.output().expect("a shell");
    let text = String::from_utf8(output.stdout).expect("output is UTF-8");
    let mut parts: Vec<&str> = text.split(LINE_PREFIX).collect();
    let rest = parts.pop().expect("what follows the last mark");
    assert!(rest.is_empty() && parts.len() == steps.len(), "{}: the script ended early\n{text}", page.name);
    let outcome = |(number, part): (usize, &&str)| {
        let (said, code) = part.trim_end().rsplit_once('\n').unwrap_or(("", part.trim_end()));
        let errors = fs::read_to_string(folder.path().join(format!(".stderr-{number}"))).expect("what was written");
        let said =
            if said.trim().is_empty() || code != "0" { format!("{said}\n{errors}") } else { said.to_owned() };
        (said.trim_matches('\n').to_owned(), code.to_owned())
    };
    parts.iter().enumerate().map(outcome).collect()
}

/// Without what differs from run to run: the time that something took just now, and ids, which a plan's hash covers.
fn masked(line: &str) -> String {
    let duration = regex_lite::Regex::new(r"\b\d+\.\d+ s\b").expect("a pattern");
    let digest = regex_lite::Regex::new(r"\b[0-9a-f]{64}\b").expect("a pattern");
    digest.replace_all(&duration.replace_all(line.trim_end(), "[time]"), "[digest]").into_owned()
}

/// The lines of `shown` before and after `…`, where it has that.
fn ends(shown: &[String]) -> Option<(usize, usize)> {
    let gap = shown.iter().position(|line| line == "…")?;
    Some((gap, shown.len() - gap - 1))
}

/// What the page would show of these lines, as much as it shows now.
fn to_show(shown: &[String], said: &[&str]) -> Vec<String> {
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    match ends(shown) {
        Some((before, after)) if before + after < said.len() => {
            [owned(&said[..before]), vec!["…".to_owned()], owned(&said[said.len() - after..])].concat()
        }
        _ => owned(said),
    }
}

fn assert_page(name: &str) {
    if is_update() {
        check(name, true);
    }
    check(name, false);
}

/// Runs a page and compares it with what its commands say, or writes that into it.
fn check(name: &str, write: bool) {
    let page = page(name);
    let steps = steps(&page);
    assert!(!steps.is_empty(), "{name} has no commands");
    let outcomes = run(&page, &steps);
    let mut lines: Vec<String> = page.text.lines().map(str::to_owned).collect();
    let mut hashes = Vec::new();
    // From the end, so that what is replaced moves nothing that is still to come.
    for (step, (said, _)) in steps.iter().zip(&outcomes).rev().filter(|(step, _)| !step.shown.is_empty()) {
        let due = to_show(&step.shown, &said.lines().collect::<Vec<_>>());
        let mask = |lines: &[String]| lines.iter().map(|line| masked(line)).collect::<Vec<_>>();
        // A hash that another command of the page is given must be the very one.
        let is_given = |hash: &String| page.text.matches(hash.as_str()).count() > 1;
        let is_same_hash =
            hash(&due) == hash(&step.shown) || !hash(&step.shown).is_some_and(|hash| is_given(&hash));
        if mask(&due) == mask(&step.shown) && is_same_hash {
            continue;
        }
        let help = "run `UPDATE_DOCS=1 cargo test --test it docs` and read what changes";
        let (said, shown) = (due.join("\n"), step.shown.join("\n"));
        let place = format!("{name}:{}", step.line + 1);
        assert!(write, "{place}: {}\n{help}\n── shown\n{shown}\n── said\n{said}", step.command);
        hashes.extend(hash(&step.shown).zip(hash(&due)).filter(|(shown, due)| shown != due));
        lines.splice(step.line + 1..=step.line + step.shown.len(), due);
    }
    // Where another command is given the beginning of a hash.
    let mut text = lines.join("\n") + "\n";
    for (shown, due) in &hashes {
        text = text.replace(shown, due);
    }
    if write {
        return fs::write(page.path(), text).expect("the page is written");
    }
    for (step, (said, code)) in steps.iter().zip(&outcomes) {
        assert_eq!(code, "0", "{name}:{}: {}\n{said}", step.line + 1, step.command);
    }
}

/// The beginning of a plan's hash among the lines of an output, as `--plan-hash` takes it.
fn hash(lines: &[String]) -> Option<String> {
    lines.iter().find_map(|line| line.strip_prefix("Hash: ")?.get(..12).map(str::to_owned))
}

/// A test a page, so that they run side by side and say which one it was.
macro_rules! commands {
    ($($test:ident: $page:literal,)*) => {
        $(#[test]
        fn $test() {
            assert_page($page);
        })*

        const RUN: &[&str] = &[$($page),*];
    };
}

commands! {
    readme: "README.md",
    ci: "docs/src/ci.md",
    compare: "docs/src/compare.md",
    failures: "docs/src/failures.md",
    first_deployment: "docs/src/first-deployment.md",
    getting_started: "docs/src/getting-started.md",
    images: "docs/src/images.md",
    lock: "docs/src/lock.md",
    order: "docs/src/order.md",
    outputs: "docs/src/outputs.md",
    plans: "docs/src/plans.md",
    secrets: "docs/src/secrets.md",
    spec: "docs/src/spec.md",
    state: "docs/src/state.md",
    traffic: "docs/src/traffic.md",
}

#[test]
fn every_page_with_commands_is_run() {
    let all = pages();
    let with: Vec<&str> =
        all.iter().filter(|page| !steps(page).is_empty()).map(|page| page.name.as_str()).collect();
    let mut run = RUN.to_vec();
    run.sort_unstable();
    assert_eq!(with, run, "pages with commands on the left, those with a test on the right");
}

/// A block that nobody runs goes out of date: there are few, and each has its reason.
#[test]
fn what_is_not_run_is_listed() {
    let mut found = Vec::new();
    for page in pages() {
        let fences = page.fences().into_iter().filter(|fence| fence.language == "sh");
        let lines: Vec<String> = fences.flat_map(|fence| fence.lines).map(str::to_owned).collect();
        if !lines.is_empty() {
            found.push((page.name, lines));
        }
    }
    let owned = |(page, lines): &(&str, &[&str])| {
        ((*page).to_owned(), lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    };
    let listed: Vec<_> = NOT_RUN.iter().map(owned).collect();
    assert_eq!(found, listed, "lines of blocks of `sh` on the left, those of this test on the right");
}
