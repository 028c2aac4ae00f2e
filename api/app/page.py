"""The page at `/`: the files of `page/`, read and compressed once, when the service starts."""

import gzip
import hashlib
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.datastructures import Headers

FOLDER = Path(__file__).parent / "page"
INDEX = "index.html"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'"),
    *("connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
)
HEADERS = {
    "content-security-policy": "; ".join(POLICY),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # Ask each time, get 304 mostly: after a rollout nobody has a page of two versions.
    "cache-control": "no-cache",
    "vary": "accept-encoding",
}


class File:
    """A file of the page, and the tag by which a browser knows that it has it already."""

    def __init__(self, path: Path) -> None:
        self._plain = path.read_bytes()
        self._packed = gzip.compress(self._plain, mtime=0)
        self._headers = {
            **HEADERS,
            "content-type": MEDIA_TYPES[path.suffix],
            "etag": f'W/"{hashlib.sha256(self._plain).hexdigest()[:16]}"',
        }

    def answer(self, head: Headers) -> Response:
        """Return the file as the request's headers want it, or 304 if they name its tag."""
        if self._headers["etag"] in head.get("if-none-match", ""):
            return Response(status_code=304, headers=self._headers)
        if "gzip" not in head.get("accept-encoding", ""):
            return Response(self._plain, headers=self._headers)
        return Response(self._packed, headers={**self._headers, "content-encoding": "gzip"})


def page_routes() -> APIRouter:
    """Return the routes of the page, which is for people: no part of the documented API."""
    router = APIRouter(include_in_schema=False)
    files = {path.name: File(path) for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES}
    index = files.pop(INDEX)

    @router.get("/")
    async def page(request: Request) -> Response:
        return index.answer(request.headers)

    @router.get("/page/{name}")
    async def page_file(name: str, request: Request) -> Response:
        if name not in files:
            raise HTTPException(404)
        return files[name].answer(request.headers)

    return router
