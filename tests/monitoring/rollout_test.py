"""How a release is judged: trials whose truth is known, through the rules, in simulated time.

Collectors and rows are the service's, and the clock is promtool's. docs/rollouts.md tells the rates
that are proved here.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.random import Generator
from numpy.typing import NDArray

from app.card import Card
from app.features import encode
from app.metrics import HttpMetrics, ModelMetrics
from app.model import Model
from app.settings import Settings
from support import document, promtool
from support.paths import PROMETHEUS
from support.stack import SCRAPE_SECONDS

RULES = PROMETHEUS / "rules/rollout/rollout.yaml"
SETTINGS = Settings()
CARD = Card.unseal((SETTINGS.model_dir / "model.json").read_bytes())
MATRIX = encode([example.row for example in CARD.holdout])
OUTPUTS = Model.load(SETTINGS.model_dir).outputs(MATRIX)

TEXT = document.text_of("docs/rollouts.md")

PAIRS = 10
"""Rows a second that the canary sends to each of the two."""
JUDGED = 140
"""Seconds after which a release that is not proved good is undone."""
CHECKS = ("accuracy", "errors", "latency", "mix", "refused")
OUTCOMES = ("correct", "wrong", "error")
BEFORE = 60
"""Seconds that the stable release has been seen for when a trial begins."""
EACH = f"{SCRAPE_SECONDS}s"
PODS = 9
"""Of the stable release, beside one of the new one."""


@dataclass(frozen=True)
class Truth:
    """What two releases are like; the stable one answers well, in a millisecond."""

    correct: tuple[float, float] = (0.95, 0.95)
    """Share of the rows that the new one and the stable one answer correctly."""
    differ: float = 0.04
    """Share of the rows that one of them answers correctly and the other one does not."""
    errors: float = 0
    """Share of the new one's requests that are answered 500."""
    dead: float = 0
    """Share of the connections that no pod of the new one accepts."""
    refused: float = 0
    """Share of the clients' inputs that the new one refuses."""
    one_answer: bool = False
    """Whether the new one answers all rows alike."""
    slower: float = 1
    """How many times slower the new one is, from `slow_from` until `slow_until`."""
    slow_from: int = 0
    slow_until: int = 10_000
    both_slow: bool = False
    """Whether the stable one is as slow."""
    clients: float = 13
    """Requests a second to each pod, besides the canary's."""


Pairs = dict[tuple[str, str], int]
Counts = NDArray[np.int64]
Bounds = tuple[int, int]
"""The least and the most of a hundred."""


ANSWERED = tuple(product(OUTCOMES[:2], OUTCOMES[:2]))
"""What the new one and the stable one answer to a row, when both do."""


def shares(truth: Truth) -> list[float]:
    """Return how likely each of ANSWERED is."""
    new, stable = truth.correct
    only_stable, only_new = (truth.differ + stable - new) / 2, (truth.differ - stable + new) / 2
    both = new - only_new
    return [both, only_new, only_stable, 1 - both - only_new - only_stable]


def rows(random: Generator, truth: Truth, sent: int) -> Pairs:
    """Draw what the new one and the stable one answer to so many rows."""
    drawn = dict.fromkeys(product(OUTCOMES, OUTCOMES), 0)
    found = random.multinomial(sent, shares(truth))
    for (new_one, stable_one), n in zip(ANSWERED, found, strict=True):
        lost = random.binomial(n, 1 - (1 - truth.errors) * (1 - truth.dead))
        drawn["error", stable_one] += lost
        drawn[new_one, stable_one] += n - lost
    return drawn


class Pod:
    """A process of a release, or as many as answer `PODS` times as much."""

    def __init__(self, release: str, started: int) -> None:
        self.name, self.started = release, started
        settings = settings_of(release)
        self._http, self._model = HttpMetrics(), ModelMetrics(CARD, settings)
        self._route = self._http.route("POST", "/predict", (200, 422, 500, 503))

    def answer(
        self, random: Generator, requests: int, milliseconds: float, *, failed: int = 0,
        refused: int = 0, alike: bool = False,
    ) -> None:  # fmt: skip
        """Answer requests, of which some fail and some are refused."""
        statuses = [500] * failed + [422] * refused + [200] * (requests - failed - refused)
        seconds = random.lognormal(np.log(milliseconds / 1000), 0.5, requests)
        for status, took in zip(statuses, seconds.tolist(), strict=True):
            self._route.in_progress += 1
            self._route.finished(status, took)
        chosen = random.integers(0, len(MATRIX), requests - failed - refused)
        self._model.scored(MATRIX[chosen], OUTPUTS[chosen * (not alike)], 0.0001)

    def scrape(self) -> dict[str, float]:
        """Return what a scrape brings."""
        target = f'job="api",instance="{self.name}",pod="{self.name}"'
        found = {
            name.replace("{", "{" + target + ",", 1): value
            for name, value in promtool.samples((self._http, self._model))
            if name.startswith(("http_request", "model_predictions", "model_class", "serving"))
        }
        return found | {f"process_start_time_seconds{{{target}}}": self.started}


