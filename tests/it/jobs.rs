//! The shell that podform sends for a job, as a shell runs it.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests run programs in folders of their own")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use podform::model::job::{self, Then};
use podform::model::marker::Token;

/// `sleep` takes no time, and `runpodctl` knows one order of its words, fails at first, and then stops the pod, which is the shell.
const STOPS: &str = "#!/bin/sh
[ \"$1 $2\" = 'stop pod' ] || exit 1
echo >> \"$CALLS\"
[ $(wc -l < \"$CALLS\") -lt 3 ] || kill -KILL $PPID
exit 1
";

struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap() };
        stage.program("sleep", "#!/bin/sh\nexit 0\n");
        stage.program("runpodctl", STOPS);
        stage
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn begin(&self, command: &[&str]) -> Child {
        let run: Token = "00000000000000aa".parse().unwrap();
        let sent = job::sent(&job::for_run(&job::entrypoint(Then::Stop), &run));
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let (shell, arguments) = sent.split_first().unwrap();
        Command::new(shell)
            .args(arguments)
            .args(command)
            .env("PATH", path)
            .env("CALLS", self.folder.path().join("calls"))
            .env("RUNPOD_POD_ID", "pod")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn says(&self, command: &[&str]) -> String {
        let told = self.begin(command).wait_with_output().unwrap();
        String::from_utf8(told.stdout).unwrap()
    }
}

#[test]
fn arguments_arrive_as_they_are_and_the_pod_is_stopped_at_last() {
    let said = Stage::new().says(&["printf", "<%s>", "a b", "it's", "$HOME `id` \"x\"", "", "*"]);
    let line = "\npodform-exit 00000000000000aa 0\n";
    assert_eq!(said, format!("<a b><it's><$HOME `id` \"x\"><><*>{line}{line}{line}"));
}

#[test]
fn every_code_is_told_that_a_command_can_end_with() {
    let cases: [(&[&str], u32); 5] = [
        (&["true"], 0),
        (&["sh", "-c", "exit 3"], 3),
        (&["sh", "-c", "kill -KILL $$"], 137),
        (&["no-such-program"], 127),
        (&["/"], 126),
    ];
    for (command, code) in cases {
        let said = Stage::new().says(command);
        let run = "00000000000000aa".parse().unwrap();
        let told: Vec<u32> = said.lines().filter_map(|line| job::exit_code(line, &run)).collect();
        assert_eq!(told, [code; 3], "{command:?}: {said}");
    }
}

/// What is cut off tells of no end, even if it takes the signal for a reason to end well.
#[test]
fn a_stopped_container_hands_the_signal_on_and_tells_nothing() {
    let patient = "trap 'echo saved; exit 0' TERM; echo up; while :; do read -r _ < /dev/null; done";
    let mut job = Stage::new().begin(&["sh", "-c", patient]);
    let mut out = BufReader::new(job.stdout.take().unwrap());
    let mut said = String::new();
    out.read_line(&mut said).unwrap();
    assert!(Command::new("kill").args(["-TERM", &job.id().to_string()]).status().unwrap().success());
    out.read_to_string(&mut said).unwrap();
    assert_eq!((said.as_str(), job.wait().unwrap().code()), ("up\nsaved\n", Some(0)));
}
