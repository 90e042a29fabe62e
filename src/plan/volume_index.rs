//! Which network volume an address stands for, for the pods that mount it.

use std::collections::BTreeMap;

use crate::model::address::{Address, Kind};
use crate::model::desired::{Desired, Wanted, WantedVolume};
use crate::model::id::{DataCenterId, RemoteId, VolumeId};
use crate::model::live::{Live, LiveVolume, Seen};
use crate::model::plan::Finding;

use super::Inputs;
use super::moves::Renamed;
use super::ownership::Ownership;
use super::presence::Sighting;

/// The volumes of the spec and of the record.
pub(super) struct VolumeIndex<'a> {
    sightings: BTreeMap<Address, (Sighting<'a, LiveVolume>, Vec<Finding>)>,
    ids: BTreeMap<Address, VolumeId>,
    addresses: BTreeMap<VolumeId, Address>,
    places: BTreeMap<Address, DataCenterId>,
}

impl<'a> VolumeIndex<'a> {
    pub(super) fn new(inputs: &Inputs<'a>, renamed: &'a Renamed<'a>, ownership: &Ownership<'a>) -> Self {
        let mut index = Self {
            sightings: BTreeMap::new(),
            ids: BTreeMap::new(),
            addresses: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        let known = renamed.objects.keys().chain(inputs.desired.wanted.keys());
        let found = ownership.addresses();
        for address in known.chain(&found).filter(|address| address.kind() == Kind::Volume) {
            index.add(address, inputs.desired, inputs.live, ownership);
        }
        for (address, id) in &index.ids {
            index.addresses.entry(id.clone()).or_insert_with(|| address.clone());
        }
        index
    }

    fn add(&mut self, address: &Address, desired: &Desired, live: &Live, ownership: &Ownership<'a>) {
        let adopt = match desired.wanted.get(address) {
            Some(Wanted::Volume(WantedVolume::Referenced { id })) => {
                self.ids.insert(address.clone(), id.clone());
                if let Some(volume) = live.volumes.get(id).and_then(Seen::found) {
                    self.places.insert(address.clone(), volume.data_center.clone());
                }
                return;
            }
            Some(Wanted::Volume(WantedVolume::Managed { config, protect: _, adopt })) => {
                self.places.insert(address.clone(), config.data_center.clone());
                adopt.as_ref()
            }
            Some(Wanted::Pod(_) | Wanted::Secret(_) | Wanted::Registry(_)) | None => None,
        };
        let mut findings = Vec::new();
        let sighting = ownership.volume(address, adopt, &mut findings);
        match &sighting {
            Sighting::Kept { recorded: _, object }
            | Sighting::Migrated { recorded: _, object, by: _ }
            | Sighting::Superseded { recorded: _, object, successor: _, asked: _ }
            | Sighting::Journal { object, asked: _ }
            | Sighting::Named { object } => {
                self.ids.insert(address.clone(), object.id.clone());
                self.places.insert(address.clone(), object.data_center.clone());
            }
            Sighting::Hidden(_) => self.add_recorded(address, ownership),
            Sighting::Gone { recorded: _ } | Sighting::Never => {}
        }
        self.sightings.insert(address.clone(), (sighting, findings));
    }

    /// What could not be looked at is taken to be as recorded.
    fn add_recorded(&mut self, address: &Address, ownership: &Ownership<'a>) {
        let Some(recorded) = ownership.recorded(address) else { return };
        if let (RemoteId::Volume(id), Some(config)) = (&recorded.id, recorded.record.object.volume()) {
            self.ids.insert(address.clone(), id.clone());
            self.places.insert(address.clone(), config.data_center.clone());
        }
    }

    /// Returns what is known of a managed volume.
    pub(super) fn sighting(&self, address: &Address) -> Option<&Sighting<'a, LiveVolume>> {
        self.sightings.get(address).map(|(sighting, _)| sighting)
    }

    /// Returns what was noticed while looking for it.
    pub(super) fn findings(&self, address: &Address) -> Vec<Finding> {
        self.sightings.get(address).map(|(_, findings)| findings.clone()).unwrap_or_default()
    }

    /// Returns the volume that exists for an address.
    pub(super) fn id(&self, address: &Address) -> Option<&VolumeId> {
        self.ids.get(address)
    }

    /// Returns the data center that pods with this volume must be in.
    pub(super) fn place(&self, address: &Address) -> Option<&DataCenterId> {
        self.places.get(address)
    }

    /// Returns the address of a live volume.
    pub(super) fn address_of(&self, id: &VolumeId) -> Option<&Address> {
        self.addresses.get(id)
    }
}
