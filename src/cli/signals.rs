//! Interrupts: SIGINT, SIGTERM and SIGHUP, which mean the same here. A terminal that is closed must not end a run in the
//! middle of its requests.
//!
//! They are taken over before anything else is done, so that podform ends with its own code whenever they come. Up to
//! the moment where a command takes them for itself nothing is begun that would have to be ended well, so the process
//! ends at once; that is done by a thread of its own, as reading and planning a large spec does not wait for anything.
//! A command that has [`Signals`] decides what each of them means.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::exit;
use crate::state::whole;

/// The signals, for the whole life of the process.
pub struct Taken {
    /// How many came for a command.
    told: watch::Receiver<u32>,
    duty: Arc<Mutex<Duty>>,
}

/// What a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    End,
    Tell,
}

impl Taken {
    /// Takes over the signals for the rest of the process.
    pub fn over() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut interrupt, mut terminate, mut hang_up) = {
            let _within = runtime.enter();
            let kind = SignalKind::hangup();
            let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            // Whoever starts it with `nohup` wants it to outlive the terminal.
            let hang_up = if is_ignored(kind) { None } else { Some(signal(kind)?) };
            (interrupt, terminate, hang_up)
        };
        let (sender, told) = watch::channel(0);
        let duty = Arc::new(Mutex::new(Duty::End));
        let shared = Arc::clone(&duty);
        let hear = async move {
            loop {
                tokio::select! {
                    biased;
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    () = heard(hang_up.as_mut()) => {}
                }
                // Held while it is obeyed: a command that takes the signals in this moment is told, or never begins.
                match *locked(&shared) {
                    Duty::End => end(),
                    Duty::Tell => sender.send_modify(|told| *told += 1),
                }
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(hear))?;
        Ok(Self { told, duty })
    }

    /// Gives the signals to a command, until it drops what it gets.
    pub fn give(&self) -> Signals {
        *locked(&self.duty) = Duty::Tell;
        let told = self.told.clone();
        let heeded = *told.borrow();
        Signals { told, heeded, duty: Arc::clone(&self.duty) }
    }
}

/// Waits for a signal, for ever if it is not taken.
async fn heard(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Tells whether a signal was ignored by whoever started this process. Where the system has no such file it is taken for
/// one that was not: to end well is better than to be ended.
#[expect(
    clippy::disallowed_methods,
    reason = "the system tells what this process was started with in a file"
)]
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_among_ignored(&status, kind)
}

fn is_among_ignored(status: &str, kind: SignalKind) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let bit = u32::try_from(kind.as_raw_value() - 1).ok().and_then(|bit| 1_u64.checked_shl(bit)).unwrap_or(0);
    mask & bit != 0
}

fn locked(duty: &Mutex<Duty>) -> MutexGuard<'_, Duty> {
    // Nothing can panic while it is held.
    duty.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process, with nothing half-written left behind. The kernel frees its locks.
#[expect(clippy::disallowed_methods, reason = "the thread that works may not come to its end for long")]
fn end() {
    let _nothing_more_is_begun = whole::abandon();
    // Not through the stream that the other thread may be waiting to write to, and only if nobody has to be waited for.
    let stderr = io::stderr();
    let mut writable = [PollFd::new(&stderr, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    if poll(&mut writable, Some(&at_once)).is_ok_and(|ready| ready > 0)
        && let Ok(stderr) = stderr.as_fd().try_clone_to_owned()
    {
        let _unread = File::from(stderr).write_all(b"interrupted\n");
    }
    std::process::exit(exit::INTERRUPTED.code());
}

/// The signals, in the hands of a command.
pub struct Signals {
    told: watch::Receiver<u32>,
    /// How many of them the command knows of.
    heeded: u32,
    duty: Arc<Mutex<Duty>>,
}

/// What became of a future that could be interrupted.
#[derive(Debug, PartialEq, Eq)]
pub enum Guarded<T> {
    Finished(T),
    Interrupted,
}

impl Signals {
    pub async fn next(&mut self) {
        let heeded = self.heeded;
        match self.told.wait_for(|told| *told > heeded).await {
            Ok(_) => self.heeded += 1,
            // The thread that tells of them lives as long as the process.
            Err(_) => std::future::pending().await,
        }
    }

    /// Runs a future that holds nothing worth finishing, up to the first signal.
    pub async fn until_first<T>(&mut self, future: impl Future<Output = T>) -> Guarded<T> {
        tokio::select! {
            biased;
            () = self.next() => Guarded::Interrupted,
            value = future => Guarded::Finished(value),
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        *locked(&self.duty) = Duty::End;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ignored_at_the_start_is_read_from_the_mask() {
        let cases = [
            ("SigIgn:\t0000000000000001\n", [true, false, false]),
            ("Name:\tx\nSigIgn:\t0000000000004003\nSigCgt:\t0000000000000000\n", [true, true, true]),
            ("SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n", [false, false, false]),
            ("SigIgn:\tno mask\n", [false, false, false]),
            ("", [false, false, false]),
        ];
        for (status, expected) in cases {
            let kinds = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()];
            assert_eq!(kinds.map(|kind| is_among_ignored(status, kind)), expected, "{status:?}");
        }
    }
}
