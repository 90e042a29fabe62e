//! Values as statements: for each table that changes one of many rows, so that a thousand intents are one round trip.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::link::{Statement, Value};
use super::read::Rows;
use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, RunNonce, Serial};
use crate::model::job::UnseenJob;
use crate::model::journal::Entry;
use crate::model::marker::Token;
use crate::model::plan::ActionId;
use crate::model::prior::{Binding, KnownToken, Record, Recorded};
use crate::model::stored::StoredEnum;
use crate::state::contents::{Contents, Delta};
use crate::state::text::{detail, json, kind_and_id, versioned};
use crate::state::{PastRun, Run, Standing};

/// How many rows go into one statement at most, and how many bytes of text after which it is full: a message has a limit.
const ROWS: usize = 2_000;
const BYTES: usize = 16 << 20;

/// How long a text may be. What is too long for a message would be left out of a transaction without a word.
const LONGEST: usize = 64 << 20;

/// A value of a row.
enum Cell {
    Text(Option<String>),
    Number(i64),
    Switch(bool),
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

/// The numbers that the next rows get.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) run: i64,
    pub(super) event: i64,
}

/// The part of `meta` that changes, and what stays.
pub(super) struct MetaRow<'a> {
    pub(super) owner: &'a Binding,
    pub(super) standing: &'a Standing,
    pub(super) lineage: &'a Lineage,
    pub(super) serial: Serial,
}

