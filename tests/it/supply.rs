//! What is built in comes from crates.io with its checksum, under a licence that is allowed, and is none of what
//! `deny.toml` bans. `cargo deny check` reads the same file; it also asks for advisories, for which it needs a network.
#![expect(clippy::disallowed_methods, reason = "the test reads files of the repository and runs cargo")]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::stage::folder;

/// The one registry.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn text(file: &str) -> String {
    fs::read_to_string(folder().join(file)).unwrap()
}

/// Returns the quoted words of a list in `deny.toml`.
fn listed(key: &str) -> BTreeSet<String> {
    let policy = text("deny.toml");
    let (_, list) = policy.split_once(&format!("\n{key} = [\n")).unwrap();
    let (list, _) = list.split_once("\n]\n").unwrap();
    let lines = list.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words: BTreeSet<String> = lines.map(|line| line.split('"').nth(1).unwrap().to_owned()).collect();
    assert!(!words.is_empty(), "{key}");
    words
}

/// A package of `Cargo.lock`.
struct Locked {
    name: String,
    source: Option<String>,
    has_checksum: bool,
}

fn locked() -> Vec<Locked> {
    let lock = text("Cargo.lock");
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(&format!("{key} = \"")))?;
        Some(line.trim_end_matches('"').to_owned())
    };
    let packages = lock.split("[[package]]\n").skip(1).map(|package| Locked {
        name: value(package, "name").unwrap(),
        source: value(package, "source"),
        has_checksum: value(package, "checksum").is_some(),
    });
    let packages: Vec<Locked> = packages.collect();
    assert!(packages.len() > 100, "{} packages", packages.len());
    packages
}

#[test]
fn every_package_comes_from_one_registry_with_its_checksum() {
    let others: Vec<String> = locked()
        .into_iter()
        .filter(|package| package.source.as_deref() != Some(CRATES_IO) || !package.has_checksum)
        .map(|package| package.name)
        .collect();
    assert_eq!(others, ["podform"]);
    assert!(text("deny.toml").contains(&format!("[\"{}\"]", CRATES_IO.trim_start_matches("registry+"))));
}

#[test]
fn nothing_banned_is_built_in_and_there_is_one_tls() {
    let banned = listed("deny");
    let packages = locked();
    let found: Vec<&str> =
        packages.iter().map(|package| package.name.as_str()).filter(|name| banned.contains(*name)).collect();
    assert_eq!(found, [] as [&str; 0]);
    for only in ["rustls", "ring"] {
        assert_eq!(packages.iter().filter(|package| package.name == only).count(), 1, "{only}");
    }
}

#[test]
fn every_licence_is_allowed() {
    let allowed = listed("allow");
    let packages = metadata()["packages"].as_array().cloned().unwrap();
    assert!(packages.len() > 100, "{} packages", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !is_allowed(package["license"].as_str().unwrap_or_default(), &allowed))
        .map(|package| format!("{}: {}", package["name"], package["license"]))
        .collect();
    assert_eq!(refused, [] as [&str; 0]);
}

/// Returns what cargo knows of all packages that are built on this computer; those of other platforms need not be here.
fn metadata() -> Value {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let arguments = ["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host];
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let ended = Command::new(cargo).current_dir(folder()).args(arguments).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// Tells whether a licence expression is met by the allowed licences; a slash is how `OR` was once spelled.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words: Vec<String> = Vec::new();
    for word in spaced.split_whitespace() {
        match words.last_mut() {
            Some(last) if word == "WITH" || last.ends_with(" WITH") => {
                last.push(' ');
                last.push_str(word);
            }
            Some(_) | None => words.push(word.to_owned()),
        }
    }
    let mut rest = &words[..];
    either(&mut rest, allowed) && rest.is_empty()
}

fn either(rest: &mut &[String], allowed: &BTreeSet<String>) -> bool {
    let mut holds = all(rest, allowed);
    while let Some(("OR", after)) = rest.split_first().map(|(word, after)| (word.as_str(), after)) {
        *rest = after;
        holds |= all(rest, allowed);
    }
    holds
}

fn all(rest: &mut &[String], allowed: &BTreeSet<String>) -> bool {
    let mut holds = one(rest, allowed);
    while let Some(("AND", after)) = rest.split_first().map(|(word, after)| (word.as_str(), after)) {
        *rest = after;
        holds &= one(rest, allowed);
    }
    holds
}

fn one(rest: &mut &[String], allowed: &BTreeSet<String>) -> bool {
    let Some((word, after)) = rest.split_first() else { return false };
    *rest = after;
    if word != "(" {
        return allowed.contains(word);
    }
    let holds = either(rest, allowed);
    let Some((")", after)) = rest.split_first().map(|(word, after)| (word.as_str(), after)) else {
        return false;
    };
    *rest = after;
    holds
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned));
    for expression in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "MIT AND ISC",
        "(GPL-3.0 OR MIT) AND ISC",
        "GPL-3.0 AND X OR MIT",
        "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
    ] {
        assert!(is_allowed(expression, &allowed), "{expression}");
    }
    for expression in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT ISC", "Apache-2.0", "MIT AND (GPL-3.0 OR X)"]
    {
        assert!(!is_allowed(expression, &allowed), "{expression}");
    }
}

#[test]
fn what_is_told_to_install_takes_the_versions_of_the_lock_file() {
    for file in ["README.md", "action/install.sh", ".ci/run", "CONTRIBUTING.md"] {
        let text = text(file);
        let unlocked: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("cargo install") && !line.contains("--locked"))
            .collect();
        assert_eq!(unlocked, [] as [&str; 0], "{file}");
    }
    assert!(text("README.md").contains("\ncargo install --locked --path .\n"));
}
