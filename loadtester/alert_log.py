"""Prints what Alertmanager tells: who, what, why, and where to look.

POST /alerts takes the message that manifest/components/alerting/messages.tmpl writes, and
POST /statuses/COMMIT what GitHub would get. Ends on SIGTERM or SIGINT.
"""

import argparse
import json
import logging
import os
import re
import signal
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STATUS = re.compile(r"/statuses/([0-9a-f]{40})")
LINES = ("why", "panel", "dashboard", "runbook")
"""What is printed of an alert below its first line."""
LARGEST = 1_000_000
"""Bytes. Hundreds of alerts in one message are less."""

log = logging.getLogger("alert-log")


class NoMessage(ValueError):
    """The body is not what this path takes; the text says why."""


def text(found: object, key: str) -> str:
    """Return a text of a JSON object in one line, without what moves a terminal's cursor.

    Raises NoMessage that names the key.
    """
    value = found.get(key) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise NoMessage(f"{key} is no text: {json.dumps(value)[:100]}")
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


def alerts(message: Any) -> str:
    """Return a message's alerts in lines.

    Raises NoMessage that names what is missing.
    """
    found = message.get("alerts") if isinstance(message, dict) else None
    if not isinstance(found, list) or not found:
        raise NoMessage(f"alerts is no list of them: {json.dumps(found)[:100]}")
    severity, name = text(message, "severity"), text(message, "alert")
    lines = []
    for alert in found:
        ended = "ended: " if text(alert, "status") == "resolved" else ""
        lines.append(f"{ended}{severity} {name}: {text(alert, 'summary')}")
        lines += [f"    {key + ':':<11}{text(alert, key)}" for key in LINES]
    return "\n".join(lines)


def status(commit: str, message: Any) -> str:
    """Return in a line how a commit would be marked.

    Raises NoMessage that names what is missing.
    """
    state, context = text(message, "state"), text(message, "context")
    what = text(message, "description")
    return f"commit {commit[:12]} would be marked on GitHub: {context} {state}: {what}"


class Handler(BaseHTTPRequestHandler):
    """Answers Alertmanager, and the probe."""

    timeout = 10  # seconds for somebody who sends nothing

    def handle(self) -> None:
        """Answer one connection, which the other side may break."""
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        """Answer the probe."""
        self._answer(HTTPStatus.OK if self.path == "/healthz" else HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Print a message, or say why not."""
        length = self.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,9}", length, re.ASCII):
            return self._answer(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > LARGEST:
            return self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            message = json.loads(self.rfile.read(int(length)))
            if self.path == "/alerts":
                log.info(alerts(message))
            elif commit := STATUS.fullmatch(self.path):
                log.info(status(commit[1], message))
            else:
                return self._answer(HTTPStatus.NOT_FOUND)
        except (RecursionError, ValueError) as error:
            log.warning("%s takes no such message: %s", self.path, error)
            return self._answer(HTTPStatus.BAD_REQUEST, str(error))
        return self._answer(HTTPStatus.OK)

    def _answer(self, code: HTTPStatus, reason: str = "") -> None:
        body = f"{reason or code.phrase}\n".encode()
        self.close_connection = True  # a body that was not read would be the next request
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print no line a request: the probe asks every ten seconds."""


def options() -> argparse.Namespace:
    """Read the command line; the environment gives the default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--port", type=int, default=os.environ.get("ALERT_LOG_PORT", "9648"),
        help="ALERT_LOG_PORT; %(default)s",
    )  # fmt: skip
    return parser.parse_args()


def main() -> None:
    """Print messages until told to end."""
    asked = options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ThreadingHTTPServer(("", asked.port), Handler) as server, suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
