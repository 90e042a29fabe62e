//! Stories as a user lives them: `tests/scripts/NAME.txt` holds commands and why, `NAME.out` all that they print.
//!
//! Each script runs the real binary in a folder of its own that holds a copy of `examples/`. Nothing is redacted:
//! the simulator's world, its clock and its ids come from a seed. `UPDATE_SCRIPTS=1` writes the `.out` files anew.
//!
//! Beside `podform`, whose arguments may hold `{digest}` for the last digest that was printed and `{hash}` for its part
//! without the price, a script can say
//! - `edit FILE s/old/new/`: replace the one place where `old` stands; `\n` is a line end, any sign can be the slash;
//! - `write FILE`, followed by lines that begin with `| `; `append FILE` likewise; `bytes FILE 66 6f ff`; `remove FILE`;
//! - `cat FILE` and `ls DIR`;
//! - `console METHOD PATH [BODY]`: do by hand what a person does in RunPod's console, with `{NAME}` in the path for
//!   the id of the pod or volume of that name (or whose name begins with `NAME`);
//! - `wait SECONDS`: let so much of the world's time pass;
//! - `lock FILE`: hold the lock on a file until the script ends, as another run would;
//! - `simulate ARGUMENTS`: serve a simulator in the background, which `podform` is then pointed at; `simulate stop`.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The binary under test.
const PODFORM: &str = env!("CARGO_BIN_EXE_podform");

/// The key that scripts use against a simulator that is served; it must never be printed.
pub(crate) const API_KEY: &str = "rpa_SCRIPTSECRET0000000000000000000000";

/// One test for each script, so that one can be run by its name.
macro_rules! scripts {
    ($($name:ident),+ $(,)?) => {
        /// Every script that has a test.
        const SCRIPTS: &[&str] = &[$(stringify!($name)),+];
        $(#[test] fn $name() { check(stringify!($name)); })+
    };
}

scripts! {
    api_limits,
    api_switch,
    approval,
    by_hand,
    changes,
    drift,
    example_comfyui_studio,
    example_data_prep,
    example_finetune_fleet,
    example_llm_pool,
    example_team,
    example_training,
    exit_codes,
    import_all,
    fault_account,
    fault_answers,
    fault_listing,
    fault_pods,
    faults,
    init,
    protect,
    quickstart,
    replicas,
    secrets,
    spec_files,
    spec_hardware,
    spec_keys,
    spec_references,
    spec_values,
    stale,
    state_commands,
    state_files,
    tools,
    usage,
}

#[test]
fn every_script_has_a_test() {
    let mut found: Vec<String> = fs::read_dir(folder().join("tests/scripts"))
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().into_string().unwrap().strip_suffix(".txt").map(str::to_owned)
        })
        .collect();
    found.sort();
    let mut listed = SCRIPTS.to_vec();
    listed.push("readme");
    listed.sort_unstable();
    assert_eq!(found, listed);
}

/// The README shows two parts of a script's output; it is checked, and written anew, with the script.
#[test]
fn readme() {
    check("readme");
    let printed = fs::read_to_string(folder().join("tests/scripts/readme.out")).unwrap();
    let said = |line: &&str| !(line.starts_with('[') && line.ends_with(']'));
    let printed: String = printed.lines().filter(said).flat_map(|line| [line, "\n"]).collect();
    let stories = ["$ podform apply", "$ podform plan"].map(|start| {
        let story = &printed[printed.find(start).unwrap()..];
        &story[..story.find("\n$ ").map_or(story.len(), |end| end + 1)]
    });
    let path = folder().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let mut blocks = readme.split("```console\n");
    let mut expected = blocks.next().unwrap().to_owned();
    for (story, block) in stories.iter().zip(blocks.by_ref()) {
        let (_, rest) = block.split_once("```").unwrap();
        write!(expected, "```console\n{story}```{rest}").unwrap();
    }
    assert_eq!(blocks.next(), None, "a session of the README that no script plays");
    if is_update() {
        fs::write(path, expected).unwrap();
    } else {
        assert_eq!(readme, expected);
    }
}

