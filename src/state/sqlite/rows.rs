//! Between rows and the model.
//!
//! Columns hold what a person may want to query; what has a structure of its own is JSON with a version, made by
//! border types. Every function works inside the transaction or on the copy that it is given.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, PodId, ProjectName, RemoteId, RunId, RunNonce, Serial, VolumeId};
use crate::model::journal::{Entry, Event};
use crate::model::marker::Token;
use crate::model::plan::ActionId;
use crate::model::prior::{Binding, KnownToken, Prior, Recorded};
use crate::model::stored::{As, Stored, StoredEnum, from_text, stored_structs};
use crate::state::{Approved, Batch, PastRun, RecordChange, Refused, Run, Source, fold, sent_unknown};

/// The version of the JSON in `objects`.
const JSON_VERSION: u32 = 1;

/// Why rows could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    /// SQLite said so.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A value in a row does not mean what it should.
    #[error("{0}")]
    Damaged(String),
    /// The change contradicts what is recorded.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl From<serde::de::value::Error> for RowError {
    fn from(error: serde::de::value::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

stored_structs! {
    Approved { how, by, source }
    Source { commit, pull_request, url }
}

/// Returns to what the state belongs; `None` before its first use.
pub(super) fn binding(connection: &Connection) -> Result<Option<Binding>, RowError> {
    let query = "SELECT project, kind, origin FROM meta";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Option<(String, String, String)> = connection.query_row(query, [], read).optional()?;
    let Some((project, kind, origin)) = found else { return Ok(None) };
    Ok(Some(Binding { project: ProjectName::new(project), kind: from_text(&kind)?, origin }))
}

/// Writes to what the state belongs, and its lineage, at its first use.
pub(super) fn ensure_bound(
    connection: &Connection,
    binding: &Binding,
    proposed: &Lineage,
) -> Result<(), RowError> {
    let Binding { project, kind, origin } = binding;
    connection.execute(
        "INSERT INTO meta (only_row, lineage, serial, project, kind, origin) VALUES (1, ?1, 0, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
        params![proposed.as_str(), project.as_str(), StoredEnum::word(kind), origin],
    )?;
    Ok(())
}

/// Reads everything that a plan needs; `proposed` is the lineage of a state before its first use.
pub(super) fn load(connection: &Connection, proposed: &Lineage) -> Result<Prior, RowError> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let meta: Option<(String, i64)> =
        connection.query_row("SELECT lineage, serial FROM meta", [], read).optional()?;
    let Some((lineage, serial)) = meta else { return Ok(Prior::empty(proposed.clone())) };
    let unfinished = "WHERE (run, address, step) IN (
            SELECT run, address, step FROM events
            WHERE number IN (SELECT max(number) FROM events GROUP BY run, address, step)
                AND kind NOT IN ('succeeded', 'failed', 'skipped'))";
    let open = fold::open_intents(entries(connection, unfinished, &[])?);
    Ok(Prior {
        lineage: Lineage::new(lineage),
        serial: read_serial(serial)?,
        objects: objects(connection)?,
        tokens: tokens(connection)?,
        open: open.map_err(|error| RowError::Damaged(error.to_string()))?,
    })
}

/// Reads all runs with their events, the oldest first.
pub(super) fn history(connection: &Connection) -> Result<Vec<PastRun>, RowError> {
    let mut by_run: BTreeMap<RunId, Vec<Entry>> = BTreeMap::new();
    let known = tokens(connection)?;
    for mut entry in entries(connection, "", &[])? {
        if let Event::Intended { attempt: _, token: Some(token), sent, server_time: _ } = &mut entry.event {
            *sent = known.get(token).map(|known| known.sent.clone());
        }
        by_run.entry(entry.run.clone()).or_default().push(entry);
    }
    let begun = runs(connection)?;
    Ok(begun
        .into_iter()
        .map(|past| PastRun { entries: by_run.remove(&past.run.id).unwrap_or_default(), ..past })
        .collect())
}

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
            id: RunId::new(row.get::<_, String>(0)?),
            at: time(row, 1)?,
            command: row.get(2)?,
            plan_digest: row.get(3)?,
            who: row.get(4)?,
            nonce: row.get::<_, Option<String>>(5)?.map(RunNonce::new),
            approved: approved.as_deref().map(parse).transpose()?,
        };
        let ended_at: Option<String> = row.get(7)?;
        let ended_at = ended_at.as_deref().map(from_text).transpose()?;
        runs.push(PastRun { run, ended_at, summary: row.get(8)?, entries: Vec::new() });
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

