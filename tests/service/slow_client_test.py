"""Clients that hold a connection: each is cut off after `request_seconds`, and no other waits."""

import asyncio
import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress

import httpx
import pytest

from app import schemas
from support import sample
from support.raw import Answer, Connection, connected, exchange, post
from support.service import Process, scrape, serving, value

ROW = json.dumps(schemas.EXAMPLE, separators=(",", ":")).encode()
REQUEST = post("/predict", ROW)


@pytest.fixture(scope="module")
def impatient() -> Iterator[Process]:
    with serving(request_seconds=1) as process:
        yield process


async def trickle(connection: Connection, data: bytes) -> Answer | None:
    """Send a byte every tenth of a second until an answer comes."""
    answer = asyncio.ensure_future(connection.answer())
    for byte in data:
        if answer.done():
            break
        connection.writer.write(bytes([byte]))
        await asyncio.sleep(0.1)
    return await answer


@pytest.mark.parametrize("at_once", [0, len(REQUEST) - 100])
def test_a_request_that_trickles_in_is_408(impatient: Process, at_once: int) -> None:
    async def play() -> None:
        async with connected(impatient.port, REQUEST[:at_once]) as connection:
            answer = await trickle(connection, REQUEST[at_once:])
            assert answer
            assert answer.status == 408
            assert "1 s" in answer.json()["detail"]

    asyncio.run(play())


def test_a_cut_off_request_is_counted_as_499() -> None:
    with serving(request_seconds=0.5) as service, httpx.Client(base_url=service.url) as client:
        asyncio.run(exchange(service.port, REQUEST[:-1]))
        assert value(scrape(client), "http_requests_total", status="499") == 1


def test_a_connection_on_which_nothing_is_asked_is_closed(impatient: Process) -> None:
    async def play() -> None:
        async with connected(impatient.port) as connection:
            assert await asyncio.wait_for(connection.reader.read(), 10) == b""

    asyncio.run(play())


@pytest.mark.parametrize("way", ["application/json", "application/JSON"])
def test_half_a_request_after_others_is_408_whichever_way_they_went(
    impatient: Process, way: str
) -> None:
    async def play() -> None:
        async with connected(impatient.port) as connection:
            assert await connection.ask(post("/predict", ROW, media_type=way))
            answer = await connection.ask(REQUEST[:30])
            assert answer
            assert answer.status == 408

    asyncio.run(play())


def test_blank_lines_after_an_answer_do_not_hold_a_connection(impatient: Process) -> None:
    async def play() -> None:
        async with connected(impatient.port) as connection:
            assert await connection.ask(REQUEST)
            connection.writer.write(b"\r\n")
            assert await asyncio.wait_for(connection.reader.read(), 30) == b""

    asyncio.run(play())


def test_requests_that_follow_each_other_closely_are_no_slow_request(impatient: Process) -> None:
    """No packet ends with a request, for longer than one may take."""
    count, size = 60, len(REQUEST)

    async def play() -> list[int]:
        sent = REQUEST * count
        async with connected(impatient.port, sent[:10]) as connection:
            for at in range(10, len(sent), size):
                connection.writer.write(sent[at : at + size])
                await asyncio.sleep(2 / count)
            answers = [await connection.answer() for _ in range(count)]
            return [answer.status for answer in answers if answer]

    assert asyncio.run(play()) == [200] * count


def test_many_requests_in_one_packet_are_no_large_head(impatient: Process) -> None:
    count = 1000

    async def play() -> list[int]:
        async with connected(impatient.port, REQUEST * count) as connection:
            answers = [await connection.answer() for _ in range(count)]
            return [answer.status for answer in answers if answer]

    assert asyncio.run(play()) == [200] * count


@pytest.mark.parametrize("way", ["application/json", "application/JSON"])
def test_who_asks_on_and_on_and_reads_nothing_is_not_read_on(way: str) -> None:
    packet = post("/predict", ROW, media_type=way) * 200
    packet = packet[-20:] + packet[:-20]  # so that none ends with a request
    taken = 0
    with (
        serving() as service,
        socket.create_connection(("127.0.0.1", service.port)) as client,
    ):
        client.sendall(packet[20:])
        client.settimeout(2)  # after which the kernel has taken no more, since nobody reads
        with suppress(OSError):  # the time is over, or the connection was cut off
            while taken < 60_000_000:
                taken += client.send(packet)
    assert taken < 60_000_000


@pytest.mark.parametrize("then", [b"", b"\r\n", REQUEST])
def test_an_answer_that_nobody_reads_is_dropped(then: bytes) -> None:
    # More than the kernel takes, so that the server has something to wait for.
    rows = 20_000_000 // len(json.dumps(sample.prediction("0" * 12)))
    body = b"[%s]" % b",".join([ROW] * rows)
    seconds = 4 + len(body) / 2**25  # a hundred megabytes where a row has thirty columns
    with (
        serving(request_seconds=seconds, max_batch_rows=rows, max_batch_bytes=len(body)) as service,
        httpx.Client(base_url=service.url) as probe,
        socket.create_connection(("127.0.0.1", service.port)) as client,
    ):
        client.sendall(post("/predict/batch", body))
        select.select([client], [], [])
        client.sendall(then)
        held = value(scrape(probe), "process_open_fds")
        deadline = time.monotonic() + 30
        while value(scrape(probe), "process_open_fds") >= held:
            assert time.monotonic() < deadline, "the connection is still held"
            time.sleep(0.1)
        # What the kernel had taken still comes, and then no more.
        assert sum(map(len, iter(lambda: client.recv(2**20), b""))) < 10_000_000


def test_a_head_above_the_limit_is_431(impatient: Process) -> None:
    request = b"POST /predict HTTP/1.1\r\nx: " + b"a" * 2**20
    answer = asyncio.run(exchange(impatient.port, request))
    assert answer
    assert answer.status == 431
    assert "65536" in answer.json()["detail"]


def test_two_hundred_slow_clients_keep_nobody_waiting(impatient: Process) -> None:
    async def play() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(200):
                await stack.enter_async_context(connected(impatient.port, REQUEST[:20]))
            answer = await exchange(impatient.port, REQUEST)
            assert answer
            assert answer.status == 200

    asyncio.run(play())
