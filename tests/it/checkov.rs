//! Checkov reads our plans as it reads Terraform's, and finds in them what it should.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::file_cloud::FileCloud;
use crate::python::CHECKOV;

/// Databases are encrypted; nobody in the world may log in with SSH, with RDP, or use whatever port it likes.
const CHECKS: [&str; 4] = ["CKV_AWS_16", "CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_382"];

/// The verdicts of [`CHECKS`] on the plan of a spec, as "check resource".
struct Verdict {
    passed: BTreeSet<String>,
    failed: BTreeSet<String>,
}

fn judge(cloud: &FileCloud, spec: &str) -> Verdict {
    let plan = cloud.done(&format!("plan {spec} --format tfplan-json"));
    cloud.bench.write("tfplan.json", &plan.stdout);
    let output = Command::new(CHECKOV.interpreter())
        .args(["-m", "checkov.main", "--framework", "terraform_plan", "--file", "tfplan.json"])
        .args(["--output", "json", "--skip-download", "--soft-fail", "--check", &CHECKS.join(",")])
        .current_dir(cloud.bench.path(""))
        .env_clear()
        .env("HOME", cloud.bench.path(""))
        .env("PATH", "/usr/bin:/bin")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Checkov starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&said)
        .unwrap_or_else(|error| panic!("{error} in\n{said}\n{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(report["summary"]["parsing_errors"], 0, "{said}");
    let verdicts = |list: &str| {
        let list = report["results"][list].as_array().unwrap_or_else(|| panic!("{list} in {said}"));
        let verdict = |one: &Value| {
            format!(
                "{} {}",
                one["check_id"].as_str().expect("a check"),
                one["resource"].as_str().expect("a resource")
            )
        };
        list.iter().map(verdict).collect()
    };
    Verdict { passed: verdicts("passed_checks"), failed: verdicts("failed_checks") }
}

#[test]
fn prod_passes() {
    let Verdict { passed, failed } = judge(&FileCloud::new(), "prod.toml");
    assert_eq!(failed, BTreeSet::new());
    assert!(passed.contains("CKV_AWS_16 aws_db_instance.payload"), "{passed:?}");
    // Every rule is looked at, not only the groups that have none of their own.
    let rule = "CKV_AWS_24 aws_security_group_rule.alb-ingress-tcp-443-443-from-0_0_0_0_0";
    assert!(passed.contains(rule), "{passed:?}");
}

/// Planted faults are found when they are planned, and still when they are live and nothing changes.
#[test]
fn planted_faults_are_found() {
    let cloud = FileCloud::new();
    cloud.bench.edit("legocity.toml", "[databases.payload]\n", "[databases.payload]\nencrypted = false\n");
    let https = r#"  { ports = "443", from = "203.0.113.0/24", description = "HTTPS" },"#;
    let open = r#"  { ports = "22", from = "0.0.0.0/0", description = "from home" },"#;
    cloud.bench.edit("dev.toml", https, &format!("{https}\n{open}"));
    let all = r#"{ ports = "5432", from = "payload", description = "PostgreSQL" }"#;
    let every = r#"{ protocol = "all", from = "0.0.0.0/0", description = "whatever" }"#;
    cloud.bench.edit("legocity.toml", all, every);
    let faults: BTreeSet<String> = [
        "CKV_AWS_16 aws_db_instance.payload",
        "CKV_AWS_24 aws_security_group_rule.alb-ingress-tcp-22-22-from-0_0_0_0_0",
        "CKV_AWS_24 aws_security_group_rule.rds-ingress--1-0-0-from-0_0_0_0_0",
        "CKV_AWS_25 aws_security_group_rule.rds-ingress--1-0-0-from-0_0_0_0_0",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(judge(&cloud, "dev.toml").failed, faults, "planned");
    cloud.done("apply --yes dev.toml");
    cloud.assert_no_changes("dev.toml");
    assert_eq!(judge(&cloud, "dev.toml").failed, faults, "live");
}
