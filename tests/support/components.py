"""The manifest with components turned on, as their READMEs say."""

import shutil
from pathlib import Path

from support import document
from support.paths import MANIFEST, PROMETHEUS

FOLDER = MANIFEST / "components"
SNIPPETS = [
    block.splitlines()
    for readme in sorted(FOLDER.glob("*/README.md"))
    for block in document.blocks(readme.read_text(), "yaml")
    if block.startswith("components:")
]
"""What the READMEs add to kustomization.yaml: a line for the key, and one for each component."""
ALL = ("alerting", "autoscaling", "progressive-delivery-autoscaled")
"""Everything that a fork may turn on, together."""


def turned_on(folder: Path, *names: str) -> Path:
    """Copy the manifest into a folder and follow the READMEs there; return the manifest's copy."""
    for source in (MANIFEST, PROMETHEUS):
        shutil.copytree(source, folder / source.name)
    lines = [f"- components/{name}" for name in names]
    assert set(lines) <= {line for snippet in SNIPPETS for line in snippet}
    with (folder / "manifest/kustomization.yaml").open("a") as file:
        file.write("\n".join(["components:", *lines, ""]))
    return folder / "manifest"
