//! Why single addresses are left alone, and what can be typed about it.

use std::collections::BTreeSet;

use crate::model::address::Address;
use crate::model::id::{PodId, ProjectName, RemoteId};
use crate::model::job::End;
use crate::model::plan::{Held, Several};
use crate::model::provenance::Part;
use crate::model::secret;
use crate::render::escape::visible;
use crate::render::ranges::ranges;

/// Returns why addresses are left alone, with what can be typed about it: for one of them its own name.
pub(crate) fn held<'a>(held: &Held, addresses: impl IntoIterator<Item = &'a Address>) -> String {
    let mut addresses = addresses.into_iter();
    let at = match (addresses.next(), addresses.next()) {
        (Some(address), None) => address.to_string(),
        (None | Some(_), _) => "ADDRESS".to_owned(),
    };
    match held {
        Held::Unreadable(why) => format!("it could not be looked at: {}", visible(why)),
        Held::Unsettled { until } => {
            format!("a create of an earlier run may still show up; certain at {until:.0}")
        }
        Held::Migrating { id } => format!(
            "RunPod is moving it to `{}`, which has no GPU yet; a later plan goes on with that one",
            visible(id.as_str())
        ),
        Held::DependsOn(address) => format!("it depends on `{address}`, which is held"),
        Held::Job { address, ended: None } => {
            format!("it waits for the job `{address}`, which this plan does not run")
        }
        Held::Job { address, ended: Some(End::Unknown) } => {
            format!(
                "it waits for the job `{address}` to be done, and how that ended is not known: `podform state done {address}` \
                 says that it is done, `--replace {address}` runs it again"
            )
        }
        Held::Job { address, ended: Some(end @ (End::Done | End::Failed(_))) } => {
            format!("it waits for the job `{address}` to be done, and that {end}")
        }
        Held::Duplicate { ids } => duplicate(&at, ids),
        Held::Marked { ids } => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            format!(
                "{} carries its mark, but this state does not know it: `podform state rebuild` takes it over, \
                 `podform --state PATH` names the state that has it",
                visible(&ids.join(", "))
            )
        }
        Held::Copied { ids, differs } => copied(&at, ids, *differs),
        Held::OtherProject { id, project } => {
            let import = import_from(&at, id, project);
            format!("`adopt:` names {import} takes it from there")
        }
        Held::RecordedOther { id, project } => recorded_other(&at, id, project),
        Held::RecordedElsewhere { id, holder } => recorded_elsewhere(&at, id, holder),
        Held::Rebuilt { instead_of } if instead_of.is_empty() => format!(
            "a rebuild found it, the spec does not have it, and it may hold data; `moved:` gives it an address of the \
             spec, `removed: [{{ from: {at}, then: terminate }}]` ends it"
        ),
        Held::Rebuilt { instead_of } => format!(
            "a rebuild found it and the spec does not have it, but {} is to be created; `moved:` tells that it is that \
             one, `removed: [{{ from: {at}, then: terminate }}]` that it is not",
            several(instead_of)
        ),
        Held::MayBeRenamed { from } => format!(
            "it may be {}, which a rebuild found and the spec does not have; `moved:` tells that it is, `removed:` that \
             it is not",
            several(from)
        ),
        Held::Unplaced { ids } => {
            let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
            format!(
                "it may be {}, which a rebuild could not place; `podform import ADDRESS ID` tells where it belongs, \
                 `removed: [{{ from: ADDRESS, then: forget }}]` that the address of its mark is gone for good",
                visible(&ids.join(" or "))
            )
        }
        Held::NoSecret { names } => without_secrets(names),
        Held::NoTemplate { id, why } => {
            format!("template `{}` cannot be used: {}", visible(id.as_str()), visible(why))
        }
        Held::NotPossible(why) => visible(why).to_string(),
        Held::InProgress => "it is in progress".to_owned(),
        Held::NoCatalog { part, why } => {
            format!("it needs the catalog's {}, which could not be read: {}", part.noun(), visible(why))
        }
    }
}

pub(super) fn several(addresses: &Several) -> String {
    let Several { named, more } = addresses;
    let named = ranges(named.iter());
    if *more == 0 { named } else { format!("{named} and {more} more") }
}

/// Says that a record names what another project has.
fn recorded_other(at: &str, id: &RemoteId, project: &ProjectName) -> String {
    let import = import_from(at, id, project);
    format!("the state has {import} takes it from there, after `podform state rm {at}`")
}

/// Says that a record names what another address has.
fn recorded_elsewhere(at: &str, id: &RemoteId, holder: &Address) -> String {
    format!(
        "the state has `{0}` here, which carries the mark of `{holder}`; `podform import {at} {0}`, after `podform state \
         rm {at}`, says that it belongs here",
        visible(&id.to_string())
    )
}

/// Says whose an object is that another project has, and the command that takes it over.
fn import_from(at: &str, id: &RemoteId, project: &ProjectName) -> String {
    let (id, project) = (id.to_string(), project.as_str());
    format!(
        "`{0}`, which belongs to project `{1}`; `podform import --from-project {1} {at} {0}`",
        visible(&id),
        visible(project)
    )
}

/// Says which secrets of RunPod a pod would boot without.
fn without_secrets(names: &BTreeSet<String>) -> String {
    let named: Vec<String> = names.iter().map(|name| format!("`{}`", visible(name))).collect();
    let (secrets, them) = if names.len() == 1 { ("secret", "it") } else { ("secrets", "them") };
    let text = names.first().map(|name| secret::reference_to(name)).unwrap_or_default();
    format!(
        "RunPod has no {secrets} {}, and the pod would get the text `{}` for a value; add {them} in RunPod's \
         console, or name another under `secrets:`",
        named.join(", "),
        visible(&text)
    )
}

/// Says that a pod may be a copy, and which one can be taken.
fn duplicate(at: &str, ids: &BTreeSet<PodId>) -> String {
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    format!(
        "it cannot be told whether this is its pod or a copy: {}; look at it, `podform import {at} {}` takes \
         {}",
        visible(&ids.join(", ")),
        visible(only(&ids)),
        if ids.len() == 1 { "it" } else { "one" },
    )
}

/// Says that a pod may be a copy of one that is gone, and both ways on.
fn copied(at: &str, ids: &BTreeSet<PodId>, differs: Option<Part>) -> String {
    let named: Vec<String> = ids.iter().map(|id| format!("`{}`", visible(id.as_str()))).collect();
    let who = match (ids.len(), differs) {
        (1, Some(part)) => {
            format!("its pod is gone; {} carries its token but has another {part}", named.join(", "))
        }
        (1, None) => format!(
            "its pod is gone; {} is like it, moved by RunPod or a copy, and holds data",
            named.join(", ")
        ),
        (_, _) => format!("its pod is gone, and several carry its token: {}", named.join(", ")),
    };
    let ids: Vec<&str> = ids.iter().map(PodId::as_str).collect();
    let id = visible(only(&ids));
    format!("{who}; `adopt: {id}` takes that one for it, `podform state rm {at}` gives up the record")
}

/// Returns the id to type where there is only one.
fn only<'a>(ids: &[&'a str]) -> &'a str {
    match ids {
        [id] => id,
        [] | [_, _, ..] => "ID",
    }
}
