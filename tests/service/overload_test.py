"""More load than fits: some are refused, all that are let in are answered, probes never wait."""

import asyncio
import json
import threading
import time

import httpx
import pytest

from app import schemas
from app.batching import Doorman
from bench.closed_loop import load
from support.raw import Answer, exchange, post
from support.service import scrape, serving, value

pytestmark = pytest.mark.alone

REQUEST = post("/predict", json.dumps(schemas.EXAMPLE).encode())
BATCH = post("/predict/batch", json.dumps([schemas.EXAMPLE] * 10_000).encode())


def test_above_the_limit_the_rest_is_503_while_probes_and_metrics_answer() -> None:
    with (
        serving(max_queued_rows=8) as service,
        httpx.Client(base_url=service.url, timeout=5) as client,
    ):
        seen = {}
        crowd = threading.Thread(
            target=lambda: seen.update(load(service.port, REQUEST, connections=96, seconds=3))
        )
        started = time.monotonic()
        crowd.start()
        probed = 0
        while crowd.is_alive():
            for path in ("/healthz", "/readyz", "/metrics"):
                assert client.get(path).status_code == 200
                probed += 1
        assert probed >= 9
        assert set(seen) == {200, 503}
        assert len(seen[503]) <= Doorman.PER_SECOND * (time.monotonic() - started) + 96
        # One reading: what the crowd left behind may be scored between two.
        said = scrape(client)
        assert value(said, "model_batch_size_bucket", le="8.0") == value(
            said, "model_batch_size_count"
        )


def test_a_refusal_says_when_to_come_back_and_is_no_fault_of_the_input() -> None:
    async def play(port: int) -> list[Answer | None]:
        return await asyncio.gather(*(exchange(port, BATCH) for _ in range(8)))

    with (
        serving(max_queued_batches=1) as service,
        httpx.Client(base_url=service.url) as client,
    ):
        answers = [a for a in asyncio.run(play(service.port)) if a]
        refused = [a for a in answers if a.status == 503]
        assert len(answers) == 8
        assert refused
        assert all(a.headers["retry-after"] == "1" for a in refused)
        seen = scrape(client)
        assert value(seen, "http_requests_total", status="503") == len(refused)
        assert value(seen, "model_input_rejected_total") == 0
