//! What continuous integration may apply, and what the journal keeps of it. Plays in a repository of git.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A folder with a repository and a spec on the simulator.
struct Repository(tempfile::TempDir);

/// What a command printed to standard error, and its exit code.
#[derive(Debug, PartialEq, Eq)]
struct Ended(String, i32);

fn done() -> Ended {
    Ended(String::new(), 0)
}

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    fn run(&self, command: &mut Command) -> Output {
        command.current_dir(self.0.path()).env_clear().env("PATH", std::env::var("PATH").unwrap());
        command.output().unwrap()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let names = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
        let ended = self.run(Command::new("git").args(names).args(arguments));
        assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8(ended.stdout).unwrap().trim().to_owned()
    }

    /// Commits a spec with these pods and returns the commit.
    fn commit(&self, pods: &[&str]) -> String {
        let mut spec = "version: 1\nproject: acme\nprovider: { kind: simulator }\npods:\n".to_owned();
        for pod in pods {
            spec.push_str(&format!(
                "  {pod}: {{ image: \"nginx:1.29\", cpu: {{ flavors: [cpu3c], vcpus: 2 }} }}\n"
            ));
        }
        fs::write(self.0.path().join("pods.yaml"), spec).unwrap();
        self.git(&["add", "pods.yaml"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "spec"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Checks a commit out and applies it as the job of a pipeline does.
    fn apply(&self, commit: &str, more: &[&str]) -> Ended {
        if self.git(&["cat-file", "--batch-check", "--batch-all-objects"]).contains(commit) {
            self.git(&["checkout", "-q", commit]);
        }
        self.podform(commit, &[&["apply", "-q", "--parallelism", "1"], more].concat())
    }

    fn podform(&self, commit: &str, arguments: &[&str]) -> Ended {
        let mut command = Command::new(crate::stage::PODFORM);
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .envs([("GITHUB_ACTIONS", "true"), ("GITHUB_SHA", commit), ("GITHUB_ACTOR", "ada")])
            .envs([("GITHUB_SERVER_URL", "https://github.com"), ("GITHUB_REPOSITORY", "acme/pods")])
            .env("GITHUB_RUN_ID", "77")
            .args(arguments);
        let ended = command.output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        // What an apply says while it goes on is of no interest.
        let errors = said.lines().skip_while(|line| !line.starts_with("error")).collect::<Vec<_>>();
        Ended(errors.join("\n"), ended.status.code().unwrap())
    }

    fn digest(&self, commit: &str) -> String {
        self.git(&["checkout", "-q", commit]);
        let ended = self.run(Command::new(crate::stage::PODFORM).args(["plan", "--format", "outputs"]));
        let text = String::from_utf8(ended.stdout).unwrap();
        text.lines().find_map(|line| line.strip_prefix("digest=")).unwrap().to_owned()
    }

    fn history(&self) -> Vec<Value> {
        let ended = self.run(Command::new(crate::stage::PODFORM).args(["state", "history", "--json"]));
        let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
        document["runs"].as_array().unwrap().clone()
    }
}

/// An earlier commit, refused.
fn earlier(now: &str, last: &str) -> Ended {
    let (now, last) = (&now[..12], &last[..12]);
    let error = format!(
        "error: the commit {now} does not come after {last}, which was applied last; nothing was done\n\
         hint: what was approved for an older commit may undo what came later; `--accept-commit` applies it all the \
         same, once"
    );
    Ended(error, 6)
}

#[test]
fn an_approval_of_an_older_commit_is_not_used_again() {
    let repository = Repository::new();
    let base = repository.commit(&["a"]);
    let added = repository.commit(&["a", "b"]);
    let removed = repository.commit(&["a"]);
    assert_eq!(repository.apply(&base, &["--auto-approve"]), done());
    let approved = repository.digest(&added);
    assert_eq!(repository.apply(&added, &["--approved", &approved]), done());
    assert_eq!(repository.apply(&removed, &["--auto-approve"]), done());
    // The job of the pull request that added the pod is started again; its digest fits as it did.
    assert_eq!(repository.digest(&added), approved);
    assert_eq!(repository.apply(&added, &["--approved", &approved]), earlier(&added, &removed));
    assert_eq!(repository.apply(&added, &["--auto-approve"]), earlier(&added, &removed));
    // Where there is nothing to do, nothing is refused.
    assert_eq!(repository.apply(&base, &["--auto-approve"]), done());
    // Whoever wants it says so, and from then on that commit counts.
    assert_eq!(repository.apply(&added, &["--auto-approve", "--accept-commit"]), done());
    assert_eq!(repository.apply(&removed, &["--auto-approve"]), done());
}

#[test]
fn a_commit_counts_if_it_comes_after_the_last_one_whatever_is_the_tip() {
    let repository = Repository::new();
    let base = repository.commit(&["a"]);
    let first = repository.commit(&["a", "b"]);
    let _tip = repository.commit(&["a", "b", "c"]);
    assert_eq!(repository.apply(&base, &["--auto-approve"]), done());
    assert_eq!(repository.apply(&first, &["--auto-approve"]), done());
    // A branch beside it does not come after it.
    repository.git(&["checkout", "-q", "-b", "aside", &base]);
    let aside = repository.commit(&["a", "d"]);
    assert_eq!(repository.apply(&aside, &["--auto-approve"]), earlier(&aside, &first));
    // A person is not held to commits.
    let ended = repository.run(Command::new(crate::stage::PODFORM).args(["apply", "-q", "--auto-approve"]));
    assert_eq!(ended.status.code(), Some(0));
}

#[test]
fn a_commit_that_git_does_not_know_is_refused() {
    let repository = Repository::new();
    let base = repository.commit(&["a"]);
    assert_eq!(repository.apply(&base, &["--auto-approve"]), done());
    repository.commit(&["a", "b"]);
    let unknown = "0123456789abcdef0123456789abcdef01234567";
    let Ended(said, code) = repository.apply(unknown, &["--auto-approve"]);
    assert_eq!(code, 6);
    assert!(
        said.starts_with("error: it cannot be told whether the commit 0123456789ab comes after"),
        "{said}"
    );
    assert!(said.contains("`fetch-depth: 0`"), "{said}");
    // What is no id at all never reaches git.
    assert_eq!(
        repository.podform("--help", &["apply", "-q", "--auto-approve"]),
        Ended(
            "error: continuous integration says that it runs for the commit `--help`, which is none\n  \
             because a commit is named by all its 40 or 64 hexadecimal digits\n\
             hint: `GITHUB_SHA` or `CI_COMMIT_SHA` holds the full id of a commit"
                .to_owned(),
            3
        )
    );
}

#[test]
fn a_replaced_commit_changes_no_descent() {
    let repository = Repository::new();
    let base = repository.commit(&["a"]);
    let later = repository.commit(&["a", "b"]);
    repository.git(&["checkout", "-q", "--orphan", "other"]);
    let other = repository.commit(&["a", "c"]);
    assert_eq!(repository.apply(&base, &["--auto-approve"]), done());
    assert_eq!(repository.apply(&later, &["--auto-approve"]), done());
    // To git as people use it, the unrelated commit comes after the one that was applied.
    repository.git(&["replace", "--graft", &other, &later]);
    repository.git(&["merge-base", "--is-ancestor", &later, &other]);
    assert_eq!(repository.apply(&other, &["--auto-approve"]), earlier(&other, &later));
}

#[test]
fn the_history_tells_who_approved_and_for_which_commit() {
    let repository = Repository::new();
    let base = repository.commit(&["a"]);
    let approved = repository.digest(&base);
    assert_eq!(repository.apply(&base, &["--approved", &approved]), done());
    let runs = repository.history();
    let expected = json!({
        "how": "digest",
        "by": "ada",
        "commit": base,
        "pull_request": null,
        "run_url": "https://github.com/acme/pods/actions/runs/77",
    });
    assert_eq!(runs.iter().map(|run| &run["approved"]).collect::<Vec<_>>(), [&expected]);
    let id = runs[0]["id"].as_str().unwrap();
    let shown = repository.run(Command::new(crate::stage::PODFORM).args(["state", "history", id]));
    let shown = String::from_utf8(shown.stdout).unwrap();
    let head = format!(
        "approved by its digest, by ada\ncommit {base}\nrun https://github.com/acme/pods/actions/runs/77\n"
    );
    assert!(shown.starts_with(&head), "{shown}");
}
