"""The manifest with components turned on, as their READMEs say."""

import shutil
from pathlib import Path

from support import document
from support.paths import MANIFEST, PROMETHEUS

COMPONENTS = sorted(readme.parent.name for readme in MANIFEST.glob("components/*/README.md"))
"""Those that a fork may turn on."""


def turned_on(folder: Path, *names: str) -> Path:
    """Copy the manifest into a folder and follow the READMEs there; return the manifest's copy."""
    for source in (MANIFEST, PROMETHEUS):
        shutil.copytree(source, folder / source.name)
    lines: list[str] = []
    for name in names:
        text = (MANIFEST / f"components/{name}/README.md").read_text()
        first, *added = next(
            block for block in document.blocks(text, "yaml") if block.startswith("components:")
        ).splitlines(keepends=True)
        lines += added if lines else (first, *added)
    with (folder / "manifest/kustomization.yaml").open("a") as file:
        file.writelines(lines)
    return folder / "manifest"
