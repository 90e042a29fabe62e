//! What became of a create whose answer is missing.
//!
//! The create carried a token, so listings tell, but they lag: one listing without the token proves nothing. A search
//! is settled after three listings without it, the last of them at least the settling time after the request ended. A
//! listing of several pages counts only once the next one shows that nothing slipped through a seam.
//! If listings lag longer than that, a late object shows up as one more pod with a token that the journal knows, and
//! every plan looks for those. Pure; moments are durations since the search began, as its driver counts them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::gate::Made;
use crate::model::id::{PodId, RemoteId};
use crate::model::journal::ActionStatus;
use crate::model::live::{LivePod, LiveSecret, PodStatus};
use crate::model::marker::Token;
use crate::model::prior::KnownToken;
use crate::model::provenance::{
    Likeness, Provenance, Spare, Viewpoint, Witness, judge_pod, likeness_to_asked,
};
use crate::provider::{Listed, ListedPod, ListedRegistry, ListedSecret, ListedVolume};

/// How many listings must lack the token before a create counts as not done.
const LISTINGS: u32 = 3;

/// What a listing shows of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// Nothing carries it.
    Nothing,
    /// These carry it.
    These(BTreeSet<RemoteId>),
    /// Nothing readable carries it, but an entry that could not be read might.
    CannotTell,
}

/// Where the tokens stand in a listing: many creates without an answer look for theirs in the same one.
#[derive(Debug)]
pub struct Tokens {
    by_token: BTreeMap<Token, Vec<usize>>,
    unreadable: Vec<usize>,
}

impl Tokens {
    /// Finds all of a listing.
    pub fn of(listed: &[ListedPod]) -> Self {
        let mut tokens = Self { by_token: BTreeMap::new(), unreadable: Vec::new() };
        for (place, entry) in listed.iter().enumerate() {
            match entry {
                Listed::Found(pod) => {
                    if let Some(marker) = &pod.marker {
                        tokens.by_token.entry(marker.token.clone()).or_default().push(place);
                    }
                }
                Listed::Unreadable { .. } | Listed::Nameless { .. } => tokens.unreadable.push(place),
            }
        }
        tokens
    }

    /// Returns the entries of that listing which carry a token, or cannot be read.
    pub fn may_carry<'s>(&self, token: &Token, listed: &'s [ListedPod]) -> Vec<&'s ListedPod> {
        let carrying = self.by_token.get(token).into_iter().flatten();
        carrying.chain(&self.unreadable).filter_map(|place| listed.get(*place)).collect()
    }
}

/// Looks for a token among pods. Entries that cannot be read and are known to be something else do not matter.
pub fn sight_pod(token: &Token, listed: &[&ListedPod], is_known: impl Fn(&RemoteId) -> bool) -> Sighting {
    let mut found = BTreeSet::new();
    let mut unreadable = false;
    for entry in listed {
        match entry {
            Listed::Found(pod) if pod.status == PodStatus::Terminated => {}
            Listed::Found(pod) => {
                if pod.marker.as_ref().is_some_and(|marker| marker.token == *token) {
                    found.insert(RemoteId::Pod(pod.id.clone()));
                }
            }
            Listed::Unreadable { id, .. } => {
                unreadable = unreadable || !is_known(&RemoteId::Pod(id.clone()));
            }
            Listed::Nameless { why: _ } => unreadable = true,
        }
    }
    sighting(found, unreadable)
}

fn sighting(found: BTreeSet<RemoteId>, unreadable: bool) -> Sighting {
    match (found.is_empty(), unreadable) {
        (false, _) => Sighting::These(found),
        (true, true) => Sighting::CannotTell,
        (true, false) => Sighting::Nothing,
    }
}

/// Returns each of these pods once, however often it is listed.
pub fn carriers<'s>(listed: &[&'s ListedPod], ids: &BTreeSet<RemoteId>) -> Vec<&'s LivePod> {
    let mut left = ids.clone();
    let pods = listed.iter().filter_map(|entry| entry.found());
    pods.filter(|pod| left.remove(&RemoteId::Pod(pod.id.clone()))).collect()
}

