"""Commands of a document and the output that it promises, as data."""

import re
from collections.abc import Iterator
from math import isclose
from pathlib import Path
from typing import NamedTuple

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
HASHED = re.compile(r"\b[0-9a-f]{12}\b")
UNSTABLE = 1e-3
"""Below this a number is a rounding error, which another processor has otherwise."""


class Step(NamedTuple):
    """A command, and what it prints."""

    command: str
    output: str


def blocks(document: Path, language: str = "") -> list[str]:
    """Return the contents of the fenced blocks of a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", document.read_text(), re.DOTALL | re.MULTILINE
    )


def steps(document: Path) -> Iterator[Step]:
    """Yield the commands, which begin with a dollar sign, in their order."""
    for block in blocks(document):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            end = next(n for n, line in enumerate(lines) if not line.endswith("\\"))
            yield Step("\n".join(lines[: end + 1]), "\n".join(lines[end + 1 :]))


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
