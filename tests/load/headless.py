"""Locust without its UI, as a process of its own: importing it here would patch this one."""

import json
import subprocess
from pathlib import Path

from support.paths import LOADTESTER
from support.ports import free_port
from support.stack import LOCUST

HURRY = """import locust
@locust.events.init.add_listener
def hurry(environment, **_):
    environment.user_classes[0].wait_time = locust.constant(0)
"""
"""A second locustfile: takes the users' pauses away."""
ENOUGH = """
from itertools import count
sent = count(1)
@locust.events.init.add_listener
def leave(environment, **_):
    def enough(**_):
        if next(sent) == {requests}:
            environment.runner.quit()
    environment.events.request.add_listener(enough)
"""
"""Behind it: ends the run after some requests, however slow the machine is."""


class Run:
    """A headless run of one user for two seconds, unless the options say otherwise."""

    def __init__(self, folder: Path, url: str, *options: str, extra: str = HURRY) -> None:
        self.port = free_port()
        (folder / "extra.py").write_text(extra)
        files = f"locust.py,{folder / 'extra.py'}"
        command = (
            *(LOCUST[0], "-f", files, "--headless", "--json", "--host", url, "--run-time", "2s"),
            *("--metrics-port", str(self.port), "--max-p95-ms", "10000", *options),
        )
        with (folder / "log").open("w") as log, (folder / "json").open("w") as stats:
            self.process = subprocess.Popen(
                command, cwd=LOADTESTER, stdin=subprocess.DEVNULL, stdout=stats, stderr=log
            )
        self._folder = folder

    def end(self) -> "Run":
        """Wait for the end; keep exit code, log, and Locust's own statistics by name."""
        self.code = self.process.wait(60)
        self.log = (self._folder / "log").read_text()
        stats = (self._folder / "json").read_text()
        self.stats = {entry["name"]: entry for entry in json.loads(stats or "[]")}
        return self

    def total(self, count: str) -> int:
        """Return the sum of a statistic over all names."""
        return sum(entry[count] for entry in self.stats.values())
