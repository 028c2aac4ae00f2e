"""A bad image takes nothing away: the old pods serve on, it is seen, and a revert ends it."""

import time
from collections.abc import Callable

import pytest

from e2e.developer import Developer
from e2e.github.hub import USER
from e2e.image_builder import spoil
from e2e.traffic import Traffic, versions
from support.clients import Prometheus
from support.cluster import Application
from support.images import API_IMAGE
from support.waiting import wait_until

MODEL = "/srv/data/model/model.onnx"
BAD: dict[str, Callable[[], str]] = {
    "refuses to start": lambda: spoil(
        "altered", "USER 0", f"RUN printf x >> {MODEL}", "USER 10001"
    ),
    "never ready": lambda: spoil("never-ready", 'CMD ["python", "-m", "http.server", "8000"]'),
    "does not exist": lambda: f"docker.io/{USER}/{API_IMAGE}:does-not-exist",
}
ALERTED = "refuses to start"
"""The alert is that of a degraded application, whatever the image; one kind waits for it, a minute
and more. This one, since a crash loop is also called progressing now and then."""
REVERTED_WITHIN = 180


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_image_is_seen_while_the_old_one_serves_on(
    application: Application, developer: Developer, prometheus: Prometheus, bad: str
) -> None:
    before = versions()
    image = BAD[bad]()
    with Traffic() as traffic:
        commit = developer.deploy(image)
        wait_until("progress", lambda: application.health() == "Progressing", 60)
        wait_until("degradation", lambda: application.health() == "Degraded", 120)
        if bad == ALERTED:
            wait_until("the alert", lambda: "ArgoCDDegraded" in prometheus.firing(), 120)
        assert versions() == before
        reverted = time.monotonic()
        application.settle(developer.revert(commit), REVERTED_WITHIN)
        print(f"{bad}: healthy {time.monotonic() - reverted:.0f} s after the revert")
        wait_until("silence", lambda: "ArgoCDDegraded" not in prometheus.firing(), 60)
    assert versions() == before
    assert traffic.failed == []
    assert len(traffic.models) == 1
    assert traffic.answered > 100
