//! The keys of the format, and what people type who come from elsewhere.
//!
//! A key that the format does not have is an error with the word that it has instead: silently ignored, it would
//! cost somebody money. The words come from RunPod's three APIs and its CLI, from compose files, from dstack and
//! SkyPilot, and from Kubernetes.

/// A map of the format.
#[derive(Debug)]
pub(super) struct Section {
    /// What it is called in a message, with its article.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [&'static str],
    /// What other tools call them.
    pub words: &'static [(&'static str, Word)],
}

/// What to say about a key that the format does not have here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The same thing under another name, which takes the same value.
    Spelled(&'static str),
    /// The same thing in another shape; the text shows it.
    Written(&'static str),
    /// Not part of version 1, for the reason given.
    NotSupported(&'static str),
}

use Word::{NotSupported, Spelled, Written};

impl Section {
    /// Returns what is known about a foreign key, or about one of the section's own in another style. Tools write one
    /// word as `gpu_count`, `gpuCount` and `gpu-count`, and so do people.
    pub(super) fn word(&self, key: &str) -> Option<Word> {
        let same = |word: &str| letters(word).eq(letters(key));
        if let Some(own) = self.keys.iter().find(|own| same(own)) {
            return Some(Spelled(own));
        }
        self.words.iter().find(|(word, _)| same(word)).map(|(_, meaning)| *meaning)
    }
}

/// Returns what is the same in all styles of a word.
fn letters(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase())
}

pub(super) const SPEC: Section = Section {
    name: "a spec",
    keys: &[
        "version",
        "project",
        "provider",
        "state_file",
        "vars",
        "secrets",
        "budget",
        "registries",
        "volumes",
        "defaults",
        "pods",
        "moved",
        "removed",
    ],
    words: &[
        ("name", Spelled("project")),
        ("services", Spelled("pods")),
        ("pod", Spelled("pods")),
        ("network_volumes", Spelled("volumes")),
        ("variables", Spelled("vars")),
        ("envs", Spelled("vars")),
        ("registry", Spelled("registries")),
        ("state", Spelled("state_file")),
        ("backend", Written("`state_file: state/NAME.db` and `provider:`")),
        ("backends", Written("`provider: { kind: runpod }`")),
        ("apiVersion", Spelled("version")),
        ("env", Written("`env:` under `defaults:`")),
        ("image", Written("`image:` under a key of `pods:`")),
        ("networks", NotSupported("use `global_networking: true` on each pod")),
        ("configs", NotSupported("put the content into `env:` or into the image")),
        ("include", NotSupported("name several files with `-f`; they are merged in order")),
        (
            "templates",
            NotSupported("RunPod copies a template once and keeps no link; write its settings into the pod"),
        ),
        ("endpoints", NotSupported("podform manages pods and network volumes, not serverless endpoints")),
        ("policies", NotSupported("limits on whole plans have no place in the spec file")),
    ],
};

pub(super) const PROVIDER: Section = Section {
    name: "`provider`",
    keys: &["kind", "api"],
    words: &[
        ("type", Spelled("kind")),
        ("name", Spelled("kind")),
        ("api_version", Spelled("api")),
        ("api_key", NotSupported("the key is read from RUNPOD_API_KEY and never from a file")),
        ("base_url", NotSupported("the origin is read from RUNPOD_API_BASE_URL")),
        ("url", NotSupported("the origin is read from RUNPOD_API_BASE_URL")),
    ],
};

pub(super) const SECRET: Section = Section {
    name: "a secret",
    keys: &["env", "file", "runpod"],
    words: &[
        ("environment", Spelled("env")),
        ("external", Written("`{ runpod: NAME }`")),
        ("name", Spelled("runpod")),
        ("value", NotSupported("a spec file is kept in git; give the value by `env` or `file`")),
    ],
};

pub(super) const REGISTRY: Section = Section {
    name: "a registry",
    keys: &["id", "username", "password"],
    words: &[
        ("user", Spelled("username")),
        ("token", Spelled("password")),
        ("server", NotSupported("the image names its registry")),
    ],
};

pub(super) const VOLUME: Section = Section {
    name: "a volume",
    keys: &["id", "size", "data_center", "tier", "protect", "adopt"],
    words: &[
        ("dataCenterId", Spelled("data_center")),
        ("data_centre", Spelled("data_center")),
        ("region", Spelled("data_center")),
        ("type", Spelled("tier")),
        ("size_gb", Spelled("size")),
        ("sizeInGb", Spelled("size")),
        ("volume_id", Spelled("id")),
        ("external", Written("`{ id: VOLUME_ID }`")),
        (
            "name",
            NotSupported(
                "a volume is found again by its name, so podform makes it: `<project>-<key>-<token>`",
            ),
        ),
        ("lifecycle", Written("`protect: true`")),
        ("driver", NotSupported("network volumes have no drivers")),
        ("driver_opts", NotSupported("network volumes have no drivers")),
    ],
};

pub(super) const POD: Section = Section { name: "a pod", keys: POD_KEYS, words: POD_WORDS };

pub(super) const DEFAULTS: Section = Section { name: "a pod", keys: POD_KEYS, words: POD_WORDS };

const POD_KEYS: &[&str] = &[
    "name",
    "image",
    "registry",
    "command",
    "entrypoint",
    "env",
    "ports",
    "gpu",
    "cpu",
    "cuda",
    "max_price",
    "placement",
    "cloud",
    "disk",
    "volumes",
    "ssh",
    "jupyter",
    "global_networking",
    "locked",
    "depends_on",
    "replicas",
    "state",
    "schedule",
    "retry",
    "lifecycle",
    "labels",
    "profiles",
    "adopt",
];

const POD_WORDS: &[(&str, Word)] = &[
    // RunPod's REST APIs, GraphQL and CLI.
    ("imageName", Spelled("image")),
    ("dockerStartCmd", Spelled("command")),
    ("dockerArgs", Written("`command: [\"--first\", \"--second\"]`, one list item per argument")),
    ("args", Written("`command: [\"--first\", \"--second\"]`, one list item per argument")),
    ("dockerEntrypoint", Spelled("entrypoint")),
    ("containerDiskInGb", Written("`disk: 60GB`")),
    ("container_disk", Spelled("disk")),
    ("disk_size", Spelled("disk")),
    ("volumeInGb", Written("`volumes: [{ local: 100GB, path: /workspace }]`")),
    ("volumeMountPath", Written("`volumes: [{ local: 100GB, path: /workspace }]`")),
    (
        "networkVolumeId",
        Written("`volumes: [NAME:/path]`, with `NAME: { id: VOLUME_ID }` under the top-level `volumes:`"),
    ),
    ("mounts", Written("`volumes: [NAME:/path]`")),
    ("volume", Spelled("volumes")),
    ("gpuTypeIds", Spelled("gpu")),
    ("gpuTypeId", Spelled("gpu")),
    ("gpu_type", Spelled("gpu")),
    ("gpuCount", Written("`gpu: \"NAME:2\"`, or `count:` under `gpu:`")),
    ("gpuTypePriority", Written("`order: listed` under `gpu:`")),
    ("allowedCudaVersions", Spelled("cuda")),
    ("minCudaVersion", Written("`cuda: \">=12.4\"`")),
    ("cuda_version", Spelled("cuda")),
    ("cloudType", Spelled("cloud")),
    ("dataCenterIds", Written("`placement: { data_centers: [EU-RO-1] }`")),
    ("dataCenterId", Written("`placement: { data_centers: [EU-RO-1] }`")),
    ("data_center", Written("`placement: { data_centers: [EU-RO-1] }`")),
    ("data_centers", Written("`placement: { data_centers: [EU-RO-1] }`")),
    ("countryCodes", Written("`placement: { countries: [RO] }`")),
    ("countryCode", Written("`placement: { countries: [RO] }`")),
    ("machineId", NotSupported("RunPod chooses the machine; `placement:` and `gpu:` limit the choice")),
    ("registryAuth", Written("`registry: NAME`, with `NAME: { id: ID }` under the top-level `registries:`")),
    (
        "registry_auth_id",
        Written("`registry: NAME`, with `NAME: { id: ID }` under the top-level `registries:`"),
    ),
    (
        "image_pull_secrets",
        Written("`registry: NAME`, with `NAME: { id: ID }` under the top-level `registries:`"),
    ),
    ("country", Written("`placement: { countries: [RO] }`")),
    ("computeType", NotSupported("a pod with `gpu:` is a GPU pod, one with `cpu:` a CPU pod")),
    ("cpuFlavorIds", Written("`cpu: { flavors: [cpu5c], vcpus: 8 }`")),
    ("cpuFlavorId", Written("`cpu: { flavors: [cpu5c], vcpus: 8 }`")),
    ("instanceId", Written("`cpu: { flavors: [cpu5c], vcpus: 8 }`")),
    ("vcpuCount", Written("`cpu: { flavors: [cpu5c], vcpus: 8 }`")),
    ("vcpus", Written("`cpu: { flavors: [cpu5c], vcpus: 8 }`")),
    (
        "containerRegistryAuthId",
        Written("`registry: NAME`, with `NAME: { id: ID }` under the top-level `registries:`"),
    ),
    ("globalNetwork", Spelled("global_networking")),
    ("startSsh", Spelled("ssh")),
    ("startJupyter", Spelled("jupyter")),
    ("desiredStatus", Written("`state: running` or `state: stopped`")),
    ("status", Spelled("state")),
    ("id", Spelled("adopt")),
    (
        "template",
        NotSupported("RunPod copies a template once and keeps no link; write its settings into the pod"),
    ),
    (
        "templateId",
        NotSupported("RunPod copies a template once and keeps no link; write its settings into the pod"),
    ),
    ("interruptible", NotSupported("RunPod no longer rents spot pods")),
    ("bidPerGpu", NotSupported("RunPod no longer rents spot pods")),
    ("spot", NotSupported("RunPod no longer rents spot pods")),
    ("use_spot", NotSupported("RunPod no longer rents spot pods")),
    ("spot_policy", NotSupported("RunPod no longer rents spot pods")),
    (
        "supportPublicIp",
        NotSupported("pods in Secure Cloud always have a public address; REST v2 has no such field"),
    ),
    (
        "public_ip",
        NotSupported("pods in Secure Cloud always have a public address; REST v2 has no such field"),
    ),
    (
        "min_vcpu",
        NotSupported("REST v2 documents no such placement filter; choose a GPU whose hosts have enough"),
    ),
    (
        "min_vcpus",
        NotSupported("REST v2 documents no such placement filter; choose a GPU whose hosts have enough"),
    ),
    (
        "min_vcpu_count",
        NotSupported("REST v2 documents no such placement filter; choose a GPU whose hosts have enough"),
    ),
    (
        "minVCPUPerGPU",
        NotSupported("REST v2 documents no such placement filter; choose a GPU whose hosts have enough"),
    ),
    (
        "min_memory",
        NotSupported("REST v2 documents no such placement filter; `gpu.memory` limits the memory of the GPU"),
    ),
    (
        "min_ram",
        NotSupported("REST v2 documents no such placement filter; `gpu.memory` limits the memory of the GPU"),
    ),
    (
        "minMemoryInGb",
        NotSupported("REST v2 documents no such placement filter; `gpu.memory` limits the memory of the GPU"),
    ),
    (
        "minRAMPerGPU",
        NotSupported("REST v2 documents no such placement filter; `gpu.memory` limits the memory of the GPU"),
    ),
    ("minDownloadMbps", NotSupported("REST v2 has no bandwidth filter")),
    ("minUploadMbps", NotSupported("REST v2 has no bandwidth filter")),
    ("minDiskBandwidthMBps", NotSupported("REST v2 has no bandwidth filter")),
    ("stopAfter", NotSupported("only GraphQL has timers, and a pod that stops by itself reads as drift")),
    ("terminateAfter", NotSupported("only GraphQL has timers, and a pod that ends by itself reads as drift")),
    ("savingsPlan", NotSupported("buy savings plans in RunPod's console")),
    // Compose files.
    ("cmd", Spelled("command")),
    ("ipc", NotSupported("RunPod sets up the container's memory; it has no IPC modes")),
    ("pid", NotSupported("RunPod's containers have their own process numbers")),
    ("tty", NotSupported("RunPod's containers have no terminal; `podform ssh` opens one")),
    (
        "stdin_open",
        NotSupported("RunPod's containers have no standard input; `podform ssh` opens a terminal"),
    ),
    ("cap_add", NotSupported("RunPod's containers get no further capabilities")),
    ("cap_drop", NotSupported("RunPod sets the capabilities of its containers")),
    ("security_opt", NotSupported("RunPod sets the limits of its containers")),
    ("sysctls", NotSupported("RunPod's hosts set the kernel's parameters")),
    ("devices", Written("`gpu:`; RunPod gives the container its GPUs")),
    ("tmpfs", NotSupported("the container `disk` is wiped on every stop")),
    ("read_only", NotSupported("RunPod's containers can write their disk")),
    ("dns", NotSupported("RunPod sets up the names of the container")),
    ("extra_hosts", NotSupported("RunPod sets up the names of the container")),
    ("links", NotSupported("use `global_networking: true`")),
    (
        "pull_policy",
        NotSupported("RunPod pulls the image when it makes or resets the pod; name a tag of its own"),
    ),
    ("stop_signal", NotSupported("RunPod stops containers its own way")),
    ("stop_grace_period", NotSupported("RunPod stops containers its own way")),
    ("configs", NotSupported("put the content into `env:` or into the image")),
    ("environment", Spelled("env")),
    ("env_file", NotSupported("put the variables into `env:`, and secrets into `secrets:` with `file:`")),
    (
        "restart",
        NotSupported(
            "RunPod decides whether a container is started again; the next apply starts a pod that ended",
        ),
    ),
    ("healthcheck", NotSupported("RunPod has no health checks; apply waits until the pod runs")),
    ("build", NotSupported("build and push the image first; RunPod only pulls")),
    ("container_name", Spelled("name")),
    ("deploy", Written("`gpu:` and `replicas:` on the pod itself")),
    ("scale", Spelled("replicas")),
    ("replica", Spelled("replicas")),
    ("count", Written("`replicas: 2` for pods, or `count:` under `gpu:` for GPUs")),
    ("gpus", Spelled("gpu")),
    ("expose", Spelled("ports")),
    ("port", Spelled("ports")),
    ("hostname", NotSupported("RunPod gives pods their host names")),
    ("networks", NotSupported("use `global_networking: true`")),
    ("network_mode", NotSupported("use `global_networking: true`")),
    ("user", NotSupported("set the user in the image")),
    ("working_dir", NotSupported("set the working directory in the image, or `cd` in the command")),
    ("privileged", NotSupported("RunPod's containers are not privileged")),
    ("shm_size", NotSupported("RunPod sizes shared memory by the host")),
    ("ulimits", NotSupported("RunPod sets the limits")),
    ("mem_limit", NotSupported("a pod's memory follows from its GPU or CPU")),
    ("cpus", Written("`cpu: { flavors: [cpu5c], vcpus: 8 }`")),
    ("secrets", Written("`env: { KEY: { secret: NAME } }`, with `NAME` under the top-level `secrets:`")),
    ("extends", Written("`defaults:`, which is merged under every pod")),
    ("init", NotSupported("RunPod starts the container its own way")),
    ("logging", NotSupported("RunPod keeps the logs")),
    ("platform", NotSupported("RunPod's hosts are linux/amd64")),
    ("runtime", NotSupported("RunPod chooses the runtime")),
    ("tags", Spelled("labels")),
    ("metadata", Spelled("labels")),
    // dstack, SkyPilot and Kubernetes.
    ("resources", Written("`gpu:`, `cpu:` and `disk:` on the pod itself")),
    ("for_each", NotSupported("write a key of `pods:` for each, or `replicas: 2` where they are alike")),
    ("scaling", NotSupported("podform does not scale by load; `replicas:` says how many pods there are")),
    ("autoscaling", NotSupported("podform does not scale by load; `replicas:` says how many pods there are")),
    ("min_replicas", Spelled("replicas")),
    ("max_replicas", Spelled("replicas")),
    ("model", NotSupported("podform runs images; name the model in `command:` or `env:`")),
    ("ttl", NotSupported("RunPod's REST APIs have no timers")),
    ("timeout", NotSupported("RunPod's REST APIs have no timers")),
    ("idle_timeout", NotSupported("RunPod's REST APIs have no timers")),
    ("stop_criteria", NotSupported("RunPod's REST APIs have no timers")),
    (
        "ram",
        NotSupported("REST v2 documents no such placement filter; `gpu.memory` limits the memory of the GPU"),
    ),
    ("cpu_count", Written("`cpu: { flavors: [cpu5c], vcpus: 8 }`")),
    ("storage", Written("`disk: 60GB`, and `volumes:` for what is to stay")),
    ("type", NotSupported("every pod is of one type: a container that runs until it is stopped")),
    ("kind", NotSupported("every pod is of one kind: a container that runs until it is stopped")),
    ("any_of", Written("`gpu: { any_of: [L40S, A40] }`")),
    ("backends", NotSupported("podform rents at RunPod only")),
    ("infra", NotSupported("podform rents at RunPod only; `cloud:` and `placement:` say where")),
    ("zone", Written("`placement: { data_centers: [EU-RO-1] }`")),
    ("location", Written("`placement: { data_centers: [EU-RO-1] }`")),
    ("availability_zone", Written("`placement: { data_centers: [EU-RO-1] }`")),
    ("instance_type", Written("`gpu: L40S`, or `cpu: { flavors: [cpu5c], vcpus: 8 }`")),
    ("instance_types", Written("`gpu: L40S`, or `cpu: { flavors: [cpu5c], vcpus: 8 }`")),
    ("preemptible", NotSupported("RunPod no longer rents spot pods")),
    ("ide", NotSupported("`ssh: true` lets an editor in, `jupyter: true` starts JupyterLab")),
    ("service", NotSupported("`ports:` publishes a port; RunPod's proxy makes its address")),
    ("node_selector", Written("`gpu:` and `placement:`")),
    ("spec", Written("the pod's own keys, without a level between")),
    ("accelerators", Spelled("gpu")),
    ("commands", Written("`command: [bash, -c, \"first && second\"]`")),
    ("run", Written("`command: [bash, -c, \"first && second\"]`")),
    ("setup", NotSupported("put the setup into the image, or into the command")),
    ("envs", Spelled("env")),
    ("regions", Written("`placement: { data_centers: [EU-RO-1] }`")),
    ("region", Written("`placement: { data_centers: [EU-RO-1] }`")),
    ("zones", Written("`placement: { data_centers: [EU-RO-1] }`")),
    ("nodes", Spelled("replicas")),
    ("num_nodes", Spelled("replicas")),
    ("file_mounts", NotSupported("mount a network volume, or put the files into the image")),
    ("workdir", NotSupported("mount a network volume, or put the files into the image")),
    ("max_duration", NotSupported("RunPod's REST APIs have no timers")),
    ("idle_duration", NotSupported("RunPod's REST APIs have no timers")),
    ("autostop", NotSupported("RunPod's REST APIs have no timers")),
    ("python", NotSupported("choose an image with the Python that you need")),
    ("containers", NotSupported("a pod of RunPod is one container")),
    ("volume_mounts", Written("`volumes: [NAME:/path]`")),
    ("protect", Written("`lifecycle: { protect: true }`")),
    ("ignore_changes", Written("`lifecycle: { ignore_changes: [image] }`")),
    ("prevent_destroy", Written("`lifecycle: { protect: true }`")),
    ("memory", Written("`memory: 48GB..` under `gpu:`")),
    ("timezone", Written("`timezone:` under `schedule:`")),
    ("price", Spelled("max_price")),
    ("max_hourly", Spelled("max_price")),
];

pub(super) const GPU: Section = Section {
    name: "`gpu`",
    keys: &["any_of", "order", "count", "memory"],
    words: &[
        ("type", Written("`any_of: [NAME]`")),
        ("types", Spelled("any_of")),
        ("name", Written("`any_of: [NAME]`")),
        ("names", Spelled("any_of")),
        ("id", Written("`any_of: [NAME]`")),
        ("ids", Spelled("any_of")),
        ("model", Written("`any_of: [NAME]`")),
        ("one_of", Spelled("any_of")),
        ("priority", Spelled("order")),
        ("vram", Spelled("memory")),
        ("min_memory", Written("`memory: 48GB..`")),
        ("max_price", Written("`max_price:` on the pod itself, or on one entry of `any_of`")),
        ("cuda", Written("`cuda:` on the pod itself")),
        ("allowedCudaVersions", Written("`cuda:` on the pod itself")),
        ("minCudaVersion", Written("`cuda: \">=12.4\"` on the pod itself")),
        ("vendor", NotSupported("name the GPUs themselves")),
        ("total_memory", NotSupported("give `count` and the `memory` of one GPU")),
    ],
};

pub(super) const GPU_CHOICE: Section = Section {
    name: "an entry of `any_of`",
    keys: &["type", "max_price"],
    words: &[
        ("id", Spelled("type")),
        ("name", Spelled("type")),
        ("gpu", Spelled("type")),
        ("price", Spelled("max_price")),
        ("count", Written("`count:` beside `any_of`, the same for every type")),
        ("memory", Written("`memory:` beside `any_of`, the same for every type")),
    ],
};

pub(super) const CPU: Section = Section {
    name: "`cpu`",
    keys: &["flavors", "vcpus"],
    words: &[
        ("flavor", Spelled("flavors")),
        ("flavour", Spelled("flavors")),
        ("flavours", Spelled("flavors")),
        ("id", Spelled("flavors")),
        ("ids", Spelled("flavors")),
        ("type", Spelled("flavors")),
        ("vcpu", Spelled("vcpus")),
        ("vcpuCount", Spelled("vcpus")),
        ("count", Spelled("vcpus")),
        ("cores", Spelled("vcpus")),
        ("memory", NotSupported("the memory of a CPU pod follows from its flavor and vCPUs")),
    ],
};

pub(super) const BUDGET: Section = Section {
    name: "`budget`",
    keys: &["max_hourly", "max_monthly", "on_exceed"],
    words: &[
        ("hourly", Spelled("max_hourly")),
        ("max_price", Spelled("max_hourly")),
        ("monthly", Spelled("max_monthly")),
        ("amount", Spelled("max_monthly")),
        ("limit", Spelled("max_monthly")),
    ],
};

pub(super) const PLACEMENT: Section = Section {
    name: "`placement`",
    keys: &["data_centers", "countries"],
    words: &[
        ("data_center", Spelled("data_centers")),
        ("dataCenterIds", Spelled("data_centers")),
        ("regions", Spelled("data_centers")),
        ("country", Spelled("countries")),
        ("countryCodes", Spelled("countries")),
        ("cloud", Written("`cloud:` on the pod itself")),
    ],
};

pub(super) const MOUNT: Section = Section {
    name: "a local volume",
    keys: &["local", "path"],
    words: &[
        ("size", Spelled("local")),
        ("mount", Spelled("path")),
        ("mount_path", Spelled("path")),
        ("target", Spelled("path")),
        ("name", Written("`NAME:/path` for a network volume")),
        ("volume", Written("`NAME:/path` for a network volume")),
        ("source", Written("`NAME:/path` for a network volume")),
        (
            "type",
            Written(
                "`NAME:/path` for a network volume, `{ local: 100GB, path: /workspace }` for a local one",
            ),
        ),
        ("read_only", NotSupported("RunPod mounts every volume for reading and writing")),
    ],
};

pub(super) const ENV_VALUE: Section = Section {
    name: "a value of `env`",
    keys: &["secret"],
    words: &[
        ("value", NotSupported("write the value itself: `KEY: value`")),
        ("env", Written("`{ secret: NAME }`, with `NAME: { env: VARIABLE }` under `secrets:`")),
        ("file", Written("`{ secret: NAME }`, with `NAME: { file: PATH }` under `secrets:`")),
        ("runpod", Written("`{ secret: NAME }`, with `NAME: { runpod: NAME }` under `secrets:`")),
        ("secretKeyRef", Spelled("secret")),
        ("valueFrom", Spelled("secret")),
    ],
};

pub(super) const LIFECYCLE: Section = Section {
    name: "`lifecycle`",
    keys: &["protect", "on_remove", "on_replace", "on_stuck_resume", "ignore_changes"],
    words: &[
        ("prevent_destroy", Spelled("protect")),
        ("create_before_destroy", Written("`on_replace: create_first`")),
        ("on_delete", Spelled("on_remove")),
        ("ignore", Spelled("ignore_changes")),
        ("replace_triggered_by", NotSupported("`plan --replace ADDRESS` replaces once")),
    ],
};

pub(super) const REMOVED: Section = Section {
    name: "an entry of `removed`",
    keys: &["from", "then"],
    words: &[
        ("address", Spelled("from")),
        ("on_remove", Spelled("then")),
        ("lifecycle", Written("`then: terminate`, `then: stop` or `then: forget`")),
    ],
};

pub(super) const MOVED: Section = Section {
    name: "an entry of `moved`",
    keys: &["from", "to"],
    words: &[("old", Spelled("from")), ("new", Spelled("to"))],
};

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[&Section] = &[
        &SPEC,
        &PROVIDER,
        &SECRET,
        &REGISTRY,
        &VOLUME,
        &POD,
        &DEFAULTS,
        &GPU,
        &GPU_CHOICE,
        &CPU,
        &PLACEMENT,
        &MOUNT,
        &ENV_VALUE,
        &LIFECYCLE,
        &MOVED,
        &REMOVED,
    ];

    #[test]
    fn words_are_no_keys_and_lead_to_keys() {
        for section in ALL {
            for (word, meaning) in section.words {
                assert!(!section.keys.contains(word), "{}: {word}", section.name);
                if let Word::Spelled(key) = meaning {
                    assert!(section.keys.contains(key), "{}: {word} -> {key}", section.name);
                }
            }
        }
    }

    #[test]
    fn every_word_stands_once() {
        for section in ALL {
            let mut words: Vec<String> =
                section.words.iter().map(|(word, _)| letters(word).collect()).collect();
            words.extend(section.keys.iter().map(|key| letters(key).collect::<String>()));
            words.sort();
            let count = words.len();
            words.dedup();
            assert_eq!(words.len(), count, "{}", section.name);
        }
    }
}
