//! Tags of ownership that somebody took off: nothing is taken for deleted, and `--adopt` puts them back.

use std::collections::{BTreeMap, BTreeSet};

use baseplate::apply::Order;
use baseplate::cloud::{Capture, Cloud, Context, FileCloud as Memory};
use baseplate::graph::Graph;
use baseplate::kinds::{self, AnyKind};
use baseplate::plan::{Action, Conflict, ExecutionPlan, Options, PlanError, make};
use baseplate::rehearse::carry_out;
use baseplate::spec::{self, Spec};
use baseplate::value::Address;
use serde_json::{Value, json};

use crate::account::Account;
use crate::cli::repository;
use crate::file_cloud::FileCloud;
use crate::moto::Moto;
use crate::round_trip::city;

const KEYS: [&str; 3] = ["project", "environment", "address"];

/// Each of the three alone, and all of them.
fn losses() -> Vec<Vec<&'static str>> {
    KEYS.iter().map(|key| vec![*key]).chain([KEYS.to_vec()]).collect()
}

/// Takes these tags off an object of a cloud file; whether it had any.
fn strip(tags: &mut Value, keys: &[&str]) -> bool {
    let Some(tags) = tags.as_object_mut() else { return false };
    keys.iter().filter(|key| tags.remove(&format!("baseplate:{key}")).is_some()).count() > 0
}

/// The shipped development environment as it is after an apply, and what its objects are planned against.
struct Scene {
    spec: Spec,
    graph: Graph,
    capture: Capture,
}

impl Scene {
    fn new() -> Self {
        let cloud = FileCloud::new();
        cloud.done("apply --yes dev.toml");
        let spec = spec::load(&cloud.bench.path("dev.toml"), &baseplate::kinds::catalog()).expect("a shipped spec");
        let graph = Graph::of(&spec.env).expect("a graph");
        let capture = Capture::read(&cloud.bench.path("cloud.json")).expect("a cloud file");
        Self { spec, graph, capture }
    }

    /// Plans against `cloud`, and where that succeeds carries it out and plans once more.
    fn plan(&self, cloud: &Memory, adopt: &[&Address]) -> Result<(ExecutionPlan, ExecutionPlan), PlanError> {
        let secret_store = cloud.secret_store();
        let context = Context { env: &self.spec.env, graph: &self.graph, secret_store: &secret_store };
        let options =
            Options { adopt: adopt.iter().map(|&address| address.clone()).collect(), ..Options::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let first = make(cloud, context, &options).await?.without_conflicts()?;
            let order = Order::of(&first).expect("an order");
            let (report, _) = carry_out(cloud, context, &first, &order, &|_| {}).await.expect("it runs");
            assert!(report.is_success(), "{:?}", report.failed);
            Ok((first, make(cloud, context, &Options::default()).await?.without_conflicts()?))
        })
    }

    fn cloud(&self, capture: Capture) -> Memory {
        Memory::in_memory(&self.spec.env, Some(capture), "memory")
    }
}

