//! The script that builds what is given to others, with compilers that only say what they were told.

#![expect(clippy::disallowed_methods, reason = "the test runs the script and reads what it leaves")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Leaves the flags that it is given and a program that holds a text.
const CARGO: &str = r#"#!/bin/sh
printf '%s\n' "$*" > "$STAGE/arguments"
printf '%s\n' "$CARGO_ENCODED_RUSTFLAGS" | tr '\037' '\n' > "$STAGE/rust"
printf '%s\n' "$CFLAGS" > "$STAGE/c"
printf 'before%safter' "$HELD" > "$STAGE/podform"
printf '{"reason":"compiler-artifact","executable":null}\n{"executable":"%s"}\n' "$STAGE/podform"
"#;

/// Runs the script; the program that comes of it holds this text.
fn dist(stage: &TempDir, held: &str) -> Output {
    let stage = stage.path();
    for (name, script) in [("cargo", CARGO), ("rustc", "#!/bin/sh\necho /opt/rust\n")] {
        let path = stage.join("bin").join(name);
        fs::create_dir_all(stage.join("bin")).unwrap();
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::create_dir_all(stage.join("home of cargo")).unwrap();
    Command::new(Path::new(ROOT).join(".ci/dist"))
        .args(["--target", "x86_64-unknown-linux-musl"])
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", stage.join("bin").display()))
        .env("CARGO_HOME", stage.join("home of cargo"))
        .env("RUSTFLAGS", "-C target-cpu=native")
        .env("STAGE", stage)
        .env("HELD", held)
        .output()
        .unwrap()
}

#[test]
fn no_path_of_the_building_machine_is_left_in_what_is_given_to_others() {
    let stage = tempfile::tempdir().unwrap();
    let home = stage.path().join("home of cargo").display().to_string();
    let built = dist(&stage, "/cargo/registry/src/x.rs");
    let said = String::from_utf8(built.stdout).unwrap();
    assert!(built.status.success(), "{}", String::from_utf8(built.stderr).unwrap());
    assert!(said.ends_with(&format!("  {}\n", stage.path().join("podform").display())), "{said}");
    let left = |name: &str| fs::read_to_string(stage.path().join(name)).unwrap();
    let arguments = "build --locked --profile dist --bin podform --message-format json-render-diagnostics \
                     --target x86_64-unknown-linux-musl\n";
    assert_eq!(left("arguments"), arguments);
    let rust = left("rust");
    let rust: Vec<&str> = rust.lines().collect();
    assert_eq!(&rust[..2], ["-C", "target-cpu=native"], "flags from outside stay");
    for path in [format!("{home}=/cargo"), format!("{ROOT}=/podform"), "/opt/rust=/rust".to_owned()] {
        assert!(rust.contains(&format!("--remap-path-prefix={path}").as_str()), "{rust:?}");
        let quoted = path.replace(' ', "\\ ");
        assert!(left("c").contains(&format!("-ffile-prefix-map={quoted}")), "{}", left("c"));
    }

    for path in [home.as_str(), ROOT, "/opt/rust"] {
        let refused = dist(&stage, &format!("{path}/src/lib.rs"));
        let said = String::from_utf8(refused.stderr).unwrap();
        let program = stage.path().join("podform").display().to_string();
        assert_eq!(said, format!("{program} holds the path {path} (1 times)\n"));
        assert_eq!((refused.status.code(), refused.stdout.is_empty()), (Some(1), true));
    }
}
