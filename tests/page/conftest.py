from collections.abc import Iterator

import pytest

from support.browser import shared


@pytest.fixture(scope="module", autouse=True)
def browser() -> Iterator[None]:
    """One browser for all tests of a file; each page has a profile of its own."""
    with shared():
        yield
