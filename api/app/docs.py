"""The API's description, and Swagger UI to read and try it: from this process alone."""

from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from app.page import File, files_in
from app.prefix import Prefix

FOLDER = Path(__file__).parent / "docs"
INDEX = "index.html"
SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css")


def docs_routes(api: FastAPI, prefix: Prefix) -> APIRouter:
    """Return the routes of the API's description, which is no part of itself."""
    router = APIRouter(include_in_schema=False)
    files = files_in(FOLDER)
    index = files.pop(INDEX)
    package = distribution("fastapi-swagger")  # used as a folder: it is never imported
    swagger_ui = {
        name: Path(str(package.locate_file(f"fastapi_swagger/resources/{name}")))
        for name in SWAGGER_UI
    }

    @cache
    def packed(name: str) -> File:
        return File(name, swagger_ui[name].read_bytes())

    @router.get("/openapi.json")
    async def openapi(request: Request) -> Response:
        found = prefix(request.headers)
        servers = {"servers": [{"url": found}]} if found else {}
        return JSONResponse({**api.openapi(), **servers})

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        return index.answer(request.headers)

    # Not `async`: in a thread, since to compress 1.7 MB takes as long as a thousand predictions.
    # Few ask for it, and a start cannot wait for it.
    @router.get("/docs/{name}")
    def docs_file(name: str, request: Request) -> Response:
        if name not in files and name not in swagger_ui:
            raise HTTPException(404)
        file = files.get(name) or packed(name)
        return file.answer(request.headers)

    return router
