"""One row, one answer: alone, in a batch, or from the scikit-learn pipeline."""

from typing import Any

import httpx
import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import DataFrame
from sklearn.pipeline import Pipeline

import train_model
from app.card import PIPELINE_FILE
from app.features import CLASS_NAMES, CLASSES, FEATURES, TARGET, Feature
from app.model import TOLERANCE
from app.settings import Settings
from training.columns import typed
from training.data import to_rows
from training.tasks import TASK

pytestmark = pytest.mark.by_data

COLUMNS = [feature.name for feature in FEATURES]
Row = dict[str, object]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return joblib.load(Settings().model_dir / PIPELINE_FILE)


def within(low: float, high: float) -> tuple[float, float]:
    """Return the least and the largest float32 of a range."""
    least, most = float(np.float32(low)), float(np.float32(high))
    ends = np.array([low, high], np.float32)
    inward = np.nextafter(ends, ends[::-1])
    return (
        least if least >= low else float(inward[0]),
        most if most <= high else float(inward[1]),
    )


def values(feature: Feature) -> st.SearchStrategy[object]:
    """Return any value that the schema allows, as float32 knows it."""
    known: st.SearchStrategy[object] = st.sampled_from(feature.categories or [""])
    if feature.minimum is not None and feature.maximum is not None:
        known = st.floats(*within(feature.minimum, feature.maximum), width=32)
        if feature.is_whole:
            known = st.integers(int(feature.minimum), int(feature.maximum))
    return known | st.none() if feature.nullable else known


ROWS = st.lists(
    st.fixed_dictionaries({feature.name: values(feature) for feature in FEATURES}),
    min_size=1,
    max_size=40,
)


def as_frame(rows: list[Row]) -> DataFrame:
    frame = DataFrame(rows, columns=COLUMNS)
    return DataFrame({f.name: typed(f, frame[f.name]) for f in FEATURES})


def outputs(answer: dict[str, Any]) -> list[float]:
    return [answer["probabilities"][c] for c in CLASS_NAMES] if CLASSES else [answer[TARGET]]


def check(client: httpx.Client, pipeline: Pipeline, rows: list[Row]) -> None:
    alone = [client.post("/predict", json=row).json() for row in rows]
    together = client.post("/predict/batch", json=rows).json()["predictions"]
    truth = TASK.outputs(pipeline, as_frame(rows))
    for answers in (alone, together):
        assert np.abs(np.array([*map(outputs, answers)]) - truth).max() <= TOLERANCE
        if CLASSES:
            winners = [CLASSES[i] for i in truth.argmax(axis=1)]
            assert [answer[TARGET] for answer in answers] == winners


@settings(max_examples=100, deadline=None)
@given(rows=ROWS)
def test_any_row_is_answered_alike(
    client: httpx.Client, pipeline: Pipeline, rows: list[Row]
) -> None:
    check(client, pipeline, rows)


def test_every_row_of_the_data_is_answered_alike(client: httpx.Client, pipeline: Pipeline) -> None:
    features, _ = train_model.DATA.load(train_model.DATA.file)
    check(client, pipeline, [row.model_dump() for row in to_rows(features)])
