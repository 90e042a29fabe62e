//! Plans. Money is in micro-dollars and sizes in gigabytes, and both say so in their words.

use serde::{Deserializer, Serializer};

use super::form::{stored_enums, stored_structs};
use super::{Stored, from_text, parsed};
use crate::model::catalog::{CatalogPart, Stock};
use crate::model::live::PodStatus;
use crate::model::money::{Amount, Price};
use crate::model::plan::{
    Action, ActionId, Attempt, Basis, Block, BudgetLimit, Candidate, Cause, Consequence, CostChange,
    CostSummary, Digest, Disruption, Drift, DriftKind, Endpoint, EnvPatch, FieldChange, FieldDrift, Finding,
    Held, InProgress, OnStuck, Operation, Owner, Plan, Planned, PodCreation, Reason, RecordAfter, Runs,
    Several, Severity, Split, Step, Subject, Unknown, Unmanaged, WishedGpus,
};
use crate::model::provenance::Part;

stored_enums! {
    Planned { "changes" = Changes(plan), "no_changes" = NoChanges(plan), "blocked" = Blocked { reasons, plan } }
    Endpoint { "runpod" = Runpod(origin), "simulator" = Simulator }
    Step {
        "move" = Move, "adopt" = Adopt, "record" = Record, "stop" = Stop, "update" = Update, "start" = Start,
        "await" = Await, "delete" = Delete, "delete-deposed" = DeleteDeposed, "create" = Create, "forget" = Forget,
        "ready" = Ready,
    }
    Operation {
        "local" = Local,
        "create_secret" = CreateSecret { name, mark, value, token },
        "set_secret" = SetSecret { id, value, set_at },
        "delete_secret" = DeleteSecret { id },
        "create_registry" = CreateRegistry { name, credentials, token },
        "delete_registries" = DeleteRegistries { ids },
        "create_volume" = CreateVolume { name, config, token },
        "grow_volume" = GrowVolume { id, size = "size_gb" },
        "delete_volume" = DeleteVolume { id },
        "create_pod" = CreatePod(creation),
        "update_pod" = UpdatePod { id, patch, disruption },
        "start_pod" = StartPod { id, compute, bid, on_stuck },
        "stop_pod" = StopPod { id },
        "await_job" = AwaitJob { until },
        "delete_pods" = DeletePods { ids },
        "await_pod" = AwaitPod { id },
    }
    OnStuck { "fail" = Fail, "replace" = Replace(creation), "wait" = Wait(patience) }
    Disruption { "in_place" = InPlace, "next_start" = NextStart, "reset" = Reset, "replace" = Replace }
    RecordAfter {
        "put" = Put { id, record },
        "remove" = Remove { tombstone },
        "moved_from" = MovedFrom(address),
        "deposed" = Deposed(ids),
        "ended" = Ended,
    }
    Reason {
        "new" = New, "vanished" = Vanished, "migrated" = Migrated, "found_in_journal" = FoundInJournal,
        "adopt_named" = AdoptNamed, "changed" = Changed, "state_wanted" = StateWanted,
        "state_drifted" = StateDrifted, "failed" = Failed, "gpus_lost" = GpusLost, "replaced" = Replaced,
        "volume_replaced" = VolumeReplaced, "requested" = Requested, "rotate_requested" = RotateRequested, "removed" = Removed, "shrunk" = Shrunk,
        "destroyed" = Destroyed, "deposed" = Deposed, "duplicate" = Duplicate, "orphaned" = Orphaned,
        "renamed" = Renamed, "lifecycle_changed" = LifecycleChanged, "volume_removed" = VolumeRemoved,
        "job_ended" = JobEnded, "run_again" = RunAgain, "waited_for" = WaitedFor,
    }
    Cause {
        "spec" = Spec, "outside" = Outside, "both" = Both, "api_default" = ApiDefault,
        "not_attributable" = NotAttributable, "ignored" = Ignored, "new_pod_only" = NewPodOnly,
        "reference" = Reference,
    }
    Consequence {
        "network_volume_lost" = NetworkVolumeLost { volume, size = "size_gb" },
        "local_volume_lost" = LocalVolumeLost { size = "size_gb", path },
        "run_cut_short" = RunCutShort { since },
        "vanished_with_data" = VanishedWithData { size = "size_gb" },
        "container_disk_lost" = ContainerDiskLost { size = "size_gb" },
        "local_volume_kept" = LocalVolumeKept { size = "size_gb", path },
        "network_volume_kept" = NetworkVolumeKept { volume },
        "new_pod_id" = NewPodId,
        "public_ports_change" = PublicPortsChange,
        "start_may_fail" = StartMayFail { then_replaced },
        "scarce_gpu_given_up" = ScarceGpuGivenUp,
        "takes_effect_at_next_start" = TakesEffectAtNextStart,
        "goes_on_unmanaged" = GoesOnUnmanaged,
        "value_at_next_start" = ValueAtNextStart { pods },
        "templates_lose_it" = TemplatesLoseIt,
    }
    Price { "known" = Known(hourly), "unknown" = Unknown }
    Stock { "none" = None, "not_asked" = NotAsked, "low" = Low, "medium" = Medium, "high" = High }
    DriftKind {
        "vanished" = Vanished, "stopped" = Stopped, "interrupted" = Interrupted, "started" = Started, "migrated" = Migrated { from, to },
        "fields" = Fields(fields), "mark_removed" = MarkRemoved,
    }
    Held {
        "unreadable" = Unreadable(why),
        "unsettled" = Unsettled { until },
        "migrating" = Migrating { id },
        "depends_on" = DependsOn(address),
        "job" = Job { address, ended },
        "duplicate" = Duplicate { ids },
        "marked" = Marked { ids },
        "copied" = Copied { ids, differs },
        "other_project" = OtherProject { id, project },
        "recorded_elsewhere" = RecordedElsewhere { id, holder },
        "recorded_other" = RecordedOther { id, project },
        "rebuilt" = Rebuilt { instead_of },
        "may_be_renamed" = MayBeRenamed { from },
        "unplaced" = Unplaced { ids },
        "no_secret" = NoSecret { names },
        "no_template" = NoTemplate { id, why },
        "not_possible" = NotPossible(why),
        "in_progress" = InProgress,
        "no_catalog" = NoCatalog { part, why },
    }
    Part {
        "name" = Name, "image" = Image, "hardware" = Hardware, "cloud" = Cloud, "data_center" = DataCenter,
        "storage" = Storage, "disk" = Disk, "container" = Container,
    }
    CatalogPart { "gpus" = Gpus, "cpus" = Cpus, "data_centers" = DataCenters }
    Block {
        "protected" = Protected { address, step },
        "locked" = Locked { address, step },
        "state_older" = StateOlder(unknown),
        "state_empty" = StateEmpty(unknown),
        "all_vanished" = AllVanished { count },
        "no_stock" = NoStock { address },
        "volume_cannot_change" = VolumeCannotChange { address, why },
        "no_candidate" = NoCandidate { address, why },
        "no_such_place" = NoSuchPlace { address, field, why },
        "over_budget" = OverBudget { limit, at_most },
        "cycle" = Cycle(actions),
    }
    BudgetLimit { "hourly_micro_dollars" = Hourly(limit), "monthly_micro_dollars" = Monthly(limit) }
    Severity { "warning" = Warning, "note" = Note }
    PodStatus {
        "provisioning" = Provisioning, "starting" = Starting, "running" = Running, "exited" = Exited,
        "error" = Error, "terminated" = Terminated,
    }
    Owner { "lost" = Lost(address), "nobody" = Nobody, "runpod" = Runpod, "project" = Project(project) }
}

