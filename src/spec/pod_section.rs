//! One pod: tree to [`Pod`].

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::{CloudWish, CudaWish, GpuChoice, GpuOrder, OnRemove, OnReplace, OnStuckResume};
use crate::model::id::{CountryCode, CpuFlavorId, DataCenterId, EnvKey, GpuName, PodId};
use crate::model::marker::MARKER_KEY;
use crate::model::money::Hourly;
use crate::model::pod::{Cloud, Port, RunState};
use crate::model::secret::Secret;
use crate::model::sensitive;
use crate::model::settings::Field;

use super::config::HIDDEN;
use super::decode::{Decoder, Fields};
use super::diagnostic::{Diagnostic, Problem};
use super::dollars::{self, Dollar};
use super::forms::{self, Misread, ShortGpu};
use super::image;
use super::interpolate::{Text, is_variable_name};
use super::sensitive::shown;
use super::source::{Span, Spanned};
use super::syntax::{Cpu, EnvEntry, EnvSyntax, Gpu, Lifecycle, Mount, Pod};
use super::words::{self, Section};
use super::yaml::{Entry, Node, Value};

/// The most replicas of one pod; far above what an account may rent. The pods and values of a whole spec have limits of
/// their own, so that many such pods do not fill the memory.
const MAX_REPLICAS: u32 = 100_000;

/// RunPod's longest pod name.
pub(super) const MAX_NAME: usize = 191;

/// RunPod takes 50 variables; two are left for the marker of podform and for `PUBLIC_KEY`.
const MAX_ENV: usize = 48;

/// RunPod proxies at most this many HTTP ports of a pod.
const MAX_HTTP_PORTS: usize = 10;

/// The most vCPUs that one pod can have, and more.
const MAX_VCPUS: u32 = 256;

/// Reads a pod, or `defaults`, from an interpolated tree with the defaults merged in.
pub(super) fn read(decoder: &mut Decoder<'_>, node: &Node<'_>, section: &Section, key: Span) -> Option<Pod> {
    let fields = decoder.fields(node, section, "a map such as `{ image: ..., gpu: L40S }`")?;
    unsupported(&fields, decoder);
    let (data_centers, countries) = placement(&fields, decoder);
    let ports = fields.read("ports", decoder, ports);
    let variables: BTreeSet<&str> = fields
        .get("env")
        .map(|entry| entry.value.entries().iter().map(|entry| &*entry.key).collect())
        .unwrap_or_default();
    Some(Pod {
        span: key,
        name: fields.read("name", decoder, name),
        image: fields.read("image", decoder, image),
        image_was_typed: fields.meant("image"),
        registry: fields.read("registry", decoder, |d, node| d.word(node, "the name of a registry")),
        command: fields.read("command", decoder, |d, node| arguments(d, node, &variables)),
        entrypoint: fields.read("entrypoint", decoder, |d, node| arguments(d, node, &variables)),
        env: fields.read("env", decoder, env).unwrap_or_default(),
        ports,
        gpu: fields.read("gpu", decoder, gpu),
        cpu: fields.read("cpu", decoder, cpu),
        compute_was_typed: fields.meant("gpu") || fields.meant("cpu"),
        cuda: fields.read("cuda", decoder, cuda),
        max_price: fields.read("max_price", decoder, price),
        data_centers,
        countries,
        cloud: fields.read("cloud", decoder, cloud),
        disk: fields.read("disk", decoder, |d, node| {
            d.form(node, "a size such as `60GB`", Problem::InvalidSize, forms::size)
        }),
        volumes: fields.read("volumes", decoder, mounts),
        ssh: fields.read("ssh", decoder, |d, node| d.boolean(node)),
        jupyter: fields.read("jupyter", decoder, |d, node| d.boolean(node)),
        global_networking: fields.read("global_networking", decoder, |d, node| d.boolean(node)),
        locked: fields.read("locked", decoder, |d, node| d.boolean(node)),
        depends_on: fields.read("depends_on", decoder, names_of_pods),
        replicas: fields.read("replicas", decoder, |d, node| d.integer(node, 0..=MAX_REPLICAS)),
        state: fields.read("state", decoder, state),
        lifecycle: fields.read("lifecycle", decoder, lifecycle).unwrap_or_default(),
        labels: fields.read("labels", decoder, labels).unwrap_or_default(),
        profiles: fields.read("profiles", decoder, names_of_profiles),
        adopt: fields
            .read("adopt", decoder, |d, node| d.word(node, "the id of a pod"))
            .map(|id| id.map(PodId::new)),
    })
}

