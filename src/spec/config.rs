//! [`Resolved`] back to YAML text: one merged file with every default filled in, secrets as references.
//!
//! The text is a spec that means the same. Strings that only some readers of YAML take for strings (`no`, `22:22`,
//! `1_000`, dates) are quoted, which the YAML writer does not do by itself: it is given a placeholder for each, and
//! the placeholders are replaced in the written text.

use std::collections::BTreeMap;

use serde_yaml::{Mapping, Value};

use crate::model::address::Key;
use crate::model::desired::{
    Budget, CloudWish, ComputeWish, CpuWish, CudaWish, GpuChoice, GpuWish, Hardware, Lifecycle, Move,
    WantedVolume,
};
use crate::model::id::EnvKey;
use crate::model::pod::Access;
use crate::model::volume::VolumeConfig;

use super::forms::{write_memory, write_monthly, write_price, write_size};
use super::interpolate::Text;
use super::lower::default_name;
use super::resolve::{Resolved, ResolvedPod, ResolvedStorage};
use super::syntax::{EnvSyntax, SecretDeclaration};

/// What stands in place of a literal that looks like a secret. It is refused when it is read, so that nobody sends it.
pub(super) const HIDDEN: &str = "(secret)";

/// Writes the file.
pub(super) fn write(resolved: &Resolved) -> Result<String, serde_yaml::Error> {
    let mut writer = Writer::default();
    let value = writer.spec(resolved);
    let text = serde_yaml::to_string(&value)?;
    Ok(writer.put_quotes(&text))
}

const PLACEHOLDER: &str = "__podform_quoted_";

/// Makes YAML values, keeping aside the strings that must come out quoted, in the order of the text.
#[derive(Default)]
pub(super) struct Writer {
    quoted: Vec<String>,
}

/// Builds one map in file order.
#[derive(Default)]
pub(super) struct Map(pub(super) Mapping);

impl Map {
    pub(super) fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(Value::from(key), value.into());
    }

    pub(super) fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    pub(super) fn put_unless_empty(&mut self, key: &str, value: Self) {
        if !value.0.is_empty() {
            self.put(key, value.0);
        }
    }
}

impl Writer {
    pub(super) fn text(&mut self, text: &str) -> Value {
        let typed = text.replace("${", "$${");
        self.as_is(typed)
    }

    fn template(&mut self, text: &Text) -> Value {
        self.as_is(text.as_typed())
    }

    fn as_is(&mut self, text: String) -> Value {
        if !needs_quotes(&text) {
            return Value::String(text);
        }
        self.quoted.push(text);
        Value::String(format!("{PLACEHOLDER}{}__", self.quoted.len() - 1))
    }

    fn templates(&mut self, texts: &[Text]) -> Value {
        Value::Sequence(texts.iter().map(|text| self.template(text)).collect())
    }

    pub(super) fn texts(&mut self, texts: impl IntoIterator<Item = impl AsRef<str>>) -> Value {
        Value::Sequence(texts.into_iter().map(|text| self.text(text.as_ref())).collect())
    }

    /// Replaces the placeholders, from left to right, so that nothing put in is looked at again.
    pub(super) fn put_quotes(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        for (index, quoted) in self.quoted.iter().enumerate() {
            let placeholder = format!("{PLACEHOLDER}{index}__");
            let Some((before, after)) = rest.split_once(&placeholder) else {
                continue;
            };
            result.push_str(before);
            result.push('\'');
            result.push_str(&quoted.replace('\'', "''"));
            result.push('\'');
            rest = after;
        }
        result.push_str(rest);
        result
    }

    fn spec(&mut self, resolved: &Resolved) -> Value {
        let Resolved {
            project,
            kind,
            api,
            state_file,
            secrets,
            registries,
            volumes,
            pods,
            places: _,
            moved,
            budget,
        } = resolved;
        let mut spec = Map::default();
        spec.put("version", 1);
        let name = self.text(project.as_str());
        spec.put("project", name);
        let mut provider = Map::default();
        provider.put("kind", kind.word());
        provider.put("api", api.word());
        spec.put("provider", provider.0);
        let path = self.text(state_file);
        spec.put("state_file", path);
        let mut map = Map::default();
        for (name, source) in secrets {
            let name = self.text(name);
            let source = self.secret(source);
            map.0.insert(name, source);
        }
        spec.put_unless_empty("secrets", map);
        spec.put_unless_empty("budget", self.budget(*budget));
        let mut map = Map::default();
        for (name, id) in registries {
            let name = self.text(name);
            let mut registry = Map::default();
            registry.put("id", self.text(id.as_str()));
            map.0.insert(name, registry.0.into());
        }
        spec.put_unless_empty("registries", map);
        let mut map = Map::default();
        for (key, volume) in volumes {
            let key = self.text(key.as_str());
            let volume = self.volume(volume);
            map.0.insert(key, volume);
        }
        spec.put_unless_empty("volumes", map);
        let mut map = Map::default();
        for (key, pod) in pods {
            let name = self.text(key.as_str());
            let pod = self.pod(resolved, key, pod);
            map.0.insert(name, pod);
        }
        spec.put("pods", map.0);
        if !moved.is_empty() {
            spec.put("moved", moved.iter().map(|entry| self.moved(entry)).collect::<Vec<Value>>());
        }
        Value::Mapping(spec.0)
    }

