//! The gate of the engine: the last question before a request about something that is there is sent.
//!
//! The plan says what is to be done, and the gate does not ask it. It asks the records, which the run loaded under its
//! lock and has kept since: an object is acted upon only at the address that has it. What no record has may go only
//! after a look at it, if one of our own requests for this address made it. So a plan that is wrong, from wherever it
//! comes, cannot reach what is somebody else's. Pure; the table of [`check`] is its test.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Kind};
use crate::model::id::RemoteId;
use crate::model::prior::Recorded;
use crate::provider::Verb;

/// What is to be sent about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A change of its values; a larger size.
    Change,
    Start,
    Stop,
    /// Its end.
    Delete,
}

/// What is recorded, and at which addresses each object is: it is asked before every request.
#[derive(Clone, Debug, Default)]
pub struct Records {
    objects: BTreeMap<Address, Recorded>,
    holders: BTreeMap<RemoteId, BTreeSet<Address>>,
}

impl Records {
    /// Takes what a state has.
    pub fn new(objects: BTreeMap<Address, Recorded>) -> Self {
        let mut holders: BTreeMap<RemoteId, BTreeSet<Address>> = BTreeMap::new();
        for (address, recorded) in &objects {
            for id in recorded.ids() {
                holders.entry(id).or_default().insert(address.clone());
            }
        }
        Self { objects, holders }
    }

    /// Returns the record of an address.
    pub fn get(&self, address: &Address) -> Option<&Recorded> {
        self.objects.get(address)
    }

    /// Returns the address that has an object.
    pub fn holder(&self, id: &RemoteId) -> Option<&Address> {
        self.holders.get(id)?.first()
    }

    /// Tells whether any address has an object.
    pub fn has(&self, id: &RemoteId) -> bool {
        self.holders.contains_key(id)
    }

    /// Records what an address has from now on.
    pub fn put(&mut self, address: Address, recorded: Recorded) {
        self.remove(&address);
        for id in recorded.ids() {
            self.holders.entry(id).or_default().insert(address.clone());
        }
        self.objects.insert(address, recorded);
    }

    /// Drops the record of an address and returns it.
    pub fn remove(&mut self, address: &Address) -> Option<Recorded> {
        let recorded = self.objects.remove(address)?;
        for id in recorded.ids() {
            if let Entry::Occupied(mut holders) = self.holders.entry(id) {
                holders.get_mut().remove(address);
                if holders.get().is_empty() {
                    holders.remove();
                }
            }
        }
        Some(recorded)
    }
}

/// What the records say of an object, seen from one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the object of the address.
    Current {
        /// Whether the address is protected, as last applied.
        protected: bool,
    },
    /// An earlier replacement at the address left it behind.
    Deposed,
    /// Another address has it.
    Elsewhere(Address),
    /// No record has it.
    Unrecorded {
        /// Whether the address has another object.
        occupied: bool,
    },
}

/// Whether a request of ours for the address made an object, as far as a look at it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It cannot be told, or somebody else did.
    Untold,
    /// One of our requests did.
    ByUs,
    /// One of our requests did, and it equals what that asked for and holds no data: a second one may go.
    ByUsAndSpare,
}

/// The permission to send one request. Only the gate gives one, and nothing that acts upon an object is sent without.
#[must_use = "a permission that is not used was asked for in vain"]
#[derive(Debug, PartialEq, Eq)]
pub struct Pass {
    request: Request,
    kind: Kind,
}

impl Pass {
    /// Returns the one request that may be sent.
    pub fn request(&self) -> Request {
        self.request
    }

    /// Returns the same in the words of the port.
    pub fn verb(&self) -> Verb {
        match (self.request, self.kind) {
            (Request::Change, Kind::Pod) => Verb::UpdatePod,
            (Request::Change, Kind::Volume) => Verb::GrowVolume,
            (Request::Change, Kind::Secret) => Verb::SetSecret,
            // No API changes them, and the plan has no such step.
            (Request::Change, Kind::Registry) => Verb::CreateRegistry,
            (Request::Start, _) => Verb::StartPod,
            (Request::Stop, _) => Verb::StopPod,
            (Request::Delete, Kind::Pod) => Verb::DeletePod,
            (Request::Delete, Kind::Volume) => Verb::DeleteVolume,
            (Request::Delete, Kind::Secret) => Verb::DeleteSecret,
            (Request::Delete, Kind::Registry) => Verb::DeleteRegistry,
        }
    }
}

