//! `podform status`: all pods and volumes of the project, with state, URL, SSH command and price.

use std::collections::BTreeSet;

use serde_json::json;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{self, VERSION, printed};
use crate::cli::readiness;
use crate::cli::running::{seen, ssh, url};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::table::Table;
use crate::model::clock::Timestamp;
use crate::model::id::{ProjectName, RemoteId};
use crate::model::live::{Live, LivePod, LiveRegistry, LiveSecret, LiveVolume, PodStatus, Ran, Seen};
use crate::model::marker::VolumeMark;
use crate::model::prior::{Recorded, without_record};
use crate::model::ready::Readiness;
use crate::plan::{self, Stands, job_stands, unknown_to};
use crate::render::words;
use crate::state::Store;

/// Show all pods and volumes of the project: state, URL, SSH command, price
#[derive(clap::Args)]
#[command(visible_alias = "ls", after_help = "Examples:\n  podform status\n  podform status --json")]
pub struct Args {
    /// List what other projects of podform have in the account as well
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let session = Session::of_spec(shell).await?;
    let prior = session.state.load().await?;
    let live = session.look(session.account.reader(), &prior).await?;
    session.tell_left_out(&prior, &live);
    let in_progress = session.in_progress(&prior).await?;
    let moved = plan::moved(&prior, &session.loaded.desired);
    let asked = readiness::ask(&session, &prior, &live, &moved, |_| true).await;
    if args.json {
        let objects = prior.objects.iter().flat_map(|(address, recorded)| {
            let mut object = json!({
                "address": address.to_string(),
                "kind": json::kind(address),
                "id": recorded.id.to_string(),
                "live": json::live(&recorded.id, &live),
            });
            if let Some(answer) = asked.get(address) {
                object["ready"] = json!({ "state": answer.word(), "message": why(answer) });
            }
            if let Some(stands) = job_stands((recorded, prior.unseen.get(address)), &live) {
                let mark = prior.unseen.get(address).filter(|_| recorded.is_gone());
                object["job"] = json::job(&stands, job_since(recorded, &stands, &live), mark);
            }
            let deposed = recorded.record.deposed_ids().map(|id| {
                json!({
                    "address": address.to_string(),
                    "kind": json::kind(address),
                    "id": id.to_string(),
                    "live": json::live(&id, &live),
                    "deposed": true,
                })
            });
            [object].into_iter().chain(deposed).collect::<Vec<_>>()
        });
        let jobs = without_record(&prior).map(|(address, job)| {
            json!({
                "address": address.to_string(),
                "kind": json::kind(address),
                "id": null,
                "live": null,
                "job": json::unseen_job(job),
            })
        });
        let project = session.loaded.settings.project.as_str();
        let objects = objects.chain(jobs).collect::<Vec<_>>();
        let mut document = json!({
            "version": VERSION,
            "project": project,
            "in_progress": in_progress.as_ref().map(json::in_progress),
            "objects": objects,
        });
        if args.all {
            let others = of_others(&session.loaded.settings.project, &live);
            let others = others.into_iter().map(|(owner, id)| {
                json!({ "project": owner.to_string(), "id": id.to_string(), "live": json::live(&id, &live) })
            });
            document["other_projects"] = others.collect();
        }
        shell.output.data(&printed(&document));
        return Ok(exit::DONE);
    }
    if let Some(running) = &in_progress {
        shell.output.data(&format!("{}\n\n", words::in_progress(running)));
    }
    let mut table = Table::new(["ADDRESS", "ID", "STATE", "PRICE", "URL", "SSH"]);
    for (address, recorded) in &prior.objects {
        let [mut state, price, url, ssh] = cells(&recorded.id, &live);
        if let Some(answer) = asked.get(address).filter(|_| !url.is_empty() || !ssh.is_empty()) {
            state.push_str(&format!(", {}", answer.word()));
            state.extend(why(answer).map(|why| format!(": {why}")));
        }
        if let Some(stands) = job_stands((recorded, prior.unseen.get(address)), &live) {
            state = if recorded.is_gone() { format!("gone, {stands}") } else { format!("{state}, {stands}") };
            // Of a pod that is there its log tells.
            let mark = prior.unseen.get(address).filter(|_| recorded.is_gone());
            state.extend(mark.map(|mark| format!("; {mark} since")));
        }
        table.row([address.to_string(), recorded.id.to_string(), state, price, url, ssh]);
        // What it took the place of is billed until it is gone, and serves nobody.
        for id in recorded.record.deposed_ids() {
            let [state, price, url, ssh] = cells(&id, &live);
            table.row([address.to_string(), id.to_string(), format!("{state}, deposed"), price, url, ssh]);
        }
    }
    for (address, job) in without_record(&prior) {
        let nothing = [String::new(), String::new(), String::new()];
        let [price, url, ssh] = nothing;
        table.row([address.to_string(), String::new(), job.to_string(), price, url, ssh]);
    }
    shell.output.data(&table.to_string());
    if args.all {
        shell.output.data(&others(&session.loaded.settings.project, &live).to_string());
    }
    let unknown = unknown_to(&session.loaded.desired, &prior, &live);
    if !unknown.is_empty() {
        shell.output.note(&format!(
            "{} of this project in the account {} unknown to this state, which was lost or is an older one: `podform \
             state rebuild` takes in what is there, `--state PATH` names the state that has it",
            words::count(unknown.len(), "object"),
            if unknown.len() == 1 { "is" } else { "are" },
        ));
    } else if prior.objects.is_empty() && prior.unseen.is_empty() {
        shell.output.note("nothing is managed yet; `podform plan` shows what would be created");
    }
    Ok(exit::DONE)
}

