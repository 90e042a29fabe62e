//! Jobs: pods that run their command once.
//!
//! RunPod starts a container again when its process ends, so a job's own process must stop its pod. It is a shell that
//! podform sends as the entrypoint, with the command of the spec as its arguments. In the spec, the state and the plan
//! two words stand for it ([`entrypoint`]), in a request and on RunPod all of it ([`sent`]); what an API shows is read
//! back to the two words and the run ([`seen`]).
//!
//! How a run ended is told by one line of its log, which names the run: a token that is new for each. Nobody but the job
//! itself can know it, and of several such lines the last one counts, which is the shell's.

use std::collections::BTreeSet;
use std::fmt;

use super::clock::Timestamp;
use super::desired::Ignored;
use super::marker::Token;
use super::settings::{Container, Field};

/// What a pod is there for, if that is a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub then: Then,
    /// What makes it run again when it changes in the spec.
    pub rerun_on: BTreeSet<Ignored>,
}

impl Job {
    /// What makes a job run again unless its spec says otherwise.
    pub fn usual_rerun_on() -> BTreeSet<Ignored> {
        [Ignored::Field(Field::Image), Ignored::Field(Field::Command), Ignored::Variables].into()
    }

    /// Tells whether a field can be named that makes a job run again: what a run gets from its spec and the state keeps.
    pub fn can_rerun_on(field: &Field) -> bool {
        matches!(
            field,
            Field::Image
                | Field::Command
                | Field::Env(_)
                | Field::Ports
                | Field::Disk
                | Field::Registry
                | Field::Volumes
        )
    }

    /// Tells whether a change of this field makes it run again.
    pub fn names(&self, field: &Field) -> bool {
        self.rerun_on.contains(&Ignored::Field(field.clone()))
            || self.rerun_on.contains(&Ignored::Variables) && matches!(field, Field::Env(_))
    }

    /// Returns what differs of that between what a run was given and what one would be given.
    pub fn changed(&self, given: &Container, wanted: &Container) -> Vec<Field> {
        let mut fields: Vec<Field> = wanted.values().into_iter().map(|(field, _)| field).collect();
        fields.extend(given.env.keys().filter(|key| !wanted.env.contains_key(*key)).cloned().map(Field::Env));
        fields.retain(|field| self.names(field) && differs(field, given, wanted));
        fields
    }
}

/// A secret is shown alike whichever it is, so variables are compared by what they are.
fn differs(field: &Field, given: &Container, wanted: &Container) -> bool {
    match field {
        Field::Env(key) => given.env.get(key) != wanted.env.get(key),
        Field::Volumes => given.storage != wanted.storage,
        Field::Registry => given.registry != wanted.registry,
        field => given.value(field) != wanted.value(field),
    }
}

/// What becomes of the pod of a job that has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Then {
    /// It stops itself.
    #[default]
    Stop,
    /// It stops itself, and podform terminates it once it is known to be done.
    Terminate,
    /// It stays and is billed.
    Keep,
}

impl Then {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Terminate => "terminate",
            Self::Keep => "keep",
        }
    }

    /// Tells whether a pod whose job has ended is to go on running.
    pub fn keeps(self) -> bool {
        match self {
            Self::Stop | Self::Terminate => false,
            Self::Keep => true,
        }
    }
}

/// How far a job must be before a pod that depends on it comes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// It ended with exit code 0.
    Done,
    /// It ended, with whatever code, or nobody knows how.
    Ended,
}

impl Until {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Ended => "ended",
        }
    }

    /// Tells whether this end is enough.
    pub fn accepts(self, end: End) -> bool {
        match (self, end) {
            (Self::Done, End::Done) | (Self::Ended, End::Done | End::Failed(_) | End::Unknown) => true,
            (Self::Done, End::Failed(_) | End::Unknown) => false,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// With exit code 0.
    Done,
    /// With another one.
    Failed(u32),
    /// Without saying so: stopped by others, cut off with the balance, or lost with its host.
    Unknown,
}

impl End {
    /// Returns the end with this exit code.
    pub fn of_code(code: u32) -> Self {
        if code == 0 { Self::Done } else { Self::Failed(code) }
    }

    /// Returns the word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the exit code, where it is known.
    pub fn code(self) -> Option<u32> {
        match self {
            Self::Done => Some(0),
            Self::Failed(code) => Some(code),
            Self::Unknown => None,
        }
    }
}

/// As a sentence goes on after the job's name.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed(code) => write!(f, "failed with exit code {code}"),
            Self::Unknown => f.write_str("ended, not known how"),
        }
    }
}

