//! What can be written and changes nothing: a warning, as whoever wrote it expects something of it.

use insta::assert_snapshot;

use super::{lines, pod};

#[test]
fn more_replicas_at_once_than_there_are_go_all_at_once() {
    let said = |rest: &str| lines(&pod(&format!("gpu: L40S\n{rest}")));
    let silent = [
        "replicas: 3\nupdate: { at_once: 3 }",
        "replicas: 3\nupdate: { at_once: 100% }",
        "replicas: 0\nupdate: { at_once: 4 }",
        "update: { at_once: 1 }",
    ];
    assert_eq!(silent.map(said), [""; 4]);
    let wrong = [
        "replicas: 3\nupdate: { at_once: 4 }",
        "replicas: { count: 4, without: [1] }\nupdate: { at_once: 4 }",
        "replicas: 1\nupdate: { at_once: 2 }",
        "update: { at_once: 2 }",
    ];
    assert_snapshot!(wrong.map(said).join("\n"), @"
    pods.yaml:8:24: warning: without effect: there are 3 replicas, so all of them go at once; write a number below 3, or `100%` for all of them
    pods.yaml:8:24: warning: without effect: there are 3 replicas, so all of them go at once; write a number below 3, or `100%` for all of them
    pods.yaml:8:24: warning: without effect: there is one pod, which goes alone; remove it, or add `replicas`
    pods.yaml:7:24: warning: without effect: there is one pod, which goes alone; remove it, or add `replicas`
    ");
}

/// `defaults` are for pods of any number of replicas.
#[test]
fn what_the_defaults_say_may_be_more_than_a_pod_can_use() {
    let spec = "\
version: 1
project: demo
defaults: { image: a/b:1, gpu: L4, update: { at_once: 4 }, retry: { for: 2h, widen: [{ after: 30m, gpu: L4 }] } }
pods:
  one: {}
  two: { replicas: 2 }
";
    assert_eq!(lines(spec), "");
}

#[test]
fn widening_to_what_is_taken_from_the_start_widens_nothing() {
    let said = |gpu: &str, widen: &str| {
        lines(&pod(&format!(
            "gpu: {gpu}\nmax_price: 1\nretry: {{ for: 2h, widen: [{{ after: 30m, {widen} }}] }}"
        )))
    };
    let silent = [
        ("[L4, A40]", "gpu: [L4, L40S]"),
        ("L4", "gpu: L4, max_price: 2"),
        ("L4", "gpu: 'L4:2'"),
        ("[{ type: L4, max_price: 0.5 }]", "gpu: L4"),
        ("{ any_of: [L4], memory: 24GB }", "gpu: L4"),
        ("24GB..", "gpu: L4"),
        ("L4", "gpu: 24GB.."),
    ];
    assert_eq!(silent.map(|(gpu, widen)| said(gpu, widen)), [""; 7]);
    let wrong =
        [("L4", "gpu: L4"), ("[L4, A40]", "gpu: [a40]"), ("'L4:2'", "gpu: L4"), ("'L4:2'", "gpu: [L4:2]")];
    assert_snapshot!(wrong.map(|(gpu, widen)| said(gpu, widen)).join("\n"), @"
    pods.yaml:8:31: warning: without effect: the pod takes all of these from the start; name other GPUs, or give them a `max_price` above that of the pod
    pods.yaml:8:31: warning: without effect: the pod takes all of these from the start; name other GPUs, or give them a `max_price` above that of the pod
    pods.yaml:8:31: warning: without effect: the pod takes all of these from the start; name other GPUs, or give them a `max_price` above that of the pod
    pods.yaml:8:31: warning: without effect: the pod takes all of these from the start; name other GPUs, or give them a `max_price` above that of the pod
    ");
    // An empty list takes back what `defaults` or an earlier file has.
    assert_eq!(lines(&pod("gpu: L4\nretry: { for: 2h, widen: [] }")), "");
}

#[test]
fn what_follows_an_excess_needs_a_limit() {
    let said = |budget: &str| lines(&format!("{}budget: {budget}\n", pod("gpu: L4")));
    assert_eq!(said("{ max_hourly: 5, on_exceed: warn }"), "");
    assert_snapshot!(said("{ on_exceed: warn }"), @"pods.yaml:7:11: warning: without effect: there is no limit that could be exceeded; add `max_hourly` or `max_monthly`");
}

#[test]
fn a_pod_is_waited_for_once() {
    let said = |depends_on: &str| {
        let prep = "  prep: { image: a/b:1, gpu: L4, run: job, command: [prep] }\n";
        lines(&format!("{}{prep}", pod(&format!("gpu: L4\ndepends_on: {depends_on}"))))
    };
    assert_eq!(said("[prep]"), "");
    let wrong = ["[prep, prep]", "[{ pod: prep, until: done }, prep]"];
    assert_snapshot!(wrong.map(said).join("\n"), @"
    pods.yaml:7:24: error: invalid value: `prep` stands here for the second time
    pods.yaml:7:46: error: invalid value: `prep` stands here for the second time
    ");
}

#[test]
fn a_pod_that_is_billed_while_it_is_waited_for_is_waited_for_a_day_at_most() {
    let said = |rest: &str| lines(&pod(&format!("gpu: L4\n{rest}")));
    let silent =
        ["boot: { within: 24h, else: fail }", "ports: [8000/http]\nready: { http: 8000, within: 1d }"];
    assert_eq!(silent.map(said), [""; 2]);
    let wrong = [
        "boot: { within: 900h, else: fail }",
        "boot: { within: 0s, else: fail }",
        "ports: [8000/http]\nready: { http: 8000, within: 25h }",
    ];
    assert_snapshot!(wrong.map(said).join("\n"), @"
    pods.yaml:7:21: error: invalid value: `900h` is not between 1s and 24h
    pods.yaml:7:21: error: invalid value: no time at all is too short; write at least `1s`
    pods.yaml:8:34: error: invalid value: `25h` is not between 1s and 24h
    ");
}
