"""Argo CD as people use it: by its CLI and in its web UI, through a port-forward."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from support.argocd_server import Server, forwarded
from support.browser import new_page
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


def test_the_ui_logs_in_and_shows_the_pods(server: Server) -> None:
    with new_page(ignore_https_errors=True) as page:
        server.sign_in(page, "/applications/argocd/mlops")
        for pod in ready("api"):
            expect(page.get_by_text(pod, exact=True).first).to_be_visible()
