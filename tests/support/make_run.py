"""`make run` in a copy of this repository, on ports of its own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from loadtester.local.ports import PORTS
from support.fork import Fork
from support.ports import free_port


@dataclass
class MakeRun:
    """What `make run` has started, and what it printed."""

    make: "subprocess.Popen[bytes]"
    ports: dict[str, int]
    """Where each port is, by the variable that moves it."""
    log: Path

    def url(self, variable: str, path: str = "") -> str:
        """Return an address by the variable of its port."""
        return f"http://127.0.0.1:{self.ports[variable]}/{path}"

    def printed(self) -> str:
        """Return all that was printed until now."""
        return self.log.read_text()

    def processes(self) -> dict[str, psutil.Process]:
        """Return what runs by what its command line is known by."""
        names = {
            "start": "loadtester.local", "api": "app", "locust": "locust.py", "canary": "canary.py",
        }  # fmt: skip
        found = psutil.Process(self.make.pid).children(recursive=True)
        return {
            name: process
            for process in reversed(found)  # a parent wins: its forks have its command line
            for name, word in names.items()
            if word in process.cmdline()
        }

    def end(self) -> int:
        """End all as Ctrl-C does, but for make, which would end by the signal; return its code."""
        self.processes()["start"].send_signal(signal.SIGINT)
        return self.make.wait(30)


@contextmanager
def made_to_run(fork: Fork, log: Path, **variables: str) -> Iterator[MakeRun]:
    """Run `make run` until the block ends."""
    command = ("make", "run")
    ports = {port.variable: free_port() for port in PORTS}
    variables |= {variable: str(number) for variable, number in ports.items()}
    with log.open("w") as output:
        make = subprocess.Popen(
            command, cwd=fork.folder, env=fork.environment(**variables), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield MakeRun(make, ports, log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(make.pid, signal.SIGINT)
        make.wait(30)
