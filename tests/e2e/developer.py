"""Somebody with a clone, who commits and pushes."""

import subprocess

from github import GitHub
from repository import git


class Developer:
    """Works on develop; the first one to push wins, so that each change begins with a pull."""

    def __init__(self, github: GitHub, name: str) -> None:
        self.folder = github.clone(name, user=name)

    def write(self, file: str, old: str, new: str, message: str) -> str:
        """Replace text that stands once in a file, push, and return the commit."""
        git(self.folder, "pull", "-q", "--ff-only")
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file}: {text.count(old)} times {old!r}"
        path.write_text(text.replace(old, new))
        return self._push(message)

    def add(self, file: str, content: str, message: str) -> str:
        """Add a file, push, and return the commit."""
        git(self.folder, "pull", "-q", "--ff-only")
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return self._push(message)

    def deploy(self, *images: str) -> str:
        """Point the manifest to images by hand, push, and return the commit."""
        git(self.folder, "pull", "-q", "--ff-only")
        named = (f"{image.rpartition('/')[2].partition(':')[0]}={image}" for image in images)
        command = ("kustomize", "edit", "set", "image", *named)
        subprocess.run(command, cwd=self.folder / "manifest", check=True, timeout=60)
        return self._push(f"Deploy {', '.join(images)}")

    def revert(self, commit: str) -> str:
        """Revert a commit, push, and return the commit that does it."""
        git(self.folder, "pull", "-q", "--ff-only")
        git(self.folder, "revert", "--no-edit", commit)
        git(self.folder, "push", "-q")
        return git(self.folder, "rev-parse", "HEAD")

    def _push(self, message: str) -> str:
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "-m", message)
        git(self.folder, "push", "-q")
        return git(self.folder, "rev-parse", "HEAD")
