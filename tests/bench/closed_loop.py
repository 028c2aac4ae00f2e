"""A load of N connections that each ask again the moment they are answered.

wrk does not tell the latency of answers apart by status; this does.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import uvloop
from numpy.typing import NDArray

Latencies = dict[int, NDArray[np.float64]]
Seen = dict[int, list[float]]


class Connection(asyncio.Protocol):
    """Sends one request at a time; notes by status how long each took to be answered."""

    def __init__(
        self, request: bytes, seen: Seen, is_free: Callable[["Connection"], object]
    ) -> None:
        self._request = request
        self._seen = seen
        self._is_free = is_free

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Tell that a request may be sent."""
        self._transport = transport
        self._is_free(self)

    def ask(self, asked: float) -> None:
        """Send the request; `asked` is when somebody wanted it sent, by time.perf_counter."""
        self._answer = bytearray()
        self._length = 0
        self._asked = asked
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note the time if the answer is whole, and tell that another may be sent."""
        self._answer += data
        if not self._length:
            head, found, _ = self._answer.partition(b"\r\n\r\n")
            if not found:
                return
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            self._length = len(head) + len(found) + int(length)
        if len(self._answer) >= self._length:
            self._seen[int(self._answer[9:12])].append(time.perf_counter() - self._asked)
            self._is_free(self)

    def close(self) -> None:
        """Leave without waiting for an answer."""
        self._transport.close()


async def connect(
    port: int, request: bytes, connections: int, is_free: Callable[[Connection], object]
) -> tuple[list[Connection], Seen]:
    """Return open connections, and what they will note of their answers."""
    seen: Seen = defaultdict(list)
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: Connection(request, seen, is_free), "127.0.0.1", port)
        for _ in range(connections)
    ]
    return [connection for _, connection in opened], seen


def arrays(seen: Seen) -> Latencies:
    """Return what was noted as arrays."""
    return {status: np.array(values) for status, values in seen.items()}


async def _run(port: int, request: bytes, connections: int, seconds: float) -> Latencies:
    opened, seen = await connect(
        port, request, connections, lambda connection: connection.ask(time.perf_counter())
    )
    await asyncio.sleep(seconds)
    for connection in opened:
        connection.close()
    return arrays(seen)


def load(port: int, request: bytes, connections: int, seconds: float) -> Latencies:
    """Return the seconds that each answer took, by status."""
    return uvloop.run(_run(port, request, connections, seconds))
