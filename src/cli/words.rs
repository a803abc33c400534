//! What is here called otherwise than in Terraform: one line of help for each word that people bring along.

use clap::Error;
use clap::error::ErrorKind;

/// Words of a command line, and what there is for them here.
type Words = &'static [(&'static str, &'static str)];

/// Commands, by one or two words.
const COMMANDS: Words = &[
    ("validate", "`baseplate check SPEC…` validates specs, without a network"),
    ("state list", "`baseplate list SPEC` lists what is live: there is no state file"),
    (
        "state show",
        "`baseplate list SPEC` has the ids of what is live, `baseplate observe SPEC --out FILE` everything",
    ),
    ("state rm", "`baseplate forget SPEC ADDRESS…` lets go of what the spec has no longer"),
    ("state mv", "a [[moved]] entry in the spec, with `from` and `to`, gives an entry another key"),
    ("state pull", "`baseplate observe SPEC --out FILE` captures what is live: there is no state file"),
    ("state push", "there is no state file: what is live is read from the account"),
    ("state", "there is no state file: `baseplate list SPEC` lists what is live"),
    ("output", "`baseplate outputs SPEC [NAME]`"),
    ("refresh", "every plan reads what is live; `baseplate drift SPEC` shows what was changed by hand"),
    ("import", "`baseplate adopt SPEC ADDRESS…` takes over an object that the spec asks for"),
    ("taint", "nothing is replaced without a change: change the spec, and the plan says what that replaces"),
    ("untaint", "nothing is marked to be replaced: each plan compares the spec with what is live"),
    ("console", "`baseplate show SPEC` prints what the spec comes to, and where each value is from"),
    ("workspace", "each environment has a spec of its own, and `extends` shares what they have in common"),
    ("force-unlock", "`baseplate unlock SPEC` releases the lock after a run that died"),
    ("get", "`extends` names the specs that one builds upon: there is nothing to download"),
    ("providers", "`baseplate --version` says what is built in: there is nothing to download"),
    ("login", "credentials come from AWS's standard chain, as in `aws sso login` or AWS_PROFILE"),
    ("test", "`baseplate rehearse SPEC` applies a change in memory"),
    ("delete", "`baseplate destroy SPEC`"),
    ("diff", "`baseplate plan SPEC`"),
    ("deploy", "`baseplate apply SPEC`"),
    ("up", "`baseplate apply SPEC`"),
];

/// Options, without their dashes.
const OPTIONS: Words = &[
    ("target", "`--stages N-M` plans and applies some stages only"),
    ("auto-approve", "`--yes`"),
    (
        "var",
        "values stand in the spec, `extends` shares them, and secrets are read from variables by `{ env = \"NAME\" }`",
    ),
    (
        "var-file",
        "values stand in the spec: one file for each environment, and `extends` shares what they have in common",
    ),
    ("out", "`--out FILE`, with two dashes"),
    ("refresh-only", "`baseplate drift SPEC` shows what was changed by hand"),
    ("refresh", "every plan reads what is live"),
    ("replace", "nothing is replaced without a change: change the spec, and the plan says what that replaces"),
    ("state", "there is no state file: what is live is read from the account"),
    ("backend-config", "there is no state file, and nothing to set up for one"),
    ("upgrade", "there are no providers to download: `baseplate init` writes the specs of a new project"),
    ("reconfigure", "there is no state file, and nothing to set up for one"),
    ("migrate-state", "there is no state file, and nothing to move"),
    ("chdir", "give the path of the spec"),
    ("lock", "an apply always takes the lock; `--lock-timeout SECONDS` says how long it waits for it"),
    ("input", "nothing is asked for but the confirmation of an apply, which `--yes` gives"),
    ("no-color", "NO_COLOR=1 in the environment; without a terminal there is no colour"),
    ("dry-run", "`baseplate plan SPEC` changes nothing"),
    ("force", "`--yes` asks nothing; what loses data must be named with `--allow-destroy`"),
    ("env", "each environment has a spec of its own"),
];

