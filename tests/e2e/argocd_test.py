"""Argo CD as people use it: by its CLI and in its web UI, through a port-forward."""

import base64
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser import new_page
from cluster import Application, get, port_forward, ready


@dataclass(frozen=True)
class Server:
    """Where Argo CD's server answers, and the password that it made at its first start."""

    port: int
    password: str


@pytest.fixture
def server(application: Application) -> Iterator[Server]:
    assert application.health() == "Healthy"
    secret = get("secret", "argocd-initial-admin-secret", namespace="argocd")
    password = base64.b64decode(secret["data"]["password"]).decode()
    with port_forward("service/argocd-server", 443, "argocd") as port:
        yield Server(port, password)


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
        page.goto(f"https://127.0.0.1:{server.port}/applications/argocd/mlops")
        page.get_by_role("textbox").first.fill("admin")
        page.locator("input[type=password]").fill(server.password)
        page.get_by_role("button", name="Sign In").click()
        for pod in ready("api"):
            expect(page.get_by_text(pod, exact=True).first).to_be_visible()
