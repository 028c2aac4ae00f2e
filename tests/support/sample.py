"""Values, rows and predictions of whatever data the schema describes."""

import json
from typing import Any

from app import schemas
from app.features import ANSWER, CLASS_NAMES, CLASSES, FEATURES, TARGET, Feature
from app.schemas import Row

EXAMPLE: dict[str, Any] = schemas.EXAMPLE
NUMBERS = [feature for feature in FEATURES if feature.is_numeric]
CATEGORIES = [feature for feature in FEATURES if not feature.is_numeric]
NUMBER = NUMBERS[0].name
REQUIRED = [name for name, field in Row.model_fields.items() if field.is_required()]
NOTHING = {feature.name: None for feature in FEATURES if feature.nullable}
"""What may be missing, missing."""


def row_with(field: str, literal: str) -> bytes:
    """Return the example's JSON with a literal in place of one field's value."""
    marked = json.dumps({**EXAMPLE, field: "\0"})
    return marked.replace(json.dumps("\0"), literal).encode()


def outside(feature: Feature) -> list[str]:
    """Return numbers that a feature's range leaves out, as JSON writes them."""
    assert feature.minimum is not None
    assert feature.maximum is not None
    return [f"{feature.minimum - 1:g}", f"{feature.maximum + 1:g}"]


def middle() -> float:
    """Return the middle of the target's range."""
    value = ((ANSWER.minimum or 0) + (ANSWER.maximum or 0)) / 2
    return int(value) if ANSWER.is_whole else value


def prediction(model_version: str = "first") -> dict[str, Any]:
    """Return an answer as the contract wants it: the first class for certain, or a value."""
    if not CLASSES:
        return {TARGET: middle(), "model_version": model_version}
    certain = {name: float(name == CLASS_NAMES[0]) for name in CLASS_NAMES}
    return {TARGET: CLASSES[0], "probabilities": certain, "model_version": model_version}
