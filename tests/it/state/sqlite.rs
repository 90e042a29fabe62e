//! The SQLite state: what it keeps, and what it refuses without touching it.

#![expect(clippy::disallowed_methods, reason = "the tests damage files and compare folders")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use podform::model::clock::{Clock, Timestamp};
use podform::model::id::{Lineage, PodId, RemoteId, RunId, Serial};
use podform::model::journal::{Entry, Event};
use podform::model::plan::{ActionId, Step};
use podform::model::prior::{Binding, Prior, ProviderKind};
use podform::state::memory::MemoryState;
use podform::state::sqlite::{LockedState, StateFile};
use podform::state::{Batch, Journal, RecordChange, Run, StateError, Store};
use rusqlite::Connection;

use crate::kit::{self, holder};

use super::samples::Samples;
use super::{binding, state_file};

/// A clock that stands still.
pub struct At(pub i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap()
    }
}

pub async fn lock(file: &StateFile) -> LockedState {
    file.lock(&holder("ann", "box"), &At(0), Duration::ZERO).await.unwrap()
}

pub fn run(id: &str) -> Run {
    Run { plan_digest: "d".into(), ..kit::run(id, At(0).now()) }
}

pub fn entry(run: &str, address: &str, step: Step, event: Event) -> Entry {
    let action = ActionId { address: address.parse().unwrap(), step };
    Entry { at: At(1).now(), run: RunId::new(run), action, event }
}

pub fn events(run: &str, address: &str, events: impl IntoIterator<Item = Event>) -> Batch {
    let entries = events.into_iter().map(|event| entry(run, address, Step::Create, event)).collect();
    Batch { entries, changes: Vec::new() }
}

pub fn intended(samples: &mut Samples) -> Event {
    Event::Intended {
        attempt: 0,
        token: Some(samples.token()),
        asked: Some(samples.asked()),
        server_time: None,
    }
}

/// All files of a folder with their bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Copies a folder, as if the computer had lost power.
fn crash_image(of: &Path) -> tempfile::TempDir {
    let image = tempfile::tempdir().unwrap();
    for (path, bytes) in files(of) {
        fs::write(image.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    image
}

#[tokio::test]
async fn a_state_that_does_not_exist_is_empty_and_stays_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("sub/acme.db"));
    assert_eq!(file.load().await.unwrap(), Prior::empty(Lineage::new("line")));
    assert_eq!(file.history().unwrap(), []);
    assert_eq!(files(folder.path()), BTreeMap::new());
    assert!(!folder.path().join("sub").exists());
}

#[tokio::test]
async fn the_first_run_fixes_lineage_and_binding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.db");
    let other_line = StateFile::new(&path, binding("acme"), Lineage::new("other"));

    drop(lock(&state_file(&path)).await);
    let unused = other_line.read().unwrap();
    lock(&state_file(&path)).await.begin(&run("r1")).await.unwrap();
    let used = other_line.read().unwrap();
    assert_eq!((unused.lineage.as_str(), used.lineage.as_str()), ("other", "line"));

    let simulator = Binding { kind: ProviderKind::Simulator, ..binding("acme") };
    let staging = Binding { origin: "https://staging".into(), ..binding("acme") };
    let before = files(folder.path());
    let mut said = String::new();
    for binding in [binding("shop"), simulator, staging] {
        let stranger = StateFile::new(&path, binding, Lineage::new("line"));
        let read = stranger.read().unwrap_err();
        let locked = stranger.lock(&holder("ann", "box"), &At(0), Duration::ZERO).await.unwrap_err();
        assert_eq!(read.to_string(), locked.to_string());
        said += &read.to_string().replace(&folder.path().display().to_string(), "DIR");
        said += "\n";
    }
    insta::assert_snapshot!(said, @r#"
    state `DIR/acme.db` belongs to project `acme` on RunPod at `https://api.runpod.io`, not to project `shop` on RunPod at `https://api.runpod.io`
    state `DIR/acme.db` belongs to project `acme` on RunPod at `https://api.runpod.io`, not to project `acme` on the simulator at `https://api.runpod.io`
    state `DIR/acme.db` belongs to project `acme` on RunPod at `https://api.runpod.io`, not to project `acme` on RunPod at `https://staging`
    "#);
    assert_eq!(files(folder.path()), before);
}

