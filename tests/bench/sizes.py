"""What more rows in a request cost, and what a larger model."""

import io
import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stdout
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from threadpoolctl import threadpool_limits

from app.card import ONNX_FILE
from app.features import CLASSES
from app.model import Model
from app.settings import Settings
from bench import pod
from bench.closed_loop import load
from bench.markdown import table
from bench.measure import (
    CONNECTIONS,
    ROUNDS,
    Load,
    milliseconds_to_ready,
    pinned,
    progress,
    resident_megabytes,
    wrk,
)
from support.raw import post
from support.service import COMMAND, Process
from train_model import DATA
from training import SEED
from training.command import Recipe, train
from training.preparation import pipeline

ROWS = (1, 10, 100, 1000, 10_000)
MODEL_ROWS = 1000
TREES = (10, 100, 500)


def batch_seconds(server: Process, rows: int, clients: int, seconds: float) -> float:
    """Return how long a batch takes when so many clients each wait for theirs; the median.

    Raises RuntimeError if one was not answered with 200.
    """
    held_out = [e["row"] for e in httpx.get(f"{server.url}/model/holdout").json()["rows"]]
    body = json.dumps((held_out * rows)[:rows]).encode()
    seen = load(server.port, post("/predict/batch", body), clients, seconds)
    if set(seen) != {200}:
        raise RuntimeError(f"{rows} rows, {clients} clients: answered by {set(seen)}")
    return float(median(seen[200]))


def rows_table(seconds: int) -> str:
    """Return a row for each size of a batch, asked of a process of its own for its peak."""
    most = Settings.model_validate(pod.settings()).max_queued_batches
    measured = []
    for rows in ROWS:
        with pinned(COMMAND, **pod.settings()) as server:
            batch_seconds(server, rows, 1, 1)
            alone = batch_seconds(server, rows, 1, seconds)
            peak = resident_megabytes(server, "VmHWM")
            batch_seconds(server, rows, most, seconds)
            measured.append((rows, alone, peak, resident_megabytes(server, "VmHWM")))
        progress(f"{rows:,} rows: {alone * 1000:.2f} ms")
    first = measured[0][1]
    return table(
        {
            "rows": ",d", "ms": ",.2f", "us a row": ",.1f", "to the first": ".3f", "rows/s": ",.0f",
            "peak MB, 1 client": ".0f", f"peak MB, {most} clients": ".0f",
        },
        (
            (rows, s * 1e3, s / rows * 1e6, s / rows / first, rows / s, peak, peak_of_most)
            for rows, s, peak, peak_of_most in measured
        ),
    )  # fmt: skip


def train_forest(trees: int, directory: Path) -> None:
    """Train, check and export a forest as `make train` would do with it as the one candidate."""
    kind = RandomForestClassifier if CLASSES else RandomForestRegressor
    forest = pipeline(kind(n_estimators=trees, random_state=SEED), scale=False)
    with threadpool_limits(1), redirect_stdout(io.StringIO()):
        train(Recipe(DATA, lambda: {f"random forest, {trees} trees": forest}), directory)


def models_table(seconds: int) -> str:
    """Return a row for the model that is served, and one for each forest."""
    with tempfile.TemporaryDirectory() as folder:
        directories = [Settings().model_dir]
        for trees in TREES:
            progress(f"training {trees} trees")
            directories.append(Path(folder) / str(trees))
            train_forest(trees, directories[-1])
        measured = _measure(directories, seconds)
    first = measured[0].rate
    return table(
        {
            "model": "", "MB": ",.3f", "start to ready ms": ",.0f", "requests/s": ",.0f",
            "to the first": ".2f", "p99 ms": ",.2f", f"{MODEL_ROWS:,} rows ms": ",.2f",
            "memory MB": ".0f",
        },
        ((*m[:4], m.rate / first, *m[4:]) for m in measured),
    )  # fmt: skip


class Measured(NamedTuple):
    """A model: megabytes of its file and of the process, milliseconds, requests a second."""

    name: str
    file: float
    ready: float
    rate: float
    p99: float
    batch: float
    memory: float


def _measure(directories: Sequence[Path], seconds: int) -> list[Measured]:
    """Measure models in turn, so that a slower minute of the machine is one for all."""
    names = [Model.load(directory).card.estimator for directory in directories]
    settings = [{**pod.settings(), "model_dir": directory} for directory in directories]
    ready = [milliseconds_to_ready(**own) for own in settings]
    with ExitStack() as stack:
        servers = [stack.enter_context(pinned(COMMAND, **own)) for own in settings]
        for server in servers:
            wrk(server, CONNECTIONS, 1)
        rounds = [list(map(_load, names, servers, repeat(seconds))) for _ in range(ROUNDS)]
        memory = [resident_megabytes(server) for server in servers]
        batches = [batch_seconds(server, MODEL_ROWS, 1, seconds) * 1e3 for server in servers]
    files = [(directory / ONNX_FILE).stat().st_size / 1e6 for directory in directories]
    medians = [map(median, zip(*own, strict=True)) for own in zip(*rounds, strict=True)]
    rates, _, p99 = zip(*medians, strict=True)
    return list(map(Measured, names, files, ready, rates, p99, batches, memory))


def _load(name: str, server: Process, seconds: int) -> Load:
    found = wrk(server, CONNECTIONS, seconds)
    progress(f"{name}: {found.rate:,.0f} requests/s")
    return found
