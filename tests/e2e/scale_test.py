"""Pods that come and go are found, forgotten, and share the load."""

import pytest

from e2e.developer import API_DEPLOYMENT, Developer
from support.clients import Locust, Prometheus
from support.cluster import LOCUST_PORT, Application, answers, ready
from support.waiting import wait_until

TWO_SCRAPES = 10
USERS, SECONDS = 400, 60
"""Each user renews its connection every 10 requests, so this is some 2,400 connections: of
those, one pod in four gets a share that varies by 3.5% of it (one standard deviation)."""
COUNTED = f'sum by (pod) (increase(http_requests_total{{handler="/predict"}}[{SECONDS}s]))'


def scale(application: Application, developer: Developer, old: int, new: int) -> None:
    """Change the number of pods in Git and wait until it is so."""
    text = "replicas: {}\n"
    commit = developer.write(API_DEPLOYMENT, text.format(old), text.format(new), f"Scale to {new}")
    application.settle(commit)


def check_targets(prometheus: Prometheus, pods: int) -> None:
    """Wait until the pods that serve, and none that left, are what Prometheus scrapes."""
    wait_until("the pods", lambda: len(ready("api")) == pods)
    wanted = dict.fromkeys(ready("api"), "up")
    wait_until("the targets", lambda: prometheus.targets("api") == wanted, TWO_SCRAPES)


def test_pods_that_come_and_go_are_scraped_within_two_scrapes_and_share_the_load(
    application: Application, developer: Developer, prometheus: Prometheus, locust: Locust
) -> None:
    scale(application, developer, 2, 4)
    check_targets(prometheus, 4)

    assert answers(LOCUST_PORT, "/")
    locust.swarm(USERS)
    try:
        sent = USERS * (SECONDS + TWO_SCRAPES)
        wait_until("a full window", lambda: locust.sent() >= sent, SECONDS + 60)
        counts = {s["metric"]["pod"]: float(s["value"][1]) for s in prometheus.query(COUNTED)}
    finally:
        locust.stop()
    mean = sum(counts.values()) / len(counts)
    print({pod: f"{count / mean:.3f} of the mean" for pod, count in counts.items()})
    assert len(counts) == 4
    assert all(count == pytest.approx(mean, rel=0.1) for count in counts.values())

    scale(application, developer, 4, 2)
    check_targets(prometheus, 2)
