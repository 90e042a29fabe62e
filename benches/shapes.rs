//! How the cost of a spec grows with each thing that it can have many of, for whole processes.
//!
//! `cargo bench --bench shapes` prints a table with the exponent of growth, 1 being in proportion; `-- 5000 10000`
//! chooses sizes and `-- moved` shapes. The account is simulated and empty.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and keeps files"
)]

#[allow(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/measure.rs"]
mod measure;

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use measure::{exponent, measure, median};

const SIZES: [usize; 3] = [5_000, 10_000, 20_000];
/// Every pod here is on this hardware.
const POD: &str = "image: 'a/b:1', gpu: L4";

/// A spec that has many of one thing, and the flags of a plan of it.
struct Shape {
    name: &'static str,
    spec: fn(usize) -> String,
    flags: fn(usize) -> Vec<String>,
}

const fn shape(name: &'static str, spec: fn(usize) -> String) -> Shape {
    Shape { name, spec, flags: |_| Vec::new() }
}

/// Returns lines, one for each number.
fn lines(size: usize, line: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    (0..size).for_each(|number| writeln!(text, "{}", line(number)).unwrap());
    text
}

fn pods(size: usize, more: impl Fn(usize) -> String) -> String {
    format!("pods:\n{}", lines(size, |pod| format!("  pod-{pod}: {{ {POD}{} }}", more(pod))))
}

const SHAPES: [Shape; 25] = [
    shape("pods", |size| pods(size, |_| String::new())),
    shape("aliases of one anchor", |size| {
        format!("x-base: &base {{ {POD} }}\npods:\n{}", lines(size, |pod| format!("  pod-{pod}: *base")))
    }),
    shape("anchors, an alias of each", |size| {
        let first = lines(size, |pod| format!("  pod-{pod}: &a{pod} {{ {POD} }}"));
        format!("pods:\n{first}{}", lines(size, |pod| format!("  copy-{pod}: *a{pod}")))
    }),
    shape("merges of one anchor", |size| {
        let merged = lines(size, |pod| format!("  pod-{pod}: {{ <<: *base, disk: 30GB }}"));
        format!("x-base: &base {{ {POD} }}\npods:\n{merged}")
    }),
    shape("moved", |size| {
        let moved = lines(size, |pod| format!("  - {{ from: old-{pod}, to: pod-{pod} }}"));
        format!("moved:\n{moved}{}", pods(size, |_| String::new()))
    }),
    shape("moved, a chain", |size| {
        let to = |pod| if pod == size { "pod-0".to_owned() } else { format!("old-{pod}") };
        let moved = lines(size, |pod| format!("  - {{ from: old-{pod}, to: {} }}", to(pod + 1)));
        format!("moved:\n{moved}{}", pods(1, |_| String::new()))
    }),
    shape("removed", |size| {
        let removed = lines(size, |pod| format!("  - {{ from: old-{pod}, then: forget }}"));
        format!("removed:\n{removed}{}", pods(1, |_| String::new()))
    }),
    shape("adopt, an id for each pod", |size| pods(size, |pod| format!(", adopt: pod{pod}"))),
    shape("profiles, one for each pod", |size| pods(size, |pod| format!(", profiles: [team-{pod}]"))),
    shape("ports of one pod", |size| {
        let ports: Vec<String> = (0..size).map(|port| format!("{}/tcp", 1 + port % 65_535)).collect();
        pods(1, |_| format!(", ports: [{}]", ports.join(", ")))
    }),
    shape("depends_on, a chain", |size| {
        pods(size, |pod| match pod.checked_sub(1) {
            Some(before) => format!(", depends_on: [pod-{before}]"),
            None => String::new(),
        })
    }),
    shape("depends_on, all on one", |size| {
        pods(size, |pod| if pod > 0 { ", depends_on: [pod-0]".to_owned() } else { String::new() })
    }),
    shape("depends_on, one on all", |size| {
        let all: Vec<String> = (1..size).map(|pod| format!("pod-{pod}")).collect();
        pods(size, |pod| if pod == 0 { format!(", depends_on: [{}]", all.join(", ")) } else { String::new() })
    }),
    shape("replicas of one pod", |size| format!("pods:\n  pod: {{ {POD}, replicas: {size} }}\n")),
    // Each on each other one, of which a spec may have a million pairs.
    shape("replicas, 40 of which depend on all others", |size| {
        let most = size - 40;
        format!(
            "pods:\n  a: {{ {POD}, replicas: {most} }}\n  b: {{ {POD}, replicas: 40, depends_on: [a] }}\n"
        )
    }),
    shape("volumes", |size| {
        let volumes =
            lines(size, |volume| format!("  data-{volume}: {{ size: 10GB, data_center: EU-RO-1 }}"));
        format!("volumes:\n{volumes}{}", pods(1, |_| String::new()))
    }),
    shape("volumes, a pod on each", |size| {
        let volumes =
            lines(size, |volume| format!("  data-{volume}: {{ size: 10GB, data_center: EU-RO-1 }}"));
        format!("volumes:\n{volumes}{}", pods(size, |pod| format!(", volumes: ['data-{pod}:/data']")))
    }),
    shape("one volume for all", |size| {
        let volume = "volumes:\n  data: { size: 10GB, data_center: EU-RO-1 }\n";
        format!("{volume}{}", pods(size, |_| ", volumes: ['data:/data']".to_owned()))
    }),
    shape("variables, 40 for a pod", |size| {
        let env: Vec<String> = (0..40).map(|number| format!("KEY_{number}: v{number}")).collect();
        pods(size / 40, |_| format!(", env: {{ {} }}", env.join(", ")))
    }),
    shape("vars, one for each pod", |size| {
        let vars = lines(size, |pod| format!("  var_{pod}: 'v{pod}'"));
        format!("vars:\n{vars}{}", pods(size, |pod| format!(", name: 'x-${{var_{pod}}}'")))
    }),
    shape("one var, many times in one text", |size| {
        let text = "${tag}".repeat(size);
        format!("vars: {{ tag: x }}\n{}", pods(1, |_| format!(", env: {{ LONG: '{text}' }}")))
    }),
    Shape {
        name: "--exclude, one for each pod",
        spec: |size| pods(size, |_| String::new()),
        flags: |size| (1..size).flat_map(|pod| ["--exclude".to_owned(), format!("pod-{pod}")]).collect(),
    },
    Shape {
        name: "--exclude, a glob for each pod",
        spec: |size| pods(size, |_| String::new()),
        flags: |size| (1..size).flat_map(|pod| ["--exclude".to_owned(), format!("pod-{pod}*")]).collect(),
    },
    Shape {
        name: "--replace, one for each pod",
        spec: |size| pods(size, |_| String::new()),
        flags: |size| (0..size).flat_map(|pod| ["--replace".to_owned(), format!("pod-{pod}")]).collect(),
    },
    Shape {
        name: "--target, one for each pod",
        spec: |size| pods(size, |_| String::new()),
        flags: |size| (0..size).flat_map(|pod| ["--target".to_owned(), format!("pod-{pod}")]).collect(),
    },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let sizes: Vec<usize> = arguments.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { SIZES.to_vec() } else { sizes };
    let chosen: Vec<&String> = arguments.iter().filter(|word| word.parse::<usize>().is_err()).collect();
    let columns: Vec<String> = sizes.iter().map(|size| format!("{size} | ")).collect();
    println!("| many of | command | {}exponent |", columns.concat());
    println!("|---|---|{}---:|", "---:|".repeat(sizes.len()));
    for shape in &SHAPES {
        if !chosen.is_empty() && !chosen.iter().any(|word| shape.name.starts_with(word.as_str())) {
            continue;
        }
        for command in ["validate", "plan"] {
            if command == "validate" && !(shape.flags)(2).is_empty() {
                continue;
            }
            shape.measure(command, &sizes);
        }
    }
}

