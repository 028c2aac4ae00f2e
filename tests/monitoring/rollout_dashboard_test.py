"""The dashboard Rollout is shown a real one: two releases, the canary, Prometheus with its rules.

The controller needs a cluster: what it served while it judged a release is served again, with the
phases of before and after in their place.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from support import captured, components, telemetry
from support.clients import Prometheus
from support.kustomize import objects
from support.paths import LOADTESTER, MANIFEST, PROMETHEUS
from support.ports import free_port
from support.service import serving
from support.stack import Deployment
from support.waiting import wait_until

pytestmark = pytest.mark.first

COMPONENT = MANIFEST / "components/progressive-delivery"
DASHBOARD = telemetry.dashboards(optional=True)["rollout"]
CAPTURED = captured.ROLLOUTS.read_text()
STABLE = "7c9d5fbb6f"
(NEW,) = set(re.findall(r'name="api-([^-]+)-', CAPTURED))
"""The release that the controller judged."""
ENDS = {"rollout: annotation Undone", "rollout: annotation Promoted"}


def page(rollout: str, run: str = "", worse: str = "") -> str:
    """Return what the controller serves in these phases of the Rollout and of its AnalysisRun.

    Without the second there is no AnalysisRun. `worse` is the phase of its metric `not-worse`.
    """
    found = []
    for line in CAPTURED.replace('phase="Progressing"', f'phase="{rollout}"').splitlines():
        if line.startswith("analysis_run_info{"):
            found += [line.replace('phase="Running"', f'phase="{run}"')] if run else []
        elif line.startswith("analysis_run_metric_phase{"):
            own = worse if worse and 'metric="not-worse"' in line else run
            value = int(f'phase="{own}"' in line)
            found += [f"{line[:-1]}{value}"] if run else []
        else:
            found.append(line)
    return "\n".join((*found, ""))


AT_REST, JUDGED = page("Completed"), page("Progressing", "Running")


def test_the_controller_says_again_what_it_said() -> None:
    assert JUDGED == CAPTURED


class Rollout:
    """Two releases, of which the new one comes later, and what looks at them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exit = ExitStack()
        self.says = AT_REST
        """What the controller serves."""
        self._new = free_port()
        http = self._exit.enter_context(httpx.Client(timeout=10))
        port = free_port()
        self.prometheus = Prometheus(http, f"http://127.0.0.1:{port}")
        try:
            stable = self._serve(STABLE)
            self._start("canary", *self._canary(stable))
            config = self._configured(self._exit.enter_context(captured.served(lambda: self.says)))
            address = f"127.0.0.1:{port}"
            program = shutil.which("prometheus")
            assert program, "prometheus is not on the PATH: make setup"
            self._start(
                "prometheus", program, f"--config.file={config}", "--log.level=warn",
                f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={address}",
            )  # fmt: skip
            wait_until("prometheus", self._is_ready)
        except BaseException:
            self.close()
            raise

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.prometheus.url}/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def _start(self, name: str, *command: str) -> None:
        running = Deployment(command, LOADTESTER, self._folder / f"{name}.log")
        self._exit.callback(running.close)

    def _serve(self, release: str, port: int = 0) -> int:
        process = serving(release=release, version=f"of-{release}", port=port)
        return self._exit.enter_context(process).port

    def _canary(self, stable: int) -> tuple[str, ...]:
        self._canarys = free_port()
        url = f"http://127.0.0.1:{stable}"
        self._targets = [f"api=127.0.0.1:{stable}", f"api=127.0.0.1:{self._new}"]
        return (
            sys.executable, "canary.py", "--url", url, "--metrics-port", str(self._canarys),
            "--stable-url", url, "--new-url", f"http://127.0.0.1:{self._new}",
        )  # fmt: skip

    def _configured(self, controller: str) -> Path:
        """Write what Prometheus has in the cluster, but for where things are."""
        targets = (*self._targets, f"canary=127.0.0.1:{self._canarys}")
        command = (sys.executable, str(PROMETHEUS / "static_config.py"), *targets)
        made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        config = yaml.safe_load(made)
        config["rule_files"] += map(str, telemetry.OPTIONAL_RULES)
        (job,) = yaml.safe_load((COMPONENT / "scrape.yaml").read_text())["scrape_configs"]
        config["scrape_configs"].append({**job, "static_configs": [{"targets": [controller]}]})
        file = self._folder / "prometheus.yaml"
        file.write_text(yaml.safe_dump(config))
        return file

    def begin(self) -> None:
        """Bring the new release and let the controller judge it."""
        self._serve(NEW, self._new)
        self.says = JUDGED

    def words(self, title: str, ref: str = "A") -> set[str]:
        """Return what a panel's values are called."""
        (panel,) = (p for p in telemetry.panels(DASHBOARD) if p["title"] == title)
        (target,) = (t for t in panel["targets"] if t["refId"] == ref)
        texts = {key: option["text"] for key, option in mapped(panel).items()}
        found = self.prometheus.query(telemetry.filled(target["expr"], {}))
        return {texts.get(series["value"][1], series["value"][1]) for series in found}

    def events(self, name: str) -> set[tuple[str, str]]:
        """Return times and versions of an annotation's events in the last minute."""
        (expr,) = (
            a["target"]["expr"] for a in DASHBOARD["annotations"]["list"] if a["name"] == name
        )
        return {
            (value, series["metric"]["version"])
            for series in self.prometheus.query_range(expr, telemetry.LAST_SECONDS)
            for _, value in series["values"]
        }

    def unfilled(self) -> set[str]:
        """Return the panels and annotations that have no data, without their queries' names."""
        found = telemetry.unfilled(self.prometheus, "rollout")
        return {re.sub(r": [A-Z]$", "", where) for where in found}

    def close(self) -> None:
        """End everything."""
        self._exit.close()


