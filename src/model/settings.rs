//! The settings of a pod: one row each.
//!
//! A row says what a setting is called, what it is, and what each API can do about it on a pod that exists. From the
//! rows come the pod as it is wanted, recorded, seen, changed and asked for, the names of its fields, and whatever
//! goes through all of them. By hand beside the rows stand the environment, of which an update carries over what is not
//! ours, and what is mounted and what the image is pulled with, which are named by their addresses here and by their ids on
//! RunPod.
//!
//! # How to add a setting
//! Add a row, its key in the spec (a row in `spec/pod/mod.rs`, then `spec/lower.rs`), and its place on each wire
//! (`settings.rs` of each API, in `provider::runpod` and in `simulator`); the compiler leads there. What the comparison
//! must do beyond asking whether live and wanted are equal stands in `plan/compare.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};
use std::str::FromStr;
use std::sync::Arc;

use super::address::Address;
use super::id::{EnvKey, RegistryId, VolumeId};
use super::job;
use super::plan::{Disruption, EnvPatch};
use super::pod::{EnvValue, Port, Storage};
use super::prior::Api;
use super::reference;
use super::registry::Registry;
use super::secret::Secret;
use super::size::Gigabytes;
use super::stored::stored_structs;
use super::told::Told;
use super::value::Value;

/// What a setting is wrapped in.
pub trait Wrap {
    /// A setting of this type.
    type Of<T: Setting>: Clone + Debug + Default + Eq;

    /// Returns the setting if it is given.
    fn given<T: Setting>(wrapped: &Self::Of<T>) -> Option<&T>;
}

/// Every setting has its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole;

/// A setting may be left out: the API does not say, or it stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partly;

/// A setting that is given elsewhere, or is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Borrowed<'a>(std::marker::PhantomData<&'a ()>);

impl Wrap for Whole {
    type Of<T: Setting> = T;

    fn given<T: Setting>(wrapped: &T) -> Option<&T> {
        Some(wrapped)
    }
}

impl Wrap for Partly {
    type Of<T: Setting> = Option<T>;

    fn given<T: Setting>(wrapped: &Option<T>) -> Option<&T> {
        wrapped.as_ref()
    }
}

impl<'a> Wrap for Borrowed<'a> {
    type Of<T: Setting> = Option<&'a T>;

    fn given<'b, T: Setting>(wrapped: &'b Option<&'a T>) -> Option<&'b T> {
        *wrapped
    }
}

/// In which form the settings of a pod are given.
pub trait Form {
    /// What each of them is wrapped in.
    type Wrap: Wrap;
    /// The environment.
    type Env: Clone + Debug + Default + Eq;
    /// What is mounted.
    type Storage: Clone + Debug + Default + Eq;
    /// What the image is pulled with.
    type Registry: Clone + Debug + Default + Eq;
}

/// As the spec wants them and the state records them. Secrets, volumes and registries are in it by name, so it may be
/// stored and shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named;

/// What changes of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed;

/// As an API shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed;

/// As a create asks for them, secrets, volumes and registries resolved: what goes over the wire and nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked;

/// As an update asks for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedChange;

/// As far as they are given, by a request or by what an API shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given<'a>(std::marker::PhantomData<&'a ()>);

/// The variables of a pod with their values.
pub type Variables = BTreeMap<EnvKey, Secret<String>>;

impl Form for Named {
    type Wrap = Whole;
    /// Shared: spec, plan, each of its steps and the records of a pod all say the same.
    type Env = Arc<BTreeMap<EnvKey, EnvValue>>;
    type Storage = Storage<Address>;
    type Registry = Option<Registry>;
}

impl Form for Changed {
    type Wrap = Partly;
    type Env = Option<EnvPatch>;
    type Storage = Option<Storage<Address>>;
    type Registry = Option<Option<Registry>>;
}

impl Form for Observed {
    type Wrap = Partly;
    type Env = Variables;
    type Storage = Storage<VolumeId>;
    type Registry = Option<Option<RegistryId>>;
}

impl Form for Asked {
    type Wrap = Whole;
    type Env = Variables;
    type Storage = Storage<VolumeId>;
    type Registry = Option<RegistryId>;
}

impl Form for AskedChange {
    type Wrap = Partly;
    type Env = Option<Variables>;
    type Storage = Option<Storage<VolumeId>>;
    type Registry = Option<Option<RegistryId>>;
}

impl<'a> Form for Given<'a> {
    type Wrap = Borrowed<'a>;
    type Env = Option<&'a Variables>;
    type Storage = Option<&'a Storage<VolumeId>>;
    type Registry = Option<&'a Option<RegistryId>>;
}

/// What a setting can be.
pub trait Setting: Clone + Debug + Default + Eq + 'static {
    /// Returns it as it is shown.
    fn value(&self) -> Value;
}

