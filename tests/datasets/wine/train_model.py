"""Train the model that the API serves: python api/train_model.py."""

import sys
from pathlib import Path

import training.imports  # noqa: F401  # first: it makes one line of a package that is missing

# isort: split
import pandas as pd
import sklearn.datasets
from pandas import DataFrame
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from training import SEED
from training.command import Recipe, main
from training.data import Data
from training.preparation import pipeline

NAMES = (
    *("alcohol", "malic_acid", "ash", "alcalinity", "magnesium", "phenols", "flavanoids"),
    *("nonflavanoids", "proanthocyanins", "intensity", "hue", "od280", "proline", "cultivar"),
)


def read(file: Path) -> DataFrame:
    """Return a column for each feature and one for the cultivar, of which the third is rare."""
    table = pd.read_csv(file, names=NAMES, skiprows=1)  # its first line counts rows and columns
    table = table.assign(
        cultivar=table["cultivar"] + 1,
        colour=pd.cut(table["intensity"], [0, 3.2, 6.2, 20], labels=False) + 1,
        brownish=table["hue"] < 0.8,
    )
    # As it is in tables that people bring: values that nobody measured, and a class of four rows.
    table.loc[::9, "magnesium"] = None
    table.loc[5::17, "colour"] = None
    kept = table.groupby("cultivar").cumcount() < table["cultivar"].map({1: 99, 2: 99, 3: 4})
    return table[kept]


DATA = Data(
    file=Path(sklearn.datasets.__file__).parent / "data" / "wine_data.csv",
    sha256="10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede",
    name="Wine",
    source="https://doi.org/10.24432/C5PC7J (Aeberhard, Forina 1992)",
    licence="CC-BY-4.0",
    read=read,
)


def candidates() -> dict[str, Pipeline]:
    """Return the pipelines to choose from."""
    forest = RandomForestClassifier(n_estimators=50, random_state=SEED)
    return {
        "logistic regression": pipeline(LogisticRegression(max_iter=1000), scale=True),
        "random forest": pipeline(forest, scale=False),
    }


RECIPE = Recipe(DATA, candidates)

if __name__ == "__main__":
    sys.exit(main(RECIPE))
