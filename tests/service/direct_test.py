"""A request that its connection answers gets, byte for byte, what ASGI would have sent."""

import asyncio
import json
import re
from random import Random

import httpx
import pytest

from service import hostile
from support.raw import connected, post
from support.sample import EXAMPLE
from support.service import Process, Samples, scrape, serving

ROW = json.dumps(EXAMPLE).encode()
GOOD = post("/predict", ROW, "x-request-id: mine")
REQUESTS = 300
AT_ONCE = 16
PAUSE = 0.02
"""Seconds after which what follows arrives by itself."""
LAST = b"GET /healthz HTTP/1.1\r\nhost: test\r\nx-request-id: last\r\nconnection: close\r\n\r\n"
"""After its answer the server closes the connection, so that all has been read."""


async def answered(port: int, *pieces: bytes) -> bytes:
    """Send pieces, each so that it arrives alone; return all that comes back, but for made ids."""
    async with connected(port) as connection:
        for piece in pieces:
            connection.writer.write(piece)
            await asyncio.sleep(PAUSE)
        came = await connection.reader.read(-1)
    return re.sub(rb"x-request-id: [0-9a-f]{12}-[0-9a-f]+", b"x-request-id: made", came)


def in_pieces(request: bytes) -> list[bytes]:
    """Split after the head: a body that has not come with its head goes ASGI's way."""
    head, end, body = request.partition(b"\r\n\r\n")
    return [head + end, body]


def both_ways(port: int, requests: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Return what comes back for each, sent whole and sent in pieces, and a request after it."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def ask(request: bytes) -> tuple[bytes, bytes]:
        async with limit:
            whole = await answered(port, request, LAST)
            return whole, await answered(port, *in_pieces(request), LAST)

    async def play() -> list[tuple[bytes, bytes]]:
        return await asyncio.gather(*map(ask, requests))

    return asyncio.run(play())


def counted(samples: Samples) -> dict[object, float]:
    """Return what the service says of /predict, but for times and what is as it was before."""
    names = ("http_requests_total", "model_input_rejected_total", "model_predictions_total")
    return {key: n for key, n in samples.items() if key[0] in names and n}


def hostile_rows() -> list[bytes]:
    """Return requests to /predict of all kinds after whose answer the connection goes on."""
    rng, found = Random(0), list[bytes]()
    while len(found) < REQUESTS:
        request = hostile.request(rng)
        goes_on = request.statuses and {200, 415, 422}.issuperset(request.statuses)
        if goes_on and request.data.startswith(b"POST /predict "):
            found.append(request.data)
    return found


@pytest.mark.by_data
def test_all_that_can_be_sent_gets_the_same_bytes_either_way() -> None:
    with serving() as service:
        requests = [GOOD, post("/predict", ROW), *hostile_rows()]
        differing = [pair for pair in both_ways(service.port, requests) if pair[0] != pair[1]]
        assert differing == []


@pytest.mark.parametrize(
    "more",
    [
        ("connection: keep-alive",),
        ("content-type: application/json",),
        ("accept: text/html", "user-agent: somebody"),
        ("x-request-id: \x80",),
    ],
)
def test_headers_that_change_nothing_change_nothing(service: Process, more: list[str]) -> None:
    (pair,) = both_ways(service.port, [post("/predict", ROW, *more)])
    assert pair[0] == pair[1]
    assert pair[0].startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("origins", ["https://example.org", "*"])
def test_answers_are_the_same_where_pages_of_other_origins_may_ask(origins: str) -> None:
    with serving(cors_origins=origins) as service:
        requests = [GOOD, post("/predict", ROW, "origin: https://example.org")]
        for whole, split in both_ways(service.port, requests):
            assert whole == split
            assert b"vary: Origin\r\n" in whole


def test_both_ways_count_the_same() -> None:
    seen = []
    for split in (lambda request: [request], in_pieces):
        with serving() as service, httpx.Client(base_url=service.url) as client:
            for request in (GOOD, GOOD, post("/predict", b"{}"), post("/predict", b"")):
                asyncio.run(answered(service.port, *split(request), LAST))
            seen.append(counted(scrape(client)))
    assert seen[0] == seen[1]
    assert seen[0]


def test_both_ways_log_the_same() -> None:
    with serving(log_requests=True, drain_seconds=0) as service:
        for pieces in ([GOOD], in_pieces(GOOD)):
            asyncio.run(answered(service.port, *pieces, LAST))
        service.terminate()
        service.exit_code()
        lines = [json.loads(line) for line in service.lines if '"mine"' in line]
    whole, split = ({k: v for k, v in one.items() if k not in ("time", "seconds")} for one in lines)
    assert whole == split
    assert (whole["path"], whole["status"]) == ("/predict", 200)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pipelined_requests_are_answered_in_their_order_whatever_way_each_goes(
    service: Process, size: int
) -> None:
    """In pieces of any size, so that the ways alternate."""
    kinds = [
        ("one", post("/predict", ROW, "x-request-id: one")),
        ("bad", post("/predict", b"{}", "x-request-id: bad")),
        ("two", post("/predict", ROW, "x-request-id: two")),
        ("get", LAST.replace(b"last", b"get").replace(b"connection: close\r\n", b"")),
        ("other", post("/predict", ROW, "x-request-id: other", media_type="application/JSON")),
        ("batch", post("/predict/batch", b"[%s]" % ROW, "x-request-id: batch")),
    ]
    order = [Random(size).choice(kinds) for _ in range(60)]
    sent = b"".join(request for _, request in order) + LAST

    async def play() -> bytes:
        async with connected(service.port) as connection:
            for at in range(0, len(sent), size):
                connection.writer.write(sent[at : at + size])
                if size > 1:
                    await asyncio.sleep(0)
            return await connection.reader.read(-1)

    came = asyncio.run(asyncio.wait_for(play(), 60))
    ids = re.findall(rb"x-request-id: (\w+)", came)
    assert [name.decode() for name in ids] == [name for name, _ in order] + ["last"]