/// The argument that would be read as another than it looks like: `-out=FILE` as `-o ut=FILE`.
pub fn misread(arguments: &[String]) -> Option<(&str, &'static str)> {
    let is_out = |argument: &&String| *argument == "-out" || argument.starts_with("-out=");
    let found = arguments.iter().skip(1).take_while(|argument| *argument != "--").find(is_out)?;
    Some((found, look_up(OPTIONS, "out")?))
}

/// What is wrong with words that the parser did not know, and what there is for them.
pub fn help(error: &Error, arguments: &[String]) -> Option<[String; 2]> {
    let given = arguments.iter().skip(1).take_while(|argument| *argument != "--");
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let mut words = given.filter(|argument| !argument.starts_with('-'));
            let (first, second) = (words.next()?, words.next());
            let both = second.and_then(|second| look_up(COMMANDS, &format!("{first} {second}")));
            let help = both.or_else(|| look_up(COMMANDS, first))?;
            Some([format!("unrecognized subcommand '{first}'"), help.to_owned()])
        }
        ErrorKind::UnknownArgument => given.filter(|argument| argument.starts_with('-')).find_map(|argument| {
            let name = argument.trim_start_matches('-').split('=').next().unwrap_or_default();
            let known = look_up(OPTIONS, name).filter(|_| !is_option(name) || !argument.starts_with("--"));
            let has_one_dash = !argument.starts_with("--") && is_option(name);
            let help = known.map(str::to_owned);
            let help = help.or_else(|| has_one_dash.then(|| format!("`--{name}`, with two dashes")))?;
            Some([format!("unexpected argument '{argument}'"), help])
        }),
        ErrorKind::MissingRequiredArgument if given.clone().any(|argument| argument == "show") => {
            let what = "`show` prints a spec, or a saved plan: which file?";
            Some([what.to_owned(), "`baseplate list SPEC` lists what is live".to_owned()])
        }
        _ => None,
    }
}

fn look_up(words: Words, word: &str) -> Option<&'static str> {
    words.iter().find(|(known, _)| *known == word).map(|(_, help)| *help)
}

/// Whether some command has this option.
fn is_option(name: &str) -> bool {
    let command = <super::Cli as clap::CommandFactory>::command();
    let has = |command: &clap::Command| command.get_arguments().any(|argument| argument.get_long() == Some(name));
    has(&command) || command.get_subcommands().any(has)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

    fn helped(line: &str) -> Option<String> {
        let arguments: Vec<String> = format!("baseplate {line}").split(' ').map(str::to_owned).collect();
        if let Some((_, help)) = misread(&arguments) {
            return Some(help.to_owned());
        }
        help(&Cli::try_parse_from(&arguments).expect_err(line), &arguments).map(|[_, help]| help)
    }

    #[test]
    fn every_word_has_its_line_and_is_no_word_of_ours() {
        for (words, help) in COMMANDS {
            assert_eq!(helped(words).as_deref(), Some(*help), "{words}");
            assert!(Cli::command().find_subcommand(words).is_none(), "{words}");
        }
        for (name, help) in OPTIONS {
            assert_eq!(helped(&format!("plan a.toml -{name}=x")).as_deref(), Some(*help), "-{name}");
            if !is_option(name) {
                assert_eq!(helped(&format!("plan a.toml --{name}=x")).as_deref(), Some(*help), "--{name}");
            }
        }
    }

    #[test]
    fn options_have_two_dashes() {
        assert_eq!(helped("plan a.toml -json").as_deref(), Some("`--json`, with two dashes"));
        assert_eq!(helped("plan a.toml -destroy").as_deref(), Some("`--destroy`, with two dashes"));
        assert_eq!(helped("plan a.toml -out plan.tf").as_deref(), Some("`--out FILE`, with two dashes"));
        assert_eq!(helped("plan a.toml --nonsense"), None);
        assert_eq!(helped("nonsense"), None);
    }

    /// Every command that a line names is there.
    #[test]
    fn what_is_named_exists() {
        for (word, help) in COMMANDS.iter().chain(OPTIONS) {
            for named in help.split("`baseplate ").skip(1) {
                let name = named.split([' ', '`']).next().expect("a word");
                let exists = name.starts_with("--") || Cli::command().find_subcommand(name).is_some();
                assert!(exists, "{word}: {name}");
            }
        }
    }
}
