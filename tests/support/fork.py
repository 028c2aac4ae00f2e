"""A temporary copy of the repository with another data set."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from support.paths import ROOT

DATASETS = ROOT / "tests/datasets"
SCHEMA, TRAINING = "api/app/schemas.py", "api/train_model.py"
OURS = {SCHEMA, TRAINING}
"""The files that are the owner's."""

PYTHON = shlex.quote(sys.executable)
"""This Python in a command of bash, whatever its folder is called."""

STAMPS = ("test", "train", "node", "prometheus", "alertmanager", "kustomize", "chromium")


def tracked() -> list[str]:
    """Return the files of this repository; those that Git ignores stay behind."""
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    done = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


class Fork:
    """A copy in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for file in tracked():
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target)
        self._link_environment()

    def take(self, name: str) -> None:
        """Put the two files of a data set in the place of the penguins'."""
        for file in OURS:
            shutil.copy2(DATASETS / name / Path(file).name, self.folder / file)

    def _link_environment(self) -> None:
        """Use this environment's packages; make must not install them anew, nor write there."""
        own = self.folder / ".venv"
        own.mkdir()
        for entry in ("bin", "lib", "pyvenv.cfg"):
            (own / entry).symlink_to(Path(sys.prefix) / entry)
        modules = Path("tests/node/node_modules")
        (self.folder / modules).symlink_to(ROOT / modules)
        for stamp in STAMPS:
            (own / f"{stamp}.stamp").touch()

    def environment(self, **variables: str) -> dict[str, str]:
        """Return this process' environment without what make and a test run put into it."""
        foreign = ("MAKE", "MFLAGS", "PYTEST_", "SERVING_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        return {**kept, **variables}

    def run(self, command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of bash in the folder."""
        return subprocess.run(
            ("/bin/bash", "-c", command), cwd=self.folder, env=self.environment(**variables),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
        )  # fmt: skip

    def changed(self) -> set[str]:
        """Return the files that differ from this repository's; others may have come."""
        return {
            file for file in tracked()
            if (self.folder / file).read_bytes() != (ROOT / file).read_bytes()
        }  # fmt: skip
