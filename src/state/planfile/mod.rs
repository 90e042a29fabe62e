//! The saved plan: one readable JSON file that a later `apply` compares with what it plans itself.
//!
//! It holds the whole plan, secrets by name only, and what the check for staleness needs beside it: which files and
//! settings the plan was made from, so that the caller can read them again, plan again with the same nonce, and
//! compare digests. It ends with a sum over all that stands before, so that what is shown is what was written. Neither
//! that sum nor the digest is keyed: who edits the file can compute both again. So the file is evidence of what was
//! approved and never instructions: the caller executes the plan that it made itself.
//! The files are the caller's: [`write()`] is given what to write to, [`read()`] a text. Start at [`SavedPlan`].

mod content;
mod layout;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Serializer;
use sha2::{Digest as _, Sha256};

use crate::model::plan::{Planned, Subject};
use crate::model::stored::{As, stored_structs};
use crate::model::text::values;
use content::{Content, Readable, Summed};
use layout::Layout;

/// The version of the file's form, raised with every change of it.
pub const VERSION: u32 = 2;

/// What marks a JSON file as a saved plan.
const FORMAT: &str = "podform plan";

/// A plan with what it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedPlan {
    /// What the planner answered.
    pub planned: Planned,
    /// What it was asked.
    pub inputs: PlanInputs,
    /// Where in the spec stands what the plan remarks on, such as `pods.yaml:12:5`, for when the files are not at hand.
    pub positions: BTreeMap<Subject, String>,
}

/// The settings of the command that made a plan, to make it again.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PlanInputs {
    /// The spec's files in order, as given, relative to the working directory.
    pub spec_files: Vec<String>,
    /// Names of the variables that were given; their values are not kept, as anybody may read the file.
    pub variables: BTreeSet<String>,
    pub profiles: BTreeSet<String>,
    /// `--target`.
    pub targets: Vec<String>,
    /// `--exclude`.
    pub excludes: Vec<String>,
    /// `--replace`.
    pub replaces: Vec<String>,
    /// `--rotate`.
    pub rotates: Vec<String>,
    /// `--unprotect`.
    pub unprotects: Vec<String>,
    /// `--destroy`.
    pub destroy: bool,
    /// `--accept-vanished`.
    pub accept_vanished: bool,
}

/// Why a file cannot be read as a saved plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// Something else.
    #[error("it is not a saved plan of podform")]
    NotAPlan,
    /// It ends in the middle.
    #[error("it is cut off in line {line}")]
    Truncated {
        /// The last line.
        line: usize,
    },
    /// So many values that what is made of them would fill the memory.
    #[error("it holds more than {MOST_VALUES} values, and no plan does")]
    TooMany,
    /// Another version of the form.
    #[error(
        "it has version {found} of the plan format, written by podform {program}; this podform reads version {known}"
    )]
    OtherVersion {
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
        /// The podform that wrote it.
        program: String,
    },
    /// There is no sum at its end.
    #[error(
        "it does not end with the sum over its content, so nothing tells whether it is as podform wrote it"
    )]
    NoContent,
    /// The sum at its end is that of something else.
    #[error("it was changed after it was written: the sum over its content is another one")]
    OtherContent,
    /// A saved plan, but not as podform wrote it.
    #[error("it is damaged: {what}")]
    Damaged {
        /// What is wrong, and where.
        what: String,
    },
}

/// Writes a plan file as it is made, in many small writes.
///
/// # Errors
/// The writer failed, or the plan would be more than [`read`] takes.
pub fn write(writer: impl io::Write, saved: &SavedPlan) -> io::Result<()> {
    let mut writer = Readable { writer, left: LARGEST, values_left: MOST_VALUES };
    let SavedPlan { planned, inputs, positions } = saved;
    let sum = RefCell::new(Sha256::new());
    let document = Written {
        format: FORMAT,
        version: VERSION,
        podform: env!("CARGO_PKG_VERSION"),
        inputs: As(inputs),
        positions: As(positions),
        planned: As(planned),
        content: Content(&sum),
    };
    let summed = Summed { writer: &mut writer, sum: &sum };
    document.serialize(&mut Serializer::with_formatter(summed, Layout::default()))?;
    writer.write_all(b"\n")
}

/// The largest plan file: one that creates a thousand pods takes about 4 MiB.
pub const LARGEST: usize = 128 << 20;

/// The most values that a plan file may hold: a plan that creates a pod has about two hundred and twenty for it, so that this
/// is what the largest file holds. Of the shortest, such as an empty text, twenty times their length is made in memory.
const MOST_VALUES: usize = 8_500_000;

/// Tells whether what a file begins with is the beginning of a plan file, so that another plan may take its place. An empty
/// one, as `mktemp` makes it, holds nothing that could be lost.
pub fn may_be_replaced(beginning: &[u8]) -> bool {
    beginning.trim_ascii().is_empty()
        || String::from_utf8_lossy(beginning).contains(&format!("\"format\": \"{FORMAT}\""))
}

/// Reads the text of a plan file.
///
/// # Errors
/// It is no plan file, not whole, not as it was written, or of another version.
pub fn read(text: &str) -> Result<SavedPlan, PlanFileError> {
    if values(text.as_bytes()) > MOST_VALUES {
        return Err(PlanFileError::TooMany);
    }
    let header: Header = serde_json::from_str(text).map_err(|error| no_header(text, &error))?;
    let Header { format, version, podform } = header;
    if format != FORMAT {
        return Err(PlanFileError::NotAPlan);
    }
    if version != VERSION {
        return Err(PlanFileError::OtherVersion { found: version, known: VERSION, program: podform });
    }
    content::check(text)?;
    let Document { inputs: As(inputs), positions: As(positions), planned: As(planned), .. } =
        serde_json::from_str(text).map_err(|error| PlanFileError::Damaged { what: error.to_string() })?;
    Ok(SavedPlan { planned, inputs, positions })
}

/// Says why not even the header could be read.
fn no_header(text: &str, error: &serde_json::Error) -> PlanFileError {
    use serde_json::error::Category;

    // Other files can speak of `podform plan` too, such as a README or a script.
    let ours = text.trim_start().starts_with('{') && text.contains(&format!("\"{FORMAT}\""));
    match error.classify() {
        Category::Eof if ours => PlanFileError::Truncated { line: error.line() },
        Category::Syntax | Category::Data if ours => PlanFileError::Damaged { what: error.to_string() },
        Category::Eof | Category::Syntax | Category::Data | Category::Io => PlanFileError::NotAPlan,
    }
}

/// What every version of the file has, so that another version can be named.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
    podform: String,
}

/// The file as it is written.
#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    version: u32,
    podform: &'static str,
    inputs: As<&'a PlanInputs>,
    positions: As<&'a BTreeMap<Subject, String>>,
    planned: As<&'a Planned>,
    content: Content<'a>,
}

/// The file as it is read, after its [`Header`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "format")]
    _format: IgnoredAny,
    #[serde(rename = "version")]
    _version: IgnoredAny,
    #[serde(rename = "podform")]
    _podform: IgnoredAny,
    inputs: As<PlanInputs>,
    positions: As<BTreeMap<Subject, String>>,
    planned: As<Planned>,
    #[serde(rename = "content")]
    _content: IgnoredAny,
}

stored_structs! {
    PlanInputs {
        spec_files, variables, profiles, targets, excludes, replaces, rotates, unprotects, destroy, accept_vanished,
    }
}
