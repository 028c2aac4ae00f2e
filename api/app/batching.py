"""Admission: who is scored together, who waits, who is refused."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from math import ceil
from typing import NoReturn, TypeVar

from app.schemas import Row

T = TypeVar("T")


class Overloaded(Exception):
    """Too many requests wait already; this one was not let in."""


class Doorman:
    """Refuses requests, after a delay.

    Refusals cost CPU too. A client that retries immediately would take it from the requests that
    were admitted. `make bench` shows how long a refusal waits.
    """

    PER_SECOND = 1000
    LONGEST_WAIT = 0.25
    """Seconds. Without it thousands of clients would wait until they give up."""

    def __init__(self) -> None:
        self.waiting = 0

    async def refuse(self) -> NoReturn:
        """Raise Overloaded when it is this request's turn."""
        self.waiting += 1
        try:
            await asyncio.sleep(min(self.waiting / self.PER_SECOND, self.LONGEST_WAIT))
        finally:
            self.waiting -= 1
        raise Overloaded


Deliver = Callable[[bytes | Exception], None]
"""Takes the answer to a row, or what kept the model from answering it."""


class RowQueue:
    """Scores the rows of concurrent requests in one call, without making any of them wait.

    The first row asks the event loop for a turn. Until that comes, every request that has been
    read already adds its row; then all of them are scored.
    """

    def __init__(self, score: Callable[[list[Row]], list[bytes]], limit: int) -> None:
        self._score = score
        self._limit = limit
        self._doorman = Doorman()
        self._rows: list[Row] = []
        self._waiting: list[Deliver] = []

    def is_full(self) -> bool:
        """Tell whether `limit` rows wait already.

        While requests are being refused the limit is halved: during one scoring call as many rows
        again arrive, and together they would double the wait.
        """
        limit = ceil(self._limit / 2) if self._doorman.waiting else self._limit
        return len(self._rows) >= limit

    def put(self, row: Row, deliver: Deliver) -> None:
        """Add a row; its answer is delivered in the next turn of the event loop."""
        if not self._rows:
            asyncio.get_running_loop().call_soon(self._flush)
        self._rows.append(row)
        self._waiting.append(deliver)

    async def turn_away(self, _body: bytes) -> NoReturn:
        """Raise Overloaded for a request that has found the queue full."""
        await self._doorman.refuse()

    async def answer(self, row: Row) -> bytes:
        """Return the answer to a row. Raises Overloaded if the queue is full."""
        if self.is_full():
            await self._doorman.refuse()
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def deliver(answer: bytes | Exception) -> None:
            if answered.done():  # its request was cancelled
                return
            if isinstance(answer, Exception):
                answered.set_exception(answer)
            else:
                answered.set_result(answer)

        self.put(row, deliver)
        return await answered

    def _flush(self) -> None:
        rows, waiting = self._rows, self._waiting
        self._rows, self._waiting = [], []
        answers: Sequence[bytes | Exception]
        try:
            answers = self._score(rows)
        except Exception as error:  # noqa: BLE001  # whatever it is, each request gets its answer
            answers = [error] * len(rows)
        for deliver, answer in zip(waiting, answers, strict=True):
            deliver(answer)


class Lane:
    """A route's jobs for the thread beside the event loop, and how many of them may wait.

    The thread takes the jobs of all lanes in their order.
    """

    def __init__(self, thread: Executor, limit: int) -> None:
        self._thread = thread
        self._limit = limit
        self._doorman = Doorman()
        self._admitted = 0

    async def run(self, job: Callable[[bytes], T], body: bytes) -> T:
        """Return the job's result. Raises Overloaded if `limit` jobs run or wait already."""
        if self._admitted >= self._limit:
            await self._doorman.refuse()
        self._admitted += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, job, body)
        finally:
            self._admitted -= 1