impl Rows<'_> {
    /// Returns what makes a change of records and events durable, without `meta`.
    pub(super) fn of_delta(&self, delta: &Delta, next: Numbers) -> Result<Vec<Statement>, Fault> {
        let mut statements = Vec::new();
        if let Some(run) = &delta.begun {
            let past = PastRun { run: run.clone(), ended_at: None, summary: None, entries: Vec::new() };
            statements.extend(self.insert_runs(&[past], next.run)?);
        }
        if let Some((run, at, summary)) = &delta.finished {
            statements.push(Statement {
                text: format!(
                    "UPDATE {} SET ended_at = $3, summary = $4 WHERE state = $1 AND id = $2",
                    self.table("runs")
                ),
                values: vec![
                    self.state(),
                    run.as_str().into(),
                    at.to_string().into(),
                    summary.as_str().into(),
                ],
            });
        }
        statements.extend(self.delete("objects", &delta.objects));
        statements.extend(self.delete("unseen_jobs", &delta.unseen));
        let written =
            delta.objects.iter().filter_map(|(address, recorded)| Some((address, recorded.as_ref()?)));
        statements.extend(self.put_objects(written)?);
        statements.extend(self.put_tokens(&delta.tokens)?);
        let unseen = delta.unseen.iter().filter_map(|(address, job)| Some((address, job.as_ref()?)));
        statements.extend(self.put_unseen(unseen)?);
        statements.extend(self.insert_events(&delta.entries, next.event)?);
        refuse_unfit(statements)
    }

    /// Returns what puts these contents in the place of all rows, without `meta`.
    pub(super) fn of_contents(&self, contents: &Contents) -> Result<Vec<Statement>, Fault> {
        let tables = ["events", "runs", "tokens", "objects", "unseen_jobs", "meta"];
        let mut statements: Vec<Statement> = tables
            .iter()
            .map(|table| Statement {
                text: format!("DELETE FROM {} WHERE state = $1", self.table(table)),
                values: vec![self.state()],
            })
            .collect();
        statements.extend(self.insert_runs(&contents.runs, 1)?);
        statements.extend(self.put_objects(&contents.objects)?);
        statements.extend(self.put_tokens(&contents.tokens)?);
        statements.extend(self.put_unseen(&contents.unseen)?);
        statements.extend(self.insert_events(&contents.entries, 1)?);
        refuse_unfit(statements)
    }

    /// Returns what writes `meta`, at the first use too.
    pub(super) fn put_meta(&self, row: &MetaRow<'_>) -> Result<Statement, Fault> {
        let MetaRow { owner: Binding { project, kind, origin }, standing, lineage, serial } = row;
        let serial =
            i64::try_from(serial.0).map_err(|_| Fault::Refused("a serial beyond counting".to_owned()))?;
        let text = format!(
            "INSERT INTO {} (state, project, kind, origin, standing, lineage, serial) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (state) DO UPDATE
             SET standing = excluded.standing, lineage = excluded.lineage, serial = excluded.serial",
            self.table("meta")
        );
        let values = vec![
            self.state(),
            project.as_str().into(),
            StoredEnum::word(kind).into(),
            origin.as_str().into(),
            json(*standing)?.into(),
            lineage.as_str().into(),
            serial.into(),
        ];
        let statement = Statement { text, values };
        Ok(refuse_unfit(vec![statement])?.remove(0))
    }

    fn insert_runs(&self, runs: &[PastRun], first: i64) -> Result<Vec<Statement>, Fault> {
        let columns = [
            "number",
            "id",
            "began_at",
            "command",
            "plan_digest",
            "who",
            "nonce",
            "approved",
            "ended_at",
            "summary",
        ];
        let row = |(number, past): (i64, &PastRun)| {
            let PastRun { run, ended_at, summary, entries: _ } = past;
            let Run { id, at, command, plan_digest, who, nonce, approved } = run;
            Ok([
                Cell::Number(number),
                id.as_str().into(),
                at.to_string().into(),
                command.as_str().into(),
                plan_digest.as_str().into(),
                who.as_str().into(),
                nonce.as_ref().map(|nonce| RunNonce::as_str(nonce).to_owned()).into(),
                approved.as_ref().map(json).transpose()?.into(),
                shown(*ended_at),
                summary.clone().into(),
            ])
        };
        self.insert("runs", columns, None, (first..).zip(runs).map(row))
    }

    fn insert_events(&self, entries: &[Entry], first: i64) -> Result<Vec<Statement>, Fault> {
        let columns = ["number", "run", "address", "step", "at", "kind", "detail"];
        let row = |(number, entry): (i64, &Entry)| {
            let Entry { at, run, action: ActionId { address, step }, event } = entry;
            Ok([
                Cell::Number(number),
                run.as_str().into(),
                address.to_string().into(),
                step.word().into(),
                at.to_string().into(),
                StoredEnum::word(event).into(),
                detail(event)?.into(),
            ])
        };
        self.insert("events", columns, None, (first..).zip(entries).map(row))
    }

    fn put_objects<'v>(
        &self,
        objects: impl IntoIterator<Item = (&'v Address, &'v Recorded)>,
    ) -> Result<Vec<Statement>, Fault> {
        let columns = [
            "address",
            "kind",
            "remote_id",
            "token",
            "recorded_at",
            "retired",
            "deposed",
            "lifecycle",
            "applied",
            "server_time",
            "rebuilt",
        ];
        let row = |(address, recorded): (&Address, &Recorded)| {
            let Recorded { id, record, recorded_at, server_time, rebuilt } = recorded;
            let Record { token, lifecycle, retired, deposed, object } = record;
            let (kind, id) = kind_and_id(id);
            Ok([
                address.to_string().into(),
                kind.into(),
                id.into(),
                token.as_ref().map(|token| token.as_str().to_owned()).into(),
                recorded_at.to_string().into(),
                Cell::Switch(*retired),
                json(deposed)?.into(),
                versioned(lifecycle)?.into(),
                versioned(object)?.into(),
                shown(*server_time),
                Cell::Switch(*rebuilt),
            ])
        };
        self.insert("objects", columns, Some("address"), objects.into_iter().map(row))
    }

    fn put_tokens(&self, tokens: &BTreeMap<Token, KnownToken>) -> Result<Vec<Statement>, Fault> {
        let columns = ["token", "address", "intended_at", "asked", "tombstone", "server_time"];
        let row = |(token, known): (&Token, &KnownToken)| {
            let KnownToken { address, intended_at, server_time, asked, tombstone } = known;
            Ok([
                token.as_str().into(),
                address.to_string().into(),
                intended_at.to_string().into(),
                json(asked)?.into(),
                Cell::Switch(*tombstone),
                shown(*server_time),
            ])
        };
        self.insert("tokens", columns, Some("token"), tokens.iter().map(row))
    }

    fn put_unseen<'v>(
        &self,
        unseen: impl IntoIterator<Item = (&'v Address, &'v UnseenJob)>,
    ) -> Result<Vec<Statement>, Fault> {
        let row =
            |(address, job): (&Address, &UnseenJob)| Ok([address.to_string().into(), versioned(job)?.into()]);
        self.insert("unseen_jobs", ["address", "known"], Some("address"), unseen.into_iter().map(row))
    }

    /// Returns what deletes the rows of addresses that have none any more.
    fn delete<T>(&self, table: &str, changed: &BTreeMap<Address, Option<T>>) -> Option<Statement> {
        let gone = changed.iter().filter(|(_, row)| row.is_none());
        let gone: Vec<Option<String>> = gone.map(|(address, _)| Some(address.to_string())).collect();
        (!gone.is_empty()).then(|| Statement {
            text: format!("DELETE FROM {} WHERE state = $1 AND address = ANY ($2)", self.table(table)),
            values: vec![self.state(), Value::Texts(gone)],
        })
    }

    /// Returns statements that write rows of this state; those that have the same `key` already are written over.
    fn insert<const N: usize>(
        &self,
        table: &str,
        columns: [&str; N],
        key: Option<&str>,
        rows: impl Iterator<Item = Result<[Cell; N], Fault>>,
    ) -> Result<Vec<Statement>, Fault> {
        let conflict = key.map(|key| {
            let set: Vec<String> = columns
                .iter()
                .filter(|column| **column != key)
                .map(|column| format!("{column} = excluded.{column}"))
                .collect();
            format!("ON CONFLICT (state, {key}) DO UPDATE SET {}", set.join(", "))
        });
        let mut statements = Vec::new();
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            let mut values = transposed(&mut rows)?;
            let types: Vec<String> =
                (2..).zip(&values).map(|(number, value)| format!("${number}::{}", type_of(value))).collect();
            let text = format!(
                "INSERT INTO {} (state, {}) SELECT $1, * FROM unnest({}) {}",
                self.table(table),
                columns.join(", "),
                types.join(", "),
                conflict.as_deref().unwrap_or_default(),
            );
            values.insert(0, self.state());
            statements.push(Statement { text, values });
        }
        Ok(statements)
    }
}

