"""What is changed by hand is soon again as Git has it."""

import pytest

from support.cluster import API_PORT, Application, answers, get, kubectl, pods, ready
from support.waiting import wait_until

WITHIN = 60


def replaced(kind: str, name: str, uid: str) -> bool:
    """Tell whether an object has been replaced by another of its name."""
    found = get(kind, "--field-selector", f"metadata.name={name}")["items"]
    return bool(found) and found[0]["metadata"]["uid"] != uid


def uid(kind: str, name: str) -> str:
    found: str = get(kind, name)["metadata"]["uid"]
    return found


@pytest.mark.usefixtures("application")
def test_a_deleted_service_is_back_and_answers() -> None:
    before = uid("service", "api-service")
    kubectl("delete", "-n", "mlops", "service", "api-service")
    wait_until("the service", lambda: replaced("service", "api-service", before), WITHIN)
    wait_until("an answer", lambda: answers(API_PORT, "/readyz"), WITHIN)


@pytest.mark.usefixtures("application")
def test_a_scaled_deployment_is_scaled_back() -> None:
    kubectl("scale", "-n", "mlops", "deployment/api", "--replicas", "4")
    wait_until("somebody's scale", lambda: len(pods("api")) == 4)
    wait_until("Git's scale", lambda: len(pods("api")) == 2 == len(ready("api")), WITHIN)


def test_argo_cd_heals_itself_and_then_the_project(application: Application) -> None:
    before = uid("deployment", "canary")
    kubectl("delete", "pods", "-n", "argocd", "--all", "--wait=false")
    kubectl("delete", "-n", "mlops", "deployment", "canary")
    wait_until("the deployment", lambda: replaced("deployment", "canary", before), WITHIN)
    wait_until("health", lambda: application.health() == "Healthy" and ready("canary"), WITHIN)