/// Refuses the keys of the format that have no effect yet.
fn unsupported(fields: &Fields<'_>, decoder: &mut Decoder<'_>) {
    let later = [
        ("schedule", "set `state: running` or `state: stopped` and apply"),
        ("retry", "apply tries every candidate once; run it again after a lack of capacity"),
    ];
    for (key, help) in later {
        if let Some(entry) = fields.get(key) {
            let detail = format!("`{key}` has no effect yet");
            decoder.report(Diagnostic::at(Problem::NotSupportedYet, entry.key_span, detail).help(help));
        }
    }
}

fn name(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Text>> {
    let name = decoder.text(node, "a text")?;
    let length = name.value.raw().chars().count();
    if length > MAX_NAME {
        let detail = format!("a name has at most {MAX_NAME} characters, and this has {length}");
        decoder.report(Diagnostic::at(Problem::InvalidName, name.span, detail));
        return None;
    }
    dollars::check(decoder, name.span, &BTreeSet::new());
    Some(name)
}

fn image(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Text>> {
    let image = decoder.text(node, "an image such as `vllm/vllm-openai:v0.19.1`")?;
    let text = image.value.for_replica(Some(0));
    if text.contains('$') {
        unfilled_image(decoder, &text, image.span);
        return None;
    }
    let Err(misread) = image::check(&text) else {
        return Some(image);
    };
    let misread = match decoder.empty_variables(image.span) {
        Some(empty) => Misread::new(misread.detail).help(empty),
        None => misread,
    };
    decoder.misread(Problem::InvalidValue, image.span, misread);
    None
}

/// Reports a dollar in an image. No registry has one, so it is a variable that was written as a shell has it.
fn unfilled_image(decoder: &mut Decoder<'_>, text: &str, span: Span) {
    let found = dollars::dollars(text).into_iter().find_map(|(_, dollar)| match dollar {
        Dollar::Name(name) => Some(name),
        Dollar::Doubled => None,
    });
    let Some(name) = found else {
        return decoder.report(Diagnostic::at(Problem::InvalidValue, span, "an image has no `$`"));
    };
    let detail = format!("`${name}` is not filled in: only `${{{name}}}` is");
    let mistake = Diagnostic::at(Problem::InvalidValue, span, detail);
    let near = decoder.log.closest(name, decoder.variables.keys().map(String::as_str));
    let mistake = match near {
        Some(near) if decoder.sources.slice(span).contains(text) => {
            mistake.fix(span, text.replace(&format!("${name}"), &format!("${{{near}}}")), "write")
        }
        Some(near) => mistake.help(format!("write `${{{near}}}`")),
        None => mistake.help(format!(
            "write `${{{name}}}`, and define `{name}` under `vars:` or give `--var {name}=VALUE`"
        )),
    };
    decoder.report(mistake);
}

/// Reads `command` and `entrypoint`. A shell in the pod knows the variables of its `env`.
fn arguments<'n>(
    decoder: &mut Decoder<'_>,
    node: &'n Node<'n>,
    env: &BTreeSet<&str>,
) -> Option<Spanned<Vec<Text>>> {
    let wanted = "a list of arguments, such as `[\"--port\", \"8000\"]`";
    if let Value::Scalar(scalar) = &node.value {
        let words: Vec<String> = scalar.text.split_whitespace().map(|word| format!("{word:?}")).collect();
        let mistake = Diagnostic::at(
            Problem::WrongType,
            node.span,
            format!("expected {wanted}, found {}", node.kind()),
        );
        let simple = scalar.text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
            && !scalar.text.contains(['"', '\'', '\\'])
            && !words.is_empty()
            && !sensitive::is_secret_value(&scalar.text);
        decoder.report(if simple {
            mistake.fix(node.span, format!("[{}]", words.join(", ")), "write")
        } else {
            mistake.help("a shell script is written `[bash, -c, \"first && second\"]`")
        });
        return None;
    }
    let mut previous: Option<&str> = None;
    decoder.items(node, wanted, |decoder, item| {
        let argument = decoder.verbatim(item, "a text")?;
        let text = argument.value.raw();
        let option = previous.replace(item.text());
        if sensitive::is_secret_value(text) || sensitive::is_secret_argument(option, text) {
            exposed(decoder, argument.span, "arguments are stored, and shown in plans");
            return None;
        }
        dollars::check(decoder, argument.span, env);
        if let Some(option) = joined(text).filter(|_| option.is_none_or(|before| !takes_a_script(before))) {
            let detail = "this is one argument with a blank in it";
            decoder.report(
                Diagnostic::at(Problem::JoinedArguments, argument.span, detail)
                    .help(format!("write `{option}` and its value as two items of the list")),
            );
        }
        Some(argument.value)
    })
}

/// Returns the option of a text such as `--port 8000`, which no program takes for an option and a value.
fn joined(argument: &str) -> Option<&str> {
    let (option, value) = argument.split_once(' ')?;
    let name = option.trim_start_matches('-');
    let is_option = matches!(option.len() - name.len(), 1 | 2)
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (is_option && !value.trim().is_empty()).then_some(option)
}

/// Tells whether the next argument is a script: `-c` of shells and of Python, alone or with other letters.
fn takes_a_script(option: &str) -> bool {
    option.strip_prefix('-').is_some_and(|letters| !letters.starts_with('-') && letters.ends_with('c'))
}

/// Refuses a secret in a place from which it would get into plans and the state.
fn exposed(decoder: &mut Decoder<'_>, span: Span, detail: &str) {
    decoder.hidden.push(span);
    let mistake = Diagnostic::at(Problem::ExposedSecret, span, detail)
        .help("give it in `env:` as `{ secret: NAME }`, and let the program in the image read it there");
    decoder.report(mistake);
}

fn env(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Vec<EnvEntry>> {
    let wanted = "a map such as `KEY: value`";
    if let Value::Sequence(_) = &node.value {
        let mistake =
            Diagnostic::at(Problem::WrongType, node.span, format!("expected {wanted}, found a list"));
        decoder.report(mistake.help("write `KEY: value` in place of `- KEY=value`"));
        return None;
    }
    let entries = decoder.map(node, wanted)?;
    let mut env = Vec::with_capacity(entries.len());
    for entry in entries {
        let key = Spanned { value: EnvKey::new(&*entry.key), span: entry.key_span };
        if !is_variable_name(&entry.key) || entry.key == MARKER_KEY {
            let detail = match &*entry.key {
                MARKER_KEY => {
                    format!("`{MARKER_KEY}` is how podform finds its pods again, and it sets it itself")
                }
                other => format!("{} is no name of a variable: letters, digits and `_`", shown(other)),
            };
            decoder.report(Diagnostic::at(Problem::InvalidName, entry.key_span, detail));
            continue;
        }
        if let Some(value) = env_value(decoder, &key, &entry.value) {
            env.push(EnvEntry { key, value });
        }
    }
    let mut present = entries.iter().filter(|entry| !entry.value.is_null());
    if let Some(first_too_many) = present.nth(MAX_ENV) {
        let number = MAX_ENV + 1 + present.count();
        let detail = format!("a pod has at most {MAX_ENV} variables, and this has {number}");
        decoder.report(
            Diagnostic::at(Problem::InvalidValue, first_too_many.key_span, detail)
                .help("RunPod takes 50, of which podform and SSH need one each"),
        );
    }
    Some(env)
}

fn env_value(decoder: &mut Decoder<'_>, key: &Spanned<EnvKey>, node: &Node<'_>) -> Option<EnvSyntax> {
    if let Value::Mapping(_) = &node.value {
        let fields = decoder.fields(node, &words::ENV_VALUE, "a text or `{ secret: NAME }`")?;
        if fields.lacks("secret") {
            let detail = format!("the value of `{}` is a text or `{{ secret: NAME }}`", key.value);
            decoder.report(
                Diagnostic::at(Problem::MissingKey, node.span, detail)
                    .help("quote a text that begins with `{`, such as `\"{{ RUNPOD_SECRET_name }}\"`"),
            );
        }
        let name = fields.read("secret", decoder, |d, node| d.word(node, "the name of a secret"))?;
        return Some(EnvSyntax::Secret(name));
    }
    if node.is_null() {
        return absent(decoder, key, node);
    }
    let value = decoder.verbatim(node, "a text or `{ secret: NAME }`")?;
    let text = value.value.raw();
    if text == HIDDEN {
        let detail = format!("`podform config` hid the value of `{}`", key.value);
        decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, detail));
        return None;
    }
    if is_runpod_reference(text) || !sensitive::is_secret(key.value.as_str(), text) {
        dollars::check(decoder, value.span, &BTreeSet::new());
        return Some(EnvSyntax::Literal(value));
    }
    decoder.hidden.push(value.span);
    let detail = format!("`{}` is kept out of plans, state and logs, but not out of this file", key.value);
    let help = format!(
        "write `{}: {{ secret: NAME }}`, with `NAME: {{ env: {} }}` under `secrets:`",
        key.value, key.value
    );
    decoder.report(Diagnostic::at(Problem::LiteralSecret, key.span, detail).help(help));
    Some(EnvSyntax::LiteralSecret(Secret::new(value.value)))
}

