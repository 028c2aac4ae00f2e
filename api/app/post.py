"""A route that takes JSON: what main.py lists, the dispatcher serves and FastAPI documents."""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry
from pydantic import BaseModel, TypeAdapter, ValidationError

from app import errors
from app.batching import Lane
from app.features import lax_settings
from app.metrics import ModelMetrics
from app.model import Model
from app.settings import Settings

Answer = Callable[[bytes], Awaitable[bytes]]
"""Turns a body into the answer's JSON. Raises Refusal or Overloaded."""


class RouteError(Exception):
    """A route that would not refuse what the others refuse. One line: which, why, the remedy."""


class Parts(NamedTuple):
    """What a route is made from."""

    settings: Settings
    model: Model
    metrics: ModelMetrics
    """Counts on the event loop alone, since it knows no locks, and only what clients asked for."""
    registry: CollectorRegistry
    """Takes a route's own metrics of prometheus_client, which any thread may count."""
    thread: Executor
    """The one thread beside the event loop; a second would only fight both for the core."""


@dataclass(frozen=True)
class Post:
    """A POST route. `takes` and `gives` are types as pydantic knows them, `about` is for /docs.

    Raises RouteError if its path is a pattern or if its body lets through what is no JSON.
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
        for found in _lax(TypeAdapter(self.takes).core_schema):
            raise RouteError(f"POST {self.path}: {found}")


def _lax(schema: Any, inside: bool = False) -> Iterator[str]:
    """Yield what of a body's schema would take NaN, text for a number, or a misspelt field."""
    if isinstance(schema, list):
        for part in schema:
            yield from _lax(part, inside)
    elif isinstance(schema, dict):
        kind = schema.get("type")
        if kind in ("dataclass", "model", "typed-dict"):
            inside = True
            yield from lax_settings(schema["cls"])
        elif kind in ("float", "int") and not inside:
            yield f"the body has a bare {kind}; a field of a BaseModel has a range and a name"
        for part in schema.values():
            yield from _lax(part, inside)


def in_thread(path: str, work: Callable[[Any], BaseModel], limit: int, parts: Parts) -> Post:
    """Return the route that answers with what a function makes of a body.

    What it takes and gives are the function's annotations, its docstring goes to /docs. It runs
    in the thread, one request after the other; above `max_queued_batches` that run or wait the
    route answers 503. The event loop, and with it /predict, goes on meanwhile.
    """
    takes, gives = _types(path, work)
    parse = TypeAdapter(takes).validator.validate_json

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
    if len(types) != 2 or inspect.Signature.empty in types:
        raise RouteError(f"POST {path}: write it as (body: Model) -> Model, not {signature}")
    return types[0], types[1]
