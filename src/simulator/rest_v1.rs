//! REST v1, written from its OpenAPI document and from what was seen of it: routes, bodies in, bodies out, errors.
//!
//! It differs from v2 where it hurts: lists are bare arrays, a missing field has a generous default, what finds no capacity or no money is a
//! 500, a pod says what is desired of it and not what it does, an image that does not exist is accepted, and `restart` answers 200 and does
//! nothing. Its published end was 15 November 2026; a simulation can be told that this day has come.

mod body;
mod query;
mod read;
mod settings;
mod show;

use serde_json::{Value, json};

use super::exchange::{Answer, Operation, Request, Target, Twist};
use super::world::World;
use super::world::pod::{Action, PodId, Status};
use super::world::refusal::{HOST_FULL, HOST_LOST, MIGRATING, NO_FUNDS, Refusal, disk_limit};

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
    BillPods,
    ListRegistries,
    CreateRegistry,
    GetRegistry(String),
    DeleteRegistry(String),
}

/// What is asked of one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodCall {
    Get,
    Update,
    Delete,
    Start,
    Stop,
    Reset,
    Restart,
}

/// What else the document has.
const NOT_SERVED: [&str; 10] = [
    "billing/endpoints",
    "billing/networkvolumes",
    "docs",
    "endpoints",
    "endpoints/*",
    "endpoints/*/update",
    "openapi.json",
    "templates",
    "templates/*",
    "templates/*/update",
];

/// Finds the route of a request whose path begins with `v1`.
pub fn route(request: &Request) -> Target<Call> {
    let path: Vec<&str> = request.path.iter().skip(1).map(String::as_str).collect();
    let id = || path[1].to_owned();
    let (methods, calls): (&'static str, Vec<(&str, Call)>) = match path.as_slice() {
        ["pods"] => ("GET, POST", vec![("GET", Call::ListPods), ("POST", Call::CreatePod)]),
        ["pods", _] => (
            "GET, PATCH, DELETE",
            vec![
                ("GET", Call::Pod(id(), PodCall::Get)),
                ("PATCH", Call::Pod(id(), PodCall::Update)),
                ("DELETE", Call::Pod(id(), PodCall::Delete)),
            ],
        ),
        ["pods", _, "update"] => ("POST", vec![("POST", Call::Pod(id(), PodCall::Update))]),
        ["pods", _, "start"] => ("POST", vec![("POST", Call::Pod(id(), PodCall::Start))]),
        ["pods", _, "stop"] => ("POST", vec![("POST", Call::Pod(id(), PodCall::Stop))]),
        ["pods", _, "reset"] => ("POST", vec![("POST", Call::Pod(id(), PodCall::Reset))]),
        ["pods", _, "restart"] => ("POST", vec![("POST", Call::Pod(id(), PodCall::Restart))]),
        ["networkvolumes"] => ("GET, POST", vec![("GET", Call::ListVolumes), ("POST", Call::CreateVolume)]),
        ["networkvolumes", _] => (
            "GET, PATCH, DELETE",
            vec![
                ("GET", Call::GetVolume(id())),
                ("PATCH", Call::UpdateVolume(id())),
                ("DELETE", Call::DeleteVolume(id())),
            ],
        ),
        ["networkvolumes", _, "update"] => ("POST", vec![("POST", Call::UpdateVolume(id()))]),
        ["containerregistryauth"] => {
            ("GET, POST", vec![("GET", Call::ListRegistries), ("POST", Call::CreateRegistry)])
        }
        ["containerregistryauth", _] => {
            ("GET, DELETE", vec![("GET", Call::GetRegistry(id())), ("DELETE", Call::DeleteRegistry(id()))])
        }
        ["billing", "pods"] => ("GET", vec![("GET", Call::BillPods)]),
        path => return Target::elsewhere(&request.method, path, &NOT_SERVED),
    };
    Target::by_method(&request.method, methods, calls)
}

impl Call {
    /// Returns what kind of request it is.
    pub fn operation(&self) -> Operation {
        match self {
            Call::ListPods => Operation::List,
            Call::CreatePod => Operation::Create,
            Call::Pod(_, PodCall::Get) => Operation::Get,
            Call::Pod(_, PodCall::Update) => Operation::Update,
            Call::Pod(_, PodCall::Delete) => Operation::Terminate,
            Call::Pod(_, PodCall::Start) => Operation::Start,
            Call::Pod(_, PodCall::Stop) => Operation::Stop,
            Call::Pod(_, PodCall::Reset | PodCall::Restart) => Operation::Restart,
            Call::ListVolumes => Operation::ListVolumes,
            Call::CreateVolume => Operation::CreateVolume,
            Call::GetVolume(_) => Operation::GetVolume,
            Call::UpdateVolume(_) => Operation::UpdateVolume,
            Call::DeleteVolume(_) => Operation::DeleteVolume,
            Call::ListRegistries => Operation::ListRegistries,
            Call::CreateRegistry => Operation::CreateRegistry,
            Call::DeleteRegistry(_) => Operation::DeleteRegistry,
            Call::GetRegistry(_) => Operation::GetRegistry,
            Call::BillPods => Operation::Other,
        }
    }

