"""A clone holds what was committed, byte for byte, however Git is set up where it is made."""

import subprocess

import pytest

from support.git import git
from support.origin import Clone
from support.paths import ROOT

WINDOWS = ("-c", "core.autocrlf=true", "-c", "core.eol=crlf")
"""What Git for Windows is set to, and what converts even where that is not."""
NOT_ON_WINDOWS = set('<>:"\\|?*')
HUMAN = ("-c", "user.name=A Human", "-c", "user.email=human@example.org")


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Clone this repository as Git for Windows does."""
    folder = tmp_path_factory.mktemp("windows") / "clone"
    git(ROOT, "clone", "--quiet", "--shared", *WINDOWS, *HUMAN, ROOT, folder)
    return Clone(folder)


def committed(clone: Clone) -> dict[str, str]:
    """Return the hash of each file in HEAD."""
    lines = clone.git("ls-tree", "-r", "-z", "HEAD").rstrip("\0").split("\0")
    return {path: about.split()[2] for about, _, path in (line.partition("\t") for line in lines)}


def checked_out(clone: Clone, paths: list[str]) -> list[str]:
    """Return the hash of each file as it stands in the folder, without any conversion."""
    command = ("git", "hash-object", "--no-filters", "--stdin-paths")
    done = subprocess.run(
        command, cwd=clone.path, input="\n".join(paths), capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def again(clone: Clone, path: str, content: bytes) -> bytes:
    """Commit a new file, check it out anew, and return what it holds then."""
    file = clone.path / path
    file.write_bytes(content)
    clone.git("add", path)
    clone.git("commit", "--quiet", "-m", f"Add {path}")
    file.unlink()
    clone.git("checkout", "--quiet", "--", path)
    return file.read_bytes()


def test_a_clone_on_windows_has_every_file_byte_for_byte(windows: Clone) -> None:
    files = committed(windows)
    found = dict(zip(files, checked_out(windows, list(files)), strict=True))
    assert [path for path in files if found[path] != files[path]] == []


@pytest.mark.parametrize(
    "path", ["new.sh", "new.py", "new.csv", "new", "tests/new.json", "api/data/new.csv"]
)
def test_a_new_text_keeps_its_line_ends_there(windows: Clone, path: str) -> None:
    assert again(windows, path, b"one\ntwo\n") == b"one\ntwo\n"


def test_what_an_editor_saves_with_crlf_is_committed_with_lf(windows: Clone) -> None:
    assert again(windows, "saved.sh", b"one\r\ntwo\r\n") == b"one\ntwo\n"


@pytest.mark.parametrize("content", [b"a\r\n1\r\n", b"a\n1\r\n", b"a\r1\r"])
def test_data_keeps_every_byte_for_its_hash(windows: Clone, content: bytes) -> None:
    assert again(windows, f"api/data/{content.hex()}.csv", content) == content


def test_names_of_files_are_possible_on_windows_and_differ_in_more_than_case() -> None:
    names = git(ROOT, "ls-files", "-z").rstrip("\0").split("\0")
    assert [name for name in names if NOT_ON_WINDOWS & set(name) or name.endswith((".", " "))] == []
    assert len({name.casefold() for name in names}) == len(names)


def test_no_file_is_a_link_which_windows_checks_out_as_text() -> None:
    staged = git(ROOT, "ls-files", "--stage").splitlines()
    assert [line for line in staged if line.startswith("120000")] == []
