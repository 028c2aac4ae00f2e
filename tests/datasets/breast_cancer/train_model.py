"""Train the model that the API serves: python api/train_model.py."""

import sys
from pathlib import Path

import training.imports  # noqa: F401  # first: it makes one line of a package that is missing

# isort: split
import pandas as pd
import sklearn.datasets
from pandas import DataFrame
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from app.features import FEATURES, TARGET
from training import SEED
from training.command import Recipe, main
from training.data import Data
from training.preparation import pipeline


def read(file: Path) -> DataFrame:
    """Return a column for each feature, in the schema's order, and one for the diagnosis."""
    names = [*(feature.name for feature in FEATURES), TARGET]
    table = pd.read_csv(file, names=names, skiprows=1)  # its first line counts rows and columns
    return table.assign(diagnosis=table["diagnosis"].map({0: "malignant", 1: "benign"}))


DATA = Data(
    file=Path(sklearn.datasets.__file__).parent / "data" / "breast_cancer.csv",
    sha256="fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed",
    name="Breast Cancer Wisconsin (Diagnostic)",
    source="https://doi.org/10.24432/C5DW2B (Wolberg, Mangasarian, Street, Street 1993)",
    licence="CC-BY-4.0",
    read=read,
)


def candidates() -> dict[str, Pipeline]:
    """Return the pipelines to choose from."""
    forest = {"n_estimators": 100, "random_state": SEED}
    return {
        "logistic regression": pipeline(LogisticRegression(C=0.3, max_iter=1000), scale=True),
        "random forest": pipeline(RandomForestClassifier(**forest), scale=False),
        "extra trees": pipeline(ExtraTreesClassifier(**forest), scale=False),
    }


RECIPE = Recipe(DATA, candidates)

if __name__ == "__main__":
    sys.exit(main(RECIPE))
