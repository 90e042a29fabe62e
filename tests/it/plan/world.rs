//! A small account for planner tests: build the inputs, print a plan, apply it to the account without a provider.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use futures_util::FutureExt;
use podform::apply::record;
use podform::apply::request::{self, Sources};
use podform::model::address::Address;
use podform::model::catalog::{Catalog, CpuFlavor, DataCenter, GpuType, Stock, StockAnswer};
use podform::model::clock::{Moment, SignedDuration, Timestamp};
use podform::model::desired::{
    CloudWish, ComputeWish, Deselected, Desired, GpuChoice, GpuCount, GpuOrder, GpuWish, Hardware,
    HostLimits, Lifecycle, MemoryRange, Wanted, WantedPod, WantedSecret, WantedVolume,
};
use podform::model::id::RegistryId;
use podform::model::id::{
    CountryCode, CpuFlavorId, DataCenterId, EnvKey, GpuName, GpuTypeId, Lineage, PodId, RemoteId, RunId,
    RunNonce, SecretId, VolumeId,
};
use podform::model::job::{self, End};
use podform::model::journal::{Asked, Entry, Event};
use podform::model::live::LiveRegistry;
use podform::model::live::{Inventory, Live, LivePod, LiveSecret, LiveVolume, PodStatus, Rental, Seen};
use podform::model::marker::{Marker, Token, VolumeMark};
use podform::model::money::{Hourly, Price};
use podform::model::plan::{
    Action, ActionId, Attempt, Endpoint, InProgress, Operation, Owner, Plan, Planned, PodCreation,
    RecordAfter, Step, fill,
};
use podform::model::pod::{
    Access, Cloud, Compute, EnvValue, Placement, Port, Protocol, Rent, RunState, Storage,
};
use podform::model::prior::{
    Api, KnownToken, Prior, Record, Recorded, RecordedObject, RecordedPod, RecordedRun,
};
use podform::model::registry::Registry;
use podform::model::secret::{Secret, Secrets};
use podform::model::settings::{Container, PodPatch, PodSettings};
use podform::model::size::Gigabytes;
use podform::model::value::Value;
use podform::model::volume::{VolumeConfig, VolumeTier};
use podform::plan::{self, Inputs, Options, Refusal, Violation};
use podform::render::value;
use podform::state::memory::MemoryState;
use podform::state::{Batch, Journal, RecordChange, Store};

use crate::kit;
pub use crate::kit::address;

/// The inputs of a plan, owned.
#[derive(Clone, Debug)]
pub struct World {
    pub desired: Desired,
    pub prior: Prior,
    pub live: Live,
    pub catalog: Catalog,
    pub secrets: Secrets,
    pub endpoint: Endpoint,
    pub api: Api,
    pub nonce: RunNonce,
    pub options: Options,
    pub in_progress: Option<InProgress>,
}

/// Returns the id of what a world has at an address. Ids of RunPod have letters, digits, `-` and `_`.
pub fn id_of(name: &str) -> String {
    format!("id-{}", name.replace(['.', '['], "-").replace(']', ""))
}

pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub fn token(name: &str) -> Token {
    Token::derive(&Lineage::new("line"), &RunNonce::new("earlier"), &address(name), 0)
}

/// A pod of one RTX 4090 that every test begins with.
pub fn wanted(name: &str) -> WantedPod {
    WantedPod {
        container: Container {
            name: format!("acme-{name}"),
            image: "tool:1".to_owned(),
            command: Vec::new(),
            entrypoint: Vec::new(),
            env: BTreeMap::new().into(),
            ports: BTreeSet::from([Port { number: 22, protocol: Protocol::Tcp }]),
            disk: Gigabytes(20),
            registry: None,
            storage: Storage::None,
            global_networking: false,
            locked: None,
        },
        hardware: Hardware {
            compute: ComputeWish::Gpu(gpus(&["RTX 4090"])),
            cloud: CloudWish::Only(Cloud::Secure),
            data_centers: BTreeSet::new(),
            countries: BTreeSet::new(),
            max_price: None,
        },
        unwanted_env: BTreeSet::new(),
        access: Access { ssh: true, jupyter: false },
        run: RunState::Running,
        job: None,
        lifecycle: Lifecycle::default(),
        at_once: None,
        depends_on: BTreeSet::new(),
        until: BTreeMap::new(),
        numbered: false,
        adopt: None,
        template: None,
        labels: BTreeMap::new(),
    }
}

