//! `podform init`: writes a spec to begin with, or one of what an account has, its schema for editors, what git is to
//! ignore and, where asked for, workflows. It asks nothing and never overwrites.

mod account;
mod examples;

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::files::{DEFAULT_SPEC, FileError, LARGEST_SPEC, make_folder, read_at_most, write_new};
use crate::cli::shell::Shell;
use crate::spec::schema::SCHEMA;
use crate::state::whole::Readers;

use account::ImportedAccount;
use examples::{Example, File, ON_SIMULATOR};

/// The first spec.
const SPEC: &str = include_str!("init/pods.yaml");

/// The schema's file. It lies beside the spec, so that an editor finds it without a network and in the version of the
/// podform that is used.
const SCHEMA_FILE: &str = "podform.schema.json";

/// The line by which yaml-language-server, and so most editors, find the schema.
const SCHEMA_LINE: &str = "# yaml-language-server: $schema=podform.schema.json\n";

/// What never belongs into git: states hold ids and addresses of pods, and change with every apply.
const IGNORED: &str = "/state/*.db*\n";

/// The workflows. Their names are those that the workflow of the plan watches.
const WORKFLOWS: [File; 4] = [
    File { name: "podform-plan.yml", text: include_str!("../../../examples/github-actions/plan.yml") },
    File { name: "podform-apply.yml", text: include_str!("../../../examples/github-actions/apply.yml") },
    File { name: "podform-drift.yml", text: include_str!("../../../examples/github-actions/drift.yml") },
    File { name: "podform-forks.yml", text: include_str!("../../../examples/github-actions/forks.yml") },
];

/// The labels of the runners in them, for actionlint.
const RUNNER_LABELS: File =
    File { name: ".github/actionlint.yaml", text: include_str!("../../../.github/actionlint.yaml") };

/// The state in those workflows, with the project of the examples in its name.
const WORKFLOW_STATE: &str = "/srv/podform/acme.db";

/// Write a first spec to edit; never overwrites
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform init my-pods\n  podform init --example llm-pool\n  \
                  podform init --github")]
pub struct Args {
    /// Where to write it [default: the working directory]
    #[arg(value_name = "DIR")]
    into: Option<PathBuf>,
    /// Begin with this example in place of the shortest spec
    #[arg(long, value_name = "NAME")]
    example: Option<Example>,
    /// Write the pods and network volumes that an account has already: RunPod's, or the simulated one
    #[arg(
        long,
        value_name = "ACCOUNT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "runpod",
        conflicts_with = "example"
    )]
    import: Option<ImportedAccount>,
    /// The project's name [default: made of the folder's]
    #[arg(long, value_name = "NAME", value_parser = legal_name, conflicts_with = "example")]
    project: Option<String>,
    /// Also write workflows for GitHub Actions: plan, apply, drift
    #[arg(long)]
    github: bool,
}

/// Reads the name of a project as a spec has it.
fn legal_name(text: &str) -> Result<String, String> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=40).contains(&text.len()) && text.bytes().all(legal) {
        return Ok(text.to_owned());
    }
    Err("a project's name is 1 to 40 lower-case letters, digits and `-`".to_owned())
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { into, example, import, project, github } = args;
    let directory = into.as_deref().unwrap_or_else(|| Path::new("."));
    let specs = specs(*example);
    if example.is_some() || import.is_some() {
        ensure_free(directory, &specs)?;
    }
    make_folder(&directory.join("state"))?;
    let project = project.clone().unwrap_or_else(|| project_name(directory));
    let mut write = Writer { shell, directory, shown: directory };
    let texts: Vec<(&str, String)> = match import {
        Some(account) => {
            // What is relative in the spec, the simulated world and the state, is relative to where the spec lies.
            Shell::enter(directory)?;
            write.directory = Path::new(".");
            match account::first_spec(shell, &project, *account).await? {
                Some(text) => vec![(DEFAULT_SPEC, format!("{SCHEMA_LINE}{text}"))],
                None => return Ok(exit::DONE),
            }
        }
        None => specs.iter().map(|File { name, text }| (*name, spec_text(text, &project))).collect(),
    };
    for (name, text) in &texts {
        write.new_file(name, text)?;
    }
    write.new_file(SCHEMA_FILE, SCHEMA)?;
    write.ignored()?;
    if *github {
        write.workflows(&project_of(&specs).unwrap_or(project))?;
    }
    for line in next(into.as_deref(), *example) {
        shell.output.note(&line);
    }
    Ok(exit::DONE)
}

/// Returns the spec files to write.
fn specs(example: Option<Example>) -> Vec<File> {
    match example {
        None => vec![File { name: "pods.yaml", text: SPEC }],
        Some(example) if example.is_simulated() => example.files().to_vec(),
        Some(example) => example.files().iter().copied().chain([ON_SIMULATOR]).collect(),
    }
}

