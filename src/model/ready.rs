//! When a pod counts as ready, and how long it may take until it boots.
//!
//! RunPod knows neither: to it a pod runs as soon as its container is up. What is asked here is asked of the pod itself,
//! by `provider::reach`; what an answer means is decided in `apply::readiness`.

use std::collections::BTreeSet;
use std::fmt;

use super::seconds::Seconds;

/// What a pod must answer before others may count on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    pub probe: Probe,
    /// How long after it was seen to run it may take.
    pub within: Seconds,
}

impl Ready {
    /// How long it may take where the spec does not say: images are pulled by then, but a model may still be loaded.
    pub const WITHIN: Seconds = Seconds(10 * 60);
    /// The longest time that a spec may give a pod, to boot as well as to become ready: it is billed meanwhile, and an
    /// apply waits beside it.
    pub const LONGEST: Seconds = Seconds(24 * 3_600);
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { probe, within } = self;
        write!(f, "{probe}, within {within}")
    }
}

/// What is asked of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A `GET` through RunPod's proxy.
    Http {
        /// The port inside the pod.
        port: u32,
        /// The path, which begins with `/`, and the query.
        path: String,
        /// The answers that mean ready; none stand for all of 200 to 399.
        statuses: BTreeSet<u16>,
    },
    /// A connection to the public address of a port inside the pod.
    Tcp { port: u32 },
    /// A line of the container's log that holds this text. Only REST v2 has logs.
    Log { text: String },
}

impl Probe {
    /// Tells whether an answer to a `GET` means ready.
    pub fn takes(&self, status: u16) -> bool {
        match self {
            Self::Http { statuses, .. } if statuses.is_empty() => (200..400).contains(&status),
            Self::Http { statuses, .. } => statuses.contains(&status),
            Self::Tcp { .. } | Self::Log { .. } => false,
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { port, path, statuses: _ } => write!(f, "http {port}{path}"),
            Self::Tcp { port } => write!(f, "tcp {port}"),
            Self::Log { text } => write!(f, "log {text:?}"),
        }
    }
}

/// How long a created pod may take until it runs for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Counted from the answer to its create.
    pub within: Seconds,
    pub or_else: OnNoBoot,
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { within, or_else } = self;
        write!(f, "within {within}, else {}", or_else.word())
    }
}

/// What follows a pod that was given up, as it never ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnNoBoot {
    /// The next candidate of the plan is tried.
    NextCandidate,
    /// The create has failed.
    Fail,
}

impl OnNoBoot {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::NextCandidate => "next_candidate",
            Self::Fail => "fail",
        }
    }
}

/// Whether a pod was ready when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// It, or the proxy before it, answered that it is not; in words.
    NotReady(String),
    /// It could not be asked; in words.
    Unknown(String),
}

impl Readiness {
    /// Returns its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady(_) => "not ready",
            Self::Unknown(_) => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_below_400_are_ready_unless_the_spec_names_others() {
        let probe = |statuses: &[u16]| Probe::Http {
            port: 80,
            path: "/".to_owned(),
            statuses: statuses.iter().copied().collect(),
        };
        let taken = |statuses: &[u16]| -> Vec<u16> {
            [199, 200, 204, 302, 399, 400, 401, 502]
                .into_iter()
                .filter(|it| probe(statuses).takes(*it))
                .collect()
        };
        assert_eq!(taken(&[]), [200, 204, 302, 399]);
        assert_eq!(taken(&[200, 401]), [200, 401]);
    }
}
