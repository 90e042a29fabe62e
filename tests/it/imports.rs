//! What `podform import` leaves alone: pods that belong to something else that RunPod manages.
//!
//! The simulator has neither clusters nor endpoints nor hosts, so a proxy before it gives some pods their marks.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::served::{Place, request};
use crate::stage::API_KEY;

/// Changes one listed pod.
type Mark = fn(&mut Value);

/// Serves the world at `url` with its pods changed, and returns the new URL. It ends with the test process.
fn serve_marked(url: String, mark: Mark) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &url, mark);
        }
    });
    format!("http://{address}")
}

/// Answers the one request of a connection. An import only reads, so anything but GET is refused.
fn answer(mut stream: TcpStream, url: &str, mark: Mark) {
    let lines = BufReader::new(&stream).lines().map(Result::unwrap);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let Some(line) = head.first() else { return };
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let (status, mut body) = if method == "GET" { request(url, "GET", path, "") } else { (405, Value::Null) };
    let pods = if body.get("pods").is_some() { body.get_mut("pods") } else { Some(&mut body) };
    if path.contains("/pods") {
        pods.and_then(Value::as_array_mut).into_iter().flatten().for_each(mark);
    }
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .unwrap();
}

/// Makes pods with these names, imports over the API as these arguments say, and returns what was said.
fn import(api: &str, names: &[&str], mark: Mark, arguments: &[&[&str]]) -> String {
    let world = Place::serve(&["--speed", "0"]);
    for name in names {
        let body =
            json!({ "name": name, "image": "a", "gpu": { "id": "NVIDIA A40", "count": 1 }, "disk": 10 });
        assert_eq!(world.request("POST", "/v2/pods", &body.to_string()).0, 201);
    }
    world.pods();
    let url = serve_marked(world.url().to_owned(), mark);
    let folder = tempfile::tempdir().unwrap();
    let spec = format!("version: 1\nproject: acme\nprovider: {{ kind: runpod, api: {api} }}\npods: {{}}\n");
    fs::write(folder.path().join("pods.yaml"), spec).unwrap();
    let mut said = String::new();
    for arguments in arguments {
        let output = Command::new(env!("CARGO_BIN_EXE_podform"))
            .current_dir(folder.path())
            .env_clear()
            .stdin(Stdio::null())
            .env("RUNPOD_API_BASE_URL", &url)
            .env("RUNPOD_API_KEY", API_KEY)
            .arg("import")
            .args(*arguments)
            .output()
            .unwrap();
        said.push_str(&String::from_utf8(output.stdout).unwrap());
        said.push_str(&String::from_utf8(output.stderr).unwrap());
        writeln!(said, "exit {}", output.status.code().unwrap()).unwrap();
    }
    said
}

