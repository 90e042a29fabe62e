//! What a spec comes to: the wanted objects, their positions, the merged file.

use podform::model::desired::{Desired, Wanted, WantedPod};
use podform::model::id::{EnvKey, ProjectName};
use podform::model::location::Location;
use podform::model::prior::{Api, ProviderKind};
use podform::model::secret::SecretName;
use podform::model::settings::Field;
use podform::spec::{Checked, Loaded, Settings};

use super::{Case, check_text, load_text, pod, rendered};

fn loaded(text: &str) -> Loaded {
    load_text(text).unwrap_or_else(|mistakes| panic!("{}", rendered(Err(mistakes))))
}

const EVERY_KEY: &str = "\
version: 1
project: acme-inference
provider: { kind: runpod, api: v1 }
state_file: state/acme.db
vars:
  VLLM_TAG: v0.19.1
secrets:
  hf_token:  { runpod: hf_token }
  wandb_key: { env: WANDB_API_KEY }
  jupyter:   { file: .secrets/jupyter }
  unused:    { env: UNUSED }
budget: { max_hourly: 14.00, max_monthly: 5500, on_exceed: warn }
registries:
  legacy: { id: cmqsgvkd1000gktxpenl2wvpk }
volumes:
  models:
    size: 500GB
    data_center: EU-RO-1
    adopt: agv6w2qcg8
    tier: standard
    protect: true
  datasets: { id: agv6w2qcg7 }
defaults:
  cloud: any
  labels: { team: inference }
pods:
  llm:
    name: chat-llm
    image: vllm/vllm-openai:${VLLM_TAG}
    registry: legacy
    command: [--model, Qwen/Qwen3-32B-FP8, --port, 8000]
    entrypoint: [python3]
    env:
      HF_HOME: /models/hf
      HF_TOKEN: { secret: hf_token }
      WANDB_API_KEY: { secret: wandb_key }
      JUPYTER: { secret: jupyter }
      RANK: ${REPLICA}
      HTTP_PROXY: null
      PRICE: $${HOME} $PATH
    ports: [8000/http, 22/tcp, 8001]
    gpu:
      any_of:
        - { type: RTX 6000 Ada }
        - { type: A100 PCIe, max_price: 1.60 }
        - L40S
      order: listed
      count: 1
      memory: 48GB..
    cuda: \">=12.4\"
    min_vcpu: 8
    min_memory: 32GB
    max_price: 2.20
    placement: { data_centers: [EU-RO-1, EU-CZ-1], countries: [RO] }
    disk: 60GB
    volumes: [models:/models]
    ssh: true
    jupyter: false
    global_networking: false
    locked: true
    depends_on: [prep]
    replicas: 2
    state: running
    lifecycle:
      protect: true
      on_remove: stop
      on_replace: create_first
      on_stuck_resume: replace
      ignore_changes: [env.LOG_LEVEL, image]
    labels: { service: chat }
    profiles: [prod]
  prep:
    image: ghcr.io/acme/prep:2026-11-03
    cpu: { flavors: [cpu5c, cpu3c], vcpus: 8 }
    disk: 20GB
    state: stopped
  scratch:
    image: a/b
    gpu: 24GB..
    volumes: [{ local: 100GB, path: /workspace }]
    adopt: xedezhzb9la3ye
moved:
  - { from: data-prep, to: prep }
";

fn every_key() -> Checked {
    let case =
        Case { files: vec![("pods.yaml", EVERY_KEY.as_bytes())], profiles: &["prod"], ..Case::default() };
    case.check().unwrap_or_else(|mistakes| panic!("{}", rendered(Err(mistakes))))
}

