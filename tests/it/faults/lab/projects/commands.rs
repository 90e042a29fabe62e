//! The commands of podform, as far as they decide something, over the ports of a schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use podform::apply::{self, Context, Interrupt, Limited, Settings};
use podform::model::address::Address;
use podform::model::clock::{Clock, Moment, SignedDuration};
use podform::model::desired::{Desired, Wanted, WantedVolume};
use podform::model::id::{PodId, ProjectName, RunNonce, VolumeId};
use podform::model::live::Live;
use podform::model::plan::{Approval, ApprovedPlan, Endpoint, Planned};
use podform::model::prior::{Api, Prior, Recorded};
use podform::model::secret::Secrets;
use podform::plan::{
    self, Inputs, KnownObject, Options, Rebuilding, Rebuilt, SeveralStates, rebuild, taken_over,
};
use podform::provider::observe::observe;
use podform::provider::{Observe, ServerTime};
use podform::simulator::World;
use podform::simulator::world::pod::PodId as WorldPodId;
use podform::state::edit::{give_up, rename};
use podform::state::memory::MemoryState;
use podform::state::{Batch, Journal, RecordChange, Run, Store};
use tokio::sync::watch;

use super::wire::Wire;
use super::{Account, Ended, Kept, loaded};
use crate::kit;

/// How long listings may lag.
const SETTLING: Duration = Duration::from_secs(90);

