//! What the planner notices or does not do, and why: one function for each remark, so that the words stand together.

use std::collections::BTreeSet;

use crate::model::address::{Address, Key, Kind};
use crate::model::catalog::{Catalog, CatalogPart, LeftOut};
use crate::model::clock::{Age, SignedDuration};
use crate::model::id::{CudaVersion, EnvKey, PodId, ProjectName, RegistryId, RemoteId, TemplateId, VolumeId};
use crate::model::job::End;
use crate::model::live::{LivePod, LiveRegistry, PodStatus, Unreadable};
use crate::model::money::{Amount, Monthly, Price};
use crate::model::plan::{BudgetLimit, Finding, Severity, Subject};
use crate::model::pod::Storage;
use crate::model::prior::Api;
use crate::model::seconds::Seconds;
use crate::model::secret::SecretName;
use crate::model::settings::Field;
use crate::model::size::Gigabytes;
use crate::model::template::TemplateVolume;

use super::dead_addresses::Kept;
use super::pods::Stands;
use super::reach::Standing;
use super::rotation::Rotation;
use super::scope::Pattern;

fn about(
    severity: Severity,
    code: &'static str,
    address: &Address,
    field: Option<Field>,
    message: String,
) -> Finding {
    let subject = Some(Subject { address: address.clone(), field });
    Finding { severity, code, subject, message }
}

/// Says what is not known of the catalog, so that nobody takes an unknown price for a low one.
pub(super) fn catalog(catalog: &Catalog) -> Vec<Finding> {
    let remark = |severity, code, message| Finding { severity, code, subject: None, message };
    let unread = catalog.unread.iter().map(|(part, why)| {
        let so = match part {
            CatalogPart::Gpus | CatalogPart::Cpus => "what needs their price and stock waits",
            CatalogPart::DataCenters => "places are not checked",
        };
        let message = format!("the catalog's {} could not be read, so {so}: {why}", part.noun());
        remark(Severity::Warning, "catalog-not-read", message)
    });
    let left_out = catalog.left_out.iter().map(|LeftOut { part, id, why }| {
        let name = id.as_ref().map_or_else(|| "an entry without id".to_owned(), |id| format!("`{id}`"));
        let message = format!("{name} of the catalog's {} is left out: {why}", part.noun());
        remark(Severity::Note, "entry-left-out", message)
    });
    unread.chain(left_out).collect()
}

/// A lock that the spec has is no obstacle, and that it is open for a moment is said.
pub(super) fn lock_opened(address: &Address) -> Finding {
    let message =
        "its lock is opened for the change and closed after it: three requests, one after the other";
    about(Severity::Note, "lock-opened", address, Some(Field::Locked), message.to_owned())
}

/// A pod is made with the keys that the account has then, so it is said before.
pub(super) fn no_ssh_keys(address: &Address) -> Finding {
    let message = "the account has no SSH key, so nobody gets in: add one in RunPod's settings before this pod is made, \
                   as it keeps the keys of that moment";
    about(Severity::Warning, "no-ssh-keys", address, Some(Field::Ssh), message.to_owned())
}

/// Names what is listed and cannot be read. It is neither managed nor unmanaged, as its mark may be what is odd.
pub(super) fn unread(kind: &str, entries: &[(RemoteId, &Unreadable)]) -> Option<Finding> {
    const SHOWN: usize = 8;
    let (_, why) = entries.first()?;
    let named: Vec<String> = entries.iter().take(SHOWN).map(|(id, _)| format!("`{id}`")).collect();
    let more = match entries.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (kind, are, whose) = if entries.len() == 1 {
        (kind.to_owned(), "is", "whose it is is not known")
    } else {
        (format!("{kind}s"), "are", "whose they are is not known")
    };
    let message = format!("{kind} {}{more} {are} left out, as {whose}: {why}", named.join(", "));
    Some(Finding { severity: Severity::Warning, code: "entry-left-out", subject: None, message })
}

/// Counts what is listed without an id.
pub(super) fn nameless(kind: &str, whys: &[String]) -> Option<Finding> {
    let why = whys.first()?;
    let (entries, are) = if whys.len() == 1 {
        ("1 entry".to_owned(), "is")
    } else {
        (format!("{} entries", whys.len()), "are")
    };
    let message = format!(
        "{entries} of the account's {kind}s {are} left out, and no {kind} counts as gone meanwhile: {why}"
    );
    Some(Finding { severity: Severity::Warning, code: "entry-left-out", subject: None, message })
}

pub(super) fn no_secret(address: &Address, key: &EnvKey, name: &str) -> Finding {
    let message = format!(
        "RunPod has no secret `{name}`, so that at its next start the pod gets the reference to it in its place"
    );
    about(Severity::Warning, "no-secret", address, Some(Field::Env(key.clone())), message)
}

pub(super) fn secret_mark_gone(address: &Address, name: &str) -> Finding {
    let message = format!(
        "the description of `{name}` in RunPod no longer carries podform's mark, so it is neither changed nor deleted"
    );
    about(Severity::Warning, "mark-removed", address, None, message)
}

