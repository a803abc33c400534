//! What ECS and Fargate take of a task definition.
//!
//! Family and container are named after the service's key, which the address tag keeps far below 255 characters;
//! ports, and the numbers of the health check, are within bounds by the spec's schema.

use serde_json::Value;

use super::{Attrs, container_definition};
use crate::kinds::rules::{Rule, edit};
use crate::value::{Part, tag};

const SIZES: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html";
const QUOTAS: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html";
const SECRETS: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore.html";

/// Characters of a repository, with its registry and tag.
const LONGEST_IMAGE: usize = 255;
/// Bytes that a revision may have, as JSON.
const LARGEST: usize = 64 * 1024;
const DIGEST: usize = 64;

pub(super) const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-TASK-01",
        takes: "Fargate has 256, 512, 1024, 2048, 4096, 8192 or 16384 CPU units (1024 are one vCPU)",
        source: SIZES,
        check: |attrs, violations| {
            if memory_of(attrs.cpu).is_none() {
                let message = format!("Fargate does not support {} CPU units", attrs.cpu);
                violations.report("cpu", attrs.cpu.to_string(), message);
            }
        },
        inside: &[
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 512\nmemory = 1024\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 16384\nmemory = 32768\narchitecture"),
        ],
        outside: &[
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 255\nmemory = 512\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 32768\nmemory = 122880\narchitecture"),
        ],
    },
    Rule {
        code: "BP-TASK-02",
        takes: "memory goes with CPU units, in MiB: 512, 1024 or 2048 with 256; 1024 to 4096 with 512, 2048 to 8192 \
                with 1024, 4096 to 16384 with 2048, 8192 to 30720 with 4096, all in steps of 1024; 16384 to 61440 \
                in steps of 4096 with 8192; 32768 to 122880 in steps of 8192 with 16384",
        source: SIZES,
        check: |attrs, violations| {
            let Attrs { cpu, memory, .. } = *attrs;
            if let Some((low, high, step)) = memory_of(cpu)
                && !fits(memory, (low, high, step))
            {
                let takes = match cpu {
                    256 => "512, 1024 or 2048 MiB".to_owned(),
                    _ => format!("{low} to {high} MiB in steps of {step}"),
                };
                let message = format!("{cpu} CPU units go with {takes}, not with {memory}");
                violations.report("memory", memory.to_string(), message);
            }
        },
        inside: &[
            edit("memory = 512\narchitecture", "memory = 2048\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 512\nmemory = 4096\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 1024\nmemory = 8192\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 2048\nmemory = 5120\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 4096\nmemory = 30720\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 8192\nmemory = 20480\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 16384\nmemory = 122880\narchitecture"),
        ],
        outside: &[
            edit("memory = 512\narchitecture", "memory = 511\narchitecture"),
            edit("memory = 512\narchitecture", "memory = 3072\narchitecture"),
            edit("memory = 512\narchitecture", "memory = 1536\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 512\nmemory = 513\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 1024\nmemory = 9216\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 2048\nmemory = 3072\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 4096\nmemory = 31744\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 16384\nmemory = 36864\narchitecture"),
            edit("cpu = 256\nmemory = 512\narchitecture", "cpu = 8192\nmemory = 17408\narchitecture"),
        ],
    },
    Rule {
        code: "BP-TASK-03",
        takes: "an image has letters, digits and - _ : . / #, no space, and 1 to 255 characters before any digest",
        source: "ecs:RegisterTaskDefinition.ContainerDefinition.image",
        check: |attrs, violations| {
            let image = &attrs.image;
            // Braces are left of a placeholder that stands for nothing, or cannot be read, which is said there.
            violations.known_characters("image", image, |c| c.is_ascii_alphanumeric() || "-_:./#@{}".contains(c));
            let known = image.plain();
            let name = known.split('@').next().unwrap_or_default();
            let is_known = image.parts.iter().all(|part| matches!(part, Part::Literal(_)));
            // What an output comes to has one character at least.
            violations.length("image", name, usize::from(is_known)..=LONGEST_IMAGE);
        },
        inside: &[
            edit("\"{registries.shop.url}:1\"", "\"ghcr.io/town/shop:v1.0_x-y#2\""),
            edit("\"{registries.shop.url}:1\"", "\"<255>@sha256:<64>\""),
        ],
        outside: &[
            edit("\"{registries.shop.url}:1\"", "\"{registries.shop.url}: 1\""),
            edit("\"{registries.shop.url}:1\"", "\"nginx:1 \""),
            edit("\"{registries.shop.url}:1\"", "\"nginx:1+x\""),
            edit("\"{registries.shop.url}:1\"", "\"<256>\""),
            edit("\"{registries.shop.url}:1\"", "\"\""),
        ],
    },
    Rule {
        code: "BP-TASK-04",
        takes: "the digest of an image is sha256: and 64 hexadecimal digits",
        source: "ecs:RegisterTaskDefinition.ContainerDefinition.image",
        check: |attrs, violations| {
            if let Some(Part::Literal(end)) = attrs.image.parts.last()
                && let Some((_, digest)) = end.split_once('@')
                && !is_digest(digest)
            {
                violations.report("image", end, format!("`{digest}` is no digest"));
            }
        },
        inside: &[edit("\"{registries.shop.url}:1\"", "\"{registries.shop.url}@sha256:<64>\"")],
        outside: &[
            edit("\"{registries.shop.url}:1\"", "\"{registries.shop.url}@sha256:<63>\""),
            edit("\"{registries.shop.url}:1\"", "\"{registries.shop.url}@sha256:<63>g\""),
            edit("\"{registries.shop.url}:1\"", "\"nginx@sha512:<64>\""),
            edit("\"{registries.shop.url}:1\"", "\"nginx:1@\""),
        ],
    },
    Rule {
        code: "BP-TASK-05",
        takes: "the command of a health check begins with CMD, which runs what follows, or CMD-SHELL, which runs it \
                in the container's shell",
        source: "ecs:RegisterTaskDefinition.HealthCheck.command",
        check: |attrs, violations| {
            let command = &attrs.health_check.command;
            if let Some(first) = command.first()
                && (!["CMD", "CMD-SHELL"].contains(&first.as_str()) || command.len() < 2)
            {
                let message = match command.len() {
                    1 => format!("nothing to run follows, or stands beside, `{first}`"),
                    _ => format!("`{first}` is neither CMD nor CMD-SHELL"),
                };
                violations.report("health_check.command", first, message);
            }
        },
        inside: &[edit("\"CMD-SHELL\", \"curl", "\"CMD\", \"curl")],
        outside: &[
            edit("\"CMD-SHELL\", \"curl", "\"curl"),
            edit("\"CMD-SHELL\", \"curl", "\"cmd\", \"curl"),
            edit("[\"CMD-SHELL\", \"curl -f localhost:8000/ready\"]", "[\"CMD-SHELL\"]"),
        ],
    },
    Rule {
        code: "BP-TASK-06",
        takes: "the name of a variable has one character or more, no `=`, at which a container would part name and \
                value, and no control characters",
        source: "ecs:RegisterTaskDefinition.KeyValuePair.name",
        check: |attrs, violations| {
            let plain = attrs.environment.keys().map(|name| ("environment", name));
            for (field, name) in plain.chain(attrs.secrets.keys().map(|name| ("secrets", name))) {
                if name.is_empty() {
                    violations.report([field, name], name, "a variable without a name");
                }
                violations.characters([field, name], name, |c| c != '=' && !c.is_control());
            }
        },
        inside: &[edit("MODE = \"strict\"", "\"mode.x-1\" = \"strict\"")],
        outside: &[
            edit("MODE = \"strict\"", "\"MODE=\" = \"strict\""),
            edit("MODE = \"strict\"", "\"\" = \"strict\""),
            edit("KEY = \"shop/key\"", "\"K=Y\" = \"shop/key\""),
        ],
    },
    Rule {
        code: "BP-TASK-07",
        takes: "each variable comes once: from a parameter or in plain text",
        source: SECRETS,
        check: |attrs, violations| {
            for name in attrs.environment.keys().filter(|name| attrs.secrets.contains_key(*name)) {
                violations.report(["environment", name], name, format!("`{name}` is also under `secrets`"));
            }
        },
        inside: &[edit("MODE = \"strict\"", "key = \"strict\"")],
        outside: &[edit("MODE = \"strict\"", "KEY = \"strict\"")],
    },
    Rule {
        code: "BP-TASK-08",
        takes: "a task definition has 64 KiB at most, its variables, commands and names together",
        source: QUOTAS,
        check: |attrs, violations| {
            let size = known(container_definition(attrs, "")).to_string().len();
            if size > LARGEST {
                let message = format!("the task definition has {size} bytes and more, AWS takes {LARGEST}");
                // Where most of it is.
                let variables = attrs.environment.iter().map(|(name, text)| (name, text.plain().len()));
                let (name, largest) = variables.max_by_key(|(_, size)| *size).unzip();
                let bytes = |words: &[String]| Some(words.iter().map(String::len).sum::<usize>());
                match name {
                    Some(name) if largest >= bytes(&attrs.command).max(bytes(&attrs.entry_point)) => {
                        violations.report(["environment", name], "", message);
                    }
                    _ if attrs.command.is_empty() => violations.report("entry_point", "", message),
                    _ => violations.report("command", "", message),
                }
            }
        },
        inside: &[edit("MODE = \"strict\"", "MODE = \"<63000>\"")],
        outside: &[
            edit("MODE = \"strict\"", "MODE = \"<65536>\""),
            edit("command = [\"serve\"]", "command = [\"<65536>\"]"),
        ],
    },
];

