"""What a headless run of Locust finds out about a service, and what it ends with."""

import re
import socket
from math import inf, nan
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import pytest

from app.features import CLASS_NAMES, CLASSES, TARGET
from load.headless import ENOUGH, HURRY, Run
from support.fake_service import RIGHT, Answer, imitating, rows_of, to_each
from support.ports import free_port
from support.service import Process, scrape, serving, value
from support.waiting import wait_until

# A second locustfile: adds a user that is broken.
BROKEN = """import locust
class Broken(locust.User):
    wait_time = locust.constant(1)
    @locust.task
    def ask(self): 1 / 0
"""
ONLY_PREDICT = ("--tags", "predict")
"""The tasks that a service which is imitated knows; another route's would fail."""
Wrong = list[tuple[Any, str]]
"""Answers, and how each is quoted."""


def wrong_classes() -> Wrong:
    certain, (first, second) = RIGHT["probabilities"], CLASSES[:2]
    name = CLASS_NAMES[0]

    def of(probabilities: dict[str, float]) -> dict[str, Any]:
        return {**RIGHT, "probabilities": probabilities}

    return [
        ({**RIGHT, TARGET: second}, f"{TARGET}: {second!r}, but {first!r} is more probable"),
        (of({**certain, name: 0.9}), "probabilities: they add up to 0.9"),
        (of({**certain, name: nan}), "probabilities: they add up to nan"),
        (of({name: 1}), f"probabilities: of [{name!r}], not of the classes"),
    ]


def wrong_values() -> Wrong:
    literals = (nan, inf, True, None, "1", 10**400)
    return [({**RIGHT, TARGET: v}, f"{TARGET}: {v!r:.200} is no finite number") for v in literals]


WRONG: Wrong = [
    *(wrong_classes() if CLASSES else wrong_values()),
    ({**RIGHT, "model_version": "x"}, "model_version: 'x', but /model/holdout knows ['first']"),
    ([], "no model_version in []"),
    ("<html>", "not JSON: '<html>'"),
    ("", "not JSON: ''"),
]


@pytest.fixture(scope="module")
def holdout(client: httpx.Client) -> Answer:
    return rows_of(client)


@pytest.mark.by_data
def test_a_run_within_the_thresholds_ends_with_0(service: Process, tmp_path: Path) -> None:
    run = Run(tmp_path, service.url, "--users", "5", "--spawn-rate", "5", extra="").end()
    assert (run.code, run.total("num_failures")) == (0, 0)
    assert run.total("num_requests") >= 5
    assert "threshold" not in run.log


@pytest.mark.by_data
def test_a_slash_at_the_end_of_the_host_is_no_part_of_it(service: Process, tmp_path: Path) -> None:
    run = Run(tmp_path, f"{service.url}/").end()
    assert (run.code, run.total("num_failures")) == (0, 0)
    assert run.total("num_requests") > 0


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "http//127.0.0.1", ""])
def test_a_host_that_is_no_url_ends_the_start_with_2_and_one_line(
    tmp_path: Path, host: str
) -> None:
    run = Run(tmp_path, host).end()
    assert run.code == 2
    said = f"--host: {host!r} is not a URL such as http://127.0.0.1:8000\n"
    assert run.log.endswith(said)
    assert "Traceback" not in run.log


def test_a_slow_run_ends_with_1_and_says_by_how_much(holdout: Answer, tmp_path: Path) -> None:
    def answer(_n: int, sent: Any) -> Any:
        sleep(0.02)
        return to_each(sent, RIGHT)

    with imitating(holdout, answer) as (url, _):
        run = Run(tmp_path, url, "--max-p95-ms", "15.5").end()
    assert run.code == 1
    found = re.search(r"threshold: p95 (\d+) ms > --max-p95-ms 15\.5\n", run.log)
    assert found
    assert int(found[1]) >= 20


def test_refused_rows_end_the_run_with_1_and_their_share(tmp_path: Path) -> None:
    with serving(max_row_bytes=1, max_batch_bytes=1) as refusing:
        run = Run(tmp_path, refusing.url, "--max-fail-ratio", "0.25").end()
    share = run.total("num_failures") / run.total("num_requests")
    assert run.code == 1
    assert f"threshold: fail ratio {share:.4f} > --max-fail-ratio 0.25\n" in run.log


