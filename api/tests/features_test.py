import datetime
import json
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from app.features import (
    ANSWER,
    FEATURES,
    MISSING_CATEGORY,
    TARGET,
    Feature,
    describe_row,
    describe_target,
    encode,
    exact,
)
from app.schemas import Prediction, Row
from support import sample

pytestmark = pytest.mark.by_data


def test_the_features_are_the_fields_of_the_schema_in_its_order() -> None:
    assert [feature.name for feature in FEATURES] == list(Row.model_fields)
    assert next(iter(Prediction.model_fields)) == TARGET


def test_every_number_has_a_range_and_every_feature_a_description() -> None:
    for feature in (*FEATURES, ANSWER):
        assert feature.description
        assert feature.is_numeric == (feature.minimum is not None is not feature.maximum)


def test_rows_become_numbers_codes_and_marks_for_what_is_missing() -> None:
    whole = Row.model_validate(sample.EXAMPLE)
    matrix = encode([whole, whole.model_copy(update=sample.NOTHING)])
    assert matrix.dtype == np.float32
    assert matrix.shape == (2, len(FEATURES))
    for feature, column in zip(FEATURES, matrix.T, strict=True):
        value, missing = sample.EXAMPLE[feature.name], np.nan
        if not feature.is_numeric:
            value, missing = feature.categories.index(value), MISSING_CATEGORY
        second = missing if feature.nullable else value
        assert column == pytest.approx([value, second], nan_ok=True)


def strict(**fields: Any) -> type[BaseModel]:
    config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    return create_model("Other", __config__=config, **fields)


class Inner(BaseModel):
    length: float


def test_one_column_is_enough() -> None:
    (feature,) = describe_row(strict(height=(float, Field(ge=0, le=3))))
    assert (feature.name, feature.minimum, feature.maximum) == ("height", 0, 3)


def test_a_number_without_a_range_is_refused_as_float32_would_make_it_infinite() -> None:
    with pytest.raises(TypeError, match="height: a number needs its range"):
        describe_row(strict(height=(float, Field(ge=0))))


@pytest.mark.parametrize("setting", ["extra", "strict", "allow_inf_nan"])
def test_a_schema_that_lets_anything_through_is_refused(setting: str) -> None:
    loose = strict(height=(float, Field(ge=0, le=3)))
    del loose.model_config[setting]  # type: ignore[misc]
    with pytest.raises(TypeError, match=rf"Other\.model_config: {setting} has to be"):
        describe_row(loose)


def test_an_alias_is_refused() -> None:
    with pytest.raises(TypeError, match="alias"):
        describe_row(strict(height=(float, Field(ge=0, le=3, alias="mean height"))))


RANGE = Field(ge=0, le=3)
SHARES: dict[str, Any] = {"probabilities": (dict[str, float], ...)}
VERSION: dict[str, Any] = {"model_version": (str, ...)}


def test_a_literal_makes_it_classification_and_a_float_regression() -> None:
    kind: Any = (Literal["a", "b"], ...)
    named = describe_target(create_model("P", kind=kind, **SHARES, **VERSION))
    price: Any = (float, RANGE)
    value = describe_target(create_model("P", price=price, **VERSION))
    assert (named.name, named.categories) == ("kind", ("a", "b"))
    assert (value.name, value.categories) == ("price", ())


@pytest.mark.parametrize(
    "fields",
    [
        {"price": (float, RANGE), **SHARES, **VERSION},
        {"kind": (Literal["a", "b"], ...), **VERSION},
        {"price": (float | None, RANGE), **VERSION},
        {"price": (float, RANGE)},
    ],
    ids=["value with probabilities", "class without", "nullable", "no version"],
)
def test_an_answer_of_another_form_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"P: (price|kind) is followed by .*model_version alone"):
        describe_target(create_model("P", **fields))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (str, "text needs its values: Literal"),
        (list[float], "array is no feature: write float or int with"),
        (datetime.date, "date is no feature: write"),
        (Inner, "Inner is no feature: write"),
        (float | bool, "a choice of types is no feature: write"),
        (Any, "a choice of types is no feature: write"),
        (None, "a choice of types is no feature: write"),
        (Literal[1, "a"], r"a Literal holds text alone or whole numbers alone, not \[1, 'a'\]"),
        (Literal[1, True], r"a Literal holds text alone or whole numbers alone, not \[1, True\]"),
        (Literal["a", None], r"None stands behind a Literal, not in it: Literal\[...\] \| None"),
    ],
    ids=str,
)
def test_a_field_that_is_no_feature_is_refused_by_its_name_and_what_to_write(
    kind: Any, said: str
) -> None:
    with pytest.raises(TypeError, match=f"^colour: {said}"):
        describe_row(strict(colour=(kind, ...)))


