"""The pickled pipeline on pandas, as most people serve it."""

from collections.abc import Sequence
from pathlib import Path

import joblib
from pandas import DataFrame

from app.card import PIPELINE_FILE
from app.features import CLASS_NAMES, CLASSES, TARGET
from app.schemas import Prediction, Row

VERSION = "000000000000"


class Scorer:
    """A trained pipeline. Peers import this where FastAPI and the service's settings are not."""

    def __init__(self, directory: Path) -> None:
        self._model = joblib.load(directory / PIPELINE_FILE)

    def __call__(self, rows: Sequence[Row]) -> list[Prediction]:
        """Return an answer for each row, of one call of the model."""
        frame = DataFrame([row.model_dump() for row in rows])
        if not CLASSES:
            return [_value(float(value)) for value in self._model.predict(frame)]
        return [
            Prediction.model_validate(
                {
                    TARGET: CLASSES[shares.argmax()],
                    "probabilities": dict(zip(CLASS_NAMES, shares, strict=True)),
                    "model_version": VERSION,
                }
            )
            for shares in self._model.predict_proba(frame)
        ]


def _value(value: float) -> Prediction:
    return Prediction.model_validate({TARGET: value, "model_version": VERSION})
