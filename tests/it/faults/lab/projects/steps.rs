//! What people do, one step after another, each drawn at random.

use std::time::Duration;

use podform::model::address::Address;
use podform::model::clock::SignedDuration;
use podform::plan::Options;
use podform::provider::Observe;
use podform::simulator::world::hosts::Cloud;
use podform::simulator::world::order::{ComputeOrder, CudaRule, PodOrder};
use podform::simulator::world::pod::{Compute, Pod as WorldPod, PodId as WorldPodId};
use podform::simulator::world::settings::Settings;
use podform::simulator::world::volume::VolumeOrder;
use tokio::time::sleep;

use super::commands::load;
use super::ledger::is_there;
use super::sheet::{Pod, Sheet, Volume};
use super::{Account, Kept, Kind, NAMES};

/// The keys of pods and of volumes. Some are what another project's name and key have in common.
const PODS: [&str; 5] = ["llm", "prod-llm", "llm-0", "eu-llm", "web"];
const VOLUMES: [&str; 4] = ["models", "prod-models", "eu-models", "prod-eu-models"];
/// How long a person waits before the next step, in seconds.
const PAUSES: [u64; 7] = [1, 5, 40, 130, 150, 300, 2_000];

/// What a person does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Apply,
    /// An apply whose process dies.
    CutApply,
    Destroy,
    Edit,
    Clone,
    Terminate,
    Migrate,
    NameVolumeAlike,
    LoseState,
    Backup,
    PutBack,
    UseOtherCopy,
    Rebuild,
    Adopt,
    Import,
    RenameInState,
    GiveUp,
    RenameProject,
    /// The clock of the computers that podform runs on is set.
    SetClock,
}

/// Each deed with how likely it is.
const DEEDS: [(Deed, usize); 19] = [
    (Deed::Apply, 24),
    (Deed::CutApply, 5),
    (Deed::Destroy, 2),
    (Deed::Edit, 20),
    (Deed::Clone, 9),
    (Deed::Terminate, 6),
    (Deed::Migrate, 3),
    (Deed::NameVolumeAlike, 3),
    (Deed::LoseState, 5),
    (Deed::Backup, 4),
    (Deed::PutBack, 7),
    (Deed::UseOtherCopy, 4),
    (Deed::Rebuild, 7),
    (Deed::Adopt, 4),
    (Deed::Import, 4),
    (Deed::RenameInState, 4),
    (Deed::GiveUp, 2),
    (Deed::RenameProject, 2),
    (Deed::SetClock, 3),
];

/// What happens in a project that never loses its state, each with how likely it is.
const ORDINARY_DEEDS: [(Deed, usize); 8] = [
    (Deed::Apply, 30),
    (Deed::CutApply, 4),
    (Deed::Edit, 40),
    (Deed::Clone, 6),
    (Deed::Terminate, 4),
    (Deed::Migrate, 2),
    (Deed::NameVolumeAlike, 2),
    (Deed::RenameInState, 6),
];

