"""What differs between classification and regression: the rest of training is the same."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from app.card import Correct
from app.features import TARGET
from training import TrainingError

FOLDS = 5
"""Of cross-validation, where there are rows enough."""

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]
"""Positions of the rows to fit on and of those to judge by, for each fold."""

PipelineOutputs = NDArray[np.float64]
"""What the pipeline says, shaped as the service's outputs are."""
Classes = tuple[list[float], dict[str, float]]
"""Inner edges of the answers' bins, none in classification, and shares by class or bin."""


def last_step(estimator: BaseEstimator) -> BaseEstimator:
    """Return the step of a pipeline that answers."""
    return last_step(estimator[-1]) if isinstance(estimator, Pipeline) else estimator


def finite(model: BaseEstimator, outputs: PipelineOutputs) -> PipelineOutputs:
    """Return the outputs of a model. Raises TrainingError if one is no number."""
    if not np.isfinite(outputs).all():
        raise TrainingError(
            f"{type(last_step(model)).__name__} itself answers NaN, as it is set, to a row that is "
            'unlike those fitted on; give it a larger radius or kernel="knn", whichever it has'
        )
    return outputs


class Task(ABC):
    """How models of this kind are judged."""

    loss: str
    score: str
    baseline: str
    """What the model that has learnt nothing knows."""
    digits: str
    """Format of a loss."""
    kind: str
    other: str
    """What estimators of this task and of the other one are called."""
    answer: str
    """What the target is."""

    @abstractmethod
    def check(self, target: Series) -> None:
        """Raise TrainingError if the data's target is not what schemas.py says."""

    @abstractmethod
    def is_other(self, estimator: BaseEstimator) -> bool:
        """Tell whether an estimator is one of the other task."""

    def check_estimator(self, estimator: BaseEstimator) -> None:
        """Raise TrainingError if a candidate cannot say what the service has to answer."""
        kind = type(last_step(estimator)).__name__
        if self.is_other(estimator):
            raise TrainingError(
                f"{kind} is a {self.other}, but {TARGET} is a {self.answer}; write a {self.kind} "
                "in its place"
            )
        if not get_tags(last_step(estimator)).target_tags.single_output:
            raise TrainingError(
                f"{kind} answers several targets, and schemas.py has one; write what it holds in "
                "its place, or its kind for one target, such as Lasso for MultiTaskLasso"
            )

    @abstractmethod
    def strata(self, target: Series) -> Series | None:
        """Return what both parts of the data should have the same shares of."""

    @abstractmethod
    def folds(self, target: Series, seed: int) -> Folds:
        """Return how cross-validation divides the rows. Raises TrainingError if it cannot."""

    @abstractmethod
    def adapted(self, target: Series) -> list[str]:
        """Return lines that say what is done otherwise where few rows are there to train on."""

    @abstractmethod
    def dummy(self) -> BaseEstimator:
        """Return an estimator that learns nothing from the features."""

    @abstractmethod
    def linear(self) -> BaseEstimator:
        """Return a small, fast estimator, to compare the speed of others with."""

    @abstractmethod
    def outputs(self, model: BaseEstimator, rows: object) -> PipelineOutputs:
        """Return what the model has to say: probabilities, or values within their range.

        Raises TrainingError if it has nothing to say of a row.
        """

    @abstractmethod
    def loss_of(self, truth: Series, outputs: PipelineOutputs) -> float:
        """Return the loss of what is answered, lower is better."""

    @abstractmethod
    def score_of(self, truth: Series, outputs: PipelineOutputs) -> float:
        """Return the score, 1 is perfect."""

    @abstractmethod
    def correct(self, truth: Series, outputs: PipelineOutputs) -> Correct:
        """Return the share of correct answers, and what makes an answer correct."""

    @abstractmethod
    def classes(self, model: Pipeline, rows: DataFrame, truth: Series, seed: int) -> Classes:
        """Return inner edges and training shares of what predictions are counted by."""

    @abstractmethod
    def examples(self, target: Series) -> list[int]:
        """Return the positions of a few rows that are as unlike each other as can be."""

    @abstractmethod
    def report(self, truth: Series, outputs: PipelineOutputs) -> str:
        """Return a table of how well the held-out rows were answered."""