/// What is recorded of the last run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedJob {
    /// Names the run; `None` where only the attempt knows.
    pub run: Option<Token>,
    /// How it ended, once that is known.
    pub ended: Option<End>,
    /// Its pod is no more. What it was given stays on record, so that it is known when it is to run again.
    pub gone: bool,
    /// RunPod's time when a wait for it saw its end, at which its pod may not have been down yet; `None` where a plan saw it.
    pub end_seen_at: Option<Timestamp>,
    /// What it counts as given since somebody said that it is done, with references to other pods as they are written; `None`
    /// where its pod's record tells.
    pub given: Option<Box<Container>>,
}

impl RecordedJob {
    /// Returns what is recorded of a run that begins.
    pub fn begun(run: Option<Token>) -> Self {
        Self { run, ended: None, gone: false, end_seen_at: None, given: None }
    }
}

/// What is known of a job whose last run no record of a pod tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnseenJob {
    /// Nobody knows whether it has run: the state that would know was lost, or is an older one.
    NotKnown,
    /// Somebody said that it has run and is done. It was given what the spec had then, with references to other pods as they
    /// are written.
    Done(Box<Container>),
}

impl UnseenJob {
    /// Returns the word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotKnown => "not_known",
            Self::Done(_) => "done",
        }
    }
}

impl fmt::Display for UnseenJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotKnown => f.write_str("nobody knows whether it has run"),
            Self::Done(_) => f.write_str("done, as somebody said"),
        }
    }
}

/// What a job's log says of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobLog {
    /// The run ended with this exit code.
    Ended(u32),
    /// It does not say that the run has ended.
    Silent,
    /// It could not be read.
    Unread(String),
}

/// What stands for podform's shell where an entrypoint is named.
const WORD: &str = "podform-job";

/// Returns what stands for the shell of a job in the spec, the state and the plan.
pub fn entrypoint(then: Then) -> Vec<String> {
    vec![WORD.to_owned(), leaves(then).to_owned()]
}

/// Tells whether an entrypoint stands for the shell of a job.
pub fn is_entrypoint(words: &[String]) -> bool {
    words.first().is_some_and(|first| first == WORD)
}

/// Tells whether the shell that an entrypoint stands for leaves its pod up.
pub fn keeps(words: &[String]) -> bool {
    is_entrypoint(words) && words.get(1).is_some_and(|leaves| leaves == "keep")
}

/// Returns what an entrypoint of a job leaves of its pod, be it as it is sent or what stands for it; `None` for any other. A pod
/// that podform is to terminate stops itself like those that are to stay stopped.
pub fn then_of(entrypoint: &[String]) -> Option<Then> {
    let words = seen(entrypoint).map_or_else(|| entrypoint.to_vec(), |(words, _)| words);
    is_entrypoint(&words).then_some(if keeps(&words) { Then::Keep } else { Then::Stop })
}

fn leaves(then: Then) -> &'static str {
    if then.keeps() { "keep" } else { "stop" }
}

/// Names the run that an entrypoint of a job begins; any other one stays as it is.
pub fn for_run(words: &[String], run: &Token) -> Vec<String> {
    let mut words = without_run(words);
    if is_entrypoint(&words) {
        words.push(run.to_string());
    }
    words
}

/// Takes the run from what [`for_run`] returns.
pub fn without_run(words: &[String]) -> Vec<String> {
    let kept = if is_entrypoint(words) { words.len().min(2) } else { words.len() };
    words[..kept].to_vec()
}

/// Returns an entrypoint as it is sent.
pub fn sent(words: &[String]) -> Vec<String> {
    match words {
        [first, leaves, run] if first == WORD => {
            ["/bin/sh", "-c", SCRIPT, WORD, run, leaves].map(str::to_owned).into()
        }
        other => other.to_vec(),
    }
}

