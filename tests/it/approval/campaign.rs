//! Edited plan files, many of them: each is refused, or what is executed is the plan that was made now.
//!
//! An edit comes in three strengths: as it is; with the sum over the content made to fit; and with the digest made to
//! fit as well, which is all that somebody can do who has the program. What reads a file and what decides what is
//! executed is the command line's own. Both that and the plan of now are executed on the account that the plan was made
//! for, and every request that reaches it is compared: method, path, headers and body.
//! `PODFORM_PLAN_MUTANTS` says how many structural edits are tried; from 2,000 on every single value is changed too.
#![expect(clippy::disallowed_methods, reason = "the environment says how much is tried")]
#![expect(clippy::disallowed_macros, reason = "what was shown is said as a figure")]

use std::cell::RefCell;
use std::collections::BTreeMap;

use fastrand::Rng;
use podform::cli::saved::{agreed, options_of, read_text};
use podform::model::plan::{Action, Operation, Planned};
use podform::plan::digest;
use podform::state::planfile::{PlanInputs, SavedPlan, read};
use serde_json::{Map, Value, json};

use super::mutants::{Case, Pool, cases, edit_each, with_sum};
use super::wire::{Account, is_change};
use crate::formats::plan_file;
use crate::wire::Seen as Request;

/// What is executed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Executes {
    /// What the command line executes.
    TheFreshPlan,
    /// What the file says, to see that it is missed.
    TheFile,
}

/// How the edits of a campaign ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    refused: usize,
    /// The account got exactly the requests of the plan made now.
    fresh: usize,
    /// Among these, those with a request that changes something.
    changing: usize,
    /// The account got something else.
    other: usize,
}

impl Counts {
    fn all(&self) -> usize {
        self.refused + self.fresh + self.other
    }

    fn note(&mut self, applied: Option<&Applied>) {
        match applied {
            None => self.refused += 1,
            Some(Applied { sent, fresh }) if sent == fresh => {
                self.fresh += 1;
                self.changing += usize::from(sent.iter().any(is_change));
            }
            Some(_) => self.other += 1,
        }
    }
}

/// What reached the account.
#[derive(Debug, PartialEq)]
struct Applied {
    /// When the file was applied.
    sent: Vec<Request>,
    /// When what is planned for the same settings was applied.
    fresh: Vec<Request>,
}

/// A plan with the account that it was made for.
struct Played<'a> {
    case: &'a Case,
    account: Account,
    /// What reaches the account, by what a plan is made with: most edits leave that as it is.
    fresh: RefCell<BTreeMap<String, Vec<Request>>>,
}

impl<'a> Played<'a> {
    fn all(cases: &'a [Case]) -> Vec<Self> {
        let played =
            |case: &'a Case| Self { case, account: Account::of(&case.world), fresh: RefCell::default() };
        cases.iter().map(played).collect()
    }

    /// Gives the text of a plan file to what `apply FILE` does, and tells what reached the account; nothing if the
    /// file is refused.
    fn applied(&self, text: &str, executes: Executes) -> Option<Applied> {
        let saved = match executes {
            Executes::TheFreshPlan => read_text(text).ok()?,
            // Without a look at what its digest stands for.
            Executes::TheFile => read(text).ok()?,
        };
        let mut world = self.case.world.clone();
        world.nonce = saved.planned.plan().basis.nonce.clone();
        if saved.inputs != PlanInputs::default() {
            world.options = options_of(&saved.inputs).ok()?;
        }
        let now = world.plan();
        let made_with = format!("{:?} {:?}", world.nonce, world.options);
        let executed = match executes {
            Executes::TheFreshPlan => {
                agreed(&saved.planned, now.clone(), &world.prior, Default::default()).ok()?
            }
            // Compared by what the file says of itself.
            Executes::TheFile => {
                let is_same = saved.planned.plan().digest.hash == now.plan().digest.hash;
                is_same.then(|| saved.planned.clone())?
            }
        };
        let mut known = self.fresh.borrow_mut();
        let fresh = known.entry(made_with).or_insert_with(|| self.account.requests(&world, &now));
        Some(Applied { sent: self.account.requests(&world, &executed), fresh: fresh.clone() })
    }
}

/// Returns an edited document in its three strengths.
fn strengths(document: &Value, original: &str) -> Vec<String> {
    let as_it_is = original_with(document, original);
    let mut all = vec![as_it_is, with_sum(document)];
    let parsed = read(&with_sum(document));
    if let Ok(SavedPlan { mut planned, inputs, positions }) = parsed {
        let plan = match &mut planned {
            Planned::Changes(plan) | Planned::NoChanges(plan) | Planned::Blocked { reasons: _, plan } => plan,
        };
        plan.digest = digest(plan);
        all.push(plan_file(&SavedPlan { planned, inputs, positions }));
    }
    all
}

