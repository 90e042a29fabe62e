//! What the same plan costs Terraform, where it is installed.
//!
//! Terraform has no provider for a simulated RunPod, so its pods are its built-in `terraform_data`, which asks nobody
//! anything: the figures are its floor. Two forms are measured: a block for each pod, as a program would write them, and
//! `for_each` over the YAML file, as a person would.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and keeps files"
)]

#[path = "support/measure.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod measure;

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/fleet.rs"]
mod fleet;
#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/kit.rs"]
mod kit;

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use fleet::Fleet;
use measure::{Cost, measure};

const SIZES: [usize; 3] = [10, 100, 1_000];

fn main() {
    let found = ["terraform", "tofu"]
        .into_iter()
        .find(|name| Command::new(name).arg("version").output().is_ok_and(|output| output.status.success()));
    let Some(program) = found else {
        println!("skipped: neither `terraform` nor `tofu` is installed");
        return;
    };
    println!("| {program} | pods | apply CPU s | plan CPU s | plan peak MiB |");
    println!("|---|---:|---:|---:|---:|");
    for pods in SIZES {
        for (form, text) in [("a block each", blocks(pods)), ("for_each over YAML", for_each())] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("pods.yaml"), Fleet::steady(pods).spec()).unwrap();
            std::fs::write(folder.path().join("main.tf"), text).unwrap();
            run(program, folder.path(), &["init"]);
            let applied = run(program, folder.path(), &["apply", "-auto-approve"]);
            let planned = run(program, folder.path(), &["plan"]);
            println!(
                "| {form} | {pods} | {:.2} | {:.2} | {:.0} |",
                applied.cpu.as_secs_f64(),
                planned.cpu.as_secs_f64(),
                planned.peak as f64 / f64::from(1 << 20),
            );
        }
    }
}

fn run(program: &str, folder: &Path, arguments: &[&str]) -> Cost {
    let cost = measure(Command::new(program).current_dir(folder).args(arguments).arg("-no-color"));
    assert_eq!(cost.code, 0, "{program} {arguments:?}");
    cost
}

fn blocks(pods: usize) -> String {
    let mut text = String::new();
    for pod in 0..pods {
        writeln!(
            text,
            "resource \"terraform_data\" \"pod_{pod}\" {{\n  input = {{\n    image = \"vllm/vllm-openai:v0.19.1\"\n    \
             ports = [\"8000/http\", \"22/tcp\"]\n    gpu = [\"RTX 6000 Ada\", \"A100 PCIe\"]\n    number = {pod}\n  }}\n}}"
        )
        .unwrap();
    }
    text
}

fn for_each() -> String {
    "locals {\n  pods = yamldecode(file(\"${path.module}/pods.yaml\")).pods\n}\n\
     resource \"terraform_data\" \"pod\" {\n  for_each = local.pods\n  input = each.value\n}\n"
        .to_owned()
}
