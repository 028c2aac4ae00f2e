"""A route that takes JSON: what main.py lists, the dispatcher serves and FastAPI documents."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry
from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError

from app import errors
from app.batching import Lane
from app.model import Model
from app.settings import Settings
from app.strictness import lax_parts

Answer = Callable[[bytes], Awaitable[bytes]]
"""Turns a body into the answer's JSON. Raises Refusal or Overloaded."""

_is_path = re.compile(r"(?:/[A-Za-z0-9._~-]+)+").fullmatch


class RouteError(Exception):
    """A route that would not refuse what the others refuse. One line: which, why, the remedy."""


class Parts(NamedTuple):
    """What a route is made from."""

    settings: Settings
    model: Model
    registry: CollectorRegistry
    """Takes a route's own metrics of prometheus_client, which any thread may count."""
    thread: Executor
    """The one thread beside the event loop; a second would only fight both for the core."""


@dataclass(frozen=True)
class Post:
    """A POST route. `takes` and `gives` are types as pydantic knows them, `about` is for /docs.

    Raises RouteError if its path is none, or if its body lets through what is no good JSON.
    """

    path: str
    takes: Any
    gives: Any
    answer: Answer
    limit: int
    """Bytes of the largest body."""
    about: str

    def __post_init__(self) -> None:
        """Refuse what no test of a good request would notice."""
        if "{" in self.path:
            raise RouteError(f"POST {self.path}: put the parameter into the body")
        if not _is_path(self.path):
            raise RouteError(
                f"POST {self.path}: no request has this path: write / and letters, digits or any "
                "of ._~- behind it, as in /explain"
            )
        for found in lax_parts(_adapter(self.path, self.takes).core_schema):
            raise RouteError(f"POST {self.path}: {found}")


Make = Callable[[Parts], Post]
"""Makes a route when the service starts."""


def _adapter(path: str, takes: Any) -> TypeAdapter[Any]:
    """Return what reads a body. Raises RouteError for a type that pydantic does not know."""
    try:
        return TypeAdapter(takes)
    except PydanticUserError as error:
        what = str(error).splitlines()[0]
        raise RouteError(f"POST {path}: {what} Take a BaseModel, or a list of them") from None


def made(makes: Iterable[Make], parts: Parts) -> Iterator[Post]:
    """Yield the routes of POSTS. Raises RouteError for what only all parts together can tell."""
    limit = max(parts.settings.max_row_bytes, parts.settings.max_batch_bytes)
    for make in makes:
        before = _without_series(parts.registry)
        try:
            post = make(parts)
        except ValueError as error:
            if not str(error).startswith("Duplicated timeseries"):
                raise
            raise RouteError(
                f"{make.__name__} of {make.__module__}: {error}: give the metric another name"
            ) from None
        if not 0 < post.limit <= limit:
            raise RouteError(
                f"POST {post.path}: a body of {post.limit} bytes: write "
                f"parts.settings.max_row_bytes, or up to {limit}, the largest that settings allow"
            )
        for name in sorted(_without_series(parts.registry) - before):
            raise RouteError(
                f"POST {post.path}: {name} has no series yet: call labels() of each value when "
                "the route is made, since a rate cannot see the step from nothing to one"
            )
        yield post


def _without_series(registry: CollectorRegistry) -> set[str]:
    """Return the metrics that count, and of which a scrape would show nothing."""
    return {f.name for f in registry.collect() if f.type != "gauge" and not f.samples}


def in_thread(path: str, work: Callable[[Any], BaseModel], limit: int, parts: Parts) -> Post:
    """Return the route that answers with what a function makes of a body.

    What it takes and gives are the function's annotations, its docstring goes to /docs. It runs
    in the thread, one request after the other; above `max_queued_batches` that run or wait the
    route answers 503. The event loop, and with it /predict, goes on meanwhile.
    """
    takes, gives = _types(path, work)
    parse = _adapter(path, takes).validator.validate_json

    def job(body: bytes) -> bytes:
        try:
            given = parse(body)
        except ValidationError as error:
            raise errors.refusal(error, body) from None
        return work(given).model_dump_json().encode()

    lane = Lane(parts.thread, parts.settings.max_queued_batches)
    return Post(path, takes, gives, partial(lane.run, job), limit, inspect.getdoc(work) or "")


def _types(path: str, work: Callable[[Any], BaseModel]) -> tuple[Any, Any]:
    """Return the annotations of a function's one argument and of what it returns."""
    signature = inspect.signature(work, eval_str=True)
    types = [*(p.annotation for p in signature.parameters.values()), signature.return_annotation]
    if inspect.iscoroutinefunction(work):
        raise RouteError(f"POST {path}: write def, not async def: it runs in a thread")
    if len(types) != 2 or types[0] is inspect.Signature.empty or not _is_model(types[1]):
        raise RouteError(f"POST {path}: write it as (body: Model) -> Model, not {signature}")
    return types[0], types[1]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
