"""Choosing a candidate, and refusing one that has learnt nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TypedDict

import numpy as np
from pandas import DataFrame, Series
from sklearn.base import BaseEstimator
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import Pipeline

from app.card import Candidate, Correct, Loss, Score
from training import SEED, TrainingError
from training.task import Folds
from training.tasks import TASK

HOLDOUT_SHARE = 0.2
FEWEST_ROWS = 10
"""Eight to train on and two held out: R2 needs two, five folds need five."""


@dataclass(frozen=True)
class Split:
    """Rows to fit on and rows to judge by."""

    train: DataFrame
    train_target: Series
    holdout: DataFrame
    holdout_target: Series

    def sizes(self) -> dict[str, int]:
        """Return the number of rows of each part, by the names of the card."""
        train, holdout = len(self.train), len(self.holdout)
        return {"rows": train + holdout, "training_rows": train, "holdout_rows": holdout}

    def folds(self) -> Folds:
        """Return how cross-validation divides the rows to fit on."""
        return TASK.folds(self.train_target, SEED)


class Quality(TypedDict):
    """The part of the card's metrics that the held-out rows tell."""

    loss: Loss
    score: Score
    correct: Correct


def split_rows(features: DataFrame, target: Series) -> Split:
    """Set a fifth of the rows aside, with the same share of each class where there are any.

    Of each class at least one row is held out and one trained on. Raises TrainingError if there
    are too few rows, or if a column has no value in those to train on.
    """
    if len(target) < FEWEST_ROWS:
        raise TrainingError(f"the data has {len(target)} rows; training needs {FEWEST_ROWS}")
    strata = TASK.strata(target)
    classes = [] if strata is None else sorted(strata.unique())
    train, holdout = train_test_split(
        np.arange(len(target)),
        test_size=max(ceil(HOLDOUT_SHARE * len(target)), len(classes)),
        stratify=strata,
        random_state=SEED,
    )
    for name in classes:
        of_class = (target == name).to_numpy()
        if not of_class[holdout].any():
            moved = train[of_class[train]][:1]
            train, holdout = train[train != moved], np.append(holdout, moved)
    split = Split(
        features.iloc[train], target.iloc[train], features.iloc[holdout], target.iloc[holdout]
    )
    for column, known in split.train.notna().any().items():
        if not known:
            raise TrainingError(
                f"{column}: {int(features[column].notna().sum())} of {len(features)} rows have a "
                "value, and none of those to train on; leave it out of schemas.py"
            )
    return split


def choose(
    pipelines: dict[str, Pipeline], split: Split, report: Callable[[Candidate], None]
) -> list[Candidate]:
    """Compare by cross-validated loss on the training rows; return them best first."""
    compared = []
    for name, pipeline in pipelines.items():
        losses = -cross_val_score(
            pipeline,
            split.train,
            split.train_target,
            scoring=_negated_loss,
            cv=split.folds(),
            error_score="raise",
        )
        compared.append(Candidate(name=name, loss=losses.mean(), loss_std=losses.std()))
        report(compared[-1])
    return sorted(compared, key=lambda candidate: candidate.loss)


def _negated_loss(model: BaseEstimator, rows: DataFrame, truth: Series) -> float:
    """Return the loss of what the model answers, negated: scikit-learn's scores are."""
    return -TASK.loss_of(truth, TASK.outputs(model, rows))


def check_quality(name: str, fitted: Pipeline, split: Split) -> Quality:
    """Return loss, score and share of correct answers on the holdout.

    Raises TrainingError unless the model beats one that learns nothing from the features.
    """
    dummy = TASK.dummy().fit(split.train, split.train_target)
    baseline, loss = (
        TASK.loss_of(split.holdout_target, TASK.outputs(model, split.holdout))
        for model in (dummy, fitted)
    )
    if not loss < baseline:
        raise TrainingError(
            f"quality gate: {name} has a {TASK.loss} of {loss:{TASK.digits}} on the holdout, "
            f"no better than the {baseline:{TASK.digits}} of the {TASK.baseline}"
        )
    outputs = TASK.outputs(fitted, split.holdout)
    return {
        "loss": Loss(name=TASK.loss, holdout=loss, baseline=baseline),
        "score": Score(name=TASK.score, holdout=TASK.score_of(split.holdout_target, outputs)),
        "correct": TASK.correct(split.holdout_target, outputs),
    }
