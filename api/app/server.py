"""uvicorn with what it lacks: bounds on a request's head and arrival, and a drain on SIGTERM."""

import asyncio
import json
import logging
import signal
import sys
import time
from collections.abc import Sized
from contextlib import suppress
from math import ceil
from types import FrameType

import uvicorn
from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.direct import ANSWERED, DirectProtocol
from app.dispatcher import Dispatcher
from app.settings import Settings

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 5
"""Time at the end for what has just arrived to be answered. With the default settings all of
it, drain included, takes 20 s at most, of the 30 s that Kubernetes gives a pod."""


class Flow(FlowControl):
    """Reads no further while requests wait behind another, however often uvicorn asks for more.

    It asks whenever the application waits for a body. A client that sends on and on and reads no
    answer would fill the memory with requests.
    """

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._requests_waiting = waiting

    def resume_reading(self) -> None:
        """Read on, unless requests wait."""
        if not self._requests_waiting:
            super().resume_reading()


class BoundedProtocol(DirectProtocol):
    """Ends a connection whose client sends or reads too slowly or whose head is too large.

    uvicorn limits none of these: a byte a minute would hold a connection forever, an answer that
    nobody reads would hold its memory, and one endless header would fill the memory.

    It also declines each offer to upgrade by answering the request (RFC 9110, 7.8). The JDK's
    client offers h2c with every request, and httptools takes what follows an offer for another
    protocol: the body would be lost, or be read as the next request.
    """

    settings: Settings

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock of the first request."""
        super().connection_made(transport)
        self.flow = Flow(transport, self.pipeline)
        self._was_whole = True
        self._head_bytes = 0
        self._clock: asyncio.TimerHandle | None = None
        self._writing_clock: asyncio.TimerHandle | None = None
        self._offer_ends = 0
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Parse, and see whether the request is whole."""
        begun, was_whole = self._begun, self._was_whole
        super().data_received(data)
        while self._offer_ends:
            data = self._without_offer(data)
            super().data_received(data)
        if not self._begun:
            return  # blank lines before the first request, whose clock runs
        new = self._begun - begun
        self._was_whole = self._is_whole()
        if self._was_whole:
            if self._clock is not None:
                self._stop_waiting()
            if not new:
                self._stay()
            return
        if new:
            self._stop_waiting()  # what it ran for is whole
        if self.cycle is None or self.cycle.scope is not self.scope:
            # Of a head behind other requests it cannot be told how much has come with them.
            is_alone = not new or (new == 1 and was_whole)
            self._head_bytes += len(data) if is_alone else 0
            if self._head_bytes > self.settings.max_head_bytes:
                self._end(431, f"head: more than {self.settings.max_head_bytes} bytes")
        self._wait()

    def _is_whole(self) -> bool:
        """Tell whether there is no request of which a part is missing."""
        return self.scope is ANSWERED or (
            self.cycle is not None and self.cycle.scope is self.scope and not self.cycle.more_body
        )

    def _stay(self) -> None:
        """Set uvicorn's clock of an idle connection again, which blank lines have stopped."""
        is_asgi_s = self.scope is not ANSWERED
        if is_asgi_s and self._is_idle() and self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _should_upgrade(self) -> bool:
        """Have uvicorn make no request of a head with an offer, but call the method below."""
        return True

    def handle_websocket_upgrade(self) -> None:
        """Keep where the head with the offer ends, counted in what has just been received."""
        stopped = sys.exception()
        if self.scope["method"] == "CONNECT":
            self._end(400, "CONNECT: this is no proxy")
        elif isinstance(stopped, HttpParserUpgrade):
            self._offer_ends = stopped.args[0]

    def _without_offer(self, data: bytes) -> bytes:
        """Return the request without its offer, for a new parser, and what came after it."""
        method, version = (self.scope[name].encode() for name in ("method", "http_version"))
        kept = [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        head = [b"%s %s HTTP/%s" % (method, self.url, version), *kept]
        rest, self._offer_ends = data[self._offer_ends :], 0
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        return b"\r\n".join([*head, b"", rest])

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks: they would keep the connection in memory."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start the clock of an answer that is not read."""
        super().pause_writing()
        # close() would wait for the client to read
        self._writing_clock = self.loop.call_later(
            self.settings.request_seconds, self.transport.abort
        )

    def resume_writing(self) -> None:
        """Stop it: the client has read on."""
        super().resume_writing()
        if self._writing_clock is not None:
            self._writing_clock.cancel()
            self._writing_clock = None

    def _wait(self) -> None:
        if self._clock is None:
            self._clock = self.loop.call_later(self.settings.request_seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        self._head_bytes = 0
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _too_slow(self) -> None:
        cycle = self.cycle
        answering = cycle is not None and cycle.response_started and not cycle.response_complete
        if not self._begun or answering:
            self.transport.close()
        else:
            self._end(408, f"request: not whole after {self.settings.request_seconds:g} s")

    def _end(self, status: int, detail: str) -> None:
        body = json.dumps({"detail": detail}).encode()
        usual = b"".join(b"%s: %s\r\n" % header for header in self.server_state.default_headers)
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + usual + head % len(body) + body)
        self.transport.close()


class DrainingServer(uvicorn.Server):
    """Serves on for a while after SIGTERM, not ready, and only then shuts down.

    Kubernetes takes a pod out of its Services at the same time as it sends SIGTERM: until that
    has reached every node, new requests still come in.
    """

    def __init__(self, config: uvicorn.Config, service: Dispatcher, drain_seconds: float) -> None:
        super().__init__(config)
        self._service = service
        self._drain_seconds = drain_seconds
        self._stop_at: float | None = None
        self._told = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain on the first SIGTERM; stop immediately on Ctrl-C or a second signal.

        Nothing is logged here: a signal may come while a line is being written, and a stream that
        is entered twice raises. The signal would be lost, and the pod killed with its requests.
        """
        if sig == signal.SIGTERM and self._stop_at is None:
            self._service.lifecycle.drain()
            self._stop_at = time.monotonic() + self._drain_seconds
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Say that the drain has begun, and stop when it is over."""
        if self._stop_at is not None and not self._told:
            logger.info("draining for %g s", self._drain_seconds)
            self._told = True
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            self.should_exit = True
        return await super().on_tick(counter)


def serve(service: Dispatcher, settings: Settings) -> None:
    """Serve until told to stop. Exits with 3 if the port cannot be had."""
    protocol = type(
        "Protocol", (BoundedProtocol,), {"settings": settings, "direct": service.direct}
    )
    config = uvicorn.Config(
        service,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=protocol,
        interface="asgi3",  # uvicorn's guess is wrong: `Dispatcher` returns a coroutine
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        # Each costs a microsecond a request or more, and nothing here reads them. A proxy that
        # forwards or caches an answer adds the date where it is missing (RFC 9110, 6.6.1).
        proxy_headers=False,
        headers=settings.headers,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=ceil(settings.request_seconds) + ANSWER_SECONDS,
    )
    # uvicorn raises a Ctrl-C again when it has shut down, for those who embed it.
    with suppress(KeyboardInterrupt):
        DrainingServer(config, service, settings.drain_seconds).run()
