//! A pod and its state machine.
//!
//! A pod's status is not stored: it follows from what was last asked of it, from timings drawn then, and from the time. So reading never changes
//! a world, and two worlds with the same history agree at every moment.

use serde::{Deserialize, Serialize};

use super::chance::between;
use super::hosts::{Cloud, HostId};
use super::job::Slip;
use super::moment::Moment;
use super::money::{HourlyPrice, container_disk, pod_volume};
use super::order::port_parts;
use super::phase::{Boot, By, Made, Outcome, Period, Phase};
use super::settings::Settings;
use super::volume::VolumeId;

/// A pod's identifier: 14 letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PodId(pub String);

/// What a pod is observed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// A host is being found.
    Provisioning,
    /// The image is being pulled.
    Starting,
    /// The container runs.
    Running,
    /// The container has ended, or was stopped.
    Exited,
    /// The container cannot run.
    Error,
    /// The pod is gone; listings never show it.
    Terminated,
}

impl Status {
    /// Returns the word that REST v2 has for it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Provisioning => "PROVISIONING",
            Status::Starting => "STARTING",
            Status::Running => "RUNNING",
            Status::Exited => "EXITED",
            Status::Error => "ERROR",
            Status::Terminated => "TERMINATED",
        }
    }

    /// Returns what may be asked of a pod in this status.
    pub fn actions(self) -> &'static [Action] {
        match self {
            Status::Provisioning | Status::Starting => &[Action::Stop, Action::Terminate],
            Status::Running => &[Action::Stop, Action::Restart, Action::Terminate],
            Status::Exited | Status::Error => &[Action::Start, Action::Terminate],
            Status::Terminated => &[],
        }
    }

    /// Returns whether a pod in this status holds its GPUs or vCPUs, and so pays for them.
    pub fn holds_compute(self) -> bool {
        match self {
            Status::Provisioning | Status::Starting | Status::Running => true,
            Status::Exited | Status::Error | Status::Terminated => false,
        }
    }
}

/// What can be asked of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Boot a stopped pod.
    Start,
    /// Release its compute and keep its volume.
    Stop,
    /// Run the container again in place.
    Restart,
    /// Delete it with its disks.
    Terminate,
}

impl Action {
    /// Returns the word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Action::Start => "start",
            Action::Stop => "stop",
            Action::Restart => "restart",
            Action::Terminate => "terminate",
        }
    }
}

/// The processors that a pod rents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compute {
    /// GPUs of one type.
    Gpu {
        /// The GPU type.
        id: String,
        /// How many were rented.
        count: u32,
        /// How many are attached: 0 after a start on a host that had none free.
        attached: u32,
    },
    /// vCPUs of one flavor.
    Cpu {
        flavor: String,
        /// How many.
        vcpus: u32,
    },
}

/// The storage that a pod mounts beside its container disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mount {
    /// None.
    Nothing,
    /// A volume on the pod's own host, lost when the pod is terminated.
    Persistent {
        /// GB.
        size: u32,
        /// Where it is mounted.
        path: String,
    },
    /// A network volume.
    Network {
        volume: VolumeId,
        /// Where it is mounted.
        path: String,
    },
}

/// From this number on a `tcp` port asks for a public port of its own number.
const SYMMETRIC: u32 = 70_000;

