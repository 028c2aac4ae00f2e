"""Admission: who is scored together, who waits, who is refused."""

import asyncio
from collections.abc import Callable
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


class RowQueue:
    """Scores the rows of concurrent requests in one call, without making any of them wait.

    A request queues its row and yields to the event loop once, so that every request that has
    been read already can do the same. Whoever wakes first scores the rows of all.
    """

    def __init__(self, score: Callable[[list[Row]], list[bytes]], limit: int) -> None:
        self._score = score
        self._limit = limit
        self._doorman = Doorman()
        self._open = _Batch()

    async def answer(self, row: Row) -> bytes:
        """Return the answer to a row. Raises Overloaded if `limit` rows wait already.

        While requests are being refused the limit is halved: during one scoring call as many rows
        again arrive, and together they would double the wait.
        """
        batch = self._open
        position = len(batch.rows)
        if position >= (ceil(self._limit / 2) if self._doorman.waiting else self._limit):
            await self._doorman.refuse()
        batch.rows.append(row)
        await asyncio.sleep(0)
        if batch.answers is None:
            if batch is self._open:
                self._open = _Batch()
            # Raises for the one that called it; the next to wake tries again and sees the same.
            batch.answers = self._score(batch.rows)
        return batch.answers[position]


class _Batch:
    __slots__ = ("answers", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.answers: list[bytes] | None = None


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
