//! The port to what pods write: a stream of lines without an end, of which nothing is kept.
//!
//! It is apart from [`super::Observe`], as only some of the APIs have it. A plan needs one thing of it, how a job ended.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::id::PodId;
use crate::model::job;
use crate::model::marker::Token;
use crate::provider::ProviderError;

/// How many of the last lines of a log are read for the end of a job. Its shell repeats the line as long as the pod is up.
const LINES: u16 = 1_000;

/// How many times as long as a log must be silent it is read at most.
const SILENCES: u32 = 3;

/// Reads with which exit code a run of a job ended. Of several lines that say so the last one counts: it is the shell's,
/// which writes after the job.
///
/// # Errors
/// The log could not be read.
pub async fn exit_code(
    port: &impl ReadLogs,
    pod: &PodId,
    run: &Token,
    silence: Duration,
) -> Result<Option<u32>, ProviderError> {
    let wish = LogWish { source: Some(LogSource::Container), start: LogStart::Tail(LINES) };
    let mut log = port.open_log(pod, &wish).await?;
    let mut told = None;
    // A busy container writes before it counts as silent, so what is read has an end of its own, in lines and in time: the
    // lines that are there come at once.
    let until = Instant::now() + silence * SILENCES;
    for _ in 0..LINES {
        let left = until.saturating_duration_since(Instant::now());
        match log.next(silence.min(left)).await? {
            Heard::Line(line) => told = job::exit_code(&line.text, run).or(told),
            Heard::Quiet | Heard::End => break,
        }
    }
    Ok(told)
}

/// Opens logs, which costs nothing and may be repeated.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so no future needs to be `Send`")]
pub trait ReadLogs {
    /// An open log.
    type Log: Log;

    /// Opens the log of a pod.
    ///
    /// # Errors
    /// The API has no logs, there is no such pod, or the answer says neither.
    async fn open_log(&self, pod: &PodId, wish: &LogWish) -> Result<Self::Log, ProviderError>;
}

/// An open log.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so no future needs to be `Send`")]
pub trait Log {
    /// Waits for a line, at most for so long. Giving up the wait loses nothing.
    ///
    /// # Errors
    /// The connection broke.
    async fn next(&mut self, patience: Duration) -> Result<Heard, ProviderError>;
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogWish {
    /// Only lines of this source.
    pub source: Option<LogSource>,
    /// Where to begin.
    pub start: LogStart,
}

/// Where a log begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogStart {
    /// With the last so many lines.
    Tail(u16),
    /// After the line that has this mark. The API may send that line once more.
    After(LogMark),
}

/// What an API calls a line by, to go on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogMark(pub String);

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogSource {
    Container,
    /// The host, about the container.
    System,
}

/// One line of a log. Its text comes from a container and may hold anything but its own end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// By what to go on after it.
    pub mark: Option<LogMark>,
    /// When it was written, as the API says it.
    pub at: Option<String>,
    /// Who wrote it, where the API says so in words that are known.
    pub source: Option<LogSource>,
    /// What it says.
    pub text: String,
}

/// Up to where a log was read, so that the next look goes on from there.
#[derive(Clone, Debug, Default)]
pub struct Place {
    mark: Option<LogMark>,
}

/// The most lines that RunPod keeps of a log, and the most that one look takes.
pub const KEPT: u16 = 5_000;

impl Place {
    /// Looks at the lines that were written since the last look, at the first one at those that are kept, and returns how
    /// many there were. A look ends where nothing comes for as long as `patience`, and lines are not held meanwhile.
    ///
    /// # Errors
    /// The log could not be opened, or broke off; the next look goes on from there.
    pub async fn look(
        &mut self,
        port: &impl ReadLogs,
        pod: &PodId,
        source: Option<LogSource>,
        patience: Duration,
        mut each: impl FnMut(&LogLine),
    ) -> Result<usize, ProviderError> {
        let start = self.mark.clone().map_or(LogStart::Tail(KEPT), LogStart::After);
        let mut log = port.open_log(pod, &LogWish { source, start }).await?;
        let mut count = 0;
        while count < usize::from(KEPT) {
            match log.next(patience).await? {
                // The API may send the line of the mark once more.
                Heard::Line(line) if line.mark.is_some() && line.mark == self.mark => {}
                Heard::Line(line) => {
                    count += 1;
                    each(&line);
                    if line.mark.is_some() {
                        self.mark = line.mark;
                    }
                }
                Heard::Quiet | Heard::End => break,
            }
        }
        Ok(count)
    }
}

/// What came of waiting for a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Line(LogLine),
    /// Nothing for as long as was waited.
    Quiet,
    /// The API has ended the log.
    End,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A container that writes a line every so often, the first ones of which are there already.
    struct Lively {
        every: Duration,
        written: Vec<&'static str>,
    }

    impl ReadLogs for Lively {
        type Log = Self;

        async fn open_log(&self, _: &PodId, _: &LogWish) -> Result<Self, ProviderError> {
            Ok(Self { every: self.every, written: self.written.clone() })
        }
    }

    impl Log for Lively {
        async fn next(&mut self, patience: Duration) -> Result<Heard, ProviderError> {
            let line = |text: &str| LogLine { mark: None, at: None, source: None, text: text.to_owned() };
            if let Some(text) = self.written.pop() {
                return Ok(Heard::Line(line(text)));
            }
            tokio::time::sleep(self.every.min(patience)).await;
            Ok(if self.every <= patience { Heard::Line(line("step")) } else { Heard::Quiet })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_never_falls_silent_is_not_read_for_ever() {
        let run: Token = "00000000000000aa".parse().unwrap();
        let read = async |every: u64, written: &[&'static str]| {
            let log = Lively { every: Duration::from_millis(every), written: written.to_vec() };
            let began = Instant::now();
            let told = exit_code(&log, &PodId::new("p"), &run, Duration::from_secs(3)).await.unwrap();
            (told, began.elapsed().as_millis())
        };
        let end = "podform-exit 00000000000000aa 7";
        assert_eq!(read(3_600_000, &["step"]).await, (None, 3_000));
        assert_eq!(read(2_900, &["step"]).await, (None, 9_000));
        assert_eq!(read(1_000, &["step", end, "step"]).await, (Some(7), 9_000));
        // Many lines are read up to a number of them.
        assert_eq!(read(1, &[]).await, (None, 1_000));
    }
}
