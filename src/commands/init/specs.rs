//! The specs of a new project as text.

use std::fmt::Write;

use super::answers::{Accounts, Answers, BALANCER, Component, What};
use crate::spec;

pub const BASE: &str = "base.toml";

/// What must not be in a repository: cloud files and saved plans.
pub const IGNORED: &str = "\
# What `--cloud file:dev-cloud.json` simulates AWS in.
*-cloud.json
.*-cloud.json.lock
# Plans that `plan --out dev.plan` saves.
*.plan
";

/// A string of TOML.
fn string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The spec that `dev.toml` and `prod.toml` extend.
pub fn base(answers: &Answers) -> String {
    let parts = [head(answers), groups(answers), databases(answers), registries(answers), parameters(answers)];
    let rest = [topics(answers), services(answers), balancer(answers)];
    let parts: Vec<String> = parts.into_iter().chain(rest).filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

/// The spec of one environment.
pub fn environment(answers: &Answers, name: &str) -> String {
    let is_dev = name == "dev";
    let mut text = match is_dev {
        true => "# Development: small and cheap.\n",
        false => {
            "# Production: two zones, two weeks of backups, and protection against deleting what holds data.\n"
        }
    }
    .to_owned();
    let _ = writeln!(text, "extends = \"{BASE}\"\nenvironment = \"{name}\"");
    if let Some(account) = answers.accounts.own(name) {
        let _ = writeln!(text, "account = {} # Baseplate writes to no other account", string(account));
    }
    if is_dev {
        text += "# Nothing here is worth keeping: data is deleted without `--allow-destroy`.\nprotect = false\n";
    }
    text += &network(answers, is_dev);
    if !is_dev {
        text += &production(answers);
    }
    if let Some(domain) = &answers.domain {
        let own = format!("dev.{domain}");
        let domain_here = if is_dev { &own } else { domain };
        // A hosted zone is of one account.
        let has_own_zone = is_dev && answers.accounts.own(name).is_some();
        let zone = if has_own_zone { &own } else { domain };
        text += "\n# The public hosted zone in Route 53 must exist, in this account; Baseplate writes the records in it.\n";
        if has_own_zone {
            text += "# The zone above it, in the account of prod, must have NS records for it.\n";
        }
        let _ = writeln!(text, "[dns]\ndomain = {}\nzone = {}", string(domain_here), string(zone));
    }
    text
}

fn head(answers: &Answers) -> String {
    let mut text =
        "# What dev and prod have in common: dev.toml and prod.toml extend this file, and override what differs.\n"
            .to_owned();
    let _ = writeln!(text, "project = {}\nenvironments = [\"dev\", \"prod\"]", string(&answers.project));
    if let Accounts::One(account) = &answers.accounts {
        let _ = writeln!(text, "account = {} # Baseplate writes to no other account", string(account));
    }
    let _ = writeln!(text, "region = {}", string(&answers.region));
    text
}

fn group(key: &str, description: &str, ingress: &[String], egress: &[String]) -> String {
    let mut text = format!("\n[security-groups.{key}]\ndescription = \"{description}\"\n");
    for (name, rules) in [("ingress", ingress), ("egress", egress)] {
        match rules {
            [] => {}
            [rule] => {
                let _ = writeln!(text, "{name} = [{rule}]");
            }
            rules => {
                let _ = writeln!(text, "{name} = [\n  {},\n]", rules.join(",\n  "));
            }
        }
    }
    text
}

/// Each service and database has a group of its own, which lets in and out what that part needs.
fn groups(answers: &Answers) -> String {
    let mut text = String::new();
    if answers.has_web() {
        let world = |port: &str, what: &str| {
            format!("{{ ports = \"{port}\", from = \"0.0.0.0/0\", description = \"{what}\" }}")
        };
        let ingress = match answers.domain {
            Some(_) => vec![world("80", "HTTP, redirected"), world("443", "HTTPS")],
            None => vec![world("80", "HTTP")],
        };
        let to = |web: &Component| format!("{{ ports = \"8080\", to = \"{web}\" }}");
        let egress: Vec<String> = answers.of(What::Web).map(to).collect();
        text += &group(BALANCER, "Load balancer", &ingress, &egress);
    }
    for service in answers.services() {
        let ingress = match service.what {
            What::Web => vec![format!("{{ ports = \"8080\", from = \"{BALANCER}\" }}")],
            _ => Vec::new(),
        };
        let out = "{ ports = \"443\", to = \"0.0.0.0/0\", description = \"AWS, and others by HTTPS\" }".to_owned();
        let to = |database: &Component| format!("{{ ports = \"{}\", to = \"{database}\" }}", port(database));
        let egress: Vec<String> = std::iter::once(out).chain(answers.databases().map(to)).collect();
        text += &group(&service.name, &format!("Service {service}"), &ingress, &egress);
    }
    for database in answers.databases() {
        let from = |service: &Component| format!("{{ ports = \"{}\", from = \"{service}\" }}", port(database));
        let ingress: Vec<String> = answers.services().map(from).collect();
        text += &group(&database.name, &format!("Database {database}"), &ingress, &[]);
    }
    match text.is_empty() {
        true => text,
        false => {
            format!("# Who may reach whom: exactly these rules, any other is removed. DNS needs none.\n{text}")
        }
    }
}

fn port(database: &Component) -> u16 {
    if database.what == What::Mysql { 3306 } else { 5432 }
}

fn databases(answers: &Answers) -> String {
    let one = |database: &Component| {
        let (engine, version) = match database.what {
            What::Mysql => ("mysql", "8.4"),
            _ => ("postgres", "17"),
        };
        format!(
            "[databases.{database}]\nengine = \"{engine}\"\nversion = \"{version}\" # any {version}.x\n\
             class = \"db.t4g.micro\"\nstorage = 20 # GiB\ndatabase = \"app\"\nusername = \"app\"\n\
             security-groups = [\"{database}\"]\n"
        )
    };
    let all: Vec<String> = answers.databases().map(one).collect();
    match all.is_empty() {
        true => String::new(),
        false => format!("# A password is generated, and kept in an SSM parameter.\n{}", all.join("\n")),
    }
}

fn registries(answers: &Answers) -> String {
    let all: String = answers.services().map(|service| format!("{service} = {{}}\n")).collect();
    match all.is_empty() {
        true => all,
        false => format!(
            "# ECR repositories, which dev and prod share where they share an account.\n[registries]\n{all}"
        ),
    }
}

/// The URLs of databases, if somebody reads them.
fn parameters(answers: &Answers) -> String {
    if answers.services().next().is_none() || answers.databases().next().is_none() {
        return String::new();
    }
    let mut text = "\
# SSM parameters under /<project>/<environment>/. No secret belongs in this file: `{ generate = { length = 40 } }` makes
# one, and `{ env = \"MAIL_KEY\" }` takes it from a variable when you apply. RDS asks for TLS: drivers differ in how a URL
# says so.
[parameters]
"
    .to_owned();
    for database in answers.databases() {
        let (scheme, tls) = match database.what {
            What::Mysql => ("mysql", "ssl-mode=REQUIRED"),
            _ => ("postgres", "sslmode=require"),
        };
        let of = |part: &str| format!("{{databases.{database}.{part}}}");
        let (user, password, host) = (of("username"), of("password"), of("endpoint"));
        let (port, name) = (of("port"), of("database"));
        let _ = writeln!(text, "{database}-url = \"{scheme}://{user}:{password}@{host}:{port}/{name}?{tls}\"");
    }
    text
}

fn topics(answers: &Answers) -> String {
    let all: Vec<String> = answers.of(What::Topic).map(|topic| format!("[topics.{topic}]\n")).collect();
    all.join("\n")
}

/// The variable for a component among those of its sort: `DATABASE_URL`, or `ORDERS_DATABASE_URL` where there are several.
fn variable_of(component: &Component, among: usize, suffix: &str) -> String {
    match among {
        0 | 1 => suffix.to_owned(),
        _ => format!("{}_{suffix}", component.name.to_uppercase().replace('-', "_")),
    }
}

fn services(answers: &Answers) -> String {
    let (databases, topics) = (answers.databases().count(), answers.of(What::Topic).count());
    let secret =
        |database: &Component| format!("{} = \"{database}-url\"", variable_of(database, databases, "DATABASE_URL"));
    let arn =
        |topic: &Component| format!("{} = \"{{topics.{topic}.arn}}\"", variable_of(topic, topics, "TOPIC_ARN"));
    let secrets: Vec<String> = answers.databases().map(secret).collect();
    let arns: Vec<String> = answers.of(What::Topic).map(arn).collect();
    let partition = spec::partition(&answers.region);
    let publish = |topic: &Component| {
        format!("\"arn:{partition}:sns:{{region}}:{{account}}:{{project}}-{{environment}}-{topic}\"")
    };
    let published: Vec<String> = answers.of(What::Topic).map(publish).collect();
    let mut webs = 0;
    let mut all = Vec::new();
    for service in answers.services() {
        let mut text = format!(
            "[services.{service}]\nimage = \"{{registries.{service}.url}}:{{environment}}-latest\"\n\
             cpu = 256 # 1024 are one vCPU\nmemory = 512 # MiB\n"
        );
        if service.what == What::Web {
            text += "port = 8080 # where the container listens\n";
        }
        let _ = writeln!(text, "security-groups = [\"{service}\"]");
        if !arns.is_empty() {
            let _ = writeln!(text, "environment = {{ {} }}", arns.join(", "));
            let resources = published.join(", ");
            let _ = writeln!(text, "permissions = [{{ actions = [\"sns:Publish\"], resources = [{resources}] }}]");
        }
        if !secrets.is_empty() {
            let _ = writeln!(text, "secrets = {{ {} }}", secrets.join(", "));
        }
        if service.what == What::Web {
            text += "health-check = { path = \"/\" } # must answer with 200\n";
            text += &match webs {
                0 => "route = { default = true } # all that no other route takes\n".to_owned(),
                more => {
                    let priority = more * 10;
                    format!("route = {{ paths = [\"/{service}\", \"/{service}/*\"], priority = {priority} }}\n")
                }
            };
            webs += 1;
        }
        all.push(text);
    }
    match all.is_empty() {
        true => String::new(),
        false => format!(
            "# Services on Fargate, in private subnets. `{{environment}}-latest` is the tag of the image that they run; `apply\n\
             # --image NAME=IMAGE` gives that of one build instead.\n\n{}",
            all.join("\n")
        ),
    }
}

fn balancer(answers: &Answers) -> String {
    if !answers.has_web() {
        return String::new();
    }
    match answers.domain {
        Some(_) => format!(
            "# HTTPS, with a certificate from ACM that renews itself. [dns] in dev.toml and prod.toml has the domains.\n\
             [load-balancer]\nsecurity-groups = [\"{BALANCER}\"]\ncertificate = {{ request = true }}\n"
        ),
        None => format!(
            "# Plain HTTP, at the name that AWS gives the load balancer: anybody between can read and change it. For HTTPS you\n\
             # need a domain: add `certificate = {{ request = true }}` here, 443 to the ingress of `{BALANCER}`, and [dns].\n\
             [load-balancer]\nsecurity-groups = [\"{BALANCER}\"]\n"
        ),
    }
}

/// Two zones of a region; where the usual ones are not for every account, two that are there.
fn zones(region: &str) -> [String; 2] {
    let letters = match region {
        "ap-northeast-1" | "us-west-1" => ["a", "c"],
        _ => ["a", "b"],
    };
    letters.map(|letter| format!("{region}{letter}"))
}

fn network(answers: &Answers, is_dev: bool) -> String {
    let (cidr, nat) = match (is_dev, answers.services().next().is_some()) {
        (true, true) => {
            ("10.20", "\"single\" # one NAT gateway: private subnets go without internet if its zone fails")
        }
        (true, false) => ("10.20", "\"none\" # nothing in the private subnets calls the internet"),
        (false, true) => ("10.30", "\"per-zone\" # a NAT gateway in each zone"),
        (false, false) => ("10.30", "\"none\" # nothing in the private subnets calls the internet"),
    };
    let [a, b] = zones(&answers.region).map(|zone| string(&zone));
    format!(
        "\n[network]\ncidr = \"{cidr}.0.0/16\"\nnat = {nat}\n\n\
         # Zones must be some that your account has: `aws ec2 describe-availability-zones` lists them.\n\
         [network.subnets]\n\
         public-a = {{ tier = \"public\", zone = {a}, cidr = \"{cidr}.0.0/20\" }}\n\
         public-b = {{ tier = \"public\", zone = {b}, cidr = \"{cidr}.16.0/20\" }}\n\
         private-a = {{ tier = \"private\", zone = {a}, cidr = \"{cidr}.128.0/20\" }}\n\
         private-b = {{ tier = \"private\", zone = {b}, cidr = \"{cidr}.144.0/20\" }}\n"
    )
}

fn production(answers: &Answers) -> String {
    let mut text = String::new();
    for database in answers.databases() {
        let _ = write!(
            text,
            "\n[databases.{database}]\nclass = \"db.t4g.small\"\nmulti-az = true # a standby in another zone\n\
             max-storage = 100 # GiB to which AWS may grow it\nbackup-retention = 14 # days\ndeletion-protection = true\n"
        );
    }
    for web in answers.of(What::Web) {
        let _ = write!(text, "\n[services.{web}]\ncount = 2\n");
    }
    if answers.has_web() {
        text += "\n[load-balancer]\ndeletion-protection = true\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::answers::components;
    use super::*;

    fn answers(parts: &str, domain: Option<&str>) -> Answers {
        let parts: Vec<String> = parts.split(',').map(str::to_owned).collect();
        Answers {
            project: "shop".to_owned(),
            accounts: Accounts::Each { dev: "111111111111".to_owned(), prod: "222222222222".to_owned() },
            region: "ap-northeast-1".to_owned(),
            components: components(&parts).expect("components"),
            domain: domain.map(str::to_owned),
        }
    }

    #[test]
    fn a_string_stays_one() {
        for text in ["a\"b", "a\nb = 1", "\u{1b}[2J", "'''", "\\", "\u{7f}"] {
            let line = format!("a = {}", string(text));
            let table: toml::Table = toml::from_str(&line).expect("TOML");
            assert_eq!(table["a"].as_str(), Some(text), "{line:?}");
        }
    }

    #[test]
    fn zones_follow_the_region() {
        assert_eq!(zones("eu-central-1"), ["eu-central-1a", "eu-central-1b"]);
        assert_eq!(zones("ap-northeast-1"), ["ap-northeast-1a", "ap-northeast-1c"]);
    }

    #[test]
    fn several_of_a_sort_have_variables_of_their_own() {
        let text = base(&answers("web,postgres:orders,mysql:old-shop,topic", None));
        assert!(text.contains("ORDERS_DATABASE_URL = \"orders-url\", OLD_SHOP_DATABASE_URL"), "{text}");
        assert!(text.contains("{ TOPIC_ARN = \"{topics.topic.arn}\" }"), "{text}");
    }

    #[test]
    fn with_two_accounts_dev_has_a_zone_of_its_own() {
        let answers = answers("web", Some("shop.example"));
        assert!(
            environment(&answers, "dev").ends_with("domain = \"dev.shop.example\"\nzone = \"dev.shop.example\"\n")
        );
        assert!(environment(&answers, "prod").ends_with("domain = \"shop.example\"\nzone = \"shop.example\"\n"));
        assert!(!base(&answers).contains("account ="));
        assert!(environment(&answers, "prod").contains("account = \"222222222222\""));
    }

    #[test]
    fn what_nobody_asked_for_is_not_there() {
        let text = base(&answers("topic", None));
        for section in
            ["[services", "[load-balancer", "[registries", "[parameters", "[databases", "[security-groups"]
        {
            assert!(!text.contains(section), "{section} in\n{text}");
        }
        assert!(environment(&answers("postgres", None), "prod").contains("nat = \"none\""));
    }
}
