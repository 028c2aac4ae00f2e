"""The runbook has a section for each alert, names nothing that is not there, and rolls back."""

import re
from pathlib import Path

import pytest

from documents import known_names, unknown_names
from support import document
from support.origin import MANIFEST, Origin, tag
from support.paths import ROOT

TEXT = document.text_of("docs/runbook.md")
SECTIONS = document.sections(TEXT)
ROLL_BACK = "Roll back in three minutes"
GENERAL = {"Where alerts are seen", "When an alert is wrong", "First look", ROLL_BACK}
FIELDS = ["Means", "Users see", "Look at", "Do", "Ends"]


def test_each_section_is_general_or_an_alert_s_and_each_alert_has_one() -> None:
    assert SECTIONS.keys() == GENERAL | known_names.alerts().keys()


@pytest.mark.parametrize("alert", known_names.alerts())
def test_an_alert_points_to_its_section(alert: str) -> None:
    assert known_names.alerts()[alert]["runbook"] == f"docs/runbook.md#{document.anchor(alert)}"


@pytest.mark.parametrize("alert", known_names.alerts())
def test_a_section_says_all_that_is_to_know_and_names_the_alert_s_panel(alert: str) -> None:
    text, said = SECTIONS[alert], known_names.alerts()[alert]
    assert re.findall(r"(?m)^- \*\*(.+)\*\*: \S", text) == FIELDS
    shown = {panel for name, panel in known_names.panels().items() if f"`{name}`" in text}
    assert (said["dashboard"], said["panel"]) in shown


@pytest.mark.parametrize("heading", SECTIONS)
def test_all_that_a_section_names_exists(heading: str) -> None:
    assert unknown_names.missing(SECTIONS[heading]) == []


def test_the_introduction_names_nothing_else() -> None:
    assert unknown_names.missing(TEXT.partition("\n## ")[0]) == []


def test_all_links_lead_somewhere() -> None:
    assert unknown_names.links(TEXT, ROOT / "docs") == []


@pytest.mark.parametrize(
    "text",
    ["`API: Burn ratio`", "`Grafana: Burn rate`", "`manifest/web-deployment.yaml`", "`make deploy`",
     "`deployment/web`", "`http://$NODE:30801`", "`http://$NODE:30800/ready`", "`Source-Comit`",
     "`model:feature_psi:1m`", "`/predictions`", "`SLOBurnHot`", "`severty`",
     "`kubectl -n mlops logs -l app.kubernetes.io/name=web`",
     "`kubectl -n mlops logs deployment/web`", "`kubectl -n prod get pods`",
     "`kubectl -n argocd logs deployment/api`", "`kubectl logs deployment/api`",
     "`git log -- manifests/api.yaml`", "`curl http://$NODE:30800/models`",
     "```\ncurl http://$NODE:30090/ --data-urlencode 'query=sum(requests)'\n```",
     "```\ntrue | kubectl -n mlops get deployment/web\n```"],
)  # fmt: skip
def test_what_does_not_exist_is_noticed(text: str) -> None:
    assert unknown_names.missing(text)


def test_the_rollback_s_commands_undo_the_last_deploy_and_then_the_one_before(
    tmp_path: Path,
) -> None:
    origin = Origin.create(tmp_path / "origin")
    human = origin.clone(tmp_path / "human")
    for n in (1, 2):
        human.deploy(n, human.commit(f"Feature {n}"))
    human.commit("Explain it", **{"README.md": "Image-Tag: none\n"})
    human.push()
    commands = document.blocks(SECTIONS[ROLL_BACK])[0]
    for expected in (tag(1), "local"):
        done = human.run("bash", "-euo", "pipefail", "-c", commands)
        assert done.returncode == 0, done.stderr
        assert "Source-Commit: " in done.stdout
        assert set(re.findall(r"newTag: (\S+)", origin.show(MANIFEST))) == {expected}
    done = human.run("bash", "-euo", "pipefail", "-c", commands)
    assert "no deploy of local" in done.stderr
