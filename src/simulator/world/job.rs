//! Containers that run a command once and stop their own pod: known by their entrypoint, a shell that is given a name, a
//! token and what it leaves behind before the command.
//!
//! How the command turns out is asked for by words in the image's name, as for every other container.

use serde::{Deserialize, Serialize};

/// How long a command takes unless the image says otherwise, in milliseconds.
const USUAL: u64 = 60_000;
/// How long `runpodctl` takes until the pod is stopped, in milliseconds.
const STOPPING: u64 = 2_000;
/// How long the shell waits before it asks `runpodctl` again, in milliseconds.
const AGAIN: u64 = 15_000;
/// How often `runpodctl` fails where the image says so.
const FAILURES: u64 = 3;

/// How a command that runs once turns out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// When the command ends after the container came up, in milliseconds; `None` if it never does.
    pub takes: Option<u64>,
    /// Its exit code.
    pub code: u8,
    /// Whether the line that tells the code gets into the log.
    pub tells: bool,
    /// How long after the command the pod stops itself, in milliseconds; `None` if it stays.
    pub stops: Option<u64>,
}

impl Errand {
    /// Returns what becomes of a container with this entrypoint and image, if it runs a command once. The program of an image
    /// may stop its own pod as well, and tells nobody.
    pub fn of(entrypoint: &[String], image: &str) -> Option<Self> {
        let run = named(entrypoint);
        let leaves = match run {
            Some((_, leaves)) => leaves,
            None if image.contains("stops-itself") => "stop",
            None => return None,
        };
        let word = |prefix: &str| {
            image
                .split(['/', ':', '-', '.', '_'])
                .collect::<Vec<_>>()
                .windows(2)
                .find_map(|pair| if pair[0] == prefix { pair[1].parse::<u64>().ok() } else { None })
        };
        let is_cut_off = image.contains("cut-off");
        let stopping = if image.contains("stuck-stop") { FAILURES * AGAIN } else { 0 } + STOPPING;
        Some(Self {
            takes: (!image.contains("endless"))
                .then(|| word("takes").map_or(USUAL, |seconds| seconds * 1_000)),
            code: word("exit").and_then(|code| u8::try_from(code).ok()).unwrap_or(0),
            tells: run.is_some() && !is_cut_off && !image.contains("log-lost"),
            stops: (leaves == "stop" || is_cut_off).then_some(stopping),
        })
    }

    /// Returns when the pod stops itself after its container came up, in milliseconds.
    pub fn lasts(self) -> Option<u64> {
        Some(self.takes? + self.stops?)
    }

    /// Returns when the line is written that tells the code, after the container came up, in milliseconds.
    pub fn told(self) -> Vec<u64> {
        let Some(takes) = self.takes.filter(|_| self.tells) else { return Vec::new() };
        (0..=self.stops.unwrap_or(0) / AGAIN).map(|again| takes + again * AGAIN).collect()
    }
}

/// Returns the token and what is left behind.
fn named(entrypoint: &[String]) -> Option<(&str, &str)> {
    match entrypoint {
        [shell, flag, _, name, token, leaves]
            if shell == "/bin/sh" && flag == "-c" && name == "podform-job" =>
        {
            Some((token, leaves))
        }
        _ => None,
    }
}

/// Returns the token of the run that a container with this entrypoint is, if it runs a command once.
pub fn run(entrypoint: &[String]) -> Option<&str> {
    named(entrypoint).map(|(token, _)| token)
}

/// Returns the line that tells a code.
pub fn line(entrypoint: &[String], code: u8) -> Option<String> {
    run(entrypoint).map(|token| format!("podform-exit {token} {code}"))
}

#[cfg(test)]
mod tests {
    use crate::simulator::world::World;
    use crate::simulator::world::log;
    use crate::simulator::world::moment::Moment;
    use crate::simulator::world::order::{PodChange, PodOrder};
    use crate::simulator::world::settings::SettingsChange;

    fn shell(run: &str) -> Vec<String> {
        ["/bin/sh", "-c", "script", "podform-job", run, "stop"].map(str::to_owned).into()
    }

    #[test]
    fn a_run_that_is_given_to_a_pod_that_is_down_has_not_ended() {
        let mut world = World::new(1, 1, Moment::EPOCH);
        let mut order = PodOrder::gpu("job", "img:1", "NVIDIA A40");
        order.settings.entrypoint = shell("1111111111111111");
        let pod = world.create_pod(order).unwrap();
        let told = |world: &World| -> Vec<String> {
            let lines = log::lines(world.made(&pod), world.seed(), world.now()).into_iter();
            lines.map(|line| line.text).filter(|text| text.starts_with("podform-exit")).collect()
        };
        world.pass(200_000);
        assert_eq!(told(&world), ["podform-exit 1111111111111111 0"]);
        let (image, entrypoint) = (Some("img:2".to_owned()), Some(shell("2222222222222222")));
        let settings = SettingsChange { image, entrypoint, ..SettingsChange::default() };
        world.update_pod(&pod.0, PodChange { settings, ..PodChange::default() }).unwrap();
        assert_eq!(told(&world), ["podform-exit 1111111111111111 0"]);
        world.start_pod(&pod.0, None).unwrap();
        assert!(told(&world).is_empty());
        world.pass(200_000);
        assert_eq!(told(&world), ["podform-exit 2222222222222222 0"]);
    }
}
