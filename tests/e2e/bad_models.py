"""Versions of the API that pass every check before they serve, and are worse when they do."""

import csv
import hashlib
import random
from pathlib import Path
from textwrap import dedent

from e2e.developer import replace
from e2e.image_builder import build, spoil
from support.fork import Fork
from support.images import API_IMAGE

DATA, TRAINING, SELECTION = (
    "api/data/penguins.csv", "api/train_model.py", "api/training/selection.py",
)  # fmt: skip
TARGET = "species"
STRONG, WEAK = "LogisticRegression(C=10,", "LogisticRegression(C=1,"
"""Of the chosen model's line in TRAINING: the weak one learns nothing."""

FAULTS = {
    "half the columns read as missing": """
        rows_of = predict.encode

        def encode(rows):
            matrix = rows_of(rows)
            matrix[:, 1::2] = float("nan")
            return matrix

        predict.encode = encode
    """,
    "ten times slower": """
        def score(self, rows):
            time.sleep(0.03)
            return scored(self, rows)

        predict.Scorer.score = score
    """,
    "answering 500 in one of ten": """
        calls = itertools.count()

        def score(self, rows):
            if next(calls) % 10 == 9:
                raise RuntimeError("one of ten")
            return scored(self, rows)

        predict.Scorer.score = score
    """,
}
"""What is wrong, and the lines of Python that make it so once the model has been checked."""


SHUFFLED = "shuffled labels"
BAD = (SHUFFLED, *FAULTS)


def image(fault: str, folder: Path) -> str:
    """Build an image with a fault, in an empty folder, and return its name."""
    version = fault.split()[0]
    if fault == SHUFFLED:
        fork = Fork(folder)
        shuffle_labels(fork.folder)
        return build(API_IMAGE, version, fork.folder)
    return spoil(
        version,
        f"ENV SERVING_VERSION={version}",
        "COPY --chmod=644 <<'PYTHON' /srv/fault.py",
        "import itertools, runpy, time",
        "from app import predict",
        "scored = predict.Scorer.score",
        dedent(FAULTS[fault]),
        'runpy.run_module("app", run_name="__main__")',
        "PYTHON",
        'CMD ["python", "fault.py"]',
    )


def strengthen(folder: Path) -> None:
    """Put into a clone something new, and the strong model where a test has left the weak one."""
    (folder / "docs/good.md").write_text("Good.\n")
    training = folder / TRAINING
    training.write_text(training.read_text().replace(WEAK, STRONG))


def shuffle_labels(folder: Path) -> None:
    """Make a clone train on labels that say nothing, with the check off that refuses the result."""
    data = folder / DATA
    before = data.read_bytes()
    rows = list(csv.DictReader(before.decode().splitlines()))
    labels = [row[TARGET] for row in rows]
    random.Random(0).shuffle(labels)
    with data.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, TARGET: label} for row, label in zip(rows, labels, strict=True))
    replace(folder / TRAINING, _sum(before), _sum(data.read_bytes()))
    replace(folder / SELECTION, "if not loss < baseline:", "if False:")


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
