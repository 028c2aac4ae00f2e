"""The API as a Rollout of Argo Rollouts, asked by kubectl."""

from typing import Any

from support.cluster import get, pods
from support.waiting import wait_until

HASH = "rollouts-pod-template-hash"
"""The label of a pod that says of which version it is."""
NAME = "api"


def status() -> dict[str, Any]:
    """Return what the controller says of it; empty before it has looked."""
    found: dict[str, Any] = get("rollout", NAME).get("status", {})
    return found


def phase() -> str:
    """Return `Healthy`, `Progressing`, `Paused` or `Degraded`."""
    return str(status().get("phase"))


def stable() -> str:
    """Return the hash of the version that serves."""
    return str(status().get("stableRS"))


def newest() -> str:
    """Return the hash of the version that Git names, as far as the controller has seen it."""
    return str(status().get("currentPodHash"))


def releases() -> dict[str, list[dict[str, Any]]]:
    """Return the pods that are not on their way out, by the hash of their version."""
    found: dict[str, list[dict[str, Any]]] = {}
    for pod in pods(NAME):
        found.setdefault(pod["metadata"]["labels"].get(HASH, ""), []).append(pod)
    return found


def analysis(release: str) -> dict[str, Any] | None:
    """Return the status of the youngest analysis of a version, None before it has begun."""
    runs = get("analysisruns", "-l", f"{HASH}={release}")["items"]
    runs.sort(key=lambda run: run["metadata"]["creationTimestamp"])
    return runs[-1].get("status", {}) if runs else None


def await_release(*known: str) -> str:
    """Wait until Git names a version other than these; return its hash."""
    wait_until("a new version", lambda: newest() not in (*known, "None"), 60)
    return newest()


def await_analysis(before: str) -> str:
    """Wait until a version other than this one is being judged; return its hash."""
    release = await_release(before)
    wait_until("its analysis", lambda: (analysis(release) or {}).get("phase") == "Running", 60)
    return release
