"""`docker compose up` with a real Engine: all of it healthy, hardened, counted alike, and gone."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from loadtester.local.ports import failure, owner
from support import telemetry
from support.clients import Locust, Prometheus
from support.paths import ROOT
from support.service import samples_in, value
from support.waiting import wait_until

FILE = ROOT / "loadtester/docker-compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
CHECKED = sorted(name for name, service in SERVICES.items() if "healthcheck" in service)
PROJECT = "mlops-e2e"
"""Not the file's own name, by which somebody may have a Prometheus' data here."""
API, LOCUST, PROMETHEUS, GRAFANA, ALERTMANAGER = (
    f"http://127.0.0.1:{port}" for port in (8000, 8089, 9090, 3000, 9093)
)
SCRAPES = 20
"""Seconds within which Prometheus has seen a count: four times its interval."""
UNHEALTHY_WITHIN = 60
"""Seconds: three checks of five seconds that time out after five each, and what they start."""
BUILDING = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
"""Or a Docker of version 29 would make another image each time, by the time of the build in it."""
STEP = re.compile(r"(?m)^#(\d+) \[\S+ (?:\S+ )?\d+/\d+\] (?!FROM )(.*)$")


def docker(*arguments: str) -> str:
    """Return what docker prints. Raises AssertionError with its words if it fails."""
    command = ("docker", *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-5000:]
    return done.stdout


def compose(*arguments: str) -> str:
    """Return what Compose prints of the file as it is."""
    options = ("--progress", "plain", "--project-name", PROJECT, "--file", str(FILE))
    command = ("docker", "compose", *options, *arguments)
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | BUILDING,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def container(service: str) -> dict[str, Any]:
    """Return what the Engine says of a service's container."""
    (found,) = json.loads(docker("inspect", compose("ps", "--all", "-q", service).strip()))
    return dict(found)


def health(service: str) -> str:
    """Return `starting`, `healthy` or `unhealthy`."""
    return str(container(service)["State"]["Health"]["Status"])


def left() -> dict[str, str]:
    """Return what the Engine has of the project, but for its images."""
    label = f"label=com.docker.compose.project={PROJECT}"
    kinds = {"container": ("--all",), "volume": (), "network": ()}
    return {
        kind: found
        for kind, options in kinds.items()
        if (found := docker(kind, "ls", "-q", *options, "--filter", label).strip())
    }


@pytest.fixture(scope="module")
def up() -> Iterator[str]:
    """Start all of it as the README says, and wait as `--wait` does; yield what was printed."""
    compose("down", "--volumes")  # of a run that was killed
    ports = [int(p.split(":")[1]) for s in SERVICES.values() for p in s.get("ports", ())]
    for port in ports:
        if failure("127.0.0.1", port):
            pytest.fail(f"port {port} of {FILE.name} is taken by {owner(port)}: end it first")
    began = time.monotonic()
    try:
        printed = compose("up", "--build", "--wait")
        print(f"built and healthy: {time.monotonic() - began:.0f} s")
        yield printed
    finally:
        compose("down", "--volumes")


@pytest.fixture
def http(up: str) -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


@pytest.fixture
def prometheus(http: httpx.Client) -> Prometheus:
    return Prometheus(http, PROMETHEUS)


def test_every_service_is_up_and_each_that_is_checked_is_healthy(up: str) -> None:
    states = {name: container(name)["State"] for name in SERVICES}
    assert {name for name, state in states.items() if not state["Running"]} == set()
    assert {name: states[name]["Health"]["Status"] for name in CHECKED} == dict.fromkeys(
        CHECKED, "healthy"
    )


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_is_root_or_may_become_it_or_change_the_image(up: str, name: str) -> None:
    words = compose("exec", "--no-TTY", name, "cat", "/proc/1/status").splitlines()
    status = {key: text.split() for key, _, text in (word.partition(":") for word in words)}
    assert "0" not in status["Uid"]
    for held in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[held][0], 16) == 0, held
    assert status["NoNewPrivs"] == ["1"]
    mounts = compose("exec", "--no-TTY", name, "cat", "/proc/1/mounts").splitlines()
    (options,) = (mount.split()[3] for mount in mounts if mount.split()[1] == "/")
    assert "ro" in options.split(",")


def test_prometheus_has_every_rule_and_all_targets_are_up(http: httpx.Client) -> None:
    def jobs() -> list[tuple[str, str]]:
        data = http.get(f"{PROMETHEUS}/api/v1/targets").json()["data"]
        return sorted((t["labels"]["job"], t["health"]) for t in data["activeTargets"])

    def rules() -> list[str]:
        groups = http.get(f"{PROMETHEUS}/api/v1/rules").json()["data"]["groups"]
        return [rule["health"] for group in groups for rule in group["rules"]]

    wanted = [(job, "up") for job in ("api", "canary", "locust", "prometheus")]
    wait_until("all targets up", lambda: jobs() == wanted)
    wait_until("all rules healthy", lambda: set(rules()) == {"ok"})
    assert len(rules()) == len(list(telemetry.rules()))


