//! What one finished process cost.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::{ResUse, Wait4};

/// The cost of one process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// User and system time.
    pub cpu: Duration,
    /// From start to end.
    pub wall: Duration,
    /// The most memory, in bytes.
    pub peak: u64,
    /// Bytes written to anything but the standard streams.
    pub written: u64,
    /// Bytes printed.
    pub printed: u64,
    /// The exit code.
    pub code: i32,
}

/// Runs a command to its end.
///
/// Memory is counted from before the program is loaded, so the process that measures must be small itself.
#[expect(clippy::disallowed_methods, reason = "time and files are what is measured")]
pub fn measure(command: &mut Command) -> Cost {
    let began = Instant::now();
    let errors = std::fs::File::create(std::env::temp_dir().join("podform-bench.err")).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
    let mut printed = 0;
    let mut buffer = [0; 1 << 16];
    let mut stdout = child.stdout.take().unwrap();
    while let Ok(length @ 1..) = stdout.read(&mut buffer) {
        printed += length as u64;
    }
    // The process has ended but is not waited for, so that its counters are still there.
    let counters = std::fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap_or_default();
    let written = counters.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse::<u64>().ok());
    let ResUse { status, rusage } = child.wait4().unwrap();
    Cost {
        cpu: rusage.utime + rusage.stime,
        wall: began.elapsed(),
        peak: rusage.maxrss,
        written: written.unwrap_or_default().saturating_sub(printed),
        printed,
        code: status.code().unwrap_or(-1),
    }
}

/// Returns the median of each figure, and the worst exit code.
pub fn median(costs: &[Cost]) -> Cost {
    Cost {
        cpu: middle(costs, |cost| cost.cpu),
        wall: middle(costs, |cost| cost.wall),
        peak: middle(costs, |cost| cost.peak),
        written: middle(costs, |cost| cost.written),
        printed: middle(costs, |cost| cost.printed),
        code: costs.iter().map(|cost| cost.code).max().unwrap_or(-1),
    }
}

fn middle<T: Ord>(costs: &[Cost], figure: impl Fn(&Cost) -> T) -> T {
    let mut figures: Vec<T> = costs.iter().map(figure).collect();
    figures.sort();
    figures.swap_remove(costs.len() / 2)
}

/// Returns how cost grows with size: 1 is in proportion.
pub fn exponent((small, cheap): (usize, Duration), (large, dear): (usize, Duration)) -> f64 {
    (dear.as_secs_f64() / cheap.as_secs_f64()).ln() / (large as f64 / small as f64).ln()
}
