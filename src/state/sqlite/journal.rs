//! Runs and their events as rows.

use rusqlite::{Connection, params};

use super::columns::{RowError, column, optional, shown, text};
use crate::model::clock::Timestamp;
use crate::model::id::{RunId, RunNonce};
use crate::model::journal::{ActionStatus, Entry, Event};
use crate::model::plan::ActionId;
use crate::model::stored::StoredEnum;
use crate::state::text::{detail, json, parse};
use crate::state::{PastRun, Refused, Run};

/// Reads all runs without their events, the oldest first.
pub(super) fn runs(connection: &Connection) -> Result<Vec<PastRun>, RowError> {
    let mut statement = connection.prepare(
        "SELECT id, began_at, command, plan_digest, who, nonce, approved, ended_at, summary FROM runs ORDER BY number",
    )?;
    let mut rows = statement.query([])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        let approved: Option<String> = row.get(6)?;
        let run = Run {
            id: column(row, 0)?,
            at: column(row, 1)?,
            command: row.get(2)?,
            plan_digest: row.get(3)?,
            who: row.get(4)?,
            nonce: optional(row, 5)?,
            approved: approved.as_deref().map(parse).transpose()?,
        };
        runs.push(PastRun { run, ended_at: optional(row, 7)?, summary: row.get(8)?, entries: Vec::new() });
    }
    Ok(runs)
}

/// Notes the beginning of a run.
pub(super) fn begin(connection: &Connection, run: &Run) -> Result<(), RowError> {
    let Run { id, at, command, plan_digest, who, nonce, approved } = run;
    if is_begun(connection, id)? {
        return Err(Refused::RunExists(id.clone()).into());
    }
    connection.execute(
        "INSERT INTO runs (id, began_at, command, plan_digest, who, nonce, approved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            id.as_str(),
            at.to_string(),
            command,
            plan_digest,
            who,
            nonce.as_ref().map(RunNonce::as_str),
            approved.as_ref().map(json).transpose()?,
        ],
    )?;
    Ok(())
}

/// Notes the end of a run.
pub(super) fn finish(
    connection: &Connection,
    run: &RunId,
    at: Timestamp,
    summary: &str,
) -> Result<(), RowError> {
    let changed = connection.execute(
        "UPDATE runs SET ended_at = ?2, summary = ?3 WHERE id = ?1",
        params![run.as_str(), at.to_string(), summary],
    )?;
    if changed == 0 { Err(Refused::RunUnknown(run.clone()).into()) } else { Ok(()) }
}

/// Appends one event, if it may follow what the journal has of its action.
pub(super) fn append(connection: &Connection, entry: &Entry) -> Result<(), RowError> {
    let Entry { at, run, action, event } = entry;
    if !is_begun(connection, run)? {
        return Err(Refused::RunUnknown(run.clone()).into());
    }
    let ActionId { address, step } = action;
    let (address, step) = (address.to_string(), step.word());
    let earlier = "SELECT detail FROM events WHERE run = ?1 AND address = ?2 AND step = ?3 ORDER BY number";
    let mut earlier = connection.prepare_cached(earlier)?;
    let mut rows = earlier.query([run.as_str(), &address, step])?;
    let mut status = ActionStatus::default();
    while let Some(row) = rows.next()? {
        let event: Event = parse(text(row, 0)?)?;
        status = status.next(&event).map_err(|error| RowError::Damaged(error.to_string()))?;
    }
    status.next(event).map_err(Refused::Order)?;
    insert(connection, entry)?;
    if let Event::Intended { attempt: _, token: Some(token), asked, server_time } = event {
        let asked = asked.as_ref().ok_or_else(|| Refused::NothingAsked(token.clone()))?;
        let asked = json(asked)?;
        // An intent that waited too long is committed again, with the same token.
        connection
            .prepare_cached(
                "INSERT INTO tokens (token, address, intended_at, server_time, asked, tombstone)
             VALUES (?1, ?2, ?3, ?4, ?5, 0)
             ON CONFLICT (token) DO UPDATE
             SET intended_at = excluded.intended_at, server_time = excluded.server_time, asked = excluded.asked",
            )?
            .execute(params![token.as_str(), address, at.to_string(), shown(*server_time), asked])?;
    }
    Ok(())
}

/// Writes one event as it is.
pub(super) fn insert(connection: &Connection, entry: &Entry) -> Result<(), RowError> {
    let Entry { at, run, action: ActionId { address, step }, event } = entry;
    connection
        .prepare_cached(
            "INSERT INTO events (run, address, step, at, kind, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            run.as_str(),
            address.to_string(),
            step.word(),
            at.to_string(),
            StoredEnum::word(event),
            detail(event)?,
        ])?;
    Ok(())
}

/// Reads events in their order, without what was asked for, which is kept once, with its token; `filter` is SQL of this file.
pub(super) fn entries(connection: &Connection, filter: &str) -> Result<Vec<Entry>, RowError> {
    let query = format!("SELECT at, run, address, step, detail FROM events {filter} ORDER BY number");
    let mut statement = connection.prepare(&query)?;
    let mut rows = statement.query([])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(Entry {
            at: column(row, 0)?,
            run: column(row, 1)?,
            action: ActionId { address: column(row, 2)?, step: column(row, 3)? },
            event: parse(text(row, 4)?)?,
        });
    }
    Ok(entries)
}

/// Tells whether a run has begun.
fn is_begun(connection: &Connection, run: &RunId) -> Result<bool, RowError> {
    let mut find = connection.prepare_cached("SELECT 1 FROM runs WHERE id = ?1")?;
    Ok(find.exists([run.as_str()])?)
}
