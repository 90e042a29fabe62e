//! What the three APIs have in common once their wire types are taken apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::wire::{Count, Dollars, Unfit, Wire, object_id};
use crate::model::catalog::{CatalogPart, GpuType, LeftOut, Stock, StockAnswer, StockQuery};
use crate::model::id::{CountryCode, CpuFlavorId, EnvKey, GpuTypeId, RegistryId, VolumeId};
use crate::model::job;
use crate::model::live::{LivePod, Origin, PodRole, PodStatus, Rental};
use crate::model::marker::MARKER_KEY;
use crate::model::money::{Hourly, Price};
use crate::model::pod::{Cloud, Compute, Port, Protocol, Storage};
use crate::model::secret::Secret;
use crate::model::size::Gigabytes;

/// The most GETs that one catalog makes for GPUs. With pods, volumes, CPUs and data centers that is 8 in a plan.
const GPU_GETS: usize = 4;

/// Reads where a pod comes from, whatever else of it can be read, and takes its marker out of the environment. What
/// stands in the marker's place but is no marker of ours stays.
pub(super) fn take_origin<E>(
    env: &mut Wire<E>,
    values: impl Fn(&mut E) -> &mut BTreeMap<EnvKey, Secret<String>>,
) -> Origin {
    let Wire::Is(env) = env else { return Origin::NotTold };
    let (env, key) = (values(env), EnvKey::new(MARKER_KEY));
    match env.get(&key).map(|mark| mark.expose().parse()) {
        Some(Ok(marker)) => {
            env.remove(&key);
            Origin::Pod(marker)
        }
        // A mark of another form than this podform writes may be that of a later one.
        Some(Err(_)) => Origin::NotTold,
        // Of an entry that is odd elsewhere, an empty environment is no sign of a pod without a mark.
        None if env.is_empty() => Origin::NotTold,
        None => Origin::Unmarked,
    }
}

/// Reads where a network volume comes from.
pub(super) fn origin_of_volume(name: &Wire<String>) -> Origin {
    match name {
        Wire::Is(name) => name.parse().map_or(Origin::Unmarked, Origin::Volume),
        Wire::Absent | Wire::Null | Wire::Odd => Origin::NotTold,
    }
}

/// Makes a body, or an object in one, of the members that are given.
pub(super) fn given<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Returns a list of texts, or nothing for an empty one.
pub(super) fn some_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Value> {
    let texts: Vec<&str> = texts.into_iter().collect();
    (!texts.is_empty()).then(|| json!(texts))
}

/// Writes ports as REST has them.
pub(super) fn port_texts(ports: &BTreeSet<Port>) -> Value {
    ports.iter().map(Port::to_string).collect()
}

/// Returns the size of a disk on the host, and where it or a network volume is mounted.
pub(super) fn size_and_path(storage: &Storage<VolumeId>) -> (Option<Gigabytes>, Option<&str>) {
    match storage {
        Storage::None => (None, None),
        Storage::Local { size, path } => (Some(*size), Some(path)),
        Storage::Network { volume: _, path } => (None, Some(path)),
    }
}

/// Lays an environment open for the one body that carries it.
pub(super) fn exposed(env: &BTreeMap<EnvKey, Secret<String>>) -> BTreeMap<&str, &str> {
    env.iter().map(|(key, value)| (key.as_str(), value.expose().as_str())).collect()
}

/// Reads a port such as `8000/http`; a bare number is HTTP, as the console shows it.
pub(super) fn port(text: &str) -> Option<Port> {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "http"));
    let protocol = match protocol.trim().to_ascii_lowercase().as_str() {
        "http" => Protocol::Http,
        "tcp" => Protocol::Tcp,
        _ => return None,
    };
    Some(Port { number: number.trim().parse().ok()?, protocol })
}

/// Reads ports; `None` if one cannot be read, since a list without it would show as a difference.
pub(super) fn ports<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<BTreeSet<Port>> {
    texts.into_iter().filter(|text| !text.trim().is_empty()).map(port).collect()
}

/// Reads the status of an API that knows what is intended and hardly what is. `up` is what RUNNING stands for.
pub(super) fn intended_status(word: &str, up: PodStatus) -> Result<PodStatus, Unfit> {
    match word {
        "RUNNING" => Ok(up),
        "CREATED" => Ok(PodStatus::Provisioning),
        "RESTARTING" => Ok(PodStatus::Starting),
        "EXITED" | "PAUSED" => Ok(PodStatus::Exited),
        "DEAD" => Ok(PodStatus::Error),
        "TERMINATED" => Ok(PodStatus::Terminated),
        _ => Err(Unfit::Odd("desiredStatus")),
    }
}

