"""The stand-in for GitHub's commit statuses refuses what GitHub refuses."""

import json
from typing import Any

import pytest

from e2e.github.statuses import MOST, Statuses

COMMIT = "c" * 40


@pytest.fixture
def statuses() -> Statuses:
    return Statuses(lambda commit: commit == COMMIT)


def create(statuses: Statuses, commit: str = COMMIT, **asked: Any) -> tuple[int, Any]:
    return statuses.create(commit, json.dumps({"state": "failure"} | asked).encode())


def test_a_status_is_created_and_read(statuses: Statuses) -> None:
    status, created = create(statuses, description="worse", target_url="https://example.org/")
    assert (status, created["context"]) == (201, "default")
    assert statuses.listed(COMMIT) == (200, [created])
    assert statuses.combined(COMMIT) == (
        200,
        {"sha": COMMIT, "state": "failure", "total_count": 1, "statuses": [created]},
    )


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"state": "undone"}, "state"),
        ({"state": None}, "state"),
        ({"description": "x" * 141}, "description"),
        ({"target_url": "runbook.md"}, "target_url"),
    ],
)
def test_a_field_that_github_refuses_is_refused(
    statuses: Statuses, asked: dict[str, Any], field: str
) -> None:
    status, said = create(statuses, **asked)
    assert (status, said["errors"][0]["field"]) == (422, field)
    assert statuses.listed(COMMIT) == (200, [])


def test_a_commit_that_is_not_there_and_a_body_that_is_no_json_are_refused(
    statuses: Statuses,
) -> None:
    assert create(statuses, "d" * 40)[0] == 422
    assert statuses.create(COMMIT, b"state=failure")[0] == 400


def test_a_commit_takes_a_thousand_of_one_context(statuses: Statuses) -> None:
    for _ in range(MOST):
        assert create(statuses, context="one")[0] == 201
    assert create(statuses, context="ONE")[0] == 422
    assert create(statuses, context="another")[0] == 201


def test_the_newest_of_each_context_makes_the_combined_state(statuses: Statuses) -> None:
    assert statuses.combined(COMMIT)[1]["state"] == "pending"
    for state, combined in (("error", "failure"), ("pending", "pending"), ("success", "success")):
        create(statuses, state=state)
        assert statuses.combined(COMMIT)[1]["state"] == combined
    page = statuses.listed(COMMIT, "per_page=2&page=2")[1]
    assert [status["state"] for status in page] == ["error"]
