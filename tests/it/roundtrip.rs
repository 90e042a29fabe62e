//! Pods that people made by hand, as spec text, and back: whatever an account holds, `import --all` writes a spec of it,
//! and the plan with that spec is empty.
//!
//! `PODFORM_IMPORTS` says of how many pods; they are drawn from a fixed seed and made over REST v2, and taken over by each of
//! the three APIs in turn.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]
#![expect(clippy::disallowed_macros, reason = "what was shown is said as a figure")]

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output, Stdio};

use serde_json::{Map, Value, json};

use crate::served::{Place, shown};
use crate::stage::API_KEY;

/// How many pods a plain `cargo test` takes over.
const IMPORTS: usize = 60;

/// How many pods lie in one account.
const ACCOUNT: usize = 20;

/// Texts that some reader of YAML, or of variables, takes for something else.
const TEXTS: [&str; 46] = [
    "",
    " ",
    "  x",
    "x  ",
    "a",
    "y",
    "n",
    "no",
    "No",
    "on",
    "off",
    "yes",
    "null",
    "~",
    "true",
    "0",
    "8",
    "010",
    "0x1F",
    "0o17",
    "0b1",
    "1_000",
    "1e3",
    ".5",
    "-.inf",
    ".nan",
    "22:22",
    "2026-11-21",
    "=",
    "<<",
    "- a",
    "a: b",
    "a #b",
    "#a",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "{a}",
    "[a]",
    "'",
    "\"",
    "\\n",
    "$HOME $$ ${A} $${B} ${C:-d}",
    "__podform_quoted_0__",
];

/// Pieces that longer texts are made of.
const PIECES: [&str; 20] = [
    "a",
    "Z",
    "0",
    " ",
    ":",
    "#",
    "-",
    "\n",
    "\n\n",
    "\t",
    "\r",
    "'",
    "\"",
    "\\",
    "é",
    "日本",
    "\u{1b}[2J",
    "\u{85}",
    "\u{202e}",
    "\u{1f600}",
];

/// Names of variables that readers of YAML take for something else, and others.
const NAMES: [&str; 14] =
    ["N", "Y", "NO", "ON", "OFF", "YES", "TRUE", "NULL", "A", "PORT", "_", "a_b", "E1", "DATABASE_PATH"];

/// GPUs of which the simulated world has many.
const GPUS: [&str; 4] = ["NVIDIA L4", "NVIDIA A40", "NVIDIA GeForce RTX 4090", "NVIDIA RTX A5000"];

/// Returns how many pods to take over.
fn imports() -> usize {
    let asked = std::env::var("PODFORM_IMPORTS").ok();
    asked.map_or(IMPORTS, |asked| asked.parse().expect("PODFORM_IMPORTS is a number"))
}

fn text(random: &mut fastrand::Rng) -> String {
    match random.u8(..3) {
        0 => (0..random.usize(1..12)).map(|_| *random.choice(&PIECES).unwrap()).collect(),
        1 if random.u8(..20) == 0 => "long ".repeat(random.usize(100..2_000)),
        _ => (*random.choice(&TEXTS).unwrap()).to_owned(),
    }
}

