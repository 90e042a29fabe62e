//! `retry`: how long a pod waits for capacity, and what it accepts as well after a while.

use insta::assert_snapshot;

use super::{in_pod, lines, load_text, pod};

#[test]
fn a_wait_has_a_length_and_a_pace_within_bounds() {
    let said = |retry: &str| lines(&pod(&format!("gpu: L40S\nretry: {retry}")));
    let good =
        ["{ for: 2h }", "{ for: 7d, every: 1h }", "{ for: 10s, every: 10s }", "{ for: 90m, every: 45s }"];
    assert_eq!(good.map(said), [""; 4]);
    let wrong = [
        "2h",
        "true",
        "{}",
        "{ for: 2 }",
        "{ for: 2 h }",
        "{ for: 0s }",
        "{ for: 8d }",
        "{ for: 99999999999h }",
        "{ for: -1h }",
        "{ for: 30s }",
        "{ for: 2h, every: 5s }",
        "{ for: 2h, every: 2h }",
        "{ duration: 2h }",
        "{ for: 2h, on_events: [no-capacity] }",
        "{ for: 2h, widen: { after: 5m, gpu: L4 } }",
    ];
    assert_snapshot!(wrong.map(said).join("\n"), @"
    pods.yaml:7:12: error: wrong type: expected a map such as `{ for: 2h }`, found a text
    pods.yaml:7:12: error: wrong type: expected a map such as `{ for: 2h }`, found a boolean
    pods.yaml:7:12: error: missing key: `retry` does not say how long; write `for: 2h`
    pods.yaml:7:19: error: invalid value: `2` is no length of time; write a whole number and a unit, such as `90s`, `10m` or `2h`
    pods.yaml:7:19: error: invalid value: `2 h` is no length of time; write a whole number and a unit, such as `90s`, `10m` or `2h`
    pods.yaml:7:19: error: invalid value: no time at all is too short; write at least `1s`
    pods.yaml:7:19: error: invalid value: `8d` is not between 10s and 168h
    pods.yaml:7:19: error: invalid value: `99999999999h` is longer than a year
    pods.yaml:7:19: error: invalid value: `-1h` is no length of time; write a whole number and a unit, such as `90s`, `10m` or `2h`
    pods.yaml:7:19: error: invalid value: 30s is shorter than the 1m from one try to the next; add an `every` that is shorter; without it, it is 1m
    pods.yaml:7:30: error: invalid value: `5s` is not between 10s and 1h
    pods.yaml:7:30: error: invalid value: `2h` is not between 10s and 1h
    pods.yaml:7:14: error: unknown key: `retry` has no `duration`; it is spelled `for` here: `for`
    pods.yaml:7:23: error: not supported yet: `retry` has no `on_events`; podform waits for capacity only; a pod that ended is started by the next apply
    pods.yaml:7:30: error: wrong type: expected a list such as `[{ after: 30m, gpu: [H100 SXM] }]`, found a map
    ");
}

#[test]
fn what_is_accepted_later_says_what_and_when() {
    let said = |widen: &str| lines(&pod(&format!("gpu: L40S\nretry: {{ for: 2h, widen: [{widen}] }}")));
    let good = [
        "{ after: 30m, gpu: [H100 SXM, A40] }",
        "{ after: 1s, gpu: 80GB.., max_price: 3.50 }",
        "{ after: 30m, gpu: { any_of: [L4], count: 2, order: price } }, { after: 60m, gpu: H100 SXM:2 }",
    ];
    assert_eq!(good.map(said), [""; 3]);
    let wrong = [
        "{ gpu: L4 }",
        "{ after: 30m }",
        "{ after: 2h, gpu: L4 }",
        "{ after: 0s, gpu: L4 }",
        "{ after: 30m, gpu: L4, max_price: 0 }",
        "{ after: 30m, gpu: [] }",
        "{ after: 30m, cpu: cpu5c }",
        "H100 SXM",
    ];
    assert_snapshot!(wrong.map(said).join("\n"), @"
    pods.yaml:7:31: error: missing key: an entry of `widen` needs `after`; write `{ after: 30m, gpu: [H100 SXM] }`
    pods.yaml:7:31: error: missing key: an entry of `widen` needs `gpu`; write `{ after: 30m, gpu: [H100 SXM] }`
    pods.yaml:7:40: error: invalid value: by then the wait of 2h is over
    pods.yaml:7:40: error: invalid value: no time at all is too short; write at least `1s`
    pods.yaml:7:65: error: invalid value: a price is above 0; delete the key where there is no limit
    pods.yaml:7:50: error: invalid value: an empty list accepts no GPU
    pods.yaml:7:45: error: not supported yet: an entry of `widen` has no `cpu`; only the GPUs of a pod can be widened
    pods.yaml:7:31: error: wrong type: expected a map such as `{ after: 30m, gpu: [H100 SXM] }`, found a text
    ");
}

#[test]
fn a_pod_without_gpus_has_none_to_widen() {
    let cpu = "cpu: { flavors: [cpu5c], vcpus: 4 }\nretry: { for: 2h, widen: [{ after: 30m, gpu: L4 }] }";
    assert_snapshot!(in_pod(cpu), @"
    error: conflicting keys
     --> pods.yaml:7:31
      |
    6 |     cpu: { flavors: [cpu5c], vcpus: 4 }
      |          ------------------------------ a CPU pod by this
    7 |     retry: { for: 2h, widen: [{ after: 30m, gpu: L4 }] }
      |                               ^^^^^^^^^^^^^^^^^^^^^^^ only the GPUs of a pod can be widened
    ");
    assert_eq!(in_pod("cpu: { flavors: [cpu5c], vcpus: 4 }\nretry: { for: 2h }"), "");
}

/// What the pod says itself is a mistake of its own, also where the defaults say it too.
#[test]
fn what_the_defaults_widen_is_none_of_a_pod_without_gpus() {
    let cpu = |more: &str| {
        let retry = "retry: { for: 2h, widen: [{ after: 30m, gpu: L4 }] }";
        lines(&format!(
            "version: 1\nproject: demo\ndefaults: {{ image: a/b:1, {retry} }}\npods:\n  \
             prep: {{ cpu: {{ flavors: [cpu5c], vcpus: 2 }}{more} }}\n"
        ))
    };
    assert_eq!(cpu(""), "");
    assert_eq!(cpu(", retry: { every: 5m }"), "");
    assert_snapshot!(cpu(", retry: { widen: [{ after: 5m, gpu: L4 }] }"), @"pods.yaml:5:65: error: conflicting keys: only the GPUs of a pod can be widened");
}

#[test]
fn a_name_that_nothing_has_is_told_where_it_stands() {
    assert_snapshot!(in_pod("gpu: L40S\nretry: { for: 2h, widen: [{ after: 30m, gpu: [A40, H100 SMX] }] }"), @"
    warning: unknown GPU
     --> pods.yaml:7:56
      |
    7 |     retry: { for: 2h, widen: [{ after: 30m, gpu: [A40, H100 SMX] }] }
      |                                                        ^^^^^^^^ `H100 SMX` is not in RunPod's table of 2026-02-12
      |
      = help: did you mean `H100 SXM`?
    ");
}

#[test]
fn a_wait_that_is_shorter_than_one_turn_is_told_what_both_are() {
    assert_snapshot!(in_pod("gpu: L40S\nretry: { for: 5m, every: 10m }"), @"
    error: invalid value
     --> pods.yaml:7:19
      |
    7 |     retry: { for: 5m, every: 10m }
      |                   ^^         --- from here
      |                   |
      |                   5m is shorter than the 10m from one try to the next
      |
      = help: lower `every`, or raise `for`
    ");
}

#[test]
fn who_waits_for_a_host_says_how_long() {
    assert_snapshot!(in_pod("gpu: L40S\nlifecycle: { on_stuck_resume: wait }"), @"
    error: missing key
     --> pods.yaml:7:16
      |
    7 |     lifecycle: { on_stuck_resume: wait }
      |                ^^^^^^^^^^^^^^^^^^^^^^^^^ `on_stuck_resume: wait` waits as long as `retry` says, which is missing
      |
      = help: add `retry: { for: 2h }` to the pod or to `defaults`
    ");
    assert_eq!(in_pod("gpu: L40S\nlifecycle: { on_stuck_resume: wait }\nretry: { for: 2h }"), "");
}

/// What is asked of a pod is asked of it on other GPUs too, but for the price.
#[test]
fn what_is_accepted_later_has_the_limits_of_the_pod() {
    let lines = "gpu: L40S:2\ncuda: '>=12.4'\nmin_vcpu: 8\nretry: { for: 2h, widen: [{ after: 30m, gpu: A40 }, { after: 1h, gpu: L4:4 }] }";
    let desired = load_text(&pod(lines)).unwrap().desired;
    let retry = desired.retries.values().next().unwrap();
    let told: Vec<String> = retry
        .widen
        .iter()
        .map(|wider| {
            format!("{} {} {:?} {:?}", wider.after, wider.gpu.count, wider.gpu.host, wider.max_price)
        })
        .collect();
    assert_snapshot!(told.join("\n"), @r#"
    30m 2 HostLimits { cuda: AtLeast(CudaVersion("12.4")), min_vcpu: Some(8), min_memory: None } None
    1h 4 HostLimits { cuda: AtLeast(CudaVersion("12.4")), min_vcpu: Some(8), min_memory: None } None
    "#);
}
