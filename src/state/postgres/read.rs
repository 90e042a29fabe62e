//! Rows as values. All queries of one reading go out together, inside a transaction that sees one moment.

use std::collections::BTreeMap;

use futures_util::future::{join, join_all};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::fault::Fault;
use super::link::{Link, Value};
use crate::model::address::Address;
use crate::model::id::{Lineage, Serial};
use crate::model::job::UnseenJob;
use crate::model::journal::Entry;
use crate::model::marker::Token;
use crate::model::plan::ActionId;
use crate::model::prior::{Binding, KnownToken, Prior, Record, Recorded};
use crate::model::stored::{Stored, from_text};
use crate::state::contents::{Contents, ensure_recorded_once};
use crate::state::text::{parse, parse_versioned, remote_id, restore_asked};
use crate::state::{PastRun, Run, Standing, fold};

/// Which events are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Events {
    /// Those of actions that did not come to an end.
    Open,
    /// Those, and all of runs that have not ended: what the next event is judged by.
    Judged,
    All,
}

/// The tables that have rows of a state only after its first use.
const OF_USED_STATES: [&str; 5] = ["objects", "tokens", "unseen_jobs", "runs", "events"];

/// To what a state belongs, and which it is.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    pub(super) owner: Binding,
    pub(super) standing: Standing,
    pub(super) lineage: Lineage,
    pub(super) serial: Serial,
}

/// Where rows are read and written.
#[derive(Clone, Debug)]
pub(super) struct Rows<'a> {
    /// As SQL has it.
    pub(super) schema: String,
    /// Whose rows: the project.
    pub(super) state: &'a str,
}

