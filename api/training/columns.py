"""One column of the table: its type, its values as JSON has them, and what is wrong with it."""

from typing import Any

import numpy as np
from pandas import DataFrame, Index, Series, to_numeric
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from app.features import FEATURES, TARGET, Feature
from training import TrainingError


def typed(feature: Feature, column: Series) -> Series:
    """Return a column in the type of its values, whichever `read` and pandas gave it.

    Numbers are float64, whole ones int64 unless one is missing; bools are bool unless one is
    missing. All else, and what does not fit, stays as it is: `check` and the schema name it.
    """
    column = column.infer_objects()
    if feature.type == "string":
        return column
    if is_bool_dtype(column):
        return column.astype(object if column.isna().any() else bool)
    if feature.type == "boolean" or not is_numeric_dtype(column):
        return column
    numbers = column.astype("float64")
    is_whole = feature.type == "integer" and (numbers.mod(1) == 0).all()
    return numbers.astype("int64") if is_whole else numbers


def narrowed(table: DataFrame) -> DataFrame:
    """Return a table as every pipeline gets it: with numbers as float32, like the service's.

    Ints and bools stay what they are where none may be missing; where one may be, an int is a
    float32 too, and a bool an object.
    """
    return DataFrame({f.name: table[f.name].astype(_dtype(f, table[f.name])) for f in FEATURES})


def _dtype(feature: Feature, column: Series) -> object:
    if feature.type == "number":
        return "float32"
    if feature.type == "integer":
        return "float32" if feature.nullable else "int64"
    if feature.type == "boolean":
        return object if feature.nullable else bool
    return column.dtype


def values(feature: Feature, column: Series) -> list[Any]:
    """Return the values as JSON has them: None where missing, 3 for the 3.0 of an int."""
    column = typed(feature, column)
    found = [
        None if gone else value
        for value, gone in zip(column.astype(object), column.isna(), strict=True)
    ]
    if feature.type == "integer":
        return [int(v) if isinstance(v, float) and v.is_integer() else v for v in found]
    return found


def place(index: Index, position: int) -> str:
    """Say which row it is, as people count them in the file: the first below the header is 1.

    By pandas' own index, which still counts the rows that `read` left out; by position where the
    table has another index.
    """
    label = index[position]
    counted = index.name is None and isinstance(label, int | np.integer)
    return f"row {(int(label) if counted else position) + 1} below the header"


def check(feature: Feature, column: Series) -> None:
    """Raise TrainingError if a column is empty, lacks a value that has to be there, or is text."""
    name, missing = feature.name, column.isna().to_numpy()
    if missing.all():
        raise TrainingError(f"{name}: no row has a value; leave it out of schemas.py")
    if missing.any() and not feature.nullable:
        remedy = "read() has to fill it or to leave the row out"
        if name != TARGET:
            remedy = f"write | None behind its type in schemas.py, or {remedy}"
        raise TrainingError(
            f"{place(column.index, int(missing.argmax()))}: {name} is missing: {remedy}"
        )
    if feature.type != "string":
        _check_no_text(feature, column)


def _check_no_text(feature: Feature, column: Series) -> None:
    """Name the text that made pandas read all of a column as text, such as a `?`.

    The schema alone would name the first value, which is nothing to wonder at.
    """
    is_text = column.map(lambda value: isinstance(value, str)).to_numpy(bool)
    if not is_text.any():
        return
    if feature.type == "boolean":
        kind, reads = "true or false", column.isin(["True", "False", "true", "false"])
    else:
        kind, reads = "a number", to_numeric(column, errors="coerce").notna()
    odd = is_text & ~reads.to_numpy(bool)
    first = int((odd if odd.any() else is_text).argmax())
    raise TrainingError(
        f"{place(column.index, first)}: {feature.name}: {column.iloc[first]!r} is text and not "
        f"{kind}: read() has to turn it into one, or into a missing value by na_values"
    )