/// Reads the machine where GPU and CPU fields stand side by side; CPU pods show the GPU type `unknown`.
///
/// A count that is left out is not taken for 1: a pod can come back with 0 GPUs.
pub(super) fn compute(
    gpu: Wire<String>,
    gpu_count: Wire<Count>,
    flavor: Wire<String>,
    vcpus: Wire<Count>,
) -> Option<Compute> {
    if let Some(id) = gpu.shown().filter(|id| !id.is_empty() && id != "unknown") {
        return gpu_count.shown().map(|Count(count)| Compute::Gpu { id: GpuTypeId::new(id), count });
    }
    let flavor = CpuFlavorId::new(flavor.shown().filter(|id| !id.is_empty())?);
    let Count(vcpus) = vcpus.shown()?;
    Some(Compute::Cpu { flavor, vcpus })
}

/// Reads what is mounted. With a network volume the path is the network volume's, whatever the size says.
pub(super) fn storage(
    network: Option<String>,
    size: Wire<Count>,
    path: Wire<String>,
) -> Result<Storage<VolumeId>, Unfit> {
    if let Some(id) = network.filter(|id| !id.is_empty()) {
        let id = object_id(Wire::Is(id), "networkVolumeId")?;
        return Ok(Storage::Network { volume: VolumeId::new(id), path: path.required("volumeMountPath")? });
    }
    match size.nullable("volumeInGb")? {
        None | Some(Count(0)) => Ok(Storage::None),
        Some(Count(size)) => {
            Ok(Storage::Local { size: Gigabytes(size), path: path.required("volumeMountPath")? })
        }
    }
}

/// Reads the id of registry credentials; an empty one means none.
pub(super) fn registry(id: Option<String>) -> Option<RegistryId> {
    id.filter(|id| !id.is_empty()).map(RegistryId::new)
}

/// Tells what a pod belongs to where only its fields and its name show it.
pub(super) fn role(id: &str, name: &str, endpoint: Option<&str>) -> PodRole {
    if endpoint.is_some_and(|endpoint| !endpoint.is_empty()) {
        return PodRole::EndpointWorker;
    }
    // A host's own pod has the id `<machine>00` and the name `<machine>-BG`.
    let machine = name.strip_suffix("-BG");
    if machine.is_some_and(|machine| id.strip_suffix("00") == Some(machine)) {
        return PodRole::Background;
    }
    PodRole::Plain
}

/// Returns a pod with its role, once it is seen that RunPod moves another one with it.
///
/// Of such a pod it is said that it has CPUs only and is not billed, and nothing else; every other one that runs on CPUs
/// is billed. What carries a mark is somebody's, and one that is stopped is billed for its disks.
pub(super) fn or_mover(pod: LivePod, is_free: bool) -> LivePod {
    let is_mover = is_free
        && pod.role == PodRole::Plain
        && pod.status.is_up()
        && pod.marker.is_none()
        && matches!(pod.compute, Some(Compute::Cpu { .. }));
    as_job(LivePod { role: if is_mover { PodRole::Mover } else { pod.role }, ..pod })
}

/// Reads podform's own entrypoint of a job back to what stands for it and the run that it was given.
fn as_job(mut pod: LivePod) -> LivePod {
    if let Some((entrypoint, run)) = pod.settings.entrypoint.as_deref().and_then(job::seen) {
        pod.settings.entrypoint = Some(entrypoint);
        pod.run = Some(run);
    }
    pod
}

/// Tells whether a price is said to be none, which is more than that it is not said.
pub(super) fn is_free(dollars: &Wire<Dollars>) -> bool {
    matches!(dollars, Wire::Is(Dollars(dollars)) if *dollars == 0.0)
}

/// Chooses the questions about stock that a plan can afford, `None` standing for the catalog without stock.
///
/// A question about countries leaves out the types that those countries lack. So that every type is known, one
/// answer must be about all countries, and a catalog without stock stands in where no question is. The choice is
/// the same over every API, so that the plans are too.
pub(super) fn affordable(questions: &BTreeSet<StockQuery>) -> Vec<Option<&StockQuery>> {
    let (everywhere, somewhere): (Vec<_>, Vec<_>) =
        questions.iter().partition(|question| question.countries.is_empty());
    let whole = everywhere.is_empty().then_some(None);
    let asked = whole.into_iter().chain(everywhere.into_iter().chain(somewhere).map(Some));
    asked.take(GPU_GETS).collect()
}

