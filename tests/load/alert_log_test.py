"""Who prints alerts: what it prints is one message, and nothing that it is sent ends it."""

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.paths import LOADTESTER
from support.ports import free_port
from support.stack import Deployment
from support.waiting import wait_until

ALERT = {
    "status": "firing", "summary": "It burns", "why": "Fire", "panel": "http://g/d/a?viewPanel=1",
    "dashboard": "http://g/d/a", "runbook": "docs/runbook.md#apidown",
}  # fmt: skip
MESSAGE = {"severity": "page", "alert": "ApiDown", "alerts": [ALERT]}
STATUS = {"state": "failure", "context": "progressive-delivery", "description": "worse"}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Log:
    """A running one."""

    def __init__(self, running: Deployment, port: int) -> None:
        self._running, self.port = running, port
        self.url = f"http://127.0.0.1:{port}"

    def printed(self) -> str:
        """Return what it printed until now."""
        return self._running.log.read_text()

    def answers(self) -> bool:
        """Tell whether the probe is answered."""
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    port = free_port()
    command = (sys.executable, "alert_log.py", "--port", str(port))
    running = Deployment(command, LOADTESTER, tmp_path / "log")
    try:
        here = Log(running, port)
        wait_until("the probe", here.answers)
        yield here
        assert here.answers()
        assert "Traceback" not in here.printed()
    finally:
        assert running.close() == 0


def test_begin_and_end_of_several_are_printed_with_where_to_look(log: Log) -> None:
    alerts = [ALERT, ALERT | {"status": "resolved", "summary": "It burnt"}]
    assert httpx.post(f"{log.url}/alerts", json=MESSAGE | {"alerts": alerts}).status_code == 200
    first, *rest = log.printed().splitlines()
    assert first.endswith(" alert-log page ApiDown: It burns")
    below = [
        "    why:       Fire", "    panel:     http://g/d/a?viewPanel=1",
        "    dashboard: http://g/d/a", "    runbook:   docs/runbook.md#apidown",
    ]  # fmt: skip
    assert rest == [*below, "ended: page ApiDown: It burnt", *below]


def test_a_text_stays_one_line_and_moves_no_cursor(log: Log) -> None:
    alert = ALERT | {"summary": "It\nburns \x1b[2J\r\u202egone"}
    httpx.post(f"{log.url}/alerts", json=MESSAGE | {"alerts": [alert]})
    assert log.printed().splitlines()[0].endswith("page ApiDown: It burns [2J gone")


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("alerts", MESSAGE | {"alerts": []}, "alerts is no list of them: []"),
        ("alerts", [], "alerts is no list of them: null"),
        ("alerts", MESSAGE | {"severity": 1}, "severity is no text: 1"),
        ("alerts", MESSAGE | {"alerts": [None]}, "status is no text: null"),
        ("alerts", MESSAGE | {"alerts": [{"status": "firing"}]}, "summary is no text: null"),
        (f"statuses/{COMMIT}", {"state": "failure"}, "context is no text: null"),
    ],
)
def test_what_is_no_message_is_refused_by_the_name_of_what_is_missing(
    log: Log, path: str, body: Any, reason: str
) -> None:
    answer = httpx.post(f"{log.url}/{path}", json=body)
    assert (answer.status_code, answer.text) == (400, f"{reason}\n")
    assert log.printed().endswith(f"/{path} takes no such message: {reason}\n")


def test_a_mark_is_printed_with_its_commit(log: Log) -> None:
    assert httpx.post(f"{log.url}/statuses/{COMMIT}", json=STATUS).status_code == 200
    said = "commit 0123456789ab would be marked on GitHub: progressive-delivery failure: worse\n"
    assert log.printed().endswith(said)


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("other", {}, json.dumps(MESSAGE), 404),
        ("statuses/", {}, json.dumps(STATUS), 404),
        ("alerts", {}, "{", 400),
        ("alerts", {}, "\xff", 400),
        ("alerts", {"content-length": "1000001"}, "", 413),
        ("alerts", {"content-length": "-1"}, "", 411),
    ],
)
def test_other_requests_get_a_status_that_says_why(
    log: Log, path: str, headers: dict[str, str], body: str, status: int
) -> None:
    sent = {"host": "here", "content-length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection(("127.0.0.1", log.port), timeout=10) as client:
        client.sendall(f"POST /{path} HTTP/1.1\r\n{head}\r\n{body}".encode("latin-1"))
        assert client.recv(100).split()[1] == str(status).encode()


def test_who_leaves_in_the_middle_is_not_waited_for(log: Log) -> None:
    with socket.create_connection(("127.0.0.1", log.port)) as client:
        client.sendall(b"POST /alerts HTTP/1.1\r\ncontent-length: 100\r\n\r\n{")
    httpx.post(f"{log.url}/alerts", json=MESSAGE)
    wait_until("a message", lambda: "It burns" in log.printed())
