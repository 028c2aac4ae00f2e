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


def test_origins_are_a_list_in_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().cors_origins == ()
    for text, origins in (
        ("", ()),
        ("*", ("*",)),
        (
            "https://a.example, http://localhost:3000,",
            ("https://a.example", "http://localhost:3000"),
        ),
        ("http://[::1]:8080", ("http://[::1]:8080",)),
    ):
        monkeypatch.setenv("SERVING_CORS_ORIGINS", text)
        assert Settings().cors_origins == origins


@pytest.mark.parametrize(
    "text",
    [
        *("example.org", "https://example.org/", "https://Example.org", "https://example.org/a"),
        *("https://example.org:443", "http://example.org:80", "null", "https://*.example.org"),
        "https://a.example https://b.example",
    ],
)
def test_what_no_browser_sends_as_an_origin_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SERVING_CORS_ORIGINS", f"https://good.example,{text}")
    with pytest.raises(ValidationError, match=r"scheme, host and unusual port") as caught:
        Settings()
    (error,) = caught.value.errors()
    assert (error["loc"][0], error["input"]) == ("cors_origins", text)


def test_a_prefix_is_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("", "/ml", "/a/b-c/d.e", "/%C3%A9"):
        monkeypatch.setenv("SERVING_ROOT_PATH", text)
        assert Settings().root_path == text
    for text in ("/", "ml", "/ml/", "//ml", "/a b", "/a?b", "https://example.org", '/"'):
        monkeypatch.setenv("SERVING_ROOT_PATH", text)
        with pytest.raises(ValidationError, match="a prefix begins with / and does not end with"):
            Settings()


def test_a_setting_of_nothing_is_shown_as_none() -> None:
    assert Settings.describe().count("(default: none)") == 3


def test_a_release_is_what_a_header_and_a_label_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("", "6d4f9c7b8", "a", "a-1", "a" * 63):
        monkeypatch.setenv("SERVING_RELEASE", text)
        assert Settings().release == text
    for text in ("A", "-a", "a-", "a b", "a.b", "a\n", "a\r\nx: 1", "\u00e9", "a" * 64):
        monkeypatch.setenv("SERVING_RELEASE", text)
        with pytest.raises(ValidationError, match="a release is up to 63 small letters, digits"):
            Settings()
