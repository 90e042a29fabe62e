//! The state in object storage: what it keeps whatever the store answers, who may write, and what is refused.

#![expect(clippy::disallowed_methods, reason = "the tests look at folders")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use podform::model::clock::Clock as _;
use podform::model::id::{Lineage, RunId, Serial};
use podform::model::location::{Bucket, Storage};
use podform::model::prior::Binding;
use podform::model::secret::Secret;
use podform::state::lease::Holder;
use podform::state::memory::MemoryState;
use podform::state::object_log::{self, HeldLog, ObjectLog};
use podform::state::place::{Compacted, Held, Place};
use podform::state::{Batch, Journal, RecordChange, Standing, StateError, Store};

use super::binding;
use super::contract::Engine;
use super::google::Google;
use super::samples::Samples;
use super::servers::{Azurite, at, azurite};
use super::sqlite::{At, draw_batch, run, why};
use crate::faulty::{Fault, Faulty};
use crate::kit;
use crate::moto::{Moto, moto};

const LEASE: Duration = Duration::from_secs(60);

/// Names a state of the project `acme` in a store.
fn log_in(store: Arc<dyn ObjectStore>) -> ObjectLog {
    named(store, binding("acme"), "line")
}

fn named(store: Arc<dyn ObjectStore>, binding: Binding, proposed: &str) -> ObjectLog {
    let name = "s3://bucket/acme".to_owned();
    ObjectLog::new(store, name, Path::from("acme"), binding, Lineage::new(proposed), LEASE)
}

/// Names an empty state in memory.
pub fn in_memory() -> ObjectLog {
    log_in(Arc::new(InMemory::new()))
}

/// Room for one state in a store of its own.
pub enum Objects {
    Store(Arc<dyn ObjectStore>),
    Folder(tempfile::TempDir),
    S3(Moto),
    Google(Google),
    Azure(Azurite),
}

impl Objects {
    pub fn in_memory() -> Self {
        Self::Store(Arc::new(InMemory::new()))
    }

    pub fn in_a_folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    /// In a store of which every tenth request fails.
    pub fn in_trouble() -> Self {
        let store = Faulty::default();
        store.draw_quick(7, 100);
        Self::Store(Arc::new(store))
    }

    pub fn over_s3() -> Option<Self> {
        moto().map(Self::S3)
    }

    pub fn over_google() -> Self {
        Self::Google(Google::start())
    }

    /// On a server of which every tenth request fails.
    pub fn over_google_in_trouble() -> Self {
        Self::Google(Google::in_trouble(100))
    }

    pub fn over_azure() -> Option<Self> {
        azurite().map(Self::Azure)
    }
}

impl Engine for Objects {
    type Place = ObjectLog;

    fn place(&self, binding: Binding, proposed: &str) -> ObjectLog {
        match self {
            Self::Store(store) => named(store.clone(), binding, proposed),
            Self::Folder(folder) => in_folder(folder.path(), binding, proposed),
            Self::S3(moto) => in_bucket(moto, binding, proposed),
            Self::Google(google) => google.log(binding, proposed),
            Self::Azure(azurite) => azurite.log(binding, proposed),
        }
    }
}

/// A holder whose take is his own.
fn holder(id: &str) -> Holder {
    Holder { id: id.to_owned(), ..kit::holder("ann", "box") }
}

async fn lock(log: &ObjectLog, id: &str) -> HeldLog {
    log.lock(&holder(id), &At(0), Duration::ZERO).await.unwrap()
}

fn put(address: &str, seed: u64) -> Batch {
    let recorded = Box::new(Samples::from_seed(seed).recorded());
    Batch { entries: Vec::new(), changes: vec![RecordChange::Put(address.parse().unwrap(), recorded)] }
}

