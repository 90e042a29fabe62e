//! How failures are told: the error, its causes, and what to do next.

use std::error::Error;

use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use crate::spec::Form;

/// Prints a failure to standard error and returns its exit code.
pub fn print(output: &Output, failure: &Failure) -> Exit {
    if let Failure::Spec { diagnostics } = failure {
        let form = if output.is_colored() { Form::Coloured } else { Form::Plain };
        output.alarm(diagnostics.render(form).trim_end());
    } else {
        output.alarm(&text_of(failure));
    }
    failure.exit()
}

/// Returns the error, its causes and its hint, a line each.
pub(super) fn text_of(failure: &Failure) -> String {
    let mut lines = vec![format!("error: {failure}")];
    lines.extend(causes_and_hint(failure));
    lines.join("\n")
}

/// Returns what stands below an error: its causes and its hint, one each.
pub fn causes_and_hint(failure: &Failure) -> Vec<String> {
    let because = causes(failure).map(|error| format!("  because {error}"));
    because.chain(failure.hint().map(|hint| format!("hint: {hint}"))).collect()
}

/// Returns the error with its causes, and its hint, each in one line.
pub fn line_of(failure: &Failure) -> (String, Option<String>) {
    if let Failure::Spec { .. } = failure {
        let next = "`podform validate` tells the mistakes; `podform init` writes a spec where there is none";
        return (failure.to_string(), Some(next.to_owned()));
    }
    let causes = causes(failure).map(|error| format!(": {error}"));
    (format!("{failure}{}", causes.collect::<String>()), failure.hint())
}

fn causes(failure: &Failure) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(failure.source(), |error: &&(dyn Error + 'static)| (*error).source())
}