/// Makes a pod as somebody might with a request of his own.
fn pod(random: &mut fastrand::Rng, volumes: &[String]) -> Value {
    let mut pod = Map::new();
    let name = text(random);
    let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    pod.insert("name".into(), if name.trim().is_empty() { "pod".into() } else { name.into() });
    let image = ["ubuntu:24.04", "ghcr.io/acme/x-y:v1", "Registry.example.com:5000/a/b", "a"];
    pod.insert("image".into(), (*random.choice(&image).unwrap()).into());
    let mut env = Map::new();
    for _ in 0..random.usize(..5) {
        env.insert((*random.choice(&NAMES).unwrap()).to_owned(), text(random).into());
    }
    if random.u8(..10) == 0 {
        env.insert("X".repeat(300), "1".into());
    }
    pod.insert("env".into(), env.into());
    if random.bool() {
        let words: Vec<String> = (0..random.usize(1..4)).map(|_| text(random)).collect();
        let quoted = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''")));
        pod.insert("args".into(), quoted.collect::<Vec<_>>().join(" ").into());
    }
    let ports = ["8000/http", "22/tcp", "70001/tcp", "8888/http"];
    let ports: Vec<&str> = ports.into_iter().filter(|_| random.u8(..3) == 0).collect();
    pod.insert("ports".into(), json!(ports));
    pod.insert("disk".into(), random.u32(10..40).into());
    if random.u8(..4) == 0 {
        pod.insert("cpu".into(), json!({ "id": "cpu3c", "vcpuCount": 4 }));
    } else {
        pod.insert("gpu".into(), json!({ "id": random.choice(GPUS).unwrap(), "count": 1 }));
        if random.u8(..3) == 0 {
            let path = ["/workspace", "/data/a b", "/ä"];
            let mount = json!({ "size": random.u32(10..60), "path": random.choice(path).unwrap() });
            pod.insert("mounts".into(), json!({ "persistent": mount }));
        }
    }
    if !pod.contains_key("mounts") && random.u8(..3) == 0 {
        let mount = json!({ "volumeId": random.choice(volumes).unwrap(), "path": "/models" });
        pod.insert("mounts".into(), json!({ "network": [mount] }));
    }
    pod.into()
}

/// Runs a command in a folder of its own against the account.
fn podform(folder: &tempfile::TempDir, url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podform"));
    command.current_dir(folder.path()).env_clear().stdin(Stdio::null()).args(arguments);
    command.env("RUNPOD_API_BASE_URL", url).env("RUNPOD_API_KEY", API_KEY).output().unwrap()
}

