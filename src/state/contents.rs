//! Everything that a state holds, in memory, and what a write makes of it. Pure.
//!
//! A write is judged and worked out first, as a [`Delta`], and [`absorbed`](Contents::absorb) when it is durable: so it is
//! all or nothing, and a store that keeps rows writes those that the delta names. A holder of the lock who has read the
//! contents under it can judge his writes alone, as nobody else writes.

use std::collections::{BTreeMap, BTreeSet};

use super::fold::{self, Begun};
use super::refused::Refused;
use super::{Batch, PastRun, RecordChange, Run, Standing, known_by_record};
use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::id::{Lineage, RemoteId, RunId, Serial};
use crate::model::job::UnseenJob;
use crate::model::journal::{Entry, Event};
use crate::model::marker::Token;
use crate::model::plan::ActionId;
use crate::model::prior::{Binding, KnownToken, Prior, Recorded};

/// What the holder of the lock writes in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The beginning of a run.
    Begin(Run),
    /// Events, and what they change.
    Commit(Batch),
    /// The end of a run.
    Finish {
        run: RunId,
        at: Timestamp,
        /// How it ended, in words.
        summary: String,
    },
}

/// Everything that a state holds.
#[derive(Clone, Debug)]
pub struct Contents {
    /// To what it belongs; `None` before its first use.
    pub(super) owner: Option<Binding>,
    pub(super) standing: Standing,
    pub(super) lineage: Lineage,
    pub(super) serial: Serial,
    pub(super) objects: BTreeMap<Address, Recorded>,
    pub(super) tokens: BTreeMap<Token, KnownToken>,
    pub(super) unseen: BTreeMap<Address, UnseenJob>,
    /// The runs in their order, without their events.
    pub(super) runs: Vec<PastRun>,
    /// Events in their order: all of them, or at least those of runs that have not ended and of actions that are open.
    pub(super) entries: Vec<Entry>,
    /// Where each run stands among `runs`.
    places: BTreeMap<RunId, usize>,
    /// How far each action of `entries` came.
    actions: BTreeMap<(RunId, ActionId), Begun>,
    /// At which address each object is.
    addresses: BTreeMap<RemoteId, Address>,
}

/// What one write makes of a state.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    /// To what the state belongs from its first write on.
    pub(super) owner: Option<Binding>,
    /// The lineage, where it becomes another one.
    pub(super) lineage: Option<Lineage>,
    /// The serial after it.
    pub(super) serial: Serial,
    pub(super) begun: Option<Run>,
    pub(super) finished: Option<(RunId, Timestamp, String)>,
    pub(super) entries: Vec<Entry>,
    /// Each address whose record changes, with what it has then.
    pub(super) objects: BTreeMap<Address, Option<Recorded>>,
    /// Each token of which something changes, with what is known of it then.
    pub(super) tokens: BTreeMap<Token, KnownToken>,
    /// Each address of whose job something else is known, with what that is.
    pub(super) unseen: BTreeMap<Address, Option<UnseenJob>>,
    actions: BTreeMap<(RunId, ActionId), Begun>,
}

impl Contents {
    /// Returns a state before its first use; `proposed` is the lineage that it will get.
    pub fn empty(proposed: Lineage) -> Self {
        Self::from_prior(Prior::empty(proposed))
    }

    /// Returns a state that has records and no events; what the journal has open is left out.
    pub fn from_prior(prior: Prior) -> Self {
        let Prior { lineage, serial, objects, tokens, open: _, unseen } = prior;
        let addresses =
            objects.iter().map(|(address, recorded)| (recorded.id.clone(), address.clone())).collect();
        Self {
            owner: None,
            standing: Standing::Active,
            lineage,
            serial,
            objects,
            tokens,
            unseen,
            runs: Vec::new(),
            entries: Vec::new(),
            places: BTreeMap::new(),
            actions: BTreeMap::new(),
            addresses,
        }
    }

