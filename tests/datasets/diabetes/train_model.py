"""Train the model that the API serves: python api/train_model.py."""

import sys
from pathlib import Path

import training.imports  # noqa: F401  # first: it makes one line of a package that is missing

# isort: split
import pandas as pd
from pandas import DataFrame
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from training import SEED
from training.command import Recipe, main
from training.data import Data
from training.preparation import pipeline


def read(file: Path) -> DataFrame:
    """Return a column for each feature and one for the target; a category is text."""
    table = pd.read_csv(file)
    return table.assign(sex=table["sex"].map({1: "1", 2: "2"}))


DATA = Data(
    file=Path(__file__).parent / "data" / "diabetes.csv",
    sha256="861964c468642a32978c7053ff452a64b79977dba1d00c3d4349dbf4ef9d2090",
    name="Diabetes",
    source="https://scikit-learn.org/stable/datasets/toy_dataset.html (Efron et al. 2004)",
    licence="BSD-3-Clause",
    read=read,
)


def candidates() -> dict[str, Pipeline]:
    """Return the pipelines to choose from."""
    forest = RandomForestRegressor(n_estimators=100, min_samples_leaf=5, random_state=SEED)
    boosting = GradientBoostingRegressor(max_depth=2, random_state=SEED)
    return {
        "ridge regression": pipeline(Ridge(), scale=True),
        "random forest": pipeline(forest, scale=False),
        "gradient boosting": pipeline(boosting, scale=False),
    }


RECIPE = Recipe(DATA, candidates)

if __name__ == "__main__":
    sys.exit(main(RECIPE))
