//! What the parts of a plan cost: reading a spec, a state and a listing, planning, printing the plan, writing a state.
//!
//! The account is the simulator's, called in process, so that catalog and listings have their real size. A listing is
//! recorded once and answered from memory, so that only reading it is measured.

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/fleet.rs"]
mod fleet;
#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/kit.rs"]
mod kit;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Request;
use divan::{Bencher, black_box};
use http_body_util::BodyExt;
use podform::model::address::Address;
use podform::model::clock::{Clock, Timestamp};
use podform::model::id::{Lineage, ProjectName};
use podform::model::plan::Planned;
use podform::model::prior::{Api, Prior, ProviderKind};
use podform::model::secret::Secret;
use podform::provider::Observe;
use podform::provider::runpod::Runpod;
use podform::render::style::Style;
use podform::render::{Format, no_positions, write_plan};
use podform::simulator::Simulation;
use podform::spec::cache::{self, CacheKey};
use podform::spec::{Checked, Form, Input, Loaded, SourceFile, check};
use podform::state::Journal;
use podform::state::sqlite::{LockedState, StateFile};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use fleet::{Fleet, Seen};

/// How many pods a spec has.
const SIZES: [usize; 3] = [10, 100, 1_000];

fn main() {
    divan::main();
}

/// From text to a checked spec.
#[divan::bench(args = SIZES)]
fn check_spec(bencher: Bencher<'_, '_>, pods: usize) {
    let text = spec(pods);
    bencher.bench(|| with_input(black_box(&text), checked));
}

/// From a checked spec to what is wanted.
#[divan::bench(args = SIZES)]
fn lower_spec(bencher: Bencher<'_, '_>, pods: usize) {
    let checked = with_input(&spec(pods), checked);
    bencher.with_inputs(|| checked.clone()).bench_values(Checked::lower);
}

/// From what an earlier run kept to what is wanted, with the hash over the files.
#[divan::bench(args = SIZES)]
fn read_spec_from_cache(bencher: Bencher<'_, '_>, pods: usize) {
    with_input(&spec(pods), |input| {
        let loaded = checked(input).lower();
        let kept = cache::write(&CacheKey::of(input, "bench"), input, &loaded).unwrap();
        bencher.bench(|| cache::read(&CacheKey::of(black_box(input), "bench"), input, &kept).unwrap());
    });
}

#[divan::bench(args = SIZES)]
fn plan_from_nothing(bencher: Bencher<'_, '_>, pods: usize) {
    let case = Case::from_nothing(pods);
    bencher.bench(|| case.plan());
}

#[divan::bench(args = SIZES)]
fn plan_without_changes(bencher: Bencher<'_, '_>, pods: usize) {
    let case = Case::applied(pods);
    bencher.bench(|| case.plan());
}

/// Replaces half of the replicas of one key after the other half.
#[divan::bench(args = [1_000, 10_000])]
fn plan_in_waves(bencher: Bencher<'_, '_>, pods: usize) {
    let case = Case::replicas(pods);
    bencher.bench(|| case.plan());
}

#[divan::bench(args = SIZES)]
fn render_human(bencher: Bencher<'_, '_>, pods: usize) {
    render(bencher, pods, Format::Human);
}

#[divan::bench(args = SIZES)]
fn render_json(bencher: Bencher<'_, '_>, pods: usize) {
    render(bencher, pods, Format::Json);
}

#[divan::bench(args = SIZES)]
fn render_terraform_json(bencher: Bencher<'_, '_>, pods: usize) {
    render(bencher, pods, Format::TerraformJson);
}

#[divan::bench(args = SIZES)]
fn render_markdown(bencher: Bencher<'_, '_>, pods: usize) {
    render(bencher, pods, Format::Markdown);
}

/// Prints a plan that creates everything.
fn render(bencher: Bencher<'_, '_>, pods: usize, format: Format) {
    let planned = Case::from_nothing(pods).plan();
    bencher.bench(|| {
        let mut text = String::new();
        write_plan(&mut text, format, black_box(&planned), &no_positions, Style::PLAIN).unwrap();
        text
    });
}

#[divan::bench(args = SIZES)]
fn state_load(bencher: Bencher<'_, '_>, pods: usize) {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let batch = fleet::recording(&Case::applied(pods).prior);
    let state = state(folder.path());
    let locked = runtime.block_on(begun(&state));
    runtime.block_on(locked.commit(&batch)).unwrap();
    drop(locked);
    bencher.bench(|| state.read().unwrap());
}

/// Commits every record at once.
#[divan::bench(args = SIZES)]
fn state_save(bencher: Bencher<'_, '_>, pods: usize) {
    let runtime = runtime();
    let batch = fleet::recording(&Case::applied(pods).prior);
    let fresh = || {
        let folder = tempfile::tempdir().unwrap();
        let locked = runtime.block_on(begun(&state(folder.path())));
        (locked, folder)
    };
    bencher
        .with_inputs(fresh)
        .bench_local_refs(|(locked, _folder)| runtime.block_on(locked.commit(black_box(&batch))).unwrap());
}

