//! Whether replicas can be changed as their pod says.

use crate::model::desired::OnReplace;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::pod::{Mount, Pod};

use super::Resolver;

impl Resolver<'_> {
    /// A new replica beside the old one is of no use where the data cannot come along, and cannot be had where the old
    /// one must not go.
    pub(super) fn update(&mut self, pod: &Pod) {
        // Those that say when they are ready go in turn without the key.
        let in_turn = || pod.at_once().and(pod.ready.as_ref()).map(|ready| ready.span);
        let update = pod.update.map(|update| update.span).or_else(in_turn);
        let (Some(update), Some(lifecycle)) = (update, &pod.lifecycle) else { return };
        match lifecycle.value.on_replace {
            OnReplace::CreateFirst => {}
            OnReplace::DestroyFirst => return,
        }
        let local = pod.volumes.iter().flat_map(|mounts| &mounts.value).find(|mount| match mount.value {
            Mount::Local { .. } => true,
            Mount::Network { .. } => false,
        });
        let why = match local {
            Some(_) => "a replica that is created first begins without the data of the local volume",
            None if lifecycle.value.protect => {
                "a protected replica is never replaced, so none is created first"
            }
            None => return,
        };
        let mistake = Diagnostic::at(Problem::ConflictingKeys, update, why);
        let mistake = mistake.label(lifecycle.span, "`on_replace: create_first` here");
        self.log.push(mistake.help("leave out `on_replace: create_first`"));
    }
}
