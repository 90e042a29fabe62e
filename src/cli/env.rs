//! The process environment, read once and handed down, so that nothing else depends on it.
#![expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

use super::names;
use crate::model::secret::Secret;
use crate::state::Source;
use crate::state::lease::Holder;

/// The prefix of variables that set a variable of the spec.
const SPEC_VARIABLE_PREFIX: &str = "PODFORM_VAR_";

/// What the process was started with.
///
/// Any variable can hold a secret, so all values are kept as secrets and only named ones are taken out.
#[derive(Debug)]
pub struct Environment {
    variables: BTreeMap<String, Secret<String>>,
    /// Whether a person reads standard output.
    pub stdout_is_terminal: bool,
    /// Whether a person reads standard error.
    pub stderr_is_terminal: bool,
    /// Whether a person can answer a question.
    pub stdin_is_terminal: bool,
}

impl Environment {
    /// Reads the real environment. Variables that are not UTF-8 are left out: no setting of ours can be in them.
    pub fn from_process() -> Self {
        let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, Secret::new(value.into_string().ok()?)))
        };
        Self {
            variables: std::env::vars_os().filter_map(readable).collect(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
        }
    }

    /// Returns an environment with these variables and without a terminal.
    #[cfg(test)]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new((*value).to_owned()));
        Self {
            variables: variables.iter().map(owned).collect(),
            stdout_is_terminal: false,
            stderr_is_terminal: false,
            stdin_is_terminal: false,
        }
    }

    /// Returns the value of a variable for use as a secret; an empty one counts as not set.
    pub fn secret(&self, name: &str) -> Option<&Secret<String>> {
        self.variables.get(name).filter(|value| !value.expose().is_empty())
    }

    /// Returns the variables of these names, for a program that may see them.
    pub fn plain_ones(&self, is_plain: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &str)> {
        let named = self.variables.iter().filter(move |(name, _)| is_plain(name));
        named.map(|(name, value)| (name.as_str(), value.expose().as_str()))
    }

    /// Returns the RunPod API key.
    pub fn api_key(&self) -> Option<&Secret<String>> {
        self.secret("RUNPOD_API_KEY")
    }

    /// Returns the origin that all three APIs are taken from, where it is set.
    pub fn api_base_url(&self) -> Option<&str> {
        self.plain("RUNPOD_API_BASE_URL")
    }

    /// Returns where the state lies, where it is set.
    pub fn state(&self) -> Option<&str> {
        self.plain("PODFORM_STATE")
    }

    /// Returns the folder for what can be made again; a relative one is nobody's, as the specification of it says.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let named = self.plain("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        named.or_else(|| Some(PathBuf::from(self.plain("HOME")?).join(".cache")))
    }

    /// Tells whether colours are refused, whatever the terminal can do.
    pub fn no_color(&self) -> bool {
        self.plain("NO_COLOR").is_some() || self.plain("TERM") == Some("dumb")
    }

    /// Returns the variables of the spec that `PODFORM_VAR_NAME` sets, an empty value included.
    pub fn spec_variables(&self) -> BTreeMap<String, String> {
        let named = |(name, value): (&String, &Secret<String>)| {
            let variable = name.strip_prefix(SPEC_VARIABLE_PREFIX).filter(|rest| !rest.is_empty())?;
            Some((variable.to_owned(), value.expose().clone()))
        };
        self.variables.iter().filter_map(named).collect()
    }

    /// Returns who runs this, for the journal: `ada@lab`.
    pub fn who(&self) -> String {
        format!("{}@{}", self.user(), self.host())
    }

    /// Returns what continuous integration says that it runs for; nothing outside of it, where a variable of that
    /// name is a leftover.
    pub fn source(&self) -> Source {
        let owned = |name: &str| self.plain(name).map(str::to_owned);
        match self.pipeline() {
            Some(Pipeline::Github) => Source {
                commit: owned("GITHUB_SHA"),
                pull_request: self.plain("GITHUB_REF").and_then(pull_request_of).map(str::to_owned),
                url: self.github_url(),
            },
            Some(Pipeline::Gitlab) => Source {
                commit: owned("CI_COMMIT_SHA"),
                pull_request: owned("CI_MERGE_REQUEST_IID"),
                url: owned("CI_JOB_URL"),
            },
            None => Source::default(),
        }
    }

    /// Returns who answers for a run: whom continuous integration names, or who runs it.
    pub fn responsible(&self) -> String {
        self.pipeline_user().unwrap_or_else(|| self.who())
    }

    /// Returns whom continuous integration names.
    fn pipeline_user(&self) -> Option<String> {
        let named = match self.pipeline()? {
            Pipeline::Github => self.plain("GITHUB_TRIGGERING_ACTOR").or_else(|| self.plain("GITHUB_ACTOR")),
            Pipeline::Gitlab => self.plain("GITLAB_USER_LOGIN"),
        };
        named.map(str::to_owned)
    }

    /// Returns where programs are looked for.
    pub fn path(&self) -> Option<&str> {
        self.plain("PATH")
    }

    fn pipeline(&self) -> Option<Pipeline> {
        let is_set = |name| self.plain(name) == Some("true");
        if is_set("GITHUB_ACTIONS") {
            Some(Pipeline::Github)
        } else {
            is_set("GITLAB_CI").then_some(Pipeline::Gitlab)
        }
    }

    fn github_url(&self) -> Option<String> {
        let [server, repository, run] =
            ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"].map(|name| self.plain(name));
        Some(format!("{}/{}/actions/runs/{}", server?, repository?, run?))
    }

    /// Returns who takes the lock for a command.
    pub fn holder(&self, command: &str) -> Holder {
        Holder {
            id: names::random(),
            user: self.user(),
            host: self.host(),
            pid: std::process::id(),
            command: command.to_owned(),
            url: self.source().url,
        }
    }

    /// Returns who runs this: whom continuous integration names, the user, or at least the number that the system has
    /// for the user.
    fn user(&self) -> String {
        if let Some(named) = self.pipeline_user() {
            return named;
        }
        self.plain("USER")
            .or_else(|| self.plain("LOGNAME"))
            .map_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()), str::to_owned)
    }

    fn host(&self) -> String {
        self.plain("HOSTNAME").map(str::to_owned).or_else(host_name).unwrap_or_else(|| "unknown".to_owned())
    }

    fn plain(&self, name: &str) -> Option<&str> {
        self.secret(name).map(|value| value.expose().as_str())
    }
}

