//! The client against the simulator: every call of every API, and every request against the published documents.
//!
//! Client and simulator share no wire type, so what one of them got wrong shows here.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the documents are read from disk, and a skip must be seen"
)]

use std::path::Path;

use boon::{Compiler, Schemas};
use podform::model::catalog::{Catalog, NotTaken};
use podform::model::desired::HostLimits;
use podform::model::id::CpuFlavorId;
use podform::model::live::LiveRegistry;
use podform::model::pod::Placement;
use podform::model::request::RegistryRequest;
use podform::model::request::SecretRequest;
use podform::provider::probe::Probe;
use podform::simulator::{QuotaSetting, Settings, Simulation};

use super::*;

/// The APIs that client and simulator both speak.
pub const SPOKEN: [Api; 3] = [Api::V2, Api::V1, Api::Graphql];

fn simulation() -> Simulation {
    Simulation::new(Settings { quota: QuotaSetting::Unlimited, ..Settings::default() })
}

fn ask_for_one() -> BTreeSet<StockQuery> {
    BTreeSet::from([question(1, &[], CudaWish::Any)])
}

/// A GPU type in stock in a data center that has network volumes.
fn place(catalog: &Catalog) -> (GpuTypeId, DataCenterId) {
    let stock = catalog.gpu_stock.values().next().unwrap();
    let has_volumes = |center: &DataCenterId| !catalog.data_centers[center].volume_tiers.is_empty();
    let found = stock.iter().find_map(|(gpu, answer)| {
        let center = answer.data_centers.keys().find(|center| has_volumes(center))?;
        Some((gpu.clone(), center.clone()))
    });
    found.expect("the simulator has something in stock")
}

/// Looks at the listing until a pod has a status; every look moves the simulated time by a second.
pub async fn wait_for(client: &Runpod, id: &PodId, status: PodStatus) -> LivePod {
    for _ in 0..300 {
        for listed in client.list_pods().await.unwrap() {
            match listed {
                Listed::Found(pod) if pod.id == *id && pod.status == status => return *pod,
                Listed::Found(_) => {}
                odd @ (Listed::Unreadable { .. } | Listed::Nameless { .. }) => panic!("{odd:?}"),
            }
        }
    }
    panic!("{id} never became {status}");
}

/// Goes through every call once and returns what the pod looked like after the update.
async fn life_of_a_pod(client: &Runpod, api: Api, place: (GpuTypeId, DataCenterId)) -> LivePod {
    let (gpu, data_center) = place;
    let request = volume_request(&data_center, VolumeTier::Standard);
    let volume = client.create_volume(&request).await.unwrap();
    client.grow_volume(&volume, Gigabytes(150)).await.unwrap();
    let live = client.volume(&volume).await.unwrap().unwrap();
    assert_eq!(
        (live.name.as_str(), live.size, &live.data_center),
        ("acme-models-01234567", Gigabytes(150), &data_center)
    );
    assert_eq!(client.list_volumes().await.unwrap().len(), 1);

    let mount = Storage::Network { volume: volume.clone(), path: "/models".to_owned() };
    let request = pod_request_for(gpu, Some(data_center), mount);
    let id = client.create_pod(&request).await.unwrap();
    assert_reads_back(&request, &wait_for(client, &id, PodStatus::Running).await);

    client.stop_pod(&id).await.unwrap();
    let stopped = wait_for(client, &id, PodStatus::Exited).await;
    assert_reads_back(&request, &stopped);
    client.start_pod(&id, 1, None).await.unwrap();
    wait_for(client, &id, PodStatus::Running).await;

    let mut env = request.settings.env.clone();
    env.insert(EnvKey::new("MODE"), Secret::new("x=y \"z\"".to_owned()));
    let can_rename = api != Api::Graphql;
    let patch = PatchRequest {
        id: id.clone(),
        settings: PodSettings {
            name: can_rename.then(|| "renamed".to_owned()),
            image: Some("vllm/vllm-openai:v0.20.0".to_owned()),
            command: Some(vec!["serve".to_owned(), "two words".to_owned()]),
            entrypoint: Some(request.settings.entrypoint.clone()),
            env: Some(env.clone()),
            ports: Some(BTreeSet::from([Port { number: 9000, protocol: Protocol::Http }])),
            disk: Some(Gigabytes(70)),
            locked: can_rename.then_some(false).map(Some),
            ..patch_request().settings
        },
    };
    client.update_pod(&patch).await.unwrap();
    let changed = PodRequest {
        settings: PodSettings {
            name: patch.settings.name.unwrap_or_else(|| request.settings.name.clone()),
            image: patch.settings.image.unwrap(),
            command: patch.settings.command.unwrap(),
            env,
            ports: patch.settings.ports.unwrap(),
            disk: patch.settings.disk.unwrap(),
            ..request.settings.clone()
        },
        ..request
    };
    let live = client.pod(&id).await.unwrap().unwrap();
    assert_reads_back(&changed, &live);

    client.delete_pod(&id).await.unwrap();
    assert_eq!(client.pod(&id).await, Ok(None));
    let again = client.delete_pod(&id).await.unwrap_err();
    assert_eq!(again.certainty, Certainty::Rejected(Rejection::NotFound), "{again}");
    client.delete_volume(&volume).await.unwrap();
    assert_eq!(client.volume(&volume).await, Ok(None));
    live
}

