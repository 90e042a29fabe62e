//! `podform status`: all pods and volumes of the project, with state, URL, SSH command and price.

use serde_json::json;

use crate::cli::args::ListArgs;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{self, VERSION, printed};
use crate::cli::run::Shell;
use crate::cli::running::{ssh, url};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::model::id::RemoteId;
use crate::model::live::{Live, LivePod, LiveVolume, Seen};
use crate::render::words;

/// Runs the command.
pub async fn run(shell: &Shell, args: &ListArgs) -> Result<Exit, Failure> {
    let session = Session::of_spec(shell).await?;
    let prior = session.state.read()?;
    let live = session.look(session.account.reader(), &prior).await?;
    let in_progress = session.in_progress(&prior)?;
    if args.json {
        let objects = prior.objects.iter().map(|(address, recorded)| {
            json!({
                "address": address.to_string(),
                "kind": json::kind(address),
                "id": recorded.id.to_string(),
                "live": json::live(&recorded.id, &live),
            })
        });
        let project = session.loaded.settings.project.as_str();
        let objects = objects.collect::<Vec<_>>();
        let document = json!({
            "version": VERSION,
            "project": project,
            "in_progress": in_progress.as_ref().map(json::in_progress),
            "objects": objects,
        });
        shell.output.data(&printed(&document));
        return Ok(exit::DONE);
    }
    if let Some(running) = &in_progress {
        shell.output.data(&format!("{}\n\n", words::in_progress(running)));
    }
    let mut table = Table::new(["ADDRESS", "ID", "STATE", "PRICE", "URL", "SSH"]);
    for (address, recorded) in &prior.objects {
        let [state, price, url, ssh] = cells(&recorded.id, &live);
        table.row([address.to_string(), recorded.id.to_string(), state, price, url, ssh]);
    }
    shell.output.data(&table.to_string());
    if prior.objects.is_empty() {
        shell.output.note("nothing is managed yet; `podform plan` shows what would be created");
    }
    Ok(exit::DONE)
}

/// Returns state, price, URL and SSH command of an object.
fn cells(id: &RemoteId, live: &Live) -> [String; 4] {
    match id {
        RemoteId::Pod(id) => live.pods.get(id).map_or_else(unknown, |seen| seen_cells(seen, pod_cells)),
        RemoteId::Volume(id) => {
            live.volumes.get(id).map_or_else(unknown, |seen| seen_cells(seen, volume_cells))
        }
    }
}

fn seen_cells<T>(seen: &Seen<T>, of_found: impl Fn(&T) -> [String; 4]) -> [String; 4] {
    let only = |state: &str| [state.to_owned(), String::new(), String::new(), String::new()];
    match seen {
        Seen::Found(object) => of_found(object),
        Seen::Absent => only("gone"),
        Seen::Unreadable(_) => unknown(),
    }
}

fn unknown() -> [String; 4] {
    ["unknown".to_owned(), String::new(), String::new(), String::new()]
}

fn pod_cells(pod: &LivePod) -> [String; 4] {
    let (price, url, ssh) = if pod.status.is_up() {
        (pod.price.to_string(), url(pod).unwrap_or_default(), ssh(pod).unwrap_or_default())
    } else {
        // The API says 0 for a stopped pod although its disk is billed, so nothing is said here.
        Default::default()
    };
    [pod.status.to_string(), price, url, ssh]
}

fn volume_cells(volume: &LiveVolume) -> [String; 4] {
    [format!("{} in {}", volume.size, volume.data_center), String::new(), String::new(), String::new()]
}
