//! Every case of the presence table and every class of change, in every format.
//!
//! `tests/formats/NAME.out` holds what each format makes of a real plan of the planner. Each plan is saved and read
//! again first, as formats are mostly shown from a file; that must lose nothing. `UPDATE_FORMATS=1` writes the files.
#![expect(clippy::disallowed_methods, reason = "expected output stands in files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use podform::model::address::Address;
use podform::model::desired::{
    CloudWish, ComputeWish, CpuWish, GpuOrder, Move, OnRemove, OnReplace, OnStuckResume, WantedPod,
};
use podform::model::id::{CpuFlavorId, EnvKey, GpuTypeId, PodId};
use podform::model::job::{Then, Until};
use podform::model::live::{Seen, Unreadable};
use podform::model::money::Hourly;
use podform::model::plan::{Planned, Subject};
use podform::model::pod::{Compute, EnvValue, Port, Protocol, RunState, Storage};
use podform::model::ready::{Boot, OnNoBoot, Probe, Ready};
use podform::model::reference::Reference;
use podform::model::seconds::Seconds;
use podform::model::secret::{Secret, SecretName};
use podform::model::size::Gigabytes;
use podform::render::json::SCHEMA;
use podform::render::style::Style;
use podform::render::view::{Verb, subjects};
use podform::render::{Format, Positions, no_positions, write_plan};
use podform::state::planfile::{self, PlanInputs, SavedPlan};

use crate::plan::job_cuts::goes;
use crate::plan::jobs::begun;
use crate::plan::world::{World, address, gpus, time, token};

