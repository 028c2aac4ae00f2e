"""Packages come by uv, from pip's index; by pip where uv fails; by neither if they were changed."""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from support.paths import TESTS

NAME = "known-here-alone"
WHEEL = "known_here_alone-1.0-py3-none-any.whl"
FOLDER = "it's my project (año [1], R&D)"
"""Where the environment is: what people call their folders, and shells take apart."""
BY_PIP = "now by pip"


class Index(SimpleHTTPRequestHandler):
    """A folder of files, as `python -m http.server` shows it."""

    def log_message(self, *_: object) -> None:
        pass


def write_wheel(file: Path) -> str:
    """Write a package with nothing but a script; return its SHA-256."""
    about = "known_here_alone-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/entry_points.txt", f"[console_scripts]\n{NAME} = os:getcwd\n")
        wheel.writestr(f"{about}/RECORD", "")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Return pip's folder of an index, which has one package."""
    folder = tmp_path / "simple" / NAME
    folder.mkdir(parents=True)
    digest = write_wheel(folder / WHEEL)
    (tmp_path / "lock.txt").write_text(f"{NAME}==1.0 --hash=sha256:{digest}\n")
    return folder


@pytest.fixture
def index(packages: Path) -> Iterator[str]:
    folder = packages.parents[1]
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Index, directory=folder)) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/simple/"
        server.shutdown()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a virtual environment with pip, and with uv as `make setup` has installed it."""
    folder = tmp_path_factory.mktemp("environment") / FOLDER
    subprocess.run((sys.executable, "-m", "venv", folder), check=True)
    (folder / "bin/uv").symlink_to(Path(sys.executable).with_name("uv"))
    return folder


def install(environment: Path, lock: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the script with nothing but these settings."""
    own = {"PATH": "/usr/bin:/bin", "HOME": str(lock.parent), "PIP_CONFIG_FILE": "/dev/null"}
    return subprocess.run(
        (TESTS / "tools/packages.sh", lock, environment),
        env=own | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )


def is_installed(environment: Path) -> bool:
    """Tell whether the package is there, its script starts this Python, and remove it."""
    with suppress(FileNotFoundError):
        done = subprocess.run((environment / "bin" / NAME,), capture_output=True, text=True)
        assert done.stderr.strip() == str(Path.cwd())  # what it ends with
    command = (environment / "bin/pip", "uninstall", "-y", NAME)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return "Successfully uninstalled" in done.stdout


@pytest.mark.usefixtures("packages")
def test_uv_asks_the_index_that_pip_is_set_to(
    tmp_path: Path, environment: Path, index: str
) -> None:
    done = install(environment, tmp_path / "lock.txt", PIP_INDEX_URL=index)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert is_installed(environment)


def test_pip_installs_what_uv_cannot(tmp_path: Path, environment: Path, packages: Path) -> None:
    done = install(
        environment, tmp_path / "lock.txt",
        PIP_NO_INDEX="1", PIP_FIND_LINKS=str(packages), UV_OFFLINE="1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert BY_PIP in done.stdout
    assert is_installed(environment)


def test_a_package_other_than_the_locked_is_installed_by_neither(
    tmp_path: Path, environment: Path, packages: Path, index: str
) -> None:
    with zipfile.ZipFile(packages / WHEEL, "a") as wheel:
        wheel.writestr("known_here_alone.py", "")
    done = install(environment, tmp_path / "lock.txt", PIP_INDEX_URL=index)
    assert done.returncode != 0
    assert BY_PIP in done.stdout
    assert not is_installed(environment)
