"""A load that does not slow down when the server does: what many users ask, whoever waits.

A closed loop asks a slow server for less, and never sees how long all others would have waited.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import uvloop

from bench.closed_loop import Connection, Latencies, arrays, connect

Meter = Callable[[], float]

TICK = 0.001
"""Seconds; uvloop's timers know no shorter time."""
WARM_UP = 0.5
"""Seconds of the same load that do not count: the server accepts the connections meanwhile."""


class Run(NamedTuple):
    """What came of a load; requests without an answer at its end are among `wanted` alone."""

    wanted: int
    seen: Latencies
    metered: float
    """By how much the meter grew."""


class _Crowd:
    """Those who ask, by the connections that they share."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)
        self._free: deque[Connection] = deque()
        self._late: deque[float] = deque()

    def is_free(self, connection: Connection) -> None:
        """Give a connection to whoever has waited longest."""
        if self._late:
            connection.ask(self._late.popleft())
        else:
            self._free.append(connection)

    async def ask(self, rate: float, seconds: float) -> int:
        """Ask at random moments; return how often."""
        wanted, now = 0, time.perf_counter()
        end = now + seconds
        while now < end:
            await asyncio.sleep(TICK)
            last, now = now, time.perf_counter()
            due = int(self._random.poisson(rate * (now - last)))
            wanted += due
            for _ in range(due):
                if self._free:
                    self._free.popleft().ask(now)
                else:
                    self._late.append(now)
        return wanted


async def _run(
    port: int, request: bytes, rate: float, connections: int, seconds: float, meter: Meter
) -> Run:
    crowd = _Crowd()
    opened, seen = await connect(port, request, connections, crowd.is_free)
    await crowd.ask(rate, WARM_UP)
    seen.clear()
    before = meter()
    wanted = await crowd.ask(rate, seconds)
    run = Run(wanted, arrays(seen), meter() - before)
    for connection in opened:
        connection.close()
    return run


def load(
    port: int, request: bytes, rate: float, connections: int, seconds: float, meter: Meter
) -> Run:
    """Ask `rate` times a second on average.

    With no free connection a request waits for one, and that counts as part of its latency.
    """
    return uvloop.run(_run(port, request, rate, connections, seconds, meter))
