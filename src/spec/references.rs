//! References to other pods: `${pods.KEY.url}` in the variables and the arguments of a pod.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::address::{Address, Key};
use crate::model::attribute::Attribute;
use crate::model::desired::WantedPod;
use crate::model::job::Then;
use crate::model::pod::{EnvValue, Port, Protocol};
use crate::model::reference::{self, Reference};

use super::diagnostic::{Collector, Diagnostic, Problem, listed};
use super::hard_wired;
use super::interpolate::Referring;
use super::pod::{Pod, Replicas};
use super::sensitive::shown;
use super::source::{Span, Spanned};
use super::syntax::Spec;

/// What stands before the key of a pod.
pub(super) const BEGINNING: &str = "pods.";

/// The keys of a pod in which references can stand.
pub(super) const PLACES: [&str; 2] = ["env", "command"];

/// How many forms a message names.
const NAMED: usize = 4;

/// Reads a reference as it was typed, but for `pods.`, without looking for its pod.
pub(super) fn read(typed: &str, referring: Referring, span: Span) -> Result<Reference, Box<Diagnostic>> {
    let invalid = |detail: String| Diagnostic::at(Problem::InvalidReference, span, detail);
    if referring == Referring::Refused {
        let detail =
            "a reference to a pod stands in the values of `env` and in `command` of another pod only";
        return Err(invalid(detail.to_owned()).help("for scripts, `podform output` prints the same").into());
    }
    if typed.contains("${") {
        return Err(invalid("nothing is filled in inside a reference".to_owned())
            .help("write the key of the pod itself")
            .into());
    }
    if let Some((before, _)) = typed.split_once([':', '?']) {
        let detail = format!("`${{{BEGINNING}{before}}}` always has a value in the end and takes no default");
        return Err(invalid(detail).into());
    }
    let (pod, attribute) = match typed.find('.') {
        Some(dot) => (&typed[..dot], Some(&typed[dot + 1..])),
        None => (typed, None),
    };
    let no_pod = |_| {
        let mistake = invalid(format!("{} is no pod's key", shown(pod)));
        Box::new(mistake.help("write `${pods.KEY.url}`, or `${pods.KEY[0].url}` for one of its replicas"))
    };
    let pod: Address = pod.parse().map_err(no_pod)?;
    let forms = || {
        format!(
            "write `{}`, `{}` or, {IN_NETWORK}, `{}`",
            form(&pod, "url"),
            form(&pod, "id"),
            form(&pod, "host")
        )
    };
    let Some(attribute) = attribute else {
        return Err(invalid(format!("nothing of `{pod}` is named")).help(forms()).into());
    };
    let Ok(attribute) = attribute.parse::<Attribute>() else {
        let detail = format!("a pod has no {} that can be referred to", shown(attribute));
        return Err(invalid(detail).help(forms()).into());
    };
    if !attribute.is_lasting() {
        let detail =
            format!("`{attribute}` changes at each start of `{pod}`, so nobody can be told of it beforehand");
        let help = format!(
            "`podform output` prints it as it is now, where there is one; what lasts is `{}` of an HTTP port and, {IN_NETWORK}, `{}`",
            form(&pod, "url"),
            form(&pod, "host")
        );
        return Err(invalid(detail).help(help).into());
    }
    Ok(Reference { pod, attribute })
}

/// When a pod has a name in the private network.
const IN_NETWORK: &str = "with `global_networking: true` for both pods";

/// Why a pod on CPUs has no name there.
pub(super) const NEEDS_GPUS: &str = "the private network is for pods with GPUs";

pub(super) fn form(pod: &Address, attribute: &str) -> String {
    format!("${{{BEGINNING}{pod}.{attribute}}}")
}

/// What the references of a pod turned out to mean, by what was typed.
pub(super) type Meant = BTreeMap<Reference, Reference>;

/// Looks up what all pods refer to, and reports what does not exist.
pub(super) fn resolve(spec: &Spec, log: &mut Collector) -> BTreeMap<Key, Meant> {
    let mut all = BTreeMap::new();
    for (key, pod) in spec.pods.iter().filter(|(_, pod)| !pod.references.is_empty()) {
        let mut meant = Meant::new();
        for Spanned { value: reference, span } in &pod.references {
            match look_up(spec, (key, pod), (reference, *span), log) {
                Ok(found) => drop(meant.insert(reference.clone(), found)),
                Err(mistake) => log.push(*mistake),
            }
        }
        all.insert(key.clone(), meant);
    }
    for (key, pod) in &spec.pods {
        hard_wired::warn(spec, key, pod, log);
    }
    all
}

