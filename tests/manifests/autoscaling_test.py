"""The component that scales the API: what it changes."""

import subprocess
from pathlib import Path

from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.kustomize import objects
from support.paths import MANIFEST
from tags import image_tags

HPA = "HorizontalPodAutoscaler api"


def test_it_adds_an_autoscaler_takes_replicas_away_and_changes_nothing_else(
    turned_on: Path,
) -> None:
    with_it, without = objects(turned_on), objects(MANIFEST)
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
    found = objects(turned_on)
    (container,) = found["Deployment api"]["spec"]["template"]["spec"]["containers"]
    (metric,) = found[HPA]["spec"]["metrics"]
    aim = int(metric["resource"]["target"]["averageValue"].removesuffix("m"))
    request = int(container["resources"]["requests"]["cpu"].removesuffix("m"))
    assert request < aim < 1000 * int(container["resources"]["limits"]["cpu"])


def test_a_deploy_keeps_it_and_finds_its_own_tag_beside_it(turned_on: Path) -> None:
    tag, names = "2026-01-02-03-04-05", (LOADTESTER_IMAGE, API_IMAGE)
    images = [f"{name}=docker.io/me/{name}:{tag}@sha256:{'a' * 64}" for name in names]
    edit = ("kustomize", "edit", "set", "image", *images)
    subprocess.run(edit, cwd=turned_on, check=True, timeout=60)
    assert HPA in objects(turned_on)
    assert image_tags((turned_on / "kustomization.yaml").read_text()) == dict.fromkeys(names, tag)