/// Looks for a name, which carries the token, among network volumes; see [`sight_pod`].
pub fn sight_volume(
    name: Option<&str>,
    listed: &[ListedVolume],
    is_known: impl Fn(&RemoteId) -> bool,
) -> Sighting {
    sight(
        listed,
        |id| RemoteId::Volume(id.clone()),
        |volume| &volume.id,
        |volume| name == Some(&volume.name),
        is_known,
    )
}

/// Looks for a name, which carries the token, among credentials for registries; see [`sight_pod`].
pub fn sight_registry(
    name: Option<&str>,
    listed: &[ListedRegistry],
    is_known: impl Fn(&RemoteId) -> bool,
) -> Sighting {
    sight(
        listed,
        |id| RemoteId::Registry(id.clone()),
        |registry| &registry.id,
        |registry| name == Some(&registry.name),
        is_known,
    )
}

/// Looks for a token among the descriptions of secrets; see [`sight_pod`].
pub fn sight_secret(
    token: &Token,
    listed: &[ListedSecret],
    is_known: impl Fn(&RemoteId) -> bool,
) -> Sighting {
    let carries = |secret: &LiveSecret| secret.mark().is_some_and(|mark| mark.token == *token);
    sight(listed, |id| RemoteId::Secret(id.clone()), |secret| &secret.id, carries, is_known)
}

fn sight<O, I>(
    listed: &[Listed<O, I>],
    remote: impl Fn(&I) -> RemoteId,
    id_of: impl Fn(&O) -> &I,
    is_it: impl Fn(&O) -> bool,
    is_known: impl Fn(&RemoteId) -> bool,
) -> Sighting {
    let mut found = BTreeSet::new();
    let mut unreadable = false;
    for entry in listed {
        match entry {
            Listed::Found(object) if is_it(object) => {
                found.insert(remote(id_of(object)));
            }
            Listed::Found(_) => {}
            Listed::Unreadable { id, .. } => {
                unreadable = unreadable || !is_known(&remote(id));
            }
            Listed::Nameless { why: _ } => unreadable = true,
        }
    }
    sighting(found, unreadable)
}

/// A listing: when it was asked for, and what it proves by what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    pub began: Duration,
    pub proof: Proof,
}

/// What the lack of an object in a listing proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// That it was not shown: the listing is one answer.
    Itself,
    /// Nothing yet, as the listing came in pages: where something before a seam is deleted while the pages are read, what
    /// stood behind the seam is on neither page. The listing before, asked for at this moment, proves what it lacks,
    /// as all that it had is still here.
    Before(Option<Duration>),
}

impl Looked {
    /// Returns the moments as somebody counts them who began to look later.
    pub fn since(self, first: Duration) -> Self {
        let proof = match self.proof {
            Proof::Itself => Proof::Itself,
            Proof::Before(before) => Proof::Before(before.and_then(|before| before.checked_sub(first))),
        };
        Self { began: self.began.saturating_sub(first), proof }
    }
}

/// What the listing before had, where it came in pages.
#[derive(Debug)]
pub struct Seams<I>(Option<(Duration, BTreeSet<I>)>);

impl<I> Default for Seams<I> {
    fn default() -> Self {
        Self(None)
    }
}

impl<I: Ord> Seams<I> {
    /// Takes the next listing, which was asked for at a moment and had these, in so many pages.
    pub fn next(&mut self, began: Duration, pages: usize, ids: impl Iterator<Item = I>) -> Looked {
        if pages <= 1 {
            self.0 = None;
            return Looked { began, proof: Proof::Itself };
        }
        let ids: BTreeSet<I> = ids.collect();
        let before = self.0.take().filter(|(_, had)| had.is_subset(&ids)).map(|(before, _)| before);
        self.0 = Some((began, ids));
        Looked { began, proof: Proof::Before(before) }
    }
}

/// The search for one token through successive listings.
#[derive(Clone, Debug)]
pub struct Search {
    request_ended: Duration,
    settled_from: Duration,
    /// How many listings in a row proved that nothing carries it.
    without: u32,
    /// When the last of them was asked for.
    proved: Duration,
    /// When the listing was asked for that lacks it too and is not proved yet.
    unproved: Option<Duration>,
    untold: u32,
}

