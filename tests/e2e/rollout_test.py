"""No request is lost, whatever happens to the pods that answer: Locust's exit code says so."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from e2e import image_builder
from e2e.developer import Developer
from e2e.traffic import versions
from support.cluster import Application, get, kubectl, pods, ready
from support.images import API_IMAGE
from support.waiting import wait_until

JOB = "nothing-lost"
LONGEST = 600
"""Seconds that Locust would run; it is ended when all has happened."""
COMMAND = (
    *("locust", "-f", "locust.py", "--headless", "--host", "http://api-service:8000"),
    *("--users", "50", "--spawn-rate", "50", "--run-time", f"{LONGEST}s", "--only-summary"),
    *("--max-fail-ratio", "0", "--max-p95-ms", "1000"),
)


def job() -> dict[str, Any]:
    """Return a Job that runs Locust once, in a pod like those of the manifest."""
    template = get("deployment", "locust")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    del container["readinessProbe"]
    container["args"] = COMMAND
    template["metadata"]["labels"] = {"app.kubernetes.io/name": JOB}
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": JOB, "namespace": "mlops"},
        "spec": {"backoffLimit": 0, "template": template},
    }


@pytest.fixture
def locust_job(application: Application) -> Iterator[Application]:
    """Send 50 requests a second meanwhile."""
    kubectl("apply", "-f", "-", stdin=json.dumps(job()))
    wait_until("Locust", lambda: ready(JOB), 60)
    yield application
    kubectl("delete", "-n", "mlops", "job", JOB)


def evict(pod: str) -> None:
    """Ask for a pod to leave, as a node does that is drained; the PodDisruptionBudget is heard."""
    name = {"name": pod, "namespace": "mlops"}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": name}
    path = f"/api/v1/namespaces/mlops/pods/{pod}/eviction"
    kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def exit_code() -> int | None:
    """Return Locust's exit code, None while it runs."""
    (pod,) = pods(JOB)
    (status,) = pod["status"]["containerStatuses"]
    ended = status["state"].get("terminated")
    return int(ended["exitCode"]) if ended else None


def test_nothing_is_lost_in_a_rollout_an_eviction_and_a_rollback(
    locust_job: Application, developer: Developer
) -> None:
    (before,) = versions()
    second = developer.deploy(image_builder.build(API_IMAGE, "second"))
    locust_job.settle(second)
    assert versions() == {"second"}

    evicted = min(ready("api"))
    evict(evicted)
    wait_until("another pod", lambda: len(ready("api") - {evicted}) == 2)

    locust_job.settle(developer.revert(second))
    assert versions() == {before}

    assert exit_code() is None, "Locust ended before the rollback did"
    (pod,) = ready(JOB)
    kubectl("exec", "-n", "mlops", pod, "--", "sh", "-c", "kill -TERM 1")
    wait_until("the end of the run", lambda: exit_code() is not None)
    log = kubectl("logs", "-n", "mlops", f"job/{JOB}")
    print(log)
    assert exit_code() == 0, log
