"""The canary as a process of its own."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from support.paths import LOADTESTER
from support.ports import free_port
from support.service import Samples, scrape
from support.stack import Deployment
from support.waiting import wait_until

COMMAND = (sys.executable, "canary.py")
Found = Callable[[], Samples]


@contextmanager
def canary(
    folder: Path, url: str, *options: str, rate: str = "50"
) -> Iterator[tuple[Deployment, Found]]:
    """Run the canary until the block ends; yield it and a way to scrape it."""
    port = str(free_port())
    command = (*COMMAND, "--url", url, "--rate", rate, "--metrics-port", port, *options)
    running = Deployment(command, LOADTESTER, folder / "canary.log")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as metrics:
        try:
            wait_until("a first row", lambda: "canary http" in running.log.read_text())
            yield running, lambda: scrape(metrics)
        finally:
            running.close()
