//! Whose an object is: one judgement for the planner, for recovery and for a rebuild.
//!
//! A mark shows what an object was created for and proves nothing by itself, as cloning a pod copies it. What proves
//! it is time: RunPod's own, shortly before the request, against RunPod's own at the creation. Both come from the same
//! clock, so neither this computer's clock nor a jump of it decides anything. Where one of the two is not told, it is
//! not told whose the pod is. Pure; start at [`judge_pod`], whose table is its test.

use std::fmt;
use std::time::Duration;

use super::address::Address;
use super::clock::{SignedDuration, Timestamp};
use super::id::{DataCenterId, EnvKey, Lineage, ProjectName, Serial, VolumeId};
use super::journal::Asked;
use super::live::LivePod;
use super::marker::{Marker, VolumeMark};
use super::pod::{Cloud, Compute, EnvValue, Storage};
use super::prior::{KnownToken, Prior, RecordedPod};
use super::registry::Registry;
use super::settings::Container;

/// How old RunPod's time may be when a request to create goes out with it.
pub const TIME_VALIDITY: Duration = Duration::from_secs(10);

/// How far a creation may lie from the time that its request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Creation times and `Date` are told in whole seconds, and the servers behind one API do not tick together.
    pub before: SignedDuration,
    /// What may pass between the time and the creation.
    pub after: SignedDuration,
}

impl Window {
    /// The window of a create: its time is at most [`TIME_VALIDITY`] old at the commit of the intent, the request goes
    /// out within 5 s of that and is given up after 30 s. The rest is for what the API does after it took the request.
    pub const OF_A_CREATE: Self = Self {
        before: SignedDuration::from_secs(2),
        after: SignedDuration::from_secs(TIME_VALIDITY.as_secs() as i64 + 5 + 30 + 15),
    };

    /// Tells whether something that was created then can have come from the request that was asked for at `asked`.
    pub fn holds(self, asked: Timestamp, created: Timestamp) -> bool {
        let after = created.duration_since(asked);
        after >= -self.before && after <= self.after
    }
}

/// From where is judged.
#[derive(Clone, Copy, Debug)]
pub struct Viewpoint<'a> {
    /// The project of the spec.
    pub project: &'a ProjectName,
    /// Which state.
    pub lineage: &'a Lineage,
    /// Its version.
    pub serial: Serial,
    /// What a create of ours allows.
    pub window: Window,
}

impl<'a> Viewpoint<'a> {
    /// Judges from a state.
    pub fn of(project: &'a ProjectName, prior: &'a Prior) -> Self {
        let Prior { lineage, serial, objects: _, tokens: _, open: _, unseen: _ } = prior;
        Self { project, lineage, serial: *serial, window: Window::OF_A_CREATE }
    }
}

/// Who says when an object was asked for.
#[derive(Clone, Copy, Debug)]
pub enum Witness<'a> {
    Journal(&'a KnownToken),
    /// The journal lacks its token.
    Nobody,
    /// There is no journal to ask, so its mark is believed.
    Mark,
}

/// Whose an object is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// It carries no mark.
    Unmarked,
    /// It carries the mark of another project.
    OtherProject(ProjectName),
    /// It carries this project's mark, from another state.
    OtherState(Lineage),
    /// It proves that our state is older than the account.
    NewerState(Newer),
    /// Its token was given up.
    GivenUp,
    /// The request that carried its token made it. If another one has its place, it may go or not.
    Ours(Spare),
    /// It was made at another time than the request that its mark is from: its mark was copied.
    Copy {
        /// RunPod's time before the request.
        asked: Timestamp,
        created: Timestamp,
    },
    /// It cannot be told from a copy.
    NotTold(Untold),
}

/// What proves that the state is older than the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newer {
    /// The mark names our state, but its journal lacks the token.
    Token,
    /// The mark was written by a later version of our state.
    Serial(Serial),
}

