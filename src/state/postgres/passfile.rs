//! The file that `PGPASSFILE` names: `host:port:database:user:password` a line, `*` for any, `\` before a `:` or `\` that
//! is meant itself. The first line that fits counts, as for every other client of PostgreSQL.

use crate::model::location::Database;
use crate::model::secret::Secret;

/// Returns the password that the file has for this user of a database.
pub fn find(text: &str, database: &Database, user: &str) -> Option<Secret<String>> {
    let port = database.port.to_string();
    let wanted = [database.host.as_str(), &port, &database.name, user];
    text.lines().find_map(|line| password(line.strip_suffix('\r').unwrap_or(line), &wanted))
}

fn password(line: &str, wanted: &[&str; 4]) -> Option<Secret<String>> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for wanted in wanted {
        let (field, after) = field(rest);
        // A `*` that is escaped means itself.
        let fits = rest.starts_with("*:") || field == *wanted;
        rest = after.filter(|_| fits)?;
    }
    let (password, _) = field(rest);
    (!password.is_empty()).then(|| Secret::new(password))
}

/// Cuts a field off and takes its escapes out; what follows is `None` if it was the last one.
fn field(text: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ':' => return (field, text.get(at + 1..)),
            '\\' => field.extend(chars.next().map(|(_, escaped)| escaped)),
            c => field.push(c),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::location::Location;

    #[test]
    fn the_first_line_that_fits_counts() {
        let Ok(Location::Postgres(database)) = "postgres://db.acme.io/teams".parse() else { panic!() };
        let table: [(&str, Option<&str>); 12] = [
            ("", None),
            ("db.acme.io:5432:teams:ann:pass", Some("pass")),
            ("*:*:*:*:any", Some("any")),
            ("db.acme.io:5433:teams:ann:pass\n*:*:*:ann:second\n*:*:*:*:third", Some("second")),
            ("# *:*:*:*:comment\n*:*:*:*:any\r\n", Some("any")),
            (r"*:*:*:ann:a\:b\\c", Some(r"a:b\c")),
            (r"db\.acme.io:*:*:ann:escaped", Some("escaped")),
            (r"\*:*:*:ann:star", None),
            ("*:*:*:ann", None),
            ("*:*:*:ann:", None),
            ("*:*:*:ann:pass:rest", Some("pass")),
            ("*:*:*:ann:trailing\\", Some("trailing")),
        ];
        for (text, password) in table {
            let found = find(text, &database, "ann");
            assert_eq!(found.as_ref().map(|found| found.expose().as_str()), password, "{text}");
        }
    }
}
