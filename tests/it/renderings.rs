//! One plan in every format: eight plans that each say something else.

use serde_json::{Value, json};

use crate::cli::{Outcome, WEATHER_API_KEY, settings};
use crate::file_cloud::{CLOUD, FileCloud};

/// What a plan may have to say.
pub const PLANS: [&str; 8] =
    ["create-all", "image", "replacement", "drift", "destroy", "secret", "mixed-dangers", "nothing"];

/// A cloud and the arguments of a plan on it.
pub struct Case {
    cloud: FileCloud,
    arguments: &'static str,
    /// What the external secret is, when the plan is made.
    secret: &'static str,
}

/// What makes the small fixture hold data.
pub const DATABASE: &str = r#"
[security-groups.db]
ingress = [{ ports = "5432", from = "app" }]

[databases.main]
engine = "postgres"
version = "16"
class = "db.t4g.micro"
storage = 20
database = "town"
username = "town"
subnets = ["public-a", "public-b"]
security-groups = ["db"]
"#;

impl Case {
    pub fn new(name: &str) -> Self {
        let cloud = FileCloud::with_fixture("small.toml");
        let plan = |cloud, arguments| Self { cloud, arguments, secret: WEATHER_API_KEY };
        if name == "create-all" {
            return plan(cloud, "spec.toml");
        }
        if name == "mixed-dangers" {
            let spec = cloud.bench.read("spec.toml");
            cloud.bench.write("spec.toml", spec + DATABASE);
        }
        cloud.done("apply --yes spec.toml");
        match name {
            "image" => cloud.bench.edit("spec.toml", ".url}:1", ".url}:2"),
            "replacement" => {
                let spec = cloud.bench.read("spec.toml").replace("8080", "8081");
                cloud.bench.write("spec.toml", spec);
            }
            "drift" => drift(&cloud),
            "destroy" => return plan(cloud, "spec.toml --destroy"),
            "secret" => return Self { cloud, arguments: "spec.toml", secret: "planted-secret-that-is-new" },
            "mixed-dangers" => {
                drift(&cloud);
                cloud.bench.edit("spec.toml", "database = \"town\"", "database = \"city\"");
                cloud.bench.edit("spec.toml", "memory = 512", "memory = 1024");
                cloud.bench.edit("spec.toml", "\"web/greeting\" = \"Hello from {project}\"\n", "");
                cloud.bench.edit("spec.toml", "environment = { GREETING = \"{parameters.web/greeting}\" }\n", "");
                cloud.bench.edit("spec.toml", "[registries]\n", "[registries]\nworker = {}\n");
            }
            "nothing" => {}
            other => panic!("no plan is called {other}"),
        }
        plan(cloud, "spec.toml")
    }

    pub fn run(&self, options: &str) -> Outcome {
        let arguments = format!("plan {} {options} {CLOUD}", self.arguments);
        let outcome = Outcome::of(self.cloud.bench.command(&arguments).env("WEATHER_API_KEY", self.secret));
        for secret in [WEATHER_API_KEY, self.secret] {
            assert!(!outcome.to_string().contains(secret), "a secret is printed: {outcome}");
        }
        outcome
    }

    pub fn done(&self, options: &str) -> Outcome {
        let outcome = self.run(options);
        assert_eq!(outcome.code, 0, "{outcome}");
        outcome
    }
}

fn drift(cloud: &FileCloud) {
    cloud.touch("security_group_rules.edge", |object| {
        object["attrs"]["ingress"].as_array_mut().expect("rules")[0]["cidr"] = json!("10.0.0.0/8");
    });
    cloud.touch("ecs_service.web", |object| object["attrs"]["desired_count"] = json!(0));
    cloud.touch("vpc.main", |object| object["attrs"]["tags"]["by"] = json!("hand"));
}

fn snapshot(name: &str, text: &str) {
    settings().bind(|| insta::assert_snapshot!(name, text));
}

