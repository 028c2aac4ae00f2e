"""What Argo CD, the pods and their accounts may not do."""

import json
from collections.abc import Iterator
from itertools import product

import pytest

from e2e.developer import Developer
from e2e.github.hub import GitHub
from support.cluster import Application, KubectlError, get, kubectl
from support.waiting import wait_until

HERE = "https://kubernetes.default.svc"
ACCOUNTS = [
    *(("argocd", name) for name in ("argocd-application-controller", "argocd-server")),
    *(("argocd", name) for name in ("argocd-redis", "default")),
    *(("mlops", name) for name in ("prometheus", "default")),
]
KEEPERS = [("argocd", "argocd-application-controller"), ("argocd", "argocd-server")]
"""Who reads the Secrets of `argocd`: they are Argo CD's own."""

REFUSED = ("not permitted in project", "can not be managed", "cannot get resource")
"""By the project, by the list of what the cluster holds for Argo CD, by its Role."""


def apply(
    name: str, url: str, path: str = "manifest", namespace: str = "mlops", **spec: object
) -> None:
    """Make an Application of the project that syncs by itself."""
    source = {"repoURL": url, "targetRevision": "develop", "path": path}
    destination = {"server": HERE, "namespace": namespace}
    kubectl("apply", "-f", "-", stdin=json.dumps({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "project": "mlops", "source": source, "destination": destination,
            "syncPolicy": {"automated": {}}, **spec,
        },
    }))  # fmt: skip


@pytest.fixture
def stranger(application: Application) -> Iterator[Application]:
    """Name an Application that a test makes."""
    yield Application("stranger")
    kubectl("delete", "-n", "argocd", "application", "stranger", "--ignore-not-found")


def conditions(application: Application) -> str:
    return "\n".join(c["message"] for c in application.status().get("conditions", []))


def failure(application: Application) -> str:
    operation = application.status().get("operationState", {})
    results = operation.get("syncResult", {}).get("resources", [])
    return "\n".join(r["message"] for r in results if r["status"] == "SyncFailed")


@pytest.mark.parametrize("namespace", ["kube-system", "argocd", "default"])
def test_another_namespace_is_refused(
    stranger: Application, github: GitHub, namespace: str
) -> None:
    apply(stranger.name, github.url, namespace=namespace)
    said = wait_until("a refusal", lambda: conditions(stranger))
    assert f"namespace '{namespace}' do not match any of the allowed destinations" in said


def test_another_repository_is_refused(stranger: Application, github: GitHub) -> None:
    apply(stranger.name, github.url.replace("me/mlops", "me/other"))
    said = wait_until("a refusal", lambda: conditions(stranger))
    assert "is not permitted in project 'mlops'" in said


@pytest.mark.parametrize(
    ("kind", "version"),
    [("ClusterRole", "rbac.authorization.k8s.io/v1"), ("Secret", "v1"), ("DaemonSet", "apps/v1")],
)
def test_another_kind_is_refused(
    stranger: Application, github: GitHub, developer: Developer, kind: str, version: str
) -> None:
    content = {"apiVersion": version, "kind": kind, "metadata": {"name": "stranger"}}
    folder = f"manifest/strangers/{kind}"  # in manifest/, so that no workflow runs
    tried = developer.add(f"{folder}/it.yaml", json.dumps(content), f"Try a {kind}")
    apply(stranger.name, github.url, path=folder)
    said = wait_until("a refusal", lambda: failure(stranger) or conditions(stranger), 60)
    developer.revert(tried)
    assert kind.lower() in said.lower()
    assert any(words in said for words in REFUSED), said


def test_a_misspelt_application_is_refused_by_the_api_server(github: GitHub) -> None:
    with pytest.raises(KubectlError, match=r"unknown field .*syncPolicyy"):
        apply("stranger", github.url, syncPolicyy={})
    with pytest.raises(KubectlError, match="must be of type string"):
        apply("stranger", github.url, project=7)


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize("namespace", ["argocd", "mlops"])
def test_a_pod_that_is_not_restricted_is_refused(namespace: str) -> None:
    with pytest.raises(KubectlError, match=r'violates PodSecurity "restricted:latest"'):
        kubectl("run", "-n", namespace, "stranger", "--image", "redis:8.2.3-alpine")


def may(account: tuple[str, str], verb: str, what: str, namespace: str) -> bool:
    """Ask the API server whether an account may do something."""
    namespaced = f"--as=system:serviceaccount:{account[0]}:{account[1]}"
    try:
        return kubectl("auth", "can-i", verb, what, "-n", namespace, namespaced).strip() == "yes"
    except KubectlError:
        return False


@pytest.mark.usefixtures("application")
def test_nobody_reads_a_secret_that_is_not_his() -> None:
    namespaces = ("argocd", "mlops", "kube-system", "default")
    found = {
        (account, namespace)
        for account, namespace in product(ACCOUNTS, namespaces)
        if may(account, "list", "secrets", namespace) or may(account, "get", "secrets", namespace)
    }
    assert found == {(account, "argocd") for account in KEEPERS}
    redis = ("argocd", "argocd-redis")
    assert may(redis, "get", "secrets/argocd-redis", "argocd")
    assert not may(redis, "get", "secrets/argocd-secret", "argocd")


@pytest.mark.usefixtures("application")
def test_all_accounts_were_asked_and_none_has_rights_on_the_whole_cluster() -> None:
    there = {
        (namespace, account["metadata"]["name"])
        for namespace in ("argocd", "mlops")
        for account in get("serviceaccounts", namespace=namespace)["items"]
    }
    assert there == set(ACCOUNTS)
    bindings = get("clusterrolebindings")["items"]
    bound = {s.get("namespace") for b in bindings for s in b.get("subjects", [])}
    assert not bound & {"argocd", "mlops"}


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize("account", ACCOUNTS)
def test_no_account_may_write_outside_the_two_namespaces(account: tuple[str, str]) -> None:
    for namespace in ("kube-system", "default"):
        for what in ("configmaps", "deployments.apps", "pods", "roles.rbac.authorization.k8s.io"):
            assert not may(account, "create", what, namespace)
