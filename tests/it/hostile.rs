//! Input that means harm: what is too deep, too large, endless or no text, and what would control a terminal.

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::assert_outcome;
use crate::cli::{Bench, Outcome};
use crate::file_cloud::{CLOUD, FileCloud};
use crate::moto::Moto;

const HEAD: &str = "project = \"town\"\nenvironment = \"test\"\naccount = \"123456789012\"\nregion = \"eu-central-1\"\n\
                    [network]\ncidr = \"10.40.0.0/16\"\nsubnets = {}\n";

/// Runs what must come to an end. The kernel kills a run after so many seconds of work, which is not for how long it
/// waits for a processor.
fn soon(bench: &Bench, arguments: &str) -> Outcome {
    let program = bench.command(arguments);
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", r#"ulimit -t 20 && exec "$0" "$@""#])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(program.get_current_dir().expect("a folder"))
        .stdin(Stdio::null())
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Outcome::of(&mut limited)
}

/// Runs what must be refused as invalid input, soon and in few words.
fn refused(bench: &Bench, arguments: &str) -> Outcome {
    let outcome = soon(bench, arguments);
    assert!([3, 4].contains(&outcome.code), "`{arguments}` should be refused: {}", outcome.code);
    assert!(outcome.stderr.len() < 100_000, "`{arguments}` says {} bytes", outcome.stderr.len());
    assert_inert(&outcome);
    outcome
}

/// Nothing in it does anything to a terminal or to the runner of a CI job, and nothing hides.
fn assert_inert(outcome: &Outcome) {
    let is_unsafe = |c: char| c.is_control() && c != '\n' && c != '\t';
    let hides =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{e0000}'..='\u{e007f}');
    let text = outcome.to_string();
    assert!(!text.contains(is_unsafe) && !text.contains(hides), "{text:?}");
    assert!(!text.contains("##[") && !text.contains("##vso["), "{text}");
    let command = text.lines().find(|line| line.trim_start().starts_with("::"));
    assert_eq!(command, None, "{text}");
}

/// What controls a terminal, hides, or is a command to the runner of a CI job, and stands in AWS and in files.
const EVIL: &str = "x\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\r\u{202e}\u{200b}\u{e0041} ##vso[task.complete]\n::error::forged\n  ::add-mask::town\nHash: 0";

#[test]
fn answers_for_a_new_project() {
    let bench = Bench::new();
    let options = ["--project", "--account", "--region", "--components", "--domain"];
    for evil in [EVIL, "a\"]\nprotect = false\n[tags]\na = \"b", "{environment}", "{databases.x.password}"] {
        let mut command = bench.command("init shop");
        command.args(options.iter().flat_map(|option| [*option, evil]));
        let outcome = Outcome::of(&mut command);
        assert_eq!(outcome.code, 64, "{outcome}");
        assert_inert(&outcome);
        assert!(!bench.path("shop").exists(), "{outcome}");
    }
    let mut command =
        bench.command("init --project town --account 123456789012 --region eu-central-1 --components web");
    let outcome = Outcome::of(command.arg(EVIL.replace('/', "-")));
    assert_eq!(outcome.code, 0, "a folder may be called so\n{outcome}");
    assert_inert(&outcome);
}

#[test]
fn specs_that_go_too_deep() {
    let bench = Bench::new();
    let arrays = |depth: usize| format!("{HEAD}a = {}{}\n", "[".repeat(depth), "]".repeat(depth));
    let tables = |depth: usize| format!("{HEAD}a = {}1{}\n", "{a = ".repeat(depth), "}".repeat(depth));
    let keys = |depth: usize| format!("{HEAD}{} = 1\n", vec!["a"; depth].join("."));
    let headers = |depth: usize| format!("{HEAD}[{}]\n", vec!["a"; depth].join("."));
    for depth in [17, 79, 100, 50_000] {
        for text in [arrays(depth), tables(depth), keys(depth), headers(depth)] {
            bench.write("deep.toml", text);
            refused(&bench, "check deep.toml");
        }
    }
    bench.write("deep.toml", arrays(20));
    assert_outcome!("hostile-deep", bench.run("check deep.toml"));
    bench.write("deep.toml", arrays(100));
    assert_outcome!("hostile-deep-100", bench.run("check deep.toml"));
}

