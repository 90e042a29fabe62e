//! What RunPod's reference of autumn 2026 says of answers of REST v2, where the client could take it for something else.

use podform::model::id::SecretId;
use podform::model::live::Ran;
use podform::model::request::SecretRequest;
use podform::provider::probe::Probe;

use super::*;

#[test]
fn a_pod_is_read_whatever_may_be_done_with_it() {
    let usual = live(&v2_pod());
    // The published examples of a create show `start` for a pod that only starts.
    for actions in [json!(["start", "terminate"]), json!(["levitate"]), json!([]), json!(null), json!(3)] {
        assert_eq!(live(&with(v2_pod(), "actions", actions.clone())), usual, "{actions}");
    }
    assert_eq!(live(&without(v2_pod(), "actions")), usual);
}

/// When it started says whether it ever ran, and since when: how old it is, RunPod tells apart.
#[test]
fn a_pod_is_as_old_as_it_was_created_whenever_it_started() {
    let of = |ran| LivePod { ran, ..live(&v2_pod()) };
    let since = "2026-11-01T00:00:00Z";
    for (started, ran) in [
        (json!(null), Ran::Never),
        (json!(since), Ran::Once { since: since.parse().ok() }),
        (json!("yesterday"), Ran::Once { since: None }),
        (json!(3), Ran::NotTold),
    ] {
        assert_eq!(live(&with(v2_pod(), "startedAt", started.clone())), of(ran), "{started}");
    }
    assert_eq!(live(&without(v2_pod(), "startedAt")), of(Ran::NotTold));
}

#[test]
fn vcpus_and_memory_of_gpus_may_be_any_number_or_none() {
    let usual = live(&v2_pod());
    for more in [
        json!({}),
        json!({ "memory": 62, "vcpuCount": 12 }),
        json!({ "memory": 62.5, "vcpuCount": 7.5 }),
        json!({ "memory": null, "vcpuCount": "12" }),
    ] {
        let mut gpu = json!({ "id": "NVIDIA L40S", "count": 1 });
        gpu.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(live(&with(v2_pod(), "gpu", gpu)), usual, "{more}");
    }
}

#[test]
fn a_pod_that_came_back_without_gpus_is_seen_to_have_none() {
    let compute = |gpu: Value| live(&with(v2_pod(), "gpu", gpu)).compute;
    let of = |count| Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA L40S"), count });
    assert_eq!(compute(json!({ "id": "NVIDIA L40S", "count": 0 })), of(0));
    assert_eq!(compute(json!({ "id": "NVIDIA L40S" })), None, "a count that is not told is not taken for 1");
    assert_eq!(compute(json!(null)), None);
}

#[test]
fn only_ports_of_tcp_have_a_public_address() {
    let port = |private: u16, public: Value, kind: &str, ip: Value| json!({ "private": private, "public": public, "type": kind, "ip": ip });
    let ports = json!([
        port(22, json!(34_446), "tcp", json!("195.26.233.3")),
        port(8000, json!(60_012), "http", json!("100.65.25.83")),
        port(8001, json!(null), "http", json!("100.65.25.83")),
        port(5432, json!(null), "tcp", json!("195.26.233.3")),
        port(6379, json!(34_447), "tcp", json!(null)),
        port(53, json!(34_448), "udp", json!("195.26.233.3")),
    ]);
    let pod = live(&with(v2_pod(), "runtime", json!({ "uptime": 1, "ports": ports })));
    assert_eq!(pod.endpoints.tcp, BTreeMap::from([(22, "195.26.233.3:34446".to_owned())]));
}

