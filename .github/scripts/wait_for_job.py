"""Wait for another job of the same run of the workflow, and end with 1 unless it succeeds.

A job that `needs` another one starts after it. This lets a job work beside the other, and wait for
its result at the step that must not happen without it.
"""

import json
import os
import sys
import time
from typing import Any
from urllib.request import Request, urlopen

EVERY = 5
"""Seconds between two questions. A run's token has 1,000 an hour, for all runs together."""
LONGEST = 2100
"""Seconds, more than the job tested for may take."""


def jobs() -> list[dict[str, Any]]:
    """Return all jobs of this run, those of earlier attempts too. Raises OSError or ValueError."""
    get = os.environ
    path = f"repos/{get['GITHUB_REPOSITORY']}/actions/runs/{get['GITHUB_RUN_ID']}/jobs"
    url = f"{get['GITHUB_API_URL']}/{path}?filter=all&per_page=100"
    headers = {"Authorization": f"Bearer {get['TOKEN']}", "Accept": "application/vnd.github+json"}
    with urlopen(Request(url, headers=headers), timeout=15) as answer:  # noqa: S310  # GitHub's own
        found: list[dict[str, Any]] = json.load(answer)["jobs"]
        return found


def conclusion(name: str) -> str:
    """Return how the newest job of a name ended, empty while it runs.

    Where only failed jobs run again, a job that succeeded before has no newer attempt.
    """
    newest = max((job for job in jobs() if job["name"] == name), key=lambda job: int(job["id"]))
    return str(newest["conclusion"] or "")


def wait(name: str, seconds: float) -> str:
    """Return how a job ended, or why that is not known after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if ended := conclusion(name):
                return ended
            said = "it still runs"
        except (KeyError, OSError, TypeError, ValueError) as error:
            said = f"GitHub does not say how it ended: {error}"
        if time.monotonic() > deadline:
            return said
        time.sleep(EVERY)


def main() -> int:
    """Wait for the job that the command line names."""
    name = sys.argv[1]
    ended = wait(name, LONGEST)
    if ended == "success":
        print(f"{name}: success")
        return 0
    print(f"::error::{name}: {ended}; nothing is published")
    return 1


if __name__ == "__main__":
    sys.exit(main())
