//! Who may write the state, and who may not any more.

#![expect(clippy::disallowed_methods, reason = "the test makes folders and runs itself in another one")]
#![expect(clippy::disallowed_macros, reason = "what could not be shown is said")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use podform::model::clock::Clock;
use podform::state::lease::LEASE;
use podform::state::place::Held;
use podform::state::{Batch, Journal, StateError, Store};
use rusqlite::Connection;

use super::sqlite::{At, lock};
use super::state_file;
use crate::kit::holder;

fn message(error: &StateError, folder: &Path) -> String {
    error.to_string().replace(&folder.display().to_string(), "DIR")
}

#[tokio::test(start_paused = true)]
async fn a_second_writer_waits_and_is_told_who_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("acme.db"));
    let first = lock(&file).await;
    let bob = holder("bob", "box");
    let begun = tokio::time::Instant::now();
    let refused = file.lock(&bob, &At(5), Duration::from_secs(3)).await.unwrap_err();
    insta::assert_snapshot!(message(&refused, folder.path()), @"another run holds the state `DIR/acme.db`: `ann` on `box`, process 7, running `apply` since 1970-01-01T00:00:00Z");
    assert_eq!(begun.elapsed(), Duration::from_secs(3));

    assert_eq!(file.load().await.unwrap(), first.load().await.unwrap(), "reading does not wait");

    let (second, ()) = tokio::join!(file.lock(&bob, &At(5), Duration::from_secs(60)), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(first);
    });
    second.unwrap().commit(&Batch::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_holder_gets_a_moment_to_say_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.db");
    let file = state_file(&path);
    drop(lock(&file).await);
    let silent = fs::File::create(folder.path().join("acme.db.lock")).unwrap();
    silent.try_lock().unwrap();
    let bob = holder("bob", "box");
    let begun = tokio::time::Instant::now();
    let refused = file.lock(&bob, &At(5), Duration::ZERO).await.unwrap_err();
    insta::assert_snapshot!(message(&refused, folder.path()), @"another run holds the state `DIR/acme.db`: a process that has not said who it is");
    assert_eq!(begun.elapsed(), Duration::from_secs(2));

    let introduced = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let row = format!(
            "UPDATE lease SET user = 'ann', host = 'box', pid = 7, command = 'apply', since = '{0}', expires_at = '{0}'",
            At(5).now()
        );
        Connection::open(&path).unwrap().execute_batch(&row).unwrap();
    };
    let (refused, ()) = tokio::join!(file.lock(&bob, &At(5), Duration::ZERO), introduced);
    insta::assert_snapshot!(message(&refused.unwrap_err(), folder.path()), @"another run holds the state `DIR/acme.db`: `ann` on `box`, process 7, running `apply` since 1970-01-01T00:00:05Z");
}

#[cfg(unix)]
#[tokio::test]
async fn another_path_to_the_same_file_is_the_same_lock() {
    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("acme.db"));
    drop(lock(&file).await);
    std::os::unix::fs::symlink(folder.path().join("acme.db"), folder.path().join("link.db")).unwrap();
    let held = lock(&file).await;
    let link = state_file(&folder.path().join("link.db"));
    held.commit(&Batch::default()).await.unwrap();
    assert_eq!(link.read().unwrap().serial.0, 1, "the log is beside the file, not beside the link");
    let refused = link.lock(&holder("bob", "box"), &At(5), Duration::ZERO).await;
    assert!(matches!(refused, Err(StateError::Locked { .. })), "{refused:?}");
}

/// Set for the process that is killed while it holds the lock of this state.
const KILLED: &str = "PODFORM_TEST_KILLED_HOLDER";

#[tokio::test]
async fn a_killed_holder_loses_the_lock_and_keeps_its_commits() {
    if let Some(path) = std::env::var_os(KILLED) {
        let held = lock(&state_file(Path::new(&path))).await;
        held.commit(&Batch::default()).await.unwrap();
        println!("committed");
        // Blocks until the process is killed.
        std::io::stdin().read_line(&mut String::new()).unwrap();
        panic!("the holder was not killed");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("acme.db"));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "state::lock::a_killed_holder_loses_the_lock_and_keeps_its_commits", "--nocapture"])
        .env(KILLED, file.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().ends_with("committed")));

    let bob = holder("bob", "box");
    let refused = file.lock(&bob, &At(1), Duration::ZERO).await;
    assert!(matches!(refused, Err(StateError::Locked { .. })), "{refused:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(file.read().unwrap().serial.0, 1);
    let held = file.lock(&bob, &At(1), Duration::ZERO).await.unwrap();
    held.commit(&Batch::default()).await.unwrap();
    assert_eq!(file.read().unwrap().serial.0, 2);
}