/// Reads a listing of so many pods.
#[divan::bench(args = SIZES)]
fn wire_decode(bencher: Bencher<'_, '_>, pods: usize) {
    let runtime = runtime();
    let body = runtime.block_on(async { listing(&Fleet::steady(pods).apply().await.simulation).await });
    let router = Router::new().fallback(async move || ([("content-type", "application/json")], body));
    let account = Runpod::in_process(Api::V2, router, &Secret::new("simulated".to_owned())).unwrap();
    let read = || runtime.block_on(account.list_pods()).unwrap();
    assert_eq!(read().len(), pods);
    bencher.bench_local(read);
}

/// Writes a spec of so many pods, each with what a pod in a team's spec has.
fn spec(pods: usize) -> String {
    let mut text = String::from(
        "version: 1\nproject: bench\nprovider: { kind: simulator }\nvolumes:\n  models: { size: 500GB, data_center: EU-RO-1 }\npods:\n",
    );
    for number in 0..pods {
        write!(
            text,
            "  pod-{number}:\n    image: vllm/vllm-openai:v0.19.1\n    command: [--model, Qwen/Qwen3-32B-FP8, --port, '8000']\n    \
             env: {{ HF_HOME: /models/hf, NUMBER: '{number}' }}\n    ports: [8000/http, 22/tcp]\n    \
             gpu: [RTX 6000 Ada, A100 PCIe, RTX 4090]\n    placement: {{ data_centers: [EU-RO-1] }}\n    volumes: ['models:/models']\n"
        )
        .unwrap();
    }
    text
}

fn with_input<T>(text: &str, act: impl FnOnce(&Input<'_>) -> T) -> T {
    let files = [SourceFile { name: "pods.yaml", bytes: text.as_bytes() }];
    let none = BTreeMap::new();
    act(&Input { files: &files, vars: &none, environment_vars: &none, profiles: &[] })
}

fn checked(input: &Input<'_>) -> Checked {
    check(input).unwrap_or_else(|mistakes| panic!("{}", mistakes.render(Form::Plain)))
}

/// Everything that a plan is made from.
struct Case {
    loaded: Loaded,
    prior: Prior,
    seen: Seen,
}

impl Case {
    /// A spec whose pods are all to be created.
    fn from_nothing(pods: usize) -> Self {
        Self::of(pods, &fleet::simulation(1, Duration::ZERO), Prior::empty(Lineage::new("bench")))
    }

    /// A spec whose pods all run as they are wanted.
    fn applied(pods: usize) -> Self {
        let fleet::Applied { simulation, prior } = runtime().block_on(Fleet::steady(pods).apply());
        Self::of(pods, &simulation, prior)
    }

    /// A spec that has all pods of an account as replicas that it changes, half of them at once.
    fn replicas(pods: usize) -> Self {
        let fleet::Applied { simulation, mut prior } = runtime().block_on(Fleet::steady(pods).apply());
        let objects = std::mem::take(&mut prior.objects).into_iter();
        let of_pods = objects.filter(|(address, _)| address.is_pod()).enumerate();
        let at = |number| format!("web[{number}]").parse::<Address>().expect("an address");
        prior.objects = of_pods.map(|(number, (_, pod))| (at(number), pod)).collect();
        let loaded = fleet::loaded(&format!(
            "version: 1\nproject: fleet\nprovider: {{ kind: runpod }}\npods:\n  \
             web: {{ image: nginx, gpu: L4, replicas: {pods}, update: {{ at_once: 50% }} }}\n"
        ));
        Self::from(loaded, &simulation, prior)
    }

    fn of(pods: usize, simulation: &Simulation, prior: Prior) -> Self {
        Self::from(fleet::loaded(&Fleet::steady(pods).spec()), simulation, prior)
    }

    fn from(loaded: Loaded, simulation: &Simulation, prior: Prior) -> Self {
        let (account, now) = (fleet::client(simulation), fleet::moment(simulation));
        let seen = runtime().block_on(fleet::seen(&account, &loaded, &prior, now));
        Self { loaded, prior, seen }
    }

    fn plan(&self) -> Planned {
        fleet::plan_of(&self.loaded, &self.prior, &self.seen)
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Returns the listing of all pods as the API answers it.
async fn listing(simulation: &Simulation) -> Bytes {
    let request = Request::get("/v2/pods").header("authorization", "Bearer simulated").body(Body::empty());
    let answer = simulation.router().oneshot(request.unwrap()).await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.into_body().collect().await.unwrap().to_bytes()
}

fn state(folder: &std::path::Path) -> StateFile {
    let binding = kit::binding(&ProjectName::new("fleet"), ProviderKind::Simulator, "http://127.0.0.1");
    StateFile::new(folder.join("fleet.db"), binding, Lineage::new("fleet"))
}

/// Locks a state and begins a run.
async fn begun(state: &StateFile) -> LockedState {
    let clock = kit::Still(Timestamp::UNIX_EPOCH);
    let locked = state.lock(&kit::holder("ann", "box"), &clock, Duration::ZERO).await.unwrap();
    locked.begin(&kit::run("r1", clock.now())).await.unwrap();
    locked
}
