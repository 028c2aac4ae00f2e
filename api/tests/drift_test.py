import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import drift
from app.features import MISSING_CATEGORY, Feature

NUMBER = Feature(
    name="height", description="", unit="m", type="number", nullable=True,
    minimum=0, maximum=1000, categories=(),
)  # fmt: skip
CATEGORY = NUMBER.model_copy(
    update={"type": "string", "minimum": None, "maximum": None, "categories": ("a", "b")}
)
VALUES = st.lists(st.floats(0, 100, width=32), min_size=1)


def test_a_number_is_cut_into_five_bins_of_about_a_fifth_and_one_for_missing() -> None:
    column = np.arange(1000, dtype=np.float32)
    edges = drift.cut(NUMBER, column)
    names = drift.labels(NUMBER, edges)
    counts = np.bincount(drift.indices(NUMBER, edges, column), minlength=len(names))
    assert names == ["<=199", "199..399", "399..599", "599..799", ">799", "missing"]
    assert list(counts) == [200, 200, 200, 200, 200, 0]


def test_a_value_on_an_edge_belongs_to_the_bin_below_and_missing_to_the_last() -> None:
    column = np.array([39.2, np.nextafter(np.float32(39.2), np.float32(99)), np.nan], np.float32)
    assert list(drift.indices(NUMBER, [39.2], column)) == [0, 1, 2]


def test_a_category_has_a_bin_for_each_value_and_one_for_missing() -> None:
    names = drift.labels(CATEGORY, [])
    column = np.array([0, 1, MISSING_CATEGORY], np.float32)
    assert names == [*CATEGORY.categories, "missing"]
    assert list(drift.indices(CATEGORY, [], column)) == [0, 1, len(CATEGORY.categories)]


def test_bins_of_numbers_and_bools_are_called_as_json_writes_them() -> None:
    grade = CATEGORY.model_copy(update={"type": "integer", "categories": (1, 2)})
    flag = CATEGORY.model_copy(update={"type": "boolean", "categories": (False, True)})
    assert drift.labels(grade, []) == ["1", "2", "missing"]
    assert drift.labels(flag, []) == ["false", "true", "missing"]


def test_a_category_that_is_called_missing_has_a_bin_of_its_own() -> None:
    called = CATEGORY.model_copy(update={"categories": ("a", "missing")})
    assert drift.labels(called, []) == ["a", "missing", "(missing)"]


def test_equal_values_leave_fewer_bins_and_no_empty_label() -> None:
    edges = drift.cut(NUMBER, np.ones(10, np.float32))
    assert edges == [1.0]
    assert drift.labels(NUMBER, edges) == ["<=1", ">1", "missing"]


def test_no_two_bins_have_one_label_however_near_their_edges_are() -> None:
    column = np.linspace(1_700_000_000, 1_700_000_500, 100, dtype=np.float32)
    names = drift.labels(NUMBER, drift.cut(NUMBER, column))
    assert len(set(names)) == len(names)


@given(training=VALUES, live=VALUES)
def test_every_value_has_a_labelled_bin(training: list[float], live: list[float]) -> None:
    edges = drift.cut(NUMBER, np.array(training, np.float32))
    found = drift.indices(NUMBER, edges, np.array(live, np.float32))
    assert found.min() >= 0
    assert found.max() < len(drift.labels(NUMBER, edges)) - 1


def test_shares_are_smoothed_and_sum_to_one() -> None:
    shares = drift.shares(np.array([0, 9]))
    assert shares == pytest.approx([0.05, 0.95])