pub(super) fn secret_stays(address: &Address, name: &str) -> Finding {
    let message = format!(
        "the secret `{name}` stays in RunPod; `removed: [{{ from: {address}, then: terminate }}]` deletes it"
    );
    about(Severity::Note, "secret-stays", address, None, message)
}

pub(super) fn secrets_not_checked(why: &str) -> Finding {
    let message = format!("whether RunPod has the secrets that variables refer to is not checked: {why}");
    Finding { severity: Severity::Warning, code: "secrets-not-checked", subject: None, message }
}

pub(super) fn registries_not_checked(why: &str) -> Finding {
    let message = format!("whether RunPod has the credentials that `registries` gives is not checked: {why}");
    Finding { severity: Severity::Warning, code: "registries-not-checked", subject: None, message }
}

pub(super) fn no_registry(address: &Address, id: &RegistryId) -> Finding {
    let message = format!(
        "RunPod has no credentials `{id}`, so that the image cannot be pulled again where the pod is made anew"
    );
    about(Severity::Warning, "no-registry", address, Some(Field::Registry), message)
}

pub(super) fn registry_mark_gone(address: &Address, name: &str) -> Finding {
    let message =
        format!("the name `{name}` in RunPod is not podform's mark, so it is neither replaced nor deleted");
    about(Severity::Warning, "mark-removed", address, None, message)
}

pub(super) fn registry_stays(address: &Address, name: &str) -> Finding {
    let message = format!("the credentials `{name}` stay in RunPod, unmanaged");
    about(Severity::Note, "registry-stays", address, None, message)
}

pub(super) fn registry_in_use(address: &Address, id: &RegistryId, why: &str) -> Finding {
    let message = format!("`{id}`, which others took the place of, is not deleted: {why}");
    about(Severity::Warning, "registry-in-use", address, None, message)
}

pub(super) fn second_registry(address: &Address, other: &LiveRegistry) -> Finding {
    let message = format!(
        "RunPod also has the credentials `{}`, `{}`, with a mark of it, which are left alone",
        other.id, other.name
    );
    about(Severity::Warning, "second-registry", address, None, message)
}

/// Only REST v2 lists the secrets of an account.
pub(super) fn secrets_not_told(api: Api) -> Finding {
    let message = format!(
        "whether RunPod has the secrets that variables refer to is not checked, as `api: {}` does not list them",
        api.word()
    );
    Finding { severity: Severity::Note, code: "secrets-not-checked", subject: None, message }
}

pub(super) fn place_not_checked(address: &Address, field: Field) -> Finding {
    let message = format!("`{field}` is not checked: the catalog's data centers could not be read");
    about(Severity::Warning, "place-not-checked", address, Some(field), message)
}

pub(super) fn move_target_taken(from: &Address, to: &Address) -> Finding {
    let message = format!("`moved` from `{from}` is left out: `{to}` is in the state as well");
    about(Severity::Warning, "move-target-taken", to, None, message)
}

/// A dependency goes along with what needs it.
pub(super) fn needed(dependency: &Address, by: &Address, standing: Standing) -> Finding {
    let why = match standing {
        Standing::Missing => "does not exist",
        Standing::Stopped => "does not run",
        Standing::Unknown => "could not be looked at",
        Standing::Ready => "gets this address",
        Standing::Over => "is to run again or not known to be done",
    };
    let message = format!("goes along: `{by}` depends on it, and it {why}");
    about(Severity::Note, "goes-along", dependency, None, message)
}

/// A target waits for a job as it is.
pub(super) fn awaited(job: &Address, by: &Address) -> Finding {
    let message = format!("goes along: `{by}` waits for its end, and it is under way; nothing is done to it");
    about(Severity::Note, "goes-along", job, None, message)
}

/// A target takes along the credentials that others are to take the place of.
pub(super) fn remade(registry: &Address, by: &Address) -> Finding {
    let message = format!("goes along: `{by}` pulls with it, and others take its place");
    about(Severity::Note, "goes-along", registry, None, message)
}

/// What depends on a target goes with it.
pub(super) fn goes_with(dependent: &Address, target: &Address) -> Finding {
    let message = format!("goes along: it depends on `{target}`, which goes");
    about(Severity::Warning, "goes-along", dependent, None, message)
}

/// What still mounts a volume has to let go of it first.
pub(super) fn pulls_with_another(pod: &Address, registry: &Address) -> Finding {
    let message = format!("goes along: it pulls with `{registry}`, which gets another id");
    about(Severity::Warning, "goes-along", pod, None, message)
}

pub(super) fn refers_to_another(pod: &Address, referred: &Address) -> Finding {
    let message = format!("goes along: it refers to `{referred}`, which gets another id");
    about(Severity::Warning, "goes-along", pod, None, message)
}

