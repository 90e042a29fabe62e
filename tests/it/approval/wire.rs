//! The account that a plan was made for, behind RunPod's HTTP interface, and every request that reaches it when a plan
//! is executed.

use std::time::Duration;

use podform::apply::{self, Context, Interrupt, Limited, Settings};
use podform::model::clock::{Clock, Timestamp};
use podform::model::live::{LivePod, LiveVolume, Seen};
use podform::model::plan::{Approval, ApprovedPlan, Planned};
use podform::model::pod::{Cloud, Compute, Storage};
use podform::model::volume::VolumeTier;
use podform::simulator::world::hosts::Cloud as WorldCloud;
use podform::simulator::world::moment::Moment;
use podform::simulator::world::order::PodOrder;
use podform::simulator::world::pod::{Mount, PodId};
use podform::simulator::world::settings::Settings as WorldSettings;
use podform::simulator::world::volume::{Tier, Volume, VolumeId};
use podform::simulator::{self, Simulation};
use podform::state::Run;
use podform::state::memory::MemoryState;
use tokio::sync::watch;

use crate::faults::lab::{WorldClock, in_paused_time};
use crate::kit;
use crate::plan::world::{World, time};
use crate::wire::{Recorder, Seen as Request};

/// An account with what a planner's world has in it. It is made once, as it is the same for every edit of a plan.
pub struct Account(simulator::World);

impl Account {
    pub fn of(world: &World) -> Self {
        let empty = simulator::World::new(1, 1, moment(time(1)));
        let volumes = world.live.volumes.values().filter_map(Seen::found).map(volume).collect();
        let mut account = simulator::World::restore(empty.ground().clone(), Vec::new(), volumes);
        let pods: Vec<&LivePod> = world.live.pods.values().filter_map(Seen::found).collect();
        for pod in &pods {
            account.create_pod_as(PodId(pod.id.to_string()), order(pod)).unwrap();
        }
        account.pass(moment(time(10_000)).since(account.now()));
        for pod in pods.iter().filter(|pod| !pod.status.is_up()) {
            account.stop_pod(pod.id.as_str()).unwrap();
        }
        Self(account)
    }

    /// Executes what the command line would, and returns every request as it arrived, in order.
    pub fn requests(&self, world: &World, planned: &Planned) -> Vec<Request> {
        let Planned::Changes(plan) = planned else { return Vec::new() };
        let approved = ApprovedPlan::new(plan.clone(), Approval::SavedPlan);
        in_paused_time(async {
            let simulation = Simulation::new(simulator::Settings { speed: 1, ..Default::default() });
            simulation.edit(|account| account.clone_from(&self.0));
            let recorder = Recorder::default();
            let client = recorder.tap(world.api, &simulation.router());
            let limited = Limited::new(&client, &kit::Silent, 1);
            let clock = WorldClock::new(&simulation);
            let run = Run { nonce: Some(plan.basis.nonce.clone()), ..kit::run("run", clock.now()) };
            let context = Context {
                provider: &limited,
                pods: &client,
                journal: &MemoryState::from_prior(world.prior.clone()),
                clock: &clock,
                reporter: &kit::Silent,
                project: &world.desired.project,
                secrets: &world.secrets,
                run: &run,
                settings: Settings {
                    seed: 1,
                    wait_timeout: Duration::from_secs(60),
                    job_timeout: Duration::from_secs(60),
                    ..Settings::RUNPOD
                },
                interrupt: watch::channel(Interrupt::None).1,
            };
            // How it ended is no matter here: what reached the account is.
            let _outcome = apply::execute(&approved, &world.prior, context).await;
            recorder.seen()
        })
    }
}

/// Tells what a request asks for that changes something.
pub fn is_change(request: &Request) -> bool {
    !request.line.starts_with("GET ")
}

fn moment(time: Timestamp) -> Moment {
    Moment::parse(&time.to_string()).unwrap()
}

fn volume(volume: &LiveVolume) -> Volume {
    let LiveVolume { id, name, size, data_center, tier } = volume;
    Volume {
        id: VolumeId(id.to_string()),
        name: name.clone(),
        size: size.0,
        data_center: data_center.to_string(),
        tier: match tier {
            Some(VolumeTier::HighPerformance) => Tier::HighPerformance,
            Some(VolumeTier::Standard) | None => Tier::Standard,
        },
        created_at: moment(time(1)),
        visible_at: moment(time(1)),
    }
}

fn order(pod: &LivePod) -> PodOrder {
    let image = pod.settings.image.clone().unwrap_or_default();
    let bare = match &pod.compute {
        Some(Compute::Gpu { id, count: _ }) => PodOrder::gpu(pod.name(), &image, id.as_str()),
        Some(Compute::Cpu { flavor, vcpus }) => PodOrder::cpu(pod.name(), &image, flavor.as_str(), *vcpus),
        None => PodOrder::gpu(pod.name(), &image, "NVIDIA GeForce RTX 4090"),
    };
    let env = pod.settings.env.iter().map(|(key, value)| (key.to_string(), value.expose().clone()));
    let mark = pod.marker.iter().map(|mark| ("PODFORM_MARK".to_owned(), mark.to_string()));
    PodOrder {
        settings: WorldSettings {
            args: pod.settings.command.clone().unwrap_or_default().join(" "),
            env: env.chain(mark).collect(),
            ports: pod.ports().map(ToString::to_string).collect(),
            disk: pod.settings.disk.map_or(20, |disk| disk.0),
            global_networking: pod.settings.global_networking.unwrap_or_default(),
            locked: pod.is_locked(),
            ..bare.settings
        },
        mount: match &pod.settings.storage {
            Storage::None => Mount::Nothing,
            Storage::Local { size, path } => Mount::Persistent { size: size.0, path: path.clone() },
            Storage::Network { volume: id, path } => {
                Mount::Network { volume: VolumeId(id.to_string()), path: path.clone() }
            }
        },
        clouds: vec![match pod.cloud {
            Some(Cloud::Community) => WorldCloud::Community,
            Some(Cloud::Secure) | None => WorldCloud::Secure,
        }],
        data_centers: pod.data_center.iter().map(ToString::to_string).collect(),
        ..bare
    }
}
