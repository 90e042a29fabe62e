//! `podform init --import`: a first spec of what an account has.
//!
//! It writes a spec and no state. Each entry names its object by `adopt:`, so the first plan shows what is taken over,
//! and the first apply takes it over, without a change to the account.

use std::collections::BTreeMap;

use clap::ValueEnum;

use crate::cli::commands::import::{known, tell_left_out, tell_secrets};
use crate::cli::failure::Failure;
use crate::cli::files::DEFAULT_SPEC;
use crate::cli::session::Session;
use crate::cli::shell::Shell;
use crate::model::prior::ProviderKind;
use crate::render::words;
use crate::spec::imported::{choose, write_live};
use crate::spec::{self, Checked, Input, Loaded, SourceFile};
use crate::state::Store;

/// The account that a first spec is made of.
#[derive(Clone, Copy, ValueEnum)]
pub enum ImportedAccount {
    /// That of the key in RUNPOD_API_KEY.
    Runpod,
    /// The simulated one of the folder.
    Simulator,
}

/// What stands above the entries.
const ABOVE: &str = "\
# What the account had. `adopt:` names what each entry takes over. A pod whose entry is taken out is let go and not
# terminated until its `lifecycle` says otherwise, and a volume is protected until `protect` is taken out.
";

/// Returns the text of the spec; `None` if the account has nothing for it, which was said.
pub async fn first_spec(
    shell: &Shell,
    project: &str,
    account: ImportedAccount,
) -> Result<Option<String>, Failure> {
    let kind = match account {
        ImportedAccount::Runpod => ProviderKind::Runpod,
        ImportedAccount::Simulator => ProviderKind::Simulator,
    };
    let nothing =
        format!("version: 1\nproject: {project}\nprovider: {{ kind: {} }}\npods: {{}}\n", kind.word());
    let session = Session::open(shell, load(&nothing)?, None).await?;
    let prior = session.state.load().await?;
    if !prior.objects.is_empty() {
        return Err(Failure::StateThere { project: project.to_owned(), objects: prior.objects.len() });
    }
    let live = session.look(session.account.reader(), &prior).await?;
    session.tell_left_out(&prior, &live);
    let known = known(&session, &prior);
    let chosen = choose(&live, &known);
    tell_left_out(&shell.output, &chosen);
    if chosen.pods.is_empty() && chosen.volumes.is_empty() {
        shell.output.note("there is nothing to take over; `podform init` writes a first spec");
        return Ok(None);
    }
    let catalog = session.catalog(session.account.reader()).await?;
    let written = write_live(Some(&session.loaded.settings), &chosen, &known, &catalog);
    // A spec that does not load would be found by the next command, when nobody knows any more where it came from.
    load(&written.text)?;
    shell.output.note(&format!(
        "{} and {} of the account become a spec; nothing was changed there",
        words::count(chosen.pods.len(), "pod"),
        words::count(chosen.volumes.len(), "network volume")
    ));
    tell_secrets(&shell.output, &written.secrets);
    Ok(Some(format!("{ABOVE}{}", written.text)))
}

fn load(text: &str) -> Result<Loaded, Failure> {
    let files = [SourceFile { name: DEFAULT_SPEC, bytes: text.as_bytes() }];
    let none = BTreeMap::new();
    let input = Input { files: &files, vars: &none, environment_vars: &none, profiles: &[] };
    spec::check(&input).map(Checked::lower).map_err(|diagnostics| Failure::Spec { diagnostics })
}