stored_structs! {
    Plan {
        basis, digest, actions, edges, waves, referenced, held, drift, findings, unmanaged, unchanged, recorded,
        out_of_scope, in_progress, cost, at_most, templates,
    }
    InProgress { who, command, since, addresses }
    Basis { project, endpoint, api, spec_digest, lineage, serial, nonce, observed_at }
    Digest { hash, monthly }
    Action { operation, reason, changes, consequences, cost, record, ready }
    PodCreation { container, access, wished, attempts, boot, retry }
    WishedGpus { order, any_of }
    Attempt { candidate, after, token, second_token }
    Candidate { placement, price = "hourly_micro_dollars", stock, stock_by_data_center }
    EnvPatch { declared, carry, token }
    FieldChange { field, before, after, cause, disruption }
    Amount { known = "monthly_micro_dollars", unknown_parts }
    Split { compute, storage, runs }
    Runs { compute, disks }
    CostChange { before, after }
    CostSummary { now, after, at_most, unmanaged }
    Drift { address, kind }
    FieldDrift { field, recorded, live, left_alone }
    Several { named, more }
    Unknown { objects, monthly }
    Finding { severity, code, subject, message }
    Subject { address, field }
    Unmanaged { id, name, status, created_at, cost, owner }
}

/// An action's id is stored as it prints: `llm:create`.
impl Stored for ActionId {
    const TEXT: bool = true;

    fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }

    fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parsed(from, "action", |text| {
            let (address, step) = text.rsplit_once(':')?;
            Some(Self { address: address.parse().ok()?, step: from_text(step).ok()? })
        })
    }
}

/// The code of a finding, which lives as long as the program: a command reads one plan file.
impl Stored for &'static str {
    fn store<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self)
    }

    fn load<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parsed(from, "code of a finding", |code| {
            let belongs = |c: u8| c.is_ascii_lowercase() || c == b'-' || c.is_ascii_digit();
            (code.len() <= 60 && code.bytes().all(belongs)).then(|| &*code.to_owned().leak())
        })
    }
}
