"""The OpenAPI document against the live service: what it says is what is served."""

import httpx
import pytest
import schemathesis
from hypothesis import settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.checks import not_a_server_error

from service import Process


@pytest.fixture
def documented(service: Process) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("documented")


@schema.parametrize()
@settings(max_examples=60, deadline=None)
def test_every_answer_is_one_that_is_documented(case: schemathesis.Case) -> None:
    case.call_and_validate()
