"""Who is told what: the component's own configuration, in the real Alertmanager."""

import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import pytest
import yaml

from support import telemetry
from support.alerting import GRAFANA_PORT, Alertmanager, Told, alerting, told
from support.paths import LOADTESTER, MANIFEST, PROMETHEUS
from support.ports import free_port
from support.stack import Deployment
from support.waiting import wait_until

COMPONENT = MANIFEST / "components/alerting"
CONFIG = yaml.safe_load((COMPONENT / "alertmanager.yaml").read_text())
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RULES = [
    rule
    for file in sorted((PROMETHEUS / "rules").glob("**/*.yaml"))
    if file.name != "kustomization.yaml"
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
ABORT = {"RolloutAborted", "RolloutBlind", "RolloutJudged"}
"""Alerts of the component progressive-delivery, which may be off."""
UNDONE = {
    "summary": 'model 8e7b (version "2026"): was undone: accuracy worse',
    "description": "#1 {{ of }} <two> & more", "dashboard": "model", "panel": "Live accuracy",
    "runbook": "docs/runbook.md#rolloutaborted",
}  # fmt: skip
"""With what YAML, JSON, HTML and templates would take for their own."""


@pytest.fixture
def here() -> Iterator[Told]:
    with told() as listening:
        yield listening


@pytest.fixture
def there(here: Told, tmp_path: Path) -> Iterator[Alertmanager]:
    with alerting(tmp_path, here.port) as running:
        yield running


def amtool(*arguments: str | Path) -> str:
    command = ("amtool", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["alertname=ApiDown", "severity=page"], "people"),
        (["alertname=FeatureDrift", "severity=ticket"], "people"),
        (["alertname=RolloutJudged", "severity=none"], "nobody"),
        (["alertname=RolloutAborted", "severity=page", f"revision={COMMIT}"], "commit,people"),
        (["alertname=RolloutAborted", "severity=page", "revision=unknown"], "people"),
        (["alertname=ApiDown", "severity=page", f"revision={COMMIT}"], "people"),
    ],
)
def test_each_alert_has_its_receivers(labels: list[str], receivers: str) -> None:
    file = COMPONENT / "alertmanager.yaml"
    found = amtool("config", "routes", "test", "--config.file", file, *labels)
    assert found.strip() == receivers


def matched(rule: dict[str, Any]) -> set[str]:
    """Return the alerts that an inhibition names, on both sides."""
    texts = [*rule["source_matchers"], *rule["target_matchers"]]
    return {
        name for text in texts if (m := re.fullmatch(r'alertname=~?"(.+)"', text))
        for name in m[1].split("|")
    }  # fmt: skip


def test_inhibitions_name_alerts_and_labels_that_exist() -> None:
    names = {rule["alert"] for rule in RULES} | ABORT
    for rule in CONFIG["inhibit_rules"]:
        assert matched(rule)
        assert matched(rule) <= names, rule


def test_a_page_holds_its_tickets_back_and_no_other_page() -> None:
    severity = {rule["alert"]: rule["labels"]["severity"] for rule in RULES}
    severity |= {"RolloutAborted": "page", "RolloutJudged": "none", "RolloutBlind": "ticket"}
    sources = {
        m[1] for rule in CONFIG["inhibit_rules"] for text in rule["source_matchers"]
        if (m := re.fullmatch(r'alertname="(\w+)"', text))
    }  # fmt: skip
    assert {severity[name] for name in sources} == {"page", "none"}
    # No ticket is about the same thing.
    assert {n for n, how in severity.items() if how == "page"} - sources == {"LiveAccuracyLow"}


def test_an_abort_is_one_page_and_one_end(there: Alertmanager, here: Told) -> None:
    judged = there.fire("RolloutJudged", "none")
    caused = [there.fire(name) for name in ("LiveAccuracyLow", "CanaryFailing", "SLOBurnFast")]
    caused.append(there.fire("LocustFailures", "ticket"))
    there.fence(here)
    assert here.messages() == []
    aborted = there.fire("RolloutAborted", revision=COMMIT)
    followers = [
        there.fire("ArgoCDDegraded", name="mlops"),
        there.fire("ArgoCDUnhealthy", "ticket", name="mlops"),
        there.fire("ArgoCDSyncFailed", "ticket", name="mlops"),
        there.fire("VersionSkew", "ticket"),
    ]
    there.fence(here)
    for labels in (*caused, *followers, judged, aborted):
        there.end(labels)
    there.fence(here)
    there.fence(here)
    assert here.messages() == [("firing", "RolloutAborted", 1), ("resolved", "RolloutAborted", 1)]


