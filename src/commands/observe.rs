use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde_json::Value;

use super::Failure;
use super::options::{self, Use};
use super::session::{Session, unreadable};
use crate::cli::{CloudArgs, Exit};
use crate::cloud::{Capture, Observed, secrets};
use crate::plan::{KnownOutputs, SecretMode, recognise, resolve_with};
use crate::ui::Ui;
use crate::value::walk::is_resolved;
use crate::value::{Address, SecretStore, one_line, tag};

/// Captures the live state in a cloud file. It contains no secret values, only their fingerprints under a key of the
/// cloud that they were read from (for an account, a new key in each run).
pub async fn observe(ui: Ui, spec: &Path, out: &Path, cloud: &CloudArgs) -> Result<Exit, Failure> {
    // A link that leads nowhere is there, too.
    if out.symlink_metadata().is_ok() {
        let message = format!("{} already exists; nothing was written", out.display());
        return Err(Failure::new(Exit::Refused, message, "choose another name, or move it away"));
    }
    options::of_cloud(cloud, Use::Reads)?;
    let session = Session::open(ui, spec, cloud, None).await?;
    let context = session.context(&session.graph);
    let reads = async {
        let mut found = session.cloud.observe(context).await.map_err(|errors| unreadable(&errors))?;
        for one in found.iter_mut().filter(|one| one.live.unconfirmed) {
            session.cloud.refresh(context, one).await.map_err(|error| unreadable(&[error]))?;
        }
        Ok(found)
    };
    let mut found = session.guarded(reads).await?;
    assign_addresses(&session, &mut found);
    fill_unreadable_fields(&session, &mut found);
    let capture = Capture::of(&session.spec.env, session.secret_store.key(), &found);
    capture.write(out).map_err(|error| Failure::new(Exit::Failed, error.to_string(), "choose another path"))?;
    if ui.json {
        ui.result_json(&serde_json::json!({ "captured": capture.objects.len(), "out": out }))?;
    } else {
        let place = one_line(&out.display().to_string());
        ui.result(&format!("{} objects captured in {place}", capture.objects.len()))?;
    }
    Ok(Exit::Done)
}

/// An object that matches a desired one without its tags is captured under that address, so that a plan against the
/// file finds external objects and conflicts. What belongs to the environment without tags of its own, as the
/// revision that a service runs, is captured with tags, since the file has nothing else to identify it by.
fn assign_addresses(session: &Session, found: &mut [Observed]) {
    let (env, graph) = (&session.spec.env, &session.graph);
    let recognised = recognise(session.context(graph), graph, found);
    let lost: BTreeSet<usize> = recognised.values().flatten().copied().collect();
    for (address, candidates) in recognised {
        for index in candidates {
            found[index].live.address = Some(address.clone());
        }
    }
    let external: BTreeSet<&Address> =
        graph.objects.iter().filter(|object| object.external).map(|object| &object.address).collect();
    for (_, Observed { kind, live }) in found.iter_mut().enumerate().filter(|(index, _)| !lost.contains(index)) {
        let Some(address) = live.address.as_ref().filter(|address| !external.contains(address)) else { continue };
        let Some(Value::Object(tags)) = live.attrs.as_mut().and_then(|attrs| attrs.get_mut("tags")) else {
            continue;
        };
        let environment = (!kind.shared()).then(|| env.environment.clone());
        let ours = [("project", Some(env.project.clone())), ("environment", environment)];
        for (key, value) in ours.into_iter().chain([("address", Some(address.to_string()))]) {
            if let Some(value) = value {
                tags.entry(format!("baseplate:{key}")).or_insert_with(|| value.into());
            }
        }
    }
}

/// A file has no secret values, so texts that contain one are compared by its fingerprint; and some fields AWS does not
/// return. Where the account matches the spec, or returns nothing, the value of the spec is captured: otherwise a plan
/// against the file would show changes that are not real.
fn fill_unreadable_fields(session: &Session, found: &mut [Observed]) {
    let secret_store = SecretStore::new(session.secret_store.key().to_vec());
    let known_outputs = KnownOutputs::default();
    for live in found.iter().map(|one| &one.live) {
        if let Some(address) = &live.address {
            known_outputs.record(address, &live.id, live.outputs.clone());
        }
    }
    let mut places: HashMap<Address, usize> = HashMap::new();
    for (index, one) in found.iter().enumerate() {
        if let Some(address) = &one.live.address {
            places.entry(address.clone()).or_insert(index);
        }
    }
    // Dependencies come first: the secret that a text holds is known by then.
    for object in &session.graph.objects {
        let Some(one) = places.get(&object.address).map(|index| &mut found[*index]) else { continue };
        let Some(attrs) = &mut one.live.attrs else { continue };
        let truly = resolve_with(&object.attrs, &known_outputs, &session.secret_store, SecretMode::Compare);
        let by_file = resolve_with(&object.attrs, &known_outputs, &secret_store, SecretMode::Compare);
        for (name, value) in attrs.as_object_mut().into_iter().flatten() {
            let untold = one.live.unread.contains(&name.as_str());
            let agrees = value.get(tag::SECRET).is_some() && truly.get(name) == Some(&*value);
            let spec = by_file.get(name).filter(|spec| is_resolved(spec) && (untold || agrees));
            if let Some(spec) = spec {
                value.clone_from(spec);
            }
        }
        for secret in secrets(attrs) {
            secret_store.assign(object.address.clone(), &secret);
            secret_store.use_fingerprint(&secret);
        }
    }
}
