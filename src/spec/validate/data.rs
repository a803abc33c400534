use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Check, one_of};
use crate::spec::{Engine, Parameter, Tier, password_parameter};

pub fn databases(check: &mut Check<'_>) {
    for (key, database) in &check.env.databases {
        let at = |field| ["databases", key.as_str(), field];
        check.name(&at("name"), database.name.as_ref(), 63);
        check.security_groups(&at("security-groups"), &database.security_groups);
        if database.subnets.is_some() {
            let zones = check.subnets(&at("subnets"), database.subnets.as_ref(), Tier::Private);
            if zones.len() < 2 {
                check.report(&at("subnets"), "a database needs subnets in two zones", "add one in another zone");
            }
        }
        if !version_is_known(database.engine, &database.version) {
            let help = match database.engine {
                Engine::Postgres => "RDS has PostgreSQL 11 to 18: write 16 or 16.4",
                Engine::Mysql => "RDS has MySQL 5.7, 8.0 and 8.4: write 8.0 or 8.0.39",
            };
            check.report(&at("version"), format!("{} is no version of this engine", database.version), help);
        }
        if database.max_storage != 0 && database.max_storage <= database.storage {
            check.report(&at("max-storage"), "`max-storage` is not above `storage`", "raise it, or leave it out");
        }
        let word = |text: &str, max: usize| {
            text.len() <= max
                && text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if !word(&database.database, 63) {
            check.report(
                &at("database"),
                format!("`{}` is no name for a database", database.database),
                "a letter, then letters, digits and underscores",
            );
        }
        let longest = match database.engine {
            Engine::Postgres => 63,
            Engine::Mysql => 16,
        };
        let username = database.username.as_str();
        if ["rdsadmin", "root"].contains(&username) {
            check.report(&at("username"), format!("RDS keeps `{username}` for itself"), "take another");
        } else if !word(username, longest) {
            check.report(
                &at("username"),
                format!("`{username}` is no name for the master user"),
                format!("a letter, then letters, digits and underscores, {longest} at most"),
            );
        }
        if let Some(window) = &database.backup_window
            && !window_is_sound(window, false)
        {
            check.report(&at("backup-window"), format!("`{window}` is not a window"), "UTC, as in 02:00-03:00");
        }
        if let Some(window) = &database.maintenance_window
            && !window_is_sound(window, true)
        {
            let help = "UTC, as in sun:03:30-sun:04:30";
            check.report(&at("maintenance-window"), format!("`{window}` is not a window"), help);
        }
        let password = password_parameter(key);
        if check.env.parameters.contains_key(&password) {
            let message = format!("`{password}` is where the password of database `{key}` lives");
            check.report(&["parameters", &password], message, "leave it out: Baseplate makes and keeps it");
        }
    }
}

fn version_is_known(engine: Engine, version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next());
    match engine {
        Engine::Postgres => (11..=18).contains(&major),
        Engine::Mysql => matches!((major, minor), (8, None | Some(0 | 4)) | (5, Some(7))),
    }
}

fn window_is_sound(window: &str, with_day: bool) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let clock = |text: &str| {
        text.split_once(':').is_some_and(|(hour, minute)| {
            text.len() == 5
                && hour.parse::<u8>().is_ok_and(|h| h < 24)
                && minute.parse::<u8>().is_ok_and(|m| m < 60)
        })
    };
    let moment = |text: &str| match with_day {
        false => clock(text),
        true => text.split_once(':').is_some_and(|(day, time)| DAYS.contains(&day) && clock(time)),
    };
    window.split_once('-').is_some_and(|(from, to)| moment(from) && moment(to) && from != to)
}

pub fn registries(check: &mut Check<'_>) {
    for (key, registry) in &check.env.registries {
        if let Some(name) = &registry.name {
            let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./".contains(c);
            if !(2..=256).contains(&name.len()) || !name.chars().all(sound) {
                let help = "2 to 256 small letters, digits and - _ . /";
                check.report(&["registries", key, "name"], format!("`{name}` is no repository's name"), help);
            }
        }
    }
}

