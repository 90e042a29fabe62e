//! What every place for a state promises, asked of each that there is: `podform::state::place` lists it.
//!
//! A promise is one function over an [`Engine`]; the table at the end asks it of every engine.

use std::time::Duration;

use podform::model::clock::Clock;
use podform::model::id::{Lineage, RunId};
use podform::model::journal::Event;
use podform::model::prior::{Binding, Prior, ProviderKind};
use podform::state::contents::Contents;
use podform::state::memory::{MemoryPlace, MemoryState};
use podform::state::place::{Held, Place};
use podform::state::sqlite::StateFile;
use podform::state::{Batch, Journal, RecordChange, Standing, StateError, Store};

use super::binding;
use super::samples::Samples;
use super::sqlite::{At, draw_batch, events, intended, run, why};
use crate::kit::holder;

/// One kind of place, with room for one state.
pub trait Engine {
    type Place: Place;

    /// Names the place as somebody with this binding does.
    fn place(&self, binding: Binding, proposed: &str) -> Self::Place;

    /// Whether a holder who is dropped has given the lock back: the kernel does that with a lock on a file.
    fn frees_what_is_dropped(&self) -> bool {
        false
    }

    fn ours(&self) -> Self::Place {
        self.place(binding("acme"), "line")
    }
}

type HeldBy<E> = <<E as Engine>::Place as Place>::Held;

async fn lock<E: Engine>(engine: &E) -> HeldBy<E> {
    engine.ours().lock(&holder("ann", "box"), &At(0), Duration::ZERO).await.unwrap()
}

fn put(address: &str, samples: &mut Samples) -> RecordChange {
    RecordChange::Put(address.parse().unwrap(), Box::new(samples.recorded()))
}

fn changes(changes: Vec<RecordChange>) -> Batch {
    Batch { entries: Vec::new(), changes }
}

pub async fn before_its_first_use_it_is_empty<E: Engine>(engine: E) {
    let ours = engine.ours();
    assert_eq!(ours.load().await.unwrap(), Prior::empty(Lineage::new("line")));
    assert_eq!((ours.serial().await.unwrap().0, ours.lease().await.unwrap()), (0, None));
    assert_eq!((ours.runs().await.unwrap(), ours.history().await.unwrap()), (vec![], vec![]));
    assert!(ours.contents().await.unwrap().is_none());
    // A lock alone is no use.
    lock(&engine).await.release().await.unwrap();
    assert_eq!(engine.place(binding("acme"), "other").load().await.unwrap().lineage, Lineage::new("other"));
}

pub async fn its_first_run_fixes_lineage_and_owner<E: Engine>(engine: E) {
    let held = lock(&engine).await;
    held.begin(&run("r1")).await.unwrap();
    held.release().await.unwrap();
    let seen = engine.place(binding("acme"), "other");
    assert_eq!(seen.load().await.unwrap().lineage, Lineage::new("line"));

    let simulator = Binding { kind: ProviderKind::Simulator, ..binding("acme") };
    let staging = Binding { origin: "https://staging".into(), ..binding("acme") };
    for other in [simulator, staging] {
        let stranger = engine.place(other, "line");
        for said in [
            stranger.load().await.map(drop),
            stranger.serial().await.map(drop),
            stranger.history().await.map(drop),
            stranger.contents().await.map(drop),
            stranger.unlock().await.map(drop),
            stranger.lock(&holder("ann", "box"), &At(0), Duration::ZERO).await.map(drop),
        ] {
            assert!(matches!(said, Err(StateError::BoundElsewhere { .. })), "{said:?}");
        }
    }
}