/// An error without the path.
pub fn why(error: &StateError) -> String {
    match error {
        StateError::Failed { doing: _, path: _, why } => why.clone(),
        other => other.to_string(),
    }
}

pub fn draw_batch(samples: &mut Samples, prior: &Prior) -> Batch {
    let mut batch = Batch::default();
    for _ in 0..samples.0.usize(..3) {
        let event = match samples.0.u8(..10) {
            0..=3 => intended(samples),
            4 | 5 => Event::Started,
            6 => Event::Accepted { id: Some(samples.remote_id()) },
            7 => Event::Unknown { why: samples.text() },
            8 => Event::Refused { why: samples.text() },
            _ => Event::Succeeded,
        };
        let run = samples.one(&["r1", "r1", "r2", "never-begun"]);
        let address = samples.one(&["llm", "web"]);
        batch.entries.push(entry(run, address, Step::Create, event));
    }
    let known: Vec<_> = prior.tokens.keys().cloned().collect();
    for _ in 0..samples.0.usize(..3) {
        let change = match samples.0.u8(..8) {
            0..=4 => RecordChange::Put(samples.address(), Box::new(samples.recorded())),
            5 if samples.0.bool() => RecordChange::Unseen(samples.address(), samples.unseen()),
            5 => RecordChange::Remove(samples.address()),
            6 => RecordChange::Rename { from: samples.address(), to: samples.address() },
            _ if known.is_empty() || samples.0.u8(..4) == 0 => RecordChange::Tombstone(samples.token()),
            _ if samples.0.u8(..3) == 0 => RecordChange::Doubt(samples.one(&known)),
            _ => RecordChange::Tombstone(samples.one(&known)),
        };
        batch.changes.push(change);
    }
    batch
}

#[tokio::test]
async fn a_crash_between_two_commits_leaves_the_intent_open() {
    let folder = tempfile::tempdir().unwrap();
    let state = lock(&state_file(&folder.path().join("acme.db"))).await;
    let mut samples = Samples::from_seed(2);
    let token = samples.token();
    let intent = Event::Intended {
        attempt: 0,
        token: Some(token.clone()),
        asked: Some(samples.asked()),
        server_time: None,
    };
    let accepted = Event::Accepted { id: Some(RemoteId::Pod(PodId::new("p1"))) };
    state.begin(&run("r1")).await.unwrap();
    let mut seen = Vec::new();
    for batch in [
        events("r1", "web", [intent]),
        events("r1", "web", [Event::Started, accepted]),
        events("r1", "web", [Event::Succeeded]),
    ] {
        let serial = state.commit(&batch).await.unwrap();
        // The live folder has a log that was never written back; so has its image.
        let image = crash_image(folder.path());
        let file = state_file(&image.path().join("acme.db"));
        let read = file.read().unwrap();
        assert_eq!(lock(&file).await.load().await.unwrap(), read);
        assert_eq!(read.tokens.keys().collect::<Vec<_>>(), [&token]);
        let open: Vec<_> = read.open.iter().map(|open| (&open.action, &open.status, &open.token)).collect();
        seen.push(format!("{serial} {open:?}").replace(token.as_str(), "TOKEN"));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    1 [(ActionId { address: Pod { key: Key("web"), replica: None }, step: Create }, Intended, Some(Token("TOKEN")))]
    2 [(ActionId { address: Pod { key: Key("web"), replica: None }, step: Create }, Accepted { id: Some(Pod(PodId("p1"))) }, Some(Token("TOKEN")))]
    3 []
    "#);
}

#[tokio::test]
async fn reading_beside_a_writer_neither_waits_nor_leaves_anything() {
    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("acme.db"));
    let state = lock(&file).await;
    state.begin(&run("r1")).await.unwrap();
    let recorded = Box::new(Samples::from_seed(3).recorded());
    let put = RecordChange::Put("llm".parse().unwrap(), recorded);
    state.commit(&Batch { entries: Vec::new(), changes: vec![put] }).await.unwrap();
    assert_eq!(file.read().unwrap(), state.load().await.unwrap());
    drop(state);

    let before = files(folder.path());
    let names: Vec<_> = before.keys().map(|path| path.file_name().unwrap().to_string_lossy()).collect();
    assert_eq!(names, ["acme.db", "acme.db.lock"]);
    assert_eq!(file.read().unwrap().serial, Serial(1));
    assert_eq!(files(folder.path()), before);
}