/// A port of a container that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenPort<'a> {
    /// The port inside the container.
    pub private: u32,
    /// The port on the host's address; none for `http`, which goes through the proxy.
    pub public: Option<u16>,
    /// `http` or `tcp`.
    pub protocol: &'a str,
    /// When it was opened.
    pub since: Moment,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Its identifier.
    pub id: PodId,
    pub settings: Settings,
    /// The storage it mounts.
    pub mount: Mount,
    /// The processors it rents.
    pub compute: Compute,
    pub cloud: Cloud,
    /// The machine it is on, for good: a stopped pod starts there or not at all.
    pub host: HostId,
    pub data_center: String,
    /// The address of its public ports.
    pub ip: String,
    /// The CUDA version of its host.
    pub cuda: Option<String>,
    /// vCPUs that come with it.
    pub vcpus: u32,
    /// RAM in GB that comes with it.
    pub memory: u32,
    /// What its compute costs, where that is known.
    pub price: Option<HourlyPrice>,
    /// The cluster that it is a member of; it is changed and ended with the cluster alone.
    pub cluster: Option<String>,
    /// Whether it was rented by a bid, and may be taken away.
    pub interruptible: bool,
    /// Whether it is on the global network, as its settings were at its last start.
    pub networked: bool,
    /// When it was made.
    pub created_at: Moment,
    /// When listings begin to show it.
    pub visible_at: Moment,
    /// When its last container came up or will come up; `None` while the first one never did.
    pub started_at: Option<Moment>,
    /// What was last asked of it.
    pub phase: Phase,
    /// How many containers it has had; each wiped the container disk and got other public ports.
    pub containers: u32,
    /// What its last container was made with.
    pub made: Made,
    /// When its compute was paid for, oldest first; the last one may be open.
    pub periods: Vec<Period>,
    /// The template it was made from, where the API that made it keeps that.
    pub template: Option<String>,
}

impl Pod {
    /// Returns the status at `now`.
    pub fn status(&self, now: Moment) -> Status {
        match self.phase {
            Phase::Up(boot) if now < boot.placed_at => Status::Provisioning,
            Phase::Up(boot) if now < boot.ready_at => Status::Starting,
            Phase::Up(boot) => match boot.outcome {
                Outcome::Runs | Outcome::Repeats(_) | Outcome::Silent => Status::Running,
                Outcome::Fails => Status::Error,
                Outcome::Errand(errand)
                    if errand.lasts().is_some_and(|lasts| now.since(boot.ready_at) >= lasts) =>
                {
                    Status::Exited
                }
                Outcome::Errand(_) => Status::Running,
            },
            Phase::Stopped { .. } => Status::Exited,
            Phase::Lost { .. } => Status::Error,
            Phase::Gone { .. } => Status::Terminated,
        }
    }

    /// Returns the boot of a container that is up and reports, with its public ports known or not yet.
    pub fn reporting(&self, now: Moment) -> Option<Boot> {
        match (self.phase, self.status(now)) {
            (Phase::Up(boot), Status::Running) if boot.outcome != Outcome::Silent => Some(boot),
            (Phase::Up(_) | Phase::Stopped { .. } | Phase::Lost { .. } | Phase::Gone { .. }, _) => None,
        }
    }

    /// Returns how many GPUs or vCPUs of its host it holds at `now`.
    pub fn units(&self, now: Moment) -> u32 {
        if !self.status(now).holds_compute() {
            return 0;
        }
        match self.compute {
            Compute::Gpu { attached, .. } => attached,
            Compute::Cpu { vcpus, .. } => vcpus,
        }
    }

    /// Returns what its compute costs at `now`: nothing while it is stopped, `None` while it runs at an unknown price.
    pub fn compute_price(&self, now: Moment) -> Option<HourlyPrice> {
        match (self.status(now).holds_compute(), &self.compute) {
            (false, _) | (true, Compute::Gpu { attached: 0, .. }) => Some(HourlyPrice::default()),
            (true, Compute::Gpu { .. } | Compute::Cpu { .. }) => self.price,
        }
    }

    /// Returns what its disks cost at `now`.
    pub fn disk_price(&self, now: Moment) -> HourlyPrice {
        let status = self.status(now);
        // What is lent and not rented costs nothing at all.
        if self.price == Some(HourlyPrice::default()) {
            return HourlyPrice::default();
        }
        let running = status.holds_compute();
        let own = match self.mount {
            Mount::Persistent { .. } if status == Status::Terminated => HourlyPrice::default(),
            Mount::Persistent { size, .. } => pod_volume(size, running),
            Mount::Nothing | Mount::Network { .. } => HourlyPrice::default(),
        };
        let container = if running { container_disk(self.settings.disk) } else { HourlyPrice::default() };
        [own, container].into_iter().sum()
    }

