//! Whether the commit of a run comes after the one that was applied last.
//!
//! An approval is for the spec of a commit. The job of an older one can be started again at any time, and its digest
//! can fit again: what a later commit removed would be made once more. So in continuous integration a run is for the
//! commit that was applied last or a descendant of it. Being the tip is not required, as runs wait for each other.

use std::io;
use std::process::{Command, Output};

use super::failure::Failure;
use crate::model::commit::CommitId;

/// Makes sure that a commit is the one that was applied last, or comes after it.
pub fn ensure_later(last: Option<&str>, now: &CommitId, path: Option<&str>) -> Result<(), Failure> {
    let Some(last) = last else { return Ok(()) };
    // The state is a file, and what it says becomes an argument.
    let Ok(last) = last.parse::<CommitId>() else {
        let why = "the state does not name it by its full id".to_owned();
        return Err(Failure::UnknownCommit { now: now.clone(), why });
    };
    if last == *now {
        return Ok(());
    }
    match relation(&ask(&last, now, path)) {
        Relation::Later => Ok(()),
        Relation::NotLater => Err(Failure::EarlierCommit { last, now: now.clone() }),
        Relation::Unknown(why) => Err(Failure::UnknownCommit { now: now.clone(), why }),
    }
}

/// What git says about two commits.
#[derive(Debug, PartialEq, Eq)]
enum Relation {
    Later,
    NotLater,
    Unknown(String),
}

/// Asks git in the working directory.
///
/// It gets nothing of the environment but where programs are: a key has no business there, and settings of this user,
/// replaced commits and a download on demand could change the answer. The folder may belong to another user, as in a
/// container; this question runs nothing that the folder's own settings name.
fn ask(last: &CommitId, now: &CommitId, path: Option<&str>) -> io::Result<Output> {
    let mut git = Command::new("git");
    git.env_clear()
        .envs(path.map(|path| ("PATH", path)))
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .args(["-c", "safe.directory=*", "merge-base", "--is-ancestor", "--"])
        .args([last.as_str(), now.as_str()])
        .stdin(std::process::Stdio::null());
    git.output()
}

/// Reads git's answer: 0 for yes, 1 for no, anything else for a question that it could not answer.
fn relation(answer: &io::Result<Output>) -> Relation {
    let output = match answer {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Relation::Unknown("git is not installed".to_owned());
        }
        Err(error) => return Relation::Unknown(format!("git cannot be run: {error}")),
    };
    match output.status.code() {
        Some(0) => Relation::Later,
        Some(1) => Relation::NotLater,
        Some(_) | None => {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().next().unwrap_or("it says nothing").trim_end();
            Relation::Unknown(format!("git: {first}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn answered(code: i32, stderr: &str) -> io::Result<Output> {
        Ok(Output { status: ExitStatus::from_raw(code << 8), stdout: Vec::new(), stderr: stderr.into() })
    }

    #[test]
    fn only_a_clear_answer_of_git_is_one() {
        assert_eq!(relation(&answered(0, "")), Relation::Later);
        assert_eq!(relation(&answered(1, "")), Relation::NotLater);
        let unknown = |why: &str| Relation::Unknown(why.to_owned());
        let missing = "fatal: Not a valid commit name 0123\nmore";
        assert_eq!(relation(&answered(128, missing)), unknown("git: fatal: Not a valid commit name 0123"));
        assert_eq!(relation(&answered(2, "")), unknown("git: it says nothing"));
        let no_git = Err(io::Error::from(io::ErrorKind::NotFound));
        assert_eq!(relation(&no_git), unknown("git is not installed"));
    }

    #[test]
    fn the_first_commit_and_the_same_one_need_no_git() {
        let now: CommitId = "a".repeat(40).parse().unwrap();
        assert!(ensure_later(None, &now, None).is_ok());
        assert!(ensure_later(Some(now.as_str()), &now, None).is_ok());
        let odd = ensure_later(Some("--exec=x"), &now, None).unwrap_err().to_string();
        assert!(odd.contains("does not name it by its full id"), "{odd}");
    }
}
