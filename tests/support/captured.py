"""Metrics of what needs a cluster, served again as it served them once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from support.paths import ROOT

ARGOCD = ROOT / "tests/monitoring/captured/argocd-3.5.7.txt"
"""Of an Application named mlops."""
ROLLOUTS = ROOT / "tests/monitoring/captured/argo-rollouts-1.10.2.txt"
"""Of a Rollout named api, while a release was judged; without what nobody reads."""


@contextmanager
def served(page: Callable[[], str]) -> Iterator[str]:
    """Serve what the function returns until the block ends; yield HOST:PORT."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
