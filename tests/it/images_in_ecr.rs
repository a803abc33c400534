//! The images that services need, in ECR over HTTP: looked for in their repositories, and tagged while they are in use.

use std::collections::BTreeSet;

use serde_json::json;

use crate::account::Account;
use crate::moto::Moto;

/// Pushes an image for these platforms; for none, one whose manifest does not say its platform.
pub fn push(moto: &Moto, repository: &str, tag: &str, platforms: &[&str]) {
    moto.boto(&format!(
        r#"
import hashlib, json
platforms = {platforms}
manifest = {{"schemaVersion": 2, "annotations": {{"tag": "{tag}"}}}}
if platforms:
    manifest["mediaType"] = "application/vnd.oci.image.index.v1+json"
    manifest["manifests"] = [
        {{"digest": "sha256:" + "0" * 64, "platform": {{"os": "linux", "architecture": one}}}} for one in platforms
    ]
else:
    manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
    manifest["layers"] = []
text = json.dumps(manifest)
digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
client("ecr").put_image(
    repositoryName="{repository}", imageManifest=text, imageManifestMediaType=manifest["mediaType"],
    imageTag="{tag}", imageDigest=digest)"#,
        platforms = json!(platforms)
    ));
}

/// The tags of each image of a repository, sorted; what differs with the digest is written `…`.
fn tags(moto: &Moto, repository: &str) -> Vec<Vec<String>> {
    let answer = moto.boto(&format!(
        r#"
import re
images = client("ecr").describe_images(repositoryName="{repository}")["imageDetails"]
answer = sorted(sorted(re.sub(r"[0-9a-f]{{12}}$", "…", tag) for tag in one["imageTags"]) for one in images)"#
    ));
    serde_json::from_value(answer).expect("tags")
}

#[test]
fn images_are_looked_for_in_their_repositories() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let listed = |code: i32| {
        let outcome = account.run("images spec.toml --json");
        assert_eq!(outcome.code, code, "{outcome}");
        outcome.json()
    };
    let before = listed(2);
    assert_eq!(before["images"][0]["why"], "the repository town-web is not created yet");
    assert_eq!(before["commands"][0], "baseplate apply spec.toml --stages 1-3");

    let outcome = account.run("apply --yes spec.toml --missing-images stop");
    assert_eq!(outcome.code, 5, "{outcome}");
    assert!(outcome.stderr.contains("docker push 123456789012.dkr.ecr.eu-central-1.amazonaws.com/town-web:1"));
    assert_eq!(listed(2)["images"][0]["why"], "the repository town-web has no tag `1`");

    push(&moto, "town-web", "1", &["arm64"]);
    let other = listed(2);
    assert_eq!(other["images"][0]["why"], "the image is for linux/arm64, the service runs on linux/amd64");
    push(&moto, "town-web", "1", &["amd64", "arm64"]);
    let there = listed(0);
    assert_eq!(there["images"][0]["state"], "present");
    assert_eq!(there["images"][0]["platforms"], json!(["linux/amd64", "linux/arm64"]));
    assert!(there["images"][0]["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{there:#}");
    assert!(there["images"][0]["age_seconds"].as_u64().is_some_and(|age| age < 600), "{there:#}");
    account.done("apply --yes spec.toml --missing-images stop");
    account.assert_no_changes("spec.toml");
}

#[test]
fn services_of_one_repository_take_one_call() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let mut spec = account.bench.read("spec.toml");
    for service in 0..20 {
        spec += &format!(
            "\n[services.s{service}]\nimage = \"{{registries.web.url}}:{service}\"\ncpu = 256\nmemory = 512\n\
             security-groups = [\"app\"]\nsubnets = [\"public-a\"]\npublic-ip = true\n"
        );
    }
    account.bench.write("spec.toml", spec);
    assert_eq!(account.run("apply --yes spec.toml --stages 1-3").code, 5);
    moto.reset_counts();
    let outcome = account.run("images spec.toml");
    assert_eq!(outcome.code, 2, "{outcome}");
    let counts = moto.counts();
    assert_eq!(counts.by_action.get("ecr:BatchGetImage"), Some(&1), "{counts:#?}");
    assert_eq!(counts.by_action.get("ecr:DescribeImages"), None, "none is there\n{counts:#?}");
    moto.reset_counts();
    assert_eq!(account.run("apply --yes spec.toml --stages 4 --missing-images stop").code, 5);
    assert_eq!(moto.counts().by_action.get("ecr:BatchGetImage"), None, "no task is started");
}

