"""POST /predict and /predict/batch, as plain ASGI.

FastAPI's own way of taking a body and giving an answer costs three times what all of this
does; it documents the two routes (routes.py) and serves all others.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Annotated

from pydantic import FailFast, TypeAdapter, ValidationError

from app import errors
from app.batching import BatchLane, RowQueue
from app.bodies import batch_length
from app.features import ANSWER, CLASSES, TARGET, Matrix, Outputs, encode
from app.metrics import ModelMetrics
from app.model import Model
from app.schemas import Row

Scored = tuple[Matrix, Outputs, float]
"""Input and output of a call of the model, and the seconds that it took."""

Write = Callable[[Outputs], list[bytes]]
"""Returns the JSON of each row's `Prediction`."""


class Scorer:
    """The model and the JSON of its answers."""

    def __init__(self, model: Model) -> None:
        self._outputs = model.outputs
        write = write_values if ANSWER.is_numeric else write_classes
        self.write = write(model.card.model_version)

    def score(self, rows: Sequence[Row]) -> Scored:
        """Call the model once for all rows."""
        matrix = encode(rows)
        start = perf_counter()
        outputs = self._outputs(matrix)
        return matrix, outputs, perf_counter() - start


class Predict:
    """Body of /predict -> answer. Rows of requests that wait together are scored together."""

    def __init__(self, scorer: Scorer, metrics: ModelMetrics, max_queued: int) -> None:
        self._scorer = scorer
        self._metrics = metrics
        self._queue = RowQueue(self._score, max_queued)
        # The validator itself: TypeAdapter.validate_json around it takes half as long again.
        self._parse = TypeAdapter(Row).validator.validate_json

    def __call__(self, body: bytes) -> Awaitable[bytes]:
        """Return the row's answer. Raises Refusal for a bad row, Overloaded for a full queue."""
        try:
            row = self._parse(body)
        except ValidationError as error:
            raise errors.refusal(error, body) from None
        return self._queue.answer(row)

    def _score(self, rows: list[Row]) -> list[bytes]:
        scored = self._scorer.score(rows)
        self._metrics.scored(*scored)
        return self._scorer.write(scored[1])


class PredictBatch:
    """Body of /predict/batch -> answers in the same order, in a thread: many rows take a while."""

    def __init__(
        self, scorer: Scorer, metrics: ModelMetrics, max_rows: int, max_queued: int
    ) -> None:
        self._scorer = scorer
        self._metrics = metrics
        self._lane = BatchLane(max_queued)
        # FailFast: one bad row names all of its errors; ten thousand of them would be megabytes.
        rows = Annotated[list[Row], batch_length(max_rows), FailFast()]
        self._parse = TypeAdapter(rows).validator.validate_json

    async def __call__(self, body: bytes) -> bytes:
        """Return all answers. Raises Refusal for the first bad row, Overloaded for a full lane."""
        scored, answers = await self._lane.run(self._work, body)
        # Counted here and not in the thread: the counters know no locks.
        self._metrics.scored(*scored)
        return answers

    def _work(self, body: bytes) -> tuple[Scored, bytes]:
        try:
            rows = self._parse(body)
        except ValidationError as error:
            raise errors.refusal(error, body) from None
        scored = self._scorer.score(rows)
        answers = b",".join(self._scorer.write(scored[1]))
        return scored, b'{"predictions":[%s]}' % answers


def write_classes(model_version: str) -> Write:
    """Return what writes the most probable class and the probabilities."""
    shares = dict.fromkeys(CLASSES, "\0")
    templates = [
        _template({TARGET: name, "probabilities": shares, "model_version": model_version}, "%.6f")
        for name in CLASSES
    ]

    def write(outputs: Outputs) -> list[bytes]:
        winners = outputs.argmax(axis=1).tolist()
        return [
            templates[winner] % tuple(row)
            for winner, row in zip(winners, outputs.tolist(), strict=True)
        ]

    return write


def write_values(model_version: str) -> Write:
    """Return what writes the value, in the seven digits that float32 holds."""
    template = _template({TARGET: "\0", "model_version": model_version}, "%.7g")
    return lambda outputs: [template % value for value in outputs[:, 0].tolist()]


def _template(answer: dict[str, object], number: str) -> bytes:
    """Return the answer's JSON with a number's format in place of each NUL."""
    text = json.dumps(answer, separators=(",", ":"))
    return text.replace("%", "%%").replace(json.dumps("\0"), number).encode()
