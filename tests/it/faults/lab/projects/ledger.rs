//! Who made what and who may touch it, as the schedule itself saw it: from the creates on the wire and from what it did
//! in the console. Nothing in here asks podform whose an object is.

use std::collections::{BTreeMap, BTreeSet};

use podform::simulator::World;
use podform::simulator::world::pod::{Mount, Pod, PodId, Status};

/// A copy that was made within so many milliseconds of its original cannot be told from a second pod of the same
/// create, which may come that long after the time in its mark.
const SAME_CREATE: u64 = 60_000;

/// What a schedule knows of one pod or volume.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// The projects that have it: their runs may touch it.
    pub owners: BTreeSet<String>,
    /// The projects that ever had it.
    pub former: BTreeSet<String>,
    /// The projects that may take it, as a person named it to them.
    pub offered: BTreeSet<String>,
    /// The project whose create made it.
    pub maker: Option<String>,
    /// For which address it was made, or under which it was last recorded.
    pub address: String,
    /// The pod that it is a copy of.
    pub copy_of: Option<String>,
    /// What the platform made of it when it moved it.
    pub successor: Option<String>,
}

/// All objects, and what must not have happened.
#[derive(Debug, Default)]
pub struct Ledger {
    pub objects: BTreeMap<String, Object>,
    /// Creates that were sent: the project, the address, and the mark or name that they carried.
    pub sent: Vec<(String, String, String)>,
    /// What the run that goes on has made.
    pub made: Vec<String>,
    /// The run was cut, so that what it made may still stand beside what it was to replace, and nobody says so.
    pub was_cut: bool,
    /// What the run that goes on must not take away.
    pub protected: BTreeSet<String>,
    /// Projects for which everything is as wanted, so that nothing is to be made and nothing with data taken away.
    pub settled: BTreeSet<String>,
    pub violations: Vec<String>,
}

/// What a request does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    Change,
    /// It does not come back from this.
    Delete,
}

impl Ledger {
    /// Finds out what creates made, whatever their answers said and whoever was there to read them: what is there, is
    /// not known yet and carries what one of them carried.
    pub fn find_made(&mut self, world: &World) {
        let pods =
            world.all_pods().filter_map(|pod| Some((&pod.id.0, pod.settings.env.get("PODFORM_MARK")?)));
        let volumes = world.all_volumes().map(|volume| (&volume.id.0, &volume.name));
        let unknown: Vec<(&String, &String)> =
            pods.chain(volumes).filter(|(id, _)| !self.objects.contains_key(*id)).collect();
        for (id, carried) in unknown {
            let create = self.sent.iter().find(|(_, _, sent)| sent == carried).cloned();
            if let Some((project, address, _)) = create {
                if self.settled.contains(&project) {
                    let line = format!("{project} made {id} for {address}, where nothing was missing");
                    self.violations.push(line);
                }
                self.note_made(&project, id, &address);
            }
        }
    }

    fn note_made(&mut self, project: &str, id: &str, address: &str) {
        let owners = BTreeSet::from([project.to_owned()]);
        let object = Object {
            former: owners.clone(),
            owners,
            maker: Some(project.to_owned()),
            address: address.to_owned(),
            ..Object::default()
        };
        self.made.push(id.to_owned());
        self.objects.insert(id.to_owned(), object);
    }

    /// Notes what somebody made in the console.
    pub fn note_foreign(&mut self, id: &str) {
        self.objects.insert(id.to_owned(), Object::default());
    }

    /// Notes a copy that somebody made in the console: it is nobody's.
    pub fn note_copy(&mut self, id: &str, original: &str) {
        let copy = Object { copy_of: Some(original.to_owned()), ..Object::default() };
        self.objects.insert(id.to_owned(), copy);
    }

    /// Notes that the platform gave a pod another id: whoever's it was, it still is.
    pub fn note_migrated(&mut self, old: &str, new: &str) {
        let Some(object) = self.objects.get_mut(old) else { return };
        object.successor = Some(new.to_owned());
        let moved = Object { successor: None, ..object.clone() };
        self.objects.insert(new.to_owned(), moved);
    }

    /// Notes that a person names an object to a project, which may take it.
    pub fn note_offered(&mut self, id: &str, project: &str) {
        self.objects.entry(id.to_owned()).or_default().offered.insert(project.to_owned());
    }

    /// Forgets what was named to a project.
    pub fn forget_offers(&mut self, project: &str) {
        for object in self.objects.values_mut() {
            object.offered.remove(project);
        }
    }

    /// Notes that a project has an object.
    pub fn note_given(&mut self, id: &str, project: &str) {
        let object = self.objects.entry(id.to_owned()).or_default();
        object.owners.insert(project.to_owned());
        object.former.insert(project.to_owned());
    }

