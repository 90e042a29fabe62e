//! `podform show ADDRESS`: all that is known of one object: the spec's entry, the record, the live object, the last run.

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::running::{ssh, url};
use crate::cli::session::Session;
use crate::model::address::Address;
use crate::model::id::RemoteId;
use crate::model::live::{Live, LivePod, Seen};
use crate::model::money::Price;
use crate::model::plan::Subject;
use crate::render::escape::visible;
use crate::state::PastRun;

use super::state_show::rows;

/// Runs the command.
pub async fn run(shell: &Shell, address: &Address) -> Result<Exit, Failure> {
    let session = Session::open(shell, shell.load_spec()?, None).await?;
    let prior = session.state.read()?;
    let recorded = prior.objects.get(address);
    let wanted = session.loaded.desired.wanted.get(address);
    if recorded.is_none() && wanted.is_none() {
        let text =
            format!("`{address}` is neither in the spec nor in the state, and there is no such plan file");
        return Err(Failure::Flag(text));
    }
    let place = wanted.and_then(|_| session.position(&Subject { address: address.clone(), field: None }));
    let mut shown = vec![
        ("spec".to_owned(), place.unwrap_or_else(|| "not in the spec".to_owned())),
        ("recorded".to_owned(), if recorded.is_some() { "yes" } else { "no" }.to_owned()),
    ];
    if let Some(recorded) = recorded {
        shown.extend(rows(recorded).into_iter().map(|(name, value)| (format!("recorded.{name}"), value)));
        let live = session.look(session.account.reader(), &prior).await?;
        shown.extend(live_rows(&recorded.id, &live));
    }
    let history = session.state.history()?;
    shown.extend(last_run(&history, address).map(|run| ("last run".to_owned(), run)));
    let width = shown.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    shell.output.data(&format!("{address}\n"));
    for (name, value) in shown {
        shell.output.data(&format!("  {name:width$}  {}\n", visible(&value)));
    }
    Ok(exit::DONE)
}

/// Returns what the account shows.
fn live_rows(id: &RemoteId, live: &Live) -> Vec<(String, String)> {
    let told = match id {
        RemoteId::Pod(id) => live.pods.get(id).map(|seen| told(seen, pod_rows)),
        RemoteId::Volume(id) => live.volumes.get(id).map(|seen| {
            told(seen, |volume| {
                vec![("size", volume.size.to_string()), ("data_center", volume.data_center.to_string())]
            })
        }),
    };
    let rows = told.unwrap_or_else(|| vec![("state", "unknown".to_owned())]);
    rows.into_iter().map(|(name, value)| (format!("live.{name}"), value)).collect()
}

fn told<T>(seen: &Seen<T>, found: impl Fn(&T) -> Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    match seen {
        Seen::Found(object) => found(object),
        Seen::Absent => vec![("state", "gone".to_owned())],
        Seen::Unreadable(why) => vec![("state", format!("unknown: {why}"))],
    }
}

fn pod_rows(pod: &LivePod) -> Vec<(&'static str, String)> {
    let mut rows = vec![("state", pod.status.to_string())];
    rows.extend(pod.compute.as_ref().map(|compute| ("compute", compute.to_string())));
    rows.extend(pod.data_center.as_ref().map(|place| ("data_center", place.to_string())));
    if pod.status.is_up() {
        let price = match pod.price {
            Price::Known(hourly) => format!("{hourly}/h"),
            Price::Unknown => "unknown".to_owned(),
        };
        rows.push(("price", price));
        rows.extend(url(pod).map(|url| ("url", url)));
        rows.extend(ssh(pod).map(|ssh| ("ssh", ssh)));
        let ports = pod.endpoints.tcp.iter();
        rows.extend(ports.map(|(inside, outside)| ("tcp", format!("{inside} is {outside}"))));
    }
    rows
}

/// Returns the last run that did something to the address.
fn last_run(history: &[PastRun], address: &Address) -> Option<String> {
    let touched = |past: &&PastRun| past.entries.iter().any(|entry| entry.action.address == *address);
    let past = history.iter().rev().find(touched)?;
    let run = &past.run;
    let ended = past.summary.as_deref().unwrap_or("not ended");
    Some(format!("{} at {} by {}: {ended}", run.command, run.at, run.who))
}
