"""What docs/peers.md stands on; the servers themselves run in `make bench-peers` alone."""

import re
from pathlib import Path

import pytest

from bench import markdown
from bench.measure import Load
from bench.peers import __main__ as peers
from bench.peers.servers import CONTENDERS, LOCKS, locked
from support.paths import API, ROOT

TRAINED_WITH = API / "requirements-sklearn.txt"
LOCKED = sorted(LOCKS.glob("*.txt"))


def run(*loads: Load, failure: str = "") -> peers.Run:
    made = peers.Run(CONTENDERS[0], ROOT)
    made.loads, made.failure = list(loads), failure
    return made


def test_the_page_has_a_place_for_each_measurement_and_names_each_server() -> None:
    page = peers.PAGE.read_text()
    assert markdown.places(page) == list(peers.PLACES)
    for contender in CONTENDERS:
        assert contender.name.split(",")[0].removeprefix("this ") in page


def test_each_peer_has_a_lock_and_no_lock_is_left_over() -> None:
    assert sorted(c.lock for c in CONTENDERS if c.lock) == LOCKED


@pytest.mark.parametrize("lock", LOCKED, ids=lambda lock: lock.stem)
def test_a_lock_has_hashes_and_what_the_pipeline_was_pickled_with(lock: Path) -> None:
    text = lock.read_text()
    packages = re.findall(r"(?m)^[\w.\[\]-]+==.*\n(?: +.*\n)*", text)
    assert packages
    assert all("--hash=sha256:" in package for package in packages)
    for package in ("joblib", "pandas", "scikit-learn"):
        assert locked(package, lock) == locked(package, TRAINED_WITH)


def test_a_ratio_is_the_median_of_those_within_a_round() -> None:
    bare = run(Load(100, 1, 2), Load(200, 1, 2), Load(1000, 1, 2))
    other = run(Load(10, 3, 4), Load(40, 5, 6), Load(300, 7, 8))
    *_, last = peers.peers_table([bare, other]).splitlines()
    assert last.endswith("| 40 | 5.00 | 6.00 | 0.200 |")


def test_a_row_says_why_there_is_no_measurement() -> None:
    bare = run(Load(100, 1, 2))
    *_, last = peers.peers_table([bare, run(Load(1, 1, 1), failure="no wheel")]).splitlines()
    assert last.endswith("| none: no wheel |  |  |  |")
    with pytest.raises(RuntimeError, match="no core"):
        peers.peers_table([run(failure="no core")])
