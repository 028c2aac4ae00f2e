import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.features import FEATURES, TARGET
from app.schemas import EXAMPLE, Prediction, Row
from support import sample

pytestmark = pytest.mark.by_data

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_the_example_is_a_row() -> None:
    assert Row.model_validate(EXAMPLE).model_dump() == EXAMPLE


def faults(row: dict[str, object]) -> set[int | str]:
    try:
        Row.model_validate(row)
    except ValidationError as error:
        return {e["loc"][0] for e in error.errors()}
    return set()


@given(name=st.sampled_from(list(Row.model_fields)), value=JSON)
def test_no_value_but_one_of_its_kind_and_range_passes(name: str, value: object) -> None:
    feature = next(f for f in FEATURES if f.name == name)
    if feature.is_numeric and isinstance(value, int | float) and not isinstance(value, bool):
        allowed = feature.minimum <= value <= feature.maximum  # type: ignore[operator]
        allowed &= type(value) is int or not feature.is_whole
    else:
        # By type too: 1 == True, and neither is the other.
        kinds = {type(category) for category in feature.categories}
        known = type(value) in kinds and value in feature.categories
        allowed = known or (value is None and feature.nullable)
    assert faults({**EXAMPLE, name: value}) == (set() if allowed else {name})


@pytest.mark.parametrize("name", sample.REQUIRED)
def test_a_forgotten_field_is_an_error_even_where_null_is_allowed(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Row.model_validate({key: value for key, value in EXAMPLE.items() if key != name})


def test_the_answer_names_its_target_first() -> None:
    answer = sample.prediction()
    assert list(Prediction.model_validate(answer).model_dump()) == list(answer)
    assert next(iter(answer)) == TARGET
