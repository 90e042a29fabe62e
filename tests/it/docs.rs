//! The pages for users hold what they say: every command on them is run, and every file on them is used.
//!
//! A page plays in one folder and one shell, from its top to its end. What its fenced blocks mean:
//! - `console`: lines `$ command`, each with all that it prints. Nothing is redacted: the simulator's world, its clock
//!   and its ids come from a seed. A command that does not end with 0 is followed by `$ echo $?`.
//! - `yaml`: the file that its first line names, such as `# pods.yaml`. Without a name it is a part of a spec, and valid.
//! - `diff`: a change of the file that its first line names.
//! - the kinds of [`NOT_RUN`]. Any other kind is a mistake.
//!
//! A comment `<!-- $ ... -->`, or one of several such lines, holds stage directions: what happens elsewhere, such as in
//! RunPod's console, in the words of `stage.rs`; and `new folder`, after which nothing is left of what was before.
//! While a simulator is served, `$SIMULATOR` is its URL.
//!
//! `UPDATE_DOCS=1` writes what the commands print into the pages.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use clap::Parser;
use clap::error::ErrorKind;
use podform::cli::Cli;

use crate::stage::{API_KEY, PODFORM, Stage, folder};

/// The kinds of blocks that are shown only, and why they cannot be run here.
const NOT_RUN: &[(&str, &str)] = &[
    ("sh account", "needs a key of RunPod; the commands of podform in it are parsed"),
    ("sh install", "installs programs on the reader's computer"),
    ("sh example", "stands in the help of a command; it is parsed"),
    ("yaml workflow", "runs on GitHub; it must stand in `examples/github-actions`"),
    ("yaml other", "is the file of another tool"),
    ("sql other", "is for another program"),
    ("hcl other", "is the file of another tool"),
    ("text", "is no program: a drawing, or the shape of something"),
];

