"""Tables in Markdown, and the places of a page where they belong."""

import re
from collections.abc import Iterable, Mapping, Sequence

BLOCK = re.compile(r"(?s)(<!-- measured: ([a-z]+) -->\n).*?(<!-- end -->)")


def table(columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table, numbers to the right; `columns` are the formats of the cells by heading."""
    formats = list(columns.values())
    lines = [
        list(columns),
        ["---" if spec == "" else "---:" for spec in formats],
        *([format(*cell) for cell in zip(row, formats, strict=True)] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def places(page: str) -> list[str]:
    """Return the names of a page's places, in their order."""
    return [name for _, name, _ in BLOCK.findall(page)]


def fill(page: str, blocks: Mapping[str, str]) -> str:
    """Return the page with the blocks in its places. Raises ValueError unless each has its own."""
    if sorted(blocks) != sorted(places(page)):
        raise ValueError(f"places {places(page)} for {list(blocks)}")
    return BLOCK.sub(lambda found: found[1] + blocks[found[2]] + found[3], page)
