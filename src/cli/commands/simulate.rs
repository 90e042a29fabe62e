//! `podform simulate`: serves a simulated RunPod until it is interrupted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::ValueEnum;
use tokio::net::TcpListener;

use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::shell::Shell;
use crate::cli::signals::Guarded;
use crate::simulator::door::{HostName, NoHostName};
use crate::simulator::{self, Contract, Door, FaultScript, QuotaSetting, Settings, Simulation, V1Form};

/// The language of fault scripts, for whoever writes one.
const FAULT_HELP: &str = "\
Make requests go wrong as this script says: rules `REQUEST=FAULT`, separated by commas

REQUEST is a kind of request, over whichever API it comes, and which of them: `create#2` is the second create, `list#3-5` the third to the fifth \
listing, `create` every create, `create@40m` every create of the world's next 40 minutes. Kinds: list, get, create, update, start (or resume), stop, restart, terminate (or delete), list-volumes, \
get-volume, create-volume, update-volume, delete-volume, list-secrets, create-secret, \
update-secret, delete-secret, list-registries, get-registry, create-registry, delete-registry, logs, catalog, probe, other, any.

FAULT is one of
  refused              rejected for good
  broken               400 for a mistake of RunPod's own
  no-capacity          nothing in stock; `no-capacity:gpu=NVIDIA L4` of one GPU, `no-capacity:dc=EU-RO-1` in one data center
  throttled            429, to be tried again in 2 seconds; `throttled:12` in 12
  unavailable          503, not done
  done-but-500         done, answered with a 500
  done-but-timeout     done, never answered
  not-done-timeout     not done, never answered
  slow                 done, answered after 5 seconds; `slow:8` after 8
  did-nothing          answered as if done, not done
  malformed, truncated, wrong-content-type
                       done, answered with broken JSON, with half of it, with a web page
  odd-entry, nameless-entry
                       done, answered with lists whose first entry cannot be understood, or has no id
  no-date, skewed-date done, the time not told, or an hour ahead; `skewed-date:-90` 90 seconds behind
  redirect             307, not done
  key-refused          401
  forbidden, waf       403 of the API, of the firewall in front of it
  stale, lagging, duplicate
                       a listing from before the last change, without the pods of the last minute, with each pod twice
  zero-gpu             the pod starts without a GPU
  host-full, host-lost the pod's host is full, or gone, from now on
  locked               somebody locked the pod
  outbid               somebody bid more for a spot pod
  migrating            RunPod begins to move the pod, which takes some minutes: until then it refuses whatever is asked of it
  slow-boot            done, and the container comes up 600 seconds later; `slow-boot:90` 90
  never-ready          done, and what runs in the container never listens at its ports; of a probe: 502
  502-until            done, and it listens 60 seconds after the container is up; `502-until:300` 300
  job-fails            done, and the job of the container ends with code 1; `job-fails:3` with 3
  job-takes            done, and the job runs for 300 seconds in place of 60; `job-takes:900` for 900
  job-endless          done, and the job never ends
  job-untold           done, and the line that tells the code of the job does not get into the log
  job-cut-off          done, and the pod is stopped at the end of the job without that line
  job-slow-stop        done, and the pod needs several tries to stop itself after the job
  balance              the account is empty from now on; `--balance` fills it again
  random:10            a tenth of these requests fail in ways that a patient caller survives; drawn from the seed";

/// Serve the RunPod simulator and print its URL
#[derive(clap::Args)]
#[command(after_help = "Example:\n  podform simulate --store state/simulator.db --listen 127.0.0.1:8080\n  \
    podform simulate --fault 'create#2=done-but-500,list#3-5=lagging'")]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Answer requests for this host too, beside this computer and RunPod's own names
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Keep the world in this file; without it the world ends with the command
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Seed of a world that is made
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Seconds of world time that pass in a second, at most 200; podform measures `boot`, `ready` and `retry` by them
    // A pod is told from a copy by the minute after its request. In a faster world answers take longer than that.
    #[arg(long, value_name = "FACTOR", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=200))]
    speed: u32,
    /// Requests a minute, or `none`
    #[arg(long, value_name = "N", default_value = "600", value_parser = quota)]
    quota: QuotaSetting,
    /// Put so many US dollars on the account, also of a world that is there already: a top-up
    #[arg(long, value_name = "USD", value_parser = micro_dollars)]
    balance: Option<i64>,
    /// Accept this key alone; without it any will do
    // Shown nowhere: a test may hand over a key that is a real one.
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<String>,
    /// For how many seconds at most what is made may be missing from listings and by its id, or `none`
    #[arg(long, value_name = "SECONDS", value_parser = lag)]
    lag: Option<u64>,
    /// Rent spot pods over GraphQL and REST v1, as RunPod did until 2026
    #[arg(long)]
    spot: bool,
    /// Which contract REST v2 speaks: that of August 2026 has no pages
    #[arg(long, value_enum, value_name = "MONTH", default_value_t = RestV2::Autumn)]
    contract: RestV2,
    /// Cut the lists of REST v2 into pages of at most so many, whatever is asked for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    page: Option<u32>,
    /// How REST v1 answers
    #[arg(long, value_enum, value_name = "FORM", default_value_t = RestV1::Documented)]
    v1: RestV1,
    /// Make requests go wrong as this script says
    #[arg(long, value_name = "SCRIPT", long_help = FAULT_HELP)]
    fault: Option<String>,
    /// What compute costs from now on, in percent of what RunPod published
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    prices: Option<u32>,
}