/// The stories with the most steps of a plan are the same over every API: the same plans in the same order, and the
/// same ends.
#[test]
fn stories_are_the_same_over_rest_v1() {
    check_over("quickstart", "v1");
    check_over("drift", "v1");
}

#[test]
fn stories_are_the_same_over_graphql() {
    check_over("quickstart", "graphql");
    check_over("drift", "graphql");
}

/// Plays a script over another API than the one that its expectations were written with.
fn check_over(name: &str, api: &str) {
    let file = |ending: &str| folder().join("tests/scripts").join(format!("{name}.{ending}"));
    let stage = Stage::set(name);
    // On the line where it stands, so that no other line moves.
    let over = format!("s/  kind: simulator/  {{ kind: simulator, api: {api} }}/");
    stage.edit("examples/quickstart.yaml", &over);
    let printed = common_story(&stage.play(&fs::read_to_string(file("txt")).unwrap()));
    let expected = common_story(&fs::read_to_string(file("out")).unwrap());
    if printed != expected {
        let diff = similar::TextDiff::from_lines(&expected, &printed);
        panic!("{name} over {api}:\n{}", diff.unified_diff().header("v2", api));
    }
}

/// Returns what a story tells whatever the API: all but new ids and digests, findings, what was seen while waiting,
/// and what only some APIs show, which is the age of pods, the proxy for SSH and the stock of CPUs by place.
fn common_story(printed: &str) -> String {
    let mut told = String::new();
    let mut in_findings = false;
    for line in printed.lines() {
        in_findings = line == "Findings" || in_findings && (line.is_empty() || line.starts_with("  "));
        if in_findings || line.contains(": waiting for ") || line.starts_with("Digest: ") {
            continue;
        }
        let cuts = [", stock ", ", no stock", "  https://", "  ssh ", "  no way in", "(by-hand), ", "  URL"];
        let end = cuts.iter().filter_map(|cut| line.find(cut)).min().unwrap_or(line.len());
        told.push_str(&without_ids(line[..end].trim_end()));
        told.push('\n');
    }
    told
}

/// Writes `ID` for the ids of pods, which are 14 letters and digits.
fn without_ids(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut rest = line;
    let mut told = String::new();
    while let Some(start) = rest.find(is_part) {
        let word = &rest[start..];
        let length = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let is_id = length == 14 && word[..length].contains(|c: char| c.is_ascii_digit());
        told.push_str(&rest[..start]);
        told.push_str(if is_id { "ID" } else { &word[..length] });
        rest = &word[length..];
    }
    told + rest
}

