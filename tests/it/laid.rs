//! What others may have laid where podform reads and writes: links, pipes, devices, and names that mean something to
//! SQLite. A command that would wait for ever is ended after a while, and fails its test.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use crate::stage::PODFORM;

/// Seconds after which a command counts as waiting for ever.
const PATIENCE: &str = "60";

const SPEC: &str = "\
version: 1
project: acme
provider: { kind: simulator }
pods:
  llm: { image: 'a/b:1', gpu: L4 }
";

/// A folder with a spec, and one beside it for what must not be touched.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("")).unwrap();
        fs::write(place.path("pods.yaml"), SPEC).unwrap();
        fs::write(place.outside("victim"), "precious").unwrap();
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join("work").join(path)
    }

    fn outside(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn pipe(&self, path: &str) {
        assert!(Command::new("mkfifo").arg(self.path(path)).status().unwrap().success());
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path("")).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    fn podform(&self, arguments: &str) -> Output {
        let mut command = self.command("timeout");
        command.args([PATIENCE, PODFORM]).args(arguments.split(' ')).output().unwrap()
    }

    /// Runs a command that fails, and returns its exit code with the error and its causes.
    fn refused(&self, arguments: &str) -> (i32, String) {
        let ended = self.podform(arguments);
        let told = String::from_utf8(ended.stderr).unwrap();
        let told: Vec<&str> = told.lines().filter(|line| !line.starts_with("hint: ")).collect();
        (ended.status.code().unwrap(), told.join("\n"))
    }

    fn succeeds(&self, arguments: &str) {
        let ended = self.podform(arguments);
        assert!(ended.status.success(), "{arguments}: {ended:?}");
    }

    fn begin(&self, arguments: &str) -> Child {
        let mut command = self.command(PODFORM);
        command.args(arguments.split(' ')).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Returns the names in a folder, the spec apart.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "pods.yaml");
        names.sort();
        names
    }

    fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.path(path)).unwrap().permissions().mode() & 0o777
    }

    fn assert_victim_is_whole(&self) {
        assert_eq!(fs::read_to_string(self.outside("victim")).unwrap(), "precious");
    }
}

#[test]
fn a_saved_plan_takes_the_place_of_a_link_and_of_no_pipe() {
    let place = Place::new();
    for behind in [place.outside("victim"), place.outside("nowhere")] {
        symlink(behind, place.path("x.plan")).unwrap();
        place.succeeds("plan -o x.plan");
        assert!(fs::symlink_metadata(place.path("x.plan")).unwrap().is_file());
        place.succeeds("show x.plan");
        fs::remove_file(place.path("x.plan")).unwrap();
    }
    assert!(!place.outside("nowhere").exists());
    // The names that a writer would choose without thinking.
    symlink(place.outside("victim"), place.path("x.plan.part")).unwrap();
    place.pipe("y.plan.part");
    place.succeeds("plan -o x.plan");
    place.succeeds("plan -o y.plan");
    place.pipe("pipe.plan");
    let refused = (3, "error: failed to write `pipe.plan`\n  because it is no ordinary file".to_owned());
    assert_eq!(place.refused("plan -o pipe.plan"), refused);
    assert_eq!(place.refused("plan -o /dev/null").0, 3);
    place.assert_victim_is_whole();
    assert_eq!(place.names(""), ["pipe.plan", "x.plan", "x.plan.part", "y.plan", "y.plan.part"]);
}

#[test]
fn writers_of_one_file_at_once_all_succeed() {
    let place = Place::new();
    for _ in 0..10 {
        let writers: Vec<Child> = (0..4).map(|_| place.begin("plan -o x.plan")).collect();
        for writer in writers {
            let ended = writer.wait_with_output().unwrap();
            assert!(ended.status.success(), "{ended:?}");
        }
        place.succeeds("show x.plan");
    }
    assert_eq!(place.names(""), ["x.plan"]);
}

#[test]
fn what_may_be_private_is_for_its_owner_whatever_the_umask() {
    let place = Place::new();
    let story =
        "umask 000; \"$0\" plan -o x.plan && \"$0\" apply -q --auto-approve && \"$0\" state backup copy.db";
    let ended = place.command("sh").args(["-c", story, PODFORM]).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let private = [
        "x.plan",
        "copy.db",
        "state/acme.simulated.db",
        "state/acme.simulated.db.lock",
        "state/simulator.db",
    ];
    for path in private {
        assert_eq!(place.mode(path), 0o600, "{path}");
    }
    assert_eq!(place.mode("state"), 0o755);
    let story = "umask 000; \"$0\" init made && \"$0\" man --into manual";
    let ended = place.command("sh").args(["-c", story, PODFORM]).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    for path in ["made/pods.yaml", "made/podform.schema.json", "made/.gitignore", "manual/podform.1"] {
        assert_eq!(place.mode(path), 0o644, "{path}");
    }
    for path in ["made", "made/state", "manual"] {
        assert_eq!(place.mode(path), 0o755, "{path}");
    }
}