    /// Notes that a person took an object from a project.
    pub fn note_given_up(&mut self, id: &str, project: &str) {
        for form in self.forms(id) {
            if let Some(object) = self.objects.get_mut(&form) {
                object.owners.remove(project);
                object.offered.remove(project);
            }
        }
    }

    /// Notes that a state is lost: for which address an object is, only its mark tells from then on.
    pub fn note_lost(&mut self, world: &World, project: &str) {
        for (id, object) in &mut self.objects {
            if object.maker.as_deref() != Some(project) {
                continue;
            }
            let mark = pod(world, id).and_then(|pod| pod.settings.env.get("PODFORM_MARK"));
            if let Some(address) = mark.and_then(|mark| mark.split('/').nth(1)) {
                address.clone_into(&mut object.address);
            } else if let Some(key) = world.volume(id).ok().and_then(|volume| volume.name.split('.').nth(1)) {
                object.address = format!("volume.{key}");
            }
        }
    }

    /// Notes that a project looks for all that it made, but for what its state says that it gave up, and for that in whose
    /// place a person named something else that is still there: `recorded` is what the state has.
    pub fn note_rebuild(
        &mut self,
        world: &World,
        project: &str,
        given_up: &BTreeSet<String>,
        recorded: &BTreeMap<String, String>,
    ) {
        let there = recorded.iter().filter(|(_, id)| is_there(world, id));
        let there: BTreeMap<String, String> = there.map(|(at, id)| (at.clone(), id.clone())).collect();
        for id in self.made_by(project) {
            if !given_up.contains(&id) && !self.is_named_elsewhere(project, &id, &there) {
                self.note_given(&id, project);
            }
        }
    }

    /// Notes what a state has after a person named an object for an address: what the project made for that address and
    /// has no record of is not its any more.
    pub fn note_named(&mut self, project: &str, recorded: &BTreeMap<String, String>) {
        for id in self.made_by(project) {
            if !recorded.values().any(|held| *held == id) && self.is_named_elsewhere(project, &id, recorded) {
                self.note_given_up(&id, project);
            }
        }
    }

    fn made_by(&self, project: &str) -> Vec<String> {
        let made = self.objects.iter().filter(|(_, object)| object.maker.as_deref() == Some(project));
        made.map(|(id, _)| id.clone()).collect()
    }

    /// Tells whether the address of an object has one that the project did not make.
    fn is_named_elsewhere(&self, project: &str, id: &str, recorded: &BTreeMap<String, String>) -> bool {
        let maker = |id: &str| self.objects.get(id).and_then(|object| object.maker.as_deref());
        let held = self.objects.get(id).and_then(|object| recorded.get(&object.address));
        held.is_some_and(|held| held != id && maker(held) != Some(project))
    }

    /// Notes that a request is about to change an object.
    pub fn note_touch(&mut self, world: &World, project: &str, id: &str, touch: Touch, verb: &str) {
        if !is_there(world, id) {
            return;
        }
        if self.may_touch(world, project, id, touch) {
            // What it may take for its own it may go on with, whatever it changes about it.
            self.note_given(id, project);
        } else {
            let whose = self.told(id);
            self.violations.push(format!("{project} did {verb} {id}, which is {whose}"));
        }
        // What holds nothing and is not where the spec has it may go; what holds something may not.
        let holds_something = pod(world, id).is_none_or(|pod| !holds_no_data(pod));
        if touch == Touch::Delete && holds_something && self.settled.contains(project) {
            let whose = self.told(id);
            self.violations.push(format!("{project} did {verb} {id}, {whose}, where all was as wanted"));
        }
        if touch == Touch::Delete && self.protected.contains(id) {
            self.violations.push(format!("{project} did {verb} {id}, which is protected"));
        }
    }

    /// Checks what a run has recorded, by address; `deposed` are old pods that could not be terminated yet.
    pub fn check_records(
        &mut self,
        world: &World,
        project: &str,
        recorded: &BTreeMap<String, String>,
        deposed: &BTreeSet<String>,
    ) {
        self.find_made(world);
        for (address, id) in recorded {
            if !self.may_touch(world, project, id, Touch::Change) && is_there(world, id) {
                let whose = self.told(id);
                self.violations.push(format!("{project} recorded {id} at {address}, which is {whose}"));
            }
            self.note_given(id, project);
            for form in self.forms(id) {
                self.objects.entry(form).or_default().address.clone_from(address);
            }
        }
        let made = std::mem::take(&mut self.made);
        if std::mem::take(&mut self.was_cut) {
            return;
        }
        for id in made {
            self.check_alone(world, project, &id, deposed);
        }
    }