/// Accepts these, each a name alone or `NAME:COUNT`, where the count may be `2..4`.
pub fn gpus(names: &[&str]) -> GpuWish {
    let number = |text: &str| text.parse().unwrap();
    let choice = |name: &&str| {
        let (name, count) = name.split_once(':').map_or((*name, None), |(name, count)| (name, Some(count)));
        let range = |count: &str| match count.split_once("..") {
            Some((least, most)) => GpuCount { least: number(least), most: number(most) },
            None => GpuCount::exactly(number(count)),
        };
        GpuChoice { name: GpuName::new(name), count: count.map(range), max_price: None }
    };
    GpuWish {
        any_of: names.iter().map(choice).collect(),
        order: GpuOrder::Listed,
        count: GpuCount::exactly(1),
        memory: MemoryRange::default(),
        host: HostLimits::default(),
        rent: Rent::OnDemand,
    }
}

pub fn config(size: u32) -> VolumeConfig {
    VolumeConfig {
        size: Gigabytes(size),
        data_center: DataCenterId::new("EU-RO-1"),
        tier: VolumeTier::Standard,
    }
}

/// RTX 4090 and L40S are plenty, A100 is scarce, H100 SXM is out of stock.
pub fn catalog() -> Catalog {
    let mut catalog = Catalog::empty(time(0));
    for (id, name, memory, secure, community) in [
        ("NVIDIA GeForce RTX 4090", "RTX 4090", 24, 690_000, 340_000),
        ("NVIDIA L40S", "L40S", 48, 860_000, 790_000),
        ("NVIDIA A100 80GB PCIe", "A100 PCIe", 80, 1_640_000, 1_190_000),
        ("NVIDIA H100 80GB HBM3", "H100 SXM", 80, 2_990_000, 0),
        ("NVIDIA H100 PCIe", "H100 PCIe", 80, 2_390_000, 1_990_000),
    ] {
        let price = |micro| if micro == 0 { Price::Unknown } else { Price::Known(Hourly(micro)) };
        let gpu = GpuType {
            id: GpuTypeId::new(id),
            name: name.to_owned(),
            memory: Gigabytes(memory),
            secure: price(secure),
            community: price(community),
            max_count: 8,
            unsold: BTreeSet::new(),
        };
        catalog.gpus.insert(gpu.id.clone(), gpu);
    }
    let cpu = CpuFlavor {
        id: CpuFlavorId::new("cpu5c"),
        name: "Compute".to_owned(),
        min_vcpus: 2,
        max_vcpus: 32,
        memory_per_vcpu: Gigabytes(2),
        per_vcpu: Price::Known(Hourly(40_000)),
    };
    catalog.cpus.insert(cpu.id.clone(), cpu);
    for (id, country) in [("EU-RO-1", "RO"), ("US-TX-3", "US")] {
        let place = DataCenter {
            id: DataCenterId::new(id),
            country: Some(CountryCode::new(country)),
            global_network: true,
            volume_tiers: BTreeSet::from([VolumeTier::Standard]),
        };
        catalog.data_centers.insert(place.id.clone(), place);
    }
    catalog
}

fn stock_of(gpu: &str) -> Stock {
    match gpu {
        "NVIDIA GeForce RTX 4090" => Stock::High,
        "NVIDIA L40S" => Stock::Medium,
        "NVIDIA A100 80GB PCIe" => Stock::Low,
        _ => Stock::None,
    }
}

impl Default for World {
    fn default() -> Self {
        Self {
            desired: kit::desired(),
            prior: Prior::empty(Lineage::new("line")),
            live: Live {
                observed_at: time(10_000),
                server_time: Some(time(10_000)),
                ssh_keys: None,
                pods: BTreeMap::new(),
                jobs: BTreeMap::new(),
                volumes: BTreeMap::new(),
                nameless_pods: Vec::new(),
                nameless_volumes: Vec::new(),
                origins: BTreeMap::new(),
                unready: BTreeSet::new(),
                secrets: Inventory::NotAsked,
                registries: Inventory::NotAsked,
            },
            catalog: catalog(),
            secrets: Secrets::default(),
            endpoint: Endpoint::Simulator,
            api: Api::V2,
            nonce: RunNonce::new("nonce"),
            options: believing(),
            in_progress: None,
        }
    }
}

fn set(record: &Record, set_at: Option<Timestamp>) -> Record {
    let mut record = record.clone();
    if let RecordedObject::Secret(secret) = &mut record.object {
        secret.value_set_at = set_at;
    }
    record
}

/// Options of a person who knows that what is gone is gone.
fn believing() -> Options {
    Options { accept_vanished: true, ..Options::default() }
}

impl World {
    /// Wants a pod.
    pub fn want(mut self, name: &str, edit: impl FnOnce(&mut WantedPod)) -> Self {
        let mut pod = wanted(name);
        edit(&mut pod);
        if pod.lifecycle.protect {
            self.desired.protected.insert(address(name).key().clone());
        }
        self.desired.wanted.insert(address(name), Wanted::Pod(Box::new(pod)));
        self
    }

