//! What the spec wants, with every default filled and every reference checked.
//!
//! Only `spec::lower` makes it. It holds no positions; `spec` answers where a field of an address was written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::address::{Address, Key};
use super::id::{
    CountryCode, CpuFlavorId, CudaVersion, DataCenterId, EnvKey, GpuName, PodId, ProjectName, VolumeId,
};
use super::job::{Job, Until};
use super::money::{Hourly, Monthly};
use super::pod::{Access, Cloud, Rent, RunState};
use super::ready::{Boot, Ready};
use super::registry::Credentials;
use super::retry::Retry;
use super::secret::SecretSource;
use super::settings::{Container, Field, NoField};
use super::size::Gigabytes;
use super::template::FromTemplate;
use super::volume::VolumeConfig;

/// Everything that the spec wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The owner of all objects.
    pub project: ProjectName,
    /// The wanted objects in scope.
    pub wanted: BTreeMap<Address, Wanted>,
    /// Addresses that stand in the spec but that no chosen profile selects: neither compared nor removed.
    pub out_of_scope: BTreeMap<Address, Deselected>,
    /// The keys of pods with `replicas`, those of none at all too: what goes there was lowered, not taken out.
    pub replicated: BTreeSet<Key>,
    /// The replicas that are left out by their number. They take nobody's place.
    pub dropped: BTreeSet<Address>,
    /// The keys of pods that may not be deleted, those that no profile selects and those of no replicas too.
    pub protected: BTreeSet<Key>,
    /// Renames, in file order.
    pub moved: Vec<Move>,
    /// Declared removals: what is to become of an address that the spec does not have.
    pub removed: BTreeMap<Address, OnRemove>,
    /// What a pod must answer before it counts as ready; one that is not in here is ready as soon as it runs.
    pub ready: BTreeMap<Address, Ready>,
    /// How long the first boot of a pod may take; what is not in here is never given up.
    pub boot: BTreeMap<Address, Boot>,
    /// How long pods wait for capacity, by their keys; those that are not in here do not wait.
    pub retries: BTreeMap<Key, Retry>,
    /// Where the values of the declared secrets that some pod uses are read.
    pub secrets: BTreeMap<String, SecretSource>,
    /// What all of it may cost.
    pub budget: Budget,
}

impl Desired {
    /// Returns how long a pod waits for capacity.
    pub fn retry(&self, address: &Address) -> Option<&Retry> {
        if address.is_pod() { self.retries.get(address.key()) } else { None }
    }

    /// Returns what is declared to become of an address; what is said of a bare key is said of all its replicas.
    pub fn removal(&self, address: &Address) -> Option<OnRemove> {
        let bare = || address.is_pod().then(|| Address::pod(address.key().clone()));
        self.removed.get(address).or_else(|| self.removed.get(&bare()?)).copied()
    }
}

/// What is known of a pod that no chosen profile selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deselected {
    /// The profiles that would select it.
    pub profiles: BTreeSet<String>,
    /// Running or stopped; one that is wanted stopped is nobody's to wait for.
    pub run: RunState,
    /// Whether it is a job.
    pub is_job: bool,
}

/// What everything that a spec wants may cost, on the dearest of its candidates. An unknown price keeps no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Budget {
    /// GPUs and vCPUs an hour, while everything runs that should run.
    pub max_hourly: Option<Hourly>,
    /// Everything a month, storage included.
    pub max_monthly: Option<Monthly>,
    /// What happens above a limit.
    pub on_exceed: OnExceed,
}

/// What happens to a plan that costs more than the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnExceed {
    /// It is blocked, unless it makes things cheaper than they are.
    #[default]
    Fail,
    /// It is remarked on.
    Warn,
}

impl OnExceed {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
        }
    }
}

/// One wanted object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Pod(Box<WantedPod>),
    /// A network volume.
    Volume(WantedVolume),
    /// A secret of the account, whose value is read where the secret of its key says.
    Secret(WantedSecret),
    /// Credentials for a container registry that podform stores in RunPod.
    Registry(Credentials),
}

/// A secret of the account that podform makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedSecret {
    /// Its name on RunPod.
    pub name: String,
}

