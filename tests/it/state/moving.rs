//! Moves of a state that die at every step.

use std::cell::Cell;
use std::time::Duration;

use podform::model::clock::{Clock, Timestamp};
use podform::model::id::{RunId, Serial};
use podform::model::prior::Prior;
use podform::state::contents::Contents;
use podform::state::lease::{Holder, Lease};
use podform::state::moving::{self, End, MoveError, Way, go};
use podform::state::place::{Held, Place};
use podform::state::{Batch, Journal, PastRun, RecordChange, Run, Standing, StateError, Store};

use super::contract::{Engine, Sqlite};
use super::samples::Samples;
use super::sqlite::{At, events, intended, run};
use crate::kit::holder;

/// A place whose holder dies at one of its writes: before it was done, or before it was told that it was.
struct Mortal<'a, P> {
    place: P,
    name: &'static str,
    life: &'a Life,
}

struct HeldMortal<'a, H> {
    held: H,
    life: &'a Life,
}

/// How many writes are left to live, and whether the last one is still done.
struct Life {
    left: Cell<u32>,
    does_the_last: bool,
}

impl Life {
    fn of(writes: u32, does_the_last: bool) -> Self {
        Self { left: Cell::new(writes), does_the_last }
    }

    async fn spend(&self, write: impl Future<Output = Result<(), StateError>>) -> Result<(), StateError> {
        let died =
            || StateError::Failed { doing: "write", path: "grave".to_owned(), why: "killed".to_owned() };
        match self.left.get() {
            0 => Err(died()),
            1 => {
                self.left.set(0);
                if self.does_the_last {
                    write.await?;
                }
                Err(died())
            }
            left => {
                self.left.set(left - 1);
                write.await
            }
        }
    }
}

impl<P: Place> Store for Mortal<'_, P> {
    async fn load(&self) -> Result<Prior, StateError> {
        self.place.load().await
    }
}

impl<'a, P: Place> Place for Mortal<'a, P> {
    type Held = HeldMortal<'a, P::Held>;

    fn name(&self) -> String {
        self.name.to_owned()
    }

    async fn serial(&self) -> Result<Serial, StateError> {
        self.place.serial().await
    }

    async fn runs(&self) -> Result<Vec<PastRun>, StateError> {
        self.place.runs().await
    }

    async fn history(&self) -> Result<Vec<PastRun>, StateError> {
        self.place.history().await
    }

    async fn lease(&self) -> Result<Option<Lease>, StateError> {
        self.place.lease().await
    }

    async fn who_writes(&self, host: &str, now: Timestamp) -> Result<Option<Lease>, StateError> {
        self.place.who_writes(host, now).await
    }

    async fn lock(
        &self,
        holder: &Holder,
        clock: &impl Clock,
        wait: Duration,
    ) -> Result<Self::Held, StateError> {
        Ok(HeldMortal { held: self.place.lock(holder, clock, wait).await?, life: self.life })
    }

    async fn unlock(&self) -> Result<Option<Lease>, StateError> {
        self.place.unlock().await
    }

    async fn contents(&self) -> Result<Option<Contents>, StateError> {
        self.place.contents().await
    }
}

impl<H: Held> Store for HeldMortal<'_, H> {
    async fn load(&self) -> Result<Prior, StateError> {
        self.held.load().await
    }
}

impl<H: Held> Journal for HeldMortal<'_, H> {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        self.held.begin(run).await
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        self.held.commit(batch).await
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        self.held.finish(run, at, summary).await
    }
}

impl<H: Held> Held for HeldMortal<'_, H> {
    async fn keep(&self, clock: &impl Clock) -> StateError {
        self.held.keep(clock).await
    }

    async fn replace(&self, contents: &Contents) -> Result<(), StateError> {
        self.life.spend(self.held.replace(contents)).await
    }

    async fn stand(&self, standing: Standing) -> Result<(), StateError> {
        self.life.spend(self.held.stand(standing)).await
    }

    async fn release(self) -> Result<(), StateError> {
        self.held.release().await
    }
}

/// Moves, with so much life.
async fn attempt<S: Engine, T: Engine>(way: Way, from: &S, to: &T, life: &Life) -> Result<(), MoveError> {
    let source = Mortal { place: from.ours(), name: "here", life };
    let target = Mortal { place: to.ours(), name: "there", life };
    let ann = holder("ann", "box");
    let held_source = source.lock(&ann, &At(0), Duration::ZERO).await?;
    let held_target = target.lock(&ann, &At(0), Duration::ZERO).await?;
    let moved =
        go(way, End { place: &source, held: &held_source }, End { place: &target, held: &held_target }).await;
    held_target.release().await?;
    held_source.release().await?;
    moved
}

async fn immortal<S: Engine, T: Engine>(way: Way, from: &S, to: &T) -> Result<(), MoveError> {
    attempt(way, from, to, &Life::of(u32::MAX, true)).await
}

