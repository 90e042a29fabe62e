//! One pod: its keys, and tree to [`Pod`].
//!
//! Each key is one row, from which come the member, its reading, where it was written, and the list that messages show.
//! What a row reads is in the other files, by what it is about; `words` has the names that other tools give the keys.
//!
//! # How to add a key
//! Add a row, and the key to `spec.schema.json`. What is wanted is made of it in `lower.rs` (or, if it refers to
//! something else, in `resolve/pod.rs` first), the merged spec in `config.rs`, and, if an API shows it, the spec text of
//! a live pod in `imported/page.rs`.

mod container;
mod env;
mod gpu;
mod job;
mod lifecycle;
mod mounts;
mod placement;
mod ready;
mod replicas;
mod retry;
mod update;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::{AtOnce, CloudWish, CudaWish, HostLimits, Ignored, Lifecycle};
use crate::model::id::{CountryCode, DataCenterId, PodId, TemplateId};
use crate::model::job::Then;
use crate::model::money::Hourly;
use crate::model::pod::{Access, Cloud, Port, Rent, RunState};
use crate::model::ready::{Boot, Ready};
use crate::model::reference::Reference;
use crate::model::retry as retry_model;
use crate::model::settings::Field;
use crate::model::size::Gigabytes;

use super::decode::{Decoder, Fields};
use super::diagnostic::{Diagnostic, Problem};
use super::forms;
use super::interpolate::Text;
use super::positions::Places;
use super::source::{Span, Spanned};
use super::words::Section;
use super::yaml::Node;

pub(super) use self::container::MAX_NAME;
pub(super) use self::env::{Env, EnvSyntax, MAX_ENV};
pub(super) use self::gpu::Gpu;
pub(super) use self::job::{Dependency, Purpose};
pub(super) use self::mounts::Mount;
pub(super) use self::placement::{Cpu, Placement};
pub(super) use self::replicas::Replicas;
pub(super) use self::retry::{Retry, Widen};
pub(super) use self::update::Update;

/// The most vCPUs that may be asked for with each GPU: far more than any host has.
const MAX_FLOOR: u32 = 1024;

/// The container disk of a pod that does not say: RunPod's APIs disagree (v2 has no default, v1 50, GraphQL 10), and
/// this fits the smallest CPU pods, whose disk is limited.
const DEFAULT_DISK: Gigabytes = Gigabytes(20);

/// The keys of a pod and of `defaults`.
pub(super) const POD: Section = Section { name: "a pod", keys: KEYS, words: words::WORDS };

/// Defines a pod by its keys, in the order in which messages list them: a key has a type and a reader, or, as long as it
/// has no effect, what to do in its place.
macro_rules! pod_keys {
    (|$fields:ident| $( $key:ident $(: $type:ty = $read:expr)? $(, without effect: $instead:literal)?; )+) => {
        /// An entry of `pods` as it was typed, with `defaults` merged under it.
        #[derive(Clone, Debug)]
        pub(super) struct Pod {
            /// Where its key stands.
            pub span: Span,
            /// Whether `image` stands there, even if its value was wrong.
            pub image_was_typed: bool,
            /// Whether `gpu` or `cpu` stands there, even if its value was wrong.
            pub compute_was_typed: bool,
            /// What its texts refer to, and where.
            pub references: Vec<Spanned<Reference>>,
            $( $( pub $key: Option<Spanned<$type>>, )? )+
        }

        const KEYS: &[&str] = &[$( stringify!($key), )+];

        /// Reads a pod, or `defaults`, from an interpolated tree with the defaults merged in.
        pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>, key: Span) -> Option<Pod> {
            let $fields = decoder.fields(node, &POD, "a map such as `{ image: ..., gpu: L40S }`")?;
            $( $( without_effect(&$fields, stringify!($key), $instead, decoder); )? )+
            Some(Pod {
                span: key,
                image_was_typed: $fields.meant("image"),
                compute_was_typed: $fields.meant("gpu") || $fields.meant("cpu"),
                references: Vec::new(),
                $( $( $key: $fields.read::<Spanned<$type>>(stringify!($key), decoder, $read), )? )+
            })
        }

        impl Pod {
            /// Returns where the keys were written that are fields by themselves.
            fn places_of_keys(&self) -> Places {
                let mut places = Places::new(self.span);
                $( $(
                    if let Some(typed) = &self.$key
                        && let Ok(field) = stringify!($key).parse::<Field>()
                    {
                        let Spanned::<$type> { value: _, span } = typed;
                        places.fields.push((field, *span));
                    }
                )? )+
                places
            }
        }
    };
}

