"""Pods with the labels of ours and of strangers, which listen and try connections.

To a policy a pod is its namespace and its labels. Ours do not try for us: half of them have no
Python. No Service of ours leads to a stand-in and Prometheus scrapes none: they look for ports by
name, and it names none.
"""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from e2e import probe
from e2e.probe import Address
from support.cluster import get, kubectl
from support.waiting import wait_until

NAME, PART_OF = "app.kubernetes.io/name", "app.kubernetes.io/part-of"
ELSEWHERE = "elsewhere"
"""A namespace that is neither of ours."""
STRANGER = "stranger"
"""The name of a pod that is none of ours, wherever it is."""
NODE_PORT = 30999
"""On the node it leads to UNOPENED of the stranger in `mlops`."""
NOBODY = 65534
"""A user of this machine who is not root."""
PROGRAM = Path(probe.__file__).read_text()


def labels(name: str) -> dict[str, str]:
    """Return those that our pod of this name has."""
    part_of = "argocd" if name.startswith("argocd-") else "mlops"
    return {NAME: name} if name == STRANGER else {NAME: name, PART_OF: part_of}


def pod(place: str, image: str) -> dict[str, Any]:
    """Return a stand-in for a `NAMESPACE/NAME`; it is ready when it listens."""
    namespace, _, name = place.partition("/")
    low_ports = {"name": "net.ipv4.ip_unprivileged_port_start", "value": str(probe.DNS)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"stand-in-{name}", "namespace": namespace, "labels": labels(name),
        },
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True, "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
                "sysctls": [low_ports],
            },
            "containers": [{
                "name": "stand-in",
                "image": image,
                "command": ["python", "-c", PROGRAM],
                "readinessProbe": {"tcpSocket": {"port": probe.UNOPENED}, "periodSeconds": 1},
                "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    }  # fmt: skip


def node_port() -> dict[str, Any]:
    """Return the Service behind NODE_PORT."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "stand-in", "namespace": "mlops"},
        "spec": {
            "type": "NodePort",
            "selector": labels(STRANGER),
            "ports": [{"port": probe.UNOPENED, "nodePort": NODE_PORT}],
        },
    }


def listed(*items: dict[str, Any]) -> str:
    """Return objects as kubectl reads them."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


@contextmanager
def elsewhere() -> Iterator[None]:
    """Make the namespace, as strict as ours; one that is there already is not touched."""
    kubectl("create", "namespace", ELSEWHERE)
    try:
        kubectl("label", "namespace", ELSEWHERE, "pod-security.kubernetes.io/enforce=restricted")
        wait_until("its account", lambda: get("serviceaccounts", namespace=ELSEWHERE)["items"])
        yield
    finally:
        kubectl("delete", "namespace", ELSEWHERE, "--wait=false")


@contextmanager
def standing_in(places: Collection[str]) -> Iterator[dict[str, str]]:
    """Make a stand-in for each place, and yield their addresses once they listen."""
    (container,) = get("deployment", "api")["spec"]["template"]["spec"]["containers"]
    pods = listed(*(pod(place, container["image"]) for place in places))
    with elsewhere():
        try:
            kubectl("apply", "-f", "-", stdin=listed(node_port()))
            kubectl("apply", "-f", "-", stdin=pods)
            kubectl("wait", "--for=condition=Ready", "--timeout=120s", "-f", "-", stdin=pods)
            found = json.loads(kubectl("get", "-o", "json", "-f", "-", stdin=pods))["items"]
            addresses = (made["status"]["podIP"] for made in found)
            yield dict(zip(places, addresses, strict=True))
        finally:
            kubectl("delete", "-n", "mlops", "service", "stand-in", "--ignore-not-found")
            kubectl("delete", "--ignore-not-found", "-f", "-", stdin=pods)


def tried_by(place: str, addresses: list[Address]) -> list[str]:
    """Let a stand-in try connections, all at once."""
    namespace, _, name = place.partition("/")
    command = ("python", "-c", PROGRAM, json.dumps(addresses))
    said = kubectl("exec", "-n", namespace, f"stand-in-{name}", "--", *command)
    outcomes: list[str] = json.loads(said)
    return outcomes


def tried_by_nobody(addresses: list[Address]) -> list[str]:
    """Try connections from this machine, not as root: the node's own are never refused."""
    user = [str(NOBODY)] if os.geteuid() == 0 else []
    command = (sys.executable, "-c", PROGRAM, json.dumps(addresses), *user)
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    outcomes: list[str] = json.loads(done.stdout)
    return outcomes
