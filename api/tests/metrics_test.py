import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as Reference

from app.card import Card
from app.features import CLASSES, Outputs, encode
from app.metrics import FOLD_ROWS, LATENCY, HttpMetrics, ModelMetrics, registry
from app.schemas import Row
from app.settings import Settings
from support import sample

pytestmark = pytest.mark.by_data

SETTINGS = Settings()
CARD = Card.unseal((SETTINGS.model_dir / "model.json").read_bytes())
LABELS = list(CARD.class_shares)
MATRIX = encode([Row.model_validate(sample.EXAMPLE)])
SECONDS = st.lists(st.sampled_from(LATENCY) | st.floats(0, 10), max_size=50)


@given(seconds=SECONDS)
def test_a_histogram_is_what_prometheus_client_makes_of_the_same_values(
    seconds: list[float],
) -> None:
    name, labels = "http_request_duration_seconds", {"method": "GET", "handler": "/"}
    http, reference = HttpMetrics(), CollectorRegistry()
    observed = Reference(name, "-", labels, registry=reference, buckets=LATENCY).labels(**labels)
    counts = http.route("GET", "/")
    for value in seconds:
        counts.in_progress += 1
        counts.finished(200, value)
        observed.observe(value)
    ours = registry(http)
    for bound in (*map(str, map(float, LATENCY)), "+Inf"):
        found, expected = (
            r.get_sample_value(f"{name}_bucket", {**labels, "le": bound}) for r in (ours, reference)
        )
        assert found == expected
    assert ours.get_sample_value("http_requests_in_progress", labels) == 0


def answering(position: int) -> Outputs:
    """Return an output of the class, or in the bin, at a position."""
    if CLASSES:
        return np.array([[0.9 if i == position else 0.01 for i in range(len(CLASSES))]], np.float32)
    low, high = ([0, *CARD.class_edges, 0][position + i] for i in (0, 1))
    value = np.float32(high) if position == 0 else np.nextafter(np.float32(low), np.float32(np.inf))
    return np.array([[value]], np.float32)


@pytest.mark.parametrize("position", range(len(LABELS)))
def test_an_answer_is_counted_as_its_class_or_bin(position: int) -> None:
    metrics = ModelMetrics(CARD, SETTINGS)
    metrics.scored(MATRIX, answering(position), 0.001)
    found = {
        each.labels["predicted_class"]: each.value
        for family in metrics.collect()
        for each in family.samples
        if each.name == "model_predictions_total"
    }
    assert found == {label: float(i == position) for i, label in enumerate(LABELS)}


def test_rows_are_counted_at_once_however_many_are_kept_for_later() -> None:
    metrics = ModelMetrics(CARD, SETTINGS)
    reading = registry(metrics)
    for n in range(1, FOLD_ROWS + 2):
        metrics.scored(MATRIX, answering(0), 0.001)
        if n in (1, FOLD_ROWS - 1, FOLD_ROWS, FOLD_ROWS + 1):
            labels = {"predicted_class": LABELS[0]}
            assert reading.get_sample_value("model_predictions_total", labels) == n
            confidence = reading.get_sample_value("model_prediction_confidence_count")
            assert confidence == (n if CLASSES else None)


def test_each_row_falls_into_one_bin_of_each_feature() -> None:
    metrics = ModelMetrics(CARD, SETTINGS)
    metrics.scored(np.repeat(MATRIX, 3, 0), np.repeat(answering(0), 3, 0), 0.1)
    (bins,) = [f for f in metrics.collect() if f.name == "model_feature_bin"]
    by_feature: dict[str, list[float]] = {}
    for each in bins.samples:
        by_feature.setdefault(each.labels["feature"], []).append(each.value)
    assert all(max(counts) == sum(counts) == 3 for counts in by_feature.values())


def test_all_series_of_the_model_exist_before_the_first_row() -> None:
    reading = registry(ModelMetrics(CARD, SETTINGS))
    for name, share in CARD.class_shares.items():
        labels = {"predicted_class": name}
        assert reading.get_sample_value("model_predictions_total", labels) == 0
        labels["model_version"] = CARD.model_version
        assert reading.get_sample_value("model_class_reference_ratio", labels) == share
    for feature in CARD.features:
        for each in feature.bins:
            labels = {
                "feature": feature.feature.name,
                "bin": each.label,
                "model_version": CARD.model_version,
            }
            assert reading.get_sample_value("model_feature_bin_total", labels) == 0
            reference = reading.get_sample_value("model_feature_bin_reference_ratio", labels)
            assert reference == each.share
