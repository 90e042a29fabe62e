//! Hostile and broken input: bounded time and memory, no panic, the same result whatever the order of keys.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use podform::spec::Form;

use super::{Case, check_text, load_text, mistakes};

/// Far above what a debug build needs, far below what an unbounded reader would take.
const LIMIT: Duration = Duration::from_secs(60);

/// Returns the first line of what is wrong, after a check of the time.
#[expect(clippy::disallowed_methods, reason = "the time that passes is what is tested")]
fn within_limit(text: &str) -> String {
    let start = Instant::now();
    let first = mistakes(text).lines().next().unwrap_or_default().to_owned();
    assert!(start.elapsed() < LIMIT, "took {:?}", start.elapsed());
    first
}

#[test]
fn anchor_bombs() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(within_limit(&bomb), "error: too many values");

    let mut merges =
        String::from("a0: &a0 { k0: v, k1: v, k2: v, k3: v, k4: v, k5: v, k6: v, k7: v, k8: v, k9: v }\n");
    merges.push_str(&format!(
        "many: [{}]\n",
        vec!["{ <<: [*a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0] }"; 55_000].join(", ")
    ));
    assert_eq!(within_limit(&merges), "error: too many values");

    let mut nested = String::from("a0: &a0 [x]\n");
    for level in 1..200 {
        nested.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert_eq!(within_limit(&nested), "error: nested too deeply");
}

#[test]
fn deep_nesting() {
    assert_eq!(within_limit(&"[".repeat(200_000)), "error: nested too deeply");
    assert_eq!(within_limit(&"{a: ".repeat(200_000)), "error: nested too deeply");
    let blocks: String = (0..2_800).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_eq!(within_limit(&blocks), "error: nested too deeply");
    assert_eq!(within_limit(&"- ".repeat(100_000)), "error: nested too deeply");
}

#[test]
fn large_files() {
    assert_eq!(
        within_limit(&"#".repeat((64 << 20) + 1)),
        "error: the file is too large: `pods.yaml` has 67108865 bytes, and the limit is 67108864"
    );
    let duplicates = "a: 1\n".repeat(100_000);
    assert_eq!(within_limit(&duplicates), "error: duplicate key");
    let one_line = format!(
        "version: 1\nproject: demo\npods: {{ a: {{ image: a, command: [\"{}\"], imageName: 2, gpu: L40S }} }}\n",
        "x".repeat(3_000_000)
    );
    assert_eq!(within_limit(&one_line), "error: unknown key");
    let pods: String = (0..40_000).map(|n| format!("  p{n}: {{}}\n")).collect();
    let words = vec!["x"; 130].join(", ");
    let text = format!(
        "version: 1\nproject: demo\ndefaults: {{ image: a, gpu: L40S, command: [{words}] }}\npods:\n{pods}"
    );
    assert_eq!(within_limit(&text), "error: too many values");
}

#[test]
fn long_texts_in_many_places() {
    let long = "x".repeat(1 << 20);
    let pods: String =
        (0..1_000).map(|n| format!("  p{n}: {{ image: a, gpu: L40S, command: [*a] }}\n")).collect();
    let aliases = format!("version: 1\nproject: demo\nvars: {{ LONG: &a {long} }}\npods:\n{pods}");
    assert_eq!(within_limit(&aliases), "error: too many values");

    let pod = |rest: &str| {
        format!(
            "version: 1\nproject: demo\nvars: {{ LONG: {long} }}\npods:\n  a: {{ image: a, gpu: L40S, {rest} }}\n"
        )
    };
    let replicas = pod("command: ['${LONG}'], replicas: 1000");
    assert_eq!(within_limit(&replicas), "error: too many values");
    let twice = pod("command: ['${LONG}${LONG}']");
    assert_eq!(within_limit(&twice), "error: invalid interpolation");
    assert!(mistakes(&twice).contains("more than 1048576 bytes once variables are put in"));
}