/// Reads back what was sent: the two words and the run. The shell's script may be that of another version of podform.
pub fn seen(words: &[String]) -> Option<(Vec<String>, Token)> {
    match words {
        [shell, flag, _script, word, run, leaves]
            if shell == "/bin/sh"
                && flag == "-c"
                && word == WORD
                && (leaves == "stop" || leaves == "keep") =>
        {
            Some((vec![WORD.to_owned(), leaves.clone()], run.parse().ok()?))
        }
        _ => None,
    }
}

/// What begins the line of a log that tells how a run ended.
pub const LINE: &str = "podform-exit";

/// Reads a line of a log: the exit code, if it says that this run ended. The whole line must say that and nothing else.
pub fn exit_code(line: &str, run: &Token) -> Option<u32> {
    let mut words = line.trim_end_matches(['\r', '\n']).split(' ');
    let (first, named, code) = (words.next()?, words.next()?, words.next()?);
    let is_code = !code.is_empty() && code.len() <= 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    if first != LINE || named != run.as_str() || words.next().is_some() || !is_code {
        return None;
    }
    code.parse().ok().filter(|code| *code <= 255)
}

/// Runs the command that it is given as its arguments, says how it ended, and stops the pod.
///
/// A shell that is the first process of a container hears no signal that it does not ask for, and the kernel sends none
/// to its children. So it hands on what stops it, and then tells of no end: what was cut off has not ended by itself.
/// `runpodctl` has had both orders of its words. It is asked again until the pod is stopped, which ends the shell, and the
/// line is repeated so that what others write does not push it out of the part of the log that is read.
pub const SCRIPT: &str = "\
run=$1 leaves=$2
shift 2
job= cut=
trap 'cut=1; [ -z \"$job\" ] || kill -TERM \"$job\" 2>/dev/null' TERM INT HUP
\"$@\" &
job=$!
wait \"$job\"
code=$?
while [ -n \"$cut\" ] && kill -0 \"$job\" 2>/dev/null; do wait \"$job\"; code=$?; done
[ -z \"$cut\" ] || exit \"$code\"
trap 'exit \"$code\"' TERM INT HUP
while :; do
  printf '\\npodform-exit %s %s\\n' \"$run\" \"$code\"
  if [ \"$leaves\" = stop ]; then
    runpodctl pod stop \"$RUNPOD_POD_ID\" >/dev/null 2>&1 || runpodctl stop pod \"$RUNPOD_POD_ID\" >/dev/null 2>&1
    sleep 15 &
  else
    sleep 3600 &
  fi
  wait $!
done
";

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Token {
        "00000000000000aa".parse().unwrap()
    }

    #[test]
    fn what_is_sent_is_read_back() {
        for then in [Then::Stop, Then::Terminate, Then::Keep] {
            let words = entrypoint(then);
            let sent = sent(&for_run(&words, &run()));
            assert_eq!(seen(&sent), Some((words.clone(), run())));
            assert_eq!(without_run(&for_run(&words, &run())), words);
        }
        for then in [Then::Stop, Then::Keep] {
            let words = entrypoint(then);
            assert_eq!(then_of(&words), Some(then));
            assert_eq!(then_of(&sent(&for_run(&words, &run()))), Some(then));
        }
        let own = vec!["/bin/sh".to_owned(), "-c".to_owned(), "true".to_owned()];
        assert_eq!((sent(&for_run(&own, &run())), seen(&own)), (own.clone(), None));
        assert_eq!(then_of(&own), None);
    }

    #[test]
    fn only_a_whole_line_of_this_run_tells_an_end() {
        let lines = [
            ("podform-exit 00000000000000aa 0", Some(0)),
            ("podform-exit 00000000000000aa 137\r", Some(137)),
            ("podform-exit 00000000000000ab 0", None),
            ("podform-exit 00000000000000aa 256", None),
            ("podform-exit 00000000000000aa -1", None),
            ("podform-exit 00000000000000aa +1", None),
            ("podform-exit 00000000000000aa 0 0", None),
            ("podform-exit  00000000000000aa 0", None),
            (" podform-exit 00000000000000aa 0", None),
            ("podform-exit 00000000000000aa", None),
            ("", None),
        ];
        for (line, code) in lines {
            assert_eq!(exit_code(line, &run()), code, "{line:?}");
        }
    }
}
