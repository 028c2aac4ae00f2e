"""Measure the service beside what it could be: `make bench`, a table a question."""

import os
import sys
from collections.abc import Sequence
from statistics import median, quantiles

import httpx
import joblib
import numpy as np
from pandas import DataFrame

from app.card import PIPELINE_FILE
from app.features import encode
from app.model import Model
from app.schemas import Row
from app.settings import Settings
from bench.closed_loop import load
from bench.measure import (
    BODY,
    CONNECTIONS,
    LOAD_CPU,
    ROUNDS,
    Load,
    milliseconds,
    milliseconds_to_ready,
    pinned,
    progress,
    require,
    runtime_megabytes,
    scraped,
    uvicorn,
    wrk,
)
from support.model_page import first_paint_ms
from support.raw import post
from support.service import COMMAND, Process, serving
from training.tasks import TASK

TELEMETRY_PAIRS = 60
TURNS = 5
SECONDS = 5
PAINTS = 15

SERVERS = {
    "bare uvicorn, fixed answer": uvicorn("bare"),
    "FastAPI, pydantic in and out": uvicorn("noop"),
    "FastAPI, pandas, pipeline": uvicorn("pipeline"),
    "this service": COMMAND,
}
UNCOUNTED = (sys.executable, "-m", "bench.uncounted")


def throughput() -> None:
    """Compare with the limit of the server and with FastAPI as it is usually written."""
    print(
        f"\nPOST /predict, one core, {CONNECTIONS} connections; "
        f"median of {TURNS} rounds of {SECONDS} s, all servers in each\n"
        f"{'':30}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>9}",
        flush=True,
    )
    rounds = [{name: _load(name, SERVERS[name]) for name in SERVERS} for _ in range(TURNS)]
    for name in SERVERS:
        rate, p50, p99 = (median(r[name][i] for r in rounds) for i in range(3))
        ratio = median(r[name].rate / next(iter(r.values())).rate for r in rounds)
        print(f"{name:30}{rate:9,.0f}{p50:9.2f}{p99:9.2f}{ratio:9.3f}")


def _load(name: str, command: Sequence[str]) -> Load:
    with pinned(command) as server, scraped(server):
        wrk(server, CONNECTIONS, 1)
        result = wrk(server, CONNECTIONS, SECONDS)
    progress(f"{name}: {result.rate:,.0f}")
    return result


def telemetry() -> None:
    """Compare with the same service that counts nothing; both are scraped as Prometheus does.

    They take turns of a second, since the machine's own speed changes within a few.
    """
    print(f"\ntelemetry on /predict; {TELEMETRY_PAIRS} pairs of 1 s", flush=True)
    rates: dict[str, list[float]] = {"counted": [], "not counted": []}
    with pinned() as counted, pinned(UNCOUNTED) as uncounted, scraped(counted), scraped(uncounted):
        turns = list(zip(rates, (counted, uncounted), strict=True))
        for _, server in turns:
            wrk(server, CONNECTIONS, 1)
        for _ in range(TELEMETRY_PAIRS):
            turns.reverse()
            for name, server in turns:
                rates[name].append(wrk(server, CONNECTIONS, 1).rate)
            progress(", ".join(f"{name}: {found[-1]:,.0f}" for name, found in rates.items()))
    for name, found in rates.items():
        print(f"{name:30}{median(found):9,.0f} req/s")
    costs = [1 - mine / other for mine, other in zip(*rates.values(), strict=True)]
    low, cost, high = quantiles(costs)
    print(f"{'cost of telemetry':30}{cost:9.1%}")
    print(f"{'a quarter of the pairs below':30}{low:9.1%}")
    print(f"{'a quarter of the pairs above':30}{high:9.1%}", flush=True)


def overload() -> None:
    """Ask with three times the connections that are let in, each again once it is answered."""
    print(
        f"\noverload; median of {ROUNDS} rounds of {SECONDS} s\n"
        f"{'connections':>11}{'status':>9}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}",
        flush=True,
    )
    with pinned() as server:
        for connections in (1, CONNECTIONS, 3 * CONNECTIONS):
            rounds = [_closed_loop(server, connections) for _ in range(ROUNDS)]
            for status in rounds[0]:
                rate, p50, p99 = (median(r[status][i] for r in rounds) for i in range(3))
                print(f"{connections:11}{status:9}{rate:9,.0f}{p50:9.2f}{p99:9.2f}", flush=True)


def _closed_loop(server: Process, connections: int) -> dict[int, Load]:
    """Return rate and latencies by status."""
    seen = load(server.port, post("/predict", BODY.encode()), connections, SECONDS)
    return {
        status: Load(len(times) / SECONDS, *np.quantile(times, (0.5, 0.99)) * 1000)
        for status, times in sorted(seen.items())
    }


def batch() -> None:
    """Compare a batch over HTTP, validated, with the bare models in this process."""
    directory = Settings().model_dir
    model, pipeline = Model.load(directory), joblib.load(directory / PIPELINE_FILE)
    with pinned() as server, httpx.Client(base_url=server.url) as client:
        held_out = [e["row"] for e in client.get("/model/holdout").json()["rows"]]
        records = (held_out * 1000)[:1000]
        matrix, frame = encode(map(Row.model_validate, records)), DataFrame(records)
        print("\n1,000 rows, ms")
        for name, job in {
            "POST /predict/batch": lambda: client.post("/predict/batch", json=records),
            "scikit-learn pipeline": lambda: TASK.outputs(pipeline, frame),
            "ONNX model": lambda: model.outputs(matrix),
        }.items():
            print(f"{name:30}{milliseconds(job, 50):9.2f}", flush=True)


def main() -> None:
    """Print all tables."""
    require("wrk", "taskset")
    with serving() as server:  # before the pinning, since a browser has more than one process
        first_paint = first_paint_ms(server, PAINTS)
    os.sched_setaffinity(0, {LOAD_CPU})
    throughput()
    telemetry()
    overload()
    batch()
    print(f"\nstart to ready, ms{milliseconds_to_ready():21,.0f}", flush=True)
    print(f"first paint of the page, ms{first_paint:12,.0f}")
    print(f"runtime packages, MB{runtime_megabytes():19,.0f}")


if __name__ == "__main__":
    main()
