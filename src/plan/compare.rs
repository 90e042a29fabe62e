//! The three-way comparison of a pod: what is wanted, what was recorded, what is live.
//!
//! A field counts as changed if the live value is not the wanted one, and as drift if it is not the recorded one.
//! Noise never comes here: uptime, public ports, injected variables, the order of ports, prices.

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::desired::WantedPod;
use crate::model::field::Field;
use crate::model::id::{DataCenterId, VolumeId};
use crate::model::live::{LivePod, LiveStorage};
use crate::model::marker::Token;
use crate::model::plan::{Cause, Disruption, FieldChange, FieldDrift, Finding, PodPatch, Shown};
use crate::model::pod::{Access, Compute, Container, Port, Protocol, RunState, Storage};
use crate::model::prior::{Api, RecordedPod};
use crate::model::secret::Secrets;

use super::catalog_index::CatalogIndex;
use super::env::{self, EnvComparison, Environments};
use super::{finding, ignored, satisfaction, shown};

/// A wanted pod beside the live one.
pub(super) struct Pair<'a> {
    pub(super) address: &'a Address,
    pub(super) wanted: &'a WantedPod,
    /// `None` for a pod that is being adopted without a record.
    pub(super) recorded: Option<&'a RecordedPod>,
    /// The record was made from the pod as it was found, so its sizes are not what the spec's author wrote.
    pub(super) rebuilt: bool,
    pub(super) live: &'a LivePod,
    /// The token whose marker an update of the environment sends.
    pub(super) token: Option<Token>,
    /// The id of the network volume that is to be mounted; `None` where it is yet to be created or none is wanted.
    pub(super) volume: Option<&'a VolumeId>,
    pub(super) catalog: &'a CatalogIndex<'a>,
    pub(super) secrets: &'a Secrets,
    pub(super) api: Api,
}

/// What comparing them gave.
#[derive(Default)]
pub(super) struct Comparison {
    /// Fields whose live value is not the wanted one, with what changing them does to a running pod.
    pub(super) changes: Vec<FieldChange>,
    /// Fields whose live value is not the recorded one.
    pub(super) drift: Vec<FieldDrift>,
    /// What to send.
    pub(super) patch: PodPatch,
    pub(super) findings: Vec<Finding>,
    /// Fields that would have to change and that the API cannot set, with the reason.
    pub(super) impossible: Vec<String>,
    /// The mounted network volume is gone or another one.
    pub(super) volume_replaced: bool,
    /// The pod was created with a mark and has none.
    pub(super) mark_removed: bool,
    /// What this pod does not get, but one that takes its place.
    pub(super) only_new: Vec<FieldChange>,
    ignored: BTreeSet<Field>,
}

/// The result of [`Pair::compare`].
pub(super) struct Compared {
    pub(super) comparison: Comparison,
    /// What is live once the changes in place are applied.
    pub(super) applied: Container,
    /// What is known to be live before.
    pub(super) seen: Container,
    /// What is billed once the changes in place are applied: disks that others grew are, but are not recorded.
    pub(super) billed: Container,
}

impl Comparison {
    /// Returns the changes that only a replacement can make.
    pub(super) fn replacing(&self) -> impl Iterator<Item = &FieldChange> {
        self.changes.iter().filter(|change| change.disruption == Disruption::Replace)
    }

    /// Returns the changes that an update makes.
    pub(super) fn in_place(&self) -> Vec<FieldChange> {
        self.changes.iter().filter(|change| change.disruption != Disruption::Replace).cloned().collect()
    }

