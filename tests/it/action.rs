//! The GitHub Action's shell against a stub of the GitHub API, with the real binary and its simulator.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

use crate::stage::Begun;

const TOKEN: &str = "ghs_canaryToken4417";
const BOT: &str = "github-actions[bot]";
const HEAD: &str = "1111111111111111111111111111111111111111";
const MERGE: &str = "2222222222222222222222222222222222222222";
/// The run of the plan's workflow.
const RUN: &str = "42";
const RUNS: &str = "https://github.example/acme/pods/actions/runs/";

const SPEC: &str = "\
version: 1
project: shipped
provider: { kind: simulator }
pods:
  llm:
    image: vllm/vllm-openai:v0.19.1
    gpu: RTX 4090
";

/// What GitHub knows.
#[derive(Debug, Default)]
struct GitHub {
    comments: Vec<Value>,
    statuses: Vec<Value>,
    /// `METHOD path` of every request.
    asked: Vec<String>,
    /// Answers that the token may not comment.
    silent: bool,
    /// What is attached to the run of the plan.
    artifacts: Vec<String>,
    /// The run of the plan, where it is not as it should be.
    run: Option<Value>,
    /// The files that the pull request changes.
    files: Vec<String>,
    /// The branch that the pull request was merged into.
    base: Option<String>,
    /// The commit that main ends with, where it is not the merge.
    tip: Option<Value>,
}

type Shared = Arc<Mutex<GitHub>>;

/// Answers as GitHub does for the one repository `acme/pods` with its pull request 7.
async fn answer(
    State(github): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let mut github = github.lock().unwrap();
    let path = uri.path().strip_prefix("/repos/acme/pods/").unwrap_or_default().to_owned();
    github.asked.push(format!("{method} {path}"));
    if headers
        .get("authorization")
        .is_none_or(|value| value.as_bytes() != format!("Bearer {TOKEN}").as_bytes())
    {
        return (StatusCode::UNAUTHORIZED, "{}".to_owned());
    }
    let sent: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let answer = match (method.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
        ("GET", ["issues", "7", "comments"]) => page(&github.comments, uri.query().unwrap_or_default()),
        ("POST" | "PATCH", ["issues", ..]) if github.silent => {
            return (
                StatusCode::FORBIDDEN,
                r#"{"message":"Resource not accessible by integration"}"#.to_owned(),
            );
        }
        ("POST", ["issues", "7", "comments"]) => {
            let id = github.comments.len() + 1;
            let comment = json!({ "id": id, "body": sent["body"], "user": { "login": BOT } });
            github.comments.push(comment.clone());
            comment
        }
        ("PATCH", ["issues", "comments", id]) => {
            let number: usize = id.parse().unwrap();
            github.comments[number - 1]["body"] = sent["body"].clone();
            json!({})
        }
        ("POST", ["statuses", HEAD]) => {
            let mut status = sent;
            status["creator"] = json!({ "login": BOT });
            github.statuses.insert(0, status.clone());
            status
        }
        ("GET", ["commits", HEAD, "statuses"]) => page(&github.statuses, uri.query().unwrap_or_default()),
        ("GET", ["commits", MERGE, "pulls"]) => {
            let base = json!({ "ref": github.base.as_deref().unwrap_or("main") });
            json!([
                { "number": 6, "merged_at": null, "merge_commit_sha": MERGE, "head": { "sha": "0".repeat(40) }, "base": base },
                { "number": 7, "merged_at": "2026-11-21T12:00:00Z", "merge_commit_sha": MERGE, "head": { "sha": HEAD }, "base": base },
            ])
        }
        ("GET", ["actions", "runs", RUN]) => github.run.clone().unwrap_or_else(genuine_run),
        ("GET", ["actions", "runs", RUN, "artifacts"]) => {
            let artifacts: Vec<Value> = github.artifacts.iter().map(|name| json!({ "name": name })).collect();
            json!({ "total_count": artifacts.len(), "artifacts": artifacts })
        }
        ("GET", ["pulls", "7", "files"]) => {
            let files: Vec<Value> = github.files.iter().map(|name| json!({ "filename": name })).collect();
            page(&files, uri.query().unwrap_or_default())
        }
        ("GET", ["commits", _, "pulls" | "statuses"]) => json!([]),
        ("GET", ["git", "ref", "heads", "main"]) => github.tip.clone().unwrap_or_else(|| tip_of_main(MERGE)),
        _ => return (StatusCode::NOT_FOUND, "{}".to_owned()),
    };
    (StatusCode::OK, answer.to_string())
}

/// Returns a run of the plan's workflow for the head of the pull request.
fn genuine_run() -> Value {
    json!({
        "head_sha": HEAD,
        "event": "pull_request",
        "path": ".github/workflows/podform-plan.yml",
        "head_repository": { "full_name": "acme/pods" },
        "pull_requests": [{ "number": 7, "base": { "ref": "main" } }],
    })
}

/// Returns what GitHub says of the branch main.
fn tip_of_main(commit: &str) -> Value {
    json!({ "ref": "refs/heads/main", "object": { "type": "commit", "sha": commit } })
}

/// Returns a page of a hundred.
fn page(all: &[Value], query: &str) -> Value {
    let number = query.split('&').find_map(|part| part.strip_prefix("page=")).unwrap_or("1");
    let number: usize = number.parse().unwrap();
    json!(all.iter().skip((number - 1) * 100).take(100).collect::<Vec<_>>())
}

