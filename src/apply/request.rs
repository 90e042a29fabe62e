//! Requests from a plan: secrets, carried variables, volumes and credentials put in, and at last the mark.
//!
//! What is made here holds secret values, so it is sent and dropped. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::id::{EnvKey, PodId, RegistryId, VolumeId};
use crate::model::job;
use crate::model::journal::Asked;
use crate::model::live::LivePod;
use crate::model::marker::{MARKER_KEY, Marker, Token};
use crate::model::plan::{Attempt, Candidate, Disruption, EnvPatch, PodCreation};
use crate::model::pod::{EnvValue, Placement, Storage};
use crate::model::prior::{KnownToken, Record};
use crate::model::registry::{Credentials, Registry};
use crate::model::request::{PatchRequest, PodRequest, RegistryRequest};
use crate::model::secret::{Secret, SecretName, Secrets};
use crate::model::settings::{AskedChange, PodPatch, PodSettings, Variables};

/// What requests are filled in from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The values of secrets.
    pub secrets: &'a Secrets,
    /// Tells the id of the network volume at an address, one of this run included.
    pub volumes: &'a dyn Fn(&Address) -> Option<VolumeId>,
    /// Tells the id of the credentials for a registry at an address, likewise.
    pub registries: &'a dyn Fn(&Address) -> Option<RegistryId>,
}

/// Why a request cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A secret has no value.
    #[error("the value of secret `{0}` is not available")]
    Secret(SecretName),
    /// A volume, or credentials for a registry, have no id.
    #[error("`{0}` does not exist")]
    Object(Address),
}

/// Fills in a request to create a pod, but for its mark, which is written when it goes out.
///
/// # Errors
/// A secret, a volume or credentials are missing.
pub fn create(
    sources: Sources<'_>,
    creation: &PodCreation,
    candidate: &Candidate,
) -> Result<PodRequest, Missing> {
    let PodCreation { container, access, wished: _, attempts: _, boot: _, retry: _ } = creation;
    let (env, storage) = (declared(sources, &container.env)?, mount(sources, &container.storage)?);
    let registry = pulled_with(sources, &container.registry)?;
    let placement = candidate.placement.clone();
    Ok(PodRequest { settings: container.clone().with(env, storage, registry), access: *access, placement })
}

/// Names the run of a job that the attempt with this token begins.
pub fn for_run(request: &PodRequest, token: &Token) -> PodRequest {
    let mut request = request.clone();
    let entrypoint = &mut request.settings.entrypoint;
    *entrypoint = job::sent(&job::for_run(entrypoint, token));
    request
}

/// Fills in a request to change a pod but for its mark, with the variables to carry over from how the pod is at this
/// moment.
///
/// # Errors
/// A secret, a volume or credentials are missing.
pub fn patch(
    sources: Sources<'_>,
    id: &PodId,
    patch: &PodPatch,
    live: &LivePod,
) -> Result<PatchRequest, Missing> {
    let env = patch.env.as_ref().map(|env| replaced(sources, env, live)).transpose()?;
    let storage = patch.storage.as_ref().map(|storage| mount(sources, storage)).transpose()?;
    let registry = patch.registry.as_ref().map(|registry| pulled_with(sources, registry)).transpose()?;
    let mut settings: PodSettings<AskedChange> = patch.clone().with(env, storage, registry);
    settings.entrypoint = settings.entrypoint.map(|words| job::sent(&words));
    Ok(PatchRequest { id: id.clone(), settings })
}

/// Fills in a request to store credentials for a registry.
///
/// # Errors
/// A secret is missing.
pub fn registry(
    secrets: &Secrets,
    name: &str,
    credentials: &Credentials,
) -> Result<RegistryRequest, Missing> {
    let Credentials { username, password } = credentials;
    let value = |name: &SecretName| secrets.get(name).cloned().ok_or_else(|| Missing::Secret(name.clone()));
    let username = match username {
        EnvValue::Plain(text) => Secret::new(text.clone()),
        EnvValue::Secret(name) => value(name)?,
    };
    Ok(RegistryRequest { name: name.to_owned(), username, password: value(password)? })
}