    /// Puts together what was read.
    ///
    /// # Errors
    /// It contradicts itself.
    pub(super) fn of_parts(
        (owner, standing): (Option<Binding>, Standing),
        prior: Prior,
        runs: Vec<PastRun>,
        entries: Vec<Entry>,
    ) -> Result<Self, Refused> {
        ensure_recorded_once(&prior.objects)?;
        let mut contents = Self { owner, standing, ..Self::from_prior(prior) };
        for past in runs {
            let id = past.run.id.clone();
            if contents.places.insert(id.clone(), contents.runs.len()).is_some() {
                return Err(Refused::RunExists(id));
            }
            contents.runs.push(past);
        }
        for entry in entries {
            contents.ensure_begun(&entry.run)?;
            let key = (entry.run.clone(), entry.action.clone());
            let number = contents.entries.len();
            let begun = fold::advance(contents.actions.get(&key), number, &entry).map_err(Refused::Order)?;
            contents.actions.insert(key, begun);
            contents.entries.push(entry);
        }
        Ok(contents)
    }

    /// Returns the same with another standing.
    pub fn standing_as(self, standing: Standing) -> Self {
        Self { standing, ..self }
    }

    /// Returns the same without knowing any more whether these jobs have run.
    #[must_use]
    pub fn not_knowing(mut self, jobs: impl IntoIterator<Item = Address>) -> Self {
        self.unseen.extend(jobs.into_iter().map(|address| (address, UnseenJob::NotKnown)));
        self
    }

    /// Tells whether it was ever used, and is not merely a place whose lock somebody took.
    pub fn is_used(&self) -> bool {
        self.owner.is_some()
    }

    /// Returns the standing.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Returns the runs in their order, without their events.
    pub fn runs(&self) -> &[PastRun] {
        &self.runs
    }

    /// Tells whether it is the same state with the same contents, whatever their standing.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        let Self { owner, standing: _, lineage, serial, objects, tokens, unseen, runs, entries, .. } = self;
        (owner, lineage, serial) == (&other.owner, &other.lineage, &other.serial)
            && (objects, tokens, unseen) == (&other.objects, &other.tokens, &other.unseen)
            && (runs, entries) == (&other.runs, &other.entries)
    }

    /// Returns what a plan needs.
    pub fn prior(&self) -> Prior {
        Prior {
            lineage: self.lineage.clone(),
            serial: self.serial,
            objects: self.objects.clone(),
            tokens: self.tokens.clone(),
            open: fold::open(self.actions.values()),
            unseen: self.unseen.clone(),
        }
    }

    /// Returns all runs with their events, the oldest first.
    pub fn history(&self) -> Vec<PastRun> {
        let mut by_run: BTreeMap<&RunId, Vec<Entry>> = BTreeMap::new();
        for entry in &self.entries {
            by_run.entry(&entry.run).or_default().push(entry.clone());
        }
        let with_entries = |past: &PastRun| {
            let entries = by_run.remove(&past.run.id).unwrap_or_default();
            PastRun { entries, ..past.clone() }
        };
        self.runs.iter().map(with_entries).collect()
    }

    /// Judges a write of a state that belongs to `owner` from its first use on, and returns what it makes of this state.
    ///
    /// # Errors
    /// It contradicts what is recorded: a defect of the caller.
    pub(super) fn draft(&self, owner: Option<&Binding>, write: &Write) -> Result<Delta, Refused> {
        let mut draft = Draft {
            base: self,
            delta: Delta {
                owner: owner.filter(|_| self.owner.is_none()).cloned(),
                serial: self.serial,
                ..Delta::default()
            },
        };
        match write {
            Write::Begin(run) => {
                if self.places.contains_key(&run.id) {
                    return Err(Refused::RunExists(run.id.clone()));
                }
                draft.delta.begun = Some(run.clone());
            }
            Write::Commit(batch) => draft.commit(batch)?,
            Write::Finish { run, at, summary } => {
                self.ensure_begun(run)?;
                draft.delta.finished = Some((run.clone(), *at, summary.clone()));
            }
        }
        Ok(draft.delta)
    }

    /// Takes over what a write made of this state.
    pub(super) fn absorb(&mut self, delta: Delta) {
        let Delta { owner, lineage, serial, begun, finished, entries, objects, tokens, unseen, actions } =
            delta;
        self.owner = owner.or(self.owner.take());
        if let Some(lineage) = lineage {
            self.lineage = lineage;
        }
        self.serial = serial;
        if let Some(run) = begun {
            self.places.insert(run.id.clone(), self.runs.len());
            self.runs.push(PastRun { run, ended_at: None, summary: None, entries: Vec::new() });
        }
        if let Some((run, at, summary)) = finished
            && let Some(past) = self.places.get(&run).and_then(|place| self.runs.get_mut(*place))
        {
            past.ended_at = Some(at);
            past.summary = Some(summary);
        }
        self.entries.extend(entries);
        self.actions.extend(actions);
        self.tokens.extend(tokens);
        for address in objects.keys() {
            if let Some(former) = self.objects.get(address) {
                self.addresses.remove(&former.id);
            }
        }
        for (address, job) in unseen {
            match job {
                Some(job) => drop(self.unseen.insert(address, job)),
                None => drop(self.unseen.remove(&address)),
            }
        }
        for (address, recorded) in objects {
            match recorded {
                Some(recorded) => {
                    self.addresses.insert(recorded.id.clone(), address.clone());
                    self.objects.insert(address, recorded);
                }
                None => {
                    self.objects.remove(&address);
                }
            }
        }
    }

    fn ensure_begun(&self, run: &RunId) -> Result<(), Refused> {
        if self.places.contains_key(run) { Ok(()) } else { Err(Refused::RunUnknown(run.clone())) }
    }
}

