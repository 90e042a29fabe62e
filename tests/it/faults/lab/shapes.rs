//! The plans that are tried: a few specs in a row, of which the last is applied while things go wrong.

/// One kind of plan.
#[derive(Debug)]
pub struct Shape {
    /// Names it in a case.
    pub name: &'static str,
    /// The specs; all but the last are applied in peace beforehand.
    pub specs: &'static [&'static str],
    /// Addresses whose pods must be the same ones at the end.
    pub kept: &'static [&'static str],
    /// What is rotated when the last spec is applied.
    pub rotate: Option<&'static str>,
    /// Whether the host of the pod at `stuck` is full when the last spec is applied.
    pub full_host: bool,
}

impl Shape {
    /// Returns what goes wrong in every schedule of this shape, beside what its case says: the first host of `boot` takes
    /// longer than it is given.
    pub fn always(&self) -> &'static str {
        if self.name == "boot" { ",create#1=slow-boot:3000" } else { "" }
    }
}

/// All shapes, each of up to four objects.
pub const SHAPES: [Shape; 27] = [
    Shape { name: "create", specs: &[NOTHING, TWO_PODS], kept: &[], rotate: None, full_host: false },
    Shape { name: "volume", specs: &[NOTHING, POD_ON_VOLUME], kept: &[], rotate: None, full_host: false },
    Shape { name: "chain", specs: &[NOTHING, CHAIN], kept: &[], rotate: None, full_host: false },
    Shape { name: "replace", specs: &[ONE_L40S, ONE_OTHER], kept: &[], rotate: None, full_host: false },
    Shape {
        name: "create-first",
        specs: &[FIRST_L40S, FIRST_OTHER],
        kept: &[],
        rotate: None,
        full_host: false,
    },
    Shape {
        name: "mix",
        specs: &[ALL_RUN, MIX_BEFORE, MIX_AFTER],
        kept: &["a", "b", "c"],
        rotate: None,
        full_host: false,
    },
    Shape {
        name: "remove",
        specs: &[PROTECTED, PROTECTED_LEFT],
        kept: &["keep"],
        rotate: None,
        full_host: false,
    },
    Shape {
        name: "resume",
        specs: &[LOCAL_RUNS, LOCAL_STOPPED, LOCAL_RUNS],
        kept: &["llm"],
        rotate: None,
        full_host: false,
    },
    Shape { name: "waits", specs: &[NOTHING, WAITS], kept: &[], rotate: None, full_host: false },
    Shape { name: "replace-waits", specs: &[WAITS, WAITS_OTHER], kept: &[], rotate: None, full_host: false },
    Shape {
        name: "resume-waits",
        specs: &[WAITS_FOR_HOST, WAITS_STOPPED, WAITS_FOR_HOST],
        kept: &["llm"],
        rotate: None,
        full_host: false,
    },
    Shape { name: "secret", specs: &[NOTHING, SECRET], kept: &[], rotate: None, full_host: false },
    Shape {
        name: "secret-rotates",
        specs: &[SECRET, SECRET],
        kept: &["llm", "secret.hf"],
        rotate: Some("secret.hf"),
        full_host: false,
    },
    Shape {
        name: "secret-goes",
        specs: &[SECRET, SECRET_GOES],
        kept: &["secret.kept"],
        rotate: None,
        full_host: false,
    },
    Shape { name: "registry", specs: &[NOTHING, REGISTRY_RUNS], kept: &[], rotate: None, full_host: false },
    Shape {
        name: "registry-rotates",
        specs: &[REGISTRY_RUNS, REGISTRY, REGISTRY],
        kept: &["llm", "web"],
        rotate: Some("registry.ghcr"),
        full_host: false,
    },
    Shape {
        name: "registry-goes",
        specs: &[REGISTRY_RUNS, REGISTRY_GOES],
        kept: &["llm"],
        rotate: None,
        full_host: false,
    },
    Shape { name: "locked", specs: &[LOCKED, LOCKED_OTHER], kept: &["llm"], rotate: None, full_host: false },
    Shape {
        name: "ready",
        specs: &[NOTHING, SERVICE, SERVICE_OTHER],
        kept: &["llm", "gate"],
        rotate: None,
        full_host: false,
    },
    Shape { name: "boot", specs: &[NOTHING, SLOW_TO_BOOT], kept: &[], rotate: None, full_host: false },
    Shape {
        name: "stuck",
        specs: &[STUCK_RUNS, STUCK_STOPPED, STUCK_RUNS],
        kept: &[],
        rotate: None,
        full_host: true,
    },
    Shape {
        name: "waves",
        specs: &[WAVES, WAVES_OTHER],
        kept: &["web[0]", "web[1]", "web[2]"],
        rotate: None,
        full_host: false,
    },
    Shape {
        name: "waves-replace",
        specs: &[WAVES, WAVES_REPLACE],
        kept: &[],
        rotate: None,
        full_host: false,
    },
    Shape { name: "jobs", specs: &[NOTHING, JOBS], kept: &[], rotate: None, full_host: false },
    Shape {
        name: "jobs-again",
        specs: &[JOBS_DONE, JOBS_AGAIN],
        kept: &["prep"],
        rotate: None,
        full_host: false,
    },
    Shape {
        name: "jobs-meanwhile",
        specs: &[JOBS_UNDER_WAY, JOBS_MEANWHILE],
        kept: &["prep", "train"],
        rotate: None,
        full_host: false,
    },
    Shape {
        name: "waves-others",
        specs: &[WAVES_TWO, WAVES_OTHERS],
        kept: &[],
        rotate: None,
        full_host: false,
    },
];

