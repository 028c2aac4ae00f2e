"""Proof that the service answers what the pipeline says: JSON in, JSON out, by its own code."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series
from sklearn.base import BaseEstimator

from app.features import (
    ANSWER,
    CLASS_NAMES,
    CLASSES,
    FEATURES,
    TARGET,
    Category,
    Feature,
    Predict,
    answered,
)
from app.model import TOLERANCE
from app.predict import Scorer
from training import TrainingError, innermost
from training.columns import narrowed, typed
from training.data import to_rows
from training.tasks import TASK

FUZZED_ROWS = 10_000
MISSING_SHARE = 0.1


class OtherClass(TrainingError):
    """The service names another class than the pipeline does, though its probabilities agree."""


def fuzz(table: DataFrame, seed: int) -> DataFrame:
    """Return 10,000 rows of values that the schema allows, missing ones included."""
    rng = np.random.default_rng(seed)
    seen = {f: table[f.name].to_numpy(object) for f in FEATURES}
    return DataFrame({f.name: typed(f, Series(_fuzzed(f, seen[f], rng))) for f in FEATURES})


def _fuzzed(feature: Feature, seen: NDArray[np.object_], rng: np.random.Generator) -> list[object]:
    values = _numbers(feature, seen, rng) if feature.is_numeric else feature.categories
    drawn = [values[position] for position in rng.integers(len(values), size=FUZZED_ROWS)]
    if not feature.nullable:
        return drawn
    missing = rng.random(FUZZED_ROWS) < MISSING_SHARE
    return [None if gone else value for value, gone in zip(drawn, missing, strict=True)]


def _numbers(
    feature: Feature, seen: NDArray[np.object_], rng: np.random.Generator
) -> NDArray[np.floating[Any]]:
    """Return numbers to draw from.

    A third stands in the column, as some rows sit on a tree's split and no other value does; a
    third lies between its ends, where thresholds are, and a third all over the schema's range.
    """
    known = seen.astype(np.float64)
    known = known[~np.isnan(known)]
    ends = [(known.min(), known.max()), (feature.minimum, feature.maximum)]
    between = [rng.uniform(low, high, FUZZED_ROWS) for low, high in ends]
    drawn = np.concatenate([rng.choice(known, FUZZED_ROWS), *between])
    if feature.is_whole:
        whole: NDArray[np.float64] = np.rint(drawn)
        return whole
    # The next float32 to the inside, or the schema would refuse an end that is none.
    least, most = (np.float32(end) for end in ends[1])
    low = np.nextafter(least, most) if float(least) < ends[1][0] else least
    high = np.nextafter(most, least) if float(most) > ends[1][1] else most
    bounded: NDArray[np.float32] = drawn.astype(np.float32).clip(low, high)
    return bounded


class Truth:
    """What a pipeline says of a table: asked once, however many ways to serve it are compared.

    Raises TrainingError if the pipeline cannot take a row that the schema allows.
    """

    def __init__(self, name: str, pipeline: BaseEstimator, table: DataFrame) -> None:
        seen = narrowed(table)
        self._name, self._table, self._rows = name, table, to_rows(table)
        self._said = _asked(name, lambda rows: TASK.outputs(pipeline, rows), seen)
        self._chosen: list[Category] = []
        if CLASSES:
            self._chosen = _asked(name, pipeline.predict, seen).tolist()

    def difference(self, predict: Predict) -> float:
        """Return how far at most an answer of the service is from what the pipeline says.

        Raises TrainingError above `TOLERANCE`, with the row where they differ most, and OtherClass
        with the first row for which another class is named.
        """
        name, table, truth = self._name, self._table, self._said
        scorer = Scorer(predict, "")
        outputs = scorer.score(self._rows)[1]
        if not np.isfinite(outputs).all():
            row = int(np.argmin(np.isfinite(outputs).all(axis=1)))
            raise TrainingError(
                f"{name}: the service would answer {outputs[row].tolist()} where the pipeline says "
                f"{truth[row].tolist()}, on {table.iloc[row].to_dict()}"
            )
        answers = [json.loads(body) for body in scorer.write(outputs)]
        found = np.array([_numbers_of(answer) for answer in answers])
        if ANSWER.is_whole:
            # Rounded, two that are a hair apart are an int apart: compare what was rounded.
            if not np.array_equal(found[:, 0], answered(outputs)):
                raise TrainingError(f"{name}: the service would not round as it has to")
            found = outputs.astype(np.float64)
        apart = np.abs(found - truth).max(axis=1)
        # Not `> TOLERANCE`: a NaN must not pass.
        if not apart.max() <= TOLERANCE:
            worst = int(np.argmax(np.nan_to_num(apart, nan=np.inf)))
            raise TrainingError(
                f"{name}: the service would answer {found[worst].tolist()}, {apart[worst]:.1e} "
                f"from the pipeline's {truth[worst].tolist()} (limit {TOLERANCE:g}), on "
                f"{table.iloc[worst].to_dict()}"
            )
        if CLASSES:
            self._check_classes([a[TARGET] for a in answers])
        return float(apart.max())

    def _check_classes(self, named: list[Category]) -> None:
        positions = {value: position for position, value in enumerate(CLASSES)}
        for row, (answer, choice) in enumerate(zip(named, self._chosen, strict=True)):
            shares, other = self._said[row], positions[choice]
            # Where two are as probable, rounding decides between them.
            close = shares[other] - shares[positions[answer]] <= 2 * TOLERANCE
            tie = close and other == shares.argmax()
            if answer != choice and not tie:
                raise OtherClass(
                    f"{self._name}: the service would answer {answer!r} where the pipeline "
                    f"predicts {choice!r}, on {self._table.iloc[row].to_dict()}"
                )


def _numbers_of(answer: dict[str, Any]) -> list[float]:
    return [answer["probabilities"][c] for c in CLASS_NAMES] if CLASSES else [answer[TARGET]]


def _asked(name: str, ask: Callable[[DataFrame], NDArray[Any]], table: DataFrame) -> NDArray[Any]:
    """Return what a pipeline answers. Raises TrainingError that names a row it cannot take."""
    try:
        return ask(table)
    # An estimator of anybody's raises whatever its author chose.
    except Exception as error:
        if len(table) > 1:
            half = len(table) // 2
            for part in (table[:half], table[half:]):
                _asked(name, ask, part)
        raise TrainingError(
            f"{name}: {innermost(error)}; the schema allows {table.iloc[0].to_dict()}"
        ) from error