    /// Wants a secret that podform makes in RunPod.
    pub fn want_secret(mut self, key: &str, name: &str) -> Self {
        let secret = WantedSecret { name: name.to_owned() };
        self.desired.wanted.insert(address(&format!("secret.{key}")), Wanted::Secret(secret));
        self
    }

    /// Wants a managed volume.
    pub fn want_volume(mut self, name: &str, size: u32, protect: bool) -> Self {
        let volume = WantedVolume::Managed { config: config(size), protect, adopt: None };
        self.desired.wanted.insert(address(name), Wanted::Volume(volume));
        self
    }

    /// Has a pod in the spec that only the profile `dev` selects.
    pub fn deselect(&mut self, name: &str) {
        let deselected = Deselected {
            profiles: BTreeSet::from(["dev".to_owned()]),
            run: RunState::Running,
            is_job: false,
        };
        self.desired.out_of_scope.insert(address(name), deselected);
    }

    /// Has a pod that was created as [`wanted`] and edited alike in record and account.
    pub fn have(self, name: &str, edit: impl FnOnce(&mut WantedPod)) -> Self {
        let mut pod = wanted(name);
        edit(&mut pod);
        self.have_as(name, pod)
    }

    pub fn have_as(mut self, name: &str, mut pod: WantedPod) -> Self {
        let id = PodId::new(id_of(name));
        fill(&mut pod.container, |address| Some(PodId::new(id_of(&address.to_string()))));
        let place = DataCenterId::new("EU-RO-1");
        let mut live = self.start_pod(&id, &pod.container, rtx_4090(), Cloud::Secure, place.clone());
        live.marker = Some(self.marker(name));
        if pod.run == RunState::Stopped {
            live.status = PodStatus::Exited;
        }
        let object = RecordedObject::Pod(Arc::new(recorded_pod(&pod, Some(place))));
        let record = Record::new(Some(token(name)), pod.lifecycle, object);
        let recorded = Recorded::new(RemoteId::Pod(id.clone()), record, now());
        self.know_token(name, &token(name), false);
        self.prior.objects.insert(address(name), recorded);
        self.live.pods.insert(id, Seen::Found(live));
        self
    }

    /// Has a managed volume.
    pub fn have_volume(mut self, name: &str, size: u32, protect: bool) -> Self {
        let id = VolumeId::new(id_of(name));
        let config = config(size);
        let token = token(name);
        let volume = live_volume(&id, &self.volume_name(name), &config);
        self.live.volumes.insert(id.clone(), Seen::Found(volume));
        let lifecycle = Lifecycle { protect, ..Lifecycle::default() };
        let record = Record::new(Some(token.clone()), lifecycle, RecordedObject::Volume(config));
        let recorded = Recorded::new(RemoteId::Volume(id), record, now());
        self.know_token(name, &token, false);
        self.prior.objects.insert(address(name), recorded);
        self
    }

    pub fn marker(&self, name: &str) -> Marker {
        let project = self.desired.project.clone();
        Marker { project, created: Some(time(0)), ..kit::marker(name, token(name)) }
    }

    pub fn volume_name(&self, name: &str) -> String {
        let (project, key) = (self.desired.project.clone(), address(name).key().clone());
        VolumeMark { project, key, token: token(name) }.to_string()
    }

    pub fn know_token(&mut self, name: &str, token: &Token, tombstone: bool) {
        let pod = wanted(name);
        let object = if address(name).is_pod() {
            RecordedObject::Pod(Arc::new(recorded_pod(&pod, None)))
        } else {
            RecordedObject::Volume(config(100))
        };
        let record = Box::new(Record::new(Some(token.clone()), Lifecycle::default(), object));
        let asked = Asked { name: Some(pod.container.name), data_centers: BTreeSet::new(), record };
        let (address, intended_at) = (address(name), time(0));
        let known = KnownToken { address, intended_at, tombstone, ..kit::known(asked, Some(time(0))) };
        self.prior.tokens.insert(token.clone(), known);
    }

    /// Edits a live pod.
    pub fn outside(mut self, name: &str, edit: impl FnOnce(&mut LivePod)) -> Self {
        match self.live.pods.get_mut(&PodId::new(id_of(name))) {
            Some(Seen::Found(pod)) => edit(pod),
            other => panic!("{name} is not live: {other:?}"),
        }
        self
    }

    /// Edits a record.
    pub fn recorded(mut self, name: &str, edit: impl FnOnce(&mut Recorded)) -> Self {
        edit(self.prior.objects.get_mut(&address(name)).unwrap());
        self
    }

