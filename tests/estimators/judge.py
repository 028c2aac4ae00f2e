"""What becomes of each case with the data of the schema, as a line of JSON.

    PYTHONPATH=api:tests .venv/bin/python -m estimators.judge [CASE ...]

Each case is judged in a process of its own, which may take a minute of a processor and no more.
"""

import json
import multiprocessing
import resource
import signal
import sys
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from statistics import median
from time import perf_counter

from pandas import DataFrame
from threadpoolctl import threadpool_limits

import train_model
from app.features import Matrix, Predict, encode
from app.model import open_model
from estimators.cases import Case, cases
from estimators.verdict import CANDIDATE, SECONDS, Verdict
from training import SEED, TrainingError
from training.data import to_rows
from training.export import export, unwrapped
from training.parity import fuzz
from training.selection import Split, choose, fit, split_rows

ROWS = 1000
FEWEST_CALLS, SHORTEST_SECONDS = 11, 0.02
"""What is measured at least."""


def judged(chosen: Collection[str]) -> Iterator[Verdict]:
    """Yield the verdict on each case that is chosen, on all of them if none is."""
    source = train_model.DATA
    features, target = source.load(source.file)
    split = split_rows(features, target)
    tables = features, fuzz(features, SEED)
    matrix = encode(to_rows(tables[1][:ROWS]))
    for case in cases():
        if not chosen or Verdict(case.name, case.front, "").case in chosen:
            yield _in_a_process(case, split, tables, matrix)


def _in_a_process(case: Case, split: Split, tables: Sequence[DataFrame], matrix: Matrix) -> Verdict:
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sending, case, split, tables, matrix))
    process.start()
    sending.close()
    with suppress(EOFError):
        verdict: Verdict = receiving.recv()
        process.join()
        return verdict
    process.join()
    cut_off = process.exitcode == -signal.SIGXCPU
    ended = f"not done within {SECONDS} s" if cut_off else f"status {process.exitcode}"
    return Verdict(case.name, case.front, "refused", ended)


def _send(
    sending: Connection, case: Case, split: Split, tables: Sequence[DataFrame], matrix: Matrix
) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    # That a search for the best weights ends early is no matter here.
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        sending.send(_verdict(case, split, tables, matrix))


def _verdict(case: Case, split: Split, tables: Sequence[DataFrame], matrix: Matrix) -> Verdict:
    """Do what training does with its only candidate, but for asking whether it is any good."""
    try:
        choose({CANDIDATE: case.estimator}, split, report=lambda _: None)
        fitted = unwrapped(fit(CANDIDATE, case.estimator, split))
        served = export(CANDIDATE, fitted, tables)
    except TrainingError as error:
        return Verdict(case.name, case.front, "refused", f"train_model: {error}")
    predict = open_model(served.content, served.serving)
    runtime = served.serving.runtime
    return Verdict(
        case.name,
        case.front,
        "own choice" if runtime == "onnx" and served.serving.own_choice else runtime,
        served.not_onnx,
        served.difference,
        _microseconds(predict, matrix[:1]),
        _microseconds(predict, matrix) / len(matrix),
    )


def _microseconds(predict: Predict, matrix: Matrix) -> float:
    """Return the median of what some calls take."""
    times: list[float] = []
    while len(times) < FEWEST_CALLS or sum(times) < SHORTEST_SECONDS:
        start = perf_counter()
        predict(matrix)
        times.append(perf_counter() - start)
    return 1e6 * median(times)


if __name__ == "__main__":
    for verdict in judged(sys.argv[1:]):
        print(json.dumps(verdict), flush=True)
