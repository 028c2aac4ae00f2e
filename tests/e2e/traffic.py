"""Somebody who asks the service all the time, and notes what comes back."""

import re
import threading
import time
from itertools import cycle

import httpx

from support.cluster import API_PORT, url

PAUSE = 0.1
VERSION = re.compile(r'serving_build_info\{[^}]*\bversion="([^"]*)"')


def versions(asks: int = 20) -> set[str]:
    """Return the image versions that answer, each asked on a new connection."""
    pages = [httpx.get(f"{url(API_PORT)}/metrics", timeout=5).text for _ in range(asks)]
    return {version for page in pages for version in VERSION.findall(page)}


class Traffic:
    """Sends a held-out row ten times a second, on a new connection, until the block ends."""

    def __init__(self) -> None:
        self.answered, self.failed = 0, list[str]()
        self.models = set[str]()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._visit)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _visit(self) -> None:
        held_out = httpx.get(f"{url(API_PORT)}/model/holdout", timeout=5).json()["rows"]
        rows = cycle(example["row"] for example in held_out)  # one row alone would be drift
        while not self._ended.wait(PAUSE):
            try:
                answer = httpx.post(f"{url(API_PORT)}/predict", json=next(rows), timeout=5)
                self.models.add(answer.raise_for_status().json()["model_version"])
                self.answered += 1
            except httpx.HTTPError as error:
                self.failed.append(f"{time.strftime('%T')} {type(error).__name__}: {error}")
