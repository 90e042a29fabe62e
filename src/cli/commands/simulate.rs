//! `podform simulate`: serves a simulated RunPod until it is interrupted.

use tokio::net::TcpListener;

use crate::cli::args::{Dollars, QuotaLimit, RestV1, SimulateArgs};
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::signals::{Guarded, Signals};
use crate::simulator::{self, FaultScript, FaultScriptError, QuotaSetting, Settings, Simulation, V1Form};

/// Runs the command.
pub async fn run(shell: &Shell, args: &SimulateArgs) -> Result<Exit, Failure> {
    let SimulateArgs { listen, store, seed, speed, quota, balance, prices, spot, v1, fault } = args;
    let faults: FaultScript = fault.as_deref().unwrap_or_default().parse().map_err(flag)?;
    let quota = match quota {
        QuotaLimit::None => QuotaSetting::Unlimited,
        QuotaLimit::PerMinute(number) => QuotaSetting::PerMinute(*number),
    };
    let v1 = match v1 {
        RestV1::Documented => V1Form::Documented,
        RestV1::Loose => V1Form::Loose,
        RestV1::Retired => V1Form::Retired,
    };
    let settings =
        Settings { seed: *seed, speed: *speed, quota, faults, spot: *spot, v1, ..Settings::default() };
    let simulation = match store {
        Some(path) => Simulation::open(path, settings).map_err(Failure::simulator)?,
        None => Simulation::new(settings),
    };
    if let Some(Dollars(micros)) = balance {
        simulation.try_edit(|world| world.set_balance(*micros)).map_err(Failure::simulator)?;
    }
    if let Some(percent) = prices {
        simulation.try_edit(|world| world.set_prices(*percent)).map_err(Failure::simulator)?;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::FAULT_HELP;

    #[test]
    fn help_names_every_kind_of_request_and_every_fault() {
        let mistake = |script: &str| script.parse::<FaultScript>().unwrap_err();
        let FaultScriptError::Operation { known: requests, .. } = mistake("what=refused") else { panic!() };
        let FaultScriptError::Class { known: faults, .. } = mistake("list=what") else { panic!() };
        let told: Vec<&str> = FAULT_HELP.split([' ', ',', '.', '\n', ':', '`']).collect();
        let is_told = |word: &&str| told.contains(word);
        let untold: Vec<&str> =
            requests.split(", ").chain(faults.split(", ")).filter(|word| !is_told(word)).collect();
        assert_eq!(untold, [] as [&str; 0]);
    }
}