#[test]
fn members_of_clusters_and_pods_of_hosts_are_left_alone() {
    let mark: Mark = |pod| match pod["name"].as_str().unwrap() {
        "member" => {
            pod["id"] = json!("memberofcluster");
            pod["cluster"] = json!({ "id": "c1", "rank": 0, "role": "main", "ip": "10.65.0.2" });
        }
        "host" => {
            pod["id"] = json!("hpvdausak8xb00");
            pod["name"] = json!("hpvdausak8xb-BG");
        }
        _ => {}
    };
    let said = import(
        "v2",
        &["member", "host"],
        mark,
        &[&["--all"], &["web", "memberofcluster"], &["web", "hpvdausak8xb00"]],
    );
    insta::assert_snapshot!(said, @"
    `hpvdausak8xb00` is left out: it is a host's own background pod
    `memberofcluster` is left out: it is a member of a cluster
    there is nothing to take over
    exit 0
    error: `memberofcluster` cannot be taken over: it is a member of a cluster
    hint: `podform COMMAND --help` shows what the command takes, with an example
    exit 3
    error: `hpvdausak8xb00` cannot be taken over: it is a host's own background pod
    hint: `podform COMMAND --help` shows what the command takes, with an example
    exit 3
    ");
}

#[test]
fn workers_of_endpoints_are_left_alone() {
    let mark: Mark = |pod| {
        if pod["name"] == "worker" {
            pod["id"] = json!("workerofendpoint");
            pod["endpointId"] = json!("jpnw0v75y3qoql");
        }
    };
    let said = import("v1", &["worker"], mark, &[&["web", "workerofendpoint"], &["--all"]]);
    insta::assert_snapshot!(said, @"
    error: `workerofendpoint` cannot be taken over: it is a worker of a serverless endpoint
    hint: `podform COMMAND --help` shows what the command takes, with an example
    exit 3
    `workerofendpoint` is left out: it is a worker of a serverless endpoint
    there is nothing to take over
    exit 0
    ");
}

#[test]
fn a_pod_of_another_project_is_refused_and_one_of_a_lost_state_can_be_chosen() {
    let mark: Mark = |pod| {
        let name = pod["name"].as_str().unwrap().to_owned();
        if let "acme" | "other" = name.as_str() {
            pod["id"] = json!(format!("podof{name}"));
            pod["env"]["PODFORM_MARK"] =
                json!(format!("{name}/web/0123456789abcdef/line/1/2026-11-02T09:00:01Z"));
        }
    };
    let said = import(
        "v2",
        &["acme", "other"],
        mark,
        &[&["--all"], &["web", "podofother"], &["web", "podofacme", "--write", "web.yaml"]],
    );
    insta::assert_snapshot!(said, @"
    `podofacme` is left out: it carries this project's mark; `podform state rebuild` takes it back
    `podofother` is left out: it belongs to project `other`; `podform import --from-project other` takes one from there
    there is nothing to take over
    exit 0
    error: `podofother` belongs to project `other`; `podform import --from-project other web podofother` takes it, and that project must then give it up with `podform state rm`
    exit 3
    1 object is in the state; nothing was changed in the account
    next: podform plan -f pods.yaml -f web.yaml
    exit 0
    ");
}

#[test]
fn a_first_spec_of_an_account_is_written_in_one_command() {
    let world = Place::serve(&["--speed", "0"]);
    let body =
        json!({ "name": "web", "image": "nginx:1.29", "cpu": { "id": "cpu3c", "vcpuCount": 2 }, "disk": 10 });
    assert_eq!(world.request("POST", "/v2/pods", &body.to_string()).0, 201);
    world.pods();
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
        command.current_dir(folder.path()).env_clear().stdin(Stdio::null()).args(arguments);
        command.env("RUNPOD_API_BASE_URL", world.url()).env("RUNPOD_API_KEY", API_KEY).output().unwrap()
    };
    let written = run(&["init", "acme", "--import"]);
    insta::assert_snapshot!(String::from_utf8(written.stderr).unwrap(), @"
    1 pod and 0 network volumes of the account become a spec; nothing was changed there
    `acme/pods.yaml` written
    `acme/podform.schema.json` written
    `acme/.gitignore` written
    next: cd acme && podform plan
    ");
    let planned = run(&["-C", "acme", "plan"]);
    let planned = String::from_utf8(planned.stdout).unwrap();
    assert!(planned.contains("\nPlan: 1 to import, 0 to add, 0 to change, 0 to destroy.\n"), "{planned}");
    assert_eq!(run(&["-C", "acme", "apply", "--auto-approve"]).status.code(), Some(0));
    assert_eq!(run(&["-C", "acme", "plan", "--detailed-exitcode"]).status.code(), Some(0));
}

#[test]
fn leaving_the_simulator_is_two_lines_less_and_meets_no_state_of_it() {
    let world = Place::serve(&["--speed", "0"]);
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
        command.current_dir(folder.path()).env_clear().stdin(Stdio::null()).args(arguments);
        command.env("RUNPOD_API_BASE_URL", world.url()).env("RUNPOD_API_KEY", API_KEY).output().unwrap()
    };
    assert_eq!(run(&["init", "trial"]).status.code(), Some(0));
    assert_eq!(run(&["-C", "trial", "apply", "-q", "--auto-approve"]).status.code(), Some(0));
    let path = folder.path().join("trial/pods.yaml");
    let spec = fs::read_to_string(&path).unwrap();
    assert!(spec.contains("provider:\n  kind: simulator\n"), "{spec}");
    fs::write(&path, spec.replace("provider:\n  kind: simulator\n", "")).unwrap();
    let planned = run(&["-C", "trial", "plan", "--detailed-exitcode"]);
    let said = String::from_utf8(planned.stdout).unwrap();
    assert_eq!((planned.status.code(), planned.stderr.as_slice()), (Some(2), &b""[..]), "{said}");
    assert!(said.contains("\nPlan: 1 to add, 0 to change, 0 to destroy.\n"), "{said}");
}
