//! What a run does that found nothing free: when it tries again, and when it has waited long enough.
//!
//! A run with something to wait for goes in rounds. Each is a run of the engine under the lock with a plan of its own; in
//! between nothing of it is open, and others may take the lock. What is kept from one round to the next is here, in
//! memory alone: whoever dies in between has nothing to recover. Pure: the shell asks [`Waiting::next`], sleeps, and
//! tells how the next round went. How long a wait has lasted is told by RunPod's clock, and only where that is not told by the
//! time that this process has run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::address::Address;
use crate::model::clock::Timestamp;
use crate::model::outcome::{EndResult, Ended, Outcome};
use crate::model::plan::{ActionId, Attempt, Plan, Step};
use crate::model::pod::{Cloud, Storage};
use crate::model::prior::Recorded;
use crate::model::retry::{Patience, Waits};
use crate::model::seconds::Seconds;

use super::shown;

/// A moment of a wait, by both clocks that may tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// By RunPod's clock, where an answer told it.
    pub there: Option<Timestamp>,
    /// By how long this process has run.
    pub ran: Duration,
}

impl Told {
    /// Returns how long after another moment this is. A clock that went back tells of no time at all.
    fn since(self, earlier: Self) -> Duration {
        match (earlier.there, self.there) {
            (Some(earlier), Some(now)) => now.duration_since(earlier).try_into().unwrap_or_default(),
            (Some(_), None) | (None, Some(_) | None) => self.ran.saturating_sub(earlier.ran),
        }
    }
}

/// RunPod tells its time in whole seconds, so a moment has come once it is less than one away.
const GRAIN: Duration = Duration::from_secs(1);

/// Tells whether an attempt may be made after so long a wait.
pub fn is_open(attempt: &Attempt, waited: Duration) -> bool {
    attempt.after.is_none_or(|after| after.duration() <= waited + GRAIN)
}

/// Tells whether a wait for capacity may come to something: there was none in a cloud where pods may be created.
///
/// Which other candidates were refused, for which reasons and in which order, says nothing about that.
pub fn may_help(full: &BTreeSet<Cloud>, forbidden: &BTreeSet<Cloud>) -> bool {
    full.difference(forbidden).next().is_some()
}

/// All rounds of one run.
#[derive(Debug)]
pub struct Waiting {
    at_least: Option<Seconds>,
    waits: BTreeMap<ActionId, Wait>,
    outcome: Outcome,
    tokens_used: BTreeMap<Address, u32>,
    /// When the last round began; what takes long in it is no wait for capacity.
    turn: Option<Told>,
}

/// An action that found nothing free.
#[derive(Debug)]
struct Wait {
    patience: Patience,
    /// When more ways open, counted from the beginning.
    opens: BTreeSet<Seconds>,
    began: Told,
    last: Told,
    tries: u32,
    /// What was paid for pods that never ran, in words.
    given_up: Vec<String>,
}

/// What follows a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Who waits.
    pub addresses: BTreeSet<Address>,
    /// Until the next try.
    pub next: Duration,
    /// Until the last try of the most patient one.
    pub left: Duration,
}

impl Waiting {
    /// Begins; a run may wait longer than the spec says.
    pub fn new(at_least: Option<Seconds>) -> Self {
        Self {
            at_least,
            waits: BTreeMap::new(),
            outcome: Outcome::default(),
            tokens_used: BTreeMap::new(),
            turn: None,
        }
    }

    /// Begins a round, and returns what it is told of the waits so far.
    pub fn begin(&mut self, now: Told) -> Waits {
        self.turn = Some(now);
        let waited = self.waits.iter().map(|(id, wait)| (id.address.clone(), now.since(wait.began)));
        Waits { at_least: self.at_least, waited: waited.collect() }
    }

    /// Returns how many tokens of the run's nonce each address has had.
    pub fn tokens_used(&self) -> &BTreeMap<Address, u32> {
        &self.tokens_used
    }

