"""The routes that take a body, as FastAPI documents them; it serves none of them."""

import inspect
import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.routing import APIRoute, iter_route_contexts

from app.bodies import Problem
from app.post import Post, RouteError

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {
        "description": "The body is not JSON",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}
        },
    },
    408: {"description": "The request did not arrive in time", "model": Problem},
    413: {"description": "The body is too large", "model": Problem},
    415: {
        "description": "The body is not application/json, or is compressed",
        "model": Problem,
        "headers": {
            "Accept-Encoding": {
                "description": "identity, if the body is compressed",
                "schema": {"type": "string"},
            }
        },
    },
    503: {
        "description": "Too many requests wait already",
        "model": Problem,
        "headers": {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}},
    },
}


class Documented(APIRoute):
    """A route of the document alone.

    Starlette's patterns match one path more than the dispatcher knows, `/predict` and a line
    feed: it is not there, and its body is not read.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers in place of FastAPI's own reading of the body."""

        async def missing(_: Request) -> Response:
            raise HTTPException(404)

        return missing


def documented(posts: Iterable[Post]) -> APIRouter:
    """Return the documentation of the routes that the dispatcher answers before FastAPI."""
    router = APIRouter(tags=["predict"], responses=ERRORS, route_class=Documented)
    for post in posts:
        router.add_api_route(
            post.path, _function(post), methods=["POST"], response_model=post.gives,
            description=post.about,
        )  # fmt: skip
    return router


def _function(post: Post) -> Callable[..., None]:
    """Return a function with the name and the argument that the document is made of."""

    def function() -> None: ...

    body = inspect.Parameter("body", inspect.Parameter.KEYWORD_ONLY, annotation=post.takes)
    function.__signature__ = inspect.Signature([body])  # type: ignore[attr-defined]
    function.__name__ = post.path.strip("/").replace("/", "_")
    return function


def check_routes(api: FastAPI) -> None:
    """Raise RouteError for a route whose body FastAPI would read, or that no request reaches.

    It reads a body of any size and takes any media type, and answers NaN with 500. Of two routes
    that fit a path it takes the first; the dispatcher takes the last.
    """
    earlier: list[tuple[set[str], str, re.Pattern[str]]] = []
    for context in iter_route_contexts(api.routes):
        methods, path = context.methods or {"any method"}, str(context.path)
        name = f"{', '.join(sorted(methods))} {path}"
        takes_body = not methods <= {"GET", "HEAD"} or getattr(context, "body_field", None)
        if takes_body and not isinstance(context.original_route, Documented):
            raise RouteError(
                f"{name}: FastAPI serves GET without a body here; write it as docs/a-route.md says "
                "and list it in POSTS of main.py"
            )
        if not path.startswith("/"):
            raise RouteError(f"{name}: no request has this path: write /{path}")
        for taken, other, pattern in earlier:
            if taken & methods and pattern.match(path):
                raise RouteError(f"{name}: {other} answers it already: write another path")
        earlier.append((methods, path, context.path_regex))
