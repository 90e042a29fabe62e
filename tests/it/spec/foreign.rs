//! Files of other tools: one note says which, and what is said goes on with what they hold.

use super::{lines, mistakes};

#[test]
fn a_compose_file_gets_one_note_and_what_becomes_of_its_services() {
    let text = "\
version: '3.8'
name: demo
services:
  chat:
    image: vllm/vllm-openai:${TAG}
    restart: always
    ports: ['8000:8000']
    healthcheck: { test: [CMD, 'true'] }
    environment: { API_KEY: sk-1234567890abcdefghijkl }
    deploy: { replicas: 2 }
    depends_on: [db]
  db: { image: 'postgres:16', volumes: ['data:/var/lib/postgresql/data'] }
volumes:
  data:
networks:
  back: {}
";
    insta::assert_snapshot!(lines(text), @"
    error: a file of another tool: `pods.yaml` looks like a compose file: it has `services`; a spec begins with `version: 1` and `project: NAME`, and its `services:` are `pods:`; docs/coming-from.md has the other words
    pods.yaml:6:5: error: not supported yet: a pod has no `restart`; RunPod decides whether a container is started again; the next apply starts a pod that ended
    pods.yaml:7:13: error: invalid port: `8000:8000`: RunPod picks the public port; write: `8000/http`; list the port inside the pod only
    pods.yaml:8:5: error: unknown key: a pod has no `healthcheck`; it is written `ready: { http: 8000/health }` here
    pods.yaml:9:5: error: unknown key: a pod has no `environment`; it is spelled `env` here: `env`
    pods.yaml:10:5: error: unknown key: a pod has no `deploy`; it is written `gpu:` and `replicas:` on the pod itself here
    pods.yaml:14:3: error: missing key: the volume `data` needs `size` and `data_center`, or `id`
    pods.yaml:15:1: error: not supported yet: a spec has no `networks`; use `global_networking: true` on each pod
    ");
    insta::assert_snapshot!(mistakes("services: { a: { image: x/y } }\n"), @"
    error: a file of another tool: `pods.yaml` looks like a compose file: it has `services`
     |
     = help: a spec begins with `version: 1` and `project: NAME`, and its `services:` are `pods:`; docs/coming-from.md has the other words
    ");
}

#[test]
fn tasks_of_dstack_and_skypilot_are_read_as_one_pod() {
    let dstack = "\
type: service
name: chat
image: vllm/vllm-openai:v0.19.1
env: [HF_TOKEN]
commands: [vllm serve]
port: 8000
resources: { gpu: 48GB, disk: 100GB, shm_size: 16GB }
max_duration: 2h
";
    insta::assert_snapshot!(lines(dstack), @r#"
    error: a file of another tool: `pods.yaml` looks like a file of dstack: it has a `type` and no `pods`; a spec begins with `version: 1` and `project: NAME`, and what stands here at the top is one key of `pods:`; docs/coming-from.md has the words
    pods.yaml:4:6: error: wrong type: expected a map such as `KEY: value`, found a list; write `KEY: value` in place of `- KEY=value`
    pods.yaml:5:1: error: unknown key: a pod has no `commands`; it is written `command: [bash, -c, "first && second"]` here
    pods.yaml:6:1: error: unknown key: a pod has no `port`; it is spelled `ports` here: `ports`
    pods.yaml:7:38: error: not supported yet: a pod has no `shm_size`; RunPod sizes shared memory by the host
    pods.yaml:8:1: error: not supported yet: a pod has no `max_duration`; RunPod's REST APIs have no timers
    "#);
    let skypilot = "\
name: train
resources:
  accelerators: RTX4090:2
  cloud: runpod
num_nodes: 1
envs: { MODEL: x }
workdir: .
setup: pip install torch
run: python train.py
";
    insta::assert_snapshot!(lines(skypilot), @r#"
    error: a file of another tool: `pods.yaml` looks like a task of SkyPilot: it has `resources` and no `pods`; a spec begins with `version: 1` and `project: NAME`, and what stands here at the top is one key of `pods:`; docs/coming-from.md has the words
    pods.yaml:3:3: error: unknown key: a pod has no `accelerators`; it is spelled `gpu` here: `gpu`
    pods.yaml:4:10: error: invalid value: expected `secure`, `community` or `any`, found `runpod`
    pods.yaml:5:1: error: unknown key: a pod has no `num_nodes`; it is spelled `replicas` here: `replicas`
    pods.yaml:6:1: error: unknown key: a pod has no `envs`; it is spelled `env` here: `env`
    pods.yaml:7:1: error: not supported yet: a pod has no `workdir`; mount a network volume, or put the files into the image
    pods.yaml:8:1: error: not supported yet: a pod has no `setup`; put the setup into the image, or into the command
    pods.yaml:9:6: error: invalid value: expected service or job, found a command; a command is written `command: [bash, -c, "first && second"]`
    "#);
}

#[test]
fn manifests_of_kubernetes_are_read_container_by_container() {
    let deployment = "\
apiVersion: apps/v1
kind: Deployment
metadata: { name: chat }
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: chat
          image: vllm/vllm-openai:v0.19.1
          args: [--port, '8000']
          env: [{ name: A, value: b }]
          ports: [{ containerPort: 8000 }]
          resources: { limits: { nvidia.com/gpu: 1 } }
          volumeMounts: [{ name: data, mountPath: /data }]
";
    insta::assert_snapshot!(lines(deployment), @r#"
    error: a file of another tool: `pods.yaml` looks like a manifest of Kubernetes: it has `apiVersion` and `kind`; a spec begins with `version: 1` and `project: NAME`, and each container is one key of `pods:`; docs/coming-from.md has the words
    pods.yaml:11:11: error: unknown key: a pod has no `args`; it is written `command: ["--first", "--second"]`, one list item per argument here
    pods.yaml:12:16: error: wrong type: expected a map such as `KEY: value`, found a list; write `KEY: value` in place of `- KEY=value`
    pods.yaml:13:19: error: wrong type: expected a port such as `8000/http`, found a map
    pods.yaml:14:11: error: unknown key: a pod has no `resources`; it is written `gpu:`, `cpu:` and `disk:` on the pod itself here
    pods.yaml:15:11: error: unknown key: a pod has no `volumeMounts`; it is written `volumes: [NAME:/path]` here
    "#);
    insta::assert_snapshot!(lines("apiVersion: v1\nkind: ConfigMap\ndata: {}\n"), @"error: a file of another tool: `pods.yaml` looks like a manifest of Kubernetes: it has `apiVersion` and `kind`; a spec begins with `version: 1` and `project: NAME`, and each container is one key of `pods:`; docs/coming-from.md has the words");
}

#[test]
fn a_request_to_runpod_is_read_as_one_pod() {
    let request = r#"{ "name": "chat", "imageName": "x/y:1", "gpuTypeIds": ["NVIDIA L40S"], "gpuCount": 1, "cloudType": "SECURE", "volumeInGb": 20 }"#;
    insta::assert_snapshot!(lines(request), @r#"
    error: a file of another tool: `pods.yaml` looks like a request to RunPod's API: it has the pod's fields at the top; a spec begins with `version: 1` and `project: NAME`, and this is one key of `pods:`, with the words below
    pods.yaml:1:19: error: unknown key: a pod has no `imageName`; it is spelled `image` here: `"image"`
    pods.yaml:1:41: error: unknown key: a pod has no `gpuTypeIds`; it is spelled `gpu` here: `"gpu"`
    pods.yaml:1:72: error: unknown key: a pod has no `gpuCount`; it is written `gpu: "NAME:2"`, or `count:` under `gpu:` here
    pods.yaml:1:87: error: unknown key: a pod has no `cloudType`; it is spelled `cloud` here: `"cloud"`
    pods.yaml:1:110: error: unknown key: a pod has no `volumeInGb`; it is written `volumes: [{ local: 100GB, path: /workspace }]` here
    "#);
    let second =
        r#"{ "name": "chat", "image": "x/y:1", "gpu": { "id": "NVIDIA L40S", "count": 1 }, "disk": 20 }"#;
    insta::assert_snapshot!(lines(second), @"
    error: a file of another tool: `pods.yaml` looks like a request to RunPod's API: it has the pod's fields at the top; a spec begins with `version: 1` and `project: NAME`, and this is one key of `pods:`, with the words below
    pods.yaml:1:46: error: unknown key: `gpu` has no `id`; write `gpu: NVIDIA L40S:1`
    pods.yaml:1:89: error: invalid size: `20` is no size such as `60GB`; write: `20GB`
    ");
}

#[test]
fn files_that_hold_no_pods_are_named_and_nothing_else_is_said() {
    let files = [
        "# main\nterraform {\n  required_version = \">= 1\"\n}\n\nresource \"runpod_pod\" \"chat\" {\n  image_name = \"x\"\n}\n",
        "variable \"tag\" {}\n",
        r#"{ "resource": { "runpod_pod": { "chat": { "image_name": "x" } } } }"#,
        "packer {\n  required_plugins {}\n}\n",
        "source \"docker\" \"x\" {\n  image = \"x\"\n}\n",
        "job \"x\" {\n  group \"y\" {}\n}\n",
        "[project]\nname = \"x\"\n\n[runtime]\npython_version = \"3.10\"\n",
        "- hosts: all\n  tasks:\n    - ping:\n",
        "on: push\njobs: { a: { runs-on: ubuntu-latest } }\n",
        "name: x\nruntime: python\n",
        "import modal\n\napp = modal.App(\"x\")\n",
        "# syntax=docker/dockerfile:1\nFROM ubuntu:24.04\nRUN true\n",
        "type: volume\nname: data\nbackend: runpod\n",
    ];
    let said: Vec<String> = files.iter().map(|text| lines(text)).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    error: a file of another tool: `pods.yaml` looks like a file of Terraform or OpenTofu: it has blocks; a spec begins with `version: 1` and `project: NAME`, and each `runpod_pod` is one key of `pods:`; docs/coming-from.md has the words
    error: a file of another tool: `pods.yaml` looks like a file of Terraform or OpenTofu: it has blocks; a spec begins with `version: 1` and `project: NAME`, and each `runpod_pod` is one key of `pods:`; docs/coming-from.md has the words
    error: a file of another tool: `pods.yaml` looks like a file of Terraform or OpenTofu: it has blocks; a spec begins with `version: 1` and `project: NAME`, and each `runpod_pod` is one key of `pods:`; docs/coming-from.md has the words
    error: a file of another tool: `pods.yaml` looks like a file of Packer or Nomad: it has blocks; a spec begins with `version: 1` and `project: NAME`; `podform init` writes one, and docs/coming-from.md says what other tools' words are here
    error: a file of another tool: `pods.yaml` looks like a file of Packer or Nomad: it has blocks; a spec begins with `version: 1` and `project: NAME`; `podform init` writes one, and docs/coming-from.md says what other tools' words are here
    error: a file of another tool: `pods.yaml` looks like a file of Packer or Nomad: it has blocks; a spec begins with `version: 1` and `project: NAME`; `podform init` writes one, and docs/coming-from.md says what other tools' words are here
    error: a file of another tool: `pods.yaml` looks like TOML, such as the `runpod.toml` of RunPod's CLI; a spec begins with `version: 1` and `project: NAME`; `podform init` writes one, and docs/coming-from.md says what other tools' words are here
    error: a file of another tool: `pods.yaml` looks like a playbook of Ansible: it is a list of plays; a spec begins with `version: 1` and `project: NAME`; `podform init` writes one, and docs/coming-from.md says what other tools' words are here
    error: a file of another tool: `pods.yaml` looks like a workflow of GitHub: it has `on` and `jobs`; workflows that run podform stand in `.github/workflows`; `podform init --github` writes them
    error: a file of another tool: `pods.yaml` looks like a project of Pulumi: it has a `runtime`; a spec begins with `version: 1` and `project: NAME`; `podform init` writes one, and docs/coming-from.md says what other tools' words are here
    error: a file of another tool: `pods.yaml` looks like a program in Python; a spec begins with `version: 1` and `project: NAME`; `podform init` writes one, and docs/coming-from.md says what other tools' words are here
    error: a file of another tool: `pods.yaml` looks like a Dockerfile: it begins with `FROM`; build and push the image first; a spec names it, and `podform init` writes one
    error: a file of another tool: `pods.yaml` looks like a file of dstack: it has a `type` and no `pods`; a spec begins with `version: 1` and `project: NAME`, and what stands here at the top is one key of `pods:`; docs/coming-from.md has the words
    ");
}

#[test]
fn a_spec_with_foreign_words_stays_a_spec() {
    for text in [
        "version: 1\nproject: demo\nservices: { a: { image: x/y } }\n",
        "version: 1\npods: { a: { image: x/y, gpu: L4 } }\nresources: { cloud: runpod }\n",
        "volumes: { v: { size: 10GB, data_center: EU-RO-1 } }\n",
        "image: x/y\n",
        "[a, b]: 1\n",
        "data: 1\n",
    ] {
        let said = lines(text);
        assert!(!said.contains("another tool") && said.contains("error"), "{said}");
    }
}

#[test]
fn a_foreign_file_among_layers_is_named() {
    let case = super::Case {
        files: vec![
            ("pods.yaml", b"version: 1\nproject: demo\npods: { a: { image: x/y, gpu: L4 } }\n"),
            ("compose.yaml", b"services: { a: { image: x/y, restart: always } }\n"),
        ],
        ..super::Case::default()
    };
    insta::assert_snapshot!(super::rendered(case.load()), @"
    error: a file of another tool: `compose.yaml` looks like a compose file: it has `services`
     |
     = help: a spec begins with `version: 1` and `project: NAME`, and its `services:` are `pods:`; docs/coming-from.md has the other words

    error: not supported yet
     --> compose.yaml:1:30
      |
    1 | services: { a: { image: x/y, restart: always } }
      |                              ^^^^^^^ a pod has no `restart`
      |
      = help: RunPod decides whether a container is started again; the next apply starts a pod that ended
    ");
}