impl Account<'_> {
    /// `podform apply`, or `podform destroy` with that option.
    pub async fn apply(&mut self, place: usize, options: &Options) -> Ended {
        self.runs += 1;
        let Some(desired) = self.desired(place) else { return Ended::Mistaken };
        self.begin_ledger(place, None).await;
        let ended = self.apply_to(place, &desired, options).await;
        self.story.add(|| format!("  {}", shown(&ended)));
        self.check_records(place).await;
        if let Ended::Applied(outcome) = &ended {
            let is_complete = outcome.is_complete();
            self.note_protection(place, is_complete, None).await;
        } else if let Ended::NothingToDo(_) = &ended {
            self.note_protection(place, true, None).await;
        }
        ended
    }

    /// Applies the specs of two projects at the same time.
    pub async fn apply_both(&mut self, places: [usize; 2]) -> [Ended; 2] {
        let options = Options::default();
        let desired = places.map(|place| self.desired(place).expect("a spec without mistakes"));
        self.begin_ledger(places[0], None).await;
        let [first, second] = [0, 1].map(|one| self.apply_to(places[one], &desired[one], &options));
        let ended = tokio::join!(first, second);
        for place in places {
            self.check_records(place).await;
        }
        ended.into()
    }

    /// Returns how much another copy of a state made, as the end of an apply says it.
    pub async fn made_elsewhere(&mut self, place: usize) -> usize {
        let desired = self.desired(place).expect("a spec without mistakes");
        let prior = load(&self.kept(place).state).await;
        let live = self.look(place, &prior).await.expect("a listing");
        plan::made_elsewhere(&desired, &prior, &live).len()
    }

    async fn apply_to(&self, place: usize, desired: &Desired, options: &Options) -> Ended {
        let state = &self.kept(place).state;
        let wire = self.wire(place);
        let run = self.run("apply");
        let limited = Limited::new(&wire, &self.story, self.case.seed);
        let project = ProjectName::new(&self.projects[place].sheet.project);
        let secrets = Secrets::default();
        let context = Context {
            provider: &limited,
            pods: &*self.client,
            journal: state,
            clock: &self.clock,
            reporter: &self.story,
            project: &project,
            secrets: &secrets,
            run: &run,
            settings: Settings { settling: SETTLING, seed: self.case.seed, ..Settings::RUNPOD },
            interrupt: watch::channel(Interrupt::None).1,
        };
        let mut prior = load(state).await;
        if !prior.open.is_empty() {
            if let Err(error) = apply::settle(&prior, context.clone()).await {
                return Ended::CouldNotLook(error.to_string());
            }
            prior = load(state).await;
        }
        let live = match observe(&limited, &prior.to_look_for(), self.clock.now()).await {
            Ok(live) => live,
            Err(error) => return Ended::CouldNotLook(error.to_string()),
        };
        let planned = self.planned(desired, &prior, &live, options);
        match planned {
            Planned::NoChanges(_) => Ended::NothingToDo(Box::new(planned)),
            Planned::Blocked { .. } => Ended::Blocked(Box::new(planned)),
            Planned::Changes(plan) => {
                self.story.add(|| format!("  {}", super::super::shown(&plan)));
                let approved = ApprovedPlan::new(plan, Approval::Flag);
                Ended::Applied(Box::new(apply::execute(&approved, &prior, context).await))
            }
        }
    }

    fn planned(&self, desired: &Desired, prior: &Prior, live: &Live, options: &Options) -> Planned {
        let inputs = Inputs {
            desired,
            prior,
            live,
            catalog: self.catalog,
            secrets: &Secrets::default(),
            api: Api::V2,
            endpoint: &Endpoint::Simulator,
            nonce: &RunNonce::new(self.name("nonce")),
            in_progress: None,
            settling: SignedDuration::try_from(SETTLING).unwrap_or(SignedDuration::MAX),
            options,
        };
        let planned = plan::plan(&inputs);
        let broken = plan::check_bounds(&inputs, planned.plan());
        self.ledger
            .borrow_mut()
            .violations
            .extend(broken.iter().map(|violation| format!("unsound plan: {violation}")));
        planned
    }

    /// `podform state rebuild`.
    pub async fn rebuild(&mut self, place: usize) {
        let Some(mut desired) = self.desired(place) else { return };
        self.begin_ledger(place, None).await;
        let state = &self.kept(place).state;
        let prior = load(state).await;
        let Some(live) = self.look(place, &prior).await else { return };
        let Some(rebuilt) = self.rebuilt(&desired, &prior, &live) else { return };
        rebuilt.name_in(&mut desired);
        let without = rebuilt.beside(&prior, &live);
        let options = Options { taking_over: true, ..Options::to_look() };
        let planned = self.planned(&desired, &without, &live, &options);
        let records: Vec<_> = rebuilt.records(planned.plan(), self.moment()).into_iter().collect();
        self.story.add(|| format!("  takes {:?}, leaves {:?}", ids(&records), rebuilt.left));
        let given_up = self.kept(place).given_up.clone();
        let recorded = recorded_ids(&prior);
        let project = &self.projects[place].sheet.project;
        self.simulation.inspect(|world| {
            self.ledger.borrow_mut().note_rebuild(world, project, &given_up, &recorded);
        });
        self.commit(place, "state rebuild", changes(&rebuilt, &prior, records)).await;
    }

    /// Finds what a state had recorded; of several states that which has the most pods.
    fn rebuilt(&self, desired: &Desired, prior: &Prior, live: &Live) -> Option<Rebuilt> {
        let from = Rebuilding { desired, prior, live, lineage: None, now: self.moment() };
        match rebuild(from) {
            Ok(rebuilt) => Some(rebuilt),
            Err(SeveralStates { pods }) => {
                let (lineage, _) = pods.iter().max_by_key(|(_, pods)| **pods)?;
                self.story.add(|| format!("  of {pods:?} {lineage}"));
                rebuild(Rebuilding { lineage: Some(lineage), ..from }).ok()
            }
        }
    }

    fn moment(&self) -> Moment {
        Moment { here: self.clock.now(), there: self.client.server_time().map(ServerTime::now) }
    }

    /// `podform import ADDRESS ID`, for an address that the spec has.
    pub async fn import(&mut self, place: usize, address: &Address, id: &str) {
        let Some(mut desired) = self.desired(place) else { return };
        match desired.wanted.get_mut(address) {
            Some(Wanted::Pod(pod)) => pod.adopt = Some(PodId::new(id)),
            Some(Wanted::Volume(WantedVolume::Managed { adopt, .. })) => *adopt = Some(VolumeId::new(id)),
            Some(
                Wanted::Volume(WantedVolume::Referenced { id: _ }) | Wanted::Secret(_) | Wanted::Registry(_),
            )
            | None => return,
        }
        self.begin_ledger(place, Some(id)).await;
        let state = &self.kept(place).state;
        let prior = load(state).await;
        let Some(live) = self.look(place, &prior).await else { return };
        let options = Options { taking_over: true, ..Options::to_look() };
        let planned = self.planned(&desired, &prior, &live, &options);
        let mut records = taken_over(planned.plan(), self.moment());
        records.retain(|(at, _)| at == address);
        self.story.add(|| format!("  takes {:?}", ids(&records)));
        self.commit(place, "import", put(records)).await;
        let recorded = recorded_ids(&load(&self.kept(place).state).await);
        self.ledger.borrow_mut().note_named(&self.projects[place].sheet.project, &recorded);
    }

    /// `podform state mv`.
    pub(super) async fn rename_in_state(&mut self, place: usize, from: &Address, to: &Address) {
        self.begin_ledger(place, None).await;
        let prior = load(&self.kept(place).state).await;
        match rename(&prior, from, to) {
            Ok(changes) => self.commit(place, "state mv", changes).await,
            Err(error) => self.story.add(|| format!("  {error}")),
        }
    }

    /// `podform state rm`.
    pub(super) async fn give_up(&mut self, place: usize, address: &Address) {
        let prior = load(&self.kept(place).state).await;
        match give_up(&prior, address) {
            Ok(changes) => {
                let recorded = &prior.objects[address];
                let project = self.projects[place].sheet.project.clone();
                for id in recorded.ids().map(|id| id.to_string()) {
                    let forms = self.ledger.borrow().forms(&id);
                    self.ledger.borrow_mut().note_given_up(&id, &project);
                    if let Some(kept) = self.projects[place].states.get_mut(&project) {
                        kept.given_up.extend(forms);
                    }
                }
                self.begin_ledger(place, None).await;
                self.commit(place, "state rm", changes).await;
            }
            Err(error) => self.story.add(|| format!("  {error}")),
        }
    }

    /// Writes changes of the record as a run of their own.
    async fn commit(&mut self, place: usize, command: &str, changes: Vec<RecordChange>) {
        self.runs += 1;
        let run = self.run(command);
        let state = &self.kept(place).state;
        state.begin(&run).await.expect("a state that can be written");
        let put = changes.iter().filter_map(RecordChange::entry).map(|(address, _)| address.clone());
        let put: BTreeSet<Address> = put.collect();
        let written = state.commit(&Batch { entries: Vec::new(), changes }).await;
        if let Err(error) = written {
            self.story.add(|| format!("  {error}"));
        }
        state.finish(&run.id, self.clock.now(), "").await.expect("a state that can be written");
        self.check_records(place).await;
        self.note_protection(place, false, Some(&put)).await;
    }

    async fn look(&self, place: usize, prior: &Prior) -> Option<Live> {
        let wire = self.wire(place);
        let limited = Limited::new(&wire, &self.story, self.case.seed);
        observe(&limited, &prior.to_look_for(), self.clock.now()).await.ok()
    }

    fn wire(&self, place: usize) -> Wire<'_> {
        Wire {
            client: std::rc::Rc::clone(&self.client),
            simulation: self.simulation,
            ledger: &self.ledger,
            project: &self.projects[place].sheet.project,
            reading: self.case.reading,
        }
    }

    fn run(&self, command: &str) -> Run {
        Run { command: command.to_owned(), ..kit::run(self.name("run"), self.clock.now()) }
    }

    /// Reads the spec of a project; `None` if it has mistakes, as no command goes further then.
    fn desired(&self, place: usize) -> Option<Desired> {
        match loaded(&self.projects[place].sheet) {
            Ok(desired) => Some(desired),
            Err(mistakes) => {
                self.story.add(|| format!("  {mistakes}"));
                None
            }
        }
    }

    pub(super) fn kept(&self, place: usize) -> &Kept {
        let project = &self.projects[place];
        &project.states[&project.sheet.project]
    }

    /// Tells the ledger what the run that begins must not take away, and what it may take: what the spec or the command
    /// names.
    async fn begin_ledger(&self, place: usize, imported: Option<&str>) {
        let kept = self.kept(place);
        let sheet = &self.projects[place].sheet;
        let prior = load(&kept.state).await;
        let mut protected = kept.protected.clone();
        for (address, recorded) in &prior.objects {
            if sheet.protects(&address.to_string()) {
                protected.extend(recorded.ids().map(|id| id.to_string()));
            }
        }
        let mut ledger = self.ledger.borrow_mut();
        ledger.protected = protected;
        ledger.forget_offers(&sheet.project);
        for id in sheet.named().into_iter().chain(imported) {
            // What carries another project's mark cannot be had so.
            if self.simulation.inspect(|world| marked(world, id)).is_none_or(|marked| marked == sheet.project)
            {
                ledger.note_offered(id, &sheet.project);
            }
        }
    }

    /// Compares what is recorded with what may be.
    pub(super) async fn check_records(&self, place: usize) {
        let prior = load(&self.kept(place).state).await;
        let current = recorded_ids(&prior);
        let deposed = prior.objects.values().flat_map(|recorded| &recorded.record.deposed);
        let deposed: BTreeSet<String> = deposed.map(ToString::to_string).collect();
        let project = &self.projects[place].sheet.project;
        let mut ledger = self.ledger.borrow_mut();
        self.simulation.inspect(|world| ledger.check_records(world, project, &current, &deposed));
    }

    /// Notes what the spec protects of what a run recorded, and what it does not any more once all of a run is done.
    async fn note_protection(&mut self, place: usize, is_complete: bool, put: Option<&BTreeSet<Address>>) {
        let prior = load(&self.kept(place).state).await;
        let project = &mut self.projects[place];
        let name = project.sheet.project.clone();
        let Some(kept) = project.states.get_mut(&name) else { return };
        for (address, recorded) in &prior.objects {
            if put.is_some_and(|put| !put.contains(address)) {
                continue;
            }
            let address = address.to_string();
            if project.sheet.protects(&address) {
                kept.protected.insert(recorded.id.to_string());
            } else if is_complete && project.sheet.unprotects(&address) {
                kept.protected.remove(&recorded.id.to_string());
            }
        }
    }
}