impl Search {
    /// Begins a search for a create that cannot happen any more after `request_ended`, but for `settling` of lag.
    pub fn new(request_ended: Duration, settling: Duration) -> Self {
        let settled_from = request_ended + settling;
        Self { request_ended, settled_from, without: 0, proved: Duration::ZERO, unproved: None, untold: 0 }
    }

    /// Takes one listing, and tells whether the create is settled as not done.
    pub fn settles(&mut self, Looked { began, proof }: Looked, sighting: &Sighting) -> bool {
        match (sighting, proof) {
            (Sighting::Nothing, Proof::Itself) => self.prove(began),
            (Sighting::Nothing, Proof::Before(before)) => {
                // A listing that was not seen here may lie between the two.
                if let Some(proved) = self.unproved.filter(|unproved| before == Some(*unproved)) {
                    self.prove(proved);
                }
                self.unproved = Some(began);
            }
            // Not three in a row: the count starts again.
            (Sighting::CannotTell | Sighting::These(_), _) => {
                self.without = 0;
                self.unproved = None;
            }
        }
        match sighting {
            Sighting::CannotTell if began >= self.settled_from => self.untold += 1,
            Sighting::CannotTell | Sighting::Nothing | Sighting::These(_) => self.untold = 0,
        }
        self.without >= LISTINGS && self.proved >= self.settled_from
    }

    fn prove(&mut self, began: Duration) {
        if began >= self.request_ended {
            self.without += 1;
            self.proved = began;
        }
    }

    /// Tells whether more listings would not help: an entry that cannot be read has hidden the answer in as many of them
    /// as would have settled it.
    pub fn is_in_vain(&self) -> bool {
        self.untold >= LISTINGS
    }

    /// Returns the moment from which the create cannot happen any more, but for listings that lag.
    pub fn request_ended(&self) -> Duration {
        self.request_ended
    }

    /// Returns the moment from which a listing can settle the search.
    pub fn settled_from(&self) -> Duration {
        self.settled_from
    }
}

/// Which of the pods that carry one token is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// This one is, and the others are terminated or left alone.
    Adopt {
        /// Ours.
        id: PodId,
        /// Made by the same create, without data: to be terminated.
        retire: BTreeSet<PodId>,
        /// Possibly made by the same create, or with data: a person must look.
        doubtful: BTreeSet<PodId>,
    },
    /// It cannot be told; none is touched.
    Doubtful(BTreeSet<PodId>),
}

/// Chooses among the pods that carry the token of one create.
///
/// A mark is no proof: cloning a pod copies it. The oldest of those that the create made is kept and the others are
/// retired, but never one that holds data or differs from what was asked for. Where it is not told when they were
/// created, a single one that does not differ from what was asked for is ours.
pub fn choose(view: Viewpoint<'_>, found: &[&LivePod], known: &KnownToken) -> Choice {
    let judged = found.iter().map(|pod| (*pod, judge_pod(view, pod, Witness::Journal(known))));
    let (mut ours, mut untold, mut others) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (pod, provenance) in judged {
        match provenance {
            Provenance::Ours(spare) => ours.push((pod, spare)),
            Provenance::NotTold(_) => untold.push(pod),
            Provenance::Copy { .. }
            | Provenance::Unmarked
            | Provenance::OtherProject(_)
            | Provenance::OtherState(_)
            | Provenance::NewerState(_)
            | Provenance::GivenUp => {
                others.insert(pod.id.clone());
            }
        }
    }
    ours.sort_by_key(|(pod, _)| (pod.created_at, &pod.id));
    let mut doubtful: BTreeSet<PodId> = untold.iter().map(|pod| pod.id.clone()).collect();
    let Some(((first, _), rest)) = ours.split_first() else {
        let [only] = untold[..] else {
            return Choice::Doubtful(&doubtful | &others);
        };
        return match likeness_to_asked(only, &known.asked) {
            Likeness::Equal | Likeness::AsFarAsTold(_) => {
                Choice::Adopt { id: only.id.clone(), retire: BTreeSet::new(), doubtful: BTreeSet::new() }
            }
            Likeness::Differs(_) => Choice::Doubtful(doubtful),
        };
    };
    let mut retire = BTreeSet::new();
    for (pod, spare) in rest {
        match spare {
            Spare::MayGo => retire.insert(pod.id.clone()),
            Spare::HoldsData | Spare::Differs(_) | Spare::NotKnown => doubtful.insert(pod.id.clone()),
        };
    }
    Choice::Adopt { id: first.id.clone(), retire, doubtful }
}