/// Returns a spec's text as it stands in a folder of its own, where `pods.yaml` is read by default.
fn spec_text(text: &str, project: &str) -> String {
    let text = text.replace(" -f examples/quickstart.yaml", "");
    format!("{SCHEMA_LINE}{}", text.replace("project: PROJECT", &format!("project: {project}")))
}

/// Returns the project that an example names.
fn project_of(specs: &[File]) -> Option<String> {
    let mut lines = specs.iter().flat_map(|file| file.text.lines());
    let project = lines.find_map(|line| line.strip_prefix("project: "))?;
    (project != "PROJECT").then(|| project.to_owned())
}

/// Makes sure that an example that was asked for is what will be there.
fn ensure_free(directory: &Path, specs: &[File]) -> Result<(), Failure> {
    match specs.iter().map(|file| directory.join(file.name)).find(|path| path.try_exists().unwrap_or(true)) {
        Some(path) => Err(FileError::writing(&path, io::ErrorKind::AlreadyExists.into()).into()),
        None => Ok(()),
    }
}

/// Returns what to do next, a line each.
fn next(into: Option<&Path>, example: Option<Example>) -> Vec<String> {
    let enter = into.map(|path| format!("cd {} && ", path.display())).unwrap_or_default();
    let Some(example) = example else {
        return vec![format!("next: {enter}podform plan")];
    };
    let files: String = match example.first_spec() {
        [_alone] => String::new(),
        layers => layers.iter().map(|file| format!(" -f {}", file.name)).collect(),
    };
    if example.is_simulated() {
        return vec![format!("next: {enter}podform plan{files}")];
    }
    let named = if files.is_empty() { " -f pods.yaml" } else { &files };
    vec![
        format!("next, on the simulator: {enter}podform plan{named} -f {}", ON_SIMULATOR.name),
        format!("next, in your account:  export RUNPOD_API_KEY=... && {enter}podform plan{files}"),
    ]
}

/// Writes files below a folder and says what became of each.
struct Writer<'a> {
    shell: &'a Shell,
    directory: &'a Path,
    /// The folder as it was named.
    shown: &'a Path,
}

impl Writer<'_> {
    /// Writes a file unless there is one.
    fn new_file(&self, name: &str, text: &str) -> Result<bool, Failure> {
        let path = self.directory.join(name);
        let written = match write_new(&path, Readers::Everybody, text.as_bytes()) {
            Ok(()) => true,
            Err(FileError { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error.into()),
        };
        let told = if written { "written" } else { "is there already and stays as it is" };
        self.say(name, told);
        Ok(written)
    }

    fn ignored(&self) -> Result<(), Failure> {
        if !self.new_file(".gitignore", IGNORED)? && !self.ignores_states() {
            self.say(".gitignore", &format!("lacks the line `{}`", IGNORED.trim_end()));
        }
        Ok(())
    }

    /// Tells whether the file that is there has the line; one that cannot be read has not.
    fn ignores_states(&self) -> bool {
        let bytes = read_at_most(&self.directory.join(".gitignore"), LARGEST_SPEC).unwrap_or_default();
        String::from_utf8_lossy(&bytes)
            .lines()
            .any(|line| line.trim().trim_start_matches('/').starts_with("state/"))
    }

    fn workflows(&self, project: &str) -> Result<(), Failure> {
        let folder = PathBuf::from(".github").join("workflows");
        make_folder(&self.directory.join(&folder))?;
        for File { name, text } in WORKFLOWS {
            let text = text.replace(WORKFLOW_STATE, &format!("/srv/podform/{project}.db"));
            self.new_file(&folder.join(name).display().to_string(), &text)?;
        }
        self.new_file(RUNNER_LABELS.name, &RUNNER_LABELS.text.replace(" in `examples/github-actions`", ""))?;
        let output = &self.shell.output;
        output.note("before you commit the workflows: write the repository that you took podform from for `OWNER/podform`,");
        output.note("  give an environment `production` that only the branch main deploys to the secret RUNPOD_API_KEY,");
        output.note("  and the repository RUNPOD_API_KEY_READ, a key that may read only;");
        output.note(
            "  have a runner of your own for plans and another for apply: docs/concepts/approval.md says why",
        );
        if !self.directory.join(".git").exists() {
            output.note("  GitHub reads workflows at the root of a repository, and this folder is none");
        }
        Ok(())
    }

    fn say(&self, name: &str, told: &str) {
        self.shell.output.note(&format!("`{}` {told}", self.shown.join(name).display()));
    }
}

/// Makes a project name of the directory's.
fn project_name(directory: &Path) -> String {
    let directory = directory.canonicalize().unwrap_or_default();
    let name = directory.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let kept: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let kept = kept.trim_matches('-');
    if kept.is_empty() { "my-pods".to_owned() } else { kept.to_owned() }
}
