"""The card of a trained model, and its files on disk."""

import hashlib
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from app import drift, features
from app.card import (
    FILES,
    ArtifactError,
    Bin,
    Card,
    DataCard,
    Example,
    FeatureCard,
    Golden,
    Metrics,
    Runtime,
    Serving,
)
from app.features import ANSWER, CLASSES, FEATURES, TARGET, TARGET_RANGE, encode
from app.model import CARD_FILE
from app.schemas import Row
from training import SEED, served
from training.columns import narrowed
from training.selection import Split
from training.tasks import TASK

API = Path(__file__).parents[1]
LOCKS: dict[Runtime, str] = {
    "onnx": "requirements.txt",
    "scikit-learn": "requirements-sklearn.txt",
}
"""What the image of the service holds."""
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


def golden_rows(pipeline: BaseEstimator, split: Split) -> list[Golden]:
    """Return rows unlike each other, and one without anything that may be missing."""
    chosen = TASK.examples(split.train_target)
    nothing = {f.name: None for f in FEATURES if f.nullable}
    rows = [split.train_rows[position] for position in chosen]
    rows.append(rows[0].model_copy(update=nothing))
    table = split.train.iloc[chosen]
    bare = narrowed(table[:1].assign(**nothing)).astype(table.dtypes)
    answers = TASK.outputs(pipeline, pd.concat([table, bare])).tolist()
    return [Golden(row=row, output=output) for row, output in zip(rows, answers, strict=True)]


def versions() -> dict[str, str]:
    """Return the versions that the artifact's bytes depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def build_card(
    *,
    estimator: str,
    fitted: BaseEstimator,
    split: Split,
    metrics: Metrics,
    data: DataCard,
    serving: Serving,
) -> Card:
    """Describe a model; `save` adds the hashes of its files and the version."""
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
        features=feature_cards(split.train_rows),
        metrics=metrics,
        data=data,
        serving=serving,
        artifacts={},
        versions=versions(),
        holdout=[
            Example(row=row, label=label)
            for row, label in zip(split.holdout_rows, split.holdout_target, strict=True)
        ],
        golden=golden_rows(fitted, split),
    )


def sha256(content: bytes) -> str:
    """Return the hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


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
        _load_as_the_service_will(new, card.serving.runtime)
        # The card last: between two replacements the service refuses to start, as it should.
        for file in (*files, CARD_FILE):
            (new / file).replace(directory / file)
    for file in FILES.values() - files.keys():
        (directory / file).unlink(missing_ok=True)


def _load_as_the_service_will(directory: Path, runtime: Runtime) -> None:
    """Load the artifact in a process that has imported nothing of training.

    Raises ArtifactError if the service would refuse it, or lack a package of it.
    """
    program = Path(served.__file__)
    done = subprocess.run(  # noqa: S603  # this Python, a program of ours
        (sys.executable, "-P", program, directory.absolute(), API / LOCKS[runtime]),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ArtifactError(done.stderr.strip())
