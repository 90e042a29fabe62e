//! Names for a new state and for a run, from which creation tokens are derived.
//!
//! Against RunPod they are random, as two computers must never choose the same. Against the simulator they are
//! derived from the time that the world showed when the command began. The world moves with every request, so a
//! simulated story repeats itself to the letter, and still no two runs in one world have the same name.

use std::hash::{BuildHasher, Hasher, RandomState};

use sha2::{Digest, Sha256};

use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, ProjectName, RunId, RunNonce};

/// Chooses names.
#[derive(Clone, Debug)]
pub enum Names {
    /// From the randomness of the system.
    Random,
    /// From what is unique in a simulated world.
    Derived {
        /// The project.
        project: ProjectName,
        /// The world's time when the command began.
        began: Timestamp,
    },
}

impl Names {
    /// Returns a name for a state that does not exist yet.
    pub fn lineage(&self) -> Lineage {
        Lineage::new(self.choose("lineage"))
    }

    /// Returns what makes the tokens of a plan its own.
    pub fn nonce(&self) -> RunNonce {
        RunNonce::new(self.choose("nonce"))
    }

    /// Returns the name of a run.
    pub fn run(&self) -> RunId {
        RunId::new(self.choose("run"))
    }

    /// Returns 32 hexadecimal digits.
    fn choose(&self, purpose: &str) -> String {
        match self {
            // Each state of the hasher holds 128 random bits of the system; a hash shows 64 of them.
            Self::Random => [RandomState::new(), RandomState::new()]
                .map(|state| format!("{:016x}", state.build_hasher().finish()))
                .concat(),
            Self::Derived { project, began } => {
                let hash = Sha256::digest(format!("{purpose}/{project}/{began}"));
                hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_names_repeat_and_differ_by_purpose_and_time() {
        let at = |second| Names::Derived {
            project: ProjectName::new("demo"),
            began: Timestamp::from_second(second).unwrap(),
        };
        assert_eq!(at(0).nonce(), at(0).nonce());
        assert_ne!(at(0).nonce(), at(1).nonce());
        assert_ne!(at(0).nonce().as_str(), at(0).lineage().as_str());
    }

    #[test]
    fn random_names_do_not_repeat() {
        assert_ne!(Names::Random.nonce(), Names::Random.nonce());
        assert_eq!(Names::Random.nonce().as_str().len(), 32);
    }
}