pub async fn a_refused_batch_leaves_nothing_behind<E: Engine>(engine: E) {
    let held = lock(&engine).await;
    let mut samples = Samples::from_seed(1);
    held.begin(&run("r1")).await.unwrap();
    let recorded = Box::new(samples.recorded());
    let of = |address: &str| RecordChange::Put(address.parse().unwrap(), recorded.clone());
    assert_eq!(held.commit(&changes(vec![of("llm")])).await.unwrap().0, 1);
    let before = held.load().await.unwrap();

    let mut impossible = events("r1", "web", [intended(&mut samples), Event::Succeeded]);
    impossible.changes.push(of("other"));
    let strange_run = events("r9", "web", [intended(&mut samples)]);
    for batch in [impossible, changes(vec![of("web")]), strange_run] {
        held.commit(&batch).await.unwrap_err();
        assert_eq!(held.load().await.unwrap(), before);
        assert_eq!(engine.ours().load().await.unwrap(), before);
    }
    held.begin(&run("r1")).await.unwrap_err();
    held.finish(&RunId::new("r9"), At(9).now(), "done").await.unwrap_err();
    // A refusal is no loss: the holder goes on.
    assert_eq!(held.commit(&Batch::default()).await.unwrap().0, 2);
    held.release().await.unwrap();
    assert_eq!(engine.ours().serial().await.unwrap().0, 2);
}

/// Two implementations of the same ports, one of them obvious, agree on every sequence of batches.
pub async fn it_keeps_and_refuses_what_memory_does<E: Engine>(engine: E) {
    let memory = MemoryState::new(Lineage::new("line"));
    let mut samples = Samples::from_seed(11);
    let mut held = lock(&engine).await;
    for number in 0..6 {
        let id = format!("r{number}");
        held.begin(&run(&id)).await.unwrap();
        memory.begin(&run(&id)).await.unwrap();
        for _ in 0..8 {
            let batch = draw_batch(&mut samples, &memory.load().await.unwrap());
            let kept = memory.commit(&batch).await.map_err(|error| why(&error));
            assert_eq!(held.commit(&batch).await.map_err(|error| why(&error)), kept);
        }
        assert_eq!(held.load().await.unwrap(), memory.load().await.unwrap());
        assert_eq!(engine.ours().load().await.unwrap(), memory.load().await.unwrap());
        if number % 2 == 0 {
            held.finish(&RunId::new(&*id), At(9).now(), "done").await.unwrap();
            memory.finish(&RunId::new(&*id), At(9).now(), "done").await.unwrap();
        }
        held.release().await.unwrap();
        held = lock(&engine).await;
    }
    assert_eq!(held.load().await.unwrap(), memory.load().await.unwrap());
    let history = engine.ours().history().await.unwrap();
    assert_eq!(history, memory.history());
    let contents = engine.ours().contents().await.unwrap().unwrap();
    assert_eq!((contents.prior(), contents.history()), (memory.load().await.unwrap(), history));
}

pub async fn a_second_holder_waits_and_is_told_who_holds_it<E: Engine>(engine: E) {
    let held = lock(&engine).await;
    let ours = engine.ours();
    let bob = holder("bob", "far");
    let refused = ours.lock(&bob, &At(1), Duration::ZERO).await.map(drop).unwrap_err();
    let StateError::Locked { holder: told, .. } = &refused else { panic!("{refused}") };
    assert!(told.starts_with("`ann` on `box`, process 7, running `apply` since "), "{told}");
    let lease = ours.lease().await.unwrap().unwrap();
    assert_eq!(lease.holder, holder("ann", "box"));
    assert_eq!(ours.load().await.unwrap(), held.load().await.unwrap(), "reading does not wait");

    let wait = Duration::from_secs(30);
    let (second, ()) = tokio::join!(ours.lock(&bob, &At(1), wait), async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        held.release().await.unwrap();
    });
    let second = second.unwrap();
    second.commit(&Batch::default()).await.unwrap();
    assert_eq!(ours.lease().await.unwrap().unwrap().holder, bob);
    second.release().await.unwrap();
    assert_eq!(ours.lease().await.unwrap(), None);
}

