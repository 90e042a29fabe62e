//! Keys: unknown, foreign, missing, excluding each other, not supported yet.

use super::{in_pod, lines, mistakes, pod, with_head};

#[test]
fn a_misspelled_key_gets_the_right_one() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nprots: [8000]"), @r#"
    error: unknown key
     --> pods.yaml:7:5
      |
    7 |     prots: [8000]
      |     ^^^^^ a pod has no `prots`
      |
    help: did you mean
      |
    7 -     prots: [8000]
    7 +     ports: [8000]
      |
    "#);
    insta::assert_snapshot!(mistakes("version: 1\nprojekt: demo\n"), @r#"
    error: unknown key
     --> pods.yaml:2:1
      |
    2 | projekt: demo
      | ^^^^^^^ a spec has no `projekt`
      |
    help: did you mean
      |
    2 - projekt: demo
    2 + project: demo
      |
    "#);
}

/// JSON has no blank behind its colons, so a key without quotes would take the colon and the value along.
#[test]
fn a_misspelled_key_of_json_keeps_its_quotes() {
    insta::assert_snapshot!(mistakes(r#"{"version":1,"project":"demo","pods":{"a":{"imgae":"x/y:1","gpu" : "L4"}}}"#), @r#"
    error: unknown key
     --> pods.yaml:1:44
      |
    1 | {"version":1,"project":"demo","pods":{"a":{"imgae":"x/y:1","gpu" : "L4"}}}
      |                                            ^^^^^^^ a pod has no `imgae`
      |
    help: did you mean
      |
    1 - {"version":1,"project":"demo","pods":{"a":{"imgae":"x/y:1","gpu" : "L4"}}}
    1 + {"version":1,"project":"demo","pods":{"a":{"image":"x/y:1","gpu" : "L4"}}}
      |
    "#);
    insta::assert_snapshot!(mistakes(r#"{"version":1,"project":"demo","pods":{"a":{"imgae": "x/y:1","gpu":"L4"}}}"#), @r#"
    error: unknown key
     --> pods.yaml:1:44
      |
    1 | {"version":1,"project":"demo","pods":{"a":{"imgae": "x/y:1","gpu":"L4"}}}
      |                                            ^^^^^^^ a pod has no `imgae`
      |
    help: did you mean
      |
    1 - {"version":1,"project":"demo","pods":{"a":{"imgae": "x/y:1","gpu":"L4"}}}
    1 + {"version":1,"project":"demo","pods":{"a":{"image": "x/y:1","gpu":"L4"}}}
      |
    "#);
    insta::assert_snapshot!(mistakes("{'version':1,'project':'demo','pods':{'a':{'image':'x/y:1','gpus':'L4'}}}"), @"
    error: unknown key
     --> pods.yaml:1:60
      |
    1 | {'version':1,'project':'demo','pods':{'a':{'image':'x/y:1','gpus':'L4'}}}
      |                                                            ^^^^^^ a pod has no `gpus`
      |
    help: it is spelled `gpu` here
      |
    1 - {'version':1,'project':'demo','pods':{'a':{'image':'x/y:1','gpus':'L4'}}}
    1 + {'version':1,'project':'demo','pods':{'a':{'image':'x/y:1','gpu':'L4'}}}
      |
    ");
    assert_eq!(mistakes(r#"{"version":1,"project":"demo","pods":{"a":{"image":"x/y:1","gpu":"L4"}}}"#), "");
}

#[test]
fn spellings_of_runpods_apis_are_mapped() {
    insta::assert_snapshot!(
        mistakes("version: 1\nproject: demo\npods:\n  llm:\n    imageName: a/b:1\n    gpuTypeIds: [NVIDIA L40S]\n    dockerStartCmd: [serve]\n    containerDiskInGb: 60\n    networkVolumeId: agv6w2qcg7\n"), @r#"
    error: unknown key
     --> pods.yaml:5:5
      |
    5 |     imageName: a/b:1
      |     ^^^^^^^^^ a pod has no `imageName`
      |
    help: it is spelled `image` here
      |
    5 -     imageName: a/b:1
    5 +     image: a/b:1
      |

    error: unknown key
     --> pods.yaml:6:5
      |
    6 |     gpuTypeIds: [NVIDIA L40S]
      |     ^^^^^^^^^^ a pod has no `gpuTypeIds`
      |
    help: it is spelled `gpu` here
      |
    6 -     gpuTypeIds: [NVIDIA L40S]
    6 +     gpu: [NVIDIA L40S]
      |

    error: unknown key
     --> pods.yaml:7:5
      |
    7 |     dockerStartCmd: [serve]
      |     ^^^^^^^^^^^^^^ a pod has no `dockerStartCmd`
      |
    help: it is spelled `command` here
      |
    7 -     dockerStartCmd: [serve]
    7 +     command: [serve]
      |

    error: unknown key
     --> pods.yaml:8:5
      |
    8 |     containerDiskInGb: 60
      |     ^^^^^^^^^^^^^^^^^ a pod has no `containerDiskInGb`
      |
      = help: it is written `disk: 60GB` here

    error: unknown key
     --> pods.yaml:9:5
      |
    9 |     networkVolumeId: agv6w2qcg7
      |     ^^^^^^^^^^^^^^^ a pod has no `networkVolumeId`
      |
      = help: it is written `volumes: [NAME:/path]`, with `NAME: { id: VOLUME_ID }` under the top-level `volumes:` here
    "#);
}

#[test]
fn spellings_of_compose_and_dstack_are_mapped() {
    insta::assert_snapshot!(
        mistakes("version: 1\nproject: demo\nservices:\n  llm: { image: a, gpu: L40S }\n"), @r#"
    error: unknown key
     --> pods.yaml:3:1
      |
    3 | services:
      | ^^^^^^^^ a spec has no `services`
      |
    help: it is spelled `pods` here
      |
    3 - services:
    3 + pods:
      |
    "#);
    insta::assert_snapshot!(
        in_pod("resources: { gpu: 24GB }\nenvironment: { A: b }\nscale: 2\nspot_policy: auto"), @"
    error: missing key
     --> pods.yaml:4:3
      |
    4 |   llm:
      |   ^^^ the pod `llm` needs `gpu` or `cpu`
      |
      = help: add `gpu: L40S`, or `cpu: { flavors: [cpu5c, cpu3c], vcpus: 4 }`

    error: unknown key
     --> pods.yaml:6:5
      |
    6 |     resources: { gpu: 24GB }
      |     ^^^^^^^^^ a pod has no `resources`
      |
      = help: it is written `gpu:`, `cpu:` and `disk:` on the pod itself here

    error: unknown key
     --> pods.yaml:7:5
      |
    7 |     environment: { A: b }
      |     ^^^^^^^^^^^ a pod has no `environment`
      |
    help: it is spelled `env` here
      |
    7 -     environment: { A: b }
    7 +     env: { A: b }
      |

    error: unknown key
     --> pods.yaml:8:5
      |
    8 |     scale: 2
      |     ^^^^^ a pod has no `scale`
      |
    help: it is spelled `replicas` here
      |
    8 -     scale: 2
    8 +     replicas: 2
      |

    error: unknown key
     --> pods.yaml:9:5
      |
    9 |     spot_policy: auto
      |     ^^^^^^^^^^^ a pod has no `spot_policy`
      |
      = help: it is written `rent: { spot: { bid: 0.20 } }` here
    ");
}

/// Words that people bring along, as their tools write them.
const BROUGHT: &[&str] = &[
    "gpu_type_ids",
    "volume_in_gb",
    "docker_args",
    "docker_start_cmd",
    "data_center_ids",
    "allowed_cuda_versions",
    "machine_id",
    "compute_type",
    "registry_auth",
    "cmd",
    "ipc",
    "tty",
    "cap_add",
    "for_each",
    "scaling",
    "model",
    "ttl",
    "ram",
    "country",
    "max_price",
    "global_networking",
];

/// Returns a word in another style: its parts joined by `joint`, or by capital letters.
fn styled(word: &str, joint: Option<&str>) -> String {
    let mut parts = word.split('_');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |whole, part| match joint {
        Some(joint) => whole + joint + part,
        None => whole + &part[..1].to_uppercase() + &part[1..],
    })
}

/// Returns what is said of a key, without its place and itself.
fn said_of(spec: &str, key: &str) -> String {
    let said = lines(spec);
    let of_key = said.lines().find(|line| line.contains(&format!("has no `{key}`")));
    let line = of_key.unwrap_or_else(|| panic!("nothing is said of `{key}`: {said}"));
    line.split_once(&format!("has no `{key}`; ")).unwrap_or_else(|| panic!("no help: {line}")).1.to_owned()
}

#[test]
fn words_of_other_tools_have_a_help_in_every_style_at_pods_and_at_the_top() {
    let mut table = String::new();
    for word in BROUGHT {
        let styles = [styled(word, Some("_")), styled(word, Some("-")), styled(word, None)];
        let mut at_pods: Vec<String> = Vec::new();
        let mut at_the_top: Vec<String> = Vec::new();
        for key in &styles {
            if !["max_price", "global_networking"].contains(&key.as_str()) {
                at_pods.push(said_of(&pod(&format!("gpu: L4\n{key}: 1")), key));
            }
            let spec = format!("version: 1\nproject: demo\n{key}: 1\npods: {{}}\n");
            at_the_top.push(said_of(&spec, key));
        }
        at_pods.dedup();
        at_the_top.dedup();
        assert!(at_pods.len() <= 1, "{at_pods:?}");
        table.push_str(&format!(
            "{word}\n  pod: {}\n  top: {}\n",
            at_pods.join(" | "),
            at_the_top.join(" | ")
        ));
    }
    insta::assert_snapshot!(table, @r#"
    gpu_type_ids
      pod: it is spelled `gpu` here: `gpu`
      top: it belongs to a pod, under a key of `pods:`, where it is spelled `gpu`
    volume_in_gb
      pod: it is written `volumes: [{ local: 100GB, path: /workspace }]` here
      top: it belongs to a pod, under a key of `pods:`, where it is written `volumes: [{ local: 100GB, path: /workspace }]`
    docker_args
      pod: it is written `command: ["--first", "--second"]`, one list item per argument here
      top: it belongs to a pod, under a key of `pods:`, where it is written `command: ["--first", "--second"]`, one list item per argument
    docker_start_cmd
      pod: it is spelled `command` here: `command`
      top: it belongs to a pod, under a key of `pods:`, where it is spelled `command`
    data_center_ids
      pod: it is written `placement: { data_centers: [EU-RO-1] }` here
      top: it belongs to a pod, under a key of `pods:`, where it is written `placement: { data_centers: [EU-RO-1] }`
    allowed_cuda_versions
      pod: it is spelled `cuda` here: `cuda`
      top: it belongs to a pod, under a key of `pods:`, where it is spelled `cuda`
    machine_id
      pod: RunPod chooses the machine; `placement:` and `gpu:` limit the choice
      top: RunPod chooses the machine; `placement:` and `gpu:` limit the choice
    compute_type
      pod: a pod with `gpu:` is a GPU pod, one with `cpu:` a CPU pod
      top: a pod with `gpu:` is a GPU pod, one with `cpu:` a CPU pod
    registry_auth
      pod: it is written `registry: NAME`, with `NAME: { id: ID }` under the top-level `registries:` here
      top: it belongs to a pod, under a key of `pods:`, where it is written `registry: NAME`, with `NAME: { id: ID }` under the top-level `registries:`
    cmd
      pod: it is spelled `command` here: `command`
      top: it belongs to a pod, under a key of `pods:`, where it is spelled `command`
    ipc
      pod: RunPod sets up the container's memory; it has no IPC modes
      top: RunPod sets up the container's memory; it has no IPC modes
    tty
      pod: RunPod's containers have no terminal; `podform ssh` opens one
      top: RunPod's containers have no terminal; `podform ssh` opens one
    cap_add
      pod: RunPod's containers get no further capabilities
      top: RunPod's containers get no further capabilities
    for_each
      pod: write a key of `pods:` for each, or `replicas: 2` where they are alike
      top: write a key of `pods:` for each, or `replicas: 2` where they are alike
    scaling
      pod: podform does not scale by load; `replicas:` says how many pods there are
      top: podform does not scale by load; `replicas:` says how many pods there are
    model
      pod: podform runs images; name the model in `command:` or `env:`
      top: podform runs images; name the model in `command:` or `env:`
    ttl
      pod: RunPod's REST APIs have no timers
      top: RunPod's REST APIs have no timers
    ram
      pod: REST v2 documents no such placement filter; `gpu.memory` limits the memory of the GPU
      top: REST v2 documents no such placement filter; `gpu.memory` limits the memory of the GPU
    country
      pod: it is written `placement: { countries: [RO] }` here
      top: it belongs to a pod, under a key of `pods:`, where it is written `placement: { countries: [RO] }`
    max_price
      pod: it is spelled `max_price` here: `max_price`
      top: it belongs to a pod, under a key of `pods:` | it belongs to a pod, under a key of `pods:`, where it is spelled `max_price`
    global_networking
      pod: it is spelled `global_networking` here: `global_networking`
      top: it belongs to a pod, under a key of `pods:` | it belongs to a pod, under a key of `pods:`, where it is spelled `global_networking`
    "#);
}

#[test]
fn keys_of_the_top_are_sent_there_from_a_pod() {
    insta::assert_snapshot!(lines(&pod("gpu: L4\nproject: demo\nbudget: {}\nvars: {}")), @"
    pods.yaml:7:5: error: unknown key: a pod has no `project`; `project:` stands at the top of the file
    pods.yaml:8:5: error: unknown key: a pod has no `budget`; `budget:` stands at the top of the file
    pods.yaml:9:5: error: unknown key: a pod has no `vars`; `vars:` stands at the top of the file
    ");
}

#[test]
fn keys_without_meaning_yet_say_why() {
    insta::assert_snapshot!(
        in_pod("gpu: L40S\ntemplate: abc\nenv_file: .env\npublic_ip: true\nsavingsPlan: 8\nrestart: always\nhealthcheck: {}"), @"
    error: not supported yet
     --> pods.yaml:8:5
      |
    8 |     env_file: .env
      |     ^^^^^^^^ a pod has no `env_file`
      |
      = help: put the variables into `env:`, and secrets into `secrets:` with `file:`

    error: not supported yet
     --> pods.yaml:9:5
      |
    9 |     public_ip: true
      |     ^^^^^^^^^ a pod has no `public_ip`
      |
      = help: pods in Secure Cloud always have a public address; REST v2 has no such field

    error: not supported yet
      --> pods.yaml:10:5
       |
    10 |     savingsPlan: 8
       |     ^^^^^^^^^^^ a pod has no `savingsPlan`
       |
       = help: buy savings plans in RunPod's console

    error: not supported yet
      --> pods.yaml:11:5
       |
    11 |     restart: always
       |     ^^^^^^^ a pod has no `restart`
       |
       = help: RunPod decides whether a container is started again; the next apply starts a pod that ended

    error: unknown key
      --> pods.yaml:12:5
       |
    12 |     healthcheck: {}
       |     ^^^^^^^^^^^ a pod has no `healthcheck`
       |
       = help: it is written `ready: { http: 8000/health }` here
    ");
}

#[test]
fn a_budget_is_dollars() {
    insta::assert_snapshot!(with_head("budget: { max_hourly: $14, monthly: 10, on_exceed: stop }\n"), @"
    error: invalid value
     --> pods.yaml:3:23
      |
    3 | budget: { max_hourly: $14, monthly: 10, on_exceed: stop }
      |                       ^^^ `$14` is no price in USD an hour
      |
    help: write
      |
    3 - budget: { max_hourly: $14, monthly: 10, on_exceed: stop }
    3 + budget: { max_hourly: 14, monthly: 10, on_exceed: stop }
      |

    error: unknown key
     --> pods.yaml:3:28
      |
    3 | budget: { max_hourly: $14, monthly: 10, on_exceed: stop }
      |                            ^^^^^^^ `budget` has no `monthly`
      |
    help: it is spelled `max_monthly` here
      |
    3 | budget: { max_hourly: $14, max_monthly: 10, on_exceed: stop }
      |                            ++++

    error: invalid value
     --> pods.yaml:3:52
      |
    3 | budget: { max_hourly: $14, monthly: 10, on_exceed: stop }
      |                                                    ^^^^ expected `fail` or `warn`, found `stop`
    ");
}

#[test]
fn sections_that_have_no_effect_yet_are_refused() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nschedule: { otherwise: stopped }"), @r#"
    error: not supported yet
     --> pods.yaml:7:5
      |
    7 |     schedule: { otherwise: stopped }
      |     ^^^^^^^^ `schedule` has no effect yet
      |
      = help: set `state: running` or `state: stopped` and apply
    "#);
    insta::assert_snapshot!(with_head("state_url: postgres://bot:hunter2@db/state\n"), @"
    error: invalid value
     --> pods.yaml:3:12
      |
    3 | state_url: ***
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the URL of a state holds no password and no key; set `PGPASSWORD`, or `PGPASSFILE` in the environment
    ");
}

#[test]
fn a_key_that_resembles_nothing_gets_the_list() {
    insta::assert_snapshot!(in_pod("gpu: { any_of: [L40S], brightness: 3 }"), @r#"
    error: unknown key
     --> pods.yaml:6:28
      |
    6 |     gpu: { any_of: [L40S], brightness: 3 }
      |                            ^^^^^^^^^^ `gpu` has no `brightness`
      |
      = help: `gpu` has `any_of`, `order`, `count` and `memory`
    "#);
}

#[test]
fn keys_that_must_be_there() {
    insta::assert_snapshot!(mistakes("pods: {}\n"), @r#"
    error: missing key
     --> pods.yaml:1:1
      |
    1 | pods: {}
      | ^ a spec needs `project`
      |
      = help: add `project: NAME`; it tells the pods of this file from all others of the account

    error: missing key
     --> pods.yaml:1:1
      |
    1 | pods: {}
      | ^ a spec needs `version`
      |
      = help: begin the file with `version: 1`
    "#);
    insta::assert_snapshot!(with_head("pods:\n  llm:\n    gpu: L40S\n"), @"
    error: missing key
     --> pods.yaml:4:3
      |
    4 |   llm:
      |   ^^^ the pod `llm` needs `image`
      |
      = help: add `image: NAME:TAG` to it or to `defaults`, or name a `template`
    ");
    insta::assert_snapshot!(with_head("pods:\n  llm:\n"), @r#"
    error: missing key
     --> pods.yaml:4:3
      |
    4 |   llm:
      |   ^^^ the pod `llm` has nothing under it
      |
      = help: add `image:` and `gpu:` or `cpu:`; `{}` takes everything from `defaults`
    "#);
    insta::assert_snapshot!(with_head("volumes:\n  models: { size: 500GB }\n"), @r#"
    error: missing key
     --> pods.yaml:4:3
      |
    4 |   models: { size: 500GB }
      |   ^^^^^^ a network volume needs `data_center`
      |
      = help: add `data_center: EU-RO-1`, or `id:` alone for a volume that podform only mounts
    "#);
    insta::assert_snapshot!(in_pod("cpu: { flavors: [cpu5c] }\nvolumes: [{ path: /w }]"), @r#"
    error: missing key
     --> pods.yaml:6:10
      |
    6 |     cpu: { flavors: [cpu5c] }
      |          ^^^^^^^^^^^^^^^^^^^^ `cpu` needs `vcpus`
      |
      = help: write `cpu: { flavors: [cpu5c, cpu3c], vcpus: 8 }`

    error: missing key
     --> pods.yaml:7:15
      |
    7 |     volumes: [{ path: /w }]
      |               ^^^^^^^^^^^^ a local volume needs `local`
      |
      = help: write `{ local: 100GB, path: /workspace }`, or `NAME:/path` for a network volume
    "#);
    insta::assert_snapshot!(with_head("secrets: { a: {} }\nmoved: [{ from: a }]\n"), @r#"
    error: missing key
     --> pods.yaml:3:15
      |
    3 | secrets: { a: {} }
      |               ^^ a secret needs one of `env`, `file` and `runpod`

    error: missing key
     --> pods.yaml:4:9
      |
    4 | moved: [{ from: a }]
      |         ^^^^^^^^^^^ an entry of `moved` needs `to`
    "#);
}

#[test]
fn keys_without_value() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nmax_price:\nenv:\n  A:\n"), @r#"
    error: wrong type
     --> pods.yaml:7:5
      |
    7 |     max_price:
      |     ^^^^^^^^^ `max_price` has no value
      |
      = help: give it a value or delete the line; `null` deletes a key of an earlier file or of `defaults`

    error: wrong type
     --> pods.yaml:9:7
      |
    9 |       A:
      |       ^ `A` has no value
      |
      = help: write `""` for an empty text, or `null` if the pod is to have no such variable
    "#);
}

#[test]
fn exactly_one_of_gpu_and_cpu() {
    insta::assert_snapshot!(in_pod("gpu: L40S\ncpu: { flavors: [cpu5c], vcpus: 4 }"), @r#"
    error: conflicting keys
     --> pods.yaml:7:10
      |
    6 |     gpu: L40S
      |          ---- `gpu` here
    7 |     cpu: { flavors: [cpu5c], vcpus: 4 }
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the pod `llm` has both `gpu` and `cpu`
      |
      = help: keep one of them
    "#);
    insta::assert_snapshot!(in_pod("ssh: true"), @r#"
    error: missing key
     --> pods.yaml:4:3
      |
    4 |   llm:
      |   ^^^ the pod `llm` needs `gpu` or `cpu`
      |
      = help: add `gpu: L40S`, or `cpu: { flavors: [cpu5c, cpu3c], vcpus: 4 }`
    "#);
}

#[test]
fn volumes_given_by_id_are_only_mounted() {
    insta::assert_snapshot!(with_head("volumes:\n  data: { id: agv6w2qcg7, size: 500GB }\n"), @r#"
    error: conflicting keys
     --> pods.yaml:4:27
      |
    4 |   data: { id: agv6w2qcg7, size: 500GB }
      |           --              ^^^^ a volume given by `id` is only mounted, so `size` has no effect
      |           |
      |           given by `id` here
      |
      = help: write `adopt` in place of `id` for a volume that podform is to manage
    "#);
}

#[test]
fn a_secret_has_one_source() {
    insta::assert_snapshot!(with_head("secrets:\n  a: { env: A, file: a }\n"), @r#"
    error: conflicting keys
     --> pods.yaml:4:6
      |
    4 |   a: { env: A, file: a }
      |      ^^^^^^^^^^^^^^^^^^^ a secret has one source, not `env` and `file`
    "#);
}

#[test]
fn a_version_that_is_not_1() {
    insta::assert_snapshot!(mistakes("version: 2\nproject: demo\n"), @r#"
    error: invalid value
     --> pods.yaml:1:10
      |
    1 | version: 2
      |          ^ version 2 of the format is newer than this podform, which reads version 1
    "#);
    insta::assert_snapshot!(mistakes("version: \"3.8\"\nproject: demo\n"), @r#"
    error: invalid value
     --> pods.yaml:1:10
      |
    1 | version: "3.8"
      |          ^^^^^ expected `1`, found `3.8`
      |
    help: write
      |
    1 - version: "3.8"
    1 + version: 1
      |
    "#);
}
