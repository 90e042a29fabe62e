//! What is known of recorded objects that the listings leave out.

use podform::model::id::RemoteId;
use podform::model::job::JobLog;
use podform::model::live::{Live, Seen as Known, Unreadable};
use podform::provider::observe::{jobs, observe};

use super::*;

const NOW: i64 = 1_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// `Date` of every answer here: a day ahead of the clock of this computer, which nothing may rest on.
const DATE: &str = "Tue, 13 Jan 1970 13:46:40 GMT";

fn json_answer(status: u16, body: &Value) -> Response<Body> {
    let mut answer = super::json_answer(status, body);
    answer.headers_mut().insert("date", DATE.parse().unwrap());
    answer
}

fn recorded_ago(objects: &[(RemoteId, i64)]) -> BTreeMap<RemoteId, Option<Timestamp>> {
    let at = |age: i64| Some(Timestamp::from_second(NOW + 86_400 - age).unwrap());
    objects.iter().map(|(id, age)| (id.clone(), at(*age))).collect()
}

fn pod_id(text: &str) -> RemoteId {
    RemoteId::Pod(PodId::new(text))
}

fn look(client: &Runpod, recorded: &[(RemoteId, i64)]) -> Live {
    run(observe(client, &recorded_ago(recorded), now())).unwrap()
}

fn not_found() -> Response<Body> {
    json_answer(404, &json!({ "title": "Not Found", "status": 404, "detail": "pod not found" }))
}

/// Answers with a log.
fn stream(events: &str) -> Response<Body> {
    let mut answer = answer(200, events);
    answer.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
    answer
}

/// In one word what is known of each pod.
fn words(live: &Live) -> Vec<(&str, String)> {
    let word = |known: &Known<LivePod>| match known {
        Known::Found(pod) => pod.status.to_string(),
        Known::Absent => "absent".to_owned(),
        Known::Unreadable(why) => why.to_string(),
    };
    live.pods.iter().map(|(id, known)| (id.as_str(), word(known))).collect()
}

#[test]
fn a_terminated_pod_is_as_gone_as_one_that_is_not_found() {
    let client = Recorder::default().client(|line| {
        let ended = |id: &str| with(with(v2_pod(), "id", json!(id)), "status", json!("TERMINATED"));
        match line {
            LIST_PODS => json_answer(200, &listing(json!([ended("listed")]))),
            "GET /v2/network-volumes" => json_answer(200, &json!({ "networkVolumes": [] })),
            "GET /v2/pods/found" => json_answer(200, &ended("found")),
            _ => not_found(),
        }
    });
    let live = look(&client, &["found", "listed", "missing"].map(|id| (pod_id(id), 500)));
    assert_eq!(words(&live), ["found", "listed", "missing"].map(|id| (id, "absent".to_owned())));
}

/// A listing may have a pod as it was before its job was started.
#[test]
fn a_job_that_is_listed_as_down_and_tells_no_end_is_asked_for_itself() {
    let token = "0123456789abcdef";
    let pod = |id: &str, status: &str| with(with(v2_pod(), "id", json!(id)), "status", json!(status));
    let recorder = Recorder::default();
    let client = recorder.client(move |line| match line {
        LIST_PODS => {
            let ids = ["done", "down", "gone", "mute", "runs"];
            json_answer(200, &listing(json!(ids.map(|id| pod(id, "EXITED")))))
        }
        "GET /v2/network-volumes" => json_answer(200, &json!({ "networkVolumes": [] })),
        "GET /v2/pods/runs" => json_answer(200, &pod("runs", "RUNNING")),
        "GET /v2/pods/down" => json_answer(200, &pod("down", "EXITED")),
        "GET /v2/pods/mute" => answer(503, ""),
        line if line.starts_with("GET /v2/pods/done/logs") => {
            let line = json!({ "source": "container", "line": format!("podform-exit {token} 0"), "ts": "2026-11-02T09:00:00Z" });
            stream(&format!("data: {line}\n\n"))
        }
        line if line.contains("/logs") => stream(""),
        _ => not_found(),
    });
    let mut live = look(&client, &[]);
    let asked = ["done", "down", "gone", "mute", "runs"];
    let asked = asked.map(|id| (PodId::new(id), (token.parse().unwrap(), false))).into();
    run(jobs(&client, &mut live, asked, Duration::from_secs(1), Duration::from_secs(1)));
    let expected = [
        ("done", "EXITED"),
        ("down", "EXITED"),
        ("gone", "EXITED"),
        ("mute", "GET /v2/pods/{id} failed: no explanation (request req-1)"),
        ("runs", "RUNNING"),
    ];
    assert_eq!(words(&live), expected.map(|(id, word)| (id, word.to_owned())));
    let ended: Vec<bool> = live.jobs.values().map(|log| *log == JobLog::Ended(0)).collect();
    assert_eq!(ended, [true, false, false, false, false]);
    assert!(!recorder.lines().contains(&"GET /v2/pods/done".to_owned()), "its log tells the end");
}

