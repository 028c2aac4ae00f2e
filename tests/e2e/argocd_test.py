"""Argo CD as people use it: by its CLI, through a port-forward."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.argocd_server import Server, forwarded
from support.cluster import Application, ready


@pytest.fixture
def server(application: Application) -> Iterator[Server]:
    assert application.health() == "Healthy"
    with forwarded() as server:
        yield server


def argocd(folder: Path, *arguments: str) -> str:
    """Return what the CLI prints; its session is kept in the folder."""
    command = ("argocd", "--config", str(folder / "config"), "--insecure", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_cli_logs_in_shows_the_tree_and_syncs(server: Server, tmp_path: Path) -> None:
    address = f"127.0.0.1:{server.port}"
    login = ("login", address, "--username", "admin", "--password", server.password)
    assert "logged in successfully" in argocd(tmp_path, *login)
    tree = argocd(tmp_path, "app", "get", "mlops", "--output", "tree")
    assert all(f"Pod/{pod}" in tree for pod in ready("api"))
    assert argocd(tmp_path, "app", "diff", "mlops") == ""
    assert "Succeeded" in argocd(tmp_path, "app", "sync", "mlops")
