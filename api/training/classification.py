"""Telling classes apart, by their probabilities."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series
from sklearn.base import BaseEstimator, is_regressor
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report, log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline

from app.card import Correct
from app.features import CLASS_NAMES, CLASSES, TARGET, text_of
from training import TrainingError
from training.columns import place
from training.task import FOLDS, Classes, Folds, PipelineOutputs, Task, finite, last_step

FEWEST_OF_A_CLASS = 2
"""One row to train on, and one held out."""


class Classification(Task):
    """Log loss against the class shares; a class is right or wrong."""

    loss, digits = "log loss", ".4f"
    score, baseline = "accuracy", "class shares alone"
    kind, other, answer = "classifier", "regressor", "class"

    def check(self, target: Series) -> None:
        """Raise TrainingError for a value that is no class, or a class with too few rows."""
        for position, value in enumerate(target):
            # 1 == True, and is no true.
            is_other = isinstance(value, bool) != isinstance(CLASSES[0], bool)
            if is_other or value not in CLASSES:
                raise TrainingError(
                    f"{place(target.index, position)}: {TARGET}: {value!r} is no class of "
                    f"schemas.py, which lists {', '.join(map(repr, CLASSES))}"
                )
        counts = {name: int((target == name).sum()) for name in CLASSES}
        least = min(counts, key=lambda name: counts[name])
        if len(target) in counts.values():
            raise TrainingError(
                f"{TARGET}: all {len(target)} rows are {target.iloc[0]!r}, and no row is "
                f"{least!r}: a model needs two classes to tell apart"
            )
        if counts[least] < FEWEST_OF_A_CLASS:
            raise TrainingError(
                f"{TARGET}: class {least!r} has {counts[least]} of {len(target)} rows and needs "
                f"{FEWEST_OF_A_CLASS}, to train on and to hold out: add rows, or take it out of "
                "schemas.py and read()"
            )

    def is_other(self, estimator: BaseEstimator) -> bool:
        """Tell whether an estimator is a regressor."""
        return bool(is_regressor(estimator))

    def strata(self, target: Series) -> Series | None:
        """Return the classes."""
        return target

    def folds(self, target: Series, seed: int) -> Folds:
        """Return folds with the same share of each class.

        Each class is among the rows that a fold is fitted on, or there would be no probability of
        it: a class of one row is in all folds fitted on, and judged in none.
        """
        counts = target.value_counts()
        n = min(FOLDS, int(counts.max()))
        if n < 2:
            raise TrainingError(
                f"{TARGET}: class {counts.index[0]!r}, the largest, has 1 row to train on beside "
                "the one held out; cross-validation needs 2"
            )
        alone = target.isin(counts.index[counts == 1]).to_numpy()
        rows, kept = np.flatnonzero(~alone), np.flatnonzero(alone)
        with warnings.catch_warnings():
            # That a class has fewer rows than there are folds is said by `adapted`.
            warnings.simplefilter("ignore", UserWarning)
            split = StratifiedKFold(n, shuffle=True, random_state=seed).split(
                rows, target.iloc[rows]
            )
            return [(np.concatenate((kept, rows[fit])), rows[judge]) for fit, judge in split]

    def adapted(self, target: Series) -> list[str]:
        """Name the classes that not every fold can judge."""
        counts = {name: int((target == name).sum()) for name in CLASSES}
        few = [f"{text_of(name)} ({n})" for name, n in counts.items() if n < FOLDS]
        if not few:
            return []
        return [
            f"fewer than {FOLDS} rows to train on: {', '.join(few)}; each fold is fitted on some "
            "of them, not each is judged by some"
        ]

    def dummy(self) -> BaseEstimator:
        """Return one that answers the class shares."""
        return DummyClassifier(strategy="prior")

    def linear(self) -> BaseEstimator:
        """Return logistic regression."""
        return LogisticRegression(max_iter=1000)

    def outputs(self, model: BaseEstimator, rows: object) -> PipelineOutputs:
        """Return the probabilities, shape (n_rows, n_classes)."""
        if not hasattr(model, "predict_proba"):  # some know only once they are fitted
            kind = type(last_step(model)).__name__
            raise TrainingError(
                f"{kind} has no predict_proba as it is set, and probabilities are answered; "
                f"write {_with_probabilities(model, kind)} in its place"
            )
        return finite(model, model.predict_proba(rows))

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
        return [], {text_of(name): float((truth == name).mean()) for name in CLASSES}

    def examples(self, target: Series) -> list[int]:
        """Return a row of each class."""
        return [list(target).index(name) for name in CLASSES]

    def report(self, truth: Series, outputs: PipelineOutputs) -> str:
        """Return scikit-learn's report by class."""
        text: str = classification_report(
            truth,
            self._winners(outputs),
            labels=CLASSES,
            target_names=CLASS_NAMES,
            zero_division=0,  # of a rare class that was never answered; the default warns too
        )
        return text

    def _winners(self, outputs: PipelineOutputs) -> NDArray[Any]:
        winners: NDArray[Any] = np.array(CLASSES)[outputs.argmax(axis=1)]
        return winners


def _with_probabilities(model: BaseEstimator, kind: str) -> str:
    """Return what to write in place of an estimator that has none."""
    if hasattr(last_step(model), "voting"):
        return f'{kind}(..., voting="soft")'
    if hasattr(model, "decision_function"):
        return f"CalibratedClassifierCV({kind}(...), ensemble=False)"
    return "another classifier"