impl Wanted {
    /// Returns the secret of the account, if it is one.
    pub fn secret(&self) -> Option<&WantedSecret> {
        match self {
            Self::Secret(secret) => Some(secret),
            Self::Pod(_) | Self::Volume(_) | Self::Registry(_) => None,
        }
    }

    /// Returns the credentials for a registry, if it is some.
    pub fn registry(&self) -> Option<&Credentials> {
        match self {
            Self::Registry(credentials) => Some(credentials),
            Self::Pod(_) | Self::Volume(_) | Self::Secret(_) => None,
        }
    }

    /// Returns the pod, if it is one.
    pub fn pod(&self) -> Option<&WantedPod> {
        match self {
            Self::Pod(pod) => Some(pod),
            Self::Volume(_) | Self::Secret(_) | Self::Registry(_) => None,
        }
    }
}

/// A wanted pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPod {
    /// What can be changed in place or by a reset.
    pub container: Container,
    /// What a live pod must satisfy; if it does not, only a replacement helps.
    pub hardware: Hardware,
    /// Variables that are to be absent, though others put them there.
    pub unwanted_env: BTreeSet<EnvKey>,
    /// The services set up at creation.
    pub access: Access,
    /// Running or stopped.
    pub run: RunState,
    /// It runs its command once.
    pub job: Option<Job>,
    /// What podform may do to it.
    pub lifecycle: Lifecycle,
    /// How many replicas of its key may be down at once while they are changed; `None` for all of them.
    pub at_once: Option<AtOnce>,
    /// Pods and volumes that must be ready first; order only. Volumes that it mounts are included, and pods that no
    /// chosen profile selects.
    pub depends_on: BTreeSet<Address>,
    /// How far jobs among those must be; any other must be ready.
    pub until: BTreeMap<Address, Until>,
    /// Something of it but its name holds the number of its replica.
    pub numbered: bool,
    /// A pod to take over while the state does not know the address.
    pub adopt: Option<PodId>,
    /// What it takes from a template.
    pub template: Option<FromTemplate>,
    /// Free labels for people and reports; RunPod has none.
    pub labels: BTreeMap<String, String>,
}

/// A wanted network volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedVolume {
    /// Managed: created, grown and deleted.
    Managed {
        config: VolumeConfig,
        /// Refuses deletion until it is lifted by an apply.
        protect: bool,
        /// A volume to take over while the state does not know the address.
        adopt: Option<VolumeId>,
    },
    /// Given by `id:`; only mounted, never changed.
    Referenced {
        /// The volume on RunPod.
        id: VolumeId,
    },
}

/// The machine that a pod must have, as constraints: a live pod that satisfies them is in sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hardware {
    /// GPUs or CPUs.
    pub compute: ComputeWish,
    pub cloud: CloudWish,
    /// Allowed data centers; empty allows all.
    pub data_centers: BTreeSet<DataCenterId>,
    /// Allowed countries; empty allows all.
    pub countries: BTreeSet<CountryCode>,
    /// Upper limit for the whole pod, compute only. An unknown price never satisfies it.
    pub max_price: Option<Hourly>,
}

/// GPUs or CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComputeWish {
    /// A GPU pod.
    Gpu(GpuWish),
    /// A CPU pod.
    Cpu(CpuWish),
}

/// Which GPUs a pod accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuWish {
    /// The accepted types in the order typed; empty accepts every type that the other limits allow.
    pub any_of: Vec<GpuChoice>,
    /// In which order the candidates are tried.
    pub order: GpuOrder,
    /// How many GPUs of a type that has no number of its own.
    pub count: GpuCount,
    /// Limits on the memory of one GPU.
    pub memory: MemoryRange,
    pub host: HostLimits,
    pub rent: Rent,
}

impl GpuWish {
    /// Returns how many GPUs of an accepted type.
    pub fn count_of(&self, choice: &GpuChoice) -> GpuCount {
        choice.count.unwrap_or(self.count)
    }

    /// Returns how many GPUs are accepted, of one type or another.
    pub fn counts(&self) -> BTreeSet<GpuCount> {
        if self.any_of.is_empty() {
            return BTreeSet::from([self.count]);
        }
        self.any_of.iter().map(|choice| self.count_of(choice)).collect()
    }

