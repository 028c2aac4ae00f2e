"""Telling classes apart, by their probabilities."""

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.metrics import classification_report, log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline

from app.card import Correct
from app.features import CLASSES, TARGET
from training import TrainingError
from training.task import FOLDS, Classes, PipelineOutputs, Task


class Classification(Task):
    """Log loss against the class shares; a class is right or wrong."""

    loss, scoring, digits = "log loss", "neg_log_loss", ".4f"
    score, baseline = "accuracy", "class shares alone"

    def check(self, target: Series) -> None:
        """Raise TrainingError unless the classes are those of the schema, in its order."""
        found = tuple(sorted(target.unique()))
        if found != CLASSES:
            raise TrainingError(
                f"{TARGET}: the data has {found}, schemas.py lists {CLASSES} (both in sorted order)"
            )

    def strata(self, target: Series) -> Series | None:
        """Return the classes."""
        return target

    def folds(self, seed: int) -> StratifiedKFold:
        """Return folds with the same share of each class."""
        return StratifiedKFold(FOLDS, shuffle=True, random_state=seed)

    def dummy(self) -> BaseEstimator:
        """Return one that answers the class shares."""
        return DummyClassifier(strategy="prior")

    def outputs(self, model: BaseEstimator, rows: object) -> PipelineOutputs:
        """Return the probabilities, shape (n_rows, n_classes)."""
        found: PipelineOutputs = model.predict_proba(rows)
        return found

    def loss_of(self, truth: Series, outputs: PipelineOutputs) -> float:
        """Return the log loss."""
        return float(log_loss(truth, outputs, labels=CLASSES))

    def score_of(self, truth: Series, outputs: PipelineOutputs) -> float:
        """Return the accuracy."""
        return float((self._winners(outputs) == truth).mean())

    def correct(self, truth: Series, outputs: PipelineOutputs) -> Correct:
        """Return the accuracy once more: it is the share of correct answers."""
        return Correct(holdout=self.score_of(truth, outputs), tolerance=None)

    def classes(self, model: Pipeline, rows: DataFrame, truth: Series, seed: int) -> Classes:  # noqa: ARG002
        """Return the share of each class."""
        return [], {name: float((truth == name).mean()) for name in CLASSES}

    def examples(self, target: Series) -> list[int]:
        """Return a row of each class."""
        return [list(target).index(name) for name in CLASSES]

    def report(self, truth: Series, outputs: PipelineOutputs) -> str:
        """Return scikit-learn's report by class."""
        text: str = classification_report(truth, self._winners(outputs), labels=CLASSES)
        return text

    def _winners(self, outputs: PipelineOutputs) -> NDArray[np.str_]:
        winners: NDArray[np.str_] = np.array(CLASSES)[outputs.argmax(axis=1)]
        return winners
