//! What is done to secrets of the account. Their values are filled in here, sent and dropped.

use tokio::time::Instant;

use super::call::Going;
use super::create::Tried;
use super::lookout::Sheet;
use super::until::Watched;
use super::{Act, Engine};
use crate::apply::ending::Halt;
use crate::apply::gate::Request;
use crate::apply::request::{self, Missing};
use crate::apply::verdict::{self, Sight, Verdict};
use crate::apply::{Reporter, recover};
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{RemoteId, SecretId};
use crate::model::journal::Asked;
use crate::model::live::LiveSecret;
use crate::model::marker::Token;
use crate::model::prior::{KnownToken, Record, RecordedObject};
use crate::model::request::SecretRequest;
use crate::model::secret::{Secret, SecretName};
use crate::provider::{Certainty, Listed, ListedSecret, Mutate, Observe, ProviderError, Rejection, Verb};
use crate::state::{Journal, RecordChange};

/// Secrets are listed in one answer, without which there is nothing to go by.
const UNLISTED: &str = "secrets could not be listed";

/// Lists the secrets. An API without a list of them says nothing about any.
pub(super) async fn list<P: Observe>(port: &P) -> Result<Vec<ListedSecret>, ProviderError> {
    let listed = port.list_secrets().await?;
    listed.ok_or_else(|| ProviderError {
        call: Verb::ListSecrets.unnamed(),
        certainty: Certainty::NotDone,
        status: None,
        detail: "this API does not list secrets".to_owned(),
        request_id: None,
    })
}

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Makes a secret. Its name is unique, so that no request can make a second one.
    pub(super) async fn create_secret(
        &self,
        act: &Act<'_>,
        (name, mark): (&str, &str),
        value: &SecretName,
        token: &Token,
    ) -> Result<Vec<RecordChange>, Halt> {
        let record = self.record_after(act)?;
        let asked = request::asked(name, token, record);
        let request =
            SecretRequest { name: name.to_owned(), description: mark.to_owned(), value: self.value(value)? };
        let (id, since) = match self.make_secret(act, &request, (token, &asked)).await? {
            Tried::Created(id, since) => (id, since),
            Tried::OtherPlace(why) | Tried::OtherCloud(why) | Tried::NotDone(why) => {
                return Err(Halt::Failed(why));
            }
        };
        let set_at = self.until_set(act, (&id, since), None).await?;
        Ok(self.put(act, &set(&asked.record, set_at), id.remote()))
    }

    async fn make_secret(
        &self,
        act: &Act<'_>,
        request: &SecretRequest,
        (token, asked): (&Token, &Asked),
    ) -> Result<Tried<SecretId>, Halt> {
        let call = async |port: &'a P, _: Going| match port.create_secret(request).await {
            // A request of ours that seemed lost may have taken the name.
            Err(error) if error.certainty == Certainty::Rejected(Rejection::Conflict) => {
                made_by(token, &list(port).await?).ok_or(error)
            }
            answer => answer,
        };
        let look_up = async |_: &KnownToken, ended| {
            let sight = |sheet: &Sheet<SecretId>| {
                recover::sight_secret(token, &sheet.entries, |id| self.ledger.records().has(id))
            };
            let Some((_, ids)) = self.look_up(act, ended, sight, UNLISTED).await? else { return Ok(None) };
            let Some(RemoteId::Secret(id)) = recover::choose_only(&ids) else {
                return Err(Halt::Unknown("several secrets carry its mark".to_owned()));
            };
            self.adopted(act, asked, id).await.map(Some)
        };
        self.create(act, (token, asked), call, look_up).await
    }

    /// Gives a secret its value. Sending it twice does no more than sending it once.
    pub(super) async fn set_secret(
        &self,
        act: &Act<'_>,
        id: &SecretId,
        value: &SecretName,
        set_at: Option<Timestamp>,
    ) -> Result<Vec<RecordChange>, Halt> {
        act.object.replace(Some(id.remote()));
        let record = self.record_after(act)?;
        let value = self.value(value)?;
        let pass = self.permit(act, Request::Change, &id.remote()).await?;
        let seen = async || {
            let live = self.look_at(id).await?;
            Ok(live.is_some_and(|live| live.value_set_at.is_some() && live.value_set_at != set_at))
        };
        let call = async |port: &'a P, _: Going| port.set_secret(id, &value).await;
        let since = self.ensure(act, pass, Some(id.remote()), call, seen).await?.since()?;
        let set_at = self.until_set(act, (id, since), set_at).await?;
        Ok(self.put(act, &set(record, set_at), id.remote()))
    }

    pub(super) async fn delete_secret(
        &self,
        act: &Act<'_>,
        id: &SecretId,
    ) -> Result<Vec<RecordChange>, Halt> {
        self.delete(act, id, async |port: &'a P, _: Going| port.delete_secret(id).await).await
    }

    fn value(&self, name: &SecretName) -> Result<Secret<String>, Halt> {
        let value = self.context.secrets.get(name).cloned();
        value.ok_or_else(|| Halt::Failed(Missing::Secret(name.clone()).to_string()))
    }

    /// Waits until a listing shows when our write set the value, which was set at another time before; once listings have
    /// caught up, what the secret itself says is taken.
    async fn until_set(
        &self,
        act: &Act<'_>,
        (id, since): (&SecretId, Instant),
        before: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, Halt> {
        let judged = self.until_seen(act, id, since, |seen| match (seen.asked, &seen.listed) {
            (Some(Some(live)), _) => Verdict::Done(live.value_set_at),
            (Some(None), _) => Verdict::Failed(verdict::vanished(&id.remote())),
            (None, Sight::Live(live)) if live.value_set_at.is_some() && live.value_set_at != before => {
                Verdict::Done(live.value_set_at)
            }
            (None, _) if seen.settled => Verdict::Ask,
            (None, Sight::Live(_) | Sight::Absent | Sight::Unreadable) => Verdict::GoOn(None),
        });
        judged.await?.ok_or_else(|| Halt::Unknown(UNLISTED.to_owned()))
    }
}

/// Returns the secret that carries a token.
fn made_by(token: &Token, listed: &[ListedSecret]) -> Option<SecretId> {
    let mut secrets = listed.iter().filter_map(Listed::found);
    let is_ours = |secret: &&LiveSecret| secret.mark().is_some_and(|mark| mark.token == *token);
    secrets.find(is_ours).map(|secret| secret.id.clone())
}

/// Returns a record with when its value was set.
fn set(record: &Record, set_at: Option<Timestamp>) -> Record {
    let mut record = record.clone();
    if let RecordedObject::Secret(secret) = &mut record.object {
        secret.value_set_at = set_at;
    }
    record
}
