//! References and rules between keys.

use podform::model::desired::Wanted;

use super::{Case, in_pod, mistakes, rendered, with_head};
use crate::kit::loaded;

#[test]
fn undefined_volumes_secrets_pods_and_registries() {
    insta::assert_snapshot!(with_head("\
volumes:
  models: { size: 500GB, data_center: EU-RO-1 }
secrets:
  hf_token: { env: HF }
pods:
  prep: { image: a, gpu: L40S }
  llm:
    image: a
    gpu: L40S
    registry: ghcr
    env: { HF: { secret: hf_tokn }, WANDB: { secret: wandb } }
    volumes: [model:/models]
    depends_on: [prpe, 'prep[0]', models]
"), @r#"
    error: invalid value
      --> pods.yaml:12:15
       |
    12 |     registry: ghcr
       |               ^^^^ `registries` has no `ghcr`
       |
       = help: add `ghcr: { id: ID }` under `registries:`

    error: undefined secret
      --> pods.yaml:13:26
       |
    13 |     env: { HF: { secret: hf_tokn }, WANDB: { secret: wandb } }
       |                          ^^^^^^^ `secrets` has no `hf_tokn`
       |
    help: did you mean
       |
    13 |     env: { HF: { secret: hf_token }, WANDB: { secret: wandb } }
       |                                +

    error: undefined secret
      --> pods.yaml:13:54
       |
    13 |     env: { HF: { secret: hf_tokn }, WANDB: { secret: wandb } }
       |                                                      ^^^^^ `secrets` has no `wandb`
       |
       = help: add `wandb: { env: WANDB }` under `secrets:`

    error: undefined volume
      --> pods.yaml:14:15
       |
    14 |     volumes: [model:/models]
       |               ^^^^^^^^^^^^^ `volumes` has no `model`
       |
       = help: did you mean `models`?

    error: undefined pod
      --> pods.yaml:15:18
       |
    15 |     depends_on: [prpe, 'prep[0]', models]
       |                  ^^^^ `pods` has no `prpe`
       |
    help: did you mean
       |
    15 -     depends_on: [prpe, 'prep[0]', models]
    15 +     depends_on: [prep, 'prep[0]', models]
       |

    error: undefined pod
      --> pods.yaml:15:24
       |
    15 |     depends_on: [prpe, 'prep[0]', models]
       |                        ^^^^^^^^^ `pods` has no `prep[0]`
       |
    help: a key stands for all of its replicas
       |
    15 -     depends_on: [prpe, 'prep[0]', models]
    15 +     depends_on: [prpe, prep, models]
       |

    error: undefined pod
      --> pods.yaml:15:35
       |
    15 |     depends_on: [prpe, 'prep[0]', models]
       |                                   ^^^^^^ `pods` has no `models`
       |
       = help: a volume is always there before the pods that mount it
    "#);
}

#[test]
fn a_cycle_is_named_as_a_path() {
    insta::assert_snapshot!(with_head("\
pods:
  c: { image: a, gpu: L40S, depends_on: [a] }
  a:
    image: a
    gpu: L40S
    depends_on: [b]
  b: { image: a, gpu: L40S, depends_on: [c] }
  alone: { image: a, gpu: L40S, depends_on: [alone] }
"), @r#"
    error: dependency cycle
     --> pods.yaml:4:42
      |
    4 |   c: { image: a, gpu: L40S, depends_on: [a] }
      |                                          ^ each waits for the next: c -> a -> b -> c
    ...
    8 |     depends_on: [b]
      |                  - `a` waits here
    9 |   b: { image: a, gpu: L40S, depends_on: [c] }
      |                                          - `b` waits here
      |
      = help: delete one of these entries

    error: dependency cycle
      --> pods.yaml:10:46
       |
    10 |   alone: { image: a, gpu: L40S, depends_on: [alone] }
       |                                              ^^^^^ `alone` waits for itself
       |
       = help: delete one of these entries
    "#);
}

#[test]
fn one_volume_a_pod() {
    insta::assert_snapshot!(with_head("\
volumes:
  a: { id: one }
  b: { id: two }
pods:
  two: { image: a, gpu: L40S, volumes: [a:/a, b:/b] }
  both: { image: a, gpu: L40S, volumes: [a:/a, { local: 10GB, path: /b }] }
"), @r#"
    error: conflicting keys
     --> pods.yaml:7:47
      |
    7 |   two: { image: a, gpu: L40S, volumes: [a:/a, b:/b] }
      |                                         ----  ^^^^ a pod mounts at most one network volume
      |                                         |
      |                                         the first one
      |
      = help: this is a limit of RunPod's API

    error: conflicting keys
     --> pods.yaml:8:48
      |
    8 |   both: { image: a, gpu: L40S, volumes: [a:/a, { local: 10GB, path: /b }] }
      |                                          ----  ^^^^^^^^^^^^^^^^^^^^^^^^^ a pod mounts one volume, a network volume or a local one
      |                                          |
      |                                          the first one
      |
      = help: this is a limit of RunPod's API
    "#);
}

#[test]
fn a_local_volume_on_a_cpu_pod() {
    insta::assert_snapshot!(in_pod("cpu: { flavors: [cpu5c], vcpus: 4 }\nvolumes: [{ local: 100GB, path: /workspace }]"), @r#"
    error: conflicting keys
     --> pods.yaml:7:15
      |
    6 |     cpu: { flavors: [cpu5c], vcpus: 4 }
      |          ------------------------------ a CPU pod by this
    7 |     volumes: [{ local: 100GB, path: /workspace }]
      |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a CPU pod has no local volume
      |
      = help: mount a network volume, or use the container `disk`, which is wiped on every stop
    "#);
}

#[test]
fn what_secure_cloud_alone_has() {
    insta::assert_snapshot!(with_head("\
volumes:
  models: { size: 500GB, data_center: EU-RO-1 }
pods:
  llm: { image: a, gpu: L40S, cloud: community, volumes: [models:/models], placement: { data_centers: [US-KS-2] } }
  cpu: { image: a, cpu: { flavors: [cpu5c], vcpus: 4 }, cloud: community, cuda: '>=12.4' }
"), @r#"
    error: conflicting keys
     --> pods.yaml:6:38
      |
    6 |   llm: { image: a, gpu: L40S, cloud: community, volumes: [models:/models], placement: { data_centers: [US-KS-2] } }
      |                                      ^^^^^^^^^ network volumes are in Secure Cloud only
      |
    help: write
      |
    6 -   llm: { image: a, gpu: L40S, cloud: community, volumes: [models:/models], placement: { data_centers: [US-KS-2] } }
    6 +   llm: { image: a, gpu: L40S, cloud: secure, volumes: [models:/models], placement: { data_centers: [US-KS-2] } }
      |

    error: conflicting keys
     --> pods.yaml:6:103
      |
    4 |   models: { size: 500GB, data_center: EU-RO-1 }
      |                                       ------- the volume's data center
    5 | pods:
    6 |   llm: { image: a, gpu: L40S, cloud: community, volumes: [models:/models], placement: { data_centers: [US-KS-2] } }
      |                                                                                                       ^^^^^^^^^ the pod's volume is in `EU-RO-1`, which is not in this list

    error: conflicting keys
     --> pods.yaml:7:64
      |
    7 |   cpu: { image: a, cpu: { flavors: [cpu5c], vcpus: 4 }, cloud: community, cuda: '>=12.4' }
      |                                                                ^^^^^^^^^ CPU pods are in Secure Cloud only
      |
    help: write
      |
    7 -   cpu: { image: a, cpu: { flavors: [cpu5c], vcpus: 4 }, cloud: community, cuda: '>=12.4' }
    7 +   cpu: { image: a, cpu: { flavors: [cpu5c], vcpus: 4 }, cloud: secure, cuda: '>=12.4' }
      |

    error: conflicting keys
     --> pods.yaml:7:81
      |
    7 |   cpu: { image: a, cpu: { flavors: [cpu5c], vcpus: 4 }, cloud: community, cuda: '>=12.4' }
      |                         ------------------------------ a CPU pod by this        ^^^^^^^^ a CPU pod has no CUDA
    "#);
}

#[test]
fn objects_are_taken_over_once() {
    insta::assert_snapshot!(with_head("\
pods:
  a: { image: a, gpu: L40S, adopt: xedezhzb9la3ye }
  b: { image: a, gpu: L40S, adopt: xedezhzb9la3ye }
  c: { image: a, gpu: L40S, adopt: riixlu8oclhp, replicas: 2 }
"), @"
    error: invalid value
     --> pods.yaml:5:36
      |
    4 |   a: { image: a, gpu: L40S, adopt: xedezhzb9la3ye }
      |                                    -------------- first here
    5 |   b: { image: a, gpu: L40S, adopt: xedezhzb9la3ye }
      |                                    ^^^^^^^^^^^^^^ `xedezhzb9la3ye` cannot be taken over twice

    error: conflicting keys
     --> pods.yaml:6:36
      |
    6 |   c: { image: a, gpu: L40S, adopt: riixlu8oclhp, replicas: 2 }
      |                                    ^^^^^^^^^^^^            - several pods here
      |                                    |
      |                                    one pod cannot become all replicas
      |
      = help: take it over with `podform import 'c[0]' riixlu8oclhp`
    ");
}

#[test]
fn moves_that_cannot_be_followed() {
    insta::assert_snapshot!(with_head("\
volumes:
  models: { id: one }
pods:
  llm: { image: a, gpu: L40S, replicas: 2 }
  prep: { image: a, gpu: L40S }
moved:
  - { from: prep, to: llm }
  - { from: old, to: lmm }
  - { from: old, to: prep }
  - { from: older, to: prep }
  - { from: data, to: volume.models }
  - { from: gone, to: gone }
  - { from: x, to: 'llm[2]' }
  - { from: circle-a, to: circle-b }
  - { from: circle-b, to: circle-a }
  - { from: Bad, to: prep }
"), @"
    error: invalid move
     --> pods.yaml:9:13
      |
    9 |   - { from: prep, to: llm }
      |             ^^^^ `prep` still stands in the spec
      |
      = help: rename the key itself too; `moved` tells that the old name meant the same object

    error: invalid move
      --> pods.yaml:10:22
       |
    10 |   - { from: old, to: lmm }
       |                      ^^^ `pods` has no `lmm`
       |
       = help: did you mean `llm`?

    error: invalid move
      --> pods.yaml:11:13
       |
    10 |   - { from: old, to: lmm }
       |             --- first here
    11 |   - { from: old, to: prep }
       |             ^^^ `old` is moved for the second time

    error: invalid move
      --> pods.yaml:12:24
       |
    11 |   - { from: old, to: prep }
       |                      ---- first here
    12 |   - { from: older, to: prep }
       |                        ^^^^ `prep` cannot take over two objects

    error: invalid move
      --> pods.yaml:13:23
       |
    13 |   - { from: data, to: volume.models }
       |             ----      ^^^^^^^^^^^^^ an object cannot become one of another kind
       |             |
       |             moved from here
       |
       = help: a volume's address begins with `volume.`: write `from: volume.data` and `to: volume.models`

    error: invalid move
      --> pods.yaml:14:23
       |
    14 |   - { from: gone, to: gone }
       |                       ^^^^ it is the same address

    error: invalid move
      --> pods.yaml:15:20
       |
    15 |   - { from: x, to: 'llm[2]' }
       |                    ^^^^^^^^ `llm` has 2 replicas, numbered from 0

    error: invalid move
      --> pods.yaml:16:13
       |
    16 |   - { from: circle-a, to: circle-b }
       |             ^^^^^^^^ these moves lead in a circle

    error: invalid move
      --> pods.yaml:17:13
       |
    17 |   - { from: circle-b, to: circle-a }
       |             ^^^^^^^^ these moves lead in a circle

    error: invalid move
      --> pods.yaml:18:13
       |
    18 |   - { from: Bad, to: prep }
       |             ^^^ `Bad` is no key: a lower-case letter, then lower-case letters, digits and `-`
    ");
}

#[test]
fn a_volume_that_is_moved_by_its_bare_key_gets_the_address() {
    let spec = "\
version: 1
project: demo
volumes: { w: { size: 10GB, data_center: EU-RO-1 } }
pods: { a: { image: x/y, gpu: L4 } }
moved: [{ from: v, to: w }]
";
    insta::assert_snapshot!(super::lines(spec), @"pods.yaml:5:24: error: invalid move: `pods` has no `w`; a volume's address begins with `volume.`: write `from: volume.v` and `to: volume.w`");
}

#[test]
fn a_profile_that_no_pod_has() {
    let text = "version: 1\nproject: demo\npods:\n  a: { image: a, gpu: L40S, profiles: [prod] }\n";
    let case = Case { files: vec![("pods.yaml", text.as_bytes())], profiles: &["prd"], ..Case::default() };
    insta::assert_snapshot!(rendered(case.load()), @r#"
    error: undefined profile: no pod has the profile `prd`
     |
     = help: did you mean `prod`?
    "#);
}

#[test]
fn secrets_that_must_not_travel() {
    insta::assert_snapshot!(with_head("\
secrets:
  key: { env: RUNPOD_API_KEY }
  passwd: { file: /etc/passwd }
  ssh: { file: ../.ssh/id_ed25519 }
  inline: hunter2hunter2
  braces: { runpod: '{{ RUNPOD_SECRET_hf }}' }
"), @r#"
    error: secret in a place that is stored and shown
     --> pods.yaml:4:15
      |
    4 |   key: { env: RUNPOD_API_KEY }
      |               ^^^^^^^^^^^^^^ the account's own key never goes into a pod
      |
      = help: make a key with fewer rights for the pod and give it under another name

    error: invalid value
     --> pods.yaml:5:19
      |
    5 |   passwd: { file: /etc/passwd }
      |                   ^^^^^^^^^^^ `/etc/passwd` is outside of the working directory
      |
      = help: a spec from somebody else could send any file of yours to a pod; copy it to `.secrets/`

    error: invalid value
     --> pods.yaml:6:16
      |
    6 |   ssh: { file: ../.ssh/id_ed25519 }
      |                ^^^^^^^^^^^^^^^^^^ `../.ssh/id_ed25519` is outside of the working directory
      |
      = help: a spec from somebody else could send any file of yours to a pod; copy it to `.secrets/`

    error: wrong type
     --> pods.yaml:7:3
      |
    7 |   inline: ***
      |   ^^^^^^ expected `{ env: NAME }`, `{ file: PATH }` or `{ runpod: NAME }`
      |
      = help: a spec file is kept in git, so it says where the value is, never the value

    error: invalid name
     --> pods.yaml:8:21
      |
    8 |   braces: { runpod: '{{ RUNPOD_SECRET_hf }}' }
      |                     ^^^^^^^^^^^^^^^^^^^^^^^^ `{{ RUNPOD_SECRET_hf }}` is no name of a RunPod secret
      |
    help: write
      |
    8 -   braces: { runpod: '{{ RUNPOD_SECRET_hf }}' }
    8 +   braces: { runpod: hf }
      |
    "#);
}

#[test]
fn credentials_that_podform_is_to_store() {
    insta::assert_snapshot!(with_head("\
secrets:
  good: { env: GOOD }
  stays: { runpod: stays }
registries:
  fine: { username: bot, password: { secret: good } }
  inline: { username: bot, password: hunter2hunter2 }
  token: { username: ghp_abcdefghijklmnopqrstuvwxyz0123456789, password: { secret: nobody } }
  theirs: { username: { secret: stays }, password: { secret: stays } }
  both: { id: x, username: bot, password: hunter2hunter2 }
  half: { username: bot }
  none: {}
  listed: { username: bot, password: [hunter2hunter2] }
  empty: { username: '', password: { secret: good } }
  odd: { username: bot, password: { env: GOOD } }
  ecr: { delegation: 'arn:aws:ecr:us-east-2:418399314813:repository/acme/llm' }
  a.b: { id: x }
"), @"
    error: secret in a place that is stored and shown
     --> pods.yaml:8:38
      |
    8 |   inline: { username: bot, password: ***            }
      |                                      ^^^^^^^^^^^^^^ a password does not stand in a spec file, which is kept in git
      |
      = help: write `password: { secret: NAME }`, with `NAME: { env: NAME }` under `secrets:`

    error: secret in a place that is stored and shown
     --> pods.yaml:9:22
      |
    9 |   token: { username: ***                                     , password: { secret: nobody } }
      |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the value looks like a secret, and a spec file is kept in git
      |
      = help: write `username: { secret: NAME }`, with `NAME` under `secrets:`

    error: undefined secret
     --> pods.yaml:9:84
      |
    9 |   token: { username: ***                                     , password: { secret: nobody } }
      |                                                                                    ^^^^^^ `secrets` has no `nobody`
      |
      = help: add `nobody: { env: NOBODY }` under `secrets:`

    error: invalid value
      --> pods.yaml:10:33
       |
    10 |   theirs: { username: { secret: stays }, password: { secret: stays } }
       |                                 ^^^^^ the value of `stays` stays in RunPod, which shows it to nobody, so that it cannot be sent
       |
       = help: give it by `env` or `file`

    error: invalid value
      --> pods.yaml:10:62
       |
    10 |   theirs: { username: { secret: stays }, password: { secret: stays } }
       |                                                              ^^^^^ the value of `stays` stays in RunPod, which shows it to nobody, so that it cannot be sent
       |
       = help: give it by `env` or `file`

    error: conflicting keys
      --> pods.yaml:11:18
       |
    11 |   both: { id: x, username: bot, password: ***            }
       |           --     ^^^^^^^^ credentials given by `id` are only used, so `username` has no effect
       |           |
       |           given by `id` here
       |
       = help: delete `id` for credentials that podform stores in RunPod

    error: conflicting keys
      --> pods.yaml:11:33
       |
    11 |   both: { id: x, username: bot, password: ***            }
       |           -- given by `id` here ^^^^^^^^ credentials given by `id` are only used, so `password` has no effect
       |
       = help: delete `id` for credentials that podform stores in RunPod

    error: missing key
      --> pods.yaml:12:3
       |
    12 |   half: { username: bot }
       |   ^^^^ the registry `half` needs `password`
       |
       = help: add `password: { secret: NAME }`

    error: missing key
      --> pods.yaml:13:3
       |
    13 |   none: {}
       |   ^^^^ the registry `none` needs `username` and `password`, or the `id` of credentials in RunPod

    error: secret in a place that is stored and shown
      --> pods.yaml:14:38
       |
    14 |   listed: { username: bot, password: ***              }
       |                                      ^^^^^^^^^^^^^^^^ a password does not stand in a spec file, which is kept in git
       |
       = help: write `password: { secret: NAME }`, with `NAME: { env: NAME }` under `secrets:`

    error: invalid value
      --> pods.yaml:15:22
       |
    15 |   empty: { username: '', password: { secret: good } }
       |                      ^^ expected a name or `{ secret: NAME }`, found an empty text

    error: unknown key
      --> pods.yaml:16:37
       |
    16 |   odd: { username: bot, password: { env: GOOD } }
       |                                     ^^^ a value of a registry has no `env`
       |
       = help: it is written `{ secret: NAME }`, with `NAME: { env: VARIABLE }` under `secrets:` here

    error: not supported yet
      --> pods.yaml:17:10
       |
    17 |   ecr: { delegation: 'arn:aws:ecr:us-east-2:418399314813:repository/acme/llm' }
       |          ^^^^^^^^^^ a registry has no `delegation`
       |
       = help: podform makes no delegation of ECR yet; make it in RunPod's console and leave out the pod's `registry`

    error: invalid name
      --> pods.yaml:18:3
       |
    18 |   a.b: { id: x }
       |   ^^^ `a.b` is no name of a registry: letters, digits, `_` and `-`
    ");
}

#[test]
fn credentials_are_lowered_to_an_address() {
    let spec = loaded(
        "version: 1\nproject: x\nsecrets: { a: { env: A }, b: { env: B }, c: { env: C } }\n\
         registries:\n  mine: { username: { secret: a }, password: { secret: b } }\n  theirs: { id: reg }\n\
         pods:\n  one: { image: i, gpu: L4, registry: mine }\n  two: { image: i, gpu: L4, registry: theirs }\n",
    )
    .unwrap();
    let wanted: Vec<String> = spec
        .desired
        .wanted
        .iter()
        .map(|(address, wanted)| match wanted {
            Wanted::Pod(pod) => format!("{address} {:?} {:?}", pod.container.registry, pod.depends_on),
            other => format!("{address} {other:?}"),
        })
        .collect();
    insta::assert_snapshot!(wanted.join("\n"), @r#"
    registry.mine Registry(Credentials { username: Secret(Declared("a")), password: Declared("b") })
    one Some(Made(Registry(Key("mine")))) {Registry(Key("mine"))}
    two Some(Given(RegistryId("reg"))) {}
    "#);
    let read: Vec<&String> = spec.desired.secrets.keys().collect();
    assert_eq!(read, ["a", "b"]);
}

#[test]
fn secrets_that_podform_is_to_make() {
    insta::assert_snapshot!(with_head("\
secrets:
  good: { runpod: team/hf.token, from: { env: HF } }
  twice: { runpod: Team/HF.token, from: { file: .secrets/hf } }
  alone: { from: { env: HF } }
  both: { env: HF, from: { env: HF } }
  two: { runpod: hf, env: HF }
  none: { runpod: hf, from: {} }
  inline: { runpod: hf, from: hunter2hunter2 }
  account: { runpod: hf, from: { env: RUNPOD_API_KEY } }
  outside: { runpod: hf, from: { file: /etc/passwd } }
  reserved: { runpod: RunPod_x, from: { env: HF } }
"), @"
    error: conflicting keys
     --> pods.yaml:5:3
      |
    4 |   good: { runpod: team/hf.token, from: { env: HF } }
      |   ---- made here as well
    5 |   twice: { runpod: Team/HF.token, from: { file: .secrets/hf } }
      |   ^^^^^ RunPod has one secret of the name `Team/HF.token`, in any case of letters

    error: missing key
     --> pods.yaml:6:10
      |
    6 |   alone: { from: { env: HF } }
      |          ^^^^^^^^^^^^^^^^^^^^^ a secret needs one of `env`, `file` and `runpod`

    error: conflicting keys
     --> pods.yaml:7:20
      |
    7 |   both: { env: HF, from: { env: HF } }
      |                    ^^^^ `from` belongs to `runpod`, and `env` is where the value is already

    error: conflicting keys
     --> pods.yaml:8:8
      |
    8 |   two: { runpod: hf, env: HF }
      |        ^^^^^^^^^^^^^^^^^^^^^^^ a secret has one source, not `env` and `runpod`
      |
      = help: `{ runpod: NAME, from: { env: NAME } }` is a secret that podform makes in RunPod

    error: missing key
     --> pods.yaml:9:29
      |
    9 |   none: { runpod: hf, from: {} }
      |                             ^^ the value comes from one of `env` and `file`

    error: wrong type
      --> pods.yaml:10:31
       |
    10 |   inline: { runpod: hf, from: ***            }
       |                               ^^^^^^^^^^^^^^ expected a map such as `{ env: HF_TOKEN }`, found a text

    error: secret in a place that is stored and shown
      --> pods.yaml:11:39
       |
    11 |   account: { runpod: hf, from: { env: RUNPOD_API_KEY } }
       |                                       ^^^^^^^^^^^^^^ the account's own key never goes into a pod
       |
       = help: make a key with fewer rights for the pod and give it under another name

    error: invalid value
      --> pods.yaml:12:40
       |
    12 |   outside: { runpod: hf, from: { file: /etc/passwd } }
       |                                        ^^^^^^^^^^^ `/etc/passwd` is outside of the working directory
       |
       = help: a spec from somebody else could send any file of yours to a pod; copy it to `.secrets/`

    error: invalid name
      --> pods.yaml:13:23
       |
    13 |   reserved: { runpod: RunPod_x, from: { env: HF } }
       |                       ^^^^^^^^ `RunPod_x` is no name of a RunPod secret
       |
       = help: letters, digits, `_`, `.`, `-` and `/`, at most 191, beginning with a letter or `_`, not with `RUNPOD`
    ");
}

#[test]
fn literals_that_look_like_secrets_are_warned_about_and_never_shown() {
    insta::assert_snapshot!(in_pod("\
gpu: L40S
env:
  HF_TOKEN: hunter2
  URL: postgres://bot:hunter2@db/x
  OTHER: hf_abcdefghijklmnopqrst
  MAX_TOKEN: 4096
  REFERENCE_TOKEN: '{{ RUNPOD_SECRET_hf }}'
"), @r#"
    warning: literal value looks like a secret
     --> pods.yaml:8:7
      |
    8 |       HF_TOKEN: ***
      |       ^^^^^^^^ `HF_TOKEN` is kept out of plans, state and logs, but not out of this file
      |
      = help: write `HF_TOKEN: { secret: NAME }`, with `NAME: { env: HF_TOKEN }` under `secrets:`

    warning: literal value looks like a secret
     --> pods.yaml:9:7
      |
    9 |       URL: ***
      |       ^^^ `URL` is kept out of plans, state and logs, but not out of this file
      |
      = help: write `URL: { secret: NAME }`, with `NAME: { env: URL }` under `secrets:`

    warning: literal value looks like a secret
      --> pods.yaml:10:7
       |
    10 |       OTHER: ***
       |       ^^^^^ `OTHER` is kept out of plans, state and logs, but not out of this file
       |
       = help: write `OTHER: { secret: NAME }`, with `NAME: { env: OTHER }` under `secrets:`
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\nenv: { HF_TOKEN: hunter2, bad key: x }"), @r#"
    warning: literal value looks like a secret
     --> pods.yaml:7:12
      |
    7 |     env: { HF_TOKEN: ***    , bad key: x }
      |            ^^^^^^^^ `HF_TOKEN` is kept out of plans, state and logs, but not out of this file
      |
      = help: write `HF_TOKEN: { secret: NAME }`, with `NAME: { env: HF_TOKEN }` under `secrets:`

    error: invalid name
     --> pods.yaml:7:31
      |
    7 |     env: { HF_TOKEN: ***    , bad key: x }
      |                               ^^^^^^^ `bad key` is no name of a variable: letters, digits and `_`
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\ncommand: [--api-key, hunter2, --port, 80]\nlabels: { a: hf_abcdefghijklmnopqrst }"), @r#"
    error: secret in a place that is stored and shown
     --> pods.yaml:7:26
      |
    7 |     command: [--api-key, ***    , --port, 80]
      |                          ^^^^^^^ arguments are stored, and shown in plans
      |
      = help: give it in `env:` as `{ secret: NAME }`, and let the program in the image read it there

    error: secret in a place that is stored and shown
     --> pods.yaml:8:18
      |
    8 |     labels: { a: ***                     }
      |                  ^^^^^^^^^^^^^^^^^^^^^^^ labels are stored, and shown in plans
      |
      = help: give it in `env:` as `{ secret: NAME }`, and let the program in the image read it there
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\ncommand: [--key, sk-proj-0123456789abcdef]"), @r#"
    error: secret in a place that is stored and shown
     --> pods.yaml:7:22
      |
    7 |     command: [--key, ***                     ]
      |                      ^^^^^^^^^^^^^^^^^^^^^^^^ arguments are stored, and shown in plans
      |
      = help: give it in `env:` as `{ secret: NAME }`, and let the program in the image read it there
    "#);
}

#[test]
fn hardware_that_the_bundled_tables_do_not_have() {
    insta::assert_snapshot!(in_pod("gpu: [RTX 4091, L40S]"), @r#"
    warning: unknown GPU
     --> pods.yaml:6:11
      |
    6 |     gpu: [RTX 4091, L40S]
      |           ^^^^^^^^ `RTX 4091` is not in RunPod's table of 2026-02-12
      |
      = help: did you mean `RTX 4090`?
    "#);
    insta::assert_snapshot!(in_pod("gpu: Z9000"), @r#"
    warning: unknown GPU
     --> pods.yaml:6:10
      |
    6 |     gpu: Z9000
      |          ^^^^^ `Z9000` is not in RunPod's table of 2026-02-12
      |
      = help: the plan checks it against the live catalog; `podform gpus` lists that
    "#);
    insta::assert_snapshot!(in_pod("gpu: { any_of: [L40S, A40], memory: 80GB.. }"), @r#"
    warning: no GPU meets the limits
     --> pods.yaml:6:10
      |
    6 |     gpu: { any_of: [L40S, A40], memory: 80GB.. }
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^------^^
      |          |                              |
      |          |                              with this memory
      |          no GPU of RunPod's table of 2026-02-12 meets all limits
      |
      = help: the plan checks it against the live catalog and its prices
    "#);
    insta::assert_snapshot!(in_pod("gpu: A100 SXM:2\nmax_price: 1.00"), @r#"
    warning: no GPU meets the limits
     --> pods.yaml:6:10
      |
    6 |     gpu: A100 SXM:2
      |          ^^^^^^^^^^ no GPU of RunPod's table of 2026-02-12 meets all limits
    7 |     max_price: 1.00
      |                ---- for this price
      |
      = help: the plan checks it against the live catalog and its prices
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\nplacement: { data_centers: [EU-RO-2] }"), @r#"
    warning: unknown data center
     --> pods.yaml:7:33
      |
    7 |     placement: { data_centers: [EU-RO-2] }
      |                                 ^^^^^^^ `EU-RO-2` is not in RunPod's table of 2026-08-20
      |
      = help: did you mean `EU-RO-1`? the plan checks the live catalog
    "#);
    insta::assert_snapshot!(in_pod("cpu: { flavors: [cpu4c], vcpus: 4 }"), @r#"
    warning: unknown CPU flavor
     --> pods.yaml:6:22
      |
    6 |     cpu: { flavors: [cpu4c], vcpus: 4 }
      |                      ^^^^^ `cpu4c` is not in RunPod's table of 2026-08-20
      |
    help: did you mean
      |
    6 -     cpu: { flavors: [cpu4c], vcpus: 4 }
    6 +     cpu: { flavors: [cpu3c], vcpus: 4 }
      |
    "#);
}

#[test]
fn all_mistakes_come_in_file_order() {
    insta::assert_snapshot!(mistakes("\
version: 1
project: Demo
pods:
  llm:
    image: a
    gpu: L40S
    ports: [8080:80]
    depends_on: [nobody]
    dikc: 20GB
").lines().filter(|line| line.starts_with("error") || line.contains("-->")).collect::<Vec<_>>().join("\n"), @r#"
    error: invalid name
     --> pods.yaml:2:10
    error: invalid port
     --> pods.yaml:7:13
    error: undefined pod
     --> pods.yaml:8:18
    error: unknown key
     --> pods.yaml:9:5
    "#);
}

#[test]
fn declared_removals_are_of_what_left_the_spec_once_and_possible() {
    insta::assert_snapshot!(mistakes("\
version: 1
project: acme
pods:
  llm: { image: 'x/y:1', gpu: L4, replicas: 2 }
  new: { image: 'x/y:1', gpu: L4 }
volumes: { models: { size: 10GB, data_center: EU-RO-1 } }
moved: [{ from: old, to: new }]
removed:
  - { from: llm, then: terminate }
  - { from: 'llm[1]', then: stop }
  - { from: volume.models, then: forget }
  - { from: old, then: terminate }
  - { from: gone, then: terminate }
  - { from: gone, then: forget }
  - { from: volume.data, then: stop }
  - { from: Bad, then: stop }
  - { from: other, then: destroy }
  - { from: third }
  - { then: stop }
  - fourth
"), @"
    error: invalid move
     --> pods.yaml:9:13
      |
    9 |   - { from: llm, then: terminate }
      |             ^^^ `llm` still stands in the spec
      |
      = help: `removed` tells what is to become of something whose key has left the spec

    error: invalid move
      --> pods.yaml:10:13
       |
    10 |   - { from: 'llm[1]', then: stop }
       |             ^^^^^^^^ `llm[1]` still stands in the spec
       |
       = help: `removed` tells what is to become of something whose key has left the spec

    error: invalid move
      --> pods.yaml:11:13
       |
    11 |   - { from: volume.models, then: forget }
       |             ^^^^^^^^^^^^^ `volume.models` still stands in the spec
       |
       = help: `removed` tells what is to become of something whose key has left the spec

    error: invalid move
      --> pods.yaml:12:13
       |
     7 | moved: [{ from: old, to: new }]
       |                 --- moved from here
    ...
    12 |   - { from: old, then: terminate }
       |             ^^^ `old` is moved as well

    error: invalid move
      --> pods.yaml:14:13
       |
    13 |   - { from: gone, then: terminate }
       |             ---- first here
    14 |   - { from: gone, then: forget }
       |             ^^^^ `gone` is removed for the second time

    error: invalid move
      --> pods.yaml:15:32
       |
    15 |   - { from: volume.data, then: stop }
       |                                ^^^^ only a pod can be stopped
       |
       = help: `then: forget` keeps it, unmanaged

    error: invalid move
      --> pods.yaml:16:13
       |
    16 |   - { from: Bad, then: stop }
       |             ^^^ `Bad` is no key: a lower-case letter, then lower-case letters, digits and `-`

    error: invalid value
      --> pods.yaml:17:26
       |
    17 |   - { from: other, then: destroy }
       |                          ^^^^^^^ expected `terminate`, `stop` or `forget`, found `destroy`

    error: missing key
      --> pods.yaml:18:5
       |
    18 |   - { from: third }
       |     ^^^^^^^^^^^^^^^ an entry of `removed` needs `then`

    error: missing key
      --> pods.yaml:19:5
       |
    19 |   - { then: stop }
       |     ^^^^^^^^^^^^^^ an entry of `removed` needs `from`

    error: wrong type
      --> pods.yaml:20:5
       |
    20 |   - fourth
       |     ^^^^^^ expected a map such as `{ from: old, then: terminate }`, found a text
    ");
}

#[test]
fn what_is_terminated_when_it_is_done_has_nothing_that_lasts() {
    insta::assert_snapshot!(with_head("\
defaults: { image: a, gpu: L40S, ports: [80/http] }
pods:
  prep: { run: job, command: [prep], then: terminate }
  kept: { run: job, command: [prep], then: keep }
  ended: { run: job, command: [prep] }
  user:
    env: { URL: '${pods.prep.url}', ID: '${pods.prep.id}', FINE: '${pods.kept.url} ${pods.ended.id}' }
"), @"
    error: invalid reference
     --> pods.yaml:9:18
      |
    9 |     env: { URL: '${pods.prep.url}', ID: '${pods.prep.id}', FINE: '${pods.kept.url} ${pods.ended.id}' }
      |                  ^^^^^^^^^^^^^^^^ `prep` is a job whose pod is terminated when it is done, so nothing of it lasts
      |
      = help: with `then: stop` its pod stays, and with it its id; what it made is handed on by a network volume

    error: invalid reference
     --> pods.yaml:9:42
      |
    9 |     env: { URL: '${pods.prep.url}', ID: '${pods.prep.id}', FINE: '${pods.kept.url} ${pods.ended.id}' }
      |                                          ^^^^^^^^^^^^^^^ `prep` is a job whose pod is terminated when it is done, so nothing of it lasts
      |
      = help: with `then: stop` its pod stays, and with it its id; what it made is handed on by a network volume
    ");
}

#[test]
fn several_http_ports_are_told_apart() {
    insta::assert_snapshot!(with_head("\
defaults: { image: a, gpu: L40S }
pods:
  two: { ports: [9000/http, 8000/http, 22/tcp] }
  one: { ports: [9000/http, 22/tcp] }
  user: { env: { A: '${pods.two.url}', B: '${pods.two.url.9000}', C: '${pods.one.url}' } }
"), @"
    error: invalid reference
     --> pods.yaml:7:22
      |
    7 |   user: { env: { A: '${pods.two.url}', B: '${pods.two.url.9000}', C: '${pods.one.url}' } }
      |                      ^^^^^^^^^^^^^^^ `two` publishes 2 HTTP ports, and each has a URL of its own
      |
      = help: write `${pods.two.url.8000}` or `${pods.two.url.9000}`
    ");
}

#[test]
fn a_key_where_a_host_stands_is_found_in_every_form() {
    insta::assert_snapshot!(with_head("\
defaults: { image: a, gpu: L40S, ports: [11434/http] }
pods:
  ollama: { }
  db: { }
  user:
    env:
      A: http://ollama
      B: http://ollama/v1
      C: ollama:11434
      D: '--to=ollama:11434,db:5432'
      E: redis://user@db
"), @"
    warning: pod called by its key
     --> pods.yaml:9:7
      |
    9 |       A: http://ollama
      |       ^ `ollama` is a pod here, and pods do not find each other by their keys
      |
      = help: write `${pods.ollama.url}`, the URL of its HTTP port, for scheme, host and port; with `global_networking: true` on both pods, `${pods.ollama.host}` for the host alone

    warning: pod called by its key
      --> pods.yaml:10:7
       |
    10 |       B: http://ollama/v1
       |       ^ `ollama` is a pod here, and pods do not find each other by their keys
       |
       = help: write `${pods.ollama.url}`, the URL of its HTTP port, for scheme, host and port; with `global_networking: true` on both pods, `${pods.ollama.host}` for the host alone

    warning: pod called by its key
      --> pods.yaml:11:7
       |
    11 |       C: ollama:11434
       |       ^ `ollama` is a pod here, and pods do not find each other by their keys
       |
       = help: write `${pods.ollama.url}`, the URL of its HTTP port, for scheme, host and port; with `global_networking: true` on both pods, `${pods.ollama.host}` for the host alone

    warning: pod called by its key
      --> pods.yaml:12:7
       |
    12 |       D: '--to=ollama:11434,db:5432'
       |       ^ `db` is a pod here, and pods do not find each other by their keys
       |
       = help: write `${pods.db.url}`, the URL of its HTTP port, for scheme, host and port; with `global_networking: true` on both pods, `${pods.db.host}` for the host alone

    warning: pod called by its key
      --> pods.yaml:12:7
       |
    12 |       D: '--to=ollama:11434,db:5432'
       |       ^ `ollama` is a pod here, and pods do not find each other by their keys
       |
       = help: write `${pods.ollama.url}`, the URL of its HTTP port, for scheme, host and port; with `global_networking: true` on both pods, `${pods.ollama.host}` for the host alone

    warning: pod called by its key
      --> pods.yaml:13:7
       |
    13 |       E: redis://user@db
       |       ^ `db` is a pod here, and pods do not find each other by their keys
       |
       = help: write `${pods.db.url}`, the URL of its HTTP port, for scheme, host and port; with `global_networking: true` on both pods, `${pods.db.host}` for the host alone
    ");
}

#[test]
fn a_host_that_is_called_by_its_key_gets_the_reference_that_it_has() {
    insta::assert_snapshot!(with_head("\
defaults: { image: a, gpu: L40S }
pods:
  db: { ports: [5432/tcp] }
  bare: { }
  two: { ports: [9000/http, 8000/http] }
  from-template: { template: abc }
  index: { gpu: null, cpu: { flavors: [cpu5c], vcpus: 2 }, ports: [7700/http] }
  store: { gpu: null, cpu: { flavors: [cpu5c], vcpus: 2 }, ports: [5432/tcp] }
  gone: { run: job, command: [prep], ports: [80/http], then: terminate }
  user:
    command: [--db, 'postgres://app@db:5432/app']
    env: { BARE: 'bare:6379', TWO: 'http://two:9000', TEMPLATE: 'http://from-template:80', INDEX: 'http://index:7700', STORE: 'store:5432', GONE: 'http://gone' }
"), @"
    warning: pod called by its key
      --> pods.yaml:13:14
       |
    13 |     command: [--db, 'postgres://app@db:5432/app']
       |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `db` is a pod here, and pods do not find each other by their keys
       |
       = help: write `${pods.db.host}` for the host, with `global_networking: true` on both pods; it publishes no HTTP port, so it has no URL

    warning: pod called by its key
      --> pods.yaml:14:12
       |
    14 |     env: { BARE: 'bare:6379', TWO: 'http://two:9000', TEMPLATE: 'http://from-template:80', INDEX: 'http://index:7700', STORE: 'store...
       |            ^^^^ `bare` is a pod here, and pods do not find each other by their keys
       |
       = help: write `${pods.bare.host}` for the host, with `global_networking: true` on both pods; it publishes no HTTP port, so it has no URL

    warning: pod called by its key
      --> pods.yaml:14:31
       |
    14 |     env: { BARE: 'bare:6379', TWO: 'http://two:9000', TEMPLATE: 'http://from-template:80', INDEX: 'http://index:7700', STORE: 'store...
       |                               ^^^ `two` is a pod here, and pods do not find each other by their keys
       |
       = help: write `${pods.two.url.8000}`, the URL of its HTTP port 8000, for scheme, host and port; with `global_networking: true` on both pods, `${pods.two.host}` for the host alone

    warning: pod called by its key
      --> pods.yaml:14:55
       |
    14 | ...O: 'http://two:9000', TEMPLATE: 'http://from-template:80', INDEX: 'http://index:7700', STORE: 'store:5432', GONE: 'http://gone' }
       |                          ^^^^^^^^ `from-template` is a pod here, and pods do not find each other by their keys
       |
       = help: write `${pods.from-template.url.8000}`, the URL of port 8000, or of another HTTP port that its template publishes, for scheme, host and port; with `global_networking: true` on both pods, `${pods.from-template.host}` for the host alone

    warning: pod called by its key
      --> pods.yaml:14:92
       |
    14 | ...'http://from-template:80', INDEX: 'http://index:7700', STORE: 'store:5432', GONE: 'http://gone' }
       |                               ^^^^^ `index` is a pod here, and pods do not find each other by their keys
       |
       = help: write `${pods.index.url}`, the URL of its HTTP port, for scheme, host and port

    warning: pod called by its key
      --> pods.yaml:14:120
       |
    14 | ...NDEX: 'http://index:7700', STORE: 'store:5432', GONE: 'http://gone' }
       |                               ^^^^^ `store` is a pod here, and pods do not find each other by their keys
       |
       = help: it publishes no HTTP port, so it has no URL, and the private network is for pods with GPUs; a public TCP port changes at each start, and `podform output` prints it

    warning: pod called by its key
      --> pods.yaml:14:141
       |
    14 | ...7700', STORE: 'store:5432', GONE: 'http://gone' }
       |                                ^^^^ `gone` is a pod here, and pods do not find each other by their keys
       |
       = help: `gone` is a job whose pod is terminated when it is done, so nothing of it lasts; with `then: stop` its pod stays, and with it its id; what it made is handed on by a network volume
    ");
}

#[test]
fn a_name_in_the_private_network_is_offered_where_it_can_be_had() {
    insta::assert_snapshot!(with_head("\
defaults: { image: a, gpu: L40S }
pods:
  db: { ports: [5432/tcp] }
  two: { ports: [9000/http, 8000/http], global_networking: true }
  store: { gpu: null, cpu: { flavors: [cpu5c], vcpus: 2 }, ports: [5432/tcp] }
  index: { gpu: null, cpu: { flavors: [cpu5c], vcpus: 2 }, ports: [7700/http] }
  user:
    env:
      DB: ${pods.db.host}
      DB_URL: ${pods.db.url}
      DB_PORT: ${pods.db.tcp.5432}
      TWO: ${pods.two.host}
      STORE: ${pods.store.host}
      STORE_URL: ${pods.store.url}
      INDEX: ${pods.index.host}
"), @"
    error: invalid reference
      --> pods.yaml:11:11
       |
    11 |       DB: ${pods.db.host}
       |           ^^^^^^^^^^^^^^^ `db` is not in the private network, where its `host` is its name
       |
       = help: give both pods `global_networking: true`

    error: invalid reference
      --> pods.yaml:12:15
       |
    12 |       DB_URL: ${pods.db.url}
       |               ^^^^^^^^^^^^^^ `db` publishes no HTTP port, so RunPod's proxy has no URL for it
       |
       = help: add one to its `ports`, such as `8000/http`; without one, `${pods.db.host}` is its name in the private network, with `global_networking: true` for both pods

    error: invalid reference
      --> pods.yaml:13:16
       |
    13 |       DB_PORT: ${pods.db.tcp.5432}
       |                ^^^^^^^^^^^^^^^^^^^ `tcp.5432` changes at each start of `db`, so nobody can be told of it beforehand
       |
       = help: `podform output` prints it as it is now, where there is one; what lasts is `${pods.db.url}` of an HTTP port and, with `global_networking: true` for both pods, `${pods.db.host}`

    error: invalid reference
      --> pods.yaml:14:12
       |
    14 |       TWO: ${pods.two.host}
       |            ^^^^^^^^^^^^^^^^ `host` is the name of `two` in the private network, which this pod is not in
       |
       = help: give it `global_networking: true` too, or write `${pods.two.url.8000}`

    error: invalid reference
      --> pods.yaml:15:14
       |
    15 |       STORE: ${pods.store.host}
       |              ^^^^^^^^^^^^^^^^^^ `store` is not in the private network, where its `host` is its name
       |
       = help: the private network is for pods with GPUs, and `store` publishes no HTTP port that has a URL

    error: invalid reference
      --> pods.yaml:16:18
       |
    16 |       STORE_URL: ${pods.store.url}
       |                  ^^^^^^^^^^^^^^^^^ `store` publishes no HTTP port, so RunPod's proxy has no URL for it
       |
       = help: add one to its `ports`, such as `8000/http`

    error: invalid reference
      --> pods.yaml:17:14
       |
    17 |       INDEX: ${pods.index.host}
       |              ^^^^^^^^^^^^^^^^^^ `index` is not in the private network, where its `host` is its name
       |
       = help: write `${pods.index.url}`: the private network is for pods with GPUs
    ");
}

#[test]
fn what_only_looks_like_a_host_is_left() {
    assert_eq!(
        with_head(
            "\
defaults: { image: a, gpu: L40S, ports: [11434/http] }
pods:
  ollama: { }
  user:
    env:
      A: ollama
      B: ollama:latest
      C: ollama:3
      D: acme/ollama:11434x
      E: http://ollama.example.com
      F: http://x/ollama
      G: /ollama:11434
      H: my-ollama:11434
      I: ollama:112345
      J: 'the ollama: 11434'
      K: s3://ollama/weights
      L: ollama@example.com
"
        ),
        ""
    );
}