pub async fn who_lost_the_lock_writes_nothing<E: Engine>(engine: E) {
    if engine.frees_what_is_dropped() {
        // Its lock cannot be taken from one who lives; `state::lock` has what another computer may do.
        return;
    }
    let held = lock(&engine).await;
    held.begin(&run("r1")).await.unwrap();
    held.commit(&Batch::default()).await.unwrap();
    let ours = engine.ours();
    assert_eq!(ours.unlock().await.unwrap().unwrap().holder, holder("ann", "box"));
    assert_eq!(ours.unlock().await.unwrap(), None);
    let other = ours.lock(&holder("bob", "far"), &At(1), Duration::ZERO).await.unwrap();
    other.begin(&run("r2")).await.unwrap();
    let fenced = |said: Result<(), StateError>| {
        assert!(matches!(said, Err(StateError::Fenced { .. })), "{said:?}");
    };
    fenced(held.commit(&Batch::default()).await.map(drop));
    fenced(held.begin(&run("r3")).await);
    fenced(held.finish(&RunId::new("r1"), At(2).now(), "done").await);
    fenced(held.stand(Standing::Moved { to: "x".to_owned() }).await);
    fenced(held.release().await);
    assert_eq!(ours.lease().await.unwrap().unwrap().holder, holder("bob", "far"), "the other one's stays");
    assert_eq!(other.commit(&Batch::default()).await.unwrap().0, 2);
    other.release().await.unwrap();
    let runs: Vec<String> = ours.runs().await.unwrap().iter().map(|past| past.run.id.to_string()).collect();
    assert_eq!(runs, ["r1", "r2"]);
}

pub async fn what_lies_elsewhere_is_not_used<E: Engine>(engine: E) {
    let held = lock(&engine).await;
    held.begin(&run("r1")).await.unwrap();
    held.commit(&changes(vec![put("llm", &mut Samples::from_seed(3))])).await.unwrap();
    let ours = engine.ours();
    let whole = ours.contents().await.unwrap().unwrap();
    held.stand(Standing::Moved { to: "there".to_owned() }).await.unwrap();
    for said in [
        ours.load().await.map(drop),
        ours.serial().await.map(drop),
        ours.runs().await.map(drop),
        ours.history().await.map(drop),
        held.begin(&run("r2")).await,
        held.commit(&Batch::default()).await.map(drop),
        held.finish(&RunId::new("r1"), At(2).now(), "done").await,
    ] {
        let Err(StateError::Moved { to, .. }) = &said else { panic!("{said:?}") };
        assert_eq!(to, "there");
    }
    assert!(ours.contents().await.unwrap().unwrap().holds_the_same(&whole));
    held.replace(&whole.clone().standing_as(Standing::Incoming { from: "here".to_owned() })).await.unwrap();
    let said = ours.load().await;
    assert!(matches!(said, Err(StateError::Incoming { .. })), "{said:?}");
    held.stand(Standing::Active).await.unwrap();
    held.release().await.unwrap();
    assert_eq!(ours.load().await.unwrap(), whole.prior());
    let held = lock(&engine).await;
    assert_eq!(held.commit(&Batch::default()).await.unwrap().0, 2);
}

pub async fn other_contents_take_the_place_of_all<E: Engine>(engine: E) {
    let held = lock(&engine).await;
    held.begin(&run("r1")).await.unwrap();
    let mut samples = Samples::from_seed(4);
    let batch = Batch {
        entries: events("r1", "web", [intended(&mut samples), Event::Started]).entries,
        changes: vec![put("llm", &mut samples)],
    };
    held.commit(&batch).await.unwrap();
    let ours = engine.ours();
    let old = ours.contents().await.unwrap().unwrap();
    held.commit(&changes(vec![put("web", &mut samples), RecordChange::Remove("llm".parse().unwrap())]))
        .await
        .unwrap();
    held.begin(&run("r2")).await.unwrap();
    held.replace(&old).await.unwrap();
    assert_eq!(held.load().await.unwrap(), old.prior());
    // It is written on from there.
    assert_eq!(held.commit(&events("r1", "web", [Event::Unknown { why: "cut".into() }])).await.unwrap().0, 2);
    held.begin(&run("r2")).await.unwrap();
    held.release().await.unwrap();
    let new = ours.contents().await.unwrap().unwrap();
    assert!(!new.holds_the_same(&old));
    assert_eq!(new.history().len(), 2);
    assert_eq!(new.prior().objects, old.prior().objects);
}

pub async fn what_was_emptied_is_as_before_its_first_use<E: Engine>(engine: E) {
    let held = lock(&engine).await;
    held.begin(&run("r1")).await.unwrap();
    held.commit(&changes(vec![put("llm", &mut Samples::from_seed(6))])).await.unwrap();
    held.replace(&Contents::empty(Lineage::new("line"))).await.unwrap();
    let ours = engine.ours();
    assert!(!ours.contents().await.unwrap().is_some_and(|contents| contents.is_used()));
    assert_eq!(ours.load().await.unwrap(), Prior::empty(Lineage::new("line")));
    assert_eq!(ours.history().await.unwrap(), []);
    held.begin(&run("r1")).await.unwrap();
    assert_eq!(held.commit(&Batch::default()).await.unwrap().0, 1);
    held.release().await.unwrap();
    assert_eq!(ours.serial().await.unwrap().0, 1);
    let stranger = engine.place(Binding { origin: "https://staging".into(), ..binding("acme") }, "line");
    assert!(matches!(stranger.load().await, Err(StateError::BoundElsewhere { .. })));
}

