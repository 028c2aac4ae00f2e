"""Pages of other origins, which may call the service only where a setting names them."""

from collections.abc import Iterator

import httpx
import pytest

from support.posts import EXAMPLES
from support.sample import EXAMPLE
from support.service import scrape, serving, value

PAGE = "https://shop.example.org"
OTHER = "https://example.org"
ALLOWED = "access-control-allow-origin"
PREFLIGHT = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type, x-request-id",
}


@pytest.fixture(scope="module")
def some() -> Iterator[httpx.Client]:
    origins = f"{PAGE}, http://localhost:3000"
    with serving(cors_origins=origins) as own, httpx.Client(base_url=own.url) as client:
        yield client


@pytest.fixture(scope="module")
def anyone() -> Iterator[httpx.Client]:
    with serving(cors_origins="*") as own, httpx.Client(base_url=own.url) as client:
        yield client


def granted(answer: httpx.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-")}


def test_without_the_setting_no_origin_is_granted_anything(client: httpx.Client) -> None:
    assert client.options("/predict", headers=PREFLIGHT).status_code == 405
    for answer in (
        client.options("/predict", headers=PREFLIGHT),
        client.post("/predict", json=EXAMPLE, headers={"origin": PAGE}),
        client.get("/model", headers={"origin": PAGE}),
    ):
        assert granted(answer) == set()


@pytest.mark.parametrize("path", [*EXAMPLES, "/model", "/model/holdout", "/openapi.json"])
def test_a_preflight_is_answered(some: httpx.Client, path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        asked = PREFLIGHT | {"access-control-request-method": method}
        answer = some.options(path, headers=asked)
        assert (answer.status_code, answer.headers[ALLOWED]) == (200, PAGE)
        assert method in answer.headers["access-control-allow-methods"].split(", ")
        assert "x-request-id" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    "change",
    [
        {"origin": OTHER},
        {"origin": f"{PAGE}.example.net"},
        {"origin": "http://shop.example.org"},
        {"origin": f"{PAGE}:8443"},
        {"origin": "null"},
        {"access-control-request-method": "DELETE"},
        {"access-control-request-headers": "authorization"},
    ],
    ids=str,
)
def test_any_other_is_refused(some: httpx.Client, change: dict[str, str]) -> None:
    answer = some.options("/predict", headers=PREFLIGHT | change)
    assert answer.status_code == 400
    assert answer.headers.get(ALLOWED) == (None if "origin" in change else PAGE)


def test_answers_and_refusals_can_be_read_with_their_id(some: httpx.Client) -> None:
    head = {"origin": PAGE, "x-request-id": "mine"}
    for answer, status in (
        (some.post("/predict", json=EXAMPLE, headers=head), 200),
        (some.post("/predict", json={}, headers=head), 422),
        (some.post("/predict", content=b"x", headers=head), 415),
        (some.get("/model", headers=head), 200),
        (some.get("/nothing", headers=head), 404),
    ):
        assert (answer.status_code, answer.headers[ALLOWED]) == (status, PAGE)
        assert answer.headers["x-request-id"] == "mine"
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"x-request-id", "retry-after"} == set(exposed)
        assert "Origin" in answer.headers["vary"]


def test_the_answer_is_not_for_a_page_of_another_origin(some: httpx.Client) -> None:
    for answer in (
        some.post("/predict", json=EXAMPLE, headers={"origin": OTHER}),
        some.get("/model", headers={"origin": OTHER}),
        some.get("/model"),
    ):
        assert answer.status_code == 200
        assert ALLOWED not in answer.headers
        assert "Origin" in answer.headers["vary"]  # or a cache would give it to the right one


def test_credentials_are_never_asked_for(some: httpx.Client, anyone: httpx.Client) -> None:
    for client in (some, anyone):
        for answer in (
            client.options("/predict", headers=PREFLIGHT),
            client.post("/predict", json=EXAMPLE, headers={"origin": PAGE, "cookie": "a=b"}),
        ):
            assert "access-control-allow-credentials" not in answer.headers


def test_a_star_is_any_origin(anyone: httpx.Client) -> None:
    assert anyone.options("/predict", headers=PREFLIGHT).headers[ALLOWED] == "*"
    answer = anyone.post("/predict", json=EXAMPLE, headers={"origin": OTHER})
    assert (answer.status_code, answer.headers[ALLOWED]) == (200, "*")


def test_a_preflight_is_counted_with_its_route() -> None:
    with serving(cors_origins="*") as own, httpx.Client(base_url=own.url) as client:
        client.options("/predict", headers=PREFLIGHT)
        seen = scrape(client)
    counted = {"method": "OPTIONS", "handler": "/predict", "status": "200"}
    assert value(seen, "http_requests_total", **counted) == 1
