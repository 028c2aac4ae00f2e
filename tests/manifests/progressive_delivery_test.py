"""The component that tries each version on a part of the traffic: what it changes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from support import components
from support.kustomize import objects
from support.paths import MANIFEST, PROMETHEUS, ROOT

COMPONENT = MANIFEST / "components/progressive-delivery"
INSTALLED = list(yaml.safe_load_all((COMPONENT / "install.yaml").read_text()))
CHECKS = ("accuracy", "errors", "latency", "refused", "mix")


@pytest.fixture
def on(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Return what the manifest renders to with the component alone."""
    return objects(components.turned_on(tmp_path, "progressive-delivery"))


def base(found: dict[str, dict[str, Any]]) -> set[str]:
    """Return the names, without the hash that Kustomize gives a ConfigMap."""
    return {name[:-11] if name.startswith("ConfigMap") else name for name in found}


def test_it_adds_the_rollout_and_what_judges_it_and_takes_the_smoke_job_away(
    on: dict[str, dict[str, Any]],
) -> None:
    without = base(objects(MANIFEST))
    assert base(on) - without == {
        "Rollout api", "AnalysisTemplate api", "Service api-stable", "Service api-canary",
        "ConfigMap prometheus-rollouts", "ConfigMap grafana-dashboard-rollout",
    }  # fmt: skip
    assert without - base(on) == {"Job smoke"}


def test_the_template_of_the_pods_stays_in_one_place(on: dict[str, dict[str, Any]]) -> None:
    deployment, rollout = on["Deployment api"], on["Rollout api"]["spec"]
    assert "template" not in rollout
    assert rollout["workloadRef"] == {
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "scaleDown": "onsuccess",
    }  # fmt: skip
    assert "replicas" not in deployment["spec"]  # or Argo CD and the controller would fight
    assert rollout["progressDeadlineSeconds"] == deployment["spec"]["progressDeadlineSeconds"]


def test_a_new_version_is_one_pod_in_ten(on: dict[str, dict[str, Any]]) -> None:
    canary = on["Rollout api"]["spec"]["strategy"]["canary"]
    first = canary["steps"][0]["setWeight"]
    assert on["Rollout api"]["spec"]["replicas"] / (100 / first) == pytest.approx(0.9)
    assert canary["maxUnavailable"] == 0
    for name in (canary["stableService"], canary["canaryService"]):
        assert on[f"Service {name}"]["spec"]["selector"] == {"app.kubernetes.io/name": "api"}


def test_what_is_not_proved_good_is_undone_and_never_waits_for_a_hand(
    on: dict[str, dict[str, Any]],
) -> None:
    worse, proved = on["AnalysisTemplate api"]["spec"]["metrics"]
    # More than it can be asked before the other one ends it: else a rollout would be paused.
    assert min(worse["count"], worse["inconclusiveLimit"]) > 2 * proved["count"]
    assert proved["failureLimit"] == -1  # so that only its count ends it, as failed
    assert proved["count"] * int(proved["interval"].rstrip("s")) < 150
    assert worse["provider"] == proved["provider"]
    query = proved["provider"]["prometheus"]["query"]
    assert f"== {len(CHECKS)}" in query


def test_prometheus_gets_the_rules_and_grafana_the_dashboard(
    on: dict[str, dict[str, Any]],
) -> None:
    rules = next(o["data"] for name, o in on.items() if name.startswith("ConfigMap prometheus-ru"))
    assert rules["rollout.yaml"] == (PROMETHEUS / "rules/rollout/rollout.yaml").read_text()
    assert len(rules) == 1 + len(list((PROMETHEUS / "rules").glob("*.yaml")))
    volumes = on["Deployment grafana"]["spec"]["template"]["spec"]["volumes"]
    shown = next(volume for volume in volumes if volume["name"] == "dashboards")
    names = [source["configMap"]["name"] for source in shown["projected"]["sources"]]
    assert sum("grafana-dashboard-rollout" in name for name in names) == 1
    assert len(names) == 5


def test_the_autoscaler_scales_the_rollout(tmp_path: Path) -> None:
    found = objects(components.turned_on(tmp_path, *components.ALL))
    scaler = found["HorizontalPodAutoscaler api"]["spec"]
    assert scaler["scaleTargetRef"] == {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "api",
    }  # fmt: skip
    assert "replicas" not in found["Rollout api"]["spec"]
    alone = yaml.safe_load((COMPONENT / "api-rollout.yaml").read_text())["spec"]["replicas"]
    assert scaler["minReplicas"] == alone < scaler["maxReplicas"]
    kind = INSTALLED[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert kind["properties"]["replicas"]["default"] == alone  # or it would fall to less at first


def test_the_controller_reads_no_secret_but_its_own_and_stays_in_two_namespaces() -> None:
    roles = [one for one in INSTALLED if one["kind"] == "Role"]
    assert {one["metadata"]["namespace"] for one in roles} == {"argocd", "mlops"}
    for rule in (rule for role in roles for rule in role["rules"]):
        assert "*" not in (*rule["resources"], *rule["verbs"], *rule["apiGroups"])
        if "secrets" in rule["resources"]:
            assert rule["resourceNames"] == ["argo-rollouts-notification-secret"]
            assert set(rule["verbs"]) == {"list", "watch"}


def test_it_is_small_enough_to_read() -> None:
    assert len((COMPONENT / "install.yaml").read_text().splitlines()) <= 250


def test_argo_cd_may_not_change_what_the_controller_makes() -> None:
    install = yaml.safe_load_all((ROOT / "install.yaml").read_text())
    for role in (one for one in install if one["kind"] == "Role"):
        for rule in role["rules"]:
            if "analysisruns" in rule["resources"]:
                assert not set(rule["verbs"]) - {"get", "list", "watch"}
