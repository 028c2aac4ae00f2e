"""A push to develop is live, with no hand in between; a worse model is not, unless asked for."""

import time

import httpx
import pytest

from e2e.developer import Developer
from e2e.github.act import Run
from e2e.github.hub import GitHub
from e2e.image_builder import DOCKERFILES
from e2e.traffic import Traffic, versions
from support.cluster import API_PORT, Application, get, url
from support.git import git
from support.waiting import wait_until

RUN_SECONDS = 900
IMAGES_PUSHED = "Build and push the load tester's image"
FROM_IMAGES_TO_LIVE = 30
"""Seconds."""
TRAINING = "api/train_model.py"
STRONG, WEAK = "LogisticRegression(C=10,", "LogisticRegression(C=1,"
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
    """Print how long each stage of the way from push to live took."""
    jobs = {job: max(s.end.timestamp() for s in run.steps if s.job == job) for job in GREEN}
    marks = {
        "tests": jobs["test"],
        "model, gate, images": end_of(run, IMAGES_PUSHED),
        "signatures": jobs["publish"],
        "write-back": jobs["deploy"],
        "Argo CD and rollout": live,
    }
    last = pushed
    for stage, mark in marks.items():
        print(f"{stage:24}{mark - last:6.0f} s")
        last = mark
    print(f"{'from push to live':24}{live - pushed:6.0f} s")
    print(f"{'from images to live':24}{live - end_of(run, IMAGES_PUSHED):6.0f} s")


def test_a_push_is_live_within_seconds_of_its_images(
    application: Application, github: GitHub, developer: Developer
) -> None:
    pushed = time.time()
    with Traffic() as traffic:
        source = developer.add("docs/pushed.md", "A change.\n", "Change something")
        run = github.wait(source, RUN_SECONDS)
        assert (run.exit_code, run.jobs) == (0, GREEN), run.log.text()[-5000:]
        deploy = github.tip()
        told = trailers(github, deploy)
        wait_until("the new version", lambda: versions() == {told["Image-Tag"]}, 120)
        live = time.time()
        application.settle(deploy)
    print_stages(run, pushed, live)
    assert live - end_of(run, IMAGES_PUSHED) < FROM_IMAGES_TO_LIVE
    assert traffic.failed == []

    assert told["Source-Commit"] == source
    answer = httpx.get(f"{url(API_PORT)}/model").json()
    assert answer["model_version"] == told["Model-Version"]
    for deployment, image in zip(("api", "locust"), DOCKERFILES, strict=True):
        (container,) = get("deployment", deployment)["spec"]["template"]["spec"]["containers"]
        assert f"/{image}:{told['Image-Tag']}@sha256:" in container["image"]

    author = git(github.bare, "show", "-s", "--format=%an", deploy)
    assert author == "github-actions[bot]"
    assert github.run_of(deploy).ignored == "paths-ignore: only manifest/kustomization.yaml"


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
