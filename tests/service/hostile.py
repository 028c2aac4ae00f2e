"""Requests that nobody should send, made at random, each with what may be answered to it."""

import gzip
import json
import re
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from app.settings import Settings
from support.posts import EXAMPLES
from support.raw import post, post_chunked
from support.sample import CATEGORIES, EXAMPLE, NUMBERS, REQUIRED, outside, row_with

ROW = EXAMPLE
NOT_NUMBERS = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e300", "9" * 400),
    *('"39.1"', "true", "false", "[]", "{}", "[1,2]", '{"a":1}', '"\\u0000"', '"NaN"'),
)
MEDIA_TYPES = (
    "text/plain",
    "",
    "application/x-www-form-urlencoded",
    "application/jsonp",
    "\x80\xff",
)
NUMBERS_IN_JSON = re.compile(r"(?:(?<=[:,] )|(?<=\[))-?\d[\d.eE+-]*(?=[,\]}])")
BODIES = {path: json.dumps(body).encode() for path, body in EXAMPLES.items()}
"""A good body of every route that takes one."""
TOO_MANY = 4 * Settings().max_batch_bytes


class Request(NamedTuple):
    """Bytes to send, statuses allowed, words that the answer must hold; leave: cut off."""

    data: bytes
    statuses: tuple[int, ...]
    named: tuple[str, ...] = ()
    leave: bool = False


def _text(rng: Random, longest: int = 40) -> str:
    return "".join(
        chr(rng.choice((rng.randrange(32, 127), rng.randrange(0xD800))))
        for _ in range(rng.randrange(1, longest))
    )


def a_bad_number(rng: Random) -> Request:
    """Put what is no possible measurement into one field."""
    field, bad = _bad_number(rng)
    return Request(post("/predict", bad), (422,), (field, '"input"'))


def _bad_number(rng: Random) -> tuple[str, bytes]:
    """Return a field, and a row's JSON with what is no possible measurement in it."""
    feature = rng.choice(NUMBERS)
    literal = rng.choice((*NOT_NUMBERS, *outside(feature)))
    return feature.name, row_with(feature.name, literal)


def no_finite_number(rng: Random) -> Request:
    """Put what JSON does not know, or float does not hold, in place of a number, on any route."""
    path, body = rng.choice([*BODIES.items()])
    found = [*NUMBERS_IN_JSON.finditer(body.decode())]
    if not found:
        return no_json(rng)
    start, end = rng.choice(found).span()
    literal = rng.choice(("NaN", "Infinity", "-Infinity", "1e999", "-1e999")).encode()
    return Request(post(path, body[:start] + literal + body[end:]), (422,), ("body", '"input"'))


def a_bad_category(rng: Random) -> Request:
    """Put an unknown word into one field, half of all JSON strings among them."""
    field, word = rng.choice(CATEGORIES).name, json.dumps(_text(rng) + "?")
    return Request(post("/predict", row_with(field, word)), (422,), (field, '"input"'))


def a_row_in_a_batch(rng: Random) -> Request:
    """Hide one bad row among good ones."""
    position, (field, bad) = rng.randrange(50), _bad_number(rng)
    rows = [json.dumps(ROW).encode()] * 50
    rows[position] = bad
    named = (f'"body", {position}, "{field}"', '"input"')
    return Request(post("/predict/batch", b"[%s]" % b",".join(rows)), (422,), named)


def a_missing_field(rng: Random) -> Request:
    """Leave a required field out."""
    field = rng.choice(REQUIRED)
    row = {name: value for name, value in ROW.items() if name != field}
    return Request(post("/predict", json.dumps(row).encode()), (422,), (field, "missing"))


def an_unknown_field(rng: Random) -> Request:
    """Add fields that the schema does not have, at times by the hundred."""
    extra = {f"x{i}{_text(rng, 5)}": 1 for i in range(rng.choice((1, 1, 1, 200)))}
    named = ("x0",) if len(extra) == 1 else (str(len(extra)), '"input"')
    return Request(post("/predict", json.dumps({**ROW, **extra}).encode()), (422,), named)


def a_field_twice(rng: Random) -> Request:
    """Say a key twice; the last one counts, as in JavaScript and Python."""
    field, value = rng.choice([*ROW.items()])
    last, statuses, named = rng.choice(((value, (200,), ()), ("?", (422,), (field,))))
    twice = json.dumps(ROW)[:-1] + f", {json.dumps(field)}: {json.dumps(last)}}}"
    return Request(post("/predict", twice.encode()), statuses, named)


