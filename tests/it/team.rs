//! Four applies of one project at once, from computers of their own, on a state that they share.
//!
//! Some are killed, some stopped for longer than the lease and let go on, and the network to the state is cut. However it
//! goes, the account and the state agree at the end: nothing leaked, doubled or lost. `PODFORM_TEAM_ROUNDS` says how often
//! for each engine; what is drawn comes from a fixed seed.
#![expect(clippy::disallowed_methods, reason = "a kill at a moment needs the moment")]
#![expect(clippy::disallowed_macros, reason = "what was shown is said as a figure")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::killed::spec;
use crate::served::{Audit, Place, shown};

mod witness;

use witness::{Written, assert_nobody_was_overtaken};

/// How many applies run at once.
const MEMBERS: usize = 4;

/// The lease of a holder in these tests, in the name of the state.
pub const LEASE: &str = "lease=2s";

/// How long one is stopped: longer than its lease.
const ASLEEP: Duration = Duration::from_millis(3_500);

/// World seconds in a second. A create that was asked for before its process was stopped must still read as its own, and
/// that is a matter of a minute in the world.
const SPEED: &str = "10";

/// How long all of them may take; an apply that hangs is a failure too.
const LIMIT: Duration = Duration::from_secs(180);

fn rounds() -> usize {
    let asked = std::env::var("PODFORM_TEAM_ROUNDS").ok();
    asked.map_or(1, |asked| asked.parse().expect("PODFORM_TEAM_ROUNDS is a number"))
}

/// What happened in all rounds.
#[derive(Debug, Default)]
struct Tally {
    rounds: usize,
    kills: usize,
    stops: usize,
    cuts: usize,
    /// How the applies ended that nobody killed.
    codes: BTreeMap<i32, usize>,
}

/// One apply of a round.
struct Member(Child);

impl Member {
    fn begin(place: &Place, number: usize, patience: &str) -> Self {
        let host = format!("host-{number}");
        let mut apply = place.apply();
        apply.args(["--lock-timeout", patience]).env("HOSTNAME", host);
        Self(apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.0.id().try_into().unwrap()).unwrap();
        // It may have ended, and is not waited for yet, so nobody else has its number.
        let _ended = kill_process(pid, signal);
    }
}

/// A state that all of them share.
struct Shared<'a> {
    engine: &'a str,
    place: &'a Place,
    /// Ends all connections to it, where there are any.
    cut: &'a dyn Fn() -> bool,
    /// Has the store note who writes, from here on.
    watch: &'a dyn Fn(),
    /// What it noted, where it does.
    written: &'a dyn Fn() -> Option<Vec<Written>>,
}

/// Plays rounds on a state.
fn play(shared: &Shared<'_>) {
    let Shared { engine, place, cut, watch, written } = *shared;
    let mut random = fastrand::Rng::with_seed(5);
    let mut tally = Tally::default();
    let mut kept = None;
    place.write_spec(&spec(&mut random, 0));
    place.apply_to_the_end();
    watch();
    for round in 0..rounds() {
        place.write_spec(&spec(&mut random, round));
        let mut members: Vec<Member> = (0..MEMBERS)
            .map(|number| Member::begin(place, number, if number == 0 { "0s" } else { "60s" }))
            .collect();
        let began = Instant::now();
        for _ in 0..random.usize(2..6) {
            thread::sleep(Duration::from_millis(random.u64(50..1_500)));
            let member = &members[random.usize(..MEMBERS)];
            match random.u8(..3) {
                0 => {
                    member.signal(Signal::KILL);
                    tally.kills += 1;
                }
                1 => {
                    member.signal(Signal::STOP);
                    thread::sleep(ASLEEP);
                    member.signal(Signal::CONT);
                    tally.stops += 1;
                }
                _ => tally.cuts += usize::from(cut()),
            }
        }
        for Member(member) in &mut members {
            let code = loop {
                match member.try_wait().unwrap() {
                    Some(status) => break status.code(),
                    None if began.elapsed() > LIMIT => panic!("an apply hangs in {tally:?}"),
                    None => thread::sleep(Duration::from_millis(20)),
                }
            };
            // Done, blocked, another's lock, overtaken, incomplete; or the state could not be reached for a while.
            assert!(matches!(code, None | Some(0 | 1 | 4 | 5 | 6 | 7)), "{code:?} in {tally:?}");
            *tally.codes.entry(code.unwrap_or(-1)).or_default() += 1;
        }
        place.apply_to_the_end();
        assert_eq!(place.audit(&BTreeSet::new()), Audit::default(), "after {tally:?}");
        place.assert_plan_is_empty();
        let id = place.prior().objects[&"kept".parse().unwrap()].id.clone();
        assert_eq!(*kept.get_or_insert(id.clone()), id, "a protected pod is never replaced");
        tally.rounds += 1;
    }
    let Tally { rounds, kills, stops, cuts, codes } = tally;
    let seen = match written() {
        Some(written) => {
            let (writes, holders) = assert_nobody_was_overtaken(&written);
            format!("{writes} writes of {holders} holders, 0 of one who was overtaken")
        }
        None => "its lock is the system's".to_owned(),
    };
    println!(
        "{engine}: {rounds} rounds of {MEMBERS} applies at once, {kills} killed, {stops} stopped for {} s, {cuts} times the \
         network cut: 0 leaked, 0 doubled, 0 lost; {seen}; ends by exit code {codes:?}",
        ASLEEP.as_secs_f32()
    );
}