impl Account<'_> {
    /// Takes one step and lets some time pass.
    pub(super) async fn step(&mut self, number: usize, dice: &mut fastrand::Rng) {
        let place = dice.usize(..self.projects.len());
        // Every schedule begins with applies, as there is nothing to lose before.
        let deed = match self.case.kind {
            _ if number < 2 => Deed::Apply,
            Kind::People => drawn(&DEEDS, dice),
            Kind::Rebuild => drawn(&ORDINARY_DEEDS, dice),
        };
        let pause = PAUSES[dice.usize(..PAUSES.len())];
        // The world's time goes on with its requests.
        let _ = self.client.list_volumes().await;
        self.story
            .add(|| format!("{number}: {} {deed:?}, then {pause} s", self.projects[place].sheet.project));
        match deed {
            Deed::Apply => {
                drop(self.apply(place, &Options::default()).await);
                // Some computers keep a copy each night.
                if dice.u8(..3) == 0 {
                    self.backup(place).await;
                }
            }
            Deed::CutApply => {
                let moment = Duration::from_millis(dice.u64(..20_000));
                let options = Options::default();
                tokio::select! {
                    biased;
                    _ended = self.apply(place, &options) => {}
                    () = sleep(moment) => self.ledger.borrow_mut().was_cut = true,
                }
                self.check_records(place).await;
            }
            Deed::Destroy => {
                drop(self.apply(place, &Options { destroy: true, ..Options::default() }).await);
            }
            Deed::Edit => {
                edit(&mut self.projects[place].sheet, dice);
                self.story.add(|| self.projects[place].sheet.text());
            }
            Deed::Clone => self.clone_in_console(dice),
            Deed::Terminate => self.terminate_in_console(dice),
            Deed::Migrate => self.migrate(dice),
            Deed::NameVolumeAlike => self.name_volume_alike(dice),
            Deed::LoseState => self.lose_state(place),
            Deed::Backup => self.backup(place).await,
            Deed::PutBack => self.put_back(place, dice).await,
            Deed::UseOtherCopy => self.use_other_copy(place).await,
            Deed::Rebuild => self.rebuild(place).await,
            Deed::Adopt => self.adopt(place, dice),
            Deed::Import => self.import_something(place, dice).await,
            Deed::RenameInState => self.rename_something(place, dice).await,
            Deed::GiveUp => self.give_something_up(place, dice).await,
            Deed::RenameProject => self.rename_project(place, dice),
            Deed::SetClock => {
                let seconds = [0, 600, -600, 86_400, -86_400][dice.usize(..5)];
                self.clock.ahead.set(SignedDuration::from_secs(seconds));
                self.story.add(|| format!("  {seconds} s ahead"));
            }
        }
        sleep(Duration::from_secs(pause)).await;
    }

    fn clone_in_console(&mut self, dice: &mut fastrand::Rng) {
        let Some(original) = self.some_pod(dice) else { return };
        let is_edited = dice.bool();
        let mut order = order_like(&original);
        if is_edited {
            match dice.u8(..3) {
                0 => order.settings.name.push_str("-copy"),
                1 => order.settings.image = "img:77".to_owned(),
                _ => order.settings.disk += 10,
            }
        }
        // A copy for which there is no room is not made.
        let Ok(copy) = self.simulation.edit(|world| world.create_pod(order)) else { return };
        self.story.add(|| format!("  {} is a copy of {}, edited: {is_edited}", copy.0, original.id.0));
        self.ledger.borrow_mut().note_copy(&copy.0, &original.id.0);
    }

    fn terminate_in_console(&mut self, dice: &mut fastrand::Rng) {
        let Some(pod) = self.some_pod(dice) else { return };
        let done = self.simulation.edit(|world| world.terminate_pod(&pod.id.0));
        self.story.add(|| format!("  {} {done:?}", pod.id.0));
    }

    fn migrate(&mut self, dice: &mut fastrand::Rng) {
        let Some(pod) = self.some_pod(dice) else { return };
        let Some(new) = self.simulation.edit(|world| world.migrate_pod(&pod.id)) else { return };
        self.story.add(|| format!("  {} is {} from here on", pod.id.0, new.0));
        self.ledger.borrow_mut().note_migrated(&pod.id.0, &new.0);
    }

    /// Makes a volume that has the name of another one.
    fn name_volume_alike(&mut self, dice: &mut fastrand::Rng) {
        let volumes: Vec<(String, String)> = self.simulation.inspect(|world| {
            world.all_volumes().map(|volume| (volume.id.0.clone(), volume.name.clone())).collect()
        });
        let Some((original, name)) = dice.choice(&volumes).cloned() else { return };
        let order = VolumeOrder { name, size: 10, data_center: "EU-RO-1".to_owned(), tier: None };
        let made = self.simulation.edit(|world| world.create_volume(order)).expect("room for a volume");
        self.story.add(|| format!("  {} is named as {original}", made.0));
        self.ledger.borrow_mut().note_copy(&made.0, &original);
    }

    /// Loses the state.
    pub fn lose_state(&mut self, place: usize) {
        let fresh = self.fresh();
        let project = &mut self.projects[place];
        let name = project.sheet.project.clone();
        let Some(lost) = project.states.insert(name.clone(), fresh) else { return };
        self.simulation.inspect(|world| self.ledger.borrow_mut().note_lost(world, &name));
        // What protected nothing but records is lost with them; what holds data is not to be ended by a rebuild.
        let kept = lost.protected.into_iter().filter(|id| {
            self.simulation.inspect(|world| world.any_pod(&WorldPodId(id.clone())).is_none_or(holds_data))
        });
        let kept = kept.collect();
        let name = self.projects[place].sheet.project.clone();
        if let Some(fresh) = self.projects[place].states.get_mut(&name) {
            fresh.protected = kept;
        }
    }

    /// Keeps a copy of the state.
    pub async fn backup(&mut self, place: usize) {
        let copy = self.kept(place).copied().await;
        let project = &mut self.projects[place];
        project.backups.push((project.sheet.project.clone(), copy));
    }

    /// Puts an old copy of the state back; what was in its place is gone.
    async fn put_back(&mut self, place: usize, dice: &mut fastrand::Rng) {
        if let Some(chosen) = self.backup_of(place, dice) {
            self.put_back_number(place, chosen).await;
        }
    }

    /// Puts a copy of the state back.
    pub async fn put_back_number(&mut self, place: usize, number: usize) {
        let copy = self.projects[place].backups[number].1.copied().await;
        self.install(place, copy).await;
    }

    /// Goes on with a copy of the state as another project of the same name does, on another computer.
    pub async fn copy_to_another_computer(&mut self, place: usize) -> usize {
        let copy = self.kept(place).copied().await;
        let other = self.found(self.projects[place].sheet.clone());
        self.install(other, copy).await;
        other
    }

    /// Goes on with the latest copy, as another computer would, and keeps the present state for later.
    async fn use_other_copy(&mut self, place: usize) {
        let project = &mut self.projects[place];
        let name = project.sheet.project.clone();
        let Some(latest) = project.backups.iter().rposition(|(of, _)| *of == name) else { return };
        let (_, other) = project.backups.remove(latest);
        let Some(present) = project.states.remove(&name) else { return };
        project.backups.insert(0, (name, present));
        self.install(place, other).await;
    }

    async fn install(&mut self, place: usize, copy: Kept) {
        let project = self.projects[place].sheet.project.clone();
        // What a state has on record was its project's when it was written.
        for recorded in load(&copy.state).await.objects.values() {
            let id = recorded.id.to_string();
            let was_ours =
                self.ledger.borrow().objects.get(&id).is_some_and(|object| object.former.contains(&project));
            if was_ours {
                let forms = self.ledger.borrow().forms(&id);
                forms.iter().for_each(|form| self.ledger.borrow_mut().note_given(form, &project));
            }
        }
        for id in &copy.given_up {
            self.ledger.borrow_mut().note_given_up(id, &project);
        }
        self.projects[place].states.insert(project, copy);
    }

    fn backup_of(&self, place: usize, dice: &mut fastrand::Rng) -> Option<usize> {
        let project = &self.projects[place];
        let own = project.backups.iter().enumerate().filter(|(_, (of, _))| *of == project.sheet.project);
        let own: Vec<usize> = own.map(|(number, _)| number).collect();
        dice.choice(own)
    }

    /// Writes the id of any object at all into the spec.
    fn adopt(&mut self, place: usize, dice: &mut fastrand::Rng) {
        let Some((id, is_pod)) = self.something(dice) else { return };
        let sheet = &mut self.projects[place].sheet;
        if is_pod {
            let key = PODS[dice.usize(..PODS.len())];
            sheet.pods.entry(key.to_owned()).or_default().adopt = Some(id);
        } else {
            let key = VOLUMES[dice.usize(..VOLUMES.len())];
            let volume = Volume { size: 2, ..Volume::default() };
            sheet.volumes.entry(key.to_owned()).or_insert(volume).adopt = Some(id);
        }
        self.story.add(|| self.projects[place].sheet.text());
    }

    async fn import_something(&mut self, place: usize, dice: &mut fastrand::Rng) {
        let Some((id, is_pod)) = self.something(dice) else { return };
        let sheet = &self.projects[place].sheet;
        let keys: Vec<String> = if is_pod {
            sheet.pods.iter().filter(|(_, pod)| pod.replicas.is_none()).map(|(key, _)| key.clone()).collect()
        } else {
            sheet.volumes.keys().map(|key| format!("volume.{key}")).collect()
        };
        let Some(address) = dice.choice(&keys) else { return };
        self.story.add(|| format!("  {address} {id}"));
        self.import(place, &address.parse().expect("an address"), &id).await;
    }

    async fn rename_something(&mut self, place: usize, dice: &mut fastrand::Rng) {
        let Some(from) = self.some_record(place, dice).await else { return };
        let to = match &from {
            Address::Pod { key: _, replica } => {
                let key = PODS[dice.usize(..PODS.len())].parse().expect("a key");
                Address::Pod { key, replica: *replica }
            }
            Address::Secret(_) | Address::Registry(_) => return,
            Address::Volume(_) => {
                Address::Volume(VOLUMES[dice.usize(..VOLUMES.len())].parse().expect("a key"))
            }
        };
        self.story.add(|| format!("  {from} -> {to}"));
        self.rename_in_state(place, &from, &to).await;
    }

    async fn give_something_up(&mut self, place: usize, dice: &mut fastrand::Rng) {
        let Some(address) = self.some_record(place, dice).await else { return };
        self.story.add(|| format!("  {address}"));
        self.give_up(place, &address).await;
    }

    fn rename_project(&mut self, place: usize, dice: &mut fastrand::Rng) {
        let taken: Vec<&str> = self.projects.iter().map(|project| &*project.sheet.project).collect();
        let free: Vec<&str> = NAMES.into_iter().filter(|name| !taken.contains(name)).collect();
        let Some(name) = dice.choice(free) else { return };
        let fresh = self.fresh();
        let project = &mut self.projects[place];
        name.clone_into(&mut project.sheet.project);
        project.states.entry(name.to_owned()).or_insert(fresh);
        self.story.add(|| format!("  it is {name} from here on"));
    }

    async fn some_record(&self, place: usize, dice: &mut fastrand::Rng) -> Option<Address> {
        let addresses: Vec<Address> = load(&self.kept(place).state).await.objects.into_keys().collect();
        dice.choice(&addresses).cloned()
    }

    /// Returns a pod that exists, whoever's it is.
    fn some_pod(&self, dice: &mut fastrand::Rng) -> Option<WorldPod> {
        self.simulation.inspect(|world| {
            let pods: Vec<&WorldPod> = world.all_pods().filter(|pod| is_there(world, &pod.id.0)).collect();
            dice.choice(&pods).map(|pod| WorldPod::clone(pod))
        })
    }

    /// Returns the id of a pod or volume that exists, and whether it is a pod.
    fn something(&self, dice: &mut fastrand::Rng) -> Option<(String, bool)> {
        self.simulation.inspect(|world| {
            let pods = world.all_pods().filter(|pod| is_there(world, &pod.id.0));
            let pods = pods.map(|pod| (pod.id.0.clone(), true));
            let all: Vec<(String, bool)> =
                pods.chain(world.all_volumes().map(|volume| (volume.id.0.clone(), false))).collect();
            dice.choice(&all).cloned()
        })
    }
}

