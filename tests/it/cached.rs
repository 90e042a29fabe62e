//! The cache of specs as users have it: it saves time, and nothing else tells that it is there.
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]
#![expect(clippy::disallowed_macros, reason = "what could not be shown is said")]

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::stage::PODFORM;

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

/// What `--verbose` says of a spec that was not parsed.
const READ_BEFORE: &str = "the spec is as it was read before";

/// A folder with a spec that is large enough to be kept, and a cache beside it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("work")).unwrap();
        place.write(0);
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Writes the spec of a project with this number. One of its pods asks for more than any GPU has, so that a plan has
    /// something to remark about a line of it.
    fn write(&self, number: usize) {
        let mut text = format!("version: 1\nproject: p{number}\nprovider: {{ kind: simulator }}\npods:\n");
        for pod in 0..600 {
            let price = if pod == 300 { "0.01" } else { "2.50" };
            writeln!(
                text,
                "  pod-{pod}:\n    image: ghcr.io/acme/worker:v1\n    gpu: [L40S, A40]\n    \
                 max_price: {price}\n    env: {{ NUMBER: '{pod}' }}"
            )
            .unwrap();
        }
        fs::write(self.path("work/pods.yaml"), text).unwrap();
    }

    fn podform(&self, arguments: &str) -> Command {
        let mut command = Command::new(PODFORM);
        command.current_dir(self.path("work")).args(arguments.split(' ')).stdin(Stdio::null());
        command.env_clear().env("XDG_CACHE_HOME", self.path("cache"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Validates, and tells whether the spec was taken from the cache.
    fn is_read_from_cache(&self) -> bool {
        was_read_from_cache(&self.podform("validate -v").output().unwrap())
    }

    /// Returns what is in the cache's folder.
    fn kept(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("cache/podform")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Returns the one file of the cache.
    fn only(&self) -> PathBuf {
        let kept = self.kept();
        assert_eq!(kept.len(), 1, "{kept:?}");
        kept[0].clone()
    }
}

fn was_read_from_cache(ended: &Output) -> bool {
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{told}");
    let printed = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(printed, "The spec is valid: 600 pods and 0 network volumes.\n");
    assert!(told.lines().all(|line| line == READ_BEFORE), "{told}");
    told.contains(READ_BEFORE)
}

fn mode(path: PathBuf) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_second_run_reads_what_the_first_one_kept() {
    let place = Place::new();
    assert!(!place.is_read_from_cache());
    assert!(place.is_read_from_cache());
    assert_eq!((mode(place.path("cache/podform")), mode(place.only())), (0o700, 0o600));
    place.write(1);
    assert!(!place.is_read_from_cache());
    assert_eq!(place.kept().len(), 2);
}

#[test]
fn a_plan_says_the_same_whether_its_spec_was_parsed_or_not() {
    let place = Place::new();
    for format in ["human", "json", "markdown"] {
        let plan = format!("plan --format {format}");
        fs::remove_dir_all(place.path("cache")).unwrap_or_default();
        let parsed = place.podform(&plan).output().unwrap();
        place.only();
        let read = place.podform(&plan).output().unwrap();
        assert_eq!(read, parsed);
    }
    let read = place.podform("plan").output().unwrap();
    assert!(String::from_utf8(read.stdout).unwrap().contains("at pods.yaml:1505:3"));
}

#[test]
fn damaged_files_are_written_anew() {
    let place = Place::new();
    assert!(!place.is_read_from_cache());
    let whole = fs::read(place.only()).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    for odd in [&changed[..], &whole[..100], b"", b"another program's"] {
        fs::write(place.only(), odd).unwrap();
        assert!(!place.is_read_from_cache());
        assert_eq!(fs::read(place.only()).unwrap(), whole);
    }
    fs::remove_dir_all(place.path("cache")).unwrap();
    assert!(!place.is_read_from_cache());
    assert!(place.is_read_from_cache());
}

/// Validates, and returns why what is kept was not looked at.
fn why_distrusted(place: &Place) -> String {
    let ended = place.podform("validate -v").output().unwrap();
    assert!(ended.status.success());
    let told = String::from_utf8(ended.stderr).unwrap();
    let folder = place.path("cache/podform");
    let prefix = format!("what is kept of specs in `{}` is not used: ", folder.display());
    told.trim_end().strip_prefix(&prefix).unwrap_or_else(|| panic!("{told}")).to_owned()
}

fn set_mode(path: PathBuf, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_others_can_write_is_not_believed() {
    let place = Place::new();
    assert!(!place.is_read_from_cache());
    for mode in [0o777, 0o770, 0o702] {
        set_mode(place.path("cache/podform"), mode);
        assert_eq!(why_distrusted(&place), "others can write it");
    }
    set_mode(place.path("cache/podform"), 0o755);
    assert!(place.is_read_from_cache());
    set_mode(place.only(), 0o622);
    assert_eq!(why_distrusted(&place), "others can write it");
    assert!(place.is_read_from_cache(), "it was written anew");
    set_mode(place.path("cache"), 0o777);
    assert_eq!(why_distrusted(&place), "others can write the folder above");
    // As `/tmp` is.
    set_mode(place.path("cache"), 0o1777);
    assert!(place.is_read_from_cache());
}

#[test]
fn what_is_reached_over_a_link_is_not_believed() {
    let place = Place::new();
    assert!(!place.is_read_from_cache());
    let entry = place.only();
    fs::rename(&entry, place.path("entry")).unwrap();
    symlink(place.path("entry"), &entry).unwrap();
    assert!(!place.is_read_from_cache());
    assert!(fs::symlink_metadata(&entry).unwrap().is_file(), "it was written anew, in place of the link");
    fs::rename(place.path("cache/podform"), place.path("elsewhere")).unwrap();
    symlink(place.path("elsewhere"), place.path("cache/podform")).unwrap();
    assert_eq!(why_distrusted(&place), "it is a link, or cannot be opened");
}

#[test]
fn an_entry_that_is_a_pipe_is_not_waited_for() {
    let place = Place::new();
    assert!(!place.is_read_from_cache());
    let entry = place.only();
    fs::remove_file(&entry).unwrap();
    assert!(Command::new("mkfifo").arg(&entry).status().unwrap().success());
    assert_eq!(why_distrusted(&place), "an entry is no ordinary file");
}

#[test]
fn what_belongs_to_another_user_is_not_believed() {
    let place = Place::new();
    assert!(!place.is_read_from_cache());
    let entry = place.only();
    for (path, why) in [
        (entry.clone(), "it belongs to another user"),
        (place.path("cache/podform"), "it belongs to another user"),
        (place.path("cache"), "the folder above belongs to another user"),
    ] {
        if chown(&path, Some(NOBODY), None).is_err() {
            println!("not shown: only root can give a file away");
            return;
        }
        assert_eq!(why_distrusted(&place), why);
        chown(&path, Some(0), None).unwrap();
        assert!(place.is_read_from_cache());
    }
    // Of another user's folder nothing is kept either.
    fs::remove_file(&entry).unwrap();
    chown(place.path("cache/podform"), Some(NOBODY), None).unwrap();
    assert_eq!(why_distrusted(&place), "it belongs to another user");
    assert_eq!(place.kept(), Vec::<PathBuf>::new());
}

#[test]
fn a_folder_that_cannot_be_made_is_no_mistake() {
    let place = Place::new();
    for folder in ["/dev/null", "/proc/1"] {
        let ended = place.podform("validate -v").env("XDG_CACHE_HOME", folder).output().unwrap();
        assert!(!was_read_from_cache(&ended));
    }
}

#[test]
fn the_folder_is_where_the_environment_says() {
    let place = Place::new();
    // A relative path is none.
    let mut command = place.podform("validate -v");
    command.env("XDG_CACHE_HOME", "cache").env("HOME", place.path("home"));
    assert!(!was_read_from_cache(&command.output().unwrap()));
    assert!(was_read_from_cache(&command.output().unwrap()));
    assert!(place.path("home/.cache/podform").is_dir());
    let work: Vec<_> = fs::read_dir(place.path("work")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(work, ["pods.yaml"]);
    command.env_clear();
    assert!(!was_read_from_cache(&command.output().unwrap()));
}

#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    let place = Place::new();
    let running: Vec<_> = (0..4).map(|_| place.podform("validate -v").spawn().unwrap()).collect();
    for process in running {
        was_read_from_cache(&process.wait_with_output().unwrap());
    }
    place.only();
    assert!(place.is_read_from_cache());
}

#[test]
fn the_newest_specs_are_kept() {
    let place = Place::new();
    for number in 0..10 {
        place.write(number);
        assert!(!place.is_read_from_cache());
    }
    assert_eq!(place.kept().len(), 8);
    assert!(place.is_read_from_cache());
    place.write(0);
    assert!(!place.is_read_from_cache());
}

#[test]
fn small_specs_are_not_kept() {
    let place = Place::new();
    let spec = "version: 1\nproject: p\npods: { a: { image: a/b:1, gpu: L40S } }\n";
    fs::write(place.path("work/pods.yaml"), spec).unwrap();
    assert!(place.podform("validate").output().unwrap().status.success());
    assert_eq!(place.kept(), Vec::<PathBuf>::new());
}
