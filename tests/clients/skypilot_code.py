"""What SkyPilot speaks with RunPod: its launch, list and removal of instances, over GraphQL by RunPod's own client."""

import time
from importlib.metadata import version

import runpod
from sky.provision.runpod import instance, utils

runpod.api_key = "rpa_clients"


def launch(instance_type, region, zone):
    return utils.launch(
        cluster_name="by-sky",
        node_type="head",
        instance_type=instance_type,
        region=region,
        zone=zone,
        disk_size=10,
        image_name="runpod/base:1.0.2-ubuntu2204",
        ports=[8000],
        public_key="ssh-ed25519 AAAA nobody@here",
        preemptible=False,
        bid_per_gpu=0,
        docker_login_config=None,
    )


def until(true, tries=60):
    for _ in range(tries):
        found = utils.list_instances()
        if true(found):
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {tries} tries: {found}")


gpu = launch("1x_L4_SECURE", "RO", "EU-RO-1")
cpu = launch("cpu3c-2-4", "RO", "EU-RO-1")
found = until(lambda found: all(found.get(one, {}).get("ssh_port") for one in (gpu, cpu)))
assert found[gpu]["name"] == "by-sky-head" and found[gpu]["external_ip"], found
assert found[gpu]["port2endpoint"][8000]["port"], found
assert set(instance.query_instances("by-sky", "by-sky", {})) == {gpu, cpu}
assert utils.get_ssh_ports("by-sky")
for one in (gpu, cpu):
    utils.remove(one)
until(lambda found: gpu not in found and cpu not in found)
assert utils.get_registry_auth_resources("by-sky") == (None, None)
print(f"skypilot {version('skypilot')}, runpod {version('runpod')}")
