import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, field_validator

from app.batching import Overloaded
from app.http import Refusal
from app.metrics import ModelMetrics, registry
from app.model import Model
from app.post import Parts, Post, RouteError, in_thread
from app.schemas import Row
from app.settings import Settings

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
SETTINGS = Settings(max_queued_batches=2)


class Lax(BaseModel):
    number: float


class Nested(BaseModel):
    model_config = STRICT
    parts: list[Lax]


@dataclass
class Plain:
    number: float


class Number(BaseModel):
    model_config = STRICT
    number: float

    @field_validator("number")
    @classmethod
    def even(cls, number: float) -> float:
        """Refuse what no schema can."""
        if number % 2:
            raise ValueError("not even")
        return number


async def answered(post: Post, body: bytes) -> bytes:
    return await post.answer(body)


async def no_answer(body: bytes) -> bytes:
    return body


@pytest.fixture(scope="module")
def parts() -> Parts:
    model = Model.load(SETTINGS.model_dir)
    metrics = ModelMetrics(model.card, SETTINGS)
    return Parts(SETTINGS, model, metrics, registry(metrics), ThreadPoolExecutor(1))


@pytest.mark.parametrize(
    ("takes", "named"),
    [
        (Lax, "Lax.model_config: extra has to be 'forbid'"),
        (list[Lax], "Lax.model_config"),
        (Nested, "Lax.model_config"),
        (Row | Lax, "Lax.model_config"),
        (Plain, "Plain.model_config"),
        (float, "bare float"),
        (list[int], "bare int"),
    ],
)
def test_a_body_that_lets_nan_or_text_for_a_number_through_is_no_route(
    takes: Any, named: str
) -> None:
    with pytest.raises(RouteError, match=f"POST /new: .*{named}"):
        Post("/new", takes, Lax, no_answer, 1, "")


@pytest.mark.parametrize("takes", [Row, list[Row], Number, Number | Row])
def test_a_body_that_does_not_is_one(takes: Any) -> None:
    assert Post("/new", takes, Lax, no_answer, 1, "").takes == takes


def test_a_path_with_a_parameter_is_no_route() -> None:
    with pytest.raises(RouteError, match=r"POST /new/\{name\}: put the parameter into the body"):
        Post("/new/{name}", Row, Lax, no_answer, 1, "")


def test_a_function_is_a_route_with_its_annotations_and_its_docstring(parts: Parts) -> None:
    def double(body: Number) -> Lax:
        """Double it."""
        return Lax(number=2 * body.number)

    post = in_thread("/double", double, 10, parts)
    assert (post.takes, post.gives, post.about) == (Number, Lax, "Double it.")
    assert asyncio.run(answered(post, b'{"number": 2}')) == b'{"number":4.0}'


def test_a_function_that_does_not_say_what_it_takes_is_none(parts: Parts) -> None:
    def silent(body):  # type: ignore[no-untyped-def]
        return body

    def two(one: Number, _other: Number) -> Number:
        return one

    for wrong in (silent, two):
        with pytest.raises(RouteError, match=r"POST /x: write it as \(body: Model\) -> Model"):
            in_thread("/x", wrong, 10, parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((b'{"number": NaN}', 422), (b'{"number": 1e999}', 422), (b"{}", 422)),
        *((b'{"number": 3}', 422), (b"{", 400)),
    ],
)
def test_a_bad_body_never_reaches_the_function(parts: Parts, body: bytes, status: int) -> None:
    def never(_body: Number) -> Number:
        raise AssertionError

    post = in_thread("/never", never, 10, parts)
    with pytest.raises(Refusal) as caught:
        asyncio.run(answered(post, body))
    assert caught.value.status == status
    (detail,) = json.loads(caught.value.body)["detail"]
    assert detail.keys() == {"type", "loc", "msg", "input"}


def test_the_event_loop_goes_on_while_a_function_runs(parts: Parts) -> None:
    ended = threading.Event()

    def wait(body: Number) -> Number:
        assert ended.wait(10)
        return body

    async def play() -> list[bytes | BaseException]:
        post = in_thread("/wait", wait, 10, parts)
        jobs = [asyncio.create_task(answered(post, b'{"number": 2}')) for _ in range(3)]
        await asyncio.wait([jobs[2]])  # it is above the limit, and refused meanwhile
        assert not jobs[0].done()
        ended.set()
        return await asyncio.gather(*jobs, return_exceptions=True)

    *first, third = asyncio.run(play())
    assert first == [b'{"number":2.0}'] * 2
    assert isinstance(third, Overloaded)


def test_a_route_s_own_metric_is_exposed_without_the_time_of_its_making(parts: Parts) -> None:
    own = Counter("own", "-", registry=parts.registry)
    own.inc()
    exposed = {sample.name for family in parts.registry.collect() for sample in family.samples}
    assert "own_total" in exposed
    assert "own_created" not in exposed
