"""Measure the service beside what people would take instead: `make bench-peers`.

Each peer is installed into an environment of its own in .venv/peers, and serves the same pickled
pipeline the same row. Writes the table of docs/peers.md; what stands around it is written by hand.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import joblib
import psutil
from pandas import DataFrame

from app.card import PIPELINE_FILE
from app.features import ANSWER, CLASSES, HALF
from app.model import TOLERANCE
from bench.capacity import machine
from bench.markdown import fill, table
from bench.measure import CONNECTIONS, LOAD_CPU, Load, progress, require, wrk
from bench.peers.servers import CONTENDERS, MODEL, ROW, Contender, Server, surrounded
from support.environment import install, last_line
from support.paths import ROOT
from support.service import Process, environment
from support.waiting import wait_until

PAGE = ROOT / "docs/peers.md"
PLACES = ("machine", "peers")
"""What of the page is written here, in its order."""
ENVIRONMENTS = ROOT / ".venv/peers"
ROUNDS = 5
WARM_UP = 2


class Run:
    """A contender in this run: what clients saw of it in each round, or why they saw nothing."""

    def __init__(self, contender: Contender, folder: Path) -> None:
        self.name, self.version = contender.name, contender.version
        self.loads: list[Load] = []
        self.failure = ""
        self._contender = contender
        self._folder = folder
        self._server: Server | None = None

    def prepare(self) -> None:
        """Install it, and write what it needs into its folder."""
        self._folder.mkdir()
        with self._failing():
            lock = self._contender.lock
            progress(f"{self.name} {self.version}: {'installing' if lock else 'is here'}")
            python = install(lock, ENVIRONMENTS / lock.stem) if lock else Path(sys.executable)
            self._programs = python.parent
            self._server = self._contender.prepare(self._programs, self._folder)

    def measure(self, seconds: int) -> None:
        """Start it, and load it; not if it has failed before."""
        if self._server is None or self.failure:
            return
        with self._failing(), self._started(self._server) as process:
            answers_rightly(self._server, process)
            path, body = self._server.path, self._server.body
            wrk(process, CONNECTIONS, WARM_UP, path, body)
            self.loads.append(wrk(process, CONNECTIONS, seconds, path, body))
            progress(f"{self.name}: {self.loads[-1].rate:,.0f}")

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, subprocess.CalledProcessError) as error:
            self.failure = last_line(str(error))
            progress(f"{self.name}: {error}")

    @contextmanager
    def _started(self, server: Server) -> Iterator[Process]:
        process = Process(
            subprocess.Popen(
                surrounded(self._programs, server.command),
                cwd=self._folder,
                env=environment(port=0, model_dir=MODEL),
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        try:
            process.wait_until_it_listens()
            process.port = server.port or process.port
            yield process
        finally:
            end_all_in(self._folder)
            process.kill()


def end_all_in(folder: Path) -> None:
    """End a server and its workers, which may outlive it, share the core, and hold its pipe."""
    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(folder):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def answers_rightly(server: Server, process: Process) -> None:
    """Raise RuntimeError unless a server says of the row what the pipeline itself does."""
    url, headers = f"{process.url}{server.path}", {"content-type": "application/json"}
    answers: deque[httpx.Response] = deque(maxlen=1)

    def is_answered() -> bool:
        # Some listen before they can answer.
        with suppress(httpx.TransportError):
            answers.append(httpx.post(url, content=server.body, headers=headers, timeout=30))
        return bool(answers) and answers[0].status_code == 200

    with suppress(TimeoutError):
        wait_until(server.path, is_answered)
    if not answers or answers[0].status_code != 200:
        raise RuntimeError(f"{server.path} never answers with 200: {[a.text for a in answers]}")
    if server.outcome and not is_right(server.outcome(answers[0].json())):
        raise RuntimeError(f"{server.path} answers wrongly: {answers[0].text}")


def is_right(outcome: Any) -> bool:
    """Tell whether this is what the pipeline says of the row."""
    expected = joblib.load(MODEL / PIPELINE_FILE).predict(DataFrame([ROW]))[0]
    if CLASSES:
        return bool(outcome == expected)
    return bool(abs(outcome - expected) <= max(TOLERANCE, HALF * ANSWER.is_whole))


def peers_table(runs: list[Run]) -> str:
    """Return a row for each: medians of all rounds, and of the ratios within each round."""
    bare = runs[0]
    if bare.failure:
        raise RuntimeError(f"{bare.name}: {bare.failure}")
    columns = {"server": "", "version": "", "requests/s": ">", "p50 ms": ">", "p99 ms": ">"}
    return table({**columns, "to bare uvicorn": ">"}, [_row(run, bare) for run in runs])


def _row(run: Run, bare: Run) -> tuple[str, ...]:
    if run.failure:
        return (run.name, run.version, f"none: {run.failure}", "", "", "")
    rate, p50, p99 = map(median, zip(*run.loads, strict=True))
    ratio = median(own.rate / other.rate for own, other in zip(run.loads, bare.loads, strict=True))
    return (run.name, run.version, f"{rate:,.0f}", f"{p50:,.2f}", f"{p99:,.2f}", f"{ratio:.3f}")


def main() -> None:
    """Install, measure, then write."""
    parser = argparse.ArgumentParser(description="Measure peers; write docs/peers.md.")
    parser.add_argument("--seconds", type=int, default=5, help="of each round (%(default)s)")
    seconds = parser.parse_args().seconds
    require("wrk", "taskset")
    with tempfile.TemporaryDirectory() as folder:
        runs = [Run(c, Path(folder).resolve() / f"{n}") for n, c in enumerate(CONTENDERS)]
        for run in runs:
            run.prepare()
        before = machine()
        os.sched_setaffinity(0, {LOAD_CPU})
        for _ in range(ROUNDS):
            for run in runs:
                run.measure(seconds)
    blocks = (
        f"{before}; medians of {ROUNDS} rounds of {seconds} s, all servers in each.\n",
        peers_table(runs),
    )
    PAGE.write_text(fill(PAGE.read_text(), dict(zip(PLACES, blocks, strict=True))))
    print("\n".join(blocks))


if __name__ == "__main__":
    main()
