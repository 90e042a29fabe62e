//! How the JSON of a plan file is laid out: outer levels in lines of their own, inner ones on one line each.
//!
//! A line for every value makes a file of which two thirds are spaces, as what is sent lies ten levels deep. Where a
//! line ends has no meaning to a reader of JSON.

use std::io::{self, Write};

use serde_json::ser::Formatter;

/// The levels in lines of their own: those down to the parts of an action.
const LEVELS: usize = 5;

/// Lays out JSON.
#[derive(Default)]
pub(super) struct Layout {
    depth: usize,
    has_value: bool,
}

impl Layout {
    fn begin(&mut self, writer: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        writer.write_all(bracket)
    }

    fn begin_value(&self, writer: &mut (impl Write + ?Sized), first: bool) -> io::Result<()> {
        let separator: &[u8] = match (self.depth <= LEVELS, first) {
            (true, true) => b"\n",
            (true, false) => b",\n",
            (false, true) => b"",
            (false, false) => b", ",
        };
        writer.write_all(separator)?;
        if self.depth <= LEVELS { indent(writer, self.depth) } else { Ok(()) }
    }

    fn end(&mut self, writer: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        let in_lines = self.has_value && self.depth <= LEVELS;
        self.depth -= 1;
        self.has_value = true;
        if in_lines {
            writer.write_all(b"\n")?;
            indent(writer, self.depth)?;
        }
        writer.write_all(bracket)
    }
}

fn indent(writer: &mut (impl Write + ?Sized), depth: usize) -> io::Result<()> {
    (0..depth).try_for_each(|_| writer.write_all(b"  "))
}

impl Formatter for Layout {
    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.begin_value(writer, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.begin_value(writer, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::{Serializer, json};

    use super::*;

    #[test]
    fn outer_levels_have_lines_and_inner_ones_share_one() {
        let action = json!({ "operation": { "create": [1, { "a": {}, "b": [] }] }, "reason": "new" });
        let document =
            json!({ "planned": { "changes": { "actions": { "llm:create": action }, "edges": [] } } });
        let mut text = Vec::new();
        document.serialize(&mut Serializer::with_formatter(&mut text, Layout::default())).unwrap();
        insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r#"
        {
          "planned": {
            "changes": {
              "actions": {
                "llm:create": {
                  "operation": {"create": [1, {"a": {}, "b": []}]},
                  "reason": "new"
                }
              },
              "edges": []
            }
          }
        }
        "#);
    }
}
