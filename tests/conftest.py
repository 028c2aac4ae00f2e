import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support import components
from support.origin import Clone, Origin
from support.service import Process, serving

# For `.venv/bin/pytest`: what `make setup` has brought is found as it is within `make test`.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is marked so: the longest, begun last, would be waited for alone."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.fixture(scope="session")
def service() -> Iterator[Process]:
    """One service for all tests that leave it as it was."""
    with serving() as process:
        yield process


@pytest.fixture(scope="session")
def client(service: Process) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30) as http:
        yield http


@pytest.fixture
def turned_on(tmp_path: Path) -> Path:
    """Return a copy of the manifest in which the autoscaling component's README was followed."""
    return components.turned_on(tmp_path, "autoscaling")


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """Make a bare repository with a small manifest."""
    return Origin.create(tmp_path / "origin")


@pytest.fixture
def human(origin: Origin, tmp_path: Path) -> Clone:
    return origin.clone(tmp_path / "human")


@pytest.fixture
def clone(origin: Origin, tmp_path: Path) -> Clone:
    return origin.clone(tmp_path / "clone")
