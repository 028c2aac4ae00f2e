"""A Locust master that is killed in a run: it comes back, and the loss is alerted."""

import time
from pathlib import Path

import pytest

from load.counts import becomes, samples_of, served
from support.service import value
from support.stack import Stack, running
from support.waiting import wait_until

pytestmark = pytest.mark.first

RECOVERS_WITHIN = 75
"""Seconds: a worker leaves 60 s after the last word of a master, and is started again."""


def is_silent(stack: Stack, handler: str) -> bool:
    """Tell whether nobody asks during five seconds; a user asks each second."""
    before = served(stack)[handler]
    time.sleep(5)
    return served(stack)[handler] == before


def test_a_killed_master_is_back_within_75_seconds_and_the_loss_is_seen(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        stack.locust.swarm(20)
        # The rule looks every 15 s: what it never saw, it cannot miss.
        wait_until("40 s of load", lambda: stack.locust.sent() > 800, 60)
        assert stack.prometheus.value("locust_users") == 20
        stack.running["locust"].kill()
        wait_until("workers are back", lambda: stack.locust.workers("ready") == 2, RECOVERS_WITHIN)
        wait_until("the loss is seen", lambda: "LocustRunLost" in stack.prometheus.firing())
        # Orphaned workers went on for a minute and told the new master, after the last scrape.
        handler = "/predict/batch"
        wait_until("the end of the orphans", lambda: is_silent(stack, handler), 60)
        counted = int(value(samples_of(stack, "locust"), "locust_requests_total", name=handler))
        before = served(stack)[handler]
        stack.locust.swarm(20)
        wait_until("200 requests", lambda: stack.locust.sent() > 200, 60)
        locust = stack.locust.stop()
        assert served(stack)[handler] == before + locust[handler]
        becomes(stack, f'sum(locust_requests_total{{name="{handler}"}})', counted + locust[handler])