def test_where_nothing_listens_every_request_counts_as_failed(tmp_path: Path) -> None:
    run = Run(tmp_path, f"http://127.0.0.1:{free_port()}").end()
    assert run.code == 1
    assert "threshold: fail ratio 1.0000 > --max-fail-ratio 0.01\n" in run.log


def test_a_run_without_a_request_ends_with_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        run = Run(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}").end()
    assert run.code == 1
    assert "threshold: no request was sent\n" in run.log


def sent(metrics: httpx.Client) -> float:
    """Return how many requests a run has sent, 0 while its metrics do not listen."""
    try:
        return value(scrape(metrics), "locust_requests_total")
    except httpx.ConnectError:
        return 0


def test_a_run_that_is_terminated_ends_with_its_report_and_verdict(
    service: Process, tmp_path: Path
) -> None:
    run = Run(tmp_path, service.url, "--run-time", "60s")
    with httpx.Client(base_url=f"http://127.0.0.1:{run.port}") as metrics:
        wait_until("ten requests", lambda: sent(metrics) > 10)
    run.process.terminate()
    assert run.end().code == 0
    assert run.total("num_requests") >= 10


def test_a_broken_user_ends_the_run_with_1(service: Process, tmp_path: Path) -> None:
    run = Run(tmp_path, service.url, "--users", "2", "--spawn-rate", "2", extra=BROKEN).end()
    assert run.code == 1
    assert "threshold: 1 kinds of exceptions in users\n" in run.log


@pytest.mark.parametrize(
    ("option", "text", "error"),
    [("--max-p95-ms", "fast", "invalid number value: 'fast'"),
     ("--max-p95-ms", "nan", "'nan' is not between 0 and inf"),
     ("--max-fail-ratio", "5", "'5' is not between 0 and 1")],
)  # fmt: skip
def test_a_threshold_that_means_nothing_is_named(
    option: str, text: str, error: str, tmp_path: Path
) -> None:
    run = Run(tmp_path, "http://127.0.0.1:1", option, text).end()
    assert run.code == 2
    assert f"{option}: {error}" in run.log


@pytest.mark.by_data
def test_every_wrong_answer_fails_its_request_and_is_quoted(
    holdout: Answer, tmp_path: Path
) -> None:
    def answer(n: int, sent: Any) -> Any:
        return to_each(sent, WRONG[n % len(WRONG)][0])

    with imitating(holdout, answer) as (url, _):
        run = Run(tmp_path, url).end()
    assert run.stats.pop("/model/holdout")["num_failures"] == 0
    assert run.total("num_failures") == run.total("num_requests") > 0
    for _, message in WRONG:
        assert message in run.log


@pytest.mark.by_data
def test_a_model_that_is_right_less_often_than_in_training_fails_the_run(
    holdout: Answer, tmp_path: Path
) -> None:
    def good(n: int, sent: Any) -> Any:
        return {**holdout(n, sent), "correct": 0.97}

    extra = HURRY + ENOUGH.format(requests=300)  # a tenth of them batches, so of more rows
    with imitating(good, lambda _, sent: to_each(sent, RIGHT)) as (url, _):
        run = Run(tmp_path, url, "--run-time", "60s", extra=extra).end()
    assert run.code == 1
    assert re.search(r"\d+% of 200 held-out rows are answered correctly, not 97%", run.log)


def test_a_new_model_in_the_middle_fails_nothing(holdout: Answer, tmp_path: Path) -> None:
    def version(n: int) -> dict[str, str]:
        return {"model_version": "first" if n < 15 else "second"}

    with imitating(
        lambda n, _: {**holdout(n, None), **version(n)},
        lambda n, sent: to_each(sent, {**RIGHT, **version(n)}),
    ) as (url, posts):
        run = Run(tmp_path, url, *ONLY_PREDICT).end()
    assert posts.total() > 15
    assert (run.code, run.total("num_failures")) == (0, 0)
    assert run.stats["/model/holdout"]["num_requests"] == 2


def test_a_user_takes_a_new_connection_every_ten_requests(holdout: Answer, tmp_path: Path) -> None:
    with imitating(holdout, lambda _, sent: to_each(sent, RIGHT)) as (url, posts):
        run = Run(tmp_path, url, *ONLY_PREDICT).end()
    first, *others, last = posts.values()
    assert run.total("num_failures") == 0
    assert others
    assert set(others) == {10}
    assert max(first, last) <= 10
