//! Values of the model drawn from a seed, with every variant reachable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fastrand::Rng;
use podform::model::address::Address;
use podform::model::catalog::{CatalogPart, Stock};
use podform::model::clock::Timestamp;
use podform::model::desired::{
    CudaWish, GpuCount, GpuOrder, HostLimits, Ignored, Lifecycle, OnRemove, OnReplace, OnStuckResume,
};
use podform::model::id::{
    CpuFlavorId, CudaVersion, DataCenterId, EnvKey, GpuName, GpuTypeId, Lineage, PodId, ProjectName,
    RegistryId, RemoteId, RunNonce, SecretId, Serial, TemplateId, VolumeId,
};
use podform::model::job::{End, RecordedJob, UnseenJob};
use podform::model::journal::Asked;
use podform::model::live::PodStatus;
use podform::model::marker::Token;
use podform::model::money::{Amount, Hourly, Monthly, Price};
use podform::model::plan::Owner;
use podform::model::plan::*;
use podform::model::pod::{Access, Cloud, Compute, EnvValue, Placement, Port, Protocol, Rent, Storage};
use podform::model::prior::{
    Api, Record, Recorded, RecordedObject, RecordedPod, RecordedRegistry, RecordedRun, RecordedSecret,
};
use podform::model::provenance::Part;
use podform::model::ready::{Boot, OnNoBoot, Probe, Ready};
use podform::model::registry::{Credentials, Registry};
use podform::model::retry::Patience;
use podform::model::seconds::Seconds;
use podform::model::secret::SecretName;
use podform::model::settings::{Container, Field, PodPatch};
use podform::model::size::Gigabytes;
use podform::model::template::{FromTemplate, TemplateVolume};
use podform::model::value::Value;
use podform::model::volume::{VolumeConfig, VolumeTier};

/// Draws values; equal seeds give equal values.
pub struct Samples(pub Rng);

