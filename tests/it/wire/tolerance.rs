//! What no document speaks of yet, over each API: fields and words that are new, and fields that are not there any more.

use super::graphql::graphql_pod;
use super::rest_v1::v1_pod;
use super::simulated::SPOKEN;
use super::*;
use podform::model::id::RemoteId;
use podform::model::live::{Seen, Unreadable};
use podform::provider::observe::observe;

/// A pod as an API shows it.
fn pod_of(api: Api) -> Value {
    match api {
        Api::V2 => v2_pod(),
        Api::V1 => v1_pod(),
        Api::Graphql => graphql_pod(),
    }
}

/// The answer of a listing.
fn listing_of(api: Api, pod: &Value) -> Value {
    match api {
        Api::V2 => listing(json!([pod])),
        Api::V1 => json!([pod]),
        Api::Graphql => json!({ "data": { "myself": { "pods": [pod] } } }),
    }
}

/// A network volume as an API shows it.
fn volume_of(api: Api, id: &str) -> Value {
    match api {
        Api::V2 => json!({ "id": id, "name": "models", "size": 10, "dataCenter": "EU-RO-1" }),
        Api::V1 | Api::Graphql => {
            json!({ "id": id, "name": "models", "size": 10, "dataCenterId": "EU-RO-1" })
        }
    }
}

/// Answers every listing with these entries, and every question for one object with 404.
fn account(api: Api, pods: Value, volumes: Value) -> Runpod {
    Recorder::default().client_of(api, move |line| match line {
        LIST_PODS => json_answer(200, &listing(json!(pods))),
        "GET /v2/network-volumes" => json_answer(200, &json!({ "networkVolumes": volumes })),
        "GET /v1/networkvolumes" => json_answer(200, &volumes),
        line if line.starts_with("GET /v1/pods?") => json_answer(200, &pods),
        line if line.starts_with("POST /graphql") => {
            // One pod is asked for under another name, and there is none.
            let myself = json!({ "pods": pods, "networkVolumes": volumes });
            json_answer(200, &json!({ "data": { "myself": myself, "pod": null } }))
        }
        _ => json_answer(404, &json!({ "title": "Not Found", "status": 404, "detail": "not found" })),
    })
}

/// The entries that are not what the documents say, each with what is wrong with it.
fn odd_entries(good: &Value) -> Vec<Value> {
    let odd_id = |id: Value| with(good.clone(), "id", id);
    let mut odd = vec![json!(null), json!("pod"), json!([1]), json!({}), without(good.clone(), "id")];
    odd.extend([json!(null), json!(7), json!(""), json!({ "id": "x" })].map(odd_id));
    // What would lead to another object as a part of a URL, or has no end, is the id of none.
    let hostile = ["../../v2/network-volumes/x", "..", "a/b", "a?b", "a%2fb", "a b", "a\n", "ä"];
    odd.extend(hostile.map(|id| odd_id(json!(id))));
    odd.push(odd_id(json!("x".repeat(65))));
    odd
}

/// However odd the entries of a listing are, the others are read, and what is on record and not among them is not gone.
#[test]
fn one_odd_entry_leaves_a_listing_usable_and_nothing_absent_over_every_api() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let recorded = |pod: &str, volume: &str| {
        BTreeMap::from([
            (RemoteId::Pod(PodId::new(pod)), Some(at(0))),
            (RemoteId::Volume(VolumeId::new(volume)), Some(at(0))),
        ])
    };
    for api in SPOKEN {
        let good = with(pod_of(api), "id", json!("good"));
        let good_volume = volume_of(api, "good");
        let odd_pods = odd_entries(&with(pod_of(api), "id", json!("odd")));
        let odd_volumes = odd_entries(&volume_of(api, "odd"));
        for (odd_pod, odd_volume) in odd_pods.iter().zip(&odd_volumes) {
            let client = account(api, json!([odd_pod, good]), json!([odd_volume, good_volume]));
            let live = run(observe(&client, &recorded("gone", "gone"), at(9_999))).unwrap();
            let (gone_pod, gone_volume) =
                (&live.pods[&PodId::new("gone")], &live.volumes[&VolumeId::new("gone")]);
            assert_eq!(*gone_pod, Seen::Unreadable(Unreadable::MayBeNameless), "{api:?} {odd_pod}");
            let volume_is_hidden = matches!(gone_volume, Seen::Unreadable(_));
            assert!(volume_is_hidden, "{api:?} {odd_volume}: {gone_volume:?}");
            let read = (live.pods[&PodId::new("good")].found(), live.volumes[&VolumeId::new("good")].found());
            assert!(read.0.is_some() && read.1.is_some(), "{api:?} {odd_pod} {odd_volume}");
            assert_eq!((live.nameless_pods.len(), live.nameless_volumes.len()), (1, 1), "{api:?}");
        }
    }
}

