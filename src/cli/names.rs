//! Names for a new state and for a plan, from which creation tokens are derived, and for a run.
//!
//! Against RunPod they are random, as two computers must never choose the same. Against the simulator those that
//! reach the world are derived from the time that it showed when the command began and from the version of the
//! state, so that a simulated story repeats itself to the letter. Neither alone would do: a world that nobody has
//! changed yet begins anew with each command, and a new state in an old world has version 0 again.

use std::hash::{BuildHasher, Hasher, RandomState};

use sha2::{Digest, Sha256};

use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, ProjectName, RunId, RunNonce, Serial};

/// Chooses names that reach the account.
#[derive(Clone, Debug)]
pub enum Names {
    Random,
    Derived {
        project: ProjectName,
        /// The world's time when the command began.
        began: Timestamp,
    },
}

impl Names {
    /// Returns a name for a state that does not exist yet.
    pub fn lineage(&self) -> Lineage {
        Lineage::new(match self {
            Self::Random => random(),
            Self::Derived { project, began } => derived(&format!("lineage/{project}/{began}")),
        })
    }

    /// Returns the seed for what looks random. A simulated story has the same one each time.
    pub fn seed(&self) -> u64 {
        match self {
            Self::Random => entropy(),
            Self::Derived { .. } => 0,
        }
    }

    /// Returns what makes the tokens of a plan its own; the state has this version.
    pub fn nonce(&self, serial: Serial) -> RunNonce {
        RunNonce::new(match self {
            Self::Random => random(),
            Self::Derived { project, began } => derived(&format!("nonce/{project}/{began}/{serial}")),
        })
    }
}

/// Returns a seed for the jitter of waits: two runs that were refused together must not ask again together.
fn entropy() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Returns a name for a run, which stays in the journal.
pub fn run_id() -> RunId {
    RunId::new(random())
}

/// Returns 32 hexadecimal digits: each state of the hasher holds 128 random bits of the system, and shows 64.
pub fn random() -> String {
    format!("{:016x}{:016x}", entropy(), entropy())
}

/// Returns 32 hexadecimal digits that follow from the text.
fn derived(text: &str) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_names_repeat_and_differ_by_purpose_time_and_serial() {
        let at = |second| Names::Derived {
            project: ProjectName::new("demo"),
            began: Timestamp::from_second(second).unwrap(),
        };
        assert_eq!(at(0).nonce(Serial(1)), at(0).nonce(Serial(1)));
        assert_ne!(at(0).nonce(Serial(1)), at(1).nonce(Serial(1)));
        assert_ne!(at(0).nonce(Serial(1)), at(0).nonce(Serial(2)));
        assert_ne!(at(0).nonce(Serial(0)).as_str(), at(0).lineage().as_str());
    }

    #[test]
    fn random_names_do_not_repeat() {
        assert_ne!(Names::Random.nonce(Serial(0)), Names::Random.nonce(Serial(0)));
        assert_ne!(Names::Random.seed(), Names::Random.seed());
        assert_ne!(run_id(), run_id());
        assert_eq!(run_id().as_str().len(), 32);
    }
}
