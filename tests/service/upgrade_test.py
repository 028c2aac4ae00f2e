"""Clients that offer another protocol with each request, as the JDK's and curl's do with h2c."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

import httpx
import pytest

from support.posts import EXAMPLES
from support.raw import Answer, connected, post, post_chunked
from support.sample import EXAMPLE
from support.service import Process, scrape, serving, value

ROW = json.dumps(EXAMPLE).encode()
H2C = (
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
)
WEBSOCKET = (
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
OFFERS = [
    pytest.param(H2C, id="h2c"),
    pytest.param(WEBSOCKET, id="websocket"),
    pytest.param(("connection: upgrade", "upgrade: TLS/1.2, HTTP/2.0", "upgrade: x"), id="two"),
]
OFFERED = post("/predict", ROW, *H2C)
LAST = post("/predict", ROW, "connection: close")
"""After its answer the server closes the connection, so that all has been read."""


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: test", *headers, "", ""]).encode()


def offered_chunked() -> bytes:
    head, body = post_chunked("/predict", ROW[:9], ROW[9:]).split(b"\r\n", 1)
    return b"\r\n".join([head, *(line.encode() for line in H2C), body])


def answers(service: Process, *pieces: bytes, pause: float = 0.02) -> list[Answer]:
    """Send pieces, each so that it arrives alone; return all answers until the connection ends."""

    async def play() -> list[Answer]:
        found = []
        async with connected(service.port) as connection:
            for piece in pieces:
                connection.writer.write(piece)
                await asyncio.sleep(pause)
            while answer := await connection.answer():
                found.append(answer)
            assert await connection.reader.read() == b""
        return found

    return asyncio.run(asyncio.wait_for(play(), 60))


def statuses(found: Sequence[Answer]) -> list[int]:
    return [answer.status for answer in found]


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("path", EXAMPLES)
def test_an_offer_is_declined_by_the_answer(
    service: Process, path: str, offer: Sequence[str]
) -> None:
    body = json.dumps(EXAMPLES[path]).encode()
    plain, declined = answers(service, post(path, body), post(path, body, *offer, "x-last: 1"),
                              get("/healthz", "connection: close"))[:2]  # fmt: skip
    assert plain.status == declined.status == 200
    assert plain.body == declined.body
    assert not {"upgrade", "connection"} & declined.headers.keys()


@pytest.mark.parametrize("offer", OFFERS)
def test_so_is_one_of_a_get(service: Process, offer: Sequence[str]) -> None:
    found = answers(service, get("/healthz", *offer), LAST)
    assert statuses(found) == [200, 200]
    assert found[0].json() == {"status": "alive"}


HEAD = OFFERED.index(b"\r\n\r\n") + 4


@pytest.mark.parametrize(
    "cuts",
    [
        pytest.param([HEAD], id="after the head"),
        pytest.param([HEAD - 1], id="before the head's last byte"),
        pytest.param([HEAD - 30, HEAD + 30], id="in the offer and in the body"),
        pytest.param([HEAD, len(OFFERED) - 1], id="before the body's last byte"),
        pytest.param(range(1, len(OFFERED)), id="between all bytes"),
    ],
)
def test_one_request_has_one_answer_however_it_arrives(
    service: Process, cuts: Sequence[int]
) -> None:
    edges = [0, *cuts, len(OFFERED)]
    pieces = [OFFERED[start:end] for start, end in pairwise(edges)]
    found = answers(service, *pieces, LAST, pause=0.002 if len(cuts) > 9 else 0.02)
    assert statuses(found) == [200, 200]
    assert found[0].body == found[1].body


@pytest.mark.parametrize(
    "requests",
    [
        pytest.param([OFFERED, LAST], id="an offer, none"),
        pytest.param([LAST.replace(b"connection: close\r\n", b""), OFFERED, LAST], id="in between"),
        pytest.param([OFFERED, get("/model", *H2C), OFFERED, LAST], id="offers alone"),
        pytest.param([offered_chunked(), OFFERED, LAST], id="in chunks"),
        pytest.param([*[get("/healthz", *H2C)] * 300, LAST], id="three hundred"),
    ],
)
def test_so_do_requests_that_wait_for_no_answer(service: Process, requests: list[bytes]) -> None:
    together = b"".join(requests)
    assert statuses(answers(service, together)) == [200] * len(requests)
    middle = len(together) // 2
    halves = together[:middle], together[middle:]
    assert statuses(answers(service, *halves)) == [200] * len(requests)


def test_a_large_body_comes_after_an_offer_too(service: Process) -> None:
    body = json.dumps([EXAMPLE] * 5000).encode()
    data = post("/predict/batch", body, *H2C)
    found = answers(service, data[: len(data) // 3], data[len(data) // 3 :] + LAST)
    assert statuses(found) == [200, 200]
    assert len(found[0].json()["predictions"]) == 5000


def test_an_offer_with_the_last_request_is_answered_and_the_connection_closed(
    service: Process,
) -> None:
    data = post("/predict", ROW, "Connection: close, Upgrade", "Upgrade: h2c")
    (answer,) = answers(service, data)
    assert (answer.status, answer.headers["connection"]) == (200, "close")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_offered_body_is_refused_as_any_other(service: Process, version: str) -> None:
    data = post("/predict", b"{}", *H2C).replace(b"HTTP/1.1", b"HTTP/" + version.encode())
    assert statuses(answers(service, data, LAST)) == ([422, 200] if version == "1.1" else [422])


def test_a_continue_is_waited_for(service: Process) -> None:
    data = post("/predict", ROW, *H2C, "expect: 100-continue", "connection: close, upgrade")

    async def play() -> None:
        async with connected(service.port, data[: -len(ROW)]) as connection:
            told = await connection.reader.readuntil(b"\r\n\r\n")
            assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
            answer = await connection.ask(ROW)
            assert answer
            assert answer.status == 200

    asyncio.run(play())


def test_a_tunnel_is_refused_and_the_connection_closed(service: Process) -> None:
    (answer,) = answers(service, b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n")
    assert answer.status == 400
    assert "CONNECT" in answer.json()["detail"]


@pytest.fixture
def own() -> Iterator[Process]:
    with serving() as process:
        yield process


def test_each_is_counted_once_and_nothing_is_logged(own: Process) -> None:
    assert statuses(answers(own, OFFERED[:HEAD], OFFERED[HEAD:], OFFERED + LAST)) == [200] * 3
    with httpx.Client(base_url=own.url) as client:
        seen = scrape(client)
    assert value(seen, "http_requests_total", handler="/predict") == 3
    assert value(seen, "http_requests_total") == 3
    assert not [line for line in own.lines if "pgrade" in line or "Invalid" in line]