/// Whether a second one of ours may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spare {
    /// It equals what was asked for and holds nothing.
    MayGo,
    /// It has a disk of its own.
    HoldsData,
    /// It differs from what was asked for, or the API does not say.
    Differs(Part),
    /// Nobody knows what was asked for.
    NotKnown,
}

/// What makes it impossible to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// The API does not say when it was created.
    Creation,
    /// No answer said what time it was before the request.
    Request,
}

/// What two pods can differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Name,
    Image,
    /// GPUs or vCPUs.
    Hardware,
    Cloud,
    DataCenter,
    /// What is mounted.
    Storage,
    /// The container disk.
    Disk,
    /// The command, the variables, the ports or the registry.
    Container,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 8] = [
        Self::Name,
        Self::Image,
        Self::Hardware,
        Self::Cloud,
        Self::DataCenter,
        Self::Storage,
        Self::Disk,
        Self::Container,
    ];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name",
            Self::Image => "image",
            Self::Hardware => "hardware",
            Self::Cloud => "cloud",
            Self::DataCenter => "data center",
            Self::Storage => "storage",
            Self::Disk => "container disk",
            Self::Container => "command, environment, ports or registry",
        })
    }
}

/// How far a pod is what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// In every part.
    Equal,
    /// As far as the API says; it is silent about this part.
    AsFarAsTold(Part),
    /// Not in this part.
    Differs(Part),
}

impl Likeness {
    /// Combines parts: a difference goes before silence, and the first of each is named.
    fn of<const N: usize>(parts: [(Part, Option<bool>); N]) -> Self {
        let find =
            |sought: Option<bool>| parts.iter().find(|(_, same)| *same == sought).map(|(part, _)| *part);
        match (find(Some(false)), find(None)) {
            (Some(part), _) => Self::Differs(part),
            (None, Some(part)) => Self::AsFarAsTold(part),
            (None, None) => Self::Equal,
        }
    }
}

/// Judges a pod by its mark, by who knows of its request, and by when it was created.
pub fn judge_pod(view: Viewpoint<'_>, pod: &LivePod, witness: Witness<'_>) -> Provenance {
    let Some(marker) = &pod.marker else { return Provenance::Unmarked };
    let Marker { project, address: _, token: _, lineage, serial, created, protected: _ } = marker;
    if project != view.project {
        return Provenance::OtherProject(project.clone());
    }
    let is_our_state = lineage == view.lineage;
    let asked = match witness {
        Witness::Journal(known) if known.tombstone => return Provenance::GivenUp,
        Witness::Journal(_) if is_our_state && *serial > view.serial => {
            return Provenance::NewerState(Newer::Serial(*serial));
        }
        Witness::Journal(known) => known.server_time,
        Witness::Nobody if is_our_state => return Provenance::NewerState(Newer::Token),
        Witness::Nobody => return Provenance::OtherState(lineage.clone()),
        Witness::Mark => *created,
    };
    match (asked, pod.created_at) {
        (None, _) => Provenance::NotTold(Untold::Request),
        (Some(_), None) => Provenance::NotTold(Untold::Creation),
        (Some(asked), Some(created)) if !view.window.holds(asked, created) => {
            Provenance::Copy { asked, created }
        }
        (Some(_), Some(_)) => Provenance::Ours(match witness {
            Witness::Journal(known) => spare(pod, &known.asked),
            Witness::Mark | Witness::Nobody => Spare::NotKnown,
        }),
    }
}

/// Judges a network volume by its name. It has no creation time; but its name cannot be copied by a click, and it is
/// never retired.
pub fn judge_volume(view: Viewpoint<'_>, mark: Option<&VolumeMark>, witness: Witness<'_>) -> Provenance {
    let Some(VolumeMark { project, key: _, token: _ }) = mark else { return Provenance::Unmarked };
    if project != view.project {
        return Provenance::OtherProject(project.clone());
    }
    match witness {
        Witness::Journal(known) if known.tombstone => Provenance::GivenUp,
        Witness::Nobody => Provenance::NewerState(Newer::Token),
        Witness::Journal(_) | Witness::Mark => Provenance::Ours(Spare::HoldsData),
    }
}

