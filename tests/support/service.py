"""The real service as a process of its own, for tests and benchmarks to speak to."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from support.paths import API

COMMAND = (sys.executable, "-m", "app")
STARTS_WITHIN = 120
"""Seconds: on a busy machine scikit-learn alone takes half a minute to import."""
ENDS_WITHIN = 30
"""Seconds that a process gets to leave: the grace period of a pod."""


class Process:
    """A server process; what it logs is read all the time, or a full pipe would stop it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.lines: deque[str] = deque(maxlen=1000)
        self.port = 0
        self._listens = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self.lines.append(line)
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found and not self.port:
                self.port = int(found[1])
                self._listens.set()
        self._listens.set()

    @property
    def pid(self) -> int:
        """What /proc knows it by."""
        return self._process.pid

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def wait_until_it_listens(self) -> None:
        """Return when the port is open; raise with its last words if that never happens."""
        if not self._listens.wait(STARTS_WITHIN) or not self.port:
            raise RuntimeError(f"the server does not listen: {''.join(self.lines)}")

    def terminate(self) -> None:
        """Send SIGTERM, as Kubernetes does."""
        self._process.send_signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def exit_code(self) -> int:
        """Wait for the end of the process; return its exit code."""
        code = self._process.wait(ENDS_WITHIN)
        self._reader.join()
        return code

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stderr
        self._process.stderr.close()


def environment(**settings: object) -> dict[str, str]:
    """Return this process' environment with settings of the service, by their names there."""
    own = {f"SERVING_{name.upper()}": str(value) for name, value in settings.items()}
    return {**os.environ, **own}


@contextmanager
def serving(
    command: Sequence[str] = COMMAND, cwd: Path = API, **settings: object
) -> Iterator[Process]:
    """Run a server until the block ends."""
    process = Process(
        subprocess.Popen(
            command,
            cwd=cwd,
            env=environment(**{"port": 0, **settings}),
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    try:
        process.wait_until_it_listens()
        yield process
    finally:
        process.kill()


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: httpx.Client) -> Samples:
    """Return all samples of /metrics by name and labels."""
    return samples_in(client.get("/metrics").text)


def samples_in(text: str) -> Samples:
    """Return all samples of an answer of /metrics by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, /, **labels: str) -> float:
    """Return the sum of the samples of this name that have these labels."""
    wanted = labels.items()
    return sum(n for (found, own), n in samples.items() if found == name and wanted <= set(own))


def values(samples: Samples, name: str) -> list[float]:
    """Return all samples of this name."""
    return [n for (found, _), n in samples.items() if found == name]
