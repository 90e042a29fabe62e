//! The words of what only a state keeps; those of the model are in `model::stored`.

use super::contents::Write;
use super::lease::Holder;
use super::{Approved, Batch, PastRun, RecordChange, Run, Source, Standing};
use crate::model::journal::Entry;
use crate::model::prior::{Binding, KnownToken, Recorded};
use crate::model::stored::form::{stored_enums, stored_structs};

stored_structs! {
    Approved { how, by, source }
    Source { commit, pull_request, url }
    PastRun { run, ended_at, summary, entries }
    Run { id, at, command, plan_digest, who, nonce, approved }
    Binding { project, kind, origin }
    Recorded { id, record, recorded_at, server_time, rebuilt }
    KnownToken { address, intended_at, server_time, asked, tombstone }
    Entry { at, run, action, event }
    Batch { entries, changes }
    Holder { id, user, host, pid, command, url }
}

stored_enums! {
    Standing { "active" = Active, "incoming" = Incoming { from }, "moved" = Moved { to } }
    Write { "begin" = Begin(run), "commit" = Commit(batch), "finish" = Finish { run, at, summary } }
    RecordChange {
        "put" = Put(address, recorded),
        "remove" = Remove(address),
        "unseen" = Unseen(address, job),
        "rename" = Rename { from, to },
        "tombstone" = Tombstone(token),
        "doubt" = Doubt(token),
        "know" = Know(address, recorded, asked),
        "continue" = Continue { lineage, above },
    }
}
