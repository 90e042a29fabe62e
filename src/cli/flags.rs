//! Flags that several commands share; those of a single one stand beside it.
//!
//! The comments that say `///` are what `--help` prints. A group has none of its own, as it would go before that of the
//! command which takes it in.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::tolerance::PriceTolerance;
use crate::model::address::Address;
use crate::model::seconds::Seconds;
use crate::plan::{Options, Pattern, Rotation};
use crate::render::Format;
use crate::render::graph::GraphFormat;

// What every command takes.
#[derive(Args)]
pub struct Global {
    /// Run as if started in this directory; paths in the spec are relative to it
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = "Global options")]
    pub directory: Option<PathBuf>,
    /// Spec file, `-` for standard input; several are merged in order [default: pods.yaml]
    #[arg(short, long = "file", value_name = "FILE", global = true, help_heading = "Global options")]
    pub files: Vec<PathBuf>,
    /// Set a variable of the spec
    #[arg(long = "var", value_name = "NAME=VALUE", global = true, help_heading = "Global options")]
    pub variables: Vec<Assignment>,
    /// Select pods that belong to this profile
    #[arg(long = "profile", value_name = "NAME", global = true, help_heading = "Global options")]
    pub profiles: Vec<String>,
    /// State: a file, or a URL of a database or bucket [default: that of the spec, or state/PROJECT.db]
    #[arg(long, value_name = "PATH|URL", global = true, help_heading = "Global options")]
    pub state: Option<String>,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true, help_heading = "Global options")]
    pub color: ColorWhen,
    /// Say more
    #[arg(short, long, global = true, conflicts_with = "quiet", help_heading = "Global options")]
    pub verbose: bool,
    /// Say only what was asked for, and errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

// What a plan is about.
#[derive(Args)]
pub struct Selection {
    /// Plan only these addresses and what must go along with them; `*` matches anything
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// Leave these addresses alone; `*` matches anything
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
}

// What narrows or bends a plan.
#[derive(Args)]
pub struct Scope {
    #[command(flatten)]
    pub selection: Selection,
    /// Replace this pod even if it is as wanted; a key without a number means all of its replicas
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<Address>,
    /// Send the value of this secret or registry, which podform made in RunPod, again; the pods of a registry are reset
    #[arg(long, value_name = "NAME")]
    pub rotate: Vec<Rotation>,
    /// Go on although every recorded object is gone
    #[arg(long)]
    pub accept_vanished: bool,
    /// Lift the remembered protection of this address for this plan; a key without a number means all of its replicas
    #[arg(long, value_name = "ADDRESS")]
    pub unprotect: Vec<Address>,
}

// How a plan is executed.
#[derive(Args)]
pub struct RunArgs {
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Do not ask if the plan has this digest, exit with 6 otherwise
    #[arg(long, value_name = "DIGEST", conflicts_with = "auto_approve")]
    pub approved: Option<String>,
    /// Let what the changed addresses cost differ by so much from what was approved, such as 5%
    #[arg(long, value_name = "PERCENT")]
    pub price_tolerance: Option<PriceTolerance>,
    /// Apply a commit that does not come after the one applied last, this once
    #[arg(long)]
    pub accept_commit: bool,
    /// Print one JSON object a line, in the words of Terraform's machine-readable UI
    #[arg(long)]
    pub json: bool,
    /// How many actions run at once, not counting those that only wait for what they began
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub parallelism: u16,
    /// How long to wait for a pod to run
    #[arg(long, value_name = "DURATION", default_value = "20m")]
    pub wait_timeout: Seconds,
    /// How long to wait for a job that something else waits for: it is looked at every few seconds, its log every minute while
    /// its pod is up, and both once more when the time is over
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub job_timeout: Seconds,
    #[command(flatten)]
    pub lock: LockTimeout,
}

// How patient a command is.
#[derive(Args)]
pub struct LockTimeout {
    /// How long to wait for another run to finish
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    lock_timeout: Seconds,
}

impl LockTimeout {
    /// Returns how long to wait for the lock.
    pub fn patience(&self) -> Duration {
        self.lock_timeout.duration()
    }
}

impl Scope {
    /// Returns the planner's options for these flags; `profiles` are those that were chosen.
    pub fn options(&self, destroy: bool, profiles: &[String]) -> Options {
        let Self { selection, replace, rotate, accept_vanished, unprotect } = self;
        Options {
            replace: replace.iter().cloned().collect(),
            rotate: rotate.iter().cloned().collect(),
            accept_vanished: *accept_vanished,
            unprotect: unprotect.iter().cloned().collect(),
            ..selection.options(destroy, profiles)
        }
    }
}

impl Selection {
    /// Returns the planner's options for these flags; `profiles` are those that were chosen.
    pub fn options(&self, destroy: bool, profiles: &[String]) -> Options {
        let Self { target, exclude } = self;
        Options {
            targets: patterns(target),
            excludes: patterns(exclude),
            destroy,
            whatever_profile: profiles.is_empty(),
            ..Options::default()
        }
    }
}

/// Reads patterns; every text is one.
pub fn patterns(texts: &[String]) -> Vec<Pattern> {
    texts.iter().map(|text| text.parse().unwrap_or_else(|never| match never {})).collect()
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Human => "For people",
            Self::Json => "For machines",
            Self::TerraformJson => "Terraform's plan format, for tools that read it",
            Self::Markdown => "For comments on pull requests",
            Self::Outputs => "Numbers as `name=value`, for continuous integration",
            Self::Graph(GraphFormat::Dot) => "The order of the actions, for Graphviz",
            Self::Graph(GraphFormat::Mermaid) => "The order of the actions, for Markdown",
            Self::Graph(GraphFormat::Svg) => "The order of the actions, for browsers",
        };
        Some(PossibleValue::new(self.word()).help(help))
    }
}

/// `NAME=VALUE`, where the value may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub name: String,
    pub value: String,
}

impl FromStr for Assignment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
        if !is_name {
            return Err("a name is made of letters, digits and `_`");
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_split_at_the_first_equals_sign() {
        let assignment = Assignment { name: "TAG".into(), value: "a=b".into() };
        assert_eq!("TAG=a=b".parse(), Ok(assignment));
        assert!("TAG".parse::<Assignment>().is_err());
        assert!("=x".parse::<Assignment>().is_err());
    }
}