def test_a_page_silences_its_tickets_and_those_alone(there: Alertmanager, here: Told) -> None:
    there.fire("SLOBurnSlow", "ticket", slo="predict-latency")
    there.fire("SLOBurnFast", slo="predict-latency")
    there.fire("TargetDown", "ticket", job="locust")
    there.fire("ProcessRestarting", job="canary")
    there.fire("TargetDown", "ticket", job="canary", instance="a")
    there.fire("CanaryMissing", "ticket")
    there.fence(here)
    assert sorted(here.messages()) == [
        ("firing", "ProcessRestarting", 1),
        ("firing", "SLOBurnFast", 1),
        ("firing", "TargetDown", 1),
    ]
    assert here.alerts("TargetDown")[0]["labels"]["job"] == "locust"


def test_alerts_of_a_name_are_one_message(there: Alertmanager, here: Told) -> None:
    for feature in ("bill_length_mm", "island", "sex"):
        there.fire("FeatureDrift", "ticket", feature=feature)
    there.fence(here)
    assert here.messages() == [("firing", "FeatureDrift", 3)]


def test_a_message_has_what_and_why_and_where_to_look(there: Alertmanager, here: Told) -> None:
    labels = {"alertname": "LiveAccuracyLow", "severity": "page", "of": '"a": 1'}
    there.tell(labels, UNDONE)
    there.fence(here)
    there.tell(labels, UNDONE, ended=True)
    there.fence(here)
    begun, ended = here.alerts("LiveAccuracyLow")
    assert (begun.pop("status"), ended.pop("status")) == ("firing", "resolved")
    assert begun == ended
    assert re.fullmatch(r"20\d\d-.*Z", begun.pop("since"))
    dashboard = f"http://127.0.0.1:{GRAFANA_PORT}/d/model"
    assert begun == {
        "labels": labels, "summary": UNDONE["summary"], "why": UNDONE["description"],
        "panel": f"{dashboard}?viewPanel=panel-7", "dashboard": dashboard,
        "runbook": "docs/runbook.md#rolloutaborted",
    }  # fmt: skip


def test_every_alert_s_links_lead_to_its_dashboard_and_panel(here: Told, tmp_path: Path) -> None:
    """Compared with Grafana's files: a panel that gets another number fails here."""
    boards = telemetry.dashboards(optional=True).values()
    panels = {(b["uid"], p["title"]): p["id"] for b in boards for p in telemetry.panels(b)}
    told_of = [rule for rule in RULES if rule["labels"]["severity"] != "none"]
    with alerting(tmp_path, here.port, lambda config: config.pop("inhibit_rules")) as there:
        for rule in told_of:
            there.tell({"alertname": rule["alert"], "severity": "page"}, rule["annotations"])
        there.fence(here)
    for rule in told_of:
        (alert,) = here.alerts(rule["alert"])
        uid, title = rule["annotations"]["dashboard"], rule["annotations"]["panel"]
        assert alert["dashboard"] == f"http://127.0.0.1:{GRAFANA_PORT}/d/{uid}"
        assert alert["panel"] == f"{alert['dashboard']}?viewPanel=panel-{panels[uid, title]}"
        assert alert["runbook"] == rule["annotations"]["runbook"]


def test_a_panel_that_nobody_numbered_leads_to_the_dashboard(
    there: Alertmanager, here: Told
) -> None:
    there.tell({"alertname": "Mine", "severity": "page"}, UNDONE | {"panel": "Mine"})
    there.fence(here)
    assert here.alerts("Mine")[0]["panel"] == f"http://127.0.0.1:{GRAFANA_PORT}/d/model"


def test_the_runbook_is_a_page_of_the_repository_that_is_named(here: Told, tmp_path: Path) -> None:
    pages = "https://github.com/me/mine/blob/develop/"
    with alerting(tmp_path, here.port, lambda _: name_repository(tmp_path, pages)) as there:
        there.fire("ApiDown")
        there.fence(here)
    assert here.alerts("ApiDown")[0]["runbook"] == f"{pages}docs/runbook.md#canaryslow"


