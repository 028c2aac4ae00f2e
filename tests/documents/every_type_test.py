"""Other data in two files: ints, bools, Literals of ints, a class of four rows, missing values."""

from pathlib import Path

import pytest

from documents import by_data
from support.fork import Fork

pytestmark = pytest.mark.first

TESTS = (
    *(f"api/tests/{name}_test.py" for name in ("card", "errors", "features", "metrics", "schemas")),
    *(f"tests/service/{name}_test.py" for name in ("drift", "parity", "schema", "smoke")),
    *("tests/api_test.py", "tests/page/form_test.py", "tests/page/live_test.py"),
    "tests/load/canary_test.py",
)
"""Those that a type or a class can break; the others run with the other tables."""


def test_wine_passes_with_every_type_but_text_and_a_class_of_four_rows(tmp_path: Path) -> None:
    fork = Fork(tmp_path)
    fork.take("wine")
    done = fork.run(".venv/bin/python -W error api/train_model.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "fewer than 5 rows to train on: 3 (3);" in done.stdout
    assert by_data.skipped(fork, TESTS) == set()
