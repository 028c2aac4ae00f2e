import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.batching import RowQueue
from app.direct import Direct, DirectProtocol
from app.http import send_json
from app.lifecycle import Lifecycle
from app.metrics import RouteCounts
from app.schemas import Row
from support.raw import Connection, connected, post, post_chunked
from support.sample import EXAMPLE

ROW = json.dumps(EXAMPLE).encode()
GOOD = post("/predict", ROW)
DIRECT, ASGI, FULL = b'"direct"', b'"asgi"', b'"full"'
LIMIT = len(ROW) + 10


async def asgi(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer everything, in the turns of the loop that a task takes."""
    await asyncio.sleep(0)
    await send_json(send, 200, ASGI, [])


async def full(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer a row that found no room."""
    await send_json(send, 200, FULL, [])


class Server:
    """Connections whose ordinary rows are answered with DIRECT, all else with ASGI."""

    def __init__(self, rows: int = 10) -> None:
        self.direct = Direct(
            b"/predict",
            LIMIT,
            Row.model_validate_json,
            RowQueue(self.score, rows),
            full,
            b"",
            RouteCounts(),
            Lifecycle(),
            log_requests=False,
        )
        self.fails = False
        self.batches: list[int] = []
        self.protocols: list[DirectProtocol] = []
        self.port = 0

    def score(self, rows: list[Row]) -> list[bytes]:
        self.batches.append(len(rows))
        if self.fails:
            raise ValueError("no")
        return [DIRECT] * len(rows)

    def protocol(self) -> DirectProtocol:
        config = uvicorn.Config(asgi, http=DirectProtocol, ws="none", lifespan="off")
        config.load()
        protocol = DirectProtocol(config, ServerState(), {}, asyncio.get_running_loop())
        protocol.direct = self.direct
        self.protocols.append(protocol)
        return protocol

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        loop = asyncio.get_running_loop()

        server = await loop.create_server(self.protocol, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for protocol in self.protocols:
                protocol.transport.abort()
            await asyncio.sleep(0)  # in which they are closed


def bodies(server: Server, *requests: bytes) -> list[bytes]:
    """Send requests on one connection, each after the last answer; return the answers' bodies."""

    async def play() -> list[bytes]:
        found = []
        async with server.running(), connected(server.port) as connection:
            for request in requests:
                connection.writer.write(request)
                found.append(await body(connection))
        return found

    return asyncio.run(asyncio.wait_for(play(), 30))


def pipelined(server: Server, *requests: bytes) -> list[bytes]:
    """Send requests at once, on one connection; return the answers' bodies."""

    async def play() -> list[bytes]:
        async with server.running(), connected(server.port, b"".join(requests)) as connection:
            return [await body(connection) for _ in requests]

    return asyncio.run(asyncio.wait_for(play(), 30))


async def body(connection: Connection) -> bytes:
    answer = await connection.answer()
    assert answer
    return answer.body


@pytest.mark.parametrize(
    "request_",
    [
        GOOD,
        post("/predict", ROW, "Connection: Keep-Alive"),
        post("/predict", ROW, "X-Request-ID: mine", "accept: */*"),
        GOOD.replace(b"content-type", b"Content-Type"),
        post("/predict", ROW + b" " * 10),
    ],
)
def test_an_ordinary_request_never_meets_asgi(request_: bytes) -> None:
    assert bodies(Server(), request_, request_) == [DIRECT, DIRECT]


@pytest.mark.parametrize(
    "request_",
    [
        post("/predict?x=1", ROW),
        post("/predict/", ROW),
        post("/other", ROW),
        GOOD.replace(b"POST", b"PUT"),
        b"GET /predict HTTP/1.1\r\nhost: test\r\n\r\n",
        post("/predict", ROW, media_type="application/json; charset=utf-8"),
        post("/predict", ROW, media_type="text/plain"),
        post_chunked("/predict", ROW),
        post("/predict", ROW, "content-encoding: identity"),
        post("/predict", ROW, "origin: https://example.org"),
        post("/predict", ROW, "expect: 200-ok"),
        post("/predict", ROW, "connection: close"),
        GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"),
        post("/predict", ROW, "connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0"),
        post("/predict", ROW, "proxy-connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0"),
        post("/predict", b"{}"),
        post("/predict", b""),
        post("/predict", ROW + b" " * 11),
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_asgi(request_: bytes) -> None:
    assert bodies(Server(), request_) == [ASGI]


def test_a_body_that_comes_after_its_head_is_left_to_asgi() -> None:
    async def play(*pieces: bytes) -> bytes:
        async with Server().running() as server, connected(server.port) as connection:
            for piece in pieces:
                connection.writer.write(piece)
                await asyncio.sleep(0.05)
            return await body(connection)

    at = GOOD.index(b"{")
    assert asyncio.run(play(GOOD[:at], GOOD[at:])) == ASGI
    assert asyncio.run(play(GOOD[:20], GOOD[20:])) == DIRECT


def test_requests_behind_one_that_waits_are_left_to_asgi_and_answered_in_their_order() -> None:
    other = post("/other", ROW)
    assert pipelined(Server(), GOOD, GOOD, other, GOOD) == [DIRECT, ASGI, ASGI, ASGI]
    assert pipelined(Server(), other, GOOD) == [ASGI, ASGI]
    assert bodies(Server(), GOOD, other, GOOD) == [DIRECT, ASGI, DIRECT]


def test_rows_of_one_turn_are_scored_together_and_others_are_told_that_it_is_full() -> None:
    async def play() -> list[Written]:
        transports = [Written() for _ in range(5)]
        for transport in transports:
            received(server, transport, GOOD)
        for _ in range(9):
            await asyncio.sleep(0)
        return transports

    server = Server(rows=3)
    answers = [transport.body for transport in asyncio.run(play())]
    assert answers == [DIRECT, DIRECT, DIRECT, FULL, FULL]
    assert server.batches == [3]


def test_whatever_a_validator_raises_is_left_to_asgi() -> None:
    def parse(_body: bytes) -> Row:
        raise KeyError("not expected")

    server = Server()
    server.direct = server.direct._replace(parse=parse)
    assert bodies(server, GOOD) == [ASGI]


def test_during_the_drain_all_requests_are_left_to_asgi() -> None:
    server = Server()
    server.direct.lifecycle.drain()
    assert bodies(server, GOOD) == [ASGI]


def test_a_failing_model_is_500_in_the_same_words_as_elsewhere_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server()
    server.fails = True
    said = bodies(server, GOOD, GOOD)
    assert [json.loads(one) for one in said] == [{"detail": "internal error"}] * 2
    assert server.direct.counts.statuses == {500: 2}
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["no"] * 2


def test_every_answer_is_counted_and_nothing_stays_in_progress() -> None:
    server = Server()
    bodies(server, GOOD, GOOD)
    assert server.direct.counts.statuses == {200: 2}
    assert server.direct.counts.in_progress == 0


class Written(asyncio.Transport):
    """A transport that keeps what is written, until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = b""
        self.closed = False

    @property
    def body(self) -> bytes:
        return self.kept.partition(b"\r\n\r\n")[2]

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002
        return default

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: Any) -> None:
        assert not self.closed
        self.kept += data

    def close(self) -> None:
        self.closed = True


def received(server: Server, transport: asyncio.Transport, request: bytes) -> DirectProtocol:
    """Return a connection on a transport, on which a request has just come."""
    protocol = server.protocol()
    protocol.connection_made(transport)
    protocol.data_received(request)
    return protocol


def test_a_client_that_left_before_its_answer_is_counted_as_499() -> None:
    async def play() -> None:
        transport = Written()
        received(server, transport, GOOD)
        transport.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    server = Server()
    asyncio.run(play())
    assert server.direct.counts.statuses == {499: 1}


def test_an_answer_is_written_before_a_shutdown_closes_the_connection() -> None:
    async def play() -> None:
        protocol = received(server, transport, GOOD)
        protocol.shutdown()
        assert not transport.closed
        for _ in range(3):
            await asyncio.sleep(0)
        assert transport.closed

    server, transport = Server(), Written()
    asyncio.run(play())
    assert transport.kept.startswith(b"HTTP/1.1 200 OK\r\n")
    assert transport.body == DIRECT
