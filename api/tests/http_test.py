import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive

from app.http import (
    Disconnected,
    Refusal,
    check_encoding,
    check_media_type,
    read_body,
    read_head,
)


@pytest.mark.parametrize(
    "media_type", [b"application/json; charset=utf-8", b"Application/JSON", b"application/ld+json"]
)
def test_every_spelling_of_json_passes(media_type: bytes) -> None:
    check_media_type(media_type)


@pytest.mark.parametrize("media_type", [b"", b"text/plain", b"application/jsonp", b"json", b"\xff"])
def test_anything_else_is_415_and_shown(media_type: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        check_media_type(media_type)
    assert caught.value.status == 415
    assert b"content-type" in caught.value.body


@pytest.mark.parametrize("encoding", [b"identity", b"IDENTITY ", b"identity, identity", b","])
def test_a_body_as_it_is_passes(encoding: bytes) -> None:
    check_encoding(encoding)


@pytest.mark.parametrize("encoding", [b"gzip", b"identity, br", b"x-identity", b"\xff"])
def test_any_other_encoding_is_415_with_the_one_that_is_taken(encoding: bytes) -> None:
    with pytest.raises(Refusal, match=r"content-encoding: expected none or identity") as caught:
        check_encoding(encoding)
    assert caught.value.status == 415
    assert caught.value.headers == [(b"accept-encoding", b"identity")]


def test_the_head_is_read_or_filled_in() -> None:
    head = [(b"content-length", b"3"), (b"x-request-id", b"me")]
    assert read_head(head) == (b"", None, 3, b"me")
    assert read_head([*head, (b"content-encoding", b"br")])[1] == b"br"
    _, _, length, first = read_head([])
    *_, second = read_head([(b"x-request-id", b"two words")])
    assert length == 0
    assert first != second


def receiving(*messages: Message) -> Receive:
    left: Iterator[Message] = iter(messages)

    async def receive() -> Message:
        return next(left)

    return receive


def part(body: bytes, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_parts_is_joined() -> None:
    receive = receiving(part(b"a", True), part(b"b", True), part(b"c", False))
    assert asyncio.run(read_body(receive, 0, 3)) == b"abc"


def test_reading_stops_at_the_limit() -> None:
    receive = receiving(part(b"aa", True), part(b"bc", True))  # a third call would raise
    with pytest.raises(Refusal, match="4 bytes or more, the limit is 3") as caught:
        asyncio.run(read_body(receive, 0, 3))
    assert caught.value.status == 413


def test_a_client_that_leaves_is_noticed() -> None:
    receive = receiving(part(b"a", True), {"type": "http.disconnect"})
    with pytest.raises(Disconnected):
        asyncio.run(read_body(receive, 0, 3))
