//! The two streams: data on standard output, everything else on standard error. All of it crosses the [`Border`].

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{BufWriter, Write};

use anstream::{AutoStream, ColorChoice};

use super::border::Border;
use super::env::Environment;
use super::flags::ColorWhen;
use crate::render::style::Style;

/// Where everything that is printed goes through.
///
/// A reader that went away (`podform plan | head`) is no failure: the rest is dropped, and what the command does
/// goes on, as half an apply would be worse than an unread line.
pub struct Output {
    stdout: RefCell<AutoStream<Box<dyn Write>>>,
    stderr: RefCell<AutoStream<Box<dyn Write>>>,
    volume: Loudness,
    color: bool,
    unread: Cell<bool>,
    /// What the data so far ended with, as a piece of it may go on in the middle of a line.
    data_border: RefCell<Border>,
}

/// How much is said beside the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loudness {
    Quiet,
    Usual,
    Verbose,
}

impl Output {
    pub fn of_process(env: &Environment, when: ColorWhen, volume: Loudness) -> Self {
        let stdout = choice(when, env.stdout_is_terminal, env);
        let stderr = choice(when, env.stderr_is_terminal, env);
        let color = stdout != ColorChoice::Never;
        let stdout = AutoStream::new(Box::new(std::io::stdout()) as Box<dyn Write>, stdout);
        Self::to(stdout, AutoStream::new(Box::new(std::io::stderr()), stderr), volume, color)
    }

    fn to(
        stdout: AutoStream<Box<dyn Write>>,
        stderr: AutoStream<Box<dyn Write>>,
        volume: Loudness,
        color: bool,
    ) -> Self {
        Self {
            stdout: RefCell::new(stdout),
            stderr: RefCell::new(stderr),
            volume,
            color,
            unread: Cell::new(false),
            data_border: RefCell::new(Border::new(color)),
        }
    }

    pub fn is_colored(&self) -> bool {
        self.color
    }

    /// Returns how text for people is laid out.
    pub fn style(&self) -> Style {
        Style { color: self.color, ..Style::PLAIN }
    }

    pub fn data(&self, text: &str) {
        self.data_in_pieces(|out| out.write_str(text));
    }

    /// Prints data that podform itself wrote for a program, such as a script for a shell, as it is.
    pub fn as_written(&self, text: &str) {
        if self.unread.get() {
            return;
        }
        let mut stdout = self.stdout.borrow_mut();
        if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
            self.unread.set(true);
        }
    }

    /// Prints data as it is made, so that no more of it is held than a piece.
    pub fn data_in_pieces(&self, write: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) {
        if self.unread.get() {
            return;
        }
        let mut stdout = self.stdout.borrow_mut();
        let mut border = self.data_border.borrow_mut();
        let mut pieces =
            Pieces { border: &mut border, out: Raw(BufWriter::with_capacity(PIECE, &mut *stdout)) };
        if write(&mut pieces).is_err() || pieces.out.0.flush().is_err() {
            self.unread.set(true);
        }
    }

    /// Tells whether the reader of the data went away, so that a command that only reads can end.
    pub fn is_unread(&self) -> bool {
        self.unread.get()
    }

    /// Prints a line about what is going on, unless `--quiet` is given.
    pub fn note(&self, line: &str) {
        if self.volume > Loudness::Quiet {
            self.aside(line);
        }
    }

    /// Prints a line that only `--verbose` asks for.
    pub fn detail(&self, line: &str) {
        if self.volume == Loudness::Verbose {
            self.aside(line);
        }
    }

    /// Prints an error or a question, whatever the loudness.
    pub fn alarm(&self, text: &str) {
        self.aside(text);
    }

    /// Standard error that nobody reads leaves nothing to be told to anybody.
    fn aside(&self, line: &str) {
        let mut shown = String::with_capacity(line.len() + 1);
        Border::new(self.color).pass(line, &mut shown).expect("a string takes every text");
        shown.push('\n');
        let mut stderr = self.stderr.borrow_mut();
        let _unread = stderr.write_all(shown.as_bytes()).and_then(|()| stderr.flush());
    }
}

/// How much data is held before it is printed.
const PIECE: usize = 64 << 10;

/// Text on its way over the border to a stream.
struct Pieces<'a, W: Write> {
    border: &'a mut Border,
    out: Raw<W>,
}

impl<W: Write> fmt::Write for Pieces<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.border.pass(text, &mut self.out)
    }
}

/// Text on its way to a stream.
struct Raw<W: Write>(BufWriter<W>);

impl<W: Write> fmt::Write for Raw<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_all(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// Decides about colours by the flag first, then `NO_COLOR`, then the terminal.
fn choice(when: ColorWhen, is_terminal: bool, env: &Environment) -> ColorChoice {
    match when {
        ColorWhen::Always => ColorChoice::AlwaysAnsi,
        ColorWhen::Auto if is_terminal && !env.no_color() => ColorChoice::AlwaysAnsi,
        ColorWhen::Auto | ColorWhen::Never => ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_flag_then_the_variable_then_the_terminal() {
        let plain = Environment::of(&[]);
        let refused = Environment::of(&[("NO_COLOR", "1")]);
        let colored = |when, terminal, env| choice(when, terminal, env) != ColorChoice::Never;
        assert!(colored(ColorWhen::Auto, true, &plain));
        assert!(!colored(ColorWhen::Auto, false, &plain));
        assert!(!colored(ColorWhen::Auto, true, &refused));
        assert!(colored(ColorWhen::Always, false, &refused));
        assert!(!colored(ColorWhen::Never, true, &plain));
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let closed = || AutoStream::new(Box::new(Closed) as Box<dyn Write>, ColorChoice::Never);
        let output = Output::to(closed(), closed(), Loudness::Usual, false);
        output.data("a plan");
        output.data("its rest");
        output.data_in_pieces(|out| out.write_str("more of it"));
        output.note("a note");
        assert!(output.unread.get());
    }
}
