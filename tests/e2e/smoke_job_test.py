"""A smoke test that fails is seen although all is healthy, until a sync succeeds."""

from e2e.developer import Developer
from support.clients import Prometheus
from support.cluster import Application
from support.waiting import wait_until

URL = '"http://api-service:8000"'
ANOTHER = '"http://api-service:8001", --seconds, "1"'


def test_a_failed_smoke_test_is_seen_until_the_next_sync(
    application: Application, developer: Developer, prometheus: Prometheus
) -> None:
    broken = developer.write("manifest/smoke-job.yaml", URL, ANOTHER, "Ask another port")
    # A hook alone is no difference to Argo CD, which then syncs nothing.
    developer.write("manifest/script-deployment.yaml", "Limit: 3", "Limit: 4", "Keep one more")
    # Argo CD tries five times more, after up to a minute, before it calls the sync failed.
    wait_until("the alert", lambda: "ArgoCDSyncFailed" in prometheus.firing(), 420)
    assert application.health() == "Healthy"
    developer.revert(broken)
    developer.write("manifest/script-deployment.yaml", "Limit: 4", "Limit: 3", "Keep one less")
    wait_until("silence", lambda: "ArgoCDSyncFailed" not in prometheus.firing(), 120)
