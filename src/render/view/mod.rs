//! A plan as every format shows it: one change per address, what loses data first, equal replicas together.
//!
//! The steps of an address are one change to a reader: a delete and a create are a replacement, a stop and an update
//! are a stop. Formats only lay the view out; none looks at the actions by itself.

mod change;
mod group;
mod totals;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::Address;
use crate::model::id::{ProjectName, RemoteId};
use crate::model::plan::{
    Block, Consequence, Drift, DriftKind, Finding, Held, Owner, Plan, Planned, Split, Subject, Unmanaged,
};

pub use self::change::Verb;
pub(crate) use self::change::{Change, changes, verbs};
pub(crate) use self::group::Group;
pub(crate) use self::totals::{Counts, Lost};

/// A plan, sorted, merged and grouped.
#[derive(Clone, Debug)]
pub(crate) struct View<'a> {
    /// The plan itself, for what needs no preparation.
    pub(crate) plan: &'a Plan,
    pub(crate) verdict: Verdict<'a>,
    /// One change per address, in address order.
    pub(crate) changes: Vec<Change<'a>>,
    /// Equal changes of replicas together; what loses data first.
    pub(crate) groups: Vec<Group<'a>>,
    /// What others changed, equal drift of replicas together.
    pub(crate) drift: Vec<(Vec<&'a Address>, &'a DriftKind)>,
    /// What is left alone, equal reasons of replicas together.
    pub(crate) held: Vec<(Vec<&'a Address>, &'a Held)>,
    /// The remarks, warnings first, equal ones together.
    pub(crate) findings: Vec<(&'a Finding, Vec<&'a Subject>)>,
    pub(crate) counts: Counts,
    pub(crate) lost: Lost,
    /// What other podform projects have in the account.
    pub(crate) others: BTreeMap<&'a ProjectName, OtherProject>,
    /// What podform does not manage costs a month once the plan is done: what it forgets goes on being billed.
    pub(crate) unmanaged_after: Split,
}

impl View<'_> {
    /// Tells whether the state is in doubt, so that there is no plan to show: no table, no sum and no digest.
    pub(crate) fn is_without_a_plan(&self) -> bool {
        self.verdict.blocks().iter().any(Block::is_about_the_state)
    }

    /// Returns what no podform project claims.
    pub(crate) fn unclaimed(&self) -> impl Iterator<Item = &Unmanaged> {
        self.plan.unmanaged.iter().filter(|unmanaged| match unmanaged.owner {
            Owner::Lost(_) | Owner::Nobody | Owner::Runpod => true,
            Owner::Project(_) => false,
        })
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OtherProject {
    pub(crate) pods: usize,
    pub(crate) volumes: usize,
    /// A month.
    pub(crate) cost: Split,
}

/// Counts what other podform projects have, one entry a project.
fn others(plan: &Plan) -> BTreeMap<&ProjectName, OtherProject> {
    let mut others: BTreeMap<&ProjectName, OtherProject> = BTreeMap::new();
    for Unmanaged { id, name: _, status: _, created_at: _, cost, owner } in &plan.unmanaged {
        let Owner::Project(project) = owner else { continue };
        let other = others.entry(project).or_default();
        match id {
            RemoteId::Pod(_) => other.pods += 1,
            RemoteId::Volume(_) => other.volumes += 1,
            // Which projects have secrets is not looked at.
            RemoteId::Secret(_) | RemoteId::Registry(_) => {}
        }
        other.cost = other.cost + *cost;
    }
    others
}

/// Whether a plan may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict<'a> {
    Changes,
    NoChanges,
    Blocked(&'a [Block]),
}

impl<'a> Verdict<'a> {
    fn of(planned: &'a Planned) -> Self {
        match planned {
            Planned::Changes(_) => Self::Changes,
            Planned::NoChanges(_) => Self::NoChanges,
            Planned::Blocked { reasons, plan: _ } => Self::Blocked(reasons),
        }
    }

    /// Returns what blocks the plan.
    pub(crate) fn blocks(self) -> &'a [Block] {
        match self {
            Self::Blocked(blocks) => blocks,
            Self::Changes | Self::NoChanges => &[],
        }
    }
}

/// Prepares a plan for showing.
pub(crate) fn view(planned: &Planned) -> View<'_> {
    let plan = planned.plan();
    let changes = changes(plan);
    View {
        plan,
        verdict: Verdict::of(planned),
        counts: totals::counts(plan, &changes),
        drift: group::together(plan.drift.iter().map(|Drift { address, kind }| (address, kind))),
        held: group::together(plan.held.iter()),
        findings: group::findings(&plan.findings),
        others: others(plan),
        unmanaged_after: plan.cost.unmanaged + forgotten(&changes),
        groups: group::groups(&changes),
        lost: Lost::of(&changes),
        changes,
    }
}

/// Returns everything that a plan remarks on, so that its places in the spec can be looked up.
pub fn subjects(planned: &Planned) -> BTreeSet<Subject> {
    let blocked = Verdict::of(planned).blocks().iter().filter_map(blocked_subject);
    let found = planned.plan().findings.iter().filter_map(|finding| finding.subject.clone());
    blocked.chain(found).collect()
}

/// Returns the address that a block is about, if it is about one.
pub(crate) fn blocked_address(block: &Block) -> Option<&Address> {
    match block {
        Block::Protected { address, step: _ }
        | Block::Locked { address, step: _ }
        | Block::NoStock { address }
        | Block::VolumeCannotChange { address, why: _ }
        | Block::NoCandidate { address, why: _ }
        | Block::NoSuchPlace { address, field: _, why: _ } => Some(address),
        Block::StateOlder(_)
        | Block::StateEmpty(_)
        | Block::AllVanished { count: _ }
        | Block::OverBudget { .. }
        | Block::Cycle(_) => None,
    }
}

