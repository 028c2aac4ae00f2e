"""What Git says of deploys: which was the newest ever, and which is running now.

A deploy is a commit by the workflow's bot that changes the manifest and carries trailers. We check
the author too: a commit message may quote these trailers, and a cherry-picked deploy keeps them.
Forging the author needs push rights, and whoever has those could edit the manifest directly.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from clone import git, is_ancestor, refuse_shallow
from fields import COMMIT, SHA256, VERSION, WORDS, BadField, matching, number

MANIFEST = "manifest/kustomization.yaml"
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


def image_tags(manifest: str) -> dict[str, str]:
    """Return the tag of each image by its name in the manifests.

    Reads what `kustomize edit` writes, and hand-written block style. Raises BadField otherwise.
    """
    # At the first column `images:` is a key of the file; within any value it would be indented.
    section = re.search(r"(?m)^images:[ \t]*(?:#.*)?\n((?:[ \t#-].*\n|\n)*)", manifest + "\n")
    tags = {}
    for entry in re.split(r"(?m)^ *-(?= )", section[1])[1:] if section else ():
        fields = dict(re.findall(r"(?m)^ *(\w+): *[\"']?([^\s\"'#]+)", entry))
        if not fields.keys() >= {"name", "newTag"}:
            raise BadField(f"images of {MANIFEST}", entry.strip(), "an image with name and newTag")
        tags[fields["name"]] = fields["newTag"]
    if len(set(tags.values())) != 1:
        raise BadField(f"images of {MANIFEST}", tags, "a list of images that share one tag")
    return tags


class History:
    """All deploys of a revision, read once. Raises GitError in a shallow clone."""

    def __init__(self, revision: str = "HEAD") -> None:
        refuse_shallow()
        commits = git("rev-list", "--topo-order", revision).split()
        self._age = {commit: age for age, commit in enumerate(commits)}
        self._deploys = [deploy for deploy in _recorded(revision) if deploy.source in self._age]
        self.images = image_tags(git("show", f"{revision}:{MANIFEST}"))
        self.tag = next(iter(self.images.values()))

    def contains(self, commit: str) -> bool:
        """Tell whether the revision descends from a commit, or is it."""
        return commit in self._age

    def newer_than(self, source: str) -> Deploy | None:
        """Return the deploy of the newest source ever, if that is newer than this one.

        A revert makes no deploy undone: else a run that comes late would undo the revert.
        """
        newest = min(self._deploys, key=lambda deploy: self._age[deploy.source], default=None)
        if newest and newest.source != source and is_ancestor(source, newest.source):
            return newest
        return None

    def running(self) -> Deploy | None:
        """Return the deploy whose tag the manifest holds now: after a revert an earlier one.

        None before the first, and for a tag that somebody wrote by hand.
        """
        return next((deploy for deploy in self._deploys if deploy.tag == self.tag), None)

    def without_deploy(self) -> str:
        """Say why nothing is running that the workflow deployed."""
        if self._deploys:
            return f"{MANIFEST} holds the tag {self.tag}, which the workflow has not deployed"
        return f"nothing was deployed yet: {MANIFEST} holds the tag {self.tag}"


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
