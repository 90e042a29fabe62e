//! REST v2, written from its OpenAPI document: routes, bodies in, bodies out, errors.
//!
//! Where the document and the live service are known to differ, the service wins: a create without `gpu.count` finds no capacity, a missing
//! required field makes the validator call valid fields additional, unknown query parameters are ignored. Texts that were never published are
//! ours and stand in [`refusal`](fn@refused) alone.

mod billing;
mod body;
mod catalog;
pub mod logs;
mod page;
mod read;
mod registries;
mod secrets;
mod settings;
mod show;
mod templates;

use serde::Serialize;
use serde_json::Value;

use super::exchange::{Answer, Operation, Request, Target, Twist};
use super::world::World;
use super::world::facts::facts;
use super::world::refusal::{HOST_FULL, HOST_LOST, MIGRATING, NO_CAPACITY, NO_FUNDS, Refusal, disk_limit};
pub use registries::RegistryCall;
pub use secrets::SecretCall;
pub use templates::TemplateCall;

/// The largest body of a create, in bytes; what a template adds counts.
pub const LARGEST_CREATE: usize = 102_400;

/// A request that has a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    ListPods,
    CreatePod,
    /// What is asked of one pod.
    Pod(String, PodCall),
    ListVolumes,
    CreateVolume,
    GetVolume(String),
    UpdateVolume(String),
    DeleteVolume(String),
    GetSshKeys,
    SetSshKeys,
    Secret(SecretCall),
    Template(TemplateCall),
    /// What is asked of the account's registries.
    Registry(RegistryCall),
    Bill,
    BillPods,
    BillVolumes,
    ListGpus,
    GetGpu(String),
    ListCpus,
    GetCpu(String),
    ListDataCenters,
    GetDataCenter(String),
}

/// What is asked of one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodCall {
    Get,
    Update,
    Delete,
    Action,
    Logs,
}

/// What else the document has: it is there, and the simulator does not have it.
const NOT_SERVED: [&str; 15] = [
    "billing/clusters",
    "billing/endpoints",
    "billing/serverless",
    "clusters",
    "clusters/*",
    "clusters/*/pods",
    "registries/delegations",
    "registries/delegations/*",
    "serverless",
    "serverless/*",
    "serverless/*/builds",
    "serverless/*/builds/*",
    "serverless/*/releases",
    "serverless/*/workers",
    "serverless/*/workers/*/logs",
];

/// The methods that a path knows, and what each asks.
type Routes = (&'static str, Vec<(&'static str, Call)>);

/// Finds what a path asks of what an account keeps beside pods and network volumes.
fn kept(path: &[&str]) -> Option<Routes> {
    let id = |index: usize| path[index].to_owned();
    Some(match path {
        ["account", "ssh-keys"] => ("GET, PUT", vec![("GET", Call::GetSshKeys), ("PUT", Call::SetSshKeys)]),
        ["account", "secrets"] => (
            "GET, POST",
            vec![("GET", Call::Secret(SecretCall::List)), ("POST", Call::Secret(SecretCall::Create))],
        ),
        ["account", "secrets", _] => (
            "GET, PATCH, DELETE",
            vec![
                ("GET", Call::Secret(SecretCall::Get(id(2)))),
                ("PATCH", Call::Secret(SecretCall::Update(id(2)))),
                ("DELETE", Call::Secret(SecretCall::Delete(id(2)))),
            ],
        ),
        ["templates"] => (
            "GET, POST",
            vec![("GET", Call::Template(TemplateCall::List)), ("POST", Call::Template(TemplateCall::Create))],
        ),
        ["templates", _] => (
            "GET, PATCH, DELETE",
            vec![
                ("GET", Call::Template(TemplateCall::Get(id(1)))),
                ("PATCH", Call::Template(TemplateCall::Update(id(1)))),
                ("DELETE", Call::Template(TemplateCall::Delete(id(1)))),
            ],
        ),
        ["registries"] => (
            "GET, POST",
            vec![("GET", Call::Registry(RegistryCall::List)), ("POST", Call::Registry(RegistryCall::Create))],
        ),
        ["registries", id_of] if *id_of != "delegations" => (
            "GET, DELETE",
            vec![
                ("GET", Call::Registry(RegistryCall::Get(id(1)))),
                ("DELETE", Call::Registry(RegistryCall::Delete(id(1)))),
            ],
        ),
        _ => return None,
    })
}

