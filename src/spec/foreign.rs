//! Files of other tools, told by two or three of their keys.
//!
//! Somebody who gives podform a compose file wants one sentence and what becomes of each line, not a mistake for each key
//! of a level that podform does not have. So such a file gets one note, and then what is said is said of the level
//! below, where its containers stand.

use super::decode::Decoder;
use super::diagnostic::{Collector, Diagnostic, Problem};
use super::interpolate::{Scope, Variables};
use super::yaml::{Entry, Node, Value};
use super::{pod, top_level};

/// A tool whose files people bring along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Compose,
    Dstack,
    SkyPilot,
    Kubernetes,
    Terraform,
    Hcl,
    RunpodApi,
    Toml,
    Ansible,
    Workflow,
    Pulumi,
    Modal,
    Dockerfile,
}

/// What to read instead of the reference, and where it stands.
const PAGE: &str = "docs/coming-from.md";

impl Tool {
    /// Says what the file looks like.
    fn looks_like(self) -> &'static str {
        match self {
            Self::Compose => "a compose file: it has `services`",
            Self::Dstack => "a file of dstack: it has a `type` and no `pods`",
            Self::SkyPilot => "a task of SkyPilot: it has `resources` and no `pods`",
            Self::Kubernetes => "a manifest of Kubernetes: it has `apiVersion` and `kind`",
            Self::Terraform => "a file of Terraform or OpenTofu: it has blocks",
            Self::Hcl => "a file of Packer or Nomad: it has blocks",
            Self::RunpodApi => "a request to RunPod's API: it has the pod's fields at the top",
            Self::Toml => "TOML, such as the `runpod.toml` of RunPod's CLI",
            Self::Ansible => "a playbook of Ansible: it is a list of plays",
            Self::Workflow => "a workflow of GitHub: it has `on` and `jobs`",
            Self::Pulumi => "a project of Pulumi: it has a `runtime`",
            Self::Modal => "a program in Python",
            Self::Dockerfile => "a Dockerfile: it begins with `FROM`",
        }
    }

    /// Says what to write in its place.
    fn instead(self) -> String {
        let begin = "a spec begins with `version: 1` and `project: NAME`";
        match self {
            Self::Compose => format!("{begin}, and its `services:` are `pods:`; {PAGE} has the other words"),
            Self::Dstack | Self::SkyPilot => {
                format!(
                    "{begin}, and what stands here at the top is one key of `pods:`; {PAGE} has the words"
                )
            }
            Self::RunpodApi => format!("{begin}, and this is one key of `pods:`, with the words below"),
            Self::Kubernetes => {
                format!("{begin}, and each container is one key of `pods:`; {PAGE} has the words")
            }
            Self::Terraform => {
                format!("{begin}, and each `runpod_pod` is one key of `pods:`; {PAGE} has the words")
            }
            Self::Hcl | Self::Toml | Self::Ansible | Self::Pulumi | Self::Modal => {
                format!(
                    "{begin}; `podform init` writes one, and {PAGE} says what other tools' words are here"
                )
            }
            Self::Workflow => {
                "workflows that run podform stand in `.github/workflows`; `podform init --github` writes them"
                    .to_owned()
            }
            Self::Dockerfile => {
                "build and push the image first; a spec names it, and `podform init` writes one".to_owned()
            }
        }
    }
}

/// Recognises a text that need not be YAML.
pub(super) fn of_text(text: &str) -> Option<Tool> {
    let mut lines = text.lines().map(str::trim_end).filter(|line| {
        !line.is_empty() && !line.starts_with(['#', ' ', '\t', '}', ')']) && !line.starts_with("//")
    });
    let first = lines.next()?;
    let mut heads = std::iter::once(first).chain(lines).take(MOST_LINES);
    if first.starts_with("FROM ") || first.starts_with("ARG ") {
        return heads.any(|line| line.starts_with("FROM ")).then_some(Tool::Dockerfile);
    }
    if first.starts_with('[') && first.ends_with(']') && !first.contains([',', ':', '{']) {
        return Some(Tool::Toml);
    }
    heads.find_map(|line| {
        let word = line.split([' ', '{']).next().unwrap_or_default();
        let opens = line.ends_with('{') || line.ends_with('}');
        match word {
            "import" | "from" if line.contains("modal") && !line.contains(':') => Some(Tool::Modal),
            "resource" | "data" | "module" | "variable" | "output" | "provider" | "terraform" | "locals"
                if opens =>
            {
                Some(Tool::Terraform)
            }
            "packer" | "source" | "build" | "job" if opens => Some(Tool::Hcl),
            _ => None,
        }
    })
}

/// A file says what it is near its beginning; comments and what is indented do not count.
const MOST_LINES: usize = 50;

