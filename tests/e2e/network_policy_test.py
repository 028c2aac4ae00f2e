"""Who may call whom: what must pass passes, what must not is refused, and by a policy."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from e2e.github.hub import GitHub
from e2e.network import (
    MACHINE,
    NODE,
    Network,
    Outcomes,
    Row,
    address_of_ours,
    all_open,
    is_stand_in,
    rows,
    wrong,
)
from e2e.probe import DNS, PASSES, UNOPENED
from e2e.stand_ins import NAME, NODE_PORT, standing_in
from support import kustomize
from support.cluster import Application
from support.paths import INSTALL, MANIFEST

YES, NO = True, False
# On UNOPENED and DNS only stand-ins listen, who have the labels of ours; elsewhere/stranger is
# somebody of the internet too.
TABLE: dict[str, list[Row]] = {
    "everybody may use what is made for people": [
        *rows("mlops/stranger, elsewhere/stranger", "mlops/api", 8000, YES),
        *rows("mlops/stranger, elsewhere/stranger", "mlops/locust", 8089, YES),
        *rows("mlops/stranger, elsewhere/stranger", "mlops/prometheus", 9090, YES),
        *rows("mlops/stranger, elsewhere/stranger", "mlops/grafana", 3000, YES),
        *rows("elsewhere/stranger", "argocd/argocd-server", 8080, YES),
        *rows(MACHINE, NODE, 30800, YES),
        *rows(MACHINE, NODE, 30089, YES),
        *rows(MACHINE, NODE, 30090, YES),
        *rows(MACHINE, NODE, 30300, YES),
    ],
    "and no other port, whoever asks": [
        *rows("mlops/stranger, elsewhere/stranger, mlops/prometheus", "mlops/api", UNOPENED, NO),
        *rows("mlops/stranger, elsewhere/stranger", "mlops/locust", UNOPENED, NO),
        *rows("mlops/stranger, elsewhere/stranger", "mlops/prometheus", UNOPENED, NO),
        *rows("mlops/stranger, elsewhere/stranger", "mlops/grafana", UNOPENED, NO),
        *rows("argocd/stranger, elsewhere/stranger", "argocd/argocd-server", UNOPENED, NO),
        *rows(MACHINE, NODE, NODE_PORT, NO),
    ],
    "the parts find each other by their names": [
        *rows("mlops/canary, mlops/locust, mlops/locust-worker", "api-service", 8000, YES),
        *rows("mlops/locust-worker", "locust-master", 5557, YES),
        *rows("mlops/grafana", "prometheus-service", 9090, YES),
        *rows("mlops/prometheus", "argocd-metrics.argocd.svc", 8082, YES),
    ],
    "a planted program cannot carry anything out of the API": [
        *rows("mlops/api", "elsewhere/stranger", UNOPENED, NO),
        *rows("mlops/api", "elsewhere/stranger", DNS, NO),
        *rows("mlops/api", "mlops/prometheus", 9090, NO),
        *rows("mlops/api", "mlops/api", 8000, NO),
        *rows("mlops/api", "argocd/argocd-server", 8080, NO),
        *rows("mlops/stranger", "elsewhere/stranger", UNOPENED, YES),
        *rows("mlops/stranger", "elsewhere/stranger", DNS, YES),
    ],
    "only workers join the load test, and so are counted": [
        *rows("mlops/locust-worker", "mlops/locust", 5557, YES),
        *rows("mlops/stranger, mlops/canary, elsewhere/locust-worker", "mlops/locust", 5557, NO),
    ],
    "only Prometheus reads metrics that have a port of their own": [
        *rows("mlops/prometheus", "mlops/locust", 9646, YES),
        *rows("mlops/prometheus", "mlops/canary", 9647, YES),
        *rows("mlops/stranger, elsewhere/prometheus", "mlops/locust", 9646, NO),
        *rows("mlops/stranger, elsewhere/prometheus", "mlops/canary", 9647, NO),
    ],
    "nobody calls a pod of which no policy speaks": [
        *rows("mlops/prometheus, elsewhere/stranger", "mlops/locust-worker", UNOPENED, NO),
        *rows("mlops/prometheus, elsewhere/stranger", "mlops/stranger", UNOPENED, NO),
        *rows("argocd/argocd-server, mlops/stranger", "argocd/stranger", UNOPENED, NO),
    ],
    "only Argo CD reads and writes its cache": [
        *rows("argocd/argocd-application-controller", "argocd/argocd-redis", 6379, YES),
        *rows("argocd/argocd-repo-server", "argocd/argocd-redis", 6379, YES),
        *rows("argocd/argocd-server", "argocd/argocd-redis", 6379, YES),
        *rows("argocd/stranger, mlops/stranger", "argocd/argocd-redis", 6379, NO),
        *rows("elsewhere/argocd-server", "argocd/argocd-redis", 6379, NO),
    ],
    "only Argo CD asks what the repository renders to": [
        *rows("argocd/argocd-application-controller", "argocd/argocd-repo-server", 8081, YES),
        *rows("argocd/argocd-server", "argocd/argocd-repo-server", 8081, YES),
        *rows("argocd/argocd-redis, argocd/stranger", "argocd/argocd-repo-server", 8081, NO),
        *rows("mlops/stranger, elsewhere/argocd-server", "argocd/argocd-repo-server", 8081, NO),
        *rows("argocd/argocd-server", "argocd/argocd-repo-server", 8084, NO),
    ],
    "Argo CD's metrics are for the project that it deploys": [
        *rows("mlops/prometheus", "argocd/argocd-application-controller", 8082, YES),
        *rows("elsewhere/prometheus", "argocd/argocd-application-controller", 8082, NO),
        *rows("argocd/argocd-server", "argocd/argocd-application-controller", 8082, NO),
    ],
}  # fmt: skip
ALL = [row for part in TABLE.values() for row in part]
REFUSED = [row for row in ALL if not row.passes]


@pytest.fixture(scope="module")
def network(current: Application, github: GitHub) -> Iterator[Network]:
    current.settle(github.tip(), 300)
    ours = {row.to: "" for row in ALL if "/" in row.to and not is_stand_in(row)}
    ours = {place: address_of_ours(place) for place in ours}  # before others have the same labels
    places = {row.who for row in ALL} | {row.to for row in ALL if is_stand_in(row)}
    with standing_in(sorted(places - {MACHINE})) as addresses:
        yield Network(ours, addresses)


@pytest.fixture(scope="module")
def outcomes(network: Network) -> Outcomes:
    found = network.outcomes_once(lambda found: not wrong(found), ALL)
    if all(found[row] == PASSES for row in REFUSED):
        pytest.fail(
            f"this cluster enforces no NetworkPolicy: all {len(REFUSED)} connections that they"
            " refuse passed; tests/e2e/README.md says what the cluster needs"
        )
    return found


@pytest.mark.parametrize("part", TABLE)
def test_on_the_network(outcomes: Outcomes, part: str) -> None:
    assert wrong({row: outcomes[row] for row in TABLE[part]}) == []


@pytest.mark.usefixtures("outcomes")
def test_what_is_refused_passes_as_soon_as_a_policy_lets_it(network: Network) -> None:
    with all_open():
        found = network.outcomes_once(lambda found: set(found.values()) == {PASSES}, REFUSED)
    assert [f"{row} always: {found[row]}" for row in REFUSED if found[row] != PASSES] == []


def policies() -> list[dict[str, Any]]:
    """Return those of the manifest as it is rendered, and Argo CD's."""
    found = (*kustomize.objects(MANIFEST).values(), *yaml.safe_load_all(INSTALL.read_text()))
    return [one for one in found if one["kind"] == "NetworkPolicy"]


def place_of(policy: dict[str, Any]) -> str:
    """Return which pods a policy is about; their name is empty if it is about all."""
    name = policy["spec"]["podSelector"].get("matchLabels", {}).get(NAME, "")
    return f"{policy['metadata']['namespace']}/{name}"


def test_each_policy_is_in_the_table_with_what_passes_and_what_does_not() -> None:
    named = {place_of(policy) for policy in policies()}

    def speaks_of(place: str) -> str:
        return place if place in named else f"{place.partition('/')[0]}/"

    tried = {("Ingress", speaks_of(row.to), row.passes) for row in ALL}
    tried |= {("Egress", speaks_of(row.who), row.passes) for row in ALL}
    needed = {
        (direction, place_of(policy), passes)
        for policy in policies()
        for direction in policy["spec"]["policyTypes"]
        for passes in (True, False)
        if not passes or policy["spec"].get(direction.lower())  # it may let nothing pass
    }
    assert needed - tried == set()