/// Turns the rows of one statement into columns. All cells of a column are of one kind, as each row comes from one place
/// of this file.
fn transposed<const N: usize>(
    rows: &mut impl Iterator<Item = Result<[Cell; N], Fault>>,
) -> Result<Vec<Value>, Fault> {
    let mut columns: Vec<Value> = Vec::new();
    let mut bytes = 0;
    for row in rows.take(ROWS) {
        for (at, cell) in row?.into_iter().enumerate() {
            if let Cell::Text(Some(text)) = &cell {
                bytes += text.len();
            }
            match (columns.get_mut(at), cell) {
                (Some(Value::Texts(texts)), Cell::Text(text)) => texts.push(text),
                (Some(Value::Numbers(numbers)), Cell::Number(number)) => numbers.push(number),
                (Some(Value::Switches(switches)), Cell::Switch(switch)) => switches.push(switch),
                (_, Cell::Text(text)) => columns.push(Value::Texts(vec![text])),
                (_, Cell::Number(number)) => columns.push(Value::Numbers(vec![number])),
                (_, Cell::Switch(switch)) => columns.push(Value::Switches(vec![switch])),
            }
        }
        if bytes > BYTES {
            break;
        }
    }
    Ok(columns)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Text(_) => "text",
        Value::Number(_) => "bigint",
        Value::Texts(_) => "text[]",
        Value::Numbers(_) => "bigint[]",
        Value::Switches(_) => "boolean[]",
    }
}

fn shown(time: Option<Timestamp>) -> Cell {
    time.map(|time| time.to_string()).into()
}

/// Refuses what PostgreSQL cannot keep before anything of it is sent.
fn refuse_unfit(statements: Vec<Statement>) -> Result<Vec<Statement>, Fault> {
    for text in statements.iter().flat_map(|statement| &statement.values).flat_map(Value::texts) {
        if text.contains('\0') {
            let why = "a text has the character U+0000, which PostgreSQL cannot keep";
            return Err(Fault::Refused(why.to_owned()));
        }
        if text.len() > LONGEST {
            return Err(Fault::Refused(format!("a text has {} bytes", text.len())));
        }
    }
    Ok(statements)
}