/// What a pod was given leads nowhere any more.
pub(super) fn dead_address(pod: &Address, field: &Field, whose: &Address, kept: Kept) -> Finding {
    let what = match kept {
        Kept::LeftOut => {
            "it is left out of this plan; one that is about it tells it of the present pod, if it refers to that"
                .to_owned()
        }
        Kept::Held => "it is held; once it is not, a plan tells it of the present pod, if it refers to that".to_owned(),
        Kept::Ignored => format!(
            "`ignore_changes` has the field; take it out there, or make another pod by `--replace {}`",
            pod.key()
        ),
        Kept::UnderWay => "the next run of its job is given the present one".to_owned(),
        Kept::Typed => format!("write `${{pods.{whose}.url}}` in its place, or what else of it is meant"),
    };
    let message = format!("keeps an address of a former pod of `{whose}`, which is gone then: {what}");
    about(Severity::Warning, "keeps-dead-address", pod, Some(field.clone()), message)
}

/// What a pod was given leads nowhere if the one that it refers to is made anew.
pub(super) fn may_be_outdated(pod: &Address, field: &Field, whose: &Address, kept: Option<Kept>) -> Finding {
    let what = match kept {
        Some(Kept::Ignored) => "`ignore_changes` has the field, so no plan tells it of the present one",
        Some(Kept::UnderWay) => "the next run of its job is given the present one",
        Some(Kept::LeftOut | Kept::Held | Kept::Typed) | None => {
            "the next plan that is about it tells it of the present one"
        }
    };
    let message = format!(
        "keeps an address of a former pod of `{whose}` if that cannot come back on its host and is made anew: {what}"
    );
    about(Severity::Warning, "may-keep-dead-address", pod, Some(field.clone()), message)
}

pub(super) fn frees(pod: &Address, taken: &Address) -> Finding {
    let uses = if taken.kind() == Kind::Registry { "pulls with" } else { "mounts" };
    let message = format!("goes along: it still {uses} `{taken}`, which goes");
    about(Severity::Warning, "goes-along", pod, None, message)
}

/// What mounts a volume follows it to its new id.
pub(super) fn mounts_another(pod: &Address, volume: &Address) -> Finding {
    let message = format!("goes along: it mounts `{volume}`, which gets another id");
    about(Severity::Warning, "goes-along", pod, None, message)
}

/// A record leaves the address that another one gets.
pub(super) fn makes_way(occupant: &Address, target: &Address) -> Finding {
    let message = format!("goes along: its record leaves `{target}`; nothing else is done to it");
    about(Severity::Note, "goes-along", occupant, None, message)
}

/// What something else needs that was left out is not destroyed.
pub(super) fn stays_for(address: &Address, dependent: &Address) -> Finding {
    let message = format!("stays: `{dependent}` depends on it and is left out of this plan");
    about(Severity::Note, "stays", address, None, message)
}

/// A replica takes the place of a gone one.
pub(super) fn gap_closed(gap: &Address, spare: &Address, is_job: bool) -> Finding {
    let keeps = if is_job {
        "its run counts as this one's, and the name comes with the next run"
    } else {
        "its pod stays, and gets the name"
    };
    let message = format!(
        "is not there, and `{spare}`, which is like it and no longer counted, takes its place: {keeps}"
    );
    about(Severity::Note, "gap-closed", gap, Some(Field::Replicas), message)
}

/// A pod and the one that replaces it mount one volume.
pub(super) fn two_writers(address: &Address, volume: &Address) -> Finding {
    let message =
        format!("both the old pod and the new one have `{volume}` mounted until the old one is gone");
    about(Severity::Note, "two-writers", address, Some(Field::Volumes), message)
}

/// Replicas are changed in waves.
pub(super) fn in_waves(key: &Key, changed: usize, (waves, at_once): (usize, usize), down: usize) -> Finding {
    let first = match down {
        0 => String::new(),
        1 => ", after the one that is down".to_owned(),
        down => format!(", after the {down} that are down"),
    };
    let message = format!(
        "changes {changed} {} in {waves} {} of {at_once}{first}; one that does not come up again ends it",
        if changed == 1 { "replica" } else { "replicas" },
        if waves == 1 { "wave" } else { "waves" }
    );
    about(Severity::Note, "in-waves", &Address::pod(key.clone()), Some(Field::Replicas), message)
}

/// Over REST v1 a pod reads as running as soon as it is wanted so.
pub(super) fn former_goes_unseen(address: &Address) -> Finding {
    let message = "REST v1 does not tell when the new pod runs, so the old one goes as soon as there is a new one, even \
         if that never comes up; `ready`, or `api: v2`, keeps it until then"
        .to_owned();
    about(Severity::Warning, "goes-unseen", address, Some(Field::Lifecycle), message)
}

/// The same of the replicas of a key.
pub(super) fn waves_go_unseen(key: &Key) -> Finding {
    let message = "REST v1 does not tell when a pod runs again, so the next wave goes down as soon as one is changed, even \
         if that never comes up; `ready`, or `api: v2`, keeps it until then"
        .to_owned();
    about(Severity::Warning, "goes-unseen", &Address::pod(key.clone()), Some(Field::Replicas), message)
}

