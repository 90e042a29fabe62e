//! Turns plans, notices and outcomes into text.
//!
//! Pure: it knows no terminal, no file and no clock, and decides nothing about pods. A plan is sorted, grouped and
//! masked once, in [`view`], and every format reads that view, so that no two formats can tell different stories.
//! All text that came from outside (names, images, values of variables, answers of the API) is hostile: it goes
//! through [`escape`] on its way out.
//!
//! Start at [`view`], then [`human`]. [`words`] holds the sentences that the formats share; `object` writes JSON.
//!
//! To add a format: a file that lays out the view, a variant of [`Format`], and its output in `tests/formats`. To add a
//! case of something in a plan: the compiler leads to its sentence in [`words`].

pub mod difference;
pub mod escape;
pub mod graph;
pub mod human;
pub mod json;
pub mod markdown;
pub mod money;
mod object;
pub mod outcome;
pub mod outputs;
pub mod progress;
pub mod ranges;
pub mod rows;
pub mod stream;
pub mod style;
pub mod terraform_json;
pub mod value;
pub mod view;
pub mod words;

#[cfg(test)]
#[path = "../../tests/support/sample/mod.rs"]
mod sample;

use std::fmt;

use crate::model::plan::{Planned, Subject};

use self::graph::GraphFormat;
use self::style::Style;

/// Tells where in the spec something stands, such as `pods.yaml:12:5`; `None` where that is not known.
///
/// The core holds no positions, so the caller answers from what `spec` kept.
pub type Positions<'a> = &'a dyn Fn(&Subject) -> Option<String>;

/// Answers that no position is known, as for a saved plan whose files are not at hand.
pub fn no_positions(_: &Subject) -> Option<String> {
    None
}

/// A format for plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For people at a terminal or in a log.
    Human,
    /// podform's own JSON.
    Json,
    /// Terraform's plan JSON, for its tools.
    TerraformJson,
    /// A comment on a pull request.
    Markdown,
    /// Numbers for continuous integration.
    Outputs,
    /// A picture of the order of the actions.
    Graph(GraphFormat),
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 8] = [
        Self::Human,
        Self::Json,
        Self::TerraformJson,
        Self::Markdown,
        Self::Outputs,
        Self::Graph(GraphFormat::Dot),
        Self::Graph(GraphFormat::Mermaid),
        Self::Graph(GraphFormat::Svg),
    ];

    /// Returns the word for `--format`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::TerraformJson => "terraform-json",
            Self::Markdown => "markdown",
            Self::Outputs => "outputs",
            Self::Graph(format) => format.word(),
        }
    }
}

/// Writes a plan in a format. Only [`Format::Human`] uses the style.
pub fn write_plan(
    out: &mut dyn fmt::Write,
    format: Format,
    planned: &Planned,
    positions: Positions<'_>,
    style: Style,
) -> fmt::Result {
    match format {
        Format::Human => human::write_plan(out, planned, positions, style),
        Format::Json => json::write_json(out, planned, positions),
        Format::TerraformJson => terraform_json::write_terraform_json(out, planned, positions),
        Format::Markdown => markdown::write_markdown(out, planned, positions),
        Format::Outputs => outputs::write_outputs(out, planned),
        Format::Graph(format) => graph::write_graph(out, planned.plan(), format),
    }
}
