//! `GET /v2/pods/{id}/logs`: a pod's log as Server-Sent Events.
//!
//! The answer holds what was written before. While the pod is up the stream stays open, and the server asks for
//! [`what_follows`] as the world's time passes.

use serde_json::json;

use super::Problem;
use crate::simulator::exchange::{Answer, Request};
use crate::simulator::world::World;
use crate::simulator::world::log::{KEPT, Line, Source, goes_on, lines};

/// How many lines are sent where the request does not say.
const TAIL: usize = 100;
/// The content type that only this call answers with.
const EVENT_STREAM: &str = "text/event-stream";

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wish {
    source: Option<Source>,
    start: Start,
}

/// Where the stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Start {
    /// With the last so many lines.
    Tail(usize),
    /// After this identifier, or at this time.
    After(String),
}

/// An open stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pod: String,
    source: Option<Source>,
    last: String,
}

/// What is to be sent on an open stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// These bytes; they may be none.
    Bytes(Vec<u8>),
    /// Nothing more will come.
    End(Vec<u8>),
}

/// Answers with the lines that there are.
pub(super) fn answer(world: &World, id: &str, request: &Request) -> Result<Answer, Problem> {
    let Wish { source, start } = wish(request)?;
    let pod = world.pod(id)?;
    let mut chosen: Vec<Line> = lines(pod, world.seed(), world.now());
    chosen.retain(|line| source.is_none_or(|source| line.source == source));
    match start {
        Start::Tail(count) => drop(chosen.drain(..chosen.len().saturating_sub(count))),
        Start::After(mark) => chosen.retain(|line| line.id() > mark),
    }
    let headers = vec![
        ("content-type", EVENT_STREAM.to_owned()),
        ("cache-control", "no-cache".to_owned()),
        ("x-accel-buffering", "no".to_owned()),
    ];
    Ok(Answer { status: 200, headers, body: events(&chosen) })
}

/// Returns the stream that an answer opened, if it is one and goes on.
pub fn opened(world: &World, request: &Request, answer: &Answer) -> Option<Open> {
    let is_stream =
        answer.headers.iter().any(|(name, value)| *name == "content-type" && value == EVENT_STREAM);
    let [_version, _pods, id, _logs] = request.path.as_slice() else { return None };
    let pod = world.pod(id).ok().filter(|_| is_stream)?;
    if !goes_on(pod, world.now()) {
        return None;
    }
    let last = lines(pod, world.seed(), world.now()).last().map(Line::id).unwrap_or_default();
    let source = wish(request).ok()?.source;
    Some(Open { pod: id.clone(), source, last })
}

/// Returns what was written since the last look.
pub fn what_follows(world: &World, open: &mut Open) -> Next {
    let Open { pod, source, last } = open;
    let Ok(pod) = world.pod(pod) else { return Next::End(Vec::new()) };
    let mut chosen = lines(pod, world.seed(), world.now());
    chosen.retain(|line| line.id() > *last);
    if let Some(line) = chosen.last() {
        *last = line.id();
    }
    chosen.retain(|line| source.is_none_or(|source| line.source == source));
    let bytes = events(&chosen);
    if goes_on(pod, world.now()) { Next::Bytes(bytes) } else { Next::End(bytes) }
}

fn wish(request: &Request) -> Result<Wish, Problem> {
    let source = match request.parameter("source") {
        None => None,
        Some("container") => Some(Source::Container),
        Some("system") => Some(Source::System),
        Some(_) => return Err(Problem::new(400, "source must be one of: container, system")),
    };
    let mark = request.last_event_id.as_deref().or_else(|| request.parameter("since"));
    if let Some(mark) = mark {
        return Ok(Wish { source, start: Start::After(mark.to_owned()) });
    }
    let most = usize::try_from(KEPT).unwrap_or(usize::MAX);
    let tail = match request.parameter("tail") {
        None => TAIL,
        Some(text) => {
            let number = text.parse().ok().filter(|number| *number <= most);
            number.ok_or_else(|| Problem::new(400, "tail must be between 0 and 5000"))?
        }
    };
    Ok(Wish { source, start: Start::Tail(tail) })
}

fn events(lines: &[Line]) -> Vec<u8> {
    let event = |line: &Line| {
        let data = json!({ "ts": line.at.rfc3339(), "source": line.source.name(), "line": line.text });
        format!("id: {}\ndata: {data}\n\n", line.id())
    };
    lines.iter().map(event).collect::<String>().into_bytes()
}
