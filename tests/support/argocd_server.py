"""Argo CD's server, through a port-forward, and its web UI."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page

from support.cluster import get, port_forward


@dataclass(frozen=True)
class Server:
    """Where Argo CD's server answers, and the password that it made at its first start."""

    port: int
    password: str

    def sign_in(self, page: Page, path: str) -> None:
        """Open a path of the web UI as admin; the page must ignore its certificate."""
        page.goto(f"https://127.0.0.1:{self.port}{path}")
        page.get_by_role("textbox").first.fill("admin")
        page.locator("input[type=password]").fill(self.password)
        page.get_by_role("button", name="Sign In").click()


@contextmanager
def forwarded() -> Iterator[Server]:
    """Make the server reachable until the block ends."""
    secret = get("secret", "argocd-initial-admin-secret", namespace="argocd")
    password = base64.b64decode(secret["data"]["password"]).decode()
    with port_forward("service/argocd-server", 443, "argocd") as port:
        yield Server(port, password)
