"""Train the model that the API serves: data -> model.joblib, model.onnx, model.json.

    python api/train_model.py

Chooses between the candidates below by cross-validated log loss, refuses one that does not
beat the class shares or that ONNX answers otherwise than scikit-learn, and replaces the
previous artifact only when all of that holds. Takes about 10 s; two runs write the same bytes.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import pandas as pd
from pandas import DataFrame, Series
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from app.card import ArtifactError, Data, Metrics
from app.features import FEATURES, TARGET
from app.model import ONNX_FILE
from training import TrainingError, artifact, report
from training.artifact import PIPELINE_FILE, joblib_bytes
from training.export import check_parity, fuzz, to_onnx_bytes
from training.preparation import pipeline
from training.selection import Split, check_quality, choose

HERE = Path(__file__).parent
DATA_FILE = HERE / "data" / "penguins.csv"
SOURCE = {
    "name": "Palmer Penguins",
    "source": "https://pypi.org/project/palmerpenguins/0.1.6/ (Horst, Hill, Gorman 2020)",
    "licence": "CC0-1.0",
}
DATA_SHA256 = "f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93"
MODEL_DIR = HERE / "data" / "model"

SEED = 0
HOLDOUT_SHARE = 0.2


def load_data(path: Path) -> tuple[DataFrame, Series]:
    """Return the features (344 rows, numbers as float32) and the species.

    Raises TrainingError if the file is missing, is not the one that is committed, or lacks a
    column.
    """
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror}") from None
    if found != DATA_SHA256:
        raise TrainingError(
            f"{path}: SHA-256 is {found}, expected {DATA_SHA256}; if the change is meant, "
            "set DATA_SHA256 in train_model.py"
        )
    table = pd.read_csv(path)
    for column in (*(f.name for f in FEATURES), TARGET):
        if column not in table.columns:
            raise TrainingError(f"{path}: no column {column!r}, only {', '.join(table.columns)}")
    numeric = {f.name: "float32" for f in FEATURES if f.is_numeric}
    return table[[f.name for f in FEATURES]].astype(numeric), table[TARGET]


def candidates() -> dict[str, Pipeline]:
    """Return the pipelines to choose from."""
    return {
        # C: the classes separate almost perfectly; the default of 1 doubles the log loss.
        "logistic regression": pipeline(LogisticRegression(C=10, max_iter=1000), scale=True),
        "random forest": pipeline(
            RandomForestClassifier(n_estimators=100, random_state=SEED), scale=False
        ),
        "gradient boosting": pipeline(GradientBoostingClassifier(random_state=SEED), scale=False),
    }


def split_rows(features: DataFrame, target: Series) -> Split:
    """Set a fifth of the rows aside, with the same share of each class."""
    train, holdout, train_target, holdout_target = train_test_split(
        features, target, test_size=HOLDOUT_SHARE, stratify=target, random_state=SEED
    )
    return Split(train, train_target, holdout, holdout_target)


def train(data: Path, out: Path) -> None:
    """Train, check and write the model.

    Raises TrainingError or ArtifactError, and leaves the previous artifact as it was.
    """
    features, target = load_data(data)
    artifact.check_data(features, target)
    split = split_rows(features, target)
    report.start(data, split)
    compared = choose(candidates(), split, SEED, report.comparison)
    name = compared[0].name
    fitted = candidates()[name].fit(split.train, split.train_target)
    quality = check_quality(name, fitted, split)
    report.export(name)
    onnx = to_onnx_bytes(name, fitted)
    difference = max(
        check_parity(name, fitted, onnx, rows) for rows in (features, fuzz(features, SEED))
    )
    card = artifact.build_card(
        estimator=name,
        fitted=fitted,
        split=split,
        metrics=Metrics(**quality, onnx_difference=difference, candidates=compared),
        data=Data(**SOURCE, sha256=DATA_SHA256, **split.sizes()),
    )
    artifact.save(card, {ONNX_FILE: onnx, PIPELINE_FILE: joblib_bytes(fitted)}, out)
    report.finish(card, fitted, split, out)


def main() -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, default=DATA_FILE, help="CSV file (%(default)s)")
    parser.add_argument("--out", type=Path, default=MODEL_DIR, help="folder (%(default)s)")
    arguments = parser.parse_args()
    try:
        # One thread: sums in another order would be other bytes.
        with threadpool_limits(1):
            train(arguments.data, arguments.out)
    except (TrainingError, ArtifactError) as error:
        print(f"train_model: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
