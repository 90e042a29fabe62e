//! Live objects as spec text, for those who come with an account that has pods already.
//!
//! The text is a layer for `-f`, or a whole spec where there is none to lay it on. Each object in it carries `adopt:`.
//! A pod whose key leaves the file again is forgotten rather than terminated, and a volume is protected, until
//! somebody decides otherwise: what a person made by hand is not ended by a file that was left out.

mod page;

use std::collections::{BTreeMap, BTreeSet};

use super::image;
use super::interpolate::is_variable_name;
use super::pod::MAX_ENV;
use crate::model::address::{Address, Key};
use crate::model::id::{EnvKey, ProjectName, RemoteId, VolumeId};
use crate::model::job;
use crate::model::live::{Live, LivePod, LiveVolume, PodRole, PodStatus, Seen};
use crate::model::marker::{MARKER_KEY, Marker, Token, VolumeMark};
use crate::model::pod::Compute;
use crate::model::prior::Api;
use crate::model::sensitive::hold_a_secret;
use crate::model::settings::{Observed, PodSettings};

pub use self::page::{Imported, ReferencedSecret, write_live, write_template};

/// What the spec and the state know already.
#[derive(Clone, Debug)]
pub struct Known {
    /// The owner of what is taken over.
    pub project: ProjectName,
    /// Managed objects.
    pub managed: BTreeSet<RemoteId>,
    /// Tokens of objects that were given up on purpose.
    pub given_up: BTreeSet<Token>,
    /// Addresses that are taken.
    pub taken: BTreeSet<Address>,
    /// Network volumes that have an address, so that pods can mount them by it.
    pub volumes: BTreeMap<VolumeId, Key>,
    /// The API that is spoken.
    pub api: Api,
}

/// The live objects that can be taken over, each under the key that it is to have.
#[derive(Clone, Debug, Default)]
pub struct Chosen<'a> {
    pub pods: BTreeMap<Key, &'a LivePod>,
    /// The network volumes.
    pub volumes: BTreeMap<Key, &'a LiveVolume>,
    /// What stays unmanaged, with the reason.
    pub left_out: Vec<(RemoteId, String)>,
}

/// Chooses every unmanaged object that a spec can hold.
pub fn choose<'a>(live: &'a Live, known: &Known) -> Chosen<'a> {
    let mut chosen = Chosen::default();
    let mut taken = known.taken.clone();
    for volume in live.volumes.values().filter_map(Seen::found) {
        let id = RemoteId::Volume(volume.id.clone());
        if known.managed.contains(&id) || known.volumes.contains_key(&volume.id) {
            continue;
        }
        match volume_mark(volume, known) {
            Some(mark) => chosen.left_out.push((id, elsewhere(&mark.project, known))),
            None => {
                let key = free_key(&volume.name, &known.project, |key| taken.insert(Address::Volume(key)));
                chosen.volumes.insert(key, volume);
            }
        }
    }
    for pod in live.pods.values().filter_map(Seen::found) {
        let id = RemoteId::Pod(pod.id.clone());
        if known.managed.contains(&id) || pod.status == PodStatus::Terminated {
            continue;
        }
        match belongs_elsewhere(pod, known).or_else(|| unfit(pod, known.api)) {
            Some(reason) => chosen.left_out.push((id, reason)),
            None => {
                let key = free_key(pod.name(), &known.project, |key| taken.insert(Address::pod(key)));
                chosen.pods.insert(key, pod);
            }
        }
    }
    chosen
}

/// Returns why a pod is not the spec's to hold; `None` if it is.
pub fn unfit(pod: &LivePod, api: Api) -> Option<String> {
    // A marker that can be read is no variable any more.
    let is_marker = |key: &EnvKey| key.as_str() == MARKER_KEY;
    let reason = match pod.role {
        PodRole::EndpointWorker => "it is a worker of a serverless endpoint",
        PodRole::ClusterMember => "it is a member of a cluster",
        PodRole::Background => "it is a host's own background pod",
        PodRole::Mover => "RunPod moves another pod with it, and ends it then",
        PodRole::Plain if has_no_machine(pod) => "the API does not show its GPUs, as it is stopped",
        PodRole::Plain if pod.settings.env.keys().any(is_marker) => {
            "its marker `PODFORM_MARK` cannot be read; remove that variable from the pod"
        }
        PodRole::Plain => unfit_settings(&pod.settings, api)?,
    };
    Some(reason.to_owned())
}