    /// Returns how every action ended, those that wait included.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Takes in how a round with a part of the approved plan ended.
    pub fn take(&mut self, approved: &Plan, round: &Plan, ended: Outcome, now: Told) {
        for (id, action) in &round.actions {
            let tokens = u32::try_from(action.operation.attempts().len() * 2).unwrap_or(u32::MAX);
            let used = self.tokens_used.entry(id.address.clone()).or_default();
            *used = used.saturating_add(tokens);
        }
        let Outcome { actions, stopped_by } = ended;
        self.outcome.stopped_by = stopped_by;
        for (id, ended) in actions {
            let attempts =
                round.actions.get(&id).map(|action| action.operation.attempts()).unwrap_or_default();
            let id = name_in(approved, id);
            let patience = approved.actions.get(&id).and_then(|action| action.operation.patience());
            let ended = self.waited(&id, ended, (patience, attempts), now);
            self.outcome.actions.insert(id, ended);
        }
    }

    /// Returns how an action stands after a round in which it ended so.
    fn waited(
        &mut self,
        id: &ActionId,
        ended: Ended,
        (patience, attempts): (Option<Patience>, &[Attempt]),
        now: Told,
    ) -> Ended {
        let Ended { result, id: object, attempts: refused, given_up, replaced, ready_after, log, lasting } =
            ended;
        // It was in whichever round, and the later ones only make the other pod.
        let replaced = replaced || self.outcome.actions.get(id).is_some_and(|before| before.replaced);
        // Of earlier rounds only that is told which cost something: they were refused alike.
        let before = self.waits.get(id).map(|wait| wait.given_up.clone()).unwrap_or_default();
        let refused: Vec<String> = before.iter().cloned().chain(refused).collect();
        let given_up: Vec<String> = before.into_iter().chain(given_up).collect();
        let all = given_up.clone();
        let ended = |result, attempts| Ended {
            result,
            id: object,
            attempts,
            given_up,
            replaced,
            ready_after,
            log,
            lasting,
        };
        let turn = self.turn.unwrap_or(now);
        let told = |wait: &Wait, refused: Vec<String>| {
            let waited = shown(turn.since(wait.began));
            let times = if wait.tries == 1 { "once".to_owned() } else { format!("{} times", wait.tries) };
            refused.into_iter().chain([format!("for {waited}, {times} without capacity")]).collect()
        };
        let EndResult::NoCapacity(why) = result else {
            let wait = self.waits.remove(id);
            let attempts = wait.map_or(refused.clone(), |wait| told(&wait, refused));
            return ended(result, attempts);
        };
        let patience = Waits { at_least: self.at_least, ..Waits::default() }.patience(patience);
        let Some(patience) = patience else {
            return ended(EndResult::Failed(why), refused);
        };
        let opens = attempts.iter().filter_map(|attempt| attempt.after).collect();
        let wait = self.waits.entry(id.clone()).or_insert_with(|| Wait {
            patience,
            opens,
            began: now,
            last: now,
            tries: 0,
            given_up: Vec::new(),
        });
        wait.given_up = all;
        wait.tries += 1;
        wait.last = now;
        if !wait.is_over(now) {
            return ended(EndResult::NoCapacity(why), refused);
        }
        let result = wait.in_vain(&why, now);
        self.waits.remove(id);
        ended(result, refused)
    }

    /// Returns what to wait for; nothing once no action waits, or if something ended the run.
    pub fn next(&self, now: Told) -> Option<Pause> {
        if self.outcome.stopped_by.is_some() {
            return None;
        }
        let next = self.waits.values().map(|wait| wait.next(now)).min()?;
        let left = self.waits.values().map(|wait| wait.left(now)).max()?;
        let addresses = self.waits.keys().map(|id| id.address.clone()).collect();
        Some(Pause { addresses, next, left })
    }

    /// Returns the actions whose time has come.
    pub fn due(&self, now: Told) -> BTreeSet<ActionId> {
        let due = self.waits.iter().filter(|(_, wait)| wait.next(now) <= GRAIN);
        due.map(|(id, _)| id.clone()).collect()
    }

