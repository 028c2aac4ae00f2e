"""What is applied, as the API server sees it."""

import pytest
import yaml

from support import kustomize
from support.cluster import kubectl
from support.paths import INSTALL, MANIFEST


@pytest.mark.usefixtures("application")
def test_the_api_server_accepts_every_object() -> None:
    # Argo CD replaces this one after each sync; applied over, its image may not change.
    kubectl("delete", "-n", "mlops", "job", "smoke", "--ignore-not-found")
    applied = kustomize.rendered(MANIFEST)
    said = kubectl("apply", "--dry-run=server", "-f", "-", stdin=applied)
    assert len(said.splitlines()) == len(list(yaml.safe_load_all(applied)))


@pytest.mark.usefixtures("application")
def test_installing_twice_changes_nothing() -> None:
    said = kubectl("apply", "-f", str(INSTALL)).splitlines()
    assert [line for line in said if not line.endswith(" unchanged")] == []
    assert kubectl("diff", "-f", str(INSTALL)) == ""