    /// Compares one field and returns whether it has to change. Where the API does not say what is live, the record
    /// stands in; without either the field is left alone.
    fn field<T: PartialEq>(
        &mut self,
        field: Field,
        disruption: Disruption,
        sides: Sides<'_, T>,
        show: impl Fn(&T) -> Shown,
    ) -> bool {
        let Sides { recorded, live, wanted } = sides;
        if self.ignored.contains(&field) {
            if let Some(present) = live.or(recorded).filter(|present| *present != wanted) {
                self.only_new(field, show(present), show(wanted), Cause::Ignored);
            }
            return false;
        }
        if let (Some(recorded), Some(live)) = (recorded, live)
            && recorded != live
        {
            let (recorded, live) = (show(recorded), show(live));
            self.drift.push(FieldDrift { field: field.clone(), recorded, live, left_alone: false });
        }
        let Some(present) = live.or(recorded).filter(|present| *present != wanted) else { return false };
        let cause = match recorded {
            None => Cause::Spec,
            Some(recorded) if recorded == present => Cause::Spec,
            Some(recorded) if recorded == wanted => Cause::Outside,
            Some(_) => Cause::Both,
        };
        self.changes.push(FieldChange {
            field,
            before: show(present),
            after: show(wanted),
            cause,
            disruption,
        });
        true
    }

    /// Notes what an update does not change and a new pod gets.
    fn only_new(&mut self, field: Field, before: Shown, after: Shown, cause: Cause) {
        self.only_new.push(FieldChange { field, before, after, cause, disruption: Disruption::InPlace });
    }

    /// Notes what others made larger, where making it smaller again would destroy what they put there.
    fn leave_larger(&mut self, field: Field, recorded: Option<Shown>, live: Shown, wanted: Shown) {
        if let Some(recorded) = recorded.filter(|recorded| *recorded != live) {
            let (field, live) = (field.clone(), live.clone());
            self.drift.push(FieldDrift { field, recorded, live, left_alone: true });
        }
        self.only_new(field, live, wanted, Cause::NewPodOnly);
    }

    fn resets(&self) -> bool {
        self.changes.iter().any(|change| change.disruption == Disruption::Reset)
    }
}

/// One field, three ways.
struct Sides<'a, T> {
    recorded: Option<&'a T>,
    live: Option<&'a T>,
    wanted: &'a T,
}

