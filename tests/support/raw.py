"""HTTP by the byte, for requests that no client library would send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

JSON = "application/json"


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


def post(path: str, body: bytes, *headers: str, media_type: str = JSON) -> bytes:
    """Return the bytes of a request whose body is announced by its length."""
    lines = [f"POST {path} HTTP/1.1", "host: test", f"content-type: {media_type}", *headers]
    head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""])
    return head.encode("latin-1") + body


def post_chunked(path: str, *chunks: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """Return the bytes of a request whose body comes in chunks; without `last` it is cut off."""
    head = f"POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: {JSON}\r\n"
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head.encode() + b"transfer-encoding: chunked\r\n\r\n" + body + last


class Connection:
    """A connection of one client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, data: bytes) -> Answer | None:
        """Send a request; return its answer, which may come before a large body is gone."""
        self.writer.write(data)
        return await self.answer()

    async def answer(self) -> Answer | None:
        """Return the next answer, None if the server closed the connection instead."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            status_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers = dict(line.lower().split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers["content-length"]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Answer(int(status_line.split()[1]), headers, body)


@asynccontextmanager
async def connected(port: int, *first: bytes) -> AsyncIterator[Connection]:
    """Connect and send the first bytes, if any; leave without a goodbye."""
    connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
    try:
        connection.writer.writelines(first)
        await connection.writer.drain()
        yield connection
    finally:
        connection.writer.transport.abort()
        with suppress(OSError):
            await connection.writer.wait_closed()


async def exchange(port: int, data: bytes) -> Answer | None:
    """Return the answer to a request on a connection of its own."""
    async with connected(port) as connection:
        return await connection.ask(data)
