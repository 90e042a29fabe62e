//! `podform simulate`: serves a simulated RunPod until it is interrupted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::cli::args::{Dollars, QuotaLimit, RestV1, SimulateArgs};
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::run::Shell;
use crate::cli::signals::Guarded;
use crate::simulator::door::{HostName, NoHostName};
use crate::simulator::{
    self, Door, FaultScript, FaultScriptError, QuotaSetting, Settings, Simulation, V1Form,
};

/// Runs the command.
pub async fn run(shell: &Shell, args: &SimulateArgs) -> Result<Exit, Failure> {
    let SimulateArgs { listen, host, store, seed, speed, quota, balance, prices, spot, v1, fault } = args;
    let faults: FaultScript = fault.as_deref().unwrap_or_default().parse().map_err(flag)?;
    let quota = match quota {
        QuotaLimit::None => QuotaSetting::Unlimited,
        QuotaLimit::PerMinute(number) => QuotaSetting::PerMinute(*number),
    };
    let door =
        host.iter().map(|name| name.parse()).collect::<Result<Vec<HostName>, NoHostName>>().map(Door::with);
    let door = door.map_err(|error| Failure::Flag(error.to_string()))?;
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
    let mut signals = shell.signals.give();
    let listener = TcpListener::bind(listen).await.map_err(Failure::simulator)?;
    let address = listener.local_addr().map_err(Failure::simulator)?;
    let url = url(address);
    let announcement = simulation.announce(&url).map_err(Failure::simulator)?;
    shell.output.data(&format!("{url}\n"));
    shell
        .output
        .note("RUNPOD_API_BASE_URL set to it, with any RUNPOD_API_KEY, points podform there; Ctrl-C ends it");
    if !address.ip().is_loopback() {
        shell.output.note(&format!(
            "warning: every computer that reaches {address} can change this world, whatever its key; \
             without `--listen` only this one can"
        ));
    }
    let served = simulator::serve(listener, simulation, door, std::future::pending());
    let served = signals.until_first(served).await;
    drop(announcement);
    match served {
        Guarded::Finished(served) => served.map_err(Failure::simulator)?,
        Guarded::Interrupted => {}
    }
    Ok(exit::DONE)
}

/// Returns the URL for programs of this computer: an address that stands for all of it is none to call.
fn url(address: SocketAddr) -> String {
    let here: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let ip = if address.ip().is_unspecified() { here } else { address.ip() };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

fn flag(error: FaultScriptError) -> Failure {
    Failure::Flag(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::FAULT_HELP;

    #[test]
    fn the_url_is_one_that_this_computer_can_call() {
        for (listens, called) in [
            ("127.0.0.1:80", "http://127.0.0.1:80"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::]:8080", "http://[::1]:8080"),
            ("192.0.2.7:8080", "http://192.0.2.7:8080"),
        ] {
            assert_eq!(url(listens.parse().unwrap()), called);
        }
    }

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