#[test]
fn what_must_be_new_is_not_written_through_a_link() {
    let place = Place::new();
    place.succeeds("apply -q --auto-approve");
    for name in ["copy.db", "copy.db.new", "copy.db-journal"] {
        symlink(place.outside("nowhere"), place.path(name)).unwrap();
    }
    let (code, told) = place.refused("state backup copy.db");
    assert_eq!((code, told.ends_with("`copy.db`: it exists already")), (1, true), "{told}");
    assert!(!place.outside("nowhere").exists());

    fs::create_dir(place.path("trial")).unwrap();
    symlink(place.outside("nowhere"), place.path("trial/pods.yaml")).unwrap();
    place.succeeds("init trial");
    assert!(!place.outside("nowhere").exists());
    place.pipe("trial/taken");
    assert_eq!(place.refused("import --all --write trial/taken").0, 0, "there is nothing to take over");
}

#[test]
fn only_files_are_read() {
    let place = Place::new();
    place.pipe("pipe");
    fs::create_dir(place.path("folder")).unwrap();
    symlink("/dev/zero", place.path("zero")).unwrap();
    let cases = [
        ("/dev/zero", "it is no ordinary file"),
        ("zero", "it is no ordinary file"),
        ("/dev/null", "it is no ordinary file"),
        ("pipe", "it is no ordinary file"),
        ("folder", "it is a directory"),
        ("/dev/fd/0", "it is neither a file nor a pipe"),
        ("/dev/fd/77", "there is no such file"),
    ];
    for (path, why) in cases {
        for command in ["show", "apply"] {
            let refused = (3, format!("error: failed to read `{path}`\n  because {why}"));
            assert_eq!(place.refused(&format!("{command} {path}")), refused);
        }
        let (code, told) = place.refused(&format!("validate -f {path}"));
        assert_eq!(code, 3);
        let expected = format!("error: cannot read the spec file: `{path}`: {why}\n");
        assert!(told.starts_with(&expected), "{told}");
    }
    // A secret is read from a file only, too.
    let spec = SPEC.replace("pods:", "secrets: { token: { file: pipe } }\npods:");
    let spec = spec.replace("gpu: L4", "gpu: L4, env: { TOKEN: { secret: token } }");
    fs::write(place.path("pods.yaml"), spec).unwrap();
    let told = "error: failed to read secret `token` from `pipe`\n  because it is no ordinary file";
    assert_eq!(place.refused("plan"), (3, told.to_owned()));
}

#[test]
fn a_spec_may_come_through_a_pipe_of_the_shell() {
    let place = Place::new();
    let piped = "cat pods.yaml | \"$0\" validate -f /dev/stdin && \"$0\" validate -f <(cat pods.yaml)";
    let ended = place.command("bash").args(["-c", piped, PODFORM]).output().unwrap();
    let told = "The spec is valid: 1 pod and 0 network volumes.\n".repeat(2);
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), told);
}

#[test]
fn a_state_is_the_file_of_that_name_whatever_the_name() {
    for name in
        ["file:x?mode=memory", "file:x?vfs=none", ":memory:", "file::memory:?cache=shared", "a%20b#c.db"]
    {
        let place = Place::new();
        // What begins like a URL is taken for one, so such a file is named as one of this folder.
        place.succeeds(&format!("apply -q --auto-approve --state ./{name}"));
        assert_eq!(place.names(""), [name.to_owned(), format!("{name}.lock"), "state".to_owned()]);
        place.succeeds(&format!("state list --state ./{name}"));
        place.succeeds(&format!("state backup {name}.copy --state ./{name}"));
        place.succeeds(&format!("plan --detailed-exitcode --state ./{name}.copy"));
        place.succeeds(&format!("plan --detailed-exitcode --state /{}", place.path(name).display()));
        assert_eq!(place.mode(&format!("{name}.copy")), 0o600);
    }
}

#[test]
fn a_state_that_is_no_file_is_refused() {
    let place = Place::new();
    place.pipe("pipe");
    for (path, why) in
        [("pipe", "it is no ordinary file"), ("/dev/zero", "it is no ordinary file"), (".", "it is a folder")]
    {
        for command in ["plan", "apply --auto-approve"] {
            let refused = (1, format!("error: failed to open state `{path}`: {why}"));
            assert_eq!(place.refused(&format!("{command} --state {path}")), refused);
        }
    }
}

#[test]
fn a_lock_that_is_a_link_or_a_pipe_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path("state")).unwrap();
    let lock = place.path("state/acme.simulated.db.lock");
    symlink(place.outside("victim"), &lock).unwrap();
    let refused =
        |why| (1, format!("error: failed to write state `state/acme.simulated.db`: its lock {why}"));
    assert_eq!(
        place.refused("apply --auto-approve"),
        refused("`state/acme.simulated.db.lock`: it is a link")
    );
    fs::remove_file(&lock).unwrap();
    place.pipe("state/acme.simulated.db.lock");
    assert_eq!(
        place.refused("apply --auto-approve"),
        refused("`state/acme.simulated.db.lock`: it is no ordinary file")
    );
    place.assert_victim_is_whole();
}

