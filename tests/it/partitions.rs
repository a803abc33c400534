//! The copy of the SDKs' data about partitions is what botocore ships.

use serde_json::Value;

use crate::cli::repository;
use crate::moto::Moto;

#[test]
fn the_partitions_are_those_of_the_sdks() {
    let moto = Moto::start();
    let theirs = moto.boto(
        r#"
import botocore.session
data = botocore.session.get_session().get_component("data_loader").load_data("partitions")
answer = [
    {
        "id": partition["id"],
        "regionRegex": partition["regionRegex"],
        "dnsSuffix": partition["outputs"]["dnsSuffix"],
        "dualStackDnsSuffix": partition["outputs"]["dualStackDnsSuffix"],
        "implicitGlobalRegion": partition["outputs"]["implicitGlobalRegion"],
    }
    for partition in data["partitions"]
]"#,
    );
    let text = std::fs::read_to_string(repository("src/spec/partitions.json")).expect("the data");
    let ours: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(ours, theirs);
}
