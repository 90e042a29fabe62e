//! The port to pods themselves, beside the API that tells of them: whether one answers where the spec says that it does.
//!
//! No credential goes to a pod, and nothing of what it says is kept but a status and the last lines of its log. A
//! question takes no longer than [`PATIENCE`]. What is asked costs nothing and may be repeated.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::model::clock::Timestamp;
use crate::model::id::PodId;
use crate::model::live::LivePod;
use crate::model::ready::{Probe, Readiness};
use crate::provider::logs::Place;

/// How long one question may take. A pod that answers later than this serves nobody either.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How many lines of a log are told of a pod that is not ready.
pub const LINES: usize = 10;

/// Asks pods. Its futures are boxed, so that who waits for pods need not be made for each way to ask them.
pub trait AskPods {
    /// Asks a pod that runs, as the API just showed it, whether it is ready.
    ///
    /// `heard` is what earlier questions about the same pod came to; each wait begins with a new one.
    fn ask<'f>(
        &'f self,
        pod: &'f LivePod,
        probe: &'f Probe,
        heard: &'f mut Hearing,
    ) -> LocalBoxFuture<'f, Readiness>;

    /// Returns the last lines that a pod wrote, at most [`LINES`]; none where the API has no logs or does not answer.
    fn last_lines<'f>(&'f self, pod: &'f PodId) -> LocalBoxFuture<'f, Vec<String>>;
}

/// What was heard of a pod's log, from question to question.
#[derive(Clone, Debug, Default)]
pub struct Hearing {
    /// Up to where it was read.
    pub place: Place,
    /// Lines from before this count for nothing: a container that was made anew had a former one.
    pub not_before: Option<Timestamp>,
}
