//! Brings a database to the present schema, all steps in one transaction.

use rusqlite::{Connection, Result, TransactionBehavior};

/// Takes the steps that the database has not taken yet; after a failed step it is as it was.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<()> {
    // Looked at first without a write lock, as this is the usual case.
    if version(connection)? >= steps.len() as i64 {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken = usize::try_from(version(&transaction)?).unwrap_or(0);
    for step in steps.iter().skip(taken) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", steps.len() as i64)?;
    transaction.commit()
}

/// Returns how many steps the database has taken.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "CREATE TABLE a (x INTEGER NOT NULL) STRICT; INSERT INTO a VALUES (7);";
    const SECOND: &str = "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 1;";

    fn sum(connection: &Connection) -> Result<i64> {
        connection.query_row("SELECT x + y FROM a", [], |row| row.get(0))
    }

    #[test]
    fn an_older_database_takes_the_missing_steps_only() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST]).unwrap();
        migrate(&mut connection, &[FIRST, SECOND]).unwrap();
        migrate(&mut connection, &[FIRST, SECOND]).unwrap();
        assert_eq!((version(&connection).unwrap(), sum(&connection).unwrap()), (2, 8));
    }

    #[test]
    fn a_failed_step_takes_back_the_ones_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST]).unwrap();
        let failed = migrate(&mut connection, &[FIRST, SECOND, "CREATE NONSENSE"]);
        assert!(failed.is_err());
        assert_eq!(version(&connection).unwrap(), 1);
        assert!(sum(&connection).is_err(), "column y of the second step must be gone");
    }
}
