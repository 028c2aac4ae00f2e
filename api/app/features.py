"""Features and target, read off the schema, and the matrix that the model takes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from app.schemas import Prediction, Row

Matrix = NDArray[np.float32]
"""Encoded rows, shape (n_rows, n_features)."""
Outputs = NDArray[np.float32]
"""A probability for each class, shape (n_rows, n_classes), or a value, shape (n_rows, 1)."""
TaskName = Literal["classification", "regression"]

MISSING_CATEGORY = -1
"""Code of a category that is missing or unknown; known ones count from 0."""


class Feature(BaseModel):
    """One column of the model, or its target: a number with a range, or a category."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    unit: str | None
    nullable: bool
    minimum: float | None
    maximum: float | None
    categories: tuple[str, ...]

    @property
    def is_numeric(self) -> bool:
        """Whether the feature is a number and not a category."""
        return not self.categories


def describe(name: str, schema: dict[str, Any]) -> Feature:
    """Read a feature off the JSON schema of its field.

    Raises TypeError if the field is neither a number with a range nor a Literal of strings.
    """
    variants = schema.get("anyOf", [schema])
    (variant,) = [v for v in variants if v.get("type") != "null"]
    if variant.get("type") not in ("number", "integer", "string"):
        raise TypeError(f"{name}: a feature is a number or a Literal of strings, not {variant}")
    categories = variant.get("enum", [variant["const"]] if "const" in variant else [])
    if bool(categories) != (variant["type"] == "string"):
        raise TypeError(f"{name}: text needs its values listed in a Literal, got {variant}")
    feature = Feature(
        name=name,
        description=schema.get("description", ""),
        unit=schema.get("unit"),
        nullable=len(variants) > 1,
        minimum=variant.get("minimum", variant.get("exclusiveMinimum")),
        maximum=variant.get("maximum", variant.get("exclusiveMaximum")),
        categories=tuple(categories),
    )
    if feature.is_numeric and None in (feature.minimum, feature.maximum):
        # 1e300 is a float, but in float32 it is infinite.
        raise TypeError(f"{name}: a number needs its range: Field(ge=..., le=...)")
    return feature


def lax_settings(body: type) -> Iterator[str]:
    """Yield a line for each setting of a body's model that lets through what is no good JSON."""
    config = getattr(body, "model_config", {})
    for setting, value in {"extra": "forbid", "strict": True, "allow_inf_nan": False}.items():
        if config.get(setting) != value:
            yield f"{body.__name__}.model_config: {setting} has to be {value!r}"


def describe_row(row: type[BaseModel]) -> tuple[Feature, ...]:
    """Read all features off the model of a row.

    Raises TypeError that names the field which is not a feature, or the setting that admits values
    which no model can take.
    """
    for found in lax_settings(row):
        raise TypeError(found)
    schemas = row.model_json_schema()["properties"]
    if list(schemas) != list(row.model_fields):
        raise TypeError(f"{row.__name__}: a field has an alias; name it as JSON does")
    return tuple(describe(name, schema) for name, schema in schemas.items())


def describe_target(prediction: type[BaseModel]) -> Feature:
    """Read the target off the model of an answer: its first field.

    Raises TypeError unless it is a Literal beside `probabilities`, or a number without any.
    """
    name, schema = next(iter(prediction.model_json_schema()["properties"].items()))
    target = describe(name, schema)
    beside = ["model_version"] if target.is_numeric else ["probabilities", "model_version"]
    if list(prediction.model_fields) != [name, *beside] or target.nullable:
        raise TypeError(f"{prediction.__name__}: {name} is followed by {', '.join(beside)} alone")
    return target


FEATURES = describe_row(Row)
ANSWER = describe_target(Prediction)
TARGET = ANSWER.name
CLASSES = ANSWER.categories
"""In the order of the probabilities; empty in regression."""
TARGET_RANGE = (
    None if ANSWER.minimum is None or ANSWER.maximum is None else (ANSWER.minimum, ANSWER.maximum)
)
"""Of regression's answers; None in classification."""
TASK_NAME: TaskName = "regression" if ANSWER.is_numeric else "classification"


def _bytes(feature: Feature) -> int:
    longest = max(map(len, feature.categories), default=len("-0.12345678901234567"))
    return len(feature.name) + longest + len('"":"",')


ROW_BYTES = sum(map(_bytes, FEATURES)) + len("{}")
"""Length of a row in JSON without spaces, with numbers of 17 digits."""

_CODES: list[dict[str | None, int] | None] = [
    None
    if feature.is_numeric
    else {None: MISSING_CATEGORY, **{c: code for code, c in enumerate(feature.categories)}}
    for feature in FEATURES
]


def _getter(names: Sequence[str]) -> Callable[[Row], Sequence[Any]]:
    get = attrgetter(*names)
    # Of one name, attrgetter returns the value and no tuple.
    return get if len(names) > 1 else lambda row: (get(row),)


_values = _getter([feature.name for feature in FEATURES])


def encode(rows: Iterable[Row]) -> Matrix:
    """Turn validated rows into the model's input, shape (n_rows, n_features).

    A number stays as it is and NaN where missing; a category becomes its position in the
    schema and `MISSING_CATEGORY` where missing.
    """
    # By column: a third of the time of row by row at 32 rows, a half at 1,000.
    columns: Iterable[Sequence[Any]] = zip(*map(_values, rows), strict=True)
    coded = [
        column if codes is None else [codes[value] for value in column]
        for column, codes in zip(columns, _CODES, strict=True)
    ]
    return np.array(coded, np.float32).T