/// Finds the route of a request whose path begins with `v2`.
pub fn route(request: &Request) -> Target<Call> {
    let path: Vec<&str> = request.path.iter().skip(1).map(String::as_str).collect();
    let id = |index: usize| path[index].to_owned();
    let (methods, calls): Routes = match path.as_slice() {
        ["pods"] => ("GET, POST", vec![("GET", Call::ListPods), ("POST", Call::CreatePod)]),
        ["pods", _] => (
            "GET, PATCH, DELETE",
            vec![
                ("GET", Call::Pod(id(1), PodCall::Get)),
                ("PATCH", Call::Pod(id(1), PodCall::Update)),
                ("DELETE", Call::Pod(id(1), PodCall::Delete)),
            ],
        ),
        ["pods", _, "action"] => ("POST", vec![("POST", Call::Pod(id(1), PodCall::Action))]),
        ["pods", _, "logs"] => ("GET", vec![("GET", Call::Pod(id(1), PodCall::Logs))]),
        ["network-volumes"] => ("GET, POST", vec![("GET", Call::ListVolumes), ("POST", Call::CreateVolume)]),
        ["network-volumes", _] => (
            "GET, PATCH, DELETE",
            vec![
                ("GET", Call::GetVolume(id(1))),
                ("PATCH", Call::UpdateVolume(id(1))),
                ("DELETE", Call::DeleteVolume(id(1))),
            ],
        ),
        ["catalog", "templates"] => ("GET", vec![("GET", Call::Template(TemplateCall::ListPublic))]),
        ["billing"] => ("GET", vec![("GET", Call::Bill)]),
        ["billing", "pods"] => ("GET", vec![("GET", Call::BillPods)]),
        ["billing", "network-volumes"] => ("GET", vec![("GET", Call::BillVolumes)]),
        ["catalog", "gpus"] => ("GET", vec![("GET", Call::ListGpus)]),
        ["catalog", "gpus", _] => ("GET", vec![("GET", Call::GetGpu(id(2)))]),
        ["catalog", "cpus"] => ("GET", vec![("GET", Call::ListCpus)]),
        ["catalog", "cpus", _] => ("GET", vec![("GET", Call::GetCpu(id(2)))]),
        ["catalog", "datacenters"] => ("GET", vec![("GET", Call::ListDataCenters)]),
        ["catalog", "datacenters", _] => ("GET", vec![("GET", Call::GetDataCenter(id(2)))]),
        path => match kept(path) {
            Some(found) => found,
            None => return Target::elsewhere(&request.method, path, &NOT_SERVED),
        },
    };
    Target::by_method(&request.method, methods, calls)
}

impl Call {
    /// Returns what kind of request it is; an action is what its body says.
    pub fn operation(&self, body: &[u8]) -> Operation {
        match self {
            Call::ListPods => Operation::List,
            Call::CreatePod => Operation::Create,
            Call::Pod(_, PodCall::Get) => Operation::Get,
            Call::Pod(_, PodCall::Update) => Operation::Update,
            Call::Pod(_, PodCall::Delete) => Operation::Terminate,
            Call::Pod(_, PodCall::Action) => read::action_of(body),
            Call::Pod(_, PodCall::Logs) => Operation::Logs,
            Call::ListVolumes => Operation::ListVolumes,
            Call::CreateVolume => Operation::CreateVolume,
            Call::GetVolume(_) => Operation::GetVolume,
            Call::UpdateVolume(_) => Operation::UpdateVolume,
            Call::DeleteVolume(_) => Operation::DeleteVolume,
            Call::Secret(SecretCall::List) => Operation::ListSecrets,
            Call::Secret(SecretCall::Create) => Operation::CreateSecret,
            Call::Secret(SecretCall::Update(_)) => Operation::UpdateSecret,
            Call::Secret(SecretCall::Delete(_)) => Operation::DeleteSecret,
            Call::Registry(RegistryCall::List) => Operation::ListRegistries,
            Call::Registry(RegistryCall::Create) => Operation::CreateRegistry,
            Call::Registry(RegistryCall::Delete(_)) => Operation::DeleteRegistry,
            Call::Registry(RegistryCall::Get(_)) => Operation::GetRegistry,
            Call::GetSshKeys
            | Call::SetSshKeys
            | Call::Secret(SecretCall::Get(_))
            | Call::Template(
                TemplateCall::List
                | TemplateCall::Create
                | TemplateCall::Get(_)
                | TemplateCall::Update(_)
                | TemplateCall::Delete(_),
            )
            | Call::Bill
            | Call::BillPods
            | Call::BillVolumes => Operation::Other,
            Call::Template(TemplateCall::ListPublic)
            | Call::ListGpus
            | Call::GetGpu(_)
            | Call::ListCpus
            | Call::GetCpu(_)
            | Call::ListDataCenters
            | Call::GetDataCenter(_) => Operation::Catalog,
        }
    }

