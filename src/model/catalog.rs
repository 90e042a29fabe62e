//! What RunPod sells, for how much, and how much of it there is. Stock is a hint, never a promise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::clock::Timestamp;
use super::desired::CudaWish;
use super::id::{CountryCode, CpuFlavorId, DataCenterId, GpuName, GpuTypeId};
use super::money::Price;
use super::pod::Cloud;
use super::size::Gigabytes;
use super::volume::VolumeTier;

/// The catalog as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// When it was answered.
    pub observed_at: Timestamp,
    /// Every GPU type.
    pub gpus: BTreeMap<GpuTypeId, GpuType>,
    /// Every CPU flavor.
    pub cpus: BTreeMap<CpuFlavorId, CpuFlavor>,
    /// Every data center.
    pub data_centers: BTreeMap<DataCenterId, DataCenter>,
    /// The stock of GPUs, by what was asked.
    pub gpu_stock: BTreeMap<StockQuery, BTreeMap<GpuTypeId, StockAnswer>>,
    pub cpu_stock: BTreeMap<CpuFlavorId, StockAnswer>,
    /// What is shown here and cannot be asked for.
    pub not_taken: NotTaken,
    /// The parts that could not be read, each with why. What needs them waits, and nothing else does.
    pub unread: BTreeMap<CatalogPart, String>,
    /// Entries that were left out, as they are not understood.
    pub left_out: Vec<LeftOut>,
}

/// An entry of the catalog that is not understood. That it is there is known, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The list that it stands in.
    pub part: CatalogPart,
    /// Its id, if that can be read.
    pub id: Option<String>,
    /// What is wrong with it.
    pub why: String,
}

/// A part of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CatalogPart {
    /// GPU types with price and stock.
    Gpus,
    /// CPU flavors with price and stock.
    Cpus,
    /// Data centers and what they have.
    DataCenters,
}

impl CatalogPart {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Gpus, Self::Cpus, Self::DataCenters];

    /// Returns what is in it, as a message names it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Gpus => "GPU types",
            Self::Cpus => "CPU flavors",
            Self::DataCenters => "data centers",
        }
    }
}

/// What RunPod has and the API in use does not take in a create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotTaken {
    pub gpus: BTreeSet<GpuTypeId>,
    pub data_centers: BTreeSet<DataCenterId>,
    /// A bid for a spot pod.
    pub bids: bool,
}

impl Catalog {
    /// Returns a catalog without entries.
    pub fn empty(observed_at: Timestamp) -> Self {
        Self {
            observed_at,
            gpus: BTreeMap::new(),
            cpus: BTreeMap::new(),
            data_centers: BTreeMap::new(),
            gpu_stock: BTreeMap::new(),
            cpu_stock: BTreeMap::new(),
            not_taken: NotTaken::default(),
            unread: BTreeMap::new(),
            left_out: Vec::new(),
        }
    }

    /// Returns a catalog of which nothing is known, for this reason.
    pub fn unread(observed_at: Timestamp, why: &str) -> Self {
        let unread = CatalogPart::ALL.into_iter().map(|part| (part, why.to_owned())).collect();
        Self { unread, ..Self::empty(observed_at) }
    }

    /// Returns the types that a name stands for: an exact id, a display name, or a family (`H100`), best match only.
    ///
    /// Letter case and a leading manufacturer (`NVIDIA`, `NVIDIA GeForce`, `AMD`) do not matter. A family matches
    /// display names whose first words it is, but no slice of a card, whose name goes on after that of the card, unless
    /// it says `MIG`. What no name fits is looked for once more as other tools write it: `RTX4090`, `A100-80GB`.
    pub fn gpus_named(&self, name: &GpuName) -> Vec<&GpuType> {
        let asked = || plain_words(name.as_str());
        if asked().next().is_none() {
            return Vec::new();
        }
        let exact_id = |gpu: &&GpuType| gpu.id.as_str() == name.as_str();
        let same_name = |gpu: &&GpuType| {
            [gpu.name.as_str(), gpu.id.as_str()]
                .into_iter()
                .any(|known| matched(asked(), plain_words(known)) == Match::Same)
        };
        let wants_slices = names_slice(name.as_str());
        let in_family = |gpu: &&GpuType| {
            matched(asked(), plain_words(&gpu.name)) == Match::Beginning && gpu.is_slice() == wants_slices
        };
        let first: Vec<&GpuType> = self.gpus.values().filter(exact_id).collect();
        if !first.is_empty() {
            return first;
        }
        let same: Vec<&GpuType> = self.gpus.values().filter(same_name).collect();
        if !same.is_empty() {
            return same;
        }
        let family: Vec<&GpuType> = self.gpus.values().filter(in_family).collect();
        if family.is_empty() { self.gpus_spelled(&Spelling::of(name.as_str())) } else { family }
    }