fn drawn(deeds: &[(Deed, usize)], dice: &mut fastrand::Rng) -> Deed {
    let all: usize = deeds.iter().map(|(_, weight)| weight).sum();
    let mut number = dice.usize(..all);
    for (deed, weight) in deeds {
        if number < *weight {
            return *deed;
        }
        number -= weight;
    }
    Deed::Apply
}

fn holds_data(pod: &WorldPod) -> bool {
    !super::ledger::holds_no_data(pod)
}

/// Returns what the console asks for when it clones a pod.
fn order_like(pod: &WorldPod) -> PodOrder {
    let compute = match &pod.compute {
        Compute::Gpu { id, count, attached: _ } => ComputeOrder::Gpu {
            ids: vec![id.clone()],
            count: *count,
            cuda: CudaRule::Any,
            min_ram: 0,
            min_vcpu: 0,
        },
        Compute::Cpu { flavor, vcpus } => ComputeOrder::Cpu { flavors: vec![flavor.clone()], vcpus: *vcpus },
    };
    PodOrder {
        has_disk: true,
        settings: Settings { global_networking: false, locked: false, ..pod.settings.clone() },
        mount: pod.mount.clone(),
        compute,
        clouds: vec![Cloud::Secure, Cloud::Community],
        data_centers: Vec::new(),
        countries: Vec::new(),
        ssh: false,
        jupyter: false,
        template: None,
        bid: None,
    }
}

