"""A deploy and its rollback wake nobody: under traffic, all parts are replaced, no alert fires."""

import time

from e2e import image_builder
from e2e.developer import Developer
from e2e.traffic import Traffic
from support.clients import Prometheus
from support.cluster import Application
from support.waiting import wait_until

LONGEST_ALERT = 900
"""Seconds that an alert of an earlier test may last: ProcessRestarting looks back so far."""
AFTERMATH = 150
"""Seconds until what a deploy left behind would fire: Locust's master misses a worker for a minute
at most, a target may be down for two."""


def test_a_deploy_and_its_rollback_raise_no_alert(
    application: Application, developer: Developer, prometheus: Prometheus
) -> None:
    wait_until("silence", lambda: not prometheus.firing(), LONGEST_ALERT)
    began = time.time()
    with Traffic() as traffic:
        commit = developer.deploy(*image_builder.build_all("calm"))
        application.settle(commit)
        application.settle(developer.revert(commit))
        time.sleep(AFTERMATH)
    seconds = time.time() - began
    alerts = [series["metric"] for series in prometheus.query_range("ALERTS", seconds)]
    seen = {(alert["alertstate"], alert["alertname"]) for alert in alerts}
    print(f"{sorted(seen)} in {seconds:.0f} s, {traffic.answered} answers")
    assert {name for state, name in seen if state == "firing"} == set()
    assert traffic.failed == []
