//! `docs/reference/` is made of the command line's definition and of the schema of the spec, so it cannot say anything
//! else than they do. `UPDATE_DOCS=1` writes it anew.
#![expect(clippy::disallowed_methods, reason = "tests read and write pages")]

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use clap::{Arg, CommandFactory};
use podform::cli::Cli;
use podform::spec::schema::SCHEMA;
use serde_json::Value;

use crate::stage::{PODFORM, folder};

#[test]
fn commands_are_as_they_are_defined() {
    check("docs/reference/commands.md", &commands());
}

#[test]
fn keys_are_as_the_schema_has_them() {
    check("docs/reference/spec.md", &spec());
}

/// The defaults in the schema are for people who read; what holds is what `config` fills in.
#[test]
fn defaults_are_those_that_are_filled_in() {
    let place = tempfile::tempdir().unwrap();
    let text = "version: 1\nproject: p\nvolumes: { v: { size: 10GB, data_center: EU-RO-1 } }\n\
                pods: { a: { image: i, gpu: { any_of: [{ type: RTX 4090 }] }, lifecycle: {} } }\n";
    fs::write(place.path().join("pods.yaml"), text).unwrap();
    let ended = Command::new(PODFORM).current_dir(place.path()).env_clear().arg("config").output().unwrap();
    let filled: Value = serde_yaml::from_slice(&ended.stdout).unwrap();
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut wrong = String::new();
    for (section, place) in [
        ("/properties/provider", "/provider"),
        ("/$defs/volume", "/volumes/v"),
        ("/$defs/pod", "/pods/a"),
        ("/$defs/gpu/anyOf/2", "/pods/a/gpu"),
        ("/$defs/lifecycle", "/pods/a/lifecycle"),
    ] {
        for (key, value) in schema.pointer(section).unwrap()["properties"].as_object().unwrap() {
            let held = filled.pointer(place).and_then(|keys| keys.get(key));
            // What is left out of the filled spec cannot be compared; what stands there must agree.
            if let (Some(default), Some(held)) = (value.get("default"), held)
                && default != held
            {
                writeln!(wrong, "{place}/{key}: {default} in the schema, {held} in fact").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn check(path: &str, made: &str) {
    let file = folder().join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(file, made).unwrap();
        return;
    }
    let shown = fs::read_to_string(file).unwrap_or_default();
    if shown != made {
        let diff = similar::TextDiff::from_lines(&shown, made);
        panic!("{path} is old; UPDATE_DOCS=1 renews it\n{}", diff.unified_diff().header("shown", "defined"));
    }
}

/// Lays out every command with its flags and examples.
fn commands() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page =
        "# Commands\n\nMade of what `podform --help` is made of.\n\n## Flags of every command\n".to_owned();
    flags(&mut page, root.get_arguments().filter(|flag| flag.is_global_set()));
    let mut waiting: VecDeque<&clap::Command> = root.get_subcommands().collect();
    while let Some(command) = waiting.pop_front() {
        if command.is_hide_set() {
            continue;
        }
        for below in command.get_subcommands().collect::<Vec<_>>().into_iter().rev() {
            waiting.push_front(below);
        }
        write!(page, "\n## {}\n\n", command.get_bin_name().unwrap()).unwrap();
        writeln!(page, "{}.", command.get_about().unwrap()).unwrap();
        if let Some(alias) = command.get_visible_aliases().next() {
            writeln!(page, "Also `{alias}`.").unwrap();
        }
        if command.has_subcommands() {
            continue;
        }
        let usage = command.clone().render_usage().to_string();
        write!(page, "\n```text\n{}\n```\n", usage.trim_start_matches("Usage: ")).unwrap();
        let own = command.get_arguments().filter(|flag| !flag.is_global_set() && !flag.is_hide_set());
        flags(&mut page, own);
        let help = command.get_after_help().unwrap().to_string();
        let examples = help.lines().skip(1).map(|line| format!("{}\n", line.trim()));
        write!(page, "\n```sh example\n{}```\n", examples.collect::<String>()).unwrap();
    }
    let general = root.get_after_help().unwrap().to_string();
    write!(
        page,
        "\n## Environment and exit codes\n\n{}\n",
        general.replace('\n', "\n\n").replace('<', "\\<")
    )
    .unwrap();
    page
}

fn flags<'a>(page: &mut String, flags: impl Iterator<Item = &'a Arg>) {
    let mut rows = String::new();
    for flag in flags.filter(|flag| !["help", "version"].contains(&flag.get_id().as_str())) {
        let values: Vec<&str> =
            flag.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
        let value = if flag.get_action().takes_values() { values.join(" ") } else { String::new() };
        let names =
            [flag.get_short().map(|c| format!("-{c}")), flag.get_long().map(|long| format!("--{long}"))];
        let names: Vec<String> = names.into_iter().flatten().collect();
        let name = format!("{} {value}", names.join(", "));
        let mut help = flag.get_help().map(|help| format!("{help}.")).unwrap_or_default();
        if flag.get_action().takes_values() {
            for choice in flag.get_possible_values() {
                let meaning = choice.get_help().map(|help| format!(": {help}")).unwrap_or_default();
                write!(help, "<br>`{}`{meaning}", choice.get_name()).unwrap();
            }
            for default in flag.get_default_values() {
                write!(help, "<br>Default: `{}`", default.to_str().unwrap()).unwrap();
            }
        }
        writeln!(rows, "| `{}` | {} |", cell(name.trim()), cell(&help)).unwrap();
    }
    if !rows.is_empty() {
        write!(page, "\n| Flag or argument | Meaning |\n|---|---|\n{rows}").unwrap();
    }
}

/// Lays out every key of the spec, section by section.
fn spec() -> String {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut page = "# The spec, key by key\n\nMade of the JSON Schema that `podform schema` prints. No key is required in a file, as it may be a \
                    layer that another one is laid on; what is missing in the end is said with its place.\n"
        .to_owned();
    section(&mut page, "Top level", &schema, &schema["$defs"]);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        section(&mut page, name, definition, &schema["$defs"]);
    }
    page
}

