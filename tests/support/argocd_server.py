"""Argo CD's server, through a port-forward."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from support.cluster import get, port_forward


@dataclass(frozen=True)
class Server:
    """Where Argo CD's server answers, and the password that it made at its first start."""

    port: int
    password: str


@contextmanager
def forwarded() -> Iterator[Server]:
    """Make the server reachable until the block ends."""
    secret = get("secret", "argocd-initial-admin-secret", namespace="argocd")
    password = base64.b64decode(secret["data"]["password"]).decode()
    with port_forward("service/argocd-server", 443, "argocd") as port:
        yield Server(port, password)
