//! What holds for every plan, over generated accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use podform::model::address::Address;
use podform::model::attribute::Attribute;
use podform::model::desired::{
    CloudWish, ComputeWish, OnRemove, OnReplace, OnStuckResume, Wanted, WantedPod, WantedVolume,
};
use podform::model::id::{
    DataCenterId, EnvKey, GpuTypeId, Lineage, PodId, RegistryId, RemoteId, RunNonce, Serial, VolumeId,
};
use podform::model::live::{PodStatus, Seen, Unreadable};
use podform::model::money::{Hourly, Price};
use podform::model::plan::{Action, ActionId, OnStuck, Operation, Planned, Reason, Step, pods};
use podform::model::pod::{Cloud, Compute, EnvValue, Port, Protocol, RunState, Storage};
use podform::model::prior::RecordedObject;
use podform::model::reference::Reference;
use podform::model::registry::Registry;
use podform::model::secret::Secret;
use podform::model::size::Gigabytes;
use podform::state::planfile::{PlanInputs, SavedPlan};
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::world::{World, address, gpus, id_of, print, time};
use crate::formats::plan_file;

const VOLUMES: [&str; 2] = ["volume.x", "volume.y"];
const PODS: [&str; 5] = ["a", "b", "c[0]", "c[1]", "d"];

/// What a pod is wanted, or was applied, to be.
#[derive(Clone, Debug)]
struct Shape {
    image: u8,
    variable: Option<u8>,
    disk: u32,
    mount: Mount,
    stopped: bool,
    gpu: u8,
    protect: bool,
    on_remove: OnRemove,
    on_replace: OnReplace,
    on_stuck: OnStuckResume,
    after: Vec<&'static str>,
    /// What it waits for is referred to as well.
    refers: bool,
}

#[derive(Clone, Copy, Debug)]
enum Mount {
    Nothing,
    Local(u32),
    Volume(usize),
}

/// What has become of a recorded pod.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Untouched,
    Toggled,
    /// An earlier run has brought it on its way.
    Boots,
    OtherImage,
    OtherVariable,
    ForeignVariable,
    Grown,
    Unmarked,
    LostGpus,
    Locked,
    Gone,
    Unreadable,
    NotLookedAt,
}

/// What has become of a recorded volume.
#[derive(Clone, Copy, Debug)]
enum VolumeFate {
    Untouched,
    Grown,
    Gone,
    Unreadable,
}

/// The size wanted, the size recorded, and what became of the volume.
type VolumeCase = (Option<u32>, Option<u32>, VolumeFate);

/// The shape wanted, the shape recorded, and what became of the pod.
type PodCase = (Option<Shape>, Option<Shape>, Fate);

#[derive(Clone, Debug)]
struct Account {
    volumes: Vec<VolumeCase>,
    pods: Vec<PodCase>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let mount = prop_oneof![
        3 => Just(Mount::Nothing),
        2 => prop_oneof![Just(50_u32), Just(100)].prop_map(Mount::Local),
        2 => (0..VOLUMES.len()).prop_map(Mount::Volume),
    ];
    let on_remove = prop_oneof![
        3 => Just(OnRemove::Terminate),
        1 => Just(OnRemove::Stop),
        1 => Just(OnRemove::Forget),
    ];
    let on_replace = prop_oneof![Just(OnReplace::DestroyFirst), Just(OnReplace::CreateFirst)];
    let on_stuck = prop_oneof![Just(OnStuckResume::Fail), Just(OnStuckResume::Replace)];
    let basics = (1..3_u8, proptest::option::of(0..2_u8), prop_oneof![Just(20_u32), Just(40)], mount);
    let rest = (any::<bool>(), 0..3_u8, prop::bool::weighted(0.1), on_remove, on_replace, on_stuck);
    let after = (subsequence(PODS.to_vec(), 0..=2), any::<bool>());
    (basics, rest, after).prop_map(|(basics, rest, (after, refers))| {
        let (image, variable, disk, mount) = basics;
        let (stopped, gpu, protect, on_remove, on_replace, on_stuck) = rest;
        Shape {
            image,
            variable,
            disk,
            mount,
            stopped,
            gpu,
            protect,
            on_remove,
            on_replace,
            on_stuck,
            after,
            refers,
        }
    })
}

