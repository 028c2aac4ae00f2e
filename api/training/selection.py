"""Choosing a candidate, and refusing one that has learnt nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from pandas import DataFrame, Series
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import Pipeline

from app.card import Candidate, Correct, Loss, Score
from training import SEED, TrainingError
from training.tasks import TASK

HOLDOUT_SHARE = 0.2


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


class Quality(TypedDict):
    """The part of the card's metrics that the held-out rows tell."""

    loss: Loss
    score: Score
    correct: Correct


def split_rows(features: DataFrame, target: Series) -> Split:
    """Set a fifth of the rows aside, with the same share of each class where there are any."""
    train, holdout, train_target, holdout_target = train_test_split(
        features, target, test_size=HOLDOUT_SHARE, stratify=TASK.strata(target), random_state=SEED
    )
    return Split(train, train_target, holdout, holdout_target)


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
            scoring=TASK.scoring,
            cv=TASK.folds(SEED),
            error_score="raise",
        )
        compared.append(Candidate(name=name, loss=losses.mean(), loss_std=losses.std()))
        report(compared[-1])
    return sorted(compared, key=lambda candidate: candidate.loss)


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
