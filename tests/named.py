"""What there is in the repository, by the names that people call it by."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

import telemetry
from deployed import Model
from order import Order
from stack import ROOT


@cache
def alerts() -> dict[str, dict[str, str]]:
    """Return the annotations of each alert."""
    return {r["alert"]: r["annotations"] for r in telemetry.rules() if "alert" in r}


@cache
def panels() -> dict[str, tuple[str, str]]:
    """Return what alerts call a panel, file and title, by `dashboard: panel` as people see it."""
    return {
        f"{dashboard['title']}: {panel['title']}": (name, panel["title"])
        for name, dashboard in telemetry.dashboards().items()
        for panel in telemetry.panels(dashboard)
    }


@cache
def metrics() -> set[str]:
    """Return what rules and dashboards read; dashboards_test.py proves that it exists."""
    return telemetry.all_read().keys() | telemetry.recorded()


def documents(*patterns: str) -> Iterator[Any]:
    """Yield all documents of YAML files."""
    for path in (path for pattern in patterns for path in sorted(ROOT.glob(pattern))):
        yield from yaml.safe_load_all(path.read_text())


@cache
def objects() -> set[tuple[str, str]]:
    """Return namespace and `kind/name` of all that is applied."""
    return {
        # Kustomize sets mlops.
        (d["metadata"].get("namespace", "mlops"), f"{d['kind'].lower()}/{d['metadata']['name']}")
        for d in documents("manifest/*-*.yaml", "argocd/*.yaml", "install.yaml")
    }


@cache
def ports() -> set[int]:
    """Return the ports of the node."""
    services = (d["spec"] for d in documents("manifest/*-service.yaml", "manifest/*-services.yaml"))
    return {port["nodePort"] for spec in services for port in spec["ports"] if "nodePort" in port}


@cache
def written() -> set[str]:
    """Return the keys and texts of manifests, configuration and rules."""
    found = documents("manifest/*.yaml", "argocd/*.yaml", "install.yaml", "prometheus/**/*.yaml")
    return {word for document in found for word in _words(document)}


def _words(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for part in node:
            yield from _words(part)
            yield from _words(node[part]) if isinstance(node, dict) else ()


@cache
def trailers() -> set[str]:
    """Return the trailers of a deploy commit."""
    message = Order("tag", "source", {}, Model("1", 0, "log loss", 0, "data"), "gate").message()
    return set(re.findall(r"(?m)^([\w-]+): ", message))


@cache
def routes() -> set[str]:
    """Return the paths that the service answers, but for those below another."""
    return set(re.findall(r'"(/[a-z/]+)"', (ROOT / "api/app/routes.py").read_text()))


@cache
def targets() -> set[str]:
    """Return what make can make."""
    return set(re.findall(r"(?m)^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text()))