#[test]
fn four_applies_at_once_on_a_file() {
    let place = Place::serve(&["--speed", SPEED]);
    play(&Shared { engine: "file", place: &place, cut: &|| false, watch: &|| {}, written: &|| None });
}

#[test]
fn an_old_file_is_told() {
    let place = Place::serve(&["--speed", SPEED]);
    old_states_are_told(&place, "copy-of-monday.db");
}

#[cfg(feature = "postgres")]
#[test]
fn an_old_database_is_told() {
    use crate::postgres::{PASSWORD, shared};

    let Some(server) = shared() else { return };
    let url = format!("postgres://127.0.0.1:{}/postgres?schema=monday", server.port);
    let credentials = vec![("PGUSER", "postgres".to_owned()), ("PGPASSWORD", PASSWORD.to_owned())];
    let place = Place::serve(&["--speed", SPEED]).with_state(&url, credentials);
    old_states_are_told(&place, "copy-of-monday.db");
}

/// A database has many names, which only its lock tells from two; and one that was dropped gives the state back.
#[cfg(feature = "postgres")]
#[test]
fn a_database_that_is_the_same_and_one_that_is_lost() {
    use crate::postgres::{PASSWORD, admin, shared};

    let Some(server) = shared() else { return };
    let url = format!("postgres://127.0.0.1:{}/postgres?schema=dropped", server.port);
    let credentials = vec![("PGUSER", "postgres".to_owned()), ("PGPASSWORD", PASSWORD.to_owned())];
    let place = Place::serve(&["--speed", SPEED]).with_state(&url, credentials);
    place.write_spec("pods:\n  llm: { image: 'ubuntu:24.04', gpu: L4 }\n");
    let ran = |arguments: &[&str]| {
        let output = place.run(arguments);
        (output.status.code(), shown(&output))
    };
    let applied = place.apply().output().unwrap();
    assert!(applied.status.success(), "{}", shown(&applied));
    for other in [url.replace("127.0.0.1", "localhost"), format!("{url}&lease=5s")] {
        let (code, said) = ran(&["state", "migrate", "--to", &other]);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("are two names of one place, and the state lies there"), "{said}");
    }

    let (code, said) = ran(&["state", "migrate", "--to", "here.db"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = ran(&["--state", "here.db", "state", "migrate", "--to", &url]);
    assert_eq!(code, Some(0), "{said}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let admin = runtime.block_on(admin(server.port));
    runtime.block_on(admin.batch_execute("DROP SCHEMA dropped CASCADE")).unwrap();
    let (code, said) = ran(&["--state", "here.db", "state", "migrate", "--to", &url]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("and there is no state there"), "{said}");
    let (code, said) = ran(&["--state", "here.db", "state", "migrate", "--to", &url, "--abandon"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the move is given up; the state lies at `here.db`; never use again"), "{said}");
    let (code, said) = ran(&["--state", "here.db", "plan", "--detailed-exitcode"]);
    assert_eq!(code, Some(0), "{said}");
}

#[cfg(feature = "postgres")]
#[test]
fn four_applies_at_once_on_a_database() {
    use crate::postgres::{PASSWORD, admin, shared};

    let Some(server) = shared() else { return };
    let proxy = network_to(server.port);
    let url = format!("postgres://127.0.0.1:{}/postgres?schema=team&{LEASE}", proxy.port);
    let credentials = vec![("PGUSER", "postgres".to_owned()), ("PGPASSWORD", PASSWORD.to_owned())];
    let place = Place::serve(&["--speed", SPEED]).with_state(&url, credentials);
    let cut = || {
        proxy.cut();
        true
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let admin = runtime.block_on(admin(server.port));
    let watch = || runtime.block_on(admin.batch_execute(&witness::watch("team"))).unwrap();
    let written = || {
        let rows = runtime.block_on(admin.query(witness::NOTED, &[])).unwrap();
        Some(rows.iter().map(|row| witness::in_row(row.get(0), row.get(1), row.get(2))).collect())
    };
    play(&Shared { engine: "postgres", place: &place, cut: &cut, watch: &watch, written: &written });
}

/// A state that is put back to what it was, and a copy of one, are older than the account, whichever engine keeps them.
fn old_states_are_told(place: &Place, local_copy: &str) {
    let apply = |gpu: &str, state: Option<&str>| {
        place.write_spec(&format!("pods:\n  llm: {{ image: 'ubuntu:24.04', gpu: {gpu} }}\n"));
        let mut apply = place.apply();
        if let Some(state) = state {
            apply.args(["--state", state]);
        }
        apply.output().unwrap()
    };
    let told = |output: std::process::Output| {
        let said = shown(&output);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("the state is older than the account: 1 object"), "{said}");
    };
    let succeeded = |output: std::process::Output| assert!(output.status.success(), "{}", shown(&output));

    succeeded(apply("L4", None));
    succeeded(place.run(&["state", "backup", local_copy]));
    succeeded(apply("A40", None));
    assert_eq!(place.audit(&BTreeSet::new()), Audit::default());
    let before = place.pods().len();

    // Applied from the copy on this disk.
    told(apply("RTX 4090", Some(local_copy)));
    // And put back where all use it.
    succeeded(place.run(&["state", "restore", local_copy, "--auto-approve"]));
    told(place.run(&["plan"]));
    told(apply("RTX 4090", None));
    assert_eq!(place.pods().len(), before);
}

#[cfg(feature = "object-store")]
#[test]
fn four_applies_at_once_on_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}/state?{LEASE}", folder.path().display());
    let place = Place::serve(&["--speed", SPEED]).with_state(&url, Vec::new());
    let written = || {
        let log = std::fs::read_dir(folder.path().join("state/log")).unwrap();
        let mut entries: Vec<_> = log.map(|entry| entry.unwrap().path()).collect();
        // What a killed one was still writing has a name of its own.
        entries.retain(|entry| !entry.to_string_lossy().contains('#'));
        entries.sort();
        Some(witness::in_log(entries.iter().map(|entry| std::fs::read(entry).unwrap())))
    };
    play(&Shared { engine: "folder", place: &place, cut: &|| false, watch: &|| {}, written: &written });
}

#[cfg(all(feature = "object-store", feature = "postgres"))]
#[test]
fn four_applies_at_once_on_a_bucket() {
    let Some(moto) = crate::moto::moto() else { return };
    let proxy = network_to(moto.port);
    let url = bucket("team", proxy.port);
    let place = Place::serve(&["--speed", SPEED]).with_state(&url, keys());
    let cut = || {
        proxy.cut();
        true
    };
    let written = || Some(witness::in_log(moto.objects("team/log")));
    play(&Shared { engine: "bucket", place: &place, cut: &cut, watch: &|| {}, written: &written });
}

#[cfg(all(feature = "object-store", feature = "postgres"))]
#[test]
fn four_applies_at_once_on_google() {
    use crate::state::google::{Google, NO_KEY};

    let google = Google::start();
    let proxy = network_to(google.port);
    let url = format!("{}&{LEASE}", google.url_by(proxy.port));
    let key = vec![("GOOGLE_SERVICE_ACCOUNT_KEY", NO_KEY.to_owned())];
    let place = Place::serve(&["--speed", SPEED]).with_state(&url, key);
    let cut = || {
        proxy.cut();
        true
    };
    let written = || Some(witness::in_log(google.objects("team/acme/log/")));
    play(&Shared { engine: "google", place: &place, cut: &cut, watch: &|| {}, written: &written });
}

#[cfg(all(feature = "object-store", feature = "postgres"))]
#[test]
fn four_applies_at_once_on_azure() {
    use crate::state::servers::{Azurite, azurite};

    let Some(azurite) = azurite() else { return };
    let proxy = network_to(azurite.port);
    let url = format!("{}&{LEASE}", azurite.url_by(proxy.port));
    let key = Azurite::KEYS.map(|(name, value)| (name, value.to_owned())).into();
    let place = Place::serve(&["--speed", SPEED]).with_state(&url, key);
    let cut = || {
        proxy.cut();
        true
    };
    let written = || Some(witness::in_log(azurite.objects("log")));
    play(&Shared { engine: "azure", place: &place, cut: &cut, watch: &|| {}, written: &written });
}

#[cfg(feature = "object-store")]
#[test]
fn an_old_bucket_is_told() {
    let Some(moto) = crate::moto::moto() else { return };
    let place = Place::serve(&["--speed", SPEED]).with_state(&bucket("monday", moto.port), keys());
    old_states_are_told(&place, "copy-of-monday.db");
}

#[cfg(feature = "object-store")]
fn bucket(prefix: &str, port: u16) -> String {
    format!("s3://bucket/{prefix}?region=us-east-1&endpoint=http://127.0.0.1:{port}&{LEASE}")
}

#[cfg(feature = "object-store")]
fn keys() -> Vec<(&'static str, String)> {
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name, "x".to_owned())).into()
}

/// Starts a network to a server of this computer that can be cut.
#[cfg(feature = "postgres")]
fn network_to(port: u16) -> crate::state::postgres::proxy::Proxy {
    use crate::state::postgres::proxy::Proxy;

    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            sender.send(Proxy::to(port).await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}
