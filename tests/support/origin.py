"""A throw-away Git remote with a small manifest, and clones of it."""

import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from support.git import ENVIRONMENT, git
from support.images import API_IMAGE, LOADTESTER_IMAGE
from support.paths import SCRIPTS

MANIFEST = "manifest/kustomization.yaml"
BOT = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
DATA = "d" * 64
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  template:
    spec:
      containers:
      - name: main
        image: {image}
"""
FILES = {
    "README.md": "A project\n",
    "manifest/api-deployment.yaml": DEPLOYMENT.format(name="api", image=API_IMAGE),
    "manifest/locust-deployment.yaml": DEPLOYMENT.format(name="locust", image=LOADTESTER_IMAGE),
    "manifest/script-deployment.yaml": DEPLOYMENT.format(name="script", image=LOADTESTER_IMAGE),
    MANIFEST: f"""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- api-deployment.yaml
- locust-deployment.yaml
- script-deployment.yaml
# Before the first publish.
images:
- name: {LOADTESTER_IMAGE}
  newTag: local
- name: {API_IMAGE}
  newTag: local
""",
}

Done = subprocess.CompletedProcess[str]


def tag(n: int) -> str:
    """Return the n-th tag."""
    return f"2026-01-02-03-04-{n:02}"


def digest(n: int, name: str) -> str:
    """Return the digest of an image in the n-th deploy."""
    return f"sha256:{n:063x}{'a' if name == API_IMAGE else 'b'}"


def image(n: int, name: str) -> str:
    """Return an image as the n-th deploy's manifest shall render it."""
    return f"docker.io/someone/{name}:{tag(n)}@{digest(n, name)}"


def record(n: int, source: str, loss: float = 0.04, data: str = DATA) -> str:
    """Return the message of the n-th deploy."""
    return (
        f"Deploy {tag(n)}\n\nSource-Commit: {source}\nImage-Tag: {tag(n)}\n"
        f"Model-Version: {n:012x}\nModel-Loss: {loss}\n"
        "Model-Loss-Name: log loss\nModel-Accuracy: 0.98\n"
        f"Model-Data: {data}\n"
    )


class Clone:
    """A clone with a human's name, or the bare repository itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str, **environment: str) -> str:
        """Return what git prints in here; raise RuntimeError where it fails."""
        return git(self.path, *arguments, **environment)

    def run(self, *command: str, **environment: str) -> Done:
        """Run a program in here."""
        return subprocess.run(
            command, cwd=self.path, env=ENVIRONMENT | environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def commit(self, subject: str, **files: str) -> str:
        """Commit files, by their paths, as a human; return the commit."""
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        return self.head()

    def deploy(self, n: int, source: str, loss: float = 0.04, data: str = DATA) -> str:
        """Commit what the n-th deploy would, as the bot; return the commit."""
        images = "".join(
            f"- digest: {digest(n, name)}\n  name: {name}\n"
            f"  newName: docker.io/someone/{name}\n  newTag: {tag(n)}\n"
            for name in (LOADTESTER_IMAGE, API_IMAGE)
        )
        manifest = self.path / MANIFEST
        manifest.write_text(manifest.read_text().partition("images:\n")[0] + "images:\n" + images)
        author = f"--author={BOT[0]} <{BOT[1]}>"
        self.git("commit", "-qa", author, "-m", record(n, source, loss, data))
        return self.head()

    def push(self) -> None:
        """Push develop."""
        self.git("push", "--quiet", "origin", "HEAD:develop")

    def head(self) -> str:
        """Return the commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    def write_back(self, n: int, source: str, *options: str, **environment: str) -> Done:
        """Run the script for the n-th deploy; later options win."""
        return self.run(*write_back(n, source, *options), **environment)


def write_back(n: int, source: str, *options: str) -> tuple[str, ...]:
    """Return the command of the n-th deploy."""
    images = [
        f"--image={name}=docker.io/someone/{name}@{digest(n, name)}"
        for name in (LOADTESTER_IMAGE, API_IMAGE)
    ]
    model = [
        f"--model-version={n:012x}", "--model-loss=0.04", "--model-loss-name=log loss",
        "--model-accuracy=0.98",
    ]  # fmt: skip
    return (
        sys.executable, str(SCRIPTS / "write_back.py"), f"--tag={tag(n)}", f"--source={source}",
        *images, *model, f"--model-data={DATA}", *options,
    )  # fmt: skip


class Origin(Clone):
    """The bare repository."""

    @classmethod
    def create(cls, path: Path) -> "Origin":
        """Create it with one commit in develop."""
        path.mkdir(parents=True)
        origin = cls(path)
        origin.git("init", "--quiet", "--bare", "--initial-branch=develop")
        with tempfile.TemporaryDirectory() as folder:
            first = origin.clone(Path(folder) / "first")
            first.commit("Begin", **FILES)
            first.push()
        return origin

    def clone(self, path: Path, *options: str) -> Clone:
        """Return a clone, checked out at develop."""
        human = ("-c", "user.name=A Human", "-c", "user.email=human@example.org")
        self.git("clone", "--quiet", *human, *options, f"file://{self.path}", str(path))
        return Clone(path)

    def tip(self) -> str:
        """Return the commit at develop."""
        return self.git("rev-parse", "develop")

    def show(self, path: str) -> str:
        """Return a file's content in develop."""
        return self.git("show", f"develop:{path}")

    def refuse(self, words: str) -> None:
        """Let the server refuse every push with these words, as a protected branch does."""
        script(self.path / "hooks/pre-receive", f"echo '{words}' >&2; exit 1")


def script(path: Path, body: str) -> None:
    """Write a shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def instead(folder: Path, program: str, body: str) -> dict[str, str]:
    """Put a script before a program on the PATH; there the program itself is "$real".

    Returns the environment that has it.
    """
    find = f'real=$(PATH="${{PATH#*:}}" command -v {program})'
    script(folder / program, f"{find}\n{body}")
    return {"PATH": f"{folder}:{ENVIRONMENT['PATH']}"}