/// Returns the text of a document that still ends with the sum of the file that it was made from.
fn original_with(document: &Value, original: &str) -> String {
    let sum = original.lines().find(|line| line.contains("\"content\"")).unwrap();
    let edited = with_sum(document);
    let own = edited.lines().find(|line| line.contains("\"content\"")).unwrap().to_owned();
    edited.replace(&own, sum)
}

fn try_all(counts: &mut Counts, played: &Played<'_>, document: &Value, executes: Executes) {
    let original = plan_file(&played.case.saved);
    for text in strengths(document, &original) {
        let applied = played.applied(&text, executes);
        if let (Executes::TheFreshPlan, Some(Applied { sent, fresh })) = (executes, &applied) {
            let name = played.case.name;
            assert_eq!(sent, fresh, "{name}: something else than the plan made now is executed for\n{text}");
        }
        counts.note(applied.as_ref());
    }
}

/// Changes values one at a time.
fn values(all: &[Played<'_>], pool: &Pool, most: usize, executes: Executes) -> Counts {
    let mut counts = Counts::default();
    let mut seen = BTreeMap::<String, usize>::new();
    for played in all {
        let wanted = |place: &str| {
            let times = seen.entry(place.to_owned()).or_default();
            *times += 1;
            *times <= most
        };
        edit_each(played.case, pool, 1, wanted, |_, document, _| {
            try_all(&mut counts, played, document, executes)
        });
    }
    counts
}

/// Changes what a plan consists of: actions added from other plans, removed, exchanged; ids exchanged; edges.
fn structures(all: &[Played<'_>], count: usize, seed: u64, executes: Executes) -> Counts {
    let mut random = Rng::with_seed(seed);
    let mut counts = Counts::default();
    let with_actions: Vec<&Played<'_>> =
        all.iter().filter(|played| !actions_of(&played.case.document).is_empty()).collect();
    for _ in 0..count {
        let played = with_actions[random.usize(..with_actions.len())];
        let donor = with_actions[random.usize(..with_actions.len())];
        let mut document = played.case.document.clone();
        for _ in 0..random.usize(1..4) {
            edit_structure(&mut document, &donor.case.document, &mut random);
        }
        try_all(&mut counts, played, &document, executes);
    }
    counts
}

fn plan_of(document: &Value) -> &Map<String, Value> {
    let (verdict, plan) = document["planned"].as_object().unwrap().iter().next().unwrap();
    if verdict == "blocked" { plan["plan"].as_object().unwrap() } else { plan.as_object().unwrap() }
}

fn plan_in(document: &mut Value) -> &mut Map<String, Value> {
    let (verdict, plan) = document["planned"].as_object_mut().unwrap().iter_mut().next().unwrap();
    let plan = if verdict == "blocked" { &mut plan["plan"] } else { plan };
    plan.as_object_mut().unwrap()
}

fn actions_of(document: &Value) -> Vec<(String, Value)> {
    let actions = plan_of(document)["actions"].as_object().unwrap().iter();
    actions.map(|(id, action)| (id.clone(), action.clone())).collect()
}

fn edit_structure(document: &mut Value, donor: &Value, random: &mut Rng) {
    let one = |random: &mut Rng, from: &[(String, Value)]| {
        if from.is_empty() { None } else { Some(from[random.usize(..from.len())].clone()) }
    };
    let own = actions_of(document);
    let (mine, theirs) = (one(random, &own), one(random, &actions_of(donor)));
    let kind = random.u8(..8);
    let foreign = ["FOREIGN", "id-llm", "theirs"][random.usize(..3)];
    let plan = plan_in(document);
    match (kind, mine, theirs) {
        (0, _, Some((id, action))) => drop(plan["actions"].as_object_mut().unwrap().insert(id, action)),
        (1, _, Some((id, action))) => {
            let step = id.rsplit(':').next().unwrap_or_default().to_owned();
            plan["actions"].as_object_mut().unwrap().insert(format!("zz:{step}"), action);
        }
        (2, Some((id, _)), _) => drop(plan["actions"].as_object_mut().unwrap().remove(&id)),
        (3, Some((id, _)), Some((_, action))) => {
            plan["actions"][&id]["operation"] = action["operation"].clone()
        }
        (4, _, _) => {
            let delete = json!({
                "operation": { "delete_pods": { "ids": [foreign] } },
                "reason": "destroyed", "changes": [], "consequences": [],
                "cost": own.first().map_or(json!(null), |(_, action)| action["cost"].clone()),
                "record": { "remove": { "tombstone": false } },
            });
            plan["actions"].as_object_mut().unwrap().insert("zz:delete".to_owned(), delete);
        }
        (5, Some((id, action)), _) => {
            let other = exchanged_ids(&action, foreign);
            plan["actions"][&id] = other;
        }
        (6, Some((first, _)), Some((then, _))) => {
            plan["edges"].as_array_mut().unwrap().push(json!({ "first": first, "then": then }));
        }
        (_, Some(_), _) => {
            let edges = plan["edges"].as_array_mut().unwrap();
            edges.pop();
        }
        (_, None, _) => {}
    }
}

/// Returns an action that is about another object.
fn exchanged_ids(action: &Value, foreign: &str) -> Value {
    let mut action = action.clone();
    fn below(value: &mut Value, foreign: &str) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    match (key.as_str(), &*value) {
                        ("id", Value::String(_)) => *value = json!(foreign),
                        ("ids", Value::Array(_)) => *value = json!([foreign]),
                        _ => below(value, foreign),
                    }
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(|element| below(element, foreign)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    below(&mut action, foreign);
    action
}

fn asked_for() -> usize {
    std::env::var("PODFORM_PLAN_MUTANTS").ok().and_then(|count| count.parse().ok()).unwrap_or(150)
}

#[test]
fn an_edited_plan_file_is_refused_or_the_account_gets_what_is_planned_now() {
    let cases = cases();
    let (all, pool) = (Played::all(&cases), Pool::of(&cases));
    let count = asked_for();
    let most = if count >= 2_000 { usize::MAX } else { 1 };
    let values = values(&all, &pool, most, Executes::TheFreshPlan);
    let structures = structures(&all, count, 1, Executes::TheFreshPlan);
    println!("plan files with one value changed: {}: {values:?}", values.all());
    println!("plan files with another structure: {}: {structures:?}", structures.all());
    assert!(values.refused > 100 && structures.refused > count, "{values:?} {structures:?}");
    assert!(values.changing > 50 && structures.changing > 0, "{values:?} {structures:?}");
    assert_eq!((values.other, structures.other), (0, 0));
}

/// The same edits, if what is executed were read from the file.
#[test]
fn a_plan_that_is_executed_from_the_file_would_be_seen() {
    let cases = cases();
    let (all, pool) = (Played::all(&cases), Pool::of(&cases));
    let values = values(&all, &pool, 1, Executes::TheFile);
    let structures = structures(&all, 150, 1, Executes::TheFile);
    println!("seen: {values:?} {structures:?}");
    assert!(values.other > 40 && structures.other > 40, "{values:?} {structures:?}");
}

/// The request with the edited value is what tells them apart, so it is the body that is looked at.
#[test]
fn an_image_that_is_executed_from_the_file_is_seen_in_the_body() {
    let cases = cases();
    let all = Played::all(&cases);
    let played = all.iter().find(|played| played.case.name == "wanted_only").unwrap();
    let mut document = played.case.document.clone();
    let create = &mut plan_in(&mut document)["actions"]["llm:create"]["operation"]["create_pod"];
    create["container"]["image"] = json!("evil/miner:latest");
    let images = |requests: &[Request]| -> Vec<String> {
        let changes = requests.iter().filter(|request| is_change(request));
        changes.map(|request| format!("{} {}", request.line, request.body["image"])).collect()
    };
    let Applied { sent, fresh } = played.applied(&with_sum(&document), Executes::TheFile).unwrap();
    assert_eq!(images(&sent), ["POST /v2/pods \"evil/miner:latest\""]);
    assert_eq!(images(&fresh), ["POST /v2/pods \"tool:1\""]);
    assert_eq!(played.applied(&with_sum(&document), Executes::TheFreshPlan), None);
}

/// What was not edited is executed.
#[test]
fn every_plan_that_may_run_does_from_its_own_file() {
    let cases = cases();
    let mut silent = Vec::new();
    for played in Played::all(&cases) {
        let Applied { sent, fresh } =
            played.applied(&plan_file(&played.case.saved), Executes::TheFreshPlan).unwrap();
        assert_eq!(sent, fresh, "{}", played.case.name);
        let is_remote = |action: &Action| action.operation != Operation::Local;
        let acts = match &played.case.saved.planned {
            Planned::Changes(plan) => plan.actions.values().any(is_remote),
            Planned::NoChanges(_) | Planned::Blocked { .. } => false,
        };
        if acts != sent.iter().any(is_change) {
            silent.push((played.case.name, acts));
        }
    }
    // Two wait for what does not come: nobody answers for a pod here, and no job ends. One sends a secret whose value is
    // not there.
    let expected = [("awaited", true), ("await_job", true), ("findings", true)];
    assert_eq!(silent, expected, "what is planned and what the account gets");
}