#[test]
fn an_object_that_is_not_listed_is_asked_for_by_its_id() {
    let recorder = Recorder::default();
    let client = recorder.client(|line| match line {
        LIST_PODS => {
            let ended = with(with(v2_pod(), "id", json!("ended")), "status", json!("TERMINATED"));
            let odd = without(with(v2_pod(), "id", json!("odd")), "env");
            json_answer(200, &listing(json!([v2_pod(), ended, odd])))
        }
        "GET /v2/network-volumes" => json_answer(200, &json!({ "networkVolumes": [] })),
        "GET /v2/pods/late" => json_answer(200, &with(v2_pod(), "id", json!("late"))),
        "GET /v2/pods/down" => answer(503, ""),
        _ => not_found(),
    });
    let recorded = [
        (pod_id("7h9k2m4n6p"), 500),
        (pod_id("down"), 500),
        (pod_id("gone"), 120),
        (pod_id("late"), 60),
        (pod_id("young"), 119),
        (RemoteId::Volume(VolumeId::new("v1")), 500),
    ];
    let live = look(&client, &recorded);
    let down = "GET /v2/pods/{id} failed: no explanation (request req-1)";
    let expected = [
        ("7h9k2m4n6p", "RUNNING"),
        ("down", down),
        ("ended", "absent"),
        ("gone", "absent"),
        ("late", "RUNNING"),
        ("odd", "GET /v2/pods failed: the answer has no field `env` (request req-1)"),
        ("young", "recorded less than 120 s ago and not listed yet"),
    ];
    assert_eq!(words(&live), expected.map(|(id, word)| (id, word.to_owned())));
    assert_eq!(live.volumes, BTreeMap::from([(VolumeId::new("v1"), Known::Absent)]));
    let mut lines = recorder.lines();
    lines[2..].sort();
    assert_eq!(
        lines,
        [
            LIST_PODS,
            "GET /v2/network-volumes",
            "GET /v2/network-volumes/v1",
            "GET /v2/pods/down",
            "GET /v2/pods/gone",
            "GET /v2/pods/late",
            "GET /v2/pods/young",
        ]
    );
}

#[test]
fn everything_listed_costs_two_requests() {
    let recorder = Recorder::default();
    let client = recorder.client(|line| match line {
        LIST_PODS => json_answer(200, &listing(json!([v2_pod()]))),
        _ => json_answer(200, &json!({ "networkVolumes": [] })),
    });
    look(&client, &[(pod_id("7h9k2m4n6p"), 500)]);
    assert_eq!(recorder.lines(), [LIST_PODS, "GET /v2/network-volumes"]);
}

#[test]
fn many_missing_objects_are_looked_for_in_a_second_listing() {
    let recorder = Recorder::default();
    let first = recorder.clone();
    let client = recorder.client(move |line| match line {
        LIST_PODS if first.seen().len() < 3 => json_answer(200, &listing(json!([]))),
        LIST_PODS => json_answer(200, &listing(json!([with(v2_pod(), "id", json!("p20"))]))),
        _ => json_answer(200, &json!({ "networkVolumes": [] })),
    });
    let recorded: Vec<_> =
        (0..21).map(|n| (pod_id(&format!("p{n}")), if n == 0 { 10 } else { 500 })).collect();
    let (live, waited) = run(async {
        let start = tokio::time::Instant::now();
        (observe(&client, &recorded_ago(&recorded), now()).await.unwrap(), start.elapsed())
    });
    assert_eq!(waited, Duration::from_secs(10));
    assert_eq!(recorder.lines().len(), 4);
    assert_eq!(live.pods[&PodId::new("p0")], Known::Unreadable(Unreadable::TooNew));
    assert_eq!(live.pods[&PodId::new("p19")], Known::Absent);
    assert!(live.pods[&PodId::new("p20")].found().is_some());
}

#[test]
fn objects_are_not_absent_because_the_second_listing_failed() {
    let recorder = Recorder::default();
    let before = recorder.clone();
    let client = recorder.client(move |line| match line {
        LIST_PODS if before.seen().len() < 3 => json_answer(200, &listing(json!([]))),
        "GET /v2/network-volumes" => json_answer(200, &json!({ "networkVolumes": [] })),
        _ => answer(503, ""),
    });
    let recorded: Vec<_> = (0..21).map(|n| (pod_id(&format!("p{n}")), 500)).collect();
    let live = look(&client, &recorded);
    assert!(live.pods.values().all(|known| matches!(known, Known::Unreadable(Unreadable::Failed(_)))));
}

#[test]
fn a_throttled_look_is_the_last_one() {
    let recorder = Recorder::default();
    let client = recorder.client(|line| match line {
        LIST_PODS => json_answer(200, &listing(json!([]))),
        "GET /v2/network-volumes" => json_answer(200, &json!({ "networkVolumes": [] })),
        _ => answer(429, ""),
    });
    let live = look(&client, &[(pod_id("a"), 500), (pod_id("b"), 500), (pod_id("c"), 500)]);
    assert!(live.pods.values().all(|known| matches!(known, Known::Unreadable(Unreadable::Failed(_)))));
    assert_eq!(recorder.lines().len(), 3);
}

#[test]
fn nothing_is_known_without_both_listings() {
    let client = Recorder::default().client(|line| match line {
        LIST_PODS => json_answer(200, &listing(json!([]))),
        _ => answer(500, ""),
    });
    let error = run(observe(&client, &BTreeMap::new(), now())).unwrap_err();
    assert_eq!(error.call.name, "GET /v2/network-volumes");
}
