"""What is said to somebody whose dashboard Grafana could not read from a file, or draws wrongly."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from support import telemetry
from support.paths import ROOT
from support.telemetry import DASHBOARDS, OPTIONAL_DASHBOARDS

V2 = {"title": "Mine", "elements": {}, "layout": {"kind": "GridLayout", "spec": {"items": []}}}
RESOURCES = {
    "V2": V2,
    "V2 resource": {"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "spec": V2},
    "V1 resource": {
        "apiVersion": "dashboard.grafana.app/v1", "kind": "Dashboard", "spec": {"panels": []},
    },
}  # fmt: skip

Key = str | int
GONE = None
API = ROOT / "manifest/grafana/dashboards/api.json"
TRAFFIC: tuple[Key, ...] = ("panels", 1)  # stands between Pods and Errors
DEFAULTS = (*TRAFFIC, "fieldConfig", "defaults")
HEATMAP: tuple[Key, ...] = ("panels", 9)
MINE = {"type": "prometheus", "uid": "mine"}
PROVISIONED = 'write {"type": "prometheus", "uid": "prometheus"}'
OTHER = f'datasource {{"type":"prometheus","uid":"mine"}} is not provisioned: {PROVISIONED}'
NO_UNIT = 'no unit: choose one, "short" or "none" for a number without'
UNKNOWN = 'unit "percnt" is unknown to Grafana: choose it from its list, or write suffix:percnt'
OVERRIDE = {
    "matcher": {"id": "byName", "options": "a"}, "properties": [{"id": "unit", "value": "percnt"}],
}  # fmt: skip
OUTSIDE = "is outside the 24 columns: x + w is at most 24, w and h at least 1"
SPOILT: dict[str, tuple[tuple[Key, ...], Any, str]] = {
    "title": (
        (*TRAFFIC, "title"), GONE, "panel 2: no title: alerts and the runbook call a panel by it",
    ),
    "description": (
        (*TRAFFIC, "description"), "", "Traffic: no description: say in a sentence what is seen",
    ),
    "datasource": ((*TRAFFIC, "datasource"), GONE, f"Traffic: no datasource: {PROVISIONED}"),
    "other-datasource": ((*TRAFFIC, "datasource"), MINE, f"Traffic: {OTHER}"),
    "query": ((*TRAFFIC, "targets", 0, "datasource"), MINE, f"Traffic: query A: {OTHER}"),
    "annotation": (
        ("annotations", "list", 0, "datasource"), MINE, f"annotation Versions: {OTHER}",
    ),
    "variable": (("templating", "list", 0, "datasource"), MINE, f"variable pod: {OTHER}"),
    "unit": ((*DEFAULTS, "unit"), GONE, f"Traffic: {NO_UNIT}"),
    "unit-of-axis": ((*HEATMAP, "options", "yAxis", "unit"), GONE, f"Latency heatmap: {NO_UNIT}"),
    "unknown-unit": ((*DEFAULTS, "unit"), "percnt", f"Traffic: {UNKNOWN}"),
    "unknown-of-cells": (
        (*HEATMAP, "options", "cellValues", "unit"), "percnt", f"Latency heatmap: {UNKNOWN}",
    ),
    "unknown-of-override": (
        (*TRAFFIC, "fieldConfig", "overrides"), [OVERRIDE], f"Traffic: {UNKNOWN}",
    ),
    "id": (
        (*TRAFFIC, "id"), 1, "Traffic: id 1 is that of Pods too: choose a number that no panel has",
    ),
    "place": ((*TRAFFIC, "gridPos"), GONE, "Traffic: no gridPos: say where the panel stands"),
    "outside": (
        (*TRAFFIC, "gridPos"), {"x": 21, "y": 100, "w": 4, "h": 4},
        f"Traffic: gridPos x 21, y 100, w 4, h 4 {OUTSIDE}",
    ),
    "overlap": (
        (*TRAFFIC, "gridPos", "x"), 3,
        "Traffic: gridPos x 3, y 0, w 4, h 4 overlaps Pods: move one of them",
    ),
}  # fmt: skip
"""Where a copy of API's dashboard is spoilt, with what, and what is said of it."""


def check(*folder: Path) -> "subprocess.CompletedProcess[str]":
    """Check a folder of dashboards, or all that there are as `make lint` does."""
    command = ("node", str(ROOT / "tests/node/dashboards.mjs"), *map(str, folder))
    cwd = folder[0] if folder else ROOT
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)


