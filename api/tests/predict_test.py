import json
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import predict
from app.features import Category


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        ((False, True), ("false", "true")),
        ((1, 20), ("1", "20")),
        (("<=50K", '50 % "or" more'), ("<=50K", '50 % "or" more')),
    ],
)
def test_a_class_is_answered_in_its_type_and_named_by_its_text(
    monkeypatch: pytest.MonkeyPatch, classes: tuple[Category, ...], names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(predict, "CLASSES", classes)
    monkeypatch.setattr(predict, "CLASS_NAMES", names)
    write = predict.write_classes("v")
    first, second = map(json.loads, write(np.array([[0.75, 0.25], [0, 1]], np.float32)))
    (target, *_) = first
    assert (first[target], second[target]) == classes
    assert type(first[target]) is type(classes[0])
    assert first["probabilities"] == dict(zip(names, (0.75, 0.25), strict=True))


ELEMENTS = st.recursive(
    st.one_of(st.text(alphabet='{}[],": \\ \n'), st.integers(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)),
)
BODIES = st.builds(json.dumps, ELEMENTS, indent=st.sampled_from([None, 2])) | st.text(
    alphabet='{}[],"1 '
)


@given(BODIES, st.integers(0, 40))
def test_pieces_that_are_arrays_hold_the_elements_of_the_body(body: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predict, "PIECE", size)
        pieces = list(predict.pieces(body.encode()))
    try:
        arrays = [json.loads(piece) for piece in pieces]
    except json.JSONDecodeError:
        return  # it is read whole
    if all(isinstance(array, list) and array for array in arrays):
        assert json.loads(body) == list(chain.from_iterable(arrays))


def test_a_batch_of_plain_rows_is_cut_at_the_size_of_a_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(predict, "PIECE", 100)
    pieces = list(predict.pieces(json.dumps([{"a": i} for i in range(100)]).encode()))
    assert all(100 <= len(piece) < 120 for piece in pieces[:-1])
