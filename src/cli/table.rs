//! Plain tables: aligned columns, two spaces apart, nothing else, so that `awk` and people can read them.

use std::fmt;

use crate::render::escape::visible;

/// Rows under a head.
#[derive(Clone, Debug)]
pub struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub fn new(head: [&str; COLUMNS]) -> Self {
        Self { rows: vec![head.map(str::to_owned)] }
    }

    /// Adds a row. What came from outside must not move the cursor.
    pub fn row(&mut self, row: [String; COLUMNS]) {
        self.rows
            .push(row.map(|cell| if cell.is_empty() { "-".to_owned() } else { visible(&cell).to_string() }));
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        });
        for row in &self.rows {
            let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Lays names and their values out under a title, a line each. Values came from outside and must not move the cursor.
pub fn laid_out(title: &impl fmt::Display, rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let lines = rows.iter().map(|(name, value)| format!("  {name:width$}  {}\n", visible(value)));
    format!("{title}\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_cells_have_a_sign() {
        let mut table = Table::new(["ADDRESS", "ID", "STATE"]);
        table.row(["llm".into(), "abc".into(), "RUNNING".into()]);
        table.row(["volume.models".into(), String::new(), "\u{1b}[2J".into()]);
        insta::assert_snapshot!(table.to_string(), @r"
        ADDRESS        ID   STATE
        llm            abc  RUNNING
        volume.models  -    \u{1b}[2J
        ");
    }
}
