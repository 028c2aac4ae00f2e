"""What is said to somebody whose dashboard Grafana could not read from a file, or could."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.paths import ROOT
from support.telemetry import DASHBOARDS

V2 = {"title": "Mine", "elements": {}, "layout": {"kind": "GridLayout", "spec": {"items": []}}}
RESOURCES = {
    "V2": V2,
    "V2 resource": {"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "spec": V2},
    "V1 resource": {
        "apiVersion": "dashboard.grafana.app/v1", "kind": "Dashboard", "spec": {"panels": []},
    },
}  # fmt: skip


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Check a folder of dashboards as `make lint` does."""
    command = ("node", ROOT / "tests/node/dashboards.mjs", folder)
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the dashboards, to add one."""
    for path in DASHBOARDS:
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.mark.parametrize("content", RESOURCES.values(), ids=RESOURCES)
def test_a_file_that_grafana_cannot_read_is_refused_by_name_with_the_remedy(
    folder: Path, content: dict[str, Any]
) -> None:
    (folder / "mine.json").write_text(json.dumps(content))
    done = check(folder)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("mine.json: a V1 or V2 resource")
    assert line.endswith("Export as code, with the model Classic")


def test_what_grafana_adds_to_a_file_that_it_exports_is_taken(folder: Path) -> None:
    """Grafana's own annotation, numbers of its database, what its query builder remembers."""
    dashboard = json.loads(DASHBOARDS[0].read_text())
    dashboard |= {"id": 4, "version": 2}
    dashboard["annotations"]["list"].insert(0, {
        "builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True,
        "hide": True, "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts",
        "type": "dashboard",
    })  # fmt: skip
    for panel in dashboard["panels"]:
        panel["pluginVersion"] = "13.2.3"
        for target in panel.get("targets", []):
            target |= {
                "disableTextWrap": False, "editorMode": "builder", "exemplar": False,
                "fullMetaSearch": False, "includeNullMetadata": True, "useBackend": False,
            }  # fmt: skip
    (folder / DASHBOARDS[0].name).write_text(json.dumps(dashboard, indent=2))
    done = check(folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_who_may_edit_can_edit_and_save_which_grafana_wants_before_it_exports() -> None:
    assert [p.name for p in DASHBOARDS if not json.loads(p.read_text())["editable"]] == []
    assert "allowUiUpdates: true" in (ROOT / "manifest/grafana/dashboards.yaml").read_text()
