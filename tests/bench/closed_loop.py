"""A load of N connections that each ask again the moment they are answered.

wrk does not tell the latency of answers apart by status; this does.
"""

import asyncio
import time
from collections import defaultdict

import numpy as np
import uvloop
from numpy.typing import NDArray

Latencies = dict[int, NDArray[np.float64]]


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, seen: dict[int, list[float]]) -> None:
        self._request = request
        self._seen = seen
        self._running = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._answer = b""
        self._asked = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if len(body) < int(length):
            return
        self._seen[int(head[9:12])].append(time.perf_counter() - self._asked)
        if self._running:
            self._ask()

    def stop(self) -> None:
        self._running = False
        self._transport.close()


async def _run(port: int, request: bytes, connections: int, seconds: float) -> Latencies:
    seen: dict[int, list[float]] = defaultdict(list)
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: _Connection(request, seen), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    for _, connection in opened:
        connection.stop()
    return {status: np.array(values) for status, values in seen.items()}


def load(port: int, request: bytes, connections: int, seconds: float) -> Latencies:
    """Return the seconds that each answer took, by status."""
    return uvloop.run(_run(port, request, connections, seconds))
