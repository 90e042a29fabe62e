//! The world: all hosts, pods, volumes and the account, and what can be done to them.
//!
//! Every method is a plain function of the world and its arguments. Time passes only in [`World::pass`]; identifiers and timings are drawn from
//! the seed and from what they are about ([`chance`]), so parallel requests that arrive in another order make the same pods. What no API says
//! (the case of a tie, an unpublished limit) is decided here once and the same for every API.

pub mod billing;
pub mod chance;
pub mod facts;
pub mod hosts;
pub mod job;
mod lifecycle;
pub mod log;
mod meddling;
pub mod migration;
pub mod moment;
pub mod money;
pub mod order;
pub mod phase;
pub mod placement;
pub mod pod;
pub mod refusal;
pub mod registry;
pub mod secret;
pub mod settings;
mod storage;
pub mod template;
mod totals;
pub mod volume;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use hosts::{HostId, Inventory};
use migration::Migration;
use moment::Moment;
use money::HourlyPrice;
use phase::{By, Phase};
use pod::{Mount, Pod, PodId, Status};
use refusal::Refusal;
use registry::Registry;
use secret::AccountSecret;
use template::Template;
use totals::Totals;
use volume::{Volume, VolumeId};

/// The environment variable in which `podform` marks its own pods; the identifier of a marked pod is drawn from the mark.
const MARK: &str = "PODFORM_MARK";
/// How long a new object may be missing from listings, in milliseconds, unless another lag is set.
const LONGEST_LISTING_LAG: u64 = 3_000;
/// Pods younger than this are missing from a lagging listing, in milliseconds.
const LAGGING: u64 = 60_000;
/// A begun account: 10,000 US dollars, so that a long trial does not end by itself.
const FIRST_BALANCE: i64 = 10_000_000_000;

/// Which pods a listing shows: the right ones, or what a lagging index shows of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listing {
    /// The pods as they are.
    #[default]
    Current,
    /// The pods as they were before the last change.
    Stale,
    /// The pods without those of the last minute.
    Lagging,
    /// Each pod twice.
    Duplicate,
}

/// The account that everything is rented to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Micro-dollars left; never read by REST v2.
    pub balance: i64,
    /// Micro-dollars times milliseconds per hour that are not charged yet, so that rounding loses nothing.
    pub uncharged: u64,
    /// Registered SSH public keys.
    pub ssh_keys: Vec<String>,
    pub secrets: Vec<AccountSecret>,
    #[serde(default)]
    pub templates: Vec<Template>,
    #[serde(default)]
    pub registries: Vec<Registry>,
}

/// Everything but pods and volumes: the part of a world that is saved as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// What identifiers and timings are drawn from.
    pub seed: u64,
    /// How many times the usual number of machines there are.
    pub abundance: u32,
    /// The time.
    pub now: Moment,
    /// How many objects without a mark were made: it tells their identifiers apart.
    pub unmarked: u64,
    pub account: Account,
    /// What other tenants hold, where that was changed.
    pub foreign: BTreeMap<HostId, u32>,
    /// Machines that are gone.
    pub lost: BTreeSet<HostId>,
    /// GPU types that nothing is placed on.
    pub closed_gpus: BTreeSet<String>,
    /// Data centers that nothing is placed in.
    pub closed_data_centers: BTreeSet<String>,
    /// How long a new object may be missing from listings and from requests by its id, in milliseconds.
    #[serde(default = "usual_lag")]
    pub longest_lag: u64,
    /// The pods that are being moved.
    #[serde(default)]
    pub migrations: BTreeMap<PodId, Migration>,
    /// What compute costs, in percent of what was published.
    #[serde(default = "published")]
    pub price_percent: u32,
}

fn usual_lag() -> u64 {
    LONGEST_LISTING_LAG
}

fn published() -> u32 {
    100
}

impl Ground {
    /// Returns whether anything was changed here, apart from what passing time changes.
    pub fn differs_but_for_time(&self, other: &Ground) -> bool {
        let Account { balance, uncharged, ssh_keys: _, secrets: _, templates: _, registries: _ } =
            other.account;
        let mut same_time = self.clone();
        same_time.now = other.now;
        same_time.account.balance = balance;
        same_time.account.uncharged = uncharged;
        same_time != *other
    }
}

/// The whole simulated RunPod.
#[derive(Debug, Clone)]
pub struct World {
    ground: Ground,
    hosts: Arc<Inventory>,
    pods: BTreeMap<PodId, Pod>,
    volumes: BTreeMap<VolumeId, Volume>,
    /// The pods that the last mutating request changed, as they were before it: what a stale listing shows.
    before: BTreeMap<PodId, Option<Pod>>,
    changed_pods: BTreeSet<PodId>,
    changed_volumes: BTreeSet<VolumeId>,
    totals: Totals,
}

