import numpy as np
import pytest
from pydantic import BaseModel, Field

from app import schemas
from app.features import CLASSES, FEATURES, MISSING_CATEGORY, TARGET, describe, encode
from app.schemas import Row


def test_the_features_are_the_fields_of_the_schema_in_its_order() -> None:
    assert [feature.name for feature in FEATURES] == list(Row.model_fields)
    assert (TARGET, CLASSES) == ("species", ("Adelie", "Chinstrap", "Gentoo"))


def test_every_number_has_a_unit_and_a_range_and_every_feature_a_description() -> None:
    for feature in FEATURES:
        assert feature.description
        assert feature.is_numeric == (feature.unit is not None)
        assert feature.is_numeric == (feature.minimum is not None is not feature.maximum)


def test_rows_become_numbers_codes_and_marks_for_what_is_missing() -> None:
    whole = Row.model_validate(schemas.EXAMPLE)
    nothing = {f.name: None for f in FEATURES if f.nullable}
    matrix = encode([whole, whole.model_copy(update=nothing)])
    assert matrix.dtype == np.float32
    assert matrix[0] == pytest.approx([2, 39.1, 18.7, 181, 3750, 1])
    assert np.array_equal(matrix[1], [2, *[np.nan] * 4, MISSING_CATEGORY], equal_nan=True)


@pytest.mark.parametrize("kind", [str, list[float], bool])
def test_a_field_that_is_no_feature_is_refused_by_its_name(kind: type) -> None:
    class Other(BaseModel):
        colour: kind = Field()  # type: ignore[valid-type]

    schema = Other.model_json_schema()["properties"]["colour"]
    with pytest.raises(TypeError, match="colour"):
        describe("colour", schema)