/// Lays out an object, or a value in all its forms; objects within it get a section each.
fn section(page: &mut String, title: &str, schema: &Value, definitions: &Value) {
    let mut within: Vec<(&str, &Value)> = Vec::new();
    write!(page, "\n## {title}\n").unwrap();
    let forms = schema["anyOf"].as_array().map_or_else(|| vec![schema], |forms| forms.iter().collect());
    let text = about(schema);
    if !text.is_empty() {
        write!(page, "\n{text}\n").unwrap();
    }
    let is_union = forms.len() > 1;
    for form in forms.into_iter().filter(|form| form["$ref"] != "#/$defs/variable" && form["type"] != "null")
    {
        if is_union {
            let kind =
                if form["properties"].is_object() { "Map".to_owned() } else { capital(&kind(title, form)) };
            writeln!(page, "\n{}", format!("{kind}. {}", about(form)).trim_end()).unwrap();
        }
        let Some(keys) = form["properties"].as_object() else { continue };
        page.push_str("\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n");
        for (key, value) in keys {
            let default =
                value.get("default").map(|default| format!("`{}`", shown(default))).unwrap_or_default();
            let definition = schema_of(value, definitions);
            let meant = if value["description"].is_string() { value } else { definition };
            let (kind, about) = (cell(&kind(key, value)), cell(&about(meant)));
            writeln!(page, "| `{key}` | {kind} | {default} | {about} |").unwrap();
            let items = if value["items"].is_object() { &value["items"] } else { value };
            if items["properties"].is_object() {
                within.push((key, items));
            }
        }
    }
    for (key, value) in within {
        section(page, key, value, definitions);
    }
}

/// Returns what a value refers to, or itself.
fn schema_of<'a>(value: &'a Value, definitions: &'a Value) -> &'a Value {
    let name = value["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    name.map_or(value, |name| &definitions[name])
}

/// Says what a value is for, with a few examples: an editor offers all of them. A default has a column of its own.
fn about(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    let mut text = text.split(" Default: ").next().unwrap_or_default().to_owned();
    let examples: Vec<String> = schema["examples"]
        .as_array()
        .into_iter()
        .flatten()
        .take(3)
        .map(|example| format!("`{}`", shown(example)))
        .collect();
    if !examples.is_empty() {
        write!(text, " Such as {}.", examples.join(" or ")).unwrap();
    }
    text.trim().to_owned()
}

/// Says what kind of value is meant; an object or a definition is named by a link to its section.
fn kind(key: &str, schema: &Value) -> String {
    if let Some(definition) = schema["$ref"].as_str() {
        let name = definition.rsplit('/').next().unwrap();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(forms) = schema["anyOf"].as_array() {
        let forms = forms.iter().filter(|form| form["$ref"] != "#/$defs/variable" && form["type"] != "null");
        return forms.map(|form| kind(key, form)).collect::<Vec<_>>().join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| format!("`{}`", shown(word))).collect::<Vec<_>>().join(" or ");
    }
    if schema["const"].is_number() {
        return format!("`{}`", schema["const"]);
    }
    let one = schema["type"].as_array().map(|kinds| kinds.iter().filter(|one| *one != "null").collect());
    let one: Vec<&Value> = one.unwrap_or_else(|| vec![&schema["type"]]);
    let one = if let [one] = one.as_slice() { one.as_str() } else { None };
    match one {
        Some("array") => format!("list of {}", kind(key, &schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("map of names to {}", kind(key, &schema["additionalProperties"]))
        }
        Some("object") => format!("[{key}](#{})", key.to_lowercase()),
        Some(one) => one.to_owned(),
        None => {
            let several = schema["type"].as_array().into_iter().flatten().filter_map(Value::as_str);
            several.filter(|one| *one != "null").collect::<Vec<_>>().join(" or ")
        }
    }
}

/// Writes a value as it would stand in YAML.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Object(keys) => {
            let keys: Vec<String> =
                keys.iter().map(|(key, value)| format!("{key}: {}", shown(value))).collect();
            format!("{{ {} }}", keys.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Keeps a text within its cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