/// Returns since when the container of a job runs that is under way.
fn job_since(recorded: &Recorded, stands: &Stands, live: &Live) -> Option<Timestamp> {
    let RemoteId::Pod(id) = &recorded.id else { return None };
    match (stands, live.pods.get(id)?.found()?.ran) {
        (Stands::Goes, Ran::Once { since }) => since,
        (Stands::Goes, Ran::NotTold | Ran::Never)
        | (Stands::Never | Stands::CutShort | Stands::Ended(_) | Stands::NotKnown(_), _) => None,
    }
}

/// Says why a pod does not count as ready.
fn why(answer: &Readiness) -> Option<&str> {
    match answer {
        Readiness::Ready => None,
        Readiness::NotReady(why) | Readiness::Unknown(why) => Some(why),
    }
}

/// Lists what other projects of podform have in the account.
fn others(own: &ProjectName, live: &Live) -> Table<4> {
    let mut table = Table::new(["PROJECT", "ID", "STATE", "PRICE"]);
    for (project, id) in of_others(own, live) {
        let [state, price, _, _] = cells(&id, live);
        table.row([project.to_string(), id.to_string(), state, price]);
    }
    table
}

/// Returns the objects that carry the mark of another project, with that project.
fn of_others(own: &ProjectName, live: &Live) -> BTreeSet<(ProjectName, RemoteId)> {
    let pods = live.pods.values().filter_map(Seen::found).filter(|pod| pod.status != PodStatus::Terminated);
    let pods =
        pods.filter_map(|pod| Some((pod.marker.as_ref()?.project.clone(), RemoteId::Pod(pod.id.clone()))));
    let volumes = live.volumes.values().filter_map(Seen::found).filter_map(|volume| {
        let mark: VolumeMark = volume.name.parse().ok()?;
        Some((mark.project, RemoteId::Volume(volume.id.clone())))
    });
    pods.chain(volumes).filter(|(project, _)| project != own).collect()
}

/// Returns state, price, URL and SSH command of an object.
fn cells(id: &RemoteId, live: &Live) -> [String; 4] {
    let only = |state: &str| [state.to_owned(), String::new(), String::new(), String::new()];
    match seen(id, live, pod_cells, volume_cells, secret_cells, registry_cells) {
        Some(Seen::Found(cells)) => cells,
        Some(Seen::Absent) => only("gone"),
        Some(Seen::Unreadable(_)) | None => only("unknown"),
    }
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

fn secret_cells(secret: &LiveSecret) -> [String; 4] {
    [format!("secret `{}`", secret.name), String::new(), String::new(), String::new()]
}

fn registry_cells(registry: &LiveRegistry) -> [String; 4] {
    [format!("registry `{}`", registry.name), String::new(), String::new(), String::new()]
}

fn volume_cells(volume: &LiveVolume) -> [String; 4] {
    [format!("{} in {}", volume.size, volume.data_center), String::new(), String::new(), String::new()]
}