/// Adds a pod or a volume that the spec does not have.
pub(super) fn add_something(sheet: &mut Sheet, dice: &mut fastrand::Rng) {
    if dice.u8(..3) == 0 {
        let key = VOLUMES[dice.usize(..VOLUMES.len())].to_owned();
        let volume = Volume { size: dice.u32(1..4), is_protected: dice.u8(..3) == 0, adopt: None };
        sheet.volumes.entry(key).or_insert(volume);
        return;
    }
    let volumes: Vec<String> = sheet.volumes.keys().cloned().collect();
    let volume = if dice.bool() { dice.choice(&volumes).cloned() } else { None };
    let pod = Pod {
        image: dice.u32(1..4),
        gpu: dice.usize(..2),
        replicas: (dice.u8(..4) == 0).then(|| dice.u32(1..4)),
        is_stopped: dice.u8(..8) == 0,
        is_protected: dice.u8(..5) == 0,
        is_local: dice.u8(..3) == 0,
        volume,
        creates_first: dice.bool(),
        adopt: None,
    };
    sheet.pods.entry(PODS[dice.usize(..PODS.len())].to_owned()).or_insert(pod);
}

/// Edits a spec in one place.
fn edit(sheet: &mut Sheet, dice: &mut fastrand::Rng) {
    match dice.u8(..12) {
        0..3 => add_something(sheet, dice),
        3 => remove_something(sheet, dice),
        4 | 5 => rename_key(sheet, dice),
        6 => {
            if let Some(volume) = some_volume(sheet, dice) {
                if dice.bool() { volume.size += 1 } else { volume.is_protected = !volume.is_protected }
            }
        }
        7 => sheet.moved.clear(),
        _ => {
            if let Some(pod) = some_sheet_pod(sheet, dice) {
                change(pod, dice);
            }
        }
    }
}

