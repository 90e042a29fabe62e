//! `podform graph`: the order in which a plan would run.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::flags::Scope;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::render::graph::{GraphFormat, write_graph};
use crate::render::words;

/// Print the plan's graph of actions
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform graph --format mermaid")]
pub struct Args {
    /// How to print the graph
    #[arg(long, default_value = "dot")]
    format: GraphFormat,
    /// Graph of terminating and deleting everything that is managed
    #[arg(long)]
    destroy: bool,
    #[command(flatten)]
    scope: Scope,
}

impl ValueEnum for GraphFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Dot => "For Graphviz",
            Self::Mermaid => "For Markdown",
            Self::Svg => "For browsers",
        };
        Some(PossibleValue::new(self.word()).help(help))
    }
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { format, destroy, scope } = args;
    let mut session = Session::of_spec(shell).await?;
    if !*destroy {
        session.read_templates().await;
    }
    let planned = session.plan_only(&scope.options(*destroy, &shell.global.profiles)).await?;
    if let Some(running) = &planned.plan().in_progress {
        shell.output.note(&words::in_progress(running));
    }
    shell.output.data_in_pieces(|out| write_graph(out, planned.plan(), *format));
    Ok(exit::DONE)
}
