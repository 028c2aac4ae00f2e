import asyncio
from collections.abc import Callable
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Body, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.documented import check_routes, documented
from app.post import Post, RouteError
from app.schemas import Prediction, Row


async def answer(body: bytes) -> bytes:
    return body


NEW = Post("/new", Row, Prediction, answer, 10, "Say something new.")


def document_of_one() -> FastAPI:
    api = FastAPI()
    api.include_router(documented([NEW]))
    return api


def test_a_post_is_documented_as_fastapi_documents_its_own() -> None:
    api = document_of_one()

    @api.post("/own", tags=["predict"])
    async def own(body: Row) -> Prediction:
        """Say something new."""
        raise NotImplementedError

    paths = api.openapi()["paths"]
    new, theirs = paths["/new"]["post"], paths["/own"]["post"]
    assert new["responses"].keys() == {"200", "400", "408", "413", "415", "422", "503"}
    assert new["responses"]["200"] == theirs["responses"]["200"] | {
        "description": "Successful Response"
    }
    assert "Accept-Encoding" in new["responses"]["415"]["headers"]
    assert new["requestBody"] == theirs["requestBody"]
    assert (new["description"], new["tags"]) == (theirs["description"], theirs["tags"])


def test_fastapi_itself_never_answers_it() -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(document_of_one())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/new%0A", content=b'{"island": NaN}')

    assert asyncio.run(ask()).status_code == 404


def test_a_document_of_posts_passes() -> None:
    check_routes(document_of_one())


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_route_that_fastapi_would_answer_is_refused(method: str) -> None:
    async def route(row: Row) -> Row:
        return row

    router = APIRouter(prefix="/a")
    router.add_api_route("/b", route, methods=[method.upper()])
    api = document_of_one()
    api.include_router(router)
    with pytest.raises(RouteError, match=rf"^{method.upper()} /a/b: .* POSTS of main\.py$"):
        check_routes(api)


def test_a_get_with_a_body_is_refused() -> None:
    api = document_of_one()

    @api.get("/search")
    async def search(words: Annotated[list[str], Body()]) -> list[str]:
        return words

    with pytest.raises(RouteError, match="GET /search: "):
        check_routes(api)


def raw(api: FastAPI) -> None:
    async def read(request: Request) -> Response:
        return Response(await request.body())

    api.router.routes.append(Route("/raw", read, methods=["POST"]))


def mounted(api: FastAPI) -> None:
    api.mount("/raw", Starlette())


@pytest.mark.parametrize("add", [raw, mounted])
def test_so_is_what_starlette_would_answer(add: Callable[[FastAPI], None]) -> None:
    api = document_of_one()
    add(api)
    with pytest.raises(RouteError, match="/raw: "):
        check_routes(api)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/healthz", "GET /healthz: /healthz answers it already: write another path"),
        ("/files/new", r"GET /files/new: /files/\{name\} answers it already"),
        ("/files/{other}", r"GET /files/\{other\}: /files/\{name\} answers it already"),
        ("bare", "GET bare: no request has this path: write /bare"),
    ],
)
def test_a_get_that_no_request_reaches_is_refused(path: str, said: str) -> None:
    async def route() -> str:
        return ""

    router = APIRouter()
    for each in ("/healthz", "/files/{name}", path):
        router.add_api_route(each, route, methods=["GET"])
    api = FastAPI(openapi_url=None)
    api.include_router(router)
    with pytest.raises(RouteError, match=said):
        check_routes(api)


def test_a_get_beside_a_post_of_its_path_and_before_a_pattern_passes() -> None:
    api = document_of_one()
    for path in ("/new", "/files/new", "/files/{name}"):

        @api.get(path)
        async def route() -> str:
            return ""

    check_routes(api)
