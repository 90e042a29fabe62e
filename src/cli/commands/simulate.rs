//! `podform simulate`: serves a simulated RunPod until it is interrupted.

use tokio::net::TcpListener;

use crate::cli::args::{QuotaLimit, SimulateArgs};
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::signals::{Guarded, Signals};
use crate::simulator::{self, FaultScript, FaultScriptError, QuotaSetting, Settings, Simulation};

/// Runs the command.
pub async fn run(shell: &Shell, args: &SimulateArgs) -> Result<Exit, Failure> {
    let SimulateArgs { listen, store, seed, speed, quota, fault } = args;
    let faults: FaultScript = fault.as_deref().unwrap_or_default().parse().map_err(flag)?;
    let quota = match quota {
        QuotaLimit::None => QuotaSetting::Unlimited,
        QuotaLimit::PerMinute(number) => QuotaSetting::PerMinute(*number),
    };
    let settings = Settings { seed: *seed, speed: *speed, quota, faults, ..Settings::default() };
    let simulation = match store {
        Some(path) => Simulation::open(path, settings).map_err(Failure::simulator)?,
        None => Simulation::new(settings),
    };
    let mut signals = Signals::take_over().map_err(Failure::simulator)?;
    let listener = TcpListener::bind(listen).await.map_err(Failure::simulator)?;
    let url = format!("http://{}", listener.local_addr().map_err(Failure::simulator)?);
    let announcement = simulation.announce(&url).map_err(Failure::simulator)?;
    shell.output.data(&format!("{url}\n"));
    shell
        .output
        .note("RUNPOD_API_BASE_URL set to it, with any RUNPOD_API_KEY, points podform there; Ctrl-C ends it");
    let served = signals.until_first(simulator::serve(listener, simulation, std::future::pending())).await;
    drop(announcement);
    match served {
        Guarded::Finished(served) => served.map_err(Failure::simulator)?,
        Guarded::Interrupted => {}
    }
    Ok(exit::DONE)
}

fn flag(error: FaultScriptError) -> Failure {
    Failure::Flag(error.to_string())
}