impl Setting for String {
    fn value(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl Setting for bool {
    fn value(&self) -> Value {
        Value::Switch(*self)
    }
}

impl Setting for Gigabytes {
    fn value(&self) -> Value {
        Value::Size(*self)
    }
}

/// Words of a command line; none mean the image's own.
impl Setting for Vec<String> {
    fn value(&self) -> Value {
        if self.is_empty() {
            Value::Absent
        } else if job::is_entrypoint(self) {
            Value::word("podform's own, for a job")
        } else {
            reference::value_of_words(self)
        }
    }
}

impl Setting for BTreeSet<Port> {
    fn value(&self) -> Value {
        Value::list(self)
    }
}

impl Setting for Option<bool> {
    fn value(&self) -> Value {
        self.map_or(Value::Absent, Value::Switch)
    }
}

/// What an API can do about a setting of a pod that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// It can change it, which does this to the pod.
    Change(Disruption),
    /// It cannot; the pod does as it is, and a new one gets it as far as the API takes it then.
    Leave,
}

/// One setting of a pod, three ways.
pub struct Sides<'a, T> {
    /// As it was last applied.
    pub recorded: Option<&'a T>,
    /// As the API shows it.
    pub live: Option<&'a T>,
    /// As the spec has it.
    pub wanted: &'a T,
}