impl World {
    /// Makes a world without pods.
    pub fn new(seed: u64, abundance: u32, now: Moment) -> World {
        let ground = Ground {
            seed,
            abundance,
            now,
            unmarked: 0,
            account: Account {
                balance: FIRST_BALANCE,
                uncharged: 0,
                ssh_keys: vec![
                    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNpbXVsYXRlZC1rZXktb2Ytbm9ib2R5LWF0LWFsbCE= nobody@simulator"
                        .to_owned(),
                ],
                secrets: Vec::new(),
                templates: Vec::new(),
                registries: Vec::new(),
            },
            foreign: BTreeMap::new(),
            lost: BTreeSet::new(),
            closed_gpus: BTreeSet::new(),
            closed_data_centers: BTreeSet::new(),
            longest_lag: usual_lag(),
            migrations: BTreeMap::new(),
            price_percent: published(),
        };
        World::restore(ground, Vec::new(), Vec::new())
    }

    /// Makes a world of saved parts.
    pub fn restore(ground: Ground, pods: Vec<Pod>, volumes: Vec<Volume>) -> World {
        let mut totals = Totals::default();
        for pod in &pods {
            totals.update(pod, ground.now);
        }
        World {
            hosts: Inventory::of(ground.abundance),
            ground,
            pods: pods.into_iter().map(|pod| (pod.id.clone(), pod)).collect(),
            volumes: volumes.into_iter().map(|volume| (volume.id.clone(), volume)).collect(),
            before: BTreeMap::new(),
            changed_pods: BTreeSet::new(),
            changed_volumes: BTreeSet::new(),
            totals,
        }
    }

    /// Returns everything but pods and volumes.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// Returns the time.
    pub fn now(&self) -> Moment {
        self.ground.now
    }

    /// Returns what a published price is now.
    pub fn price(&self, published: Option<HourlyPrice>) -> Option<HourlyPrice> {
        published.map(|price| price.percent(self.ground.price_percent))
    }

    /// Returns what identifiers and timings are drawn from.
    pub fn seed(&self) -> u64 {
        self.ground.seed
    }

    /// Returns the account.
    pub fn account(&self) -> &Account {
        &self.ground.account
    }

    /// Returns every pod that was ever made, terminated ones included.
    pub fn all_pods(&self) -> impl Iterator<Item = &Pod> {
        self.pods.values()
    }

    /// Returns every network volume, new ones included.
    pub fn all_volumes(&self) -> impl Iterator<Item = &Volume> {
        self.volumes.values()
    }

    /// Returns and forgets which pods and volumes changed since the last call; an absent volume was deleted.
    pub fn take_changes(&mut self) -> (BTreeSet<PodId>, BTreeSet<VolumeId>) {
        (std::mem::take(&mut self.changed_pods), std::mem::take(&mut self.changed_volumes))
    }

    /// Lets time pass, and charges for it.
    ///
    /// An account that runs dry loses its pods as RunPod documents it: those on a network volume are stopped, the others are terminated.
    pub fn pass(&mut self, millis: u64) {
        let rate: u64 = self.spend_per_hour().micros();
        let account = &mut self.ground.account;
        account.uncharged = account.uncharged.saturating_add(rate.saturating_mul(millis));
        let charge = account.uncharged / 3_600_000;
        account.uncharged %= 3_600_000;
        account.balance = account.balance.saturating_sub_unsigned(charge);
        self.ground.now = self.ground.now.after(millis);
        while let Some(id) = self.totals.due(self.now()) {
            self.refresh(&id);
        }
        self.end_migrations();
        if self.ground.account.balance <= 0 {
            self.run_dry();
        }
    }

    /// Returns what everything costs in an hour from now; pods of unknown price count nothing.
    pub fn spend_per_hour(&self) -> HourlyPrice {
        let volumes = self.volumes.values().map(|volume| money::network_volume(volume.size));
        volumes.chain([HourlyPrice::from_micros(self.totals.micros_per_hour())]).sum()
    }

    fn run_dry(&mut self) {
        let (now, mut emptied) = (self.now(), Vec::new());
        for pod in self.pods.values() {
            match (&pod.mount, pod.status(now)) {
                (_, Status::Terminated) | (Mount::Network { .. }, Status::Exited) => {}
                (
                    Mount::Network { .. },
                    Status::Provisioning | Status::Starting | Status::Running | Status::Error,
                ) => emptied.push((pod.id.clone(), Phase::Stopped { at: now, by: By::Balance })),
                (
                    Mount::Nothing | Mount::Persistent { .. },
                    Status::Provisioning
                    | Status::Starting
                    | Status::Running
                    | Status::Exited
                    | Status::Error,
                ) => emptied.push((pod.id.clone(), Phase::Gone { at: now, by: By::Balance })),
            }
        }
        for (id, phase) in emptied {
            self.change(&id, |pod| pod.end(now, phase));
        }
    }

