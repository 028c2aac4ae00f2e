"""What Locust's --host and the canary's --url may be."""

import runpy
from argparse import ArgumentTypeError

import pytest

from support.paths import LOADTESTER

ADDRESS = runpy.run_path(str(LOADTESTER / "address.py"))["address"]


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://gateway/ml/", "http://gateway/ml"),
        ("http://gateway/ml//", "http://gateway/ml"),
        ("https://gateway/ml/v1", "https://gateway/ml/v1"),
        ("HTTP://Gateway", "http://Gateway"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("http://you:secret@gateway/", "http://you:secret@gateway"),
    ],
)
def test_paths_can_be_put_after_it(given: str, base: str) -> None:
    assert ADDRESS(given) == base


@pytest.mark.parametrize(
    "given",
    ["", "gateway", "127.0.0.1:8000", "localhost:8000/", "http:gateway", "http:/gateway",
     "http//gateway", "http://", "http:///ml", "http://:8000", "ftp://gateway", "http://gate way",
     " http://gateway", "http://gateway\n", "http://gateway:port", "http://gateway:99999",
     "http://gateway:0", "http://[::1", "http://gateway?x=1", "http://gateway/#top"],
)  # fmt: skip
def test_what_is_no_url_is_quoted(given: str) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        ADDRESS(given)
    assert str(caught.value) == f"{given!r} is not a URL such as http://127.0.0.1:8000"
