//! What a store itself keeps of who wrote into it, read without podform.

use serde::Deserialize;

/// One write as the store has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Who had the lock at that moment, and by which number.
    held_by: (String, u64),
    /// Who wrote, and by which number of theirs.
    by: (String, u64),
}

/// Asserts that each write is of whom the lock belonged to, and returns how many there are and of how many holders.
pub fn assert_nobody_was_overtaken(written: &[Written]) -> (usize, usize) {
    let of_others: Vec<&Written> = written.iter().filter(|write| write.held_by != write.by).collect();
    assert!(of_others.is_empty(), "{of_others:#?}");
    let numbers: Vec<u64> = written.iter().map(|write| write.by.1).collect();
    assert!(numbers.is_sorted(), "a number of an earlier holder comes back: {numbers:?}");
    let mut holders: Vec<&String> = written.iter().map(|write| &write.by.0).collect();
    holders.sort();
    holders.dedup();
    (written.len(), holders.len())
}

#[derive(Deserialize)]
struct Entry {
    number: u64,
    batch: String,
    fence: u64,
    change: Change,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Change {
    Taken { taken: Taken },
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Taken {
    holder: Holder,
}

#[derive(Deserialize)]
struct Holder {
    id: String,
}

/// Reads the entries of a log, in their order.
#[cfg(feature = "object-store")]
pub fn in_log(entries: impl IntoIterator<Item = Vec<u8>>) -> Vec<Written> {
    let mut held_by = (String::new(), 0);
    let mut written = Vec::new();
    for (place, text) in (1..).zip(entries) {
        let Entry { number, batch, fence, change } = serde_json::from_slice(&text).unwrap();
        assert_eq!(number, place, "an entry is missing");
        match change {
            Change::Taken { taken } => held_by = (taken.holder.id, number),
            // Somebody who has it taken from its holder has no lock himself.
            Change::Other(_) if batch.starts_with("unlock ") => {}
            Change::Other(_) => {
                let writer = batch.split(' ').next().unwrap().to_owned();
                written.push(Written { held_by: held_by.clone(), by: (writer, fence) });
            }
        }
    }
    written
}

/// Has the database note each batch as it is made durable.
#[cfg(feature = "postgres")]
pub fn watch(schema: &str) -> String {
    format!(
        "CREATE SCHEMA witness;
         CREATE TABLE witness.batches (number bigserial, holder text, fence bigint, batch text);
         CREATE FUNCTION witness.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO witness.batches (holder, fence, batch) VALUES (NEW.holder_id, NEW.fence, NEW.last_batch);
             RETURN NEW;
         END $$;
         CREATE TRIGGER note AFTER UPDATE ON {schema}.lease FOR EACH ROW
             WHEN (NEW.last_batch IS DISTINCT FROM OLD.last_batch AND NEW.last_batch IS NOT NULL)
             EXECUTE FUNCTION witness.note();"
    )
}

/// What it noted, as rows.
#[cfg(feature = "postgres")]
pub const NOTED: &str = "SELECT coalesce(holder, ''), fence, batch FROM witness.batches ORDER BY number";

/// Reads one of these rows. A holder raises his own number where a write got no answer, and sends it again with its name.
#[cfg(feature = "postgres")]
pub fn in_row(holder: String, fence: i64, batch: &str) -> Written {
    let writer = batch.split('/').next().unwrap().to_owned();
    let number = fence.try_into().unwrap();
    Written { held_by: (holder, number), by: (writer, number) }
}