#[test]
fn specs_that_are_too_large() {
    let bench = Bench::on_disk();
    bench.write("large.toml", "# much\n".repeat(50 << 20 >> 3));
    assert_outcome!("hostile-large", refused(&bench, "check large.toml"));
    let entries: String = (0..5001).map(|index| format!("k{index} = \"x\"\n")).collect();
    bench.write("many.toml", format!("{HEAD}[parameters]\n{entries}"));
    assert_outcome!("hostile-many", refused(&bench, "check many.toml"));
    bench.write("numbers.toml", format!("{HEAD}[parameters]\n{}", numbers(150)));
    let outcome = refused(&bench, "check numbers.toml");
    assert!(outcome.stderr.contains("and 50 more like these"), "{outcome}");
    assert!(outcome.stderr.ends_with("error: 150 errors in the spec\n"), "{outcome}");
    // Nearly as many as a table may have.
    let services: String = (0..11).map(|index| format!("[services.s{index}.secrets]\n{}", numbers(4900))).collect();
    bench.write("unreadable.toml", format!("{HEAD}[databases]\n{}{services}", numbers(4900)));
    refused(&bench, "check unreadable.toml");
    bench.write("garbage.toml", HEAD.to_owned() + &"= \n".repeat(100_000));
    let outcome = refused(&bench, "check garbage.toml");
    assert!(outcome.stderr.contains("more like these"), "{outcome}");
    bench.write("line.toml", format!("{HEAD}x = \"{}\"\n", "z".repeat(400_000)));
    refused(&bench, "check line.toml");
    bench.write("line.toml", format!("project = \"{}\"\n", "z".repeat(400_000)));
    refused(&bench, "check line.toml");
}

/// So many keys with a number each, in few letters.
fn numbers(count: usize) -> String {
    (0..count).map(|index| format!("k{index:x}=1\n")).collect()
}

/// Texts that hold one another twice over, in a long chain and in a long cycle.
#[test]
fn specs_that_would_take_for_ever() {
    let bench = Bench::new();
    let chain = |count: usize, times: usize, end: &str| {
        let one = |index| format!("p{index} = \"{}\"\n", format!("{{parameters.p{}}}", index + 1).repeat(times));
        format!("{HEAD}[parameters]\n{}p{count} = \"{end}\"\n", (0..count).map(one).collect::<String>())
    };
    bench.write("twice.toml", chain(60, 2, "x"));
    assert_eq!(soon(&bench, "check twice.toml").code, 0);
    bench.write("long.toml", chain(300, 1, "x"));
    assert_eq!(soon(&bench, "check long.toml").code, 0);
    bench.write("ring.toml", chain(300, 1, "{parameters.p0}"));
    refused(&bench, "check ring.toml");
}

#[test]
fn bytes_that_are_no_text() {
    let bench = Bench::new();
    for bytes in
        [&b"\xff\xfe\x00\x00"[..], b"\x00", b"project = \"a\x00b\"\n", b"\xef\xbb\xbf\xef\xbb\xbf", b"\xed\xa0\x80"]
    {
        bench.write("bytes.toml", bytes);
        refused(&bench, "check bytes.toml");
        bench.write("bytes.plan", bytes);
        refused(&bench, "apply --yes bytes.plan");
        bench.write("cloud.json", bytes);
        refused(&bench, &format!("plan dev.toml {CLOUD}"));
    }
}

/// As Windows writes them: a mark first, and two characters at each line's end.
#[test]
fn a_mark_and_other_line_ends_are_no_harm() {
    let bench = Bench::with_fixture("small.toml");
    let text = bench.read("spec.toml").replace('\n', "\r\n");
    bench.write("spec.toml", format!("\u{feff}{text}"));
    bench.done("check spec.toml");
    bench.edit("spec.toml", "cpu = 256", "cpu = 257");
    assert_outcome!("hostile-crlf", refused(&bench, "check spec.toml"));
}

#[test]
fn files_that_never_end_or_are_none() {
    let bench = Bench::with_fixture("small.toml");
    for path in ["/dev/zero", "/dev/null", "/proc/self/mem", "."] {
        refused(&bench, &format!("check {path}"));
        refused(&bench, &format!("apply --yes {path}"));
        refused(&bench, &format!("plan spec.toml --cloud file:{path}"));
    }
    let made = std::process::Command::new("mkfifo").arg(bench.path("pipe")).status();
    assert!(made.expect("mkfifo").success());
    refused(&bench, "check pipe");
    refused(&bench, "apply --yes pipe");
    refused(&bench, "plan spec.toml --cloud file:pipe");
}

#[test]
fn json_that_is_too_deep_or_too_large() {
    let bench = Bench::with_fixture("small.toml");
    for text in
        ["[".repeat(100_000), format!("{}{}", "[".repeat(1000), "]".repeat(1000)), "{\"a\":".repeat(100_000)]
    {
        bench.write("deep.plan", &text);
        bench.write("cloud.json", &text);
        for outcome in
            [refused(&bench, "apply --yes deep.plan"), refused(&bench, &format!("plan spec.toml {CLOUD}"))]
        {
            assert!(outcome.stderr.contains("recursion limit"), "{outcome}");
        }
    }
    bench.write("cloud.json", " ".repeat((64 << 20) + 1));
    assert_outcome!("hostile-cloud-large", refused(&bench, &format!("plan spec.toml {CLOUD}")));
}

