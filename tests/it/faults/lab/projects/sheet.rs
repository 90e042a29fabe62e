//! A spec that schedules edit, and its text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A spec on its way through a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    pub project: String,
    pub pods: BTreeMap<String, Pod>,
    pub volumes: BTreeMap<String, Volume>,
    /// Renames, as `from` and `to`.
    pub moved: Vec<(String, String)>,
}

/// A pod of the spec.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Pod {
    /// Which image; its number is its tag.
    pub image: u32,
    /// Which GPU of [`GPUS`].
    pub gpu: usize,
    pub replicas: Option<u32>,
    pub is_stopped: bool,
    pub is_protected: bool,
    /// Whether it has a disk of its own.
    pub is_local: bool,
    /// The key of the network volume that it mounts.
    pub volume: Option<String>,
    pub creates_first: bool,
    pub adopt: Option<String>,
}

/// A network volume of the spec.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Volume {
    /// In steps of 10 GB.
    pub size: u32,
    pub is_protected: bool,
    pub adopt: Option<String>,
}

/// The GPUs of the pods. Both are in the data center of the volumes.
pub const GPUS: [&str; 2] = ["RTX 4090", "L40S"];

impl Sheet {
    pub fn of(project: &str) -> Self {
        Self {
            project: project.to_owned(),
            pods: BTreeMap::new(),
            volumes: BTreeMap::new(),
            moved: Vec::new(),
        }
    }

    /// Returns the text as a user would have it in a file.
    pub fn text(&self) -> String {
        let Self { project, pods, volumes, moved } = self;
        let mut text = format!("version: 1\nproject: {project}\n");
        if !volumes.is_empty() {
            text.push_str("volumes:\n");
        }
        for (key, volume) in volumes {
            writeln!(text, "  {key}: {{ {} }}", volume.text()).expect("a string takes every text");
        }
        text.push_str(if pods.is_empty() { "pods: {}\n" } else { "pods:\n" });
        for (key, pod) in pods {
            writeln!(text, "  {key}: {{ {} }}", pod.text()).expect("a string takes every text");
        }
        if !moved.is_empty() {
            text.push_str("moved:\n");
        }
        for (from, to) in moved {
            writeln!(text, "  - {{ from: '{from}', to: '{to}' }}").expect("a string takes every text");
        }
        text
    }

    /// Returns the ids that `adopt` names.
    pub fn named(&self) -> Vec<&str> {
        let pods = self.pods.values().filter_map(|pod| pod.adopt.as_deref());
        pods.chain(self.volumes.values().filter_map(|volume| volume.adopt.as_deref())).collect()
    }

    /// Tells whether the spec protects what stands at an address.
    pub fn protects(&self, address: &str) -> bool {
        match address.strip_prefix("volume.") {
            Some(key) => self.volumes.get(key).is_some_and(|volume| volume.is_protected),
            None => self.pods.get(key_of(address)).is_some_and(|pod| pod.is_protected),
        }
    }

    /// Tells whether the spec says of an address that it is not protected.
    pub fn unprotects(&self, address: &str) -> bool {
        match address.strip_prefix("volume.") {
            Some(key) => self.volumes.get(key).is_some_and(|volume| !volume.is_protected),
            None => self.pods.get(key_of(address)).is_some_and(|pod| !pod.is_protected),
        }
    }

    /// Renames a pod or volume, as its author does; with a `moved` entry if it is told.
    pub fn rename(&mut self, from: &str, to: &str, is_told: bool) {
        let (old, new) = (from.strip_prefix("volume."), to.strip_prefix("volume."));
        match (old, new) {
            (Some(old), Some(new)) => {
                if let Some(volume) = self.volumes.remove(old) {
                    self.volumes.insert(new.to_owned(), volume);
                }
                for pod in self.pods.values_mut().filter(|pod| pod.volume.as_deref() == Some(old)) {
                    pod.volume = Some(new.to_owned());
                }
            }
            _ => {
                if let Some(pod) = self.pods.remove(from) {
                    self.pods.insert(to.to_owned(), pod);
                }
            }
        }
        // An entry may not lead from an address that the spec has, nor to one that another entry leads to.
        self.moved.retain(|(earlier, later)| earlier != to && later != to && earlier != from);
        if is_told {
            self.moved.push((from.to_owned(), to.to_owned()));
        }
    }
}

/// Returns the key of a pod's address.
pub fn key_of(address: &str) -> &str {
    address.split('[').next().unwrap_or(address)
}

impl Pod {
    fn text(&self) -> String {
        let Self { image, gpu, replicas, is_stopped, is_protected, is_local, volume, creates_first, adopt } =
            self;
        let mut text = format!("image: 'img:{image}', gpu: {}, disk: 20GB", GPUS[*gpu]);
        let mut add = |part: String| text.push_str(&part);
        if let Some(count) = replicas {
            add(format!(", replicas: {count}"));
        }
        if *is_stopped {
            add(", state: stopped".to_owned());
        }
        match volume {
            Some(key) => add(format!(", volumes: ['{key}:/data']")),
            None if *is_local => add(", volumes: [{ local: 20GB, path: /data }]".to_owned()),
            None => {}
        }
        let order = if *creates_first { "create_first" } else { "destroy_first" };
        add(format!(", lifecycle: {{ protect: {is_protected}, on_replace: {order} }}"));
        if let Some(id) = adopt {
            add(format!(", adopt: {id}"));
        }
        text
    }
}

impl Volume {
    fn text(&self) -> String {
        let Self { size, is_protected, adopt } = self;
        let mut text = format!("size: {}GB, data_center: EU-RO-1, protect: {is_protected}", size * 10);
        if let Some(id) = adopt {
            write!(text, ", adopt: {id}").expect("a string takes every text");
        }
        text
    }
}
