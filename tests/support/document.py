"""The parts of a Markdown document as data."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from support.fork import tracked
from support.paths import ROOT

FENCE = re.compile(r"(?ms)^ *```(\w*)\n(.*?)^ *```$")
HEADING = re.compile(r"(?m)^(#+) (.+)$")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)|(?:src|href)=\"([^\"]+)\"")
TREE = re.compile(r"\A[\w./-]+/ +\S")
"""How the block begins that says where things are: a folder, and what is in it."""
ASSIGNMENT = re.compile(r"\w+=")
PROMPT = re.compile(r"(?m)^\$ ")
SEPARATORS = ("|", "&&")

PROGRAMS = (
    *("cd", "cp", "curl", "docker", "export", "git", "kubectl", "make", "minikube", "uvicorn"),
)
HISTORY = {"CHANGELOG.md"}
"""What was true once, and may name what is gone."""


def documents() -> list[str]:
    """Return the Markdown files that people read."""
    return [name for name in tracked() if name.endswith(".md") and name not in HISTORY]


def text_of(name: str) -> str:
    """Return the text of a document."""
    return (ROOT / name).read_text()


def sections(text: str) -> dict[str, str]:
    """Return the text of each section by its heading."""
    _, *parts = re.split(r"(?m)^## (.+)\n", text)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def headings(text: str) -> list[tuple[int, str]]:
    """Return level and text of each heading."""
    return [(len(marks), title) for marks, title in HEADING.findall(FENCE.sub("", text))]


def anchors(text: str) -> set[str]:
    """Return the anchors of a document; of two headings alike, the second has -1."""
    found, seen = set(), Counter[str]()
    for _, heading in headings(text):
        own = anchor(heading)
        found.add(f"{own}-{seen[own]}" if seen[own] else own)
        seen[own] += 1
    return found


def links(text: str) -> list[str]:
    """Return the targets of links and pictures."""
    return [here or there for here, there in LINK.findall(FENCE.sub("", text))]


def blocks(text: str, language: str = "") -> list[str]:
    """Return the fenced blocks of a language."""
    return [dedent(code) for found, code in FENCE.findall(text) if found == language]


def spans(text: str) -> list[str]:
    """Return what stands in backticks within the lines."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]*)`", FENCE.sub("", text))]


class Step(NamedTuple):
    """A command, and what it prints."""

    command: str
    output: str


def steps(text: str) -> Iterator[Step]:
    """Yield the commands that begin with a dollar sign, in their order."""
    for block in blocks(text):
        for part in PROMPT.split(block)[1:]:
            lines = part.splitlines()
            end = next(n for n, line in enumerate(lines) if not line.endswith("\\"))
            yield Step("\n".join(lines[: end + 1]), "\n".join(lines[end + 1 :]))


def is_command(line: str) -> bool:
    """Tell whether a line begins with a program that people call, or with an assignment."""
    first = line.split(maxsplit=1)[0] if line.strip() else ""
    return first in PROGRAMS or bool(ASSIGNMENT.match(line)) or (ROOT / first).is_file()


def _plain_blocks(text: str) -> list[str]:
    return [block for block in blocks(text) if not PROMPT.search(block)]


def _is_of_commands(block: str) -> bool:
    parts = (part.strip() for part in re.split(r"\n|\||&&", block))
    return not TREE.match(block) and any(map(is_command, parts))


def tree(text: str) -> list[tuple[str, str]]:
    """Return each path, and what is said of it, of the blocks that say where things are."""
    lines = [line for block in blocks(text) if TREE.match(block) for line in block.splitlines()]
    return [(path, said) for path, _, said in (line.partition(" ") for line in lines)]


def command_lines(text: str) -> Iterator[str]:
    """Yield the lines that are commands, in blocks and in backticks."""
    for block in filter(_is_of_commands, _plain_blocks(text)):
        yield from block.replace("\\\n", " ").splitlines()
    yield from (step.command.replace("\\\n", " ") for step in steps(text))
    yield from filter(is_command, spans(text))


def commands(text: str) -> Iterator[tuple[Path, list[str]]]:
    """Yield folder and words of each command; comments are none."""
    for line in command_lines(text):
        folder, command = ROOT, list[str]()
        for word in [*shlex.split(line, comments=True), SEPARATORS[0]]:
            if word not in SEPARATORS:
                command.append(word)
                continue
            if command:
                yield folder, command
            if command[:1] == ["cd"] and not command[1].isupper():  # a name to be put in
                folder = folder / command[1]
            command = []
