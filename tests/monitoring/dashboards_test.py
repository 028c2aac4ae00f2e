"""Every dashboard, rule and metric against the live stack under load."""

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.features import CLASSES
from support import captured, telemetry
from support.stack import Stack, running
from support.waiting import wait_until

pytestmark = [pytest.mark.by_data, pytest.mark.first]

EMPTY: dict[str, set[str]] = {"model": set()}
if not CLASSES:
    # A regression answers without a probability, so there is none to be sure by.
    EMPTY["model"] = {"model: Unsure: A", *(f"model: Confidence: {ref}" for ref in "ABC")}
NOT_EXPORTED = (
    set() if CLASSES else {f"model_prediction_confidence_{e}" for e in ("bucket", "count")}
)
RUNTIME = ("process_", "python_")
"""What the client library says of any process; a dashboard shows some of it."""


@pytest.fixture(scope="module")
def argocd() -> Iterator[str]:
    """Serve the captured metrics; Argo CD itself needs a cluster."""
    with captured.served(captured.ARGOCD.read_text) as address:
        yield address


@pytest.fixture(scope="module")
def stack(argocd: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run the stack under load, with each fault that a panel exists to show."""
    folder = tmp_path_factory.mktemp("stack")
    with running(folder, [f"argocd={argocd}"]) as started:
        started.locust.swarm(40)
        refuse_an_input(started)
        wait_until(
            "drift is computed", lambda: started.prometheus.query("model:feature_psi:10m"), 120
        )
        wait_until(
            "a minute of load",
            lambda: (started.prometheus.value("min(model:feature_rows:increase10m)") or 0) > 2000,
            180,
        )
        yield started


def refuse_an_input(stack: Stack) -> None:
    """Fill 'Rejected inputs': no client of ours sends what the schema refuses."""
    for body in ("{}", "nonsense"):
        headers = {"content-type": "application/json"}
        stack.http.post(f"{stack.url('api0')}/predict", content=body, headers=headers)


@pytest.mark.parametrize("name", [path.stem for path in telemetry.DASHBOARDS])
def test_every_panel_variable_and_annotation_has_data(stack: Stack, name: str) -> None:
    missing: list[str] = []

    def all_filled() -> bool:
        missing[:] = telemetry.unfilled(stack.prometheus, name)
        return set(missing) == EMPTY.get(name, set())

    try:
        wait_until(name, all_filled, 30)
    except TimeoutError:
        pytest.fail(f"no data: {missing}")


def test_every_recording_rule_has_data(stack: Stack) -> None:
    assert [r for r in telemetry.recorded() if not stack.prometheus.query(r)] == []


def test_no_rule_fails(stack: Stack) -> None:
    answer = stack.http.get(f"{stack.url('prometheus')}/api/v1/rules").json()
    found = [r for group in answer["data"]["groups"] for r in group["rules"]]
    assert len(found) == len(list(telemetry.rules()))
    assert [r["name"] for r in found if r["health"] != "ok"] == []


def test_no_alert_fires_while_all_is_well(stack: Stack) -> None:
    assert stack.prometheus.firing() == set()


def exported(stack: Stack) -> set[str]:
    """Return the names of all samples that our own processes serve."""
    names = set()
    for port in ("api0", "locust", "canary"):
        text = httpx.get(f"{stack.url(port)}/metrics").text
        for family in text_string_to_metric_families(text):
            names |= {sample.name for sample in family.samples}
    return names


def broken(names: set[str]) -> set[str]:
    """Return what is read but neither exported nor recorded, and what nobody reads."""
    read = telemetry.all_read().keys()
    known = names | telemetry.recorded()
    unknown = {n for n in read - known if not n.startswith(("argocd_", "up", "ALERTS"))}
    ends = ("_bucket", "_count", "_sum")
    families = {next((n.removesuffix(e) for e in ends if n.endswith(e)), n) for n in names}
    unread = {
        f for f in families
        if not f.startswith(RUNTIME) and not any(f + end in read for end in ("", *ends))
    }  # fmt: skip
    return unknown - NOT_EXPORTED | unread | (telemetry.recorded() - read)


def unmoved(text: str) -> set[str]:
    """Return the names of our metrics that count, and have counted nothing."""
    return {
        family.name
        for family in text_string_to_metric_families(text)
        if family.type in ("counter", "histogram")
        and not family.name.startswith(RUNTIME)
        and not any(sample.value for sample in family.samples)
    }


def test_the_load_moves_every_counter_but_that_of_failures(stack: Stack) -> None:
    ports = ("api0", "locust", "canary")
    found = [unmoved(httpx.get(f"{stack.url(port)}/metrics").text) for port in ports]
    assert set().union(*found) == {"locust_request_failures"}


def test_a_counter_that_nothing_moves_is_noticed() -> None:
    text = "# TYPE explained_total counter\n" + "".join(
        f'explained_total{{feature="{name}"}} 0\n' for name in ("island", "sex")
    )
    assert unmoved(text) == {"explained"}
    assert unmoved(text.replace('"sex"} 0', '"sex"} 1')) == set()


def test_every_metric_has_a_reader_and_every_query_a_metric(stack: Stack) -> None:
    assert broken(exported(stack)) == set()


def test_a_renamed_metric_is_noticed(stack: Stack) -> None:
    names = exported(stack)
    families = {n.removesuffix("_bucket") for n in names if n.endswith("_bucket")}
    singles = {n for n in names if not n.endswith(("_bucket", "_count", "_sum"))}
    for name in sorted(families | {n for n in singles if not n.startswith(RUNTIME)}):
        renamed = {n.replace(name, f"{name}_renamed") if n.startswith(name) else n for n in names}
        assert broken(renamed), name


def test_every_alert_names_a_panel_that_exists() -> None:
    titles = {
        (name, panel["title"])
        for name, dashboard in telemetry.dashboards(optional=True).items()
        for panel in telemetry.panels(dashboard)
    }
    alerts = [rule for rule in telemetry.rules(optional=True) if "alert" in rule]
    assert alerts
    for alert in alerts:
        said = alert["annotations"]
        assert (said["dashboard"], said["panel"]) in titles, alert["alert"]