    /// Checks that what a run made has no twin: another one that a create of the same project made for the address.
    fn check_alone(&mut self, world: &World, project: &str, id: &str, deposed: &BTreeSet<String>) {
        let Some(made) = self.objects.get(id).filter(|_| is_there(world, id)).cloned() else { return };
        let twins = self.objects.iter().filter(|(other, object)| {
            *other != id
                && object.maker.as_deref() == Some(project)
                && object.owners.contains(project)
                && object.address == made.address
                && is_there(world, other)
                && !deposed.contains(*other)
        });
        let twins: Vec<String> = twins.map(|(other, _)| other.clone()).collect();
        for twin in twins {
            self.violations
                .push(format!("{project} made {id} for {}, which has {twin} already", made.address));
        }
    }

    /// Returns what a project made, still owns and still pays for.
    pub fn owned(&self, world: &World, project: &str) -> Vec<String> {
        let owned = self.objects.iter().filter(|(id, object)| {
            object.owners.contains(project) && object.maker.as_deref() == Some(project) && is_there(world, id)
        });
        owned.map(|(id, _)| id.clone()).collect()
    }

    fn may_touch(&self, world: &World, project: &str, id: &str, touch: Touch) -> bool {
        let Some(object) = self.objects.get(id) else { return false };
        object.owners.contains(project)
            || object.offered.contains(project)
            || self.stands_for_its_original(world, project, id)
            || self.could_be_of_the_same_create(world, project, id, touch)
    }

    /// Nobody can tell the one exact copy of a pod that is gone from the same pod moved by the platform.
    fn stands_for_its_original(&self, world: &World, project: &str, id: &str) -> bool {
        let Some(original) = self.original(id) else { return false };
        let is_ours = self.objects.get(&original).is_some_and(|object| object.former.contains(project));
        let is_gone = self.forms(&original).iter().all(|form| !is_there(world, form));
        let others =
            self.objects.keys().filter(|other| *other != id && self.original(other) == self.original(id));
        let is_only = others.filter(|other| is_there(world, other)).count() == 0;
        is_ours && is_gone && is_only && self.equals(world, id, &original)
    }

    /// A copy that is made at once is a second pod of the same create to whoever looks later. Only one that equals its
    /// original and holds nothing may be ended for that.
    fn could_be_of_the_same_create(&self, world: &World, project: &str, id: &str, touch: Touch) -> bool {
        let Some(original) = self.original(id) else { return false };
        let is_ours = self.objects.get(&original).is_some_and(|object| object.former.contains(project));
        let (Some(copy), Some(pod)) = (pod(world, id), pod(world, &original)) else { return false };
        let age = copy.created_at.since(pod.created_at);
        let may_be_done = match touch {
            Touch::Change => true,
            Touch::Delete => holds_no_data(copy) && self.equals(world, id, &original),
        };
        is_ours && age <= SAME_CREATE && may_be_done
    }

    /// Returns the pod at the beginning of a chain of copies.
    pub fn original(&self, id: &str) -> Option<String> {
        let mut original = self.objects.get(id)?.copy_of.clone()?;
        while let Some(before) = self.objects.get(&original).and_then(|object| object.copy_of.clone()) {
            original = before;
        }
        Some(original)
    }

    /// Returns the ids that a pod had, one after another.
    pub fn forms(&self, id: &str) -> Vec<String> {
        let mut forms = vec![id.to_owned()];
        while let Some(next) = forms.last().and_then(|last| self.objects.get(last)?.successor.clone()) {
            forms.push(next);
        }
        forms
    }

    fn equals(&self, world: &World, id: &str, original: &str) -> bool {
        let (Some(one), Some(other)) = (pod(world, id), pod(world, original)) else {
            // Of a volume there is nothing but its name.
            return pod(world, id).is_none() && pod(world, original).is_none();
        };
        one.settings.name == other.settings.name
            && one.settings.image == other.settings.image
            && one.mount == other.mount
            && one.compute == other.compute
            && one.settings.disk == other.settings.disk
    }

    fn told(&self, id: &str) -> String {
        match self.objects.get(id) {
            None => "unknown to everybody".to_owned(),
            Some(Object { copy_of: Some(original), .. }) => format!("a copy of {original}"),
            Some(Object { maker: Some(maker), owners, .. }) if owners.is_empty() => {
                format!("given up by {maker}")
            }
            Some(Object { maker: Some(maker), address, .. }) => format!("{maker}'s {address}"),
            Some(Object { maker: None, .. }) => "nobody's".to_owned(),
        }
    }
}

fn pod<'w>(world: &'w World, id: &str) -> Option<&'w Pod> {
    world.any_pod(&PodId(id.to_owned()))
}

/// Tells whether nothing of a pod is lost with it.
pub fn holds_no_data(pod: &Pod) -> bool {
    match pod.mount {
        Mount::Nothing | Mount::Network { .. } => true,
        Mount::Persistent { .. } => false,
    }
}

/// Tells whether a pod or volume exists and is billed.
pub fn is_there(world: &World, id: &str) -> bool {
    match pod(world, id) {
        Some(pod) => pod.status(world.now()) != Status::Terminated,
        None => world.volume(id).is_ok(),
    }
}
