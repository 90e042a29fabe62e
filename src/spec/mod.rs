//! The spec: YAML text in, what is wanted out, or every mistake at once with its place.
//!
//! ```text
//! files --yaml--> tree --overlay--> one tree --interpolate--> --decode--> Spec --resolve--> Resolved --lower--> Desired
//! ```
//!
//! Each arrow is a file of this module, and takes what the one before made, pod by pod, so that a large spec is in memory
//! about once. Mistakes do not stop an arrow: they are collected and shown in file order, in
//! rustc's form ([`diagnostic`]). Everything here is pure: the shell reads the files, the variables and the secrets.
//! Start at [`load`]; the keys of a pod are in `pod`, all others and their foreign spellings in `words`, the short forms of
//! values in `forms`, what messages hide of a spec in `sensitive`.
//!
//! To add a key of a pod: a row in `pod`, whose head says what else. To add a mistake: a [`diagnostic`] with its place and
//! what to do, where it is found; a word that other tools have for something: the list beside the keys.

pub mod cache;
mod config;
mod cycles;
mod decode;
pub mod diagnostic;
mod dollars;
mod foreign;
mod forms;
mod hard_wired;
mod hardware_tables;
mod image;
pub mod imported;
mod interpolate;
mod lower;
mod moves;
mod no_effect;
mod overlay;
mod pod;
mod positions;
mod references;
mod registry_section;
mod resolve;
pub mod schema;
mod secret_section;
mod sensitive;
mod snippet;
mod source;
mod syntax;
mod template;
mod top_level;
mod unknown_key;
mod words;
mod written;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use crate::model::address::Address;
use crate::model::desired::{Desired, MemoryRange};
use crate::model::id::ProjectName;
use crate::model::location::Location;
use crate::model::money::Hourly;
use crate::model::prior::{Api, ProviderKind};
use crate::model::secret::Secrets;

pub use self::diagnostic::{Diagnostic, Diagnostics, Form, Problem, Severity, closest};
pub use self::hardware_tables::PRICES_OF;
pub use self::positions::Positions;
use self::resolve::Resolved;
pub use self::source::{Extent, Place, Position, SourceFile, Sources, Span, Spanned};
use self::syntax::Spec;
pub use self::yaml::MAX_BYTES;

use self::decode::Decoder;
use self::diagnostic::Collector;
use self::interpolate::{Scope, Variables};
use self::yaml::{Entry, Node, Value};

/// Everything that a load depends on.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The spec files; each is laid on the one before.
    pub files: &'a [SourceFile<'a>],
    /// Variables given for this run (`--var`); they go before all others, and one that nothing uses is a warning.
    pub vars: &'a BTreeMap<String, String>,
    /// Variables of the environment (`PODFORM_VAR_NAME`), which may serve several specs.
    pub environment_vars: &'a BTreeMap<String, String>,
    /// The chosen profiles.
    pub profiles: &'a [String],
}

/// A spec that can be planned.
#[derive(Debug)]
pub struct Loaded {
    /// Where the spec is to be applied.
    pub settings: Settings,
    /// What is wanted.
    pub desired: Desired,
    /// The values of literals that look like secrets; `desired` has only their names.
    pub literal_secrets: Secrets,
    /// Remarks that do not stop a run.
    pub warnings: Diagnostics,
    /// Where everything was written.
    pub positions: Positions,
    /// The variables that the spec asks for, whether they have a value or not.
    pub variables: BTreeSet<String>,
}

impl Loaded {
    /// Returns the mistakes of pods that depend on what does not exist and no chosen profile selects: the pod, what it
    /// depends on, and the profiles that would select that.
    pub fn deselected(&self, needed: &[(Address, Address, BTreeSet<String>)]) -> Diagnostics {
        self.positions.deselected(needed)
    }
}

/// A spec without mistakes, before replicas are numbered and references become addresses.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Remarks that do not stop a run.
    pub warnings: Diagnostics,
    resolved: Resolved,
    sources: Arc<Sources>,
    variables: BTreeSet<String>,
}

impl Checked {
    /// Returns the merged spec as one file with every default filled in; secrets are references.
    pub fn config(&self) -> String {
        config::write(&self.resolved)
    }

    /// Makes what can be planned.
    pub fn lower(self) -> Loaded {
        let Self { warnings, resolved, sources, variables } = self;
        let settings = Settings {
            project: resolved.project.clone(),
            kind: resolved.kind,
            api: resolved.api,
            state: resolved.state.clone(),
        };
        let lower::Lowered { desired, literals, places } = lower::lower(resolved);
        let positions = Positions::new(places, sources);
        Loaded { settings, desired, literal_secrets: literals, warnings, positions, variables }
    }
}

