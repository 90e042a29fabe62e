//! The client over real sockets of this machine, in real time: what only a connection can show.

use podform::provider::runpod::Origins;
use podform::simulator::{Door, Settings, Simulation, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn run_in_real_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn listener() -> (TcpListener, Runpod) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origins = Origins::at(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let client =
        Runpod::over_http(Api::V2, origins, &Secret::new(KEY.to_owned()), || Timestamp::UNIX_EPOCH).unwrap();
    (listener, client)
}

/// Answers one connection with these bytes after the request has arrived, and returns the request.
async fn answer_once(listener: TcpListener, bytes: Vec<u8>) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = vec![0; 64 << 10];
    let read = stream.read(&mut request).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    String::from_utf8(request[..read].to_vec()).unwrap()
}

fn http(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn the_simulator_is_reached_over_tcp() {
    run_in_real_time(async {
        let (listener, client) = listener().await;
        let simulation = Simulation::new(Settings::default());
        let server = tokio::spawn(serve(listener, simulation, Door::default(), std::future::pending()));
        assert_eq!(client.list_pods().await, Ok(vec![]));
        let (first, second) = (client.quota().unwrap(), {
            client.list_volumes().await.unwrap();
            client.quota().unwrap()
        });
        assert!(second.remaining < first.remaining);
        server.abort();
    });
}

#[test]
fn a_refused_connection_is_certainly_not_done() {
    let error = run_in_real_time(async {
        let (listener, client) = listener().await;
        drop(listener);
        client.create_pod(&pod_request()).await.unwrap_err()
    });
    assert!(error.to_string().starts_with("POST /v2/pods was not done: could not connect: "), "{error}");
}

#[test]
fn a_connection_that_closes_without_an_answer_leaves_a_create_unknown() {
    let (error, request) = run_in_real_time(async {
        let (listener, client) = listener().await;
        let request = pod_request();
        let (error, request) = tokio::join!(client.create_pod(&request), answer_once(listener, vec![]));
        (error.unwrap_err(), request)
    });
    assert_eq!(error.certainty, Certainty::Unknown);
    assert!(error.detail.starts_with("the connection broke before the answer"), "{error}");
    assert!(request.starts_with("POST /v2/pods HTTP/1.1\r\n"), "{request}");
}

#[test]
fn an_answer_shorter_than_announced_leaves_a_create_unknown() {
    let error = run_in_real_time(async {
        let (listener, client) = listener().await;
        let bytes = b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\":\"p1\"}".to_vec();
        let request = pod_request();
        tokio::join!(client.create_pod(&request), answer_once(listener, bytes)).0.unwrap_err()
    });
    assert_eq!(error.certainty, Certainty::Unknown);
    assert!(error.detail.starts_with("the answer broke off"), "{error}");
}

#[test]
fn a_redirect_is_not_followed_and_its_target_never_sees_the_key() {
    run_in_real_time(async {
        let target = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        target.set_nonblocking(true).unwrap();
        let (listener, client) = listener().await;
        let head =
            format!("307 Temporary Redirect\r\nlocation: http://{}/v2/pods", target.local_addr().unwrap());
        let (error, _) = tokio::join!(client.list_pods(), answer_once(listener, http(&head, b"")));
        let text = "GET /v2/pods failed: a redirect (307), which is never followed";
        assert_eq!(error.unwrap_err().to_string(), text);
        let visit = target.accept().unwrap_err();
        assert_eq!(visit.kind(), std::io::ErrorKind::WouldBlock);
    });
}

#[test]
fn answers_may_be_compressed() {
    // A page without pods, `{"pods":[],"pagination":{"nextCursor":null,"hasNextPage":false}}`, compressed.
    const PODS: [u8; 83] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 42, 200, 79, 41, 86, 178, 138, 142, 213, 81, 42, 72, 76,
        207, 204, 75, 44, 201, 204, 207, 83, 178, 170, 86, 202, 75, 173, 40, 113, 46, 45, 42, 206, 47, 82,
        178, 202, 43, 205, 201, 209, 81, 202, 72, 44, 246, 3, 10, 6, 36, 166, 167, 42, 89, 165, 37, 230, 20,
        167, 214, 214, 2, 0, 169, 242, 52, 186, 64, 0, 0, 0,
    ];
    let (pods, request) = run_in_real_time(async {
        let (listener, client) = listener().await;
        let bytes = http("200 OK\r\ncontent-encoding: gzip", &PODS);
        tokio::join!(client.list_pods(), answer_once(listener, bytes))
    });
    assert_eq!(pods, Ok(vec![]));
    assert!(request.to_lowercase().contains("accept-encoding: gzip"), "{request}");
}