/// Tells whether expectations are to be written anew.
fn is_update() -> bool {
    std::env::var_os("UPDATE_SCRIPTS").is_some()
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a script and compares all that it prints.
fn check(name: &str) {
    let file = |ending: &str| folder().join("tests/scripts").join(format!("{name}.{ending}"));
    let script = fs::read_to_string(file("txt")).unwrap();
    let printed = Stage::set(name).play(&script);
    assert!(!printed.contains(API_KEY), "{name}: the API key was printed");
    if is_update() {
        fs::write(file("out"), &printed).unwrap();
        return;
    }
    let expected = fs::read_to_string(file("out")).unwrap_or_default();
    if printed != expected {
        let diff = similar::TextDiff::from_lines(&expected, &printed);
        let diff = diff.unified_diff().context_radius(3).header("expected", "printed").to_string();
        panic!("{name}: other output than in tests/scripts/{name}.out\n{diff}");
    }
}

/// Where a script plays: a folder, and what runs in the background.
struct Stage {
    name: String,
    folder: tempfile::TempDir,
    served: Option<Served>,
    locks: Vec<File>,
}

/// A simulator in the background.
struct Served {
    process: Child,
    url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Stage {
    fn set(name: &str) -> Self {
        let stage = Self {
            name: name.to_owned(),
            folder: tempfile::tempdir().unwrap(),
            served: None,
            locks: Vec::new(),
        };
        fs::create_dir(stage.path("examples")).unwrap();
        for example in fs::read_dir(folder().join("examples")).unwrap() {
            let example = example.unwrap();
            if example.path().is_dir() {
                continue;
            }
            fs::copy(example.path(), stage.path("examples").join(example.file_name())).unwrap();
        }
        stage
    }

    fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Plays all lines and returns them with what came of them.
    fn play(mut self, script: &str) -> String {
        let mut printed = String::new();
        let mut lines = script.lines().peekable();
        while let Some(line) = lines.next() {
            writeln!(printed, "{line}").unwrap();
            let Some(command) = line.strip_prefix("$ ") else {
                assert!(line.is_empty() || line.starts_with('#'), "{}: what is `{line}`?", self.name);
                continue;
            };
            let mut text = String::new();
            while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
                writeln!(printed, "{line}").unwrap();
                writeln!(text, "{}", line.strip_prefix("| ").unwrap_or_default()).unwrap();
            }
            let last_digest = printed
                .lines()
                .rev()
                .find_map(|line| line.strip_prefix("Digest: ").or_else(|| line.strip_prefix("digest=")));
            let last_digest = last_digest.unwrap_or_default();
            let hash = last_digest.split('-').next().unwrap_or_default();
            let command = command.replace("{digest}", last_digest).replace("{hash}", hash);
            printed.push_str(&self.act(&command, &text));
        }
        let place = self.folder.path().to_str().unwrap();
        assert!(!printed.contains(place), "{}: the output tells the folder:\n{printed}", self.name);
        printed
    }

    fn act(&mut self, command: &str, text: &str) -> String {
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
            ["cat", file] => return fs::read_to_string(self.path(file)).unwrap(),
            ["ls", folder] => return self.list(folder),
            ["wait", seconds] => self.wait(seconds.parse().unwrap()),
            ["lock", file] => self.lock(file),
            ["simulate", "stop"] => drop(self.served.take().expect("a simulator is served")),
            ["simulate", ref arguments @ ..] => self.served = Some(self.serve(arguments)),
            ["console", method, path, ref body @ ..] => {
                return self.console(method, path, body.first().copied().unwrap_or_default());
            }
            _ => return self.run(&words),
        }
        String::new()
    }

    fn edit(&self, file: &str, edit: &str) {
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

    fn lock(&mut self, file: &str) {
        let file = File::options().create(true).append(true).open(self.path(file)).unwrap();
        file.try_lock().unwrap();
        self.locks.push(file);
    }

    /// Runs `[NAME=VALUE]... podform ARGUMENTS`.
    fn run(&self, words: &[String]) -> String {
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
        let ended = command.args(&words[start + 1..]).output().unwrap();
        let mut printed = String::from_utf8(ended.stdout).unwrap();
        if !ended.stderr.is_empty() {
            writeln!(printed, "[stderr]\n{}", String::from_utf8(ended.stderr).unwrap().trim_end()).unwrap();
        }
        match ended.status.code() {
            Some(code) => writeln!(printed, "[exit {code}]").unwrap(),
            None => panic!("{}: {words:?} was ended by a signal", self.name),
        }
        printed
    }

    fn podform(&self) -> Command {
        let mut command = Command::new(PODFORM);
        command.current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
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
            Some((name, after)) => format!("{before}{}{after}", self.id_of(url, name)),
            None => path.to_owned(),
        };
        let (status, _) = request(url, method, &path, body);
        format!("{status}\n")
    }

    /// Looks up the id of the one pod or volume with this name, or whose name begins so.
    fn id_of(&self, url: &str, name: &str) -> String {
        let mut found = Vec::new();
        for (list, key) in [("/v2/pods", "pods"), ("/v2/network-volumes", "networkVolumes")] {
            let (_, answer) = request(url, "GET", list, "");
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
            let entries = answer.get(key).and_then(|entries| entries.as_array()).cloned().unwrap_or_default();
            found.extend(
                entries.into_iter().filter(|entry| entry["name"].as_str().unwrap().starts_with(name)),
            );
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
