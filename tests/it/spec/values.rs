//! Values: of the wrong type, of the wrong form, out of range.

use insta::assert_snapshot;

use super::{in_pod, lines, mistakes, pod, with_head};

#[test]
fn values_of_the_wrong_type() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nssh: yes\nreplicas: \"3\"\nports: 8000/http\nlabels: [a]\ndepends_on: prep"), @r#"
    error: wrong type
     --> pods.yaml:7:10
      |
    7 |     ssh: yes
      |          ^^^ expected `true` or `false`, found a text
      |
    help: write
      |
    7 -     ssh: yes
    7 +     ssh: true
      |

    error: wrong type
     --> pods.yaml:8:15
      |
    8 |     replicas: "3"
      |               ^^^ expected a whole number, found a text
      |
    help: write
      |
    8 -     replicas: "3"
    8 +     replicas: 3
      |

    error: wrong type
     --> pods.yaml:9:12
      |
    9 |     ports: 8000/http
      |            ^^^^^^^^^ expected a list such as `[8000/http, 22/tcp]`, found a text
      |
    help: write
      |
    9 -     ports: 8000/http
    9 +     ports: [8000/http]
      |

    error: wrong type
      --> pods.yaml:10:13
       |
    10 |     labels: [a]
       |             ^^^ expected a map such as `team: inference`, found a list

    error: wrong type
      --> pods.yaml:11:17
       |
    11 |     depends_on: prep
       |                 ^^^^ expected a list of pods, such as `[prep]`, found a text
       |
    help: write
       |
    11 -     depends_on: prep
    11 +     depends_on: [prep]
       |
    "#);
    insta::assert_snapshot!(mistakes("version: 1\nproject: 42\npods: [llm]\n"), @r#"
    error: wrong type
     --> pods.yaml:2:10
      |
    2 | project: 42
      |          ^^ expected a name, found a whole number
      |
    help: quote it to make it a text
      |
    2 - project: 42
    2 + project: "42"
      |

    error: wrong type
     --> pods.yaml:3:7
      |
    3 | pods: [llm]
      |       ^^^^^ expected a map of pods, such as `llm: { image: IMAGE, gpu: L40S }`, found a list
    "#);
}

#[test]
fn numbers_that_readers_disagree_about() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nreplicas: 010"), @r#"
    error: wrong type
     --> pods.yaml:7:15
      |
    7 |     replicas: 010
      |               ^^^ expected a whole number, found a text
      |
    help: write
      |
    7 -     replicas: 010
    7 +     replicas: 10
      |
    help: a leading 0 means octal to some readers of YAML and nothing to others
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\nreplicas: 1_000"), @r#"
    error: wrong type
     --> pods.yaml:7:15
      |
    7 |     replicas: 1_000
      |               ^^^^^ expected a whole number, found a text
      |
    help: write
      |
    7 -     replicas: 1_000
    7 +     replicas: 1000
      |
    "#);
}

