"""What the canary counts of two releases, and that neither keeps it from its own rows."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from load.canaries import COMMAND, Found, canary
from support.fake_service import confused, imitating, mislabelled
from support.paths import LOADTESTER
from support.ports import free_port
from support.service import Process, Samples, scrape, serving, value
from support.stack import Deployment
from support.waiting import wait_until

COMPARED = "canary_compared_rows_total"
OUTCOMES = ("correct", "wrong", "error")


@pytest.fixture(scope="module")
def stable() -> Iterator[Process]:
    with serving(release="a") as process:
        yield process


@contextmanager
def comparing(
    folder: Path, stable: str, new: str, rate: str = "20", url: str = ""
) -> Iterator[tuple[Deployment, Found]]:
    """Run the canary, which has a service of its own where it is given the URL of one."""
    options = ("--stable-url", stable, "--new-url", new, "--compare-rate", rate)
    with canary(folder, url or f"http://127.0.0.1:{free_port()}", *options) as running:
        yield running


def rows(found: Found | Samples, **labels: str) -> float:
    return value(found if isinstance(found, dict) else found(), COMPARED, **labels)


def said(running: Deployment) -> str:
    return running.log.read_text()


def right(client: httpx.Client, *more: str) -> tuple[dict[str, Any], Callable[[int, Any], Any]]:
    """Return a real service's holdout, with more classes, and what answers its rows rightly."""
    holdout = client.get("/model/holdout").json()
    labels = {str(each["row"]): each["label"] for each in holdout["rows"]}
    first = holdout["rows"][0]["row"]
    extended = holdout["rows"] + [{"row": first, "label": name} for name in more]
    nothing = dict.fromkeys((*labels.values(), *more), 0)

    def answer(_n: int, row: Any) -> dict[str, Any]:
        label = labels[str(row)]
        told = {holdout["target"]: label, "probabilities": {**nothing, label: 1}}
        return {**told, "model_version": "other"}

    return {**holdout, "rows": extended, "model_version": "other"}, answer


def test_a_model_that_is_wrong_is_wrong_beside_one_that_is_right(
    stable: Process, tmp_path: Path
) -> None:
    with (
        serving(release="b", model_dir=confused(tmp_path / "model")) as new,
        comparing(tmp_path, stable.url, new.url) as (running, found),
    ):
        pair = {"release": "b", "stable_release": "a"}
        wait_until("50 rows", lambda: rows(found, **pair, new="wrong", stable="correct") > 50)
        samples = found()
        assert rows(samples, stable="correct") > 0.8 * rows(samples)
        assert rows(samples, new="correct") < 0.2 * rows(samples)
        told = {
            frozenset(labels - frozenset(pair.items()))
            for name, labels in samples
            if name == COMPARED
        }
        assert told == {
            frozenset((("new", new), ("stable", stable))) for new in OUTCOMES for stable in OUTCOMES
        }
        assert running.close() == 0
    assert "comparing release b with a\n" in said(running)
    last = said(running).splitlines()[-2]
    assert re.search(
        r"compared release b with a: new \d+ correct, \d+ wrong, \d+ error; "
        r"stable \d+ correct, \d+ wrong, \d+ error$",
        last,
    )


def test_the_labels_are_the_stable_release_s(stable: Process, tmp_path: Path) -> None:
    with (
        serving(release="b", model_dir=mislabelled(tmp_path / "model")) as new,
        comparing(tmp_path, stable.url, new.url) as (_, found),
    ):
        wait_until("50 rows", lambda: rows(found, new="correct", stable="correct") > 50)
        assert rows(found, new="wrong", stable="correct") == 0


def test_one_release_is_asked_once_a_second_and_not_counted(tmp_path: Path) -> None:
    with (
        serving(release="a") as service,
        httpx.Client(base_url=service.url) as client,
    ):
        started = time.monotonic()
        with comparing(tmp_path, service.url, service.url, rate="100") as (running, found):

            def asked() -> float:
                return value(scrape(client), "http_requests_total", handler="/predict")

            wait_until("three pairs", lambda: asked() >= 6)
            assert asked() <= 2 * (time.monotonic() - started + 1)
            assert not [name for name, _ in found() if name == COMPARED]
        assert "compar" not in said(running)


