//! What can be asked of pods: make, start, stop, restart, change, terminate.

use std::collections::BTreeMap;

use super::chance::{between, letters};
use super::facts;
use super::hosts::Cloud;
use super::money::HourlyPrice;
use super::order::{ComputeOrder, PodChange, PodOrder};
use super::phase::{By, Made, Phase};
use super::placement::Place;
use super::pod::{Action, Compute, Mount, Pod, PodId};
use super::refusal::{NO_DISK, Refusal};
use super::settings::Settings;
use super::{MARK, World};

impl World {
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
        if !order.has_disk {
            return Err(Refusal::rule(NO_DISK));
        }
        let (compute, price) = self.rented(&order, &place);
        let hour = price.unwrap_or_default().micros().max(1);
        if self.ground.account.balance < i64::try_from(hour).unwrap_or(i64::MAX) {
            return Err(Refusal::NoFunds);
        }
        self.begin_mutation();
        if !order.settings.env.contains_key(MARK) {
            self.ground.unmarked += 1;
        }
        let pod = self.new_pod(order, id.clone(), &place, compute, price);
        self.insert(pod);
        Ok(id)
    }

    pub(super) fn new_pod(
        &self,
        order: PodOrder,
        id: PodId,
        place: &Place,
        compute: Compute,
        price: Option<HourlyPrice>,
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
            visible_at: now.after(between(self.seed(), &["listed", &id.0], 0, self.ground.longest_lag)),
            id,
            settings: Settings { env, ..order.settings },
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
            cluster: None,
            interruptible: order.bid.is_some(),
            networked: false,
            created_at: now,
            started_at: None,
            phase: Phase::Stopped { at: now, by: By::User },
            containers: 0,
            made: Made::default(),
            periods: Vec::new(),
            template: order.template,
        };
        pod.boot(self.seed(), now, true);
        pod
    }

    /// Adds what the platform adds to a new pod's environment, unless the request already has it.
    fn with_platform_keys(&self, order: &PodOrder, id: &PodId) -> BTreeMap<String, String> {
        let mut env = order.settings.env.clone();
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
        let subject = match order.settings.env.get(MARK) {
            // What comes after the token depends on the order and the moment of requests.
            Some(mark) => format!("mark {}", mark.split('/').take(3).collect::<Vec<_>>().join("/")),
            None => format!("pod {} {}", order.settings.name, self.ground.unmarked),
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

    /// Sets what is paid for each GPU of a pod that is rented by a bid.
    pub fn set_bid(&mut self, id: &PodId, bid: HourlyPrice) {
        self.change(id, |pod| {
            if let Compute::Gpu { count, .. } = pod.compute {
                pod.price = Some(bid.times(count));
            }
        });
    }

    /// Stops a pod: its compute is free for others, its volume stays.
    ///
    /// # Errors
    /// The pod does not exist, is not up, or is locked.
    pub fn stop_pod(&mut self, id: &str) -> Result<PodId, Refusal> {
        let pod = self.allowed(id, Action::Stop)?;
        if pod.settings.locked {
            return Err(Refusal::Locked);
        }
        let (id, now) = (pod.id.clone(), self.now());
        self.begin_mutation();
        self.change(&id, |pod| pod.end(now, Phase::Stopped { at: now, by: By::User }));
        Ok(id)
    }

    /// Stops a pod; one that is stopped already stays as it is.
    ///
    /// # Errors
    /// As [`stop_pod`](World::stop_pod).
    pub fn stop_pod_if_up(&mut self, id: &str) -> Result<PodId, Refusal> {
        let pod = self.pod(id)?;
        let is_up = pod.status(self.now()).holds_compute();
        if is_up { self.stop_pod(id) } else { Ok(pod.id.clone()) }
    }

    /// Makes a pod's container anew in place.
    ///
    /// # Errors
    /// The pod does not exist, does not run, or is locked.
    pub fn restart_pod(&mut self, id: &str) -> Result<PodId, Refusal> {
        let pod = self.allowed(id, Action::Restart)?;
        if pod.settings.locked {
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
        let (id, now) = (self.own(id)?.id.clone(), self.now());
        self.begin_mutation();
        self.change(&id, |pod| pod.end(now, Phase::Gone { at: now, by: By::User }));
        Ok(())
    }

    /// Changes a pod; most changes make its container anew.
    ///
    /// # Errors
    /// The pod does not exist, is locked against a reset, or a rule is broken; nothing is changed then.
    pub fn update_pod(&mut self, id: &str, change: PodChange) -> Result<PodId, Refusal> {
        let pod = self.own(id)?;
        change.check(&pod.compute)?;
        if change.resets() && change.settings.locked.unwrap_or(pod.settings.locked) {
            return Err(Refusal::Locked);
        }
        let mount = changed_mount(&pod.mount, &change)?;
        self.check_global_networking(pod, &change)?;
        let (id, seed, now) = (pod.id.clone(), self.seed(), self.now());
        let boots = change.resets() && pod.status(now).holds_compute();
        self.begin_mutation();
        self.change(&id, |pod| {
            pod.mount = mount;
            pod.settings = std::mem::take(&mut pod.settings).with(change.settings);
            if boots {
                pod.boot(seed, now, false);
            }
        });
        Ok(id)
    }

    fn check_global_networking(&self, pod: &Pod, change: &PodChange) -> Result<(), Refusal> {
        let there = facts::data_center(&pod.data_center).is_some_and(|fact| fact.has_global_network());
        match (change.settings.global_networking, &pod.compute) {
            (None | Some(false), _) => Ok(()),
            (Some(true), Compute::Gpu { .. }) if there && pod.cuda.is_some() => Ok(()),
            (Some(true), Compute::Gpu { .. } | Compute::Cpu { .. }) => Err(Refusal::rule(
                "Global networking requires an NVIDIA GPU and a data center that supports it.",
            )),
        }
    }

    /// Returns a pod that may be changed and ended by itself.
    fn own(&self, id: &str) -> Result<&Pod, Refusal> {
        let pod = self.pod(id)?;
        if self.ground.migrations.contains_key(&pod.id) {
            return Err(Refusal::Migrating);
        }
        if pod.cluster.is_some() { Err(Refusal::ClusterMember) } else { Ok(pod) }
    }

    fn allowed(&self, id: &str, action: Action) -> Result<&Pod, Refusal> {
        let pod = self.own(id)?;
        let status = pod.status(self.now());
        if status.actions().contains(&action) { Ok(pod) } else { Err(Refusal::NotNow { status, action }) }
    }

    /// Returns the compute that was placed and its price, if that is known.
    fn rented(&self, order: &PodOrder, place: &Place) -> (Compute, Option<HourlyPrice>) {
        match &order.compute {
            ComputeOrder::Gpu { count, .. } => {
                let fact = facts::gpu(&place.unit);
                let listed = fact.and_then(|fact| match place.host.cloud {
                    Cloud::Secure => fact.secure_price(),
                    Cloud::Community => fact.community_price(),
                });
                let each = order.bid.or(self.price(listed));
                let compute = Compute::Gpu { id: place.unit.clone(), count: *count, attached: *count };
                (compute, each.map(|each| each.times(*count)))
            }
            ComputeOrder::Cpu { vcpus, .. } => {
                let listed = facts::cpu(&place.unit).and_then(facts::CpuFact::price_per_vcpu);
                let each = self.price(listed).map(|each| each.times(*vcpus));
                (Compute::Cpu { flavor: place.unit.clone(), vcpus: *vcpus }, each)
            }
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