/// Which of the two can be used.
async fn in_use<S: Engine, T: Engine>(from: &S, to: &T) -> (bool, bool) {
    let used = |contents: Option<Contents>| contents.is_some();
    let here = used(from.ours().contents().await.unwrap()) && from.ours().load().await.is_ok();
    let there = used(to.ours().contents().await.unwrap())
        && to.ours().load().await.is_ok_and(|prior| prior.serial > Serial(0));
    (here, there)
}

/// Writes a state with everything in it.
async fn fill<E: Engine>(engine: &E) -> Contents {
    let mut samples = Samples::from_seed(8);
    let held = engine.ours().lock(&holder("ann", "box"), &At(0), Duration::ZERO).await.unwrap();
    held.begin(&run("r1")).await.unwrap();
    let mut batch = events("r1", "web", [intended(&mut samples)]);
    let recorded = Box::new(samples.recorded());
    batch.changes.push(RecordChange::Put("llm".parse().unwrap(), recorded));
    held.commit(&batch).await.unwrap();
    held.finish(&RunId::new("r1"), At(5).now(), "done").await.unwrap();
    held.release().await.unwrap();
    engine.ours().contents().await.unwrap().unwrap()
}

/// A move that dies at each of its writes, then each way to go on.
pub async fn a_move_that_dies_anywhere_is_gone_on_with_or_given_up<S: Engine, T: Engine>(
    source: impl Fn() -> S,
    target: impl Fn() -> T,
) {
    let mut deaths = 0;
    for writes in 1.. {
        let mut died = false;
        for does_the_last in [false, true] {
            for on in [Way::There, Way::Abandon] {
                let (from, to) = (source(), target());
                let whole = fill(&from).await;
                let life = Life::of(writes, does_the_last);
                let moved = attempt(Way::There, &from, &to, &life).await;
                died |= moved.is_err();
                deaths += u32::from(moved.is_err());
                let used = in_use(&from, &to).await;
                assert_ne!(used, (true, true), "{writes} {does_the_last}: two places have the state");
                match (on, immortal(on, &from, &to).await) {
                    (Way::There, moved) => {
                        moved.unwrap();
                        assert_eq!(in_use(&from, &to).await, (false, true));
                        let there = to.ours().contents().await.unwrap().unwrap();
                        assert!(there.holds_the_same(&whole));
                    }
                    (_, Ok(())) => {
                        assert_eq!(in_use(&from, &to).await, (true, false));
                        assert!(from.ours().contents().await.unwrap().unwrap().holds_the_same(&whole));
                    }
                    // It had ended.
                    (_, Err(MoveError::TooLate(_))) => assert_eq!(in_use(&from, &to).await, (false, true)),
                    // It had not begun.
                    (_, Err(MoveError::NeverMoved(_))) => {
                        assert_eq!(in_use(&from, &to).await, (true, false));
                        assert!(from.ours().contents().await.unwrap().unwrap().holds_the_same(&whole));
                    }
                    (_, Err(error)) => panic!("{error}"),
                }
            }
        }
        if !died {
            break;
        }
    }
    assert_eq!(deaths, 12, "three writes, each in two ways, each with two ways on");
}

/// The way back, dying likewise.
pub async fn an_ended_move_is_undone_while_nothing_was_written<S: Engine, T: Engine>(
    source: impl Fn() -> S,
    target: impl Fn() -> T,
) {
    for writes in 1..=3 {
        for does_the_last in [false, true] {
            let (from, to) = (source(), target());
            let whole = fill(&from).await;
            immortal(Way::There, &from, &to).await.unwrap();
            let _died = attempt(Way::Back, &from, &to, &Life::of(writes, does_the_last)).await;
            assert_ne!(in_use(&from, &to).await, (true, true));
            immortal(Way::Back, &from, &to).await.unwrap();
            assert_eq!(in_use(&from, &to).await, (true, false));
            assert!(from.ours().contents().await.unwrap().unwrap().holds_the_same(&whole));
            // And there again: what was left there is no obstacle.
            immortal(Way::There, &from, &to).await.unwrap();
            assert_eq!(in_use(&from, &to).await, (false, true));
            let held = to.ours().lock(&holder("bob", "far"), &At(0), Duration::ZERO).await.unwrap();
            held.commit(&Batch::default()).await.unwrap();
            held.release().await.unwrap();
            let refused = immortal(Way::Back, &from, &to).await.unwrap_err();
            assert_eq!(
                refused.to_string(),
                "`there` was written since it was moved there: it is at serial 2, and was moved at 1"
            );
        }
    }
}

