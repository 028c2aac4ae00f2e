"""The page at `/`: the files of `page/`, read and compressed once, when the service starts."""

import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.datastructures import Headers

from app.prefix import Prefix

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
    """A file of a page, and the tag by which a browser knows that it has it already."""

    def __init__(self, name: str, content: bytes) -> None:
        self.content = content
        self._packed = gzip.compress(content, mtime=0)
        self._headers = {
            **HEADERS,
            "content-type": MEDIA_TYPES[Path(name).suffix],
            "etag": f'W/"{hashlib.sha256(content).hexdigest()[:16]}"',
        }

    def answer(self, head: Headers) -> Response:
        """Return the file as the request's headers want it, or 304 if they name its tag."""
        if self._headers["etag"] in head.get("if-none-match", ""):
            return Response(status_code=304, headers=self._headers)
        if "gzip" not in head.get("accept-encoding", ""):
            return Response(self.content, headers=self._headers)
        return Response(self._packed, headers={**self._headers, "content-encoding": "gzip"})


def files_in(folder: Path) -> dict[str, File]:
    """Return a folder's files by their names."""
    return {
        path.name: File(path.name, path.read_bytes())
        for path in folder.iterdir()
        if path.suffix in MEDIA_TYPES
    }


def below(prefix: str, markup: bytes) -> bytes:
    """Return markup whose relative links begin with the prefix.

    A proxy hands on `/ml` and `/ml/` alike, but a browser that shows `/ml` takes the relative link
    `page/main.js` for `/page/main.js`.
    """
    if not prefix:
        return markup
    return re.sub(rb'(href|src)="(?!#)', rb'\1="%s/' % prefix.encode(), markup)


def page_routes(prefix: Prefix) -> APIRouter:
    """Return the routes of the page, which is for people: no part of the documented API."""
    router = APIRouter(include_in_schema=False)
    files = files_in(FOLDER)
    index = files.pop(INDEX)

    @lru_cache(maxsize=8)
    def index_below(found: str) -> File:
        return File(INDEX, below(found, index.content))

    @router.get("/")
    async def page(request: Request) -> Response:
        return index_below(prefix(request.headers)).answer(request.headers)

    @router.get("/page/{name}")
    async def page_file(name: str, request: Request) -> Response:
        if name not in files:
            raise HTTPException(404)
        return files[name].answer(request.headers)

    return router