    /// Notes that a try could not be made, and tells whether there is time for another one.
    pub fn postpone(&mut self, now: Told) -> bool {
        self.waits.values_mut().for_each(|wait| wait.last = now);
        self.waits.values().any(|wait| !wait.left(now).is_zero())
    }

    /// Notes that an action could not be tried in its turn. If there is none after that, it has waited in vain.
    pub fn put_off(&mut self, id: &ActionId, now: Told) {
        let Some(wait) = self.waits.get_mut(id) else { return };
        wait.last = now;
        if wait.is_over(now)
            && let Some(ended) = self.outcome.actions.get_mut(id)
            && let EndResult::NoCapacity(why) = &mut ended.result
        {
            ended.result = wait.in_vain(why, now);
            self.waits.remove(id);
        }
    }

    /// Notes that somebody else did what was waited for, so that it is none of what the run did.
    pub fn not_needed(&mut self, id: &ActionId) {
        self.waits.remove(id);
        self.outcome.actions.remove(id);
    }

    /// Returns how every action has ended, with how long those have waited by now that still do.
    pub fn so_far(&self, now: Told) -> Outcome {
        let mut outcome = self.outcome.clone();
        for (id, wait) in &self.waits {
            let Some(ended) = outcome.actions.get_mut(id) else { continue };
            if let EndResult::NoCapacity(why) = &mut ended.result {
                *why = wait.told(why, now);
            }
        }
        outcome
    }

    /// Ends all waits and returns how every action ended.
    pub fn end(self) -> Outcome {
        self.outcome
    }
}

impl Wait {
    /// Returns the time until the next try: the next turn, the moment in which more ways open, or the last one.
    fn next(&self, now: Told) -> Duration {
        let waited = now.since(self.began);
        let turn = self.last.since(self.began) + self.patience.every.duration();
        let tried_after = self.last.since(self.began);
        let opens =
            self.opens.iter().map(|opens| opens.duration()).filter(|opens| *opens > tried_after + GRAIN);
        let at = opens.chain([turn, self.patience.within.duration()]).min().unwrap_or(turn);
        at.saturating_sub(waited)
    }

    fn is_over(&self, now: Told) -> bool {
        now.since(self.began) + GRAIN >= self.patience.within.duration()
    }

    /// Returns how an action ends that was refused so in all its time.
    fn in_vain(&self, why: &str, now: Told) -> EndResult {
        EndResult::Failed(self.told(why, now))
    }

    /// Says why an action was refused, how long and how often.
    fn told(&self, why: &str, now: Told) -> String {
        let waited = shown(now.since(self.began));
        let tries = if self.tries == 1 { "1 try".to_owned() } else { format!("{} tries", self.tries) };
        format!("{why}; waited {waited} for capacity, {tries}")
    }

    fn left(&self, now: Told) -> Duration {
        self.patience.within.duration().saturating_sub(now.since(self.began))
    }
}

/// Returns the name that an action has in the approved plan: the create that a start turned into is that start.
fn name_in(approved: &Plan, id: ActionId) -> ActionId {
    let start = ActionId { address: id.address.clone(), step: Step::Start };
    let is_part = id.step == Step::Create
        && !approved.actions.contains_key(&id)
        && approved.actions.get(&start).is_some_and(|action| action.operation.creation().is_some());
    if is_part { start } else { id }
}