/// States that came to be in place without a log were seen unreadable after a kill at that moment.
#[tokio::test]
async fn a_new_state_has_its_log_before_it_is_in_place_and_no_kill_finds_it_without() {
    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("acme.db"));
    drop(lock(&file).await);
    // The two bytes that say how it is read and written; 2 is the log.
    assert_eq!(fs::read(file.path()).unwrap()[18..20], [2, 2]);
}

#[tokio::test]
async fn a_state_that_another_program_was_killed_in_is_rolled_back_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("acme.db"));
    let held = lock(&file).await;
    held.commit(&Batch::default()).await.unwrap();
    drop(held);
    let before = file.read().unwrap();

    let other = Connection::open(file.path()).unwrap();
    other.pragma_update(None, "journal_mode", "DELETE").unwrap();
    // So few pages that changes reach the file before their commit.
    other.pragma_update(None, "cache_size", 1).unwrap();
    other
        .execute_batch(
            "BEGIN; CREATE TABLE junk (text); UPDATE lease SET fence = 99;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
             INSERT INTO junk SELECT hex(randomblob(500)) FROM n",
        )
        .unwrap();
    let killed = crash_image(folder.path());
    other.execute_batch("ROLLBACK").unwrap();

    let file = state_file(&killed.path().join("acme.db"));
    assert!(killed.path().join("acme.db-journal").exists());
    assert_eq!(file.read().unwrap(), before);
    lock(&file).await.commit(&Batch::default()).await.unwrap();
    assert_eq!(file.read().unwrap().serial.0, 2);
}

/// What another program may take out of a state.
const MISSING: [(&str, &str); 4] = [
    ("no-owner", "DELETE FROM meta"),
    ("no-lease", "DELETE FROM lease"),
    ("no-table", "DROP TABLE events"),
    ("no-version", "PRAGMA user_version = 0"),
];

