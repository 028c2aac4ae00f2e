import asyncio
import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import partial
from ipaddress import IPv4Address
from typing import Annotated, Any

import pytest
from prometheus_client import Counter, Gauge, Histogram
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Json,
    JsonValue,
    PlainValidator,
    SkipValidation,
    create_model,
    field_validator,
)

from app import main
from app.batching import Overloaded
from app.http import Refusal
from app.metrics import ModelMetrics, registry
from app.model import Model
from app.post import Make, Parts, Post, RouteError, in_thread
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


class Kind(Enum):
    SMALL = "small"


class Many(BaseModel):
    """All that is strict by its model's settings: within itself, and one type of two fields."""

    model_config = STRICT
    numbers: dict[str, Annotated[float, Field(ge=0)]] = {"type": 1}
    kind: Kind
    other: Kind
    address: IPv4Address
    parts: "list[Many] | None" = None


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
    return Parts(SETTINGS, model, registry(metrics), ThreadPoolExecutor(1))


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
        (str, "bare str"),
        (dict[str, Any], "bare dict"),
        (dict[str, Row], "bare dict"),
        (list[Any], "bare any"),
        (object, "bare any"),
        (ThreadPoolExecutor, "Unable to generate .* Take a BaseModel, or a list of them"),
    ],
)
def test_a_body_that_lets_nan_or_text_for_a_number_through_is_no_route(
    takes: Any, named: str
) -> None:
    with pytest.raises(RouteError, match=f"POST /new: .*{named}"):
        Post("/new", takes, Lax, no_answer, 1, "")


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (Any, "takes anything"),
        (object, "takes anything"),
        (dict, "takes anything"),
        (list[Any] | None, "takes anything"),
        (JsonValue, "takes anything"),
        (SkipValidation[int], "takes anything"),
        (Json, "takes JSON within text"),
        (Annotated[float, PlainValidator(float)], "takes what its validator takes"),
        (Decimal, "takes text for a number: write float"),
        (Annotated[float, Field(allow_inf_nan=True)], "undoes what the model's settings refuse"),
        (Annotated[int, Field(strict=False)], "undoes what the model's settings refuse"),
    ],
)
def test_so_is_one_with_a_field_that_does_whatever_its_model_says(
    annotation: Any, said: str
) -> None:
    model = create_model("New", __config__=STRICT, notes=(annotation, ...))
    for takes in (model, list[Row | model]):
        with pytest.raises(RouteError, match=rf"POST /new: New\.notes {said}"):
            Post("/new", takes, Lax, no_answer, 1, "")


@pytest.mark.parametrize("takes", [Row, list[Row], Number, Number | Row, Many])
def test_a_body_that_does_not_is_one(takes: Any) -> None:
    assert Post("/new", takes, Lax, no_answer, 1, "").takes == takes


def test_a_path_with_a_parameter_is_no_route() -> None:
    with pytest.raises(RouteError, match=r"POST /new/\{name\}: put the parameter into the body"):
        Post("/new/{name}", Row, Lax, no_answer, 1, "")


@pytest.mark.parametrize("path", ["new", "", "/", "/new/", "/new?all", "/new one"])
def test_what_no_request_has_as_its_path_is_no_route(path: str) -> None:
    with pytest.raises(RouteError, match=rf"POST {re.escape(path)}: .* as in /explain"):
        Post(path, Row, Lax, no_answer, 1, "")


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

    def plain(body: Number) -> dict[str, float]:
        return {"number": body.number}

    for wrong in (silent, two, plain):
        with pytest.raises(RouteError, match=r"POST /x: write it as \(body: Model\) -> Model"):
            in_thread("/x", wrong, 10, parts)  # type: ignore[arg-type]


def test_nor_is_one_that_the_thread_cannot_run(parts: Parts) -> None:
    async def late(body: Number) -> Number:
        return body

    with pytest.raises(RouteError, match="POST /late: write def, not async def"):
        in_thread("/late", late, 10, parts)  # type: ignore[arg-type]


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


def even(path: str = "/even", limit: int = 10, metric: Callable[..., object] | None = None) -> Make:
    """Return what makes a route, and a metric in the parts' registry."""

    def make(parts: Parts) -> Post:
        if metric:
            metric(registry=parts.registry)
        return Post(path, Number, Number, no_answer, limit, "")

    return make


LARGEST = max(SETTINGS.max_row_bytes, SETTINGS.max_batch_bytes)


@pytest.mark.parametrize(
    ("makes", "said"),
    [
        ([even(limit=LARGEST + 1)], f"POST /even: a body of {LARGEST + 1} bytes: .*to {LARGEST},"),
        ([even(limit=0)], "POST /even: a body of 0 bytes: write parts.settings.max_row_bytes"),
        ([even("/predict")], "POST /predict: /predict answers it already: write another path"),
        ([even(), even()], "POST /even: /even answers it already"),
        ([even(metric=partial(Counter, "mine", "-"))] * 2,
         "make of .*post_test: .*'mine_total'.*: give the metric another name"),
        ([even(metric=partial(Gauge, "http_requests_total", "-"))],
         "make of .*post_test: .*'http_requests_total'.*: give the metric another name"),
        ([even(metric=partial(Counter, "model_predictions", "-"))], "'model_predictions'"),
        ([even(metric=partial(Counter, "mine", "-", ["kind"]))],
         "POST /even: mine has no series yet: call labels"),
        ([even(metric=partial(Histogram, "mine", "-", ["kind"]))], "mine has no series yet"),
    ],
)  # fmt: skip
def test_a_service_does_not_start_with_what_a_route_cannot_have(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, makes: list[Make], said: str
) -> None:
    monkeypatch.setattr(main, "POSTS", makes)
    with pytest.raises(RouteError, match=said) as caught:
        main.create_app(SETTINGS, parts.model)
    assert len(str(caught.value).splitlines()) == 1


def test_it_starts_with_the_largest_limit_and_a_gauge_that_nobody_has_set(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    gauge = partial(Gauge, "mine", "-", ["kind"])
    monkeypatch.setattr(main, "POSTS", [even(limit=LARGEST, metric=gauge), even("/model")])
    paths = {path for _, path in main.create_app(SETTINGS, parts.model).endpoints}
    assert paths == {"/predict", "/predict/batch", "/even", "/model"}


def test_a_route_cannot_count_its_rows_as_a_client_s(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Parts] = []

    def make(parts: Parts) -> Post:
        given.append(parts)
        return even()(parts)

    monkeypatch.setattr(main, "POSTS", [make])
    main.create_app(SETTINGS, parts.model)
    ((settings, model, *others),) = given
    assert (settings, model) == (SETTINGS, parts.model)
    assert not [part for part in others if isinstance(part, ModelMetrics)]


def test_a_route_s_own_metric_is_exposed_without_the_time_of_its_making(parts: Parts) -> None:
    own = Counter("own", "-", registry=parts.registry)
    own.inc()
    exposed = {sample.name for family in parts.registry.collect() for sample in family.samples}
    assert "own_total" in exposed
    assert "own_created" not in exposed
