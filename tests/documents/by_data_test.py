from pathlib import Path

from documents import by_data
from support.fork import Fork

WHOLE = 'import pytest\npytest.skip("-", allow_module_level=True)\npytestmark = pytest.mark.by_data'
ONE = "import pytest\n@pytest.mark.by_data\n{mark}\ndef test(): ..."
FILES = {
    "api/tests/whole_test.py": WHOLE,
    "api/tests/one_test.py": ONE.format(mark="@pytest.mark.skip"),
    "api/tests/none_test.py": ONE.format(mark=""),
}


def test_a_file_in_which_a_test_is_skipped_is_named(tmp_path: Path) -> None:
    fork = Fork(tmp_path)
    fork.take("diabetes")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    assert by_data.skipped(fork, FILES) == {"api/tests/whole_test.py", "api/tests/one_test.py"}