#[test]
fn who_may_not_look_goes_on_and_says_so() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    assert_eq!(account.run("apply --yes spec.toml --stages 1-3").code, 5);
    push(&moto, "town-web", "1", &["amd64"]);
    moto.fail("ecr:DescribeImages", 400, "AccessDeniedException");
    let there = account.done("images spec.toml --json").json();
    assert_eq!(there["images"][0]["state"], "present", "only when it was pushed is not known");
    moto.heal();
    moto.fail("ecr:BatchGetImage", 400, "AccessDeniedException");
    let outcome = account.run("images spec.toml");
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(outcome.stdout.contains("unknown: ecr:BatchGetImage: AccessDeniedException"), "{outcome}");
    let outcome = account.done("apply --yes spec.toml --missing-images stop");
    assert!(outcome.stderr.contains("Whether all images are there is not known"), "{outcome}");
    moto.heal();
    moto.fail("ecr:BatchGetImage", 400, "InvalidParameterException");
    account.bench.edit("spec.toml", ".url}:1", ".url}:2");
    let outcome = account.run("apply --yes spec.toml --missing-images stop");
    assert_eq!(outcome.code, 1, "what is broken is not taken for an answer\n{outcome}");
}

/// A repository that is not the spec's may be one that a pull-through cache makes: then nothing is known.
#[test]
fn a_repository_of_a_cache_is_not_missing() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    let host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    account.bench.edit("spec.toml", "{registries.web.url}:1", &format!("{host}/docker-hub/library/nginx:1"));
    moto.fail("ecr:DescribePullThroughCacheRules", 400, "AccessDeniedException");
    let outcome = account.run("images spec.toml");
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(outcome.stdout.contains("unless a pull-through cache makes it"), "{outcome}");
    assert!(outcome.stdout.contains("ecr:DescribePullThroughCacheRules"), "{outcome}");
}

#[test]
fn images_in_use_are_tagged_and_let_go() {
    tagged_and_let_go();
}

/// What that calls.
pub fn tagged_and_let_go() -> BTreeSet<String> {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    assert_eq!(account.run("apply --yes spec.toml --stages 1-3").code, 5);
    push(&moto, "town-web", "1", &["amd64"]);
    push(&moto, "town-web", "9", &[]);
    // Nobody waits for services here: what they run is not known.
    account.done("apply --yes spec.toml");
    assert_eq!(tags(&moto, "town-web"), [["1"], ["9"]]);
    // Nothing of a service changes, so that none has to get steady.
    let mut keep = 30;
    let mut apply = || {
        let before = if keep == 30 { "web = {}".to_owned() } else { format!("web = {{ keep-images = {keep} }}") };
        keep -= 1;
        account.bench.edit("spec.toml", &before, &format!("web = {{ keep-images = {keep} }}"));
        account.done("apply --yes spec.toml --wait always")
    };
    apply();
    assert_eq!(tags(&moto, "town-web"), [vec!["1", "in-use-test.web.…"], vec!["9"]]);
    let counted = moto.counts().by_action.get("ecr:PutImage").copied();
    apply();
    assert_eq!(moto.counts().by_action.get("ecr:PutImage").copied(), counted, "once is enough");

    push(&moto, "town-web", "2", &["amd64"]);
    account.bench.edit("spec.toml", ".url}:1", ".url}:2");
    account.done("apply --yes spec.toml");
    apply();
    let both = [vec!["1", "in-use-test.web.…"], vec!["2", "in-use-test.web.…"], vec!["9"]];
    assert_eq!(tags(&moto, "town-web"), both, "what ran before is still kept");

    moto.boto(r#"client("ecr").batch_delete_image(repositoryName="town-web", imageIds=[{"imageTag": "1"}])"#);
    // The last tag of an image is never taken: ECR would delete it.
    account.done("destroy --yes spec.toml --wait always --allow-destroy *");
    assert_eq!(tags(&moto, "town-web"), [["2"], ["9"], ["test-unused-…"]]);
    // One in a repository that is not there, which moto has no answer to.
    let host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    account.bench.edit("spec.toml", "{registries.web.url}:2", &format!("{host}/docker-hub/library/nginx:1"));
    moto.fail("ecr:DescribePullThroughCacheRules", 400, "AccessDeniedException");
    account.done("images spec.toml");
    moto.operations()
}

#[test]
fn an_apply_that_may_not_tag_succeeds_and_says_so() {
    let moto = Moto::start();
    let account = Account::with_fixture(&moto, "small.toml");
    assert_eq!(account.run("apply --yes spec.toml --stages 1-3").code, 5);
    push(&moto, "town-web", "1", &[]);
    account.done("apply --yes spec.toml");
    moto.fail("ecr:PutImage", 400, "AccessDeniedException");
    account.bench.edit("spec.toml", "web = {}", "web = { keep-images = 20 }");
    let outcome = account.done("apply --yes spec.toml --wait always");
    assert!(outcome.stderr.contains("The images in use could not be tagged: ecr:PutImage"), "{outcome}");
    assert_eq!(tags(&moto, "town-web"), [["1"]]);
}
