//! The tables, one text for each version, and what marks a file as ours.
//!
//! A text that has been released is never edited: what changes is appended as the next version.

/// Marks a SQLite file as a podform state; the letters `podf`.
pub(super) const APPLICATION_ID: i64 = 0x706f_6466;

/// The steps from an empty database to the present schema; the version is how many of them were taken.
pub(super) const MIGRATIONS: &[&str] =
    &[VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7];

/// The present version.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

const VERSION_1: &str = "
CREATE TABLE meta (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    lineage  TEXT NOT NULL,
    serial   INTEGER NOT NULL CHECK (serial >= 0),
    project  TEXT NOT NULL,
    kind     TEXT NOT NULL,
    origin   TEXT NOT NULL
) STRICT;

CREATE TABLE objects (
    address     TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('pod', 'volume')),
    remote_id   TEXT NOT NULL,
    token       TEXT,
    recorded_at TEXT NOT NULL,
    retired     INTEGER NOT NULL CHECK (retired IN (0, 1)),
    deposed     TEXT NOT NULL,
    lifecycle   TEXT NOT NULL,
    applied     TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    token       TEXT PRIMARY KEY,
    address     TEXT NOT NULL,
    intended_at TEXT NOT NULL,
    asked       TEXT NOT NULL,
    tombstone   INTEGER NOT NULL CHECK (tombstone IN (0, 1))
) STRICT;

CREATE TABLE runs (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    began_at    TEXT NOT NULL,
    command     TEXT NOT NULL,
    plan_digest TEXT NOT NULL,
    who         TEXT NOT NULL,
    nonce       TEXT,
    approved    TEXT,
    ended_at    TEXT,
    summary     TEXT
) STRICT;

CREATE TABLE events (
    number  INTEGER PRIMARY KEY,
    run     TEXT NOT NULL REFERENCES runs (id),
    address TEXT NOT NULL,
    step    TEXT NOT NULL,
    at      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;

CREATE INDEX events_of_an_action ON events (run, address, step, number);

CREATE TABLE lease (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    fence      INTEGER NOT NULL,
    user       TEXT,
    host       TEXT,
    pid        INTEGER,
    command    TEXT,
    since      TEXT,
    expires_at TEXT
) STRICT;

INSERT INTO lease (only_row, fence) VALUES (1, 0);
";

/// Lets a commit find out whether it recorded an object twice without reading all records.
const VERSION_2: &str = "CREATE INDEX objects_by_id ON objects (kind, remote_id);";

/// Keeps the provider's time beside that of this computer, and what a rebuild found.
const VERSION_3: &str = "
ALTER TABLE objects ADD COLUMN server_time TEXT;
ALTER TABLE objects ADD COLUMN rebuilt INTEGER NOT NULL DEFAULT 0 CHECK (rebuilt IN (0, 1));
ALTER TABLE tokens ADD COLUMN server_time TEXT;
";

/// Lets secrets of the account be recorded. SQLite changes no check of a table, so the table is made anew.
const VERSION_4: &str = "
CREATE TABLE objects_of_any_kind (
    address     TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('pod', 'volume', 'secret')),
    remote_id   TEXT NOT NULL,
    token       TEXT,
    recorded_at TEXT NOT NULL,
    retired     INTEGER NOT NULL CHECK (retired IN (0, 1)),
    deposed     TEXT NOT NULL,
    lifecycle   TEXT NOT NULL,
    applied     TEXT NOT NULL,
    server_time TEXT,
    rebuilt     INTEGER NOT NULL DEFAULT 0 CHECK (rebuilt IN (0, 1))
) STRICT;
INSERT INTO objects_of_any_kind
    SELECT address, kind, remote_id, token, recorded_at, retired, deposed, lifecycle, applied, server_time, rebuilt
    FROM objects;
DROP TABLE objects;
ALTER TABLE objects_of_any_kind RENAME TO objects;
CREATE INDEX objects_by_id ON objects (kind, remote_id);
";

/// Lets credentials for registries be recorded, and says of those that a pod pulls with that they were given by an id.
const VERSION_5: &str = "
CREATE TABLE objects_of_any_kind (
    address     TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('pod', 'volume', 'secret', 'registry')),
    remote_id   TEXT NOT NULL,
    token       TEXT,
    recorded_at TEXT NOT NULL,
    retired     INTEGER NOT NULL CHECK (retired IN (0, 1)),
    deposed     TEXT NOT NULL,
    lifecycle   TEXT NOT NULL,
    applied     TEXT NOT NULL,
    server_time TEXT,
    rebuilt     INTEGER NOT NULL DEFAULT 0 CHECK (rebuilt IN (0, 1))
) STRICT;
INSERT INTO objects_of_any_kind
    SELECT address, kind, remote_id, token, recorded_at, retired, deposed, lifecycle, applied, server_time, rebuilt
    FROM objects;
DROP TABLE objects;
ALTER TABLE objects_of_any_kind RENAME TO objects;
CREATE INDEX objects_by_id ON objects (kind, remote_id);
UPDATE objects SET applied = json_set(
    applied, '$.value.pod.container.registry',
    json_object('given', json_extract(applied, '$.value.pod.container.registry')))
    WHERE json_type(applied, '$.value.pod.container.registry') = 'text';
UPDATE tokens SET asked = json_set(
    asked, '$.record.object.pod.container.registry',
    json_object('given', json_extract(asked, '$.record.object.pod.container.registry')))
    WHERE json_type(asked, '$.record.object.pod.container.registry') = 'text';
UPDATE events SET detail = json_set(
    detail, '$.intended.asked.record.object.pod.container.registry',
    json_object('given', json_extract(detail, '$.intended.asked.record.object.pod.container.registry')))
    WHERE json_type(detail, '$.intended.asked.record.object.pod.container.registry') = 'text';
";

/// Says of a state whether it is the one to use, and of a holder where its job can be looked at.
const VERSION_6: &str = r#"
ALTER TABLE lease ADD COLUMN id TEXT;
ALTER TABLE lease ADD COLUMN url TEXT;
ALTER TABLE meta ADD COLUMN standing TEXT NOT NULL DEFAULT '"active"';
"#;

/// Keeps what is known of jobs of whose last run no record tells.
const VERSION_7: &str = "
CREATE TABLE unseen_jobs (
    address TEXT PRIMARY KEY,
    known   TEXT NOT NULL
) STRICT;
";
