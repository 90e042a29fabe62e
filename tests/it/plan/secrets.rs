//! Secrets of the account.

use std::sync::Arc;

use insta::assert_snapshot;
use podform::model::desired::WantedPod;
use podform::model::id::SecretId;
use podform::model::live::{Inventory, LiveSecret};
use podform::model::prior::Api;
use podform::plan;

use super::cases::{image_2, key, plain, plan, settles, stopped};
use super::world::{World, time};

fn named(names: &[&str]) -> Inventory<LiveSecret> {
    let secret = |name: &&str| LiveSecret {
        id: SecretId::new(format!("id-{name}")),
        name: (*name).to_owned(),
        description: None,
        value_set_at: Some(time(0)),
    };
    Inventory::Listed { found: names.iter().map(secret).collect(), odd: Vec::new() }
}

fn refers(pod: &mut WantedPod) {
    let env = Arc::make_mut(&mut pod.container.env);
    env.insert(key("HF_TOKEN"), plain("{{ RUNPOD_SECRET_hf_token }}"));
    env.insert(key("WANDB"), plain("{{ RUNPOD_SECRET_Wandb }}"));
}

#[test]
fn a_pod_that_would_boot_without_its_secret_is_held() {
    let mut world = World::default().want("llm", refers).want("other", |_| {});
    world.live.secrets = named(&["wandb"]);
    assert_snapshot!(plan(&world), @r#"
    other:create New on NVIDIA GeForce RTX 4090 x1 secure
    held llm: NoSecret { names: {"hf_token"} }
    cost $0.00 -> $505.70, at most $505.70
    "#);
    let mut started = World::default().want("llm", refers).have("llm", |pod| {
        refers(pod);
        stopped(pod);
    });
    started.live.secrets = named(&[]);
    assert_snapshot!(plan(&started), @r#"
    blocked
    held llm: NoSecret { names: {"Wandb", "hf_token"} }
    Warning llm: may not come back: the start fails if its host has no free GPU by then (resume-may-fail)
    cost $0.00 -> $0.00, at most $0.00
    "#);
    let mut reset = World::default()
        .want("llm", |pod| {
            refers(pod);
            image_2(pod);
        })
        .have("llm", refers);
    reset.live.secrets = named(&["hf_token"]);
    assert_snapshot!(plan(&reset), @r#"
    blocked
    held llm: NoSecret { names: {"Wandb"} }
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_pod_that_runs_on_without_its_secret_is_remarked_on() {
    let mut world = World::default().want("llm", refers).have("llm", refers);
    world.live.secrets = named(&["hf_token"]);
    assert_snapshot!(plan(&world), @"
    no changes
    Warning llm: RunPod has no secret `Wandb`, so that at its next start the pod gets the reference to it in its place (no-secret)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    let mut stops = World::default()
        .want("llm", |pod| {
            refers(pod);
            stopped(pod);
        })
        .have("llm", refers);
    stops.live.secrets = named(&[]);
    assert_snapshot!(plan(&stops), @"
    llm:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    cost $505.70 -> $0.00, at most $0.00
    ");
}

#[test]
fn names_are_compared_in_any_case_of_letters() {
    let mut world = World::default().want("llm", refers);
    world.live.secrets = named(&["HF_TOKEN", "WANDB"]);
    assert_snapshot!(settles(&world), @"
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn what_is_not_known_of_the_secrets_is_said_once_and_holds_nothing() {
    let mut world = World::default().want("llm", refers).want("other", refers);
    let odd = Inventory::Listed { found: Vec::new(), odd: vec!["`s1`: `name` is missing".to_owned()] };
    for (secrets, api) in [
        (Inventory::Unread("GET /v2/account/secrets was rejected: access denied".to_owned()), Api::V2),
        (odd, Api::V2),
        (Inventory::NotTold, Api::Graphql),
        (Inventory::NotAsked, Api::V2),
    ] {
        world.live.secrets = secrets;
        world.api = api;
        let planned = world.plan();
        assert!(planned.plan().held.is_empty());
        let said = planned.plan().findings.iter().filter(|finding| finding.code == "secrets-not-checked");
        let said: Vec<&str> = said.map(|finding| finding.message.as_str()).collect();
        assert!(said.len() == usize::from(world.live.secrets != Inventory::NotAsked), "{said:?}");
    }
}

#[test]
fn they_are_looked_at_where_a_variable_refers_to_one_and_nowhere_else() {
    let text = |text: &'static str| {
        move |pod: &mut WantedPod| drop(Arc::make_mut(&mut pod.container.env).insert(key("A"), plain(text)))
    };
    for (value, asks) in [
        ("{{ RUNPOD_SECRET_a }}", true),
        ("{{RUNPOD_SECRET_a}}", true),
        ("RUNPOD_SECRET_a", false),
        ("{{ a }}", false),
    ] {
        assert_eq!(plan::names_secrets(&World::default().want("llm", text(value)).desired), asks, "{value}");
    }
}