/// Puts what references mean into the texts of a pod, which waits for what it refers to.
pub(super) fn put_in(meant: &Meant, pod: &mut WantedPod) {
    let mut pods = BTreeSet::new();
    let mut put = |text: &mut String| {
        if !reference::is_in(text) {
            return;
        }
        let mapped = reference::mapped(text, |typed| meant.get(&typed).cloned().unwrap_or(typed));
        *text = mapped.into_owned();
        pods.extend(reference::of(text).map(|reference| reference.pod));
    };
    pod.container.command.iter_mut().for_each(&mut put);
    for value in Arc::make_mut(&mut pod.container.env).values_mut() {
        match value {
            EnvValue::Plain(text) => put(text),
            EnvValue::Secret(_) => {}
        }
    }
    pod.depends_on.extend(pods);
}

/// Returns what a reference means: the very pod, and the port.
fn look_up(
    spec: &Spec,
    (own, referring): (&Key, &Pod),
    (reference, span): (&Reference, Span),
    log: &Collector,
) -> Result<Reference, Box<Diagnostic>> {
    let invalid = |detail: String| Diagnostic::at(Problem::InvalidReference, span, detail);
    let key = reference.pod.key();
    if key == own {
        return Err(invalid(format!("`{own}` refers to itself, and its id is known only once it is there"))
            .help("RunPod puts its id into every pod as `RUNPOD_POD_ID`")
            .help("what stands in `defaults` is every pod's; `NAME: null` in the `env` of one leaves it out there")
            .into());
    }
    let Some(target) = spec.pods.get(key) else {
        // One that has mistakes of its own is not there, and is said elsewhere.
        if spec.pod_names.contains(key.as_str()) {
            return Ok(reference.clone());
        }
        let mistake =
            Diagnostic::at(Problem::UndefinedPod, span, format!("`pods` has no {}", shown(key.as_str())));
        let near = log.closest(key.as_str(), spec.pod_names.iter().map(String::as_str));
        return Err(Box::new(match near {
            Some(near) => {
                let number = reference.pod.to_string().split_off(key.as_str().len());
                mistake
                    .help(format!("did you mean `${{{BEGINNING}{near}{number}.{}}}`?", reference.attribute))
            }
            None => mistake.help("a reference begins with the key of another pod of this spec"),
        }));
    };
    let wrong = |(detail, help): Wrong| Box::new(invalid(detail).help(help));
    let pod = replica(key, target, reference).map_err(wrong)?;
    lasts(&pod, target).map_err(wrong)?;
    let attribute = attribute(referring, (&pod, target), reference.attribute).map_err(wrong)?;
    Ok(Reference { pod, attribute })
}

/// What is wrong with a reference, and what to write.
type Wrong = (String, String);

/// Returns the address of the one pod that is meant.
fn replica(key: &Key, target: &Pod, reference: &Reference) -> Result<Address, Wrong> {
    let typed = match &reference.pod {
        Address::Pod { key: _, replica } => *replica,
        Address::Secret(_) | Address::Registry(_) | Address::Volume(_) => None,
    };
    let Some(replicas) = target.replicas() else {
        return match typed {
            None | Some(0) => Ok(Address::pod(key.clone())),
            Some(number) => Err((
                format!("`{key}` has no `replicas`, so there is no `{key}[{number}]`"),
                format!("write `{}`", form(&Address::pod(key.clone()), &reference.attribute.to_string())),
            )),
        };
    };
    let numbers: Vec<u32> = replicas.numbers().take(NAMED).collect();
    let spelled = |number: &u32| {
        let address = Address::replica(key.clone(), *number);
        form(&address, &reference.attribute.to_string())
    };
    let forms: Vec<String> = numbers.iter().take(NAMED).map(spelled).collect();
    match (typed, numbers.as_slice()) {
        (_, []) => {
            Err((format!("`{key}` has no replicas"), "a reference needs a pod that there is".to_owned()))
        }
        (None, [only]) => Ok(Address::replica(key.clone(), *only)),
        (None, _) => Err((
            format!("`{key}` has {} replicas, and each has its own", Replicas::len(replicas)),
            format!("write {}", listed(&forms, "or")),
        )),
        (Some(number), _) if replicas.numbers().any(|known| known == number) => {
            Ok(Address::replica(key.clone(), number))
        }
        (Some(number), _) => {
            Err((format!("`{key}` has no replica {number}"), format!("write {}", listed(&forms, "or"))))
        }
    }
}

/// Refuses what is to go while others still refer to it: the next plan could tell them of nothing in its place, and hold
/// them for ever.
pub(super) fn lasts(pod: &Address, target: &Pod) -> Result<(), Wrong> {
    let then = target.then.map(|then| then.value).unwrap_or_default();
    if !target.is_job() || then != Then::Terminate {
        return Ok(());
    }
    Err((
        format!("`{pod}` is a job whose pod is terminated when it is done, so nothing of it lasts"),
        "with `then: stop` its pod stays, and with it its id; what it made is handed on by a network volume"
            .to_owned(),
    ))
}

