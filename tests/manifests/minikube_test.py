"""`make up`: what it builds, loads and restarts in Minikube, and what it refuses.

Minikube, Docker and kubectl are stand-ins that refuse what the real ones refuse.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.git import ENVIRONMENT
from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.origin import Done, script
from support.paths import MANIFEST, TESTS

PROGRAM = TESTS / "support/minikube.py"
PROFILE = "workshop"
LIVE = {
    "api": f"{API_IMAGE}:local",
    "locust": f"{LOADTESTER_IMAGE}:local",
    "script": f"{LOADTESTER_IMAGE}:local",
    "grafana": "grafana/grafana:13.2.3",
}


@dataclass(frozen=True)
class Laptop:
    """A clone, and the programs of a machine whose state is a file."""

    clone: Path
    state: Path
    path: str

    def set(self, **values: Any) -> None:
        """Change the state of the machine."""
        self.state.write_text(json.dumps(self.now() | values))

    def now(self) -> dict[str, Any]:
        """Return the state of the machine."""
        state: dict[str, Any] = json.loads(self.state.read_text())
        return state

    def run(self, what: str = "up", **environment: str) -> Done:
        """Run the script."""
        own = {"PATH": self.path, "STATE": str(self.state)}
        command = ("manifest/minikube.sh", what)
        return subprocess.run(
            command, cwd=self.clone, env=ENVIRONMENT | own | environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def up(self) -> str:
        """Run it, which has to succeed; return what it prints."""
        done = self.run()
        assert done.returncode == 0, done.stderr
        return done.stdout

    def asked(self, beginning: str) -> list[str]:
        """Return the commands that began so."""
        return [command for command in self.now()["asked"] if command.startswith(beginning)]


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    clone, programs, state = tmp_path / "it's my (clone)", tmp_path / "bin", tmp_path / "state"
    (clone / "manifest").mkdir(parents=True)
    shutil.copy(MANIFEST / "minikube.sh", clone / "manifest")
    for folder in ("api", "loadtester"):
        (clone / folder).mkdir()
        (clone / folder / "Dockerfile").touch()
    script(clone / "argocd/repository.sh", "exit ${REFUSED:-0}")
    script(clone / "argocd/install.sh", 'echo "installed: $KUBE_CONTEXT $NODE_IP"')
    for name in ("minikube", "docker", "kubectl"):
        script(programs / name, f'exec "{sys.executable}" -SE "{PROGRAM}" {name} "$@"')
    first = {
        "version": "v1.39.0", "kubernetes": "v1.36.0",
        "profile": PROFILE, "driver": "docker", "status": "missing", "code": "1",
        "host": {}, "node": {}, "deployments": {}, "restarted": [], "asked": [],
    }  # fmt: skip
    state.write_text(json.dumps(first))
    return Laptop(clone, state, f"{programs}:{ENVIRONMENT['PATH']}")


def one_line(done: Done) -> str:
    """Return the refusal, the last line of standard error."""
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("minikube.sh: ")
    return line


def test_from_nothing_it_starts_minikube_loads_both_images_and_installs(laptop: Laptop) -> None:
    said = laptop.up()
    assert said.splitlines()[-1] == f"installed: {PROFILE} 192.168.49.2"
    assert laptop.asked("minikube start") == ["minikube start --driver docker --cpus 2 --memory 4g"]
    for name in (API_IMAGE, LOADTESTER_IMAGE):
        content = laptop.now()["host"][f"{name}:local"]
        assert laptop.now()["node"][f"docker.io/library/{name}:local"] == content
        assert f"Image {name}: building\n" in said
        assert f"Image {name}: loading into Minikube\n" in said
    assert laptop.now()["restarted"] == []
    assert not laptop.asked("minikube docker-env")
    assert not list(laptop.clone.parent.glob("*.tar"))


def test_again_with_nothing_changed_it_loads_and_restarts_nothing(laptop: Laptop) -> None:
    laptop.up()
    laptop.set(deployments=LIVE, asked=[])
    said = laptop.up()
    assert said.count("Minikube has it") == 2
    assert f"Minikube: runs, profile {PROFILE}\n" in said
    for slow in ("minikube start", "minikube image load", "docker save"):
        assert not laptop.asked(slow)
    assert laptop.now()["restarted"] == []


def test_changed_code_is_loaded_and_its_pods_are_restarted_back_and_forth(laptop: Laptop) -> None:
    laptop.up()
    laptop.set(deployments=LIVE)
    for code in ("2", "1"):
        laptop.set(code=code, restarted=[])
        laptop.up()
        state = laptop.now()
        for name in (API_IMAGE, LOADTESTER_IMAGE):
            tag = f"{name}:local"
            assert state["node"][f"docker.io/library/{tag}"] == state["host"][tag]
        assert state["restarted"] == ["deployment/api", "deployment/locust", "deployment/script"]


def test_images_of_docker_hub_are_left_running(laptop: Laptop) -> None:
    laptop.set(deployments={"api": "docker.io/you/taller6-fastapi-ml-api:2026-01-02-03-04-05"})
    laptop.up()
    assert laptop.now()["restarted"] == []


def test_the_host_keeps_one_tag_of_each_image(laptop: Laptop) -> None:
    laptop.up()
    assert set(laptop.now()["host"]) == {f"{API_IMAGE}:local", f"{LOADTESTER_IMAGE}:local"}


def test_a_profile_that_is_there_keeps_its_driver_and_size(laptop: Laptop) -> None:
    laptop.set(status="stopped", driver="kvm2")
    laptop.up()
    assert laptop.asked("minikube start") == ["minikube start"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"version": "v1.32.0"}, "Minikube v1.32.0 is too old: install 1.33 or newer"),
        ({"docker is down": True}, "Docker does not answer: start it"),
        ({"no buildx": True}, "Docker lacks buildx: install the package docker-buildx-plugin"),
    ],
)
def test_what_is_missing_or_too_old_is_said_before_anything_starts(
    laptop: Laptop, state: Mapping[str, Any], said: str
) -> None:
    laptop.set(**state)
    assert said in one_line(laptop.run())
    assert not laptop.asked("minikube start")


def test_a_shell_inside_the_node_is_refused(laptop: Laptop) -> None:
    line = one_line(laptop.run(MINIKUBE_ACTIVE_DOCKERD="minikube"))
    assert 'eval "$(minikube docker-env --unset)"' in line
    assert not laptop.asked("minikube start")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"start fails": True}, "Minikube does not start"),
        ({"kubernetes": "v1.29.4"}, "is Kubernetes v1.29.4, needed is 1.30 or newer"),
        ({"build fails": f"{API_IMAGE}:local"}, f"the image {API_IMAGE} is not built; see above"),
        ({"load fails": True}, f"Minikube did not take the image {API_IMAGE}"),
        ({"never ready": True, "deployments": LIVE}, "api does not become ready"),
    ],
)
def test_what_fails_ends_it_with_one_line_and_nothing_is_installed(
    laptop: Laptop, state: Mapping[str, Any], said: str
) -> None:
    laptop.set(**state)
    done = laptop.run()
    assert said in one_line(done)
    assert "installed" not in done.stdout


def test_a_repository_that_argo_cd_cannot_deploy_is_refused_before_the_builds(
    laptop: Laptop,
) -> None:
    assert laptop.run(REFUSED="2").returncode == 2
    assert not laptop.asked("docker build ")


def test_down_stops_it(laptop: Laptop) -> None:
    laptop.set(status="running")
    assert laptop.run("down").returncode == 0
    assert laptop.now()["status"] == "stopped"