def mapped(panel: dict[str, Any]) -> dict[str, Any]:
    """Return the value mappings of a panel, of any column, by value."""
    config = panel["fieldConfig"]
    properties = [p for override in config["overrides"] for p in override["properties"]]
    every = [p["value"] for p in properties if p["id"] == "mappings"]
    return {
        key: option
        for mappings in (config["defaults"].get("mappings", []), *every)
        for mapping in mappings
        for key, option in mapping["options"].items()
    }


@pytest.fixture
def rollout(tmp_path: Path) -> Iterator[Rollout]:
    running = Rollout(tmp_path)
    try:
        yield running
    finally:
        running.close()


def declared_empty() -> set[str]:
    """Return the panels that say in their place that there was no rollout."""
    said = "No rollout in this time range"
    return {
        f"rollout: {panel['title']}"
        for panel in telemetry.panels(DASHBOARD)
        if panel["fieldConfig"]["defaults"].get("noValue") == said
    }


def test_a_rollout_is_shown_from_rest_to_its_end(rollout: Rollout) -> None:
    """One test, since each state follows from the one before."""
    nothing = declared_empty() | ENDS | {"rollout: annotation Started"}
    wait_until("no rollout", lambda: rollout.words("Now") == {"No rollout now"})
    wait_until("rest", lambda: rollout.unfilled() == nothing, 60)
    assert rollout.words("Versions") == {"stable"}

    rollout.begin()
    wait_until("it is judged", lambda: rollout.words("Now") == {"New version is judged"})
    wait_until("all is shown", lambda: rollout.unfilled() == ENDS, 120)
    assert rollout.words("Versions") == {"new", "stable"}
    assert rollout.words("How it ended", "C") == {"judged now"}
    wait_until("all is good", lambda: rollout.words("New against stable", "E") == {"Good enough"})
    ((_, started),) = rollout.events("Started")
    assert started == f"of-{NEW}"

    rollout.says = page("Progressing", "Successful")
    replaced = {"Found good: old pods are replaced"}
    wait_until("the others follow", lambda: rollout.words("Now") == replaced)
    rollout.says = page("Completed", "Successful")
    wait_until("the end", lambda: rollout.words("Now") == {"Promoted"})
    assert rollout.words("How it ended", "C") == {"promoted"}
    ((_, promoted),) = rollout.events("Promoted")
    assert promoted == f"of-{NEW}"

    rollout.says = page("Abort", "Failed", worse="Failed")
    wait_until("the other end", lambda: rollout.words("Now") == {"UNDONE"})
    wait_until("its reason", lambda: rollout.words("How it ended", "C") == {"UNDONE: worse"})
    wait_until("its name", lambda: f"of-{NEW}" in {v for _, v in rollout.events("Undone")})
    # The table that was filled while it was judged keeps what it had then.
    assert rollout.words("New against stable", "E") == {"Good enough"}


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (page("Abort", "Failed", worse="Successful"), "UNDONE: not proved good"),
        (page("Abort", "Error"), "UNDONE: could not be judged"),
        (page("Progressing", "Successful"), "replaced by a newer push"),
    ],
)
def test_an_end_without_a_verdict_is_told_from_others(
    rollout: Rollout, says: str, words: str
) -> None:
    """Before the canary has compared anything, nothing has proved the new version good."""
    rollout.says = JUDGED
    wait_until("it is judged", lambda: rollout.words("How it ended", "C") == {"judged now"})
    rollout.says = says
    wait_until(words, lambda: rollout.words("How it ended", "C") == {words}, 30)


def test_a_controller_that_is_not_there_is_no_rest(rollout: Rollout) -> None:
    rollout.says = ""
    gone = {"No controller: nothing is rolled out"}
    wait_until("nothing is known", lambda: rollout.words("Now") == gone)


def test_every_series_that_rules_make_has_a_reader() -> None:
    read = telemetry.all_read(optional=True).keys()
    assert telemetry.recorded(optional=True) - read == set()


def test_grafana_is_given_the_dashboard_beside_the_others(tmp_path: Path) -> None:
    found = objects(components.turned_on(tmp_path, COMPONENT.name))
    (volume,) = (
        volume["projected"]["sources"]
        for volume in found["Deployment grafana"]["spec"]["template"]["spec"]["volumes"]
        if volume["name"] == "dashboards"
    )
    names = [source["configMap"]["name"] for source in volume]
    assert [re.sub("-[^-]+$", "", name) for name in names] == [
        *(f"grafana-dashboard-{path.stem}" for path in telemetry.DASHBOARDS),
        "grafana-dashboard-rollout",
    ]
    assert found[f"ConfigMap {names[-1]}"]["data"].keys() == {"rollout.json"}