impl Shape {
    fn measure(&self, command: &str, sizes: &[usize]) {
        let mut cells = String::new();
        let mut costs: Vec<(usize, Duration)> = Vec::new();
        for size in sizes.iter().copied() {
            let folder = tempfile::tempdir().unwrap();
            let head = "version: 1\nproject: fleet\nprovider: { kind: simulator }\n";
            std::fs::write(folder.path().join("pods.yaml"), format!("{head}{}", (self.spec)(size))).unwrap();
            let mut process = Command::new(env!("CARGO_BIN_EXE_podform"));
            process.current_dir(folder.path()).env("XDG_CACHE_HOME", "/dev/null").arg(command);
            if command == "plan" {
                process.args((self.flags)(size));
            }
            let runs: Vec<_> = (0..3).map(|_| measure(&mut process)).collect();
            let cost = median(&runs);
            let failed = if cost.code == 0 { String::new() } else { format!(" (exit {})", cost.code) };
            write!(cells, "{:.3} s{failed} | ", cost.cpu.as_secs_f64()).unwrap();
            costs.push((size, cost.cpu));
        }
        let growth = match (costs.first(), costs.last()) {
            (Some(first), Some(last)) if first.0 < last.0 => format!("{:.2}", exponent(*first, *last)),
            _ => String::new(),
        };
        println!("| {} | {command} | {cells}{growth} |", self.name);
    }
}