    /// Makes a recorded object be seen as this.
    pub fn seen(mut self, name: &str, seen: Seen<LivePod>) -> Self {
        self.live.pods.insert(PodId::new(id_of(name)), seen);
        self
    }

    /// Adds a live pod that nothing records.
    pub fn stranger(mut self, id: &str, edit: impl FnOnce(&mut LivePod)) -> Self {
        let id = PodId::new(id);
        let place = DataCenterId::new("EU-RO-1");
        let mut pod = self.start_pod(&id, &wanted("llm").container, rtx_4090(), Cloud::Secure, place);
        edit(&mut pod);
        self.live.pods.insert(id, Seen::Found(pod));
        self
    }

    /// Adds a volume that nothing records.
    pub fn stranger_volume(mut self, id: &str, edit: impl FnOnce(&mut LiveVolume)) -> Self {
        let id = VolumeId::new(id);
        let mut volume = LiveVolume { tier: None, ..live_volume(&id, "data", &config(100)) };
        edit(&mut volume);
        self.live.volumes.insert(id, Seen::Found(volume));
        self
    }

    pub fn option(mut self, edit: impl FnOnce(&mut Options)) -> Self {
        edit(&mut self.options);
        self
    }

    fn start_pod(
        &self,
        id: &PodId,
        container: &Container,
        compute: Compute,
        cloud: Cloud,
        data_center: DataCenterId,
    ) -> LivePod {
        LivePod {
            marker: None,
            cloud: Some(cloud),
            data_center: Some(data_center),
            compute: Some(compute),
            created_at: Some(time(1)),
            settings: PodSettings {
                name: Some(container.name.clone()),
                image: Some(container.image.clone()),
                command: Some(container.command.clone()),
                entrypoint: match self.api {
                    Api::V2 => None,
                    Api::V1 | Api::Graphql => Some(container.entrypoint.clone()),
                },
                env: self.environment(&container.env),
                ports: Some(container.ports.clone()),
                disk: Some(container.disk),
                storage: self.mounted(&container.storage),
                registry: Some(container.registry.as_ref().map(|registry| self.registry_id(registry))),
                locked: Some(Some(false)),
                global_networking: Some(container.global_networking),
            },
            ..kit::live_pod(id.as_str(), PodStatus::Running)
        }
    }

    fn environment(&self, declared: &BTreeMap<EnvKey, EnvValue>) -> BTreeMap<EnvKey, Secret<String>> {
        let mut env = BTreeMap::from([(EnvKey::new("PUBLIC_KEY"), Secret::new("ssh-ed25519 x".to_owned()))]);
        env.extend(declared.iter().map(|(key, value)| (key.clone(), self.value(value))));
        env
    }

    fn value(&self, value: &EnvValue) -> Secret<String> {
        match value {
            EnvValue::Plain(text) => Secret::new(text.clone()),
            EnvValue::Secret(name) => self.secrets.get(name).cloned().unwrap_or(Secret::new(String::new())),
        }
    }

    fn mounted(&self, storage: &Storage<Address>) -> Storage<VolumeId> {
        match storage {
            Storage::None => Storage::None,
            Storage::Local { size, path } => Storage::Local { size: *size, path: path.clone() },
            Storage::Network { volume, path } => {
                let id = self.volume_id(volume);
                Storage::Network { volume: id, path: path.clone() }
            }
        }
    }

    fn volume_id(&self, volume: &Address) -> VolumeId {
        match self.desired.wanted.get(volume) {
            Some(Wanted::Volume(WantedVolume::Referenced { id })) => return id.clone(),
            Some(
                Wanted::Volume(WantedVolume::Managed { .. })
                | Wanted::Pod(_)
                | Wanted::Secret(_)
                | Wanted::Registry(_),
            )
            | None => {}
        }
        match self.prior.objects.get(volume).map(|recorded| &recorded.id) {
            Some(RemoteId::Volume(id)) => id.clone(),
            _ => VolumeId::new(id_of(&volume.to_string())),
        }
    }

    fn registry_id(&self, registry: &Registry) -> RegistryId {
        let address = match registry {
            Registry::Given(id) => return id.clone(),
            Registry::Made(address) => address,
        };
        match self.prior.objects.get(address).map(|recorded| &recorded.id) {
            Some(RemoteId::Registry(id)) => id.clone(),
            _ => RegistryId::new(id_of(&address.to_string())),
        }
    }

    /// Plans, checks the plan, and returns it.
    pub fn plan(&self) -> Planned {
        let planned = self.asked(plan::plan);
        assert_eq!(self.violations(planned.plan()), [], "{}", print(&planned));
        planned
    }

