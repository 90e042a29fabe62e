//! A fleet of any size: the spec, and the account and state as they are after it was applied.
//!
//! Tests and benchmarks share it. Everything follows from the number of pods, the shares and the seed. The account is
//! the simulator's: the first pod of each kind is created over its API, as apply does it, and all others are copies
//! under names, ids and markers of their own, so that a large account takes as long as a plan of it and not as an apply.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use podform::apply::{record, request};
use podform::model::address::Address;
use podform::model::catalog::Catalog;
use podform::model::clock::{self, SignedDuration, Timestamp};
use podform::model::id::{Lineage, PodId, RemoteId, RunNonce, VolumeId};
use podform::model::live::Live;
use podform::model::marker::Marker;
use podform::model::plan::{ActionId, Endpoint, Operation, Plan, Planned};
use podform::model::prior::{Api, Prior, Record};
use podform::model::request::{PodRequest, VolumeRequest};
use podform::model::secret::{Secret, Secrets};
use podform::model::volume::VolumeConfig;
use podform::plan::{Inputs, Options, plan, stock_questions};
use podform::provider::observe::observe;
use podform::provider::runpod::Runpod;
use podform::provider::{Mutate, Observe};
use podform::simulator::world::hosts::{Host, HostId, Inventory};
use podform::simulator::world::moment::Moment;
use podform::simulator::world::pod::{Compute as SimulatedCompute, Pod, PodId as SimulatedId};
use podform::simulator::world::settings::Settings as PodSettings;
use podform::simulator::{QuotaSetting, Settings, Simulation, World};
use podform::spec::Loaded;
use podform::state::memory::MemoryState;
use podform::state::{Batch, Journal, RecordChange, Store};

use crate::kit;

/// The data centers of the fleet; each has a network volume.
pub const HOMES: [&str; 4] = ["EU-RO-1", "US-KS-2", "US-CA-2", "EUR-IS-1"];
/// World time from the last create until the account is looked at: all pods run, all records have settled.
const REST: u64 = 3_600_000;
/// More than any test spends.
const RICH: i64 = 1 << 60;

/// How large a fleet is, and how much of it is not as it was applied.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// How many pods the spec has.
    pub pods: usize,
    /// What everything is drawn from.
    pub seed: u64,
    /// In percent of the pods.
    pub shares: Shares,
}

/// Parts of a fleet in percent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shares {
    /// Have another image in the edited spec.
    pub changed: u32,
    /// Were stopped by somebody.
    pub stopped: u32,
    /// Were terminated by somebody.
    pub vanished: u32,
    /// Are in the account beside the fleet.
    pub unmanaged: u32,
}

/// What became of a pod since it was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Nothing.
    Same,
    /// The edited spec has another image.
    Changed,
    /// It was stopped.
    Stopped,
    /// It was terminated.
    Vanished,
}

/// What a pod is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Server,
    Notebook,
    Worker,
    Gateway,
}

/// A fleet that was applied.
pub struct Applied {
    /// The account.
    pub simulation: Simulation,
    /// The state.
    pub prior: Prior,
}

impl Fleet {
    /// Returns a fleet that is as it was applied.
    pub const fn steady(pods: usize) -> Self {
        Self { pods, seed: 1, shares: Shares { changed: 0, stopped: 0, vanished: 0, unmanaged: 0 } }
    }

    /// Returns the spec that was applied.
    pub fn spec(&self) -> String {
        self.text("runpod", |_| "v0.19.1")
    }

    /// Returns the spec with the changed share of the pods edited.
    pub fn edited_spec(&self) -> String {
        self.text("runpod", |turn| if turn == Turn::Changed { "v0.20.0" } else { "v0.19.1" })
    }

