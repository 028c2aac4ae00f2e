"""The OpenAPI document against the live service: what it says is what is served."""

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from support.posts import DISPATCHER, DOCUMENT, EXAMPLES, WITH_BODY
from support.service import Process

pytestmark = pytest.mark.by_data

OPERATIONS = {
    result.ok().label: result.ok()
    for result in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if isinstance(result, Ok)
}


def test_the_document_has_the_routes_that_clients_know() -> None:
    assert set(OPERATIONS) >= {
        *("POST /predict", "POST /predict/batch", "GET /model", "GET /model/holdout"),
        *("GET /healthz", "GET /readyz", "GET /metrics"),
    }


def test_the_dispatcher_serves_every_operation_with_a_body() -> None:
    assert set(WITH_BODY) == set(DISPATCHER.endpoints)


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_example_of_a_body_is_answered(client: httpx.Client, path: str) -> None:
    assert client.post(path, json=EXAMPLES[path]).status_code == 200


def whole(body: Any) -> Any:
    """Write 3.0 as 3: JSON Schema calls both an integer, pydantic's strict int takes the second."""
    if isinstance(body, dict):
        return {key: whole(value) for key, value in body.items()}
    if isinstance(body, list):
        return [*map(whole, body)]
    return int(body) if isinstance(body, float) and body.is_integer() else body


def check(service: Process, label: str, mode: schemathesis.GenerationMode) -> None:
    @settings(max_examples=100, deadline=None)
    @given(data=st.data())
    def play(data: st.DataObject) -> None:
        case = data.draw(OPERATIONS[label].as_strategy(generation_mode=mode))
        if mode is schemathesis.GenerationMode.POSITIVE:
            case.body = whole(case.body)
        case.call_and_validate(base_url=service.url)

    play()


@pytest.mark.parametrize("label", OPERATIONS)
def test_what_the_document_allows_is_answered_as_documented(service: Process, label: str) -> None:
    check(service, label, schemathesis.GenerationMode.POSITIVE)


@pytest.mark.parametrize("label", [f"POST {path}" for path in EXAMPLES])
def test_what_the_document_forbids_is_refused_as_documented(service: Process, label: str) -> None:
    check(service, label, schemathesis.GenerationMode.NEGATIVE)
