"""Locust and the canary against two real services, watched by a real Prometheus."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from load.counts import becomes, samples_of, served
from support.service import value
from support.stack import Stack, running
from support.waiting import wait_until

pytestmark = pytest.mark.first


@dataclass(frozen=True)
class Ended:
    """A stack after a run that has ended, as has the canary."""

    stack: Stack
    locust: dict[str, int]
    canary_rows: int


def canary_rows(stack: Stack) -> int:
    """End the canary; return how many rows it sent, by its last words."""
    canary = stack.running.pop("canary")
    assert canary.close() == 0
    counts = re.findall(r"(\d+) (?:correct|wrong|error)", canary.log.read_text().splitlines()[-1])
    return sum(map(int, counts))


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    with running(tmp_path_factory.mktemp("stack")) as stack:
        stack.locust.swarm(40)
        wait_until("1,000 requests", lambda: stack.locust.sent() > 1000, 120)
        locust = stack.locust.stop()
        yield Ended(stack, locust, canary_rows(stack))


def test_locust_and_the_services_and_prometheus_count_the_same(ended: Ended) -> None:
    stack, by_service = ended.stack, served(ended.stack)
    assert ended.locust["/predict"] + ended.canary_rows == by_service["/predict"]
    assert ended.locust["/predict/batch"] == by_service["/predict/batch"]
    for name, n in ended.locust.items():
        becomes(stack, f'sum(locust_requests_total{{name="{name}"}})', n)
    for handler, n in by_service.items():
        becomes(stack, f'sum(http_requests_total{{job="api",handler="{handler}"}})', n)
    assert stack.prometheus.value("sum(locust_request_failures_total)") == 0


def test_load_reaches_both_services_alike(ended: Ended) -> None:
    shares = [
        value(samples_of(ended.stack, name), "http_requests_total", handler="/predict")
        for name in ("api0", "api1")
    ]
    assert max(shares) / sum(shares) < 0.6
