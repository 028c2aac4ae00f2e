"""The component that scales the API: what it changes, and how Argo CD judges it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import document
from cluster import kubectl
from deployed import image_tags
from repository import ROOT

COMPONENT = ROOT / "manifest/components/autoscaling"
HPA = "HorizontalPodAutoscaler api"
Objects = dict[str, dict[str, Any]]


def rendered(folder: Path) -> Objects:
    """Return what a folder renders to, by kind and name."""
    found = yaml.safe_load_all(kubectl("kustomize", str(folder)))
    return {f"{o['kind']} {o['metadata']['name']}": o for o in found}


@pytest.fixture
def turned_on(tmp_path: Path) -> Path:
    """Return a copy of the manifest in which the component's README was followed."""
    for name in ("manifest", "prometheus"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (snippet,) = document.blocks((COMPONENT / "README.md").read_text(), "yaml")
    with (tmp_path / "manifest/kustomization.yaml").open("a") as file:
        file.write(snippet)
    return tmp_path / "manifest"


def test_it_adds_an_autoscaler_takes_replicas_away_and_changes_nothing_else(
    turned_on: Path,
) -> None:
    with_it, without = rendered(turned_on), rendered(ROOT / "manifest")
    assert HPA not in without
    added = with_it.pop(HPA)
    assert without["Deployment api"]["spec"].pop("replicas") >= added["spec"]["minReplicas"]
    assert with_it == without
    assert added["metadata"]["namespace"] == "mlops"
    assert added["metadata"]["labels"] == {"app.kubernetes.io/part-of": "mlops"}
    scaled, deployment = added["spec"]["scaleTargetRef"], with_it["Deployment api"]
    assert scaled == {
        "apiVersion": deployment["apiVersion"], "kind": "Deployment", "name": "api",
    }  # fmt: skip


def test_it_aims_at_less_than_a_pod_can_use(turned_on: Path) -> None:
    objects = rendered(turned_on)
    (container,) = objects["Deployment api"]["spec"]["template"]["spec"]["containers"]
    (metric,) = objects[HPA]["spec"]["metrics"]
    aim = int(metric["resource"]["target"]["averageValue"].removesuffix("m"))
    request = int(container["resources"]["requests"]["cpu"].removesuffix("m"))
    assert request < aim < 1000 * int(container["resources"]["limits"]["cpu"])


def test_a_deploy_keeps_it_and_finds_its_own_tag_beside_it(turned_on: Path) -> None:
    tag, names = "2026-01-02-03-04-05", ("model-loadtester", "taller6-fastapi-ml-api")
    images = [f"{name}=docker.io/me/{name}:{tag}@sha256:{'a' * 64}" for name in names]
    edit = ("kustomize", "edit", "set", "image", *images)
    subprocess.run(edit, cwd=turned_on, check=True, timeout=60)
    assert HPA in rendered(turned_on)
    assert image_tags((turned_on / "kustomization.yaml").read_text()) == dict.fromkeys(names, tag)


@pytest.mark.usefixtures("application")
def test_the_api_server_accepts_it_and_argo_cd_may_deploy_it(turned_on: Path) -> None:
    controller = "system:serviceaccount:argocd:argocd-application-controller"
    text = yaml.safe_dump(rendered(turned_on)[HPA])
    said = kubectl("apply", "--dry-run=server", f"--as={controller}", "-f", "-", stdin=text)
    assert said.startswith("horizontalpodautoscaler.autoscaling/api created")


def judged(folder: Path, kind: str, reason: str) -> str:
    """Return how Argo CD, as install.yaml sets it up, judges an autoscaler with a condition."""
    settings = next(
        found
        for found in yaml.safe_load_all((ROOT / "install.yaml").read_text())
        if found["metadata"]["name"] == "argocd-cm"
    )
    autoscaler = yaml.safe_load((COMPONENT / "api-horizontalpodautoscaler.yaml").read_text())
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