/// Nothing says that some replicas are to go on while others are changed.
pub(super) fn all_at_once(key: &Key, changed: usize) -> Finding {
    let message = format!(
        "all {changed} replicas that are changed go down at once; `update: {{ at_once: 1 }}` changes one after the other"
    );
    about(Severity::Note, "all-at-once", &Address::pod(key.clone()), Some(Field::Replicas), message)
}

/// Nothing says that few replicas are to be there twice at a time, of which the new one is made before the old one goes.
pub(super) fn all_made_at_once(key: &Key, made: usize) -> Finding {
    let message = format!(
        "all {made} replicas that are replaced are made before their old pods go, so {made} pods more are billed meanwhile; `update: {{ at_once: 1 }}` replaces one after the other"
    );
    about(Severity::Note, "all-at-once", &Address::pod(key.clone()), Some(Field::Replicas), message)
}

/// Replicas that the spec no longer counts stand in for others, which are to come or, where none of them would serve
/// meanwhile, are changed.
pub(super) fn leave_last(key: &Key, leaving: usize, (others, is_changed): (usize, bool)) -> Finding {
    let goes = if leaving == 1 {
        "1 replica that leaves goes".to_owned()
    } else {
        format!("{leaving} replicas that leave go")
    };
    let stays = if leaving == 1 { "it stays" } else { "they stay" };
    let others = match (others, is_changed) {
        (1, false) => "the one that is to come up is".to_owned(),
        (others, false) => format!("the {others} that are to come up are"),
        (1, true) => "the one that is changed is up again and".to_owned(),
        (others, true) => format!("the {others} that are changed are up again and"),
    };
    let message = format!("{goes} once {others} ready; if one does not come up, {stays}");
    about(Severity::Note, "in-waves", &Address::pod(key.clone()), Some(Field::Replicas), message)
}

/// Nothing says that replicas which leave are to serve until others do.
pub(super) fn leave_at_once(key: &Key, leaving: usize, others: usize) -> Finding {
    let message = format!(
        "{leaving} replicas leave before the {others} that are to come up serve; `update: {{ at_once: 1 }}` lets them wait"
    );
    about(Severity::Note, "all-at-once", &Address::pod(key.clone()), Some(Field::Replicas), message)
}

/// A replica cannot take the place of a gone one.
pub(super) fn replicas_not_alike(gap: &Address, is_recorded: bool, spare: &Address) -> Finding {
    let (made, forget) = if is_recorded {
        ("made again", format!("`podform state rm {gap}` and "))
    } else {
        ("made", String::new())
    };
    let keeps = if is_recorded { "keep" } else { "keeps" };
    let message = format!(
        "is {made} while `{spare}` goes, as replicas with `${{REPLICA}}`, a local volume or other hardware are not \
         exchanged; {forget}`podform state mv {spare} {gap}` {keeps} that pod"
    );
    about(Severity::Warning, "replicas-not-alike", gap, Some(Field::Replicas), message)
}

/// Names what a destroy leaves.
pub(super) fn stays(staying: &[&Address]) -> Option<Finding> {
    const SHOWN: usize = 8;
    let named: Vec<String> = staying.iter().take(SHOWN).map(|address| format!("`{address}`")).collect();
    let more = match staying.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let stay = if staying.len() == 1 { "stays" } else { "stay" };
    let message = format!(
        "{}{more} {stay}; `podform destroy` without `--profile`, `--target` and `--exclude` ends all that is managed",
        named.join(", ")
    );
    (!staying.is_empty()).then_some(Finding {
        severity: Severity::Note,
        code: "stays",
        subject: None,
        message,
    })
}

pub(super) fn target_out_of_scope(target: &Pattern, profiles: &BTreeSet<&String>) -> Finding {
    let ways: Vec<String> = profiles.iter().map(|profile| format!("`--profile {profile}`")).collect();
    let why = match ways.as_slice() {
        [] => "what it names is excluded".to_owned(),
        ways => format!("no chosen profile selects what it names; {} does", ways.join(" or ")),
    };
    let message = format!("`--target {target}` brings nothing into this plan: {why}");
    Finding { severity: Severity::Warning, code: "target-out-of-scope", subject: None, message }
}

pub(super) fn over_budget(limit: BudgetLimit, at_most: Amount) -> Finding {
    let Amount { known, unknown_parts } = at_most;
    let unknown = if unknown_parts > 0 { " and what has no known price" } else { "" };
    let known_is_above = match limit {
        BudgetLimit::Hourly(limit) => known.hourly() > limit,
        BudgetLimit::Monthly(limit) => known > limit,
    };
    let above = if known_is_above || unknown_parts == 0 { "above" } else { "perhaps above" };
    let message = match limit {
        BudgetLimit::Hourly(limit) => {
            format!(
                "GPUs and vCPUs may cost {}/h{unknown}, {above} `budget.max_hourly` of {limit}",
                known.hourly()
            )
        }
        BudgetLimit::Monthly(limit) => {
            format!("everything may cost {known} a month{unknown}, {above} `budget.max_monthly` of {limit}")
        }
    };
    Finding { severity: Severity::Warning, code: "over-budget", subject: None, message }
}

