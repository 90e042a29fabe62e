//! `update`: how many replicas go down at once, and what cannot be changed in turn.

use insta::assert_snapshot;

use super::{lines, pod};

#[test]
fn a_number_or_a_part_of_the_replicas_goes_down_at_once() {
    let said =
        |at_once: &str| lines(&pod(&format!("gpu: L40S\nreplicas: 4\nupdate: {{ at_once: {at_once} }}")));
    let good = ["1", "4", "50%", "100%", "' 25% '"];
    assert_eq!(good.map(said), [""; 5]);
    let wrong = ["0", "all", "half", "1.5", "0%", "101%", "'2'", "[1]", "true"];
    assert_snapshot!(wrong.map(said).join("\n"), @"
    pods.yaml:8:24: error: invalid value: 0 is not between 1 and 100000
    pods.yaml:8:24: error: wrong type: expected a number such as `1` or a part such as `50%`, found a text
    pods.yaml:8:24: error: wrong type: expected a number such as `1` or a part such as `50%`, found a text
    pods.yaml:8:24: error: wrong type: expected a number such as `1` or a part such as `50%`, found a number
    pods.yaml:8:24: error: invalid value: a part of the replicas is from 1% to 100%
    pods.yaml:8:24: error: invalid value: a part of the replicas is from 1% to 100%
    pods.yaml:8:24: error: wrong type: expected a whole number, found a text; write: `2`
    pods.yaml:8:24: error: wrong type: expected a number such as `1` or a part such as `50%`, found a list
    pods.yaml:8:24: error: wrong type: expected a number such as `1` or a part such as `50%`, found a boolean
    ");
}

#[test]
fn what_is_created_first_has_no_local_volume_whether_its_turn_is_written_or_follows() {
    let said = |rest: &str| {
        let local = "volumes: [{ local: 10GB, path: /workspace }]";
        let first = "lifecycle: { on_replace: create_first }";
        lines(&pod(&format!("gpu: L40S\n{local}\n{first}\n{rest}")))
    };
    let turns = [
        "replicas: 2",
        "replicas: 2\nupdate: { at_once: 1 }",
        "replicas: 2\nready: { http: 8000 }\nports: [8000/http]",
        "replicas: 1\nready: { http: 8000 }\nports: [8000/http]",
    ];
    assert_snapshot!(turns.map(said).join("\n--\n"), @"

    --
    pods.yaml:10:13: error: conflicting keys: a replica that is created first begins without the data of the local volume; leave out `on_replace: create_first`
    --
    pods.yaml:10:12: error: conflicting keys: a replica that is created first begins without the data of the local volume; leave out `on_replace: create_first`
    --
    ");
}
