//! The JSON Schema and the decoder agree: what an editor underlines is what podform refuses.
//!
//! Documents are drawn from a fixed seed, each valid but for one thing at most. What only one of the two refuses is in
//! [`BEYOND_A_SCHEMA`], with the reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fastrand::Rng;
use podform::spec::Form;
use podform::spec::schema::SCHEMA;
use serde_json::{Map, Value, json};

use super::check_text;

/// A part of what the decoder says, and why no schema says it.
const BEYOND_A_SCHEMA: [(&str, &str); 37] = [
    ("undefined variable", REFERENCE),
    ("a spec needs `project`", LAYER),
    ("a spec needs `version`", LAYER),
    ("needs `image`", LAYER),
    ("needs `gpu` or `cpu`", LAYER),
    ("`cpu` needs `", LAYER),
    ("`gpu` says which GPUs", LAYER),
    ("`replicas` needs a `count`", LAYER),
    ("`ready` does not say what is asked", LAYER),
    ("`retry` does not say how long", LAYER),
    ("`boot` needs `", LAYER),
    ("from one try to the next", "no schema compares two lengths of time"),
    ("by then the wait of", "no schema compares two lengths of time"),
    ("a network volume needs", LAYER),
    ("has no value", LAYER),
    ("needs `size` and `data_center`, or `id`", LAYER),
    ("found nothing", LAYER),
    ("has nothing under it", LAYER),
    ("expected `{ env: NAME }`", LAYER),
    ("is not in this list", REFERENCE),
    ("`pods` has no", REFERENCE),
    ("`ports` has no", REFERENCE),
    ("the pod has no `ports`", REFERENCE),
    ("a template is read over REST v2 only", REFERENCE),
    ("`volumes` has no", REFERENCE),
    ("`secrets` has no", REFERENCE),
    ("`registries` has no", REFERENCE),
    ("cannot be taken over twice", REFERENCE),
    ("waits for itself", REFERENCE),
    ("still stands in the spec", REFERENCE),
    ("stands here for the second time", "two texts may be one port, and a GPU with a limit is one without"),
    ("the lower bound is above the upper", "no schema compares two numbers"),
    ("replicas, numbered from 0, none is", "no schema compares two numbers"),
    ("`without` leaves out all of them", "no schema compares a number with a list"),
    ("has more than six decimals", "in floating point no multiple of a millionth is one"),
    ("is outside of the working directory", "how deep a path is takes counting"),
    (
        "secret in a place that is stored",
        "what looks like a secret is told by many rules, and by how random it is",
    ),
];
/// A file may be laid on another one, which has what is missing here, or has what a `null` deletes.
const LAYER: &str = "an earlier file or `defaults` may have it";
const REFERENCE: &str = "it depends on what stands elsewhere";

/// A map of the format: where it stands in a document that has one of each, and its keys with values that are right
/// and values that are not.
struct Section {
    at: &'static str,
    keys: &'static [Key],
}

