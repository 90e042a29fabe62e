//! The tables, one text for each version, and how a schema gets them.
//!
//! A text that has been released is never edited: what changes is appended as the next version. One schema serves many
//! projects: each row says whose it is in `state`. What is compared is compared byte by byte, whatever the language of the
//! database, as an order that changes with the system would break the keys.

use futures_util::future::join;

use tokio_postgres::error::SqlState;

use super::fault::Fault;
use super::link::{Link, Value};
use super::read::{only, value};
use super::server::Server;
use super::{BEGIN_READ, BEGIN_WRITE, PostgresState};
use crate::state::StateError;

/// The steps from no schema to the present one; the version is how many of them were taken.
const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2];

/// The present version.
const VERSION: i64 = MIGRATIONS.len() as i64;

/// `{schema}` stands for the name of the schema.
const VERSION_1: &str = r#"
CREATE TABLE {schema}.schema_version (
    only_row boolean PRIMARY KEY CHECK (only_row),
    version  bigint NOT NULL
);

CREATE TABLE {schema}.meta (
    state    text COLLATE "C" PRIMARY KEY,
    lineage  text NOT NULL,
    serial   bigint NOT NULL CHECK (serial >= 0),
    project  text NOT NULL,
    kind     text NOT NULL,
    origin   text NOT NULL,
    standing text NOT NULL
);

CREATE TABLE {schema}.objects (
    state       text COLLATE "C" NOT NULL,
    address     text COLLATE "C" NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('pod', 'volume', 'secret', 'registry')),
    remote_id   text NOT NULL,
    token       text,
    recorded_at text NOT NULL,
    retired     boolean NOT NULL,
    deposed     text NOT NULL,
    lifecycle   text NOT NULL,
    applied     text NOT NULL,
    server_time text,
    rebuilt     boolean NOT NULL,
    PRIMARY KEY (state, address)
);

CREATE TABLE {schema}.tokens (
    state       text COLLATE "C" NOT NULL,
    token       text COLLATE "C" NOT NULL,
    address     text NOT NULL,
    intended_at text NOT NULL,
    asked       text NOT NULL,
    tombstone   boolean NOT NULL,
    server_time text,
    PRIMARY KEY (state, token)
);

CREATE TABLE {schema}.runs (
    state       text COLLATE "C" NOT NULL,
    number      bigint NOT NULL,
    id          text COLLATE "C" NOT NULL,
    began_at    text NOT NULL,
    command     text NOT NULL,
    plan_digest text NOT NULL,
    who         text NOT NULL,
    nonce       text,
    approved    text,
    ended_at    text,
    summary     text,
    PRIMARY KEY (state, number),
    UNIQUE (state, id)
);

CREATE TABLE {schema}.events (
    state   text COLLATE "C" NOT NULL,
    number  bigint NOT NULL,
    run     text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    step    text COLLATE "C" NOT NULL,
    at      text NOT NULL,
    kind    text NOT NULL,
    detail  text NOT NULL,
    PRIMARY KEY (state, number),
    FOREIGN KEY (state, run) REFERENCES {schema}.runs (state, id)
);

CREATE INDEX events_of_an_action ON {schema}.events (state, run, address, step, number);

CREATE TABLE {schema}.lease (
    state      text COLLATE "C" PRIMARY KEY,
    fence      bigint NOT NULL,
    holder_id  text,
    holder     text,
    since      timestamptz,
    expires_at timestamptz,
    last_batch text
);

INSERT INTO {schema}.schema_version (only_row, version) VALUES (true, 0);
"#;

/// Keeps what is known of jobs of whose last run no record tells.
const VERSION_2: &str = r#"
CREATE TABLE {schema}.unseen_jobs (
    state   text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    known   text NOT NULL,
    PRIMARY KEY (state, address)
);
"#;

/// Reads the version, beside a statement that begins the transaction which it is read in; 0 where there are no tables.
/// After a 0 the transaction is at its end.
///
/// # Errors
/// [`StateError::Newer`], or other tables of ours are there without it.
pub(super) async fn version(link: &Link, begin: &str, server: &Server) -> Result<i64, Fault> {
    let query = format!("SELECT version FROM {}.schema_version", server.schema());
    let (begun, version) = join(link.batch(begin), link.rows(&query, &[])).await;
    begun?;
    let rows = match version {
        Err(fault) if fault.is_missing_table() => {
            link.batch("ROLLBACK").await?;
            return ensure_none(link, server).await.map(|()| 0);
        }
        version => version?,
    };
    let found: i64 = match rows.as_slice() {
        [row] => value(row, 0)?,
        rows => {
            return Err(Fault::Damaged(format!("`schema_version` has {} rows instead of one", rows.len())));
        }
    };
    if found > VERSION {
        return Err(Fault::State(StateError::Newer { path: server.name.clone(), found, known: VERSION }));
    }
    if found < 1 {
        return Err(Fault::Damaged(format!("schema version {found} was never written")));
    }
    Ok(found)
}