/// A file of `extends` is not shown to who has no business with it: only what lies beside the spec is read.
#[test]
fn extends_reads_nothing_from_elsewhere() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("specs")).expect("a folder");
    bench.write("private.toml", "this is private = and no TOML\n");
    for base in ["../private.toml", "./../private.toml", "/etc/passwd", "a/../../private.toml", "link.toml"] {
        bench.write("specs/spec.toml", format!("extends = \"{base}\"\n{HEAD}"));
        let _ = symlink("../private.toml", bench.path("specs/link.toml"));
        let outcome = refused(&bench, "check specs/spec.toml");
        assert!(!outcome.to_string().contains("this is private"), "{outcome}");
        assert!(!outcome.to_string().contains("root:"), "{outcome}");
    }
    assert_outcome!("hostile-extends-link", bench.run("check specs/spec.toml"));
}

/// A path that leads to something else, in an argument or in what a spec extends: none of it is shown.
#[test]
fn nothing_is_shown_of_a_file_that_is_no_spec() {
    let bench = Bench::new();
    let keys = "[default]\naws_access_key_id = AKIAPLANTED\naws_secret_access_key = planted+secret\n";
    bench.write("credentials", keys);
    bench.write("keys.toml", keys);
    bench.write("tokens.toml", "[registry]\ntoken = \"planted\"\n");
    symlink(bench.path("credentials"), bench.path("link.toml")).expect("a link");
    for name in ["credentials", "keys.toml", "tokens.toml", "link.toml"] {
        bench.write("spec.toml", format!("extends = \"{name}\"\n{HEAD}"));
        for spec in [name, "spec.toml"] {
            for command in ["check", "show", "plan", "graph", "check --json"] {
                let text = bench.run(&format!("{command} {spec}")).to_string().to_lowercase();
                let words = ["planted", "aws_", "token =", "[registry]"];
                assert!(!words.iter().any(|word| text.contains(word)), "{command} {spec}\n{text}");
            }
        }
    }
    for name in ["keys.toml", "tokens.toml", "link.toml", "credentials"] {
        assert_outcome!(format!("hostile-no-spec-{}", name.replace('.', "-")), bench.run(&format!("check {name}")));
    }
}

#[test]
fn links_in_place_of_what_is_written() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.write("precious", "kept");
    for name in ["saved.plan", "captured.json", "cloud.json", ".locked.json.lock"] {
        symlink(cloud.bench.path("precious"), cloud.bench.path(name)).expect("a link");
    }
    assert_outcome!("hostile-link-cloud", cloud.run("apply --yes spec.toml"));
    std::fs::remove_file(cloud.bench.path("cloud.json")).expect("the link");
    assert_outcome!("hostile-link-plan", cloud.run("plan spec.toml --out saved.plan").stderr);
    assert_outcome!("hostile-link-capture", cloud.run("observe spec.toml --out captured.json"));
    assert_outcome!("hostile-link-lock", cloud.bench.run("apply --yes spec.toml --cloud file:locked.json").stderr);
    assert_eq!(cloud.bench.read("precious"), "kept");
    // Where it leads nowhere, nothing is made there.
    symlink(cloud.bench.path("nowhere"), cloud.bench.path("cloud.json")).expect("a link");
    assert_eq!(cloud.run("apply --yes spec.toml").code, 3);
    assert!(!cloud.bench.path("nowhere").exists());
}

/// What stands in a cloud file, in arguments and in paths comes from anybody.
#[test]
fn nothing_steers_the_terminal() {
    let evil = EVIL;
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.touch("vpc.main", |vpc| {
        vpc["attrs"]["tags"][evil] = evil.into();
        vpc["attrs"]["cidr"] = evil.into();
    });
    cloud.touch("security_group.app", |group| {
        group["address"] = "security_group.other".into();
        group["attrs"]["name"] = "other".into();
        group["id"] = evil.into();
        group["attrs"]["description"] = format!("{evil}\n  - vpc.main").into();
    });
    let hash = |outcome: &Outcome| outcome.stdout.lines().filter(|line| line.starts_with("Hash: ")).count();
    for format in ["", " --json", " -vvv", " --format markdown", " --format html", " --format tfplan-json"] {
        for command in ["plan spec.toml", "plan spec.toml --destroy", "plan spec.toml --out saved.plan"] {
            let outcome = cloud.run(&format!("{command}{format}"));
            let shown = command.contains("destroy") || outcome.stdout.contains("forged");
            assert!(shown && outcome.code == 0, "{command}{format}\n{outcome}");
            assert_inert(&outcome);
        }
        if !format.contains('j') {
            assert_inert(&cloud.bench.run(&format!("show saved.plan{format}")));
        }
    }
    assert_eq!(hash(&cloud.run("plan spec.toml")), 1, "nobody else's line is taken for this one");
    for command in ["compare spec.toml spec.toml --all --live", "apply --yes spec.toml"] {
        for format in ["", " --json", " -vvv"] {
            assert_inert(&cloud.run(&format!("{command}{format}")));
        }
    }
    cloud.touch("vpc.main", |vpc| vpc["address"] = format!("vpc.{evil}").into());
    let outcome = cloud.run("plan spec.toml");
    assert_eq!(outcome.code, 3, "an address is plain text\n{outcome}");
    assert_inert(&outcome);

    let argument = |arguments: &[&str]| Outcome::of(cloud.bench.command("").args(arguments));
    for arguments in [
        &["plan", evil][..],
        &["check", evil],
        &[evil],
        &["plan", "spec.toml", evil],
        &["plan", "spec.toml", "--fail-at", evil],
        &["plan", "spec.toml", "--image", evil],
        &["plan", "spec.toml", "--cloud", evil],
        &["plan", "spec.toml", "--cloud", &format!("file:{evil}")],
        &["plan", "spec.toml", "--region", evil],
        &["check", "spec.toml", "\n::error::x.toml"],
        &["compare", "spec.toml", evil],
        &["graph", "spec.toml", "--format", evil],
        &["observe", "spec.toml", "--out", evil, "--cloud", "file:none.json"],
    ] {
        assert_inert(&argument(arguments));
    }
}

