"""A killed worker or service is started again, and the load goes on."""

from collections.abc import Iterator

import pytest

from support.stack import Stack, running
from support.waiting import wait_until

pytestmark = pytest.mark.first


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


def test_a_killed_worker_s_load_goes_on_once_another_is_there(stack: Stack) -> None:
    def shared() -> bool:
        return stack.locust.users().get("running") == [10, 10]

    stack.locust.swarm(20)
    wait_until("ten users each", shared)
    stack.running["worker1"].kill()
    wait_until("the loss is seen", lambda: stack.locust.users().get("missing"))
    # Not only when the lost one is given up, after 60 s.
    wait_until("ten users each again", shared, 50)


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