#[tokio::test]
async fn what_was_committed_is_there_for_readers_and_the_next_holder() {
    let log = in_memory();
    assert_eq!(log.load().await.unwrap().serial, Serial(0));
    assert!(log.contents().await.unwrap().is_none());
    let held = lock(&log, "a").await;
    held.begin(&run("r1")).await.unwrap();
    assert_eq!(held.commit(&put("llm", 1)).await.unwrap(), Serial(1));
    assert_eq!(log.load().await.unwrap(), held.load().await.unwrap());
    assert_eq!(log.lease().await.unwrap().unwrap().holder, holder("a"));
    held.finish(&RunId::new("r1"), At(9).now(), "done").await.unwrap();
    held.release().await.unwrap();
    assert_eq!(log.lease().await.unwrap(), None);
    let held = lock(&log, "b").await;
    assert_eq!(held.load().await.unwrap(), log.load().await.unwrap());
    assert_eq!(held.commit(&put("web", 2)).await.unwrap(), Serial(2));
    assert_eq!(log.load().await.unwrap().objects.len(), 2);
    assert_eq!(log.history().await.unwrap()[0].summary.as_deref(), Some("done"));
}

/// What every implementation promises, over each kind of store.
async fn keeps_what_it_is_given(log: &ObjectLog) {
    let held = lock(log, "a").await;
    held.begin(&run("r1")).await.unwrap();
    for number in 0..40 {
        let address = format!("pod-{number}");
        assert_eq!(held.commit(&put(&address, number)).await.unwrap(), Serial(number + 1));
    }
    let kept = held.load().await.unwrap();
    // Somebody who knows nothing of it reads the same, from the log and from the snapshot.
    assert_eq!(log.load().await.unwrap(), kept);
    held.release().await.unwrap();
    assert_eq!(log.load().await.unwrap(), kept);
    let other = lock(log, "b").await;
    let refused = log.lock(&holder("c"), &At(0), Duration::ZERO).await.unwrap_err();
    assert!(matches!(refused, StateError::Locked { is_alive: false, .. }), "{refused}");
    assert_eq!(log.unlock().await.unwrap().unwrap().holder, holder("b"));
    assert_eq!(log.unlock().await.unwrap(), None);
    let fenced = other.commit(&put("late", 99)).await.unwrap_err();
    assert!(matches!(fenced, StateError::Fenced { .. }), "{fenced}");
    assert!(matches!(other.load().await.unwrap_err(), StateError::Fenced { .. }));
    assert_eq!(log.load().await.unwrap(), kept);
}

#[tokio::test]
async fn a_store_in_memory_keeps_what_it_is_given() {
    keeps_what_it_is_given(&in_memory()).await;
}

/// A share that was unmounted leaves an empty folder, or none.
#[tokio::test]
async fn a_folder_that_vanishes_is_not_made_anew_by_the_next_write() {
    for leaves_it_empty in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join("share/acme"), folder.path().join("elsewhere"));
        let log = in_folder(&path, binding("acme"), "line");
        let held = lock(&log, "ann").await;
        held.commit(&Batch::default()).await.unwrap();
        std::fs::rename(&path, &elsewhere).unwrap();
        if leaves_it_empty {
            std::fs::create_dir(&path).unwrap();
        }
        let error = held.commit(&Batch::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "failed to write state `STATE`: its folder is not there any more");
        assert_eq!(path.exists(), leaves_it_empty);
        assert!(!path.join("log").exists());
        // It was nothing that was lost: what was committed is where the folder is.
        let log = in_folder(&elsewhere, binding("acme"), "line");
        assert_eq!(log.serial().await.unwrap(), Serial(1));
    }
}

fn in_folder(path: &std::path::Path, binding: Binding, proposed: &str) -> ObjectLog {
    let name = path.to_str().unwrap().to_owned();
    let bucket = Bucket { store: Storage::Folder, name, prefix: String::new(), lease: LEASE };
    opened(&bucket, &BTreeMap::new(), binding, proposed)
}

