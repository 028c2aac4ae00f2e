"""Features and target, read off the schema, and the matrix that the model takes."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from operator import attrgetter, or_
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    StrictInt,
    StrictStr,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, SchemaError, core_schema

Matrix = NDArray[np.float32]
"""Encoded rows, shape (n_rows, n_features)."""
Outputs = NDArray[np.float32]
"""A probability for each class, shape (n_rows, n_classes), or a value, shape (n_rows, 1)."""
Predict = Callable[[Matrix], Outputs]
"""Turns encoded rows into outputs, each within its range."""
TaskName = Literal["classification", "regression"]

LARGEST_INT = 2**24
"""Up to here float32 holds every whole number."""
LARGEST_FLOAT = float(np.finfo(np.float32).max)

MISSING_CATEGORY = -1
"""Code of a category that is missing or unknown; known ones count from 0."""


JsonType = Literal["number", "integer", "string", "boolean"]
Category = StrictBool | StrictInt | StrictStr
"""One value of a Literal, or true or false, as JSON has it."""


class Feature(BaseModel):
    """One column of the model, or its target: a number with a range, or a category."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    unit: str | None
    type: JsonType
    """Of its values: (0, 1) and (False, True) are equal, but no JSON takes one for the other."""
    nullable: bool
    minimum: float | None
    maximum: float | None
    categories: tuple[Category, ...]

    @property
    def is_numeric(self) -> bool:
        """Whether the feature is a number and not a category."""
        return not self.categories

    @property
    def is_whole(self) -> bool:
        """Whether the feature is a number without decimals."""
        return self.is_numeric and self.type == "integer"


def text_of(category: Category) -> str:
    """Return a category as JSON writes it, text without quotes: a key, a label."""
    return category if isinstance(category, str) else json.dumps(category)


def describe(name: str, schema: dict[str, Any]) -> Feature:
    """Read a feature off the JSON schema of its field.

    Raises TypeError that says what to write unless it is a number with a range, a bool, or a
    Literal of text or of whole numbers.
    """
    variants = schema.get("anyOf", [schema])
    known = [variant for variant in variants if variant.get("type") != "null"]
    variant = known[0] if len(known) == 1 else {}
    categories = _categories(name, variant)
    low, high = (None, None) if categories else _range(name, variant)
    return Feature(
        name=name,
        description=schema.get("description", ""),
        unit=schema.get("unit"),
        type=variant["type"],
        nullable=len(variants) > len(known),
        minimum=low,
        maximum=high,
        categories=categories,
    )


def _categories(name: str, variant: dict[str, Any]) -> tuple[Category, ...]:
    """Return a field's categories, numbers in their order; none for a number with a range."""
    kind = variant.get("type")
    values: list[Any] = variant.get("enum", [variant["const"]] if "const" in variant else [])
    if None in values:
        raise TypeError(f"{name}: None stands behind a Literal, not in it: Literal[...] | None")
    if values and kind not in ("string", "integer", "boolean"):
        raise TypeError(
            f"{name}: a Literal holds text alone or whole numbers alone, not {values}: write all "
            "as text, or a number with a range"
        )
    if kind == "string" and not values and "format" not in variant:
        raise TypeError(f'{name}: text needs its values: Literal["...", "..."]')
    if kind not in ("number", "integer", "boolean") and not values:
        found = variant.get("format") or variant.get("$ref", "").rpartition("/")[2] or kind
        raise TypeError(
            f"{name}: {found or 'a choice of types'} is no feature: write float or int with "
            'Field(ge=..., le=...), bool, Literal["a", "b"] or Literal[1, 2]; behind it | None '
            "where it may be missing"
        )
    if kind == "boolean":
        return tuple(sorted(values or (False, True)))
    # scikit-learn's encoders take numbers in their order alone.
    return tuple(sorted(values) if kind == "integer" else values)


def _range(name: str, variant: dict[str, Any]) -> tuple[float, float]:
    """Return the least and the largest value of a number."""
    is_whole = variant["type"] == "integer"
    low = variant.get("minimum", variant.get("exclusiveMinimum"))
    high = variant.get("maximum", variant.get("exclusiveMaximum"))
    if low is None or high is None:
        # 1e300 is a float, but in float32 it is infinite.
        raise TypeError(f"{name}: a number needs its range: Field(ge=..., le=...)")
    if is_whole:
        low, high = low + ("minimum" not in variant), high - ("maximum" not in variant)
    if not low < high:
        raise TypeError(f"{name}: no two values are from {low} to {high}")
    largest = max(abs(low), abs(high))
    if is_whole and largest > LARGEST_INT:
        raise TypeError(
            f"{name}: {low} to {high} is too wide for an int: the model computes in float32, which "
            f"holds every whole number up to {LARGEST_INT} alone; write float, or another unit"
        )
    if largest > LARGEST_FLOAT:
        raise TypeError(
            f"{name}: {low} to {high} is too wide: the model computes in float32, which ends at "
            f"{LARGEST_FLOAT:.8g}"
        )
    return low, high