def settings_of(release: str) -> Settings:
    """Return the settings of a process of a release."""
    return SETTINGS.model_copy(
        update={"release": release, "version": f"v-{release}", "revision": f"r-{release}"}
    )


def trial(random: Generator, truth: Truth, seconds: int = JUDGED) -> dict[str, list[float | None]]:
    """Return the series of a trial that begins after BEFORE seconds."""
    series: dict[str, list[float | None]] = defaultdict(list)
    new, stable = Pod("new", BEFORE), Pod("stable", -3600)
    compared = dict.fromkeys(product(OUTCOMES, OUTCOMES), 0)
    for place, now in enumerate(range(0, BEFORE + seconds + 1, SCRAPE_SECONDS)):
        judged = now > BEFORE
        sent = SCRAPE_SECONDS * (PAIRS if judged else 1)
        age = now - BEFORE
        slow = truth.slower if truth.slow_from <= age < truth.slow_until else 1
        clients = random.poisson(truth.clients * SCRAPE_SECONDS * PODS)
        stable.answer(random, clients + sent, slow if truth.both_slow else 1)
        found = stable.scrape()
        if judged:
            clients = random.poisson(truth.clients * SCRAPE_SECONDS)
            refused = random.binomial(clients, truth.refused)
            reached = clients + random.binomial(sent, 1 - truth.dead)
            failed = random.binomial(reached - refused, truth.errors)
            new.answer(
                random, reached, slow, failed=failed, refused=refused, alike=truth.one_answer
            )
            found |= new.scrape()
            for outcomes, n in rows(random, truth, sent).items():
                compared[outcomes] += n
            found |= pair("new", "stable", compared)
        for name, value in found.items():
            series[name] += [None] * (place - len(series[name])) + [value]
    return series


def pair(release: str, stable: str, compared: Mapping[tuple[str, str], int]) -> dict[str, float]:
    """Return what the canary exports of a pair."""
    labels = f'job="canary",instance="c",pod="c",release="{release}",stable_release="{stable}"'
    return {
        f'canary_compared_rows_total{{{labels},new="{a}",stable="{b}"}}': n
        for (a, b), n in compared.items()
    }


def judge(
    folder: Path, truth: Truth, expected: Mapping[int, Mapping[str, promtool.Samples]]
) -> None:
    """Compare expressions, so many seconds after a trial began, with what is to be found."""
    asked = [
        (expr, f"{BEFORE + at}s", found)
        for at, found_by in expected.items()
        for expr, found in found_by.items()
    ]
    series = trial(np.random.default_rng(1), truth, max(expected))
    promtool.run(folder, [RULES], EACH, [promtool.case(EACH, series, asked)])


def verdicts(**signs: float) -> dict[str, promtool.Samples]:
    """Return the query for these checks' verdicts, and what it is to find."""
    query = f'sum by (check) (release:verdict:sign{{check=~"{"|".join(signs)}"}})'
    return {query: {f'{{check="{check}"}}': sign for check, sign in signs.items()}}


GOOD = verdicts(**dict.fromkeys(CHECKS, 1))
UNKNOWN: dict[str, promtool.Samples] = {"release:verdict:sign": {}}


@pytest.mark.parametrize("clients", [0, 2, 13, 100])
def test_a_good_release_passes_whatever_the_traffic(tmp_path: Path, clients: float) -> None:
    few = verdicts(accuracy=0, errors=0)
    judge(tmp_path, Truth(clients=clients), {5: UNKNOWN, 10: few, 90: GOOD})


@pytest.mark.parametrize(
    ("check", "within", "truth"),
    [
        ("accuracy", 60, Truth(correct=(0.85, 0.95), differ=0.12)),
        ("accuracy", 20, Truth(correct=(0.4, 0.95), differ=0.56)),
        ("errors", 30, Truth(errors=0.1)),
        ("errors", 30, Truth(errors=0.1, clients=3)),
        ("errors", 15, Truth(errors=1)),
        ("errors", 20, Truth(dead=0.5, clients=100)),
        ("latency", 60, Truth(slower=10)),
        ("latency", 60, Truth(slower=10, clients=0)),
        ("mix", 60, Truth(one_answer=True)),
        ("mix", 60, Truth(one_answer=True, clients=0)),
        ("refused", 30, Truth(refused=0.3)),
    ],
)
def test_a_release_that_is_worse_is_found(
    tmp_path: Path, check: str, within: int, truth: Truth
) -> None:
    judge(tmp_path, truth, {within: verdicts(**{check: -1})})