#[test]
fn a_lost_tag_of_any_object_stops_the_plan_until_it_is_adopted() {
    let scene = Scene::new();
    let mut wrong = Vec::new();
    let mut stripped = BTreeSet::new();
    for (index, object) in scene.capture.objects.iter().enumerate() {
        for keys in losses() {
            let mut capture = scene.capture.clone();
            if !strip(&mut capture.objects[index].attrs["tags"], &keys) {
                continue;
            }
            stripped.insert(object.address.kind().to_owned());
            let (what, address) = (format!("{} without {keys:?}", object.address), &object.address);
            let cloud = scene.cloud(capture);
            match scene.plan(&cloud, &[]) {
                Err(PlanError::Conflicts(conflicts)) => {
                    let [one] = &conflicts[..] else {
                        wrong.push(format!("{what}: {conflicts:#?}"));
                        continue;
                    };
                    match one {
                        Conflict::ToAdopt { id, address: at, .. } if (id, at) == (&object.id, address) => {}
                        other => wrong.push(format!("{what}: {other}")),
                    }
                }
                Err(refusal) => wrong.push(format!("{what}: {refusal:?}")),
                Ok((execution, _)) => wrong.push(format!("{what}: planned {:#?}", execution.plan.changes)),
            }
            match scene.plan(&cloud, &[address]) {
                Ok((adopted, after)) => {
                    let changes: Vec<_> =
                        adopted.plan.changes.iter().map(|change| (change.action, &change.address)).collect();
                    // A service carries the digest of its task definition, tags and all.
                    let main = changes.iter().filter(|(action, _)| *action == Action::Adopt).collect::<Vec<_>>();
                    let gone = changes
                        .iter()
                        .any(|(action, _)| matches!(action, Action::Create | Action::Replace | Action::Delete));
                    if main != [&(Action::Adopt, address)] || gone || !after.plan.is_empty() {
                        wrong.push(format!("{what}, adopted: {changes:?}, then {:#?}", after.plan.changes));
                    }
                }
                Err(refusal) => wrong.push(format!("{what}, adopted: {refusal:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(stripped.len() >= 20, "{stripped:?}");
}

/// With all other tags, too: then each is known by what is around it, and that by its name or range.
#[test]
fn an_environment_without_any_tags_is_recognised_as_a_whole() {
    let scene = Scene::new();
    let mut capture = scene.capture.clone();
    let mut addresses = Vec::new();
    for object in &mut capture.objects {
        if let Some(tags) = object.attrs["tags"].as_object_mut() {
            tags.clear();
            addresses.push(object.address.clone());
        }
    }
    let cloud = scene.cloud(capture);
    let Err(PlanError::Conflicts(conflicts)) = scene.plan(&cloud, &[]) else { panic!("it is refused") };
    assert_eq!(conflicts.len(), addresses.len() + 1, "{conflicts:#?}");
    let Some(Conflict::AllToAdopt(all)) = conflicts.last() else { panic!("the line for all of them") };
    assert_eq!(all.len(), addresses.len(), "{all:?}");
    let (adopted, after) = scene.plan(&cloud, &addresses.iter().collect::<Vec<_>>()).expect("a plan");
    assert!(
        adopted.plan.changes.iter().all(|change| change.action == Action::Adopt),
        "{:#?}",
        adopted.plan.changes
    );
    assert!(after.plan.is_empty(), "{:#?}", after.plan.changes);
    let ids = |capture: &Capture| capture.objects.iter().map(|object| object.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&cloud.capture()), ids(&scene.capture), "nothing was made again");
}

fn without_address(cloud: &FileCloud, address: &str) {
    cloud.touch(address, |object| assert!(strip(&mut object["attrs"]["tags"], &["address"])));
}

#[test]
fn what_nobody_can_place_is_not_left_behind_in_silence() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    without_address(&cloud, "subnet.public-b");
    let outcome = cloud.run("destroy --yes spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("apply --adopt subnet.public-b"), "{outcome}");
    cloud.done("apply --yes spec.toml --adopt subnet.public-b");

    // The spec does not have it any more, so nothing says where it was.
    without_address(&cloud, "ssm_parameter.web/greeting");
    cloud.bench.edit("spec.toml", "\"web/greeting\" = \"Hello from {project}\"\n", "");
    cloud.bench.edit("spec.toml", "environment = { GREETING = \"{parameters.web/greeting}\" }\n", "");
    let outcome = cloud.run("plan spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("no valid baseplate:address"), "{outcome}");
    cloud.touch("ssm_parameter.web/greeting", |object| {
        object["attrs"]["tags"]["baseplate:address"] = json!("ssm_parameter.old");
        object["address"] = json!("ssm_parameter.old");
    });
    assert!(cloud.changes("spec.toml").contains(&"delete ssm_parameter.old".to_owned()));
}

#[test]
fn two_that_could_each_be_it_are_both_named() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit_json("cloud.json", |cloud| {
        let objects = cloud["objects"].as_array_mut().expect("objects");
        let one = objects.iter_mut().find(|object| object["address"] == "security_group.app").expect("the group");
        strip(&mut one["attrs"]["tags"], &KEYS);
        let mut other = one.clone();
        other["id"] = json!("security-group-twin");
        objects.push(other);
    });
    for arguments in ["plan spec.toml", "plan spec.toml --adopt security_group.app"] {
        let outcome = cloud.run(arguments);
        assert_eq!(outcome.code, 4, "{outcome}");
        assert!(outcome.stderr.contains("and security-group-twin could each be security_group.app"), "{outcome}");
    }
}

#[test]
fn a_tag_that_names_another_object_is_not_believed() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.touch("subnet.public-b", |object| {
        object["attrs"]["tags"]["baseplate:address"] = json!("subnet.public-a");
        object["address"] = json!("subnet.public-a");
    });
    let outcome = cloud.run("plan spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("tagged as subnet.public-a"), "{outcome}");
    cloud.done("apply --yes spec.toml --adopt subnet.public-b");
    cloud.assert_no_changes("spec.toml");
}

/// In one cloud file as in one account: a name that another environment holds stops the plan, whatever is adopted.
#[test]
fn another_environments_object_is_never_adopted() {
    let cloud = FileCloud::new();
    for spec in ["dev.toml", "prod.toml"] {
        cloud.bench.edit(spec, "[cluster]\n", "[cluster]\nname = \"city\"\n");
    }
    cloud.done("apply --yes dev.toml");
    let before = cloud.bench.read("cloud.json");
    for arguments in ["plan prod.toml", "apply --yes prod.toml --adopt ecs_cluster.main"] {
        let outcome = cloud.run(arguments);
        assert_eq!(outcome.code, 4, "{outcome}");
        assert!(outcome.stderr.contains("belongs to legocity dev"), "{outcome}");
    }
    assert_eq!(cloud.bench.read("cloud.json"), before);
}

/// Runs this with what `tests/python/strip.py` has.
fn strip_in(moto: &Moto, call: &str) -> Value {
    moto.boto(&format!("from strip import ids, strip, strip_one\nanswer = {call}"))
}

/// The kinds that are told apart one by one: those of the network and certificates have ids and no names.
fn has_no_name(kind: &dyn AnyKind) -> bool {
    kind.tag_index().is_some_and(|of| of.starts_with("ec2:") || of.starts_with("acm:"))
}

/// The addresses of what a spec makes that has tags, by kind. What has none is what its parent is.
fn tagged(spec: &str) -> BTreeMap<&'static str, BTreeSet<String>> {
    let env = spec::load(&repository("environments").join(spec), &kinds::catalog()).expect("a valid spec").env;
    let mut addresses: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for kind in kinds::all() {
        for desired in kind.desired(&env) {
            if !desired.external && desired.attrs["tags"].is_object() {
                let address = format!("{}.{}", kind.name(), desired.name);
                addresses.entry(kind.name()).or_default().insert(address);
            }
        }
    }
    addresses
}

/// Plans, adopts all that the refusal names, and plans again. What was named; no call made, replaced or deleted any.
fn heal(account: &Account<'_>, moto: &Moto, what: &str) -> BTreeSet<String> {
    let outcome = account.run("plan dev.toml");
    assert_eq!(outcome.code, 4, "{what}: {outcome}");
    let words: Vec<&str> = outcome.stderr.split_whitespace().collect();
    let named =
        words.windows(2).filter(|pair| pair[0] == "--adopt").map(|pair| pair[1].trim_end_matches([',', '.']));
    let named: BTreeSet<String> = named.map(str::to_owned).collect();
    let adopt: Vec<String> = named.iter().map(|address| format!("--adopt {address}")).collect();
    moto.reset_counts();
    let outcome = account.done(&format!("apply --yes dev.toml {}", adopt.join(" ")));
    let writes: Vec<String> = moto.writes().into_iter().map(|(_, call)| call).collect();
    let made = |call: &&String| {
        let action = call.split(':').nth(1).unwrap_or_default();
        let tags = ["ec2:CreateTags", "ssm:DeleteParameters", "route53:POST"];
        !tags.iter().any(|tag| call.starts_with(tag))
            && ["Create", "Delete", "Register", "Deregister", "Request", "Allocate", "Run", "Update", "Modify"]
                .iter()
                .any(|verb| action.starts_with(verb))
    };
    assert_eq!(writes.iter().find(made), None, "{what}: {outcome}");
    account.assert_no_changes("dev.toml");
    named
}

/// Over HTTP, at every object of an environment at once, and then at the network's one by one.
#[test]
fn tags_that_somebody_took_off_in_an_account_are_put_back() {
    let moto = city();
    let account = Account::new(&moto);
    let tagged = tagged("dev.toml");
    let wanted: BTreeSet<&String> = tagged.values().flatten().collect();
    assert!(tagged.len() > 20, "{tagged:#?}");
    account.done("apply --yes dev.toml");
    let before = strip_in(&moto, "ids(account)");
    assert!(before.as_array().is_some_and(|ids| ids.len() > wanted.len() / 2), "{before}");
    for keys in losses() {
        strip_in(&moto, &format!("strip(account, {})", json!(keys)));
        let named = heal(&account, &moto, &format!("without {keys:?}"));
        // What belongs to the project, such as a registry, names no environment.
        let is_shared = |kind: &str| kinds::find(kind).is_some_and(AnyKind::shared);
        let is_due = |kind: &str| keys != ["environment"] || !is_shared(kind);
        let due = tagged.iter().filter(|(kind, _)| is_due(kind)).flat_map(|(_, addresses)| addresses);
        assert_eq!(named, due.cloned().collect(), "without {keys:?}");
    }
    for kind in kinds::all().iter().filter(|kind| has_no_name(**kind) && tagged.contains_key(kind.name())) {
        let address = strip_in(&moto, &format!("strip_one(account, '{}')", kind.name()));
        let address = address.as_str().expect("an address");
        assert_eq!(heal(&account, &moto, address), BTreeSet::from([address.to_owned()]), "all tags off");
    }
    assert_eq!(strip_in(&moto, "ids(account)"), before, "the same objects as before");
}

/// The name alone does not make a secret ours, be it there before the first apply or put in the place of what we made.
#[test]
fn a_secret_made_by_hand_is_not_taken_for_the_one_to_be_generated() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    account.bench.edit(
        "spec.toml",
        "[parameters]\n",
        "[parameters]\n\"web/key\" = { generate = { length = 40 } }\n",
    );
    let refused = || {
        moto.reset_counts();
        for arguments in ["plan spec.toml", "apply --yes spec.toml"] {
            let outcome = account.run(arguments);
            assert_eq!(outcome.code, 4, "{arguments}: {outcome}");
            assert!(
                outcome.stderr.contains("ssm_parameter.web/key: /town/test/web/key already exists in its place"),
                "{outcome}"
            );
            assert!(outcome.stderr.contains("--adopt ssm_parameter.web/key"), "{outcome}");
            assert!(!outcome.to_string().contains("made-by-hand"), "{outcome}");
        }
        assert_eq!(moto.writes(), [], "nothing is written");
    };
    let by_hand = r#"
client("ssm").put_parameter(Name="/town/test/web/key", Value="made-by-hand", Type="SecureString")"#;
    moto.boto(by_hand);
    refused();
    account.done("apply --yes spec.toml --adopt ssm_parameter.web/key");
    account.assert_no_changes("spec.toml");

    moto.boto(&format!(r#"client("ssm").delete_parameter(Name="/town/test/web/key"){by_hand}"#));
    refused();
    account.done("apply --yes spec.toml --adopt ssm_parameter.web/key");
    account.assert_no_changes("spec.toml");
    let found = moto.boto(
        r#"
ssm, name = client("ssm"), "/town/test/web/key"
tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
value = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
answer = [value, [tag["Value"] for tag in tags if tag["Key"] == "baseplate:address"]]"#,
    );
    assert_eq!(found, json!(["made-by-hand", ["ssm_parameter.web/key"]]), "its value stays");
}

/// An object of the same name that is somebody else's that takes no part in anything is left alone.
#[test]
fn a_range_that_others_have_too_is_no_vpc_of_ours() {
    let moto = city();
    let account = Account::new(&moto);
    moto.boto(r#"client("ec2").create_vpc(CidrBlock="10.20.0.0/16")"#);
    let made = account.changes("dev.toml");
    assert!(made.contains(&"create vpc.main".to_owned()), "{made:?}");
}
