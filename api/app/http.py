"""HTTP by hand, where every microsecond counts: head, body, refusals, answers."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from starlette.types import Receive, Send

Headers = Sequence[tuple[bytes, bytes]]

JSON = b"application/json"

CLIENT_GONE = 499
"""Status counted, never sent, when the client left before its answer; nginx' convention."""

_made = count()
_prefix = os.urandom(6).hex().encode()
_is_request_id = re.compile(rb"[!-~]{1,128}").fullmatch
_is_json = re.compile(rb"\s*application/(?:[!-~]+\+)?json\s*(?:;.*)?", re.IGNORECASE).fullmatch


class Refusal(Exception):
    """A request that is not answered with 200, and why.

    `detail` has the shape of FastAPI's errors; `reason` is the label of
    `model_input_rejected_total`, empty if the input was not at fault.
    """

    def __init__(self, status: int, detail: Any, reason: str = "", headers: Headers = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.body = json.dumps({"detail": detail}).encode()
        self.reason = reason
        self.headers = headers


INTERNAL_ERROR = Refusal(500, "internal error")


class Disconnected(Exception):
    """The client is gone, or was cut off for taking too long; nobody waits for an answer."""


def make_request_id() -> bytes:
    """Return an id that no other request of any process has."""
    return b"%s-%x" % (_prefix, next(_made))


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes | None, int, bytes]:
    """Return media type, content encoding, length in bytes (0 if not announced) and request id."""
    named = dict(headers)
    length = int(named.get(b"content-length", 0))
    encoding = named.get(b"content-encoding")
    return named.get(b"content-type", b""), encoding, length, request_id_of(named)


def request_id_of(named: Mapping[bytes, bytes]) -> bytes:
    """Return the client's id of the request if it is a good one, else a new one."""
    request_id = named.get(b"x-request-id", b"")
    return request_id if _is_request_id(request_id) else make_request_id()


def check_media_type(media_type: bytes) -> None:
    """Raise Refusal 415 unless the body is said to be JSON.

    A web page can post text/plain to another site unasked, but not application/json: the
    check keeps strangers' pages from using a service in the visitor's network.
    """
    if not _is_json(media_type):
        shown = media_type[:100].decode("latin-1")
        raise Refusal(415, f"content-type: expected application/json, got {shown!r}", "media_type")


def check_encoding(encoding: bytes) -> None:
    """Raise Refusal 415 unless the body is sent as it is.

    It is not unpacked: a few bytes would become gigabytes, or the limit would be counted twice.
    """
    if {each.strip() for each in encoding.lower().split(b",")} - {b"", b"identity"}:
        shown = encoding[:100].decode("latin-1")
        detail = f"content-encoding: expected none or identity, got {shown!r}"
        raise Refusal(415, detail, "content_encoding", [(b"accept-encoding", b"identity")])


def _check_length(length: int, limit: int) -> None:
    if length > limit:
        raise Refusal(413, f"body: {length} bytes or more, the limit is {limit}", "too_large")


async def read_body(receive: Receive, length: int, limit: int) -> bytes:
    """Return the whole body. Raises Refusal 413 above `limit` bytes, Disconnected if cut off."""
    _check_length(length, limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts = bytearray(body)  # bytes would be copied anew with every part
        while message.get("more_body") and len(parts) <= limit:
            message = await receive()
            parts += message.get("body", b"")
        body = bytes(parts)
    if message["type"] == "http.disconnect":
        raise Disconnected
    _check_length(len(body), limit)
    return body


async def send_json(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """Send an answer; one that nobody waits for any more goes nowhere."""
    start = [(b"content-type", JSON), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
