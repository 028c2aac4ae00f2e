"""Locust's counts for Prometheus: exact, also when workers send the requests.

Each process counts for itself; workers add what is new to each report, and the master sums up.
Unlike Locust's own statistics these are not reset when a run starts, nor are times rounded.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""The service's bounds and one more, so that percentiles of both sides can be compared."""

WORKER_STATES = ("ready", "spawning", "running", "missing")
REPORT = "exact_counts"


@dataclass
class Counts:
    """Requests of one method and name: failures, seconds in all, and how many took how long."""

    failures: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))

    def add(self, failures: int, seconds: float, buckets: list[int]) -> None:
        """Add counts of the same buckets."""
        self.failures += failures
        self.seconds += seconds
        self.buckets = [n + more for n, more in zip(self.buckets, buckets, strict=True)]


class LoadMetrics(Collector):
    """What this process, or all workers of this master, sent."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._counts: dict[tuple[str, str], Counts] = {}
        events = environment.events
        events.request.add_listener(self._request)
        events.report_to_master.add_listener(self._report)
        events.worker_report.add_listener(self._merge)

    def _of(self, method: str, name: str) -> Counts:
        return self._counts.setdefault((method, name), Counts())

    def _request(
        self,
        request_type: str,
        name: str,
        response_time: float,
        exception: Exception | None = None,
        **_: object,
    ) -> None:
        """Count one request; Locust gives milliseconds."""
        counts, seconds = self._of(request_type, name), response_time / 1000
        counts.failures += exception is not None
        counts.seconds += seconds
        counts.buckets[bisect_left(SECONDS, seconds)] += 1

    def _report(self, client_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002  # by name
        data[REPORT] = [
            [*key, counts.failures, counts.seconds, counts.buckets]
            for key, counts in self._counts.items()
        ]
        self._counts = {}

    def _merge(self, client_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002  # by name
        for method, name, failures, seconds, buckets in data[REPORT]:
            self._of(method, name).add(failures, seconds, buckets)

    def collect(self) -> Iterator[Metric]:
        """Yield all families."""
        yield from self._requests()
        yield from self._state()

    def _requests(self) -> Iterator[Metric]:
        labels = ["method", "name"]
        requests = CounterMetricFamily("locust_requests", "Requests sent", labels=labels)
        failures = CounterMetricFamily(
            "locust_request_failures",
            "Requests that failed or were answered wrongly",
            labels=labels,
        )
        seconds = HistogramMetricFamily(
            "locust_request_duration_seconds", "From sending to the whole answer", labels=labels
        )
        bounds = [*map(str, SECONDS), "+Inf"]
        for key, counts in list(self._counts.items()):
            cumulative = list(accumulate(counts.buckets))
            requests.add_metric(key, cumulative[-1])
            failures.add_metric(key, counts.failures)
            seconds.add_metric(key, list(zip(bounds, cumulative, strict=True)), counts.seconds)
        yield from (requests, failures, seconds)

    def _state(self) -> Iterator[Metric]:
        runner = self._environment.runner
        assert runner is not None
        yield GaugeMetricFamily("locust_users", "Users that run", value=runner.user_count)
        running = runner.state in ("spawning", "running")
        yield GaugeMetricFamily(
            "locust_target_users",
            "Users that should run",
            value=runner.target_user_count if running else 0,
        )
        workers = GaugeMetricFamily("locust_workers", "Workers, by state", labels=["state"])
        if isinstance(runner, MasterRunner):
            for state in WORKER_STATES:
                workers.add_metric([state], len(getattr(runner.clients, state)))
        yield workers


def serve(environment: Environment, port: int) -> None:
    """Count from now on and, except in a worker, serve what was counted at this port.

    Raises OSError if the port is taken.
    """
    metrics = LoadMetrics(environment)
    if isinstance(environment.runner, WorkerRunner):
        return
    registry = CollectorRegistry()
    registry.register(metrics)
    ProcessCollector(registry=registry)
    start_http_server(port, registry=registry)
