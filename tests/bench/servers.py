"""What /predict is compared with; each is started as `uvicorn --factory bench.servers:NAME`."""

from typing import Any

from fastapi import FastAPI

from app.schemas import Prediction, Row
from app.settings import Settings
from bench.scoring import VERSION, Scorer
from support import sample

ANSWER = Prediction.model_validate(sample.prediction(VERSION))


def bare() -> Any:
    """Return an ASGI application with a fixed answer: what uvicorn alone takes."""
    body = ANSWER.model_dump_json().encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def answer(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def noop() -> FastAPI:
    """Return FastAPI with the same schema in and out, and nothing between."""
    api = FastAPI()

    @api.post("/predict")
    async def predict(row: Row) -> Prediction:  # noqa: ARG001  # parsed, as all that is measured
        return ANSWER

    return api


def pipeline() -> FastAPI:
    """Return FastAPI with pandas and the pickled pipeline, as most people write it."""
    score = Scorer(Settings().model_dir)
    api = FastAPI()

    @api.post("/predict")
    def predict(row: Row) -> Prediction:
        (answer,) = score([row])
        return answer

    return api
