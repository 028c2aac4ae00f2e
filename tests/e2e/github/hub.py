"""GitHub as far as a push needs it: a repository over HTTP, and the workflow run by what is pushed.

The runs work on this machine, several at once, and push images to the registry that REGISTRY names.
The same server says how a run's jobs ended, keeps the statuses of commits, and answers for Docker
Hub what its token may do.
"""

import base64
import itertools
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from e2e.github import builder
from e2e.github.act import WORKFLOW, Run, Trigger
from e2e.github.git_http import PUSHED, GitServer, Question, address_towards
from e2e.github.repository import DESCRIPTION, NAME, NOTHING, changed, create, hook, push_event
from e2e.github.statuses import Statuses
from e2e.github.workflow import Workflow
from support import docker_hub
from support.git import git

USER = "penguin-keeper"
"""Whose the images are, on Docker Hub. Act masks secrets in its log, short ones in every word."""
DEVELOPER = "token-of-a-developer"
BOT = "token-of-a-run"
MARKS = "token-of-a-cluster"
"""May set and read the statuses of commits, and nothing else."""
DOCKER_HUB = "token-of-docker-hub"
RUN_SECONDS = 900
"""The longest that a run of the workflow may take."""
JOBS = re.compile(rf"/api/repos/{NAME}/actions/runs/(\d+)/jobs")
STATUSES = re.compile(rf"/api/repos/{NAME}/(?:commits/(\w+)/(status|statuses)|statuses/(\w+))")

# On GitHub this job runs all tests. Here we are inside them, so it runs one file only, which one
# process does in half the time of six.
TESTS = "tests/api_test.py --maxprocesses=1"


