//! AWS's rules on a database.

use regex_lite::Regex;

use super::{Attrs, MAX_NAME, reserved, window};
use crate::kinds::network::security_group::{self, ID_SOURCE, TAKES_ID};
use crate::kinds::rules::{Rule, Violations, edit};

/// Minutes that a window lasts at least.
const SHORTEST: u32 = 30;

/// Classes that are too small for Performance Insights of MySQL.
const NO_INSIGHTS: [&str; 6] =
    ["db.t2.micro", "db.t2.small", "db.t3.micro", "db.t3.small", "db.t4g.micro", "db.t4g.small"];

const MYSQL: &str = "mysql";

pub(super) const RULES: &[Rule<Attrs>] = &[
    Rule {
        code: "BP-DB-01",
        takes: "an identifier has 1 to 63 letters, digits and single hyphens, begins with a letter and does not end \
                with a hyphen; set `name` where it is derived",
        source: "rds:CreateDBInstance.DBInstanceIdentifier",
        check: |attrs, violations| {
            violations.length("identifier", &attrs.identifier, 1..=MAX_NAME);
            violations.characters("identifier", &attrs.identifier, |c| c.is_ascii_alphanumeric() || c == '-');
            violations.matches("identifier", &attrs.identifier, "^([A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*)?$");
        },
        inside: &[
            edit("name = \"town-main\"", "name = \"<63>\""),
            edit("name = \"town-main\"", "name = \"T-1-2\""),
        ],
        outside: &[
            edit("name = \"town-main\"", "name = \"<64>\""),
            edit("name = \"town-main\"", "name = \"\""),
            edit("name = \"town-main\"", "name = \"town--main\""),
            edit("name = \"town-main\"", "name = \"town-main-\""),
            edit("name = \"town-main\"", "name = \"1-town\""),
            edit("name = \"town-main\"", "name = \"town_main\""),
            edit(
                "extends = \"base.toml\"\n\n[databases.main]\nname = \"town-main\"",
                "extends = \"base.toml\"\nproject = \"to--wn\"\n[databases.main] # its name is derived",
            ),
        ],
    },
    Rule {
        code: "BP-DB-02",
        takes: "the name of a database is a letter and then letters, digits and underscores: 63 in all for \
                PostgreSQL, 64 for MySQL",
        source: "rds:CreateDBInstance.DBName",
        check: |attrs, violations| {
            let longest = if attrs.engine == MYSQL { 64 } else { 63 };
            word("database", &attrs.database, longest, violations);
        },
        inside: &[
            edit("database = \"shop\"", "database = \"<63>\""),
            edit("database = \"shop\"", "database = \"Shop_2\""),
        ],
        outside: &[
            edit("database = \"shop\"", "database = \"<64>\""),
            edit("database = \"shop\"", "database = \"\""),
            edit("database = \"shop\"", "database = \"2shop\""),
            edit("database = \"shop\"", "database = \"_shop\""),
            edit("database = \"shop\"", "database = \"the-shop\""),
        ],
    },
    Rule {
        code: "BP-DB-03",
        takes: "the name of a database is no key word of the engine, and no database that is there from the start: \
                choose another",
        source: "rds:CreateDBInstance.DBName",
        check: |attrs, violations| {
            if reserved::is_database(&attrs.engine, &attrs.database) {
                reserve("database", &attrs.database, violations);
            }
        },
        inside: &[
            edit("database = \"shop\"", "database = \"postgres\""),
            edit("database = \"shop\"", "database = \"tables\""),
        ],
        outside: &[
            edit("database = \"shop\"", "database = \"Table\""),
            edit("database = \"shop\"", "database = \"user\""),
            edit("database = \"shop\"", "database = \"template1\""),
            edit(
                "engine = \"postgres\"\nversion = \"16\"\nclass = \"db.t4g.micro\"\nstorage = 20\nmax-storage = 100\n\
                 storage-type = \"gp3\"\ndatabase = \"shop\"",
                "engine = \"mysql\"\nversion = \"8.0\"\nclass = \"db.t4g.large\"\nstorage = 20\n\
                 database = \"schema\" # a word of MySQL's",
            ),
        ],
    },
    Rule {
        code: "BP-DB-04",
        takes: "the master user's name is a letter and then letters, digits and underscores: 63 in all for \
                PostgreSQL, 16 for MySQL",
        source: "rds:CreateDBInstance.MasterUsername",
        check: |attrs, violations| {
            let longest = if attrs.engine == MYSQL { 16 } else { 63 };
            word("username", &attrs.username, longest, violations);
        },
        inside: &[
            edit("username = \"shop\"", "username = \"<63>\""),
            edit("username = \"shop\"", "username = \"root\""),
        ],
        outside: &[
            edit("username = \"shop\"", "username = \"<64>\""),
            edit("username = \"shop\"", "username = \"\""),
            edit("username = \"shop\"", "username = \"the-shop\""),
            edit("username = \"shop\"", "username = \"7shop\""),
        ],
    },
    Rule {
        code: "BP-DB-05",
        takes: "the master user cannot be called `rdsadmin` or by a key word of the engine, nor with PostgreSQL `admin` or \
                a name that begins with `pg_`: choose another",
        source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html",
        check: |attrs, violations| {
            if reserved::is_user(&attrs.engine, &attrs.username) {
                reserve("username", &attrs.username, violations);
            }
        },
        inside: &[
            edit("username = \"shop\"", "username = \"postgres\""),
            edit("username = \"shop\"", "username = \"admins\""),
        ],
        outside: &[
            edit("username = \"shop\"", "username = \"admin\""),
            edit("username = \"shop\"", "username = \"rdsadmin\""),
            edit("username = \"shop\"", "username = \"pg_shop\""),
            edit("username = \"shop\"", "username = \"user\""),
        ],
    },
    Rule {
        code: "BP-DB-06",
        takes: "a version as RDS has it: for PostgreSQL 11 to 18, as in 16 or 16.4; for MySQL 5.7, 8.0 or 8.4, as in \
                8.0 or 8.0.39",
        source: "rds:CreateDBInstance.EngineVersion",
        check: |attrs, violations| {
            let (known, engine) = match attrs.engine.as_str() {
                MYSQL => (r"^(5\.7|8\.0|8\.4)(\.[0-9]+)?$", "MySQL"),
                _ => (r"^1[1-8](\.[0-9]+)?$", "PostgreSQL"),
            };
            if !Regex::new(known).is_ok_and(|known| known.is_match(&attrs.version)) {
                let message = format!("RDS has no {engine} {}", attrs.version);
                violations.report("version", &attrs.version, message);
            }
        },
        inside: &[
            edit("version = \"16\"", "version = \"11.22\""),
            edit("version = \"16\"", "version = \"18\""),
            edit(
                "engine = \"postgres\"\nversion = \"16\"\nclass = \"db.t4g.micro\"",
                "engine = \"mysql\"\nversion = \"8.4.3\"\nclass = \"db.t4g.medium\"",
            ),
        ],
        outside: &[
            edit("version = \"16\"", "version = \"10\""),
            edit("version = \"16\"", "version = \"19\""),
            edit("version = \"16\"", "version = \"16.4.1\""),
            edit(
                "engine = \"postgres\"\nversion = \"16\"\nclass = \"db.t4g.micro\"",
                "engine = \"mysql\"\nversion = \"8.1\"\nclass = \"db.t4g.medium\"",
            ),
            edit(
                "engine = \"postgres\"\nversion = \"16\"\nclass = \"db.t4g.micro\"",
                "engine = \"mysql\"\nversion = \"8\"\nclass = \"db.t4g.medium\"",
            ),
        ],
    },
    Rule {
        code: "BP-DB-07",
        takes: "`max-storage` is at least a tenth above `storage`, or left out for storage that does not grow",
        source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html",
        check: |attrs, violations| {
            let (most, now) = (i64::from(attrs.max_storage), i64::from(attrs.storage));
            if most > 0 && most * 10 < now * 11 {
                let least = (now * 11 + 9) / 10;
                let message = format!("{most} GiB leave {now} less than a tenth to grow: at least {least}");
                violations.report("max_storage", most.to_string(), message);
            }
        },
        inside: &[
            edit("max-storage = 100", "max-storage = 22"),
            edit("storage = 20\nmax-storage = 100", "storage = 25\nmax-storage = 28"),
        ],
        outside: &[
            edit("max-storage = 100", "max-storage = 21"),
            edit("storage = 20\nmax-storage = 100", "storage = 25\nmax-storage = 27"),
        ],
    },
    Rule {
        code: "BP-DB-08",
        takes: "a backup window is `hh:mm-hh:mm` in UTC, as in 02:00-03:00, and lasts 30 minutes or more",
        source: "rds:CreateDBInstance.PreferredBackupWindow",
        check: |attrs, violations| {
            if let Some(text) = &attrs.backup_window {
                long_enough("backup_window", text, window::daily(text), violations);
            }
        },
        inside: &[edit("\"02:00-03:00\"", "\"02:00-02:30\""), edit("\"02:00-03:00\"", "\"23:45-00:15\"")],
        outside: &[
            edit("\"02:00-03:00\"", "\"02:00-02:29\""),
            edit("\"02:00-03:00\"", "\"23:45-00:14\""),
            edit("\"02:00-03:00\"", "\"2:00-3:00\""),
            edit("\"02:00-03:00\"", "\"23:30-24:00\""),
            edit("\"02:00-03:00\"", "\"sun:02:00-sun:03:00\""),
        ],
    },
    Rule {
        code: "BP-DB-09",
        takes: "a maintenance window is `ddd:hh:mm-ddd:hh:mm` in UTC, as in sun:03:30-sun:04:30, and lasts 30 minutes \
                or more",
        source: "rds:CreateDBInstance.PreferredMaintenanceWindow",
        check: |attrs, violations| {
            if let Some(text) = &attrs.maintenance_window {
                long_enough("maintenance_window", text, window::weekly(text), violations);
            }
        },
        inside: &[
            edit("\"sun:04:00-sun:05:00\"", "\"sun:04:00-sun:04:30\""),
            edit("\"sun:04:00-sun:05:00\"", "\"Sun:23:45-Mon:00:15\""),
        ],
        outside: &[
            edit("\"sun:04:00-sun:05:00\"", "\"sun:04:00-sun:04:29\""),
            edit("\"sun:04:00-sun:05:00\"", "\"sun:23:45-mon:00:14\""),
            edit("\"sun:04:00-sun:05:00\"", "\"04:00-05:00\""),
            edit("\"sun:04:00-sun:05:00\"", "\"sunday:04:00-sunday:05:00\""),
        ],
    },
    Rule {
        code: "BP-DB-10",
        takes: "the backup window and the maintenance window have no minute in common, on no day: move one of them",
        source: "rds:CreateDBInstance.PreferredMaintenanceWindow",
        check: |attrs, violations| {
            let (Some(backup), Some(maintenance)) = (&attrs.backup_window, &attrs.maintenance_window) else {
                return;
            };
            let (daily, weekly) = (window::daily(backup), window::weekly(maintenance));
            if let (Some(daily), Some(weekly)) = (daily, weekly)
                && window::overlap(&daily, &weekly)
            {
                let message = format!("the maintenance window {maintenance} overlaps the backup window {backup}");
                violations.report("maintenance_window", maintenance, message);
            }
        },
        inside: &[
            edit("\"sun:04:00-sun:05:00\"", "\"sun:03:00-sun:03:30\""),
            edit("\"sun:04:00-sun:05:00\"", "\"sun:03:00-mon:02:00\""),
        ],
        outside: &[
            edit("\"sun:04:00-sun:05:00\"", "\"sun:02:59-sun:03:30\""),
            edit("\"sun:04:00-sun:05:00\"", "\"sun:03:00-mon:02:01\""),
            edit(
                "\"02:00-03:00\"\nmaintenance-window = \"sun:04:00-sun:05:00\"",
                "\"23:30-00:30\"\nmaintenance-window = \"mon:00:15-mon:01:00\"",
            ),
            edit(
                "\"02:00-03:00\"\nmaintenance-window = \"sun:04:00-sun:05:00\"",
                "\"00:00-00:30\"\nmaintenance-window = \"sun:23:45-mon:00:15\"",
            ),
        ],
    },
    Rule {
        code: "BP-DB-11",
        takes: "Performance Insights of MySQL needs a class of more than `small`: leave `performance-insights` out, \
                or choose db.t4g.medium",
        source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DatabaseInsights.Engines.html",
        check: |attrs, violations| {
            if attrs.performance_insights && attrs.engine == MYSQL && NO_INSIGHTS.contains(&attrs.class.as_str()) {
                let message = format!("{} has no Performance Insights with MySQL", attrs.class);
                violations.report("class", &attrs.class, message);
            }
        },
        inside: &[edit(
            "engine = \"postgres\"\nversion = \"16\"\nclass = \"db.t4g.micro\"",
            "engine = \"mysql\"\nversion = \"8.0\"\nclass = \"db.t4g.medium\"",
        )],
        outside: &[edit(
            "engine = \"postgres\"\nversion = \"16\"\nclass = \"db.t4g.micro\"",
            "engine = \"mysql\"\nversion = \"8.0\"\nclass = \"db.t4g.small\"",
        )],
    },
    Rule {
        code: "BP-DB-12",
        takes: "a database has 5 security groups at most: put their rules together in fewer groups",
        source: "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
        check: |attrs, violations| security_group::check_count(&attrs.security_groups, violations),
        inside: &[edit(
            "security-groups = [\"app\"]",
            "security-groups = [\"app\", \"sg-00000001\", \"sg-00000002\", \"sg-00000003\", \"sg-00000004\"]",
        )],
        outside: &[edit(
            "security-groups = [\"app\"]",
            "security-groups = [\"app\", \"sg-00000001\", \"sg-00000002\", \"sg-00000003\", \"sg-00000004\", \
             \"sg-00000005\"]",
        )],
    },
    Rule {
        code: "BP-DB-13",
        takes: TAKES_ID,
        source: ID_SOURCE,
        check: |attrs, violations| security_group::check_ids("security_groups", &attrs.security_groups, violations),
        inside: &[edit("security-groups = [\"app\"]", "security-groups = [\"sg-0123456789abcdef0\"]")],
        outside: &[edit("security-groups = [\"app\"]", "security-groups = [\"sg-app\"]")],
    },
    Rule {
        code: "BP-DB-14",
        takes: "the prefix `rds:` of tags is RDS's own, beside `aws:`: choose another key",
        source: "rds:CreateDBInstance.Tags.Key",
        check: |attrs, violations| {
            for key in attrs.tags.keys().filter(|key| key.to_lowercase().starts_with("rds:")) {
                violations.report(["tags", key], key, format!("`{key}` has a reserved prefix"));
            }
        },
        inside: &[edit("team = \"town\"", "\"rds-team\" = \"town\"")],
        outside: &[edit("team = \"town\"", "\"rds:team\" = \"town\"")],
    },
];

fn word(field: &str, text: &str, longest: usize, violations: &mut Violations<'_>) {
    violations.length(field, text, 1..=longest);
    violations.characters(field, text, |c| c.is_ascii_alphanumeric() || c == '_');
    violations.matches(field, text, "^([A-Za-z][A-Za-z0-9_]*)?$");
}

fn reserve(field: &str, name: &str, violations: &mut Violations<'_>) {
    violations.report(field, name, format!("`{name}` is reserved"));
}

fn long_enough(field: &str, text: &str, window: Option<window::Window>, violations: &mut Violations<'_>) {
    match window.map(|window| window.end - window.start) {
        None => violations.report(field, text, format!("`{text}` is not a window")),
        Some(minutes) if minutes < SHORTEST => {
            violations.report(field, text, format!("the window {text} lasts {minutes} minutes"));
        }
        Some(_) => {}
    }
}
