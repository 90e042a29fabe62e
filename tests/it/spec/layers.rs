//! Several files, defaults, variables, profiles.

use podform::spec::Form;

use super::{Case, mistakes, rendered, with_head};

const BASE: &str = "\
version: 1
project: demo
defaults: { cloud: secure, env: { LOG: info } }
pods:
  llm: { image: a/b:1, gpu: [L40S, A40], ports: [8000], max_price: 2.00, env: { A: base, B: base } }
";

fn config(files: &[(&str, &str)]) -> String {
    let files = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    match (Case { files, ..Case::default() }).check() {
        Ok(checked) => checked.config(),
        Err(mistakes) => mistakes.render(Form::Plain),
    }
}

#[test]
fn maps_merge_lists_and_scalars_replace_and_null_deletes() {
    let over = "pods: { llm: { gpu: [A40], max_price: null, env: { B: over, C: over } } }\n";
    insta::assert_snapshot!(config(&[("base.yaml", BASE), ("over.yaml", over)]), @r#"
    version: 1
    project: demo
    provider:
      kind: runpod
      api: v2
    state_file: state/demo.db
    pods:
      llm:
        name: demo-llm
        image: a/b:1
        env:
          A: base
          B: over
          C: over
          LOG: info
        ports:
        - 8000/http
        gpu:
          any_of:
          - type: A40
          order: listed
          count: 1
        cloud: secure
        disk: 20GB
        ssh: false
        jupyter: false
        global_networking: false
        state: running
        lifecycle:
          protect: false
          on_remove: terminate
          on_replace: destroy_first
          on_stuck_resume: fail
    "#);
}

#[test]
fn mistakes_point_to_the_file_that_won() {
    let over = "pods:\n  llm: { ports: ['80:80'], depends_on: [nobody], retries: 3 }\n";
    insta::assert_snapshot!(config(&[("base.yaml", BASE), ("over.yaml", over)]), @"
    error: invalid port
     --> over.yaml:2:18
      |
    2 |   llm: { ports: ['80:80'], depends_on: [nobody], retries: 3 }
      |                  ^^^^^^^ `80:80`: RunPod picks the public port
      |
    help: write
      |
    2 -   llm: { ports: ['80:80'], depends_on: [nobody], retries: 3 }
    2 +   llm: { ports: [80/http], depends_on: [nobody], retries: 3 }
      |
    help: list the port inside the pod only

    error: undefined pod
     --> over.yaml:2:41
      |
    2 |   llm: { ports: ['80:80'], depends_on: [nobody], retries: 3 }
      |                                         ^^^^^^ `pods` has no `nobody`

    error: unknown key
     --> over.yaml:2:50
      |
    2 |   llm: { ports: ['80:80'], depends_on: [nobody], retries: 3 }
      |                                                  ^^^^^^^ a pod has no `retries`
      |
      = help: a pod has `name`, `template`, `image`, `registry`, `command`, `entrypoint`, `env`, `ports`, `gpu`, `cpu`, `cuda`, `min_vcpu`, `min_memory`, `rent`, `max_price`, `placement`, `cloud`, `disk`, `volumes`, `ssh`, `jupyter`, `global_networking`, `locked`, `depends_on`, `replicas`, `update`, `state`, `ready`, `boot`, `run`, `then`, `rerun_on`, `schedule`, `retry`, `lifecycle`, `labels`, `profiles` and `...
    ");
    let over = "pods:\n  llm: { cpu: { flavors: [cpu5c], vcpus: 2 } }\n";
    insta::assert_snapshot!(config(&[("base.yaml", BASE), ("over.yaml", over)]), @r#"
    error: conflicting keys
     --> over.yaml:2:15
      |
    2 |   llm: { cpu: { flavors: [cpu5c], vcpus: 2 } }
      |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the pod `llm` has both `gpu` and `cpu`
      |
     ::: base.yaml:5:29
      |
    5 |   llm: { image: a/b:1, gpu: [L40S, A40], ports: [8000], max_price: 2.00, env: { A: base, B: base } }
      |                             ----------- `gpu` here
      |
      = help: keep one of them
    "#);
}

#[test]
fn null_with_nothing_to_delete_is_a_mistake() {
    insta::assert_snapshot!(config(&[("base.yaml", BASE), ("over.yaml", "pods: { llm: { disk: null } }\n")]), @r#"
    error: wrong type
     --> over.yaml:1:16
      |
    1 | pods: { llm: { disk: null } }
      |                ^^^^ `disk` has no value
      |
      = help: give it a value or delete the line; `null` deletes a key of an earlier file or of `defaults`
    "#);
}

#[test]
fn null_keeps_a_variable_out_whatever_the_layers_below_have() {
    let over = "pods: { llm: { env: { A: null, LOG: ~, NEW: null } } }\nsecrets: { env: { env: HF } }\n";
    let text = config(&[("base.yaml", BASE), ("over.yaml", over)]);
    let env: Vec<&str> = text.lines().skip_while(|line| *line != "    env:").take(6).collect();
    insta::assert_snapshot!(env.join("\n"), @"
    env:
      A: null
      B: base
      LOG: null
      NEW: null
    ports:
    ");
    let back = "pods: { llm: { env: { A: back } } }\n";
    let text = config(&[("base.yaml", BASE), ("over.yaml", over), ("back.yaml", back)]);
    assert!(text.contains("      A: back\n"), "{text}");
}

#[test]
fn what_runpod_puts_there_cannot_be_kept_out() {
    let over = "pods: { llm: { env: { PUBLIC_KEY: null, RUNPOD_POD_ID: ~, PODFORM_MARK: null } } }\n";
    insta::assert_snapshot!(config(&[("base.yaml", BASE), ("over.yaml", over)]), @"
    error: invalid value
     --> over.yaml:1:23
      |
    1 | pods: { llm: { env: { PUBLIC_KEY: null, RUNPOD_POD_ID: ~, PODFORM_MARK: null } } }
      |                       ^^^^^^^^^^ RunPod itself puts `PUBLIC_KEY` into pods, so it cannot be kept out
      |
      = help: delete the line

    error: invalid value
     --> over.yaml:1:41
      |
    1 | pods: { llm: { env: { PUBLIC_KEY: null, RUNPOD_POD_ID: ~, PODFORM_MARK: null } } }
      |                                         ^^^^^^^^^^^^^ RunPod itself puts `RUNPOD_POD_ID` into pods, so it cannot be kept out
      |
      = help: delete the line

    error: invalid name
     --> over.yaml:1:59
      |
    1 | pods: { llm: { env: { PUBLIC_KEY: null, RUNPOD_POD_ID: ~, PODFORM_MARK: null } } }
      |                                                           ^^^^^^^^^^^^ `PODFORM_MARK` is how podform finds its pods again, and it sets it itself
    ");
}

#[test]
fn all_files_are_read_before_anything_is_said() {
    insta::assert_snapshot!(config(&[("a.yaml", "a: [\n"), ("b.yaml", ""), ("c.yaml", "a: 1\na: 2\n")]), @r#"
    error: the file is empty: `b.yaml` holds no keys
     |
     = help: a spec begins with `version: 1` and `project: NAME`; `podform init` writes one with comments

    error: invalid YAML
     --> a.yaml:1:4
      |
    1 | a: [
      |    ^ the `[` is never closed

    error: duplicate key
     --> c.yaml:2:1
      |
    1 | a: 1
      | - first here
    2 | a: 2
      | ^ `a` stands here for the second time
    "#);
}

#[test]
fn a_mistake_in_defaults_is_told_once() {
    insta::assert_snapshot!(with_head("\
defaults: { ports: ['80:80'], colour: red, env: { A: '${B}' } }
pods:
  a: { image: a, gpu: L40S }
  b: { image: a, gpu: L40S }
"), @r#"
    error: invalid port
     --> pods.yaml:3:21
      |
    3 | defaults: { ports: ['80:80'], colour: red, env: { A: '${B}' } }
      |                     ^^^^^^^ `80:80`: RunPod picks the public port
      |
    help: write
      |
    3 - defaults: { ports: ['80:80'], colour: red, env: { A: '${B}' } }
    3 + defaults: { ports: [80/http], colour: red, env: { A: '${B}' } }
      |
    help: list the port inside the pod only

    error: unknown key
     --> pods.yaml:3:31
      |
    3 | defaults: { ports: ['80:80'], colour: red, env: { A: '${B}' } }
      |                               ^^^^^^ a pod has no `colour`
      |
    help: did you mean
      |
    3 - defaults: { ports: ['80:80'], colour: red, env: { A: '${B}' } }
    3 + defaults: { ports: ['80:80'], cloud: red, env: { A: '${B}' } }
      |

    error: undefined variable
     --> pods.yaml:3:55
      |
    3 | defaults: { ports: ['80:80'], colour: red, env: { A: '${B}' } }
      |                                                       ^^^^ `B` has no value
      |
      = help: define `B` under `vars:`, or give `--var B=VALUE`; write `$${B}` to send `${B}` itself
    "#);
    insta::assert_snapshot!(with_head("defaults: { ssh: maybe }\n"), @r#"
    error: wrong type
     --> pods.yaml:3:18
      |
    3 | defaults: { ssh: maybe }
      |                  ^^^^^ expected `true` or `false`, found a text
    "#);
}

#[test]
fn a_pod_of_its_own_kind_drops_the_machine_of_the_defaults() {
    insta::assert_snapshot!(config(&[("pods.yaml", "\
version: 1
project: demo
defaults:
  image: a
  gpu: L40S
  cuda: '>=12.4'
  min_vcpu: 4
  min_memory: 16GB
  retry: { for: 2h, widen: [{ after: 30m, gpu: L4 }] }
pods:
  prep: { cpu: { flavors: [cpu5c], vcpus: 2 } }
")]), @r#"
    version: 1
    project: demo
    provider:
      kind: runpod
      api: v2
    state_file: state/demo.db
    pods:
      prep:
        name: demo-prep
        image: a
        cpu:
          flavors:
          - cpu5c
          vcpus: 2
        cloud: secure
        disk: 20GB
        ssh: false
        jupyter: false
        global_networking: false
        state: running
        retry:
          for: 2h
          every: 1m
        lifecycle:
          protect: false
          on_remove: terminate
          on_replace: destroy_first
          on_stuck_resume: fail
    "#);
}

/// Inside braces YAML wants quotes around a variable.
#[test]
fn a_quoted_variable_is_a_number_where_one_is_expected_and_a_text_elsewhere() {
    let spec = |count: &str| {
        format!(
            "version: 1\nproject: demo\nvars: {{ N: 2 }}\ndefaults: {{ image: a/b:1, gpu: L4 }}\npods:\n  \
             llm: {{ replicas: {{ count: {count} }}, env: {{ A: \"${{N}}\" }}, lifecycle: {{ protect: \"${{P:-true}}\" }} }}\n"
        )
    };
    let found = config(&[("pods.yaml", &spec("\"${N}\""))]);
    let lines = |wanted: &[&str]| {
        let all = found.lines().map(str::trim);
        all.filter(|line| wanted.iter().any(|key| line.starts_with(key))).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(lines(&["replicas", "count", "A", "protect"]), @"
    A: '2'
    count: 1
    replicas: 2
    protect: true
    ");
    insta::assert_snapshot!(mistakes(&spec("\"2\"")), @r#"
    error: wrong type
     --> pods.yaml:6:29
      |
    6 |   llm: { replicas: { count: "2" }, env: { A: "${N}" }, lifecycle: { protect: "${P:-true}" } }
      |                             ^^^ expected a whole number, found a text
      |
    help: write
      |
    6 -   llm: { replicas: { count: "2" }, env: { A: "${N}" }, lifecycle: { protect: "${P:-true}" } }
    6 +   llm: { replicas: { count: 2 }, env: { A: "${N}" }, lifecycle: { protect: "${P:-true}" } }
      |
    "#);
    insta::assert_snapshot!(mistakes(&spec("\"${N}x\"")), @r#"
    error: wrong type
     --> pods.yaml:6:29
      |
    6 |   llm: { replicas: { count: "${N}x" }, env: { A: "${N}" }, lifecycle: { protect: "${P:-true}" } }
      |                             ^^^^^^^ expected a whole number, found a text
    "#);
}

#[test]
fn a_layer_leaves_replicas_out_of_a_number_below() {
    let base =
        "version: 1\nproject: demo\ndefaults: { image: a/b:1, gpu: L4 }\npods: { llm: { replicas: 3 } }\n";
    let found = |over: &str| {
        let config = config(&[("pods.yaml", base), ("over.yaml", over)]);
        config.lines().skip_while(|line| !line.contains("replicas")).take(4).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(found("pods: { llm: { replicas: { without: [1] } } }"), @"
    replicas:
      count: 3
      without:
      - 1
    ");
    insta::assert_snapshot!(found("pods: { llm: { replicas: { count: 5, without: [1] } } }"), @"
    replicas:
      count: 5
      without:
      - 1
    ");
    insta::assert_snapshot!(found("pods: { llm: { replicas: 2 } }"), @"
    replicas: 2
    state: running
    lifecycle:
      protect: false
    ");
}

#[test]
fn variables_come_from_three_places() {
    let text = "\
version: 1
project: demo
vars: { TAG: file, COUNT: 2, GREETING: 'say \"hi\": {x}' }
pods:
  llm:
    image: a/b:${TAG}
    gpu: L40S
    replicas: ${COUNT}
    env: { A: '${GREETING}', B: '${NOWHERE:-default}', C: '$${TAG} $TAG', D: '${EMPTY:-}' }
";
    let case = |vars, environment_vars| {
        let case =
            Case { files: vec![("pods.yaml", text.as_bytes())], vars, environment_vars, ..Case::default() };
        let config = case.check().unwrap().config();
        config.lines().find(|line| line.contains("image:")).unwrap().trim().to_owned()
    };
    assert_eq!(case(&[], &[]), "image: a/b:file");
    assert_eq!(case(&[], &[("TAG", "environment")]), "image: a/b:environment");
    assert_eq!(case(&[("TAG", "given")], &[("TAG", "environment")]), "image: a/b:given");
    insta::assert_snapshot!(config(&[("pods.yaml", text)]), @r#"
    version: 1
    project: demo
    provider:
      kind: runpod
      api: v2
    state_file: state/demo.db
    pods:
      llm:
        name: demo-llm
        image: a/b:file
        env:
          A: 'say "hi": {x}'
          B: default
          C: $${TAG} $TAG
          D: ''
        gpu:
          any_of:
          - type: L40S
          order: listed
          count: 1
        cloud: secure
        disk: 20GB
        ssh: false
        jupyter: false
        global_networking: false
        replicas: 2
        state: running
        lifecycle:
          protect: false
          on_remove: terminate
          on_replace: destroy_first
          on_stuck_resume: fail
    "#);
}

#[test]
fn variables_that_cannot_be_replaced() {
    insta::assert_snapshot!(mistakes("\
version: 1
project: demo
vars: { TAG: v1, USES: '${TAG}', 1X: y, REPLICA: 0 }
pods:
  llm:
    image: a/b:${TAGG}
    gpu: L40S
    env:
      A: \"${HOME}\"
      B: ${HOST:?set it to the host of the proxy}
      C: ${TAG-x}
      D: ${TAG
      E: ${REPLICA}
      F: one ${TAG} two ${TWO} three ${THREE}
  many:
    image: a
    gpu: L40S
    replicas: 2
    ports: ['80${REPLICA}/http']
"), @r#"
    error: invalid interpolation
     --> pods.yaml:3:24
      |
    3 | vars: { TAG: v1, USES: '${TAG}', 1X: y, REPLICA: 0 }
      |                        ^^^^^^^^ a variable cannot use another variable

    error: invalid name
     --> pods.yaml:3:34
      |
    3 | vars: { TAG: v1, USES: '${TAG}', 1X: y, REPLICA: 0 }
      |                                  ^^ `1X` is no name of a variable: letters, digits and `_`

    error: invalid name
     --> pods.yaml:3:41
      |
    3 | vars: { TAG: v1, USES: '${TAG}', 1X: y, REPLICA: 0 }
      |                                         ^^^^^^^ `REPLICA` is the number of a replica and cannot be defined

    error: undefined variable
     --> pods.yaml:6:16
      |
    6 |     image: a/b:${TAGG}
      |                ^^^^^^^ `TAGG` has no value
      |
      = help: did you mean `${TAG}`?

    error: undefined variable
     --> pods.yaml:9:11
      |
    9 |       A: "${HOME}"
      |           ^^^^^^^ `HOME` has no value
      |
      = help: define `HOME` under `vars:`, or give `--var HOME=VALUE`; write `$${HOME}` to send `${HOME}` itself

    error: undefined variable
      --> pods.yaml:10:10
       |
    10 |       B: ${HOST:?set it to the host of the proxy}
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `HOST`: set it to the host of the proxy
       |
       = help: define `HOST` under `vars:`, or give `--var HOST=VALUE`

    error: invalid interpolation
      --> pods.yaml:11:10
       |
    11 |       C: ${TAG-x}
       |          ^^^^^^^^ `${TAG-x}` is no variable
       |
       = help: write `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, or `$${` for `${` itself

    error: invalid interpolation
      --> pods.yaml:12:10
       |
    12 |       D: ${TAG
       |          ^^ `${` without its `}`
       |
       = help: write `$${` where `${` itself is meant

    error: invalid interpolation
      --> pods.yaml:13:10
       |
    13 |       E: ${REPLICA}
       |          ^^^^^^^^^^ `${REPLICA}` is the number of a replica, and this is no pod with `replicas`

    error: undefined variable
      --> pods.yaml:14:25
       |
    14 |       F: one ${TAG} two ${TWO} three ${THREE}
       |                         ^^^^^^ `TWO` has no value
       |
       = help: define `TWO` under `vars:`, or give `--var TWO=VALUE`; write `$${TWO}` to send `${TWO}` itself

    error: undefined variable
      --> pods.yaml:14:38
       |
    14 |       F: one ${TAG} two ${TWO} three ${THREE}
       |                                      ^^^^^^^^ `THREE` has no value
       |
       = help: define `THREE` under `vars:`, or give `--var THREE=VALUE`; write `$${THREE}` to send `${THREE}` itself

    error: invalid interpolation
      --> pods.yaml:19:13
       |
    19 |     ports: ['80${REPLICA}/http']
       |             ^^^^^^^^^^^^^^^^^^^ `${REPLICA}` can stand in texts only: `name`, `image`, `command`, `env`, `labels` and paths
    "#);
}

#[test]
fn a_given_variable_that_nothing_uses() {
    let text = "version: 1\nproject: demo\npods: {}\n";
    let files = vec![("pods.yaml", text.as_bytes())];
    let case = Case { files, vars: &[("TAGG", "x")], environment_vars: &[("OTHER", "y")], ..Case::default() };
    insta::assert_snapshot!(rendered(case.load()), @"warning: unused variable: nothing uses `TAGG`");
}

#[test]
fn profiles_select_and_the_rest_is_out_of_scope() {
    let text = "\
version: 1
project: demo
pods:
  always: { image: a, gpu: L40S, depends_on: [dev] }
  dev: { image: a, gpu: L40S, profiles: [dev], replicas: 2 }
  prod: { image: a, gpu: L40S, profiles: [prod, staging] }
";
    let scope = |profiles| {
        let case = Case { files: vec![("pods.yaml", text.as_bytes())], profiles, ..Case::default() };
        let desired = case.load().unwrap().desired;
        let list = |addresses: Vec<String>| addresses.join(" ");
        format!(
            "{} | {}",
            list(desired.wanted.keys().map(ToString::to_string).collect()),
            list(desired.out_of_scope.keys().map(ToString::to_string).collect())
        )
    };
    assert_eq!(scope(&[]), "always | dev[0] dev[1] prod");
    assert_eq!(scope(&["dev"]), "always dev[0] dev[1] | prod");
    assert_eq!(scope(&["staging", "dev"]), "always dev[0] dev[1] prod | ");
}

#[test]
fn a_variable_without_a_value_is_one_mistake() {
    let spec = "\
version: ${A}
project: ${A}
provider: { kind: '${A:?say where}' }
volumes: { v: { size: '${A}', data_center: '${A}' } }
secrets: { s: '${A}' }
pods:
  llm:
    image: x/y:${A:?set the tag}
    command: ${A}
    ports: ${A}
    env: { K: '${A}', S: { secret: '${A}' } }
    gpu: { any_of: ['${A}'], count: '${A}' }
    max_price: ${A}
    disk: ${A}
    volumes: ['${A}:/v']
    replicas: ${A}
    ssh: ${A}
    state: ${A}
    depends_on: ['${A}']
";
    insta::assert_snapshot!(super::lines(spec), @"
    pods.yaml:1:10: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:2:10: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:3:20: error: undefined variable: `A`: say where; define `A` under `vars:`, or give `--var A=VALUE`
    pods.yaml:4:24: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:4:45: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:5:16: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:8:16: error: undefined variable: `A`: set the tag; define `A` under `vars:`, or give `--var A=VALUE`
    pods.yaml:9:14: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:10:12: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:11:16: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:11:37: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:12:22: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:12:38: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:13:16: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:14:11: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:15:16: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:16:15: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:17:10: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:18:12: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    pods.yaml:19:19: error: undefined variable: `A` has no value; define `A` under `vars:`, or give `--var A=VALUE`; write `$${A}` to send `${A}` itself
    ");
}

#[test]
fn an_empty_variable_is_named_where_it_leaves_nothing() {
    let spec = "version: 1\nproject: demo\nvars: { N: '', TAG: '' }\npods:\n  llm:\n    image: x/y:${TAG:?set the tag}\n    gpu: L4\n    replicas: ${N}\n    name: ${N}\n";
    insta::assert_snapshot!(super::lines(spec), @"
    pods.yaml:6:16: error: undefined variable: `TAG`: set the tag; `TAG` has an empty value; give it another one under `vars:` or by `--var TAG=VALUE`
    pods.yaml:8:5: error: wrong type: `replicas` has no value; `${N}` is empty
    pods.yaml:9:5: error: wrong type: `name` has no value; `${N}` is empty
    ");
}

#[test]
fn keys_for_anchors_mean_nothing_by_themselves() {
    let spec = "\
version: 1
project: demo
x-gpu: &gpu { any_of: [L40S], count: 2 }
x-anything: ['${UNSET}', { nothing: true }]
pods:
  a: { image: x/y, gpu: *gpu }
  b: { image: x/y, gpu: { <<: *gpu, count: 1 } }
";
    insta::assert_snapshot!(super::lines(spec), @"");
    let in_a_pod = super::lines(&super::pod("gpu: L4\nx-note: 1"));
    insta::assert_snapshot!(in_a_pod, @"pods.yaml:7:5: error: unknown key: a pod has no `x-note`; keys for anchors, which begin with `x-`, stand at the top of the file");
}
