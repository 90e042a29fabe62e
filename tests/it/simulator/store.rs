//! The world's file: it lives across processes, takes several of them at once, and refuses what it does not know.

#![expect(clippy::disallowed_methods, reason = "these tests make files on purpose")]

use std::error::Error;
use std::path::{Path, PathBuf};

use podform::simulator::world::Listing;
use podform::simulator::world::moment::Moment;
use podform::simulator::{Door, QuotaSetting, Settings, Simulation, running_server, serve};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{call, create, small, status, wait};

fn file() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state").join("simulator.db");
    (directory, path)
}

fn settings() -> Settings {
    Settings { quota: QuotaSetting::Unlimited, ..Settings::default() }
}

fn open(path: &Path) -> Simulation {
    Simulation::open(path, settings()).unwrap()
}

/// An error and what caused it, without the directory.
fn told(path: &Path, error: &dyn Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let text = format!("{error}{cause}");
    text.replace(path.parent().unwrap().to_str().unwrap(), "(dir)")
}

#[tokio::test]
async fn a_world_is_the_same_after_it_was_closed() {
    let (_directory, path) = file();
    let simulation = open(&path);
    let router = simulation.router();
    let volume = json!({ "name": "models", "size": 100, "dataCenter": "EU-RO-1" });
    let volume = call(&router, "POST", "/v2/network-volumes", Some(volume)).await.body["id"].clone();
    let mut user = small("user");
    user["mounts"] = json!({ "network": [{ "volumeId": volume, "path": "/models" }] });
    let id = create(&router, user).await;
    wait(&router, 20).await;
    let balance = simulation.inspect(|world| world.account().clone());
    let now = simulation.inspect(|world| world.now());
    drop((simulation, router));

    let again =
        Simulation::open(&path, Settings { seed: 99, epoch: Moment::from_millis(0), ..settings() }).unwrap();
    assert_eq!(
        again.inspect(|world| (world.now(), world.seed())),
        (now, 1),
        "time and seed are the world's own"
    );
    assert_eq!(again.inspect(|world| world.account().clone()), balance);
    let router = again.router();
    assert_eq!(
        call(&router, "GET", &format!("/v2/pods/{id}"), None).await.body["mounts"]["network"][0]["volumeId"],
        volume
    );
    assert_eq!(call(&router, "DELETE", &format!("/v2/pods/{id}"), None).await.status, 204);
    let gone = format!("/v2/network-volumes/{}", volume.as_str().unwrap());
    assert_eq!(call(&router, "DELETE", &gone, None).await.status, 204);
    let third = open(&path);
    assert_eq!(
        third.inspect(|world| (
            world.listing(Listing::Current).len(),
            world.all_pods().count(),
            world.all_volumes().count()
        )),
        (0, 1, 0)
    );
}

#[tokio::test]
async fn looking_makes_no_file_and_the_first_change_does() {
    let (_directory, path) = file();
    let router = open(&path).router();
    wait(&router, 3).await;
    assert!(!path.parent().unwrap().exists());
    create(&router, small("first")).await;
    assert!(path.exists());
    let before = open(&path).inspect(|world| world.now());
    wait(&router, 3).await;
    let after = open(&path).inspect(|world| world.now());
    assert_eq!(after.since(before), 3_000, "once there is a file, time is kept in it");
}

