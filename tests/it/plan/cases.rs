//! The presence table and every class of change, each as inputs and the whole plan.

use insta::assert_snapshot;
use podform::model::plan::Planned;

use super::world::{World, print};

/// Prints the plan, applies it and expects the next plan to be empty.
fn settles(world: &World) -> String {
    let planned = world.plan();
    let again = world.applied().plan();
    assert!(
        matches!(again, Planned::NoChanges(_)),
        "after\n{}the next plan is\n{}",
        print(&planned),
        print(&again)
    );
    print(&planned)
}

#[test]
fn a_wanted_pod_that_never_was_is_created() {
    let world = World::default().want("llm", |_| {});
    assert_snapshot!(settles(&world), @r#"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    cost $0.00 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_pod_in_sync_needs_nothing() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {});
    assert_snapshot!(print(&world.plan()), @r#"
    no changes
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn another_image_resets_the_pod() {
    let world =
        World::default().want("llm", |pod| pod.container.image = "tool:2".to_owned()).have("llm", |_| {});
    assert_snapshot!(settles(&world), @r#"
    llm:update Changed Reset
      image: tool:1 -> tool:2 by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    cost $505.70 -> $505.70, at most $505.70
    "#);
}
