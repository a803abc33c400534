//! The rules on tags, which all services have but for the characters.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Rule, Violation, edit, held};

/// What a service lets tags be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagCharacters {
    /// Letters, digits and spaces of any script, and `_.:/=+-@`.
    Letters,
    /// Any, as in EC2.
    Any,
}

/// The tags of one object.
pub struct TagSet {
    tags: BTreeMap<String, String>,
    characters: TagCharacters,
}

const SOURCE: &str = "https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html";

/// The prefix that AWS keeps to itself, in any case.
const RESERVED: &str = "aws:";

/// The rules on the tags of every object.
pub const TAG_RULES: &[Rule<TagSet>] = &[
    Rule {
        code: "BP-TAG-01",
        takes: "tags take letters, digits and spaces of any script, and the characters _ . : / = + - @; only the tags \
                of EC2's objects take others",
        source: SOURCE,
        check: |set, violations| {
            if set.characters == TagCharacters::Letters {
                for (key, value) in &set.tags {
                    violations.characters(["tags", key], key, is_common);
                    violations.characters(["tags", key], value, is_common);
                }
            }
        },
        inside: &[edit("team = \"town\"", "team = \"Köln_.:/=+-@ 7\"")],
        outside: &[
            edit("team = \"town\"", "team = \"town (old)\""),
            edit("team = \"town\"", "\"team#\" = \"town\""),
        ],
    },
    Rule {
        code: "BP-TAG-02",
        takes: "the key of a tag has 1 to 128 characters, its value 256 at most",
        source: SOURCE,
        check: |set, violations| {
            for (key, value) in &set.tags {
                violations.length(["tags", key], key, 1..=128);
                violations.length(["tags", key], value, 0..=256);
            }
        },
        inside: &[edit("team = \"town\"", "team = \"<256>\""), edit("team = \"town\"", "<128> = \"\"")],
        outside: &[
            edit("team = \"town\"", "team = \"<257>\""),
            edit("team = \"town\"", "<129> = \"town\""),
            edit("team = \"town\"", "\"\" = \"town\""),
        ],
    },
    Rule {
        code: "BP-TAG-03",
        takes: "the prefix `aws:`, in any case, is AWS's own",
        source: SOURCE,
        check: |set, violations| {
            for key in set.tags.keys().filter(|key| key.to_lowercase().starts_with(RESERVED)) {
                violations.report(["tags", key], key, format!("`{key}` has a reserved prefix"));
            }
        },
        inside: &[edit("team = \"town\"", "\"aws-team\" = \"town\"")],
        outside: &[edit("team = \"town\"", "\"AWS:team\" = \"town\"")],
    },
    Rule {
        code: "BP-TAG-04",
        takes: "an object has 50 tags at most, those of Baseplate among them",
        source: SOURCE,
        check: |set, violations| violations.count("tags", "tags", set.tags.len(), 50),
        inside: &[edit("[tags]", "[tags]\n<40 keys>")],
        outside: &[edit("[tags]", "[tags] # many\n<50 keys>")],
    },
    Rule {
        code: "BP-TAG-05",
        takes: "the keys of an object's tags differ by more than their case, since IAM does not tell it apart",
        source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html",
        check: |set, violations| {
            let mut seen = BTreeMap::new();
            for key in set.tags.keys() {
                if let Some(other) = seen.insert(key.to_lowercase(), key) {
                    violations.report(["tags", key], key, format!("`{key}` and `{other}` are one key"));
                }
            }
        },
        inside: &[edit("team = \"town\"", "team = \"town\"\nTeam2 = \"x\"")],
        outside: &[edit("team = \"town\"", "Team = \"x\"\nteam = \"town\" # twice")],
    },
];

fn is_common(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

/// What is wrong with the tags of an object.
pub fn violations(characters: TagCharacters, attrs: &Value) -> Vec<Violation> {
    let Some(Value::Object(tags)) = attrs.get("tags") else { return Vec::new() };
    let text = |(key, value): (&String, &Value)| (key.clone(), value.as_str().unwrap_or_default().to_owned());
    let set = TagSet { tags: tags.iter().map(text).collect(), characters };
    held(TAG_RULES, &set)
}
