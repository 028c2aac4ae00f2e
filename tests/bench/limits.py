"""A pod as the kernel limits it: microseconds of CPU in each tenth of a second, on any core.

Elsewhere a pod is a process that has one core for itself, which takes no rights and disturbs less.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median

from bench import loads, pod
from bench.markdown import table
from bench.measure import ROUNDS, pinned
from support.paths import API
from support.service import COMMAND, Process, serving

PERIOD = 100_000
"""Microseconds; the kubelet's own, unless its `cpuCFSQuotaPeriod` says another."""
V1, V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
INTO = (
    "taskset",
    "-c",
    f"0-{(os.cpu_count() or 1) - 1}",
    "sh",
    "-c",
    'echo $$ > "$0/cgroup.procs" && exec "$@"',
)
"""Runs a command on any core, in the cgroup that is named before it."""


@contextmanager
def limited_to(cores: float) -> Iterator[Path]:
    """Make a cgroup for the block, as a kubelet does for a container. Raises OSError."""
    folder = (V1 if V1.exists() else V2) / f"bench-{os.getpid()}"
    folder.mkdir()
    try:
        quota = round(cores * PERIOD)
        if (folder / "cpu.max").exists():
            (folder / "cpu.max").write_text(f"{quota} {PERIOD}")
        else:
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD))
            (folder / "cpu.cfs_quota_us").write_text(str(quota))
        yield folder
    finally:
        folder.rmdir()


def throttled(folder: Path) -> tuple[int, int]:
    """Return how many periods a cgroup has seen, and in how many of them it was stopped."""
    words = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
    return int(words["nr_periods"]), int(words["nr_throttled"])


def limits_table(points: Sequence[loads.Point], seconds: int) -> str:
    """Return a row for each way to give a pod its core, under half the load that it can take."""
    rate, cores = max(point.answered for point in points) / 2, pod.cores()
    try:
        with limited_to(cores) as folder:
            alone = _rounds(pinned(COMMAND, **pod.settings()), rate, seconds)
            command = (*INTO, str(folder), *COMMAND)
            limited = _rounds(serving(command, API, **pod.settings()), rate, seconds)
            periods, times = throttled(folder)
    except PermissionError as error:
        return f"Not measured: {error}; it takes root.\n"
    columns = {
        "the pod has": "", "offered requests/s": ",.0f", "p50 ms": ",.2f", "p95 ms": ",.2f",
        "p99 ms": ",.2f", "stopped in tenths of a second": ">",
    }  # fmt: skip
    rows = [
        ("alone on one core", *alone, ""),
        (f"{cores:g} of {os.cpu_count()} cores by the kernel", *limited, f"{times} of {periods}"),
    ]
    return table(columns, rows)


def _rounds(
    running: AbstractContextManager[Process], rate: float, seconds: int
) -> tuple[float, ...]:
    """Return the load, and p50, p95 and p99 under it."""
    with running as server:
        points = [loads.point(server, rate, seconds) for _ in range(ROUNDS)]
    return tuple(map(median, zip(*((p.offered, p.p50, p.p95, p.p99) for p in points), strict=True)))
