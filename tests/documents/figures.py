"""The labels of figures that cannot be measured again: what the benchmarks print, and where."""

import ast
import re
from collections.abc import Iterator

from documents.walkthrough import NUMBER
from support.paths import ROOT

BENCH = ROOT / "tests/bench"


def labels(text: str) -> set[str]:
    """Return the words of a table: what stands between numbers, or between wide gaps."""
    parts = re.split(r"#|\s{2,}|\n", NUMBER.sub("#", text))
    return {part.strip() for part in parts if re.search("[a-zA-Z]", part)}


def _texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts below a node of a syntax tree, but for how numbers are formatted."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            if name != "format_spec" and isinstance(child, ast.AST):
                yield from _texts(child)


def written() -> set[str]:
    """Return the labels that stand anywhere in the benchmarks."""
    trees = (ast.parse(file.read_text()) for file in BENCH.glob("*.py"))
    return {label for tree in trees for text in _texts(tree) for label in labels(text)}


def printed() -> set[str]:
    """Return the labels that `make bench` prints: as texts, and as keys of what is measured."""
    nodes: list[ast.AST | None] = []
    for node in ast.walk(ast.parse((BENCH / "run.py").read_text())):
        if isinstance(node, ast.Dict):
            nodes += node.keys
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            aside = any(keyword.arg == "file" for keyword in node.keywords)
            nodes += node.args if node.func.id == "print" and not aside else []
    return {label for node in nodes if node for text in _texts(node) for label in labels(text)}
