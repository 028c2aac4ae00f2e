"""Every metric of the service: counted in plain integers, turned into Prometheus' when scraped.

A prometheus_client child costs 0.3 us to count and 0.7 us to observe, and /predict would need
ten of each; a list index costs a twentieth of that.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from app import drift
from app.card import ModelCard
from app.features import ANSWER, Matrix, Outputs, answered
from app.model import winners
from app.settings import Settings

LATENCY = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds; 0.1 is the latency objective, so that the share below it is exact."""
INFERENCE = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.1)
CONFIDENCE = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
BATCH_ROWS = (1, 2, 4, 8, 16, 32, 64, 100, 1000, 10_000)

FOLD_ROWS = 4096
"""Rows kept until they are binned together: 0.02 us a row instead of 0.6."""


class Histogram:
    """Counts by upper bound, not cumulative, and the sum of what was observed."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def observe_all(self, values: NDArray[np.float32]) -> None:
        """Count an array of values."""
        found = np.bincount(np.searchsorted(self._bounds, values), minlength=len(self._counts))
        self._counts = [n + int(more) for n, more in zip(self._counts, found, strict=True)]
        self._sum += float(values.sum())

    def add_to(self, family: HistogramMetricFamily, labels: Sequence[str] = ()) -> None:
        """Add this as one labelled histogram, cumulative as Prometheus wants it."""
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        cumulative = zip(bounds, accumulate(self._counts), strict=True)
        family.add_metric(labels, list(cumulative), self._sum)


class RouteCounts:
    """What is known of the requests to one route."""

    def __init__(self, statuses: Iterable[int] = ()) -> None:
        self.statuses: Counter[int] = Counter(dict.fromkeys(statuses, 0))
        self.seconds = Histogram(LATENCY)
        self.in_progress = 0

    def finished(self, status: int, seconds: float) -> None:
        """Count a request that was in progress."""
        self.in_progress -= 1
        self.statuses[status] += 1
        self.seconds.observe(seconds)


class HttpMetrics(Collector):
    """Requests by route: rate, errors, duration, in progress."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], RouteCounts] = {}

    def route(self, method: str, handler: str, statuses: Iterable[int] = ()) -> RouteCounts:
        """Return the counts of a route; `statuses` are exposed from the start, as zero.

        A rate cannot see the step from nothing to one, so the first error would be lost.
        """
        return self._routes.setdefault((method, handler), RouteCounts(statuses))

    def collect(self) -> Iterator[Metric]:
        """Yield the families of all routes."""
        labels = ["method", "handler"]
        requests = CounterMetricFamily(
            "http_requests", "Requests answered; 499: client gone", labels=[*labels, "status"]
        )
        seconds = HistogramMetricFamily(
            "http_request_duration_seconds",
            "From the head read to the answer written",
            labels=labels,
        )
        in_progress = GaugeMetricFamily(
            "http_requests_in_progress", "Requests not answered yet", labels=labels
        )
        for key, counts in self._routes.items():
            for status, n in counts.statuses.items():
                requests.add_metric([*key, str(status)], n)
            counts.seconds.add_to(seconds, key)
            in_progress.add_metric(key, counts.in_progress)
        yield from (requests, seconds, in_progress)