/// One test for each case, so that one can be run by its name.
macro_rules! cases {
    ($($name:ident: $world:expr,)+) => {
        /// Every case that has a test.
        const CASES: &[&str] = &[$(stringify!($name)),+];
        /// Returns every case with its name.
        pub(crate) fn worlds() -> Vec<(&'static str, World)> { vec![$((stringify!($name), $world)),+] }
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
        .seen("b", Seen::Absent)
        .option(|options| options.accept_vanished = false),
    // Changes of pods.
    update_without_reset: World::default()
        .want("llm", |pod| pod.container.name = "chat".to_owned())
        .have("llm", |_| {}),
    update_with_reset: World::default().want("llm", image_2).have("llm", |_| {}),
    update_of_drift: World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .outside("llm", |pod| pod.settings.image = Some("tool:9".to_owned())),
    update_of_secret: secret_differs(),
    update_of_both: World::default()
        .want("llm", |pod| { image_2(pod); long_command(pod, "7"); })
        .have("llm", |pod| long_command(pod, "3"))
        .outside("llm", |pod| pod.settings.image = Some("tool:9".to_owned())),
    update_of_env: World::default()
        .want("llm", |pod| set_env(pod, &[("MODE", "fast"), ("NEW", "1")]))
        .have("llm", |pod| set_env(pod, &[("MODE", "slow"), ("OLD", "1")]))
        .outside("llm", |pod| {
            pod.settings.env.insert(EnvKey::new("THEIRS"), Secret::new("herring".to_owned()));
            pod.settings.env.insert(EnvKey::new("OLD"), Secret::new("herring".to_owned()));
        }),
    start: World::default().want("llm", local).have("llm", |pod| { local(pod); stopped(pod); }),
    start_after_update: World::default().want("llm", image_2).have("llm", stopped),
    start_or_replace: World::default().want("llm", replaceable).have("llm", |pod| { replaceable(pod); stopped(pod); }),
    lost_gpus: World::default().want("llm", |_| {}).have("llm", |_| {}).outside("llm", |pod| {
        pod.compute = Some(Compute::Gpu { id: GpuTypeId::new("NVIDIA GeForce RTX 4090"), count: 0 });
    }),
    stop: World::default().want("llm", |pod| { local(pod); stopped(pod); }).have("llm", local),
    replace_destroy_first: World::default().want("llm", l40s).have("llm", local),
    replace_create_first: World::default()
        .want("llm", |pod| { l40s(pod); pod.lifecycle.on_replace = OnReplace::CreateFirst; })
        .have("llm", |pod| pod.lifecycle.on_replace = OnReplace::CreateFirst),
    replace_on_request: World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .option(|options| options.replace = [address("llm")].into()),
    replace_of_a_scarce_gpu: World::default()
        .want("llm", |pod| pod.hardware.compute = ComputeWish::Gpu(gpus(&["A100 PCIe"])))
        .have("llm", |_| {}),
    no_stock_blocks: World::default()
        .want("llm", |pod| pod.hardware.compute = ComputeWish::Gpu(gpus(&["H100 SXM"])))
        .have("llm", |_| {}),
    no_candidate_blocks: World::default().want("llm", |pod| {
        pod.hardware.compute = ComputeWish::Gpu(gpus(&["H100 SXM", "A100 PCIe"]));
        pod.hardware.max_price = Some(Hourly(1_000_000));
    }),
    lock_blocks: World::default()
        .want("llm", stopped)
        .have("llm", |_| {})
        .outside("llm", |pod| pod.settings.locked = Some(Some(true))),
    unknown_prices: World::default()
        .want("llm", |pod| {
            pod.hardware.compute = ComputeWish::Gpu(gpus(&["H100 SXM"]));
            pod.hardware.cloud = CloudWish::Any;
        })
        .stranger("theirs", |pod| pod.compute = None),
    cheapest_of_two_clouds: World::default().want("llm", |pod| {
        let mut wish = gpus(&["L40S", "RTX 4090"]);
        wish.order = GpuOrder::Price;
        pod.hardware.compute = ComputeWish::Gpu(wish);
        pod.hardware.cloud = CloudWish::Any;
    }),
    cpu_pod: World::default().want("prep", |pod| {
        let flavors = vec![CpuFlavorId::new("cpu5c")];
        pod.hardware.compute = ComputeWish::Cpu(CpuWish { flavors, vcpus: 4 });
    }),
    looks_renamed: World::default()
        .want_volume("volume.weights", 500, false)
        .have_volume("volume.models", 500, false)
        .want("chat", |pod| { local(pod); set_env(pod, &[("NAME", "chat")]); })
        .have("llm", |pod| { local(pod); set_env(pod, &[("NAME", "llm")]); }),
    moved: renamed("acme-llm"),
    moved_and_updated: renamed("acme-chat"),
    dependencies: World::default()
        .want_volume("volume.models", 500, false)
        .want("prep", |pod| pod.container.storage = models())
        .want("llm", |pod| {
            pod.container.storage = models();
            pod.depends_on = [address("prep")].into();
        }),
    awaited: waited_for(),
    reference_to_replaced: World::default()
        .want("head", |_| {})
        .have("head", |_| {})
        .want("worker", told_of_head)
        .have("worker", told_of_head)
        .want("new", told_of_head)
        .option(|options| options.replace = [address("head")].into()),
    await_job: begun(Then::Stop).want("web", |pod| {
        pod.depends_on = [address("train")].into();
        pod.until = [(address("train"), Until::Done)].into();
    }),
    job_cut_short: goes().option(|options| options.destroy = true),
    out_of_scope: World::default()
        .want("llm", image_2)
        .have("llm", |_| {})
        .want("train", image_2)
        .have("train", |_| {})
        .option(|options| options.targets = vec!["llm".parse().unwrap()]),
    findings: World::default().want("llm", |pod| {
        pod.container.image = "tool:latest".to_owned();
        let key = EnvKey::new("DB_PASSWORD");
        let name = SecretName::Literal { address: address("llm"), key: key.clone() };
        Arc::make_mut(&mut pod.container.env).insert(key, EnvValue::Secret(name));
    }),
    destroy: World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .have_volume("volume.models", 500, false)
        .option(|options| options.destroy = true),
    retire: World::default().have("llm", |pod| pod.lifecycle.on_remove = OnRemove::Stop),
    retired: World::default()
        .have("llm", |pod| { local(pod); pod.lifecycle.on_remove = OnRemove::Stop; })
        .applied(),
    marked_ours: {
        let marker = podform::model::marker::Marker { token: token("other"), ..World::default().marker("llm") };
        World::default().stranger("lost", |pod| pod.marker = Some(marker))
    },
    forget: World::default().have("llm", |pod| pod.lifecycle.on_remove = OnRemove::Forget),
    protect_blocks: World::default().have("llm", |pod| pod.lifecycle.protect = true),
    record: World::default().want("llm", |pod| pod.lifecycle.protect = true).have("llm", |_| {}),
    deposed: World::default()
        .want("llm", |_| {})
        .have("llm", |_| {})
        .stranger("old", |_| {})
        .recorded("llm", |recorded| recorded.record.deposed = [PodId::new("old")].into()),
    // Changes of volumes.
    volume_create: World::default().want_volume("volume.models", 500, false),
    volume_grow: World::default()
        .want_volume("volume.models", 800, false)
        .have_volume("volume.models", 500, false),
    volume_shrink_blocks: World::default()
        .want_volume("volume.models", 100, false)
        .have_volume("volume.models", 500, false),
    volume_with_its_pod: World::default()
        .have_volume("volume.models", 500, false)
        .have("llm", |pod| pod.container.storage = models()),
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

fn models() -> Storage<Address> {
    Storage::Network { volume: address("volume.models"), path: "/models".to_owned() }
}

fn replaceable(pod: &mut WantedPod) {
    local(pod);
    pod.lifecycle.on_stuck_resume = OnStuckResume::Replace;
}

fn set_env(pod: &mut WantedPod, variables: &[(&str, &str)]) {
    let plain = |(key, value): &(&str, &str)| (EnvKey::new(*key), EnvValue::Plain((*value).to_owned()));
    pod.container.env = Arc::new(variables.iter().map(plain).collect());
}

fn told_of_head(pod: &mut WantedPod) {
    let marked = |text: &str| text.parse::<Reference>().unwrap().marked();
    set_env(pod, &[("HEAD_URL", &format!("{}/v1", marked("head.url.8000"))), ("MODE", "fast")]);
    pod.container.command = vec!["join".to_owned(), marked("head.id")];
    pod.depends_on = [address("head")].into();
}

fn long_command(pod: &mut WantedPod, seed: &str) {
    let words = ["serve", "--model", "Qwen/Qwen3-32B", "--port", "8000", "--seed", seed];
    pod.container.command = words.map(str::to_owned).to_vec();
}

/// A pod is made that waits for one to which nothing is to be done, and both say when they are ready and booted.
fn waited_for() -> World {
    let mut world = World::default()
        .have("llm", |_| {})
        .want("llm", |_| {})
        .want("web", |pod| pod.depends_on = [address("llm")].into());
    let probe = Probe::Http { port: 8000, path: "/health".to_owned(), statuses: [200, 401].into() };
    world.desired.ready.insert(address("llm"), Ready { probe, within: Ready::WITHIN });
    let probe = Probe::Log { text: "listening".to_owned() };
    world.desired.ready.insert(address("web"), Ready { probe, within: Seconds(90) });
    let boot = Boot { within: Seconds(480), or_else: OnNoBoot::NextCandidate };
    world.desired.boot.insert(address("web"), boot);
    world
}

/// Wants as `chat`, with this name in the console, what is recorded as `llm`.
fn renamed(name: &str) -> World {
    let mut world =
        World::default().want("chat", |pod| pod.container.name = name.to_owned()).have("llm", |_| {});
    world.desired.moved = vec![Move { from: address("llm"), to: address("chat") }];
    world
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
        Arc::make_mut(&mut pod.container.env)
            .insert(EnvKey::new("WANDB_API_KEY"), EnvValue::Secret(name.clone()));
    };
    let mut world = World::default();
    world.secrets.insert(name.clone(), Secret::new("swordfish".to_owned()));
    world.want("llm", with_secret).have("llm", with_secret).outside("llm", |pod| {
        pod.settings.env.insert(key, Secret::new("herring".to_owned()));
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

/// Returns the text of a plan file.
pub(crate) fn plan_file(saved: &SavedPlan) -> String {
    let mut bytes = Vec::new();
    planfile::write(&mut bytes, saved).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Renders the plan in every format, from memory and from a file, and compares it with what is expected.
fn check(name: &str, world: &World) {
    let planned = world.plan();
    let places = subjects(&planned).into_iter().zip((7..).map(|line| format!("pods.yaml:{line}:5")));
    let positions: BTreeMap<Subject, String> = places.collect();
    let text = plan_file(&SavedPlan {
        planned: planned.clone(),
        inputs: PlanInputs::default(),
        positions: positions.clone(),
    });
    let read = planfile::read(&text).unwrap();
    let rendered = every_format(&planned, &|subject| positions.get(subject).cloned());
    let SavedPlan { planned: saved, inputs: _, positions: kept } = &read;
    let from_file = every_format(saved, &|subject| kept.get(subject).cloned());
    assert_eq!(from_file, rendered, "{name}: the saved plan shows something else");
    satisfies_the_schema(name, &planned);
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

fn satisfies_the_schema(name: &str, planned: &Planned) {
    let mut text = String::new();
    write_plan(&mut text, Format::Json, planned, &no_positions, Style::PLAIN).unwrap();
    let document = serde_json::from_str(&text).unwrap();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("plan.schema.json", serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let schema = compiler.compile("plan.schema.json", &mut schemas).unwrap();
    if let Err(error) = schemas.validate(&document, schema) {
        panic!("{name}: {error:#}");
    }
}

fn every_format(planned: &Planned, positions: Positions<'_>) -> String {
    let mut text = String::new();
    for format in Format::ALL {
        writeln!(text, "===== {}", format.word()).unwrap();
        write_plan(&mut text, format, planned, positions, Style::PLAIN).unwrap();
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

/// No class of change is without its expected file.
#[test]
fn every_class_of_change_is_expected_somewhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let text: String = files.collect();
    let found: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("\"verb\": \"")?.strip_suffix("\","))
        .collect();
    assert_eq!(found, Verb::ALL.into_iter().map(Verb::word).collect());
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
