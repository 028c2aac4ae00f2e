"""What Locust exports for Prometheus, compared with its own statistics and with the service."""

import signal
from threading import Event
from typing import Any

import httpx
import pytest

from clients import wait_until
from headless import Run
from imitation import RIGHT, Answer, imitating, rows_of
from service import Samples, scrape

HELD_AFTER = 100


@pytest.fixture(scope="module")
def holdout(client: httpx.Client) -> Answer:
    return rows_of(client)


def counted(metrics: httpx.Client) -> Samples:
    """Return what is exported, nothing before Locust has read all answers that it was sent."""
    samples = scrape(metrics)
    n = sum(count for (name, _), count in samples.items() if name == "locust_requests_total")
    return samples if n == HELD_AFTER + 1 else {}  # and the one for the rows


@pytest.fixture(scope="module")
def held(holdout: Answer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Samples, Run]:
    """Return what a run exported while nothing more was answered, and that run once it ended."""
    go_on = Event()

    def answer(n: int, sent: Any) -> Any:
        if n > HELD_AFTER:
            go_on.wait(30)
        return {"predictions": []} if isinstance(sent, list) else RIGHT

    with imitating(holdout, answer) as (url, posts):
        run = Run(tmp_path_factory.mktemp("held"), url, "--run-time", "20s")
        try:
            wait_until("held", lambda: posts.total() > HELD_AFTER)
            with httpx.Client(base_url=f"http://127.0.0.1:{run.port}") as metrics:
                samples = wait_until("what is answered is counted", lambda: counted(metrics))
            run.process.send_signal(signal.SIGINT)
            return samples, run.end()
        finally:
            go_on.set()


def test_the_metrics_are_the_final_statistics(held: tuple[Samples, Run]) -> None:
    samples, run = held
    cut_off = 0  # the request that was held; at times Locust counts it as it ends
    for name, stats in run.stats.items():
        labels = frozenset({("method", stats["method"]), ("name", name)})
        more = stats["num_requests"] - samples["locust_requests_total", labels]
        cut_off += more
        if more:
            continue
        assert samples["locust_request_failures_total", labels] == stats["num_failures"]
        seconds = samples["locust_request_duration_seconds_sum", labels]
        assert seconds == pytest.approx(stats["total_response_time"] / 1000)
    assert cut_off in (0, 1)


def test_a_batch_answered_in_another_length_is_a_failure(held: tuple[Samples, Run]) -> None:
    _, run = held
    batches = run.stats["/predict/batch"]
    assert batches["num_failures"] == batches["num_requests"] > 0
    assert "predictions: 0 for 20 rows" in run.log


def test_locust_counts_by_every_bound_of_the_service(
    held: tuple[Samples, Run], client: httpx.Client
) -> None:
    def bounds(samples: Samples, name: str) -> set[str]:
        return {dict(labels)["le"] for found, labels in samples if found == f"{name}_bucket"}

    client.get("/model")
    services = bounds(scrape(client), "http_request_duration_seconds")
    assert len(services) > 10
    assert services <= bounds(held[0], "locust_request_duration_seconds")
