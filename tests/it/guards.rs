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
    assert!(outcome.stderr.contains("if that is intended, add --allow-deletes 37"), "{outcome}");
    assert_eq!(cloud.bench.read("cloud.json"), before, "nothing was changed");
    let outcome = cloud.run("apply --yes dev.toml --allow-deletes 36");
    assert_eq!(outcome.code, 4, "{outcome}");
    cloud.done("apply --yes dev.toml --allow-deletes 37");
    cloud.assert_no_changes("dev.toml");
}

#[test]
fn what_may_go_is_an_address_or_a_kind() {
    let cloud = town();
    assert_outcome!("guard-pattern", cloud.run("apply --yes spec.toml --allow-destroy databases.*"));
}
