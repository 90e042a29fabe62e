"""RunPod's own MCP server, over REST v2: what an assistant does with pods, volumes, templates and the catalog."""

import json
import os
import subprocess
import sys
import time


class Server:
    def __init__(self, program):
        environment = dict(os.environ, RUNPOD_API_KEY="rpa_clients")
        self.process = subprocess.Popen(
            ["node", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.number = 0
        client = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        self.version = self.ask("initialize", client)["serverInfo"]["version"]
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def ask(self, method, parameters):
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": parameters})
        while True:
            answer = json.loads(self.process.stdout.readline())
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]

    def call(self, tool, refused=False, **arguments):
        """Calls a tool, and returns what it says as JSON where it is JSON."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        text = "".join(part.get("text", "") for part in result["content"])
        assert bool(result.get("isError")) == refused, f"{tool}: {text}"
        try:
            return json.loads(text)
        except ValueError:
            return text


def until(what, true, tries=60):
    for _ in range(tries):
        found = what()
        if true(found):
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {tries} tries: {found}")


server = Server(sys.argv[1])
try:
    for tool in ["list-gpu-types", "list-cpu-types", "list-data-centers", "list-public-templates", "get-ssh-keys"]:
        server.call(tool)
    for tool in ["list-network-volumes", "list-registries", "list-templates", "list-pods"]:
        server.call(tool)
    volume = server.call(
        "create-network-volume", body={"name": "by-mcp", "size": 10, "dataCenter": "EU-RO-1"}
    )
    server.call("update-network-volume", id=volume["id"], body={"size": 20})
    template = server.call("create-template", body={"name": "by-mcp", "image": "ubuntu:24.04", "disk": 10})
    server.call("update-template", id=template["id"], body={"env": {"MODE": "fast"}})
    pod = server.call(
        "create-pod",
        body={
            "name": "by-mcp",
            "templateId": template["id"],
            "gpu": {"id": "NVIDIA L4", "count": 1},
            "mounts": {"network": [{"volumeId": volume["id"], "path": "/models"}]},
        },
    )
    assert "by-mcp" in json.dumps(until(lambda: server.call("list-pods"), lambda pods: pod["id"] in json.dumps(pods)))
    until(lambda: server.call("get-pod", id=pod["id"]), lambda pod: pod["status"] == "RUNNING")
    server.call("update-pod", id=pod["id"], body={"name": "renamed"})
    server.call("pod-action", id=pod["id"], body={"action": "stop"})
    assert server.call("get-pod", id=pod["id"])["status"] == "EXITED"
    server.call("pod-action", id=pod["id"], body={"action": "start"})
    server.call("delete-pod", id=pod["id"])
    server.call("get-pod", refused=True, id=pod["id"])
    server.call("delete-template", id=template["id"])
    server.call("delete-network-volume", id=volume["id"])
    # What the simulator does not have says so.
    server.call("list-clusters", refused=True)
    print(f"@runpod/mcp-server {server.version}")
finally:
    server.process.kill()
