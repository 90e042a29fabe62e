//! `podform completions` and `podform man`: made from the definition of the command line.

use clap::CommandFactory;
use clap_complete::Shell as Kind;

use crate::cli::args::{Cli, ManArgs};
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::files::{make_folder, write_whole};
use crate::cli::run::Shell;
use crate::state::whole::Readers;

/// Prints the completions for a shell.
pub fn run(shell: &Shell, kind: Kind) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(kind, &mut Cli::command(), "podform", &mut text);
    shell.output.as_written(&String::from_utf8_lossy(&text));
    Ok(exit::DONE)
}

/// Prints the manual page of podform, or writes one for each command into a folder.
pub fn manual(shell: &Shell, args: &ManArgs) -> Result<Exit, Failure> {
    let ManArgs { into } = args;
    let mut command = Cli::command();
    // Builds what commands take over from those above them, the global options above all.
    command.build();
    let Some(folder) = into else {
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