impl Pair<'_> {
    /// Compares everything.
    pub(super) fn compare(&self) -> Compared {
        let mut comparison =
            Comparison { ignored: self.wanted.lifecycle.ignore_changes.clone(), ..Comparison::default() };
        let mut applied = self.wanted.container.clone();
        self.compare_image(&mut comparison);
        self.compare_env(&mut comparison, &mut applied);
        self.compare_settings(&mut comparison, &mut applied);
        self.compare_storage(&mut comparison);
        self.compare_hardware(&mut comparison);
        self.compare_access(&mut comparison);
        self.compare_disk(&mut comparison);
        self.compare_mark(&mut comparison);
        let seen = self.seen(&comparison, &applied);
        ignored::keep(&seen, &mut applied, &comparison.ignored);
        let billed = self.billed(&comparison, &applied);
        Compared { comparison, applied, seen, billed }
    }

    fn billed(&self, comparison: &Comparison, applied: &Container) -> Container {
        let PodPatch { disk, storage, .. } = &comparison.patch;
        let storage = match (storage, &self.live.storage) {
            (Some(storage), _) => storage.clone(),
            (None, LiveStorage::Local { size, path }) => Storage::Local { size: *size, path: path.clone() },
            // A network volume is billed at its own address.
            (None, LiveStorage::None | LiveStorage::Network { .. }) => Storage::None,
        };
        Container { disk: disk.or(self.live.disk).unwrap_or(applied.disk), storage, ..applied.clone() }
    }

    fn recorded_container(&self) -> Option<&Container> {
        self.recorded.map(|recorded| &recorded.container)
    }

    /// What the container runs: image, arguments, ports, disk, credentials.
    fn compare_image(&self, comparison: &mut Comparison) {
        let recorded = self.recorded_container();
        let wanted = &self.wanted.container;
        let live = self.live;
        let sides = Sides {
            recorded: recorded.map(|recorded| &recorded.image),
            live: live.image.as_ref(),
            wanted: &wanted.image,
        };
        if comparison.field(Field::Image, Disruption::Reset, sides, shown::text) {
            comparison.patch.image = Some(wanted.image.clone());
        }
        let sides = Sides {
            recorded: recorded.map(|recorded| &recorded.command),
            live: live.command.as_ref(),
            wanted: &wanted.command,
        };
        if comparison.field(Field::Command, Disruption::Reset, sides, |words| shown::words(words)) {
            comparison.patch.command = Some(wanted.command.clone());
        }
        self.compare_entrypoint(comparison);
        let has = self.ports();
        let sides = Sides {
            recorded: recorded.map(|recorded| &recorded.ports),
            live: Some(&has),
            wanted: &wanted.ports,
        };
        if comparison.field(Field::Ports, Disruption::Reset, sides, shown::list) {
            comparison.patch.ports = Some(wanted.ports.clone());
        }
        let sides = Sides {
            recorded: recorded.map(|recorded| &recorded.registry),
            live: live.registry.as_ref(),
            wanted: &wanted.registry,
        };
        if comparison.field(Field::Registry, Disruption::Reset, sides, shown::optional) {
            comparison.patch.registry = Some(wanted.registry.clone());
        }
    }

    /// Making a container disk smaller recreates the container, which wipes it. That is not done for its own sake where
    /// others made it larger, but along with what recreates the container anyway.
    fn compare_disk(&self, comparison: &mut Comparison) {
        let recorded = self.recorded_container().map(|recorded| &recorded.disk);
        let (live, wanted) = (self.live.disk.as_ref(), &self.wanted.container.disk);
        let stays_up = self.live.status.is_up() && self.wanted.run == RunState::Running;
        let was_written_smaller = !self.rebuilt && recorded.is_some_and(|recorded| wanted < recorded);
        if let Some(larger) = live.filter(|live| *live > wanted)
            && stays_up
            && !was_written_smaller
            && !comparison.resets()
            && !comparison.ignored.contains(&Field::Disk)
        {
            comparison.findings.push(finding::disk_larger(self.address, *larger, *wanted));
            let recorded = recorded.map(shown::text);
            comparison.leave_larger(Field::Disk, recorded, shown::text(larger), shown::text(wanted));
            return;
        }
        let sides = Sides { recorded, live, wanted };
        if comparison.field(Field::Disk, Disruption::Reset, sides, shown::text) {
            comparison.patch.disk = Some(*wanted);
        }
    }

    /// A pod of ours without its mark would not be known after a loss of the state.
    fn compare_mark(&self, comparison: &mut Comparison) {
        let mark = self.live.marker.as_ref().map(|mark| &mark.token);
        comparison.mark_removed =
            self.recorded.is_some() && self.token.is_some() && mark != self.token.as_ref();
    }

    /// Returns the live ports as they were asked for: a symmetric port reads back as the number that it was given.
    fn ports(&self) -> BTreeSet<Port> {
        let recorded = self.recorded_container().map(|recorded| &recorded.ports);
        let asked = [Some(&self.wanted.container.ports), recorded].into_iter().flatten();
        let asked = asked.into_iter().find(|asked| same_ports(asked, &self.live.ports));
        asked.unwrap_or(&self.live.ports).clone()
    }

    /// REST v2 can neither show nor set the entrypoint, so there the record speaks for the pod.
    fn compare_entrypoint(&self, comparison: &mut Comparison) {
        let own = |entrypoint: &Option<Vec<String>>| entrypoint.clone().unwrap_or_default();
        let recorded = self.recorded_container().map(|recorded| own(&recorded.entrypoint));
        let wanted = own(&self.wanted.container.entrypoint);
        // Without a record the image's own is the only thing that REST v2 can have set.
        let recorded = recorded.or_else(|| (self.live.entrypoint.is_none()).then(Vec::new));
        let sides =
            Sides { recorded: recorded.as_ref(), live: self.live.entrypoint.as_ref(), wanted: &wanted };
        if !comparison.field(Field::Entrypoint, Disruption::Reset, sides, |words| shown::words(words)) {
            return;
        }
        match self.api {
            Api::V2 => {
                comparison.findings.push(finding::not_in_api(self.address, Field::Entrypoint, self.api));
                comparison.impossible.push(ENTRYPOINT_ON_V2.to_owned());
            }
            Api::V1 | Api::Graphql => comparison.patch.entrypoint = Some(wanted),
        }
    }

    fn compare_env(&self, comparison: &mut Comparison, applied: &mut Container) {
        let environments = Environments {
            address: self.address,
            wanted: &self.wanted.container.env,
            recorded: self.recorded_container().map(|recorded| &recorded.env),
            live: &self.live.env,
            secrets: self.secrets,
            ignored: &self.wanted.lifecycle.ignore_changes,
            unwanted: &self.wanted.unwanted_env,
        };
        let EnvComparison { changes, drift, findings, only_new, applied: env } = environments.compare();
        if !changes.is_empty() {
            comparison.patch.env = Some(environments.patch(self.token.clone()));
        }
        comparison.changes.extend(changes);
        comparison.drift.extend(drift);
        comparison.findings.extend(findings);
        comparison.only_new.extend(only_new);
        applied.env = env;
    }

    /// What changes without touching the container: name, lock, private network.
    fn compare_settings(&self, comparison: &mut Comparison, applied: &mut Container) {
        let recorded = self.recorded_container();
        let wanted = &self.wanted.container;
        let live = self.live;
        let sides = Sides {
            recorded: recorded.map(|recorded| &recorded.name),
            live: Some(&live.name),
            wanted: &wanted.name,
        };
        if comparison.field(Field::Name, Disruption::InPlace, sides, shown::text) {
            if self.can_change(Field::Name, comparison) {
                comparison.patch.name = Some(wanted.name.clone());
            } else {
                applied.name.clone_from(recorded.map_or(&live.name, |recorded| &recorded.name));
            }
        }
        if let Some(locked) = &wanted.locked {
            let recorded = recorded.and_then(|recorded| recorded.locked.as_ref());
            let sides = Sides { recorded, live: live.locked.as_ref(), wanted: locked };
            if comparison.field(Field::Locked, Disruption::InPlace, sides, shown::text) {
                if self.can_change(Field::Locked, comparison) {
                    comparison.patch.locked = Some(*locked);
                } else {
                    applied.locked = recorded.copied();
                }
            }
        }
        self.compare_network(comparison, applied);
    }

    /// The private network changes at the next start, so a live value that is still the old one is pending.
    fn compare_network(&self, comparison: &mut Comparison, applied: &mut Container) {
        let wanted = &self.wanted.container.global_networking;
        let recorded = self.recorded_container().map(|recorded| &recorded.global_networking);
        let live = self.live.global_networking.as_ref();
        let was_applied = recorded == Some(wanted) && live.is_some_and(|live| live != wanted);
        if was_applied && !comparison.ignored.contains(&Field::GlobalNetworking) {
            comparison.findings.push(finding::pending(self.address, Field::GlobalNetworking));
            return;
        }
        let disruption = match self.api {
            Api::V2 | Api::Graphql => Disruption::NextStart,
            Api::V1 => Disruption::Reset,
        };
        // The recorded value may itself be pending, so a difference to it is no drift.
        let sides = Sides { recorded: None, live: live.or(recorded), wanted };
        if comparison.field(Field::GlobalNetworking, disruption, sides, shown::text) {
            if self.can_change(Field::GlobalNetworking, comparison) {
                comparison.patch.global_networking = Some(*wanted);
            } else if let Some(live) = live.or(recorded) {
                applied.global_networking = *live;
            }
        }
    }

    /// Withdraws the change of a field that GraphQL cannot make; a new pod gets it.
    fn can_change(&self, field: Field, comparison: &mut Comparison) -> bool {
        match self.api {
            Api::V2 | Api::V1 => true,
            Api::Graphql => {
                let withdrawn = comparison.changes.extract_if(.., |change| change.field == field);
                let withdrawn: Vec<FieldChange> = withdrawn.collect();
                for FieldChange { field, before, after, cause: _, disruption: _ } in withdrawn {
                    comparison.only_new(field, before, after, Cause::NewPodOnly);
                }
                comparison.findings.push(finding::not_changeable(self.address, field));
                false
            }
        }
    }

    fn compare_storage(&self, comparison: &mut Comparison) {
        let wanted = &self.wanted.container.storage;
        if comparison.ignored.contains(&Field::Volumes) {
            if self.storage_disruption(wanted).is_some() {
                let (before, after) = (shown::live_storage(&self.live.storage), shown::storage(wanted));
                comparison.only_new(Field::Volumes, before, after, Cause::Ignored);
            }
            return;
        }
        let recorded = self.recorded_container().map(|recorded| &recorded.storage);
        let wanted_here = self.with_growth_of_others();
        if let Storage::Local { size: larger, path: _ } = &wanted_here
            && wanted_here != *wanted
        {
            comparison.findings.push(finding::local_volume_larger(
                self.address,
                *larger,
                wanted,
                recorded.is_some() && !self.rebuilt,
            ));
            let recorded = recorded.map(shown::storage);
            let (live, wanted) = (shown::live_storage(&self.live.storage), shown::storage(wanted));
            comparison.leave_larger(Field::Volumes, recorded, live, wanted);
        } else if let Some(recorded) = recorded
            && local_differs(recorded, &self.live.storage)
        {
            let (recorded, live) = (shown::storage(recorded), shown::live_storage(&self.live.storage));
            let field = Field::Volumes;
            comparison.drift.push(FieldDrift { field, recorded, live, left_alone: false });
        }
        let wanted = &wanted_here;
        let Some(disruption) = self.storage_disruption(wanted) else { return };
        let untouched = recorded.is_some_and(|recorded| recorded == wanted);
        let cause = match (wanted, &self.live.storage) {
            // A pod keeps its network volume for life, so it was the spec, or the volume, that changed.
            (Storage::Network { .. }, LiveStorage::Network { id, path: _ }) if self.volume != Some(id) => {
                comparison.volume_replaced = true;
                Cause::Spec
            }
            (Storage::None | Storage::Local { .. } | Storage::Network { .. }, _) if untouched => {
                Cause::Outside
            }
            (Storage::None | Storage::Local { .. } | Storage::Network { .. }, _) => Cause::Spec,
        };
        let (before, after) = (shown::live_storage(&self.live.storage), shown::storage(wanted));
        comparison.changes.push(FieldChange { field: Field::Volumes, before, after, cause, disruption });
        if disruption != Disruption::Replace {
            comparison.patch.storage = Some(wanted.clone());
        }
    }

    /// Returns what this pod is to mount: what is wanted, but never less than what others made of its local volume.
    /// Undoing that would take the pod, and what they put there. Only a smaller size that the spec's author wrote does.
    fn with_growth_of_others(&self) -> Storage {
        let wanted = &self.wanted.container.storage;
        let written = self.recorded_container().filter(|_| !self.rebuilt);
        let recorded = written.map(|recorded| &recorded.storage);
        match (wanted, &self.live.storage) {
            (Storage::Local { size, path }, LiveStorage::Local { size: has, path: _ }) if size < has => {
                let was_written_smaller =
                    matches!(recorded, Some(Storage::Local { size: was, path: _ }) if size < was);
                let size = if was_written_smaller { *size } else { *has };
                Storage::Local { size, path: path.clone() }
            }
            (Storage::None, LiveStorage::Local { size, path })
                if matches!(recorded, None | Some(Storage::None)) =>
            {
                Storage::Local { size: *size, path: path.clone() }
            }
            (Storage::None | Storage::Local { .. } | Storage::Network { .. }, _) => wanted.clone(),
        }
    }

    /// Returns what it takes to mount this; `None` if it is mounted.
    fn storage_disruption(&self, wanted: &Storage) -> Option<Disruption> {
        match (wanted, &self.live.storage) {
            (Storage::None, LiveStorage::None) => None,
            (Storage::Local { size, path }, LiveStorage::Local { size: has, path: at }) => {
                match (size.cmp(has), path == at) {
                    (std::cmp::Ordering::Equal, true) => None,
                    (std::cmp::Ordering::Less, _) => Some(Disruption::Replace),
                    (std::cmp::Ordering::Equal | std::cmp::Ordering::Greater, _) => Some(Disruption::Reset),
                }
            }
            (Storage::Network { volume: _, path }, LiveStorage::Network { id, path: at }) => {
                match (self.volume == Some(id), path == at) {
                    (true, true) => None,
                    (true, false) => Some(Disruption::Reset),
                    (false, _) => Some(Disruption::Replace),
                }
            }
            (Storage::None, LiveStorage::Local { .. } | LiveStorage::Network { .. })
            | (Storage::Local { .. }, LiveStorage::None | LiveStorage::Network { .. })
            | (Storage::Network { .. }, LiveStorage::None | LiveStorage::Local { .. }) => {
                Some(Disruption::Replace)
            }
        }
    }

    fn compare_hardware(&self, comparison: &mut Comparison) {
        self.machine_drift(comparison);
        let mismatches =
            satisfaction::mismatches(&self.wanted.hardware, self.live, self.recorded, self.catalog);
        for satisfaction::Mismatch { field, live, wanted, as_recorded } in mismatches {
            if comparison.ignored.contains(&field) {
                comparison.only_new(field, Shown::Text(live), Shown::Text(wanted), Cause::Ignored);
                continue;
            }
            let cause = if as_recorded || self.recorded.is_none() { Cause::Spec } else { Cause::Outside };
            comparison.changes.push(FieldChange {
                field,
                before: Shown::Text(live),
                after: Shown::Text(wanted),
                cause,
                disruption: Disruption::Replace,
            });
        }
    }

    /// A stopped pod has no machine, so only a running one can have drifted.
    fn machine_drift(&self, comparison: &mut Comparison) {
        let Some(recorded) = self.recorded.filter(|_| self.live.status.is_up()) else { return };
        let mut drift = |field: Field, recorded: Option<String>, live: Option<String>| {
            if let (Some(recorded), Some(live)) = (recorded, live)
                && recorded != live
                && !comparison.ignored.contains(&field)
            {
                let (recorded, live) = (Shown::Text(recorded), Shown::Text(live));
                comparison.drift.push(FieldDrift { field, recorded, live, left_alone: false });
            }
        };
        let field = match &self.live.compute {
            Some(Compute::Cpu { .. }) => Field::Cpu,
            Some(Compute::Gpu { .. }) | None => Field::Gpu,
        };
        let text = |compute: &Compute| compute.to_string();
        drift(field, recorded.compute.as_ref().map(text), self.live.compute.as_ref().map(text));
        let place = |id: &DataCenterId| id.to_string();
        drift(
            Field::DataCenter,
            recorded.data_center.as_ref().map(place),
            self.live.data_center.as_ref().map(place),
        );
    }

    /// Neither service can be read back, so both are compared with the record only.
    fn compare_access(&self, comparison: &mut Comparison) {
        let Some(recorded) = self.recorded.and_then(|recorded| recorded.access) else {
            comparison.findings.push(finding::access_unknown(self.address));
            return;
        };
        let Access { ssh, jupyter } = self.wanted.access;
        for (field, wanted, has) in
            [(Field::Ssh, ssh, recorded.ssh), (Field::Jupyter, jupyter, recorded.jupyter)]
        {
            let (before, after) = (shown::text(&has), shown::text(&wanted));
            if comparison.ignored.contains(&field) {
                if has != wanted {
                    comparison.only_new(field, before, after, Cause::Ignored);
                }
                continue;
            }
            match (wanted, has) {
                (true, true) | (false, false) => {}
                (false, true) => {
                    comparison.findings.push(finding::access_kept(self.address, field.clone()));
                    comparison.only_new(field, before, after, Cause::NewPodOnly);
                }
                (true, false) => match self.api {
                    Api::V2 | Api::Graphql => comparison.changes.push(FieldChange {
                        field,
                        before,
                        after,
                        cause: Cause::Spec,
                        disruption: Disruption::Replace,
                    }),
                    // A replacement would lose the pod and still not have it.
                    Api::V1 => comparison.findings.push(finding::access_not_possible(self.address, field)),
                },
            }
        }
    }

    /// Returns what is known to be live, in the words of the record: what an adopted pod is recorded with.
    ///
    /// Live variables beyond the wanted ones stay out, as they could be anybody's secret.
    fn seen(&self, comparison: &Comparison, applied: &Container) -> Container {
        let live = self.live;
        // Where the API does not say what is live, the record speaks for the pod.
        let known = self.recorded_container().unwrap_or(applied);
        let volumes_differ = comparison.ignored.contains(&Field::Volumes)
            || comparison.changes.iter().any(|change| change.field == Field::Volumes);
        let entrypoint = live.entrypoint.as_ref().or(known.entrypoint.as_ref());
        Container {
            name: live.name.clone(),
            image: live.image.as_ref().unwrap_or(&known.image).clone(),
            command: live.command.as_ref().unwrap_or(&known.command).clone(),
            entrypoint: entrypoint.filter(|words| !words.is_empty()).cloned(),
            env: env::seen(&applied.env, &comparison.changes),
            ports: self.ports(),
            disk: live.disk.unwrap_or(known.disk),
            registry: live.registry.as_ref().unwrap_or(&known.registry).clone(),
            storage: if volumes_differ { self.mounted() } else { applied.storage.clone() },
            global_networking: live.global_networking.unwrap_or(known.global_networking),
            locked: applied.locked.and(live.locked),
        }
    }

    /// Returns what is mounted, in the words of the record. What others made of a local volume is not recorded: a
    /// spec that says what it always said would read as one that was made smaller.
    fn mounted(&self) -> Storage {
        let recorded = self.recorded_container().map(|recorded| &recorded.storage);
        let wanted = &self.wanted.container.storage;
        match (&self.live.storage, recorded.unwrap_or(wanted)) {
            (LiveStorage::None, _) | (LiveStorage::Local { .. }, Storage::None) => Storage::None,
            (LiveStorage::Local { size, path }, Storage::Local { size: known, path: _ }) => {
                Storage::Local { size: *size.min(known), path: path.clone() }
            }
            (LiveStorage::Local { size, path }, Storage::Network { .. }) => {
                Storage::Local { size: *size, path: path.clone() }
            }
            // A network volume has no name but in the spec and in the record.
            (LiveStorage::Network { id, path }, known) => match (wanted.volume(), known.volume()) {
                (Some(volume), _) if self.volume == Some(id) => {
                    Storage::Network { volume: volume.clone(), path: path.clone() }
                }
                (_, Some(volume)) => Storage::Network { volume: volume.clone(), path: path.clone() },
                (_, None) => known.clone(),
            },
        }
    }
}

