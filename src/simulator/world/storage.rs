//! What can be asked of network volumes.

use super::World;
use super::chance::{between, letters};
use super::facts;
use super::pod::{Mount, Status};
use super::refusal::Refusal;
use super::volume::{Tier, Volume, VolumeId, VolumeOrder};

impl World {
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

    /// Makes a network volume.
    ///
    /// # Errors
    /// The data center is unknown or has no storage of that tier, or the account is empty.
    pub fn create_volume(&mut self, order: VolumeOrder) -> Result<VolumeId, Refusal> {
        let fact = facts::data_center(&order.data_center).filter(|fact| fact.has_storage());
        let Some(fact) = fact else {
            return Err(Refusal::NoStorageThere { data_center: order.data_center });
        };
        let tier = order.tier.unwrap_or(Tier::Standard);
        if tier == Tier::HighPerformance && !fact.has_fast_storage() {
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
        let visible_at = now.after(between(seed, &["listed", &id.0], 0, self.ground.longest_lag));
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
}
