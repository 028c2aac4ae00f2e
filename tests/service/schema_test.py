"""The OpenAPI document against the live service: what it says is what is served."""

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from app.main import create_app
from app.model import Model
from app.settings import Settings
from support.service import Process

pytestmark = pytest.mark.by_data

SETTINGS = Settings()
DOCUMENT = create_app(SETTINGS, Model.load(SETTINGS.model_dir)).api.openapi()
OPERATIONS = {
    result.ok().label: result.ok()
    for result in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if isinstance(result, Ok)
}


def test_the_document_has_every_route_of_the_design() -> None:
    assert set(OPERATIONS) == {
        *("POST /predict", "POST /predict/batch", "GET /model", "GET /model/holdout"),
        *("GET /healthz", "GET /readyz", "GET /metrics"),
    }


def check(service: Process, label: str, mode: schemathesis.GenerationMode) -> None:
    @settings(max_examples=100, deadline=None)
    @given(data=st.data())
    def play(data: st.DataObject) -> None:
        case = data.draw(OPERATIONS[label].as_strategy(generation_mode=mode))
        case.call_and_validate(base_url=service.url)

    play()


@pytest.mark.parametrize("label", OPERATIONS)
def test_what_the_document_allows_is_answered_as_documented(service: Process, label: str) -> None:
    check(service, label, schemathesis.GenerationMode.POSITIVE)


@pytest.mark.parametrize("label", ["POST /predict", "POST /predict/batch"])
def test_what_the_document_forbids_is_refused_as_documented(service: Process, label: str) -> None:
    check(service, label, schemathesis.GenerationMode.NEGATIVE)
