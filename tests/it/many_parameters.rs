//! Thousands of parameters, whose values are read only where they may have changed, and the record that says where.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::account::Account;
use crate::calls::{calls_of_a_plan, head};
use crate::moto::{Counts, Moto};

/// An environment with so many plain parameters and one secret.
fn spec(plain: usize) -> String {
    let mut spec = head("keys") + "[parameters]\n\"secret\" = { generate = { length = 20 } }\n";
    for number in 0..plain {
        writeln!(spec, "\"plain/{number}\" = \"value {number}\"").unwrap();
    }
    spec
}

/// An account in which this environment was applied.
fn applied(moto: &Moto, plain: usize) -> Account<'_> {
    let account = Account::new(moto);
    account.bench.write("keys.toml", spec(plain));
    account.done("apply --yes keys.toml");
    account
}

fn of(counts: &Counts, action: &str) -> usize {
    counts.by_action.get(action).copied().unwrap_or_default()
}

/// The record's entries, by the name that AWS has them under.
fn record(moto: &Moto) -> Value {
    moto.boto(
        r#"
import json
pages = pages("ssm", "get_parameters_by_path", "Parameters", Path="/baseplate/legocity/keys/values")
answer = [entry for page in pages for entry in json.loads(page["Value"])]"#,
    )
}

/// One is written again, one is deleted and made anew, which is its first version once more, and one is written as it
/// was.
const BY_HAND: &str = r#"
ssm, name = client("ssm"), "/legocity/keys/plain/{}"
put = lambda key, value, **more: ssm.put_parameter(Name=name.format(key), Value=value, Type="String", **more)
put(1, "by hand", Overwrite=True)
tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name.format(2))["TagList"]
ssm.delete_parameter(Name=name.format(2))
assert put(2, "by hand", Tags=tags)["Version"] == 1
put(3, "value 3", Overwrite=True)"#;

const CHANGES: [&str; 2] = ["update ssm_parameter.plain/1: value", "update ssm_parameter.plain/2: value"];

#[test]
fn three_thousand_take_as_many_calls_as_pages() {
    let moto = Moto::start();
    // Made in moto itself: calls would take their time.
    moto.boto(
        r#"
from moto.ssm.models import ssm_backends
ssm = ssm_backends["123456789012"]["eu-central-1"]
for number in range(3000):
    tags = {"project": "legocity", "environment": "keys", "address": f"ssm_parameter.plain/{number}"}
    tags = [{"Key": f"baseplate:{key}", "Value": value} for key, value in tags.items()]
    name, value = f"/legocity/keys/plain/{number}", f"value {number}"
    ssm.put_parameter(name, "", value, "String", "", "", False, tags, "text", "Standard", None)"#,
    );
    let account = applied(&moto, 3000);
    let counts = calls_of_a_plan(&account, &moto, "keys.toml");
    assert!(counts.total <= 150, "{counts:#?}");
    assert!(counts.repeated.is_empty(), "{counts:#?}");
    assert_eq!(of(&counts, "ssm:GetParameters"), 1, "the secret's\n{counts:#?}");

    moto.boto(BY_HAND);
    moto.reset_counts();
    assert_eq!(account.changes("keys.toml"), CHANGES);
    let counts = moto.counts();
    assert_eq!(of(&counts, "ssm:GetParameters"), 1, "all four\n{counts:#?}");
    assert!(counts.total <= 155, "{counts:#?}");
}

#[test]
fn what_an_apply_finds_or_writes_is_not_read_again() {
    let moto = Moto::start();
    let account = applied(&moto, 60);
    let counts = calls_of_a_plan(&account, &moto, "keys.toml");
    assert_eq!(of(&counts, "ssm:GetParameters"), 1, "{counts:#?}");
    let entries = record(&moto).as_array().map(Vec::len);
    assert_eq!(entries, Some(60), "nothing of the secret");

    moto.boto(BY_HAND);
    assert_eq!(account.changes("keys.toml"), CHANGES);
    account.bench.edit("keys.toml", "\"value 4\"", "\"another\"");
    let changes = [CHANGES[0], CHANGES[1], "update ssm_parameter.plain/4: value"];
    account.assert_changes("keys.toml", "by hand and by the spec", &changes);
    let counts = calls_of_a_plan(&account, &moto, "keys.toml");
    assert_eq!(of(&counts, "ssm:GetParameters"), 1, "{counts:#?}");

    // A record of values that the spec has not any more hides nothing.
    account.bench.edit("keys.toml", "\"value 5\"", "\"also another\"");
    assert_eq!(account.changes("keys.toml"), ["update ssm_parameter.plain/5: value"]);
}

/// Where the calls of the record are not allowed, or those that ask by name, the values are read all the same.
#[test]
fn rights_that_are_missing_cost_calls_only() {
    let moto = Moto::start();
    let account = applied(&moto, 60);
    moto.boto(BY_HAND);
    for (denied, reads) in
        [("GetParametersByPath", "ssm:GetParameters"), ("GetParameters$", "ssm:GetParametersByPath")]
    {
        moto.fail(denied, 400, "AccessDeniedException");
        moto.reset_counts();
        assert_eq!(account.changes("keys.toml"), CHANGES, "without {denied}");
        assert!(of(&moto.counts(), reads) >= 7, "{:#?}", moto.counts());
        moto.heal();
    }
    moto.fail("GetParameters", 400, "AccessDeniedException");
    assert_eq!(account.run("plan keys.toml").code, 1, "values that nobody may read are not guessed");
}

#[test]
fn the_record_goes_with_what_it_is_for() {
    let moto = Moto::start();
    let account = applied(&moto, 60);
    account.bench.write("keys.toml", spec(20));
    account.done("apply --yes --allow-deletes 40 keys.toml");
    assert_eq!(record(&moto), json!([]), "too few to be worth one");

    account.bench.write("keys.toml", spec(60));
    account.done("apply --yes keys.toml");
    assert_eq!(record(&moto).as_array().map(Vec::len), Some(60));
    account.done("destroy --yes --allow-destroy * keys.toml");
    let left = moto.boto(
        r#"
left = pages("ssm", "get_parameters_by_path", "Parameters", Path="/", Recursive=True)
answer = sorted(one["Name"] for one in left)"#,
    );
    assert_eq!(left, json!(["/baseplate/legocity/keys/applied/kinds", "/baseplate/legocity/keys/lock"]));
}

/// An apply that may not write the record has applied all the same, and says what that costs.
#[test]
fn a_record_that_cannot_be_written_is_no_failure() {
    let moto = Moto::start();
    let account = Account::new(&moto);
    account.bench.write("keys.toml", spec(60));
    moto.fail("ssm:GetParameters$", 400, "AccessDeniedException");
    let outcome = account.done("apply --yes keys.toml");
    assert!(outcome.stderr.contains("The record of parameter versions could not be saved"), "{outcome}");
    moto.heal();
    assert_eq!(record(&moto), json!([]));
    account.assert_no_changes("keys.toml");
    // The next apply reads them, and has them.
    account.done("apply --yes keys.toml");
    assert_eq!(record(&moto).as_array().map(Vec::len), Some(60));
}
