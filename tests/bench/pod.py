"""What the manifests and rules say of one pod of the API, so that no number is written twice."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from app.settings import PREFIX
from support.paths import ROOT

DEPLOYMENT = ROOT / "manifest/api-deployment.yaml"
AUTOSCALER = ROOT / "manifest/components/autoscaling/api-horizontalpodautoscaler.yaml"
OBJECTIVE = ROOT / "prometheus/rules/slo.yaml"


def settings() -> dict[str, str]:
    """Return the settings that a pod is given, by their names in the service."""
    (container,) = _spec(DEPLOYMENT)["template"]["spec"]["containers"]
    return {e["name"].removeprefix(PREFIX).lower(): e["value"] for e in container["env"]}


def cores() -> float:
    """Return how many cores a pod may use."""
    (container,) = _spec(DEPLOYMENT)["template"]["spec"]["containers"]
    return float(container["resources"]["limits"]["cpu"])


class Autoscaler(NamedTuple):
    """Between how many pods it chooses, and the cores that each should use on average."""

    fewest: int
    most: int
    cores: float


def autoscaler() -> Autoscaler:
    """Return what the component sets."""
    spec = _spec(AUTOSCALER)
    (metric,) = spec["metrics"]
    aim = metric["resource"]["target"]["averageValue"]
    cores = float(aim[:-1]) / 1000 if aim.endswith("m") else float(aim)
    return Autoscaler(spec["minReplicas"], spec["maxReplicas"], cores)


class Objective(NamedTuple):
    """Seconds that an answer may take, and the share of requests that may take longer or fail."""

    seconds: float
    budget: float


def objective() -> Objective:
    """Return what the rules alert on. Raises ValueError if they differ among themselves."""
    rules = OBJECTIVE.read_text()
    (seconds,) = set(re.findall(r'handler="/predict",le="([\d.]+)"', rules))
    (budget,) = set(re.findall(r"vector\(([\d.]+)\)", rules))
    return Objective(float(seconds), float(budget))


def _spec(path: Path) -> Any:
    return yaml.safe_load(path.read_text())["spec"]
