//! `podform import`: takes over pods and network volumes that were made without podform. It changes none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use crate::apply::Limited;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::files::write_new;
use crate::cli::flags::LockTimeout;
use crate::cli::naming::whole;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::recording::{record, remarks, wait_for_others};
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::address::Address;
use crate::model::desired::{Wanted, WantedVolume};
use crate::model::id::{PodId, ProjectName, RemoteId, TemplateId, VolumeId};
use crate::model::live::{Live, Seen};
use crate::model::prior::Prior;
use crate::plan::{Options, stock_questions, taken_over};
use crate::provider::Observe;
use crate::render::words;
use crate::spec::imported::{self, Chosen, Imported, Known, ReferencedSecret};
use crate::state::RecordChange;
use crate::state::Store;
use crate::state::edit::ensure_settled;
use crate::state::whole::Readers;

/// Take over pods and network volumes that were made without podform; changes none of them
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  podform import --all --write imported.yaml\n  \
                  podform import llm xedezhzb9la3ye")]
pub struct Args {
    /// The address that the object gets
    #[arg(
        value_name = "ADDRESS",
        requires = "id",
        required_unless_present_any = ["all", "template"],
        conflicts_with_all = ["all", "template"]
    )]
    address: Option<Address>,
    /// The id of the pod or network volume on RunPod
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Take over everything that is not managed
    #[arg(long)]
    all: bool,
    /// Print what this template of RunPod gives to pods, in spec words; takes nothing over
    #[arg(long, value_name = "ID", value_parser = |text: &str| Ok::<_, Infallible>(TemplateId::new(text)), conflicts_with = "all")]
    template: Option<TemplateId>,
    /// The object belongs to this project of podform, which gives it up
    #[arg(long, value_name = "PROJECT", conflicts_with_all = ["all", "template"])]
    from_project: Option<String>,
    /// Write the spec text to this new file instead of printing it
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    #[command(flatten)]
    lock: LockTimeout,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let Args { address, id, all: _, template, from_project, write, lock } = args;
    let from_project = from_project.as_deref().map(ProjectName::new);
    let mut session = Session::of_spec(shell).await?;
    if let Some(template) = template {
        return in_spec_words(&session, template, write.as_deref()).await;
    }
    wait_for_others(&session, ("import", lock)).await?;
    session.read_templates().await;
    let prior = session.state.load().await?;
    let live = session.look(session.account.reader(), &prior).await?;
    session.tell_in_progress(&prior).await?;
    session.tell_left_out(&prior, &live);
    let known = known(&session, &prior);
    let (chosen, asked) = match address.as_ref().zip(id.as_ref()) {
        Some((address, id)) => {
            let chosen = one(&live, &known, &prior, (address, id), from_project.as_ref())?;
            (chosen, BTreeSet::from([address.clone()]))
        }
        None => {
            let chosen = imported::choose(&live, &known);
            let asked = addresses(&chosen);
            (chosen, asked)
        }
    };
    tell_left_out(&shell.output, &chosen);
    if asked.is_empty() {
        shell.output.note("there is nothing to take over");
        return Ok(exit::DONE);
    }
    for address in &asked {
        ensure_settled(&prior, address)?;
    }
    let text = if already_wanted(&mut session, &chosen, address.as_ref()) {
        None
    } else {
        ensure_key(address.as_ref())?;
        Some(self::text(&mut session, &prior, &chosen, &known).await?)
    };
    let options = Options { taking_over: true, from_project: from_project.clone(), ..Options::to_look() };
    let planned = session.plan_only(&options).await?;
    let records = taken_over(planned.plan(), session.moment());
    let records: Vec<_> = records.into_iter().filter(|(address, _)| asked.contains(address)).collect();
    for remark in remarks(planned.plan(), &asked) {
        shell.output.note(&remark);
    }
    if records.is_empty() {
        shell.output.note("nothing was taken over");
        return Ok(exit::BLOCKED);
    }
    if let (Some(path), Some(imported)) = (write, &text) {
        write_new(path, Readers::Everybody, imported.text.as_bytes())?;
    }
    let count = records.len();
    let changes =
        records.into_iter().map(|(address, recorded)| RecordChange::Put(address, Box::new(recorded)));
    record(&session, ("import", lock), &prior, changes.collect(), &format!("{count} taken over")).await?;
    if let Some(project) = &from_project {
        shell.output.note(&format!(
            "project `{project}` must give it up now, or both manage it: `podform state rm ADDRESS` there"
        ));
    }
    tell(shell, args, text.as_ref(), count);
    Ok(exit::DONE)
}

