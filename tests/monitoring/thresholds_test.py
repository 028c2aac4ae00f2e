"""Where dashboards and Locust draw a line, the rules draw the same one."""

import re
from typing import Any

import pytest

from support import telemetry
from support.paths import LOADTESTER

ALERTS = {rule["alert"]: rule["expr"] for rule in telemetry.rules() if "alert" in rule}


def limits(alert: str, left: str) -> list[float]:
    """Return the numbers that an alert's expression compares something with, largest first."""
    found = re.findall(rf"{left}\s*> ([\d.]+)", ALERTS[alert])
    return sorted(map(float, set(found)), reverse=True)


def objective() -> float:
    """Return the seconds within which a prediction is to be answered."""
    expressions = [rule["expr"] for rule in telemetry.rules()]
    (found,) = set(re.findall(r'_duration_seconds_bucket\{[^}]*le="([\d.]+)"', str(expressions)))
    return float(found)


def default(option: str) -> float:
    """Return the default of an option of locust.py: importing it would patch this process."""
    text = (LOADTESTER / "locust.py").read_text()
    found = re.search(rf'"{option}",.*? default=([\d.]+),', text)
    assert found, option
    return float(found[1])


def panel(dashboard: str, title: str) -> dict[str, Any]:
    """Return the panel of this title."""
    every = telemetry.panels(telemetry.dashboards()[dashboard])
    (found,) = (panel for panel in every if panel["title"] == title)
    return found


def lines(dashboard: str, title: str) -> dict[str, float]:
    """Return where a panel's colours begin, but for the first one."""
    steps = panel(dashboard, title)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return {step["color"]: step["value"] for step in steps[1:]}


@pytest.mark.parametrize("title", ["Burn", "Burn rate"])
def test_burn_rates_turn_red_where_somebody_is_paged(title: str) -> None:
    page, page_later = limits("SLOBurnFast", "slo:error_budget:ratio")
    *_, ticket = limits("SLOBurnSlow", "slo:error_budget:ratio")
    assert lines("api", title) == {"red": page, "orange": page_later, "yellow": ticket}
    for number in (page, page_later, ticket):
        if title == "Burn rate":
            assert re.search(rf"\b{number:g}\b", panel("api", title)["description"]), number


@pytest.mark.parametrize(
    ("dashboard", "title"),
    [
        ("api", "p95"),
        ("load-test", "p95"),
        ("load-test", "p95: client and server"),
        ("load-test", "Canary latency from outside"),
    ],
)
def test_latencies_turn_red_at_the_objective(dashboard: str, title: str) -> None:
    assert lines(dashboard, title)["red"] == objective()


def test_the_latency_panel_draws_the_objective() -> None:
    drawn = [target["expr"] for target in panel("api", "Latency")["targets"]]
    assert f"vector({objective():g})" in drawn


def test_a_run_of_locust_fails_above_the_objective() -> None:
    assert default("--max-p95-ms") == 1000 * objective()


def test_failures_of_locust_turn_red_where_they_are_alerted() -> None:
    (share,) = limits("LocustFailures", r"> 0\)")
    assert lines("load-test", "Failed")["red"] == share
    assert default("--max-fail-ratio") == share