    /// Returns every invariant that a plan breaks, if it is taken for the plan of this world.
    pub fn violations(&self, plan: &Plan) -> Vec<Violation> {
        self.asked(|inputs| plan::check_bounds(inputs, plan))
    }

    /// Returns why there would be no plan of these inputs.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.asked(plan::refusals)
    }

    fn asked<T>(&self, ask: impl FnOnce(&Inputs<'_>) -> T) -> T {
        let mut catalog = self.catalog.clone();
        for question in plan::stock_questions(&self.desired) {
            let answers = catalog.gpus.keys().map(|id| {
                let best = stock_of(id.as_str());
                let everywhere = ["EU-RO-1", "US-TX-3"].map(|place| (DataCenterId::new(place), best));
                (id.clone(), StockAnswer { best, data_centers: Arc::new(BTreeMap::from(everywhere)) })
            });
            let answers = answers.collect();
            catalog.gpu_stock.entry(question).or_insert(answers);
        }
        ask(&Inputs {
            desired: &self.desired,
            prior: &self.prior,
            live: &self.live,
            catalog: &catalog,
            secrets: &self.secrets,
            endpoint: &self.endpoint,
            api: self.api,
            nonce: &self.nonce,
            settling: SignedDuration::from_secs(90),
            options: &self.options,
            in_progress: self.in_progress.as_ref(),
        })
    }

    /// Plans, applies the plan to the account, and returns the account after it.
    pub fn applied(&self) -> Self {
        self.applied_until(usize::MAX)
    }

    /// Does the same but ends after so many actions, as a crash would.
    pub fn applied_until(&self, most: usize) -> Self {
        let planned = self.plan();
        assert!(!matches!(planned, Planned::Blocked { .. }), "{}", print(&planned));
        let mut world = self.clone();
        world.live.observed_at = time(20_000);
        world.live.server_time = Some(time(20_000));
        world.nonce = RunNonce::new("next");
        world.options = believing();
        for id in in_order(planned.plan()).into_iter().take(most) {
            let pods = &world.prior.objects;
            let action = planned.plan().actions[&id].filled(|pod| match &pods.get(pod)?.id {
                RemoteId::Pod(id) => Some(id.clone()),
                other => panic!("{pod} is {other}"),
            });
            world.act(&id, &action.unwrap());
        }
        world
    }

    fn act(&mut self, id: &ActionId, action: &Action) {
        let previous = self.prior.objects.get(&id.address).cloned();
        let now = Moment { here: self.live.observed_at, there: self.live.server_time };
        match &action.operation {
            Operation::Local | Operation::AwaitPod { .. } => {}
            Operation::CreateSecret { name, mark, value: _, token } => {
                let set_at = Some(self.live.observed_at);
                let secret = LiveSecret {
                    id: SecretId::new(format!("new-{}", token.short())),
                    name: name.clone(),
                    description: Some(mark.clone()),
                    value_set_at: set_at,
                };
                let mut asked = request::asked(name, token, action.record.record().unwrap());
                *asked.record = set(&asked.record, set_at);
                let remote = RemoteId::Secret(secret.id.clone());
                assert!(self.secrets_mut().iter().all(|other| other.name != *name), "makes a second {name}");
                self.secrets_mut().push(secret);
                return self.made(id, token, asked, remote);
            }
            Operation::SetSecret { id: secret, value: _, set_at: _ } => {
                let set_at = Some(self.live.observed_at);
                let mut secrets = self.secrets_mut().iter_mut();
                secrets.find(|live| live.id == *secret).unwrap().value_set_at = set_at;
                let record = set(action.record.record().unwrap(), set_at);
                let remote = RemoteId::Secret(secret.clone());
                let change = record::put(&id.address, &record, remote, previous.as_ref(), now);
                return self.commit(Vec::new(), vec![change]);
            }
            Operation::DeleteSecret { id: secret } => {
                self.secrets_mut().retain(|live| live.id != *secret);
            }
            Operation::CreateVolume { name, config, token } => {
                let volume = VolumeId::new(format!("new-{}", token.short()));
                self.live.volumes.insert(volume.clone(), Seen::Found(live_volume(&volume, name, config)));
                let asked = request::asked(name, token, action.record.record().unwrap());
                return self.made(id, token, asked, RemoteId::Volume(volume));
            }
            Operation::GrowVolume { id, size } => match self.live.volumes.get_mut(id) {
                Some(Seen::Found(volume)) => volume.size = *size,
                other => panic!("grows {other:?}"),
            },
            Operation::DeleteVolume { id } => {
                let mut pods = self.live.pods.values().filter_map(Seen::found);
                let mounts = |pod: &LivePod| matches!(&pod.settings.storage, Storage::Network { volume, .. } if volume == id);
                assert!(!pods.any(mounts), "deletes a volume in use");
                self.live.volumes.insert(id.clone(), Seen::Absent);
            }
            Operation::CreateRegistry { name, credentials: _, token } => {
                let made = LiveRegistry {
                    id: RegistryId::new(format!("reg-{}", token.short())),
                    name: name.clone(),
                };
                let asked = request::asked(name, token, action.record.record().unwrap());
                self.registries_mut().push(made.clone());
                return self.made(id, token, asked, RemoteId::Registry(made.id));
            }
            Operation::DeleteRegistries { ids } => {
                for gone in ids {
                    let mut pods = self.live.pods.values().filter_map(Seen::found);
                    let pulls = |pod: &LivePod| pod.settings.registry == Some(Some(gone.clone()));
                    assert!(!pods.any(pulls), "deletes credentials in use");
                    self.registries_mut().retain(|registry| registry.id != *gone);
                    let previous = self.prior.objects.get(&id.address);
                    let gone = RemoteId::Registry(gone.clone());
                    self.commit(Vec::new(), record::gone(id, action, previous, &gone));
                }
                return;
            }
            Operation::CreatePod(creation) => {
                let attempt = &creation.attempts[0];
                let live = self.create(&id.address, creation, attempt);
                let record = action.record.record().unwrap();
                let mut asked = request::asked_pod(creation, attempt, &attempt.token, record);
                *asked.record = record::landed(&asked.record, &live);
                return self.made(id, &attempt.token, asked, RemoteId::Pod(live.id));
            }
            Operation::UpdatePod { id, patch, disruption: _ } => self.patch(id, patch),
            Operation::StartPod { id, .. } => self.set_status(id, PodStatus::Running),
            Operation::StopPod { id } => self.set_status(id, PodStatus::Exited),
            Operation::AwaitJob { until: _ } => {
                let recorded = self.prior.objects[&id.address].clone();
                let RemoteId::Pod(pod) = &recorded.id else { panic!("waits for {recorded:?}") };
                self.set_status(pod, PodStatus::Exited);
                let changes = record::ended(&id.address, Some(recorded), (End::Done, false), now);
                return self.commit(Vec::new(), changes);
            }
            Operation::DeletePods { ids } => {
                for pod in ids {
                    assert!(self.live.pods.insert(pod.clone(), Seen::Absent).is_some());
                    let previous = self.prior.objects.get(&id.address);
                    self.commit(Vec::new(), record::gone(id, action, previous, &RemoteId::Pod(pod.clone())));
                }
                return;
            }
        }
        self.commit(Vec::new(), record::local(id, action, previous.as_ref(), now));
    }

    fn registries_mut(&mut self) -> &mut Vec<LiveRegistry> {
        match &mut self.live.registries {
            Inventory::Listed { found, odd: _ } => found,
            other => panic!("registries are {other:?}"),
        }
    }

    fn secrets_mut(&mut self) -> &mut Vec<LiveSecret> {
        match &mut self.live.secrets {
            Inventory::Listed { found, odd: _ } => found,
            other => panic!("secrets are {other:?}"),
        }
    }

    /// Records what a create made, as the engine does.
    fn made(&mut self, action: &ActionId, token: &Token, asked: Asked, id: RemoteId) {
        let now = Moment { here: self.live.observed_at, there: self.live.server_time };
        let previous = self.prior.objects.get(&action.address);
        let change = record::put(&action.address, &asked.record, id.clone(), previous, now);
        let (token, asked) = (Some(token.clone()), Some(asked));
        let intended = Event::Intended { attempt: 0, token, asked, server_time: now.there };
        let events = [intended, Event::Started, Event::Accepted { id: Some(id) }, Event::Succeeded];
        let run = RunId::new("run");
        let entry = |event| Entry { at: now.here, run: run.clone(), action: action.clone(), event };
        self.commit(events.map(entry).into(), vec![change]);
    }

    /// Writes to the state, which stays of one version here.
    fn commit(&mut self, entries: Vec<Entry>, changes: Vec<RecordChange>) {
        let (serial, open) = (self.prior.serial, std::mem::take(&mut self.prior.open));
        let state = MemoryState::from_prior(self.prior.clone());
        let after = async {
            state.begin(&kit::run("run", time(0))).await?;
            state.commit(&Batch { entries, changes }).await?;
            state.load().await
        };
        self.prior = Prior { serial, open, ..after.now_or_never().unwrap().unwrap() };
    }

    fn create(&mut self, address: &Address, creation: &PodCreation, attempt: &Attempt) -> LivePod {
        let id = PodId::new(format!("new-{}", attempt.token.short()));
        let Placement { compute, cloud, data_centers, host: _, rent } = &attempt.candidate.placement;
        let place = data_centers.first().cloned().unwrap_or(DataCenterId::new("US-TX-3"));
        let mut pod = self.start_pod(&id, &creation.container, compute.clone(), *cloud, place);
        if let Storage::Network { volume: id, .. } = &pod.settings.storage {
            let is_there = matches!(self.live.volumes.get(id), Some(Seen::Found(_)));
            assert!(is_there, "mounts {id}, which is not there");
        }
        pod.marker = Some(Marker {
            address: address.clone(),
            token: attempt.token.clone(),
            lineage: self.prior.lineage.clone(),
            serial: self.prior.serial,
            created: Some(time(20_000)),
            ..self.marker(&address.to_string())
        });
        pod.created_at = Some(time(20_000));
        pod.rental = match (self.api, rent) {
            (Api::V2, _) => None,
            (Api::V1 | Api::Graphql, Rent::OnDemand) => Some(Rental::OnDemand),
            (Api::V1 | Api::Graphql, Rent::Spot { bid }) => {
                pod.price = Price::Known(*bid);
                Some(Rental::Spot { outbid: false })
            }
        };
        if job::is_entrypoint(&creation.container.entrypoint) {
            pod.settings.entrypoint = Some(creation.container.entrypoint.clone());
            pod.run = Some(attempt.token.clone());
        }
        self.live.pods.insert(id, Seen::Found(pod.clone()));
        pod
    }

    fn set_status(&mut self, id: &PodId, status: PodStatus) {
        match self.live.pods.get_mut(id) {
            Some(Seen::Found(pod)) => {
                assert_ne!(pod.status.is_up(), status.is_up(), "starts or stops {id} twice");
                pod.status = status;
                if status.is_up() {
                    pod.compute = pod.compute.clone().map(|compute| match compute {
                        Compute::Gpu { id, count } => Compute::Gpu { id, count: count.max(1) },
                        Compute::Cpu { .. } => compute,
                    });
                }
            }
            other => panic!("{id} is {other:?}"),
        }
    }

    fn patch(&mut self, id: &PodId, patch: &PodPatch) {
        let Some(Seen::Found(live)) = self.live.pods.get(id) else { panic!("patches {id}") };
        let volumes = |volume: &Address| Some(self.volume_id(volume));
        let registries = |address: &Address| Some(self.registry_id(&Registry::Made(address.clone())));
        let sources = Sources { secrets: &self.secrets, volumes: &volumes, registries: &registries };
        let changed = request::patch(sources, id, patch, live).unwrap().settings;
        let old = live.settings.clone();
        let settings = PodSettings {
            name: changed.name.or(old.name),
            image: changed.image.or(old.image),
            command: changed.command.or(old.command),
            entrypoint: changed.entrypoint.or(old.entrypoint),
            env: changed.env.unwrap_or(old.env),
            ports: changed.ports.or(old.ports),
            disk: changed.disk.or(old.disk),
            registry: changed.registry.or(old.registry),
            storage: changed.storage.unwrap_or(old.storage),
            global_networking: changed.global_networking.or(old.global_networking),
            locked: changed.locked.or(old.locked),
        };
        let mut changed = LivePod { settings, ..live.clone() };
        if let Some((entrypoint, run)) = changed.settings.entrypoint.as_deref().and_then(job::seen) {
            changed.settings.entrypoint = Some(entrypoint);
            changed.run = Some(run);
        }
        self.live.pods.insert(id.clone(), Seen::Found(changed));
    }
}

