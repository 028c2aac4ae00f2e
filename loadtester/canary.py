"""A small steady stream of labelled rows: measures the service from outside, and its accuracy.

Every row opens a new connection, so that all pods are asked. With the addresses of two releases it
compares these too, meanwhile. Ends on SIGTERM or SIGINT.
"""

import argparse
import logging
import os
import signal
import threading
import time

import httpx
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)

from address import address
from comparison import Comparison
from holdout import PATH, Holdout, Label, Row, WrongAnswer

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

log = logging.getLogger("canary")


class CanaryMetrics:
    """What the canary counts."""

    def __init__(self) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "canary_requests", "Rows sent, by what came back", ["outcome"], registry=self.registry
        )
        for outcome in ("correct", "wrong", "error"):
            self.requests.labels(outcome)  # a rate can't see the step from nothing to one
        self.seconds = Histogram(
            "canary_request_duration_seconds",
            "From connecting to the whole answer; errors included",
            buckets=SECONDS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)

    def counted(self) -> str:
        """Return the rows sent, in words."""
        (family,) = self.requests.collect()
        return ", ".join(
            f"{sample.value:.0f} {sample.labels['outcome']}"
            for sample in family.samples
            if sample.name.endswith("_total")
        )


class Canary:
    """Asks one service, and goes on whatever the service does."""

    def __init__(self, url: str, metrics: CanaryMetrics) -> None:
        self._metrics = metrics
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=url, timeout=5, limits=limits)
        self._holdout: Holdout | None = None
        self._last = ""

    def send_a_row(self) -> None:
        """Send the next row, getting the rows first where needed, and count what comes back."""
        try:
            if self._holdout is None:
                self._holdout = Holdout.parse(self._client.get(PATH).raise_for_status().json())
                self._rows = self._holdout.shuffled()
            row, label = next(self._rows)
            holdout = self._holdout
            outcome = "correct" if holdout.is_correct(self._ask(holdout, row), label) else "wrong"
            self._say(f"{self._client.base_url} answers")
        except (httpx.HTTPError, RecursionError, ValueError, WrongAnswer) as error:
            outcome = "error"
            self._holdout = None  # another model may be coming up, with other rows
            self._say(f"{self._client.base_url}: {type(error).__name__}: {error}")
        self._metrics.requests.labels(outcome).inc()

    def _ask(self, holdout: Holdout, row: Row) -> Label:
        """Return the predicted class or value."""
        with self._metrics.seconds.time():
            response = self._client.post("/predict", json=row)
        answer = response.raise_for_status().json()
        found = holdout.check(answer)
        if answer.get("model_version") != holdout.model_version:
            self._holdout = None  # its own rows from now on; this one's label is true all the same
        return found

    def _say(self, line: str) -> None:
        """Log a line when it differs from the one before."""
        if line != self._last:
            self._last = line
            log.info(line)


def options() -> argparse.Namespace:
    """Read the command line; the environment gives the defaults."""
    parser = argparse.ArgumentParser(description=__doc__)
    env = os.environ.get
    parser.add_argument(
        "--url", type=address, default=env("CANARY_URL", "http://127.0.0.1:8000"),
        help="CANARY_URL; %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=float, default=env("CANARY_RATE", "2"), help="rows a second; CANARY_RATE; 2"
    )
    parser.add_argument(
        "--metrics-port", type=int, default=env("CANARY_METRICS_PORT", "9647"),
        help="CANARY_METRICS_PORT; %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--stable-url", type=address, default=env("CANARY_STABLE_URL"),
        help="where the stable release alone answers; CANARY_STABLE_URL; none",
    )  # fmt: skip
    parser.add_argument(
        "--new-url", type=address, default=env("CANARY_NEW_URL"),
        help="where the newest release alone answers; CANARY_NEW_URL; none",
    )  # fmt: skip
    parser.add_argument(
        "--compare-rate", type=float, default=env("CANARY_COMPARE_RATE", "10"),
        help="rows a second to each of two releases; CANARY_COMPARE_RATE; %(default)s",
    )  # fmt: skip
    found = parser.parse_args()
    for option, rate in (("--rate", found.rate), ("--compare-rate", found.compare_rate)):
        if not 0 < rate <= 100:
            parser.error(f"{option}: {rate:g} is not between 0 and 100 rows a second")
    if not found.stable_url and found.new_url:
        parser.error(f"--stable-url: none, but --new-url is {found.new_url}: give both or none")
    if not found.new_url and found.stable_url:
        parser.error(f"--new-url: none, but --stable-url is {found.stable_url}: give both or none")
    return found


def main() -> None:
    """Send rows at the rate asked for until told to end."""
    asked = options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a request
    ended = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: ended.set())
    metrics = CanaryMetrics()
    start_http_server(asked.metrics_port, registry=metrics.registry)
    comparing: list[threading.Thread] = []
    if asked.stable_url:
        urls = (asked.stable_url, asked.new_url)
        comparison = Comparison(*urls, asked.compare_rate, metrics.registry)
        comparing.append(threading.Thread(target=comparison.run, args=(ended,), daemon=True))
        comparing[0].start()
    canary, due = Canary(asked.url, metrics), time.monotonic()
    while not ended.is_set():
        canary.send_a_row()
        # A slow answer delays the rows after it; they are not sent in a burst later.
        due = max(due + 1 / asked.rate, time.monotonic())
        ended.wait(due - time.monotonic())
    for thread in comparing:
        thread.join()
    log.info("ended after %s", metrics.counted())


if __name__ == "__main__":
    main()
