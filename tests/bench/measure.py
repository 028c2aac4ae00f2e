"""One measurement each, in the units that the tables print."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx

from app import schemas
from support.paths import API
from support.service import COMMAND, Process, serving

HERE = Path(__file__).parent
SERVER_CPU, LOAD_CPU = sorted(os.sched_getaffinity(0))[:2]
"""The load must not take the server's core."""

CONNECTIONS = 32
ROUNDS = 3

BODY = schemas.Row.model_validate(schemas.EXAMPLE).model_dump_json()


class Load(NamedTuple):
    """What a client saw of a server: requests a second, latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def require(*programs: str) -> None:
    """Leave with a word on what to install unless all are on the PATH."""
    for program in programs:
        if shutil.which(program) is None:
            sys.exit(f"{program} not found: apt-get install wrk util-linux")


def progress(words: str) -> None:
    """Tell whoever waits, beside the tables."""
    print(f"  {words}", file=sys.stderr, flush=True)


def pinned(command: Sequence[str] = COMMAND, **settings: object) -> AbstractContextManager[Process]:
    """Run a server on the core that is its own."""
    return serving(("taskset", "-c", str(SERVER_CPU), *command), API, **settings)


def uvicorn(name: str) -> tuple[str, ...]:
    """Return the command of one of servers.py, with stock flags but no log line a request."""
    stock = ("-m", "uvicorn", "--factory", "--port", "0", "--no-access-log")
    return (sys.executable, *stock, f"bench.servers:{name}")


@contextmanager
def scraped(server: Process) -> Iterator[None]:
    """Ask for /metrics every five seconds, as Prometheus does, until the block ends."""
    ended = threading.Event()

    def scrape() -> None:
        while not ended.wait(5):
            httpx.get(f"{server.url}/metrics")

    scraper = threading.Thread(target=scrape)
    scraper.start()
    try:
        yield
    finally:
        ended.set()
        scraper.join()


def wrk(
    server: Process, connections: int, seconds: int, path: str = "/predict", body: str = BODY
) -> Load:
    """Load a route. Raises RuntimeError if any request was not answered with 200."""
    done = subprocess.run(
        (
            *("taskset", "-c", str(LOAD_CPU)),
            *("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "wrk.lua")),
            *("--timeout", "30s"),  # a slow answer is no error: its time is in the p99
            f"{server.url}{path}",
        ),
        env={**os.environ, "BODY": body},
        capture_output=True,
        text=True,
        check=True,
    )
    requests, micros, errors, p50, p99 = map(int, done.stdout.splitlines()[-1].split())
    if errors or not requests:
        raise RuntimeError(f"{done.stdout}wrk: {errors} errors in {requests} requests")
    return Load(requests / micros * 1e6, p50 / 1000, p99 / 1000)


def milliseconds(job: Callable[[], object], times: int) -> float:
    """Return the median duration of a call, after one that does not count."""
    job()
    durations = []
    for _ in range(times):
        started = time.perf_counter()
        job()
        durations.append(time.perf_counter() - started)
    return median(durations) * 1000


def milliseconds_to_ready(**settings: object) -> float:
    """Return the time from the start of the process until /readyz answers 200."""

    def start() -> None:
        with pinned(COMMAND, **settings) as server:
            httpx.get(f"{server.url}/readyz").raise_for_status()

    return milliseconds(start, 5)


def cpu_seconds(server: Process) -> float:
    """Return how long all threads of a server have used a core; it is counted in hundredths."""
    stat = Path(f"/proc/{server.pid}/stat").read_text()
    user, system = stat.rpartition(") ")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(server: Process, field: str = "VmRSS") -> float:
    """Return the memory that a server holds, or with VmHWM the most that it ever held."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    kibibytes = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(kibibytes.split()[1]) * 1024 / 1e6


def runtime_megabytes() -> float:
    """Install what the image holds into a folder; return the size of its files."""
    # This environment's pip: the system's may complain about packages that it finds there.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            (API / "install_runtime.sh", API / "requirements.txt", folder),
            env={**os.environ, "PATH": path},
            check=True,
        )
        return sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file()) / 1e6