class GitHub:
    """One repository, its branch develop beginning as a commit of this working tree."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._runs, self._lock = folder, list[Run](), Lock()
        self._numbers = itertools.count(1)
        self.bare = folder / "git" / f"{NAME}.git"
        create(self.bare, folder / "seed")
        self.statuses = Statuses(self._has)
        self._server = GitServer(folder / "git", (DEVELOPER, BOT), self._pushed, self._answers)
        self._here = f"127.0.0.1:{self._server.server_port}"
        hook(self.bare, f"http://{self._here}{PUSHED}")

    @property
    def url(self) -> str:
        """For pods of the cluster whose node is NODE_IP, and for whoever only reads."""
        return f"{self._outside}/{NAME}.git"

    @property
    def api(self) -> str:
        """The REST API, for pods of that cluster."""
        return f"{self._outside}/api"

    @property
    def _outside(self) -> str:
        address = address_towards(os.environ.get("NODE_IP", "127.0.0.1"))
        return f"http://{address}:{self._server.server_port}"

    def clone(self, name: str, user: str = "Ada") -> Path:
        """Return a new clone of develop that may push, whose commits are this user's."""
        folder = self._folder / name
        url = f"http://{USER}:{DEVELOPER}@{self._here}/{NAME}.git"
        git(self._folder, "clone", "-q", url, folder)
        git(folder, "config", "user.name", user)
        git(folder, "config", "user.email", f"{user}@example.org")
        return folder

    def tip(self) -> str:
        """Return the newest commit of develop."""
        return git(self.bare, "rev-parse", "develop")

    def runs(self) -> list[Run]:
        """Return all runs, the oldest first; pushes that started none are among them."""
        with self._lock:
            return list(self._runs)

    def run_of(self, commit: str) -> Run:
        """Return the newest run of a commit; raise LookupError if it was not pushed."""
        found = [run for run in self.runs() if run.commit == commit]
        if not found:
            raise LookupError(f"no push of {commit}; there are {self.runs()}")
        return found[-1]

    def wait(self, commit: str, seconds: float) -> Run:
        """Return the newest run of a commit once it has ended, or raise TimeoutError."""
        return self.run_of(commit).wait(seconds)

    def dispatch(self, inputs: Mapping[str, str], ref: str = "develop") -> Run:
        """Start the workflow by hand on a branch."""
        event = {"ref": f"refs/heads/{ref}", "inputs": dict(inputs), "repository": DESCRIPTION}
        return self._start(Trigger("workflow_dispatch", event, git(self.bare, "rev-parse", ref)))

    def _pushed(self, before: str, after: str, ref: str) -> None:
        if after == NOTHING:
            return
        workflow = Workflow(git(self.bare, "show", f"{after}:{WORKFLOW}"))
        ignored = workflow.ignores(ref, changed(self.bare, before, after))
        self._start(Trigger("push", push_event(self.bare, before, after, ref), after), ignored)

    def _answers(self, asked: Question) -> tuple[int, Any] | None:
        url = urlsplit(asked.path)
        if url.path == "/docker-hub":
            return _docker_hub(parse_qs(url.query)["scope"], asked.authorization)
        if found := JOBS.fullmatch(url.path):
            return self._jobs(int(found[1]), asked.authorization)
        if found := STATUSES.fullmatch(url.path):
            return self._status(found, url.query, asked)
        return None

    def _jobs(self, number: int, authorization: str) -> tuple[int, Any]:
        run = self.runs()[number - 1]
        workflow = Workflow(git(self.bare, "show", f"{run.commit}:{WORKFLOW}"))
        ended = run.jobs
        jobs = [
            {"id": number, "name": job["name"], "conclusion": ended.get(name)}
            for number, (name, job) in enumerate(workflow.jobs.items())
        ]
        return (200, {"jobs": jobs}) if authorization == f"Bearer {BOT}" else (401, {})

    def _status(self, found: re.Match[str], query: str, asked: Question) -> tuple[int, Any]:
        token = asked.authorization.removeprefix("Bearer ")
        if token not in (DEVELOPER, BOT, MARKS):
            return 401, {"message": "Bad credentials"}
        commit, kind, marked = found.groups()
        if asked.method == "POST" and marked:
            if token == BOT:  # the workflow lets its runs read statuses alone
                return 403, {"message": "Resource not accessible by integration"}
            return self.statuses.create(marked, asked.body)
        if asked.method != "GET" or not commit:
            return 404, {"message": "Not Found"}
        read = self.statuses.combined if kind == "status" else self.statuses.listed
        return read(commit, query)

    def _has(self, commit: str) -> bool:
        found = git(self.bare, "rev-list", "--all").split()
        return commit in found

    def _start(self, trigger: Trigger, ignored: str = "") -> Run:
        with self._lock:
            number = next(self._numbers)
            folder = self._folder / "runs" / f"{number:02}-{trigger.commit[:12]}"
            run = Run(folder, trigger, ignored)
            self._runs.append(run)
        if not ignored:
            run.start(str(self.bare), self._options(number))
        return run

    def _options(self, number: int) -> tuple[str, ...]:
        settings = {
            "GITHUB_SERVER_URL": f"http://{self._here}",
            "GITHUB_API_URL": f"http://{self._here}/api",
            "DOCKER_HUB_AUTH": f"http://{self._here}/docker-hub",
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_WORKFLOW_REF": f"{NAME}/{WORKFLOW}@refs/heads/develop",
            "GITHUB_RUN_ID": str(number),
            "REGISTRY": os.environ.get("REGISTRY", ""),
            "BUILDX_BUILDER": builder.NAME,
            "PYTEST_ADDOPTS": TESTS,
            "MYPY_CACHE_DIR": str(self._folder / "mypy"),  # one for all runs: 14 s less for each
        }
        secrets = {
            "DOCKERHUB_USERNAME": USER,
            "DOCKERHUB_TOKEN": DOCKER_HUB,
            "GITHUB_TOKEN": BOT,
        }
        return (
            *(f"--env={name}={text}" for name, text in settings.items()),
            *(f"--secret={name}={text}" for name, text in secrets.items()),
        )

    def close(self) -> None:
        """End all runs and stop serving."""
        for run in self.runs():
            run.close()
        self._server.close()


def _docker_hub(scopes: list[str], authorization: str) -> tuple[int, Any]:
    """Return a token that may do all that is asked for, for whoever has the password."""
    basic = base64.b64encode(f"{USER}:{DOCKER_HUB}".encode()).decode()
    if authorization != f"Basic {basic}":
        return 401, {"details": "incorrect username or password"}
    asked = (scope.split(":") for scope in scopes)
    return 200, docker_hub.token({name: may.split(",") for _, name, may in asked})


@contextmanager
def hosting(folder: Path) -> Iterator[GitHub]:
    """Run a GitHub in an empty folder until the block ends."""
    github = GitHub(folder)
    try:
        yield github
    finally:
        github.close()
