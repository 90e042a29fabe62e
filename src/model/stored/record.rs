//! What the state records, and what a plan says that it will.

use super::form::{stored_enums, stored_structs};
use crate::model::job::{End, RecordedJob, UnseenJob};
use crate::model::journal::{Asked, Event};
use crate::model::plan::Approval;
use crate::model::prior::{
    Record, RecordedObject, RecordedPod, RecordedRegistry, RecordedRun, RecordedSecret,
};

stored_enums! {
    RecordedObject { "pod" = Pod(pod), "volume" = Volume(volume), "secret" = Secret(secret), "registry" = Registry(registry) }
    RecordedRun { "running" = Running, "stopped" = Stopped, "failed" = Failed }
    UnseenJob { "not_known" = NotKnown, "done" = Done(given) }
    End { "done" = Done, "failed" = Failed(code), "unknown" = Unknown }
    Approval { "prompt" = Prompt, "flag" = Flag, "digest" = Digest, "saved_plan" = SavedPlan }
    Event {
        "intended" = Intended { attempt, token, asked, server_time },
        "started" = Started,
        "accepted" = Accepted { id },
        "refused" = Refused { why },
        "succeeded" = Succeeded,
        "failed" = Failed { why },
        "unknown" = Unknown { why },
        "skipped" = Skipped { why },
    }
}

stored_structs! {
    RecordedPod { container, access, compute, cloud, data_center, run, job, depends_on }
    RecordedJob { run, ended, gone, end_seen_at, given }
    RecordedSecret { name, value_set_at }
    RecordedRegistry { name, sent, deposed }
    Record { token, lifecycle, retired, deposed, object }
    Asked { name, data_centers, record }
}
