//! `podform init`: writes a first spec to edit, and keeps state files out of git. It never overwrites.
#![expect(clippy::disallowed_methods, reason = "this command makes files")]

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::cli::args::InitArgs;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::files::FileError;
use crate::cli::run::Shell;

/// The first spec.
const SPEC: &str = include_str!("init/pods.yaml");

/// What never belongs into git: states hold ids and addresses of pods, and change with every apply.
const IGNORED: &str = "/state/*.db*\n";

/// Runs the command.
pub fn run(shell: &Shell, args: &InitArgs) -> Result<Exit, Failure> {
    let directory = args.into.as_deref().unwrap_or_else(|| Path::new("."));
    let state = directory.join("state");
    std::fs::create_dir_all(&state).map_err(|source| failed(&state, source))?;
    let spec = SPEC.replace("PROJECT", &project_name(directory));
    for (name, text) in [("pods.yaml", spec.as_str()), (".gitignore", IGNORED)] {
        let path = directory.join(name);
        let told = if write_new(&path, text)? { "written" } else { "is there already and stays as it is" };
        shell.output.note(&format!("`{}` {told}", path.display()));
    }
    shell.output.note("edit pods.yaml, then run `podform plan`");
    Ok(exit::DONE)
}

/// Writes a file unless there is one.
fn write_new(path: &Path, text: &str) -> Result<bool, Failure> {
    match File::create_new(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true).map_err(|source| failed(path, source)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(failed(path, source)),
    }
}

fn failed(path: &Path, source: io::Error) -> Failure {
    Failure::File(FileError::writing(path, source))
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
