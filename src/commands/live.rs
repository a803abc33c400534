//! The live objects of an environment by their addresses, for commands that only look.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::Failure;
use super::session::{Session, unreadable};
use crate::cloud::Observed;
use crate::graph::Graph;
use crate::kinds::environment_outputs::{EnvironmentOutput, Found};
use crate::kinds::{self, AnyKind, Outputs, environment_outputs, kinds_of_outputs};
use crate::plan::{ExecutionPlan, SecretMode, recognise, resolve_with};
use crate::value::Address;

/// Reads the objects of these kinds that have an address in the environment, in the order of kinds and of the spec.
pub async fn read(session: &Session, kinds: &[&'static dyn AnyKind]) -> Result<Vec<Observed>, Failure> {
    let context = session.context(&session.graph);
    let reads = async { session.cloud.observe_kinds(context, kinds).await.map_err(|errors| unreadable(&errors)) };
    let mut found = session.guarded(reads).await?;
    let external = session.graph.objects.iter().filter(|object| object.external).map(|object| &object.address);
    let external: BTreeSet<&Address> = external.collect();
    for (address, candidates) in recognise(context, &session.graph, &found) {
        if let ([only], true) = (&candidates[..], external.contains(&address)) {
            found[*only].live.address = Some(address);
        }
    }
    found.retain(|one| one.live.address.is_some());
    let places = places(&session.graph);
    found.sort_by_cached_key(|one| {
        let address = one.live.address.as_ref();
        let place = address.and_then(|address| places.get(address).copied());
        (kind_place(one.kind), place.unwrap_or(usize::MAX), address.cloned())
    });
    Ok(found)
}

fn kind_place(kind: &dyn AnyKind) -> Option<usize> {
    kinds::all().iter().position(|other| other.name() == kind.name())
}

fn places(graph: &Graph) -> HashMap<&Address, usize> {
    graph.objects.iter().map(|object| (&object.address, object.place)).collect()
}

/// What these objects come to as outputs of the environment.
pub fn outputs(session: &Session, found: &[Observed]) -> Vec<EnvironmentOutput> {
    let found: Vec<Found<'_>> = found
        .iter()
        .filter_map(|Observed { live, .. }| {
            let (address, attrs) = (live.address.as_ref()?, live.attrs.as_ref()?);
            Some(Found { address, id: &live.id, outputs: &live.outputs, attrs })
        })
        .collect();
    environment_outputs(&session.spec.env, &found)
}

/// The outputs after a run: what is live is what was wanted, but for what the run left open.
pub fn outputs_after(session: &Session, graph: &Graph, execution: &ExecutionPlan) -> Vec<EnvironmentOutput> {
    let (env, open) = (&session.spec.env, execution.open().collect::<BTreeSet<_>>());
    let tell: BTreeSet<&str> = kinds_of_outputs(None).iter().map(|kind| kind.name()).collect();
    let objects = graph.objects.iter().filter(|object| tell.contains(object.kind.name()));
    let mut live: Vec<(usize, &Address, String, Outputs, Value)> = objects
        .filter(|object| !open.contains(&object.address))
        .filter_map(|object| {
            let (id, outputs) = execution.known_outputs.get(&object.address)?;
            let attrs =
                resolve_with(&object.attrs, &execution.known_outputs, &session.secret_store, SecretMode::Compare);
            Some((object.place, &object.address, id, outputs, attrs))
        })
        .collect();
    live.sort_by_key(|(place, ..)| *place);
    let found: Vec<Found<'_>> =
        live.iter().map(|(_, address, id, outputs, attrs)| Found { address, id, outputs, attrs }).collect();
    environment_outputs(env, &found)
}

/// As JSON: an object with the value of each output by its name.
pub fn outputs_json(outputs: &[EnvironmentOutput]) -> Value {
    let outputs: BTreeMap<&str, &str> =
        outputs.iter().map(|output| (output.name.as_str(), output.value.as_str())).collect();
    serde_json::json!(outputs)
}