/// Prints what a template gives to pods as spec text. It is a copy: what becomes of the template is of no matter to it.
async fn in_spec_words(
    session: &Session<'_>,
    id: &TemplateId,
    write: Option<&Path>,
) -> Result<Exit, Failure> {
    let output = &session.shell.output;
    let progress = Progress::new(output, session.shell.watches_progress());
    let port = Limited::new(session.account.reader(), &progress, session.account.names.seed());
    let Some(template) = port.template(id).await? else {
        let next = "RunPod's console shows the ids of templates";
        return Err(Failure::NotShown { kind: "template", id: id.to_string(), next });
    };
    let reason = if template.is_serverless {
        Some("it is for endpoints, not for pods")
    } else {
        imported::unfit_settings(&template.settings, session.loaded.settings.api)
    };
    if let Some(reason) = reason {
        return Err(Failure::Unfit { id: id.to_string(), reason: reason.to_owned() });
    }
    let prior = session.state.load().await?;
    let imported = imported::write_template(&template, &known(session, &prior));
    tell_secrets(output, &imported.secrets);
    let place = match write {
        Some(path) => {
            write_new(path, Readers::Everybody, imported.text.as_bytes())?;
            format!("`{}`", path.display())
        }
        None => {
            output.data(&imported.text);
            "it".to_owned()
        }
    };
    output.note(&format!(
        "nothing was taken over; next: add `gpu` or `cpu` to {place}, then run `podform plan`"
    ));
    Ok(exit::DONE)
}

/// Prints the text, unless it went into a file, and what to do next.
fn tell(shell: &Shell, args: &Args, text: Option<&Imported>, count: usize) {
    let output = &shell.output;
    let are = if count == 1 { "is" } else { "are" };
    output.note(&format!(
        "{} {are} in the state; nothing was changed in the account",
        words::count(count, "object")
    ));
    let Some(Imported { text, secrets }) = text else {
        output.note("next: podform plan");
        return;
    };
    tell_secrets(output, secrets);
    match &args.write {
        Some(path) => {
            let files: Vec<String> = shell.spec_files().iter().map(|file| format!("-f {file}")).collect();
            output.note(&format!("next: podform plan {} -f {}", files.join(" "), path.display()));
        }
        None => {
            output.data(text);
            output.note("next: put this text into the spec, then run `podform plan`");
        }
    }
}

/// Names what stays unmanaged, and why.
pub(super) fn tell_left_out(output: &Output, chosen: &Chosen<'_>) {
    for (id, reason) in &chosen.left_out {
        output.note(&format!("`{id}` is left out: {reason}"));
    }
}

/// Names the variables that secrets are read from.
pub(super) fn tell_secrets(output: &Output, secrets: &[ReferencedSecret]) {
    if secrets.is_empty() {
        return;
    }
    output.note("secrets were left out of the text; set these variables for plan and apply:");
    for secret in secrets {
        output.note(&format!("  {}", secret.variable));
    }
}

