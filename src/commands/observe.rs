use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde_json::Value;

use super::Failure;
use super::options::{self, Use};
use super::session::{Session, unreadable};
use crate::cli::{CloudArgs, Exit};
use crate::cloud::{Capture, Found, secrets};
use crate::plan::{Secrets, World, recognise, resolve_with};
use crate::ui::Ui;
use crate::value::walk::is_resolved;
use crate::value::{Address, Vault, one_line, tag};

/// Captures the live state in a cloud file. Secret values stay where they are: the file holds fingerprints
/// under a key of the cloud that they were read from (an account has one for each run).
pub async fn observe(ui: Ui, spec: &Path, out: &Path, cloud: &CloudArgs) -> Result<Exit, Failure> {
    // A link that leads nowhere is there, too.
    if out.symlink_metadata().is_ok() {
        let message = format!("{} already exists; nothing was written", out.display());
        return Err(Failure::new(Exit::Refused, message, "choose another name, or move it away"));
    }
    options::of_cloud(cloud, Use::Reads)?;
    let session = Session::open(ui, spec, cloud, None).await?;
    let about = session.about(&session.graph);
    let reads = async {
        let mut found = session.cloud.observe(about).await.map_err(|errors| unreadable(&errors))?;
        for one in found.iter_mut().filter(|one| one.live.confirm) {
            session.cloud.complete(about, one).await.map_err(|error| unreadable(&[error]))?;
        }
        Ok(found)
    };
    let mut found = session.guarded(reads).await?;
    name_recognised(&session, &mut found);
    as_a_file_can_know(&session, &mut found);
    let capture = Capture::of(&session.spec.env, session.vault.key(), &found);
    capture.write(out).map_err(|message| Failure::new(Exit::Failed, message, "choose another path"))?;
    if ui.json {
        ui.result_json(&serde_json::json!({ "captured": capture.objects.len(), "out": out }))?;
    } else {
        let place = one_line(&out.display().to_string());
        ui.result(&format!("{} objects captured in {place}", capture.objects.len()))?;
    }
    Ok(Exit::Done)
}

/// What stands in the place of something that the spec wants, without the tags that say so, is captured under that
/// address: a plan against the file must find what somebody else sets, and what is in the way. What an account counts
/// as ours without tags of its own, as the revision that a service of ours runs, is captured with them: the file
/// knows it by nothing else.
fn name_recognised(session: &Session, found: &mut [Found]) {
    let (env, graph) = (&session.spec.env, &session.graph);
    let recognised = recognise(session.about(graph), graph, found);
    let lost: BTreeSet<usize> = recognised.values().flatten().copied().collect();
    for (address, candidates) in recognised {
        for index in candidates {
            found[index].live.address = Some(address.clone());
        }
    }
    let external: BTreeSet<&Address> =
        graph.wanted.iter().filter(|wanted| wanted.external).map(|wanted| &wanted.address).collect();
    for (_, Found { kind, live }) in found.iter_mut().enumerate().filter(|(index, _)| !lost.contains(index)) {
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

/// A file holds no value of a secret, so texts that hold one are told apart by its fingerprint instead; and what
/// AWS does not tell, nobody can read. Where the account agrees with the spec, or says nothing, the spec's view is
/// captured: else a plan against the file would show changes that are none.
fn as_a_file_can_know(session: &Session, found: &mut [Found]) {
    let vault = Vault::new(session.vault.key().to_vec());
    let world = World::default();
    for live in found.iter().map(|one| &one.live) {
        if let Some(address) = &live.address {
            world.learn(address, &live.id, live.outputs.clone());
        }
    }
    let mut places: HashMap<Address, usize> = HashMap::new();
    for (index, one) in found.iter().enumerate() {
        if let Some(address) = &one.live.address {
            places.entry(address.clone()).or_insert(index);
        }
    }
    // Dependencies come first: the secret that a text holds is known by then.
    for wanted in &session.graph.wanted {
        let Some(one) = places.get(&wanted.address).map(|index| &mut found[*index]) else { continue };
        let Some(attrs) = &mut one.live.attrs else { continue };
        let truly = resolve_with(&wanted.attrs, &world, &session.vault, Secrets::Compare);
        let by_file = resolve_with(&wanted.attrs, &world, &vault, Secrets::Compare);
        for (name, value) in attrs.as_object_mut().into_iter().flatten() {
            let untold = one.live.unread.contains(&name.as_str());
            let agrees = value.get(tag::SECRET).is_some() && truly.get(name) == Some(&*value);
            let spec = by_file.get(name).filter(|spec| is_resolved(spec) && (untold || agrees));
            if let Some(spec) = spec {
                value.clone_from(spec);
            }
        }
        for secret in secrets(attrs) {
            vault.hold(wanted.address.clone(), &secret);
            vault.stand_in(&secret);
        }
    }
}