impl Rows<'_> {
    /// Returns a table by its full name.
    pub(super) fn table(&self, name: &str) -> String {
        format!("{}.{name}", self.schema)
    }

    pub(super) fn state(&self) -> Value {
        Value::from(self.state)
    }

    /// Reads the rows of this state that a query returns; `query` is SQL of this file, with `FROM` and a table in it.
    async fn query(&self, link: &Link, columns: &str, table: &str, rest: &str) -> Result<Vec<Row>, Fault> {
        let query = format!("SELECT {columns} FROM {} WHERE state = $1 {rest}", self.table(table));
        link.rows(&query, &[self.state()]).await
    }

    /// Reads to what the state belongs; `None` before its first use.
    ///
    /// One statement, so that all of it is of one moment. It names every table, so that whoever begins with it meets one
    /// that is missing.
    ///
    /// # Errors
    /// Rows are missing of which others say that they were there: without them a used state would count as a new one, or
    /// a holder who was overtaken would write.
    pub(super) async fn meta(&self, link: &Link) -> Result<Option<Meta>, Fault> {
        let has = |table| format!("EXISTS (SELECT 1 FROM {} WHERE state = $1)", self.table(table));
        let written = OF_USED_STATES.map(|table| format!("WHEN {} THEN '{table}' ", has(table))).concat();
        let query = format!(
            "SELECT project, kind, origin, standing, lineage, serial, {},
                    CASE WHEN meta.state IS NULL THEN CASE {written}END END
             FROM (SELECT 1) one LEFT JOIN {} meta ON meta.state = $1",
            has("lease"),
            self.table("meta")
        );
        let rows = link.rows(&query, &[self.state()]).await?;
        let [row] = rows.as_slice() else {
            return Err(Fault::Damaged(format!("`meta` has {} rows of it instead of one", rows.len())));
        };
        let missing = |table: &str, there: &str| {
            Err(Fault::Damaged(format!("its row of `{table}` is missing, and `{there}` has some of it")))
        };
        let (project, has_lease): (Option<&str>, bool) = (value(row, 0)?, value(row, 6)?);
        match (project, value::<Option<&str>>(row, 7)?) {
            (None, Some(there)) => missing("meta", there),
            (None, None) => Ok(None),
            (Some(_), _) if !has_lease => missing("lease", "meta"),
            (Some(_), _) => meta(row).map(Some),
        }
    }

    /// Reads all runs without their events, the oldest first.
    pub(super) async fn runs(&self, link: &Link) -> Result<Vec<PastRun>, Fault> {
        let columns = "id, began_at, command, plan_digest, who, nonce, approved, ended_at, summary";
        let rows = self.query(link, columns, "runs", "ORDER BY number").await?;
        rows.iter().map(|row| named(row, "the run", past_run(row))).collect()
    }

    /// Reads events in their order, without what was asked for.
    pub(super) async fn entries(&self, link: &Link, which: Events) -> Result<Vec<Entry>, Fault> {
        let (runs, events) = (self.table("runs"), self.table("events"));
        let open = format!(
            "(run, address, step) IN (
                SELECT run, address, step FROM (
                    SELECT DISTINCT ON (run, address, step) run, address, step, kind FROM {events}
                    WHERE state = $1 ORDER BY run, address, step, number DESC) last
                WHERE kind NOT IN ('succeeded', 'failed', 'skipped'))"
        );
        let filter = match which {
            Events::Open => format!("AND {open} ORDER BY number"),
            Events::Judged => format!(
                "AND (run IN (SELECT id FROM {runs} WHERE state = $1 AND ended_at IS NULL) OR {open}) ORDER BY number"
            ),
            Events::All => "ORDER BY number".to_owned(),
        };
        let rows = self.query(link, "run, address, step, at, detail, number", "events", &filter).await?;
        rows.iter().map(entry).collect()
    }

    pub(super) async fn objects(&self, link: &Link) -> Result<BTreeMap<Address, Recorded>, Fault> {
        let columns =
            "address, kind, remote_id, token, recorded_at, retired, deposed, lifecycle, applied, server_time,
                       rebuilt";
        let rows = self.query(link, columns, "objects", "").await?;
        rows.iter().map(|row| named(row, "the record of", recorded(row))).collect()
    }

    pub(super) async fn tokens(&self, link: &Link) -> Result<BTreeMap<Token, KnownToken>, Fault> {
        let columns = "token, address, intended_at, asked, tombstone, server_time";
        let rows = self.query(link, columns, "tokens", "").await?;
        rows.iter().map(|row| named(row, "the token", known_token(row))).collect()
    }

    pub(super) async fn unseen(&self, link: &Link) -> Result<BTreeMap<Address, UnseenJob>, Fault> {
        let rows = self.query(link, "address, known", "unseen_jobs", "").await?;
        let job = |row: &Row| Ok((column(row, 0)?, parse_versioned(value(row, 1)?)?));
        rows.iter().map(|row| named(row, "the job", job(row))).collect()
    }

    /// Reads the highest numbers of runs and of events.
    pub(super) async fn highest_numbers(&self, link: &Link) -> Result<(i64, i64), Fault> {
        let highest = |table| self.query(link, "coalesce(max(number), 0)", table, "");
        let both = join_all([highest("runs"), highest("events")]).await;
        let both: Vec<Vec<Row>> = both.into_iter().collect::<Result<_, _>>()?;
        match both.as_slice() {
            [runs, events] => Ok((only(runs)?, only(events)?)),
            _ => Err(Fault::Damaged("numbers without rows".to_owned())),
        }
    }

    /// Reads everything that a plan needs of a state that was used.
    pub(super) async fn prior(&self, link: &Link, meta: Meta) -> Result<Prior, Fault> {
        let records = join(join(self.objects(link), self.tokens(link)), self.unseen(link));
        let (((objects, tokens), unseen), entries) = join(records, self.entries(link, Events::Open)).await;
        let (objects, tokens, unseen, entries) = (objects?, tokens?, unseen?, entries?);
        let open = fold::open_intents(entries).map_err(|error| Fault::Damaged(error.to_string()))?;
        ensure_recorded_once(&objects).map_err(|error| Fault::Damaged(error.to_string()))?;
        let Meta { lineage, serial, .. } = meta;
        Ok(Prior { lineage, serial, objects, tokens, open, unseen })
    }

    /// Reads everything, or of the events those that the next ones are judged by.
    pub(super) async fn contents(&self, link: &Link, meta: Meta, which: Events) -> Result<Contents, Fault> {
        let records = join(join(self.objects(link), self.tokens(link)), self.unseen(link));
        let journal = join(self.runs(link), self.entries(link, which));
        let (((objects, tokens), unseen), (runs, entries)) = join(records, journal).await;
        // In the order in which they were sent: the first that failed says why.
        let (objects, tokens, unseen, runs, mut entries) = (objects?, tokens?, unseen?, runs?, entries?);
        restore_asked(&mut entries, &tokens);
        let Meta { owner, standing, lineage, serial } = meta;
        let prior = Prior { lineage, serial, objects, tokens, open: Vec::new(), unseen };
        let contents = Contents::of_parts((Some(owner), standing), prior, runs, entries);
        contents.map_err(|error| Fault::Damaged(error.to_string()))
    }
}