    /// Returns the pod that it is about.
    pub fn pod(&self) -> Option<&str> {
        if let Call::Pod(id, _) = self { Some(id) } else { None }
    }
}

/// Does what a request asks and answers it.
pub fn answer(world: &mut World, call: &Call, request: &Request, twist: Twist) -> Answer {
    answered(world, call, request, twist).unwrap_or_else(|problem| problem.answer())
}

fn answered(world: &mut World, call: &Call, request: &Request, twist: Twist) -> Result<Answer, Problem> {
    match call {
        Call::ListPods => show::pods(world, request, twist).map(|pods| ok(&pods)),
        Call::CreatePod => {
            let id = world.create_pod(read::create_pod(world, &request.body, twist.contract)?)?;
            Ok(json(201, &show::pod(world, world.made(&id), twist)))
        }
        Call::Pod(id, PodCall::Get) => Ok(ok(&show::pod(world, world.pod(id)?, twist))),
        Call::Pod(id, PodCall::Update) => {
            let change = read::update_pod(world, &request.body, twist.contract)?;
            let id = world.update_pod(id, change)?;
            Ok(ok(&show::pod(world, world.made(&id), twist)))
        }
        Call::Pod(id, PodCall::Delete) => {
            world.terminate_pod(id)?;
            Ok(Answer::empty(204))
        }
        Call::Pod(id, PodCall::Action) => pod_action(world, id, request, twist),
        Call::Pod(id, PodCall::Logs) => logs::answer(world, id, request),
        Call::ListVolumes => Ok(ok(&show::volumes(world))),
        Call::CreateVolume => {
            let id = world.create_volume(read::create_volume(&request.body)?)?;
            Ok(json(201, &show::volume(world.volume(&id.0)?)))
        }
        Call::GetVolume(id) => Ok(ok(&show::volume(world.volume(id)?))),
        Call::UpdateVolume(id) => {
            let (name, size) = read::update_volume(&request.body)?;
            let id = world.update_volume(id, name, size)?;
            Ok(ok(&show::volume(world.volume(&id.0)?)))
        }
        Call::DeleteVolume(id) => {
            world.delete_volume(id)?;
            Ok(Answer::empty(204))
        }
        Call::GetSshKeys => Ok(ok(&show::ssh_keys(world))),
        Call::SetSshKeys => {
            world.set_ssh_keys(read::ssh_keys(&request.body)?);
            Ok(ok(&show::ssh_keys(world)))
        }
        Call::Secret(call) => secrets::answer(world, call, request),
        Call::Template(call) => templates::answer(world, call, request, twist),
        Call::Registry(call) => registries::answer(world, call, request),
        Call::Bill => billing::all(world, request).map(|bills| ok(&bills)),
        Call::BillPods => billing::pods(world, request).map(|bills| ok(&bills)),
        Call::BillVolumes => billing::volumes(world, request).map(|bills| ok(&bills)),
        Call::ListGpus => catalog::gpus(world, request).map(|gpus| ok(&gpus)),
        Call::GetGpu(id) => catalog::gpu(world, request, id).map(|gpu| ok(&gpu)),
        Call::ListCpus => catalog::cpus(world, request).map(|cpus| ok(&cpus)),
        Call::GetCpu(id) => catalog::cpu(world, request, id).map(|cpu| ok(&cpu)),
        Call::ListDataCenters => catalog::data_centers(world, request).map(|centers| ok(&centers)),
        Call::GetDataCenter(id) => catalog::data_center(world, request, id).map(|center| ok(&center)),
    }
}