fn now() -> Moment {
    Moment { here: time(0), there: Some(time(0)) }
}

fn rtx_4090() -> Compute {
    Compute::Gpu { id: GpuTypeId::new("NVIDIA GeForce RTX 4090"), count: 1 }
}

fn recorded_pod(pod: &WantedPod, data_center: Option<DataCenterId>) -> RecordedPod {
    RecordedPod {
        container: pod.container.clone(),
        access: Some(pod.access),
        compute: Some(rtx_4090()),
        cloud: Some(Cloud::Secure),
        data_center,
        run: RecordedRun::seen(pod.run == RunState::Running),
        job: None,
        depends_on: pod.depends_on.clone(),
    }
}

fn live_volume(id: &VolumeId, name: &str, config: &VolumeConfig) -> LiveVolume {
    let VolumeConfig { size, data_center, tier } = config.clone();
    LiveVolume { id: id.clone(), name: name.to_owned(), size, data_center, tier: Some(tier) }
}

/// Sorts the actions by their edges, otherwise by id.
pub fn in_order(plan: &Plan) -> Vec<ActionId> {
    let mut left: BTreeSet<&ActionId> = plan.actions.keys().collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let ready = left
            .iter()
            .find(|id| !plan.edges.iter().any(|(first, then)| then == **id && left.contains(first)))
            .copied()
            .expect("the plan has no cycle");
        left.remove(ready);
        order.push(ready.clone());
    }
    order
}