fn change(pod: &mut Pod, dice: &mut fastrand::Rng) {
    match dice.u8(..7) {
        0 => pod.image += 1,
        1 | 2 => pod.gpu = 1 - pod.gpu,
        3 => pod.is_stopped = !pod.is_stopped,
        4 => pod.is_protected = !pod.is_protected,
        5 => pod.creates_first = !pod.creates_first,
        _ => {
            pod.replicas = match pod.replicas {
                Some(count) if dice.bool() => Some(count.saturating_sub(1)),
                Some(count) => Some(count + 1),
                None => Some(2),
            };
        }
    }
}

fn remove_something(sheet: &mut Sheet, dice: &mut fastrand::Rng) {
    let pods: Vec<String> = sheet.pods.keys().cloned().collect();
    let volumes: Vec<String> = sheet.volumes.keys().cloned().collect();
    if dice.bool()
        && let Some(key) = dice.choice(&volumes)
    {
        sheet.volumes.remove(key);
        for pod in sheet.pods.values_mut().filter(|pod| pod.volume.as_ref() == Some(key)) {
            pod.volume = None;
        }
    } else if let Some(key) = dice.choice(&pods) {
        sheet.pods.remove(key);
    }
}

fn rename_key(sheet: &mut Sheet, dice: &mut fastrand::Rng) {
    let volumes = sheet.volumes.keys().map(|key| format!("volume.{key}"));
    let old: Vec<String> = sheet.pods.keys().cloned().chain(volumes).collect();
    let Some(from) = dice.choice(&old).cloned() else { return };
    let free: Vec<String> = if from.starts_with("volume.") {
        let keys = VOLUMES.into_iter().filter(|key| !sheet.volumes.contains_key(*key));
        keys.map(|key| format!("volume.{key}")).collect()
    } else {
        let keys = PODS.into_iter().filter(|key| !sheet.pods.contains_key(*key));
        keys.map(str::to_owned).collect()
    };
    let Some(to) = dice.choice(&free).cloned() else { return };
    // Most people say so; some rename without a word, which is a removal and an addition.
    sheet.rename(&from, &to, dice.u8(..5) != 0);
}

fn some_sheet_pod<'s>(sheet: &'s mut Sheet, dice: &mut fastrand::Rng) -> Option<&'s mut Pod> {
    let count = sheet.pods.len();
    if count == 0 { None } else { sheet.pods.values_mut().nth(dice.usize(..count)) }
}

fn some_volume<'s>(sheet: &'s mut Sheet, dice: &mut fastrand::Rng) -> Option<&'s mut Volume> {
    let count = sheet.volumes.len();
    if count == 0 { None } else { sheet.volumes.values_mut().nth(dice.usize(..count)) }
}
