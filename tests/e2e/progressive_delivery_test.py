"""A new version meets a tenth of the traffic, is judged there, and is gone if it is worse."""

import os
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
from e2e.github.git_http import address_towards
from e2e.github.hub import MARKS, RUN_SECONDS, GitHub
from e2e.github.repository import NAME
from e2e.image_builder import build
from e2e.traffic import Traffic
from support import document
from support.alerting import Told, told
from support.clients import Locust, Prometheus
from support.cluster import (
    LOCUST_PORT,
    Application,
    answers,
    get,
    is_ready,
    kubectl,
    pods,
    ready,
)
from support.images import API_IMAGE
from support.paths import MANIFEST
from support.waiting import wait_until

COMPONENTS = [MANIFEST / "components" / name for name in ("progressive-delivery", "alerting")]
DELIVERY = COMPONENTS[0]
ROOT_FILE = "manifest/kustomization.yaml"
STABLE = 9
"""Pods of the version that serves."""
USERS = 30
TRIAL, TURNS = 90, 60
"""Seconds that a good version takes until it is promoted, and until it has all pods."""
GONE_WITHIN = 180
"""Seconds from its first pod until a bad version has none."""
TOLD_WITHIN = 120
"""Seconds until the end of a page is told: the alert is kept for one minute."""
MARK = ("progressive-delivery", "failure")
SCORE = "held-out rows are answered correctly"
"""Locust's verdict on a model by 200 answers: it marks all that follow, whichever pod gave them."""
LEFT_OUT = "undone by the cluster and left out of account"


@pytest.fixture(scope="module")
def person() -> Iterator[Told]:
    """Somebody who is told, outside of the cluster."""
    with told(host="") as here:
        yield here


@pytest.fixture(scope="module")
def undone() -> list[str]:
    """Versions that were undone, as the tests go on."""
    return []


@pytest.fixture(scope="module")
def delivery(
    current: Application,
    laptop: Path,
    github: GitHub,
    developer: Developer,
    locust: Locust,
    person: Told,
) -> Iterator[Application]:
    """Do as the components' READMEs say, and revert it; nothing is lost on either way."""
    current.settle(github.tip(), 300)
    lines = "components:\n" + "".join(f"- components/{one.name}\n" for one in COMPONENTS)
    own = laptop / ROOT_FILE
    before = own.read_text()
    own.write_text(before.replace("images:\n", f"{lines}images:\n"))
    for command in document.blocks((DELIVERY / "README.md").read_text()):
        subprocess.run(shlex.split(command), cwd=laptop, check=True, timeout=120)
    own.write_text(before)
    here = f"http://{address_towards(os.environ['NODE_IP'])}:{person.port}"
    values = {
        "webhook-url": f"{here}/alerts",
        "github-token": MARKS,
        "github-status-url": f"{github.api}/repos/{NAME}/statuses/{{{{ .GroupLabels.revision }}}}",
    }
    literals = [f"--from-literal={name}={value}" for name, value in values.items()]
    kubectl("-n", "mlops", "delete", "secret", "alertmanager-receivers", "--ignore-not-found")
    kubectl("-n", "mlops", "create", "secret", "generic", "alertmanager-receivers", *literals)
    with Traffic() as traffic:
        commit = developer.write(ROOT_FILE, "images:\n", f"{lines}images:\n", "Deliver in steps")
        current.settle(commit, 300)
        wait_until("the pods", lambda: ready_of(rollouts.stable()) == STABLE)
        wait_until("the Deployment's end", lambda: set(rollouts.releases()) == {rollouts.stable()})
    assert traffic.failed == []
    wait_until("Locust", lambda: answers(LOCUST_PORT, "/"))
    yield current
    with Traffic() as traffic:
        current.settle(developer.revert(commit), 300)
        wait_until("the Deployment's pods alone", lambda: set(rollouts.releases()) == {""})
    assert traffic.failed == []
    assert len(ready("api")) == 2
    kubectl("-n", "mlops", "delete", "secret", "alertmanager-receivers")
    kubectl("delete", "-f", str(DELIVERY / "install.yaml"))


@pytest.fixture
def calm(delivery: Application, github: GitHub) -> Application:
    """Wait until the one version that Git names serves alone."""
    delivery.settle(github.tip(), 300)
    return delivery


def ready_of(release: str) -> int:
    """Return how many pods of a version get traffic."""
    return sum(map(is_ready, rollouts.releases().get(release, [])))


class Counts(NamedTuple):
    """Locust's own."""

    sent: int
    failed: int


@contextmanager
def load(locust: Locust) -> Iterator[Callable[[], Counts]]:
    """Send requests by Locust's UI; yield what tells how many were sent, and failed, so far."""
    locust.swarm(USERS)

    def counted() -> Counts:
        found = locust.failures().items()
        return Counts(locust.sent(), sum(n for error, n in found if SCORE not in error))

    try:
        yield counted
    finally:
        locust.stop()


class Life(NamedTuple):
    """What was seen of a version: most pods at once, and seconds from its first pod to the end."""

    most: int
    seconds: float