/// Reads a range of GPU memory as specs write it: `48GB..`.
///
/// # Errors
/// Says what is wrong with it.
pub fn memory_range(text: &str) -> Result<MemoryRange, String> {
    forms::memory(text).map_err(|misread| misread.detail)
}

/// Reads a price in dollars an hour as specs write it: `1.20`.
///
/// # Errors
/// Says what is wrong with it.
pub fn price(text: &str) -> Result<Hourly, String> {
    forms::price(text).map_err(|misread| misread.detail)
}

/// Where a spec is to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The owner of all objects.
    pub project: ProjectName,
    /// RunPod or the simulator.
    pub kind: ProviderKind,
    /// Which of RunPod's APIs to speak.
    pub api: Api,
    /// Where the state lies; a file relative to the working directory.
    pub state: Location,
}

/// Reads spec files to what can be planned.
///
/// # Errors
/// Every mistake, and the warnings too.
pub fn load(input: &Input<'_>) -> Result<Loaded, Diagnostics> {
    check(input).map(Checked::lower)
}

/// Reads spec files.
///
/// # Errors
/// Every mistake, and the warnings too.
pub fn check(input: &Input<'_>) -> Result<Checked, Diagnostics> {
    let mut sources = Sources::default();
    let mut log = Collector::default();
    let ids: Vec<Option<u16>> =
        input.files.iter().map(|file| read_text(file, &mut sources, &mut log)).collect();
    if input.files.is_empty() {
        log.push(Diagnostic::anywhere(Problem::UnreadableFile, "no file was given"));
    }
    let mut hidden = Vec::new();
    let trees = ids.into_iter().map(|id| {
        let id = id?;
        if let Some(tool) = foreign::of_text(sources.text(id)) {
            foreign::report(tool, sources.name(id), &mut log);
            return None;
        }
        yaml::parse(id, &sources, &mut log)
    });
    // All files are read before one is given up, so that the mistakes of all come at once.
    let complete: Option<Vec<Node<'_>>> = trees.collect::<Vec<_>>().into_iter().collect();
    let own = complete.filter(|trees| {
        let foreign = trees.iter().filter(|tree| is_foreign(tree, &sources, &mut log, &mut hidden));
        foreign.count() == 0
    });
    let root = own.and_then(|trees| trees.into_iter().reduce(|base, over| overlay::merge(&base, &over)));
    let resolved = root.and_then(|root| {
        let mut decoder =
            Decoder { sources: &sources, log: &mut log, hidden: Vec::new(), variables: BTreeMap::new() };
        let read = read_spec(root, input, &mut decoder);
        hidden.append(&mut decoder.hidden);
        let (spec, variables) = read?;
        hardware_tables::check(&spec, &mut log);
        no_effect::warn(&spec, &mut log);
        Some((resolve::resolve(spec, input.profiles, &mut log)?, variables))
    });
    for span in hidden {
        sources.hide(span);
    }
    let sources = Arc::new(sources);
    match resolved {
        Some((resolved, variables)) if !log.has_errors() => {
            Ok(Checked { warnings: log.finish(Arc::clone(&sources)), resolved, sources, variables })
        }
        Some(_) | None => Err(log.finish(sources)),
    }
}

/// Tells whether a tree is that of another tool, and says what becomes of what is in it.
fn is_foreign(root: &Node<'_>, sources: &Sources, log: &mut Collector, hidden: &mut Vec<Span>) -> bool {
    let Some(tool) = foreign::of_tree(root) else {
        return false;
    };
    foreign::report(tool, sources.name(root.span.file), log);
    let mut decoder = Decoder { sources, log, hidden: Vec::new(), variables: BTreeMap::new() };
    foreign::read(tool, root, &mut decoder);
    hidden.append(&mut decoder.hidden);
    true
}

/// Takes a file's text; `None` if it has none.
fn read_text(file: &SourceFile<'_>, sources: &mut Sources, log: &mut Collector) -> Option<u16> {
    if file.bytes.len() > yaml::MAX_BYTES {
        let detail =
            format!("`{}` has {} bytes, and the limit is {}", file.name, file.bytes.len(), yaml::MAX_BYTES);
        log.push(Diagnostic::anywhere(Problem::FileTooLarge, detail));
        return None;
    }
    let bytes = file.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file.bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(sources.add(file.name, text.to_owned())),
        Err(error) => {
            let at = error.valid_up_to();
            let id = sources.add(file.name, String::from_utf8_lossy(bytes).into_owned());
            let detail = format!("the byte {:#04x} is no part of any character", bytes[at]);
            let mistake = Diagnostic::at(Problem::NotUtf8, Span::new(id, at..at + 1), detail);
            let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
            log.push(if utf16 { mistake.help("it looks like UTF-16; save it as UTF-8") } else { mistake });
            None
        }
    }
}