/// Judges differences between settings.
pub trait Judge {
    /// Tells whether an update is to set this one.
    fn is_to_change<T: Setting>(&mut self, field: &Field, sides: Sides<'_, T>) -> bool;
}

/// Defines the names of the fields, in the order in which they are shown, and hands the rows on.
macro_rules! pod_settings {
    (
        { $( $(#[$a_doc:meta])* $a_name:ident: $a_type:ty = $a:ident $a_word:literal $a_can:tt; )+ }
        env
        { $( $(#[$b_doc:meta])* $b_name:ident: $b_type:ty = $b:ident $b_word:literal $b_can:tt; )+ }
        volumes
        { $( $(#[$c_doc:meta])* $c_name:ident: $c_type:ty = $c:ident $c_word:literal $c_can:tt; )+ }
        fields { $( $(#[$doc:meta])* $other:ident $word:literal; )+ }
    ) => {
        /// One comparable field of an object, named as in the spec.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Field {
            $( $(#[$a_doc])* $a, )+
            /// `env.NAME`
            Env(EnvKey),
            $( $(#[$b_doc])* $b, )+
            /// The credentials that the image is pulled with.
            Registry,
            /// What is mounted, its size and its path.
            Volumes,
            $( $(#[$c_doc])* $c, )+
            $( $(#[$doc])* $other, )+
        }

        impl Field {
            /// All fields but the variables, with their words.
            pub const PLAIN: &[(Self, &str)] = &[
                $( (Self::$a, $a_word), )+
                $( (Self::$b, $b_word), )+
                (Self::Registry, "registry"),
                (Self::Volumes, "volumes"),
                $( (Self::$c, $c_word), )+
                $( (Self::$other, $word), )+
            ];
        }

        /// The settings of a pod in one of their forms.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct PodSettings<F: Form> {
            $( $(#[$a_doc])* pub $a_name: <F::Wrap as Wrap>::Of<$a_type>, )+
            $( $(#[$b_doc])* pub $b_name: <F::Wrap as Wrap>::Of<$b_type>, )+
            /// The credentials that the image is pulled with; none take them away.
            pub registry: F::Registry,
            $( $(#[$c_doc])* pub $c_name: <F::Wrap as Wrap>::Of<$c_type>, )+
            /// The environment, without the mark.
            pub env: F::Env,
            /// What is mounted beside the container disk.
            pub storage: F::Storage,
        }

        stored_structs! {
            Container {
                $( $a_name = $a_word, )+ $( $b_name = $b_word, )+ registry, $( $c_name = $c_word, )+ env, storage
            }
            PodPatch {
                $( $a_name = $a_word, )+ $( $b_name = $b_word, )+ registry, $( $c_name = $c_word, )+ env, storage
            }
        }

        settings! {
            $( $a_name: $a_type = $a $a_can; )+
            $( $b_name: $b_type = $b $b_can; )+
            $( $c_name: $c_type = $c $c_can; )+
        }
    };
}

/// Defines what goes through all settings.
macro_rules! settings {
    ($(
        $name:ident: $type:ty = $field:ident [$v2:expr, $v1:expr, $graphql:expr];
    )+) => {
        impl Field {
            /// Returns what an API can do about this setting of a pod that exists; `None` for what has no row.
            pub fn ability(&self, api: Api) -> Option<Ability> {
                let [v2, v1, graphql] = match self {
                    $( Self::$field => [$v2, $v1, $graphql], )+
                    _ => return None,
                };
                Some(match api {
                    Api::V2 => v2,
                    Api::V1 => v1,
                    Api::Graphql => graphql,
                })
            }
        }

        impl<F: Form> PodSettings<F> {
            /// Returns the same settings in a form that names what has no row otherwise.
            pub fn with<G: Form<Wrap = F::Wrap>>(
                self,
                env: G::Env,
                storage: G::Storage,
                registry: G::Registry,
            ) -> PodSettings<G> {
                let Self { $( $name, )+ env: _, storage: _, registry: _ } = self;
                PodSettings { $( $name, )+ env, storage, registry }
            }

            /// Returns the settings that are given, lent out.
            pub fn given<'a>(
                &'a self,
                env: Option<&'a Variables>,
                storage: Option<&'a Storage<VolumeId>>,
                registry: Option<&'a Option<RegistryId>>,
            ) -> PodSettings<Given<'a>> {
                PodSettings { $( $name: F::Wrap::given(&self.$name), )+ env, storage, registry }
            }

            /// Returns the names of the settings that have a row and are given.
            pub fn fields(&self) -> impl Iterator<Item = Field> {
                [$( F::Wrap::given(&self.$name).map(|_| Field::$field), )+].into_iter().flatten()
            }

            /// Goes through the settings that have a row, are given and are live in another way.
            pub fn unlike(
                &self,
                live: &PodSettings<Observed>,
                mut found: impl FnMut(Field, &dyn Told, &dyn Told),
            ) {
                $(
                    if let (Some(given), Some(live)) = (F::Wrap::given(&self.$name), live.$name.as_ref())
                        && given != live
                    {
                        found(Field::$field, given, live);
                    }
                )+
            }
        }

        impl PodSettings<Named> {
            /// Returns what an update is to set, as the judge has it, of what has a row.
            pub fn changed(
                &self,
                recorded: Option<&Self>,
                live: &PodSettings<Given<'_>>,
                judge: &mut impl Judge,
            ) -> PodSettings<Changed> {
                PodSettings {
                    $( $name: {
                        let sides = Sides {
                            recorded: recorded.map(|recorded| &recorded.$name),
                            live: live.$name,
                            wanted: &self.$name,
                        };
                        judge.is_to_change(&Field::$field, sides).then(|| self.$name.clone())
                    }, )+
                    env: None,
                    storage: None,
                    registry: None,
                }
            }

            /// Takes over one field from another pod.
            pub fn take(&mut self, field: &Field, from: &Self) {
                match field {
                    $( Field::$field => self.$name.clone_from(&from.$name), )+
                    Field::Env(key) => match from.env.get(key) {
                        Some(value) => drop(Arc::make_mut(&mut self.env).insert(key.clone(), value.clone())),
                        None => drop(Arc::make_mut(&mut self.env).remove(key)),
                    },
                    Field::Volumes => self.storage.clone_from(&from.storage),
                    Field::Registry => self.registry.clone_from(&from.registry),
                    // No setting: a part of the machine, of a volume, or of what podform may do.
                    _ => {}
                }
            }

            /// Returns the value of a setting that has a row; nothing for any other field.
            pub fn value(&self, field: &Field) -> Value {
                match field {
                    $( Field::$field => self.$name.value(), )+
                    _ => Value::Absent,
                }
            }

            /// Returns the value of every field, in their order.
            pub fn values(&self) -> Vec<(Field, Value)> {
                let variables = self.env.iter().map(|(key, value)| (Field::Env(key.clone()), value.value()));
                let mut values: Vec<(Field, Value)> = variables.collect();
                values.push((Field::Volumes, Value::from(&self.storage)));
                values.push((Field::Registry, Value::from(&self.registry)));
                $( values.push((Field::$field, self.$name.value())); )+
                values.sort_by(|(left, _), (right, _)| left.cmp(right));
                values
            }
        }

        impl PodSettings<Observed> {
            /// Returns what is live, and what stands in for it where the API does not say.
            pub fn known(
                &self,
                or: &PodSettings<Named>,
                env: BTreeMap<EnvKey, EnvValue>,
                storage: Storage<Address>,
                registry: Option<Registry>,
            ) -> PodSettings<Named> {
                PodSettings {
                    $( $name: self.$name.as_ref().unwrap_or(&or.$name).clone(), )+
                    env: Arc::new(env),
                    storage,
                    registry,
                }
            }
        }
    };
}

use Ability::{Change, Leave};
use Disruption::{InPlace, NextStart, Reset};

// What REST v2, REST v1 and GraphQL can do.
pod_settings! {
    {
        /// What RunPod's console shows. For people; identity never depends on it.
        name: String = Name "name" [Change(InPlace), Change(InPlace), Leave];
        /// The image reference.
        image: String = Image "image" [Change(Reset), Change(Reset), Change(Reset)];
        /// Arguments for the image; none mean the image's own.
        command: Vec<String> = Command "command" [Change(Reset), Change(Reset), Change(Reset)];
        /// The entrypoint; none means the image's own.
        entrypoint: Vec<String> = Entrypoint "entrypoint" [Change(Reset), Change(Reset), Change(Reset)];
    }
    env
    {
        /// Published ports. RunPod picks the public numbers of TCP ports at each start.
        ports: BTreeSet<Port> = Ports "ports" [Change(Reset), Change(Reset), Change(Reset)];
        /// The container disk, which is wiped on stop and reset.
        disk: Gigabytes = Disk "disk" [Change(Reset), Change(Reset), Change(Reset)];
    }
    volumes
    {
        /// The private network between pods.
        global_networking: bool = GlobalNetworking "global_networking" [Change(NextStart), Change(Reset), Leave];
        /// RunPod's own lock against stop and reset, which no API takes at creation; `None` means that podform does
        /// not manage it.
        locked: Option<bool> = Locked "locked" [Change(InPlace), Change(InPlace), Leave];
    }
    fields {
        /// The type of GPU.
        Gpu "gpu";
        /// How many GPUs.
        GpuCount "gpu.count";
        /// Flavor and number of vCPUs.
        Cpu "cpu";
        /// Which cloud.
        Cloud "cloud";
        /// The data centers of a pod, or that of a volume.
        DataCenter "data_center";
        /// The countries of a pod.
        Country "countries";
        /// The CUDA version of its host.
        Cuda "cuda";
        /// The least number of vCPUs for each GPU.
        MinVcpu "min_vcpu";
        /// The least memory for each GPU.
        MinMemory "min_memory";
        /// On demand, or by a bid.
        Rent "rent";
        /// SSH, set up at creation.
        Ssh "ssh";
        /// Jupyter, set up at creation.
        Jupyter "jupyter";
        /// Running or stopped.
        State "state";
        /// A service or a job, and how the job's run goes.
        Run "run";
        /// What becomes of the pod of a job that has ended.
        Then "then";
        /// What makes a job run again.
        RerunOn "rerun_on";
        /// How long the first boot may take.
        Boot "boot";
        /// How long capacity is waited for, and what is accepted then.
        Retry "retry";
        /// The size of a volume.
        Size "size";
        /// The tier of a volume.
        Tier "tier";
        /// What the values come from that the spec leaves out.
        Template "template";
        /// What podform may do.
        Lifecycle "lifecycle";
        /// The object that is to be taken over.
        Adopt "adopt";
        /// What must be ready first.
        DependsOn "depends_on";
        /// How many of a kind.
        Replicas "replicas";
        /// The value of a secret of the account.
        Value "value";
        /// When that was last set.
        ValueSetAt "value_set_at";
        /// Whose credentials for a registry they are.
        Username "username";
        /// What they prove it with.
        Password "password";
    }
}

/// A pod as it is wanted or recorded, but for its machine.
pub type Container = PodSettings<Named>;

/// What an update changes of a pod.
pub type PodPatch = PodSettings<Changed>;

impl Field {
    /// Tells whether a live pod can differ in it, and that can be left alone. Whether it runs cannot: what is wanted of
    /// that is said by `state`.
    pub fn can_be_ignored(&self) -> bool {
        !matches!(
            self,
            // No API shows the floors of a pod.
            Self::MinVcpu
                | Self::MinMemory
                | Self::Size
                | Self::Tier
                | Self::Lifecycle
                | Self::Adopt
                | Self::DependsOn
                | Self::Replicas
                | Self::State
                | Self::Run
                | Self::Then
                | Self::RerunOn
                | Self::Boot
                | Self::Retry
                | Self::Value
                | Self::ValueSetAt
                | Self::Template
        )
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Env(key) = self {
            return write!(f, "env.{key}");
        }
        let name = Self::PLAIN.iter().find(|(field, _)| field == self).map_or("", |(_, name)| name);
        f.pad(name)
    }
}

impl FromStr for Field {
    type Err = NoField;

    fn from_str(text: &str) -> Result<Self, NoField> {
        if let Some(key) = text.strip_prefix("env.").filter(|key| !key.is_empty()) {
            return Ok(Self::Env(EnvKey::new(key)));
        }
        let known = Self::PLAIN.iter().find(|(_, name)| *name == text);
        known.map(|(field, _)| field.clone()).ok_or(NoField)
    }
}

/// The text names no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a field of an object")]
pub struct NoField;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_prints_as_it_is_parsed() {
        for (field, name) in Field::PLAIN {
            assert_eq!((field.to_string().as_str(), name.parse().as_ref()), (*name, Ok(field)));
        }
        assert_eq!("env.A".parse(), Ok(Field::Env(EnvKey::new("A"))));
        assert_eq!("env.".parse::<Field>(), Err(NoField));
    }
}
