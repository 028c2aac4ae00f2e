"""POST /predict and /predict/batch, as plain ASGI.

FastAPI's own way of taking a body and giving an answer costs three times what all of this
does. A route in less of a hurry is a function in the thread: docs/a-route.md.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from time import perf_counter
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import FailFast, Field, TypeAdapter, ValidationError

from app import errors
from app.batching import Lane, RowQueue
from app.bodies import Predictions
from app.features import (
    ANSWER,
    CLASS_NAMES,
    CLASSES,
    TARGET,
    Matrix,
    Outputs,
    Predict,
    answered,
    encode,
)
from app.model import winners
from app.post import Parts, Post
from app.schemas import Prediction, Row

Scored = tuple[Matrix, Outputs, float]
"""Input and output of a call of the model, and the seconds that it took."""

Count = Callable[[Matrix, Outputs, float], None]
"""Counts what was scored for a client, for drift and accuracy."""

Write = Callable[[Outputs], list[bytes]]
"""Returns the JSON of each row's `Prediction`."""


PIECE = 2**16
"""Bytes of a batch that are read, scored and answered before the next."""


class Scorer:
    """The model and the JSON of its answers."""

    def __init__(self, outputs: Predict, model_version: str) -> None:
        self._outputs = outputs
        write = write_values if ANSWER.is_numeric else write_classes
        self.write = write(model_version)

    def score(self, rows: Sequence[Row]) -> Scored:
        """Call the model once for all rows."""
        matrix = encode(rows)
        start = perf_counter()
        outputs = self._outputs(matrix)
        return matrix, outputs, perf_counter() - start


class Rows(NamedTuple):
    """What reads a row and what answers it."""

    parse: Callable[[bytes], Row]
    queue: RowQueue


def rows_together(parts: Parts, count: Count) -> Rows:
    """Return what answers single rows. Rows of requests that wait together are scored together."""
    scorer = Scorer(parts.model.outputs, parts.model.card.model_version)

    def score(rows: list[Row]) -> list[bytes]:
        scored = scorer.score(rows)
        count(*scored)
        return scorer.write(scored[1])

    # The validator itself: TypeAdapter.validate_json around it takes half as long again.
    parse = TypeAdapter(Row).validator.validate_json
    return Rows(parse, RowQueue(score, parts.settings.max_queued_rows))


def predict(parts: Parts, rows: Rows) -> Post:
    """Return POST /predict, for what its connection does not answer itself: direct.py."""

    def answer(body: bytes) -> Awaitable[bytes]:
        try:
            row = rows.parse(body)
        except ValidationError as error:
            raise errors.refusal(error, body) from None
        return rows.queue.answer(row)

    limit = parts.settings.max_row_bytes
    return Post("/predict", Row, Prediction, answer, limit, "Answer one row.")


def predict_batch(parts: Parts, count: Count) -> Post:
    """Return POST /predict/batch, which runs in the thread: many rows take a while."""
    settings = parts.settings
    scorer = Scorer(parts.model.outputs, parts.model.card.model_version)
    lane = Lane(parts.thread, settings.max_queued_batches)
    length = Field(min_length=1, max_length=settings.max_batch_rows)
    # FailFast: one bad row names all of its errors; ten thousand of them would be megabytes.
    takes = Annotated[list[Row], length, FailFast()]
    parse = TypeAdapter(takes).validator.validate_json

    def answered_rows(rows: list[Row]) -> tuple[Scored, bytes]:
        scored = scorer.score(rows)
        return scored, b",".join(scorer.write(scored[1]))

    def work(body: bytes) -> tuple[Scored, bytes]:
        try:
            done = [answered_rows(parse(piece)) for piece in pieces(body)]
        except ValidationError:
            done = []
        if not 0 < sum(len(matrix) for (matrix, _, _), _ in done) <= settings.max_batch_rows:
            try:
                done = [answered_rows(parse(body))]
            except ValidationError as error:
                raise errors.refusal(error, body) from None
        scored, answers = zip(*done, strict=True)
        return together(scored), b'{"predictions":[%s]}' % b",".join(answers)

    async def answer(body: bytes) -> bytes:
        scored, answers = await lane.run(work, body)
        # Counted here and not in the thread: the counters know no locks.
        count(*scored)
        return answers

    about = "Answer many rows at once, in the order of the rows."
    return Post("/predict/batch", takes, Predictions, answer, settings.max_batch_bytes, about)


def pieces(body: bytes) -> Iterator[bytes]:
    """Yield the array of objects that a body holds as shorter ones, to be read one after another.

    The rows of a large body at once would leave the processor's cache, keep Python's collector
    busy, and hold up the event loop. The cuts are at "},", which may stand in a string, too: then
    a piece is no JSON. Where each piece is an array, so is the body, with the same elements.
    """
    begin, opening = 0, b""
    while (end := body.find(b"},", begin + PIECE)) >= 0:
        yield b"%s%s}]" % (opening, body[begin:end])
        begin, opening = end + 2, b"["
    yield opening + body[begin:]


def together(scored: Sequence[Scored]) -> Scored:
    """Return calls of the model as if they had been one."""
    matrices, outputs, seconds = zip(*scored, strict=True)
    return np.concatenate(matrices), np.concatenate(outputs), sum(seconds)


def write_classes(model_version: str) -> Write:
    """Return what writes the class and the probabilities."""
    shares = dict.fromkeys(CLASS_NAMES, "\0")
    templates = [
        _template({TARGET: name, "probabilities": shares, "model_version": model_version}, "%.6f")
        for name in CLASSES
    ]

    def write(outputs: Outputs) -> list[bytes]:
        shares = outputs[:, : len(CLASSES)].tolist()
        return [
            templates[winner] % tuple(row)
            for winner, row in zip(winners(outputs).tolist(), shares, strict=True)
        ]

    return write


def write_values(model_version: str) -> Write:
    """Return what writes the value: an int, or the seven digits that float32 holds."""
    number = "%d" if ANSWER.is_whole else "%.7g"
    template = _template({TARGET: "\0", "model_version": model_version}, number)
    return lambda outputs: [template % value for value in answered(outputs).tolist()]


def _template(answer: dict[str, object], number: str) -> bytes:
    """Return the answer's JSON with a number's format in place of each NUL."""
    text = json.dumps(answer, separators=(",", ":"))
    return text.replace("%", "%%").replace(json.dumps("\0"), number).encode()