    /// Returns every number that is accepted, of one type or another.
    pub fn numbers(&self) -> BTreeSet<u32> {
        self.counts().into_iter().flat_map(GpuCount::numbers).collect()
    }
}

/// How many GPUs are accepted, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GpuCount {
    /// At least so many; at least 1.
    pub least: u32,
    /// At most so many.
    pub most: u32,
}

impl GpuCount {
    /// Returns one number.
    pub const fn exactly(count: u32) -> Self {
        Self { least: count, most: count }
    }

    /// Tells whether so many are accepted.
    pub fn accepts(self, count: u32) -> bool {
        self.numbers().contains(&count)
    }

    /// Returns the accepted numbers.
    pub fn numbers(self) -> RangeInclusive<u32> {
        self.least..=self.most
    }
}

/// As a spec has it: `2`, or `2..4`.
impl fmt::Display for GpuCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.least == self.most {
            write!(f, "{}", self.least)
        } else {
            write!(f, "{}..{}", self.least, self.most)
        }
    }
}

/// Limits on the host of a GPU pod. A create asks for them; what of them holds later is not read back, but for the CUDA
/// version.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HostLimits {
    /// Its CUDA version.
    pub cuda: CudaWish,
    /// At least so many vCPUs for each GPU.
    pub min_vcpu: Option<u32>,
    /// At least so much memory for each GPU.
    pub min_memory: Option<Gigabytes>,
}

/// One accepted GPU type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuChoice {
    /// An id, a display name or a family.
    pub name: GpuName,
    /// How many of this type, where it is not the number of the wish.
    pub count: Option<GpuCount>,
    /// Upper limit for the whole pod if it lands on this type.
    pub max_price: Option<Hourly>,
}

/// The order in which candidates are tried. Those without stock come last in every order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GpuOrder {
    /// As typed.
    Listed,
    /// The cheapest first.
    Price,
    /// The best stock first.
    Availability,
}

impl GpuOrder {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Price => "price",
            Self::Availability => "availability",
        }
    }
}

/// Limits on the memory of one GPU, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MemoryRange {
    /// At least this much.
    pub min: Option<Gigabytes>,
    /// At most this much.
    pub max: Option<Gigabytes>,
}

impl MemoryRange {
    /// Tells whether a GPU with this memory is accepted.
    pub fn accepts(self, memory: Gigabytes) -> bool {
        self.min.is_none_or(|min| memory >= min) && self.max.is_none_or(|max| memory <= max)
    }
}

/// Limits on the host's CUDA version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum CudaWish {
    /// Any version.
    #[default]
    Any,
    /// This version or a later one.
    AtLeast(CudaVersion),
    /// Exactly one of these.
    OneOf(BTreeSet<CudaVersion>),
}

impl CudaWish {
    /// Returns the versions that are accepted alone; none accept all.
    pub fn allowed(&self) -> impl Iterator<Item = &str> {
        let versions = match self {
            Self::OneOf(versions) => Some(versions),
            Self::Any | Self::AtLeast(_) => None,
        };
        versions.into_iter().flatten().map(CudaVersion::as_str)
    }

    /// Returns the least version.
    pub fn least(&self) -> Option<&str> {
        match self {
            Self::AtLeast(version) => Some(version.as_str()),
            Self::Any | Self::OneOf(_) => None,
        }
    }
}

/// Which CPUs a pod accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuWish {
    /// Accepted flavors, tried in this order.
    pub flavors: Vec<CpuFlavorId>,
    /// How many vCPUs; a power of two from 2.
    pub vcpus: u32,
}

/// Which of RunPod's clouds a pod accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CloudWish {
    Only(Cloud),
    /// Secure first, then Community.
    Any,
}

impl CloudWish {
    /// Tells whether a pod in this cloud is accepted.
    pub fn accepts(self, cloud: Cloud) -> bool {
        match self {
            Self::Only(only) => only == cloud,
            Self::Any => true,
        }
    }
}

/// What podform may do to an object. As last applied it also rules after the key has left the spec.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// Blocks delete and replace.
    pub protect: bool,
    /// What happens when the key leaves the spec.
    pub on_remove: OnRemove,
    /// Which half of a replacement comes first.
    pub on_replace: OnReplace,
    /// What happens when a stopped pod cannot come back on its host.
    pub on_stuck_resume: OnStuckResume,
    /// Fields whose differences are left alone.
    pub ignore_changes: BTreeSet<Ignored>,
}

