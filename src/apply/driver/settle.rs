//! Finds out what became of the actions that earlier runs left open.
//!
//! It runs before a plan is made for an apply, so that the plan starts from certainty: every create that happened is
//! recorded, every other is certain not to happen any more, and no request of a dead run is still on its way. One
//! listing serves all, as in a run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::sleep;

use super::call::read;
use super::{interrupted, secret};
use crate::apply::gate::{self, Made, Pass, Records, Request};
use crate::apply::recover::{self, Choice, Looked, Open, Proof, Seams, Search, Sighting, Tokens};
use crate::apply::retry::{self, Next};
use crate::apply::{Context, Interrupt, Pace, Reporter, record};
use crate::model::address::{Address, Kind};
use crate::model::clock::{Clock, Moment, Timestamp};
use crate::model::id::{PodId, RemoteId, RunId};
use crate::model::journal::{ActionStatus, Asked, Entry, Event};
use crate::model::marker::Token;
use crate::model::outcome::{Fate, Recovered};
use crate::model::plan::ActionId;
use crate::model::prior::{KnownToken, OpenIntent, Prior};
use crate::model::progress::Notice;
use crate::model::provenance::Viewpoint;
use crate::provider::walk::{Walk, walk};
use crate::provider::{
    ListedPod, ListedRegistry, ListedSecret, ListedVolume, Mutate, Observe, ProviderError, ServerTime, Verb,
};
use crate::state::{Batch, CUT_SHORT, Journal, RecordChange, StateError};

/// Resolves what earlier runs left open, records it, and tells what it found.
///
/// The state must be read again afterwards, as records may have changed. What could not be found out stays open.
///
/// # Errors
/// The journal cannot be written.
pub async fn settle<P, J, C, R>(
    prior: &Prior,
    context: Context<'_, P, J, C, R>,
) -> Result<Vec<Recovered>, StateError>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    let settler = Settler { prior, records: Records::new(prior.objects.clone()), context };
    let mut recovered = Vec::new();
    let mut open = Vec::new();
    for intent in &prior.open {
        match recover::open(&intent.status, intent.token.as_ref()) {
            Open::Close => recovered.push(settler.close(intent).await?),
            Open::LetPass | Open::Search => open.push(settler.case(intent)),
        }
    }
    let mut is_told = false;
    let mut waited = Duration::ZERO;
    let mut seams = Seams::default();
    while !open.is_empty() {
        let looked = tokio::select! {
            biased;
            () = interrupted(&settler.context.interrupt, Interrupt::First) => Err("interrupted".to_owned()),
            looked = settler.look(&open, waited, &mut seams) => looked.map_err(|error| error.to_string()),
        };
        let listing = match looked {
            Ok(listing) => listing,
            Err(why) => {
                recovered.extend(open.iter().map(|case| told(case.intent, Fate::Undecided(why.clone()))));
                break;
            }
        };
        for case in &mut open {
            case.search.get_or_insert_with(|| settler.search(case.intent, listing.server_time));
        }
        if !is_told {
            settler.tell_settling(&open);
            is_told = true;
        }
        let mut still_open = Vec::new();
        for mut case in open {
            match settler.resolve(&mut case, &listing).await? {
                Some(fate) => recovered.push(told(case.intent, fate)),
                None => still_open.push(case),
            }
        }
        open = still_open;
        if !open.is_empty() {
            waited += settler.pause(&listing).await;
        }
    }
    settler.finish_runs(&recovered).await?;
    for recovered in &recovered {
        settler.context.reporter.notice(Notice::Recovered(recovered.clone()));
    }
    Ok(recovered)
}

/// An action that is being found out about.
struct Case<'p> {
    intent: &'p OpenIntent,
    /// What the create asked for; `None` where there was no create.
    create: Option<(&'p Token, &'p KnownToken)>,
    /// Begun by the first look.
    search: Option<Search>,
}

/// One look at the account.
struct Listing {
    /// How long was waited before it, at least: as in a run, pauses count and nothing else.
    at: Duration,
    /// The pods' own listing, which may come in pages.
    of_pods: Looked,
    /// The provider's time, where it was told.
    server_time: Option<Timestamp>,
    pods: Vec<ListedPod>,
    tokens: Tokens,
    volumes: Vec<ListedVolume>,
    secrets: Vec<ListedSecret>,
    registries: Vec<ListedRegistry>,
}

impl Listing {
    /// Returns the pods that carry a token, or cannot be read.
    fn may_carry(&self, token: &Token) -> Vec<&ListedPod> {
        self.tokens.may_carry(token, &self.pods)
    }
}