const NOTHING: &str = "
version: 1
project: lab
pods: {}
";

const TWO_PODS: &str = "
version: 1
project: lab
pods:
  a: { image: img:1, gpu: [L40S, RTX 6000 Ada], disk: 20GB, env: { MODE: fast } }
  b: { image: img:2, gpu: RTX 4090, disk: 20GB, ports: [8000/http] }
";

const POD_ON_VOLUME: &str = "
version: 1
project: lab
volumes:
  models: { size: 100GB, data_center: EU-RO-1 }
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, volumes: ['models:/models'] }
";

const SECRET: &str = "
version: 1
project: lab
secrets:
  hf: { runpod: hf_token, from: { env: HF } }
  kept: { runpod: kept, from: { env: KEPT } }
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, env: { HF: { secret: hf } } }
";

const SECRET_GOES: &str = "
version: 1
project: lab
secrets:
  kept: { runpod: kept, from: { env: KEPT } }
pods: {}
removed: [{ from: secret.hf, then: terminate }]
";

const REGISTRY_RUNS: &str = "
version: 1
project: lab
secrets:
  ghcr: { env: GHCR }
registries:
  ghcr: { username: bot, password: { secret: ghcr } }
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, registry: ghcr }
  web: { image: img:1, gpu: RTX 4090, disk: 20GB, registry: ghcr }
";

/// One of the pods is stopped.
const REGISTRY: &str = "
version: 1
project: lab
secrets:
  ghcr: { env: GHCR }
registries:
  ghcr: { username: bot, password: { secret: ghcr } }
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, registry: ghcr }
  web: { image: img:1, gpu: RTX 4090, disk: 20GB, registry: ghcr, state: stopped }
";

const REGISTRY_GOES: &str = "
version: 1
project: lab
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB }
";

const CHAIN: &str = "
version: 1
project: lab
pods:
  a: { image: img:1, cpu: { flavors: [cpu5c, cpu3c], vcpus: 4 }, disk: 20GB }
  b: { image: img:1, gpu: RTX 4090, disk: 20GB, depends_on: [a] }
  c: { image: img:1, gpu: L40S, disk: 20GB, volumes: [{ local: 50GB, path: /workspace }] }
";

const ONE_L40S: &str = "
version: 1
project: lab
pods:
  llm: { image: img:1, gpu: L40S, disk: 20GB }
  web: { image: img:1, gpu: RTX 4090, disk: 20GB, depends_on: [llm] }
";

const ONE_OTHER: &str = "
version: 1
project: lab
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB }
  web: { image: img:1, gpu: RTX 4090, disk: 20GB, depends_on: [llm] }
";

const FIRST_L40S: &str = "
version: 1
project: lab
pods:
  llm: { image: img:1, gpu: L40S, disk: 20GB, lifecycle: { on_replace: create_first } }
