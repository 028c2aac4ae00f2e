"""A new version meets a tenth of the traffic, is judged there, and takes itself back if it is worse."""

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from e2e import bad_models, rollouts
from e2e.developer import Developer
from e2e.github.hub import GitHub
from e2e.image_builder import build
from e2e.traffic import Traffic
from support import document
from support.clients import Locust, Prometheus
from support.cluster import LOCUST_PORT, Application, answers, is_ready, kubectl, ready
from support.images import API_IMAGE
from support.paths import MANIFEST, ROOT
from support.waiting import wait_until

COMPONENT = MANIFEST / "components/progressive-delivery"
STABLE = 9
"""Pods of the version that serves."""
USERS = 30
STEPS = 150
"""Seconds that a good version may take longer to reach all pods than without the component: the
analysis, and nine pods in turns of three."""
GONE_WITHIN = 180
"""Seconds from its first pod until a bad version has none."""


@pytest.fixture(scope="module")
def delivery(
    current: Application, github: GitHub, developer: Developer, locust: Locust
) -> Iterator[Application]:
    """Do as the component's README says, and revert it; nothing is lost on either way."""
    current.settle(github.tip(), 300)
    readme = (COMPONENT / "README.md").read_text()
    (commands,), (snippet,) = document.blocks(readme, ""), document.blocks(readme, "yaml")
    for command in commands.splitlines():
        subprocess.run(shlex.split(command), cwd=ROOT, check=True, timeout=60)
    kubectl("-n", "argocd", "rollout", "status", "deployment/argo-rollouts", "--timeout=120s")
    images = "images:\n"
    with Traffic() as traffic:
        commit = developer.write(
            "manifest/kustomization.yaml", images, snippet + images, "Deliver progressively"
        )
        current.settle(commit, 300)
        wait_until("the pods", lambda: ready_of(rollouts.stable()) == STABLE)
        wait_until("the Deployment's own", lambda: set(rollouts.releases()) == {rollouts.stable()})
    assert traffic.failed == []
    wait_until("Locust", lambda: answers(LOCUST_PORT, "/"))
    yield current
    with Traffic() as traffic:
        current.settle(developer.revert(commit), 300)
        wait_until("the Deployment's pods alone", lambda: set(rollouts.releases()) == {""})
    assert traffic.failed == []
    assert len(ready("api")) == 2


def ready_of(release: str) -> int:
    """Return how many pods of a version get traffic."""
    return sum(map(is_ready, rollouts.releases().get(release, [])))


class Trial(NamedTuple):
    """What was seen while a version was judged."""

    release: str
    most_pods: int
    first_pod: float
    gone: float
    sent: int
    failed: int


@contextmanager
def load(locust: Locust) -> Iterator[Callable[[], tuple[int, int]]]:
    """Send requests by Locust's UI; yield what tells how many were sent, and failed, so far."""
    locust.swarm(USERS)

    def counted() -> tuple[int, int]:
        return locust.sent(), sum(locust.failures().values())

    try:
        yield counted
    finally:
        locust.stop()


def watch(release: str, until: Callable[[], bool], seconds: float) -> tuple[int, float, float]:
    """Return the most pods that a version had, when its first was there, and when none was left."""
    most, first, deadline = 0, 0.0, time.monotonic() + seconds
    while not until():
        there = len(rollouts.releases().get(release, []))
        first = first or (time.monotonic() if there else 0.0)
        most = max(most, there)
        assert time.monotonic() < deadline, f"{rollouts.status()}\n{rollouts.analysis(release)}"
        time.sleep(0.5)
    return most, first, time.monotonic()


def message() -> str:
    return str(rollouts.status().get("message"))


def test_a_good_version_is_promoted_by_itself(
    delivery: Application, developer: Developer, locust: Locust
) -> None:
    before = rollouts.stable()
    image = build(API_IMAGE, "good")
    with load(locust) as counted:
        began = time.monotonic()
        commit = developer.deploy(image)
        release = rollouts.await_analysis(before)
        analysed = time.monotonic()
        assert len(rollouts.releases()[release]) == 1
        most, _, _ = watch(release, lambda: rollouts.stable() == release, 240)
        promoted = time.monotonic()
        delivery.settle(commit)
        sent, failed = counted()
    print(
        f"analysis after {analysed - began:.0f} s, all pods after {promoted - began:.0f} s, "
        f"{sent} requests, {failed} failed"
    )
    assert promoted - began < STEPS
    assert failed == 0
    assert set(rollouts.releases()) == {release}
    assert ready_of(release) == STABLE


BAD: dict[str, Callable[[Path], str]] = {
    "shuffled labels": lambda folder: bad_models.shuffled_labels(folder, "shuffled", "1" * 40),
    **{
        fault: lambda _, fault=fault, n=n: bad_models.image(fault, f"bad-{n}", f"{n}" * 40)  # type: ignore[misc]
        for n, fault in enumerate(bad_models.FAULTS, 2)
    },
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_version_takes_itself_back(
    delivery: Application,
    developer: Developer,
    locust: Locust,
    prometheus: Prometheus,
    tmp_path: Path,
    fault: str,
) -> None:
    before = rollouts.stable()
    image = BAD[fault](tmp_path)
    with load(locust) as counted:
        began = time.time()
        commit = developer.deploy(image)
        wait_until("a new version", lambda: rollouts.newest() != before, 60)
        release = rollouts.newest()
        most, first, gone = watch(
            release,
            lambda: rollouts.phase() == "Degraded" and release not in rollouts.releases(),
            GONE_WITHIN + 60,
        )
        sent, failed = counted()
        print(f"{fault}: gone {gone - first:.0f} s after its first pod; {failed} of {sent} failed; {message()}")
        print(verdicts(prometheus, release))
        assert gone - first < GONE_WITHIN
        assert most == 1
        assert failed / sent < 1 / STABLE
        assert rollouts.stable() == before
        assert ready_of(before) == STABLE
        errors = f'sum(increase(http_requests_total{{job="api",status=~"5..",pod=~"api-{before}-.*"}}[{int(time.time() - began)}s]))'
        assert (prometheus.value(errors) or 0) == 0
        wait_until("the page", lambda: "RolloutAborted" in prometheus.firing(), 60)
        wait_until("degradation", lambda: delivery.health() == "Degraded", 30)
        reverted = time.monotonic()
        delivery.settle(developer.revert(commit))
        print(f"{fault}: healthy {time.monotonic() - reverted:.0f} s after the revert")
        assert set(rollouts.releases()) == {before}
        wait_until("the end", lambda: "RolloutAborted" not in prometheus.firing(), 60)


def verdicts(prometheus: Prometheus, release: str) -> dict[str, Any]:
    """Return the last verdict of each check."""
    found = prometheus.query(f'last_over_time(release:verdict:sign{{release="{release}"}}[5m])')
    return {one["metric"]["check"]: one["value"][1] for one in found}
