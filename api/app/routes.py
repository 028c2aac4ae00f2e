"""The GET routes. A route that takes a body is a `Post`: docs/a-route.md."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from app.card import Card, Holdout, ModelCard
from app.lifecycle import Lifecycle


def model_routes(card: Card) -> APIRouter:
    """Return the routes that tell about the model."""
    router = APIRouter(prefix="/model", tags=["model"])
    public = card.public().model_dump_json()
    holdout = Holdout(
        model_version=card.model_version,
        task=card.task,
        target=card.target,
        tolerance=card.metrics.correct.tolerance,
        correct=card.metrics.correct.holdout,
        own_choice=card.serving.own_choice,
        rows=card.holdout,
    ).model_dump_json()

    @router.get("", response_model=ModelCard)
    async def model_card() -> Response:
        """Return what the model was made of, how good it is, and how its features lie."""
        return Response(public, media_type="application/json")

    @router.get("/holdout", response_model=Holdout)
    async def model_holdout() -> Response:
        """Return labelled rows that the model was not fitted on, to try it with."""
        return Response(holdout, media_type="application/json")

    return router


def operations(registry: CollectorRegistry, lifecycle: Lifecycle) -> APIRouter:
    """Return the routes for Kubernetes and Prometheus. None of them ever waits in a queue."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Tell that the process is alive."""
        return {"status": "alive"}

    @router.get("/readyz", responses={503: {"description": "Draining"}})
    async def readyz() -> JSONResponse:
        """Tell whether new requests are welcome."""
        if lifecycle.ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "draining"}, 503)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics(accept: Annotated[str, Header()] = "") -> Response:
        """Return the metrics, as OpenMetrics where the client accepts that."""
        encode, content_type = choose_encoder(accept)
        return Response(encode(registry), headers={"content-type": content_type})

    return router
