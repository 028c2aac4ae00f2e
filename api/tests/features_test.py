from typing import Any, Literal

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from app.features import (
    ANSWER,
    FEATURES,
    MISSING_CATEGORY,
    TARGET,
    describe,
    describe_row,
    describe_target,
    encode,
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


@pytest.mark.parametrize("kind", [str, list[float], bool])
def test_a_field_that_is_no_feature_is_refused_by_its_name(kind: type) -> None:
    class Other(BaseModel):
        colour: kind = Field()  # type: ignore[valid-type]

    schema = Other.model_json_schema()["properties"]["colour"]
    with pytest.raises(TypeError, match="colour"):
        describe("colour", schema)
