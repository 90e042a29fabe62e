//! What is done to credentials for container registries. User and password are filled in here, sent and dropped.

use std::collections::BTreeSet;

use super::call::Going;
use super::create::Tried;
use super::lookout::Sheet;
use super::until::Watched;
use super::{Act, Engine};
use crate::apply::ending::Halt;
use crate::apply::request;
use crate::apply::{Reporter, readback, recover, verdict};
use crate::model::clock::Clock;
use crate::model::id::{RegistryId, RemoteId};
use crate::model::journal::Asked;
use crate::model::marker::Token;
use crate::model::prior::KnownToken;
use crate::model::registry::Credentials;
use crate::model::request::RegistryRequest;
use crate::provider::{Mutate, Observe};
use crate::state::{Journal, RecordChange};

/// Registries are listed in one answer, without which there is nothing to go by.
const UNLISTED: &str = "registries could not be listed";

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Stores credentials. Their name carries the token, so there is no second one to try with.
    pub(super) async fn create_registry(
        &self,
        act: &Act<'_>,
        name: &str,
        credentials: &Credentials,
        token: &Token,
    ) -> Result<Vec<RecordChange>, Halt> {
        let asked = request::asked(name, token, self.record_after(act)?);
        let request = request::registry(self.context.secrets, name, credentials);
        let request = request.map_err(|missing| Halt::Failed(missing.to_string()))?;
        let (id, since) = match self.make_registry(act, &request, (token, &asked)).await? {
            Tried::Created(id, since) => (id, since),
            Tried::OtherPlace(why) | Tried::OtherCloud(why) | Tried::NotDone(why) => {
                return Err(Halt::Failed(why));
            }
        };
        let lacks =
            |live: Option<&_>| verdict::there(live, &id.remote(), |live| readback::registry(name, live));
        self.until_kept(act, (&id, since), lacks, None).await?;
        Ok(self.put(act, &asked.record, id.remote()))
    }

    async fn make_registry(
        &self,
        act: &Act<'_>,
        request: &RegistryRequest,
        (token, asked): (&Token, &Asked),
    ) -> Result<Tried<RegistryId>, Halt> {
        let name = request.name.as_str();
        let call = async |port: &'a P, _: Going| port.create_registry(request).await;
        let look_up = async |_: &KnownToken, ended| {
            let sight = |sheet: &Sheet<RegistryId>| {
                recover::sight_registry(Some(name), &sheet.entries, |id| self.ledger.records().has(id))
            };
            let Some((_, ids)) = self.look_up(act, ended, sight, UNLISTED).await? else { return Ok(None) };
            let Some(RemoteId::Registry(id)) = recover::choose_only(&ids) else {
                return Err(Halt::Unknown(format!("several registries are named `{name}`")));
            };
            self.adopted(act, asked, id).await.map(Some)
        };
        self.create(act, (token, asked), call, look_up).await
    }

    /// Deletes credentials, one by one, as RunPod may refuse the next and what is gone must not stay on record.
    pub(super) async fn delete_registries(
        &self,
        act: &Act<'_>,
        ids: &BTreeSet<RegistryId>,
    ) -> Result<Vec<RecordChange>, Halt> {
        for id in ids {
            self.end(act, id, async |port: &'a P, _: Going| port.delete_registry(id).await).await?;
            self.gone(act, &id.remote()).await?;
        }
        Ok(Vec::new())
    }
}