fn pod_action(world: &mut World, id: &str, request: &Request, twist: Twist) -> Result<Answer, Problem> {
    use super::world::pod::Action;
    let id = match read::action(&request.body)? {
        Action::Start => world.start_pod(id, twist.start_gpus)?,
        Action::Stop => world.stop_pod(id)?,
        Action::Restart => world.restart_pod(id)?,
        Action::Terminate => {
            world.terminate_pod(id)?;
            return Ok(Answer::empty(204));
        }
    };
    Ok(ok(&show::pod(world, world.made(&id), twist)))
}

fn ok(value: &impl Serialize) -> Answer {
    json(200, value)
}

fn json(status: u16, value: &impl Serialize) -> Answer {
    Answer::json(status, "application/json", value)
}

/// An error in v2's form, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
}

impl Problem {
    /// Makes a problem; its title follows from its status.
    pub fn new(status: u16, detail: impl Into<String>) -> Problem {
        let title = match status {
            400 => "Bad Request",
            401 => "Unauthorized",
            402 => "Payment Required",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            409 => "Conflict",
            413 => "Payload Too Large",
            422 => "Unprocessable Entity",
            429 => "Too Many Requests",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            _ => "Internal Server Error",
        };
        Problem { title, status, detail: detail.into(), errors: Vec::new() }
    }

    fn invalid(errors: Vec<String>) -> Problem {
        Problem { errors, ..Problem::new(422, "Request validation failed.") }
    }

    /// Returns the answer that carries it.
    pub fn answer(&self) -> Answer {
        Answer::json(self.status, "application/problem+json", self)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        refused(refusal)
    }
}

/// Words a refusal.
pub fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NoCapacity => Problem::new(400, NO_CAPACITY),
        Refusal::HostFull => Problem::new(400, HOST_FULL),
        Refusal::HostLost => Problem::new(400, HOST_LOST),
        Refusal::NoSuchPod => Problem::new(404, "pod not found"),
        Refusal::NoSuchVolume => Problem::new(404, "network volume not found"),
        Refusal::NoSuchTemplate => Problem::new(404, "template not found"),
        Refusal::TemplateInUse => Problem::new(400, "template is in use by a pod"),
        Refusal::NotNow { status, action } => Problem::new(
            409,
            format!("action '{}' is not valid for a pod in status {}", action.name(), status.name()),
        ),
        // The status was never seen over v2.
        Refusal::Migrating => Problem::new(409, MIGRATING),
        Refusal::Locked => Problem::new(409, "pod is locked"),
        Refusal::NoFunds => Problem::new(402, NO_FUNDS),
        Refusal::NoSuchImage(image) => {
            Problem::new(422, format!("The image '{image}' could not be found on its registry."))
        }
        Refusal::CpuDiskTooLarge { limit } => Problem::new(400, disk_limit(limit)),
        Refusal::NoStorageThere { data_center } => {
            let with: Vec<&str> = facts()
                .data_centers
                .iter()
                .filter(|fact| fact.has_storage())
                .map(|fact| fact.id.as_str())
                .collect();
            Problem::new(
                400,
                format!(
                    "Data center '{data_center}' does not support network volumes. Supported data centers: {}",
                    with.join(", ")
                ),
            )
        }
        Refusal::Shrinks { size } => {
            Problem::new(400, format!("size must be greater than or equal to the current size of {size} GB"))
        }
        Refusal::ClusterMember => Problem::new(409, "pod is a member of a cluster; use /v2/clusters/{id}"),
        Refusal::VolumeInUse => Problem::new(400, "network volume is in use by a pod"),
        Refusal::Rule(text) => Problem::new(400, text),
    }
}

fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|_| Problem::new(400, "request could not be processed"))
}
