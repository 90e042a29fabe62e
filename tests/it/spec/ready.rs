//! `ready` and `boot`: what is asked, and what cannot be.

use super::{in_pod, lines, mistakes, pod};

const HEAD: &str = "gpu: L40S\nports: [8000/http, 22/tcp]\n";

fn told(more: &str) -> String {
    lines(&pod(&format!("{HEAD}{more}")))
}

#[test]
fn what_can_be_asked_is_taken() {
    for more in [
        "ready: { http: 8000/health, within: 10m, status: [200, 401] }",
        "ready: { http: 8000 }",
        "ready: { http: 8000/a/b?c=d, within: 90s }",
        "ready: { tcp: 22 }",
        "ready: { tcp: 22/tcp, within: 2h }",
        "ready: { log: startup complete }",
        "boot: { within: 8m, else: next_candidate }",
        "boot: { within: 1h, else: fail }\nready: { tcp: 22 }",
    ] {
        assert_eq!(told(more), "", "{more}");
    }
}

#[test]
fn what_cannot_be_asked_is_told_where_it_stands() {
    let said: Vec<String> = [
        "ready: {}",
        "ready: 8000/health",
        "ready: { http: 8000/health, tcp: 22 }",
        "ready: { http: 9000/health }",
        "ready: { http: 22/health }",
        "ready: { tcp: 8000 }",
        "ready: { tcp: 70000 }",
        "ready: { http: 'https://x.proxy.runpod.net/health' }",
        "ready: { http: '8000/../v2' }",
        "ready: { http: 8000/health, status: [] }",
        "ready: { http: 8000/health, status: [99] }",
        "ready: { tcp: 22, status: [200] }",
        "ready: { tcp: 22, within: 10 }",
        "ready: { tcp: 22, within: 0s }",
        "ready: { tcp: 22, within: 400d }",
        "ready: { log: '' }",
        "ready: { log: hf_abcdefghijklmnopqrstuvwxyz0123 }",
        "ready: { tcp: 22, interval: 5s }",
        "ready: { tcp: 22, timeout: 5s }",
        "boot: 8m",
        "boot: { within: 8m }",
        "boot: { within: 8m, else: retry }",
        "boot: { within: 8m, else: fail }\nvolumes: [{ local: 10GB, path: /data }]",
        "boot: { within: 8m, else: fail }\nlifecycle: { protect: true }",
        "healthcheck: { test: curl }",
        "readinessProbe: {}",
    ]
    .into_iter()
    .map(told)
    .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    pods.yaml:8:12: error: missing key: `ready` does not say what is asked; write `http: 8000/health`, `tcp: 22` or `log: "a line that it writes"`
    pods.yaml:8:12: error: wrong type: expected a map such as `{ http: 8000/health }`, found a text
    pods.yaml:8:33: error: conflicting keys: one thing is asked of a pod; keep one of `http`, `tcp` and `log`
    pods.yaml:8:20: error: conflicting keys: `ports` has no 9000/http; add `9000/http` to `ports`
    pods.yaml:8:20: error: conflicting keys: `ports` has 22/tcp, and this asks 22/http; ask with `tcp: 22`, or publish `22/http`
    pods.yaml:8:19: error: conflicting keys: `ports` has 8000/http, and this asks 8000/tcp; ask with `http: 8000`, or publish `8000/tcp`
    pods.yaml:8:19: error: invalid port: `70000` names no port; write the port, such as `22`
    pods.yaml:8:20: error: invalid value: `https://x.proxy.runpod.net/health` is a URL, and that of a pod is known only when it is there; write the port and the path, such as `8000/health`
    pods.yaml:8:20: error: invalid value: the path of `8000/../v2` leads back; write the port and the path, such as `8000/health`
    pods.yaml:8:41: error: invalid value: an empty list takes no answer; without `status`, all answers from 200 to 399 are taken
    pods.yaml:8:42: error: invalid value: 99 is not between 200 and 599
    pods.yaml:8:23: error: conflicting keys: only the answer to `http` has a status
    pods.yaml:8:31: error: invalid value: `10` is no length of time; write a whole number and a unit, such as `90s`, `10m` or `2h`
    pods.yaml:8:31: error: invalid value: no time at all is too short; write at least `1s`
    pods.yaml:8:31: error: invalid value: `400d` is longer than a year
    pods.yaml:8:19: error: invalid value: expected a part of a line that the container writes, found an empty text
    pods.yaml:8:19: error: secret in a place that is stored and shown: this is stored, and shown in plans; name another part of the line
    pods.yaml:8:23: error: not supported yet: `ready` has no `interval`; podform chooses how often it asks
    pods.yaml:8:23: error: unknown key: `ready` has no `timeout`; it is spelled `within` here: `within`
    pods.yaml:8:11: error: wrong type: expected a map such as `{ within: 8m, else: next_candidate }`, found a text
    pods.yaml:8:11: error: missing key: `boot` needs `else`; write `boot: { within: 8m, else: next_candidate }`
    pods.yaml:8:31: error: invalid value: expected `next_candidate` or `fail`, found `retry`
    pods.yaml:8:11: error: conflicting keys: a pod with a local volume is never given up; remove `boot`, or mount a network volume
    pods.yaml:8:11: error: conflicting keys: a protected pod is never deleted, so it cannot be given up; remove `boot`, or `protect`
    pods.yaml:8:5: error: unknown key: a pod has no `healthcheck`; it is written `ready: { http: 8000/health }` here
    pods.yaml:8:5: error: unknown key: a pod has no `readinessProbe`; it is written `ready: { http: 8000/health }` here
    "#);
}

