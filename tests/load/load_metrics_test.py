"""What Locust exports for Prometheus, compared with its own statistics and with the service."""

from typing import Any

import httpx
import pytest

from load.headless import HURRY, Run
from support.fake_service import RIGHT, imitating, rows_of
from support.service import Samples, samples_in, scrape

# Keeps what is exported once Locust has printed its statistics: nothing is counted after that.
KEEP = (
    HURRY
    + """
import pathlib, urllib.request

@locust.events.init.add_listener
def keep(environment, **_):
    url = f"http://127.0.0.1:{environment.parsed_options.metrics_port}/metrics"
    file = pathlib.Path(__file__).with_name("metrics")

    @environment.events.quit.add_listener
    def save(**_):
        file.write_bytes(urllib.request.urlopen(url).read())
"""
)


@pytest.fixture(scope="module")
def ended(client: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> tuple[Samples, Run]:
    """Return what a run exported at its very end, and that run; each batch in it failed."""

    def answer(_n: int, sent: Any) -> Any:
        return {"predictions": []} if isinstance(sent, list) else RIGHT

    folder = tmp_path_factory.mktemp("ended")
    with imitating(rows_of(client), answer) as (url, _):
        run = Run(folder, url, extra=KEEP).end()
    return samples_in((folder / "metrics").read_text()), run


def test_the_metrics_are_the_final_statistics(ended: tuple[Samples, Run]) -> None:
    samples, run = ended
    assert run.total("num_requests") > 20
    for name, stats in run.stats.items():
        labels = frozenset({("method", stats["method"]), ("name", name)})
        assert samples["locust_requests_total", labels] == stats["num_requests"]
        assert samples["locust_request_failures_total", labels] == stats["num_failures"]
        seconds = samples["locust_request_duration_seconds_sum", labels]
        assert seconds == pytest.approx(stats["total_response_time"] / 1000)


def test_a_batch_answered_in_another_length_is_a_failure(ended: tuple[Samples, Run]) -> None:
    _, run = ended
    batches = run.stats["/predict/batch"]
    assert batches["num_failures"] == batches["num_requests"] > 0
    assert "predictions: 0 for 20 rows" in run.log


def test_locust_counts_by_every_bound_of_the_service(
    ended: tuple[Samples, Run], client: httpx.Client
) -> None:
    def bounds(samples: Samples, name: str) -> set[str]:
        return {dict(labels)["le"] for found, labels in samples if found == f"{name}_bucket"}

    client.get("/model")
    services = bounds(scrape(client), "http_request_duration_seconds")
    assert len(services) > 10
    assert services <= bounds(ended[0], "locust_request_duration_seconds")
