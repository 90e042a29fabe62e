//! The world: all hosts, pods, volumes and the account, and what can be done to them.
//!
//! Every method is a plain function of the world and its arguments. Time passes only in [`World::pass`]; identifiers and timings are drawn from
//! the seed and from what they are about ([`chance`]), so parallel requests that arrive in another order make the same pods. What no API says
//! (the case of a tie, an unpublished limit) is decided here once and the same for every API.

pub mod billing;
pub mod chance;
pub mod facts;
pub mod hosts;
pub mod moment;
pub mod money;
pub mod order;
pub mod placement;
pub mod pod;
pub mod refusal;
pub mod volume;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use chance::{between, letters};
use hosts::{Cloud, Host, HostId};
use moment::Moment;
use order::{ComputeOrder, PodChange, PodOrder};
use pod::{Action, By, Compute, Mount, Phase, Pod, PodId, Status};
use refusal::Refusal;
use volume::{Volume, VolumeId, VolumeOrder};

/// The environment variable in which `podform` marks its own pods; the identifier of a marked pod is drawn from the mark.
const MARK: &str = "PODFORM_MARK";
/// How long a new object may be missing from listings, in milliseconds.
const LONGEST_LISTING_LAG: u64 = 3_000;
/// A begun account: 10,000 US dollars, so that a long trial does not end by itself.
const FIRST_BALANCE: i64 = 10_000_000_000;

/// The account that everything is rented to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Micro-dollars left; never read by REST v2.
    pub balance: i64,
    /// Micro-dollars times milliseconds per hour that are not charged yet, so that rounding loses nothing.
    pub uncharged: u64,
    /// Registered SSH public keys.
    pub ssh_keys: Vec<String>,
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
    /// The account.
    pub account: Account,
    /// What other tenants hold, where that was changed.
    pub foreign: BTreeMap<HostId, u32>,
    /// Machines that are gone.
    pub lost: BTreeSet<HostId>,
    /// GPU types that nothing is placed on.
    pub closed_gpus: BTreeSet<String>,
    /// Data centers that nothing is placed in.
    pub closed_data_centers: BTreeSet<String>,
}

