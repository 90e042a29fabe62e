//! What the state says of a pod, and how it moves along with the steps.

use crate::model::desired::Lifecycle;
use crate::model::id::RemoteId;
use crate::model::live::LivePod;
use crate::model::plan::{Cause, Disruption, FieldChange, Reason, RecordAfter};
use crate::model::pod::RunState;
use crate::model::prior::{Record, RecordedObject, RecordedPod, RecordedRun};
use crate::model::settings::Field;
use crate::model::value::Value;

/// Records this of a live pod.
pub(super) fn put(live: &LivePod, record: &Record) -> RecordAfter {
    RecordAfter::put(Some(RemoteId::Pod(live.id.clone())), record.clone())
}

pub(super) fn set_run(record: &mut Record, run: RecordedRun) {
    if let Some(pod) = record.object.pod_mut() {
        pod.run = run;
    }
}

/// Tells whether writing the record is worth an action of its own. Compute, cloud and place come by themselves with
/// the next call.
pub(super) fn is_news(before: &Record, after: &Record) -> bool {
    // Which pods are deposed is written by the steps that are about them.
    let Record { token, lifecycle, retired, deposed: _, object } = before;
    let rules = &after.lifecycle;
    let same_object = *object == after.object
        || match (object, &after.object) {
            (RecordedObject::Pod(before), RecordedObject::Pod(after)) => {
                let RecordedPod {
                    container,
                    access: _,
                    compute,
                    cloud: _,
                    data_center,
                    run,
                    job,
                    depends_on,
                } = before.as_ref();
                let moved = |before: bool, same: bool| before && !same;
                // What becomes of an ignored field is no news; it is written along with what is.
                let mut container_after = after.container.clone();
                rules.leave(&mut container_after, container);
                *container == container_after
                    && !moved(compute.is_some(), *compute == after.compute)
                    && !moved(data_center.is_some(), *data_center == after.data_center)
                    && *run == after.run
                    && *job == after.job
                    && *depends_on == after.depends_on
            }
            (RecordedObject::Volume(before), RecordedObject::Volume(after)) => before == after,
            (RecordedObject::Secret(before), RecordedObject::Secret(after)) => before == after,
            (
                RecordedObject::Pod(_)
                | RecordedObject::Volume(_)
                | RecordedObject::Secret(_)
                | RecordedObject::Registry(_),
                RecordedObject::Pod(_)
                | RecordedObject::Volume(_)
                | RecordedObject::Secret(_)
                | RecordedObject::Registry(_),
            ) => false,
        };
    !(same_object && *token == after.token && same_rules(lifecycle, rules) && *retired == after.retired)
}

/// Tells whether two lifecycles allow the same. Which fields are ignored says how a pod is compared and nothing about
/// what may be done to it.
pub(super) fn same_rules(before: &Lifecycle, after: &Lifecycle) -> bool {
    let Lifecycle { protect, on_remove, on_replace, on_stuck_resume, ignore_changes: _ } = before;
    *protect == after.protect
        && *on_remove == after.on_remove
        && *on_replace == after.on_replace
        && *on_stuck_resume == after.on_stuck_resume
}

pub(super) fn run_change(reason: &Reason, before: RunState, after: RunState) -> FieldChange {
    let cause = match reason {
        Reason::Failed => Cause::NotAttributable,
        Reason::StateDrifted | Reason::GpusLost => Cause::Outside,
        _ => Cause::Spec,
    };
    let (before, after) = (Value::word(before), Value::word(after));
    FieldChange { field: Field::State, before, after, cause, disruption: Disruption::InPlace }
}
