"""Requests that nobody should send, and what they leave behind."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from random import Random

import httpx
import pytest

from service import hostile
from support.raw import Answer, connected, exchange
from support.service import Process, scrape, serving, value

REQUESTS = 10_000
A_FEW = 1000
"""Of each kind there are some: for other data, or another route, the kinds are the same."""
WARM_UP = 4000
AT_ONCE = 16
GROWTH = 16 * 2**20
"""Bytes that the process may have grown by: pydantic keeps the last 16,384 keys it has read."""
ROUNDS = 4
MEMORY, STARTED, FILES = (
    f"process_{name}" for name in ("resident_memory_bytes", "start_time_seconds", "open_fds")
)


async def send(port: int, request: hostile.Request) -> Answer | None:
    if not request.leave:
        return await exchange(port, request.data)
    async with connected(port, request.data):
        return None


def is_as_expected(request: hostile.Request, answer: Answer | None) -> bool:
    if answer is None:
        return request.leave
    text = answer.body.decode()
    return answer.status in request.statuses and all(word in text for word in request.named)


async def attack(service: Process, seed: int, requests: int) -> list[str]:
    """Send generated requests, some at once; describe the ones not answered as they should be."""
    rng, wrong = Random(seed), []
    generated: Iterator[hostile.Request] = (hostile.request(rng) for _ in range(requests))

    async def client() -> None:
        for request in generated:
            answer = await send(service.port, request)
            if not is_as_expected(request, answer):
                wrong.append(f"{answer} to {request.data[-300:]!r}, expected {request.statuses}")

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return wrong


@pytest.mark.by_data
def test_hostile_requests_about_these_features_get_their_4xx() -> None:
    with serving(max_queued_batches=AT_ONCE) as service:
        assert asyncio.run(attack(service, 0, A_FEW)) == []


def test_ten_thousand_hostile_requests_get_their_4xx_and_leave_nothing_behind() -> None:
    with (
        serving(max_queued_batches=AT_ONCE) as service,
        httpx.Client(base_url=service.url) as client,
    ):
        assert asyncio.run(attack(service, 0, WARM_UP)) == []
        before = after = scrape(client)
        grown: list[float] = []
        # A leak grows each time. The heap grows once for the largest batches that came together.
        while not grown or (grown[-1] >= GROWTH and len(grown) < ROUNDS):
            assert asyncio.run(attack(service, 1 + len(grown), REQUESTS)) == []
            held, after = value(after, MEMORY), scrape(client)
            grown.append(value(after, MEMORY) - held)
        statuses: Counter[str] = Counter()
        for (name, labels), n in after.items():
            if name == "http_requests_total":
                statuses[dict(labels)["status"][0]] += int(n)
        assert statuses["4"] > REQUESTS / 2
        assert statuses["5"] == 0
        assert value(after, "http_requests_in_progress") == 1  # the scrape itself
        assert value(after, STARTED) == value(before, STARTED)
        assert value(after, FILES) - value(before, FILES) <= 2
        assert grown[-1] < GROWTH, grown