/// Returns what the spec and the state know.
pub(super) fn known(session: &Session<'_>, prior: &Prior) -> Known {
    let desired = &session.loaded.desired;
    let wanted = desired.wanted.keys().chain(desired.out_of_scope.keys()).chain(prior.objects.keys());
    let mut volumes: BTreeMap<VolumeId, _> = BTreeMap::new();
    for (address, recorded) in &prior.objects {
        if let RemoteId::Volume(id) = &recorded.id {
            volumes.insert(id.clone(), address.key().clone());
        }
    }
    for (address, wanted) in &desired.wanted {
        if let Wanted::Volume(WantedVolume::Referenced { id }) = wanted {
            volumes.insert(id.clone(), address.key().clone());
        }
    }
    let given_up = prior.tokens.iter().filter(|(_, known)| known.tombstone);
    Known {
        project: desired.project.clone(),
        managed: prior.remote_ids(),
        given_up: given_up.map(|(token, _)| token.clone()).collect(),
        // A replica's key is taken as a whole.
        taken: wanted.flat_map(|address| [address.clone(), whole(address)]).collect(),
        volumes,
        api: session.loaded.settings.api,
    }
}

fn addresses(chosen: &Chosen<'_>) -> BTreeSet<Address> {
    let volumes = chosen.volumes.keys().cloned().map(Address::Volume);
    volumes.chain(chosen.pods.keys().cloned().map(Address::pod)).collect()
}

/// Chooses the one object that was named.
fn one<'a>(
    live: &'a Live,
    known: &Known,
    prior: &Prior,
    (address, id): (&Address, &str),
    from_project: Option<&ProjectName>,
) -> Result<Chosen<'a>, Failure> {
    if let Some(recorded) = prior.objects.get(address) {
        let held = recorded.id.to_string();
        let next = if held == id {
            "there is nothing to import, and `podform plan` compares it"
        } else {
            "`podform state mv` or `podform state rm` makes room"
        };
        return Err(Failure::Taken { name: address.to_string(), known: held, next: next.to_owned() });
    }
    let (pod, volume) = (live.pods.get(&PodId::new(id)), live.volumes.get(&VolumeId::new(id)));
    let mut chosen = Chosen::default();
    match address {
        Address::Secret(_) | Address::Registry(_) => {
            return Err(Failure::NoImport { address: address.clone() });
        }
        Address::Volume(key) => {
            let volume = shown(address, id, volume, is_found(pod))?;
            ensure_free(address, id, &RemoteId::Volume(volume.id.clone()), known, prior)?;
            let owner = imported::other_project_of_volume(volume, known);
            ensure_whose(id, address, owner.as_ref(), from_project)?;
            chosen.volumes.insert(key.clone(), volume);
        }
        Address::Pod { key, replica: _ } => {
            let pod = shown(address, id, pod, is_found(volume))?;
            ensure_free(address, id, &RemoteId::Pod(pod.id.clone()), known, prior)?;
            ensure_whose(id, address, imported::other_project(pod, known), from_project)?;
            if let Some(reason) = imported::unfit(pod, known.api) {
                return Err(Failure::Unfit { id: id.to_owned(), reason });
            }
            chosen.pods.insert(key.clone(), pod);
        }
    }
    Ok(chosen)
}

/// Returns what the account shows under an id, where that is of the address's kind.
fn shown<'a, T>(
    address: &Address,
    id: &str,
    seen: Option<&'a Seen<T>>,
    is_other_kind: bool,
) -> Result<&'a T, Failure> {
    let id = id.to_owned();
    let (kind, other, of_other, next) = match address {
        Address::Pod { key, replica: _ } => (
            "pod",
            "network volume",
            Address::Volume(key.clone()),
            "`podform plan` lists the pods that are not managed, with their ids",
        ),
        Address::Volume(key) | Address::Secret(key) | Address::Registry(key) => (
            "network volume",
            "pod",
            Address::pod(key.clone()),
            "`podform import --all` takes over those that there are",
        ),
    };
    match seen {
        Some(Seen::Found(object)) => Ok(object),
        Some(Seen::Unreadable(why)) => Err(Failure::NotReadable { kind, id, why: why.clone() }),
        Some(Seen::Absent) | None if is_other_kind => {
            Err(Failure::OtherKind { id, kind, other, address: of_other })
        }
        Some(Seen::Absent) | None => Err(Failure::NotShown { kind, id, next }),
    }
}

