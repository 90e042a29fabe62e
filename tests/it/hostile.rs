//! Texts from outside: whatever a file, an answer, a variable or an argument holds, no output shows it unseen, none gives
//! orders to whoever runs podform, and no value of a secret comes back out of an answer.
//!
//! The real binary is run, as only its two streams are what a terminal, a log or a pull request gets. A server of this
//! test stands between it and a simulated world, and writes hostile text into what comes back.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use podform::model::text::is_invisible;
use serde_json::{Value, json};

use crate::served::{Place, request};

/// Returns everything that a terminal, a runner or a browser acts upon or does not show.
fn hostile() -> String {
    let mut text = String::from("evil\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[31m");
    text.extend((1..0x20).filter_map(char::from_u32));
    text.extend((0x7f..0xa0).filter_map(char::from_u32));
    text.push_str("\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200d}\u{200e}\u{2028}\u{2029}\u{202e}");
    text.push_str(
        "\u{2060}\u{2066}\u{2800}\u{3164}\u{e000}\u{fe0f}\u{feff}\u{fff9}\u{e0041}\u{e0100}\u{10fffd}",
    );
    text.push_str("##[set-output name=x]y ##vso[task.complete]z\n::add-mask::m\n  ::stop-commands::t\n");
    text.push_str(
        "<script>alert(1)</script> @everyone #1 [a](javascript:b) ![c](d) | ``` | $x$ `e` **f** end",
    );
    text
}

/// Asserts that everything in an output can be seen, and that no runner would obey a line of it.
fn assert_seen(place: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("{place} is no text"));
    let unseen = text.chars().find(|c| *c != '\n' && is_invisible(*c));
    assert_eq!(unseen, None, "{place}:\n{}", text.escape_debug());
    for line in text.lines() {
        let is_order = |rest: &str| rest.starts_with(char::is_alphabetic);
        let obeyed = line.trim_start().strip_prefix("::").is_some_and(is_order)
            || line.match_indices("##").any(|(at, _)| {
                line[at..].trim_start_matches('#').trim_start_matches(char::is_alphanumeric).starts_with('[')
            });
        assert!(!obeyed, "{place}: {line}");
    }
}

/// Returns whether some text of a document is the hostile one, whole and unchanged.
fn holds(document: &Value, text: &str) -> bool {
    match document {
        Value::String(found) => found.contains(text),
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(entries) => entries.iter().any(|(key, value)| key.contains(text) || holds(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Answers requests from a function of method, path and body, until the test process ends; returns the URL.
fn serve(answer: impl Fn(&str, &str, &str) -> (u16, String) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || respond(stream.unwrap(), &*answer));
        }
    });
    format!("http://{address}")
}

