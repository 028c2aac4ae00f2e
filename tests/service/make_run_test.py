"""`make run`: all of it on one machine, what it says at the start, and how it ends."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from honcho.environ import parse_procfile

from loadtester.local.__main__ import PROCFILE
from loadtester.local.ports import ALL, PORTS, failure
from support import telemetry
from support.fork import Fork
from support.make_run import MakeRun, made_to_run
from support.paths import ROOT
from support.ports import free_port
from support.waiting import wait_until

MODEL = "api/data/model"
FOLDER = "it's my project (año)"
"""What people call a folder, and what a shell takes apart where it is not quoted."""
STARTED = [port for port in PORTS if port.process != "grafana" or shutil.which("grafana")]
STARTS_WITHIN = 120
"""Seconds: Locust, the canary and the service start together, beside other tests."""
WEB = ("PORT", "LOCUST_WEB_PORT", "LOCUST_METRICS_PORT", "CANARY_METRICS_PORT")


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """Return a copy with the model of this folder, so that a `make run` beside is not disturbed."""
    fork = Fork(tmp_path_factory.mktemp("run") / FOLDER)
    shutil.copytree(ROOT / MODEL, fork.folder / MODEL)
    return fork


@pytest.fixture(scope="module")
def run(fork: Fork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeRun]:
    """Run all for the tests of this file; the one that ends it is the last that asks for it."""
    with made_to_run(fork, tmp_path_factory.mktemp("log") / "log") as run:
        yield run


def get(run: MakeRun, variable: str, path: str = "") -> httpx.Response | None:
    """Return a good answer, or None while there is none."""
    with suppress(httpx.TransportError):
        answer = httpx.get(run.url(variable, path))
        return answer if answer.status_code == 200 else None
    return None


def answers(run: MakeRun, variable: str, path: str = "") -> httpx.Response:
    return wait_until(f"{variable} {path}", lambda: get(run, variable, path), STARTS_WITHIN)  # type: ignore[return-value]


def are_free(run: MakeRun) -> bool:
    return not any(failure(ALL, number) for number in run.ports.values())


def test_service_and_load_answer_where_their_variables_say(run: MakeRun) -> None:
    for variable in WEB:
        answers(run, variable, "metrics" if "METRICS" in variable else "")


def test_prometheus_has_every_rule_and_all_targets_are_up(run: MakeRun) -> None:
    def jobs() -> list[tuple[str, str]]:
        data = answers(run, "PROMETHEUS_PORT", "api/v1/targets").json()["data"]
        return sorted((t["labels"]["job"], t["health"]) for t in data["activeTargets"])

    wanted = [(job, "up") for job in ("api", "canary", "locust", "prometheus")]
    wait_until("all targets up", lambda: jobs() == wanted)
    groups = answers(run, "PROMETHEUS_PORT", "api/v1/rules").json()["data"]["groups"]
    assert sum(len(group["rules"]) for group in groups) == len(list(telemetry.rules()))
    assert all(rule["health"] != "err" for group in groups for rule in group["rules"])


def test_prometheus_tells_alertmanager_and_what_it_tells_is_printed(run: MakeRun) -> None:
    def told() -> list[str]:
        data = answers(run, "PROMETHEUS_PORT", "api/v1/alertmanagers").json()["data"]
        return [one["url"] for one in data["activeAlertmanagers"]]

    wanted = [run.url("ALERTMANAGER_PORT", "api/v2/alerts")]
    wait_until("Alertmanager", lambda: told() == wanted)
    annotations = {"summary": "It burns", "description": "Fire", "dashboard": "api"}
    alert = {"labels": {"alertname": "Made", "severity": "page"}, "annotations": annotations}
    httpx.post(wanted[0], json=[alert]).raise_for_status()
    wait_until("the page", lambda: "alert-log page Made: It burns" in run.printed())


def test_the_start_prints_the_addresses_and_says_what_is_left_out(run: MakeRun) -> None:
    answers(run, "PORT")
    said = run.printed()
    for name, variable in (("API", "PORT"), ("Locust", "LOCUST_WEB_PORT")):
        assert f"{name:12}{run.url(variable).rstrip('/')}" in said, said
    assert f"Prometheus  {run.url('PROMETHEUS_PORT').rstrip('/')}" in said, said
    assert f"Alerts      {run.url('ALERTMANAGER_PORT').rstrip('/')}" in said, said
    assert ("Grafana     not started" in said) == (not shutil.which("grafana"))
    assert (run.url("GRAFANA_PORT").rstrip("/") in said) == bool(shutil.which("grafana"))


def test_the_command_that_is_printed_is_answered(run: MakeRun, fork: Fork) -> None:
    answers(run, "PORT")
    (command,) = re.findall(r"(?m)^curl (?:.*\\\n)*.*$", run.printed())
    done = fork.run(f"{command} -fsS")
    assert done.returncode == 0, done.stderr
    assert "model_version" in done.stdout


def test_each_port_that_is_taken_is_named_with_owner_and_variable(run: MakeRun, fork: Fork) -> None:
    for port in STARTED:
        wait_until(port.what, lambda port=port: failure(port.host, run.ports[port.variable]))  # type: ignore[misc]
    before = run.processes()
    done = fork.run("make run", **{name: str(number) for name, number in run.ports.items()})
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make:")]
    for port, line in zip(STARTED, lines, strict=True):
        taken = rf"port {run.ports[port.variable]} of {port.what} is taken by \S+ \(pid (\d+)\): "
        assert (found := re.match(taken, line)), line
        if port.process in before:
            assert int(found[1]) == before[port.process].pid
        assert line.endswith(f"`make run {port.variable}=...`")
    assert "Ctrl-C" not in done.stdout
    assert run.processes() == before


def test_ctrl_c_ends_all_of_it_with_0(run: MakeRun) -> None:
    answers(run, "PORT")
    assert run.end() == 0, run.printed()
    assert are_free(run)
    assert "ended by itself" not in run.printed()


def test_a_process_that_dies_ends_all_and_its_last_lines_are_last(
    fork: Fork, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("log") / "log"
    with made_to_run(fork, log, PROMETHEUS="no") as run:
        wait_until("canary", lambda: "answers" in run.printed())
        assert "Prometheus  not started, nor what shows or tells" in run.printed()
        started = set(run.processes())
        run.processes()["canary"].kill()
        assert run.make.wait(30) != 0
    assert started == {"start", "api", "locust", "canary"}
    last = run.printed().partition("canary ended by itself. What it wrote last:\n")[2]
    assert re.search(r"^  .* canary http://127.0.0.1:\d+ answers$", last, re.MULTILINE), last
    assert len(last.splitlines()) <= 11  # make adds one
    assert are_free(run)


@pytest.mark.parametrize(("told", "installed"), [("", True), ("PROMETHEUS=no", False)])
def test_prometheus_is_installed_unless_it_is_left_out(
    fork: Fork, told: str, installed: bool
) -> None:
    done = fork.run(f"make run --dry-run --what-if=tests/tools/install.sh {told}")
    assert done.returncode == 0, done.stderr
    assert ("tests/tools/install.sh prometheus" in done.stdout) == installed


def test_the_service_does_not_wait_until_alertmanager_is_installed(fork: Fork) -> None:
    done = fork.run("make run --dry-run --what-if=tests/tools/install.sh")
    assert "install.sh alertmanager" not in done.stdout
    wanted = parse_procfile(PROCFILE.read_text()).processes["alertmanager"].partition(" && ")[0]
    done = fork.run(f"{wanted} --dry-run --what-if=tests/tools/install.sh")
    assert "tests/tools/install.sh alertmanager .venv/bin" in done.stdout


def test_no_command_of_make_names_the_folder_that_holds_it(fork: Fork) -> None:
    told = "make --dry-run --always-make setup train run lint test bench lock up down"
    done = fork.run(told, PYTHON="python3")
    assert done.returncode == 0, done.stderr
    assert "uv pip compile" in done.stdout
    assert FOLDER not in done.stdout


def test_a_folder_that_the_path_cannot_hold_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "a:b").mkdir()
    command = ("make", "--file", ROOT / "Makefile")
    done = subprocess.run(command, cwd=tmp_path / "a:b", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"rename or move {tmp_path}/a:b.  Stop.")


def test_a_folder_that_ruff_takes_for_a_pattern_is_refused_in_a_line(tmp_path: Path) -> None:
    done = Fork(tmp_path / "a [1]").run("make lint")
    assert (done.returncode, done.stdout) == (2, "")
    line = next(iter(done.stderr.splitlines()))  # make adds one
    assert line == f"lint: ruff takes brackets for a pattern: rename or move {tmp_path}/a [1]"


def test_two_on_one_port_are_refused_by_name(fork: Fork) -> None:
    number = free_port()
    done = fork.run(f"make run PORT={number} CANARY_METRICS_PORT={number}")
    assert f"PORT and CANARY_METRICS_PORT have the same value {number}" in done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize("value", ["0", "65536", "-1", "http", "80 "])
def test_what_is_no_port_is_refused_by_name(fork: Fork, value: str) -> None:
    done = fork.run(f"make run 'LOCUST_WEB_PORT={value}'")
    assert f"LOCUST_WEB_PORT={value} is not a port" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode != 0


def test_a_port_whose_connections_have_just_ended_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert failure(*address)
        with socket.create_connection(address):
            server.accept()[0].close()  # who closes first keeps the port in TIME_WAIT
    assert not failure(*address)
