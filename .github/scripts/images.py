"""The images of the manifest: set by kustomize, then looked for in what it renders."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from clone import git, run
from tags import MANIFEST

FOLDER = str(PurePosixPath(MANIFEST).parent)
IMAGE = re.compile(r"(?m)^ *(?:- )?image: [\"']?([^\s\"']+)")


class Refused(Exception):
    """What would be deployed is not what was asked for. One line, or a program's own words."""


def _kustomize(*arguments: str) -> str:
    done = run("kustomize", *arguments, folder=FOLDER)
    if done.returncode:
        words = done.stderr.strip()
        raise Refused(f"kustomize {arguments[0]} ended with {done.returncode}: {words}")
    return done.stdout


def edit(images: Mapping[str, str]) -> None:
    """Point each image, by its name in the manifests, to REPOSITORY:TAG@DIGEST."""
    _kustomize("edit", "set", "image", *(f"{name}={image}" for name, image in images.items()))


def verify(images: Mapping[str, str]) -> bool:
    """Tell whether the edit changed the manifest.

    Raises Refused unless every container with one of these images has exactly the one asked for,
    and no other file has changed.
    """
    rendered = set(re.findall(IMAGE, _kustomize("build", ".")))
    for name, wanted in images.items():
        ours = {name, _repository(wanted)}
        found = {image for image in rendered if ours & {_repository(image), _name(image)}}
        if found != {wanted}:
            shown = ", ".join(sorted(found)) or "nothing"
            raise Refused(f"{FOLDER} renders {name} as {shown}, not as {wanted}")
    changed = git("diff", "--name-only", "HEAD").splitlines()
    if changed not in ([], [MANIFEST]):
        raise Refused(f"not only {MANIFEST} has changed, but {', '.join(changed)}")
    return bool(changed)


def _repository(image: str) -> str:
    """Return an image's reference without tag and digest; a port stays."""
    return re.sub(r":[^:/]*$", "", image.partition("@")[0])


def _name(image: str) -> str:
    """Return the last part of an image's repository."""
    return _repository(image).rpartition("/")[2]
