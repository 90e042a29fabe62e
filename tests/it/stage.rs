//! Where stories play: a folder of its own with a copy of `examples/`, and what runs in the background.
//!
//! Beside `podform` a story can say
//! - `edit FILE s/old/new/`: replace the one place where `old` stands; `\n` is a line end, any sign can be the slash;
//! - `write FILE`, followed by lines that begin with `| `; `append FILE` likewise; `bytes FILE 66 6f ff`; `remove FILE`;
//! - `cat FILE`, `ls DIR` and `copy FILE TO`;
//! - `clone NAME EDITS`: clone a pod as RunPod's console does, its variables included, with these keys of the order;
//! - `console METHOD PATH [BODY]`: do by hand what a person does in RunPod's console, with `{NAME}` in the path for
//!   the id of the pod or volume of that name (or whose name begins with `NAME`);
//! - `wait SECONDS`: let so much of the world's time pass;
//! - `lock FILE`: hold the lock on a file until the story ends, as another run would;
//! - `begin podform ARGUMENTS`: run it in the background until an action of it is begun; `end` kills it;
//! - `simulate ARGUMENTS`: serve a simulator in the background, which `podform` is then pointed at; `simulate stop`.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The binary under test.
pub(crate) const PODFORM: &str = env!("CARGO_BIN_EXE_podform");

/// The key that stories use against a simulator that is served; it must never be printed.
pub(crate) const API_KEY: &str = "rpa_SCRIPTSECRET0000000000000000000000";

/// The folder of the repository.
pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where a story plays.
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) folder: tempfile::TempDir,
    /// The folder in it where commands act.
    pub(crate) here: PathBuf,
    pub(crate) served: Option<Served>,
    locks: Vec<File>,
    begun: Option<Begun>,
    /// The ids of the processes that were in the background, which are others each time.
    pids: Vec<u32>,
}

/// A run in the background, killed at last.
pub(crate) struct Begun(Child);

