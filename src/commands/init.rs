mod answers;
mod problems;
mod specs;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use answers::ENVIRONMENTS;
use problems::{Given, Question, Wrong, specs_of};
use serde_json::json;

use super::plan::{Planned, make};
use super::session::today;
use super::{Failure, memory};
use crate::checks;
use crate::cli::{Exit, InitArgs};
use crate::files;
use crate::graph::Graph;
use crate::kinds;
use crate::spec::{self, Drafts, Problems};
use crate::ui::{Initialised, Ui, init_text};
use crate::value::one_line;

const GITIGNORE: &str = ".gitignore";
const AS_IN: &str = "as in `baseplate init shop --project shop --account 123456789012 --region eu-central-1 \
                     --components web,postgres`, and `--domain shop.example` for HTTPS";

/// Writes the specs of a new project, once they are found valid and have a plan.
pub async fn init(ui: Ui, args: &InitArgs) -> Result<Exit, Failure> {
    let folder = if args.folder == Path::new(".") { Path::new("") } else { &args.folder };
    nothing_in_the_way(folder)?;
    let given = Given {
        project: args.project.clone(),
        account: (!args.account.is_empty()).then(|| args.account.clone()),
        region: args.region.clone(),
        components: (!args.components.is_empty()).then(|| args.components.clone()),
        domain: args.domain.clone(),
    };
    let given = completed(ui, given, folder)?;
    let (answers, _) = given.read();
    let drafts = specs_of(folder, &answers);
    let mut specs = Vec::new();
    for environment in ENVIRONMENTS {
        specs.push(planned(folder.join(format!("{environment}.toml")), &drafts).await?);
    }
    let keeps_ignored = is_there(&folder.join(GITIGNORE));
    let mut files: Vec<(PathBuf, String)> = drafts.into_iter().collect();
    if !keeps_ignored {
        files.push((folder.join(GITIGNORE), specs::IGNORED.to_owned()));
    }
    write(folder, &files)?;
    let written: Vec<PathBuf> = files.into_iter().map(|(path, _)| path).collect();
    let has_services = answers.services().next().is_some();
    let ignored = keeps_ignored.then_some((folder.join(GITIGNORE), specs::IGNORED));
    let has_plain_http = answers.has_web() && answers.domain.is_none();
    let done = Initialised { written: &written, ignored, specs: &specs, has_services, has_plain_http };
    match ui.json {
        true => {
            let environments = specs.iter().map(
                |(path, objects, seconds)| json!({ "spec": path, "objects": objects, "expected_seconds": seconds }),
            );
            let environments: Vec<_> = environments.collect();
            ui.result_json(&json!({ "written": written, "environments": environments }))?;
        }
        false => ui.result(&init_text(&done, ui.out))?,
    }
    Ok(Exit::Done)
}

/// A link that leads nowhere is there, too.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Nothing is overwritten. A `.gitignore` that is there stays.
fn nothing_in_the_way(folder: &Path) -> Result<(), Failure> {
    let shown = one_line(&folder.display().to_string());
    if folder != Path::new("") && is_there(folder) && !folder.is_dir() {
        let message = format!("{shown} is not a folder; nothing was written");
        return Err(Failure::new(Exit::Refused, message, "choose another name, or move it away"));
    }
    let names = std::iter::once(specs::BASE.to_owned()).chain(ENVIRONMENTS.map(|name| format!("{name}.toml")));
    let there: Vec<String> = names
        .map(|name| folder.join(name))
        .filter(|path| is_there(path))
        .map(|path| one_line(&path.display().to_string()))
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    let verb = if there.len() == 1 { "exists" } else { "exist" };
    let message = format!("{} already {verb}; nothing was written", there.join(", "));
    let help = "name another folder, or move them away; specs that exist need no `init`: `baseplate plan SPEC`";
    Err(Failure::new(Exit::Refused, message, help))
}