/// From this number on, a TCP port asks for any public port with the same number inside.
const SYMMETRIC_PORTS_FROM: u32 = 70_000;

/// Tells whether live ports are what was asked for, where each symmetric port is any other number.
fn same_ports(asked: &BTreeSet<Port>, live: &BTreeSet<Port>) -> bool {
    let (symmetric, plain): (BTreeSet<Port>, BTreeSet<Port>) =
        asked.iter().copied().partition(|port| port.number >= SYMMETRIC_PORTS_FROM);
    let given = live.difference(&plain).filter(|port| port.protocol == Protocol::Tcp).count();
    plain.is_subset(live) && live.len() == asked.len() && given == symmetric.len()
}

/// Said where REST v2 would have to set an entrypoint.
pub(super) const ENTRYPOINT_ON_V2: &str =
    "`entrypoint` cannot be set over REST v2; set `api: v1`, or put it into the image";

/// Tells whether a recorded local disk, or the lack of one, is not what is live. Which network volume is mounted is
/// no drift, as it cannot change.
fn local_differs(recorded: &Storage, live: &LiveStorage) -> bool {
    match (recorded, live) {
        (Storage::None, LiveStorage::None) => false,
        (Storage::Local { size, path }, LiveStorage::Local { size: has, path: at }) => {
            size != has || path != at
        }
        (Storage::Network { volume: _, path }, LiveStorage::Network { id: _, path: at }) => path != at,
        (Storage::None, LiveStorage::Local { .. } | LiveStorage::Network { .. })
        | (Storage::Local { .. }, LiveStorage::None | LiveStorage::Network { .. })
        | (Storage::Network { .. }, LiveStorage::None | LiveStorage::Local { .. }) => true,
    }
}