/// Refuses records that no write of ours has made, as each address would act on what is the other one's.
///
/// # Errors
/// Two of them are of one object.
pub(super) fn ensure_recorded_once(objects: &BTreeMap<Address, Recorded>) -> Result<(), Refused> {
    let mut seen: BTreeMap<&RemoteId, &Address> = BTreeMap::new();
    for (address, Recorded { id, .. }) in objects {
        if let Some(earlier) = seen.insert(id, address) {
            let (one, other) = (earlier.clone(), address.clone());
            return Err(Refused::ReadTwice { id: id.to_string(), one, other });
        }
    }
    Ok(())
}

/// A write that is being worked out: what is not in the delta yet is as it was before.
struct Draft<'a> {
    base: &'a Contents,
    delta: Delta,
}

impl Draft<'_> {
    fn commit(&mut self, batch: &Batch) -> Result<(), Refused> {
        let Batch { entries, changes } = batch;
        for entry in entries {
            self.append(entry)?;
        }
        for change in changes {
            self.change(change)?;
        }
        self.refuse_recorded_twice()?;
        self.delta.serial.0 += 1;
        Ok(())
    }

    fn object(&self, address: &Address) -> Option<&Recorded> {
        match self.delta.objects.get(address) {
            Some(changed) => changed.as_ref(),
            None => self.base.objects.get(address),
        }
    }

    fn unseen(&self, address: &Address) -> Option<&UnseenJob> {
        match self.delta.unseen.get(address) {
            Some(changed) => changed.as_ref(),
            None => self.base.unseen.get(address),
        }
    }

    /// Forgets what was known of a job beside its record.
    fn see(&mut self, address: &Address) {
        if self.unseen(address).is_some() {
            self.delta.unseen.insert(address.clone(), None);
        }
    }

    /// Has what jobs were given name an object by its new address.
    fn rename_in_jobs(&mut self, from: &Address, to: &Address) {
        let known: BTreeSet<&Address> = self.base.unseen.keys().chain(self.delta.unseen.keys()).collect();
        let renamed = known.into_iter().filter_map(|address| {
            let job = self.unseen(address)?;
            let renamed = job.renamed(|named| if named == from { to } else { named }.clone());
            (renamed != *job).then(|| (address.clone(), Some(renamed)))
        });
        let renamed: Vec<_> = renamed.collect();
        self.delta.unseen.extend(renamed);
    }

    fn token(&self, token: &Token) -> Option<&KnownToken> {
        self.delta.tokens.get(token).or_else(|| self.base.tokens.get(token))
    }

    /// Appends one event, if it may follow what the journal has of its action.
    fn append(&mut self, entry: &Entry) -> Result<(), Refused> {
        let Entry { at, run, action, event } = entry;
        self.base.ensure_begun(run)?;
        let key = (run.clone(), action.clone());
        let earlier = self.delta.actions.get(&key).or_else(|| self.base.actions.get(&key));
        let number = self.base.entries.len() + self.delta.entries.len();
        let begun = fold::advance(earlier, number, entry).map_err(Refused::Order)?;
        self.delta.actions.insert(key, begun);
        self.delta.entries.push(entry.clone());
        if let Event::Intended { attempt: _, token: Some(token), asked, server_time } = event {
            let asked = asked.clone().ok_or_else(|| Refused::NothingAsked(token.clone()))?;
            // An intent that waited too long is committed again, with the same token.
            let known = KnownToken {
                address: action.address.clone(),
                intended_at: *at,
                server_time: *server_time,
                asked,
                tombstone: self.token(token).is_some_and(|known| known.tombstone),
            };
            self.delta.tokens.insert(token.clone(), known);
        }
        Ok(())
    }

    /// Makes one change of the records.
    fn change(&mut self, change: &RecordChange) -> Result<(), Refused> {
        match change {
            RecordChange::Put(address, recorded) => {
                self.learn(address, recorded, None);
                // What is recorded is given up no longer: somebody took it over again.
                let given_up = recorded
                    .record
                    .token
                    .as_ref()
                    .filter(|token| self.token(token).is_some_and(|known| known.tombstone));
                if let Some(token) = given_up {
                    self.change_token(token, |known| known.tombstone = false)?;
                }
                // Another pod has another run, and one that was seen when its run had ended has told of it.
                if recorded.has_told_its_end()
                    || self.object(address).is_none_or(|before| before.id != recorded.id)
                {
                    self.see(address);
                }
                self.delta.objects.insert(address.clone(), Some(recorded.as_ref().clone()));
            }
            RecordChange::Remove(address) => {
                self.see(address);
                self.delta.objects.insert(address.clone(), None);
            }
            RecordChange::Unseen(address, job) => {
                self.delta.unseen.insert(address.clone(), Some(job.clone()));
            }
            RecordChange::Know(address, recorded, asked) => self.learn(address, recorded, *asked),
            RecordChange::Continue { lineage, above } => {
                self.delta.lineage = Some(lineage.clone());
                self.delta.serial = self.delta.serial.max(*above);
            }
            RecordChange::Rename { from, to } => {
                if self.object(to).is_some() {
                    return Err(Refused::AddressTaken(to.clone()));
                }
                let (recorded, unseen) = (self.object(from).cloned(), self.unseen(from).cloned());
                if recorded.is_none() && unseen.is_none() {
                    return Err(Refused::NotRecorded(from.clone()));
                }
                self.see(from);
                self.see(to);
                if unseen.is_some() {
                    self.delta.unseen.insert(to.clone(), unseen);
                }
                self.rename_in_jobs(from, to);
                if recorded.is_some() {
                    self.delta.objects.insert(from.clone(), None);
                    self.delta.objects.insert(to.clone(), recorded);
                }
            }
            RecordChange::Doubt(token) => self.change_token(token, |known| known.server_time = None)?,
            RecordChange::Tombstone(token) => self.change_token(token, |known| known.tombstone = true)?,
        }
        Ok(())
    }

    fn change_token(&mut self, token: &Token, change: impl FnOnce(&mut KnownToken)) -> Result<(), Refused> {
        let known = self.token(token).cloned().ok_or_else(|| Refused::TokenUnknown(token.clone()))?;
        change(self.delta.tokens.entry(token.clone()).or_insert(known));
        Ok(())
    }

    /// Keeps the token of an object that the journal has not seen.
    fn learn(&mut self, address: &Address, recorded: &Recorded, server_time: Option<Timestamp>) {
        let Some(token) = recorded.record.token.as_ref().filter(|token| self.token(token).is_none()) else {
            return;
        };
        let known = known_by_record(address, recorded, server_time);
        self.delta.tokens.insert(token.clone(), known);
    }

    /// Refuses two addresses for one object.
    fn refuse_recorded_twice(&self) -> Result<(), Refused> {
        let mut written: BTreeMap<&RemoteId, &Address> = BTreeMap::new();
        for (address, recorded) in &self.delta.objects {
            let Some(Recorded { id, .. }) = recorded else { continue };
            let stays = |other: &&Address| !self.delta.objects.contains_key(*other);
            let elsewhere = self.base.addresses.get(id).filter(stays);
            if written.insert(id, address).or(elsewhere).is_some() {
                return Err(Refused::RecordedTwice(id.to_string()));
            }
        }
        Ok(())
    }
}