    /// Returns the pod that it is about.
    pub fn pod(&self) -> Option<&str> {
        if let Call::Pod(id, _) = self { Some(id) } else { None }
    }

    /// Returns the words that its errors begin with.
    fn errand(&self) -> &'static str {
        match self {
            Call::ListPods => "list pods",
            Call::CreatePod => "create pod",
            Call::Pod(_, PodCall::Get) => "get pod",
            Call::Pod(_, PodCall::Update) => "update pod",
            Call::Pod(_, PodCall::Delete) => "terminate pod",
            Call::Pod(_, PodCall::Start) => "start pod",
            Call::Pod(_, PodCall::Stop) => "stop pod",
            Call::Pod(_, PodCall::Reset) => "reset pod",
            Call::Pod(_, PodCall::Restart) => "restart pod",
            Call::ListVolumes => "list network volumes",
            Call::CreateVolume => "create network volume",
            Call::GetVolume(_) => "get network volume",
            Call::UpdateVolume(_) => "update network volume",
            Call::DeleteVolume(_) => "delete network volume",
            Call::BillPods => "get billing",
            Call::ListRegistries => "list container registry auths",
            Call::CreateRegistry => "create container registry auth",
            Call::GetRegistry(_) => "get container registry auth",
            Call::DeleteRegistry(_) => "delete container registry auth",
        }
    }
}

/// An error in v1's form.
pub fn failure(status: u16, text: &str) -> Answer {
    Answer::json(status, "application/json", &json!({ "error": text, "status": status }))
}

/// The answer to a key that is missing or wrong: the one error of another form.
pub fn unauthorized() -> Answer {
    Answer::json(401, "application/json", &json!({ "message": "Unauthorized" }))
}

/// The answer to everything once the API is gone. Its real text was never seen.
pub fn gone() -> Answer {
    failure(410, "REST API v1 has been retired. Use https://api.runpod.io/v2 instead.")
}

/// Words the failure of an errand: `create pod: Something went wrong.`
pub fn failed(call: &Call, status: u16, text: &str) -> Answer {
    failure(status, &format!("{}: {text}", call.errand()))
}

/// Does what a request asks and answers it.
pub fn answer(world: &mut World, call: &Call, request: &Request, twist: Twist) -> Answer {
    answered(world, call, request, twist).unwrap_or_else(|wrong| match wrong {
        Wrong::Body(text) => failure(400, &text),
        Wrong::Spot => failed(call, 500, "Spot pods are no longer offered"),
        Wrong::Refused(refusal) => refused(call, refusal),
    })
}

/// Why a request fails.
enum Wrong {
    /// Its body or query does not fit.
    Body(String),
    /// It asks for an interruptible pod.
    Spot,
    /// The world refuses.
    Refused(Refusal),
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Wrong {
        Wrong::Refused(refusal)
    }
}

fn answered(world: &mut World, call: &Call, request: &Request, twist: Twist) -> Result<Answer, Wrong> {
    match call {
        Call::ListPods => list(world, request, twist),
        Call::CreatePod => {
            let id = read::create_pod(world, &request.body, twist.spot)?;
            Ok(shown(world, &id, 201, twist))
        }
        Call::Pod(id, call) => pod(world, id, *call, request, twist),
        Call::ListVolumes => {
            let volumes = world.listed_volumes().into_iter().map(show::volume);
            Ok(json_answer(200, &Value::Array(volumes.collect())))
        }
        Call::CreateVolume => {
            let id = world.create_volume(read::create_volume(&request.body)?)?;
            Ok(json_answer(200, &show::volume(world.volume(&id.0)?)))
        }
        Call::GetVolume(id) => Ok(json_answer(200, &show::volume(world.volume(id)?))),
        Call::UpdateVolume(id) => {
            let (name, size) = read::update_volume(&request.body)?;
            if let Some(now) = size.and(Some(world.volume(id)?.size)).filter(|now| size == Some(*now)) {
                return Err(Refusal::Shrinks { size: now }.into());
            }
            let id = world.update_volume(id, name, size)?;
            Ok(json_answer(200, &show::volume(world.volume(&id.0)?)))
        }
        Call::DeleteVolume(id) => world.delete_volume(id).map(|()| Answer::empty(204)).map_err(Wrong::from),
        Call::ListRegistries => {
            let registries = world.registries().iter().map(show::registry);
            Ok(json_answer(200, &Value::Array(registries.collect())))
        }
        Call::CreateRegistry => {
            let registry = world.create_registry(read::create_registry(&request.body)?)?;
            Ok(json_answer(200, &show::registry(&registry)))
        }
        Call::GetRegistry(id) => Ok(world
            .registry(id)
            .map(|registry| json_answer(200, &show::registry(registry)))
            .unwrap_or_else(|| failure(404, "container registry auth not found"))),
        Call::DeleteRegistry(id) => {
            world.delete_registry(id).map(|()| Answer::empty(204)).map_err(Wrong::from)
        }
        Call::BillPods => query::bills(world, request).map(|records| json_answer(200, &records)),
    }
}

