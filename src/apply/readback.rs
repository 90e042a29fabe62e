//! Whether what was promised is live.
//!
//! RunPod has answered 200 and done nothing, so an answer is no proof: each change is read back. What the API that is
//! spoken cannot say is skipped. Mismatches name fields and, but for the environment, both values. Pure.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::model::job;
use crate::model::live::{LivePod, LiveRegistry, LiveVolume};
use crate::model::marker::MARKER_KEY;
use crate::model::plan::Disruption;
use crate::model::pod::{Compute, Placement, Port};
use crate::model::request::{PatchRequest, PodRequest};
use crate::model::settings::{Field, Variables};
use crate::model::size::Gigabytes;
use crate::model::told::Told;
use crate::model::volume::VolumeConfig;

/// Compares a created pod with its request.
pub fn created(request: &PodRequest, live: &LivePod) -> Option<String> {
    let PodRequest { settings, access: _, placement } = request;
    // The limits on the host are in no answer; the catalog has no more exact word on them.
    let Placement { compute, cloud, data_centers, host: _, rent: _ } = placement;
    let mut difference = Difference::default();
    let live_pod = live;
    settings.unlike(&live.settings, |field, wanted, live| match field {
        // The image's own is shown by some APIs; and no API takes a lock at creation.
        Field::Entrypoint if settings.entrypoint.is_empty() || is_run(&settings.entrypoint, live_pod) => {}
        Field::Ports | Field::Locked => {}
        field => difference.note(&field, wanted, live),
    });
    difference.env(&settings.env, live);
    difference.ports(&settings.ports, live);
    difference.compare(&Field::Registry, &settings.registry, live.settings.registry.as_ref());
    difference.compare(&Field::Volumes, &settings.storage, Some(&live.settings.storage));
    difference.compare(&"compute", compute, live.compute.as_ref());
    difference.compare(&Field::Cloud, cloud, live.cloud.as_ref());
    if let Some(at) =
        live.data_center.as_ref().filter(|at| !data_centers.is_empty() && !data_centers.contains(at))
    {
        difference.note(&Field::DataCenter, data_centers, at);
    }
    difference.text()
}

/// Compares a changed pod with the change.
pub fn patched(request: &PatchRequest, disruption: Disruption, live: &LivePod) -> Option<String> {
    let PatchRequest { id: _, settings } = request;
    let mut difference = Difference::default();
    let runs = settings.entrypoint.as_deref().is_some_and(|words| is_run(words, live));
    settings.unlike(&live.settings, |field, wanted, live| match field {
        Field::Ports | Field::Locked => {}
        Field::Entrypoint if runs => {}
        Field::GlobalNetworking if disruption == Disruption::NextStart => {}
        field => difference.note(&field, wanted, live),
    });
    if let Some(env) = &settings.env {
        difference.env(env, live);
    }
    if let Some(ports) = &settings.ports {
        difference.ports(ports, live);
    }
    if let Some(registry) = &settings.registry {
        difference.compare(&Field::Registry, registry, live.settings.registry.as_ref());
    }
    if let Some(storage) = &settings.storage {
        difference.compare(&Field::Volumes, storage, Some(&live.settings.storage));
    }
    if let Some(Some(locked)) = &settings.locked {
        difference.compare(&Field::Locked, locked, live.settings.locked.flatten().as_ref());
    }
    difference.text()
}

/// Tells whether a pod has this entrypoint of a job with this very run, which is shown in another form.
fn is_run(sent: &[String], live: &LivePod) -> bool {
    job::seen(sent).is_some_and(|(words, run)| {
        live.settings.entrypoint.as_ref() == Some(&words) && live.run.as_ref() == Some(&run)
    })
}

/// Compares a network volume with what it is to be.
pub fn volume(config: &VolumeConfig, live: &LiveVolume) -> Option<String> {
    let VolumeConfig { size, data_center, tier } = config;
    let mut difference = Difference::default();
    difference.compare(&"size", size, Some(&live.size));
    difference.compare(&"data_center", data_center, Some(&live.data_center));
    difference.compare(&"tier", tier, live.tier.as_ref());
    difference.text()
}

/// Compares the name of credentials for a registry, which is all that is shown of them.
pub fn registry(name: &str, live: &LiveRegistry) -> Option<String> {
    (live.name != name).then(|| format!("name was to be `{name}` and is `{}`", live.name))
}

/// Compares the size of a network volume.
pub fn grown(size: Gigabytes, live: &LiveVolume) -> Option<String> {
    let mut difference = Difference::default();
    difference.compare(&"size", &size, Some(&live.size));
    difference.text()
}

