from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings


def test_every_setting_is_documented_with_its_default() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"SERVING_{name.upper()}" in Settings.describe()


def test_a_setting_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVING_MODEL_DIR", "/elsewhere")
    assert Settings().model_dir == Path("/elsewhere")


def test_a_bad_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVING_PORT", "65536")
    with pytest.raises(ValidationError, match="65535"):
        Settings()


def test_a_prefix_is_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("", "/ml", "/a/b-c/d.e", "/%C3%A9"):
        monkeypatch.setenv("SERVING_ROOT_PATH", text)
        assert Settings().root_path == text
    for text in ("/", "ml", "/ml/", "//ml", "/a b", "/a?b", "https://example.org", '/"'):
        monkeypatch.setenv("SERVING_ROOT_PATH", text)
        with pytest.raises(ValidationError, match="a prefix begins with / and does not end with"):
            Settings()


def test_a_setting_of_nothing_is_shown_as_none() -> None:
    assert Settings.describe().count("(default: none)") == 1
