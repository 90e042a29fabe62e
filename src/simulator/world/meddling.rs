//! What others do to the world: the account's owner, other tenants, the platform.

use super::World;
use super::chance::letters;
use super::hosts::HostId;
use super::phase::{By, Hindrance, Phase};
use super::pod::{Pod, PodId};

impl World {
    /// Replaces the registered SSH keys.
    pub fn set_ssh_keys(&mut self, keys: Vec<String>) {
        self.ground.account.ssh_keys = keys;
    }

    /// Sets what is left on the account, in micro-dollars; nothing happens to pods before time passes.
    pub fn set_balance(&mut self, micros: i64) {
        self.ground.account.balance = micros;
    }

    /// Sets for how many milliseconds what is made from now on may be missing.
    pub fn set_lag(&mut self, longest: u64) {
        self.ground.longest_lag = longest;
    }

    /// Lets compute cost so many percent of what was published; what is rented already keeps its price.
    pub fn set_prices(&mut self, percent: u32) {
        self.ground.price_percent = percent;
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

    /// Changes how the containers turn out that were begun at this moment.
    pub fn hinder_boots(&mut self, hindrance: Hindrance) {
        let now = self.now();
        let begun = |pod: &&Pod| matches!(pod.phase, Phase::Up(boot) if boot.asked_at == now);
        let begun: Vec<PodId> = self.pods.values().filter(begun).map(|pod| pod.id.clone()).collect();
        for pod in begun {
            self.change(&pod, |pod| match hindrance {
                Hindrance::SlowBoot(seconds) => pod.delay_boot(seconds.saturating_mul(1_000)),
                Hindrance::NeverListens => pod.delay_listening(None),
                Hindrance::ListensAfter(seconds) => pod.delay_listening(Some(seconds.saturating_mul(1_000))),
                Hindrance::Job(slip) => pod.slip(slip),
            });
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
        self.change(id, |pod| pod.settings.locked = locked);
    }

    /// Makes a pod a member of a cluster, as if it had been made with one.
    pub fn join_cluster(&mut self, id: &PodId, cluster: &str) {
        self.change(id, |pod| pod.cluster = Some(cluster.to_owned()));
    }

    /// Stops a pod that is rented by a bid, as somebody pays more; another pod stays as it is.
    pub fn outbid_pod(&mut self, id: &PodId) {
        let now = self.now();
        self.change(id, |pod| {
            if pod.interruptible && pod.status(now).holds_compute() {
                pod.end(now, Phase::Stopped { at: now, by: By::Outbid });
            }
        });
    }

    /// Ends a pod as the platform does for reasons of its own; its volume stays.
    pub fn exit_pod(&mut self, id: &PodId) {
        let now = self.now();
        self.change(id, |pod| pod.end(now, Phase::Stopped { at: now, by: By::Runpod }));
    }

    /// Moves a pod to a new identifier and a new container, as the platform's migration does: the old one is gone.
    ///
    /// Returns the new identifier, or `None` if there is no such pod.
    pub fn migrate_pod(&mut self, id: &PodId) -> Option<PodId> {
        let (seed, now) = (self.seed(), self.now());
        let mut moved = self.any_pod(id)?.clone();
        self.change(id, |pod| pod.end(now, Phase::Gone { at: now, by: By::Runpod }));
        moved.id = PodId(letters(seed, &["migrated", &id.0], 14));
        moved.created_at = now;
        moved.visible_at = now;
        moved.periods.clear();
        moved.end(now, Phase::Stopped { at: now, by: By::Runpod });
        moved.boot(seed, now, true);
        let new = moved.id.clone();
        self.insert(moved);
        Some(new)
    }
}
