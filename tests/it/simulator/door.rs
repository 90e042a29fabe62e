//! A simulator that is served answers programs of this computer, and neither web pages nor names that it does not have.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::stage::PODFORM;

/// A simulator in a process of its own.
struct Served {
    _folder: tempfile::TempDir,
    process: Child,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(PODFORM);
        command.current_dir(folder.path()).env_clear().stdin(Stdio::null());
        command.arg("simulate").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap().to_owned();
        Self { _folder: folder, process, address }
    }

    /// Sends a request with exactly these headers and returns the answer's head and body.
    fn send(&self, line: &str, headers: &[&str], body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// Returns the status of an answer.
    fn status(&self, line: &str, headers: &[&str], body: &str) -> u16 {
        self.send(line, headers, body).0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn pods(&self) -> usize {
        let (_, body) = self.send("GET /v2/pods", &["Host: localhost", KEY], "");
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        answer["pods"].as_array().unwrap().len()
    }
}

const KEY: &str = "Authorization: Bearer any";
const JSON: &str = "Content-Type: application/json";
const POD: &str = r#"{"name": "x", "image": "a/b:1", "gpu": {"id": "NVIDIA L4", "count": 1}, "disk": 20}"#;
const CREATE_ON_V1: &str =
    r#"{"name": "x", "imageName": "a/b:1", "gpuTypeIds": ["NVIDIA L4"], "containerDiskInGb": 20}"#;

#[test]
fn a_page_can_neither_make_nor_end_a_pod() {
    let served = Served::start(&[]);
    let here = format!("Host: {}", served.address);
    assert_eq!(served.status("POST /v2/pods", &[&here, KEY, JSON], POD), 201);
    for _ in 0..4 {
        served.pods();
    }
    assert_eq!(served.pods(), 1);
    // What a page may send without asking: a form or plain text, with the key in the address.
    let stop = r#"{"query": "mutation { podTerminate(input: {podId: \"x\"}) }"}"#;
    let evil = "Origin: https://evil.example";
    for (line, body) in [
        ("POST /graphql?api_key=any", stop),
        ("POST /v2/pods", POD),
        ("POST /v1/pods", CREATE_ON_V1),
        ("DELETE /v2/pods/x", ""),
        ("GET /v2/pods", ""),
        ("GET /v1/pods", ""),
    ] {
        for kind in ["Content-Type: text/plain", JSON] {
            assert_eq!(served.status(line, &[&here, KEY, kind, evil], body), 403, "{line}");
            assert_eq!(served.status(line, &["Host: evil.example", KEY, kind], body), 403, "{line}");
        }
        if !body.is_empty() {
            for kind in
                ["Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded", "X: y"]
            {
                assert_eq!(served.status(line, &[&here, KEY, kind], body), 415, "{line}");
            }
        }
    }
    assert_eq!(served.pods(), 1);
}

#[test]
fn a_page_that_asks_for_leave_is_given_none() {
    let served = Served::start(&[]);
    let here = format!("Host: {}", served.address);
    let asks = [&*here, "Origin: https://evil.example", "Access-Control-Request-Method: POST"];
    for path in ["/v2/pods", "/v1/pods", "/graphql"] {
        let (head, _) = served.send(&format!("OPTIONS {path}"), &asks, "");
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
        assert!(!head.to_ascii_lowercase().contains("access-control-"), "{head}");
        let status = served.status(&format!("OPTIONS {path}"), &[&here, KEY], "");
        assert!((400..500).contains(&status), "{status}");
    }
}

#[test]
fn clients_under_runpods_names_and_under_names_that_were_given_are_answered() {
    let served = Served::start(&["--host", "simulator.lan", "--host", "192.0.2.7"]);
    for host in [
        "api.runpod.io",
        "api.runpod.io:443",
        "rest.runpod.io",
        "localhost",
        "simulator.lan:8080",
        "192.0.2.7",
    ] {
        let host = format!("Host: {host}");
        assert_eq!(served.status("GET /v2/pods", &[&host, KEY], ""), 200, "{host}");
    }
    let by_proxy = served.status("GET http://api.runpod.io/v2/pods", &["Host: api.runpod.io", KEY], "");
    assert_eq!(by_proxy, 200);
    assert_eq!(served.status("GET /v2/pods", &["Host: other.lan", KEY], ""), 403);
    assert_eq!(served.status("GET /v2/pods", &[KEY], ""), 403);
}

#[test]
fn each_api_says_in_its_own_form_why_a_request_is_turned_away() {
    let served = Served::start(&[]);
    let told = |path| served.send(&format!("GET {path}"), &["Host: evil.example", KEY], "").1;
    insta::assert_snapshot!([told("/v2/pods"), told("/v1/pods"), told("/graphql")].join("\n"), @r#"
    {"title":"Forbidden","status":403,"detail":"the simulator is not called `evil.example`; `podform simulate --host evil.example` makes it so"}
    {"error":"the simulator is not called `evil.example`; `podform simulate --host evil.example` makes it so","status":403}
    {"errors":[{"extensions":{"code":"FORBIDDEN"},"message":"the simulator is not called `evil.example`; `podform simulate --host evil.example` makes it so"}]}
    "#);
}

#[test]
fn listening_beyond_this_computer_is_warned_of() {
    let mut served = Served::start(&["--listen", "0.0.0.0:0"]);
    // The URL is one that this computer can call.
    assert!(served.address.starts_with("127.0.0.1:"), "{}", served.address);
    let port = served.address.trim_start_matches("127.0.0.1:").to_owned();
    assert_eq!(served.status("GET /v2/pods", &["Host: localhost", KEY], ""), 200);
    let mut lines = BufReader::new(served.process.stderr.take().unwrap()).lines();
    let warning = lines.find_map(|line| line.ok().filter(|line| line.starts_with("warning:"))).unwrap();
    insta::assert_snapshot!(warning.replace(&port, "PORT"), @"warning: every computer that reaches 0.0.0.0:PORT can change this world, whatever its key; without `--listen` only this one can");
}

#[test]
fn a_name_that_is_none_is_refused() {
    let ended =
        Command::new(PODFORM).env_clear().args(["simulate", "--host", "http://lan"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    insta::assert_snapshot!(String::from_utf8(ended.stderr).unwrap(), @r"
    error: a host is a name or an address without a port, such as `simulator.lan`
    hint: `podform COMMAND --help` shows what the command takes, with an example
    ");
}