/// An entry whose id can be read is unreadable at that id alone: what else is missing is gone.
#[test]
fn an_odd_entry_with_an_id_hides_that_object_alone_over_every_api() {
    let at = |second| Timestamp::from_second(second).unwrap();
    for api in SPOKEN {
        let pod = with(with(pod_of(api), "id", json!("odd")), "ports", json!({}));
        let volume = with(volume_of(api, "odd"), "size", json!("much"));
        let client = account(api, json!([pod]), json!([volume]));
        let recorded = ["odd", "gone"].into_iter().flat_map(|id| {
            [RemoteId::Pod(PodId::new(id)), RemoteId::Volume(VolumeId::new(id))].map(|id| (id, None))
        });
        let live = run(observe(&client, &recorded.collect(), at(9_999))).unwrap();
        let malformed = |why: &Seen<LivePod>| matches!(why, Seen::Unreadable(Unreadable::Malformed(_)));
        assert!(malformed(&live.pods[&PodId::new("odd")]), "{api:?}: {live:?}");
        let odd_volume = &live.volumes[&VolumeId::new("odd")];
        assert!(matches!(odd_volume, Seen::Unreadable(Unreadable::Malformed(_))), "{api:?}: {odd_volume:?}");
        // No answer told a time, so what is missing may be too new to be listed.
        assert_eq!(live.pods[&PodId::new("gone")], Seen::Unreadable(Unreadable::AgeNotTold), "{api:?}");
        assert_eq!(live.volumes[&VolumeId::new("gone")], Seen::Unreadable(Unreadable::AgeNotTold), "{api:?}");
    }
}

/// The answer to a question for one pod.
fn one_of(api: Api, pod: &Value) -> Value {
    match api {
        Api::V2 | Api::V1 => pod.clone(),
        Api::Graphql => json!({ "data": { "pod": pod } }),
    }
}

fn client(api: Api, status: u16, answer: Value) -> Runpod {
    Recorder::default().client_of(api, move |_| json_answer(status, &answer))
}

fn listed_over(api: Api, answer: Value) -> ListedPod {
    run(client(api, 200, answer).list_pods()).unwrap().remove(0)
}

/// Adds fields that nobody has heard of, at every level where fields have names of the API.
fn with_news(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let named_by_users = |key: &str| ["env", "portMappings"].contains(&key);
            fields.iter_mut().filter(|(key, _)| !named_by_users(key)).for_each(|(_, value)| with_news(value));
            fields.insert("news".to_owned(), json!({ "of": ["tomorrow", 1, null] }));
        }
        Value::Array(items) => items.iter_mut().for_each(with_news),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn unknown_fields_of_an_answer_are_tolerated_over_every_api() {
    for api in SPOKEN {
        let known = listing_of(api, &pod_of(api));
        let mut new = known.clone();
        with_news(&mut new);
        assert!(new.to_string().matches("tomorrow").count() > 2, "{api:?}: {new}");
        let read = listed_over(api, known);
        assert!(matches!(read, Listed::Found(_)), "{api:?}: {read:?}");
        assert_eq!(listed_over(api, new), read, "{api:?}");
    }
}

/// A word that only describes is left out. One that decides what would be done to the pod sets it aside, and nothing else.
#[test]
fn unknown_words_of_an_answer_are_tolerated_over_every_api() {
    let aside = |field: &str| Err(format!("the field `{field}` of the answer is not understood"));
    let table = [
        (Api::V2, "/cloud", "ORBITAL", Ok(())),
        (Api::V2, "/actions/0", "teleport", Ok(())),
        (Api::V2, "/runtime/ports/0/type", "quic", Ok(())),
        (Api::V2, "/status", "HIBERNATING", aside("status")),
        (Api::V2, "/ports/0", "53/udp", aside("ports")),
        (Api::V1, "/gpu/displayName", "L50S", Ok(())),
        (Api::V1, "/cpuFlavorId", "cpu9q", Ok(())),
        (Api::V1, "/desiredStatus", "FROZEN", aside("desiredStatus")),
        (Api::V1, "/ports/0", "53/udp", aside("ports")),
        (Api::Graphql, "/runtime/ports/0/type", "quic", Ok(())),
        (Api::Graphql, "/machine/gpuTypeId", "NVIDIA Z1", Ok(())),
        (Api::Graphql, "/desiredStatus", "PAUSED_BY_MOON", aside("desiredStatus")),
    ];
    for (api, at, word, expected) in table {
        let mut pod = pod_of(api);
        *pod.pointer_mut(at).unwrap_or_else(|| panic!("{api:?} has {at}")) = json!(word);
        let beside = with(pod_of(api), "id", json!("another"));
        let mut answer = listing_of(api, &pod);
        let entries = match api {
            Api::V2 => "/pods",
            Api::V1 => "",
            Api::Graphql => "/data/myself/pods",
        };
        answer.pointer_mut(entries).unwrap().as_array_mut().unwrap().push(beside);
        let read = run(client(api, 200, answer).list_pods()).unwrap();
        let is_read = match &read[0] {
            Listed::Found(_) => Ok(()),
            Listed::Unreadable { id: _, why, origin: _ } => Err(why.clone()),
            Listed::Nameless { why } => panic!("{api:?} {at}: {why}"),
        };
        let call = if api == Api::Graphql {
            "GraphQL query myself.pods"
        } else {
            &format!("GET /{}/pods", name(api))
        };
        let expected = expected.map_err(|why| format!("{call} failed: {why} (request req-1)"));
        assert_eq!(is_read, expected, "{api:?} {at} {word}");
        assert!(matches!(read[1], Listed::Found(_)), "{api:?} {at}: the other pod is read");
    }
}

