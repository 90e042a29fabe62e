//! Interrupts: the first asks a run to end well, the second ends it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM, which mean the same here.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// What became of a future that could be interrupted.
#[derive(Debug, PartialEq, Eq)]
pub enum Guarded<T> {
    /// It came to its end.
    Finished(T),
    /// A signal ended it.
    Interrupted,
}

impl Signals {
    /// Takes over both signals for the rest of the process.
    ///
    /// # Errors
    /// The system refused.
    pub fn take_over() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for either signal.
    pub async fn next(&mut self) {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
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
