//! What holds data goes only if somebody said so, and so do many objects at once.

use crate::assert_outcome;
use crate::file_cloud::FileCloud;

/// An environment on a file, applied.
fn town() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud
}

/// Must be refused and leave everything as it is.
macro_rules! assert_refused {
    ($name:expr, $cloud:expr, $arguments:expr) => {{
        let before = $cloud.bench.read("cloud.json");
        let outcome = $cloud.run($arguments);
        assert_eq!(outcome.code, 4, "{outcome}");
        assert_outcome!($name, outcome);
        assert_eq!($cloud.bench.read("cloud.json"), before, "nothing was changed");
    }};
}

const TOKEN: &str = "\"web/token\" = { env = \"WEATHER_API_KEY\" }\n";

#[test]
fn a_secret_that_leaves_the_spec_must_be_named() {
    let cloud = town();
    cloud.bench.edit("spec.toml", TOKEN, "");
    cloud.bench.edit("spec.toml", "secrets = { TOKEN = \"web/token\" }\n", "");
    assert_refused!("guard-secret", cloud, "apply --yes spec.toml");
    assert_eq!(cloud.run("apply --yes spec.toml --allow-destroy ssm_parameter.web/greeting").code, 4);
    cloud.done("apply --yes spec.toml --allow-destroy ssm_parameter.web/token");
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn a_replacement_loses_data_too() {
    let cloud = town();
    cloud.bench.edit("spec.toml", "web = {}\n", "web = { name = \"another\" }\n");
    assert_refused!("guard-replacement", cloud, "apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "name = \"another\"", "name = \"another\", protect = false");
    cloud.done("apply --yes spec.toml");
    cloud.assert_no_changes("spec.toml");
}

#[test]
fn the_end_of_an_environment_must_name_its_data() {
    let cloud = town();
    assert_refused!("guard-destroy", cloud, "destroy --yes spec.toml");
    cloud.bench.edit("spec.toml", "environment = \"test\"\n", "environment = \"test\"\nprotect = false\n");
    cloud.done("destroy --yes spec.toml");
}

#[test]
fn many_deletes_must_be_counted() {
    let cloud = FileCloud::new();
    let spec = cloud.bench.read("dev.toml");
    cloud.bench.write("dev.toml", spec.replace("10.20.128.", "10.20.32.").replace("10.20.144.", "10.20.48."));
    cloud.done("apply --yes dev.toml");
    // Another range makes another VPC, and another of everything in it.
    cloud.bench.edit("dev.toml", "\"10.20.0.0/16\"", "\"10.20.0.0/17\"");
    let before = cloud.bench.read("cloud.json");
    let outcome = cloud.run("apply --yes dev.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("if that is intended, add --allow-deletes 38"), "{outcome}");
    assert_eq!(cloud.bench.read("cloud.json"), before, "nothing was changed");
    let outcome = cloud.run("apply --yes dev.toml --allow-deletes 37");
    assert_eq!(outcome.code, 4, "{outcome}");
    cloud.done("apply --yes dev.toml --allow-deletes 38");
    cloud.assert_no_changes("dev.toml");
}

#[test]
fn what_may_go_is_there() {
    let cloud = town();
    assert_outcome!("guard-pattern", cloud.run("apply --yes spec.toml --allow-destroy databases.*"));
}

/// Nobody has a copy of what was generated.
#[test]
fn another_value_over_a_generated_secret_must_be_named() {
    const GENERATED: &str = "\"web/token\" = { generate = { length = 40 } }\n";
    for given in [TOKEN, "\"web/token\" = { value = \"given\", secret = true }\n", "\"web/token\" = \"plain\"\n"] {
        let cloud = FileCloud::with_fixture("small.toml");
        cloud.bench.edit("spec.toml", TOKEN, GENERATED);
        cloud.done("apply --yes spec.toml");
        cloud.bench.edit("spec.toml", GENERATED, &GENERATED.replace("40", "64"));
        cloud.assert_no_changes("spec.toml");
        cloud.bench.edit("spec.toml", &GENERATED.replace("40", "64"), given);
        let before = cloud.bench.read("cloud.json");
        let outcome = cloud.run("apply --yes spec.toml");
        assert_eq!(outcome.code, 4, "{given}{outcome}");
        assert!(outcome.stderr.contains("--allow-destroy ssm_parameter.web/token"), "{given}{outcome}");
        assert_eq!(cloud.bench.read("cloud.json"), before, "nothing was changed");
        cloud.done("apply --yes spec.toml --allow-destroy ssm_parameter.web/token");
        cloud.assert_no_changes("spec.toml");
    }
    // What was given may be given anew.
    let cloud = town();
    cloud.bench.edit("spec.toml", TOKEN, "\"web/token\" = { value = \"given\", secret = true }\n");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", "\"given\"", "\"another\"");
    cloud.done("apply --yes spec.toml");
}

const DATABASE: &str = r#"
[databases.main]
engine = "postgres"
version = "16.4"
class = "db.t4g.micro"
storage = 20
database = "town"
username = "town"
subnets = ["public-a", "public-b"]
security-groups = ["app"]
auto-minor-upgrades = false
backup-retention = 7
"#;

fn town_with_database() -> FileCloud {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.bench.write("spec.toml", cloud.bench.read("spec.toml") + DATABASE);
    cloud.done("apply --yes spec.toml");
    cloud
}

#[test]
fn the_last_backup_must_be_named() {
    let cloud = town_with_database();
    cloud.bench.edit("spec.toml", "backup-retention = 7", "backup-retention = 0");
    let outcome = cloud.run("apply --yes spec.toml");
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("--allow-destroy db_instance.main"), "{outcome}");
    let shown = cloud.done("plan spec.toml").stdout;
    assert!(shown.contains("~ db_instance.main  data lost, 7 min"), "{shown}");
    cloud.done("apply --yes spec.toml --allow-destroy db_instance.main");
    cloud.bench.edit("spec.toml", "backup-retention = 0", "backup-retention = 7");
    let shown = cloud.done("plan spec.toml").stdout;
    assert!(shown.contains("~ db_instance.main  reboot, 7 min"), "{shown}");
}

#[test]
fn what_rds_refuses_is_not_planned() {
    let downgrade: &[(&str, &str)] = &[("version = \"16.4\"", "version = \"16.3\"")];
    // It runs in one of them.
    let subnets = &[("10.40.0.0/20", "10.40.32.0/20"), ("10.40.16.0/20", "10.40.48.0/20")];
    for (edits, said) in [
        (downgrade, "db_instance.main cannot be changed this way: it runs version 16.4"),
        (subnets, "db_subnet_group.main cannot be changed this way: database town-test-main runs in "),
    ] {
        let cloud = town_with_database();
        for (from, to) in edits {
            cloud.bench.edit("spec.toml", from, to);
        }
        let before = cloud.bench.read("cloud.json");
        for command in ["plan spec.toml", "apply --yes spec.toml"] {
            let outcome = cloud.run(command);
            assert!(outcome.code == 4 && outcome.stderr.contains(said), "{outcome}");
        }
        assert_eq!(cloud.bench.read("cloud.json"), before, "nothing was changed");
    }
    let cloud = town_with_database();
    cloud.bench.edit("spec.toml", "version = \"16.4\"", "version = \"17\"");
    let shown = cloud.done("plan spec.toml").stdout;
    assert!(shown.contains("~ db_instance.main  outage, 30 min"), "{shown}");
    assert!(shown.contains("db_instance.main: 16.4 → 17 is a major version"), "{shown}");
    cloud.done("apply --yes spec.toml");
    cloud.assert_no_changes("spec.toml");
}
