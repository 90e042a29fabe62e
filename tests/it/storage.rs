//! A disk that fills up under the journal, and one that cannot be written, for real: a small tmpfs in a user and mount
//! namespace of its own, in which the test runs itself again. Where that is not allowed, this is said.
#![expect(clippy::disallowed_methods, reason = "the tests mount, fill and read a file system")]
#![expect(
    clippy::disallowed_macros,
    reason = "what was shown is said as a figure, and what could not be shown too"
)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::served::{Audit, Place, shown};

/// Set for the process that runs the test again, where a tmpfs is mounted.
const MOUNTED: &str = "PODFORM_TEST_SMALL_DISK";

const SPEC: &str = "\
volumes:
  data: { size: 100GB, data_center: EU-RO-1 }
defaults: { image: 'ubuntu:24.04', gpu: L4, placement: { data_centers: [EU-RO-1] } }
pods:
  one: { volumes: ['data:/data'] }
  two: { depends_on: [one] }
  three: {}
";

/// Runs this test again where a small disk is mounted, and there returns the disk; elsewhere the test is over.
fn small_disk(test: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(MOUNTED) {
        return Some(PathBuf::from(disk));
    }
    let can_mount =
        Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success());
    if !can_mount {
        println!("skipped: this user may not mount");
        return None;
    }
    let disk = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=4m tmpfs \"$1\" && exec \"$2\" --exact \"$3\" --nocapture";
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", mount, "sh"])
        .args([disk.path().as_os_str(), std::env::current_exe().unwrap().as_os_str(), test.as_ref()])
        .env(MOUNTED, disk.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{}", shown(&output));
    said.lines().filter(|line| line.starts_with("shown: ")).for_each(|line| println!("{line}"));
    None
}

/// Fills a disk so that this much is left, and returns the file that does it.
fn fill(disk: &Path, left: u64) -> PathBuf {
    let path = disk.join("ballast");
    let mut file = File::create(&path).unwrap();
    // To the last byte, and then back.
    while file.write_all(&[0; 4096]).is_ok() {}
    let length = file.metadata().unwrap().len();
    file.set_len(length - left).unwrap();
    path
}

/// What was said of a failed write; the state itself is then whole.
fn assert_says_full(output: &Output) {
    let all = shown(output);
    assert!(all.contains("disk is full") || all.contains("No space left on device"), "{all}");
}

#[test]
fn a_full_disk_loses_nothing() {
    let Some(disk) = small_disk("storage::a_full_disk_loses_nothing") else { return };
    let mut ended: Vec<(u64, i32, usize)> = Vec::new();
    for left in (0..).map(|step| step * 24 * 1024) {
        let state = disk.join(left.to_string()).join("killed.db");
        let place = Place::serve(&["--speed", "40"]).with_state(state.to_str().unwrap(), Vec::new());
        place.write_spec(SPEC);
        let ballast = fill(&disk, left);
        let cut = place.apply().output().unwrap();
        let code = cut.status.code().unwrap();
        if code != 0 {
            assert_says_full(&cut);
        }
        let made = place.pods().len();
        if code == 1 {
            assert_eq!(made, 0, "nothing was begun: {}", shown(&cut));
        }
        // Still full: a plan needs no space.
        let planned = place.run(&["plan"]);
        assert!(matches!(planned.status.code(), Some(0 | 4)), "{}", shown(&planned));
        fs::remove_file(ballast).unwrap();
        place.apply_to_the_end();
        assert_eq!(place.audit(&BTreeSet::new()), Audit::default(), "with {left} bytes left");
        place.assert_plan_is_empty();
        fs::remove_dir_all(state.parent().unwrap()).unwrap();
        ended.push((left, code, made));
        if code == 0 {
            break;
        }
    }
    let codes: BTreeSet<i32> = ended.iter().map(|(_, code, _)| *code).collect();
    assert_eq!(codes, BTreeSet::from([0, 1, 7]), "{ended:?}");
    assert!(ended.iter().any(|(_, code, made)| *code == 7 && *made > 0), "cut short with pods: {ended:?}");
    println!("shown: a disk with so many bytes left, the exit code and the pods made: {ended:?}");
}

fn remount(disk: &Path, how: &str) {
    let done = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(disk).status().unwrap();
    assert!(done.success());
}

#[test]
fn a_state_that_cannot_be_written_is_planned_from_and_not_applied() {
    let test = "storage::a_state_that_cannot_be_written_is_planned_from_and_not_applied";
    let Some(disk) = small_disk(test) else { return };
    let place =
        Place::serve(&["--speed", "40"]).with_state(disk.join("killed.db").to_str().unwrap(), Vec::new());
    place.write_spec(SPEC);
    place.apply_to_the_end();
    place.write_spec(&SPEC.replace("three: {}", "three: { state: stopped }\n  four: {}"));
    let before = (place.prior(), place.pods().len());
    remount(&disk, "ro");

    let planned = place.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(planned.status.code(), Some(2), "{}", shown(&planned));
    let refused = place.apply().output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", shown(&refused));
    let said = String::from_utf8(refused.stderr).unwrap().replace(disk.to_str().unwrap(), "DISK");
    insta::assert_snapshot!(said, @"
    error: state `DISK/killed.db` cannot be written: its lock `DISK/killed.db.lock`: Read-only file system (os error 30)
    hint: plan needs no writing; apply does, so give another file with `--state PATH`
    ");
    assert_eq!((place.prior(), place.pods().len()), before, "nothing was done");

    remount(&disk, "rw");
    place.apply_to_the_end();
    assert_eq!(place.audit(&BTreeSet::new()), Audit::default());
    place.assert_plan_is_empty();
    assert_eq!(place.pods().len(), 4);
    println!("shown: a plan on a read-only disk, an apply that is refused, and one that goes on");
}
