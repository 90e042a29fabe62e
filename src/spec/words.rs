//! The keys of the format outside of pods and on the levels below them, and what people type who come from elsewhere.
//!
//! The keys of a pod itself stand where they are read, in `pod`.
//!
//! A key that the format does not have is an error with the word that it has instead: silently ignored, it would
//! cost somebody money. The words come from RunPod's three APIs and its CLI, from compose files, from dstack and
//! SkyPilot, and from Kubernetes.

/// A map of the format.
#[derive(Debug)]
pub(super) struct Section {
    /// What it is called in a message, with its article.
    pub name: &'static str,
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
        "state_url",
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
        (
            "backend",
            Written("`state_file: state/NAME.db` or `state_url: s3://BUCKET/PREFIX`, and `provider:`"),
        ),
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
    keys: &["env", "file", "runpod", "from"],
    words: &[
        ("environment", Spelled("env")),
        ("external", Written("`{ runpod: NAME }`")),
        ("name", Spelled("runpod")),
        ("value", NotSupported("a spec file is kept in git; give the value by `env` or `file`")),
    ],
};

pub(super) const SECRET_SOURCE: Section = Section {
    name: "`from` of a secret",
    keys: &["env", "file"],
    words: &[
        ("environment", Spelled("env")),
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
        (
            "delegation",
            NotSupported(
                "podform makes no delegation of ECR yet; make it in RunPod's console and leave out the pod's `registry`",
            ),
        ),
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
    keys: &["type", "count", "max_price"],
    words: &[
        ("id", Spelled("type")),
        ("name", Spelled("type")),
        ("gpu", Spelled("type")),
        ("price", Spelled("max_price")),
        ("counts", Spelled("count")),
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

pub(super) const RENT: Section = Section {
    name: "`rent`",
    keys: &["spot"],
    words: &[("bid", Written("`rent: { spot: { bid: 0.20 } }`")), ("interruptible", Spelled("spot"))],
};

pub(super) const SPOT: Section = Section {
    name: "`rent.spot`",
    keys: &["bid"],
    words: &[("bidPerGpu", Spelled("bid")), ("price", Spelled("bid")), ("max_price", Spelled("bid"))],
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

pub(super) const REGISTRY_VALUE: Section = Section {
    name: "a value of a registry",
    keys: &["secret"],
    words: &[
        ("env", Written("`{ secret: NAME }`, with `NAME: { env: VARIABLE }` under `secrets:`")),
        ("file", Written("`{ secret: NAME }`, with `NAME: { file: PATH }` under `secrets:`")),
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

pub(super) const READY: Section = Section {
    name: "`ready`",
    keys: &["http", "tcp", "log", "status", "within"],
    words: &[
        ("timeout", Spelled("within")),
        ("initialDelaySeconds", Spelled("within")),
        ("failureThreshold", Spelled("within")),
        ("start_period", Spelled("within")),
        ("retries", Spelled("within")),
        ("interval", NotSupported("podform chooses how often it asks")),
        ("periodSeconds", NotSupported("podform chooses how often it asks")),
        ("path", Written("`http: 8000/health`")),
        ("port", Written("`http: 8000/health` or `tcp: 22`")),
        ("httpGet", Written("`http: 8000/health`")),
        ("url", Written("`http: 8000/health`")),
        ("tcpSocket", Written("`tcp: 22`")),
        ("logs", Spelled("log")),
        ("code", Spelled("status")),
        ("codes", Spelled("status")),
        ("exec", NotSupported("podform runs nothing inside pods; serve the answer on an http port")),
        ("test", NotSupported("podform runs nothing inside pods; serve the answer on an http port")),
        ("command", NotSupported("podform runs nothing inside pods; serve the answer on an http port")),
        ("post_data", NotSupported("a `GET` is sent, without a body")),
        (
            "headers",
            NotSupported(
                "no header is sent, so that no credential can be; `status: [200, 401]` takes an answer that asks for one",
            ),
        ),
    ],
};

pub(super) const BOOT: Section = Section {
    name: "`boot`",
    keys: &["within", "else"],
    words: &[("timeout", Spelled("within")), ("otherwise", Spelled("else")), ("then", Spelled("else"))],
};

pub(super) const RETRY: Section = Section {
    name: "`retry`",
    keys: &["for", "every", "widen"],
    words: &[
        ("duration", Spelled("for")),
        ("timeout", Spelled("for")),
        ("within", Spelled("for")),
        ("max_duration", Spelled("for")),
        ("interval", Spelled("every")),
        ("delay", Spelled("every")),
        ("attempts", Written("`for:` and `every:`; how many tries there are follows from both")),
        ("max_attempts", Written("`for:` and `every:`; how many tries there are follows from both")),
        (
            "on_events",
            NotSupported("podform waits for capacity only; a pod that ended is started by the next apply"),
        ),
        ("fallback", Spelled("widen")),
    ],
};

pub(super) const WIDEN: Section = Section {
    name: "an entry of `widen`",
    keys: &["after", "gpu", "max_price"],
    words: &[
        ("from", Spelled("after")),
        ("any_of", Spelled("gpu")),
        ("price", Spelled("max_price")),
        ("cpu", NotSupported("only the GPUs of a pod can be widened")),
    ],
};

pub(super) const REPLICAS: Section = Section {
    name: "`replicas`",
    keys: &["count", "without"],
    words: &[
        ("number", Spelled("count")),
        ("except", Spelled("without")),
        ("exclude", Spelled("without")),
        ("min", NotSupported("podform does not scale by load; `count:` says how many pods there are")),
        ("max", NotSupported("podform does not scale by load; `count:` says how many pods there are")),
        ("target", NotSupported("podform does not scale by load; `count:` says how many pods there are")),
    ],
};

pub(super) const UPDATE: Section = Section {
    name: "`update`",
    keys: &["at_once", "on_failure"],
    words: &[
        ("max_parallel", Spelled("at_once")),
        ("maxUnavailable", Spelled("at_once")),
        ("max_unavailable", Spelled("at_once")),
        ("parallelism", Spelled("at_once")),
        ("maxSurge", Written("`lifecycle: { on_replace: create_first }`")),
        ("order", Written("`lifecycle: { on_replace: create_first }`")),
        ("failure_action", Spelled("on_failure")),
        ("auto_revert", NotSupported("put the old image back into the file and apply")),
        ("canary", NotSupported("`--target KEY[0]` applies one replica")),
        ("delay", NotSupported("the next ones begin once those before run")),
        ("min_healthy_time", NotSupported("the next ones begin once those before run")),
    ],
};

pub(super) const DEPENDENCY: Section = Section {
    name: "an entry of `depends_on`",
    keys: &["pod", "until"],
    words: &[
        ("name", Spelled("pod")),
        ("key", Spelled("pod")),
        ("condition", Written("`until: ready`, `until: done` or `until: ended`")),
        ("wait_for", Spelled("until")),
        ("required", NotSupported("every pod that is named is waited for")),
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
    use super::super::pod::POD;
    use super::*;

    const ALL: &[&Section] = &[
        &SPEC,
        &PROVIDER,
        &SECRET,
        &SECRET_SOURCE,
        &REGISTRY,
        &VOLUME,
        &POD,
        &GPU,
        &GPU_CHOICE,
        &CPU,
        &PLACEMENT,
        &MOUNT,
        &ENV_VALUE,
        &REGISTRY_VALUE,
        &LIFECYCLE,
        &READY,
        &BOOT,
        &DEPENDENCY,
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
