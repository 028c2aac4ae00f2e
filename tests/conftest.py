from collections.abc import Iterator

import httpx
import pytest

from service import Process, serving


@pytest.fixture(scope="session")
def service() -> Iterator[Process]:
    """One service for all tests that leave it as it was."""
    with serving() as process:
        yield process


@pytest.fixture(scope="session")
def client(service: Process) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30) as http:
        yield http
