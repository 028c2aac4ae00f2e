"""Answering a number within its range."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series
from sklearn.base import BaseEstimator, is_classifier
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline

from app import drift
from app.card import Correct
from app.features import ANSWER, TARGET, TARGET_RANGE, answered
from training import TrainingError
from training.columns import place, values
from training.task import FOLDS, Classes, Folds, PipelineOutputs, Task, finite

CORRECT_SHARE = 0.9
"""Share of the held-out rows whose error is small enough to be called correct."""


class Regression(Task):
    """Root mean squared error against the mean; nine of ten held-out rows count as right."""

    loss, digits = "root mean squared error", ".5g"
    score, baseline = "R2", "mean of the training rows alone"
    kind, other, answer = "regressor", "classifier", "number"

    def check(self, target: Series) -> None:
        """Raise TrainingError if a value is not a number, or outside the schema's range."""
        low, high = TARGET_RANGE or (-np.inf, np.inf)
        kinds, kind = ((int,), "int") if ANSWER.is_whole else ((int, float), "number")
        for position, value in enumerate(values(ANSWER, target)):
            # Not `value < low or value > high`: NaN must not pass. By type: True is no 1.
            if not (type(value) in kinds and low <= value <= high):
                raise TrainingError(
                    f"{place(target.index, position)}: {TARGET}: {value!r} is no {kind} from "
                    f"{low:g} to {high:g}"
                )

    def is_other(self, estimator: BaseEstimator) -> bool:
        """Tell whether an estimator is a classifier."""
        return bool(is_classifier(estimator))

    def strata(self, target: Series) -> Series | None:  # noqa: ARG002
        """Return None: most values occur only once."""
        return None

    def folds(self, target: Series, seed: int) -> Folds:
        """Return folds at random."""
        return list(KFold(FOLDS, shuffle=True, random_state=seed).split(target))

    def adapted(self, target: Series) -> list[str]:  # noqa: ARG002
        """Return nothing: whatever trains at all has a row for each fold."""
        return []

    def dummy(self) -> BaseEstimator:
        """Return one that answers the mean."""
        return DummyRegressor(strategy="mean")

    def linear(self) -> BaseEstimator:
        """Return ridge regression."""
        return Ridge()

    def outputs(self, model: BaseEstimator, rows: object) -> PipelineOutputs:
        """Return the values, shape (n_rows, 1), none beyond the target's range."""
        return finite(model, self._bounded(model.predict(rows)))

    def loss_of(self, truth: Series, outputs: PipelineOutputs) -> float:
        """Return the root mean squared error, in the target's unit."""
        return float(root_mean_squared_error(truth, answered(outputs)))

    def score_of(self, truth: Series, outputs: PipelineOutputs) -> float:
        """Return the coefficient of determination."""
        return float(r2_score(truth, answered(outputs)))

    def correct(self, truth: Series, outputs: PipelineOutputs) -> Correct:
        """Return a tolerance that nine of ten rows stay within, and how many exactly do.

        It lies half way to the next larger error, so that no rounding decides about a row.
        """
        errors = np.sort(np.abs(answered(outputs) - truth.to_numpy(np.float64)))
        within = int(np.ceil(CORRECT_SHARE * len(errors)))
        tolerance = float(errors[within - 1 : within + 1].mean())
        return Correct(holdout=float((errors <= tolerance).mean()), tolerance=tolerance)

    def classes(self, model: Pipeline, rows: DataFrame, truth: Series, seed: int) -> Classes:
        """Bin what cross-validation answers to the training rows, as features are binned."""
        found = cross_val_predict(model, rows, truth, cv=self.folds(truth, seed))
        answers = answered(self._bounded(found)).astype(np.float32)
        edges = drift.cut(ANSWER, answers)
        names = drift.labels(ANSWER, edges)[:-1]  # no answer is missing
        counts = np.bincount(drift.indices(ANSWER, edges, answers), minlength=len(names))
        return edges, dict(zip(names, (counts / len(answers)).tolist(), strict=True))

    def examples(self, target: Series) -> list[int]:
        """Return the rows with the least, the middle and the largest value."""
        order: Sequence[int] = target.to_numpy().argsort(kind="stable").tolist()
        return [order[0], order[len(order) // 2], order[-1]]

    def report(self, truth: Series, outputs: PipelineOutputs) -> str:
        """Return the errors in the target's unit."""
        correct = self.correct(truth, outputs)
        lines = {
            "mean absolute error": f"{mean_absolute_error(truth, answered(outputs)):.5g}",
            f"error of {correct.holdout:.0%} at most": f"{correct.tolerance:.5g}",
            "R2": f"{self.score_of(truth, outputs):.4f}",
        }
        return "".join(f"\n  {what:22} {value:>8}" for what, value in lines.items()) + "\n"

    def _bounded(self, values: NDArray[np.float64]) -> PipelineOutputs:
        return np.clip(np.asarray(values, np.float64).reshape(-1, 1), *(TARGET_RANGE or ()))
