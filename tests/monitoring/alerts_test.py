"""Alerts on real rows, in simulated time: drift and a wrong model fire, clean traffic does not.

Collectors, model and rows are the service's, rules and intervals Prometheus' own. The clock is
promtool's.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.card import Card
from app.features import CLASSES, Matrix, Outputs, encode
from app.metrics import HttpMetrics, ModelMetrics
from app.model import Model
from app.settings import Settings
from support import promtool
from support.paths import PROMETHEUS
from support.stack import SCRAPE_SECONDS, configuration

SETTINGS = Settings()
CARD = Card.unseal((SETTINGS.model_dir / "model.json").read_bytes())
CONFIGURED = configuration()["global"]
CLEAN_MINUTES = 75
"""An hour after the rules' windows of up to ten minutes are full."""
DRIFT_WITHIN = 7
WRONG_WITHIN = 2
"""Minutes."""


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
    """Two pods that answer held-out rows at a rate, and the canary's verdict of each answer."""

    def __init__(self, rows_a_second: float) -> None:
        self._random = np.random.default_rng(1)
        self._rows = round(rows_a_second * SCRAPE_SECONDS)
        self._matrix = encode([e.row for e in CARD.holdout])
        self._answers = Model.load(SETTINGS.model_dir).outputs(self._matrix)
        self._correct = correct(self._answers)
        self._canary = {"correct": 0, "wrong": 0, "error": 0}
        self._pods = [(HttpMetrics(), ModelMetrics(CARD, SETTINGS)) for _ in range(2)]
        self._series: dict[str, list[float | None]] = defaultdict(list)
        self.minutes = 0

    def _deck(self, rows: NDArray[np.intp]) -> Iterator[int]:
        while True:
            yield from self._random.permutation(rows)

    def run(
        self, minutes: int, rows: Sequence[int] | None = None, *, wrong: bool = False
    ) -> "Simulation":
        """Answer for some minutes, rows of these places only; `wrong` as an altered model would."""
        deck = self._deck(np.arange(len(self._matrix)) if rows is None else np.array(rows))
        for _ in range(minutes * 60 // SCRAPE_SECONDS):
            chosen = np.array(list(islice(deck, self._rows)))
            for picked, (http, model) in zip(np.array_split(chosen, 2), self._pods, strict=True):
                self._answer(picked, http, model)
            judged = self._correct[chosen] ^ wrong
            self._canary["correct"] += int(judged.sum())
            self._canary["wrong"] += int((~judged).sum())
            self._scrape()
        self.minutes += minutes
        return self

    def _answer(self, picked: NDArray[np.intp], http: HttpMetrics, model: ModelMetrics) -> None:
        route = http.route("POST", "/predict", (200, 422, 500, 503))
        for seconds in self._random.lognormal(np.log(0.003), 0.5, len(picked)):
            route.in_progress += 1
            route.finished(200, float(seconds))
        matrix: Matrix = self._matrix[picked]
        model.scored(matrix, self._answers[picked], 0.0001)

    def _scrape(self) -> None:
        for n, collectors in enumerate(self._pods):
            target = f'job="api",instance="{n}",pod="{n}"'
            for name, value in promtool.samples(collectors):
                self._series[name.replace("{", "{" + target + ",", 1)].append(value)
            self._series[f"up{{{target}}}"].append(1)
            self._series[f"process_start_time_seconds{{{target}}}"].append(1e9)
        for outcome, rows in self._canary.items():
            self._series[f'canary_requests_total{{job="canary",outcome="{outcome}"}}'].append(rows)
        self._series['up{job="canary",instance="c"}'].append(1)

    def expect(self, folder: Path, expected: Mapping[str, promtool.Samples]) -> None:
        """Compare expressions at the end with what promtool finds; fail with its words."""
        asked = [(expr, f"{self.minutes}m", found) for expr, found in expected.items()]
        case = promtool.case(CONFIGURED["scrape_interval"], self._series, asked)
        rules = sorted((PROMETHEUS / "rules").glob("*.yaml"))
        promtool.run(folder, rules, CONFIGURED["evaluation_interval"], [case])


def fired(minutes: int) -> str:
    """Return a query for the alerts that fired in the last minutes, one series a name."""
    firing = f'ALERTS{{alertstate="firing"}}[{minutes}m]'
    return f"count by (alertname) (last_over_time({firing}))"


@pytest.mark.parametrize(
    "rows_a_second",
    [
        pytest.param(2, id="canary alone", marks=pytest.mark.by_data),
        pytest.param(50, id="with load"),
    ],
)
def test_an_hour_of_clean_traffic_raises_no_alert(tmp_path: Path, rows_a_second: float) -> None:
    Simulation(rows_a_second).run(CLEAN_MINUTES).expect(
        tmp_path,
        {
            fired(CLEAN_MINUTES): {},
            # Or the silence would be that of rules without data.
            "count(count by (feature) (model:feature_psi:10m)) "
            "+ count(canary:accuracy:ratio5m) + count(slo:sli_error:ratio_rate1h)": {
                "{}": len(CARD.features) + 3
            },
        },
    )


def test_traffic_from_one_group_alone_is_alerted(tmp_path: Path) -> None:
    feature = CARD.features[0].feature
    values = [getattr(example.row, feature.name) for example in CARD.holdout]
    # The least value of a number's upper third, or the most frequent category.
    low = sorted(values)[-len(values) // 3] if feature.is_numeric else max(values, key=values.count)
    group = [
        place for place, value in enumerate(values)
        if (value >= low if feature.is_numeric else value == low)
    ]  # fmt: skip
    drift = (
        f'count(ALERTS{{alertname="FeatureDrift",alertstate="firing",feature="{feature.name}"}})'
    )
    simulation = Simulation(20).run(15)
    simulation.expect(tmp_path, {drift: {}})
    simulation.run(DRIFT_WITHIN, group).expect(tmp_path, {drift: {"{}": 1}})


def test_a_model_that_answers_wrongly_is_caught_by_live_accuracy(tmp_path: Path) -> None:
    caught = 'count(ALERTS{alertname="LiveAccuracyLow",alertstate="firing"})'
    simulation = Simulation(2).run(15)
    simulation.expect(tmp_path, {caught: {}})
    simulation.run(WRONG_WITHIN, wrong=True).expect(tmp_path, {caught: {"{}": 1}})
