"""Choosing a candidate, and refusing one that has learnt nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, Series
from sklearn.base import BaseEstimator
from sklearn.model_selection import cross_val_score, train_test_split

from app.card import Candidate, Correct, Loss, Score
from app.schemas import Row
from training import SEED, TrainingError, innermost
from training.columns import narrowed
from training.data import to_rows
from training.task import Folds
from training.tasks import TASK

HOLDOUT_SHARE = 0.2
FEWEST_ROWS = 10
"""Eight to train on and two held out: R2 needs two, five folds need five."""


@dataclass(frozen=True)
class Split:
    """Rows to fit on and rows to judge by: as pipelines get them, and as clients send them."""

    train: DataFrame
    train_rows: list[Row]
    train_target: Series
    holdout: DataFrame
    holdout_rows: list[Row]
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
    for column, known in features.iloc[train].notna().any().items():
        if not known:
            raise TrainingError(
                f"{column}: {int(features[column].notna().sum())} of {len(features)} rows have a "
                "value, and none of those to train on; leave it out of schemas.py"
            )
    table, rows = narrowed(features), to_rows(features)
    return Split(
        table.iloc[train], [rows[i] for i in train], target.iloc[train],
        table.iloc[holdout], [rows[i] for i in holdout], target.iloc[holdout],
    )  # fmt: skip


def choose(
    candidates: dict[str, BaseEstimator], split: Split, report: Callable[[Candidate], None]
) -> list[Candidate]:
    """Compare by cross-validated loss on the training rows; return them best first.

    Raises TrainingError that names the candidate which cannot be fitted or judged, and why.
    """
    compared = []
    for name, estimator in candidates.items():
        with _named(name):
            TASK.check_estimator(estimator)
            losses = -cross_val_score(
                estimator,
                split.train,
                # As an array: for y[0] a Series looks for the row that is labelled 0.
                split.train_target.to_numpy(),
                scoring=_negated_loss,
                cv=split.folds(),
                error_score="raise",
            )
        compared.append(Candidate(name=name, loss=losses.mean(), loss_std=losses.std()))
        report(compared[-1])
    return sorted(compared, key=lambda candidate: candidate.loss)


def fit(name: str, estimator: BaseEstimator, split: Split) -> BaseEstimator:
    """Fit an estimator to the rows to train on. Raises TrainingError that names it, and why not."""
    with _named(name):
        return estimator.fit(split.train, split.train_target.to_numpy())


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Raise TrainingError that names the estimator and the cause, whatever is raised."""
    try:
        yield
    # An estimator of anybody's raises whatever its author chose.
    except Exception as error:
        raise TrainingError(f"{name}: {innermost(error)}") from error


def _negated_loss(model: BaseEstimator, rows: DataFrame, truth: NDArray[Any]) -> float:
    """Return the loss of what the model answers, negated: scikit-learn's scores are."""
    return -TASK.loss_of(truth, TASK.outputs(model, rows))


def check_quality(name: str, fitted: BaseEstimator, split: Split) -> Quality:
    """Return loss, score and share of correct answers on the holdout.

    Raises TrainingError if the model cannot answer them, or unless it beats one that learns nothing
    from the features.
    """
    dummy = TASK.dummy().fit(split.train, split.train_target)
    baseline = TASK.loss_of(split.holdout_target, TASK.outputs(dummy, split.holdout))
    with _named(name):
        outputs = TASK.outputs(fitted, split.holdout)
        loss = TASK.loss_of(split.holdout_target, outputs)
    if not loss < baseline:
        raise TrainingError(
            f"quality gate: {name} has a {TASK.loss} of {loss:{TASK.digits}} on the holdout, "
            f"no better than the {baseline:{TASK.digits}} of the {TASK.baseline}"
        )
    return {
        "loss": Loss(name=TASK.loss, holdout=loss, baseline=baseline),
        "score": Score(name=TASK.score, holdout=TASK.score_of(split.holdout_target, outputs)),
        "correct": TASK.correct(split.holdout_target, outputs),
    }
