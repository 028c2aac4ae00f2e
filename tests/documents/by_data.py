"""The tests whose outcome depends on the data, run in a copy that has other data."""

import re
from collections.abc import Iterable

from support.fork import OURS, PYTHON, Fork, tracked
from support.paths import ROOT


def passes(fork: Fork, without: tuple[str, ...] = ()) -> None:
    """Run them in the copy, but for those in files whose names begin as said.

    Of sockets, signals and workers the data changes nothing.
    """
    files = [n for n in tracked() if n.endswith("_test.py") and not n.startswith(without)]
    tests = {name: (ROOT / name).read_text() for name in files}
    marked = [name for name, text in tests.items() if "mark.by_data" in text]
    of_penguins = {name for name in marked if "allow_module_level=True" in tests[name]}
    others = skipped(fork, marked) - of_penguins
    assert not others, (
        f"with other data tests were skipped in {sorted(others)}: take off by_data, or have the "
        "whole file skip itself, as tests/service/penguins_test.py does"
    )


def skipped(fork: Fork, names: Iterable[str]) -> set[str]:
    """Run those of some files, which have to pass; return the files in which one was skipped."""
    options = f"-q -p no:cacheprovider -m by_data {' '.join(names)}"
    done = fork.run(f"{PYTHON} -m pytest {options}")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert fork.changed() == OURS
    return set(re.findall(r"(?m)^SKIPPED \[\d+\] (.+?):", done.stdout))
