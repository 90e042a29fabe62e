//! What somebody sees who asks the replicas of a service all the time while it is updated in waves: the real binary, a
//! served world, and its proxy.

use std::collections::BTreeMap;
use std::process::Stdio;

use crate::served::{Place, request, shown};

/// Where each of three replicas gives the answers that the spec says, and how many may be down.
const SERVICE: &str = "
pods:
  web:
    image: acme/web:1
    cpu: { flavors: [cpu3c], vcpus: 2 }
    ports: [8000/http]
    replicas: 3
    ready: { http: 8000/health, within: 2h }
    update: { at_once: 1 }
";

/// When a replica was first and last seen not to answer, counted in questions.
type Down = BTreeMap<String, (u64, u64)>;

/// Asks each of the pods in turn until a command has ended, and returns how many questions that took.
fn asked_all_along(place: &Place, pods: &[String], command: &[&str]) -> (Down, u64, String) {
    let mut running = place.podform(command);
    let mut running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut down = Down::new();
    let mut questions = 0;
    while running.try_wait().unwrap().is_none() {
        for pod in pods {
            questions += 1;
            let (status, _) = request(place.url(), "GET", &format!("/proxy/{pod}/8000/health"), "");
            if status != 200 {
                down.entry(pod.clone()).or_insert((questions, questions)).1 = questions;
            }
        }
    }
    (down, questions, shown(&running.wait_with_output().unwrap()))
}

#[test]
fn two_of_three_replicas_answer_at_every_moment_of_an_update() {
    ["v2", "v1", "graphql"].into_iter().for_each(update_over);
}

fn update_over(api: &str) {
    let place = Place::serve(&[]);
    place.write_spec_over(api, SERVICE);
    place.apply_to_the_end();
    let pods: Vec<String> = place.pods().into_iter().map(|pod| pod.id).collect();
    assert_eq!(pods.len(), 3);

    place.write_spec_over(api, &SERVICE.replace("web:1", "web:2"));
    let (down, questions, said) = asked_all_along(&place, &pods, &["apply", "--auto-approve"]);
    assert!(said.contains("3 changed"), "{api}: {said}");
    // A replica is down once. So two were down at one moment if each was seen down between two such looks at the other.
    let times: Vec<(u64, u64)> = down.values().copied().collect();
    assert_eq!(times.len(), 3, "{api}: each was to be seen down in {questions} questions: {down:?}");
    for (number, (first, last)) in times.iter().enumerate() {
        for (other_first, other_last) in &times[number + 1..] {
            assert!(last < other_first || other_last < first, "{api}: two were down at once: {down:?}");
        }
    }
    place.assert_plan_is_empty();
}

#[test]
fn an_image_that_does_not_serve_takes_down_one_replica_and_the_way_back_is_a_plan() {
    let place = Place::serve(&["--fault", "update#1=never-ready"]);
    place.write_spec(SERVICE);
    place.apply_to_the_end();
    let pods: Vec<String> = place.pods().into_iter().map(|pod| pod.id).collect();

    place.write_spec(&SERVICE.replace("web:1", "web:2").replace("within: 2h", "within: 60s"));
    let (down, _, said) = asked_all_along(&place, &pods, &["apply", "--auto-approve"]);
    assert!(said.starts_with("exit status: 7") && said.contains("2 not begun"), "{said}");
    assert_eq!(down.len(), 1, "{down:?}");

    place.write_spec(SERVICE);
    let (still_down, _, said) = asked_all_along(&place, &pods, &["apply", "--auto-approve"]);
    assert!(said.contains("1 changed"), "{said}");
    assert!(still_down.keys().eq(down.keys()), "{still_down:?} {down:?}");
    place.assert_plan_is_empty();
}
