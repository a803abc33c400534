//! The JSON Schemas, of specs and of plans: they are the program's own, and whatever it ships or prints fits them.

use std::fs;

use serde_json::{Value, json};

use crate::cli::{Bench, repository};
use crate::moto::Moto;
use crate::renderings::{Case, PLANS};

fn schema() -> Value {
    Bench::new().done("schema").json()
}

fn plan_schema() -> Value {
    Bench::new().done("schema plan").json()
}

/// What is wrong with `spec`, according to an independent validator.
fn verdict(moto: &Moto, schema: &Value, spec: &Value) -> Value {
    moto.boto(&format!(
        r"
import json, jsonschema
schema, spec = json.loads({schema:?}), json.loads({spec:?})
judge = jsonschema.validators.validator_for(schema)
judge.check_schema(schema)
answer = [f'{{error.json_path}}: {{error.message}}' for error in judge(schema).iter_errors(spec)]
",
        schema = schema.to_string(),
        spec = spec.to_string(),
    ))
}

#[test]
fn every_shipped_spec_fits_the_schema() {
    let (bench, schema, moto) = (Bench::new(), schema(), Moto::start());
    for name in ["dev.toml", "prod.toml"] {
        let spec = bench.done(&format!("show --json {name}")).json();
        assert_eq!(verdict(&moto, &schema, &spec), json!([]), "{name}");
    }
    // As editors see it, each file stands for itself, whatever it extends.
    for name in ["legocity.toml", "dev.toml", "prod.toml"] {
        let text = fs::read_to_string(repository(&format!("environments/{name}"))).expect("a spec");
        let spec: Value = toml::from_str(&text).expect("TOML");
        assert_eq!(verdict(&moto, &schema, &spec), json!([]), "{name} by itself");
    }
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let (bench, schema, moto) = (Bench::new(), schema(), Moto::start());
    let mut spec = bench.done("show --json dev.toml").json();
    spec["services"]["proxy"]["cpus"] = json!(256);
    spec["account"] = json!("12");
    let verdict = verdict(&moto, &schema, &spec).to_string();
    assert!(verdict.contains("cpus") && verdict.contains("$.account"), "{verdict}");
}

#[test]
fn every_plan_fits_the_schema() {
    let (schema, moto) = (plan_schema(), Moto::start());
    for name in PLANS {
        let plan = Case::new(name).done("--json").json();
        assert_eq!(verdict(&moto, &schema, &plan), json!([]), "{name}");
    }
    let mut plan = Case::new("image").done("--json").json();
    plan["changes"][0]["action"] = json!("abandon");
    plan["hurry"] = json!(true);
    let verdict = verdict(&moto, &schema, &plan).to_string();
    assert!(verdict.contains("abandon") && verdict.contains("hurry"), "{verdict}");
}

#[test]
fn the_schemas_in_the_repository_are_the_programs() {
    for (name, own) in [("environment", schema()), ("plan", plan_schema())] {
        let path = repository(&format!("schemas/{name}.schema.json"));
        let help = format!("run `baseplate schema {name} > schemas/{name}.schema.json`");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{error}: {help}"));
        let kept: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {help}"));
        assert_eq!(kept, own, "{help}");
    }
    assert_eq!(Bench::new().done("schema environment").json(), schema(), "what is short for what");
}

#[test]
fn every_environment_names_the_schema_in_its_first_line() {
    for entry in fs::read_dir(repository("environments")).expect("environments/") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a spec");
        let first = text.lines().next();
        assert_eq!(first, Some("#:schema ../schemas/environment.schema.json"), "{}", path.display());
    }
}