fn account() -> impl Strategy<Value = Account> {
    let fate = prop_oneof![
        6 => Just(Fate::Untouched),
        2 => Just(Fate::Toggled),
        2 => Just(Fate::Boots),
        1 => Just(Fate::OtherImage),
        1 => Just(Fate::OtherVariable),
        1 => Just(Fate::ForeignVariable),
        2 => Just(Fate::Grown),
        1 => Just(Fate::Unmarked),
        1 => Just(Fate::LostGpus),
        1 => Just(Fate::Gone),
        1 => Just(Fate::Unreadable),
    ];
    let rare = prop_oneof![12 => fate, 1 => Just(Fate::Locked), 1 => Just(Fate::NotLookedAt)];
    let volume_fate = prop_oneof![
        5 => Just(VolumeFate::Untouched),
        1 => Just(VolumeFate::Grown),
        1 => Just(VolumeFate::Gone),
        1 => Just(VolumeFate::Unreadable),
    ];
    let size = || proptest::option::of(prop_oneof![4 => Just(100_u32), 2 => Just(200), 1 => Just(50)]);
    let maybe = || proptest::option::weighted(0.7, shape());
    let volumes = proptest::collection::vec((size(), size(), volume_fate), VOLUMES.len());
    let pods = proptest::collection::vec((maybe(), maybe(), rare), PODS.len());
    (volumes, pods).prop_map(|(volumes, pods)| Account { volumes, pods })
}

impl Shape {
    /// Only what comes before in the list is depended on, so that a spec would accept it.
    fn write(&self, name: &str, volumes: &BTreeSet<&str>, pods: &BTreeSet<&str>, pod: &mut WantedPod) {
        pod.container.image = format!("tool:{}", self.image);
        pod.container.disk = Gigabytes(self.disk);
        if let Some(variable) = self.variable {
            Arc::make_mut(&mut pod.container.env)
                .insert(EnvKey::new("MODE"), EnvValue::Plain(variable.to_string()));
        }
        pod.container.storage = match self.mount {
            Mount::Volume(number) if volumes.contains(VOLUMES[number]) => {
                Storage::Network { volume: address(VOLUMES[number]), path: "/models".to_owned() }
            }
            Mount::Local(size) => Storage::Local { size: Gigabytes(size), path: "/w".to_owned() },
            Mount::Nothing | Mount::Volume(_) => Storage::None,
        };
        pod.run = if self.stopped { RunState::Stopped } else { RunState::Running };
        let accepted: &[&str] = match self.gpu {
            0 => &["RTX 4090"],
            1 => &["L40S"],
            _ => &["L40S", "RTX 4090"],
        };
        pod.hardware.compute = ComputeWish::Gpu(gpus(accepted));
        pod.lifecycle.protect = self.protect;
        pod.lifecycle.on_remove = self.on_remove;
        pod.lifecycle.on_replace = self.on_replace;
        pod.lifecycle.on_stuck_resume = self.on_stuck;
        let before = self.after.iter().filter(|other| **other < name && pods.contains(**other));
        pod.depends_on = before.map(|other| address(other)).collect();
        for pod_before in pod.depends_on.iter().filter(|_| self.refers) {
            let url = Reference { pod: pod_before.clone(), attribute: Attribute::UrlOf(80) }.marked();
            let key = EnvKey::new(format!("URL_{}", pod_before.key()));
            Arc::make_mut(&mut pod.container.env).insert(key, EnvValue::Plain(url));
            pod.container
                .command
                .push(Reference { pod: pod_before.clone(), attribute: Attribute::Id }.marked());
        }
    }
}

impl Account {
    fn world(&self) -> World {
        self.world_in_order(false)
    }

    fn world_in_order(&self, reversed: bool) -> World {
        let mut world = World::default().option(|options| options.accept_vanished = true);
        let in_order = |count: usize| -> Vec<usize> {
            if reversed { (0..count).rev().collect() } else { (0..count).collect() }
        };
        for number in in_order(VOLUMES.len()) {
            world = self.add_volume(world, number);
        }
        for number in in_order(PODS.len()) {
            world = self.add_pod(world, number);
        }
        world
    }