/// Recognises a tree. A file with one of podform's own sections is a spec, whatever else it has.
pub(super) fn of_tree(root: &Node<'_>) -> Option<Tool> {
    let entries = match &root.value {
        Value::Mapping(entries) => entries,
        Value::Sequence(items) => {
            let is_play = |item: &Node<'_>| {
                item.get("hosts").is_some() && (item.get("tasks").is_some() || item.get("roles").is_some())
            };
            return items.first().is_some_and(is_play).then_some(Tool::Ansible);
        }
        Value::Scalar(_) => return None,
    };
    let has = |key: &str| entries.iter().any(|entry| entry.key == key);
    let has_any = |keys: &[&str]| keys.iter().any(|key| has(key));
    if has_any(&["pods", "project", "defaults"]) {
        return None;
    }
    let text = |key: &str| root.get(key).map_or("", |entry| entry.value.text());
    let inside = |key: &str, below: &[&str]| {
        root.get(key).is_some_and(|entry| below.iter().any(|key| entry.value.get(key).is_some()))
    };
    if has("apiVersion") && has("kind") {
        return Some(Tool::Kubernetes);
    }
    let is_service = |service: &Entry<'_>| {
        ["image", "build", "extends", "command", "environment"]
            .iter()
            .any(|key| service.value.get(key).is_some())
    };
    if root.get("services").is_some_and(|services| services.value.entries().iter().any(is_service)) {
        return Some(Tool::Compose);
    }
    if matches!(text("type"), "task" | "service" | "dev-environment" | "fleet" | "volume" | "gateway") {
        return Some(Tool::Dstack);
    }
    if inside(
        "resources",
        &["accelerators", "cloud", "infra", "instance_type", "any_of", "use_spot", "ports"],
    ) || (has("run") && has_any(&["setup", "workdir", "file_mounts", "envs", "num_nodes", "resources"]))
    {
        return Some(Tool::SkyPilot);
    }
    if has("runtime") && has("name") && !has("image") {
        return Some(Tool::Pulumi);
    }
    if has("jobs") && has_any(&["on", "true"]) {
        return Some(Tool::Workflow);
    }
    if inside("resource", &["runpod_pod"])
        || (has_any(&["resource", "terraform"])
            && has_any(&["provider", "variable", "output", "module", "terraform"]))
    {
        return Some(Tool::Terraform);
    }
    let has_image = has_any(&["imageName", "image", "templateId"]);
    let has_field = has_any(&[
        "gpuTypeIds",
        "gpuTypeId",
        "gpuCount",
        "cloudType",
        "containerDiskInGb",
        "volumeInGb",
        "dockerArgs",
        "dockerStartCmd",
        "computeType",
        "gpu",
        "cpu",
    ]);
    (has_image && has_field && !has("version")).then_some(Tool::RunpodApi)
}

/// Says what the file is.
pub(super) fn report(tool: Tool, name: &str, log: &mut Collector) {
    let detail = format!("`{name}` looks like {}", tool.looks_like());
    log.push(Diagnostic::anywhere(Problem::ForeignFile, detail).help(tool.instead()));
}

/// Reads what becomes of a foreign tree's containers, for the mistakes in them.
pub(super) fn read(tool: Tool, root: &Node<'_>, decoder: &mut Decoder<'_>) {
    // What is not filled in was not meant for podform, so nothing is said of it.
    let values = decoder.variables.clone();
    let unfilled = &mut Collector::default();
    let root = &Variables::new(values).apply(root, Scope::Single, decoder.sources, unfilled);
    match tool {
        Tool::Compose => compose(root, decoder),
        // Fleets, volumes and gateways of dstack have no containers.
        Tool::Dstack if root.get("image").or(root.get("resources")).or(root.get("commands")).is_none() => {}
        Tool::Dstack | Tool::SkyPilot => {
            let task = task(root);
            pod::read(decoder, &task, root.span);
        }
        Tool::RunpodApi => {
            pod::read(decoder, root, root.span);
        }
        Tool::Kubernetes => {
            for container in containers(root) {
                pod::read(decoder, container, container.span);
            }
        }
        Tool::Terraform
        | Tool::Hcl
        | Tool::Toml
        | Tool::Ansible
        | Tool::Workflow
        | Tool::Pulumi
        | Tool::Modal
        | Tool::Dockerfile => {}
    }
}

/// Returns a task as a pod: its hardware, which stands under `resources` there, beside the rest.
fn task<'t>(root: &Node<'t>) -> Node<'t> {
    let resources = root.get("resources").map(|entry| entry.value.entries()).unwrap_or_default();
    let task = root.entries().iter().filter(|entry| !matches!(&*entry.key, "type" | "resources"));
    Node::mapping(root.span, task.chain(resources).cloned().collect())
}

fn compose(root: &Node<'_>, decoder: &mut Decoder<'_>) {
    // A compose file's `version` and `name` mean nothing to a spec, and `services` is what the note is about.
    let meant = |entry: &&Entry<'_>| {
        !matches!(&*entry.key, "version" | "name" | "services") && !entry.key.starts_with("x-")
    };
    let rest: Vec<Entry<'_>> = root.entries().iter().filter(meant).cloned().collect();
    top_level::read_part(&Node::mapping(root.span, rest), decoder);
    for service in root.get("services").map(|entry| entry.value.entries()).unwrap_or_default() {
        pod::read(decoder, &service.value, service.key_span);
    }
}

/// Returns the containers of a pod, or of what makes pods.
fn containers<'n, 't>(root: &'n Node<'t>) -> &'n [Node<'t>] {
    let below = |node: &'n Node<'t>, key: &str| node.get(key).map(|entry| &entry.value);
    let spec = below(root, "spec");
    let template = spec.and_then(|spec| below(spec, "template")).and_then(|template| below(template, "spec"));
    let list = template.or(spec).and_then(|spec| below(spec, "containers"));
    match list.map(|list| &list.value) {
        Some(Value::Sequence(containers)) => containers,
        Some(Value::Scalar(_) | Value::Mapping(_)) | None => &[],
    }
}
