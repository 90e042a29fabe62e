//! What is said of a pod that is asked whether it is ready. Pure.

use crate::model::live::PodStatus;
use crate::model::ready::{Readiness, Ready};

/// What came of a question so far, so that each answer is told once.
#[derive(Debug)]
pub struct Asking<'a> {
    ready: &'a Ready,
    last: Option<Readiness>,
}

impl<'a> Asking<'a> {
    /// Begins to ask.
    pub fn new(ready: &'a Ready) -> Self {
        Self { ready, last: None }
    }

    /// Takes an answer, and returns what a person is told if it is news.
    pub fn hear(&mut self, answer: Readiness) -> Option<String> {
        let is_news = self.last.as_ref() != Some(&answer);
        let told = match &answer {
            Readiness::Ready => None,
            Readiness::NotReady(why) | Readiness::Unknown(why) => {
                Some(format!("{}: {why}", self.ready.probe))
            }
        };
        self.last = Some(answer);
        told.filter(|_| is_news)
    }

    /// Says that the pod is not ready after all the time that there is.
    pub fn late(&self) -> String {
        let within = self.ready.within;
        let is = match &self.last {
            None | Some(Readiness::Ready) => "it was not seen to run".to_owned(),
            Some(Readiness::NotReady(why)) => why.clone(),
            Some(Readiness::Unknown(why)) => format!("could not be told: {why}"),
        };
        format!("not ready within {within}; {}: {is}; the pod is kept", self.ready.probe)
    }

    /// Says that the pod ended while it was asked.
    pub fn ended(&self, status: PodStatus) -> String {
        format!("it is {status} before it was ready ({}); the pod is kept", self.ready.probe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ready::Probe;
    use crate::model::seconds::Seconds;

    #[test]
    fn each_answer_is_told_once_and_the_last_one_at_the_end() {
        let ready = Ready {
            probe: Probe::Http { port: 8000, path: "/health".to_owned(), statuses: [].into() },
            within: Seconds(600),
        };
        let mut asking = Asking::new(&ready);
        let mut said = vec![asking.late()];
        let no = |why: &str| Readiness::NotReady(why.to_owned());
        for answer in [no("answered 502"), no("answered 502"), Readiness::Unknown("no network".to_owned())] {
            said.push(asking.hear(answer).unwrap_or_default());
        }
        said.extend([asking.late(), asking.ended(PodStatus::Exited)]);
        insta::assert_snapshot!(said.join("\n"), @r"
        not ready within 10m; http 8000/health: it was not seen to run; the pod is kept
        http 8000/health: answered 502

        http 8000/health: no network
        not ready within 10m; http 8000/health: could not be told: no network; the pod is kept
        it is EXITED before it was ready (http 8000/health); the pod is kept
        ");
    }
}
