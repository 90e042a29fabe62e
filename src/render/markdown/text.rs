//! Text in Markdown that nothing in it can break out of.

use std::fmt;

use crate::render::escape::{visible, visible_to};

/// The most of one line within a change.
pub(super) const LINE_LIMIT: usize = 400;

/// Returns text as a code span, in which nothing is interpreted.
pub(super) fn code(text: &str) -> String {
    let text = visible_to(text, LINE_LIMIT).to_string();
    let ticks = "`".repeat(longest_run(&text) + 1);
    // A space keeps a backtick at either end apart from the ticks; renderers drop it again.
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// Returns a sentence with names in backticks: the names as code, the rest with nothing left to interpret.
pub(super) fn prose(text: &str) -> String {
    let mut out = String::new();
    let parts: Vec<&str> = text.split('`').collect();
    let closed = parts.len() % 2 == 1;
    for (number, part) in parts.iter().enumerate() {
        let is_name = number % 2 == 1 && (closed || number + 1 < parts.len());
        if is_name && !part.is_empty() {
            out.push_str(&code(part));
        } else {
            out.push_str(&plain(part));
        }
    }
    out
}

/// Spells out everything that Markdown, HTML, mentions, references and links are made of.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).to_string().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // An entity for an empty character parts what would be a mention, a reference or a link.
            '@' | '#' => {
                out.push(c);
                out.push_str("&#8203;");
            }
            ':' => out.push_str(":&#8203;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // `: ` is punctuation of ours and starts no link.
    out.replace(":&#8203; ", ": ")
}

/// Returns an amount outside code: two dollar signs on a line would otherwise begin and end a formula.
pub(super) fn money(amount: impl fmt::Display) -> String {
    amount.to_string().replace('$', "\\$")
}

pub(super) fn html(text: &str) -> String {
    let text = visible(text).to_string();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Returns lines in a fence that is longer than any run of backticks in them.
pub(super) fn fenced(language: &str, lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