/// One test for each page, so that one can be run by its name.
macro_rules! pages {
    ($($name:ident: $path:literal),+ $(,)?) => {
        /// Every page that has a test.
        const PAGES: &[&str] = &[$($path),+];
        $(#[test] fn $name() { check($path); })+
    };
}

pages! {
    coming_from: "docs/coming-from.md",
    concept_approval: "docs/concepts/approval.md",
    concept_capacity: "docs/concepts/capacity.md",
    concept_cost: "docs/concepts/cost.md",
    concept_drift: "docs/concepts/drift.md",
    concept_ready: "docs/concepts/ready.md",
    concept_jobs: "docs/concepts/jobs.md",
    concept_reach: "docs/concepts/reach.md",
    concept_replace: "docs/concepts/replace.md",
    concept_secrets: "docs/concepts/secrets.md",
    concept_state: "docs/concepts/state.md",
    concept_targets: "docs/concepts/targets.md",
    concept_team_state: "docs/concepts/team-state.md",
    concept_templates: "docs/concepts/templates.md",
    crash_safety: "docs/crash-safety.md",
    guide: "docs/guide.md",
    index: "docs/README.md",
    readme: "README.md",
    migration: "docs/migration-v1-to-v2.md",
    performance: "docs/performance.md",
    reference_commands: "docs/reference/commands.md",
    reference_spec: "docs/reference/spec.md",
    simulator: "docs/simulator.md",
}

#[test]
fn every_page_has_a_test() {
    let found: BTreeSet<String> = pages_below("docs").into_iter().collect();
    let listed =
        PAGES.iter().filter(|page| page.starts_with("docs/")).map(|page| (*page).to_owned()).collect();
    assert_eq!(found, listed);
}

#[test]
fn every_page_stands_in_the_index() {
    let index = read("docs/README.md");
    let linked: BTreeSet<String> = links(&index).iter().map(|link| format!("docs/{link}")).collect();
    let missing: Vec<_> =
        PAGES.iter().filter(|page| **page != "docs/README.md" && page.starts_with("docs/")).collect();
    let missing: Vec<_> = missing.into_iter().filter(|page| !linked.contains(**page)).collect();
    assert!(missing.is_empty(), "docs/README.md does not link {missing:?}");
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages = pages_below("docs");
    pages.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "state/README.md"].map(str::to_owned));
    let mut broken = String::new();
    for page in pages {
        for link in links(&read(&page)) {
            if !is_good(&page, &link) {
                writeln!(broken, "{page}: {link}").unwrap();
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere:\n{broken}");
}

/// What stands as code within a sentence parses, too.
#[test]
fn every_command_in_a_sentence_is_one() {
    let mut wrong = String::new();
    for page in pages_below("docs").iter().map(String::as_str).chain(["README.md"]) {
        for line in prose(&read(page)) {
            for command in line.split('`').skip(1).step_by(2).filter(|code| code.starts_with("podform ")) {
                if let Some(error) = mistake_in(command) {
                    writeln!(wrong, "{page}: `{command}`: {error}").unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Plays a page and compares it with itself.
fn check(path: &str) {
    let page = read(path);
    let played = play(path, &page);
    if played == page {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(folder().join(path), played).unwrap();
    } else {
        let diff = similar::TextDiff::from_lines(&page, &played);
        panic!(
            "{path} shows other output than is printed\n{}",
            diff.unified_diff().header("shown", "printed")
        );
    }
}

/// Does all that stands on a page and returns it with what is printed now.
fn play(path: &str, page: &str) -> String {
    let mut shell = Shell::open(path);
    let mut played = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        writeln!(played, "{line}").unwrap();
        if let Some(direction) = line.strip_prefix("<!-- $ ") {
            shell.direct(direction.strip_suffix(" -->").expect("a direction ends on its line"));
        } else if line == "<!--" {
            for direction in lines.by_ref().take_while(|line| *line != "-->") {
                writeln!(played, "{direction}").unwrap();
                shell.direct(direction.strip_prefix("$ ").expect("a direction begins with `$ `"));
            }
            played.push_str("-->\n");
        } else if let Some(kind) = line.strip_prefix("```") {
            let body: String =
                lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
            played.push_str(&shell.perform(kind, &body));
            played.push_str("```\n");
        } else {
            assert!(!line.contains("```"), "{path}: blocks begin at the margin: {line}");
        }
    }
    played
}

/// A shell in a folder where a page plays.
struct Shell {
    stage: Stage,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Shell {
    /// What stands between the outputs of two commands.
    const END: &str = "-- the command ended with";

    fn open(page: &str) -> Self {
        let stage = Stage::set(page);
        let programs = Path::new(PODFORM).parent().unwrap().to_str().unwrap();
        let mut process = Command::new("/bin/sh")
            .current_dir(stage.folder.path())
            .env_clear()
            .env("PATH", format!("{programs}:/usr/bin:/bin"))
            .env("HOME", stage.folder.path())
            .env("USER", "ada")
            .env("HOSTNAME", "laptop")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        // One pipe for both, so that lines come in the order in which a person sees them.
        writeln!(input, "exec 2>&1").unwrap();
        Self { stage, process, input, output }
    }

    /// Does what happens behind the page.
    fn direct(&mut self, direction: &str) {
        if direction == "new folder" {
            *self = Self::open(&self.stage.name);
            return;
        }
        let answer = self.stage.act(direction, "");
        // Answers of the simulator are the status of HTTP alone.
        assert!(answer.is_empty() || answer.starts_with('2'), "{}: {direction}: {answer}", self.stage.name);
        if let Some(served) = &self.stage.served {
            writeln!(self.input, "SIMULATOR={}", served.url).unwrap();
        }
    }

    /// Does what a block says and returns it as it should be.
    fn perform(&mut self, kind: &str, body: &str) -> String {
        let first = body.lines().next().unwrap_or_default();
        let file = first.strip_prefix("# ").filter(|name| name.ends_with(".yaml"));
        match (kind, file) {
            ("console", _) => return self.converse(body),
            ("yaml", Some(file)) => fs::write(self.stage.path(file), body).unwrap(),
            ("yaml", None) => ensure_valid(&self.stage.name, body),
            ("diff", Some(file)) => self.change(file, body),
            ("yaml workflow", _) => ensure_workflow(&self.stage.name, body),
            _ => {
                let is_known = NOT_RUN.iter().any(|(known, _why)| *known == kind);
                assert!(is_known, "{}: what kind of block is `{kind}`?\n{body}", self.stage.name);
                let is_shell = kind.starts_with("sh ");
                for command in body.lines().filter(|line| is_shell && line.starts_with("podform ")) {
                    assert_eq!(mistake_in(command), None, "{}: {command}", self.stage.name);
                }
            }
        }
        body.to_owned()
    }

    /// Runs the commands of a block and returns them with what they print.
    fn converse(&mut self, body: &str) -> String {
        let commands: Vec<&str> = body.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        assert!(body.starts_with("$ "), "{}: output without a command:\n{body}", self.stage.name);
        let mut printed = String::new();
        for (at, command) in commands.iter().enumerate() {
            let (output, code) = self.run(command);
            let is_told = code == 0 || commands.get(at + 1).is_some_and(|next| next.contains("$?"));
            assert!(
                is_told,
                "{}: `{command}` ended with {code}, and the page does not say so:\n{output}",
                self.stage.name
            );
            write!(printed, "$ {command}\n{output}").unwrap();
        }
        printed
    }

    /// Runs a command and returns what it prints, and its exit code.
    fn run(&mut self, command: &str) -> (String, i32) {
        let end = Self::END;
        writeln!(
            self.input,
            "{{ {command}\n}} </dev/null\ncode=$?; printf '\\n%s %s %s\\n' '{end}' $code \"$PWD\"; (exit $code)"
        )
        .unwrap();
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).unwrap();
            assert!(read > 0, "{}: the shell ended at `{command}`:\n{printed}", self.stage.name);
            if let Some(ended) = line.strip_prefix(end) {
                let (code, here) = ended.trim().split_once(' ').unwrap();
                self.stage.here = here.into();
                // The line end before the mark is not the command's.
                printed.truncate(printed.len() - 1);
                if !printed.is_empty() && !printed.ends_with('\n') {
                    printed.push('\n');
                }
                let place = self.stage.folder.path().to_str().unwrap();
                assert!(
                    !printed.contains(place),
                    "{}: the output tells the folder:\n{printed}",
                    self.stage.name
                );
                assert!(!printed.contains(API_KEY), "{}: the API key was printed", self.stage.name);
                return (printed, code.parse().unwrap());
            }
            printed.push_str(&line);
        }
    }

    /// Makes the change that a `diff` shows, at the one place where it fits.
    fn change(&self, file: &str, diff: &str) {
        let side = |other: char| -> String {
            let lines = diff.lines().skip(1).filter(|line| !line.starts_with(other));
            lines.flat_map(|line| [line.get(1..).unwrap_or_default(), "\n"]).collect()
        };
        let path = self.stage.path(file);
        let before = fs::read_to_string(&path).unwrap();
        let old = side('+');
        assert_eq!(before.matches(&old).count(), 1, "{}: in {file} there is not\n{old}", self.stage.name);
        fs::write(path, before.replace(&old, &side('-'))).unwrap();
    }
}

/// Checks a part of a spec, with what every spec has.
fn ensure_valid(page: &str, part: &str) {
    let place = tempfile::tempdir().unwrap();
    let head = if part.contains("version:") { "" } else { "version: 1\nproject: part\n" };
    fs::write(place.path().join("pods.yaml"), format!("{head}{part}")).unwrap();
    let ended = Command::new(PODFORM).current_dir(place.path()).env_clear().arg("validate").output().unwrap();
    assert!(ended.status.success(), "{page}:\n{part}\n{}", String::from_utf8_lossy(&ended.stderr));
}

/// Checks that a part of a workflow is one that users can copy.
fn ensure_workflow(page: &str, part: &str) {
    let workflows = fs::read_dir(folder().join("examples/github-actions")).unwrap();
    let stands = |path: PathBuf| fs::read_to_string(path).unwrap().contains(part);
    let is_there = workflows.into_iter().any(|workflow| stands(workflow.unwrap().path()));
    assert!(is_there, "{page}: no workflow of examples/github-actions has\n{part}");
}

/// Tells what is wrong with a command of podform; one that is named without its arguments is right.
fn mistake_in(command: &str) -> Option<String> {
    let command = command.split([';', '|', '>', '&', '#']).next().unwrap_or_default();
    let error = Cli::try_parse_from(command.split_whitespace()).err()?;
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::MissingRequiredArgument
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::MissingSubcommand => None,
        _ => Some(error.to_string()),
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the pages in a folder and the folders in it.
fn pages_below(directory: &str) -> Vec<String> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder().join(directory)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{directory}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            pages.extend(pages_below(&path));
        } else if path.ends_with(".md") {
            pages.push(path);
        }
    }
    pages
}

/// Returns the lines of a page that are in no block.
fn prose(page: &str) -> Vec<&str> {
    let mut is_inside = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            is_inside = !is_inside;
        } else if !is_inside {
            lines.push(line);
        }
    }
    lines
}

/// Returns where the links of a page lead, those to the web apart.
fn links(page: &str) -> Vec<String> {
    let targets = prose(page).into_iter().flat_map(|line| line.split("](").skip(1));
    let targets = targets.filter_map(|rest| rest.split_once(')')).map(|(target, _rest)| target);
    targets.filter(|target| !target.starts_with("https://")).map(str::to_owned).collect()
}

/// Tells whether there is what a link leads to: a file or folder, and the heading if it names one.
fn is_good(page: &str, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target =
        if path.is_empty() { PathBuf::from(page) } else { Path::new(page).parent().unwrap().join(path) };
    let target = folder().join(target);
    if anchor.is_empty() {
        return target.exists();
    }
    let Ok(text) = fs::read_to_string(target) else { return false };
    prose(&text).iter().filter(|line| line.starts_with('#')).any(|line| slug(line) == anchor)
}

/// Returns the anchor that a heading has on GitHub.
fn slug(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