    /// Returns what became of each pod, in the order of the spec.
    pub fn turns(&self) -> Vec<Turn> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let Shares { changed, stopped, vanished, unmanaged: _ } = self.shares;
        let turn = |roll| match roll {
            roll if roll < changed => Turn::Changed,
            roll if roll < changed + stopped => Turn::Stopped,
            roll if roll < changed + stopped + vanished => Turn::Vanished,
            _ => Turn::Same,
        };
        (0..self.pods).map(|_| turn(random.u32(0..100))).collect()
    }

    /// Returns how many pods are in the account beside the fleet.
    pub fn strangers(&self) -> usize {
        self.pods * self.shares.unmanaged as usize / 100
    }

    fn text(&self, provider: &str, version: impl Fn(Turn) -> &'static str) -> String {
        let mut text = format!("version: 1\nproject: fleet\nprovider: {{ kind: {provider} }}\n\nvolumes:\n");
        for (number, home) in HOMES.iter().enumerate() {
            writeln!(text, "  models-{number}: {{ size: 500GB, data_center: {home} }}").unwrap();
        }
        text.push_str("\npods:\n");
        for (number, turn) in self.turns().into_iter().enumerate() {
            self.kind(number).write(&mut text, number, version(turn));
        }
        text
    }

    fn kind(&self, number: usize) -> Kind {
        let mut random = fastrand::Rng::with_seed(self.seed.wrapping_add(number as u64));
        match random.u32(0..100) {
            0..40 => Kind::Server,
            40..70 => Kind::Notebook,
            70..90 => Kind::Worker,
            _ => Kind::Gateway,
        }
    }

    /// Makes the account and the state as they are after the spec was applied and the turns were taken.
    pub async fn apply(&self) -> Applied {
        let machines = u32::try_from(self.pods / 200 + 1).unwrap();
        let simulation = simulation(machines.min(50), Duration::ZERO);
        let account = client(&simulation);
        let loaded = loaded(&self.spec());
        let began = moment(&simulation);
        let from_nothing = Prior::empty(Lineage::new("fleet"));
        let planned = planned(&account, &loaded, &from_nothing, began).await;
        let mut making = Making { simulation: &simulation, account: &account, loaded: &loaded, began };
        let changes = making.all(planned.plan()).await;
        let mut prior = from_nothing;
        for change in changes {
            let RecordChange::Put(address, recorded) = change else { panic!("only creates") };
            prior.objects.insert(address, *recorded);
        }
        let state = MemoryState::new(Lineage::new("fleet"));
        state.commit(&recording(&prior)).await.unwrap();
        let prior = state.load().await.unwrap();
        self.take_turns(&simulation, &prior);
        Applied { simulation, prior }
    }

    /// Does to the account what others did since.
    fn take_turns(&self, simulation: &Simulation, prior: &Prior) {
        let turns = self.turns();
        simulation.edit(|world| {
            let mut stopped = BTreeSet::new();
            for (address, recorded) in &prior.objects {
                let (Address::Pod { key, .. }, RemoteId::Pod(id)) = (address, &recorded.id) else { continue };
                let number: usize = key.as_str().rsplit('-').next().unwrap().parse().unwrap();
                match turns[number] {
                    Turn::Same | Turn::Changed => {}
                    Turn::Stopped => {
                        world.stop_pod(id.as_str()).map(drop).unwrap();
                        stopped.insert(SimulatedId(id.to_string()));
                    }
                    Turn::Vanished => world.terminate_pod(id.as_str()).unwrap(),
                }
            }
            let model = world.all_pods().next().cloned();
            let strangers = (0..self.strangers()).map(|number| Pod {
                id: SimulatedId(format!("st{number:012}")),
                settings: PodSettings {
                    name: format!("somebody-{number}"),
                    env: BTreeMap::new(),
                    ..model.as_ref().unwrap().settings.clone()
                },
                ..model.clone().unwrap()
            });
            let machines = Inventory::of(world.ground().abundance);
            let mut rooms = Rooms { world, machines, taken: BTreeMap::new() };
            let own = world.all_pods().cloned().map(|mut pod| {
                if stopped.contains(&pod.id) {
                    pod.host = rooms.take(&pod);
                }
                pod
            });
            let pods = own.chain(strangers).collect();
            let volumes = world.all_volumes().cloned().collect();
            *world = World::restore(world.ground().clone(), pods, volumes);
        });
    }
}

/// Machines with room for pods that are to be started: copies stand on the machine of their model, room or not.
struct Rooms<'w> {
    world: &'w World,
    machines: Arc<Inventory>,
    taken: BTreeMap<HostId, u32>,
}

impl Rooms<'_> {
    /// Returns a machine like that of the pod on which it can start, or its own if there is none.
    fn take(&mut self, pod: &Pod) -> HostId {
        let own = self.machines.get(&pod.host).unwrap();
        let wanted = match &pod.compute {
            SimulatedCompute::Gpu { count, .. } => *count,
            SimulatedCompute::Cpu { vcpus, .. } => *vcpus,
        };
        let kind = |host: &Host| (host.data_center, host.cloud, host.cuda);
        let taken = |host: &Host| self.taken.get(&host.id).copied().unwrap_or_default();
        let with_room = |host: &&Host| self.world.free_units(&host.id) >= taken(host) + wanted;
        let mut alike = self.machines.of_unit(own.offer.unit()).filter(|host| kind(host) == kind(own));
        let Some(host) = alike.find(with_room).map(|host| host.id.clone()) else { return pod.host.clone() };
        *self.taken.entry(host.clone()).or_default() += wanted;
        host
    }
}