#[test]
fn numbers_out_of_range() {
    insta::assert_snapshot!(in_pod("gpu: { any_of: [L40S], count: 0 }\nreplicas: -1\nmax_price: 0"), @"
    error: invalid value
     --> pods.yaml:6:35
      |
    6 |     gpu: { any_of: [L40S], count: 0 }
      |                                   ^ 0 is not between 1 and 16

    error: invalid value
     --> pods.yaml:7:15
      |
    7 |     replicas: -1
      |               ^^ -1 is not between 0 and 100000

    error: invalid value
     --> pods.yaml:8:16
      |
    8 |     max_price: 0
      |                ^ a price is above 0
      |
      = help: delete the key where there is no limit
    ");
    insta::assert_snapshot!(in_pod("cpu: { flavors: [cpu5c], vcpus: 6 }"), @r#"
    error: invalid value
     --> pods.yaml:6:37
      |
    6 |     cpu: { flavors: [cpu5c], vcpus: 6 }
      |                                     ^ 6 is no power of two
      |
    help: the next one
      |
    6 -     cpu: { flavors: [cpu5c], vcpus: 6 }
    6 +     cpu: { flavors: [cpu5c], vcpus: 8 }
      |
    "#);
}

#[test]
fn words_that_are_not_among_the_choices() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nstate: stoped\ncloud: SECURE"), @r#"
    error: invalid value
     --> pods.yaml:7:12
      |
    7 |     state: stoped
      |            ^^^^^^ expected `running` or `stopped`, found `stoped`
      |
    help: did you mean
      |
    7 |     state: stopped
      |                +

    error: invalid value
     --> pods.yaml:8:12
      |
    8 |     cloud: SECURE
      |            ^^^^^^ expected `secure`, `community` or `any`, found `SECURE`
      |
    help: did you mean
      |
    8 -     cloud: SECURE
    8 +     cloud: secure
      |
    "#);
    insta::assert_snapshot!(with_head("provider: { kind: aws, api: v3 }\n"), @r#"
    error: invalid value
     --> pods.yaml:3:19
      |
    3 | provider: { kind: aws, api: v3 }
      |                   ^^^ expected `runpod` or `simulator`, found `aws`

    error: invalid value
     --> pods.yaml:3:29
      |
    3 | provider: { kind: aws, api: v3 }
      |                             ^^ expected `v2`, `v1` or `graphql`, found `v3`
      |
    help: did you mean
      |
    3 - provider: { kind: aws, api: v3 }
    3 + provider: { kind: aws, api: v2 }
      |
    "#);
}

#[test]
fn sizes() {
    insta::assert_snapshot!(in_pod("gpu: L40S\ndisk: 60"), @r#"
    error: invalid size
     --> pods.yaml:7:11
      |
    7 |     disk: 60
      |           ^^ `60` is no size such as `60GB`
      |
    help: write
      |
    7 |     disk: 60GB
      |             ++
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\ndisk: 60GiB"), @r#"
    error: invalid size
     --> pods.yaml:7:11
      |
    7 |     disk: 60GiB
      |           ^^^^^ `60GiB` is no size such as `60GB`
      |
    help: write
      |
    7 -     disk: 60GiB
    7 +     disk: 60GB
      |
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\ndisk: big"), @r#"
    error: invalid size
     --> pods.yaml:7:11
      |
    7 |     disk: big
      |           ^^^ `big` is no size such as `60GB`
      |
      = help: write whole gigabytes, `60GB`, or terabytes of 1000GB, `2TB`
    "#);
    insta::assert_snapshot!(with_head("volumes:\n  models: { size: 5TB, data_center: EU-RO-1 }\n"), @r#"
    error: invalid size
     --> pods.yaml:4:19
      |
    4 |   models: { size: 5TB, data_center: EU-RO-1 }
      |                   ^^^ a network volume has 10GB to 4096GB
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\nvolumes: [{ local: 5GB, path: /workspace }]"), @r#"
    error: invalid size
     --> pods.yaml:7:24
      |
    7 |     volumes: [{ local: 5GB, path: /workspace }]
      |                        ^^^ a local volume has at least 10GB
    "#);
}

#[test]
fn ports() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nports: [\"8080:80\", 22:22, 53/udp, 0, 70001/http]"), @r#"
    error: invalid port
     --> pods.yaml:7:13
      |
    7 |     ports: ["8080:80", 22:22, 53/udp, 0, 70001/http]
      |             ^^^^^^^^^ `8080:80`: RunPod picks the public port
      |
    help: write
      |
    7 -     ports: ["8080:80", 22:22, 53/udp, 0, 70001/http]
    7 +     ports: [80/http, 22:22, 53/udp, 0, 70001/http]
      |
    help: list the port inside the pod only

    error: invalid port
     --> pods.yaml:7:24
      |
    7 |     ports: ["8080:80", 22:22, 53/udp, 0, 70001/http]
      |                        ^^^^^ `22:22`: RunPod picks the public port
      |
    help: write
      |
    7 -     ports: ["8080:80", 22:22, 53/udp, 0, 70001/http]
    7 +     ports: ["8080:80", 22/tcp, 53/udp, 0, 70001/http]
      |
    help: list the port inside the pod only

    error: invalid port
     --> pods.yaml:7:31
      |
    7 |     ports: ["8080:80", 22:22, 53/udp, 0, 70001/http]
      |                               ^^^^^^ `53/udp`: RunPod publishes no UDP ports

    error: invalid port
     --> pods.yaml:7:39
      |
    7 |     ports: ["8080:80", 22:22, 53/udp, 0, 70001/http]
      |                                       ^ `0` is no port such as `8000/http` or `22/tcp`

    error: invalid port
     --> pods.yaml:7:42
      |
    7 |     ports: ["8080:80", 22:22, 53/udp, 0, 70001/http]
      |                                          ^^^^^^^^^^ `70001/http` is not between 1 and 65535
      |
      = help: from 70000/tcp on, RunPod gives the pod a public port with the same number inside
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\nports: [8000, 8000/http]"), @r#"
    error: invalid port
     --> pods.yaml:7:19
      |
    7 |     ports: [8000, 8000/http]
      |             ----  ^^^^^^^^^ `8000/http` stands here for the second time
      |             |
      |             first here
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\nports: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]"), @r#"
    error: invalid port
     --> pods.yaml:7:44
      |
    7 |     ports: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
      |                                            ^^ RunPod proxies at most 10 HTTP ports of a pod
    "#);
}

#[test]
fn names() {
    insta::assert_snapshot!(with_head("pods:\n  My_Pod: { image: a, gpu: L40S }\n"), @r#"
    error: invalid name
     --> pods.yaml:4:3
      |
    4 |   My_Pod: { image: a, gpu: L40S }
      |   ^^^^^^ `My_Pod` is no key: a lower-case letter, then lower-case letters, digits and `-`
      |
    help: write
      |
    4 -   My_Pod: { image: a, gpu: L40S }
    4 +   my-pod: { image: a, gpu: L40S }
      |
    "#);
    let long = "a".repeat(41);
    insta::assert_snapshot!(with_head(&format!("pods:\n  {long}: {{ image: a, gpu: L40S }}\n")), @r#"
    error: invalid name
     --> pods.yaml:4:3
      |
    4 |   aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: { image: a, gpu: L40S }
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is longer than 40 characters
    "#);
    insta::assert_snapshot!(mistakes(&format!("version: 1\nproject: {long}\n")), @r#"
    error: invalid name
     --> pods.yaml:2:10
      |
    2 | project: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is no project name: lower-case letters, digits and `-`, 1 to 40 characters
    "#);
    let long = "n".repeat(190);
    insta::assert_snapshot!(in_pod(&format!("gpu: L40S\nreplicas: 11\nname: {long}")), @r#"
    error: invalid name
     --> pods.yaml:8:11
      |
    8 | ...e: nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a name has at most 191 characters, and the last replica's has 193
    "#);
    insta::assert_snapshot!(in_pod(&format!("gpu: L40S\nname: {long}{long}")), @r#"
    error: invalid name
     --> pods.yaml:7:11
      |
    7 | ...e: nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^...^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a name has at most 191 characters, and this has 380
    "#);
}

#[test]
fn images() {
    insta::assert_snapshot!(mistakes("version: 1\nproject: demo\npods:\n  a: { image: vLLM/OpenAI, gpu: L40S }\n  b: { image: \"a b\", gpu: L40S }\n  c: { image: docker://a, gpu: L40S }\n"), @r#"
    error: invalid value
     --> pods.yaml:4:15
      |
    4 |   a: { image: vLLM/OpenAI, gpu: L40S }
      |               ^^^^^^^^^^^ the path of an image is lower-case

    error: invalid value
     --> pods.yaml:5:15
      |
    5 |   b: { image: "a b", gpu: L40S }
      |               ^^^^^ an image has no spaces

    error: invalid value
     --> pods.yaml:6:15
      |
    6 |   c: { image: docker://a, gpu: L40S }
      |               ^^^^^^^^^^ an image has no scheme
      |
    help: write
      |
    6 -   c: { image: docker://a, gpu: L40S }
    6 +   c: { image: a, gpu: L40S }
      |
    "#);
}

/// Returns what is said of each image, without the place, in a spec whose variable `TAG` is `v1` and `EMPTY` is empty.
fn images_said(images: &[&str]) -> String {
    let said = |image: &&str| {
        let spec = format!(
            "version: 1\nproject: demo\nvars: {{ TAG: v1, EMPTY: '' }}\npods:\n  llm: {{ gpu: L40S, image: '{image}' }}\n"
        );
        format!("{image:15} {}", lines(&spec).replace("pods.yaml:5:28: error: ", ""))
    };
    images.iter().map(said).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_image_that_cannot_be_pulled_is_refused_with_the_variable_that_makes_it_so() {
    let images = [
        "x/y:${TAG}",
        "x/y:$TAG",
        "x/y:$TAGS",
        "x/y:$NOTHING",
        "x/y:${EMPTY}",
        "x/y:${UNSET:-}",
        "x/y:${UNSET:-1}",
        "x/y:${UNSET}",
        "${EMPTY}",
        "x/y:$${TAG}",
        "x/y:$$TAG",
        "x/y:",
        "x/y:<tag>",
        "x/y@sha256:abc",
        "x/Y:1",
        "x/y:1 ",
        "https://x/y:1",
        "x/y/",
    ];
    insta::assert_snapshot!(images_said(&images), @"
    x/y:${TAG}      
    x/y:$TAG        invalid value: `$TAG` is not filled in: only `${TAG}` is; write: `x/y:${TAG}`
    x/y:$TAGS       invalid value: `$TAGS` is not filled in: only `${TAGS}` is; write: `x/y:${TAG}`
    x/y:$NOTHING    invalid value: `$NOTHING` is not filled in: only `${NOTHING}` is; write `${NOTHING}`, and define `NOTHING` under `vars:` or give `--var NOTHING=VALUE`
    x/y:${EMPTY}    invalid value: the tag behind `:` is missing; `${EMPTY}` is empty
    x/y:${UNSET:-}  invalid value: the tag behind `:` is missing; `${UNSET}` is empty
    x/y:${UNSET:-1} 
    x/y:${UNSET}    pods.yaml:5:33: error: undefined variable: `UNSET` has no value; define `UNSET` under `vars:`, or give `--var UNSET=VALUE`; write `$${UNSET}` to send `${UNSET}` itself
    ${EMPTY}        invalid value: expected an image such as `vllm/vllm-openai:v0.19.1`, found an empty text; `${EMPTY}` is empty
    x/y:$${TAG}     invalid value: an image has no `$`
    x/y:$$TAG       invalid value: an image has no `$`
    x/y:            invalid value: the tag behind `:` is missing
    x/y:<tag>       invalid value: `<tag>` stands for something that is to be filled in
    x/y@sha256:abc  invalid value: `sha256:abc` is no digest; a digest is `sha256:` and 64 hexadecimal digits, as the registry shows it
    x/Y:1           invalid value: the path of an image is lower-case
    x/y:1           invalid value: an image has no spaces; write: `x/y:1`
    https://x/y:1   invalid value: an image has no scheme; write: `x/y:1`
    x/y/            invalid value: an image has a name before, between and after its `/`
    ");
    let in_defaults =
        "version: 1\nproject: demo\ndefaults: { image: 'x/y:' }\npods: { llm: { gpu: L40S } }\n";
    insta::assert_snapshot!(lines(in_defaults), @"pods.yaml:3:20: error: invalid value: the tag behind `:` is missing");
    insta::assert_snapshot!(lines(&pod("gpu: L40S\nreplicas: 2").replace("a/b:1", "a/b:v${REPLICA}")), @"");
}

#[test]
fn dollars_that_reach_the_pod_are_warned_of() {
    let spec = "\
version: 1
project: demo
vars: { TAG: v1, HOME: /x }
pods:
  llm:
    image: a/b:${TAG}
    gpu: L40S
    name: demo-$TAG
    command: [sh, -c, \"echo $$HOME $HOME $TAG $OTHER\"]
    env: { HOME: /root, A: $TAG, B: $$TAG, C: $OTHER, D: $$, E: '$${TAG}', MY_TOKEN: pa$$word-of-$TAG }
    labels: { release: $TAG }
    volumes: [{ local: 10GB, path: /w/$TAG }]
";
    insta::assert_snapshot!(lines(spec), @"
    pods.yaml:8:16: warning: variable that is not filled in: this stays `$TAG`: only `${TAG}` is filled in; for the variable, write: `${TAG}`
    pods.yaml:9:29: warning: doubled dollar: both dollars reach the pod; only compose files make one of them; write one `$`; `$${` alone is an escape here, for `${`
    pods.yaml:9:42: warning: variable that is not filled in: this stays `$TAG`: only `${TAG}` is filled in; for the variable, write: `${TAG}`
    pods.yaml:10:28: warning: variable that is not filled in: this stays `$TAG`: only `${TAG}` is filled in; for the variable, write: `${TAG}`
    pods.yaml:10:37: warning: doubled dollar: both dollars reach the pod; only compose files make one of them; write one `$`; `$${` alone is an escape here, for `${`
    pods.yaml:10:76: warning: literal value looks like a secret: `MY_TOKEN` is kept out of plans, state and logs, but not out of this file; write `MY_TOKEN: { secret: NAME }`, with `NAME: { env: MY_TOKEN }` under `secrets:`
    pods.yaml:11:24: warning: variable that is not filled in: this stays `$TAG`: only `${TAG}` is filled in; for the variable, write: `${TAG}`
    pods.yaml:12:39: warning: variable that is not filled in: this stays `$TAG`: only `${TAG}` is filled in; for the variable, write: `${TAG}`
    ");
}

#[test]
fn an_option_and_its_value_in_one_item_are_warned_of() {
    let command = "gpu: L40S\ncommand: [serve, --host 0.0.0.0, '-p 8000', --name=a b, '--', -c, '-x 1; y', plain text, '--flag ', -5 6]";
    insta::assert_snapshot!(lines(&pod(command)), @"
    pods.yaml:7:22: warning: several arguments in one item: this is one argument with a blank in it; write `--host` and its value as two items of the list
    pods.yaml:7:38: warning: several arguments in one item: this is one argument with a blank in it; write `-p` and its value as two items of the list
    ");
}

#[test]
fn gpus() {
    insta::assert_snapshot!(in_pod("gpu: H100 SXM:0"), @r#"
    error: invalid value
     --> pods.yaml:6:10
      |
    6 |     gpu: H100 SXM:0
      |          ^^^^^^^^^^ `H100 SXM:0`: a GPU pod has at least 1 GPU
    "#);
    insta::assert_snapshot!(in_pod("gpu: 2"), @r#"
    error: invalid value
     --> pods.yaml:6:10
      |
    6 |     gpu: 2
      |          ^ `2` names no GPU
      |
      = help: write a name, `H100 SXM:2` for two of them, or `48GB..` for any GPU with that memory
    "#);
    insta::assert_snapshot!(in_pod("gpu: [L40S:2, 48GB.., L40S, l40s]"), @"
    error: invalid value
     --> pods.yaml:6:19
      |
    6 |     gpu: [L40S:2, 48GB.., L40S, l40s]
      |                   ^^^^^^ a range of memory stands beside the list, not in it
      |
      = help: write `gpu: { any_of: [...], memory: 48GB.. }`

    error: invalid value
     --> pods.yaml:6:27
      |
    6 |     gpu: [L40S:2, 48GB.., L40S, l40s]
      |           ------          ^^^^ `L40S` stands here for the second time
      |           |
      |           first here

    error: invalid value
     --> pods.yaml:6:33
      |
    6 |     gpu: [L40S:2, 48GB.., L40S, l40s]
      |           ------ first here     ^^^^ `l40s` stands here for the second time
    ");
    insta::assert_snapshot!(in_pod("gpu: { count: 2 }"), @r#"
    error: missing key
     --> pods.yaml:6:10
      |
    6 |     gpu: { count: 2 }
      |          ^^^^^^^^^^^^ `gpu` says which GPUs: `any_of`, `memory` or both
      |
      = help: `memory: 24GB..` accepts every GPU with that much
    "#);
    insta::assert_snapshot!(in_pod("gpu: { any_of: [{ type: L40S, max_price: $2 }], memory: 80GB..48GB }"), @r#"
    error: invalid value
     --> pods.yaml:6:46
      |
    6 |     gpu: { any_of: [{ type: L40S, max_price: $2 }], memory: 80GB..48GB }
      |                                              ^^ `$2` is no price in USD an hour
      |
    help: write
      |
    6 -     gpu: { any_of: [{ type: L40S, max_price: $2 }], memory: 80GB..48GB }
    6 +     gpu: { any_of: [{ type: L40S, max_price: 2 }], memory: 80GB..48GB }
      |

    error: invalid size
     --> pods.yaml:6:61
      |
    6 |     gpu: { any_of: [{ type: L40S, max_price: $2 }], memory: 80GB..48GB }
      |                                                             ^^^^^^^^^^ the lower bound is above the upper
      |
    help: write
      |
    6 -     gpu: { any_of: [{ type: L40S, max_price: $2 }], memory: 80GB..48GB }
    6 +     gpu: { any_of: [{ type: L40S, max_price: $2 }], memory: 48GB..80GB }
      |
    "#);
}

#[test]
fn gpus_as_other_tools_write_them_lead_to_what_is_written_here() {
    let said = |gpu: &&str| {
        let said = lines(&pod(&format!("gpu: {gpu}"))).replace("pods.yaml:6:", "");
        format!("{gpu}\n  {}", if said.is_empty() { "taken" } else { &said }.replace('\n', "\n  "))
    };
    let gpus = [
        "RTX4090",
        "A100-80GB",
        "[RTX4090, L4]",
        "[RTX4O90, L4]",
        "{ L4: 1, A100: 1 }",
        "{L4:1, A10G:1}",
        "{ L4: 1, A100: 2 }",
        "[L4:1, A100:1]",
        "[L4:1, A100:2]",
        "[{ L4: 1 }, { A100: 1 }]",
        "[L4:1, A100]",
        "{ any_of: [L4:2, A40:2] }",
        "24GB:2",
        "24GB..:2",
        "A100:80GB:2",
        "[24GB:2]",
        "H100:1..2",
        "H100:2..",
        "H100:4..2",
        "H100:17",
        "H100:0..2",
        "48GB..:2..4",
        "48GB:2..4:1",
        "48GB:17",
        "48GB:4..2",
        "L4..:2",
        "{ any_of: [L4], count: 1-3 }",
        "[{ type: L4, count: 2 }, { type: A100, count: 1..2, max_price: 3 }]",
        "[{ type: L4:2 }]",
        "[L4:1, L4:2..4, L4:3]",
        "[L4, L4:2]",
        "{ any_of: [L4, A40:1], count: 2..4 }",
        "{ any_of: [L4], count: ..0 }",
        "{ any_of: [L4], count: '2' }",
        "false",
        "none",
        "0",
        "{ type: L4 }",
        "{ type: L4, count: 2 }",
        "{ name: L4, count: 1..2 }",
        "{ id: NVIDIA L40S, count: 2, max_price: 3 }",
        "{ type: L4, memory: 24GB }",
        "{ type: [L4, A40], count: 2 }",
        "{ count: 2 }",
    ];
    insta::assert_snapshot!(gpus.iter().map(said).collect::<Vec<_>>().join("\n"), @"
    RTX4090
      taken
    A100-80GB
      taken
    [RTX4090, L4]
      taken
    [RTX4O90, L4]
      11: warning: unknown GPU: `RTX4O90` is not in RunPod's table of 2026-02-12; did you mean `RTX 4090`?
    { L4: 1, A100: 1 }
      10: error: invalid value: GPUs with a number each are a list; write `gpu: [L4:1, A100:1]`
    {L4:1, A10G:1}
      10: error: invalid value: GPUs with a number each are a list; write `gpu: [L4:1, A10G:1]`
    { L4: 1, A100: 2 }
      10: error: invalid value: GPUs with a number each are a list; write `gpu: [L4:1, A100:2]`
    [L4:1, A100:1]
      taken
    [L4:1, A100:2]
      taken
    [{ L4: 1 }, { A100: 1 }]
      10: error: invalid value: GPUs with a number each are a list; write `gpu: [L4:1, A100:1]`
    [L4:1, A100]
      taken
    { any_of: [L4:2, A40:2] }
      taken
    24GB:2
      taken
    24GB..:2
      taken
    A100:80GB:2
      10: error: invalid value: `A100:80GB:2`: memory stands in a key of its own; write: `{ any_of: [A100], memory: 80GB, count: 2 }`
    [24GB:2]
      11: error: invalid value: a range of memory stands beside the list, not in it; write `gpu: 24GB:2`, or `gpu: { any_of: [...], memory: 48GB, count: 2 }`
    H100:1..2
      taken
    H100:2..
      taken
    H100:4..2
      10: error: invalid value: the lower bound is above the upper; write: `H100:2..4`
    H100:17
      10: error: invalid value: `H100:17` is no `NAME:COUNT`; write a name, `H100 SXM:2` for two of them, or `48GB..` for any GPU with that memory
    H100:0..2
      10: error: invalid value: `0..2` is no number of GPUs from 1 to 16; write `2`, `2..4` for two to four, `2..` for two or more, `..4` for four or less
    48GB..:2..4
      taken
    48GB:2..4:1
      10: error: invalid value: `48GB:2..4:1`: memory stands in a key of its own; write `gpu: { any_of: [NAME], memory: 80GB, count: 2 }`
    48GB:17
      10: error: invalid value: `17` is no number of GPUs from 1 to 16; write `2`, `2..4` for two to four, `2..` for two or more, `..4` for four or less
    48GB:4..2
      10: error: invalid value: the lower bound is above the upper; write: `48GB:2..4`
    L4..:2
      10: error: invalid value: `L4..:2` is no `NAME:COUNT`; write a name, `H100 SXM:2` for two of them, or `48GB..` for any GPU with that memory
    { any_of: [L4], count: 1-3 }
      33: error: invalid value: `1-3` is no number of GPUs from 1 to 16; write `2`, `2..4` for two to four, `2..` for two or more, `..4` for four or less
    [{ type: L4, count: 2 }, { type: A100, count: 1..2, max_price: 3 }]
      taken
    [{ type: L4:2 }]
      19: error: invalid value: the number of GPUs stands beside `type`, not in it; write `{ type: L4, count: 2 }`
    [L4:1, L4:2..4, L4:3]
      26: error: invalid value: `L4` stands here for the second time
    [L4, L4:2]
      15: error: invalid value: `L4` stands here for the second time
    { any_of: [L4, A40:1], count: 2..4 }
      taken
    { any_of: [L4], count: ..0 }
      33: error: invalid value: `..0` is no number of GPUs from 1 to 16; write `2`, `2..4` for two to four, `2..` for two or more, `..4` for four or less
    { any_of: [L4], count: '2' }
      33: error: wrong type: expected a whole number, found a text; write: `2`
    false
      10: error: invalid value: `false` names no GPU; a pod without a GPU has `cpu: { flavors: [cpu5c], vcpus: 8 }` in its place
    none
      10: error: invalid value: `none` names no GPU; a pod without a GPU has `cpu: { flavors: [cpu5c], vcpus: 8 }` in its place
    0
      10: error: invalid value: `0` names no GPU; a pod without a GPU has `cpu: { flavors: [cpu5c], vcpus: 8 }` in its place
    { type: L4 }
      12: error: unknown key: `gpu` has no `type`; write `gpu: L4`
    { type: L4, count: 2 }
      12: error: unknown key: `gpu` has no `type`; write `gpu: L4:2`
    { name: L4, count: 1..2 }
      12: error: unknown key: `gpu` has no `name`; write `gpu: L4:1..2`
    { id: NVIDIA L40S, count: 2, max_price: 3 }
      12: error: unknown key: `gpu` has no `id`; write `gpu: [{ type: NVIDIA L40S, count: 2, max_price: 3 }]`
    { type: L4, memory: 24GB }
      12: error: unknown key: `gpu` has no `type`; it is written `any_of: [NAME]` here
    { type: [L4, A40], count: 2 }
      12: error: unknown key: `gpu` has no `type`; it is written `any_of: [NAME]` here
    { count: 2 }
      10: error: missing key: `gpu` says which GPUs: `any_of`, `memory` or both; `memory: 24GB..` accepts every GPU with that much
    ");
}

#[test]
fn cuda() {
    insta::assert_snapshot!(in_pod("gpu: L40S\ncuda: 12.4"), @r#"
    error: invalid value
     --> pods.yaml:7:11
      |
    7 |     cuda: 12.4
      |           ^^^^ `12.4` is no CUDA limit
      |
    help: write
      |
    7 -     cuda: 12.4
    7 +     cuda: ">=12.4"
      |
    help: `["12.4"]` accepts exactly that version
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\ncuda: [12]"), @r#"
    error: invalid value
     --> pods.yaml:7:12
      |
    7 |     cuda: [12]
      |            ^^ `12` is no CUDA version such as `12.4`
    "#);
}

#[test]
fn commands() {
    insta::assert_snapshot!(in_pod("gpu: L40S\ncommand: --port 8000"), @r#"
    error: wrong type
     --> pods.yaml:7:14
      |
    7 |     command: --port 8000
      |              ^^^^^^^^^^^ expected a list of arguments, such as `["--port", "8000"]`, found a text
      |
    help: write
      |
    7 -     command: --port 8000
    7 +     command: ["--port", "8000"]
      |
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\ncommand: bash -c 'a && b'"), @r#"
    error: wrong type
     --> pods.yaml:7:14
      |
    7 |     command: bash -c 'a && b'
      |              ^^^^^^^^^^^^^^^^ expected a list of arguments, such as `["--port", "8000"]`, found a text
      |
      = help: a shell script is written `[bash, -c, "first && second"]`
    "#);
}

#[test]
fn env() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nenv:\n- A=b\n"), @r#"
    error: wrong type
     --> pods.yaml:8:7
      |
    8 |     - A=b
      |       ^^^ expected a map such as `KEY: value`, found a list
      |
      = help: write `KEY: value` in place of `- KEY=value`
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\nenv: { 1A: x, PODFORM_MARK: y, B: [c], C: { value: d } }"), @r#"
    error: invalid name
     --> pods.yaml:7:12
      |
    7 |     env: { 1A: x, PODFORM_MARK: y, B: [c], C: { value: d } }
      |            ^^ `1A` is no name of a variable: letters, digits and `_`

    error: invalid name
     --> pods.yaml:7:19
      |
    7 |     env: { 1A: x, PODFORM_MARK: y, B: [c], C: { value: d } }
      |                   ^^^^^^^^^^^^ `PODFORM_MARK` is how podform finds its pods again, and it sets it itself

    error: wrong type
     --> pods.yaml:7:39
      |
    7 |     env: { 1A: x, PODFORM_MARK: y, B: [c], C: { value: d } }
      |                                       ^^^ expected a text or `{ secret: NAME }`, found a list

    error: not supported yet
     --> pods.yaml:7:49
      |
    7 |     env: { 1A: x, PODFORM_MARK: y, B: [c], C: { value: d } }
      |                                                 ^^^^^ a value of `env` has no `value`
      |
      = help: write the value itself: `KEY: value`
    "#);
    let many: String = (0..49).map(|n| format!("  K{n}: v\n")).collect();
    insta::assert_snapshot!(in_pod(&format!("gpu: L40S\nenv:\n{many}")), @r#"
    error: invalid value
      --> pods.yaml:56:7
       |
    56 |       K48: v
       |       ^^^ a pod has at most 48 variables, and this has 49
       |
       = help: RunPod takes 50, of which podform and SSH need one each
    "#);
}

#[test]
fn mounts() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nvolumes: [./data:/data]"), @r#"
    error: invalid value
     --> pods.yaml:7:15
      |
    7 |     volumes: [./data:/data]
      |               ^^^^^^^^^^^^ `./data:/data`: a pod has no folders of your machine
      |
      = help: write `NAME:/path` for a volume of the top-level `volumes:`, or `{ local: 100GB, path: /workspace }`
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\nvolumes: [models]"), @r#"
    error: invalid value
     --> pods.yaml:7:15
      |
    7 |     volumes: [models]
      |               ^^^^^^ `models` is no `NAME:/path`
      |
      = help: write `NAME:/path` for a volume of the top-level `volumes:`, or `{ local: 100GB, path: /workspace }`
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\nvolumes: [models:/models:ro]"), @r#"
    error: invalid value
     --> pods.yaml:7:15
      |
    7 |     volumes: [models:/models:ro]
      |               ^^^^^^^^^^^^^^^^^ `:ro`: RunPod mounts every volume for reading and writing
      |
    help: write
      |
    7 -     volumes: [models:/models:ro]
    7 +     volumes: [models:/models]
      |
    "#);
    insta::assert_snapshot!(in_pod("gpu: L40S\nvolumes: [models:models]"), @r#"
    error: invalid value
     --> pods.yaml:7:15
      |
    7 |     volumes: [models:models]
      |               ^^^^^^^^^^^^^ `models` is no absolute path inside the pod
    "#);
}

#[test]
fn nothing_is_mounted_over_the_whole_container() {
    let head = "version: 1\nproject: demo\nvolumes: { v: { size: 10GB, data_center: EU-RO-1 } }\npods:\n";
    for path in ["/", "//", "/./"] {
        insta::allow_duplicates! {
            let network = format!("{head}  a: {{ image: 'x/y', gpu: L4, volumes: ['v:{path}'] }}\n");
            insta::assert_snapshot!(lines(&network).replace(&format!("`{path}`"), "PATH"), @"pods.yaml:5:41: error: invalid value: PATH is the whole container, and nothing can be mounted over it; mount below it, at a path such as `/workspace`");
            let local = format!("{head}  a: {{ image: 'x/y', gpu: L4, volumes: [{{ local: 10GB, path: '{path}' }}] }}\n");
            insta::assert_snapshot!(lines(&local).replace(&format!("`{path}`"), "PATH"), @"pods.yaml:5:62: error: invalid value: PATH is the whole container, and nothing can be mounted over it; mount below it, at a path such as `/workspace`");
        }
    }
}

#[test]
fn countries() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nplacement: { countries: [ro, Norway] }"), @r#"
    error: invalid value
     --> pods.yaml:7:30
      |
    7 |     placement: { countries: [ro, Norway] }
      |                              ^^ a country code is upper-case
      |
    help: write
      |
    7 -     placement: { countries: [ro, Norway] }
    7 +     placement: { countries: [RO, Norway] }
      |

    error: invalid value
     --> pods.yaml:7:34
      |
    7 |     placement: { countries: [ro, Norway] }
      |                                  ^^^^^^ `Norway` is no country code of two letters
    "#);
}

#[test]
fn ignored_changes() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nlifecycle: { ignore_changes: [state, imgae, image] }"), @r#"
    error: invalid value
     --> pods.yaml:7:35
      |
    7 |     lifecycle: { ignore_changes: [state, imgae, image] }
      |                                   ^^^^^ `state` is no field whose differences can be left alone
      |
      = help: a pod that others started or stopped is brought back to its `state`

    error: invalid value
     --> pods.yaml:7:42
      |
    7 |     lifecycle: { ignore_changes: [state, imgae, image] }
      |                                          ^^^^^ `imgae` is no field whose differences can be left alone
      |
    help: did you mean
      |
    7 -     lifecycle: { ignore_changes: [state, imgae, image] }
    7 +     lifecycle: { ignore_changes: [state, image, image] }
      |
    "#);
}

/// A value in the place of the variable would be one that the variable does not change any more.
#[test]
fn a_wrong_value_of_a_variable_is_mended_there() {
    let vars = "version: 1\nproject: demo\nvars: { SSH: 'yes', DISK: '60', STATE: stoped, N: '3' }\npods:\n";
    let pods = "  llm: { image: 'a/b:1', gpu: L4, ssh: '${SSH}', disk: '${DISK}', state: '${STATE}', jupyter: yes }\n";
    assert_snapshot!(lines(&format!("{vars}{pods}")), @"
    pods.yaml:5:40: error: wrong type: expected `true` or `false`, found a text; `${SSH}` should make this `true`
    pods.yaml:5:56: error: invalid size: `60` is no size such as `60GB`; `${DISK}` should make this `60GB`
    pods.yaml:5:74: error: invalid value: expected `running` or `stopped`, found `stoped`; `${STATE}` should make this `stopped`
    pods.yaml:5:95: error: wrong type: expected `true` or `false`, found a text; write: `true`
    ");
}

#[test]
fn a_section_without_anything_under_it_is_said_to_have_no_value() {
    let said = |section: &str| lines(&format!("version: 1\nproject: demo\n{section}:\n"));
    assert_snapshot!(["pods", "vars", "defaults", "volumes"].map(said).join("\n"), @"
    pods.yaml:3:1: error: wrong type: `pods` has no value; give it a value or delete the line; `null` deletes a key of an earlier file or of `defaults`
    pods.yaml:3:1: error: wrong type: `vars` has no value; give it a value or delete the line; `null` deletes a key of an earlier file or of `defaults`
    pods.yaml:3:1: error: wrong type: `defaults` has no value; give it a value or delete the line; `null` deletes a key of an earlier file or of `defaults`
    pods.yaml:3:1: error: wrong type: `volumes` has no value; give it a value or delete the line; `null` deletes a key of an earlier file or of `defaults`
    ");
}
