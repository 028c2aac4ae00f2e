"""The files that training writes."""

from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of each file of an artifact, by its name."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}
