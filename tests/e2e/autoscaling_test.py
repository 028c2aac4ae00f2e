"""The component that scales the API: how the API server and Argo CD judge it."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from support.cluster import kubectl
from support.kustomize import objects
from support.paths import INSTALL, MANIFEST

AUTOSCALER = MANIFEST / "components/autoscaling/api-horizontalpodautoscaler.yaml"


@pytest.mark.usefixtures("application")
def test_the_api_server_accepts_it_and_argo_cd_may_deploy_it(turned_on: Path) -> None:
    controller = "system:serviceaccount:argocd:argocd-application-controller"
    text = yaml.safe_dump(objects(turned_on)["HorizontalPodAutoscaler api"])
    said = kubectl("apply", "--dry-run=server", f"--as={controller}", "-f", "-", stdin=text)
    assert said.startswith("horizontalpodautoscaler.autoscaling/api created")


def judged(folder: Path, kind: str, reason: str) -> str:
    """Return how Argo CD, as install.yaml sets it up, judges an autoscaler with a condition."""
    settings = next(
        found
        for found in yaml.safe_load_all(INSTALL.read_text())
        if found["metadata"]["name"] == "argocd-cm"
    )
    autoscaler = yaml.safe_load(AUTOSCALER.read_text())
    autoscaler["status"] = {"conditions": [
        {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale", "message": ""},
        {"type": kind, "status": "False", "reason": reason, "message": "in its own words"},
    ]}  # fmt: skip
    files = {"settings": settings, "autoscaler": autoscaler}
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    command = ("argocd", "admin", "settings", "resource-overrides", "health", "autoscaler.yaml")
    done = subprocess.run(
        (*command, "--argocd-cm-path", "settings.yaml"),
        cwd=folder, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "MESSAGE: in its own words" in done.stdout
    (health,) = re.findall(r"STATUS: (\w+)", done.stdout)
    return str(health)


@pytest.mark.parametrize(
    ("kind", "reason", "health"),
    [
        ("ScalingActive", "FailedGetResourceMetric", "Healthy"),
        ("ScalingActive", "InvalidSelector", "Degraded"),
        ("AbleToScale", "FailedGetScale", "Degraded"),
    ],
)
def test_argo_cd_waits_for_figures_but_not_for_what_is_broken(
    tmp_path: Path, kind: str, reason: str, health: str
) -> None:
    assert judged(tmp_path, kind, reason) == health