/// Stores credentials, has a pod pull with them, and deletes them once it does not any more.
async fn life_of_credentials(client: &Runpod, pod: &PodId) {
    let secret = |text: &str| Secret::new(text.to_owned());
    let request = RegistryRequest {
        name: "acme.ghcr.01234567".to_owned(),
        username: secret("canary-of-a-user"),
        password: secret(SECRET),
    };
    let id = client.create_registry(&request).await.unwrap();
    let live = LiveRegistry { id: id.clone(), name: request.name.clone() };
    assert_eq!(client.list_registries().await.unwrap(), [Listed::Found(Box::new(live.clone()))]);
    assert_eq!(client.registry(&id).await, Ok(Some(live)));
    assert_eq!(client.registry(&RegistryId::new("nobodys")).await, Ok(None));
    let twice = client.create_registry(&request).await.unwrap_err().to_string();
    assert!(!twice.contains("canary"), "{twice}");
    for registry in [Some(id.clone()), None] {
        let settings = PodSettings { registry: Some(registry.clone()), ..patch_request().settings };
        client.update_pod(&PatchRequest { id: pod.clone(), settings }).await.unwrap();
        let live = client.pod(pod).await.unwrap().unwrap();
        // REST v1 says nothing of a pod that has none.
        assert_eq!(live.settings.registry.flatten(), registry);
        if registry.is_some() {
            let refused = client.delete_registry(&id).await.unwrap_err();
            assert!(matches!(refused.certainty, Certainty::Rejected(_)), "{refused}");
        }
    }
    client.delete_registry(&id).await.unwrap();
    assert_eq!(client.registry(&id).await, Ok(None));
    let again = client.delete_registry(&id).await.unwrap_err();
    assert_eq!(again.certainty, Certainty::Rejected(Rejection::NotFound), "{again}");
}

/// Checks that a pod shows what was asked for, as far as its API shows it.
fn assert_reads_back(request: &PodRequest, live: &LivePod) {
    let shown_or_sent =
        |shown: Option<Vec<String>>| shown.unwrap_or_else(|| request.settings.command.clone());
    assert_eq!(live.name(), request.settings.name);
    assert_eq!(live.settings.image.as_ref(), Some(&request.settings.image));
    assert_eq!(shown_or_sent(live.settings.command.clone()), request.settings.command);
    let mut env = live.settings.env.clone();
    let marker = live.marker.as_ref().expect("the marker is read").to_string();
    env.insert(EnvKey::new("PODFORM_MARK"), Secret::new(marker));
    let missing: Vec<&EnvKey> =
        request.settings.env.keys().filter(|key| env.get(key) != request.settings.env.get(key)).collect();
    assert_eq!(missing, [] as [&EnvKey; 0]);
    assert_eq!(
        (live.settings.ports.as_ref(), live.settings.disk),
        (Some(&request.settings.ports), Some(request.settings.disk))
    );
    assert_eq!(live.compute.as_ref().unwrap_or(&request.placement.compute), &request.placement.compute);
    assert_eq!(live.cloud.unwrap_or(request.placement.cloud), request.placement.cloud);
    assert!(live.data_center.as_ref().is_none_or(|center| request.placement.data_centers.contains(center)));
    let mount = match &live.settings.storage {
        Storage::None => Storage::None,
        Storage::Local { size, path } => Storage::Local { size: *size, path: path.clone() },
        Storage::Network { volume: id, path } => Storage::Network { volume: id.clone(), path: path.clone() },
    };
    assert_eq!(mount, request.settings.storage);
    assert_eq!((live.role, live.settings.registry.clone().flatten()), (PodRole::Plain, None));
}