def name_repository(folder: Path, pages: str) -> None:
    """Do what addresses.tmpl asks for."""
    file = folder / "addresses.tmpl"
    empty = '{{ define "repository" }}{{ end }}'
    assert empty in file.read_text()
    file.write_text(file.read_text().replace(empty, empty.replace("}}{{", f"}}}}{pages}{{{{")))


def test_who_does_not_answer_is_told_later_and_once(tmp_path: Path) -> None:
    port = free_port()
    with alerting(tmp_path, port) as there:
        labels = there.fire("ApiDown")
        wait_until("a try", lambda: "connection refused" in (tmp_path / "log").read_text())
        with told(port) as here:
            here.status = 503
            wait_until("another try", lambda: here.refused)
            here.status = 200
            wait_until("the page", here.messages)
            there.fence(here)
            there.end(labels)
            there.fence(here)
            assert here.messages() == [("firing", "ApiDown", 1), ("resolved", "ApiDown", 1)]


def test_a_new_process_with_the_same_data_does_not_tell_again(here: Told, tmp_path: Path) -> None:
    for _ in range(2):
        with alerting(tmp_path, here.port) as there:
            there.fire("ApiDown")
            there.fence(here)
    assert here.messages() == [("firing", "ApiDown", 1)]


def test_an_aborted_commit_is_marked_on_github_once(there: Alertmanager, here: Told) -> None:
    labels = {"alertname": "RolloutAborted", "severity": "page", "revision": COMMIT}
    there.tell(labels, UNDONE | {"summary": UNDONE["summary"] + "é" * 200})
    there.fire("RolloutAborted", revision="unknown")
    there.fence(here)
    there.tell(labels, UNDONE, ended=True)
    there.fence(here)
    (mark,) = (post for post in here.posts if post.path != "/alerts")
    assert mark.path == f"/statuses/{COMMIT}"
    assert mark.authorization == "Bearer none"
    assert mark.body == {
        "state": "failure",
        "context": "progressive-delivery",
        "description": (UNDONE["summary"] + "é" * 200)[:140],
        "target_url": f"http://127.0.0.1:{GRAFANA_PORT}/d/model?viewPanel=panel-7",
    }


def test_a_secret_s_file_is_read_for_each_message(
    there: Alertmanager, here: Told, tmp_path: Path
) -> None:
    """The kubelet replaces the files when the Secret is made, and nothing is started anew."""
    with told() as other:
        (tmp_path / "receivers/webhook-url").write_text(f"http://127.0.0.1:{other.port}/alerts\n")
        there.fire("ApiDown")
        there.fence(other)
        assert other.messages() == [("firing", "ApiDown", 1)]
    assert here.messages() == []


def test_messages_are_printed_by_whoever_is_told_by_default(tmp_path: Path) -> None:
    port = str(free_port())
    command = (sys.executable, "alert_log.py", "--port", port)
    running = Deployment(command, LOADTESTER, tmp_path / "printed")
    try:
        with alerting(tmp_path, int(port)) as there:
            there.tell(
                {"alertname": "RolloutAborted", "severity": "page", "revision": COMMIT}, UNDONE
            )
            wait_until("a page", lambda: "runbook" in running.log.read_text())
            wait_until("a mark", lambda: "GitHub" in running.log.read_text())
    finally:
        assert running.close() == 0
    printed = re.sub(r"(?m)^\S+ \S+ alert-log ", "", running.log.read_text())
    dashboard = f"http://127.0.0.1:{GRAFANA_PORT}/d/model"
    assert (
        f"page RolloutAborted: {UNDONE['summary']}\n"
        f"    why:       {UNDONE['description']}\n"
        f"    panel:     {dashboard}?viewPanel=panel-7\n"
        f"    dashboard: {dashboard}\n"
        "    runbook:   docs/runbook.md#rolloutaborted\n"
    ) in printed
    assert (
        "commit 0123456789ab would be marked on GitHub: progressive-delivery failure: "
        f"{UNDONE['summary']}\n"
    ) in printed


