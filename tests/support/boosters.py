"""An environment that has XGBoost and LightGBM, which that of everybody has not."""

from pathlib import Path

from support import environment
from support.paths import TESTS

LOCK = TESTS / "estimators/boosters.txt"
PYTHON = """#!/bin/sh
LD_LIBRARY_PATH="{libraries}" exec "{python}" "$@"
"""


def install(folder: Path) -> Path:
    """Make the environment in a folder; return its Python, whose version is ours."""
    own = environment.install(LOCK, folder)
    # LightGBM asks the system for OpenMP, and not every one has it. scikit-learn brings its own.
    libraries = folder / "openmp"
    libraries.mkdir()
    for bundled in folder.glob("lib/python*/site-packages/scikit_learn.libs/libgomp-*"):
        (libraries / "libgomp.so.1").symlink_to(bundled)
    python = folder / "python"
    python.write_text(PYTHON.format(libraries=libraries, python=own))
    python.chmod(0o755)
    return python
