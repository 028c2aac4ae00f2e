"""What can be had of Grafana without its image: it reads the provisioning and draws nothing.

It refuses to start where a file is missing or malformed, and answers /api/health and /api/search.
"""

import http.server
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

PROVISIONING = Path(os.environ.get("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning"))
DATA = Path(os.environ.get("GF_PATHS_DATA", "/var/lib/grafana"))
PORT = int(os.environ.get("GF_SERVER_HTTP_PORT", "3000"))


def provisioned(kind: str, entries: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of all files of a kind."""
    for file in PROVISIONING.glob(f"{kind}/*.y*ml"):
        yield from yaml.safe_load(file.read_text())[entries]


def dashboards() -> Iterator[dict[str, Any]]:
    """Yield each dashboard of the provided folders."""
    for provider in provisioned("dashboards", "providers"):
        for file in sorted(Path(provider["options"]["path"]).rglob("*.json")):
            yield json.loads(file.read_text())


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers from what was read at the start."""

    answers: dict[str, Any]

    def do_GET(self) -> None:
        """Answer by the path alone."""
        answer = self.answers.get(self.path.split("?")[0])
        body = json.dumps({"message": "Not found"} if answer is None else answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Read everything, then serve."""
    found = [{"uid": one["uid"], "title": one["title"]} for one in dashboards()]
    if not found or not list(provisioned("datasources", "datasources")):
        sys.exit(f"nothing provisioned under {PROVISIONING}")
    (DATA / "grafana.db").write_bytes(b"")  # the folder must be writable
    Handler.answers = {"/api/health": {"database": "ok"}, "/api/search": found}
    http.server.ThreadingHTTPServer(("", PORT), Handler).serve_forever()


main()
