"""Ordinary requests to /predict, answered by their connection.

ASGI costs a scope, a task and two writes for each request, which is most of what a request costs
uvicorn. A request to this route that has arrived whole needs none of them: its row joins the
queue, and head and body of the answer leave in one write.

Everything else is uvicorn's, and goes to the ASGI application as if this class were not there:
other routes and media types, bodies that come in parts or chunks, bodies that are refused, a full
queue, whoever asks that the connection be closed, HTTP/1.0, other origins, requests behind one that
is not answered yet, clients that do not read, and all requests during the drain.
docs/decisions/0010-ordinary-rows-go-past-asgi.md says what this costs and how to remove it.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import NamedTuple

from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.batching import RowQueue
from app.http import CLIENT_GONE, INTERNAL_ERROR, JSON, request_id_of
from app.lifecycle import Lifecycle
from app.logs import log_request
from app.metrics import RouteCounts
from app.schemas import Row

logger = logging.getLogger(__name__)

UNUSUAL = frozenset(
    (
        b"content-encoding",
        b"expect",
        b"origin",
        b"proxy-connection",
        b"transfer-encoding",
        b"upgrade",
    )
)
"""Headers of requests that are left to ASGI."""
HEAD = b"content-type: application/json\r\ncontent-length: %d\r\nx-request-id: %s\r\n"
BEGUN: dict[str, object] = {}
"""Scope of a request whose head is not whole; uvicorn would make a real one for each."""
ANSWERED: dict[str, object] = {}
"""Scope of a connection whose last request needed none."""


class Direct(NamedTuple):
    """The route, as its connections need it."""

    target: bytes
    limit: int
    """Bytes of the largest body."""
    parse: Callable[[bytes], Row]
    queue: RowQueue
    full: ASGIApp
    """Answers a good row for which the queue has no room."""
    headers: bytes
    """What a middleware and uvicorn add to the head of each answer."""
    counts: RouteCounts
    lifecycle: Lifecycle
    log_requests: bool


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's connection, which answers a whole and ordinary request to one route itself."""

    direct: Direct

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with nothing received and nothing unanswered."""
        super().connection_made(transport)
        self._begun = 0
        self._body: bytes | None = None
        self._named: dict[bytes, bytes] = {}
        self._started = 0.0
        self._waits = False
        self._answered_at = 0.0
        self._idle_clock: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock: it would keep the connection in memory."""
        if self._idle_clock is not None:
            self._idle_clock.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Leave a request to ASGI whose body has not come with its head."""
        super().data_received(data)
        if self._body is not None:
            self._hand_over(self.app)

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._begun += 1
        self.url = b""
        self.headers = []
        self.scope = BEGUN  # type: ignore[assignment]

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Choose who answers."""
        if self.url == self.direct.target and self._is_ordinary():
            self._started = perf_counter()
            self._body = b""
        else:
            self._leave()

    def _is_ordinary(self) -> bool:
        """Tell whether the head asks for nothing that only ASGI's way knows."""
        self._named = named = dict(self.headers)
        return (
            self.parser.get_method() == b"POST"
            and named.get(b"content-type") == JSON
            and UNUSUAL.isdisjoint(named)
            and self.parser.should_keep_alive()
            # HTTP/1.0 can ask to keep the connection; uvicorn does not.
            and (b"connection" not in named or self.parser.get_http_version() == "1.1")
            and self._is_idle()
            and not self.flow.write_paused
            and not self.direct.lifecycle.closing
        )

    def _is_idle(self) -> bool:
        """Tell whether every earlier request of this connection is answered."""
        return not self._waits and (self.cycle is None or self.cycle.response_complete)

    def on_body(self, body: bytes) -> None:
        """Keep it."""
        if self._body is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """Let the row into the queue."""
        if self._body is not None:
            row = self._good_row(self._body)
            if row is None:
                self._hand_over(self.app)
            elif self.direct.queue.is_full():
                # By the time that a task begins, the queue is empty again.
                self._hand_over(self.direct.full)
            else:
                self._admit(row)
                return
        super().on_message_complete()

    def _good_row(self, body: bytes) -> Row | None:
        """Return the row, or None for a body that ASGI has to tell the fault of."""
        if len(body) > self.direct.limit:
            return None
        try:
            return self.direct.parse(body)
        except Exception:  # noqa: BLE001  # whatever a validator raises, ASGI raises it again
            return None

    def _admit(self, row: Row) -> None:
        """Put the row into the queue."""
        self._body = None
        self.scope = ANSWERED  # type: ignore[assignment]
        self._waits = True
        self.direct.counts.in_progress += 1
        request_id = request_id_of(self._named)
        self.direct.queue.put(row, partial(self._answer, self._started, request_id))

    def _answer(self, started: float, request_id: bytes, answer: bytes | Exception) -> None:
        """Write the answer and count it."""
        status = 200
        if isinstance(answer, Exception):
            logger.error("failed", exc_info=answer, extra={"request_id": request_id.decode()})
            status, answer = INTERNAL_ERROR.status, INTERNAL_ERROR.body
        if self.transport.is_closing():
            status = CLIENT_GONE
        else:
            head = STATUS_LINE[status] + HEAD % (len(answer), request_id) + self.direct.headers
            self.transport.write(b"%s\r\n%s" % (head, answer))
        self._answered_at = perf_counter()
        seconds = self._answered_at - started
        self.direct.counts.finished(status, seconds)
        if self.direct.log_requests:
            path = self.direct.target.decode()
            log_request("POST", path, status, seconds, request_id)
        self.server_state.total_requests += 1
        self._waits = False
        if self._idle_clock is None:
            self._idle_clock = self.loop.call_later(self.timeout_keep_alive, self._leave_idle)

    def _leave_idle(self) -> None:
        """Close the connection if nothing has come since the last answer, as uvicorn would.

        It sets a clock at each answer and stops it at the next request, which would cost a
        twentieth of a request; this one goes on.
        """
        self._idle_clock = None
        if self.scope is not ANSWERED or self._waits:
            return  # it has another clock
        left = self._answered_at + self.timeout_keep_alive - perf_counter()
        if left > 0:
            self._idle_clock = self.loop.call_later(left, self._leave_idle)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Close an idle connection, and one that waits for the queue when it has its answer."""
        if self._waits:
            self.loop.call_soon(self.shutdown)  # the queue's turn comes before
        else:
            super().shutdown()

    def _hand_over(self, app: ASGIApp) -> None:
        """Give an ASGI application what was kept of a request."""
        body, self._body = self._body, None
        usual, self.app = self.app, app
        self._leave()
        self.app = usual
        super().on_body(body or b"")

    def _leave(self) -> None:
        """Do now what uvicorn does when a head begins, and what it does when that is whole."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()