@pytest.mark.parametrize(
    ("kind", "low", "high", "said"),
    [
        (int, 0, 2**24 + 1, "0 to 16777217 is too wide for an int: .* every whole number up to"),
        (int, -(2**53), 0, "-9007199254740992 to 0 is too wide for an int"),
        (
            float,
            0,
            1e39,
            r"0(\.0)? to 1e\+39 is too wide: .* float32, which ends at 3.4028235e\+38",
        ),
        (float, 3, 3, "no two values are from 3(\\.0)? to 3"),
    ],
)
def test_a_range_that_float32_does_not_hold_is_refused(
    kind: type, low: float, high: float, said: str
) -> None:
    with pytest.raises(TypeError, match=f"^height: {said}"):
        describe_row(strict(height=(kind, Field(ge=low, le=high))))


def test_ends_that_an_int_does_not_reach_are_left_out() -> None:
    (feature,) = describe_row(strict(steps=(int, Field(gt=0, lt=2**24))))
    assert (feature.type, feature.minimum, feature.maximum) == ("integer", 1, 2**24 - 1)


def test_bools_and_numbers_are_categories_of_their_own_type_in_their_order() -> None:
    row = strict(flag=(bool, ...), grade=(Literal[3, 1, 2] | None, ...), bit=(Literal[0, 1], ...))
    flag, grade, bit = describe_row(row)
    assert json.dumps(flag.categories) == "[false, true]"
    assert json.dumps(grade.categories) == "[1, 2, 3]"
    assert (flag.type, grade.type, grade.nullable) == ("boolean", "integer", True)
    assert (flag.categories, flag.type) != (bit.categories, bit.type)
    assert Feature.model_validate_json(flag.model_dump_json()).categories[1] is True


@pytest.mark.parametrize(
    "literal", ['{"flag": 1, "grade": 1}', '{"flag": true, "grade": true}',
                '{"flag": true, "grade": 1.0}', '{"flag": true, "grade": "1"}',
                '{"flag": "true", "grade": 1}', '{"flag": true, "grade": 4}'],
)  # fmt: skip
def test_a_category_is_taken_in_its_own_type_alone(literal: str) -> None:
    row = exact(strict(flag=(bool, ...), grade=(Literal[1, 2, 3] | None, ...)))
    take = TypeAdapter(row).validate_json
    for good in ({"flag": True, "grade": 1}, {"flag": False, "grade": None}):
        assert take(json.dumps(good)).model_dump() == good
    with pytest.raises(ValidationError):
        take(literal)
    assert "enum" in str(row.model_json_schema()["properties"]["grade"])


def test_classes_are_in_the_order_of_the_probabilities_however_they_are_listed() -> None:
    kind: Any = (Literal["b", "a"], ...)
    found = describe_target(create_model("P", kind=kind, **SHARES, **VERSION))
    assert found.categories == ("a", "b")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ((Literal["a"], ...), "kind: one class alone, 'a', needs no model"),
        ((float, Field(gt=0, le=9)), "kind: answers are cut to the ends of the range"),
    ],
)
def test_a_target_that_no_answer_can_keep_to_is_refused(kind: Any, said: str) -> None:
    beside = VERSION if kind[0] is float else {**SHARES, **VERSION}
    with pytest.raises(TypeError, match=said):
        describe_target(create_model("P", kind=kind, **beside))
