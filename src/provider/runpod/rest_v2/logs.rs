//! `GET /v2/pods/{id}/logs`: Server-Sent Events, each with a JSON object of `source`, `line` and `ts`.

use std::time::Duration;

use serde::Deserialize;

use super::call::get;
use crate::model::id::PodId;
use crate::provider::logs::{Heard, Log, LogLine, LogMark, LogSource, LogStart, LogWish};
use crate::provider::runpod::events::{Event, EventReader};
use crate::provider::runpod::transport::{Stream, Transport, segment};
use crate::provider::{ProviderError, Verb};

/// An open log of a pod.
pub struct RunpodLog {
    stream: Stream,
    reader: EventReader,
    ended: bool,
}

#[derive(Deserialize)]
struct LineWire {
    line: String,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    ts: Option<String>,
}

/// Opens a log.
pub(in crate::provider::runpod) async fn open_log(
    transport: &Transport,
    pod: &PodId,
    wish: &LogWish,
) -> Result<RunpodLog, ProviderError> {
    let call = Verb::ReadLog.by("GET /v2/pods/{id}/logs");
    let LogWish { source, start } = wish;
    let source = match source {
        None => "",
        Some(LogSource::Container) => "&source=container",
        Some(LogSource::System) => "&source=system",
    };
    let (tail, mark) = match start {
        LogStart::Tail(lines) => (*lines, None),
        // The mark rules; a server that forgets it sends nothing twice at least.
        LogStart::After(LogMark(mark)) => (0, Some(mark.as_str())),
    };
    let path = format!("/pods/{}/logs?tail={tail}{source}", segment(call, pod.as_str())?);
    let stream = transport.open(get(call, path), mark).await?;
    Ok(RunpodLog { stream, reader: EventReader::default(), ended: false })
}

impl Log for RunpodLog {
    async fn next(&mut self, patience: Duration) -> Result<Heard, ProviderError> {
        // The time is measured from line to line: a server may send comments for ever.
        match tokio::time::timeout(patience, self.wait()).await {
            Ok(heard) => heard,
            Err(_elapsed) => Ok(Heard::Quiet),
        }
    }
}

impl RunpodLog {
    async fn wait(&mut self) -> Result<Heard, ProviderError> {
        loop {
            if let Some(event) = self.reader.next() {
                let LogLine { mark, at, source, text } = line(event);
                let at = at.map(|at| self.stream.redacted(&at));
                return Ok(Heard::Line(LogLine { mark, at, source, text: self.stream.redacted(&text) }));
            }
            if self.ended {
                return Ok(Heard::End);
            }
            match self.stream.next().await? {
                Some(bytes) => self.reader.push(&bytes),
                None => {
                    self.reader.end();
                    self.ended = true;
                }
            }
        }
    }
}

/// Reads an event. One of another form is shown as it is: a log that cannot be read is worth more than none.
fn line(event: Event) -> LogLine {
    let Event { id, data, cut } = event;
    let mark = id.map(LogMark);
    match serde_json::from_str(&data) {
        Ok(LineWire { line, source, ts }) => {
            let source = match source.as_deref() {
                Some("container") => Some(LogSource::Container),
                Some("system") => Some(LogSource::System),
                Some(_) | None => None,
            };
            LogLine { mark, at: ts, source, text: line }
        }
        Err(_) => {
            let text =
                if cut { format!("{data} ... (the rest of a very long line is left out)") } else { data };
            LogLine { mark, at: None, source: None, text }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str) -> LogLine {
        line(Event { id: Some("7".to_owned()), data: data.to_owned(), cut: false })
    }

    #[test]
    fn lines_are_read_leniently() {
        let mark = Some(LogMark("7".to_owned()));
        let published = read(r#"{"ts":"2026-06-01T12:02:03Z","source":"container","line":"Model loaded."}"#);
        assert_eq!(
            published,
            LogLine {
                mark: mark.clone(),
                at: Some("2026-06-01T12:02:03Z".to_owned()),
                source: Some(LogSource::Container),
                text: "Model loaded.".to_owned(),
            }
        );
        let unknown = read(r#"{"line":"x","source":"proxy","more":1}"#);
        assert_eq!(unknown, LogLine { mark: mark.clone(), at: None, source: None, text: "x".to_owned() });
        assert_eq!(read("no JSON"), LogLine { mark, at: None, source: None, text: "no JSON".to_owned() });
    }
}