/// Reads a variable that is to be absent. A forgotten value looks nearly the same, so it has to be written out.
fn absent(decoder: &mut Decoder<'_>, key: &Spanned<EnvKey>, node: &Node<'_>) -> Option<EnvSyntax> {
    let name = &key.value;
    if decoder.sources.slice(node.span).trim().is_empty() {
        let mistake = Diagnostic::at(Problem::WrongType, key.span, format!("`{name}` has no value"));
        decoder.report(
            mistake.help("write `\"\"` for an empty text, or `null` if the pod is to have no such variable"),
        );
        return None;
    }
    if name.is_of_the_platform() {
        let detail = format!("RunPod itself puts `{name}` into pods, so it cannot be kept out");
        decoder.report(Diagnostic::at(Problem::InvalidValue, key.span, detail).help("delete the line"));
        return None;
    }
    Some(EnvSyntax::Absent)
}

/// Tells whether a value is RunPod's own reference to a secret that it keeps.
pub(super) fn is_runpod_reference(text: &str) -> bool {
    let inner = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    inner.is_some_and(|name| name.trim().starts_with("RUNPOD_SECRET_"))
}

fn ports(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Vec<Spanned<Port>>>> {
    let wanted = "a list such as `[8000/http, 22/tcp]`";
    let wanted_item = "a port such as `8000/http`";
    let ports = decoder.items(node, wanted, |decoder, item| {
        decoder.form(item, wanted_item, Problem::InvalidPort, forms::port)
    })?;
    let mut first: BTreeMap<Port, Span> = BTreeMap::new();
    for port in &ports.value {
        if let Some(place) = first.get(&port.value) {
            let detail = format!("`{}` stands here for the second time", port.value);
            let mistake = Diagnostic::at(Problem::InvalidPort, port.span, detail).label(*place, "first here");
            decoder.report(mistake);
        }
        first.entry(port.value).or_insert(port.span);
    }
    let mut http = ports.value.iter().filter(|port| port.value.protocol == crate::model::pod::Protocol::Http);
    if let Some(excess) = http.nth(MAX_HTTP_PORTS) {
        let detail = format!("RunPod proxies at most {MAX_HTTP_PORTS} HTTP ports of a pod");
        decoder.report(Diagnostic::at(Problem::InvalidPort, excess.span, detail));
    }
    Some(ports)
}

fn gpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Gpu>> {
    if matches!(node.value, Value::Mapping(_)) && refuse_counted(decoder, node) {
        return None;
    }
    let gpu = match &node.value {
        Value::Scalar(_) => short_gpu(decoder, node)?,
        Value::Sequence(_) => Gpu { any_of: gpu_choices(decoder, node)?, ..Gpu::default() },
        Value::Mapping(_) => long_gpu(decoder, node)?,
    };
    Some(Spanned { value: gpu, span: node.span })
}

/// Refuses GPUs with a number each, in one mistake for all of them.
fn refuse_counted(decoder: &mut Decoder<'_>, node: &Node<'_>) -> bool {
    let Some((detail, help)) = counted_gpus(node) else {
        return false;
    };
    decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, detail).help(help));
    true
}