def test_it_begins_and_ends_with_the_other_release(stable: Process, tmp_path: Path) -> None:
    port = free_port()
    with comparing(tmp_path, stable.url, f"http://127.0.0.1:{port}") as (running, found):
        with serving(release="b", port=port):
            wait_until("10 rows of b", lambda: rows(found, release="b", new="correct") > 10)
        wait_until("errors of b", lambda: rows(found, release="b", new="error") > 10)
        with serving(release="c", port=port):
            wait_until("10 rows of c", lambda: rows(found, release="c", new="correct") > 10)
        with serving(release="a", port=port):
            wait_until("the end", lambda: "compared release c with a" in said(running))
    told = [
        line.partition(" canary ")[2].partition(":")[0]
        for line in said(running).splitlines()
        if "release" in line
    ]
    assert told == [
        f"{word} release {name} with a" for name in "bc" for word in ("comparing", "compared")
    ]


@pytest.mark.parametrize("side", ["new", "stable"])
def test_a_side_that_hangs_delays_no_pair_and_not_the_canary(
    stable: Process, tmp_path: Path, side: str
) -> None:
    with serving(release="b") as hanging:
        urls = (stable.url, hanging.url) if side == "new" else (hanging.url, stable.url)
        with comparing(tmp_path, *urls, url=stable.url) as (_, found):
            wait_until("10 rows", lambda: rows(found) > 10)
            os.kill(hanging.pid, signal.SIGSTOP)
            wait_until("an error", lambda: rows(found, **{side: "error"}) > 0)
            started, before = time.monotonic(), found()
            wait_until("40 rows", lambda: rows(found) >= rows(before) + 40)
            after, seconds = found(), time.monotonic() - started
            assert seconds < 20  # one after the other, 40 of 2 s each would take 80
            other = {"new": "stable", "stable": "new"}[side]
            assert rows(after, **{other: "error"}) < 0.2 * rows(after)
            own = value(after, "canary_requests_total") - value(before, "canary_requests_total")
            assert own > 5 * seconds


def test_a_side_of_which_nothing_is_known_is_not_counted(stable: Process, tmp_path: Path) -> None:
    port = free_port()
    with comparing(tmp_path, stable.url, f"http://127.0.0.1:{port}") as (running, found):
        wait_until("a complaint", lambda: "ConnectError" in said(running))
        assert rows(found) == 0
        with serving(port=port):
            wait_until("the remedy", lambda: "set SERVING_RELEASE" in said(running))
            assert rows(found) == 0
        with serving(port=port, release="b"):
            wait_until("rows", lambda: rows(found, release="b", new="correct") > 10)
    with comparing(tmp_path, f"http://nobody.invalid:{port}", stable.url) as (running, found):
        wait_until("a complaint", lambda: "stable http://nobody.invalid" in said(running))
        assert rows(found) == 0


def test_rows_that_a_release_refuses_are_its_errors(stable: Process, tmp_path: Path) -> None:
    with (
        serving(release="b", max_row_bytes=2) as new,
        comparing(tmp_path, stable.url, new.url) as (_, found),
    ):
        wait_until("errors", lambda: rows(found, new="error", stable="correct") > 20)
        assert rows(found, new="correct") + rows(found, new="wrong") == 0


def test_a_stable_release_that_refuses_the_rows_of_before_is_asked_for_its_own(
    stable: Process, tmp_path: Path
) -> None:
    port = free_port()
    with comparing(tmp_path, f"http://127.0.0.1:{port}", stable.url) as (_, found):
        with serving(release="b", port=port):
            wait_until("rows", lambda: rows(found, stable="correct") > 0)
        with (
            serving(release="c", port=port, max_row_bytes=2) as other,
            httpx.Client(base_url=other.url) as client,
        ):
            asked = {"handler": "/model/holdout", "status": "200"}
            wait_until("it", lambda: value(scrape(client), "http_requests_total", **asked))


