"""RunPod's own Python client, over GraphQL: catalog, a GPU pod and a CPU pod from their creates to their ends."""

import time

import runpod

runpod.api_key = "rpa_clients"


def until(what, true, tries=60):
    """Listings lag, and a pod takes its time: asks again until something is so."""
    for _ in range(tries):
        found = what()
        if true(found):
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {tries} tries: {found}")


def listed(pod):
    return until(
        lambda: {one["id"]: one for one in runpod.get_pods()},
        lambda pods: pod in pods,
    )[pod]


user = runpod.get_user()
assert user["id"], user
names = [gpu["id"] for gpu in runpod.get_gpus()]
assert "NVIDIA L4" in names, names
assert runpod.get_gpu("NVIDIA L4")["memoryInGb"] == 24

made = runpod.create_pod(
    "by-python",
    "ubuntu:24.04",
    "NVIDIA L4",
    cloud_type="SECURE",
    container_disk_in_gb=10,
    volume_in_gb=20,
    volume_mount_path="/workspace",
    ports="8888/http,22/tcp",
    env={"MODE": "fast"},
)
pod = listed(made["id"])
assert (pod["name"], pod["imageName"], pod["gpuCount"]) == ("by-python", "ubuntu:24.04", 1), pod
assert "MODE=fast" in pod["env"], pod
until(lambda: runpod.get_pod(made["id"]), lambda pod: pod and pod["runtime"])
runpod.stop_pod(made["id"])
until(lambda: runpod.get_pod(made["id"]), lambda pod: pod["desiredStatus"] == "EXITED")
runpod.resume_pod(made["id"], gpu_count=1)
until(lambda: runpod.get_pod(made["id"]), lambda pod: pod["desiredStatus"] == "RUNNING")
runpod.terminate_pod(made["id"])
until(runpod.get_pods, lambda pods: made["id"] not in [one["id"] for one in pods])

cpu = runpod.create_pod("by-python-cpu", "ubuntu:24.04", instance_id="cpu3c-2-4", container_disk_in_gb=10)
listed(cpu["id"])
runpod.terminate_pod(cpu["id"])

try:
    runpod.create_pod("too-many", "ubuntu:24.04", "NVIDIA B200", gpu_count=8)
except runpod.error.QueryError as error:
    assert "no longer any instances available" in str(error), error
else:
    raise AssertionError("a GPU that is sold out was rented")
print(f"runpod {runpod.__version__}")