/// Returns the project whose mark an object carries: the first part of a pod's, and of a volume's name that is one,
/// `<project>.<key>.<token8>`.
fn marked(world: &World, id: &str) -> Option<String> {
    let pod = world.any_pod(&WorldPodId(id.to_owned()));
    if let Some(mark) = pod.and_then(|pod| pod.settings.env.get("PODFORM_MARK")) {
        return mark.split('/').next().map(str::to_owned);
    }
    let parts: Vec<&str> = world.volume(id).ok()?.name.split('.').collect();
    match parts[..] {
        [project, _, token] if token.len() == 8 => Some(project.to_owned()),
        _ => None,
    }
}

pub(super) async fn load(state: &MemoryState) -> Prior {
    state.load().await.expect("a state that can be read")
}

fn put(records: Vec<(Address, Recorded)>) -> Vec<RecordChange> {
    records.into_iter().map(|(address, recorded)| RecordChange::Put(address, Box::new(recorded))).collect()
}

fn changes(rebuilt: &Rebuilt, prior: &Prior, records: Vec<(Address, Recorded)>) -> Vec<RecordChange> {
    let lineage = if prior.objects.is_empty() { &rebuilt.lineage } else { &prior.lineage };
    let mut changes = vec![RecordChange::Continue { lineage: lineage.clone(), above: rebuilt.above }];
    changes.extend(rebuilt.known().into_iter().map(|KnownObject { address, recorded, created }| {
        RecordChange::Know(address, Box::new(recorded), created)
    }));
    changes.extend(put(records));
    changes
}

fn ids(records: &[(Address, Recorded)]) -> Vec<String> {
    records.iter().map(|(address, recorded)| format!("{address} {}", recorded.id)).collect()
}

fn shown(ended: &Ended) -> String {
    match ended {
        Ended::Mistaken => "the spec has mistakes".to_owned(),
        Ended::NothingToDo(planned) => format!("nothing to do, findings {:?}", planned.plan().findings),
        Ended::Blocked(planned) => match &**planned {
            Planned::Blocked { reasons, plan } => format!("blocked: {reasons:?} held {:?}", plan.held),
            Planned::NoChanges(_) | Planned::Changes(_) => "blocked".to_owned(),
        },
        Ended::Applied(outcome) => format!("{outcome:?}"),
        Ended::CouldNotLook(error) => format!("could not look: {error}"),
    }
}

/// Returns what a state has on record, by address.
fn recorded_ids(prior: &Prior) -> BTreeMap<String, String> {
    prior.objects.iter().map(|(address, recorded)| (address.to_string(), recorded.id.to_string())).collect()
}
