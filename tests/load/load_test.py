"""Locust and the canary against two real services, watched by a real Prometheus."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.service import Samples, scrape, value
from support.stack import SCRAPE_SECONDS, Stack, running
from support.waiting import wait_until

RECOVERS_WITHIN = 75
"""Seconds: a worker leaves 60 s after the last word of a master, and is started again."""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running(tmp_path) as started:
        yield started


def served(stack: Stack) -> dict[str, int]:
    """Return what the services say that they answered, by route."""
    counts: Counter[str] = Counter()
    for name in ("api0", "api1"):
        samples = samples_of(stack, name)
        for handler in ("/predict", "/predict/batch"):
            counts[handler] += int(value(samples, "http_requests_total", handler=handler))
    return dict(counts)


def samples_of(stack: Stack, name: str) -> Samples:
    with httpx.Client(base_url=stack.url(name)) as client:
        return scrape(client)


def canary_rows(stack: Stack) -> int:
    """End the canary; return how many rows it sent, by its last words."""
    canary = stack.running.pop("canary")
    assert canary.close() == 0
    counts = re.findall(r"(\d+) (?:correct|wrong|error)", canary.log.read_text().splitlines()[-1])
    return sum(map(int, counts))


def becomes(stack: Stack, expr: str, wanted: int) -> None:
    """Wait for the scrape after which Prometheus says this."""
    wait_until(
        f"{expr} is {wanted}", lambda: stack.prometheus.value(expr) == wanted, 4 * SCRAPE_SECONDS
    )


def test_locust_and_the_services_and_prometheus_count_the_same(stack: Stack) -> None:
    stack.locust.swarm(40)
    wait_until("2,000 requests", lambda: stack.locust.sent() > 2000, 120)
    locust = stack.locust.stop()
    rows = canary_rows(stack)
    by_service = served(stack)
    assert locust["/predict"] + rows == by_service["/predict"]
    assert locust["/predict/batch"] == by_service["/predict/batch"]
    for name, n in locust.items():
        becomes(stack, f'sum(locust_requests_total{{name="{name}"}})', n)
    for handler, n in by_service.items():
        becomes(stack, f'sum(http_requests_total{{job="api",handler="{handler}"}})', n)
    assert stack.prometheus.value("sum(locust_request_failures_total)") == 0


def test_load_reaches_both_services_alike(stack: Stack) -> None:
    stack.locust.swarm(40)
    wait_until("1,000 requests", lambda: stack.locust.sent() > 1000, 120)
    stack.locust.stop()
    shares = [
        value(samples_of(stack, name), "http_requests_total", handler="/predict")
        for name in ("api0", "api1")
    ]
    assert max(shares) / sum(shares) < 0.6


def is_silent(stack: Stack, handler: str) -> bool:
    """Tell whether nobody asks during five seconds; a user asks each second."""
    before = served(stack)[handler]
    time.sleep(5)
    return served(stack)[handler] == before


def test_a_killed_master_is_back_within_75_seconds_and_the_loss_is_seen(stack: Stack) -> None:
    stack.locust.swarm(20)
    # The rule looks every 15 s: what it never saw, it cannot miss.
    wait_until("40 s of load", lambda: stack.locust.sent() > 800, 60)
    assert stack.prometheus.value("locust_users") == 20
    stack.running["locust"].kill()
    wait_until("workers are back", lambda: stack.locust.workers("ready") == 2, RECOVERS_WITHIN)
    wait_until("the loss is seen", lambda: "LocustRunLost" in stack.prometheus.firing())
    # Orphaned workers went on for a minute, and told the new master: later than the last scrape.
    handler = "/predict/batch"
    wait_until("the end of the orphans", lambda: is_silent(stack, handler), 60)
    counted = int(value(samples_of(stack, "locust"), "locust_requests_total", name=handler))
    before = served(stack)[handler]
    stack.locust.swarm(20)
    wait_until("200 requests", lambda: stack.locust.sent() > 200, 60)
    locust = stack.locust.stop()
    assert served(stack)[handler] == before + locust[handler]
    becomes(stack, f'sum(locust_requests_total{{name="{handler}"}})', counted + locust[handler])


def test_a_killed_worker_s_load_goes_on_once_another_is_there(stack: Stack) -> None:
    stack.locust.swarm(20)
    stack.running["worker1"].kill()
    wait_until("the loss is seen", lambda: stack.locust.users().get("missing"))
    # Not only when the lost one is given up, after 60 s.
    wait_until("ten users each", lambda: stack.locust.users().get("running") == [10, 10])


def correct_rows(stack: Stack) -> float:
    """Return how many rows of the canary were answered rightly, as Prometheus knows it."""
    return stack.prometheus.value('canary_requests_total{outcome="correct"}') or 0


def test_the_canary_survives_a_restart_of_the_services(stack: Stack) -> None:
    wait_until("rows", lambda: correct_rows(stack) > 3)
    for name in ("api0", "api1"):
        stack.running[name].kill()
    errors = 'canary_requests_total{outcome="error"}'
    wait_until("errors are counted", lambda: (stack.prometheus.value(errors) or 0) > 0)
    correct = correct_rows(stack)
    wait_until("rows go on", lambda: correct_rows(stack) > correct + 5)
