"""What is exported, what is recorded, and what reads it: dashboards and rules as data."""

import json
import math
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import promql_parser
import yaml

from support.clients import Prometheus
from support.paths import PROMETHEUS, ROOT

DASHBOARDS = sorted((ROOT / "manifest/grafana/dashboards").glob("*.json"))
OPTIONAL_DASHBOARDS = sorted((ROOT / "manifest/components").glob("*/*.json"))
RULES = sorted((PROMETHEUS / "rules").glob("*.yaml"))
OPTIONAL_RULES = [PROMETHEUS / "rules/rollout/rollout.yaml"]
"""What is optional comes with components, which are off by default."""

LEAST_RANGE = timedelta(seconds=20)
"""Four scrapes, the least $__rate_interval. In a shorter range a late scrape leaves no rate."""
GRAFANAS_OWN = {
    "$__rate_interval": f"{LEAST_RANGE.seconds}s",
    "$__interval": "15s",
    "$__range": "15m",
}
LAST_SECONDS = 60
"""How long ago a panel may have had its last value, to count as filled."""
CHILDREN = ("expr", "lhs", "rhs", "param", "vector_selector")
"""Where a node of promql_parser's syntax tree keeps others, besides the arguments of a call."""


class Query(NamedTuple):
    """A query of a dashboard, and where it stands."""

    where: str
    expr: str


def dashboards(*, optional: bool = False) -> dict[str, dict[str, Any]]:
    """Return the dashboards by their file's name, those of components too if that is asked for."""
    paths = (*DASHBOARDS, *OPTIONAL_DASHBOARDS) if optional else DASHBOARDS
    return {path.stem: json.loads(path.read_text()) for path in paths}


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all panels, those in rows too."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def variables(dashboard: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return metric selector and label of each variable, `label_values(SELECTOR, LABEL)`."""
    found = {}
    for variable in dashboard["templating"]["list"]:
        query = variable["query"]
        text = query["query"] if isinstance(query, dict) else query
        match = re.fullmatch(r"label_values\((.+), *(\w+)\)", text)
        assert match, f"{dashboard['title']}: ${variable['name']} is no label_values(): {text}"
        found[variable["name"]] = (match[1], match[2])
    return found


def queries(name: str, dashboard: dict[str, Any]) -> Iterator[Query]:
    """Yield the queries of panels and annotations, as they stand in the file."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            yield Query(f"{name}: {panel['title']}: {target['refId']}", target["expr"])
    for annotation in dashboard["annotations"]["list"]:
        if "builtIn" not in annotation:  # Grafana's own, in every file that it exports
            yield Query(f"{name}: annotation {annotation['name']}", annotation["target"]["expr"])


def filled(expr: str, values: dict[str, str]) -> str:
    """Return a query with Grafana's own variables and these in place."""
    for key, text in {**GRAFANAS_OWN, **{f"${k}": v for k, v in values.items()}}.items():
        expr = expr.replace(key, text)
    # `$1` is label_replace's, and no variable is called by a number.
    assert not re.search(r"\$\D", expr), f"a variable is left: {expr}"
    return expr


def unfilled(prometheus: Prometheus, name: str) -> list[str]:
    """Return the queries of a dashboard that have no finite value in the last minute."""
    dashboard = dashboards(optional=True)[name]
    values, empty = {}, []
    for variable, (selector, label) in variables(dashboard).items():
        found = {s["metric"][label] for s in prometheus.query(selector) if label in s["metric"]}
        values[variable] = min(found, default="")
        if not found:
            empty.append(f"{name}: ${variable}")
    for query in queries(name, dashboard):
        series = prometheus.query_range(filled(query.expr, values), LAST_SECONDS)
        if not any(math.isfinite(float(v)) for s in series for _, v in s["values"]):
            empty.append(query.where)
    return empty


def rules(*, optional: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the recording and alerting rules, those of components too if that is asked for."""
    for path in (*RULES, *OPTIONAL_RULES) if optional else RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def nodes(expr: str) -> Iterator[Any]:
    """Yield the nodes of an expression's syntax tree; ValueError where it is no PromQL."""
    waiting: list[Any] = [promql_parser.parse(expr)]
    while waiting:
        node = waiting.pop()
        yield node
        children = [getattr(node, name, None) for name in CHILDREN]
        waiting += [*filter(None, children), *(getattr(node, "args", None) or [])]


def metrics_read(expr: str) -> set[str]:
    """Return the names of the metrics that an expression selects."""
    return {str(n.name) for n in nodes(expr) if isinstance(n, promql_parser.VectorSelector)}


def all_read(*, optional: bool = False) -> dict[str, set[str]]:
    """Return where each metric is read, by its name without a histogram's endings."""
    readers: dict[str, set[str]] = {}
    for rule in rules(optional=optional):
        for name in metrics_read(rule["expr"]):
            readers.setdefault(name, set()).add(rule.get("record") or rule["alert"])
    for title, dashboard in dashboards(optional=optional).items():
        for query in queries(title, dashboard):
            values = dict.fromkeys(variables(dashboard), ".*")
            for name in metrics_read(filled(query.expr, values)):
                readers.setdefault(name, set()).add(query.where)
    return readers


def recorded(*, optional: bool = False) -> set[str]:
    """Return the names of all recorded series."""
    return {rule["record"] for rule in rules(optional=optional) if "record" in rule}
