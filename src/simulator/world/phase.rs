//! What was last asked of a pod, or done to it, and how its container turns out.

use serde::{Deserialize, Serialize};

use super::job::{Errand, Slip};
use super::moment::Moment;
use super::settings::Settings;

/// Who ended a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// A request.
    User,
    /// The platform, for a reason of its own.
    Runpod,
    /// The platform, because the account is empty.
    Balance,
    /// Somebody who pays more for its GPUs.
    Outbid,
}

/// How a container turns out once its image is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It runs until it is stopped.
    Runs,
    /// It never comes up.
    Fails,
    /// Its command ends by itself after so many milliseconds, and RunPod starts it again, time after time.
    Repeats(u64),
    /// It counts as running and never reports anything, as when the host's driver is too old for it.
    Silent,
    /// It runs a command once, and may stop its own pod then.
    Errand(Errand),
}

impl Outcome {
    /// Returns what becomes of a container: the name of its image says it, so that a spec can ask for each case.
    pub fn of(settings: &Settings) -> Outcome {
        let Settings { image, entrypoint, .. } = settings;
        let fails = image.contains("broken") || image.contains("missing");
        match Errand::of(entrypoint, image).filter(|_| !fails) {
            Some(errand) => Outcome::Errand(errand),
            None => Outcome::of_image(image),
        }
    }

    fn of_image(image: &str) -> Outcome {
        if image.contains("broken") || image.contains("missing") {
            Outcome::Fails
        } else if image.contains("one-shot") {
            Outcome::Repeats(60_000)
        } else if image.contains("silent") {
            Outcome::Silent
        } else {
            Outcome::Runs
        }
    }
}

/// A container on its way up, or up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    pub asked_at: Moment,
    /// When the pod has its host: from then the image is pulled.
    pub placed_at: Moment,
    /// When the container is up, or has failed.
    pub ready_at: Moment,
    /// When its public ports are known.
    pub ports_at: Moment,
    /// When its program listens at its ports and says so; `None` for never.
    pub listens_at: Option<Moment>,
    /// How it turns out.
    pub outcome: Outcome,
}

/// What a container was made with. A pod that is down can be given other settings, which are the next container's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub image: String,
    pub entrypoint: Vec<String>,
    pub ports: Vec<String>,
}

impl Made {
    pub(super) fn of(settings: &Settings) -> Made {
        let Settings { image, entrypoint, ports, .. } = settings;
        Made { image: image.clone(), entrypoint: entrypoint.clone(), ports: ports.clone() }
    }
}

/// What keeps a container from serving, or from running its command as usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// It comes up so many seconds later.
    SlowBoot(u64),
    /// It comes up, and its program never listens.
    NeverListens,
    /// Its program listens so many seconds after it came up.
    ListensAfter(u64),
    /// The command that it runs once turns out so; of any other container nothing is changed.
    Job(Slip),
}

/// What was last asked of a pod, or done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It shall run.
    Up(Boot),
    Stopped {
        at: Moment,
        /// By whom.
        by: By,
    },
    /// It was lost with its host.
    Lost { at: Moment },
    /// It was terminated.
    Gone {
        at: Moment,
        /// By whom.
        by: By,
    },
}

/// A time in which a pod's compute was paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// When it began.
    pub from: Moment,
    /// When it ended, unless it goes on.
    pub to: Option<Moment>,
}
