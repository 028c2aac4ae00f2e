"""A reverse proxy that takes a prefix off the path, as an ingress does."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue

from support.service import Process

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@contextmanager
def stripping(prefix: str, service: Process, *headers: str) -> Iterator[str]:
    """Run a proxy until the block ends; yield its URL, below which the prefix is all there is.

    It adds the headers to each request that it hands on.
    """

    async def handed_on(head: str, reader: asyncio.StreamReader) -> bytes:
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        method, path, version = first.split(" ")
        if not f"{path}/".startswith(f"{prefix}/"):
            return NOT_FOUND
        named = dict(line.lower().split(": ", 1) for line in lines)
        body = await reader.readexactly(int(named.get("content-length", 0)))
        kept = [line for line in lines if not line.lower().startswith("connection:")]
        first = f"{method} {path.removeprefix(prefix) or '/'} {version}"
        head = "\r\n".join([first, *kept, *headers, "connection: close", "", ""])
        answer, request = await asyncio.open_connection("127.0.0.1", service.port)
        try:
            request.write(head.encode("latin-1") + body)
            return await answer.read()
        finally:  # when it is cancelled, too
            request.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await handed_on(head.decode("latin-1"), reader))
                await writer.drain()
        finally:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        stopped = asyncio.Event()
        port = server.sockets[0].getsockname()[1]
        started.put((port, asyncio.get_running_loop(), stopped))
        await stopped.wait()
        server.close()
        await asyncio.sleep(0)  # what was accepted last begins, or nobody would close it

    started: SimpleQueue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = SimpleQueue()
    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    port, loop, stopped = started.get(timeout=30)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
