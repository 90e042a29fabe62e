//! What was read from a spec comes back from the cache's form as it was, or not at all.

use std::collections::BTreeMap;

use podform::model::desired::Wanted;
use podform::model::settings::Field;
use podform::spec::cache::{self, CacheKey};
use podform::spec::{Form, Input, Loaded, SourceFile};

use super::{Case, load_text, pod};
use crate::fleet::{Fleet, Shares};

const PROGRAM: &str = "podform 1";

/// Comparing more pods than this takes long and shows nothing more.
const MOST: usize = 5_000;

/// Checks that a load comes back as it was if it may be kept, and that it may be if there is nothing to remark.
pub fn assert_comes_back(input: &Input<'_>, loaded: &Loaded) {
    if loaded.desired.wanted.len() > MOST {
        return;
    }
    let key = CacheKey::of(input, PROGRAM);
    let Some(bytes) = cache::write(&key, input, loaded) else {
        let given = loaded.variables.iter().any(|name| {
            [input.vars, input.environment_vars].iter().any(|variables| variables.contains_key(name))
        });
        assert!(!loaded.warnings.is_empty() || (given && !loaded.desired.out_of_scope.is_empty()));
        return;
    };
    let back = cache::read(&key, input, &bytes).expect("what was written can be read");
    assert_eq!(back.desired, loaded.desired);
    assert_eq!(format!("{back:?}"), format!("{loaded:?}"));
    assert_eq!(back.warnings.render(Form::Plain), loaded.warnings.render(Form::Plain));
    for (address, wanted) in &loaded.desired.wanted {
        assert_eq!(back.positions.of(address), loaded.positions.of(address), "{address}");
        for field in fields(wanted) {
            let place = loaded.positions.of_field(address, &field);
            assert_eq!(back.positions.of_field(address, &field), place, "{address} {field}");
        }
    }
    assert_eq!(cache::write(&key, input, &back), Some(bytes));
}

/// Returns the fields that remarks are about.
fn fields(wanted: &Wanted) -> Vec<Field> {
    let names = ["name", "image", "command", "ports", "disk", "volumes", "gpu", "cpu", "cloud", "size"];
    let mut fields: Vec<Field> = names.iter().map(|name| name.parse().unwrap()).collect();
    if let Wanted::Pod(pod) = wanted {
        fields.extend(pod.container.env.keys().cloned().map(Field::Env));
    }
    fields
}

/// A spec with variables, and what its cache file would be.
struct Kept {
    text: String,
    bytes: Vec<u8>,
}

impl Kept {
    fn new() -> Self {
        let text = pod("gpu: L40S\nenv: { MODE: \"${MODE:-slow}\", SIZE: \"${SIZE:-1}\" }");
        let case = Case { vars: &[("MODE", "fast")], ..Self::case(&text) };
        let bytes = case.with_input(|input| {
            let loaded = case.load().unwrap();
            cache::write(&CacheKey::of(input, PROGRAM), input, &loaded).unwrap()
        });
        Self { text, bytes }
    }

    fn case(text: &str) -> Case<'_> {
        Case { files: vec![("pods.yaml", text.as_bytes())], ..Case::default() }
    }

    /// Tells whether a run with this input takes the bytes for its own.
    fn is_taken_by(&self, case: &Case<'_>, program: &str, bytes: &[u8]) -> bool {
        case.with_input(|input| cache::read(&CacheKey::of(input, program), input, bytes).is_some())
    }
}

#[test]
fn fleets_come_back() {
    for shares in [Shares::default(), Shares { changed: 20, ..Shares::default() }] {
        // Loading compares with what comes back.
        load_text(&Fleet { shares, ..Fleet::steady(200) }.edited_spec()).unwrap();
    }
}

