//! Programs that podform starts, and what they are told of its environment.
//!
//! A program needs the terminal, the home folder and the language. It does not need the key to the account, nor the
//! secrets that stand beside it in every CI job and many a shell: a configuration of `ssh` may send variables to the
//! other side, and a hook of `git` may come with the repository. So what is handed on is listed, not what is kept back.

use std::collections::BTreeMap;
use std::process::Command;

use super::env::Environment;
use crate::model::secret::SecretSource;

/// What a program may see. `LC_*` are others.
const HANDED_ON: [&str; 29] = [
    "COLORTERM",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GPG_TTY",
    "HOME",
    "HOSTNAME",
    "KRB5CCNAME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "NO_COLOR",
    "PATH",
    "SHELL",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "SSH_AUTH_SOCK",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "TERM",
    "TERMINFO",
    "TMPDIR",
    "TZ",
    "USER",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
];

/// Prepares a program with an environment that holds no secret: neither the key nor, whatever it is called, a variable
/// that the spec takes a secret from.
pub fn child(program: &str, env: &Environment, secrets: &BTreeMap<String, SecretSource>) -> Command {
    let is_secret = |name: &str| {
        secrets.values().any(|source| match source {
            SecretSource::Env(variable) => variable == name,
            SecretSource::File(_) => false,
        })
    };
    let is_handed_on = |name: &str| HANDED_ON.contains(&name) || name.starts_with("LC_");
    let mut command = Command::new(program);
    command.env_clear();
    command.envs(env.plain_ones(|name| is_handed_on(name) && !is_secret(name)));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_sees_the_terminal_and_no_secret() {
        let env = Environment::of(&[
            ("PATH", "/usr/bin"),
            ("HOME", "/home/ada"),
            ("LANG", "C.UTF-8"),
            ("LC_TIME", "C"),
            ("LC_TOKEN", "canary"),
            ("RUNPOD_API_KEY", "canary"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
            ("GITHUB_TOKEN", "canary"),
            ("PODFORM_VAR_TOKEN", "canary"),
            ("SSH_AUTH_SOCK", "/run/agent"),
        ]);
        let secrets = BTreeMap::from([
            ("token".to_owned(), SecretSource::Env("LC_TOKEN".to_owned())),
            ("file".to_owned(), SecretSource::File("PATH".to_owned())),
        ]);
        let command = child("ssh", &env, &secrets);
        let handed: Vec<String> = command
            .get_envs()
            .map(|(name, value)| format!("{}={}", name.display(), value.unwrap_or_default().display()))
            .collect();
        assert_eq!(
            handed,
            ["HOME=/home/ada", "LANG=C.UTF-8", "LC_TIME=C", "PATH=/usr/bin", "SSH_AUTH_SOCK=/run/agent"]
        );
    }
}
