//! Edited plan files, many of them: each is refused, or what is executed is the plan that was made now.
//!
//! An edit comes in three strengths: as it is; with the sum over the content made to fit; and with the digest made to
//! fit as well, which is all that somebody can do who has the program. What reads a file and what decides what is
//! executed is the command line's own; the engine does what that plan says and nothing else, so plans are compared.
//! `PODFORM_PLAN_MUTANTS` says how many structural edits are tried; from 2,000 on every single value is changed too.
#![expect(clippy::disallowed_methods, reason = "the environment says how much is tried")]
#![expect(clippy::disallowed_macros, reason = "what was shown is said as a figure")]

use std::collections::BTreeMap;

use fastrand::Rng;
use podform::cli::saved::{agreed, read_text};
use podform::model::plan::Planned;
use podform::plan::{Options, Pattern, digest};
use podform::state::planfile::{PlanInputs, SavedPlan, read};
use serde_json::{Map, Value, json};

use super::mutants::{Case, Pool, cases, edit_each, with_sum};
use crate::formats::plan_file;
use crate::plan::world::World;

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
    fresh: usize,
    /// Something else than the plan made now was executed.
    other: usize,
}

impl Counts {
    fn all(&self) -> usize {
        self.refused + self.fresh + self.other
    }

    fn note(&mut self, executed: Option<bool>) {
        match executed {
            None => self.refused += 1,
            Some(true) => self.fresh += 1,
            Some(false) => self.other += 1,
        }
    }
}

/// Returns the planner's options for a file, as `apply FILE` has them.
fn options(inputs: &PlanInputs) -> Option<Options> {
    let patterns =
        |texts: &[String]| -> Option<Vec<Pattern>> { texts.iter().map(|text| text.parse().ok()).collect() };
    Some(Options {
        destroy: inputs.destroy,
        accept_vanished: inputs.accept_vanished,
        targets: patterns(&inputs.targets)?,
        excludes: patterns(&inputs.excludes)?,
        replace: inputs.replaces.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?,
        ..Options::default()
    })
}

/// Gives the text of a plan file to what `apply FILE` does, in the world that it was made for. Tells whether what is
/// executed is the plan of now; nothing if nothing is.
fn applied(world: &World, text: &str, executes: Executes) -> Option<bool> {
    let saved = match executes {
        Executes::TheFreshPlan => read_text(text).ok()?,
        // Without a look at what its digest stands for.
        Executes::TheFile => read(text).ok()?,
    };
    let mut world = world.clone();
    world.nonce = saved.planned.plan().basis.nonce.clone();
    if saved.inputs != PlanInputs::default() {
        world.options = options(&saved.inputs)?;
    }
    let now = world.plan();
    let fresh = now.clone();
    let executed = match executes {
        Executes::TheFreshPlan => agreed(&saved.planned, now, &world.prior, Default::default()).ok()?,
        // Compared by what the file says of itself.
        Executes::TheFile => {
            let is_same = saved.planned.plan().digest.hash == now.plan().digest.hash;
            is_same.then(|| saved.planned.clone())?
        }
    };
    Some(executed == fresh)
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

fn try_all(counts: &mut Counts, case: &Case, document: &Value, executes: Executes) {
    let original = plan_file(&case.saved);
    for text in strengths(document, &original) {
        let executed = applied(&case.world, &text, executes);
        if executes == Executes::TheFreshPlan && executed == Some(false) {
            panic!("{}: something else than the plan made now would be executed for\n{text}", case.name);
        }
        counts.note(executed);
    }
}

/// Changes values one at a time.
fn values(cases: &[Case], most: usize, executes: Executes) -> Counts {
    let pool = Pool::of(cases);
    let mut counts = Counts::default();
    let mut seen = BTreeMap::<String, usize>::new();
    for case in cases {
        let wanted = |place: &str| {
            let times = seen.entry(place.to_owned()).or_default();
            *times += 1;
            *times <= most
        };
        edit_each(case, &pool, 1, wanted, |_, document, _| try_all(&mut counts, case, document, executes));
    }
    counts
}

/// Changes what a plan consists of: actions added from other plans, removed, exchanged; ids exchanged; edges.
fn structures(cases: &[Case], count: usize, seed: u64, executes: Executes) -> Counts {
    let mut random = Rng::with_seed(seed);
    let mut counts = Counts::default();
    let with_actions: Vec<&Case> =
        cases.iter().filter(|case| !actions_of(&case.document).is_empty()).collect();
    for _ in 0..count {
        let case = with_actions[random.usize(..with_actions.len())];
        let donor = with_actions[random.usize(..with_actions.len())];
        let mut document = case.document.clone();
        for _ in 0..random.usize(1..4) {
            edit_structure(&mut document, &donor.document, &mut random);
        }
        try_all(&mut counts, case, &document, executes);
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
fn an_edited_plan_file_is_refused_or_the_plan_of_now_is_executed() {
    let cases = cases();
    let count = asked_for();
    let most = if count >= 2_000 { usize::MAX } else { 1 };
    let values = values(&cases, most, Executes::TheFreshPlan);
    let structures = structures(&cases, count, 1, Executes::TheFreshPlan);
    println!("plan files with one value changed: {}: {values:?}", values.all());
    println!("plan files with another structure: {}: {structures:?}", structures.all());
    assert!(values.refused > 100 && structures.refused > count, "{values:?} {structures:?}");
    assert_eq!((values.other, structures.other), (0, 0));
}

/// The same edits, if what is executed were read from the file.
#[test]
fn a_plan_that_is_executed_from_the_file_would_be_seen() {
    let cases = cases();
    let values = values(&cases, 1, Executes::TheFile);
    let structures = structures(&cases, 150, 1, Executes::TheFile);
    assert!(values.other > 0, "{values:?}");
    println!("seen: {values:?} {structures:?}");
}

/// What was not edited is executed.
#[test]
fn every_plan_that_may_run_does_from_its_own_file() {
    for case in cases() {
        let executed = applied(&case.world, &plan_file(&case.saved), Executes::TheFreshPlan);
        assert_eq!(executed, Some(true), "{}", case.name);
    }
}
