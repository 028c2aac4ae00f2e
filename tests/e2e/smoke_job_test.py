"""A smoke test that fails is seen although all is healthy, until a sync succeeds."""

import json
from collections.abc import Iterator

import pytest

from e2e.developer import Developer
from support.clients import Prometheus
from support.cluster import Application, get, kubectl
from support.waiting import wait_until

URL = '"http://api-service:8000"'
ANOTHER = '"http://api-service:8001", --seconds, "1"'


def retry(limit: int) -> None:
    """Set how often Argo CD tries a failed sync again."""
    patch = {"spec": {"syncPolicy": {"retry": {"limit": limit}}}}
    kubectl(
        "patch", "-n", "argocd", "application", "mlops", "--type=merge", "-p", json.dumps(patch)
    )


@pytest.fixture
def retried_once(application: Application) -> Iterator[Application]:
    """Spare four of the five retries, each after a longer wait than the one before."""
    limit = get("application", application.name, namespace="argocd")["spec"]["syncPolicy"]["retry"][
        "limit"
    ]
    assert 0 < limit <= 5, "a sync that is tried for ever never fails"
    retry(1)
    yield application
    retry(limit)


def test_a_failed_smoke_test_is_seen_until_the_next_sync(
    retried_once: Application, developer: Developer, prometheus: Prometheus
) -> None:
    broken = developer.write("manifest/smoke-job.yaml", URL, ANOTHER, "Ask another port")
    # A hook alone is no difference to Argo CD, which then syncs nothing.
    developer.write("manifest/script-deployment.yaml", "Limit: 3", "Limit: 4", "Keep one more")
    wait_until("the alert", lambda: "ArgoCDSyncFailed" in prometheus.firing(), 180)
    assert retried_once.health() == "Healthy"
    developer.revert(broken)
    developer.write("manifest/script-deployment.yaml", "Limit: 4", "Limit: 3", "Keep one less")
    wait_until("silence", lambda: "ArgoCDSyncFailed" not in prometheus.firing(), 120)
