//! A place on a thread of its own, for engines that need sockets and so the real time.
//!
//! Paused time goes on by itself as soon as nothing but timers is left to wait for, also while an answer is on its way. So
//! who asks blocks until he has it: time stands still meanwhile.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use podform::model::clock::{Clock, Timestamp};
use podform::model::id::{RunId, Serial};
use podform::model::prior::Prior;
use podform::state::contents::Contents;
use podform::state::lease::{Holder, Lease};
use podform::state::place::{Held, Place};
use podform::state::{Batch, Journal, PastRun, Run, Standing, StateError, Store};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

/// A place on another thread. The thread ends with the last of what holds it.
pub struct Threaded<P: Place> {
    thread: Thread<P>,
    name: String,
}

/// What is held on another thread.
pub struct HeldThere<P: Place> {
    thread: Thread<P>,
    number: u64,
}

/// What the thread has.
struct Inside<P: Place> {
    held: BTreeMap<u64, P::Held>,
    taken: u64,
    place: P,
    tasks: LocalSet,
    runtime: Runtime,
}

type Job<P> = Box<dyn FnOnce(&mut Inside<P>) + Send>;

/// Where the thread hears what to do.
struct Thread<P: Place>(mpsc::Sender<Job<P>>);

impl<P: Place> Clone for Thread<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The time at which a question was asked.
struct Asked(Timestamp);

impl Clock for Asked {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl<P: Place> Inside<P> {
    fn new(place: P) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { held: BTreeMap::new(), taken: 0, place, tasks: LocalSet::new(), runtime }
    }

    fn place<T>(&self, work: impl AsyncFnOnce(&P) -> T) -> T {
        self.tasks.block_on(&self.runtime, work(&self.place))
    }

    fn held<T>(&self, number: u64, work: impl AsyncFnOnce(&P::Held) -> T) -> T {
        let held = self.held.get(&number).expect("what was taken is there until it is dropped");
        self.tasks.block_on(&self.runtime, work(held))
    }

    /// Does something while what is dropped by it finds its runtime.
    fn within<T>(&mut self, work: impl FnOnce(&mut BTreeMap<u64, P::Held>) -> T) -> T {
        let _entered = self.runtime.enter();
        work(&mut self.held)
    }
}

impl<P: Place + 'static> Thread<P> {
    /// Asks and blocks until the answer is there.
    fn ask<T: Send + 'static>(&self, question: impl FnOnce(&mut Inside<P>) -> T + Send + 'static) -> T {
        let (sender, receiver) = mpsc::channel();
        let job: Job<P> = Box::new(move |inside| {
            // Nobody listens if the one who asked panicked.
            let _ = sender.send(question(inside));
        });
        self.0.send(job).expect("the thread listens");
        receiver.recv().expect("the thread answers")
    }
}

impl<P: Place + 'static> Threaded<P> {
    /// Makes a place on a thread of its own.
    pub fn new(make: impl FnOnce() -> P + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel::<Job<P>>();
        std::thread::spawn(move || {
            let mut inside = Inside::new(make());
            for job in receiver {
                job(&mut inside);
            }
            inside.within(BTreeMap::clear);
        });
        let thread = Thread(sender);
        let name = thread.ask(|inside| inside.place.name());
        Self { thread, name }
    }
}

impl<P: Place + 'static> Store for Threaded<P> {
    async fn load(&self) -> Result<Prior, StateError> {
        self.thread.ask(|inside| inside.place(P::load))
    }
}

impl<P: Place + 'static> Place for Threaded<P> {
    type Held = HeldThere<P>;

    fn name(&self) -> String {
        self.name.clone()
    }

    async fn serial(&self) -> Result<Serial, StateError> {
        self.thread.ask(|inside| inside.place(P::serial))
    }

    async fn runs(&self) -> Result<Vec<PastRun>, StateError> {
        self.thread.ask(|inside| inside.place(P::runs))
    }

    async fn history(&self) -> Result<Vec<PastRun>, StateError> {
        self.thread.ask(|inside| inside.place(P::history))
    }

    async fn lease(&self) -> Result<Option<Lease>, StateError> {
        self.thread.ask(|inside| inside.place(P::lease))
    }

    async fn who_writes(&self, host: &str, now: Timestamp) -> Result<Option<Lease>, StateError> {
        let host = host.to_owned();
        self.thread.ask(move |inside| inside.place(async |place: &P| place.who_writes(&host, now).await))
    }

    async fn lock(
        &self,
        holder: &Holder,
        clock: &impl Clock,
        wait: Duration,
    ) -> Result<HeldThere<P>, StateError> {
        let (holder, asked) = (holder.clone(), Asked(clock.now()));
        let number = self.thread.ask(move |inside| {
            let held = inside.place(async |place: &P| place.lock(&holder, &asked, wait).await)?;
            inside.taken += 1;
            inside.held.insert(inside.taken, held);
            Ok::<_, StateError>(inside.taken)
        })?;
        Ok(HeldThere { thread: self.thread.clone(), number })
    }

    async fn unlock(&self) -> Result<Option<Lease>, StateError> {
        self.thread.ask(|inside| inside.place(P::unlock))
    }

    async fn contents(&self) -> Result<Option<Contents>, StateError> {
        self.thread.ask(|inside| inside.place(P::contents))
    }
}

impl<P: Place + 'static> HeldThere<P> {
    fn ask<T: Send + 'static>(&self, work: impl AsyncFnOnce(&P::Held) -> T + Send + 'static) -> T {
        let number = self.number;
        self.thread.ask(move |inside| inside.held(number, work))
    }
}

impl<P: Place> Drop for HeldThere<P> {
    fn drop(&mut self) {
        let number = self.number;
        // What is asked later finds it dropped, as jobs are done in their order.
        let _ = self.thread.0.send(Box::new(move |inside| drop(inside.within(|held| held.remove(&number)))));
    }
}

impl<P: Place + 'static> Store for HeldThere<P> {
    async fn load(&self) -> Result<Prior, StateError> {
        self.ask(async |held: &P::Held| held.load().await)
    }
}

impl<P: Place + 'static> Journal for HeldThere<P> {
    async fn begin(&self, run: &Run) -> Result<(), StateError> {
        let run = run.clone();
        self.ask(async move |held: &P::Held| held.begin(&run).await)
    }

    async fn commit(&self, batch: &Batch) -> Result<Serial, StateError> {
        let batch = batch.clone();
        self.ask(async move |held: &P::Held| held.commit(&batch).await)
    }

    async fn finish(&self, run: &RunId, at: Timestamp, summary: &str) -> Result<(), StateError> {
        let (run, summary) = (run.clone(), summary.to_owned());
        self.ask(async move |held: &P::Held| held.finish(&run, at, &summary).await)
    }
}

impl<P: Place + 'static> Held for HeldThere<P> {
    /// Never returns: in the time that passes there, no lease comes to its end.
    async fn keep(&self, _clock: &impl Clock) -> StateError {
        std::future::pending().await
    }

    async fn replace(&self, contents: &Contents) -> Result<(), StateError> {
        let contents = contents.clone();
        self.ask(async move |held: &P::Held| held.replace(&contents).await)
    }

    async fn stand(&self, standing: Standing) -> Result<(), StateError> {
        self.ask(async move |held: &P::Held| held.stand(standing).await)
    }

    async fn release(self) -> Result<(), StateError> {
        let number = self.number;
        self.thread.ask(move |inside| {
            let held = inside.within(|held| held.remove(&number)).expect("what is held is released once");
            inside.tasks.block_on(&inside.runtime, held.release())
        })
    }
}
