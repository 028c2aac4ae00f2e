"""The workflow finds out at once whether it may push, and pushes only where the tests passed."""

import base64
import subprocess
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import wait_for_job
from support import docker_hub
from support.git import ENVIRONMENT
from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.origin import Done
from support.paths import SCRIPTS
from support.ports import free_port
from support.site import site

IMAGES = (API_IMAGE, LOADTESTER_IMAGE)
SECRET = "token-of-a-hub"  # noqa: S105  # of no registry


def check(url: str) -> Done:
    """Run the step of the workflow."""
    own = {"DOCKER_HUB_AUTH": url, "DOCKERHUB_USERNAME": "you", "DOCKERHUB_TOKEN": SECRET}
    return subprocess.run(
        (sys.executable, str(SCRIPTS / "docker_hub.py"), *IMAGES), env=ENVIRONMENT | own,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def token(*actions: list[str]) -> dict[str, str]:
    """Return Docker Hub's answer: what may be done with each image."""
    granted = zip(IMAGES, actions, strict=True)
    return docker_hub.token({f"you/{image}": may for image, may in granted})


def test_a_token_that_may_push_both_images_passes_without_a_word() -> None:
    with site(lambda _: (200, token(["pull", "push"], ["pull", "push"]))) as hub:
        done = check(hub.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    ((path, authorization),) = hub.asked
    assert parse_qs(urlsplit(path).query) == {
        "service": ["registry.docker.io"],
        "scope": [f"repository:you/{image}:pull,push" for image in IMAGES],
    }
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"you:{SECRET}"


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (200, token(["pull"], ["pull"]), f"may not push {API_IMAGE} and {LOADTESTER_IMAGE}: make"),
        (200, token(["pull", "push"], ["pull"]), f"may not push {LOADTESTER_IMAGE}: make an acce"),
        (401, {"details": "incorrect username or password"}, "does not let this user and token in"),
    ],
)
def test_a_token_that_may_not_is_refused_with_what_to_do(
    status: int, answer: dict[str, str], said: str
) -> None:
    with site(lambda _: (status, answer)) as hub:
        done = check(hub.url)
    assert (done.returncode, done.stderr) == (1, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith("::error::")
    assert said in line
    assert "Read & Write" in line
    assert SECRET not in line


@pytest.mark.parametrize(
    ("status", "answer"),
    [(503, {}), (200, {}), (200, []), (200, {"token": "opaque"}), (200, {"token": "a.e30.b"})],
)
def test_an_answer_that_says_nothing_is_a_warning(status: int, answer: object) -> None:
    with site(lambda _: (status, answer)) as hub:
        done = check(hub.url)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith("::warning::Docker Hub")


def test_no_answer_is_a_warning() -> None:
    done = check(f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 0
    assert done.stdout.startswith("::warning::Docker Hub does not answer: ")


def job(number: int, name: str, conclusion: str | None) -> dict[str, Any]:
    """Return a job as GitHub describes it."""
    return {"id": number, "name": name, "conclusion": conclusion}


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ([[("Test", None)], [("Test", "success")]], 0, "Test: success"),
        ([[("Test", "failure")]], 1, "::error::Test: failure; nothing is published"),
        ([[("Test", "cancelled")]], 1, "::error::Test: cancelled; nothing is published"),
        ([[("Test", "failure"), ("Test", None)], [("Test", "failure"), ("Test", "success")]], 0,
         "Test: success"),
        ([[("Test", "success"), ("Publish", "failure"), ("Publish", None)]], 0, "Test: success"),
        ([[], [("Test", "success")]], 0, "Test: success"),
        ([[("Test", None)]], 1, "::error::Test: it still runs; nothing is published"),
        ([[]], 1, "::error::Test: GitHub does not say how it ended: "),
    ],
)  # fmt: skip
def test_the_newest_end_of_the_tests_decides(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    answers: list[list[tuple[str, str | None]]], code: int, said: str,
) -> None:  # fmt: skip
    def answer(_: str) -> tuple[int, Any]:
        now = answers[min(len(github.asked), len(answers)) - 1]
        return 200, {"jobs": [job(n, *what) for n, what in enumerate(now)]}

    monkeypatch.setattr(wait_for_job, "EVERY", 0.01)
    monkeypatch.setattr(wait_for_job, "LONGEST", 0.5)
    monkeypatch.setattr(sys, "argv", ["wait_for_job.py", "Test"])
    with site(answer) as github:
        settings = {
            "GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": "you/mlops",
            "GITHUB_RUN_ID": "7", "TOKEN": "of-a-run",
        }  # fmt: skip
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        assert wait_for_job.main() == code
    assert capsys.readouterr().out.startswith(said)
    path, authorization = github.asked[0]
    assert path == "/repos/you/mlops/actions/runs/7/jobs?filter=all&per_page=100"
    assert authorization == "Bearer of-a-run"


def test_github_out_of_reach_is_asked_until_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wait_for_job, "EVERY", 0.01)
    for name in ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "TOKEN"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{free_port()}")
    assert wait_for_job.wait("Test", 0.1).startswith("GitHub does not say how it ended: ")
