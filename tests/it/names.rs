//! Options take addresses, and the paths by which the spec calls the same things.

use serde_json::json;

use crate::account::Account;
use crate::assert_outcome;
use crate::file_cloud::FileCloud;
use crate::moto::Moto;
use crate::renderings::DATABASE;

fn town() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.write("spec.toml", cloud.bench.read("spec.toml") + DATABASE);
    cloud.done("apply --yes spec.toml");
    cloud
}

#[test]
fn what_may_go_is_said_by_its_entry() {
    let cloud = town();
    cloud.bench.edit("spec.toml", "username = \"town\"", "username = \"boss\"");
    assert_eq!(cloud.run("apply --yes spec.toml --allow-destroy registries.web").code, 4);
    let outcome = cloud.run("apply --yes spec.toml --allow-destroy databases.mian");
    assert_eq!(outcome.code, 64, "{outcome}");
    assert!(outcome.stderr.contains("did you mean `db_instance.main` or `databases.main`?"), "{outcome}");
    cloud.done("plan spec.toml --allow-destroy databases.main --out saved.plan");
    cloud.done("apply saved.plan");
    cloud.assert_no_changes("spec.toml");
    for all in ["databases", "databases.*"] {
        let again = if all == "databases" { ("\"boss\"", "\"town\"") } else { ("\"town\"\nsub", "\"boss\"\nsub") };
        cloud.bench.edit("spec.toml", again.0, again.1);
        cloud.done(&format!("apply --yes spec.toml --allow-destroy {all}"));
    }
}

/// Its objects are called as those of the entries that are left.
#[test]
fn an_entry_that_is_gone_still_has_its_path() {
    let cloud = town();
    cloud.bench.edit("spec.toml", "\"web/token\" = { env = \"WEATHER_API_KEY\" }\n", "");
    cloud.bench.edit("spec.toml", "secrets = { TOKEN = \"web/token\" }\n", "");
    assert_eq!(cloud.run("apply --yes spec.toml").code, 4);
    cloud.done("apply --yes spec.toml --allow-destroy parameters.web/token");
    cloud.assert_no_changes("spec.toml");
    cloud.bench.edit("spec.toml", "[registries]\nweb = {}\n", "[registries]\nweb = {}\nother = {}\n");
    cloud.bench.edit("spec.toml", "\"web/greeting\" = ", "\"web/more\" = \"more\"\n\"web/greeting\" = ");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "\"web/more\" = \"more\"\n", "");
    cloud.done("forget --yes spec.toml parameters.web/more");
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn what_is_taken_over_is_said_by_its_entry() {
    let cloud = town();
    let lose = |address: &str| cloud.touch(address, |object| object["attrs"]["tags"] = json!({}));
    lose("log_group.web");
    lose("iam_role.web-task");
    let outcome = cloud.done("adopt --yes spec.toml services.web");
    assert!(
        outcome.stdout.contains("^ log_group.web") && outcome.stdout.contains("^ iam_role.web-task"),
        "{outcome}"
    );
    cloud.assert_no_changes("spec.toml");
    let outcome = cloud.run("adopt --yes spec.toml services.web");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("adopt services.web: there is nothing to adopt"), "{outcome}");
    lose("log_group.web");
    cloud.done("apply --yes spec.toml --adopt services");
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn what_nothing_is_called_is_asked_about_in_both_words() {
    let cloud = town();
    for (name, arguments) in [
        ("names-section", "plan spec.toml --allow-destroy database.main"),
        ("names-field", "plan spec.toml --allow-destroy databases.main.username"),
        ("names-kind", "plan spec.toml --allow-destroy ssm_parameters.*"),
        ("names-adopt", "plan spec.toml --adopt service.web"),
        ("names-adopt-many", "adopt spec.toml log_group.*"),
        ("names-forget", "forget spec.toml paramters.web/greting"),
        ("names-forget-wanted", "forget spec.toml services.web"),
        ("names-nothing", "plan spec.toml --adopt everything"),
    ] {
        assert_outcome!(name, cloud.run(arguments));
    }
}

#[test]
fn what_is_accepted_is_said_by_its_path() {
    let cloud = town();
    cloud.touch("ecs_service.web", |object| object["attrs"]["desired_count"] = json!(5));
    let accept = |what: &str| {
        let spec = cloud.bench.read("spec.toml");
        let kept = spec.split("\n[[accept]]").next().expect("the spec").to_owned();
        cloud.bench.write("spec.toml", format!("{kept}\n[[accept]]\nwhat = \"{what}\"\nwhy = \"the fair\"\n"));
    };
    for what in ["drift services.web.count", "drift services.web", "drift services.web desired_count"] {
        accept(what);
        let outcome = cloud.run("drift spec.toml");
        assert_eq!(outcome.code, 0, "{what}: {outcome}");
    }
    accept("drift services.web.memory");
    assert_eq!(cloud.run("drift spec.toml").code, 2);
    accept("drift service.web");
    let outcome = cloud.run("drift spec.toml");
    let meant = "it names no address and no path of the spec: did you mean `ecs_service.web` or `services.web`?";
    assert!(outcome.stdout.contains(meant), "{outcome}");
}

#[test]
fn paths_lead_to_the_same_objects_over_http() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    account.done("apply --yes spec.toml");
    account.bench.edit("spec.toml", "\"web/token\" = { env = \"WEATHER_API_KEY\" }\n", "");
    account.bench.edit("spec.toml", "secrets = { TOKEN = \"web/token\" }\n", "");
    let outcome = account.run("apply --yes spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    account.done("apply --yes spec.toml --allow-destroy parameters.web/token");
    account.assert_no_changes("spec.toml");
}
