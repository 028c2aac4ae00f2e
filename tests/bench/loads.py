"""What a pod answers, and what that costs it, the more it is asked."""

import time
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from bench import open_loop, pod
from bench.markdown import table
from bench.measure import (
    BODY,
    CONNECTIONS,
    ROUNDS,
    cpu_seconds,
    pinned,
    progress,
    resident_megabytes,
    wrk,
)
from bench.picture import Panel, picture
from support.raw import post
from support.service import COMMAND, Process

SHARES = (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1, 1.2)
"""Of the most that a closed loop gets."""
USERS = 300
"""Connections of the open loop; with no more than a pod lets wait, it could refuse nobody."""


class Point(NamedTuple):
    """A pod under one load: requests a second, milliseconds, megabytes."""

    offered: float
    answered: float
    refused: float
    """A share of what was offered."""
    p50: float
    p95: float
    p99: float
    cores: float
    memory: float
    load_cores: float
    """What the load itself took of the other core; near 1 its latencies are its own."""


def measure(seconds: int) -> list[Point]:
    """Return a point for each load: the medians of some rounds."""
    with pinned(COMMAND, **pod.settings()) as server:
        wrk(server, CONNECTIONS, 1)
        most = median(wrk(server, CONNECTIONS, seconds).rate for _ in range(ROUNDS))
        rounds = [[point(server, s * most, seconds) for s in SHARES] for _ in range(ROUNDS)]
    return [Point(*map(median, zip(*same, strict=True))) for same in zip(*rounds, strict=True)]


def point(server: Process, rate: float, seconds: int) -> Point:
    """Return what a pod does under a load."""
    request, began = post("/predict", BODY.encode()), time.process_time()
    run = open_loop.load(
        server.port, request, rate, USERS, seconds, meter=lambda: cpu_seconds(server)
    )
    load_cores = (time.process_time() - began) / (seconds + open_loop.WARM_UP)
    if 200 not in run.seen:
        raise RuntimeError(f"{rate:,.0f} requests/s: none answered in {seconds} s; a busy machine?")
    answered = run.seen[200]
    p50, p95, p99 = np.quantile(answered, (0.5, 0.95, 0.99)) * 1000
    progress(f"{rate:,.0f} requests/s: {len(answered) / seconds:,.0f} answered, p99 {p99:.1f} ms")
    return Point(
        run.wanted / seconds,
        len(answered) / seconds,
        len(run.seen.get(503, ())) / run.wanted,
        p50,
        p95,
        p99,
        run.metered / seconds,
        resident_megabytes(server),
        load_cores,
    )


def loads_table(points: Sequence[Point]) -> str:
    """Return a row for each load."""
    columns = {
        "offered requests/s": ",.0f", "answered": ",.0f", "refused": ".1%",
        "p50 ms": ",.2f", "p95 ms": ",.2f", "p99 ms": ",.2f",
        "CPU m": ",.0f", "m per 100 requests/s": ".1f", "memory MB": ".0f",
    }  # fmt: skip
    rows = [(*p[:6], p.cores * 1e3, p.cores / p.answered * 1e5, p.memory) for p in points]
    return table(columns, rows)


def pods_table(points: Sequence[Point]) -> str:
    """Return what some pods answer: with the cores that the autoscaler aims at, and at most."""
    scaler, goal = pod.autoscaler(), pod.objective()
    at_aim = _answered_with(scaler.cores, points)
    good = (p for p in points if p.p99 <= goal.seconds * 1e3 and p.refused <= goal.budget)
    at_most = max((p.answered for p in good), default=0)
    columns = {
        "pods": "d",
        f"requests/s at {scaler.cores * 1e3:.0f}m each": ",.0f",
        f"at most, with a p99 within {goal.seconds * 1e3:.0f} ms "
        f"and {goal.budget:.1%} refused": ",.0f",
    }
    return table(columns, [(n, n * at_aim, n * at_most) for n in range(1, scaler.most + 1)])


def _answered_with(aim: float, points: Sequence[Point]) -> float:
    """Return the requests a second between two points. Raises RuntimeError beyond all of them."""
    cores, answered = zip(*sorted((p.cores, p.answered) for p in points), strict=True)
    if not cores[0] <= aim <= cores[-1]:
        raise RuntimeError(
            f"the pod used {cores[0]:.2f} to {cores[-1]:.2f} cores, never {aim:.2f}; "
            "a busy machine?"
        )
    return float(np.interp(aim, cores, answered))


def draw(points: Sequence[Point]) -> str:
    """Return CPU and p99 against load as SVG."""
    return picture(
        "requests/s offered",
        points[-1].offered,
        Panel(
            "CPU in m (dashed: the autoscaler's aim)",
            [(p.offered, p.cores * 1e3) for p in points],
            (0, 250, 500, 750, 1000),
            pod.autoscaler().cores * 1e3,
        ),
        Panel(
            "p99 in ms (dashed: the objective)",
            [(p.offered, p.p99) for p in points],
            (0.1, 1, 10, 100, 1000, 10_000),
            pod.objective().seconds * 1e3,
            logarithmic=True,
        ),
    )