impl Lifecycle {
    /// Tells whether a difference of this field is left alone.
    pub fn ignores(&self, field: &Field) -> bool {
        let ignored = &self.ignore_changes;
        // Looked up, as a spec may name as many variables as a pod may have.
        !ignored.is_empty()
            && (ignored.contains(&Ignored::Field(field.clone()))
                || ignored.contains(&Ignored::Variables) && matches!(field, Field::Env(_))
                || ignored.contains(&Ignored::All) && field.can_be_ignored())
    }

    /// Takes over all that is ignored from another pod.
    pub fn leave(&self, container: &mut Container, from: &Container) {
        for ignored in &self.ignore_changes {
            match ignored {
                Ignored::All => {
                    let plain = Field::PLAIN.iter().map(|(field, _)| field);
                    plain
                        .filter(|field| field.can_be_ignored())
                        .for_each(|field| container.take(field, from));
                    container.env.clone_from(&from.env);
                }
                Ignored::Variables => container.env.clone_from(&from.env),
                Ignored::Field(field) => container.take(field, from),
            }
        }
    }
}

/// What `ignore_changes` names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ignored {
    /// Every field that can be ignored.
    All,
    /// Every variable.
    Variables,
    Field(Field),
}

impl Ignored {
    /// What stands for several fields, with its word.
    pub const SEVERAL: &[(Self, &str)] = &[(Self::All, "all"), (Self::Variables, "env")];
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => field.fmt(f),
            several => {
                let word = Self::SEVERAL.iter().find(|(known, _)| known == several);
                f.pad(word.map_or("", |(_, word)| word))
            }
        }
    }
}

impl FromStr for Ignored {
    type Err = NoField;

    fn from_str(text: &str) -> Result<Self, NoField> {
        if text == "env.*" {
            return Ok(Self::Variables);
        }
        match Self::SEVERAL.iter().find(|(_, word)| *word == text) {
            Some((several, _)) => Ok(several.clone()),
            None => text.parse().map(Self::Field),
        }
    }
}

/// The most replicas of a wave of which each waits for each of the wave before. Of larger waves one begins first, as their
/// edges would be too many.
pub const WIDEST_WAVE: usize = 64;

/// How many replicas of one key may be down at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AtOnce {
    /// So many; at least 1.
    Number(u32),
    /// So many of a hundred; at least 1 replica.
    Percent(u32),
}

impl AtOnce {
    /// Returns how many that is of so many replicas.
    pub fn of(self, replicas: usize) -> usize {
        match self {
            Self::Number(number) => number as usize,
            Self::Percent(percent) => replicas.saturating_mul(percent as usize) / 100,
        }
        .max(1)
    }
}

/// As a spec has it: `2`, or `50%`.
impl fmt::Display for AtOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// What happens to a pod when its key leaves the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum OnRemove {
    #[default]
    Terminate,
    /// It is stopped and kept, listed with what its storage costs.
    Stop,
    /// It goes on running, unmanaged.
    Forget,
}

impl OnRemove {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::Stop => "stop",
            Self::Forget => "forget",
        }
    }
}

/// Which half of a replacement comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum OnReplace {
    /// The old pod goes first; never two pods at once.
    #[default]
    DestroyFirst,
    /// The new pod comes first; a scarce GPU is not given up before there is another.
    CreateFirst,
}

impl OnReplace {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::DestroyFirst => "destroy_first",
            Self::CreateFirst => "create_first",
        }
    }
}

/// What happens when the host of a stopped pod has no free GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum OnStuckResume {
    /// The start fails; the pod and its data stay.
    #[default]
    Fail,
    /// The pod is replaced; what is on its host is lost.
    Replace,
    /// The start is tried again as `retry` says; the pod and its data stay.
    Wait,
}

impl OnStuckResume {
    /// Returns the word that the spec has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Replace => "replace",
            Self::Wait => "wait",
        }
    }
}

/// A rename in the spec. An address without a replica number stands for all replicas of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The old address.
    pub from: Address,
    /// The address in this spec.
    pub to: Address,
}
