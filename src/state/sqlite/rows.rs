//! Records and tokens as rows.
//!
//! Columns hold what a person may want to query; what has a structure of its own is JSON, with a version in `objects`.
//! Every function works inside the transaction or on the copy that it is given.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{RowError, column, optional, shown, text};
use super::journal::{self, append, entries, runs};
use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, RemoteId, Serial};
use crate::model::job::UnseenJob;
use crate::model::marker::Token;
use crate::model::prior::{Binding, KnownToken, Prior, Record, Recorded};
use crate::model::stored::StoredEnum;
use crate::state::contents::{Contents, ensure_recorded_once};
use crate::state::text::{json, kind_and_id, parse, parse_versioned, remote_id, restore_asked, versioned};
use crate::state::{Batch, RecordChange, Refused, Standing, fold, known_by_record};

/// Returns to what the state belongs; `None` before its first use.
pub(super) fn binding(connection: &Connection) -> Result<Option<Binding>, RowError> {
    let mut statement = connection.prepare("SELECT project, kind, origin FROM meta")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Binding { project: column(row, 0)?, kind: column(row, 1)?, origin: row.get(2)? }))
}

/// Writes to what the state belongs, and its lineage, at its first use.
pub(super) fn ensure_bound(
    connection: &Connection,
    binding: &Binding,
    proposed: &Lineage,
) -> Result<(), RowError> {
    let Binding { project, kind, origin } = binding;
    connection
        .prepare_cached(
            "INSERT INTO meta (only_row, lineage, serial, project, kind, origin) VALUES (1, ?1, 0, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![proposed.as_str(), project.as_str(), StoredEnum::word(kind), origin])?;
    Ok(())
}

/// Reads everything that a plan needs; `proposed` is the lineage of a state before its first use.
pub(super) fn load(connection: &Connection, proposed: &Lineage) -> Result<Prior, RowError> {
    ensure_active(connection)?;
    prior(connection, proposed)
}

fn prior(connection: &Connection, proposed: &Lineage) -> Result<Prior, RowError> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let meta: Option<(String, i64)> =
        connection.query_row("SELECT lineage, serial FROM meta", [], read).optional()?;
    let Some((lineage, serial)) = meta else { return Ok(Prior::empty(proposed.clone())) };
    let unfinished = "WHERE (run, address, step) IN (
            SELECT run, address, step FROM events
            WHERE number IN (SELECT max(number) FROM events GROUP BY run, address, step)
                AND kind NOT IN ('succeeded', 'failed', 'skipped'))";
    let open = fold::open_intents(entries(connection, unfinished)?);
    let objects = objects(connection)?;
    ensure_recorded_once(&objects).map_err(|error| RowError::Damaged(error.to_string()))?;
    Ok(Prior {
        lineage: Lineage::new(lineage),
        serial: read_serial(serial)?,
        objects,
        tokens: tokens(connection)?,
        open: open.map_err(|error| RowError::Damaged(error.to_string()))?,
        unseen: unseen(connection)?,
    })
}

/// Reads which version of the state it is.
pub(super) fn serial(connection: &Connection) -> Result<Serial, RowError> {
    ensure_active(connection)?;
    let serial = connection.query_row("SELECT serial FROM meta", [], |row| row.get(0)).optional()?;
    serial.map_or(Ok(Serial::default()), read_serial)
}

/// Returns whether it is the state to use.
pub(super) fn standing(connection: &Connection) -> Result<Standing, RowError> {
    let read = |row: &Row<'_>| row.get::<_, String>(0);
    let standing = connection.query_row("SELECT standing FROM meta", [], read).optional()?;
    standing.map_or(Ok(Standing::Active), |standing| Ok(parse(&standing)?))
}

/// Refuses a state that is not the one to use.
pub(super) fn ensure_active(connection: &Connection) -> Result<(), RowError> {
    match standing(connection)? {
        Standing::Active => Ok(()),
        aside => Err(RowError::Aside(aside)),
    }
}

/// Changes whether it is the state to use.
pub(super) fn stand(connection: &Connection, standing: &Standing) -> Result<(), RowError> {
    connection.execute("UPDATE meta SET standing = ?1", [json(standing)?])?;
    Ok(())
}

