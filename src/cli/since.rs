//! What a digest stands for once a job has ended that the plan behind it waits for.

use super::failure::Failure;
use super::session::Session;
use crate::model::plan::{Digest, Planned};
use crate::model::prior::Prior;
use crate::plan::{self, Options};
use crate::provider::Observe;

impl Session<'_> {
    /// Plans, and returns what is left of the plan with this digest if jobs have ended since that it waits for; otherwise the plan
    /// of now, whichever that is.
    ///
    /// # Errors
    /// As of any plan.
    pub async fn plan_approved(
        &self,
        port: &impl Observe,
        prior: &Prior,
        options: &Options,
        approved: &str,
    ) -> Result<Planned, Failure> {
        let live = self.look(port, prior).await?;
        let now = self.plan_of(port, (prior, &live), options, None).await?;
        let Ok(Digest { hash, monthly: _ }) = approved.parse() else { return Ok(now) };
        if now.plan().digest.hash == hash {
            return Ok(now);
        }
        let Some(before) = plan::before_ends(&live) else { return Ok(now) };
        let nonce = Some(now.plan().basis.nonce.clone());
        let then = self.plan_of(port, (prior, &before), options, nonce).await?;
        let left = if then.plan().digest.hash == hash { plan::left_since_end(&then, &now) } else { None };
        Ok(left.map_or(now, Planned::Changes))
    }
}