#[test]
fn a_file_is_taken_only_by_a_run_that_would_read_the_same() {
    let kept = Kept::new();
    let Kept { text, bytes } = &kept;
    let same = || Case { vars: &[("MODE", "fast")], ..Kept::case(text) };
    assert!(kept.is_taken_by(&same(), PROGRAM, bytes));
    // Where a value comes from does not matter, nor what the spec does not ask for.
    let environment_vars = &[("MODE", "fast"), ("OTHER", "1")];
    assert!(kept.is_taken_by(&Case { environment_vars, ..Kept::case(text) }, PROGRAM, bytes));

    let longer = format!("{text}# end\n");
    let others = [
        ("another value", Case { vars: &[("MODE", "slow")], ..same() }),
        ("no value", Case { vars: &[], ..same() }),
        ("one more value", Case { vars: &[("MODE", "fast"), ("SIZE", "1")], ..same() }),
        ("a value that nothing uses", Case { vars: &[("MODE", "fast"), ("X", "1")], ..same() }),
        ("a profile", Case { profiles: &["prod"], ..same() }),
        ("another text", Case { files: vec![("pods.yaml", longer.as_bytes())], ..same() }),
        ("another name", Case { files: vec![("p.yaml", text.as_bytes())], ..same() }),
        ("one more file", Case { files: vec![("pods.yaml", text.as_bytes()), ("o.yaml", b"{}")], ..same() }),
    ];
    for (what, case) in &others {
        assert!(!kept.is_taken_by(case, PROGRAM, bytes), "{what}");
    }
    assert!(!kept.is_taken_by(&same(), "podform 2", bytes));
}

#[test]
fn damaged_files_are_not_taken() {
    let kept = Kept::new();
    let case = Case { vars: &[("MODE", "fast")], ..Kept::case(&kept.text) };
    for length in 0..kept.bytes.len() {
        assert!(!kept.is_taken_by(&case, PROGRAM, &kept.bytes[..length]), "{length} bytes");
    }
    for place in 0..kept.bytes.len() {
        let mut bytes = kept.bytes.clone();
        bytes[place] ^= 1;
        assert!(!kept.is_taken_by(&case, PROGRAM, &bytes), "byte {place}");
    }
    assert!(!kept.is_taken_by(&case, PROGRAM, &[&kept.bytes[..], b"x"].concat()));
}

#[test]
fn a_spec_with_a_remark_is_not_kept() {
    let case = |lines: &str| {
        let text = pod(lines);
        let case = Kept::case(&text);
        let loaded = case.load().unwrap();
        case.with_input(|input| cache::write(&CacheKey::of(input, PROGRAM), input, &loaded).is_some())
    };
    assert!(case("gpu: L40S"));
    assert!(!case("gpu: L40S\nenv: { HF_TOKEN: hunter2 }"));
    assert!(!case("gpu: X9000"));
}

#[test]
fn variables_that_nothing_uses_leave_no_trace() {
    let text = pod("gpu: L40S\nenv: { MODE: \"${MODE}\" }");
    let written = |environment_vars: &[(&str, &str)]| {
        let case = Case { environment_vars, ..Kept::case(&text) };
        let loaded = case.load().unwrap();
        case.with_input(|input| cache::write(&CacheKey::of(input, PROGRAM), input, &loaded).unwrap())
    };
    assert_eq!(written(&[("MODE", "a")]), written(&[("MODE", "a"), ("PASSWORD", "b")]));
    assert_ne!(written(&[("MODE", "a")]), written(&[("MODE", "b")]));
}

/// The value may stand in nothing but the hash.
#[test]
fn values_are_not_kept_where_pods_are_deselected() {
    let text = "version: 1\nproject: demo\npods:\n  a: { image: a/b:1, gpu: L40S }\n  \
                b: { image: a/b:1, gpu: L40S, profiles: [prod], env: { X: \"${X}\" } }\n";
    for (profiles, is_kept) in [(&[][..], false), (&["prod"], true)] {
        let case = Case { vars: &[("X", "1")], profiles, ..Kept::case(text) };
        let loaded = case.load().unwrap();
        let written = case.with_input(|input| cache::write(&CacheKey::of(input, PROGRAM), input, &loaded));
        assert_eq!(written.is_some(), is_kept, "{profiles:?}");
    }
}

#[test]
fn the_key_tells_where_one_text_ends() {
    let none = BTreeMap::new();
    let key = |files: &[SourceFile<'_>], profiles: &[&str]| {
        let profiles: Vec<String> = profiles.iter().map(|&profile| profile.to_owned()).collect();
        CacheKey::of(&Input { files, vars: &none, environment_vars: &none, profiles: &profiles }, PROGRAM)
    };
    let file = |name, bytes| SourceFile { name, bytes };
    assert_ne!(key(&[file("a", b"bc")], &[]), key(&[file("ab", b"c")], &[]));
    assert_ne!(key(&[file("a", b"b")], &["c"]), key(&[file("a", b"b"), file("c", b"")], &[]));
    assert_ne!(key(&[], &["a", "b"]), key(&[file("a", b"b")], &[]));
}