/// Why nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shut {
    /// Only its end is certain to lose something for good.
    #[error("it is protected")]
    Protected,
    /// Another address has the object.
    #[error("`{id}` is recorded at `{at}`, so nothing is sent about it from here")]
    Elsewhere {
        /// The object.
        id: RemoteId,
        at: Address,
    },
    /// It was replaced, and all that may follow is its end.
    #[error("`{0}` was replaced and may only be terminated")]
    Replaced(RemoteId),
    /// The state does not have it.
    #[error(
        "`{0}` is not recorded here and no request of ours is known to have made it, so nothing is sent about it"
    )]
    NotOurs(RemoteId),
    /// It was made by us, but it may not be the one that is too many.
    #[error("`{0}` is not recorded here, and may hold something that the recorded one does not")]
    NotSpare(RemoteId),
}

/// Returns what the records say of an object at an address.
pub fn standing(address: &Address, id: &RemoteId, records: &Records) -> Standing {
    let holders = records.holders.get(id);
    let is_here = holders.is_some_and(|holders| holders.contains(address));
    match records.get(address) {
        Some(recorded) if recorded.id == *id => {
            Standing::Current { protected: recorded.record.lifecycle.protect }
        }
        Some(_) if is_here => Standing::Deposed,
        here => match holders.and_then(BTreeSet::first) {
            Some(other) => Standing::Elsewhere(other.clone()),
            None => Standing::Unrecorded { occupied: here.is_some() },
        },
    }
}

/// Decides whether a request about an object may be sent.
///
/// # Errors
/// It may not.
pub fn check(request: Request, id: &RemoteId, standing: &Standing, made: Made) -> Result<Pass, Shut> {
    let pass = Pass { request, kind: id.kind() };
    match (standing, request) {
        (Standing::Current { protected: true }, Request::Delete) => Err(Shut::Protected),
        (Standing::Current { protected: _ }, _) | (Standing::Deposed, Request::Delete) => Ok(pass),
        (Standing::Deposed, Request::Change | Request::Start | Request::Stop) => {
            Err(Shut::Replaced(id.clone()))
        }
        (Standing::Elsewhere(at), _) => Err(Shut::Elsewhere { id: id.clone(), at: at.clone() }),
        (Standing::Unrecorded { occupied }, Request::Stop | Request::Delete) => match (made, occupied) {
            (Made::Untold, _) => Err(Shut::NotOurs(id.clone())),
            (Made::ByUs, true) => Err(Shut::NotSpare(id.clone())),
            (Made::ByUs, false) | (Made::ByUsAndSpare, _) => Ok(pass),
        },
        // What is to be kept is recorded before anything else is done to it.
        (Standing::Unrecorded { occupied: _ }, Request::Change | Request::Start) => {
            Err(Shut::NotOurs(id.clone()))
        }
    }
}

