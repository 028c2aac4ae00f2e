"""Check that everything a documented shell command refers to exists."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from documents import known_names
from support import telemetry
from support.paths import ROOT

FILE = r"[\w.*-]+\.(?:csv|in|joblib|js|json|md|mjs|onnx|png|py|sh|svg|toml|ts|txt|ya?ml)"
PATH = rf"(?:[\w.*-]+/)+[\w.*-]*|{FILE}"
"""What a path looks like: one that has a folder, or an ending that we use."""
KINDS = {"svc": "service"}
WITH_VALUE = {"-n", "-l", "-o", "-p", "--type"}
"""Options of kubectl and minikube that are followed by a value."""


def for_cluster(command: list[str]) -> Iterator[str]:
    """Yield namespaces, labels, objects and their ports that do not exist."""
    options = dict(pairwise(command))
    namespace = options.get("-n", "")
    if namespace and namespace not in {space for space, _ in known_names.objects()}:
        yield f"namespace {namespace}"
    label = options.get("-l", "").partition("=")[2]
    if label and label not in {own.partition("/")[2] for _, own in known_names.objects()}:
        yield f"label {label}"
    plain = [
        word for before, word in pairwise(command)
        if not word.startswith("-") and before not in WITH_VALUE
    ]  # fmt: skip
    if plain[:1] == ["kustomize"]:
        yield from (word for word in plain[1:] if not (ROOT / word).exists())
    elif plain[:1] not in (["addons"], ["create"]):  # what is created need not be there
        yield from for_objects(namespace, plain)


def for_objects(namespace: str, plain: list[str]) -> Iterator[str]:
    """Yield what the words of a command that are no options name, and is not in a namespace."""
    pairs = [tuple(word.split("/")) for word in plain if re.fullmatch(r"[a-z]+/[a-z-]+", word)]
    verb, *rest = plain or [""]
    if len(rest) > 1 and not pairs:  # `get secret NAME`, and Minikube's `service NAME`
        pairs = [(rest[0], name) for name in rest[1:]]
    if verb == "service":
        pairs = [(verb, name) for name in rest]
    for kind, name in pairs:
        own = f"{KINDS.get(kind, kind)}/{name}"
        known = known_names.objects() | known_names.secrets()
        if (namespace, own) not in known | {(namespace, "serviceaccount/default")}:
            yield f"{own} in namespace {namespace!r}"
        for port in (word for word in rest if re.fullmatch(r"\d+:\d+", word)):
            ports = known_names.services().get((namespace, own), [])
            if int(port.partition(":")[2]) not in [p["port"] for p in ports]:
                yield f"{own}: port {port}"


def for_git(command: list[str]) -> Iterator[str]:
    """Yield branches and paths that do not exist."""
    plain = [word for word in command[2:] if not word.startswith("-")]
    said = {"switch": plain, "push": plain[1:]}.get(command[1] if command[1:] else "", [])
    said += [word for before, word in pairwise(command) if before == "--branch"]
    yield from (f"branch {word}" for word in said if word not in known_names.branches())
    if "--" in command:
        paths = command[command.index("--") + 1 :]
        yield from (word for word in paths if not (ROOT / word).exists())


def for_make(command: list[str]) -> Iterator[str]:
    """Yield targets and variables that the Makefile does not have."""
    for word in command[1:]:
        variable, is_set, _ = word.partition("=")
        if variable not in (known_names.variables() if is_set else known_names.targets()):
            yield word


BY_PROGRAM = {
    "kubectl": for_cluster,
    "minikube": for_cluster,
    "git": for_git,
    "make": for_make,
}


def for_command(folder: Path, command: list[str]) -> Iterator[str]:
    """Yield what a command names and is not there."""
    program = command[0]
    yield from BY_PROGRAM.get(program, lambda _: iter(()))(command)
    if "/" in program and not (folder / program).exists():
        yield program
    if program == "cd" and not (command[1].isupper() or (folder / command[1]).is_dir()):
        yield command[1]
    for word in command[1:]:
        if word.startswith("query="):
            yield from telemetry.metrics_read(word.removeprefix("query=")) - known_names.metrics()
        if re.fullmatch(FILE if program == "kubectl" else PATH, word) and not (
            (folder / word).exists() or word in known_names.tables()
        ):
            yield word