/// Every list that comes whole, and how many entries of it were read.
fn whole_lists(pagination: Option<Value>) -> [usize; 5] {
    let client = Recorder::default().client(move |line| {
        let pod = |id: &str| json!({ "id": id, "name": "x", "size": 10, "dataCenter": "EU-RO-1" });
        let (key, entries) = match line.split(['?', ' ']).nth(1).unwrap() {
            "/v2/network-volumes" => ("networkVolumes", json!([pod("a")])),
            "/v2/account/ssh-keys" => ("keys", json!(["ssh-rsa AAAA"])),
            "/v2/account/secrets" => ("secrets", json!([pod("s")])),
            "/v2/catalog/gpus" => (
                "gpus",
                json!([{ "id": "NVIDIA L4", "memory": 24, "maxCount": { "secure": 8 }, "secure": true }]),
            ),
            "/v2/catalog/cpus" => ("cpus", json!([{ "id": "cpu5c", "vcpu": { "min": 2, "max": 32 } }])),
            "/v2/catalog/datacenters" => {
                ("dataCenters", json!([{ "id": "EU-RO-1", "networkVolumeTypes": [] }]))
            }
            other => panic!("{other}"),
        };
        let mut body = json!({ key: entries });
        body.as_object_mut().unwrap().extend(pagination.clone().map(|all| ("pagination".to_owned(), all)));
        json_answer(200, &body)
    });
    run(async {
        let catalog = client.catalog(&BTreeSet::new(), Timestamp::UNIX_EPOCH).await.unwrap();
        [
            client.list_volumes().await.unwrap().len(),
            client.list_secrets().await.unwrap().unwrap().len(),
            client.ssh_keys().await.unwrap().unwrap(),
            catalog.gpus.len() + catalog.cpus.len(),
            catalog.data_centers.len(),
        ]
    })
}

#[test]
fn every_list_that_comes_whole_may_say_that_it_has_ended() {
    let ended = json!({ "nextCursor": null, "hasNextPage": false });
    for pagination in [None, Some(Value::Null), Some(ended)] {
        assert_eq!(whole_lists(pagination.clone()), [1, 1, 1, 2, 1], "{pagination:?}");
    }
}

/// With the description beside it, an error could follow a value that was changed.
#[test]
fn the_value_of_a_secret_is_sent_alone() {
    let recorder = Recorder::default();
    let client = recorder.client(|line| match line.split(' ').next() {
        Some("DELETE") => answer(204, ""),
        _ => json_answer(200, &json!({ "id": "s1" })),
    });
    let id = SecretId::new("s1");
    let request = SecretRequest {
        name: "hf_token".to_owned(),
        description: "podform".to_owned(),
        value: Secret::new(SECRET.to_owned()),
    };
    run(async {
        assert_eq!(client.create_secret(&request).await?, id);
        client.set_secret(&id, &request.value).await?;
        client.delete_secret(&id).await
    })
    .unwrap();
    let sent: Vec<(String, Value)> = recorder.seen().into_iter().map(|seen| (seen.line, seen.body)).collect();
    let expected = [
        (
            "POST /v2/account/secrets",
            json!({ "name": "hf_token", "description": "podform", "value": SECRET }),
        ),
        ("PATCH /v2/account/secrets/s1", json!({ "value": SECRET })),
        ("DELETE /v2/account/secrets/s1", Value::Null),
    ];
    assert_eq!(sent, expected.map(|(line, body)| (line.to_owned(), body)));
}

#[test]
fn a_slice_of_a_card_is_a_type_beside_its_card() {
    let gpu = |id: &str, price: f64| {
        json!({
            "id": id, "memory": 96, "secure": true, "community": false, "maxCount": { "secure": 8 },
            "price": { "secure": price, "community": null }, "availability": "HIGH",
        })
    };
    let (card, slice) = (
        "NVIDIA RTX PRO 6000 Blackwell Server Edition",
        "NVIDIA RTX PRO 6000 Blackwell Server Edition MIG 1g.24gb",
    );
    let body = json!({ "gpus": [gpu(slice, 0.8), gpu(card, 2.09)], "cpus": [], "dataCenters": [] });
    let client = Recorder::default().client(move |_| json_answer(200, &body));
    let catalog = run(client.catalog(&BTreeSet::new(), Timestamp::UNIX_EPOCH)).unwrap();
    let price = |id: &str| catalog.gpus[&GpuTypeId::new(id)].secure;
    assert_eq!((price(card), price(slice)), (Price::Known(Hourly(2_090_000)), Price::Known(Hourly(800_000))));
}

/// The catalog of one filter that RunPod does not take, as it was answered in July and as its page has it.
#[test]
fn a_refused_filter_of_the_catalog_is_the_same_with_either_status() {
    let refused = |status: u16| {
        let detail = "count filters are valid only with include=AVAILABILITY";
        let body = json!({ "title": "x", "status": status, "detail": detail });
        let client = Recorder::default().client(move |_| json_answer(status, &body));
        run(client.catalog(&BTreeSet::new(), Timestamp::UNIX_EPOCH)).unwrap_err()
    };
    let [one, other] = [400, 422].map(refused);
    assert_eq!(one.certainty, Certainty::Rejected(Rejection::Invalid));
    assert_eq!((one.certainty, one.detail), (other.certainty, other.detail));
}