fn is_found<T>(seen: Option<&Seen<T>>) -> bool {
    seen.and_then(Seen::found).is_some()
}

/// Makes sure that an object is not managed under another address.
fn ensure_free(
    address: &Address,
    id: &str,
    remote: &RemoteId,
    known: &Known,
    prior: &Prior,
) -> Result<(), Failure> {
    if let Some((holder, _)) = prior.objects.iter().find(|(_, recorded)| recorded.id == *remote) {
        let next = format!("`podform state mv {holder} {address}` renames it");
        return Err(Failure::Taken { name: id.to_owned(), known: holder.to_string(), next });
    }
    if known.managed.contains(remote) { Err(Failure::Managed { id: id.to_owned() }) } else { Ok(()) }
}

/// Makes sure that an object is nobody else's, or that it is said whose it is: two projects with one object would undo
/// each other's work, and end it twice.
fn ensure_whose(
    id: &str,
    address: &Address,
    owner: Option<&ProjectName>,
    said: Option<&ProjectName>,
) -> Result<(), Failure> {
    let id = id.to_owned();
    match (owner, said) {
        (None, None) => Ok(()),
        (Some(owner), Some(said)) if owner == said => Ok(()),
        (Some(owner), _) => Err(Failure::OfProject { id, owner: owner.clone(), address: address.clone() }),
        (None, Some(said)) => Err(Failure::NotOfProject { id, project: said.clone() }),
    }
}

/// Lets the spec's own entry for the address take the object over; false where the spec has none.
fn already_wanted(session: &mut Session<'_>, chosen: &Chosen<'_>, address: Option<&Address>) -> bool {
    let Some(wanted) = address.and_then(|address| session.loaded.desired.wanted.get_mut(address)) else {
        return false;
    };
    match wanted {
        Wanted::Pod(wanted) => wanted.adopt = chosen.pods.values().next().map(|pod| pod.id.clone()),
        Wanted::Volume(WantedVolume::Managed { adopt, .. }) => {
            *adopt = chosen.volumes.values().next().map(|volume| volume.id.clone());
        }
        Wanted::Volume(WantedVolume::Referenced { id: _ }) | Wanted::Secret(_) | Wanted::Registry(_) => {}
    }
    true
}

/// Makes sure that text can be written for an address: a replica has none of its own.
fn ensure_key(address: Option<&Address>) -> Result<(), Failure> {
    match address {
        Some(Address::Pod { key, replica: Some(_) }) => Err(Failure::NoReplica { key: key.clone() }),
        Some(
            Address::Pod { replica: None, .. }
            | Address::Volume(_)
            | Address::Secret(_)
            | Address::Registry(_),
        )
        | None => Ok(()),
    }
}

/// Writes the objects as text and lays it on the spec.
async fn text(
    session: &mut Session<'_>,
    prior: &Prior,
    chosen: &Chosen<'_>,
    known: &Known,
) -> Result<Imported, Failure> {
    let questions = stock_questions(&session.loaded.desired);
    let catalog = session.known_catalog(session.account.reader(), &questions).await;
    let loaded = &session.loaded;
    // A layer without a project is no spec of its own, so nobody can apply it without what the spec has beside it.
    let is_alone = loaded.desired.wanted.is_empty() && prior.objects.is_empty();
    let header = is_alone.then_some(&loaded.settings);
    let imported = imported::write_live(header, chosen, known, &catalog);
    *session.loaded = session.shell.load_spec_under(&imported.text)?;
    session.read_templates().await;
    Ok(imported)
}