/// Returns the mark to send with an update. Of an earlier mark with its token only the address, the serial and the
/// protection are written anew; where there is none, the journal still knows when the pod was asked for.
pub fn refreshed(mark: Marker, live: &LivePod, known: Option<&KnownToken>) -> Marker {
    let earlier = live.marker.as_ref().filter(|earlier| earlier.token == mark.token);
    match earlier {
        Some(earlier) => Marker { lineage: earlier.lineage.clone(), created: earlier.created, ..mark },
        None => Marker { created: known.and_then(|known| known.server_time), ..mark },
    }
}

/// Writes a mark into the variables of a request.
pub fn mark(env: &mut Variables, mark: &Marker) {
    env.insert(EnvKey::new(MARKER_KEY), Secret::new(mark.to_string()));
}

/// Parts a change into the requests that it takes, in their order, each with what it disrupts.
///
/// RunPod refuses to reset a pod that is locked, also by the very request that locks it. So a lock that changes with what
/// resets the pod is opened before and closed after it.
pub fn in_turn(
    request: PatchRequest,
    disruption: Disruption,
    live: &LivePod,
) -> Vec<(PatchRequest, Disruption)> {
    let Some(Some(locked)) = request.settings.locked.filter(|_| disruption == Disruption::Reset) else {
        return vec![(request, disruption)];
    };
    let id = &request.id;
    let open = live.is_locked().then(|| (lock(id, false), Disruption::InPlace));
    let close = locked.then(|| (lock(id, true), Disruption::InPlace));
    let settings = PodSettings { locked: None, ..request.settings.clone() };
    let change = (PatchRequest { id: id.clone(), settings }, disruption);
    open.into_iter().chain([change]).chain(close).collect()
}

/// Returns a change of the lock only.
pub fn lock(id: &PodId, locked: bool) -> PatchRequest {
    PatchRequest {
        id: id.clone(),
        settings: PodSettings { locked: Some(Some(locked)), ..PodSettings::default() },
    }
}

/// Returns what the journal keeps of an attempt to create a pod.
pub fn asked_pod(creation: &PodCreation, attempt: &Attempt, token: &Token, record: &Record) -> Asked {
    let Placement { compute, cloud, data_centers, .. } = &attempt.candidate.placement;
    let mut asked = asked(&creation.container.name, token, record);
    asked.data_centers.clone_from(data_centers);
    if let Some(pod) = asked.record.object.pod_mut() {
        // Where it takes the place of another one, that one's record keeps what is live of an ignored field.
        pod.container.clone_from(&creation.container);
        pod.access = Some(creation.access);
        pod.compute = Some(compute.clone());
        pod.cloud = Some(*cloud);
        pod.data_center = None;
        if let Some(job) = &mut pod.job {
            job.run = Some(token.clone());
        }
    }
    asked
}

/// Returns what the journal keeps of an attempt to create a network volume.
pub fn asked(name: &str, token: &Token, record: &Record) -> Asked {
    let record = Box::new(Record { token: Some(token.clone()), ..record.clone() });
    Asked { name: Some(name.to_owned()), data_centers: BTreeSet::new(), record }
}

fn declared(sources: Sources<'_>, env: &BTreeMap<EnvKey, EnvValue>) -> Result<Variables, Missing> {
    env.iter()
        .map(|(key, value)| match value {
            EnvValue::Plain(text) => Ok((key.clone(), Secret::new(text.clone()))),
            EnvValue::Secret(name) => {
                let value = sources.secrets.get(name).ok_or_else(|| Missing::Secret(name.clone()))?;
                Ok((key.clone(), value.clone()))
            }
        })
        .collect()
}

fn replaced(sources: Sources<'_>, patch: &EnvPatch, live: &LivePod) -> Result<Variables, Missing> {
    let EnvPatch { declared: wanted, carry, token: _ } = patch;
    let mut env: Variables = carry
        .iter()
        .filter_map(|key| live.settings.env.get(key).map(|value| (key.clone(), value.clone())))
        .collect();
    env.extend(declared(sources, wanted)?);
    Ok(env)
}