/// Reads the entries of a list of the catalog one by one. One that is not understood is left out and noted: it is
/// one type or place less, and no reason to know nothing of the others.
pub(super) fn understood<W: DeserializeOwned, T>(
    entries: impl IntoIterator<Item = Value>,
    part: CatalogPart,
    convert: impl Fn(W) -> Result<T, Unfit>,
    left_out: &mut Vec<LeftOut>,
) -> Vec<T> {
    let mut read = Vec::new();
    for entry in entries {
        let id = entry.get("id").and_then(Value::as_str).map(str::to_owned);
        let converted = serde_json::from_value::<W>(entry).map_err(|_| Unfit::Odd("[]")).and_then(&convert);
        match converted {
            Ok(entry) => read.push(entry),
            Err(unfit) => left_out.push(LeftOut { part, id, why: unfit.to_string() }),
        }
    }
    read
}

/// Gives every type an answer to every question; the API leaves out the types that have no stock at all.
pub(super) fn complete_stock(
    gpus: &BTreeMap<GpuTypeId, GpuType>,
    gpu_stock: &mut BTreeMap<StockQuery, BTreeMap<GpuTypeId, StockAnswer>>,
) {
    for stock in gpu_stock.values_mut() {
        for id in gpus.keys() {
            let left_out = StockAnswer { best: Stock::None, data_centers: Arc::default() };
            stock.entry(id.clone()).or_insert(left_out);
        }
    }
}

/// Reads how a pod is rented. The free text of its last change begins so where somebody bid more.
pub(super) fn rental(is_spot: Option<bool>, last_change: Option<String>) -> Option<Rental> {
    Some(match is_spot? {
        true => Rental::Spot { outbid: last_change.is_some_and(|text| text.starts_with("Outbid")) },
        false => Rental::OnDemand,
    })
}

/// Reads a price an hour. RunPod writes 0 and null for prices that it does not publish.
pub(super) fn price(dollars: Wire<Dollars>) -> Price {
    let known = dollars.shown().and_then(|Dollars(dollars)| Hourly::from_dollars(dollars));
    known.map_or(Price::Unknown, Price::Known)
}

/// Returns the clouds that are said not to sell a type; where nothing is said, it may be sold.
pub(super) fn unsold(secure: Wire<bool>, community: Wire<bool>) -> BTreeSet<Cloud> {
    let flags = [(Cloud::Secure, secure), (Cloud::Community, community)];
    flags.into_iter().filter(|(_, sold)| matches!(sold, Wire::Is(false))).map(|(cloud, _)| cloud).collect()
}

/// Returns the price of a type in a cloud: none is known where it is not sold, whatever the catalog shows there.
pub(super) fn price_in(cloud: Cloud, dollars: Wire<Dollars>, unsold: &BTreeSet<Cloud>) -> Price {
    if unsold.contains(&cloud) { Price::Unknown } else { price(dollars) }
}

/// Reads a cloud; a new one is not known here.
pub(super) fn cloud(word: &str) -> Option<Cloud> {
    match word {
        "SECURE" => Some(Cloud::Secure),
        "COMMUNITY" => Some(Cloud::Community),
        _ => None,
    }
}

/// Reads the cloud where only the machine tells.
pub(super) fn cloud_of_machine(secure: Wire<bool>) -> Option<Cloud> {
    secure.shown().map(|secure| if secure { Cloud::Secure } else { Cloud::Community })
}

/// Writes a cloud.
pub(super) fn cloud_word(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Secure => "SECURE",
        Cloud::Community => "COMMUNITY",
    }
}

/// Reads a level of stock, `HIGH` on REST and `High` on GraphQL. A new level is taken for one not asked about.
pub(super) fn stock(word: &str) -> Stock {
    match word.to_ascii_uppercase().as_str() {
        "NONE" => Stock::None,
        "LOW" => Stock::Low,
        "MEDIUM" => Stock::Medium,
        "HIGH" => Stock::High,
        _ => Stock::NotAsked,
    }
}

