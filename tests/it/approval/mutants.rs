//! Plan files that somebody edited: every value of a document changed, one at a time.

use std::collections::BTreeMap;

use podform::state::planfile::{PlanFileError, PlanInputs, SavedPlan, read};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::formats::{plan_file, worlds};
use crate::plan::world::World;

/// The objects of the file that are maps, whose keys are values too.
const MAPS: &[&str] =
    &["actions", "at_most", "declared", "env", "held", "recorded", "referenced", "stock_by_data_center"];

/// Words that a value can have in place of another, where no plan of the collection has it.
const WORDS: &[&str] = &[
    "availability",
    "changed",
    "community",
    "create_first",
    "destroyed",
    "fail",
    "forget",
    "graphql",
    "high",
    "high_performance",
    "http",
    "in_place",
    "listed",
    "low",
    "new",
    "next_start",
    "none",
    "note",
    "outside",
    "price",
    "replace",
    "requested",
    "reset",
    "running",
    "secure",
    "spec",
    "stop",
    "stopped",
    "tcp",
    "terminate",
    "v1",
    "warning",
];

/// A plan of the planner, saved.
pub struct Case {
    pub name: &'static str,
    pub world: World,
    pub saved: SavedPlan,
    pub document: Value,
}

/// Returns every plan that `tests/formats` shows.
pub fn cases() -> Vec<Case> {
    let case = |(name, world): (&'static str, World)| {
        let saved =
            SavedPlan { planned: world.plan(), inputs: PlanInputs::default(), positions: BTreeMap::new() };
        let document = serde_json::from_str(&plan_file(&saved)).unwrap();
        Case { name, world, saved, document }
    };
    worlds().into_iter().map(case).collect()
}

/// Writes a document with a sum that fits it, as somebody would who knows how.
pub fn with_sum(document: &Value) -> String {
    let mut rest = document.clone();
    rest.as_object_mut().unwrap().remove("content");
    let text = rest.to_string();
    summed(&format!("{},\n  \"content\": \"\"\n}}\n", text.strip_suffix('}').unwrap()))
}

/// Returns the text of a plan file with a sum that fits it.
pub fn summed(text: &str) -> String {
    let key = "\n  \"content\": ";
    let before = &text[..text.rfind(key).unwrap() + key.len()];
    let sum: String = Sha256::digest(before).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{before}\"{sum}\"\n}}\n")
}

/// Reads a document as if nothing had been changed since it was written.
pub fn read_summed(document: &Value) -> Result<SavedPlan, PlanFileError> {
    read(&with_sum(document))
}

/// What values stand at each place of all documents.
pub struct Pool(BTreeMap<String, BTreeMap<String, Value>>);

impl Pool {
    pub fn of(cases: &[Case]) -> Self {
        let mut pool = Self(BTreeMap::new());
        for Case { document, .. } in cases {
            walk(document, &mut |path, value| {
                pool.0.entry(place(path)).or_default().insert(value.to_string(), value.clone());
            });
        }
        pool
    }

    /// Returns other values for a place, in an order that is the same each time.
    fn others(&self, place: &str, value: &Value) -> Vec<Value> {
        let same_place = self.0.get(place).into_iter().flat_map(|values| values.values().cloned());
        let mut others: Vec<Value> = match value {
            Value::Null => vec![json!("other"), json!(7)],
            Value::Bool(value) => vec![json!(!value)],
            Value::Number(number) => {
                number.as_i64().map(|number| vec![json!(number + 1), json!(0)]).unwrap_or_default()
            }
            Value::String(text) => {
                let words = WORDS.iter().map(|word| json!(word));
                [json!(format!("{text}x")), json!(raised(text))].into_iter().chain(words).collect()
            }
            Value::Array(elements) => shortened(elements),
            Value::Object(members) => without_a_member(place, members),
        };
        match value {
            // Its members are edited one by one.
            Value::Object(_) => {}
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                others.extend(same_place);
            }
        }
        others.retain(|other| other != value);
        others
    }
}