impl Kind {
    fn write(self, text: &mut String, number: usize, version: &str) {
        let home = number % HOMES.len();
        match self {
            Self::Server => write!(
                text,
                "  server-{number}:\n    image: vllm/vllm-openai:{version}\n    \
                 command: [--model, Qwen/Qwen3-32B-FP8, --port, '8000']\n    \
                 env:\n      HF_HOME: /models/hf\n      NUMBER: '{number}'\n    ports: [8000/http, 22/tcp]\n    \
                 gpu: [RTX 6000 Ada, A100 PCIe]\n    volumes: ['models-{home}:/models']\n"
            ),
            Self::Notebook => write!(
                text,
                "  notebook-{number}:\n    image: runpod/pytorch:{version}\n    gpu: RTX 4090\n    \
                 env: {{ OWNER: team-{} }}\n    ports: [8888/http, 22/tcp]\n    disk: 40GB\n    \
                 volumes: [{{ local: 50GB, path: /workspace }}]\n    labels: {{ team: research }}\n",
                number % 40
            ),
            Self::Worker => write!(
                text,
                "  worker-{number}:\n    image: ghcr.io/acme/worker:{version}\n    gpu: [L40S, A40, RTX A6000]\n    \
                 max_price: 2.50\n    env: {{ QUEUE: images, NUMBER: '{number}' }}\n    \
                 lifecycle: {{ on_replace: create_first }}\n"
            ),
            Self::Gateway => write!(
                text,
                "  gateway-{number}:\n    image: ghcr.io/acme/gateway:{version}\n    \
                 cpu: {{ flavors: [cpu5c, cpu3c], vcpus: 4 }}\n    disk: 20GB\n    ports: [8080/http]\n"
            ),
        }
        .unwrap();
    }
}

/// Returns the commit that records everything, with the tokens that a journal has of it.
pub fn recording(prior: &Prior) -> Batch {
    let changes = prior.objects.iter().flat_map(|(address, recorded)| {
        let recorded = Box::new(recorded.clone());
        [
            RecordChange::Know(address.clone(), recorded.clone(), None),
            RecordChange::Put(address.clone(), recorded),
        ]
    });
    Batch { entries: Vec::new(), changes: changes.collect() }
}

/// Creates what a plan from nothing creates.
struct Making<'a> {
    simulation: &'a Simulation,
    account: &'a Runpod,
    loaded: &'a Loaded,
    began: Timestamp,
}

impl Making<'_> {
    async fn all(&mut self, plan: &Plan) -> Vec<RecordChange> {
        let mut changes = Vec::new();
        let mut volumes: BTreeMap<Address, VolumeId> = BTreeMap::new();
        for (id, action) in &plan.actions {
            let Operation::CreateVolume { name, config, token } = &action.operation else { continue };
            let request = VolumeRequest {
                name: name.clone(),
                config: VolumeConfig {
                    size: config.size,
                    data_center: config.data_center.clone(),
                    tier: config.tier,
                },
            };
            let made = self.account.create_volume(&request).await.unwrap();
            volumes.insert(id.address.clone(), made.clone());
            let asked = request::asked(name, token, action.record.record().unwrap());
            changes.push(self.recorded(id, &asked.record, RemoteId::Volume(made)));
        }
        let mut models: BTreeMap<String, Pod> = BTreeMap::new();
        let mut pods = Vec::new();
        for (id, action) in &plan.actions {
            let Operation::CreatePod(creation) = &action.operation else { continue };
            let attempt = &creation.attempts[0];
            let volume = |address: &Address| volumes.get(address).cloned();
            let sources =
                request::Sources { secrets: &Secrets::default(), volumes: &volume, registries: &|_| None };
            let mut request = request::create(sources, creation, &attempt.candidate).unwrap();
            let mark = Marker {
                project: self.loaded.settings.project.clone(),
                address: id.address.clone(),
                token: attempt.token.clone(),
                lineage: plan.basis.lineage.clone(),
                serial: plan.basis.serial,
                created: Some(self.began),
                protected: false,
            };
            request::mark(&mut request.settings.env, &mark);
            let made = match models.get(&alike(&request)) {
                Some(model) => copy(model, &request, pods.len()),
                None => {
                    let made = self.account.create_pod(&request).await.unwrap();
                    let find = |world: &World| world.any_pod(&SimulatedId(made.to_string())).cloned();
                    let pod = self.simulation.inspect(find).unwrap();
                    models.insert(alike(&request), pod.clone());
                    pod
                }
            };
            let record = action.record.record().unwrap();
            let asked = request::asked_pod(creation, attempt, &attempt.token, record);
            let remote = RemoteId::Pod(PodId::new(made.id.0.clone()));
            changes.push(self.recorded(id, &asked.record, remote));
            pods.push(made);
        }
        self.simulation.edit(|world| {
            let volumes = world.all_volumes().cloned().collect();
            *world = World::restore(world.ground().clone(), pods, volumes);
            world.set_balance(RICH);
            world.pass(REST);
        });
        changes
    }

    fn recorded(&self, id: &ActionId, record: &Record, remote: RemoteId) -> RecordChange {
        let now = clock::Moment { here: self.began, there: Some(self.began) };
        record::put(&id.address, record, remote, None, now)
    }
}

