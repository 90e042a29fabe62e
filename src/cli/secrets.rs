//! Reads the values of declared secrets into memory, and only there.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::env::Environment;
use super::failure::Failure;
use super::files::read_at_most;
use super::inside::is_spelled_inside;
use crate::model::id::EnvKey;
use crate::model::plan::{OnStuck, Operation, Plan};
use crate::model::pod::EnvValue;
use crate::model::secret::{Secret, SecretName, SecretSource, Secrets};

/// The longest secret; RunPod limits a variable far below.
const LONGEST_SECRET: u64 = 64 * 1024;

/// The secrets of a run: what could be read, and why the rest could not.
#[derive(Debug, Default)]
pub struct ReadSecrets {
    pub values: Secrets,
    /// The declared names without a value, with what is missing, such as ``` `WANDB_API_KEY` is not set ```.
    pub missing: BTreeMap<String, String>,
}

/// Reads all sources that are there.
pub fn read(
    sources: &BTreeMap<String, SecretSource>,
    env: &Environment,
    directory: &Path,
) -> Result<ReadSecrets, Failure> {
    let mut read = ReadSecrets::default();
    for (name, source) in sources {
        let (value, missing) = match source {
            SecretSource::Env(variable) => {
                if let Some(owner) = SecretSource::owner_of(variable) {
                    return Err(Failure::SecretOfOthers {
                        name: name.clone(),
                        variable: variable.clone(),
                        owner,
                    });
                }
                (env.secret(variable).cloned(), format!("`{variable}` is not set"))
            }
            SecretSource::File(path) => {
                (from_file(name, path, directory)?, format!("`{path}` does not exist"))
            }
        };
        match value {
            Some(value) => read.values.insert(SecretName::Declared(name.clone()), value),
            None => drop(read.missing.insert(name.clone(), missing)),
        }
    }
    Ok(read)
}

/// Reads a file below the directory, without the line end that editors add; `None` if there is none.
fn from_file(name: &str, path: &str, directory: &Path) -> Result<Option<Secret<String>>, Failure> {
    let outside = || Failure::SecretOutside { name: name.to_owned(), path: path.to_owned() };
    let unreadable =
        |source| Failure::UnreadableSecret { name: name.to_owned(), path: path.to_owned(), source };
    // By its spelling first: whether a file outside exists is nothing to tell.
    if !is_spelled_inside(Path::new(path)) {
        return Err(outside());
    }
    let real = match directory.join(path).canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    // Then by where links lead.
    let directory = directory.canonicalize().map_err(unreadable)?;
    let Ok(below) = real.strip_prefix(&directory) else { return Err(outside()) };
    if below.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git")) {
        return Err(Failure::SecretOfGit { name: name.to_owned(), path: path.to_owned() });
    }
    let bytes = read_at_most(&real, LONGEST_SECRET).map_err(unreadable)?;
    let not_text = |_| unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"));
    let text = String::from_utf8(bytes).map_err(not_text)?;
    Ok(Some(Secret::new(text.strip_suffix('\n').map_or(text.as_str(), trim_return).to_owned())))
}