fn name(api: Api) -> &'static str {
    match api {
        Api::V2 => "v2",
        Api::V1 => "v1",
        Api::Graphql => "graphql",
    }
}

#[test]
fn a_missing_field_is_an_error_with_its_name_the_call_and_the_request_over_rest_v2() {
    assert_missing(
        Api::V2,
        [
            "GET /v2/pods/{id} failed: the answer has no field `env` (request req-1)",
            "GET /v2/pods failed: the answer has no field `env` (request req-1)",
            "GET /v2/pods failed: the answer has no field `pods[].id` (request req-1)",
            "POST /v2/pods may or may not have been done: the answer has no field `id` (request req-1)",
            "GET /v2/network-volumes/{id} failed: the answer has no field `size` (request req-1)",
        ],
    );
}

#[test]
fn a_missing_field_is_an_error_with_its_name_the_call_and_the_request_over_rest_v1() {
    assert_missing(
        Api::V1,
        [
            "GET /v1/pods/{id} failed: the answer has no field `env` (request req-1)",
            "GET /v1/pods failed: the answer has no field `env` (request req-1)",
            "GET /v1/pods failed: the answer has no field `[].id` (request req-1)",
            "POST /v1/pods may or may not have been done: the answer has no field `id` (request req-1)",
            "GET /v1/networkvolumes/{id} failed: the answer has no field `size` (request req-1)",
        ],
    );
}

#[test]
fn a_missing_field_is_an_error_with_its_name_the_call_and_the_request_over_graphql() {
    assert_missing(
        Api::Graphql,
        [
            "GraphQL query pod failed: the answer has no field `env` (request req-1)",
            "GraphQL query myself.pods failed: the answer has no field `env` (request req-1)",
            "GraphQL query myself.pods failed: the answer has no field `myself.pods[].id` (request req-1)",
            "GraphQL podFindAndDeployOnDemand may or may not have been done: the answer has no field `id` (request req-1)",
            "GraphQL query myself.networkVolumes failed: the answer has no field `networkVolumes[].size` (request req-1)",
        ],
    );
}

/// Checks the whole messages for one pod without `env`, such a pod in a listing, an entry without id, a create whose answer has none, and a volume
/// without size.
fn assert_missing(api: Api, expected: [&str; 5]) {
    let one = one_of(api, &without(pod_of(api), "env"));
    let one = run(client(api, 200, one).pod(&PodId::new("p1"))).unwrap_err().to_string();
    let Listed::Unreadable { id: _, why, origin: _ } =
        listed_over(api, listing_of(api, &without(pod_of(api), "env")))
    else {
        panic!("{api:?}: a pod without `env` was read");
    };
    let Listed::Nameless { why: nameless } = listed_over(api, listing_of(api, &without(pod_of(api), "id")))
    else {
        panic!("{api:?}: a pod without `id` was read");
    };
    let created = match api {
        Api::V2 | Api::V1 => json!({ "name": "x" }),
        Api::Graphql => json!({ "data": { "podFindAndDeployOnDemand": { "name": "x" } } }),
    };
    let created = run(client(api, 201, created).create_pod(&pod_request())).unwrap_err().to_string();
    let volume = json!({ "id": "v1", "name": "models", "dataCenter": "EU-RO-1", "dataCenterId": "EU-RO-1" });
    let volume = match api {
        Api::V2 | Api::V1 => volume,
        Api::Graphql => json!({ "data": { "myself": { "networkVolumes": [volume] } } }),
    };
    let volume = run(client(api, 200, volume).volume(&VolumeId::new("v1"))).unwrap_err().to_string();
    assert_eq!([one, why, nameless, created, volume], expected);
}
