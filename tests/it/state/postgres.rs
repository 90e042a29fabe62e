//! The state in PostgreSQL, over a real server.

#![expect(clippy::disallowed_macros, reason = "what could not be shown is said")]

mod network;
pub mod proxy;

use std::time::Duration;

use podform::model::clock::Clock;
use podform::model::id::{Lineage, RunId, Serial};
use podform::model::location::Database;
use podform::model::prior::{Binding, ProviderKind};
use podform::state::place::{Held, Place};
use podform::state::postgres::{Credentials, HeldPostgres, PostgresState};
use podform::state::{Batch, Journal, RecordChange, StateError, Store};

use super::binding;
use super::contract::Engine;
use super::samples::Samples;
use super::sqlite::{At, events, intended, run, why};
use crate::kit::holder;
use crate::postgres as server;
use server::{admin, credentials, fresh_schema, shared, state, target};

/// Returns an empty state in a schema of its own, or `None` where PostgreSQL is not installed.
fn fresh(project: &str) -> Option<PostgresState> {
    Some(state(fresh_target()?, project))
}

/// A schema of its own in the shared server.
pub struct Postgres(Database);

impl Postgres {
    pub fn new() -> Option<Self> {
        fresh_target().map(Self)
    }
}

impl Engine for Postgres {
    type Place = PostgresState;

    fn place(&self, binding: Binding, proposed: &str) -> PostgresState {
        PostgresState::new(self.0.clone(), None, credentials("postgres"), binding, Lineage::new(proposed))
    }
}

/// Returns a schema that is not there yet.
fn fresh_target() -> Option<Database> {
    Some(target(shared()?.port, &fresh_schema()))
}

async fn lock(place: &PostgresState) -> HeldPostgres {
    place.lock(&holder("ann", "box"), &At(0), Duration::ZERO).await.unwrap()
}

async fn refused(place: &PostgresState, user: &str) -> StateError {
    place.lock(&holder(user, "box"), &At(0), Duration::ZERO).await.unwrap_err()
}

/// A batch that records one object.
fn put(address: &str, seed: u64) -> Batch {
    let recorded = Box::new(Samples::from_seed(seed).recorded());
    let put = RecordChange::Put(address.parse().unwrap(), recorded);
    Batch { entries: Vec::new(), changes: vec![put] }
}

/// An error without what differs from one server to the next.
fn message(error: &StateError, target: &Database) -> String {
    let times = |text: String| match text.split_once(" since ") {
        Some((before, _)) => format!("{before} since TIME"),
        None => text,
    };
    times(
        error
            .to_string()
            .replace(&target.port.to_string(), "PORT")
            .replace(&target.schema.to_string(), "SCHEMA"),
    )
}

#[tokio::test]
async fn reading_and_unlocking_make_nothing() {
    let Some(target) = fresh_target() else { return };
    let place = state(target.clone(), "acme");
    place.load().await.unwrap();
    assert_eq!((place.lease().await.unwrap(), place.unlock().await.unwrap()), (None, None));
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = $1";
    let made: i64 =
        admin(target.port).await.query_one(schemas, &[&target.schema.to_string()]).await.unwrap().get(0);
    assert_eq!(made, 0);
}

#[tokio::test]
async fn what_is_committed_is_there_for_readers_and_the_next_holder() {
    let Some(place) = fresh("acme") else { return };
    let held = lock(&place).await;
    held.begin(&run("r1")).await.unwrap();
    held.commit(&put("llm", 3)).await.unwrap();
    let before = held.load().await.unwrap();
    assert_eq!(before.serial, Serial(1));
    assert_eq!(place.load().await.unwrap(), before);
    held.release().await.unwrap();
    assert_eq!(place.lease().await.unwrap(), None);
    assert_eq!(lock(&place).await.load().await.unwrap(), before);
}