#[test]
fn every_key_of_the_format_is_lowered() {
    let loaded = every_key().lower();
    assert_eq!(loaded.warnings.render(podform::spec::Form::Short), "");
    assert_eq!(
        loaded.settings,
        Settings {
            project: ProjectName::new("acme-inference"),
            kind: ProviderKind::Runpod,
            api: Api::V1,
            state: Location::File("state/acme.db".to_owned()),
        }
    );
    let Desired {
        project,
        wanted,
        out_of_scope,
        replicated,
        dropped,
        protected,
        moved,
        removed,
        ready,
        boot,
        retries,
        secrets,
        budget,
    } = &loaded.desired;
    assert!(removed.is_empty() && dropped.is_empty() && retries.is_empty());
    assert!(ready.is_empty() && boot.is_empty());
    assert_eq!((project.as_str(), out_of_scope.len()), ("acme-inference", 0));
    assert_eq!(replicated.iter().map(|key| key.as_str()).collect::<Vec<_>>(), ["llm"]);
    assert_eq!(protected, replicated);
    let addresses: Vec<String> = wanted.keys().map(ToString::to_string).collect();
    assert_eq!(addresses, ["volume.datasets", "volume.models", "llm[0]", "llm[1]", "prep", "scratch"]);
    let Wanted::Pod(last) = &wanted[&"llm[1]".parse().unwrap()] else { panic!("llm[1] is a pod") };
    let WantedPod {
        container,
        hardware,
        unwanted_env,
        access,
        run,
        job: None,
        lifecycle,
        at_once: None,
        depends_on,
        until,
        numbered: _,
        adopt,
        template: None,
        labels,
    } = &**last
    else {
        panic!("it names no template, has no waves and is no job")
    };
    assert!(until.is_empty());
    insta::assert_snapshot!(format!("{container:?}\n{hardware:?}\n{unwanted_env:?}\n{access:?}"), @r#"
    PodSettings { name: "chat-llm-1", image: "vllm/vllm-openai:v0.19.1", command: ["--model", "Qwen/Qwen3-32B-FP8", "--port", "8000"], entrypoint: ["python3"], ports: {Port { number: 22, protocol: Tcp }, Port { number: 8000, protocol: Http }, Port { number: 8001, protocol: Http }}, disk: Gigabytes(60), registry: Some(Given(RegistryId("cmqsgvkd1000gktxpenl2wvpk"))), global_networking: false, locked: Some(true), env: {EnvKey("HF_HOME"): Plain("/models/hf"), EnvKey("HF_TOKEN"): Plain("{{ RUNPOD_SECRET_hf_token }}"), EnvKey("JUPYTER"): Secret(Declared("jupyter")), EnvKey("PRICE"): Plain("${HOME} $PATH"), EnvKey("RANK"): Plain("1"), EnvKey("WANDB_API_KEY"): Secret(Declared("wandb_key"))}, storage: Network { volume: Volume(Key("models")), path: "/models" } }
    Hardware { compute: Gpu(GpuWish { any_of: [GpuChoice { name: GpuName("RTX 6000 Ada"), count: None, max_price: None }, GpuChoice { name: GpuName("A100 PCIe"), count: None, max_price: Some(Hourly(1600000)) }, GpuChoice { name: GpuName("L40S"), count: None, max_price: None }], order: Listed, count: GpuCount { least: 1, most: 1 }, memory: MemoryRange { min: Some(Gigabytes(48)), max: None }, host: HostLimits { cuda: AtLeast(CudaVersion("12.4")), min_vcpu: Some(8), min_memory: Some(Gigabytes(32)) }, rent: OnDemand }), cloud: Only(Secure), data_centers: {DataCenterId("EU-RO-1")}, countries: {CountryCode("RO")}, max_price: Some(Hourly(2200000)) }
    {EnvKey("HTTP_PROXY")}
    Access { ssh: true, jupyter: false }
    "#);
    insta::assert_snapshot!(format!("{run:?} {adopt:?} {labels:?}\n{lifecycle:?}\n{depends_on:?}"), @r#"
    Running None {"service": "chat", "team": "inference"}
    Lifecycle { protect: true, on_remove: Stop, on_replace: CreateFirst, on_stuck_resume: Replace, ignore_changes: {Field(Image), Field(Env(EnvKey("LOG_LEVEL")))} }
    {Volume(Key("models")), Pod { key: Key("prep"), replica: None }}
    "#);
    insta::assert_snapshot!(format!("{moved:?}\n{secrets:?}\n{budget:?}"), @r#"
    [Move { from: Pod { key: Key("data-prep"), replica: None }, to: Pod { key: Key("prep"), replica: None } }]
    {"jupyter": File(".secrets/jupyter"), "wandb_key": Env("WANDB_API_KEY")}
    Budget { max_hourly: Some(Hourly(14000000)), max_monthly: Some(Monthly(5500000000)), on_exceed: Warn }
    "#);
}

#[test]
fn config_is_one_file_with_every_default_filled_in() {
    insta::assert_snapshot!(every_key().config(), @"
    version: 1
    project: acme-inference
    provider:
      kind: runpod
      api: v1
    state_file: state/acme.db
    secrets:
      hf_token:
        runpod: hf_token
      jupyter:
        file: .secrets/jupyter
      unused:
        env: UNUSED
      wandb_key:
        env: WANDB_API_KEY
    budget:
      max_hourly: 14.00
      max_monthly: 5500.00
      on_exceed: warn
    registries:
      legacy:
        id: cmqsgvkd1000gktxpenl2wvpk
    volumes:
      datasets:
        id: agv6w2qcg7
      models:
        size: 500GB
        data_center: EU-RO-1
        adopt: agv6w2qcg8
        tier: standard
        protect: true
    pods:
      llm:
        name: chat-llm
        image: vllm/vllm-openai:v0.19.1
        registry: legacy
        command:
        - --model
        - Qwen/Qwen3-32B-FP8
        - --port
        - '8000'
        entrypoint:
        - python3
        env:
          HF_HOME: /models/hf
          HF_TOKEN:
            secret: hf_token
          HTTP_PROXY: null
          JUPYTER:
            secret: jupyter
          PRICE: $${HOME} $PATH
          RANK: ${REPLICA}
          WANDB_API_KEY:
            secret: wandb_key
        ports:
        - 22/tcp
        - 8000/http
        - 8001/http
        gpu:
          any_of:
          - type: RTX 6000 Ada
          - type: A100 PCIe
            max_price: 1.60
          - type: L40S
          order: listed
          count: 1
          memory: 48GB..
        cuda: '>=12.4'
        min_vcpu: 8
        min_memory: 32GB
        max_price: 2.20
        placement:
          data_centers:
          - EU-RO-1
          countries:
          - RO
        cloud: secure
        disk: 60GB
        volumes:
        - models:/models
        ssh: true
        jupyter: false
        global_networking: false
        locked: true
        depends_on:
        - prep
        replicas: 2
        state: running
        lifecycle:
          protect: true
          on_remove: stop
          on_replace: create_first
          on_stuck_resume: replace
          ignore_changes:
          - image
          - env.LOG_LEVEL
        labels:
          service: chat
          team: inference
        profiles:
        - prod
      prep:
        name: acme-inference-prep
        image: ghcr.io/acme/prep:2026-11-03
        cpu:
          flavors:
          - cpu5c
          - cpu3c
          vcpus: 8
        cloud: secure
        disk: 20GB
        ssh: false
        jupyter: false
        global_networking: false
        state: stopped
        lifecycle:
          protect: false
          on_remove: terminate
          on_replace: destroy_first
          on_stuck_resume: fail
        labels:
          team: inference
      scratch:
        name: acme-inference-scratch
        image: a/b
        gpu:
          order: price
          count: 1
          memory: 24GB..
        cloud: any
        disk: 20GB
        volumes:
        - local: 100GB
          path: /workspace
        ssh: false
        jupyter: false
        global_networking: false
        state: running
        adopt: xedezhzb9la3ye
        lifecycle:
          protect: false
          on_remove: terminate
          on_replace: destroy_first
          on_stuck_resume: fail
        labels:
          team: inference
    moved:
    - from: data-prep
      to: prep
    ");
}

#[test]
fn config_reads_back_as_the_same() {
    let first = every_key();
    let text = first.config();
    let case = Case { files: vec![("config.yaml", text.as_bytes())], profiles: &["prod"], ..Case::default() };
    let second = case.check().unwrap_or_else(|mistakes| panic!("{}", rendered(Err(mistakes))));
    assert_eq!(second.config(), text);
    let (first, second) = (first.lower(), second.lower());
    assert_eq!(second.desired, first.desired);
    assert_eq!(second.settings, first.settings);
}

#[test]
fn config_quotes_what_some_readers_misread_and_hides_secrets() {
    let text = pod(
        "gpu: L40S\nenv: { A: no, B: 22:22, C: 2026-11-21, D: \"1_000\", E: '<<', ON: 'it''s', HF_TOKEN: hunter2 }",
    );
    insta::assert_snapshot!(check_text(&text).unwrap().config(), @r#"
    version: 1
    project: demo
    provider:
      kind: runpod
      api: v2
    state_file: state/demo.db
    pods:
      llm:
        name: demo-llm
        image: a/b:1
        env:
          A: 'no'
          B: '22:22'
          C: '2026-11-21'
          D: '1_000'
          E: '<<'
          HF_TOKEN: (secret)
          'ON': it's
        gpu:
          any_of:
          - type: L40S
          order: listed
          count: 1
        cloud: secure
        disk: 20GB
        ssh: false
        jupyter: false
        global_networking: false
        state: running
        lifecycle:
          protect: false
          on_remove: terminate
          on_replace: destroy_first
          on_stuck_resume: fail
    "#);
}

#[test]
fn a_hidden_secret_of_config_is_not_sent() {
    insta::assert_snapshot!(super::in_pod("gpu: L40S\nenv: { HF_TOKEN: (secret) }"), @r#"
    error: invalid value
     --> pods.yaml:7:22
      |
    7 |     env: { HF_TOKEN: ***      }
      |                      ^^^^^^^^ `podform config` hid the value of `HF_TOKEN`
    "#);
}

#[test]
fn literal_secrets_are_kept_aside_per_replica() {
    let loaded = loaded(&pod("gpu: L40S\nreplicas: 2\nenv: { API_KEY: 'k-${REPLICA}' }"));
    assert!(!format!("{:?}", loaded.desired).contains("k-"));
    let values: Vec<String> = ["llm[0]", "llm[1]"]
        .iter()
        .filter_map(|address| {
            let name = SecretName::Literal { address: address.parse().unwrap(), key: EnvKey::new("API_KEY") };
            Some(loaded.literal_secrets.get(&name)?.expose().clone())
        })
        .collect();
    assert_eq!(values, ["k-0", "k-1"]);
}

#[test]
fn replicas_are_numbered_from_0_and_may_be_none() {
    let names = |text: &str| -> Vec<String> {
        let name = |wanted: &Wanted| match wanted {
            Wanted::Pod(pod) => pod.container.name.clone(),
            Wanted::Volume(_) | Wanted::Secret(_) | Wanted::Registry(_) => {
                unreachable!("there are only pods")
            }
        };
        loaded(text)
            .desired
            .wanted
            .iter()
            .map(|(address, wanted)| format!("{address} {}", name(wanted)))
            .collect()
    };
    assert_eq!(names(&pod("gpu: L40S")), ["llm demo-llm"]);
    assert_eq!(names(&pod("gpu: L40S\nreplicas: 2")), ["llm[0] demo-llm-0", "llm[1] demo-llm-1"]);
    assert_eq!(names(&pod("gpu: L40S\nreplicas: 1\nname: chat")), ["llm[0] chat-0"]);
    assert_eq!(names(&pod("gpu: L40S\nreplicas: 1\nname: n${REPLICA}-chat")), ["llm[0] n0-chat"]);
    assert_eq!(names(&pod("gpu: L40S\nreplicas: 0")), [""; 0]);
}

#[test]
fn short_forms_of_gpu_mean_the_long_ones() {
    for (short, long) in [
        ("H100 SXM:2", "{ any_of: [{ type: H100 SXM }], count: 2, order: listed }"),
        ("[L40S, RTX 6000 Ada]", "{ any_of: [{ type: L40S }, { type: RTX 6000 Ada }] }"),
        ("48GB..80GB", "{ memory: 48GB..80GB, order: price, count: 1 }"),
        ("NVIDIA GeForce RTX 4090", "{ any_of: [NVIDIA GeForce RTX 4090] }"),
    ] {
        let wanted = |gpu: &str| loaded(&pod(&format!("gpu: {gpu}"))).desired;
        assert_eq!(wanted(short), wanted(long), "{short}");
    }
}

#[test]
fn positions_lead_to_the_value_or_else_to_the_pod() {
    let loaded = every_key().lower();
    let place = |address: &str, field: Field| {
        loaded.positions.of_field(&address.parse().unwrap(), &field).map(|place| place.to_string())
    };
    assert_eq!(place("llm[1]", Field::Image).as_deref(), Some("pods.yaml:29:12"));
    assert_eq!(place("llm[0]", Field::GpuCount).as_deref(), Some("pods.yaml:48:14"));
    assert_eq!(place("prep", Field::Name).as_deref(), Some("pods.yaml:72:3"));
    assert_eq!(place("volume.models", Field::Size).as_deref(), Some("pods.yaml:17:11"));
    assert_eq!(place("nobody", Field::Name), None);
}

#[test]
fn the_short_form_is_one_line_a_mistake() {
    let mistakes = load_text(&pod("imageName: x\nports: ['8080:80']")).unwrap_err();
    insta::assert_snapshot!(mistakes.render(podform::spec::Form::Short), @r#"
    pods.yaml:4:3: error: missing key: the pod `llm` needs `gpu` or `cpu`; add `gpu: L40S`, or `cpu: { flavors: [cpu5c, cpu3c], vcpus: 4 }`
    pods.yaml:6:5: error: unknown key: a pod has no `imageName`; it is spelled `image` here: `image`
    pods.yaml:7:13: error: invalid port: `8080:80`: RunPod picks the public port; write: `80/http`; list the port inside the pod only
    "#);
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    let mistakes = load_text(&pod("imageName: x\nports: ['8080:80']")).unwrap_err();
    let coloured = mistakes.render(podform::spec::Form::Coloured);
    assert!(coloured.contains("\u{1b}["));
    assert_eq!(
        anstream::adapter::strip_str(&coloured).to_string(),
        mistakes.render(podform::spec::Form::Plain)
    );
}