";

const FIRST_OTHER: &str = "
version: 1
project: lab
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, lifecycle: { on_replace: create_first } }
";

const ALL_RUN: &str = "
version: 1
project: lab
pods:
  a: { image: img:1, gpu: RTX 4090, disk: 20GB }
  b: { image: img:1, gpu: RTX 4090, disk: 20GB }
  c: { image: img:1, gpu: RTX 4090, disk: 20GB, ssh: true }
  d: { image: img:1, gpu: RTX 4090, disk: 20GB }
";

const MIX_BEFORE: &str = "
version: 1
project: lab
pods:
  a: { image: img:1, gpu: RTX 4090, disk: 20GB }
  b: { image: img:1, gpu: RTX 4090, disk: 20GB, state: stopped }
  c: { image: img:1, gpu: RTX 4090, disk: 20GB, ssh: true }
  d: { image: img:1, gpu: RTX 4090, disk: 20GB }
";

const MIX_AFTER: &str = "
version: 1
project: lab
pods:
  a: { image: img:1, gpu: RTX 4090, disk: 20GB, state: stopped }
  b: { image: img:1, gpu: RTX 4090, disk: 20GB }
  c: { image: img:2, gpu: RTX 4090, disk: 20GB, ssh: true, env: { MODE: fast } }
";

/// A pod that waits, one behind it and one beside it.
pub const WAITS: &str = "
version: 1
project: lab
pods:
  llm:
    image: img:1
    gpu: RTX 4090
    disk: 20GB
    retry: { for: 30m, every: 60s, widen: [{ after: 2m, gpu: [L40S] }] }
  web: { image: img:1, gpu: RTX 4090, disk: 20GB, depends_on: [llm] }
  aside: { image: img:1, gpu: RTX 4090, disk: 20GB }
";

/// The same, another pod on the way.
pub const WAITS_OTHER: &str = "
version: 1
project: lab
pods:
  llm:
    image: img:1
    gpu: RTX 6000 Ada
    disk: 20GB
    retry: { for: 30m, every: 60s, widen: [{ after: 2m, gpu: [L40S] }] }
  web: { image: img:1, gpu: RTX 4090, disk: 20GB, depends_on: [llm] }
  aside: { image: img:2, gpu: RTX 4090, disk: 20GB }
";

const WAITS_FOR_HOST: &str = "
version: 1
project: lab
defaults: { retry: { for: 30m }, lifecycle: { on_stuck_resume: wait } }
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, volumes: [{ local: 50GB, path: /workspace }] }
";

const WAITS_STOPPED: &str = "
version: 1
project: lab
defaults: { retry: { for: 30m }, lifecycle: { on_stuck_resume: wait } }
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, volumes: [{ local: 50GB, path: /workspace }], state: stopped }
";

const LOCKED: &str = "
version: 1
project: lab
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, locked: true }
";

const LOCKED_OTHER: &str = "
version: 1
project: lab
pods:
  llm: { image: img:2, gpu: RTX 4090, disk: 20GB, locked: true }
";

const PROTECTED: &str = "
version: 1
project: lab
volumes:
  models: { size: 100GB, data_center: EU-RO-1 }
pods:
  keep: { image: img:1, gpu: RTX 4090, disk: 20GB, lifecycle: { protect: true } }
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, volumes: ['models:/models'] }
";

const PROTECTED_LEFT: &str = "
version: 1
project: lab
pods:
  keep: { image: img:1, gpu: RTX 4090, disk: 20GB, env: { MODE: fast }, lifecycle: { protect: true } }
";

const LOCAL_RUNS: &str = "
version: 1
project: lab
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, volumes: [{ local: 50GB, path: /workspace }] }
";

const LOCAL_STOPPED: &str = "
version: 1
project: lab
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, volumes: [{ local: 50GB, path: /workspace }], state: stopped }
";

/// A chain of pods of which each is asked before the next one, and one that is asked though nothing is done to it.
const SERVICE: &str = "
version: 1
project: lab
defaults: { gpu: RTX 4090, disk: 20GB }
pods:
  gate: { image: img:1, ports: [22/tcp], ready: { tcp: 22, within: 5m } }
  llm: { image: img:1, ports: [8000/http], ready: { http: 8000/health, within: 5m }, depends_on: [gate] }
