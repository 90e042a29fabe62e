//! Plans one network volume. Volumes are made, grown and deleted; nothing ever replaces one, as that loses data.

use crate::model::address::Address;
use crate::model::desired::{Lifecycle, OnRemove, WantedVolume};
use crate::model::id::{RemoteId, VolumeId};
use crate::model::live::{LiveVolume, Seen};
use crate::model::marker::{Token, VolumeMark};
use crate::model::plan::{
    Block, Cause, Consequence, Disruption, DriftKind, FieldChange, FieldDrift, Held, Operation, Reason,
    RecordAfter, Split, Step,
};
use crate::model::pod::RunState;
use crate::model::prior::{Api, Record, Recorded, RecordedObject};
use crate::model::settings::Field;
use crate::model::value::Value;
use crate::model::volume::{VolumeConfig, VolumeTier};

use super::draft::{Draft, Planning};
use super::places::{self, Looked, Misplaced};
use super::presence::{Case, Known, case};
use super::{Context, Inputs, cost, finding, shown};

/// Plans the address of a network volume.
pub(super) fn draft<'a>(
    context: &Context<'a>,
    address: &'a Address,
    wanted: Option<&'a WantedVolume>,
) -> Draft<'a> {
    let mut planner = VolumePlanner { context, address, draft: Draft::default() };
    let wanted = match wanted {
        Some(WantedVolume::Referenced { id }) => {
            planner.referenced(id);
            return planner.draft;
        }
        Some(WantedVolume::Managed { config, protect, adopt: _ }) => Some((config, *protect)),
        None => None,
    };
    let Some(sighting) = context.volumes.sighting(address) else { return planner.draft };
    planner.draft.findings = context.volumes.findings(address);
    match (case(wanted.map(|_| RunState::Running), sighting.clone()), wanted) {
        (Case::Hold(held), _) => planner.hold(held),
        (Case::Nothing | Case::NotYet, _) => {}
        (Case::RemoveOrphan { object, asked }, _) => planner.remove_orphan(object, asked),
        (Case::Remove { recorded, object, by: _, successor: _ }, _) => planner.remove(recorded, object),
        (Case::Forget { recorded }, _) => planner.forget_vanished(recorded),
        (Case::Create, Some(wanted)) => planner.create(wanted, Reason::New, Vec::new()),
        (Case::CreateAgain { recorded }, Some(wanted)) => planner.create_again(wanted, recorded),
        (Case::Compare { recorded, object }, Some(wanted)) => planner.keep(wanted, recorded, object),
        (Case::Adopt { object, known, deposed: _ }, Some(wanted)) => planner.adopt(wanted, object, known),
        (Case::Create | Case::CreateAgain { .. } | Case::Compare { .. } | Case::Adopt { .. }, None) => {}
    }
    planner.draft
}

struct VolumePlanner<'c, 'a> {
    context: &'c Context<'a>,
    address: &'a Address,
    draft: Draft<'a>,
}

/// What was applied to a volume, as far as that is known.
#[derive(Clone, Copy)]
struct Applied<'a> {
    config: &'a VolumeConfig,
    /// A rebuilt record tells what a volume was like when it was found, and not what the spec ever said.
    is_exact: bool,
}

/// What a managed volume is to be, and whether it is protected.
type WantedConfig<'a> = (&'a VolumeConfig, bool);

