"""What training says of a table that does not fit, in one line: column, row, value, remedy."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame, Index, Series

import train_model
from app.features import FEATURES, TARGET, Feature
from support import sample
from training import TrainingError, artifact, columns, data
from training.data import Data

TABLE = train_model.DATA.read(train_model.DATA.file)
NUMBER = Feature(
    name="x", description="", unit=None, type="number", nullable=False,
    minimum=0, maximum=9, categories=(),
)  # fmt: skip
INT = NUMBER.model_copy(update={"type": "integer"})
GRADE = INT.model_copy(update={"minimum": None, "maximum": None, "categories": (1, 2, 3)})
FLAG = GRADE.model_copy(update={"type": "boolean", "categories": (False, True)})
WORD = GRADE.model_copy(update={"type": "string", "categories": ("1", "2")})


@pytest.mark.parametrize(
    ("feature", "found", "dtype", "as_json"),
    [
        (NUMBER, [1, 2], "float64", [1.0, 2.0]),
        (NUMBER, Series([1, None], dtype="Int64"), "float64", [1.0, None]),
        (NUMBER, Series([0.5, None], dtype=object), "float64", [0.5, None]),
        (NUMBER, Series([12.1], dtype="float32"), "float64", [float(np.float32(12.1))]),
        (INT, [1.0, 2.0], "int64", [1, 2]),
        (INT, [1, None], "float64", [1, None]),
        (INT, [1, 2.5], "float64", [1, 2.5]),
        (INT, [1, np.inf], "float64", [1, np.inf]),
        (GRADE, [1, 2], "int64", [1, 2]),
        (GRADE, [1, None], "float64", [1, None]),
        (FLAG, [True, False], "bool", [True, False]),
        (FLAG, Series([True, False], dtype=object), "bool", [True, False]),
        (FLAG, [True, None], "object", [True, None]),
        (FLAG, Series([True, None], dtype="boolean"), "object", [True, None]),
        # What does not fit stays as it is: the schema names it.
        (FLAG, [1, 0], "int64", [1, 0]),
        (NUMBER, [True, False], "bool", [True, False]),
        (WORD, [1, 2], "int64", [1, 2]),
        (WORD, ["1", None], "str", ["1", None]),
    ],
)
def test_a_column_has_the_type_that_the_schema_says_and_values_as_json_has_them(
    feature: Feature, found: Any, dtype: str, as_json: list[object]
) -> None:
    column = Series(found)
    assert columns.typed(feature, column).dtype == dtype
    values = columns.values(feature, column)
    assert values == as_json
    assert [*map(type, values)] == [*map(type, as_json)]


@pytest.mark.parametrize(
    ("index", "position", "row"),
    [
        (pd.RangeIndex(3), 1, 2),
        (Index([0, 2, 5]), 1, 3),  # a row was left out, and is counted
        (Index([7, 8, 9], name="id"), 1, 2),
        (Index(["a", "b"]), 0, 1),
    ],
)
def test_rows_are_counted_as_people_count_them(index: Index, position: int, row: int) -> None:
    assert columns.place(index, position) == f"row {row} below the header"


@pytest.mark.parametrize(
    ("feature", "found", "said"),
    [
        (NUMBER, [None, None], "x: no row has a value; leave it out of schemas.py"),
        (
            NUMBER,
            [1.0, None],
            "row 2 below the header: x is missing: write | None behind its type in schemas.py, "
            "or read() has to fill it or to leave the row out",
        ),
        (
            NUMBER,
            ["130.0", "165", "?"],
            "row 3 below the header: x: '?' is text and not a number: read() has to turn it into "
            "one, or into a missing value by na_values",
        ),
        (NUMBER, ["1,5", "2,5"], "row 1 below the header: x: '1,5' is text and not a number"),
        (NUMBER, ["1", "2"], "row 1 below the header: x: '1' is text and not a number"),
        (GRADE, ["1", "n/a ", "3"], "row 2 below the header: x: 'n/a ' is text and not a number"),
        (
            FLAG,
            ["True", "False", "yes"],
            "row 3 below the header: x: 'yes' is text and not true or false",
        ),
    ],
)
def test_what_is_wrong_with_a_column_is_said_with_row_and_value(
    feature: Feature, found: list[object], said: str
) -> None:
    with pytest.raises(TrainingError, match=re.escape(said)):
        columns.check(feature, Series(found))


def test_a_field_that_may_be_missing_and_never_is_passes() -> None:
    for feature in (NUMBER, INT, GRADE, FLAG, WORD):
        nullable = feature.model_copy(update={"nullable": True})
        value = "1" if feature is WORD else feature is FLAG or 1
        columns.check(nullable, Series([value, value]))


def with_read(**changed: Any) -> Data:
    """Return the data of this repository, read in another way."""
    return replace(train_model.DATA, **changed)


def refused(source: Data, file: Path) -> str:
    """Load a file and check it, which has to fail in one line; return the line."""
    source = replace(source, sha256=artifact.sha256(file.read_bytes()))
    with pytest.raises(TrainingError) as caught:
        data.check(*source.load(file))
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "read() fails: EmptyDataError: No columns to parse from file"),
        (b"a,b\n1,2,3\n1,2,3,4\n", "read() fails: ParserError: Error tokenizing data"),
        (
            "name\nIbis\nPingüino\n".encode("latin-1"),
            "line 3 holds the byte 0xfc, which is no UTF-8; give read() the encoding, such as "
            'pd.read_csv(file, encoding="latin-1")',
        ),
        ("a,b\n1,2\n".encode("utf-16"), 'such as pd.read_csv(file, encoding="utf-16")'),
        (b"a,b\n1,2\n", "no column "),
    ],
    ids=["empty", "ragged", "latin-1", "utf-16", "other columns"],
)
def test_a_file_that_cannot_be_read_is_named_with_the_cause(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "other.csv"
    file.write_bytes(content)
    line = refused(with_read(read=pd.read_csv), file)
    assert line.startswith(f"{file}: ")
    assert said in line


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (KeyError("weight"), "read() fails: KeyError: 'weight'"),
        (ValueError("first line\nsecond"), "read() fails: ValueError: first line"),
        (OSError("no such disk"), "read() fails: OSError: no such disk"),
    ],
)
def test_what_read_raises_is_said_in_one_line(raised: Exception, said: str) -> None:
    def read(_: Path) -> DataFrame:
        raise raised

    file = train_model.DATA.file
    assert refused(with_read(read=read), file) == f"{file}: {said}"


def table(change: Any) -> Data:
    """Return the data with a change to the table that is read."""
    return with_read(read=lambda file: change(train_model.DATA.read(file)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.iloc[:0], "there is no row below the header"),
        (lambda t: t.to_dict(), "read() returns a dict, no DataFrame"),
        (
            lambda t: t.assign(**{f"{sample.NUMBER}.1": 1}),
            f"column '{sample.NUMBER}' is there twice; read() has to leave one out",
        ),
        (
            lambda t: pd.concat([t, t[[TARGET]]], axis=1),
            f"column '{TARGET}' is there twice; read() has to leave one out",
        ),
        (
            lambda t: t.assign(**{sample.NUMBER: np.inf}),
            f"row 1 below the header: {sample.NUMBER}: Input should be a finite number, got inf",
        ),
        (
            lambda t: t.assign(**{sample.NUMBER: [*t[sample.NUMBER].astype(str)[:-1], "?"]}),
            f"{columns.place(TABLE.index, len(TABLE) - 1)}: "
            f"{sample.NUMBER}: '?' is text and not a number",
        ),
    ],
    ids=["header only", "no table", "pandas' second", "twice", "inf", "question mark"],
)
def test_a_table_that_cannot_be_trained_on_is_said_in_one_line(change: Any, said: str) -> None:
    assert said in refused(table(change), train_model.DATA.file)


def test_the_ends_of_a_range_are_what_the_file_holds_and_not_float32s() -> None:
    # Float32 has no 12.1 and no 0.7: it has 12.10000038 and 0.69999999.
    number = next(f for f in FEATURES if f.name == sample.NUMBER)
    rows = train_model.DATA.load(train_model.DATA.file)[0]
    ends = rows.head(2).assign(**{sample.NUMBER: [number.minimum, number.maximum]})
    found = [row.model_dump()[sample.NUMBER] for row in data.to_rows(ends)]
    assert found == [number.minimum, number.maximum]