pod_keys! { |fields|
    name: Text = container::name;
    template: TemplateId = |d, node| Some(d.word(node, "the id of a template")?.map(TemplateId::new));
    image: Text = container::image;
    registry: String = |d, node| d.word(node, "the name of a registry");
    command: Vec<Text> = |d, node| container::arguments(d, node, &variables(&fields));
    entrypoint: Vec<Text> = |d, node| container::arguments(d, node, &variables(&fields));
    env: Env = env::read;
    ports: BTreeSet<Port> = container::ports;
    gpu: Gpu = gpu::read;
    cpu: Cpu = placement::cpu;
    cuda: CudaWish = placement::cuda;
    min_vcpu: u32 = |d, node| d.integer(node, 1..=MAX_FLOOR);
    min_memory: Gigabytes = |d, node| d.form(node, "a size such as `32GB`", Problem::InvalidSize, forms::size);
    rent: Rent = placement::rent;
    max_price: Hourly = placement::price;
    placement: Placement = placement::read;
    cloud: CloudWish = placement::cloud;
    disk: Gigabytes = |d, node| d.form(node, "a size such as `60GB`", Problem::InvalidSize, forms::size);
    volumes: Vec<Spanned<Mount>> = mounts::read;
    ssh: bool = |d, node| d.boolean(node);
    jupyter: bool = |d, node| d.boolean(node);
    global_networking: bool = |d, node| d.boolean(node);
    locked: bool = |d, node| d.boolean(node);
    depends_on: Vec<Spanned<Dependency>> = job::depends_on;
    replicas: Replicas = replicas::read;
    update: Update = update::read;
    state: RunState = |d, node| d.choice(node, &[("running", RunState::Running), ("stopped", RunState::Stopped)]);
    ready: Spanned<Ready> = ready::read;
    boot: Boot = ready::boot;
    run: Purpose = job::purpose;
    then: Then = job::then;
    rerun_on: BTreeSet<Ignored> = job::rerun_on;
    schedule, without effect: "set `state: running` or `state: stopped` and apply";
    retry: Retry = retry::read;
    lifecycle: Lifecycle = lifecycle::read;
    labels: BTreeMap<String, Text> = container::labels;
    profiles: BTreeSet<String> = profiles;
    adopt: PodId = |d, node| Some(d.word(node, "the id of a pod")?.map(PodId::new));
}

impl Pod {
    pub(super) fn disk(&self) -> Gigabytes {
        self.disk.map_or(DEFAULT_DISK, |disk| disk.value)
    }

    pub(super) fn has_global_networking(&self) -> bool {
        self.global_networking.is_some_and(|on| on.value)
    }

