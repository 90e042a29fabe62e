//! Values as a message tells them: in the words of a spec.

use std::collections::BTreeSet;

use super::id::{DataCenterId, RegistryId, VolumeId};
use super::job;
use super::pod::{Cloud, Compute, Port, Storage};
use super::size::Gigabytes;
use super::text::shell_words;
use super::volume::VolumeTier;

/// What can be told.
pub trait Told {
    fn told(&self) -> String;
}

/// Text that somebody typed stands in quotes, so that it is seen where it ends.
macro_rules! quoted {
    ($($type:ty),+) => {$(
        impl Told for $type {
            fn told(&self) -> String {
                format!("`{self}`")
            }
        }
    )+};
}

macro_rules! as_printed {
    ($($type:ty),+) => {$(
        impl Told for $type {
            fn told(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

quoted!(String, RegistryId);
as_printed!(bool, Cloud, Compute, DataCenterId, Gigabytes, Port);

impl Told for VolumeTier {
    fn told(&self) -> String {
        self.word().to_owned()
    }
}

impl Told for Vec<String> {
    fn told(&self) -> String {
        if self.is_empty() {
            "none".to_owned()
        } else if job::is_entrypoint(self) || job::seen(self).is_some() {
            "podform's own, for a job".to_owned()
        } else {
            format!("`{}`", shell_words(self))
        }
    }
}

impl<T: Told> Told for BTreeSet<T> {
    fn told(&self) -> String {
        let told: Vec<String> = self.iter().map(T::told).collect();
        if told.is_empty() { "none".to_owned() } else { told.join(", ") }
    }
}

impl<T: Told> Told for Option<T> {
    fn told(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), T::told)
    }
}

impl Told for Storage<VolumeId> {
    fn told(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Local { size, path } => format!("{size} of local disk at `{path}`"),
            Self::Network { volume, path } => format!("network volume `{volume}` at `{path}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_in_words_of_the_spec() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let local = Storage::Local { size: Gigabytes(20), path: "/workspace".to_owned() };
        let network = Storage::Network { volume: VolumeId::new("agv6w2qcg7"), path: "/m".to_owned() };
        let told = [
            Gigabytes(20).told(),
            "image:1".to_owned().told(),
            words(&["-c", "it's"]).told(),
            words(&[]).told(),
            None::<RegistryId>.told(),
            Some(true).told(),
            local.told(),
            network.told(),
            Storage::None.told(),
            BTreeSet::from(["EU-RO-1", "US-TX-3"].map(DataCenterId::new)).told(),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        20 GB
        `image:1`
        `-c 'it'\''s'`
        none
        none
        true
        20 GB of local disk at `/workspace`
        network volume `agv6w2qcg7` at `/m`
        none
        EU-RO-1, US-TX-3
        ");
    }
}