/// All answers, each of them right: what is missing is asked for.
fn completed(ui: Ui, mut given: Given, folder: &Path) -> Result<Given, Failure> {
    let missing = given.missing();
    let (_, wrong) = given.read();
    if !wrong.is_empty() || (!missing.is_empty() && !ui.can_ask()) {
        return Err(refused(&missing, &wrong));
    }
    if missing.is_empty() {
        return Ok(given);
    }
    ui.note("A new project: an empty line takes what stands in brackets, Ctrl-C writes nothing.");
    for question in missing {
        ask(ui, &mut given, question, folder)?;
    }
    if given.domain.is_none() && given.read().0.has_web() {
        ask(ui, &mut given, Question::Domain, folder)?;
    }
    Ok(given)
}

fn refused(missing: &[Question], wrong: &[Wrong]) -> Failure {
    let mut messages: Vec<String> = wrong
        .iter()
        .map(|wrong| format!("--{}: {}; {}", wrong.question.option(), wrong.message, wrong.help))
        .collect();
    if !missing.is_empty() {
        let options: Vec<String> = missing.iter().map(|question| format!("--{}", question.option())).collect();
        messages.push(format!("missing: {}", options.join(", ")));
    }
    Failure::Many { exit: Exit::Usage, messages, help: format!("nothing was written; {AS_IN}") }
}

/// Asks until the answer is right.
fn ask(ui: Ui, given: &mut Given, question: Question, folder: &Path) -> Result<(), Failure> {
    let named = folder.canonicalize().or_else(|_| std::path::absolute(folder)).unwrap_or_default();
    let named = named.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let (text, default) = match question {
        Question::Project => ("Project", named.filter(|name| is_right(name))),
        Question::Account => ("AWS account, or dev=ACCOUNT,prod=ACCOUNT", None),
        Question::Region => ("AWS region", Some("eu-central-1".to_owned())),
        Question::Components => {
            ("Components (web, worker, postgres, mysql, topic; TYPE:NAME)", Some("web,postgres".to_owned()))
        }
        Question::Domain => ("Domain with a hosted zone in Route 53 (empty: plain HTTP, no domain)", None),
    };
    loop {
        let Some(answer) = ui.ask_line(text, default.as_deref()) else {
            return Err(Failure::new(Exit::Refused, "the input ended; nothing was written", ""));
        };
        let parts = || answer.split(',').map(str::to_owned).collect::<Vec<String>>();
        match question {
            Question::Project => given.project = Some(answer.clone()),
            Question::Account => given.account = Some(parts()),
            Question::Region => given.region = Some(answer.clone()),
            Question::Components => given.components = Some(parts()),
            Question::Domain => given.domain = (!answer.is_empty()).then(|| answer.clone()),
        }
        let (_, wrong) = given.read();
        if wrong.is_empty() {
            return Ok(());
        }
        wrong.iter().for_each(|wrong| ui.error(&wrong.message, &wrong.help));
    }
}

fn is_right(project: &str) -> bool {
    Given { project: Some(project.to_owned()), ..Given::default() }.read().1.is_empty()
}

/// The path of a spec, how many objects it wants, and the seconds that a first apply takes on AWS.
async fn planned(path: PathBuf, drafts: &Drafts) -> Result<(PathBuf, usize, u64), Failure> {
    let spec = spec::load_drafts(&path, drafts, &kinds::catalog())?;
    let graph = Graph::of(&spec.env)?;
    let open = checks::warnings(&spec, &graph, &today()).open;
    if !open.is_empty() {
        return Err(Problems::new(spec.tree.sources, open).into());
    }
    let session = memory::empty(spec, graph).await?;
    let Planned { execution, .. } = make(&session, &session.graph, false, false).await?;
    Ok((path, session.graph.objects.len(), execution.plan.seconds))
}

/// Writes all files, or none of them.
fn write(folder: &Path, files: &[(PathBuf, String)]) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        let shown = one_line(&path.display().to_string());
        let exit = if error.kind() == ErrorKind::AlreadyExists { Exit::Refused } else { Exit::Failed };
        Failure::new(exit, format!("cannot write {shown}: {error}; nothing was written"), "name another folder")
    };
    if folder != Path::new("") {
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    }
    for (index, (path, text)) in files.iter().enumerate() {
        if let Err(error) = files::create_public(path, text.as_bytes()) {
            for (written, _) in &files[..index] {
                let _ = std::fs::remove_file(written);
            }
            return Err(failed(path, error));
        }
    }
    Ok(())
}
