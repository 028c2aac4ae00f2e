"""Train the model that the API serves: data -> model.joblib, model.onnx, model.json.

    python api/train_model.py

What is yours stands here, the data and the candidates; the rest is in training/. Chooses between
the candidates by cross-validation and takes about 10 s; two runs write the same bytes.
"""

import sys
from pathlib import Path

import training.imports  # noqa: F401  # first: it makes one line of a package that is missing

# isort: split
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from training import SEED
from training.command import Recipe, main
from training.data import Data
from training.preparation import pipeline

DATA = Data(
    file=Path(__file__).parent / "data" / "penguins.csv",
    sha256="f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93",
    name="Palmer Penguins",
    source="https://pypi.org/project/palmerpenguins/0.1.6/ (Horst, Hill, Gorman 2020)",
    licence="CC0-1.0",
    read=pd.read_csv,
)


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


RECIPE = Recipe(DATA, candidates)

if __name__ == "__main__":
    sys.exit(main(RECIPE))
