"""docs/runbook.md as data, and what it names in code although it does not exist."""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent
from urllib.parse import urlsplit

import named
import telemetry
from stack import ROOT

RUNBOOK = ROOT / "docs/runbook.md"
FENCE = re.compile(r"(?ms)^ *```(\w*)\n(.*?)^ *```$")
PROGRAMS = ("curl ", "git ", "kubectl ", "make ")
API = 30800
"""The port of the node whose paths are ours to know."""


def introduction() -> str:
    """Return what comes before the first section."""
    return RUNBOOK.read_text().partition("\n## ")[0]


def sections() -> dict[str, str]:
    """Return the text of each section by its heading."""
    _, *parts = re.split(r"(?m)^## (.+)\n", RUNBOOK.read_text())
    return dict(zip(parts[::2], parts[1::2], strict=True))


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def blocks(text: str, language: str = "") -> list[str]:
    """Return the fenced blocks of a language."""
    return [dedent(code) for found, code in FENCE.findall(text) if found == language]


def spans(text: str) -> list[str]:
    """Return what stands in backticks within the lines."""
    found: list[str] = re.findall(r"`([^`]*)`", FENCE.sub("", text))
    return found


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command, in blocks and in backticks; comments are none."""
    shown = [line for block in blocks(text) for line in block.splitlines()]
    shown += [span for span in spans(text) if span.startswith(PROGRAMS)]
    for line in shown:
        command: list[str] = []
        for word in [*shlex.split(line, comments=True), "|"]:
            if word not in ("|", "&&"):
                command.append(word)
                continue
            yield command
            command = []


def is_reachable(url: str) -> bool:
    """Tell whether something of ours answers at an address."""
    parts = urlsplit(url)
    if parts.netloc.partition(":")[0] != "$NODE" or parts.port not in named.ports():
        return False
    return parts.port != API or parts.path in named.routes()


def missing_for_kubectl(command: list[str]) -> Iterator[str]:
    """Yield namespaces, objects and values of labels that do not exist."""
    options = dict(pairwise(command))
    namespace = options.get("-n", "")
    if namespace and namespace not in {space for space, _ in named.objects()}:
        yield f"namespace {namespace}"
    if options.get("-l", "").partition("=")[2] not in named.written() | {""}:
        yield f"label {options['-l']}"
    for word in command:
        if re.fullmatch(r"[a-z]+/[a-z-]+", word) and (namespace, word) not in named.objects():
            yield f"{word} in namespace {namespace!r}"


def missing_for(command: list[str]) -> Iterator[str]:
    """Yield what a command names and is not there."""
    program = command[0] if command else ""
    if program == "kubectl":
        yield from missing_for_kubectl(command)
    if program == "make":
        yield from set(command[1:]) - named.targets()
    for word in command:
        yield from (u for u in re.findall(r"https?://\S*", word) if not is_reachable(u))
        yield from set(re.findall(r"\^([A-Z][\w-]+): ", word)) - named.trailers()
        if word.startswith("query="):
            yield from telemetry.metrics_read(word.removeprefix("query=")) - named.metrics()
        if program != "kubectl" and re.fullmatch(r"(\w+/)+[\w.-]*", word):
            yield from () if (ROOT / word).exists() else (word,)


def exists(span: str) -> bool:
    """Tell whether something has this name."""
    return (
        span in {name for _, name in named.objects()} | named.panels().keys() | named.written()
        or span in named.metrics() | named.trailers() | named.routes() | named.alerts().keys()
        or (ROOT / span).exists()
        or is_reachable(span)
    )


def missing(text: str) -> list[str]:
    """Return all that is named in backticks or used in a command, and does not exist."""
    names = [span for span in spans(text) if not span.startswith(PROGRAMS)]
    used = [name for command in commands(text) for name in missing_for(command)]
    return used + [name for name in names if not exists(name)]
