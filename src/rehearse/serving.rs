//! Whether traffic is served while a change is applied.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use crate::cloud::Observed;
use crate::value::Address;
use crate::value::walk::{Link, links};

/// A time in which something that served traffic before and should serve it afterwards does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interruption {
    pub address: Address,
    /// Since the change began.
    pub from: Duration,
    /// `None` where it does not serve at the end.
    pub until: Option<Duration>,
    pub why: String,
}

/// Checks after each step what serves. An object serves if everything that it refers to exists and serves, and if it
/// has the backend that its kind needs (`Kind::BACKED_BY`).
pub struct Serving {
    /// What should serve at the end, by the spec.
    expected: BTreeSet<Address>,
    /// What has served so far.
    served: BTreeSet<Address>,
    /// Ids that were seen, by kind: what refers to any other refers to something that is not ours.
    seen: HashSet<(&'static str, String)>,
    open: BTreeMap<Address, (Duration, String)>,
    ended: Vec<Interruption>,
}

impl Serving {
    pub fn new(expected: BTreeSet<Address>) -> Self {
        let (served, seen, open) = (BTreeSet::new(), HashSet::new(), BTreeMap::new());
        Self { expected, served, seen, open, ended: Vec::new() }
    }

    /// Records what is live at a time.
    pub fn observe(&mut self, now: Duration, live: &[Observed]) {
        self.seen.extend(live.iter().map(|found| (found.kind.name(), found.live.id.clone())));
        let snapshot = Snapshot::of(live, &self.seen);
        let mut failing: BTreeMap<&Address, String> = BTreeMap::new();
        let mut serving: BTreeSet<&Address> = BTreeSet::new();
        for (index, found) in live.iter().enumerate().filter(|(_, found)| found.kind.serves_traffic()) {
            let Some(address) = found.live.address.as_ref().filter(|address| self.expected.contains(*address))
            else {
                continue;
            };
            match snapshot.fault(index, &mut HashSet::new()) {
                None => drop(serving.insert(address)),
                Some(why) => drop(failing.insert(address, why)),
            }
        }
        for address in &self.served {
            if serving.contains(address) {
                if let Some((from, why)) = self.open.remove(address) {
                    self.ended.push(Interruption { address: address.clone(), from, until: Some(now), why });
                }
            } else if !self.open.contains_key(address) {
                let why = failing.get(address).cloned().unwrap_or_else(|| "it does not exist".to_owned());
                self.open.insert(address.clone(), (now, why));
            }
        }
        self.served.extend(serving.into_iter().cloned());
    }

    /// Every interruption that took any time, in the order in which they began.
    pub fn interruptions(self) -> Vec<Interruption> {
        let open = self.open.into_iter();
        let open = open.map(|(address, (from, why))| Interruption { address, from, until: None, why });
        let mut all: Vec<Interruption> = self.ended.into_iter().chain(open).collect();
        all.retain(|one| one.until.is_none_or(|until| until > one.from));
        all.sort_by(|a, b| (a.from, &a.address).cmp(&(b.from, &b.address)));
        all
    }
}

/// What is live at one moment, and what refers to what.
struct Snapshot<'a> {
    live: &'a [Observed],
    /// By object, what it refers to, as indices, and whether it refers to something that is gone.
    uses: Vec<Vec<usize>>,
    gone: Vec<Option<String>>,
    /// By object, the kinds of those that refer to it.
    users: Vec<BTreeSet<&'static str>>,
}

