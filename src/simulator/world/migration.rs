//! The platform moves a pod with its data to another machine, which takes minutes.
//!
//! Meanwhile three pods are there: the old one, which refuses whatever is asked of it; the new one, with another
//! identifier and without its GPUs; and one on CPUs that moves the data and is not billed. At last only the new one is.

use serde::{Deserialize, Serialize};

use super::World;
use super::chance::{between, letters};
use super::moment::Moment;
use super::money::HourlyPrice;
use super::order::{ComputeOrder, CudaRule, PodOrder};
use super::phase::{By, Phase};
use super::pod::{Compute, Mount, Pod, PodId, Status};

/// A migration that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// The new pod.
    pub target: PodId,
    /// The pod that moves the data.
    pub mover: PodId,
    /// When it is done.
    pub until: Moment,
}

impl World {
    /// Begins to move a pod; it takes two to four minutes.
    ///
    /// Returns the new identifier, or `None` if there is no such pod with GPUs, it is being moved, or there is no room.
    pub fn begin_migration(&mut self, id: &PodId) -> Option<PodId> {
        let (seed, now) = (self.seed(), self.now());
        let source = self.any_pod(id)?.clone();
        let Compute::Gpu { id: gpu, count, attached: _ } = &source.compute else { return None };
        if source.status(now) == Status::Terminated || self.ground.migrations.contains_key(id) {
            return None;
        }
        let [target, mover] = ["migrated", "mover"].map(|what| PodId(letters(seed, &[what, &id.0], 14)));
        if self.pods.contains_key(&target) {
            return None;
        }
        let compute = ComputeOrder::Gpu {
            ids: vec![gpu.clone()],
            count: *count,
            cuda: CudaRule::Any,
            min_ram: 0,
            min_vcpu: 0,
        };
        let order = PodOrder {
            settings: source.settings.clone(),
            mount: source.mount.clone(),
            compute,
            clouds: vec![source.cloud],
            ..PodOrder::gpu("", "", gpu)
        };
        let place = self.place(&order, &target).ok()?;
        let compute = Compute::Gpu { id: gpu.clone(), count: *count, attached: 0 };
        let new = self.new_pod(order, target.clone(), &place, compute, source.price);
        self.insert(Pod { visible_at: now, template: source.template, ..new });

        let order = PodOrder::cpu("migration", "runpod/mover", "cpu3c", 2);
        let place = self.place(&order, &mover).ok();
        if let Some(place) = place {
            let compute = Compute::Cpu { flavor: place.unit.clone(), vcpus: 2 };
            let pod = self.new_pod(order, mover.clone(), &place, compute, Some(HourlyPrice::default()));
            self.insert(Pod { visible_at: now, mount: Mount::Nothing, ..pod });
        }
        let until = now.after(between(seed, &["migration", &id.0], 120_000, 240_000));
        self.ground.migrations.insert(id.clone(), Migration { target: target.clone(), mover, until });
        Some(target)
    }

    /// Ends the migrations whose time has come.
    pub(super) fn end_migrations(&mut self) {
        let now = self.now();
        let due: Vec<PodId> = self
            .ground
            .migrations
            .iter()
            .filter(|(_, migration)| migration.until <= now)
            .map(|(source, _)| source.clone())
            .collect();
        for source in due {
            self.end_migration(&source);
        }
    }

    fn end_migration(&mut self, source: &PodId) {
        let Some(Migration { target, mover, until: _ }) = self.ground.migrations.remove(source) else {
            return;
        };
        let (seed, now) = (self.seed(), self.now());
        let gone = Phase::Gone { at: now, by: By::Runpod };
        self.change(&mover, |pod| pod.end(now, gone));
        let fits = |pod: &Pod| match pod.compute {
            Compute::Gpu { count, .. } => {
                pod.status(now) != Status::Terminated && self.free_units(&pod.host) >= count
            }
            Compute::Cpu { .. } => false,
        };
        if !self.any_pod(&target).is_some_and(fits) {
            // Others took the room: the migration failed, and the old pod stays.
            self.change(&target, |pod| pod.end(now, gone));
            return;
        }
        self.change(source, |pod| pod.end(now, gone));
        self.change(&target, |pod| {
            if let Compute::Gpu { count, attached, .. } = &mut pod.compute {
                *attached = *count;
            }
            pod.boot(seed, now, false);
        });
    }
}