#[tokio::test]
async fn a_holder_that_panics_gives_the_lock_back_and_keeps_its_commits() {
    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("acme.db"));
    let held = lock(&file).await;
    held.commit(&Batch::default()).await.unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _held = held;
        panic!("no such entry");
    }));
    panicked.unwrap_err();
    assert_eq!((file.lease().unwrap(), file.read().unwrap().serial.0), (None, 1));
    let next = file.lock(&holder("bob", "other"), &At(1), Duration::ZERO).await.unwrap();
    next.commit(&Batch::default()).await.unwrap();
}

/// Leaves the row of a holder that died, as the kernel frees only the file lock.
async fn die_with_the_lock(path: &Path, host: &str) {
    let file = state_file(path);
    drop(file.lock(&holder("ann", host), &At(100), Duration::ZERO).await.unwrap());
    let left = format!(
        "UPDATE lease SET id = 'ann/{host}', user = 'ann', host = '{host}', pid = 7, command = 'apply', since = '{}', expires_at = '{}'",
        At(100).now(),
        At(100).now() + LEASE,
    );
    Connection::open(path).unwrap().execute_batch(&left).unwrap();
}

#[tokio::test]
async fn a_dead_holder_on_this_computer_is_taken_over_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.db");
    die_with_the_lock(&path, "box").await;
    let file = state_file(&path);
    let dead = file.lease().unwrap().unwrap();
    let alive = file.lock(&holder("bob", "box"), &At(101), Duration::ZERO).await.unwrap();
    let lease = file.lease().unwrap().unwrap();
    assert_eq!((lease.holder.user.as_str(), lease.fence), ("bob", dead.fence + 1));
    drop(alive);
    assert_eq!(file.lease().unwrap(), None);
}

#[tokio::test]
async fn who_writes_is_seen_by_readers_for_as_long_as_he_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.db");
    let file = state_file(&path);
    let seen = |host: &str, at| {
        let writer = file.who_writes(host, At(at).now()).unwrap();
        writer.map(|lease| lease.holder.user)
    };
    assert_eq!(seen("box", 100), None);
    let alive = file.lock(&holder("ann", "box"), &At(100), Duration::ZERO).await.unwrap();
    assert_eq!((seen("box", 101), seen("other", 101)), (Some("ann".to_owned()), Some("ann".to_owned())));
    // Suspended for longer than the lease, he still has what the kernel gave him.
    assert_eq!((seen("box", 161), seen("other", 161)), (Some("ann".to_owned()), None));
    drop(alive);
    assert_eq!(seen("box", 101), None);
    die_with_the_lock(&path, "box").await;
    // The kernel has freed the lock of who died here; of another computer only the lease tells, until it expires.
    assert_eq!((seen("box", 101), seen("other", 101)), (None, Some("ann".to_owned())));
    assert_eq!(seen("other", 161), None);
}

