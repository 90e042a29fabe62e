//! `ready` and `boot` against the rest of their pod and the API that is spoken.

use crate::model::pod::{Port, Protocol};
use crate::model::prior::Api;
use crate::model::ready::Probe;
use crate::spec::diagnostic::{Diagnostic, Problem};
use crate::spec::pod::{Mount, Pod};

use super::Resolver;

/// What to do where only REST v2 has what is needed.
const SPEAK_V2: &str = "write `provider: { api: v2 }`";

/// What to do besides about a key of `defaults` that is not for this pod.
const OR_NULL: &str = ", or write `ready: null` in this pod, which then asks nothing";

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
        // What stands before its pod is of `defaults`.
        let is_inherited = probe.span.precedes(pod.span);
        // A template has ports of its own, and they are read later.
        let Some(ports) = pod.ports.as_ref().map(|ports| &ports.value) else {
            if pod.template.is_none() {
                let detail = format!("the pod has no `ports`, so that {number}/{protocol} cannot be asked");
                let mistake = Diagnostic::at(Problem::ConflictingKeys, probe.span, detail);
                let help = format!("add `ports: [{number}/{protocol}]`");
                self.log.push(if is_inherited {
                    mistake.label(pod.span, "this pod").help(help + OR_NULL)
                } else {
                    mistake.help(help)
                });
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
        let mut help = match is_other {
            true => format!("ask with `{other}: {number}`, or publish `{number}/{protocol}`"),
            false => format!("add `{number}/{protocol}` to `ports`"),
        };
        if is_inherited {
            help.push_str(OR_NULL);
        }
        self.log.push(mistake.help(help));
    }

    /// Makes sure that a pod may be given up, should it never run.
    pub(super) fn boot(&mut self, pod: &Pod) {
        let Some(boot) = &pod.boot else { return };
        let is_inherited = boot.span.precedes(pod.span);
        let or_null = if is_inherited { ", or write `boot: null` in this pod" } else { "" };
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
            self.log.push(mistake.help(format!("remove `boot`, or mount a network volume{or_null}")));
        }
        if let Some(lifecycle) = pod.lifecycle.as_ref().filter(|_| pod.is_protected()) {
            let detail = "a protected pod is never deleted, so it cannot be given up";
            let mistake = Diagnostic::at(Problem::ConflictingKeys, boot.span, detail);
            let mistake = mistake.label(lifecycle.span, "protected here");
            self.log.push(mistake.help(format!("remove `boot`, or `protect`{or_null}")));
        }
    }
}
