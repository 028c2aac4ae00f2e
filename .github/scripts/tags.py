"""The tag of the manifest's images: now, and in earlier commits."""

import re

from clone import GitError, git
from fields import BadField

MANIFEST = "manifest/kustomization.yaml"


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


def tag_at(commit: str) -> str:
    """Return the tag that the manifest held at a commit; empty where it held none or several."""
    try:
        return next(iter(image_tags(git("show", f"{commit}:{MANIFEST}")).values()))
    except (BadField, GitError):
        return ""


def brought(tag: str, revision: str) -> tuple[str, str]:
    """Return the newest commit up to a revision that brought a tag, and the commit before it.

    A merge that takes the tag of one of its sides brings nothing. Both are empty where there is
    no such commit, and the second is where it is a repository's first.
    """
    form = "--format=%H %P"
    log = git("log", "--topo-order", "--full-history", form, revision, "--", MANIFEST)
    for line in log.splitlines():
        commit, *parents = line.split()
        if tag_at(commit) == tag and tag not in map(tag_at, parents):
            return commit, parents[0] if parents else ""
    return "", ""