/// Reads the one value of the one row.
pub(super) fn only<T: for<'a> FromSql<'a>>(rows: &[Row]) -> Result<T, Fault> {
    match rows {
        [row] => value(row, 0),
        rows => Err(Fault::Damaged(format!("{} rows instead of one", rows.len()))),
    }
}

/// Adds to what is wrong with a row which one it is.
fn named<T>(row: &Row, what: &str, result: Result<T, Fault>) -> Result<T, Fault> {
    result.map_err(|fault| match (fault, value::<String>(row, 0)) {
        (Fault::Damaged(why), Ok(name)) => Fault::Damaged(format!("{what} `{name}`: {why}")),
        (fault, _) => fault,
    })
}

/// Reads a value as it is. A column of another type than ours is damage.
pub(super) fn value<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Fault> {
    row.try_get(column).map_err(|error| {
        let source =
            std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        Fault::Damaged(format!("{error}{source}"))
    })
}

/// Reads a value that is stored as one text.
fn column<T: Stored>(row: &Row, column: usize) -> Result<T, Fault> {
    Ok(from_text(value(row, column)?)?)
}

fn optional<T: Stored>(row: &Row, column: usize) -> Result<Option<T>, Fault> {
    Ok(value::<Option<&str>>(row, column)?.map(from_text).transpose()?)
}

fn meta(row: &Row) -> Result<Meta, Fault> {
    let serial: i64 = value(row, 5)?;
    Ok(Meta {
        owner: Binding { project: column(row, 0)?, kind: column(row, 1)?, origin: value(row, 2)? },
        standing: parse(value(row, 3)?)?,
        lineage: column(row, 4)?,
        serial: u64::try_from(serial)
            .map(Serial)
            .map_err(|_| Fault::Damaged(format!("serial {serial} is negative")))?,
    })
}

fn past_run(row: &Row) -> Result<PastRun, Fault> {
    let run = Run {
        id: column(row, 0)?,
        at: column(row, 1)?,
        command: value(row, 2)?,
        plan_digest: value(row, 3)?,
        who: value(row, 4)?,
        nonce: optional(row, 5)?,
        approved: value::<Option<&str>>(row, 6)?.map(parse).transpose()?,
    };
    Ok(PastRun { run, ended_at: optional(row, 7)?, summary: value(row, 8)?, entries: Vec::new() })
}

fn entry(row: &Row) -> Result<Entry, Fault> {
    let read = || {
        Ok(Entry {
            run: column(row, 0)?,
            action: ActionId { address: column(row, 1)?, step: column(row, 2)? },
            at: column(row, 3)?,
            event: parse(value(row, 4)?)?,
        })
    };
    read().map_err(|fault: Fault| match (fault, value::<i64>(row, 5), value::<String>(row, 1)) {
        (Fault::Damaged(why), Ok(number), Ok(address)) => {
            Fault::Damaged(format!("event {number} of `{address}`: {why}"))
        }
        (fault, ..) => fault,
    })
}

fn recorded(row: &Row) -> Result<(Address, Recorded), Fault> {
    let recorded = Recorded {
        id: remote_id(value(row, 1)?, value(row, 2)?)?,
        record: Record {
            token: optional(row, 3)?,
            lifecycle: parse_versioned(value(row, 7)?)?,
            retired: value(row, 5)?,
            deposed: parse(value(row, 6)?)?,
            object: parse_versioned(value(row, 8)?)?,
        },
        recorded_at: column(row, 4)?,
        server_time: optional(row, 9)?,
        rebuilt: value(row, 10)?,
    };
    Ok((column(row, 0)?, recorded))
}

fn known_token(row: &Row) -> Result<(Token, KnownToken), Fault> {
    let known = KnownToken {
        address: column(row, 1)?,
        intended_at: column(row, 2)?,
        server_time: optional(row, 5)?,
        asked: parse(value(row, 3)?)?,
        tombstone: value(row, 4)?,
    };
    Ok((column(row, 0)?, known))
}