#[tokio::test]
async fn two_processes_share_a_file() {
    let (_directory, path) = file();
    let (one, other) = (open(&path).router(), open(&path).router());
    let mut ids = vec![];
    for (name, router) in [("a", &one), ("b", &other), ("c", &one), ("d", &other)] {
        ids.push((name, create(router, small(name)).await));
    }
    wait(&one, 40).await;
    for (name, id) in &ids {
        assert_eq!(
            (status(&one, id).await, status(&other, id).await),
            (json!("RUNNING"), json!("RUNNING")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_server_says_where_it_is_as_long_as_it_lives() {
    let (_directory, path) = file();
    assert_eq!(running_server(&path).unwrap(), None);
    let simulation = open(&path);
    let announcement = simulation.announce("http://127.0.0.1:4711").unwrap();
    assert_eq!(running_server(&path).unwrap().as_deref(), Some("http://127.0.0.1:4711"));
    let second = open(&path).announce("http://127.0.0.1:4712").unwrap_err();
    assert_eq!(told(&path, &second), "`(dir)/simulator.db` is served by another process already");
    drop(announcement);
    assert_eq!(running_server(&path).unwrap(), None);
    let dead = "INSERT INTO server (one, url) VALUES (1, 'http://127.0.0.1:4711')";
    Connection::open(&path).unwrap().execute(dead, []).unwrap();
    assert_eq!(running_server(&path).unwrap(), None, "a URL without the lock is a dead server's");
    let again = simulation.announce("http://127.0.0.1:4713").unwrap();
    assert_eq!(running_server(&path).unwrap().as_deref(), Some("http://127.0.0.1:4713"));
    drop(again);
    assert!(Simulation::new(settings()).announce("http://127.0.0.1:4714").unwrap().is_none());
}

#[tokio::test]
async fn files_that_are_not_ours_are_refused_and_kept() {
    let (_directory, path) = file();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut seen = vec![];
    let mut refused = |what: &str| {
        let before = std::fs::read(&path).unwrap();
        let error = Simulation::open(&path, settings()).err().unwrap();
        seen.push(format!("{what}: {}", told(&path, &error)));
        assert_eq!(std::fs::read(&path).unwrap(), before, "{what} is left as it was");
        std::fs::remove_file(&path).unwrap();
    };
    std::fs::write(&path, "not a database, but a text that is long enough to be looked at").unwrap();
    refused("text");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
    refused("another database");
    let newer = "PRAGMA application_id = 1885762409; PRAGMA user_version = 2; CREATE TABLE x (y)";
    Connection::open(&path).unwrap().execute_batch(newer).unwrap();
    refused("newer");
    create(&open(&path).router(), small("x")).await;
    Connection::open(&path).unwrap().execute("UPDATE pod SET body = '{}'", []).unwrap();
    refused("damaged");
    insta::assert_snapshot!(seen.join("\n"), @r#"
    text: `(dir)/simulator.db` is not a simulator's file
    another database: `(dir)/simulator.db` is not a simulator's file
    newer: `(dir)/simulator.db` has format 2; this program knows up to 1
    damaged: `(dir)/simulator.db` holds a world that cannot be read: missing field `id` at line 1 column 2
    "#);
}

#[tokio::test]
async fn a_world_that_cannot_be_saved_is_not_changed() {
    let (directory, path) = file();
    // A file where the directory should be: even an administrator cannot make the world's file there.
    std::fs::write(directory.path().join("state"), "in the way").unwrap();
    let router = Simulation::open(&path, settings()).unwrap().router();
    let reply = call(&router, "POST", "/v2/pods", Some(small("x"))).await;
    assert_eq!(reply.status, 500);
    wait(&router, 4).await;
    assert_eq!(call(&router, "GET", "/v2/pods", None).await.body["pods"], json!([]));
}

#[tokio::test]
async fn a_simulation_is_served_over_a_socket_until_it_is_told_to_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let simulation = Simulation::new(settings());
    let server = tokio::spawn(serve(listener, simulation, Door::default(), shutdown));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request =
        "GET /v2/pods HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer k\r\nConnection: close\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
    insta::assert_snapshot!(answer.replace('\r', ""), @r#"
    HTTP/1.1 200 OK
    content-type: application/json
    x-request-id: e26ee2569986e4de9c938636
    date: Mon, 02 Nov 2026 09:00:01 GMT
    content-length: 64
    connection: close

    {"pods":[],"pagination":{"nextCursor":null,"hasNextPage":false}}
    "#);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_hangs_does_not_keep_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let simulation =
        Simulation::new(Settings { faults: "list=not-done-timeout".parse().unwrap(), ..settings() });
    let server = tokio::spawn(serve(listener, simulation.clone(), Door::default(), shutdown));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = "GET /v2/pods HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer k\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    while simulation.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}
