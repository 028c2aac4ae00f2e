"""The card of a trained model, and its files on disk."""

import hashlib
import io
import platform
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
from pandas import Series
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from app import drift, features
from app.card import Bin, Card, DataCard, Example, FeatureCard, Golden, Metrics
from app.features import ANSWER, CLASSES, FEATURES, TARGET, TARGET_RANGE, encode
from app.model import CARD_FILE, Model
from app.schemas import Row
from training import SEED
from training.data import to_rows
from training.selection import Split
from training.tasks import TASK

PIPELINE_FILE = "model.joblib"
PACKAGES = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")


def feature_cards(train: Sequence[Row]) -> list[FeatureCard]:
    """Cut each feature's drift bins and count the training rows in them."""
    matrix = encode(train)
    cards = []
    for feature, column in zip(FEATURES, matrix.T, strict=True):
        edges = drift.cut(feature, column)
        names = drift.labels(feature, edges)
        counts = np.bincount(drift.indices(feature, edges, column), minlength=len(names))
        bins = [
            Bin(label=label, share=share)
            for label, share in zip(names, drift.shares(counts), strict=True)
        ]
        cards.append(FeatureCard(feature=feature, edges=edges, bins=bins))
    return cards


def golden_rows(pipeline: Pipeline, train: Sequence[Row], target: Series) -> list[Golden]:
    """Return rows unlike each other, and one without anything that may be missing."""
    rows = [train[position] for position in TASK.examples(target)]
    nothing = {f.name: None for f in FEATURES if f.nullable}
    rows.append(rows[0].model_copy(update=nothing))
    answers = TASK.outputs(pipeline[1:], encode(rows)).tolist()
    return [Golden(row=row, output=output) for row, output in zip(rows, answers, strict=True)]


def versions() -> dict[str, str]:
    """Return the versions that the artifact's bytes depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def build_card(
    *, estimator: str, fitted: Pipeline, split: Split, metrics: Metrics, data: DataCard
) -> Card:
    """Describe a model; `save` adds the hashes of its files and the version."""
    train, holdout = to_rows(split.train), to_rows(split.holdout)
    edges, shares = TASK.classes(clone(fitted), split.train, split.train_target, SEED)
    return Card(
        model_version="",
        estimator=estimator,
        task=features.TASK_NAME,
        target=TARGET,
        target_type=ANSWER.type,
        target_unit=ANSWER.unit,
        target_range=TARGET_RANGE,
        classes=CLASSES,
        class_edges=edges,
        class_shares=shares,
        features=feature_cards(train),
        metrics=metrics,
        data=data,
        artifacts={},
        versions=versions(),
        holdout=[
            Example(row=row, label=label)
            for row, label in zip(holdout, split.holdout_target, strict=True)
        ],
        golden=golden_rows(fitted, train, split.train_target),
    )


def sha256(content: bytes) -> str:
    """Return the hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def joblib_bytes(pipeline: Pipeline) -> bytes:
    """Return the pickled pipeline, for those who want to look at it: nothing here loads it."""
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer)
    return buffer.getvalue()


def save(card: Card, files: dict[str, bytes], directory: Path) -> None:
    """Write the files, load them as the service will, and only then replace the previous ones.

    Raises ArtifactError, and leaves the previous artifact, if the service would refuse it.
    """
    card.artifacts = {name: sha256(content) for name, content in files.items()}
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".new-") as name:
        new = Path(name)
        for file, content in {**files, CARD_FILE: card.seal()}.items():
            (new / file).write_bytes(content)
        Model.load(new)
        # The card last: between two replacements the service refuses to start, as it should.
        for file in (*files, CARD_FILE):
            (new / file).replace(directory / file)