#[test]
fn a_hundred_thousand_pods_and_no_more() {
    let text = |pods: u32| {
        format!(
            "version: 1\nproject: demo\npods:\n  a: {{ image: a, gpu: L40S, replicas: {} }}\n  b: {{ image: a, gpu: L40S, replicas: 60000 }}\n",
            pods - 60_000
        )
    };
    let loaded = load_text(&text(100_000)).unwrap();
    assert_eq!(loaded.desired.wanted.len(), 100_000);
    assert_eq!(within_limit(&text(100_001)), "error: too many values");
}

#[test]
fn many_pods() {
    let pod = |n: usize| {
        format!(
            "  p{n}:\n    image: a/b:1\n    gpu: [L40S, A40, RTX 6000 Ada]\n    env: {{ A: b, C: d, E: f, G: h }}\n    \
             ports: [8000, 22/tcp]\n    labels: {{ n: {n} }}\n    max_price: 2.50\n    command: [--a, b, --c, d]\n"
        )
    };
    let pods: String = (0..1_500).map(pod).collect();
    let text = format!("version: 1\nproject: demo\npods:\n{pods}");
    assert_eq!(within_limit(&text), "");
    assert_eq!(within_limit(&text.replace("L40S", "X40S")), "warning: unknown GPU");
    assert_eq!(within_limit(&text.replace("ports", "prots")), "error: unknown key");
}

#[test]
fn many_replicas_that_wait_for_many() {
    let pods: String = (0..40)
        .map(|n| {
            format!(
                "  p{n}: {{ image: a, gpu: L40S, replicas: 100, depends_on: [{}] }}\n",
                (0..n).map(|d| format!("p{d}")).collect::<Vec<_>>().join(", ")
            )
        })
        .collect();
    assert_eq!(within_limit(&format!("version: 1\nproject: demo\npods:\n{pods}")), "error: too many values");
    let chain: String = (1..4_000)
        .map(|n| format!("  p{n}: {{ image: a, gpu: L40S, depends_on: [p{}] }}\n", n - 1))
        .collect();
    let text = format!(
        "version: 1\nproject: demo\npods:\n  p0: {{ image: a, gpu: L40S, depends_on: [p3999] }}\n{chain}"
    );
    assert_eq!(within_limit(&text), "error: dependency cycle");
}

#[test]
fn no_more_than_fifty_mistakes_are_shown() {
    let keys: String = (0..60).map(|n| format!("zzzzzzzz{n}: 1\n")).collect();
    let text = mistakes(&keys);
    assert_eq!(text.matches("error: ").count(), 50);
    assert_eq!(text.lines().last(), Some("... and 12 more"));
}

