import json

import pytest
from pydantic import TypeAdapter, ValidationError

from app import errors
from app.http import Refusal
from app.schemas import Row
from support import sample

pytestmark = pytest.mark.by_data


def refusal(body: bytes) -> Refusal:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Row).validate_json(body)
    return errors.refusal(caught.value, body)


def test_a_bad_value_is_422_in_fastapis_shape() -> None:
    found = refusal(json.dumps({**sample.EXAMPLE, sample.NUMBER: "drake"}).encode())
    (detail,) = json.loads(found.body)["detail"]
    assert found.status == 422
    assert found.reason == detail["type"] == "float_type"
    assert detail.keys() == {"type", "loc", "msg", "input"}
    assert (detail["loc"], detail["input"]) == (["body", sample.NUMBER], "drake")


@pytest.mark.parametrize(("literal", "shown"), [("NaN", "NaN"), ("-1e999", "-Infinity")])
def test_a_number_that_json_cannot_say_is_shown_as_text(literal: str, shown: str) -> None:
    body = sample.row_with(sample.NUMBER, literal)
    (detail,) = json.loads(refusal(body).body)["detail"]
    assert detail["input"] == shown


def test_no_json_is_400_and_shows_where_it_broke() -> None:
    found = refusal(b'{"island": \xff')
    assert (found.status, found.reason) == (400, "not_json")
    assert json.loads(found.body)["detail"][0]["input"].startswith('{"island": ')


def test_a_long_value_or_key_is_cut() -> None:
    row = {**sample.EXAMPLE, sample.NUMBER: "x" * 10_000, "y" * 10_000: 1}
    assert len(refusal(json.dumps(row).encode()).body) < 1500


def test_a_flood_of_unknown_fields_is_one_error() -> None:
    row = {**sample.EXAMPLE, **{f"x{i}": 1 for i in range(5000)}}
    found = refusal(json.dumps(row).encode())
    (detail,) = json.loads(found.body)["detail"]
    assert (found.status, found.reason) == (422, "flood")
    assert "5000" in detail["msg"]
