"""The ASGI application: the routes that take a body, and FastAPI for the others."""

from collections.abc import Awaitable, Mapping
from time import perf_counter

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.direct import Direct
from app.http import read_head
from app.lifecycle import Lifecycle
from app.logs import log_request
from app.metrics import HttpMetrics, RouteCounts

UNMATCHED = "__unmatched__"
ALLOW_GET = (b"allow", b"GET")
ALLOW_GET_AND_HEAD = (b"allow", b"GET, HEAD")
METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))


class Dispatcher:
    """Dispatches by method and path; counts and logs what FastAPI answers."""

    def __init__(
        self,
        api: FastAPI,
        others: ASGIApp,
        endpoints: Mapping[tuple[str, str], ASGIApp],
        direct: Direct,
        metrics: HttpMetrics,
        lifecycle: Lifecycle,
        log_requests: bool,
    ) -> None:
        self.api = api
        self._others = others
        self.endpoints = endpoints
        self.direct = direct
        self.lifecycle = lifecycle
        self._metrics = metrics
        self._log_requests = log_requests
        self._routes = [(r.path_regex, str(r.path)) for r in iter_route_contexts(api.routes)]

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request; there are no websockets and no lifespan here."""
        endpoint = self.endpoints.get((scope["method"], scope["path"]), self._observed)
        return endpoint(scope, receive, send)

    def _counts(self, scope: Scope) -> RouteCounts:
        """Return the request's counts; a path that a stranger made up never becomes a label."""
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        path = scope["path"]
        handler = next((route for pattern, route in self._routes if pattern.match(path)), UNMATCHED)
        return self._metrics.route(method, handler)

    async def _observed(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        counts = self._counts(scope)
        counts.in_progress += 1
        *_, request_id = read_head(scope["headers"])
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(b"x-request-id", request_id), *self.lifecycle.closing]
                answered = [ALLOW_GET_AND_HEAD if h == ALLOW_GET else h for h in message["headers"]]
                message["headers"] = [*answered, *own]
            await send(message)

        # FastAPI routes know no HEAD. As a GET it gets the same head, and uvicorn, which goes by
        # its own scope, sends no body.
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self._others(asked, receive, send_with_headers)
        finally:
            seconds = perf_counter() - started
            counts.finished(status, seconds)
            if self._log_requests:
                log_request(scope["method"], scope["path"], status, seconds, request_id)
