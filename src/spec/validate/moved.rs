use crate::spec::{Check, EntryKey, Environment};

/// Each entry must have moved from one that is gone to one that is there, once.
pub fn moved(check: &mut Check<'_>) {
    let env = check.env;
    for (place, entry) in env.moved.iter().enumerate() {
        let index = place.to_string();
        let at = |field| ["moved", index.as_str(), field];
        let (from, to) = (env.entry(&entry.from), env.entry(&entry.to));
        for (field, path) in [("from", &from), ("to", &to)] {
            if let Err(unknown) = path {
                check.report(&at(field), unknown.message.clone(), unknown.help.clone());
            }
        }
        let (Ok(from), Ok(to)) = (from, to) else { continue };
        if from.section != to.section {
            let message = format!("`{}` is in another section than `{}`", entry.to, entry.from);
            check.report(
                &at("to"),
                message,
                "an entry moves within its section: what is made for another is of other kinds",
            );
            continue;
        }
        let others = || env.moved.iter().enumerate().filter(|(other, _)| *other != place);
        if let Some((_, next)) = others().find(|(_, other)| is(env, &other.from, &to)) {
            let message = format!("`{}` has itself moved to `{}`", entry.to, next.to);
            let help = match is(env, &next.to, &from) {
                true => "two entries cannot change places in one apply: move one of them to a third key, apply, and then \
                         move both"
                    .to_owned(),
                false => format!("write one entry for both: from = \"{}\", to = \"{}\"", entry.from, next.to),
            };
            check.report(&at("to"), message, help);
            continue;
        }
        if env.has_entry(&from) {
            let message = format!("`{}` is still in the spec", entry.from);
            let help = match from == to {
                true => "`from` is the key that the entry had, `to` the one it has: remove this if it is the same"
                    .to_owned(),
                false => format!(
                    "remove that entry, or this one: what was made for it cannot be that of `{}` too",
                    entry.to
                ),
            };
            check.report(&at("from"), message, help);
        }
        if !env.has_entry(&to) {
            let message = format!("`{}` is not in the spec", entry.to);
            check.report(&at("to"), message, "`to` is the key that the entry has now; remove this if it is gone");
        }
        for (field, path, own) in [("from", &entry.from, &from), ("to", &entry.to, &to)] {
            let same = |(_, other): &(usize, &crate::spec::Moved)| {
                is(env, if field == "from" { &other.from } else { &other.to }, own)
            };
            if others().take_while(|(other, _)| *other < place).any(|other| same(&other)) {
                let message = format!("another [[moved]] has the same `{field}`, `{path}`");
                check.report(&at(field), message, "an entry moves once: remove one of the two");
            }
        }
    }
}

fn is(env: &Environment, path: &str, entry: &EntryKey) -> bool {
    env.entry(path).is_ok_and(|other| other == *entry)
}
