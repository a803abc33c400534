//! Engine versions, which a spec may give less precisely than AWS does.

use super::Attrs;

/// Whether the live version is what the spec asks for: `16` is any 16.x; and while AWS upgrades minor versions
/// by itself, a later minor version than the declared one will do, since AWS knows no way back.
pub(super) fn satisfies(desired: &Attrs, live: &str) -> bool {
    let (wanted, found) = (segments(&desired.version), segments(live));
    let same = found.starts_with(&wanted);
    let upgraded = desired.auto_minor_upgrades
        && major(&desired.engine, &wanted) == major(&desired.engine, &found)
        && found > wanted;
    same || upgraded
}

/// Whether a version is one of those that the spec asks for.
#[cfg(feature = "aws")]
pub(super) fn is_within(wanted: &str, version: &str) -> bool {
    segments(version).starts_with(&segments(wanted))
}

/// Whether the spec asks for less than what runs, which AWS never does.
pub(super) fn is_downgrade(desired: &Attrs, live: &str) -> bool {
    !satisfies(desired, live) && segments(&desired.version) < segments(live)
}

/// Whether going from one version to the other crosses a major one, which AWS does only when told so.
pub(super) fn crosses_major(engine: &str, from: &str, to: &str) -> bool {
    let (from, to) = (segments(from), segments(to));
    let shared = from.len().min(to.len());
    major(engine, &from[..shared]) != major(engine, &to[..shared])
}

/// Numbers, so that 16.10 comes after 16.9.
fn segments(version: &str) -> Vec<u32> {
    version.split('.').map_while(|segment| segment.parse().ok()).collect()
}

/// The segments that make a major version: two for MySQL (8.0, 8.4), one for PostgreSQL.
fn major<'a>(engine: &str, segments: &'a [u32]) -> &'a [u32] {
    let length = if engine == "mysql" { 2 } else { 1 };
    &segments[..segments.len().min(length)]
}

#[cfg(test)]
mod tests {
    use super::super::tests::attrs;
    use super::*;

    fn satisfied(engine: &str, declared: &str, live: &str, auto_minor_upgrades: bool) -> bool {
        let desired =
            Attrs { engine: engine.to_owned(), version: declared.to_owned(), auto_minor_upgrades, ..attrs() };
        satisfies(&desired, live)
    }

    #[test]
    fn versions_match_by_segments() {
        assert!(satisfied("postgres", "16", "16.3", false));
        assert!(!satisfied("postgres", "16", "17.1", false));
        assert!(!satisfied("postgres", "1", "16.3", true));
        assert!(satisfied("mysql", "8.0", "8.0.39", false));
    }

    #[test]
    fn automatic_upgrades_are_never_taken_back() {
        assert!(satisfied("postgres", "16.9", "16.10", true));
        assert!(!satisfied("postgres", "16.9", "16.10", false));
        assert!(!satisfied("postgres", "16.9", "16.8", true));
        assert!(!satisfied("mysql", "8.0.35", "8.4.1", true));
    }

    #[cfg(feature = "aws")]
    #[test]
    fn major_upgrades_are_told_apart() {
        assert!(crosses_major("postgres", "16.3", "17"));
        assert!(!crosses_major("postgres", "16.3", "16.4"));
        assert!(crosses_major("mysql", "8.0.35", "8.4"));
        assert!(!crosses_major("mysql", "8.0.35", "8"));
    }
}
