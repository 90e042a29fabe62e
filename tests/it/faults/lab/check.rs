//! What must hold once nothing is left to do.

use std::collections::{BTreeMap, BTreeSet};

use podform::model::address::Address;
use podform::model::desired::{Wanted, WantedVolume};
use podform::model::id::{PodId, RegistryId, RemoteId, SecretId, VolumeId};
use podform::model::job::{End, Until};
use podform::model::marker::Token;
use podform::model::prior::Prior;
use podform::simulator::World;
use podform::simulator::world::job;
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
    let Jobs { wrong: of_jobs, stuck } = jobs(base, case, world, prior);
    wrong.extend(of_jobs);
    for address in base.desired.wanted.keys().filter(|address| !stuck.contains(*address)) {
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
    wrong
}

/// What is to be said of jobs.
struct Jobs {
    wrong: Vec<String>,
    /// What cannot come up before a person has a job run again.
    stuck: BTreeSet<Address>,
}

/// Says which jobs were not run once for each change of their spec.
///
/// A create that was answered as done and made nothing cannot be told from a run that came to nothing with its pod. It
/// is told as ended, not known how, and is not begun again by itself. Nothing else may come to that.
fn jobs(base: &Base, case: &Case, world: &World, prior: &Prior) -> Jobs {
    let (mut wrong, mut stuck) = (BTreeMap::new(), BTreeSet::new());
    let (before, after) = (runs(&base.world), runs(world));
    let count = |runs: &BTreeMap<String, u32>, name: &str| runs.get(name).copied().unwrap_or(0);
    for (address, wanted) in &base.desired.wanted {
        let Some((pod, job)) = wanted.pod().and_then(|pod| Some((pod, pod.job.as_ref()?))) else { continue };
        let name = &pod.container.name;
        let given = base.prior.objects.get(address).and_then(|it| it.record.object.pod());
        let is_to_run = given.is_none_or(|given| !job.changed(&given.container, &pod.container).is_empty());
        let due = count(&before, name) + u32::from(is_to_run);
        let recorded = prior.objects.get(address).and_then(|it| it.record.object.pod()?.job.as_ref());
        let run = recorded.and_then(|recorded| recorded.run.as_ref());
        let has_begun = world.all_pods().any(|pod| job::run(&pod.made.entrypoint) == run.map(Token::as_str));
        let is_unknown = recorded.is_some_and(|recorded| recorded.ended == Some(End::Unknown));
        if is_unknown && !has_begun && case.faults.contains("did-nothing") {
            stuck.extend(waiting_for(base, address));
        } else if is_unknown {
            wrong.insert(address, format!("nobody knows how the job {name} ended"));
        } else if count(&after, name) != due {
            let runs = count(&after, name);
            wrong.insert(address, format!("the job {name} was run {runs} times in all, and {due} were due"));
        }
    }
    // They wait in their turn.
    wrong.retain(|address, _| !stuck.contains(*address));
    Jobs { wrong: wrong.into_values().collect(), stuck }
}

/// Returns how often the job of each name was begun.
fn runs(world: &World) -> BTreeMap<String, u32> {
    let mut runs = BTreeMap::new();
    for pod in world.all_pods().filter(|pod| job::run(&pod.made.entrypoint).is_some()) {
        *runs.entry(pod.settings.name.clone()).or_default() += pod.containers;
    }
    runs
}

/// Returns what comes up only after a good end of a job, and after that.
fn waiting_for(base: &Base, job: &Address) -> BTreeSet<Address> {
    let waits = base
        .desired
        .wanted
        .iter()
        .filter(|(_, wanted)| wanted.pod().is_some_and(|pod| pod.until.get(job) == Some(&Until::Done)));
    waits.map(|(address, _)| address.clone()).collect()
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
