"""Proof that the service answers what the pipeline says: JSON in, JSON out, by its own code."""

import json
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


def difference(name: str, pipeline: BaseEstimator, predict: Predict, table: DataFrame) -> float:
    """Return how far at most an answer of the service is from what the pipeline says of its row.

    Raises TrainingError above `TOLERANCE`, with the row where they differ most, and OtherClass
    with the first row for which another class is named.
    """
    seen = narrowed(table)
    truth = _said(name, pipeline, seen)
    scorer = Scorer(predict, "")
    outputs = scorer.score(to_rows(table))[1]
    if not np.isfinite(outputs).all():
        row = int(np.argmin(np.isfinite(outputs).all(axis=1)))
        raise TrainingError(
            f"{name}: the service would answer {outputs[row].tolist()} where the pipeline says "
            f"{truth[row].tolist()}, on {table.iloc[row].to_dict()}"
        )
    answers = [json.loads(body) for body in scorer.write(outputs)]
    found = np.array(
        [[a["probabilities"][c] for c in CLASS_NAMES] if CLASSES else [a[TARGET]] for a in answers]
    )
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
            f"{name}: the service would answer {found[worst].tolist()}, {apart[worst]:.1e} from "
            f"the pipeline's {truth[worst].tolist()} (limit {TOLERANCE:g}), on "
            f"{table.iloc[worst].to_dict()}"
        )
    if CLASSES:
        _check_classes(name, [a[TARGET] for a in answers], pipeline, truth, seen)
    return float(apart.max())


def _said(name: str, pipeline: BaseEstimator, table: DataFrame) -> NDArray[np.float64]:
    """Return the pipeline's outputs. Raises TrainingError that names a row which it cannot take."""
    try:
        return TASK.outputs(pipeline, table)
    # An estimator of anybody's raises whatever its author chose.
    except Exception as error:
        if len(table) > 1:
            half = len(table) // 2
            for part in (table[:half], table[half:]):
                _said(name, pipeline, part)
        raise TrainingError(
            f"{name}: {innermost(error)}; the schema allows {table.iloc[0].to_dict()}"
        ) from error


def _check_classes(
    name: str,
    named: list[Category],
    pipeline: BaseEstimator,
    truth: NDArray[np.float64],
    table: DataFrame,
) -> None:
    positions = {value: position for position, value in enumerate(CLASSES)}
    chosen = pipeline.predict(table).tolist()
    for row, (answer, choice) in enumerate(zip(named, chosen, strict=True)):
        shares, other = truth[row], positions[choice]
        # Where two are as probable, rounding decides between them.
        close = shares[other] - shares[positions[answer]] <= 2 * TOLERANCE
        tie = close and other == shares.argmax()
        if answer != choice and not tie:
            raise OtherClass(
                f"{name}: the service would answer {answer!r} where the pipeline predicts "
                f"{choice!r}, on {table.iloc[row].to_dict()}"
            )