/// Explains `{ L4: 1, A100: 1 }` and `[L4:1, A100:2]`, which give each GPU a number of its own, as SkyPilot does.
fn counted_gpus(node: &Node<'_>) -> Option<(&'static str, String)> {
    let mut named: Vec<(&str, &str)> = Vec::new();
    match &node.value {
        Value::Mapping(entries) => named.extend(counted_entries(entries)?),
        Value::Sequence(items) => {
            for item in items.iter() {
                match &item.value {
                    Value::Mapping(entries) => named.extend(counted_entries(entries)?),
                    Value::Scalar(scalar) => named.push(scalar.text.rsplit_once(':')?),
                    Value::Sequence(_) => return None,
                }
            }
        }
        Value::Scalar(_) => return None,
    }
    // A range of memory with a number is no name.
    if named.iter().any(|(name, _)| forms::memory(name.trim()).is_ok()) {
        return None;
    }
    let (_, first) = *named.first()?;
    let names: Vec<&str> = named.iter().map(|(name, _)| name.trim()).collect();
    let list = names.join(", ");
    let is_counted = |(name, count): &(&str, &str)| {
        count.trim().parse::<u32>().is_ok() && !sensitive::is_secret_value(name)
    };
    if !named.iter().all(is_counted) {
        return None;
    }
    Some(if named.iter().all(|(_, count)| count.trim() == first.trim()) {
        let count = first.trim();
        (
            "the number stands beside the list, once for all",
            format!("write `gpu: {{ any_of: [{list}], count: {count} }}`"),
        )
    } else {
        (
            "a pod has one number of GPUs, whatever their type",
            format!(
                "write `gpu: {{ any_of: [{list}], count: 1 }}` with the number for all, or a pod for each number"
            ),
        )
    })
}