/// Runs the whole life of a pod over one API and returns the requests.
fn requests_of(api: Api) -> Vec<Seen> {
    let recorder = Recorder::default();
    let router = simulation().router();
    let client = recorder.tap(api, &router);
    run(async {
        // Where nothing else is asked for, the place comes from the default API's catalog.
        let shelf = recorder.tap(Api::V2, &router);
        let catalog = shelf.catalog(&ask_for_one(), Timestamp::UNIX_EPOCH).await.unwrap();
        life_of_a_pod(&client, api, place(&catalog)).await;
        let cpu = PodRequest {
            settings: PodSettings {
                storage: Storage::None,
                disk: Gigabytes(10),
                command: vec![],
                env: BTreeMap::new(),
                registry: None,
                ..pod_request().settings
            },
            placement: Placement {
                compute: Compute::Cpu { flavor: CpuFlavorId::new("cpu5c"), vcpus: 4 },
                data_centers: BTreeSet::new(),
                host: HostLimits::default(),
                ..pod_request().placement
            },
            ..pod_request()
        };
        let id = client.create_pod(&cpu).await.unwrap();
        assert_eq!(wait_for(&client, &id, PodStatus::Running).await.compute, Some(cpu.placement.compute));
        let local = PodRequest {
            settings: PodSettings {
                storage: Storage::Local { size: Gigabytes(20), path: "/workspace".to_owned() },
                registry: None,
                ..pod_request().settings
            },
            placement: Placement {
                compute: Compute::Gpu { id: place(&catalog).0, count: 1 },
                data_centers: BTreeSet::new(),
                ..pod_request().placement
            },
            ..pod_request()
        };
        let id = client.create_pod(&local).await.unwrap();
        let live = wait_for(&client, &id, PodStatus::Running).await;
        assert_eq!(
            live.settings.storage,
            Storage::Local { size: Gigabytes(20), path: "/workspace".to_owned() }
        );
        let grow = PatchRequest {
            id,
            settings: PodSettings {
                storage: Some(Storage::Local { size: Gigabytes(40), path: "/data".to_owned() }),
                ..patch_request().settings
            },
        };
        client.update_pod(&grow).await.unwrap();
        let live = client.pod(&grow.id).await.unwrap().unwrap();
        assert_eq!(live.settings.storage, Storage::Local { size: Gigabytes(40), path: "/data".to_owned() });
        if api == Api::V2 {
            life_of_a_secret(&client).await;
        }
        life_of_credentials(&client, &grow.id).await;
    });
    recorder.seen()
}

/// Goes through every call for what an account keeps, which REST v2 alone has.
async fn life_of_a_secret(client: &Runpod) {
    let value = Secret::new(SECRET.to_owned());
    let (name, description) = ("hf_token".to_owned(), "acme/secret.hf_token".to_owned());
    let request = SecretRequest { name, description: description.clone(), value: value.clone() };
    let id = client.create_secret(&request).await.unwrap();
    let again = client.create_secret(&request).await.unwrap_err();
    assert_eq!(again.certainty, Certainty::Rejected(Rejection::Conflict), "the name is taken");
    client.set_secret(&id, &value).await.unwrap();
    let listed = client.list_secrets().await.unwrap().unwrap();
    let [Listed::Found(secret)] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((&secret.id, &secret.description), (&id, &Some(description)));
    client.delete_secret(&id).await.unwrap();
    let again = client.delete_secret(&id).await.unwrap_err();
    assert_eq!(again.certainty, Certainty::Rejected(Rejection::NotFound));
    assert_eq!(client.ssh_keys().await, Ok(Some(1)));
}

#[test]
fn every_call_works_over_rest_v2() {
    assert!(requests_of(Api::V2).len() > 40);
}

#[test]
fn every_call_works_over_rest_v1() {
    assert!(requests_of(Api::V1).len() > 40);
}

#[test]
fn every_call_works_over_graphql() {
    assert!(requests_of(Api::Graphql).len() > 40);
}

#[test]
fn the_catalog_is_the_same_over_every_api() {
    let router = simulation().router();
    let asked = BTreeSet::from([
        question(1, &[], CudaWish::Any),
        question(2, &["RO", "US"], CudaWish::AtLeast(CudaVersion::new("12.4"))),
    ]);
    let read =
        |api| run(Recorder::default().tap(api, &router).catalog(&asked, Timestamp::UNIX_EPOCH)).unwrap();
    let [v2, v1, graphql] = SPOKEN.map(read);
    assert!(v1.not_taken.data_centers.contains(&DataCenterId::new("AP-IN-1")));
    assert_eq!(Catalog { not_taken: NotTaken::default(), ..v1 }, graphql);
    assert_eq!(v2.gpus, graphql.gpus);
    assert_eq!(v2.cpus, graphql.cpus);
    let levels = |catalog: &Catalog| -> Vec<Stock> {
        catalog.gpu_stock.values().flat_map(BTreeMap::values).map(|answer| answer.best).collect()
    };
    assert_eq!(levels(&v2), levels(&graphql));
}