    /// Returns the public port of a `tcp` port of its current container.
    pub fn public_port(&self, seed: u64, private: u32) -> u16 {
        let subject = ["port", &self.id.0, &self.containers.to_string(), &private.to_string()];
        u16::try_from(between(seed, &subject, 10_000, 60_999)).unwrap_or(10_000)
    }

    /// Returns the ports of a container that is up, once they are known: each private port, its protocol and, for `tcp`, its public port.
    ///
    /// A `tcp` port from 70000 asks for a public port of the same number, so both numbers are the drawn one.
    pub fn open_ports(&self, seed: u64, now: Moment) -> Option<Vec<OpenPort<'_>>> {
        let boot = self.reporting(now).filter(|boot| boot.ports_at <= now)?;
        let open = |port| {
            let (number, protocol) = port_parts(port)?;
            let drawn = self.public_port(seed, number);
            let private = if number >= SYMMETRIC { u32::from(drawn) } else { number };
            Some(OpenPort {
                private,
                public: (protocol == "tcp").then_some(drawn),
                protocol,
                since: boot.ports_at,
            })
        };
        Some(self.settings.ports.iter().filter_map(|port| open(port)).collect())
    }

    /// Tells whether its program listens: the container is up, its ports are known, and the program has got that far and has
    /// not ended.
    pub fn listens(&self, now: Moment) -> bool {
        let Some(boot) = self.reporting(now).filter(|boot| boot.ports_at <= now) else { return false };
        let ends_at = match boot.outcome {
            Outcome::Errand(errand) => errand.takes.map(|takes| boot.ready_at.after(takes)),
            Outcome::Runs | Outcome::Fails | Outcome::Repeats(_) | Outcome::Silent => None,
        };
        boot.listens_at.is_some_and(|at| at <= now) && ends_at.is_none_or(|at| now < at)
    }

    /// Makes the boot that has just begun take so many milliseconds longer.
    pub(super) fn delay_boot(&mut self, by: u64) {
        if let Phase::Up(boot) = &mut self.phase {
            boot.ready_at = boot.ready_at.after(by);
            boot.ports_at = boot.ports_at.after(by);
            boot.listens_at = boot.listens_at.map(|at| at.after(by));
            self.started_at = self.started_at.map(|_| boot.ready_at);
        }
    }

    /// Sets how many milliseconds after the container is up its program listens.
    pub(super) fn delay_listening(&mut self, by: Option<u64>) {
        if let Phase::Up(boot) = &mut self.phase {
            boot.listens_at = by.map(|by| boot.ready_at.after(by));
        }
    }

    /// Lets the command that its container runs once turn out otherwise.
    pub(super) fn slip(&mut self, slip: Slip) {
        if let Phase::Up(boot) = &mut self.phase
            && let Outcome::Errand(errand) = boot.outcome
        {
            boot.outcome = Outcome::Errand(errand.slipped(slip));
        }
    }

    /// Returns the address of its host in RunPod's own network, which is what its `http` ports show.
    pub fn inner_ip(&self, seed: u64) -> String {
        format!("100.65.{}.101", between(seed, &["inside", &self.host.0], 0, 63))
    }

    /// Returns the user name at the SSH proxy, which names the pod's host too.
    pub fn proxy_user(&self, seed: u64) -> String {
        format!("{}-{}", self.id.0, super::chance::hex(seed, &["proxy", &self.id.0, &self.host.0], 8))
    }

    /// Returns the free text that REST v1 and GraphQL show for the last change.
    pub fn last_status_change(&self, now: Moment) -> String {
        match (self.phase, self.status(now)) {
            (Phase::Up(boot), Status::Error | Status::Exited) => {
                format!("Exited by Runpod: {}", boot.ready_at.javascript())
            }
            (
                Phase::Up(boot),
                Status::Provisioning | Status::Starting | Status::Running | Status::Terminated,
            ) => {
                format!("Rented by User: {}", boot.asked_at.javascript())
            }
            (Phase::Stopped { at, by: By::User }, _) => format!("Exited by user: {}", at.javascript()),
            (Phase::Stopped { at, by: By::Runpod } | Phase::Lost { at }, _) => {
                format!("Exited by RunPod: {}", at.javascript())
            }
            (Phase::Stopped { at, by: By::Outbid } | Phase::Gone { at, by: By::Outbid }, _) => {
                format!("Outbid: {}", at.javascript())
            }
            (Phase::Stopped { by: By::Balance, .. }, _) => {
                "Exited by RunPod: Insufficient balance".to_owned()
            }
            (Phase::Gone { at, by: By::User }, _) => format!("Terminated by user: {}", at.javascript()),
            (Phase::Gone { at, by: By::Runpod | By::Balance }, _) => {
                format!("Terminated by RunPod: {}", at.javascript())
            }
        }
    }

    /// Returns when its compute was paid for, up to `now`.
    pub fn paid_periods(&self, now: Moment) -> Vec<(Moment, Moment)> {
        let end = |period: &Period| period.to.or_else(|| self.ended_by_itself(now)).unwrap_or(now);
        self.periods.iter().map(|period| (period.from, end(period))).collect()
    }

    /// Returns when it was terminated.
    pub fn gone_at(&self) -> Option<Moment> {
        match self.phase {
            Phase::Gone { at, by: _ } => Some(at),
            Phase::Up(_) | Phase::Stopped { .. } | Phase::Lost { .. } => None,
        }
    }

    /// Returns when its container ends or fails if nobody stops it before.
    pub fn ends_by_itself(&self) -> Option<Moment> {
        match self.phase {
            Phase::Up(boot) => match boot.outcome {
                Outcome::Fails => Some(boot.ready_at),
                Outcome::Errand(errand) => errand.lasts().map(|lasts| boot.ready_at.after(lasts)),
                Outcome::Runs | Outcome::Repeats(_) | Outcome::Silent => None,
            },
            Phase::Stopped { .. } | Phase::Lost { .. } | Phase::Gone { .. } => None,
        }
    }

    fn ended_by_itself(&self, now: Moment) -> Option<Moment> {
        self.ends_by_itself().filter(|at| *at <= now)
    }

    /// Ends the container, and with it the period that is paid for.
    pub(super) fn end(&mut self, now: Moment, phase: Phase) {
        self.close_period(now);
        self.phase = phase;
    }

    fn close_period(&mut self, now: Moment) {
        let ended = self.ended_by_itself(now).unwrap_or(now);
        if let Some(period) = self.periods.last_mut().filter(|period| period.to.is_none()) {
            period.to = Some(ended);
        }
    }

    /// Begins a container: other public ports, an empty container disk, an image to pull.
    pub(super) fn boot(&mut self, seed: u64, now: Moment, first: bool) {
        if !self.status(now).holds_compute() {
            self.close_period(now);
            self.periods.push(Period { from: now, to: None });
        }
        self.containers += 1;
        self.made = Made::of(&self.settings);
        self.networked = self.settings.global_networking;
        let container = self.containers.to_string();
        let take =
            |what: &str, low: u64, high: u64| between(seed, &[what, &self.id.0, &container], low, high);
        let placed_at = if first { now.after(take("placed", 1_000, 4_000)) } else { now };
        let ready_at = placed_at.after(take("pulled", 5_000, 30_000));
        let ports_at = ready_at.after(take("ports known", 0, 3_000));
        let outcome = Outcome::of(&self.settings);
        if outcome != Outcome::Fails {
            self.started_at = Some(ready_at);
        }
        let listens_at = (!self.settings.image.contains("silent")).then_some(ready_at);
        self.phase = Phase::Up(Boot { asked_at: now, placed_at, ready_at, ports_at, listens_at, outcome });
    }
}
