"""Find names in documents that refer to nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from documents import known_names
from documents.commands import PATH, for_command
from support import document
from support.paths import ROOT

METHODS = "(?:DELETE|GET|HEAD|PATCH|POST|PUT)"
FORMAL = re.compile(
    rf"(?:{METHODS} )?/[\w/{{}}.-]*|{PATH}|https?://.*|SERVING_\w*"
    r"|[a-z]\w*_(?:bucket|count|info|ratio|seconds|sum|total)|\w+(?::\w+)+"
)
"""What a route, a path, an address, a setting or a metric looks like: nothing else may be meant."""


def is_reachable(url: str) -> bool:
    """Tell whether something of ours answers at an address, or whether it is somebody else's."""
    parts = urlsplit(url)
    host = parts.netloc.partition(":")[0]
    if host == "$NODE":
        return parts.port in known_names.node_ports().values() and (
            parts.port != known_names.node_ports()["api-service"]
            or parts.path in known_names.routes() | {""}
        )
    if host in ("127.0.0.1", "localhost"):
        return parts.port in known_names.local_ports() and (
            parts.port != known_names.default_port() or parts.path in known_names.routes() | {""}
        )
    return parts.scheme == "https" and "." in host


def used(text: str) -> Iterator[str]:
    """Yield what commands, addresses, the tree and diagrams name and is not there."""
    for folder, command in document.commands(text):
        yield from for_command(folder, command)
    for url in re.findall(r"https?://[^\s`'\")>,;]+", text):
        yield from () if is_reachable(url.rstrip(".:")) else (url,)
    yield from set(re.findall(r"\bSERVING_\w+", text)) - known_names.settings()
    for port in re.findall(r"(?<![\w.,:-])3[0-2]\d{3}(?![\w,-])", text):
        yield from () if int(port) in known_names.node_ports().values() else (f"port {port}",)
    for service, port in re.findall(r"(?m)^ *\| `([\w-]+)` \| (\d{4,5}) ", text):
        if known_names.node_ports().get(service) != int(port):
            yield f"{service} at port {port}"
    for path, said in document.tree(text):
        yield from in_words(path, said)
    for label in re.findall(r'"([^"]*)"', "\n".join(document.blocks(text, "mermaid"))):
        for part in label.split("<br>"):
            yield from used(f"`{part}`") if document.is_command(part) else in_words("", part)


def in_words(path: str, said: str) -> Iterator[str]:
    """Yield a path that does not exist, and the files and commands that its description names."""
    yield from () if (ROOT / path).exists() else (path,)
    yield from used("".join(f"`{span}`" for span in document.spans(said)))
    for word in re.split(r"[\s,;:]+", said):
        is_there = (ROOT / path / word).exists() or (not path and word in known_names.files())
        if re.fullmatch(PATH, word) and not is_there:
            yield f"{path} {word}".strip()


def named_nowhere(text: str) -> list[str]:
    """Return what stands in backticks and is no name of anything."""
    return [span for span in document.spans(text) if not document.is_command(span)
            and not exists(span)]  # fmt: skip


def exists(span: str) -> bool:
    """Tell whether something has this name."""
    return (
        span
        in {name for _, name in known_names.objects()}
        | known_names.panels().keys()
        | known_names.written()
        or span
        in known_names.metrics()
        | known_names.trailers()
        | known_names.alerts().keys()
        | known_names.settings()
        or span in known_names.routes() | known_names.operations()
        or any(ROOT.glob(span) if re.fullmatch(PATH, span) else ())
        or (span.startswith("http") and is_reachable(span))
    )


def strictly(text: str) -> list[str]:
    """Return all that is named in backticks or used in a command, and does not exist."""
    return [*used(text), *named_nowhere(text)]


def missing(text: str) -> list[str]:
    """Return the same, but for files by their last name and plain words that stand in code."""
    names = (span for span in named_nowhere(text) if span not in known_names.files())
    return [*used(text), *(s for s in names if FORMAL.fullmatch(s) or not known_names.in_code(s))]


def links(text: str, folder: Path) -> list[str]:
    """Return the links and pictures of a document in a folder that lead nowhere."""
    return [target for target in document.links(text) if not leads(target, text, folder)]


def leads(target: str, text: str, folder: Path) -> bool:
    """Tell whether the target of a link exists, and its anchor in it."""
    if re.match(r"[a-z]+:", target):
        return is_reachable(target)
    path, _, fragment = unquote(target).partition("#")
    there = folder / path
    if not there.exists():
        return False
    other = there.read_text() if fragment and path else text
    return not fragment or fragment in document.anchors(other)
