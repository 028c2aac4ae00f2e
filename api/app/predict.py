"""POST /predict and /predict/batch, as plain ASGI.

FastAPI's own way of taking a body and giving an answer costs three times what all of this
does; it documents the two routes (routes.py) and serves all others.
"""

import json
from collections.abc import Awaitable, Sequence
from time import perf_counter
from typing import Annotated

from pydantic import FailFast, TypeAdapter, ValidationError

from app import errors
from app.batching import BatchLane, RowQueue
from app.features import CLASSES, TARGET, Matrix, encode
from app.metrics import ModelMetrics
from app.model import Model, Probabilities
from app.schemas import Row, batch_length

Scored = tuple[Matrix, Probabilities, float]
"""Input and output of a call of the model, and the seconds that it took."""


class Scorer:
    """The model and the JSON of its answers."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._templates = [_template(name, model.card.model_version) for name in CLASSES]

    def score(self, rows: Sequence[Row]) -> Scored:
        """Call the model once for all rows."""
        matrix = encode(rows)
        start = perf_counter()
        probabilities = self._model.probabilities(matrix)
        return matrix, probabilities, perf_counter() - start

    def write(self, probabilities: Probabilities) -> list[bytes]:
        """Return the JSON of each row's `Prediction`."""
        winners = probabilities.argmax(axis=1).tolist()
        return [
            self._templates[winner] % tuple(row)
            for winner, row in zip(winners, probabilities.tolist(), strict=True)
        ]


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


def _template(winner: str, model_version: str) -> bytes:
    """Return the answer for one winning class, a %.6f in place of each probability."""
    answer = {
        TARGET: winner,
        "probabilities": dict.fromkeys(CLASSES, "\0"),
        "model_version": model_version,
    }
    text = json.dumps(answer, separators=(",", ":"))
    return text.replace("%", "%%").replace(json.dumps("\0"), "%.6f").encode()