/// Reads everything; `proposed` is the lineage of a state before its first use.
pub(super) fn contents(connection: &Connection, proposed: &Lineage) -> Result<Contents, RowError> {
    let prior = prior(connection, proposed)?;
    let mut events = entries(connection, "")?;
    restore_asked(&mut events, &prior.tokens);
    let owned = (binding(connection)?, standing(connection)?);
    Contents::of_parts(owned, prior, runs(connection)?, events)
        .map_err(|error| RowError::Damaged(error.to_string()))
}

/// Puts other contents in the place of what is there.
pub(super) fn replace(connection: &Connection, contents: &Contents) -> Result<(), RowError> {
    connection.execute_batch(
        "DELETE FROM events; DELETE FROM runs; DELETE FROM objects; DELETE FROM tokens; DELETE FROM unseen_jobs;
         DELETE FROM meta;",
    )?;
    let Contents { owner, standing, lineage, serial, objects, tokens, unseen, runs, entries, .. } = contents;
    if let Some(owner) = owner {
        ensure_bound(connection, owner, lineage)?;
        stand(connection, standing)?;
        connection.execute("UPDATE meta SET serial = ?1", [written_serial(*serial)?])?;
    }
    for past in runs {
        journal::begin(connection, &past.run)?;
        if let Some(at) = past.ended_at {
            journal::finish(connection, &past.run.id, at, past.summary.as_deref().unwrap_or_default())?;
        }
    }
    for entry in entries {
        journal::insert(connection, entry)?;
    }
    for (token, known) in tokens {
        put_token(connection, token, known)?;
    }
    for (address, recorded) in objects {
        put(connection, address, recorded)?;
    }
    for (address, job) in unseen {
        put_unseen(connection, address, job)?;
    }
    Ok(())
}

/// Writes a batch and returns the new serial.
pub(super) fn commit(connection: &Connection, batch: &Batch) -> Result<Serial, RowError> {
    let Batch { entries, changes } = batch;
    for entry in entries {
        append(connection, entry)?;
    }
    for change in changes {
        apply(connection, change)?;
    }
    for change in changes {
        if let RecordChange::Put(_, recorded) = change {
            refuse_recorded_twice(connection, &recorded.id)?;
        }
    }
    let mut bump = connection.prepare_cached("UPDATE meta SET serial = serial + 1 RETURNING serial")?;
    read_serial(bump.query_row([], |row| row.get(0))?)
}

/// Refuses that two entries name one object; only what a batch puts can have become the second one.
fn refuse_recorded_twice(connection: &Connection, id: &RemoteId) -> Result<(), RowError> {
    let (kind, id) = kind_and_id(id);
    let mut count =
        connection.prepare_cached("SELECT count(*) FROM objects WHERE kind = ?1 AND remote_id = ?2")?;
    let entries: i64 = count.query_row([kind, id], |row| row.get(0))?;
    if entries > 1 { Err(Refused::RecordedTwice(id.to_owned()).into()) } else { Ok(()) }
}

/// Makes one change of the records.
fn apply(connection: &Connection, change: &RecordChange) -> Result<(), RowError> {
    match change {
        RecordChange::Put(address, recorded) => put(connection, address, recorded),
        RecordChange::Unseen(address, job) => put_unseen(connection, address, job),
        RecordChange::Remove(address) => {
            see(connection, address)?;
            connection
                .prepare_cached("DELETE FROM objects WHERE address = ?1")?
                .execute([address.to_string()])?;
            Ok(())
        }
        RecordChange::Rename { from, to } => {
            let taken = "SELECT 1 FROM objects WHERE address = ?1";
            if connection.query_row(taken, [to.to_string()], |_| Ok(())).optional()?.is_some() {
                return Err(Refused::AddressTaken(to.clone()).into());
            }
            see(connection, to)?;
            let mut changed = 0;
            for table in ["objects", "unseen_jobs"] {
                let rename = format!("UPDATE {table} SET address = ?2 WHERE address = ?1");
                changed += connection.prepare_cached(&rename)?.execute([from.to_string(), to.to_string()])?;
            }
            if changed == 0 {
                Err(Refused::NotRecorded(from.clone()).into())
            } else {
                rename_in_jobs(connection, from, to)
            }
        }
        RecordChange::Tombstone(token) => update_token(connection, token, "tombstone = 1"),
        RecordChange::Doubt(token) => update_token(connection, token, "server_time = NULL"),
        RecordChange::Know(address, recorded, asked) => know(connection, address, recorded, *asked),
        RecordChange::Continue { lineage, above } => {
            let above = written_serial(*above)?;
            connection
                .prepare_cached("UPDATE meta SET lineage = ?1, serial = max(serial, ?2)")?
                .execute(params![lineage.as_str(), above])?;
            Ok(())
        }
    }
}