/// Returns the names and numbers of a map that has nothing else.
fn counted_entries<'n>(entries: &'n [Entry<'_>]) -> Option<Vec<(&'n str, &'n str)>> {
    let counted = entries.iter().map(|Entry { key, key_span: _, value }| {
        if words::GPU.keys.contains(&&**key)
            || words::GPU_CHOICE.keys.contains(&&**key)
            || words::GPU.word(key).is_some()
        {
            return None;
        }
        if value.is_null() { key.rsplit_once(':') } else { Some((&**key, value.text())) }
    });
    counted.collect()
}

fn short_gpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Gpu> {
    let wanted = "a GPU such as `H100 SXM:2`";
    let short = decoder.form(node, wanted, Problem::InvalidValue, forms::gpu)?;
    Some(match short.value {
        ShortGpu::Memory(range) => {
            Gpu { memory: Some(Spanned { value: range, span: node.span }), ..Gpu::default() }
        }
        ShortGpu::Named { name, count } => Gpu {
            any_of: vec![Spanned { value: GpuChoice { name, max_price: None }, span: node.span }],
            count: count.map(|count| Spanned { value: count, span: node.span }),
            ..Gpu::default()
        },
    })
}

fn long_gpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Gpu> {
    let fields = decoder.fields(node, &words::GPU, "a GPU")?;
    if fields.lacks("any_of") && fields.lacks("memory") {
        let mistake = Diagnostic::at(
            Problem::MissingKey,
            node.span,
            "`gpu` says which GPUs: `any_of`, `memory` or both",
        )
        .help("`memory: 24GB..` accepts every GPU with that much");
        decoder.report(mistake);
    }
    let orders =
        [GpuOrder::Listed, GpuOrder::Price, GpuOrder::Availability].map(|order| (order.word(), order));
    Some(Gpu {
        any_of: fields.read("any_of", decoder, gpu_choices).unwrap_or_default(),
        order: fields.read("order", decoder, |d, node| d.choice(node, &orders)),
        count: fields.read("count", decoder, |d, node| d.integer(node, 1..=forms::MAX_GPUS)),
        memory: fields.read("memory", decoder, |d, node| {
            d.form(node, "a range such as `48GB..`", Problem::InvalidSize, forms::memory)
        }),
    })
}

fn gpu_choices(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Vec<Spanned<GpuChoice>>> {
    if refuse_counted(decoder, node) {
        return None;
    }
    let choices = decoder.items(node, "a list of GPUs, such as `[L40S, RTX 6000 Ada]`", gpu_choice)?;
    if is_empty_list(node) {
        let detail = "an empty list accepts no GPU";
        decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, detail));
    }
    let mut first: BTreeMap<String, Span> = BTreeMap::new();
    for choice in &choices.value {
        let name = choice.value.name.as_str().to_lowercase();
        if let Some(place) = first.get(&name) {
            let detail = format!("`{}` stands here for the second time", choice.value.name);
            decoder.report(
                Diagnostic::at(Problem::InvalidValue, choice.span, detail).label(*place, "first here"),
            );
        }
        first.entry(name).or_insert(choice.span);
    }
    Some(choices.value)
}

