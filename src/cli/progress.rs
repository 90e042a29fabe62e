//! Shows a running apply: a spinner for each action on a terminal, lines otherwise, JSON for machines.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::events::Events;
use super::output::Output;
use crate::apply::Reporter;
use crate::model::plan::ActionId;
use crate::model::progress::Notice;
use crate::render::progress::{footer, line, spinner};

/// How often spinners turn. Indicatif draws at most 20 times a second.
const TURN: Duration = Duration::from_millis(100);

/// Shows notices as they come.
pub enum Progress<'a> {
    /// A line for each on standard error.
    Lines(&'a Output, RefCell<Said>),
    /// An object for each on standard output.
    Events(&'a Events<'a>, RefCell<Said>),
    /// Spinners, for a person who watches.
    Spinners(RefCell<Spinners>),
}

/// The last thing that was said of each action, as polls repeat themselves.
type Said = BTreeMap<ActionId, String>;

/// A spinner for each action that runs, and one for the whole run while it waits.
pub struct Spinners {
    screen: MultiProgress,
    style: ProgressStyle,
    running: BTreeMap<ActionId, ProgressBar>,
    whole: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    /// Shows spinners if a person watches, and lines otherwise.
    pub fn new(output: &'a Output, watched: bool) -> Self {
        if watched {
            Self::Spinners(RefCell::new(Spinners::new(output.is_colored())))
        } else {
            Self::Lines(output, RefCell::default())
        }
    }

    pub fn to_events(events: &'a Events<'a>) -> Self {
        Self::Events(events, RefCell::default())
    }
}

impl Reporter for Progress<'_> {
    fn notice(&self, notice: Notice) {
        let notice = &notice;
        match self {
            Self::Lines(output, said) => {
                if let Some(line) = news(notice, &mut said.borrow_mut()) {
                    output.note(&line);
                }
            }
            Self::Events(events, said) => {
                if news(notice, &mut said.borrow_mut()).is_some() {
                    events.notice(notice);
                }
            }
            Self::Spinners(spinners) => spinners.borrow_mut().turn(notice),
        }
    }
}

/// Returns the line for a notice unless it was the last thing said of its action.
fn news(notice: &Notice, said: &mut Said) -> Option<String> {
    let line = line(notice);
    let Some((action, _)) = spinner(notice) else { return Some(line) };
    (said.insert(action.clone(), line.clone()).as_ref() != Some(&line)).then_some(line)
}

impl Spinners {
    fn new(color: bool) -> Self {
        let template = if color { "{spinner} {msg} {elapsed:.dim}" } else { "{spinner} {msg} {elapsed}" };
        Self {
            screen: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            style: ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            running: BTreeMap::new(),
            whole: None,
        }
    }

    fn turn(&mut self, notice: &Notice) {
        if let Some(waiting) = self.whole.take() {
            waiting.finish_and_clear();
        }
        if let Some((action, text)) = spinner(notice) {
            let bar = self.running.remove(action).unwrap_or_else(|| self.spin());
            bar.set_message(format!("{}: {text}", action.address));
            self.running.insert(action.clone(), bar);
        } else if let Some(text) = footer(notice) {
            let bar = self.spin();
            bar.set_message(text);
            self.whole = Some(bar);
        } else {
            if let Notice::Ended { action, .. } = notice
                && let Some(bar) = self.running.remove(action)
            {
                bar.finish_and_clear();
            }
            // A terminal that cannot be written to leaves nobody to tell.
            let _unread = self.screen.println(line(notice));
        }
    }

    fn spin(&self) -> ProgressBar {
        let bar = self.screen.add(ProgressBar::new_spinner().with_style(self.style.clone()));
        bar.enable_steady_tick(TURN);
        bar
    }
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
