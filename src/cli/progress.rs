//! Shows a running apply: a spinner for each action on a terminal, plain lines otherwise.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;
use crate::apply::Reporter;
use crate::model::plan::ActionId;
use crate::model::progress::Notice;
use crate::render::progress::{footer, line, spinner};

/// How often spinners turn. Indicatif draws at most 20 times a second.
const TURN: Duration = Duration::from_millis(100);

/// Shows notices as they come.
pub struct Progress<'a> {
    output: &'a Output,
    shown: RefCell<Shown>,
}

/// What is on the screen.
enum Shown {
    /// Lines, and the last thing that was said of each action, as polls repeat themselves.
    Lines(BTreeMap<ActionId, String>),
    /// Spinners, and one for the whole run while it waits.
    Spinners { screen: MultiProgress, running: BTreeMap<ActionId, ProgressBar>, whole: Option<ProgressBar> },
}

impl<'a> Progress<'a> {
    /// Shows spinners if a person watches, and lines otherwise.
    pub fn new(output: &'a Output, watched: bool) -> Self {
        let shown = if watched {
            let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            Shown::Spinners { screen, running: BTreeMap::new(), whole: None }
        } else {
            Shown::Lines(BTreeMap::new())
        };
        Self { output, shown: RefCell::new(shown) }
    }
}

impl Reporter for Progress<'_> {
    fn notice(&self, notice: Notice) {
        let notice = &notice;
        match &mut *self.shown.borrow_mut() {
            Shown::Lines(said) => {
                if let Some(line) = news(notice, said) {
                    self.output.note(&line);
                }
            }
            Shown::Spinners { screen, running, whole } => turn(notice, screen, running, whole),
        }
    }
}

/// Returns the line for a notice unless it was the last thing said of its action.
fn news(notice: &Notice, said: &mut BTreeMap<ActionId, String>) -> Option<String> {
    let line = line(notice);
    let Some((action, _)) = spinner(notice) else { return Some(line) };
    (said.insert(action.clone(), line.clone()).as_ref() != Some(&line)).then_some(line)
}

/// Moves the spinners to where the notice says.
fn turn(
    notice: &Notice,
    screen: &MultiProgress,
    running: &mut BTreeMap<ActionId, ProgressBar>,
    whole: &mut Option<ProgressBar>,
) {
    if let Some(waiting) = whole.take() {
        waiting.finish_and_clear();
    }
    if let Some((action, text)) = spinner(notice) {
        let bar = running.entry(action.clone()).or_insert_with(|| spin(screen));
        bar.set_message(format!("{}: {text}", action.address));
    } else if let Some(text) = footer(notice) {
        whole.insert(spin(screen)).set_message(text);
    } else {
        if let Notice::Ended { action, .. } = notice
            && let Some(bar) = running.remove(action)
        {
            bar.finish_and_clear();
        }
        // A terminal that cannot be written to leaves nobody to tell.
        let _unread = screen.println(line(notice));
    }
}

/// Adds a spinner below the others.
fn spin(screen: &MultiProgress) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = screen.add(ProgressBar::new_spinner().with_style(style));
    bar.enable_steady_tick(TURN);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Step;

    #[test]
    fn what_a_poll_repeats_is_said_once() {
        let action = ActionId { address: "llm[0]".parse().unwrap(), step: Step::Create };
        let waiting = |what: &str| Notice::Waiting { action: action.clone(), what: what.into() };
        let starting = "RUNNING, is STARTING";
        let notices =
            [Notice::Began(action.clone()), waiting("a place"), waiting(starting), waiting(starting)];
        let mut said = BTreeMap::new();
        let lines: Vec<String> = notices.iter().filter_map(|notice| news(notice, &mut said)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        llm[0]: creating
        llm[0]: waiting for a place
        llm[0]: waiting for RUNNING, is STARTING
        ");
    }
}
