import gzip
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from app.page import FOLDER, MEDIA_TYPES, File


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "some.js"
    path.write_text("let a = 1;\n" * 100)
    return path


def test_a_file_is_sent_compressed_only_to_who_reads_that(script: Path) -> None:
    plain = File(script).answer(Headers({}))
    packed = File(script).answer(Headers({"accept-encoding": "br, gzip"}))
    assert plain.body == script.read_bytes() == gzip.decompress(bytes(packed.body))
    assert len(packed.body) < len(plain.body)
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"


def test_a_changed_file_has_another_tag(script: Path) -> None:
    tag = File(script).answer(Headers({})).headers["etag"]
    known = Headers({"if-none-match": f'"x", {tag}'})
    assert File(script).answer(known).status_code == 304
    script.write_text("let a = 2;\n")
    assert File(script).answer(known).status_code == 200


def test_the_media_type_is_that_of_the_suffix(script: Path) -> None:
    assert File(script).answer(Headers({})).media_type is None  # no second header
    assert File(script).answer(Headers({})).headers["content-type"].startswith("text/javascript")


def test_each_file_of_the_page_has_a_known_type() -> None:
    assert {path.suffix for path in FOLDER.iterdir()} == set(MEDIA_TYPES)
