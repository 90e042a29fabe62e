//! `ready` and `boot` against the rest of their pod and the API that is spoken.

use crate::model::pod::{Port, Protocol};
use crate::model::prior::Api;
use crate::model::ready::Probe;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::pod::{Mount, Pod};

use super::Resolver;

/// What to do where only REST v2 has what is needed.
const SPEAK_V2: &str = "write `provider: { api: v2 }`";

impl Resolver<'_> {
    /// Makes sure that what is asked can be asked.
    pub(super) fn ready(&mut self, pod: &Pod) {
        let Some(ready) = &pod.ready else { return };
        let probe = &ready.value;
        let (number, protocol, other) = match &probe.value.probe {
            Probe::Http { port, .. } => (*port, Protocol::Http, Protocol::Tcp),
            Probe::Tcp { port } => (*port, Protocol::Tcp, Protocol::Http),
            Probe::Log { text: _ } => {
                if self.api() != Api::V2 {
                    let detail = "logs are read over REST v2 only";
                    let mistake = Diagnostic::at(Problem::ConflictingKeys, probe.span, detail);
                    self.log.push(mistake.help(format!("{SPEAK_V2}, or ask a port with `http` or `tcp`")));
                }
                return;
            }
        };
        // A template has ports of its own, and they are read later.
        let Some(ports) = pod.ports.as_ref().map(|ports| &ports.value) else {
            if pod.template.is_none() {
                let detail = format!("the pod has no `ports`, so that {number}/{protocol} cannot be asked");
                let mistake = Diagnostic::at(Problem::ConflictingKeys, probe.span, detail);
                self.log.push(mistake.help(format!("add `ports: [{number}/{protocol}]`")));
            }
            return;
        };
        if ports.contains(&Port { number, protocol }) {
            return;
        }
        let is_other = ports.contains(&Port { number, protocol: other });
        let detail = if is_other {
            format!("`ports` has {number}/{other}, and this asks {number}/{protocol}")
        } else {
            format!("`ports` has no {number}/{protocol}")
        };
        let mut mistake = Diagnostic::at(Problem::ConflictingKeys, probe.span, detail);
        if let Some(typed) = &pod.ports {
            mistake = mistake.label(typed.span, "the ports of the pod");
        }
        self.log.push(mistake.help(match is_other {
            true => format!("ask with `{other}: {number}`, or publish `{number}/{protocol}`"),
            false => format!("add `{number}/{protocol}` to `ports`"),
        }));
    }

    /// Makes sure that a pod may be given up, should it never run.
    pub(super) fn boot(&mut self, pod: &Pod) {
        let Some(boot) = &pod.boot else { return };
        if self.api() != Api::V2 {
            let detail = "whether a pod ever ran is told by REST v2 only";
            let mistake = Diagnostic::at(Problem::ConflictingKeys, boot.span, detail);
            self.log.push(mistake.help(format!("{SPEAK_V2}, or remove `boot`")));
        }
        let mut mounts = pod.volumes.iter().flat_map(|mounts| &mounts.value);
        if let Some(local) = mounts.find(|mount| matches!(mount.value, Mount::Local { .. })) {
            let detail = "a pod with a local volume is never given up";
            let mistake = Diagnostic::at(Problem::ConflictingKeys, boot.span, detail);
            let mistake = mistake.label(local.span, "the local volume");
            self.log.push(mistake.help("remove `boot`, or mount a network volume"));
        }
        if let Some(lifecycle) = pod.lifecycle.as_ref().filter(|_| pod.is_protected()) {
            let detail = "a protected pod is never deleted, so it cannot be given up";
            let mistake = Diagnostic::at(Problem::ConflictingKeys, boot.span, detail);
            self.log
                .push(mistake.label(lifecycle.span, "protected here").help("remove `boot`, or `protect`"));
        }
    }
}
