"""The tests whose outcome depends on the data, run in a copy that has other data."""

import sys

from support.fork import OURS, Fork


def passes(fork: Fork) -> None:
    """Run them in the copy; of sockets, signals and workers the data changes nothing."""
    # Two workers: the one with the stack of processes waits most of the time.
    command = f"{sys.executable} -m pytest -q -p no:cacheprovider -n 2 -m by_data"
    # A tenth of the hostile requests: their kinds are the same for any data.
    done = fork.run(command, HOSTILE_REQUESTS="1000")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert " 3 skipped" in done.stdout.splitlines()[-1]  # those of the penguins
    assert fork.changed() == OURS
