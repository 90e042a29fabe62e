//! RunPod's GraphQL API: the pods, volumes and catalog of the world behind one address.
//!
//! A request is checked against the bundled schema ([`document`]); what does not fit is HTTP 400. What the world refuses is HTTP 200 with
//! `errors` and `null` in its place, as RunPod does it: a client that looks at the status alone believes that all went well.

mod catalog;
mod deploy;
mod document;
mod input;
mod schema;
mod settings;
mod show;
mod typed;

use serde_json::{Map, Value, json};

pub use document::{Field, Unfit};

use input::number;

use super::exchange::{Answer, Operation, Request, Twist};
use super::world::World;
use super::world::money::HourlyPrice;
use super::world::refusal::{HOST_FULL, HOST_LOST, MIGRATING, NO_CAPACITY, NO_FUNDS, Refusal, disk_limit};
use super::world::volume::{Tier, VolumeOrder};

/// The text of a failure that says nothing.
pub(super) const SOMETHING: &str = "Something went wrong. Please try again later or contact support.";

/// A request that fits the schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    operation: document::Operation,
}

/// An error of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FieldError {
    message: String,
    code: &'static str,
}

impl FieldError {
    fn runpod(message: impl Into<String>) -> FieldError {
        FieldError { message: message.into(), code: "RUNPOD" }
    }

    fn internal() -> FieldError {
        FieldError { message: SOMETHING.to_owned(), code: "INTERNAL_SERVER_ERROR" }
    }
}

/// Reads a request.
///
/// # Errors
/// It does not fit the schema.
pub fn read(request: &Request) -> Result<Call, Unfit> {
    document::read(&request.body).map(|operation| Call { operation })
}

/// The answer to a request that does not fit.
pub fn unfit(unfit: &Unfit) -> Answer {
    let (message, code) = match unfit {
        Unfit::Syntax(message) => (message, "GRAPHQL_PARSE_FAILED"),
        Unfit::Schema(message) => (message, "GRAPHQL_VALIDATION_FAILED"),
    };
    json_answer(400, &json!({ "errors": [{ "message": message, "extensions": { "code": code } }] }))
}

/// The answer to a key that is missing or wrong.
pub fn unauthorized() -> Answer {
    failure(401, "Unauthorized", "UNAUTHENTICATED")
}

/// An error of the whole request.
pub fn failure(status: u16, message: &str, code: &str) -> Answer {
    json_answer(status, &json!({ "errors": [{ "message": message, "extensions": { "code": code } }] }))
}

fn json_answer(status: u16, value: &Value) -> Answer {
    Answer::json(status, "application/json", value)
}

impl Call {
    /// Returns whether the request needs no key: the catalog is public.
    pub fn is_public(&self) -> bool {
        let public =
            ["gpuTypes", "cpuFlavors", "dataCenters", "countryCodes", "serverlessGpuPools", "__typename"];
        !self.operation.mutation
            && self.operation.fields.iter().all(|field| public.contains(&field.name.as_str()))
    }

    /// Returns what kind of request it is, by its first field.
    pub fn operation(&self) -> Operation {
        let Some(field) = self.operation.fields.first() else { return Operation::Other };
        match field.name.as_str() {
            "myself" if field.selects("pods") => Operation::List,
            "myself" if field.selects("networkVolumes") => Operation::ListVolumes,
            "myself" if field.selects("containerRegistryCreds") => Operation::ListRegistries,
            "pod" => Operation::Get,
            "podFindAndDeployOnDemand" | "deployCpuPod" | "podRentInterruptable" => Operation::Create,
            "podResume" | "podBidResume" => Operation::Start,
            "podStop" => Operation::Stop,
            "podTerminate" => Operation::Terminate,
            "podEditJob" => Operation::Update,
            "createNetworkVolume" => Operation::CreateVolume,
            "updateNetworkVolume" => Operation::UpdateVolume,
            "deleteNetworkVolume" => Operation::DeleteVolume,
            "saveRegistryAuth" => Operation::CreateRegistry,
            "deleteRegistryAuth" => Operation::DeleteRegistry,
            "gpuTypes" | "cpuFlavors" | "dataCenters" | "countryCodes" | "serverlessGpuPools" => {
                Operation::Catalog
            }
            _ => Operation::Other,
        }
    }

