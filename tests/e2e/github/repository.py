"""A bare repository as GitHub has one, and what GitHub says of a push to it."""

from pathlib import Path
from typing import Any

from support.git import git
from support.paths import ROOT

NAME = "me/mlops"
NOTHING = "0" * 40
"""Stands for the commit before a branch was made, and after it was deleted."""
DESCRIPTION = {
    "full_name": NAME,
    "name": NAME.partition("/")[2],
    "owner": {"login": NAME.partition("/")[0]},
    "default_branch": "develop",
}


def create(bare: Path, seed: Path) -> None:
    """Make a bare repository whose branch develop is this working tree as a commit.

    `seed` is a folder to make the commit in; that tree's own repository is only read.
    """
    git(ROOT, "clone", "-q", ROOT, seed)
    git(seed, "checkout", "-q", "-B", "develop")
    git(seed, "--work-tree", ROOT, "add", "-A")
    author = ("-c", "user.name=Seed", "-c", "user.email=seed@example.org")
    git(seed, *author, "commit", "-q", "--allow-empty", "-m", "Take the working tree")
    git(seed, "init", "-q", "--bare", "-b", "develop", bare)
    git(seed, "push", "-q", bare, "develop")
    git(bare, "config", "http.receivepack", "true")


def hook(bare: Path, url: str) -> None:
    """Post each push to a URL; the pusher waits for the answer."""
    file = bare / "hooks" / "post-receive"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\nexec curl -sS --fail --data-binary @- {url}\n")
    file.chmod(0o755)


def changed(bare: Path, before: str, after: str) -> list[str]:
    """Return the paths that a push changed; none for a new branch, which has nothing before."""
    if before == NOTHING:
        return []
    return git(bare, "diff", "--name-only", before, after).splitlines()


def push_event(bare: Path, before: str, after: str, ref: str) -> dict[str, Any]:
    """Return what GitHub tells a workflow of a push. The pusher is who committed the tip."""
    form = "--format=%an%n%ae%n%cn%n%ce%n%cI%n%B"
    author, email, pusher, mail, time, message = git(bare, "show", "-s", form, after).split("\n", 5)
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "created": before == NOTHING,
        "deleted": False,
        "pusher": {"name": pusher, "email": mail},
        "sender": {"login": pusher},
        "repository": DESCRIPTION,
        "head_commit": {
            "id": after,
            "message": message,
            "timestamp": time,
            "author": {"name": author, "email": email},
            "committer": {"name": pusher, "email": mail},
        },
    }