#[test]
fn a_spec_keeps_its_state_below_its_folder() {
    let place = Place::new();
    fs::create_dir(place.outside("elsewhere")).unwrap();
    symlink(place.outside("elsewhere"), place.path("out")).unwrap();
    symlink(place.outside("victim"), place.path("link.db")).unwrap();
    let elsewhere = place.outside("elsewhere/acme.db").display().to_string();
    for path in ["../acme.db", "state/../../acme.db", &elsewhere, "out/acme.db", "link.db"] {
        let spec = SPEC.replace("pods:", &format!("state_file: '{path}'\npods:"));
        fs::write(place.path("pods.yaml"), spec).unwrap();
        let why =
            format!("error: the spec keeps the state in `{path}`, which is outside the working directory");
        for command in
            ["plan", "apply --auto-approve", "destroy --auto-approve", "state list", "state rebuild"]
        {
            assert_eq!(place.refused(command), (3, why.clone()));
        }
    }
    // Who calls podform may name any file.
    place.succeeds(&format!("apply -q --auto-approve --state {elsewhere}"));
    place.assert_victim_is_whole();
    // A folder that is a link counts like a path, whatever is kept in it.
    fs::write(place.path("pods.yaml"), SPEC).unwrap();
    fs::remove_dir_all(place.path("state")).unwrap();
    symlink(place.outside("elsewhere"), place.path("state")).unwrap();
    let why =
        "error: the spec keeps the state in `state/simulator.db`, which is outside the working directory";
    assert_eq!(place.refused("plan"), (3, why.to_owned()));
}

#[cfg(feature = "object-store")]
#[test]
fn a_folder_is_named_by_the_caller_and_by_no_spec() {
    let place = Place::new();
    place.succeeds("apply -q --auto-approve --state state/acme.db");
    let folder = place.outside("shared/acme").display().to_string();
    let moved = place.refused(&format!("state migrate --state state/acme.db --to file://{folder}"));
    let said = format!(
        "the state lies at `file://{folder}`, and `state/acme.db` says so; next: give it with `--state` or in \
         `PODFORM_STATE` (`file://{folder}`), as no spec may name such a place, and run `podform plan`"
    );
    assert_eq!(moved, (0, said));
    // A place inside another one, and another name of the same.
    let inside = format!("{folder}/log");
    let other = place.outside("link").display().to_string();
    symlink(place.outside("shared"), place.outside("link")).unwrap();
    for (to, why) in [
        (
            format!("file://{inside}"),
            format!("`file://{inside}` lies inside `file://{folder}`, where a state keeps its own files"),
        ),
        (
            format!("{other}/acme/log/acme.db"),
            format!(
                "`{other}/acme/log/acme.db` lies inside `file://{folder}`, where a state keeps its own files"
            ),
        ),
        (
            format!("file://{other}/acme"),
            format!(
                "`file://{folder}` and `file://{other}/acme` are two names of one place, and the state lies there"
            ),
        ),
        (
            format!("file://{folder}?lease=5s"),
            format!(
                "`file://{folder}` and `file://{folder}?lease=5s` are two names of one place, and the state lies there"
            ),
        ),
    ] {
        let refused = place.refused(&format!("state migrate --state file://{folder} --to {to}"));
        assert_eq!(refused, (3, format!("error: {why}")));
    }
    fs::write(
        place.path("pods.yaml"),
        SPEC.replace("pods:", &format!("state_url: 'file://{folder}'\npods:")),
    )
    .unwrap();
    let why = format!(
        "error: the spec keeps the state in the folder `{folder}`, and a spec names no folder by URL"
    );
    assert_eq!(place.refused("plan"), (3, why));
}

#[test]
fn a_simulated_world_is_kept_in_the_file_of_that_name() {
    let place = Place::new();
    for name in ["file:w?mode=memory", ":memory:"] {
        let mut served = place
            .command(PODFORM)
            .args(["simulate", "--store", name])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(served.stdout.take().unwrap()), &mut line)
            .unwrap();
        served.kill().unwrap();
        served.wait().unwrap();
        assert_eq!(place.mode(name), 0o600);
    }
    place.pipe("pipe");
    let why = "error: failed to run the simulator\n  because failed to open `pipe`\n  because it is no ordinary file";
    assert_eq!(place.refused("simulate --store pipe"), (1, why.to_owned()));
    symlink(place.outside("nowhere"), place.path("link")).unwrap();
    assert_eq!(place.refused("simulate --store link").0, 1);
    assert!(!place.outside("nowhere").exists());
}