pub async fn a_thousand_intents_are_one_commit<E: Engine>(engine: E) {
    let held = lock(&engine).await;
    held.begin(&run("r1")).await.unwrap();
    let mut samples = Samples::from_seed(5);
    let mut batch = Batch::default();
    for number in 0..1000 {
        let address = format!("pod-{number}");
        batch.entries.extend(events("r1", &address, [intended(&mut samples)]).entries);
    }
    assert_eq!(held.commit(&batch).await.unwrap().0, 1);
    assert_eq!(engine.ours().load().await.unwrap().open.len(), 1000);
    assert_eq!(held.load().await.unwrap(), engine.ours().load().await.unwrap());
}

/// Asks an engine for all promises; `$fresh` makes an empty one, or says that it cannot be had here.
macro_rules! promises {
    ($($(#[$meta:meta])* $engine:ident = $fresh:expr, [$($promise:ident),+ $(,)?];)+) => {$(
        $(#[$meta])*
        mod $engine {
            $(
                #[tokio::test]
                async fn $promise() {
                    let Some(engine) = $fresh else { return };
                    super::$promise(engine).await;
                }
            )+
        }
    )+};
}

/// The same promises of each engine.
macro_rules! engines {
    ($($(#[$meta:meta])* $engine:ident = $fresh:expr;)+) => {
        promises! {$(
            $(#[$meta])* $engine = $fresh, [
                before_its_first_use_it_is_empty,
                its_first_run_fixes_lineage_and_owner,
                a_refused_batch_leaves_nothing_behind,
                it_keeps_and_refuses_what_memory_does,
                a_second_holder_waits_and_is_told_who_holds_it,
                who_lost_the_lock_writes_nothing,
                what_lies_elsewhere_is_not_used,
                other_contents_take_the_place_of_all,
                what_was_emptied_is_as_before_its_first_use,
                a_thousand_intents_are_one_commit,
            ];
        )+}
    };
}

engines! {
    memory = Some(super::Memory::new());
    sqlite = Some(super::Sqlite::new());
    #[cfg(feature = "postgres")]
    postgres = super::super::postgres::Postgres::new();
    #[cfg(feature = "object-store")]
    objects_in_memory = Some(super::super::object_log::Objects::in_memory());
    #[cfg(feature = "object-store")]
    objects_in_a_folder = Some(super::super::object_log::Objects::in_a_folder());
    #[cfg(feature = "object-store")]
    objects_in_trouble = Some(super::super::object_log::Objects::in_trouble());
    #[cfg(feature = "object-store")]
    objects_over_s3 = super::super::object_log::Objects::over_s3();
    #[cfg(feature = "object-store")]
    objects_over_google = Some(super::super::object_log::Objects::over_google());
    #[cfg(feature = "object-store")]
    objects_over_google_in_trouble = Some(super::super::object_log::Objects::over_google_in_trouble());
    #[cfg(feature = "object-store")]
    objects_over_azure = super::super::object_log::Objects::over_azure();
}

struct Memory(MemoryPlace);

impl Memory {
    fn new() -> Self {
        Self(MemoryPlace::new(binding("acme"), Lineage::new("line")))
    }
}

impl Engine for Memory {
    type Place = MemoryPlace;

    fn place(&self, binding: Binding, proposed: &str) -> MemoryPlace {
        self.0.named(binding, Lineage::new(proposed))
    }
}

pub struct Sqlite(tempfile::TempDir);

impl Sqlite {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Engine for Sqlite {
    type Place = StateFile;

    fn place(&self, binding: Binding, proposed: &str) -> StateFile {
        StateFile::new(self.0.path().join("acme.db"), binding, Lineage::new(proposed))
    }

    fn frees_what_is_dropped(&self) -> bool {
        true
    }
}
