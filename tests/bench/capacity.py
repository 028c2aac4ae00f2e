"""Measure what a pod takes and what makes it dearer: the second part of `make bench`.

Writes the tables and the picture of docs/capacity.md; what stands around them is written by hand.
"""

import argparse
import os
import platform
from datetime import date
from pathlib import Path

from app.model import Model
from app.settings import Settings
from bench import limits, loads, sizes
from bench.markdown import fill
from bench.measure import LOAD_CPU, ROUNDS, require
from support.paths import ROOT

PAGE = ROOT / "docs/capacity.md"
PICTURE = ROOT / "docs/pictures/capacity.svg"
PLACES = ("machine", "pods", "loads", "limits", "rows", "models")
"""What of the page is written here, in its order."""


def machine() -> str:
    """Return on what it is measured, when, of which model, and how busy the machine is before."""
    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next(line.partition(": ")[2] for line in cpus if line.startswith("model name"))
    card = Model.load(Settings().model_dir).card
    return (
        f"{date.today()}: {cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; model {card.model_version} ({card.estimator}); "
        f"load average before {os.getloadavg()[0]:.2f}"
    )


def main() -> None:
    """Measure all of it, then write."""
    parser = argparse.ArgumentParser(description="Measure a pod; write docs/capacity.md.")
    parser.add_argument("--seconds", type=int, default=3, help="of each round (%(default)s)")
    seconds = parser.parse_args().seconds
    require("wrk", "taskset")
    before = machine()
    os.sched_setaffinity(0, {LOAD_CPU})
    points = loads.measure(seconds)
    took = max(point.load_cores for point in points)
    blocks = (
        f"{before}; medians of {ROUNDS} rounds of {seconds} s; the load itself took {took:.0%} "
        "of another core at most.\n",
        loads.pods_table(points),
        loads.loads_table(points),
        limits.limits_table(points, seconds),
        sizes.rows_table(seconds),
        sizes.models_table(seconds),
    )
    PAGE.write_text(fill(PAGE.read_text(), dict(zip(PLACES, blocks, strict=True))))
    PICTURE.write_text(loads.draw(points))
    print("\n".join(blocks))


if __name__ == "__main__":
    main()
