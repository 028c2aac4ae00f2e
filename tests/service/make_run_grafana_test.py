"""Grafana of `make run`: what the cluster's is told, with this machine's places."""

import json
from pathlib import Path

import pytest
import yaml

from loadtester.local import grafana
from support.kustomize import objects
from support.paths import MANIFEST, ROOT

PROMETHEUS = "http://127.0.0.1:9999"
DASHBOARDS = ROOT / "manifest/grafana/dashboards"


def source(name: str) -> str:
    return (ROOT / "manifest/grafana" / name).read_text()


def test_only_the_places_differ_from_the_clusters_provisioning(tmp_path: Path) -> None:
    grafana.prepare(tmp_path, PROMETHEUS)
    written = {
        str(file.relative_to(tmp_path)): yaml.safe_load(file.read_text())
        for file in tmp_path.rglob("*.yaml")
    }
    assert written == {
        "provisioning/datasources/datasource.yaml": yaml.safe_load(
            source("datasource.yaml").replace("http://prometheus-service:9090", PROMETHEUS)
        ),
        "provisioning/dashboards/dashboards.yaml": yaml.safe_load(
            source("dashboards.yaml").replace("/etc/grafana/dashboards", str(DASHBOARDS))
        ),
    }


def test_the_settings_are_the_clusters_with_the_places_of_this_machine(tmp_path: Path) -> None:
    settings = grafana.environment(tmp_path, tmp_path / "grafana", 3999)
    (deployed,) = (
        dict(found["data"])
        for name, found in objects(MANIFEST).items()
        if "ConfigMap grafana-settings-" in name
    )
    home = deployed.pop("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH")
    assert deployed.items() <= settings.items()
    assert json.loads(Path(settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).read_text()) == (
        json.loads(source(f"dashboards/{Path(home).name}"))
    )
    assert not [value for value in settings.values() if "/etc/" in value]


def test_nobody_can_log_in_and_nobody_else_can_reach_it(tmp_path: Path) -> None:
    settings = grafana.environment(tmp_path, tmp_path / "grafana", 3999)
    assert settings["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert settings["GF_AUTH_BASIC_ENABLED"] == "false"
    assert settings["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert (settings["GF_SERVER_HTTP_ADDR"], settings["GF_SERVER_HTTP_PORT"]) == (
        "127.0.0.1",
        "3999",
    )


@pytest.mark.parametrize(
    ("on_path", "home", "program"),
    [
        ("grafana-13/bin/grafana", "grafana-13", "grafana-13/bin/grafana"),
        ("Cellar/bin/grafana", "Cellar/share/grafana", "Cellar/bin/grafana"),
        ("usr/sbin/grafana", "usr/share/grafana", "usr/share/grafana/bin/grafana"),
    ],
    ids=["archive", "Homebrew", "Debian"],
)
def test_program_and_home_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_path: str, home: str, program: str
) -> None:
    for name in {on_path, program, f"{home}/conf/defaults.ini"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch(mode=0o755)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "grafana").symlink_to(tmp_path / on_path)
    monkeypatch.setenv("PATH", str(linked))
    assert grafana.program() == (tmp_path / program, tmp_path / home)


def test_a_program_without_its_home_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "grafana").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert grafana.program() is None
