//! `podform doctor`: whether everything that plan and apply need can be used: a line each, with what to do where not.
//!
//! It reads and writes nothing. What the key may do no API tells but by the answer to a change, here of a pod that cannot
//! exist; that is sent only if somebody wants it.

use std::fs::File;
use std::io;
use std::path::Path;

use serde_json::json;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{VERSION, printed};
use crate::cli::report;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::clock::{Clock, Timestamp};
use crate::model::desired::Wanted;
use crate::provider::probe::{Probe, WriteScope};
use crate::provider::{Observe, ProviderError, Quota, ServerTime};
use crate::render::escape::visible;
use crate::render::words::count;
use crate::spec;
use crate::state::place::Place;
use crate::state::sqlite::StateFile;
use crate::state::{StateError, Store};

/// By how many seconds this clock may differ from the server's. What was recorded less than two minutes ago is
/// waited for, so a larger difference would hold pods that are there.
const SKEW: u64 = 30;
/// Prices that are older than this many days have most likely changed.
const OLD_FACTS: i64 = 180;
/// With fewer requests left a plan may have to wait.
const FEW_REQUESTS: u32 = 20;

/// Check that spec, key, account and state can be used; writes nothing
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform doctor\n  podform doctor --try-write\n  podform doctor --json")]
pub struct Args {
    /// Ask too whether the key may write: send RunPod a stop of a pod that does not exist
    #[arg(long)]
    try_write: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let mut verdict = Verdict { exit: exit::DONE, checks: Vec::new() };
    examine(shell, args, &mut verdict).await;
    let Verdict { exit, checks } = verdict;
    shell.output.data(&if args.json { as_json(&checks) } else { lines(&checks) });
    Ok(exit)
}

async fn examine(shell: &Shell, args: &Args, verdict: &mut Verdict) {
    let loaded = verdict.of("spec", shell.load_spec(), |loaded| {
        format!(
            "project `{}`, {} wanted",
            loaded.settings.project,
            count(loaded.desired.wanted.len(), "object")
        )
    });
    let Some(loaded) = loaded else {
        // Whether it is needed depends on the spec.
        let is_set = shell.env.api_key().is_some();
        let text = format!("`RUNPOD_API_KEY` is {}", if is_set { "set" } else { "not set" });
        return verdict.ok_if(is_set, "key", text, "export RUNPOD_API_KEY=...");
    };
    let opened = Session::open(shell, loaded, None).await;
    let told = |session: &Session<'_>| session.account.binding.origin.clone();
    let Some(session) = verdict.of("origin", opened, told) else { return };
    secrets(&session, verdict);
    account(&session, args, verdict).await;
    state(&session, verdict).await;
}

fn secrets(session: &Session<'_>, verdict: &mut Verdict) {
    let Session { missing, loaded, .. } = session;
    let declared = loaded.desired.secrets.len();
    let text = match declared {
        0 => "none declared".to_owned(),
        _ if missing.is_empty() => format!("all {declared} have a value"),
        _ => missing.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join(", "),
    };
    let next = "set them before `podform apply`; a plan works without";
    verdict.ok_if(missing.is_empty(), "secrets", text, next);
}

/// What the account answers: the key first, as nothing else can be asked without it.
async fn account(session: &Session<'_>, args: &Args, verdict: &mut Verdict) {
    let client = session.account.reader();
    let probe = session.account.probe();
    let pods = client.list_pods().await.map_err(Failure::from);
    let accepted =
        verdict.of("key", pods, |pods| format!("accepted, {} in the account", count(pods.len(), "pod")));
    match &accepted {
        Some(_) if args.try_write => scope(probe.write_scope().await, verdict),
        Some(_) => {
            verdict.ok("scope", "the key may read; `--try-write` asks whether it may write".to_owned())
        }
        None => {}
    }
    if accepted.is_some() && wants_ssh(session) {
        ssh_keys(probe.ssh_keys().await, verdict);
    }
    match client.server_time() {
        Some(told) => {
            let here = session.account.clock.now();
            let skew = here.duration_since(told.now()).as_secs();
            let text = format!("{} s from the server's", skew.unsigned_abs());
            let next = "let this computer set its clock by the network";
            verdict.ok_if(skew.unsigned_abs() <= SKEW, "clock", text, next);
        }
        None => verdict.ok("clock", "the server does not tell its time".to_owned()),
    }
    facts(client.server_time().map(ServerTime::now), verdict);
    match client.quota() {
        Some(Quota { remaining, resets_in }) => {
            let text = format!("{remaining} requests left for {} s", resets_in.as_secs());
            let next = "wait for it, or see what else uses this key";
            verdict.ok_if(remaining >= FEW_REQUESTS, "quota", text, next);
        }
        None => verdict.ok("quota", "the API announces none".to_owned()),
    }
}

/// How old the bundled prices are. The account's own go before them wherever there is an account; without one, and in the
/// simulator, they are all that there is.
fn facts(now: Option<Timestamp>, verdict: &mut Verdict) {
    let told = format!("the prices that podform brings are of {}", spec::PRICES_OF);
    let since = format!("{}T00:00:00Z", spec::PRICES_OF).parse::<Timestamp>().ok();
    let days = since.zip(now).map(|(since, now)| now.duration_since(since).as_secs() / 86_400);
    match days {
        Some(days) => verdict.ok_if(
            days <= OLD_FACTS,
            "facts",
            format!("{told}, {} old; those of the account go first", count(days.max(0) as usize, "day")),
            "update podform; `podform gpus` shows the account's prices",
        ),
        None => verdict.ok("facts", told),
    }
}

