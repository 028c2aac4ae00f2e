"""Which pushes the workflow answers, asked of act as GitHub would be; no cluster is needed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.github.act import Run
from e2e.github.hub import GitHub, hosting
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
    wait_until("the first step", lambda: run.steps, 60)
    assert (run.steps[0].job, run.steps[0].name) == ("test", "Check out")
    run.close()
    assert run.state == "ended"
    assert not processes(run.log.file.parent)


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
