//! What RunPod's reference of autumn 2026 says of REST v2 beside the forms of bodies: commands, limits, names and times.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use podform::simulator::{Contract, QuotaSetting, Settings, Simulation, Unset};
use serde_json::{Value, json};

use super::{act, call, create, reply, short, small, wait};

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn without(mut body: Value, key: &str) -> Value {
    body.as_object_mut().unwrap().remove(key).unwrap();
    body
}

fn of(contract: Contract, unset: Unset) -> Router {
    let quota = QuotaSetting::Unlimited;
    Simulation::new(Settings { quota, contract, unset, ..Settings::default() }).router()
}

fn router() -> Router {
    of(Contract::Autumn, Unset::Empty)
}

/// What is shown of a command.
fn command(pod: &Value) -> String {
    ["args", "cmd", "entrypoint"].map(|key| pod.get(key).map_or("-".to_owned(), Value::to_string)).join(" ")
}

#[tokio::test]
async fn a_command_is_stored_as_it_came_and_shown_in_parts() {
    let router = router();
    let mut seen = vec![];
    for given in [
        json!({}),
        json!({ "args": "python serve.py --name 'a b'" }),
        json!({ "args": r#"{"entrypoint":["sh","-c"],"cmd":["a b"]}"# }),
        json!({ "args": r#"{"cmd":["serve"]}"# }),
        json!({ "cmd": ["serve", "a b"] }),
        json!({ "entrypoint": ["sh"] }),
        json!({ "cmd": ["-c", "x"], "entrypoint": ["sh"] }),
        json!({ "cmd": [], "entrypoint": [] }),
        json!({ "args": "serve 'a b'", "cmd": ["serve", "a b"], "entrypoint": [] }),
        json!({ "args": r#"{"entrypoint":["sh"],"cmd":["x"]}"#, "cmd": ["x"], "entrypoint": ["sh"] }),
        json!({ "args": "serve", "cmd": ["train"] }),
        json!({ "args": "serve", "entrypoint": ["sh"] }),
        json!({ "cmd": "serve" }),
    ] {
        let made = call(&router, "POST", "/v2/pods", Some(with(small("x"), given.clone()))).await;
        let said = if made.status == 201 { command(&made.body) } else { short(&made) };
        seen.push(format!("{given}\n    {said}"));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    {}
        "" [] []
    {"args":"python serve.py --name 'a b'"}
        "python serve.py --name 'a b'" [] []
    {"args":"{\"entrypoint\":[\"sh\",\"-c\"],\"cmd\":[\"a b\"]}"}
        "{\"cmd\":[\"a b\"],\"entrypoint\":[\"sh\",\"-c\"]}" ["a b"] ["sh","-c"]
    {"args":"{\"cmd\":[\"serve\"]}"}
        "{\"cmd\":[\"serve\"]}" ["serve"] []
    {"cmd":["serve","a b"]}
        "{\"cmd\":[\"serve\",\"a b\"]}" ["serve","a b"] []
    {"entrypoint":["sh"]}
        "{\"entrypoint\":[\"sh\"]}" [] ["sh"]
    {"cmd":["-c","x"],"entrypoint":["sh"]}
        "{\"cmd\":[\"-c\",\"x\"],\"entrypoint\":[\"sh\"]}" ["-c","x"] ["sh"]
    {"cmd":[],"entrypoint":[]}
        "" [] []
    {"args":"serve 'a b'","cmd":["serve","a b"],"entrypoint":[]}
        "{\"cmd\":[\"serve\",\"a b\"]}" ["serve","a b"] []
    {"args":"{\"entrypoint\":[\"sh\"],\"cmd\":[\"x\"]}","cmd":["x"],"entrypoint":["sh"]}
        "{\"cmd\":[\"x\"],\"entrypoint\":[\"sh\"]}" ["x"] ["sh"]
    {"args":"serve","cmd":["train"]}
        400 {"detail":"args, cmd and entrypoint describe different commands","status":400,"title":"Bad Request"}
    {"args":"serve","entrypoint":["sh"]}
        400 {"detail":"args, cmd and entrypoint describe different commands","status":400,"title":"Bad Request"}
    {"cmd":"serve"}
        422 {"detail":"Request validation failed.","errors":["$.cmd: got string, want array"],"status":422,"title":"Unprocessable Entity"}
    "#);
}

#[tokio::test]
async fn a_list_that_is_not_set_is_absent_null_or_empty() {
    let mut seen = vec![];
    for (contract, unset) in [
        (Contract::Autumn, Unset::Absent),
        (Contract::Autumn, Unset::Null),
        (Contract::Autumn, Unset::Empty),
        (Contract::August, Unset::Empty),
    ] {
        let router = of(contract, unset);
        let made = call(&router, "POST", "/v2/pods", Some(small("x"))).await;
        seen.push(format!("{contract:?} {unset:?}: {}", command(&made.body)));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    Autumn Absent: "" - -
    Autumn Null: "" null null
    Autumn Empty: "" [] []
    August Empty: "" - -
    "#);
}

#[tokio::test]
async fn an_update_of_one_part_of_a_command_keeps_the_other_and_empty_ones_clear() {
    let router = router();
    let first = json!({ "cmd": ["-c", "x"], "entrypoint": ["sh"] });
    let id = create(&router, with(small("x"), first)).await;
    let mut seen = vec![];
    for change in [
        json!({ "cmd": ["-c", "y"] }),
        json!({ "entrypoint": ["bash"] }),
        json!({ "entrypoint": [] }),
        json!({ "cmd": [] }),
        json!({ "args": "serve 'a b'" }),
        json!({ "name": "renamed" }),
        json!({ "args": "" }),
    ] {
        wait(&router, 4).await;
        let changed = call(&router, "PATCH", &format!("/v2/pods/{id}"), Some(change.clone())).await;
        seen.push(format!("{change}: {}", command(&changed.body)));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    {"cmd":["-c","y"]}: "{\"cmd\":[\"-c\",\"y\"],\"entrypoint\":[\"sh\"]}" ["-c","y"] ["sh"]
    {"entrypoint":["bash"]}: "{\"cmd\":[\"-c\",\"y\"],\"entrypoint\":[\"bash\"]}" ["-c","y"] ["bash"]
    {"entrypoint":[]}: "{\"cmd\":[\"-c\",\"y\"]}" ["-c","y"] []
    {"cmd":[]}: "" [] []
    {"args":"serve 'a b'"}: "serve 'a b'" [] []
    {"name":"renamed"}: "serve 'a b'" [] []
    {"args":""}: "" [] []
    "#);
}

#[tokio::test]
async fn a_create_without_a_disk_is_refused_once_a_machine_is_found() {
    let bare = without(small("x"), "disk");
    let nowhere = json!({ "name": "x", "image": "ubuntu", "gpu": { "id": "NVIDIA L4", "count": 64 } });
    let of_template = json!({
        "name": "x", "templateId": "runpod-torch-v280", "gpu": { "id": "NVIDIA L4", "count": 1 },
    });
    let autumn = router();
    let mut seen = vec![];
    for body in [bare.clone(), nowhere, of_template] {
        let made = call(&autumn, "POST", "/v2/pods", Some(body)).await;
        seen.push(format!("{} {} {}", made.status, made.body["detail"], made.body["disk"]));
    }
    let august = call(&of(Contract::August, Unset::Absent), "POST", "/v2/pods", Some(bare)).await;
    seen.push(format!("{} {}", august.status, august.body["disk"]));
    insta::assert_snapshot!(seen.join("\n"), @r#"
    400 "You must either provide a template id or pod configuration parameters" null
    400 "There are no longer any instances available with the requested specifications. Please refresh and try again." null
    201 null 50
    201 10
    "#);
}

/// A create whose body has this many bytes.
fn long(bytes: usize) -> String {
    let body = |filler: usize| with(small("x"), json!({ "env": { "LONG": "x".repeat(filler) } })).to_string();
    let text = body(bytes - body(0).len());
    assert_eq!(text.len(), bytes);
    text
}

#[tokio::test]
async fn a_create_that_is_too_long_is_refused_before_its_key_is_looked_at() {
    let settings = Settings { key: Some("rpa_right".to_owned()), ..Settings::default() };
    let autumn = Simulation::new(settings.clone()).router();
    let august = Simulation::new(Settings { contract: Contract::August, ..settings }).router();
    let mut seen = vec![];
    for (router, method, path, key, bytes) in [
        (&autumn, "POST", "/v2/pods", "rpa_right", 102_400),
        (&autumn, "POST", "/v2/pods", "rpa_right", 102_401),
        (&autumn, "POST", "/v2/pods", "rpa_wrong", 102_400),
        (&autumn, "POST", "/v2/pods", "rpa_wrong", 102_401),
        (&autumn, "PATCH", "/v2/pods/nobody", "rpa_right", 102_401),
        (&autumn, "POST", "/v2/templates", "rpa_right", 102_401),
        (&autumn, "POST", "/v2/account/secrets", "rpa_right", 102_401),
        (&august, "POST", "/v2/pods", "rpa_right", 102_401),
    ] {
        let request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        let answer = reply(router, request.body(Body::from(long(bytes))).unwrap()).await;
        let kind = &answer.headers["content-type"];
        let quota = if answer.headers.contains_key("ratelimit") { "a quota" } else { "no quota" };
        seen.push(format!("{method} {path} {key} {bytes}: {} {kind}, {quota}", answer.status));
    }
    insta::assert_snapshot!(seen.join("\n"), @"
    POST /v2/pods rpa_right 102400: 201 application/json, a quota
    POST /v2/pods rpa_right 102401: 413 application/problem+json, no quota
    POST /v2/pods rpa_wrong 102400: 401 application/problem+json, no quota
    POST /v2/pods rpa_wrong 102401: 413 application/problem+json, no quota
    PATCH /v2/pods/nobody rpa_right 102401: 422 application/problem+json, a quota
    POST /v2/templates rpa_right 102401: 422 application/problem+json, a quota
    POST /v2/account/secrets rpa_right 102401: 422 application/problem+json, a quota
    POST /v2/pods rpa_right 102401: 201 application/json, a quota
    ");
}

#[tokio::test]
async fn what_a_template_adds_counts_for_the_length_of_a_create() {
    let router = router();
    let half = |key: &str| json!({ key: "x".repeat(60_000) });
    let template = json!({ "name": "mine", "image": "x/y:1", "disk": 10, "env": half("TEMPLATE") });
    let template = call(&router, "POST", "/v2/templates", Some(template)).await.body;
    let order =
        json!({ "name": "x", "templateId": template["id"], "cpu": { "id": "cpu5c", "vcpuCount": 2 } });
    let both =
        call(&router, "POST", "/v2/pods", Some(with(order.clone(), json!({ "env": half("BODY") })))).await;
    // What the body gives stands in the place of what the template has.
    let over = call(&router, "POST", "/v2/pods", Some(with(order, json!({ "env": half("TEMPLATE") })))).await;
    assert_eq!((both.status, over.status), (413, 201), "{}", over.body);
}

#[tokio::test]
async fn a_pod_has_a_start_only_while_its_container_is_there() {
    let router = router();
    let id = create(&router, small("x")).await;
    let path = format!("/v2/pods/{id}");
    let at = async || call(&router, "GET", &path, None).await.body["startedAt"].clone();
    wait(&router, 3).await;
    let new = at().await;
    wait(&router, 40).await;
    let running = at().await;
    act(&router, &id, "stop").await;
    let stopped = at().await;
    insta::assert_snapshot!(format!("{new} {running} {stopped}"), @r#"null "2026-11-02T09:00:20Z" null"#);
}

#[tokio::test]
async fn an_update_from_a_template_merges_variables_and_leaves_mounts() {
    let router = router();
    let template = json!({
        "name": "mine", "image": "x/y:2", "cmd": ["serve"], "disk": 30, "ports": ["22/tcp"],
        "env": { "A": "template", "B": "template" }, "mounts": { "persistent": { "size": 90, "path": "/other" } },
    });
    let made = call(&router, "POST", "/v2/templates", Some(template.clone())).await.body;
    let serverless = with(template, json!({ "name": "endpoint", "serverless": true, "mounts": {} }));
    let serverless = call(&router, "POST", "/v2/templates", Some(serverless)).await.body;
    let own = json!({ "env": { "OLD": "1" }, "cmd": ["old"], "ports": ["8000/http"] });
    let id = create(&router, with(small("x"), own)).await;
    wait(&router, 4).await;
    let update = async |body: Value| call(&router, "PATCH", &format!("/v2/pods/{id}"), Some(body)).await;
    let pod = update(json!({ "templateId": made["id"], "env": { "B": "body" } })).await.body;
    let shown =
        ["image", "cmd", "disk", "ports", "env", "mounts", "template"].map(|key| pod[key].to_string());
    insta::assert_snapshot!(shown.join(" "), @r#""x/y:2" ["serve"] 30 ["22/tcp"] {"A":"template","B":"body"} {} null"#);
    assert_eq!(update(json!({ "templateId": serverless["id"] })).await.status, 422);
    assert_eq!(update(json!({ "templateId": "nobody" })).await.status, 404);
    assert_eq!(update(json!({ "env": {} })).await.body["env"], json!({}));
}

#[tokio::test]
async fn templates_come_in_pages_and_start_with_ssh_and_jupyter() {
    let settings = Settings { quota: QuotaSetting::Unlimited, page: Some(1), ..Settings::default() };
    let router = Simulation::new(settings).router();
    for name in ["a", "b"] {
        let made =
            call(&router, "POST", "/v2/templates", Some(json!({ "name": name, "image": "x/y:1" }))).await;
        assert_eq!((&made.body["startSsh"], &made.body["startJupyter"]), (&json!(true), &json!(true)));
    }
    let first = call(&router, "GET", "/v2/templates", None).await.body;
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    let last = call(&router, "GET", &format!("/v2/templates?cursor={cursor}"), None).await.body;
    let foreign = call(&router, "GET", &format!("/v2/pods?cursor={cursor}"), None).await;
    assert_eq!((&first["templates"][0]["name"], &last["templates"][0]["name"]), (&json!("b"), &json!("a")));
    assert_eq!(last["pagination"], json!({ "nextCursor": null, "hasNextPage": false }));
    assert_eq!(foreign.status, 422, "a cursor of another list");
}

#[tokio::test]
async fn a_secret_has_a_name_of_its_own_and_a_value_that_nobody_reads() {
    let router = router();
    let (all, long) = ("/v2/account/secrets", "n".repeat(192));
    let mut seen = vec![];
    for body in [
        json!({ "name": "hf_token", "value": "canary" }),
        json!({ "name": "HF_Token", "value": "canary" }),
        json!({ "name": "_a.b-c/D9", "value": "canary", "description": "read only" }),
        json!({ "name": "n".repeat(191), "value": "canary" }),
        json!({ "name": long, "value": "canary" }),
        json!({ "name": "", "value": "canary" }),
        json!({ "name": "9a", "value": "canary" }),
        json!({ "name": "a b", "value": "canary" }),
        json!({ "name": "ä", "value": "canary" }),
        json!({ "name": "RunPod_SECRET_x", "value": "canary" }),
        json!({ "name": "x", "value": "" }),
        json!({ "name": "x" }),
        json!({ "name": "x", "value": "canary", "description": "d".repeat(65_536) }),
    ] {
        let made = call(&router, "POST", all, Some(body.clone())).await;
        let name: String = body["name"].as_str().unwrap().chars().take(16).collect();
        let said = if made.status == 201 { &made.body["name"] } else { &made.body["errors"] };
        assert!(!made.body.to_string().contains("canary"));
        let said: String = said.to_string().chars().take(80).collect();
        seen.push(format!("{name}: {} {} {said}", made.status, made.body["detail"]));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    hf_token: 201 null "hf_token"
    HF_Token: 409 "a secret with this name already exists" null
    _a.b-c/D9: 201 null "_a.b-c/D9"
    nnnnnnnnnnnnnnnn: 201 null "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
    nnnnnnnnnnnnnnnn: 422 "Request validation failed." ["$.name: maxLength: got 192, want 191"]
    : 422 "Request validation failed." ["$.name: minLength: got 0, want 1"]
    9a: 422 "Request validation failed." ["$.name: '9a' does not match pattern '^[a-zA-Z_][a-zA-Z0-9_.\\-/]*$'"]
    a b: 422 "Request validation failed." ["$.name: 'a b' does not match pattern '^[a-zA-Z_][a-zA-Z0-9_.\\-/]*$'"]
    ä: 422 "Request validation failed." ["$.name: 'ä' does not match pattern '^[a-zA-Z_][a-zA-Z0-9_.\\-/]*$'"]
    RunPod_SECRET_x: 400 "secret names may not begin with RUNPOD" null
    x: 422 "Request validation failed." ["$.value: minLength: got 0, want 1"]
    x: 422 "Request validation failed." ["$: missing property 'value'"]
    x: 422 "Request validation failed." ["$.description: maxLength: got 65536, want 65535"]
    "#);
    let found = call(&router, "GET", &format!("{all}?name=HF_TOKEN"), None).await.body;
    assert_eq!(found["secrets"][0]["name"], "hf_token", "a name is found in any case of letters");
    assert_eq!(found["secrets"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_secret_gets_another_value_or_description_and_goes_while_it_is_used() {
    let router = router();
    let all = "/v2/account/secrets";
    let made = call(&router, "POST", all, Some(json!({ "name": "hf", "value": "v" }))).await.body;
    let path = format!("{all}/{}", made["id"].as_str().unwrap());
    let reference = json!({ "env": { "HF": "{{ RUNPOD_SECRET_hf }}" } });
    let pod = create(&router, with(small("x"), reference)).await;
    let mut seen = vec![];
    for body in [
        json!({ "value": "w" }),
        json!({ "description": "read only" }),
        json!({ "value": "w", "description": "both" }),
        json!({ "description": "" }),
        json!({}),
        json!({ "name": "other", "value": "w" }),
    ] {
        let answer = call(&router, "PATCH", &path, Some(body.clone())).await;
        let times =
            ["createdAt", "valueLastUpdatedAt", "description"].map(|key| answer.body[key].to_string());
        seen.push(format!("{body}: {} {}", answer.status, times.join(" ")));
    }
    seen.push(format!("DELETE: {}", call(&router, "DELETE", &path, None).await.status));
    seen.push(format!("DELETE: {}", call(&router, "DELETE", &path, None).await.status));
    insta::assert_snapshot!(seen.join("\n"), @r#"
    {"value":"w"}: 200 "2026-11-02T09:00:01Z" "2026-11-02T09:00:03Z" null
    {"description":"read only"}: 200 "2026-11-02T09:00:01Z" "2026-11-02T09:00:03Z" "read only"
    {"description":"both","value":"w"}: 200 "2026-11-02T09:00:01Z" "2026-11-02T09:00:05Z" "both"
    {"description":""}: 200 "2026-11-02T09:00:01Z" "2026-11-02T09:00:05Z" null
    {}: 422 null null null
    {"name":"other","value":"w"}: 422 null null null
    DELETE: 204
    DELETE: 404
    "#);
    wait(&router, 4).await;
    let env = call(&router, "GET", &format!("/v2/pods/{pod}"), None).await.body["env"].clone();
    assert_eq!(env, json!({ "HF": "{{ RUNPOD_SECRET_hf }}" }), "the reference is shown, never the value");
}

#[tokio::test]
async fn ssh_keys_are_replaced_as_a_whole_and_pods_keep_theirs() {
    let router = router();
    let path = "/v2/account/ssh-keys";
    let mut seen = vec![];
    for keys in [
        json!(["ssh-ed25519 AAAA", "ecdsa-sha2-nistp256 AAAA me@here and there", "sk-x AAAA\tme"]),
        json!(["ssh-rsa BBBB me"]),
        json!(["ssh-rsa  BBBB"]),
        json!(["ssh- BBBB"]),
        json!(["ssh-rsa BBBB me\nssh-rsa CCCC"]),
        json!(["ssh-rsa\tBBBB"]),
        json!(["rsa BBBB"]),
        json!([""]),
        json!([7]),
    ] {
        let answer = call(&router, "PUT", path, Some(json!({ "keys": keys }))).await;
        seen.push(format!("{keys}: {}", answer.status));
    }
    insta::assert_snapshot!(seen.join("\n"), @r#"
    ["ssh-ed25519 AAAA","ecdsa-sha2-nistp256 AAAA me@here and there","sk-x AAAA\tme"]: 200
    ["ssh-rsa BBBB me"]: 200
    ["ssh-rsa  BBBB"]: 422
    ["ssh- BBBB"]: 422
    ["ssh-rsa BBBB me\nssh-rsa CCCC"]: 422
    ["ssh-rsa\tBBBB"]: 422
    ["rsa BBBB"]: 422
    [""]: 422
    [7]: 422
    "#);
    let keys = async || call(&router, "GET", path, None).await.body["keys"].clone();
    assert_eq!(keys().await, json!(["ssh-rsa BBBB me"]));
    let id = create(&router, with(small("x"), json!({ "startSsh": true }))).await;
    assert_eq!(call(&router, "PUT", path, Some(json!({ "keys": [] }))).await.status, 200);
    assert_eq!(keys().await, json!([]));
    let keyless = create(&router, with(small("y"), json!({ "startSsh": true }))).await;
    wait(&router, 4).await;
    let env =
        async |id: &str| call(&router, "GET", &format!("/v2/pods/{id}"), None).await.body["env"].clone();
    assert_eq!(env(&id).await, json!({ "PUBLIC_KEY": "ssh-rsa BBBB me" }));
    assert_eq!(env(&keyless).await, json!({}), "without keys there is nothing to set up");
}

#[tokio::test]
async fn a_template_loses_deleted_credentials_in_silence() {
    let router = router();
    let registry = json!({ "name": "ghcr", "username": "bot", "password": "p" });
    let registry = call(&router, "POST", "/v2/registries", Some(registry)).await.body["id"].clone();
    let template = json!({ "name": "mine", "image": "x/y:1", "registry": registry });
    let made = call(&router, "POST", "/v2/templates", Some(template)).await.body;
    assert_eq!(made["registry"], registry);
    let path = format!("/v2/registries/{}", registry.as_str().unwrap());
    assert_eq!(call(&router, "DELETE", &path, None).await.status, 204);
    let template = format!("/v2/templates/{}", made["id"].as_str().unwrap());
    assert_eq!(call(&router, "GET", &template, None).await.body["registry"], Value::Null);
    assert_eq!(call(&router, "PATCH", &path, Some(json!({ "password": "q" }))).await.status, 405);
}

#[tokio::test]
async fn a_type_that_is_out_of_stock_everywhere_is_none_and_not_unknown() {
    let router = router();
    let path = |id: &str| format!("/v2/catalog/gpus/{id}?include=AVAILABILITY&product=POD");
    let out = call(&router, "GET", &path("NVIDIA%20B200"), None).await;
    let unknown = call(&router, "GET", &path("NVIDIA%20Z1"), None).await;
    assert_eq!((out.status, &out.body["availability"], unknown.status), (200, &json!("NONE"), 404));
    let somewhere = call(&router, "GET", &path("NVIDIA%20H200"), None).await.body;
    let centers = somewhere["dataCenters"].as_array().unwrap();
    assert!(centers.iter().any(|center| center["availability"] == "NONE"), "{somewhere}");
}
