"""The cluster that KUBECONFIG names, asked by kubectl."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from support.waiting import wait_until

API_PORT, LOCUST_PORT, PROMETHEUS_PORT = 30800, 30089, 30090
"""Ports of the node."""
NEEDED = ("KUBECONFIG", "NODE_IP", "REGISTRY")
# By WebSockets, kubectl may lose what is said (kubernetes/kubernetes, until pull request 131203).
SETTINGS = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"}


class KubectlError(Exception):
    """What kubectl says of its failure."""


def kubectl(*arguments: str, stdin: str = "") -> str:
    """Return what kubectl prints. Raises KubectlError with its words if it fails."""
    command = ("kubectl", *arguments)
    done = subprocess.run(
        command, input=stdin, env=os.environ | SETTINGS, capture_output=True, text=True, timeout=300
    )  # fmt: skip
    if done.returncode:
        raise KubectlError(done.stderr.strip())
    return done.stdout


def get(*arguments: str, namespace: str = "mlops") -> dict[str, Any]:
    """Return an object, or a list of them."""
    found: dict[str, Any] = json.loads(kubectl("get", "-n", namespace, "-o", "json", *arguments))
    return found


def pods(name: str, namespace: str = "mlops") -> list[dict[str, Any]]:
    """Return the pods of a component that are not on their way out."""
    label = f"app.kubernetes.io/name={name}"
    found: list[dict[str, Any]] = get("pods", "-l", label, namespace=namespace)["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def is_ready(pod: dict[str, Any]) -> bool:
    """Tell whether a pod gets traffic."""
    conditions = pod["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def ready(name: str, namespace: str = "mlops") -> set[str]:
    """Return the names of a component's pods that get traffic."""
    return {pod["metadata"]["name"] for pod in pods(name, namespace) if is_ready(pod)}


def url(port: int) -> str:
    """Return the address of a port of the node."""
    return f"http://{os.environ['NODE_IP']}:{port}"


def answers(port: int, path: str) -> bool:
    """Tell whether a GET to a port of the node is answered with 200."""
    try:
        return httpx.get(f"{url(port)}{path}", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


class Application:
    """What Argo CD says of an Application."""

    def __init__(self, name: str = "mlops") -> None:
        self.name = name

    def status(self) -> dict[str, Any]:
        """Return its status; empty before Argo CD has looked at it."""
        application = get("application", self.name, namespace="argocd")
        status: dict[str, Any] = application.get("status", {})
        return status

    def health(self) -> str:
        """Return `Healthy`, `Progressing`, `Degraded`, ..."""
        return _health(self.status())

    def is_settled(self, commit: str) -> bool:
        """Tell whether a commit is deployed, smoke test included, and healthy."""
        status = self.status()
        sync = status.get("sync", {})
        phase = status.get("operationState", {}).get("phase")
        found = (sync.get("status"), sync.get("revision"), _health(status), phase)
        return found == ("Synced", commit, "Healthy", "Succeeded")

    def settle(self, commit: str, seconds: float = 180) -> None:
        """Wait until a commit is deployed and healthy, or raise with what Argo CD says."""
        try:
            wait_until(f"{self.name} at {commit[:12]}", lambda: self.is_settled(commit), seconds)
        except TimeoutError as error:
            status = self.status()
            told = {name: status.get(name) for name in ("conditions", "health", "operationState")}
            raise TimeoutError(f"{error}\n{json.dumps(told, indent=1)}") from None


def _health(status: dict[str, Any]) -> str:
    return str(status.get("health", {}).get("status"))


@contextmanager
def port_forward(target: str, port: int, namespace: str) -> Iterator[int]:
    """Yield a local port that leads to one of a service's, as `kubectl port-forward` does."""
    command = ("kubectl", "-n", namespace, "port-forward", target, f":{port}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()  # Forwarding from 127.0.0.1:40001 -> 8080
            yield int(line.split(" -> ")[0].rpartition(":")[2])
        finally:
            process.terminate()
