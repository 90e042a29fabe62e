//! The engines over whose journals the schedules are played. One is added here: a row of the table and its place.

#[cfg(feature = "object-store")]
use object_store::memory::InMemory;
use podform::model::id::{Lineage, ProjectName};
use podform::model::prior::{Binding, ProviderKind};
use podform::state::memory::MemoryPlace;

use super::case::{Case, Succession};
#[cfg(feature = "object-store")]
use super::over_failing;
use super::threaded::Threaded;
use super::{Base, Report, over};
#[cfg(feature = "object-store")]
use crate::faulty::Faulty;

/// Where the state of a schedule lies.
#[derive(Clone, Copy, Debug)]
pub enum Engine {
    Memory,
    /// In the memory of another thread, as engines have it that need sockets.
    Thread,
    /// In objects that are in memory, where it needs no sockets and goes by the time of the schedule.
    #[cfg(feature = "object-store")]
    ObjectLog,
    /// The same, in a store that loses answers, does late or not at all what it was asked for, and cannot always be read.
    #[cfg(feature = "object-store")]
    FailingStore,
    #[cfg(feature = "postgres")]
    Postgres,
}

/// How many of a thousand requests to a store fail that fails.
#[cfg(feature = "object-store")]
const FAILING: u32 = 30;

impl Engine {
    /// All of them, by the names that they have on the command line.
    pub const ALL: &[(&str, Self)] = &[
        ("memory", Self::Memory),
        ("thread", Self::Thread),
        #[cfg(feature = "object-store")]
        ("object-log", Self::ObjectLog),
        #[cfg(feature = "object-store")]
        ("failing-store", Self::FailingStore),
        #[cfg(feature = "postgres")]
        ("postgres", Self::Postgres),
    ];

    /// Whether this computer has it; why not is said.
    pub fn is_here(self) -> bool {
        match self {
            Self::Memory | Self::Thread => true,
            #[cfg(feature = "object-store")]
            Self::ObjectLog | Self::FailingStore => true,
            #[cfg(feature = "postgres")]
            Self::Postgres => crate::postgres::shared().is_some(),
        }
    }

    /// Whether it is told of each write at once if it was done, so that every version that a process made can be counted.
    pub fn tells_of_writes(self) -> bool {
        match self {
            Self::Memory | Self::Thread => true,
            #[cfg(feature = "object-store")]
            Self::ObjectLog => true,
            #[cfg(feature = "object-store")]
            Self::FailingStore => false,
            #[cfg(feature = "postgres")]
            Self::Postgres => true,
        }
    }

    /// Plays a schedule over a fresh state of this engine.
    pub fn play(self, base: &Base, case: &Case, wanted: bool) -> Report {
        match self {
            Self::Memory => over(&memory(), base, case, wanted),
            Self::Thread => over(&Threaded::new(memory), base, &in_real_time(case), wanted),
            #[cfg(feature = "object-store")]
            Self::ObjectLog => over(&object_log(InMemory::new()), base, case, wanted),
            #[cfg(feature = "object-store")]
            Self::FailingStore => {
                let store = Faulty::default();
                let place = object_log(store.clone());
                over_failing(&place, base, case, wanted, |fails| {
                    if fails { store.draw(case.seed, FAILING) } else { store.heal() }
                })
            }
            #[cfg(feature = "postgres")]
            Self::Postgres => over(&Threaded::new(postgres()), base, &in_real_time(case), wanted),
        }
    }
}

/// Returns the schedule for an engine of which the leases go on in real time, while a schedule takes a moment of that: there
/// somebody says `unlock`.
fn in_real_time(case: &Case) -> Case {
    Case { succession: Succession::Freed, ..case.clone() }
}

/// Makes a place in memory, without a state.
pub fn memory() -> MemoryPlace {
    MemoryPlace::new(binding(), lineage())
}

/// Makes a log of objects in a store.
#[cfg(feature = "object-store")]
fn object_log(store: impl object_store::ObjectStore) -> podform::state::object_log::ObjectLog {
    use object_store::path::Path;
    use podform::state::{lease::LEASE, object_log::ObjectLog};

    let name = "memory".to_owned();
    ObjectLog::new(std::sync::Arc::new(store), name, Path::from("lab"), binding(), lineage(), LEASE)
}

/// Returns what makes a place in PostgreSQL. Each thread that plays schedules has one schema for all of them, as what a
/// schedule begins with replaces everything that is there.
#[cfg(feature = "postgres")]
fn postgres() -> impl FnOnce() -> podform::state::postgres::PostgresState + Send {
    use crate::postgres::{credentials, fresh_schema, shared, target};

    thread_local! {
        static SCHEMA: String = fresh_schema();
    }
    let port = shared().expect("an engine that is here").port;
    let database = SCHEMA.with(|schema| target(port, schema));
    move || {
        let credentials = credentials("postgres");
        podform::state::postgres::PostgresState::new(database, None, credentials, binding(), lineage())
    }
}

/// Whose the state is.
pub fn binding() -> Binding {
    crate::kit::binding(&ProjectName::new("lab"), ProviderKind::Simulator, "https://simulator.test")
}

pub fn lineage() -> Lineage {
    Lineage::new("lab")
}
