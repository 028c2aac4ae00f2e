"""Images built from this working tree, pushed to the registry that REGISTRY names."""

import os
from pathlib import Path

from e2e.github import builder
from e2e.github.hub import USER
from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.paths import ROOT

DOCKERFILES = {API_IMAGE: "api/Dockerfile", LOADTESTER_IMAGE: "loadtester/Dockerfile"}


def push(path: str, *options: str, stdin: str | None = None, folder: Path = ROOT) -> str:
    """Build in a folder, push, and return the name that a manifest has for USER/NAME:TAG."""
    here = f"{os.environ['REGISTRY']}/{path}"
    common = ("--builder", builder.NAME, "--push", "--tag", here)
    builder.buildx("build", *common, *options, stdin=stdin, cwd=folder)
    return f"docker.io/{path}"


def build(name: str, version: str, folder: Path = ROOT) -> str:
    """Build one of the two images from a working tree and return its name."""
    options = ("--build-arg", f"VERSION={version}", "--file", DOCKERFILES[name], ".")
    return push(f"{USER}/{name}:{version}", *options, folder=folder)


def build_all(version: str) -> list[str]:
    """Build both images and return their names."""
    return [build(name, version) for name in DOCKERFILES]


def spoil(version: str, *lines: str) -> str:
    """Add lines to the Dockerfile of the API's image `local`; return the new image's name."""
    base = f"FROM {os.environ['REGISTRY']}/library/{API_IMAGE}:local"
    return push(f"{USER}/{API_IMAGE}:{version}", "-", stdin="\n".join((base, *lines, "")))
