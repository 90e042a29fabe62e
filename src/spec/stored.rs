//! What was read from a spec as bytes: the compact form behind [`super::cache`].
//!
//! Every type is written field by field and read back in the same order, without names, because reading a large spec back
//! must cost less than parsing it. Structs are taken apart in full, so that a new field does not compile until it is
//! written here. The form needs no version of its own: a file is only ever read by the program that wrote it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Address, Key};
use crate::model::desired::{
    Budget, CloudWish, ComputeWish, CpuWish, CudaWish, Deselected, Desired, GpuChoice, GpuOrder, GpuWish,
    Hardware, Lifecycle, MemoryRange, Move, OnExceed, OnRemove, OnReplace, OnStuckResume, Wanted, WantedPod,
    WantedVolume,
};
use crate::model::field::Field;
use crate::model::id::{
    CountryCode, CpuFlavorId, CudaVersion, DataCenterId, EnvKey, GpuName, PodId, ProjectName, RegistryId,
    VolumeId,
};
use crate::model::money::{Hourly, Monthly};
use crate::model::pod::{Access, Cloud, Container, EnvValue, Port, Protocol, RunState, Storage};
use crate::model::prior::{Api, ProviderKind};
use crate::model::secret::{SecretName, SecretSource};
use crate::model::size::Gigabytes;
use crate::model::volume::{VolumeConfig, VolumeTier};

use super::Settings;
use super::positions::{AllPlaces, Places};
use super::source::Span;

/// A value that can be written and read back.
pub(super) trait Stored: Sized {
    fn write(&self, out: &mut Vec<u8>);

    /// Reads a value off the front; `None` if the bytes are not of the form.
    fn read(input: &mut &[u8]) -> Option<Self>;
}

/// A list is given room for at most so many values before they are read, as its length may be wrong.
const ROOM: usize = 1024;

impl Stored for u64 {
    /// Writes seven bits to a byte, the lowest first; the highest bit says that more follow.
    fn write(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = input.split_first()?;
            *input = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// Writes whole numbers as `u64`.
macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Stored for $number {
            fn write(&self, out: &mut Vec<u8>) {
                (*self as u64).write(out);
            }

            fn read(input: &mut &[u8]) -> Option<Self> {
                Self::try_from(u64::read(input)?).ok()
            }
        }
    )+};
}

numbers!(u16, u32, usize);

impl Stored for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        self.cast_unsigned().write(out);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        u64::read(input).map(u64::cast_signed)
    }
}

impl Stored for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        match u64::read(input)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Stored for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(self, out);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        read_text(input).map(str::to_owned)
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    text.len().write(out);
    out.extend_from_slice(text.as_bytes());
}

fn read_text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::read(input)?;
    let (text, rest) = input.split_at_checked(length)?;
    *input = rest;
    std::str::from_utf8(text).ok()
}

impl<T: Stored> Stored for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        if bool::read(input)? { T::read(input).map(Some) } else { Some(None) }
    }
}

impl<T: Stored> Stored for Box<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_ref().write(out);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        T::read(input).map(Self::new)
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        let (a, b) = self;
        a.write(out);
        b.write(out);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        Some((A::read(input)?, B::read(input)?))
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        self.iter().for_each(|value| value.write(out));
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        let length = usize::read(input)?;
        let mut values = Self::with_capacity(length.min(ROOM));
        for _ in 0..length {
            values.push(T::read(input)?);
        }
        Some(values)
    }
}

impl<T: Stored + Ord> Stored for BTreeSet<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        self.iter().for_each(|value| value.write(out));
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        Vec::read(input).map(Self::from_iter)
    }
}

impl<K: Stored + Ord, V: Stored> Stored for BTreeMap<K, V> {
    fn write(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        for (key, value) in self {
            key.write(out);
            value.write(out);
        }
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        Vec::read(input).map(Self::from_iter)
    }
}

/// Writes identifiers as their texts.
macro_rules! identifiers {
    ($($name:ident),+ $(,)?) => {$(
        impl Stored for $name {
            fn write(&self, out: &mut Vec<u8>) {
                write_text(self.as_str(), out);
            }

            fn read(input: &mut &[u8]) -> Option<Self> {
                read_text(input).map($name::new)
            }
        }
    )+};
}

identifiers! {
    CountryCode, CpuFlavorId, CudaVersion, DataCenterId, EnvKey, GpuName, PodId, ProjectName, RegistryId, VolumeId,
}

impl Stored for Key {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(self.as_str(), out);
    }

    fn read(input: &mut &[u8]) -> Option<Self> {
        read_text(input)?.parse().ok()
    }
}

/// Writes numbers that mean something as what they wrap.
macro_rules! amounts {
    ($($name:ident),+) => {$(
        impl Stored for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let Self(amount) = self;
                amount.write(out);
            }

            fn read(input: &mut &[u8]) -> Option<Self> {
                Stored::read(input).map(Self)
            }
        }
    )+};
}

amounts!(Gigabytes, Hourly, Monthly);

/// Writes structs field by field.
macro_rules! structs {
    ($($name:ident { $($field:ident),+ $(,)? })+) => {$(
        impl Stored for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let Self { $($field),+ } = self;
                $($field.write(out);)+
            }

            fn read(input: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: Stored::read(input)?),+ })
            }
        }
    )+};
}