#[test]
fn nothing_in_a_spec_steers_the_terminal() {
    let bench = Bench::with_fixture("small.toml");
    let evil = r#""web/greeting" = "x\u001B[2J\u009B31m\u202E\r\u200B\U000E0041 ##[error]\n::error::x" "#;
    bench.edit("spec.toml", "\"web/greeting\" = \"Hello from {project}\"", evil);
    for command in ["show spec.toml", "show spec.toml --json", "check spec.toml", "graph spec.toml"] {
        assert_inert(&bench.run(command));
    }
    let shown = bench.done("show spec.toml").stdout;
    assert!(shown.contains(r"x\u001B[2J\u009B31m\u202E\r\u200B\U000E0041 #\u0023[error]\n::error::x"), "{shown}");
    let plan = FileCloud { bench }.run("plan spec.toml");
    assert_eq!(plan.code, 0, "{plan}");
    assert_inert(&plan);
}

/// It is seen in what is said of it, and the right words are underlined.
#[test]
fn what_hides_in_a_spec_is_shown() {
    let bench = Bench::new();
    let why = "a\\n::error::b";
    bench.write(
        "hidden.toml",
        format!("{HEAD}\u{200b}# ##[error]\n[[differs]]\npath = \"vpc.main\"\nwhy = \"{why}\"\n[services.\"\u{e0041}a\"]\n"),
    );
    assert_outcome!("hostile-hidden", refused(&bench, "check hidden.toml"));
    bench.edit("hidden.toml", "\u{200b}", "");
    assert_outcome!("hostile-hidden-key", refused(&bench, "check hidden.toml"));
}

/// A parameter of several lines: each of them has a mark of ours before it, whether it changes or not.
#[test]
fn every_line_of_a_value_carries_a_mark() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.edit("spec.toml", "\"Hello from {project}\"", r#""hello\n::add-mask::town\n::error::1""#);
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "::error::1", "::error::2\\n## [town]");
    for format in ["text", "markdown", "html"] {
        let outcome = cloud.done(&format!("plan spec.toml --format {format}"));
        assert_inert(&outcome);
        if format != "html" {
            assert_outcome!(format!("hostile-lines-{format}"), outcome);
        }
    }
}

/// Tags and descriptions that somebody with access to the account has written.
#[test]
fn what_aws_says_does_not_steer_the_terminal() {
    let moto = Moto::start();
    let bench = Bench::with_fixture("small.toml");
    let run = |arguments: &str| Outcome::of(bench.command(arguments).env("AWS_ENDPOINT_URL", moto.endpoint()));
    let outcome = run("apply --yes spec.toml");
    assert_eq!(outcome.code, 0, "{outcome}");
    moto.boto(
        r#"
vpc = pages("ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "tag:team", "Values": ["town"]}])[0]["VpcId"]
client("ec2").create_tags(Resources=[vpc], Tags=[{"Key": "by\u202ehand", "Value": "x\u009b31m\u202e"}])
client("ssm").put_parameter(Name="/town/test/web/greeting", Value="x\x1b[2J\x1b]0;owned\x07\n::error::x ##[error]", Type="String", Overwrite=True)"#,
    );
    for format in ["", " --json", " -vvv"] {
        let outcome = run(&format!("plan spec.toml{format}"));
        assert_eq!(outcome.code, 0, "{outcome}");
        assert!(outcome.stdout.contains("owned"), "the change is shown\n{outcome}");
        assert_inert(&outcome);
    }
}
