"""All of it has room on the smallest Minikube, and on a slow line gets there in time."""

from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import components, kustomize
from support.kustomize import name
from support.paths import INSTALL, MANIFEST, ROOT

UNITS = {"": Fraction(1), "m": Fraction(1, 1000), "Mi": Fraction(2**20)}
SMALLEST = {"cpu": "2", "memory": "3996Mi"}
"""What `make up` starts: of its 4 GiB the kubelet keeps 100 MiB, its default for evictions."""

KUBERNETES_ITSELF = [
    {"cpu": "250m", "memory": "0"},  # kube-apiserver
    {"cpu": "200m", "memory": "0"},  # kube-controller-manager
    {"cpu": "100m", "memory": "0"},  # kube-scheduler
    {"cpu": "100m", "memory": "100Mi"},  # etcd
    {"cpu": "100m", "memory": "70Mi"},  # coredns
    {"cpu": "100m", "memory": "50Mi"},  # kindnet, where the runtime is containerd
    {"cpu": "100m", "memory": "200Mi"},  # metrics-server, without which no autoscaler works
]
"""Requests of kubeadm's pods, and of Minikube's own: pkg/minikube/cni, deploy/addons (1.39)."""

ROLLOUTS = MANIFEST / "components/progressive-delivery/install.yaml"

MBIT_PER_SECOND = 100 / 30
"""What each has in a class of thirty behind 100 Mbit/s."""
DEPLOYED_MB, WITH_A_NEW_BASE_MB = 64, 110
"""Both images, compressed: 44 and 20 as buildah pushed them, and `python:3.11-slim`'s 46."""
ROLLED_BACK_WITHIN = 180
"""Seconds, as the runbook promises."""
SEEN_WITHIN = 15
"""Seconds until Argo CD sees a commit."""


def amount(quantity: str) -> Fraction:
    """Return one of Kubernetes' quantities in cores or bytes."""
    number = quantity.rstrip("mMi")
    return Fraction(number) * UNITS[quantity.removeprefix(number)]


def request(pod: dict[str, Any], resource: str) -> Fraction:
    """Return what the scheduler looks for: init containers run before the others."""
    of = {
        kind: [amount(c["resources"]["requests"][resource]) for c in pod.get(kind, [])]
        for kind in ("containers", "initContainers")
    }
    return max(sum(of["containers"], Fraction()), *of["initContainers"], Fraction())


def most(spec: dict[str, Any], replicas: int) -> int:
    """Return how many pods of a workload there are in the middle of a rollout."""
    strategy = spec.get("strategy", {})
    if strategy.get("type") == "Recreate":
        return replicas
    how = strategy.get("rollingUpdate") or strategy.get("canary", {})
    surge = str(how.get("maxSurge", "25%"))
    if not surge.endswith("%"):
        return replicas + int(surge)
    return replicas + ceil(Fraction(surge.removesuffix("%")) / 100 * replicas)


def scaled_out(manifest: Path) -> list[tuple[dict[str, Any], int]]:
    """Return each pod's specification with how many there are, all at their most."""
    found = kustomize.objects(manifest)
    api, rollout = found["Deployment api"], found.get("Rollout api")
    scaled = found["HorizontalPodAutoscaler api"]["spec"]
    installs = [INSTALL]
    if rollout:
        rollout["spec"]["template"] = api["spec"].pop("template")
        installs.append(ROLLOUTS)
    parts = [one for file in installs for one in yaml.safe_load_all(file.read_text())]
    pods = []
    for workload in (*parts, *found.values()):
        spec = workload.get("spec", {})
        if not (template := spec.get("template")):
            continue
        replicas = spec.get("replicas", 1)
        if workload["kind"] == scaled["scaleTargetRef"]["kind"] and name(workload).endswith(" api"):
            replicas = scaled["maxReplicas"]
        deployed = workload["kind"] in ("Deployment", "Rollout") and name(workload) in found
        pods.append((template["spec"], most(spec, replicas) if deployed else replicas))
    return pods


@pytest.mark.parametrize("on", [("alerting", "autoscaling"), components.ALL], ids="-".join)
def test_components_with_all_pods_and_a_rollout_of_everything_fit_on_minikube(
    tmp_path: Path, on: tuple[str, ...]
) -> None:
    pods = scaled_out(components.turned_on(tmp_path, *on))
    for resource, there in SMALLEST.items():
        itself = sum(amount(requests[resource]) for requests in KUBERNETES_ITSELF)
        ours = sum(count * request(pod, resource) for pod, count in pods)
        assert itself + ours <= amount(there), f"{resource}: {float(itself)} and {float(ours)}"


def waits(retry: dict[str, Any]) -> list[int]:
    """Return the seconds before each further try of a sync."""
    seconds = {"s": 1, "m": 60}
    first, longest = (
        int(retry["backoff"][key][:-1]) * seconds[retry["backoff"][key][-1]]
        for key in ("duration", "maxDuration")
    )
    factor = retry["backoff"]["factor"]
    return [min(first * factor**n, longest) for n in range(retry["limit"])]


def test_a_deploy_comes_through_a_slow_line_and_a_bad_one_can_be_rolled_back_in_time() -> None:
    spec = yaml.safe_load((MANIFEST / "api-deployment.yaml").read_text())["spec"]
    application = yaml.safe_load((ROOT / "argocd/application.yaml").read_text())
    deadline, retry = spec["progressDeadlineSeconds"], application["spec"]["syncPolicy"]["retry"]
    again = waits(retry)
    assert deadline >= DEPLOYED_MB * 8 / MBIT_PER_SECOND
    assert deadline + sum(again) >= WITH_A_NEW_BASE_MB * 8 / MBIT_PER_SECOND
    # A revert waits for the end of the sync that it reverts, and is taken at the first retry.
    assert retry["refresh"] is True
    assert deadline + again[0] + SEEN_WITHIN <= ROLLED_BACK_WITHIN
