//! The specs that stand in `examples/`.

#![expect(clippy::disallowed_methods, reason = "the examples are files")]

use std::fs;
use std::path::PathBuf;

use super::{Case, rendered};

/// Examples that are laid on others, with those.
const OVERLAYS: [(&str, &str); 3] = [
    ("team-dev.yaml", "team-base.yaml"),
    ("team-prod.yaml", "team-base.yaml"),
    ("on-simulator.yaml", "llm-pool.yaml"),
];

fn example(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).unwrap()
}

fn check(files: &[&str]) {
    let texts: Vec<Vec<u8>> = files.iter().map(|name| example(name)).collect();
    let files = files.iter().zip(&texts).map(|(name, text)| (*name, text.as_slice())).collect();
    let case = Case { files, ..Case::default() };
    let checked = case.check().unwrap_or_else(|mistakes| panic!("{}", rendered(Err(mistakes))));
    assert!(checked.warnings.is_empty(), "{}", rendered(Ok(checked.lower())));
    let config = checked.config();
    let again = Case { files: vec![("config.yaml", config.as_bytes())], ..Case::default() }.load();
    let again = again.unwrap_or_else(|mistakes| panic!("{}", rendered(Err(mistakes))));
    let loaded = checked.lower();
    case.with_input(|input| super::kept::assert_comes_back(input, &loaded));
    assert_eq!(again.desired, loaded.desired);
}

#[test]
fn every_example_loads_and_its_config_means_the_same() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml") && OVERLAYS.iter().all(|(overlay, _)| name != overlay))
        .collect();
    names.sort();
    assert!(names.len() >= 6, "{names:?}");
    for name in &names {
        check(&[name]);
    }
}

#[test]
fn overlays_load_on_what_they_are_made_for() {
    for (overlay, base) in OVERLAYS {
        check(&[base, overlay]);
    }
}
