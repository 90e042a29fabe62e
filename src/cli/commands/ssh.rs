//! `podform ssh ADDRESS`: opens a shell in a pod, or prints the command that does.
//!
//! Where to go comes from the account. Nothing of it reaches `ssh` but a user, a host and a port of a plain form: a
//! word that begins with a dash would be an option, and options of `ssh` can run programs. It reads options after the
//! host too, so a command for the pod begins with a program.

use std::os::unix::process::CommandExt;

use crate::cli::child::child;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::naming::pod_of;
use crate::cli::running::{self, Way};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::address::Address;
use crate::model::live::LivePod;
use crate::model::text::shell_words;
use crate::provider::Observe;
use crate::state::Store;

/// Open a shell in a pod; without a terminal, print the command that does
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  podform ssh llm\n  podform ssh llm[0] --print\n  podform ssh train -- nvidia-smi"
)]
pub struct Args {
    /// The address of a pod
    #[arg(value_name = "ADDRESS")]
    address: Address,
    /// Print the command and do not run it
    #[arg(long)]
    print: bool,
    /// What to run there in place of a shell
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { address, print, command } = args;
    if let Some(word) = command.first().filter(|word| word.starts_with('-')) {
        return Err(Failure::OptionOfSsh { word: word.clone() });
    }
    let session = Session::of_spec(shell).await?;
    let prior = session.state.load().await?;
    session.tell_in_progress(&prior).await?;
    let pod = pod_of(&session.loaded.desired, &prior, address)?;
    let live = session.account.reader().pod(&pod).await?;
    let live = live.ok_or_else(|| Failure::PodGone { address: address.clone(), pod })?;
    let way = way(address, &live)?;
    if way.is_proxy {
        shell.output.note("this goes through RunPod's proxy, which cannot copy files; `22/tcp` among `ports` opens a direct way");
    }
    let arguments = arguments(&way, command);
    if *print || (command.is_empty() && !shell.env.stdout_is_terminal) {
        shell.output.data(&format!("ssh {}\n", shell_words(&arguments)));
        return Ok(exit::DONE);
    }
    // On success the process is `ssh` from here on, with the terminal and its exit code.
    let source = child("ssh", &shell.env, &session.loaded.desired.secrets).args(&arguments).exec();
    Err(Failure::NoSsh { source })
}

/// Returns what `ssh` is given. After `--` nothing is an option.
fn arguments(way: &Way, command: &[String]) -> Vec<String> {
    let Way { user, host, port, is_proxy } = way;
    let mut arguments = Vec::new();
    // The proxy gives a shell to a terminal only.
    if *is_proxy {
        arguments.push("-tt".to_owned());
    }
    if let Some(port) = port {
        arguments.extend(["-p".to_owned(), port.to_string()]);
    }
    arguments.extend(["--".to_owned(), format!("{user}@{host}")]);
    arguments.extend(command.iter().cloned());
    arguments
}

/// Returns the way into a pod that is up.
fn way(address: &Address, pod: &LivePod) -> Result<Way, Failure> {
    let address = address.clone();
    if !pod.status.is_up() {
        return Err(Failure::PodDown { address, status: pod.status });
    }
    match running::way(pod) {
        Some(Ok(way)) => Ok(way),
        Some(Err(told)) => Err(Failure::OddWay { address, told }),
        None if pod.ports().any(|port| port.number == 22) => Err(Failure::NoWayYet { address }),
        None => Err(Failure::NoPort { address }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_pasted() {
        let words = ["root@192.0.2.7", "echo it's; id"].map(str::to_owned);
        assert_eq!(shell_words(&words), r"root@192.0.2.7 'echo it'\''s; id'");
    }
}
