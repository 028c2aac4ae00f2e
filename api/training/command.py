"""The command: data and candidates -> model.joblib, model.onnx, model.json."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from app import card
from app.card import ArtifactError, Metrics
from app.model import ONNX_FILE
from app.settings import Settings
from training import SEED, TrainingError, artifact, data, report
from training.artifact import PIPELINE_FILE, joblib_bytes
from training.data import Data
from training.export import check_parity, fuzz, to_onnx_bytes
from training.selection import check_quality, choose, split_rows


@dataclass(frozen=True)
class Recipe:
    """The data and the candidates: what only the owner of the data can say."""

    data: Data
    candidates: Callable[[], dict[str, Pipeline]]
    """Returns pipelines by name, not fitted yet, the same ones each time."""


def train(recipe: Recipe, out: Path) -> None:
    """Train, check and write the model.

    Raises TrainingError or ArtifactError, and leaves the previous artifact as it was.
    """
    source = recipe.data
    features, target = source.load(source.file)
    data.check(features, target)
    split = split_rows(features, target)
    report.start(source.file, split)
    compared = choose(recipe.candidates(), split, report.comparison)
    name = compared[0].name
    fitted = recipe.candidates()[name].fit(split.train, split.train_target)
    quality = check_quality(name, fitted, split)
    report.export(name)
    onnx = to_onnx_bytes(name, fitted)
    difference = max(
        check_parity(name, fitted, onnx, rows) for rows in (features, fuzz(features, SEED))
    )
    made = artifact.build_card(
        estimator=name,
        fitted=fitted,
        split=split,
        metrics=Metrics(**quality, onnx_difference=difference, candidates=compared),
        data=card.DataCard(
            name=source.name,
            source=source.source,
            licence=source.licence,
            sha256=source.sha256,
            **split.sizes(),
        ),
    )
    artifact.save(made, {ONNX_FILE: onnx, PIPELINE_FILE: joblib_bytes(fitted)}, out)
    report.finish(made, fitted, split, out)


def main(recipe: Recipe) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(
        description="Train the model that the API serves: choose between the candidates by "
        "cross-validation, refuse one that has learnt nothing or that ONNX answers otherwise "
        "than scikit-learn, and replace the previous artifact only when all of that holds."
    )
    model_dir = Settings.model_fields["model_dir"].default
    parser.add_argument("--data", type=Path, default=recipe.data.file, help="file (%(default)s)")
    parser.add_argument("--out", type=Path, default=model_dir, help="folder (%(default)s)")
    asked = parser.parse_args()
    try:
        # One thread: sums in another order would be other bytes.
        with threadpool_limits(1):
            train(replace(recipe, data=replace(recipe.data, file=asked.data)), asked.out)
    except (TrainingError, ArtifactError) as error:
        print(f"train_model: {error}", file=sys.stderr)
        return 1
    return 0