/// Which continuous integration runs this.
enum Pipeline {
    Github,
    Gitlab,
}

/// Returns the number of a pull request from the name of its branch on GitHub.
fn pull_request_of(reference: &str) -> Option<&str> {
    reference.strip_prefix("refs/pull/")?.split('/').next().filter(|number| !number.is_empty())
}

/// Returns the name that this host gives itself; shells do not export `HOSTNAME`.
fn host_name() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.to_owned();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_taken_by_name_and_empty_ones_count_as_not_set() {
        let env = Environment::of(&[
            ("RUNPOD_API_KEY", ""),
            ("PODFORM_STATE", "x.db"),
            ("PODFORM_VAR_TAG", "v2"),
            ("PODFORM_VAR_EMPTY", ""),
            ("PODFORM_VAR_", "nothing"),
        ]);
        assert_eq!(env.api_key(), None);
        assert_eq!(env.state(), Some("x.db"));
        let variables = [("EMPTY".to_owned(), String::new()), ("TAG".to_owned(), "v2".to_owned())];
        assert_eq!(env.spec_variables(), BTreeMap::from(variables));
    }

    #[test]
    fn only_continuous_integration_tells_what_it_runs_for() {
        let github = [
            ("GITHUB_SHA", "0123"),
            ("GITHUB_REF", "refs/pull/12/merge"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/pods"),
            ("GITHUB_RUN_ID", "77"),
            ("GITHUB_ACTOR", "ada"),
            ("USER", "runner"),
            ("HOSTNAME", "lab"),
        ];
        let outside = Environment::of(&github);
        assert_eq!((outside.source(), outside.responsible()), (Source::default(), "runner@lab".to_owned()));
        let inside = Environment::of(&[&github[..], &[("GITHUB_ACTIONS", "true")]].concat());
        let source = Source {
            commit: Some("0123".to_owned()),
            pull_request: Some("12".to_owned()),
            url: Some("https://github.com/acme/pods/actions/runs/77".to_owned()),
        };
        assert_eq!((inside.source(), inside.responsible()), (source, "ada".to_owned()));
        let gitlab = Environment::of(&[
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_SHA", "4567"),
            ("CI_MERGE_REQUEST_IID", "8"),
            ("CI_JOB_URL", "https://gitlab.example/1"),
            ("GITLAB_USER_LOGIN", "eve"),
        ]);
        let source = Source {
            commit: Some("4567".to_owned()),
            pull_request: Some("8".to_owned()),
            url: Some("https://gitlab.example/1".to_owned()),
        };
        assert_eq!((gitlab.source(), gitlab.responsible()), (source, "eve".to_owned()));
    }

    #[test]
    fn the_environment_does_not_print_its_values() {
        let env = Environment::of(&[("RUNPOD_API_KEY", "rpa_VERYSECRET")]);
        assert!(!format!("{env:?}").contains("VERYSECRET"));
    }
}
