//! Connections that break, servers that crash, and TLS.

use std::time::Duration;

use podform::model::id::{Lineage, Serial};
use podform::model::location::{Database, Tls};
use podform::state::place::{Held, Place};
use podform::state::postgres::{Credentials, PostgresState};
use podform::state::{Batch, Journal, StateError, Store};

use super::super::binding;
use super::super::samples::Samples;
use super::super::sqlite::{entry, intended, run};
use super::proxy::{Loss, Proxy};
use super::server::{Pooler, Server, admin, credentials, shared, state, target};
use super::{fresh_target, lock, message, put};

/// Returns a state behind a proxy, and the same state without it.
async fn behind(target: &Database) -> (Proxy, PostgresState, PostgresState) {
    let proxy = Proxy::to(target.port).await;
    let through = state(Database { port: proxy.port, ..target.clone() }, "acme");
    (proxy, through, state(target.clone(), "acme"))
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_done_once() {
    let Some(target) = fresh_target() else { return };
    for (loss, fence) in [(Loss::Answer, 1), (Loss::Commit, 3)] {
        let (proxy, through, place) = behind(&target).await;
        let held = lock(&through).await;
        held.begin(&run(&format!("r{fence}"))).await.unwrap();
        let before = held.load().await.unwrap().serial;
        proxy.lose(loss);
        let serial = held.commit(&put("llm", 1)).await.unwrap();
        proxy.lost().await;
        assert_eq!(serial, Serial(before.0 + 1));
        assert_eq!(place.load().await.unwrap(), held.load().await.unwrap());
        // Without the batch the number was raised, so that the old transaction can never come after all.
        assert_eq!(place.lease().await.unwrap().unwrap().fence, fence, "{loss:?}");
        held.commit(&put("llm", 2)).await.unwrap();
        held.release().await.unwrap();
        assert_eq!(place.serial().await.unwrap(), Serial(before.0 + 2));
    }
}

#[tokio::test]
async fn a_take_whose_answer_was_lost_is_our_own() {
    let Some(target) = fresh_target() else { return };
    let (proxy, through, place) = behind(&target).await;
    lock(&place).await.release().await.unwrap();
    for loss in [Loss::Answer, Loss::Commit] {
        proxy.lose(loss);
        let held = lock(&through).await;
        proxy.lost().await;
        held.commit(&Batch::default()).await.unwrap();
        proxy.lose(loss);
        held.release().await.unwrap();
        proxy.lost().await;
        assert_eq!(place.lease().await.unwrap(), None);
    }
    assert_eq!(place.serial().await.unwrap(), Serial(2));
}

#[tokio::test]
async fn who_was_taken_over_from_while_a_commit_was_in_doubt_is_fenced() {
    let Some(target) = fresh_target() else { return };
    for loss in [Loss::Answer, Loss::Commit] {
        let (proxy, through, place) = behind(&target).await;
        let held = lock(&through).await;
        let before = place.serial().await.unwrap();
        proxy.lose(loss);
        let batch = put("llm", 1);
        let (result, ()) = tokio::join!(held.commit(&batch), async {
            proxy.lost().await;
            proxy.close(true);
            place.unlock().await.unwrap();
            lock(&place).await.commit(&Batch::default()).await.unwrap();
            proxy.close(false);
        });
        assert!(matches!(result, Err(StateError::Fenced { .. })), "{result:?}");
        let commits = if loss == Loss::Answer { 2 } else { 1 };
        assert_eq!(place.serial().await.unwrap(), Serial(before.0 + commits));
        place.unlock().await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_that_cannot_be_found_out_about_ends_as_unknown() {
    let Some(target) = fresh_target() else { return };
    let (proxy, through, place) = behind(&target).await;
    let held = lock(&through).await;
    proxy.lose(Loss::Answer);
    let batch = put("llm", 1);
    let (result, ()) = tokio::join!(held.commit(&batch), async {
        proxy.lost().await;
        proxy.close(true);
        // Nothing gets through any more, so only waiting is left.
        tokio::time::pause();
    });
    tokio::time::resume();
    proxy.close(false);
    assert!(matches!(result, Err(StateError::Unknown { .. })), "{result:?}");
    assert!(matches!(held.commit(&batch).await, Err(StateError::Unknown { .. })));
    assert!(matches!(held.load().await, Err(StateError::Unknown { .. })));
    assert_eq!(place.serial().await.unwrap(), Serial(1), "the next run finds what was done");
}

/// The server ends the old transaction, which has the row locked, by itself after ten seconds.
#[tokio::test]
async fn a_connection_that_falls_silent_in_a_commit_is_given_up() {
    let Some(target) = fresh_target() else { return };
    let (proxy, through, place) = behind(&target).await;
    let held = lock(&through).await;
    proxy.lose(Loss::Silence);
    let batch = put("llm", 1);
    let (serial, ()) = tokio::join!(held.commit(&batch), async {
        proxy.lost().await;
        // So long an answer is waited for.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(31)).await;
        tokio::time::resume();
    });
    assert_eq!(serial.unwrap(), Serial(1));
    assert_eq!(place.load().await.unwrap(), held.load().await.unwrap());
    assert_eq!(place.lease().await.unwrap().unwrap().fence, 2);
}

#[tokio::test]
async fn a_connection_that_was_cut_between_two_commits_is_made_again() {
    let Some(target) = fresh_target() else { return };
    let (proxy, through, place) = behind(&target).await;
    let held = lock(&through).await;
    held.commit(&put("llm", 1)).await.unwrap();
    proxy.cut();
    held.commit(&put("llm", 2)).await.unwrap();
    assert_eq!(place.serial().await.unwrap(), Serial(2));
}

#[tokio::test]
async fn a_commit_is_two_round_trips_however_much_is_in_it() {
    let Some(target) = fresh_target() else { return };
    let (proxy, through, _) = behind(&target).await;
    let held = lock(&through).await;
    held.begin(&run("r1")).await.unwrap();
    let trips = async |batch: Batch| {
        let before = proxy.round_trips();
        held.commit(&batch).await.unwrap();
        proxy.round_trips() - before
    };
    assert_eq!(trips(put("llm", 1)).await, 2);
    assert_eq!(trips(Batch::default()).await, 2);
    let mut samples = Samples::from_seed(1);
    let intent = |number: usize| {
        let address = format!("pod-{number}");
        entry("r1", &address, podform::model::plan::Step::Create, intended(&mut samples))
    };
    let many = Batch { entries: (0..1_000).map(intent).collect(), changes: Vec::new() };
    held.commit(&many).await.unwrap();
    assert_eq!(held.load().await.unwrap().open.len(), 1_000);
    assert_eq!(through.load().await.unwrap(), held.load().await.unwrap());
}

#[tokio::test]
async fn a_pooler_that_gives_each_transaction_another_connection_may_stand_between() {
    let Some(target) = fresh_target() else { return };
    let Some(pooler) = Pooler::start(target.port) else { return };
    let pooled = state(Database { port: pooler.port, ..target.clone() }, "acme");
    // Others on the same connections, in between.
    let (other, place) =
        (state(Database { port: pooler.port, ..target.clone() }, "shop"), state(target, "acme"));
    let (held, beside) = (lock(&pooled).await, lock(&other).await);
    held.begin(&run("r1")).await.unwrap();
    for seed in 0..8 {
        let (one, two) = (put("llm", seed), put("web", seed));
        let (one, two, read) = tokio::join!(held.commit(&one), beside.commit(&two), pooled.load());
        assert_eq!((one.unwrap(), two.unwrap()), (Serial(seed + 1), Serial(seed + 1)));
        read.unwrap();
    }
    assert_eq!(place.load().await.unwrap(), held.load().await.unwrap());
    held.release().await.unwrap();
    assert_eq!(place.lease().await.unwrap(), None);
}

#[tokio::test]
async fn a_crash_of_the_server_keeps_what_was_committed() {
    let Some(mut server) = Server::start() else { return };
    let place = state(target(server.port, "podform"), "acme");
    let held = lock(&place).await;
    held.commit(&put("llm", 1)).await.unwrap();
    let before = held.load().await.unwrap();
    server.crash();
    let error = place.load().await.unwrap_err();
    assert!(matches!(error, StateError::Failed { doing: "read", .. }), "{error}");
    server.start_again();
    assert_eq!(place.load().await.unwrap(), before);
    held.commit(&put("llm", 2)).await.unwrap();
    assert_eq!(place.serial().await.unwrap(), Serial(2));
}

#[tokio::test]
async fn a_server_that_forgot_a_commit_is_not_written_to() {
    let Some(target) = fresh_target() else { return };
    let place = state(target.clone(), "acme");
    let held = lock(&place).await;
    held.commit(&put("llm", 1)).await.unwrap();
    let forget = format!("UPDATE {}.lease SET last_batch = NULL", target.schema);
    admin(target.port).await.batch_execute(&forget).await.unwrap();
    let error = held.commit(&put("llm", 2)).await.unwrap_err();
    insta::assert_snapshot!(message(&error, &target), @"failed to write state `postgres://127.0.0.1:PORT/postgres?schema=SCHEMA`: the server does not have the last write that it confirmed; was it restored, or has a standby taken over?");
    assert_eq!(place.serial().await.unwrap(), Serial(1));
}

#[tokio::test]
async fn tls_is_to_the_host_that_the_certificate_is_for() {
    let Some(target) = fresh_target() else { return };
    let Some(certificate) = shared().and_then(|server| server.certificate.clone()) else {
        eprintln!("skipped: no `openssl` that makes a certificate, so nothing is shown of TLS");
        return;
    };
    let with = |host: &str, roots: Option<&str>| {
        let tls = Tls::Full { roots: roots.map(|_| "root.pem".to_owned()) };
        let database = Database { host: host.into(), tls, ..target.clone() };
        let roots = roots.map(|roots| roots.as_bytes().to_vec());
        PostgresState::new(database, roots, credentials("postgres"), binding("acme"), Lineage::new("line"))
    };
    let place = with("localhost", Some(&certificate));
    let held = lock(&place).await;
    held.commit(&put("llm", 1)).await.unwrap();
    assert_eq!(place.load().await.unwrap(), held.load().await.unwrap());
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'podform'";
    let encrypted: i64 = admin(target.port).await.query_one(encrypted, &[]).await.unwrap().get(0);
    assert!(encrypted >= 1);
    let unknown = with("localhost", None).load().await.unwrap_err().to_string();
    assert!(unknown.contains("invalid peer certificate"), "{unknown}");
    let places = [
        with("127.0.0.1", Some(&certificate)),
        with("localhost", Some("")),
        with("localhost", Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
    ];
    let mut said = Vec::new();
    for place in places {
        said.push(message(&place.load().await.unwrap_err(), &target));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    failed to read state `postgres://127.0.0.1:PORT/postgres?sslmode=verify-full&sslrootcert=root.pem&schema=SCHEMA`: error performing TLS handshake: invalid peer certificate: certificate not valid for name "127.0.0.1"; certificate is only valid for DnsName("localhost")
    failed to read state `postgres://localhost:PORT/postgres?sslmode=verify-full&sslrootcert=root.pem&schema=SCHEMA`: the root certificates hold no certificate
    failed to read state `postgres://localhost:PORT/postgres?sslmode=verify-full&sslrootcert=root.pem&schema=SCHEMA`: no TLS: invalid peer certificate: BadEncoding
    "#);
}

/// A server that a spec names may be anybody's: it sees a proof of the password, and one that cannot be passed on.
#[tokio::test]
async fn a_server_that_asks_for_the_password_itself_does_not_get_it() {
    let Some(server) = Server::start() else { return };
    let Some(certificate) = server.certificate.clone() else {
        eprintln!("skipped: no `openssl` that makes a certificate, so nothing is shown of TLS");
        return;
    };
    let owner = admin(server.port).await;
    owner
        .batch_execute(
            "DO $$ BEGIN
                 EXECUTE format('COPY (SELECT ''hostssl all all all password'') TO %L', current_setting('hba_file'));
             END $$",
        )
        .await
        .unwrap();
    owner.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let database = Database {
        host: "localhost".into(),
        tls: Tls::Full { roots: Some("root.pem".to_owned()) },
        ..target(server.port, "podform")
    };
    let with = |trusts_server| {
        let credentials = Credentials { trusts_server, ..credentials("postgres") };
        let roots = Some(certificate.clone().into_bytes());
        PostgresState::new(database.clone(), roots, credentials, binding("acme"), Lineage::new("line"))
    };
    let said = message(&with(false).load().await.unwrap_err(), &database);
    insta::assert_snapshot!(said, @"failed to read state `postgres://localhost:PORT/postgres?sslmode=verify-full&sslrootcert=root.pem`: authentication error: server did not use channel binding; the server would see the password, or pass its proof on: it must offer SCRAM over TLS itself, or, if a pooler that you trust stands in between, set `PGCHANNELBINDING=prefer`");
    // Who says that it may see the password is obeyed, so it was asked for.
    assert_eq!(with(true).serial().await.unwrap(), Serial(0));
}
