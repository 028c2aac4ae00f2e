"""Which pushes the workflow answers, asked of act as GitHub would be; no cluster is needed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from e2e.github.act import WORKFLOW, Run
from e2e.github.hub import BOT, MARKS, GitHub, hosting
from e2e.github.repository import NAME
from support.git import git
from support.waiting import wait_until


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHub]:
    with hosting(tmp_path_factory.mktemp("github")) as hub:
        yield hub


def push(hub: GitHub, user: str, path: str, branch: str = "develop") -> Run:
    """Change a file as a user, commit and push; return what came of it."""
    clone = hub.clone(f"clone-{len(hub.runs())}", user)
    with (clone / path).open("a") as file:
        file.write("\n")
    git(clone, "commit", "-qam", f"Change {path}")
    git(clone, "push", "-q", "origin", f"HEAD:{branch}")
    return hub.run_of(git(clone, "rev-parse", "HEAD"))


def done(run: Run) -> set[tuple[str, str]]:
    """Return job and name of the steps that succeeded."""
    return {(step.job, step.name) for step in run.steps if step.result == "success"}


def processes(folder: Path) -> str:
    """Return the processes that work on something in a folder."""
    command = ("pgrep", "-f", str(folder))
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_a_push_of_the_bot_runs_no_job(hub: GitHub) -> None:
    run = push(hub, "github-actions[bot]", "README.md").wait(60)
    assert run.exit_code == 0, run.log.text()
    assert run.jobs == {}
    assert run.steps == []


def test_a_push_of_anyone_else_is_tested(hub: GitHub) -> None:
    run = push(hub, "Ada", "README.md")
    wait_until("the tests' first step", lambda: ("test", "Check out") in done(run), 60)
    run.close()
    assert run.state == "ended"
    assert not processes(run.log.file.parent)


def test_publishing_begins_with_the_tests_and_asks_docker_hub_first(hub: GitHub) -> None:
    run = push(hub, "Ada", "README.md")
    asked = ("publish", "Check that both images may be pushed")
    wait_until("the answer", lambda: asked in done(run), 120)
    assert "test" not in run.jobs
    run.close()


@pytest.mark.parametrize("passed", [True, False])
def test_publishing_waits_for_the_tests_and_ends_as_they_do(hub: GitHub, passed: bool) -> None:
    clone = hub.clone(f"clone-{len(hub.runs())}")
    file = clone / WORKFLOW
    workflow = yaml.safe_load(file.read_text())
    workflow["on"] = workflow.pop(True)
    test, publish = workflow["jobs"]["test"], workflow["jobs"]["publish"]
    test["steps"] = [{"name": "Run tests", "run": f"sleep 3; {'true' if passed else 'false'}"}]
    needed = ("Check out", "Set up Python 3.11", "Wait until the tests have passed")
    publish["steps"] = [step for step in publish["steps"] if step["name"] in needed]
    del workflow["jobs"]["deploy"]
    file.write_text(yaml.safe_dump(workflow))
    git(clone, "commit", "-qam", "Leave the waiting alone")
    git(clone, "push", "-q", "origin", "HEAD:develop")
    run = hub.wait(git(clone, "rev-parse", "HEAD"), 120)
    result = "success" if passed else "failure"
    assert run.jobs == {"test": result, "publish": result}, run.log.text()
    said = "Test: success" if passed else "Test: failure; nothing is published"
    assert said in run.log.text()
    git(clone, "revert", "--no-edit", "HEAD")
    git(clone, "push", "-q", "origin", "HEAD:develop")
    hub.run_of(git(clone, "rev-parse", "HEAD")).close()


def test_a_push_that_changes_the_manifest_alone_starts_no_run(hub: GitHub) -> None:
    run = push(hub, "Ada", "manifest/kustomization.yaml")
    assert run.state == "ignored"
    assert run.ignored == "paths-ignore: only manifest/kustomization.yaml"


def test_a_push_to_another_branch_starts_no_run(hub: GitHub) -> None:
    run = push(hub, "Ada", "README.md", "feature")
    assert run.ignored == "branches: feature is not among ['develop']"


def test_nobody_pushes_without_a_token(hub: GitHub, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", hub.url, "clone")
    with pytest.raises(RuntimeError, match="could not read Username"):
        git(tmp_path / "clone", "push", "origin", "HEAD:refs/heads/mine")


def test_a_cluster_s_token_marks_commits_and_does_nothing_else(hub: GitHub, tmp_path: Path) -> None:
    tip, mark = hub.tip(), {"state": "failure", "context": "progressive-delivery"}
    repository = f"{hub.api}/repos/{NAME}"

    def posted(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(f"{repository}/statuses/{tip}", json=mark, headers=headers).status_code

    assert (posted("another"), posted(BOT), posted(MARKS)) == (401, 403, 201)
    headers = {"Authorization": f"Bearer {BOT}"}
    read = httpx.get(f"{repository}/commits/{tip}/status", headers=headers).json()
    assert [(one["context"], one["state"]) for one in read["statuses"]] == [
        tuple(mark.values())[::-1]
    ]
    pushing = hub.url.replace("//", f"//x:{MARKS}@")
    git(tmp_path, "clone", "-q", pushing, "clone")
    with pytest.raises(RuntimeError, match="Authentication failed"):
        git(tmp_path / "clone", "push", "origin", "HEAD:refs/heads/mine")