    /// Returns the pod that the first field is about.
    pub fn pod(&self) -> Option<&str> {
        self.operation.fields.first()?.arguments.get("input")?.get("podId")?.as_str()
    }

    /// Answers as if every field had failed in the same way.
    pub fn refuse(&self, refusal: Refusal) -> Answer {
        let errors = |field: &Field| (field.key.clone(), Err(refused(&field.name, refusal.clone())));
        assemble(self.operation.fields.iter().map(errors))
    }

    /// Answers with a failure that says nothing, and with HTTP 200.
    pub fn fail(&self) -> Answer {
        assemble(self.operation.fields.iter().map(|field| (field.key.clone(), Err(FieldError::internal()))))
    }
}

/// Does what a request asks and answers it: field after field, each for itself.
pub fn answer(world: &mut World, call: &Call, twist: Twist) -> Answer {
    let mut answers = Vec::new();
    for field in &call.operation.fields {
        let value = match (field.name.as_str(), call.operation.mutation) {
            ("__typename", _) => Ok(field.arguments.get("__typename").cloned().unwrap_or_default()),
            (_, true) => mutate(world, field, twist),
            (_, false) => Ok(query(world, field, twist)),
        };
        answers.push((field.key.clone(), value));
    }
    assemble(answers.into_iter())
}

fn assemble(answers: impl Iterator<Item = (String, Result<Value, FieldError>)>) -> Answer {
    let (mut data, mut errors) = (Map::new(), Vec::new());
    for (key, answer) in answers {
        let value = answer.unwrap_or_else(|error| {
            let FieldError { message, code } = error;
            errors.push(json!({ "message": message, "path": [key], "extensions": { "code": code } }));
            Value::Null
        });
        data.insert(key, value);
    }
    if errors.is_empty() {
        json_answer(200, &json!({ "data": data }))
    } else {
        json_answer(200, &json!({ "errors": errors, "data": data }))
    }
}

fn query(world: &World, field: &Field, twist: Twist) -> Value {
    match field.name.as_str() {
        "myself" => show::user(world, field, twist.listing),
        "pod" => {
            let input = field.input();
            let id = input.get("podId").and_then(Value::as_str).unwrap_or_default();
            // A pod that is not there is null without an error, also one that was terminated.
            world.pod(id).map_or(Value::Null, |pod| show::pod(world, pod, &field.selection))
        }
        "gpuTypes" => catalog::gpu_types(world, field),
        "cpuFlavors" => catalog::cpu_flavors(world, field),
        "dataCenters" => catalog::data_centers(world, &field.selection),
        "countryCodes" => catalog::country_codes(),
        "serverlessGpuPools" => catalog::serverless_pools(&field.selection),
        _ => Value::Null,
    }
}

fn mutate(world: &mut World, field: &Field, twist: Twist) -> Result<Value, FieldError> {
    let input = field.input();
    let id = input.get("podId").or_else(|| input.get("id")).and_then(Value::as_str).unwrap_or_default();
    let refuse = |refusal| refused(&field.name, refusal);
    let pod = match field.name.as_str() {
        "podFindAndDeployOnDemand" => deploy::gpu(world, &input, None)?,
        "podRentInterruptable" => {
            if !twist.spot {
                return Err(FieldError::runpod("Spot pods are no longer offered"));
            }
            deploy::gpu(world, &input, Some(bid(&input)))?
        }
        "deployCpuPod" => deploy::cpu(world, &input)?,
        "podResume" => {
            deploy::check_rental(world, id, false)?;
            let wanted = number(&input, "gpuCount");
            // Zero attaches all of them: RunPod honours it only if it was chosen in its console before.
            world.start_pod(id, twist.start_gpus.or(wanted.filter(|count| *count > 0))).map_err(refuse)?
        }
        "podBidResume" => {
            deploy::check_rental(world, id, true)?;
            let id = world.start_pod(id, twist.start_gpus).map_err(refuse)?;
            world.set_bid(&id, HourlyPrice::from_usd(bid(&input)));
            id
        }
        "podStop" => world.stop_pod_if_up(id).map_err(refuse)?,
        "podTerminate" => return world.terminate_pod(id).map(|()| Value::Null).map_err(refuse),
        "podEditJob" => deploy::edit(world, id, &input)?,
        "updateUserSettings" => {
            let keys = input.get("pubKey").and_then(Value::as_str).unwrap_or_default();
            world.set_ssh_keys(keys.lines().filter(|key| !key.is_empty()).map(str::to_owned).collect());
            return Ok(show::user(world, field, twist.listing));
        }
        "saveRegistryAuth" => {
            let name = input.get("name").and_then(Value::as_str).unwrap_or_default();
            let registry = world.create_registry(name.to_owned()).map_err(refuse)?;
            return Ok(show::project(&show::registry(&registry), &field.selection));
        }
        "deleteRegistryAuth" => {
            let id = field.arguments.get("registryAuthId").and_then(Value::as_str).unwrap_or_default();
            return world.delete_registry(id).map(|()| Value::Null).map_err(refuse);
        }
        name => {
            return volume(world, name, id, &input)
                .map_err(refuse)
                .map(|value| show::project(&value, &field.selection));
        }
    };
    Ok(show::pod(world, world.made(&pod), &field.selection))
}

