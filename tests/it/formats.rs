//! Every case of the presence table and every class of change, in every format.
//!
//! `tests/formats/NAME.out` holds what each format makes of a real plan of the planner. Each plan is saved and read
//! again first, as formats are mostly shown from a file; that must lose nothing. `UPDATE_FORMATS=1` writes the files.
#![expect(clippy::disallowed_methods, reason = "expected output stands in files")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use podform::model::desired::{ComputeWish, OnRemove, OnReplace, WantedPod};
use podform::model::id::{EnvKey, PodId};
use podform::model::live::{Seen, Unreadable};
use podform::model::plan::Planned;
use podform::model::pod::{EnvValue, RunState, Storage};
use podform::model::secret::{Secret, SecretName};
use podform::model::size::Gigabytes;
use podform::render::graph::{GraphFormat, write_graph};
use podform::render::style::Style;
use podform::render::{Format, no_positions, write_plan};
use podform::state::planfile::{self, PlanInputs, SavedPlan};

use crate::plan::world::{World, address, gpus, time, token};

/// One test for each case, so that one can be run by its name.
macro_rules! cases {
    ($($name:ident: $world:expr,)+) => {
        /// Every case that has a test.
        const CASES: &[&str] = &[$(stringify!($name)),+];
        $(#[test] fn $name() { check(stringify!($name), &$world); })+
    };
}

cases! {
    // Presence.
    wanted_recorded_live: World::default().want("llm", |_| {}).have("llm", |_| {}),
    wanted_recorded_migrated: migrated(),
    wanted_recorded_vanished: gone(|_| {}),
    wanted_stopped_recorded_vanished: gone(stopped),
    wanted_live_in_journal: in_journal(World::default().want("llm", |_| {})),
    wanted_live_adopted: World::default()
        .want("llm", |pod| pod.adopt = Some(PodId::new("theirs")))
        .stranger("theirs", |_| {}),
    wanted_only: World::default().want("llm", |_| {}),
    wanted_stopped_only: World::default().want("llm", stopped),
    recorded_live: World::default().have("llm", |_| {}),
    recorded_only: World::default().have("llm", |_| {}).seen("llm", Seen::Absent),
    live_orphan: in_journal(World::default()),
    live_unmanaged: World::default().want("llm", |_| {}).have("llm", |_| {}).stranger("theirs", |_| {}),
    unreadable_holds_dependents: held(),
    all_vanished_blocks: World::default()
        .want("a", |_| {})
        .want("b", |_| {})
        .have("a", |_| {})
        .have("b", |_| {})
        .seen("a", Seen::Absent)
        .seen("b", Seen::Absent),
    // Changes of pods.
    update_without_reset: World::default()
        .want("llm", |pod| pod.container.name = "chat".to_owned())
        .have("llm", |_| {}),
    update_with_reset: World::default().want("llm", image_2).have("llm", |_| {}),
    update_of_drift: World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .outside("llm", |pod| pod.image = Some("tool:9".to_owned())),
    update_of_secret: secret_differs(),
    start: World::default().want("llm", local).have("llm", |pod| { local(pod); stopped(pod); }),
    stop: World::default().want("llm", |pod| { local(pod); stopped(pod); }).have("llm", local),
    replace_destroy_first: World::default().want("llm", l40s).have("llm", local),
    replace_create_first: World::default()
        .want("llm", |pod| { l40s(pod); pod.lifecycle.on_replace = OnReplace::CreateFirst; })
        .have("llm", |pod| pod.lifecycle.on_replace = OnReplace::CreateFirst),
    replace_on_request: World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .option(|options| options.replace = [address("llm")].into()),
    destroy: World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .have_volume("volume.models", 500, false)
        .option(|options| options.destroy = true),
    retire: World::default().have("llm", |pod| pod.lifecycle.on_remove = OnRemove::Stop),
    forget: World::default().have("llm", |pod| pod.lifecycle.on_remove = OnRemove::Forget),
    protect_blocks: World::default().have("llm", |pod| pod.lifecycle.protect = true),
    record: World::default().want("llm", |pod| pod.lifecycle.protect = true).have("llm", |_| {}),
    deposed: World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .stranger("old", |_| {})
        .recorded("llm", |recorded| recorded.deposed = [PodId::new("old")].into()),
    // Changes of volumes.
    volume_create: World::default().want_volume("volume.models", 500, false),
    volume_grow: World::default()
        .want_volume("volume.models", 800, false)
        .have_volume("volume.models", 500, false),
    volume_destroy: World::default().have_volume("volume.models", 500, false),
    // Many at once.
    ten_nearly_alike: many(10, 2),
}

fn stopped(pod: &mut WantedPod) {
    pod.run = RunState::Stopped;
}

fn image_2(pod: &mut WantedPod) {
    pod.container.image = "tool:2".to_owned();
}

fn local(pod: &mut WantedPod) {
    pod.container.storage = Storage::Local { size: Gigabytes(100), path: "/workspace".to_owned() };
}

fn l40s(pod: &mut WantedPod) {
    pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S", "A100 PCIe"]));
}

fn gone(edit: fn(&mut WantedPod)) -> World {
    World::default().want("llm", edit).have("llm", edit).seen("llm", Seen::Absent)
}

fn migrated() -> World {
    let world = gone(|_| {});
    let marker = world.marker("llm");
    world.stranger("moved", |pod| {
        pod.marker = Some(marker);
        pod.created_at = Some(time(9_000));
    })
}

fn in_journal(mut world: World) -> World {
    world.know_token("llm", &token("llm"), false);
    let marker = world.marker("llm");
    world.stranger("found", |pod| pod.marker = Some(marker))
}

fn held() -> World {
    World::default()
        .want("prep", |_| {})
        .want("llm", |pod| pod.depends_on = [address("prep")].into())
        .want("other", |_| {})
        .have("prep", |_| {})
        .seen("prep", Seen::Unreadable(Unreadable::TooNew))
}

fn secret_differs() -> World {
    let name = SecretName::Declared("wandb".to_owned());
    let key = EnvKey::new("WANDB_API_KEY");
    let with_secret = |pod: &mut WantedPod| {
        pod.container.env.insert(EnvKey::new("WANDB_API_KEY"), EnvValue::Secret(name.clone()));
    };
    let mut world = World::default();
    world.secrets.insert(name.clone(), Secret::new("swordfish".to_owned()));
    world.want("llm", with_secret).have("llm", with_secret).outside("llm", |pod| {
        pod.env.insert(key, Secret::new("herring".to_owned()));
    })
}

/// Many replicas with the same change, one with another, some as wanted.
fn many(count: u32, unchanged: u32) -> World {
    let mut world = World::default();
    for number in 0..count {
        let at = format!("llm[{number}]");
        world = match number {
            7 => world.want(&at, l40s).have(&at, |_| {}),
            _ => world.want(&at, image_2).have(&at, |_| {}),
        };
    }
    for number in 0..unchanged {
        let at = format!("idle[{number}]");
        world = world.want(&at, |_| {}).have(&at, |_| {});
    }
    world
}

/// Renders the plan in every format, from memory and from a file, and compares it with what is expected.
fn check(name: &str, world: &World) {
    let planned = world.plan();
    let text = planfile::write(&SavedPlan { planned: planned.clone(), inputs: PlanInputs::default() });
    let read = planfile::read(&text).unwrap();
    let rendered = every_format(&planned);
    assert_eq!(every_format(&read.planned), rendered, "{name}: the saved plan shows something else");
    for secret in ["swordfish", "herring"] {
        assert!(!rendered.contains(secret) && !text.contains(secret), "{name}: shows `{secret}`");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(format!("{name}.out"));
    if std::env::var_os("UPDATE_FORMATS").is_some() {
        fs::write(&path, &rendered).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if rendered != expected {
        let diff = similar::TextDiff::from_lines(&expected, &rendered);
        panic!("{name}\n{}", diff.unified_diff().context_radius(3).header("expected", "rendered"));
    }
}

fn every_format(planned: &Planned) -> String {
    let mut text = String::new();
    for format in Format::ALL {
        writeln!(text, "===== {}", format.word()).unwrap();
        write_plan(&mut text, format, planned, &no_positions, Style::PLAIN).unwrap();
    }
    for format in GraphFormat::ALL {
        writeln!(text, "===== {}", format.word()).unwrap();
        write_graph(&mut text, planned.plan(), format).unwrap();
    }
    text
}

#[test]
fn every_expected_file_has_a_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".out", ""))
        .collect();
    found.sort();
    let mut cases = CASES.to_vec();
    cases.sort_unstable();
    assert_eq!(found, cases);
}