#[tokio::test]
async fn projects_lie_side_by_side_and_each_has_one_owner() {
    let Some(target) = fresh_target() else { return };
    let bound = |binding: Binding, line: &str| {
        PostgresState::new(target.clone(), None, credentials("postgres"), binding, Lineage::new(line))
    };
    let other_line = bound(binding("acme"), "other");
    lock(&state(target.clone(), "acme")).await.release().await.unwrap();
    assert_eq!(other_line.load().await.unwrap().lineage.as_str(), "other");
    let held = lock(&state(target.clone(), "acme")).await;
    held.begin(&run("r1")).await.unwrap();
    held.release().await.unwrap();
    assert_eq!(other_line.load().await.unwrap().lineage.as_str(), "line");

    let simulator = Binding { kind: ProviderKind::Simulator, ..binding("acme") };
    let staging = Binding { origin: "https://staging".into(), ..binding("acme") };
    let mut said = Vec::new();
    for binding in [simulator, staging] {
        let stranger = bound(binding, "line");
        let read = stranger.load().await.unwrap_err();
        assert_eq!(read.to_string(), refused(&stranger, "ann").await.to_string());
        assert_eq!(read.to_string(), stranger.unlock().await.unwrap_err().to_string());
        said.push(message(&read, &target));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` belongs to project `acme` on RunPod at `https://api.runpod.io`, not to project `acme` on the simulator at `https://api.runpod.io`
    state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` belongs to project `acme` on RunPod at `https://api.runpod.io`, not to project `acme` on RunPod at `https://staging`
    ");

    let shop = bound(binding("shop"), "shops");
    let held = lock(&shop).await;
    held.begin(&run("r1")).await.unwrap();
    held.commit(&put("llm", 3)).await.unwrap();
    assert_eq!((shop.serial().await.unwrap(), other_line.serial().await.unwrap()), (Serial(1), Serial(0)));
}

#[tokio::test]
async fn a_lease_that_expired_is_taken_over_and_its_holder_writes_nothing_any_more() {
    let Some(target) = fresh_target() else { return };
    let place = state(Database { lease: Duration::from_secs(2), ..target }, "acme");
    let first = lock(&place).await;
    first.begin(&run("r1")).await.unwrap();
    assert!(matches!(refused(&place, "bob").await, StateError::Locked { .. }));
    let second = place.lock(&holder("bob", "box"), &At(0), Duration::from_secs(30)).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(first.commit(&put("llm", 1)).await, Err(StateError::Fenced { .. })));
        assert!(matches!(first.load().await, Err(StateError::Fenced { .. })));
    }
    assert!(matches!(first.keep(&At(0)).await, StateError::Fenced { .. }));
    assert!(matches!(first.release().await, Err(StateError::Fenced { .. })));
    second.commit(&put("web", 2)).await.unwrap();
    let load = place.load().await.unwrap();
    assert_eq!(load.objects.keys().map(ToString::to_string).collect::<Vec<_>>(), ["web"]);
}

#[tokio::test]
async fn a_lease_that_is_kept_does_not_expire() {
    let Some(target) = fresh_target() else { return };
    let place = state(Database { lease: Duration::from_secs(2), ..target }, "acme");
    let (first, bob) = (lock(&place).await, holder("bob", "box"));
    tokio::select! {
        error = first.keep(&At(0)) => panic!("{error}"),
        taken = place.lock(&bob, &At(0), Duration::from_secs(5)) => {
            assert!(matches!(taken, Err(StateError::Locked { .. })), "{taken:?}");
        }
    }
    first.commit(&Batch::default()).await.unwrap();
}

