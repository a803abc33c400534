//! Texts with outputs of other objects inside: `http://{services.api.dns}:1026`. `{{` and `}}` stand for braces.

use std::collections::BTreeSet;

use super::names::listed;
use super::{Database, Engine, Environment};
use crate::value::{Address, Part, Text};

/// What is wrong with one placeholder of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The placeholder as written, without braces.
    pub placeholder: String,
    pub message: String,
    pub help: String,
}

impl Database {
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.engine {
            Engine::Postgres => 5432,
            Engine::Mysql => 3306,
        })
    }
}

const PASSWORD: &str = "/db-password";

/// The key of the parameter that holds a database's generated password.
pub fn password_parameter(database: &str) -> String {
    format!("{database}{PASSWORD}")
}

/// The database whose password a parameter of this key would hold.
pub(super) fn database_of_password(parameter: &str) -> Option<&str> {
    parameter.strip_suffix(PASSWORD)
}

impl Environment {
    /// A checked template as text. A placeholder that means nothing stays as written (checking reports it).
    pub fn text(&self, template: &str) -> Text {
        self.parse_template(template).unwrap_or_else(|_| template.into())
    }

    /// Parses a template.
    ///
    /// # Errors
    /// Every placeholder that names nothing in this environment, and braces that do not close.
    pub fn parse_template(&self, template: &str) -> Result<Text, Vec<TemplateError>> {
        let (mut text, mut errors) = (Text::default(), Vec::new());
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            text.push(Part::Literal(rest[..at].to_owned()));
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push(Part::Literal(brace.to_owned()));
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.split_once('}').filter(|_| brace == "{") else {
                errors.push(TemplateError {
                    placeholder: template.to_owned(),
                    message: format!("`{brace}` has no partner"),
                    help: format!("write `{brace}{brace}` for a plain brace"),
                });
                return Err(errors);
            };
            match self.placeholder(name) {
                Ok(part) => text.push(part),
                Err((message, help)) => errors.push(TemplateError { placeholder: name.to_owned(), message, help }),
            }
            rest = after;
        }
        text.push(Part::Literal(rest.to_owned()));
        if errors.is_empty() { Ok(text) } else { Err(errors) }
    }

    /// Whether a text holds the value of a secret parameter.
    pub fn holds_secret(&self, text: &Text) -> bool {
        text.parts.iter().any(|part| match part {
            Part::Output { address, output } if address.kind() == "ssm_parameter" && output == "value" => {
                self.is_secret(address.name())
            }
            _ => false,
        })
    }

    /// Whether the parameter with this key is a SecureString: as its spec says, else unless its value is a
    /// text that holds nothing secret.
    pub fn is_secret(&self, key: &str) -> bool {
        // Each is looked at once: texts may hold one another twice over, or in a ring, which checking reports.
        let mut seen = BTreeSet::new();
        let mut next = vec![key.to_owned()];
        while let Some(key) = next.pop() {
            let parameter = self.parameters.get(&key);
            match parameter.map(|parameter| (parameter.secret, &parameter.value)) {
                // A database's password.
                None => return true,
                Some((Some(true), _) | (None, None)) => return true,
                Some((None, Some(value))) if seen.insert(key) => next.extend(self.held(value)),
                Some(_) => {}
            }
        }
        false
    }

    /// The keys of the parameters whose values a text holds.
    pub fn held(&self, template: &str) -> Vec<String> {
        let parameter = |part| match part {
            Part::Output { address, output } if address.kind() == "ssm_parameter" && output == "value" => {
                Some(address.name().to_owned())
            }
            _ => None,
        };
        self.text(template).parts.into_iter().filter_map(parameter).collect()
    }

    fn placeholder(&self, name: &str) -> Result<Part, (String, String)> {
        let literal = |text: &str| Ok(Part::Literal(text.to_owned()));
        let output = |kind: &str, name: &str, output: &str| {
            Ok(Part::Output { address: Address::new(kind, name), output: output.to_owned() })
        };
        let (section, rest) = name.split_once('.').unwrap_or((name, ""));
        match (section, rest) {
            ("project", "") => return literal(&self.project),
            ("environment", "") => return literal(&self.environment),
            ("account", "") => return literal(&self.account),
            ("region", "") => return literal(&self.region),
            ("network", "vpc") => {
                return match &self.network.vpc {
                    Some(id) => literal(id),
                    None => output("vpc", "main", "id"),
                };
            }
            ("dns", "domain") => {
                return match &self.dns {
                    Some(dns) => literal(&dns.domain),
                    None => Err(("this environment has no [dns]".to_owned(), "add [dns] with a domain".to_owned())),
                };
            }
            ("load-balancer", "dns") => {
                return match &self.load_balancer {
                    Some(_) => output("load_balancer", "main", "dns_name"),
                    None => Err((
                        "this environment has no [load-balancer]".to_owned(),
                        "add [load-balancer]".to_owned(),
                    )),
                };
            }
            ("parameters", key) if self.parameters.contains_key(key) => {
                return output("ssm_parameter", key, "value");
            }
            ("parameters", key) => return Err(unknown("parameter", key, self.parameters.keys())),
            _ => {}
        }
        let (key, field) = rest.rsplit_once('.').unwrap_or((rest, ""));
        let choose = |fields: &str| {
            Err((format!("`{field}` is nothing that {section} have"), format!("{section} have {fields}")))
        };
        match section {
            "databases" => match self.databases.get(key) {
                None => Err(unknown("database", key, self.databases.keys())),
                Some(database) => match field {
                    "endpoint" => output("db_instance", key, "endpoint"),
                    "password" => output("ssm_parameter", &password_parameter(key), "value"),
                    "port" => literal(&database.port().to_string()),
                    "database" => literal(&database.database),
                    "username" => literal(&database.username),
                    _ => choose("endpoint, port, database, username, password"),
                },
            },
            "registries" => match (self.registries.get(key), field) {
                (None, _) => Err(unknown("registry", key, self.registries.keys())),
                (Some(_), "url") => output("ecr_repository", key, "url"),
                _ => choose("url"),
            },
            "services" => match (self.services.get(key), field) {
                (None, _) => Err(unknown("service", key, self.services.keys())),
                (Some(service), "dns") => match (&service.dns_name, &self.cluster.private_domain) {
                    (Some(name), Some(domain)) => literal(&format!("{name}.{domain}")),
                    _ => Err((
                        format!("service `{key}` has no private DNS name"),
                        "set its `dns-name`, and `private-domain` under [cluster]".to_owned(),
                    )),
                },
                (Some(service), "port") => match service.port {
                    Some(port) => literal(&port.to_string()),
                    None => Err((format!("service `{key}` has no port"), "set its `port`".to_owned())),
                },
                _ => choose("dns, port"),
            },
            _ => Err((
                format!("`{name}` is nothing a text can hold"),
                "texts can hold {project}, {environment}, {region}, {account}, {network.vpc}, {dns.domain}, \
                 {load-balancer.dns}, {parameters.…}, {databases.….endpoint}, {registries.….url}, {services.….dns}"
                    .to_owned(),
            )),
        }
    }
}

fn unknown<'a>(what: &str, key: &str, keys: impl Iterator<Item = &'a String>) -> (String, String) {
    let keys: Vec<&str> = keys.map(String::as_str).collect();
    let likeness = keys.iter().map(|known| (strsim::jaro(known, key), *known));
    let help = match likeness.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((likeness, near)) if likeness > 0.7 => format!("did you mean `{near}`?"),
        Some(_) => format!("there are: {}", listed(keys)),
        None => format!("the spec has no {what} at all"),
    };
    (format!("no {what} is called `{key}`"), help)
}
