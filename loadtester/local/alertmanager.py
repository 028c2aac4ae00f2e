"""Alertmanager on this machine, from the files that it has in the cluster.

Only where things are is replaced: the folder of what it reads, and two addresses.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from loadtester.local.grafana import ROOT
from prometheus.static_config import literal

SOURCE = ROOT / "manifest/components/alerting"
IN_THE_CLUSTER = "/etc/alertmanager"
ALERT_LOG = "alert-log:9648"
GRAFANA = re.compile(r'(?<=\{\{ define "grafana" \}\}).*(?=\{\{ end \}\})')


def prepare(folder: Path, grafana: int, alert_log: int) -> None:
    """Write what it reads into a folder, with the ports that links lead to and that is told."""
    receivers = folder / "receivers"
    receivers.mkdir(parents=True, exist_ok=True)
    for file in (SOURCE / "receivers").iterdir():
        text = file.read_text().replace(ALERT_LOG, f"127.0.0.1:{alert_log}")
        (receivers / file.name).write_text(text)
    for file in SOURCE.glob("*.tmpl"):
        text = GRAFANA.sub(f"http://127.0.0.1:{grafana}", file.read_text())
        (folder / file.name).write_text(text)
    config = yaml.safe_load((SOURCE / "alertmanager.yaml").read_text())
    config["templates"] = [f"{literal(folder)}/{pattern}" for pattern in config["templates"]]
    config["receivers"] = _moved(config["receivers"], folder)
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump(config))


def _moved(part: Any, folder: Path) -> Any:
    """Return a part of the configuration with files of this folder in place of the cluster's."""
    if isinstance(part, dict):
        return {key: _moved(value, folder) for key, value in part.items()}
    if isinstance(part, list):
        return [_moved(value, folder) for value in part]
    if isinstance(part, str) and part.startswith(f"{IN_THE_CLUSTER}/"):
        return str(folder / part.removeprefix(f"{IN_THE_CLUSTER}/"))
    return part
