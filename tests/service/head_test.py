"""HEAD wherever there is a GET: load balancers and link checkers ask so."""

import asyncio

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from support.posts import DISPATCHER
from support.raw import connected
from support.service import Process, scrape, serving, value

FILES = {"/page/{name}": "/page/main.js", "/docs/{name}": "/docs/docs.js"}
HANDLERS = sorted(
    str(route.path)
    for route in iter_route_contexts(DISPATCHER.api.routes)
    if "GET" in (route.methods or ())
)
PATHS = [FILES.get(handler, handler) for handler in HANDLERS]


@pytest.mark.parametrize("path", PATHS)
def test_it_has_the_head_of_the_get(client: httpx.Client, path: str) -> None:
    head, answer = client.head(path), client.get(path)
    assert head.status_code == answer.status_code == 200
    # The numbers of /metrics, and so its length, differ from one request to the next.
    other = {"x-request-id", *(["content-length"] if path == "/metrics" else [])}
    found, expected = (
        {name: text for name, text in answered.headers.items() if name not in other}
        for answered in (head, answer)
    )
    assert found == expected
    assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize("path", PATHS)
def test_it_has_no_body(service: Process, path: str) -> None:
    async def received() -> bytes:
        request = f"HEAD {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
        async with connected(service.port, request.encode()) as connection:
            return await connection.reader.read()

    head, end, body = asyncio.run(received()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert (end, body) == (b"\r\n\r\n", b"")


def test_a_known_version_is_304(client: httpx.Client) -> None:
    known = {"if-none-match": client.head("/").headers["etag"]}
    assert client.head("/", headers=known).status_code == 304


def test_where_there_is_no_get_there_is_no_head(client: httpx.Client) -> None:
    for path, status, allowed in (("/predict", 405, "POST"), ("/nothing", 404, None)):
        answer = client.head(path)
        assert (answer.status_code, answer.headers.get("allow")) == (status, allowed)


def test_another_method_is_told_of_both(client: httpx.Client) -> None:
    for path in PATHS:
        answer = client.post(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_it_is_counted_as_what_it_is() -> None:
    with serving() as own, httpx.Client(base_url=own.url) as client:
        for path in PATHS:
            client.head(path)
        seen = scrape(client)
    for handler in HANDLERS:
        counted = {"method": "HEAD", "handler": handler, "status": "200"}
        assert value(seen, "http_requests_total", **counted) == 1