/// Nobody needs keys where no pod lets anybody in.
fn wants_ssh(session: &Session<'_>) -> bool {
    session.loaded.desired.wanted.values().any(|wanted| match wanted {
        Wanted::Pod(pod) => pod.access.ssh,
        Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_) => false,
    })
}

fn ssh_keys(asked: Result<Option<usize>, ProviderError>, verdict: &mut Verdict) {
    match asked {
        Ok(Some(0)) => verdict.warn(
            "ssh",
            "the account has no SSH key, so `ssh: true` lets nobody in".to_owned(),
            "add one in RunPod's settings; a pod keeps the keys that there were when it was made",
        ),
        Ok(Some(keys)) => verdict.ok("ssh", format!("{} in the account", count(keys, "SSH key"))),
        Ok(None) => verdict.ok("ssh", "this API does not tell the account's SSH keys".to_owned()),
        Err(error) => {
            let next = "see in RunPod's settings whether there is a key";
            verdict.warn("ssh", format!("whether the account has SSH keys is not known: {error}"), next);
        }
    }
}

fn scope(asked: Result<WriteScope, ProviderError>, verdict: &mut Verdict) {
    match asked {
        Ok(WriteScope::Writes) => verdict.ok("scope", "the key may read and write pods".to_owned()),
        Ok(WriteScope::ReadsOnly) => verdict.warn(
            "scope",
            "the key may only read: plan works, apply will not".to_owned(),
            "for apply, export a key of RunPod's settings that may write",
        ),
        Ok(WriteScope::NotTold) => {
            verdict.ok("scope", "whether the key may write shows at the first apply".to_owned())
        }
        Err(error) => {
            verdict.warn("scope", format!("whether the key may write is not known: {error}"), "podform plan")
        }
    }
}

async fn state(session: &Session<'_>, verdict: &mut Verdict) {
    let shown = session.state.name();
    let read = session.state.load().await;
    let is_unreached = matches!(read, Err(StateError::Failed { .. }));
    let read = read.map_err(Failure::from);
    let file = session.state.file().map(StateFile::path);
    let exists = match file {
        Some(file) => file.exists(),
        None => session.state.contents().await.is_ok_and(|contents| contents.is_some()),
    };
    let whole = verdict.of("state", read, |prior| {
        if !exists {
            return format!("`{shown}` is not there yet; the first apply makes it");
        }
        let (objects, open) = (count(prior.objects.len(), "object"), count(prior.open.len(), "action"));
        format!("`{shown}` is whole and of this account, {objects} recorded, {open} open")
    });
    if whole.is_none() {
        // Elsewhere the next step would be this command.
        if is_unreached && let Some(check) = verdict.checks.last_mut() {
            check.next = Some(session.state.needs().to_owned());
        }
        return;
    }
    if let Ok(Some(false)) = session.state.may_write().await {
        let text =
            format!("`{shown}` may be read and not written by this user: enough for plan, not for apply");
        verdict.warn("writing", text, "for apply, let this user write there too");
    }
    if let Some(error) = file.filter(|_| exists).map(writable).and_then(Result::err) {
        let text = format!("`{shown}` cannot be written: {error}");
        verdict.warn("writing", text, "a plan works; for apply give another file with `--state PATH`");
    }
    let lease = session.state.lease().await.map_err(Failure::from);
    verdict.of("lock", lease, |lease| {
        lease.as_ref().map_or("free".to_owned(), |lease| format!("held by {lease}"))
    });
}

/// Opens a file for writing, and writes nothing.
#[expect(clippy::disallowed_methods, reason = "only opening a file tells whether it can be written")]
fn writable(path: &Path) -> io::Result<()> {
    File::options().append(true).open(path).map(drop)
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Fail,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line.
struct Check {
    name: &'static str,
    level: Level,
    text: String,
    next: Option<String>,
}

/// The checks, and the exit code of the first that failed.
struct Verdict {
    exit: Exit,
    checks: Vec<Check>,
}

impl Verdict {
    fn ok(&mut self, name: &'static str, text: String) {
        self.checks.push(Check { name, level: Level::Ok, text, next: None });
    }

    fn warn(&mut self, name: &'static str, text: String, next: &str) {
        self.checks.push(Check { name, level: Level::Warn, text, next: Some(next.to_owned()) });
    }

    fn ok_if(&mut self, is_ok: bool, name: &'static str, text: String, next: &str) {
        if is_ok { self.ok(name, text) } else { self.warn(name, text, next) }
    }

    fn of<T>(
        &mut self,
        name: &'static str,
        result: Result<T, Failure>,
        told: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.ok(name, told(&value));
                Some(value)
            }
            Err(failure) => {
                let (text, next) = report::line_of(&failure);
                self.checks.push(Check { name, level: Level::Fail, text, next });
                if self.exit == exit::DONE {
                    self.exit = failure.exit();
                }
                None
            }
        }
    }
}

fn lines(checks: &[Check]) -> String {
    let line = |Check { name, level, text, next }: &Check| {
        let next = next.as_ref().map_or_else(String::new, |next| format!("; next: {next}"));
        let said = format!("{text}{next}");
        format!("{:4}  {name:8}  {}\n", level.word(), visible(&said))
    };
    checks.iter().map(line).collect()
}

fn as_json(checks: &[Check]) -> String {
    let checks = checks.iter().map(|Check { name, level, text, next }| {
        json!({ "check": name, "level": level.word(), "text": text, "next": next })
    });
    printed(&json!({ "version": VERSION, "checks": checks.collect::<Vec<_>>() }))
}
