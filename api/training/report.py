"""What training says on the terminal."""

from pathlib import Path

from sklearn.metrics import classification_report
from sklearn.pipeline import Pipeline

from app.card import Candidate, Card
from app.features import CLASSES, FEATURES, TARGET
from app.model import TOLERANCE
from training.export import FUZZED_ROWS
from training.selection import FOLDS, Split


def start(data: Path, split: Split) -> None:
    """Print what is trained on, and the heading of the comparison."""
    sizes = split.sizes()
    print(
        f"{data.name}: {sizes['rows']} rows ({sizes['training_rows']} to train on, "
        f"{sizes['holdout_rows']} held out), {len(FEATURES)} features -> {TARGET}"
    )
    print(f"\nlog loss over {FOLDS} folds, lower is better", flush=True)


def comparison(candidate: Candidate) -> None:
    """Print one candidate's cross-validated log loss."""
    print(
        f"  {candidate.name:22} {candidate.log_loss:.4f} +- {candidate.log_loss_std:.4f}",
        flush=True,
    )


def export(name: str) -> None:
    """Print the choice, before the slow comparison of the export begins."""
    print(f"\nchosen: {name}; exporting and comparing with ONNX ...", flush=True)


def finish(card: Card, fitted: Pipeline, split: Split, out: Path) -> None:
    """Print how good the model is and where it lies."""
    predicted = fitted.predict(split.holdout)
    print(
        f"\nheld-out rows\n{classification_report(split.holdout_target, predicted, labels=CLASSES)}"
    )
    metrics = card.metrics
    print(
        f"log loss {metrics.holdout_log_loss:.4f} "
        f"(class shares alone: {metrics.baseline_log_loss:.4f})\n"
        f"ONNX against the pipeline, all rows and {FUZZED_ROWS} fuzzed ones: "
        f"at most {metrics.onnx_difference:.1e} apart (limit {TOLERANCE:g})\n"
        f"model {card.model_version} written to {out}"
    )
