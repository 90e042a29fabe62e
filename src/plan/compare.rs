//! The three-way comparison of a pod: what is wanted, what was recorded, what is live.
//!
//! A field counts as changed if the live value is not the wanted one, and as drift if it is not the recorded one.
//! Noise never comes here: uptime, public ports, injected variables, the order of ports, prices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::desired::{Lifecycle, WantedPod};
use crate::model::id::VolumeId;
use crate::model::live::LivePod;
use crate::model::marker::Token;
use crate::model::plan::{Cause, Disruption, FieldChange, FieldDrift, Finding};
use crate::model::pod::{Access, Compute, Port, Protocol, RunState, Storage};
use crate::model::prior::{Api, RecordedPod};
use crate::model::registry::Registry;
use crate::model::secret::Secrets;
use crate::model::settings::{Ability, Container, Field, Judge, PodPatch, Setting, Sides};
use crate::model::value::Value;

use super::catalog_index::CatalogIndex;
use super::env::{self, EnvComparison, Environments};
use super::registries::RegistryIndex;
use super::{finding, references, satisfaction};

/// A wanted pod beside the live one.
pub(super) struct Pair<'a> {
    pub(super) address: &'a Address,
    pub(super) wanted: &'a WantedPod,
    /// The same with its references to other pods, where it has some.
    pub(super) written: &'a Container,
    /// `None` for a pod that is being adopted without a record.
    pub(super) recorded: Option<&'a RecordedPod>,
    /// The record was made from the pod as it was found, so its sizes are not what the spec's author wrote.
    pub(super) rebuilt: bool,
    pub(super) live: &'a LivePod,
    /// The token whose marker an update of the environment sends.
    pub(super) token: Option<Token>,
    /// The id of the network volume that is to be mounted; `None` where it is yet to be created or none is wanted.
    pub(super) volume: Option<&'a VolumeId>,
    pub(super) registries: &'a RegistryIndex<'a>,
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
    /// The mounted network volume is gone or another one.
    pub(super) volume_replaced: bool,
    /// The pod was created with a mark and has none.
    pub(super) mark_removed: bool,
    /// What this pod does not get, but one that takes its place.
    pub(super) only_new: Vec<FieldChange>,
    lifecycle: Lifecycle,
}

/// The result of [`Pair::compare`].
pub(super) struct Compared {
    pub(super) comparison: Comparison,
    /// What is live once the changes in place are applied.
    pub(super) applied: Container,
    /// What is known to be live before.
    pub(super) seen: Container,
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

    /// Compares one field and returns its change, if it has to change. Where the API does not say what is live, the
    /// record stands in; without either the field is left alone.
    fn change<T: Setting>(
        &mut self,
        field: &Field,
        disruption: Disruption,
        sides: Sides<'_, T>,
    ) -> Option<FieldChange> {
        let Sides { recorded, live, wanted } = sides;
        let present = live.or(recorded).filter(|present| *present != wanted);
        if self.lifecycle.ignores(field) {
            if let Some(present) = present {
                self.only_new(field.clone(), present.value(), wanted.value(), Cause::Ignored);
            }
            return None;
        }
        if let (Some(recorded), Some(live)) = (recorded, live)
            && recorded != live
        {
            self.drifted(field.clone(), recorded.value(), live.value());
        }
        let present = present?;
        let cause = match recorded {
            None => Cause::Spec,
            Some(recorded) if recorded == present => Cause::Spec,
            Some(recorded) if recorded == wanted => Cause::Outside,
            Some(_) => Cause::Both,
        };
        let (before, after) = (present.value(), wanted.value());
        Some(FieldChange { field: field.clone(), before, after, cause, disruption })
    }

    fn drifted(&mut self, field: Field, recorded: Value, live: Value) {
        self.drift.push(FieldDrift { field, recorded, live, left_alone: false });
    }

