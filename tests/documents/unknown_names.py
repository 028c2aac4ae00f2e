"""Find names in documents that refer to nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from documents import known_names
from documents.commands import FILE, PATH, for_command
from support import document
from support.paths import ROOT

METHODS = "(?:DELETE|GET|HEAD|PATCH|POST|PUT)"
FORMAL = re.compile(
    rf"(?:{METHODS} )?/[\w/{{}}.-]*|{PATH}|https?://.*|SERVING_\w*"
    r"|[a-z]\w*_(?:bucket|count|info|ratio|seconds|sum|total)|[a-z]\w*(?::\w+)+|[A-Z][\w ]*: \S.*"
)
"""What a route, a path, an address, a setting, a metric and a panel look like."""
WORD = re.compile(r"(?:--)?\w[\w-]*")
"""What the other names look like: alerts, options, variables, words of code."""


def is_reachable(url: str) -> bool:
    """Tell whether an address of ours is answered; those of others are not asked."""
    parts = urlsplit(url)
    host = parts.netloc.partition(":")[0]
    if host == "$NODE":
        ports, api = set(known_names.node_ports().values()), known_names.node_ports()["api-service"]
    elif host in ("127.0.0.1", "localhost"):
        ports, api = known_names.local_ports(), known_names.default_port()
    else:
        return True
    return parts.port in ports and (parts.port != api or parts.path in known_names.routes() | {""})


def used(text: str) -> Iterator[str]:
    """Yield what commands, addresses, tables of ports, trees and diagrams name in vain."""
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
        yield from () if (ROOT / path).exists() else (path,)
        yield from set(re.findall(FILE, said)) - known_names.files()
    for label in re.findall(r'"([^"]*)"', "\n".join(document.blocks(text, "mermaid"))):
        commands = filter(document.is_command, label.split("<br>"))
        yield from used("".join(f"`{command}`" for command in commands))


def exists(span: str) -> bool:
    """Tell whether a name in backticks is one of ours, or does not look like one."""
    if FORMAL.fullmatch(span):
        return (
            span in known_names.metrics() | known_names.settings() | known_names.operations()
            or span in known_names.routes() | known_names.files() | known_names.panels().keys()
            or span in {name for _, name in known_names.objects()}
            or any(ROOT.glob(span) if re.fullmatch(PATH, span) else ())
            or ("://" in span and is_reachable(span))
        )  # fmt: skip
    first, _, arguments = span.partition(" ")
    if arguments:
        return not re.fullmatch(PATH, first) or (ROOT / first).exists()
    return not WORD.fullmatch(span) or known_names.in_code(span)


def missing(text: str) -> list[str]:
    """Return what is named in backticks or used in a command, and does not exist."""
    spans = (span for span in document.spans(text) if not document.is_command(span))
    return [*used(text), *(span for span in spans if not exists(span))]


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