/// Fills an account, takes it over by one API, and returns how many pods that were.
fn take_over(random: &mut fastrand::Rng, api: &str, count: usize) -> usize {
    let world = Place::serve(&["--speed", "0"]);
    let make = |path: &str, body: &Value| {
        let (status, made) = world.request("POST", path, &body.to_string());
        assert_eq!(status, 201, "{body}: {made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let names = ["models", "My data!", "2026-11-21", "no"];
    let volumes: Vec<String> = names
        .iter()
        .map(|name| {
            make("/v2/network-volumes", &json!({ "name": name, "size": 20, "dataCenter": "EU-RO-1" }))
        })
        .collect();
    let made: BTreeMap<String, Value> = (0..count)
        .map(|_| {
            let body = pod(random, &volumes);
            (make("/v2/pods", &body), body)
        })
        .collect();
    world.pods();
    let folder = tempfile::tempdir().unwrap();
    let spec = format!("version: 1\nproject: acme\nprovider: {{ kind: runpod, api: {api} }}\npods: {{}}\n");
    fs::write(folder.path().join("pods.yaml"), spec).unwrap();
    let run = |arguments: &[&str]| podform(&folder, world.url(), arguments);
    let imported = run(&["import", "--all", "--write", "all.yaml"]);
    assert_eq!(imported.status.code(), Some(0), "{}", shown(&imported));
    let text = fs::read_to_string(folder.path().join("all.yaml")).unwrap();
    let layers = ["-f", "pods.yaml", "-f", "all.yaml"];
    for (command, flag) in [("validate", "--quiet"), ("plan", "--detailed-exitcode")] {
        let ended = run(&[&[command, flag][..], &layers].concat());
        assert_eq!(ended.status.code(), Some(0), "{api}: {}\n{text}", shown(&ended));
    }
    // Another reader of YAML finds each variable as it was made, and `${` escaped.
    let written: Value = serde_yaml::from_str(&text).unwrap();
    let entries = written["pods"].as_object().unwrap();
    assert_eq!(entries.len(), count, "{}", shown(&imported));
    for entry in entries.values() {
        let body = &made[entry["adopt"].as_str().unwrap()];
        let typed = entry.get("env").cloned().unwrap_or_else(|| json!({}));
        let typed = serde_json::to_string(&typed).unwrap().replace("$${", "${");
        assert_eq!(serde_json::from_str::<Value>(&typed).unwrap(), body["env"], "{text}");
    }
    count
}

#[test]
fn whatever_an_account_holds_becomes_a_spec_whose_plan_is_empty() {
    let mut random = fastrand::Rng::with_seed(62);
    let mut done = 0;
    for round in 0.. {
        if done >= imports() {
            break;
        }
        let api = ["v2", "v1", "graphql"][round % 3];
        done += take_over(&mut random, api, ACCOUNT.min(imports() - done));
    }
    eprintln!("{done} pods taken over, each plan after it empty");
}

/// How many commands are taken over.
const COMMANDS: usize = 200;

/// A command, and the part of an order that asks for it in one of the forms that RunPod takes.
fn command(random: &mut fastrand::Rng) -> (Vec<String>, Vec<String>, Value) {
    let words = |random: &mut fastrand::Rng, most: usize| -> Vec<String> {
        (0..random.usize(..most)).map(|_| text(random).chars().take(200).collect()).collect()
    };
    let (entrypoint, cmd) = (words(random, 3), words(random, 5));
    let quoted = |quote: fn(&str) -> String| cmd.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    let single = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
    let double = |word: &str| {
        let escaped = word.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$").replace('`', r"\`");
        format!("\"{escaped}\"")
    };
    let stored = json!({ "entrypoint": entrypoint, "cmd": cmd }).to_string();
    let form = match random.u8(..5) {
        0 => json!({ "args": quoted(single) }),
        1 => json!({ "args": quoted(double) }),
        2 => json!({ "args": stored }),
        3 => json!({ "entrypoint": entrypoint, "cmd": cmd }),
        _ => json!({ "entrypoint": entrypoint, "cmd": cmd, "args": stored }),
    };
    let is_text = form["args"].as_str().is_some_and(|args| !args.starts_with('{'));
    (if is_text { Vec::new() } else { entrypoint }, cmd, form)
}

#[test]
fn commands_of_others_come_back_as_they_were_given() {
    let mut random = fastrand::Rng::with_seed(14);
    let world = Place::serve(&["--speed", "0", "--page", "50"]);
    let mut made = BTreeMap::new();
    for number in 0..COMMANDS {
        let (entrypoint, cmd, form) = command(&mut random);
        let mut order = json!({
            "name": format!("pod-{number}"), "image": "ubuntu:24.04", "disk": 10,
            "cpu": { "id": "cpu3c", "vcpuCount": 2 },
        });
        order.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
        let (status, pod) = world.request("POST", "/v2/pods", &order.to_string());
        assert_eq!(status, 201, "{order}: {pod}");
        made.insert(pod["id"].as_str().unwrap().to_owned(), (entrypoint, cmd));
    }
    world.pods();
    let folder = tempfile::tempdir().unwrap();
    let spec = "version: 1\nproject: acme\nprovider: { kind: runpod }\npods: {}\n";
    fs::write(folder.path().join("pods.yaml"), spec).unwrap();
    let run = |arguments: &[&str]| podform(&folder, world.url(), arguments);
    let imported = run(&["import", "--all", "--write", "all.yaml"]);
    assert_eq!(imported.status.code(), Some(0), "{}", shown(&imported));
    let text = fs::read_to_string(folder.path().join("all.yaml")).unwrap();
    let written: Value = serde_yaml::from_str(&text).unwrap();
    let entries = written["pods"].as_object().unwrap();
    assert_eq!(entries.len(), COMMANDS);
    for entry in entries.values() {
        let (entrypoint, cmd) = &made[entry["adopt"].as_str().unwrap()];
        for (key, words) in [("entrypoint", entrypoint), ("command", cmd)] {
            let typed = entry.get(key).cloned().unwrap_or_else(|| json!([]));
            let typed = serde_json::to_string(&typed).unwrap().replace("$${", "${");
            assert_eq!(serde_json::from_str::<Vec<String>>(&typed).unwrap(), *words, "{entry}");
        }
    }
    let layers = ["-f", "pods.yaml", "-f", "all.yaml", "--detailed-exitcode"];
    for command in ["plan", "drift"] {
        let ended = run(&[&[command][..], &layers].concat());
        assert_eq!(ended.status.code(), Some(0), "{}", shown(&ended));
    }
}