/// Refuses tables of ours without their version: what is in them would count as nothing. Others may have tables of the
/// same names, which a column tells apart.
async fn ensure_none(link: &Link, server: &Server) -> Result<(), Fault> {
    // The version is looked for again, as of one moment with the others: somebody may have made all of them just now.
    let query = "SELECT c.relname::text FROM pg_catalog.pg_class c
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
                 WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
                     AND (c.relname, a.attname) IN (
                         ('meta', 'lineage'), ('objects', 'remote_id'), ('tokens', 'tombstone'),
                         ('unseen_jobs', 'known'), ('runs', 'plan_digest'), ('events', 'step'), ('lease', 'fence'))
                     AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class version
                         WHERE version.relnamespace = n.oid AND version.relname = 'schema_version')
                 ORDER BY 1 LIMIT 1";
    let rows = link.rows(query, &[Value::from(server.database.schema.as_str())]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let there: &str = value(row, 0)?;
    Err(Fault::Damaged(format!("the table `schema_version` is missing, and `{there}` is there")))
}

/// Makes the tables, or takes the steps that they have not taken yet, in one transaction.
///
/// Two that come at once are put in order by a lock that ends with the transaction.
pub(super) async fn ensure(slot: &mut Option<Link>, place: &PostgresState) -> Result<(), Fault> {
    let link = match slot.take() {
        Some(link) => link,
        None => place.connect().await?,
    };
    ensure_on(&link, &place.server).await?;
    *slot = Some(link);
    Ok(())
}

async fn ensure_on(link: &Link, server: &Server) -> Result<(), Fault> {
    let schema = server.schema();
    // Looked at first without a lock, as this is the usual case.
    let version_now = version(link, BEGIN_READ, server).await?;
    if version_now > 0 {
        link.batch("ROLLBACK").await?;
    }
    if version_now == VERSION {
        return Ok(());
    }
    link.batch(BEGIN_WRITE).await?;
    link.rows(
        "SELECT pg_advisory_xact_lock(hashtext($1), hashtext('podform'))",
        &[server.database.schema.as_str().into()],
    )
    .await?;
    let taken = if has_table(link, server).await? { version(link, "", server).await? } else { 0 };
    if taken == 0 && !has_schema(link, server).await? {
        link.batch(&format!("CREATE SCHEMA {}", schema)).await?;
    }
    let taken = usize::try_from(taken).unwrap_or_default();
    for step in MIGRATIONS.iter().skip(taken) {
        link.batch(&step.replace("{schema}", &schema)).await.map_err(|fault| foreign(fault, server))?;
    }
    link.batch(&format!("UPDATE {}.schema_version SET version = {VERSION}; COMMIT", schema)).await
}

/// Asks whether the role may write all tables, or make them.
pub(super) async fn may_write(link: &Link, server: &Server) -> Result<bool, Fault> {
    let query = "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AND CASE
            WHEN n.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
            ELSE has_schema_privilege(n.oid, 'USAGE') AND coalesce(
                (SELECT bool_and(has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                         AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
                 FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname IN
                     ('meta', 'objects', 'tokens', 'unseen_jobs', 'runs', 'events', 'lease')),
                has_schema_privilege(n.oid, 'CREATE'))
            END
        FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1";
    only(&link.rows(query, &[Value::from(server.database.schema.as_str())]).await?)
}

/// Says of tables that are there and not ours what they are.
fn foreign(fault: Fault, server: &Server) -> Fault {
    match fault {
        Fault::Said { code, .. } if code == SqlState::DUPLICATE_TABLE => {
            Fault::State(StateError::Foreign { path: server.name.clone() })
        }
        other => other,
    }
}

/// `CREATE SCHEMA IF NOT EXISTS` asks for the right to make one even where it is there.
async fn has_schema(link: &Link, server: &Server) -> Result<bool, Fault> {
    let query = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
    Ok(!link.rows(query, &[Value::from(server.database.schema.as_str())]).await?.is_empty())
}

async fn has_table(link: &Link, server: &Server) -> Result<bool, Fault> {
    let query = "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = 'schema_version'";
    Ok(!link.rows(query, &[Value::from(server.database.schema.as_str())]).await?.is_empty())
}