/// The page without its style and its script, which are the same in all.
fn body(page: &str) -> String {
    let without = |page: &str, from: &str, to: &str| {
        let (head, rest) = page.split_once(from).unwrap_or_else(|| panic!("{from} in {page}"));
        let (_, tail) = rest.split_once(to).unwrap_or_else(|| panic!("{to} in {page}"));
        format!("{head}{from}…{to}{tail}")
    };
    let page = without(page, "<style>", "</style>");
    let page = without(&page, "<script>", "</script>");
    let page = without(&page, "'sha256-", "'");
    // What is cut out of a hash is not found as one.
    without(&page, "· plan <code>", "</code>")
}

#[test]
fn each_plan_in_markdown() {
    for name in PLANS {
        snapshot(&format!("markdown-{name}"), &Case::new(name).done("--format markdown").stdout);
    }
}

#[test]
fn each_plan_as_a_page() {
    for name in PLANS {
        let page = Case::new(name).done("--format html").stdout;
        snapshot(&format!("html-{name}"), &body(&page));
        let loads = ["<link", "<img", "<iframe", "@import", "url(", " src=", "http://", "https://"];
        assert!(loads.iter().all(|load| !page.contains(load)), "the page of {name} loads nothing");
        assert!(!page.contains(" style=") && !page.contains(" onclick="), "nothing is inline in {name}");
    }
}

#[test]
fn each_plan_in_json() {
    for name in PLANS {
        let plan = Case::new(name).done("--format json").json();
        snapshot(&format!("json-{name}"), &format!("{plan:#}"));
    }
}

/// In Terraform's JSON everything stands that there is: here only what changes, and what that says.
#[test]
fn each_plan_as_terraforms() {
    for name in PLANS {
        let case = Case::new(name);
        let terraform = case.done("--format tfplan-json").json();
        let changes = terraform["resource_changes"].as_array().expect("changes");
        let lines: Vec<String> =
            changes.iter().filter(|it| it["change"]["actions"] != json!(["no-op"])).map(resource).collect();
        let planned = terraform["planned_values"]["root_module"]["resources"].as_array().expect("resources");
        let stay = changes.iter().filter(|it| it["change"]["actions"] == json!(["no-op"])).count();
        snapshot(
            &format!("tfplan-{name}"),
            &format!("{} planned, {stay} of them as they are\n{}", planned.len(), lines.join("\n")),
        );
        // No change of ours is lost on the way.
        let plan = case.done("--json").json();
        let changing = plan["changes"].as_array().expect("changes").len();
        assert!(lines.len() >= changing, "{name}: {changing} changes in\n{}", lines.join("\n"));
        assert_eq!(planned.is_empty(), name == "destroy", "{name}");
    }
}

