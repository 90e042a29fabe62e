//! What must hold at every moment of a schedule, not only at its end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use podform::model::address::Key;
use podform::model::desired::{Desired, Wanted};
use podform::simulator::Simulation;
use podform::simulator::world::pod::Status;

/// Counts how many replicas are down whose spec says how many may be.
pub struct Serving<'a> {
    simulation: &'a Simulation,
    /// The names of the pods that serve at first of each key that is updated in waves, and how many may be down.
    limits: BTreeMap<Key, (BTreeSet<String>, usize)>,
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
        let limits = replicas
            .into_iter()
            .filter_map(|(key, (count, names, at_once))| Some((key, (names, at_once?.of(count)))));
        Self { simulation, limits: limits.collect(), wrong: RefCell::default() }
    }

    pub fn look(&self) {
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

/// Returns the names of the pods whose container runs.
fn serving(simulation: &Simulation) -> BTreeSet<String> {
    simulation.inspect(|world| {
        let serving = world.all_pods().filter(|pod| pod.status(world.now()) == Status::Running);
        serving.map(|pod| pod.settings.name.clone()).collect()
    })
}