/// Prints a plan, one fact on each line.
pub fn print(planned: &Planned) -> String {
    let mut text = String::new();
    let plan = planned.plan();
    match planned {
        Planned::Changes(_) => {}
        Planned::NoChanges(_) => text.push_str("no changes\n"),
        Planned::Blocked { reasons, plan: _ } => {
            text.push_str("blocked\n");
            for reason in reasons {
                writeln!(text, "  because {reason:?}").unwrap();
            }
        }
    }
    for id in in_order(plan) {
        print_action(&mut text, &id, &plan.actions[&id]);
    }
    for (first, then) in plan.edges.iter().filter(|(first, then)| first.address != then.address) {
        writeln!(text, "{first} before {then}").unwrap();
    }
    for (address, held) in &plan.held {
        writeln!(text, "held {address}: {held:?}").unwrap();
    }
    for drift in &plan.drift {
        writeln!(text, "drift {}: {:?}", drift.address, drift.kind).unwrap();
    }
    for finding in &plan.findings {
        let subject = finding.subject.as_ref().map(|subject| subject.address.to_string()).unwrap_or_default();
        writeln!(text, "{:?} {subject}: {} ({})", finding.severity, finding.message, finding.code).unwrap();
    }
    for unmanaged in &plan.unmanaged {
        let ours = match &unmanaged.owner {
            Owner::Lost(address) => format!(", marked {address}"),
            Owner::Nobody => String::new(),
            Owner::Runpod => ", of RunPod".to_owned(),
            Owner::Project(project) => format!(", of {project}"),
        };
        writeln!(text, "unmanaged {} {}{ours}", unmanaged.id, unmanaged.cost.total().known).unwrap();
    }
    let unchanged: Vec<String> = plan.unchanged.iter().map(Address::to_string).collect();
    if !unchanged.is_empty() {
        writeln!(text, "unchanged {}", unchanged.join(" ")).unwrap();
    }
    if plan.out_of_scope > 0 {
        writeln!(text, "out of scope: {}", plan.out_of_scope).unwrap();
    }
    let money = |split: podform::model::plan::Split| {
        let total = split.total();
        let unknown = if total.unknown_parts > 0 { "+?" } else { "" };
        format!("{}{unknown}", total.known)
    };
    let cost = plan.cost;
    writeln!(text, "cost {} -> {}, at most {}", money(cost.now), money(cost.after), money(cost.at_most))
        .unwrap();
    text
}

