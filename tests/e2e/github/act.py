"""One run of the workflow by `act`: every job on this machine, in processes of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGSTOP
from threading import Event, Thread
from typing import Any

from e2e.github.act_log import Log, Step
from e2e.github.workflow import Workflow, stand_ins
from support.git import git
from support.waiting import wait_until

WORKFLOW = ".github/workflows/ci-cd.yml"


@dataclass(frozen=True)
class Trigger:
    """What starts a run: an event by its name and content, and the commit that it is about."""

    name: str
    event: Mapping[str, Any]
    commit: str


class Run:
    """A run, or that there is none and why. Keeps event.json, log.json, exit_code in its folder."""

    def __init__(self, folder: Path, trigger: Trigger, ignored: str = "") -> None:
        self.commit, self.event, self.ignored = trigger.commit, trigger.name, ignored
        self.log = Log(folder / "log.json")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=lambda: None)
        self._ended, self._closed = Event(), False
        folder.mkdir(parents=True)
        (folder / "event.json").write_text(json.dumps(trigger.event, indent=2))
        self.log.file.touch()

    def start(self, remote: str, options: Sequence[str]) -> None:
        """Clone the commit from the remote and run its workflow; return at once."""
        self._thread = Thread(target=self._run, args=(remote, options))
        self._thread.start()

    def _run(self, remote: str, options: Sequence[str]) -> None:
        try:
            code = self._act(self._clone(remote), options)
        except (LookupError, OSError, RuntimeError) as error:
            self.log.file.write_text(f"{error}\n")
            code = 1
        (self._folder / "exit_code").write_text(f"{code}\n")
        self._ended.set()

    def _clone(self, remote: str) -> Path:
        clone = self._folder / "clone"
        git(self._folder, "clone", "-q", "--no-checkout", remote, clone)
        git(clone, "checkout", "-q", "--detach", self.commit)
        return clone

    def _act(self, clone: Path, options: Sequence[str]) -> int:
        actions = stand_ins(Workflow((clone / WORKFLOW).read_text()))
        command = (
            *("act", self.event, "--json", "-W", WORKFLOW, "-P", "ubuntu-latest=-self-hosted"),
            *("-e", str(self._folder / "event.json")),
            *("--no-cache-server", "--no-skip-checkout"),
            *("--concurrent-jobs", "2"),  # publishing waits for the tests, beside them
            *("--action-cache-path", str(self._folder / "work")),
            *(f"--local-repository={uses}={folder}" for uses, folder in actions.items()),
            *options,
        )
        with self.log.file.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=clone, env=_environment(), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        if self._closed:
            self._kill()
        return self._process.wait()

    def close(self) -> None:
        """End all processes of the run that are still there; keep only what tells of it."""
        self._closed = True
        self._kill()
        if self._thread.ident:
            self._thread.join()
        # Act leaves the jobs' workspaces where a job failed: half a gigabyte each.
        shutil.rmtree(self._folder / "work", ignore_errors=True)

    def _kill(self) -> None:
        # Each step runs in its own session, led by a child of act. Stop act first, so that it
        # starts no more steps. Then repeat pkill until nothing is left: a process forked during
        # one pass is missed by it.
        if self._process and not self._ended.is_set():
            act = str(self._process.pid)
            self._process.send_signal(SIGSTOP)
            children = ("pgrep", "-P", act)
            steps = subprocess.run(children, capture_output=True, text=True, check=False).stdout
            sessions = ",".join((act, *steps.split()))
            kill = ("pkill", "-KILL", "-r", "D,R,S,T", "-s", sessions)
            wait_until("the end of a run", lambda: subprocess.run(kill, check=False).returncode)

    @property
    def state(self) -> str:
        """`ignored`, `running` or `ended`."""
        if self.ignored:
            return "ignored"
        return "ended" if self._ended.is_set() else "running"

    @property
    def exit_code(self) -> int | None:
        """Act's; None unless the run has ended. Skipped jobs make it 0: see `jobs`."""
        ended = self.state == "ended"
        return int((self._folder / "exit_code").read_text()) if ended else None

    @property
    def jobs(self) -> dict[str, str]:
        """`success` or `failure` of each job that has ended. A skipped one is missing."""
        return self.log.jobs()

    @property
    def steps(self) -> list[Step]:
        """The steps that have ended."""
        return self.log.steps()

    def wait(self, seconds: float) -> "Run":
        """Return the run once it has ended, or at once if there is none; TimeoutError otherwise."""
        if not self.ignored and not self._ended.wait(seconds):
            raise TimeoutError(f"{self}: not within {seconds:g} s\n{self.log.text()[-5000:]}")
        return self

    def __repr__(self) -> str:
        what = self.ignored or f"{self.state}, log in {self.log.file}"
        return f"<{self.event} of {self.commit[:12]}: {what}>"


def _environment() -> dict[str, str]:
    """Return this process' environment as a runner has it, without make, git or a venv around."""
    foreign = ("GIT_", "GITHUB_", "MAKE", "MFLAGS", "PYTEST_", "VIRTUAL_ENV")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    own = str(Path(sys.prefix) / "bin")
    kept["PATH"] = os.pathsep.join(p for p in kept["PATH"].split(os.pathsep) if p != own)
    # Act gives steps a terminal, which GitHub does not: git would wait for somebody to page.
    return kept | {"PAGER": "cat"}
