"""Images built from this working tree, pushed to the registry that REGISTRY names."""

import os
import subprocess

from e2e.github.hub import USER
from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.paths import ROOT

DOCKERFILES = {API_IMAGE: "api/Dockerfile", LOADTESTER_IMAGE: "loadtester/Dockerfile"}


def buildah(*arguments: str, stdin: str = "") -> None:
    """Run buildah at the root of the repository. Raises RuntimeError with its words."""
    command = ("buildah", *arguments)
    done = subprocess.run(
        command, cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=900
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"buildah {arguments[0]}: {done.stderr[-3000:]}")


def push(path: str, *options: str, stdin: str = "") -> str:
    """Build, push, and return the name that a manifest has for USER/NAME:TAG."""
    here = f"{os.environ['REGISTRY']}/{path}"
    buildah("bud", "-q", "--isolation", "chroot", "--layers", "-t", here, *options, stdin=stdin)
    buildah("push", "-q", "--tls-verify=false", here)
    return f"docker.io/{path}"


def build(name: str, version: str) -> str:
    """Build one of the two images and return its name."""
    options = ("--build-arg", f"VERSION={version}", "-f", DOCKERFILES[name], ".")
    return push(f"{USER}/{name}:{version}", *options)


def build_all(version: str) -> list[str]:
    """Build both images and return their names."""
    return [build(name, version) for name in DOCKERFILES]


def spoil(version: str, *lines: str) -> str:
    """Add lines to the Dockerfile of the API's image `local`; return the new image's name."""
    base = f"FROM {os.environ['REGISTRY']}/library/{API_IMAGE}:local"
    dockerfile = "\n".join((base, *lines, ""))
    return push(
        f"{USER}/{API_IMAGE}:{version}", "--tls-verify=false", "-f", "-", ".", stdin=dockerfile
    )