    fn add_volume(&self, mut world: World, number: usize) -> World {
        let (wanted, had, fate) = self.volumes[number];
        let name = VOLUMES[number];
        if let Some(size) = wanted {
            world = world.want_volume(name, size, false);
        }
        let Some(size) = had else { return world };
        world = world.have_volume(name, size, false);
        let id = VolumeId::new(id_of(name));
        match (fate, world.live.volumes.get_mut(&id)) {
            (VolumeFate::Untouched, _) => {}
            (VolumeFate::Grown, Some(Seen::Found(volume))) => volume.size = Gigabytes(400),
            (VolumeFate::Gone, Some(seen)) => *seen = Seen::Absent,
            (VolumeFate::Unreadable, Some(seen)) => *seen = Seen::Unreadable(Unreadable::TooNew),
            (VolumeFate::Grown | VolumeFate::Gone | VolumeFate::Unreadable, _) => {
                panic!("{name} is not live")
            }
        }
        world
    }

    fn add_pod(&self, mut world: World, number: usize) -> World {
        let (wanted, had, fate) = &self.pods[number];
        let name = PODS[number];
        let named = |present: fn(&VolumeCase) -> bool| -> BTreeSet<&str> {
            VOLUMES
                .iter()
                .zip(&self.volumes)
                .filter(|(_, volume)| present(volume))
                .map(|(name, _)| *name)
                .collect()
        };
        let (wanted_volumes, had_volumes) =
            (named(|volume| volume.0.is_some()), named(|volume| volume.1.is_some()));
        let pods = |present: fn(&PodCase) -> bool| -> BTreeSet<&str> {
            PODS.iter().zip(&self.pods).filter(|(_, pod)| present(pod)).map(|(name, _)| *name).collect()
        };
        if let Some(shape) = wanted {
            let wanted_pods = pods(|pod| pod.0.is_some());
            world = world.want(name, |pod| shape.write(name, &wanted_volumes, &wanted_pods, pod));
        }
        let Some(shape) = had else { return world };
        let had_pods = pods(|pod| pod.1.is_some());
        world = world.have(name, |pod| shape.write(name, &had_volumes, &had_pods, pod));
        befall(world, name, *fate)
    }
}

fn befall(mut world: World, name: &str, fate: Fate) -> World {
    match fate {
        Fate::Untouched => world,
        Fate::Toggled => world.outside(name, |pod| {
            pod.status = if pod.status.is_up() { PodStatus::Exited } else { PodStatus::Running };
        }),
        Fate::Boots => world.outside(name, |pod| {
            pod.status = if pod.status.is_up() { PodStatus::Starting } else { pod.status };
        }),
        Fate::OtherImage => world.outside(name, |pod| pod.settings.image = Some("theirs:1".to_owned())),
        Fate::OtherVariable => world.outside(name, |pod| {
            pod.settings.env.insert(EnvKey::new("MODE"), Secret::new("theirs".to_owned()));
        }),
        Fate::ForeignVariable => world.outside(name, |pod| {
            pod.settings.env.insert(EnvKey::new("THEIRS"), Secret::new("theirs".to_owned()));
        }),
        Fate::Grown => world.outside(name, |pod| {
            pod.settings.disk = Some(Gigabytes(200));
            if let Storage::Local { size, path: _ } = &mut pod.settings.storage {
                *size = Gigabytes(300);
            }
        }),
        Fate::Unmarked => world.outside(name, |pod| pod.marker = None),
        Fate::LostGpus => world.outside(name, |pod| {
            pod.compute = Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA GeForce RTX 4090"), count: 0 });
        }),
        Fate::Locked => world.outside(name, |pod| pod.settings.locked = Some(Some(true))),
        Fate::Gone => world.seen(name, Seen::Absent),
        Fate::Unreadable => world.seen(name, Seen::Unreadable(Unreadable::Failed("timeout".to_owned()))),
        Fate::NotLookedAt => {
            world.live.pods.remove(&PodId::new(id_of(name)));
            world
        }
    }
}

/// How many accounts the campaign about targets goes through: `PODFORM_SCOPES`, or 200.
#[expect(clippy::disallowed_methods, reason = "a campaign is as long as whoever runs it says")]
fn scopes() -> u32 {
    let asked = std::env::var("PODFORM_SCOPES").ok();
    asked.map_or(200, |asked| asked.parse().expect("PODFORM_SCOPES is a number"))
}

