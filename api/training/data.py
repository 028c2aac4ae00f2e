"""The data: that it is the file that was meant, with the schema's columns and values."""

import codecs
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pandas import DataFrame, Series
from pydantic import FailFast, TypeAdapter, ValidationError

from app.features import ANSWER, FEATURES, TARGET
from app.schemas import Row
from training import TrainingError, columns
from training.tasks import TASK

ROWS = TypeAdapter(Annotated[list[Row], FailFast()])


@dataclass(frozen=True)
class Data:
    """Where the rows are, where they came from, and how a table is made of the file."""

    file: Path
    sha256: str
    name: str
    source: str
    licence: str
    read: Callable[[Path], DataFrame]
    """Returns a column for each feature and one for the target, all others are ignored."""

    def load(self, file: Path) -> tuple[DataFrame, Series]:
        """Return the features, shape (n_rows, n_features), and the target, as `read` has them.

        Raises TrainingError if the file is missing, is another or cannot be read, or if it has
        no rows or not each column once.
        """
        try:
            content = file.read_bytes()
        except OSError as error:
            raise TrainingError(f"{file}: {error.strerror}") from None
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise TrainingError(
                f"{file}: SHA-256 is {found}, expected {self.sha256}; if the change is meant, "
                "set sha256 in train_model.py"
            )
        table = self._table(file, content)
        for column in (*(f.name for f in FEATURES), TARGET):
            if column not in table.columns:
                raise TrainingError(
                    f"{file}: no column {column!r}, only {', '.join(map(str, table.columns))}"
                )
            # Of the second one pandas makes another name.
            if list(table.columns).count(column) > 1 or f"{column}.1" in table.columns:
                raise TrainingError(
                    f"{file}: column {column!r} is there twice; read() has to leave one out"
                )
        if table.empty:
            raise TrainingError(f"{file}: there is no row below the header")
        features = {f.name: columns.typed(f, table[f.name]) for f in FEATURES}
        return DataFrame(features), columns.typed(ANSWER, table[TARGET])

    def _table(self, file: Path, content: bytes) -> DataFrame:
        """Return what `read` makes of the file. Raises TrainingError in place of what it raises."""
        try:
            table = self.read(file)
        except UnicodeDecodeError as error:
            raise TrainingError(f"{file}: {_encoding(content, error)}") from error
        except (KeyError, OSError, ValueError) as error:
            reason = (str(error).splitlines() or [""])[0]
            raise TrainingError(
                f"{file}: read() fails: {type(error).__name__}: {reason}"
            ) from error
        if not isinstance(table, DataFrame):
            raise TrainingError(f"{file}: read() returns a {type(table).__name__}, no DataFrame")
        return table


def _encoding(content: bytes, error: UnicodeDecodeError) -> str:
    """Say where a file stops being UTF-8, and which encoding it may have."""
    try:
        content.decode()
    except UnicodeDecodeError as found:
        error = found
    else:
        return f"read() fails: {error}"
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    line = content.count(b"\n", 0, error.start) + 1
    return (
        f"line {line} holds the byte 0x{content[error.start]:02x}, which is no UTF-8; give read() "
        f'the encoding, such as pd.read_csv(file, encoding="{"utf-16" if is_utf_16 else "latin-1"}"'
        ")"
    )


def to_rows(frame: DataFrame) -> list[Row]:
    """Return the rows as the service understands them, sent as JSON with missing values as null.

    Raises TrainingError, with row, column and value, if the data does not fit the schema.
    """
    names = [feature.name for feature in FEATURES]
    by_column = [columns.values(feature, frame[feature.name]) for feature in FEATURES]
    records = [dict(zip(names, row, strict=True)) for row in zip(*by_column, strict=True)]
    try:
        return ROWS.validate_json(json.dumps(records))
    except ValidationError as error:
        first = error.errors()[0]
        position, column = first["loc"][:2]
        raise TrainingError(
            f"{columns.place(frame.index, int(position))}: {column}: {first['msg']}, "
            f"got {first['input']!r}"
        ) from None


def check(features: DataFrame, target: Series) -> None:
    """Raise TrainingError if a value, a class or a target is not one that schemas.py allows."""
    for feature in FEATURES:
        columns.check(feature, features[feature.name])
    to_rows(features)
    columns.check(ANSWER, target)
    TASK.check(target)
