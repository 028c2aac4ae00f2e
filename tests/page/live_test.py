"""The page's live part against /metrics, under real requests and a clock that the test turns."""

import datetime
import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from app.features import CLASS_NAMES, CLASSES, FEATURES, TARGET, text_of
from support import sample
from support.browser import new_page
from support.model_page import numbers, visit
from support.psi import psi_from_metrics
from support.service import Process, Samples, scrape, serving, value

POLL_S = 2
HIDE = """hidden => {
  Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
START = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


class Watched(NamedTuple):
    """A page whose time stands still, the service that it watches, and rows to send."""

    page: Page
    client: httpx.Client
    rows: list[dict[str, object]]

    def next_reading(self) -> None:
        """Let the page read /metrics once more, and wait until that is shown."""
        self.turn(1000 * POLL_S)
        expect(self.page.locator("#traffic")).to_contain_text(f"{POLL_S}.0 s apart")

    def turn(self, milliseconds: int) -> None:
        """Turn the clock and wait for the table that a reading puts in place of the one before.

        Not for its answer: the page sets the timer of the next reading when it has shown this one.
        """
        self.page.locator("#traffic > *").evaluate_all("all => all.map(e => e.dataset.old = '')")
        self.page.clock.run_for(milliseconds)
        expect(self.page.locator("#traffic [data-old]")).to_have_count(0)

    def table(self, name: str, column: int = 0) -> dict[str, float]:
        return numbers(self.page.get_by_role("table", name=name), column)


@pytest.fixture
def service() -> Iterator[Process]:
    with serving() as process:
        yield process


@pytest.fixture
def watched(service: Process) -> Iterator[Watched]:
    with new_page() as page, httpx.Client(base_url=service.url) as client:
        page.clock.install(time=START)
        visit(page, service.url)
        expect(page.locator("#traffic table")).to_be_attached()
        page.clock.pause_at(START + datetime.timedelta(hours=1))
        rows = [r["row"] for r in client.get("/model/holdout").json()["rows"]]
        watched = Watched(page, client, rows)
        # The first may show what was under way when the clock stopped; after the second nothing is.
        for _ in range(2):
            watched.turn(1000 * POLL_S)
        expect(page.locator("#traffic tbody tr")).to_have_count(2)
        yield watched


def histogram_quantile(q: float, before: Samples, after: Samples, handler: str) -> float:
    """Return what Prometheus' function of this name says of the requests in between."""
    name = "http_request_duration_seconds_bucket"
    bounds = sorted(
        {dict(labels)["le"] for found, labels in after if found == name}, key=float
    )  # '+Inf' is a float
    counts = [
        value(after, name, handler=handler, le=le) - value(before, name, handler=handler, le=le)
        for le in bounds
    ]
    rank = q * counts[-1]
    i = next(i for i, n in enumerate(counts) if n >= rank)
    low, below = (float(bounds[i - 1]), counts[i - 1]) if i else (0.0, 0.0)
    return low + (float(bounds[i]) - low) * (rank - below) / (counts[i] - below)


def test_rate_and_latency_are_those_of_the_requests_between_two_readings(watched: Watched) -> None:
    assert watched.table("Traffic") == {"/predict": 0, "/predict/batch": 0}
    before = scrape(watched.client)
    for row in watched.rows[:25]:
        watched.client.post("/predict", json=row)
    for _ in range(3):
        watched.client.post("/predict/batch", json=watched.rows)
    after = scrape(watched.client)
    watched.next_reading()
    assert watched.table("Traffic") == {"/predict": 25 / POLL_S, "/predict/batch": 3 / POLL_S}
    for column, q in ((1, 0.5), (2, 0.95)):
        for handler, seconds in watched.table("Traffic", column).items():
            assert seconds == pytest.approx(histogram_quantile(q, before, after, handler))
    rate = watched.page.get_by_role("img", name="Requests per second")
    expect(rate).to_have_accessible_name(re.compile("/predict: 12.5 now, 12.5 at most"))
    watched.next_reading()
    assert watched.table("Traffic") == {"/predict": 0, "/predict/batch": 0}
    assert watched.table("Traffic", 1) == {}


def as_written(label: str) -> str:
    """Return a label as metrics have it, from what people read; a class stays as it is."""
    if CLASSES:
        return label
    return label.replace("≤\xa0", "<=").replace(">\xa0", ">").replace(" to ", "..")


