"""One cluster and one GitHub for all tests; each leaves both as it found them."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from e2e import image_builder
from e2e.developer import API_DEPLOYMENT, Developer
from e2e.github import builder
from e2e.github.hub import GitHub, hosting
from support import cluster
from support.clients import Locust, Prometheus
from support.git import git

BIN = Path(__file__).parent / "github/bin"
PROGRAMS = ("kubectl", "kustomize", "docker", "act", "argocd", "git")
PLUGINS = ("buildx", "compose")
"""Of Docker's command line."""


@pytest.fixture(scope="session")
def needs() -> None:
    """End at once, and say what is missing."""
    unset = [name for name in cluster.NEEDED if not os.environ.get(name)]
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if "docker" not in missing:
        missing += [f"docker {name}" for name in PLUGINS if not has_plugin(name)]
    if unset or missing:
        pytest.exit(f"not set: {', '.join(unset)}; not on the PATH: {', '.join(missing)}", 2)


def has_plugin(name: str) -> bool:
    """Tell whether Docker's command line has a plug-in."""
    command = ("docker", name, "version")
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


@pytest.fixture(scope="session")
def github(needs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHub]:
    builder.create(tmp_path_factory.mktemp("builder"))
    with hosting(tmp_path_factory.mktemp("github")) as running:
        yield running


@pytest.fixture(scope="session")
def developer(github: GitHub) -> Developer:
    return Developer(github, "Grace")


@pytest.fixture(scope="session")
def laptop(github: GitHub) -> Path:
    """Return a clone as the README has it made, whose remote the cluster reaches."""
    laptop = github.clone("laptop")
    git(laptop, "remote", "set-url", "origin", github.url)
    return laptop


def make_up(laptop: Path) -> str:
    """Do as the README says; return what it prints. Minikube itself is stood in for."""
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    command = ("make", "up")
    done = subprocess.run(
        command, cwd=laptop, env=environment, stdout=subprocess.PIPE, text=True, timeout=900
    )  # fmt: skip
    print(done.stdout)
    done.check_returncode()
    return done.stdout


@pytest.fixture(scope="session")
def installed(github: GitHub, laptop: Path) -> cluster.Application:
    """Install by `make up`, which is safe to repeat: what did not change is in the node already."""
    make_up(laptop)
    assert make_up(laptop).count(": Minikube has it\n") == len(image_builder.DOCKERFILES)
    application = cluster.Application()
    application.settle(github.tip(), 300)
    return application


@pytest.fixture(scope="session")
def current(installed: cluster.Application, developer: Developer) -> cluster.Application:
    """Deploy the images under a name of their own: a used node keeps its older `local` ones.

    From then on a rollout gets little time for its pulls, which come from the same machine.
    """
    deadline = "progressDeadlineSeconds: {}"
    developer.write(API_DEPLOYMENT, deadline.format(160), deadline.format(30), "Wait less")
    version = time.strftime("test-%H%M%S")
    installed.settle(developer.deploy(*image_builder.build_all(version)))
    return installed


@pytest.fixture
def application(current: cluster.Application, github: GitHub) -> cluster.Application:
    """Wait for calm before the test: what an earlier one left would be taken for its."""
    current.settle(github.tip(), 300)
    return current


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
def prometheus(http: httpx.Client, current: cluster.Application) -> Prometheus:
    return Prometheus(http, cluster.url(cluster.PROMETHEUS_PORT))


@pytest.fixture(scope="session")
def locust(http: httpx.Client, current: cluster.Application) -> Locust:
    return Locust(http, cluster.url(cluster.LOCUST_PORT), workers=2)
