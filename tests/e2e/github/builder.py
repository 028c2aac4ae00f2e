"""BuildKit in a container, as docker/setup-buildx-action makes it for each run.

Here one serves all runs and every image of the tests, and stays for the next time with its cache.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

NAME = "mlops-e2e"
CONFIGURATION = """\
[registry."docker.io"]
  mirrors = ["{registry}"]
[registry."{registry}"]
  http = true
"""
"""Images to build from are asked of the registry that REGISTRY names before Docker Hub is."""


def buildx(*arguments: str, stdin: str | None = None, cwd: Path | None = None) -> str:
    """Return what `docker buildx` prints. Raises RuntimeError with its words if it fails."""
    command = ("docker", "buildx", *arguments)
    done = subprocess.run(
        command, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=900
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"docker buildx {arguments[0]}: {done.stderr[-3000:]}")
    return done.stdout


def create(folder: Path) -> None:
    """Make the builder unless it is there, and start it; its configuration goes to the folder."""
    try:
        buildx("inspect", "--bootstrap", NAME)
    except RuntimeError:
        file = folder / "buildkitd.toml"
        file.write_text(CONFIGURATION.format(registry=os.environ["REGISTRY"]))
        buildx(
            *("create", "--name", NAME, "--driver", "docker-container", "--bootstrap"),
            *("--buildkitd-config", str(file)),
            *("--driver-opt", "network=host"),  # the registry may be this machine's
        )


def published(image: str, what: str) -> Any:
    """Return what the registry has of an image of docker.io: its Image, its Provenance."""
    here = f"{os.environ['REGISTRY']}/{image.removeprefix('docker.io/')}"
    asked = ("--builder", NAME, "--format", f"{{{{json .{what}}}}}")
    return json.loads(buildx("imagetools", "inspect", *asked, here))
