"""What training says on the terminal."""

from pathlib import Path

from sklearn.pipeline import Pipeline

from app.card import Candidate, Card
from app.features import ANSWER, FEATURES, TARGET
from app.model import TOLERANCE
from training.export import FUZZED_ROWS
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


def export(name: str) -> None:
    """Print the choice, before the slow comparison of the export begins."""
    print(f"\nchosen: {name}; exporting and comparing with ONNX ...", flush=True)


def finish(card: Card, fitted: Pipeline, split: Split, out: Path) -> None:
    """Print how good the model is and where it lies."""
    outputs = TASK.outputs(fitted, split.holdout)
    metrics = card.metrics
    loss, baseline = (f"{x:{TASK.digits}}" for x in (metrics.loss.holdout, metrics.loss.baseline))
    print(
        f"\nheld-out rows\n{TASK.report(split.holdout_target, outputs)}\n"
        f"{TASK.loss} {loss} ({TASK.baseline}: {baseline})\n"
        f"ONNX against the pipeline, all rows and {FUZZED_ROWS} fuzzed ones: "
        f"at most {metrics.onnx_difference:.1e} apart (limit {TOLERANCE:g})\n"
        f"model {card.model_version} written to {out}"
    )