fn kind_and_id(id: &RemoteId) -> (&'static str, &str) {
    match id {
        RemoteId::Pod(id) => ("pod", id.as_str()),
        RemoteId::Volume(id) => ("volume", id.as_str()),
    }
}

/// Appends one event, if it may follow what the journal has of its action.
fn append(connection: &Connection, entry: &Entry) -> Result<(), RowError> {
    let Entry { at, run, action, event } = entry;
    if !is_begun(connection, run)? {
        return Err(Refused::RunUnknown(run.clone()).into());
    }
    let ActionId { address, step } = action;
    let (address, step) = (address.to_string(), step.word());
    let of_action = "WHERE run = ?1 AND address = ?2 AND step = ?3";
    let earlier = entries(connection, of_action, &[run.as_str(), &address, step])?;
    let status = fold::status(earlier.iter().map(|entry| &entry.event))
        .map_err(|error| RowError::Damaged(error.to_string()))?;
    status.next(event).map_err(Refused::Order)?;
    // What was sent is kept once, with its token.
    let detail = match event {
        Event::Intended { attempt, token, sent: _, server_time } => json(&Event::Intended {
            attempt: *attempt,
            token: token.clone(),
            sent: None,
            server_time: *server_time,
        }),
        other => json(other),
    }?;
    connection
        .prepare_cached(
            "INSERT INTO events (run, address, step, at, kind, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![run.as_str(), address, step, at.to_string(), StoredEnum::word(event), detail])?;
    if let Event::Intended { attempt: _, token: Some(token), sent, server_time } = event {
        let sent = sent.as_ref().ok_or_else(|| Refused::NothingSent(token.clone()))?;
        let sent = json(sent)?;
        // An intent that waited too long is committed again, with the same token.
        connection
            .prepare_cached(
                "INSERT INTO tokens (token, address, intended_at, server_time, sent, tombstone)
             VALUES (?1, ?2, ?3, ?4, ?5, 0)
             ON CONFLICT (token) DO UPDATE
             SET intended_at = excluded.intended_at, server_time = excluded.server_time, sent = excluded.sent",
            )?
            .execute(params![token.as_str(), address, at.to_string(), shown(*server_time), sent])?;
    }
    Ok(())
}

/// Makes one change of the records.
fn apply(connection: &Connection, change: &RecordChange) -> Result<(), RowError> {
    match change {
        RecordChange::Put(address, recorded) => put(connection, address, recorded),
        RecordChange::Remove(address) => {
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
            let rename = "UPDATE objects SET address = ?2 WHERE address = ?1";
            let changed = connection.prepare_cached(rename)?.execute([from.to_string(), to.to_string()])?;
            if changed == 0 { Err(Refused::NotRecorded(from.clone()).into()) } else { Ok(()) }
        }
        RecordChange::Tombstone(token) => {
            let bury = "UPDATE tokens SET tombstone = 1 WHERE token = ?1";
            let changed = connection.prepare_cached(bury)?.execute([token.as_str()])?;
            if changed == 0 { Err(Refused::TokenUnknown(token.clone()).into()) } else { Ok(()) }
        }
        RecordChange::Doubt(token) => {
            let doubt = "UPDATE tokens SET server_time = NULL WHERE token = ?1";
            let changed = connection.prepare_cached(doubt)?.execute([token.as_str()])?;
            if changed == 0 { Err(Refused::TokenUnknown(token.clone()).into()) } else { Ok(()) }
        }
        RecordChange::Know(address, recorded, asked) => know(connection, address, recorded, *asked),
        RecordChange::Continue { lineage, above } => {
            let above = i64::try_from(above.0)
                .map_err(|_| RowError::Damaged("a serial beyond counting".to_owned()))?;
            connection
                .prepare_cached("UPDATE meta SET lineage = ?1, serial = max(serial, ?2)")?
                .execute(params![lineage.as_str(), above])?;
            Ok(())
        }
    }
}

/// Writes one record, and the token that it brings if the journal has not seen it.
fn put(connection: &Connection, address: &Address, recorded: &Recorded) -> Result<(), RowError> {
    let Recorded { id, token, recorded_at, server_time, deposed, lifecycle, retired, rebuilt, object } =
        recorded;
    let (kind, id) = kind_and_id(id);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO objects
             (address, kind, remote_id, token, recorded_at, retired, deposed, lifecycle, applied, server_time,
              rebuilt)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
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
    know(connection, address, recorded, None)
}

/// Keeps the token of an object if the journal has not seen it.
fn know(
    connection: &Connection,
    address: &Address,
    recorded: &Recorded,
    asked: Option<Timestamp>,
) -> Result<(), RowError> {
    if let Some(token) = &recorded.token {
        let sent = json(&sent_unknown(recorded))?;
        connection
            .prepare_cached(
                "INSERT INTO tokens (token, address, intended_at, sent, tombstone, server_time)
             VALUES (?1, ?2, ?3, ?4, 0, ?5)
             ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                token.as_str(),
                address.to_string(),
                recorded.recorded_at.to_string(),
                sent,
                shown(asked)
            ])?;
    }
    Ok(())
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
        let address = text(row, 0)?;
        let recorded = recorded(row).map_err(|error| match error {
            RowError::Damaged(what) => RowError::Damaged(format!("the record of `{address}`: {what}")),
            other => other,
        })?;
        objects.insert(from_text(address)?, recorded);
    }
    Ok(objects)
}