    fn secret(&mut self, source: &SecretDeclaration) -> Value {
        let mut map = Map::default();
        match source {
            SecretDeclaration::Runpod(name) => map.put("runpod", self.text(name)),
            SecretDeclaration::Env(name) => map.put("env", self.text(name)),
            SecretDeclaration::File(path) => map.put("file", self.text(path)),
        }
        map.0.into()
    }

    fn moved(&mut self, entry: &Move) -> Value {
        let Move { from, to } = entry;
        let mut map = Map::default();
        map.put("from", self.text(&from.to_string()));
        map.put("to", self.text(&to.to_string()));
        map.0.into()
    }

    fn volume(&mut self, volume: &WantedVolume) -> Value {
        let mut map = Map::default();
        match volume {
            WantedVolume::Referenced { id } => map.put("id", self.text(id.as_str())),
            WantedVolume::Managed { config: VolumeConfig { size, data_center, tier }, protect, adopt } => {
                map.put("size", write_size(*size));
                map.put("data_center", self.text(data_center.as_str()));
                map.put_some("adopt", adopt.as_ref().map(|id| self.text(id.as_str())));
                map.put("tier", tier.word());
                map.put("protect", *protect);
            }
        }
        map.0.into()
    }

    fn budget(&self, budget: Budget) -> Map {
        let Budget { max_hourly, max_monthly, on_exceed } = budget;
        let mut map = Map::default();
        map.put_some("max_hourly", max_hourly.map(|limit| number(&write_price(limit))));
        map.put_some("max_monthly", max_monthly.map(|limit| number(&write_monthly(limit))));
        if !map.0.is_empty() {
            map.put("on_exceed", on_exceed.word());
        }
        map
    }

    fn pod(&mut self, resolved: &Resolved, key: &Key, pod: &ResolvedPod) -> Value {
        let ResolvedPod {
            selected: _,
            replicas,
            name,
            image,
            registry,
            command,
            entrypoint,
            env,
            ports,
            disk,
            storage,
            global_networking,
            locked,
            hardware,
            access: Access { ssh, jupyter },
            run,
            lifecycle,
            depends_on,
            adopt,
            labels,
            profiles,
        } = pod;
        let mut map = Map::default();
        let default = default_name(&resolved.project, key);
        map.put("name", self.template(name.as_ref().unwrap_or(&default)));
        map.put("image", self.template(image));
        map.put_some("registry", registry.as_ref().map(|(name, _)| self.text(name)));
        if !command.is_empty() {
            map.put("command", self.templates(command));
        }
        map.put_some("entrypoint", entrypoint.as_ref().map(|entrypoint| self.templates(entrypoint)));
        let env = self.env(env);
        map.put_unless_empty("env", env);
        if !ports.is_empty() {
            map.put("ports", self.texts(ports.iter().map(ToString::to_string)));
        }
        self.hardware(hardware, &mut map);
        map.put("disk", write_size(*disk));
        self.storage(storage, &mut map);
        map.put("ssh", *ssh);
        map.put("jupyter", *jupyter);
        map.put("global_networking", *global_networking);
        map.put_some("locked", *locked);
        if !depends_on.is_empty() {
            map.put("depends_on", self.texts(depends_on.iter().map(Key::as_str)));
        }
        map.put_some("replicas", *replicas);
        map.put("state", run.to_string());
        map.put_some("adopt", adopt.as_ref().map(|id| self.text(id.as_str())));
        let lifecycle = self.lifecycle(lifecycle);
        map.put("lifecycle", lifecycle);
        let mut notes = Map::default();
        for (name, value) in labels {
            let name = self.text(name);
            let value = self.template(value);
            notes.0.insert(name, value);
        }
        map.put_unless_empty("labels", notes);
        if !profiles.is_empty() {
            map.put("profiles", self.texts(profiles));
        }
        map.0.into()
    }

    fn env(&mut self, env: &BTreeMap<EnvKey, EnvSyntax>) -> Map {
        let mut variables = Map::default();
        for (key, value) in env {
            let key = self.text(key.as_str());
            let value = match value {
                EnvSyntax::Literal(text) => self.template(&text.value),
                EnvSyntax::LiteralSecret(_) => Value::from(HIDDEN),
                EnvSyntax::Secret(name) => {
                    let mut reference = Map::default();
                    reference.put("secret", self.text(&name.value));
                    reference.0.into()
                }
            };
            variables.0.insert(key, value);
        }
        variables
    }

