//! What AWS refuses to change in a parameter: its tier back to standard, and its type. And the parameters of the record
//! of what was applied.

use crate::account::Account;
use crate::moto::Moto;

/// An account with one more parameter than the small fixture has, which nothing refers to.
struct Town<'a> {
    account: Account<'a>,
    moto: &'a Moto,
    entry: &'static str,
}

impl<'a> Town<'a> {
    fn with(moto: &'a Moto, entry: &'static str) -> Self {
        let account = Account::with_fixture(moto, "small.toml");
        account.bench.edit("spec.toml", "[parameters]\n", &format!("[parameters]\n\"web/more\" = {entry}\n"));
        account.done("apply --yes spec.toml");
        moto.reset_counts();
        Self { account, moto, entry }
    }

    /// Says something else of the parameter.
    fn edit(&mut self, entry: &'static str) {
        self.account.bench.edit("spec.toml", self.entry, entry);
        self.entry = entry;
    }

    /// Type, tier, version and tags, as boto3 sees them.
    fn parameter(&self) -> String {
        let snippet = r#"
ssm, name = client("ssm"), "/town/test/web/more"
[found] = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"]
tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
[owner] = [tag["Value"] for tag in tags if tag["Key"] == "baseplate:address"]
answer = f'{found["Type"]} {found["Tier"]} {found["Version"]} {owner}'"#;
        self.moto.boto(snippet).as_str().expect("a text").to_owned()
    }

    fn deletes(&self) -> usize {
        self.moto.counts().by_action.get("ssm:DeleteParameter").copied().unwrap_or_default()
    }
}

#[test]
fn a_plain_one_goes_back_to_the_standard_tier_by_being_made_anew() {
    let moto = Moto::start();
    let mut town = Town::with(&moto, r#"{ value = "Hello", tier = "advanced" }"#);
    town.edit(r#""Hello""#);
    town.account.assert_changes("spec.toml", "tier", &["update ssm_parameter.web/more: tier"]);
    assert_eq!(town.parameter(), "String Standard 1 ssm_parameter.web/more");
    assert_eq!(town.deletes(), 1);
}

/// There may be no other copy of its value.
#[test]
fn a_secret_stays_advanced_and_is_never_deleted_for_that() {
    let moto = Moto::start();
    let mut town = Town::with(&moto, r#"{ generate = { length = 40 }, tier = "advanced" }"#);
    town.edit(r"{ generate = { length = 40 } }");
    town.account.assert_no_changes("spec.toml");
    town.edit(r#"{ generate = { length = 40 }, description = "For signatures" }"#);
    town.account.assert_changes("spec.toml", "description", &["update ssm_parameter.web/more: description"]);
    assert_eq!(town.parameter(), "SecureString Advanced 2 ssm_parameter.web/more");
    assert_eq!(town.deletes(), 0);
}

/// moto takes the put that AWS may refuse.
#[test]
fn one_whose_type_aws_does_not_change_is_left_to_a_person() {
    let moto = Moto::start();
    let mut town = Town::with(&moto, r#""Hello""#);
    town.edit(r#"{ value = "Hello", secret = true }"#);
    moto.fault("how=error&match=ssm:PutParameter&calls=write&status=400&code=HierarchyTypeMismatchException");
    let outcome = town.account.run("apply --yes spec.toml");
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("delete it by hand and apply again"), "{outcome}");
    moto.heal();
    assert_eq!(town.deletes(), 0);
    town.account.done("apply --yes spec.toml");
    town.account.assert_no_changes("spec.toml");
    assert_eq!(town.parameter(), "SecureString Standard 2 ssm_parameter.web/more");
}

/// What an earlier, much longer record has left would be taken for a part of this one.
#[test]
fn the_record_of_what_was_applied_leaves_no_page_of_a_longer_one() {
    let moto = Moto::start();
    let mut town = Town::with(&moto, r#""Hello""#);
    moto.boto(
        r#"
for number in range(2, 36):
    client("ssm").put_parameter(Name=f"/baseplate/town/test/applied/{number}", Value="{}", Type="String")"#,
    );
    town.edit(r#""Good morning""#);
    town.account.done("apply --yes spec.toml");
    let left = moto.boto(
        r#"
record = pages("ssm", "get_parameters_by_path", "Parameters", Path="/baseplate/town/test/applied")
answer = sorted(parameter["Name"].removeprefix("/baseplate/town/test/") for parameter in record)"#,
    );
    assert_eq!(left, serde_json::json!(["applied/1", "applied/kinds"]));
}