def changed(keys: tuple[Key, ...], value: Any) -> dict[str, Any]:
    """Return API's dashboard with one value changed, or without it."""
    dashboard: dict[str, Any] = json.loads(API.read_text())
    place: Any = dashboard
    for key in keys[:-1]:
        place = place[key]
    if value is GONE:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return dashboard


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the dashboards, to add one."""
    for path in DASHBOARDS:
        shutil.copy(path, tmp_path)
    return tmp_path


def test_those_of_components_are_checked_too() -> None:
    done = check()
    every = len(DASHBOARDS) + len(OPTIONAL_DASHBOARDS)
    assert (done.returncode, done.stdout) == (0, f"{every} dashboards, 0 errors\n")


@pytest.mark.parametrize("content", RESOURCES.values(), ids=RESOURCES)
def test_a_file_that_grafana_cannot_read_is_refused_by_name_with_the_remedy(
    folder: Path, content: dict[str, Any]
) -> None:
    (folder / "mine.json").write_text(json.dumps(content))
    done = check(folder)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("mine.json: a V1 or V2 resource")
    assert line.endswith("Export as code, with the model Classic")


def test_a_file_that_is_no_json_is_refused_by_name(folder: Path) -> None:
    (folder / "mine.json").write_text('{"panels": [],}')
    done = check(folder)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("mine.json: no JSON: ")


def test_what_grafana_adds_to_a_file_that_it_exports_is_taken(folder: Path) -> None:
    """Grafana's own annotation, numbers of its database, what its query builder remembers."""
    dashboard = json.loads(DASHBOARDS[0].read_text())
    dashboard |= {"id": 4, "version": 2}
    dashboard["annotations"]["list"].insert(0, {
        "builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True,
        "hide": True, "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts",
        "type": "dashboard",
    })  # fmt: skip
    for panel in dashboard["panels"]:
        panel["pluginVersion"] = "13.2.3"
        for target in panel.get("targets", []):
            target |= {
                "disableTextWrap": False, "editorMode": "builder", "exemplar": False,
                "fullMetaSearch": False, "includeNullMetadata": True, "useBackend": False,
            }  # fmt: skip
    (folder / DASHBOARDS[0].name).write_text(json.dumps(dashboard, indent=2))
    done = check(folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_grafana_would_draw_wrongly_is_named_with_the_remedy(tmp_path: Path) -> None:
    for name, (keys, value, _) in SPOILT.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(changed(keys, value)))
    (tmp_path / "misspelt.json").write_text(json.dumps(changed((*DEFAULTS, "unti"), "s")))
    done = check(tmp_path)
    assert done.returncode == 1
    misspelt, *lines = done.stderr.splitlines()
    assert misspelt.startswith("misspelt.json:1: ")
    assert "'\"unti\"' does not exist" in misspelt
    assert lines == sorted(f"{name}.json: {said}" for name, (_, _, said) in SPOILT.items())


def test_a_unit_that_grafana_knows_or_composes_is_taken(tmp_path: Path) -> None:
    for index, unit in enumerate(
        ("s", "dateTimeAsLocal", "suffix:rows", "time:YYYY", "currency:EUR")
    ):
        content = json.dumps(changed((*DEFAULTS, "unit"), unit))
        (tmp_path / f"{index}.json").write_text(content)
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def faults(file: str, dashboard: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong in the queries of a dashboard though Prometheus would answer most."""
    values = dict.fromkeys(telemetry.variables(dashboard), ".*")
    # What Prometheus' rules make has no job of its own.
    made = {*telemetry.recorded(optional=True), "ALERTS", "ALERTS_FOR_STATE"}
    for query in telemetry.queries(file, dashboard):
        try:
            nodes = list(telemetry.nodes(telemetry.filled(query.expr, values)))
        except ValueError as error:
            yield f"{query.where}: {error}: {query.expr}"
            continue
        for node in nodes:
            # Jobs share names, `process_...` and `up` say, so that one panel would show them all.
            if isinstance(node, promql_parser.VectorSelector) and not (
                node.name in made or any(m.name == "job" for m in node.matchers.matchers)
            ):
                yield f'{query.where}: {node} has no job: write job="api", or job=~".+" for all'
            if (
                isinstance(node, promql_parser.MatrixSelector)
                and node.range < telemetry.LEAST_RANGE
            ):
                yield f"{query.where}: {node} is less than four scrapes: write [$__rate_interval]"


def test_every_query_names_a_job_and_has_a_range_of_four_scrapes_or_more() -> None:
    loaded = {
        path.name: json.loads(path.read_text()) for path in (*DASHBOARDS, *OPTIONAL_DASHBOARDS)
    }
    assert [fault for name, each in loaded.items() for fault in faults(name, each)] == []


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        (
            "sum(rate(http_requests_total[$__rate_interval]))",
            'http_requests_total{} has no job: write job="api", or job=~".+" for all',
        ),
        (
            'rate(http_requests_total{job="api"}[10s])',
            'http_requests_total{job="api"}[10s] is less than four scrapes: '
            "write [$__rate_interval]",
        ),
        ("sum(rate(up[5m])", "unclosed left parenthesis: sum(rate(up[5m])"),
    ],
    ids=["no job", "short range", "no PromQL"],
)
def test_a_query_that_would_mix_jobs_lose_its_rate_or_fail_is_named(expr: str, said: str) -> None:
    dashboard = changed((*TRAFFIC, "targets", 0, "expr"), expr)
    assert list(faults("api.json", dashboard)) == [f"api.json: Traffic: A: {said}"]


def test_who_may_edit_can_edit_and_save_which_grafana_wants_before_it_exports() -> None:
    every = (*DASHBOARDS, *OPTIONAL_DASHBOARDS)
    assert [p.name for p in every if not json.loads(p.read_text())["editable"]] == []
    assert "allowUiUpdates: true" in (ROOT / "manifest/grafana/dashboards.yaml").read_text()
