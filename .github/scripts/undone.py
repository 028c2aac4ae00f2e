"""Which deploys the cluster has undone, as commit statuses on GitHub say.

Where its owner has given it a token for that, Alertmanager sets the status `progressive-delivery`
of a commit to `failure` when Argo Rollouts has taken the model back that was built from it. Besides
that token, only people and apps that may push can set a status, and the newest one counts.
"""

import itertools
import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from remote import Again

CONTEXT = "progressive-delivery"
EVERY = 5
"""Seconds between two questions where GitHub is in trouble."""
LONGEST = 60
"""Seconds for which it is asked again."""
PAGE = 100
"""Statuses in an answer, as many as GitHub gives."""
LATER = "choose Re-run failed jobs when it does"
RIGHTS = "give the step TOKEN, and its job the permission statuses: read"


class Unanswered(Exception):
    """GitHub does not say whether a deploy was undone. One line with the reason and the remedy."""


def undone_at(source: str) -> datetime | None:
    """Return when it was said that the cluster has undone a source; None if it has not.

    Outside a workflow's run nobody is asked, and nothing is undone. Raises Unanswered.
    """
    if "GITHUB_REPOSITORY" not in os.environ:
        return None
    deadline = time.monotonic() + LONGEST
    while True:
        try:
            return _newest(source)
        except Again as error:
            if time.monotonic() > deadline:
                raise _unanswered(source, error, LATER) from None
            time.sleep(EVERY)
        except (KeyError, TypeError, ValueError):
            raise _unanswered(source, "its answer cannot be read", LATER) from None


def _newest(source: str) -> datetime | None:
    """Return when the newest status was set, if that is `failure`. Raises Again and Unanswered."""
    # GitHub ignores the case of a context.
    ours = (one for one in _statuses(source) if str(one["context"]).lower() == CONTEXT)
    status = next(ours, None)
    if status is None or status["state"] != "failure":
        return None
    return datetime.fromisoformat(status["created_at"]).astimezone()


def _statuses(source: str) -> Iterator[dict[str, Any]]:
    """Yield a commit's statuses, of each context the newest."""
    for number in itertools.count(1):
        page = _page(source, number)
        yield from page
        if len(page) < PAGE:
            return


def _page(source: str, number: int) -> list[dict[str, Any]]:
    """Return a page of a commit's statuses."""
    get = os.environ
    path = f"repos/{get['GITHUB_REPOSITORY']}/commits/{source}/status"
    url = f"{get['GITHUB_API_URL']}/{path}?per_page={PAGE}&page={number}"
    authorization = f"Bearer {get.get('TOKEN', '')}"
    headers = {"Authorization": authorization, "Accept": "application/vnd.github+json"}
    try:
        with urlopen(Request(url, headers=headers), timeout=15) as answer:  # noqa: S310  # GitHub's own
            found: list[dict[str, Any]] = json.load(answer)["statuses"]
            return found
    except HTTPError as error:
        if error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= 500:
            raise Again(f"it answers {error.code}") from None
        raise _unanswered(source, f"it answers {error.code}", RIGHTS) from None
    except (HTTPException, OSError) as error:
        raise Again(str(error)) from None


def _unanswered(source: str, why: object, remedy: str) -> Unanswered:
    return Unanswered(f"GitHub does not say whether {source} was undone: {why}; {remedy}")
