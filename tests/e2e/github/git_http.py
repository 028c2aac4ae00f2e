"""A Git host's HTTP: anyone may read, who has a token may push, and pushes are reported.

Other questions than Git's are answered as JSON by a function.

`git http-backend` does the work as a CGI program. A repository is OWNER/NAME below the folder, with
or without .git at its end, as on GitHub.
"""

import base64
import binascii
import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

BACKEND = ("git", "http-backend")
PUSHED = "/pushed"
"""Where a repository's post-receive hook sends its input, `BEFORE AFTER REF` in each line."""

Pushed = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Question:
    """A request that is not Git's, or may be."""

    method: str
    path: str
    authorization: str
    body: bytes


Answers = Callable[[Question], tuple[int, Any] | None]
"""Returns status and content; None for what is Git's."""


def address_towards(host: str) -> str:
    """Return the local address from which a host is reached; nothing is sent."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect((host, 9))
        address: str = probe.getsockname()[0]
        return address


class GitServer(ThreadingHTTPServer):
    """Listens on all addresses from the start; `pushed` is called before the pusher hears of it."""

    daemon_threads = True

    def __init__(
        self, folder: Path, tokens: Collection[str], pushed: Pushed, answers: Answers
    ) -> None:
        super().__init__(("", 0), _Handler)
        self.folder, self.tokens, self.pushed, self.answers = folder, tokens, pushed, answers
        self._thread = Thread(target=self.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: GitServer

    def do_GET(self) -> None:
        self._ask(b"")

    def do_POST(self) -> None:
        body = self._body()
        if self.path != PUSHED:
            return self._ask(body)
        for line in body.decode().splitlines():
            self.server.pushed(*line.split(" ", 2))
        return self._answer(204, {}, b"")

    def _ask(self, body: bytes) -> None:
        authorization = self.headers.get("Authorization", "")
        answer = self.server.answers(Question(self.command, self.path, authorization, body))
        if answer is None:
            return self._git(body)
        status, content = answer
        return self._answer(status, {}, json.dumps(content).encode())

    def _body(self) -> bytes:
        # Git sends in chunks what does not fit into its buffer of a megabyte.
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _git(self, body: bytes) -> None:
        if "git-receive-pack" in self.path and not self._may_push():
            return self._answer(401, {"WWW-Authenticate": "Basic realm=git"}, b"")
        env = self._cgi(body)
        done = subprocess.run(BACKEND, input=body, env=env, capture_output=True, timeout=60)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split()[0])
        return self._answer(status, headers, answer)

    def _may_push(self) -> bool:
        kind, _, credentials = self.headers.get("Authorization", "").partition(" ")
        try:
            _user, _, token = base64.b64decode(credentials).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return kind.lower() == "basic" and token in self.server.tokens

    def _cgi(self, body: bytes) -> dict[str, str]:
        url = urlsplit(self.path)
        return os.environ | {
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "pusher",  # without one, git refuses every push
            "REMOTE_ADDR": self.client_address[0],
            "REQUEST_METHOD": self.command,
            "PATH_INFO": re.sub(r"^(/[^/]+/[^/]+?)(\.git)?(?=/|$)", r"\1.git", url.path),
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