def test_a_model_that_knows_a_class_more_is_right(stable: Process, tmp_path: Path) -> None:
    with httpx.Client(base_url=stable.url) as client:
        holdout, answer = right(client, "another")
    with (
        imitating(lambda _n, _sent: holdout, answer, lambda _n: "b") as (url, _),
        comparing(tmp_path, stable.url, url) as (_, found),
    ):
        wait_until("20 rows", lambda: rows(found, new="correct") > 20)
        assert rows(found, new="wrong") == 0


@pytest.mark.parametrize("body", [[], {}, "<html>", None], ids=["list", "object", "html", "null"])
def test_an_answer_that_breaks_the_contract_is_an_error(
    stable: Process, tmp_path: Path, body: Any
) -> None:
    with httpx.Client(base_url=stable.url) as client:
        holdout, _ = right(client)
    with (
        imitating(lambda _n, _sent: holdout, lambda _n, _sent: body, lambda _n: "b") as (url, _),
        comparing(tmp_path, stable.url, url) as (_, found),
    ):
        wait_until("errors", lambda: rows(found, new="error", stable="correct") > 10)
        assert rows(found, new="correct") + rows(found, new="wrong") == 0


def test_a_target_of_another_name_is_an_error(stable: Process, tmp_path: Path) -> None:
    with httpx.Client(base_url=stable.url) as client:
        holdout, answer = right(client)
    renamed = {**holdout, "target": "kind"}
    with (
        imitating(lambda _n, _sent: renamed, answer, lambda _n: "b") as (url, _),
        comparing(tmp_path, stable.url, url) as (running, found),
    ):
        wait_until("errors", lambda: rows(found, new="error", stable="correct") > 10)
        assert f"target: kind, not {holdout['target']}" in said(running)


def test_a_late_answer_brings_no_release_back(stable: Process, tmp_path: Path) -> None:
    with httpx.Client(base_url=stable.url) as client:
        holdout, at_once = right(client)

    def answer(n: int, row: Any) -> Any:
        time.sleep(1.5 if n == 1 else 0)
        return at_once(n, row)

    with (
        imitating(lambda _n, _s: holdout, answer, lambda n: "b" if n == 1 else "c") as (url, _),
        comparing(tmp_path, stable.url, url) as (running, found),
    ):
        wait_until("rows of c", lambda: rows(found, release="c", new="correct") > 40)
        assert "comparing release c with a" in said(running)
        assert "release b" not in said(running)


def test_only_the_last_releases_are_exported(stable: Process, tmp_path: Path) -> None:
    with httpx.Client(base_url=stable.url) as client:
        holdout, answer = right(client)
    with (
        imitating(lambda _n, _sent: holdout, answer, lambda n: f"b{n // 4}") as (url, posts),
        comparing(tmp_path, stable.url, url, rate="50") as (_, found),
    ):
        wait_until("thirty releases", lambda: posts.total() > 120)
        samples = found()
    series = [name for name, _ in samples if name == COMPARED]
    assert len(series) == 9 * 20


@pytest.mark.parametrize("given", ["--stable-url", "--new-url"])
def test_one_address_alone_ends_the_start_with_2(given: str) -> None:
    done = subprocess.run(
        (*COMMAND, given, "http://there"),
        cwd=LOADTESTER, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    missing = {"--stable-url": "--new-url", "--new-url": "--stable-url"}[given]
    assert done.returncode == 2
    said = f"{missing}: none, but {given} is http://there: give both or none"
    assert done.stderr.splitlines()[-1].endswith(said)


@pytest.mark.parametrize("rate", ["0", "101", "nan"])
def test_a_bad_rate_of_comparison_ends_the_start_with_2(rate: str) -> None:
    env = {**os.environ, "CANARY_COMPARE_RATE": rate}
    done = subprocess.run(
        COMMAND, cwd=LOADTESTER, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    said = f"--compare-rate: {rate} is not between 0 and 100 rows a second"
    assert done.stderr.splitlines()[-1].endswith(said)