impl Ground {
    /// Returns whether anything was changed here, apart from what passing time changes.
    pub fn differs_but_for_time(&self, other: &Ground) -> bool {
        let Account { balance, uncharged, ssh_keys: _ } = other.account;
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
    hosts: BTreeMap<HostId, Host>,
    pods: BTreeMap<PodId, Pod>,
    volumes: BTreeMap<VolumeId, Volume>,
    /// The pods that the last mutating request changed, as they were before it: what a stale listing shows.
    before: BTreeMap<PodId, Option<Pod>>,
    changed_pods: BTreeSet<PodId>,
    changed_volumes: BTreeSet<VolumeId>,
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
            },
            foreign: BTreeMap::new(),
            lost: BTreeSet::new(),
            closed_gpus: BTreeSet::new(),
            closed_data_centers: BTreeSet::new(),
        };
        World::restore(ground, Vec::new(), Vec::new())
    }

    /// Makes a world of saved parts.
    pub fn restore(ground: Ground, pods: Vec<Pod>, volumes: Vec<Volume>) -> World {
        World {
            hosts: hosts::inventory(ground.abundance),
            ground,
            pods: pods.into_iter().map(|pod| (pod.id.clone(), pod)).collect(),
            volumes: volumes.into_iter().map(|volume| (volume.id.clone(), volume)).collect(),
            before: BTreeMap::new(),
            changed_pods: BTreeSet::new(),
            changed_volumes: BTreeSet::new(),
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

    /// Returns the machines.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values()
    }

    /// Returns a machine.
    pub fn host(&self, id: &HostId) -> Option<&Host> {
        self.hosts.get(id)
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
        if self.ground.account.balance <= 0 {
            self.run_dry();
        }
    }

    /// Returns what everything costs in an hour from now; pods of unknown price count nothing.
    pub fn spend_per_hour(&self) -> money::HourlyPrice {
        let now = self.now();
        let pods = self
            .pods
            .values()
            .flat_map(|pod| [pod.compute_price(now).unwrap_or_default(), pod.disk_price(now)]);
        let volumes = self.volumes.values().map(|volume| money::network_volume(volume.size));
        pods.chain(volumes).sum()
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
    pub fn listed_pods(&self) -> Vec<&Pod> {
        let now = self.now();
        self.pods
            .values()
            .filter(|pod| pod.status(now) != Status::Terminated && pod.visible_at <= now)
            .collect()
    }

    /// Returns the pods that a listing showed before the last mutating request.
    pub fn stale_pods(&self) -> Vec<Pod> {
        let mut pods = self.pods.clone();
        for (id, before) in &self.before {
            match before {
                Some(pod) => pods.insert(id.clone(), pod.clone()),
                None => pods.remove(id),
            };
        }
        let now = self.now();
        pods.into_values()
            .filter(|pod| pod.status(now) != Status::Terminated && pod.visible_at <= now)
            .collect()
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

    /// Returns the network volumes that a listing shows.
    pub fn listed_volumes(&self) -> Vec<&Volume> {
        self.volumes.values().filter(|volume| volume.visible_at <= self.now()).collect()
    }

    /// Returns a network volume.
    ///
    /// # Errors
    /// [`Refusal::NoSuchVolume`].
    pub fn volume(&self, id: &str) -> Result<&Volume, Refusal> {
        self.volumes.get(&VolumeId(id.to_owned())).ok_or(Refusal::NoSuchVolume)
    }

    /// Makes a pod, if a host has room.
    ///
    /// # Errors
    /// A broken rule, an empty account or no capacity; nothing is changed then.
    pub fn create_pod(&mut self, order: PodOrder) -> Result<PodId, Refusal> {
        order.check()?;
        if let Mount::Network { volume, .. } = &order.mount {
            self.volume(&volume.0)?;
        }
        let id = self.new_pod_id(&order);
        self.create_pod_as(id, order)
    }

    /// Makes a pod of a given identifier, for worlds that are set up by hand.
    ///
    /// # Errors
    /// As [`create_pod`](World::create_pod).
    pub fn create_pod_as(&mut self, id: PodId, order: PodOrder) -> Result<PodId, Refusal> {
        let place = self.place(&order, &id)?;
        let (compute, price) = rented(&order, &place);
        let hour = price.unwrap_or_default().micros().max(1);
        if self.ground.account.balance < i64::try_from(hour).unwrap_or(i64::MAX) {
            return Err(Refusal::NoFunds);
        }
        self.begin_mutation();
        if !order.env.contains_key(MARK) {
            self.ground.unmarked += 1;
        }
        let pod = self.new_pod(order, id.clone(), &place, compute, price);
        self.before.insert(id.clone(), None);
        self.changed_pods.insert(id.clone());
        self.pods.insert(id.clone(), pod);
        Ok(id)
    }

    fn new_pod(
        &self,
        order: PodOrder,
        id: PodId,
        place: &placement::Place,
        compute: Compute,
        price: Option<money::HourlyPrice>,
    ) -> Pod {
        let now = self.now();
        let (vcpus, memory) = match &compute {
            Compute::Gpu { count, .. } => (place.host.vcpu_per_gpu * count, place.host.ram_per_gpu * count),
            Compute::Cpu { flavor, vcpus } => {
                (*vcpus, facts::cpu(flavor).map_or(2, |fact| fact.ram_gb_per_vcpu) * vcpus)
            }
        };
        let env = self.with_platform_keys(&order, &id);
        let mut pod = Pod {
            visible_at: now.after(between(self.seed(), &["listed", &id.0], 0, LONGEST_LISTING_LAG)),
            id,
            name: order.name,
            image: order.image,
            args: order.args,
            entrypoint: order.entrypoint,
            env,
            ports: order.ports,
            disk: order.disk,
            registry: order.registry,
            mount: order.mount,
            compute,
            cloud: place.host.cloud,
            host: place.host.id.clone(),
            data_center: place.host.data_center.to_owned(),
            ip: place.host.ip.clone(),
            cuda: place.host.cuda.map(str::to_owned),
            vcpus,
            memory,
            price,
            interruptible: order.bid.is_some(),
            locked: order.locked,
            global_networking: false,
            global_networking_next: order.global_networking,
            created_at: now,
            started_at: None,
            phase: Phase::Stopped { at: now, by: By::User },
            containers: 0,
            periods: Vec::new(),
            template: order.template,
        };
        pod.boot(self.seed(), now, true);
        pod
    }

    /// Adds what the platform adds to a new pod's environment, unless the request already has it.
    fn with_platform_keys(&self, order: &PodOrder, id: &PodId) -> BTreeMap<String, String> {
        let mut env = order.env.clone();
        let keys = &self.ground.account.ssh_keys;
        if order.ssh && !keys.is_empty() {
            env.entry("PUBLIC_KEY".to_owned()).or_insert_with(|| keys.join("\n"));
        }
        if order.jupyter {
            env.entry("JUPYTER_PASSWORD".to_owned())
                .or_insert_with(|| letters(self.seed(), &["jupyter", &id.0], 20));
        }
        env
    }

    fn new_pod_id(&self, order: &PodOrder) -> PodId {
        let subject = match order.env.get(MARK) {
            Some(mark) => format!("mark {mark}"),
            None => format!("pod {} {}", order.name, self.ground.unmarked),
        };
        // A second pod of the same mark is a duplicate and must not hide the first one.
        (0_u32..)
            .map(|copy| PodId(letters(self.seed(), &["pod", &subject, &copy.to_string()], 14)))
            .find(|id| !self.pods.contains_key(id))
            .expect("there are more identifiers than pods")
    }

    /// Starts a stopped pod on its own host, with the number of GPUs it rented or with fewer.
    ///
    /// # Errors
    /// The pod does not exist or is not stopped, or its host is full or gone.
    pub fn start_pod(&mut self, id: &str, gpus: Option<u32>) -> Result<PodId, Refusal> {
        let pod = self.allowed(id, Action::Start)?;
        let pod_id = pod.id.clone();
        let wanted = match &pod.compute {
            Compute::Gpu { count, .. } => gpus.unwrap_or(*count),
            Compute::Cpu { vcpus, .. } => *vcpus,
        };
        let host = pod.host.clone();
        if self.ground.lost.contains(&host) {
            return Err(Refusal::HostLost);
        }
        if self.free_units(&host) < wanted {
            return Err(Refusal::HostFull);
        }
        if self.ground.account.balance <= 0 {
            return Err(Refusal::NoFunds);
        }
        let (seed, now) = (self.seed(), self.now());
        self.begin_mutation();
        self.change(&pod_id, |pod| {
            if let Compute::Gpu { attached, .. } = &mut pod.compute {
                *attached = wanted;
            }
            pod.boot(seed, now, false);
        });
        Ok(pod_id)
    }

    /// Stops a pod: its compute is free for others, its volume stays.
    ///
    /// # Errors
    /// The pod does not exist, is not up, or is locked.
    pub fn stop_pod(&mut self, id: &str) -> Result<PodId, Refusal> {
        let pod = self.allowed(id, Action::Stop)?;
        if pod.locked {
            return Err(Refusal::Locked);
        }
        let (id, now) = (pod.id.clone(), self.now());
        self.begin_mutation();
        self.change(&id, |pod| pod.end(now, Phase::Stopped { at: now, by: By::User }));
        Ok(id)
    }

    /// Makes a pod's container anew in place.
    ///
    /// # Errors
    /// The pod does not exist, does not run, or is locked.
    pub fn restart_pod(&mut self, id: &str) -> Result<PodId, Refusal> {
        let pod = self.allowed(id, Action::Restart)?;
        if pod.locked {
            return Err(Refusal::Locked);
        }
        let (id, seed, now) = (pod.id.clone(), self.seed(), self.now());
        self.begin_mutation();
        self.change(&id, |pod| pod.boot(seed, now, false));
        Ok(id)
    }

    /// Deletes a pod with its disks. A lock does not keep it: RunPod documents the lock against stop and reset only.
    ///
    /// # Errors
    /// The pod does not exist.
    pub fn terminate_pod(&mut self, id: &str) -> Result<(), Refusal> {
        let (id, now) = (self.pod(id)?.id.clone(), self.now());
        self.begin_mutation();
        self.change(&id, |pod| pod.end(now, Phase::Gone { at: now, by: By::User }));
        Ok(())
    }

    /// Changes a pod; most changes make its container anew.
    ///
    /// # Errors
    /// The pod does not exist, is locked against a reset, or a rule is broken; nothing is changed then.
    pub fn update_pod(&mut self, id: &str, change: PodChange) -> Result<PodId, Refusal> {
        let pod = self.pod(id)?;
        change.check(&pod.compute)?;
        if change.resets() && change.locked.unwrap_or(pod.locked) {
            return Err(Refusal::Locked);
        }
        let mount = changed_mount(&pod.mount, &change)?;
        self.check_global_networking(pod, &change)?;
        let (id, seed, now) = (pod.id.clone(), self.seed(), self.now());
        let boots = change.resets() && pod.status(now).holds_compute();
        self.begin_mutation();
        self.change(&id, |pod| {
            assign(pod, change, mount);
            if boots {
                pod.boot(seed, now, false);
            }
        });
        Ok(id)
    }

    fn check_global_networking(&self, pod: &Pod, change: &PodChange) -> Result<(), Refusal> {
        let there = facts::data_center(&pod.data_center).is_some_and(|fact| fact.has_global_network());
        match (change.global_networking, &pod.compute) {
            (None | Some(false), _) => Ok(()),
            (Some(true), Compute::Gpu { .. }) if there && pod.cuda.is_some() => Ok(()),
            (Some(true), Compute::Gpu { .. } | Compute::Cpu { .. }) => Err(Refusal::rule(
                "Global networking requires an NVIDIA GPU and a data center that supports it.",
            )),
        }
    }

    /// Makes a network volume.
    ///
    /// # Errors
    /// The data center is unknown or has no storage of that tier, or the account is empty.
    pub fn create_volume(&mut self, order: VolumeOrder) -> Result<VolumeId, Refusal> {
        let fact = facts::data_center(&order.data_center).filter(|fact| fact.has_storage());
        let Some(fact) = fact else {
            return Err(Refusal::NoStorageThere { data_center: order.data_center });
        };
        let tier = order.tier.unwrap_or(volume::Tier::Standard);
        if tier == volume::Tier::HighPerformance && !fact.has_fast_storage() {
            return Err(Refusal::rule(format!(
                "Data center {} does not support HIGH_PERFORMANCE volumes.",
                fact.id
            )));
        }
        if self.ground.account.balance <= 0 {
            return Err(Refusal::NoFunds);
        }
        let (seed, now) = (self.seed(), self.now());
        let id = (0_u32..)
            .map(|copy| VolumeId(letters(seed, &["volume", &order.name, &copy.to_string()], 10)))
            .find(|id| !self.volumes.contains_key(id))
            .expect("there are more identifiers than volumes");
        self.begin_mutation();
        let visible_at = now.after(between(seed, &["listed", &id.0], 0, LONGEST_LISTING_LAG));
        let VolumeOrder { name, size, data_center, tier: _ } = order;
        let volume = Volume { id: id.clone(), name, size, data_center, tier, created_at: now, visible_at };
        self.changed_volumes.insert(id.clone());
        self.volumes.insert(id.clone(), volume);
        Ok(id)
    }

    /// Renames or grows a network volume.
    ///
    /// # Errors
    /// The volume does not exist or would shrink.
    pub fn update_volume(
        &mut self,
        id: &str,
        name: Option<String>,
        size: Option<u32>,
    ) -> Result<VolumeId, Refusal> {
        let volume = self.volume(id)?;
        if size.is_some_and(|size| size < volume.size) {
            return Err(Refusal::Shrinks { size: volume.size });
        }
        let id = volume.id.clone();
        self.begin_mutation();
        self.changed_volumes.insert(id.clone());
        if let Some(volume) = self.volumes.get_mut(&id) {
            volume.name = name.unwrap_or_else(|| volume.name.clone());
            volume.size = size.unwrap_or(volume.size);
        }
        Ok(id)
    }

    /// Deletes a network volume with its data.
    ///
    /// # Errors
    /// The volume does not exist or a pod mounts it, stopped pods included.
    pub fn delete_volume(&mut self, id: &str) -> Result<(), Refusal> {
        let id = self.volume(id)?.id.clone();
        let now = self.now();
        let used = self.pods.values().any(|pod| {
            pod.status(now) != Status::Terminated
                && matches!(&pod.mount, Mount::Network { volume, .. } if *volume == id)
        });
        if used {
            return Err(Refusal::VolumeInUse);
        }
        self.begin_mutation();
        self.changed_volumes.insert(id.clone());
        self.volumes.remove(&id);
        Ok(())
    }

    /// Replaces the registered SSH keys.
    pub fn set_ssh_keys(&mut self, keys: Vec<String>) {
        self.ground.account.ssh_keys = keys;
    }

    /// Sets what is left on the account, in micro-dollars; nothing happens to pods before time passes.
    pub fn set_balance(&mut self, micros: i64) {
        self.ground.account.balance = micros;
    }

    /// Lets other tenants take every unit of a machine that is free now.
    pub fn fill_host(&mut self, id: &HostId) {
        let free = self.free_units(id);
        let foreign = self.foreign_units(id);
        self.ground.foreign.insert(id.clone(), foreign + free);
    }

    /// Lets other tenants give back all that they hold of a machine.
    pub fn empty_host(&mut self, id: &HostId) {
        self.ground.foreign.insert(id.clone(), 0);
    }

    /// Takes a machine away for good, with what runs on it.
    pub fn lose_host(&mut self, id: &HostId) {
        self.ground.lost.insert(id.clone());
        let now = self.now();
        let there: Vec<PodId> = self
            .pods
            .values()
            .filter(|pod| pod.host == *id && pod.status(now).holds_compute())
            .map(|pod| pod.id.clone())
            .collect();
        for pod in there {
            self.change(&pod, |pod| pod.end(now, Phase::Lost { at: now }));
        }
    }

    /// Sets whether anything is placed on a GPU type.
    pub fn close_gpu(&mut self, id: &str, closed: bool) {
        if closed {
            self.ground.closed_gpus.insert(id.to_owned());
        } else {
            self.ground.closed_gpus.remove(id);
        }
    }

    /// Sets whether anything is placed in a data center.
    pub fn close_data_center(&mut self, id: &str, closed: bool) {
        if closed {
            self.ground.closed_data_centers.insert(id.to_owned());
        } else {
            self.ground.closed_data_centers.remove(id);
        }
    }

    /// Locks or unlocks a pod, whatever its status.
    pub fn set_locked(&mut self, id: &PodId, locked: bool) {
        self.change(id, |pod| pod.locked = locked);
    }

    fn allowed(&self, id: &str, action: Action) -> Result<&Pod, Refusal> {
        let pod = self.pod(id)?;
        let status = pod.status(self.now());
        if status.actions().contains(&action) { Ok(pod) } else { Err(Refusal::NotNow { status, action }) }
    }

    fn begin_mutation(&mut self) {
        self.before.clear();
    }

    fn change(&mut self, id: &PodId, edit: impl FnOnce(&mut Pod)) {
        if let Some(pod) = self.pods.get_mut(id) {
            self.before.entry(id.clone()).or_insert_with(|| Some(pod.clone()));
            self.changed_pods.insert(id.clone());
            edit(pod);
        }
    }
}

/// Returns the compute that was placed and its price, if that is known.
fn rented(order: &PodOrder, place: &placement::Place) -> (Compute, Option<money::HourlyPrice>) {
    match &order.compute {
        ComputeOrder::Gpu { count, .. } => {
            let fact = facts::gpu(&place.unit);
            let listed = fact.and_then(|fact| match place.host.cloud {
                Cloud::Secure => fact.secure_price(),
                Cloud::Community => fact.community_price(),
            });
            let each = order.bid.or(listed);
            let compute = Compute::Gpu { id: place.unit.clone(), count: *count, attached: *count };
            (compute, each.map(|each| each.times(*count)))
        }
        ComputeOrder::Cpu { vcpus, .. } => {
            let each = facts::cpu(&place.unit).and_then(facts::CpuFact::price_per_vcpu);
            (Compute::Cpu { flavor: place.unit.clone(), vcpus: *vcpus }, each.map(|each| each.times(*vcpus)))
        }
    }
}

/// Returns the mount after a change: its kind is fixed at create, a volume only grows, a network volume stays the same one.
fn changed_mount(mount: &Mount, change: &PodChange) -> Result<Mount, Refusal> {
    let kind = || Refusal::rule("mount kind is fixed at create and cannot be changed");
    match (mount, &change.persistent, &change.network) {
        (mount, None, None) => Ok(mount.clone()),
        (Mount::Persistent { size: now, path: at }, Some((size, path)), None) => {
            let size = size.unwrap_or(*now);
            if size < *now {
                return Err(Refusal::Shrinks { size: *now });
            }
            Ok(Mount::Persistent { size, path: path.clone().unwrap_or_else(|| at.clone()) })
        }
        (Mount::Network { volume: now, .. }, None, Some((volume, path))) => {
            if volume.as_ref().is_some_and(|volume| *volume != now.0) {
                return Err(Refusal::rule("the volumeId of a network mount is immutable"));
            }
            Ok(Mount::Network { volume: now.clone(), path: path.clone() })
        }
        (Mount::Nothing | Mount::Persistent { .. } | Mount::Network { .. }, _, _) => Err(kind()),
    }
}

fn assign(pod: &mut Pod, change: PodChange, mount: Mount) {
    let PodChange {
        name,
        locked,
        image,
        args,
        entrypoint,
        env,
        ports,
        disk,
        registry,
        persistent: _,
        network: _,
        global_networking,
        reset: _,
    } = change;
    pod.mount = mount;
    pod.name = name.unwrap_or_else(|| pod.name.clone());
    pod.locked = locked.unwrap_or(pod.locked);
    pod.image = image.unwrap_or_else(|| pod.image.clone());
    pod.args = args.unwrap_or_else(|| pod.args.clone());
    pod.entrypoint = entrypoint.unwrap_or_else(|| pod.entrypoint.clone());
    pod.env = env.unwrap_or_else(|| pod.env.clone());
    pod.ports = ports.unwrap_or_else(|| pod.ports.clone());
    pod.disk = disk.unwrap_or(pod.disk);
    pod.registry = registry.unwrap_or_else(|| pod.registry.clone());
    pod.global_networking_next = global_networking.unwrap_or(pod.global_networking_next);
}