/// Pieces that a file is glued together from: more of the reader is reached than by random bytes.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "version: 1\n",
        "project: demo\n",
        "pods:\n",
        "  llm:\n",
        "    image: a/b:${TAG}\n",
        "    gpu: L40S\n",
        "    gpu: { any_of: [A40, {type: H100}], memory: 48GB.. }\n",
        "    cpu: { flavors: [cpu5c], vcpus: 4 }\n",
        "    ports: [8000/http, 22:22, 8080:80]\n",
        "    env: { A: b, HF_TOKEN: x, C: { secret: d } }\n",
        "    volumes: [models:/m, { local: 10GB, path: /w }]\n",
        "    replicas: 2\n",
        "    name: \"é${REPLICA}\"\n",
        "    depends_on: [llm, b]\n",
        "  b: { <<: *x, image: a }\n",
        "defaults: &x { cloud: any }\n",
        "vars: { TAG: v1 }\n",
        "secrets: { d: { env: D } }\n",
        "volumes: { models: { size: 10GB, data_center: EU-RO-1 } }\n",
        "moved: [{ from: a, to: b }]\n",
        "- ",
        "? ",
        ": ",
        "&a ",
        "*a ",
        "!t ",
        "| \n  x\n",
        "> \n",
        "\"",
        "'",
        "\t",
        "\r\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        "#",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "\u{feff}",
        "\u{fffc}",
        "é",
        "\0",
        "${",
        "}",
        "<<: ",
        "    lifecycle: { ignore_changes: [env.A] }\n",
        "    max_price: 2.2\n",
        "    adopt: abc\n",
        "  ",
    ]);
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn every_form(case: &Case<'_>) {
    match case.check() {
        Ok(checked) => {
            checked.config();
            let loaded = checked.lower();
            case.with_input(|input| super::kept::assert_comes_back(input, &loaded));
            for form in [Form::Plain, Form::Coloured, Form::Short] {
                loaded.warnings.render(form);
            }
        }
        Err(mistakes) => {
            assert!(mistakes.has_errors());
            for form in [Form::Plain, Form::Coloured, Form::Short] {
                assert!(!mistakes.render(form).is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        every_form(&Case { files: vec![("pods.yaml", &bytes)], ..Case::default() });
    }

    #[test]
    fn arbitrary_pieces_never_panic(text in pieces(), over in pieces()) {
        every_form(&Case { files: vec![("pods.yaml", text.as_bytes()), ("over.yaml", over.as_bytes())], ..Case::default() });
    }

    #[test]
    fn arbitrary_values_never_panic(key in "[a-z_]{1,12}", value in "\\PC{0,40}") {
        every_form(&Case { files: vec![("pods.yaml", super::pod(&format!("gpu: L40S\n{key}: {value}")).as_bytes())], ..Case::default() });
    }

    #[test]
    fn texts_survive_config(value in "\\PC{0,30}", label in "[a-zA-Z0-9:_.+-]{0,8}") {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''").replace("${", "$${"));
        let text = super::pod(&format!("gpu: L40S\nenv: {{ A: {} }}\nlabels: {{ l: {} }}", quoted(&value), quoted(&label)));
        let checked = check_text(&text).unwrap();
        // A literal that looks like a secret is not written by `config`, so it cannot be read back.
        if checked.warnings.is_empty() {
            let second = load_text(&checked.config()).unwrap();
            prop_assert_eq!(second.desired, checked.lower().desired);
        }
    }

    #[test]
    fn secrets_are_in_no_output(secret in "[g-z]{24}", broken in prop::sample::select(vec!["", ", bad key: x", ", B: [", ", B: ${X}", ", A: {"])) {
        let text = super::pod(&format!("gpu: L40S\nenv: {{ HF_TOKEN: {secret}, URL: \"https://u:{secret}@h\", X: hf_{secret}{broken} }}"));
        let outputs = match check_text(&text) {
            Ok(checked) => vec![format!("{checked:?}"), checked.config(), checked.warnings.render(Form::Plain), checked.warnings.render(Form::Short), format!("{:?}", checked.lower())],
            Err(mistakes) => vec![format!("{mistakes:?}"), mistakes.render(Form::Plain), mistakes.render(Form::Short)],
        };
        for output in outputs {
            prop_assert!(!output.contains(&secret), "{output}");
        }
    }

    #[test]
    fn the_order_of_keys_does_not_matter(seed in any::<u64>()) {
        let mut pods: Vec<String> = (0..6)
            .map(|n| {
                let mut keys = vec!["image: a/b:1".to_owned(), format!("gpu: [L40S, A40]"), "env: { A: b, C: d }".to_owned(), format!("disk: {n}0GB").replace(" 00GB", " 5GB"), "ports: [1, 2/tcp]".to_owned()];
                shuffle(&mut keys, seed ^ n);
                format!("  p{n}: {{ {} }}\n", keys.join(", "))
            })
            .collect();
        shuffle(&mut pods, seed);
        let mut sections = vec!["version: 1\n".to_owned(), "project: demo\n".to_owned(), format!("pods:\n{}", pods.concat()), "volumes: { b: { id: x }, a: { id: y } }\n".to_owned()];
        let sorted = load_text(&sections.concat()).unwrap().desired;
        shuffle(&mut sections, seed.rotate_left(7));
        let shuffled = load_text(&sections.concat()).unwrap().desired;
        prop_assert_eq!(&shuffled, &sorted);
        pods.sort();
        let ordered = load_text(&format!("version: 1\nproject: demo\nvolumes: {{ a: {{ id: y }}, b: {{ id: x }} }}\npods:\n{}", pods.concat())).unwrap().desired;
        prop_assert_eq!(ordered, sorted);
    }
}

fn shuffle<T>(items: &mut [T], seed: u64) {
    fastrand::Rng::with_seed(seed).shuffle(items);
}