/// Changes what is kept of a token; `set` is SQL of this file.
fn update_token(connection: &Connection, token: &Token, set: &str) -> Result<(), RowError> {
    let update = format!("UPDATE tokens SET {set} WHERE token = ?1");
    let changed = connection.prepare_cached(&update)?.execute([token.as_str()])?;
    if changed == 0 { Err(Refused::TokenUnknown(token.clone()).into()) } else { Ok(()) }
}

/// Writes one record, and the token that it brings if the journal has not seen it.
fn put(connection: &Connection, address: &Address, recorded: &Recorded) -> Result<(), RowError> {
    let Recorded { id, record, recorded_at, server_time, rebuilt } = recorded;
    let Record { token, lifecycle, retired, deposed, object } = record;
    let (kind, id) = kind_and_id(id);
    // Another pod has another run, and one that was seen when its run had ended has told of it.
    connection
        .prepare_cached(
            "DELETE FROM unseen_jobs WHERE address = ?1 AND (?4 OR NOT EXISTS (
                 SELECT 1 FROM objects WHERE address = ?1 AND kind = ?2 AND remote_id = ?3))",
        )?
        .execute(params![address.to_string(), kind, id, recorded.has_told_its_end()])?;
    connection
        .prepare_cached(
            "INSERT INTO objects
             (address, kind, remote_id, token, recorded_at, retired, deposed, lifecycle, applied, server_time,
              rebuilt)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (address) DO UPDATE
         SET kind = excluded.kind, remote_id = excluded.remote_id, token = excluded.token,
             recorded_at = excluded.recorded_at, retired = excluded.retired, deposed = excluded.deposed,
             lifecycle = excluded.lifecycle, applied = excluded.applied, server_time = excluded.server_time,
             rebuilt = excluded.rebuilt",
        )?
        .execute(params![
            address.to_string(),
            kind,
            id,
            token.as_ref().map(Token::as_str),
            recorded_at.to_string(),
            retired,
            json(deposed)?,
            versioned(lifecycle)?,
            versioned(object)?,
            shown(*server_time),
            rebuilt,
        ])?;
    // What is recorded is given up no longer: somebody took it over again.
    if let Some(token) = &recorded.record.token {
        connection
            .prepare_cached("UPDATE tokens SET tombstone = 0 WHERE token = ?1 AND tombstone = 1")?
            .execute([token.as_str()])?;
    }
    know(connection, address, recorded, None)
}

/// Keeps the token of an object if the journal has not seen it.
fn know(
    connection: &Connection,
    address: &Address,
    recorded: &Recorded,
    server_time: Option<Timestamp>,
) -> Result<(), RowError> {
    let Some(token) = &recorded.record.token else { return Ok(()) };
    // Nearly always it has, from its intent.
    let mut find = connection.prepare_cached("SELECT 1 FROM tokens WHERE token = ?1")?;
    if find.exists([token.as_str()])? {
        return Ok(());
    }
    put_token(connection, token, &known_by_record(address, recorded, server_time))
}

/// Writes what is known of a token that is not there yet.
fn put_token(connection: &Connection, token: &Token, known: &KnownToken) -> Result<(), RowError> {
    let KnownToken { address, intended_at, server_time, asked, tombstone } = known;
    connection
        .prepare_cached(
            "INSERT INTO tokens (token, address, intended_at, asked, tombstone, server_time)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            token.as_str(),
            address.to_string(),
            intended_at.to_string(),
            json(asked)?,
            tombstone,
            shown(*server_time)
        ])?;
    Ok(())
}