/// Reads one record.
fn recorded(row: &Row<'_>) -> Result<Recorded, RowError> {
    let (kind, id) = (text(row, 1)?, text(row, 2)?);
    let token = row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    Ok(Recorded {
        id: if kind == "volume" {
            RemoteId::Volume(VolumeId::new(id))
        } else {
            RemoteId::Pod(PodId::new(id))
        },
        token: token.map(from_text).transpose()?,
        recorded_at: time(row, 4)?,
        server_time: moment(row, 9)?,
        deposed: parse(text(row, 6)?)?,
        lifecycle: parse_versioned(text(row, 7)?)?,
        retired: row.get(5)?,
        rebuilt: row.get(10)?,
        object: parse_versioned(text(row, 8)?)?,
    })
}

/// Reads all tokens.
fn tokens(connection: &Connection) -> Result<BTreeMap<Token, KnownToken>, RowError> {
    let mut statement =
        connection.prepare("SELECT token, address, intended_at, sent, tombstone, server_time FROM tokens")?;
    let mut rows = statement.query([])?;
    let mut tokens = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let known = KnownToken {
            address: from_text(text(row, 1)?)?,
            intended_at: time(row, 2)?,
            server_time: moment(row, 5)?,
            sent: parse(text(row, 3)?)?,
            tombstone: row.get(4)?,
        };
        tokens.insert(from_text(text(row, 0)?)?, known);
    }
    Ok(tokens)
}

/// Reads events in their order, without what was sent, which is kept once, with its token; `filter` is SQL of this file.
fn entries(connection: &Connection, filter: &str, values: &[&str]) -> Result<Vec<Entry>, RowError> {
    let query = format!("SELECT at, run, address, step, detail FROM events {filter} ORDER BY number");
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(Entry {
            at: time(row, 0)?,
            run: RunId::new(text(row, 1)?),
            action: ActionId { address: from_text(text(row, 2)?)?, step: from_text(text(row, 3)?)? },
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

/// A value with the version of its form, so that a row can be understood on its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versioned<T> {
    version: u32,
    value: T,
}

/// Only the version of a value, whatever else it holds.
#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

fn versioned(value: &impl Stored) -> Result<String, RowError> {
    written(&Versioned { version: JSON_VERSION, value: As(value) })
}

fn parse_versioned<T: Stored>(text: &str) -> Result<T, RowError> {
    match read::<Versioned<As<T>>>(text) {
        Ok(Versioned { version: JSON_VERSION, value: As(value) }) => Ok(value),
        // Another version has another form, so what matters is not where that begins.
        result => match read(text)? {
            VersionOnly { version: JSON_VERSION } => {
                result.map(|Versioned { version: _, value: As(value) }| value)
            }
            VersionOnly { version } => {
                Err(RowError::Damaged(format!("its values have version {version}, known is {JSON_VERSION}")))
            }
        },
    }
}

fn json(value: &impl Stored) -> Result<String, RowError> {
    written(&As(value))
}

fn parse<T: Stored>(text: &str) -> Result<T, RowError> {
    read(text).map(|As(value)| value)
}

fn written(value: &impl Serialize) -> Result<String, RowError> {
    serde_json::to_string(value).map_err(|error| RowError::Damaged(error.to_string()))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, RowError> {
    serde_json::from_str(text).map_err(|error| RowError::Damaged(error.to_string()))
}

fn read_serial(serial: i64) -> Result<Serial, RowError> {
    u64::try_from(serial).map(Serial).map_err(|_| RowError::Damaged(format!("serial {serial} is negative")))
}

/// Reads a time from a column.
fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, RowError> {
    Ok(from_text(text(row, column)?)?)
}

/// Reads a time from a column that can be empty.
fn moment(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, RowError> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    Ok(text.map(from_text).transpose()?)
}

fn shown(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

/// Returns the text of a column, which SQLite holds until the next row.
fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, RowError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}
