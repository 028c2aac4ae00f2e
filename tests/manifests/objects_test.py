"""What is deployed, as kustomize renders it: hardened, bounded, named by its file."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from support import components, kustomize
from support.kustomize import name
from support.paths import INSTALL, MANIFEST, PROMETHEUS, ROOT

ROLLOUTS = MANIFEST / "components/progressive-delivery/install.yaml"
OFF_BY_DEFAULT = [*MANIFEST.glob("components/*/*-*.yaml")]


def objects() -> list[dict[str, Any]]:
    """Return all that is deployed: Argo CD, and what it deploys."""
    return [*yaml.safe_load_all(INSTALL.read_text()), *kustomize.objects(MANIFEST).values()]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return all that may be deployed: with all components turned on."""
    folder = tmp_path_factory.mktemp("everything")
    manifest = components.turned_on(folder, *components.ALL)
    installed = [o for file in (INSTALL, ROLLOUTS) for o in yaml.safe_load_all(file.read_text())]
    return [*installed, *kustomize.objects(manifest).values()]


def workloads(everything: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each pod's specification."""
    for found in everything:
        if template := found.get("spec", {}).get("template"):
            yield name(found), template["spec"]


def test_every_file_of_the_manifest_is_rendered() -> None:
    files = {file.name for file in MANIFEST.glob("*-*.yaml")}
    listed = yaml.safe_load((MANIFEST / "kustomization.yaml").read_text())["resources"]
    assert files <= set(listed)
    kinds = [yaml.safe_load((MANIFEST / file).read_text()) for file in files]
    assert {name(found) for found in kinds} <= kustomize.objects(MANIFEST).keys()


def test_prometheus_gets_every_file_of_rules() -> None:
    found = kustomize.objects(MANIFEST)
    (rules,) = (o["data"] for name, o in found.items() if "ConfigMap prometheus-rules-" in name)
    assert rules.keys() == {file.name for file in (PROMETHEUS / "rules").glob("*.yaml")}


def test_no_two_objects_have_the_same_kind_and_name() -> None:
    found = list(yaml.safe_load_all(kustomize.rendered(MANIFEST)))
    assert len(found) == len(kustomize.objects(MANIFEST))


def test_argo_cd_is_small_enough_to_read() -> None:
    assert len(INSTALL.read_text().splitlines()) <= 600


def test_nothing_has_rights_on_the_whole_cluster_and_no_secret_is_in_git(
    everything: list[dict[str, Any]],
) -> None:
    kinds = {found["kind"] for found in everything}
    assert not kinds & {"ClusterRole", "ClusterRoleBinding"}
    secrets = {name(o): o.get("data", {}).keys() for o in everything if o["kind"] == "Secret"}
    where = {"name", "server", "namespaces", "clusterResources"}
    assert secrets == {"Secret argocd-secret": set(), "Secret in-cluster": where}


def test_pods_are_hardened(everything: list[dict[str, Any]]) -> None:
    for workload, pod in workloads(everything):
        assert pod["securityContext"]["runAsNonRoot"] is True, workload
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, workload


def test_containers_are_hardened_and_bounded(everything: list[dict[str, Any]]) -> None:
    for workload, pod in workloads(everything):
        for container in (*pod["containers"], *pod.get("initContainers", [])):
            what = f"{workload}, container {container['name']}"
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, what
            for bound in ("requests", "limits"):
                assert container["resources"][bound].keys() == {"cpu", "memory"}, what


def test_only_prometheus_and_the_two_that_deploy_get_a_token(
    everything: list[dict[str, Any]],
) -> None:
    with_token = {
        workload
        for workload, pod in workloads(everything)
        if pod.get("automountServiceAccountToken") is not False
    }
    assert with_token == {
        "StatefulSet argocd-application-controller",
        "Deployment argo-rollouts",
        "Deployment argocd-server",
        "Deployment prometheus",
    }


def test_each_file_of_the_manifest_is_one_object_and_named_by_it() -> None:
    for file in (*MANIFEST.glob("*-*.yaml"), *OFF_BY_DEFAULT):
        (found,) = yaml.safe_load_all(file.read_text())
        kind = file.stem.rpartition("-")[2]
        assert found["kind"].lower() in (kind, kind.removesuffix("s")), file.name


def test_images_are_named_in_one_place_and_none_is_latest() -> None:
    files = [f for f in MANIFEST.glob("*.yaml") if f.name != "kustomization.yaml"]
    texts = "".join(file.read_text() for file in files)
    assert set(re.findall(r"image: (\S+)", texts)) == {
        "taller6-fastapi-ml-api", "model-loadtester", "prom/prometheus:v3.13.5",
        "grafana/grafana:13.2.3",
    }  # fmt: skip


def plural(kind: str) -> str:
    """Return a kind as roles name it."""
    return f"{kind[:-1]}ies".lower() if kind.endswith("y") else f"{kind}s".lower()


def test_argo_cd_s_role_names_the_kinds_of_its_project() -> None:
    project = yaml.safe_load((ROOT / "argocd" / "project.yaml").read_text())
    allowed = {plural(e["kind"]) for e in project["spec"]["namespaceResourceWhitelist"]}
    itself = {"name": "argocd-application-controller", "namespace": "mlops"}
    (role,) = (o for o in objects() if o["kind"] == "Role" and o["metadata"] == itself)
    granted = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert granted == allowed | {"namespaces"}  # its own: looked at, never deployed


def test_argo_cd_may_deploy_just_the_kinds_in_use() -> None:
    project = yaml.safe_load((ROOT / "argocd" / "project.yaml").read_text())
    allowed = {entry["kind"] for entry in project["spec"]["namespaceResourceWhitelist"]}
    texts = [kustomize.rendered(MANIFEST), *(file.read_text() for file in OFF_BY_DEFAULT)]
    used = {found["kind"] for text in texts for found in yaml.safe_load_all(text)}
    assert allowed == used | {"AnalysisRun", "ReplicaSet", "Pod"}
