//! What a schedule depends on, as one line.

use std::fmt;
use std::str::FromStr;

use podform::simulator::FaultScript;

use super::ports::Crash;
use super::shapes::SHAPES;

/// Everything that one schedule depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// An index of [`SHAPES`].
    pub shape: usize,
    /// The seed of the world and of the jitter.
    pub seed: u64,
    pub parallelism: usize,
    /// One for each run that does not come to its end.
    pub crashes: Vec<Crash>,
    /// Where the first process is stopped, for longer than its lock lasts; it goes on so many seconds after another one
    /// has taken over.
    pub stop: Option<(Crash, u64)>,
    /// How the next process gets the lock of one that did not give it back.
    pub succession: Succession,
    /// In the simulator's words; requests are counted from the beginning of the last spec's apply.
    pub faults: String,
    /// When signals come, in milliseconds from the beginning.
    pub signals: Vec<u64>,
    /// What is switched off, to see that it is missed.
    pub without: Without,
    /// How long the engine thinks that listings may lag, in seconds.
    pub settling: u64,
    /// Requests that the API allows in a minute.
    pub quota: u32,
}

/// What is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Without {
    #[default]
    Nothing,
    /// Nobody finds a token again.
    Lookup,
    /// The journal keeps no intents.
    Intents,
    /// Who lost the lock writes on.
    Fence,
    /// An intent may be a day old when its request goes out.
    Freshness,
}

/// How the next process gets the lock of one that did not give it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Succession {
    /// It is free at once: the kernel frees the lock on a file, or somebody says `unlock`.
    #[default]
    Freed,
    /// It waits for the end of the lease.
    Expires,
}

impl Case {
    pub fn of(shape: usize) -> Self {
        Self {
            shape,
            seed: 1,
            parallelism: 10,
            crashes: Vec::new(),
            stop: None,
            succession: Succession::Freed,
            faults: String::new(),
            signals: Vec::new(),
            without: Without::Nothing,
            settling: 90,
            quota: 60,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            shape,
            seed,
            parallelism,
            crashes,
            stop,
            succession,
            faults,
            signals,
            without,
            settling,
            quota,
        } = self;
        let shape = SHAPES[*shape].name;
        write!(f, "shape={shape} seed={seed} parallelism={parallelism} settling={settling} quota={quota}")?;
        for crash in crashes {
            write!(f, " crash={crash}")?;
        }
        if let Some((stop, wakes)) = stop {
            write!(f, " stop={stop} wakes={wakes}")?;
        }
        if let Succession::Expires = succession {
            f.write_str(" lock=expires")?;
        }
        if !faults.is_empty() {
            write!(f, " faults={faults}")?;
        }
        for signal in signals {
            write!(f, " signal={signal}")?;
        }
        match without {
            Without::Nothing => Ok(()),
            Without::Lookup => f.write_str(" without=lookup"),
            Without::Intents => f.write_str(" without=intents"),
            Without::Fence => f.write_str(" without=fence"),
            Without::Freshness => f.write_str(" without=freshness"),
        }
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut case = Self::of(0);
        for word in text.split_whitespace() {
            let (key, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is not KEY=VALUE"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("`{word}` has no number"));
            match key {
                "shape" => {
                    let found = SHAPES.iter().position(|shape| shape.name == value);
                    case.shape = found.ok_or_else(|| format!("`{value}` is no shape"))?;
                }
                "seed" => case.seed = number()?,
                "parallelism" => case.parallelism = usize::try_from(number()?).unwrap_or(1),
                "settling" => case.settling = number()?,
                "quota" => case.quota = u32::try_from(number()?).unwrap_or(60),
                "crash" => case.crashes.push(value.parse()?),
                "stop" => case.stop = Some((value.parse()?, 0)),
                "wakes" => case.stop.as_mut().ok_or("`wakes` comes after `stop`")?.1 = number()?,
                "lock" if value == "expires" => case.succession = Succession::Expires,
                "faults" => {
                    value.parse::<FaultScript>().map_err(|error| error.to_string())?;
                    value.clone_into(&mut case.faults);
                }
                "signal" => case.signals.push(number()?),
                "without" if value == "lookup" => case.without = Without::Lookup,
                "without" if value == "intents" => case.without = Without::Intents,
                "without" if value == "fence" => case.without = Without::Fence,
                "without" if value == "freshness" => case.without = Without::Freshness,
                _ => return Err(format!("`{word}` is not known")),
            }
        }
        Ok(case)
    }
}
