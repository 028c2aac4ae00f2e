"""Every answer tells the release, whoever in the process gives it; without one, none does."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from support.posts import DISPATCHER, EXAMPLES
from support.raw import Answer, connected, exchange, post, post_chunked
from support.sample import EXAMPLE
from support.service import Process, scrape, serving, value

RELEASE = "6d4f9c7b8"
ORIGIN = "https://shop.example.org"
ROW = json.dumps(EXAMPLE).encode()
BATCH = post("/predict/batch", json.dumps([EXAMPLE] * 10_000).encode())
PATHS = sorted(
    str(route.path).replace("{name}", "none")
    for route in iter_route_contexts(DISPATCHER.api.routes)
)
BY_THE_BYTE = {
    "200": post("/predict", ROW),
    "200 by ASGI": post("/predict", ROW, media_type="application/JSON"),
    "200 to a page": post("/predict", ROW, f"origin: {ORIGIN}"),
    "200 in chunks": post_chunked("/predict", ROW),
    "400 not JSON": post("/predict", b"{"),
    "400 not HTTP": b"NONSENSE\r\n\r\n",
    "400 no proxy": b"CONNECT there:443 HTTP/1.1\r\nhost: there\r\n\r\n",
    "408": post("/predict", ROW)[:-1],
    "413": post("/predict", b" " * 100_000),
    "415": post("/predict", ROW, media_type="text/plain"),
    "422": post("/predict", b"{}"),
    "431": b"POST /predict HTTP/1.1\r\nx: " + b"a" * 2**20,
}


@pytest.fixture(scope="module")
def named() -> Iterator[Process]:
    with serving(
        release=RELEASE, cors_origins=ORIGIN, max_queued_batches=1, request_seconds=1
    ) as process:
        yield process


@pytest.mark.parametrize("path", [*PATHS, "/nothing", "/predict%0A"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
def test_it_is_told_once_by_every_route_and_method(named: Process, method: str, path: str) -> None:
    answer = httpx.request(method, named.url + path)
    assert answer.headers.get_list("x-release") == [RELEASE]


@pytest.mark.parametrize("what", BY_THE_BYTE)
def test_it_is_told_by_what_answers_before_and_beside_the_routes(named: Process, what: str) -> None:
    answer = asyncio.run(exchange(named.port, BY_THE_BYTE[what]))
    assert answer
    assert str(answer.status) == what[:3]
    assert answer.headers["x-release"] == RELEASE


def test_it_is_told_to_a_page_of_another_site_before_it_asks(named: Process) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "POST"}
    answer = httpx.options(named.url + "/predict", headers=asked)
    assert (answer.status_code, answer.headers["x-release"]) == (200, RELEASE)


def test_it_is_told_by_a_refusal_of_too_many(named: Process) -> None:
    async def play() -> list[Answer | None]:
        return await asyncio.gather(*(exchange(named.port, BATCH) for _ in range(8)))

    answers = [answer for answer in asyncio.run(play()) if answer]
    assert {answer.status for answer in answers} == {200, 503}
    assert {answer.headers["x-release"] for answer in answers} == {RELEASE}


def test_it_is_told_during_the_drain() -> None:
    async def play(service: Process) -> Answer | None:
        async with connected(service.port) as connection:
            assert await connection.ask(BY_THE_BYTE["200"])
            service.terminate()
            while (answer := await connection.ask(BY_THE_BYTE["200"])) and (
                "connection" not in answer.headers
            ):
                pass
            return answer

    with serving(release=RELEASE, drain_seconds=30) as service:
        answer = asyncio.run(play(service))
    assert answer
    assert (answer.status, answer.headers["x-release"]) == (200, RELEASE)


def test_it_is_a_label_of_the_build(named: Process) -> None:
    with httpx.Client(base_url=named.url) as client:
        assert value(scrape(client), "serving_build_info", release=RELEASE) == 1


def test_without_one_no_answer_tells_any(service: Process) -> None:
    for path in ("/model", "/nothing", *EXAMPLES):
        assert "x-release" not in httpx.get(service.url + path).headers
    for what in ("200", "200 by ASGI", "400 not HTTP", "422", "431"):
        answer = asyncio.run(exchange(service.port, BY_THE_BYTE[what]))
        assert answer
        assert "x-release" not in answer.headers
