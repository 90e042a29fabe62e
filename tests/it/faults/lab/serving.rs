//! What must hold at every moment of a schedule, not only at its end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use podform::model::address::Key;
use podform::model::desired::{Desired, Wanted};
use podform::model::id::ProjectName;
use podform::simulator::Simulation;
use podform::simulator::world::pod::Status;

/// Counts how many replicas are down whose spec says how many may be.
pub struct Serving<'a> {
    simulation: &'a Simulation,
    /// The names of the pods that serve at first of each key that is updated in waves, and how many may be down.
    limits: BTreeMap<Key, (BTreeSet<String>, usize)>,
    /// How many pods of each key must serve at least, be they replicas that stay, leave or come.
    least: BTreeMap<Key, usize>,
    project: ProjectName,
    wrong: RefCell<BTreeSet<String>>,
}

impl<'a> Serving<'a> {
    pub fn new(simulation: &'a Simulation, desired: &Desired) -> Self {
        let served = serving(simulation);
        let mut replicas: BTreeMap<Key, (usize, BTreeSet<String>, _)> = BTreeMap::new();
        for (address, wanted) in &desired.wanted {
            let Wanted::Pod(pod) = wanted else { continue };
            let Some(at_once) = pod.at_once else { continue };
            let (count, names, limit) = replicas.entry(address.key().clone()).or_default();
            *count += 1;
            names.extend(served.get(&pod.container.name).cloned());
            *limit = Some(at_once);
        }
        let mut limits = BTreeMap::new();
        let mut least = BTreeMap::new();
        for (key, (count, names, at_once)) in replicas {
            let Some(limit) = at_once.map(|at_once| at_once.of(count)) else { continue };
            let of_key = of_key(&served, &desired.project, &key);
            // Where fewer are wanted than serve, one of those that leave can always go on.
            let spare = usize::from(of_key > count);
            least.insert(key.clone(), of_key.min(count).saturating_sub(limit).max(spare));
            limits.insert(key, (names, limit));
        }
        Self { simulation, limits, least, project: desired.project.clone(), wrong: RefCell::default() }
    }

    pub fn look(&self) {
        for (key, least) in &self.least {
            let serve = of_key(&serving(self.simulation), &self.project, key);
            if serve < *least {
                let wrong = format!("{serve} replicas of {key} serve, and {least} must");
                self.wrong.borrow_mut().insert(wrong);
            }
        }
        for (key, (names, limit)) in &self.limits {
            let down = names.difference(&serving(self.simulation)).count();
            if down > *limit {
                self.wrong
                    .borrow_mut()
                    .insert(format!("{down} replicas of {key} are down at once, and {limit} may be"));
            }
        }
    }

    /// Returns what was wrong at some moment.
    pub fn wrong(&self) -> Vec<String> {
        self.wrong.take().into_iter().collect()
    }
}

/// Counts the pods of a key, whose names are those of their replicas.
fn of_key(names: &BTreeSet<String>, project: &ProjectName, key: &Key) -> usize {
    let stem = format!("{project}-{key}");
    let number = |name: &String| name.strip_prefix(&stem).map(|rest| rest.trim_start_matches('-').to_owned());
    names.iter().filter_map(number).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit())).count()
}

/// Returns the names of the pods whose container runs.
fn serving(simulation: &Simulation) -> BTreeSet<String> {
    simulation.inspect(|world| {
        let serving = world.all_pods().filter(|pod| pod.status(world.now()) == Status::Running);
        serving.map(|pod| pod.settings.name.clone()).collect()
    })
}
