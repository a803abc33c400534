use serde_json::{Value, json};

use super::*;
use crate::graph::Graph;

const SPEC: &str = concat!(
    include_str!("../../../fixtures/small.toml"),
    r#"
[databases.main]
engine = "postgres"
version = "16.4"
class = "db.t4g.micro"
storage = 20
database = "town"
username = "town"
subnets = ["public-a", "public-b"]
security-groups = ["app"]
"#
);

/// References to subnets by id.
fn subnets(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({ "$id": id, "kind": "subnet", "output": "id" })).collect()
}

/// Makes an update of a database in subnets `a` and `b`, and answers what the cloud says.
async fn updated(at: &str, change: impl FnOnce(&mut Value)) -> Result<WriteResult, CloudError> {
    let env = crate::spec::parse("spec.toml", SPEC, &crate::kinds::catalog()).expect("a spec").env;
    let graph = Graph::of(&env).expect("no cycle");
    let cloud = FileCloud::in_memory(&env, None, "memory");
    let secret_store = cloud.secret_store();
    let context = Context { env: &env, graph: &graph, secret_store: &secret_store };
    let mut ids = std::collections::BTreeMap::new();
    for name in ["db_subnet_group.main", "db_instance.main"] {
        let object = graph.objects.iter().find(|object| object.address.to_string() == name).expect("it is wanted");
        let mut attrs = (*object.attrs).clone();
        match ids.get("db_subnet_group.main") {
            Some(group) => {
                attrs["subnet_group"] = json!({ "$id": group, "kind": "db_subnet_group", "output": "id" });
            }
            None => attrs["subnets"] = subnets(&["a", "b"]),
        }
        let new = Create {
            address: &object.address,
            attrs: &attrs,
            secret_store: &secret_store,
            token: "",
            alternate: false,
        };
        let made = cloud.create(context, object.kind, new).await.expect("it is made");
        ids.insert(name.to_owned(), made.id);
    }
    let address: Address = at.parse().expect("an address");
    let (kind, id) = (find(address.kind()).expect("a kind"), ids[at].clone());
    let before = cloud.store.borrow().objects.get(kind.name(), &id).expect("it is there").attrs.clone();
    let mut attrs = before.clone();
    change(&mut attrs);
    let update = Update {
        address: &address,
        id: &id,
        outputs: &Outputs::new(),
        before: &before,
        attrs: &attrs,
        changed: &[],
        secret_store: &secret_store,
        token: "",
    };
    let made = cloud.update(context, kind, update).await;
    let is_made = cloud.store.borrow().objects.get(kind.name(), &id).is_some_and(|record| record.attrs == attrs);
    assert_eq!(is_made, made.is_ok());
    made
}

fn refusal(made: Result<WriteResult, CloudError>) -> String {
    let error = made.expect_err("it is refused");
    assert_eq!(error.code, "InvalidParameterCombination");
    error.message
}

#[tokio::test]
async fn a_subnet_under_a_database_does_not_leave_its_group() {
    let group = async |ids: &[&str]| updated("db_subnet_group.main", |group| group["subnets"] = subnets(ids)).await;
    assert!(refusal(group(&["b", "c"]).await).contains("database town-test-main runs in a"));
    assert!(group(&["a", "c"]).await.is_ok(), "nothing runs in b");
    assert!(group(&["a", "b", "c"]).await.is_ok());
}

#[tokio::test]
async fn a_version_does_not_go_down() {
    let database = async |version: &str| {
        updated("db_instance.main", |database| {
            database["version"] = json!(version);
            database["auto_minor_upgrades"] = json!(false);
        })
        .await
    };
    assert!(refusal(database("16.3").await).contains("AWS has no downgrade"));
    assert!(database("17").await.is_ok());
}
