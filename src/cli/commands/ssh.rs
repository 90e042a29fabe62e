//! `podform ssh ADDRESS`: opens a shell in a pod, or prints the command that does.
//!
//! Where to go comes from the account. Nothing of it reaches `ssh` but a user, a host and a port of a plain form: a
//! word that begins with a dash would be an option, and options of `ssh` can run programs.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::cli::args::SshArgs;
use crate::cli::commands::logs::pod_of;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::running::{SshCommand, ssh_command};
use crate::cli::session::Session;
use crate::model::address::Address;
use crate::model::live::LivePod;
use crate::provider::Observe;
use crate::render::escape::visible;
use crate::render::rows::shell_words;

/// Runs the command.
pub async fn run(shell: &Shell, args: &SshArgs) -> Result<Exit, Failure> {
    let SshArgs { address, print, command } = args;
    let session = Session::of_spec(shell).await?;
    let pod = pod_of(&session, &session.state.read()?, address)?;
    let live = session.account.reader().pod(&pod).await;
    let live = live.map_err(|source| Failure::Provider { what: "the pod", source })?;
    let live = live.ok_or_else(|| Failure::PodGone { address: address.clone(), pod })?;
    let way = way(address, &live)?;
    if way.is_proxy {
        shell.output.note("this goes through RunPod's proxy, which cannot copy files; `22/tcp` among `ports` opens a direct way");
    }
    let arguments = way.arguments(command);
    if *print || (command.is_empty() && !shell.env.stdout_is_terminal) {
        shell.output.data(&format!("ssh {}\n", shell_words(&arguments)));
        return Ok(exit::DONE);
    }
    // On success the process is `ssh` from here on, with the terminal and its exit code.
    let source = Command::new("ssh").args(&arguments).exec();
    Err(Failure::System { doing: "run `ssh`", source })
}

/// A checked way into a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    user: String,
    host: String,
    port: Option<u16>,
    is_proxy: bool,
}

impl Way {
    fn arguments(&self, command: &[String]) -> Vec<String> {
        let Self { user, host, port, is_proxy } = self;
        let mut arguments = Vec::new();
        // The proxy gives a shell to a terminal only.
        if *is_proxy {
            arguments.push("-tt".to_owned());
        }
        if let Some(port) = port {
            arguments.extend(["-p".to_owned(), port.to_string()]);
        }
        arguments.push(format!("{user}@{host}"));
        arguments.extend(command.iter().cloned());
        arguments
    }
}

/// Returns the way into a pod: its public address where there is one, RunPod's proxy otherwise.
fn way(address: &Address, pod: &LivePod) -> Result<Way, Failure> {
    let no_way = |why: String, hint: &'static str| Failure::NoWayIn { address: address.clone(), why, hint };
    if !pod.status.is_up() {
        let why = format!("it is {}", pod.status);
        return Err(no_way(why, "write `state: running` in the spec and run `podform apply`"));
    }
    let Some(SshCommand { text, is_proxy }) = ssh_command(pod) else {
        return Err(if pod.ports.iter().any(|port| port.number == 22) {
            no_way("it has no public address yet".to_owned(), "try again in a moment")
        } else {
            let why = "it has no public port for SSH".to_owned();
            no_way(why, "add `22/tcp` to its `ports` and run `podform apply`")
        });
    };
    read(&text, is_proxy).ok_or_else(|| {
        let why = format!("the account shows a command that is not run: {}", visible(&text));
        no_way(why, "look at the pod in RunPod's console")
    })
}

/// Reads a command such as `ssh root@192.0.2.7 -p 41211 -i ~/.ssh/id_ed25519`; the key file is left to the person.
fn read(told: &str, is_proxy: bool) -> Option<Way> {
    let mut words = told.split_ascii_whitespace();
    if words.next() != Some("ssh") {
        return None;
    }
    let (mut place, mut port) = (None, None);
    while let Some(word) = words.next() {
        match word {
            "-p" if port.is_none() => {
                port = Some(words.next()?.parse::<u16>().ok().filter(|port| *port > 0)?)
            }
            "-i" => drop(words.next()?),
            word if place.is_none() => place = Some(word.split_once('@')?),
            _ => return None,
        }
    }
    let (user, host) = place?;
    let plain = |text: &str, more: &[u8]| {
        let is_part =
            |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte) || more.contains(&byte);
        !text.is_empty() && !text.starts_with('-') && text.len() <= 255 && text.bytes().all(is_part)
    };
    let fits = plain(user, b"") && plain(host, b":");
    fits.then(|| Way { user: user.to_owned(), host: host.to_owned(), port, is_proxy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_commands_are_read() {
        let way = |told| read(told, false).map(|way| way.arguments(&[]).join(" "));
        let cases = [
            ("ssh root@192.0.2.7 -p 41211 -i ~/.ssh/id_ed25519", "-p 41211 root@192.0.2.7"),
            ("ssh -p 22 root@2001:db8::7", "-p 22 root@2001:db8::7"),
            ("ssh abc-64411@ssh.runpod.io", "abc-64411@ssh.runpod.io"),
        ];
        for (told, arguments) in cases {
            assert_eq!(way(told).as_deref(), Some(arguments), "{told}");
        }
    }

    #[test]
    fn whatever_could_be_an_option_or_a_command_is_refused() {
        for told in [
            "",
            "ssh",
            "scp root@192.0.2.7",
            "ssh root",
            "ssh -oProxyCommand=id root@192.0.2.7",
            "ssh root@-oProxyCommand=id",
            "ssh -x@192.0.2.7",
            "ssh root@192.0.2.7;id",
            "ssh root@$(id)",
            "ssh root@192.0.2.7 id",
            "ssh root@192.0.2.7 -p 0",
            "ssh root@192.0.2.7 -p 65536",
            "ssh root@192.0.2.7 -p 22 -p 23",
            "ssh root@192.0.2.7 -p",
            "ssh root@\u{1b}[2J",
        ] {
            assert_eq!(read(told, false), None, "{told}");
        }
    }

    #[test]
    fn what_is_printed_can_be_pasted() {
        let words = ["root@192.0.2.7", "echo it's; id"].map(str::to_owned);
        assert_eq!(shell_words(&words), r"root@192.0.2.7 'echo it'\''s; id'");
    }
}