#[test]
fn a_pod_made_over_one_api_reads_the_same_over_the_others() {
    for maker in SPOKEN {
        let router = simulation().router();
        let client = |api| Recorder::default().tap(api, &router);
        run(async {
            let catalog = client(Api::V2).catalog(&ask_for_one(), Timestamp::UNIX_EPOCH).await.unwrap();
            let (gpu, center) = place(&catalog);
            let request = pod_request_for(gpu, Some(center), Storage::None);
            let id = client(maker).create_pod(&request).await.unwrap();
            for reader in SPOKEN {
                assert_reads_back(&request, &wait_for(&client(reader), &id, PodStatus::Running).await);
            }
        });
    }
}

/// A published document whose schemas of request bodies are compiled as they are asked for.
struct Document {
    text: Value,
    compiler: Compiler,
    schemas: Schemas,
    prefix: &'static str,
    /// The operations of which a request was checked.
    checked: BTreeSet<String>,
}

impl Document {
    /// Reads a document, or says why its test is skipped.
    fn open(name: &str, prefix: &'static str) -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/runpod").join(name);
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: {} is not there, so requests are not checked against it", path.display());
            return None;
        };
        let text: Value = serde_json::from_slice(&bytes).unwrap();
        let mut compiler = Compiler::new();
        compiler.add_resource("openapi.json", text.clone()).unwrap();
        Some(Self { text, compiler, schemas: Schemas::new(), prefix, checked: BTreeSet::new() })
    }

    /// Checks that a request is documented: its path and method, its query parameters and its body.
    fn check(&mut self, seen: &Seen) {
        let (method, target) = seen.line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let template = self.template(path.strip_prefix(self.prefix).unwrap());
        self.checked.insert(format!("{method} {template}"));
        let escaped = template.replace('~', "~0").replace('/', "~1");
        let at = format!("/paths/{escaped}/{}", method.to_lowercase());
        let operation = self.text.pointer(&at).unwrap_or_else(|| panic!("{} is not documented", seen.line));

        let known: Vec<String> = operation["parameters"].as_array().map_or(Vec::new(), |parameters| {
            let name = |parameter: &Value| match parameter["$ref"].as_str() {
                Some(at) => self.text.pointer(at.trim_start_matches('#')).unwrap()["name"].clone(),
                None => parameter["name"].clone(),
            };
            parameters.iter().map(|parameter| name(parameter).as_str().unwrap().to_owned()).collect()
        });
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap();
            assert!(known.iter().any(|known| known == name), "{}: `{name}` is not documented", seen.line);
        }

        let body = format!("{at}/requestBody/content/application~1json/schema");
        if self.text.pointer(&body).is_none() {
            assert_eq!(seen.body, Value::Null, "{} has no documented body", seen.line);
            return;
        }
        let schema = self.compiler.compile(&format!("openapi.json#{body}"), &mut self.schemas).unwrap();
        if let Err(error) = self.schemas.validate(&seen.body, schema) {
            panic!("{}: {error:#}\n{:#}", seen.line, seen.body);
        }
    }

    /// Returns the documented path that a path is an instance of.
    fn template(&self, path: &str) -> String {
        let paths = self.text["paths"].as_object().unwrap().keys();
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &&String| {
            let of_template: Vec<&str> = template.trim_start_matches(self.version()).split('/').collect();
            of_template.len() == parts.len()
                && of_template.iter().zip(&parts).all(|(known, part)| known == part || known.starts_with('{'))
        };
        // A fixed path goes before one with parameters.
        let found = paths.filter(fits).min_by_key(|template| template.matches('{').count());
        found.unwrap_or_else(|| panic!("{path} is not documented")).clone()
    }

    /// Returns the part of the document's paths that stands in the client's base.
    fn version(&self) -> &'static str {
        if self.text["paths"].get("/v2/pods").is_some() { "/v2" } else { "" }
    }
}

/// Checks every request that the client makes over an API, and that these are the operations which it has.
fn check_requests(api: Api, document: &str, prefix: &'static str, operations: &[&str]) {
    let Some(mut document) = Document::open(document, prefix) else { return };
    let requests = requests_of(api);
    let checked = requests.iter().filter(|seen| seen.line.contains(prefix));
    assert!(checked.clone().count() > 40);
    checked.for_each(|seen| document.check(seen));
    let checked: Vec<&str> = document.checked.iter().map(String::as_str).collect();
    eprintln!("checked {checked:?}");
    assert_eq!(checked, operations);
}

