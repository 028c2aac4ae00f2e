"""The arithmetic behind docs/capacity.md."""

import json
from xml.etree import ElementTree

import httpx
import pytest

from app import metrics, schemas
from app.settings import Settings
from bench import capacity, loads, markdown, open_loop, pod
from bench.measure import cpu_seconds, resident_megabytes
from support.raw import post
from support.service import Process, scrape, value

REQUEST = post("/predict", json.dumps(schemas.EXAMPLE).encode())


def point(answered: float, cores: float, p99: float = 1, refused: float = 0) -> loads.Point:
    return loads.Point(answered, answered, refused, 1, 1, p99, cores, 100, 0.1)


def test_a_table_aligns_numbers_and_writes_each_column_in_its_own_format() -> None:
    found = markdown.table(
        {"model": "", "requests/s": ",.0f", "share": ".1%"}, [("a", 1234.5, 0.25), ("b", 9, 1)]
    )
    assert found.splitlines() == [
        "| model | requests/s | share |",
        "| --- | ---: | ---: |",
        "| a | 1,234 | 25.0% |",
        "| b | 9 | 100.0% |",
    ]


def test_filling_a_page_again_leaves_nothing_of_before_and_all_that_stands_around() -> None:
    page = "1\n<!-- measured: a -->\n<!-- end -->\n2\n<!-- measured: b -->\n<!-- end -->\n3\n"
    once = markdown.fill(page, {"a": "A\n", "b": "B\n"})
    assert once == page.replace("a -->\n", "a -->\nA\n").replace("b -->\n", "b -->\nB\n")
    assert markdown.fill(once, {"a": "", "b": ""}) == page
    with pytest.raises(ValueError, match="places"):
        markdown.fill(page, {"a": "A\n"})


def test_the_page_has_a_place_for_each_measurement() -> None:
    assert markdown.places(capacity.PAGE.read_text()) == list(capacity.PLACES)


def test_pods_answer_what_one_does_at_the_aim_and_at_most_within_the_objective() -> None:
    aim, goal = pod.autoscaler(), pod.objective()
    slow, refusing = goal.seconds * 1001, goal.budget * 1.01
    table = loads.pods_table([
        point(1000, aim.cores - 0.25),
        point(3000, aim.cores + 0.25),
        point(4000, aim.cores + 0.3, p99=slow),
        point(5000, aim.cores + 0.3, refused=refusing),
    ])  # fmt: skip
    _, _, first, *_, last = table.splitlines()
    assert first == "| 1 | 2,000 | 3,000 |"
    assert last == f"| {aim.most} | {aim.most * 2000:,} | {aim.most * 3000:,} |"


@pytest.mark.parametrize("more", [-0.01, 0.01])
def test_nothing_is_said_of_the_aim_if_no_load_comes_to_it(more: float) -> None:
    with pytest.raises(RuntimeError, match="busy"):
        loads.pods_table([point(1000, pod.autoscaler().cores + more)])


def test_what_the_manifests_say_of_a_pod_fits_the_service() -> None:
    assert Settings.model_validate(pod.settings()).max_queued_rows < loads.USERS
    assert pod.objective().seconds in metrics.LATENCY
    assert 0 < pod.autoscaler().cores < 1


@pytest.mark.alone
def test_cpu_and_memory_are_what_the_service_says_of_itself(
    service: Process, client: httpx.Client
) -> None:
    before = cpu_seconds(service)
    said = scrape(client)
    assert before - 0.01 <= value(said, "process_cpu_seconds_total") <= cpu_seconds(service) + 0.01
    memory = value(said, "process_resident_memory_bytes") / 1e6
    assert resident_megabytes(service) == pytest.approx(memory, rel=0.01)
    assert resident_megabytes(service, "VmHWM") >= memory * 0.99


@pytest.mark.alone
def test_an_open_loop_asks_as_often_as_told_and_counts_the_wait_for_a_connection(
    service: Process,
) -> None:
    read = iter((2.0, 5.0))
    run = open_loop.load(
        service.port, REQUEST, rate=20_000, connections=1, seconds=1, meter=lambda: next(read)
    )
    assert run.wanted > 19_000
    assert run.metered == 3
    # One connection answers a fraction of that, each within milliseconds once it is its turn.
    assert float(sorted(run.seen[200])[len(run.seen[200]) // 2]) > 0.2


def test_the_picture_is_well_formed_and_has_every_point_twice() -> None:
    drawn = ElementTree.fromstring(loads.draw([point(1000, 0.2), point(2000, 0.4)]))  # noqa: S314
    assert len(drawn.findall("{*}circle")) == 4
