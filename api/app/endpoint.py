"""A request to a route that takes JSON: head, body, answer or refusal, count."""

import logging
from time import perf_counter

from starlette.types import Receive, Scope, Send

from app.batching import Overloaded
from app.http import (
    CLIENT_GONE,
    INTERNAL_ERROR,
    JSON,
    Disconnected,
    Headers,
    Refusal,
    check_encoding,
    check_media_type,
    read_body,
    read_head,
    send_json,
)
from app.lifecycle import Lifecycle
from app.logs import log_request
from app.metrics import ModelMetrics, RouteCounts
from app.post import Post

logger = logging.getLogger(__name__)

RETRY_AFTER: Headers = [(b"retry-after", b"1")]


class Endpoint:
    """ASGI application of one POST route."""

    def __init__(
        self,
        post: Post,
        counts: RouteCounts,
        metrics: ModelMetrics,
        lifecycle: Lifecycle,
        log_requests: bool,
    ) -> None:
        self._answer = post.answer
        self._limit = post.limit
        self._counts = counts
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._log_requests = log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = perf_counter()
        self._counts.in_progress += 1
        media_type, encoding, length, request_id = read_head(scope["headers"])
        headers = [(b"x-request-id", request_id), *self._lifecycle.closing]
        status = CLIENT_GONE
        try:
            if media_type != JSON:
                check_media_type(media_type)
            if encoding:
                check_encoding(encoding)
            body = await read_body(receive, length, self._limit)
            await send_json(send, 200, await self._answer(body), headers)
            status = 200
        except Disconnected:
            pass
        except (Refusal, Overloaded) as outcome:
            status = await self._refuse(send, outcome, headers)
        except Exception:
            logger.exception("failed", extra={"request_id": request_id.decode()})
            status = await self._refuse(send, INTERNAL_ERROR, headers)
        finally:
            seconds = perf_counter() - started
            self._counts.finished(status, seconds)
            if self._log_requests:
                log_request("POST", scope["path"], status, seconds, request_id)

    async def _refuse(self, send: Send, outcome: Refusal | Overloaded, headers: Headers) -> int:
        """Send the refusal; return its status."""
        if isinstance(outcome, Overloaded):
            outcome = Refusal(503, "too many requests wait already", headers=RETRY_AFTER)
        if outcome.reason:
            self._metrics.rejected(outcome.reason)
        await send_json(send, outcome.status, outcome.body, [*headers, *outcome.headers])
        return outcome.status
