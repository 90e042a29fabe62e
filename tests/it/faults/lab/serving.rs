//! What must hold at every moment of a schedule, not only at its end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use podform::model::address::Key;
use podform::model::desired::{Desired, OnReplace, Wanted, WantedPod};
use podform::model::id::{PodId, ProjectName};
use podform::model::pod::RunState;
use podform::simulator::Simulation;
use podform::simulator::world::pod::Status;

/// Counts how many replicas are down whose spec says how many may be, and sees that nothing is begun before what it waits
/// for runs.
pub struct Serving<'a> {
    simulation: &'a Simulation,
    /// The names of the pods that serve at first of each key that is updated in waves, and how many may be down.
    limits: BTreeMap<Key, (BTreeSet<String>, usize)>,
    /// How many pods of each key must serve at least, be they replicas that stay, leave or come.
    least: BTreeMap<Key, usize>,
    /// The names of the pods that run before a pod is begun, by its own.
    awaited: BTreeMap<String, BTreeSet<String>>,
    project: ProjectName,
    wrong: RefCell<BTreeSet<String>>,
}

impl<'a> Serving<'a> {
    pub fn new(simulation: &'a Simulation, desired: &Desired) -> Self {
        let served = serving(simulation);
        let mut replicas: BTreeMap<Key, (usize, BTreeSet<String>, _)> = BTreeMap::new();
        let mut least = BTreeMap::new();
        for (address, wanted) in &desired.wanted {
            let Wanted::Pod(pod) = wanted else { continue };
            // The shapes change nothing of such a pod that would only reset it.
            if pod.lifecycle.on_replace == OnReplace::CreateFirst && served.contains(&pod.container.name) {
                *least.entry(address.key().clone()).or_default() += 1;
            }
            let Some(at_once) = pod.at_once else { continue };
            let (count, names, limit) = replicas.entry(address.key().clone()).or_default();
            *count += 1;
            names.extend(served.get(&pod.container.name).cloned());
            *limit = Some(at_once);
        }
        let mut limits = BTreeMap::new();
        for (key, (count, names, at_once)) in replicas {
            let Some(limit) = at_once.map(|at_once| at_once.of(count)) else { continue };
            let of_key = of_key(&served, &desired.project, &key);
            // Where fewer are wanted than serve, one of those that leave can always go on.
            let spare = usize::from(of_key > count);
            least.insert(key.clone(), of_key.min(count).saturating_sub(limit).max(spare));
            limits.insert(key, (names, limit));
        }
        let awaited = awaited(desired);
        let project = desired.project.clone();
        Self { simulation, limits, least, awaited, project, wrong: RefCell::default() }
    }

    /// Looks whether what a pod waits for runs, when it is about to be made, or started.
    pub fn begins(&self, name: &str) {
        let serving = serving(self.simulation);
        let missing =
            self.awaited.get(name).into_iter().flatten().filter(|awaited| !serving.contains(*awaited));
        let wrong = missing.map(|awaited| format!("{name} was begun before {awaited} ran"));
        self.wrong.borrow_mut().extend(wrong);
    }

    pub fn starts(&self, id: &PodId) {
        let name = self.simulation.inspect(|world| {
            let mut pods = world.all_pods();
            pods.find(|pod| pod.id.0 == id.as_str()).map(|pod| pod.settings.name.clone())
        });
        name.iter().for_each(|name| self.begins(name));
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

/// Returns the names of what is to run before each pod, by its own. The end of a job is another matter.
fn awaited(desired: &Desired) -> BTreeMap<String, BTreeSet<String>> {
    let runs = |pod: &&WantedPod| pod.run == RunState::Running;
    let pods = desired.wanted.values().filter_map(Wanted::pod).filter(runs);
    let awaited = pods.map(|pod| {
        let ready = pod.depends_on.iter().filter(|address| !pod.until.contains_key(address));
        let ready = ready.filter_map(|address| desired.wanted.get(address)?.pod().filter(runs));
        (pod.container.name.clone(), ready.map(|ready| ready.container.name.clone()).collect())
    });
    awaited.collect()
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
