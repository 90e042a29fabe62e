//! `podform doctor`: whether everything that a plan needs can be used. It writes nothing.

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::report;
use crate::cli::run::Shell;
use crate::cli::session::Session;
use crate::provider::{Observe, Quota};

/// Runs the command.
pub async fn run(shell: &Shell) -> Result<Exit, Failure> {
    let mut verdict = Verdict { shell, exit: exit::DONE };
    let Some(loaded) = verdict.of("spec", shell.load_spec(), |loaded| {
        format!("project `{}`, {} objects wanted", loaded.settings.project, loaded.desired.wanted.len())
    }) else {
        return Ok(verdict.exit);
    };
    let opened = Session::open(shell, loaded, None).await;
    let told = |session: &Session<'_>| session.account.binding.origin.clone();
    let Some(session) = verdict.of("account", opened, told) else { return Ok(verdict.exit) };
    let client = session.account.reader();
    let pods = client.list_pods().await.map_err(|source| Failure::Provider { what: "the account", source });
    verdict.of("key", pods, |pods| {
        format!("accepted, {} pods in the account; whether it may write shows at the first apply", pods.len())
    });
    if let Some(quota) = client.quota() {
        let Quota { remaining, resets_in } = quota;
        verdict.say("quota", &format!("{remaining} requests left for {} s", resets_in.as_secs()));
    }
    let state = session.state.read().map_err(Failure::State);
    let path = session.state.path().display().to_string();
    verdict.of("state", state, |prior| {
        format!(
            "`{path}` is whole, {} objects recorded, {} actions open",
            prior.objects.len(),
            prior.open.len()
        )
    });
    let lease = session.state.lease().map_err(Failure::State);
    verdict.of("lock", lease, |lease| {
        lease.as_ref().map_or("free".to_owned(), |lease| format!("held by {lease}"))
    });
    Ok(verdict.exit)
}

/// Tells each check and keeps the exit code of the first that fails.
struct Verdict<'a> {
    shell: &'a Shell,
    exit: Exit,
}

impl Verdict<'_> {
    fn say(&self, name: &str, text: &str) {
        self.shell.output.data(&format!("{name:8}  {text}\n"));
    }

    fn of<T>(
        &mut self,
        name: &str,
        result: Result<T, Failure>,
        told: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.say(name, &told(&value));
                Some(value)
            }
            Err(failure) => {
                self.say(name, "failed");
                report::print(&self.shell.output, &failure);
                if self.exit == exit::DONE {
                    self.exit = report::exit_of(&failure);
                }
                None
            }
        }
    }
}
