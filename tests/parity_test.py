"""One row, one answer: alone, in a batch, or from the scikit-learn pipeline."""

import httpx
import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import DataFrame
from sklearn.pipeline import Pipeline

import train_model
from app.features import CLASSES, FEATURES, TARGET, Feature
from app.model import TOLERANCE
from app.settings import Settings
from training.artifact import PIPELINE_FILE, to_rows

COLUMNS = [feature.name for feature in FEATURES]
Row = dict[str, object]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return joblib.load(Settings().model_dir / PIPELINE_FILE)


def values(feature: Feature) -> st.SearchStrategy[object]:
    """Return any value that the schema allows, as float32 knows it."""
    known: st.SearchStrategy[object] = st.sampled_from(feature.categories or [""])
    if feature.is_numeric:
        known = st.floats(feature.minimum, feature.maximum, width=32)
    return known | st.none() if feature.nullable else known


ROWS = st.lists(
    st.fixed_dictionaries({feature.name: values(feature) for feature in FEATURES}),
    min_size=1,
    max_size=40,
)


def as_frame(rows: list[Row]) -> DataFrame:
    frame = DataFrame(rows, columns=COLUMNS)
    return frame.astype({f.name: "float32" if f.is_numeric else object for f in FEATURES})


def check(client: httpx.Client, pipeline: Pipeline, rows: list[Row]) -> None:
    alone = [client.post("/predict", json=row).json() for row in rows]
    together = client.post("/predict/batch", json=rows).json()["predictions"]
    truth = pipeline.predict_proba(as_frame(rows))
    for answers in (alone, together):
        answered = [[answer["probabilities"][c] for c in CLASSES] for answer in answers]
        assert np.abs(np.array(answered) - truth).max() <= TOLERANCE
        assert [answer[TARGET] for answer in answers] == [CLASSES[i] for i in truth.argmax(axis=1)]


@settings(max_examples=100, deadline=None)
@given(rows=ROWS)
def test_any_row_is_answered_alike(
    client: httpx.Client, pipeline: Pipeline, rows: list[Row]
) -> None:
    check(client, pipeline, rows)


def test_every_row_of_the_data_is_answered_alike(client: httpx.Client, pipeline: Pipeline) -> None:
    features, _ = train_model.load_data(train_model.DATA_FILE)
    check(client, pipeline, [row.model_dump() for row in to_rows(features)])
