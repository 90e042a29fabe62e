//! Asks the [`gate`] before something is sent, with a look at what no record has.

use super::{Act, Engine};
use crate::apply::ending::Halt;
use crate::apply::gate::{self, Made, Pass, Request, Standing};
use crate::apply::{Reporter, recover};
use crate::model::clock::Clock;
use crate::model::id::{PodId, RemoteId};
use crate::model::plan::{Operation, RecordAfter, Step};
use crate::model::provenance::{Viewpoint, Window};
use crate::provider::{Mutate, Observe};
use crate::state::Journal;

impl<P, J, C, R> Engine<'_, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    /// Gets the permission for one request about an object.
    pub(super) async fn permit(&self, act: &Act<'_>, request: Request, id: &RemoteId) -> Result<Pass, Halt> {
        let standing = self.standing(act, id);
        let made = match (&standing, id) {
            (Standing::Unrecorded { occupied: _ }, RemoteId::Pod(id)) => match self.made(act, id).await? {
                Some(made) => made,
                None => return Err(Halt::Failed(format!("pod `{id}` is not there any more"))),
            },
            // A name is all that a network volume shows, and it holds data; a secret may be what others use.
            (_, RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_))
            | (
                Standing::Current { protected: _ } | Standing::Deposed | Standing::Elsewhere(_),
                RemoteId::Pod(_),
            ) => Made::Untold,
        };
        gate::check(request, id, &standing, made).map_err(shut)
    }

    /// Makes sure that what an action writes to the state brings nothing to its address that is not its own.
    pub(super) async fn permit_record(&self, act: &Act<'_>) -> Result<(), Halt> {
        let deposed = match &act.action.record {
            RecordAfter::Put { id, record } => {
                if let (Operation::Local, Some(id)) = (&act.action.operation, id) {
                    let adopts = act.id.step == Step::Adopt;
                    gate::check_record(adopts, id, &self.standing(act, id)).map_err(shut)?;
                }
                // The same object keeps those that it has; see `record::put`.
                let same = self.ledger.recorded(&act.id.address).map(|recorded| recorded.id);
                if id.is_some() && *id == same {
                    return Ok(());
                }
                record.deposed_ids().collect()
            }
            RecordAfter::Deposed(deposed) => deposed.iter().cloned().map(RemoteId::Pod).collect::<Vec<_>>(),
            RecordAfter::Remove { .. } | RecordAfter::MovedFrom(_) | RecordAfter::Ended => return Ok(()),
        };
        for id in deposed {
            let standing = self.standing(act, &id);
            let made = match (&standing, &id) {
                (Standing::Current { protected: _ } | Standing::Deposed, _) => continue,
                (Standing::Unrecorded { occupied: _ }, RemoteId::Pod(pod)) => {
                    match self.made(act, pod).await? {
                        Some(made) => made,
                        // What is gone may stand there: it will be dropped.
                        None => continue,
                    }
                }
                (Standing::Elsewhere(_), _)
                | (
                    Standing::Unrecorded { occupied: _ },
                    RemoteId::Volume(_) | RemoteId::Secret(_) | RemoteId::Registry(_),
                ) => Made::Untold,
            };
            let _allowed = gate::check(Request::Delete, &id, &standing, made).map_err(shut)?;
        }
        Ok(())
    }

    fn standing(&self, act: &Act<'_>, id: &RemoteId) -> Standing {
        gate::standing(&act.id.address, id, &self.ledger.records())
    }

    /// Looks whether one of our requests for this address made a pod; `None` if it is gone.
    async fn made(&self, act: &Act<'_>, id: &PodId) -> Result<Option<Made>, Halt> {
        let Some(live) = self.look_at(id).await? else { return Ok(None) };
        let token = live.marker.as_ref().map(|marker| &marker.token);
        let known = token.and_then(|token| self.prior.tokens.get(token));
        let holder = self.ledger.recorded(&act.id.address).and_then(|recorded| recorded.record.token);
        // A token that came here with a rename is known by its former address.
        let known = known.filter(|known| {
            !known.tombstone && (known.address == act.id.address || holder.as_ref() == token)
        });
        Ok(Some(known.map_or(Made::Untold, |known| recover::made(self.view(), &live, known))))
    }

    /// Returns from where it is judged whose a pod is.
    pub(super) fn view(&self) -> Viewpoint<'_> {
        Viewpoint {
            project: self.context.project,
            lineage: &self.prior.lineage,
            serial: self.ledger.serial(),
            window: Window::OF_A_CREATE,
        }
    }
}

pub(super) fn shut(why: gate::Shut) -> Halt {
    Halt::Failed(why.to_string())
}