/// Decides whether an address may record an object that it does not have. A step that adopts may, unless another
/// address has it; any other repeats what is recorded.
///
/// # Errors
/// It may not.
pub fn check_record(adopts: bool, id: &RemoteId, standing: &Standing) -> Result<(), Shut> {
    match standing {
        Standing::Current { protected: _ } => Ok(()),
        Standing::Unrecorded { occupied: _ } if adopts => Ok(()),
        Standing::Elsewhere(at) => Err(Shut::Elsewhere { id: id.clone(), at: at.clone() }),
        Standing::Deposed => Err(Shut::Replaced(id.clone())),
        Standing::Unrecorded { occupied: _ } => Err(Shut::NotOurs(id.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::{address, pod_id as pod, recorded, volume_id};
    use crate::model::id::PodId;

    const REQUESTS: [Request; 4] = [Request::Change, Request::Start, Request::Stop, Request::Delete];

    /// One word for each of change, start, stop and delete.
    fn row(standing: &Standing, made: Made) -> String {
        let word = |request| match check(request, &pod("x"), standing, made) {
            Ok(pass) if pass.request() == request => "yes",
            Ok(_) => "something else",
            Err(Shut::Protected) => "protected",
            Err(Shut::Elsewhere { .. }) => "elsewhere",
            Err(Shut::Replaced(_)) => "replaced",
            Err(Shut::NotOurs(_)) => "not-ours",
            Err(Shut::NotSpare(_)) => "not-spare",
        };
        REQUESTS.map(word).join(" ")
    }

    #[test]
    fn only_what_an_address_has_is_acted_upon_from_there() {
        let current = |protected| Standing::Current { protected };
        let unrecorded = |occupied| Standing::Unrecorded { occupied };
        let elsewhere = Standing::Elsewhere(address("other"));
        // Change, start, stop, delete.
        let table = [
            (current(false), Made::Untold, "yes yes yes yes"),
            (current(true), Made::Untold, "yes yes yes protected"),
            (current(true), Made::ByUsAndSpare, "yes yes yes protected"),
            (Standing::Deposed, Made::Untold, "replaced replaced replaced yes"),
            (elsewhere.clone(), Made::Untold, "elsewhere elsewhere elsewhere elsewhere"),
            (elsewhere, Made::ByUsAndSpare, "elsewhere elsewhere elsewhere elsewhere"),
            (unrecorded(false), Made::Untold, "not-ours not-ours not-ours not-ours"),
            (unrecorded(false), Made::ByUs, "not-ours not-ours yes yes"),
            (unrecorded(false), Made::ByUsAndSpare, "not-ours not-ours yes yes"),
            (unrecorded(true), Made::Untold, "not-ours not-ours not-ours not-ours"),
            (unrecorded(true), Made::ByUs, "not-ours not-ours not-spare not-spare"),
            (unrecorded(true), Made::ByUsAndSpare, "not-ours not-ours yes yes"),
        ];
        for (standing, made, expected) in table {
            assert_eq!(row(&standing, made), expected, "{standing:?} {made:?}");
        }
    }

    #[test]
    fn an_id_stands_where_the_records_have_it() {
        let mut llm = recorded("current");
        llm.record.deposed = [PodId::new("left")].into();
        llm.record.lifecycle.protect = true;
        let mut records =
            Records::new(BTreeMap::from([(address("llm"), llm), (address("web"), recorded("other"))]));
        let at = |place: &str, id: &RemoteId| standing(&address(place), id, &records);
        assert_eq!(at("llm", &pod("current")), Standing::Current { protected: true });
        assert_eq!(at("llm", &pod("left")), Standing::Deposed);
        assert_eq!(at("llm", &pod("other")), Standing::Elsewhere(address("web")));
        assert_eq!(at("web", &pod("left")), Standing::Elsewhere(address("llm")));
        assert_eq!(at("llm", &pod("foreign")), Standing::Unrecorded { occupied: true });
        assert_eq!(at("new", &pod("foreign")), Standing::Unrecorded { occupied: false });
        // An id is of one kind: a volume of the same name is something else.
        let volume = volume_id("current");
        assert_eq!(at("llm", &volume), Standing::Unrecorded { occupied: true });
        records.put(address("web"), recorded("new"));
        let llm = records.remove(&address("llm")).unwrap();
        records.put(address("chat"), llm);
        let at = |place: &str, id: &RemoteId| standing(&address(place), id, &records);
        assert_eq!(at("web", &pod("other")), Standing::Unrecorded { occupied: true });
        assert_eq!(at("web", &pod("new")), Standing::Current { protected: false });
        assert_eq!(at("llm", &pod("current")), Standing::Elsewhere(address("chat")));
        assert_eq!(at("chat", &pod("left")), Standing::Deposed);
        assert!(records.has(&pod("left")) && !records.has(&pod("other")));
    }

    #[test]
    fn only_a_step_that_adopts_records_something_else_and_never_what_another_address_has() {
        let recorded = |adopts, standing| check_record(adopts, &pod("x"), &standing).is_ok();
        let unrecorded = || Standing::Unrecorded { occupied: false };
        assert!(recorded(false, Standing::Current { protected: true }));
        assert!(recorded(true, unrecorded()));
        assert!(!recorded(false, unrecorded()));
        for adopts in [false, true] {
            assert!(!recorded(adopts, Standing::Elsewhere(address("other"))));
            assert!(!recorded(adopts, Standing::Deposed));
        }
    }
}
