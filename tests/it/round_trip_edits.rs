//! Edits of the shipped specs, over HTTP: the plan shows exactly what follows, apply does it, and then nothing is
//! left to change.

use crate::account::Account;
use crate::round_trip::{city, city_with};

/// One edit of a spec, on top of those before it.
pub struct Edit {
    pub what: &'static str,
    /// In the environment's own file, not in the one that both extend.
    pub own: bool,
    pub from: &'static str,
    pub to: &'static str,
    /// What the plan must show, and nothing else.
    pub changes: &'static [&'static str],
}

/// An edit of what both environments extend.
pub const fn edit(
    what: &'static str,
    from: &'static str,
    to: &'static str,
    changes: &'static [&'static str],
) -> Edit {
    Edit { what, own: false, from, to, changes }
}

/// An edit of the environment's own file.
pub const fn own(
    what: &'static str,
    from: &'static str,
    to: &'static str,
    changes: &'static [&'static str],
) -> Edit {
    Edit { what, own: true, from, to, changes }
}

const NEW_SERVICE: &str = r#"
[services.reports]
image = "{registries.dashboard.url}:reports"
cpu = 256
memory = 512
port = 3900
wave = 2
dns-name = "reports"
security-groups = ["proxy"]
environment = { BROKER = "http://{services.broker.dns}:{services.broker.port}" }
secrets = { SIGNING = "payload/secret" }
permissions = [{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::city-reports/*"] }]
health-check = { path = "/ready", command = ["CMD-SHELL", "curl -f localhost:3900/ready"] }
route = { paths = ["/reports*"], hosts = ["{dns.domain}"], priority = 30 }
"#;

/// The log of the service that comes and goes: production loses none unless it is named.
const ALLOWED: &str = "--allow-destroy log_group.reports";

pub const EDITS: &[Edit] = &[
    edit(
        "task size",
        "cpu = 256\nmemory = 512\nwave = 2",
        "cpu = 512\nmemory = 1024\nwave = 2",
        &["update task_definition.update-env: cpu, memory", "update ecs_service.update-env: task_definition"],
    ),
    edit(
        "count",
        "[services.broker]\n",
        "[services.broker]\ncount = 3\n",
        &["update ecs_service.broker: desired_count"],
    ),
    edit(
        "environment variable",
        "{ NODE_ENV = \"production\" }",
        "{ NODE_ENV = \"production\", LOG_LEVEL = \"warn\" }",
        &["update task_definition.proxy: environment.LOG_LEVEL", "update ecs_service.proxy: task_definition"],
    ),
    edit(
        "new parameter",
        "[parameters]\n",
        "[parameters]\n\"broker/mode\" = \"strict\"\n",
        &["create ssm_parameter.broker/mode"],
    ),
    edit("plain parameter", "= \"strict\"", "= \"lax\"", &["update ssm_parameter.broker/mode: value"]),
    edit("parameter away", "\"broker/mode\" = \"lax\"\n", "", &["delete ssm_parameter.broker/mode"]),
    edit(
        "route path",
        "paths = [\"/api*\"]",
        "paths = [\"/api*\", \"/v2/*\"]",
        &["update listener_rule.proxy: paths[]"],
    ),
    edit(
        "health check",
        "path = \"/api/health\"",
        "path = \"/healthz\", interval = 15",
        &["update target_group.proxy: health_check.interval, health_check.path"],
    ),
    edit(
        "rule added",
        "{ ports = \"3000\", to = \"payload\"",
        "{ ports = \"8443\", to = \"10.0.0.0/8\" }, { ports = \"3000\", to = \"payload\"",
        &["update security_group_rules.alb: egress[]"],
    ),
    edit(
        "rule removed",
        "{ ports = \"8443\", to = \"10.0.0.0/8\" }, ",
        "",
        &["update security_group_rules.alb: egress[]"],
    ),
    edit(
        "rule's description",
        "description = \"outside sources\"",
        "description = \"weather\"",
        &["update security_group_rules.update-env: egress[]"],
    ),
    edit(
        "log retention",
        "[services.dashboard]\n",
        "[services.dashboard]\nlog-retention = 7\n",
        &["update log_group.dashboard: retention_days"],
    ),
    edit(
        "maintenance window",
        "sun:03:30-sun:04:30",
        "mon:03:30-mon:04:30",
        &["update db_instance.payload: maintenance_window"],
    ),
    own(
        "backup retention",
        "backup-retention = 1",
        "backup-retention = 2",
        &["update db_instance.payload: backup_retention"],
    ),
    edit(
        "registry lifecycle",
        "broker = {}",
        "broker = { keep-images = 5 }",
        &["update ecr_repository.broker: lifecycle.rules[]"],
    ),
    edit(
        "idle timeout",
        "[load-balancer]\n",
        "[load-balancer]\nidle-timeout = 120\n",
        &["update load_balancer.main: idle_timeout"],
    ),
    edit(
        "permissions",
        "[services.payload]\n",
        "[services.payload]\npermissions = [{ actions = [\"s3:PutObject\"], resources = [\"*\"] }]\n",
        &["update iam_role.payload-task: inline_policies.permissions"],
    ),
    edit(
        "new security group",
        "[security-groups.rds]",
        "[security-groups.metrics]\ningress = [{ ports = \"9090\", from = \"proxy\" }]\n\n[security-groups.rds]",
        &["create security_group.metrics", "create security_group_rules.metrics"],
    ),
    edit(
        "group of a service",
        "dns-name = \"broker\"\nsecurity-groups = [\"broker\"]",
        "dns-name = \"broker\"\nsecurity-groups = [\"broker\", \"metrics\"]",
        &["update ecs_service.broker: security_groups[]"],
    ),
    edit(
        "new service",
        "\n# Stage 6: load balancer.\n",
        NEW_SERVICE,
        &[
            "create iam_role.reports-execution",
            "create iam_role.reports-task",
            "create log_group.reports",
            "create discovery_service.reports",
            "create task_definition.reports",
            "create ecs_service.reports",
            "create target_group.reports",
            "create listener_rule.reports",
        ],
    ),
    edit(
        "service away",
        NEW_SERVICE,
        "\n# Stage 6: load balancer.\n",
        &[
            "delete discovery_service.reports",
            "delete ecs_service.reports",
            "delete iam_role.reports-execution",
            "delete iam_role.reports-task",
            "delete log_group.reports",
            "delete task_definition.reports",
            "delete listener_rule.reports",
            "delete target_group.reports",
        ],
    ),
];

#[test]
fn edits_of_dev() {
    edits_of("dev");
}

#[test]
fn edits_of_prod() {
    edits_of("prod");
}

fn edits_of(environment: &str) {
    let moto = city();
    let account = Account::new(&moto);
    let spec = format!("{environment}.toml");
    account.done(&format!("apply --yes {spec}"));
    assert_edits(&account, &spec, EDITS);
}

/// Makes one edit after another, each on top of those before.
pub fn assert_edits(account: &Account<'_>, spec: &str, edits: &[Edit]) {
    for Edit { what, own, from, to, changes } in edits {
        account.bench.edit(if *own { spec } else { "legocity.toml" }, from, to);
        account.assert_changes(&format!("{spec} {ALLOWED}"), what, changes);
    }
}

#[test]
fn priorities_swap() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    // A later rule of a service is called by its place.
    account.bench.edit("legocity.toml", "priority = 20", "priority = 30");
    account.bench.edit("legocity.toml", "priority = 10", "priority = 20");
    account.bench.edit("legocity.toml", "priority = 30", "priority = 10");
    let swap = [
        "create listener_rule.payload.20",
        "delete listener_rule.payload.10",
        "update listener_rule.proxy: priority",
    ];
    account.assert_changes("dev.toml", "swap of a second rule", &swap);
    account.bench.edit("legocity.toml", "priority = 10", "priority = 30");
    account.bench.edit("legocity.toml", "priority = 5,", "priority = 10,");
    account.bench.edit("legocity.toml", "priority = 30", "priority = 5");
    let swap = ["update listener_rule.payload: priority", "update listener_rule.proxy: priority"];
    account.assert_changes("dev.toml", "swap", &swap);
}

#[test]
fn an_image_is_an_input_of_its_own() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    let released = "dev.toml --image dashboard={registries.dashboard.url}:1.27";
    let roll_out = ["update task_definition.dashboard: image", "update ecs_service.dashboard: task_definition"];
    account.assert_changes(released, "release", &roll_out);
    account.assert_changes("dev.toml", "without --image the spec's image comes back", &roll_out);
}

#[test]
fn a_tag_goes_to_everything_of_the_environment() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    account.bench.edit("legocity.toml", "team = \"city\"", "team = \"city\"\ncost-centre = \"42\"");
    let plan = account.changes("dev.toml");
    let others: Vec<_> = plan
        .iter()
        .filter(|change| !change.starts_with("update ") || !change.ends_with(": tags.cost-centre"))
        .collect();
    assert!(others.is_empty(), "a tag interrupts nothing: {others:#?}");
    let untouched = account.done("plan --json dev.toml").json()["unchanged"].as_u64();
    let shared_or_without_tags = 5 + 7 + 1 + 1 + 4;
    assert_eq!(
        untouched,
        Some(shared_or_without_tags),
        "registries, rules of groups, the default group, the certificate's validation, DNS records\n{plan:#?}"
    );
    account.done("apply --yes dev.toml");
    account.assert_no_changes("dev.toml");
}

#[test]
fn a_new_subnet_joins_what_uses_all() {
    let moto = city_with("dev");
    let account = Account::new(&moto);
    account.bench.edit(
        "dev.toml",
        "[databases.payload]",
        "private-c = { tier = \"private\", zone = \"eu-central-1c\", cidr = \"10.20.160.0/20\" }\n\n[databases.payload]",
    );
    account.assert_changes(
        "dev.toml",
        "subnet",
        &[
            "create subnet.private-c",
            "update route_table.private: subnets[]",
            "update db_subnet_group.payload: subnets[]",
            "update ecs_service.dashboard: subnets[]",
            "update ecs_service.update-env: subnets[]",
            "update ecs_service.proxy: subnets[]",
            "update ecs_service.broker: subnets[]",
            "update ecs_service.payload: subnets[]",
        ],
    );
}