class _Exact:
    """Marks a Literal of numbers: of itself pydantic's takes true, and 1.0, for 1."""

    def __init__(self, kind: CoreSchema) -> None:
        self._kind = kind

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.chain_schema([self._kind, handler(source)])

    def __get_pydantic_json_schema__(
        self, schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema["steps"][-1])


def _exact(annotation: Any) -> Any:
    values = get_args(annotation)
    if get_origin(annotation) is Literal:
        if all(type(value) is int for value in values):
            return Annotated[annotation, _Exact(core_schema.int_schema(strict=True))]
        if all(type(value) is bool for value in values):
            return Annotated[annotation, _Exact(core_schema.bool_schema(strict=True))]
    elif get_origin(annotation) in (Union, UnionType):
        return reduce(or_, map(_exact, values))
    elif get_origin(annotation) is Annotated:
        return Annotated[_exact(values[0]), *values[1:]]
    return annotation


def exact(row: type[BaseModel]) -> type[BaseModel]:
    """Make each Literal of a row take nothing but its own values; return the row."""
    for field in row.model_fields.values():
        field.annotation = _exact(field.annotation)
    row.model_rebuild(force=True)
    return row


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

    Raises TypeError unless it is a category beside `probabilities`, or a number without any.
    """
    name, schema = next(iter(prediction.model_json_schema()["properties"].items()))
    target = describe(name, schema)
    beside = ["model_version"] if target.is_numeric else ["probabilities", "model_version"]
    if list(prediction.model_fields) != [name, *beside] or target.nullable:
        raise TypeError(f"{prediction.__name__}: {name} is followed by {', '.join(beside)} alone")
    if len(target.categories) == 1:
        raise TypeError(f"{name}: one class alone, {target.categories[0]!r}, needs no model")
    if target.type == "number" and not {"minimum", "maximum"} <= schema.keys():
        raise TypeError(f"{name}: answers are cut to the ends of the range: ge, le, not gt, lt")
    # scikit-learn's order, which is that of the probabilities.
    return target.model_copy(update={"categories": tuple(sorted(target.categories))})


def _in_a_line(error: Exception) -> str:
    """Return what an error says first; of one within others the field, and what is wrong."""
    if isinstance(error, TypeError):
        return str(error)
    lines = str(error).splitlines()
    if isinstance(error, SchemaError):
        # Of the model as a whole, then of its fields, then of the one meant, then why.
        lines = [": ".join(line.strip(" :").removeprefix("SchemaError: ") for line in lines[2:])]
    return f"{type(error).__name__}: {lines[0]}"


try:
    from app.schemas import Prediction, Row

    FEATURES = describe_row(exact(Row))
    ANSWER = describe_target(Prediction)
# pydantic raises a dozen classes while a model is made, without a base in common. Whatever imports
# this, an owner's train_model.py too, could only show a traceback.
except Exception as error:  # noqa: BLE001
    raise SystemExit(f"schemas.py: {_in_a_line(error)}") from None
TARGET = ANSWER.name
CLASSES = ANSWER.categories
"""In the order of the probabilities; empty in regression."""
CLASS_NAMES = tuple(map(text_of, CLASSES))
"""What they are called where JSON wants text: as keys of the probabilities, in metrics."""
TARGET_RANGE = (
    None if ANSWER.minimum is None or ANSWER.maximum is None else (ANSWER.minimum, ANSWER.maximum)
)
"""Of regression's answers; None in classification."""
LOW, HIGH = TARGET_RANGE or (0, 1)
"""What every output lies in: a value in the target's range, a probability in this."""
TASK_NAME: TaskName = "regression" if ANSWER.is_numeric else "classification"


def _bytes(feature: Feature) -> int:
    longest = max(
        (len(text_of(c)) for c in feature.categories), default=len("-0.12345678901234567")
    )
    return len(feature.name) + longest + len('"":"",')


ROW_BYTES = sum(map(_bytes, FEATURES)) + len("{}")
"""Length of a row in JSON without spaces, with numbers of 17 digits."""

_CODES: list[dict[Category | None, int] | None] = [
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


HALF = 0.501
"""What is rounded up. A thousandth below the half counts as the half: forests have it often, and
float32 may leave it a hair lower than the pipeline does."""


def answered(outputs: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return a regression's values, shape (n_rows,), as answers hold them.

    Those of an int are rounded, half up.
    """
    values = outputs[:, 0]
    if ANSWER.is_whole:
        return np.floor(values.astype(np.float64) + HALF)
    return values