pub(super) fn looks_renamed(at: &Address, from: &Address, to: &Address) -> Finding {
    let message = format!(
        "`{from}` goes and `{to}`, which is like it, comes: if only the name is new, \
         `moved: [{{ from: {from}, to: {to} }}]` keeps it and its data"
    );
    about(Severity::Warning, "looks-renamed", at, None, message)
}

pub(super) fn unpinned_image(address: &Address, image: &str) -> Finding {
    let message = format!("image `{image}` is not pinned: the same file can start different programs");
    about(Severity::Warning, "unpinned-image", address, Some(Field::Image), message)
}

/// Tells whether an image reference can mean another image tomorrow for want of a tag or digest.
pub(super) fn is_unpinned(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

pub(super) fn secret_not_compared(address: &Address, key: &EnvKey, name: &SecretName) -> Finding {
    let message = format!("`{key}` is not compared: the value of secret `{name}` is not available");
    about(Severity::Note, "secret-not-compared", address, Some(Field::Env(key.clone())), message)
}

pub(super) fn secret_literal(address: &Address, key: &EnvKey, template: Option<&TemplateId>) -> Finding {
    let message = match template {
        Some(id) => format!(
            "`{key}` looks like a secret, and whoever can read template `{id}` reads it: put it under `secrets:`, and take it \
             out there"
        ),
        None => format!("`{key}` looks like a secret: put it under `secrets:` instead of into the file"),
    };
    about(Severity::Warning, "secret-literal", address, Some(Field::Env(key.clone())), message)
}

pub(super) fn access_unknown(address: &Address) -> Finding {
    let message = "`ssh` and `jupyter` are not compared: they cannot be read back and were not recorded";
    about(Severity::Note, "access-unknown", address, Some(Field::Ssh), message.to_owned())
}

pub(super) fn access_kept(address: &Address, field: Field) -> Finding {
    let message = format!("`{field}` stays on: it can only be taken away by replacing the pod (`--replace`)");
    about(Severity::Note, "access-kept", address, Some(field), message)
}

pub(super) fn access_not_possible(address: &Address, field: Field) -> Finding {
    let message = format!("`{field}` is left out: REST v1 cannot set it up");
    about(Severity::Warning, "access-not-possible", address, Some(field), message)
}

pub(super) fn cpu_network_not_possible(address: &Address) -> Finding {
    let message = "`global_networking` is left out: GraphQL has it for GPU pods only".to_owned();
    about(Severity::Warning, "not-in-api", address, Some(Field::GlobalNetworking), message)
}

pub(super) fn network_needs_gpu(address: &Address) -> Finding {
    let message = "`global_networking` exists for pods with NVIDIA GPUs only".to_owned();
    about(Severity::Warning, "not-in-api", address, Some(Field::GlobalNetworking), message)
}

pub(super) fn not_changeable(address: &Address, field: Field) -> Finding {
    let message = format!("`{field}` is left as it is: GraphQL cannot change it on an existing pod");
    about(Severity::Warning, "not-changeable", address, Some(field), message)
}

pub(super) fn not_in_api(address: &Address, field: Field, api: Api) -> Finding {
    let api = match api {
        Api::V2 => "REST v2",
        Api::V1 => "REST v1",
        Api::Graphql => "GraphQL",
    };
    let message = format!("`{field}` does not exist in {api}");
    about(Severity::Warning, "not-in-api", address, Some(field), message)
}

/// The code of [`command_is_guess`], which is told at an import.
pub const COMMAND_IS_GUESS: &str = "command-is-guess";

pub(super) fn command_is_guess(address: &Address) -> Finding {
    let message =
        "its command is kept as a text that RunPod may cut into other words than these; check it".to_owned();
    about(Severity::Note, COMMAND_IS_GUESS, address, Some(Field::Command), message)
}

/// Names the CUDA versions that RunPod would look for.
pub(super) fn cuda_of_template(address: &Address, id: &TemplateId, cuda: &BTreeSet<CudaVersion>) -> Finding {
    let versions: Vec<String> = cuda.iter().map(|version| format!("'{version}'")).collect();
    let versions = versions.join(", ");
    let message = format!(
        "template `{id}` wants hosts with CUDA {versions}, and {address} takes any: `cuda: [{versions}]` says so"
    );
    about(Severity::Warning, "cuda-of-template", address, Some(Field::Template), message)
}

/// Names the volume that a pod would have if RunPod made it from its template.
pub(super) fn volume_of_template(address: &Address, id: &TemplateId, volume: &TemplateVolume) -> Finding {
    let TemplateVolume { size, path } = volume;
    let message = format!(
        "pods that RunPod makes from template `{id}` have a volume of {size}, and {address} has none: what it writes is \
         lost with its container; `volumes: [{{ local: {}GB, path: {path} }}]` gives it one",
        size.0
    );
    about(Severity::Warning, "volume-of-template", address, Some(Field::Template), message)
}

pub(super) fn spot_off_sale(address: &Address, api: Api) -> Finding {
    let no_bid = match api {
        Api::V1 => "; REST v1 takes no bid, so that RunPod sets the price: shown is that on demand",
        Api::V2 | Api::Graphql => "",
    };
    let message = format!("RunPod took spot pods off sale in May 2026, so it may refuse this one{no_bid}");
    about(Severity::Warning, "spot-off-sale", address, Some(Field::Rent), message)
}

pub(super) fn places_left_out(address: &Address, data_centers: &str) -> Finding {
    let message = format!("{data_centers} left out of `data_centers`: cannot be asked for over this API");
    about(Severity::Warning, "not-in-api", address, Some(Field::DataCenter), message)
}

pub(super) fn pending(address: &Address, field: Field) -> Finding {
    let message = format!("`{field}` was applied and takes effect at the next start");
    about(Severity::Note, "pending-next-start", address, Some(field), message)
}

pub(super) fn not_running_yet(address: &Address, status: PodStatus) -> Finding {
    about(Severity::Note, "not-running-yet", address, None, format!("is {status}, not yet RUNNING"))
}

/// Says how long a pod has been booting, what that may have cost, and how it goes.
pub(super) fn overdue(address: &Address, live: &LivePod, within: Seconds, age: SignedDuration) -> Finding {
    let spent = match live.price {
        Price::Known(price) => format!("up to {} so far", price.spent_in(age.as_secs())),
        Price::Unknown => "at a price that is not known".to_owned(),
    };
    let message = format!(
        "is {} and does not run, {} after it was created, although `boot` gives it {within}; it is billed meanwhile, \
         {spent}; unless it was started or reset a moment ago, `--replace {address}` makes it anew",
        live.status,
        Age(age)
    );
    about(Severity::Warning, "never-ran", address, Some(Field::Boot), message)
}

pub(super) fn created_when_running(address: &Address) -> Finding {
    let message = "is wanted stopped: it is created when it is first wanted running".to_owned();
    about(Severity::Note, "created-when-running", address, Some(Field::State), message)
}

pub(super) fn replaced_when_running(address: &Address, fields: &[Field]) -> Finding {
    let names: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    let message = format!(
        "{} can only be changed by a replacement, which waits until the pod is wanted running",
        names.join(", ")
    );
    about(Severity::Note, "replaced-when-running", address, fields.first().cloned(), message)
}

/// Says how the run of a job stands, which no action does.
pub(super) fn job(address: &Address, stands: &Stands) -> Option<Finding> {
    let (severity, code, message) = match stands {
        Stands::Goes => (Severity::Note, "job-under-way", "the job is under way".to_owned()),
        Stands::Ended(End::Done) => {
            (Severity::Note, "job-done", "the job is done, with exit code 0".to_owned())
        }
        Stands::Ended(End::Failed(code)) => {
            let message =
                format!("the job failed, with exit code {code}; `--replace {address}` runs it again");
            (Severity::Warning, "job-failed", message)
        }
        Stands::Ended(End::Unknown) => {
            let message = format!(
                "the job ended without saying how: it was stopped or terminated, its container failed, the balance ran out, \
                 or its host was lost; `podform state done {address}` says that it is done, `--replace {address}` runs \
                 it again"
            );
            (Severity::Warning, "job-unknown", message)
        }
        Stands::Never | Stands::CutShort | Stands::NotKnown(_) => return None,
    };
    Some(about(severity, code, address, None, message))
}

/// Says what it costs that others started the pod of a job which has ended.
pub(super) fn job_started(address: &Address, cost: Amount) -> Finding {
    let unknown = if cost.unknown_parts > 0 { " and what is unknown" } else { "" };
    let message = format!(
        "was started outside of podform after its run had ended: it runs its command again, for {}/h{unknown}",
        cost.known.hourly()
    );
    about(Severity::Warning, "job-started", address, None, message)
}

/// Names what a job does not get that is not to run again.
pub(super) fn left_to_next_run(address: &Address, fields: &[Field], is_wanted: bool) -> Finding {
    let names: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    let how = if is_wanted {
        format!("; `--replace {address}`, or a change of what `rerun_on` names, begins one")
    } else {
        String::new()
    };
    let message = format!("{} waits for the job's next run{how}", names.join(", "));
    about(Severity::Note, "left-to-next-run", address, fields.first().cloned(), message)
}

/// What depends on a job only waits for its pod, so that nothing holds it where the job did not come to a good end.
pub(super) fn after_failed_job(address: &Address, job: &Address, end: End) -> Finding {
    let message = format!(
        "comes up although the job `{job}` {}; `depends_on: [{{ pod: {job}, until: done }}]` waits for it to be done",
        match end {
            End::Unknown => "ended without saying how".to_owned(),
            end @ (End::Done | End::Failed(_)) => end.to_string(),
        }
    );
    about(Severity::Warning, "after-failed-job", address, Some(Field::DependsOn), message)
}

/// What a job costs has no end that is known, so no month has a sum of it.
pub(super) fn jobs_in_no_month(runs: Amount) -> Finding {
    let unknown = if runs.unknown_parts > 0 { " and what is unknown" } else { "" };
    let message = format!(
        "`max_monthly` does not count the runs of jobs, which cost {}/h{unknown}; `max_hourly` does",
        runs.known.hourly()
    );
    Finding { severity: Severity::Note, code: "jobs-in-no-month", subject: None, message }
}

/// A pod that is left over is billed like the one that took its place.
pub(super) fn deposed_left(address: &Address, deposed: &RemoteId) -> Finding {
    let message =
        format!("took the place of `{deposed}`, which is still there and billed, and this plan leaves it so");
    about(Severity::Warning, "deposed-left", address, None, message)
}

pub(super) fn job_kept(address: &Address) -> Finding {
    let message = "keeps its pod when its job has ended, and the pod is billed until somebody stops it";
    about(Severity::Note, "job-kept", address, Some(Field::Then), message.to_owned())
}

pub(super) fn job_protected(address: &Address) -> Finding {
    let message = "is protected, so that its pod stays although the job is done; `protect: false` lifts it";
    about(Severity::Warning, "job-protected", address, Some(Field::Then), message.to_owned())
}

pub(super) fn retired(address: &Address, storage: Monthly) -> Finding {
    let message = format!(
        "is kept stopped after it left the spec, for {storage} a month; `destroy` ends it, `state rm` gives it up"
    );
    about(Severity::Note, "retired", address, None, message)
}

pub(super) fn lone_vanished(address: &Address) -> Finding {
    let message = "is gone, and the account shows nothing else that this state knows: make sure that the key is one of \
                   its account before it is made again"
        .to_owned();
    about(Severity::Warning, "lone-vanished", address, None, message)
}

pub(super) fn forgotten(address: &Address) -> Finding {
    let message = "goes on running and being billed, unmanaged".to_owned();
    about(Severity::Warning, "forgotten", address, None, message)
}

pub(super) fn resume_may_fail(address: &Address) -> Finding {
    let message = "may not come back: the start fails if its host has no free GPU by then".to_owned();
    about(Severity::Warning, "resume-may-fail", address, Some(Field::State), message)
}

pub(super) fn bound_to_host(address: &Address, then_replaced: bool) -> Finding {
    let message = if then_replaced {
        "its local volume stays on this host, so a later start loses it if others have its GPU by then: \
         `on_stuck_resume` is `replace`"
    } else {
        "its local volume stays on this host, so a later start fails if others have its GPU by then"
    };
    about(Severity::Warning, "bound-to-host", address, Some(Field::State), message.to_owned())
}

pub(super) fn scarce(address: &Address) -> Finding {
    let message = "gives up its GPU before there is a new one, and stock is low for every candidate; \
         `on_replace: create_first` keeps it until then"
        .to_owned();
    about(Severity::Warning, "scarce-gpu-given-up", address, Some(Field::Gpu), message)
}

pub(super) fn unknown_hardware(address: &Address, field: Field, unknown: &[String]) -> Finding {
    let message = format!("only a part of the list can be taken: {}", unknown.join("; "));
    about(Severity::Warning, "unknown-hardware", address, Some(field), message)
}

pub(super) fn without_price(address: &Address, field: Field, names: &str) -> Finding {
    let message = format!(
        "{names} has no known price, so no limit of `budget:` can be kept; name hardware that has one, \
         give the pod a `max_price:`, which leaves out what has none, or write `on_exceed: warn`"
    );
    about(Severity::Warning, "without-price", address, Some(field), message)
}

pub(super) fn rejected_candidates(address: &Address, field: Field, rejected: &[String]) -> Finding {
    let message = format!("not considered: {}", rejected.join("; "));
    about(Severity::Note, "candidates-rejected", address, Some(field), message)
}

pub(super) fn unprotected(address: &Address) -> Finding {
    let message = "its protection is lifted for this plan, as `--unprotect` asks".to_owned();
    about(Severity::Warning, "unprotected", address, None, message)
}

pub(super) fn renamed_project(project: &ProjectName) -> Finding {
    let message = format!(
        "all that this spec wants is there under project `{project}`; if the project was renamed, keep its name, or \
         take each over with `podform import --from-project {project} ADDRESS ID`"
    );
    Finding { severity: Severity::Warning, code: "renamed-project", subject: None, message }
}

pub(super) fn copied_marker(address: &Address, id: &PodId) -> Finding {
    let message = format!(
        "pod `{id}` carries a copy of this pod's marker, as clones do; it is unmanaged and never touched"
    );
    about(Severity::Warning, "copied-marker", address, None, message)
}

pub(super) fn second_volume(address: &Address, id: &VolumeId) -> Finding {
    let message = format!(
        "network volume `{id}` has a name of this project's `{address}`, which has another one; it is unmanaged and \
         never touched"
    );
    about(Severity::Warning, "copied-marker", address, None, message)
}

pub(super) fn other_state(address: &Address, id: &PodId) -> Finding {
    let message = format!(
        "pod `{id}` carries this project's marker but this state does not know it: another state manages the \
         project, or an earlier one was lost (`podform state rebuild`)"
    );
    about(Severity::Warning, "other-state", address, None, message)
}

pub(super) fn adopt_not_found(address: &Address, id: &impl std::fmt::Display) -> Finding {
    let message = format!("`adopt` names `{id}`, which is not in the account");
    about(Severity::Warning, "adopt-not-found", address, Some(Field::Adopt), message)
}

/// An entry of `removed` may stay after it was applied, so this is no more than a note.
/// A mount names a volume by its key alone, so a bare key is what people write for a volume here too.
pub(super) fn removal_of_nothing(address: &Address, twin: Option<&Address>) -> Finding {
    let (severity, so) = match twin {
        Some(twin) => (Severity::Warning, format!("did you mean `{twin}`?")),
        None => (Severity::Note, "the entry is done and can go, or means another address".to_owned()),
    };
    let message = format!("`removed` names `{address}`, and nothing is recorded there: {so}");
    Finding { severity, code: "removal-of-nothing", subject: None, message }
}

pub(super) fn volume_renamed(address: &Address, name: &str) -> Finding {
    let message = format!(
        "was named `{name}` by others, so that it has its mark removed: if the state is lost, only its id finds it again \
         (`adopt:`)"
    );
    about(Severity::Warning, "mark-removed", address, None, message)
}

pub(super) fn volume_larger(
    address: &Address,
    live: Gigabytes,
    wanted: Gigabytes,
    by_others: bool,
) -> Finding {
    let has = if by_others { format!("was grown to {live} by others") } else { format!("has {live}") };
    let message = format!("{has} and cannot shrink to {wanted}; write `size: {}GB`", live.0);
    about(Severity::Warning, "volume-larger", address, Some(Field::Size), message)
}

pub(super) fn local_volume_larger(
    address: &Address,
    live: Gigabytes,
    wanted: &Storage<Address>,
    by_others: bool,
) -> Finding {
    let has = if by_others { "was grown by others to" } else { "has" };
    let message = match wanted {
        Storage::Local { size, path: _ } => {
            format!("its local volume {has} {live} and cannot shrink to {size}; write `local: {}GB`", live.0)
        }
        Storage::None | Storage::Network { .. } => format!(
            "it has a local volume of {live} that the spec never had, which only a replacement can take away (`--replace`); \
             write it into the spec, or leave it"
        ),
    };
    about(Severity::Warning, "volume-larger", address, Some(Field::Volumes), message)
}

pub(super) fn disk_larger(address: &Address, live: Gigabytes, wanted: Gigabytes) -> Finding {
    let message = format!(
        "its container disk was grown to {live} by others; {wanted} would wipe it, so it waits for a change that \
         does so anyway; or write `disk: {}GB`",
        live.0
    );
    about(Severity::Warning, "disk-larger", address, Some(Field::Disk), message)
}

pub(super) fn terminated_with_volume(address: &Address, volume: &Address, comes_back: bool) -> Finding {
    let then = if comes_back { "; it is created again when it is next wanted running" } else { "" };
    let message = format!(
        "is stopped and still mounts `{volume}`, which is deleted: RunPod refuses that while a pod mounts it, so the \
         pod is terminated{then}"
    );
    about(Severity::Warning, "terminated-with-volume", address, Some(Field::Volumes), message)
}

pub(super) fn orphaned_volume(address: &Address, id: &VolumeId) -> Finding {
    let message = format!("network volume `{id}` was made by an earlier run; delete or import it by hand");
    about(Severity::Warning, "orphaned-volume", address, None, message)
}

pub(super) fn replace_without_effect(address: &Address, why: &str) -> Finding {
    about(
        Severity::Warning,
        "replace-without-effect",
        address,
        None,
        format!("`--replace` has no effect: {why}"),
    )
}

pub(super) fn unmatched_rotate(rotation: &Rotation) -> Finding {
    let message = format!("`--rotate {rotation}` has no effect, as what it names is left out of this plan");
    Finding { severity: Severity::Warning, code: "rotate-without-effect", subject: None, message }
}

pub(super) fn unmatched_replace(address: &Address) -> Finding {
    replace_without_effect(address, "nothing is wanted there in this plan, or it is left out of it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_without_tag_or_digest_are_not_pinned() {
        let cases = [
            ("vllm/vllm-openai:v0.19.1", false),
            ("vllm/vllm-openai", true),
            ("vllm/vllm-openai:latest", true),
            ("localhost:5000/tool", true),
            ("localhost:5000/tool:1", false),
            ("tool@sha256:0123", false),
        ];
        for (image, expected) in cases {
            assert_eq!(is_unpinned(image), expected, "{image}");
        }
    }
}
