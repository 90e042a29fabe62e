//! `podform man`: the manual page of podform, or one for each command, made from the definition of the command line.

use std::path::PathBuf;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::files::{make_folder, write_whole};
use crate::cli::shell::Shell;
use crate::state::whole::Readers;

/// Print the manual page, or write one for each command
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform man > podform.1\n  podform man --into ~/.local/share/man/man1")]
pub struct Args {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

pub fn run(shell: &Shell, args: &Args, mut command: clap::Command) -> Result<Exit, Failure> {
    // Builds what commands take over from those above them, the global options above all.
    command.build();
    let Some(folder) = &args.into else {
        shell.output.as_written(&String::from_utf8_lossy(&page(&command, "podform")?));
        return Ok(exit::DONE);
    };
    make_folder(folder)?;
    let mut open = vec![("podform".to_owned(), command)];
    while let Some((name, command)) = open.pop() {
        let path = folder.join(format!("{name}.1"));
        write_whole(&path, Readers::Everybody, &page(&command, &name)?)?;
        shell.output.note(&format!("`{}` written", path.display()));
        let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
        open.extend(visible.map(|below| (format!("{name}-{}", below.get_name()), below.clone())));
    }
    shell.output.note(&format!("next: man {}", folder.join("podform.1").display()));
    Ok(exit::DONE)
}

fn page(command: &clap::Command, name: &str) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(command.clone()).title(name);
    let failed = |source| Failure::System { doing: "write the manual page", source };
    man.render(&mut text).map_err(failed)?;
    Ok(text)
}
