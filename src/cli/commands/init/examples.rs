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

/// The layer that takes any spec to the simulator.
pub const ON_SIMULATOR: File =
    File { name: "on-simulator.yaml", text: include_str!("../../../../examples/on-simulator.yaml") };

impl Example {
    /// Returns its files in the order in which they are laid on each other. One that stands alone gets the name that
    /// is read by default.
    pub fn files(self) -> &'static [File] {
        match self {
            Self::Quickstart => {
                &[File { name: "pods.yaml", text: include_str!("../../../../examples/quickstart.yaml") }]
            }
            Self::LlmPool => {
                &[File { name: "pods.yaml", text: include_str!("../../../../examples/llm-pool.yaml") }]
            }
            Self::ComfyuiStudio => {
                &[File { name: "pods.yaml", text: include_str!("../../../../examples/comfyui-studio.yaml") }]
            }
            Self::DataPrep => {
                &[File { name: "pods.yaml", text: include_str!("../../../../examples/data-prep.yaml") }]
            }
            Self::FinetuneFleet => {
                &[File { name: "pods.yaml", text: include_str!("../../../../examples/finetune-fleet.yaml") }]
            }
            Self::Training => {
                &[File { name: "pods.yaml", text: include_str!("../../../../examples/training.yaml") }]
            }
            Self::Team => &[
                File { name: "team-base.yaml", text: include_str!("../../../../examples/team-base.yaml") },
                File { name: "team-dev.yaml", text: include_str!("../../../../examples/team-dev.yaml") },
                File { name: "team-prod.yaml", text: include_str!("../../../../examples/team-prod.yaml") },
            ],
        }
    }

    /// Returns the files that make one spec: of layers for different places, only one is laid on the base.
    pub fn first_spec(self) -> &'static [File] {
        match self {
            Self::Team => &self.files()[..2],
            Self::Quickstart
            | Self::LlmPool
            | Self::ComfyuiStudio
            | Self::DataPrep
            | Self::FinetuneFleet
            | Self::Training => self.files(),
        }
    }

    /// Tells whether it is planned on the simulator as it is.
    pub fn is_simulated(self) -> bool {
        match self {
            Self::Quickstart => true,
            Self::LlmPool
            | Self::ComfyuiStudio
            | Self::DataPrep
            | Self::FinetuneFleet
            | Self::Training
            | Self::Team => false,
        }
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
