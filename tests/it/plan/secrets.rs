//! Secrets of the account.

use std::sync::Arc;

use insta::assert_snapshot;
use podform::model::desired::{Move, OnRemove, WantedPod};
use podform::model::id::SecretId;
use podform::model::live::{Inventory, LiveSecret};
use podform::model::prior::Api;
use podform::model::secret::{Secret, SecretName};
use podform::plan;

use super::cases::{image_2, key, plain, plan, settles, stopped};
use super::world::{World, address, time};

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
    env.insert(key("WANDB"), plain("Bearer {{ RUNPOD_SECRET_Wandb }}"));
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
        let world = World::default().want("llm", text(value));
        assert_eq!(plan::names_secrets(&world.desired, &world.prior), asks, "{value}");
    }
}

/// Wants a secret that podform makes, and a pod that uses it.
fn made() -> World {
    let mut world = World::default()
        .want("llm", |pod| {
            pod.depends_on.insert(address("secret.hf"));
            let env = Arc::make_mut(&mut pod.container.env);
            env.insert(key("HF_TOKEN"), plain("{{ RUNPOD_SECRET_hf_token }}"));
        })
        .want_secret("hf", "hf_token");
    world.live.secrets = named(&[]);
    world
}

/// The same once it was applied.
fn applied() -> World {
    made().applied()
}

fn secrets(world: &mut World) -> &mut Vec<LiveSecret> {
    match &mut world.live.secrets {
        Inventory::Listed { found, odd: _ } => found,
        other => panic!("secrets are {other:?}"),
    }
}