structs! {
    Settings { project, kind, api, state_file }
    Desired { project, wanted, out_of_scope, replicated, protected, moved, removed, secrets, budget }
    Deselected { profiles, run }
    Budget { max_hourly, max_monthly, on_exceed }
    Move { from, to }
    WantedPod { container, hardware, unwanted_env, access, run, lifecycle, depends_on, numbered, adopt, labels }
    Container {
        name, image, command, entrypoint, env, ports, disk, registry, storage, global_networking, locked,
    }
    Port { number, protocol }
    Access { ssh, jupyter }
    Hardware { compute, cloud, data_centers, countries, max_price }
    GpuWish { any_of, order, count, memory, cuda }
    GpuChoice { name, max_price }
    MemoryRange { min, max }
    CpuWish { flavors, vcpus }
    Lifecycle { protect, on_remove, on_replace, on_stuck_resume, ignore_changes }
    VolumeConfig { size, data_center, tier }
    AllPlaces { volumes, pods }
    Places { whole, fields }
    Span { file, start, end }
}

/// Writes enums as the number of their variant and what it holds.
macro_rules! enums {
    ($($name:ident { $(
        $number:literal = $variant:ident $(($($value:ident),+))? $({ $($field:ident),+ })?
    ),+ $(,)? })+) => {$(
        impl Stored for $name {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($($value),+))? $({ $($field),+ })? => {
                        out.push($number);
                        $($($value.write(out);)+)?
                        $($($field.write(out);)+)?
                    })+
                }
            }

            fn read(input: &mut &[u8]) -> Option<Self> {
                Some(match u64::read(input)? {
                    $($number => {
                        $($(let $value = Stored::read(input)?;)+)?
                        $($(let $field = Stored::read(input)?;)+)?
                        Self::$variant $(($($value),+))? $({ $($field),+ })?
                    })+
                    _ => return None,
                })
            }
        }
    )+};
}

enums! {
    ProviderKind { 0 = Runpod, 1 = Simulator }
    Api { 0 = V2, 1 = V1, 2 = Graphql }
    Address { 0 = Volume(key), 1 = Pod { key, replica } }
    OnExceed { 0 = Fail, 1 = Warn }
    Wanted { 0 = Pod(pod), 1 = Volume(volume) }
    WantedVolume { 0 = Managed { config, protect, adopt }, 1 = Referenced { id } }
    VolumeTier { 0 = Standard, 1 = HighPerformance }
    EnvValue { 0 = Plain(text), 1 = Secret(name) }
    SecretName { 0 = Declared(name), 1 = Literal { address, key } }
    SecretSource { 0 = Env(variable), 1 = File(path) }
    Protocol { 0 = Http, 1 = Tcp }
    Storage { 0 = None, 1 = Local { size, path }, 2 = Network { volume, path } }
    RunState { 0 = Running, 1 = Stopped }
    Cloud { 0 = Secure, 1 = Community }
    CloudWish { 0 = Only(cloud), 1 = Any }
    ComputeWish { 0 = Gpu(wish), 1 = Cpu(wish) }
    GpuOrder { 0 = Listed, 1 = Price, 2 = Availability }
    CudaWish { 0 = Any, 1 = AtLeast(version), 2 = OneOf(versions) }
    OnRemove { 0 = Terminate, 1 = Stop, 2 = Forget }
    OnReplace { 0 = DestroyFirst, 1 = CreateFirst }
    OnStuckResume { 0 = Fail, 1 = Replace }
    Field {
        0 = Name, 1 = Image, 2 = Command, 3 = Entrypoint, 4 = Env(key), 5 = Ports, 6 = Disk, 7 = Registry,
        8 = Volumes, 9 = GlobalNetworking, 10 = Locked, 11 = Gpu, 12 = GpuCount, 13 = Cpu, 14 = Cloud,
        15 = DataCenter, 16 = Country, 17 = Cuda, 18 = Ssh, 19 = Jupyter, 20 = State, 21 = Size, 22 = Tier,
        23 = Lifecycle, 24 = Adopt, 25 = DependsOn, 26 = Replicas,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_size_come_back() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            number.write(&mut bytes);
            assert_eq!((u64::read(&mut &*bytes), bytes.len()), (Some(number), bytes_of(number)), "{number}");
        }
    }

    fn bytes_of(number: u64) -> usize {
        (64 - number.leading_zeros() as usize).max(1).div_ceil(7)
    }

    #[test]
    fn what_is_not_of_the_form_is_nothing() {
        assert_eq!(u64::read(&mut &[0x80; 10][..]), None);
        assert_eq!(String::read(&mut &[3, b'a', b'b'][..]), None);
        assert_eq!(String::read(&mut &[1, 0xff][..]), None);
        assert_eq!(Vec::<String>::read(&mut &[0xff, 0xff, 0xff, 0xff, 0x0f][..]), None);
        assert_eq!(Cloud::read(&mut &[2][..]), None);
        assert_eq!(Key::read(&mut &[1, b'A'][..]), None);
        assert_eq!(u16::read(&mut &[0xff, 0xff, 0xff, 0x01][..]), None);
    }
}
