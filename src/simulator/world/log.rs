//! What a pod's container and its host write, as a function of the pod and the time.
//!
//! No line is stored: a container that is up writes one every ten seconds of world time, and what it says is drawn from
//! the seed. As with the status, reading changes nothing, and two worlds with the same history agree.

use super::chance::between;
use super::job;
use super::moment::Moment;
use super::order::port_parts;
use super::phase::{Boot, Made, Outcome, Phase};
use super::pod::Pod;

/// How often a container writes, in milliseconds.
const PERIOD: u64 = 10_000;
/// How long a container whose command has ended is down until it is started again, in milliseconds.
const PAUSE: u64 = 1_000;
/// The most lines that are kept, as REST v2 hands out no more.
pub const KEPT: u64 = 5_000;

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Container,
    /// The host, about the container.
    System,
}

impl Source {
    /// Returns the word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Source::Container => "container",
            Source::System => "system",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was written.
    pub at: Moment,
    /// Its number among those of the same second, which is as exact as an identifier tells the time.
    pub number: u64,
    /// Who wrote it.
    pub source: Source,
    /// What it says; it may hold anything.
    pub text: String,
}

impl Line {
    /// Returns its identifier. Identifiers are in the order of the lines, also as text.
    pub fn id(&self) -> String {
        format!("{}/{:012}", self.at.rfc3339(), self.number)
    }
}

/// Returns the lines of the pod's last container up to `now`, in order: the last [`KEPT`] regular ones, and those about
/// its beginning and its end.
pub fn lines(pod: &Pod, seed: u64, now: Moment) -> Vec<Line> {
    let mut lines = match pod.phase {
        Phase::Up(boot) => of_container(pod, seed, boot, now),
        Phase::Stopped { at, by: _ } => vec![(at, Source::System, "stop container".to_owned())],
        Phase::Lost { at } => vec![(at, Source::System, "host is not reachable".to_owned())],
        Phase::Gone { .. } => Vec::new(),
    };
    lines.retain(|(at, _, _)| *at <= now);
    let mut numbered: Vec<Line> = Vec::new();
    for (at, source, text) in lines {
        let number =
            numbered.last().filter(|line| second(line.at) == second(at)).map_or(1, |line| line.number + 1);
        numbered.push(Line { at, number, source, text });
    }
    numbered
}

fn second(at: Moment) -> u64 {
    at.millis() / 1_000
}

/// Tells whether more will be written unless somebody acts.
pub fn goes_on(pod: &Pod, now: Moment) -> bool {
    pod.status(now).holds_compute()
}

/// Returns how many regular lines the container has written.
fn written_before(pod: &Pod, now: Moment) -> u64 {
    match pod.phase {
        Phase::Up(boot) => up_to(boot, now).since(boot.ready_at) / PERIOD,
        Phase::Stopped { .. } | Phase::Lost { .. } | Phase::Gone { .. } => 0,
    }
}

/// Returns until when the container writes.
fn up_to(boot: Boot, now: Moment) -> Moment {
    match boot.outcome {
        Outcome::Runs | Outcome::Repeats(_) => now,
        Outcome::Errand(errand) => errand.takes.map_or(now, |takes| now.min(boot.ready_at.after(takes))),
        Outcome::Fails | Outcome::Silent => boot.ready_at,
    }
}

fn of_container(pod: &Pod, seed: u64, boot: Boot, now: Moment) -> Vec<(Moment, Source, String)> {
    let Made { image, entrypoint, ports } = &pod.made;
    let mut lines = vec![
        (boot.placed_at, Source::System, format!("create container {image}")),
        (boot.placed_at, Source::System, format!("{image} Pulling from registry")),
    ];
    if boot.outcome == Outcome::Fails {
        lines.push((boot.ready_at, Source::System, format!("error creating container: {image}")));
        return lines;
    }
    lines.push((boot.ready_at, Source::System, "start container".to_owned()));
    let ports = ports.iter().filter_map(|port| port_parts(port));
    let http = ports.filter(|(_, protocol)| *protocol == "http");
    // Lines are in the order of their times, so one that comes later is put in its place at the end.
    let listens_at = boot.listens_at.filter(|_| boot.outcome != Outcome::Silent);
    if let Some(listens_at) = listens_at {
        let listening = http.map(|(port, _)| format!("listening on 0.0.0.0:{port}"));
        lines.extend(listening.take(10).map(|text| (listens_at, Source::Container, text)));
    }
    let ticks = written_before(pod, now);
    let container = pod.containers.to_string();
    for tick in ticks.saturating_sub(KEPT) + 1..=ticks {
        let took = between(seed, &["log", &pod.id.0, &container, &tick.to_string()], 100, 9_999);
        let text = said(image, tick, took);
        lines.push((boot.ready_at.after(tick * PERIOD), Source::Container, text));
    }
    if let Outcome::Errand(errand) = boot.outcome
        && let Some(text) = job::line(entrypoint, errand.code)
    {
        let told = errand.told().into_iter();
        lines.extend(told.map(|at| (boot.ready_at.after(at), Source::Container, text.clone())));
    }
    if let Outcome::Repeats(after) = boot.outcome {
        let turns = now.since(boot.ready_at) / (after + PAUSE);
        for turn in turns.saturating_sub(KEPT)..=turns {
            let began = boot.ready_at.after(turn * (after + PAUSE));
            let (exited, again) = (began.after(after), began.after(after + PAUSE));
            lines.push((exited, Source::System, "container exited with code 0".to_owned()));
            lines.push((again, Source::System, "start container".to_owned()));
        }
    }
    lines.sort_by_key(|(at, _, _)| *at);
    lines
}

/// Returns a regular line. The image's name asks for colours, or for what must never reach a terminal.
fn said(image: &str, tick: u64, took: u64) -> String {
    if image.contains("hostile") {
        format!(
            "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}1A\u{202e}step {tick}\r\u{1b}[32mdone\u{1b}[0m\n$ rm -rf /"
        )
    } else if image.contains("colourful") {
        format!("\u{1b}[1;32mINFO\u{1b}[0m step {tick} took {took} ms")
    } else {
        format!("step {tick} took {took} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::world::World;
    use crate::simulator::world::order::PodOrder;
    use crate::simulator::world::pod::Status;

    #[test]
    fn a_container_whose_command_ends_is_started_again() {
        let mut world = World::new(1, 1, Moment::EPOCH);
        let pod = world.create_pod(PodOrder::gpu("task", "task:one-shot", "NVIDIA A40")).unwrap();
        world.pass(200_000);
        let pod = world.made(&pod);
        let lines = lines(pod, world.seed(), world.now()).into_iter();
        let told = lines.filter(|line| line.source == Source::System).map(|line| line.text);
        let told: Vec<String> =
            told.filter(|text| text.contains("start") || text.contains("exited")).collect();
        let (start, exited) = ("start container", "container exited with code 0");
        assert_eq!(told, [start, exited, start, exited, start]);
        assert_eq!((pod.status(world.now()), pod.ends_by_itself()), (Status::Running, None));
    }

    #[test]
    fn identifiers_are_in_the_order_of_lines() {
        let line = |seconds: u64, number| {
            let at = Moment::EPOCH.after(seconds * 1_000);
            Line { at, number, source: Source::System, text: String::new() }.id()
        };
        let ids = [line(0, 1), line(0, 2), line(0, 10), line(9, 1), line(100, 1)];
        assert!(ids.is_sorted(), "{ids:?}");
        assert_eq!(ids[0], "2026-11-02T09:00:00Z/000000000001");
    }
}
