"""Alertmanager as `make run` starts it, with its times shortened, and somebody who is told."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import yaml

from loadtester.local import alertmanager
from support.ports import free_port
from support.site import serving
from support.stack import Deployment
from support.waiting import wait_until

GRAFANA_PORT = 3000
FASTER = 30
"""A page waits a third of a second and a ticket two; their ends come within one and ten."""
SECONDS = {"s": 1, "m": 60, "h": 3600}
FENCE = "Fence"
"""How an alert's name begins that is told when all those before it would have been."""

Labels = dict[str, str]
Change = Callable[[dict[str, Any]], None]
"""What a test changes in the configuration."""


@dataclass
class Post:
    """What somebody was sent."""

    path: str
    authorization: str
    body: Any


@dataclass
class Told:
    """Somebody who is told by HTTP."""

    port: int
    status: int = 200
    posts: list[Post] = field(default_factory=list)
    refused: int = 0
    """How many were answered with another status than 200; they are not in `posts`."""

    def messages(self) -> list[tuple[str, str, int]]:
        """Return status, alert and number of alerts of each message, but for the fence's."""
        found = [post.body for post in self.posts if post.path == "/alerts"]
        return [
            (body["status"], body["alert"], len(body["alerts"]))
            for body in found
            if not body["alert"].startswith(FENCE)
        ]

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """Return the alerts of this name, of all messages."""
        found = [post.body for post in self.posts if post.path == "/alerts"]
        return [alert for body in found if body["alert"] == name for alert in body["alerts"]]


@contextmanager
def told(port: int | None = None, host: str = "127.0.0.1") -> Iterator[Told]:
    """Listen until the block ends."""
    here = Told(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if here.status == 200:
                post = Post(self.path, self.headers.get("authorization", ""), body)
                here.posts.append(post)
            else:
                here.refused += 1
            self.send_response(here.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler, host, port or 0) as here.port:
        yield here


def shortened(duration: str) -> str:
    """Return a duration of the configuration, divided."""
    found = re.fullmatch(r"(\d+)([smh])", duration)
    assert found, duration
    return f"{int(found[1]) * SECONDS[found[2]] * 1000 // FASTER}ms"


def hurry(route: dict[str, Any]) -> None:
    """Shorten a route's times, and those of the routes below it; nothing is repeated."""
    for key in ("group_wait", "group_interval"):
        if key in route:
            route[key] = shortened(route[key])
    for below in route.get("routes", []):
        hurry(below)


class Alertmanager:
    """A running one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._fences = 0

    def fire(self, name: str, severity: str = "page", /, **labels: str) -> Labels:
        """Begin an alert; return its labels, which end it."""
        found = {"alertname": name, "severity": severity, **labels}
        self.tell(found)
        return found

    def tell(
        self, labels: Labels, annotations: Labels | None = None, *, ended: bool = False
    ) -> None:
        """Send an alert as Prometheus does."""
        given = annotations or {
            "summary": f"{labels['alertname']} fires", "description": "Because.",
            "dashboard": "api", "panel": "Latency", "runbook": "docs/runbook.md#canaryslow",
        }  # fmt: skip
        alert = {"labels": labels, "annotations": given}
        if ended:
            alert["endsAt"] = datetime.now(UTC).isoformat()  # type: ignore[assignment]
        httpx.post(f"{self._url}/api/v2/alerts", json=[alert]).raise_for_status()

    def end(self, labels: Labels) -> None:
        """End an alert."""
        self.tell(labels, ended=True)

    def fence(self, here: Told) -> None:
        """Wait until all that was begun before is told, and each page's end, or never will be."""
        self._fences += 1
        names = [f"{FENCE}{self._fences}{severity}" for severity in ("page", "ticket")]
        for name in names:  # the second one is told after longer than a page's end is
            self.fire(name, name.removeprefix(f"{FENCE}{self._fences}"))
        wait_until("the fences", lambda: all(here.alerts(name) for name in names))


@contextmanager
def alerting(folder: Path, port: int, change: Change | None = None) -> Iterator[Alertmanager]:
    """Run Alertmanager, which tells this port, until the block ends."""
    alertmanager.prepare(folder, GRAFANA_PORT, port)
    file = folder / "alertmanager.yaml"
    config = yaml.safe_load(file.read_text())
    hurry(config["route"])
    if change:
        change(config)
    file.write_text(yaml.safe_dump(config))
    program = shutil.which("alertmanager")
    assert program, "alertmanager is not on the PATH: make setup"
    url = f"http://127.0.0.1:{(own := free_port())}"
    command = (
        program, f"--config.file={file}", f"--storage.path={folder / 'data'}",
        "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{own}",
    )  # fmt: skip
    running = Deployment(command, folder, folder / "log")

    def ready() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/-/ready").status_code == 200
        return False

    try:
        wait_until("Alertmanager", ready)
        yield Alertmanager(url)
    finally:
        running.close()