fn pod(world: &mut World, id: &str, call: PodCall, request: &Request, twist: Twist) -> Result<Answer, Wrong> {
    let id = match call {
        PodCall::Get => {
            let include = query::include(request, twist.loose)?;
            return Ok(json_answer(200, &show::pod(world, world.pod(id)?, include)));
        }
        PodCall::Delete => {
            world.terminate_pod(id)?;
            return Ok(Answer::empty(204));
        }
        PodCall::Update => world.update_pod(id, read::update_pod(world.pod(id)?, &request.body)?)?,
        PodCall::Start => world.start_pod(id, twist.start_gpus)?,
        PodCall::Stop => world.stop_pod_if_up(id)?,
        PodCall::Reset => world.restart_pod(id)?,
        // It was seen to do nothing.
        PodCall::Restart => world.pod(id)?.id.clone(),
    };
    Ok(shown(world, &id, 200, twist))
}

fn shown(world: &World, id: &PodId, status: u16, twist: Twist) -> Answer {
    let include = show::Include { loose: twist.loose, ..show::Include::default() };
    json_answer(status, &show::pod(world, world.made(id), include))
}

fn list(world: &World, request: &Request, twist: Twist) -> Result<Answer, Wrong> {
    let wanted = query::filter(request)?;
    let include = query::include(request, twist.loose)?;
    let pods = world.listing(twist.listing);
    let shown = pods.iter().filter(|pod| wanted.takes(world, pod)).map(|pod| show::pod(world, pod, include));
    Ok(json_answer(200, &Value::Array(shown.collect())))
}

fn json_answer(status: u16, value: &Value) -> Answer {
    Answer::json(status, "application/json", value)
}

/// Words a refusal.
pub fn refused(call: &Call, refusal: Refusal) -> Answer {
    match refusal {
        Refusal::NoCapacity => failed(call, 500, "There are no instances currently available"),
        Refusal::HostFull => failed(call, 500, HOST_FULL),
        Refusal::HostLost => failed(call, 500, HOST_LOST),
        Refusal::NoSuchPod if call.operation() == Operation::Terminate => {
            failure(404, "pod not found to terminate")
        }
        Refusal::NoSuchPod => failure(404, "pod not found"),
        Refusal::NoSuchVolume => failure(404, "network volume not found"),
        Refusal::NoSuchTemplate => failure(404, "template not found"),
        Refusal::TemplateInUse => failed(call, 400, "Template is in use."),
        Refusal::NotNow { status: Status::Running, action: Action::Start } => {
            failed(call, 400, "Pod is already running.")
        }
        Refusal::NotNow { status: _, action: _ } => {
            failed(call, 400, "Pod is not in a state that allows this.")
        }
        Refusal::Migrating => failed(call, 500, MIGRATING),
        Refusal::Locked => failed(call, 400, "Pod is locked."),
        Refusal::NoFunds => failed(call, 500, NO_FUNDS),
        Refusal::NoSuchImage(image) => failed(call, 400, &format!("image {image} not found")),
        Refusal::CpuDiskTooLarge { limit } => failed(call, 400, &disk_limit(limit)),
        Refusal::NoStorageThere { data_center } => {
            failed(call, 400, &format!("Data center {data_center} does not support network volumes."))
        }
        Refusal::Shrinks { size } => failed(call, 400, &format!("Size must be greater than {size} GB.")),
        Refusal::ClusterMember => failed(call, 400, "Pod is a member of a cluster."),
        Refusal::VolumeInUse => failed(call, 400, "Network volume is in use."),
        Refusal::Rule(text) => failed(call, 400, &text),
    }
}
