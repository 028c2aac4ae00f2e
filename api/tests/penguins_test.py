"""What the schema and the data of the penguins become; other data has other expectations."""

import numpy as np
import pytest

from app import schemas
from app.features import CLASSES, FEATURES, MISSING_CATEGORY, TARGET, encode
from app.schemas import Row

pytestmark = pytest.mark.by_data

if TARGET != "species":
    pytest.skip("the data is no longer the penguins'", allow_module_level=True)


def test_the_target_is_the_species() -> None:
    assert (TARGET, CLASSES) == ("species", ("Adelie", "Chinstrap", "Gentoo"))


def test_every_number_has_a_unit() -> None:
    assert all(feature.is_numeric == (feature.unit is not None) for feature in FEATURES)


def test_a_penguin_becomes_six_numbers() -> None:
    whole = Row.model_validate(schemas.EXAMPLE)
    nothing = {f.name: None for f in FEATURES if f.nullable}
    matrix = encode([whole, whole.model_copy(update=nothing)])
    assert matrix[0] == pytest.approx([2, 39.1, 18.7, 181, 3750, 1])
    assert np.array_equal(matrix[1], [2, *[np.nan] * 4, MISSING_CATEGORY], equal_nan=True)
