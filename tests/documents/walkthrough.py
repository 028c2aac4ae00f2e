"""What the commands of a document print, beside the output that it promises."""

import re
from math import isclose

from support.fork import Fork

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
HASHED = re.compile(r"\b[0-9a-f]{12}\b")
YOURS = "/home/you/mlops"
"""Folder of the repository, in the documents."""
UNSTABLE = 1e-3
"""Below this a number is a rounding error, which another processor has otherwise."""


def printed(fork: Fork, command: str) -> str:
    """Return what a command prints in a copy, whose folder is called as in the documents."""
    done = fork.run(command)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace(str(fork.folder), YOURS)


def words(text: str) -> str:
    """Return a text with a mark in place of each version and number, blanks collapsed."""
    marked = NUMBER.sub("#", HASHED.sub("<version>", text))
    return "\n".join(" ".join(line.split()) for line in marked.strip().splitlines())


def numbers(text: str) -> list[float]:
    """Return the numbers of a text, versions left out."""
    return [float(found) for found in NUMBER.findall(HASHED.sub("", text))]


def same(promised: str, found: str) -> bool:
    """Tell if two outputs are the same but for versions and the last digits of numbers."""
    if words(promised) != words(found):
        return False
    pairs = zip(numbers(promised), numbers(found), strict=True)
    return all(isclose(a, b, rel_tol=1e-3) or max(abs(a), abs(b)) < UNSTABLE for a, b in pairs)