#[tokio::test]
async fn a_write_that_was_broken_off_ends_the_holder() {
    let Some(place) = fresh("acme") else { return };
    let held = lock(&place).await;
    {
        let nothing = Batch::default();
        let commit = held.commit(&nothing);
        tokio::pin!(commit);
        assert!(futures_util::poll!(&mut commit).is_pending());
    }
    for _ in 0..2 {
        assert!(matches!(held.commit(&Batch::default()).await, Err(StateError::Unknown { .. })));
        assert!(matches!(held.load().await, Err(StateError::Unknown { .. })));
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_before_it_is_sent() {
    let Some(target) = fresh_target() else { return };
    let place = state(target.clone(), "acme");
    let held = lock(&place).await;
    let error = held.begin(&podform::state::Run { who: "a\0b".into(), ..run("r1") }).await.unwrap_err();
    insta::assert_snapshot!(message(&error, &target), @"failed to write state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA`: a text has the character U+0000, which PostgreSQL cannot keep");
    held.begin(&run("r1")).await.unwrap();
    let refused = events("r9", "web", [intended(&mut Samples::from_seed(1))]);
    assert_eq!(why(&held.commit(&refused).await.unwrap_err()), "run `r9` was not begun");
    held.commit(&put("llm", 1)).await.unwrap();
    assert_eq!(place.load().await.unwrap().serial, Serial(1));
}

#[tokio::test]
async fn contents_replace_everything_and_the_journal_goes_on_after_them() {
    let (Some(from), Some(to)) = (fresh("acme"), fresh("acme")) else { return };
    let mut samples = Samples::from_seed(5);
    let held = lock(&from).await;
    held.begin(&run("r1")).await.unwrap();
    held.commit(&events("r1", "web", [intended(&mut samples)])).await.unwrap();
    held.commit(&put("llm", 1)).await.unwrap();
    held.finish(&RunId::new("r1"), At(9).now(), "done").await.unwrap();
    held.begin(&run("r2")).await.unwrap();

    let other = lock(&to).await;
    other.begin(&run("r7")).await.unwrap();
    other.commit(&put("volume.models", 2)).await.unwrap();
    other.replace(&from.contents().await.unwrap().unwrap()).await.unwrap();
    assert_eq!(to.load().await.unwrap(), from.load().await.unwrap());
    assert_eq!(to.history().await.unwrap(), from.history().await.unwrap());
    assert_eq!(other.load().await.unwrap(), from.load().await.unwrap());
    for held in [&held, &other] {
        held.commit(&events("r2", "web", [intended(&mut Samples::from_seed(6))])).await.unwrap();
        held.begin(&run("r3")).await.unwrap();
    }
    assert_eq!(to.history().await.unwrap(), from.history().await.unwrap());
    assert_eq!(to.serial().await.unwrap(), Serial(3));
}

#[tokio::test]
async fn what_is_no_whole_state_is_refused() {
    let damages = [
        ("UPDATE objects SET lifecycle = '{}'", "the record"),
        ("UPDATE objects SET lifecycle = '{\"version\":2,\"value\":[]}'", "its version"),
        (
            "CREATE TEMP TABLE copy AS SELECT * FROM objects; UPDATE copy SET address = 'web';
             INSERT INTO objects SELECT * FROM copy",
            "two records of one object",
        ),
        ("UPDATE events SET detail = '[]'", "the event"),
        ("UPDATE events SET address = '?'", "its address"),
        ("UPDATE events SET detail = '\"succeeded\"'", "the order"),
        ("UPDATE tokens SET asked = 'x'", "the token"),
        ("UPDATE meta SET standing = '\"gone\"'", "the standing"),
        ("UPDATE lease SET holder = 'x', since = now(), expires_at = now()", "the lease"),
        ("ALTER TABLE objects DROP COLUMN rebuilt", "the table"),
        ("DROP TABLE tokens", "no table"),
        ("UPDATE schema_version SET version = 3", "newer"),
        ("UPDATE schema_version SET version = 0", "a version that never was"),
        ("DELETE FROM schema_version", "no version"),
        ("DROP TABLE schema_version", "no table of versions"),
        ("DROP TABLE meta", "no table of owners"),
        ("DROP TABLE lease", "no table of leases"),
        ("DELETE FROM meta", "no owner"),
        ("DELETE FROM meta; DELETE FROM objects; DELETE FROM tokens; DELETE FROM events", "runs alone"),
        ("DELETE FROM lease", "no row of the lease"),
    ];
    let mut said = Vec::new();
    for (damage, what) in damages {
        let Some(target) = fresh_target() else { return };
        let place = state(target.clone(), "acme");
        let held = lock(&place).await;
        held.begin(&run("r1")).await.unwrap();
        held.commit(&events("r1", "web", [intended(&mut Samples::from_seed(1))])).await.unwrap();
        held.commit(&put("llm", 1)).await.unwrap();
        held.release().await.unwrap();
        let damage = format!("SET search_path = {}; {damage}", target.schema);
        admin(target.port).await.batch_execute(&damage).await.unwrap();
        let read = if what == "the lease" {
            place.lease().await.map(drop).unwrap_err()
        } else {
            place.load().await.unwrap_err()
        };
        let locked = refused(&place, "ann").await;
        let (read, locked) = (message(&read, &target), message(&locked, &target));
        assert_eq!(locked.replace("failed to write", "failed to read"), read);
        if what.starts_with("no ") || what.ends_with("alone") {
            // Also for those who read little of it.
            let others = [
                place.serial().await.map(drop).unwrap_err(),
                place.runs().await.map(drop).unwrap_err(),
                place.history().await.map(drop).unwrap_err(),
                place.lease().await.map(drop).unwrap_err(),
                place.contents().await.map(drop).unwrap_err(),
                place.unlock().await.map(drop).unwrap_err(),
            ];
            for other in others {
                assert_eq!(message(&other, &target), read);
            }
        }
        said.push(format!("{what}: {read}"));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    the record: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: the record of `llm`: missing field `version` at line 1 column 2
    its version: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: the record of `llm`: its values have version 2, known is 1
    two records of one object: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: `reg2864053821` is recorded both at `llm` and at `web`
    the event: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: event 1 of `web`: expected value at line 1 column 1
    its address: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: event 1 of `?`: `?` is no address
    the order: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: the journal has Succeeded after Pending
    the token: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: the token `a833bdcdb6d1beb1`: expected value at line 1 column 1
    the standing: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: unknown variant `gone`, expected one of `active`, `incoming`, `moved` at line 1 column 6
    the lease: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: the lease: expected value at line 1 column 1
    the table: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: PostgreSQL says: column "rebuilt" does not exist (42703)
    no table: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: PostgreSQL says: relation "SCHEMA.tokens" does not exist (42P01)
    newer: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` has schema version 3, this podform knows up to 2
    a version that never was: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: schema version 0 was never written
    no version: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: `schema_version` has 0 rows instead of one
    no table of versions: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: the table `schema_version` is missing, and `events` is there
    no table of owners: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: PostgreSQL says: relation "SCHEMA.meta" does not exist (42P01)
    no table of leases: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: PostgreSQL says: relation "SCHEMA.lease" does not exist (42P01)
    no owner: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: its row of `meta` is missing, and `objects` has some of it
    runs alone: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: its row of `meta` is missing, and `runs` has some of it
    no row of the lease: state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is damaged: its row of `lease` is missing, and `meta` has some of it
    "#);
}

#[tokio::test]
async fn tables_of_something_else_are_left_alone() {
    let Some(target) = fresh_target() else { return };
    let schema = &target.schema;
    let admin = admin(target.port).await;
    admin
        .batch_execute(&format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.runs (mine text)"))
        .await
        .unwrap();
    let error = refused(&state(target.clone(), "acme"), "ann").await;
    insta::assert_snapshot!(message(&error, &target), @"`postgres://127.0.0.1:PORT/postgres?schema=SCHEMA` is not a podform state");
    let tables =
        "SELECT count(*) FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind = 'r'";
    let tables: i64 = admin.query_one(tables, &[&schema.to_string()]).await.unwrap().get(0);
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn two_first_users_make_the_tables_once() {
    let Some(target) = fresh_target() else { return };
    let (acme, shop) = (state(target.clone(), "acme"), state(target, "shop"));
    let (ann, bob) = (holder("ann", "box"), holder("bob", "box"));
    let both = tokio::join!(acme.lock(&ann, &At(0), Duration::ZERO), shop.lock(&bob, &At(0), Duration::ZERO));
    both.0.unwrap().commit(&Batch::default()).await.unwrap();
    both.1.unwrap().commit(&Batch::default()).await.unwrap();
}

#[tokio::test]
async fn a_role_that_may_only_read_plans_and_is_told_what_it_lacks() {
    let Some(target) = fresh_target() else { return };
    let owners = state(target.clone(), "acme");
    assert!(owners.may_write().await.unwrap(), "there is no schema yet");
    let held = lock(&owners).await;
    held.begin(&run("r1")).await.unwrap();
    held.commit(&put("llm", 1)).await.unwrap();
    let admin = admin(target.port).await;
    let (schema, role) = (&target.schema, format!("reader_{}", target.schema));
    let made = format!("CREATE ROLE {role} LOGIN PASSWORD '{}'", server::PASSWORD);
    admin.batch_execute(&made).await.unwrap();
    let reader =
        PostgresState::new(target.clone(), None, credentials(&role), binding("acme"), Lineage::new("line"));
    let nothing = reader.load().await.unwrap_err();
    let may_write = [reader.may_write().await.unwrap(), owners.may_write().await.unwrap()];
    assert_eq!(may_write, [false, true]);
    let granted = format!(
        "GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"
    );
    admin.batch_execute(&granted).await.unwrap();
    assert_eq!(reader.load().await.unwrap(), held.load().await.unwrap());
    assert!(!reader.may_write().await.unwrap());
    assert_eq!(reader.history().await.unwrap().len(), 1);
    assert_eq!(reader.lease().await.unwrap().unwrap().holder.user, "ann");
    let said = [nothing, refused(&reader, "bob").await, reader.unlock().await.unwrap_err()];
    let granted = format!("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}");
    admin.batch_execute(&granted).await.unwrap();
    assert!(reader.may_write().await.unwrap());
    insta::assert_snapshot!(said.map(|error| message(&error, &target)).join("\n"), @"
    failed to read state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA`: PostgreSQL says: permission denied for schema SCHEMA (42501); the role needs `GRANT USAGE ON SCHEMA SCHEMA` and `GRANT SELECT ON ALL TABLES IN SCHEMA SCHEMA`
    failed to write state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA`: PostgreSQL says: permission denied for table lease (42501); the role needs to own the schema `SCHEMA`, or `GRANT CREATE ON DATABASE postgres` at the first use, or `GRANT USAGE ON SCHEMA SCHEMA` and `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA SCHEMA`
    failed to write state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA`: PostgreSQL says: permission denied for table lease (42501); the role needs to own the schema `SCHEMA`, or `GRANT CREATE ON DATABASE postgres` at the first use, or `GRANT USAGE ON SCHEMA SCHEMA` and `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA SCHEMA`
    ");
}

#[tokio::test]
async fn a_reader_does_not_wait_for_a_row_that_is_locked() {
    let Some(target) = fresh_target() else { return };
    let place = state(target.clone(), "acme");
    let held = lock(&place).await;
    held.commit(&put("llm", 1)).await.unwrap();
    let mut admin = admin(target.port).await;
    let writer = admin.transaction().await.unwrap();
    for table in ["lease", "meta", "objects"] {
        let lock = format!("SELECT * FROM {}.{table} FOR UPDATE", target.schema);
        writer.execute(&lock, &[]).await.unwrap();
    }
    assert_eq!(place.load().await.unwrap(), held.load().await.unwrap());
    assert!(place.lease().await.unwrap().is_some());
    writer.rollback().await.unwrap();
    held.commit(&put("llm", 2)).await.unwrap();
}

#[tokio::test]
async fn errors_say_what_to_do_and_nothing_of_the_credentials() {
    let Some(target) = fresh_target() else { return };
    let with = |target: &Database, credentials: Credentials| {
        PostgresState::new(target.clone(), None, credentials, binding("acme"), Lineage::new("line"))
    };
    let secret = |text: &str| Some(podform::model::secret::Secret::new(text.to_owned()));
    let wrong = Credentials { password: secret("hunter2"), ..credentials("postgres") };
    let other_user = Credentials { user: secret("mallory"), ..wrong.clone() };
    let elsewhere = Database { host: "192.0.2.1".into(), ..target.clone() };
    let states = [
        with(&target, wrong),
        with(&target, other_user),
        with(&target, Credentials { password: None, ..credentials("postgres") }),
        with(&target, Credentials { user: None, ..credentials("postgres") }),
        with(&Database { name: "nowhere".into(), ..target.clone() }, credentials("postgres")),
        with(&elsewhere, credentials("postgres")),
        with(&Database { host: "/run/postgresql".into(), ..target.clone() }, credentials("postgres")),
        with(&Database { port: 1, ..target.clone() }, credentials("postgres")),
    ];
    let mut said = Vec::new();
    for state in states {
        let error = state.load().await.unwrap_err();
        let locked = refused(&state, "ann").await;
        assert_eq!(locked.to_string().replace("failed to open", "failed to read"), error.to_string());
        for secret in ["hunter2", server::PASSWORD] {
            assert!(!format!("{error} {error:?} {state:?}").contains(secret), "{error:?}");
        }
        said.push(message(&error, &target));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    failed to read state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA`: PostgreSQL says: password authentication failed for user "postgres" (28P01); look at `PGUSER`, `PGPASSWORD` and `PGPASSFILE`
    failed to read state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA`: PostgreSQL says: password authentication failed for user "mallory" (28P01); look at `PGUSER`, `PGPASSWORD` and `PGPASSFILE`
    failed to read state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA`: the server asks for a password: set `PGPASSWORD` or `PGPASSFILE`
    failed to read state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA`: no user is named: set `PGUSER`
    failed to read state `postgres://127.0.0.1:PORT/nowhere?schema=SCHEMA`: PostgreSQL says: database "nowhere" does not exist (3D000); create the database `nowhere` first: podform makes only its own schema
    failed to read state `postgres://192.0.2.1:PORT/postgres?schema=SCHEMA`: `192.0.2.1` is another computer, which is spoken to with TLS only: `sslmode=verify-full`
    failed to read state `postgres:///run/postgresql:PORT/postgres?schema=SCHEMA`: `/run/postgresql` is no name or address of a host
    failed to read state `postgres://127.0.0.1:1/postgres?schema=SCHEMA`: error connecting to server: Connection refused (os error 111)
    "#);
}
