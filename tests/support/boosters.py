"""An environment that has XGBoost and LightGBM, which that of everybody has not."""

import subprocess
import sys
from pathlib import Path

from support.paths import TESTS

LOCK = TESTS / "estimators/boosters.txt"


def install(folder: Path) -> Path:
    """Make the environment in a folder; return its Python, whose version is ours."""
    subprocess.run((sys.executable, "-m", "venv", folder), check=True)
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        (folder / "bin/uv").symlink_to(uv)
    subprocess.run((TESTS / "tools/packages.sh", LOCK, folder), check=True)
    return folder / "bin/python"
