import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as Reference

from app import schemas
from app.card import Card
from app.features import encode
from app.metrics import FOLD_ROWS, LATENCY, HttpMetrics, ModelMetrics, registry
from app.schemas import Row
from app.settings import Settings

SETTINGS = Settings()
CARD = Card.unseal((SETTINGS.model_dir / "model.json").read_bytes())
ADELIE = np.array([[0.9, 0.06, 0.04]], np.float32)
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


def test_rows_are_counted_at_once_however_many_are_kept_for_later() -> None:
    metrics = ModelMetrics(CARD, SETTINGS)
    reading = registry(metrics)
    matrix = encode([Row.model_validate(schemas.EXAMPLE)])
    for n in range(1, FOLD_ROWS + 2):
        metrics.scored(matrix, ADELIE, 0.001)
        if n in (1, FOLD_ROWS - 1, FOLD_ROWS, FOLD_ROWS + 1):
            labels = {"predicted_class": "Adelie"}
            assert reading.get_sample_value("model_predictions_total", labels) == n
            assert reading.get_sample_value("model_prediction_confidence_count") == n


def test_each_row_falls_into_one_bin_of_each_feature() -> None:
    metrics = ModelMetrics(CARD, SETTINGS)
    metrics.scored(encode([Row.model_validate(schemas.EXAMPLE)] * 3), np.repeat(ADELIE, 3, 0), 0.1)
    (bins,) = [f for f in metrics.collect() if f.name == "model_feature_bin"]
    by_feature: dict[str, list[float]] = {}
    for sample in bins.samples:
        by_feature.setdefault(sample.labels["feature"], []).append(sample.value)
    assert all(max(counts) == sum(counts) == 3 for counts in by_feature.values())


def test_all_series_of_the_model_exist_before_the_first_row() -> None:
    reading = registry(ModelMetrics(CARD, SETTINGS))
    for name in CARD.classes:
        labels = {"predicted_class": name}
        assert reading.get_sample_value("model_predictions_total", labels) == 0
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