/// A key, values that are right, and values that are nearly.
struct Key(&'static str, &'static str, &'static str);

const SECTIONS: &[Section] = &[
    Section {
        at: "",
        keys: &[
            Key("version", "1", r#"2 | "1" | null | true"#),
            Key(
                "project",
                r#""demo" | "a-1""#,
                r#""Demo" | "${UNKNOWN}" | "a.b" | "" | 7 | null | ["demo"]"#,
            ),
            Key("state_file", r#""state/x.db""#, r#""s3://bucket/x" | "" | " " | 3 | {}"#),
            Key(
                "state_url",
                r#""s3://bucket/podform/x" | "postgres://db/pods?schema=infra" | "file:///mnt/x""#,
                r#""state/x.db" | "redis://host" | "" | 3 | {}"#,
            ),
            Key(
                "vars",
                r#"{} | {"A": 1} | {"_b": true, "C9": "x"}"#,
                r#"{"9A": "x"} | {"A-B": "x"} | {"REPLICA": "1"} | {"A": "${B}"} | {"A": []} | [] | "A=1""#,
            ),
            Key(
                "moved",
                "[]",
                r#"[{"from": "older", "to": "other"}] | {} | [{"from": "old"}] | ["old"] | [{"from": "Old", "to": "other"}] | [{"from": "old", "to": "other", "then": "stop"}]"#,
            ),
            Key(
                "removed",
                r#"[] | [{"from": "old", "then": "terminate"}] | [{"from": "old[3]", "then": "stop"}] | [{"from": "volume.gone", "then": "forget"}]"#,
                r#"{} | [{"from": "old"}] | [{"then": "stop"}] | [{"from": "old", "then": "delete"}] | [{"from": "prep", "then": "stop"}] | [{"from": "old[03]", "then": "stop"}] | [{"from": "vol.gone", "then": "forget"}] | [null]"#,
            ),
            Key("x-anchors", r#"{"any": ["thing"]} | 7 | null"#, ""),
            Key(
                "pods",
                "",
                r#"{"a": {"image": "x", "gpu": "L4", "adopt": "p1"}, "b": {"image": "x", "gpu": "L4", "adopt": "p1"}} | {"a": {"image": "x", "gpu": "L4", "volumes": ["models:/m"], "placement": {"data_centers": ["US-KS-2"]}}} | {"Bad": {"image": "x", "gpu": "L4"}} | {"a": null}"#,
            ),
            Key("volumes", "", r#"{"models": null} | {"Models": {"id": "x"}}"#),
            Key("registries", "", r#"{"a b": {"id": "x"}} | {"a": null}"#),
            Key("secrets", "", r#"{"a b": {"env": "X"}} | {"a": null} | {"a": "value"}"#),
            Key("Pods", "", "{}"),
            Key("services", "", r#"{"web": {"image": "x"}}"#),
        ],
    },
    Section {
        at: "/provider",
        keys: &[
            Key("kind", r#""runpod" | "simulator""#, r#""aws" | "" | 1 | "RunPod" | ["runpod"]"#),
            Key("api", r#""v2" | "v1" | "graphql""#, r#""v3" | 2 | "rest""#),
            Key("region", "", r#""eu""#),
        ],
    },
    Section {
        at: "/budget",
        keys: &[
            Key(
                "max_hourly",
                r#"14 | 2.5 | "14.00" | "0.000001""#,
                r#"0 | -1 | "0" | "0.00" | "$14" | "1.2345678" | 100001 | "100001" | true | [] | ".5" | "5.""#,
            ),
            Key(
                "max_monthly",
                r#"5500 | "100000.5" | 1000000000"#,
                r#"0 | 1000000001 | "1000000001" | "5,500" | "many""#,
            ),
            Key("on_exceed", r#""fail" | "warn""#, r#""stop" | false"#),
            Key("max_daily", "", "10"),
        ],
    },
    Section {
        at: "/secrets/token",
        keys: &[
            Key(
                "env",
                r#""HF_TOKEN" | "_X9""#,
                r#""9X" | "A-B" | "" | "RUNPOD_API_KEY" | "GITHUB_TOKEN" | "PODFORM_X" | 5 | ["A"]"#,
            ),
            Key("file", "", r#"".secrets/x""#),
            Key("runpod", "", r#""hf""#),
            Key("from", "", r#"{"env": "A"}"#),
            Key("value", "", r#""x""#),
        ],
    },
    Section {
        at: "/secrets/made",
        keys: &[
            Key("runpod", r#""hf_token" | "_a.b-c/D""#, r#""9a" | "a b" | "RunPod_x" | "RUNPODS" | "" | 1"#),
            Key(
                "from",
                r#"{"env": "HF"} | {"file": ".secrets/hf"}"#,
                r#"{} | {"env": "HF", "file": "x"} | {"env": "9"} | {"env": "CI_JOB_TOKEN"} | {"runpod": "x"} | "HF" | ["HF"]"#,
            ),
            Key("file", "", r#""x""#),
        ],
    },
    Section {
        at: "/secrets/stored",
        keys: &[Key(
            "file",
            r#"".secrets/x" | "a" | "a/b" | "./a""#,
            r#""/etc/passwd" | "~/x" | "../x" | "a/../../b" | "" | "C:\\x" | ".git/config" | "a/.git/x" | 4 | "." | "..""#,
        )],
    },
    Section {
        at: "/registries/ghcr",
        keys: &[Key("id", r#""clz1""#, r#""" | 4 | ["clz1"]"#), Key("name", "", r#""x""#)],
    },
    Section {
        at: "/volumes/models",
        keys: &[
            Key(
                "size",
                r#""10GB" | "100GB" | "4096GB" | "1TB" | "4TB""#,
                r#""9GB" | "4097GB" | "5TB" | "100" | 100 | "100Gi" | "010GB" | "0GB" | " 100GB" | "100 GB" | """#,
            ),
            Key("data_center", r#""EU-RO-1""#, r#""XX-YY-9" | "" | 1 | ["EU-RO-1"] | " ""#),
            Key("tier", r#""standard" | "high_performance""#, r#""fast" | 1"#),
            Key("protect", "true | false", r#""yes" | 1 | "true""#),
            Key("adopt", r#""agv6w2qcg8""#, r#""" | 5"#),
            Key("id", "", r#""agv6w2qcg7""#),
            Key("region", "", r#""eu""#),
        ],
    },
    Section {
        at: "/volumes/lent",
        keys: &[
            Key("id", r#""agv6w2qcg7""#, r#""" | 7 | {}"#),
            Key("size", "", r#""100GB""#),
            Key("protect", "", "true"),
        ],
    },
    Section {
        at: "/pods/llm",
        keys: &[
            Key("name", r#""LLM of ours" | "x""#, r#""" | 3 | ["x"]"#),
            Key(
                "image",
                r#""a/b:1" | "ubuntu" | "localhost:5000/x/y:1" | "ghcr.io/acme/x-y_z.w/v__w:a_B-c.9" | "Host/x" | "[2001:db8::1]:5000/x:1" | "x--y/z""#,
                r#""" | "a b" | "https://a/b" | "a/B:1" | "a/b:" | "a//b" | "x/y:<tag>" | "x/y@sha256:abc" | "a/b:$TAG" | 7 | "-a/b" | "x/y:.t" | "h:70000/x""#,
            ),
            Key("registry", r#""ghcr""#, r#""" | 1 | "quay""#),
            Key(
                "command",
                r#"[] | ["serve", "--port", 8000] | [true, 1.5, ""]"#,
                r#""serve" | ["a", null] | [["a"]] | ["--token=ghp_0123456789abcdefghijABCDEFGHIJ012345"] | {} | 7"#,
            ),
            Key("entrypoint", r#"["sh", "-c"]"#, r#""sh" | [{}]"#),
            Key(
                "env",
                r#"{} | {"A": 1, "B": "x", "C": true, "D": ""} | {"T": {"secret": "token"}} | {"A": null}"#,
                r#"{"9": "x"} | {"A-B": "x"} | {"PODFORM_MARK": "x"} | {"A": []} | {"A": {}} | {"A": {"value": "x"}} | {"A": "(secret)"} | ["A=1"] | {"PUBLIC_KEY": null} | {"RUNPOD_POD_ID": null} | {"T": {"secret": ""}} | {"T": {"secret": "other"}} | {"": 1}"#,
            ),
            Key(
                "ports",
                r#"[] | [8000] | ["8000/http", "22/tcp"] | ["8888"] | ["70000/tcp", "99999/tcp"] | [1, 65535]"#,
                r#"8000 | [99999] | ["80/udp"] | [0] | ["0/tcp"] | ["65536/tcp"] | ["70000/http"] | ["8080:80"] | ["08/http"] | ["8000-8010"] | ["443/https"] | [-1] | [true] | [8000, 8000] | [1,2,3,4,5,6,7,8,9,10,11] | [8000, "8000/http"] | ["x"] | [80.5]"#,
            ),
            Key(
                "gpu",
                r#""L4" | "H100 SXM:2" | "48GB..80GB" | "48GB" | "..24GB" | "48GB.." | ["L40S", "RTX 6000 Ada"] | {"any_of": ["L4"], "count": 2} | {"memory": "24GB..", "order": "price"} | {"any_of": [{"type": "A100 PCIe", "max_price": 2}, "L4"]} | " L4 " | "L4 : 2" | "24GB:2" | "24GB..:2..4" | "L4:2..4" | "L4: 2.." | "L4:..3" | ["L4:2", "A40"] | ["L4:2..4", "L4:1"] | {"any_of": ["L4"], "count": "2..4"} | {"memory": "24GB", "count": "2.."} | {"any_of": [{"type": "L4", "count": 2}, {"type": "L4", "count": "3..4"}]}"#,
                r#""" | "24" | 24 | 0 | false | "none" | "any" | "H100:0" | "H100:17" | "H100:x" | "A100:80GB" | "24GB:0" | "24GB:x" | "2:24GB" | "L4:4..2" | "L4:.." | "L4:2..17" | "L4:0..2" | ["24GB:2"] | ["L4:2", "L4:1..4"] | ["L4", "L4:2"] | ["L4:x"] | ["L4..A40"] | {"any_of": ["L4"], "count": ".."} | {"any_of": ["L4"], "count": "0..2"} | {"any_of": ["L4"], "count": 2.5} | [{"type": "L4:2"}] | [{"type": "L4", "count": 0}] | {"L4": 1} | [{"L4": 1}] | ".." | [] | ["24GB.."] | [""] | [7] | ["none"] | {} | {"any_of": []} | {"any_of": [{"max_price": 1}]} | {"any_of": ["L4"], "count": 0} | {"any_of": ["L4"], "count": 17} | {"any_of": ["L4"], "count": "2"} | {"any_of": ["L4"], "order": "cheap"} | {"memory": "24"} | {"memory": ".."} | {"memory": "24GB...48GB"} | {"memory": "48GB..24GB"} | ["L4", "l4"] | {"any_of": "L4"} | {"any_of": ["L4"], "type": "L4"} | {"any_of": [{"type": "L4", "max_price": 0}]} | [["L4"]] | "48GB..80GB..90GB" | "a:b:2""#,
            ),
            Key(
                "cuda",
                r#"">=12.4" | ">= 12.8" | ["12.4"] | [12.4, "12.8"]"#,
                r#""12.4" | 12.4 | "latest" | ">=12" | [] | ["12"] | [12] | [">=12.4"] | {} | ["12.4.1"]"#,
            ),
            Key("min_vcpu", "1 | 8 | 1024", r#"0 | 1025 | "8" | 2.5 | -1"#),
            Key("min_memory", r#""16GB""#, r#""16" | 16 | """#),
            Key(
                "max_price",
                r#"2.2 | "2.2" | 3 | "100000" | "007""#,
                r#"0 | "0.0" | 2.2345678 | "$2" | "2.20 USD" | -1 | true | 100001 | "1e2" | "" | []"#,
            ),
            Key(
                "placement",
                r#"{} | {"data_centers": ["EU-RO-1"]} | {"countries": ["RO", "CZ"]} | {"data_centers": []}"#,
                r#"{"data_centers": "EU-RO-1"} | {"countries": ["ro"]} | {"countries": ["ROU"]} | {"countries": [1]} | {"data_centers": [""]} | {"data_centers": [1]} | {"regions": []} | [] | "EU-RO-1" | {"countries": [false]}"#,
            ),
            Key("cloud", r#""secure" | "any""#, r#""private" | 1 | "" | null"#),
            Key(
                "disk",
                r#""60GB" | "2TB""#,
                r#"60 | "60" | "60MB" | "60 GB" | "0GB" | "06GB" | "1.5TB" | """#,
            ),
            Key(
                "volumes",
                r#"[] | ["models:/models"] | ["lent:/a/b"] | [{"local": "10GB", "path": "/workspace"}] | ["models:/./x/"] | ["models:/...x"]"#,
                r#""models:/models" | ["models"] | ["others:/x"] | ["[ro]"] | ["models:/models:ro"] | ["models:/models:[ro]"] | ["./data:/data"] | ["models:data"] | ["models:/"] | ["models:/a/../b"] | [{"local": "100GB"}] | [{"path": "/w"}] | [{"local": "9GB", "path": "/w"}] | [{"local": "100GB", "path": "w"}] | [{"local": "100GB", "path": "/"}] | [{"local": "100GB", "path": "/./"}] | [{"local": "100GB", "path": "/../w"}] | [{"local": 100, "path": "/w"}] | [{"local": "100GB", "path": "/w", "mode": "ro"}] | ["models:/a", "lent:/b"] | [["models:/models"]] | [7] | {}"#,
            ),
            Key("ssh", "true | false", r#""yes" | 1 | null | []"#),
            Key("jupyter", "true", r#""on""#),
            Key("global_networking", "false | true", r#"0 | "false""#),
            Key("locked", "true", r#""locked""#),
            Key(
                "depends_on",
                r#"[] | ["prep"]"#,
                r#""prep" | ["web"] | ["llm"] | ["Prep"] | [""] | [1] | ["prep[0]"] | [{"prep": {}}]"#,
            ),
            Key(
                "replicas",
                r#"0 | 2 | {"count": 3} | {"count": 3, "without": [1]} | {"count": 0, "without": []}"#,
                r#"-1 | "2" | 1.5 | 100001 | [] | {"count": "3"} | {"count": 3, "without": [0, 1, 2]} | {"count": 3, "without": 1} | {"count": 3, "without": [3]} | {"count": 3, "without": [1, 1]} | {"count": 3, "without": ["1"]} | {"count": 3, "except": [1]}"#,
            ),
            Key("state", r#""running" | "stopped""#, r#""paused" | true"#),
            Key(
                "lifecycle",
                r#"{} | {"protect": true} | {"on_remove": "stop", "on_replace": "create_first", "on_stuck_resume": "replace"} | {"ignore_changes": ["image", "env.A", "gpu.count"]} | {"ignore_changes": ["all"]} | {"ignore_changes": ["env", "env.*"]}"#,
                r#"{"protect": "yes"} | {"on_remove": "delete"} | {"on_replace": 1} | {"on_stuck_resume": ""} | {"ignore_changes": "image"} | {"ignore_changes": ["state"]} | {"ignore_changes": ["size"]} | {"ignore_changes": ["env.9"]} | {"ignore_changes": ["min_vcpu"]} | {"prevent_destroy": true} | [] | true"#,
            ),
            Key(
                "labels",
                r#"{"team": "x", "n": 1, "b": true}"#,
                r#"{"a b": "x"} | {"": "x"} | {"a": []} | ["a"]"#,
            ),
            Key("profiles", r#"[] | ["prod"]"#, r#""prod" | [""] | [1] | ["prod", null]"#),
            Key("adopt", r#""xedezhzb9la3ye""#, r#""" | 7 | ["x"]"#),
            Key("rent", "", r#"{} | {"spot": {}} | {"spot": {"bid": 0}} | {"spot": true} | "spot""#),
            Key("cpu", "", r#""cpu3c""#),
            Key("imageName", "", r#""x""#),
            Key("schedule", "", r#"{"timezone": "Europe/Berlin"}"#),
            Key("template", "", "7"),
        ],
    },
    Section {
        at: "/pods/prep",
        keys: &[
            Key("image", r#""ubuntu""#, ""),
            Key(
                "cpu",
                r#""cpu3c" | {"flavors": ["cpu5c", "cpu3c"], "vcpus": 8} | {"flavors": "cpu3c", "vcpus": 2} | {"flavors": ["new"], "vcpus": 256}"#,
                r#""" | 3 | ["cpu3c"] | {"flavors": ["cpu5c"], "vcpus": 3} | {"flavors": ["cpu5c"], "vcpus": 1} | {"flavors": ["cpu5c"], "vcpus": 512} | {"flavors": ["cpu5c"], "vcpus": "8"} | {"flavors": [], "vcpus": 8} | {"flavors": [1], "vcpus": 8} | {"flavors": "", "vcpus": 8} | {"flavors": ["cpu5c"], "vcpus": 8, "memory": "16GB"} | {"flavors": ["cpu5c"]} | {"vcpus": 8}"#,
            ),
            Key("volumes", r#"["lent:/data"]"#, r#"[{"local": "10GB", "path": "/w"}]"#),
            Key("cloud", r#""secure""#, r#""community""#),
            Key("gpu", "", r#""L4""#),
            Key("cuda", "", r#"">=12.4""#),
            Key("min_vcpu", "", "4"),
            Key("min_memory", "", r#""4GB""#),
            Key("max_price", "1 | 0.2", ""),
        ],
    },
    Section {
        at: "/pods/served",
        keys: &[
            Key("image", r#""ubuntu""#, ""),
            Key("gpu", r#""L4""#, ""),
            Key("ports", r#"["8000/http", "22/tcp"]"#, ""),
            Key("replicas", "4 | 5", ""),
            Key(
                "ready",
                r#"{"http": 8000} | {"http": "8000/health"} | {"http": "8000/a?b=../c", "within": "24h"} | {"http": "8000/", "status": [200, 401]} | {"tcp": 22, "within": "1s"} | {"tcp": "22/tcp"}"#,
                r#"{} | {"within": "5m"} | {"http": 8000, "tcp": null} | {"http": null, "tcp": 22, "status": null} | {"http": 8000, "tcp": 22} | {"http": 8000, "log": "up"} | {"tcp": 22, "log": "up"} | {"tcp": 22, "status": [200]} | {"log": "up", "status": [200]} | {"http": 8000, "status": []} | {"http": 8000, "status": [199]} | {"http": 8000, "status": 200} | {"http": 0} | {"http": 65536} | {"http": "65536/"} | {"http": "08000/"} | {"http": "8000:8000"} | {"http": "/health"} | {"http": "http://localhost:8000/"} | {"http": "8000/a b"} | {"http": "8000/a#b"} | {"http": "8000/../x"} | {"http": "8000/a/%2e%2E"} | {"http": ""} | {"tcp": 0} | {"tcp": "22/http"} | {"tcp": "70000/tcp"} | {"log": ""} | {"log": "a\nb"} | {"log": 7} | {"http": 8000, "within": "0s"} | {"http": 8000, "within": "25h"} | {"http": 8000, "within": "86401s"} | {"http": 8000, "within": 10} | {"http": 8000, "within": "10"} | {"http": 8000, "every": "5s"}"#,
            ),
            Key(
                "boot",
                "",
                r#"{"within": "8m"} | {"else": "fail"} | {"within": "0s", "else": "fail"} | {"within": "900h", "else": "fail"} | {"within": "8m", "else": "stop"} | {"within": 8, "else": "fail"} | "8m" | {"after": "8m"}"#,
            ),
            Key(
                "retry",
                r#"{"for": "2h"} | {"for": "7d", "every": "60m"} | {"for": "10s", "every": "10s"} | {"for": "0007d"} | {"for": "604800s"} | {"for": "2h", "widen": []} | {"for": "2h", "widen": [{"after": "30m", "gpu": ["A40"], "max_price": 2}]}"#,
                r#"{"for": "8d"} | {"for": "0s"} | {"for": "9s"} | {"for": "169h"} | {"for": "10081min"} | {"for": "604801s"} | {"for": "2 h"} | {"for": 2} | {"every": "30s"} | {"every": "45s"} | {"every": "1h"} | {"for": "2h", "every": "9s"} | {"for": "2h", "every": "61m"} | {"for": "2h", "every": "1d"} | {"for": "2h", "widen": {}} | {"for": "2h", "widen": [{"after": "30m"}]} | {"for": "2h", "widen": [{"gpu": "A40"}]} | {"for": "2h", "widen": [{"after": "0s", "gpu": "A40"}]} | {"for": "2h", "widen": [{"after": "2h", "gpu": "A40"}]} | {"for": "30s"} | "2h""#,
            ),
            Key(
                "update",
                r#"{} | {"at_once": 1} | {"at_once": "50%"} | {"at_once": " 100% ", "on_failure": "stop"}"#,
                r#"{"at_once": 0} | {"at_once": "0%"} | {"at_once": "101%"} | {"at_once": "2"} | {"at_once": 1.5} | {"at_once": 100001} | {"on_failure": "go_on"} | 1"#,
            ),
            Key(
                "depends_on",
                r#"["prep"] | [{"pod": "prep"}] | [{"pod": "prep", "until": "ready"}]"#,
                r#"["prep", "prep"] | ["prep", {"pod": "prep"}] | [{"until": "done"}] | [{"pod": "prep", "until": "up"}]"#,
            ),
            Key("run", r#""service""#, r#""jobs" | "true" | true"#),
        ],
    },
    Section {
        at: "/pods/spot",
        keys: &[
            Key("image", r#""ubuntu""#, ""),
            Key("gpu", r#""L4""#, ""),
            Key("cloud", r#""community""#, ""),
            Key("volumes", r#"[{"local": "20GB", "path": "/w"}]"#, r#"["models:/m"]"#),
            Key("replicas", "3", ""),
            Key("adopt", "", r#""xedezhzb9la3ye""#),
        ],
    },
    Section {
        at: "/defaults",
        keys: &[
            Key("ssh", "true", r#""yes""#),
            Key("disk", r#""30GB""#, r#""30""#),
            Key("gpu", "", r#""A40" | {}"#),
            Key("cpu", "", r#""cpu3c""#),
            Key("labels", r#"{"team": "x"}"#, ""),
            Key("imageName", "", r#""x""#),
        ],
    },
];

/// The keys without which their section is no good.
const NEEDED: [(&str, &[&str]); 10] = [
    ("", &["version", "project"]),
    ("/secrets/token", &["env"]),
    ("/secrets/made", &["runpod"]),
    ("/secrets/stored", &["file"]),
    ("/registries/ghcr", &["id"]),
    ("/volumes/models", &["size", "data_center"]),
    ("/volumes/lent", &["id"]),
    ("/pods/llm", &["image", "gpu"]),
    ("/pods/served", &["image", "gpu", "ports"]),
    ("/pods/spot", &["image", "gpu", "cloud"]),
];

/// Reads values that stand between ` | `.
fn values(texts: &str) -> Vec<Value> {
    let texts = texts.split(" | ").filter(|text| !text.is_empty());
    texts.map(|text| serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))).collect()
}

/// Sets a key of a map below a document, which gets the maps above it too, or takes it away.
fn set(document: &mut Value, at: &str, key: &str, value: Option<Value>) {
    let map = at.split('/').skip(1).fold(document, |below, name| {
        below.as_object_mut().unwrap().entry(name).or_insert_with(|| json!({}))
    });
    let map = map.as_object_mut().unwrap();
    map.remove(key);
    map.extend(value.map(|value| (key.to_owned(), value)));
}

/// Every value that is nearly right, with the place that it is for; nothing where the key is missing.
fn slips() -> Vec<(&'static str, &'static str, Option<Value>)> {
    let of_any_key = json!([null, "", "text", 7, 2.5, true, [], {}, ["text"], { "key": "text" }]);
    let keys = SECTIONS.iter().flat_map(|section| section.keys.iter().map(|key| (section.at, key)));
    let mut slips = Vec::new();
    for (at, Key(key, _, near)) in keys {
        let of_any_key = of_any_key.as_array().unwrap().iter().cloned();
        let near = values(near).into_iter().chain(of_any_key).map(Some);
        slips.extend(near.chain([None]).map(|value| (at, *key, value)));
    }
    slips
}

/// Draws a document in which every value is right by itself.
fn document(rng: &mut Rng) -> Value {
    let mut document = Value::Object(Map::new());
    for Section { at, keys } in SECTIONS {
        let needed = NEEDED.iter().find(|(section, _)| section == at).map_or(&[][..], |(_, keys)| keys);
        for Key(key, right, _) in *keys {
            let right = values(right);
            let is_needed = needed.contains(key) || at == &"/pods/prep" && ["image", "cpu"].contains(key);
            if !right.is_empty() && (is_needed || rng.u8(..3) == 0) {
                set(&mut document, at, key, Some(right[rng.usize(..right.len())].clone()));
            }
        }
    }
    // A spec names its state once.
    if document.get("state_url").is_some() {
        set(&mut document, "", "state_file", None);
    }
    document
}

/// What podform says is wrong with a document, a line each without its place.
fn refusals(document: &Value) -> Vec<String> {
    let Err(diagnostics) = check_text(&document.to_string()) else { return Vec::new() };
    let lines = diagnostics.render(Form::Short);
    lines.lines().filter(|line| line.contains(": error")).map(str::to_owned).collect()
}

#[test]
fn an_editor_refuses_what_podform_refuses() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut compiler = boon::Compiler::new();
    compiler.set_default_draft(boon::Draft::V2020_12);
    compiler.add_resource("spec.json", schema).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("spec.json", &mut schemas).unwrap();
    let (mut rng, slips) = (Rng::with_seed(17), slips());
    // As two slips may meet in a document, each is tried several times.
    let documents = 4 * slips.len();
    assert!(documents > 500, "{documents}");
    let (mut agreed, mut refused) = (0, 0);
    let mut beyond: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    for number in 0..documents {
        let mut document = document(&mut rng);
        let mut slip = String::new();
        if let Some((at, key, value)) = slips.get(number % (slips.len() * 5 / 4)) {
            set(&mut document, at, key, value.clone());
            slip = format!("{at}/{key}: {value:?}");
        }
        let by_schema = schemas.validate(&document, index).map_err(|error| format!("{error:#}"));
        let by_podform = refusals(&document);
        let exception = |line: &&String| {
            BEYOND_A_SCHEMA.iter().find(|(part, _)| line.contains(part)).map(|(part, _)| *part)
        };
        let (excused, sayable): (Vec<_>, Vec<_>) =
            by_podform.iter().partition(|line| exception(line).is_some());
        match (&by_schema, sayable.as_slice()) {
            (Ok(()), []) => agreed += 1,
            (Err(error), []) if by_podform.is_empty() => {
                wrong.entry(format!("schema alone: {slip}")).or_insert(format!("{error}   {document}"));
            }
            (Err(_), _) => (agreed, refused) = (agreed + 1, refused + 1),
            (Ok(()), [said, ..]) => {
                wrong.entry(format!("podform alone: {said}")).or_insert(format!("{slip}   {document}"));
            }
        }
        // What both refuse must be the slip, so nothing else may be wrong.
        assert!(excused.is_empty() || !slip.is_empty(), "{excused:?} {document}");
        for part in excused.iter().filter_map(exception).filter(|_| by_schema.is_ok()) {
            *beyond.entry(part).or_default() += 1;
        }
    }
    let mut shown = String::new();
    for (what, document) in &wrong {
        writeln!(shown, "{what}\n    {document}").unwrap();
    }
    assert!(wrong.is_empty(), "{} kinds of disagreement:\n{shown}", wrong.len());
    assert!(refused > documents / 2 && agreed - refused > documents / 10, "{refused} of {agreed}");
    let unused: Vec<&str> =
        BEYOND_A_SCHEMA.iter().map(|(part, _)| *part).filter(|part| !beyond.contains_key(part)).collect();
    assert_eq!(unused, [] as [&str; 0], "no document needs these exceptions: {beyond:?}");
}