/// What a recorded object depends on, the volume that its record or its live pod mounts included.
fn recorded_needs(world: &World, of: &Address) -> BTreeSet<Address> {
    let Some(recorded) = world.prior.objects.get(of) else { return BTreeSet::new() };
    let RecordedObject::Pod(pod) = &recorded.record.object else { return BTreeSet::new() };
    let mut needs = pod.depends_on.clone();
    needs.extend(pod.container.storage.volume().cloned());
    if let RemoteId::Pod(id) = &recorded.id
        && let Some(Storage::Network { volume: id, .. }) =
            world.live.pods.get(id).and_then(|seen| seen.found()).map(|live| &live.settings.storage)
    {
        let id = RemoteId::Volume(id.clone());
        let mounted = world.prior.objects.iter().filter(|(_, recorded)| recorded.id == id);
        needs.extend(mounted.map(|(address, _)| address.clone()));
    }
    needs
}

/// What a wanted pod depends on.
fn wanted_needs(world: &World, of: &Address) -> BTreeSet<Address> {
    match world.desired.wanted.get(of) {
        Some(Wanted::Pod(pod)) => {
            let mut needs = pod.depends_on.clone();
            needs.extend(pod.container.storage.volume().cloned());
            needs
        }
        Some(Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None => BTreeSet::new(),
    }
}

/// Whether a recorded object exists and, if it is a pod, runs.
fn is_ready(world: &World, address: &Address) -> bool {
    match world.prior.objects.get(address).map(|recorded| &recorded.id) {
        Some(RemoteId::Pod(id)) => {
            world.live.pods.get(id).and_then(|seen| seen.found()).is_some_and(|pod| pod.status.is_up())
        }
        Some(RemoteId::Volume(id)) => matches!(world.live.volumes.get(id), Some(Seen::Found(_))),
        Some(RemoteId::Secret(id)) => world.live.secrets.found().iter().any(|secret| secret.id == *id),
        Some(RemoteId::Registry(id)) => world.live.registries.found().iter().any(|other| other.id == *id),
        None => false,
    }
}

fn closure(start: &BTreeSet<Address>, next: impl Fn(&Address) -> BTreeSet<Address>) -> BTreeSet<Address> {
    let mut found = start.clone();
    let mut open: Vec<Address> = start.iter().cloned().collect();
    while let Some(address) = open.pop() {
        open.extend(next(&address).into_iter().filter(|other| found.insert(other.clone())));
    }
    found
}

fn dependents(world: &World, of: &Address) -> BTreeSet<Address> {
    let recorded = world.prior.objects.keys();
    recorded.filter(|address| recorded_needs(world, address).contains(of)).cloned().collect()
}

/// Tells whether the pod of an address mounts the network volume of another one as it is.
fn mounts(world: &World, pod: &Address, volume: &Address) -> bool {
    let id = |address: &Address| world.prior.objects.get(address).map(|recorded| &recorded.id);
    let (Some(RemoteId::Pod(pod)), Some(RemoteId::Volume(volume))) = (id(pod), id(volume)) else {
        return false;
    };
    let pod = world.live.pods.get(pod).and_then(|seen| seen.found());
    pod.is_some_and(
        |pod| matches!(&pod.settings.storage, Storage::Network { volume: id, path: _ } if id == volume),
    )
}

/// Says what a plan touches that these targets and exclusions do not allow.
fn beyond(
    world: &World,
    planned: &Planned,
    targets: &BTreeSet<Address>,
    excluded: &BTreeSet<Address>,
) -> Vec<String> {
    let destroy = world.options.destroy;
    let wanted = |address: &Address| !destroy && world.desired.wanted.contains_key(address);
    let missing = |address: &Address| {
        let needs = if wanted(address) { wanted_needs(world, address) } else { BTreeSet::new() };
        needs.into_iter().filter(|need| !is_ready(world, need)).collect()
    };
    let going = |address: &Address| {
        let bound = dependents(world, address).into_iter();
        let goes = |other: &Address| !wanted(other) || mounts(world, other, address);
        if wanted(address) { BTreeSet::new() } else { bound.filter(goes).collect() }
    };
    let vanished = |volume: &Address| {
        let is_gone =
            !volume.is_pod() && world.prior.objects.contains_key(volume) && !is_ready(world, volume);
        if wanted(volume) && is_gone { dependents(world, volume) } else { BTreeSet::new() }
    };
    let told = |pod: &Address| {
        let made = ActionId { address: pod.clone(), step: Step::Create };
        let is_another = pod.is_pod() && planned.plan().actions.contains_key(&made);
        let refers = |other: &Address| match world.desired.wanted.get(other) {
            Some(Wanted::Pod(wanted)) => pods(&wanted.container).contains(pod),
            Some(Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None => false,
        };
        if is_another { dependents(world, pod).into_iter().filter(refers).collect() } else { BTreeSet::new() }
    };
    let bound = closure(&closure(targets, going), |address| {
        if !targets.contains(address) {
            return BTreeSet::new();
        }
        vanished(address).into_iter().chain(told(address)).collect()
    });
    let allowed = closure(&bound, missing);
    let needed = closure(targets, |address| {
        let mut needs = recorded_needs(world, address);
        needs.extend(wanted_needs(world, address));
        needs
    });
    let mut said = Vec::new();
    for (id, action) in &planned.plan().actions {
        let address = &id.address;
        if excluded.contains(address) {
            said.push(format!("{id} is excluded"));
        }
        if !targets.is_empty() && !allowed.contains(address) {
            said.push(format!("{id} is not named and need not go along"));
        }
        let terminates = match &action.operation {
            Operation::DeletePods { .. }
            | Operation::DeleteVolume { .. }
            | Operation::DeleteSecret { .. }
            | Operation::DeleteRegistries { .. } => true,
            Operation::StartPod { on_stuck, .. } => matches!(on_stuck, OnStuck::Replace(_)),
            Operation::Local
            | Operation::CreateSecret { .. }
            | Operation::CreateRegistry { .. }
            | Operation::SetSecret { .. }
            | Operation::CreateVolume { .. }
            | Operation::GrowVolume { .. }
            | Operation::CreatePod(_)
            | Operation::UpdatePod { .. }
            | Operation::StopPod { .. }
            | Operation::AwaitPod { .. }
            | Operation::AwaitJob { .. } => false,
        };
        let is_bound = bound.contains(address);
        if terminates && needed.contains(address) && !targets.contains(address) && !is_bound {
            said.push(format!("{id} ends what a target depends on"));
        }
    }
    said
}

/// A world with a question about a part of it.
fn asked() -> impl Strategy<Value = (Account, BTreeSet<Address>, BTreeSet<Address>, bool)> {
    let names = || {
        let all: Vec<&'static str> = VOLUMES.into_iter().chain(PODS).collect();
        subsequence(all, 0..=2)
            .prop_map(|names| names.into_iter().map(address).collect::<BTreeSet<Address>>())
    };
    (account(), names(), names(), any::<bool>())
}

fn patterns(addresses: &BTreeSet<Address>) -> Vec<podform::plan::Pattern> {
    addresses.iter().map(|address| address.to_string().parse().unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scopes(),
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(57),
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_touched_outside_what_was_named((account, targets, excluded, destroy) in asked()) {
        let world = account.world().option(|options| {
            options.targets = patterns(&targets);
            options.excludes = patterns(&excluded);
            options.destroy = destroy;
        });
        let planned = world.plan();
        let said = beyond(&world, &planned, &targets, &excluded);
        prop_assert!(said.is_empty(), "{:?} of {:?} without {:?}\n{}", said, targets, excluded, print(&planned));
        let named = |address: &Address| {
            planned.plan().findings.iter().any(|finding| {
                finding.code == "goes-along"
                    && finding.subject.as_ref().is_some_and(|subject| subject.address == *address)
            })
        };
        for id in planned.plan().actions.keys().filter(|id| !targets.is_empty() && !targets.contains(&id.address)) {
            prop_assert!(named(&id.address), "{id} goes along unnamed\n{}", print(&planned));
        }
    }
}

/// The check would find a target that takes all of its dependencies along, to be changed and destroyed with it.
#[test]
fn a_target_that_takes_all_that_it_depends_on_is_found_out() {
    let mut runner =
        TestRunner::new_with_rng(ProptestConfig::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut found = BTreeSet::new();
    for _ in 0..200 {
        let (account, targets, excluded, destroy) = asked().new_tree(&mut runner).unwrap().current();
        let world = account.world().option(|options| options.destroy = destroy);
        let all = closure(&targets, |address| {
            let mut needs = recorded_needs(&world, address);
            needs.extend(wanted_needs(&world, address));
            needs
        });
        let planned = world.clone().option(|options| options.targets = patterns(&all)).plan();
        let said =
            if targets.is_empty() { Vec::new() } else { beyond(&world, &planned, &targets, &excluded) };
        found.extend(said.iter().filter_map(|text| text.split_once(' ')).map(|(_, what)| what.to_owned()));
    }
    let found: Vec<String> = found.into_iter().collect();
    assert_eq!(found, ["ends what a target depends on", "is excluded", "is not named and need not go along"]);
}

fn is_blocked_for_reasons(planned: &Planned) -> bool {
    match planned {
        Planned::Blocked { reasons, plan: _ } => !reasons.is_empty(),
        Planned::Changes(_) | Planned::NoChanges(_) => false,
    }
}

/// Returns the addresses whose recorded object could not be looked at.
fn hidden(world: &World) -> BTreeSet<Address> {
    let seen = |id: &RemoteId| match id {
        RemoteId::Pod(id) => !matches!(world.live.pods.get(id), Some(Seen::Found(_) | Seen::Absent)),
        RemoteId::Volume(id) => !matches!(world.live.volumes.get(id), Some(Seen::Found(_) | Seen::Absent)),
        RemoteId::Secret(_) => !world.live.secrets.is_whole(),
        RemoteId::Registry(_) => !world.live.registries.is_whole(),
    };
    let objects = world.prior.objects.iter();
    objects.filter(|(_, recorded)| seen(&recorded.id)).map(|(address, _)| address.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn applying_a_plan_leaves_nothing_to_do(account in account()) {
        let world = account.world();
        let planned = world.plan();
        if !matches!(planned, Planned::Blocked { .. }) {
            let again = world.applied().plan();
            prop_assert!(again.plan().actions.is_empty(), "after\n{}remains\n{}", print(&planned), print(&again));
            prop_assert_eq!(again.plan().cost.now, planned.plan().cost.after, "{}", print(&planned));
        }
    }

    #[test]
    fn a_run_that_ends_anywhere_is_finished_by_the_next(account in account(), most in 0..12_usize) {
        let world = account.world();
        if !matches!(world.plan(), Planned::Blocked { .. }) {
            let first = print(&world.plan());
            let crashed = world.applied_until(most).option(|options| options.accept_vanished = true);
            let second = crashed.plan();
            prop_assert!(!is_blocked_for_reasons(&second), "after {most} of\n{first}is\n{}", print(&second));
            if matches!(second, Planned::Changes(_)) {
                let third = crashed.applied().plan();
                prop_assert!(third.plan().actions.is_empty(), "after\n{}remains\n{}", print(&second), print(&third));
            }
        }
    }

    #[test]
    fn what_could_not_be_looked_at_is_left_alone(account in account(), destroy: bool) {
        let world = account.world().option(|options| options.destroy = destroy);
        let planned = world.plan();
        let hidden = hidden(&world);
        for id in planned.plan().actions.keys() {
            prop_assert!(!hidden.contains(&id.address), "{}", print(&planned));
        }
        prop_assert!(hidden.iter().all(|address| planned.plan().held.contains_key(address)));
    }

    #[test]
    fn what_others_grew_is_never_taken_for_it(account in account(), number in 0..PODS.len()) {
        let mut account = account;
        let (wanted, had, fate) = &mut account.pods[number];
        let Some(shape) = had.as_mut().filter(|shape| !matches!(shape.mount, Mount::Volume(_))) else {
            return Ok(());
        };
        shape.gpu = 0;
        // What it referred to may have left the spec.
        shape.refers = false;
        let is_stopped = shape.stopped;
        *wanted = Some(shape.clone());
        *fate = Fate::Grown;
        let planned = account.world().plan();
        let name = address(PODS[number]);
        prop_assert!(planned.plan().actions.keys().all(|id| id.address != name || id.step == Step::Record
            || is_stopped && id.step == Step::Update), "{}", print(&planned));
    }

    #[test]
    fn what_is_protected_or_locked_is_never_lost(account in account(), destroy: bool) {
        let world = account.world().option(|options| options.destroy = destroy);
        let planned = world.plan();
        if is_blocked_for_reasons(&planned) {
            return Ok(());
        }
        for (id, action) in &planned.plan().actions {
            let Operation::DeletePods { ids } = &action.operation else { continue };
            let recorded = &world.prior.objects[&id.address];
            prop_assert!(!recorded.record.lifecycle.protect, "{}", print(&planned));
            for pod in ids {
                let live = world.live.pods[pod].found().unwrap();
                prop_assert!(!live.is_locked());
            }
        }
    }

    #[test]
    fn the_order_of_the_inputs_does_not_matter(account in account()) {
        let mut reversed = account.world_in_order(true);
        reversed.prior.open.reverse();
        prop_assert_eq!(account.world().plan(), reversed.plan());
    }

    #[test]
    fn the_digest_is_of_what_is_done_only(account in account()) {
        let world = account.world();
        let digest = world.plan().plan().digest.clone();
        let mut other = world.clone();
        other.nonce = RunNonce::new("another");
        other.prior.lineage = Lineage::new("another");
        other.prior.serial = Serial(99);
        other.live.observed_at = time(11_000);
        other = other.stranger("somebody", |_| {});
        prop_assert_eq!(other.plan().plan().digest.clone(), digest.clone());
        for gpu in other.catalog.gpus.values_mut() {
            gpu.secure = Price::Known(Hourly(1));
        }
        prop_assert_eq!(other.plan().plan().digest.hash.clone(), digest.hash);
    }

    #[test]
    fn every_change_of_a_wanted_pod_flips_the_digest(account in account(), number in 0..PODS.len(), edit in 0..17_u8) {
        let world = account.world();
        let name = address(PODS[number]);
        let mut other = world.clone();
        let Some(Wanted::Pod(pod)) = other.desired.wanted.get_mut(&name) else { return Ok(()) };
        if pod.run == RunState::Stopped {
            return Ok(());
        }
        match edit {
            0 => pod.container.image = "tool:9".to_owned(),
            1 => pod.container.name = "another".to_owned(),
            2 => pod.lifecycle.on_stuck_resume = match pod.lifecycle.on_stuck_resume {
                OnStuckResume::Fail => OnStuckResume::Replace,
                OnStuckResume::Replace => OnStuckResume::Wait,
                OnStuckResume::Wait => OnStuckResume::Fail,
            },
            3 => { Arc::make_mut(&mut pod.container.env).insert(EnvKey::new("NEW"), EnvValue::Plain("1".to_owned())); }
            4 => pod.run = RunState::Stopped,
            5 => pod.container.command = vec!["serve".to_owned()],
            6 => { pod.container.ports.insert(Port { number: 9000, protocol: Protocol::Http }); }
            7 => pod.container.disk = Gigabytes(77),
            8 => pod.container.registry = Some(Registry::Given(RegistryId::new("registry"))),
            9 => pod.container.storage = Storage::Local { size: Gigabytes(500), path: "/other".to_owned() },
            10 => pod.container.global_networking = true,
            11 => pod.hardware.cloud = CloudWish::Only(Cloud::Community),
            12 => pod.hardware.data_centers = [DataCenterId::new("US-TX-3")].into(),
            13 => pod.lifecycle.protect = !pod.lifecycle.protect,
            14 => pod.lifecycle.on_remove = match pod.lifecycle.on_remove {
                OnRemove::Terminate | OnRemove::Forget => OnRemove::Stop,
                OnRemove::Stop => OnRemove::Forget,
            },
            15 => pod.access.jupyter = true,
            _ => pod.hardware.compute = ComputeWish::Gpu(gpus(&["A100 PCIe"])),
        }
        let (planned, changed) = (world.plan(), other.plan());
        let held = |planned: &Planned| planned.plan().held.contains_key(&name);
        let is_away = |world: &World| !world.prior.objects.contains_key(&name) && edit == 4;
        if !held(&planned) && !held(&changed) && !is_away(&other) {
            prop_assert_ne!(
                &planned.plan().digest.hash,
                &changed.plan().digest.hash,
                "{}and\n{}", print(&planned), print(&changed)
            );
        }
    }

    #[test]
    fn every_change_of_a_live_pod_flips_the_digest(account in account(), number in 0..PODS.len(), edit in 0..5_u8) {
        let world = account.world();
        let name = address(PODS[number]);
        let mut other = world.clone();
        let id = PodId::new(id_of(&name.to_string()));
        if !matches!(world.desired.wanted.get(&name), Some(Wanted::Pod(_))) {
            return Ok(());
        }
        let Some(Seen::Found(pod)) = other.live.pods.get_mut(&id) else { return Ok(()) };
        match edit {
            0 => pod.settings.image = Some("theirs:2".to_owned()),
            1 => pod.status = if pod.status.is_up() { PodStatus::Exited } else { PodStatus::Running },
            2 => pod.settings.disk = Some(Gigabytes(9)),
            3 => pod.settings.name = Some("theirs".to_owned()),
            _ => { other.live.pods.insert(id, Seen::Absent); }
        }
        let (planned, changed) = (world.plan(), other.plan());
        let held = |planned: &Planned| planned.plan().held.contains_key(&name);
        // How a pod looks is no matter where it goes.
        let goes = |planned: &Planned| {
            let reason = |action: &Action| action.reason == Reason::VolumeRemoved;
            planned.plan().actions.iter().any(|(id, action)| id.address == name && reason(action))
        };
        if !held(&planned) && !held(&changed) && !goes(&planned) && !goes(&changed) {
            prop_assert_ne!(
                &planned.plan().digest.hash,
                &changed.plan().digest.hash,
                "{}and\n{}", print(&planned), print(&changed)
            );
        }
    }

    #[test]
    fn equal_inputs_give_equal_bytes(account in account()) {
        let (one, other) = (account.world().plan(), account.world_in_order(true).plan());
        prop_assert_eq!(one.plan().digest.to_string(), other.plan().digest.to_string());
        let saved = |planned: Planned| {
            plan_file(&SavedPlan { planned, inputs: PlanInputs::default(), positions: BTreeMap::new() })
        };
        prop_assert_eq!(saved(one), saved(other));
    }

    #[test]
    fn volumes_given_by_id_are_never_touched(account in account(), destroy: bool) {
        let mut world = account.world().option(|options| options.destroy = destroy);
        let id = VolumeId::new("id-volume-x");
        world.desired.wanted.insert(address("volume.x"), Wanted::Volume(WantedVolume::Referenced { id }));
        let planned = world.plan();
        for (id, action) in &planned.plan().actions {
            let touches = matches!(
                action.operation,
                Operation::GrowVolume { .. } | Operation::DeleteVolume { .. } | Operation::CreateVolume { .. }
            );
            prop_assert!(destroy || id.address != address("volume.x") || !touches, "{}", print(&planned));
            prop_assert!(id.address != address("volume.x") || id.step != Step::Create, "{}", print(&planned));
        }
    }

    #[test]
    fn destroying_leaves_nothing_that_is_managed(account in account()) {
        let world = account.world().option(|options| options.destroy = true);
        let planned = world.plan();
        if !matches!(planned, Planned::Blocked { .. }) {
            let after = world.applied().option(|options| options.destroy = true);
            let left: BTreeSet<&Address> = after.prior.objects.keys().collect();
            prop_assert_eq!(&left, &planned.plan().held.keys().collect(), "{}", print(&planned));
            prop_assert!(after.plan().plan().actions.is_empty(), "{}", print(&after.plan()));
        }
    }

    #[test]
    fn what_is_requested_to_be_replaced_is_replaced_once(account in account(), number in 0..PODS.len()) {
        let name = address(PODS[number]);
        let world = account.world().option(|options| {
            options.replace.insert(name.clone());
        });
        let planned = world.plan();
        if !matches!(planned, Planned::Blocked { .. }) {
            let steps = planned.plan().actions.keys().filter(|id| id.address == name);
            let steps: BTreeSet<Step> = steps.map(|id| id.step).collect();
            let is_live = matches!(
                world.live.pods.get(&PodId::new(id_of(&name.to_string()))),
                Some(Seen::Found(_))
            );
            let wanted = match world.desired.wanted.get(&name) {
                Some(Wanted::Pod(pod)) => pod.run == RunState::Running,
                Some(Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None => false,
            };
            if is_live && wanted && !planned.plan().held.contains_key(&name) {
                prop_assert!(steps.contains(&Step::Delete) && steps.contains(&Step::Create), "{}", print(&planned));
            }
            let again = world.applied().plan();
            prop_assert!(again.plan().actions.is_empty(), "after\n{}remains\n{}", print(&planned), print(&again));
        }
    }

    #[test]
    fn what_is_excluded_is_left_alone(account in account(), excluded in subsequence(PODS.to_vec(), 0..=5)) {
        let world = account.world().option(|options| {
            options.excludes = excluded.iter().map(|name| name.parse().unwrap()).collect();
        });
        let planned = world.plan();
        let plan = planned.plan();
        for name in excluded {
            let name = address(name);
            prop_assert!(plan.actions.keys().all(|id| id.address != name), "{}", print(&planned));
            prop_assert!(!plan.unchanged.contains(&name) && !plan.held.contains_key(&name));
        }
    }
}