class ModelMetrics(Collector):
    """What the model was asked and what it answered, and the build that serves it."""

    def __init__(self, card: ModelCard, settings: Settings) -> None:
        self._card = card
        self._build = [settings.version, settings.revision, card.model_version, settings.release]
        self._classes = np.zeros(len(card.class_shares), np.int64)
        self._class_of = class_of(card)
        self._bins = [np.zeros(len(f.bins), np.int64) for f in card.features]
        # A regression gives no probability that says how sure it is of a value.
        self._confidence = Histogram(CONFIDENCE) if card.classes else None
        self._inference = Histogram(INFERENCE)
        self._batch = Histogram(BATCH_ROWS)
        self._rejected: Counter[str] = Counter()
        self._kept: list[tuple[Matrix, Outputs]] = []
        self._kept_rows = 0

    def scored(self, matrix: Matrix, outputs: Outputs, seconds: float) -> None:
        """Count one call of the model: inputs and outputs of the same rows, and its duration."""
        rows = len(matrix)
        self._inference.observe(seconds)
        self._batch.observe(rows)
        self._kept.append((matrix, outputs))
        self._kept_rows += rows
        if self._kept_rows >= FOLD_ROWS:
            self._fold()

    def rejected(self, reason: str) -> None:
        """Count an input that was refused."""
        self._rejected[reason] += 1

    def _fold(self) -> None:
        """Bin the rows kept so far and let go of them."""
        if not self._kept:
            return
        matrix, outputs = (np.concatenate(part) for part in zip(*self._kept, strict=True))
        self._kept, self._kept_rows = [], 0
        self._classes += np.bincount(self._class_of(outputs), minlength=len(self._classes))
        if self._confidence:
            self._confidence.observe_all(outputs[:, : len(self._card.classes)].max(axis=1))
        for counts, feature, column in zip(self._bins, self._card.features, matrix.T, strict=True):
            found = drift.indices(feature.feature, feature.edges, column)
            counts += np.bincount(found, minlength=len(counts))

    def collect(self) -> Iterator[Metric]:
        """Yield all families, up to the last answered row."""
        self._fold()
        build = GaugeMetricFamily(
            "serving_build_info",
            "What runs here; always 1",
            labels=["version", "revision", "model_version", "release"],
        )
        build.add_metric(self._build, 1)
        yield build
        yield from self._training()
        yield from self._answers()
        yield from self._drift()

    def _training(self) -> Iterator[Metric]:
        """Yield what training knew: that to which live traffic is compared."""
        version = self._card.model_version
        accuracy = GaugeMetricFamily(
            "model_holdout_accuracy",
            "Share of the held-out rows answered correctly",
            labels=["model_version"],
        )
        accuracy.add_metric([version], self._card.metrics.correct.holdout)
        rows = GaugeMetricFamily(
            "model_data_rows", "Rows of the data, by part", labels=["part", "model_version"]
        )
        rows.add_metric(["training", version], self._card.data.training_rows)
        rows.add_metric(["holdout", version], self._card.data.holdout_rows)
        classes = GaugeMetricFamily(
            "model_class_reference_ratio",
            "Share of the training rows, by class or by bin of the answer",
            labels=["predicted_class", "model_version"],
        )
        for name, share in self._card.class_shares.items():
            classes.add_metric([name, version], share)
        yield from (accuracy, rows, classes)

    def _answers(self) -> Iterator[Metric]:
        predictions = CounterMetricFamily(
            "model_predictions",
            "Rows answered, by class or by bin of the answer",
            labels=["predicted_class"],
        )
        for name, rows in zip(self._card.class_shares, self._classes, strict=True):
            predictions.add_metric([name], int(rows))
        rejected = CounterMetricFamily(
            "model_input_rejected", "Requests refused for their input", labels=["reason"]
        )
        for reason, n in self._rejected.items():
            rejected.add_metric([reason], n)
        yield from (predictions, rejected)
        for histogram, name, text in (
            (self._confidence, "model_prediction_confidence", "Probability of the answered class"),
            (
                self._inference,
                "model_inference_duration_seconds",
                "Duration of a call of the model",
            ),
            (self._batch, "model_batch_size", "Rows in a call of the model"),
        ):
            if histogram:
                family = HistogramMetricFamily(name, text)
                histogram.add_to(family)
                yield family

    def _drift(self) -> Iterator[Metric]:
        labels = ["feature", "bin", "model_version"]
        live = CounterMetricFamily("model_feature_bin", "Rows answered, by bin", labels=labels)
        reference = GaugeMetricFamily(
            "model_feature_bin_reference_ratio",
            "Share of the training rows, smoothed",
            labels=labels,
        )
        for counts, feature in zip(self._bins, self._card.features, strict=True):
            for n, part in zip(counts, feature.bins, strict=True):
                key = [feature.feature.name, part.label, self._card.model_version]
                live.add_metric(key, int(n))
                reference.add_metric(key, part.share)
        yield from (live, reference)


def class_of(card: ModelCard) -> Callable[[Outputs], NDArray[np.intp]]:
    """Return what tells the position of each output's class, or of its bin, in `class_shares`."""
    if card.classes:
        return winners
    return lambda outputs: drift.indices(ANSWER, card.class_edges, answered(outputs))


def registry(*collectors: Collector) -> CollectorRegistry:
    """Return a registry of these collectors and of the process itself."""
    # The time when a route's own counter was made would be one more series that nobody reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # its one function without types
    # Described, our own families keep their names too: a second one would make /metrics ambiguous.
    result = CollectorRegistry(auto_describe=True)
    for collector in collectors:
        result.register(collector)
    for standard in (ProcessCollector, PlatformCollector, GCCollector):
        standard(registry=result)
    return result