    /// Returns the types that a name stands for without its blanks, and with the memory that it gives; best match only.
    fn gpus_spelled(&self, asked: &Spelling) -> Vec<&GpuType> {
        let fits = |gpu: &&GpuType| {
            !asked.letters().is_empty() && asked.memory.is_none_or(|memory| memory == gpu.memory.0)
        };
        let known = |gpu: &GpuType| [gpu.name.as_str(), gpu.id.as_str()].map(Spelling::of);
        let same = |gpu: &&GpuType| known(gpu).iter().any(|known| known.letters() == asked.letters());
        let same: Vec<&GpuType> = self.gpus.values().filter(fits).filter(same).collect();
        if !same.is_empty() {
            return same;
        }
        let wants_slices = asked.words.iter().any(|word| word == SLICE);
        let begins = |gpu: &&GpuType| {
            gpu.is_slice() == wants_slices && Spelling::of(&gpu.name).begins_with(&asked.letters())
        };
        self.gpus.values().filter(fits).filter(begins).collect()
    }

    /// Returns the name of the type that an unknown name was most likely meant to be.
    pub fn nearest_gpu(&self, name: &GpuName) -> Option<&str> {
        // An `o` is no slip of anything but a zero.
        let letters = |name: &str| Spelling::of(name).letters().replace('o', "0");
        let asked = letters(name.as_str());
        let length = asked.chars().count();
        if !(2..=LONGEST_SLIP).contains(&length) {
            return None;
        }
        let digits = |text: &str| {
            let mut digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
            digits.sort_unstable();
            digits
        };
        // Where there are few digits, each tells another product: who writes `A10` does not mean an `A40`.
        let is_slip = |known: &str| digits(&asked).len() >= MANY_DIGITS || digits(known) == digits(&asked);
        let series = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        // Two slips in a short name are of one series: who writes `H1000` does not mean an `A2000`.
        let is_near = |distance: usize, known: &str| match length {
            0..=SHORT => distance <= 1 || (distance == 2 && length > 3 && series(known) == series(&asked)),
            _ => distance <= (length / 2).min(3),
        };
        let near = self.gpus.values().filter_map(|gpu| {
            let known = letters(&gpu.name);
            let distance = strsim::osa_distance(&asked, &known);
            (is_near(distance, &known) && is_slip(&known)).then_some((distance, gpu.name.as_str()))
        });
        near.min().map(|(_, name)| name)
    }
}

/// Up to so many letters and digits a name is short.
const SHORT: usize = 5;

/// So many digits can hold a slip: `RTX 4091`.
const MANY_DIGITS: usize = 4;

/// Longer texts are no slip of any name.
const LONGEST_SLIP: usize = 40;

/// A name in its parts, as tools agree about them: `RTX4090`, `RTX 4090` and `rtx-4090` are one.
struct Spelling {
    /// The words in small letters, without manufacturer, memory and a leading `rtx`, which some leave out.
    words: Vec<String>,
    /// The memory that the name gives, in GB.
    memory: Option<u32>,
}

impl Spelling {
    fn of(name: &str) -> Self {
        let mut spelling = Self { words: Vec::new(), memory: None };
        for word in name.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_')) {
            let word = word.to_lowercase();
            let memory = word.strip_suffix("gb").and_then(|digits| digits.parse().ok());
            if memory.is_some() {
                spelling.memory = memory;
            } else if !matches!(word.as_str(), "" | "nvidia" | "geforce" | "amd" | "tesla") {
                spelling.words.push(word);
            }
        }
        if let Some(first) = spelling.words.first_mut() {
            *first = first.strip_prefix("rtx").unwrap_or(first).to_owned();
        }
        spelling
    }

    /// Returns the words as one.
    fn letters(&self) -> String {
        self.words.concat()
    }

    /// Tells whether these letters are the first words.
    fn begins_with(&self, letters: &str) -> bool {
        (1..self.words.len()).any(|count| self.words[..count].concat() == letters)
    }
}