";

const SERVICE_OTHER: &str = "
version: 1
project: lab
defaults: { gpu: RTX 4090, disk: 20GB }
pods:
  gate: { image: img:1, ports: [22/tcp], ready: { tcp: 22, within: 5m } }
  llm: { image: img:2, ports: [8000/http], ready: { http: 8000/health, within: 5m }, depends_on: [gate] }
  web: { image: img:1, ports: [80/http], ready: { log: 'listening on', within: 5m }, depends_on: [llm] }
";

/// A pod that may have to be given up, see [`Shape::always`].
const SLOW_TO_BOOT: &str = "
version: 1
project: lab
defaults: { gpu: [RTX 4090, L40S], disk: 20GB, boot: { within: 60s, else: next_candidate } }
pods:
  a: { image: img:1 }
  b: { image: img:1, depends_on: [a] }
";

/// The first is waited for; the others go on.
const JOBS: &str = "
version: 1
project: lab
pods:
  prep: { image: img:1, gpu: RTX 4090, disk: 20GB, run: job, command: [prep] }
  train:
    { image: img:endless, gpu: RTX 4090, disk: 20GB, run: job, command: [train], depends_on: [{ pod: prep, until: done }] }
  web: { image: img:1, gpu: L40S, disk: 20GB, depends_on: [{ pod: prep, until: ended }] }
";

const JOBS_DONE: &str = "
version: 1
project: lab
pods:
  prep: { image: img:1, gpu: RTX 4090, disk: 20GB, run: job, command: [prep] }
  goes: { image: img:1, gpu: RTX 4090, disk: 20GB, run: job, command: [goes], then: terminate }
";

const JOBS_AGAIN: &str = "
version: 1
project: lab
pods:
  prep: { image: img:endless, gpu: RTX 4090, disk: 20GB, run: job, command: [prep] }
  goes: { image: img:endless, gpu: RTX 4090, disk: 20GB, run: job, command: [goes], then: terminate }
";

const JOBS_UNDER_WAY: &str = "
version: 1
project: lab
pods:
  prep: { image: img:1, gpu: RTX 4090, disk: 20GB, run: job, command: [prep] }
  train:
    { image: img:takes-150, gpu: RTX 4090, disk: 20GB, run: job, command: [train], depends_on: [{ pod: prep, until: done }] }
";

/// The run of `train` ends while its reset waits for `prep`.
const JOBS_MEANWHILE: &str = "
version: 1
project: lab
pods:
  prep: { image: img:takes-240, gpu: RTX 4090, disk: 20GB, run: job, command: [prep] }
  train:
    { image: img:endless, gpu: RTX 4090, disk: 20GB, run: job, command: [train], depends_on: [{ pod: prep, until: done }] }
";

const STUCK_RUNS: &str = "
version: 1
project: lab
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, lifecycle: { on_stuck_resume: replace } }
";

const STUCK_STOPPED: &str = "
version: 1
project: lab
pods:
  llm: { image: img:1, gpu: RTX 4090, disk: 20GB, state: stopped, lifecycle: { on_stuck_resume: replace } }
";

const WAVES: &str = "
version: 1
project: lab
pods:
  web: { image: img:1, gpu: RTX 4090, disk: 20GB, replicas: 3, update: { at_once: 1 } }
";

const WAVES_OTHER: &str = "
version: 1
project: lab
pods:
  web: { image: img:2, gpu: RTX 4090, disk: 20GB, replicas: 3, update: { at_once: 1 } }
";

const WAVES_REPLACE: &str = "
version: 1
project: lab
pods:
  web: { image: img:1, gpu: L40S, disk: 20GB, replicas: 3, update: { at_once: 1 } }
";

const WAVES_TWO: &str = "
version: 1
project: lab
pods:
  web: { image: img:1, gpu: RTX 4090, disk: 20GB, replicas: 2, update: { at_once: 1 } }
";

/// The ones go and others come.
const WAVES_OTHERS: &str = "
version: 1
project: lab
pods:
  web: { image: img:1, gpu: RTX 4090, disk: 20GB, replicas: { count: 4, without: [0, 1] }, update: { at_once: 1 } }
";
