"""What surrounds rows and predictions in the bodies of requests and answers."""

from pydantic import BaseModel

from app.schemas import Prediction


class Predictions(BaseModel):
    """Predictions in the order of the rows."""

    predictions: list[Prediction]


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str