    fn hardware(&mut self, hardware: &Hardware, map: &mut Map) {
        let Hardware { compute, cloud, data_centers, countries, max_price } = hardware;
        match compute {
            ComputeWish::Gpu(GpuWish { any_of, order, count, memory, cuda }) => {
                let mut gpu = Map::default();
                if !any_of.is_empty() {
                    gpu.put(
                        "any_of",
                        any_of.iter().map(|choice| self.choice(choice)).collect::<Vec<Value>>(),
                    );
                }
                gpu.put("order", order.word());
                gpu.put("count", *count);
                gpu.put_some("memory", write_memory(*memory).map(|range| self.text(&range)));
                map.put("gpu", gpu.0);
                match cuda {
                    CudaWish::Any => {}
                    CudaWish::AtLeast(version) => map.put("cuda", self.text(&format!(">={version}"))),
                    CudaWish::OneOf(versions) => {
                        map.put("cuda", self.texts(versions.iter().map(|version| version.as_str())));
                    }
                }
            }
            ComputeWish::Cpu(CpuWish { flavors, vcpus }) => {
                let mut cpu = Map::default();
                cpu.put("flavors", self.texts(flavors.iter().map(|flavor| flavor.as_str())));
                cpu.put("vcpus", *vcpus);
                map.put("cpu", cpu.0);
            }
        }
        map.put_some("max_price", max_price.map(|price| number(&write_price(price))));
        let mut placement = Map::default();
        if !data_centers.is_empty() {
            placement.put("data_centers", self.texts(data_centers.iter().map(|id| id.as_str())));
        }
        if !countries.is_empty() {
            placement.put("countries", self.texts(countries.iter().map(|code| code.as_str())));
        }
        map.put_unless_empty("placement", placement);
        map.put("cloud", cloud_name(*cloud));
    }

    fn choice(&mut self, choice: &GpuChoice) -> Value {
        let GpuChoice { name, max_price } = choice;
        let mut map = Map::default();
        map.put("type", self.text(name.as_str()));
        map.put_some("max_price", max_price.map(|price| number(&write_price(price))));
        map.0.into()
    }

    fn storage(&mut self, storage: &ResolvedStorage, map: &mut Map) {
        let mount = match storage {
            ResolvedStorage::None => return,
            ResolvedStorage::Local { size, path } => {
                let mut local = Map::default();
                local.put("local", write_size(*size));
                local.put("path", self.template(path));
                local.0.into()
            }
            ResolvedStorage::Network { volume, path } => self.as_is(format!("{volume}:{}", path.as_typed())),
        };
        map.put("volumes", vec![mount]);
    }

    fn lifecycle(&mut self, lifecycle: &Lifecycle) -> Value {
        let Lifecycle { protect, on_remove, on_replace, on_stuck_resume, ignore_changes } = lifecycle;
        let mut map = Map::default();
        map.put("protect", *protect);
        map.put("on_remove", on_remove.word());
        map.put("on_replace", on_replace.word());
        map.put("on_stuck_resume", on_stuck_resume.word());
        if !ignore_changes.is_empty() {
            map.put("ignore_changes", self.texts(ignore_changes.iter().map(ToString::to_string)));
        }
        map.0.into()
    }
}

/// Tells whether a reader of YAML 1.1 or 1.2 may take a plain scalar with this text for something else than a text.
fn needs_quotes(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    let is_word = matches!(
        word.as_str(),
        "" | "~"
            | "null"
            | "true"
            | "false"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "y"
            | "n"
            | "="
            | "<<"
            | ".inf"
            | ".nan"
    );
    let starts_like_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    let holds_only_numbers = text.bytes().all(|byte| {
        byte.is_ascii_hexdigit()
            || matches!(byte, b'_' | b':' | b'.' | b'+' | b'-' | b'x' | b'o' | b'T' | b'Z' | b' ')
    });
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    is_word
        || (starts_like_number && holds_only_numbers && has_digit)
        || matches!(word.as_str(), "+.inf" | "-.inf")
        || text.contains(PLACEHOLDER)
}

/// Makes a YAML number of a decimal text; a price has few enough digits to come out as it went in.
fn number(text: &str) -> Value {
    text.parse::<f64>().map_or(Value::Null, Value::from)
}

fn cloud_name(cloud: CloudWish) -> String {
    match cloud {
        CloudWish::Only(cloud) => cloud.to_string(),
        CloudWish::Any => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_some_reader_misreads_are_quoted() {
        for text in [
            "no",
            "On",
            "y",
            "22:22",
            "1:30",
            "1_000",
            "2026-11-21",
            "=",
            "<<",
            "010",
            "0b1",
            "1e3",
            ".5",
            "null",
            "",
        ] {
            assert!(needs_quotes(text), "{text}");
        }
        for text in
            ["60GB", "8000/http", "EU-RO-1", "cpu5c", "north", "48GB..", "vllm/vllm-openai:v0.19.1", "--port"]
        {
            assert!(!needs_quotes(text), "{text}");
        }
    }
}
