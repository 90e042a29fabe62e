//! Containers that run a command once and stop their own pod: known by their entrypoint, a shell that is given a name, a
//! token and what it leaves behind before the command.
//!
//! How the command turns out is asked for by words in the image's name, as for every other container, or by a fault of the
//! request that begins the container.

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

/// What is otherwise with a command that runs once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slip {
    /// It takes so many seconds.
    Takes(u64),
    /// It never ends.
    Endless,
    /// It ends with this code.
    Fails(u8),
    /// The line that tells its code does not get into the log.
    Untold,
    /// The pod needs several tries to stop itself.
    SlowStop,
    /// The pod is stopped without the line, whatever it leaves behind.
    CutOff,
}

impl Slip {
    /// Returns it with another number, where it has one.
    pub fn with(self, number: u64) -> Option<Self> {
        match self {
            // No world lasts longer than a year.
            Self::Takes(_) => (number <= 31_536_000).then_some(Self::Takes(number)),
            Self::Fails(_) => u8::try_from(number).ok().map(Self::Fails),
            Self::Endless | Self::Untold | Self::SlowStop | Self::CutOff => None,
        }
    }
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
            let words: Vec<&str> = image.split(['/', ':', '-', '.', '_']).collect();
            words
                .windows(2)
                .find_map(|pair| if pair[0] == prefix { pair[1].parse::<u64>().ok() } else { None })
        };
        let has = |part: &str, slip| image.contains(part).then_some(slip);
        let slips = [
            word("takes").map(Slip::Takes),
            word("exit").and_then(|code| u8::try_from(code).ok()).map(Slip::Fails),
            has("endless", Slip::Endless),
            has("log-lost", Slip::Untold),
            has("stuck-stop", Slip::SlowStop),
            has("cut-off", Slip::CutOff),
        ];
        let errand = Self {
            takes: Some(USUAL),
            code: 0,
            tells: run.is_some(),
            stops: (leaves == "stop").then_some(STOPPING),
        };
        Some(slips.into_iter().flatten().fold(errand, Self::slipped))
    }

    /// Returns how it turns out where something is otherwise.
    pub fn slipped(self, slip: Slip) -> Self {
        match slip {
            Slip::Takes(seconds) => Self { takes: Some(seconds.saturating_mul(1_000)), ..self },
            Slip::Endless => Self { takes: None, ..self },
            Slip::Fails(code) => Self { code, ..self },
            Slip::Untold => Self { tells: false, ..self },
            Slip::SlowStop => Self { stops: self.stops.map(|_| FAILURES * AGAIN + STOPPING), ..self },
            Slip::CutOff => Self { tells: false, stops: Some(self.stops.unwrap_or(STOPPING)), ..self },
        }
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
    use super::Slip;
    use crate::simulator::world::World;
    use crate::simulator::world::log;
    use crate::simulator::world::moment::Moment;
    use crate::simulator::world::order::{PodChange, PodOrder};
    use crate::simulator::world::phase::Hindrance;
    use crate::simulator::world::pod::Status;
    use crate::simulator::world::settings::SettingsChange;

    fn shell(run: &str) -> Vec<String> {
        ["/bin/sh", "-c", "script", "podform-job", run, "stop"].map(str::to_owned).into()
    }

    /// A fault changes the run that the request begins, whatever the image asks for; other containers go on as ever.
    #[test]
    fn a_run_turns_out_as_a_fault_says() {
        let ends = |slip| {
            let mut world = World::new(1, 1, Moment::EPOCH);
            let mut order = PodOrder::gpu("job", "img:takes-30", "NVIDIA A40");
            order.settings.entrypoint = shell("1111111111111111");
            let job = world.create_pod(order).unwrap();
            let service = world.create_pod(PodOrder::gpu("service", "img:1", "NVIDIA A40")).unwrap();
            world.hinder_boots(Hindrance::Job(slip));
            let told = |world: &World| -> Vec<String> {
                let lines = log::lines(world.made(&job), world.seed(), world.now()).into_iter();
                lines
                    .filter_map(|line| {
                        Some(line.text.strip_prefix("podform-exit 1111111111111111 ")?.to_owned())
                    })
                    .collect()
            };
            let status = |world: &World, id| world.made(id).status(world.now());
            let mut said = Vec::new();
            for _ in 0..3 {
                world.pass(120_000);
                said.push(format!("{:?} ({})", status(&world, &job), told(&world).join(" ")));
            }
            assert_eq!(status(&world, &service), Status::Running);
            said.join(", ")
        };
        let slips =
            [Slip::Fails(3), Slip::Takes(200), Slip::Endless, Slip::Untold, Slip::CutOff, Slip::SlowStop];
        insta::assert_snapshot!(slips.map(ends).join("\n"), @"
        Exited (3), Exited (3), Exited (3)
        Running (), Exited (0), Exited (0)
        Running (), Running (), Running ()
        Exited (), Exited (), Exited ()
        Exited (), Exited (), Exited ()
        Exited (0 0 0 0), Exited (0 0 0 0), Exited (0 0 0 0)
        ");
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
