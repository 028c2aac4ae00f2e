"""What Docker Compose starts: one image once, each service watched, and nobody let in to change."""

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from support import components
from support.kustomize import objects
from support.paths import MANIFEST, ROOT
from support.ports import free_port
from support.site import site

FILE = ROOT / "loadtester/docker-compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
ANSWERS_NOBODY = {"locust-worker"}
PROGRAMS = {
    "api": "python", "locust": "python", "canary": "python",
    "prometheus": "promtool",  # its Dockerfile copies two programs, and its base is busybox
    "alertmanager": "amtool", "alert-log": "python",  # the first is from busybox, too
    "grafana": "curl",  # its Dockerfile adds this to Alpine and to Ubuntu alike
}  # fmt: skip
"""What each image has to check itself with."""
CHECKED = sorted(SERVICES.keys() - ANSWERS_NOBODY)


def test_an_image_is_built_once_and_never_looked_for_elsewhere() -> None:
    named = Counter(service["image"] for service in SERVICES.values() if "image" in service)
    built = Counter(
        service["image"] for service in SERVICES.values() if {"image", "build"} <= service.keys()
    )
    assert built == Counter(set(named))
    others = {name for name, service in SERVICES.items() if "build" not in service}
    assert {name for name in others if SERVICES[name].get("pull_policy") != "never"} == set()
    files = [service["build"]["dockerfile"] for service in SERVICES.values() if "build" in service]
    assert len(set(files)) == len(files)


def test_every_service_that_answers_somebody_is_watched_by_what_its_image_has() -> None:
    watched = {n: s["healthcheck"] for n, s in SERVICES.items() if "healthcheck" in s}
    assert watched.keys() == SERVICES.keys() - ANSWERS_NOBODY
    assert {name: check["test"][:2] for name, check in watched.items()} == {
        name: ["CMD", program] for name, program in PROGRAMS.items()
    }
    # Compose refuses a start_interval on an engine older than 25.
    assert not [name for name, check in watched.items() if "start_interval" in check]


def test_who_waits_waits_until_the_other_answers() -> None:
    waiting = {name: s["depends_on"] for name, s in SERVICES.items() if "depends_on" in s}
    for name, others in waiting.items():
        for other, how in others.items():
            assert how == {"condition": "service_healthy"}, f"{name} for {other}"
            assert "healthcheck" in SERVICES[other], other


def passes(name: str, url: str) -> bool:
    """Run a service's own check against another address."""
    port = urlsplit(url).port
    (inside,) = (
        p
        for p in ("8000", "8089", "9647", "9090", "9093", "9648", "3000")
        if f":{p}" in str(SERVICES[name]["healthcheck"]["test"])
    )
    command = [
        word.replace(f":{inside}", f":{port}") for word in SERVICES[name]["healthcheck"]["test"][1:]
    ]
    return subprocess.run(command, capture_output=True, timeout=30).returncode == 0


@pytest.mark.parametrize("name", CHECKED)
def test_a_check_passes_for_an_answer_and_fails_for_an_error_and_for_none(name: str) -> None:
    with site(lambda _: (200, None)) as good:
        assert passes(name, good.url)
    with site(lambda _: (503, None)) as bad:
        assert not passes(name, bad.url)
    assert not passes(name, f"http://127.0.0.1:{free_port()}")


def settings() -> dict[str, str]:
    """Return Grafana's settings, as Kustomize reads them from the file that Compose reads, too."""
    (found,) = (
        o["data"] for n, o in objects(MANIFEST).items() if "ConfigMap grafana-settings-" in n
    )
    return dict(found)


def test_nobody_can_log_in_to_grafana_and_who_opens_it_may_only_look() -> None:
    assert SERVICES["grafana"]["environment"] == {
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "${GRAFANA_ROLE:-Viewer}",
        "GF_AUTH_BASIC_ENABLED": "false",
        "GF_AUTH_DISABLE_LOGIN_FORM": "true",
    }
    assert settings()["GF_AUTH_ANONYMOUS_ENABLED"] == "true"


def test_everything_is_published_on_this_machine_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_what_watches_is_what_watches_in_the_cluster(tmp_path: Path) -> None:
    file = (FILE.parent / SERVICES["grafana"]["env_file"]).resolve()
    assert file == MANIFEST / "grafana/settings.env"
    found = objects(components.turned_on(tmp_path, "alerting"))
    for name in ("grafana", "prometheus", "alertmanager"):
        (container,) = found[f"Deployment {name}"]["spec"]["template"]["spec"]["containers"]
        dockerfile = (ROOT / SERVICES[name]["build"]["dockerfile"]).read_text()
        assert f"FROM {container['image']}\n" in dockerfile, f"{name}: not {container['image']}"


def test_grafana_runs_no_data_source_but_ours() -> None:
    used = yaml.safe_load((MANIFEST / "grafana/datasource.yaml").read_text())["datasources"]
    off = settings()["GF_PLUGINS_DISABLE_PLUGINS"].split(",")
    assert off == sorted(set(off))
    assert len(off) == 13
    assert not {source["type"] for source in used} & set(off)
    # Or it would stop Prometheus' plug-in, and could not start another in its place.
    assert settings()["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