impl Samples {
    pub fn from_seed(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    pub fn one<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.0.usize(..choices.len())].clone()
    }

    fn some<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.0.bool() { Some(draw(self)) } else { None }
    }

    fn list<T>(&mut self, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.0.usize(..4)).map(|_| draw(self)).collect()
    }

    fn set<T: Ord>(&mut self, draw: impl FnMut(&mut Self) -> T) -> BTreeSet<T> {
        self.list(draw).into_iter().collect()
    }

    pub fn text(&mut self) -> String {
        self.one(&[
            "",
            "a",
            "llm-0",
            "ghcr.io/acme/llm:1.2",
            "two\nlines",
            "ünïcödé \"quoted\" \\",
            "'--'; DROP TABLE x",
        ])
        .to_owned()
    }

    pub fn address(&mut self) -> Address {
        self.one(&[
            "llm",
            "llm[0]",
            "llm[11]",
            "web",
            "volume.models",
            "volume.web",
            "secret.HF",
            "registry.ghcr",
        ])
        .parse()
        .unwrap()
    }

    pub fn pod_address(&mut self) -> Address {
        self.one(&["llm", "llm[0]", "llm[11]", "web"]).parse().unwrap()
    }

    pub fn token(&mut self) -> Token {
        format!("{:016x}", self.0.u64(..)).parse().unwrap()
    }

    pub fn time(&mut self) -> Timestamp {
        Timestamp::new(self.0.i64(1_700_000_000..1_900_000_000), self.0.i32(0..1_000_000_000)).unwrap()
    }

    pub fn pod_id(&mut self) -> PodId {
        PodId::new(format!("pod{}", self.0.u32(..)))
    }

    pub fn remote_id(&mut self) -> RemoteId {
        match self.0.u8(..4) {
            0 => RemoteId::Pod(self.pod_id()),
            1 => RemoteId::Volume(VolumeId::new(format!("vol{}", self.0.u32(..)))),
            2 => RemoteId::Registry(self.registry_id()),
            _ => RemoteId::Secret(self.secret_id()),
        }
    }

    fn registry_id(&mut self) -> RegistryId {
        RegistryId::new(format!("reg{}", self.0.u32(..)))
    }

    fn secret_id(&mut self) -> SecretId {
        SecretId::new(format!("sec{}", self.0.u32(..)))
    }

    fn size(&mut self) -> Gigabytes {
        Gigabytes(self.0.u32(..))
    }

    fn data_center(&mut self) -> DataCenterId {
        DataCenterId::new(self.one(&["EU-RO-1", "US-KS-2", "CA-MTL-3"]))
    }

    fn field(&mut self) -> Field {
        self.one(&[Field::Image, Field::Env(EnvKey::new("A.B")), Field::GpuCount, Field::Volumes])
    }

    fn ignored(&mut self) -> Ignored {
        match self.0.u8(..4) {
            0 => Ignored::All,
            1 => Ignored::Variables,
            _ => Ignored::Field(self.field()),
        }
    }

    fn env(&mut self) -> BTreeMap<EnvKey, EnvValue> {
        let value = |samples: &mut Self| match samples.0.u8(..3) {
            0 => EnvValue::Plain(samples.text()),
            1 => EnvValue::Secret(SecretName::Declared("wandb".into())),
            _ => EnvValue::Secret(SecretName::Literal {
                address: samples.pod_address(),
                key: EnvKey::new("TOKEN"),
            }),
        };
        self.list(|samples| (EnvKey::new(samples.text()), value(samples))).into_iter().collect()
    }

    fn port(&mut self) -> Port {
        Port { number: self.0.u32(1..70_010), protocol: self.one(&[Protocol::Http, Protocol::Tcp]) }
    }

    fn storage(&mut self) -> Storage<Address> {
        match self.0.u8(..3) {
            0 => Storage::None,
            1 => Storage::Local { size: self.size(), path: self.text() },
            _ => Storage::Network { volume: "volume.models".parse().unwrap(), path: self.text() },
        }
    }

    fn container(&mut self) -> Container {
        Container {
            name: self.text(),
            image: self.text(),
            command: self.list(Self::text),
            entrypoint: self.list(Self::text),
            env: self.env().into(),
            ports: self.set(Self::port),
            disk: self.size(),
            registry: self.some(Self::registry),
            storage: self.storage(),
            global_networking: self.0.bool(),
            locked: self.some(|samples| samples.0.bool()),
        }
    }

    fn access(&mut self) -> Access {
        Access { ssh: self.0.bool(), jupyter: self.0.bool() }
    }

    fn cloud(&mut self) -> Cloud {
        self.one(&[Cloud::Secure, Cloud::Community])
    }

    fn compute(&mut self) -> Compute {
        if self.0.bool() {
            Compute::Gpu { id: GpuTypeId::new("NVIDIA A100 80GB PCIe"), count: self.0.u32(..9) }
        } else {
            Compute::Cpu { flavor: CpuFlavorId::new("cpu5c"), vcpus: self.0.u32(..64) }
        }
    }

    fn lifecycle(&mut self) -> Lifecycle {
        Lifecycle {
            protect: self.0.bool(),
            on_remove: self.one(&[OnRemove::Terminate, OnRemove::Stop, OnRemove::Forget]),
            on_replace: self.one(&[OnReplace::DestroyFirst, OnReplace::CreateFirst]),
            on_stuck_resume: self.one(&[OnStuckResume::Fail, OnStuckResume::Replace, OnStuckResume::Wait]),
            ignore_changes: self.set(Self::ignored),
        }
    }

    fn volume_config(&mut self) -> VolumeConfig {
        VolumeConfig {
            size: self.size(),
            data_center: self.data_center(),
            tier: self.one(&[VolumeTier::Standard, VolumeTier::HighPerformance]),
        }
    }

    fn object(&mut self) -> RecordedObject {
        match self.0.u8(..5) {
            0 => return RecordedObject::Volume(self.volume_config()),
            1 => {
                let (name, value_set_at) = (self.text(), self.some(Self::time));
                return RecordedObject::Secret(RecordedSecret { name, value_set_at });
            }
            2 => {
                return RecordedObject::Registry(RecordedRegistry {
                    name: self.text(),
                    sent: self.some(Self::credentials),
                    deposed: self.set(Self::registry_id),
                });
            }
            _ => {}
        }
        RecordedObject::Pod(Arc::new(RecordedPod {
            container: self.container(),
            access: self.some(Self::access),
            compute: self.some(Self::compute),
            cloud: self.some(Self::cloud),
            data_center: self.some(Self::data_center),
            run: self.one(&[RecordedRun::Running, RecordedRun::Stopped, RecordedRun::Failed]),
            job: self.some(Self::job),
            depends_on: self.set(Self::address),
        }))
    }

    fn job(&mut self) -> RecordedJob {
        RecordedJob {
            run: self.some(Self::token),
            ended: self.some(|samples| samples.one(&[End::Done, End::Failed(3), End::Unknown])),
            gone: self.0.bool(),
            end_seen_at: self.some(Self::time),
            given: self.some(|samples| Box::new(samples.container())),
        }
    }

    pub fn unseen(&mut self) -> UnseenJob {
        if self.0.bool() { UnseenJob::NotKnown } else { UnseenJob::Done(Box::new(self.container())) }
    }

    pub fn recorded(&mut self) -> Recorded {
        Recorded {
            id: self.remote_id(),
            record: self.record(),
            recorded_at: self.time(),
            server_time: self.some(Self::time),
            rebuilt: self.0.bool(),
        }
    }

    fn record(&mut self) -> Record {
        Record {
            token: self.some(Self::token),
            lifecycle: self.lifecycle(),
            retired: self.0.bool(),
            deposed: self.set(Self::pod_id),
            object: self.object(),
        }
    }

    pub fn asked(&mut self) -> Asked {
        Asked {
            name: self.some(Self::text),
            data_centers: self.set(Self::data_center),
            record: Box::new(self.record()),
        }
    }

    pub fn action_id(&mut self) -> ActionId {
        ActionId { address: self.address(), step: self.one(&Step::ALL) }
    }

    fn amount(&mut self) -> Amount {
        Amount { known: Monthly(self.0.i64(..)), unknown_parts: self.0.u32(..3) }
    }

    fn runs(&mut self) -> Runs {
        Runs { compute: self.amount(), disks: self.amount() }
    }

    fn split(&mut self) -> Split {
        Split { compute: self.amount(), storage: self.amount(), runs: self.some(Self::runs) }
    }

    fn shown(&mut self) -> Value {
        let texts = [Value::Text(self.text()), Value::Word(self.text())];
        let lists = [Value::Command(self.list(Self::text)), Value::List(self.list(Self::text))];
        let mounts = [Value::Mount(self.storage()), Value::Lifecycle(self.lifecycle())];
        let plain = [Value::Number(self.0.u32(..)), Value::Size(Gigabytes(9)), Value::Switch(self.0.bool())];
        let marks = [Value::Absent, Value::Secret, Value::OtherValue, Value::KnownAfterApply];
        let referring = [Value::Referring(self.text())];
        let mut all = vec![Value::Mounted { volume: VolumeId::new(self.text()), path: self.text() }];
        all.extend(texts.into_iter().chain(lists).chain(mounts).chain(plain).chain(marks).chain(referring));
        self.one(&all)
    }

    fn disruption(&mut self) -> Disruption {
        self.one(&[Disruption::InPlace, Disruption::NextStart, Disruption::Reset, Disruption::Replace])
    }

    fn candidate(&mut self) -> Candidate {
        let stocks = [Stock::None, Stock::NotAsked, Stock::Low, Stock::Medium, Stock::High];
        Candidate {
            price: self.some(|samples| samples.0.i64(..)).map_or(Price::Unknown, |m| Price::Known(Hourly(m))),
            stock: self.one(&stocks),
            stock_by_data_center: Arc::new(
                self.list(|samples| (samples.data_center(), samples.one(&stocks))).into_iter().collect(),
            ),
            placement: Placement {
                compute: self.compute(),
                cloud: self.cloud(),
                data_centers: self.set(Self::data_center),
                host: HostLimits {
                    cuda: match self.0.u32(..3) {
                        0 => CudaWish::Any,
                        1 => CudaWish::AtLeast(CudaVersion::new("12.4")),
                        _ => CudaWish::OneOf(
                            self.set(|samples| CudaVersion::new(samples.one(&["12.8", "12.4"]))),
                        ),
                    },
                    min_vcpu: self.some(|samples| samples.0.u32(1..)),
                    min_memory: self.some(|_| Gigabytes(32)),
                },
                rent: self.some(|_| Rent::Spot { bid: Hourly(200_000) }).unwrap_or_default(),
            },
        }
    }

    fn patience(&mut self) -> Patience {
        Patience { within: Seconds(self.0.u32(..)), every: Seconds(self.0.u32(..)) }
    }

    fn creation(&mut self) -> PodCreation {
        let attempt = |samples: &mut Self| Attempt {
            candidate: samples.candidate(),
            after: samples.some(|samples| Seconds(samples.0.u32(..))),
            token: samples.token(),
            second_token: samples.token(),
        };
        let orders = [GpuOrder::Listed, GpuOrder::Price, GpuOrder::Availability];
        PodCreation {
            container: self.container(),
            access: self.access(),
            wished: self.some(|samples| WishedGpus {
                order: samples.one(&orders),
                any_of: samples.list(|samples| (GpuName::new(samples.text()), samples.gpu_count())),
            }),
            attempts: self.list(attempt),
            boot: self.some(Self::boot),
            retry: self.some(Self::patience),
        }
    }

    fn gpu_count(&mut self) -> GpuCount {
        let least = self.0.u32(1..);
        GpuCount { least, most: self.0.u32(least..) }
    }

    fn registry(&mut self) -> Registry {
        if self.0.bool() {
            return Registry::Given(RegistryId::new(self.text()));
        }
        Registry::Made(["registry.ghcr", "registry.Docker_1"][self.0.usize(..2)].parse().unwrap())
    }

    fn credentials(&mut self) -> Credentials {
        let username = if self.0.bool() {
            EnvValue::Plain(self.text())
        } else {
            EnvValue::Secret(SecretName::Declared(self.text()))
        };
        Credentials { username, password: SecretName::Declared(self.text()) }
    }

    fn patch(&mut self) -> PodPatch {
        PodPatch {
            name: self.some(Self::text),
            image: self.some(Self::text),
            command: self.some(|samples| samples.list(Self::text)),
            entrypoint: self.some(|samples| samples.list(Self::text)),
            env: self.some(|samples| EnvPatch {
                declared: samples.env(),
                carry: samples.set(|samples| EnvKey::new(samples.text())),
                token: samples.some(Self::token),
            }),
            ports: self.some(|samples| samples.set(Self::port)),
            disk: self.some(Self::size),
            registry: self.some(|samples| samples.some(Self::registry)),
            storage: self.some(Self::storage),
            global_networking: self.some(|samples| samples.0.bool()),
            locked: self.some(|samples| samples.some(|samples| samples.0.bool())),
        }
    }

    fn operation(&mut self) -> Operation {
        let volume = VolumeId::new("agv6w2qcg7");
        match self.0.u8(..15) {
            0 => Operation::Local,
            1 => Operation::CreateVolume {
                name: self.text(),
                config: self.volume_config(),
                token: self.token(),
            },
            2 => Operation::GrowVolume { id: volume, size: self.size() },
            3 => Operation::DeleteVolume { id: volume },
            4 => Operation::CreatePod(Box::new(self.creation())),
            5 => Operation::UpdatePod {
                id: self.pod_id(),
                patch: Box::new(self.patch()),
                disruption: self.disruption(),
            },
            6 => Operation::StartPod {
                id: self.pod_id(),
                compute: self.some(Self::compute),
                bid: self.some(|_| Hourly(200_000)),
                on_stuck: match self.0.u32(..3) {
                    0 => OnStuck::Fail,
                    1 => OnStuck::Wait(self.patience()),
                    _ => OnStuck::Replace(Box::new(self.creation())),
                },
            },
            7 => Operation::StopPod { id: self.pod_id() },
            8 => Operation::CreateSecret {
                name: self.text(),
                mark: self.text(),
                value: SecretName::Declared("hf".into()),
                token: self.token(),
            },
            9 => Operation::SetSecret {
                id: self.secret_id(),
                value: SecretName::Declared("hf".into()),
                set_at: self.some(Self::time),
            },
            10 => Operation::DeleteSecret { id: self.secret_id() },
            11 => Operation::CreateRegistry {
                name: self.text(),
                credentials: self.credentials(),
                token: self.token(),
            },
            12 => Operation::DeleteRegistries { ids: self.set(Self::registry_id) },
            13 => Operation::AwaitPod { id: self.pod_id() },
            _ => Operation::DeletePods { ids: self.set(Self::pod_id) },
        }
    }

    fn consequence(&mut self) -> Consequence {
        let (volume, size, path) = ("volume.models".parse().unwrap(), self.size(), self.text());
        match self.0.u8(..15) {
            0 => Consequence::NetworkVolumeLost { volume, size },
            1 => Consequence::LocalVolumeLost { size, path },
            2 => Consequence::VanishedWithData { size },
            3 => Consequence::ContainerDiskLost { size },
            4 => Consequence::LocalVolumeKept { size, path },
            5 => Consequence::NetworkVolumeKept { volume },
            6 => Consequence::NewPodId,
            7 => Consequence::PublicPortsChange,
            8 => Consequence::StartMayFail { then_replaced: self.0.bool() },
            9 => Consequence::ScarceGpuGivenUp,
            10 => Consequence::TakesEffectAtNextStart,
            11 => Consequence::ValueAtNextStart { pods: self.several() },
            12 => Consequence::TemplatesLoseIt,
            _ => Consequence::GoesOnUnmanaged,
        }
    }

    fn reason(&mut self) -> Reason {
        self.one(&[
            Reason::New,
            Reason::Vanished,
            Reason::Migrated,
            Reason::FoundInJournal,
            Reason::AdoptNamed,
            Reason::Changed,
            Reason::StateWanted,
            Reason::StateDrifted,
            Reason::Replaced,
            Reason::VolumeReplaced,
            Reason::Requested,
            Reason::RotateRequested,
            Reason::WaitedFor,
            Reason::Removed,
            Reason::Shrunk,
            Reason::Destroyed,
            Reason::Deposed,
            Reason::Orphaned,
            Reason::Renamed,
            Reason::LifecycleChanged,
        ])
    }

    fn record_after(&mut self) -> RecordAfter {
        match self.0.u8(..4) {
            0 => RecordAfter::put(self.some(Self::remote_id), self.record()),
            1 => RecordAfter::Remove { tombstone: self.0.bool() },
            2 => RecordAfter::MovedFrom(self.address()),
            _ => RecordAfter::Deposed(self.set(Self::pod_id)),
        }
    }

    fn action(&mut self) -> Action {
        let mut causes = vec![Cause::Spec, Cause::Outside, Cause::Both, Cause::ApiDefault];
        causes.extend([Cause::NotAttributable, Cause::Reference]);
        Action {
            operation: self.operation(),
            reason: self.reason(),
            changes: self.list(|samples| FieldChange {
                field: samples.field(),
                before: samples.shown(),
                after: samples.shown(),
                cause: samples.one(&causes),
                disruption: samples.disruption(),
            }),
            consequences: self.list(Self::consequence),
            cost: CostChange { before: self.split(), after: self.split() },
            record: self.record_after(),
            ready: self.some(Self::ready),
        }
    }

    fn ready(&mut self) -> Ready {
        let probe = match self.0.u32(..3) {
            0 => Probe::Http {
                port: self.0.u32(..),
                path: self.text(),
                statuses: self.set(|samples| samples.0.u16(..)),
            },
            1 => Probe::Tcp { port: self.0.u32(..) },
            _ => Probe::Log { text: self.text() },
        };
        Ready { probe, within: Seconds(self.0.u32(..)) }
    }

    fn boot(&mut self) -> Boot {
        let or_else = self.one(&[OnNoBoot::NextCandidate, OnNoBoot::Fail]);
        Boot { within: Seconds(self.0.u32(..)), or_else }
    }

    fn drift(&mut self) -> Drift {
        let kind = match self.0.u8(..6) {
            0 => DriftKind::Vanished,
            1 => DriftKind::Stopped,
            2 => DriftKind::Started,
            3 => DriftKind::Migrated { from: self.remote_id(), to: self.remote_id() },
            4 => DriftKind::MarkRemoved,
            _ => DriftKind::Fields(self.list(|samples| FieldDrift {
                field: samples.field(),
                recorded: samples.shown(),
                live: samples.shown(),
                left_alone: samples.0.bool(),
            })),
        };
        Drift { address: self.address(), kind }
    }

    fn several(&mut self) -> Several {
        Several { named: self.set(Self::address), more: self.0.usize(..3) }
    }

    fn held(&mut self) -> Held {
        match self.0.u8(..17) {
            0 => Held::Unreadable(self.text()),
            1 => Held::Unsettled { until: self.time() },
            2 => Held::DependsOn(self.address()),
            3 => Held::Duplicate { ids: self.set(Self::pod_id) },
            4 => Held::Copied {
                ids: self.set(Self::pod_id),
                differs: self.some(|samples| samples.one(&Part::ALL)),
            },
            5 => Held::OtherProject { id: self.remote_id(), project: ProjectName::new(self.text()) },
            6 => Held::Rebuilt { instead_of: self.several() },
            7 => Held::MayBeRenamed { from: self.several() },
            8 => Held::NoCatalog { part: CatalogPart::ALL[self.0.usize(..3)], why: self.text() },
            9 => Held::InProgress,
            11 => Held::NoSecret { names: self.set(Self::text) },
            10 => Held::Unplaced { ids: self.set(Self::remote_id) },
            12 => Held::Migrating { id: self.pod_id() },
            14 => Held::RecordedOther { id: self.remote_id(), project: ProjectName::new(self.text()) },
            15 => Held::RecordedElsewhere { id: self.remote_id(), holder: self.address() },
            13 => Held::NoTemplate { id: TemplateId::new(self.text()), why: self.text() },
            _ => Held::NotPossible(self.text()),
        }
    }

    fn block(&mut self) -> Block {
        let ActionId { address, step } = self.action_id();
        match self.0.u8(..8) {
            0 => Block::Protected { address, step },
            1 => Block::Locked { address, step },
            2 => Block::AllVanished { count: self.0.usize(..100) },
            3 => Block::NoStock { address },
            4 => Block::VolumeCannotChange { address, why: self.text() },
            5 => Block::NoCandidate { address, why: self.list(Self::text) },
            6 => Block::NoSuchPlace { address, field: self.field(), why: self.text() },
            _ => Block::Cycle(self.list(Self::action_id)),
        }
    }

    fn finding(&mut self) -> Finding {
        Finding {
            severity: self.one(&[Severity::Warning, Severity::Note]),
            code: self.one(&["unpinned-image", "copied-marker"]),
            subject: self
                .some(|samples| Subject { address: samples.address(), field: samples.some(Self::field) }),
            message: self.text(),
        }
    }

    fn unmanaged(&mut self) -> Unmanaged {
        let statuses = [
            PodStatus::Provisioning,
            PodStatus::Starting,
            PodStatus::Running,
            PodStatus::Exited,
            PodStatus::Error,
            PodStatus::Terminated,
        ];
        Unmanaged {
            id: self.remote_id(),
            name: self.text(),
            status: self.some(|samples| samples.one(&statuses)),
            created_at: self.some(Self::time),
            cost: self.split(),
            owner: match self.0.u8(..3) {
                0 => Owner::Lost(self.address()),
                1 => Owner::Project(ProjectName::new(self.text())),
                _ => Owner::Nobody,
            },
        }
    }

    fn endpoint(&mut self) -> Endpoint {
        if self.0.bool() { Endpoint::Simulator } else { Endpoint::Runpod(self.text()) }
    }

    fn templated(&mut self) -> FromTemplate {
        FromTemplate {
            id: TemplateId::new(self.text()),
            fields: self.set(Self::field),
            missing: self.some(Self::text),
            volume: self.some(|samples| TemplateVolume { size: samples.size(), path: samples.text() }),
            cuda: self.set(|samples| CudaVersion::new(samples.text())),
        }
    }

    fn plan(&mut self) -> Plan {
        Plan {
            basis: Basis {
                project: ProjectName::new("acme"),
                endpoint: self.endpoint(),
                api: self.one(&[Api::V2, Api::V1, Api::Graphql]),
                spec_digest: self.text(),
                lineage: Lineage::new(self.text()),
                serial: Serial(self.0.u64(..)),
                nonce: RunNonce::new(self.text()),
                observed_at: self.time(),
            },
            actions: self.list(|samples| (samples.action_id(), samples.action())).into_iter().collect(),
            edges: self.set(|samples| (samples.action_id(), samples.action_id())),
            waves: self
                .list(|samples| (samples.address(), samples.0.u32(..)))
                .into_iter()
                .filter(|(address, _)| address.is_pod())
                .map(|(address, at_once)| (address.key().clone(), at_once))
                .collect(),
            referenced: self
                .list(|samples| (samples.address(), VolumeId::new(samples.text())))
                .into_iter()
                .collect(),
            held: self.list(|samples| (samples.address(), samples.held())).into_iter().collect(),
            drift: self.list(Self::drift),
            findings: self.list(Self::finding),
            unmanaged: self.list(Self::unmanaged),
            unchanged: self.set(Self::address),
            recorded: self
                .list(|samples| (samples.address(), (samples.remote_id(), samples.object())))
                .into_iter()
                .collect(),
            templates: self.list(|samples| (samples.address(), samples.templated())).into_iter().collect(),
            out_of_scope: self.0.usize(..5),
            in_progress: self.some(|samples| InProgress {
                who: samples.text(),
                command: samples.text(),
                since: samples.time(),
                addresses: samples.set(Self::address),
            }),
            cost: CostSummary {
                now: self.split(),
                after: self.split(),
                at_most: self.split(),
                unmanaged: self.split(),
            },
            at_most: self.list(|samples| (samples.address(), samples.split())).into_iter().collect(),
            digest: Digest { hash: "0123456789abcdef0123456789abcdef".into(), monthly: self.amount() },
        }
    }

    pub fn planned(&mut self) -> Planned {
        let plan = self.plan();
        match self.0.u8(..3) {
            0 => Planned::Changes(plan),
            1 => Planned::NoChanges(plan),
            _ => Planned::Blocked { reasons: self.list(Self::block), plan },
        }
    }
}