/// Writes what is known of a job of whose last run no record tells.
fn put_unseen(connection: &Connection, address: &Address, job: &UnseenJob) -> Result<(), RowError> {
    connection
        .prepare_cached(
            "INSERT INTO unseen_jobs (address, known) VALUES (?1, ?2)
             ON CONFLICT (address) DO UPDATE SET known = excluded.known",
        )?
        .execute(params![address.to_string(), versioned(job)?])?;
    Ok(())
}

/// Forgets it.
fn see(connection: &Connection, address: &Address) -> Result<(), RowError> {
    connection
        .prepare_cached("DELETE FROM unseen_jobs WHERE address = ?1")?
        .execute([address.to_string()])?;
    Ok(())
}

/// Has what jobs were given name an object by its new address.
fn rename_in_jobs(connection: &Connection, from: &Address, to: &Address) -> Result<(), RowError> {
    for (address, job) in unseen_with(connection, from.key().as_str())? {
        let renamed = job.renamed(|named| if named == from { to } else { named }.clone());
        if renamed != job {
            put_unseen(connection, &address, &renamed)?;
        }
    }
    Ok(())
}

/// Reads what is known of such jobs.
fn unseen(connection: &Connection) -> Result<BTreeMap<Address, UnseenJob>, RowError> {
    unseen_with(connection, "")
}

/// Reads what is known of those whose entry has this text.
fn unseen_with(connection: &Connection, text_of: &str) -> Result<BTreeMap<Address, UnseenJob>, RowError> {
    let mut statement =
        connection.prepare_cached("SELECT address, known FROM unseen_jobs WHERE instr(known, ?1) > 0")?;
    let mut rows = statement.query([text_of])?;
    let mut unseen = BTreeMap::new();
    while let Some(row) = rows.next()? {
        unseen.insert(column(row, 0)?, parse_versioned(text(row, 1)?)?);
    }
    Ok(unseen)
}

/// Reads all records.
fn objects(connection: &Connection) -> Result<BTreeMap<Address, Recorded>, RowError> {
    let mut statement = connection.prepare(
        "SELECT address, kind, remote_id, token, recorded_at, retired, deposed, lifecycle, applied, server_time,
                rebuilt
         FROM objects",
    )?;
    let mut rows = statement.query([])?;
    let mut objects = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let recorded = recorded(row).map_err(|error| match (error, text(row, 0)) {
            (RowError::Damaged(what), Ok(address)) => {
                RowError::Damaged(format!("the record of `{address}`: {what}"))
            }
            (error, _) => error,
        })?;
        objects.insert(column(row, 0)?, recorded);
    }
    Ok(objects)
}

/// Reads one record.
fn recorded(row: &Row<'_>) -> Result<Recorded, RowError> {
    Ok(Recorded {
        id: remote_id(text(row, 1)?, text(row, 2)?)?,
        record: Record {
            token: optional(row, 3)?,
            lifecycle: parse_versioned(text(row, 7)?)?,
            retired: row.get(5)?,
            deposed: parse(text(row, 6)?)?,
            object: parse_versioned(text(row, 8)?)?,
        },
        recorded_at: column(row, 4)?,
        server_time: optional(row, 9)?,
        rebuilt: row.get(10)?,
    })
}

/// Reads all tokens.
fn tokens(connection: &Connection) -> Result<BTreeMap<Token, KnownToken>, RowError> {
    let mut statement = connection
        .prepare("SELECT token, address, intended_at, asked, tombstone, server_time FROM tokens")?;
    let mut rows = statement.query([])?;
    let mut tokens = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let known = KnownToken {
            address: column(row, 1)?,
            intended_at: column(row, 2)?,
            server_time: optional(row, 5)?,
            asked: parse(text(row, 3)?)?,
            tombstone: row.get(4)?,
        };
        tokens.insert(column(row, 0)?, known);
    }
    Ok(tokens)
}

fn read_serial(serial: i64) -> Result<Serial, RowError> {
    u64::try_from(serial).map(Serial).map_err(|_| RowError::Damaged(format!("serial {serial} is negative")))
}

fn written_serial(serial: Serial) -> Result<i64, RowError> {
    i64::try_from(serial.0).map_err(|_| RowError::Damaged("a serial beyond counting".to_owned()))
}