#[test]
fn a_secret_is_made_before_the_pods_that_refer_to_it() {
    assert_snapshot!(settles(&made()), @"
    secret.hf:create New
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    secret.hf:create before llm:create
    cost $0.00 -> $505.70, at most $505.70
    ");
}

#[test]
fn what_podform_did_not_make_it_never_changes() {
    let mut world = made();
    world.live.secrets = named(&["HF_Token"]);
    assert_snapshot!(plan(&world), @r#"
    blocked
    held secret.hf: NotPossible("RunPod has a secret `HF_Token` that podform did not make, and does not change; without `from:` its value is used as it is, and another name after `runpod:` makes another one")
    held llm: DependsOn(Secret(Key("hf")))
    cost $0.00 -> $0.00, at most $0.00
    "#);
    let mut said = String::new();
    for mark in ["podform other/secret.hf/0123456789abcdef", "podform acme/secret.hf/0123456789abcdef"] {
        secrets(&mut world)[0].description = Some(mark.to_owned());
        said += &plan(&world);
    }
    assert_snapshot!(said, @r#"
    blocked
    held secret.hf: NotPossible("RunPod has a secret `HF_Token` that project `other` made; without `from:` its value is used as it is")
    held llm: DependsOn(Secret(Key("hf")))
    cost $0.00 -> $0.00, at most $0.00
    blocked
    held secret.hf: Marked { ids: {Secret(SecretId("id-HF_Token"))} }
    held llm: DependsOn(Secret(Key("hf")))
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_rotation_by_others_is_drift_and_left_alone() {
    let mut world = applied();
    secrets(&mut world)[0].value_set_at = Some(time(30_000));
    assert_snapshot!(plan(&world), @r#"
    no changes
    drift secret.hf: Fields([FieldDrift { field: ValueSetAt, recorded: Word("2027-01-15T13:33:20Z"), live: Word("2027-01-15T16:20:00Z"), left_alone: true }])
    unchanged secret.hf llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn rotate_sends_the_value_again_and_says_who_gets_it() {
    let mut world = applied();
    world.options.rotate.insert("secret.hf".parse().unwrap());
    assert_snapshot!(settles(&world), @r#"
    secret.hf:update RotateRequested
      ! ValueAtNextStart { pods: Several { named: {Pod { key: Key("llm"), replica: None }}, more: 0 } }
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
    secrets(&mut world)[0].value_set_at = Some(time(30_000));
    assert_snapshot!(settles(&world), @r#"
    secret.hf:update RotateRequested
      ! ValueAtNextStart { pods: Several { named: {Pod { key: Key("llm"), replica: None }}, more: 0 } }
    drift secret.hf: Fields([FieldDrift { field: ValueSetAt, recorded: Word("2027-01-15T13:33:20Z"), live: Word("2027-01-15T16:20:00Z"), left_alone: false }])
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
    world.secrets.insert(SecretName::Declared("hf".to_owned()), Secret::new(String::new()));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held secret.hf: NotPossible("its value is empty, and RunPod takes none that is")
    drift secret.hf: Fields([FieldDrift { field: ValueSetAt, recorded: Word("2027-01-15T13:33:20Z"), live: Word("2027-01-15T16:20:00Z"), left_alone: false }])
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn the_digest_of_a_rotation_is_of_the_value_that_was_there() {
    let mut world = applied();
    world.options.rotate.insert("secret.hf".parse().unwrap());
    let approved = world.plan().plan().digest.clone();
    assert_eq!(world.plan().plan().digest, approved);
    secrets(&mut world)[0].value_set_at = Some(time(30_000));
    assert_ne!(world.plan().plan().digest, approved);
    secrets(&mut world)[0].value_set_at = None;
    assert_ne!(world.plan().plan().digest, approved);
}

#[test]
fn what_boots_in_the_same_plan_boots_with_the_new_value() {
    let mut world = applied().want("second", |pod| {
        pod.depends_on.insert(address("secret.hf"));
        let env = Arc::make_mut(&mut pod.container.env);
        env.insert(key("HF_TOKEN"), plain("{{ RUNPOD_SECRET_hf_token }}"));
    });
    world.options.rotate.insert("secret.hf".parse().unwrap());
    assert_snapshot!(settles(&world), @r#"
    secret.hf:update RotateRequested
      ! ValueAtNextStart { pods: Several { named: {Pod { key: Key("llm"), replica: None }, Pod { key: Key("second"), replica: None }}, more: 0 } }
    second:create New on NVIDIA GeForce RTX 4090 x1 secure
    secret.hf:update before second:create
    unchanged llm
    cost $505.70 -> $1,011.40, at most $1,011.40
    "#);
}

#[test]
fn without_its_mark_a_secret_is_neither_rotated_nor_deleted() {
    let mut world = applied();
    secrets(&mut world)[0].description = None;
    assert_snapshot!(plan(&world), @"
    no changes
    Warning secret.hf: the description of `hf_token` in RunPod no longer carries podform's mark, so it is neither changed nor deleted (mark-removed)
    unchanged secret.hf llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    let mut rotated = world.clone();
    rotated.options.rotate.insert("secret.hf".parse().unwrap());
    assert_snapshot!(plan(&rotated), @r#"
    blocked
    held secret.hf: NotPossible("its description no longer carries podform's mark, so its value is not changed")
    Warning secret.hf: the description of `hf_token` in RunPod no longer carries podform's mark, so it is neither changed nor deleted (mark-removed)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
    world.options.destroy = true;
    assert_snapshot!(plan(&world), @"
    secret.hf:forget Destroyed
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    Warning secret.hf: the description of `hf_token` in RunPod no longer carries podform's mark, so it is neither changed nor deleted (mark-removed)
    cost $505.70 -> $0.00, at most $0.00
    ");
}

#[test]
fn a_secret_that_leaves_the_spec_stays_in_runpod_unless_its_end_is_asked_for() {
    let mut world = applied();
    world.desired.wanted.remove(&address("secret.hf"));
    world.desired.wanted.remove(&address("llm"));
    assert_snapshot!(settles(&world), @"
    secret.hf:forget Removed
    llm:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    Note secret.hf: the secret `hf_token` stays in RunPod; `removed: [{ from: secret.hf, then: terminate }]` deletes it (secret-stays)
    cost $505.70 -> $0.00, at most $0.00
    ");
    world.desired.removed.insert(address("secret.hf"), OnRemove::Terminate);
    assert_snapshot!(settles(&world), @"
    llm:delete Removed
      ! ContainerDiskLost { size: Gigabytes(20) }
    secret.hf:delete Removed (tombstone)
    llm:delete before secret.hf:delete
    cost $505.70 -> $0.00, at most $0.00
    ");
}

#[test]
fn a_key_that_comes_back_takes_its_secret_back() {
    let mut world = applied();
    let secret = world.desired.wanted.remove(&address("secret.hf")).unwrap();
    let mut world = world.applied();
    assert!(world.prior.objects.keys().all(|at| at != &address("secret.hf")));
    world.desired.wanted.insert(address("secret.hf"), secret.clone());
    assert_snapshot!(settles(&world), @"
    secret.hf:adopt FoundInJournal
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    let mut renamed = world.clone();
    let secret = renamed.desired.wanted.remove(&address("secret.hf")).unwrap();
    renamed.desired.wanted.insert(address("secret.token"), secret);
    assert_snapshot!(settles(&renamed), @"
    secret.token:adopt FoundInJournal
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    let token = secrets(&mut world)[0].mark().unwrap().token;
    world.prior.tokens.get_mut(&token).unwrap().tombstone = true;
    assert_snapshot!(plan(&world), @r#"
    blocked
    held secret.hf: NotPossible("RunPod has a secret `hf_token` that this state gave up; without `from:` its value is used as it is, and once it is deleted there it is made again")
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_key_that_is_renamed_without_a_word_is_asked_about() {
    let mut world = applied();
    let secret = world.desired.wanted.remove(&address("secret.hf")).unwrap();
    world.desired.wanted.insert(address("secret.token"), secret);
    assert_snapshot!(plan(&world), @r#"
    secret.hf:forget Removed
    held secret.token: NotPossible("RunPod's secret `hf_token` is `secret.hf`; `moved: [{ from: secret.hf, to: secret.token }]` gives that another key")
    Note secret.hf: the secret `hf_token` stays in RunPod; `removed: [{ from: secret.hf, then: terminate }]` deletes it (secret-stays)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn what_a_pod_of_the_spec_refers_to_is_not_deleted_under_it() {
    let mut world = applied().want("llm", |pod| {
        let env = Arc::make_mut(&mut pod.container.env);
        env.insert(key("HF_TOKEN"), plain("{{ RUNPOD_SECRET_HF_TOKEN }}"));
    });
    world.desired.wanted.remove(&address("secret.hf"));
    world.desired.removed.insert(address("secret.hf"), OnRemove::Terminate);
    assert_snapshot!(plan(&world), @r#"
    llm:record LifecycleChanged
      depends_on: secret.hf -> - by Spec
    llm:update Changed Reset
      env.HF_TOKEN: {{ RUNPOD_SECRET_hf_token }} -> {{ RUNPOD_SECRET_HF_TOKEN }} by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
      ! PublicPortsChange
    held secret.hf: NotPossible("`llm` refers to it, and would boot without its value")
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn destroy_deletes_the_pods_then_the_secret() {
    let mut world = applied();
    world.options.destroy = true;
    assert_snapshot!(plan(&world), @"
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    secret.hf:delete Destroyed (tombstone)
    llm:delete before secret.hf:delete
    cost $505.70 -> $0.00, at most $0.00
    ");
}

#[test]
fn destroy_has_nothing_to_do_with_a_secret_of_others() {
    let mut world = made();
    world.options.destroy = true;
    world.live.secrets = named(&["HF_Token"]);
    let mut said = String::new();
    for mark in [None, Some("podform other/secret.hf/0123456789abcdef")] {
        secrets(&mut world)[0].description = mark.map(str::to_owned);
        said += &plan(&world);
    }
    for unseen in [Inventory::Unread("access denied".to_owned()), Inventory::NotTold] {
        world.live.secrets = unseen;
        said += &plan(&world);
    }
    assert_snapshot!(said, @"
    no changes
    cost $0.00 -> $0.00, at most $0.00
    no changes
    cost $0.00 -> $0.00, at most $0.00
    no changes
    Warning : whether RunPod has the secrets that variables refer to is not checked: access denied (secrets-not-checked)
    cost $0.00 -> $0.00, at most $0.00
    no changes
    Note : whether RunPod has the secrets that variables refer to is not checked, as `api: v2` does not list them (secrets-not-checked)
    cost $0.00 -> $0.00, at most $0.00
    ");
    // What a lost state may have made is asked about.
    world.live.secrets = named(&["HF_Token"]);
    secrets(&mut world)[0].description = Some("podform acme/secret.hf/0123456789abcdef".to_owned());
    assert_snapshot!(plan(&world), @r#"
    blocked
    held secret.hf: Marked { ids: {Secret(SecretId("id-HF_Token"))} }
    cost $0.00 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_secret_that_a_destroy_forgot_does_not_hold_the_next_one() {
    let mut world = applied();
    secrets(&mut world)[0].description = None;
    world.options.destroy = true;
    let mut world = world.applied();
    world.options.destroy = true;
    assert_snapshot!(plan(&world), @"
    no changes
    cost $0.00 -> $0.00, at most $0.00
    ");
}

#[test]
fn one_that_is_gone_is_made_again_and_one_that_is_not_seen_is_held() {
    let mut world = applied();
    world.live.server_time = Some(time(30_000));
    world.live.secrets = named(&[]);
    assert_snapshot!(settles(&world), @"
    secret.hf:create Vanished
    drift secret.hf: Vanished
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    world.live.server_time = Some(time(20_010));
    assert_snapshot!(plan(&world), @r#"
    blocked
    held secret.hf: Unreadable("recorded less than 120 s ago and not listed yet")
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
    world.live.secrets = Inventory::Unread("access denied".to_owned());
    assert_snapshot!(plan(&world), @"
    no changes
    Warning : whether RunPod has the secrets that variables refer to is not checked: access denied (secrets-not-checked)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    world.live.secrets = Inventory::NotTold;
    world.api = Api::V1;
    assert_snapshot!(plan(&world), @r#"
    blocked
    held secret.hf: NotPossible("`api: v1` has no secrets of the account, which REST v2 has")
    Note : whether RunPod has the secrets that variables refer to is not checked, as `api: v1` does not list them (secrets-not-checked)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn one_that_others_made_in_the_place_of_a_gone_one_is_theirs() {
    let mut world = applied();
    let mark = secrets(&mut world)[0].description.clone();
    world.live.server_time = Some(time(30_000));
    world.live.secrets = named(&["HF_Token"]);
    let mut said = plan(&world);
    // A copy of our mark makes it no more ours: RunPod gives a secret no other id.
    secrets(&mut world)[0].description = mark;
    said += &plan(&world);
    assert_snapshot!(said, @r#"
    blocked
    held secret.hf: NotPossible("RunPod has a secret `HF_Token` that podform did not make, and does not change; without `from:` its value is used as it is, and another name after `runpod:` makes another one")
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    blocked
    held secret.hf: NotPossible("RunPod has a secret `HF_Token` that podform did not make, and does not change; without `from:` its value is used as it is, and another name after `runpod:` makes another one")
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
    world.options.rotate.insert("secret.hf".parse().unwrap());
    assert_snapshot!(plan(&world), @r#"
    blocked
    held secret.hf: NotPossible("RunPod has a secret `HF_Token` that podform did not make, and does not change; without `from:` its value is used as it is, and another name after `runpod:` makes another one")
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
    world.options.rotate.clear();
    world.options.destroy = true;
    assert_snapshot!(plan(&world), @"
    secret.hf:forget Vanished
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    drift secret.hf: Vanished
    cost $505.70 -> $0.00, at most $0.00
    ");
}

#[test]
fn a_secret_that_is_not_seen_holds_only_what_boots_with_it() {
    let mut world = applied();
    world.live.secrets = Inventory::Unread("access denied".to_owned());
    assert_snapshot!(plan(&world), @"
    no changes
    Warning : whether RunPod has the secrets that variables refer to is not checked: access denied (secrets-not-checked)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    ");
    let uses = |pod: &mut WantedPod| {
        pod.depends_on.insert(address("secret.hf"));
        let env = Arc::make_mut(&mut pod.container.env);
        env.insert(key("HF_TOKEN"), plain("{{ RUNPOD_SECRET_hf_token }}"));
    };
    let stops = world.clone().want("llm", |pod| {
        uses(pod);
        stopped(pod);
    });
    let resets = world.clone().want("llm", |pod| {
        uses(pod);
        image_2(pod);
    });
    let makes = world.clone().want("second", uses);
    let mut rotates = world.clone();
    rotates.options.rotate.insert("secret.hf".parse().unwrap());
    let renames = world.clone().want_secret("hf", "other");
    let mut ends = world.clone();
    ends.options.destroy = true;
    let mut held = made().want("llm", |pod| {
        uses(pod);
        stopped(pod);
    });
    held = held.have("llm", uses);
    held.live.secrets = named(&["hf_token"]);
    let said = [stops, resets, makes, rotates, renames, ends, held].each_ref().map(plan).join("\n");
    assert_snapshot!(said, @r#"
    llm:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    Warning : whether RunPod has the secrets that variables refer to is not checked: access denied (secrets-not-checked)
    cost $505.70 -> $0.00, at most $0.00

    blocked
    held secret.hf: Unreadable("access denied")
    held llm: DependsOn(Secret(Key("hf")))
    Warning : whether RunPod has the secrets that variables refer to is not checked: access denied (secrets-not-checked)
    cost $505.70 -> $505.70, at most $505.70

    blocked
    held secret.hf: Unreadable("access denied")
    held second: DependsOn(Secret(Key("hf")))
    Warning : whether RunPod has the secrets that variables refer to is not checked: access denied (secrets-not-checked)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70

    blocked
    held secret.hf: Unreadable("access denied")
    Warning : whether RunPod has the secrets that variables refer to is not checked: access denied (secrets-not-checked)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70

    blocked
    held secret.hf: Unreadable("access denied")
    Warning : whether RunPod has the secrets that variables refer to is not checked: access denied (secrets-not-checked)
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70

    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    held secret.hf: Unreadable("access denied")
    Warning : whether RunPod has the secrets that variables refer to is not checked: access denied (secrets-not-checked)
    cost $505.70 -> $0.00, at most $0.00

    llm:stop StateWanted
      state: running -> stopped by Spec
      ! ContainerDiskLost { size: Gigabytes(20) }
    held secret.hf: NotPossible("RunPod has a secret `hf_token` that podform did not make, and does not change; without `from:` its value is used as it is, and another name after `runpod:` makes another one")
    cost $505.70 -> $0.00, at most $0.00
    "#);
}

#[test]
fn a_target_takes_its_secret_along_and_a_secret_that_goes_its_pods() {
    let mut world = made().want("other", |_| {});
    world.options.targets = vec!["llm".parse().unwrap()];
    assert_snapshot!(plan(&world), @"
    secret.hf:create New
    llm:create New on NVIDIA GeForce RTX 4090 x1 secure
    secret.hf:create before llm:create
    Note secret.hf: goes along: `llm` depends on it, and it does not exist (goes-along)
    out of scope: 1
    cost $0.00 -> $505.70, at most $505.70
    ");
    let mut world = applied();
    world.options.targets = vec!["secret.*".parse().unwrap()];
    world.options.destroy = true;
    assert_snapshot!(plan(&world), @"
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    secret.hf:delete Destroyed (tombstone)
    llm:delete before secret.hf:delete
    Warning llm: goes along: it depends on `secret.hf`, which goes (goes-along)
    cost $505.70 -> $0.00, at most $0.00
    ");
    world.options.targets = vec!["llm".parse().unwrap()];
    assert_snapshot!(plan(&world), @"
    llm:delete Destroyed
      ! ContainerDiskLost { size: Gigabytes(20) }
    Note : `secret.hf` stays; `podform destroy` without `--profile`, `--target` and `--exclude` ends all that is managed (stays)
    out of scope: 1
    cost $505.70 -> $0.00, at most $0.00
    ");
}

#[test]
fn its_name_on_runpod_is_for_good() {
    let world = applied().want_secret("hf", "other");
    assert_snapshot!(plan(&world), @r#"
    blocked
    held secret.hf: NotPossible("it is `hf_token` in RunPod, which gives a secret no other name; declare `other` under a key of its own")
    unchanged llm
    cost $505.70 -> $505.70, at most $505.70
    "#);
}

#[test]
fn a_rename_of_its_key_changes_nothing_in_runpod() {
    let mut world = applied();
    world.desired.wanted.remove(&address("secret.hf"));
    world.desired.moved.push(Move { from: address("secret.hf"), to: address("secret.token") });
    let world = world.want_secret("token", "hf_token").want("llm", |pod| {
        pod.depends_on.insert(address("secret.token"));
        let env = Arc::make_mut(&mut pod.container.env);
        env.insert(key("HF_TOKEN"), plain("{{ RUNPOD_SECRET_hf_token }}"));
    });
    assert_snapshot!(settles(&world), @"
    secret.token:move Renamed from secret.hf
    llm:record Changed
      depends_on: secret.hf -> secret.token by Spec
    cost $505.70 -> $505.70, at most $505.70
    ");
}
