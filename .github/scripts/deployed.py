"""What Git says of deploys: which was the newest ever, and which is running now.

Where the cluster has undone a deploy, Git goes on naming it, and GitHub's commit statuses tell.

A deploy is a commit by the workflow's bot that changes the manifest and carries trailers. We check
the author too: a commit message may quote these trailers, and a cherry-picked deploy keeps them.
Forging the author needs push rights, and whoever has those could edit the manifest directly.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from clone import git, is_ancestor, refuse_shallow
from fields import COMMIT, SHA256, VERSION, WORDS, matching, number
from tags import MANIFEST, brought, image_tags, tag_at
from undone import undone_at

BOT = "github-actions[bot]"
BOT_EMAIL = "41898282+github-actions[bot]@users.noreply.github.com"


@dataclass(frozen=True)
class Model:
    """What a deploy records of its model; loss (lower is better), accuracy on held-out rows."""

    version: str
    loss: float
    loss_name: str
    """Name of the loss. Models are compared only if they were measured by the same one."""
    accuracy: float
    data: str
    """SHA-256 of the file that it was trained and measured on."""


@dataclass(frozen=True)
class Deploy:
    """A deploy commit."""

    commit: str
    trailers: Mapping[str, str]

    @property
    def source(self) -> str:
        """The commit that the images were built from."""
        return self.trailers.get("Source-Commit", "")

    @property
    def tag(self) -> str:
        """The tag of its images."""
        return self.trailers.get("Image-Tag", "")

    def model(self) -> Model:
        """Return its model. Raises BadField that names the commit and the trailer."""

        def trailer(name: str) -> tuple[str, str]:
            return f"{name} of the deploy {self.commit}", self.trailers.get(name, "")

        return Model(
            matching(*trailer("Model-Version"), VERSION, "a version"),
            number(*trailer("Model-Loss")),
            matching(*trailer("Model-Loss-Name"), WORDS, "lower-case words"),
            number(*trailer("Model-Accuracy"), most=1),
            matching(*trailer("Model-Data"), SHA256, "a SHA-256"),
        )


class History:
    """All deploys of a revision, read once. Raises GitError in a shallow clone."""

    def __init__(self, revision: str = "HEAD") -> None:
        refuse_shallow()
        self._revision = revision
        commits = git("rev-list", "--topo-order", revision).split()
        self._age = {commit: age for age, commit in enumerate(commits)}
        self._deploys = [deploy for deploy in _recorded(revision) if deploy.source in self._age]
        self.images = image_tags(git("show", f"{revision}:{MANIFEST}"))
        self.tag = next(iter(self.images.values()))
        self._said: dict[str, datetime | None] = {}
        self._undone: dict[str, str] = {}

    def contains(self, commit: str) -> bool:
        """Tell whether the revision descends from a commit, or is it."""
        return commit in self._age

    def newer_than(self, source: str) -> Deploy | None:
        """Return the deploy of the newest source ever, if that is newer than this one.

        A revert makes no deploy undone: else a run that comes late would undo the revert. One that
        the cluster has undone does not count: what it serves is older. Raises Unanswered.
        """
        by_age = sorted(self._deploys, key=lambda deploy: self._age[deploy.source])
        counting = (one for one in by_age if one.source == source or not self._is_undone(one))
        newest = next(counting, None)
        if newest and newest.source != source and is_ancestor(source, newest.source):
            return newest
        return None

    def running(self) -> Deploy | None:
        """Return the deploy whose tag the manifest holds now: after a revert an earlier one.

        None before the first, and for a tag that somebody wrote by hand.
        """
        return self._of(self.tag)

    def serving(self) -> Deploy | None:
        """Return the deploy that the cluster serves: the last in the manifest that is not undone.

        None as for `running`. Raises Unanswered.
        """
        return self._of(self._served)

    def left_out(self) -> str:
        """Say which deploys were found to be undone, as the end of a line; empty if none was."""
        undone = ", ".join(f"{tag} (source {source})" for tag, source in self._undone.items())
        return f"; undone by the cluster and left out of account: {undone}" if undone else ""

    def without_deploy(self) -> str:
        """Say why nothing is serving that the workflow deployed."""
        if not self._deploys:
            return f"nothing was deployed yet: {MANIFEST} holds the tag {self.tag}"
        if self._served == self.tag:
            return f"{MANIFEST} holds the tag {self.tag}, which the workflow has not deployed"
        before = f"the tag {self._served}" if self._served else "no tag"
        return f"before, {MANIFEST} held {before}, which the workflow has not deployed"

    def _of(self, tag: str) -> Deploy | None:
        return next((deploy for deploy in self._deploys if deploy.tag == tag), None)

    @cached_property
    def _served(self) -> str:
        """The tag that the manifest held before the undone deploys: its own if that is none."""
        tag, revision = self.tag, self._revision
        while (deploy := self._of(tag)) and self._is_undone(deploy):
            _, revision = brought(tag, revision)
            tag = tag_at(revision) if revision else ""
        return tag

    def _is_undone(self, deploy: Deploy) -> bool:
        """Tell whether the cluster has undone a deploy since the manifest last took its tag.

        What is deployed again, or comes back by a revert, is tried again.
        """
        if deploy.source not in self._said:
            self._said[deploy.source] = undone_at(deploy.source)
        at = self._said[deploy.source]
        if at is None:
            return False
        commit, _ = brought(deploy.tag, self._revision)
        taken = git("show", "-s", "--format=%cI", commit or deploy.commit).strip()
        if at < datetime.fromisoformat(taken):
            return False
        self._undone[deploy.tag] = deploy.source
        return True


def _recorded(revision: str) -> list[Deploy]:
    """Return the bot's commits that change the manifest and name their source, newest first."""
    form = "--format=%H%n%ae%n%(trailers:only,unfold)"
    # Without --full-history git leaves out a side of a merge whose manifest lost.
    log = git("log", "-z", "--topo-order", "--full-history", form, revision, "--", MANIFEST)
    deploys = []
    for record in filter(None, log.split("\0")):
        commit, email, *lines = record.split("\n")
        found = Deploy(commit, dict(line.split(": ", 1) for line in lines if ": " in line))
        if email == BOT_EMAIL and re.fullmatch(COMMIT, found.source):
            deploys.append(found)
    return deploys
