"""Other data in two files, thirty numbers and no category: tests by data hold for it."""

from pathlib import Path

import pytest

from documents import by_data
from support.fork import Fork

pytestmark = pytest.mark.first

WITHOUT = (
    *(f"api/tests/{name}_test.py" for name in ("candidates", "command", "export", "train_model")),
    "tests/load/",
)
"""Training and load are alike however many columns there are: they run with another table."""


def test_breast_cancer_passes_with_thirty_numbers_and_no_category(tmp_path: Path) -> None:
    fork = Fork(tmp_path)
    fork.take("breast_cancer")
    done = fork.run(".venv/bin/python api/train_model.py")
    assert done.returncode == 0, done.stderr
    by_data.passes(fork, WITHOUT)