def watch(release: str, until: Callable[[], bool], seconds: float) -> Life:
    """Look at a version's pods until something has happened."""
    most, first, deadline = 0, 0.0, time.monotonic() + seconds
    while not until():
        there = len(rollouts.releases().get(release, []))
        first = first or (time.monotonic() if there else 0.0)
        most = max(most, there)
        assert time.monotonic() < deadline, f"{rollouts.status()}\n{rollouts.analysis(release)}"
        time.sleep(0.5)
    return Life(most, time.monotonic() - first)


def watch_its_end(release: str) -> Life:
    """Look at a version's pods until the last one is gone."""

    def gone() -> bool:
        return rollouts.phase() == "Degraded" and release not in rollouts.releases()

    return watch(release, gone, GONE_WITHIN + 60)


@contextmanager
def reverted(developer: Developer, commits: list[str]) -> Iterator[None]:
    """Revert the commits in the end, the last one first, however the block ends."""
    try:
        yield
    finally:
        for commit in reversed(commits):
            developer.revert(commit)


def errors(prometheus: Prometheus, release: str, since: float) -> float:
    """Return how many requests the pods of a version answered with 5xx."""
    seconds = f"{time.time() - since:.0f}s"
    answered = f'http_requests_total{{job="api",status=~"5..",pod=~"api-{release}-.*"}}'
    return prometheus.value(f"sum(increase({answered}[{seconds}]))") or 0


def pages(person: Told, release: str) -> list[str]:
    """Return what was told of a version: `firing`, `resolved`."""
    return [one["status"] for one in messages(person, release)]


def messages(person: Told, release: str) -> list[dict[str, Any]]:
    """Return the alerts that were told of a version; the name of one that is not known is empty."""
    found = person.alerts("RolloutAborted")
    return [one for one in found if one["labels"].get("release", "") == release]


def test_a_push_is_promoted_by_itself(
    calm: Application, github: GitHub, developer: Developer, person: Told
) -> None:
    before = rollouts.stable()
    with Traffic() as traffic:
        pushed = time.monotonic()
        run = github.wait(developer.change(bad_models.strengthen, "Improve"), RUN_SECONDS)
        assert run.exit_code == 0, run.log.text()[-5000:]
        written = time.monotonic()
        release = rollouts.await_analysis(before)
        began = time.monotonic()
        assert len(rollouts.releases()[release]) == 1
        watch(release, lambda: (rollouts.analysis(release) or {})["phase"] == "Successful", 180)
        proved = time.monotonic()
        calm.settle(github.tip())
        promoted = time.monotonic()
    print(
        f"push to all pods {promoted - pushed:.0f} s: workflow {written - pushed:.0f} s, then "
        f"{began - written:.0f} s, trial {proved - began:.0f} s, pods {promoted - proved:.0f} s"
    )
    assert traffic.failed == []
    assert proved - began < TRIAL
    assert promoted - proved < TURNS
    assert set(rollouts.releases()) == {release} == {rollouts.stable()}
    assert ready_of(release) == STABLE
    assert person.posts == []


def test_a_push_that_is_undone_is_marked_and_the_next_one_needs_no_hand(
    calm: Application, github: GitHub, developer: Developer, undone: list[str]
) -> None:
    before = rollouts.stable()
    with Traffic() as traffic:
        source = developer.change(bad_models.shuffle_labels, "Shuffle the labels")
        run = github.wait(source, RUN_SECONDS)
        assert run.exit_code == 0, run.log.text()[-5000:]
        release = rollouts.await_release(before)
        life = watch_its_end(release)
        print(f"gone {life.seconds:.0f} s after its first pod")
        marks = wait_until("the mark", lambda: github.statuses.combined(source)[1]["statuses"], 60)
        assert [(one["context"], one["state"]) for one in marks] == [MARK]
        assert rollouts.stable() == before

        better = developer.revert(source)
        run = github.wait(better, RUN_SECONDS)
        assert run.exit_code == 0, run.log.text()[-5000:]
        said = [line for line in run.log.text().splitlines() if LEFT_OUT in line]
        print("\n".join(said))
        assert {line.partition(":")[0] for line in said} >= {"publish", "deploy"}
        calm.settle(github.tip(), 300)
    undone.append(release)
    assert life.most == 1
    assert life.seconds < GONE_WITHIN
    assert traffic.failed == []
    assert rollouts.stable() not in (before, release)