/// Returns the same as what a position is asked for.
pub(crate) fn blocked_subject(block: &Block) -> Option<Subject> {
    let field = if let Block::NoSuchPlace { field, .. } = block { Some(field.clone()) } else { None };
    blocked_address(block).map(|address| Subject { address: address.clone(), field })
}

/// Returns what the plan stops managing and does not end.
fn forgotten(changes: &[Change<'_>]) -> Split {
    let goes_on = |change: &&Change<'_>| change.consequences.contains(&Consequence::GoesOnUnmanaged);
    changes.iter().filter(goes_on).map(|change| change.cost.before).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::plan::Step;
    use crate::model::settings::Field;
    use crate::model::value::Value;
    use crate::render::ranges::ranges;
    use crate::render::sample::{self, address, id};
    use crate::render::value;

    /// Returns the groups as `addresses: verb`, in order.
    fn shown(plan: Plan) -> Vec<String> {
        let planned = Planned::Changes(plan);
        let view = view(&planned);
        let line = |group: &Group<'_>| {
            format!("{}: {}", ranges(group.addresses.iter().copied()), group.each.verb.word())
        };
        view.groups.iter().map(line).collect()
    }

    #[test]
    fn what_loses_most_stands_first() {
        let mut plan = sample::full_plan();
        plan.actions.retain(|action, _| !["swift", "vault", "free"].contains(&action.address.key().as_str()));
        insta::assert_snapshot!(shown(plan).join("\n"), @r#"
        volume.old: destroy
        swap: destroy-then-create
        crm: destroy-deposed
        llm[0..2]: update
        llm[3]: destroy
        studio: stop
        volume.fresh: create
        volume.models: update
        clean: move
        found: import
        lost: forget
        new: create
        prep: update
        train: start
        "#);
    }

    #[test]
    fn replicas_that_differ_only_by_their_number_are_alike() {
        let replicas = ["llm[0]", "llm[1]", "llm[7]"];
        let create = |at: &str| (id(at, Step::Create), sample::create(at));
        let plan = Plan { actions: replicas.into_iter().map(create).collect(), ..sample::empty_plan() };
        let planned = Planned::Changes(plan);
        let view = view(&planned);
        let names: Vec<&Value> = view.groups.iter().map(|group| &group.each.rows[0].after).collect();
        assert_eq!(names, [&Value::Text("acme-llm-{n}".to_owned())]);
        assert_eq!(view.groups[0].addresses, replicas.map(address).iter().collect::<Vec<_>>());
    }

    /// The name of the project ends with the number of one of them.
    #[test]
    fn a_number_that_all_have_in_common_is_none_of_a_replica() {
        let replicas = ["llm[0]", "llm[1]", "llm[2]"];
        let create = |at: &str| {
            let mut create = sample::create(at);
            for change in create.changes.iter_mut().filter(|change| change.field == Field::Name) {
                change.after = value::map_texts(&change.after, |name| name.replace("acme", "t1"));
            }
            (id(at, Step::Create), create)
        };
        let plan = Plan { actions: replicas.into_iter().map(create).collect(), ..sample::empty_plan() };
        let planned = Planned::Changes(plan);
        let view = view(&planned);
        let names: Vec<&Value> = view.groups.iter().map(|group| &group.each.rows[0].after).collect();
        assert_eq!(names, [&Value::Text("t1-llm-{n}".to_owned())]);
    }

    #[test]
    fn a_replica_alone_shows_its_own_name() {
        let create = |at: &str| (id(at, Step::Create), sample::create(at));
        let mut plan = Plan { actions: [create("llm[0]")].into(), ..sample::empty_plan() };
        plan.actions.insert(id("llm[1]", Step::Update), sample::update("x", "y"));
        let planned = Planned::Changes(plan);
        let view = view(&planned);
        let created = view.groups.iter().find(|group| group.each.verb == Verb::Create).unwrap();
        assert_eq!(created.each.rows[0].after, Value::Text("acme-llm-0".to_owned()));
    }

    #[test]
    fn steps_of_an_address_are_one_change() {
        let update = sample::update("x", "y");
        let with = |first: Step, then: Step| {
            let actions = [(id("a", first), update.clone()), (id("a", then), update.clone())].into();
            shown(Plan { actions, ..sample::empty_plan() })
        };
        assert_eq!(with(Step::Stop, Step::Update), ["a: stop"]);
        assert_eq!(with(Step::Update, Step::Start), ["a: start"]);
        assert_eq!(with(Step::Adopt, Step::Update), ["a: update"]);
        assert_eq!(with(Step::Delete, Step::Create), ["a: destroy-then-create"]);
        assert_eq!(with(Step::Move, Step::Record), ["a: move"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(11),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn every_change_is_in_exactly_one_group(images in prop::collection::vec(0_u8..3, 1..60)) {
            let update = |(number, image): (usize, &u8)| {
                (id(&format!("llm[{number}]"), Step::Update), sample::update("x", &format!("image:{image}")))
            };
            let actions = images.iter().enumerate().map(update).collect();
            let planned = Planned::Changes(Plan { actions, ..sample::empty_plan() });
            let view = view(&planned);
            let mut grouped: Vec<&Address> =
                view.groups.iter().flat_map(|group| group.addresses.iter().copied()).collect();
            grouped.sort();
            let changed: Vec<&Address> = view.changes.iter().map(|change| change.address).collect();
            prop_assert_eq!(grouped, changed);
            let distinct: BTreeSet<&u8> = images.iter().collect();
            prop_assert_eq!(view.groups.len(), distinct.len());
        }
    }
}
