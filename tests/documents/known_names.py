"""Index of the names that the repository defines: routes, metrics, alerts, panels, targets."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fastapi.routing import iter_route_contexts
from sklearn.utils.discovery import all_estimators

from app.main import create_app
from app.model import Model
from app.settings import PREFIX, Settings
from loadtester.local.ports import PORTS
from support import telemetry
from support.fork import DATASETS, tracked
from support.paths import ROOT

CODE = {
    "",
    ".csv",
    ".html",
    ".in",
    ".js",
    ".json",
    ".mjs",
    ".py",
    ".sh",
    ".tmpl",
    ".ts",
    ".yaml",
    ".yml",
}
"""Endings of files that words are looked for in; locked requirements have words by the thousand."""
LOCK = "package-lock.json"
DEPLOYED = ("manifest/*-*.yaml", "manifest/components/*/*-*.yaml")


@cache
def alerts() -> dict[str, dict[str, str]]:
    """Return the annotations of each alert."""
    return {r["alert"]: r["annotations"] for r in telemetry.rules(optional=True) if "alert" in r}


@cache
def panels() -> dict[str, tuple[str, str]]:
    """Return what alerts call a panel, file and title, by `dashboard: panel` as people see it."""
    return {
        f"{dashboard['title']}: {panel['title']}": (name, panel["title"])
        for name, dashboard in telemetry.dashboards(optional=True).items()
        for panel in telemetry.panels(dashboard)
    }


@cache
def metrics() -> set[str]:
    """Return what rules and dashboards read; dashboards_test.py proves that it exists."""
    return telemetry.all_read(optional=True).keys() | telemetry.recorded(optional=True)


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
        for d in documents(*DEPLOYED, "argocd/*.yaml", "install.yaml")
    }


@cache
def services() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return the ports of each service by namespace and `service/name`."""
    return {
        (d["metadata"].get("namespace", "mlops"), f"service/{d['metadata']['name']}"): (
            d["spec"]["ports"]
        )
        for d in documents(*DEPLOYED, "install.yaml")
        if d["kind"] == "Service"
    }


def node_ports() -> dict[str, int]:
    """Return the port of the node of each service that has one."""
    return {
        name.removeprefix("service/"): port["nodePort"]
        for (_, name), ports in services().items()
        for port in ports
        if "nodePort" in port
    }


@cache
def secrets() -> set[tuple[str, str]]:
    """Return namespace and `secret/name` of those that the installation or a pod reads."""
    found = re.findall(r"-n (\w+) get secret ([\w-]+)", (ROOT / "argocd/install.sh").read_text())
    for file in (file for pattern in DEPLOYED for file in ROOT.glob(pattern)):
        mounted = re.findall(r"secret: \{name: ([\w-]+)", file.read_text())
        found += [("mlops", name) for name in mounted]
    return {(namespace, f"secret/{name}") for namespace, name in found}


def default_port() -> int:
    """Return the port of the service on the machine of whoever runs `make run`."""
    port: int = Settings.model_fields["port"].default
    return port


@cache
def operations() -> set[str]:
    """Return method and path of all that the service answers."""
    settings = Settings()
    service = create_app(settings, Model.load(settings.model_dir))
    return {
        f"{method} {route.path}"
        for route in iter_route_contexts(service.api.routes)
        for method in route.methods or ()
        if method != "HEAD"
    }


def routes() -> set[str]:
    """Return the paths that the service answers."""
    return {operation.partition(" ")[2] for operation in operations()}


def settings() -> set[str]:
    """Return the variables that the service reads."""
    return {PREFIX + name.upper() for name in Settings.model_fields}


@cache
def makefile() -> str:
    """Return the text of the Makefile."""
    return (ROOT / "Makefile").read_text()


def targets() -> set[str]:
    """Return what make can make."""
    return set(re.findall(r"(?m)^([a-z0-9-]+):.*##", makefile()))


def variables() -> set[str]:
    """Return what make can be told."""
    moved = {port.variable for port in PORTS}
    return moved | set(re.findall(r"(?m)^([A-Z]+) [?:]?=", makefile()))


def local_ports() -> set[int]:
    """Return the ports that are listened on by what `make run` and the installation start."""
    text = (ROOT / "argocd/install.sh").read_text()
    own = {port.default for port in PORTS}
    return {default_port(), *own, *map(int, re.findall(r"127\.0\.0\.1:(\d+)", text))}


@cache
def workflow() -> dict[Any, Any]:
    """Return what a push starts."""
    loaded: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/ci-cd.yml").read_text())
    return loaded


def branches() -> set[str]:
    """Return the branches that a push deploys from."""
    return set(workflow()[True]["push"]["branches"])  # YAML 1.1 reads `on` as true


@cache
def files() -> set[str]:
    """Return the last names of the files that are committed or made by training."""
    return {Path(name).name for name in tracked()} | {
        file.name for file in Settings().model_dir.iterdir()
    }


@cache
def tables() -> set[str]:
    """Return the paths that the data of `tests/datasets/` have once it is fetched."""
    texts = [file.read_text() for file in DATASETS.glob("*/train_model.py")]
    return {f"api/data/{name}" for text in texts for name in re.findall(r'"(\w+\.csv)"', text)}


@cache
def _code() -> str:
    """Return all code but for the tests, which name what must not be there."""
    paths = [Path(name) for name in tracked() if not name.endswith(("_test.py", LOCK))]
    return "\n".join((ROOT / path).read_text() for path in paths if path.suffix in CODE)


@cache
def _of_scikit_learn() -> set[str]:
    """Return its estimators and transformers, any of which a candidate may have."""
    return {name for name, _ in all_estimators()}


def in_code(words: str) -> bool:
    """Tell whether these words stand in code, as they are, or are an estimator's name."""
    return words in _of_scikit_learn() or bool(
        re.search(rf"(?<![\w-]){re.escape(words)}(?![\w-])", _code())
    )
