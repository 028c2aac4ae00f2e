"""Start all of it on this machine: `make run`.

API, Locust and canary; Prometheus, and Alertmanager with what prints its messages, unless
PROMETHEUS=no; Grafana where there is one. Ctrl-C ends all with exit code 0; a process that ends by
itself ends the others, and the exit code is not 0. Alertmanager is installed beside the others: to
compile it takes minutes, where its release on GitHub cannot be had.
"""

import json
import os
import re
import shlex
import sys
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer

from app.schemas import EXAMPLE
from loadtester.local import alertmanager, grafana, ports
from prometheus import static_config

PROCFILE = Path(__file__).with_name("Procfile")
FOLDER = grafana.ROOT / ".venv"
CTRL_C, TERMINATED = 130, 143
"""What honcho returns when it was told to end."""
JOBS = {
    "api": "PORT",
    "locust": "LOCUST_METRICS_PORT",
    "canary": "CANARY_METRICS_PORT",
    "prometheus": "PROMETHEUS_PORT",
    "alertmanager": "ALERTMANAGER_PORT",
}
"""What Prometheus asks, and where it sends alerts, by the variables of the ports."""


class Output:
    """Prints what processes write, and keeps what each of them wrote last."""

    def __init__(self) -> None:
        self.width = 0
        self.first_to_stop = ""
        self._printer = Printer(sys.stdout)
        self._last: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=10))

    def write(self, message: Any) -> None:
        """Print a message of honcho's."""
        self._printer.width = self.width
        self._printer.write(message)
        if isinstance(message.data, bytes):  # a process wrote it
            self._last[message.name].append(message.data.decode(errors="replace").rstrip())
        elif stopped := re.match(r"(\w+) stopped", message.data):
            self.first_to_stop = self.first_to_stop or stopped[1]

    def farewell(self) -> str:
        """Return which process stopped first, and what it wrote last."""
        name = self.first_to_stop
        return "\n  ".join([f"\n{name} ended by itself. What it wrote last:", *self._last[name]])


def chosen() -> tuple[list[str], list[str]]:
    """Return the names of what is to be started, and a line about each that is left out."""
    names = ["api", "locust", "canary"]
    if os.environ.get("PROMETHEUS") == "no":
        return names, ["Prometheus  not started, nor what shows or tells its alerts: PROMETHEUS=no"]
    names += ["prometheus", "alertmanager", "alerts"]
    if not grafana.program():
        wanted = "`grafana` on the PATH, with its conf/defaults.ini"
        return names, [f"Grafana     not started, as it is not installed: {wanted}"]
    return [*names, "grafana"], []


def introduce(at: Mapping[str, int], left_out: list[str]) -> None:
    """Print the addresses that somebody may want to open, and a command to try."""
    addresses = {
        "PORT": "API         http://127.0.0.1:{}, documented at /docs, to try at /",
        "LOCUST_WEB_PORT": "Locust      http://127.0.0.1:{}",
        "PROMETHEUS_PORT": "Prometheus  http://127.0.0.1:{}: /alerts, /targets, /rules; where its "
        "build has no pages, as Debian's: /api/v1/alerts and so on",
        "ALERTMANAGER_PORT": "Alerts      http://127.0.0.1:{}, Alertmanager: whom it would tell, "
        "and what, is printed here",
        "GRAFANA_PORT": "Grafana     http://127.0.0.1:{}",
    }
    shown = [line.format(at[name]) for name, line in addresses.items() if name in at]
    print("", *shown, *left_out, "Ctrl-C ends all of it. Try:\n", sep="\n")
    print(f"curl http://127.0.0.1:{at['PORT']}/predict -H 'content-type: application/json' \\")
    print(f"  -d {shlex.quote(json.dumps(EXAMPLE))}\n", flush=True)


def prepare(at: Mapping[str, int]) -> dict[str, str]:
    """Write what the others read; return the variables of what is started."""
    environment = {
        **os.environ,
        **{name: str(number) for name, number in at.items()},
        "SERVICE": f"http://127.0.0.1:{at['PORT']}",
        "SERVING_PORT": str(at["PORT"]),
        "SERVING_DRAIN_SECONDS": "0",
    }
    if "PROMETHEUS_PORT" in at:
        targets = {job: [f"127.0.0.1:{at[name]}"] for job, name in JOBS.items()}
        config = yaml.safe_load(static_config.CONFIG.read_text())
        local = static_config.static(config, targets, static_config.HERE)
        (FOLDER / "prometheus.yaml").write_text(yaml.safe_dump(local))
        shown_at = at.get("GRAFANA_PORT", ports.GRAFANA.default)
        alertmanager.prepare(FOLDER / "alertmanager", shown_at, at["ALERT_LOG_PORT"])
    if "GRAFANA_PORT" in at and (found := grafana.program()):
        folder = FOLDER / "grafana"
        grafana.prepare(folder, f"http://127.0.0.1:{at['PROMETHEUS_PORT']}")
        environment |= grafana.environment(found[1], folder, at["GRAFANA_PORT"])
        environment |= {"GRAFANA": str(found[0]), "GRAFANA_HOME": str(found[1])}
    return environment


def start(names: list[str], environment: Mapping[str, str]) -> int:
    """Run the processes until one ends or Ctrl-C ends all; return the exit code."""
    commands = parse_procfile(PROCFILE.read_text()).processes
    output = Output()
    manager = Manager(output)
    for name in names:
        manager.add_process(name, commands[name], env=environment, cwd=str(grafana.ROOT))
    manager.loop()
    if manager.returncode == CTRL_C:
        return 0
    if manager.returncode != TERMINATED:
        print(output.farewell(), file=sys.stderr)
    return manager.returncode or 1  # none of them has a reason to end, not even with success


def main() -> int:
    """Start what is asked for; return the exit code."""
    names, left_out = chosen()
    try:
        numbers = {port: ports.number(port, os.environ) for port in ports.of(names)}
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if refusals := list(ports.refused(numbers)):
        print(*refusals, sep="\n", file=sys.stderr)
        return 1
    at = {port.variable: number for port, number in numbers.items()}
    introduce(at, left_out)
    return start(names, prepare(at))


if __name__ == "__main__":
    sys.exit(main())
