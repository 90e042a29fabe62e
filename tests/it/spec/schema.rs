//! The JSON Schema of the spec file against specs that load and specs that do not.

#![expect(clippy::disallowed_methods, reason = "the examples are files")]

use std::fs;
use std::path::PathBuf;

use podform::spec::schema::SCHEMA;

use super::{load_text, pod};

/// Tells what an independent validator says of a YAML text.
fn validate(text: &str) -> Result<(), String> {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let mut compiler = boon::Compiler::new();
    compiler.set_default_draft(boon::Draft::V2020_12);
    compiler.add_resource("spec.json", schema).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("spec.json", &mut schemas).unwrap();
    let value: serde_json::Value = serde_yaml::from_str(text).unwrap();
    schemas.validate(&value, index).map_err(|error| format!("{error:#}"))
}

#[test]
fn every_example_is_valid() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let examples = fs::read_dir(folder.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let first = folder.join("src/cli/commands/init/pods.yaml");
    let mut count = 0;
    for path in examples.filter(|path| path.extension().is_some_and(|end| end == "yaml")).chain([first]) {
        let text = fs::read_to_string(&path).unwrap().replace("PROJECT", "demo");
        assert_eq!(validate(&text), Ok(()), "{}", path.display());
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn specs_that_load_are_valid() {
    for lines in [
        "gpu: RTX 4090",
        "gpu: [L40S, RTX 6000 Ada]",
        "gpu: { any_of: [L40S, { type: H100, max_price: 3.5 }], order: price, count: 2, memory: 48GB.. }",
        "gpu: 48GB..80GB\ncuda: \">=12.4\"\nmax_price: 2.20",
        "gpu: L4\nmax_price: '2.20'",
        "cpu: { flavors: [cpu5c], vcpus: 8 }",
        "gpu: L4\nports: [8000, 22/tcp]\nenv: { A: 1, B: true, C: \"x\" }\nvolumes: [{ local: 100GB, path: /w }]",
        "gpu: L4\nlifecycle: { protect: true, ignore_changes: [env.A] }\nreplicas: 2\nstate: stopped",
        "gpu: L4\nadopt: abc",
        "gpu: L4\nports: [8000/http]\nready: { http: 8000/health, status: [200, 401], within: 24h }",
        "gpu: L4\nboot: { within: 8m, else: next_candidate }\nretry: { for: 7d, every: 1h }",
        "gpu: L4\nrun: job\ncommand: [prep]\nthen: terminate\nrerun_on: [image, command, volumes, ports, disk, registry, env]",
        "gpu: L4\nrun: job\ncommand: [prep]\nrerun_on: ['env.*', env.EPOCHS]",
        "gpu: L4\nrun: job\ncommand: [prep]\nrerun_on: []",
    ] {
        let text = pod(lines);
        assert!(load_text(&text).is_ok(), "{lines}");
        assert_eq!(validate(&text), Ok(()), "{lines}");
    }
}

#[test]
fn mistakes_that_a_schema_can_tell_are_invalid() {
    for lines in [
        "gpu: L4\nimageName: x",
        "gpu: L4\ndockerArgs: x",
        "gpu: L4\ndisk: 60",
        "gpu: L4\ndisk: 60MB",
        "gpu: L4\nstate: paused",
        "gpu: L4\ncloud: private",
        "gpu: L4\nreplicas: -1",
        "gpu: L4\nports: 8000",
        "gpu: L4\ncommand: python serve.py",
        "gpu: L4\nmax_price: 0",
        "gpu: L4\nlifecycle: { prevent_destroy: true }",
        "gpu: { count: 0 }",
        "gpu: { any_of: [{ max_price: 1 }] }",
        "gpu: L4\nvolumes: [{ local: 100GB }]",
        "gpu: L4\nschedule: { timezone: Europe/Berlin }",
        "gpu: L4\nenv: { A: { value: x } }",
        "gpu: L4\ncpu: cpu3c",
        "gpu: L4\nvolumes: [models]",
        "gpu: L4\nvolumes: ['models:/models:[ro]']",
        "gpu: L4\nports: [99999]",
        "gpu: L4\nports: [80/udp]",
        "cpu: { flavors: [cpu3c], vcpus: 3 }",
        "cpu: cpu3c\ncloud: community",
        "cpu: cpu3c\ncuda: '>=12.4'",
        "cpu: cpu3c\nvolumes: [{ local: 10GB, path: /w }]",
        "gpu: []",
        "gpu: L4\nreplicas: 2\nadopt: abc",
        "gpu: L4\nready: {}",
        "gpu: L4\nports: [8000/http, 22/tcp]\nready: { http: 8000, tcp: 22 }",
        "gpu: L4\nports: [22/tcp]\nready: { tcp: 22, status: [200] }",
        "gpu: L4\nboot: { within: 0s, else: fail }",
        "gpu: L4\nboot: { within: 900h, else: fail }",
        "gpu: L4\nretry: { for: 8d }",
        "gpu: L4\nrun: job\ncommand: [prep]\nrerun_on: [all]",
        "gpu: L4\nrun: job\ncommand: [prep]\nrerun_on: [gpu]",
        "gpu: L4\nrun: job\ncommand: [prep]\nrerun_on: [env.9]",
        "gpu: L4\nrun: job\ncommand: [prep]\nrerun_on: image",
    ] {
        let text = pod(lines);
        assert!(load_text(&text).is_err(), "{lines}");
        assert!(validate(&text).is_err(), "{lines}");
    }
}

/// An earlier file or `defaults` may have the rest.
#[test]
fn a_layer_may_have_one_key_of_a_section() {
    for section in [
        "retry: { every: 30s }",
        "ready: { within: 5m }",
        "ready: { http: null, tcp: 22 }",
        "boot: { within: 5m }",
    ] {
        assert_eq!(validate(&format!("pods:\n  llm: {{ {section} }}\n")), Ok(()), "{section}");
    }
}