#[tokio::test]
async fn files_die_at_every_step() {
    a_move_that_dies_anywhere_is_gone_on_with_or_given_up(Sqlite::new, Sqlite::new).await;
    an_ended_move_is_undone_while_nothing_was_written(Sqlite::new, Sqlite::new).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_file_and_a_database_die_at_every_step() {
    use super::postgres::Postgres;
    if Postgres::new().is_none() {
        return;
    }
    let database = || Postgres::new().unwrap();
    a_move_that_dies_anywhere_is_gone_on_with_or_given_up(Sqlite::new, database).await;
    a_move_that_dies_anywhere_is_gone_on_with_or_given_up(database, Sqlite::new).await;
    an_ended_move_is_undone_while_nothing_was_written(Sqlite::new, database).await;
}

#[cfg(feature = "object-store")]
#[tokio::test(start_paused = true)]
async fn a_file_and_a_bucket_die_at_every_step() {
    use super::object_log::Objects;
    a_move_that_dies_anywhere_is_gone_on_with_or_given_up(Sqlite::new, Objects::in_memory).await;
    a_move_that_dies_anywhere_is_gone_on_with_or_given_up(Objects::in_a_folder, Sqlite::new).await;
    an_ended_move_is_undone_while_nothing_was_written(Sqlite::new, Objects::in_memory).await;
    an_ended_move_is_undone_while_nothing_was_written(Objects::in_memory, Objects::in_a_folder).await;
}

#[tokio::test]
async fn what_is_there_already_is_not_written_over() {
    let (from, to, other) = (Sqlite::new(), Sqlite::new(), Sqlite::new());
    let refused =
        async |way, from: &Sqlite, to: &Sqlite| immortal(way, from, to).await.unwrap_err().to_string();
    let mut said = vec![refused(Way::There, &from, &to).await];
    fill(&from).await;
    fill(&to).await;
    said.push(refused(Way::There, &from, &to).await);
    said.push(refused(Way::Abandon, &from, &to).await);
    said.push(refused(Way::Back, &from, &to).await);
    let _died = attempt(Way::There, &from, &other, &Life::of(1, true)).await;
    said.push(refused(Way::There, &other, &Sqlite::new()).await);
    said.push(refused(Way::Back, &from, &other).await);
    insta::assert_snapshot!(said.join("\n"), @"
    there is no state at `here`, so nothing has to be moved
    there is a state at `there` already
    `there` is in use already, so the move cannot be given up any more
    nothing was moved from here to `there`
    `here` is being filled from `here`
    nothing was moved from here to `there`
    ");
}

/// Says at one end that the other one is lost.
async fn without(left: &Sqlite, lost: &str) -> Result<(), String> {
    let life = Life::of(u32::MAX, true);
    let place = Mortal { place: left.ours(), name: "here", life: &life };
    let held = place.lock(&holder("ann", "box"), &At(0), Duration::ZERO).await.unwrap();
    let ended = moving::without(End { place: &place, held: &held }, lost).await;
    held.release().await.unwrap();
    ended.map_err(|error| error.to_string())
}

#[tokio::test]
async fn what_is_left_of_a_move_is_taken_up_again() {
    // Killed after each of its writes, and ended.
    for writes in [1, 2, u32::MAX] {
        let (from, to) = (Sqlite::new(), Sqlite::new());
        let whole = fill(&from).await;
        let _died = attempt(Way::There, &from, &to, &Life::of(writes, true)).await;
        let empty = Sqlite::new();
        let went = immortal(Way::There, &from, &empty).await.map_err(|error| error.to_string());
        let is_moved = writes > 1;
        let gone = "`here` was moved to `there`, and there is no state there".to_owned();
        assert_eq!(went, if is_moved { Err(gone) } else { Ok(()) }, "{writes}");
        if is_moved {
            immortal(Way::Abandon, &from, &empty).await.unwrap();
            assert_eq!(in_use(&from, &empty).await, (true, false), "{writes}");
            assert!(from.ours().contents().unwrap().unwrap().holds_the_same(&whole));
        }
    }
}

#[tokio::test]
async fn a_place_that_is_lost_is_not_asked() {
    let (from, to) = (Sqlite::new(), Sqlite::new());
    let mut said = vec![without(&from, "there").await];
    let whole = fill(&from).await;
    said.push(without(&from, "there").await);
    let _died = attempt(Way::There, &from, &to, &Life::of(2, true)).await;
    said.push(without(&from, "elsewhere").await);
    assert_eq!(in_use(&from, &to).await, (false, false));
    said.push(without(&from, "there").await);
    assert_eq!(in_use(&from, &to).await, (true, false));
    said.push(without(&to, "elsewhere").await);
    said.push(without(&to, "here").await);
    let told: Vec<String> = said.into_iter().map(|said| said.err().unwrap_or("done".to_owned())).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    there is no state at `here`, so nothing has to be moved
    nothing was moved from here to `there`
    `here` was moved to `there`
    done
    `here` is being filled from `here`
    done
    ");
    assert!(to.ours().contents().unwrap().unwrap().holds_the_same(&whole));
}

#[tokio::test]
async fn what_may_be_the_only_one_is_not_emptied() {
    let (from, to) = (Sqlite::new(), Sqlite::new());
    let whole = fill(&from).await;
    let _died = attempt(Way::There, &from, &to, &Life::of(1, true)).await;
    for way in [Way::There, Way::Abandon] {
        let refused = immortal(way, &Sqlite::new(), &to).await.unwrap_err().to_string();
        assert_eq!(refused, "`there` is being filled from `here`, and there is no state there");
    }
    assert!(to.ours().contents().unwrap().unwrap().holds_the_same(&whole));
}
