//! A process that is stopped while it holds the lock, and goes on after another one has taken over.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use podform::apply::Interrupt;
use podform::model::id::Serial;
use podform::state::place::Place;
use tokio::sync::watch;
use tokio::time::sleep;

use super::case::Succession;
use super::ports::{Crash, Life, Stopped};
use super::{BETWEEN_RUNS, Lab, RESTART, Report, Step};

/// Whom a process succeeds, and what it and those after it saw of the state's version.
pub struct Succeeds {
    life: Rc<Life>,
    serials: RefCell<Vec<Seen>>,
}

/// A version of the state.
#[derive(Clone, Copy)]
enum Seen {
    Read(Serial),
    Written(Serial),
}

impl Succeeds {
    fn stopped(&self) -> &Stopped {
        self.life.stopped.as_ref().expect("it was stopped")
    }

    /// Notes that a process has the lock.
    pub fn begins(&self, serial: Serial) {
        self.serials.borrow_mut().push(Seen::Read(serial));
        let stopped = self.stopped();
        stopped.overtaken.set(true);
        stopped.taken_over.notify_one();
    }

    /// Notes what a process wrote that had the lock.
    pub fn ends(&self, life: &Life) {
        self.serials.borrow_mut().extend(life.serials.borrow().iter().copied().map(Seen::Written));
    }

    /// Returns what somebody wrote who had no lock.
    fn slipped_in(&self) -> Vec<String> {
        let mut last = None;
        let mut wrong = Vec::new();
        for seen in self.serials.borrow().iter() {
            let (Seen::Read(Serial(serial)) | Seen::Written(Serial(serial))) = *seen;
            let expected = last.map(|last| match seen {
                Seen::Read(_) => last,
                Seen::Written(_) => last + 1,
            });
            if expected.is_some_and(|expected| expected != serial) {
                wrong.push(format!("the state has version {serial} and should have {expected:?}"));
            }
            last = Some(serial);
        }
        wrong
    }
}

/// Plays a first process that is stopped, those that take over from it, and those that look at what both left.
pub async fn play<P: Place>(first: &Lab<'_, P>, others: Lab<'_, P>, at: Crash, wakes: Duration) -> Report {
    let life = Rc::new(Life::stopping(at));
    let succeeds = Succeeds { life: Rc::clone(&life), serials: RefCell::default() };
    let others = Lab { succeeds: Some(succeeds), ..others };
    let mut process = std::pin::pin!(first.process(0, &life, watch::channel(Interrupt::None).1));
    let before = tokio::select! {
        biased;
        () = life.ended.notified() => None,
        step = &mut process => Some(step),
    };
    let mut report = match before {
        Some(step) => {
            let mut report = Box::pin(others.converge(1)).await;
            report.violations.extend(first.went("the first", step));
            report
        }
        None => {
            first.story.add(|| format!("the first is stopped at {at}"));
            if let Succession::Freed = first.case.succession {
                sleep(RESTART).await;
            }
            let stopped = life.stopped.as_ref().expect("it is stopped");
            let (mut report, step) = tokio::join!(
                async {
                    let report = Box::pin(others.converge(1)).await;
                    // Also if nobody got the lock.
                    stopped.taken_over.notify_one();
                    report
                },
                async {
                    stopped.taken_over.notified().await;
                    sleep(wakes).await;
                    first.story.add(|| "the first goes on".to_owned());
                    stopped.wake();
                    process.await
                }
            );
            report.violations.extend(first.went("the first", step));
            report.violations.extend(stopped.wrong.take());
            report.is_overtaken = stopped.overtaken.get();
            report.fenced = stopped.fenced.get();
            sleep(BETWEEN_RUNS).await;
            report.join(Box::pin(others.converge(100)).await);
            report
        }
    };
    report.runs += 1;
    report.calls.extend(life.calls.borrow().iter());
    report.first_calls = life.calls.borrow().len();
    report.commits = life.commits.get();
    report.throttled += life.throttled.get();
    report.story.splice(0..0, first.story.lines.take());
    report.violations.extend(others.succeeds.iter().flat_map(Succeeds::slipped_in));
    report
}

impl<P: Place> Lab<'_, P> {
    /// Returns what was wrong with a run.
    fn went(&self, who: &str, step: Step) -> Vec<String> {
        match step {
            Step::NothingToDo { .. } => {
                self.story.add(|| format!("{who}: nothing to do"));
                Vec::new()
            }
            Step::Waits(pause) => unreachable!("a process waits by itself: {pause:?}"),
            Step::Went { said, broken } => {
                self.story.add(|| format!("{who}: {said}"));
                broken
            }
        }
    }
}

impl Report {
    /// Takes over what later runs showed.
    fn join(&mut self, later: Self) {
        let Self { violations, runs, calls, throttled, findings, story, .. } = later;
        self.violations.extend(violations);
        self.runs += runs;
        self.calls.extend(calls);
        self.throttled += throttled;
        self.findings = findings;
        self.story.extend(story);
    }
}
