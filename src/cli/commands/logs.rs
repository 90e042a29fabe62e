//! `podform logs ADDRESS`: what a pod's container and its host wrote, and with `--follow` what they write.
//!
//! The API streams without an end, so without `--follow` the end is where it falls silent. With it, a connection that
//! breaks is opened again after the last line that came; the pod itself says when there is nothing more to come.

use std::time::Duration;

use clap::ValueEnum;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::naming::pod_of;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::signals::Guarded;
use crate::model::address::Address;
use crate::model::id::PodId;
use crate::model::prior::{Api, ProviderKind};
use crate::provider::logs::{Heard, Log, LogLine, LogMark, LogSource, LogStart, LogWish, ReadLogs};
use crate::provider::{Certainty, Observe, ProviderError, Rejection};
use crate::render::escape::visible_to;
use crate::state::Store;

/// How much of a line is shown. Containers write whole files as one line.
const LONGEST_LINE: usize = 8_000;
/// How long RunPod may be silent before what was written so far counts as told.
const SILENCE: Duration = Duration::from_secs(3);
/// The same for the simulator, which looks for more after a second.
const SIMULATED_SILENCE: Duration = Duration::from_millis(300);
/// How long a followed log may be silent before its connection is taken for dead and opened anew.
const DEAD: Duration = Duration::from_secs(60);
/// How long to wait before a connection is opened again, times the failures in a row.
const PAUSE: Duration = Duration::from_secs(1);
/// How many times in a row opening may fail.
const FAILURES: u32 = 5;

/// Print what a pod wrote; with --follow what it writes
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform logs llm --tail 20\n  podform logs llm[0] --follow")]
pub struct Args {
    /// The address of a pod
    #[arg(value_name = "ADDRESS")]
    address: Address,
    /// Go on with what is being written, until Ctrl-C or until the pod stops
    #[arg(long)]
    follow: bool,
    /// How many lines that were written before
    #[arg(long, value_name = "LINES", default_value_t = 100, value_parser = clap::value_parser!(u16).range(0..=5000))]
    tail: u16,
    /// Whose lines
    #[arg(long, value_name = "SOURCE", default_value = "all")]
    source: LogSourceChoice,
    /// Begin each line with when it was written
    #[arg(long)]
    timestamps: bool,
}

/// Whose lines of a log are shown.
#[derive(Clone, Copy, ValueEnum)]
enum LogSourceChoice {
    /// Both.
    All,
    /// What the container wrote.
    Container,
    /// What the host wrote about the container, marked with `[system]` where both are shown.
    System,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { address, follow, tail, source, timestamps } = args;
    let session = Session::of_spec(shell).await?;
    let api = session.loaded.settings.api;
    if api != Api::V2 {
        return Err(Failure::NoLogs { api });
    }
    let prior = session.state.load().await?;
    session.tell_in_progress(&prior).await?;
    let pod = pod_of(&session.loaded.desired, &prior, address)?;
    let source = match source {
        LogSourceChoice::All => None,
        LogSourceChoice::Container => Some(LogSource::Container),
        LogSourceChoice::System => Some(LogSource::System),
    };
    let mut signals = shell.signals.give();
    let reading = Reading { session: &session, address, pod, source, timestamps: *timestamps };
    let told = async { if *follow { reading.follow(*tail).await } else { reading.once(*tail).await } };
    match signals.until_first(told).await {
        Guarded::Finished(told) => told.map(|()| exit::DONE),
        Guarded::Interrupted => Ok(exit::INTERRUPTED),
    }
}

/// A log that is read.
struct Reading<'a> {
    session: &'a Session<'a>,
    address: &'a Address,
    pod: PodId,
    source: Option<LogSource>,
    timestamps: bool,
}

/// Why a followed log is opened again.
enum Broken {
    /// The API ended it, or nothing came for long.
    Quietly,
    /// It failed.
    With(ProviderError),
}