/// Returns what a request offers for each GPU an hour.
fn bid(input: &Map<String, Value>) -> f64 {
    input.get("bidPerGpu").and_then(Value::as_f64).unwrap_or_default()
}

fn volume(world: &mut World, name: &str, id: &str, input: &Map<String, Value>) -> Result<Value, Refusal> {
    let text = |name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
    let size = number(input, "size");
    let id = match name {
        "createNetworkVolume" => {
            let fast = input.get("isNextGenStorage").and_then(Value::as_bool).unwrap_or(false);
            let size = size.filter(|size| (10..=4096).contains(size));
            world.create_volume(VolumeOrder {
                name: text("name").unwrap_or_default(),
                size: size.ok_or_else(|| Refusal::rule("Size must be between 10 and 4096 GB."))?,
                data_center: text("dataCenterId").unwrap_or_default(),
                tier: fast.then_some(Tier::HighPerformance),
            })?
        }
        "updateNetworkVolume" => world.update_volume(id, text("name"), size)?,
        _ => return world.delete_volume(id).map(|()| Value::Null),
    };
    Ok(show::volume(world.volume(&id.0)?))
}

/// Words a refusal for a field.
fn refused(field: &str, refusal: Refusal) -> FieldError {
    match refusal {
        Refusal::NoCapacity => FieldError::runpod(NO_CAPACITY),
        Refusal::HostFull => FieldError::runpod(HOST_FULL),
        Refusal::HostLost => FieldError::runpod(HOST_LOST),
        Refusal::NoSuchPod if field == "podTerminate" => {
            FieldError { message: "pod not found to terminate".to_owned(), code: "POD_NOT_FOUND" }
        }
        Refusal::NoSuchPod => FieldError { message: "pod not found".to_owned(), code: "POD_NOT_FOUND" },
        Refusal::NoSuchVolume => FieldError::runpod("Network volume not found."),
        Refusal::NoSuchTemplate => FieldError::runpod("Template not found."),
        Refusal::TemplateInUse => FieldError::runpod("Template is in use."),
        Refusal::NotNow { .. } => FieldError::runpod("Pod is not in a state that allows this."),
        Refusal::Migrating => FieldError::runpod(MIGRATING),
        Refusal::Locked => FieldError::runpod("Pod is locked."),
        Refusal::NoFunds => FieldError::runpod(NO_FUNDS),
        Refusal::NoSuchImage(image) => FieldError::runpod(format!("Image {image} not found.")),
        Refusal::CpuDiskTooLarge { limit } => FieldError::runpod(disk_limit(limit)),
        Refusal::NoStorageThere { data_center } => {
            FieldError::runpod(format!("Data center {data_center} does not support network volumes."))
        }
        Refusal::Shrinks { size } => FieldError::runpod(format!("Size must be at least {size} GB.")),
        Refusal::ClusterMember => FieldError::runpod("Pod is a member of a cluster."),
        Refusal::VolumeInUse => FieldError::runpod("Network volume is in use."),
        Refusal::Rule(text) => FieldError::runpod(text),
    }
}