    /// Returns its switches by their keys; what is not typed and managed only if it is, is nothing.
    pub(super) fn switches(&self) -> [(&'static str, Option<bool>); 4] {
        let Access { ssh, jupyter } = self.access();
        [
            ("ssh", Some(ssh)),
            ("jupyter", Some(jupyter)),
            ("global_networking", Some(self.has_global_networking())),
            ("locked", self.locked.map(|locked| locked.value)),
        ]
    }

    pub(super) fn access(&self) -> Access {
        Access { ssh: self.ssh.is_some_and(|on| on.value), jupyter: self.jupyter.is_some_and(|on| on.value) }
    }

    pub(super) fn wanted_state(&self) -> RunState {
        self.state.map_or(RunState::Running, |state| state.value)
    }

    pub(super) fn is_protected(&self) -> bool {
        self.lifecycle.as_ref().is_some_and(|lifecycle| lifecycle.value.protect)
    }

    pub(super) fn replicas(&self) -> Option<&Replicas> {
        self.replicas.as_ref().map(|replicas| &replicas.value)
    }

    /// Returns how many replicas go down at once. Those that say when they are ready go one after the other where nothing
    /// else is said: whoever asks them wants them to go on serving.
    pub(super) fn at_once(&self) -> Option<AtOnce> {
        let is_asked = self.ready.is_some() && self.replicas().is_some_and(|replicas| replicas.len() > 1);
        let one = is_asked.then_some(AtOnce::Number(1));
        let typed = self.update.and_then(|update| update.value.at_once);
        typed.map(|at_once| at_once.value).or(one)
    }

    pub(super) fn cloud(&self) -> CloudWish {
        self.cloud.map_or(CloudWish::Only(Cloud::Secure), |cloud| cloud.value)
    }

    /// Returns what it asks of the host of its GPUs.
    pub(super) fn host(&self) -> HostLimits {
        HostLimits {
            cuda: self.cuda.as_ref().map(|cuda| cuda.value.clone()).unwrap_or_default(),
            min_vcpu: self.min_vcpu.map(|floor| floor.value),
            min_memory: self.min_memory.map(|floor| floor.value),
        }
    }

    /// Returns how its GPUs are rented.
    pub(super) fn rent(&self) -> Rent {
        self.rent.map(|rent| rent.value).unwrap_or_default()
    }

    /// Returns what it accepts as well after a while.
    pub(super) fn widen(&self) -> &[Spanned<Widen>] {
        self.retry.as_ref().map_or(&[], |retry| &retry.value.widen)
    }

    /// Returns how long it waits for capacity.
    pub(super) fn patience(&self) -> Option<retry_model::Retry> {
        let retry = &self.retry.as_ref()?.value;
        Some(retry.wish(self.gpu.as_ref().map(|gpu| &gpu.value), &self.host(), self.rent()))
    }

    /// Returns where keys stand that a CPU pod cannot have, and why not.
    pub(super) fn only_of_gpus(&self) -> impl Iterator<Item = (Span, &'static str)> {
        let per_gpu = "it is a floor for each GPU, and a CPU pod has none";
        [
            self.cuda.as_ref().map(|cuda| (cuda.span, "a CPU pod has no CUDA")),
            self.min_vcpu.map(|floor| (floor.span, per_gpu)),
            self.min_memory.map(|floor| (floor.span, per_gpu)),
            self.rent.map(|rent| (rent.span, "only GPUs are rented by a bid")),
            self.widen().first().map(|widen| (widen.span, "only the GPUs of a pod can be widened")),
        ]
        .into_iter()
        .flatten()
    }

    pub(super) fn countries(&self) -> Option<&Spanned<BTreeSet<CountryCode>>> {
        self.placement.as_ref()?.value.countries.as_ref()
    }

    pub(super) fn data_centers(&self) -> Option<&Spanned<Vec<Spanned<DataCenterId>>>> {
        self.placement.as_ref()?.value.data_centers.as_ref()
    }

    /// Returns where its fields were written.
    pub(super) fn places(&self) -> Places {
        let mut places = self.places_of_keys();
        places.put(Field::GpuCount, self.gpu.as_ref().and_then(|gpu| gpu.value.count.as_ref()));
        places.put(Field::DataCenter, self.data_centers());
        places.put(Field::Country, self.countries());
        let variables = self.env.iter().flat_map(|env| &env.value);
        places.fields.extend(variables.map(|(key, value)| (Field::Env(key.clone()), value.span)));
        places.fields.shrink_to_fit();
        places
    }
}

/// Returns the variables that a shell in the pod knows.
fn variables<'n>(fields: &Fields<'n>) -> BTreeSet<&'n str> {
    let entries = fields.get("env").map(|entry| entry.value.entries()).unwrap_or_default();
    entries.iter().map(|entry| &*entry.key).collect()
}

fn profiles(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<BTreeSet<String>>> {
    let names = decoder.items(node, "a list of profiles, such as `[prod]`", |decoder, item| {
        decoder.word(item, "the name of a profile").map(|name| name.value)
    })?;
    Some(names.map(|names| names.into_iter().collect()))
}

/// Refuses a key of the format that has no effect yet.
fn without_effect(fields: &Fields<'_>, key: &str, instead: &str, decoder: &mut Decoder<'_>) {
    if let Some(entry) = fields.get(key) {
        let detail = format!("`{key}` has no effect yet");
        decoder.report(Diagnostic::at(Problem::NotSupportedYet, entry.key_span, detail).help(instead));
    }
}
