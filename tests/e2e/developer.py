"""Somebody with a clone, who commits and pushes."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from e2e.github.hub import GitHub
from support.git import git

API_DEPLOYMENT = "manifest/api-deployment.yaml"
"""What tests change of the API, beside its image."""


def replace(file: Path, old: str, new: str) -> None:
    """Replace text that stands once in a file."""
    text = file.read_text()
    assert text.count(old) == 1, f"{file}: {text.count(old)} times {old!r}"
    file.write_text(text.replace(old, new))


class Developer:
    """Works on develop; the first one to push wins, so that each change begins with a pull."""

    def __init__(self, github: GitHub, name: str) -> None:
        self.folder = github.clone(name, user=name)

    def write(self, file: str, old: str, new: str, message: str) -> str:
        """Replace text that stands once in a file, push, and return the commit."""
        return self.change(lambda folder: replace(folder / file, old, new), message)

    def add(self, file: str, content: str, message: str) -> str:
        """Add a file, push, and return the commit."""

        def edit(folder: Path) -> None:
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

        return self.change(edit, message)

    def change(self, edit: Callable[[Path], None], message: str) -> str:
        """Edit the clone, push, and return the commit."""
        self._pull()
        edit(self.folder)
        return self._commit(message)

    def deploy(self, *images: str) -> str:
        """Point the manifest to images by hand, push, and return the commit."""
        self._pull()
        named = (f"{image.rpartition('/')[2].partition(':')[0]}={image}" for image in images)
        command = ("kustomize", "edit", "set", "image", *named)
        subprocess.run(command, cwd=self.folder / "manifest", check=True, timeout=60)
        return self._commit(f"Deploy {', '.join(images)}")

    def revert(self, commit: str) -> str:
        """Revert a commit, push, and return the commit that does it."""
        self._pull()
        git(self.folder, "revert", "--no-edit", commit)
        return self._push()

    def _pull(self) -> None:
        git(self.folder, "pull", "-q", "--ff-only")

    def _commit(self, message: str) -> str:
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "-m", message)
        return self._push()

    def _push(self) -> str:
        git(self.folder, "push", "-q")
        return git(self.folder, "rev-parse", "HEAD")