/// Which contract the simulator's REST v2 speaks.
#[derive(Clone, Copy, ValueEnum)]
enum RestV2 {
    /// Whole lists, and a command as one text
    #[value(name = "2026-08")]
    August,
    /// Pages
    #[value(name = "2026-11")]
    Autumn,
}

/// How the simulator's REST v1 answers.
#[derive(Clone, Copy, ValueEnum)]
enum RestV1 {
    /// As its document says
    Documented,
    /// As it was seen live: prices as text, `null` and `{}` where the document has objects
    Loose,
    /// With 410 Gone, as after its end
    Retired,
}

pub async fn run(shell: &Shell, args: &Args) -> Result<Exit, Failure> {
    let hosts = args.host.iter().map(|name| name.parse()).collect::<Result<Vec<HostName>, NoHostName>>();
    let hosts = hosts.map_err(flag)?;
    let simulation = simulation(args)?;
    let mut signals = shell.signals.give();
    let listener = TcpListener::bind(args.listen).await.map_err(Failure::simulator)?;
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
    simulation.catch_up().map_err(Failure::simulator)?;
    let served = simulator::serve(listener, simulation.clone(), Door::with(hosts), std::future::pending());
    let served = signals.until_first(served).await;
    let caught_up = simulation.catch_up();
    drop(announcement);
    match served {
        Guarded::Finished(served) => served.map_err(Failure::simulator)?,
        Guarded::Interrupted => {}
    }
    caught_up.map_err(Failure::simulator)?;
    Ok(exit::DONE)
}

/// Opens the world, as the flags have it.
fn simulation(args: &Args) -> Result<Simulation, Failure> {
    let Args {
        store, seed, speed, quota, balance, prices, spot, v1, fault, contract, page, key, lag, ..
    } = args;
    let faults: FaultScript = fault.as_deref().unwrap_or_default().parse().map_err(flag)?;
    let v1 = match v1 {
        RestV1::Documented => V1Form::Documented,
        RestV1::Loose => V1Form::Loose,
        RestV1::Retired => V1Form::Retired,
    };
    let contract = match contract {
        RestV2::August => Contract::August,
        RestV2::Autumn => Contract::Autumn,
    };
    let settings = Settings {
        seed: *seed,
        speed: *speed,
        quota: *quota,
        faults,
        spot: *spot,
        v1,
        contract,
        page: *page,
        key: key.clone(),
        ..Settings::default()
    };
    let simulation = match store {
        Some(path) => Simulation::open(path, settings).map_err(Failure::simulator)?,
        None => Simulation::new(settings),
    };
    if let Some(micros) = balance {
        simulation.try_edit(|world| world.set_balance(*micros)).map_err(Failure::simulator)?;
    }
    if let Some(percent) = prices {
        simulation.try_edit(|world| world.set_prices(*percent)).map_err(Failure::simulator)?;
    }
    if let Some(millis) = lag {
        simulation.try_edit(|world| world.set_lag(*millis)).map_err(Failure::simulator)?;
    }
    Ok(simulation)
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

fn flag(error: impl ToString) -> Failure {
    Failure::Simulation { why: error.to_string() }
}

/// Reads an amount of money.
fn micro_dollars(text: &str) -> Result<i64, &'static str> {
    let dollars: Option<f64> = text.parse().ok().filter(|dollars| (0.0..=1e9).contains(dollars));
    // Within these bounds every micro-dollar is a whole number in both types.
    dollars.map(|dollars| (dollars * 1e6).round() as i64).ok_or("an amount such as 25 or 0.50")
}

/// Reads a key as the header of a request can carry it.
fn key(text: &str) -> Result<String, &'static str> {
    let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_one.then(|| text.to_owned()).ok_or("a key has letters, digits and signs, and no blanks")
}

/// Reads seconds as milliseconds. What is made must be seen while it is still waited for.
fn lag(text: &str) -> Result<u64, &'static str> {
    if text == "none" {
        return Ok(0);
    }
    let seconds = text.parse::<u64>().ok().filter(|seconds| *seconds <= 60);
    seconds.map(|seconds| seconds * 1_000).ok_or("seconds up to 60, or `none`")
}

fn quota(text: &str) -> Result<QuotaSetting, &'static str> {
    if text == "none" {
        return Ok(QuotaSetting::Unlimited);
    }
    let number = text.parse().ok().filter(|number| *number > 0);
    number.map(QuotaSetting::PerMinute).ok_or("a number above 0, or `none`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::FaultScriptError;

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
