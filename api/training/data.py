"""The data: that it is the file that was meant, with the schema's columns and values."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pandas import DataFrame, Series, isna
from pydantic import TypeAdapter, ValidationError

from app.features import FEATURES, TARGET
from app.schemas import Row
from training import TrainingError
from training.tasks import TASK


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
        """Return the features, shape (n_rows, n_features), numbers as float32, and the target.

        Raises TrainingError if the file is missing or is another, or if a column is missing.
        """
        try:
            found = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            raise TrainingError(f"{file}: {error.strerror}") from None
        if found != self.sha256:
            raise TrainingError(
                f"{file}: SHA-256 is {found}, expected {self.sha256}; if the change is meant, "
                "set sha256 in train_model.py"
            )
        table = self.read(file)
        for column in (*(f.name for f in FEATURES), TARGET):
            if column not in table.columns:
                raise TrainingError(
                    f"{file}: no column {column!r}, only {', '.join(map(str, table.columns))}"
                )
        numeric = {f.name: "float32" for f in FEATURES if f.is_numeric}
        return table[[f.name for f in FEATURES]].astype(numeric), table[TARGET]


def to_rows(frame: DataFrame) -> list[Row]:
    """Return the rows as a client would send them, missing values as None.

    Raises TrainingError, with line, column and value, if the data does not fit the schema.
    """
    records = frame.astype(object).where(~isna(frame), None).to_dict("records")
    try:
        return TypeAdapter(list[Row]).validate_python(records)
    except ValidationError as error:
        first = error.errors()[0]
        line, column = first["loc"][0], first["loc"][1]
        raise TrainingError(
            f"data row {line}: {column}: {first['msg']}, got {first['input']!r}"
        ) from None


def check(features: DataFrame, target: Series) -> None:
    """Raise TrainingError if a value, a class or a target is not one that schemas.py allows."""
    to_rows(features)
    if target.isna().any():
        raise TrainingError(f"data row {target.isna().idxmax()}: {TARGET} is missing")
    TASK.check(target)
