"""What differs between classification and regression: the rest of training is the same."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from app.card import Correct

FOLDS = 5
"""Of cross-validation, where there are rows enough."""

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]
"""Positions of the rows to fit on and of those to judge by, for each fold."""

PipelineOutputs = NDArray[np.float64]
"""What the pipeline says, shaped as the service's outputs are."""
Classes = tuple[list[float], dict[str, float]]
"""Inner edges of the answers' bins, none in classification, and shares by class or bin."""


class Task(ABC):
    """How models of this kind are judged."""

    loss: str
    score: str
    baseline: str
    """What the model that has learnt nothing knows."""
    digits: str
    """Format of a loss."""

    @abstractmethod
    def check(self, target: Series) -> None:
        """Raise TrainingError if the data's target is not what schemas.py says."""

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
    def outputs(self, model: BaseEstimator, rows: object) -> PipelineOutputs:
        """Return what the model has to say: probabilities, or values within their range."""

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