fn opened(
    bucket: &Bucket,
    variables: &BTreeMap<String, Secret<String>>,
    binding: Binding,
    proposed: &str,
) -> ObjectLog {
    object_log::open(bucket, variables, "STATE".to_owned(), binding, Lineage::new(proposed)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_busy_for_a_moment_is_read_again() {
    let store = Faulty::default();
    let log = log_in(Arc::new(store.clone()));
    let held = lock(&log, "ann").await;
    held.commit(&Batch::default()).await.unwrap();
    held.release().await.unwrap();
    store.fail_reads(3);
    assert_eq!(log.serial().await.unwrap(), Serial(1));
    store.fail_reads(100);
    assert_eq!(log.serial().await.unwrap_err().to_string(), "failed to read state `s3://bucket/acme`: 503");
    store.fail_reads(0);
    assert_eq!(log.serial().await.unwrap(), Serial(1));
}

#[tokio::test]
async fn a_folder_keeps_what_it_is_given_and_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sub/acme #1");
    let log = in_folder(&path, binding("acme"), "line");
    assert_eq!(log.serial().await.unwrap(), Serial(0));
    assert!(!folder.path().join("sub").exists(), "reading leaves nothing");
    keeps_what_it_is_given(&log).await;
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(path.join("log/00000000000000000001").exists());
}

/// Names a state in a bucket.
fn in_bucket(moto: &Moto, binding: Binding, proposed: &str) -> ObjectLog {
    let endpoint = format!("http://127.0.0.1:{}", moto.port);
    let url = format!("s3://bucket/team/acme?region=us-east-1&endpoint={endpoint}");
    at(&url, &[("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")], binding, proposed)
}

#[tokio::test]
async fn a_server_of_s3_keeps_what_it_is_given() {
    let Some(moto) = moto() else { return };
    keeps_what_it_is_given(&in_bucket(&moto, binding("acme"), "line")).await;
}

#[tokio::test]
async fn a_server_of_google_keeps_what_it_is_given() {
    let google = Google::start();
    keeps_what_it_is_given(&google.log(binding("acme"), "line")).await;
    assert!(google.names().contains(&"team/acme/log/00000000000000000001".to_owned()));
}

#[tokio::test]
async fn a_server_of_azure_keeps_what_it_is_given() {
    let Some(azurite) = azurite() else { return };
    keeps_what_it_is_given(&azurite.log(binding("acme"), "line")).await;
}

#[tokio::test]
async fn an_endpoint_in_the_clear_is_of_this_computer() {
    let endpoint = Some("http://s3.example:9000".to_owned());
    let store = Storage::S3 { region: None, endpoint };
    let bucket = Bucket { store, name: "bucket".to_owned(), prefix: String::new(), lease: LEASE };
    let opened = object_log::open(
        &bucket,
        &BTreeMap::new(),
        "s3://bucket".to_owned(),
        binding("acme"),
        Lineage::new("line"),
    );
    assert_eq!(
        opened.unwrap_err().to_string(),
        "failed to open state `s3://bucket`: its endpoint is `https://..`; in the clear a state goes to this computer only"
    );
}

#[tokio::test(start_paused = true)]
async fn of_two_who_take_a_lock_one_gets_it() {
    let store = Faulty::default();
    one_of_two_gets_it(|| log_in(Arc::new(store.clone())), "s3://bucket/acme").await;
}

#[tokio::test]
async fn servers_too_give_a_lock_to_one_of_two() {
    let google = Google::start();
    one_of_two_gets_it(|| google.log(binding("acme"), "line"), "STATE").await;
    if let Some(azurite) = azurite() {
        one_of_two_gets_it(|| azurite.log(binding("acme"), "line"), "STATE").await;
    }
    if let Some(moto) = moto() {
        one_of_two_gets_it(|| in_bucket(&moto, binding("acme"), "line"), "STATE").await;
    }
}

async fn one_of_two_gets_it(named: impl Fn() -> ObjectLog, name: &str) {
    for round in 0..20 {
        let log = named();
        let ids = [format!("a{round}"), format!("b{round}")];
        let takes = ids.each_ref().map(|id| async {
            log.lock(&holder(id), &At(0), Duration::ZERO).await.map_err(|error| error.to_string())
        });
        let taken = futures_util::future::join_all(takes).await;
        let said: Vec<&String> = taken.iter().filter_map(|taken| taken.as_ref().err()).collect();
        assert_eq!(
            said,
            [&format!(
                "another run holds the state `{name}`: `ann` on `box`, process 7, running `apply` since 1970-01-01T00:00:00Z"
            )]
        );
        for held in taken.into_iter().flatten() {
            held.release().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_holder_is_taken_over_from_and_fenced_and_a_lively_one_is_not() {
    let log = in_memory();
    let first = lock(&log, "a").await;
    first.commit(&put("llm", 1)).await.unwrap();
    let wait = |id: &'static str, wait: u64| {
        let log = log.clone();
        async move { log.lock(&holder(id), &At(3600), Duration::from_secs(wait)).await }
    };
    // He gives signs of life for as long as the other waits.
    let clock = At(0);
    let (waited, ()) = futures_util::future::join(wait("b", 300), async {
        tokio::select! {
            error = first.keep(&clock) => panic!("{error}"),
            () = tokio::time::sleep(Duration::from_secs(310)) => {}
        }
    })
    .await;
    assert!(matches!(waited, Err(StateError::Locked { is_alive: false, .. })));
    let before = tokio::time::Instant::now();
    assert!(wait("c", 50).await.is_err(), "a shorter wait than the lease sees nothing");
    let second = wait("d", 70).await.unwrap();
    let waited = before.elapsed().as_secs();
    assert!((110..=112).contains(&waited), "{waited}");
    second.commit(&put("web", 2)).await.unwrap();
    assert!(matches!(first.commit(&put("db", 3)).await, Err(StateError::Fenced { .. })));
    assert!(matches!(first.begin(&run("r1")).await, Err(StateError::Fenced { .. })));
    assert_eq!(log.load().await.unwrap(), second.load().await.unwrap());
    assert_eq!(log.load().await.unwrap().objects.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_out_about() {
    for fault in [
        Fault::AnswerLost,
        Fault::NotDone,
        Fault::Conflict,
        Fault::Slow(Duration::from_secs(9)),
        Fault::Late(Duration::from_secs(5)),
        Fault::Late(Duration::from_millis(100)),
    ] {
        let store = Faulty::default();
        let log = log_in(Arc::new(store.clone()));
        let held = lock(&log, "a").await;
        for times in [1, 2] {
            store.order(vec![Some(fault); times]);
            held.commit(&put("llm", 1)).await.unwrap();
        }
        // Whatever is under way lands.
        tokio::time::sleep(Duration::from_secs(60)).await;
        held.commit(&put("web", 2)).await.unwrap();
        assert_eq!(log.serial().await.unwrap(), Serial(3), "{fault:?}");
        assert_eq!(log.load().await.unwrap(), held.load().await.unwrap(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_found_out_ends_the_run_and_is_there_once_or_not_at_all() {
    for (fault, lands) in [(Fault::NotDone, false), (Fault::Late(Duration::from_secs(40)), true)] {
        let store = Faulty::default();
        let log = log_in(Arc::new(store.clone()));
        let held = lock(&log, "a").await;
        store.order(vec![Some(fault); 100]);
        let unknown = held.commit(&put("llm", 1)).await.unwrap_err();
        assert!(matches!(unknown, StateError::Unknown { .. }), "{unknown}");
        store.heal();
        assert_eq!(held.load().await.unwrap_err().to_string(), unknown.to_string());
        assert_eq!(held.commit(&put("web", 2)).await.unwrap_err().to_string(), unknown.to_string());
        // What lands late counts as a sign of life.
        let next = log.lock(&holder("b"), &At(0), Duration::from_secs(100)).await.unwrap();
        let serial = next.load().await.unwrap().serial;
        assert_eq!(serial, Serial(u64::from(lands)), "{fault:?}");
        assert_eq!(next.commit(&put("web", 2)).await.unwrap(), Serial(serial.0 + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_and_the_number_is_used_by_the_next() {
    let store = Faulty::default();
    let log = log_in(Arc::new(store.clone()));
    let held = lock(&log, "a").await;
    store.order([Some(Fault::Forbidden)]);
    assert_eq!(
        held.commit(&put("llm", 1)).await.unwrap_err().to_string(),
        "failed to write state `s3://bucket/acme`: AccessDenied"
    );
    assert_eq!(held.commit(&put("llm", 1)).await.unwrap(), Serial(1));
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused() {
    let store = Faulty::default();
    store.ignore_conditions();
    let log = log_in(Arc::new(store.clone()));
    let refused = log.lock(&holder("a"), &At(0), Duration::ZERO).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "failed to use state `s3://bucket/acme`: the store of this test writes an object that is there although it was \
         to be created only if absent (`If-None-Match: *`), so two runs could write at once; use another store"
    );
    let left: Vec<_> = store.inner.list(None).try_collect().await.unwrap();
    assert_eq!(left, []);
}

async fn overwrite(store: &Faulty, path: &str, text: impl Into<Vec<u8>>) {
    store.inner.put(&Path::from(path), PutPayload::from(text.into())).await.unwrap();
}

async fn text(store: &Faulty, path: &str) -> String {
    let bytes = store.inner.get(&Path::from(path)).await.unwrap().bytes().await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn what_is_no_whole_log_is_refused() {
    const SECOND: &str = "acme/log/00000000000000000002";
    let store = Faulty::default();
    let log = log_in(Arc::new(store.clone()));
    let held = lock(&log, "a").await;
    for number in 1..4 {
        held.commit(&put("llm", number)).await.unwrap();
    }
    let whole = text(&store, SECOND).await;
    let other = text(&store, "acme/log/00000000000000000003").await;
    let mut said = Vec::new();
    for changed in [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("\"llm\"", "\"web\""),
        whole.replace("\"version\":1", "\"version\":2"),
        "<html>".to_owned(),
        other,
    ] {
        overwrite(&store, SECOND, changed).await;
        said.push(log.load().await.unwrap_err().to_string());
    }
    store.inner.delete(&Path::from(SECOND)).await.unwrap();
    said.push(log.load().await.unwrap_err().to_string());
    overwrite(&store, SECOND, whole).await;
    log.load().await.unwrap();
    let stranger = named(Arc::new(store.clone()), binding("shop"), "line");
    said.push(stranger.load().await.unwrap_err().to_string());
    said.push(stranger.lock(&holder("b"), &At(0), Duration::ZERO).await.unwrap_err().to_string());
    insta::assert_snapshot!(said.join("\n"), @"
    state `s3://bucket/acme` is damaged: `log/00000000000000000002`: it is cut off
    state `s3://bucket/acme` is damaged: `log/00000000000000000002`: it is cut off, or was changed after it was written
    state `s3://bucket/acme` is damaged: `log/00000000000000000002`: it is cut off, or was changed after it was written
    state `log/00000000000000000002 of s3://bucket/acme` has schema version 2, this podform knows up to 1
    `log/00000000000000000002 of s3://bucket/acme` is not a podform state
    state `s3://bucket/acme` is damaged: `log/00000000000000000002`: it says that it is number 3
    state `s3://bucket/acme` is damaged: `log/00000000000000000002`: it is missing, and `log/00000000000000000004` is there
    state `s3://bucket/acme` belongs to project `acme` on RunPod at `https://api.runpod.io`, not to project `shop` on RunPod at `https://api.runpod.io`
    state `s3://bucket/acme` belongs to project `acme` on RunPod at `https://api.runpod.io`, not to project `shop` on RunPod at `https://api.runpod.io`
    ");
}

/// What is taken away and cannot be noticed is the end of a log: of that the marks in the account tell.
#[tokio::test]
async fn a_log_of_which_the_beginning_is_gone_is_damaged_for_everybody() {
    let store = Faulty::default();
    let log = log_in(Arc::new(store.clone()));
    let held = lock(&log, "a").await;
    held.commit(&put("llm", 1)).await.unwrap();
    overwrite(&store, "acme/lease/00000000000000000001", "{}").await;
    let mut said = Vec::new();
    for entry in [1, 2] {
        store.inner.delete(&Path::from(format!("acme/log/{entry:020}"))).await.unwrap();
        let errors = [
            log.load().await.map(drop).unwrap_err(),
            log.serial().await.map(drop).unwrap_err(),
            log.runs().await.map(drop).unwrap_err(),
            log.contents().await.map(drop).unwrap_err(),
            log.lease().await.map(drop).unwrap_err(),
            log.unlock().await.map(drop).unwrap_err(),
            log.lock(&holder("b"), &At(0), Duration::ZERO).await.map(drop).unwrap_err(),
        ];
        let mut errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        errors.dedup();
        said.append(&mut errors);
    }
    insta::assert_snapshot!(said.join("\n"), @"
    state `s3://bucket/acme` is damaged: `log/00000000000000000001`: it is missing, and `log/00000000000000000002` is there
    state `s3://bucket/acme` is damaged: `log/00000000000000000001`: it is missing, and `lease/00000000000000000001` is there
    ");
}

#[tokio::test]
async fn whether_a_folder_may_be_written_is_told_without_writing() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let may_write = ["", "new/folder", "file/folder"]
        .map(|name| in_folder(&dir.path().join(name), binding("acme"), "line").may_write());
    assert_eq!(may_write, [Some(true), Some(true), Some(false)]);
    assert_eq!(in_memory().may_write(), None);
    assert!(!dir.path().join("new").exists());
}

/// A pipe would be waited for without end, by whoever reads it.
#[tokio::test]
async fn what_is_no_ordinary_file_is_refused_before_it_is_opened() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::path::Path as File;

    let pipe: fn(&File) = |at| mknodat(CWD, at, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let folder: fn(&File) = |at| std::fs::create_dir(at).unwrap();
    let dangling: fn(&File) = |at| std::os::unix::fs::symlink("nowhere", at).unwrap();
    let plain: fn(&File) = |at| std::fs::write(at, "x").unwrap();
    let cases = [
        ("log/00000000000000000002", pipe),
        ("log/00000000000000000002", folder),
        ("log/00000000000000000002", dangling),
        ("log/00000000000000000004", pipe),
        ("lease/00000000000000000001", pipe),
        ("floor", pipe),
        ("floor", folder),
        ("log", plain),
        ("snapshot", plain),
        ("lease", plain),
        ("lease", pipe),
    ];
    let mut said = Vec::new();
    for (name, make) in cases {
        let dir = tempfile::tempdir().unwrap();
        let log = in_folder(dir.path(), binding("acme"), "line");
        let held = lock(&log, "a").await;
        held.commit(&put("llm", 1)).await.unwrap();
        held.commit(&put("llm", 2)).await.unwrap();
        let at = dir.path().join(name);
        if at.is_dir() {
            std::fs::remove_dir_all(&at).unwrap();
        } else {
            let _ = std::fs::remove_file(&at);
        }
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        make(&at);
        let told = |error: Option<StateError>| error.map_or("nothing".to_owned(), |error| error.to_string());
        let read =
            if name.starts_with("lease") { log.lease().await.map(drop) } else { log.load().await.map(drop) };
        let locked = log.lock(&holder("b"), &At(0), Duration::ZERO).await.map(drop);
        assert_eq!(told(locked.err()), told(read.clone().err()), "{name}");
        said.push(format!("{name}: {}", told(read.err())));
    }
    insta::assert_snapshot!(said.join("\n"), @"
    log/00000000000000000002: state `STATE` is damaged: `log/00000000000000000002` is no ordinary file
    log/00000000000000000002: state `STATE` is damaged: `log/00000000000000000002` is no ordinary file
    log/00000000000000000002: state `STATE` is damaged: `log/00000000000000000002` is no ordinary file
    log/00000000000000000004: state `STATE` is damaged: `log/00000000000000000004` is no ordinary file
    lease/00000000000000000001: state `STATE` is damaged: `lease/00000000000000000001` is no ordinary file
    floor: state `STATE` is damaged: `floor` is no ordinary file
    floor: state `STATE` is damaged: `floor` is no ordinary file
    log: state `STATE` is damaged: `log` is no folder
    snapshot: state `STATE` is damaged: `snapshot` is no folder
    lease: state `STATE` is damaged: `lease` is no folder
    lease: state `STATE` is damaged: `lease` is no folder
    ");
}

#[tokio::test]
async fn a_state_aside_is_read_whole_and_used_by_nobody() {
    let log = in_memory();
    let held = lock(&log, "a").await;
    held.begin(&run("r1")).await.unwrap();
    held.commit(&put("llm", 1)).await.unwrap();
    let before = log.load().await.unwrap();
    held.stand(Standing::Moved { to: "postgres://db/x".to_owned() }).await.unwrap();
    let contents = log.contents().await.unwrap().unwrap();
    assert_eq!(contents.prior(), before);
    let said = [
        log.load().await.unwrap_err(),
        log.serial().await.unwrap_err(),
        log.runs().await.unwrap_err(),
        log.history().await.unwrap_err(),
        held.load().await.unwrap_err(),
        held.begin(&run("r2")).await.unwrap_err(),
        held.commit(&Batch::default()).await.unwrap_err(),
        held.finish(&RunId::new("r1"), At(9).now(), "").await.unwrap_err(),
    ];
    let expected = "state `s3://bucket/acme` was moved to `postgres://db/x`";
    assert_eq!(said.map(|error| error.to_string()), [expected; 8]);
    // What moves it takes everything to another place, and that one writes on.
    let other = in_memory();
    let filled = lock(&other, "b").await;
    filled.stand(Standing::Incoming { from: "x".to_owned() }).await.unwrap();
    assert!(matches!(other.load().await, Err(StateError::Incoming { .. })));
    filled.replace(&contents).await.unwrap();
    assert!(matches!(filled.load().await, Err(StateError::Moved { .. })));
    filled.stand(Standing::Active).await.unwrap();
    assert_eq!(filled.load().await.unwrap(), before);
    assert_eq!(filled.commit(&put("web", 2)).await.unwrap(), Serial(2));
    filled.release().await.unwrap();
    assert_eq!(other.serial().await.unwrap(), Serial(2));
    assert_eq!(other.history().await.unwrap().len(), 1);
}

async fn names(store: &Faulty) -> Vec<String> {
    let listed: Vec<_> = store.inner.list(None).try_collect().await.unwrap();
    listed.into_iter().map(|meta| meta.location.to_string()).collect()
}

#[tokio::test]
async fn a_snapshot_comes_every_five_hundred_entries_and_saves_reading() {
    let store = Faulty::default();
    let log = log_in(Arc::new(store.clone()));
    let held = lock(&log, "a").await;
    for _ in 0..1010 {
        held.commit(&Batch::default()).await.unwrap();
    }
    let snapshots: Vec<String> =
        names(&store).await.into_iter().filter(|name| name.contains("snapshot")).collect();
    assert_eq!(snapshots, ["acme/snapshot/00000000000000000500", "acme/snapshot/00000000000000001000"]);
    let reader = log_in(Arc::new(store));
    assert_eq!(reader.serial().await.unwrap(), Serial(1010));
    // The snapshot, eleven entries, the end, and the floor; one listing of each folder.
    assert_eq!((reader.counts().gets(), reader.counts().lists(), reader.counts().puts()), (14, 2, 0));
}

#[tokio::test]
async fn a_compaction_leaves_what_readers_need_and_nothing_young_goes() {
    let store = Faulty::default();
    let log = log_in(Arc::new(store.clone()));
    for round in 0..4 {
        let held = lock(&log, &format!("h{round}")).await;
        held.commit(&put("llm", round)).await.unwrap();
        held.release().await.unwrap();
        store.forward(Duration::from_secs(5 * 24 * 3600));
    }
    let early = store.inner.get(&Path::from("acme/log/00000000000000000002")).await.unwrap();
    let early = early.bytes().await.unwrap();
    let kept = log.load().await.unwrap();
    let held = lock(&log, "c").await;
    let month = Duration::from_secs(30 * 24 * 3600);
    assert_eq!(held.compact(month).await.unwrap(), Some(Compacted { deleted: 0, kept: 17 }));
    // Asked for less than a week, a week it is: the first three rounds are older, the last snapshot of them stays.
    assert_eq!(held.compact(Duration::ZERO).await.unwrap(), Some(Compacted { deleted: 11, kept: 6 }));
    assert_eq!(
        names(&store).await,
        [
            "acme/floor",
            "acme/log/00000000000000000010",
            "acme/log/00000000000000000011",
            "acme/log/00000000000000000012",
            "acme/log/00000000000000000013",
            "acme/snapshot/00000000000000000009",
            "acme/snapshot/00000000000000000012",
        ]
    );
    assert_eq!(log.load().await.unwrap(), kept);
    assert_eq!(held.compact(Duration::ZERO).await.unwrap().unwrap().deleted, 0);
    // A listing that is behind shows no snapshot, and a leftover below the floor leads nobody astray.
    store.lag_listings(Duration::from_secs(3600));
    overwrite(&store, "acme/log/00000000000000000002", early.to_vec()).await;
    assert_eq!(log.load().await.unwrap(), kept);
    held.commit(&put("web", 9)).await.unwrap();
    assert_eq!(log.load().await.unwrap(), held.load().await.unwrap());
}

/// Random batches over a store that fails agree with a state in memory: what was acknowledged is there, what nobody knows
/// of is there once or not at all, and what was refused is not.
#[test]
fn a_store_that_fails_loses_and_doubles_nothing() {
    let mut met = Met::default();
    for seed in 0..1000 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(story(seed, &mut met));
    }
    let Met { acknowledged, unknown, landed, refused } = met;
    assert!(acknowledged > 3000 && refused > 3000, "{met:?}");
    assert!(landed > 100 && unknown - landed > 50, "{met:?}");
}

/// What the stories met, so that none of it is left untried.
#[derive(Debug, Default)]
struct Met {
    acknowledged: u32,
    unknown: u32,
    landed: u32,
    refused: u32,
}

async fn story(seed: u64, met: &mut Met) {
    let store = Faulty::default();
    store.lag_listings(Duration::from_secs(seed % 3 * 40));
    let log = log_in(Arc::new(store.clone()));
    let mut samples = Samples::from_seed(seed);
    let mut kept: Vec<Batch> = Vec::new();
    let mut held = lock(&log, "h").await;
    for id in ["r1", "r2"] {
        held.begin(&run(id)).await.unwrap();
    }
    store.draw(seed, samples.one(&[0, 50, 200, 400]));
    for step in 0..10 {
        let before = remade(&kept).await;
        let batch = draw_batch(&mut samples, &before.load().await.unwrap());
        let after = remade(&kept).await;
        let judged = after.commit(&batch).await.map_err(|error| why(&error));
        if samples.0.u8(..8) == 0 {
            store.order((0..100).map(|_| Some(outage(&mut samples))));
        }
        let result = held.commit(&batch).await;
        store.order([]);
        match (result, judged) {
            (Ok(serial), judged) => {
                assert_eq!(judged, Ok(serial), "seed {seed}");
                met.acknowledged += 1;
                kept.push(batch);
            }
            (Err(StateError::Unknown { .. }), Ok(_)) => {
                met.unknown += 1;
                assert!(matches!(held.load().await, Err(StateError::Unknown { .. })), "seed {seed}");
                held = successor(&log, &format!("h{step}"), seed).await;
                let there = held.load().await.unwrap();
                if there == after.load().await.unwrap() {
                    met.landed += 1;
                    kept.push(batch);
                } else {
                    assert_eq!(there, before.load().await.unwrap(), "seed {seed}");
                }
            }
            (Err(StateError::Failed { why, .. }), Err(judged)) => {
                assert_eq!(why, judged, "seed {seed}");
                met.refused += 1;
            }
            (result, judged) => panic!("seed {seed}: {result:?}, where memory has {judged:?}"),
        }
    }
    store.heal();
    tokio::time::sleep(Duration::from_secs(120)).await;
    let model = remade(&kept).await;
    assert_eq!(held.load().await.unwrap(), model.load().await.unwrap(), "seed {seed}");
    assert_eq!(log.load().await.unwrap(), model.load().await.unwrap(), "seed {seed}");
    assert_eq!(log.history().await.unwrap(), model.history(), "seed {seed}");
    held.release().await.unwrap();
    assert_eq!(log.load().await.unwrap(), model.load().await.unwrap(), "seed {seed}");
}

/// Draws a fault of a time at which nothing is done before long.
fn outage(samples: &mut Samples) -> Fault {
    if samples.0.u8(..8) == 0 {
        Fault::Late(Duration::from_millis(samples.0.u64(10_000..90_000)))
    } else {
        Fault::NotDone
    }
}

/// Returns a state in memory that these batches made.
async fn remade(batches: &[Batch]) -> MemoryState {
    let memory = MemoryState::new(Lineage::new("line"));
    for id in ["r1", "r2"] {
        memory.begin(&run(id)).await.unwrap();
    }
    for batch in batches {
        memory.commit(batch).await.unwrap();
    }
    memory
}

/// Takes over from a run that died, as often as the store makes that necessary.
async fn successor(log: &ObjectLog, id: &str, seed: u64) -> HeldLog {
    for attempt in 0..200 {
        let holder = holder(&format!("{id} {attempt}"));
        match log.lock(&holder, &At(0), Duration::from_secs(300)).await {
            Ok(held) => return held,
            Err(StateError::Failed { .. } | StateError::Unknown { .. } | StateError::Locked { .. }) => {}
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    panic!("seed {seed}: the lock is never free");
}