#[test]
fn requests_to_rest_v2_are_as_documented() {
    let operations = [
        "DELETE /v2/account/secrets/{id}",
        "DELETE /v2/network-volumes/{id}",
        "DELETE /v2/pods/{id}",
        "DELETE /v2/registries/{id}",
        "GET /v2/account/secrets",
        "GET /v2/account/ssh-keys",
        "GET /v2/catalog/cpus",
        "GET /v2/catalog/datacenters",
        "GET /v2/catalog/gpus",
        "GET /v2/network-volumes",
        "GET /v2/network-volumes/{id}",
        "GET /v2/pods",
        "GET /v2/pods/{id}",
        "GET /v2/registries",
        "GET /v2/registries/{id}",
        "PATCH /v2/account/secrets/{id}",
        "PATCH /v2/network-volumes/{id}",
        "PATCH /v2/pods/{id}",
        "POST /v2/account/secrets",
        "POST /v2/network-volumes",
        "POST /v2/pods",
        "POST /v2/pods/{id}/action",
        "POST /v2/registries",
    ];
    check_requests(Api::V2, "openapi-v2-autumn.json", "/v2", &operations);
}

#[test]
fn requests_to_rest_v1_are_as_documented() {
    let operations = [
        "DELETE /containerregistryauth/{containerRegistryAuthId}",
        "DELETE /networkvolumes/{networkVolumeId}",
        "DELETE /pods/{podId}",
        "GET /containerregistryauth",
        "GET /containerregistryauth/{containerRegistryAuthId}",
        "GET /networkvolumes",
        "GET /networkvolumes/{networkVolumeId}",
        "GET /pods",
        "GET /pods/{podId}",
        "PATCH /networkvolumes/{networkVolumeId}",
        "PATCH /pods/{podId}",
        "POST /containerregistryauth",
        "POST /networkvolumes",
        "POST /pods",
        "POST /pods/{podId}/start",
        "POST /pods/{podId}/stop",
    ];
    check_requests(Api::V1, "openapi-v1.json", "/v1", &operations);
}

/// Whatever the catalog of REST v1 does not set aside can be asked for, and the rest cannot.
#[test]
fn rest_v1_takes_what_its_document_lists() {
    let Some(document) = Document::open("openapi-v1.json", "/v1") else { return };
    let client = Recorder::default().tap(Api::V1, &simulation().router());
    let Catalog { gpus, data_centers, not_taken, .. } =
        run(client.catalog(&ask_for_one(), Timestamp::UNIX_EPOCH)).unwrap();
    let listed = |field: &str| -> Vec<String> {
        let at = format!("/components/schemas/PodCreateInput/properties/{field}/items/enum");
        serde_json::from_value(document.text.pointer(&at).unwrap().clone()).unwrap()
    };
    let (types, places) = (listed("gpuTypeIds"), listed("dataCenterIds"));
    for id in gpus.keys() {
        assert_eq!(not_taken.gpus.contains(id), !types.contains(&id.to_string()), "{id}");
    }
    for id in data_centers.keys() {
        assert_eq!(not_taken.data_centers.contains(id), !places.contains(&id.to_string()), "{id}");
    }
    assert!(!not_taken.gpus.is_empty() && !not_taken.data_centers.is_empty());
}

#[test]
fn catalogs_with_every_kind_of_question_are_as_documented() {
    let Some(mut document) = Document::open("openapi-v2-autumn.json", "/v2") else { return };
    let recorder = Recorder::default();
    let client = recorder.tap(Api::V2, &simulation().router());
    let exact = CudaWish::OneOf(BTreeSet::from(["12.4", "12.8"].map(CudaVersion::new)));
    let asked = BTreeSet::from([
        question(1, &["RO", "SE"], CudaWish::Any),
        question(2, &[], CudaWish::AtLeast(CudaVersion::new("12.4"))),
        question(3, &[], exact),
    ]);
    let catalog = run(client.catalog(&asked, Timestamp::UNIX_EPOCH)).unwrap();
    assert!(catalog.gpus.len() > 30 && catalog.cpus.len() == 6 && catalog.data_centers.len() > 20);
    assert!(catalog.gpu_stock.values().all(|stock| stock.len() == catalog.gpus.len()));
    recorder.seen().iter().for_each(|seen| document.check(seen));
}
