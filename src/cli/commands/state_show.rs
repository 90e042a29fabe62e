//! `podform state show`: one record, without asking the account.

use serde_json::{Value, json};

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::json::{self, VERSION, printed};
use crate::cli::naming;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::cli::table::laid_out;
use crate::model::address::Address;
use crate::model::pod::{EnvValue, Storage};
use crate::model::prior::{
    Record, Recorded, RecordedObject, RecordedPod, RecordedRegistry, RecordedRun, RecordedSecret,
};
use crate::model::registry::Credentials;
use crate::model::volume::VolumeConfig;
use crate::render::words;
use crate::state::Store;

/// Show everything that is recorded of one object
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform state show llm[0] --json")]
pub struct Args {
    /// The recorded address
    #[arg(value_name = "ADDRESS")]
    address: Address,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { address, json } = args;
    let session = Session::of_spec(shell).await?;
    let prior = session.state.load().await?;
    session.tell_in_progress(&prior).await?;
    let named = naming::known(&session.loaded.desired, &prior, address)?;
    if *json {
        let mut objects: Vec<Value> =
            named.iter().filter_map(|address| json::recorded(address, &prior)).collect();
        let document = if let [object] = objects.as_mut_slice() {
            json!({ "version": VERSION, "object": object.take() })
        } else {
            json!({ "version": VERSION, "objects": objects })
        };
        shell.output.data(&printed(&document));
        return Ok(exit::DONE);
    }
    let screens = named.iter().map(|address| {
        let recorded = prior.objects.get(address).map(rows).unwrap_or_default();
        let job = prior.unseen.get(address).map(|job| ("job".to_owned(), job.to_string()));
        laid_out(address, &recorded.into_iter().chain(job).collect::<Vec<_>>())
    });
    let screens: Vec<String> = screens.collect();
    shell.output.data(&screens.join("\n"));
    Ok(exit::DONE)
}

/// Returns everything that is recorded, as name and text.
pub fn rows(recorded: &Recorded) -> Vec<(String, String)> {
    let Recorded { id, record, recorded_at, server_time: _, rebuilt } = recorded;
    let Record { token, lifecycle, retired, deposed: _, object } = record;
    let mut rows = Rows::default();
    rows.put("id", id.to_string());
    rows.put("recorded_at", recorded_at.to_string());
    if let Some(token) = token {
        rows.put("token", token.to_string());
    }
    rows.put("protect", lifecycle.protect.to_string());
    if *rebuilt {
        rows.put("rebuilt", "true".to_owned());
    }
    if *retired {
        rows.put("retired", "true".to_owned());
    }
    for left in record.deposed_ids() {
        rows.put("deposed", left.to_string());
    }
    match object {
        RecordedObject::Secret(RecordedSecret { name, value_set_at }) => {
            rows.put("name", name.clone());
            if let Some(set_at) = value_set_at {
                rows.put("value_set_at", set_at.to_string());
            }
        }
        RecordedObject::Registry(RecordedRegistry { name, sent, deposed: _ }) => {
            rows.put("name", name.clone());
            if let Some(Credentials { username, password }) = sent {
                rows.put("username", from(username));
                rows.put("password", format!("(secret {password})"));
            }
        }
        RecordedObject::Volume(VolumeConfig { size, data_center, tier: _ }) => {
            rows.put("size", size.to_string());
            rows.put("data_center", data_center.to_string());
        }
        RecordedObject::Pod(pod) => rows.pod(pod),
    }
    rows.0
}

/// Returns a value, or the name of the secret that it is that of.
fn from(value: &EnvValue) -> String {
    match value {
        EnvValue::Plain(text) => text.clone(),
        EnvValue::Secret(name) => format!("(secret {name})"),
    }
}

#[derive(Default)]
struct Rows(Vec<(String, String)>);

impl Rows {
    fn put(&mut self, name: &str, value: String) {
        self.0.push((name.to_owned(), value));
    }

    fn pod(&mut self, pod: &RecordedPod) {
        let RecordedPod { container, access: _, compute, cloud, data_center, run, job, depends_on } = pod;
        self.put(
            "state",
            match run {
                RecordedRun::Running | RecordedRun::Stopped => run.state().to_string(),
                RecordedRun::Failed => {
                    "stopped, as it did not come up when podform last brought it up".to_owned()
                }
            },
        );
        if let Some(job) = job {
            self.put("run", format!("job, {}", words::recorded_job(job)));
        }
        self.put("name", container.name.clone());
        self.put("image", container.image.clone());
        if !container.command.is_empty() {
            self.put("command", container.command.join(" "));
        }
        for (key, value) in &*container.env {
            let value = from(value);
            self.put(&format!("env.{key}"), value);
        }
        let ports: Vec<String> = container.ports.iter().map(ToString::to_string).collect();
        if !ports.is_empty() {
            self.put("ports", ports.join(" "));
        }
        self.put("disk", container.disk.to_string());
        match &container.storage {
            Storage::None => {}
            Storage::Local { size, path } => self.put("volumes", format!("{size} at {path}")),
            Storage::Network { volume, path } => self.put("volumes", format!("{volume} at {path}")),
        }
        for (name, value) in [
            ("compute", compute.as_ref().map(ToString::to_string)),
            ("cloud", cloud.as_ref().map(ToString::to_string)),
            ("data_center", data_center.as_ref().map(ToString::to_string)),
        ] {
            if let Some(value) = value {
                self.put(name, value);
            }
        }
        for address in depends_on {
            self.put("depends_on", address.to_string());
        }
    }
}