/// Tells whether a pod may go if another one of the same request has its place.
fn spare(pod: &LivePod, asked: &Asked) -> Spare {
    if matches!(pod.settings.storage, Storage::Local { .. }) || asked.holds_data() {
        return Spare::HoldsData;
    }
    match likeness_to_asked(pod, asked) {
        Likeness::Equal => Spare::MayGo,
        Likeness::AsFarAsTold(part) | Likeness::Differs(part) => Spare::Differs(part),
    }
}

/// Compares a pod with what a create asked for.
pub fn likeness_to_asked(pod: &LivePod, asked: &Asked) -> Likeness {
    let Asked { name, data_centers, record } = asked;
    let Some(of) = record.object.pod() else { return Likeness::Differs(Part::Hardware) };
    let RecordedPod { container, access: _, compute, cloud, data_center: _, run: _, job: _, depends_on: _ } =
        of;
    let allowed = |at: &DataCenterId| data_centers.contains(at);
    let place = if data_centers.is_empty() { Some(true) } else { pod.data_center.as_ref().map(allowed) };
    Likeness::of([
        (Part::Name, Some(name.as_deref() == Some(pod.name()))),
        (Part::Image, pod.settings.image.as_ref().map(|live| *live == container.image)),
        (Part::Hardware, pod.compute.as_ref().map(|live| Some(live) == compute.as_ref())),
        (Part::Cloud, pod.cloud.map(|live: Cloud| Some(live) == *cloud)),
        (Part::DataCenter, place),
        // Which volume an address has by now is not asked: a copy mounts the same one.
        (Part::Storage, Some(same_storage(&container.storage, &pod.settings.storage, |_| true))),
        (Part::Disk, pod.settings.disk.map(|live| live == container.disk)),
        (Part::Container, Some(same_container(pod, container))),
    ])
}

/// Compares what is mounted; of a network volume only the id is live, so the caller says which one it may be.
fn same_storage(
    expected: &Storage<Address>,
    live: &Storage<VolumeId>,
    is_same: impl Fn(&VolumeId) -> bool,
) -> bool {
    match (expected, live) {
        (Storage::None, Storage::None) => true,
        (Storage::Local { size, path }, Storage::Local { size: live, path: at }) => {
            size == live && path == at
        }
        (Storage::Network { volume: _, path }, Storage::Network { volume: id, path: at }) => {
            is_same(id) && path == at
        }
        (
            Storage::None | Storage::Local { .. } | Storage::Network { .. },
            Storage::None | Storage::Local { .. } | Storage::Network { .. },
        ) => false,
    }
}

/// Compares what people edit in a copy. What an API never tells says nothing about one of its pods.
fn same_container(pod: &LivePod, asked: &Container) -> bool {
    let Container { command, entrypoint, env, ports, registry, .. } = asked;
    let same_value = |(key, value): (&EnvKey, &EnvValue)| match (value, pod.settings.env.get(key)) {
        (EnvValue::Plain(asked), Some(live)) => live.expose() == asked,
        (EnvValue::Plain(_) | EnvValue::Secret(_), _) => true,
    };
    pod.settings.command.as_ref().is_none_or(|live| live == command)
        // Where an API shows that there is none, it shows an empty one.
        && pod.settings.entrypoint.as_ref().is_none_or(|live| live[..] == *entrypoint)
        && pod.settings.registry.as_ref().is_none_or(|live| match (registry, live) {
            (None, None) => true,
            (Some(Registry::Given(asked)), Some(live)) => asked == live,
            // Which id they had by then is not part of what was asked for.
            (Some(Registry::Made(_)), Some(_)) => true,
            (None, Some(_)) | (Some(_), None) => false,
        })
        && pod.settings.ports.as_ref().is_none_or(|live| ports.is_subset(live))
        && env.iter().all(same_value)
}

