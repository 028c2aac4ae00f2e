"""A pipeline of one's own, from training to the answers: as good as the card says, to the row."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import train_model
from app.card import Card
from app.features import CLASSES, FEATURES, TARGET
from support.service import scrape, serving, values
from training.command import train
from training.preparation import pipeline

pytestmark = pytest.mark.by_data

NUMBERS = [feature.name for feature in FEATURES if feature.is_numeric]


def scaled_first() -> BaseEstimator:
    linear = LogisticRegression(max_iter=1000) if CLASSES else Ridge()
    steps = make_pipeline(StandardScaler(), SimpleImputer(), linear)
    if len(NUMBERS) == len(FEATURES):
        return steps
    return make_pipeline(ColumnTransformer([("numbers", "passthrough", NUMBERS)]), steps)


def by_distance() -> BaseEstimator:
    kind = KNeighborsClassifier if CLASSES else KNeighborsRegressor
    return pipeline(kind(n_neighbors=15, weights="distance"), scale=True)


@pytest.mark.parametrize(
    ("estimator", "runtime", "files"),
    [
        (scaled_first(), "onnx", {"model.json", "model.onnx", "model.joblib"}),
        (by_distance(), "scikit-learn", {"model.json", "model.joblib"}),
    ],
    ids=["ONNX", "scikit-learn"],
)
def test_held_out_rows_are_answered_as_the_card_says(
    estimator: BaseEstimator, runtime: str, files: set[str], tmp_path: Path
) -> None:
    recipe = replace(train_model.RECIPE, candidates=lambda: {"mine": estimator})
    train(recipe, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == files
    card = Card.unseal((tmp_path / "model.json").read_bytes())
    assert card.serving.runtime == runtime
    rows = [example.row.model_dump() for example in card.holdout]
    with serving(model_dir=tmp_path) as service, httpx.Client(base_url=service.url) as client:
        answers = client.post("/predict/batch", json=rows).json()["predictions"]
        alone = client.post("/predict", json=rows[0]).json()
        counted = values(scrape(client), "model_predictions_total")
    assert alone == answers[0]
    found = [answer[TARGET] for answer in answers]
    labels = [example.label for example in card.holdout]
    tolerance = card.metrics.correct.tolerance
    correct = [
        value == label if tolerance is None else abs(value - float(label)) <= tolerance
        for value, label in zip(found, labels, strict=True)
    ]
    assert sum(correct) == round(card.metrics.correct.holdout * len(rows))
    assert sum(counted) == len(rows) + 1
