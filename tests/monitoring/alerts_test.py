"""Alerts against real traffic: what they exist for fires, an hour of clean traffic does not."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from app.card import Card
from app.features import CLASSES, Matrix, Outputs, encode
from app.metrics import HttpMetrics, ModelMetrics
from app.model import Model
from app.settings import Settings
from support.fake_service import mislabelled
from support.paths import PROMETHEUS
from support.stack import SCRAPE_SECONDS, Stack, running
from support.waiting import wait_until

DRIFT_WITHIN = 7 * 60
"""Seconds: the bound that the rule's own tests prove for traffic that does not grow."""

SETTINGS = Settings()
CARD = Card.unseal((SETTINGS.model_dir / "model.json").read_bytes())
FIRING = 'ALERTS{alertstate="firing"}'
CLEAN_SCRAPES = 75 * 60 // SCRAPE_SECONDS
"""An hour after the rules' windows of up to ten minutes are full."""


def firing_for(stack: Stack, alert: str) -> set[str]:
    """Return the features for which a firing alert is labelled; "" where it has no feature."""
    series = stack.prometheus.query(f'ALERTS{{alertname="{alert}",alertstate="firing"}}')
    return {s["metric"].get("feature", "") for s in series}


def test_traffic_from_one_group_alone_is_alerted(tmp_path: Path) -> None:
    feature = CARD.features[0].feature
    values = [getattr(example.row, feature.name) for example in CARD.holdout]
    # The least value of a number's upper third, or the most frequent category.
    low = sorted(values)[-len(values) // 3] if feature.is_numeric else max(values, key=values.count)
    group = [
        example.row.model_dump()
        for example, value in zip(CARD.holdout, values, strict=True)
        if (value >= low if feature.is_numeric else value == low)
    ]
    with running(tmp_path) as stack:

        def alerted() -> bool:
            stack.http.post(f"{stack.url('api')}/predict/batch", json=group).raise_for_status()
            return feature.name in firing_for(stack, "FeatureDrift")

        wait_until("the alert fires", alerted, DRIFT_WITHIN)


def test_a_model_that_answers_wrongly_is_caught_by_live_accuracy(tmp_path: Path) -> None:
    model = mislabelled(tmp_path / "model")
    with running(tmp_path, model_dir=model) as stack:
        wait_until("it fires", lambda: "" in firing_for(stack, "LiveAccuracyLow"), 180)


def correct(answers: Outputs) -> NDArray[np.bool_]:
    """Return whether each held-out row is answered correctly."""
    truth = np.array([example.label for example in CARD.holdout])
    found: NDArray[np.bool_] = (
        np.array(CLASSES)[answers.argmax(axis=1)] == truth
        if CLASSES
        else np.abs(answers[:, 0] - truth) <= (CARD.metrics.correct.tolerance or 0)
    )
    return found


class Simulation:
    """Two pods that answer rows at a rate, scraped as Prometheus does, faster than time."""

    def __init__(self, rows_a_second: float, random: np.random.Generator) -> None:
        self._random = random
        self._rows = round(rows_a_second * SCRAPE_SECONDS)
        self._matrix = encode([e.row for e in CARD.holdout])
        self._answers = Model.load(SETTINGS.model_dir).outputs(self._matrix)
        self._correct = correct(self._answers)
        self._canary = {"correct": 0, "wrong": 0, "error": 0}
        self._pods = [(HttpMetrics(), ModelMetrics(CARD, SETTINGS)) for _ in range(2)]
        self._series: dict[str, list[float]] = defaultdict(list)

    def _deck(self) -> Iterator[int]:
        while True:
            yield from self._random.permutation(len(self._matrix))

    def run(self, scrapes: int) -> dict[str, list[float]]:
        """Return every series' values, one a scrape."""
        deck = self._deck()
        for _ in range(scrapes):
            chosen = np.array(list(islice(deck, self._rows)))
            for picked, (http, model) in zip(np.array_split(chosen, 2), self._pods, strict=True):
                self._answer(picked, http, model)
            self._scrape()
        return self._series

    def _answer(self, picked: NDArray[np.intp], http: HttpMetrics, model: ModelMetrics) -> None:
        route = http.route("POST", "/predict", (200, 422, 500, 503))
        for seconds in self._random.lognormal(np.log(0.003), 0.5, len(picked)):
            route.in_progress += 1
            route.finished(200, float(seconds))
        matrix: Matrix = self._matrix[picked]
        model.scored(matrix, self._answers[picked], 0.0001)
        for correct in self._correct[picked]:
            self._canary["correct" if correct else "wrong"] += 1

    def _scrape(self) -> None:
        for n, collectors in enumerate(self._pods):
            target = f'job="api",instance="{n}",pod="{n}"'
            for name, value in samples(collectors):
                self._series[name.replace("{", "{" + target + ",", 1)].append(value)
            self._series[f"up{{{target}}}"].append(1)
            self._series[f"process_start_time_seconds{{{target}}}"].append(1e9)
        for outcome, rows in self._canary.items():
            self._series[f'canary_requests_total{{job="canary",outcome="{outcome}"}}'].append(rows)
        self._series['up{job="canary",instance="c"}'].append(1)


def samples(collectors: Iterable[Collector]) -> Iterator[tuple[str, float]]:
    """Yield what a scrape brings, as name{label="value",…} and value."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    for family in registry.collect():
        for sample in family.samples:
            labels = ",".join(f"{k}={json.dumps(v)}" for k, v in sample.labels.items())
            yield f"{sample.name}{{{labels}}}", sample.value


@pytest.mark.parametrize("rows_a_second", [2, 50], ids=["canary alone", "with load"])
def test_an_hour_of_clean_traffic_raises_no_alert(tmp_path: Path, rows_a_second: float) -> None:
    simulation = Simulation(rows_a_second, np.random.default_rng(1))
    series = simulation.run(CLEAN_SCRAPES)
    minutes = CLEAN_SCRAPES * SCRAPE_SECONDS // 60
    lasts = f"[{minutes}m]"
    test = {
        "interval": f"{SCRAPE_SECONDS}s",
        "input_series": [
            {"series": name, "values": " ".join(f"{v:.10g}" for v in values)}
            for name, values in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": f"count by (alertname) (last_over_time({FIRING}{lasts}))",
                "eval_time": f"{minutes}m",
                "exp_samples": [],
            },
            # Or the silence would be that of rules without data.
            {
                "expr": "count(count by (feature) (model:feature_psi:10m)) "
                "+ count(canary:accuracy:ratio5m) + count(slo:sli_error:ratio_rate1h)",
                "eval_time": f"{minutes}m",
                "exp_samples": [{"labels": "{}", "value": len(CARD.features) + 3}],
            },
        ],
    }
    file = tmp_path / "clean_test.yaml"
    rules = [str(path) for path in sorted((PROMETHEUS / "rules").glob("*.yaml"))]
    file.write_text(
        yaml.safe_dump({"rule_files": rules, "evaluation_interval": "15s", "tests": [test]})
    )
    done = subprocess.run(("promtool", "test", "rules", file), capture_output=True, text=True)  # noqa: S607
    assert done.returncode == 0, done.stdout + done.stderr
