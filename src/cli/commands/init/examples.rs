//! The specs of `examples/`, carried in the binary so that a newcomer has them without the repository.

use clap::ValueEnum;

/// A spec to begin with, other than the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Example {
    /// A small team on the built-in simulator: a volume, a download, two services, a training box
    Quickstart,
    /// Three replicas of a chat model, with their weights on one network volume
    LlmPool,
    /// A picture studio: a pod for each artist, and one for batch jobs that is mostly stopped
    ComfyuiStudio,
    /// Data preparation on CPU pods, one after the other
    DataPrep,
    /// A fleet for fine-tuning: replicas that each take their share by their number
    FinetuneFleet,
    /// One protected training box with two big GPUs
    Training,
    /// Development and production as layers on one base
    Team,
}

/// A file that `init` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    pub name: &'static str,
    pub text: &'static str,
}

/// Names a file of `examples/`, which stands in a folder of its own under the first name.
macro_rules! example {
    ($name:literal, $file:literal) => {
        File { name: $name, text: include_str!(concat!("../../../../examples/", $file)) }
    };
}

/// The layer that takes any spec to the simulator.
pub const ON_SIMULATOR: File = example!("on-simulator.yaml", "on-simulator.yaml");

impl Example {
    /// Returns its files in the order in which they are laid on each other. One that stands alone gets the name that
    /// is read by default.
    pub fn files(self) -> &'static [File] {
        match self {
            Self::Quickstart => &[example!("pods.yaml", "quickstart.yaml")],
            Self::LlmPool => &[example!("pods.yaml", "llm-pool.yaml")],
            Self::ComfyuiStudio => &[example!("pods.yaml", "comfyui-studio.yaml")],
            Self::DataPrep => &[example!("pods.yaml", "data-prep.yaml")],
            Self::FinetuneFleet => &[example!("pods.yaml", "finetune-fleet.yaml")],
            Self::Training => &[example!("pods.yaml", "training.yaml")],
            Self::Team => &[
                example!("team-base.yaml", "team-base.yaml"),
                example!("team-dev.yaml", "team-dev.yaml"),
                example!("team-prod.yaml", "team-prod.yaml"),
            ],
        }
    }

    /// Returns the files that make one spec: of layers for different places, only one is laid on the base.
    pub fn first_spec(self) -> &'static [File] {
        let files = self.files();
        &files[..files.len().min(2)]
    }

    /// Tells whether it is planned on the simulator as it is.
    pub fn is_simulated(self) -> bool {
        self == Self::Quickstart
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the examples are files")]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_example_of_the_repository_is_in_the_binary() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let kept: BTreeSet<String> = paths
            .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let carried = Example::value_variants().iter().flat_map(|example| example.files());
        let carried = carried.chain([&ON_SIMULATOR]).map(|file| file.text.to_owned());
        assert_eq!(carried.collect::<BTreeSet<_>>(), kept);
    }

    #[test]
    fn only_what_names_the_simulator_is_planned_on_it() {
        for example in Example::value_variants() {
            let names = example.first_spec().iter().any(|file| file.text.contains("kind: simulator"));
            assert_eq!(example.is_simulated(), names, "{example:?}");
        }
    }
}
