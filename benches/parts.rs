//! What the pure parts cost: reading a spec, planning it, printing the plan.
//!
//! The account is the simulator's, called in process, so that catalog and listings have their real size.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use divan::{Bencher, black_box};
use podform::model::catalog::Catalog;
use podform::model::clock::{SignedDuration, Timestamp};
use podform::model::id::{Lineage, RunNonce};
use podform::model::live::Live;
use podform::model::plan::Planned;
use podform::model::prior::{Api, Prior};
use podform::model::secret::{Secret, Secrets};
use podform::plan::{Inputs, Options, plan, stock_questions};
use podform::provider::Observe;
use podform::provider::observe::observe;
use podform::provider::runpod::Runpod;
use podform::render::human::write_plan;
use podform::render::no_positions;
use podform::render::style::Style;
use podform::simulator::{Settings, Simulation};
use podform::spec::cache::{self, CacheKey};
use podform::spec::{Checked, Form, Input, Loaded, SourceFile, check};

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
    let case = Case::new(pods);
    bencher.bench(|| case.plan());
}

#[divan::bench(args = SIZES)]
fn render(bencher: Bencher<'_, '_>, pods: usize) {
    let planned = Case::new(pods).plan();
    bencher.bench(|| {
        let mut text = String::new();
        write_plan(&mut text, black_box(&planned), &no_positions, Style::PLAIN).unwrap();
        text
    });
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
    live: Live,
    catalog: Catalog,
    secrets: Secrets,
    options: Options,
    nonce: RunNonce,
}

impl Case {
    fn new(pods: usize) -> Self {
        let loaded = with_input(&spec(pods), checked).lower();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (live, catalog) = runtime.block_on(async {
            let router = Simulation::new(Settings::default()).router();
            let account = Runpod::in_process(Api::V2, router, &Secret::new("simulated".to_owned())).unwrap();
            let now = Timestamp::UNIX_EPOCH;
            let live = observe(&account, &BTreeMap::new(), now).await.unwrap();
            let questions: BTreeSet<_> = stock_questions(&loaded.desired);
            (live, account.catalog(&questions, now).await.unwrap())
        });
        Self {
            loaded,
            prior: Prior::empty(Lineage::new("bench")),
            live,
            catalog,
            secrets: Secrets::default(),
            options: Options::default(),
            nonce: RunNonce::new("bench"),
        }
    }

    fn plan(&self) -> Planned {
        plan(&Inputs {
            desired: &self.loaded.desired,
            prior: &self.prior,
            live: &self.live,
            catalog: &self.catalog,
            secrets: &self.secrets,
            options: &self.options,
            nonce: &self.nonce,
            api: Api::V2,
            settling: SignedDuration::from_secs(120),
        })
    }
}
