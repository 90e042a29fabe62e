//! `podform validate`: checks the spec without network, state or key.

use std::mem::ManuallyDrop;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::model::address::Kind;
use crate::model::desired::Desired;
use crate::render::words::count;

pub fn run(shell: &Shell) -> Result<Exit, Failure> {
    // Never freed, as the process ends with it.
    let loaded = ManuallyDrop::new(shell.load_spec()?);
    shell.output.data(&format!("The spec is valid: {}.\n", summary(&loaded.desired)));
    Ok(exit::DONE)
}

/// Counts what a spec wants: `3 pods and 1 network volume`.
fn summary(desired: &Desired) -> String {
    let of = |kind| desired.wanted.keys().filter(|address| address.kind() == kind).count();
    let (pods, volumes) = (count(of(Kind::Pod), "pod"), count(of(Kind::Volume), "network volume"));
    let made = [(Kind::Secret, "secret"), (Kind::Registry, "registry")].map(|(kind, noun)| (of(kind), noun));
    let made = made.into_iter().filter(|(number, _)| *number > 0).map(|(number, noun)| count(number, noun));
    match made.collect::<Vec<_>>().as_slice() {
        [] => format!("{pods} and {volumes}"),
        made => format!("{pods}, {volumes} and {} to make in RunPod", made.join(" and ")),
    }
}