/// The word by which a slice of a card is told from the card.
const SLICE: &str = "mig";

/// Tells whether a name is that of slices of a card.
fn names_slice(name: &str) -> bool {
    name.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_'))
        .any(|word| word.eq_ignore_ascii_case(SLICE))
}

/// Returns the words of a name without its manufacturer.
fn plain_words(name: &str) -> impl Iterator<Item = &str> {
    let manufacturers = ["nvidia", "geforce", "amd"];
    let is_manufacturer =
        move |word: &&str| manufacturers.iter().any(|known| word.eq_ignore_ascii_case(known));
    name.split_whitespace().filter(move |word| !is_manufacturer(word))
}

/// How far the words of one name are those of another.
#[derive(PartialEq, Eq)]
enum Match {
    Same,
    /// The other name goes on after them.
    Beginning,
    Other,
}

/// Compares names word by word without making new texts, as every pod of a plan asks for every type.
fn matched<'a, 'n>(asked: impl Iterator<Item = &'a str>, mut name: impl Iterator<Item = &'n str>) -> Match {
    for word in asked {
        let same = |known: &str| {
            known.chars().flat_map(char::to_lowercase).eq(word.chars().flat_map(char::to_lowercase))
        };
        if !name.next().is_some_and(same) {
            return Match::Other;
        }
    }
    if name.next().is_none() { Match::Same } else { Match::Beginning }
}

/// One GPU type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuType {
    /// RunPod's id.
    pub id: GpuTypeId,
    /// The display name, such as `RTX 4090`.
    pub name: String,
    /// Memory of one GPU.
    pub memory: Gigabytes,
    /// Price of one GPU an hour in Secure Cloud.
    pub secure: Price,
    /// Price of one GPU an hour in Community Cloud.
    pub community: Price,
    /// The most that one pod can have.
    pub max_count: u32,
    /// The clouds in which it is known not to be sold. What the catalog calls its price there is no offer.
    pub unsold: BTreeSet<Cloud>,
}

impl GpuType {
    /// Tells whether it is a slice of a card: a type of its own, which nobody means who names the card.
    fn is_slice(&self) -> bool {
        names_slice(&self.name) || names_slice(self.id.as_str())
    }

    /// Returns the price of one GPU an hour in a cloud.
    pub fn price(&self, cloud: Cloud) -> Price {
        match cloud {
            Cloud::Secure => self.secure,
            Cloud::Community => self.community,
        }
    }
}

/// One CPU flavor. CPU pods exist in Secure Cloud only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuFlavor {
    /// RunPod's id.
    pub id: CpuFlavorId,
    /// The display name.
    pub name: String,
    /// The fewest vCPUs.
    pub min_vcpus: u32,
    /// The most vCPUs.
    pub max_vcpus: u32,
    /// Memory for each vCPU.
    pub memory_per_vcpu: Gigabytes,
    /// Price of one vCPU an hour.
    pub per_vcpu: Price,
}

/// One data center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataCenter {
    /// RunPod's id.
    pub id: DataCenterId,
    /// Its country, taken from the id (`EU-RO-1` is `RO`); `None` where the id does not tell.
    pub country: Option<CountryCode>,
    /// Whether it has the private network between pods.
    pub global_network: bool,
    /// The tiers of network volumes that it has; empty means no network volumes.
    pub volume_tiers: BTreeSet<VolumeTier>,
}

/// One question about the stock of GPUs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StockQuery {
    /// GPUs in one pod.
    pub count: u32,
    pub cloud: Cloud,
    /// In which countries; empty asks for all.
    pub countries: BTreeSet<CountryCode>,
    pub cuda: CudaWish,
}

/// The stock of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockAnswer {
    /// The best over all data centers that were asked.
    pub best: Stock,
    /// By data center; those without stock are left out. Shared with the candidates of every pod.
    pub data_centers: Arc<BTreeMap<DataCenterId, Stock>>,
}

/// How much there is, from nothing to plenty. The order is that of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stock {
    /// Nothing at the time of asking.
    None,
    /// Not asked, to keep within the API's quota.
    NotAsked,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Plenty.
    High,
}

impl fmt::Display for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::NotAsked => "not asked",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}