/// Reads the merged tree; beside it come the variables that it asks for.
fn read_spec(
    root: Node<'_>,
    input: &Input<'_>,
    decoder: &mut Decoder<'_>,
) -> Option<(Spec, BTreeSet<String>)> {
    let mut values = top_level::vars(&root, decoder);
    values.extend(input.environment_vars.clone());
    values.extend(input.vars.clone());
    decoder.variables.clone_from(&values);
    let mut variables = Variables::new(values);
    let mut spec = top_level::read(&interpolate_top(&root, &mut variables, decoder), decoder)?;
    read_defaults(&root, &mut variables, decoder);
    read_pods(root, &mut spec, &mut variables, decoder);
    for name in variables.unused(input.vars.keys()) {
        let detail = format!("nothing uses `{name}`");
        decoder.report(Diagnostic::anywhere(Problem::UnusedVariable, detail));
    }
    Some((spec, variables.into_used()))
}

/// Replaces variables everywhere but in `vars`, which defines them, and in pods, which are merged first. Keys that begin
/// with `x-` are dropped: they hold what others refer to by anchors, and mean nothing by themselves.
fn interpolate_top<'t>(root: &Node<'t>, variables: &mut Variables, decoder: &mut Decoder<'_>) -> Node<'t> {
    let Value::Mapping(entries) = &root.value else {
        return root.clone();
    };
    let replaced = entries
        .iter()
        .filter(|entry| !entry.key.starts_with("x-"))
        .map(|entry| match &*entry.key {
            "vars" | "defaults" | "pods" => entry.clone(),
            _ => Entry {
                value: variables.apply(&entry.value, Scope::Single, decoder.sources, decoder.log),
                ..entry.clone()
            },
        })
        .collect();
    Node::mapping(root.span, replaced)
}

/// Reads `defaults` for its mistakes, which would stay unseen where no pod is; its values count under the pods.
fn read_defaults(root: &Node<'_>, variables: &mut Variables, decoder: &mut Decoder<'_>) {
    if let Some(entry) = root.get("defaults").filter(|entry| decoder.present(entry)) {
        let node = variables.apply_to_pod(&entry.value, Scope::Replicated, decoder.sources, decoder.log);
        pod::read(decoder, &node, entry.key_span);
    }
}

/// Reads `pods`, each laid on `defaults`.
fn read_pods(root: Node<'_>, spec: &mut Spec, variables: &mut Variables, decoder: &mut Decoder<'_>) {
    let Some(section) = root.get("pods").filter(|section| decoder.present(section)).cloned() else {
        return;
    };
    let defaults = root.get("defaults").map(|entry| entry.value.clone());
    drop(root);
    let pods = match section.value.value {
        Value::Mapping(pods) => Rc::unwrap_or_clone(pods),
        Value::Scalar(_) | Value::Sequence(_) => {
            return decoder
                .wrong_type(&section.value, "a map of pods, such as `llm: { image: IMAGE, gpu: L40S }`");
        }
    };
    let multiplied = defaults.as_ref().map_or(0, Node::weight).saturating_mul(pods.len());
    if multiplied > yaml::MAX_NODES {
        let detail =
            format!("more than {} values once `defaults` is merged under every pod", yaml::MAX_NODES);
        return decoder.report(Diagnostic::at(Problem::TooManyNodes, section.key_span, detail));
    }
    let mut expanded = 0_usize;
    for entry in pods {
        let key = decoder.key(&entry.key, entry.key_span);
        if entry.value.is_null() {
            let detail = format!("the pod {} has nothing under it", sensitive::shown(&entry.key));
            let mistake = Diagnostic::at(Problem::MissingKey, entry.key_span, detail)
                .help("add `image:` and `gpu:` or `cpu:`; `{}` takes everything from `defaults`");
            decoder.report(mistake);
            continue;
        }
        let merged = overlay::under_defaults(defaults.as_ref(), &entry.value);
        let replicated = merged.get("replicas").is_some_and(|replicas| !replicas.value.is_null());
        let scope = if replicated { Scope::Replicated } else { Scope::Single };
        variables.take_references();
        let node = variables.apply_to_pod(&merged, scope, decoder.sources, decoder.log);
        let mut pod = pod::read(decoder, &node, entry.key_span);
        if let Some(pod) = &mut pod {
            pod.references = variables.take_references();
        }
        let replicas = pod.as_ref().and_then(|pod| pod.replicas()).map_or(1, pod::Replicas::len);
        expanded = expanded.saturating_add(node.weight().saturating_mul(replicas));
        if expanded > yaml::MAX_NODES {
            let detail = format!("more than {} values in all pods and their replicas", yaml::MAX_NODES);
            return decoder.report(Diagnostic::at(Problem::TooManyNodes, entry.key_span, detail));
        }
        if let Some((key, pod)) = key.zip(pod) {
            spec.pods.insert(key, Box::new(pod));
        }
    }
}