/// Returns a text with its last digit raised, for ids, times and tokens.
fn raised(text: &str) -> String {
    let Some(at) = text.rfind(|c: char| c.is_ascii_digit()) else { return format!("{text}-1") };
    let digit: u8 = text[at..=at].parse().unwrap();
    format!("{}{}{}", &text[..at], (digit + 1) % 10, &text[at + 1..])
}

/// Returns the array with one element less, with one twice, and with two exchanged.
fn shortened(elements: &[Value]) -> Vec<Value> {
    let without = |at: usize| Value::Array([&elements[..at], &elements[at + 1..]].concat());
    let mut edited: Vec<Value> = (0..elements.len()).map(without).collect();
    if let [first, .., last] = elements {
        edited.push(Value::Array([elements, std::slice::from_ref(first)].concat()));
        let mut exchanged = elements.to_vec();
        exchanged[0] = last.clone();
        exchanged[elements.len() - 1] = first.clone();
        edited.push(Value::Array(exchanged));
    }
    edited
}

/// Returns a map with one member less, and with one under another key. Objects that are no maps have fixed members.
fn without_a_member(place: &str, members: &Map<String, Value>) -> Vec<Value> {
    if !MAPS.iter().any(|map| place.rsplit('/').next() == Some(map)) {
        return Vec::new();
    }
    let mut edited = Vec::new();
    for (key, value) in members {
        let mut rest = members.clone();
        rest.remove(key);
        edited.push(Value::Object(rest.clone()));
        rest.insert(raised(key), value.clone());
        edited.push(Value::Object(rest));
    }
    edited
}

/// Calls for every value of a document, the outer one first.
fn walk(document: &Value, visit: &mut impl FnMut(&[String], &Value)) {
    fn below(value: &Value, path: &mut Vec<String>, visit: &mut impl FnMut(&[String], &Value)) {
        visit(path, value);
        let members: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(elements) => {
                (0..).zip(elements).map(|(at, value): (u32, _)| (at.to_string(), value)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        for (key, value) in members {
            path.push(key);
            below(value, path, visit);
            path.pop();
        }
    }
    below(document, &mut Vec::new(), visit);
}

/// Returns a path with its keys of maps and numbers of elements replaced.
fn place(path: &[String]) -> String {
    let mut place = String::new();
    for (at, key) in path.iter().enumerate() {
        let is_in = |map: &[&str], up: usize| at >= up && map.contains(&path[at - up].as_str());
        // The `env` of a patch is no map: it has fixed members.
        let in_map = is_in(MAPS, 1) && !is_in(&["patch"], 2);
        let is_number = key.bytes().all(|c| c.is_ascii_digit());
        place.push('/');
        place.push_str(if in_map {
            "*"
        } else if is_number {
            "#"
        } else {
            key
        });
    }
    place
}

/// Calls for edits of a document that are other plan files, with the place, the edited document and what is read from it: at most `most`
/// for each place for which `wanted` holds. A place has `*` for keys of maps and `#` for numbers of elements.
pub fn edit_each(
    case: &Case,
    pool: &Pool,
    most: usize,
    mut wanted: impl FnMut(&str) -> bool,
    mut visit: impl FnMut(&str, &Value, SavedPlan),
) {
    let mut places: Vec<(Vec<String>, Value)> = Vec::new();
    walk(&case.document, &mut |path, value| {
        if path.first().is_some_and(|first| first != "content") {
            places.push((path.to_vec(), value.clone()));
        }
    });
    for (path, value) in places {
        let place = place(&path);
        if !wanted(&place) {
            continue;
        }
        let names = path.iter().map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1")));
        let pointer: String = names.collect();
        let mut document = case.document.clone();
        let read = |other: Value| {
            *document.pointer_mut(&pointer).unwrap() = other;
            let saved = read_summed(&document).ok().filter(|saved| *saved != case.saved)?;
            Some((document.clone(), saved))
        };
        for (edited, saved) in pool.others(&place, &value).into_iter().filter_map(read).take(most) {
            visit(&place, &edited, saved);
        }
    }
}