/// Tells whether the private network is for all of these pods.
pub(super) fn can_be_in_network(pods: [&Pod; 2]) -> bool {
    pods.iter().all(|pod| pod.cpu.is_none())
}

/// Returns the reference to a URL that a pod has, by the ports that it publishes, and what it stands for.
pub(super) fn url(pod: &Address, target: &Pod) -> Option<(String, String)> {
    let Some(ports) = &target.ports else {
        let what = "the URL of port 8000, or of another HTTP port that its template publishes".to_owned();
        return target.template.is_some().then(|| (form(pod, "url.8000"), what));
    };
    let mut http = ports.value.iter().filter(|port| port.protocol == Protocol::Http).map(|port| port.number);
    match (http.next()?, http.next()) {
        (_, None) => Some((form(pod, "url"), "the URL of its HTTP port".to_owned())),
        (port, Some(_)) => {
            Some((form(pod, &format!("url.{port}")), format!("the URL of its HTTP port {port}")))
        }
    }
}

/// Returns what is meant of a pod, with its port where there is one.
fn attribute(own: &Pod, (pod, target): (&Address, &Pod), typed: Attribute) -> Result<Attribute, Wrong> {
    let ports = target.ports.as_ref().map(|ports| &ports.value);
    // What a template publishes is not known here.
    let is_left = ports.is_none() && target.template.is_some();
    let http = ports.into_iter().flatten().filter(|port| port.protocol == Protocol::Http);
    let mut http: Vec<u32> = http.map(|port| port.number).collect();
    http.sort_unstable();
    let without = || {
        let host = match can_be_in_network([own, target]) {
            true => format!(
                "; without one, `{}` is its name in the private network, {IN_NETWORK}",
                form(pod, "host")
            ),
            false => String::new(),
        };
        (
            format!("`{pod}` publishes no HTTP port, so RunPod's proxy has no URL for it"),
            format!("add one to its `ports`, such as `8000/http`{host}"),
        )
    };
    let forms =
        || -> Vec<String> { http.iter().take(NAMED).map(|port| form(pod, &format!("url.{port}"))).collect() };
    match typed {
        Attribute::Url if is_left => Err((
            format!(
                "the ports of `{pod}` come from its template, so which of them is HTTP is not known here"
            ),
            format!("write the number, such as `{}`", form(pod, "url.8000")),
        )),
        Attribute::Url => match http.as_slice() {
            [] => Err(without()),
            [only] => Ok(Attribute::UrlOf(*only)),
            [_, _, ..] => Err((
                format!("`{pod}` publishes {} HTTP ports, and each has a URL of its own", http.len()),
                format!("write {}", listed(forms(), "or")),
            )),
        },
        Attribute::UrlOf(port) if is_left || http.contains(&port) => Ok(Attribute::UrlOf(port)),
        Attribute::UrlOf(_) if http.is_empty() => Err(without()),
        Attribute::UrlOf(port) => {
            let is_tcp =
                ports.is_some_and(|ports| ports.contains(&Port { number: port, protocol: Protocol::Tcp }));
            let why = if is_tcp {
                format!("port {port} of `{pod}` is a TCP port, whose public number changes at each start")
            } else {
                format!("`{pod}` does not publish {port}/http")
            };
            Err((why, format!("write {}", listed(forms(), "or"))))
        }
        Attribute::Host => in_network(own, (pod, target)).map(|()| typed),
        Attribute::Id | Attribute::PublicIp | Attribute::Tcp(_) | Attribute::Ssh => Ok(typed),
    }
}

/// Refuses a name in the private network where one of two pods is not in it.
fn in_network(own: &Pod, (pod, target): (&Address, &Pod)) -> Result<(), Wrong> {
    let (why, both) = match (target.has_global_networking(), own.has_global_networking()) {
        (true, true) => return Ok(()),
        (true, false) => (
            format!("`host` is the name of `{pod}` in the private network, which this pod is not in"),
            "give it `global_networking: true` too",
        ),
        (false, _) => (
            format!("`{pod}` is not in the private network, where its `host` is its name"),
            "give both pods `global_networking: true`",
        ),
    };
    let url = url(pod, target).map(|(url, _)| format!("write `{url}`"));
    let help = match (can_be_in_network([own, target]), url) {
        (true, Some(url)) => format!("{both}, or {url}"),
        (true, None) => both.to_owned(),
        (false, Some(url)) => format!("{url}: {NEEDS_GPUS}"),
        (false, None) => format!("{NEEDS_GPUS}, and `{pod}` publishes no HTTP port that has a URL"),
    };
    Err((why, help))
}