@pytest.mark.parametrize("fault", bad_models.BAD)
def test_a_bad_version_takes_itself_back(
    calm: Application,
    github: GitHub,
    developer: Developer,
    locust: Locust,
    prometheus: Prometheus,
    person: Told,
    undone: list[str],
    tmp_path: Path,
    fault: str,
) -> None:
    before = rollouts.stable()
    image = bad_models.image(fault, tmp_path)
    began = time.time()
    with load(locust) as counted, reverted(developer, [developer.deploy(image)]):
        release = rollouts.await_release(before)
        life = watch_its_end(release)
        counts = counted()
        print(f"{fault}: gone {life.seconds:.0f} s after its first pod; {counts}")
        wait_until("the page", lambda: pages(person, release), 60)
        print(messages(person, release)[-1]["summary"])
        assert calm.health() == "Degraded"
    reverted_at = time.monotonic()
    calm.settle(github.tip())
    print(f"healthy {time.monotonic() - reverted_at:.0f} s after the revert")
    undone.append(release)
    assert life.most == 1
    assert life.seconds < GONE_WITHIN
    assert counts.failed / counts.sent < 1 / STABLE
    assert errors(prometheus, before, began) == 0
    assert set(rollouts.releases()) == {before}
    assert ready_of(before) == STABLE


def test_two_pushes_in_a_row_and_a_controller_that_is_killed(
    calm: Application, developer: Developer, locust: Locust
) -> None:
    before = rollouts.stable()
    images = [build(API_IMAGE, version) for version in ("one", "two")]
    with load(locust) as counted:
        developer.deploy(images[0])
        first = rollouts.await_analysis(before)
        (controller,) = pods("argo-rollouts", "argocd")
        name = controller["metadata"]["name"]
        kubectl("-n", "argocd", "delete", "pod", name, "--force", "--grace-period=0")
        commit = developer.deploy(images[1])
        second = rollouts.await_release(before, first)
        watch(second, lambda: rollouts.stable() == second, 240)
        calm.settle(commit)
        counts = counted()
    print(counts)
    assert counts.failed == 0
    assert set(rollouts.releases()) == {second}


def test_a_revert_in_the_middle_of_a_trial_ends_it(
    calm: Application, developer: Developer, locust: Locust, person: Told
) -> None:
    before, posts = rollouts.stable(), len(person.posts)
    image = build(API_IMAGE, "withdrawn")
    with load(locust) as counted:
        commit = developer.deploy(image)
        release = rollouts.await_analysis(before)
        undo = time.monotonic()
        calm.settle(developer.revert(commit))
        print(f"healthy {time.monotonic() - undo:.0f} s after the revert")
        wait_until("its end", lambda: release not in rollouts.releases(), 60)
        assert counted().failed == 0
    assert rollouts.stable() == before
    assert len(person.posts) == posts


@pytest.mark.parametrize("what", ["prometheus", "script"])
def test_nothing_is_promoted_unseen(
    calm: Application,
    github: GitHub,
    developer: Developer,
    locust: Locust,
    person: Told,
    undone: list[str],
    what: str,
) -> None:
    before = rollouts.stable()
    image = build(API_IMAGE, f"without-{what}")
    with load(locust) as counted, reverted(developer, [developer.deploy(image)]):
        release = rollouts.await_analysis(before)
        file = f"manifest/{what}-deployment.yaml"
        with reverted(developer, [developer.write(file, "replicas: 1", "replicas: 0", "Stop it")]):
            life = watch_its_end(release)
            counts = counted()
            print(f"without {what}: gone {life.seconds:.0f} s after its first pod; {counts}")
            print((rollouts.analysis(release) or {}).get("message"))
        # A Prometheus that has just started does not know what it was that was undone.
        known = "" if what == "prometheus" else release
        wait_until("the page", lambda: pages(person, known), 120)
        print(messages(person, known)[-1]["summary"])
    undone.append(known)
    calm.settle(github.tip(), 300)
    assert counts.failed == 0
    assert rollouts.stable() == before


def test_the_autoscaler_and_what_drains_a_node_know_its_pods(
    calm: Application, github: GitHub, developer: Developer
) -> None:
    assert get("poddisruptionbudget", "api")["status"]["expectedPods"] == STABLE
    line = "- components/{}\n".format
    both = line("autoscaling") + line("progressive-delivery-autoscaled")
    commit = developer.write(ROOT_FILE, line(DELIVERY.name), both, "Scale it by load")
    with reverted(developer, [commit]):
        calm.settle(commit)

        def scaled() -> bool:
            status = get("horizontalpodautoscaler", "api").get("status", {})
            return bool(status.get("currentReplicas") == STABLE == ready_of(rollouts.stable()))

        wait_until("the autoscaler's least", scaled, 60)
        synced = calm.status()["operationState"]["startedAt"]
        compared = calm.status()["reconciledAt"]
        wait_until("a comparison", lambda: calm.status()["reconciledAt"] != compared, 60)
        assert calm.status()["operationState"]["startedAt"] == synced  # Argo CD undid nothing
    calm.settle(github.tip())


def test_each_that_was_undone_was_told_once_and_so_was_its_end(
    calm: Application, person: Told, undone: list[str]
) -> None:
    assert calm.health() == "Healthy"
    for release in undone:
        wait_until("the end", lambda one=release: len(pages(person, one)) > 1, TOLD_WITHIN)  # type: ignore[misc]
        assert pages(person, release) == ["firing", "resolved"]
    told_of = [(post.body["severity"], post.body["alert"]) for post in person.posts]
    assert {alert for severity, alert in told_of if severity == "page"} == {"RolloutAborted"}