    /// Returns the pods that a listing shows: not the terminated ones, and not yet the newest ones.
    pub fn listing(&self, listing: Listing) -> Vec<Cow<'_, Pod>> {
        let now = self.now();
        let shown = |pod: &Pod| pod.status(now) != Status::Terminated && pod.visible_at <= now;
        let current = self.pods.values().filter(|pod| shown(pod)).map(Cow::Borrowed);
        match listing {
            Listing::Current => current.collect(),
            Listing::Lagging => current.filter(|pod| now.since(pod.created_at) >= LAGGING).collect(),
            Listing::Duplicate => current.flat_map(|pod| [pod.clone(), pod]).collect(),
            Listing::Stale => {
                let as_before = self.pods.iter().filter_map(|(id, pod)| match self.before.get(id) {
                    Some(before) => before.clone().map(Cow::Owned),
                    None => Some(Cow::Borrowed(pod)),
                });
                as_before.filter(|pod| shown(pod)).collect()
            }
        }
    }

    /// Returns a pod whatever became of it, also while listings do not show it yet.
    pub fn any_pod(&self, id: &PodId) -> Option<&Pod> {
        self.pods.get(id)
    }

    /// Returns a pod that was just made or changed, even if listings do not have it yet.
    pub fn made(&self, id: &PodId) -> &Pod {
        self.pods.get(id).expect("the world has just given this identifier")
    }

    /// Returns a pod that can be asked about or acted on.
    ///
    /// # Errors
    /// [`Refusal::NoSuchPod`], also for one that was terminated or is too new to be known everywhere.
    pub fn pod(&self, id: &str) -> Result<&Pod, Refusal> {
        let now = self.now();
        match self.pods.get(&PodId(id.to_owned())) {
            Some(pod) if pod.status(now) != Status::Terminated && pod.visible_at <= now => Ok(pod),
            Some(_) | None => Err(Refusal::NoSuchPod),
        }
    }

    fn begin_mutation(&mut self) {
        self.before.clear();
    }

    fn change(&mut self, id: &PodId, edit: impl FnOnce(&mut Pod)) {
        if let Some(pod) = self.pods.get_mut(id) {
            self.before.entry(id.clone()).or_insert_with(|| Some(pod.clone()));
            self.changed_pods.insert(id.clone());
            edit(pod);
            self.refresh(id);
        }
    }

    fn insert(&mut self, pod: Pod) {
        let id = pod.id.clone();
        self.before.insert(id.clone(), None);
        self.changed_pods.insert(id.clone());
        self.pods.insert(id.clone(), pod);
        self.refresh(&id);
    }

    fn refresh(&mut self, id: &PodId) {
        if let Some(pod) = self.pods.get(id) {
            self.totals.update(pod, self.ground.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::order::{PodChange, PodOrder};
    use super::pod::Compute;
    use super::settings::SettingsChange;
    use super::volume::VolumeOrder;
    use super::*;

    /// Does something at random, as people, tenants and the platform do.
    fn disturb(world: &mut World, random: &mut fastrand::Rng, step: u32) {
        world.pass(random.u64(0..20_000));
        let ids: Vec<PodId> = world.all_pods().map(|pod| pod.id.clone()).collect();
        let id = random.choice(&ids).cloned().unwrap_or_else(|| PodId("nobody".to_owned()));
        let image = *random.choice(&["ubuntu", "ubuntu:one-shot", "ubuntu:broken", "ubuntu:silent"]).unwrap();
        let mut order = match random.u8(0..3) {
            0 => PodOrder::cpu(&format!("pod {step}"), image, "cpu5c", 4),
            1 => PodOrder::gpu(&format!("pod {step}"), image, "NVIDIA H200"),
            _ => PodOrder::gpu(&format!("pod {step}"), image, "NVIDIA A40"),
        };
        // Refusals are part of the noise.
        match random.u8(0..13) {
            0..=3 => drop(world.create_pod(order)),
            4 => drop(world.start_pod(&id.0, None)),
            5 => drop(world.stop_pod(&id.0)),
            6 => drop(world.restart_pod(&id.0)),
            7 => drop(world.terminate_pod(&id.0)),
            8 => {
                let settings = SettingsChange { image: Some(image.to_owned()), ..SettingsChange::default() };
                drop(world.update_pod(&id.0, PodChange { settings, ..PodChange::default() }));
            }
            9 => world.exit_pod(&id),
            10 if step.is_multiple_of(2) => drop(world.migrate_pod(&id)),
            10 => drop(world.begin_migration(&id)),
            11 => {
                let host = world.any_pod(&id).map(|pod| pod.host.clone());
                if let Some(host) = host {
                    if random.bool() { world.fill_host(&host) } else { world.lose_host(&host) }
                }
            }
            _ => {
                let volume = VolumeOrder {
                    name: format!("{step}"),
                    size: 10,
                    data_center: "EU-RO-1".into(),
                    tier: None,
                };
                if let Ok(volume) = world.create_volume(volume) {
                    order.mount = Mount::Network { volume, path: "/data".to_owned() };
                    drop(world.create_pod(order));
                }
            }
        }
    }

    #[test]
    fn totals_and_machines_agree_with_the_pods_whatever_happens() {
        for seed in 0..20 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut world = World::new(seed, 1, Moment::EPOCH);
            for step in 0..200 {
                disturb(&mut world, &mut random, step);
                let now = world.now();
                let prices = world
                    .pods
                    .values()
                    .flat_map(|pod| [pod.compute_price(now).unwrap_or_default(), pod.disk_price(now)]);
                let volumes = world.volumes.values().map(|volume| money::network_volume(volume.size));
                assert_eq!(world.spend_per_hour(), prices.chain(volumes).sum(), "seed {seed}, step {step}");
                let mut held: BTreeMap<&HostId, u32> = BTreeMap::new();
                for pod in world.pods.values() {
                    *held.entry(&pod.host).or_default() += pod.units(now);
                    assert!(
                        pod.paid_periods(now).iter().all(|(from, to)| from <= to),
                        "seed {seed}, step {step}"
                    );
                }
                for (host, units) in held {
                    assert_eq!(world.totals.held(host), units, "seed {seed}, step {step}");
                    assert!(units <= world.hosts.get(host).unwrap().capacity, "seed {seed}, step {step}");
                }
            }
            assert!(world.pods.len() > 30, "the noise made {} pods", world.pods.len());
        }
    }

    #[test]
    fn a_migrated_pod_has_another_identifier_and_the_same_mark() {
        let mut world = World::new(1, 1, Moment::EPOCH);
        let mut order = PodOrder::gpu("moved", "ubuntu", "NVIDIA A40");
        order.settings.env.insert(MARK.to_owned(), "acme/moved/1".to_owned());
        let old = world.create_pod(order).unwrap();
        world.pass(60_000);
        let new = world.migrate_pod(&old).unwrap();
        assert_ne!(old, new);
        assert_eq!(world.pod(&old.0).err(), Some(Refusal::NoSuchPod));
        let pod = world.pod(&new.0).unwrap();
        assert_eq!(
            (pod.settings.env[MARK].as_str(), pod.status(world.now())),
            ("acme/moved/1", Status::Provisioning)
        );
        assert!(matches!(pod.compute, Compute::Gpu { attached: 1, .. }));
    }

    #[test]
    fn a_migration_shows_three_pods_and_ends_with_one() {
        let mut world = World::new(1, 1, Moment::EPOCH);
        let mut order = PodOrder::gpu("moved", "ubuntu", "NVIDIA A40");
        order.settings.env.insert(MARK.to_owned(), "acme/moved/1".to_owned());
        let old = world.create_pod(order).unwrap();
        world.pass(60_000);
        let new = world.begin_migration(&old).unwrap();
        assert_eq!(world.begin_migration(&old), None);
        world.pass(10_000);
        let compute = |world: &World, id: &PodId| world.pod(&id.0).map(|pod| pod.compute.clone());
        assert!(matches!(compute(&world, &new), Ok(Compute::Gpu { count: 1, attached: 0, .. })));
        assert_eq!(world.listing(Listing::Current).len(), 3);
        let mover = world.made(&world.ground.migrations[&old].mover);
        let free = HourlyPrice::default();
        assert_eq!((mover.compute_price(world.now()), mover.disk_price(world.now())), (Some(free), free));
        assert_eq!(world.stop_pod(&old.0).err(), Some(Refusal::Migrating));
        assert_eq!(world.terminate_pod(&old.0).err(), Some(Refusal::Migrating));
        world.pass(600_000);
        assert_eq!(world.listing(Listing::Current).len(), 1);
        assert!(matches!(compute(&world, &new), Ok(Compute::Gpu { attached: 1, .. })));
        assert_eq!(world.pod(&old.0).err(), Some(Refusal::NoSuchPod));
    }

    #[test]
    fn a_balance_is_charged_to_the_last_micro_dollar() {
        let mut world = World::new(1, 1, Moment::EPOCH);
        world.create_pod(PodOrder::gpu("paid", "ubuntu", "NVIDIA A40")).unwrap();
        let hourly = i64::try_from(world.spend_per_hour().micros()).unwrap();
        let before = world.account().balance;
        for _ in 0..3_600 {
            world.pass(1_000);
        }
        assert_eq!(before - world.account().balance, hourly);
    }
}
