//! Objects by what the spec calls them.

use std::collections::BTreeSet;

use super::{DesiredObject, Graph};
use crate::kinds::origin;
use crate::spec::{EntryKey, Environment, is_within};
use crate::value::Address;

/// How alike two names are, from 0 to 1, of which one may be meant by the other.
const ALIKE: f64 = 0.8;

/// What somebody may have meant by a name that nothing has: an address, a path of the spec, or both for one thing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Meant {
    pub address: Option<Address>,
    pub path: Option<String>,
}

impl Meant {
    /// "did you mean `db_instance.main` or `databases.main`?"; `None` where nothing is alike.
    pub fn question(&self) -> Option<String> {
        match (&self.address, &self.path) {
            (Some(address), Some(path)) => Some(format!("did you mean `{address}` or `{path}`?")),
            (Some(address), None) => Some(format!("did you mean `{address}`?")),
            (None, Some(path)) => Some(format!("did you mean `{path}`?")),
            (None, None) => None,
        }
    }
}

impl DesiredObject {
    /// The path of its entry: `databases.main`.
    pub fn path(&self) -> String {
        self.origin.join(".")
    }

    /// The path by which the spec would say what a field of it is: `databases.main.backup-retention`.
    pub fn field_path(&self, field: &str) -> String {
        [self.origin.as_slice(), &origin::spec_path(self.kind.spec_fields(), &[field.to_owned()])]
            .concat()
            .join(".")
    }
}

impl Graph {
    /// The objects that derive from an entry of the spec (`databases.main`), or from a table of entries (`databases`).
    pub fn derived<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a DesiredObject> {
        self.objects.iter().filter(move |object| is_within(&object.path(), path))
    }

    /// What is most like a name.
    pub fn meant(&self, name: &str) -> Meant {
        let alike = |known: &str| {
            let likeness = strsim::jaro_winkler(known, name);
            (likeness > ALIKE).then_some(likeness)
        };
        // Of several that are as alike, the first of the plan's order.
        let nearest = |known: fn(&DesiredObject) -> String| {
            let all = self.objects.iter().filter_map(|object| Some((alike(&known(object))?, object)));
            all.fold(None, |best: Option<(f64, &DesiredObject)>, next| match best {
                Some(best) if best.0 >= next.0 => Some(best),
                _ => Some(next),
            })
        };
        let by_address = nearest(|object| object.address.to_string());
        let by_path = nearest(DesiredObject::path);
        // Both are said of the one that is nearer.
        match (by_address, by_path) {
            (None, None) => Meant::default(),
            (Some((_, one)), None) => Meant { address: Some(one.address.clone()), path: Some(one.path()) },
            (Some((near, one)), Some((other, _))) if near >= other => {
                Meant { address: Some(one.address.clone()), path: Some(one.path()) }
            }
            (_, Some((_, one))) => {
                let path = one.path();
                let own = self.objects.iter().filter(|object| object.path() == path);
                let likeness = |object: &&DesiredObject| strsim::jaro_winkler(&object.address.to_string(), name);
                let main = own.max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
                Meant { address: main.map(|object| object.address.clone()), path: Some(path) }
            }
        }
    }
}

/// The addresses that the objects of an entry would have which the spec no longer has: as those of its neighbours, with
/// its key. Empty where it has none, or is no entry at all.
pub fn of_gone_entry(env: &Environment, path: &str) -> BTreeSet<Address> {
    let Ok(gone) = env.entry(path) else { return BTreeSet::new() };
    let neighbours = env.entry_keys(gone.section);
    // What is inside of an entry that is there is a field of it.
    if neighbours.iter().any(|key| is_within(&gone.key, key)) {
        return BTreeSet::new();
    }
    let graphs = neighbours.iter().filter_map(|key| {
        let env = env.with_key(&EntryKey { section: gone.section, key: key.clone() }, &gone.key)?;
        Graph::of(&env).ok()
    });
    graphs.flat_map(|graph| graph.derived(path).map(|object| object.address.clone()).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    fn town() -> (Environment, Graph) {
        let more = "[databases.main]\nengine = \"postgres\"\nversion = \"16\"\nclass = \"db.t4g.micro\"\nstorage = 20\n\
                    database = \"town\"\nusername = \"town\"\nsubnets = [\"public-a\", \"public-b\"]\n\
                    security-groups = [\"app\"]\n";
        let text = format!("{}{more}", include_str!("../../fixtures/small.toml"));
        let env = spec::parse("spec.toml", &text, &crate::kinds::catalog()).expect("a spec").env;
        let graph = Graph::of(&env).expect("no cycle");
        (env, graph)
    }

    fn derived(graph: &Graph, path: &str) -> Vec<String> {
        let mut found: Vec<String> = graph.derived(path).map(|object| object.address.to_string()).collect();
        found.sort();
        found
    }

    #[test]
    fn an_entry_has_all_that_derives_from_it() {
        let (_, graph) = town();
        let main = ["db_instance.main", "db_subnet_group.main", "ssm_parameter.main/db-password"];
        assert_eq!(derived(&graph, "databases.main"), main);
        assert_eq!(derived(&graph, "databases"), main);
        assert_eq!(derived(&graph, "network.subnets.public-a"), ["subnet.public-a"], "and not the network");
        assert_eq!(derived(&graph, "databases.mai"), [""; 0]);
        assert_eq!(derived(&graph, "parameters.web/token"), ["ssm_parameter.web/token"]);
        let fields: Vec<String> =
            graph.derived("services.web").map(|object| object.field_path("desired_count")).collect();
        assert!(fields.contains(&"services.web.count".to_owned()), "{fields:?}");
    }

    #[test]
    fn what_is_meant_is_said_in_both_words() {
        let (_, graph) = town();
        let meant = |name: &str| graph.meant(name).question().unwrap_or_default();
        let main = "did you mean `db_instance.main` or `databases.main`?";
        assert_eq!(meant("database.main"), main);
        assert_eq!(meant("db_instnace.main"), main);
        assert_eq!(meant("databases.main.username"), main);
        assert_eq!(meant("service.web"), "did you mean `ecs_service.web` or `services.web`?");
        assert_eq!(meant("subnet.public-aa"), "did you mean `subnet.public-a` or `network.subnets.public-a`?");
        assert_eq!(meant("everything"), "");
    }

    #[test]
    fn what_is_gone_is_called_as_its_neighbours_are() {
        let (env, _) = town();
        let gone: Vec<String> = of_gone_entry(&env, "databases.old").iter().map(Address::to_string).collect();
        assert_eq!(gone, ["db_instance.old", "db_subnet_group.old", "ssm_parameter.old/db-password"]);
        assert!(of_gone_entry(&env, "topics.old").is_empty(), "it has no neighbour");
        assert!(of_gone_entry(&env, "databases.main.username").is_empty(), "it is a field");
        assert!(of_gone_entry(&env, "nothing.old").is_empty());
    }

    /// An address and a path are told apart by their first word.
    #[test]
    fn no_section_is_called_as_a_kind_is() {
        let schema = spec::schema(&crate::kinds::catalog());
        let keys = schema["properties"].as_object().expect("the keys of a spec");
        assert!(keys.contains_key("databases"));
        assert!(keys.keys().all(|key| crate::kinds::find(key).is_none()));
    }
}