struct Settler<'s, P, J, C, R> {
    prior: &'s Prior,
    records: Records,
    context: Context<'s, P, J, C, R>,
}

impl<P, J, C, R> Settler<'_, P, J, C, R>
where
    P: Observe + Mutate,
    J: Journal,
    C: Clock,
    R: Reporter,
{
    fn case<'p>(&'p self, intent: &'p OpenIntent) -> Case<'p> {
        let create =
            intent.token.as_ref().and_then(|token| self.prior.tokens.get(token).map(|known| (token, known)));
        Case { intent, create, search: None }
    }

    /// Begins to look for what a request did. How long ago it was intended is told by the provider's clock alone; where
    /// that is not known, the time counts from this first look.
    fn search(&self, intent: &OpenIntent, server_time: Option<Timestamp>) -> Search {
        let settings = &self.context.settings;
        let age = server_time.zip(intent.server_time).map(|(now, then)| now.duration_since(then));
        let age = age
            .filter(|_| settings.keeps_time)
            .and_then(|age| Duration::try_from(age).ok())
            .unwrap_or_default();
        // The time that an intent carries may be a little older than the intent.
        let age = age.saturating_sub(settings.time_validity);
        // A request may have gone out as late as the intent allowed and taken as long as requests may.
        let slack = settings.intent_validity + settings.request_timeout;
        let ended = match intent.status {
            // An answer that was noted ended the request.
            ActionStatus::Unknown { .. } => Duration::ZERO,
            ActionStatus::Pending
            | ActionStatus::Intended
            | ActionStatus::Started
            | ActionStatus::Accepted { .. }
            | ActionStatus::Refused
            | ActionStatus::Succeeded
            | ActionStatus::Failed
            | ActionStatus::Skipped => slack.saturating_sub(age),
        };
        let since_its_end = age.saturating_sub(slack);
        Search::new(ended, settings.settling.saturating_sub(since_its_end))
    }

    async fn resolve(&self, case: &mut Case<'_>, listing: &Listing) -> Result<Option<Fate>, StateError> {
        let Some(search) = &mut case.search else { return Ok(None) };
        let Some((token, known)) = case.create else {
            if case.intent.token.is_some() {
                return Ok(Some(Fate::Undecided("the state does not say what was asked for".to_owned())));
            }
            if listing.at < search.request_ended() {
                return Ok(None);
            }
            return self.let_pass(case.intent).await.map(Some);
        };
        let is_known = |id: &RemoteId| self.records.has(id);
        // The lists of the other kinds are whole.
        let whole = Looked { began: listing.at, proof: Proof::Itself };
        let (looked, sighting) = match case.intent.action.address.kind() {
            Kind::Pod => (listing.of_pods, recover::sight_pod(token, &listing.may_carry(token), is_known)),
            Kind::Volume => {
                let name = known.asked.name.as_deref();
                (whole, recover::sight_volume(name, &listing.volumes, is_known))
            }
            Kind::Secret => (whole, recover::sight_secret(token, &listing.secrets, is_known)),
            Kind::Registry => {
                let name = known.asked.name.as_deref();
                (whole, recover::sight_registry(name, &listing.registries, is_known))
            }
        };
        if let Sighting::These(ids) = &sighting {
            return self.found(case.intent, (token, known), ids, listing).await.map(Some);
        }
        if !search.settles(looked, &sighting) {
            let why = "an entry of the listing cannot be read and may be what it made";
            return Ok(search.is_in_vain().then(|| Fate::Undecided(why.to_owned())));
        }
        let why = "it did not happen, as no listing shows it".to_owned();
        self.commit(case.intent, [Event::Refused { why: why.clone() }, Event::Failed { why }], Vec::new())
            .await?;
        Ok(Some(Fate::NotDone))
    }

    async fn found(
        &self,
        intent: &OpenIntent,
        (token, known): (&Token, &KnownToken),
        ids: &BTreeSet<RemoteId>,
        listing: &Listing,
    ) -> Result<Fate, StateError> {
        let asked = &known.asked;
        if !intent.action.address.is_pod() {
            let Some(id) = recover::choose_only(ids) else {
                let name = asked.name.as_deref().unwrap_or_default();
                return Ok(Fate::Undecided(format!("several objects carry the mark of `{name}`")));
            };
            self.adopt(intent, asked, id, BTreeMap::new()).await?;
            return Ok(Fate::Adopted { id: id.clone(), retired: BTreeSet::new() });
        }
        let carriers = recover::carriers(&listing.may_carry(token), ids);
        let view = Viewpoint::of(self.context.project, self.prior);
        match recover::choose(view, &carriers, known) {
            Choice::Doubtful(pods) => {
                let why = "several pods carry its token, or one that it did not make".to_owned();
                let doubt = intent.token.iter().map(|token| RecordChange::Doubt(token.clone())).collect();
                self.commit(intent, [Event::Refused { why: why.clone() }, Event::Failed { why }], doubt)
                    .await?;
                Ok(Fate::Doubtful(pods))
            }
            Choice::Adopt { id, retire, mut doubtful } => {
                let id = RemoteId::Pod(id);
                let (retire, left) = self.permitted(&intent.action.address, retire);
                doubtful.extend(left);
                let retired = retire.keys().cloned().collect();
                self.adopt(intent, asked, &id, retire).await?;
                Ok(if doubtful.is_empty() { Fate::Adopted { id, retired } } else { Fate::Doubtful(doubtful) })
            }
        }
    }

    /// Records the object of a create that had happened, and terminates what it made besides.
    async fn adopt(
        &self,
        intent: &OpenIntent,
        asked: &Asked,
        id: &RemoteId,
        retire: BTreeMap<PodId, Pass>,
    ) -> Result<(), StateError> {
        let address = &intent.action.address;
        let previous = self.prior.objects.get(address);
        let there = self.context.provider.server_time().map(ServerTime::now);
        let now = Moment { here: self.context.clock.now(), there };
        let change = record::found(address, &asked.record, id.clone(), previous, now);
        let accepted = || Event::Accepted { id: Some(id.clone()) };
        // A request that was found to have taken effect did go out, whether or not that was noted.
        let went_out = (intent.status == ActionStatus::Intended).then_some(Event::Started);
        self.commit(intent, went_out.into_iter().chain([accepted()]), vec![change]).await?;
        for (pod, pass) in retire {
            let intended = Event::Intended { attempt: 0, token: None, asked: None, server_time: now.there };
            self.commit(intent, [intended], Vec::new()).await?;
            // If it fails the pod stays known by its token, and every plan says so.
            let unknown =
                self.retire(pass, &pod).await.err().map(|error| Event::Unknown { why: error.to_string() });
            let events = [Event::Started].into_iter().chain(unknown).chain([accepted()]);
            self.commit(intent, events, Vec::new()).await?;
        }
        let why = "its run ended; the next plan compares it".to_owned();
        self.commit(intent, [Event::Failed { why }], Vec::new()).await
    }

    /// Parts the pods that the gate lets go from those that a record has.
    fn permitted(
        &self,
        address: &Address,
        pods: BTreeSet<PodId>,
    ) -> (BTreeMap<PodId, Pass>, BTreeSet<PodId>) {
        let mut permitted = BTreeMap::new();
        let mut left = BTreeSet::new();
        for pod in pods {
            let id = RemoteId::Pod(pod.clone());
            let standing = gate::standing(address, &id, &self.records);
            match gate::check(Request::Delete, &id, &standing, Made::ByUsAndSpare) {
                Ok(pass) => drop(permitted.insert(pod, pass)),
                Err(_) => drop(left.insert(pod)),
            }
        }
        (permitted, left)
    }

    async fn retire(&self, pass: Pass, pod: &PodId) -> Result<(), ProviderError> {
        let mut tries = 0;
        loop {
            let turn = self.context.provider.turn(pass.verb()).await?;
            let answer = turn.port().delete_pod(pod).await;
            turn.end(answer.as_ref().err());
            let Err(error) = answer else { return Ok(()) };
            match retry::after_write(pass.request().into(), &error, tries, retry::backoff(tries, 0.5)) {
                Next::Again { after } | Next::Look { after } => sleep(after).await,
                Next::Gone => return Ok(()),
                Next::LookUp
                | Next::NextCandidate
                | Next::SkipCloud
                | Next::Stuck
                | Next::NotNow
                | Next::Fail
                | Next::GiveUp
                | Next::Stop(_) => return Err(error),
            }
            tries += 1;
        }
    }

    /// Closes an action whose request can be repeated and cannot happen any more.
    async fn let_pass(&self, intent: &OpenIntent) -> Result<Fate, StateError> {
        let why = "its run ended; the next plan looks at what is live".to_owned();
        self.commit(intent, [Event::Refused { why: why.clone() }, Event::Failed { why }], Vec::new()).await?;
        Ok(Fate::LeftToPlan)
    }

    /// Closes an action whose effect is on record.
    async fn close(&self, intent: &OpenIntent) -> Result<Recovered, StateError> {
        let why = "its run ended; the next plan compares it".to_owned();
        let failed = Event::Failed { why: why.clone() };
        let events = match &intent.status {
            ActionStatus::Pending => vec![Event::Skipped { why }],
            ActionStatus::Unknown { id } => vec![Event::Accepted { id: id.clone() }, failed],
            ActionStatus::Intended | ActionStatus::Accepted { .. } | ActionStatus::Refused => vec![failed],
            ActionStatus::Started => vec![Event::Refused { why }, failed],
            ActionStatus::Succeeded | ActionStatus::Failed | ActionStatus::Skipped => Vec::new(),
        };
        self.commit(intent, events, Vec::new()).await?;
        Ok(told(intent, Fate::LeftToPlan))
    }

    async fn commit(
        &self,
        intent: &OpenIntent,
        events: impl IntoIterator<Item = Event>,
        changes: Vec<RecordChange>,
    ) -> Result<(), StateError> {
        let at = self.context.clock.now();
        let OpenIntent { run, action, .. } = intent;
        let entry = |event| Entry { at, run: run.clone(), action: action.clone(), event };
        let batch = Batch { entries: events.into_iter().map(entry).collect(), changes };
        self.context.journal.commit(&batch).await.map(|_| ())
    }

    /// Closes the runs of which nothing is open any more.
    async fn finish_runs(&self, recovered: &[Recovered]) -> Result<(), StateError> {
        let undecided: BTreeSet<&ActionId> = recovered
            .iter()
            .filter(|recovered| matches!(recovered.fate, Fate::Undecided(_)))
            .map(|recovered| &recovered.action)
            .collect();
        let mut runs: BTreeMap<&RunId, bool> = BTreeMap::new();
        for intent in &self.prior.open {
            *runs.entry(&intent.run).or_default() |= undecided.contains(&intent.action);
        }
        for (run, _) in runs.iter().filter(|(_, is_open)| !**is_open) {
            let now = self.context.clock.now();
            let summary = format!("{CUT_SHORT}, settled by {}", self.context.run.who);
            self.context.journal.finish(run, now, &summary).await?;
        }
        Ok(())
    }

    /// Lists what the open cases need, again and again as long as that helps.
    async fn look(
        &self,
        open: &[Case<'_>],
        at: Duration,
        seams: &mut Seams<PodId>,
    ) -> Result<Listing, ProviderError> {
        let creates = || open.iter().filter(|case| case.create.is_some());
        let (mut pods, mut volumes) = (Walk::default(), Vec::new());
        let (mut secrets, mut registries) = (Vec::new(), Vec::new());
        let Context { provider, settings, .. } = &self.context;
        let backoff = |tries| retry::backoff(tries, 0.5);
        let needs = |kind| creates().any(|case| case.intent.action.address.kind() == kind);
        if needs(Kind::Pod) {
            pods = walk(async |walk| {
                let page = async |port: &P| port.read_pods(walk).await;
                read(provider, settings, backoff, Verb::ListPods, page).await
            })
            .await?;
        }
        if needs(Kind::Volume) {
            volumes = read(provider, settings, backoff, Verb::ListVolumes, P::list_volumes).await?;
        }
        if needs(Kind::Secret) {
            secrets = read(provider, settings, backoff, Verb::ListSecrets, secret::list::<P>).await?;
        }
        if needs(Kind::Registry) {
            registries = read(provider, settings, backoff, Verb::ListRegistries, P::list_registries).await?;
        }
        let server_time = provider.server_time().map(|told| told.date);
        let ids = pods.entries().iter().filter_map(ListedPod::id).cloned();
        let of_pods = seams.next(at, pods.pages(), ids);
        let pods = pods.into_entries();
        let tokens = Tokens::of(&pods);
        Ok(Listing { at, of_pods, server_time, pods, tokens, volumes, secrets, registries })
    }

    /// Waits between two looks and returns how long, unless a signal ends it.
    async fn pause(&self, listing: &Listing) -> Duration {
        let pause = self.context.settings.poll.after(listing.pods.len(), Pace::LATER);
        tokio::select! {
            biased;
            () = interrupted(&self.context.interrupt, Interrupt::First) => Duration::ZERO,
            () = sleep(pause) => pause,
        }
    }

    fn tell_settling(&self, open: &[Case<'_>]) {
        let addresses: Vec<_> = open.iter().map(|case| case.intent.action.address.clone()).collect();
        if let Some(remaining) =
            open.iter().filter_map(|case| Some(case.search.as_ref()?.settled_from())).max()
        {
            self.context.reporter.notice(Notice::Settling { addresses, remaining });
        }
    }
}

fn told(intent: &OpenIntent, fate: Fate) -> Recovered {
    Recovered { action: intent.action.clone(), fate }
}