def example(name: str) -> dict[str, Any]:
    """Return one of the examples."""
    loaded: dict[str, Any] = yaml.safe_load((COMPONENT / f"examples/{name}.yaml").read_text())
    return loaded


def in_place_of_the_webhook(config: dict[str, Any], receiver: dict[str, Any]) -> None:
    """Do what an example asks for."""
    (people,) = (r for r in config["receivers"] if r["name"] == "people")
    del people["webhook_configs"]
    people.update(receiver)


@pytest.mark.parametrize("name", ["email", "slack"])
def test_an_example_fits_into_the_configuration(tmp_path: Path, name: str) -> None:
    config = yaml.safe_load((COMPONENT / "alertmanager.yaml").read_text())
    in_place_of_the_webhook(config, example(name))
    config["templates"] = [f"{COMPONENT}/*.tmpl"]
    (tmp_path / "alertmanager.yaml").write_text(yaml.safe_dump(config))
    amtool("check-config", tmp_path / "alertmanager.yaml")


def test_slack_is_told_by_the_example(here: Told, tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        (slack,) = (found := example("slack"))["slack_configs"]
        assert slack["api_url_file"] == "/etc/alertmanager/receivers/slack-url"
        slack["api_url_file"] = str(tmp_path / "receivers/slack-url")
        (tmp_path / "receivers/slack-url").write_text(f"http://127.0.0.1:{here.port}/slack\n")
        in_place_of_the_webhook(config, found)

    with alerting(tmp_path, here.port, change) as there:
        there.tell({"alertname": "LiveAccuracyLow", "severity": "page"}, UNDONE)
        wait_until("a message", lambda: here.posts)
    (attachment,) = here.posts[0].body["attachments"]
    panel = f"http://127.0.0.1:{GRAFANA_PORT}/d/model?viewPanel=panel-7"
    assert attachment["title"] == f"[page] {UNDONE['summary']}"
    assert attachment["title_link"] == panel
    assert attachment["text"].splitlines()[:3] == [
        UNDONE["summary"], UNDONE["description"], f"Panel: {panel}",
    ]  # fmt: skip


@contextmanager
def mailbox() -> Iterator[tuple[int, list[str]]]:
    """Take mail by SMTP until the block ends; yield port and the lines that were received."""
    lines: list[str] = []
    answers = {"EHLO": "250-here\r\n250 AUTH PLAIN", "DATA": "354 go on", "QUIT": "221 bye"}

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            for line in self.received():
                word = line[:4].upper()
                self.say("235 yes" if word == "AUTH" else answers.get(word, "250 yes"))
                if word == "DATA":
                    list(iter(lambda: next(self.received()), "."))
                    self.say("250 yes")
                if word == "QUIT":
                    return

        def received(self) -> Iterator[str]:
            while raw := self.rfile.readline():
                lines.append(line := raw.decode().rstrip("\r\n"))
                yield line

        def say(self, answer: str) -> None:
            self.wfile.write(f"{answer}\r\n".encode())

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], lines
        finally:
            server.shutdown()
            thread.join()


def test_mail_is_sent_by_the_example(tmp_path: Path) -> None:
    with mailbox() as (port, lines):

        def change(config: dict[str, Any]) -> None:
            (email,) = (found := example("email"))["email_configs"]
            file = tmp_path / "receivers/email-password"
            file.write_text("secret\n")
            assert email["auth_password_file"] == f"/etc/alertmanager/receivers/{file.name}"
            email["auth_password_file"] = str(file)
            # Only here: the example's server has a certificate.
            email |= {"smarthost": f"127.0.0.1:{port}", "require_tls": False}
            in_place_of_the_webhook(config, found)

        with alerting(tmp_path, free_port(), change) as there:
            there.tell({"alertname": "LiveAccuracyLow", "severity": "page"}, UNDONE)
            wait_until("mail", lambda: "QUIT" in lines)
    sent = "\n".join(lines)
    (login,) = re.findall(r"AUTH PLAIN (\S+)", sent)
    assert b64decode(login) == b"\0alerts@example.org\0secret"
    assert "RCPT TO:<team@example.org>" in sent
    assert "Subject: [page] model 8e7b" in sent
    assert "/d/model?viewPanel=3Dpanel-7" in sent.replace("=\n", "")