impl Begun {
    /// Starts a run, and freezes it once the state says that it has begun an action and the world shows what came of it:
    /// then nothing goes on but what the story does, however long that takes.
    pub(crate) fn wait(mut run: Command, world: &Path, podform: impl Fn(&[&str]) -> Command) -> Self {
        let before = pods_in(world);
        let process = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut begun = Self(process);
        let history = |arguments: &[&str]| -> serde_json::Value {
            let asked = [&["state", "history", "--json"], arguments].concat();
            let told = podform(&asked).output().unwrap();
            serde_json::from_slice(&told.stdout).unwrap()
        };
        let has_begun = || {
            let last = history(&[])["runs"].as_array().unwrap().last().cloned().unwrap_or_default();
            let id = last["id"].as_str().filter(|_| last["ended_at"].is_null());
            id.is_some_and(|id| history(&[id]).to_string().contains("\"intended\""))
        };
        while !has_begun() || pods_in(world) == before {
            assert!(begun.0.try_wait().unwrap().is_none(), "{run:?} has ended");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let stopped = Command::new("kill").args(["-STOP", &begun.0.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        begun
    }
}

/// Reads the pods of a world's file, which does not let its time pass as a request would.
fn pods_in(world: &Path) -> Vec<(String, String)> {
    let read = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let Ok(file) = rusqlite::Connection::open_with_flags(world, read) else { return Vec::new() };
    let Ok(mut query) = file.prepare("SELECT id, body FROM pod ORDER BY id") else { return Vec::new() };
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.map_or_else(|_| Vec::new(), |rows| rows.filter_map(Result::ok).collect())
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A simulator in the background.
pub(crate) struct Served {
    process: Child,
    pub(crate) url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Takes out since when a run goes on, which the clock of this computer tells.
fn without_moments(printed: &str) -> String {
    let mut shown = printed.to_owned();
    for before in ["since ", "\"since\": \""] {
        let mut parts = shown.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        shown = parts.fold(first, |shown, rest| {
            let length =
                rest.find(|c: char| !(c.is_ascii_digit() || "-:.TZ".contains(c))).unwrap_or(rest.len());
            let moment = if length > 0 { "MOMENT" } else { "" };
            format!("{shown}{before}{moment}{}", &rest[length..])
        });
    }
    shown
}

impl Stage {
    pub(crate) fn set(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stage = Self {
            name: name.to_owned(),
            here: folder.path().to_owned(),
            folder,
            served: None,
            locks: Vec::new(),
            begun: None,
            pids: Vec::new(),
        };
        fs::create_dir(stage.path("examples")).unwrap();
        for example in fs::read_dir(self::folder().join("examples")).unwrap() {
            let example = example.unwrap();
            if example.path().is_dir() {
                continue;
            }
            fs::copy(example.path(), stage.path("examples").join(example.file_name())).unwrap();
        }
        stage
    }

    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.here.join(path)
    }

    /// Does what one line says and returns what it prints.
    pub(crate) fn act(&mut self, command: &str, text: &str) -> String {
        let words = words(command);
        let all: Vec<&str> = words.iter().map(String::as_str).collect();
        match all[..] {
            ["write", file] => {
                fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
                fs::write(self.path(file), text).unwrap();
            }
            ["append", file] => {
                let before = fs::read_to_string(self.path(file)).unwrap();
                fs::write(self.path(file), before + text).unwrap();
            }
            ["bytes", file, ref digits @ ..] => {
                let bytes = digits.iter().map(|byte| u8::from_str_radix(byte, 16).unwrap());
                fs::write(self.path(file), bytes.collect::<Vec<u8>>()).unwrap();
            }
            ["edit", file, edit] => self.edit(file, edit),
            ["remove", file] => fs::remove_file(self.path(file)).unwrap(),
            ["copy", from, to] => {
                fs::copy(self.path(from), self.path(to)).unwrap();
            }
            ["clone", pod, edits] => {
                return self.with_simulator(|url| self.clone_pod(url, pod, edits));
            }
            ["cat", file] => return fs::read_to_string(self.path(file)).unwrap(),
            ["ls", folder] => return self.list(folder),
            ["wait", seconds] => self.wait(seconds.parse().unwrap()),
            ["lock", file] => self.lock(file),
            ["link", file, name] => fs::hard_link(self.path(file), self.path(name)).unwrap(),
            ["stand", file, standing] => self.stand(file, standing),
            ["begin", ..] => self.begin(&words[1..]),
            ["end"] => drop(self.begun.take().expect("a run is begun")),
            ["simulate", "stop"] => drop(self.served.take().expect("a simulator is served")),
            ["simulate", ref arguments @ ..] => self.served = Some(self.serve(arguments)),
            ["console", method, path, ref body @ ..] => {
                return self.console(method, path, body.first().copied().unwrap_or_default());
            }
            _ => return self.run(&words),
        }
        String::new()
    }

    pub(crate) fn edit(&self, file: &str, edit: &str) {
        let slash = edit.chars().nth(1).unwrap();
        let parts: Vec<String> = edit.split(slash).map(|part| part.replace("\\n", "\n")).collect();
        let ["s", old, new, ""] = &parts.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
            panic!("{}: `{edit}` is not s/old/new/", self.name);
        };
        let before = fs::read_to_string(self.path(file)).unwrap();
        assert_eq!(before.matches(old).count(), 1, "{}: `{old}` in {file}", self.name);
        fs::write(self.path(file), before.replace(old, new)).unwrap();
    }

    fn list(&self, folder: &str) -> String {
        let Ok(entries) = fs::read_dir(self.path(folder)) else {
            return "no such folder\n".to_owned();
        };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap() + "\n").collect();
        names.sort();
        names.concat()
    }

    /// Leaves a state as a move that was killed leaves it.
    fn stand(&self, file: &str, standing: &str) {
        let state = rusqlite::Connection::open(self.path(file)).unwrap();
        assert_eq!(state.execute("UPDATE meta SET standing = ?1", [standing]).unwrap(), 1);
    }

    fn lock(&mut self, file: &str) {
        let file = File::options().create(true).append(true).open(self.path(file)).unwrap();
        file.try_lock().unwrap();
        self.locks.push(file);
    }

    /// Runs a command in the background and returns once the state says that it has begun something.
    fn begin(&mut self, words: &[String]) {
        let begun = Begun::wait(self.command(words), &self.path("state/simulator.db"), |arguments| {
            let mut command = self.podform();
            command.args(arguments);
            command
        });
        self.pids.push(begun.0.id());
        self.begun = Some(begun);
    }

    /// Runs `[NAME=VALUE]... podform ARGUMENTS [< FILE]`.
    fn run(&self, words: &[String]) -> String {
        let ended = self.command(words).output().unwrap();
        let mut printed = String::from_utf8(ended.stdout).unwrap();
        if !ended.stderr.is_empty() {
            writeln!(printed, "[stderr]\n{}", String::from_utf8(ended.stderr).unwrap().trim_end()).unwrap();
        }
        match ended.status.code() {
            Some(code) => writeln!(printed, "[exit {code}]").unwrap(),
            None => panic!("{}: {words:?} was ended by a signal", self.name),
        }
        for pid in &self.pids {
            printed = without_moments(&printed.replace(&format!("process {pid}"), "process PID"));
        }
        printed
    }

    fn command(&self, words: &[String]) -> Command {
        let (words, input) = match words {
            [words @ .., redirected, file] if redirected == "<" => (words, Some(file)),
            _ => (words, None),
        };
        let start = words.iter().position(|word| !word.contains('=')).unwrap();
        assert_eq!(words[start], "podform", "{}: unknown command `{}`", self.name, words[start]);
        let mut command = self.podform();
        if let Some(served) = &self.served {
            command.env("RUNPOD_API_BASE_URL", &served.url).env("RUNPOD_API_KEY", API_KEY);
        }
        for assignment in &words[..start] {
            let (name, value) = assignment.split_once('=').unwrap();
            command.env(name, value);
        }
        if let Some(file) = input {
            command.stdin(File::open(self.path(file)).unwrap());
        }
        command.args(&words[start + 1..]);
        command
    }

    pub(crate) fn podform(&self) -> Command {
        let mut command = Command::new(PODFORM);
        command.current_dir(&self.here).env_clear().env("HOSTNAME", "lab").stdin(Stdio::null());
        command
    }

    /// Serves a simulator whose world stands still between requests.
    fn serve(&self, arguments: &[&str]) -> Served {
        let mut process = self
            .podform()
            .args(["simulate", "--speed", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{}: `{url}` is no URL", self.name);
        Served { process, url }
    }

    /// Does something with the served simulator, or with one that serves the embedded world for so long.
    fn with_simulator<T>(&self, act: impl FnOnce(&str) -> T) -> T {
        let own = self.served.is_none().then(|| self.serve(&["--store", "state/simulator.db"]));
        act(&own.as_ref().or(self.served.as_ref()).expect("one of both").url)
    }

    /// Lets time pass: the world moves by a second with each request.
    fn wait(&self, seconds: u32) {
        self.with_simulator(|url| (0..seconds).for_each(|_| drop(request(url, "GET", "/v2/pods", ""))));
    }

    /// Sends a request as the console would.
    fn console(&self, method: &str, path: &str, body: &str) -> String {
        self.with_simulator(|url| self.ask(url, method, path, body))
    }

    fn ask(&self, url: &str, method: &str, path: &str, body: &str) -> String {
        let (before, name) = path.split_once('{').unwrap_or((path, ""));
        let path = match name.split_once('}') {
            Some((name, after)) if before == "/v2/account/secrets/" => {
                format!("{before}{}{after}", self.id_among(url, &[("/v2/account/secrets", "secrets")], name))
            }
            Some((name, after)) if before == "/v2/registries/" => {
                format!("{before}{}{after}", self.id_among(url, &[("/v2/registries", "registries")], name))
            }
            Some((name, after)) => format!("{before}{}{after}", self.id_of(url, name)),
            None => path.to_owned(),
        };
        let body = match body.split_once("{registry ") {
            None => body.to_owned(),
            Some((before, name)) => {
                let (name, after) = name.split_once('}').expect("a name and its end");
                let id = self.id_among(url, &[("/v2/registries", "registries")], name);
                format!("{before}{id}{after}")
            }
        };
        let (status, _) = request(url, method, &path, &body);
        format!("{status}\n")
    }

    /// Clones a pod as RunPod's page does, its variables included; the edits are keys of the order.
    fn clone_pod(&self, url: &str, pod: &str, edits: &str) -> String {
        let id = self.id_of(url, pod);
        let (_, answer) = request(url, "GET", &format!("/v2/pods/{id}"), "");
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let mut order = serde_json::Map::new();
        for key in ["name", "image", "env", "ports", "disk"] {
            if let Some(value) = answer.get(key).filter(|value| !value.is_null()) {
                order.insert(key.to_owned(), value.clone());
            }
        }
        let gpu = &answer["gpu"];
        order.insert("gpu".to_owned(), serde_json::json!({ "id": gpu["id"], "count": gpu["count"] }));
        let edits: serde_json::Map<String, serde_json::Value> = serde_json::from_str(edits).unwrap();
        order.extend(edits);
        let (status, _) = request(url, "POST", "/v2/pods", &serde_json::Value::from(order).to_string());
        format!("{status}\n")
    }

    /// Looks up the id of the one pod or volume with this name, or whose name begins so.
    fn id_of(&self, url: &str, name: &str) -> String {
        self.id_among(url, &[("/v2/pods", "pods"), ("/v2/network-volumes", "networkVolumes")], name)
    }

    /// Looks up the id of the one object with this name, or whose name begins so, in these lists.
    fn id_among(&self, url: &str, lists: &[(&str, &str)], name: &str) -> String {
        let mut found = Vec::new();
        for (list, key) in lists {
            let mut next = Some((*list).to_owned());
            while let Some(page) = next {
                let (_, answer) = request(url, "GET", &page, "");
                let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
                let entries = answer[*key].as_array().cloned().unwrap_or_default();
                found.extend(
                    entries.into_iter().filter(|entry| entry["name"].as_str().unwrap().starts_with(name)),
                );
                let cursor = answer["pagination"]["nextCursor"].as_str();
                next = cursor.map(|cursor| format!("{list}?cursor={cursor}"));
            }
        }
        assert_eq!(found.len(), 1, "{}: `{name}` among {found:#?}", self.name);
        found[0]["id"].as_str().unwrap().to_owned()
    }
}

/// Sends one HTTP request and returns the status and the body.
pub(crate) fn request(url: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {API_KEY}\r\n\
         User-Agent: console\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Splits a command at spaces outside single quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