impl Reading<'_> {
    /// Tells what was written so far.
    async fn once(&self, tail: u16) -> Result<(), Failure> {
        let silence = match self.session.loaded.settings.kind {
            ProviderKind::Runpod => SILENCE,
            ProviderKind::Simulator => SIMULATED_SILENCE,
        };
        let mut log = self.open(LogStart::Tail(tail)).await.map_err(|error| self.failure(error))?;
        let mut left = tail;
        // A busy container writes faster than it falls silent; then the lines that were asked for are enough.
        while left > 0 {
            match log.next(silence).await.map_err(|error| self.failure(error))? {
                Heard::Line(line) => self.tell(&line),
                Heard::Quiet | Heard::End => break,
            }
            if self.session.shell.output.is_unread() {
                break;
            }
            left -= 1;
        }
        Ok(())
    }

    /// Tells what was written and what is being written, until the pod stops or nobody reads.
    async fn follow(&self, tail: u16) -> Result<(), Failure> {
        let mut last: Option<LogMark> = None;
        let mut heard_any = false;
        let mut failures = 0;
        loop {
            let start = match (&last, heard_any) {
                (Some(mark), _) => LogStart::After(mark.clone()),
                // Lines without a mark cannot be gone on from; none is told twice.
                (None, true) => LogStart::Tail(0),
                (None, false) => LogStart::Tail(tail),
            };
            let before = last.clone();
            let broken = match self.open(start).await {
                Ok(mut log) => loop {
                    match log.next(DEAD).await {
                        Ok(Heard::Line(line)) => {
                            failures = 0;
                            heard_any = true;
                            // The API may begin with the very line that it was asked to go on after.
                            if line.mark.is_none() || line.mark != before {
                                self.tell(&line);
                            }
                            last = line.mark.or(last);
                        }
                        Ok(Heard::Quiet | Heard::End) => break Broken::Quietly,
                        Err(error) => break Broken::With(error),
                    }
                    if self.session.shell.output.is_unread() {
                        return Ok(());
                    }
                },
                Err(error) => Broken::With(error),
            };
            if let Broken::With(error) = broken {
                failures += 1;
                if failures > FAILURES || is_final(&error) {
                    return Err(self.failure(error));
                }
                self.session.shell.output.detail(&format!("{error}; asking again"));
            } else if self.has_stopped().await {
                self.session
                    .shell
                    .output
                    .note(&format!("`{}` does not run, so its log is at its end", self.address));
                return Ok(());
            }
            tokio::time::sleep(PAUSE * failures.max(1)).await;
        }
    }

    async fn open(&self, start: LogStart) -> Result<impl Log, ProviderError> {
        let wish = LogWish { source: self.source, start };
        self.session.account.log_reader().open_log(&self.pod, &wish).await
    }

    /// Tells whether the API says that the pod is down or gone; if it says nothing, the log is asked for again.
    async fn has_stopped(&self) -> bool {
        match self.session.account.reader().pod(&self.pod).await {
            Ok(Some(pod)) => !pod.status.is_up(),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    fn failure(&self, source: ProviderError) -> Failure {
        if source.certainty == Certainty::Rejected(Rejection::NotFound) {
            return Failure::PodGone { address: self.address.clone(), pod: self.pod.clone() };
        }
        Failure::Provider { source }
    }

    fn tell(&self, line: &LogLine) {
        let LogLine { mark: _, at, source, text } = line;
        let at = at.as_deref().filter(|_| self.timestamps).map(|at| format!("{} ", visible_to(at, 40)));
        // The host's lines are told apart where both are shown.
        let by_host = *source == Some(LogSource::System) && self.source.is_none();
        let by_host = if by_host { "[system] " } else { "" };
        for text in text.lines() {
            let text = without_colours(text);
            let at = at.as_deref().unwrap_or_default();
            let text = visible_to(text.trim_end(), LONGEST_LINE);
            self.session.shell.output.data(&format!("{at}{by_host}{text}\n"));
        }
    }
}

/// Tells whether asking again cannot help.
fn is_final(error: &ProviderError) -> bool {
    match error.certainty {
        Certainty::Rejected(_) => true,
        Certainty::Throttled { .. } | Certainty::NotDone | Certainty::Unknown => false,
    }
}

/// Drops the sequences that choose colours, as nearly every program writes them; all others are spelled out later.
fn without_colours(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        let sequence = &rest[start + 2..];
        let length = sequence.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(sequence.len());
        kept.push_str(&rest[..start]);
        if !sequence[length..].starts_with('m') {
            kept.push_str("\u{1b}[");
            rest = sequence;
            continue;
        }
        rest = &sequence[length + 1..];
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_sequences_of_colours_are_dropped() {
        let cases = [
            ("plain", "plain"),
            ("\u{1b}[1;32mINFO\u{1b}[0m ready\u{1b}[m", "INFO ready"),
            ("\u{1b}[2Jgone", "\u{1b}[2Jgone"),
            ("cut \u{1b}[3", "cut \u{1b}[3"),
            ("\u{1b}[\u{1b}[31mx", "\u{1b}[x"),
        ];
        for (text, kept) in cases {
            assert_eq!(without_colours(text), kept, "{text:?}");
        }
    }
}
