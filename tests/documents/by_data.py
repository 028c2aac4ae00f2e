"""The tests whose outcome depends on the data, run in a copy that has other data."""

from collections.abc import Iterable

from support.fork import OURS, PYTHON, Fork, tracked
from support.paths import ROOT


def passes(fork: Fork) -> None:
    """Run them in the copy; of sockets, signals and workers the data changes nothing."""
    tests = [name for name in tracked() if name.endswith("_test.py")]
    marked = [name for name in tests if "mark.by_data" in (ROOT / name).read_text()]
    assert " 3 skipped" in last_line(fork, marked)  # those of the penguins


def last_line(fork: Fork, names: Iterable[str]) -> str:
    """Run those of some files, which have to pass; return the line that counts them."""
    options = f"-q -p no:cacheprovider -m by_data {' '.join(names)}"
    done = fork.run(f"{PYTHON} -m pytest {options}")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert fork.changed() == OURS
    return done.stdout.splitlines()[-1]