/// Fargate's table: least and most MiB that go with so many CPU units, and the steps between them.
fn memory_of(cpu: i32) -> Option<(i32, i32, i32)> {
    match cpu {
        256 => Some((512, 2048, 1024)),
        512 => Some((1024, 4096, 1024)),
        1024 => Some((2048, 8192, 1024)),
        2048 => Some((4096, 16384, 1024)),
        4096 => Some((8192, 30720, 1024)),
        8192 => Some((16384, 61440, 4096)),
        16384 => Some((32768, 122_880, 8192)),
        _ => None,
    }
}

fn fits(memory: i32, (low, high, step): (i32, i32, i32)) -> bool {
    (low..=high).contains(&memory) && (memory % step == 0 || memory == 512)
}

fn is_digest(digest: &str) -> bool {
    let hash = digest.strip_prefix("sha256:").unwrap_or_default();
    hash.len() == DIGEST && hash.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// A document without what is not known yet: references are empty.
fn known(value: Value) -> Value {
    match value {
        Value::Object(map) if map.contains_key(tag::TO) => "".into(),
        Value::Object(mut map) => match map.remove(tag::TEXT) {
            Some(Value::Array(parts)) => parts.iter().filter_map(Value::as_str).collect::<String>().into(),
            _ => Value::Object(map.into_iter().map(|(key, value)| (key, known(value))).collect()),
        },
        Value::Array(items) => items.into_iter().map(known).collect(),
        other => other,
    }
}
