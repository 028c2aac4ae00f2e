"""A smoke test that fails is seen although all is healthy, until a sync succeeds."""

from clients import Prometheus, wait_until
from cluster import Application
from developer import Developer

URL = '"http://api-service:8000"'
ANOTHER = '"http://api-service:8001", --seconds, "1"'


def test_a_failed_smoke_test_is_seen_until_the_next_sync(
    application: Application, developer: Developer, prometheus: Prometheus
) -> None:
    commit = developer.write("manifest/smoke-job.yaml", URL, ANOTHER, "Ask another port")
    # Argo CD tries five times more, after up to a minute, before it calls the sync failed.
    wait_until("the alert", lambda: "ArgoCDSyncFailed" in prometheus.firing(), 300)
    assert application.health() == "Healthy"
    application.settle(developer.revert(commit))
    wait_until("silence", lambda: "ArgoCDSyncFailed" not in prometheus.firing(), 60)