/// Reads the one request of a connection and answers it; a path of logs is answered as a stream.
fn respond(mut stream: TcpStream, answer: &dyn Fn(&str, &str, &str) -> (u16, String)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        // A connection that was made in advance may never be used.
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let mut words = head[0].split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let (status, text) = answer(method, path, &String::from_utf8(body).unwrap());
    let kind = if text.starts_with("id:") { "text/event-stream" } else { "application/json" };
    // The client may have read enough of a log.
    let _gone = write!(
        stream,
        "HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
}

/// A folder with a simulated world, which every command there finds at the URL that its store names.
struct World {
    place: Place,
    folder: PathBuf,
}

impl World {
    fn serve() -> Self {
        let place = Place::serve(&["--speed", "0"]);
        let folder = Path::new(place.state_path()).ancestors().nth(2).unwrap().to_owned();
        let world = Self { place, folder };
        world.write("pods.yaml", SPEC);
        world
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// Makes a pod as others do.
    fn create(&self, name: &str) {
        let body =
            json!({ "name": name, "image": "b", "gpu": { "id": "NVIDIA A40", "count": 1 }, "disk": 10 });
        assert_eq!(self.place.request("POST", "/v2/pods", &body.to_string()).0, 201);
        // Listings lag, and the world moves on with each request.
        self.place.pods();
    }

    /// Lets a function answer in place of the world.
    fn answer_by(&self, answer: impl Fn(&str, &str, &str) -> (u16, String) + Send + Sync + 'static) {
        let store = rusqlite::Connection::open(self.folder.join("state/simulator.db")).unwrap();
        store.execute("UPDATE server SET url = ?1", [serve(answer)]).unwrap();
    }

    fn podform(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
        command.args(arguments).current_dir(&self.folder).env_clear().stdin(Stdio::null());
        command
    }

    /// Runs a command, looks at both streams, and returns what came.
    fn run(&self, arguments: &str) -> Output {
        run(&mut self.podform(&arguments.split(' ').collect::<Vec<_>>()))
    }
}

/// Runs a command, looks at both streams, and returns what came.
fn run(command: &mut Command) -> Output {
    let name = format!("{:?}", command.get_args().collect::<Vec<_>>());
    let output = command.output().unwrap();
    assert!(output.status.code().is_some(), "{name}: ended by a signal");
    assert_seen(&format!("stdout of {name}"), &output.stdout);
    assert_seen(&format!("stderr of {name}"), &output.stderr);
    output
}

/// All that prints, and what it may end with is not the matter here.
const LOOKS: &[&str] = &[
    "validate",
    "config",
    "plan",
    "plan --format json",
    "plan --format terraform-json",
    "plan --format markdown",
    "plan --format outputs",
    "plan --json",
    "graph",
    "graph --format mermaid",
    "graph --format svg",
    "plan -o saved.plan",
    "show saved.plan",
    "show saved.plan --format json",
    "show saved.plan --format markdown",
    "show saved.plan --format terraform-json",
    "apply saved.plan --json",
    "apply --auto-approve",
    "status",
    "status --json",
    "drift",
    "drift --json",
    "doctor",
    "doctor --json",
    "gpus",
    "gpus --json",
    "gpus --explain a",
    "show a",
    "show a --json",
    "ssh a --print",
    "logs a",
    "state list",
    "state list --json",
    "state show a",
    "state show a --json",
    "state history",
    "state history --json",
    "state rebuild",
    "import --all",
    "unlock",
    "plan --destroy",
    "destroy --auto-approve",
    "destroy --auto-approve --json",
];

const SPEC: &str = "\
version: 1
project: acme
provider: { kind: simulator }
pods:
  a: { image: \"x/y:1\", gpu: L4, ports: [8000/http, 22/tcp] }
";

/// Puts hostile text where an answer has a text that podform does not need to be as it is.
fn soil(value: &mut Value, evil: &str) {
    const SOILED: &[&str] = &[
        "name",
        "displayName",
        "imageName",
        "image",
        "lastStatusChange",
        "detail",
        "error",
        "message",
        "title",
        "command",
        "dockerArgs",
        "sshCommand",
        "line",
        "host",
        "location",
        "machineId",
        "podHostId",
    ];
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| soil(item, evil)),
        Value::Object(entries) => {
            for (key, value) in entries {
                match value {
                    Value::String(text) if SOILED.contains(&key.as_str()) => text.push_str(evil),
                    other => soil(other, evil),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn nothing_unseen_of_an_answer_reaches_any_output() {
    for api in ["v2", "v1", "graphql"] {
        let world = World::serve();
        world.create("other");
        let target = world.place.url().to_owned();
        world.answer_by(move |method, path, body| {
            if path.contains("/logs") {
                let line = json!({ "source": "system", "ts": hostile(), "line": hostile() });
                let odd = hostile().replace(['\n', '\r'], " ");
                return (200, format!("id: 1\ndata: {line}\n\nid: 2\ndata: no JSON {odd}\n\n"));
            }
            let (status, mut answer) = request(&target, method, path, body);
            soil(&mut answer, &hostile());
            (status, answer.to_string())
        });
        world.write("pods.yaml", &SPEC.replace("kind: simulator", &format!("kind: simulator, api: {api}")));
        for arguments in LOOKS {
            let stdout = String::from_utf8(world.run(arguments).stdout).unwrap();
            if arguments.ends_with("json") && !stdout.is_empty() {
                let documents = serde_json::Deserializer::from_str(&stdout).into_iter::<Value>();
                let documents: Vec<Value> = documents.map(Result::unwrap).collect();
                if *arguments == "plan --format json" {
                    assert!(documents.iter().any(|document| holds(document, &hostile())), "{api}: {stdout}");
                }
            }
        }
    }
}

/// The text that import writes means the same as what the account has, and shows it.
#[test]
fn an_imported_name_is_the_same_name_and_can_be_seen() {
    let world = World::serve();
    world.create("web\u{202e}\u{200b}\u{e0041}\u{9b}2J ##[x]y");
    let layer = String::from_utf8(world.run("import --all").stdout).unwrap();
    world.write("more.yaml", &layer);
    let output = world.run("plan --format json -f pods.yaml -f more.yaml");
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let verbs: Vec<&Value> =
        plan["changes"].as_array().unwrap().iter().map(|change| &change["verb"]).collect();
    assert_eq!(verbs, ["create"], "{layer}\n{plan:#}");
    assert_eq!(plan["unchanged"], json!(["web-2j-x-y"]), "{layer}\n{plan:#}");
}

#[test]
fn nothing_unseen_of_a_spec_reaches_any_output() {
    let evil = hostile().replace('\n', " ");
    let quoted = serde_json::to_string(&hostile()).unwrap();
    let pod = |text: String| format!("version: 1\nproject: acme\nprovider: {{ kind: simulator }}\n{text}\n");
    let specs = [
        format!("version: 1\n{evil}: 1\n"),
        format!("version: 1\nproject: {evil}\n"),
        format!("version: 1\nproject: acme # {evil}\npodz: 1\n"),
        pod(format!("pods: {{ a: {{ image: {quoted}, gpu: L4 }} }}")),
        pod(format!("pods: {{ a: {{ image: a, gpu: {quoted} }} }}")),
        pod(format!("pods: {{ a: {{ image: a, gpu: L4, name: {quoted}, env: {{ A: {quoted} }} }} }}")),
        pod(format!(
            "pods: {{ a: {{ image: a, gpu: L4, command: [{quoted}], labels: {{ x: {quoted} }} }} }}"
        )),
        pod(format!("pods: {{ {quoted}: {{ image: a, gpu: L4 }} }}")),
        pod(format!("pods: {{ a: {{ image: a, gpu: L4, env: {{ {quoted}: b }} }} }}")),
        pod(format!(
            "vars: {{ {quoted}: b }}\npods: {{ a: {{ image: \"${{X:?{}}}\", gpu: L4 }} }}",
            "\u{9b}\u{202e}"
        )),
        pod(format!("moved: [{{ from: {quoted}, to: b }}]\nsecrets: {{ x: {{ file: {quoted} }} }}")),
        format!("a: [\n# {evil}\n"),
        evil.clone(),
    ];
    let world = World::serve();
    for (number, spec) in specs.iter().enumerate() {
        let name = if number % 2 == 0 { "pods.yaml" } else { "p\u{1b}[2J\u{202e}\u{9b}##[x].yaml" };
        world.write(name, spec);
        for arguments in ["validate", "plan", "plan --json", "config", "plan --format markdown"] {
            let arguments: Vec<&str> = arguments.split(' ').chain(["-f", name]).collect();
            let output = run(&mut world.podform(&arguments));
            assert!(!(output.stdout.is_empty() && output.stderr.is_empty()), "{number}: {arguments:?}");
        }
    }
}

/// The marks of an excerpt stand under what is wrong, however much before it had to be spelled out.
#[test]
fn an_excerpt_points_at_what_it_shows() {
    let world = World::serve();
    world.write(
        "pods.yaml",
        "version: 1\nproject: acme\npods: { a: { image: \"x\u{202e}\u{e0041}y\", gpu: L4, podz\u{200b}: 1 } } # \u{feff}\n",
    );
    let output = world.run("validate");
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @r#"
    error: invalid value
     --> pods.yaml:3:21
      |
    3 | pods: { a: { image: "x\u{202e}\u{e0041}y", gpu: L4, podz\u{200b}: 1 } } # \u{feff}
      |                     ^^^^^^^^^^^^^^^^^^^^^ `x\u{202e}\u{e0041}y` is no part of an image's name
      |
      = help: lower-case letters and digits, with `.`, `_`, `__` or `-` between them

    error: unknown key
     --> pods.yaml:3:53
      |
    3 | pods: { a: { image: "x\u{202e}\u{e0041}y", gpu: L4, podz\u{200b}: 1 } } # \u{feff}
      |                                                     ^^^^^^^^^^^^ a pod has no `podz\u{200b}`
      |
      = help: a pod has `name`, `template`, `image`, `registry`, `command`, `entrypoint`, `env`, `ports`, `gpu`, `cpu`, `cuda`, `min_vcpu`, `min_memory`, `rent`, `max_price`, `placement`, `cloud`, `disk`, `volumes`, `ssh`, `jupyter`, `global_networking`, `locked`, `depends_on`, `replicas`, `update`, `state`, `ready`, `boot`, `run`, `then`, `rerun_on`, `schedule`, `retry`, `lifecycle`, `labels`, `profiles` and `...
    "#);
}

#[test]
fn nothing_unseen_of_a_process_reaches_any_output() {
    let world = World::serve();
    let evil = hostile();
    let soiled = |arguments: &[&str]| {
        let mut command = world.podform(arguments);
        command.envs([("USER", &evil), ("HOSTNAME", &evil), ("PODFORM_VAR_X", &evil)]);
        run(&mut command)
    };
    soiled(&["apply", "--auto-approve", "-v"]);
    for arguments in
        [&["state", "history"][..], &["state", "history", "--json"], &["show", "a"], &["show", "a", "--json"]]
    {
        soiled(arguments);
    }
    // The holder of the lock is whoever wrote its row.
    let lock = world.folder.join("state/acme.simulated.db.lock");
    let lock = fs::File::options().append(true).create(true).open(lock).unwrap();
    lock.try_lock().unwrap();
    for arguments in [
        &["apply", "--auto-approve"][..],
        &["apply", "--auto-approve", "--json"],
        &["plan"],
        &["unlock"],
        &["status"],
    ] {
        soiled(arguments);
    }
    drop(lock);
    for arguments in [
        &[evil.as_str()][..],
        &["plan", &evil],
        &["plan", "-f", &evil],
        &["plan", "-o", &evil],
        &["plan", "--target", &evil],
        &["plan", "--exclude", &evil],
        &["plan", "--replace", &evil],
        &["plan", "--profile", &evil],
        &["plan", "--var", &evil],
        &["plan", "--var", &format!("X={evil}")],
        &["plan", "--format", &evil],
        &["plan", "--state", &evil],
        &["plan", "-C", &evil],
        &["apply", &evil],
        &["apply", "--approved", &evil],
        &["apply", &evil, "--json"],
        &["show", &evil],
        &["logs", &evil],
        &["ssh", &evil],
        &["ssh", "a", "--print", "--", &evil],
        &["stop", &evil],
        &["import", "a", &evil],
        &["import", &evil, "b"],
        &["state", "rm", &evil],
        &["state", "mv", &evil, "b"],
        &["state", "show", &evil],
        &["state", "history", &evil],
        &["state", "backup", &evil],
        &["gpus", "--explain", &evil],
        &["init", &evil, "--example", &evil],
        &["simulate", "--fault", &evil],
        &["simulate", "--listen", &evil],
    ] {
        soiled(arguments);
    }
    world.write("pods.yaml", &SPEC.replace("provider: { kind: simulator }\n", ""));
    let key = ("RUNPOD_API_KEY", "rpa_none");
    run(world.podform(&["plan"]).envs([key, ("RUNPOD_API_BASE_URL", &evil)]));
    let elsewhere = format!("/nowhere/{evil}");
    run(world.podform(&["plan"]).envs([
        key,
        ("RUNPOD_API_BASE_URL", "http://127.0.0.1:1"),
        ("PODFORM_STATE", &elsewhere),
    ]));
}

/// A plan file and a state are files like others: whoever can write them writes into them what he wants.
#[test]
fn nothing_unseen_of_a_plan_file_or_a_state_reaches_any_output() {
    let world = World::serve();
    world.run("plan -o saved.plan");
    let saved = fs::read_to_string(world.folder.join("saved.plan")).unwrap();
    let plan: Value = serde_json::from_str(&saved).unwrap();
    let mut places = Vec::new();
    texts(&plan, &mut String::new(), &mut places);
    assert!(places.len() > 20, "{places:?}");
    for place in places {
        let mut edited = plan.clone();
        *edited.pointer_mut(&place).unwrap() = hostile().into();
        world.write("edited.plan", &format!("{edited:#}"));
        world.run("show edited.plan");
        world.run("apply edited.plan --json");
    }
    world.run("apply --auto-approve -q");
    let state = world.folder.join("state/acme.simulated.db");
    let columns = text_columns(&rusqlite::Connection::open(&state).unwrap());
    assert!(columns.len() > 10, "{columns:?}");
    let before = fs::read(&state).unwrap();
    for (table, column) in columns {
        let soiled = rusqlite::Connection::open(&state)
            .unwrap()
            .execute(&format!("UPDATE \"{table}\" SET \"{column}\" = ?1"), [hostile()]);
        // A row that may not hold it is one that cannot reach an output.
        if soiled.is_ok_and(|rows| rows > 0) {
            for arguments in ["plan", "status", "state list --json", "state show a", "state history", "drift"]
            {
                world.run(arguments);
            }
        }
        fs::write(&state, &before).unwrap();
    }
}

/// Collects where the texts of a document are.
fn texts(value: &Value, place: &mut String, found: &mut Vec<String>) {
    let length = place.len();
    let children: Vec<(String, &Value)> = match value {
        Value::String(_) => {
            found.push(place.clone());
            return;
        }
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    };
    for (name, child) in children {
        write!(place, "/{name}").unwrap();
        texts(child, place, found);
        place.truncate(length);
    }
}

fn text_columns(database: &rusqlite::Connection) -> Vec<(String, String)> {
    let mut query = database
        .prepare(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND c.type = 'TEXT' ORDER BY 1, 2",
        )
        .unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

const DECLARED: &str = "canary\"Declared\\quokka7391/&<x>";
const LITERAL: &str = "canary-Literal-quokka8842-literal";
const LIVE: &str = "canaryLive-quokka6604-live-value";

/// Returns an error text that repeats a value as servers do.
fn echoes(value: &str) -> String {
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let percent: String =
        value
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let html = value.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    format!("{value} {} {} {percent} {html} {hex}", json(value), json(&json(value)))
}

/// Whichever request a server answers with the secrets of the account, podform passes none of them on.
#[test]
fn a_secret_that_an_answer_repeats_is_not_passed_on() {
    for (api, writes) in [("v2", &["POST", "PATCH"][..]), ("v1", &["POST", "PATCH"]), ("graphql", &["POST"])]
    {
        for failing in ["GET", "everything"].iter().chain(writes) {
            secrets_are_not_passed_on(api, failing);
        }
    }
}

fn secrets_are_not_passed_on(api: &str, failing: &'static str) {
    // The last one can only be known once a listing was read.
    let echo = [DECLARED, LITERAL, LIVE].map(echoes);
    let world = World::serve();
    let spec = format!(
        "version: 1\nproject: acme\nprovider: {{ kind: simulator, api: {api} }}\n\
         secrets: {{ s: {{ env: DECLARED }} }}\npods:\n  a: {{ image: \"x/y:1\", gpu: L4, env: \
         {{ S: {{ secret: s }}, API_TOKEN: {LITERAL}, MODE: fast }} }}\n"
    );
    world.write("pods.yaml", &spec);
    let quiet = |arguments: &str| {
        let mut command = world.podform(&arguments.split(' ').collect::<Vec<_>>());
        let output = command.env("DECLARED", DECLARED).output().unwrap();
        let all = [&output.stdout[..], b"\n", &output.stderr[..]].concat();
        let text = String::from_utf8_lossy(&all).into_owned();
        let lower = text.to_lowercase();
        for trace in ["canary", "63616e617279", "quokka"] {
            assert!(!lower.contains(trace), "{api} {failing}: {arguments}: {text}");
        }
        text
    };
    quiet("apply --auto-approve -q");
    let (_, pods) = world.place.request("GET", "/v2/pods", "");
    let mut env = pods["pods"][0]["env"].clone();
    assert_eq!(env["S"], DECLARED);
    env["LIVE"] = LIVE.into();
    let path = format!("/v2/pods/{}", pods["pods"][0]["id"].as_str().unwrap());
    assert_eq!(world.place.request("PATCH", &path, &json!({ "env": env }).to_string()).0, 200);
    let (target, echo, count) = (world.place.url().to_owned(), echo.clone(), AtomicUsize::new(0));
    world.answer_by(move |method, path, body| {
        let is_graphql = path.starts_with("/graphql");
        let reads = method == "GET" || (is_graphql && !body.contains("mutation"));
        let lists = path.split('?').next().is_some_and(|path| path.ends_with("/pods"))
            || (is_graphql && body.contains("myself"));
        let fails = match failing {
            "everything" => true,
            "GET" => reads && !lists,
            // A refused end of a pod is tried again for half a minute.
            _ => !reads && (is_graphql && !body.contains("podTerminate") || method == failing),
        };
        if !fails && path.contains("/logs") {
            // The world's own log has no end.
            return (200, "id: 1\ndata: {}\n\n".to_owned());
        }
        if !fails {
            let (status, answer) = request(&target, method, path, body);
            return (status, answer.to_string());
        }
        // Before a write comes a listing.
        let listed = !reads && failing != "everything";
        let known = if listed { echo.len() } else { echo.len() - 1 };
        let echo = &echo[count.fetch_add(1, Ordering::Relaxed) % known];
        let said = format!("decode env {{{echo}}} failed");
        // Without the code GraphQL's errors may pass, and are waited for.
        let error = json!({ "message": said, "extensions": { "code": "BAD_USER_INPUT" } });
        let body = json!({ "detail": said, "error": said, "errors": [error] });
        (if is_graphql { 200 } else { 400 }, body.to_string())
    });
    let mut said = String::new();
    for arguments in ["plan -v", "plan --json", "status", "drift", "import --all", "doctor", "gpus", "logs a"]
    {
        said += &quiet(arguments);
    }
    let changed = spec.replace("x/y:1", "x/y:2");
    let more = "  b: { image: \"x/y:1\", gpu: L4, env: { S: { secret: s } } }\n";
    world.write("pods.yaml", &format!("{changed}{more}"));
    said += &quiet("apply --auto-approve --json");
    said += &quiet("apply --auto-approve");
    said += &quiet("state history --json");
    said += &quiet("destroy --auto-approve");
    // The test can fail: the server was heard.
    assert!(said.contains("decode env {(hidden)"), "{api} {failing}: {said}");
}
