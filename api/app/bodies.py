"""What surrounds rows and predictions in the bodies of requests and answers."""

from typing import Any

from pydantic import BaseModel, Field

from app.schemas import Prediction


class Predictions(BaseModel):
    """Predictions in the order of the rows."""

    predictions: list[Prediction]


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str


def batch_length(max_rows: int) -> Any:
    """Return the constraint on a batch's number of rows, for validation and documentation."""
    return Field(min_length=1, max_length=max_rows)