#[tokio::test]
async fn what_is_no_whole_state_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let state = lock(&state_file(&path("whole.db"))).await;
    state.begin(&run("r1")).await.unwrap();
    let mut samples = Samples::from_seed(4);
    for number in 0..40 {
        let address = format!("pod-{number}").parse().unwrap();
        let put = RecordChange::Put(address, Box::new(samples.recorded()));
        state.commit(&Batch { entries: Vec::new(), changes: vec![put] }).await.unwrap();
    }
    drop(state);
    let whole = fs::read(path("whole.db")).unwrap();

    fs::create_dir(path("folder.db")).unwrap();
    fs::write(path("empty.db"), "").unwrap();
    fs::write(path("text.db"), "pods:\n  llm:\n    image: a file that is longer than the header of a database is, so that it is looked at as a whole\n").unwrap();
    fs::write(path("short.db"), &whole[..4096 * 2 + 100]).unwrap();
    let mut holes = whole.clone();
    for page in (2..whole.len() / 4096).step_by(2) {
        holes[page * 4096..page * 4096 + 2048].fill(0xa5);
    }
    fs::write(path("holes.db"), holes).unwrap();
    Connection::open(path("foreign.db"))
        .unwrap()
        .execute_batch("CREATE TABLE browser_history (url TEXT)")
        .unwrap();
    fs::copy(path("whole.db"), path("newer.db")).unwrap();
    Connection::open(path("newer.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    fs::copy(path("whole.db"), path("values.db")).unwrap();
    let damage = "UPDATE objects SET applied = '{\"version\":9,\"value\":{}}' WHERE address = 'pod-7'";
    Connection::open(path("values.db")).unwrap().execute_batch(damage).unwrap();
    fs::copy(path("whole.db"), path("twice.db")).unwrap();
    let damage =
        "UPDATE objects SET (kind, remote_id) = (SELECT kind, remote_id FROM objects WHERE address = 'pod-7')
                  WHERE address = 'pod-8'";
    Connection::open(path("twice.db")).unwrap().execute_batch(damage).unwrap();
    for (name, damage) in MISSING {
        let damaged = path(&format!("{name}.db"));
        fs::copy(path("whole.db"), &damaged).unwrap();
        Connection::open(damaged).unwrap().execute_batch(damage).unwrap();
    }
    fs::write(path("lost.db-wal"), "the last changes").unwrap();
    for leftover in ["newer.db", "values.db", "twice.db"] {
        assert!(!path(&format!("{leftover}-wal")).exists());
    }

    let before = files(folder.path());
    let mut said = String::new();
    let names = ["folder", "empty", "text", "short", "holes", "foreign", "newer", "values", "twice", "lost"];
    for name in names.into_iter().chain(MISSING.map(|(name, _)| name)) {
        let file = state_file(&path(&format!("{name}.db")));
        let read = file.read().unwrap_err();
        said += &format!("{name}: {read}\n").replace(&folder.path().display().to_string(), "DIR");
        if !["values", "twice"].contains(&name) {
            let locked = file.lock(&holder("ann", "box"), &At(0), Duration::ZERO).await.unwrap_err();
            assert_eq!(locked.to_string(), read.to_string());
        }
        if MISSING.iter().any(|(missing, _)| *missing == name) {
            // Also for those who read other rows of it.
            let others = [
                file.runs().map(drop).unwrap_err(),
                file.history().map(drop).unwrap_err(),
                file.contents().map(drop).unwrap_err(),
                file.unlock().map(drop).unwrap_err(),
            ];
            for other in others {
                assert_eq!(other.to_string(), read.to_string());
            }
        }
    }
    insta::assert_snapshot!(said, @"
    folder: failed to open state `DIR/folder.db`: it is a folder
    empty: state `DIR/empty.db` is damaged: the file is empty
    text: `DIR/text.db` is not a podform state
    short: state `DIR/short.db` is damaged: database disk image is malformed
    holes: state `DIR/holes.db` is damaged: *** in database main ***; Tree 4 page 25: btreeInitPage() returns error code 11
    foreign: `DIR/foreign.db` is not a podform state
    newer: state `DIR/newer.db` has schema version 99, this podform knows up to 7
    values: state `DIR/values.db` is damaged: the record of `pod-7`: its values have version 9, known is 1
    twice: state `DIR/twice.db` is damaged: `sec4154305112` is recorded both at `pod-7` and at `pod-8`
    lost: state `DIR/lost.db` is damaged: only its log is there, with the last changes
    no-owner: state `DIR/no-owner.db` is damaged: its row of `meta` is missing, and `objects` has some
    no-lease: state `DIR/no-lease.db` is damaged: its row of `lease` is missing
    no-table: state `DIR/no-table.db` is damaged: the table `events` is missing
    no-version: state `DIR/no-version.db` is damaged: schema version 0 was never written
    ");
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_state_of_the_first_version_reads_as_it_always_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.db");
    Connection::open(&path).unwrap().execute_batch(include_str!("../fixtures/state-v1.sql")).unwrap();
    let before = files(folder.path());
    let Prior { lineage, serial, objects, tokens, open, unseen } = state_file(&path).read().unwrap();
    let mut read = format!("{lineage} {serial}\n");
    read +=
        &objects.iter().map(|(address, recorded)| format!("{address}: {recorded:?}\n")).collect::<String>();
    read += &tokens.iter().map(|(token, known)| format!("{token}: {known:?}\n")).collect::<String>();
    read += &open.iter().map(|open| format!("{}: {open:?}\n", open.action)).collect::<String>();
    assert!(unseen.is_empty());
    insta::assert_snapshot!(read, @r#"
    old-line 41
    volume.models: Recorded { id: Volume(VolumeId("agv6w2qcg7")), record: Record { token: None, lifecycle: Lifecycle { protect: false, on_remove: Terminate, on_replace: DestroyFirst, on_stuck_resume: Fail, ignore_changes: {} }, retired: false, deposed: {}, object: Volume(VolumeConfig { size: Gigabytes(200), data_center: DataCenterId("EU-RO-1"), tier: HighPerformance }) }, recorded_at: 2026-11-01T09:59:00Z, server_time: None, rebuilt: false }
    llm[0]: Recorded { id: Pod(PodId("xedezhzb9la3ye")), record: Record { token: Some(Token("00000000000000aa")), lifecycle: Lifecycle { protect: true, on_remove: Stop, on_replace: CreateFirst, on_stuck_resume: Replace, ignore_changes: {Field(Image), Field(Env(EnvKey("SEED")))} }, retired: false, deposed: {PodId("gone1")}, object: Pod(RecordedPod { container: PodSettings { name: "acme-llm-0", image: "vllm:0.11", command: ["serve"], entrypoint: [], ports: {Port { number: 8000, protocol: Http }}, disk: Gigabytes(50), registry: Some(Given(RegistryId("clz1"))), global_networking: false, locked: None, env: {EnvKey("A"): Plain("1"), EnvKey("HF"): Secret(Declared("hf")), EnvKey("T"): Secret(Literal { address: Pod { key: Key("llm"), replica: Some(0) }, key: EnvKey("T") })}, storage: Network { volume: Volume(Key("models")), path: "/models" } }, access: Some(Access { ssh: true, jupyter: false }), compute: Some(Gpu { id: GpuTypeId("NVIDIA L40S"), count: 2 }), cloud: Some(Secure), data_center: Some(DataCenterId("EU-RO-1")), run: Running, job: None, depends_on: {Volume(Key("models"))} }) }, recorded_at: 2026-11-01T10:00:00Z, server_time: None, rebuilt: false }
    00000000000000aa: KnownToken { address: Pod { key: Key("llm"), replica: Some(0) }, intended_at: 2026-11-01T09:59:30Z, server_time: None, asked: Asked { name: Some("acme-llm-0"), data_centers: {DataCenterId("EU-RO-1")}, record: Record { token: Some(Token("00000000000000aa")), lifecycle: Lifecycle { protect: true, on_remove: Terminate, on_replace: DestroyFirst, on_stuck_resume: Fail, ignore_changes: {} }, retired: false, deposed: {}, object: Pod(RecordedPod { container: PodSettings { name: "acme-llm-0", image: "vllm:0.11", command: [], entrypoint: [], ports: {}, disk: Gigabytes(20), registry: Some(Given(RegistryId("clz1"))), global_networking: true, locked: Some(false), env: {}, storage: Local { size: Gigabytes(5), path: "/w" } }, access: None, compute: Some(Gpu { id: GpuTypeId("NVIDIA L40S"), count: 2 }), cloud: Some(Secure), data_center: None, run: Stopped, job: None, depends_on: {} }) } }, tombstone: false }
    00000000000000ab: KnownToken { address: Pod { key: Key("web"), replica: None }, intended_at: 2026-11-01T10:01:00Z, server_time: None, asked: Asked { name: None, data_centers: {}, record: Record { token: Some(Token("00000000000000ab")), lifecycle: Lifecycle { protect: true, on_remove: Terminate, on_replace: DestroyFirst, on_stuck_resume: Fail, ignore_changes: {} }, retired: false, deposed: {}, object: Pod(RecordedPod { container: PodSettings { name: "n", image: "i", command: [], entrypoint: [], ports: {}, disk: Gigabytes(20), registry: Some(Given(RegistryId("clz1"))), global_networking: true, locked: Some(false), env: {}, storage: Local { size: Gigabytes(5), path: "/w" } }, access: None, compute: None, cloud: None, data_center: None, run: Stopped, job: None, depends_on: {} }) } }, tombstone: true }
    web:create: OpenIntent { run: RunId("r2"), action: ActionId { address: Pod { key: Key("web"), replica: None }, step: Create }, status: Unknown { id: None }, token: Some(Token("00000000000000ac")), since: 2026-11-02T09:59:31Z, server_time: None }
    "#);
    assert_eq!(files(folder.path()), before, "reading brings a copy up to date, not the file");
}

#[tokio::test]
async fn a_backup_is_a_whole_state() {
    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("acme.db"));
    let to = folder.path().join("copy.db");
    assert!(file.contents().unwrap().is_none());
    let state = lock(&file).await;
    state.begin(&run("r1")).await.unwrap();
    let put = RecordChange::Put("llm".parse().unwrap(), Box::new(Samples::from_seed(5).recorded()));
    state.commit(&Batch { entries: Vec::new(), changes: vec![put] }).await.unwrap();
    let contents = file.contents().unwrap().unwrap();
    StateFile::write_new(&to, &contents).unwrap();
    assert_eq!(state_file(&to).read().unwrap(), state.load().await.unwrap());
    assert_eq!(state_file(&to).history().unwrap(), file.history().unwrap());
    assert_eq!(why(&StateFile::write_new(&to, &contents).unwrap_err()), "it exists already");
}

#[tokio::test]
async fn no_file_of_a_state_holds_the_value_of_a_secret() {
    use podform::model::id::EnvKey;
    use podform::model::pod::EnvValue;
    use podform::model::prior::RecordedObject;
    use podform::model::secret::{Secret, SecretName, Secrets};

    const CANARY: &str = "hunter2-canary";
    let name = SecretName::Declared("wandb".into());
    let mut values = Secrets::default();
    values.insert(name.clone(), Secret::new(CANARY.into()));

    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("acme.db"));
    let state = lock(&file).await;
    state.begin(&run("r1")).await.unwrap();
    let mut samples = Samples::from_seed(6);
    let mut stored = 0;
    for number in 0..30 {
        let mut recorded = samples.recorded();
        if let RecordedObject::Pod(pod) = &mut recorded.record.object {
            Arc::make_mut(&mut Arc::make_mut(pod).container.env)
                .insert(EnvKey::new("WANDB_API_KEY"), EnvValue::Secret(name.clone()));
            stored += 1;
        }
        let put = RecordChange::Put(format!("pod-{number}").parse().unwrap(), Box::new(recorded));
        state.commit(&Batch { entries: Vec::new(), changes: vec![put] }).await.unwrap();
    }
    let contains = |needle: &str| {
        let has = |bytes: &Vec<u8>| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
        files(folder.path()).values().filter(|bytes| has(bytes)).count()
    };
    assert!(stored > 5 && contains("WANDB_API_KEY") > 0, "the names are stored");
    assert_eq!(contains(CANARY), 0);
    assert_eq!(format!("{:?} {values:?}", state.load().await.unwrap()).matches(CANARY).count(), 0);
}

#[tokio::test]
async fn memory_without_a_journal_knows_no_token() {
    let memory = MemoryState::new(Lineage::new("line"));
    memory.drop_events();
    memory.begin(&run("r1")).await.unwrap();
    memory.commit(&events("r1", "web", [intended(&mut Samples::from_seed(7))])).await.unwrap();
    let prior = memory.load().await.unwrap();
    assert_eq!((prior.open, prior.tokens, memory.entries()), (vec![], BTreeMap::new(), vec![]));
}