#[test]
fn a_pod_without_ports_is_told_what_to_publish() {
    insta::assert_snapshot!(in_pod("gpu: L40S\nready: { http: 8000/health }"), @"
    error: conflicting keys
     --> pods.yaml:7:20
      |
    7 |     ready: { http: 8000/health }
      |                    ^^^^^^^^^^^ the pod has no `ports`, so that 8000/http cannot be asked
      |
      = help: add `ports: [8000/http]`
    ");
}

/// A key of the defaults counts in every pod, and the mistake names the one that it does not fit.
#[test]
fn what_the_defaults_ask_may_be_left_out_in_a_pod() {
    let said = |pod: &str| {
        mistakes(&format!(
            "version: 1\nproject: demo\ndefaults: {{ image: a/b:1, gpu: L4, ready: {{ tcp: 22 }}, boot: {{ within: 8m, else: fail }} }}\npods:\n  prep: {pod}\n"
        ))
    };
    insta::assert_snapshot!(said("{ ports: [8000/http], volumes: [{ local: 90GB, path: /data }] }"), @"
    error: conflicting keys
     --> pods.yaml:3:50
      |
    3 | defaults: { image: a/b:1, gpu: L4, ready: { tcp: 22 }, boot: { within: 8m, else: fail } }
      |                                                  ^^ `ports` has no 22/tcp
    4 | pods:
    5 |   prep: { ports: [8000/http], volumes: [{ local: 90GB, path: /data }] }
      |                  ----------- the ports of the pod
      |
      = help: add `22/tcp` to `ports`, or write `ready: null` in this pod, which then asks nothing

    error: conflicting keys
     --> pods.yaml:3:62
      |
    3 | defaults: { image: a/b:1, gpu: L4, ready: { tcp: 22 }, boot: { within: 8m, else: fail } }
      |                                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^ a pod with a local volume is never given up
    4 | pods:
    5 |   prep: { ports: [8000/http], volumes: [{ local: 90GB, path: /data }] }
      |                                         ---------------------------- the local volume
      |
      = help: remove `boot`, or mount a network volume, or write `boot: null` in this pod
    ");
    insta::assert_snapshot!(said("{ lifecycle: { protect: true } }"), @"
    error: conflicting keys
     --> pods.yaml:3:50
      |
    3 | defaults: { image: a/b:1, gpu: L4, ready: { tcp: 22 }, boot: { within: 8m, else: fail } }
      |                                                  ^^ the pod has no `ports`, so that 22/tcp cannot be asked
    4 | pods:
    5 |   prep: { lifecycle: { protect: true } }
      |   ---- this pod
      |
      = help: add `ports: [22/tcp]`, or write `ready: null` in this pod, which then asks nothing

    error: conflicting keys
     --> pods.yaml:3:62
      |
    3 | defaults: { image: a/b:1, gpu: L4, ready: { tcp: 22 }, boot: { within: 8m, else: fail } }
      |                                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^ a protected pod is never deleted, so it cannot be given up
    4 | pods:
    5 |   prep: { lifecycle: { protect: true } }
      |                      ----------------- protected here
      |
      = help: remove `boot`, or `protect`, or write `boot: null` in this pod
    ");
    assert_eq!(said("{ ready: null, boot: null, lifecycle: { protect: true } }"), "");
}

#[test]
fn what_only_rest_v2_tells_is_refused_elsewhere() {
    let said: Vec<String> = ["v1", "graphql"]
        .into_iter()
        .map(|api| {
            let spec = pod(&format!("{HEAD}ready: {{ log: done }}\nboot: {{ within: 8m, else: fail }}"));
            lines(&format!("provider: {{ api: {api} }}\n{spec}"))
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    pods.yaml:9:19: error: conflicting keys: logs are read over REST v2 only; write `provider: { api: v2 }`, or ask a port with `http` or `tcp`
    pods.yaml:10:11: error: conflicting keys: whether a pod ever ran is told by REST v2 only; write `provider: { api: v2 }`, or remove `boot`
    pods.yaml:9:19: error: conflicting keys: logs are read over REST v2 only; write `provider: { api: v2 }`, or ask a port with `http` or `tcp`
    pods.yaml:10:11: error: conflicting keys: whether a pod ever ran is told by REST v2 only; write `provider: { api: v2 }`, or remove `boot`
    ");
}
