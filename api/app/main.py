"""Wiring: the one place that knows all the parts."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from app.direct import Direct
from app.dispatcher import Dispatcher
from app.docs import docs_routes
from app.documented import check_routes, documented
from app.endpoint import Endpoint
from app.lifecycle import Lifecycle
from app.metrics import HttpMetrics, ModelMetrics, registry
from app.model import Model
from app.page import page_routes
from app.post import Make, Parts, Post, made
from app.predict import predict, predict_batch, rows_together
from app.prefix import prefix_of
from app.routes import model_routes, operations
from app.settings import Settings

POSTS: tuple[Make, ...] = ()
"""The routes that take a body, but for those of predict.py; docs/a-route.md adds one."""

EXPOSED_FROM_START = (200, 422, 500, 503)
VARY = b"vary: Origin\r\n"
"""What CORSMiddleware adds to answers of other sites' pages and of all others alike."""


def create_app(settings: Settings, model: Model) -> Dispatcher:
    """Return the ASGI application that serves the model. Raises RouteError for a wrong route."""
    lifecycle, http = Lifecycle(), HttpMetrics()
    metrics = ModelMetrics(model.card, settings)
    exposed = registry(http, metrics)
    parts = Parts(settings, model, exposed, ThreadPoolExecutor(1, "jobs"))
    # These two alone count for drift: rows that another makes up would be taken for traffic.
    rows = rows_together(parts, metrics.scored)
    one, many = predict(parts, rows), predict_batch(parts, metrics.scored)
    posts = [one, many, *made(POSTS, parts)]

    def endpoint(post: Post) -> ASGIApp:
        counts = http.route("POST", post.path, EXPOSED_FROM_START)
        return cors(Endpoint(post, counts, metrics, lifecycle, settings.log_requests), settings)

    endpoints = {("POST", post.path): endpoint(post) for post in posts}
    direct = Direct(
        one.path.encode(),
        one.limit,
        *rows,
        endpoint(replace(one, answer=rows.queue.turn_away)),
        added(settings),
        http.route("POST", one.path),
        lifecycle,
        settings.log_requests,
    )
    card = model.card
    # What it would have at /docs and /openapi.json is in docs.py: it works offline.
    api = FastAPI(
        title=card.data.name, version=card.model_version, redirect_slashes=False, openapi_url=None
    )
    api.include_router(documented(posts))
    api.include_router(model_routes(card))
    api.include_router(operations(exposed, lifecycle))
    prefix = prefix_of(settings)
    api.include_router(page_routes(prefix))
    api.include_router(docs_routes(api, prefix))
    check_routes(api)
    others = cors(api, settings)
    return Dispatcher(api, others, endpoints, direct, http, lifecycle, settings.log_requests)


def added(settings: Settings) -> bytes:
    """Return what ASGI's way adds to the head of each answer to /predict."""
    own = b"".join(f"{name}: {value}\r\n".encode() for name, value in settings.headers)
    return own + VARY if settings.cors_origins else own


def cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Return the application, for pages of the origins in the settings too, if there are any.

    Never with credentials: the service knows none, and a proxy's are not the page's to use.
    """
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "HEAD", "POST"),
        allow_headers=("x-request-id",),
        expose_headers=("retry-after", "x-request-id"),
    )