/// One changed resource, with every attribute that differs.
fn resource(one: &Value) -> String {
    let change = &one["change"];
    let actions: Vec<&str> =
        change["actions"].as_array().expect("actions").iter().filter_map(Value::as_str).collect();
    let mut text = format!("{} {}", actions.join("+"), one["address"].as_str().expect("an address"));
    let keys = |side: &str| {
        change[side].as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    let mut names: Vec<String> =
        [keys("before"), keys("after"), keys("after_unknown"), keys("after_sensitive")].concat();
    names.sort();
    names.dedup();
    for name in names {
        let (before, after) = (&change["before"][&name], &change["after"][&name]);
        let unknown = &change["after_unknown"][&name];
        let secret = change["after_sensitive"][&name] == true || change["before_sensitive"][&name] == true;
        if before != after || !unknown.is_null() {
            let unknown = if unknown.is_null() { String::new() } else { format!(" (unknown {unknown})") };
            text +=
                &format!("\n    {name}: {before} → {after}{unknown}{}", if secret { " (sensitive)" } else { "" });
        }
    }
    text
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let case = Case::new("mixed-dangers");
    for format in ["text", "markdown", "html", "json", "tfplan-json"] {
        let format = format!("--format {format}");
        assert_eq!(case.done(&format).stdout, case.done(&format).stdout, "{format}");
    }
}

#[test]
fn a_saved_plan_is_rendered_without_a_cloud() {
    let case = Case::new("mixed-dangers");
    let live = case.done("--format markdown --out saved.plan").stdout;
    let page = case.done("--format html").stdout;
    let json = case.done("--json").stdout;
    std::fs::remove_file(case.cloud.bench.path("cloud.json")).expect("the cloud");
    let show = |format: &str| case.cloud.bench.done(&format!("show saved.plan {format}")).stdout;
    assert_eq!(show("--format markdown"), live);
    assert_eq!(show("--format html"), page);
    assert_eq!(show("--json"), json);
    snapshot("show-saved-plan", &case.cloud.bench.run("show saved.plan").to_string());
    snapshot("show-saved-tfplan", &case.cloud.bench.run("show saved.plan --format tfplan-json").to_string());
}

/// Whatever the limit, the comment keeps it, and every change is either shown or counted.
#[test]
fn a_comment_keeps_its_limit_and_says_what_it_left_out() {
    let cloud = FileCloud::new();
    cloud.done("plan prod.toml --out saved.plan");
    let whole = cloud.bench.done("show saved.plan --format markdown").stdout;
    let changes = cloud.bench.json("saved.plan")["plan"]["changes"].as_array().expect("changes").len();
    assert!(whole.len() > 12_000 && !whole.contains("Cut to"), "{} bytes", whole.len());
    for limit in [2000, 2500, 4000, 8000, 12_000, whole.len() - 1, whole.len(), 65_000] {
        let text = cloud.bench.done(&format!("show saved.plan --format markdown --max-bytes {limit}")).stdout;
        assert!(text.len() <= limit, "{} of {limit} bytes", text.len());
        assert_eq!(text.contains("Cut to"), limit < whole.len(), "{limit}\n{text}");
        assert_eq!(text.matches("<details").count(), text.matches("</details>").count(), "{limit}");
        let shown = text.matches("\n- `+`").count() + text.matches("<summary><code>+ ").count();
        let hidden: usize = text
            .split_once(" bytes:** ")
            .and_then(|(_, said)| said.split_once(&format!(" of {changes} changes are not shown")))
            .map_or(0, |(count, _)| count.parse().expect("a number"));
        assert_eq!(shown + hidden, changes, "{limit}\n{text}");
    }
    snapshot("markdown-cut", &cloud.bench.done("show saved.plan --format markdown --max-bytes 2000").stdout);
}

/// Nothing that a spec holds becomes markup.
#[test]
fn what_comes_from_outside_is_escaped() {
    let cloud = FileCloud::with_fixture("small.toml");
    let hostile =
        r#"</code></details><script>alert(1)</script><img src=x onerror=alert(2)> ``` --> \u202e @everyone \"'&"#;
    cloud.bench.edit("spec.toml", "Hello from {project}", hostile);
    let page = cloud.done("plan spec.toml --format html").stdout;
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    assert!(!page.contains("<script>alert") && !page.contains("<img"), "{page}");
    assert!(!page.contains('\u{202e}') && page.contains("\\u{202e}"), "{page}");
    let comment = cloud.done("plan spec.toml --format markdown").stdout;
    let line = comment.lines().position(|line| line.contains("<script>alert(1)")).expect("the greeting");
    let lines: Vec<&str> = comment.lines().collect();
    let fence = lines[..line].iter().rposition(|line| line.ends_with("`diff")).expect("a fence before it");
    let fence = lines[fence].trim_end_matches("diff");
    assert!(
        fence.len() > 3 && lines[line + 1..].contains(&fence),
        "the fence is longer than what it holds\n{comment}"
    );
}

#[test]
fn formats_that_contradict_one_another_are_refused() {
    let cloud = FileCloud::with_fixture("small.toml");
    for (name, arguments) in [
        ("format-contradiction", "plan spec.toml --json --format html"),
        ("format-max-bytes", "plan spec.toml --format html --max-bytes 65000"),
        ("format-max-bytes-few", "plan spec.toml --format markdown --max-bytes 10"),
        ("format-unknown", "plan spec.toml --format yaml"),
    ] {
        snapshot(name, &cloud.run(arguments).to_string());
    }
    snapshot("format-of-a-spec", &cloud.bench.run("show spec.toml --format html").to_string());
    let (long, short) = (cloud.done("plan spec.toml --format json"), cloud.done("plan spec.toml --json"));
    assert_eq!(long.stdout, short.stdout);
    assert_eq!(cloud.done("plan spec.toml --json --format json").stdout, short.stdout);
}