    /// Notes what an update does not change and a new pod gets.
    fn only_new(&mut self, field: Field, before: Value, after: Value, cause: Cause) {
        self.only_new.push(FieldChange { field, before, after, cause, disruption: Disruption::InPlace });
    }

    /// Notes what others made larger, where making it smaller again would destroy what they put there.
    fn leave_larger(&mut self, field: Field, recorded: Option<Value>, live: Value, wanted: Value) {
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

impl Pair<'_> {
    /// Compares everything.
    pub(super) fn compare(&self) -> Compared {
        let mut comparison = Comparison { lifecycle: self.wanted.lifecycle.clone(), ..Comparison::default() };
        let mut applied = self.wanted.container.clone();
        self.compare_settings(&mut comparison, &mut applied);
        self.compare_env(&mut comparison, &mut applied);
        self.compare_storage(&mut comparison);
        self.compare_registry(&mut comparison);
        self.compare_hardware(&mut comparison);
        self.compare_access(&mut comparison);
        self.compare_disk(&mut comparison);
        self.compare_mark(&mut comparison);
        references::attribute(&mut comparison.changes, self.written, self.recorded_container());
        comparison.changes.sort_by(|left, right| left.field.cmp(&right.field));
        comparison.drift.sort_by(|left, right| left.field.cmp(&right.field));
        let seen = self.seen(&comparison, &applied);
        comparison.lifecycle.leave(&mut applied, &seen);
        Compared { comparison, applied, seen }
    }

    fn recorded_container(&self) -> Option<&Container> {
        self.recorded.map(|recorded| &recorded.container)
    }

    /// Compares what has a row, see [`PodSettings`](crate::model::settings::PodSettings). What is live is given in the words of
    /// the record, so that nothing differs which only reads otherwise.
    fn compare_settings(&self, comparison: &mut Comparison, applied: &mut Container) {
        let images_own = Vec::new();
        let mut live = self.live.settings.given(None, None, None);
        live.ports = Some(self.ports());
        // Without a record the image's own is the only thing that an API can have set which cannot show it.
        if self.recorded.is_none() {
            live.entrypoint.get_or_insert(&images_own);
        }
        let mut judge = Judgement { pair: self, comparison, kept: Vec::new() };
        let patch = self.wanted.container.changed(self.recorded_container(), &live, &mut judge);
        let kept = judge.kept;
        comparison.patch = patch;
        self.whole_command(comparison);
        if !kept.is_empty() {
            let present = self.kept(applied);
            kept.iter().for_each(|field| applied.take(field, &present));
        }
    }

    /// Gives an update that changes half of a command the other half too: the APIs keep both as one text, and none says
    /// what becomes of the half that is not sent.
    fn whole_command(&self, comparison: &mut Comparison) {
        let Comparison { patch: PodPatch { command, entrypoint, .. }, lifecycle, .. } = comparison;
        if command.is_none() && entrypoint.is_none() {
            return;
        }
        let (live, recorded, wanted) =
            (&self.live.settings, self.recorded_container(), &self.wanted.container);
        let half = |field, live: &Option<Vec<String>>, of: fn(&Container) -> &Vec<String>| {
            let present = || live.clone().or_else(|| recorded.map(of).cloned());
            let kept = if lifecycle.ignores(&field) { present() } else { None };
            kept.unwrap_or_else(|| of(wanted).clone())
        };
        command.get_or_insert_with(|| half(Field::Command, &live.command, |all| &all.command));
        entrypoint.get_or_insert_with(|| half(Field::Entrypoint, &live.entrypoint, |all| &all.entrypoint));
    }

    /// Returns what is on record of settings that the API cannot change, or live where there is no record.
    fn kept(&self, applied: &Container) -> Container {
        let live = &self.live.settings;
        let recorded = self.recorded_container();
        let registry = recorded.unwrap_or(applied).registry.clone();
        let known = live.known(recorded.unwrap_or(applied), BTreeMap::new(), Storage::None, registry);
        match recorded {
            // What is recorded of the private network can be pending, and is not to be taken for done.
            Some(recorded) => Container { global_networking: known.global_networking, ..recorded.clone() },
            None => Container { locked: None, ..known },
        }
    }

    /// Making a container disk smaller recreates the container, which wipes it. That is not done for its own sake where
    /// others made it larger, but along with what recreates the container anyway.
    fn compare_disk(&self, comparison: &mut Comparison) {
        let recorded = self.recorded_container().map(|recorded| &recorded.disk);
        let (live, wanted) = (self.live.settings.disk.as_ref(), &self.wanted.container.disk);
        let stays_up = self.live.status.is_up() && self.wanted.run == RunState::Running;
        let was_written_smaller = !self.rebuilt && recorded.is_some_and(|recorded| wanted < recorded);
        if let Some(larger) = live.filter(|live| *live > wanted)
            && stays_up
            && !was_written_smaller
            && !comparison.resets()
            && !comparison.lifecycle.ignores(&Field::Disk)
        {
            comparison.findings.push(finding::disk_larger(self.address, *larger, *wanted));
            let recorded = recorded.map(Setting::value);
            comparison.leave_larger(Field::Disk, recorded, larger.value(), wanted.value());
            return;
        }
        let sides = Sides { recorded, live, wanted };
        if let Some(change) = comparison.change(&Field::Disk, Disruption::Reset, sides) {
            comparison.changes.push(change);
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
    fn ports(&self) -> &BTreeSet<Port> {
        static NONE: BTreeSet<Port> = BTreeSet::new();
        let live = self.live.settings.ports.as_ref().unwrap_or(&NONE);
        let recorded = self.recorded_container().map(|recorded| &recorded.ports);
        let mut asked = [Some(&self.wanted.container.ports), recorded].into_iter().flatten();
        asked.find(|asked| same_ports(asked, live)).unwrap_or(live)
    }

    fn compare_env(&self, comparison: &mut Comparison, applied: &mut Container) {
        let environments = Environments {
            address: self.address,
            wanted: &self.wanted.container.env,
            recorded: self.recorded_container().map(|recorded| &*recorded.env),
            live: &self.live.settings.env,
            secrets: self.secrets,
            lifecycle: &self.wanted.lifecycle,
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
        applied.env = Arc::new(env);
    }

    fn compare_storage(&self, comparison: &mut Comparison) {
        let wanted = &self.wanted.container.storage;
        if comparison.lifecycle.ignores(&Field::Volumes) {
            if self.storage_disruption(wanted).is_some() {
                let (before, after) = (Value::from(&self.live.settings.storage), Value::from(wanted));
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
            let recorded = recorded.map(Value::from);
            let (live, wanted) = (Value::from(&self.live.settings.storage), Value::from(wanted));
            comparison.leave_larger(Field::Volumes, recorded, live, wanted);
        } else if let Some(recorded) = recorded
            && local_differs(recorded, &self.live.settings.storage)
        {
            let (recorded, live) = (Value::from(recorded), Value::from(&self.live.settings.storage));
            comparison.drifted(Field::Volumes, recorded, live);
        }
        let wanted = &wanted_here;
        let Some(disruption) = self.storage_disruption(wanted) else { return };
        let untouched = recorded.is_some_and(|recorded| recorded == wanted);
        let cause = match (wanted, &self.live.settings.storage) {
            // A pod keeps its network volume for life, so it was the spec, or the volume, that changed.
            (Storage::Network { .. }, Storage::Network { volume: id, path: _ })
                if self.volume != Some(id) =>
            {
                comparison.volume_replaced = true;
                Cause::Spec
            }
            (Storage::None | Storage::Local { .. } | Storage::Network { .. }, _) if untouched => {
                Cause::Outside
            }
            (Storage::None | Storage::Local { .. } | Storage::Network { .. }, _) => Cause::Spec,
        };
        let (before, after) = (Value::from(&self.live.settings.storage), Value::from(wanted));
        comparison.changes.push(FieldChange { field: Field::Volumes, before, after, cause, disruption });
        if disruption != Disruption::Replace {
            comparison.patch.storage = Some(wanted.clone());
        }
    }

    /// Credentials are named by their address, and what stands there may be another object by now, or is yet to be made.
    fn compare_registry(&self, comparison: &mut Comparison) {
        let (index, field) = (self.registries, Field::Registry);
        let wanted = &self.wanted.container.registry;
        let recorded = self.recorded_container().map(|recorded| &recorded.registry);
        let live = self.live.settings.registry.as_ref();
        let is_wanted = match live {
            Some(live) => index.is_wanted(wanted, live),
            None => recorded.is_none_or(|recorded| recorded == wanted && !index.is_to_be_made(wanted)),
        };
        let as_recorded = recorded.zip(live).is_none_or(|(recorded, live)| index.is_recorded(recorded, live));
        let before = || match (live, recorded) {
            (Some(live), _) => Value::from(&live.clone().map(Registry::Given)),
            (None, Some(recorded)) => Value::from(recorded),
            (None, None) => Value::Absent,
        };
        if comparison.lifecycle.ignores(&field) {
            if !is_wanted {
                comparison.only_new(field, before(), Value::from(wanted), Cause::Ignored);
            }
            return;
        }
        if let Some(recorded) = recorded.filter(|_| !as_recorded) {
            comparison.drifted(field.clone(), Value::from(recorded), before());
        }
        if is_wanted {
            return;
        }
        let cause = match recorded {
            Some(recorded) if !as_recorded && recorded == wanted => Cause::Outside,
            Some(_) if !as_recorded => Cause::Both,
            Some(_) | None => Cause::Spec,
        };
        let (before, after, disruption) = (before(), Value::from(wanted), Disruption::Reset);
        comparison.changes.push(FieldChange { field, before, after, cause, disruption });
        comparison.patch.registry = Some(wanted.clone());
    }

    /// Returns what this pod is to mount: what is wanted, but never less than what others made of its local volume.
    /// Undoing that would take the pod, and what they put there. Only a smaller size that the spec's author wrote does.
    fn with_growth_of_others(&self) -> Storage<Address> {
        let wanted = &self.wanted.container.storage;
        let written = self.recorded_container().filter(|_| !self.rebuilt);
        let recorded = written.map(|recorded| &recorded.storage);
        match (wanted, &self.live.settings.storage) {
            (Storage::Local { size, path }, Storage::Local { size: has, path: _ }) if size < has => {
                let was_written_smaller =
                    matches!(recorded, Some(Storage::Local { size: was, path: _ }) if size < was);
                let size = if was_written_smaller { *size } else { *has };
                Storage::Local { size, path: path.clone() }
            }
            (Storage::None, Storage::Local { size, path })
                if matches!(recorded, None | Some(Storage::None)) =>
            {
                Storage::Local { size: *size, path: path.clone() }
            }
            (Storage::None | Storage::Local { .. } | Storage::Network { .. }, _) => wanted.clone(),
        }
    }

    /// Returns what it takes to mount this; `None` if it is mounted.
    fn storage_disruption(&self, wanted: &Storage<Address>) -> Option<Disruption> {
        match (wanted, &self.live.settings.storage) {
            (Storage::None, Storage::None) => None,
            (Storage::Local { size, path }, Storage::Local { size: has, path: at }) => {
                match (size.cmp(has), path == at) {
                    (std::cmp::Ordering::Equal, true) => None,
                    (std::cmp::Ordering::Less, _) => Some(Disruption::Replace),
                    (std::cmp::Ordering::Equal | std::cmp::Ordering::Greater, _) => Some(Disruption::Reset),
                }
            }
            (Storage::Network { volume: _, path }, Storage::Network { volume: id, path: at }) => {
                match (self.volume == Some(id), path == at) {
                    (true, true) => None,
                    (true, false) => Some(Disruption::Reset),
                    (false, _) => Some(Disruption::Replace),
                }
            }
            (Storage::None, Storage::Local { .. } | Storage::Network { .. })
            | (Storage::Local { .. }, Storage::None | Storage::Network { .. })
            | (Storage::Network { .. }, Storage::None | Storage::Local { .. }) => Some(Disruption::Replace),
        }
    }

    fn compare_hardware(&self, comparison: &mut Comparison) {
        self.machine_drift(comparison);
        let wider = self.catalog.wider(self.address);
        let mismatches =
            satisfaction::mismatches((&self.wanted.hardware, wider), self.live, self.recorded, self.catalog);
        for satisfaction::Mismatch { field, live, wanted, as_recorded } in mismatches {
            if comparison.lifecycle.ignores(&field) {
                comparison.only_new(field, Value::Word(live), Value::Word(wanted), Cause::Ignored);
                continue;
            }
            let cause = if as_recorded || self.recorded.is_none() { Cause::Spec } else { Cause::Outside };
            comparison.changes.push(FieldChange {
                field,
                before: Value::Word(live),
                after: Value::Word(wanted),
                cause,
                disruption: Disruption::Replace,
            });
        }
    }

    /// A stopped pod has no machine, so only a running one can have drifted.
    fn machine_drift(&self, comparison: &mut Comparison) {
        let Some(recorded) = self.recorded.filter(|_| self.live.status.is_up()) else { return };
        let field = match &self.live.compute {
            Some(Compute::Cpu { .. }) => Field::Cpu,
            Some(Compute::Gpu { .. }) | None => Field::Gpu,
        };
        let compute = [&recorded.compute, &self.live.compute].map(|side| side.as_ref().map(Value::word));
        let place =
            [&recorded.data_center, &self.live.data_center].map(|side| side.as_ref().map(Value::word));
        for (field, sides) in [(field, compute), (Field::DataCenter, place)] {
            if let [Some(recorded), Some(live)] = sides
                && recorded != live
                && !comparison.lifecycle.ignores(&field)
            {
                comparison.drifted(field, recorded, live);
            }
        }
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
            let (before, after) = (has.value(), wanted.value());
            if comparison.lifecycle.ignores(&field) {
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
        let volumes_differ = comparison.lifecycle.ignores(&Field::Volumes)
            || comparison.changes.iter().any(|change| change.field == Field::Volumes);
        let storage = if volumes_differ { self.mounted() } else { applied.storage.clone() };
        let registry = match &live.settings.registry {
            Some(registry) => self.registries.seen(&self.wanted.container.registry, registry),
            None => known.registry.clone(),
        };
        let env = env::seen(&applied.env, &comparison.changes);
        let seen = live.settings.known(known, env, storage, registry);
        Container {
            ports: self.ports().clone(),
            locked: applied.locked.and(live.settings.locked.flatten()),
            ..seen
        }
    }

    /// Returns what is mounted, in the words of the record. What others made of a local volume is not recorded: a
    /// spec that says what it always said would read as one that was made smaller.
    fn mounted(&self) -> Storage<Address> {
        let recorded = self.recorded_container().map(|recorded| &recorded.storage);
        let wanted = &self.wanted.container.storage;
        match (&self.live.settings.storage, recorded.unwrap_or(wanted)) {
            (Storage::None, _) | (Storage::Local { .. }, Storage::None) => Storage::None,
            (Storage::Local { size, path }, Storage::Local { size: known, path: _ }) => {
                Storage::Local { size: *size.min(known), path: path.clone() }
            }
            (Storage::Local { size, path }, Storage::Network { .. }) => {
                Storage::Local { size: *size, path: path.clone() }
            }
            // A network volume has no name but in the spec and in the record.
            (Storage::Network { volume: id, path }, known) => match (wanted.volume(), known.volume()) {
                (Some(volume), _) if self.volume == Some(id) => {
                    Storage::Network { volume: volume.clone(), path: path.clone() }
                }
                (_, Some(volume)) => Storage::Network { volume: volume.clone(), path: path.clone() },
                (_, None) => known.clone(),
            },
        }
    }
}

/// Tells whether live ports are what was asked for, where each symmetric port is any other number.
fn same_ports(asked: &BTreeSet<Port>, live: &BTreeSet<Port>) -> bool {
    let is_plain = |port: &&Port| !port.is_symmetric();
    let symmetric = asked.iter().filter(|port| port.is_symmetric()).count();
    let other = live.iter().filter(|port| !(is_plain(port) && asked.contains(port)));
    let given = other.filter(|port| port.protocol == Protocol::Tcp).count();
    asked.iter().filter(is_plain).all(|port| live.contains(port))
        && live.len() == asked.len()
        && given == symmetric
}

/// Judges what has a row for one pod.
struct Judgement<'a, 'b> {
    pair: &'a Pair<'b>,
    comparison: &'a mut Comparison,
    /// What stays as it is, though something else is wanted.
    kept: Vec<Field>,
}

impl Judge for Judgement<'_, '_> {
    fn is_to_change<T: Setting>(&mut self, field: &Field, sides: Sides<'_, T>) -> bool {
        let (pair, comparison) = (self.pair, &mut *self.comparison);
        let ability = field.ability(pair.api).unwrap_or(Ability::Leave);
        let mut sides = sides;
        match field {
            // Whether it is worth a reset is asked once it is known what else makes one.
            Field::Disk => return false,
            // `None` says that nobody manages it, which is no value to differ from.
            Field::Locked if sides.wanted.value() == Value::Absent => return false,
            Field::Locked => sides.recorded = sides.recorded.filter(|locked| locked.value() != Value::Absent),
            // A change takes effect at the next start, so a live value that is still the old one is pending, and a
            // difference between it and the record is no drift.
            Field::GlobalNetworking => {
                let was_applied = sides.recorded == Some(sides.wanted)
                    && sides.live.is_some_and(|live| live != sides.wanted);
                if was_applied && !comparison.lifecycle.ignores(field) {
                    comparison.findings.push(finding::pending(pair.address, field.clone()));
                    return false;
                }
                sides = Sides { recorded: None, live: sides.live.or(sides.recorded), ..sides };
            }
            _ => {}
        }
        let disruption = match ability {
            Ability::Change(disruption) => disruption,
            Ability::Leave => Disruption::InPlace,
        };
        let Some(change) = comparison.change(field, disruption, sides) else { return false };
        match ability {
            Ability::Change(_) => {
                comparison.changes.push(change);
                return true;
            }
            Ability::Leave => {
                let FieldChange { field: _, before, after, cause: _, disruption: _ } = change;
                comparison.only_new(field.clone(), before, after, Cause::NewPodOnly);
                comparison.findings.push(finding::not_changeable(pair.address, field.clone()));
                self.kept.push(field.clone());
            }
        }
        false
    }
}

/// Tells whether a recorded local disk, or the lack of one, is not what is live. Which network volume is mounted is
/// no drift, as it cannot change.
fn local_differs(recorded: &Storage<Address>, live: &Storage<VolumeId>) -> bool {
    match (recorded, live) {
        (Storage::None, Storage::None) => false,
        (Storage::Local { size, path }, Storage::Local { size: has, path: at }) => size != has || path != at,
        (Storage::Network { volume: _, path }, Storage::Network { volume: _, path: at }) => path != at,
        (Storage::None, Storage::Local { .. } | Storage::Network { .. })
        | (Storage::Local { .. }, Storage::None | Storage::Network { .. })
        | (Storage::Network { .. }, Storage::None | Storage::Local { .. }) => true,
    }
}
