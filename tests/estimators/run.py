"""Try every estimator of scikit-learn and write docs/estimators.md, which names the command.

Those of XGBoost and LightGBM too: it makes an environment that has them.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from sklearn.datasets import load_diabetes

from estimators.page import PACKAGES, PAGE, page
from estimators.verdict import Verdict
from support import boosters
from support.fork import Fork
from support.paths import ROOT

VERSIONS = """
import sys
from importlib.metadata import version
print(", ".join(f"{package} {version(package)}" for package in sys.argv[1:]))
"""
DATA = ("penguins", "breast_cancer", "diabetes")


def verdicts(
    data: str, folder: Path, *chosen: str, python: Path = Path(sys.executable)
) -> Iterator[Verdict]:
    """Yield the verdict on each chosen case, on all if none is, in a copy that has the data."""
    fork = Fork(folder)
    if data != "penguins":
        fork.take(data)
    if data == "diabetes":
        frame = load_diabetes(as_frame=True, scaled=False).frame
        file = folder / "api/data/diabetes.csv"
        frame.rename(columns={"target": "progression"}).to_csv(file, index=False)
    command = (str(python), "-W", "ignore", "-m", "estimators.judge", *chosen)
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    with (
        TemporaryFile("w+") as log,
        subprocess.Popen(
            command, cwd=folder / "api", stdout=subprocess.PIPE, stderr=log, text=True,
            env=fork.environment(PYTHONPATH=".:../tests", **threads),
        ) as process,
    ):  # fmt: skip
        for line in process.stdout or ():
            yield Verdict(*json.loads(line))
        if process.wait():
            log.seek(0)
            sys.exit(f"{' '.join(command)}: {log.read()[-2000:]}")


def main() -> None:
    """Judge all cases with each of the data sets, then write."""
    found: list[tuple[str, Verdict]] = []
    with TemporaryDirectory() as environment:
        python = boosters.install(Path(environment))
        for data in DATA:
            with TemporaryDirectory() as folder:
                for verdict in verdicts(data, Path(folder), python=python):
                    found.append((data, verdict))
                    print(f"  {data}: {verdict.case}: {verdict.outcome}", file=sys.stderr)
        asked = (python, "-c", VERSIONS, *PACKAGES)
        versions = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    PAGE.write_text(page(found, versions.strip()))
    print(f"{len(found)} cases: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