/// Tells whether a pod came back with fewer GPUs than it must have; `None` while the API does not say.
pub fn lacks_gpus(wanted: Option<&Compute>, live: &LivePod) -> Option<bool> {
    match (wanted, live.compute.as_ref()) {
        (Some(Compute::Gpu { id: _, count: wanted }), Some(Compute::Gpu { id: _, count })) => {
            Some(count < wanted)
        }
        // Which machine it must have is not known; with no GPU at all it is stuck anyhow.
        (None, Some(Compute::Gpu { id: _, count })) => Some(*count == 0),
        (Some(Compute::Cpu { .. }) | None, Some(Compute::Cpu { .. })) => Some(false),
        (Some(Compute::Cpu { .. }), Some(Compute::Gpu { .. }))
        | (Some(Compute::Gpu { .. }), Some(Compute::Cpu { .. })) => Some(true),
        (_, None) => None,
    }
}

/// The fields that differ, collected.
#[derive(Debug, Default)]
struct Difference(Vec<String>);

impl Difference {
    fn compare<T: PartialEq + Told>(&mut self, field: &dyn Display, wanted: &T, live: Option<&T>) {
        if let Some(live) = live.filter(|live| *live != wanted) {
            self.note(field, wanted, live);
        }
    }

    fn note(&mut self, field: &dyn Display, wanted: &dyn Told, live: &dyn Told) {
        self.0.push(format!("{field} was to be {} and is {}", wanted.told(), live.told()));
    }

    /// Names the variables only: their values can be secret.
    fn env(&mut self, wanted: &Variables, live: &LivePod) {
        for (key, value) in wanted {
            // The marker is kept apart from the environment.
            if key.as_str() != MARKER_KEY && live.settings.env.get(key) != Some(value) {
                self.0.push(format!("env.{key} is not as sent"));
            }
        }
    }

    fn ports(&mut self, wanted: &BTreeSet<Port>, live: &LivePod) {
        let has: BTreeSet<&Port> = live.ports().collect();
        let is_fixed = |port: &&Port| !port.is_symmetric();
        let missing: Vec<String> =
            wanted.iter().filter(|port| !has.contains(port)).filter(is_fixed).map(Port::to_string).collect();
        if !missing.is_empty() {
            self.0.push(format!("ports lack {}", missing.join(", ")));
        }
    }

    fn text(self) -> Option<String> {
        (!self.0.is_empty()).then(|| format!("the API said yes, but {}", self.0.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::request;
    use crate::kit::{live_pod, pod_request};
    use crate::model::id::{EnvKey, GpuTypeId, PodId};
    use crate::model::live::PodStatus;
    use crate::model::secret::Secret;
    use crate::model::settings::PodSettings;

    #[test]
    fn a_pod_as_requested_has_no_difference() {
        assert_eq!(created(&pod_request(), &live_pod("a", PodStatus::Running)), None);
    }

    #[test]
    fn differences_name_both_values_but_no_secret() {
        let mut live = live_pod("a", PodStatus::Running);
        live.settings.image = Some("other:1".to_owned());
        let mut request = pod_request();
        request.settings.env.insert(EnvKey::new("TOKEN"), Secret::new("s3cret".to_owned()));
        assert_eq!(
            created(&request, &live).as_deref(),
            Some(
                "the API said yes, but image was to be `image:1` and is `other:1`; env.TOKEN is not as sent"
            )
        );
    }

    #[test]
    fn what_the_api_does_not_say_is_skipped() {
        let live = LivePod {
            compute: None,
            cloud: None,
            data_center: None,
            settings: PodSettings {
                image: None,
                command: None,
                disk: None,
                registry: None,
                ..live_pod("a", PodStatus::Running).settings
            },
            ..live_pod("a", PodStatus::Running)
        };
        assert_eq!(created(&pod_request(), &live), None);
    }

    #[test]
    fn a_lock_that_was_not_set_is_a_difference() {
        let request = request::lock(&PodId::new("a"), true);
        let live = |locked: Option<bool>| LivePod {
            settings: PodSettings { locked: locked.map(Some), ..live_pod("a", PodStatus::Running).settings },
            ..live_pod("a", PodStatus::Running)
        };
        let difference = |locked| patched(&request, Disruption::InPlace, &live(locked));
        assert!(difference(Some(false)).is_some());
        assert_eq!((difference(Some(true)), difference(None)), (None, None));
    }

    #[test]
    fn fewer_gpus_than_wanted_are_noticed() {
        let gpus = |count| Compute::Gpu { id: GpuTypeId::new("H100"), count };
        let live = |compute| LivePod { compute, ..live_pod("a", PodStatus::Running) };
        assert_eq!(lacks_gpus(Some(&gpus(2)), &live(Some(gpus(0)))), Some(true));
        assert_eq!(lacks_gpus(Some(&gpus(2)), &live(Some(gpus(2)))), Some(false));
        assert_eq!(lacks_gpus(Some(&gpus(2)), &live(None)), None);
    }
}