fn gpu_choice(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<GpuChoice>> {
    let (name, max_price) = if let Value::Mapping(_) = &node.value {
        let fields = decoder.fields(node, &words::GPU_CHOICE, "a GPU")?;
        if fields.lacks("type") {
            let detail = "an entry of `any_of` needs a `type`";
            decoder.report(Diagnostic::at(Problem::MissingKey, node.span, detail));
        }
        let max_price = fields.read("max_price", decoder, price);
        (fields.read("type", decoder, listed_gpu)?, max_price)
    } else {
        (listed_gpu(decoder, node)?, None)
    };
    let choice = GpuChoice { name: name.value, max_price: max_price.map(|price| price.value) };
    Some(Spanned { value: choice, span: name.span })
}

fn is_empty_list(node: &Node<'_>) -> bool {
    matches!(&node.value, Value::Sequence(items) if items.is_empty())
}

/// Reads a GPU in a list, where neither a count nor a range may stand.
fn listed_gpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<GpuName>> {
    // What a form proposes is for a value of `gpu` itself.
    let read = |text: &str| {
        forms::gpu(text).map_err(|misread| match misread.fix {
            Some(fix) => Misread::new(misread.detail).help(format!("write `gpu: {fix}`")),
            None => misread,
        })
    };
    decoder.form(node, "a GPU such as `L40S`", Problem::InvalidValue, |text| match read(text)? {
        ShortGpu::Named { name, count: None } => Ok(name),
        ShortGpu::Named { name, count: Some(count) } => {
            Err(Misread::new("the count is the same for every GPU of the list")
                .help(format!("write `gpu: {{ any_of: [{name}], count: {count} }}`")))
        }
        ShortGpu::Memory(_) => Err(Misread::new("a range of memory stands beside the list, not in it")
            .help(format!("write `gpu: {{ any_of: [...], memory: {text} }}`"))),
    })
}

fn cpu(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Cpu>> {
    let fields = decoder.fields(node, &words::CPU, "a map such as `{ flavors: [cpu5c], vcpus: 8 }`")?;
    for key in words::CPU.keys {
        if fields.lacks(key) {
            let detail = format!("`cpu` needs `{key}`");
            let help = "write `cpu: { flavors: [cpu5c, cpu3c], vcpus: 8 }`";
            decoder.report(Diagnostic::at(Problem::MissingKey, node.span, detail).help(help));
        }
    }
    let flavors = fields.read("flavors", decoder, |decoder, node| {
        let flavors =
            decoder.items(node, "a list of flavors, such as `[cpu5c, cpu3c]`", |decoder, item| {
                decoder.word(item, "a flavor such as `cpu5c`").map(|flavor| flavor.map(CpuFlavorId::new))
            })?;
        if is_empty_list(node) {
            decoder.report(Diagnostic::at(Problem::InvalidValue, node.span, "an empty list accepts no CPU"));
        }
        Some(flavors.value)
    });
    let vcpus = fields.read("vcpus", decoder, |d, node| d.integer(node, 2..=MAX_VCPUS)).filter(|vcpus| {
        if vcpus.value.is_power_of_two() {
            return true;
        }
        let detail = format!("{} is no power of two", vcpus.value);
        let near = vcpus.value.next_power_of_two();
        decoder.report(Diagnostic::at(Problem::InvalidValue, vcpus.span, detail).fix(
            vcpus.span,
            near.to_string(),
            "the next one",
        ));
        false
    });
    Some(Spanned { value: Cpu { flavors: flavors.unwrap_or_default(), vcpus }, span: node.span })
}

fn cuda(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<CudaWish>> {
    if let Value::Sequence(_) = &node.value {
        let versions = decoder.items(node, "a list", |decoder, item| {
            let wanted = "a version such as `\"12.4\"`";
            decoder
                .form(item, wanted, Problem::InvalidValue, forms::cuda_version)
                .map(|version| version.value)
        })?;
        if is_empty_list(node) {
            decoder.report(Diagnostic::at(
                Problem::InvalidValue,
                node.span,
                "an empty list accepts no version",
            ));
        }
        return Some(versions.map(forms::exact_cuda));
    }
    decoder.form(node, "a text such as `\">=12.4\"`", Problem::InvalidValue, forms::cuda)
}

fn price(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Hourly>> {
    decoder.form(node, "USD an hour, such as `2.20`", Problem::InvalidValue, forms::price)
}

type Placement = (Option<Spanned<Vec<Spanned<DataCenterId>>>>, Option<Spanned<Vec<Spanned<CountryCode>>>>);

fn placement(fields: &Fields<'_>, decoder: &mut Decoder<'_>) -> Placement {
    let placement = fields.read("placement", decoder, |decoder, node| {
        let fields =
            decoder.fields(node, &words::PLACEMENT, "a map such as `{ data_centers: [EU-RO-1] }`")?;
        let data_centers = fields.read("data_centers", decoder, |decoder, node| {
            decoder.items(node, "a list such as `[EU-RO-1]`", |decoder, item| {
                decoder.word(item, "a data center such as `EU-RO-1`").map(|id| id.map(DataCenterId::new))
            })
        });
        let countries = fields.read("countries", decoder, |decoder, node| {
            decoder.items(node, "a list such as `[RO, CZ]`", country)
        });
        Some((data_centers, countries))
    });
    placement.unwrap_or_default()
}

fn country(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<CountryCode>> {
    decoder.form(node, "a country such as `RO`", Problem::InvalidValue, |text| {
        let letters = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        match text {
            _ if letters && text.bytes().all(|byte| byte.is_ascii_uppercase()) => Ok(CountryCode::new(text)),
            _ if letters => Err(Misread::new("a country code is upper-case").fix(text.to_ascii_uppercase())),
            "false" => {
                Err(Misread::new("expected a country code, found a boolean").help("quote Norway: `\"NO\"`"))
            }
            other => Err(Misread::new(format!("{} is no country code of two letters", shown(other)))),
        }
    })
}

fn cloud(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<CloudWish>> {
    let clouds = [
        ("secure", CloudWish::Only(Cloud::Secure)),
        ("community", CloudWish::Only(Cloud::Community)),
        ("any", CloudWish::Any),
    ];
    decoder.choice(node, &clouds)
}

fn mounts(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Vec<Spanned<Mount>>>> {
    let wanted = "a list such as `[models:/models]` or `[{ local: 100GB, path: /workspace }]`";
    decoder.items(node, wanted, |decoder, item| match &item.value {
        Value::Mapping(_) => local_mount(decoder, item),
        Value::Scalar(_) | Value::Sequence(_) => network_mount(decoder, item),
    })
}

fn network_mount(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Mount>> {
    let text = decoder.text(node, "`NAME:/path`")?;
    dollars::check(decoder, text.span, &BTreeSet::new());
    let read = forms::mount(text.value.raw()).and_then(|(name, path)| {
        forms::pod_path(path)?;
        Ok((name.to_owned(), Text::new(path)))
    });
    match read {
        Ok((name, path)) => Some(Spanned { value: Mount::Network { name, path }, span: node.span }),
        Err(misread) => {
            decoder.misread(Problem::InvalidValue, node.span, misread);
            None
        }
    }
}

fn local_mount(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Mount>> {
    let fields = decoder.fields(node, &words::MOUNT, "a map")?;
    for key in words::MOUNT.keys {
        if fields.lacks(key) {
            let detail = format!("a local volume needs `{key}`");
            let help = "write `{ local: 100GB, path: /workspace }`, or `NAME:/path` for a network volume";
            decoder.report(Diagnostic::at(Problem::MissingKey, node.span, detail).help(help));
        }
    }
    let size = fields.read("local", decoder, |decoder, node| {
        let size = decoder.form(node, "a size such as `100GB`", Problem::InvalidSize, forms::size)?;
        if size.value.0 < 10 {
            decoder.report(Diagnostic::at(
                Problem::InvalidSize,
                size.span,
                "a local volume has at least 10GB",
            ));
            return None;
        }
        Some(size.value)
    });
    let path = fields.read("path", decoder, |decoder, node| {
        let path = decoder.text(node, "an absolute path")?;
        dollars::check(decoder, path.span, &BTreeSet::new());
        if let Err(misread) = forms::pod_path(path.value.raw()) {
            decoder.misread(Problem::InvalidValue, path.span, misread);
            return None;
        }
        Some(path.value)
    });
    let (size, path) = size.zip(path)?;
    Some(Spanned { value: Mount::Local { size, path }, span: node.span })
}

fn names_of_pods(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Vec<Spanned<String>>>> {
    decoder.items(node, "a list of pods, such as `[prep]`", |decoder, item| {
        decoder.word(item, "the key of a pod")
    })
}

fn names_of_profiles(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Vec<Spanned<String>>>> {
    decoder.items(node, "a list of profiles, such as `[prod]`", |decoder, item| {
        decoder.word(item, "the name of a profile")
    })
}

fn state(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<RunState>> {
    decoder.choice(node, &[("running", RunState::Running), ("stopped", RunState::Stopped)])
}

fn lifecycle(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Lifecycle> {
    let fields = decoder.fields(node, &words::LIFECYCLE, "a map such as `{ protect: true }`")?;
    let on_remove =
        [OnRemove::Terminate, OnRemove::Stop, OnRemove::Forget].map(|choice| (choice.word(), choice));
    let on_replace = [OnReplace::DestroyFirst, OnReplace::CreateFirst].map(|choice| (choice.word(), choice));
    let on_stuck_resume = [OnStuckResume::Fail, OnStuckResume::Replace].map(|choice| (choice.word(), choice));
    let ignored = fields.read("ignore_changes", decoder, |decoder, node| {
        decoder.items(node, "a list of fields, such as `[image, env.LOG_LEVEL]`", ignored_field)
    });
    Some(Lifecycle {
        span: Some(node.span),
        protect: fields.read("protect", decoder, |d, node| d.boolean(node)),
        on_remove: fields.read("on_remove", decoder, |d, node| d.choice(node, &on_remove)),
        on_replace: fields.read("on_replace", decoder, |d, node| d.choice(node, &on_replace)),
        on_stuck_resume: fields.read("on_stuck_resume", decoder, |d, node| d.choice(node, &on_stuck_resume)),
        ignore_changes: ignored.map(|list| list.value).unwrap_or_default(),
    })
}

fn ignored_field(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<Spanned<Field>> {
    let name = decoder.word(node, "the name of a field")?;
    if let Some(field) = ignorable(&name.value) {
        return Some(Spanned { value: field, span: name.span });
    }
    let mistake = Diagnostic::at(
        Problem::InvalidValue,
        name.span,
        format!("{} is no field that can differ", shown(&name.value)),
    );
    let mistake = match name.value.as_str() {
        "env" => mistake.help("name the variables: `env.LOG_LEVEL`"),
        other => match decoder.log.closest(other, IGNORABLE.iter().copied()) {
            Some(field) => mistake.fix(name.span, field, "did you mean"),
            None => {
                mistake.help("name fields of the pod, such as `image`, or variables, such as `env.LOG_LEVEL`")
            }
        },
    };
    decoder.report(mistake);
    None
}

/// What `ignore_changes` may name beside `env.NAME`.
const IGNORABLE: &[&str] = &[
    "name",
    "image",
    "command",
    "entrypoint",
    "ports",
    "disk",
    "registry",
    "volumes",
    "global_networking",
    "locked",
    "gpu",
    "gpu.count",
    "cpu",
    "cloud",
    "cuda",
    "data_center",
    "countries",
    "ssh",
    "jupyter",
    "state",
];

fn ignorable(name: &str) -> Option<Field> {
    let is_variable = name.strip_prefix("env.").is_some_and(is_variable_name);
    (is_variable || IGNORABLE.contains(&name)).then(|| name.parse().ok()).flatten()
}

fn labels(decoder: &mut Decoder<'_>, node: &Node<'_>) -> Option<BTreeMap<String, Spanned<Text>>> {
    let mut labels = BTreeMap::new();
    for entry in decoder.map(node, "a map such as `team: inference`")? {
        let legal = !entry.key.is_empty() && !entry.key.chars().any(|c| c.is_control() || c.is_whitespace());
        if !legal || entry.key.len() > 64 {
            let detail = format!("{} is no name of a label", shown(&entry.key));
            decoder.report(Diagnostic::at(Problem::InvalidName, entry.key_span, detail));
            continue;
        }
        if let Some(value) = decoder.verbatim(&entry.value, "a text") {
            if sensitive::is_secret_value(value.value.raw()) {
                exposed(decoder, value.span, "labels are stored, and shown in plans");
                continue;
            }
            dollars::check(decoder, value.span, &BTreeSet::new());
            labels.insert(entry.key.clone().into_owned(), value);
        }
    }
    Some(labels)
}
