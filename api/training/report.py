"""What training says on the terminal."""

from pathlib import Path

from sklearn.base import BaseEstimator

from app.card import Candidate, Card
from app.features import ANSWER, FEATURES, TARGET
from app.model import TOLERANCE
from training.export import Export, unproven
from training.parity import FUZZED_ROWS
from training.preparation import pipeline
from training.selection import Split
from training.tasks import TASK


def start(data: Path, split: Split) -> None:
    """Print what is trained on, and the heading of the comparison."""
    sizes = split.sizes()
    print(
        f"{data.name}: {sizes['rows']} rows ({sizes['training_rows']} to train on, "
        f"{sizes['holdout_rows']} held out), {len(FEATURES)} features -> {TARGET}"
    )
    for line in TASK.adapted(split.train_target):
        print(line)
    unit = f" ({ANSWER.unit})" if ANSWER.unit else ""
    print(f"\n{TASK.loss}{unit} over {len(split.folds())} folds, lower is better", flush=True)


def comparison(candidate: Candidate) -> None:
    """Print one candidate's cross-validated loss."""
    loss, deviation = (f"{x:{TASK.digits}}" for x in (candidate.loss, candidate.loss_std))
    print(f"  {candidate.name:22} {loss} +- {deviation}", flush=True)


def exporting(name: str) -> None:
    """Print the choice, before the slow comparison of the export begins."""
    print(f"\nchosen: {name}; exporting and comparing what is served ...", flush=True)


def finish(card: Card, served: Export, fitted: BaseEstimator, split: Split, out: Path) -> None:
    """Print how good the model is and where it lies."""
    outputs = TASK.outputs(fitted, split.holdout)
    metrics = card.metrics
    loss, baseline = (f"{x:{TASK.digits}}" for x in (metrics.loss.holdout, metrics.loss.baseline))
    print(
        f"\nheld-out rows\n{TASK.report(split.holdout_target, outputs)}\n"
        f"{TASK.loss} {loss} ({TASK.baseline}: {baseline})\n"
        f"{_how(served, split)}\n"
        f"the service against the pipeline, all rows and {FUZZED_ROWS} fuzzed ones: "
        f"at most {served.difference:.1e} apart (limit {TOLERANCE:g})\n"
        f"model {card.model_version} written to {out}"
    )


def _how(served: Export, split: Split) -> str:
    """Say what runs the model, and how much longer it takes where that is not ONNX."""
    if served.serving.runtime == "onnx":
        return "served as an ONNX model"
    linear = pipeline(TASK.linear(), scale=True).fit(split.train, split.train_target)
    onnx = unproven(linear)
    one, many = split.train_rows[:1], (split.train_rows * 1000)[:1000]
    return (
        f"served by scikit-learn itself, since ONNX cannot say it: {served.not_onnx}\n"
        f"it takes {served.milliseconds(one):.2g} ms for a row and {served.milliseconds(many):.2g} "
        f"for 1,000; a linear model as ONNX takes {onnx.milliseconds(one):.2g} and "
        f"{onnx.milliseconds(many):.2g}"
    )
