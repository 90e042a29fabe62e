//! `podform show ADDRESS`: all that is known of one object: the spec's entry, the record, the live object, what it
//! costs, the last run.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{self, VERSION, printed};
use crate::cli::naming;
use crate::cli::running::{seen, ssh, url};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::table::laid_out;
use crate::model::address::Address;
use crate::model::id::RemoteId;
use crate::model::job::UnseenJob;
use crate::model::live::{Live, LivePod, LiveRegistry, LiveSecret, LiveVolume, Seen};
use crate::model::money::Amount;
use crate::model::plan::Subject;
use crate::model::prior::Recorded;
use crate::plan::cost_of_recorded;
use crate::render::money::{AMonth, AnHour};
use crate::render::words;
use crate::state::PastRun;
use crate::state::Store;
use crate::state::place::Place;

use super::state_show::rows as record_rows;

/// What is known of an object.
struct Known<'a> {
    address: &'a Address,
    place: Option<String>,
    recorded: Option<&'a Recorded>,
    unseen: Option<&'a UnseenJob>,
    /// Both of them, for scripts.
    in_state: Option<Value>,
    live: Option<&'a Live>,
    cost: Option<Amount>,
    last_run: Option<&'a PastRun>,
}

pub async fn run(shell: &Shell, name: &Address, as_json: bool) -> Result<Exit, Failure> {
    let session = Session::of_spec(shell).await?;
    let prior = session.state.load().await?;
    let in_progress = session.in_progress(&prior).await?;
    let desired = &session.loaded.desired;
    let known: BTreeSet<Address> =
        desired.wanted.keys().chain(prior.objects.keys()).chain(prior.unseen.keys()).cloned().collect();
    let addresses = naming::meant(name, &known);
    if addresses.is_empty() {
        return Err(naming::unknown(None, &name.to_string(), &known));
    }
    let is_recorded = addresses.iter().any(|address| prior.objects.contains_key(address));
    let (live, catalog) = if is_recorded {
        let reader = session.account.reader();
        let live = session.look(reader, &prior).await?;
        session.tell_left_out(&prior, &live);
        (Some(live), Some(session.known_catalog(reader, &BTreeSet::new()).await))
    } else {
        (None, None)
    };
    let history = session.state.history().await?;
    let mut all = Vec::new();
    for address in &addresses {
        let (recorded, unseen) = (prior.objects.get(address), prior.unseen.get(address));
        let wanted = desired.wanted.get(address);
        let place = wanted.and_then(|_| session.position(&Subject { address: address.clone(), field: None }));
        let cost = recorded.and_then(|recorded| {
            let cost = cost_of_recorded(catalog.as_ref()?, recorded, live.as_ref()?);
            cost.map(|split| split.total())
        });
        let last_run = last_run(&history, address);
        let in_state = json::recorded(address, &prior);
        all.push(Known { address, place, recorded, unseen, in_state, live: live.as_ref(), cost, last_run });
    }
    shell.output.data(&match all.as_slice() {
        [one] if as_json => {
            let mut document = document(one);
            document["in_progress"] = json!(in_progress.as_ref().map(json::in_progress));
            printed(&document)
        }
        several if as_json => {
            let objects: Vec<Value> = several.iter().map(document).collect();
            let in_progress = in_progress.as_ref().map(json::in_progress);
            printed(&json!({ "version": VERSION, "in_progress": in_progress, "objects": objects }))
        }
        several => {
            let first = in_progress.as_ref().map(|running| format!("{}\n\n", words::in_progress(running)));
            let screens: Vec<String> = several.iter().map(screen).collect();
            first.unwrap_or_default() + &screens.join("\n")
        }
    });
    Ok(exit::DONE)
}

