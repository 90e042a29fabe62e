//! `podform unlock`: removes a lock that another computer left behind, showing whose it was.

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::state::place::Place;

pub async fn run(shell: &Shell) -> Result<Exit, Failure> {
    let session = Session::of_spec(shell).await?;
    let said = match session.state.unlock().await? {
        Some(lease) => format!("The lock of {lease} is removed.\n"),
        None => "Nobody holds a lock.\n".to_owned(),
    };
    shell.output.data(&said);
    Ok(exit::DONE)
}