#[test]
fn two_hundred_changed_pods_fit_on_a_screen() {
    let mut text = String::new();
    write_plan(&mut text, Format::Human, &many(200, 20).plan(), &no_positions, Style::PLAIN).unwrap();
    assert!(text.lines().count() < 60, "{} lines:\n{text}", text.lines().count());
    assert!(text.contains("llm[0..6,8..199]"), "{text}");
    assert!(text.contains("20 unchanged"), "{text}");
}

/// A rule as a team would write it for conftest, on the document that `--format terraform-json` prints.
const NO_PUBLIC_TCP: &str = r#"
package podform

import rego.v1

deny contains message if {
    some change in input.resource_changes
    change.type == "runpod_pod"
    some port in change.change.after.ports
    endswith(port, "/tcp")
    not port in {"22/tcp"}
    message := sprintf("%s opens %s to the internet", [change.address, port])
}
"#;

#[test]
fn a_rego_rule_denies_a_public_tcp_port() {
    use podform::model::pod::{Port, Protocol};

    let with_ports = |ports: &[(u32, Protocol)]| {
        let ports = ports.iter().map(|(number, protocol)| Port { number: *number, protocol: *protocol });
        let ports = ports.collect();
        World::default().want("db", |pod| pod.container.ports = ports)
    };
    let denied = with_ports(&[(22, Protocol::Tcp), (5432, Protocol::Tcp), (8000, Protocol::Http)]);
    assert_eq!(denials(&denied), ["runpod_pod.db opens 5432/tcp to the internet"]);
    let fine = with_ports(&[(22, Protocol::Tcp), (8000, Protocol::Http)]);
    assert_eq!(denials(&fine), Vec::<String>::new());
}

/// Returns what the rule has against a plan.
fn denials(world: &World) -> Vec<String> {
    let mut document = String::new();
    write_plan(&mut document, Format::TerraformJson, &world.plan(), &no_positions, Style::PLAIN).unwrap();
    let mut engine = regorus::Engine::new();
    engine.add_policy("public_tcp.rego".to_owned(), NO_PUBLIC_TCP.to_owned()).unwrap();
    engine.set_input_json(&document).unwrap();
    let denied = engine.eval_rule("data.podform.deny".to_owned()).unwrap();
    denied.as_set().unwrap().iter().map(|message| message.as_string().unwrap().to_string()).collect()
}
