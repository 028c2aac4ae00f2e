"""A push to develop is live, with no hand in between; a worse model is not, unless asked for."""

import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from e2e.bad_models import STRONG, TRAINING, WEAK
from e2e.developer import Developer
from e2e.github.act import Run
from e2e.github.builder import published
from e2e.github.hub import RUN_SECONDS, GitHub
from e2e.image_builder import DOCKERFILES
from e2e.traffic import Traffic, versions
from support.clients import Prometheus
from support.cluster import API_PORT, Application, get, url
from support.git import git
from support.waiting import wait_until

# What other tests break raises alerts for some minutes more, and these begin when none is left.
pytestmark = pytest.mark.first

IMAGES_BUILT = "Build the load tester's image"
IMAGES_PUSHED = "Build and push the load tester's image"
FROM_IMAGES_TO_LIVE = 30
"""Seconds."""
LONGEST_ALERT = 900
"""Seconds that an alert of an earlier test may last: ProcessRestarting looks back so far."""
AFTERMATH = 150
"""Seconds until what a deploy left behind would fire: Locust's master misses a worker for a minute
at most, a target may be down for two."""
GREEN = {"test": "success", "publish": "success", "deploy": "success"}


def trailers(github: GitHub, commit: str) -> dict[str, str]:
    """Return the trailers of a commit's message."""
    text = git(github.bare, "show", "-s", "--format=%(trailers:only,unfold)", commit)
    return dict(line.split(": ", 1) for line in text.splitlines() if line)


def end_of(run: Run, step: str) -> float:
    """Return when a step ended, in seconds since 1970."""
    (found,) = (s.end.timestamp() for s in run.steps if s.name == step)
    return found


def print_stages(run: Run, pushed: float, live: float) -> None:
    """Print when each stage of the way from push to live ended; tests and images go together."""
    jobs = {job: max(s.end.timestamp() for s in run.steps if s.job == job) for job in GREEN}
    ends = {
        "tests": jobs["test"],
        "model, gate, images built": end_of(run, IMAGES_BUILT),
        "images pushed": end_of(run, IMAGES_PUSHED),
        "signatures": jobs["publish"],
        "write-back": jobs["deploy"],
        "from push to live": live,
    }
    for stage, end in ends.items():
        print(f"{stage:26}{end - pushed:6.0f} s")
    print(f"{'from images to live':26}{live - end_of(run, IMAGES_PUSHED):6.0f} s")


@dataclass(frozen=True)
class Release:
    """What came of a push: live, undone, live again. Times are seconds since 1970."""

    run: Run
    source: str
    deploy: str
    told: dict[str, str]
    card: dict[str, Any]
    images: dict[str, str]
    pushed: float
    live: float
    again: float
    traffic: Traffic


@pytest.fixture(scope="module")
def release(
    current: Application, github: GitHub, developer: Developer, prometheus: Prometheus
) -> Release:
    """Push, wait until it is live and settled, roll it back and forth, all under traffic."""
    current.settle(github.tip(), 300)
    wait_until("silence", lambda: not prometheus.firing(), LONGEST_ALERT)
    pushed = time.time()
    with Traffic() as traffic:
        source = developer.add("docs/pushed.md", "A change.\n", "Change something")
        run = github.wait(source, RUN_SECONDS)
        assert (run.exit_code, run.jobs) == (0, GREEN), run.log.text()[-5000:]
        deploy = github.tip()
        told = trailers(github, deploy)
        wait_until("the new version", lambda: versions() == {told["Image-Tag"]}, 120)
        live = time.time()
        current.settle(deploy)
        card = httpx.get(f"{url(API_PORT)}/model").json()
        images = {name: image(name) for name in ("api", "locust")}
        rollback = developer.revert(deploy)
        current.settle(rollback)
        current.settle(developer.revert(rollback))
    again = time.time()
    return Release(run, source, deploy, told, card, images, pushed, live, again, traffic)


def image(deployment: str) -> str:
    """Return the image of a Deployment's only container."""
    (container,) = get("deployment", deployment)["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


def test_a_push_is_live_within_seconds_of_its_images(release: Release, github: GitHub) -> None:
    print_stages(release.run, release.pushed, release.live)
    assert release.live - end_of(release.run, IMAGES_PUSHED) < FROM_IMAGES_TO_LIVE
    assert release.traffic.failed == []

    assert release.told["Source-Commit"] == release.source
    assert release.card["model_version"] == release.told["Model-Version"]
    for found, name in zip(release.images.values(), DOCKERFILES, strict=True):
        assert f"/{name}:{release.told['Image-Tag']}@sha256:" in found

    author = git(github.bare, "show", "-s", "--format=%an", release.deploy)
    assert author == "github-actions[bot]"
    assert github.run_of(release.deploy).ignored == "paths-ignore: only manifest/kustomization.yaml"


def test_the_images_say_what_they_were_built_from_and_how(release: Release) -> None:
    for found, (name, dockerfile) in zip(release.images.values(), DOCKERFILES.items(), strict=True):
        labels = published(found, "Image")["config"]["Labels"]
        prefix = "org.opencontainers.image."
        assert labels[f"{prefix}title"] == name
        assert labels[f"{prefix}version"] == release.told["Image-Tag"]
        assert labels[f"{prefix}revision"] == release.source
        build = published(found, "Provenance.SLSA.buildDefinition")
        source = build["externalParameters"]["request"]["root"]["request"]["args"]
        assert source["vcs:revision"] == release.source
        assert source["vcs:localdir:dockerfile"] == dockerfile.partition("/")[0]
        assert build["internalParameters"]["buildConfig"]["llbDefinition"]  # as mode=max has it


@pytest.mark.usefixtures("application")
def test_a_worse_model_is_stopped_before_its_images_and_let_in_by_a_reason(
    application: Application, github: GitHub, developer: Developer
) -> None:
    before, deployed = versions(), github.tip()
    source = developer.write(TRAINING, STRONG, WEAK, "Regularise until nothing is learnt")
    run = github.wait(source, RUN_SECONDS)
    assert run.jobs == {"test": "success", "publish": "failure"}
    assert IMAGES_PUSHED not in {step.name for step in run.steps if step.result == "success"}
    assert (github.tip(), versions()) == (source, before)
    print(next(line for line in run.log.text().splitlines() if " is worse by " in line))

    reason = "to see that it can be done"
    run = github.dispatch({"accept_worse_model": reason}).wait(RUN_SECONDS)
    assert (run.exit_code, run.jobs) == (0, GREEN), run.log.text()[-5000:]
    deploy = github.tip()
    assert deploy not in (source, deployed)
    assert trailers(github, deploy)["Model-Gate"].endswith(reason)
    application.settle(deploy)

    application.settle(developer.revert(deploy))
    assert versions() == before


def test_no_deploy_and_no_rollback_raised_an_alert(
    release: Release, prometheus: Prometheus
) -> None:
    time.sleep(max(0, release.again + AFTERMATH - time.time()))
    series = prometheus.query_range("ALERTS", time.time() - release.pushed)
    seen = {(alert["metric"]["alertstate"], alert["metric"]["alertname"]) for alert in series}
    print(f"{sorted(seen)}, {release.traffic.answered} answers")
    assert {name for state, name in seen if state == "firing"} == set()
