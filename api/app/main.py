"""Wiring: the one place that knows all the parts."""

from fastapi import FastAPI

from app.endpoint import Answer, Endpoint
from app.lifecycle import Lifecycle
from app.metrics import HttpMetrics, ModelMetrics, registry
from app.model import Model
from app.page import page_routes
from app.predict import Predict, PredictBatch, Scorer
from app.routes import PREDICT, PREDICT_BATCH, documented, model_routes, operations
from app.service import Service
from app.settings import Settings

EXPOSED_FROM_START = (200, 422, 500, 503)


def create_app(settings: Settings, model: Model) -> Service:
    """Return the ASGI application that serves the model."""
    lifecycle, http = Lifecycle(), HttpMetrics()
    metrics = ModelMetrics(model.card, settings)
    scorer = Scorer(model)

    def endpoint(path: str, answer: Answer, limit: int) -> Endpoint:
        counts = http.route("POST", path, EXPOSED_FROM_START)
        return Endpoint(answer, limit, counts, metrics, lifecycle, settings.log_requests)

    predict = Predict(scorer, metrics, settings.max_queued_rows)
    batch = PredictBatch(scorer, metrics, settings.max_batch_rows, settings.max_queued_batches)
    endpoints = {
        ("POST", PREDICT): endpoint(PREDICT, predict, settings.max_row_bytes),
        ("POST", PREDICT_BATCH): endpoint(PREDICT_BATCH, batch, settings.max_batch_bytes),
    }
    card = model.card
    api = FastAPI(title=card.data.name, version=card.model_version, redirect_slashes=False)
    api.include_router(documented(settings.max_batch_rows))
    api.include_router(model_routes(model.card))
    api.include_router(operations(registry(http, metrics), lifecycle))
    api.include_router(page_routes())
    return Service(api, endpoints, http, lifecycle, settings.log_requests)