@pytest.mark.by_data
def test_shares_of_answers_are_those_of_all_rows_since_the_start(watched: Watched) -> None:
    rows = watched.rows[:40]
    watched.client.post("/predict/batch", json=rows)
    watched.next_reading()
    seen = scrape(watched.client)
    found = {as_written(name): share for name, share in watched.table("Answers").items()}
    for name, share in found.items():
        assert share == value(seen, "model_predictions_total", predicted_class=name) / len(rows)
    assert set(found) == set(watched.client.get("/model").json()["class_shares"])
    expect(watched.page.locator("#shares")).to_contain_text(TARGET)
    expect(watched.page.locator("#shares")).to_contain_text(f"since the start: {len(rows)}")


def test_a_class_or_a_category_that_is_called_like_a_bin_keeps_its_name(service: Process) -> None:
    named = {f'predicted_class="{CLASS_NAMES[0]}"': 'predicted_class="<=50K"'} if CLASSES else {}
    for feature in sample.CATEGORIES:
        label = f'"label":{json.dumps(text_of(feature.categories[0]))}'
        named[label] = '"label":">50K"'

    def play(route: Route) -> None:
        answer = route.fetch()
        text = answer.text()
        for old, new in named.items():
            text = text.replace(old, new)
        route.fulfill(response=answer, body=text)

    with new_page() as page:
        page.route("**/metrics", play)
        page.route("**/model", play)
        visit(page, service.url)
        if CLASSES:
            expect(page.locator("#shares")).to_contain_text("<=50K")
        page.get_by_text("Features and how").click()
        for feature in sample.CATEGORIES:
            row = page.locator("#card tr").filter(has_text=feature.name)
            expect(row).to_contain_text(">50K:")


@pytest.mark.by_data
def test_psi_is_numpys_and_a_shift_is_named(watched: Watched) -> None:
    first = FEATURES[0].name
    skewed = [row for row in watched.rows if row[first] == watched.rows[0][first]]
    watched.client.post("/predict/batch", json=(skewed * 300)[:300])
    watched.next_reading()
    seen = scrape(watched.client)
    found = watched.table("Drift")
    assert found.keys() == {f.name for f in FEATURES}
    for name, psi in found.items():
        assert psi == pytest.approx(psi_from_metrics(seen, name), abs=1e-9)
    drift = watched.page.get_by_role("table", name="Drift")
    expect(drift.get_by_role("row", name=first)).to_contain_text("drifted")


def test_the_held_out_rows_are_no_drift_however_often_they_are_sent(watched: Watched) -> None:
    watched.client.post("/predict/batch", json=watched.rows * 20)
    watched.next_reading()
    assert max(watched.table("Drift").values()) > 0.2
    expect(watched.page.get_by_text("drifted")).to_have_count(0)


def test_two_hundred_rows_are_too_few_to_tell(watched: Watched) -> None:
    watched.client.post("/predict/batch", json=(watched.rows * 3)[:200])
    watched.next_reading()
    expect(watched.page.get_by_text("too few rows", exact=True)).to_have_count(len(FEATURES))
    watched.client.post("/predict", json=watched.rows[0])
    watched.next_reading()
    expect(watched.page.get_by_text("too few rows", exact=True)).to_have_count(0)


def test_another_process_starts_the_numbers_anew(watched: Watched) -> None:
    for row in watched.rows[:10]:
        watched.client.post("/predict", json=row)
    watched.next_reading()

    def another(route: Route) -> None:
        text = route.fetch().text()
        text = re.sub(r"(?m)^(process_start_time_seconds) .*", r"\1 1e9", text)
        route.fulfill(body=re.sub(r"(?m)^(http_requests_total\S+) .*", r"\1 1.0", text))

    watched.page.route("**/metrics", another)
    watched.page.clock.run_for(1000 * POLL_S)
    process = watched.page.locator("#process")
    expect(process).to_contain_text("Another process answers now")
    expect(process).to_contain_text("2001")
    assert watched.table("Traffic") == {}
    watched.next_reading()
    assert watched.table("Traffic") == {"/predict": 0, "/predict/batch": 0}


def test_nothing_is_read_while_nobody_looks(watched: Watched) -> None:
    asked: list[str] = []
    watched.page.on("request", lambda request: asked.append(request.url))
    watched.page.evaluate(HIDE, True)
    watched.page.clock.run_for(10_000 * POLL_S)
    assert asked == []
    with watched.page.expect_response("**/metrics"):
        watched.page.evaluate(HIDE, False)
