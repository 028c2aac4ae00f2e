"""The command: data and candidates -> model.joblib, model.onnx, model.json."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from app import card
from app.card import FILES, PIPELINE_FILE, ArtifactError, Metrics
from app.settings import Settings
from training import SEED, TrainingError, artifact, data, report
from training.data import Data
from training.export import export, joblib_bytes, unwrapped
from training.parity import fuzz
from training.selection import check_quality, choose, fit, split_rows


@dataclass(frozen=True)
class Recipe:
    """The data and the candidates: what only the owner of the data can say."""

    data: Data
    candidates: Callable[[], dict[str, BaseEstimator]]
    """Returns estimators of the table by name, not fitted yet, the same ones each time."""


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
    fitted = unwrapped(fit(name, recipe.candidates()[name], split))
    quality = check_quality(name, fitted, split)
    report.exporting(name)
    served = export(name, fitted, (features, fuzz(features, SEED)))
    made = artifact.build_card(
        estimator=name,
        fitted=fitted,
        split=split,
        metrics=Metrics(**quality, served_difference=served.difference, candidates=compared),
        data=card.DataCard(
            name=source.name,
            source=source.source,
            licence=source.licence,
            sha256=source.sha256,
            **split.sizes(),
        ),
        serving=served.serving,
    )
    # The pipeline also where ONNX serves it: for those who want to look at it.
    files = {PIPELINE_FILE: joblib_bytes(fitted), FILES[served.serving.runtime]: served.content}
    artifact.save(made, files, out)
    report.finish(made, served, fitted, split, out)


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