/// Returns what two requests have in common whose pods differ in name and environment only.
fn alike(request: &PodRequest) -> String {
    let PodRequest { settings, access: _, placement } = request;
    format!("{} {:?} {:?} {placement:?}", settings.image, settings.command, settings.storage)
}

/// Returns the pod that a request makes beside one that a request like it made.
fn copy(model: &Pod, request: &PodRequest, number: usize) -> Pod {
    let env = request.settings.env.iter().map(|(key, value)| (key.to_string(), value.expose().clone()));
    let mut given = model.settings.env.clone();
    given.extend(env);
    Pod {
        id: SimulatedId(format!("pd{number:012}")),
        settings: PodSettings { name: request.settings.name.clone(), env: given, ..model.settings.clone() },
        ..model.clone()
    }
}

/// Returns an account without pods, with so many times the usual machines. Pods run by the time that somebody looks.
pub fn simulation(machines: u32, latency: Duration) -> Simulation {
    let quota = QuotaSetting::Unlimited;
    let settings = Settings { quota, abundance: machines, latency, speed: 10_000, ..Settings::default() };
    let simulation = Simulation::new(settings);
    simulation.edit(|world| world.set_balance(RICH));
    simulation
}

/// Returns a client that calls a simulation in this process.
pub fn client(simulation: &Simulation) -> Runpod {
    let key = Secret::new("simulated".to_owned());
    Runpod::in_process(Api::V2, simulation.router(), &key).unwrap()
}

/// Reads a spec that has no mistakes.
pub fn loaded(text: &str) -> Loaded {
    kit::loaded(text).unwrap()
}

/// Returns the time of a simulated world.
pub fn moment(simulation: &Simulation) -> Timestamp {
    let now: Moment = simulation.inspect(World::now);
    Timestamp::from_millisecond(i64::try_from(now.millis()).unwrap()).unwrap()
}

/// What a plan is made from beside the spec and the state.
pub struct Seen {
    pub live: Live,
    pub catalog: Catalog,
}

/// Looks at an account as a plan does.
pub async fn seen(account: &impl Observe, loaded: &Loaded, prior: &Prior, now: Timestamp) -> Seen {
    let live = observe(account, &prior.to_look_for(), now).await.unwrap();
    let questions: BTreeSet<_> = stock_questions(&loaded.desired);
    Seen { live, catalog: account.catalog(&questions, now).await.unwrap() }
}

/// Plans what was seen.
pub fn plan_of(loaded: &Loaded, prior: &Prior, Seen { live, catalog }: &Seen) -> Planned {
    plan(&Inputs {
        desired: &loaded.desired,
        prior,
        live,
        catalog,
        secrets: &Secrets::default(),
        options: &Options::default(),
        in_progress: None,
        nonce: &RunNonce::new("fleet"),
        endpoint: &Endpoint::Simulator,
        api: Api::V2,
        settling: SignedDuration::from_secs(120),
    })
}

/// Looks at an account and plans.
pub async fn planned(account: &impl Observe, loaded: &Loaded, prior: &Prior, now: Timestamp) -> Planned {
    plan_of(loaded, prior, &seen(account, loaded, prior, now).await)
}