impl<'a> VolumePlanner<'_, 'a> {
    fn begin(&mut self, live: Option<&LiveVolume>, recorded: Option<&VolumeConfig>) {
        let tier = live.and_then(|live| live.tier).or(recorded.map(|recorded| recorded.tier));
        let tier = tier.unwrap_or(VolumeTier::Standard);
        self.draft.costs_now(live.map(|live| cost::volume(live.size, tier)).unwrap_or_default());
        if let Some(from) = self.context.renamed.moves.get(self.address) {
            self.draft.local(Step::Move, Reason::Renamed, Vec::new(), RecordAfter::MovedFrom(from.clone()));
        }
    }

    fn hold(&mut self, held: Held) {
        let recorded =
            self.context.renamed.recorded(self.address).and_then(|recorded| recorded.record.object.volume());
        self.draft.costs_now(recorded.map(cost::volume_config).unwrap_or_default());
        self.draft.hold(held);
    }

    /// A volume given by its id is only mounted. A record from when it was managed is dropped, never acted upon.
    fn referenced(&mut self, id: &VolumeId) {
        if self.context.renamed.objects.contains_key(self.address) {
            self.begin(None, None);
            self.draft.findings.push(finding::forgotten(self.address));
            self.draft.local(
                Step::Forget,
                Reason::Removed,
                Vec::new(),
                RecordAfter::Remove { tombstone: true },
            );
        }
        self.draft.unusable = match self.context.inputs.live.volumes.get(id) {
            Some(Seen::Found(_)) => None,
            Some(Seen::Unreadable(why)) => Some(Held::Unreadable(format!("network volume `{id}`: {why}"))),
            Some(Seen::Absent) | None => Some(match self.context.inputs.live.unseen_volume() {
                Some(why) => Held::Unreadable(format!("network volume `{id}`: {why}")),
                None => Held::NotPossible(format!("network volume `{id}` is not in the account")),
            }),
        };
    }

    fn create(&mut self, wanted: WantedConfig<'_>, reason: Reason, consequences: Vec<Consequence>) {
        let (config, protect) = wanted;
        self.begin(None, None);
        match (self.context.inputs.api, config.tier) {
            (Api::V2, VolumeTier::Standard | VolumeTier::HighPerformance)
            | (Api::V1 | Api::Graphql, VolumeTier::Standard) => {}
            (api @ (Api::V1 | Api::Graphql), VolumeTier::HighPerformance) => {
                self.draft.findings.push(finding::not_in_api(self.address, Field::Tier, api));
                let why = "`tier: high_performance` can only be asked for over REST v2";
                return self.draft.hold(Held::NotPossible(why.to_owned()));
            }
        }
        let inputs = self.context.inputs;
        match places::of_volume(config, inputs.catalog) {
            Looked::Good => {}
            Looked::NotChecked => {
                self.draft.findings.push(finding::place_not_checked(self.address, Field::DataCenter));
            }
            Looked::Bad(Misplaced { field, why }) => {
                let address = self.address.clone();
                self.draft.blocks.push(Block::NoSuchPlace { address, field, why });
            }
        }
        let token = Token::derive(&inputs.prior.lineage, inputs.nonce, self.address, 0);
        let object = RecordedObject::Volume(config.clone());
        let record = Record::new(Some(token.clone()), lifecycle(protect), object);
        self.draft.push(Planning {
            step: Step::Create,
            operation: Operation::CreateVolume {
                name: VolumeMark {
                    project: inputs.desired.project.clone(),
                    key: self.address.key().clone(),
                    token: token.clone(),
                }
                .to_string(),
                config: config.clone(),
                token,
            },
            reason,
            changes: shown::volume_creation(config),
            consequences,
            after: cost::volume_config(config),
            record: RecordAfter::put(None, record),
        });
    }

    fn create_again(&mut self, wanted: WantedConfig<'_>, recorded: &Recorded) {
        self.draft.drift.push(DriftKind::Vanished);
        let lost =
            recorded.record.object.volume().map(|config| Consequence::VanishedWithData { size: config.size });
        self.create(wanted, Reason::Vanished, lost.into_iter().collect());
    }

    fn keep(&mut self, wanted: WantedConfig<'_>, recorded: &Recorded, live: &LiveVolume) {
        let Some(config) = recorded.record.object.volume() else { return };
        self.begin(Some(live), Some(config));
        let (config_wanted, protect) = wanted;
        self.note_drift(config, config_wanted, live);
        self.note_replace();
        self.note_name(recorded, live);
        let applied = Applied { config, is_exact: !recorded.rebuilt };
        let grow = self.compare(config_wanted, Some(applied), live);
        let before = &recorded.record;
        let mut record = Record { lifecycle: lifecycle(protect), ..before.clone() };
        let lifecycle_changed = record.lifecycle != before.lifecycle;
        let learned = grow.is_none() && config_wanted != config && self.draft.blocks.is_empty();
        if learned && live.size == config_wanted.size {
            record.object = RecordedObject::Volume(config_wanted.clone());
        }
        if lifecycle_changed || record.object != before.object {
            let mut changes = if lifecycle_changed {
                vec![shown::lifecycle(&before.lifecycle, &record.lifecycle)]
            } else {
                Vec::new()
            };
            changes.extend(shown::recorded_differences(&before.object, &record.object));
            let reason = if lifecycle_changed { Reason::LifecycleChanged } else { Reason::Changed };
            self.draft.local(Step::Record, reason, changes, put(live, record.clone()));
        }
        self.grow(config_wanted, live, record, grow);
    }

    fn adopt(&mut self, wanted: WantedConfig<'_>, live: &LiveVolume, known: Known<'_>) {
        let (config, protect) = wanted;
        let (token, applied) = match known {
            Known::Migrated(recorded, _) => (recorded.record.token.clone(), recorded.record.object.volume()),
            Known::Asked(asked) => (asked.token.clone(), asked.object.volume()),
            Known::Nothing => (None, None),
        };
        self.begin(Some(live), applied);
        let applied = applied.map(|config| Applied { config, is_exact: true });
        let grow = self.compare(config, applied, live);
        let object = RecordedObject::Volume(VolumeConfig {
            // What others made of it is not recorded: a spec that says what it always said would read as one that
            // was made smaller.
            size: live.size.min(config.size),
            data_center: live.data_center.clone(),
            tier: live.tier.unwrap_or(config.tier),
        });
        let record = Record::new(token, lifecycle(protect), object);
        self.draft.local(Step::Adopt, known.reason(), Vec::new(), put(live, record.clone()));
        self.grow(config, live, record, grow);
    }

    fn grow(
        &mut self,
        config: &VolumeConfig,
        live: &LiveVolume,
        record: Record,
        change: Option<FieldChange>,
    ) {
        let Some(change) = change else { return };
        let record = Record { object: RecordedObject::Volume(config.clone()), ..record };
        self.draft.push(Planning {
            step: Step::Update,
            operation: Operation::GrowVolume { id: live.id.clone(), size: config.size },
            reason: Reason::Changed,
            changes: vec![change],
            consequences: vec![Consequence::NetworkVolumeKept { volume: self.address.clone() }],
            after: cost::volume_config(config),
            record: put(live, record),
        });
    }

    /// A volume's name is its mark: after a loss of the state it is found by nothing else.
    fn note_name(&mut self, recorded: &Recorded, live: &LiveVolume) {
        let mark = live.name.parse::<VolumeMark>().ok();
        let Some(token) = &recorded.record.token else { return };
        if mark.is_none_or(|mark| mark.token.short() != token.short()) {
            self.draft.findings.push(finding::volume_renamed(self.address, &live.name));
        }
    }

    /// Returns the growth that is wanted; what a volume cannot do blocks the plan.
    fn compare(
        &mut self,
        wanted: &VolumeConfig,
        applied: Option<Applied<'_>>,
        live: &LiveVolume,
    ) -> Option<FieldChange> {
        let VolumeConfig { size, data_center, tier } = wanted;
        let recorded = applied.map(|applied| applied.config);
        let tier_live = live.tier.or(recorded.map(|recorded| recorded.tier)).unwrap_or(*tier);
        let mut cannot = Vec::new();
        if *data_center != live.data_center {
            cannot.push(format!("it is in {} and cannot move to {data_center}", live.data_center));
        }
        if *tier != tier_live {
            let (has, wants) = (tier_live.word(), tier.word());
            cannot.push(format!("its tier is {has} and cannot become {wants}"));
        }
        // Only a smaller size that the spec's author wrote is a wish that nothing can fulfil.
        let exact = applied.filter(|applied| applied.is_exact).map(|applied| applied.config.size);
        if *size < live.size && exact.is_some_and(|applied| *size < applied) {
            cannot.push(format!("it has {} and cannot shrink to {size}", live.size));
        } else if *size < live.size {
            self.draft.findings.push(finding::volume_larger(self.address, live.size, *size, exact.is_some()));
        }
        if !cannot.is_empty() {
            let why = format!("{}; {HOW_TO_CHANGE_A_VOLUME}", cannot.join(", "));
            self.draft.blocks.push(Block::VolumeCannotChange { address: self.address.clone(), why });
            return None;
        }
        let cause = match recorded {
            Some(recorded) if recorded.size == *size => Cause::Outside,
            Some(recorded) if recorded.size != live.size => Cause::Both,
            Some(_) | None => Cause::Spec,
        };
        let (before, after) = (Value::Size(live.size), Value::Size(*size));
        let change =
            FieldChange { field: Field::Size, before, after, cause, disruption: Disruption::InPlace };
        (*size > live.size).then_some(change)
    }

    fn note_drift(&mut self, recorded: &VolumeConfig, wanted: &VolumeConfig, live: &LiveVolume) {
        let VolumeConfig { size, data_center: _, tier: _ } = recorded;
        if *size != live.size {
            let drift = FieldDrift {
                field: Field::Size,
                recorded: Value::Size(*size),
                live: Value::Size(live.size),
                left_alone: live.size > wanted.size,
            };
            self.draft.drift.push(DriftKind::Fields(vec![drift]));
        }
    }

    fn note_replace(&mut self) {
        if self.context.is_to_be_replaced(self.address) {
            let why = "a network volume is never replaced, as that loses all that is on it";
            self.draft.findings.push(finding::replace_without_effect(self.address, why));
        }
    }

    fn forget_vanished(&mut self, recorded: &Recorded) {
        self.begin(None, None);
        self.draft.drift.push(DriftKind::Vanished);
        let lost =
            recorded.record.object.volume().map(|config| Consequence::VanishedWithData { size: config.size });
        self.draft.push(Planning {
            step: Step::Forget,
            operation: Operation::Local,
            reason: Reason::Vanished,
            changes: Vec::new(),
            consequences: lost.into_iter().collect(),
            after: Split::default(),
            // A volume that carries the name of one that is gone is another one.
            record: RecordAfter::Remove { tombstone: true },
        });
    }

    fn remove(&mut self, recorded: &Recorded, live: &LiveVolume) {
        self.begin(Some(live), recorded.record.object.volume());
        let Inputs { options, desired, .. } = *self.context.inputs;
        let reason = if options.destroy { Reason::Destroyed } else { Reason::Removed };
        if !options.destroy && desired.removal(self.address) == Some(OnRemove::Forget) {
            self.draft.findings.push(finding::forgotten(self.address));
            return self.draft.push(Planning {
                step: Step::Forget,
                operation: Operation::Local,
                reason,
                changes: Vec::new(),
                consequences: vec![Consequence::GoesOnUnmanaged],
                after: Split::default(),
                record: RecordAfter::Remove { tombstone: true },
            });
        }
        let is_protected = self.context.is_protected(self.address);
        let is_unprotected = is_protected && self.context.is_unprotected(self.address);
        if is_unprotected {
            self.draft.findings.push(finding::unprotected(self.address));
        }
        if recorded.record.lifecycle.protect && is_unprotected {
            let mut record = recorded.record.clone();
            record.lifecycle.protect = false;
            let changes = vec![shown::lifecycle(&recorded.record.lifecycle, &record.lifecycle)];
            self.draft.local(Step::Record, Reason::LifecycleChanged, changes, put(live, record));
        }
        self.refuse_protected(is_protected && !is_unprotected);
        self.delete(live, reason);
    }

    /// A volume of a request that is still open was never mounted and is empty; of any other nobody can tell.
    fn remove_orphan(&mut self, live: &LiveVolume, asked: &Record) {
        if self.context.ownership.is_open(self.address) {
            self.begin(Some(live), asked.object.volume());
            self.refuse_protected(asked.lifecycle.protect);
            self.delete(live, Reason::Orphaned);
        } else {
            self.draft.findings.push(finding::orphaned_volume(self.address, &live.id));
        }
    }

    fn refuse_protected(&mut self, protect: bool) {
        if protect {
            self.draft.blocks.push(Block::Protected { address: self.address.clone(), step: Step::Delete });
        }
    }

    fn delete(&mut self, live: &LiveVolume, reason: Reason) {
        self.draft.push(Planning {
            step: Step::Delete,
            operation: Operation::DeleteVolume { id: live.id.clone() },
            reason,
            changes: Vec::new(),
            consequences: vec![Consequence::NetworkVolumeLost {
                volume: self.address.clone(),
                size: live.size,
            }],
            after: Split::default(),
            // A volume that carries the name of one that is gone is another one.
            record: RecordAfter::Remove { tombstone: true },
        });
    }
}

const HOW_TO_CHANGE_A_VOLUME: &str =
    "add a volume under another key, copy the data with a pod that mounts it, then remove this one";

fn lifecycle(protect: bool) -> Lifecycle {
    Lifecycle { protect, ..Lifecycle::default() }
}

fn put(live: &LiveVolume, record: Record) -> RecordAfter {
    RecordAfter::put(Some(RemoteId::Volume(live.id.clone())), record)
}