pub fn parameters(check: &mut Check<'_>) {
    for (key, parameter) in &check.env.parameters {
        let path = ["parameters", key.as_str()];
        let sound = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if key.is_empty()
            || !key.chars().all(sound)
            || key.starts_with('/')
            || key.ends_with('/')
            || key.contains("//")
        {
            check.report_key(
                &path,
                format!("`{key}` is no parameter's name"),
                "letters, digits and - _ . with / between parts",
            );
        }
        if key.split('/').count() > 12 {
            check.report_key(
                &path,
                "the name has too many levels",
                "AWS takes 15 with the two that Baseplate puts before",
            );
        }
        source(check, &path, key, parameter);
    }
    rings(check);
}

fn source(check: &mut Check<'_>, path: &[&str], key: &str, parameter: &Parameter) {
    let given =
        [parameter.value.is_some(), parameter.env.is_some(), parameter.generate.is_some(), parameter.external];
    if given.iter().filter(|&&given| given).count() != 1 {
        let message = format!("`{key}` needs exactly one source");
        check.report(
            path,
            message,
            "a text, or one of env = \"VARIABLE\", generate = { length = 40 }, external = true",
        );
    }
    if let Some(value) = &parameter.value {
        // A bare string stands at the key itself, the long form one level down.
        let at = [path, &["value"]].concat();
        check.template(&at, value);
        let secret = check.env.holds_secret(&check.env.text(value));
        if secret && parameter.secret == Some(false) {
            let message = format!("`{key}` holds a secret and says it is none");
            check.report(&[path, &["secret"]].concat(), message, "leave `secret` out: it becomes a SecureString");
        }
        let limit = if parameter.tier == crate::spec::ParameterTier::Standard { 4096 } else { 8192 };
        if value.len() > limit {
            check.report(
                path,
                format!("the value has {} bytes, its tier takes {limit}", value.len()),
                "see `tier`",
            );
        }
        if value.is_empty() {
            check.report(path, "the value is empty", "AWS takes no empty parameter: leave it out");
        }
    } else if parameter.secret == Some(false) && !parameter.external {
        let message = format!("`{key}` is secret by its source");
        check.report(&[path, &["secret"]].concat(), message, "leave `secret` out");
    }
    if let Some(variable) = &parameter.env
        && (variable.is_empty() || !variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    {
        check.report(
            &[path, &["env"]].concat(),
            format!("`{variable}` is no variable's name"),
            "as in WEATHER_API_KEY",
        );
    }
}

/// Parameters may hold one another, but not in a ring.
fn rings(check: &mut Check<'_>) {
    let env = check.env;
    let held = |parameter: &Parameter| parameter.value.as_ref().map(|value| env.held(value)).unwrap_or_default();
    let held: BTreeMap<&str, Vec<String>> =
        env.parameters.iter().map(|(key, parameter)| (key.as_str(), held(parameter))).collect();
    let mut reported: BTreeSet<&str> = BTreeSet::new();
    for start in held.keys().copied() {
        // Each ring is reported once, at its first key.
        if reported.contains(start) {
            continue;
        }
        if let Some(ring) = ring_through(start, &held) {
            let message = format!("parameters in a ring: {} → {start}", ring.join(" → "));
            check.report(&["parameters", start], message, "break it at one of them");
            reported.extend(ring);
        }
    }
}

/// The shortest way from `start` back to it.
fn ring_through<'a>(start: &'a str, held: &'a BTreeMap<&str, Vec<String>>) -> Option<Vec<&'a str>> {
    // By key, who holds it on the way from `start`.
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(holder) = next.pop_front() {
        for key in held.get(holder).into_iter().flatten() {
            if key == start {
                let back = std::iter::successors(Some(holder), |key| before.get(key).copied());
                let mut ring: Vec<&str> = back.collect();
                ring.reverse();
                return Some(ring);
            }
            if !before.contains_key(key.as_str()) {
                before.insert(key, holder);
                next.push_back(key);
            }
        }
    }
    None
}

pub fn tags(check: &mut Check<'_>) {
    for (key, value) in &check.env.tags {
        let path = ["tags", key.as_str()];
        if key.starts_with("aws:") || key.starts_with("baseplate:") {
            check.report_key(
                &path,
                format!("tags may not begin as `{key}` does"),
                "`aws:` and `baseplate:` are taken",
            );
        }
        if key.chars().count() > 128 || value.chars().count() > 256 {
            check.report(&path, "the tag is too long", "AWS takes 128 characters for a key and 256 for a value");
        }
    }
    if check.env.tags.len() > 40 {
        let help = format!("AWS takes 50 an object; {}", one_of("tags", check.env.tags.keys()));
        check.report(&["tags"], "too many tags", help);
    }
}
