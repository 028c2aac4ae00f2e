"""What /predict is compared with; each is started as `uvicorn --factory bench.servers:NAME`."""

from typing import Any

import joblib
from fastapi import FastAPI
from pandas import DataFrame

from app.card import PIPELINE_FILE
from app.features import CLASS_NAMES, CLASSES, TARGET
from app.schemas import Prediction, Row
from app.settings import Settings
from support import sample

VERSION = "000000000000"
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
    model = joblib.load(Settings().model_dir / PIPELINE_FILE)
    api = FastAPI()

    @api.post("/predict")
    def predict(row: Row) -> Prediction:
        frame = DataFrame([row.model_dump()])
        if not CLASSES:
            value = float(model.predict(frame)[0])
            return Prediction.model_validate({TARGET: value, "model_version": VERSION})
        answer = model.predict_proba(frame)[0]
        return Prediction.model_validate(
            {
                TARGET: CLASSES[answer.argmax()],
                "probabilities": dict(zip(CLASS_NAMES, answer, strict=True)),
                "model_version": VERSION,
            }
        )

    return api
