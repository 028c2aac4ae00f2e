import gzip

from starlette.datastructures import Headers

from app.page import FOLDER, INDEX, MEDIA_TYPES, File, below

SCRIPT = b"let a = 1;\n" * 100


def test_a_file_is_sent_compressed_only_to_who_reads_that() -> None:
    plain = File("some.js", SCRIPT).answer(Headers({}))
    packed = File("some.js", SCRIPT).answer(Headers({"accept-encoding": "br, gzip"}))
    assert plain.body == SCRIPT == gzip.decompress(bytes(packed.body))
    assert len(packed.body) < len(plain.body)
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"


def test_a_changed_file_has_another_tag() -> None:
    tag = File("some.js", SCRIPT).answer(Headers({})).headers["etag"]
    known = Headers({"if-none-match": f'"x", {tag}'})
    assert File("some.js", SCRIPT).answer(known).status_code == 304
    assert File("some.js", b"let a = 2;\n").answer(known).status_code == 200


def test_the_media_type_is_that_of_the_suffix() -> None:
    answer = File("some.js", SCRIPT).answer(Headers({}))
    assert answer.media_type is None  # no second header
    assert answer.headers["content-type"].startswith("text/javascript")


def test_each_file_of_the_page_has_a_known_type() -> None:
    assert {path.suffix for path in FOLDER.iterdir()} == set(MEDIA_TYPES)


def test_below_a_prefix_every_relative_link_of_the_page_begins_with_it() -> None:
    markup = (FOLDER / INDEX).read_bytes()
    assert below("", markup) == markup
    moved = below("/a/ml", markup)
    relative = markup.count(b'src="') + markup.count(b'href="') - markup.count(b'href="#')
    assert moved.count(b'="/a/ml/') == relative > 0
    assert moved.replace(b'="/a/ml/', b'="') == markup
