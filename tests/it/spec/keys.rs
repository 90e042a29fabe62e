//! Keys: unknown, foreign, missing, excluding each other, not supported yet.

use super::{in_pod, mistakes, with_head};

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
        in_pod("resources: { gpu: 24GB }\nenvironment: { A: b }\nscale: 2\nspot_policy: auto"), @r#"
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

    error: not supported yet
     --> pods.yaml:9:5
      |
    9 |     spot_policy: auto
      |     ^^^^^^^^^^^ a pod has no `spot_policy`
      |
      = help: RunPod no longer rents spot pods
    "#);
}

#[test]
fn keys_without_meaning_yet_say_why() {
    insta::assert_snapshot!(
        in_pod("gpu: L40S\ntemplate: abc\nenv_file: .env\npublic_ip: true\nmin_vcpu: 8\nrestart: always\nhealthcheck: {}"), @r#"
    error: not supported yet
     --> pods.yaml:7:5
      |
    7 |     template: abc
      |     ^^^^^^^^ a pod has no `template`
      |
      = help: RunPod copies a template once and keeps no link; write its settings into the pod

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
    10 |     min_vcpu: 8
       |     ^^^^^^^^ a pod has no `min_vcpu`
       |
       = help: REST v2 documents no such placement filter; choose a GPU whose hosts have enough

    error: not supported yet
      --> pods.yaml:11:5
       |
    11 |     restart: always
       |     ^^^^^^^ a pod has no `restart`
       |
       = help: RunPod decides whether a container is started again; the next apply starts a pod that ended

    error: not supported yet
      --> pods.yaml:12:5
       |
    12 |     healthcheck: {}
       |     ^^^^^^^^^^^ a pod has no `healthcheck`
       |
       = help: RunPod has no health checks; apply waits until the pod runs
    "#);
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
    insta::assert_snapshot!(in_pod("gpu: L40S\nschedule: { otherwise: stopped }\nretry: { for: 2h }"), @r#"
    error: not supported yet
     --> pods.yaml:7:5
      |
    7 |     schedule: { otherwise: stopped }
      |     ^^^^^^^^ `schedule` has no effect yet
      |
      = help: set `state: running` or `state: stopped` and apply

    error: not supported yet
     --> pods.yaml:8:5
      |
    8 |     retry: { for: 2h }
      |     ^^^^^ `retry` has no effect yet
      |
      = help: apply tries every candidate once; run it again after a lack of capacity
    "#);
    insta::assert_snapshot!(with_head("registries:\n  ghcr: { username: bot, password: { secret: ghcr } }\n"), @r#"
    error: not supported yet
     --> pods.yaml:4:11
      |
    4 |   ghcr: { username: bot, password: { secret: ghcr } }
      |           ^^^^^^^^ podform does not store credentials in RunPod yet
      |
      = help: add them in RunPod's console and write `{ id: ID }`

    error: not supported yet
     --> pods.yaml:4:26
      |
    4 |   ghcr: { username: bot, password: { secret: ghcr } }
      |                          ^^^^^^^^ podform does not store credentials in RunPod yet
      |
      = help: add them in RunPod's console and write `{ id: ID }`
    "#);
    insta::assert_snapshot!(with_head("state_file: postgres://bot:hunter2@db/state\n"), @r#"
    error: not supported yet
     --> pods.yaml:3:13
      |
    3 | state_file: ***
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ state in `postgres://`
      |
      = help: give the path of an SQLite file, such as `state/NAME.db`
    "#);
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
    insta::assert_snapshot!(with_head("pods:\n  llm:\n    gpu: L40S\n"), @r#"
    error: missing key
     --> pods.yaml:4:3
      |
    4 |   llm:
      |   ^^^ the pod `llm` needs `image`
      |
      = help: add `image: NAME:TAG` to it or to `defaults`
    "#);
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
     --> pods.yaml:9:8
      |
    9 |       A:
      |        ^ expected a text or `{ secret: NAME }`, found nothing
      |
      = help: write `""` for an empty text
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