#[tokio::test]
async fn the_lease_of_another_computer_holds_until_it_expires_or_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.db");
    let file = state_file(&path);
    let bob = holder("bob", "box");
    die_with_the_lock(&path, "far").await;
    let refused = file.lock(&bob, &At(159), Duration::ZERO).await.unwrap_err();
    insta::assert_snapshot!(message(&refused, folder.path()), @"another run holds the state `DIR/acme.db`: `ann` on `far`, process 7, running `apply` since 1970-01-01T00:01:40Z");
    drop(file.lock(&bob, &At(160), Duration::ZERO).await.unwrap());

    die_with_the_lock(&path, "far").await;
    assert_eq!(file.unlock().unwrap().unwrap().holder, holder("ann", "far"));
    assert_eq!(file.unlock().unwrap(), None);
    drop(file.lock(&bob, &At(101), Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn unlock_does_not_help_against_a_process_that_lives() {
    let folder = tempfile::tempdir().unwrap();
    let file = state_file(&folder.path().join("acme.db"));
    let held = lock(&file).await;
    assert!(matches!(file.unlock(), Err(StateError::Locked { .. })));
    held.commit(&Batch::default()).await.unwrap();
}

#[tokio::test]
async fn a_holder_who_was_overtaken_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.db");
    let file = state_file(&path);
    let asleep = lock(&file).await;
    asleep.commit(&Batch::default()).await.unwrap();
    // Another computer, which does not see the file lock, takes over after the lease has expired.
    let other = "UPDATE lease SET fence = fence + 1, user = 'bob', host = 'far'";
    Connection::open(&path).unwrap().execute_batch(other).unwrap();
    let refused = asleep.commit(&Batch::default()).await.unwrap_err();
    insta::assert_snapshot!(message(&refused, folder.path()), @"another run has taken over the state `DIR/acme.db`");
    assert_eq!(file.read().unwrap().serial.0, 1);
    drop(asleep);
    assert_eq!(file.lease().unwrap().unwrap().holder.user, "bob", "the other one's lease stays");
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_until_it_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.db");
    let file = state_file(&path);
    let held = lock(&file).await;
    let clock = At(500);
    let lost = async {
        tokio::time::sleep(Duration::from_secs(15)).await;
        assert_eq!(file.lease().unwrap().unwrap().expires_at, clock.now() + LEASE);
        Connection::open(&path).unwrap().execute_batch("UPDATE lease SET fence = fence + 1").unwrap();
    };
    let (error, ()) = tokio::join!(held.keep(&clock), lost);
    assert!(matches!(error, StateError::Fenced { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_for_another_transaction_and_then_gives_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.db");
    let held = lock(&state_file(&path)).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = held.commit(&Batch::default()).await.unwrap_err();
    insta::assert_snapshot!(message(&refused, folder.path()), @"failed to write state `DIR/acme.db`: database is locked");
    let empty = Batch::default();
    let (committed, ()) = tokio::join!(held.commit(&empty), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        other.execute_batch("ROLLBACK").unwrap();
    });
    committed.unwrap();
}

/// Set for the process that runs the test again where the folder cannot be written.
const READ_ONLY: &str = "PODFORM_TEST_READ_ONLY_FOLDER";

/// Permissions do not bind root and a mount needs rights, so the test tries both and says where it could not look.
#[tokio::test]
async fn a_read_only_folder_is_read_and_never_written() {
    if let Some(folder) = std::env::var_os(READ_ONLY) {
        return read_in(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let held = lock(&state_file(&live.join("crashed.db"))).await;
    held.commit(&Batch::default()).await.unwrap();
    let shut = folder.path().join("shut");
    fs::create_dir(&shut).unwrap();
    for name in ["crashed.db", "crashed.db-wal", "crashed.db-shm"] {
        fs::copy(live.join(name), shut.join(name)).unwrap();
    }
    for name in ["clean.db", "bare.db"] {
        lock(&state_file(&shut.join(name))).await.commit(&Batch::default()).await.unwrap();
    }
    fs::remove_file(shut.join("bare.db.lock")).unwrap();

    fs::set_permissions(&shut, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(shut.join("probe"), "").is_err() {
        read_in(&shut).await;
    } else {
        fs::remove_file(shut.join("probe")).unwrap();
        let mount =
            "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && exec \"$2\" --exact \"$3\"";
        let name = "state::lock::a_read_only_folder_is_read_and_never_written";
        let own = std::env::current_exe().unwrap();
        let can_mount = Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|s| s.success());
        if can_mount {
            let output = Command::new("unshare")
                .args(["-rm", "sh", "-c", mount, "sh"])
                .args([shut.as_os_str(), own.as_os_str(), name.as_ref()])
                .env(READ_ONLY, &shut)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
        } else {
            println!("skipped: permissions do not bind this user, and it may not mount");
        }
    }
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What must hold in a folder that cannot be written.
async fn read_in(folder: &Path) {
    assert!(fs::write(folder.join("probe"), "").is_err(), "the folder can be written");
    for name in ["clean.db", "bare.db", "crashed.db"] {
        let file = state_file(&folder.join(name));
        assert_eq!(file.read().unwrap().serial.0, 1, "{name}");
        let refused = file.lock(&holder("ann", "box"), &At(0), Duration::ZERO).await.unwrap_err();
        assert!(matches!(refused, StateError::ReadOnly { .. }), "{name}: {refused}");
    }
    let none = state_file(&folder.join("none.db"));
    assert_eq!(none.read().unwrap().serial.0, 0);
    assert!(matches!(
        none.lock(&holder("ann", "box"), &At(0), Duration::ZERO).await,
        Err(StateError::ReadOnly { .. })
    ));
}
