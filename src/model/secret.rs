//! Secrets: values that must reach RunPod and nothing else.

use std::collections::BTreeMap;
use std::fmt;

use super::address::Address;
use super::id::EnvKey;

/// A value that prints as `(secret)`, compares, and does not serialise.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides the value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Shows the value, for the request that carries it and for comparing it in memory.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Names a secret value; a plan, a state and a log hold only this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretName {
    /// A key under `secrets:`.
    Declared(String),
    /// A literal in a pod's `env:` that looks like a secret.
    Literal {
        /// The pod whose `env:` holds it.
        address: Address,
        /// The variable that it is given to.
        key: EnvKey,
    },
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared(name) => name.fmt(f),
            Self::Literal { address, key } => write!(f, "{address}.env.{key}"),
        }
    }
}

/// How RunPod calls a secret of the account in an environment, before its name.
const REFERENCE: &str = "RUNPOD_SECRET_";

/// The longest name of a secret of the account.
const LONGEST_NAME: usize = 191;

/// Returns what RunPod puts the value of a secret of the account in the place of when a pod boots.
pub fn reference_to(name: &str) -> String {
    format!("{{{{ {REFERENCE}{name} }}}}")
}

/// Returns the names of the secrets of the account that the value of a variable refers to, wherever they stand in it.
pub fn references(value: &str) -> impl Iterator<Item = &str> {
    pieces(value).filter_map(|(_, reference)| reference.map(|(name, _)| name))
}

/// Returns a value without the references to secrets of the account in it, if there are any.
pub fn without_references(value: &str) -> Option<String> {
    references(value).next()?;
    let mut rest = value.split("{{").next().unwrap_or_default().to_owned();
    for (piece, reference) in pieces(value) {
        match reference {
            Some((_, after)) => rest.push_str(after),
            None => rest.extend(["{{", piece]),
        }
    }
    Some(rest)
}

/// Cuts a value where a reference may begin: what follows each `{{`, and where it is a reference, its name and what stands
/// behind it.
fn pieces(value: &str) -> impl Iterator<Item = (&str, Option<(&str, &str)>)> {
    value.split("{{").skip(1).map(|piece| {
        let reference = piece.split_once("}}").and_then(|(inner, after)| {
            let name = inner.trim().strip_prefix(REFERENCE).filter(|name| may_be_in_account(name))?;
            Some((name, after))
        });
        (piece, reference)
    })
}

/// Tells whether RunPod takes a name for a secret of the account.
pub fn may_be_in_account(name: &str) -> bool {
    let begins = |first: u8| first.is_ascii_alphabetic() || first == b'_';
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte);
    name.bytes().next().is_some_and(begins)
        && name.bytes().all(goes_on)
        && name.len() <= LONGEST_NAME
        && !name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("RUNPOD"))
}

/// Where the value of a declared secret is read from by the shell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretSource {
    /// This variable of the environment.
    Env(String),
    /// This file, relative to the working directory.
    File(String),
}

/// Variables that a CI system or podform itself sets, by how they begin, and whose they are. What a spec could have sent to a
/// pod must not be what the job that plans it works with: whoever writes the spec need not be whom the job trusts.
const OF_OTHERS: &[(&str, &str)] = &[
    ("GITHUB_", "GitHub's runner"),
    ("ACTIONS_", "GitHub's runner"),
    ("RUNNER_", "GitHub's runner"),
    ("INPUT_", "GitHub's runner"),
    ("STATE_", "GitHub's runner"),
    ("GH_TOKEN", "GitHub's command line"),
    ("GH_ENTERPRISE_TOKEN", "GitHub's command line"),
    ("CI_", "GitLab's runner"),
    ("GITLAB_CI", "GitLab's runner"),
    ("SYSTEM_", "Azure's agent"),
    ("BITBUCKET_", "Bitbucket's runner"),
    ("CIRCLE_", "CircleCI's runner"),
    ("BUILDKITE_", "Buildkite's agent"),
    ("GITEA_", "Gitea's runner"),
    ("FORGEJO_", "Forgejo's runner"),
    ("PODFORM_", "podform"),
];

impl SecretSource {
    /// Returns whose a variable is that is never read for a pod: the key to the account, and what belongs to the job that
    /// runs podform. `None` for any other.
    pub fn owner_of(variable: &str) -> Option<&'static str> {
        if variable == "RUNPOD_API_KEY" {
            return Some("the account");
        }
        OF_OTHERS.iter().find(|(start, _)| variable.starts_with(start)).map(|(_, owner)| *owner)
    }
}

/// The secret values that could be read in this run. A missing name means: not available, so not compared.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeMap<SecretName, Secret<String>>);

impl Secrets {
    /// Adds a value.
    pub fn insert(&mut self, name: SecretName, value: Secret<String>) {
        self.0.insert(name, value);
    }

    /// Returns the value, or `None` where it is not available.
    pub fn get(&self, name: &SecretName) -> Option<&Secret<String>> {
        self.0.get(name)
    }

    /// Returns all values.
    pub fn values(&self) -> impl Iterator<Item = &Secret<String>> {
        self.0.values()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds all values of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_wherever_they_stand_and_nothing_else_is_one() {
        for name in ["hf_token", "a", "team/hf.token-2"] {
            assert_eq!(references(&reference_to(name)).collect::<Vec<_>>(), [name]);
        }
        let table: [(&str, &[&str], Option<&str>); 10] = [
            ("", &[], None),
            (" {{RUNPOD_SECRET_hf }} ", &["hf"], Some("  ")),
            ("Bearer {{ RUNPOD_SECRET_hf }}", &["hf"], Some("Bearer ")),
            ("{{ RUNPOD_SECRET_a }} and {{ RUNPOD_SECRET_b }}", &["a", "b"], Some(" and ")),
            ("{{ {{ RUNPOD_SECRET_a }} }}", &["a"], Some("{{  }}")),
            ("{{ hf }}", &[], None),
            ("{{ RUNPOD_SECRET_hf", &[], None),
            ("{{ runpod_secret_hf }}", &[], None),
            ("{{ RUNPOD_SECRET_ }}", &[], None),
            ("{{ RUNPOD_SECRET_my password }}", &[], None),
        ];
        for (text, names, rest) in table {
            assert_eq!(references(text).collect::<Vec<_>>(), names, "{text}");
            assert_eq!(without_references(text).as_deref(), rest, "{text}");
        }
    }

    #[test]
    fn the_account_takes_the_names_that_the_contract_has() {
        let longest = "a".repeat(LONGEST_NAME);
        for name in ["a", "_", "hf_token", "Team/hf.token-2", &longest] {
            assert!(may_be_in_account(name), "{name}");
        }
        let too_long = "a".repeat(LONGEST_NAME + 1);
        for name in ["", "1a", "-a", "a b", "a{b", "ä", "RUNPOD_x", "runpod", "RunPod.key", &too_long] {
            assert!(!may_be_in_account(name), "{name}");
        }
    }
}
