"""What the services, Locust and Prometheus have counted, asked of a running stack."""

from collections import Counter

import httpx

from support.service import Samples, scrape, value
from support.stack import SCRAPE_SECONDS, Stack
from support.waiting import wait_until


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


def becomes(stack: Stack, expr: str, wanted: int) -> None:
    """Wait for the scrape after which Prometheus says this."""
    wait_until(
        f"{expr} is {wanted}", lambda: stack.prometheus.value(expr) == wanted, 4 * SCRAPE_SECONDS
    )
