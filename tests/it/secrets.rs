//! Recognisable secrets are planted in every source; every command runs in every format and as talkative as it can,
//! with failures in its way; and nothing that was printed or written holds any of them.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::cli::{Bench, Outcome, WEATHER_API_KEY, settings};
use crate::file_cloud::CLOUD;
use crate::moto::Moto;
use crate::renderings::DATABASE;

const SECRET_KEY: &str = "planted-aws-secret-key-1b44";
const SESSION_TOKEN: &str = "planted-aws-session-token-77d0";
const RUN_PASSWORD: &str = "planted-run-password-6a2e";
const EXTERNAL: &str = "planted-external-token-92ce";
/// With what JSON, URLs, XML and regular expressions write in other ways.
const AWKWARD: &str = "planted \"awk<ward>&\\d+ %41 value'";
/// What somebody put by hand where the spec has a variable.
const BY_HAND: &str = "planted-by-hand-0c3f";

/// All that can be asked of an environment, in an order in which each command ends well, from whatever is there to
/// nothing. `CLOUD` stands for the options that lead there. Adding a command is a line here.
const COMMANDS: &[&str] = &[
    "check spec.toml",
    "show spec.toml",
    "graph spec.toml",
    "graph spec.toml --format dot",
    "schema",
    "plan spec.toml CLOUD",
    "preflight spec.toml CLOUD",
    "preflight spec.toml --format markdown CLOUD",
    "plan spec.toml --destroy --allow-destroy * CLOUD",
    "plan spec.toml --format markdown CLOUD",
    "plan spec.toml --format html CLOUD",
    "plan spec.toml --format json CLOUD",
    "plan spec.toml --format tfplan-json CLOUD",
    "plan spec.toml --from old.toml",
    "plan spec.toml --out saved.plan CLOUD",
    "show saved.plan",
    "show saved.plan --format markdown",
    "show saved.plan --format html",
    "apply saved.plan --yes CLOUD",
    "apply spec.toml --yes CLOUD",
    "outputs spec.toml CLOUD",
    "outputs spec.toml databases.main.password-command CLOUD",
    "list spec.toml CLOUD",
    "observe spec.toml --out captured.json CLOUD",
    "rehearse spec.toml --capture captured.json",
    "rehearse spec.toml --from old.toml",
    "compare spec.toml other.toml --all",
    "compare spec.toml other.toml --all --live CLOUD",
    "compare spec.toml other.toml --live --format markdown CLOUD",
    "unlock spec.toml --yes CLOUD",
    "destroy spec.toml --yes --allow-destroy * CLOUD",
];

const FORMATS: &[&str] = &["", " --json", " -vvv", " --json -vvv"];

