"""The component that scales the API: what it does, and how Argo CD judges it."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from e2e.developer import Developer
from e2e.github.hub import GitHub
from e2e.traffic import Traffic
from support import document
from support.clients import Locust, Prometheus
from support.cluster import LOCUST_PORT, Application, answers, get, kubectl, ready
from support.kustomize import objects
from support.paths import INSTALL, MANIFEST, ROOT
from support.waiting import wait_until

COMPONENT = MANIFEST / "components/autoscaling"
AUTOSCALER = COMPONENT / "api-horizontalpodautoscaler.yaml"

HASTE = [
    # Two cores hold cluster, pods and load: none of six pods would get near half a core.
    ("averageValue: 500m", "averageValue: 20m"),
    # Ten minutes of calm and then a pod a minute are a quarter of an hour.
    ("stabilizationWindowSeconds: 600", "stabilizationWindowSeconds: 15"),
    ("{type: Pods, value: 1, periodSeconds: 60}", "{type: Pods, value: 4, periodSeconds: 15}"),
]
"""What these tests change of the autoscaler: texts and what they put in their place."""
LEAST, MOST = 2, 6
MANY, FEW = 300, 10
"""Users, of a request a second each: they take some 150m, or so little that LEAST pods do."""
SPAWNED_A_SECOND = 50


class Scaling(NamedTuple):
    """What was seen of one way up and down, from the commit that turns it on to its revert."""

    synced_at: list[str]  # when Argo CD's last sync began: seen with LEAST pods, MOST, LEAST again
    states: set[tuple[str, str]]  # Argo CD's: sync and health
    sent: int
    failures: dict[str, int]
    traffic: Traffic
    alerts: set[str]
    left: list[str]


@contextmanager
def scaled_by_load(developer: Developer) -> Iterator[str]:
    """Do as the component's README says, in haste; yield the commit, and revert it all."""
    file = str(AUTOSCALER.relative_to(ROOT))
    commits = [developer.write(file, old, new, f"Set {new}") for old, new in HASTE]
    (snippet,) = document.blocks((COMPONENT / "README.md").read_text(), "yaml")
    file, images = "manifest/kustomization.yaml", "images:\n"
    commits.append(developer.write(file, images, snippet + images, "Scale by load"))
    try:
        yield commits[-1]
    finally:
        for commit in reversed(commits):
            developer.revert(commit)


def scaled_to(pods: int) -> None:
    """Wait until so many pods serve: figures are up to a minute old, and judged every 15 s."""
    began = time.monotonic()
    wait_until(f"{pods} pods", lambda: len(ready("api")) == pods, 150)
    print(f"{pods} pods after {time.monotonic() - began:.0f} s")


def synced_at(application: Application) -> str:
    """Return when the last sync began, as soon as Argo CD has compared once more."""
    compared = application.status()["reconciledAt"]
    wait_until("a comparison", lambda: application.status()["reconciledAt"] != compared, 60)
    return str(application.status()["operationState"]["startedAt"])


def alerts(prometheus: Prometheus, state: str, seconds: float) -> set[str]:
    """Return the names of the alerts that were in a state within the last seconds."""
    series = prometheus.query_range(f'ALERTS{{alertstate="{state}"}}', seconds)
    return {one["metric"]["alertname"] for one in series}


@pytest.fixture(scope="module")
def scaling(
    current: Application,
    github: GitHub,
    developer: Developer,
    locust: Locust,
    prometheus: Prometheus,
) -> Scaling:
    """Turn it on, load it, take the load away, and turn it off, under traffic all the time."""
    current.settle(github.tip(), 300)
    wait_until("Locust", lambda: answers(LOCUST_PORT, "/"))
    before, began = prometheus.firing(), time.time()
    with Traffic() as traffic:
        with scaled_by_load(developer) as commit:
            current.settle(commit)
            scaled_to(LEAST)
            scaled = time.time()
            synced = [synced_at(current)]
            locust.swarm(MANY, spawn_rate=SPAWNED_A_SECOND)
            try:
                scaled_to(MOST)
                synced.append(synced_at(current))
                locust.swarm(FEW)
                scaled_to(LEAST)
                synced.append(synced_at(current))
            finally:
                sent, failures = sum(locust.stop().values()), locust.failures()
            infos = prometheus.query_range("argocd_app_info", time.time() - scaled)
        current.settle(github.tip())
        scaled_to(LEAST)
    wait_until("calm", lambda: alerts(prometheus, "pending", 0) <= before, 180)
    return Scaling(
        synced,
        {(one["metric"]["sync_status"], one["metric"]["health_status"]) for one in infos},
        sent,
        failures,
        traffic,
        alerts(prometheus, "firing", time.time() - began) - before,
        [one["metadata"]["name"] for one in get("horizontalpodautoscalers")["items"]],
    )


def test_load_scales_it_up_and_down_and_nothing_is_lost(scaling: Scaling) -> None:
    print(f"{scaling.sent} requests of Locust's, {scaling.traffic.answered} others")
    assert scaling.failures == {}
    assert scaling.traffic.failed == []
    assert min(scaling.sent, scaling.traffic.answered) > 500
    assert scaling.left == []


def test_argo_cd_lets_it_scale(scaling: Scaling) -> None:
    assert len(set(scaling.synced_at)) == 1
    assert {sync for sync, _ in scaling.states} == {"Synced"}
    # A pod that has just started is progress, until it is ready.
    assert {health for _, health in scaling.states} <= {"Healthy", "Progressing"}


def test_scaling_raises_no_alert(scaling: Scaling) -> None:
    assert scaling.alerts == set()


@pytest.mark.usefixtures("application")
def test_the_api_server_accepts_it_and_argo_cd_may_deploy_it(turned_on: Path) -> None:
    controller = "system:serviceaccount:argocd:argocd-application-controller"
    text = yaml.safe_dump(objects(turned_on)["HorizontalPodAutoscaler api"])
    said = kubectl("apply", "--dry-run=server", f"--as={controller}", "-f", "-", stdin=text)
    assert said.startswith("horizontalpodautoscaler.autoscaling/api created")


def judged(folder: Path, kind: str, reason: str) -> str:
    """Return how Argo CD, as install.yaml sets it up, judges an autoscaler with a condition."""
    settings = next(
        found
        for found in yaml.safe_load_all(INSTALL.read_text())
        if found["metadata"]["name"] == "argocd-cm"
    )
    autoscaler = yaml.safe_load(AUTOSCALER.read_text())
    autoscaler["status"] = {"conditions": [
        {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale", "message": ""},
        {"type": kind, "status": "False", "reason": reason, "message": "in its own words"},
    ]}  # fmt: skip
    files = {"settings": settings, "autoscaler": autoscaler}
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    command = ("argocd", "admin", "settings", "resource-overrides", "health", "autoscaler.yaml")
    done = subprocess.run(
        (*command, "--argocd-cm-path", "settings.yaml"),
        cwd=folder, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "MESSAGE: in its own words" in done.stdout
    (health,) = re.findall(r"STATUS: (\w+)", done.stdout)
    return str(health)


@pytest.mark.parametrize(
    ("kind", "reason", "health"),
    [
        ("ScalingActive", "FailedGetResourceMetric", "Healthy"),
        ("ScalingActive", "InvalidSelector", "Degraded"),
        ("AbleToScale", "FailedGetScale", "Degraded"),
    ],
)
def test_argo_cd_waits_for_figures_but_not_for_what_is_broken(
    tmp_path: Path, kind: str, reason: str, health: str
) -> None:
    assert judged(tmp_path, kind, reason) == health
