//! What must hold once nothing is left to do.

use std::collections::BTreeMap;

use podform::model::desired::{Wanted, WantedVolume};
use podform::model::id::{PodId, RegistryId, RemoteId, SecretId, VolumeId};
use podform::model::prior::Prior;
use podform::simulator::World;
use podform::simulator::world::pod::Status;

use super::shapes::{SHAPES, Shape};
use super::{Base, Case};

/// Returns what must not be.
pub fn check(base: &Base, case: &Case, world: &World, prior: &Prior) -> Vec<String> {
    let mut wrong = Vec::new();
    let alive: BTreeMap<RemoteId, bool> = world
        .all_pods()
        .filter(|pod| pod.status(world.now()) != Status::Terminated)
        .map(|pod| {
            let ours = pod.settings.env.get("PODFORM_MARK").is_some_and(|marker| marker.starts_with("lab/"));
            (RemoteId::Pod(PodId::new(pod.id.0.clone())), ours)
        })
        .chain(world.all_volumes().map(|volume| {
            let id = VolumeId::new(volume.id.0.clone());
            (RemoteId::Volume(id), volume.name.starts_with("lab."))
        }))
        .chain(world.secrets(None).map(|secret| {
            let ours = secret.description.as_ref().is_some_and(|mark| mark.starts_with("podform lab/"));
            (RemoteId::Secret(SecretId::new(secret.id.clone())), ours)
        }))
        .chain(world.registries().iter().map(|registry| {
            let id = RegistryId::new(registry.id.clone());
            (RemoteId::Registry(id), registry.name.starts_with("lab."))
        }))
        .collect();
    let known = prior.remote_ids();
    for (id, _) in alive.iter().filter(|(id, ours)| **ours && !known.contains(id)) {
        wrong.push(format!("{id} is ours, is billed, and the state does not know it"));
    }
    let ended: Vec<&RemoteId> = prior.objects.values().filter(|it| it.is_gone()).map(|it| &it.id).collect();
    for id in known.iter().filter(|id| !alive.contains_key(id) && !ended.contains(id)) {
        wrong.push(format!("the state has {id}, which does not exist"));
    }
    for (address, recorded) in &prior.objects {
        let left: Vec<RemoteId> = recorded.record.deposed_ids().collect();
        if !left.is_empty() {
            wrong.push(format!("{address} has more than one object: {left:?}"));
        }
    }
    for address in base.desired.wanted.keys() {
        let is_managed = !matches!(
            base.desired.wanted.get(address),
            Some(Wanted::Volume(WantedVolume::Referenced { .. }))
        );
        if is_managed && !prior.objects.contains_key(address) {
            wrong.push(format!("{address} is wanted and was lost"));
        }
    }
    for address in prior.objects.keys().filter(|address| !base.desired.wanted.contains_key(address)) {
        wrong.push(format!("{address} is not wanted and still there"));
    }
    if !prior.open.is_empty() {
        wrong.push(format!("the journal has open actions: {:?}", prior.open));
    }
    wrong.extend(kept(&SHAPES[case.shape], base, prior));
    for (address, recorded) in &prior.objects {
        let set_at = recorded.record.object.secret().map(|secret| secret.value_set_at);
        let mut secrets = world.secrets(None);
        let live = secrets.find(|secret| recorded.id == RemoteId::Secret(SecretId::new(secret.id.clone())));
        let live = live.map(|secret| secret.value_set_at.rfc3339().parse().ok());
        // A crash between the answer and the look leaves it untold.
        if set_at.is_some_and(|set_at| set_at.is_some()) && set_at != live {
            wrong.push(format!("{address} was set at {live:?}, and the state says {set_at:?}"));
        }
    }
    wrong.extend(foreign(base, world));
    wrong.extend(run_twice(base, world));
    wrong
}

/// Says which jobs were run more than once for one change of their spec.
fn run_twice(base: &Base, world: &World) -> Vec<String> {
    let runs = |world: &World| -> BTreeMap<String, u32> {
        let mut runs = BTreeMap::new();
        for pod in
            world.all_pods().filter(|pod| pod.settings.entrypoint.iter().any(|word| word == "podform-job"))
        {
            *runs.entry(pod.settings.name.clone()).or_default() += pod.containers;
        }
        runs
    };
    let before = runs(&base.world);
    let more = |(name, runs): &(String, u32)| *runs > before.get(name).copied().unwrap_or(0) + 1;
    let often = runs(world).into_iter().filter(more);
    often.map(|(name, runs)| format!("the job {name} was run {runs} times in all")).collect()
}

fn kept(shape: &Shape, base: &Base, prior: &Prior) -> Vec<String> {
    let id = |prior: &Prior, address: &str| {
        let address = address.parse().expect("an address");
        prior.objects.get(&address).map(|recorded| recorded.id.clone())
    };
    shape
        .kept
        .iter()
        .filter(|address| id(&base.prior, address) != id(prior, address))
        .map(|address| format!("{address} is another pod than before"))
        .collect()
}

fn foreign(base: &Base, world: &World) -> Vec<String> {
    let theirs = |world: &World| {
        let pods: Vec<_> = world
            .all_pods()
            .filter(|pod| !pod.settings.name.starts_with("lab-"))
            .map(|pod| (pod.id.clone(), pod.settings.clone(), pod.phase, pod.containers))
            .collect();
        let volumes: Vec<_> =
            world.all_volumes().filter(|volume| volume.name == "theirs").map(|volume| volume.size).collect();
        let registries: Vec<_> =
            world.registries().iter().filter(|registry| registry.name == "theirs").cloned().collect();
        (pods, volumes, registries)
    };
    if theirs(&base.world) == theirs(world) {
        Vec::new()
    } else {
        vec!["something that is not ours was touched".to_owned()]
    }
}