@pytest.mark.parametrize(
    "truth",
    [
        pytest.param(Truth(slower=30, slow_until=20), id="cold"),
        pytest.param(Truth(slower=30, slow_from=60, slow_until=80), id="held up for 20 s"),
        pytest.param(Truth(slower=30, slow_from=35, both_slow=True), id="on a busy node"),
    ],
)
def test_a_release_is_not_worse_for_being_slow_as_anything_may_be(
    tmp_path: Path, truth: Truth
) -> None:
    judge(tmp_path, truth, {JUDGED: GOOD | {"min_over_time(release:verdict:sign[3m]) == -1": {}}})


WORSE_AT, GOOD_BELOW = 0.01, 0.06
"""The limits of accuracy."""


def by_hand(only_stable: Counts, only_new: Counts, compared: Counts) -> NDArray[np.bool_]:
    """Return whether accuracy is worse and whether it is good, as the rules' introduction says."""
    gap = (only_stable - only_new) / compared
    error = np.sqrt(only_stable + only_new + 16) / compared
    return np.array([gap - 4 * error > WORSE_AT, gap + 2 * error < GOOD_BELOW])


@pytest.mark.parametrize(
    ("truth", "by_rules", "worse", "good"),
    [
        pytest.param(Truth(), 1000, {140: (0, 0)}, {30: (90, 100), 60: (100, 100)}, id="as good"),
        pytest.param(
            Truth(correct=(0.6, 0.6), differ=0.3), 100,
            {140: (0, 0)}, {60: (60, 90), 120: (96, 100), 140: (98, 100)},
            id="as good on a hard table",
        ),
        pytest.param(
            Truth(correct=(0.85, 0.95), differ=0.12), 100,
            {30: (20, 50), 60: (98, 100), 90: (100, 100)}, {140: (0, 0)},
            id="10 points worse",
        ),
        pytest.param(
            Truth(correct=(0.5, 0.6), differ=0.3), 100,
            {60: (30, 50), 120: (92, 100), 140: (96, 100)}, {140: (0, 1)},
            id="10 points worse on a hard table",
        ),
    ],
)  # fmt: skip
def test_of_a_thousand_releases_as_many_pass_as_is_said(
    tmp_path: Path,
    truth: Truth,
    by_rules: int,
    worse: Mapping[int, Bounds],
    good: Mapping[int, Bounds],
) -> None:
    random = np.random.default_rng(1)
    looks, cases = [], []
    for _ in range(10):  # promtool loads no more than a hundred at once
        sent = random.multinomial(
            SCRAPE_SECONDS * PAIRS, shares(truth), (100, JUDGED // SCRAPE_SECONDS)
        )
        counts = dict(zip(ANSWERED, np.moveaxis(sent.cumsum(axis=1), 2, 0), strict=True))
        found = by_hand(
            counts["wrong", "correct"],
            counts["correct", "wrong"],
            sum(counts.values(), np.array(0)),
        )
        looks.append(found)
        if len(looks) * 100 > by_rules:  # they take a second a hundred
            continue
        series: dict[str, list[float | None]] = {
            next(iter(pair(f"r{release}", "s", {answers: 0}))): [0, *each.tolist()]
            for answers, of_all in counts.items()
            for release, each in enumerate(of_all)
        }
        for release in range(100):
            build = f'serving_build_info{{job="api",release="r{release}",version="v"}}'
            series[build] = [1] * (JUDGED // SCRAPE_SECONDS + 1)
        asked: list[tuple[str, str, promtool.Samples]] = [
            (f"count(release:verdict:sign == {sign}) or vector(0)",
             f"{(place + 1) * SCRAPE_SECONDS}s", {"{}": int(now.sum())})
            for sign, of_all in zip((-1, 1), found, strict=True)
            for place, now in enumerate(of_all.T)
        ]  # fmt: skip
        cases.append(promtool.case(EACH, series, asked))
    promtool.run(tmp_path, [RULES], EACH, cases)
    ever = np.maximum.accumulate(np.concatenate(looks, axis=1), axis=2).sum(axis=1)
    for bounds, found in zip((worse, good), ever, strict=True):
        for at, (least, most) in bounds.items():
            assert least <= found[at // SCRAPE_SECONDS - 1] / 10 <= most, (at, found)


def test_the_limits_are_those_that_are_told() -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    limits = {
        (rule["labels"]["check"], rule["labels"]["limit"]): float(rule["expr"][len("vector(") : -1])
        for rule in group["rules"]
        if rule.get("record") == "release:limit:ratio"
    }
    told = re.findall(r"(?m)^\| (\w+) \| .* \| (\d+)% \| (\d+)% \|$", TEXT)
    assert limits == {
        (check, limit): int(percent) / 100
        for check, *percents in told
        for limit, percent in zip(("worse", "good"), percents, strict=True)
    }
    assert (limits["accuracy", "worse"], limits["accuracy", "good"]) == (WORSE_AT, GOOD_BELOW)
