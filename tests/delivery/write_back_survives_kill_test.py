"""A run that is killed, wherever it stands, leaves nothing that the next one does not put right."""

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.origin import MANIFEST, Clone, Origin, instead, tag
from tags import image_tags

# In place of git and kustomize: counts the calls, and at one of them kills the script that calls.
KILLER = """
n=$(($(cat {folder}/calls) + 1))
echo $n > {folder}/calls
test $n -eq {at} || exec "$real" "$@"
{action}
touch {folder}/ended
"""
ACTIONS = {
    "while it runs": 'kill -KILL $PPID; "$real" "$@" > {folder}/log 2>&1',
    "after it": '"$real" "$@"; kill -KILL $PPID',
}
WAITS = 30
"""Seconds for what the killed run had started to end by itself."""


class Killed:
    """A repository, a clone of it, and a run in there that was killed at one of its calls."""

    def __init__(self, folder: Path, template: Path, at: int, action: str) -> None:
        self.folder = folder
        shutil.copytree(template, folder / "origin")
        self.origin = Origin(folder / "origin")
        self.person = self.origin.clone(folder / "person")
        self.source = self.person.head()
        self.clone = self.origin.clone(folder / "clone")
        self.code = self._run(at, action)

    def _run(self, at: int, action: str) -> int:
        (self.folder / "calls").write_text("0")
        places = {"folder": self.folder, "at": at, "action": action.format(folder=self.folder)}
        environment = {}
        for program in ("git", "kustomize"):
            environment = instead(self.folder / "bin", program, KILLER.format(**places))
        done = self.clone.write_back(2, self.source, **environment)
        if done.returncode:
            self._wait()
        return done.returncode

    def _wait(self) -> None:
        deadline = time.monotonic() + WAITS
        while not (self.folder / "ended").exists():
            assert time.monotonic() < deadline, "what was started has not ended"
            time.sleep(0.01)

    def repair(self, clone: Clone) -> None:
        """Run again in a clone, after somebody else's push, and check that all is as it must be."""
        self.person.git("pull", "--quiet", "--rebase", "origin", "develop")
        self.person.commit("Meanwhile", meanwhile="1")
        self.person.push()
        done = clone.write_back(2, self.source)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == f"deployed {tag(2)} in attempt 1"
        assert image_tags(self.origin.show(MANIFEST)) == {
            API_IMAGE: tag(2),
            LOADTESTER_IMAGE: tag(2),
        }
        log = self.origin.git("log", "--format=%s", "develop").splitlines()
        assert sorted(log) == [
            "Begin", f"Deploy {tag(1)}", f"Deploy {tag(2)}", "Meanwhile", "One", "Two",
        ]  # fmt: skip


@pytest.fixture
def template(tmp_path: Path) -> Path:
    origin = Origin.create(tmp_path / "template")
    person = origin.clone(tmp_path / "first")
    person.deploy(1, person.commit("One"))
    person.commit("Two")
    person.push()
    return origin.path


def runs(folder: Path, template: Path, action: str) -> Iterator[Killed]:
    """Yield a run that was killed at its first call, at its second, and so on to its last."""
    for at in range(1, 100):
        run = Killed(folder / str(at), template, at, action)
        if run.code == 0:
            assert at > 12, "it calls git and kustomize more often than that"
            return
        assert run.code == -signal.SIGKILL
        yield run
    raise AssertionError("it never ends")


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
def test_the_next_run_in_the_same_clone_repairs_what_a_killed_one_left(
    tmp_path: Path, template: Path, action: str
) -> None:
    for run in runs(tmp_path, template, action):
        run.repair(run.clone)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
def test_the_next_run_in_a_fresh_clone_repairs_what_a_killed_one_left(
    tmp_path: Path, template: Path, action: str
) -> None:
    for run in runs(tmp_path, template, action):
        run.repair(run.origin.clone(run.folder / "fresh"))