/// Returns why what runs in a pod is not a spec's to hold; `None` if it is.
pub fn unfit_settings(settings: &PodSettings<Observed>, api: Api) -> Option<&'static str> {
    let declared = || settings.env.keys().filter(|key| !key.is_of_the_platform());
    let is_job = settings.entrypoint.as_deref().and_then(job::then_of).is_some();
    match settings.image.as_deref() {
        Some(_) if is_job && api != Api::V2 => {
            Some("it runs a job of podform, for which a spec needs `api: v2`")
        }
        Some(_) if is_job && settings.command.as_ref().is_none_or(Vec::is_empty) => {
            Some("it runs a job of podform, and the API does not show its command")
        }
        None | Some("") => Some("the API does not show its image"),
        Some(image) if image::check(image).is_err() => {
            Some("its image is no reference that a registry can have")
        }
        Some(_) if holds_secret_arguments(settings) => {
            Some("its command holds a secret; move it to its environment")
        }
        Some(_) if declared().any(|key| !is_variable_name(key.as_str())) => {
            Some("it has a variable whose name a spec cannot declare")
        }
        Some(_) if declared().count() > MAX_ENV => Some("it has more variables than a spec can declare"),
        Some(_) => None,
    }
}

/// Returns the other project that a pod says it belongs to. One of a lost state of this project can still be chosen.
pub fn other_project<'a>(pod: &'a LivePod, known: &Known) -> Option<&'a ProjectName> {
    marker(pod, known).map(|marker| &marker.project).filter(|project| **project != known.project)
}

/// Returns the other project that a network volume says it belongs to.
pub fn other_project_of_volume(volume: &LiveVolume, known: &Known) -> Option<ProjectName> {
    volume_mark(volume, known).map(|mark| mark.project).filter(|project| *project != known.project)
}

/// Returns what a volume's name says, unless the state gave the volume up.
fn volume_mark(volume: &LiveVolume, known: &Known) -> Option<VolumeMark> {
    let mark: VolumeMark = volume.name.parse().ok()?;
    let given_up = known.given_up.iter().any(|token| token.short() == mark.token.short());
    Some(mark).filter(|mark| mark.project != known.project || !given_up)
}

/// Returns a pod's marker, unless the state gave the pod up.
fn marker<'a>(pod: &'a LivePod, known: &Known) -> Option<&'a Marker> {
    let given_up =
        |marker: &Marker| marker.project == known.project && known.given_up.contains(&marker.token);
    pod.marker.as_ref().filter(|marker| !given_up(marker))
}

fn has_no_machine(pod: &LivePod) -> bool {
    matches!(pod.compute, None | Some(Compute::Gpu { count: 0, .. }))
}

/// Arguments are stored and shown in plans, so a spec refuses secrets among them.
fn holds_secret_arguments(settings: &PodSettings<Observed>) -> bool {
    let words = [&settings.command, &settings.entrypoint];
    words.into_iter().flatten().any(|words| hold_a_secret(words))
}

/// Returns why a pod is another state's, or that of a state of this project that was lost.
fn belongs_elsewhere(pod: &LivePod, known: &Known) -> Option<String> {
    marker(pod, known).map(|marker| elsewhere(&marker.project, known))
}

fn elsewhere(project: &ProjectName, known: &Known) -> String {
    if *project == known.project {
        "it carries this project's mark; `podform state rebuild` takes it back".to_owned()
    } else {
        format!(
            "it belongs to project `{project}`; `podform import --from-project {project}` takes one from there"
        )
    }
}

/// Makes a key of a name, numbered where it is taken. `take` tells whether it was free.
fn free_key(name: &str, project: &ProjectName, mut take: impl FnMut(Key) -> bool) -> Key {
    let lower = name.to_lowercase();
    let own = lower.strip_prefix(&format!("{project}-")).unwrap_or(&lower);
    let mut base = String::new();
    for c in own.chars() {
        match c {
            'a'..='z' => base.push(c),
            '0'..='9' if !base.is_empty() => base.push(c),
            _ if !base.is_empty() && !base.ends_with('-') => base.push('-'),
            _ => {}
        }
    }
    base.truncate(KEY_BASE);
    let base = match base.trim_end_matches('-') {
        "" => "imported",
        base => base,
    };
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    let keys = std::iter::once(base.to_owned()).chain(numbered);
    let mut free = keys.filter_map(|key| key.parse::<Key>().ok().filter(|key| take(key.clone())));
    free.next().expect("there are more numbers than objects")
}

/// How much of a name a key keeps, so that a number fits behind it.
const KEY_BASE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_of_names_and_numbered_where_taken() {
        let mut taken = BTreeSet::new();
        let mut key =
            |name: &str| free_key(name, &ProjectName::new("acme"), |key| taken.insert(key)).to_string();
        let names = ["acme-llm", "LLM", "My Pod (old)!", "4090 box", "", "日本", "x".repeat(60).as_str()]
            .map(&mut key);
        let long = "x".repeat(32);
        assert_eq!(names, ["llm", "llm-2", "my-pod-old", "box", "imported", "imported-2", long.as_str()]);
    }
}
