//! `podform stop` and `podform start`, which people will type: refused, with the key of the spec to edit.

use crate::cli::failure::Failure;

/// Refused, with the key of the spec to edit
#[derive(clap::Args)]
pub struct Args {
    /// The address of a pod
    #[arg(value_name = "ADDRESS")]
    address: String,
}

impl Args {
    /// Refuses it; `state` is what to write.
    pub fn refusal(self, state: &'static str) -> Failure {
        Failure::ByHand { state, address: self.address }
    }
}
