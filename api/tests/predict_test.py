import json

import numpy as np
import pytest

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
