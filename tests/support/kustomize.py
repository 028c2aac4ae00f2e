"""What a folder of manifests renders to, by the kustomize on the PATH."""

import subprocess
from pathlib import Path
from typing import Any

import yaml


def rendered(folder: Path) -> str:
    """Return the objects that Argo CD would deploy, as one YAML text.

    Raises RuntimeError with kustomize's own words.
    """
    command = ("kustomize", "build", folder)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"kustomize build {folder}: {done.stderr.strip()}")
    return done.stdout


def objects(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what a folder renders to, by `KIND NAME`."""
    return {name(found): found for found in yaml.safe_load_all(rendered(folder))}


def name(found: dict[str, Any]) -> str:
    """Return `KIND NAME` of an object."""
    return f"{found['kind']} {found['metadata']['name']}"
