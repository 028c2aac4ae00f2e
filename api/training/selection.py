"""Choosing a candidate, and refusing one that has learnt nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from pandas import DataFrame, Series
from sklearn.dummy import DummyClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline

from app.card import Candidate
from training import TrainingError

FOLDS = 5


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


def choose(
    pipelines: dict[str, Pipeline], split: Split, seed: int, report: Callable[[Candidate], None]
) -> list[Candidate]:
    """Compare by cross-validated log loss on the training rows; return them best first."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    compared = []
    for name, pipeline in pipelines.items():
        losses = -cross_val_score(
            pipeline,
            split.train,
            split.train_target,
            scoring="neg_log_loss",
            cv=folds,
            error_score="raise",
        )
        compared.append(Candidate(name=name, log_loss=losses.mean(), log_loss_std=losses.std()))
        report(compared[-1])
    return sorted(compared, key=lambda candidate: candidate.log_loss)


def check_quality(name: str, fitted: Pipeline, split: Split) -> dict[str, float]:
    """Return log loss, accuracy and the baseline's log loss on the holdout.

    Raises TrainingError unless the model beats one that knows only the class shares.
    """
    dummy = DummyClassifier(strategy="prior").fit(split.train, split.train_target)
    baseline, loss = (
        float(log_loss(split.holdout_target, model.predict_proba(split.holdout)))
        for model in (dummy, fitted)
    )
    if not loss < baseline:
        raise TrainingError(
            f"quality gate: {name} has a log loss of {loss:.4f} on the holdout, "
            f"no better than the {baseline:.4f} of the class shares alone"
        )
    accuracy = float(fitted.score(split.holdout, split.holdout_target))
    return {
        "holdout_log_loss": loss,
        "holdout_accuracy": accuracy,
        "baseline_log_loss": baseline,
    }