/// Tells whether the request that a token is known from made a pod that carries it.
pub fn made(view: Viewpoint<'_>, pod: &LivePod, known: &KnownToken) -> Made {
    match judge_pod(view, pod, Witness::Journal(known)) {
        Provenance::Ours(Spare::MayGo) => Made::ByUsAndSpare,
        Provenance::Ours(Spare::HoldsData | Spare::Differs(_) | Spare::NotKnown) => Made::ByUs,
        Provenance::NotTold(_)
        | Provenance::Copy { .. }
        | Provenance::Unmarked
        | Provenance::OtherProject(_)
        | Provenance::OtherState(_)
        | Provenance::NewerState(_)
        | Provenance::GivenUp => Made::Untold,
    }
}

/// Chooses among the volumes, secrets or registries that carry one mark. They hold data or are used by others, so a second one is never
/// touched.
pub fn choose_only(found: &BTreeSet<RemoteId>) -> Option<&RemoteId> {
    found.first().filter(|_| found.len() == 1)
}

/// What the next run does about an action that a run left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// A create may have happened: look for its token.
    Search,
    /// Something repeatable may still happen; once it cannot, the plan compares what is live.
    LetPass,
    /// Whatever it did is on record or certainly not done.
    Close,
}

/// Decides what to do about an action that a run left open.
pub fn open(status: &ActionStatus, token: Option<&Token>) -> Open {
    match (status, token) {
        (ActionStatus::Intended | ActionStatus::Started | ActionStatus::Unknown { id: None }, Some(_)) => {
            Open::Search
        }
        (ActionStatus::Intended | ActionStatus::Started | ActionStatus::Unknown { id: None }, None) => {
            Open::LetPass
        }
        (
            ActionStatus::Pending
            | ActionStatus::Accepted { .. }
            | ActionStatus::Unknown { id: Some(_) }
            | ActionStatus::Refused
            | ActionStatus::Succeeded
            | ActionStatus::Failed
            | ActionStatus::Skipped,
            _,
        ) => Open::Close,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::{asked, at, known, live_pod, token};
    use crate::model::id::{Lineage, ProjectName, Serial, VolumeId};
    use crate::model::journal::Asked;
    use crate::model::live::Origin;
    use crate::model::pod::Storage;
    use crate::model::provenance::Window;
    use crate::model::settings::PodSettings;
    use crate::model::size::Gigabytes;

    const SETTLING: Duration = Duration::from_secs(90);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn alone(began: u64) -> Looked {
        Looked { began: seconds(began), proof: Proof::Itself }
    }

    fn created(name: &str, second: i64) -> LivePod {
        LivePod { created_at: Some(at(second)), ..live_pod(name, PodStatus::Running) }
    }

    #[test]
    fn three_listings_and_the_settling_time_make_it_certain() {
        let mut search = Search::new(seconds(10), SETTLING);
        let settled: Vec<bool> =
            [5, 11, 50, 99, 100, 101].map(|began| search.settles(alone(began), &Sighting::Nothing)).into();
        assert_eq!(settled, [false, false, false, false, true, true]);
    }

    #[test]
    fn late_listings_alone_are_not_enough() {
        let mut search = Search::new(seconds(0), SETTLING);
        let settled: Vec<bool> =
            [200, 205, 210].map(|began| search.settles(alone(began), &Sighting::Nothing)).into();
        assert_eq!(settled, [false, false, true]);
    }

    #[test]
    fn an_entry_that_cannot_be_read_proves_nothing() {
        let mut search = Search::new(seconds(0), SETTLING);
        for began in [100, 105] {
            assert!(!search.settles(alone(began), &Sighting::Nothing));
        }
        assert!(!search.settles(alone(110), &Sighting::CannotTell));
        assert!(!search.settles(alone(115), &Sighting::Nothing));
    }

    #[test]
    fn a_listing_in_pages_counts_once_the_next_one_has_all_of_it() {
        let mut seams = Seams::default();
        let mut search = Search::new(seconds(0), SETTLING);
        let listings: [(u64, usize, &[u32]); 7] = [
            (90, 2, &[1, 2, 3]),
            (95, 2, &[1, 2, 3, 4]),
            // Something was deleted since, so that something may have slipped through the seam of the one before.
            (100, 2, &[1, 3, 4]),
            (105, 2, &[1, 3, 4]),
            (110, 1, &[1, 3]),
            (115, 2, &[1, 3]),
            (120, 2, &[1, 3]),
        ];
        let settled = listings.map(|(began, pages, ids)| {
            let looked = seams.next(seconds(began), pages, ids.iter());
            (began, looked.proof, search.settles(looked, &Sighting::Nothing))
        });
        assert_eq!(
            settled,
            [
                (90, Proof::Before(None), false),
                (95, Proof::Before(Some(seconds(90))), false),
                (100, Proof::Before(None), false),
                (105, Proof::Before(Some(seconds(100))), false),
                (110, Proof::Itself, true),
                (115, Proof::Before(None), true),
                (120, Proof::Before(Some(seconds(115))), true),
            ]
        );
    }

    #[test]
    fn a_listing_in_pages_is_proved_by_the_one_right_after_it_alone() {
        let mut search = Search::new(seconds(0), SETTLING);
        let pages =
            |began, before| Looked { began: seconds(began), proof: Proof::Before(Some(seconds(before))) };
        for (began, before) in [(90, 85), (100, 95), (110, 105), (120, 115)] {
            assert!(!search.settles(pages(began, before), &Sighting::Nothing), "{began}");
        }
        let settled = [(125, 120), (130, 125), (135, 130)]
            .map(|(began, before)| search.settles(pages(began, before), &Sighting::Nothing));
        assert_eq!(settled, [false, false, true]);
    }

    #[test]
    fn a_search_behind_an_entry_that_cannot_be_read_comes_to_an_end() {
        let mut search = Search::new(seconds(10), SETTLING);
        let in_vain: Vec<bool> = [90, 95, 100, 105, 110]
            .map(|began| {
                assert!(!search.settles(alone(began), &Sighting::CannotTell));
                search.is_in_vain()
            })
            .into();
        assert_eq!(in_vain, [false, false, false, false, true]);
    }

    #[test]
    fn a_pod_is_found_by_its_token_once_however_often_it_is_listed() {
        let pod = live_pod("a", PodStatus::Running);
        let listed = [Listed::Found(Box::new(pod.clone())), Listed::Found(Box::new(pod))];
        let here = Sighting::These(BTreeSet::from([RemoteId::Pod(PodId::new("a"))]));
        let entries = Tokens::of(&listed).may_carry(&token(), &listed);
        assert_eq!(entries.len(), 2);
        assert_eq!(sight_pod(&token(), &entries, |_| false), here);
    }

    #[test]
    fn unreadable_entries_matter_unless_they_are_known() {
        let listed =
            [Listed::Unreadable { id: PodId::new("x"), why: "odd".to_owned(), origin: Origin::NotTold }];
        let known = RemoteId::Pod(PodId::new("x"));
        let entries = Tokens::of(&listed).may_carry(&token(), &listed);
        assert_eq!(sight_pod(&token(), &entries, |_| false), Sighting::CannotTell);
        assert_eq!(sight_pod(&token(), &entries, |id| *id == known), Sighting::Nothing);
        let listed = [ListedVolume::Unreadable {
            id: VolumeId::new("x"),
            why: "odd".to_owned(),
            origin: Origin::NotTold,
        }];
        let known = RemoteId::Volume(VolumeId::new("x"));
        assert_eq!(sight_volume(Some("acme.data.1"), &listed, |_| false), Sighting::CannotTell);
        assert_eq!(sight_volume(Some("acme.data.1"), &listed, |id| *id == known), Sighting::Nothing);
    }

    #[test]
    fn an_entry_without_id_may_be_anything() {
        let why = || "odd".to_owned();
        let listed = [Listed::Nameless { why: why() }];
        let entries = Tokens::of(&listed).may_carry(&token(), &listed);
        assert_eq!(sight_pod(&token(), &entries, |_| true), Sighting::CannotTell);
        let sighting = sight_volume(Some("acme.data.1"), &[Listed::Nameless { why: why() }], |_| true);
        assert_eq!(sighting, Sighting::CannotTell);
    }

    /// Chooses among pods of a create that was asked for at second 5 of RunPod's time.
    fn chosen(pods: &[LivePod], asked: Asked) -> Choice {
        let view = Viewpoint {
            project: &ProjectName::new("acme"),
            lineage: &Lineage::new("line"),
            serial: Serial(9),
            window: Window::OF_A_CREATE,
        };
        let known = KnownToken { intended_at: at(1_000_000), ..known(asked, Some(at(5))) };
        choose(view, &pods.iter().collect::<Vec<_>>(), &known)
    }

    fn ids<const N: usize>(names: [&str; N]) -> BTreeSet<PodId> {
        BTreeSet::from(names.map(PodId::new))
    }

    fn adopted<const N: usize, const M: usize>(retire: [&str; N], doubtful: [&str; M]) -> Choice {
        Choice::Adopt { id: PodId::new("a"), retire: ids(retire), doubtful: ids(doubtful) }
    }

    #[test]
    fn of_two_pods_from_one_create_the_older_stays() {
        assert_eq!(chosen(&[created("b", 20), created("a", 10)], asked()), adopted(["b"], []));
    }

    #[test]
    fn a_duplicate_with_data_is_never_retired() {
        let mut holds_data = asked();
        let storage = Storage::Local { size: Gigabytes(5), path: "/data".to_owned() };
        holds_data.record.object.pod_mut().unwrap().container.storage = storage;
        assert_eq!(chosen(&[created("a", 10), created("b", 20)], holds_data), adopted([], ["b"]));
    }

    #[test]
    fn a_duplicate_that_somebody_edited_is_never_retired() {
        let edited = LivePod {
            settings: PodSettings { name: Some("mine".to_owned()), ..created("b", 20).settings },
            ..created("b", 20)
        };
        assert_eq!(chosen(&[created("a", 10), edited], asked()), adopted([], ["b"]));
    }

    #[test]
    fn a_copy_made_later_is_left_alone() {
        assert_eq!(chosen(&[created("a", 10), created("copy", 100_000)], asked()), adopted([], []));
    }

    #[test]
    fn without_creation_times_two_pods_cannot_be_told_apart() {
        let pods = [live_pod("a", PodStatus::Running), live_pod("b", PodStatus::Running)];
        assert_eq!(chosen(&pods, asked()), Choice::Doubtful(ids(["a", "b"])));
    }

    #[test]
    fn without_creation_times_a_single_pod_is_ours_unless_it_differs() {
        let pod = live_pod("a", PodStatus::Running);
        let edited = LivePod {
            settings: PodSettings { name: Some("edited".to_owned()), ..pod.clone().settings },
            ..pod.clone()
        };
        assert_eq!(chosen(&[pod], asked()), adopted([], []));
        assert_eq!(chosen(&[edited], asked()), Choice::Doubtful(ids(["a"])));
    }

    #[test]
    fn a_single_pod_of_ours_may_have_been_edited_but_not_copied() {
        let edited = LivePod {
            settings: PodSettings { name: Some("edited".to_owned()), ..created("a", 10).settings },
            ..created("a", 10)
        };
        assert_eq!(chosen(&[edited], asked()), adopted([], []));
        assert_eq!(chosen(&[created("a", 100_000)], asked()), Choice::Doubtful(ids(["a"])));
    }
}
