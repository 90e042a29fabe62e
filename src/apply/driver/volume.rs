//! What is done to network volumes.

use tokio::time::Instant;

use super::call::Going;
use super::create::Tried;
use super::lookout::Sheet;
use super::until::Watched;
use super::{Act, Engine};
use crate::apply::ending::Halt;
use crate::apply::gate::Request;
use crate::apply::recover;
use crate::apply::request;
use crate::apply::verdict;
use crate::apply::{Reporter, readback};
use crate::model::clock::Clock;
use crate::model::id::{RemoteId, VolumeId};
use crate::model::journal::Asked;
use crate::model::live::LiveVolume;
use crate::model::marker::Token;
use crate::model::prior::KnownToken;
use crate::model::request::VolumeRequest;
use crate::model::size::Gigabytes;
use crate::model::volume::VolumeConfig;
use crate::provider::{Mutate, Observe};
use crate::state::{Journal, RecordChange};

/// Volumes are listed in one answer, without which there is nothing to go by.
const UNLISTED: &str = "network volumes could not be listed";

impl<'a, P, J, C, R> Engine<'a, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Creates a volume. Its name carries the token, so there is no second one to try with.
    pub(super) async fn create_volume(
        &self,
        act: &Act<'_>,
        name: &str,
        config: &VolumeConfig,
        token: &Token,
    ) -> Result<Vec<RecordChange>, Halt> {
        let asked = request::asked(name, token, self.record_after(act)?);
        let request = VolumeRequest { name: name.to_owned(), config: config.clone() };
        let (id, since) = match self.make_volume(act, &request, (token, &asked)).await? {
            Tried::Created(id, since) => (id, since),
            Tried::OtherPlace(why) | Tried::OtherCloud(why) | Tried::NotDone(why) => {
                return Err(Halt::Failed(why));
            }
        };
        self.read_back(act, (&id, since), |live| readback::volume(config, live)).await?;
        Ok(self.put(act, &asked.record, id.remote()))
    }

    async fn make_volume(
        &self,
        act: &Act<'_>,
        request: &VolumeRequest,
        (token, asked): (&Token, &Asked),
    ) -> Result<Tried<VolumeId>, Halt> {
        let name = request.name.as_str();
        let call = async |port: &'a P, _: Going| port.create_volume(request).await;
        let look_up = async |_: &KnownToken, ended| {
            let sight = |sheet: &Sheet<VolumeId>| {
                recover::sight_volume(Some(name), &sheet.entries, |id| self.ledger.records().has(id))
            };
            let Some((_, ids)) = self.look_up(act, ended, sight, UNLISTED).await? else { return Ok(None) };
            let Some(RemoteId::Volume(id)) = recover::choose_only(&ids) else {
                return Err(Halt::Unknown(format!("several network volumes are named `{name}`")));
            };
            self.adopted(act, asked, id).await.map(Some)
        };
        self.create(act, (token, asked), call, look_up).await
    }

    pub(super) async fn grow_volume(
        &self,
        act: &Act<'_>,
        id: &VolumeId,
        size: Gigabytes,
    ) -> Result<Vec<RecordChange>, Halt> {
        act.object.replace(Some(id.remote()));
        let pass = self.permit(act, Request::Change, &id.remote()).await?;
        let seen = async || {
            let live = self.look_at(id).await?;
            Ok(live.is_some_and(|live| readback::grown(size, &live).is_none()))
        };
        let call = async |port: &'a P, _: Going| port.grow_volume(id, size).await;
        let since = self.ensure(act, pass, Some(id.remote()), call, seen).await?.since()?;
        self.read_back(act, (id, since), |live| readback::grown(size, live)).await?;
        Ok(self.recorded_after(act, id.remote()))
    }

    pub(super) async fn delete_volume(
        &self,
        act: &Act<'_>,
        id: &VolumeId,
    ) -> Result<Vec<RecordChange>, Halt> {
        self.delete(act, id, async |port: &'a P, _: Going| port.delete_volume(id).await).await
    }

    /// Waits until a volume is seen as promised.
    async fn read_back(
        &self,
        act: &Act<'_>,
        (id, since): (&VolumeId, Instant),
        difference: impl Fn(&LiveVolume) -> Option<String>,
    ) -> Result<(), Halt> {
        let lacks = |live: Option<&LiveVolume>| verdict::there(live, &id.remote(), &difference);
        self.until_kept(act, (id, since), lacks, None).await
    }
}
