//! What all pods together hold and cost, kept up as they change, so that a request costs the same in a world of ten pods and of ten thousand.

use std::collections::{BTreeMap, BTreeSet};

use super::hosts::HostId;
use super::moment::Moment;
use super::pod::{Pod, PodId};

/// What one pod adds to the totals.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Share {
    micros: u64,
    host: HostId,
    units: u32,
    /// When it changes by itself.
    until: Option<Moment>,
}

/// The totals over all pods, true at the moment of the last [`pass`](Totals::due).
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    shares: BTreeMap<PodId, Share>,
    held: BTreeMap<HostId, u32>,
    micros: u64,
    /// When pods change by themselves, the next first.
    turns: BTreeSet<(Moment, PodId)>,
}

impl Totals {
    /// Returns what all pods cost in an hour, in micro-dollars.
    pub(super) fn micros_per_hour(&self) -> u64 {
        self.micros
    }

    /// Returns how many units of a machine pods hold.
    pub(super) fn held(&self, host: &HostId) -> u32 {
        self.held.get(host).copied().unwrap_or(0)
    }

    /// Takes in what a pod adds from now on.
    pub(super) fn update(&mut self, pod: &Pod, now: Moment) {
        if let Some(old) = self.shares.remove(&pod.id) {
            self.micros -= old.micros;
            *self.held.entry(old.host).or_insert(0) -= old.units;
            if let Some(until) = old.until {
                self.turns.remove(&(until, pod.id.clone()));
            }
        }
        let price = [pod.compute_price(now).unwrap_or_default(), pod.disk_price(now)].into_iter();
        let share = Share {
            micros: price.map(|price| price.micros()).sum(),
            host: pod.host.clone(),
            units: pod.units(now),
            until: pod.ends_by_itself().filter(|at| *at > now),
        };
        self.micros += share.micros;
        *self.held.entry(share.host.clone()).or_insert(0) += share.units;
        self.turns.extend(share.until.map(|until| (until, pod.id.clone())));
        self.shares.insert(pod.id.clone(), share);
    }

    /// Returns a pod whose share has changed by itself by `now`, if there is one.
    pub(super) fn due(&self, now: Moment) -> Option<PodId> {
        self.turns.first().filter(|(at, _)| *at <= now).map(|(_, id)| id.clone())
    }
}
