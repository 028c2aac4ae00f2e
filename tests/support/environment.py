"""Virtual environments beside the one that everybody has."""

import shutil
import subprocess
import sys
from pathlib import Path

from support.paths import TESTS


def install(lock: Path, folder: Path) -> Path:
    """Return the Python of an environment in a folder that holds what a lock names.

    Its version is ours. One that holds just that is kept, any other made anew. Raises RuntimeError
    with what the installer said last.
    """
    python, holds = folder / "bin/python", folder / "lock.txt"
    if holds.exists() and holds.read_bytes() == lock.read_bytes():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run((sys.executable, "-m", "venv", folder), check=True)
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        (folder / "bin/uv").symlink_to(uv)
    done = subprocess.run(
        (TESTS / "tools/packages.sh", lock, folder), capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{lock.name} cannot be installed: {last_line(done.stderr)}")
    shutil.copy(lock, holds)
    return python


def last_line(text: str) -> str:
    """Return the last line that is not empty, which is where programs say what stopped them."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no word")
