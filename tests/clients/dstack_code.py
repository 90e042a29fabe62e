"""What dstack speaks with RunPod: its client of REST v2 and GraphQL, and gpuhunt's reading of the catalog."""

import os
import time
from importlib.metadata import version

from dstack._internal.core.backends.runpod import api_client
from gpuhunt.providers import runpod as catalog

base = os.environ["RUNPOD_API_BASE_URL"]
# Neither takes its addresses from the environment.
api_client.API_V2_URL = f"{base}/v2"
api_client.API_GRAPHQL_URL = f"{base}/graphql"
catalog.API_URL = f"{base}/graphql"

offers = catalog.RunpodProvider().get()
found = {(offer.gpu_name, offer.gpu_count) for offer in offers}
assert ("L4", 1) in found and ("H100", 8) in found, sorted(found, key=str)
assert any(offer.gpu_count == 0 for offer in offers), "no CPU is offered"

client = api_client.RunpodApiClient("rpa_clients")
assert client.validate_api_key()
assert not api_client.RunpodApiClient("rpa_other").validate_api_key()

volume = client.create_network_volume(name="by-dstack", data_center_id="EU-RO-1", size=10)
for _ in range(60):
    if client.get_network_volume(volume["id"]) is not None:
        break
    time.sleep(0.5)
made = client.create_pod(
    name="by-dstack",
    cloud="SECURE",
    data_center_ids=["EU-RO-1"],
    gpu_type_id="NVIDIA L4",
    gpu_count=1,
    min_cpu_count_per_gpu=4,
    min_memory_in_gb_per_gpu=16,
    container_disk_in_gb=20,
    network_volume_id=volume["id"],
    volume_mount_path="/models",
    image_name="ubuntu:24.04",
    entrypoint=["/bin/bash"],
    cmd=["-c", "echo \"it's $HOME\" && sleep infinity"],
    ports=["10999/http", "10022/tcp"],
    env={"MODE": "fast"},
)
for _ in range(60):
    pod = client.get_pod(made["id"])
    if pod is not None and pod["runtime"] is not None and pod["runtime"].get("ports"):
        break
    time.sleep(0.5)
else:
    raise AssertionError(f"no ports: {pod}")
public = [port for port in pod["runtime"]["ports"] if port["private"] == 10022]
assert public and public[0]["public"] and public[0]["ip"], pod
assert client.terminate_pod(made["id"]) and not client.terminate_pod(made["id"])
assert client.get_pod(made["id"]) is None

cpu = client.create_pod(
    name="by-dstack-cpu",
    cloud="SECURE",
    cpu_type_id="cpu3c",
    cpu_count=2,
    container_disk_in_gb=10,
    image_name="ubuntu:24.04",
    entrypoint=["/bin/bash"],
    cmd=["-c", "sleep infinity"],
)
for _ in range(60):
    if client.get_pod(cpu["id"]) is not None:
        break
    time.sleep(0.5)
assert client.terminate_pod(cpu["id"])

on_demand = client.create_gpu_pod_graphql(
    name="by-dstack-graphql",
    image_name="ubuntu:24.04",
    gpu_type_id="NVIDIA L4",
    cloud_type="SECURE",
    container_disk_in_gb=20,
    docker_args="sleep infinity",
    ports="22/tcp",
    env={"MODE": "fast"},
)
for _ in range(60):
    if client.get_pod(on_demand["id"]) is not None:
        break
    time.sleep(0.5)
assert client.terminate_pod(on_demand["id"])
assert client.delete_network_volume(volume["id"]) and not client.delete_network_volume(volume["id"])
print(f"dstack {version('dstack')}, gpuhunt {version('gpuhunt')}")