/// A spec with a secret from every source: a variable, generated, in a text, set by somebody else, a database's. A
/// former revision of it, and one of another environment.
fn plant(bench: &Bench) {
    bench.edit(
        "spec.toml",
        "[parameters]\n",
        r#"[parameters]
"web/awkward" = { env = "AWKWARD" }
"web/made" = { generate = { length = 40 } }
"web/both" = "a={parameters.web/made} b={parameters.web/token} c={parameters.web/awkward}"
"web/db-url" = "postgres://{databases.main.username}:{databases.main.password}@{databases.main.endpoint}/town"
"web/theirs" = { external = true }
"#,
    );
    bench.edit(
        "spec.toml",
        r#"secrets = { TOKEN = "web/token" }"#,
        r#"secrets = { TOKEN = "web/token", MADE = "web/made", BOTH = "web/both", DB = "web/db-url", THEIRS = "web/theirs", ODD = "web/awkward" }"#,
    );
    let spec = bench.read("spec.toml") + DATABASE + "final-snapshot = false\n";
    bench.write("spec.toml", &spec);
    bench.write("old.toml", spec.replace(r#""web/awkward" = { env = "AWKWARD" }"#, r#""web/awkward" = "plain""#));
    bench.write("other.toml", spec.replace("environment = \"test\"", "environment = \"staging\""));
}

/// Everything that was said, and the secrets that must not be in it.
struct Watch<'a> {
    bench: Bench,
    moto: Option<&'a Moto>,
    secrets: BTreeSet<String>,
    /// Those of them that were in the account.
    arrived: BTreeSet<String>,
    said: Vec<(String, Outcome)>,
    /// What was written to the account and is no secret, by the name of the parameter.
    records: Vec<(String, String)>,
}

impl<'a> Watch<'a> {
    fn new(moto: Option<&'a Moto>) -> Self {
        let bench = Bench::with_fixture("small.toml");
        plant(&bench);
        let planted = [WEATHER_API_KEY, SECRET_KEY, SESSION_TOKEN, RUN_PASSWORD, EXTERNAL, AWKWARD, BY_HAND]
            .map(str::to_owned);
        let arrived = BTreeSet::new();
        Self { bench, moto, secrets: planted.into(), arrived, said: Vec::new(), records: Vec::new() }
    }

    fn run(&mut self, arguments: &str) -> &Outcome {
        let mut command = self.bench.command(arguments);
        command
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_SESSION_TOKEN", SESSION_TOKEN)
            .env("BASEPLATE_RUN_URL", format!("https://ada:{RUN_PASSWORD}@ci.example/runs/7"))
            .env("AWKWARD", AWKWARD);
        if let Some(moto) = self.moto {
            command.env("AWS_ENDPOINT_URL", moto.endpoint());
        }
        let outcome = Outcome::of(&mut command);
        self.said.push((arguments.to_owned(), outcome));
        if arguments.starts_with("apply") {
            self.learn();
        }
        self.assert_files_are_silent();
        &self.said.last().expect("what was just said").1
    }

    fn done(&mut self, arguments: &str) -> &Outcome {
        // No image was ever pushed.
        let due: &[i32] = if arguments.starts_with("preflight") { &[0, 2] } else { &[0] };
        let outcome = self.run(arguments);
        assert!(due.contains(&outcome.code), "`{arguments}` should end well\n{outcome}");
        outcome
    }

    /// What is in the account by now that nobody may see, generated values and texts that hold them among it; and
    /// what everybody may see who may look there.
    fn learn(&mut self) {
        let Some(moto) = self.moto else { return };
        let there = moto.boto(
            r#"
there = pages("ssm", "get_parameters_by_path", "Parameters", Path="/", Recursive=True, WithDecryption=True)
secret = [one for one in there if one["Type"] == "SecureString"]
open = [pages("ssm", "get_parameter_history", "Parameters", Name=one["Name"]) for one in there if one not in secret]
answer = [[one["Value"] for one in secret], [[one["Name"], one] for history in open for one in history]]
"#,
        );
        let texts = |value: &Value| value.as_str().expect("a text").to_owned();
        self.arrived.extend(there[0].as_array().expect("values").iter().map(texts));
        self.secrets.extend(self.arrived.iter().cloned());
        let records = there[1].as_array().expect("records").iter();
        self.records.extend(records.map(|record| (texts(&record[0]), record[1].to_string())));
    }

    /// Every command in this format. What has a format of its own has it once.
    fn every_command(&mut self, format: &str, cloud: &str) {
        for file in ["captured.json", "saved.plan"] {
            // It must not be there yet. What was there stays to be looked at.
            let before = self.bench.path(&format!("{}-{file}", self.said.len()));
            let _ = std::fs::rename(self.bench.path(file), before);
        }
        for command in COMMANDS {
            // Where it chooses a form of text, JSON cannot be asked for as well.
            let is_text = command.split(' ').any(|word| ["--format", "--all"].contains(&word));
            if !is_text || format == " -vvv" {
                self.done(&format!("{}{format}", command.replace("CLOUD", cloud)));
            }
        }
    }

    fn assert_silent(&self) {
        for (arguments, outcome) in &self.said {
            self.check(arguments, &outcome.to_string());
        }
        for (name, record) in &self.records {
            self.check(name, record);
        }
    }

    fn assert_files_are_silent(&self) {
        for entry in std::fs::read_dir(self.bench.path("")).expect("the folder") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            self.check(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
            if path.extension().is_some_and(|extension| extension != "toml") {
                assert_private(&path);
            }
        }
    }

    fn check(&self, place: &str, text: &str) {
        for secret in &self.secrets {
            let is_there = forms(secret).iter().any(|form| text.contains(form));
            assert!(!is_there, "{place} holds `{secret}`:\n{text}");
        }
    }

    /// Whether some command said this: a test that looks at nothing finds nothing.
    fn assert_said(&self, what: &str) {
        assert!(self.said.iter().any(|(_, outcome)| outcome.to_string().contains(what)), "nobody says `{what}`");
    }
}

fn assert_private(path: &Path) {
    let mode = std::fs::metadata(path).expect("its mode").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", path.display());
}

/// A value as it is, and as it may stand in JSON, in HTML or in a URL.
fn forms(secret: &str) -> BTreeSet<String> {
    let json = Value::from(secret).to_string();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let url: String = secret
        .bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    BTreeSet::from([secret.to_owned(), json.trim_matches('"').to_owned(), html.replace('"', "&quot;"), html, url])
}

#[test]
fn on_a_file_cloud() {
    let mut watch = Watch::new(None);
    assert_eq!(watch.run(&format!("plan spec.toml -vvv {CLOUD}")).code, 4);
    watch.assert_said("ssm_parameter.web/theirs is external (external = true) and does not exist");
    // Nobody else is there who would set it.
    for spec in ["spec.toml", "old.toml", "other.toml"] {
        watch.bench.edit(spec, "\"web/theirs\" = { external = true }\n", "");
        watch.bench.edit(spec, "THEIRS = \"web/theirs\", ", "");
    }
    for format in FORMATS {
        watch.every_command(format, CLOUD);
    }
    for address in ["ssm_parameter.web/made", "db_instance.main", "ssm_parameter.web/both"] {
        for format in FORMATS {
            let outcome = watch.run(&format!("apply --yes spec.toml{format} {CLOUD} --fail-at {address}"));
            assert_eq!(outcome.code, 1, "it should fail at {address}\n{outcome}");
        }
        watch.done(&format!("destroy spec.toml --yes --allow-destroy * {CLOUD}"));
    }
    watch.assert_said("injected failure");
    watch.assert_silent();
}

#[test]
fn on_an_account() {
    let moto = Moto::start();
    let mut watch = Watch::new(Some(&moto));
    for environment in ["test", "other"] {
        moto.boto(&format!(
            r#"client("ssm").put_parameter(Name="/town/{environment}/web/theirs", Value="{EXTERNAL}", Type="SecureString")"#
        ));
    }
    tell_calls(&mut watch, &moto);
    fail_at_reads(&mut watch, &moto);

    // AWS quotes what it refuses. Every kind of value is quoted once.
    for (call, code) in [("CreateDBInstance", "InvalidParameterValue"), ("PutParameter", "ValidationException")] {
        moto.fail_quoting(call, "write", code);
        for format in FORMATS {
            let outcome = watch.run(&format!("apply --yes spec.toml{format}")).to_string();
            // What AWS says may have several lines, each with a mark.
            let mut lines: Vec<String> = Vec::new();
            for line in outcome.lines() {
                match (lines.last_mut(), line.trim_start().starts_with("| ")) {
                    (Some(whole), true) => *whole += line,
                    _ => lines.push(line.to_owned()),
                }
            }
            let masked = lines.iter().any(|line| line.contains(call) && line.contains("(secret)"));
            assert!(masked, "{call} fails and quotes a secret\n{outcome}");
        }
        moto.heal();
    }
    watch.done("apply --yes spec.toml -vvv");

    // Somebody changes a secret by hand: the plan says so, and no more.
    moto.boto(&format!(
        r#"client("ssm").put_parameter(Name="/town/test/web/token", Value="{BY_HAND}", Type="SecureString", Overwrite=True)"#
    ));
    watch.done("plan spec.toml -vvv");
    watch.assert_said("(sensitive value, changed)");
    moto.fail_quoting("PutParameter", "write", "ValidationException");
    assert_eq!(watch.run("apply --yes spec.toml -vvv").code, 1);
    moto.heal();
    for format in [" -vvv", " --json -vvv"] {
        watch.every_command(format, "--wait never");
    }

    watch.assert_said("ssm:PutParameter → 400 ValidationException");
    watch.assert_said("credentials from environment variables, account 123456789012");
    watch.assert_said("read ssm_parameter: ");
    for planted in [WEATHER_API_KEY, EXTERNAL, AWKWARD, BY_HAND] {
        assert!(watch.arrived.contains(planted), "{planted} was in the account");
    }
    for (part, what) in
        [("postgres://town:", "the database's"), (&format!("b={WEATHER_API_KEY} c={AWKWARD}"), "a text's")]
    {
        assert!(watch.arrived.iter().any(|secret| secret.contains(part)), "{what} secret was in the account");
    }
    for record in ["/baseplate/town/test/lock", "/baseplate/town/test/applied/1", "/town/test/web/greeting"] {
        assert!(watch.records.iter().any(|(name, _)| name == record), "{record} was looked at");
    }
    watch.assert_silent();
    assert_nothing_steers(&watch);
}

/// A line of `-v` tells the call, how it went, how long it took and its request, whatever AWS quotes.
fn tell_calls(watch: &mut Watch<'_>, moto: &Moto) {
    let well = watch.done("unlock spec.toml -v").to_string();
    moto.fail_quoting("GetParameter$", "read", "ValidationException");
    let badly = watch.run("unlock spec.toml -v").to_string();
    moto.heal();
    let mut settings = settings();
    settings.add_filter(r"\b\d+ ms\b", "[time]");
    settings.add_filter(r"\(request [0-9A-Za-z-]{36,52}\)", "(request [id])");
    settings.bind(|| insta::assert_snapshot!("secrets-calls", format!("{well}\n\n{badly}")));
}

/// Where a signature is wrong AWS quotes the whole request, with the session token among its headers.
fn fail_at_reads(watch: &mut Watch<'_>, moto: &Moto) {
    for (call, commands) in [
        ("GetCallerIdentity", &["plan spec.toml", "unlock spec.toml", "compare --live spec.toml other.toml"][..]),
        ("GetParameter$", &["unlock spec.toml", "apply spec.toml --yes"]),
        // By name, and then by path.
        ("GetParameters", &["plan spec.toml"]),
        ("DescribeVpcs", &["plan spec.toml", "observe spec.toml --out captured.json"]),
    ] {
        moto.fail_quoting(call, "read", "InvalidSignatureException");
        for command in commands {
            let outcome = watch.run(&format!("{command} -vvv"));
            assert_eq!(outcome.code, 1, "{call} fails\n{outcome}");
            assert!(outcome.stderr.contains("fails because the test wants it to"), "{call} fails\n{outcome}");
            assert!(!outcome.stderr.contains("x-amz-security-token"), "no request is shown\n{outcome}");
        }
        moto.heal();
    }
}

/// What AWS quotes is full of what would control a terminal, or the runner of a CI job.
fn assert_nothing_steers(watch: &Watch<'_>) {
    let is_unsafe = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    for (arguments, outcome) in &watch.said {
        let text = outcome.to_string();
        assert!(!text.contains(is_unsafe) && !text.contains("##["), "{arguments}: {text:?}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{arguments}: {text}");
    }
}