/// Compares a pod with the record of one that is gone: name, image, disks and hardware, which a migration keeps.
///
/// While RunPod moves a pod it shows the new one without its GPUs. `volume` is the id of the network volume on record.
pub fn likeness_to_record(pod: &LivePod, recorded: &RecordedPod, volume: Option<&VolumeId>) -> Likeness {
    let RecordedPod {
        container,
        access: _,
        compute,
        cloud: _,
        data_center: _,
        run: _,
        job: _,
        depends_on: _,
    } = recorded;
    let storage = same_storage(&container.storage, &pod.settings.storage, |id| volume == Some(id));
    let hardware = match (compute, &pod.compute) {
        (_, None) | (None, Some(_)) => true,
        (Some(Compute::Gpu { id, count: _ }), Some(Compute::Gpu { id: live, count: 0 })) => id == live,
        (Some(recorded), Some(live)) => recorded == live,
    };
    Likeness::of([
        (Part::Name, Some(pod.name() == container.name)),
        (Part::Image, pod.settings.image.as_ref().map(|live| *live == container.image)),
        (Part::Storage, Some(storage)),
        (Part::Disk, pod.settings.disk.map(|live| live == container.disk)),
        (Part::Hardware, Some(hardware)),
    ])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kit::{self, at};
    use crate::model::id::EnvKey;
    use crate::model::live::PodStatus;
    use crate::model::secret::Secret;
    use crate::model::settings::PodSettings;
    use crate::model::size::Gigabytes;

    const ASKED: i64 = 1_000_000;

    fn local<V>() -> Storage<V> {
        Storage::Local { size: Gigabytes(5), path: "/w".to_owned() }
    }

    fn known(server_time: Option<i64>, tombstone: bool, holds_data: bool) -> KnownToken {
        let mut asked = kit::asked();
        let container = &mut asked.record.object.pod_mut().unwrap().container;
        Arc::make_mut(&mut container.env).insert(EnvKey::new("MODEL"), EnvValue::Plain("small".to_owned()));
        container.storage = if holds_data { local() } else { Storage::None };
        // The clock of this computer is a day off, and nobody asks it.
        let intended_at = at(ASKED - 86_400);
        KnownToken { intended_at, tombstone, ..kit::known(asked, server_time.map(at)) }
    }

    fn pod(mark: Option<&str>, created: Option<i64>) -> LivePod {
        LivePod {
            marker: mark.map(|mark| mark.parse().unwrap()),
            created_at: created.map(at),
            ..kit::live_pod("p", PodStatus::Running)
        }
    }

    fn word(provenance: &Provenance) -> String {
        match provenance {
            Provenance::Unmarked => "nobody's".to_owned(),
            Provenance::OtherProject(project) => format!("project {project}'s"),
            Provenance::OtherState(lineage) => format!("state {lineage}'s"),
            Provenance::NewerState(Newer::Token) => "state is older: token".to_owned(),
            Provenance::NewerState(Newer::Serial(serial)) => format!("state is older: {serial}"),
            Provenance::GivenUp => "given up".to_owned(),
            Provenance::Ours(Spare::MayGo) => "ours, a second one may go".to_owned(),
            Provenance::Ours(Spare::HoldsData) => "ours, a second one stays: data".to_owned(),
            Provenance::Ours(Spare::NotKnown) => "ours, a second one stays: nobody knows".to_owned(),
            Provenance::Ours(Spare::Differs(part)) => format!("ours, a second one stays: {part}"),
            Provenance::Copy { asked, created } => format!("a copy, {} off", created.duration_since(*asked)),
            Provenance::NotTold(Untold::Creation) => "not told: creation".to_owned(),
            Provenance::NotTold(Untold::Request) => "not told: request".to_owned(),
        }
    }

    #[test]
    fn the_judgement_of_pods_is_one_table() {
        let mark = |project: &str, lineage: &str, serial: u64, asked: i64| {
            format!("{project}/llm/0123456789abcdef/{lineage}/{serial}/{}", at(asked))
        };
        let ours = mark("acme", "line", 7, ASKED);
        let marks = [
            ("no mark", None),
            ("other project", Some(mark("acme-prod", "line", 7, ASKED))),
            ("other state", Some(mark("acme", "other", 7, ASKED))),
            ("later serial", Some(mark("acme", "line", 8, ASKED))),
            ("its time edited", Some(mark("acme", "line", 7, ASKED + 500))),
            ("ours", Some(ours.clone())),
        ];
        let (plain, buried, data, untold) = (
            known(Some(ASKED), false, false),
            known(Some(ASKED), true, false),
            known(Some(ASKED), false, true),
            known(None, false, false),
        );
        let witnesses = [
            ("journal", Witness::Journal(&plain)),
            ("journal, given up", Witness::Journal(&buried)),
            ("journal, with a disk", Witness::Journal(&data)),
            ("journal, no time", Witness::Journal(&untold)),
            ("nobody", Witness::Nobody),
            ("mark", Witness::Mark),
        ];
        let project = ProjectName::new("acme");
        let lineage = Lineage::new("line");
        let view = Viewpoint {
            project: &project,
            lineage: &lineage,
            serial: Serial(7),
            window: Window::OF_A_CREATE,
        };
        let mut table = String::new();
        for (name, mark) in &marks {
            for (witness_name, witness) in witnesses {
                let judged = word(&judge_pod(view, &pod(mark.as_deref(), Some(ASKED + 20)), witness));
                table.push_str(&format!("{name} | {witness_name} | {judged}\n"));
            }
        }
        for created in [None, Some(-3), Some(-2), Some(60), Some(61)] {
            let pod = pod(Some(&ours), created.map(|after| ASKED + after));
            let judged = word(&judge_pod(view, &pod, Witness::Journal(&plain)));
            table.push_str(&format!("created {created:?} | journal | {judged}\n"));
        }
        insta::assert_snapshot!(table, @"
        no mark | journal | nobody's
        no mark | journal, given up | nobody's
        no mark | journal, with a disk | nobody's
        no mark | journal, no time | nobody's
        no mark | nobody | nobody's
        no mark | mark | nobody's
        other project | journal | project acme-prod's
        other project | journal, given up | project acme-prod's
        other project | journal, with a disk | project acme-prod's
        other project | journal, no time | project acme-prod's
        other project | nobody | project acme-prod's
        other project | mark | project acme-prod's
        other state | journal | ours, a second one may go
        other state | journal, given up | given up
        other state | journal, with a disk | ours, a second one stays: data
        other state | journal, no time | not told: request
        other state | nobody | state other's
        other state | mark | ours, a second one stays: nobody knows
        later serial | journal | state is older: 8
        later serial | journal, given up | given up
        later serial | journal, with a disk | state is older: 8
        later serial | journal, no time | state is older: 8
        later serial | nobody | state is older: token
        later serial | mark | ours, a second one stays: nobody knows
        its time edited | journal | ours, a second one may go
        its time edited | journal, given up | given up
        its time edited | journal, with a disk | ours, a second one stays: data
        its time edited | journal, no time | not told: request
        its time edited | nobody | state is older: token
        its time edited | mark | a copy, -PT8M off
        ours | journal | ours, a second one may go
        ours | journal, given up | given up
        ours | journal, with a disk | ours, a second one stays: data
        ours | journal, no time | not told: request
        ours | nobody | state is older: token
        ours | mark | ours, a second one stays: nobody knows
        created None | journal | not told: creation
        created Some(-3) | journal | a copy, -PT3S off
        created Some(-2) | journal | ours, a second one may go
        created Some(60) | journal | ours, a second one may go
        created Some(61) | journal | a copy, PT1M1S off
        ");
    }

    #[test]
    fn the_judgement_of_volumes_is_one_table() {
        let (plain, buried) = (known(Some(ASKED), false, false), known(Some(ASKED), true, false));
        let project = ProjectName::new("acme");
        let lineage = Lineage::new("line");
        let view = Viewpoint {
            project: &project,
            lineage: &lineage,
            serial: Serial(7),
            window: Window::OF_A_CREATE,
        };
        let mut table = String::new();
        for name in ["data", "acme-prod.models.01234567", "acme.prod-models.01234567"] {
            let mark: Option<VolumeMark> = name.parse().ok();
            for (witness_name, witness) in [
                ("journal", Witness::Journal(&plain)),
                ("journal, given up", Witness::Journal(&buried)),
                ("nobody", Witness::Nobody),
                ("mark", Witness::Mark),
            ] {
                let judged = word(&judge_volume(view, mark.as_ref(), witness));
                table.push_str(&format!("{name} | {witness_name} | {judged}\n"));
            }
        }
        insta::assert_snapshot!(table, @"
        data | journal | nobody's
        data | journal, given up | nobody's
        data | nobody | nobody's
        data | mark | nobody's
        acme-prod.models.01234567 | journal | project acme-prod's
        acme-prod.models.01234567 | journal, given up | project acme-prod's
        acme-prod.models.01234567 | nobody | project acme-prod's
        acme-prod.models.01234567 | mark | project acme-prod's
        acme.prod-models.01234567 | journal | ours, a second one stays: data
        acme.prod-models.01234567 | journal, given up | given up
        acme.prod-models.01234567 | nobody | state is older: token
        acme.prod-models.01234567 | mark | ours, a second one stays: data
        ");
    }

    #[test]
    fn a_spare_pod_goes_only_if_it_is_in_every_part_what_was_asked_for() {
        let asked = known(Some(ASKED), false, false).asked;
        let spare = |edit: fn(&mut LivePod)| {
            let mut pod = pod(None, None);
            edit(&mut pod);
            super::spare(&pod, &asked)
        };
        assert_eq!(spare(|_| {}), Spare::MayGo);
        assert_eq!(spare(|pod| pod.settings.name = Some("llm-copy".to_owned())), Spare::Differs(Part::Name));
        assert_eq!(spare(|pod| pod.settings.image = None), Spare::Differs(Part::Image));
        assert_eq!(spare(|pod| pod.compute = None), Spare::Differs(Part::Hardware));
        assert_eq!(spare(|pod| pod.cloud = Some(Cloud::Community)), Spare::Differs(Part::Cloud));
        assert_eq!(spare(|pod| pod.settings.disk = Some(Gigabytes(30))), Spare::Differs(Part::Disk));
        assert_eq!(spare(|pod| pod.settings.disk = None), Spare::Differs(Part::Disk));
        assert_eq!(
            spare(|pod| pod.settings.command = Some(vec!["sh".to_owned()])),
            Spare::Differs(Part::Container)
        );
        // REST v1 and GraphQL show an entrypoint that was not asked for as an empty one.
        assert_eq!(spare(|pod| pod.settings.entrypoint = Some(Vec::new())), Spare::MayGo);
        assert_eq!(
            spare(|pod| pod.settings.entrypoint = Some(vec!["sh".to_owned()])),
            Spare::Differs(Part::Container)
        );
        let larger = |pod: &mut LivePod| {
            pod.settings.env.insert(EnvKey::new("MODEL"), Secret::new("large".to_owned()));
        };
        assert_eq!(spare(larger), Spare::Differs(Part::Container));
        let with_disk = LivePod {
            settings: PodSettings { storage: local(), ..pod(None, None).settings },
            ..pod(None, None)
        };
        assert_eq!(super::spare(&with_disk, &asked), Spare::HoldsData);
    }
}
