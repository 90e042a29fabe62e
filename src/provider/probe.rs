//! The port to what is asked beside the objects of an account: what the key may do, and who gets into pods.

use crate::provider::ProviderError;

/// Examines the way to an account. Nothing in the account can change by it, though it is asked for what would be a change.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so no future needs to be `Send`")]
pub trait Probe {
    /// Asks to stop a pod that cannot exist, as no API tells what a key may do.
    ///
    /// # Errors
    /// The answer says neither.
    async fn write_scope(&self) -> Result<WriteScope, ProviderError>;

    /// Reads how many SSH keys the account has; `None` from an API that does not tell.
    ///
    /// # Errors
    /// It could not be read.
    async fn ssh_keys(&self) -> Result<Option<usize>, ProviderError>;
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteScope {
    /// It was refused only because there is no such pod.
    Writes,
    /// The key may not change anything.
    ReadsOnly,
    /// The answer was that it is done, which says nothing.
    NotTold,
}