/// Says what can be done about a pod whose host has no free GPU, and what each way costs in data; `waits` where the spec
/// has it wait already.
pub fn ways_out(recorded: Option<&Recorded>, waits: bool) -> String {
    let pod = recorded.and_then(|recorded| recorded.record.object.pod());
    let lost = match pod.map(|pod| &pod.container.storage) {
        Some(Storage::Local { size, path }) => format!("loses the {size} at `{path}`"),
        Some(Storage::Network { .. }) => "loses its container disk and keeps its network volume".to_owned(),
        Some(Storage::None) | None => "loses its container disk".to_owned(),
    };
    let wait = if waits {
        "a longer `retry`, or `--wait-capacity 8h` for one run, waits on"
    } else {
        "`on_stuck_resume: wait` with `retry`, or `--wait-capacity 2h` for one run, waits"
    };
    format!(
        "its data is kept: {wait} for the host; `on_stuck_resume: replace` makes it anew elsewhere and {lost}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::{at, creation, id, plan, recorded, with};
    use crate::model::outcome::StoppedBy;
    use crate::model::plan::{OnStuck, Operation, PodCreation, RecordAfter};

    const MINUTE: u32 = 60;

    fn told(seconds: i64) -> Told {
        Told { there: Some(at(seconds)), ran: Duration::ZERO }
    }

    fn patience(within: u32, every: u32) -> Patience {
        Patience { within: Seconds(within), every: Seconds(every) }
    }

    /// One create that waits, with a second way after some time.
    fn approved(patience: Patience, after: u32) -> Plan {
        let mut creation = PodCreation { retry: Some(patience), ..creation() };
        creation.attempts[1].after = Some(Seconds(after));
        let create = with(Operation::CreatePod(Box::new(creation)), RecordAfter::Remove { tombstone: false });
        plan([("llm:create", create)], [])
    }

    fn ended(result: EndResult) -> Outcome {
        let ended = Ended { attempts: vec!["H100 secure: full".to_owned()], ..Ended::new(result) };
        Outcome { actions: [(id("llm:create"), ended)].into(), stopped_by: None }
    }

    fn full() -> EndResult {
        EndResult::NoCapacity("nothing is free".to_owned())
    }

    /// Tells when tries were made that found nothing, how long each waited, and how it ended.
    fn play(plan: &Plan, until: i64, result: EndResult) -> (Vec<i64>, Ended) {
        let mut waiting = Waiting::new(None);
        let (mut now, mut tries) = (0, Vec::new());
        loop {
            waiting.begin(told(now));
            tries.push(now);
            // The try itself takes its time.
            let result = if now >= until { result.clone() } else { full() };
            waiting.take(plan, plan, ended(result), told(now + 4));
            let Some(pause) = waiting.next(told(now + 4)) else { break };
            assert!(waiting.due(told(now + 4)).is_empty() || pause.next <= GRAIN);
            now += 4 + i64::try_from(pause.next.as_secs()).unwrap();
            assert_eq!(waiting.due(told(now)).len(), 1);
        }
        (tries, waiting.outcome().actions[&id("llm:create")].clone())
    }

    #[test]
    fn it_is_tried_in_turn_when_more_opens_and_once_at_the_end() {
        let (tries, ended) =
            play(&approved(patience(10 * MINUTE, 4 * MINUTE), 150), i64::MAX, EndResult::Done);
        // The wait begins with the first refusal, at 4 s.
        assert_eq!(tries, [0, 154, 398, 604]);
        let why = "nothing is free; waited 10 min for capacity, 4 tries".to_owned();
        assert_eq!(ended.result, EndResult::Failed(why));
    }

    #[test]
    fn it_ends_with_what_comes_of_it_and_says_how_long_it_took() {
        let (tries, ended) = play(&approved(patience(3_600, MINUTE), 1_800), 130, EndResult::Done);
        assert_eq!((tries, ended.result), (vec![0, 64, 128, 192], EndResult::Done));
        assert_eq!(ended.attempts, ["H100 secure: full", "for 3 min, 3 times without capacity"]);
        let unknown = EndResult::Unknown("timeout".to_owned());
        let (tries, ended) = play(&approved(patience(3_600, MINUTE), 1_800), 60, unknown.clone());
        assert_eq!((tries, ended.result), (vec![0, 64], unknown));
    }

    #[test]
    fn a_wait_that_is_cut_short_says_how_long_it_took() {
        let plan = approved(patience(3_600, MINUTE), 1_800);
        let mut waiting = Waiting::new(None);
        waiting.take(&plan, &plan, ended(full()), told(0));
        waiting.begin(told(60));
        waiting.take(&plan, &plan, ended(full()), told(64));
        let so_far = waiting.so_far(told(150));
        let why = "nothing is free; waited 2 min for capacity, 2 tries".to_owned();
        assert_eq!(so_far.actions[&id("llm:create")].result, EndResult::NoCapacity(why));
        assert_eq!(waiting.outcome().actions[&id("llm:create")].result, full());
    }

    #[test]
    fn ways_open_with_the_time_that_was_waited() {
        let plan = approved(patience(3_600, MINUTE), 1_800);
        let attempts = plan.actions[&id("llm:create")].operation.attempts();
        let open = |seconds| attempts.iter().filter(|one| is_open(one, Duration::from_secs(seconds))).count();
        assert_eq!([0, 1_798, 1_799, 1_800].map(open), [1, 1, 2, 2]);
        let mut waiting = Waiting::new(Some(Seconds(7_200)));
        waiting.take(&plan, &plan, ended(full()), told(10));
        let waits = waiting.begin(told(1_810));
        assert_eq!(waits.of(&id("llm:create").address), Duration::from_secs(1_800));
        assert_eq!(waiting.tokens_used(), &[(id("llm:create").address, 4)].into());
        assert_eq!(waiting.next(told(1_810)).unwrap().left, Duration::from_secs(5_400));
    }

    #[test]
    fn a_wait_is_measured_by_runpods_clock_and_without_it_by_how_long_this_ran() {
        let ran = |there: Option<i64>, ran| Told { there: there.map(at), ran: Duration::from_secs(ran) };
        let plan = approved(patience(3_600, MINUTE), 1_800);
        let left = |began: Told, now: Told| {
            let mut waiting = Waiting::new(None);
            waiting.take(&plan, &plan, ended(full()), began);
            waiting.next(now).unwrap().left.as_secs()
        };
        // The computer was suspended for most of an hour; a clock that goes back ends nothing.
        assert_eq!(left(ran(Some(0), 0), ran(Some(3_000), 7)), 600);
        assert_eq!(left(ran(Some(100), 0), ran(Some(0), 7)), 3_600);
        assert_eq!(left(ran(Some(0), 0), ran(None, 7)), 3_593);
        assert_eq!(left(ran(None, 0), ran(Some(9), 7)), 3_593);
    }

    #[test]
    fn a_try_that_came_to_nothing_is_put_off_while_there_is_time() {
        let plan = approved(patience(600, MINUTE), 1_800);
        let mut waiting = Waiting::new(None);
        waiting.take(&plan, &plan, ended(full()), told(0));
        assert!(waiting.postpone(told(70)));
        assert_eq!(waiting.next(told(70)).unwrap().next, Duration::from_secs(60));
        assert!(!waiting.postpone(told(700)));
    }

    #[test]
    fn what_cannot_be_tried_in_its_turn_has_its_next_one_and_an_end() {
        let plan = approved(patience(600, MINUTE), 1_800);
        let llm = id("llm:create");
        let mut waiting = Waiting::new(None);
        waiting.take(&plan, &plan, ended(full()), told(0));
        waiting.put_off(&llm, told(60));
        assert_eq!(waiting.next(told(60)).unwrap().next, Duration::from_secs(60));
        waiting.put_off(&llm, told(600));
        assert_eq!(waiting.next(told(600)), None);
        let why = "nothing is free; waited 10 min for capacity, 1 try".to_owned();
        assert_eq!(waiting.outcome().actions[&llm].result, EndResult::Failed(why));
    }

    /// A pod that never ran was billed, in whichever round that was.
    #[test]
    fn what_pods_that_never_ran_have_cost_is_told_at_the_end() {
        let plan = approved(patience(600, MINUTE), 1_800);
        let mut waiting = Waiting::new(None);
        let mut round = |now: i64, lost: &[&str], result: EndResult| {
            waiting.begin(told(now));
            let mut outcome = ended(result);
            for ended in outcome.actions.values_mut() {
                ended.given_up = lost.iter().map(|cost| format!("L4 secure: given up; {cost}")).collect();
                ended.attempts.splice(0..0, ended.given_up.clone());
            }
            waiting.take(&plan, &plan, outcome, told(now));
            waiting.outcome().actions[&id("llm:create")].attempts.join(" | ")
        };
        let said = [
            round(0, &["that cost about $0.10"], full()),
            round(60, &[], full()),
            round(120, &["that cost about $0.20"], full()),
            round(180, &[], EndResult::Done),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        L4 secure: given up; that cost about $0.10 | H100 secure: full
        L4 secure: given up; that cost about $0.10 | H100 secure: full
        L4 secure: given up; that cost about $0.10 | L4 secure: given up; that cost about $0.20 | H100 secure: full
        L4 secure: given up; that cost about $0.10 | L4 secure: given up; that cost about $0.20 | H100 secure: full | for 3 min, 3 times without capacity
        ");
        // One that waited in vain tells it too.
        let mut waiting = Waiting::new(None);
        for now in [0, 600] {
            waiting.begin(told(now));
            let mut outcome = ended(full());
            outcome.actions.values_mut().for_each(|ended| ended.given_up = vec![format!("lost at {now}")]);
            waiting.take(&plan, &plan, outcome, told(now));
        }
        assert_eq!(waiting.outcome().actions[&id("llm:create")].given_up, ["lost at 0", "lost at 600"]);
    }

    #[test]
    fn what_ended_the_run_ends_the_wait() {
        let plan = approved(patience(600, MINUTE), 1_800);
        let mut waiting = Waiting::new(None);
        let by = Some(StoppedBy::Interrupt);
        waiting.take(&plan, &plan, Outcome { stopped_by: by.clone(), ..ended(full()) }, told(0));
        assert_eq!(waiting.next(told(0)), None);
        assert_eq!(waiting.outcome().stopped_by, by);
        // What somebody else did is none of what this run did.
        waiting.not_needed(&id("llm:create"));
        assert_eq!(waiting.outcome().actions, BTreeMap::new());
    }

    #[test]
    fn a_create_that_a_start_turned_into_is_that_start() {
        let replace =
            OnStuck::Replace(Box::new(PodCreation { retry: Some(patience(600, 60)), ..creation() }));
        let start = |on_stuck| {
            let start = Operation::StartPod {
                id: crate::model::id::PodId::new("p"),
                compute: None,
                bid: None,
                on_stuck,
            };
            plan([("llm:start", with(start, RecordAfter::Remove { tombstone: false }))], [])
        };
        let (approved, create) = (start(replace), approved(patience(600, 60), 90));
        let mut waiting = Waiting::new(None);
        let mut first = ended(full());
        first.actions = first.actions.into_values().map(|ended| (id("llm:start"), ended)).collect();
        waiting.take(&approved, &approved, first, told(0));
        waiting.take(&approved, &create, ended(EndResult::Done), told(100));
        let results: Vec<_> =
            waiting.outcome().actions.iter().map(|(id, one)| (id.to_string(), &one.result)).collect();
        assert_eq!(results, [("llm:start".to_owned(), &EndResult::Done)]);
        assert_eq!(waiting.next(told(100)), None);
    }

    #[test]
    fn what_each_way_out_costs_in_data_is_said() {
        let mut held = recorded("p");
        let mut said = |storage| {
            if let crate::model::prior::RecordedObject::Pod(pod) = &mut held.record.object {
                std::sync::Arc::make_mut(pod).container.storage = storage;
            }
            let said = ways_out(Some(&held), false);
            said.rsplit(" elsewhere and ").next().unwrap_or_default().to_owned()
        };
        let size = crate::model::size::Gigabytes(100);
        assert_eq!(said(Storage::Local { size, path: "/data".to_owned() }), "loses the 100 GB at `/data`");
        let volume = "volume.models".parse().unwrap();
        let network = Storage::Network { volume, path: "/data".to_owned() };
        assert_eq!(said(network), "loses its container disk and keeps its network volume");
        assert_eq!(said(Storage::None), "loses its container disk");
    }
}