fn print_action(text: &mut String, id: &ActionId, action: &Action) {
    let Action { operation, reason, changes, consequences, cost: _, record, ready } = action;
    write!(text, "{id} {reason:?}").unwrap();
    if let Some(ready) = ready {
        write!(text, " ready: {ready}").unwrap();
    }
    if let Operation::UpdatePod { disruption, .. } = operation {
        write!(text, " {disruption:?}").unwrap();
    }
    if let Operation::CreatePod(creation) = operation {
        let first: Vec<String> = creation
            .attempts
            .iter()
            .map(|attempt| {
                format!("{} {}", attempt.candidate.placement.compute, attempt.candidate.placement.cloud)
            })
            .collect();
        write!(text, " on {}", first.join(" | ")).unwrap();
    }
    match record {
        RecordAfter::Put { .. } | RecordAfter::Ended => {}
        RecordAfter::Remove { tombstone } => {
            text.push_str(if *tombstone { " (tombstone)" } else { "" });
        }
        RecordAfter::MovedFrom(from) => write!(text, " from {from}").unwrap(),
        RecordAfter::Deposed(ids) => write!(text, " leaves deposed {ids:?}").unwrap(),
    }
    text.push('\n');
    let fresh = id.step == Step::Create && changes.iter().all(|change| change.before == Value::Absent);
    for change in changes.iter().filter(|_| !fresh) {
        let (before, after) = (show(&change.before), show(&change.after));
        writeln!(text, "  {}: {before} -> {after} by {:?}", change.field, change.cause).unwrap();
    }
    for consequence in consequences {
        writeln!(text, "  ! {consequence:?}").unwrap();
    }
}

fn show(shown: &Value) -> String {
    match shown {
        Value::Secret => "(secret)".to_owned(),
        Value::OtherValue => "(other value)".to_owned(),
        Value::KnownAfterApply => "(known after apply)".to_owned(),
        Value::Referring(text) => format!("{text} (known after apply)"),
        value => value::text(value).map_or("-".to_owned(), |text| text.replace('\n', ", ")),
    }
}