fn trim_return(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

/// Returns the names of all secrets that some request of a plan carries.
pub fn sent_by(plan: &Plan) -> BTreeSet<SecretName> {
    let sent = plan.actions.values().flat_map(|action| match &action.operation {
        Operation::CreateSecret { value, .. } | Operation::SetSecret { value, .. } => {
            BTreeSet::from([value.clone()])
        }
        Operation::CreateRegistry { credentials, .. } => credentials.secrets().cloned().collect(),
        Operation::CreatePod(creation) => names(&creation.container.env),
        Operation::StartPod { on_stuck: OnStuck::Replace(creation), .. } => names(&creation.container.env),
        Operation::UpdatePod { patch, .. } => {
            patch.env.as_ref().map(|env| names(&env.declared)).unwrap_or_default()
        }
        Operation::StartPod { on_stuck: OnStuck::Fail | OnStuck::Wait(_), .. }
        | Operation::Local
        | Operation::DeleteSecret { .. }
        | Operation::DeleteRegistries { .. }
        | Operation::CreateVolume { .. }
        | Operation::GrowVolume { .. }
        | Operation::DeleteVolume { .. }
        | Operation::StopPod { .. }
        | Operation::DeletePods { .. }
        | Operation::AwaitPod { .. }
        | Operation::AwaitJob { .. } => BTreeSet::new(),
    });
    sent.collect()
}

fn names(env: &BTreeMap<EnvKey, EnvValue>) -> BTreeSet<SecretName> {
    let named = env.values().filter_map(|value| match value {
        EnvValue::Secret(name) => Some(name.clone()),
        EnvValue::Plain(_) => None,
    });
    named.collect()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files to read")]
mod tests {
    use super::*;

    fn read_one(source: SecretSource, directory: &Path) -> Result<(Option<String>, Option<String>), String> {
        let env = Environment::of(&[("TOKEN", "from-env"), ("RUNPOD_API_KEY", "rpa_x")]);
        let sources = BTreeMap::from([("it".to_owned(), source)]);
        let mut read = read(&sources, &env, directory).map_err(|error| error.to_string())?;
        let value = read.values.get(&SecretName::Declared("it".into())).map(|value| value.expose().clone());
        Ok((value, read.missing.remove("it")))
    }

    #[test]
    fn values_come_from_the_environment_and_from_files_below() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("key"), "from-file\n").unwrap();
        let env = |name: &str| read_one(SecretSource::Env(name.into()), directory.path());
        let file = |name: &str| read_one(SecretSource::File(name.into()), directory.path());
        assert_eq!(env("TOKEN"), Ok((Some("from-env".into()), None)));
        assert_eq!(env("OTHER"), Ok((None, Some("`OTHER` is not set".into()))));
        assert_eq!(file("key"), Ok((Some("from-file".into()), None)));
        assert_eq!(file("none"), Ok((None, Some("`none` does not exist".into()))));
    }

    #[test]
    fn nothing_outside_the_directory_is_read() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("work");
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(parent.path().join("key"), "stolen").unwrap();
        std::os::unix::fs::symlink("../key", directory.join("link")).unwrap();
        for path in ["../key", "/etc/hostname", "link", "a/../../key"] {
            let refused = format!("secret `it` names `{path}`, which is outside the working directory");
            assert_eq!(read_one(SecretSource::File(path.into()), &directory), Err(refused));
        }
    }

    #[test]
    fn what_the_job_works_with_is_no_secret_of_a_pod() {
        for (variable, owner) in [
            ("RUNPOD_API_KEY", "the account"),
            ("GITHUB_TOKEN", "GitHub's runner"),
            ("GH_TOKEN", "GitHub's command line"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GitHub's runner"),
            ("INPUT_GITHUB-TOKEN", "GitHub's runner"),
            ("CI_JOB_TOKEN", "GitLab's runner"),
            ("SYSTEM_ACCESSTOKEN", "Azure's agent"),
            ("PODFORM_VAR_X", "podform"),
        ] {
            let refused = format!("secret `it` would hand `{variable}` to a pod, which belongs to {owner}");
            assert_eq!(read_one(SecretSource::Env(variable.into()), Path::new(".")), Err(refused));
        }
    }

    #[test]
    fn what_git_keeps_is_no_secret_of_a_pod() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join(".git")).unwrap();
        std::fs::write(directory.path().join(".git/config"), "token").unwrap();
        std::os::unix::fs::symlink(".git/config", directory.path().join("link")).unwrap();
        for path in [".git/config", "link", "./.git/config"] {
            let refused = format!("secret `it` names `{path}`, which is in the folder of git");
            assert_eq!(read_one(SecretSource::File(path.into()), directory.path()), Err(refused));
        }
    }
}
