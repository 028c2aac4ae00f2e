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