/// Lays everything out on one screen.
fn screen(known: &Known<'_>) -> String {
    let Known { address, place, recorded, unseen, in_state: _, live, cost, last_run } = known;
    let place = place.clone().unwrap_or_else(|| "not in the spec".to_owned());
    let mut rows = vec![
        ("spec".to_owned(), place),
        ("recorded".to_owned(), if recorded.is_some() { "yes" } else { "no" }.to_owned()),
    ];
    if let Some(recorded) = recorded {
        rows.extend(
            record_rows(recorded).into_iter().map(|(name, value)| (format!("recorded.{name}"), value)),
        );
    }
    if let Some((recorded, live)) = recorded.zip(*live) {
        rows.extend(live_rows(&recorded.id, live));
        let deposed = recorded.record.deposed_ids().map(|id| (id.clone(), live_rows(&id, live)));
        let state = |(id, rows): (RemoteId, Vec<(String, String)>)| {
            let (_, state) = rows.into_iter().next()?;
            Some(("live.deposed".to_owned(), format!("{id}, {state}")))
        };
        rows.extend(deposed.filter_map(state));
    }
    rows.extend(unseen.map(|job| ("job".to_owned(), job.to_string())));
    rows.extend(cost.map(|cost| ("cost".to_owned(), format!("{} a month ({})", AMonth(cost), AnHour(cost)))));
    rows.extend(last_run.map(|past| ("last run".to_owned(), run_in_words(past))));
    laid_out(address, &rows)
}

/// Returns everything for scripts.
fn document(known: &Known<'_>) -> Value {
    let Known { address, place, recorded, unseen: _, in_state, live, cost, last_run } = known;
    json!({
        "version": VERSION,
        "address": address.to_string(),
        "kind": json::kind(address),
        "spec": place.as_ref().map(|place| json!({ "position": place })),
        "recorded": in_state,
        "live": recorded.zip(*live).map(|(recorded, live)| json::live(&recorded.id, live)),
        "cost": cost.map(|Amount { known, unknown_parts }| {
            json!({ "micro_usd_month": known.0, "unknown_parts": unknown_parts })
        }),
        "last_run": last_run.map(json::run),
    })
}

/// Returns what the account shows.
fn live_rows(id: &RemoteId, live: &Live) -> Vec<(String, String)> {
    let rows = match seen(id, live, pod_rows, volume_rows, secret_rows, registry_rows) {
        Some(Seen::Found(rows)) => rows,
        Some(Seen::Absent) => vec![("state", "gone".to_owned())],
        Some(Seen::Unreadable(why)) => vec![("state", format!("unknown: {why}"))],
        None => vec![("state", "unknown".to_owned())],
    };
    rows.into_iter().map(|(name, value)| (format!("live.{name}"), value)).collect()
}

fn secret_rows(secret: &LiveSecret) -> Vec<(&'static str, String)> {
    let mut rows = vec![("name", secret.name.clone())];
    rows.extend(secret.value_set_at.map(|set_at| ("value_set_at", set_at.to_string())));
    rows
}

fn registry_rows(registry: &LiveRegistry) -> Vec<(&'static str, String)> {
    vec![("name", registry.name.clone())]
}

fn volume_rows(volume: &LiveVolume) -> Vec<(&'static str, String)> {
    vec![("size", volume.size.to_string()), ("data_center", volume.data_center.to_string())]
}

fn pod_rows(pod: &LivePod) -> Vec<(&'static str, String)> {
    let mut rows = vec![("state", pod.status.to_string())];
    rows.extend(pod.compute.as_ref().map(|compute| ("compute", compute.to_string())));
    rows.extend(pod.data_center.as_ref().map(|place| ("data_center", place.to_string())));
    if pod.status.is_up() {
        rows.push(("price", pod.price.to_string()));
        rows.extend(url(pod).map(|url| ("url", url)));
        rows.extend(ssh(pod).map(|ssh| ("ssh", ssh)));
        let ports = pod.endpoints.tcp.iter();
        rows.extend(ports.map(|(inside, outside)| ("tcp", format!("{inside} is {outside}"))));
    }
    rows
}

/// Returns the last run that did something to the address.
fn last_run<'a>(history: &'a [PastRun], address: &Address) -> Option<&'a PastRun> {
    let touched = |past: &&PastRun| past.entries.iter().any(|entry| entry.action.address == *address);
    history.iter().rev().find(touched)
}

fn run_in_words(past: &PastRun) -> String {
    let PastRun { run, ended_at: _, summary, entries: _ } = past;
    let ended = summary.as_deref().unwrap_or("not ended");
    format!("{} at {} by {}: {ended}", run.command, run.at, run.who)
}
