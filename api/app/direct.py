"""Ordinary requests to /predict, answered by their connection.

ASGI costs a scope, a task and two writes for each request, which is most of what a request costs
uvicorn. A request to this route that has arrived whole needs none of them: its row joins the
queue, and head and body of the answer leave in one write.

Everything else is uvicorn's, and goes to the ASGI application as if this class were not there:
other routes and media types, bodies that come in parts or chunks, bodies that are refused, a full
queue, whoever asks that the connection be closed, other origins, clients that do not read, and
all requests during the drain. What this costs and how to remove it is told in
docs/decisions/0010-ordinary-rows-go-past-asgi.md.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import NamedTuple

from pydantic import ValidationError
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.batching import RowQueue
from app.http import CLIENT_GONE, INTERNAL_ERROR, JSON, request_id_of
from app.lifecycle import Lifecycle
from app.logs import log_request
from app.metrics import RouteCounts
from app.schemas import Row

logger = logging.getLogger(__name__)

UNUSUAL = frozenset((b"content-encoding", b"expect", b"origin", b"transfer-encoding", b"upgrade"))
"""Headers of requests that are left to ASGI."""
HEAD = b"content-type: application/json\r\ncontent-length: %d\r\nx-request-id: %s\r\n\r\n%s"
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
    counts: RouteCounts
    lifecycle: Lifecycle
    log_requests: bool


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's connection, which answers a whole and ordinary request to one route itself."""

    direct: Direct

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with nothing received and nothing unanswered."""
        super().connection_made(transport)
        self._body: bytes | None = None
        self._named: dict[bytes, bytes] = {}
        self._started = 0.0
        self._unanswered = 0

    def data_received(self, data: bytes) -> None:
        """Leave a request to ASGI whose body has not come with its head."""
        super().data_received(data)
        if self._body is not None:
            self._hand_over()

    def on_message_begin(self) -> None:
        """Begin a head."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.scope = BEGUN  # type: ignore[assignment]

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
            and self._asgi_is_idle()
            and not self.flow.write_paused
            and not self.direct.lifecycle.closing
        )

    def _asgi_is_idle(self) -> bool:
        """Tell whether no earlier request of this connection is with ASGI."""
        return self.cycle is None or self.cycle.response_complete

    def on_body(self, body: bytes) -> None:
        """Keep it."""
        if self._body is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """Let the row into the queue."""
        if self._body is not None:
            if self._admitted(self._body):
                self._body = None
                return
            self._hand_over()
        super().on_message_complete()

    def _admitted(self, body: bytes) -> bool:
        """Tell whether it is a good row, and there was room for it."""
        direct = self.direct
        if direct.queue.is_full() or len(body) > direct.limit:
            return False
        try:
            row = direct.parse(body)
        except ValidationError:
            return False
        self.scope = ANSWERED  # type: ignore[assignment]
        self._unanswered += 1
        direct.counts.in_progress += 1
        direct.queue.put(row, partial(self._answer, self._started, request_id_of(self._named)))
        return True

    def _answer(self, started: float, request_id: bytes, answer: bytes | Exception) -> None:
        """Write the answer and count it."""
        status = 200
        if isinstance(answer, Exception):
            logger.error("failed", exc_info=answer, extra={"request_id": request_id.decode()})
            status, answer = INTERNAL_ERROR.status, INTERNAL_ERROR.body
        if self.transport.is_closing():
            status = CLIENT_GONE
        else:
            head = HEAD % (len(answer), request_id, answer)
            self.transport.write(STATUS_LINE[status] + head)
        seconds = perf_counter() - started
        self.direct.counts.finished(status, seconds)
        if self.direct.log_requests:
            path = self.direct.target.decode()
            log_request("POST", path, status, seconds, request_id)
        self.server_state.total_requests += 1
        self._unanswered -= 1
        if not self._unanswered and status != CLIENT_GONE and self._asgi_is_idle():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def shutdown(self) -> None:
        """Close an idle connection, and one that waits for the queue when it has its answers."""
        if self._unanswered:
            self.loop.call_soon(self.shutdown)  # the queue's turn comes before
        else:
            super().shutdown()

    def _hand_over(self) -> None:
        """Give ASGI what was kept of a request."""
        body, self._body = self._body, None
        self._leave()
        super().on_body(body or b"")

    def _leave(self) -> None:
        """Do now what uvicorn does when a head begins, and what it does when that is whole."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers  # the list that the scope has
        super().on_headers_complete()