fn mount(sources: Sources<'_>, storage: &Storage<Address>) -> Result<Storage<VolumeId>, Missing> {
    Ok(match storage {
        Storage::None => Storage::None,
        Storage::Local { size, path } => Storage::Local { size: *size, path: path.clone() },
        Storage::Network { volume, path } => Storage::Network {
            volume: (sources.volumes)(volume).ok_or_else(|| Missing::Object(volume.clone()))?,
            path: path.clone(),
        },
    })
}

fn pulled_with(sources: Sources<'_>, registry: &Option<Registry>) -> Result<Option<RegistryId>, Missing> {
    Ok(match registry {
        None => None,
        Some(Registry::Given(id)) => Some(id.clone()),
        Some(Registry::Made(address)) => {
            Some((sources.registries)(address).ok_or_else(|| Missing::Object(address.clone()))?)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kit::{self, asked, creation, live_pod, record, token};

    use crate::model::id::{Lineage, Serial};
    use crate::model::live::PodStatus;

    fn shown(env: &Variables) -> Vec<(String, String)> {
        env.iter().map(|(key, value)| (key.to_string(), value.expose().clone())).collect()
    }

    #[test]
    fn a_pod_in_the_place_of_another_is_recorded_as_it_is_asked_for() {
        let mut before = record();
        let old = before.object.pod_mut().unwrap();
        old.container.image = "ignored:0".to_owned();
        old.access = None;
        let asked = asked_pod(&creation(), &creation().attempts[0], &token(), &before);
        let pod = asked.record.object.pod().unwrap();
        assert_eq!((&pod.container, pod.access), (&creation().container, Some(creation().access)));
    }

    #[test]
    fn a_lock_is_opened_before_a_reset_and_closed_after_it() {
        let turns = |locked: Option<bool>, is_locked: bool, disruption: Disruption| {
            let mut live = live_pod("p", PodStatus::Running);
            live.settings.locked = Some(Some(is_locked));
            let settings = PodSettings {
                image: Some("image:2".to_owned()),
                locked: locked.map(Some),
                ..PodSettings::default()
            };
            let request = PatchRequest { id: PodId::new("p"), settings };
            let told = in_turn(request, disruption, &live).into_iter().map(|(request, disruption)| {
                let PodSettings { image, locked, .. } = request.settings;
                let parts =
                    [image.map(|_| "change"), locked.flatten().map(|on| if on { "lock" } else { "unlock" })];
                let parts: Vec<&str> = parts.into_iter().flatten().collect();
                format!("{} {disruption:?}", parts.join("+"))
            });
            told.collect::<Vec<_>>().join(", ")
        };
        use Disruption::{InPlace, Reset};
        let table = [
            ((None, false, Reset), "change Reset"),
            ((None, true, Reset), "change Reset"),
            ((Some(true), false, Reset), "change Reset, lock InPlace"),
            ((Some(true), true, Reset), "unlock InPlace, change Reset, lock InPlace"),
            ((Some(false), true, Reset), "unlock InPlace, change Reset"),
            ((Some(false), false, Reset), "change Reset"),
            ((Some(true), false, InPlace), "change+lock InPlace"),
        ];
        for ((locked, is_locked, disruption), expected) in table {
            assert_eq!(turns(locked, is_locked, disruption), expected, "{locked:?} {is_locked}");
        }
    }

    #[test]
    fn a_create_carries_the_secrets_and_then_the_mark() {
        let name = SecretName::Declared("hf".to_owned());
        let mut creation = creation();
        Arc::make_mut(&mut creation.container.env)
            .insert(EnvKey::new("TOKEN"), EnvValue::Secret(name.clone()));
        let empty = Secrets::default();
        let mut secrets = Secrets::default();
        secrets.insert(name.clone(), Secret::new("s3cret".to_owned()));
        let request = |secrets| {
            let sources = Sources { secrets, volumes: &|_| None, registries: &|_| None };
            create(sources, &creation, &creation.attempts[0].candidate)
        };
        assert_eq!(request(&empty), Err(Missing::Secret(name)));
        let mut request = request(&secrets).unwrap();
        assert_eq!(shown(&request.settings.env), [("TOKEN".to_owned(), "s3cret".to_owned())]);
        mark(&mut request.settings.env, &marker(3, Some(100)));
        assert_eq!(
            shown(&request.settings.env),
            [
                ("PODFORM_MARK".to_owned(), format!("acme/llm/{}/line/3/1970-01-01T00:01:40Z", token())),
                ("TOKEN".to_owned(), "s3cret".to_owned()),
            ]
        );
    }

    #[test]
    fn a_volume_that_does_not_exist_cannot_be_mounted() {
        let mut creation = creation();
        let volume: Address = "volume.models".parse().unwrap();
        creation.container.storage =
            Storage::Network { volume: volume.clone(), path: "/workspace".to_owned() };
        let secrets = Secrets::default();
        let some = |address: &Address| (*address == volume).then(|| VolumeId::new("vol"));
        let mounted = |volumes| {
            let sources = Sources { secrets: &secrets, volumes, registries: &|_| None };
            create(sources, &creation, &creation.attempts[0].candidate)
                .map(|request| request.settings.storage)
        };
        assert_eq!(mounted(&|_| None), Err(Missing::Object(volume.clone())));
        let path = "/workspace".to_owned();
        assert_eq!(mounted(&some), Ok(Storage::Network { volume: VolumeId::new("vol"), path }));
    }

    #[test]
    fn an_update_carries_what_the_platform_put_there_and_drops_the_rest() {
        let mut live = live_pod("a", PodStatus::Running);
        for (key, value) in [("PUBLIC_KEY", "ssh"), ("OLD", "old"), ("MODE", "live")] {
            live.settings.env.insert(EnvKey::new(key), Secret::new(value.to_owned()));
        }
        let env = EnvPatch {
            declared: [(EnvKey::new("MODE"), EnvValue::Plain("wanted".to_owned()))].into(),
            carry: [EnvKey::new("PUBLIC_KEY"), EnvKey::new("GONE")].into(),
            token: Some(token()),
        };
        let sources = Sources { secrets: &Secrets::default(), volumes: &|_| None, registries: &|_| None };
        let change = PodPatch { env: Some(env), ..PodPatch::default() };
        let request = patch(sources, &live.id, &change, &live).unwrap();
        assert_eq!(
            shown(&request.settings.env.unwrap()),
            [("MODE".to_owned(), "wanted".to_owned()), ("PUBLIC_KEY".to_owned(), "ssh".to_owned()),]
        );
    }

    fn marker(serial: u64, created: Option<i64>) -> Marker {
        Marker { serial: Serial(serial), created: created.map(kit::at), ..kit::marker("llm", token()) }
    }

    #[test]
    fn a_refreshed_mark_keeps_whose_it_is_and_since_when() {
        let known = kit::known(asked(), Some(kit::at(100)));
        let wanted = Marker {
            address: "chat".parse().unwrap(),
            lineage: Lineage::new("later"),
            protected: true,
            ..marker(9, None)
        };
        let refreshed = |live: Option<Marker>| {
            let live = LivePod { marker: live, ..live_pod("a", PodStatus::Running) };
            refreshed(wanted.clone(), &live, Some(&known)).to_string()
        };
        let token = token();
        let other = Marker { token: "ffffffffffffffff".parse().unwrap(), ..marker(1, Some(50)) };
        assert_eq!(
            refreshed(Some(marker(1, Some(50)))),
            format!("acme/chat/{token}/line/9/1970-01-01T00:00:50Z/p")
        );
        for lost in [None, Some(other)] {
            assert_eq!(refreshed(lost), format!("acme/chat/{token}/later/9/1970-01-01T00:01:40Z/p"));
        }
    }
}