def a_deep_nest(rng: Random) -> Request:
    """Nest arrays or objects 10,000 deep, closed or not."""
    nest = rng.choice((b"[%s]", b'{"a":%s}'))
    left, right = nest.split(b"%s")
    deep = left * 10_000 + right * rng.choice((0, 10_000))
    return Request(post(rng.choice([*BODIES]), deep), (400, 413, 422), ("body",))


def no_json(rng: Random) -> Request:
    """Send half a row, or bytes that are no text."""
    path, whole = rng.choice([*BODIES.items()])
    body = rng.choice(
        (
            whole[: rng.randrange(len(whole))],
            rng.randbytes(50),
            whole + b"}",
            b"\xff" + whole,
            whole.replace(b"e", b"\xc3\x28"),
        )
    )
    return Request(post(path, body), (400, 422), ("body",))


def another_media_type(rng: Random) -> Request:
    """Call JSON something else."""
    media_type = rng.choice(MEDIA_TYPES)
    path, body = rng.choice([*BODIES.items()])
    data = post(path, body, media_type=media_type)
    return Request(data, (415,), ("content-type", media_type if media_type.isascii() else ""))


def another_encoding(rng: Random) -> Request:
    """Send a body compressed, or call it so."""
    path, body = rng.choice([*BODIES.items()])
    encoding = rng.choice(("gzip", "br", "deflate, identity", "x"))
    data = post(path, rng.choice((body, gzip.compress(body))), f"content-encoding: {encoding}")
    return Request(data, (415,), ("content-encoding", encoding))


def too_many_bytes(rng: Random) -> Request:
    """Send four times what may be sent, announced or in chunks."""
    body = b" " * TOO_MANY
    path = rng.choice([*BODIES])
    chunks = [body[: 2**18]] * (TOO_MANY // 2**18)
    data = rng.choice((post(path, body), post_chunked(path, *chunks)))
    return Request(data, (413,), ("body", "limit"))


def too_many_rows(_rng: Random) -> Request:
    """Send one row more than allowed."""
    row = json.dumps(ROW, separators=(",", ":")).encode()
    return Request(
        post("/predict/batch", b"[%s]" % b",".join([row] * 10_001)), (422,), ("10000", "10001")
    )


def cut_off(rng: Random) -> Request:
    """Leave in the middle of a request, however it was announced."""
    path, body = rng.choice([*BODIES.items()])
    chunked = post_chunked(path, body, body, last=rng.choice((b"", b"5\r\nab", b"zz")))
    data = rng.choice((chunked, post(path, body)))
    return Request(data[: rng.randrange(1, len(data))], (), leave=True)


def a_flood_of_headers(rng: Random) -> Request:
    """Send a megabyte of headers."""
    headers = [f"x-{i}: {'a' * rng.randrange(10, 100)}" for i in range(15_000)]
    return Request(post("/predict", b"{}", *headers), (431,), ("head", "65536"))


def no_http(rng: Random) -> Request:
    """Send what is no request, or one that says two things about its length."""
    body = json.dumps(ROW).encode()
    data = rng.choice(
        (
            b"\x16\x03\x01" + rng.randbytes(100) + b"\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            post("/predict", body, "content-length: 3"),
            post("/predict", body, "transfer-encoding: chunked"),
            post("/predict", body).replace(b"content-length: ", b"content-length: -"),
            post_chunked("/predict", body).replace(b"chunked", b"gzip, chunked, x"),
            post_chunked("/predict", last=b"zz\r\n"),
        )
    )
    return Request(data, (400,))


def elsewhere(rng: Random) -> Request:
    """Ask for what is not there."""
    above = ("/../etc/passwd", "/page/../page.py", "/page/%2e%2e%2fpage.py", "/page/")
    almost = (f"{path}{end}" for path in BODIES for end in ("/", "%0a"))
    path = rng.choice((*above, *almost, "/%00", "/%ff", "//", f"/{'a' * 5000}"))
    method = rng.choice(("GET", "POST", "DELETE", "PATCH", "TRACE"))
    return Request(f"{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode(), (404, 405))


KINDS: tuple[Callable[[Random], Request], ...] = (
    *(a_bad_number, no_finite_number, a_row_in_a_batch, a_missing_field, an_unknown_field),
    *([a_bad_category] if CATEGORIES else []),
    *(a_field_twice, a_deep_nest, no_json, another_media_type, another_encoding, cut_off, no_http),
    elsewhere,
)
LARGE_KINDS = (too_many_bytes, too_many_rows, a_flood_of_headers)
LARGE_SHARE = 0.02


def request(rng: Random) -> Request:
    """Return one of any kind; the large ones are rare, or there would be gigabytes."""
    kinds = LARGE_KINDS if rng.random() < LARGE_SHARE else KINDS
    return rng.choice(kinds)(rng)
