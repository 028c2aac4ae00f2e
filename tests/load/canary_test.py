"""What the canary counts, and that nothing but a signal ends it."""

import os
import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.card import Card
from app.settings import Settings
from load.canaries import COMMAND, Found, canary
from support.fake_service import imitating, mislabelled, rows_of
from support.paths import LOADTESTER
from support.ports import free_port
from support.service import Process, serving, value
from support.waiting import wait_until

ACCURACY = Card.unseal((Settings().model_dir / "model.json").read_bytes()).metrics.correct.holdout
# By its path: with its folder on sys.path, `import locust` would find locust.py.
HOLDOUT = runpy.run_path(str(LOADTESTER / "holdout.py"))


def rows(found: Found, outcome: str) -> float:
    return value(found(), "canary_requests_total", outcome=outcome)


@pytest.mark.by_data
def test_right_answers_are_counted_as_correct(service: Process, tmp_path: Path) -> None:
    with canary(tmp_path, service.url) as (_, found):
        wait_until("50 rows", lambda: rows(found, "correct") > 50)
        # No sure thing: of a pass, the model may get its errors first.
        assert rows(found, "wrong") < 5 + 2 * (1 - ACCURACY) * rows(found, "correct")
        assert rows(found, "error") == 0


@pytest.mark.by_data
def test_a_pass_through_the_held_out_rows_is_as_correct_as_the_card_says(
    client: httpx.Client,
) -> None:
    holdout = HOLDOUT["Holdout"].parse(client.get(HOLDOUT["PATH"]).json())
    rows = [row for row, _ in holdout.rows]
    answers = client.post("/predict/batch", json=rows).json()["predictions"]
    correct = sum(
        holdout.is_correct(holdout.check(answer), label)
        for answer, (_, label) in zip(answers, holdout.rows, strict=True)
    )
    assert correct / len(rows) == ACCURACY


@pytest.mark.by_data
def test_answers_other_than_the_label_are_counted_as_wrong(tmp_path: Path) -> None:
    model = mislabelled(tmp_path / "model")
    with serving(model_dir=model) as mistaken, canary(tmp_path, mistaken.url) as (_, found):
        wait_until("50 rows", lambda: rows(found, "wrong") > 50)
        assert rows(found, "correct") < 5
        assert rows(found, "error") == 0


@pytest.mark.parametrize(
    ("labels", "right", "names", "wrong"),
    [
        ([True, False], True, ["true", "false"], [1, "true", False, None]),
        ([1, 2], 1, ["1", "2"], [True, "1", 1.0, 2]),
        (["1", "2"], "1", ["1", "2"], [1, "2"]),
    ],
    ids=["bools", "ints", "texts"],
)
def test_a_class_is_right_in_its_own_type_alone(
    labels: list[Any], right: Any, names: list[str], wrong: list[Any]
) -> None:
    rows = [{"row": {}, "label": label} for label in labels]
    body = {"model_version": "1", "target": "kind", "tolerance": None, "rows": rows}
    holdout = HOLDOUT["Holdout"].parse(body)
    shares = dict(zip(names, (0.9, 0.1), strict=True))
    found = holdout.check({"kind": right, "probabilities": shares})
    assert holdout.is_correct(found, labels[0])
    assert not holdout.is_correct(found, labels[1])
    for other in wrong:
        with pytest.raises(HOLDOUT["WrongAnswer"], match="is more probable"):
            holdout.check({"kind": other, "probabilities": shares})


def test_a_service_that_is_down_is_an_error_a_row_until_it_is_up(tmp_path: Path) -> None:
    port = free_port()
    with canary(tmp_path, f"http://127.0.0.1:{port}") as (running, found):
        started = running.process
        wait_until("errors", lambda: rows(found, "error") > 10)
        assert rows(found, "correct") + rows(found, "wrong") == 0
        with serving(port=port):
            wait_until("answers", lambda: rows(found, "correct") > 10)
        errors = rows(found, "error")
        wait_until("errors again", lambda: rows(found, "error") > errors + 10)
        assert running.process is started


@pytest.mark.parametrize(
    "body",
    [[], {}, "", "<html>", "[" * 100_000, None],
    ids=["list", "object", "empty", "html", "deep", "null"],
)
def test_an_answer_of_any_other_form_is_an_error(
    client: httpx.Client, tmp_path: Path, body: Any
) -> None:
    with imitating(rows_of(client), lambda _n, _sent: body) as (url, _):  # noqa: SIM117
        with canary(tmp_path, url) as (running, found):
            started = running.process
            wait_until("errors", lambda: rows(found, "error") > 10)
            assert running.process is started


def test_all_outcomes_are_exported_from_the_start_and_no_time_of_creation(tmp_path: Path) -> None:
    with canary(tmp_path, f"http://127.0.0.1:{free_port()}", rate="0.01") as (_, found):
        samples = found()
    outcomes = {
        dict(labels)["outcome"]: n
        for (name, labels), n in samples.items()
        if name == "canary_requests_total"
    }
    assert outcomes == {"correct": 0, "wrong": 0, "error": 1}
    assert not [name for name, _ in samples if name.endswith("_created")]


def test_sigterm_ends_it_with_0_and_the_counts_as_its_last_line(
    service: Process, tmp_path: Path
) -> None:
    with canary(tmp_path, service.url) as (running, found):
        wait_until("50 rows", lambda: rows(found, "correct") > 50)
        assert running.close() == 0
    last = running.log.read_text().splitlines()[-1]
    counts = re.search(r"canary ended after (\d+) correct, (\d+) wrong, (\d+) error$", last)
    assert counts
    assert int(counts[1]) > 50


@pytest.mark.parametrize("rate", ["0", "-1", "101", "nan", "fast"])
@pytest.mark.parametrize("given", ["option", "variable"])
def test_a_bad_rate_ends_the_start_with_2_and_is_named(rate: str, given: str) -> None:
    option = ("--rate", rate) if given == "option" else ()
    env = {**os.environ, "CANARY_RATE": "2" if given == "option" else rate}
    done = subprocess.run(
        (*COMMAND, *option), cwd=LOADTESTER, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert "--rate" in done.stderr.splitlines()[-1]
    assert rate in done.stderr.splitlines()[-1]


@pytest.mark.by_data
def test_a_slash_at_the_end_of_the_url_is_no_part_of_it(service: Process, tmp_path: Path) -> None:
    with canary(tmp_path, f"{service.url}/") as (running, found):
        wait_until("rows", lambda: rows(found, "correct") > 5)
        assert f"{service.url} answers" in running.log.read_text()


@pytest.mark.parametrize("url", ["127.0.0.1:8000", ""])
def test_what_is_no_url_ends_the_start_with_2_and_is_quoted(url: str) -> None:
    done = subprocess.run(
        (*COMMAND, "--url", url), cwd=LOADTESTER, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    said = f"argument --url: {url!r} is not a URL such as http://127.0.0.1:8000"
    assert done.stderr.splitlines()[-1].endswith(said)
