"""Commit statuses, as GitHub's REST API keeps them."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

STATES = ("error", "failure", "pending", "success")
LONGEST_DESCRIPTION = 140
MOST = 1000
"""Statuses that a commit can have of one context."""

Answer = tuple[int, Any]


class Statuses:
    """All statuses of a repository; `knows` tells whether it has a commit."""

    def __init__(self, knows: Callable[[str], bool]) -> None:
        self._knows = knows
        self._numbers = itertools.count(1)
        self._all = list[tuple[str, dict[str, Any]]]()

    def create(self, commit: str, body: bytes) -> Answer:
        """Set a status of a commit: POST .../statuses/COMMIT."""
        if not self._knows(commit):
            return 422, {"message": f"No commit found for SHA: {commit}"}
        try:
            asked = json.loads(body)
        except ValueError:
            return 400, {"message": "Problems parsing JSON"}
        context = asked.get("context") or "default"
        if wrong := _wrong(asked, len(self._of(commit, context))):
            return 422, {"message": "Validation Failed", "errors": [wrong]}
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        status = {
            "id": next(self._numbers), "state": asked["state"], "context": context,
            "description": asked.get("description"), "target_url": asked.get("target_url"),
            "created_at": now, "updated_at": now,
        }  # fmt: skip
        self._all.append((commit, status))
        return 201, status

    def combined(self, commit: str, query: str = "") -> Answer:
        """Return the newest status of each context: GET .../commits/COMMIT/status."""
        newest = {status["context"].lower(): status for status in self._of(commit)}
        states = {status["state"] for status in newest.values()}
        if states & {"error", "failure"}:
            state = "failure"
        else:
            state = "success" if states == {"success"} else "pending"
        page = _page(list(newest.values()), query)
        content = {"sha": commit, "state": state, "total_count": len(newest), "statuses": page}
        return 200, content

    def listed(self, commit: str, query: str = "") -> Answer:
        """Return all statuses, the newest first: GET .../commits/COMMIT/statuses."""
        return 200, _page(self._of(commit)[::-1], query)

    def _of(self, commit: str, context: str = "") -> list[dict[str, Any]]:
        """Return a commit's statuses, of one context by whatever case or of all."""
        found = (status for sha, status in self._all if sha == commit)
        return [
            one for one in found if one["context"].lower() == (context or one["context"]).lower()
        ]


def _wrong(asked: dict[str, Any], there: int) -> dict[str, str]:
    """Return what GitHub finds wrong with a status; empty if nothing."""
    if asked.get("state") not in STATES:
        field, message = "state", "state is not included in the list"
    elif len(asked.get("description") or "") > LONGEST_DESCRIPTION:
        field, message = "description", "description is too long (maximum is 140 characters)"
    elif not (asked.get("target_url") or "http://").startswith(("http://", "https://")):
        field, message = "target_url", "target_url must use http(s) scheme"
    elif there >= MOST:
        field, message = "base", "This SHA and context has reached the maximum number of statuses."
    else:
        return {}
    return {"resource": "Status", "code": "custom", "field": field, "message": message}


def _page(statuses: list[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    asked = parse_qs(query)
    size = min(int(asked.get("per_page", ["30"])[0]), 100)
    begin = size * (int(asked.get("page", ["1"])[0]) - 1)
    return statuses[begin : begin + size]