/// A job of a workflow: a folder with a spec, and GitHub.
struct Job {
    folder: tempfile::TempDir,
    github: Shared,
    url: String,
}

/// How the Action ended.
struct Ended {
    code: i32,
    log: String,
    outputs: BTreeMap<String, String>,
    summary: String,
}

impl Job {
    /// Prepares a job; nothing, said why, where the shell has not what it needs.
    #[expect(clippy::disallowed_macros, reason = "what is not tested is said")]
    fn set() -> Option<Self> {
        for program in ["bash", "curl", "jq"] {
            let found =
                Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if !found.is_ok_and(|status| status.success()) {
                println!("skipped: the Action needs {program}, which is not here");
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pods.yaml"), SPEC).unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_podform"), folder.path().join("bin/podform")).unwrap();
        let github = Shared::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&github));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        Some(Self { folder, github, url })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the Action with inputs beside the defaults of `action.yml`.
    fn run(&self, command: &str, given: &[(&str, &str)]) -> Ended {
        for file in ["output", "summary"] {
            fs::write(self.path(file), "").unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("action/run.sh");
        let ended = Command::new("bash")
            .arg(script)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("PODFORM", self.path("bin/podform"))
            .env("PLAN_WORKFLOW", ".github/workflows/podform-plan.yml")
            .env("ACTIONS_RUNTIME_TOKEN", TOKEN)
            .env("GITHUB_SERVER_URL", "https://github.example")
            .env("GITHUB_RUN_ID", RUN)
            .env("GITHUB_REF", "refs/heads/main")
            .env("GITHUB_REF_NAME", "main")
            .env("GITHUB_REF_PROTECTED", "true")
            .env("RUNNER_TEMP", self.folder.path())
            .env("GITHUB_API_URL", &self.url)
            .env("GITHUB_REPOSITORY", "acme/pods")
            .env("GITHUB_OUTPUT", self.path("output"))
            .env("GITHUB_STEP_SUMMARY", self.path("summary"))
            .env("GITHUB_SHA", MERGE)
            .env("GITHUB_TOKEN", TOKEN)
            .env("INPUT_COMMAND", command)
            .envs([
                ("INPUT_DIRECTORY", "."),
                ("INPUT_FILES", "pods.yaml"),
                ("INPUT_VARS", ""),
                ("INPUT_PROFILES", ""),
                ("INPUT_STATE", "disk/shipped.db"),
                ("INPUT_STATE_URL", ""),
                ("INPUT_CREATE_STATE", "true"),
                ("INPUT_STATELESS", "false"),
                ("INPUT_COMMENT", "changes"),
                ("INPUT_DIGEST", ""),
                ("INPUT_TOLERANCE", ""),
                ("INPUT_ACCEPT_COMMIT", "false"),
                ("STATUS_CONTEXT", "podform"),
                ("STATUS_CREATOR", BOT),
            ])
            .envs(given.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap();
        let pair = |line: &str| {
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        };
        let log = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(!log.contains(TOKEN), "{log}");
        let stray = obeyed(&log).into_iter().find(|line| !line.contains(" title=podform::"));
        assert_eq!(stray, None, "{log}");
        Ended {
            code: ended.status.code().unwrap(),
            log,
            outputs: read("output").lines().map(pair).collect(),
            summary: read("summary"),
        }
    }

    /// Plans as on a push to the pull request, and keeps the plan as the step after it does.
    fn plan(&self) -> Ended {
        let ended = self.run("plan", &PULL_REQUEST);
        if ended.code == 0 {
            self.keep(&ended);
        }
        ended
    }

    fn keep(&self, planned: &Ended) {
        self.github.lock().unwrap().artifacts.push(format!("podform-{}", planned.outputs["digest"]));
    }

    /// Puts a program of a few lines in the place of podform.
    fn replace_podform(&self, lines: &str) {
        let program = self.path("bin/podform");
        fs::remove_file(&program).unwrap();
        fs::write(&program, format!("#!/usr/bin/env bash\n{lines}\n")).unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
}

/// Returns the lines of a log that GitHub's runner takes for orders, in its two spellings, but those by which it is made
/// deaf and listens again.
fn obeyed(log: &str) -> Vec<&str> {
    let mut deaf: Option<&str> = None;
    let mut found = Vec::new();
    for line in log.lines() {
        let order = line.trim_start();
        match deaf {
            Some(word) => {
                if order.strip_prefix("::").and_then(|rest| rest.strip_suffix("::")) == Some(word) {
                    deaf = None;
                }
            }
            None => match order.strip_prefix("::stop-commands::") {
                Some(word) => deaf = Some(word),
                None if order.starts_with("::") || line.contains("##[") => found.push(line),
                None => {}
            },
        }
    }
    assert_eq!(deaf, None, "the runner stays deaf for the steps that follow");
    found
}

const PULL_REQUEST: [(&str, &str); 3] =
    [("PR_NUMBER", "7"), ("PR_HEAD_SHA", HEAD), ("PR_HEAD_REPOSITORY", "acme/pods")];

#[test]
fn a_pull_request_is_planned_and_what_was_merged_is_applied() {
    let Some(job) = Job::set() else { return };
    let planned = job.plan();
    assert_eq!(planned.code, 0, "{}", planned.log);
    let digest = planned.outputs["digest"].clone();
    let shown = ["changes", "to_create", "to_replace", "to_destroy", "monthly_delta"];
    assert_eq!(shown.map(|name| planned.outputs[name].as_str()), ["true", "1", "0", "0", "542.20"]);
    assert!(Path::new(&planned.outputs["plan_path"]).is_file());
    {
        let github = job.github.lock().unwrap();
        let [comment] = &github.comments[..] else { panic!("{github:#?}") };
        let body = comment["body"].as_str().unwrap();
        assert!(body.starts_with("<!-- podform-plan:shipped -->\n"), "{body}");
        assert!(body.contains(&digest), "{body}");
        assert_eq!(body, planned.summary);
        assert_eq!(
            github.statuses,
            [json!({
                "state": "success",
                "context": "podform",
                "description": format!("digest {digest}, 542.20 USD a month"),
                "target_url": format!("{RUNS}{RUN}"),
                "creator": { "login": BOT },
            })]
        );
    }

    // The merge is applied with the digest of the status, and does nothing the second time.
    let applied = job.run("apply", &[]);
    assert_eq!(applied.code, 0, "{}", applied.log);
    assert!(applied.log.contains("Apply complete! Resources: 1 added"), "{}", applied.log);
    assert_eq!(applied.outputs["digest"], digest);
    let again = job.run("apply", &[("INPUT_CREATE_STATE", "false")]);
    assert_eq!(again.code, 0, "{}", again.log);
    assert!(again.log.contains("No changes."), "{}", again.log);

    let drift = job.run("drift", &[]);
    assert_eq!((drift.code, drift.outputs["drift"].as_str()), (0, "false"), "{}", drift.log);
}

#[test]
fn the_comment_is_one_and_is_kept_up_to_date() {
    let Some(job) = Job::set() else { return };
    // Somebody quotes the marker, and more comments than fit on a page come before ours.
    {
        let mut github = job.github.lock().unwrap();
        let quote = "<!-- podform-plan:shipped -->\nthis is what it says";
        let talk = |number: usize| json!({ "id": number, "body": quote, "user": { "login": "somebody" } });
        github.comments = (1..=120).map(talk).collect();
    }
    assert_eq!(job.plan().code, 0);
    let bodies = |job: &Job| {
        let github = job.github.lock().unwrap();
        github.comments.iter().map(|comment| comment["body"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(bodies(&job).len(), 121);
    assert!(bodies(&job)[120].contains("v0.19.1"));
    fs::write(job.path("pods.yaml"), SPEC.replace("v0.19.1", "v0.20.0")).unwrap();
    assert_eq!(job.plan().code, 0);
    assert_eq!(bodies(&job).len(), 121);
    assert!(bodies(&job)[120].contains("v0.20.0"));
    assert!(!bodies(&job)[120].contains("v0.19.1"));
}

#[test]
fn a_plan_without_changes_makes_no_comment_unless_asked() {
    let Some(job) = Job::set() else { return };
    fs::write(job.path("pods.yaml"), SPEC.split("pods:").next().unwrap().to_owned() + "pods: {}\n").unwrap();
    let planned = job.plan();
    assert_eq!((planned.code, planned.outputs["changes"].as_str()), (0, "false"), "{}", planned.log);
    assert!(job.github.lock().unwrap().comments.is_empty());
    let always = [&PULL_REQUEST[..], &[("INPUT_COMMENT", "always")]].concat();
    assert_eq!(job.run("plan", &always).code, 0);
    assert_eq!(job.github.lock().unwrap().comments.len(), 1);
}

#[test]
fn forks_get_no_plan_and_are_told_why() {
    let Some(job) = Job::set() else { return };
    let fork = [PULL_REQUEST[0], PULL_REQUEST[1], ("PR_HEAD_REPOSITORY", "somebody/pods")];
    for _ in 0..2 {
        let ended = job.run("plan", &fork);
        assert_eq!(ended.code, 0, "{}", ended.log);
        assert!(!ended.outputs.contains_key("digest"));
    }
    {
        let mut github = job.github.lock().unwrap();
        let [comment] = &github.comments[..] else { panic!("{github:#?}") };
        let body = comment["body"].as_str().unwrap();
        assert!(body.contains("**No plan.** This pull request comes from a fork."), "{body}");
        assert!(github.statuses.is_empty());
        github.silent = true;
    }
    let ended = job.run("plan", &fork);
    assert_eq!(ended.code, 0, "{}", ended.log);
    assert!(ended.summary.contains("**No plan.**"));
}

#[test]
fn only_a_status_of_the_workflow_itself_approves() {
    let Some(job) = Job::set() else { return };
    let digest = job.plan().outputs["digest"].clone();
    let genuine = job.github.lock().unwrap().statuses.clone();
    let changed = |edit: &dyn Fn(&mut Value)| {
        let mut statuses = genuine.clone();
        edit(&mut statuses[0]);
        statuses
    };
    let refused = [
        Vec::new(),
        changed(&|status| status["creator"]["login"] = json!("somebody")),
        changed(&|status| status["context"] = json!("other")),
        changed(&|status| status["state"] = json!("failure")),
        changed(&|status| status["description"] = json!(format!("please run digest {digest}, thanks"))),
        changed(&|status| status["description"] = Value::Null),
        changed(&|status| status["target_url"] = Value::Null),
        changed(&|status| status["target_url"] = json!("https://github.example/evil/pods/actions/runs/42")),
        changed(&|status| status["target_url"] = json!(format!("{RUNS}42/../43"))),
    ];
    for statuses in refused {
        job.github.lock().unwrap().statuses = statuses.clone();
        let ended = job.run("apply", &[]);
        assert_eq!(ended.code, 6, "{statuses:#?}\n{}", ended.log);
        assert!(!job.path("disk/shipped.db").exists());
    }
    // A commit that no pull request brought.
    job.github.lock().unwrap().statuses = genuine;
    let pushed = job.run("apply", &[("GITHUB_SHA", "3333333333333333333333333333333333333333")]);
    assert_eq!(pushed.code, 6, "{}", pushed.log);
    // The file is not what was planned.
    fs::write(job.path("pods.yaml"), SPEC.replace("v0.19.1", "v0.20.0")).unwrap();
    let other = job.run("apply", &[]);
    assert_eq!(other.code, 6, "{}", other.log);
    assert!(!other.log.contains("Apply complete"), "{}", other.log);
}

#[test]
fn a_failed_plan_takes_the_approval_back() {
    let Some(job) = Job::set() else { return };
    assert_eq!(job.plan().code, 0);
    fs::write(job.path("pods.yaml"), SPEC.replace("image", "imgae")).unwrap();
    let failed = job.plan();
    assert_eq!(failed.code, 3, "{}", failed.log);
    assert_eq!(job.github.lock().unwrap().statuses[0]["state"], "error");
    fs::write(job.path("pods.yaml"), SPEC).unwrap();
    assert_eq!(job.run("apply", &[]).code, 6);
}

#[test]
fn a_state_that_would_be_forgotten_is_refused() {
    let Some(job) = Job::set() else { return };
    let cases = [
        (
            ("INPUT_STATE", ""),
            "give state-url, state-path with a file on storage that outlives the job, or stateless",
        ),
        (("INPUT_STATELESS", "true"), "give either a state or stateless: true, not both"),
        (("INPUT_STATE_URL", "s3://bucket/podform"), "give either state-path or state-url, not both"),
        (("INPUT_CREATE_STATE", "false"), "there is no state at disk/shipped.db"),
    ];
    for (given, message) in cases {
        let ended = job.run("plan", &[given]);
        assert_eq!(ended.code, 1);
        assert!(ended.log.contains(message), "{}", ended.log);
        assert!(job.github.lock().unwrap().asked.is_empty());
    }
}

/// Inputs of a repository whose runners keep nothing.
const STATELESS: [(&str, &str); 3] =
    [("INPUT_STATE", ""), ("INPUT_STATELESS", "true"), ("INPUT_CREATE_STATE", "false")];

/// What a job has done stands in the state and nowhere else.
#[test]
fn without_a_state_no_job_runs() {
    let Some(job) = Job::set() else { return };
    let train = "\n  train: { image: acme/train:1, gpu: L4, command: [train], run: job }\n";
    fs::write(job.path("pods.yaml"), SPEC.trim_end().to_owned() + train).unwrap();
    for command in ["plan", "apply"] {
        let ended = job.run(command, &STATELESS);
        assert_eq!(ended.code, 3, "{}", ended.log);
        assert!(ended.log.contains("a run that keeps no state runs no jobs"), "{}", ended.log);
        assert!(ended.log.contains("`train`"), "{}", ended.log);
    }
}

#[test]
fn without_a_state_pods_are_found_by_their_marks() {
    let Some(job) = Job::set() else { return };
    let on_pull_request = [&PULL_REQUEST[..], &STATELESS[..]].concat();
    let first = job.run("plan", &on_pull_request);
    job.keep(&first);
    assert_eq!((first.code, first.outputs["to_create"].as_str()), (0, "1"), "{}", first.log);
    let applied = job.run("apply", &STATELESS);
    assert_eq!(applied.code, 0, "{}", applied.log);

    // The next job knows the pod again, and applies a change of it as it was approved.
    fs::write(job.path("pods.yaml"), SPEC.replace("v0.19.1", "v0.20.0")).unwrap();
    let second = job.run("plan", &on_pull_request);
    job.keep(&second);
    let counts = ["to_create", "to_update", "to_destroy"].map(|name| second.outputs[name].as_str());
    assert_eq!((second.code, counts), (0, ["0", "1", "0"]), "{}", second.log);
    assert!(second.log.contains("What left the spec and holds data is held"), "{}", second.log);
    let applied = job.run("apply", &STATELESS);
    assert_eq!(applied.code, 0, "{}", applied.log);
    assert!(applied.log.contains("Apply complete! Resources: 0 added, 1 changed"), "{}", applied.log);

    // What leaves the spec and holds no data is planned for removal, and the comment says how it was found.
    fs::write(job.path("pods.yaml"), SPEC.split("pods:").next().unwrap().to_owned() + "pods: {}\n").unwrap();
    let third = job.run("plan", &[&on_pull_request[..], &[("INPUT_COMMENT", "always")]].concat());
    assert_eq!((third.code, third.outputs["to_destroy"].as_str()), (0, "1"), "{}", third.log);
    let github = job.github.lock().unwrap();
    let body = github.comments[0]["body"].as_str().unwrap();
    assert!(body.contains("> There is no state: pods were found by their marks."), "{body}");
    assert!(!job.path("disk").exists());
}

/// With a state the second start of an old job is refused by the order of commits; without one the branch has to tell.
#[test]
fn without_a_state_an_approval_is_not_used_again_once_the_branch_went_on() {
    let Some(job) = Job::set() else { return };
    let on_pull_request = [&PULL_REQUEST[..], &STATELESS[..]].concat();
    let pods = |job: &Job| {
        let planned = job.run("plan", &STATELESS);
        assert_eq!(planned.code, 0, "{}", planned.log);
        planned.outputs["unchanged"].clone()
    };
    let added = job.run("plan", &on_pull_request);
    job.keep(&added);
    assert_eq!(job.run("apply", &STATELESS).code, 0);
    assert_eq!(pods(&job), "1");

    // The pod is removed by the commit that follows.
    let next = "4444444444444444444444444444444444444444";
    fs::write(job.path("pods.yaml"), SPEC.split("pods:").next().unwrap().to_owned() + "pods: {}\n").unwrap();
    let removed = job.run("plan", &STATELESS);
    let digest = removed.outputs["digest"].as_str();
    job.github.lock().unwrap().tip = Some(tip_of_main(next));
    let at_next = [&STATELESS[..], &[("GITHUB_SHA", next), ("INPUT_DIGEST", digest)]].concat();
    let ended = job.run("apply", &at_next);
    assert_eq!(ended.code, 0, "{}", ended.log);
    fs::write(job.path("pods.yaml"), SPEC).unwrap();

    let none = Value::Null;
    let short = json!({ "ref": "refs/heads/main", "object": { "type": "commit", "sha": "" } });
    let other = json!({ "ref": "refs/heads/maintenance", "object": { "type": "commit", "sha": MERGE } });
    let several = json!([tip_of_main(MERGE)]);
    let unknown = "GitHub does not tell the tip of main (the job needs `contents: read`)";
    let moved = format!("{MERGE} is not the tip of main, {next} is");
    let cases = [
        (tip_of_main(next), "refs/heads/main", moved.as_str()),
        (none, "refs/heads/main", unknown),
        (short, "refs/heads/main", unknown),
        (other, "refs/heads/main", unknown),
        (several, "refs/heads/main", unknown),
        (tip_of_main(MERGE), "refs/heads/gone", unknown),
        (tip_of_main(MERGE), "refs/heads/ma in?x=#", unknown),
        (tip_of_main(MERGE), "refs/tags/v1", "refs/tags/v1 is no branch"),
        (tip_of_main(MERGE), "", "the commit is no branch"),
    ];
    for (tip, reference, why) in cases {
        job.github.lock().unwrap().tip = Some(tip);
        for more in [("INPUT_ACCEPT_COMMIT", "false"), ("INPUT_ACCEPT_COMMIT", "true")] {
            let given = [&STATELESS[..], &[("GITHUB_REF", reference), more]].concat();
            let ended = job.run("apply", &given);
            assert_eq!(ended.code, 6, "{why}: {}", ended.log);
            assert!(ended.log.contains(why), "{why}: {}", ended.log);
        }
    }
    assert_eq!(pods(&job), "0");
    // The branch was set back to the commit, so it is what the branch says.
    job.github.lock().unwrap().tip = None;
    let ended = job.run("apply", &STATELESS);
    assert_eq!(ended.code, 0, "{}", ended.log);
    assert_eq!(pods(&job), "1");
}

#[test]
fn without_a_state_there_is_no_drift_to_look_for() {
    let Some(job) = Job::set() else { return };
    let ended = job.run("drift", &STATELESS);
    assert_eq!(ended.code, 1);
    assert!(ended.log.contains("drift needs a state"), "{}", ended.log);
}

#[test]
fn podform_is_built_or_named_and_never_looked_for() {
    let Some(job) = Job::set() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("action/install.sh");
    let tools = job.path("tools");
    fs::create_dir(&tools).unwrap();
    // The PATH holds only what the step may find, and a podform that somebody left there.
    for program in ["bash", "dirname", "od", "tr", "mktemp"] {
        let places = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(program));
        symlink(places.iter().find(|path| path.exists()).unwrap(), tools.join(program)).unwrap();
    }
    let program = |path: &Path, text: &str| {
        fs::write(path, format!("#!{}\n{text}\n", tools.join("bash").display())).unwrap();
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    program(&tools.join("podform"), "echo 'podform of somebody else'");
    let install = |path: &str| {
        fs::write(job.path("output"), "").unwrap();
        let ended = Command::new(tools.join("bash"))
            .arg(&script)
            .env_clear()
            .env("PATH", &tools)
            .env("RUNNER_TEMP", job.folder.path())
            .env("GITHUB_ACTION_PATH", "/action")
            .env("GITHUB_OUTPUT", job.path("output"))
            .env("INPUT_PODFORM_PATH", path)
            .output()
            .unwrap();
        let said = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
        obeyed(&said);
        (ended.status.code().unwrap(), said, fs::read_to_string(job.path("output")).unwrap())
    };
    let (code, said, _) = install("");
    assert_eq!(code, 1);
    assert!(said.contains("cargo, which builds podform, is not on the PATH of this runner"), "{said}");

    // Cargo makes what it is asked for where it is asked to.
    let made = "#!/usr/bin/env bash\necho 'podform built'\n";
    program(
        &tools.join("cargo"),
        &format!(
            "echo \"cargo $*\"\n/bin/mkdir \"$6/bin\"\nprintf '%s' \"{made}\" > \"$6/bin/podform\"\n/bin/chmod +x \"$6/bin/podform\""
        ),
    );
    let (code, said, output) = install("");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("cargo install --locked --path /action --root "), "{said}");
    assert!(output.starts_with("path=/") && output.ends_with("/bin/podform\n"), "{output}");
    assert!(said.contains("podform built") && !said.contains("somebody else"), "{said}");

    let own = env!("CARGO_BIN_EXE_podform");
    let (code, said, output) = install(own);
    assert_eq!((code, output), (0, format!("path={own}\n")), "{said}");
    assert!(said.contains(env!("CARGO_PKG_VERSION")), "{said}");
    for (path, code) in [("bin/podform", 3), ("/nowhere/podform", 1), ("/x\nchanges=true", 1)] {
        let (ended, said, output) = install(path);
        assert_eq!((ended, output.as_str()), (code, ""), "{said}");
    }
}

/// Whoever may push can set a status; that alone makes nothing happen.
#[test]
fn a_status_counts_only_with_the_run_that_made_the_digest() {
    let Some(job) = Job::set() else { return };
    let digest = job.plan().outputs["digest"].clone();
    let run = |edit: &dyn Fn(&mut Value)| {
        let mut run = genuine_run();
        edit(&mut run);
        Some(run)
    };
    type Spoil<'a> = Box<dyn Fn(&mut GitHub) + 'a>;
    let doubts: [(&str, Spoil<'_>); 9] = [
        ("is no run of", Box::new(|github| github.run = run(&|run| run["head_sha"] = json!(MERGE)))),
        ("is no run of", Box::new(|github| github.run = run(&|run| run["event"] = json!("push")))),
        (
            "is no run of",
            Box::new(|github| github.run = run(&|run| run["path"] = json!(".github/workflows/evil.yml"))),
        ),
        (
            "is no run of",
            Box::new(|github| {
                github.run = run(&|run| run["head_repository"] = json!({ "full_name": "evil/pods" }))
            }),
        ),
        (
            "is no run of",
            Box::new(|github| {
                github.run = run(&|run| run["pull_requests"][0]["base"]["ref"] = json!("evil"))
            }),
        ),
        ("is no run of", Box::new(|github| github.run = Some(json!({ "message": "Not Found" })))),
        (
            "changes files below .github",
            Box::new(|github| github.files.push(".github/workflows/podform-plan.yml".to_owned())),
        ),
        ("has no artifact podform-", Box::new(|github| github.artifacts.clear())),
        (
            "is not the merge of a pull request into main",
            Box::new(|github| github.base = Some("side".to_owned())),
        ),
    ];
    for (why, spoil) in doubts {
        {
            let mut github = job.github.lock().unwrap();
            github.artifacts = vec![format!("podform-{digest}")];
            (github.run, github.base) = (None, None);
            github.files = vec!["pods.yaml".to_owned()];
            spoil(&mut github);
        }
        let ended = job.run("apply", &[]);
        assert_eq!(ended.code, 6, "{why}: {}", ended.log);
        assert!(ended.log.contains(why), "{why}: {}", ended.log);
        assert!(!job.path("disk/shipped.db").exists());
    }
    // A changed workflow on the second page of a large pull request counts too.
    {
        let mut github = job.github.lock().unwrap();
        (github.run, github.base) = (None, None);
        github.files = (0..120).map(|number| format!("file{number}")).collect();
        github.files.push(".github/CODEOWNERS".to_owned());
    }
    assert_eq!(job.run("apply", &[]).code, 6);
    job.github.lock().unwrap().files.pop();
    let applied = job.run("apply", &[]);
    assert_eq!(applied.code, 0, "{}", applied.log);
}

#[test]
fn a_status_is_found_behind_a_hundred_others() {
    let Some(job) = Job::set() else { return };
    assert_eq!(job.plan().code, 0);
    {
        let mut github = job.github.lock().unwrap();
        let other = json!({ "context": "other", "state": "success", "creator": { "login": "somebody" } });
        github.statuses.splice(0..0, vec![other; 230]);
    }
    let applied = job.run("apply", &[]);
    assert_eq!(applied.code, 0, "{}", applied.log);
}

#[test]
fn a_digest_with_a_line_break_forges_no_output() {
    let Some(job) = Job::set() else { return };
    for digest in [
        "x\nchanges=false",
        "0123456789abcdef0123456789abcdef-1\nplan_path=/etc/passwd",
        "",
        "--auto-approve",
    ] {
        let ended = job.run("apply", &[("INPUT_DIGEST", digest), ("GITHUB_SHA", HEAD)]);
        assert_eq!(ended.code, if digest.is_empty() { 6 } else { 3 }, "{}", ended.log);
        assert_eq!(ended.outputs, BTreeMap::new());
    }
}

/// Whatever stands in an account or a spec is printed, and no line of it is obeyed.
#[test]
fn the_runner_obeys_nothing_that_others_wrote() {
    let Some(job) = Job::set() else { return };
    let orders = "##[set-output name=to_destroy]0 ##[add-mask]x";
    let lines = "\\n::stop-commands::mine\\n::add-mask::x\\n  ::error::y\\n::mine::";
    let spec = SPEC.replace("    gpu:", &format!("    env: {{ A: \"{orders}{lines}\" }}\n    gpu:"));
    fs::write(job.path("pods.yaml"), &spec).unwrap();
    let planned = job.plan();
    assert_eq!(planned.code, 0, "{}", planned.log);
    let applied = job.run("apply", &[]);
    assert_eq!(applied.code, 0, "{}", applied.log);
    fs::write(job.path("pods.yaml"), format!("{spec}# {orders}\n::error::x\n  ::add-mask::y\n")).unwrap();
    let failed = job.plan();
    assert_eq!(failed.code, 3, "{}", failed.log);
    // Even a podform that lets them through, on both streams and without an end of line, gives no orders.
    job.replace_podform("printf '##[error]a\\n::stop-commands::x\\n::error::b'; printf '::x::\\n::error::c ##[error]d' >&2; exit 5");
    let failed = job.run("drift", &[("INPUT_CREATE_STATE", "true")]);
    assert_eq!(failed.code, 5, "{}", failed.log);
    let said = obeyed(&failed.log);
    assert_eq!(said, ["::error title=podform::drift failed with exit code 5"], "{}", failed.log);
}

#[test]
fn podform_gets_neither_the_token_nor_the_inputs() {
    let Some(job) = Job::set() else { return };
    job.replace_podform("env >> \"$OUT/env\"; printf '%s\\n' \"$*\" >> \"$OUT/arguments\"");
    let digest = format!("{}-1", "0".repeat(32));
    let out = job.folder.path().display().to_string();
    let given = [
        ("OUT", out.as_str()),
        ("WANDB_API_KEY", "wanted"),
        ("INPUT_DIGEST", &digest),
        ("INPUT_ACCEPT_COMMIT", "true"),
    ];
    assert_eq!(job.run("apply", &given).code, 0);
    let env = fs::read_to_string(job.path("env")).unwrap();
    assert!(!env.contains(TOKEN), "{env}");
    let names: Vec<&str> =
        env.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    for name in &names {
        let is_kept = ["INPUT_", "ACTIONS_", "STATUS_", "PR_"].iter().any(|prefix| name.starts_with(prefix));
        assert!(!is_kept, "{env}");
    }
    for name in ["WANDB_API_KEY", "GITHUB_SHA", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "PATH"] {
        assert!(names.contains(&name), "{name}: {env}");
    }
    let arguments = fs::read_to_string(job.path("arguments")).unwrap();
    assert!(arguments.ends_with(&format!("apply --approved {digest} --accept-commit\n")), "{arguments}");
}

#[test]
fn a_branch_without_protection_is_pointed_out() {
    let Some(job) = Job::set() else { return };
    assert_eq!(job.plan().code, 0);
    let applied = job.run("apply", &[("GITHUB_REF_PROTECTED", "false")]);
    assert_eq!(applied.code, 0, "{}", applied.log);
    assert!(applied.log.contains("::warning title=podform::main has no protection"), "{}", applied.log);
}

/// A plan that has to leave out what an apply works on is no failure, and nothing that could be approved.
#[test]
fn during_an_apply_the_status_is_pending() {
    let Some(job) = Job::set() else { return };
    let podform = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
        command
            .current_dir(job.folder.path())
            .env_clear()
            .args(arguments)
            .args(["--state", "disk/shipped.db"]);
        command
    };
    let mut served = Command::new(env!("CARGO_BIN_EXE_podform"))
        .current_dir(job.folder.path())
        .env_clear()
        .args(["simulate", "--speed", "0", "--store", "state/simulator.db"])
        .args(["--fault", "create#1=done-but-timeout"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(served.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let world = job.path("state/simulator.db");
    let applying = Begun::wait(podform(&["apply", "-q", "--auto-approve"]), &world, podform);

    let planned = job.run("plan", &PULL_REQUEST);
    assert_eq!(planned.code, 0, "{}", planned.log);
    let shown = ["changes", "blocked", "in_progress", "held", "to_create"];
    let shown = shown.map(|name| planned.outputs[name].as_str());
    assert_eq!(shown, ["false", "true", "true", "1", "0"]);
    {
        let github = job.github.lock().unwrap();
        let [status] = &github.statuses[..] else { panic!("{github:#?}") };
        let expected = ("pending", "an apply is in progress, plan again when it has ended");
        assert_eq!((status["state"].as_str().unwrap(), status["description"].as_str().unwrap()), expected);
        let [comment] = &github.comments[..] else { panic!("{github:#?}") };
        let body = comment["body"].as_str().unwrap();
        assert!(body.contains("`podform apply` runs since "), "{body}");
    }

    // It has died: the create counts as begun until an apply looks, and that is said as what it is.
    drop(applying);
    served.kill().unwrap();
    served.wait().unwrap();
    let planned = job.run("plan", &PULL_REQUEST);
    assert_eq!(planned.outputs["in_progress"], "false", "{}", planned.log);
    assert_ne!(job.github.lock().unwrap().statuses[0]["state"], "pending");
}

/// Whatever a plan tells as outputs the Action passes on under the same names.
#[test]
fn every_output_of_a_plan_is_one_of_the_action() {
    let Some(job) = Job::set() else { return };
    let planned = job.plan();
    let action = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml")).unwrap();
    let (_, after) = action.split_once("\noutputs:\n").unwrap();
    let (outputs, _) = after.split_once("\nruns:\n").unwrap();
    for name in planned.outputs.keys() {
        let value = format!("value: \"${{{{ steps.run.outputs.{name} }}}}\"");
        let line = outputs.lines().find(|line| line.starts_with(&format!("  {name}:")));
        assert!(line.is_some_and(|line| line.contains(&value)), "{name}: {line:?}");
    }
    for name in ["changes", "wiping_disks", "in_progress"] {
        assert!(planned.outputs.contains_key(name), "{:?}", planned.outputs);
    }
}

/// What the workflows to copy promise about keys, runners and what they download.
#[test]
fn the_workflows_keep_keys_and_runners_apart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/github-actions");
    let mut runners: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.contains("\npermissions:\n"), "{text}");
        for line in
            text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: "))
        {
            let version = line.split(['@', ' ']).nth(1).unwrap();
            let is_pinned = version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_pinned || line.starts_with("OWNER/podform@"), "{line}");
        }
        let jobs = text.split("\njobs:\n").nth(1).unwrap();
        let starts = jobs.match_indices("\n    runs-on: ").map(|(at, _)| at);
        assert!(starts.count() >= 1, "{text}");
        for job in split_jobs(jobs) {
            let changes_pods = job.contains("secrets.RUNPOD_API_KEY }}");
            assert_eq!(changes_pods, job.contains("    environment: production\n"), "{job}");
            let runner = job.split("    runs-on: ").nth(1).unwrap().lines().next().unwrap().to_owned();
            runners.entry(if changes_pods { "applies" } else { "looks" }).or_default().push(runner);
            assert_eq!(
                job.matches("actions/checkout@").count(),
                job.matches("persist-credentials: false").count(),
                "{job}"
            );
            assert_eq!(changes_pods, job.contains("fetch-depth: 0"), "{job}");
        }
    }
    // One of GitHub's is a new computer for each job.
    let is_shared = |runner: &&String| runner.contains("self-hosted") && runners["looks"].contains(runner);
    let shared = runners["applies"].iter().find(is_shared);
    assert_eq!(shared, None, "{runners:?}");
}

/// Returns the jobs of a workflow, each with its name.
fn split_jobs(jobs: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in jobs.lines() {
        if line.starts_with("  ") && !line.starts_with("   ") {
            found.push(String::new());
        }
        let job = found.last_mut().unwrap();
        job.push_str(line);
        job.push('\n');
    }
    found
}

/// A fork must not make the runner build or run anything of the Action but the sentence that says why.
#[test]
fn nothing_is_installed_for_forks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
    let definition = fs::read_to_string(path).unwrap();
    let step = definition.split("    - name: ").find(|step| step.starts_with("Install podform")).unwrap();
    let condition = "if: ${{ !github.event.pull_request || \
        github.event.pull_request.head.repo.full_name == github.repository }}";
    assert!(step.contains(condition), "{step}");
}

#[test]
fn drift_fails_the_nightly_job() {
    let Some(job) = Job::set() else { return };
    let digest = job.plan().outputs["digest"].clone();
    assert_eq!(job.run("apply", &[("INPUT_DIGEST", &digest)]).code, 0);
    stop_by_hand(&job);
    let ended = job.run("drift", &[]);
    assert_eq!((ended.code, ended.outputs["drift"].as_str()), (2, "true"), "{}", ended.log);
    assert!(ended.summary.contains("llm was stopped, or its process ended"), "{}", ended.summary);
}

/// Stops the pod as a person does in the console.
fn stop_by_hand(job: &Job) {
    use std::io::{BufRead, BufReader};

    let mut served = Command::new(env!("CARGO_BIN_EXE_podform"))
        .args(["simulate", "--speed", "0", "--store", "state/simulator.db"])
        .current_dir(job.folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(served.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let (_, pods) = crate::stage::request(url.trim(), "GET", "/v2/pods", "");
    let pods: Value = serde_json::from_str(&pods).unwrap();
    let path = format!("/v2/pods/{}/action", pods["pods"][0]["id"].as_str().unwrap());
    let (status, _) = crate::stage::request(url.trim(), "POST", &path, r#"{"action":"stop"}"#);
    assert_eq!(status, 200);
    served.kill().unwrap();
    served.wait().unwrap();
}

/// The inputs and outputs that `action.yml` names are those that the shell and the tests know.
#[test]
fn the_definition_and_the_shell_agree() {
    let read = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let (definition, shell) = (
        read("action.yml"),
        ["run", "github", "install"].map(|name| read(&format!("action/{name}.sh"))).concat(),
    );
    let given: Vec<&str> = definition
        .lines()
        .filter_map(|line| line.trim().split_once(": ${{ ")?.0.into())
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    assert!(given.len() > 15, "{given:?}");
    for name in given {
        assert!(shell.contains(name), "{name} is given and not used");
    }
}