def test_alerts_reach_alertmanager_and_are_printed(http: httpx.Client) -> None:
    def known() -> list[str]:
        data = http.get(f"{PROMETHEUS}/api/v1/alertmanagers").json()["data"]
        return [one["url"] for one in data["activeAlertmanagers"]]

    wait_until("Alertmanager", lambda: known() == ["http://alertmanager:9093/api/v2/alerts"])
    alert = {
        "labels": {"alertname": "ApiDown", "severity": "page"},
        "annotations": {
            "summary": "No pod answers, or so a test says", "description": "It only tries.",
            "dashboard": "gitops", "panel": "API pods by version", "runbook": "docs/runbook.md",
        },
    }  # fmt: skip
    http.post(f"{ALERTMANAGER}/api/v2/alerts", json=[alert]).raise_for_status()
    summary = alert["annotations"]["summary"]
    wait_until("the message", lambda: summary in compose("logs", "alert-log"), 60)
    assert f"{GRAFANA.replace('127.0.0.1', 'localhost')}/d/gitops" in compose("logs", "alert-log")


def becomes(prometheus: Prometheus, expr: str, wanted: int) -> None:
    """Wait for the scrape after which Prometheus says this."""
    wait_until(f"{expr} is {wanted}", lambda: prometheus.value(expr) == wanted, SCRAPES)


def test_locust_and_the_api_and_prometheus_count_the_same(
    http: httpx.Client, prometheus: Prometheus
) -> None:
    locust = Locust(http, LOCUST, workers=1)
    wait_until("a worker", lambda: locust.workers("ready") == 1)
    locust.swarm(20)
    wait_until("300 requests", lambda: locust.sent() > 300)
    by_locust = locust.stop()
    errors = locust.ask("stats/requests")["errors"]
    compose("stop", "canary")
    said = compose("logs", "--no-log-prefix", "--tail", "1", "canary")
    canary = sum(map(int, re.findall(r"(\d+) (?:correct|wrong|error)", said)))
    samples = samples_in(http.get(f"{API}/metrics").text)
    by_api = {
        handler: int(value(samples, "http_requests_total", handler=handler))
        for handler in ("/predict", "/predict/batch")
    }
    assert canary > 0, said
    assert by_locust["/predict"] + canary == by_api["/predict"]
    assert by_locust["/predict/batch"] == by_api["/predict/batch"]
    for name, n in by_locust.items():
        becomes(prometheus, f'sum(locust_requests_total{{name="{name}"}})', n)
    for handler, n in by_api.items():
        becomes(prometheus, f'sum(http_requests_total{{job="api",handler="{handler}"}})', n)
    # A machine that is busy otherwise is overloaded by 20 requests a second; that is counted, too.
    assert {error["error"] for error in errors} <= {"LocustBadStatusCode(code=503)"}
    refused = sum(error["occurrences"] for error in errors)
    becomes(prometheus, "sum(locust_request_failures_total)", refused)
    print(f"Locust {by_locust}, the canary {canary}, the API {by_api}, {refused} refused")
    compose("start", "canary")


def test_grafana_finds_its_files_and_is_told_to_let_nobody_in(http: httpx.Client) -> None:
    """What it does with a password, only the real one could show: here a stand-in may run."""
    found = http.get(f"{GRAFANA}/api/search").json()
    assert {board["uid"] for board in found} >= {b["uid"] for b in telemetry.dashboards().values()}
    settings = container("grafana")["Config"]["Env"]
    assert {"GF_AUTH_BASIC_ENABLED=false", "GF_AUTH_DISABLE_LOGIN_FORM=true"} <= set(settings)
    assert http.get(f"{GRAFANA}/api/admin/settings", auth=("admin", "admin")).status_code >= 400


def test_a_second_up_builds_nothing_and_starts_nothing_again(up: str) -> None:
    before = {name: container(name) for name in SERVICES}
    steps = STEP.findall(second := compose("up", "--build", "--wait"))
    assert {what for _, what in steps} >= {what for _, what in STEP.findall(up)}
    cached = set(re.findall(r"(?m)^#(\d+) CACHED$", second))
    assert [what for number, what in steps if number not in cached] == []
    for name, was in before.items():
        now = container(name)
        assert (now["Id"], now["Image"], now["State"]["StartedAt"]) == (
            was["Id"], was["Image"], was["State"]["StartedAt"],
        ), name  # fmt: skip


def test_whoever_no_longer_answers_becomes_unhealthy_and_comes_back(up: str) -> None:
    wait_until("the canary", lambda: health("canary") == "healthy")
    stopped = [container(name)["Id"] for name in CHECKED]
    try:
        for one in stopped:
            docker("kill", "--signal", "STOP", one)
        for name in CHECKED:
            wait_until(name, lambda name=name: health(name) == "unhealthy", UNHEALTHY_WITHIN)  # type: ignore[misc]
    finally:
        for one in stopped:
            docker("kill", "--signal", "CONT", one)
    for name in CHECKED:
        wait_until(name, lambda name=name: health(name) == "healthy", UNHEALTHY_WITHIN)  # type: ignore[misc]


def test_down_leaves_nothing_behind(up: str) -> None:
    compose("down", "--volumes")
    assert left() == {}
