"""Wait for what happens in another process."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(what: str, found: Callable[[], T], seconds: float = 120) -> T:
    """Return what `found` does once that is true; raise TimeoutError with its last result.

    Where no time is promised it is long: a busy machine needs half a minute to start Python.
    """
    deadline = time.monotonic() + seconds
    while not (result := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s; last: {result!r}")
        time.sleep(0.2)
    return result
