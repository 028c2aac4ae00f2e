"""Pods that come and go are found, forgotten, and share the load."""

import pytest

from e2e.developer import Developer
from support.clients import Locust, Prometheus
from support.cluster import LOCUST_PORT, Application, answers, ready
from support.waiting import wait_until

DEPLOYMENT = "manifest/api-deployment.yaml"
TWO_SCRAPES = 10
USERS, SECONDS = 400, 90
"""Each user renews its connection every 10 requests, so this is some 3,600 connections: of
those, one pod in four gets a share that varies by 3% of it (one standard deviation)."""
COUNTED = f'sum by (pod) (increase(http_requests_total{{handler="/predict"}}[{SECONDS - 30}s]))'


def scale(application: Application, developer: Developer, old: int, new: int) -> None:
    """Change the number of pods in Git and wait until it is so."""
    text = "replicas: {}\n"
    commit = developer.write(DEPLOYMENT, text.format(old), text.format(new), f"Scale to {new}")
    application.settle(commit)


@pytest.mark.parametrize(("old", "new"), [(2, 1), (1, 4), (4, 2)])
def test_prometheus_sees_each_pod_within_two_scrapes_and_none_that_left(
    application: Application, developer: Developer, prometheus: Prometheus, old: int, new: int
) -> None:
    scale(application, developer, old, new)
    wait_until("the pods", lambda: len(ready("api")) == new)
    wanted = dict.fromkeys(ready("api"), "up")
    wait_until("the targets", lambda: prometheus.targets("api") == wanted, TWO_SCRAPES)


def test_load_spreads_over_the_pods(
    application: Application, developer: Developer, prometheus: Prometheus, locust: Locust
) -> None:
    scale(application, developer, 2, 4)
    assert answers(LOCUST_PORT, "/")
    locust.swarm(USERS)
    try:
        wait_until("a full window", lambda: locust.sent() >= USERS * SECONDS, SECONDS + 60)
        counts = {s["metric"]["pod"]: float(s["value"][1]) for s in prometheus.query(COUNTED)}
    finally:
        locust.stop()
        scale(application, developer, 4, 2)
    mean = sum(counts.values()) / len(counts)
    print({pod: f"{count / mean:.3f} of the mean" for pod, count in counts.items()})
    assert len(counts) == 4
    assert all(count == pytest.approx(mean, rel=0.1) for count in counts.values())