/// Takes the country from the id of a data center: `US-TX-3` starts with it, `EU-RO-1` has it behind the continent.
pub(super) fn country(data_center: &str) -> Option<CountryCode> {
    const CONTINENTS: [&str; 8] = ["EU", "AP", "OC", "NA", "SA", "AF", "AS", "ME"];
    let is_code = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_uppercase());
    let mut parts = data_center.split('-');
    let first = parts.next()?;
    let code =
        if is_code(&first) && !CONTINENTS.contains(&first) { first } else { parts.next().filter(is_code)? };
    Some(CountryCode::new(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_type_goes_before_a_cpu_flavor_unless_it_is_unknown() {
        let text = |text: &str| Wire::Is(text.to_owned());
        let count = |count| Wire::Is(Count(count));
        let gpu = Compute::Gpu { id: GpuTypeId::new("NVIDIA L4"), count: 0 };
        let cpu = Compute::Cpu { flavor: CpuFlavorId::new("cpu3c"), vcpus: 4 };
        assert_eq!(compute(text("NVIDIA L4"), count(0), text("cpu3c"), count(4)), Some(gpu));
        assert_eq!(compute(text("unknown"), count(0), text("cpu3c"), count(4)), Some(cpu.clone()));
        assert_eq!(compute(Wire::Null, Wire::Null, text("cpu3c"), count(4)), Some(cpu));
        assert_eq!(compute(text("NVIDIA L4"), Wire::Absent, Wire::Null, Wire::Null), None);
        assert_eq!(compute(Wire::Null, Wire::Null, Wire::Null, Wire::Null), None);
    }

    #[test]
    fn pods_of_endpoints_and_hosts_are_told_apart() {
        assert_eq!(role("hpvdausak8xb00", "hpvdausak8xb-BG", None), PodRole::Background);
        assert_eq!(role("other00", "hpvdausak8xb-BG", None), PodRole::Plain);
        assert_eq!(role("p1", "worker", Some("jpnw0v75y3qoql")), PodRole::EndpointWorker);
        assert_eq!(role("p1", "llm", Some("")), PodRole::Plain);
    }

    #[test]
    fn a_mover_is_told_as_soon_as_it_comes_up_and_no_other_pod_is_one() {
        let cpu = Compute::Cpu { flavor: CpuFlavorId::new("cpu3c"), vcpus: 2 };
        let unmarked = |status| LivePod {
            marker: None,
            compute: Some(cpu.clone()),
            ..crate::kit::live_pod("migration", status)
        };
        let role = |pod, is_free| or_mover(pod, is_free).role;
        for status in [PodStatus::Provisioning, PodStatus::Starting, PodStatus::Running] {
            assert_eq!(role(unmarked(status), true), PodRole::Mover, "{status}");
            assert_eq!(role(unmarked(status), false), PodRole::Plain, "{status}");
        }
        assert_eq!(role(unmarked(PodStatus::Exited), true), PodRole::Plain);
        let marked = LivePod { compute: Some(cpu.clone()), ..crate::kit::live_pod("p", PodStatus::Running) };
        assert_eq!(role(marked, true), PodRole::Plain);
        let with_gpu = LivePod { marker: None, ..crate::kit::live_pod("p", PodStatus::Running) };
        assert_eq!(role(with_gpu, true), PodRole::Plain);
    }

    #[test]
    fn countries_are_taken_from_ids_of_data_centers() {
        let table = [
            ("EU-RO-1", Some("RO")),
            ("EUR-IS-3", Some("IS")),
            ("US-TX-3", Some("US")),
            ("CA-MTL-1", Some("CA")),
            ("AP-JP-1", Some("JP")),
            ("OC-AU-1", Some("AU")),
            ("SEA-SG-1", Some("SG")),
            ("MOON", None),
        ];
        for (id, code) in table {
            assert_eq!(country(id), code.map(CountryCode::new), "{id}");
        }
    }

    #[test]
    fn ports_are_read_in_every_spelling() {
        let tcp = Port { number: 22, protocol: Protocol::Tcp };
        let http = Port { number: 8888, protocol: Protocol::Http };
        assert_eq!(ports(["22/tcp", " 8888/HTTP"]), Some(BTreeSet::from([tcp, http])));
        assert_eq!(ports(["8888", ""]), Some(BTreeSet::from([http])));
        assert_eq!(ports(["53/udp"]), None);
    }

    #[test]
    fn only_a_readable_marker_is_taken_out() {
        let key = EnvKey::new(MARKER_KEY);
        let mark = "acme/llm/0123456789abcdef/line/1/2026-11-02T09:00:01Z";
        let taken = |text: &str| {
            let mut env = Wire::Is(BTreeMap::from([(key.clone(), Secret::new(text.to_owned()))]));
            let origin = take_origin(&mut env, |env| env);
            (origin, env.shown().map(|env| env.len()))
        };
        assert_eq!(taken(mark), (Origin::Pod(mark.parse().unwrap()), Some(0)));
        assert_eq!(taken("hand-made"), (Origin::NotTold, Some(1)));
    }
}