impl<'a> Snapshot<'a> {
    fn of(live: &'a [Observed], seen: &HashSet<(&'static str, String)>) -> Self {
        let mut by_output: HashMap<(&str, &str, &str), usize> = HashMap::new();
        for (index, Observed { kind, live }) in live.iter().enumerate() {
            by_output.insert((kind.name(), "id", &live.id), index);
            for (output, value) in &live.outputs {
                by_output.insert((kind.name(), output, value), index);
            }
        }
        let mut snapshot = Self {
            live,
            uses: vec![Vec::new(); live.len()],
            gone: vec![None; live.len()],
            users: vec![BTreeSet::new(); live.len()],
        };
        for (index, found) in live.iter().enumerate() {
            for link in found.live.attrs.iter().flat_map(links) {
                let Link::Id { kind, output, id } = link else { continue };
                if let Some(&used) = by_output.get(&(&*kind, &*output, &*id)) {
                    snapshot.uses[index].push(used);
                    snapshot.users[used].insert(found.kind.name());
                } else if seen.iter().any(|(name, known)| *name == kind && *known == id) {
                    snapshot.gone[index].get_or_insert(format!("it refers to {kind} {id}, which was deleted"));
                }
            }
        }
        snapshot
    }

    /// Why an object does not serve.
    fn fault(&self, index: usize, open: &mut HashSet<usize>) -> Option<String> {
        if !open.insert(index) {
            return None;
        }
        let Observed { kind, live } = &self.live[index];
        if let Some(why) = &self.gone[index] {
            return Some(why.clone());
        }
        if let Some(behind) = kind.backed_by().filter(|behind| !self.users[index].contains(behind)) {
            return Some(format!("no {behind} is attached to it yet"));
        }
        let used = self.uses[index].iter().filter(|&&used| self.live[used].kind.serves_traffic());
        used.into_iter().find_map(|&used| {
            let why = self.fault(used, open)?;
            let address = self.live[used].live.address.as_ref();
            let name = address.map_or_else(|| live.id.clone(), ToString::to_string);
            Some(if why.starts_with("via ") { why } else { format!("via {name}: {why}") })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kinds::{Live, find};

    fn found(address: &str, id: &str, attrs: Value) -> Observed {
        let address: Address = address.parse().unwrap();
        let kind = find(address.kind()).unwrap();
        Observed { kind, live: Live::new(Some(address), id, attrs) }
    }

    fn to(kind: &str, id: &str) -> Value {
        json!({ "$id": id, "kind": kind, "output": "id" })
    }

    fn rule(group: &str) -> Observed {
        found("listener_rule.web", "rule", json!({ "action": to("target_group", group) }))
    }

    fn service(group: &str) -> Observed {
        found("ecs_service.web", "service", json!({ "routes": [to("target_group", group)] }))
    }

    fn group(id: &str) -> Observed {
        found("target_group.web", id, json!({}))
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn watched(moments: &[(u64, Vec<Observed>)]) -> Vec<String> {
        let expected = ["listener_rule.web", "ecs_service.web", "target_group.web"].map(|one| one.parse().unwrap());
        let mut serving = Serving::new(BTreeSet::from(expected));
        moments.iter().for_each(|(at, live)| serving.observe(seconds(*at), live));
        let text = |one: Interruption| {
            let until = one.until.map(|until| until.as_secs());
            format!("{} {}..{until:?} {}", one.address, one.from.as_secs(), one.why)
        };
        serving.interruptions().into_iter().map(text).collect()
    }

    #[test]
    fn a_rule_that_points_at_an_empty_group_answers_nothing() {
        let moments = [
            (0, vec![rule("old"), service("old"), group("old")]),
            (4, vec![rule("old"), service("old"), group("old"), group("new")]),
            (6, vec![rule("new"), service("old"), group("old"), group("new")]),
            (96, vec![rule("new"), service("new"), group("old"), group("new")]),
            (98, vec![rule("new"), service("new"), group("new")]),
        ];
        assert_eq!(
            watched(&moments),
            ["listener_rule.web 6..Some(96) via target_group.web: no ecs_service is attached to it yet"]
        );
    }

    #[test]
    fn what_is_gone_before_its_successor_is_there_is_missed() {
        let moments = [
            (0, vec![service("old"), group("old")]),
            (60, vec![group("old")]),
            (150, vec![service("old"), group("old")]),
            (150, vec![group("old")]),
            (150, vec![service("old"), group("old")]),
        ];
        let missed = watched(&moments);
        assert_eq!(missed[0], "ecs_service.web 60..Some(150) it does not exist");
        assert_eq!(missed[1], "target_group.web 60..Some(150) no ecs_service is attached to it yet");
        assert_eq!(missed.len(), 2, "what takes no time is none: {missed:?}");
    }

    #[test]
    fn a_reference_to_what_is_gone_is_seen_and_one_to_what_never_was_ours_is_not() {
        let outside = || rule("theirs");
        assert!(watched(&[(0, vec![outside()]), (1, vec![outside()])]).is_empty());
        let moments =
            [(0, vec![rule("old"), service("old"), group("old")]), (5, vec![rule("old"), service("old")])];
        assert_eq!(
            watched(&moments)[1],
            "listener_rule.web 5..None it refers to target_group old, which was deleted"
        );
    }
}
