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
use podform::spec::{Input, Loaded, SourceFile, load};

/// How many pods a spec has.
const SIZES: [usize; 3] = [10, 100, 1_000];

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn parse(bencher: Bencher<'_, '_>, pods: usize) {
    let text = spec(pods);
    bencher.bench(|| parsed(black_box(&text)));
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

fn parsed(text: &str) -> Loaded {
    let files = [SourceFile { name: "pods.yaml", bytes: text.as_bytes() }];
    let none = BTreeMap::new();
    let input = Input { files: &files, vars: &none, environment_vars: &none, profiles: &[] };
    load(&input).unwrap_or_else(|mistakes| panic!("{}", mistakes.render(podform::spec::Form::Plain)))
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
        let loaded = parsed(&spec(pods));
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
