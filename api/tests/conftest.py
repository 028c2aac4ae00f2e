import shutil
from pathlib import Path

import pytest

from app.settings import Settings


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return an artifact to spoil, or one that must survive what fails."""
    return Path(shutil.copytree(Settings().model_dir, tmp_path / "model"))
