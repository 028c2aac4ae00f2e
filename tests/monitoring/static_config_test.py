"""prometheus.yaml for a place without Kubernetes: only where targets are found is replaced."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.paths import PROMETHEUS, ROOT
from support.stack import configuration

TARGETS = ("api=10.0.0.1:8000", "api=10.0.0.2:8000", "locust=localhost:9646", "prometheus=[::1]:90")


def made(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, PROMETHEUS / "static_config.py", *arguments),
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip


def jobs(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in config["scrape_configs"]}


@pytest.fixture(scope="module")
def printed() -> str:
    done = made(*TARGETS)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def found(printed: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(printed)
    return loaded


def test_prometheus_accepts_it_and_finds_the_rules(printed: str, tmp_path: Path) -> None:
    (tmp_path / "prometheus.yaml").write_text(printed)
    promtool = shutil.which("promtool")
    assert promtool, "promtool is not on the PATH: make setup"
    done = subprocess.run(
        (promtool, "check", "config", "--lint=all", "--lint-fatal", tmp_path / "prometheus.yaml"),
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for rules in (PROMETHEUS / "rules").glob("*.yaml"):
        assert f"Checking {rules}\n" in done.stdout


def test_rules_are_found_in_a_folder_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "it's [a-b] (?)"
    shutil.copytree(PROMETHEUS / "rules", folder / "rules")
    (folder / "prometheus.yaml").write_text(made(*TARGETS, f"--rules={folder}").stdout)
    command = ("promtool", "check", "config", folder / "prometheus.yaml")
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    for rules in (PROMETHEUS / "rules").glob("*.yaml"):
        assert f"Checking {folder / 'rules' / rules.name}\n" in done.stdout


def test_all_but_discovery_is_the_repository_s_own(found: dict[str, Any]) -> None:
    own = configuration()
    discovery = {"kubernetes_sd_configs", "static_configs"}
    for name, job in jobs(found).items():
        kept = {key: job[key] for key in job.keys() - discovery}
        assert kept == {key: jobs(own)[name][key] for key in jobs(own)[name].keys() - discovery}
        assert "kubernetes_sd_configs" not in job
    for name in ("api", "locust"):
        assert jobs(found)[name]["relabel_configs"] == jobs(own)[name]["relabel_configs"]
    assert found["global"] == own["global"]


def test_every_target_is_in_its_job_and_a_job_without_one_is_left_out(
    found: dict[str, Any],
) -> None:
    targets = {
        name: [target for part in job["static_configs"] for target in part["targets"]]
        for name, job in jobs(found).items()
    }
    assert targets == {
        "api": ["10.0.0.1:8000", "10.0.0.2:8000"],
        "locust": ["localhost:9646"],
        "prometheus": ["[::1]:90"],
    }


def test_a_job_that_does_not_exist_is_named_with_2() -> None:
    done = made("api=localhost:8000", "grafana=localhost:3000")
    assert done.returncode == 2
    assert "no such job: grafana; there are api, locust" in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    "target", ["api", "=localhost:8000", "api=localhost", "api=", "api=http://localhost:8000",
               "api=localhost:", "api=:8000", "api=localhost:http"],
)  # fmt: skip
def test_a_target_of_another_form_is_named_with_2(target: str) -> None:
    done = made("locust=localhost:9646", target)
    assert done.returncode == 2
    assert f"{target!r} is not NAME=HOST:PORT" in done.stderr
    assert not done.stdout


def test_alerts_go_to_alertmanager_as_the_component_says_and_else_nowhere(
    found: dict[str, Any],
) -> None:
    assert "alerting" not in found
    sent = yaml.safe_load(made("api=10.0.0.1:8000", "alertmanager=10.0.0.2:9093").stdout)
    assert jobs(sent).keys() == {"api"}
    (where,) = sent["alerting"]["alertmanagers"]
    assert where["static_configs"][0]["targets"] == ["10.0.0.2:9093"]
    part = yaml.safe_load((ROOT / "manifest/components/alerting/alerting.yaml").read_text())
    (own,) = part["alerting"]["alertmanagers"]
    assert where["relabel_configs"] == own["relabel_configs"]
    assert where.keys() - own.keys() == {"static_configs"}


def test_no_target_ends_with_2() -> None:
    assert made().returncode == 2
